/*
 * A feature step: the states of one kind of entity, and the features they give.
 *
 * What:    takes events in log order, writes its entity's features into event->vector and absorbs the event.
 * Why:     an entity's state is a function of the set of events it has absorbed (integers, exact sums, sorted
 *          multisets), so batch split, thread count and arrival within the allowed lateness leave no trace.
 *          Windows are event time, per event, exact: (t - w, t], moved by a delay to (t - d - w, t - d].
 * Owner:   tt_step_new from alloc, tt_step_free. The plan must outlive the step.
 * Threads: confined to one thread (a shard owns its steps).
 * Units:   event time, ms.
 * Limits:  entities_max and memory_bytes_max: past them the longest idle of a few entities is evicted and
 *          counted (policy `evict_idle`; the equality promise ends there, see stats.evicted). An entity keeps
 *          its newest `events_max` events one by one, what is older in panes (panes.h), which is again a
 *          function of the set.
 * Fails:   TT_E_NOMEM, also where one entity alone passes memory_bytes_max: the event is then scored, not
 *          absorbed.
 */
#ifndef TT_CORE_FEATURES_STEP_H
#define TT_CORE_FEATURES_STEP_H

#include "core/features/plan.h"

struct tt_step_options {
    uint32_t entities_max;   /* > 0 */
    size_t memory_bytes_max; /* of all states, > 0 */
    struct tt_hash_key key;  /* secret: spreads entity keys; never changes a result */
};

/* Counted since tt_step_new, but for entities and bytes, which are what is held now. */
struct tt_step_stats {
    uint64_t entities;    /* states held */
    uint64_t bytes;       /* of all states, rings and tables */
    uint64_t absorbed;    /* events absorbed */
    uint64_t late;        /* scored as of their own time, not absorbed */
    uint64_t keyless;     /* events without this entity's key */
    uint64_t labels;      /* labels applied */
    uint64_t labels_lost; /* labels whose transaction is not held (any more) */
    uint64_t expired;     /* entities idle for longer than they are kept */
    uint64_t evicted;     /* entities that had to make room */
    uint64_t unpriced;    /* transactions without amount_base though there is a table (step 0) */
    uint64_t demoted;     /* rows of full entities that went to panes */
    uint64_t degraded;    /* events whose windows reach back to something a limit has taken */
};

struct tt_step;

/* The step of plan's entity number step_index. */
enum tt_status tt_step_new(const struct tt_alloc *alloc, const struct tt_plan *plan,
                           uint32_t step_index, const struct tt_step_options *options,
                           struct tt_step **ret, struct tt_error *err) TT_MUST_USE;
/* NULL is fine. */
void tt_step_free(struct tt_step *step);

/* Passes count events in log order. A transaction that is fresh gets this step's features (step 0
 * first empties the vector and stamps the plan's hash; step 0 also sets event->late) and is
 * absorbed unless it is late: bit step_index of step_absorbed says so. Bit step_index of
 * step_degraded says that a limit has taken, or may have taken, an event from its windows. A label updates its
 * transaction; a duplicate, a conflict and an epoch mark touch nothing. On TT_E_NOMEM all events
 * have their vectors, and those that could not be absorbed have the bit clear. */
enum tt_status tt_step_run(struct tt_step *step, struct tt_event *const *events, size_t count,
                           struct tt_error *err);
/* Replay: the same, without writing features; whether an event is absorbed is not judged but read
 * from its step_absorbed bit, and what filters ask of features is read from its vector, as both were
 * recorded. Where the vector is of another plan (vector.plan says so and stays) and filters of this
 * one read features, its values are computed anew. */
enum tt_status tt_step_absorb_only(struct tt_step *step, struct tt_event *const *events,
                                   size_t count, struct tt_error *err);
struct tt_step_stats tt_step_stats(const struct tt_step *step);
/* The oldest event ever absorbed, TT_TIME_NONE before the first: what lies before is not in the windows, and a
 * window is whole where it does not reach back further. */
int64_t tt_step_warm_from(const struct tt_step *step);
/* The newest event time seen, TT_TIME_NONE before the first. */
int64_t tt_step_watermark(const struct tt_step *step);

#endif
