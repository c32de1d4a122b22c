/*
 * What each kind of fraud does: victims, shops, amounts, times.
 *
 * Much of it is meant to be missed: rows of a compromised terminal look like any other there, and a
 * quarter of the thieves are careful. A boosted episode does in its window what it would do in days.
 */
#include "core/sim/world.h"

#define BOOST_SPAN_MIN_MS INT64_C(20000)

/* ---- choices ---- */

static uint32_t any_customer(struct tt_sim *sim)
{
    return (uint32_t)tt_rng_below(&sim->rng_fraud, sim->options.customers);
}

/* A shop of the zone; of which kind goes by the table, as far as the zone has such shops. */
static uint32_t any_merchant(struct tt_sim *sim, uint32_t zone, const uint8_t *table)
{
    struct tt_rng *rng = &sim->rng_fraud;
    const struct tt_sim_shelf *shelf = &sim->shelves[zone][TT_SIM_CLOTHING]; /* is everywhere */
    for (int tries = 0; tries < 16; tries++) {
        uint8_t category = table[tt_rng_below(rng, TT_SIM_TABLE_SIZE)];
        if (sim->shelves[zone][category].count > 0) {
            shelf = &sim->shelves[zone][category];
            break;
        }
    }
    return tt_sim_shelf_pick(shelf, tt_rng_double(rng));
}

/* What thieves like: things that can be sold. */
static uint32_t fence_merchant(struct tt_sim *sim, bool online)
{
    static const uint8_t liked[] = {TT_SIM_ELECTRONICS, TT_SIM_ELECTRONICS, TT_SIM_CLOTHING,
                                    TT_SIM_MARKETPLACE, TT_SIM_AIRLINE,     TT_SIM_DIGITAL};
    struct tt_rng *rng = &sim->rng_fraud;
    size_t count = online ? TT_ARRAY_SIZE(liked) : 3;
    const struct tt_sim_shelf *shelf = &sim->shelves[online ? TT_SIM_ZONE_ONLINE : TT_SIM_ZONE_HOME]
                                                    [liked[tt_rng_below(rng, count)]];
    return tt_sim_shelf_pick(shelf, tt_rng_double(rng));
}

/* A device that is nobody's; 0 means the customer's own. */
static uint32_t strange_device(struct tt_sim *sim)
{
    return (uint32_t)(tt_rng_next(&sim->rng_fraud) >> 32) | 1u;
}

static int64_t minor(const struct tt_sim *sim, double major)
{
    return (int64_t)(major * sim->minor_per_major + 0.5);
}

static int64_t after_ms(struct tt_sim *sim, int64_t ms, double low_s, double high_s)
{
    return ms + (int64_t)(tt_sim_uniform(&sim->rng_fraud, low_s, high_s) * 1000.0);
}

/* Queues a row of fraud; channel and type go by the merchant. */
static void fraud_push(struct tt_sim *sim, struct tt_sim_row row)
{
    struct tt_rng *rng = &sim->rng_fraud;
    const struct tt_sim_merchant *merchant = &sim->merchants[row.merchant];
    row.what = TT_SIM_ROW_FRAUD;
    row.serial = sim->customers[row.customer].serial;
    row.channel = merchant->zone == TT_SIM_ZONE_ONLINE ? TT_SIM_CHANNEL_ONLINE
                  : merchant->category == TT_SIM_CASH  ? TT_SIM_CHANNEL_ATM
                                                       : TT_SIM_CHANNEL_POS;
    row.type = merchant->category == TT_SIM_CASH       ? TT_TXN_WITHDRAWAL
               : merchant->category == TT_SIM_TRANSFER ? TT_TXN_TRANSFER
                                                       : TT_TXN_PURCHASE;
    row.declined = tt_rng_double(rng) < tt_sim_kinds[row.kind].declined;
    double days = 0.5 + 5.0 * tt_rng_exponential(rng);
    days = days < 45.0 ? days : 45.0;
    row.known_at_ms = row.ms + (int64_t)(days * (double)TT_MS_PER_DAY);
    tt_sim_queue_push(sim, row);
}

static int64_t amount_times(struct tt_sim *sim, uint32_t customer, uint32_t merchant, double ratio)
{
    return tt_sim_amount(sim, &sim->rng_fraud, &sim->customers[customer], merchant, ratio);
}

/* ---- rows of episodes that last ---- */

/* Somebody who could well be at that terminal: the nearest of some who are not away. */
static bool terminal_customer(struct tt_sim *sim, uint32_t merchant, int64_t ms, uint32_t *ret)
{
    double best_km = 1e9;
    for (int tries = 0; tries < 6; tries++) {
        uint32_t slot = any_customer(sim);
        const struct tt_sim_customer *customer = &sim->customers[slot];
        double km = tt_sim_distance_km(customer->latitude, customer->longitude,
                                       sim->merchants[merchant].latitude,
                                       sim->merchants[merchant].longitude);
        if (km < best_km && tt_sim_zone_at(customer, ms) == TT_SIM_ZONE_HOME) {
            best_km = km;
            *ret = slot;
        }
    }
    return best_km < 1e9;
}

static void terminal_row(struct tt_sim *sim, uint32_t merchant, int64_t ms, bool boosted)
{
    uint32_t customer = 0;
    if (terminal_customer(sim, merchant, ms, &customer)) {
        fraud_push(sim, (struct tt_sim_row){
                            .ms = ms,
                            .kind = TT_SIM_COMPROMISED_TERMINAL,
                            .customer = customer,
                            .merchant = merchant,
                            .amount_minor = amount_times(sim, customer, merchant, 1.0),
                            .boosted = boosted,
                        });
    }
}

static void card_row(struct tt_sim *sim, const struct tt_sim_episode *episode, int64_t ms,
                     bool boosted)
{
    bool online = tt_rng_below(&sim->rng_fraud, 10) < 7;
    uint32_t merchant = fence_merchant(sim, online);
    double ratio = episode->amount_ratio * tt_sim_uniform(&sim->rng_fraud, 0.7, 1.3);
    fraud_push(sim, (struct tt_sim_row){
                        .ms = ms,
                        .kind = TT_SIM_STOLEN_CARD,
                        .customer = episode->customer,
                        .merchant = merchant,
                        .device = episode->device,
                        .amount_minor = amount_times(sim, episode->customer, merchant, ratio),
                        .boosted = boosted,
                    });
}

static void episode_row(struct tt_sim *sim, const struct tt_sim_episode *episode, int64_t ms,
                        bool boosted)
{
    if (episode->kind == TT_SIM_COMPROMISED_TERMINAL) {
        terminal_row(sim, episode->merchant, ms, boosted);
    } else {
        card_row(sim, episode, ms, boosted);
    }
}

/* Queues what the episode does in [from, until) of the planned day, at hours that fit the shop. */
void tt_sim_episode_rows(struct tt_sim *sim, const struct tt_sim_episode *episode, int64_t from,
                         int64_t until)
{
    struct tt_rng *rng = &sim->rng_fraud;
    until = until < episode->end_ms ? until : episode->end_ms;
    if (until <= from) {
        return;
    }
    uint8_t hours = TT_SIM_HOURS_ONLINE;
    if (episode->kind == TT_SIM_COMPROMISED_TERMINAL) {
        hours = tt_sim_categories[sim->merchants[episode->merchant].category].hours;
    }
    double daily = tt_sim_kinds[episode->kind].rows / tt_sim_episode_mean_days(episode->kind);
    uint32_t count = tt_rng_poisson(rng, daily); /* of a whole day; the part outside falls away */
    for (; count > 0; count--) {
        int64_t slot = sim->hour_table[hours][tt_rng_below(rng, TT_SIM_TABLE_SIZE)];
        int64_t ms =
            sim->day_ms + slot * TT_SIM_SLOT_MS + (int64_t)tt_rng_below(rng, TT_SIM_SLOT_MS);
        if (ms >= from && ms < until) {
            episode_row(sim, episode, ms, false);
        }
    }
}

struct tt_sim_episode tt_sim_episode_make(struct tt_sim *sim, uint8_t kind)
{
    struct tt_rng *rng = &sim->rng_fraud;
    struct tt_sim_episode episode = {.kind = kind, .amount_ratio = 1.0};
    if (kind == TT_SIM_COMPROMISED_TERMINAL) {
        episode.merchant = any_merchant(sim, TT_SIM_ZONE_HOME, sim->category_table[TT_SIM_WORKDAY]);
        return episode;
    }
    episode.customer = any_customer(sim);
    episode.serial = sim->customers[episode.customer].serial;
    episode.device = strange_device(sim);
    /* A quarter of the thieves are careful. */
    bool careful = tt_rng_below(rng, 4) == 0;
    episode.amount_ratio = careful ? tt_sim_uniform(rng, 0.8, 1.6) : tt_sim_uniform(rng, 3.0, 8.0);
    return episode;
}

int64_t tt_sim_episode_duration_ms(struct tt_sim *sim, unsigned kind)
{
    bool terminal = kind == TT_SIM_COMPROMISED_TERMINAL;
    double days =
        tt_sim_uniform(&sim->rng_fraud, terminal ? TT_SIM_TERMINAL_DAYS_MIN : TT_SIM_CARD_DAYS_MIN,
                       terminal ? TT_SIM_TERMINAL_DAYS_MAX : TT_SIM_CARD_DAYS_MAX);
    return (int64_t)(days * (double)TT_MS_PER_DAY);
}

/* ---- starts ---- */

/* Where rows of a boosted episode must end. */
static int64_t boost_end(const struct tt_sim *sim, int64_t ms)
{
    int64_t until = sim->options.boost.until_ms;
    return until - ms > BOOST_SPAN_MIN_MS ? until : ms + BOOST_SPAN_MIN_MS;
}

static void start_lasting(struct tt_sim *sim, const struct tt_sim_row *start)
{
    struct tt_rng *rng = &sim->rng_fraud;
    struct tt_sim_episode episode = tt_sim_episode_make(sim, start->kind);
    if (!start->boosted) {
        episode.end_ms = start->ms + tt_sim_episode_duration_ms(sim, start->kind);
        if (sim->episode_count < sim->episode_capacity) {
            sim->episodes[sim->episode_count++] = episode;
            tt_sim_episode_rows(sim, &episode, start->ms, sim->day_ms + TT_MS_PER_DAY);
        }
        return;
    }
    uint64_t rows = (uint64_t)tt_sim_kinds[start->kind].rows_boosted;
    rows = rows - 2 + tt_rng_below(rng, 5);
    int64_t span = boost_end(sim, start->ms) - start->ms;
    for (; rows > 0; rows--) {
        episode_row(sim, &episode, start->ms + (int64_t)tt_rng_below(rng, (uint64_t)span), true);
    }
}

static void start_amount(struct tt_sim *sim, const struct tt_sim_row *start)
{
    struct tt_rng *rng = &sim->rng_fraud;
    bool online = tt_rng_below(rng, 2) == 0;
    double over = 1000.0 * (1.0 + 0.6 * tt_rng_exponential(rng));
    fraud_push(sim, (struct tt_sim_row){
                        .ms = start->ms,
                        .kind = TT_SIM_AMOUNT_OVER_LIMIT,
                        .customer = any_customer(sim),
                        .merchant = fence_merchant(sim, online),
                        .device = tt_rng_below(rng, 2) == 0 ? strange_device(sim) : 0,
                        .amount_minor = minor(sim, over < 9000.0 ? over : 9000.0),
                        .boosted = start->boosted,
                    });
}

/* Many tiny payments within minutes: one card at several shops, or many cards at one. The one that
 * works is used for more at the end. */
static void start_testing(struct tt_sim *sim, const struct tt_sim_row *start)
{
    struct tt_rng *rng = &sim->rng_fraud;
    bool one_card = tt_rng_below(rng, 2) == 0;
    uint64_t rows = start->boosted ? 8 + tt_rng_below(rng, 9) : 8 + tt_rng_below(rng, 18);
    uint32_t customer = any_customer(sim), device = strange_device(sim);
    uint32_t shop = any_merchant(sim, TT_SIM_ZONE_ONLINE, sim->category_table[TT_SIM_WORKDAY]);
    double gap_s = tt_sim_uniform(rng, 4.0, 25.0);
    if (start->boosted) {
        double most = (double)(boost_end(sim, start->ms) - start->ms) / 1000.0 / (double)(rows + 1);
        gap_s = gap_s < most ? gap_s : most;
    }
    int64_t ms = start->ms;
    for (uint64_t i = 0; i < rows; i++) {
        bool last = i + 1 == rows;
        uint32_t merchant = shop;
        if (one_card && tt_rng_below(rng, 3) == 0) {
            merchant = any_merchant(sim, TT_SIM_ZONE_ONLINE, sim->category_table[TT_SIM_WORKDAY]);
        }
        double major = last ? tt_sim_uniform(rng, 40.0, 400.0) : tt_sim_uniform(rng, 0.0, 2.5);
        fraud_push(sim, (struct tt_sim_row){
                            .ms = ms,
                            .kind = TT_SIM_CARD_TESTING,
                            .customer = one_card ? customer : any_customer(sim),
                            .merchant = merchant,
                            .device = device,
                            .amount_minor = minor(sim, major),
                            .boosted = start->boosted,
                        });
        ms = after_ms(sim, ms, 0.5 * gap_s, 1.5 * gap_s);
    }
}

/* At night (a boosted one: now), on a new device: transfers and goods. */
static void start_takeover(struct tt_sim *sim, const struct tt_sim_row *start)
{
    struct tt_rng *rng = &sim->rng_fraud;
    uint64_t rows = 2 + tt_rng_below(rng, 5);
    uint32_t customer = any_customer(sim), device = strange_device(sim);
    const struct tt_sim_shelf *transfers = &sim->shelves[TT_SIM_ZONE_ONLINE][TT_SIM_TRANSFER];
    double gap_s = tt_sim_uniform(rng, 90.0, 600.0);
    int64_t ms = after_ms(sim, sim->day_ms + TT_MS_PER_DAY, 0.5 * 3600.0, 5.0 * 3600.0);
    if (start->boosted) {
        double most = (double)(boost_end(sim, start->ms) - start->ms) / 1000.0 / (double)(rows + 1);
        gap_s = gap_s < most ? gap_s : most;
        ms = start->ms;
    }
    for (; rows > 0; rows--) {
        bool transfer = tt_rng_below(rng, 5) < 3;
        uint32_t merchant =
            transfer ? tt_sim_shelf_pick(transfers, tt_rng_double(rng)) : fence_merchant(sim, true);
        double ratio = tt_sim_uniform(rng, 1.2, 4.0);
        fraud_push(sim, (struct tt_sim_row){
                            .ms = ms,
                            .kind = TT_SIM_ACCOUNT_TAKEOVER,
                            .customer = customer,
                            .merchant = merchant,
                            .device = device,
                            .amount_minor = amount_times(sim, customer, merchant, ratio),
                            .boosted = start->boosted,
                        });
        ms = after_ms(sim, ms, 0.5 * gap_s, 1.5 * gap_s);
    }
}

void tt_sim_fraud_start(struct tt_sim *sim, const struct tt_sim_row *row)
{
    switch (row->kind) {
    case TT_SIM_AMOUNT_OVER_LIMIT:
        start_amount(sim, row);
        break;
    case TT_SIM_CARD_TESTING:
        start_testing(sim, row);
        break;
    case TT_SIM_IMPOSSIBLE_TRAVEL:
        sim->travel_waiting += row->boosted ? 0 : 1;
        sim->travel_waiting_boosted += row->boosted ? 1 : 0;
        break;
    case TT_SIM_ACCOUNT_TAKEOVER:
        start_takeover(sim, row);
        break;
    default:
        start_lasting(sim, row);
        break;
    }
}

/* A place so far that nobody can be there within the quarter of an hour, or the zone of home. */
static uint32_t far_zone(struct tt_sim *sim, const struct tt_sim_merchant *from, double *ret_km)
{
    for (int tries = 0; tries < 16; tries++) {
        uint8_t place = sim->place_table[tt_rng_below(&sim->rng_fraud, TT_SIM_TABLE_SIZE)];
        double km =
            tt_sim_distance_km(from->latitude, from->longitude, tt_sim_places[place].latitude,
                               tt_sim_places[place].longitude);
        if (km >= 350.0) {
            *ret_km = km;
            return place + 1u;
        }
    }
    return TT_SIM_ZONE_HOME;
}

void tt_sim_fraud_follow(struct tt_sim *sim, uint32_t customer, uint32_t merchant, int64_t ms)
{
    if (TT_LIKELY(sim->travel_waiting == 0 && sim->travel_waiting_boosted == 0)) {
        return;
    }
    struct tt_rng *rng = &sim->rng_fraud;
    bool boosted = sim->travel_waiting_boosted > 0;
    if (!boosted && tt_rng_below(rng, 8) != 0) {
        return; /* not always the next best */
    }
    double km = 0.0;
    uint32_t zone = far_zone(sim, &sim->merchants[merchant], &km);
    if (zone == TT_SIM_ZONE_HOME) {
        return;
    }
    sim->travel_waiting -= boosted ? 0 : 1;
    sim->travel_waiting_boosted -= boosted ? 1 : 0;
    double longest_s = km / 1000.0 * 3600.0; /* faster than 1,000 km/h */
    longest_s = longest_s < 3000.0 ? longest_s : 3000.0;
    if (boosted) {
        double most = (double)(boost_end(sim, ms) - ms) / 1000.0 / 4.0;
        longest_s = longest_s < most ? longest_s : most;
    }
    int64_t at = after_ms(sim, ms, 0.2 * longest_s, longest_s);
    for (uint64_t rows = 1 + tt_rng_below(rng, 3); rows > 0; rows--) {
        uint32_t shop = any_merchant(sim, zone, sim->travel_table);
        fraud_push(sim, (struct tt_sim_row){
                            .ms = at,
                            .kind = TT_SIM_IMPOSSIBLE_TRAVEL,
                            .customer = customer,
                            .merchant = shop,
                            .amount_minor =
                                amount_times(sim, customer, shop, tt_sim_uniform(rng, 0.8, 3.0)),
                            .boosted = boosted,
                        });
        at = after_ms(sim, at, 0.1 * longest_s, 0.4 * longest_s);
    }
}
