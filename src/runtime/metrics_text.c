/* Metrics as text: Prometheus' exposition format 0.0.4, and the reference page. */
#include <string.h>

#include "base/number.h"
#include "runtime/metric_rows.h"

static const char *const kind_names[] = {
    [TT_METRIC_KIND_COUNTER] = "counter",
    [TT_METRIC_KIND_GAUGE] = "gauge",
    [TT_METRIC_KIND_HISTOGRAM] = "histogram",
};

/* Backslash and line feed, and quotes where the text stands in quotes. */
static void write_escaped(struct tt_buf *buf, const char *text, bool quotes)
{
    for (const char *next = text; *next != '\0'; next++) {
        if (*next == '\n') {
            (void)tt_buf_append_text(buf, "\\n");
            continue;
        }
        if (*next == '\\' || (quotes && *next == '"')) {
            (void)tt_buf_append_char(buf, '\\');
        }
        (void)tt_buf_append_char(buf, *next);
    }
}

static void write_double(struct tt_buf *buf, double value)
{
    if (__builtin_isnan(value)) {
        (void)tt_buf_append_text(buf, "NaN");
    } else if (__builtin_isinf(value)) {
        (void)tt_buf_append_text(buf, value > 0.0 ? "+Inf" : "-Inf");
    } else {
        char text[TT_NUMBER_TEXT_SIZE];
        size_t size = tt_double_format(value, text);
        (void)tt_buf_append(buf, text, size);
    }
}

static void write_value(struct tt_buf *buf, enum tt_metric_kind kind, const uint64_t *place)
{
    uint64_t bits = __atomic_load_n(place, __ATOMIC_RELAXED);
    if (kind == TT_METRIC_KIND_COUNTER) {
        (void)tt_buf_append_format(buf, "%llu", (unsigned long long)bits);
    } else {
        double value;
        memcpy(&value, &bits, sizeof value);
        write_double(buf, value);
    }
    (void)tt_buf_append_char(buf, '\n');
}

static void write_family(struct tt_buf *buf, const struct tt_metric_row *row,
                         const struct tt_metric_family *family)
{
    if (row->label == NULL) {
        (void)tt_buf_append_format(buf, "%s ", row->name);
        write_value(buf, row->kind, &family->values[0]);
        return;
    }
    uint32_t count = __atomic_load_n(&family->label_count, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < count; i++) {
        (void)tt_buf_append_format(buf, "%s{%s=\"", row->name, row->label);
        write_escaped(buf, family->labels[i], true);
        (void)tt_buf_append_text(buf, "\"} ");
        write_value(buf, row->kind, &family->values[i]);
    }
}

/* _count is the sum of what was read for the buckets: the two agree in every scrape. */
static void write_histogram(struct tt_buf *buf, const struct tt_metric_row *row,
                            const struct tt_histogram *histogram)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i <= TT_HISTOGRAM_BOUNDS; i++) {
        count += __atomic_load_n(&histogram->bounded[i], __ATOMIC_RELAXED);
        (void)tt_buf_append_format(buf, "%s_bucket{le=\"", row->name);
        if (i < TT_HISTOGRAM_BOUNDS) {
            write_double(buf, (double)tt_metric_bounds_ns[i] / 1e9);
        } else {
            (void)tt_buf_append_text(buf, "+Inf");
        }
        (void)tt_buf_append_format(buf, "\"} %llu\n", (unsigned long long)count);
    }
    uint64_t sum_ns = __atomic_load_n(&histogram->sum_ns, __ATOMIC_RELAXED);
    (void)tt_buf_append_format(buf, "%s_sum ", row->name);
    write_double(buf, (double)sum_ns / 1e9);
    (void)tt_buf_append_format(buf, "\n%s_count %llu\n", row->name, (unsigned long long)count);
}

enum tt_status tt_metrics_write(const struct tt_metrics *metrics, struct tt_buf *buf)
{
    for (unsigned i = 0; i < TT_METRIC_COUNT; i++) {
        const struct tt_metric_row *row = &tt_metric_rows[i];
        (void)tt_buf_append_format(buf, "# HELP %s ", row->name);
        write_escaped(buf, row->help, false);
        (void)tt_buf_append_format(buf, "\n# TYPE %s %s\n", row->name, kind_names[row->kind]);
        if (row->kind == TT_METRIC_KIND_HISTOGRAM) {
            write_histogram(buf, row, &metrics->histograms[i]);
        } else {
            write_family(buf, row, &metrics->families[i]);
        }
    }
    return buf->status;
}

enum tt_status tt_metrics_docs(struct tt_buf *buf)
{
    (void)tt_buf_append_text(
        buf, "# Metrics\n\n"
             "Made from `src/runtime/metrics.def` by `telltale config docs`.\n\n"
             "Served as Prometheus text at `/metrics`. Times are in seconds, sizes in bytes. No\n"
             "label ever holds the id of a user, a card or a transaction; a label has at most\n");
    (void)tt_buf_append_format(buf, "%d values, later ones are counted under `other`.\n\n",
                               TT_METRIC_LABELS_MAX);
    (void)tt_buf_append_text(buf, "| name | type | label | meaning |\n| --- | --- | --- | --- |\n");
    for (unsigned i = 0; i < TT_METRIC_COUNT; i++) {
        const struct tt_metric_row *row = &tt_metric_rows[i];
        (void)tt_buf_append_format(buf, "| `%s` | %s | %s%s%s | %s |\n", row->name,
                                   kind_names[row->kind], row->label != NULL ? "`" : "",
                                   row->label != NULL ? row->label : "–",
                                   row->label != NULL ? "`" : "", row->help);
    }
    return buf->status;
}
