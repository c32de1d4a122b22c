/*
 * The engine against the slow, obvious model, and against itself passed another way.
 *
 * Seeded random logs with ties, disorder within and beyond the allowed lateness, gaps up to years,
 * missing keys, duplicates, several currencies and labels that change. TT_FEATURES_EVENTS raises
 * the size.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/features/snapshot.h"
#include "features_support.h"
#include "model.h"

#define USERS 600
#define MERCHANTS 300
#define DEVICES 200
#define SEED 20260301

/* The 90-day windows are there so that late events see all of the shorter ones. */
static const char PLAN[] =
    "allowed_lateness: 2h\n"
    "label_horizon: 3d\n"
    "entities: {user: {key: user_id}, merchant: {key: merchant_id}, device: {key: device_id}}\n"
    "features:\n"
    "- {name: u_keep, entity: user, aggregate: count, window: 90d}\n"
    "- {name: m_keep, entity: merchant, aggregate: count, window: 90d}\n"
    "- {name: d_keep, entity: device, aggregate: count, window: 90d}\n"
    "- {name: u_count_10m, entity: user, aggregate: count, window: 10m}\n"
    "- {name: u_count_1d_x, entity: user, aggregate: count, window: 1d, exclude_current: true}\n"
    "- {name: u_count_7d_late, entity: user, aggregate: count, window: 7d, delay: 3d}\n"
    "- {name: u_declines, entity: user, aggregate: count, window: 1d, filter: 'authorization == "
    "\"declined\"'}\n"
    "- {name: u_small, entity: user, aggregate: count, window: 7d, filter: 'amount < 5.0'}\n"
    "- {name: u_declined_share, entity: user, aggregate: share, window: 7d, filter: "
    "'authorization == \"declined\"'}\n"
    "- {name: u_sum, entity: user, aggregate: sum, field: amount, window: 1d}\n"
    "- {name: u_mean, entity: user, aggregate: mean, field: amount, window: 30d}\n"
    "- {name: u_mean_x, entity: user, aggregate: mean, field: amount, window: 30d, "
    "exclude_current: true, default: -1}\n"
    "- {name: u_std, entity: user, aggregate: std, field: amount, window: 30d}\n"
    "- {name: u_log_mean, entity: user, aggregate: mean, field: log_amount, window: 30d}\n"
    "- {name: u_log_std, entity: user, aggregate: std, field: log_amount, window: 30d}\n"
    "- {name: u_log_count, entity: user, aggregate: count, field: log_amount, window: 30d}\n"
    "- {name: u_small_mean, entity: user, aggregate: mean, field: amount, window: 7d, filter: "
    "'amount < 5.0'}\n"
    "- {name: u_min, entity: user, aggregate: min, field: amount, window: 7d}\n"
    "- {name: u_max, entity: user, aggregate: max, field: amount, window: 7d, "
    "exclude_current: true}\n"
    "- {name: u_median, entity: user, aggregate: median, field: amount, window: 30d}\n"
    "- {name: u_q90, entity: user, aggregate: quantile, quantile: 0.9, field: amount, window: 30d, "
    "exclude_current: true}\n"
    "- {name: u_q10_late, entity: user, aggregate: quantile, quantile: 0.1, field: amount, "
    "window: 7d, delay: 1d}\n"
    "- {name: u_mad, entity: user, aggregate: mad, field: amount, window: 30d}\n"
    "- {name: u_merchants, entity: user, aggregate: count_distinct, field: merchant_id, window: "
    "7d}\n"
    "- {name: u_merchant_share, entity: user, aggregate: share_of_value, field: merchant_id, "
    "window: 30d, exclude_current: true}\n"
    "- {name: u_age, entity: user, aggregate: first_seen, window: 30d}\n"
    "- {name: u_since, entity: user, aggregate: seconds_since_last, window: 30d}\n"
    "- {name: u_since_small, entity: user, aggregate: seconds_since_last, window: 7d, filter: "
    "'amount < 5.0'}\n"
    "- {name: u_last, entity: user, aggregate: last, field: amount, window: 30d}\n"
    "- {name: u_km, entity: user, aggregate: distance_km_from_last, window: 30d}\n"
    "- {name: u_kmh, entity: user, aggregate: speed_kmh_from_last, window: 30d}\n"
    "- {name: u_surprise, entity: user, aggregate: surprise, field: amount, baseline: 10d}\n"
    "- {name: u_surprises, entity: user, aggregate: surprise_count, field: amount, window: 7d, "
    "baseline: 10d}\n"
    "- {name: u_surprises_x, entity: user, aggregate: surprise_count, field: amount, window: 1d, "
    "delay: 6h, baseline: 10d, exclude_current: true}\n"
    "- {name: u_takeover, entity: user, aggregate: takeover, field: amount, window: 3d, baseline: "
    "10d}\n"
    "- {name: u_takeover_x, entity: user, aggregate: takeover, field: amount, window: 3d, "
    "baseline: 10d, exclude_current: true}\n"
    "- {name: d_takeover, entity: device, aggregate: takeover, field: log_amount, window: 12h, "
    "baseline: 3d}\n"
    "- {name: m_takeover, entity: merchant, aggregate: takeover, field: amount, window: 1h, "
    "baseline: 2d, exclude_current: true}\n"
    "- {name: m_count, entity: merchant, aggregate: count, window: 1h}\n"
    "- {name: m_ratio, entity: merchant, aggregate: ratio_to_mean, field: amount, window: 30d, "
    "exclude_current: true}\n"
    "- {name: m_fraud_1d, entity: merchant, aggregate: fraud_share, window: 1d, delay: 7d}\n"
    "- {name: m_fraud_30d, entity: merchant, aggregate: fraud_share, window: 30d, delay: 7d, "
    "default: 0}\n"
    "- {name: m_fraud_now, entity: merchant, aggregate: fraud_share, window: 30d}\n"
    "- {name: m_fraud_small, entity: merchant, aggregate: fraud_share, window: 30d, filter: "
    "'amount < 5.0'}\n"
    "- {name: m_frauds, entity: merchant, aggregate: fraud_count, window: 30d, delay: 7d}\n"
    "- {name: m_frauds_small, entity: merchant, aggregate: fraud_count, window: 7d, filter: "
    "'amount < 5.0'}\n"
    "- {name: m_known, entity: merchant, aggregate: fraud_count, window: 4d, time: known}\n"
    "- {name: m_known_small, entity: merchant, aggregate: fraud_count, window: 2d, time: known, "
    "delay: 30d, filter: 'amount < 5.0'}\n"
    "- {name: m_last, entity: merchant, aggregate: since_last_fraud, window: 14d, delay: 1d}\n"
    "- {name: m_last_now, entity: merchant, aggregate: since_last_fraud, window: 28d}\n"
    "- {name: m_last_known, entity: merchant, aggregate: since_last_fraud, window: 7d, "
    "time: known, delay: 20d}\n"
    "- {name: m_last_small, entity: merchant, aggregate: since_last_fraud, window: 28d, filter: "
    "'amount < 5.0'}\n"
    "- {name: m_first, entity: merchant, aggregate: since_first_fraud, window: 14d, delay: 1d}\n"
    "- {name: m_first_known, entity: merchant, aggregate: since_first_fraud, window: 7d, "
    "time: known}\n"
    "- {name: m_run, entity: merchant, aggregate: fraud_run_length, window: 28d}\n"
    "- {name: m_run_age, entity: merchant, aggregate: fraud_run_age, window: 28d}\n"
    "- {name: m_genuine, entity: merchant, aggregate: since_last_genuine, window: 28d}\n"
    "- {name: m_run_late, entity: merchant, aggregate: fraud_run_length, window: 30d, delay: 7d}\n"
    "- {name: m_run_2d, entity: merchant, aggregate: fraud_run_length, window: 3d, delay: 2d}\n"
    "- {name: m_run_small, entity: merchant, aggregate: fraud_run_length, window: 28d, filter: "
    "'amount < 5.0'}\n"
    "- {name: m_run_small_age, entity: merchant, aggregate: fraud_run_age, window: 28d, filter: "
    "'amount < 5.0', exclude_current: true}\n"
    "- {name: m_genuine_late, entity: merchant, aggregate: since_last_genuine, window: 30d, "
    "delay: 7d}\n"
    "- {name: d_run, entity: device, aggregate: fraud_run_length, window: 60d}\n"
    "- {name: d_run_age, entity: device, aggregate: fraud_run_age, window: 60d}\n"
    "- {name: m_plain, entity: merchant, aggregate: count, window: 30d, filter: 'amount < 3.0 * "
    "u_mean_x'}\n"
    "- {name: m_unexplained, entity: merchant, aggregate: fraud_count, window: 28d, filter: "
    "'amount < 3.0 * u_mean_x'}\n"
    "- {name: m_run_unexplained, entity: merchant, aggregate: fraud_run_length, window: 28d, "
    "filter: 'amount < 3.0 * u_mean_x'}\n"
    "- {name: u_plain_mean, entity: user, aggregate: mean, field: amount, window: 30d, filter: "
    "'amount < 3.0 * u_mean_x'}\n"
    "- {name: u_bursts, entity: user, aggregate: share, window: 30d, filter: "
    "'u_since < 7200.0', exclude_current: true}\n"
    "- {name: d_users, entity: device, aggregate: count_distinct, field: user_id, window: 1d}\n"
    "- {name: d_q25, entity: device, aggregate: quantile, quantile: 0.25, field: log_amount, "
    "window: 30d}\n";

static bool passes(struct model *model, size_t index, struct tt_str filter)
{
    const struct tt_txn *txn = &model->log[index]->txn;
    double value = 0.0;
    if (tt_str_equal_text(filter, "amount < 3.0 * u_mean_x")) {
        return model_value(model, index, "u_mean_x", &value) && tt_txn_amount(txn) < 3.0 * value;
    }
    if (tt_str_equal_text(filter, "u_since < 7200.0")) {
        return model_value(model, index, "u_since", &value) && value < 7200.0;
    }
    return tt_str_starts_with(filter, TT_STR("amount")) ? tt_txn_amount(txn) < 5.0
                                                        : txn->authorization == TT_AUTH_DECLINED;
}

struct texts {
    char id[16], user[12], merchant[12], device[12];
};

/* A log of events with all their texts. */
struct world {
    struct tt_event *events;
    struct tt_event **log;
    struct texts *texts;
    size_t count;
};

static int64_t advance(struct tt_rng *rng)
{
    uint64_t dice = tt_rng_below(rng, 10000);
    if (dice == 0) {
        return (int64_t)tt_rng_below(rng, 3 * 365) * TT_MS_PER_DAY;
    }
    if (dice < 10) {
        return (int64_t)tt_rng_below(rng, 20 * 24) * TT_MS_PER_HOUR;
    }
    return dice < 3000 ? 0 : (int64_t)(tt_rng_exponential(rng) * 120.0) * 1000;
}

static int64_t place_in_time(struct tt_rng *rng, int64_t now_ms, int64_t lateness_ms)
{
    uint64_t dice = tt_rng_below(rng, 1000);
    if (dice < 150) {
        return now_ms - (int64_t)tt_rng_below(rng, (uint64_t)lateness_ms + 1) / 1000 * 1000;
    }
    if (dice < 160) {
        return now_ms - lateness_ms - 1 - (int64_t)tt_rng_below(rng, 20 * 24) * TT_MS_PER_HOUR;
    }
    return now_ms;
}

static void fill(struct tt_rng *rng, struct tt_event *event, struct texts *texts, size_t index,
                 int64_t t_ms)
{
    static const char *const CURRENCIES[] = {"EUR", "EUR", "EUR", "EUR", "JPY", "KWD"};
    snprintf(texts->id, sizeof(texts->id), "t-%zu", index);
    snprintf(texts->user, sizeof(texts->user), "u-%u", (unsigned)tt_rng_below(rng, USERS));
    snprintf(texts->merchant, sizeof(texts->merchant), "m-%u",
             (unsigned)(tt_rng_below(rng, MERCHANTS) * tt_rng_below(rng, MERCHANTS) / MERCHANTS));
    snprintf(texts->device, sizeof(texts->device), "d-%u", (unsigned)tt_rng_below(rng, DEVICES));
    bool zero = tt_rng_below(rng, 20) == 0;
    event_init(event, texts->id, texts->user, t_ms,
               zero ? 0 : (int64_t)tt_rng_below(rng, 20000) + 1);
    /* Some are surprises, more of them in bursts of a few hundred events. */
    if (tt_rng_below(rng, index / 500 % 4 == 0 ? 8 : 60) == 0) {
        event->txn.amount_minor *= 30;
    }
    event->txn.currency =
        tt_currency_find(tt_str_from(CURRENCIES[tt_rng_below(rng, TT_ARRAY_SIZE(CURRENCIES))]));
    event->txn.authorization = tt_rng_below(rng, 5) == 0 ? TT_AUTH_DECLINED : TT_AUTH_APPROVED;
    if (tt_rng_below(rng, 50) != 0) {
        event->txn.text[TT_TEXT_MERCHANT_ID] = tt_str_from(texts->merchant);
    }
    if (tt_rng_below(rng, 4) != 0) {
        event->txn.text[TT_TEXT_DEVICE_ID] = tt_str_from(texts->device);
    }
    event->txn.has_position = tt_rng_below(rng, 3) != 0;
    event->txn.latitude = (double)((int64_t)tt_rng_below(rng, 1800000000) - 900000000) / 1e7;
    event->txn.longitude = (double)((int64_t)tt_rng_below(rng, 3600000000) - 1800000000) / 1e7;
}

static void world_init(struct world *world, size_t count, uint64_t seed, int64_t lateness_ms)
{
    struct tt_rng rng;
    tt_rng_init(&rng, seed);
    world->events = calloc(count, sizeof(*world->events));
    world->log = calloc(count, sizeof(*world->log));
    world->texts = calloc(count, sizeof(*world->texts));
    world->count = count;
    int64_t now_ms = INT64_C(1772000000000);
    for (size_t i = 0; i < count; i++) {
        struct tt_event *event = &world->events[i];
        struct tt_event *of =
            i == 0 ? NULL : &world->events[i - 1 - tt_rng_below(&rng, i < 3000 ? i : 3000)];
        world->log[i] = event;
        if (of != NULL && of->kind == TT_EVENT_TRANSACTION && of->gate == TT_GATE_FRESH &&
            tt_rng_below(&rng, 4) == 0) {
            int64_t known_ms =
                now_ms + ((int64_t)tt_rng_below(&rng, 10 * 24) - 48) * TT_MS_PER_HOUR;
            /* Some merchants and devices are mostly bad, so that there are runs. */
            struct tt_str shop = of->txn.text[TT_TEXT_MERCHANT_ID];
            bool bad =
                shop.size > 0 && shop.data[shop.size - 1] == '3' && tt_rng_below(&rng, 9) > 0;
            uint64_t kind = bad ? 0 : tt_rng_below(&rng, 3);
            label_init(event, of, (enum tt_label_kind)(1 + kind), known_ms);
            event->label.recorded_at_ms =
                tt_rng_below(&rng, 2) == 0 ? 0 : known_ms + TT_MS_PER_HOUR;
            event->first_seq = of->seq;
            continue;
        }
        now_ms += advance(&rng);
        fill(&rng, event, &world->texts[i], i, place_in_time(&rng, now_ms, lateness_ms));
        event->seq = i + 1;
        if (tt_rng_below(&rng, 100) == 0) {
            event->gate = tt_rng_below(&rng, 2) == 0 ? TT_GATE_DUPLICATE : TT_GATE_CONFLICT;
        }
    }
}

static void world_deinit(struct world *world)
{
    free(world->events);
    free(world->log);
    free(world->texts);
}

static size_t size_of_run(void)
{
    const char *text = getenv("TT_FEATURES_EVENTS");
    return text == NULL ? 100000 : (size_t)strtoull(text, NULL, 10);
}

static bool is_near(const struct tt_feature *feature, double fast, double slow)
{
    if (feature->aggregate == TT_AGGREGATE_STD) {
        return fabs(fast - slow) <= 1e-9 * fmax(fabs(slow), 1e-6);
    }
    return memcmp(&fast, &slow, sizeof(fast)) == 0;
}

/* Whether any event of the world has a value of at least this much for the feature. */
static bool reaches(const struct tt_plan *plan, const struct world *world, const char *feature,
                    double least)
{
    uint32_t index = tt_plan_find(plan, tt_str_from(feature));
    bool found = false;
    for (size_t i = 0; i < world->count && !found; i++) {
        double value = 0.0;
        found = world->events[i].kind == TT_EVENT_TRANSACTION &&
                tt_vector_get(&world->events[i].vector, index, &value) && value >= least;
    }
    return found;
}

static void compare(const struct tt_plan *plan, const struct tt_event *event,
                    const struct tt_vector *slow)
{
    for (uint32_t i = 0; i < slow->count; i++) {
        const struct tt_feature *feature = tt_plan_feature(plan, i);
        double a = 0.0, b = 0.0;
        bool has_a = tt_vector_get(&event->vector, i, &a), has_b = tt_vector_get(slow, i, &b);
        if (event->late && feature->window_ms == 90 * TT_MS_PER_DAY) {
            continue;
        }
        if (has_a != has_b || !is_near(feature, a, b)) {
            fail_msg("seed %d, event %llu, %s: %d %.17g, the model says %d %.17g", SEED,
                     (unsigned long long)event->seq, feature->name.data, has_a, a, has_b, b);
        }
    }
}

static void every_aggregate_agrees_with_the_obvious_model(void **state)
{
    (void)state;
    struct tt_plan *plan = plan_of(PLAN);
    struct steps steps;
    struct world world;
    struct model model;
    struct tt_vector slow = {0};
    world_init(&world, size_of_run(), SEED, tt_plan_lateness_ms(plan));
    model_init(&model, plan, passes, world.count);
    assert_int_equal(steps_init(&steps, &tt_alloc_libc, plan, 1U << 20, SIZE_MAX), TT_OK);
    assert_int_equal(steps_run(&steps, world.log, world.count, 64), TT_OK);
    for (size_t i = 0; i < world.count; i++) {
        struct tt_event *event = world.log[i];
        if (event->kind == TT_EVENT_TRANSACTION && event->gate != TT_GATE_FRESH) {
            struct tt_event nothing = {.kind = TT_EVENT_EPOCH};
            model.log[model.count++] = event;
            assert_int_equal(event->vector.count, nothing.vector.count);
            assert_int_equal(event->step_absorbed, 0);
            continue;
        }
        model_pass(&model, event, &slow);
        if (event->kind == TT_EVENT_TRANSACTION) {
            assert_int_equal(event->late, !model.absorbed[i]);
            compare(plan, event, &slow);
        }
    }
    assert_true(tt_step_stats(steps.step[0]).late > world.count / 1000);
    assert_true(tt_step_stats(steps.step[1]).labels > world.count / 100);
    assert_true(reaches(plan, &world, "m_run", 4.0) && reaches(plan, &world, "m_run_age", 2.0));
    assert_true(reaches(plan, &world, "m_run_late", 2.0) && reaches(plan, &world, "d_run", 2.0));
    assert_true(reaches(plan, &world, "u_surprises", 2.0));
    assert_true(reaches(plan, &world, "u_takeover_x", 2.0));
    assert_true(reaches(plan, &world, "u_surprises_x", 1.0));
    assert_true(reaches(plan, &world, "d_takeover", 0.0));
    assert_true(reaches(plan, &world, "m_genuine", 3.5) && reaches(plan, &world, "m_known", 3.0));
    steps_deinit(&steps);
    model_deinit(&model);
    world_deinit(&world);
    tt_plan_free(plan);
}

/* Three merchants nearly all of whose payments turn out to be frauds, some of which are said to be
 * genuine, taken back, or known much later: runs as long as windows. */
static void make_bad(struct world *world, uint64_t seed, int64_t lateness_ms)
{
    struct tt_rng rng;
    tt_rng_init(&rng, seed);
    int64_t now_ms = INT64_C(1772000000000);
    for (size_t i = 0; i < world->count; i++) {
        struct tt_event *event = &world->events[i];
        memset(event, 0, sizeof(*event));
        size_t back = 1 + 2 * tt_rng_below(&rng, 30);
        if (i % 2 == 1 && i >= back + 1) {
            const struct tt_event *of = &world->events[i - back];
            bool fraud = tt_rng_below(&rng, 100) != 0;
            int64_t known_ms = now_ms + ((int64_t)tt_rng_below(&rng, 40) - 30) * TT_MS_PER_HOUR;
            known_ms += tt_rng_below(&rng, 50) == 0 ? 9 * TT_MS_PER_DAY : 0;
            label_init(event, of, fraud ? TT_LABEL_FRAUD : (enum tt_label_kind)(2 + i / 2 % 2),
                       known_ms);
            event->first_seq = of->seq;
            continue;
        }
        now_ms += tt_rng_below(&rng, 2000) == 0
                      ? 20 * TT_MS_PER_DAY
                      : (int64_t)tt_rng_below(&rng, 30) * TT_MS_PER_MINUTE;
        int64_t late_ms = tt_rng_below(&rng, 10) == 0 ? (int64_t)tt_rng_below(&rng, 9) : 0;
        fill(&rng, event, &world->texts[i], i, now_ms - late_ms * lateness_ms / 6);
        world->texts[i].merchant[2] = (char)('1' + i / 2 % 3);
        world->texts[i].merchant[3] = '\0';
        event->txn.text[TT_TEXT_MERCHANT_ID] = tt_str_from(world->texts[i].merchant);
        event->seq = i + 1;
    }
}

static void long_runs_agree_with_the_obvious_model(void **state)
{
    (void)state;
    struct tt_plan *plan = plan_of(PLAN);
    struct steps steps;
    struct world world;
    struct model model;
    struct tt_vector slow = {0};
    world_init(&world, 12000, SEED + 6, tt_plan_lateness_ms(plan));
    make_bad(&world, SEED + 6, tt_plan_lateness_ms(plan));
    model_init(&model, plan, passes, world.count);
    assert_int_equal(steps_init(&steps, &tt_alloc_libc, plan, 1U << 20, SIZE_MAX), TT_OK);
    assert_int_equal(steps_run(&steps, world.log, world.count, 64), TT_OK);
    for (size_t i = 0; i < world.count; i++) {
        model_pass(&model, world.log[i], &slow);
        if (world.log[i]->kind == TT_EVENT_TRANSACTION) {
            compare(plan, world.log[i], &slow);
        }
    }
    assert_true(reaches(plan, &world, "m_run", 20.0) && reaches(plan, &world, "m_run_2d", 10.0));
    steps_deinit(&steps);
    model_deinit(&model);
    world_deinit(&world);
    tt_plan_free(plan);
}

static void same_vectors(const struct world *a, const struct world *b)
{
    for (size_t i = 0; i < a->count; i++) {
        assert_memory_equal(&a->events[i].vector, &b->events[i].vector, sizeof(struct tt_vector));
        assert_int_equal(a->events[i].step_absorbed, b->events[i].step_absorbed);
    }
}

static void batch_split_leaves_no_trace(void **state)
{
    static const size_t BATCHES[] = {1, 7, 64, 256};
    (void)state;
    struct tt_plan *plan = plan_of(PLAN);
    struct world first;
    world_init(&first, 20000, SEED + 1, tt_plan_lateness_ms(plan));
    for (size_t i = 0; i < TT_ARRAY_SIZE(BATCHES); i++) {
        struct world other;
        struct steps steps;
        world_init(&other, 20000, SEED + 1, tt_plan_lateness_ms(plan));
        assert_int_equal(steps_init(&steps, &tt_alloc_libc, plan, 1U << 20, SIZE_MAX), TT_OK);
        steps_run(&steps, i == 0 ? first.log : other.log, other.count, BATCHES[i]);
        if (i > 0) {
            same_vectors(&first, &other);
        }
        steps_deinit(&steps);
        world_deinit(&other);
    }
    world_deinit(&first);
    tt_plan_free(plan);
}

/* Exchanges neighbours in the log that are less than the allowed lateness apart. */
static void shuffle(struct world *world, int64_t lateness_ms, struct tt_rng *rng)
{
    int64_t newest_ms = INT64_MIN;
    for (size_t i = 0; i + 64 < world->count; i += 64) {
        for (size_t k = 63; k > 0; k--) {
            size_t other = tt_rng_below(rng, k + 1);
            struct tt_event *swap = world->log[i + k];
            world->log[i + k] = world->log[i + other];
            world->log[i + other] = swap;
        }
    }
    for (size_t i = 0; i < world->count; i++) {
        int64_t t_ms = world->log[i]->txn.timestamp_ms;
        newest_ms = t_ms > newest_ms ? t_ms : newest_ms;
        assert_true(t_ms >= newest_ms - lateness_ms);
    }
}

/* A quiet world: in order, fresh, no labels, 64 events within the lateness. */
static void quiet(struct world *world, int64_t lateness_ms)
{
    for (size_t i = 0; i < world->count; i++) {
        struct tt_event *event = &world->events[i];
        if (event->kind != TT_EVENT_TRANSACTION) {
            fill(&(struct tt_rng){{i, 1, 2, 3}}, event, &world->texts[i], i, 0);
        }
        event->gate = TT_GATE_FRESH;
        event->txn.timestamp_ms =
            INT64_C(1772000000000) + (int64_t)(i / 3) * 3 * (lateness_ms / 128);
    }
}

/* What a filter reads of features is recorded when its event comes, and depends on what came before;
 * all else does not. */
static void same_but_for_filters(const struct tt_plan *plan, const struct tt_vector *a,
                                 const struct tt_vector *b)
{
    for (uint32_t i = 0; i < a->count; i++) {
        const struct tt_feature *feature = tt_plan_feature(plan, i);
        bool by_features = feature->filter.data != NULL && strstr(feature->filter.data, "u_");
        double x = 0.0, y = 0.0;
        bool has_x = tt_vector_get(a, i, &x), has_y = tt_vector_get(b, i, &y);
        assert_true(by_features || (has_x == has_y && memcmp(&x, &y, sizeof(x)) == 0));
    }
}

static void order_of_arrival_within_the_lateness_leaves_no_trace(void **state)
{
    (void)state;
    struct tt_plan *plan = plan_of(PLAN);
    int64_t lateness_ms = tt_plan_lateness_ms(plan);
    struct world worlds[2];
    struct tt_rng rng;
    tt_rng_init(&rng, SEED + 2);
    for (size_t w = 0; w < 2; w++) {
        struct steps steps;
        world_init(&worlds[w], 12864, SEED + 2, lateness_ms);
        quiet(&worlds[w], lateness_ms);
        if (w == 1) {
            shuffle(&worlds[w], lateness_ms, &rng);
        }
        /* The last 64 are in order in both: they see the same set. */
        assert_int_equal(steps_init(&steps, &tt_alloc_libc, plan, 1U << 20, SIZE_MAX), TT_OK);
        assert_int_equal(steps_run(&steps, worlds[w].log, worlds[w].count, 64), TT_OK);
        steps_deinit(&steps);
    }
    for (size_t i = worlds[0].count - 64; i < worlds[0].count; i++) {
        same_but_for_filters(plan, &worlds[0].events[i].vector, &worlds[1].events[i].vector);
    }
    world_deinit(&worlds[0]);
    world_deinit(&worlds[1]);
    tt_plan_free(plan);
}

/* With the vectors that were stored, or without: then what filters ask is computed again. */
static void replay_half(bool stored)
{
    struct tt_plan *plan = plan_of(PLAN);
    struct world live, replayed;
    struct steps steps, again;
    world_init(&live, 30000, SEED + 3, tt_plan_lateness_ms(plan));
    world_init(&replayed, 30000, SEED + 3, tt_plan_lateness_ms(plan));
    assert_int_equal(steps_init(&steps, &tt_alloc_libc, plan, 1U << 20, SIZE_MAX), TT_OK);
    assert_int_equal(steps_init(&again, &tt_alloc_libc, plan, 1U << 20, SIZE_MAX), TT_OK);
    steps_run(&steps, live.log, live.count, 64);
    size_t half = live.count / 2;
    for (size_t i = 0; i < half; i++) {
        replayed.log[i]->step_absorbed = live.log[i]->step_absorbed;
        replayed.log[i]->vector = stored ? live.log[i]->vector : replayed.log[i]->vector;
    }
    for (uint32_t s = 0; s < again.count; s++) {
        assert_int_equal(tt_step_absorb_only(again.step[s], replayed.log, half, NULL), TT_OK);
    }
    steps_run(&again, replayed.log + half, replayed.count - half, 64);
    for (size_t i = half; i < live.count; i++) {
        assert_memory_equal(&live.events[i].vector, &replayed.events[i].vector,
                            sizeof(struct tt_vector));
    }
    steps_deinit(&steps);
    steps_deinit(&again);
    world_deinit(&live);
    world_deinit(&replayed);
    tt_plan_free(plan);
}

static void a_replay_by_recorded_flags_continues_with_the_same_bits(void **state)
{
    (void)state;
    replay_half(true);
    replay_half(false);
}

/* What becomes known after t, or what it says, changes no vector of t or before. */
static void labels_of_the_future_leave_no_trace(void **state)
{
    (void)state;
    struct tt_plan *plan = plan_of(PLAN);
    struct world worlds[3];
    struct steps steps;
    for (size_t w = 0; w < 3; w++) {
        world_init(&worlds[w], 30000, SEED + 5, tt_plan_lateness_ms(plan));
    }
    int64_t t_ms = worlds[0].events[20000].txn.timestamp_ms;
    size_t changed = 0, seen = 0;
    for (size_t i = 0; i < worlds[0].count; i++) {
        const struct tt_label *label = &worlds[0].events[i].label;
        int64_t known_ms =
            label->known_at_ms > label->recorded_at_ms ? label->known_at_ms : label->recorded_at_ms;
        if (worlds[0].events[i].kind == TT_EVENT_LABEL && known_ms > t_ms) {
            worlds[1].events[i].kind = TT_EVENT_EPOCH; /* gone */
            worlds[2].events[i].label.kind = (uint8_t)(1 + label->kind % 3);
            changed++;
        }
    }
    for (size_t w = 0; w < 3; w++) {
        assert_int_equal(steps_init(&steps, &tt_alloc_libc, plan, 1U << 20, SIZE_MAX), TT_OK);
        assert_int_equal(steps_run(&steps, worlds[w].log, worlds[w].count, 64), TT_OK);
        steps_deinit(&steps);
    }
    for (size_t i = 0; i < worlds[0].count; i++) {
        const struct tt_event *event = &worlds[0].events[i];
        for (size_t w = 1; w < 3 && event->txn.timestamp_ms <= t_ms; w++) {
            assert_memory_equal(&event->vector, &worlds[w].events[i].vector,
                                sizeof(struct tt_vector));
            seen++;
        }
    }
    assert_true(changed > 1000 && seen > 20000);
    for (size_t w = 0; w < 3; w++) {
        world_deinit(&worlds[w]);
    }
    tt_plan_free(plan);
}

/* Saves every step and reads it into a new one, entities last to first. */
static void move_states(struct steps *from, struct steps *to)
{
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, 1U << 30);
    for (uint32_t s = 0; s < from->count; s++) {
        static struct tt_str records[4096];
        static size_t starts[4096];
        size_t count = 0, cursor = 0;
        struct tt_hash128 key;
        tt_buf_clear(&buf);
        assert_int_equal(tt_step_pack_head(from->step[s], &buf), TT_OK);
        starts[0] = buf.size;
        while (tt_step_pack_entity(from->step[s], &cursor, &key, &buf) == TT_OK) {
            starts[++count] = buf.size;
        }
        assert_int_equal(count, tt_step_stats(from->step[s]).entities);
        struct tt_str head = {buf.data, starts[0]};
        assert_int_equal(tt_step_unpack_head(to->step[s], head, NULL), TT_OK);
        for (size_t i = count; i > 0; i--) {
            records[i] = (struct tt_str){buf.data + starts[i - 1], starts[i] - starts[i - 1]};
            assert_int_equal(tt_step_unpack_entity(to->step[s], records[i], NULL), TT_OK);
        }
        assert_int_equal(tt_step_stats(to->step[s]).entities, count);
    }
    tt_buf_deinit(&buf);
}

static void a_saved_state_goes_on_with_the_same_bits(void **state)
{
    (void)state;
    struct tt_plan *plan = plan_of(PLAN);
    struct world live, restored;
    struct steps steps, first, second;
    world_init(&live, 30000, SEED + 4, tt_plan_lateness_ms(plan));
    world_init(&restored, 30000, SEED + 4, tt_plan_lateness_ms(plan));
    assert_int_equal(steps_init(&steps, &tt_alloc_libc, plan, 1U << 20, SIZE_MAX), TT_OK);
    assert_int_equal(steps_init(&first, &tt_alloc_libc, plan, 1U << 20, SIZE_MAX), TT_OK);
    assert_int_equal(steps_init(&second, &tt_alloc_libc, plan, 1U << 20, SIZE_MAX), TT_OK);
    steps_run(&steps, live.log, live.count, 64);
    size_t half = live.count / 2 + 17;
    steps_run(&first, restored.log, half, 64);
    move_states(&first, &second);
    steps_run(&second, restored.log + half, restored.count - half, 64);
    same_vectors(&live, &restored);
    steps_deinit(&steps);
    steps_deinit(&first);
    steps_deinit(&second);
    world_deinit(&live);
    world_deinit(&restored);
    tt_plan_free(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_aggregate_agrees_with_the_obvious_model),
        cmocka_unit_test(long_runs_agree_with_the_obvious_model),
        cmocka_unit_test(batch_split_leaves_no_trace),
        cmocka_unit_test(order_of_arrival_within_the_lateness_leaves_no_trace),
        cmocka_unit_test(labels_of_the_future_leave_no_trace),
        cmocka_unit_test(a_saved_state_goes_on_with_the_same_bits),
        cmocka_unit_test(a_replay_by_recorded_flags_continues_with_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
