/* See alerter.h. Events of `anomalies` are only a hint that the outbox has something new. */
#include "services/alerter/alerter.h"

#include <string.h>

#include "runtime/retry.h"
#include "services/pipeline/topics.h"

#define ID_SIZE 64
#define BODY_SIZE_MAX (256u << 10)
#define RETRY_FIRST_MS 500
#define RETRY_MOST_MS 60000
#define TICK_MS 100
/* Deliveries of one route in a row, so that a slow one does not starve the others for long. */
#define ROUND_MAX 64

/* The delivery a route works on. */
struct delivery {
    struct tt_retry retry;
    int64_t at_ms; /* monotonic: not before */
    bool idle;     /* the outbox was empty when last looked at */
    char id[ID_SIZE];
    int64_t event_ms;
    struct tt_buf body;
};

struct alerter {
    struct tt_stage stage;
    struct tt_alerter_options options;
    const struct tt_context *context;
    struct delivery deliveries[TT_ROUTES_MAX];
};

static enum tt_status on_batch(struct tt_stage *stage, struct tt_event *const *events, size_t count,
                               struct tt_error *err)
{
    (void)err;
    struct alerter *alerter = (struct alerter *)stage;
    for (uint32_t i = 0; i < alerter->options.route_count; i++) {
        alerter->deliveries[i].idle = false;
    }
    for (size_t i = 0; i < count; i++) {
        tt_event_release(events[i]);
    }
    return TT_OK;
}

static bool on_undelivered(void *ctx, const struct tt_row_anomaly *row)
{
    struct delivery *delivery = ctx;
    if (row->anomaly_id.size < ID_SIZE) {
        memcpy(delivery->id, row->anomaly_id.data, row->anomaly_id.size);
        delivery->id[row->anomaly_id.size] = '\0';
        delivery->event_ms = row->event_ms;
        tt_buf_append_text(&delivery->body, "{\"type\":\"anomaly.created\",\"timestamp\":\"");
        char text[TT_TIME_TEXT_SIZE];
        size_t size = tt_time_format(row->event_ms, text);
        tt_buf_append(&delivery->body, text, size);
        tt_buf_append_text(&delivery->body, "\",\"data\":");
        tt_buf_append_str(&delivery->body, row->json);
        tt_buf_append_char(&delivery->body, '}');
    }
    return false;
}

/* Loads the oldest undelivered anomaly of the route; false when there is none. */
static bool load_next(struct alerter *alerter, uint32_t route)
{
    struct delivery *delivery = &alerter->deliveries[route];
    struct tt_store *store = alerter->options.store;
    struct tt_error err = {0};
    delivery->id[0] = '\0';
    tt_buf_clear(&delivery->body);
    enum tt_status status = store->ops->list_undelivered(
        store, tt_str_from(alerter->options.routes[route].name), 1, on_undelivered, delivery, &err);
    if (status != TT_OK) {
        tt_log_error(alerter->context->log, "outbox_read_failed", &err);
    }
    delivery->idle = delivery->id[0] == '\0';
    return !delivery->idle;
}

static void settle(struct alerter *alerter, uint32_t route, bool delivered, struct tt_str detail)
{
    struct delivery *delivery = &alerter->deliveries[route];
    const struct tt_context *context = alerter->context;
    struct tt_error err = {0};
    struct tt_store *store = alerter->options.store;
    enum tt_status status = store->ops->settle(
        store, tt_str_from(alerter->options.routes[route].name), tt_str_from(delivery->id),
        delivered, tt_clock_now_ms(context->clock), detail, &err);
    if (status != TT_OK) {
        tt_log_error(context->log, "outbox_settle_failed", &err); /* it will be delivered again */
    }
    if (context->metrics != NULL) {
        tt_metrics_add_label(context->metrics, TT_METRIC_DELIVERIES,
                             delivered ? "delivered" : "given_up", 1);
    }
    delivery->id[0] = '\0';
    tt_retry_reset(&delivery->retry);
}

static void postpone(struct alerter *alerter, uint32_t route, int64_t now_ms,
                     int64_t retry_after_ms, const struct tt_error *err)
{
    struct delivery *delivery = &alerter->deliveries[route];
    int64_t wait_ms = tt_retry_next_ms(&delivery->retry, now_ms);
    if (wait_ms < 0) {
        tt_log(alerter->context->log, TT_LOG_ERROR, "alert_given_up", err->message,
               TT_LOG_TEXT("route", alerter->options.routes[route].name),
               TT_LOG_TEXT("anomaly_id", delivery->id));
        settle(alerter, route, false, tt_str_from(err->message));
        return;
    }
    wait_ms = retry_after_ms > wait_ms ? retry_after_ms : wait_ms;
    delivery->at_ms = now_ms + wait_ms;
    if (alerter->context->metrics != NULL) {
        tt_metrics_add_label(alerter->context->metrics, TT_METRIC_DELIVERIES, "retried", 1);
    }
    tt_log(alerter->context->log, TT_LOG_WARN, "alert_delivery_failed", err->message,
           TT_LOG_TEXT("route", alerter->options.routes[route].name),
           TT_LOG_TEXT("anomaly_id", delivery->id), TT_LOG_INT("retry_in_ms", wait_ms));
}

static void deliver(struct alerter *alerter, uint32_t route, int64_t now_ms)
{
    struct delivery *delivery = &alerter->deliveries[route];
    struct tt_notifier *notifier = alerter->options.routes[route].notifier;
    struct tt_notification notification = {
        .id = tt_str_from(delivery->id),
        .type = TT_STR("anomaly.created"),
        .timestamp_ms = tt_clock_now_ms(alerter->context->clock),
        .body = tt_buf_str(&delivery->body),
    };
    int64_t retry_after_ms = 0;
    struct tt_error err = {0};
    enum tt_status status = notifier->ops->deliver(notifier, &notification, &retry_after_ms, &err);
    if (status == TT_OK) {
        settle(alerter, route, true, TT_STR(""));
    } else if (status == TT_E_DENIED || status == TT_E_INVALID) {
        tt_log(alerter->context->log, TT_LOG_ERROR, "alert_refused", err.message,
               TT_LOG_TEXT("route", alerter->options.routes[route].name),
               TT_LOG_TEXT("anomaly_id", delivery->id));
        settle(alerter, route, false, tt_str_from(err.message));
    } else {
        postpone(alerter, route, now_ms, retry_after_ms, &err);
    }
}

static enum tt_status on_tick(struct tt_stage *stage, int64_t now_ns, struct tt_error *err)
{
    (void)err;
    struct alerter *alerter = (struct alerter *)stage;
    int64_t now_ms = now_ns / 1000000;
    for (uint32_t i = 0; i < alerter->options.route_count; i++) {
        struct delivery *delivery = &alerter->deliveries[i];
        for (int k = 0; k < ROUND_MAX && !delivery->idle && now_ms >= delivery->at_ms; k++) {
            if (delivery->id[0] != '\0' || load_next(alerter, i)) {
                deliver(alerter, i, now_ms);
            }
        }
    }
    return TT_OK;
}

static void free_stage(struct tt_stage *stage)
{
    struct alerter *alerter = (struct alerter *)stage;
    for (uint32_t i = 0; i < TT_ROUTES_MAX; i++) {
        tt_buf_deinit(&alerter->deliveries[i].body);
    }
    tt_delete(alerter->context->alloc, alerter, sizeof *alerter);
}

static const struct tt_stage_ops ops = {
    .name = "alerter",
    .on_batch = on_batch,
    .on_tick = on_tick,
    .free = free_stage,
};

enum tt_status tt_alerter_new(const struct tt_alerter_options *options, struct tt_stage **ret,
                              struct tt_error *err)
{
    struct alerter *alerter = tt_new_array(options->context->alloc, 1, sizeof *alerter);
    if (alerter == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for the alerter");
    }
    alerter->stage.ops = &ops;
    alerter->stage.inputs[0] = TT_TOPIC_ANOMALIES;
    alerter->stage.tick_ms = TICK_MS;
    alerter->options = *options;
    alerter->context = options->context;
    for (uint32_t i = 0; i < TT_ROUTES_MAX; i++) {
        struct delivery *delivery = &alerter->deliveries[i];
        tt_buf_init(&delivery->body, options->context->alloc, BODY_SIZE_MAX);
        tt_retry_init(&delivery->retry, RETRY_FIRST_MS, RETRY_MOST_MS, options->retry_for_ms,
                      (uint64_t)tt_clock_monotonic_ns(options->context->clock) + i);
    }
    *ret = &alerter->stage;
    return TT_OK;
}
