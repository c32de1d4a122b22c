/*
 * The HTTP API of api-server.
 *
 * What:    one handler for the HTTP port: checks Host and Origin, who calls and what they may, then the
 *          route of routes.def.
 * Why:     the table is the API: routing, the reference page and the tests walk it. Identity and role are
 *          checked before media type, body or id, so that nobody learns from an error what they may not see.
 * Owner:   the caller owns the struct, which must outlive the server.
 * Threads: the handler runs on the listener's threads.
 * Limits:  those of the listener; lists give at most 1,000 items.
 */
#ifndef TT_SERVICES_API_SERVER_API_H
#define TT_SERVICES_API_SERVER_API_H

#include "format/record/record_json.h"
#include "ports/http.h"
#include "ports/store.h"
#include "services/api_server/auth.h"
#include "services/data_ingestor/intake.h"
#include "services/pipeline/context.h"
#include "services/pipeline/rule_book.h"

/* Writes the services' array of GET /status, and refreshes the metrics that stages keep themselves. */
typedef void tt_api_services(void *ctx, struct tt_json_writer *json);

struct tt_api {
    const struct tt_context *context;
    struct tt_http_server *server; /* set once it is open */
    struct tt_auth *auth;
    struct tt_store *store;
    struct tt_intake *intake;
    const struct tt_record_schema *schema;
    struct tt_cache *cache;
    struct tt_rule_book *book; /* how rules are changed */
    bool rules_in_database;    /* rules.master */
    uint32_t rules_coverage_min;
    const struct tt_str *hosts; /* accepted in Host and Origin besides loopback names */
    size_t host_count;
    struct tt_str address; /* the listener's: accepted as a host too */
    uint64_t rate_limit;   /* reading calls a second and caller; 0 = no limit */
    uint64_t transactions_before, anomalies_before; /* stored before this start */
    int64_t ready_ms;                               /* atomic: wall clock; 0 = not ready */
    bool draining;                                  /* atomic */
    bool failed;                                    /* atomic: the pipeline has stopped */
    tt_api_services *services;
    void *services_ctx;
    /* The dashboard's handler for /app/…, or NULL. */
    bool (*dashboard)(const struct tt_http_request *request, const struct tt_http_ops *http,
                      struct tt_http_response *response);
    /* For the rate of GET /status: two samples. */
    pthread_mutex_t rate_lock;
    int64_t rate_at_ns[2];
    uint64_t rate_count[2];
};

/* init and deinit what is the API's own; the rest is the caller's to fill in. */
void tt_api_init(struct tt_api *api);
void tt_api_deinit(struct tt_api *api);
/* For struct tt_http_options.handler, ctx = the api. */
bool tt_api_handle(void *ctx, struct tt_http_request *request, struct tt_http_response *response);
/* The same for a listener of its own: health and metrics only. */
bool tt_api_handle_ops(void *ctx, struct tt_http_request *request,
                       struct tt_http_response *response);
/* docs/reference/api.md. */
enum tt_status tt_api_docs(struct tt_buf *buf) TT_MUST_USE;

#endif
