/*
 * A small world for tests of detection and decision: a plan of a few features, rules, a setup, and
 * a stream of payments by customers with habits.
 *
 * Owner:   the test; tt_world_deinit gives everything back.
 * Threads: one.
 */
#ifndef TT_TESTS_UNIT_CORE_DETECT_DETECT_SUPPORT_H
#define TT_TESTS_UNIT_CORE_DETECT_DETECT_SUPPORT_H

#include "base/rng.h"
#include "core/detect/detect.h"
#include "core/detect/trainer.h"
#include "core/event/names.h"
#include "core/rules/rules.h"

enum {
    FEATURE_AMOUNT,
    FEATURE_MEAN,
    FEATURE_STD,
    FEATURE_COUNT,
    FEATURE_Q25,
    FEATURE_MEDIAN,
    FEATURE_Q75,
    FEATURE_RATIO,
    FEATURE_TX_1H,
    FEATURE_SPEED,
    FEATURES
};
enum { SLOT_ZSCORE, SLOT_IQR, SLOT_FOREST, SLOT_RULES, SLOTS };

extern const char *const tt_world_features[FEATURES];
/* zscore and iqr on the amount, the forest on three features, words. */
extern const char tt_world_detectors[];
extern const char tt_world_rules[];

struct tt_world {
    const struct tt_alloc *alloc;
    struct tt_arena arena; /* of the trees */
    struct tt_names *names;
    struct tt_rules *rules;
    struct tt_setup *setup;
    struct tt_detect_scratch *scratch;
    struct tt_error err; /* of a failed init */
};

/* detectors, rules: texts (support/tree_text.h); rules may be NULL. On failure nothing is held. */
enum tt_status tt_world_init(struct tt_world *world, const struct tt_alloc *alloc,
                             const char *detectors, const char *rules, enum tt_cpu cpu);
void tt_world_deinit(struct tt_world *world);

/* An event with ids and an empty text; free with tt_event_done. */
void tt_event_make(struct tt_event *event, uint32_t number);
void tt_event_done(struct tt_event *event);
void tt_event_set(struct tt_event *event, uint32_t feature, double value);
/* A payment of a customer with a habit: amount log-normal around it, history of `count` payments */
void tt_event_payment(struct tt_event *event, struct tt_rng *rng, double habit, double count);
/* Runs all detectors over n events. */
void tt_world_detect(struct tt_world *world, const struct tt_bundle *bundle,
                     struct tt_event *const *events, size_t n);
/* Feeds `count` payments through detectors and trainer, starting from bundle; closes an epoch after
 * each `every`, or with 0 when the setup says so and at the end. Returns the last bundle (the
 * caller's). */
struct tt_bundle *tt_world_learn(struct tt_world *world, struct tt_trainer *trainer, uint64_t seed,
                                 size_t count, size_t every);

#endif
