/*
 * Fraud:   episodes of six kinds that start at random times and queue their rows.
 *
 * An episode is planned as a START row at a random moment of its day; when the stream gets
 * there, the episode looks for its victim and queues what it does. Terminals and stolen cards
 * last for days and stay in a list that is gone through every day. Fraud draws from its own
 * random stream and changes nothing that ordinary payments read, except a stolen card's number
 * once it is replaced. Much of it is meant to be missed: rows of a compromised terminal look
 * like any other there.
 */
#include "core/sim/world.h"

#define TERMINAL_DAYS_MIN 14.0
#define TERMINAL_DAYS_MAX 42.0
#define CARD_DAYS_MIN 2.0
#define CARD_DAYS_MAX 14.0
#define MEAN_MAX 10000.0 /* of one Poisson draw */
#define BOOST_SPAN_MIN_MS INT64_C(20000)

/* rows_boosted: mean rows of an episode that is pressed into a boost window; declined: share of its
 * rows that the issuer declines. */
struct kind_row {
    double share, rows, rows_boosted, declined;
};
#define BOOSTED_AMOUNT_OVER_LIMIT 1.0, 0.10
#define BOOSTED_COMPROMISED_TERMINAL 6.0, 0.02
#define BOOSTED_STOLEN_CARD 5.0, 0.12
#define BOOSTED_CARD_TESTING 12.0, 0.45
#define BOOSTED_IMPOSSIBLE_TRAVEL 2.0, 0.10
#define BOOSTED_ACCOUNT_TAKEOVER 4.0, 0.12
static const struct kind_row kinds[TT_SIM_KIND_COUNT] = {
#define TT_SIM_KIND(id, name, share, rows) [TT_SIM_##id] = {share, rows, BOOSTED_##id},
#include "core/sim/sim_kinds.def"
#undef TT_SIM_KIND
};

double tt_sim_fraud_rows_daily(const struct tt_sim_options *options)
{
    return options->customers * TT_SIM_MEAN_DAILY * options->rate * options->fraud *
           TT_SIM_FRAUD_SHARE;
}

static double episodes_daily(const struct tt_sim_options *options, unsigned kind)
{
    return tt_sim_fraud_rows_daily(options) * kinds[kind].share / kinds[kind].rows;
}

static double mean_days(unsigned kind)
{
    return kind == TT_SIM_COMPROMISED_TERMINAL ? (TERMINAL_DAYS_MIN + TERMINAL_DAYS_MAX) / 2.0
                                               : (CARD_DAYS_MIN + CARD_DAYS_MAX) / 2.0;
}

double tt_sim_fraud_lasting(const struct tt_sim_options *options)
{
    return episodes_daily(options, TT_SIM_COMPROMISED_TERMINAL) *
               mean_days(TT_SIM_COMPROMISED_TERMINAL) +
           episodes_daily(options, TT_SIM_STOLEN_CARD) * mean_days(TT_SIM_STOLEN_CARD);
}

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
    row.declined = tt_rng_double(rng) < kinds[row.kind].declined;
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
static void episode_rows(struct tt_sim *sim, const struct tt_sim_episode *episode, int64_t from,
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
    double daily = kinds[episode->kind].rows / mean_days(episode->kind);
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

static struct tt_sim_episode episode_make(struct tt_sim *sim, uint8_t kind)
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

static int64_t duration_ms(struct tt_sim *sim, unsigned kind)
{
    bool terminal = kind == TT_SIM_COMPROMISED_TERMINAL;
    double days = tt_sim_uniform(&sim->rng_fraud, terminal ? TERMINAL_DAYS_MIN : CARD_DAYS_MIN,
                                 terminal ? TERMINAL_DAYS_MAX : CARD_DAYS_MAX);
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
    struct tt_sim_episode episode = episode_make(sim, start->kind);
    if (!start->boosted) {
        episode.end_ms = start->ms + duration_ms(sim, start->kind);
        if (sim->episode_count < sim->episode_capacity) {
            sim->episodes[sim->episode_count++] = episode;
            episode_rows(sim, &episode, start->ms, sim->day_ms + TT_MS_PER_DAY);
        }
        return;
    }
    uint64_t rows = (uint64_t)kinds[start->kind].rows_boosted;
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

/* ---- the plan of a day ---- */

static void start_push(struct tt_sim *sim, unsigned kind, int64_t ms, bool boosted)
{
    tt_sim_queue_push(
        sim, (struct tt_sim_row){
                 .what = TT_SIM_ROW_START, .ms = ms, .kind = (uint8_t)kind, .boosted = boosted});
}

static void starts_push(struct tt_sim *sim, unsigned kind, double mean, int64_t from, int64_t until,
                        bool boosted)
{
    struct tt_rng *rng = &sim->rng_fraud;
    uint32_t count = tt_rng_poisson(rng, mean < MEAN_MAX ? mean : MEAN_MAX);
    for (; count > 0; count--) {
        start_push(sim, kind, from + (int64_t)tt_rng_below(rng, (uint64_t)(until - from)), boosted);
    }
}

/* The extra episodes of the boost window that start in [from, until). */
static void boost_plan(struct tt_sim *sim, int64_t from, int64_t until)
{
    const struct tt_sim_boost *boost = &sim->options.boost;
    int64_t start = sim->options.start_ms;
    int64_t low = boost->from_ms > start ? boost->from_ms : start;
    if (boost->until_ms <= low) {
        return;
    }
    double span = (double)(boost->until_ms - low) * 0.7; /* starts leave time for the rows */
    for (unsigned kind = 1; kind < TT_SIM_KIND_COUNT; kind++) {
        int64_t a = low > from ? low : from;
        int64_t b = boost->until_ms < until ? boost->until_ms : until;
        if (boost->factor > 1.0 && a < b) {
            double rows = tt_sim_fraud_rows_daily(&sim->options) * (boost->factor - 1.0);
            double mean = rows * kinds[kind].share / kinds[kind].rows_boosted * (double)(b - a) /
                          (double)TT_MS_PER_DAY;
            starts_push(sim, kind, mean, a, b, true);
        }
        for (uint32_t i = 0; i < boost->each_min; i++) {
            /* Fixed by the seed, whichever day asks. */
            uint64_t hash = tt_hash_mix(sim->run_key ^ tt_hash_mix((uint64_t)kind << 32 | i));
            double part = (double)(hash >> 11) * 0x1p-53;
            int64_t ms = low + (int64_t)(span * (i + part) / boost->each_min);
            if (ms >= from && ms < until) {
                start_push(sim, kind, ms, true);
            }
        }
    }
}

void tt_sim_fraud_plan(struct tt_sim *sim)
{
    int64_t start = sim->options.start_ms;
    int64_t until = sim->day_ms + TT_MS_PER_DAY;
    int64_t from = sim->day_ms > start ? sim->day_ms : start;
    if (until <= from) {
        return;
    }
    size_t kept = 0;
    for (size_t i = 0; i < sim->episode_count; i++) {
        struct tt_sim_episode *episode = &sim->episodes[i];
        if (episode->end_ms > from) {
            episode_rows(sim, episode, from, until);
            sim->episodes[kept++] = *episode;
        } else if (episode->kind == TT_SIM_STOLEN_CARD &&
                   sim->customers[episode->customer].serial == episode->serial) {
            sim->customers[episode->customer].card++; /* the bank sends a new one */
        }
    }
    sim->episode_count = kept;
    double part = (double)(until - from) / (double)TT_MS_PER_DAY;
    for (unsigned kind = 1; kind < TT_SIM_KIND_COUNT; kind++) {
        starts_push(sim, kind, episodes_daily(&sim->options, kind) * part, from, until, false);
    }
    boost_plan(sim, from, until);
}

void tt_sim_fraud_warm(struct tt_sim *sim)
{
    static const uint8_t lasting[] = {TT_SIM_COMPROMISED_TERMINAL, TT_SIM_STOLEN_CARD};
    for (size_t k = 0; k < TT_ARRAY_SIZE(lasting); k++) {
        double mean = episodes_daily(&sim->options, lasting[k]) * mean_days(lasting[k]);
        uint32_t count = tt_rng_poisson(&sim->rng_fraud, mean < MEAN_MAX ? mean : MEAN_MAX);
        for (; count > 0 && sim->episode_count < sim->episode_capacity; count--) {
            struct tt_sim_episode episode = episode_make(sim, lasting[k]);
            double left = tt_rng_double(&sim->rng_fraud) * (double)duration_ms(sim, lasting[k]);
            episode.end_ms = sim->options.start_ms + (int64_t)left;
            sim->episodes[sim->episode_count++] = episode;
        }
    }
}

/* ---- a row ---- */

bool tt_sim_fraud_do(struct tt_sim *sim, const struct tt_sim_row *row,
                     struct tt_sim_transaction *ret)
{
    const struct tt_sim_customer *customer = &sim->customers[row->customer];
    if (customer->serial != row->serial) {
        return false;
    }
    tt_sim_row_fill(sim, ret, row->customer, row->merchant, row->ms, true);
    ret->amount_minor = row->amount_minor;
    ret->channel = row->channel;
    ret->type = row->type;
    ret->authorization = row->declined ? TT_AUTH_DECLINED : TT_AUTH_APPROVED;
    ret->kind = row->kind;
    ret->label_known_at_ms = row->known_at_ms;
    if (row->channel != TT_SIM_CHANNEL_ONLINE) {
        tt_sim_row_spot(sim, ret, row->merchant);
    } else if (row->device != 0) {
        uint64_t key = tt_hash_mix(sim->run_key ^ row->device);
        tt_sim_row_online(ret, key, key);
    } else {
        tt_sim_row_online(ret, customer->key + customer->device, tt_rng_next(&sim->rng_fraud));
    }
    return true;
}
