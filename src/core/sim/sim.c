/*
 * The generator's lifecycle, its queue, and the merge of plan and queue in time order.
 *
 * Rows come from two places: the sorted plan of the day, and a heap of what is not planned
 * (retries, fraud). Whatever is earlier goes next; a day ends when the plan is used up and the
 * heap holds nothing before midnight. All memory but the plan's is taken at the start; the plan
 * grows with the busiest day.
 */
#include "core/sim/world.h"

#include <string.h>

#define QUEUE_MAX 4000000.0
#define EPISODES_MAX 1000000.0
#define RATE_MIN 0.001
#define RATE_MAX 100.0
#define FRAUD_MAX 100.0
#define BOOST_FACTOR_MAX 10000.0
#define BOOST_EACH_MAX 1000u
/* 1900 to 2200: what the calendar and every format can say. */
#define TIME_MIN_MS INT64_C(-2208988800000)
#define TIME_MAX_MS INT64_C(7258118400000)

const char *tt_sim_kind_name(unsigned kind)
{
    static const char *const names[TT_SIM_KIND_COUNT] = {
        "genuine",
#define TT_SIM_KIND(id, name, share, rows) name,
#include "core/sim/sim_kinds.def"
#undef TT_SIM_KIND
    };
    return kind < TT_SIM_KIND_COUNT ? names[kind] : NULL;
}

const char *tt_sim_channel_name(unsigned channel)
{
    static const char *const names[] = {NULL, "online", "pos", "atm"};
    return channel < TT_ARRAY_SIZE(names) ? names[channel] : NULL;
}

uint32_t tt_sim_customers_for_rate(double per_second)
{
    double customers = per_second * 86400.0 / TT_SIM_MEAN_DAILY;
    if (!(customers > 1.0)) {
        return 1;
    }
    return customers < TT_SIM_CUSTOMERS_MAX ? (uint32_t)(customers + 0.5) : TT_SIM_CUSTOMERS_MAX;
}

struct tt_sim_options tt_sim_options_default(void)
{
    return (struct tt_sim_options){
        .seed = 1,
        .customers = 2000,
        .merchants = 800,
        .start_ms = INT64_C(1767225600000), /* 2026-01-01T00:00:00Z */
        .currency = tt_currency_find(TT_STR("EUR")),
        .rate = 1.0,
        .fraud = 1.0,
    };
}

/* ---- options ---- */

/* NaN is in no range. */
static bool in_range(double value, double low, double high)
{
    return value >= low && value <= high;
}

static enum tt_status boost_check(const struct tt_sim_boost *boost, struct tt_error *err)
{
    if (!in_range(boost->factor, 0.0, BOOST_FACTOR_MAX)) {
        return tt_fail(err, TT_E_INVALID, "boost.factor must be from 0 to %g", BOOST_FACTOR_MAX);
    }
    if (boost->each_min > BOOST_EACH_MAX) {
        return tt_fail(err, TT_E_INVALID, "boost.each_min must be at most %u", BOOST_EACH_MAX);
    }
    bool wanted = boost->factor > 1.0 || boost->each_min > 0;
    if (wanted && (boost->until_ms <= boost->from_ms || boost->from_ms < TIME_MIN_MS ||
                   boost->until_ms > TIME_MAX_MS)) {
        return tt_fail(err, TT_E_INVALID, "boost.until_ms must be after boost.from_ms");
    }
    return TT_OK;
}

static enum tt_status options_check(const struct tt_sim_options *options, struct tt_error *err)
{
    if (options->customers < 1 || options->customers > TT_SIM_CUSTOMERS_MAX) {
        return tt_fail(err, TT_E_INVALID, "customers must be from 1 to %u", TT_SIM_CUSTOMERS_MAX);
    }
    if (options->merchants < TT_SIM_MERCHANTS_MIN || options->merchants > TT_SIM_MERCHANTS_MAX) {
        return tt_fail(err, TT_E_INVALID, "merchants must be from %u to %u", TT_SIM_MERCHANTS_MIN,
                       TT_SIM_MERCHANTS_MAX);
    }
    if (options->start_ms < TIME_MIN_MS || options->start_ms > TIME_MAX_MS) {
        return tt_fail(err, TT_E_INVALID, "start_ms must be from the year 1900 to 2199");
    }
    if (options->zone_offset_ms < -TT_MS_PER_DAY || options->zone_offset_ms > TT_MS_PER_DAY) {
        return tt_fail(err, TT_E_INVALID, "zone_offset_ms must be within a day");
    }
    if (!in_range(options->rate, RATE_MIN, RATE_MAX)) {
        return tt_fail(err, TT_E_INVALID, "rate must be from %g to %g", RATE_MIN, RATE_MAX);
    }
    if (!in_range(options->fraud, 0.0, FRAUD_MAX)) {
        return tt_fail(err, TT_E_INVALID, "fraud must be from 0 to %g", FRAUD_MAX);
    }
    return boost_check(&options->boost, err);
}

/* ---- lifecycle ---- */

/* Four times the fraud of a day, boosted, and room for retries: ten times what is ever needed. */
static size_t queue_capacity(const struct tt_sim_options *options)
{
    double boost = options->boost.factor > 1.0 ? options->boost.factor : 1.0;
    double rows = 4096.0 + options->customers * options->rate * 0.02;
    rows += 4.0 * tt_sim_fraud_rows_daily(options) * boost;
    rows += options->boost.each_min * 256.0;
    return (size_t)(rows < QUEUE_MAX ? rows : QUEUE_MAX);
}

static size_t episode_capacity(const struct tt_sim_options *options)
{
    double episodes = 64.0 + 3.0 * tt_sim_fraud_lasting(options);
    return (size_t)(episodes < EPISODES_MAX ? episodes : EPISODES_MAX);
}

static enum tt_status arrays_new(struct tt_sim *sim)
{
    const struct tt_sim_options *options = &sim->options;
    sim->queue_capacity = queue_capacity(options);
    sim->episode_capacity = episode_capacity(options);
    sim->merchants = tt_new_array(&sim->alloc, options->merchants, sizeof *sim->merchants);
    sim->customers = tt_new_array(&sim->alloc, options->customers, sizeof *sim->customers);
    sim->queue = tt_new_array(&sim->alloc, sim->queue_capacity, sizeof *sim->queue);
    sim->episodes = tt_new_array(&sim->alloc, sim->episode_capacity, sizeof *sim->episodes);
    bool all = sim->merchants != NULL && sim->customers != NULL && sim->queue != NULL &&
               sim->episodes != NULL;
    return all ? TT_OK : TT_E_NOMEM;
}

enum tt_status tt_sim_new(const struct tt_alloc *alloc, const struct tt_sim_options *options,
                          struct tt_sim **ret, struct tt_error *err)
{
    enum tt_status status = options_check(options, err);
    if (status != TT_OK) {
        return status;
    }
    struct tt_sim *sim = tt_new_array(alloc, 1, sizeof *sim);
    if (sim == NULL) {
        return tt_fail(err, TT_E_NOMEM, "out of memory");
    }
    sim->alloc = *alloc;
    sim->options = *options;
    if (sim->options.currency == 0) {
        sim->options.currency = tt_sim_options_default().currency;
    }
    if (arrays_new(sim) != TT_OK) {
        tt_sim_free(sim);
        return tt_fail(err, TT_E_NOMEM, "out of memory for %u customers", options->customers);
    }
    tt_rng_init(&sim->rng_plan, options->seed);
    tt_rng_init(&sim->rng_habits, tt_hash_mix(options->seed + 0x68616269));
    tt_rng_init(&sim->rng_fraud, tt_hash_mix(options->seed + 0x66726175));
    sim->run_key = tt_hash_mix(options->seed + 0x72756e);
    sim->minor_per_major = 1.0;
    for (uint8_t e = tt_currency_exponent(sim->options.currency); e > 0; e--) {
        sim->minor_per_major *= 10.0;
    }
    sim->day = tt_day_of(options->start_ms + options->zone_offset_ms);
    tt_sim_world_build(sim);
    tt_sim_fraud_warm(sim);
    *ret = sim;
    return TT_OK;
}

void tt_sim_free(struct tt_sim *sim)
{
    if (sim == NULL) {
        return;
    }
    struct tt_alloc alloc = sim->alloc;
    tt_delete(&alloc, sim->merchants, sim->options.merchants * sizeof *sim->merchants);
    tt_delete(&alloc, sim->customers, sim->options.customers * sizeof *sim->customers);
    tt_delete(&alloc, sim->queue, sim->queue_capacity * sizeof *sim->queue);
    tt_delete(&alloc, sim->episodes, sim->episode_capacity * sizeof *sim->episodes);
    tt_delete(&alloc, sim->visits, sim->visit_capacity * sizeof *sim->visits);
    tt_delete(&alloc, sim->visits_spare, sim->visit_capacity * sizeof *sim->visits_spare);
    tt_delete(&alloc, sim, sizeof *sim);
}

/* ---- the queue ---- */

static bool row_before(const struct tt_sim_row *a, const struct tt_sim_row *b)
{
    return a->ms < b->ms || (a->ms == b->ms && a->order < b->order);
}

void tt_sim_queue_push(struct tt_sim *sim, struct tt_sim_row row)
{
    if (sim->queue_count == sim->queue_capacity) {
        return;
    }
    row.order = ++sim->order_last;
    size_t at = sim->queue_count++;
    while (at > 0 && row_before(&row, &sim->queue[(at - 1) / 2])) {
        sim->queue[at] = sim->queue[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    sim->queue[at] = row;
}

static struct tt_sim_row queue_pop(struct tt_sim *sim)
{
    struct tt_sim_row top = sim->queue[0];
    struct tt_sim_row last = sim->queue[--sim->queue_count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= sim->queue_count) {
            break;
        }
        if (child + 1 < sim->queue_count &&
            row_before(&sim->queue[child + 1], &sim->queue[child])) {
            child++;
        }
        if (!row_before(&sim->queue[child], &last)) {
            break;
        }
        sim->queue[at] = sim->queue[child];
        at = child;
    }
    sim->queue[at] = last;
    return top;
}

/* ---- rows ---- */

static void put_hex(char *text, uint64_t value, size_t digits)
{
    for (size_t i = digits; i-- > 0; value >>= 4) {
        text[i] = "0123456789abcdef"[value & 15];
    }
    text[digits] = '\0';
}

/* Decimal digits and a NUL; returns where the NUL is. */
static char *put_number(char *text, uint32_t value)
{
    char digits[10];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    while (count > 0) {
        *text++ = digits[--count];
    }
    *text = '\0';
    return text;
}

/* A bijection of 32 bits: odd factors and shifts that can be undone. */
static uint32_t mix32(uint32_t value)
{
    value = (value ^ (value >> 16)) * 0x7feb352du;
    value = (value ^ (value >> 15)) * 0x846ca68bu;
    return value ^ (value >> 16);
}

/* "t-" + the time in ms + a scrambled counter. Within one ms the counters of genuine and of
 * fraud rows are even and odd, so ids are unique, in time order, and do not tell which is which. The
 * "x" keeps the digits apart: with a dash, some ids would be taken for card numbers. */
static void put_transaction_id(struct tt_sim *sim, struct tt_sim_transaction *row, bool fraud)
{
    uint64_t count = fraud ? 2 * sim->fraud_count++ + 1 : 2 * sim->genuine_count++;
    memcpy(row->transaction_id, "t-", 2);
    put_hex(row->transaction_id + 2, (uint64_t)row->timestamp_ms, 11);
    row->transaction_id[13] = 'x';
    put_hex(row->transaction_id + 14, mix32((uint32_t)count ^ (uint32_t)sim->run_key), 8);
}

void tt_sim_row_fill(struct tt_sim *sim, struct tt_sim_transaction *row, uint32_t customer,
                     uint32_t merchant, int64_t ms, bool fraud)
{
    static const char issuers[][4] = {TT_SIM_HOME_COUNTRY, "DE", "SK"};
    const struct tt_sim_customer *person = &sim->customers[customer];
    const struct tt_sim_merchant *shop = &sim->merchants[merchant];
    *row = (struct tt_sim_transaction){
        .timestamp_ms = ms,
        .currency = sim->options.currency,
        .label_known_at_ms = TT_TIME_NONE,
    };
    put_transaction_id(sim, row, fraud);
    memcpy(row->user_id, "u-", 2);
    (void)put_number(row->user_id + 2, person->serial);
    memcpy(row->merchant_id, "m-", 2);
    (void)put_number(row->merchant_id + 2, merchant + 1);
    memcpy(row->merchant_category_code, tt_sim_categories[shop->category].mcc, 5);
    memcpy(row->merchant_country, shop->country, sizeof row->merchant_country);
    memcpy(row->issuer_country, issuers[person->issuer], sizeof row->issuer_country);
    memcpy(row->card_id, "c-", 2);
    put_hex(row->card_id + 2, tt_hash_mix(person->key + ((uint64_t)person->card << 32)), 12);
}

void tt_sim_row_spot(const struct tt_sim *sim, struct tt_sim_transaction *row, uint32_t merchant)
{
    row->has_position = true;
    row->latitude = sim->merchants[merchant].latitude;
    row->longitude = sim->merchants[merchant].longitude;
}

void tt_sim_row_online(struct tt_sim_transaction *row, uint64_t device_key, uint64_t ip_key)
{
    static const char ranges[][12] = {"192.0.2.", "198.51.100.", "203.0.113."};
    memcpy(row->device_id, "d-", 2);
    put_hex(row->device_id + 2, tt_hash_mix(device_key), 12);
    uint64_t hash = tt_hash_mix(ip_key ^ UINT64_C(0x6970)) >> 8;
    const char *range = ranges[hash % TT_ARRAY_SIZE(ranges)];
    size_t size = strlen(range);
    memcpy(row->ip, range, size);
    (void)put_number(row->ip + size, 1 + (uint32_t)((hash >> 16) % 254));
}

/* Does the earliest of the queue; false when that makes no row. */
static bool queue_do(struct tt_sim *sim, struct tt_sim_transaction *ret)
{
    struct tt_sim_row row = queue_pop(sim);
    if (row.what == TT_SIM_ROW_START) {
        tt_sim_fraud_start(sim, &row);
        return false;
    }
    return row.what == TT_SIM_ROW_RETRY ? tt_sim_retry_do(sim, &row, ret)
                                        : tt_sim_fraud_do(sim, &row, ret);
}

enum tt_status tt_sim_next(struct tt_sim *sim, struct tt_sim_transaction *ret)
{
    for (;;) {
        if (!sim->planned) {
            if (tt_sim_day_plan(sim) != TT_OK) {
                return TT_E_NOMEM;
            }
            tt_sim_fraud_plan(sim);
        }
        int64_t end_ms = sim->day_ms + TT_MS_PER_DAY;
        int64_t visit_ms = end_ms;
        if (sim->visit_next < sim->visit_count) {
            visit_ms = sim->day_ms + sim->visits[sim->visit_next].ms;
        }
        if (sim->queue_count > 0 && sim->queue[0].ms < visit_ms) {
            if (queue_do(sim, ret)) {
                return TT_OK;
            }
        } else if (sim->visit_next < sim->visit_count) {
            tt_sim_visit_do(sim, &sim->visits[sim->visit_next++], ret);
            return TT_OK;
        } else {
            sim->day++;
            sim->planned = false;
        }
    }
}

void tt_sim_view(const struct tt_sim_transaction *row, struct tt_txn *ret)
{
    const struct {
        enum tt_txn_text field;
        const char *text;
    } texts[] = {
        {TT_TEXT_TRANSACTION_ID, row->transaction_id},
        {TT_TEXT_USER_ID, row->user_id},
        {TT_TEXT_MERCHANT_ID, row->merchant_id},
        {TT_TEXT_MERCHANT_CATEGORY_CODE, row->merchant_category_code},
        {TT_TEXT_MERCHANT_COUNTRY, row->merchant_country},
        {TT_TEXT_ISSUER_COUNTRY, row->issuer_country},
        {TT_TEXT_CHANNEL, tt_sim_channel_name(row->channel)},
        {TT_TEXT_CARD_ID, row->card_id},
        {TT_TEXT_DEVICE_ID, row->device_id},
        {TT_TEXT_IP, row->ip},
    };
    *ret = (struct tt_txn){
        .timestamp_ms = row->timestamp_ms,
        .amount_minor = row->amount_minor,
        .currency = row->currency,
        .type = row->type,
        .authorization = row->authorization,
        .has_position = row->has_position,
        .latitude = row->latitude,
        .longitude = row->longitude,
    };
    for (size_t i = 0; i < TT_ARRAY_SIZE(texts); i++) {
        if (texts[i].text != NULL && texts[i].text[0] != '\0') {
            ret->text[texts[i].field] = tt_str_from(texts[i].text);
        }
    }
}
