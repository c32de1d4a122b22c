/* See metrics.h. Labels of a row are only ever appended: a reader takes the count with acquire and
 * may then compare all texts below it without a lock. */
#include "runtime/metrics.h"

#include <sched.h>
#include <string.h>

#include "runtime/metric_rows.h"

/* Buckets of one octave, and the octave of the first value that has all of them. */
#define STEPS 16u
#define STEP_BITS 4u

const struct tt_metric_row tt_metric_rows[TT_METRIC_COUNT] = {
#define TT_METRIC(id, kind_, name_, label_, help_)                                                 \
    {.kind = TT_METRIC_KIND_##kind_, .name = (name_), .label = (label_), .help = (help_)},
#include "runtime/metrics.def"
#undef TT_METRIC
};

const int64_t tt_metric_bounds_ns[TT_HISTOGRAM_BOUNDS] = {
    100000,   250000,    500000,    1000000,   2500000,    5000000,    10000000,   25000000,
    50000000, 100000000, 250000000, 500000000, 1000000000, 2500000000, 5000000000, 10000000000,
};

void tt_metrics_init(struct tt_metrics *metrics)
{
    memset(metrics, 0, sizeof *metrics);
    tt_metrics_set_label(metrics, TT_METRIC_BUILD_INFO, TT_VERSION, 1.0);
}

/* label as it is kept: whole characters, and "other" for none. */
static struct tt_str label_text(const char *label)
{
    struct tt_str text = tt_str_from(label);
    if (text.data == NULL) {
        return TT_STR("other");
    }
    if (text.size >= TT_METRIC_LABEL_SIZE) {
        text.size = TT_METRIC_LABEL_SIZE - 1;
    }
    text.size = tt_str_utf8_check(text);
    return text;
}

/* Index of the label among the first count ones, or count. */
static uint32_t find_label(const struct tt_metric_family *family, struct tt_str label,
                           uint32_t count)
{
    uint32_t i = 0;
    while (i < count && (memcmp(family->labels[i], label.data, label.size) != 0 ||
                         family->labels[i][label.size] != '\0')) {
        i++;
    }
    return i;
}

/* With the lock held: appends the label, or "other" in the last place. */
static uint32_t register_label(struct tt_metric_family *family, struct tt_str label)
{
    uint32_t count = family->label_count;
    uint32_t index = find_label(family, label, count);
    if (index < count) {
        return index;
    }
    if (count == TT_METRIC_LABELS_MAX) {
        return TT_METRIC_LABELS_MAX - 1;
    }
    if (count == TT_METRIC_LABELS_MAX - 1) {
        label = TT_STR("other");
        index = find_label(family, label, count);
        if (index < count) {
            return index; /* somebody's own "other" serves */
        }
    }
    memcpy(family->labels[index], label.data, label.size);
    family->labels[index][label.size] = '\0';
    __atomic_store_n(&family->label_count, count + 1, __ATOMIC_RELEASE);
    return index;
}

static uint64_t *value_of_label(struct tt_metric_family *family, const char *label)
{
    struct tt_str text = label_text(label);
    uint32_t count = __atomic_load_n(&family->label_count, __ATOMIC_ACQUIRE);
    uint32_t index = find_label(family, text, count);
    if (TT_UNLIKELY(index == count)) {
        while (__atomic_test_and_set(&family->registering, __ATOMIC_ACQUIRE)) {
            (void)sched_yield();
        }
        index = register_label(family, text);
        __atomic_clear(&family->registering, __ATOMIC_RELEASE);
    }
    return &family->values[index];
}

/* The cell of a row without label, or of one value of its label. */
static uint64_t *cell(struct tt_metrics *metrics, enum tt_metric metric, enum tt_metric_kind kind,
                      bool labelled, const char *label)
{
    TT_ASSERT((unsigned)metric < TT_METRIC_COUNT);
    const struct tt_metric_row *row = &tt_metric_rows[metric];
    TT_ASSERT(row->kind == kind);
    TT_ASSERT((row->label != NULL) == labelled);
    struct tt_metric_family *family = &metrics->families[metric];
    return labelled ? value_of_label(family, label) : &family->values[0];
}

void tt_metrics_add(struct tt_metrics *metrics, enum tt_metric metric, uint64_t value)
{
    __atomic_add_fetch(cell(metrics, metric, TT_METRIC_KIND_COUNTER, false, NULL), value,
                       __ATOMIC_RELAXED);
}

void tt_metrics_add_label(struct tt_metrics *metrics, enum tt_metric metric, const char *label,
                          uint64_t value)
{
    __atomic_add_fetch(cell(metrics, metric, TT_METRIC_KIND_COUNTER, true, label), value,
                       __ATOMIC_RELAXED);
}

static void set_gauge(uint64_t *place, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    __atomic_store_n(place, bits, __ATOMIC_RELAXED);
}

void tt_metrics_set(struct tt_metrics *metrics, enum tt_metric metric, double value)
{
    set_gauge(cell(metrics, metric, TT_METRIC_KIND_GAUGE, false, NULL), value);
}

void tt_metrics_set_label(struct tt_metrics *metrics, enum tt_metric metric, const char *label,
                          double value)
{
    set_gauge(cell(metrics, metric, TT_METRIC_KIND_GAUGE, true, label), value);
}

void tt_metrics_copy_label(struct tt_metrics *metrics, enum tt_metric metric, const char *label,
                           uint64_t total)
{
    TT_ASSERT((unsigned)metric < TT_METRIC_COUNT);
    bool labelled = tt_metric_rows[metric].label != NULL;
    TT_ASSERT(labelled || label == NULL);
    __atomic_store_n(cell(metrics, metric, TT_METRIC_KIND_COUNTER, labelled, label), total,
                     __ATOMIC_RELAXED);
}

/* 0 … 15 are their own buckets; from there 16 linear steps an octave. */
static uint32_t bucket_of(uint64_t ns)
{
    if (ns < STEPS) {
        return (uint32_t)ns;
    }
    uint32_t octave = 63u - (uint32_t)__builtin_clzll(ns);
    uint32_t step = (uint32_t)(ns >> (octave - STEP_BITS)) % STEPS;
    uint32_t bucket = (octave - STEP_BITS + 1) * STEPS + step;
    return bucket < TT_HISTOGRAM_BUCKETS ? bucket : TT_HISTOGRAM_BUCKETS - 1;
}

/* The largest duration that falls into the bucket. */
static int64_t bucket_end_ns(uint32_t bucket)
{
    if (bucket < STEPS) {
        return (int64_t)bucket;
    }
    uint32_t shift = bucket / STEPS - 1;
    return (int64_t)(((uint64_t)STEPS + bucket % STEPS + 1) << shift) - 1;
}

static uint32_t bound_of(int64_t ns)
{
    uint32_t i = 0;
    while (i < TT_HISTOGRAM_BOUNDS && ns > tt_metric_bounds_ns[i]) {
        i++;
    }
    return i;
}

void tt_metrics_observe(struct tt_metrics *metrics, enum tt_metric metric, int64_t duration_ns)
{
    TT_ASSERT((unsigned)metric < TT_METRIC_COUNT);
    TT_ASSERT(tt_metric_rows[metric].kind == TT_METRIC_KIND_HISTOGRAM);
    struct tt_histogram *histogram = &metrics->histograms[metric];
    int64_t ns = duration_ns > 0 ? duration_ns : 0;
    __atomic_add_fetch(&histogram->counts[bucket_of((uint64_t)ns)], 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&histogram->bounded[bound_of(ns)], 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&histogram->sum_ns, (uint64_t)ns, __ATOMIC_RELAXED);
}

uint64_t tt_metrics_get(const struct tt_metrics *metrics, enum tt_metric metric)
{
    TT_ASSERT((unsigned)metric < TT_METRIC_COUNT);
    TT_ASSERT(tt_metric_rows[metric].kind != TT_METRIC_KIND_GAUGE);
    bool histogram = tt_metric_rows[metric].kind == TT_METRIC_KIND_HISTOGRAM;
    const uint64_t *values =
        histogram ? metrics->histograms[metric].bounded : metrics->families[metric].values;
    size_t count = histogram ? TT_HISTOGRAM_BOUNDS + 1 : TT_METRIC_LABELS_MAX;
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += __atomic_load_n(&values[i], __ATOMIC_RELAXED);
    }
    return sum;
}

int64_t tt_metrics_quantile(const struct tt_metrics *metrics, enum tt_metric metric, double share)
{
    TT_ASSERT((unsigned)metric < TT_METRIC_COUNT);
    TT_ASSERT(tt_metric_rows[metric].kind == TT_METRIC_KIND_HISTOGRAM);
    TT_ASSERT(share >= 0.0 && share <= 1.0);
    const struct tt_histogram *histogram = &metrics->histograms[metric];
    uint64_t counts[TT_HISTOGRAM_BUCKETS]; /* one look at each, so that the rank is inside */
    uint64_t count = 0;
    for (uint32_t i = 0; i < TT_HISTOGRAM_BUCKETS; i++) {
        counts[i] = __atomic_load_n(&histogram->counts[i], __ATOMIC_RELAXED);
        count += counts[i];
    }
    if (count == 0) {
        return 0;
    }
    double wanted = share * (double)count;
    uint64_t below = 0;
    uint32_t last = 0;
    for (uint32_t i = 0; i < TT_HISTOGRAM_BUCKETS; i++) {
        if (counts[i] == 0) {
            continue;
        }
        below += counts[i];
        last = i;
        if ((double)below >= wanted) {
            break;
        }
    }
    return bucket_end_ns(last);
}
