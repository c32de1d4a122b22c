/*
 * Where the decisions of a file go: a line each, counts, and the evaluation.
 *
 * What:    a sink stage over `decisions` and `transactions.dlq`: writes JSON lines or CSV in input order,
 *          rejected records to their own file, adds labelled rows to an evaluation, and counts.
 * Owner:   the stage is freed by its runner; files and evaluation are the caller's.
 * Threads: one.
 * Fails:   TT_E_IO, TT_E_FULL when a file cannot be written; TT_E_LIMIT past rejects_max.
 */
#ifndef TT_CLI_OUTPUT_H
#define TT_CLI_OUTPUT_H

#include <stdio.h>

#include "core/evaluate/evaluate.h"
#include "runtime/stage.h"
#include "services/pipeline/context.h"

struct tt_output_counts {
    uint64_t transactions, duplicates, conflicts, late, labels, rejected;
    uint64_t anomalies, alerts, by_severity[TT_SEVERITY_CRITICAL + 1];
    uint64_t truth_known;
    int64_t first_ms, last_ms;
};

/* Who wants the events themselves: fresh decided transactions, and labels. */
struct tt_output_sink {
    enum tt_status (*take)(void *ctx, const struct tt_engine *engine, const struct tt_event *event,
                           struct tt_error *err);
    void *ctx;
};

struct tt_output_options {
    const struct tt_context *context;
    FILE *out; /* or NULL */
    bool csv;
    FILE *rejects;                     /* or NULL */
    int64_t rejects_max;               /* < 0 = no limit */
    struct tt_evaluation *evaluation;  /* or NULL */
    const struct tt_output_sink *sink; /* or NULL */
    struct tt_output_counts *counts;
};

enum tt_status tt_output_new(const struct tt_output_options *options, struct tt_stage **ret,
                             struct tt_error *err) TT_MUST_USE;

#endif
