/* See demo_observer.h. */
#include "cli/demo_observer.h"

#include <stdio.h>
#include <string.h>

#include "services/pipeline/topics.h"

#define LINE_SIZE_MAX (256u << 10)

struct observer {
    struct tt_stage stage;
    struct tt_demo_observer_options options;
    struct tt_buf buf;
};

static void print_json(struct observer *observer, const struct tt_event *event)
{
    struct tt_json_writer json;
    tt_json_writer_init(&json, &observer->buf);
    const struct tt_context *context = *observer->options.context;
    tt_record_write_anomaly(&json, event, &context->engine->record_names, "open");
    (void)printf("%.*s\n", (int)observer->buf.size, observer->buf.data);
    tt_buf_clear(&observer->buf);
}

static void print_text(const struct observer *observer, const struct tt_event *event)
{
    static const char *const colours[] = {"", "\x1b[36m", "\x1b[33m", "\x1b[31m", "\x1b[1;31m"};
    const struct tt_decision *decision = &event->decision;
    char time[TT_TIME_TEXT_SIZE];
    (void)tt_time_format(event->txn.timestamp_ms, time);
    char amount[32];
    (void)tt_money_format(event->txn.amount_minor, tt_currency_exponent(event->txn.currency),
                          amount);
    bool colour = observer->options.colour;
    (void)printf("%.8s  %s%-8s%s  %10s %s  %-10.*s %.4f  %-6s  %.*s\n", time + 11,
                 colour ? colours[decision->severity] : "", tt_severity_name(decision->severity),
                 colour ? "\x1b[0m" : "", amount, tt_currency_code(event->txn.currency),
                 TT_STR_ARG(event->txn.text[TT_TEXT_USER_ID]), decision->score,
                 tt_verdict_name(decision->verdict),
                 TT_STR_ARG(decision->reason_count > 0 ? decision->reasons[0].message
                                                       : TT_STR("(no reason)")));
}

static uint8_t kind_of(const struct tt_event *event)
{
    for (uint8_t i = 0; i < TT_SIM_KIND_COUNT; i++) {
        if (tt_str_equal_text(event->truth.kind, tt_sim_kind_name(i))) {
            return i;
        }
    }
    return TT_SIM_GENUINE;
}

static void count(struct observer *observer, const struct tt_event *event)
{
    struct tt_demo_summary *summary = observer->options.summary;
    struct tt_demo_kind *kind = &summary->kinds[kind_of(event)];
    bool anomalous = event->decision.anomalous;
    bool fraud = event->truth.fraud;
    summary->transactions++;
    summary->frauds += fraud ? 1 : 0;
    summary->anomalies += anomalous ? 1 : 0;
    summary->anomalous_frauds += anomalous && fraud ? 1 : 0;
    summary->alerts += event->decision.alerted ? 1 : 0;
    summary->explained += anomalous && event->decision.reason_count > 0 ? 1 : 0;
    kind->rows++;
    kind->anomalous += anomalous ? 1 : 0;
    kind->alerted += event->decision.alerted ? 1 : 0;
}

static void observe(struct observer *observer, const struct tt_event *event)
{
    struct tt_demo_summary *summary = observer->options.summary;
    if (event->kind != TT_EVENT_TRANSACTION || event->gate != TT_GATE_FRESH) {
        return;
    }
    if (event->unstored) {
        __atomic_add_fetch(&summary->history_count, 1, __ATOMIC_RELAXED);
        return;
    }
    if (summary->transactions == 0) {
        observer->options.on_live(observer->options.ctx);
    }
    count(observer, event);
    if (!event->decision.anomalous) {
        return;
    }
    if (summary->first_anomaly_ns == 0) {
        summary->first_anomaly_ns = tt_clock_monotonic_ns(observer->options.clock);
    }
    if (observer->options.json) {
        print_json(observer, event);
    } else if (!observer->options.quiet) {
        print_text(observer, event);
    }
    (void)fflush(stdout);
}

static enum tt_status on_batch(struct tt_stage *stage, struct tt_event *const *events,
                               size_t event_count, struct tt_error *err)
{
    (void)err;
    for (size_t i = 0; i < event_count; i++) {
        observe((struct observer *)stage, events[i]);
        tt_event_release(events[i]);
    }
    return TT_OK;
}

static void free_stage(struct tt_stage *stage)
{
    struct observer *observer = (struct observer *)stage;
    tt_buf_deinit(&observer->buf);
    tt_delete(observer->options.alloc, observer, sizeof *observer);
}

static const struct tt_stage_ops ops = {
    .name = "demo",
    .on_batch = on_batch,
    .free = free_stage,
};

enum tt_status tt_demo_observer_new(const struct tt_demo_observer_options *options,
                                    struct tt_stage **ret, struct tt_error *err)
{
    struct observer *observer = tt_new_array(options->alloc, 1, sizeof *observer);
    if (observer == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for the demo");
    }
    observer->stage.ops = &ops;
    observer->stage.inputs[0] = TT_TOPIC_DECISIONS;
    observer->options = *options;
    tt_buf_init(&observer->buf, options->alloc, LINE_SIZE_MAX);
    *ret = &observer->stage;
    return TT_OK;
}
