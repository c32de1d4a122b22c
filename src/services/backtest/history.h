/*
 * Stored history for backtests: a file of columns a day, made from the store's rows when needed.
 *
 * What:    runs a backtest over the days of a store. A closed day is read from its segment, which is
 *          written the first time and whenever it does not agree with the store (rows that came late,
 *          another feature set) or is damaged; the newest day and days without a place of their own
 *          are laid out in memory.
 * Why:     a segment is a copy that can always be made again: it needs no place in the commit, no
 *          migration, and a damaged one costs a log line.
 * Owner:   the caller owns the struct, store, engine and schema.
 * Threads: one thread a struct; segments are swapped in whole, so several may work in one folder.
 * Limits:  a block of rows at a time in memory; segments are mapped, not read.
 * Fails:   as the store; TT_E_CLOSED when `on_progress` says stop. A segment that cannot be written
 *          is logged and done without.
 */
#ifndef TT_SERVICES_BACKTEST_HISTORY_H
#define TT_SERVICES_BACKTEST_HISTORY_H

#include "core/backtest/backtest.h"
#include "ports/store.h"
#include "runtime/log.h"
#include "services/pipeline/rows.h"

struct tt_history {
    const struct tt_alloc *alloc;
    struct tt_store *store;
    const char *folder; /* of segments; made when there is something to write */
    const struct tt_engine *engine;
    const struct tt_record_schema *schema;
    struct tt_log *log; /* or NULL */
    /* done of total rows; false: stop. NULL: nobody asks */
    bool (*on_progress)(void *ctx, uint64_t done, uint64_t total);
    void *ctx;
};

/* What happened to segments. */
struct tt_history_counts {
    uint64_t read, written, damaged, dropped;
};

/* Adds the labels and the days of options' range to a backtest; as_of_ms of the options may be
 * TT_TIME_NONE on the way in and is then the latest event time of the store. */
enum tt_status tt_history_run(const struct tt_history *history,
                              const struct tt_backtest_options *options,
                              struct tt_backtest **ret_backtest, struct tt_history_counts *counts,
                              struct tt_error *err) TT_MUST_USE;
/* Removes the segments of days that the store has no longer; alloc, store and folder are enough. */
enum tt_status tt_history_drop_gone(const struct tt_history *history,
                                    struct tt_history_counts *counts,
                                    struct tt_error *err) TT_MUST_USE;

#endif
