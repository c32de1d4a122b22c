/* Detection, bundles and the trainer, together: from configuration to p-values. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/detect/calibration.h"
#include "detect_support.h"
#include "support/torture.h"

static struct tt_world world;
static struct tt_trainer *trainer;
static struct tt_bundle *learned;

static int set_up(void **state)
{
    (void)state;
    enum tt_status status =
        tt_world_init(&world, &tt_alloc_libc, tt_world_detectors, tt_world_rules, TT_CPU_AUTO);
    if (status != TT_OK) {
        print_error("%u:%u: %s\n", world.err.line, world.err.column, world.err.message);
        return -1;
    }
    assert_int_equal(tt_trainer_new(&tt_alloc_libc, world.setup, 7, &trainer, NULL), TT_OK);
    learned = tt_world_learn(&world, trainer, 1, 15000, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tt_bundle_unref(learned);
    tt_trainer_free(trainer);
    tt_world_deinit(&world);
    return 0;
}

/* The p-value of one detector for a payment. */
static struct tt_detection judge(const struct tt_bundle *bundle, uint32_t slot, double amount,
                                 double habit, double count)
{
    static struct tt_event event;
    struct tt_event *one = &event;
    struct tt_rng rng;
    tt_rng_init(&rng, 5);
    tt_event_make(&event, 1);
    tt_event_payment(&event, &rng, habit, count);
    tt_event_set(&event, FEATURE_AMOUNT, amount);
    tt_event_set(&event, FEATURE_SPEED, 5.0);
    tt_event_set(&event, FEATURE_TX_1H, 1.0);
    if (count >= 1.0) {
        tt_event_set(&event, FEATURE_RATIO, amount / (1.13 * habit));
    }
    tt_world_detect(&world, bundle, &one, 1);
    tt_event_done(&event);
    return event.detections[slot];
}

static void an_amount_far_above_the_habit_is_unusual_to_every_detector(void **state)
{
    (void)state;
    for (uint32_t slot = SLOT_ZSCORE; slot <= SLOT_FOREST; slot++) {
        struct tt_detection usual = judge(learned, slot, 30.0, 30.0, 30.0);
        struct tt_detection odd = judge(learned, slot, 300.0, 30.0, 30.0);
        assert_true(usual.present && odd.present);
        assert_true(usual.p_value > 0.1 && !usual.fired);
        assert_true(odd.p_value < 0.01);
        assert_true(odd.score > usual.score);
    }
}

static void p_values_fall_as_the_amount_rises(void **state)
{
    (void)state;
    for (uint32_t slot = SLOT_ZSCORE; slot <= SLOT_IQR; slot++) {
        double before = 1.0;
        for (double amount = 5.0; amount < 1e7; amount *= 1.3) {
            struct tt_detection detection = judge(learned, slot, amount, 30.0, 30.0);
            assert_true(detection.p_value > 0.0 && detection.p_value <= before);
            before = detection.p_value;
        }
    }
}

static void a_new_customer_is_judged_by_the_peers(void **state)
{
    (void)state;
    struct tt_detection usual = judge(learned, SLOT_IQR, 40.0, 30.0, 0.0);
    struct tt_detection odd = judge(learned, SLOT_IQR, 40000.0, 30.0, 0.0);
    assert_true(usual.present && usual.p_value > 0.05);
    assert_true(odd.present && odd.p_value < 0.005 && odd.fired);
}

static void a_short_history_is_less_certain_than_a_long_one(void **state)
{
    (void)state;
    struct tt_detection thin = judge(learned, SLOT_ZSCORE, 90.0, 15.0, 1.0);
    struct tt_detection thick = judge(learned, SLOT_ZSCORE, 90.0, 15.0, 40.0);
    assert_true(thin.p_value > thick.p_value);
}

static void before_anything_is_learned_only_a_history_of_its_own_is_judged(void **state)
{
    (void)state;
    struct tt_bundle *first;
    assert_int_equal(tt_bundle_initial(&tt_alloc_libc, world.setup, &first, NULL), TT_OK);
    assert_int_equal(first->epoch, 0);
    assert_false(judge(first, SLOT_IQR, 40.0, 30.0, 0.0).present);
    assert_false(judge(first, SLOT_FOREST, 40.0, 30.0, 30.0).present);
    struct tt_detection odd = judge(first, SLOT_IQR, 3000.0, 30.0, 30.0);
    assert_true(odd.present && odd.p_value < 0.02);
    assert_true(judge(first, SLOT_IQR, 40.0, 30.0, 30.0).p_value > 0.2);
    tt_bundle_unref(first);
}

static void an_event_without_features_gets_no_answer(void **state)
{
    (void)state;
    static struct tt_event event;
    struct tt_event *one = &event;
    tt_event_make(&event, 1);
    tt_world_detect(&world, learned, &one, 1);
    for (uint32_t slot = SLOT_ZSCORE; slot <= SLOT_FOREST; slot++) {
        assert_false(event.detections[slot].present);
        assert_false(event.detections[slot].fired);
    }
    assert_true(event.detections[SLOT_RULES].present);
    tt_event_done(&event);
}

static void impossible_values_give_an_answer_inside_the_range(void **state)
{
    (void)state;
    static const double values[] = {1e308, -1e308, __builtin_inf(), -__builtin_inf(), 0.0, 5e-324};
    for (size_t i = 0; i < TT_ARRAY_SIZE(values); i++) {
        static struct tt_event event;
        struct tt_event *one = &event;
        tt_event_make(&event, 1);
        for (uint32_t f = 0; f < FEATURES; f++) {
            tt_vector_set(&event.vector, f, values[i]);
        }
        tt_world_detect(&world, learned, &one, 1);
        for (uint32_t slot = SLOT_ZSCORE; slot <= SLOT_FOREST; slot++) {
            const struct tt_detection *detection = &event.detections[slot];
            assert_true(!detection->present ||
                        (detection->p_value > 0.0 && detection->p_value < 1.0));
        }
        tt_trainer_absorb(trainer, &event);
        tt_event_done(&event);
    }
}

static void batch_splits_and_code_paths_give_the_same_bits(void **state)
{
    (void)state;
    enum { N = 600 };
    static struct tt_event events[N];
    struct tt_event *pointers[N];
    static struct tt_detection whole[N][TT_DETECTORS_MAX];
    struct tt_rng rng;
    struct tt_buf bytes;
    tt_rng_init(&rng, 11);
    tt_buf_init(&bytes, &tt_alloc_libc, TT_BUNDLE_SIZE_MAX);
    assert_int_equal(tt_bundle_encode(learned, &bytes), TT_OK);
    for (uint32_t i = 0; i < N; i++) {
        pointers[i] = &events[i];
        tt_event_make(&events[i], i);
        tt_event_payment(&events[i], &rng, 40.0, (double)(i % 30));
    }
    tt_world_detect(&world, learned, pointers, N);
    for (uint32_t i = 0; i < N; i++) {
        memcpy(whole[i], events[i].detections, sizeof whole[i]);
    }
    static const enum tt_cpu paths[] = {TT_CPU_SCALAR, TT_CPU_AVX2, TT_CPU_AVX512};
    for (size_t p = 0; p < TT_ARRAY_SIZE(paths); p++) {
        struct tt_world other;
        enum tt_status status =
            tt_world_init(&other, &tt_alloc_libc, tt_world_detectors, tt_world_rules, paths[p]);
        if (status == TT_E_UNSUPPORTED) {
            continue;
        }
        struct tt_bundle *copy;
        assert_int_equal(status, TT_OK);
        assert_int_equal(
            tt_bundle_decode(&tt_alloc_libc, tt_buf_str(&bytes), other.setup, &copy, NULL), TT_OK);
        for (size_t first = 0; first < N; first += 7 + 50 * p) {
            size_t n = N - first < 7 + 50 * p ? N - first : 7 + 50 * p;
            tt_world_detect(&other, copy, pointers + first, n);
        }
        for (uint32_t i = 0; i < N; i++) {
            for (uint32_t k = 0; k < SLOTS; k++) {
                assert_memory_equal(&whole[i][k].score, &events[i].detections[k].score, 8);
                assert_memory_equal(&whole[i][k].p_value, &events[i].detections[k].p_value, 8);
            }
        }
        tt_bundle_unref(copy);
        tt_world_deinit(&other);
    }
    for (uint32_t i = 0; i < N; i++) {
        tt_event_done(&events[i]);
    }
    tt_buf_deinit(&bytes);
}

static void p_values_of_later_clean_traffic_are_uniform(void **state)
{
    (void)state;
    enum { N = 4000 };
    static double p[3][N];
    struct tt_rng rng;
    tt_rng_init(&rng, 99);
    for (uint32_t i = 0; i < N; i++) {
        static struct tt_event event;
        struct tt_event *one = &event;
        double habit = 10.0 * exp(1.2 * (double)((i + 1) % 97) / 40.0);
        tt_event_make(&event, i);
        tt_event_payment(&event, &rng, habit, (double)((i + 1) % 41));
        tt_world_detect(&world, learned, &one, 1);
        for (uint32_t slot = 0; slot < 3; slot++) {
            p[slot][i] = event.detections[slot].p_value;
        }
        tt_event_done(&event);
    }
    for (uint32_t slot = 0; slot < 3; slot++) {
        for (int tenth = 1; tenth <= 9; tenth++) {
            double below = 0.0;
            for (uint32_t i = 0; i < N; i++) {
                below += p[slot][i] <= 0.1 * tenth ? 1.0 / N : 0.0;
            }
            /* Older models' scores are part of the reference; forests differ most. */
            double slack = slot == SLOT_FOREST ? 0.06 : 0.03;
            assert_true(fabs(below - 0.1 * tenth) < slack);
        }
    }
}

static void rules_fill_their_slot_and_shadow_rules_do_not(void **state)
{
    (void)state;
    static struct tt_event event;
    struct tt_event *one = &event;
    tt_event_make(&event, 1);
    tt_event_set(&event, FEATURE_AMOUNT, 50.0);
    tt_event_set(&event, FEATURE_TX_1H, 9.0);
    tt_detect_rules(world.setup, learned, &one, 1, world.scratch);
    const struct tt_detection *detection = &event.detections[SLOT_RULES];
    assert_int_equal(event.rule_hits.count, 1);
    assert_int_equal(event.shadow_hits.hits.count, 1);
    assert_true(detection->present && detection->fired);
    assert_true(fabs(detection->score - TT_SEVERITY_HIGH) <= 0.0);
    assert_true(detection->p_value > 0.0 && detection->p_value < 0.01);
    tt_event_set(&event, FEATURE_TX_1H, 1.0);
    tt_detect_rules(world.setup, learned, &one, 1, world.scratch);
    assert_int_equal(event.rule_hits.count, 0);
    assert_false(detection->fired);
    assert_true(detection->p_value > 0.9 && detection->p_value < 1.0);
    tt_event_done(&event);
}

static void the_order_of_events_in_an_epoch_does_not_matter(void **state)
{
    (void)state;
    enum { N = 700 };
    static struct tt_event events[N];
    struct tt_event *pointers[N];
    struct tt_trainer *forward;
    struct tt_trainer *backward;
    struct tt_bundle *a;
    struct tt_bundle *b;
    struct tt_rng rng;
    tt_rng_init(&rng, 21);
    assert_int_equal(tt_trainer_new(&tt_alloc_libc, world.setup, 3, &forward, NULL), TT_OK);
    assert_int_equal(tt_trainer_new(&tt_alloc_libc, world.setup, 3, &backward, NULL), TT_OK);
    for (uint32_t i = 0; i < N; i++) {
        pointers[i] = &events[i];
        tt_event_make(&events[i], i);
        tt_event_payment(&events[i], &rng, 40.0, (double)(i % 30));
    }
    tt_world_detect(&world, learned, pointers, N);
    for (uint32_t round = 1; round <= 3; round++) {
        for (uint32_t i = 0; i < N; i++) {
            tt_trainer_absorb(forward, &events[i]);
            tt_trainer_absorb(backward, &events[N - 1 - i]);
        }
        int64_t close_ms = INT64_C(1700000000000) + round * TT_MS_PER_DAY;
        assert_int_equal(tt_trainer_close(forward, round, close_ms, &a, NULL), TT_OK);
        assert_int_equal(tt_trainer_close(backward, round, close_ms, &b, NULL), TT_OK);
        assert_memory_equal(&a->hash, &b->hash, sizeof a->hash);
        tt_bundle_unref(a);
        tt_bundle_unref(b);
    }
    for (uint32_t i = 0; i < N; i++) {
        tt_event_done(&events[i]);
    }
    tt_trainer_free(forward);
    tt_trainer_free(backward);
}

static void late_and_repeated_events_are_not_learned(void **state)
{
    (void)state;
    static struct tt_event event;
    uint64_t before = tt_trainer_count(trainer);
    tt_event_make(&event, 1);
    event.late = true;
    tt_trainer_absorb(trainer, &event);
    event.late = false;
    event.gate = TT_GATE_DUPLICATE;
    tt_trainer_absorb(trainer, &event);
    event.gate = TT_GATE_FRESH;
    event.kind = TT_EVENT_LABEL;
    tt_trainer_absorb(trainer, &event);
    assert_int_equal(tt_trainer_count(trainer), before);
    tt_event_done(&event);
}

static void a_bundle_survives_its_bytes(void **state)
{
    (void)state;
    struct tt_buf bytes;
    struct tt_buf again;
    struct tt_bundle *copy;
    tt_buf_init(&bytes, &tt_alloc_libc, TT_BUNDLE_SIZE_MAX);
    tt_buf_init(&again, &tt_alloc_libc, TT_BUNDLE_SIZE_MAX);
    assert_int_equal(tt_bundle_encode(learned, &bytes), TT_OK);
    assert_int_equal(tt_bundle_decode(&tt_alloc_libc, tt_buf_str(&bytes), world.setup, &copy, NULL),
                     TT_OK);
    assert_memory_equal(&copy->hash, &learned->hash, sizeof copy->hash);
    assert_int_equal(copy->epoch, learned->epoch);
    assert_int_equal(copy->closed_ms, learned->closed_ms);
    assert_int_equal(copy->count, learned->count);
    assert_int_equal(tt_bundle_encode(copy, &again), TT_OK);
    assert_int_equal(bytes.size, again.size);
    assert_memory_equal(bytes.data, again.data, bytes.size);
    tt_bundle_unref(copy);
    tt_buf_deinit(&bytes);
    tt_buf_deinit(&again);
}

static void damaged_bundles_are_refused(void **state)
{
    (void)state;
    struct tt_buf bytes;
    struct tt_bundle *copy = NULL;
    struct tt_error err;
    tt_buf_init(&bytes, &tt_alloc_libc, TT_BUNDLE_SIZE_MAX);
    assert_int_equal(tt_bundle_encode(learned, &bytes), TT_OK);
    for (size_t size = 0; size < bytes.size; size += size < 200 ? 1 : 211) {
        assert_int_equal(tt_bundle_decode(&tt_alloc_libc, (struct tt_str){bytes.data, size},
                                          world.setup, &copy, &err),
                         TT_E_CORRUPT);
        assert_true(err.message[0] != '\0');
    }
    for (size_t at = 0; at < bytes.size; at += at < 200 ? 1 : 173) {
        bytes.data[at] ^= 0x10;
        assert_int_equal(
            tt_bundle_decode(&tt_alloc_libc, tt_buf_str(&bytes), world.setup, &copy, &err),
            TT_E_CORRUPT);
        bytes.data[at] ^= 0x10;
    }
    assert_null(copy);
    tt_buf_deinit(&bytes);
}

static void a_bundle_of_another_setup_is_refused(void **state)
{
    (void)state;
    struct tt_world other;
    struct tt_buf bytes;
    struct tt_bundle *copy = NULL;
    struct tt_trainer *none = NULL;
    tt_buf_init(&bytes, &tt_alloc_libc, 1u << 23);
    assert_int_equal(tt_bundle_encode(learned, &bytes), TT_OK);
    assert_int_equal(tt_world_init(&other, &tt_alloc_libc, tt_world_detectors, NULL, TT_CPU_AUTO),
                     TT_OK);
    assert_int_equal(tt_bundle_decode(&tt_alloc_libc, tt_buf_str(&bytes), other.setup, &copy, NULL),
                     TT_E_CONFLICT);
    tt_buf_clear(&bytes);
    assert_int_equal(tt_trainer_save(trainer, &bytes), TT_OK);
    assert_int_equal(tt_trainer_load(&tt_alloc_libc, tt_buf_str(&bytes), other.setup, &none, NULL),
                     TT_E_CONFLICT);
    tt_world_deinit(&other);
    tt_buf_deinit(&bytes);
}

static void a_trainer_goes_on_from_its_bytes_as_if_nothing_had_happened(void **state)
{
    (void)state;
    struct tt_buf bytes;
    struct tt_trainer *copy;
    struct tt_trainer *original;
    struct tt_bundle *a;
    struct tt_bundle *b;
    tt_buf_init(&bytes, &tt_alloc_libc, 1u << 23);
    assert_int_equal(tt_trainer_new(&tt_alloc_libc, world.setup, 17, &original, NULL), TT_OK);
    tt_bundle_unref(tt_world_learn(&world, original, 5, 1500, 500));
    assert_int_equal(tt_trainer_save(original, &bytes), TT_OK);
    assert_int_equal(tt_trainer_load(&tt_alloc_libc, tt_buf_str(&bytes), world.setup, &copy, NULL),
                     TT_OK);
    tt_bundle_unref(tt_world_learn(&world, original, 6, 900, 300));
    tt_bundle_unref(tt_world_learn(&world, copy, 6, 900, 300));
    assert_int_equal(tt_trainer_close(original, 9, 5, &a, NULL), TT_OK);
    assert_int_equal(tt_trainer_close(copy, 9, 5, &b, NULL), TT_OK);
    assert_memory_equal(&a->hash, &b->hash, sizeof a->hash);
    tt_trainer_free(copy);
    for (size_t size = 0; size < bytes.size; size += size < 100 ? 1 : 4999) {
        assert_int_equal(tt_trainer_load(&tt_alloc_libc, (struct tt_str){bytes.data, size},
                                         world.setup, &copy, NULL),
                         TT_E_CORRUPT);
    }
    for (size_t at = 0; at < bytes.size; at += 2999) {
        bytes.data[at] ^= 1;
        assert_int_equal(
            tt_trainer_load(&tt_alloc_libc, tt_buf_str(&bytes), world.setup, &copy, NULL),
            TT_E_CORRUPT);
        bytes.data[at] ^= 1;
    }
    tt_bundle_unref(a);
    tt_bundle_unref(b);
    tt_trainer_free(original);
    tt_buf_deinit(&bytes);
}

static enum tt_status whole_life(const struct tt_alloc *alloc, void *ctx)
{
    struct tt_world small;
    struct tt_trainer *learner = NULL;
    struct tt_bundle *first = NULL;
    struct tt_bundle *second = NULL;
    struct tt_bundle *copy = NULL;
    struct tt_buf bytes;
    static struct tt_event event;
    struct tt_rng rng;
    (void)ctx;
    enum tt_status status = tt_world_init(&small, alloc, tt_world_detectors, NULL, TT_CPU_SCALAR);
    if (status != TT_OK) {
        return status;
    }
    tt_buf_init(&bytes, alloc, TT_BUNDLE_SIZE_MAX);
    status = tt_bundle_initial(alloc, small.setup, &first, NULL);
    status = status == TT_OK ? tt_trainer_new(alloc, small.setup, 1, &learner, NULL) : status;
    tt_rng_init(&rng, 3);
    for (uint32_t i = 0; status == TT_OK && i < 80; i++) {
        struct tt_event *one = &event;
        tt_event_make(&event, i);
        tt_event_payment(&event, &rng, 30.0, 12.0);
        tt_world_detect(&small, first, &one, 1);
        tt_trainer_absorb(learner, &event);
        tt_event_done(&event);
    }
    status = status == TT_OK ? tt_trainer_close(learner, 1, 1, &second, NULL) : status;
    status = status == TT_OK ? tt_bundle_encode(second, &bytes) : status;
    status = status == TT_OK ? tt_bundle_decode(alloc, tt_buf_str(&bytes), small.setup, &copy, NULL)
                             : status;
    tt_bundle_unref(first);
    tt_bundle_unref(second);
    tt_bundle_unref(copy);
    tt_trainer_free(learner);
    tt_buf_deinit(&bytes);
    tt_world_deinit(&small);
    return status;
}

static void a_failed_allocation_leaks_nothing(void **state)
{
    (void)state;
    tt_torture_run(whole_life, NULL);
}

static void a_failed_close_changes_nothing(void **state)
{
    (void)state;
    struct tt_torture torture;
    struct tt_trainer *fragile;
    struct tt_trainer *sound;
    struct tt_bundle *a = NULL;
    struct tt_bundle *b;
    tt_torture_init(&torture, 0);
    struct tt_world own;
    assert_int_equal(tt_world_init(&own, &torture.alloc, tt_world_detectors, NULL, TT_CPU_SCALAR),
                     TT_OK);
    assert_int_equal(tt_trainer_new(&torture.alloc, own.setup, 1, &fragile, NULL), TT_OK);
    assert_int_equal(tt_trainer_new(&tt_alloc_libc, own.setup, 1, &sound, NULL), TT_OK);
    tt_bundle_unref(tt_world_learn(&own, fragile, 2, 300, 1000));
    tt_bundle_unref(tt_world_learn(&own, sound, 2, 300, 1000));
    for (uint64_t n = 1; a == NULL; n++) {
        torture.fail_at = torture.count + n;
        enum tt_status status = tt_trainer_close(fragile, 1, 1, &a, NULL);
        assert_true(status == TT_OK || status == TT_E_NOMEM);
    }
    torture.fail_at = 0;
    assert_int_equal(tt_trainer_close(sound, 1, 1, &b, NULL), TT_OK);
    assert_memory_equal(&a->hash, &b->hash, sizeof a->hash);
    tt_bundle_unref(a);
    tt_bundle_unref(b);
    tt_trainer_free(fragile);
    tt_trainer_free(sound);
    tt_world_deinit(&own);
    tt_torture_check(&torture);
}

static void epochs_close_early_at_first_and_then_by_time(void **state)
{
    (void)state;
    const struct tt_setup *setup = world.setup;
    assert_false(tt_epoch_due(setup, 0, 199, 5, TT_TIME_NONE));
    assert_true(tt_epoch_due(setup, 0, 200, 5, TT_TIME_NONE));
    assert_false(tt_epoch_due(setup, 1, 999, 5, 0));
    assert_true(tt_epoch_due(setup, 3, 20000, 5, 0));
    assert_false(tt_epoch_due(setup, 4, 1000000, TT_MS_PER_DAY - 1, 0));
    assert_true(tt_epoch_due(setup, 4, 20001, TT_MS_PER_DAY, 0));
    assert_true(tt_epoch_due(setup, 9, 20001, 1, TT_TIME_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_amount_far_above_the_habit_is_unusual_to_every_detector),
        cmocka_unit_test(p_values_fall_as_the_amount_rises),
        cmocka_unit_test(a_new_customer_is_judged_by_the_peers),
        cmocka_unit_test(a_short_history_is_less_certain_than_a_long_one),
        cmocka_unit_test(before_anything_is_learned_only_a_history_of_its_own_is_judged),
        cmocka_unit_test(an_event_without_features_gets_no_answer),
        cmocka_unit_test(impossible_values_give_an_answer_inside_the_range),
        cmocka_unit_test(batch_splits_and_code_paths_give_the_same_bits),
        cmocka_unit_test(p_values_of_later_clean_traffic_are_uniform),
        cmocka_unit_test(rules_fill_their_slot_and_shadow_rules_do_not),
        cmocka_unit_test(the_order_of_events_in_an_epoch_does_not_matter),
        cmocka_unit_test(late_and_repeated_events_are_not_learned),
        cmocka_unit_test(a_bundle_survives_its_bytes),
        cmocka_unit_test(damaged_bundles_are_refused),
        cmocka_unit_test(a_bundle_of_another_setup_is_refused),
        cmocka_unit_test(a_trainer_goes_on_from_its_bytes_as_if_nothing_had_happened),
        cmocka_unit_test(a_failed_allocation_leaks_nothing),
        cmocka_unit_test(a_failed_close_changes_nothing),
        cmocka_unit_test(epochs_close_early_at_first_and_then_by_time),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
