/*
 * Building plans, steps and events for the tests of features.
 *
 * What:    YAML text to a plan; a world of events whose texts live as long as it; all steps of a
 *          plan in a row.
 * Owner:   the test; everything comes from the allocator it names.
 * Threads: one thread.
 */
#ifndef TT_TESTS_FEATURES_SUPPORT_H
#define TT_TESTS_FEATURES_SUPPORT_H

#include "base/rng.h"
#include "core/features/step.h"

/* Parses and compiles; attribute declarations may be NULL. */
enum tt_status plan_from(const struct tt_alloc *alloc, const char *yaml,
                         const struct tt_plan_options *options, struct tt_plan **ret,
                         struct tt_error *err);
/* The same from the file at path under the source root ("config/features.yaml"). */
enum tt_status plan_from_file(const struct tt_alloc *alloc, const char *path, struct tt_plan **ret,
                              struct tt_error *err);
/* Compiles or fails the test with the message. */
struct tt_plan *plan_of(const char *yaml);

/* All steps of a plan. */
struct steps {
    const struct tt_plan *plan;
    uint32_t count;
    struct tt_step *step[TT_STEPS_MAX];
};
enum tt_status steps_init(struct steps *steps, const struct tt_alloc *alloc,
                          const struct tt_plan *plan, uint32_t entities_max,
                          size_t memory_bytes_max);
void steps_deinit(struct steps *steps);
/* Passes the events through every step, in batches of batch. */
enum tt_status steps_run(struct steps *steps, struct tt_event *const *events, size_t count,
                         size_t batch);

/* A transaction of a user at a time, in EUR; ids and texts must outlive it. */
void event_init(struct tt_event *event, const char *id, const char *user, int64_t t_ms,
                int64_t amount_minor);
/* A label about the transaction of `of`. */
void label_init(struct tt_event *event, const struct tt_event *of, enum tt_label_kind kind,
                int64_t known_at_ms);
/* Runs one event through all steps. */
void pass_event(struct steps *steps, struct tt_event *event);
/* A feature's value; fails the test when it is missing or not there. */
double value_of(const struct tt_plan *plan, const struct tt_event *event, const char *feature);
bool is_missing(const struct tt_plan *plan, const struct tt_event *event, const char *feature);

#endif
