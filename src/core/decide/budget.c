/*
 * The alert budget; see budget.h.
 *
 * q(s), the share of payments at least as surprising as s, is the median over the remembered days,
 * with e^-s (what calibrated p-values promise) worth one more day, and today's own share weighed in
 * by how much of a day it is. The bar is the least s with q(s) × payments still to come ≤ budget
 * left. Payments to come: those of the same weekday before, times how today runs against them.
 */
#include "core/decide/budget.h"

#include <string.h>

#include "base/math.h"
#include "base/timetext.h"

#define SURPRISE_MIN 2.995732273553991 /* -ln TT_BUDGET_P_MAX */
#define BINS_PER_UNIT 16.0
#define FLOOR_SHARE 0.2          /* of the budget, for statistics, whatever the rules take */
#define SETTLED_MS TT_MS_PER_DAY /* so long, and so many payments, the start lasts */
#define SETTLED_COUNT 200
#define RUN_PRIOR 0.1   /* of a day: how slowly today's run is believed */
#define HOUR_PRIOR 0.02 /* of a day's payments, spread over its hours */
#define QUARTER_MS (15 * TT_MS_PER_MINUTE)
#define CLOSE_FROM_MS (6 * TT_MS_PER_HOUR) /* a shorter first day says nothing about a day */
#define NEVER 1e9

static int64_t floor_div(int64_t a, int64_t b)
{
    int64_t quotient = a / b;
    return quotient * b > a ? quotient - 1 : quotient;
}

void tt_budget_init(struct tt_budget *budget, const struct tt_budget_options *options)
{
    memset(budget, 0, sizeof *budget);
    budget->options = *options;
    budget->first_ms = TT_TIME_NONE;
    budget->now_ms = TT_TIME_NONE;
    budget->quarter = INT64_MIN;
}

static uint32_t bin_of(double p_value)
{
    double at = (-tt_log(p_value) - SURPRISE_MIN) * BINS_PER_UNIT;
    return at < TT_BUDGET_BINS - 1 ? (at > 0.0 ? (uint32_t)at : 0) : TT_BUDGET_BINS - 1;
}

static double edge_of(uint32_t bin)
{
    return SURPRISE_MIN + (double)bin / BINS_PER_UNIT;
}

/* Today becomes one of the remembered days. */
static void close_day(struct tt_budget *budget)
{
    int64_t begin_ms = budget->day * TT_MS_PER_DAY;
    /* the first payment's local time: the offset of today stands for its */
    int64_t first_local = budget->first_ms + (budget->local_ms - budget->now_ms);
    int64_t observed = TT_MS_PER_DAY - (first_local > begin_ms ? first_local - begin_ms : 0);
    if (budget->today_count > 0 && observed >= CLOSE_FROM_MS) {
        if (budget->day_count == TT_BUDGET_DAYS) {
            memmove(&budget->days[0], &budget->days[1],
                    (TT_BUDGET_DAYS - 1) * sizeof budget->days[0]);
            budget->day_count--;
        }
        struct tt_budget_day *day = &budget->days[budget->day_count++];
        *day = (struct tt_budget_day){
            .day = budget->day,
            .observed_ms = (uint32_t)observed,
            .count = budget->today_count,
            .rules = budget->rules,
        };
        memcpy(day->hours, budget->today_hours, sizeof day->hours);
        uint32_t above = 0;
        for (uint32_t i = TT_BUDGET_BINS; i-- > 0;) {
            above += budget->bins[i];
            day->above[i] = above;
        }
    }
    budget->statistics = budget->rules = budget->pages = budget->held = 0;
    budget->today_count = 0;
    memset(budget->today_hours, 0, sizeof budget->today_hours);
    memset(budget->bins, 0, sizeof budget->bins);
}

static bool starting(const struct tt_budget *budget)
{
    return budget->now_ms == TT_TIME_NONE || budget->now_ms - budget->first_ms < SETTLED_MS ||
           budget->count < SETTLED_COUNT;
}

/* The mean of a figure of remembered days: of those of the same weekday when there are some. */
struct day_mean {
    double count;     /* payments of a whole day */
    double rules;     /* alerts of rules */
    double hours[24]; /* shares, sum 1 */
};

static void take_mean(const struct tt_budget *budget, struct day_mean *ret)
{
    bool same = false;
    double days = 0.0;
    memset(ret, 0, sizeof *ret);
    for (uint32_t i = 0; i < budget->day_count; i++) {
        same |= (budget->day - budget->days[i].day) % 7 == 0;
    }
    for (uint32_t i = 0; i < budget->day_count; i++) {
        const struct tt_budget_day *day = &budget->days[i];
        if (same && (budget->day - day->day) % 7 != 0) {
            continue;
        }
        double scale = (double)TT_MS_PER_DAY / day->observed_ms;
        days += 1.0;
        ret->count += scale * day->count;
        ret->rules += scale * day->rules;
        for (uint32_t h = 0; h < 24; h++) {
            ret->hours[h] += day->hours[h];
        }
    }
    if (days > 0.0) {
        ret->count /= days;
        ret->rules /= days;
    }
    double total = 0.0;
    for (uint32_t h = 0; h < 24; h++) {
        ret->hours[h] += 1.0 + HOUR_PRIOR * ret->count;
        total += ret->hours[h];
    }
    for (uint32_t h = 0; h < 24; h++) {
        ret->hours[h] /= total;
    }
}

/* The share of a day's payments that come after now. */
static double share_left(const struct tt_budget *budget, const struct day_mean *mean)
{
    int64_t in_day = budget->local_ms - budget->day * TT_MS_PER_DAY;
    uint32_t hour = (uint32_t)(in_day / TT_MS_PER_HOUR);
    double left =
        mean->hours[hour] * (1.0 - (double)(in_day % TT_MS_PER_HOUR) / (double)TT_MS_PER_HOUR);
    for (uint32_t h = hour + 1; h < 24; h++) {
        left += mean->hours[h];
    }
    return left;
}

/* The median over the remembered days of the share of payments in bin or above. */
static double median_share(const struct tt_budget *budget, uint32_t bin)
{
    double shares[TT_BUDGET_DAYS];
    uint32_t count = 0;
    for (uint32_t i = 0; i < budget->day_count; i++) {
        const struct tt_budget_day *day = &budget->days[i];
        double share = (double)day->above[bin] / day->count;
        uint32_t k = count++;
        for (; k > 0 && shares[k - 1] > share; k--) {
            shares[k] = shares[k - 1];
        }
        shares[k] = share;
    }
    return count == 0 ? 0.0 : 0.5 * (shares[(count - 1) / 2] + shares[count / 2]);
}

struct shares {
    const struct tt_budget *budget;
    double day_count;               /* payments of an ordinary day: the weight of what was before */
    uint32_t today[TT_BUDGET_BINS]; /* at or above each bin */
};

static double share_above(const struct shares *shares, uint32_t bin, bool with_today)
{
    const struct tt_budget *budget = shares->budget;
    double days = budget->day_count;
    double before = (days * median_share(budget, bin) + tt_exp(-edge_of(bin))) / (days + 1.0);
    if (!with_today) {
        return before;
    }
    return (shares->day_count * before + shares->today[bin]) /
           (shares->day_count + budget->today_count);
}

/* The least edge that so many payments reach at most `wanted` times. */
static double bar_for(const struct shares *shares, double payments, double wanted, bool with_today)
{
    uint32_t low = 0;
    uint32_t high = TT_BUDGET_BINS;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (share_above(shares, middle, with_today) * payments <= wanted) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low < TT_BUDGET_BINS ? edge_of(low) : NEVER;
}

/* Statistics may still alert today without the rules' share of the budget: so many. */
static double budget_left(const struct tt_budget *budget, double rules_to_come)
{
    double whole = budget->options.per_day;
    double floor = whole * FLOOR_SHARE > 1.0 ? whole * FLOOR_SHARE : 1.0;
    double left = whole - budget->statistics - budget->rules - rules_to_come;
    double kept = floor - budget->statistics;
    return left > kept ? left : kept;
}

/* Payments that an ordinary day has, and that are still to come today. */
static double to_come(const struct tt_budget *budget, const struct day_mean *mean, double left,
                      double *ret_day)
{
    if (mean->count <= 0.0) {
        int64_t passed = budget->now_ms - budget->first_ms;
        double per_ms =
            (double)budget->count / (double)(passed > TT_MS_PER_HOUR ? passed : TT_MS_PER_HOUR);
        *ret_day = per_ms * (double)TT_MS_PER_DAY;
        return *ret_day * left;
    }
    *ret_day = mean->count;
    double expected = (1.0 - left) * mean->count;
    double prior = RUN_PRIOR * mean->count;
    double run = (budget->today_count + prior) / (expected + prior);
    return mean->count * run * left;
}

/* Made at fixed points of the log, a new quarter of an hour and each alert, and kept till the next, so
 * that it does not matter when or how often somebody asks. */
static void set_bars(struct tt_budget *budget)
{
    struct day_mean mean;
    take_mean(budget, &mean);
    double left = share_left(budget, &mean);
    double day_count;
    double payments = to_come(budget, &mean, left, &day_count);
    struct shares shares = {.budget = budget, .day_count = day_count > 1.0 ? day_count : 1.0};
    uint32_t above = 0;
    for (uint32_t i = TT_BUDGET_BINS; i-- > 0;) {
        above += budget->bins[i];
        shares.today[i] = above;
    }
    double wanted = budget_left(budget, mean.rules * left);
    budget->bar = wanted > 0.0 ? bar_for(&shares, payments, wanted, true) : NEVER;
    budget->clear_bar = bar_for(&shares, day_count, 0.5 * budget->options.per_day, false);
}

void tt_budget_reach(struct tt_budget *budget, int64_t event_ms, int64_t offset_ms)
{
    int64_t local_ms = event_ms + offset_ms;
    bool first = budget->now_ms == TT_TIME_NONE;
    if (first) {
        budget->first_ms = event_ms;
    } else if (event_ms <= budget->now_ms || local_ms <= budget->local_ms) {
        return; /* late, or the hour that a change of clocks repeats */
    }
    int64_t day = floor_div(local_ms, TT_MS_PER_DAY);
    int64_t hour = floor_div(local_ms, TT_MS_PER_HOUR);
    if (!first && day != budget->day) {
        close_day(budget);
    }
    if (day != budget->day || hour != budget->hour) {
        budget->hour_statistics = 0;
    }
    budget->now_ms = event_ms;
    budget->local_ms = local_ms;
    budget->day = day;
    budget->hour = hour;
    if (floor_div(local_ms, QUARTER_MS) != budget->quarter) {
        budget->quarter = floor_div(local_ms, QUARTER_MS);
        set_bars(budget);
    }
}

uint32_t tt_budget_spent(const struct tt_budget *budget)
{
    return budget->statistics + budget->rules + budget->pages;
}

/* Whether the day, and at the start the hour, still has room for an alert of statistics. */
static bool has_room(const struct tt_budget *budget)
{
    uint32_t per_day = budget->options.per_day;
    if (starting(budget)) {
        uint32_t hourly = (2 * per_day + 23) / 24;
        if (budget->hour_statistics >= hourly) {
            return false;
        }
    }
    return budget_left(budget, 0.0) >= 1.0;
}

enum tt_alert tt_budget_ask(const struct tt_budget *budget, const struct tt_budget_case *payment)
{
    if (payment->attached) {
        return payment->anomalous ? TT_ALERT_ATTACHED : TT_ALERT_NONE;
    }
    if (payment->rule && payment->severe) {
        return TT_ALERT_RULE;
    }
    if (budget->options.per_day == 0) {
        return payment->severe ? TT_ALERT_OPENED : TT_ALERT_NONE;
    }
    enum tt_alert otherwise = payment->anomalous ? TT_ALERT_HELD : TT_ALERT_NONE;
    if (payment->p_value > TT_BUDGET_P_MAX || (starting(budget) && !payment->severe)) {
        return otherwise;
    }
    double surprise = -tt_log(payment->p_value);
    if (surprise >= budget->bar && has_room(budget)) {
        return TT_ALERT_OPENED;
    }
    if (surprise < budget->clear_bar || starting(budget)) {
        return otherwise;
    }
    if (budget->options.policy == TT_BUDGET_EXCEED &&
        tt_budget_spent(budget) < 2 * budget->options.per_day) {
        return TT_ALERT_OPENED;
    }
    if (budget->options.policy == TT_BUDGET_PAGE && budget->pages == 0 && !has_room(budget)) {
        return TT_ALERT_PAGED;
    }
    return otherwise;
}

void tt_budget_note(struct tt_budget *budget, const struct tt_budget_case *payment,
                    enum tt_alert outcome)
{
    int64_t in_day = budget->local_ms - budget->day * TT_MS_PER_DAY;
    budget->count++;
    budget->today_count++;
    budget->today_hours[in_day / TT_MS_PER_HOUR]++;
    if (payment->p_value <= TT_BUDGET_P_MAX && !payment->attached && outcome != TT_ALERT_RULE) {
        budget->bins[bin_of(payment->p_value)]++;
    }
    bool statistics = outcome == TT_ALERT_OPENED || outcome == TT_ALERT_SAMPLED;
    budget->statistics += statistics ? 1 : 0;
    budget->hour_statistics += statistics ? 1 : 0;
    budget->rules += outcome == TT_ALERT_RULE ? 1 : 0;
    budget->pages += outcome == TT_ALERT_PAGED ? 1 : 0;
    budget->held += outcome == TT_ALERT_HELD ? 1 : 0;
    if (statistics || outcome == TT_ALERT_RULE) {
        set_bars(budget);
    }
}

double tt_budget_p(const struct tt_budget *budget)
{
    if (budget->options.per_day == 0 || budget->now_ms == TT_TIME_NONE) {
        return 0.0;
    }
    return budget->bar < NEVER && has_room(budget) ? tt_exp(-budget->bar) : 0.0;
}

/* Runs of zeros, as most bins are empty. */
static void put_counts(const uint32_t *counts, uint32_t count, struct tt_buf *buf)
{
    for (uint32_t i = 0; i < count;) {
        uint32_t same = 1;
        while (i + same < count && counts[i + same] == counts[i]) {
            same++;
        }
        tt_wire_put_varint(buf, same);
        tt_wire_put_varint(buf, counts[i]);
        i += same;
    }
}

static uint32_t get_u32(struct tt_wire *wire)
{
    uint64_t value = tt_wire_varint(wire);
    wire->bad |= value > UINT32_MAX;
    return wire->bad ? 0 : (uint32_t)value;
}

static void get_counts(struct tt_wire *wire, uint32_t *ret, uint32_t count)
{
    for (uint32_t i = 0; i < count && !wire->bad;) {
        uint32_t same = get_u32(wire);
        uint32_t value = get_u32(wire);
        wire->bad |= same == 0 || same > count - i;
        for (uint32_t k = 0; k < same && !wire->bad; k++) {
            ret[i++] = value;
        }
    }
}

void tt_budget_encode(const struct tt_budget *budget, struct tt_buf *buf)
{
    tt_wire_put_u64(buf, (uint64_t)budget->first_ms);
    tt_wire_put_u64(buf, (uint64_t)budget->now_ms);
    tt_wire_put_u64(buf, (uint64_t)budget->local_ms);
    tt_wire_put_u64(buf, (uint64_t)budget->day);
    tt_wire_put_u64(buf, (uint64_t)budget->hour);
    tt_wire_put_u64(buf, (uint64_t)budget->quarter);
    tt_wire_put_u64(buf, budget->count);
    tt_wire_put_u32(buf, budget->options.per_day);
    tt_wire_put_double(buf, budget->bar);
    tt_wire_put_double(buf, budget->clear_bar);
    const uint32_t today[] = {budget->statistics, budget->rules,           budget->pages,
                              budget->held,       budget->hour_statistics, budget->today_count};
    put_counts(today, TT_ARRAY_SIZE(today), buf);
    put_counts(budget->today_hours, 24, buf);
    put_counts(budget->bins, TT_BUDGET_BINS, buf);
    tt_wire_put_varint(buf, budget->day_count);
    for (uint32_t i = 0; i < budget->day_count; i++) {
        const struct tt_budget_day *day = &budget->days[i];
        const uint32_t numbers[] = {day->observed_ms, day->count, day->rules};
        tt_wire_put_u64(buf, (uint64_t)day->day);
        put_counts(numbers, TT_ARRAY_SIZE(numbers), buf);
        put_counts(day->hours, 24, buf);
        put_counts(day->above, TT_BUDGET_BINS, buf);
    }
}

static bool day_is_possible(const struct tt_budget_day *day)
{
    bool possible = day->count > 0 && day->observed_ms >= CLOSE_FROM_MS &&
                    day->observed_ms <= TT_MS_PER_DAY && day->above[0] <= day->count;
    for (uint32_t i = 1; i < TT_BUDGET_BINS; i++) {
        possible = possible && day->above[i] <= day->above[i - 1];
    }
    return possible;
}

/* The budget the state was made with goes to *ret_per_day. */
static void decode(struct tt_budget *budget, struct tt_wire *wire, uint32_t *ret_per_day)
{
    uint32_t today[6] = {0};
    budget->first_ms = (int64_t)tt_wire_u64(wire);
    budget->now_ms = (int64_t)tt_wire_u64(wire);
    budget->local_ms = (int64_t)tt_wire_u64(wire);
    budget->day = (int64_t)tt_wire_u64(wire);
    budget->hour = (int64_t)tt_wire_u64(wire);
    budget->quarter = (int64_t)tt_wire_u64(wire);
    budget->count = tt_wire_u64(wire);
    *ret_per_day = tt_wire_u32(wire);
    budget->bar = tt_wire_double(wire);
    budget->clear_bar = tt_wire_double(wire);
    bool is_number = budget->bar >= 0.0 && budget->clear_bar >= 0.0;
    wire->bad |= !is_number;
    get_counts(wire, today, TT_ARRAY_SIZE(today));
    budget->statistics = today[0];
    budget->rules = today[1];
    budget->pages = today[2];
    budget->held = today[3];
    budget->hour_statistics = today[4];
    budget->today_count = today[5];
    get_counts(wire, budget->today_hours, 24);
    get_counts(wire, budget->bins, TT_BUDGET_BINS);
    uint32_t day_count = get_u32(wire);
    wire->bad |= day_count > TT_BUDGET_DAYS;
    for (uint32_t i = 0; i < day_count && !wire->bad; i++) {
        struct tt_budget_day *day = &budget->days[i];
        uint32_t numbers[3] = {0};
        day->day = (int64_t)tt_wire_u64(wire);
        get_counts(wire, numbers, TT_ARRAY_SIZE(numbers));
        day->observed_ms = numbers[0];
        day->count = numbers[1];
        day->rules = numbers[2];
        get_counts(wire, day->hours, 24);
        get_counts(wire, day->above, TT_BUDGET_BINS);
        wire->bad |= !day_is_possible(day) || day->day >= budget->day;
        budget->day_count++;
    }
}

/* Times of the years 1 to 9999, so that what is computed from them cannot overflow. */
static bool times_are_possible(const struct tt_budget *budget)
{
    const int64_t limit = INT64_C(260000000000000);
    if (budget->now_ms == TT_TIME_NONE) {
        return budget->first_ms == TT_TIME_NONE && budget->count == 0 && budget->day_count == 0;
    }
    return budget->first_ms > -limit && budget->first_ms <= budget->now_ms &&
           budget->now_ms < limit && budget->local_ms > -limit && budget->local_ms < limit &&
           budget->day == floor_div(budget->local_ms, TT_MS_PER_DAY) &&
           budget->hour == floor_div(budget->local_ms, TT_MS_PER_HOUR);
}

void tt_budget_decode(struct tt_budget *budget, struct tt_wire *wire)
{
    struct tt_budget_options options = budget->options;
    tt_budget_init(budget, &options);
    uint32_t per_day = 0;
    decode(budget, wire, &per_day);
    wire->bad |= !times_are_possible(budget);
    if (wire->bad) {
        tt_budget_init(budget, &options);
    } else if (per_day != options.per_day && budget->now_ms != TT_TIME_NONE) {
        set_bars(budget); /* another budget since */
    }
}
