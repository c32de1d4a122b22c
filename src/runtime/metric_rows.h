/*
 * The rows of metrics.def as a table; private to the metrics.
 *
 * What:    what metrics.c counts by and metrics_text.c writes from.
 * Threads: constant.
 */
#ifndef TT_RUNTIME_METRIC_ROWS_H
#define TT_RUNTIME_METRIC_ROWS_H

#include "runtime/metrics.h"

enum tt_metric_kind {
    TT_METRIC_KIND_COUNTER = 1,
    TT_METRIC_KIND_GAUGE,
    TT_METRIC_KIND_HISTOGRAM,
};

struct tt_metric_row {
    enum tt_metric_kind kind;
    const char *name;
    const char *label; /* NULL = none */
    const char *help;
};

extern const struct tt_metric_row tt_metric_rows[TT_METRIC_COUNT];
/* Upper bounds of the buckets that are scraped, ascending. */
extern const int64_t tt_metric_bounds_ns[TT_HISTOGRAM_BOUNDS];

#endif
