/* Folding everything again; see model_fold.h. */
#include "model_fold.h"

#include <math.h>
#include <stdlib.h>

#include "base/math.h"
#include "core/features/row.h"

#define PAST_MAX 8192
#define NOTHING (-1e9) /* no surprise */

/* The entity's transactions in (time, id) order. */
struct past {
    const struct tt_feature *feature;
    const struct tt_txn *txns[PAST_MAX + 1];
    size_t count;
};

static int in_order(const void *a, const void *b)
{
    const struct tt_txn *x = *(const struct tt_txn *const *)a,
                        *y = *(const struct tt_txn *const *)b;
    if (x->timestamp_ms != y->timestamp_ms) {
        return x->timestamp_ms < y->timestamp_ms ? -1 : 1;
    }
    return tt_row_id_of(x) < tt_row_id_of(y) ? -1 : 1;
}

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static bool is_log(const struct tt_feature *feature)
{
    return tt_str_equal_text(feature->field, "log_amount");
}

static bool value_of(const struct tt_feature *feature, const struct tt_txn *txn, int64_t *ret)
{
    *ret = txn->amount_minor;
    if (is_log(feature) && txn->amount_minor > 0) {
        *ret = (int64_t)floor(tt_log(tt_txn_amount(txn)) * 4294967296.0 + 0.5);
    }
    return !is_log(feature) || txn->amount_minor > 0;
}

static double quantile(const int64_t *values, size_t count, double q)
{
    double rank = (double)(count - 1) * q;
    size_t low = (size_t)floor(rank), high = low + 1 < count ? low + 1 : low;
    double a = (double)values[low], b = (double)values[high];
    return a + (b - a) * (rank - (double)low);
}

/* How far a value is above those of strictly earlier times, in steps of 2^-16. */
static double surprise(const struct past *past, const struct tt_txn *txn)
{
    static int64_t values[PAST_MAX];
    int64_t value = 0, from_ms = txn->timestamp_ms - past->feature->baseline_ms;
    size_t n = 0;
    for (size_t i = 0; i < past->count; i++) {
        const struct tt_txn *other = past->txns[i];
        if (other->timestamp_ms > from_ms && other->timestamp_ms < txn->timestamp_ms &&
            other->currency == txn->currency && value_of(past->feature, other, &value)) {
            values[n++] = value;
        }
    }
    if (!value_of(past->feature, txn, &value) || n < 3) {
        return NOTHING;
    }
    qsort(values, n, sizeof(values[0]), ascending);
    double median = quantile(values, n, 0.5), df = (double)n - 1.0 + 10.0;
    double own = (quantile(values, n, 0.75) - quantile(values, n, 0.25)) / 1.3489795003921634;
    double typical = 0.7 * (is_log(past->feature) ? 4294967296.0 : fabs(median));
    double variance = (((double)n - 1.0) * own * own + 10.0 * typical * typical) / df;
    variance = variance * (1.0 + 1.0 / (double)n);
    if (variance <= 0.0) {
        return NOTHING;
    }
    double z = tt_normal_deviate(((double)value - median) / tt_sqrt(variance), df);
    z = fmin(fmax(z, -16384.0), 16384.0) * 65536.0;
    return (z < 0.0 ? ceil(z - 0.5) : floor(z + 0.5)) / 65536.0;
}

static double steps_of(double p)
{
    double steps = floor(p * 4294967296.0);
    return fmin(fmax(steps, 1.0), 4294967295.0) / 4294967296.0;
}

/* P(taken over) at now_ms: from the start of the block before its own, through every row before
 * txns[end]. */
static double taken(const struct past *past, size_t end, int64_t now_ms)
{
    const double turn = 0.001 / 86400e3, back = 1.0 / (7.0 * 86400e3), rest = turn / (turn + back);
    int64_t window_ms = past->feature->window_ms;
    int64_t start_ms = ((int64_t)floor((double)now_ms / (double)window_ms) - 1) * window_ms;
    double p = steps_of(rest);
    for (size_t i = 0; i < end; i++) {
        const struct tt_txn *txn = past->txns[i];
        int64_t next_ms = i + 1 < end ? past->txns[i + 1]->timestamp_ms : now_ms;
        if (txn->timestamp_ms < start_ms) {
            continue;
        }
        double z = surprise(past, txn);
        if (z > NOTHING) {
            double ratio = 0.5 + 0.5 * tt_exp(fmin(fmax(3.0 * (z - 2.5), -3.0), 10.0));
            p = p * ratio / (p * ratio + 1.0 - p);
        }
        double elapsed_ms = (double)(next_ms - txn->timestamp_ms);
        p = steps_of(rest + (p - rest) * tt_exp(-(turn + back) * elapsed_ms));
    }
    return p;
}

static double count_surprises(const struct past *past, const struct tt_txn *now)
{
    int64_t to_ms = now->timestamp_ms - past->feature->delay_ms;
    int64_t from_ms = to_ms - past->feature->window_ms;
    double count = 0.0;
    for (size_t i = 0; i < past->count; i++) {
        const struct tt_txn *txn = past->txns[i];
        if (txn->timestamp_ms > from_ms && txn->timestamp_ms <= to_ms) {
            count += surprise(past, txn) >= 2.5 ? 1.0 : 0.0;
        }
    }
    return count;
}

bool model_fold(const struct tt_feature *feature, const struct tt_txn *now,
                const struct tt_txn *const *before, size_t count, double *ret)
{
    static struct past past;
    past = (struct past){.feature = feature};
    for (size_t i = 0; i < count; i++) {
        if (before[i]->timestamp_ms <= now->timestamp_ms) {
            past.txns[past.count++] = before[i];
        }
    }
    if (!feature->exclude_current) {
        past.txns[past.count++] = now;
    }
    qsort(past.txns, past.count, sizeof(past.txns[0]), in_order);
    size_t at = past.count;
    while (!feature->exclude_current && past.txns[at - 1] != now) {
        at--;
    }
    if (feature->aggregate == TT_AGGREGATE_SURPRISE_COUNT) {
        *ret = count_surprises(&past, now);
        return true;
    }
    double p = feature->aggregate == TT_AGGREGATE_TAKEOVER
                   ? taken(&past, feature->exclude_current ? at : at - 1, now->timestamp_ms)
                   : 0.0;
    if (feature->exclude_current) {
        *ret = tt_log(p / (1.0 - p));
        return true;
    }
    double z = surprise(&past, now);
    *ret =
        feature->aggregate == TT_AGGREGATE_SURPRISE ? z : tt_log(p / (1.0 - p)) + 3.0 * (z - 2.5);
    return z > NOTHING;
}
