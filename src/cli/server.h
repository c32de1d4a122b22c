/*
 * The whole server in one process: what run and demo share.
 *
 * What:    store, engine, sink, alerter, API, dashboard, health and metrics; restored from what is stored, then
 *          ready.
 * Owner:   the caller owns the struct (large: allocate it); tt_server_close gives everything back.
 * Threads: open, start, stop and close from the main thread. Inside: thread 0 the engine, 1 the sink,
 *          2 the alerter, and the listener's.
 * Fails:   open with a message for people (address in use, database in use, bad configuration).
 */
#ifndef TT_CLI_SERVER_H
#define TT_CLI_SERVER_H

#include "cli/assembly.h"
#include "cli/restore.h"
#include "ports/http.h"
#include "ports/notify.h"
#include "services/alerter/alerter.h"
#include "services/api_server/api.h"

#define TT_PRIVATE_HOSTS_MAX 32

struct tt_server_options {
    struct tt_settings *settings; /* with its engine */
    const char *data_dir;
    struct tt_feed *feed; /* or NULL */
    bool process_durability;
    int log_fd;
    /* More stages over `decisions` in the sink's thread; may be NULL. */
    struct tt_stage *observer;
};

/* What tells that a file has changed. */
struct tt_server_file {
    uint64_t inode;
    int64_t size, changed_ns;
};

struct tt_server {
    struct tt_server_options options;
    const struct tt_alloc *alloc;
    struct tt_log log;
    struct tt_metrics metrics;
    struct tt_store *store;
    struct tt_state *state;
    struct tt_cache *cache;
    struct tt_token_signer *signer;
    struct tt_api_keys *keys;
    struct tt_auth auth;
    struct tt_intake *intake;
    struct tt_restore restore;
    struct tt_snapshots snapshots;
    struct tt_hash_key entity_key;
    bool drained;
    struct tt_rule_book book;
    bool book_open;
    struct tt_server_file rules_file; /* as it was looked at last */
    int64_t watch_at_ns;
    struct tt_assembly assembly;
    bool assembly_open;
    struct tt_notifier *notifiers[TT_ROUTES_MAX];
    const char *allowed_private[TT_PRIVATE_HOSTS_MAX];
    uint32_t notifier_count;
    struct tt_api api;
    bool api_open;
    struct tt_http_server *http, *ops;
    struct tt_api ops_api;
    int64_t drain_since_ns, upkeep_at_ns;
    char failure[256]; /* of the pipeline, once it failed */
};

enum tt_status tt_server_open(struct tt_server *server, const struct tt_server_options *options,
                              struct tt_error *err) TT_MUST_USE;
/* Starts the stages and opens the listener; ready when it returns. */
enum tt_status tt_server_start(struct tt_server *server, struct tt_error *err) TT_MUST_USE;
uint16_t tt_server_port(const struct tt_server *server);
/* Stops taking in; returns at once. */
void tt_server_begin_drain(struct tt_server *server);
/* Waits until what is under way is finished: TT_E_TIMEOUT not within timeout_ms, TT_E_LIMIT not within the
 * configured time since it began, or the pipeline's failure. */
enum tt_status tt_server_wait_drained(struct tt_server *server, int64_t timeout_ms,
                                      struct tt_error *err) TT_MUST_USE;
bool tt_server_failed(const struct tt_server *server);
/* Drops days past store.retention, once an hour and at the first call; to be called now and then. */
void tt_server_upkeep(struct tt_server *server);
/* Reads the rules file again: a new version, or a line in the log about what is wrong. */
void tt_server_rules_reload(struct tt_server *server);
/* The same when the file has changed; to be called now and then. */
void tt_server_rules_watch(struct tt_server *server);
void tt_server_close(struct tt_server *server);
/* server_rules.c: before the state is loaded, the book and its first version; after the replay, what
 * is to be in force is offered. */
enum tt_status tt_server_rules_open(struct tt_server *server, struct tt_error *err) TT_MUST_USE;
enum tt_status tt_server_rules_settle(struct tt_server *server, struct tt_error *err) TT_MUST_USE;
/* Opens only what tokens need: signer and keys of a data folder. */
enum tt_status tt_server_open_auth(struct tt_server *server, struct tt_settings *settings,
                                   const char *data_dir, struct tt_error *err) TT_MUST_USE;

#endif
