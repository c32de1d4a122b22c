/*
 * The simulated world: tables, merchants, customers.
 *
 * Everything here is made once from the seed (customers also later, when somebody leaves and
 * somebody new takes the slot). The region is a plane of 100 km with five towns, around 48° N
 * 16° E; merchants and homes gather in the towns. Chances come from look-up tables of 1024
 * entries: coarse (0.1 %), but one draw and one load each, which is what makes a million rows a
 * second possible.
 */
#include "core/sim/world.h"

#include <string.h>

#define HOME_LATITUDE 47.80
#define HOME_LONGITUDE 15.40
#define KM_PER_DEGREE 111.195
#define HOME_COS 0.6668 /* cosine of the region's middle latitude */
#define HOURS 24u

const struct tt_sim_category_row tt_sim_categories[TT_SIM_CATEGORY_COUNT] = {
#define TT_SIM_CATEGORY(id, mcc, median, sigma, weight, hours, weekend, sale, online, travel)      \
    {mcc, median, sigma, weight, weekend, sale, online, travel, TT_SIM_HOURS_##hours},
#include "core/sim/categories.def"
#undef TT_SIM_CATEGORY
};

const struct tt_sim_place_row tt_sim_places[TT_SIM_PLACE_COUNT] = {
#define TT_SIM_PLACE(country, latitude, longitude, weight) {country, latitude, longitude, weight},
#include "core/sim/places.def"
#undef TT_SIM_PLACE
};

/* How busy each hour of the local day is, by kind of opening hours; only ratios matter. */
static const uint8_t hour_weights[TT_SIM_HOURS_COUNT][HOURS] = {
    [TT_SIM_HOURS_SHOP] = {1,  0,  0,  0,  0,  1,  3,  12, 30, 48, 56, 55,
                           50, 42, 42, 48, 58, 66, 62, 44, 20, 8,  4,  2},
    [TT_SIM_HOURS_DINNER] = {5,  2,  1,  0,  0,  0,  1,  3,  6,  8,  14, 40,
                             58, 40, 16, 10, 14, 30, 62, 80, 72, 44, 24, 11},
    [TT_SIM_HOURS_LUNCH] = {5,  3,  2,  1,  1,  2,  8,  20, 24, 22, 34, 74,
                            90, 58, 28, 22, 26, 36, 48, 44, 30, 20, 14, 8},
    [TT_SIM_HOURS_COMMUTE] = {2,  1,  1,  1,  3,  12, 38, 74, 66, 40, 32, 32,
                              34, 34, 36, 44, 64, 76, 54, 32, 20, 14, 10, 5},
    [TT_SIM_HOURS_NIGHT] = {56, 42, 28, 15, 6,  2,  1,  1,  1,  1,  2,  4,
                            6,  6,  6,  8,  14, 24, 36, 48, 60, 70, 76, 72},
    [TT_SIM_HOURS_ONLINE] = {22, 12, 7,  5,  4,  5,  9,  18, 28, 34, 36, 37,
                             40, 38, 36, 36, 38, 42, 48, 58, 68, 70, 58, 38},
};

/* Where online shops and their banks are. */
static const char online_countries[][4] = {"AT", "AT", "AT", "AT", "AT", "AT", "DE", "DE",
                                           "DE", "DE", "LU", "IE", "NL", "GB", "US", "US"};

double tt_sim_uniform(struct tt_rng *rng, double low, double high)
{
    return low + (high - low) * tt_rng_double(rng);
}

double tt_sim_distance_km(double latitude_a, double longitude_a, double latitude_b,
                          double longitude_b)
{
    double north = (latitude_a - latitude_b) * KM_PER_DEGREE;
    double east = (longitude_a - longitude_b) * KM_PER_DEGREE * HOME_COS;
    double square = north * north + east * east;
    bool home = latitude_a > 47.0 && latitude_a < 49.0 && latitude_b > 47.0 && latitude_b < 49.0;
    if (home && square < 200.0 * 200.0) {
        return tt_sqrt(square);
    }
    return tt_distance_km(latitude_a, longitude_a, latitude_b, longitude_b);
}

uint32_t tt_sim_shelf_pick(const struct tt_sim_shelf *shelf, double u)
{
    TT_ASSERT(shelf->count > 0);
    /* e^(u ln(n+1)) has P(floor = k) ~ ln((k+1)/k): Zipf's law with exponent 1, by one exp. */
    double rank = tt_exp(u * shelf->log_count) - 1.0;
    uint32_t index = rank > 0.0 ? (uint32_t)rank : 0;
    return shelf->first + (index < shelf->count ? index : shelf->count - 1);
}

/* ---- tables ---- */

/* Entries in proportion to the weights: index i fills its share of the table. */
static void table_fill(uint8_t table[TT_SIM_TABLE_SIZE], const double *weights, size_t count)
{
    double total = 0.0;
    for (size_t i = 0; i < count; i++) {
        total += weights[i];
    }
    double sum = 0.0;
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        sum += weights[i];
        size_t end = (size_t)(sum / total * TT_SIM_TABLE_SIZE + 0.5);
        for (; at < end && at < TT_SIM_TABLE_SIZE; at++) {
            table[at] = (uint8_t)i;
        }
    }
}

/* Weight of a slot of the day: between the middles of two hours it goes straight. */
static double slot_weight(const uint8_t *hours, unsigned slot)
{
    double hour = ((double)slot + 0.5) * HOURS / TT_SIM_SLOTS - 0.5;
    if (hour < 0.0) {
        hour += HOURS;
    }
    unsigned before = (unsigned)hour;
    double part = hour - before;
    return hours[before] * (1.0 - part) + hours[(before + 1) % HOURS] * part;
}

static void build_tables(struct tt_sim *sim)
{
    double weights[TT_SIM_SLOTS];
    for (size_t type = 0; type < TT_SIM_DAY_TYPES; type++) {
        for (size_t c = 0; c < TT_SIM_CATEGORY_COUNT; c++) {
            const struct tt_sim_category_row *row = &tt_sim_categories[c];
            weights[c] = row->weight * (type == TT_SIM_WEEKEND ? row->weekend_ratio : 1.0) *
                         (type == TT_SIM_SALE_DAY ? row->sale_ratio : 1.0);
        }
        table_fill(sim->category_table[type], weights, TT_SIM_CATEGORY_COUNT);
    }
    for (size_t c = 0; c < TT_SIM_CATEGORY_COUNT; c++) {
        weights[c] = tt_sim_categories[c].travel_weight;
        sim->median_log[c] = tt_log(tt_sim_categories[c].median);
    }
    table_fill(sim->travel_table, weights, TT_SIM_CATEGORY_COUNT);
    for (size_t p = 0; p < TT_SIM_PLACE_COUNT; p++) {
        weights[p] = tt_sim_places[p].weight;
    }
    table_fill(sim->place_table, weights, TT_SIM_PLACE_COUNT);
    for (size_t h = 0; h < TT_SIM_HOURS_COUNT; h++) {
        for (unsigned slot = 0; slot < TT_SIM_SLOTS; slot++) {
            weights[slot] = slot_weight(hour_weights[h], slot);
        }
        table_fill(sim->hour_table[h], weights, TT_SIM_SLOTS);
    }
}

double tt_sim_hour_ratio(unsigned hour)
{
    TT_ASSERT(hour < HOURS);
    double ratio = 0.0, weight_total = 0.0;
    for (size_t c = 0; c < TT_SIM_CATEGORY_COUNT; c++) {
        const uint8_t *hours = hour_weights[tt_sim_categories[c].hours];
        unsigned total = 0;
        for (size_t h = 0; h < HOURS; h++) {
            total += hours[h];
        }
        ratio += tt_sim_categories[c].weight * hours[hour] * HOURS / total;
        weight_total += tt_sim_categories[c].weight;
    }
    return ratio / weight_total;
}

/* ---- merchants ---- */

/* How much of a zone's trade a category has there; 0 = the shelf stays empty. */
static double shelf_weight(size_t zone, size_t category)
{
    const struct tt_sim_category_row *row = &tt_sim_categories[category];
    if (zone == TT_SIM_ZONE_HOME) {
        return row->weight * (1.0 - row->online_share);
    }
    if (zone == TT_SIM_ZONE_ONLINE) {
        return row->weight * row->online_share;
    }
    return row->travel_weight;
}

/* Shares of what is left after every shelf has its first merchant. */
static double zone_share(size_t zone)
{
    if (zone == TT_SIM_ZONE_HOME) {
        return 0.65;
    }
    return zone == TT_SIM_ZONE_ONLINE ? 0.15 : 0.20 / TT_SIM_PLACE_COUNT;
}

static void build_shelves(struct tt_sim *sim)
{
    uint32_t used = 0;
    for (size_t z = 0; z < TT_SIM_ZONE_COUNT; z++) {
        for (size_t c = 0; c < TT_SIM_CATEGORY_COUNT; c++) {
            used += shelf_weight(z, c) > 0.0 ? 1 : 0;
        }
    }
    TT_ASSERT(used <= sim->options.merchants);
    double rest = (double)(sim->options.merchants - used);
    uint32_t first = 0;
    for (size_t z = TT_SIM_ZONE_COUNT; z-- > 0;) { /* home last: it takes what rounding leaves */
        double total = 0.0;
        for (size_t c = 0; c < TT_SIM_CATEGORY_COUNT; c++) {
            total += shelf_weight(z, c);
        }
        for (size_t c = TT_SIM_CATEGORY_COUNT; c-- > 0;) {
            double weight = shelf_weight(z, c);
            struct tt_sim_shelf *shelf = &sim->shelves[z][c];
            shelf->first = first;
            shelf->count = weight > 0.0 ? 1 + (uint32_t)(rest * zone_share(z) * weight / total) : 0;
            first += shelf->count;
        }
    }
    struct tt_sim_shelf *last = &sim->shelves[TT_SIM_ZONE_HOME][TT_SIM_GROCERY];
    TT_ASSERT(first <= sim->options.merchants && last->first + last->count == first);
    last->count += sim->options.merchants - first;
}

/* A place in or around one of the towns; a fifth lives in the country. */
static void place_home(struct tt_sim *sim, double *ret_latitude, double *ret_longitude)
{
    struct tt_rng *rng = &sim->rng_plan;
    double x = tt_sim_uniform(rng, 0.0, TT_SIM_PLANE_KM);
    double y = tt_sim_uniform(rng, 0.0, TT_SIM_PLANE_KM);
    size_t town = (size_t)tt_rng_below(rng, 6);
    double spread = town == 0 ? 7.0 : 3.0;
    double dx = tt_rng_normal(rng) * spread, dy = tt_rng_normal(rng) * spread;
    if (town < TT_ARRAY_SIZE(sim->town_x)) {
        x = sim->town_x[town] + dx;
        y = sim->town_y[town] + dy;
    }
    x = x < 0.0 ? 0.0 : (x > TT_SIM_PLANE_KM ? TT_SIM_PLANE_KM : x);
    y = y < 0.0 ? 0.0 : (y > TT_SIM_PLANE_KM ? TT_SIM_PLANE_KM : y);
    *ret_latitude = HOME_LATITUDE + y / KM_PER_DEGREE;
    *ret_longitude = HOME_LONGITUDE + x / (KM_PER_DEGREE * HOME_COS);
}

static void merchant_make(struct tt_sim *sim, struct tt_sim_merchant *merchant, size_t zone,
                          size_t category)
{
    struct tt_rng *rng = &sim->rng_plan;
    merchant->zone = (uint8_t)zone;
    merchant->category = (uint8_t)category;
    merchant->price_log = 0.3 * tt_rng_normal(rng);
    const char *country = TT_SIM_HOME_COUNTRY;
    if (zone == TT_SIM_ZONE_ONLINE) {
        country = online_countries[tt_rng_below(rng, TT_ARRAY_SIZE(online_countries))];
    } else if (zone == TT_SIM_ZONE_HOME) {
        place_home(sim, &merchant->latitude, &merchant->longitude);
    } else {
        const struct tt_sim_place_row *place = &tt_sim_places[zone - 1];
        merchant->latitude = place->latitude + tt_sim_uniform(rng, -0.07, 0.07);
        merchant->longitude = place->longitude + tt_sim_uniform(rng, -0.07, 0.07);
        country = place->country;
    }
    memcpy(merchant->country, country, strlen(country) + 1);
}

void tt_sim_world_build(struct tt_sim *sim)
{
    build_tables(sim);
    build_shelves(sim);
    for (size_t t = 0; t < TT_ARRAY_SIZE(sim->town_x); t++) {
        sim->town_x[t] = tt_sim_uniform(&sim->rng_plan, 12.0, TT_SIM_PLANE_KM - 12.0);
        sim->town_y[t] = tt_sim_uniform(&sim->rng_plan, 12.0, TT_SIM_PLANE_KM - 12.0);
    }
    for (size_t z = 0; z < TT_SIM_ZONE_COUNT; z++) {
        for (size_t c = 0; c < TT_SIM_CATEGORY_COUNT; c++) {
            struct tt_sim_shelf *shelf = &sim->shelves[z][c];
            shelf->log_count = tt_log((double)shelf->count + 1.0);
            for (uint32_t i = 0; i < shelf->count; i++) {
                merchant_make(sim, &sim->merchants[shelf->first + i], z, c);
            }
        }
    }
    for (uint32_t slot = 0; slot < sim->options.customers; slot++) {
        tt_sim_customer_make(sim, slot);
    }
}

/* ---- customers ---- */

static double clamp(double value, double low, double high)
{
    return value < low ? low : (value > high ? high : value);
}

void tt_sim_customer_make(struct tt_sim *sim, uint32_t slot)
{
    static const uint8_t paydays[] = {1, 1, 1, 15, 15, 25, 27, 28};
    struct tt_rng *rng = &sim->rng_plan;
    struct tt_sim_customer *customer = &sim->customers[slot];
    *customer = (struct tt_sim_customer){
        .last_ms = TT_TIME_NONE,
        .trip_depart_ms = TT_TIME_NONE,
        .trip_arrive_ms = TT_TIME_NONE,
        .trip_leave_ms = TT_TIME_NONE,
        .trip_back_ms = TT_TIME_NONE,
        .card = 1,
        .device = 1,
        .device_last = 1,
        .serial = ++sim->serial_last,
        .key = tt_rng_next(rng),
    };
    place_home(sim, &customer->latitude, &customer->longitude);
    /* Log-normal with mean 1; the clamp costs about as much at one end as at the other. */
    double busy = tt_exp(0.65 * tt_rng_normal(rng) - 0.5 * 0.65 * 0.65);
    customer->rate_daily = TT_SIM_MEAN_DAILY * clamp(busy, 0.1, 5.0);
    customer->amount_log = 0.35 * tt_rng_normal(rng);
    customer->sigma = clamp(1.0 + 0.25 * tt_rng_normal(rng), 0.5, 1.6);
    double online = tt_rng_double(rng);
    customer->online_share = 0.05 + 0.9 * online * online;
    customer->trip_daily = tt_rng_exponential(rng) / 120.0;
    customer->shift_ms = (int32_t)(tt_rng_normal(rng) * 0.7 * (double)TT_MS_PER_HOUR);
    customer->payday = paydays[tt_rng_below(rng, TT_ARRAY_SIZE(paydays))];
    uint64_t issuer = tt_rng_below(rng, 20);
    customer->issuer = (uint8_t)(issuer < 3 ? issuer : 0);
    if (tt_rng_below(rng, 3) == 0) {
        customer->device_second = 2;
        customer->device_last = 2;
    }
}
