/*
 * The histogram, and the curve compiled from it; see calibration.h.
 *
 * A bin's number comes from the bits of 1 + |x|: exponent and six bits of the fraction. That is
 * exact, costs no logarithm, and puts the finest bins around zero.
 */
#include "core/detect/calibration.h"

#include <string.h>

#include "base/math.h"

#define BINS_PER_OCTAVE_BITS 6
#define ABOVE (TT_HISTOGRAM_BINS - TT_HISTOGRAM_BELOW)
#define TAIL_SHARE 0.005      /* the tail is fitted beyond the 99.5 % point */
#define TAIL_BINS_MIN 8       /* scores on fewer steps have no tail to go on from */
#define TAIL_COUNT_MIN 1000.0 /* with fewer scores than this, the prior's tail stays */
#define PRIOR_COUNT 200.0     /* scores the prior is worth while there are none */
#define TIE_BREAK 1e-9        /* rise of the surprise per bin where nothing was seen */
#define STEEP 0.05            /* surprise across a bin, from where the curve inside it matters */
#define COMPRESS_FROM 12.0
#define SURPRISE_MAX 36.0 /* 1 - e^-36 is the last double but one below 1 */

static uint32_t magnitude_bin(double magnitude)
{
    double shifted = magnitude + 1.0;
    uint64_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    return (uint32_t)((bits >> (52 - BINS_PER_OCTAVE_BITS)) -
                      (UINT64_C(1023) << BINS_PER_OCTAVE_BITS));
}

/* The least magnitude of a bin. */
static double magnitude_edge(uint32_t bin)
{
    uint64_t bits = ((uint64_t)bin + (UINT64_C(1023) << BINS_PER_OCTAVE_BITS))
                    << (52 - BINS_PER_OCTAVE_BITS);
    double shifted;
    memcpy(&shifted, &bits, sizeof shifted);
    return shifted - 1.0;
}

static double bin_edge(uint32_t bin)
{
    return bin >= TT_HISTOGRAM_BELOW ? magnitude_edge(bin - TT_HISTOGRAM_BELOW)
                                     : -magnitude_edge(TT_HISTOGRAM_BELOW - bin);
}

/* Clamps to the range the bins cover; NaN goes to the bottom. */
static double on_axis(const struct tt_axis *axis, double score)
{
    double x = (score - axis->offset) * axis->scale;
    return x > -255.0 ? (x < 1e300 ? x : 1e300) : -255.0;
}

static uint32_t bin_of(double x)
{
    if (x >= 0.0) {
        uint32_t bin = x < 65535.0 ? magnitude_bin(x) : ABOVE - 1;
        return TT_HISTOGRAM_BELOW + (bin < ABOVE ? bin : ABOVE - 1);
    }
    uint32_t bin = magnitude_bin(-x);
    /* A magnitude on an edge belongs to the bin nearer to zero: bins are closed below. */
    if (-x <= magnitude_edge(bin)) {
        bin--;
    }
    return TT_HISTOGRAM_BELOW - 1 - bin;
}

void tt_histogram_add(struct tt_histogram *histogram, const struct tt_axis *axis, double score)
{
    if (score >= 0.0 || score < 0.0) {
        histogram->bins[bin_of(on_axis(axis, score))] += TT_HISTOGRAM_ONE;
        histogram->total += TT_HISTOGRAM_ONE;
    }
}

void tt_histogram_remove(struct tt_histogram *histogram, const struct tt_axis *axis, double score)
{
    if (score >= 0.0 || score < 0.0) {
        uint64_t *bin = &histogram->bins[bin_of(on_axis(axis, score))];
        uint64_t take = *bin < TT_HISTOGRAM_ONE ? *bin : TT_HISTOGRAM_ONE;
        *bin -= take;
        histogram->total -= take;
    }
}

uint64_t tt_decay(uint64_t value, uint64_t factor)
{
    return (uint64_t)(((unsigned __int128)value * factor) >> 32);
}

uint64_t tt_decay_factor(int64_t age_ms, double half_life_ms)
{
    TT_ASSERT(half_life_ms > 0.0);
    if (age_ms <= 0) {
        return UINT64_C(1) << 32;
    }
    double kept = tt_exp(-0.69314718055994530942 * (double)age_ms / half_life_ms);
    return (uint64_t)(kept * 4294967296.0);
}

void tt_histogram_decay(struct tt_histogram *histogram, uint64_t factor)
{
    histogram->total = 0;
    for (uint32_t i = 0; i < TT_HISTOGRAM_BINS; i++) {
        histogram->bins[i] = tt_decay(histogram->bins[i], factor);
        histogram->total += histogram->bins[i];
    }
}

void tt_histogram_encode(const struct tt_histogram *histogram, struct tt_buf *buf)
{
    uint32_t i = 0;
    while (i < TT_HISTOGRAM_BINS) {
        uint32_t begin = i;
        while (begin < TT_HISTOGRAM_BINS && histogram->bins[begin] == 0) {
            begin++;
        }
        uint32_t end = begin;
        while (end < TT_HISTOGRAM_BINS && histogram->bins[end] != 0) {
            end++;
        }
        tt_wire_put_varint(buf, begin - i);
        tt_wire_put_varint(buf, end - begin);
        for (uint32_t k = begin; k < end; k++) {
            tt_wire_put_varint(buf, histogram->bins[k]);
        }
        i = end;
    }
}

void tt_histogram_decode(struct tt_wire *wire, struct tt_histogram *ret)
{
    memset(ret, 0, sizeof *ret);
    uint64_t i = 0;
    while (i < TT_HISTOGRAM_BINS && !wire->bad) {
        uint64_t skip = tt_wire_varint(wire);
        uint64_t run = tt_wire_varint(wire);
        if (skip > TT_HISTOGRAM_BINS - i || run > TT_HISTOGRAM_BINS - i - skip || skip + run == 0) {
            wire->bad = true;
            return;
        }
        i += skip;
        for (; run > 0; run--, i++) {
            ret->bins[i] = tt_wire_varint(wire);
            wire->bad |= ret->bins[i] == 0 || ret->bins[i] > UINT64_C(1) << 56;
            ret->total += ret->bins[i];
        }
    }
}

struct tail {
    uint32_t from;   /* first bin of the tail */
    double at;       /* its lower edge */
    double surprise; /* there */
    double slope;    /* per unit of the axis */
};

/* Mean excess over the tail's start, from bin middles. */
static bool fit_tail(const struct tt_histogram *histogram, struct tail *ret)
{
    double total = (double)histogram->total / (double)TT_HISTOGRAM_ONE;
    if (total < TAIL_COUNT_MIN) {
        return false;
    }
    uint64_t wanted = (uint64_t)((double)histogram->total * TAIL_SHARE);
    uint64_t above = 0;
    uint32_t bin = TT_HISTOGRAM_BINS;
    while (bin > 0 && above < wanted) {
        above += histogram->bins[--bin];
    }
    double at = bin_edge(bin);
    double excess = 0.0;
    uint32_t filled = 0;
    for (uint32_t i = bin; i < TT_HISTOGRAM_BINS; i++) {
        double middle = 0.5 * (bin_edge(i) + bin_edge(i + 1));
        excess += (double)histogram->bins[i] * (middle - at);
        filled += histogram->bins[i] != 0 ? 1 : 0;
    }
    excess /= (double)above;
    *ret = (struct tail){.from = bin, .at = at, .slope = 1.0 / excess};
    return filled >= TAIL_BINS_MIN;
}

void tt_calibration_init(struct tt_calibration *ret, const struct tt_axis *axis,
                         const struct tt_histogram *histogram, tt_prior_tail *prior,
                         const void *prior_ctx)
{
    ret->axis = *axis;
    ret->histogram = *histogram;
    double total = (double)histogram->total / (double)TT_HISTOGRAM_ONE;
    double prior_count = PRIOR_COUNT * PRIOR_COUNT / (PRIOR_COUNT + total);
    struct tail tail;
    bool has_tail = fit_tail(histogram, &tail);
    double one = total >= TAIL_COUNT_MIN ? 1.0 : 0.0; /* before, the prior keeps p above 0 */
    ret->tail_from = has_tail ? tail.at : 1e308;
    uint64_t above = histogram->total;
    double least = 0.0;
    for (uint32_t i = 0; i <= TT_HISTOGRAM_BINS; i++) {
        double edge = bin_edge(i);
        double seen = (double)above / (double)TT_HISTOGRAM_ONE + one;
        double expected = prior_count * prior(prior_ctx, edge / axis->scale + axis->offset);
        double p = (seen + expected) / (total + prior_count + one);
        double surprise = -tt_log(p < 1.0 ? p : 1.0);
        if (has_tail && i == tail.from) {
            tail.surprise = surprise;
        }
        if (has_tail && i > tail.from) {
            surprise = tail.surprise + (edge - tail.at) * tail.slope;
        }
        least = (surprise > least ? surprise : least) + TIE_BREAK;
        ret->edges[i] = least;
        above -= i < TT_HISTOGRAM_BINS ? histogram->bins[i] : 0;
    }
    double width = bin_edge(TT_HISTOGRAM_BINS) - bin_edge(TT_HISTOGRAM_BINS - 1);
    ret->slope_past = (ret->edges[TT_HISTOGRAM_BINS] - ret->edges[TT_HISTOGRAM_BINS - 1]) / width;
}

/* Surprise inside a bin: scores are spread evenly in it, so p is linear; a value that most scores
 * share then gets the middle of its step. */
static double between(double low, double high, double share)
{
    double rise = high - low;
    if (rise < STEEP) {
        return low + share * rise;
    }
    double surprise = low - tt_log1p(-share * (1.0 - tt_exp(-rise)));
    return surprise < high ? surprise : high;
}

double tt_calibration_surprise(const struct tt_calibration *calibration, double score)
{
    double x = on_axis(&calibration->axis, score);
    uint32_t bin = bin_of(x);
    double low = bin_edge(bin);
    double surprise = calibration->edges[bin];
    if (bin + 1 == TT_HISTOGRAM_BINS) {
        surprise += (x - low) * calibration->slope_past;
    } else {
        double share = (x - low) / (bin_edge(bin + 1) - low);
        double high = calibration->edges[bin + 1];
        share = share > 0.0 ? share : 0.0;
        surprise = low >= calibration->tail_from ? surprise + share * (high - surprise)
                                                 : between(surprise, high, share);
    }
    if (surprise > COMPRESS_FROM) {
        surprise = COMPRESS_FROM + 2.0 * tt_log1p(0.5 * (surprise - COMPRESS_FROM));
    }
    return surprise < SURPRISE_MAX ? surprise : SURPRISE_MAX;
}

double tt_calibration_p(const struct tt_calibration *calibration, double score)
{
    return tt_exp(-tt_calibration_surprise(calibration, score));
}

double tt_calibration_score_at(const struct tt_calibration *calibration, double p)
{
    const struct tt_axis *axis = &calibration->axis;
    double wanted = -tt_log(p);
    double low = axis->offset - 255.0 / axis->scale;
    double high = axis->offset + 65535.0 / axis->scale;
    for (uint32_t i = 0; i < 64; i++) {
        double middle = 0.5 * (low + high);
        if (tt_calibration_surprise(calibration, middle) >= wanted) {
            high = middle;
        } else {
            low = middle;
        }
    }
    return high;
}
