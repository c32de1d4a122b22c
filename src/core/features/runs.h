/*
 * The run of known frauds at the newer edge of a window.
 *
 * What:    struct tt_run is what the last reading found among the events that are old enough to be
 *          known one way or the other; tt_entity_run reads a run.
 * Why:     a run is read backwards until something genuine is met. What was read is still true later
 *          as long as nothing older changes, so a reading only goes back to where the last one
 *          began: each event is passed once, however long the run or however rare what passes the
 *          filter. What is kept follows from rows and labels, so it leaves no trace and is not saved.
 * Owner:   part of the entity; zeroed memory knows nothing.
 * Threads: confined to the step's thread.
 */
#ifndef TT_CORE_FEATURES_RUNS_H
#define TT_CORE_FEATURES_RUNS_H

#include "base/alloc.h"

struct tt_run {
    int64_t read_ms;    /* when it was read */
    int64_t until_ms;   /* it holds before that: then a label becomes effective */
    int64_t upto_ms;    /* events up to here are in it */
    int64_t first_ms;   /* of the oldest fraud, when there is one */
    int64_t genuine_ms; /* of the genuine event that ends it, or TT_TIME_NONE */
    uint32_t length;    /* frauds */
    bool known;
};

#endif
