/*
 * Ordinary traffic: what customers buy on a day, and how one payment goes.
 *
 * A day is planned at once (who, when, what kind of shop) and sorted by time; where exactly and
 * for how much is decided when the payment's turn comes, because it depends on where the
 * customer is then. Plan and payments have a random stream each, so that fraud cannot disturb
 * either. A planned payment that would need the customer to travel too fast becomes one nearby,
 * or one online.
 */
#include "core/sim/world.h"

#include <string.h>

#define LEAVE_DAILY (1.0 / 900.0)
#define DEVICE_DAILY (1.0 / 450.0)
#define CARD_DAILY (1.0 / 900.0) /* ordinary renewals */
#define LARGE_SHARE 0.004
#define REFUND_SHARE 0.009
#define SALE_DAY_RATIO 1.45
#define FAVOURITE_SHARE 0.78
#define DECLINE_SHARE 0.014
#define RETRY_SHARE 0.6
#define SPREAD_MAX 3.0
#define HOME_KM_PER_MS (70.0 / 3600000.0)
#define FAR_KM_PER_MS (800.0 / 3600000.0)

/* Monday first; the mean is 1. */
static const double weekday_ratio[7] = {0.92, 0.93, 0.95, 1.0, 1.15, 1.2, 0.85};

/* ---- the plan of a day ---- */

static unsigned weekday(int64_t day)
{
    return (unsigned)(((day + 3) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
}

/* Shops have a sale on the last Friday of every month. */
static enum tt_sim_day_type day_type(int64_t day)
{
    int year, month, mday, month_after;
    tt_civil_from_day(day, &year, &month, &mday);
    tt_civil_from_day(day + 7, &year, &month_after, &mday);
    if (weekday(day) == 4 && month != month_after) {
        return TT_SIM_SALE_DAY;
    }
    return weekday(day) >= 5 ? TT_SIM_WEEKEND : TT_SIM_WORKDAY;
}

/* How freely is spent so many days after payday; the mean over a month is 1. */
static double payday_ratio(int days)
{
    if (days < 4) {
        return 1.35;
    }
    return days < 10 ? 1.05 : (days < 24 ? 0.93 : 0.88);
}

static struct tt_sim_visit visit_plan(struct tt_sim *sim, uint32_t slot, enum tt_sim_day_type type)
{
    static const uint8_t large[] = {TT_SIM_ELECTRONICS, TT_SIM_FURNITURE, TT_SIM_AIRLINE,
                                    TT_SIM_HOTEL,       TT_SIM_HARDWARE,  TT_SIM_CLOTHING};
    struct tt_rng *rng = &sim->rng_plan;
    uint64_t bits = tt_rng_next(rng); /* one draw serves both tables */
    struct tt_sim_visit visit = {.customer = slot};
    visit.category = sim->category_table[type][bits % TT_SIM_TABLE_SIZE];
    double special = (double)((bits >> 32) & 0xffffu) / 65536.0;
    if (special < LARGE_SHARE) {
        visit.flags = TT_SIM_VISIT_LARGE;
        visit.category = large[(bits >> 48) % TT_ARRAY_SIZE(large)];
    } else if (special < LARGE_SHARE + REFUND_SHARE) {
        visit.flags = TT_SIM_VISIT_REFUND;
    }
    const uint8_t *hours = sim->hour_table[tt_sim_categories[visit.category].hours];
    int64_t ms = (int64_t)hours[(bits >> 10) % TT_SIM_TABLE_SIZE] * TT_SIM_SLOT_MS;
    ms += (int64_t)tt_rng_below(rng, TT_SIM_SLOT_MS) + sim->customers[slot].shift_ms;
    visit.ms = (uint32_t)((ms + TT_MS_PER_DAY) % TT_MS_PER_DAY);
    return visit;
}

static enum tt_status visits_reserve(struct tt_sim *sim, size_t count)
{
    if (count <= sim->visit_capacity) {
        return TT_OK;
    }
    size_t capacity = sim->visit_capacity + sim->visit_capacity / 2 + 256;
    capacity = capacity < count ? count : capacity;
    struct tt_sim_visit *visits = tt_new_array(&sim->alloc, capacity, sizeof *visits);
    struct tt_sim_visit *spare = tt_new_array(&sim->alloc, capacity, sizeof *spare);
    if (visits == NULL || spare == NULL) {
        tt_delete(&sim->alloc, visits, capacity * sizeof *visits);
        tt_delete(&sim->alloc, spare, capacity * sizeof *spare);
        return TT_E_NOMEM;
    }
    size_t size_old = sim->visit_capacity * sizeof *visits;
    if (sim->visit_count > 0) {
        memcpy(visits, sim->visits, sim->visit_count * sizeof *visits);
    }
    tt_delete(&sim->alloc, sim->visits, size_old);
    tt_delete(&sim->alloc, sim->visits_spare, size_old);
    sim->visits = visits;
    sim->visits_spare = spare;
    sim->visit_capacity = capacity;
    return TT_OK;
}

/* Stable sort by ms, which has 27 bits: three passes of nine. */
static void visits_sort(struct tt_sim *sim)
{
    for (unsigned shift = 0; shift < 27; shift += 9) {
        size_t starts[512] = {0};
        for (size_t i = 0; i < sim->visit_count; i++) {
            starts[(sim->visits[i].ms >> shift) & 511]++;
        }
        size_t sum = 0;
        for (size_t b = 0; b < 512; b++) {
            size_t count = starts[b];
            starts[b] = sum;
            sum += count;
        }
        for (size_t i = 0; i < sim->visit_count; i++) {
            sim->visits_spare[starts[(sim->visits[i].ms >> shift) & 511]++] = sim->visits[i];
        }
        struct tt_sim_visit *swap = sim->visits;
        sim->visits = sim->visits_spare;
        sim->visits_spare = swap;
    }
}

static void trip_plan(struct tt_sim *sim, struct tt_sim_customer *customer)
{
    struct tt_rng *rng = &sim->rng_plan;
    uint8_t place = sim->place_table[tt_rng_below(rng, TT_SIM_TABLE_SIZE)];
    double km = tt_sim_distance_km(customer->latitude, customer->longitude,
                                   tt_sim_places[place].latitude, tt_sim_places[place].longitude);
    double hours = km < 600.0 ? 0.75 + km / 110.0 : 3.0 + km / 700.0;
    int64_t on_the_way = (int64_t)(hours * (double)TT_MS_PER_HOUR);
    double nights = 1.0 + tt_rng_exponential(rng) * (km < 600.0 ? 2.5 : 6.0);
    nights = nights < 21.0 ? nights : 21.0;
    customer->trip_zone = (uint8_t)(place + 1);
    customer->trip_depart_ms =
        sim->day_ms + (int64_t)(tt_sim_uniform(rng, 6.0, 18.0) * (double)TT_MS_PER_HOUR);
    customer->trip_arrive_ms = customer->trip_depart_ms + on_the_way;
    customer->trip_leave_ms = customer->trip_arrive_ms + (int64_t)(nights * (double)TT_MS_PER_DAY);
    customer->trip_back_ms = customer->trip_leave_ms + on_the_way;
}

/* What changes in people's lives in the night before sim->day: moves, trips, devices, cards. */
static void lives_go_on(struct tt_sim *sim)
{
    struct tt_rng *rng = &sim->rng_plan;
    for (uint32_t slot = 0; slot < sim->options.customers; slot++) {
        struct tt_sim_customer *customer = &sim->customers[slot];
        double u = tt_rng_double(rng);
        if (u < LEAVE_DAILY) {
            tt_sim_customer_make(sim, slot);
        } else if (u < LEAVE_DAILY + DEVICE_DAILY) {
            customer->device = ++customer->device_last;
        } else if (u < LEAVE_DAILY + DEVICE_DAILY + CARD_DAILY) {
            customer->card++;
        } else if (u > 1.0 - customer->trip_daily && customer->trip_back_ms < sim->day_ms) {
            trip_plan(sim, customer);
        }
    }
}

static enum tt_status visits_plan(struct tt_sim *sim)
{
    enum tt_sim_day_type type = day_type(sim->day);
    int year, month, mday;
    tt_civil_from_day(sim->day, &year, &month, &mday);
    double ratio = sim->options.rate * weekday_ratio[weekday(sim->day)] *
                   (type == TT_SIM_SALE_DAY ? SALE_DAY_RATIO : 1.0);
    for (uint32_t slot = 0; slot < sim->options.customers; slot++) {
        const struct tt_sim_customer *customer = &sim->customers[slot];
        int since = mday - customer->payday;
        double mean = customer->rate_daily * ratio * payday_ratio(since < 0 ? since + 30 : since);
        uint32_t count = tt_rng_poisson(&sim->rng_plan, mean);
        if (visits_reserve(sim, sim->visit_count + count) != TT_OK) {
            return TT_E_NOMEM;
        }
        for (; count > 0; count--) {
            struct tt_sim_visit visit = visit_plan(sim, slot, type);
            if (sim->day_ms + visit.ms >= sim->options.start_ms) {
                sim->visits[sim->visit_count++] = visit;
            }
        }
    }
    return TT_OK;
}

enum tt_status tt_sim_day_plan(struct tt_sim *sim)
{
    struct tt_rng before = sim->rng_plan;
    sim->day_ms = sim->day * TT_MS_PER_DAY - sim->options.zone_offset_ms;
    sim->visit_count = 0;
    sim->visit_next = 0;
    if (visits_plan(sim) != TT_OK) {
        sim->rng_plan = before; /* the same day comes out when it is tried again */
        sim->visit_count = 0;
        return TT_E_NOMEM;
    }
    visits_sort(sim);
    lives_go_on(sim);
    sim->planned = true;
    return TT_OK;
}

/* ---- one payment ---- */

uint32_t tt_sim_zone_at(const struct tt_sim_customer *customer, int64_t ms)
{
    if (ms < customer->trip_depart_ms || ms >= customer->trip_back_ms) {
        return TT_SIM_ZONE_HOME;
    }
    bool there = ms >= customer->trip_arrive_ms && ms < customer->trip_leave_ms;
    return there ? customer->trip_zone : TT_SIM_ZONE_TRANSIT;
}

static double bits_to_unit(uint64_t bits)
{
    return (double)(bits >> 11) * 0x1p-53;
}

/* The i-th favourite of a customer on a shelf: fixed by the key. */
static uint32_t favourite(const struct tt_sim_shelf *shelf, const struct tt_sim_customer *customer,
                          uint64_t i)
{
    uint64_t hash =
        tt_hash_mix(customer->key + shelf->first * 64u + i * UINT64_C(0x9e3779b97f4a7c15));
    return tt_sim_shelf_pick(shelf, bits_to_unit(hash));
}

static double to_home_km(const struct tt_sim *sim, const struct tt_sim_customer *customer,
                         uint32_t merchant)
{
    return tt_sim_distance_km(customer->latitude, customer->longitude,
                              sim->merchants[merchant].latitude,
                              sim->merchants[merchant].longitude);
}

/* A shop of the region: mostly one of two favourites near home, else something popular not far. */
static uint32_t pick_home(struct tt_sim *sim, const struct tt_sim_shelf *shelf,
                          const struct tt_sim_customer *customer)
{
    uint64_t bits = tt_rng_next(&sim->rng_habits);
    bool usual = bits_to_unit(bits) < FAVOURITE_SHARE;
    uint64_t base = (bits & 3) == 0 ? 3 : 0; /* the second favourite every fourth time */
    uint32_t best = shelf->first;
    double best_km = 1e9;
    for (uint64_t i = 0; i < 3; i++) {
        uint32_t merchant = usual ? favourite(shelf, customer, base + i)
                                  : tt_sim_shelf_pick(shelf, tt_rng_double(&sim->rng_habits));
        double km = to_home_km(sim, customer, merchant);
        if (km < best_km) {
            best_km = km;
            best = merchant;
        }
    }
    return best;
}

static uint32_t pick_online(struct tt_sim *sim, uint8_t category,
                            const struct tt_sim_customer *customer)
{
    const struct tt_sim_shelf *shelf = &sim->shelves[TT_SIM_ZONE_ONLINE][category];
    uint64_t bits = tt_rng_next(&sim->rng_habits);
    if (bits_to_unit(bits) < FAVOURITE_SHARE) {
        return favourite(shelf, customer, bits & 3);
    }
    return tt_sim_shelf_pick(shelf, tt_rng_double(&sim->rng_habits));
}

/* Whether the customer can be there by then. Retries may go a few metres at once. */
static bool can_be_there(const struct tt_sim *sim, const struct tt_sim_customer *customer,
                         uint32_t merchant, int64_t ms)
{
    if (customer->last_ms == TT_TIME_NONE || customer->last_merchant == merchant) {
        return true;
    }
    const struct tt_sim_merchant *from = &sim->merchants[customer->last_merchant];
    const struct tt_sim_merchant *to = &sim->merchants[merchant];
    double km = tt_sim_distance_km(from->latitude, from->longitude, to->latitude, to->longitude);
    double speed = from->zone == to->zone ? HOME_KM_PER_MS : FAR_KM_PER_MS;
    return km <= speed * (double)(ms - customer->last_ms);
}

/* Where a planned payment takes place. */
struct choice {
    uint32_t merchant;
    bool online;
};

static struct choice choose(struct tt_sim *sim, const struct tt_sim_customer *customer,
                            uint8_t category, int64_t ms)
{
    struct tt_rng *rng = &sim->rng_habits;
    uint32_t zone = tt_sim_zone_at(customer, ms);
    double share = tt_sim_categories[category].online_share;
    if (share > 0.0 && share < 1.0) { /* what people like to buy online differs */
        share *= customer->online_share * 2.8;
    }
    bool online = tt_rng_double(rng) < share || zone == TT_SIM_ZONE_TRANSIT;
    if (!online && zone != TT_SIM_ZONE_HOME && sim->shelves[zone][category].count == 0) {
        category = sim->travel_table[tt_rng_below(rng, TT_SIM_TABLE_SIZE)];
    }
    if (!online) {
        const struct tt_sim_shelf *shelf = &sim->shelves[zone][category];
        uint32_t merchant = zone == TT_SIM_ZONE_HOME ? pick_home(sim, shelf, customer)
                                                     : tt_sim_shelf_pick(shelf, tt_rng_double(rng));
        if (can_be_there(sim, customer, merchant, ms)) {
            return (struct choice){merchant, false};
        }
    }
    if (sim->shelves[TT_SIM_ZONE_ONLINE][category].count == 0) {
        category = (tt_rng_next(rng) >> 63) != 0 ? TT_SIM_MARKETPLACE : TT_SIM_DIGITAL;
    }
    return (struct choice){pick_online(sim, category, customer), true};
}

int64_t tt_sim_amount(struct tt_sim *sim, struct tt_rng *rng,
                      const struct tt_sim_customer *customer, uint32_t merchant, double ratio)
{
    const struct tt_sim_merchant *shop = &sim->merchants[merchant];
    double log = sim->median_log[shop->category] + customer->amount_log + shop->price_log;
    double spread = tt_rng_normal(rng); /* nobody buys a ten-thousandth of a bread, or a street */
    spread = spread < -SPREAD_MAX ? -SPREAD_MAX : (spread > SPREAD_MAX ? SPREAD_MAX : spread);
    log += tt_sim_categories[shop->category].sigma * customer->sigma * spread;
    double major = tt_exp(log) * ratio;
    if (shop->category == TT_SIM_CASH) { /* machines give notes */
        major = (double)(int64_t)(major / 10.0 + 0.5) * 10.0;
        major = major < 10.0 ? 10.0 : major;
    }
    int64_t minor = (int64_t)(major * sim->minor_per_major + 0.5);
    return minor < 1 ? 1 : (minor > TT_AMOUNT_MINOR_MAX ? TT_AMOUNT_MINOR_MAX : minor);
}

/* Channel, device or position of a genuine payment, and what is remembered of it. */
static void place_payment(struct tt_sim *sim, struct tt_sim_transaction *ret, uint32_t slot,
                          struct choice choice, int64_t ms)
{
    struct tt_sim_customer *customer = &sim->customers[slot];
    tt_sim_row_fill(sim, ret, slot, choice.merchant, ms, false);
    uint8_t category = sim->merchants[choice.merchant].category;
    ret->type = category == TT_SIM_CASH       ? TT_TXN_WITHDRAWAL
                : category == TT_SIM_TRANSFER ? TT_TXN_TRANSFER
                                              : TT_TXN_PURCHASE;
    if (!choice.online) {
        ret->channel = category == TT_SIM_CASH ? TT_SIM_CHANNEL_ATM : TT_SIM_CHANNEL_POS;
        tt_sim_row_spot(sim, ret, choice.merchant);
        customer->last_ms = ms;
        customer->last_merchant = choice.merchant;
        return;
    }
    ret->channel = TT_SIM_CHANNEL_ONLINE;
    bool second = customer->device_second != 0 && tt_rng_below(&sim->rng_habits, 4) == 0;
    uint64_t device = second ? customer->device_second : customer->device;
    /* At home one address for some weeks; on the way a strange one. */
    uint64_t network = (uint64_t)(ms / (40 * TT_MS_PER_DAY));
    if (tt_sim_zone_at(customer, ms) != TT_SIM_ZONE_HOME) {
        network = tt_rng_next(&sim->rng_habits);
    }
    tt_sim_row_online(ret, customer->key + device, customer->key ^ network);
}

/* Some payments are declined (the larger the likelier), and most of those tried again. */
static void authorise(struct tt_sim *sim, struct tt_sim_transaction *ret, uint32_t slot,
                      uint32_t merchant, double ratio)
{
    struct tt_rng *rng = &sim->rng_habits;
    double share = DECLINE_SHARE * (ratio > 2.0 ? 4.0 : 1.0) *
                   (ret->channel == TT_SIM_CHANNEL_ONLINE ? 1.6 : 0.8);
    ret->authorization = TT_AUTH_APPROVED;
    if (tt_rng_double(rng) >= share) {
        return;
    }
    ret->authorization = TT_AUTH_DECLINED;
    if (tt_rng_double(rng) < RETRY_SHARE) {
        tt_sim_queue_push(sim,
                          (struct tt_sim_row){
                              .what = TT_SIM_ROW_RETRY,
                              .ms = ret->timestamp_ms + 8000 + (int64_t)tt_rng_below(rng, 90000),
                              .amount_minor = ret->amount_minor,
                              .customer = slot,
                              .serial = sim->customers[slot].serial,
                              .merchant = merchant,
                              .channel = ret->channel,
                          });
    }
}

/* Something bought before is given back: the money comes without the customer being there. */
static bool refund_do(struct tt_sim *sim, uint32_t slot, int64_t ms, struct tt_sim_transaction *ret)
{
    struct tt_sim_customer *customer = &sim->customers[slot];
    if (customer->bought_minor == 0) {
        return false;
    }
    tt_sim_row_fill(sim, ret, slot, customer->bought_merchant, ms, false);
    bool online = sim->merchants[customer->bought_merchant].zone == TT_SIM_ZONE_ONLINE;
    ret->channel = online ? TT_SIM_CHANNEL_ONLINE : TT_SIM_CHANNEL_POS;
    ret->type = TT_TXN_REFUND;
    ret->authorization = TT_AUTH_APPROVED;
    ret->amount_minor = customer->bought_minor;
    customer->bought_minor = 0;
    return true;
}

static void remember_purchase(struct tt_sim *sim, uint32_t slot, uint32_t merchant,
                              const struct tt_sim_transaction *row)
{
    bool goods = row->type == TT_TXN_PURCHASE && row->authorization == TT_AUTH_APPROVED;
    if (goods && row->amount_minor > 0) {
        sim->customers[slot].bought_minor = row->amount_minor;
        sim->customers[slot].bought_merchant = merchant;
    }
}

void tt_sim_visit_do(struct tt_sim *sim, const struct tt_sim_visit *visit,
                     struct tt_sim_transaction *ret)
{
    struct tt_rng *rng = &sim->rng_habits;
    const struct tt_sim_customer *customer = &sim->customers[visit->customer];
    int64_t ms = sim->day_ms + visit->ms;
    if ((visit->flags & TT_SIM_VISIT_REFUND) != 0 && refund_do(sim, visit->customer, ms, ret)) {
        return;
    }
    struct choice choice = choose(sim, customer, visit->category, ms);
    double ratio = (visit->flags & TT_SIM_VISIT_LARGE) != 0 ? tt_sim_uniform(rng, 2.5, 9.0) : 1.0;
    place_payment(sim, ret, visit->customer, choice, ms);
    ret->amount_minor = tt_sim_amount(sim, rng, customer, choice.merchant, ratio);
    if (choice.online && ret->type == TT_TXN_PURCHASE && tt_rng_below(rng, 400) == 0) {
        ret->amount_minor = 0; /* a shop only checks that the card lives */
    }
    authorise(sim, ret, visit->customer, choice.merchant, ratio);
    remember_purchase(sim, visit->customer, choice.merchant, ret);
    if (!choice.online) {
        tt_sim_fraud_follow(sim, visit->customer, choice.merchant, ms);
    }
}

bool tt_sim_retry_do(struct tt_sim *sim, const struct tt_sim_row *row,
                     struct tt_sim_transaction *ret)
{
    const struct tt_sim_customer *customer = &sim->customers[row->customer];
    bool online = row->channel == TT_SIM_CHANNEL_ONLINE;
    if (customer->serial != row->serial ||
        (!online && !can_be_there(sim, customer, row->merchant, row->ms))) {
        return false;
    }
    place_payment(sim, ret, row->customer, (struct choice){row->merchant, online}, row->ms);
    ret->amount_minor = row->amount_minor;
    bool again = tt_rng_below(&sim->rng_habits, 6) == 0;
    ret->authorization = again ? TT_AUTH_DECLINED : TT_AUTH_APPROVED;
    remember_purchase(sim, row->customer, row->merchant, ret);
    return true;
}
