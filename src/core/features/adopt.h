/*
 * Saved rows of one plan for the step of another.
 *
 * What:    describes what a step keeps (key, limits, columns, filters) in a head, and works out from it how the saved
 *          rows become rows of a step whose plan has changed.
 * Why:     a feature over what rows hold already needs no history: a changed file then costs nothing but what
 *          it adds. What rows do not hold (a column, a filter, a longer window, labels) is rebuilt from the
 *          stored transactions, and that step alone.
 * Owner:   all of it lives in the step.
 * Threads: the step's.
 * Limits:  steps whose filters read features, steps that fold, and entities with panes are only taken as they
 *          are: from a step that keeps the very same.
 * Fails:   TT_E_CONFLICT with what is missing; TT_E_CORRUPT.
 */
#ifndef TT_CORE_FEATURES_ADOPT_H
#define TT_CORE_FEATURES_ADOPT_H

#include "base/wire.h"
#include "core/features/step_internal.h"

/* Appends the description; the key field comes first. */
void tt_step_describe(const struct tt_step *step, struct tt_buf *buf);
/* Reads one and fills import, whose identity and exact are set. */
enum tt_status tt_step_adopt(const struct tt_step *step, struct tt_wire *wire,
                             struct tt_step_import *import, struct tt_error *err) TT_MUST_USE;
/* A row as it was saved becomes one of the step, in place. */
void tt_step_adopt_row(const struct tt_step *step, int64_t *row);

#endif
