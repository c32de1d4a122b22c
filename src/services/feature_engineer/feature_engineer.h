/*
 * feature-engineer: one stage for each feature step, chained over topics keyed by each entity.
 *
 * What:    step 0 (the user's) has the gate in front: duplicates and conflicts touch no state. Each step
 *          writes its features into the vector; the last one stamps the decision epoch.
 * Why:     an entity's windows live where its key lives: chained steps are exact for merchants and devices
 *          too, in one process or over Kafka.
 * Owner:   stages are freed by their runner.
 * Threads: one a stage.
 * Limits:  those of core/features/step.h and gate.h.
 * Fails:   TT_E_NOMEM never: an event that could not be absorbed is counted and goes on; the gate's look-up
 *          stops the pipeline when the store cannot answer.
 */
#ifndef TT_SERVICES_FEATURE_ENGINEER_FEATURE_ENGINEER_H
#define TT_SERVICES_FEATURE_ENGINEER_FEATURE_ENGINEER_H

#include "core/features/step.h"
#include "runtime/stage.h"
#include "services/feature_engineer/gate.h"
#include "services/pipeline/context.h"

struct tt_feature_engineer_options {
    const struct tt_context *context;
    uint32_t step;
    struct tt_step_options limits;
    int64_t dedupe_horizon_ms; /* step 0 only */
    uint32_t dedupe_max;
    tt_gate_lookup *lookup;
    void *lookup_ctx;
};

/* The stage of one step. */
enum tt_status tt_feature_engineer_new(const struct tt_feature_engineer_options *options,
                                       struct tt_stage **ret, struct tt_error *err) TT_MUST_USE;
/* Replay at start, before the runner: absorbs a stored event as it was recorded. */
enum tt_status tt_feature_engineer_replay(struct tt_stage *stage, struct tt_event *event,
                                          struct tt_error *err) TT_MUST_USE;
/* The same for the gate of step 0: remembers the id. */
enum tt_status tt_feature_engineer_replay_gate(struct tt_stage *stage, struct tt_event *event,
                                               struct tt_error *err) TT_MUST_USE;

/* Begins to copy the state as it is now into context->snapshots, which has begun; on_tick packs. */
void tt_feature_engineer_copy(struct tt_stage *stage);
/* What on_tick does, for whoever has stopped the runner; false: nothing is left to pack. */
bool tt_feature_engineer_pack(struct tt_stage *stage);
/* Ends a copy that is under way. */
void tt_feature_engineer_give_up(struct tt_stage *stage);
/* The newest event time, or TT_TIME_NONE. */
int64_t tt_feature_engineer_watermark(const struct tt_stage *stage);
/* At start: forgets the windows, or the ids, to read or rebuild others. */
enum tt_status tt_feature_engineer_empty_step(struct tt_stage *stage,
                                              struct tt_error *err) TT_MUST_USE;
void tt_feature_engineer_empty_gate(struct tt_stage *stage);
/* At start: takes a record of a snapshot, the head of each first. */
enum tt_status tt_feature_engineer_read_gate(struct tt_stage *stage, struct tt_str record,
                                             struct tt_error *err) TT_MUST_USE;
enum tt_status tt_feature_engineer_read_step(struct tt_stage *stage, struct tt_str record,
                                             bool is_head, struct tt_error *err) TT_MUST_USE;

#endif
