/*
 * What the files of core/backtest share: days, examples, the one currency. Private to core/backtest.
 *
 * Owner:   the backtest.
 * Threads: confined to one thread.
 */
#ifndef TT_CORE_BACKTEST_PARTS_H
#define TT_CORE_BACKTEST_PARTS_H

#include "core/backtest/backtest.h"
#include "core/backtest/labels.h"

/* The currency of everything, as long as there is one. */
struct tt_backtest_currency {
    tt_currency one; /* 0 = none yet */
    bool several;
};

/* Days in order. */
struct tt_backtest_days {
    const struct tt_alloc *alloc;
    struct tt_backtest_day *days;
    size_t count, capacity;
    size_t last; /* the one asked for last: mostly the next one too */
    struct tt_backtest_currency currency;
};

/* The day, made when it is not there; NULL: out of memory. */
struct tt_backtest_day *tt_backtest_day_at(struct tt_backtest_days *days, int64_t day);
void tt_backtest_days_deinit(struct tt_backtest_days *days);
/* Adds the currencies of a column. */
void tt_backtest_currencies(const struct tt_column *column, struct tt_backtest_currency *currency);

/* A sample that does not depend on the order of rows: those of the lowest order stay. Where to write
 * an example of that order, or NULL when it does not come into the sample. */
struct tt_backtest_example *tt_backtest_example_place(struct tt_backtest_example *list,
                                                      uint32_t *count, uint64_t order);
/* Copies the ids, cut at their limit. */
void tt_backtest_example_ids(struct tt_backtest_example *example, struct tt_str user,
                             struct tt_str transaction);
/* By time. */
void tt_backtest_examples_sort(struct tt_backtest_example *list, uint32_t count);

#endif
