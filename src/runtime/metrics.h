/*
 * Metrics: counters, gauges and histograms, one row of metrics.def each, in Prometheus' text format.
 *
 * What:    add, set and observe by row; a row with a label has up to TT_METRIC_LABELS_MAX values of it.
 * Why:     the table is the documentation; ids of entities are never labels.
 * Owner:   the caller owns the struct (it is large: allocate it once).
 * Threads: safe from any thread, relaxed: a scrape may see one number before another.
 * Units:   histograms take nanoseconds and are written in seconds.
 * Limits:  TT_METRIC_LABELS_MAX values a label; later ones are counted under "other".
 */
#ifndef TT_RUNTIME_METRICS_H
#define TT_RUNTIME_METRICS_H

#include "base/str.h"

#define TT_METRIC_LABELS_MAX 64
#define TT_HISTOGRAM_BUCKETS 640

enum tt_metric {
#define TT_METRIC(id, kind, name, label, help) TT_METRIC_##id,
#include "runtime/metrics.def"
#undef TT_METRIC
    TT_METRIC_COUNT
};

/* Log-linear: 16 buckets an octave from 1 ns, relative error below 1/16. Source: the idea of HdrHistogram. */
struct tt_histogram {
    uint64_t counts[TT_HISTOGRAM_BUCKETS];
    uint64_t count;
    uint64_t sum_ns;
};

struct tt_metric_family {
    char labels[TT_METRIC_LABELS_MAX][32]; /* values of the label, in order of first use */
    uint32_t label_count;                  /* atomic */
    uint64_t values[TT_METRIC_LABELS_MAX]; /* counters and gauges; without label only [0] */
};

struct tt_metrics {
    struct tt_metric_family families[TT_METRIC_COUNT];
    struct tt_histogram histograms[TT_METRIC_COUNT];
};

void tt_metrics_init(struct tt_metrics *metrics);
/* Counters: of the row, or of one value of its label (registered at first use). */
void tt_metrics_add(struct tt_metrics *metrics, enum tt_metric metric, uint64_t value);
void tt_metrics_add_label(struct tt_metrics *metrics, enum tt_metric metric, const char *label,
                          uint64_t value);
/* Gauges; doubles. */
void tt_metrics_set(struct tt_metrics *metrics, enum tt_metric metric, double value);
void tt_metrics_set_label(struct tt_metrics *metrics, enum tt_metric metric, const char *label,
                          double value);
void tt_metrics_observe(struct tt_metrics *metrics, enum tt_metric metric, int64_t duration_ns);
/* The counter of the row (all label values together). */
uint64_t tt_metrics_get(const struct tt_metrics *metrics, enum tt_metric metric);
/* The duration below which `share` of the observations lie, in ns; 0 when there are none. */
int64_t tt_metrics_quantile(const struct tt_metrics *metrics, enum tt_metric metric, double share);
/* Sets a counter to a total that is kept elsewhere (stages count by themselves). */
void tt_metrics_copy_label(struct tt_metrics *metrics, enum tt_metric metric, const char *label,
                           uint64_t total);
/* Appends everything in Prometheus' text format 0.0.4. */
enum tt_status tt_metrics_write(const struct tt_metrics *metrics, struct tt_buf *buf) TT_MUST_USE;
/* Appends docs/reference/metrics.md. */
enum tt_status tt_metrics_docs(struct tt_buf *buf) TT_MUST_USE;

#endif
