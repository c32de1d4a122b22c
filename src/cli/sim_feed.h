/*
 * A feed from the generator: some weeks of history at once, then live traffic at the pace of the wall clock.
 *
 * What:    rows before live_ms come as fast as they are asked for and are not stored (they warm up the
 *          windows); later rows come when their time has come.
 * Owner:   opened and closed by the caller, around the pipeline's run.
 * Threads: confined to the ingestor's.
 */
#ifndef TT_CLI_SIM_FEED_H
#define TT_CLI_SIM_FEED_H

#include "core/sim/sim.h"
#include "ports/clock.h"
#include "services/data_ingestor/feed.h"

struct tt_sim_feed_options {
    struct tt_sim_options sim;
    const struct tt_clock *clock;
    int64_t live_ms; /* wall clock: rows from here on are live */
};

enum tt_status tt_sim_feed_open(const struct tt_alloc *alloc,
                                const struct tt_sim_feed_options *options, struct tt_feed **ret,
                                struct tt_error *err) TT_MUST_USE;

#endif
