/*
 * Sequential aggregates: a fold over an entity's rows in (event time, id) order.
 *
 * What:    beside each row stands how surprising its value was against the values before it, and
 *          the probability, before it came, that somebody else has taken the entity over: a
 *          two-state filter (ordinary, taken over) over the surprises.
 * Why:     an attack is several events, none of which may be proof alone. What is kept beside a row
 *          is a function of the rows before it, so an event in order costs one step, and a late one
 *          only marks what comes after it, to be folded again when it is next asked for. The filter
 *          starts at fixed marks, so that a replay of what is retained rebuilds it bit for bit.
 *          Source: the forward algorithm of a two-state hidden Markov model, as in Rabiner, "A
 *          tutorial on hidden Markov models", 1989.
 * Owner:   the entity's rows hold it.
 * Threads: confined to the step's thread.
 * Units:   surprises are normal deviates, what is read of the filter is a logarithm of odds.
 * Limits:  an entity that has panes, having more events than rows, is not folded; its values are
 *          missing until it has fewer.
 * Fails:   TT_E_NOMEM; what is folded so far stays.
 */
#ifndef TT_CORE_FEATURES_FOLD_H
#define TT_CORE_FEATURES_FOLD_H

#include "core/features/entity.h"

/* A deviate from which on an event is counted as a surprise; p is about 0.01 with few behind it. */
#define TT_FOLD_SURPRISE 2.5

/* Folds the rows up to the time last sought. Allocates only when some of them are older than that.
 */
enum tt_status tt_fold_run(struct tt_entity_store *store, struct tt_entity *entity) TT_MUST_USE;
/* Folds a row that is to be inserted at the time last sought, as far as it comes behind all others:
 * rows up to that time are folded. */
void tt_fold_ahead(const struct tt_entity_store *store, struct tt_entity *entity, int64_t *row);
/* The surprise beside a folded row; false when there is too little to judge by. */
bool tt_fold_surprise(const struct plan_fold *fold, const int64_t *row, double *ret);
/* Log-odds that a folded row's event is somebody else's; false as before. */
bool tt_fold_event_odds(const struct plan_fold *fold, const int64_t *row, double *ret);
/* Log-odds that the entity is taken over at t_ms by the rows before `at`, which are folded. */
double tt_fold_odds(const struct tt_entity_store *store, const struct tt_entity *entity,
                    const struct plan_fold *fold, uint32_t at, int64_t t_ms);
/* A row's word of a fold that is to be folded again. */
static inline bool tt_fold_is_open(const struct plan_step *plan, const int64_t *row)
{
    for (uint32_t i = 0; i < plan->fold_count; i++) {
        if (row[plan->folds[i].kept] == TT_ROW_MISSING) {
            return true;
        }
    }
    return false;
}

#endif
