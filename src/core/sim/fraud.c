/*
 * Fraud: how often which kind starts, the plan of a day, and one queued row.
 *
 * An episode is planned as a START row at a random moment of its day; when the stream gets there, it
 * looks for its victim and queues what it does (episodes.c). Terminals and stolen cards last for
 * days and stay in a list that is gone through every day. Fraud draws from its own random stream and
 * changes nothing that ordinary payments read, except a stolen card's number once it is replaced.
 */
#include "core/sim/world.h"

#define MEAN_MAX 10000.0 /* of one Poisson draw */

/* rows_boosted, declined */
#define BOOSTED_AMOUNT_OVER_LIMIT 1.0, 0.10
#define BOOSTED_COMPROMISED_TERMINAL 6.0, 0.02
#define BOOSTED_STOLEN_CARD 5.0, 0.12
#define BOOSTED_CARD_TESTING 12.0, 0.45
#define BOOSTED_IMPOSSIBLE_TRAVEL 2.0, 0.10
#define BOOSTED_ACCOUNT_TAKEOVER 4.0, 0.12
const struct tt_sim_kind_row tt_sim_kinds[TT_SIM_KIND_COUNT] = {
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
    return tt_sim_fraud_rows_daily(options) * tt_sim_kinds[kind].share / tt_sim_kinds[kind].rows;
}

double tt_sim_episode_mean_days(unsigned kind)
{
    return kind == TT_SIM_COMPROMISED_TERMINAL
               ? (TT_SIM_TERMINAL_DAYS_MIN + TT_SIM_TERMINAL_DAYS_MAX) / 2.0
               : (TT_SIM_CARD_DAYS_MIN + TT_SIM_CARD_DAYS_MAX) / 2.0;
}

double tt_sim_fraud_lasting(const struct tt_sim_options *options)
{
    return episodes_daily(options, TT_SIM_COMPROMISED_TERMINAL) *
               tt_sim_episode_mean_days(TT_SIM_COMPROMISED_TERMINAL) +
           episodes_daily(options, TT_SIM_STOLEN_CARD) *
               tt_sim_episode_mean_days(TT_SIM_STOLEN_CARD);
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
            double mean = rows * tt_sim_kinds[kind].share / tt_sim_kinds[kind].rows_boosted *
                          (double)(b - a) / (double)TT_MS_PER_DAY;
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
            tt_sim_episode_rows(sim, episode, from, until);
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
        double mean =
            episodes_daily(&sim->options, lasting[k]) * tt_sim_episode_mean_days(lasting[k]);
        uint32_t count = tt_rng_poisson(&sim->rng_fraud, mean < MEAN_MAX ? mean : MEAN_MAX);
        for (; count > 0 && sim->episode_count < sim->episode_capacity; count--) {
            struct tt_sim_episode episode = tt_sim_episode_make(sim, lasting[k]);
            double left = tt_rng_double(&sim->rng_fraud) *
                          (double)tt_sim_episode_duration_ms(sim, lasting[k]);
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
