/*
 * One call of the API: what the handlers get and how they answer.
 *
 * What:    request, who calls, the last path segment, and a buffer for the body.
 * Owner:   lives on the listener's stack for the call; a body is copied by the HTTP adapter.
 * Threads: the listener's.
 */
#ifndef TT_SERVICES_API_SERVER_CALL_H
#define TT_SERVICES_API_SERVER_CALL_H

#include "services/api_server/api.h"

struct tt_call {
    struct tt_api *api;
    struct tt_http_request *request;
    struct tt_http_response *response;
    struct tt_principal principal;
    struct tt_str segment; /* what `*` stood for */
    char allow[64];        /* the methods that the path has */
    struct tt_buf body;
    struct tt_arena arena; /* what lives as long as the call */
};

/* Handlers return true when they answered, false when the answer comes later. */
#define TT_ROUTE(method, path, handler, role, scope, summary) bool handler(struct tt_call *call);
#include "services/api_server/routes.def"
#undef TT_ROUTE

/* The server's operations. */
static inline const struct tt_http_ops *tt_call_http(const struct tt_call *call)
{
    return call->api->server->ops;
}

/* Answers with what is in call->body. */
bool tt_call_json(struct tt_call *call, uint16_t status);
bool tt_call_problem(struct tt_call *call, uint16_t status, const char *code, const char *format,
                     ...) TT_PRINTF(4, 5);
/* Adds a header; its value must live until the answer is given. */
void tt_response_header(struct tt_http_response *response, const char *name, struct tt_str value);
/* An id as it is stored: a card number in it is the same token. The copy, if any, lives in call->arena. */
struct tt_str tt_call_id(struct tt_call *call, struct tt_str id);
/* RFC 3339 or epoch ms; false when it is neither. */
bool tt_call_time(struct tt_str text, int64_t *ret_ms);

#endif
