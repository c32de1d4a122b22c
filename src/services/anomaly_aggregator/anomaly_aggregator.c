/* See anomaly_aggregator.h. Each detector stage emits every event in the order of the log, so events
 * complete in that order too, and no table of open joins is needed: a count in the event is enough. */
#include "services/anomaly_aggregator/anomaly_aggregator.h"

#include "core/decide/decide.h"
#include "core/detect/blend.h"
#include "services/anomaly_aggregator/cases.h"
#include "services/pipeline/detector_stage.h"
#include "services/pipeline/topics.h"

#define CASES_MAX 1000000
#define ALERT_STATE_VERSION 2 /* 2: the open cases, a checksum */
#define ALERT_STATE_SIZE_MAX (256u << 20)
#define CHECKSUM_SIZE 8
/* Zones change their offset at a quarter of an hour or rarer. */
#define ZONE_STEP_MS (15 * TT_MS_PER_MINUTE)

struct aggregator {
    struct tt_stage stage;
    struct tt_anomaly_aggregator_options options;
    const struct tt_context *context;
    struct tt_bundle_view view;
    struct tt_cases cases;
    struct tt_budget budget;
    int64_t zone_step, zone_offset_ms; /* the offset of that step of time */
};

void tt_closing_free(struct tt_closing *closing)
{
    if (closing == NULL) {
        return;
    }
    tt_buf_deinit(&closing->bundle_bytes);
    tt_buf_deinit(&closing->trainer_state);
    tt_buf_deinit(&closing->alert_state);
    tt_bundle_unref(closing->bundle);
    tt_delete(closing->alloc, closing, sizeof *closing);
}

static bool learns(const struct tt_event *event)
{
    /* read back from a stored row by the same bit */
    return event->gate == TT_GATE_FRESH && (event->step_absorbed & 1) != 0;
}

static const struct tt_hash_key CHECK_KEY = {UINT64_C(0x616c65727473746), UINT64_C(0x617465)};

/* Budget and open cases. */
static enum tt_status encode_alerts(const struct aggregator *aggregator, struct tt_buf *buf)
{
    tt_wire_put_u8(buf, ALERT_STATE_VERSION);
    tt_budget_encode(&aggregator->budget, buf);
    tt_cases_encode(&aggregator->cases, buf);
    if (buf->status == TT_OK) {
        tt_wire_put_u64(buf, tt_hash64(&CHECK_KEY, buf->data, buf->size));
    }
    return buf->status;
}

static enum tt_status make_closing(struct aggregator *aggregator, struct tt_bundle *bundle,
                                   struct tt_closing **ret, struct tt_error *err)
{
    const struct tt_alloc *alloc = aggregator->context->alloc;
    struct tt_closing *closing = tt_new_array(alloc, 1, sizeof *closing);
    if (closing == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory to save what was learned");
    }
    closing->alloc = alloc;
    closing->bundle = tt_bundle_ref(bundle);
    tt_buf_init(&closing->bundle_bytes, alloc, TT_BUNDLE_SIZE_MAX);
    tt_buf_init(&closing->trainer_state, alloc, TT_TRAINER_SIZE_MAX);
    tt_buf_init(&closing->alert_state, alloc, ALERT_STATE_SIZE_MAX);
    enum tt_status status = encode_alerts(aggregator, &closing->alert_state);
    if (status == TT_OK) {
        status = tt_bundle_encode(bundle, &closing->bundle_bytes);
    }
    if (status == TT_OK && !aggregator->options.stateless) {
        status = tt_trainer_save(aggregator->options.trainer, &closing->trainer_state);
    }
    if (status != TT_OK) {
        tt_closing_free(closing);
        return tt_fail(err, status, "what was learned cannot be encoded: %s",
                       tt_status_name(status));
    }
    *ret = closing;
    return TT_OK;
}

/* Everything before the mark has been absorbed: train and publish. */
static enum tt_status close_epoch(struct aggregator *aggregator, struct tt_event *mark,
                                  struct tt_error *err)
{
    const struct tt_context *context = aggregator->context;
    if (aggregator->options.trainer == NULL) {
        return TT_OK;
    }
    int64_t start_ns = tt_clock_monotonic_ns(context->clock);
    struct tt_bundle *bundle = NULL;
    if (mark->setup != NULL) { /* other rules from here on */
        tt_trainer_adopt(aggregator->options.trainer, mark->setup);
        tt_setup_unref(mark->setup);
        mark->setup = NULL;
    }
    enum tt_status status = tt_trainer_close(aggregator->options.trainer, mark->epoch,
                                             mark->txn.timestamp_ms, &bundle, err);
    if (status != TT_OK) {
        return status;
    }
    struct tt_closing *closing = NULL;
    status = make_closing(aggregator, bundle, &closing, err);
    if (status != TT_OK) {
        tt_bundle_unref(bundle);
        return status;
    }
    mark->closing = closing;
    mark->bundle = bundle->hash;
    tt_bundles_publish(context->bundles, bundle);
    if (context->metrics != NULL) {
        tt_metrics_observe(context->metrics, TT_METRIC_EPOCH_CLOSE,
                           tt_clock_monotonic_ns(context->clock) - start_ns);
        tt_metrics_set(context->metrics, TT_METRIC_EPOCH, (double)mark->epoch);
    }
    return TT_OK;
}

enum tt_status tt_anomaly_aggregator_save(struct tt_stage *stage, struct tt_closing **ret,
                                          struct tt_error *err)
{
    struct aggregator *aggregator = (struct aggregator *)stage;
    struct tt_bundle *bundle = tt_bundles_current(aggregator->context->bundles);
    enum tt_status status = make_closing(aggregator, bundle, ret, err);
    tt_bundle_unref(bundle);
    return status;
}

static enum tt_status save_for(struct aggregator *aggregator, struct tt_event *event,
                               struct tt_error *err)
{
    struct tt_closing *closing = NULL;
    enum tt_status status = tt_anomaly_aggregator_save(&aggregator->stage, &closing, err);
    event->closing = closing;
    return status;
}

static void count_decision(const struct aggregator *aggregator, const struct tt_event *event)
{
    struct tt_metrics *metrics = aggregator->context->metrics;
    if (metrics == NULL || event->unstored) {
        return; /* history that only warms up is nobody's traffic */
    }
    const struct tt_engine *engine = aggregator->context->engine;
    tt_metrics_add_label(metrics, TT_METRIC_DECISIONS, tt_verdict_name(event->decision.verdict), 1);
    for (uint32_t i = 0; i < engine->setup->detector_count; i++) {
        if (event->detections[i].fired) {
            tt_metrics_add_label(metrics, TT_METRIC_DETECTOR_FIRED, engine->detector_names[i], 1);
        }
        if ((event->decision.degraded & (1u << i)) != 0) {
            tt_metrics_add_label(metrics, TT_METRIC_DETECTOR_ABSENT, engine->detector_names[i], 1);
        }
    }
    for (uint32_t i = 0; i < tt_plan_step_count(engine->plan); i++) {
        if ((event->step_degraded >> i & 1) != 0) {
            tt_metrics_add_label(metrics, TT_METRIC_FEATURES_DEGRADED,
                                 tt_plan_step_name(engine->plan, i), 1);
        }
    }
    if (event->decision.anomalous) {
        tt_metrics_add_label(metrics, TT_METRIC_ANOMALIES,
                             tt_severity_name(event->decision.severity), 1);
        tt_metrics_add(metrics, TT_METRIC_ALERTS, event->decision.alerted ? 1 : 0);
    }
    if (event->decision.alert != TT_ALERT_NONE) {
        tt_metrics_add_label(metrics, TT_METRIC_ALERT_OUTCOMES,
                             tt_alert_name(event->decision.alert), 1);
    }
    tt_metrics_add(metrics, TT_METRIC_LATE, event->late ? 1 : 0);
}

/* Time moves on for cases and budget. */
static void reach(struct aggregator *aggregator, int64_t event_ms)
{
    int64_t step = event_ms / ZONE_STEP_MS;
    if (step != aggregator->zone_step) {
        aggregator->zone_step = step;
        aggregator->zone_offset_ms =
            tt_zone_offset_ms(aggregator->options.zone, step * ZONE_STEP_MS);
    }
    tt_cases_reach(&aggregator->cases, event_ms);
    tt_budget_reach(&aggregator->budget, event_ms, aggregator->zone_offset_ms);
}

/* Random review: by a hash of the payment's identity and nothing that was found out about it. */
static bool is_drawn(const struct aggregator *aggregator, const struct tt_event *event)
{
    double share = aggregator->options.review_share;
    if (share <= 0.0) {
        return false;
    }
    struct tt_hash128 hash = tt_txn_key_hash(&aggregator->options.review_key, &event->txn);
    return (double)(hash.high >> 11) < share * 9007199254740992.0; /* 2^53 */
}

/* Whether somebody is told: as recorded in a log that is replayed, else as the budget says. */
static enum tt_status alert(struct aggregator *aggregator, const struct tt_bundle *bundle,
                            struct tt_event *event)
{
    const struct tt_setup *setup = bundle->setup;
    const struct tt_decision *decision = &event->decision;
    struct tt_budget_case payment;
    reach(aggregator, event->txn.timestamp_ms);
    /* Nobody is told of what is ordinary, attached or not, unless it may be drawn: no look-up. */
    bool matters = decision->anomalous || !(decision->p_value > TT_BUDGET_P_MAX) ||
                   aggregator->options.review_share > 0.0;
    tt_decide_case(setup, event, aggregator->options.alert_severity,
                   matters && tt_cases_holds(&aggregator->cases, event), &payment);
    struct tt_outcomes outcomes = event->outcomes;
    if (!outcomes.known) {
        outcomes.alert = (uint8_t)tt_budget_ask(&aggregator->budget, &payment);
        if (!tt_alert_goes_out(outcomes.alert) && !payment.attached &&
            is_drawn(aggregator, event)) {
            outcomes.alert = TT_ALERT_SAMPLED;
            outcomes.selection_probability = aggregator->options.review_share;
        }
    }
    tt_budget_note(&aggregator->budget, &payment, (enum tt_alert)outcomes.alert);
    enum tt_status status = tt_decide_alert(setup, bundle, &outcomes, event);
    if (event->decision.alerted) {
        tt_cases_note(&aggregator->cases, event);
    }
    return status;
}

static enum tt_status decide(struct aggregator *aggregator, struct tt_event *event)
{
    const struct tt_bundle *bundle = tt_bundle_view_get(&aggregator->view, event->epoch);
    enum tt_status status = tt_decide(bundle->setup, bundle, event);
    if (status != TT_OK && status != TT_E_NOMEM && status != TT_E_LIMIT) {
        return status;
    }
    status = alert(aggregator, bundle, event);
    if (status != TT_OK && status != TT_E_NOMEM && status != TT_E_LIMIT) {
        return status;
    }
    if (aggregator->options.trainer != NULL && learns(event)) {
        tt_trainer_absorb(aggregator->options.trainer, event);
    }
    if (!event->unstored) {
        tt_setup_count_hits(bundle->setup, event);
    }
    count_decision(aggregator, event);
    return TT_OK;
}

static enum tt_status finish(struct aggregator *aggregator, struct tt_event *event, int64_t now_ns,
                             struct tt_error *err)
{
    if (event->kind == TT_EVENT_EPOCH) {
        return close_epoch(aggregator, event, err);
    }
    if (event->kind == TT_EVENT_SNAPSHOT) {
        return save_for(aggregator, event, err);
    }
    if (event->kind == TT_EVENT_LABEL && aggregator->options.trainer != NULL) {
        tt_trainer_label(aggregator->options.trainer, event);
    }
    if (event->kind != TT_EVENT_TRANSACTION) {
        return TT_OK;
    }
    if (event->gate != TT_GATE_FRESH) {
        tt_context_count(aggregator->context, TT_METRIC_DUPLICATES,
                         event->gate == TT_GATE_DUPLICATE ? 1 : 0);
        tt_context_count(aggregator->context, TT_METRIC_CONFLICTS,
                         event->gate == TT_GATE_CONFLICT ? 1 : 0);
        return TT_OK;
    }
    event->time_ns[TT_TIME_DETECTED] = now_ns;
    enum tt_status status = decide(aggregator, event);
    event->time_ns[TT_TIME_DECIDED] = tt_context_now_ns(aggregator->context);
    return status;
}

static enum tt_status on_batch(struct tt_stage *stage, struct tt_event *const *events, size_t count,
                               struct tt_error *err)
{
    struct aggregator *aggregator = (struct aggregator *)stage;
    struct tt_event *complete[TT_BATCH_MAX];
    size_t complete_count = 0;
    int64_t now_ns = tt_context_now_ns(aggregator->context);
    for (size_t i = 0; i < count; i++) {
        struct tt_event *event = events[i];
        if (++event->arrived < TT_DETECTOR_STAGES) {
            tt_event_release(event); /* the other deliveries hold it */
            continue;
        }
        enum tt_status status = finish(aggregator, event, now_ns, err);
        if (status != TT_OK) {
            return status;
        }
        complete[complete_count++] = event;
    }
    if (complete_count == 0) {
        return TT_OK;
    }
    if (aggregator->context->metrics != NULL && aggregator->options.budget.per_day > 0) {
        tt_metrics_set(aggregator->context->metrics, TT_METRIC_ALERT_SPENT,
                       tt_budget_spent(&aggregator->budget));
        tt_metrics_set(aggregator->context->metrics, TT_METRIC_ALERT_BAR,
                       tt_budget_p(&aggregator->budget));
    }
    return tt_stage_emit(stage, 0, complete, complete_count, err);
}

static void free_stage(struct tt_stage *stage)
{
    struct aggregator *aggregator = (struct aggregator *)stage;
    tt_cases_deinit(&aggregator->cases);
    tt_bundle_view_deinit(&aggregator->view);
    tt_trainer_free(aggregator->options.trainer);
    tt_delete(aggregator->context->alloc, aggregator, sizeof *aggregator);
}

static const struct tt_stage_ops ops = {
    .name = "anomaly-aggregator",
    .on_batch = on_batch,
    .free = free_stage,
};

enum tt_status tt_anomaly_aggregator_new(const struct tt_anomaly_aggregator_options *options,
                                         struct tt_stage **ret, struct tt_error *err)
{
    const struct tt_context *context = options->context;
    struct aggregator *aggregator = tt_new_array(context->alloc, 1, sizeof *aggregator);
    if (aggregator == NULL) {
        tt_trainer_free(options->trainer);
        return tt_fail(err, TT_E_NOMEM, "no memory for the anomaly-aggregator");
    }
    aggregator->stage.ops = &ops;
    aggregator->stage.inputs[0] = TT_TOPIC_DETECTIONS;
    aggregator->stage.outputs[0] = TT_TOPIC_DECISIONS;
    aggregator->options = *options;
    aggregator->context = context;
    tt_bundle_view_init(&aggregator->view, context->bundles);
    tt_cases_init(&aggregator->cases, context->alloc, options->key, options->alert_dedupe_ms,
                  CASES_MAX);
    tt_budget_init(&aggregator->budget, &options->budget);
    aggregator->zone_step = INT64_MIN;
    *ret = &aggregator->stage;
    return TT_OK;
}

/* A stored row does not keep how its evidence was blended; the bundle it was decided with says it
 * again. After a change of setup that bundle is gone, and with it the meaning. */
static void recall_blend(struct aggregator *aggregator, struct tt_event *event)
{
    struct tt_bundle *bundle = tt_bundles_current(aggregator->context->bundles);
    if (bundle->hash.high == event->bundle.high && bundle->hash.low == event->bundle.low) {
        tt_blend_recall(bundle->setup, bundle, event);
    }
    tt_bundle_unref(bundle);
}

enum tt_status tt_anomaly_aggregator_replay(struct tt_stage *stage, struct tt_event *event,
                                            struct tt_error *err)
{
    struct aggregator *aggregator = (struct aggregator *)stage;
    if (event->kind == TT_EVENT_EPOCH) {
        return close_epoch(aggregator, event, err);
    }
    if (event->kind == TT_EVENT_LABEL) {
        tt_trainer_label(aggregator->options.trainer, event);
    }
    if (event->kind == TT_EVENT_TRANSACTION && learns(event)) {
        recall_blend(aggregator, event);
        tt_trainer_absorb(aggregator->options.trainer, event);
    }
    return TT_OK;
}

void tt_anomaly_aggregator_note(struct tt_stage *stage, const struct tt_event *event)
{
    struct aggregator *aggregator = (struct aggregator *)stage;
    if (event->kind != TT_EVENT_TRANSACTION) {
        return;
    }
    reach(aggregator, event->txn.timestamp_ms);
    struct tt_budget_case payment = {
        .p_value = event->decision.p_value,
        /* asked for the counts of what is unusual alone */
        .attached =
            event->decision.p_value <= TT_BUDGET_P_MAX && tt_cases_holds(&aggregator->cases, event),
    };
    tt_budget_note(&aggregator->budget, &payment, (enum tt_alert)event->decision.alert);
    if (event->decision.alerted) {
        tt_cases_note(&aggregator->cases, event);
    }
}

/* What is in front of a checksum that holds. */
static enum tt_status open_alerts(struct tt_str bytes, struct tt_wire *ret, struct tt_error *err)
{
    size_t size = bytes.size < CHECKSUM_SIZE ? 0 : bytes.size - CHECKSUM_SIZE;
    struct tt_wire tail = tt_wire_reader((struct tt_str){bytes.data + size, bytes.size - size});
    *ret = tt_wire_reader((struct tt_str){bytes.data, size});
    if (tt_wire_u64(&tail) != tt_hash64(&CHECK_KEY, bytes.data, size) || tail.bad) {
        return tt_fail(err, TT_E_CORRUPT, "damaged alert state");
    }
    uint8_t version = tt_wire_u8(ret);
    if (version != ALERT_STATE_VERSION) {
        return tt_fail(err, TT_E_UNSUPPORTED,
                       "alert state of version %u; this build reads version %d", version,
                       ALERT_STATE_VERSION);
    }
    return TT_OK;
}

enum tt_status tt_anomaly_aggregator_load(struct tt_stage *stage, struct tt_str bytes,
                                          struct tt_error *err)
{
    struct aggregator *aggregator = (struct aggregator *)stage;
    struct tt_wire wire;
    enum tt_status status = open_alerts(bytes, &wire, err);
    if (status != TT_OK) {
        return status;
    }
    tt_budget_decode(&aggregator->budget, &wire);
    status = tt_cases_decode(&aggregator->cases, &wire);
    if (status == TT_OK && (wire.bad || tt_wire_left(&wire) != 0)) {
        status = TT_E_CORRUPT;
    }
    if (status != TT_OK) {
        tt_budget_init(&aggregator->budget, &aggregator->options.budget);
        tt_cases_forget(&aggregator->cases);
        return tt_fail(err, status, "the alert state cannot be taken");
    }
    return TT_OK;
}
