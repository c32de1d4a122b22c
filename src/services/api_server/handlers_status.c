/* GET /status, /healthz, /readyz, /metrics and POST /auth/exchange. */
#include <stdio.h>
#include <string.h>

#include "format/json_read.h"
#include "services/api_server/call.h"

#define RATE_SAMPLE_NS INT64_C(3000000000)
#define CODE_SIZE_MAX 4096

static bool is_ready(struct tt_api *api)
{
    return __atomic_load_n(&api->ready_ms, __ATOMIC_ACQUIRE) != 0 &&
           !__atomic_load_n(&api->draining, __ATOMIC_ACQUIRE) &&
           !__atomic_load_n(&api->failed, __ATOMIC_ACQUIRE);
}

/* Transactions a second between the older of two samples and now. */
static double rate(struct tt_api *api, uint64_t count)
{
    int64_t now_ns = tt_clock_monotonic_ns(api->context->clock);
    pthread_mutex_lock(&api->rate_lock);
    if (now_ns - api->rate_at_ns[1] > RATE_SAMPLE_NS) {
        api->rate_at_ns[0] = api->rate_at_ns[1];
        api->rate_count[0] = api->rate_count[1];
        api->rate_at_ns[1] = now_ns;
        api->rate_count[1] = count;
    }
    int64_t since_ns = now_ns - api->rate_at_ns[0];
    double value = api->rate_at_ns[0] == 0 || since_ns <= 0
                       ? 0.0
                       : (double)(count - api->rate_count[0]) * 1e9 / (double)since_ns;
    pthread_mutex_unlock(&api->rate_lock);
    return value;
}

static void write_numbers(struct tt_call *call, struct tt_json_writer *json)
{
    struct tt_api *api = call->api;
    const struct tt_metrics *metrics = api->context->metrics;
    uint64_t rows = tt_metrics_get(metrics, TT_METRIC_STORE_ROWS);
    tt_json_key(json, "transactions");
    tt_json_uint64(json, api->transactions_before + rows);
    tt_json_key(json, "anomalies");
    tt_json_uint64(json, api->anomalies_before + tt_metrics_get(metrics, TT_METRIC_ANOMALIES));
    tt_json_key(json, "alerts");
    tt_json_uint64(json, tt_metrics_get(metrics, TT_METRIC_ALERTS));
    tt_json_member_double(json, "transactions_per_second", rate(api, rows));
    tt_json_key(json, "latency_ms");
    tt_json_object_begin(json);
    tt_json_member_double(json, "p50",
                          (double)tt_metrics_quantile(metrics, TT_METRIC_LATENCY, 0.5) / 1e6);
    tt_json_member_double(json, "p99",
                          (double)tt_metrics_quantile(metrics, TT_METRIC_LATENCY, 0.99) / 1e6);
    tt_json_object_end(json);
}

/* How far back the windows of each kind of entity reach. */
static void write_warmth(const struct tt_context *context, struct tt_json_writer *json)
{
    const struct tt_plan *plan = context->engine->plan;
    tt_json_key(json, "features");
    tt_json_array_begin(json);
    for (uint32_t i = 0; i < tt_plan_step_count(plan); i++) {
        char text[TT_TIME_TEXT_SIZE];
        int64_t warm_ms = __atomic_load_n(&context->warm_from_ms[i], __ATOMIC_RELAXED);
        tt_json_object_begin(json);
        tt_json_member_text(json, "entity", tt_plan_step_name(plan, i));
        tt_json_key(json, "warm_from");
        if (warm_ms == TT_TIME_NONE) {
            tt_json_null(json);
        } else {
            (void)tt_time_format(warm_ms, text);
            tt_json_text(json, text);
        }
        tt_json_object_end(json);
    }
    tt_json_array_end(json);
}

bool get_status(struct tt_call *call)
{
    struct tt_api *api = call->api;
    struct tt_json_writer json;
    tt_json_writer_init(&json, &call->body);
    tt_json_object_begin(&json);
    tt_json_member_text(&json, "status", is_ready(api) ? "ok" : "degraded");
    tt_json_member_text(&json, "version", TT_VERSION);
    int64_t ready_ms = __atomic_load_n(&api->ready_ms, __ATOMIC_ACQUIRE);
    tt_json_member_double(
        &json, "uptime_seconds",
        ready_ms == 0 ? 0.0 : (double)(tt_clock_now_ms(api->context->clock) - ready_ms) / 1e3);
    write_numbers(call, &json);
    struct tt_bundle *bundle = tt_bundles_current(api->context->bundles);
    char hash[33];
    tt_hash128_hex(bundle->hash, hash);
    tt_json_member_int64(&json, "epoch", bundle->epoch);
    tt_json_member_text(&json, "bundle", hash);
    tt_bundle_unref(bundle);
    write_warmth(api->context, &json);
    tt_json_key(&json, "services");
    tt_json_array_begin(&json);
    if (api->services != NULL) {
        api->services(api->services_ctx, &json);
    }
    tt_json_array_end(&json);
    tt_json_object_end(&json);
    return tt_call_json(call, 200);
}

bool get_healthz(struct tt_call *call)
{
    tt_buf_append_text(&call->body, "{\"status\":\"ok\"}");
    return tt_call_json(call, 200);
}

bool get_readyz(struct tt_call *call)
{
    struct tt_api *api = call->api;
    if (is_ready(api)) {
        tt_buf_append_text(&call->body, "{\"status\":\"ready\"}");
        return tt_call_json(call, 200);
    }
    const char *why = __atomic_load_n(&api->draining, __ATOMIC_ACQUIRE) ? "draining"
                      : __atomic_load_n(&api->failed, __ATOMIC_ACQUIRE) ? "failed"
                                                                        : "starting";
    return tt_call_problem(call, 503, why, "not ready: %s", why);
}

bool get_metrics(struct tt_call *call)
{
    struct tt_api *api = call->api;
    struct tt_metrics *metrics = api->context->metrics;
    int64_t ready_ms = __atomic_load_n(&api->ready_ms, __ATOMIC_ACQUIRE);
    tt_metrics_set(metrics, TT_METRIC_READY, is_ready(api) ? 1.0 : 0.0);
    tt_metrics_set(metrics, TT_METRIC_UPTIME,
                   ready_ms == 0 ? 0.0
                                 : (double)(tt_clock_now_ms(api->context->clock) - ready_ms) / 1e3);
    tt_metrics_set(metrics, TT_METRIC_EPOCH, (double)tt_bundles_epoch(api->context->bundles));
    tt_metrics_set(metrics, TT_METRIC_EVENTS_INFLIGHT,
                   (double)tt_event_pool_used(api->context->pool));
    tt_metrics_set(metrics, TT_METRIC_QUEUE_BYTES, (double)tt_intake_bytes(api->intake));
    if (api->services != NULL) {
        api->services(api->services_ctx, NULL);
    }
    if (tt_metrics_write(metrics, &call->body) != TT_OK) {
        return tt_call_problem(call, 500, "no_memory", "the metrics cannot be written");
    }
    call->response->status = 200;
    call->response->body = tt_buf_str(&call->body);
    tt_response_header(call->response, "Content-Type",
                       TT_STR("text/plain; version=0.0.4; charset=utf-8"));
    return true;
}

static bool read_code(struct tt_call *call, struct tt_arena *arena, struct tt_str *ret)
{
    struct tt_tree *tree = NULL;
    struct tt_error err = {0};
    struct tt_str body = call->request->body;
    return body.data != NULL && body.size <= CODE_SIZE_MAX &&
           tt_json_parse_tree(arena, body, &tree, &err) == TT_OK &&
           tt_tree_text(tt_tree_get(tree, "code"), ret, &err) == TT_OK;
}

bool post_exchange(struct tt_call *call)
{
    const struct tt_alloc *alloc = call->api->context->alloc;
    struct tt_arena arena;
    tt_arena_init(&arena, alloc, CODE_SIZE_MAX, 1u << 16);
    struct tt_buf token;
    tt_buf_init(&token, alloc, CODE_SIZE_MAX);
    struct tt_str code = {0};
    struct tt_error err = {0};
    int64_t expires_ms = 0;
    if (!read_code(call, &arena, &code)) {
        (void)tt_call_problem(call, 400, "bad_body", "send {\"code\":\"…\"}");
    } else if (tt_auth_exchange(call->api->auth, code, &token, &expires_ms, &err) != TT_OK) {
        (void)tt_call_problem(call, 401, "bad_code", "%s", err.message);
    } else {
        struct tt_json_writer json;
        tt_json_writer_init(&json, &call->body);
        tt_json_object_begin(&json);
        tt_json_member_string(&json, "token", tt_buf_str(&token));
        tt_json_key(&json, "expires_at");
        tt_json_time(&json, expires_ms);
        tt_json_object_end(&json);
        (void)tt_call_json(call, 200);
    }
    tt_buf_deinit(&token);
    tt_arena_deinit(&arena);
    return true;
}
