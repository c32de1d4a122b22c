/* The generator's promises: same bits, time order, unique ids, cycles, and ordinary people who never
 * fly. Figures of traffic are checked with wide margins over some hundred thousand rows. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/math.h"
#include "core/sim/sim.h"
#include "support/torture.h"

#define DAY TT_MS_PER_DAY
#define ROWS_MANY 400000
/* Of the first 100,000 rows of the default options; changes only when the generator is meant to. */
#define GOLDEN UINT64_C(0xaae6d9e9ee547292)

static struct tt_sim *make(const struct tt_sim_options *options)
{
    struct tt_sim *sim = NULL;
    struct tt_error err;
    enum tt_status status = tt_sim_new(&tt_alloc_libc, options, &sim, &err);
    if (status != TT_OK) {
        fail_msg("%s", err.message);
    }
    return sim;
}

static struct tt_sim_transaction next(struct tt_sim *sim)
{
    struct tt_sim_transaction row;
    assert_int_equal(tt_sim_next(sim, &row), TT_OK);
    return row;
}

/* Every field but padding, as text: a difference can be seen when a hash differs. */
static size_t row_text(const struct tt_sim_transaction *row, char *text, size_t size)
{
    int length = snprintf(
        text, size, "%s %lld %lld %u %u %u %u %d %.17g %.17g %s %s %s %s %s %s %s %s %u %lld\n",
        row->transaction_id, (long long)row->timestamp_ms, (long long)row->amount_minor,
        row->currency, row->type, row->authorization, row->channel, row->has_position,
        row->latitude, row->longitude, row->user_id, row->merchant_id, row->merchant_category_code,
        row->merchant_country, row->issuer_country, row->card_id, row->device_id, row->ip,
        row->kind, (long long)row->label_known_at_ms);
    assert_in_range(length, 1, size - 1);
    return (size_t)length;
}

static uint64_t stream_hash(const struct tt_sim_options *options, size_t rows)
{
    struct tt_sim *sim = make(options);
    struct tt_hash_key key = {1, 2};
    char text[512];
    for (size_t i = 0; i < rows; i++) {
        struct tt_sim_transaction row = next(sim);
        key.k0 = tt_hash64(&key, text, row_text(&row, text, sizeof text));
    }
    tt_sim_free(sim);
    return key.k0;
}

static void same_seed_gives_the_same_bits(void **state)
{
    (void)state;
    struct tt_sim_options options = tt_sim_options_default();
    uint64_t golden = stream_hash(&options, 100000);
    if (golden != GOLDEN) {
        fail_msg("hash 0x%016llx", (unsigned long long)golden);
    }
    uint64_t short_one = stream_hash(&options, 1000);
    assert_true(short_one == stream_hash(&options, 1000));
    options.seed = 2;
    assert_true(short_one != stream_hash(&options, 1000));
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void rows_come_in_time_order_with_unique_ids(void **state)
{
    (void)state;
    struct tt_sim_options options = tt_sim_options_default();
    options.start_ms += 13 * TT_MS_PER_HOUR + 17; /* in the middle of a day */
    options.zone_offset_ms = -5 * TT_MS_PER_HOUR;
    options.fraud = 20.0;
    struct tt_sim *sim = make(&options);
    size_t size = sizeof((struct tt_sim_transaction *)0)->transaction_id;
    char *ids = malloc(ROWS_MANY * size);
    assert_non_null(ids);
    int64_t before = options.start_ms;
    for (size_t i = 0; i < ROWS_MANY; i++) {
        struct tt_sim_transaction row = next(sim);
        assert_true(row.timestamp_ms >= before);
        before = row.timestamp_ms;
        memcpy(ids + i * size, row.transaction_id, size);
    }
    qsort(ids, ROWS_MANY, size, compare_ids);
    for (size_t i = 1; i < ROWS_MANY; i++) {
        assert_true(strcmp(ids + (i - 1) * size, ids + i * size) != 0);
    }
    free(ids);
    tt_sim_free(sim);
}

static void fraud_is_rare_and_its_kinds_have_their_shares(void **state)
{
    (void)state;
    static const double shares[TT_SIM_KIND_COUNT] = {
        0.0,
#define TT_SIM_KIND(id, name, share, rows) share,
#include "core/sim/sim_kinds.def"
#undef TT_SIM_KIND
    };
    struct tt_sim_options options = tt_sim_options_default();
    options.customers = 10000;
    options.merchants = 3000;
    struct tt_sim *sim = make(&options);
    size_t counts[TT_SIM_KIND_COUNT] = {0}, rows = 1000000;
    for (size_t i = 0; i < rows; i++) {
        struct tt_sim_transaction row = next(sim);
        counts[row.kind]++;
        assert_int_equal(row.kind == TT_SIM_GENUINE, row.label_known_at_ms == TT_TIME_NONE);
        assert_true(row.kind == TT_SIM_GENUINE || row.label_known_at_ms > row.timestamp_ms);
    }
    size_t fraud = rows - counts[TT_SIM_GENUINE];
    assert_in_range(fraud, rows * 4 / 1000, rows * 9 / 1000);
    for (unsigned kind = 1; kind < TT_SIM_KIND_COUNT; kind++) {
        double share = (double)counts[kind] / (double)fraud;
        if (share < shares[kind] * 0.7 || share > shares[kind] * 1.4) {
            fail_msg("%s: share %.3f", tt_sim_kind_name(kind), share);
        }
    }
    tt_sim_free(sim);
}

static void no_fraud_when_it_is_switched_off(void **state)
{
    (void)state;
    struct tt_sim_options options = tt_sim_options_default();
    options.fraud = 0.0;
    struct tt_sim *sim = make(&options);
    for (size_t i = 0; i < 100000; i++) {
        assert_int_equal(next(sim).kind, TT_SIM_GENUINE);
    }
    tt_sim_free(sim);
}

static struct tt_sim_transaction next_genuine(struct tt_sim *sim)
{
    struct tt_sim_transaction row = next(sim);
    while (row.kind != TT_SIM_GENUINE) {
        row = next(sim);
    }
    return row;
}

static void ordinary_rows_do_not_depend_on_fraud(void **state)
{
    (void)state;
    struct tt_sim_options options = tt_sim_options_default();
    options.fraud = 0.0;
    struct tt_sim *quiet = make(&options);
    options.fraud = 30.0;
    options.boost = (struct tt_sim_boost){.from_ms = options.start_ms + DAY,
                                          .until_ms = options.start_ms + 2 * DAY,
                                          .factor = 4.0,
                                          .each_min = 3};
    struct tt_sim *busy = make(&options);
    char a[512], b[512];
    for (size_t i = 0; i < 200000; i++) {
        struct tt_sim_transaction x = next_genuine(quiet), y = next_genuine(busy);
        memset(x.card_id, 0, sizeof x.card_id); /* replaced after a theft */
        memset(y.card_id, 0, sizeof y.card_id);
        (void)row_text(&x, a, sizeof a);
        (void)row_text(&y, b, sizeof b);
        assert_string_equal(a, b);
    }
    tt_sim_free(quiet);
    tt_sim_free(busy);
}

static void day_has_the_promised_shape_in_local_time(void **state)
{
    (void)state;
    struct tt_sim_options options = tt_sim_options_default();
    options.zone_offset_ms = 3 * TT_MS_PER_HOUR;
    struct tt_sim *sim = make(&options);
    size_t hours[24] = {0};
    for (size_t i = 0; i < ROWS_MANY; i++) {
        struct tt_sim_transaction row = next_genuine(sim);
        hours[(row.timestamp_ms + options.zone_offset_ms) / TT_MS_PER_HOUR % 24]++;
    }
    double sum = 0.0;
    for (unsigned hour = 0; hour < 24; hour++) {
        double seen = (double)hours[hour] * 24.0 / ROWS_MANY, told = tt_sim_hour_ratio(hour);
        sum += told;
        if (fabs(seen - told) > 0.16) {
            fail_msg("hour %u: %.2f, told %.2f", hour, seen, told);
        }
    }
    assert_true(fabs(sum - 24.0) < 1e-9);
    assert_true(hours[18] > 10 * hours[3]);
    tt_sim_free(sim);
}

static void week_payday_and_sale_day_show_in_the_counts(void **state)
{
    (void)state;
    struct tt_sim_options options = tt_sim_options_default(); /* starts on Thursday, 1 January */
    struct tt_sim *sim = make(&options);
    size_t days[60] = {0};
    for (struct tt_sim_transaction row = next_genuine(sim);
         row.timestamp_ms < options.start_ms + 60 * DAY; row = next_genuine(sim)) {
        days[(row.timestamp_ms - options.start_ms) / DAY]++;
    }
    assert_true(days[9] > days[10] * 11 / 10);            /* Saturday over Sunday */
    assert_true(days[29] > days[22] * 12 / 10);           /* last Friday over the one before */
    assert_true(days[1] + days[2] > days[22] + days[23]); /* after payday over before it */
    double mean = 0.0;
    for (size_t d = 0; d < 60; d++) {
        mean += (double)days[d] / 60.0;
    }
    assert_true(fabs(mean / options.customers - 2.0) < 0.15);
    tt_sim_free(sim);
}

/* Serial numbers of customers start at 1. */
static size_t user_number(const struct tt_sim_transaction *row)
{
    return (size_t)strtoul(row->user_id + 2, NULL, 10);
}

static void ordinary_customers_never_travel_impossibly(void **state)
{
    (void)state;
    enum { USERS_MAX = 4000 };
    static struct tt_sim_transaction last[USERS_MAX];
    memset(last, 0, sizeof last);
    struct tt_sim_options options = tt_sim_options_default();
    struct tt_sim *sim = make(&options);
    size_t journeys = 0;
    for (size_t i = 0; i < ROWS_MANY; i++) {
        struct tt_sim_transaction row = next_genuine(sim);
        size_t user = user_number(&row);
        assert_in_range(user, 1, USERS_MAX - 1);
        if (!row.has_position) {
            continue;
        }
        const struct tt_sim_transaction *from = &last[user];
        if (from->has_position) {
            double km =
                tt_distance_km(from->latitude, from->longitude, row.latitude, row.longitude);
            double hours = (double)(row.timestamp_ms - from->timestamp_ms) / TT_MS_PER_HOUR;
            assert_true(km <= 900.0 * hours + 0.001);
            assert_true(km > 200.0 || km <= 80.0 * hours + 0.001);
            journeys += km > 200.0 ? 1 : 0;
        }
        last[user] = row;
    }
    assert_true(journeys > 100); /* people do travel */
    tt_sim_free(sim);
}

static void declined_payments_are_tried_again_and_goods_come_back(void **state)
{
    (void)state;
    enum { RECENT = 4096 };
    static struct tt_sim_transaction recent[RECENT];
    memset(recent, 0, sizeof recent);
    struct tt_sim_options options = tt_sim_options_default();
    struct tt_sim *sim = make(&options);
    size_t declined = 0, retried = 0, refunds = 0, zeros = 0;
    for (size_t i = 0; i < 200000; i++) {
        struct tt_sim_transaction row = next_genuine(sim);
        struct tt_sim_transaction *before = &recent[user_number(&row) % RECENT];
        declined += row.authorization == TT_AUTH_DECLINED ? 1 : 0;
        refunds += row.type == TT_TXN_REFUND ? 1 : 0;
        zeros += row.amount_minor == 0 ? 1 : 0;
        assert_true(row.amount_minor >= 0);
        assert_true(row.type != TT_TXN_REFUND || (row.amount_minor > 0 && !row.has_position));
        bool again = before->authorization == TT_AUTH_DECLINED &&
                     before->amount_minor == row.amount_minor &&
                     strcmp(before->merchant_id, row.merchant_id) == 0;
        retried += again && row.timestamp_ms - before->timestamp_ms < 100000 ? 1 : 0;
        *before = row;
    }
    assert_in_range(declined, 200000 / 100, 200000 * 3 / 100);
    assert_in_range(retried, declined / 3, declined);
    assert_in_range(refunds, 1000, 3000);
    assert_in_range(zeros, 20, 600);
    tt_sim_free(sim);
}

/* Fewest rows that any kind has in the window. */
static size_t boosted_min(const struct tt_sim_options *options)
{
    struct tt_sim *sim = make(options);
    size_t counts[TT_SIM_KIND_COUNT] = {0}, min = SIZE_MAX;
    for (struct tt_sim_transaction row = next(sim); row.timestamp_ms < options->boost.until_ms;
         row = next(sim)) {
        counts[row.kind] += row.timestamp_ms >= options->boost.from_ms ? 1 : 0;
    }
    for (unsigned kind = 1; kind < TT_SIM_KIND_COUNT; kind++) {
        min = counts[kind] < min ? counts[kind] : min;
    }
    tt_sim_free(sim);
    return min;
}

static void boost_brings_every_kind_into_its_window(void **state)
{
    (void)state;
    struct tt_sim_options options = tt_sim_options_default();
    int64_t noon = options.start_ms + DAY + 12 * TT_MS_PER_HOUR;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        options.seed = seed;
        options.customers = 5000;
        options.boost = (struct tt_sim_boost){noon, noon + 10 * TT_MS_PER_MINUTE, 1.0, 2};
        assert_true(boosted_min(&options) >= 2);
        options.customers = 20000; /* a demo of a minute */
        options.boost = (struct tt_sim_boost){noon, noon + TT_MS_PER_MINUTE, 1.0, 1};
        assert_true(boosted_min(&options) >= 1);
    }
}

static void people_come_and_change_their_devices_and_cards(void **state)
{
    (void)state;
    enum { USERS_MAX = 4000 };
    static struct tt_sim_transaction last[USERS_MAX];
    memset(last, 0, sizeof last);
    struct tt_sim_options options = tt_sim_options_default();
    options.fraud = 0.0;
    struct tt_sim *sim = make(&options);
    size_t newest = 0, devices = 0, cards = 0;
    for (struct tt_sim_transaction row = next(sim); row.timestamp_ms < options.start_ms + 60 * DAY;
         row = next(sim)) {
        size_t user = user_number(&row);
        assert_in_range(user, 1, USERS_MAX - 1);
        newest = user > newest ? user : newest;
        struct tt_sim_transaction *before = &last[user];
        bool known = before->card_id[0] != '\0';
        cards += known && strcmp(before->card_id, row.card_id) != 0 ? 1 : 0;
        if (row.device_id[0] != '\0') {
            devices += known && strcmp(before->device_id, row.device_id) != 0 ? 1 : 0;
            memcpy(before->device_id, row.device_id, sizeof row.device_id);
        }
        memcpy(before->card_id, row.card_id, sizeof row.card_id);
    }
    assert_in_range(newest, options.customers + 60, options.customers + 250);
    assert_in_range(cards, 50, 300);
    assert_true(devices > 500);
    tt_sim_free(sim);
}

static void boost_factor_multiplies_fraud_in_its_window_alone(void **state)
{
    (void)state;
    struct tt_sim_options options = tt_sim_options_default();
    options.customers = 10000;
    options.boost = (struct tt_sim_boost){.from_ms = options.start_ms + 4 * DAY,
                                          .until_ms = options.start_ms + 8 * DAY,
                                          .factor = 5.0};
    struct tt_sim *sim = make(&options);
    double fraud[3] = {0}; /* before, within, after */
    for (struct tt_sim_transaction row = next(sim); row.timestamp_ms < options.start_ms + 12 * DAY;
         row = next(sim)) {
        fraud[(row.timestamp_ms - options.start_ms) / (4 * DAY)] +=
            row.kind != TT_SIM_GENUINE ? 1.0 : 0.0;
    }
    double ratio = fraud[1] / (fraud[0] + fraud[2]) * 2.0;
    if (ratio < 3.5 || ratio > 6.5) {
        fail_msg("ratio %.2f", ratio);
    }
    tt_sim_free(sim);
}

static void rate_and_customers_set_the_pace(void **state)
{
    (void)state;
    struct tt_sim_options options = tt_sim_options_default();
    options.customers = tt_sim_customers_for_rate(0.2);
    assert_int_equal(options.customers, 8640);
    assert_int_equal(tt_sim_customers_for_rate(-1.0), 1);
    assert_int_equal(tt_sim_customers_for_rate((double)NAN), 1);
    assert_int_equal(tt_sim_customers_for_rate(1e12), TT_SIM_CUSTOMERS_MAX);
    for (int twice = 0; twice < 2; twice++) {
        options.rate = twice ? 2.0 : 1.0;
        struct tt_sim *sim = make(&options);
        double count = 0.0;
        for (; next(sim).timestamp_ms < options.start_ms + 28 * DAY; count += 1.0) {
        }
        double per_second = count / (28.0 * 86400.0);
        assert_true(fabs(per_second / (0.2 * options.rate) - 1.0) < 0.1);
        tt_sim_free(sim);
    }
}

static void smallest_world_works(void **state)
{
    (void)state;
    struct tt_sim_options options = tt_sim_options_default();
    options.customers = 1;
    options.merchants = TT_SIM_MERCHANTS_MIN;
    options.currency = tt_currency_find(TT_STR("JPY"));
    options.fraud = 100.0;
    struct tt_sim *sim = make(&options);
    for (size_t i = 0; i < 20000; i++) {
        (void)next(sim);
    }
    tt_sim_free(sim);
}

static void memory_stays_within_its_bound(void **state)
{
    (void)state;
    struct tt_torture torture;
    tt_torture_init(&torture, 0);
    struct tt_sim_options options = tt_sim_options_default();
    options.customers = 20000;
    struct tt_sim *sim = NULL;
    assert_int_equal(tt_sim_new(&torture.alloc, &options, &sim, NULL), TT_OK);
    for (size_t i = 0; i < 2000000; i++) {
        (void)next(sim);
    }
    assert_true(torture.live_bytes < 20000 * 200 + 20000 * 4 * 24 + 1000000);
    tt_sim_free(sim);
    tt_torture_check(&torture);
}

static void detectors_see_all_but_the_label(void **state)
{
    (void)state;
    struct tt_sim_options options = tt_sim_options_default();
    struct tt_sim *sim = make(&options);
    for (size_t i = 0; i < 1000; i++) {
        struct tt_sim_transaction row = next(sim);
        struct tt_txn txn;
        tt_sim_view(&row, &txn);
        assert_int_equal(txn.timestamp_ms, row.timestamp_ms);
        assert_int_equal(txn.amount_minor, row.amount_minor);
        assert_true(tt_str_equal_text(txn.text[TT_TEXT_TRANSACTION_ID], row.transaction_id));
        assert_true(tt_str_equal_text(txn.text[TT_TEXT_CHANNEL], tt_sim_channel_name(row.channel)));
        assert_int_equal(txn.text[TT_TEXT_DEVICE_ID].data == NULL, row.device_id[0] == '\0');
        assert_null(txn.text[TT_TEXT_COUNTERPARTY_ID].data);
        assert_int_equal(txn.attribute_count, 0);
        bool online = row.channel == TT_SIM_CHANNEL_ONLINE;
        assert_true(!online || !row.has_position);
    }
    tt_sim_free(sim);
}

static void names_are_there_for_kinds_and_channels_only(void **state)
{
    (void)state;
    assert_string_equal(tt_sim_kind_name(TT_SIM_GENUINE), "genuine");
    assert_string_equal(tt_sim_kind_name(TT_SIM_ACCOUNT_TAKEOVER), "account_takeover");
    assert_null(tt_sim_kind_name(TT_SIM_KIND_COUNT));
    assert_null(tt_sim_channel_name(0));
    assert_string_equal(tt_sim_channel_name(TT_SIM_CHANNEL_ATM), "atm");
    assert_null(tt_sim_channel_name(9));
}

static void options_out_of_range_are_named(void **state)
{
    (void)state;
    struct tt_sim_options bad[16];
    const char *names[16];
    size_t count = 0;
#define BAD(field, value)                                                                          \
    do {                                                                                           \
        bad[count] = tt_sim_options_default();                                                     \
        bad[count].field = (value);                                                                \
        names[count++] = #field;                                                                   \
    } while (0)
    BAD(customers, 0);
    BAD(customers, TT_SIM_CUSTOMERS_MAX + 1);
    BAD(merchants, TT_SIM_MERCHANTS_MIN - 1);
    BAD(merchants, TT_SIM_MERCHANTS_MAX + 1);
    BAD(start_ms, INT64_MIN);
    BAD(start_ms, INT64_MAX);
    BAD(zone_offset_ms, 25 * TT_MS_PER_HOUR);
    BAD(rate, 0.0);
    BAD(rate, (double)NAN);
    BAD(rate, 1e9);
    BAD(fraud, -1.0);
    BAD(fraud, (double)INFINITY);
    BAD(boost.factor, -2.0);
    BAD(boost.factor, 1e9);
    BAD(boost.each_min, 1000000);
    BAD(boost.each_min, 1); /* without a window */
    names[count - 1] = "boost.until_ms";
    for (size_t i = 0; i < count; i++) {
        struct tt_sim *sim = NULL;
        struct tt_error err;
        assert_int_equal(tt_sim_new(&tt_alloc_libc, &bad[i], &sim, &err), TT_E_INVALID);
        assert_null(sim);
        if (strstr(err.message, names[i]) == NULL) {
            fail_msg("\"%s\" does not name %s", err.message, names[i]);
        }
    }
    tt_sim_free(NULL);
}

static enum tt_status tortured(const struct tt_alloc *alloc, void *ctx)
{
    (void)ctx;
    struct tt_sim_options options = tt_sim_options_default();
    struct tt_sim *sim = NULL;
    enum tt_status status = tt_sim_new(alloc, &options, &sim, NULL);
    struct tt_sim_transaction row;
    for (size_t i = 0; status == TT_OK && i < 20000; i++) {
        status = tt_sim_next(sim, &row);
    }
    tt_sim_free(sim);
    return status;
}

static void every_failed_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    tt_torture_run(tortured, NULL);
}

static void stream_goes_on_unchanged_after_memory_ran_out(void **state)
{
    (void)state;
    struct tt_sim_options options = tt_sim_options_default();
    struct tt_torture torture;
    tt_torture_init(&torture, 0);
    struct tt_sim *poor = NULL, *rich = make(&options);
    assert_int_equal(tt_sim_new(&torture.alloc, &options, &poor, NULL), TT_OK);
    char a[512], b[512];
    size_t failures = 0;
    for (size_t i = 0; i < 60000; i++) {
        struct tt_sim_transaction x, y = next(rich);
        torture.fail_at = i % 2 == 0 && failures < 40 ? torture.count + 1 : 0;
        enum tt_status status = tt_sim_next(poor, &x);
        while (status != TT_OK) {
            assert_int_equal(status, TT_E_NOMEM);
            failures++;
            torture.fail_at = torture.count + 2 + failures % 3;
            status = tt_sim_next(poor, &x);
        }
        (void)row_text(&x, a, sizeof a);
        (void)row_text(&y, b, sizeof b);
        assert_string_equal(a, b);
    }
    assert_true(failures > 0);
    tt_sim_free(rich);
    tt_sim_free(poor);
    tt_torture_check(&torture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_seed_gives_the_same_bits),
        cmocka_unit_test(rows_come_in_time_order_with_unique_ids),
        cmocka_unit_test(fraud_is_rare_and_its_kinds_have_their_shares),
        cmocka_unit_test(no_fraud_when_it_is_switched_off),
        cmocka_unit_test(ordinary_rows_do_not_depend_on_fraud),
        cmocka_unit_test(day_has_the_promised_shape_in_local_time),
        cmocka_unit_test(week_payday_and_sale_day_show_in_the_counts),
        cmocka_unit_test(ordinary_customers_never_travel_impossibly),
        cmocka_unit_test(declined_payments_are_tried_again_and_goods_come_back),
        cmocka_unit_test(boost_brings_every_kind_into_its_window),
        cmocka_unit_test(people_come_and_change_their_devices_and_cards),
        cmocka_unit_test(boost_factor_multiplies_fraud_in_its_window_alone),
        cmocka_unit_test(rate_and_customers_set_the_pace),
        cmocka_unit_test(smallest_world_works),
        cmocka_unit_test(memory_stays_within_its_bound),
        cmocka_unit_test(detectors_see_all_but_the_label),
        cmocka_unit_test(names_are_there_for_kinds_and_channels_only),
        cmocka_unit_test(options_out_of_range_are_named),
        cmocka_unit_test(every_failed_allocation_is_reported_and_leaks_nothing),
        cmocka_unit_test(stream_goes_on_unchanged_after_memory_ran_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
