/*
 * Ranks over two things at once: the sorted values of the rows, and counts by bucket.
 *
 * The rows' values are looked at by bucket too, so that the answer depends on the set of values in
 * the window and not on which of them happen to be rows.
 */
#include "core/features/read_panes.h"

/* The values of both, and in which order buckets count them. */
struct both {
    const struct tt_bag *bag;
    const struct tt_tally_sum *sum;
    enum tt_tally_scale scale;
};

/* How many values fall into buckets up to key. */
static uint64_t up_to(const struct both *both, int32_t key)
{
    uint64_t count = tt_tally_sum_up_to(both->sum, key);
    if (both->bag == NULL) {
        return count;
    }
    return count + (key == TT_TALLY_KEY_MAX
                        ? both->bag->count
                        : tt_bag_below(both->bag, tt_tally_least(both->scale, key + 1)));
}

static uint64_t total_of(const struct both *both)
{
    return both->sum->total + (both->bag == NULL ? 0 : both->bag->count);
}

/* The bucket of the value of rank `rank`, from 0. */
static int32_t at_rank(const struct both *both, uint64_t rank)
{
    int32_t low = -TT_TALLY_KEY_MAX, high = TT_TALLY_KEY_MAX;
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (up_to(both, middle) > rank) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

static double quantile_of(const struct both *both, double q)
{
    uint64_t n = total_of(both);
    double rank = (double)(n - 1) * q;
    uint64_t below = (uint64_t)rank;
    double low = tt_tally_middle(both->scale, at_rank(both, below));
    if (below + 1 >= n) {
        return low;
    }
    double high = tt_tally_middle(both->scale, at_rank(both, below + 1));
    return low + (high - low) * (rank - (double)below);
}

static double away(const struct both *both, int32_t key, double middle)
{
    double value = tt_tally_middle(both->scale, key) - middle;
    return value < 0.0 ? -value : value;
}

/* The last bucket from `from` on towards `side` (1 up, -1 down) that is not further than limit. */
static int32_t reach(const struct both *both, int32_t from, int side, double middle, double limit)
{
    int32_t low = 0, high = TT_TALLY_KEY_MAX - side * from;
    while (low < high) {
        int32_t steps = low + (high - low + 1) / 2;
        if (away(both, from + side * steps, middle) <= limit) {
            low = steps;
        } else {
            high = steps - 1;
        }
    }
    return from + side * low;
}

/* How many values are not further from the middle than limit. */
static uint64_t within(const struct both *both, int32_t from, double middle, double limit)
{
    int32_t below = reach(both, from, -1, middle, limit);
    int32_t above = reach(both, from, 1, middle, limit);
    return up_to(both, above) - (below == -TT_TALLY_KEY_MAX ? 0 : up_to(both, below - 1));
}

/* The deviation of rank `rank`: the least one of a bucket on either side within which there are
 * enough values. */
static double deviation_at(const struct both *both, int32_t from, double middle, uint64_t rank)
{
    double least = 0.0;
    for (int side = -1; side <= 1; side += 2) {
        int32_t low = 0, high = TT_TALLY_KEY_MAX - side * from;
        while (low < high) {
            int32_t steps = low + (high - low) / 2;
            double limit = away(both, from + side * steps, middle);
            if (within(both, from, middle, limit) > rank) {
                high = steps;
            } else {
                low = steps + 1;
            }
        }
        double deviation = away(both, from + side * low, middle);
        least = side < 0 || deviation < least ? deviation : least;
    }
    return least;
}

/* The bucket nearest to the median is where deviations grow from on both sides. */
static double mad_of(const struct both *both)
{
    uint64_t n = total_of(both);
    double middle = quantile_of(both, 0.5);
    int32_t from = at_rank(both, (n - 1) / 2), next = at_rank(both, n / 2);
    from = away(both, next, middle) < away(both, from, middle) ? next : from;
    while (from < next && away(both, from + 1, middle) <= away(both, from, middle)) {
        from++;
    }
    double deviation = deviation_at(both, from, middle, n / 2);
    return n % 2 != 0 ? deviation : (deviation_at(both, from, middle, n / 2 - 1) + deviation) / 2.0;
}

double tt_tally_order(const struct tt_bag *bag, const struct tt_tally_sum *sum,
                      enum tt_tally_scale scale, uint8_t what, double quantile)
{
    struct both both = {bag, sum, scale};
    TT_ASSERT(sum->total > 0);
    switch (what) {
    case TT_AGGREGATE_MIN:
        return tt_tally_middle(scale, at_rank(&both, 0));
    case TT_AGGREGATE_MAX:
        return tt_tally_middle(scale, at_rank(&both, total_of(&both) - 1));
    case TT_AGGREGATE_MAD:
        return mad_of(&both);
    default: /* median, quantile */
        return quantile_of(&both, quantile);
    }
}

double tt_panes_distinct(const struct tt_bag *bag, const struct tt_distinct_window *window)
{
    if (!window->panes.many) {
        uint64_t count = bag->distinct;
        for (uint32_t i = 0; i < window->panes.count; i++) {
            count += tt_bag_count_of(bag, window->panes.values[i]) == 0 ? 1 : 0;
        }
        return (double)count;
    }
    double estimate = tt_distinct_estimate(window->panes.registers, window->ring);
    return (double)(uint64_t)(estimate + 0.5);
}

const int64_t *tt_panes_row(const struct tt_panes_span *span, const struct tt_series *series,
                            const struct plan_item *item)
{
    for (uint32_t i = 0; series != NULL && i < series->count; i++) {
        bool first = item->kind == ITEM_FIRST;
        struct tt_pane *pane = series->panes[first ? i : series->count - 1 - i];
        const int64_t *at = tt_pane_item(pane, item);
        if (pane->number >= span->from && pane->number < span->to && at[0] != 0) {
            return at + 1;
        }
    }
    return NULL;
}
