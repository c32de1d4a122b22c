/*
 * The slow, obvious features: every value by looking at every earlier event of the log again.
 *
 * What:    remembers the log as it was passed and computes a feature from its declaration alone.
 * Why:     shares nothing with the engine but the declaration: no rows, edges, running values or
 *          order.
 * Owner:   the test; events must outlive the model.
 * Threads: one thread.
 */
#ifndef TT_TESTS_FEATURES_MODEL_H
#define TT_TESTS_FEATURES_MODEL_H

#include "core/features/plan.h"

struct model;
/* Whether the transaction log[index] passes a feature's filter, told by its text, when it comes. */
typedef bool model_filter(struct model *model, size_t index, struct tt_str filter);

struct model {
    const struct tt_plan *plan;
    model_filter *filter;
    const struct tt_event **log; /* what came, in order */
    bool *absorbed;              /* whether it counts */
    bool *passed;                /* per feature: whether it passed the filter */
    size_t *previous;            /* per step: the log index of the entity's previous event + 1 */
    size_t *label, *next_label;  /* of a transaction, of a label: log index + 1 of its next label */
    size_t count, capacity;
    int64_t watermark_ms;
    size_t events_max; /* > 0: older events are seen by whole panes (docs/internals/windows.md) */
    bool *older;       /* not among the newest events_max, for ranked_index and ranked_step */
    size_t ranked_index, ranked_step;
    int64_t first_ms;                /* of those that are */
    bool saw_panes;                  /* the last value computed took something from a pane */
    size_t last[TT_STEPS_MAX][4096]; /* per step and key number: newest log index + 1 */
};

void model_init(struct model *model, const struct tt_plan *plan, model_filter *filter,
                size_t capacity);
void model_deinit(struct model *model);
/* The value of a feature for log[index], with its default; for filters. */
bool model_value(struct model *model, size_t index, const char *feature, double *ret);
/* Takes the next event of the log and computes its vector (transactions). Keys are texts that end
 * in their number below 4096 ("u-17"); a transaction's seq is its log index + 1, which is a label's
 * first_seq. */
void model_pass(struct model *model, const struct tt_event *event, struct tt_vector *ret);

/* A feature's value as of the event passed last. */
bool model_latest(struct model *model, const struct tt_feature *feature, double *ret);

#endif
