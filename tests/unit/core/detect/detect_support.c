/* See detect_support.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/math.h"
#include "detect_support.h"
#include "support/tree_text.h"

const char *const tt_world_features[FEATURES] = {
    "user_amount",      "user_amount_mean",   "user_amount_std", "user_amount_count",
    "user_amount_q25",  "user_amount_median", "user_amount_q75", "user_amount_ratio",
    "user_tx_count_1h", "user_speed_kmh",
};

const char tt_world_detectors[] =
    "{detectors: {\n"
    "  zscore: {weight: 0.3, features: [\n"
    "    {feature: user_amount, mean: user_amount_mean, std: user_amount_std,\n"
    "     count: user_amount_count, scale: relative},\n"
    "    {feature: user_speed_kmh, against: peers}]},\n"
    "  iqr: {features: [\n"
    "    {feature: user_amount, q25: user_amount_q25, median: user_amount_median,\n"
    "     q75: user_amount_q75, count: user_amount_count, scale: relative},\n"
    "    {feature: user_amount, against: peers}]},\n"
    "  isolation_forest: {weight: 0.1, features: [user_amount_ratio, user_amount,\n"
    "    user_tx_count_1h]},\n"
    "  autoencoder: {weight: 0, features: [user_amount_ratio, user_amount, user_tx_count_1h]}\n"
    "}, words: {user_amount: {unit: amount, since: \"the last month\"}, user_amount_ratio: {unit: "
    "ratio},\n"
    "  user_tx_count_1h: {unit: count, text: \"payments in an hour\"},\n"
    "  user_speed_kmh: {unit: kmh, text: \"from the last payment\"}}}";

const char tt_world_rules[] =
    "{rules: [\n"
    "  {id: burst, description: \"Many payments in an hour\", when: \"user_tx_count_1h > 5.0\",\n"
    "   severity: high, decision: block, score: 0.8},\n"
    "  {id: large, description: \"A large amount\", when: \"amount > 5000.0\", severity: low,\n"
    "   decision: review, score: 0.3},\n"
    "  {id: tried, description: \"On trial\", when: \"amount > 1.0\", severity: critical,\n"
    "   decision: block, score: 0.9, mode: shadow}]}";

static enum tt_status make_parts(struct tt_world *world, const char *detectors, const char *rules,
                                 enum tt_cpu cpu)
{
    struct tt_str features[FEATURES];
    for (uint32_t i = 0; i < FEATURES; i++) {
        features[i] = tt_str_from(tt_world_features[i]);
    }
    enum tt_status status =
        tt_names_new(world->alloc, NULL, 0, features, FEATURES, &world->names, &world->err);
    if (status == TT_OK && rules != NULL) {
        status = tt_rules_compile(world->alloc, tt_tree_text_parse(&world->arena, rules),
                                  world->names, &world->rules, &world->err);
    }
    struct tt_setup_options options = {
        .plan = {1, 2},
        .features = features,
        .feature_count = FEATURES,
        .rules = world->rules,
        .names = world->names,
        .detectors = detectors != NULL ? tt_tree_text_parse(&world->arena, detectors) : NULL,
        .cpu = cpu,
    };
    if (status == TT_OK) {
        status = tt_setup_new(world->alloc, &options, &world->setup, &world->err);
    }
    if (status == TT_OK) {
        status = tt_detect_scratch_new(world->alloc, world->setup, &world->scratch, &world->err);
    }
    return status;
}

enum tt_status tt_world_init(struct tt_world *world, const struct tt_alloc *alloc,
                             const char *detectors, const char *rules, enum tt_cpu cpu)
{
    memset(world, 0, sizeof *world);
    world->alloc = alloc;
    tt_arena_init(&world->arena, &tt_alloc_libc, 16384, 1u << 22);
    enum tt_status status = make_parts(world, detectors, rules, cpu);
    if (status != TT_OK) {
        tt_world_deinit(world);
    }
    return status;
}

void tt_world_deinit(struct tt_world *world)
{
    tt_detect_scratch_free(world->scratch);
    tt_setup_unref(world->setup);
    if (world->rules != NULL) {
        tt_rules_free(world->rules);
    }
    if (world->names != NULL) {
        tt_names_free(world->names);
    }
    tt_arena_deinit(&world->arena);
    world->scratch = NULL;
    world->setup = NULL;
}

void tt_event_make(struct tt_event *event, uint32_t number)
{
    char id[24];
    memset(event, 0, sizeof *event);
    tt_arena_init(&event->text, &tt_alloc_libc, 4096, 1u << 20);
    event->kind = TT_EVENT_TRANSACTION;
    event->gate = TT_GATE_FRESH;
    event->vector.plan = (struct tt_hash128){1, 2};
    event->vector.count = FEATURES;
    for (uint32_t i = 0; i < FEATURES; i++) {
        tt_vector_set_missing(&event->vector, i);
    }
    int size = snprintf(id, sizeof id, "t-%u", number);
    char *copy = tt_arena_copy(&event->text, id, (size_t)size);
    assert_non_null(copy);
    event->txn.text[TT_TEXT_TRANSACTION_ID] = (struct tt_str){copy, (size_t)size};
    event->txn.text[TT_TEXT_USER_ID] = TT_STR("u-1");
    event->txn.currency = tt_currency_find(TT_STR("EUR"));
    event->txn.timestamp_ms = INT64_C(1700000000000) + (int64_t)number * 1000;
}

void tt_event_done(struct tt_event *event)
{
    tt_arena_deinit(&event->text);
}

void tt_event_set(struct tt_event *event, uint32_t feature, double value)
{
    tt_vector_set(&event->vector, feature, value);
    if (feature == FEATURE_AMOUNT) {
        event->txn.amount_minor = (int64_t)(value * 100.0 + 0.5);
    }
}

void tt_event_payment(struct tt_event *event, struct tt_rng *rng, double habit, double count)
{
    double amount = habit * tt_exp(0.5 * tt_rng_normal(rng));
    tt_event_set(event, FEATURE_AMOUNT, amount);
    tt_event_set(event, FEATURE_COUNT, count);
    tt_event_set(event, FEATURE_TX_1H, 1.0 + (double)tt_rng_poisson(rng, 0.2));
    tt_event_set(event, FEATURE_SPEED, 20.0 * tt_rng_exponential(rng));
    if (count < 1.0) {
        return;
    }
    double noise = 1.0 + 0.5 * tt_rng_normal(rng) / tt_sqrt(count + 4.0);
    double mean = habit * 1.13 * noise;
    tt_event_set(event, FEATURE_MEAN, mean);
    tt_event_set(event, FEATURE_STD, 0.53 * mean);
    tt_event_set(event, FEATURE_Q25, 0.71 * habit * noise);
    tt_event_set(event, FEATURE_MEDIAN, habit * noise);
    tt_event_set(event, FEATURE_Q75, 1.4 * habit * noise);
    tt_event_set(event, FEATURE_RATIO, amount / mean);
}

void tt_world_detect(struct tt_world *world, const struct tt_bundle *bundle,
                     struct tt_event *const *events, size_t n)
{
    for (uint32_t i = 0; i < world->setup->detector_count; i++) {
        tt_detect_run(world->setup, bundle, i, events, n, world->scratch);
    }
}

struct tt_bundle *tt_world_learn(struct tt_world *world, struct tt_trainer *trainer, uint64_t seed,
                                 size_t count, size_t every)
{
    struct tt_bundle *bundle;
    struct tt_rng rng;
    static struct tt_event event;
    struct tt_event *one = &event;
    assert_int_equal(tt_bundle_initial(world->alloc, world->setup, &bundle, NULL), TT_OK);
    tt_rng_init(&rng, seed);
    for (size_t i = 1; i <= count; i++) {
        double habit = 10.0 * tt_exp(1.2 * (double)(i % 97) / 40.0);
        tt_event_make(&event, (uint32_t)i);
        tt_event_payment(&event, &rng, habit, (double)(i % 41));
        tt_world_detect(world, bundle, &one, 1);
        tt_trainer_absorb(trainer, &event);
        bool due = every != 0 ? i % every == 0
                              : i == count || tt_epoch_due(world->setup, bundle->epoch, i, 0, 0);
        if (due) {
            struct tt_bundle *next;
            assert_int_equal(
                tt_trainer_close(trainer, bundle->epoch + 1, event.txn.timestamp_ms, &next, NULL),
                TT_OK);
            tt_bundle_unref(bundle);
            bundle = next;
        }
        tt_event_done(&event);
    }
    return bundle;
}
