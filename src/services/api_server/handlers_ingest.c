/* POST /transactions and POST /labels: bodies go to the intake, answers come after the commit. */
#include <string.h>
#include <strings.h>

#include "services/api_server/call.h"

#define RESPONSE_SIZE_MAX (1u << 30)

/* What a body that waits for its answer needs. */
struct waiting {
    struct tt_api *api;
    struct tt_http_request *request;
};

/* Runs on the thread of the last answer. */
static void done(void *ctx, struct tt_submission *submission)
{
    struct waiting *waiting = ctx;
    struct tt_api *api = waiting->api;
    struct tt_buf buf;
    tt_buf_init(&buf, api->context->alloc, RESPONSE_SIZE_MAX);
    struct tt_http_response response = {.status = tt_submission_status(submission)};
    bool problem = tt_submission_is_problem(submission);
    if (tt_submission_write(submission, &buf) != TT_OK) {
        tt_buf_clear(&buf);
        response.status = 500;
    }
    response.body = tt_buf_str(&buf);
    tt_response_header(&response, "Content-Type",
                       problem                               ? TT_STR("application/problem+json")
                       : tt_submission_is_single(submission) ? TT_STR("application/json")
                                                             : TT_STR("application/x-ndjson"));
    tt_response_header(&response, "Cache-Control", TT_STR("no-store"));
    tt_response_header(&response, "X-Content-Type-Options", TT_STR("nosniff"));
    if (response.status == 503) {
        tt_response_header(&response, "Retry-After", TT_STR("1"));
    }
    if (api->context->metrics != NULL) {
        tt_metrics_add_label(api->context->metrics, TT_METRIC_HTTP_REQUESTS,
                             response.status < 300   ? "2xx"
                             : response.status < 500 ? "4xx"
                                                     : "5xx",
                             1);
    }
    api->server->ops->respond(waiting->request, &response);
    tt_buf_deinit(&buf);
    tt_delete(api->context->alloc, waiting, sizeof *waiting);
}

/* The media type without parameters. */
static bool media_is(struct tt_str value, const char *name)
{
    struct tt_str rest = value;
    struct tt_str type = tt_str_trim(tt_str_split(&rest, ';'));
    return type.size == strlen(name) && strncasecmp(type.data, name, type.size) == 0;
}

static bool refuse(struct tt_call *call, enum tt_status status, const struct tt_error *err)
{
    switch (status) {
    case TT_E_AGAIN:
        tt_context_count(call->api->context, TT_METRIC_INTAKE_FULL, 1);
        return tt_call_problem(call, 429, "intake_full", "%s", err->message);
    case TT_E_CLOSED:
        return tt_call_problem(call, 503, "shutting_down", "%s", err->message);
    case TT_E_INVALID:
        return tt_call_problem(call, 400, "empty_body", "%s", err->message);
    case TT_E_LIMIT:
        return tt_call_problem(call, 413, "too_many_records", "%s", err->message);
    default:
        return tt_call_problem(call, 503, "no_memory", "%s", err->message);
    }
}

static bool submit(struct tt_call *call, enum tt_intake_kind kind)
{
    struct tt_api *api = call->api;
    struct tt_str type = tt_call_http(call)->header(call->request, "Content-Type");
    bool single = type.data == NULL || media_is(type, "application/json");
    bool lines = type.data != NULL &&
                 (media_is(type, "application/x-ndjson") || media_is(type, "application/ndjson") ||
                  media_is(type, "application/jsonl"));
    if (!single && !lines) {
        return tt_call_problem(call, 415, "media_type",
                               "send application/json (one record) or application/x-ndjson");
    }
    if (__atomic_load_n(&api->ready_ms, __ATOMIC_ACQUIRE) == 0) {
        return tt_call_problem(call, 503, "starting", "not ready yet");
    }
    struct waiting *waiting = tt_new(api->context->alloc, sizeof *waiting);
    if (waiting == NULL) {
        return tt_call_problem(call, 503, "no_memory", "no memory for the request");
    }
    *waiting = (struct waiting){api, call->request};
    struct tt_error err = {0};
    struct tt_str body = call->request->body;
    enum tt_status status = tt_intake_submit(
        api->intake, kind, single, body.data != NULL ? body : TT_STR(""), done, waiting, &err);
    if (status == TT_OK) {
        return false;
    }
    tt_delete(api->context->alloc, waiting, sizeof *waiting);
    return refuse(call, status, &err);
}

bool post_transactions(struct tt_call *call)
{
    return submit(call, TT_INTAKE_TRANSACTIONS);
}

bool post_labels(struct tt_call *call)
{
    return submit(call, TT_INTAKE_LABELS);
}
