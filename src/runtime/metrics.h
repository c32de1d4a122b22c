/*
 * Metrics: counters, gauges and histograms, a row of metrics.def each, as Prometheus' text.
 *
 * What:    add, set and observe by row; a row with a label has up to TT_METRIC_LABELS_MAX values
 *          of it.
 * Why:     the table is the documentation; ids of entities are never labels.
 * Owner:   the caller owns the struct (it is large: allocate it once); nothing to give back.
 * Threads: safe from any thread, relaxed: a scrape may see one number before another. A label's
 *          first use takes a short spin lock, later ones none.
 * Units:   histograms take nanoseconds and are written in seconds.
 * Limits:  TT_METRIC_LABELS_MAX values a label: the last is "other", under which later ones are
 *          counted; a value is cut to TT_METRIC_LABEL_SIZE - 1 bytes of valid UTF-8.
 * Fails:   only the writers: TT_E_NOMEM and TT_E_LIMIT of their buffer.
 */
#ifndef TT_RUNTIME_METRICS_H
#define TT_RUNTIME_METRICS_H

#include "base/str.h"

#define TT_METRIC_LABELS_MAX 64
#define TT_METRIC_LABEL_SIZE 32
#define TT_HISTOGRAM_BUCKETS 640
#define TT_HISTOGRAM_BOUNDS 16

enum tt_metric {
#define TT_METRIC(id, kind, name, label, help) TT_METRIC_##id,
#include "runtime/metrics.def"
#undef TT_METRIC
    TT_METRIC_COUNT
};

/* Log-linear buckets for quantiles: 16 an octave from 1 ns up to two hours, relative error below
 * 1/16; and exact counts under the round bounds that are scraped. Source: the idea of
 * HdrHistogram. */
struct tt_histogram {
    uint64_t counts[TT_HISTOGRAM_BUCKETS];
    /* Above the bound before, up to this one; the last is +Inf. */
    uint64_t bounded[TT_HISTOGRAM_BOUNDS + 1];
    uint64_t sum_ns;
};

struct tt_metric_family {
    char labels[TT_METRIC_LABELS_MAX][TT_METRIC_LABEL_SIZE]; /* in order of first use */
    uint32_t label_count; /* atomic; labels below it never change */
    bool registering;     /* atomic: the spin lock */
    /* Counts, or the bits of a gauge; without label only [0]. */
    uint64_t values[TT_METRIC_LABELS_MAX];
};

struct tt_metrics {
    struct tt_metric_family families[TT_METRIC_COUNT];
    struct tt_histogram histograms[TT_METRIC_COUNT]; /* of the rows that are histograms */
};

/* All zero, but for telltale_build_info. */
void tt_metrics_init(struct tt_metrics *metrics);
/* Counters: of the row, or of one value of its label (registered at first use; NULL is "other").
 * A row of another kind, or a label where there is none or the other way round, asserts. */
void tt_metrics_add(struct tt_metrics *metrics, enum tt_metric metric, uint64_t value);
void tt_metrics_add_label(struct tt_metrics *metrics, enum tt_metric metric, const char *label,
                          uint64_t value);
/* Gauges; doubles. */
void tt_metrics_set(struct tt_metrics *metrics, enum tt_metric metric, double value);
void tt_metrics_set_label(struct tt_metrics *metrics, enum tt_metric metric, const char *label,
                          double value);
/* Histograms; a duration below 0 counts as 0. */
void tt_metrics_observe(struct tt_metrics *metrics, enum tt_metric metric, int64_t duration_ns);
/* The counter of the row (all label values together), or how often a histogram was observed. */
uint64_t tt_metrics_get(const struct tt_metrics *metrics, enum tt_metric metric);
/* The duration at or below which `share` (0 … 1) of the observations lie, in ns, rounded up to its
 * bucket's end; 0 when there are none. */
int64_t tt_metrics_quantile(const struct tt_metrics *metrics, enum tt_metric metric, double share);
/* Sets a counter to a total that is kept elsewhere (stages count by themselves); label is NULL
 * for a row without one. */
void tt_metrics_copy_label(struct tt_metrics *metrics, enum tt_metric metric, const char *label,
                           uint64_t total);
/* Appends everything in Prometheus' text format 0.0.4. */
enum tt_status tt_metrics_write(const struct tt_metrics *metrics, struct tt_buf *buf) TT_MUST_USE;
/* Appends docs/reference/metrics.md. */
enum tt_status tt_metrics_docs(struct tt_buf *buf) TT_MUST_USE;

#endif
