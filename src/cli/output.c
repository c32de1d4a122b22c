/* See output.h. */
#include "cli/output.h"

#include "cli/file_io.h"
#include "services/anomaly_aggregator/anomaly_aggregator.h"
#include "services/pipeline/topics.h"

#define BUFFER_SIZE_MAX (16u << 20)

enum { IN_DECISIONS = 0, IN_REJECTS };

struct output {
    struct tt_stage stage;
    struct tt_output_options options;
    struct tt_buf buf;
};

static void count(struct tt_output_counts *counts, const struct tt_event *event)
{
    counts->transactions++;
    counts->late += event->late ? 1 : 0;
    counts->truth_known += event->truth.known ? 1 : 0;
    if (counts->transactions == 1 || event->txn.timestamp_ms < counts->first_ms) {
        counts->first_ms = event->txn.timestamp_ms;
    }
    if (counts->transactions == 1 || event->txn.timestamp_ms > counts->last_ms) {
        counts->last_ms = event->txn.timestamp_ms;
    }
    if (event->decision.anomalous) {
        counts->anomalies++;
        counts->by_severity[event->decision.severity]++;
        counts->alerts += event->decision.alerted ? 1 : 0;
    }
}

static enum tt_status evaluate(struct output *output, const struct tt_event *event,
                               struct tt_error *err)
{
    if (output->options.evaluation == NULL || !event->truth.known) {
        return TT_OK;
    }
    struct tt_evaluation_row row = {
        .score = event->decision.score,
        .timestamp_ms = event->txn.timestamp_ms,
        .amount_minor = event->txn.amount_minor,
        .currency = event->txn.currency,
        .fraud = event->truth.fraud,
        .alerted = event->decision.alerted,
        .user = event->txn.text[TT_TEXT_USER_ID],
        .kind = event->truth.kind,
    };
    enum tt_status status = tt_evaluation_add(output->options.evaluation, &row);
    return status == TT_OK ? TT_OK
                           : tt_fail(err, status, "the evaluation cannot take another row: %s",
                                     tt_status_name(status));
}

static void write_line(struct output *output, const struct tt_event *event)
{
    const struct tt_record_names *names = &output->options.context->engine->record_names;
    if (output->options.csv) {
        tt_record_score_csv_row(&output->buf, event, names);
        return;
    }
    struct tt_json_writer json;
    tt_json_writer_init(&json, &output->buf);
    tt_record_write_score(&json, event, names);
    tt_buf_append_char(&output->buf, '\n');
}

static enum tt_status pass_on(struct output *output, const struct tt_event *event,
                              struct tt_error *err)
{
    const struct tt_output_sink *sink = output->options.sink;
    return sink == NULL ? TT_OK
                        : sink->take(sink->ctx, output->options.context->engine, event, err);
}

static enum tt_status take_decision(struct output *output, struct tt_event *event,
                                    struct tt_error *err)
{
    struct tt_output_counts *counts = output->options.counts;
    if (event->kind == TT_EVENT_EPOCH) {
        tt_closing_free(event->closing);
        event->closing = NULL;
        return TT_OK;
    }
    if (event->kind == TT_EVENT_LABEL) {
        counts->labels++;
        return pass_on(output, event, err);
    }
    if (event->gate != TT_GATE_FRESH) {
        counts->duplicates += event->gate == TT_GATE_DUPLICATE ? 1 : 0;
        counts->conflicts += event->gate == TT_GATE_CONFLICT ? 1 : 0;
        return TT_OK;
    }
    count(counts, event);
    if (output->options.out != NULL) {
        write_line(output, event);
    }
    enum tt_status status = evaluate(output, event, err);
    return status == TT_OK ? pass_on(output, event, err) : status;
}

static enum tt_status write_reject(struct output *output, const struct tt_event *event,
                                   struct tt_error *err)
{
    struct tt_output_counts *counts = output->options.counts;
    counts->rejected++;
    if (output->options.rejects != NULL) {
        tt_file_reject_line(&output->buf, event);
        enum tt_status status = tt_file_out_write(output->options.rejects, &output->buf, err);
        if (status != TT_OK) {
            return status;
        }
    }
    return tt_file_rejects_check(counts->rejected, output->options.rejects_max, event, err);
}

static enum tt_status on_batch(struct tt_stage *stage, struct tt_event *const *events,
                               size_t event_count, struct tt_error *err)
{
    struct output *output = (struct output *)stage;
    enum tt_status status = TT_OK;
    for (size_t i = 0; i < event_count; i++) {
        if (status == TT_OK) {
            status = events[i]->kind == TT_EVENT_REJECT ? write_reject(output, events[i], err)
                                                        : take_decision(output, events[i], err);
        }
        tt_event_release(events[i]);
    }
    if (status == TT_OK && output->options.out != NULL) {
        status = tt_file_out_write(output->options.out, &output->buf, err);
    }
    return status;
}

static void free_stage(struct tt_stage *stage)
{
    struct output *output = (struct output *)stage;
    tt_buf_deinit(&output->buf);
    tt_delete(output->options.context->alloc, output, sizeof *output);
}

static const struct tt_stage_ops ops = {
    .name = "output",
    .on_batch = on_batch,
    .free = free_stage,
};

enum tt_status tt_output_new(const struct tt_output_options *options, struct tt_stage **ret,
                             struct tt_error *err)
{
    const struct tt_alloc *alloc = options->context->alloc;
    struct output *output = tt_new_array(alloc, 1, sizeof *output);
    if (output == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for the output");
    }
    output->stage.ops = &ops;
    output->stage.inputs[IN_DECISIONS] = TT_TOPIC_DECISIONS;
    output->stage.inputs[IN_REJECTS] = TT_TOPIC_REJECTS;
    output->options = *options;
    tt_buf_init(&output->buf, alloc, BUFFER_SIZE_MAX);
    *ret = &output->stage;
    return TT_OK;
}
