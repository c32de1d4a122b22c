/* The decision: severity, verdict, reasons that add up, and what they say. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/decide/decide.h"
#include "core/detect/calibration.h"
#include "core/detect/codec.h"
#include "detect_support.h"
#include "support/torture.h"

static struct tt_world world;
static struct tt_bundle *learned;
static struct tt_event event;

static int set_up(void **state)
{
    struct tt_trainer *trainer;
    (void)state;
    enum tt_status status =
        tt_world_init(&world, &tt_alloc_libc, tt_world_detectors, tt_world_rules, TT_CPU_AUTO);
    if (status != TT_OK) {
        print_error("%u:%u: %s\n", world.err.line, world.err.column, world.err.message);
        return -1;
    }
    assert_int_equal(tt_trainer_new(&tt_alloc_libc, world.setup, 7, &trainer, NULL), TT_OK);
    learned = tt_world_learn(&world, trainer, 1, 15000, 0);
    tt_trainer_free(trainer);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tt_bundle_unref(learned);
    tt_world_deinit(&world);
    return 0;
}

static int make_event(void **state)
{
    struct tt_rng rng;
    (void)state;
    tt_rng_init(&rng, 5);
    tt_event_make(&event, 1);
    tt_event_payment(&event, &rng, 50.0, 30.0);
    tt_event_set(&event, FEATURE_AMOUNT, 50.0);
    tt_event_set(&event, FEATURE_MEAN, 56.5);
    tt_event_set(&event, FEATURE_STD, 30.0);
    tt_event_set(&event, FEATURE_Q25, 35.5);
    tt_event_set(&event, FEATURE_MEDIAN, 50.0);
    tt_event_set(&event, FEATURE_Q75, 70.0);
    tt_event_set(&event, FEATURE_RATIO, 0.9);
    tt_event_set(&event, FEATURE_TX_1H, 1.0);
    tt_event_set(&event, FEATURE_SPEED, 10.0);
    return 0;
}

static int drop_event(void **state)
{
    (void)state;
    tt_event_done(&event);
    return 0;
}

static void pay(double amount)
{
    tt_event_set(&event, FEATURE_AMOUNT, amount);
    tt_event_set(&event, FEATURE_RATIO, amount / 56.5);
}

static const struct tt_decision *decide(void)
{
    struct tt_event *one = &event;
    tt_world_detect(&world, learned, &one, 1);
    assert_int_equal(tt_decide(world.setup, learned, &event), TT_OK);
    return &event.decision;
}

static double evidence(const struct tt_decision *decision)
{
    return log((1.0 - decision->p_value) / decision->p_value);
}

static void check_sum(const struct tt_decision *decision)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < decision->reason_count; i++) {
        sum += decision->reasons[i].contribution;
    }
    assert_true(fabs(sum - evidence(decision)) < 1e-9);
}

static void assert_message(const struct tt_reason *reason, const char *expected)
{
    char text[512];
    assert_true(reason->message.size < sizeof text);
    memcpy(text, reason->message.data, reason->message.size);
    text[reason->message.size] = '\0';
    assert_string_equal(text, expected);
}

static void an_ordinary_payment_is_allowed_without_reasons(void **state)
{
    (void)state;
    const struct tt_decision *decision = decide();
    assert_false(decision->anomalous);
    assert_int_equal(decision->severity, TT_SEVERITY_NONE);
    assert_int_equal(decision->verdict, TT_ALLOW);
    assert_int_equal(decision->reason_count, 0);
    assert_int_equal(decision->degraded, 0);
    assert_true(decision->p_value > 0.05);
    assert_true(decision->score >= 0.0 && decision->score < 1.0);
    assert_true(fabs(decision->score - (1.0 - decision->p_value)) <= 0.0);
}

static void a_large_payment_goes_to_review_with_reasons_that_add_up(void **state)
{
    (void)state;
    pay(1500.0);
    const struct tt_decision *decision = decide();
    assert_true(decision->anomalous);
    assert_true(decision->severity >= TT_SEVERITY_MEDIUM);
    assert_int_equal(decision->verdict, TT_REVIEW);
    assert_true(decision->reason_count >= 1);
    check_sum(decision);
    for (uint32_t i = 1; i + 1 < decision->reason_count; i++) {
        assert_true(decision->reasons[i - 1].contribution >= decision->reasons[i].contribution);
    }
    const struct tt_reason *first = &decision->reasons[0];
    assert_int_equal(first->feature, FEATURE_AMOUNT);
    assert_true(fabs(first->observed - 1500.0) <= 0.0);
    assert_true(first->expected > 40.0 && first->expected < 70.0);
    assert_true(first->threshold > first->expected && first->threshold < first->observed);
}

static void the_score_rises_with_the_amount_and_stays_below_one(void **state)
{
    (void)state;
    double before = -1.0;
    for (double amount = 100.0; amount < 1e6; amount *= 1.5) {
        pay(amount);
        tt_event_set(&event, FEATURE_RATIO, 20.0); /* the forest sees the same either way */
        double score = decide()->score;
        assert_true(score > before && score < 1.0);
        before = score;
    }
}

static void the_same_feature_from_several_detectors_is_one_reason(void **state)
{
    (void)state;
    pay(2500.0);
    const struct tt_decision *decision = decide();
    for (uint32_t i = 0; i < decision->reason_count; i++) {
        for (uint32_t k = i + 1; k < decision->reason_count; k++) {
            assert_true(decision->reasons[i].feature != decision->reasons[k].feature ||
                        decision->reasons[i].feature == UINT16_MAX);
        }
    }
}

static void a_rule_raises_severity_and_may_block(void **state)
{
    (void)state;
    tt_event_set(&event, FEATURE_TX_1H, 9.0);
    const struct tt_decision *decision = decide();
    assert_true(decision->severity >= TT_SEVERITY_HIGH);
    assert_int_equal(decision->verdict, TT_BLOCK);
    check_sum(decision);
    bool told = false;
    for (uint32_t i = 0; i < decision->reason_count; i++) {
        if (decision->reasons[i].detector == SLOT_RULES) {
            assert_message(&decision->reasons[i], "Many payments in an hour (user_tx_count_1h=9)");
            told = true;
        }
    }
    assert_true(told);
}

static void detectors_alone_never_block(void **state)
{
    (void)state;
    pay(4999.0);
    assert_int_equal(decide()->severity, TT_SEVERITY_CRITICAL);
    assert_int_equal(event.decision.verdict, TT_REVIEW);
}

static void shadow_rules_decide_nothing(void **state)
{
    (void)state;
    const struct tt_decision *decision = decide();
    assert_int_equal(event.shadow_hits.hits.count, 1);
    assert_int_equal(decision->severity, TT_SEVERITY_NONE);
    assert_int_equal(decision->verdict, TT_ALLOW);
}

static void absent_detectors_are_named_and_not_counted(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < FEATURES; i++) {
        tt_vector_set_missing(&event.vector, i);
    }
    const struct tt_decision *decision = decide();
    assert_int_equal(decision->degraded, 1u << SLOT_ZSCORE | 1u << SLOT_IQR | 1u << SLOT_FOREST);
    assert_false(decision->anomalous);
    assert_true(decision->p_value > 0.5);
}

static void steps_that_were_short_of_memory_are_named(void **state)
{
    (void)state;
    event.step_degraded = 2;
    const struct tt_decision *decision = decide();
    assert_int_equal(decision->degraded >> TT_DETECTORS_MAX, 2);
    event.step_degraded = 0;
}

static void a_decision_is_made_again_from_its_bytes(void **state)
{
    (void)state;
    static struct tt_event again;
    struct tt_buf detections;
    struct tt_buf bytes;
    struct tt_buf bytes_again;
    pay(900.0);
    (void)decide();
    tt_buf_init(&detections, &tt_alloc_libc, 8192);
    tt_buf_init(&bytes, &tt_alloc_libc, 8192);
    tt_buf_init(&bytes_again, &tt_alloc_libc, 8192);
    assert_int_equal(tt_detections_pack(&event, SLOTS, &detections), TT_OK);
    assert_int_equal(tt_decision_pack(&event, &bytes), TT_OK);
    tt_event_make(&again, 1);
    again.txn = event.txn;
    again.vector = event.vector;
    assert_int_equal(tt_detections_unpack(tt_buf_str(&detections), SLOTS, &again), TT_OK);
    assert_int_equal(tt_decide(world.setup, learned, &again), TT_OK);
    assert_int_equal(tt_decision_pack(&again, &bytes_again), TT_OK);
    assert_int_equal(bytes.size, bytes_again.size);
    assert_memory_equal(bytes.data, bytes_again.data, bytes.size);
    tt_event_done(&again);
    tt_buf_deinit(&detections);
    tt_buf_deinit(&bytes);
    tt_buf_deinit(&bytes_again);
}

static void a_text_arena_that_is_full_costs_the_messages_only(void **state)
{
    (void)state;
    pay(1500.0);
    struct tt_event *one = &event;
    tt_world_detect(&world, learned, &one, 1);
    struct tt_arena text = event.text;
    struct tt_torture torture;
    tt_torture_init(&torture, 1);
    torture.fail_after = true;
    tt_arena_init(&event.text, &torture.alloc, 64, 64);
    assert_int_equal(tt_decide(world.setup, learned, &event), TT_E_NOMEM);
    assert_true(event.decision.anomalous && event.decision.reason_count > 0);
    check_sum(&event.decision);
    tt_arena_deinit(&event.text);
    event.text = text;
}

static void everything_unusual_at_once_still_adds_up(void **state)
{
    (void)state;
    struct tt_rng rng;
    tt_rng_init(&rng, 77);
    for (int i = 0; i < 300; i++) {
        pay(50.0 * exp(3.0 * tt_rng_normal(&rng)));
        tt_event_set(&event, FEATURE_TX_1H, 1.0 + (double)tt_rng_below(&rng, 12));
        tt_event_set(&event, FEATURE_SPEED, 20.0 * exp(3.0 * tt_rng_normal(&rng)));
        tt_event_set(&event, FEATURE_COUNT, (double)tt_rng_below(&rng, 40));
        tt_arena_reset(&event.text);
        event.txn.text[TT_TEXT_TRANSACTION_ID] = TT_STR("t-1");
        const struct tt_decision *decision = decide();
        if (decision->anomalous) {
            check_sum(decision);
        }
    }
}

/* What the first reason says, in a dozen situations. */
struct golden {
    double amount, count, speed, tx_1h;
    uint32_t reason; /* which one */
    const char *message;
};

static void reasons_say_what_an_analyst_would_say(void **state)
{
    (void)state;
    static const struct golden cases[] = {
#include "reasons_golden.inc"
    };
    for (size_t i = 0; i < TT_ARRAY_SIZE(cases); i++) {
        const struct golden *golden = &cases[i];
        (void)drop_event(NULL);
        (void)make_event(NULL);
        pay(golden->amount);
        tt_event_set(&event, FEATURE_COUNT, golden->count);
        tt_event_set(&event, FEATURE_SPEED, golden->speed);
        tt_event_set(&event, FEATURE_TX_1H, golden->tx_1h);
        const struct tt_decision *decision = decide();
        if (getenv("TT_GOLDEN") != NULL) { /* to make the file anew */
            print_message("{%.15g, %.15g, %.15g, %.15g, %u, \"%.*s\"},\n", golden->amount,
                          golden->count, golden->speed, golden->tx_1h, golden->reason,
                          TT_STR_ARG(decision->reasons[golden->reason].message));
            continue;
        }
        check_sum(decision);
        assert_true(decision->reason_count > golden->reason);
        assert_message(&decision->reasons[golden->reason], golden->message);
    }
}

/* The digits of a message, one number after the other; false at its end. */
static bool next_number(struct tt_str *text, char ret[32])
{
    size_t at = 0;
    while (at < text->size && (text->data[at] < '0' || text->data[at] > '9')) {
        at++;
    }
    size_t size = 0;
    while (at < text->size && size < 31 &&
           ((text->data[at] >= '0' && text->data[at] <= '9') || text->data[at] == '.')) {
        ret[size++] = text->data[at++];
    }
    ret[size] = '\0';
    *text = (struct tt_str){text->data + at, text->size - at};
    return size > 0;
}

/* Told and stored number agree to what is told. */
static bool is_told(double stored, const char *told)
{
    double off = fabs(stored - strtod(told, NULL));
    return off <= 0.006 || off <= 0.03 * fabs(stored);
}

static void a_message_states_only_numbers_of_its_reason(void **state)
{
    struct tt_rng rng;
    (void)state;
    tt_rng_init(&rng, 77);
    for (uint32_t i = 0; i < 300; i++) {
        (void)drop_event(NULL);
        (void)make_event(NULL);
        pay(100.0 + 4000.0 * tt_rng_double(&rng));
        tt_event_set(&event, FEATURE_COUNT, 20.0 * tt_rng_double(&rng));
        tt_event_set(&event, FEATURE_SPEED, 1000.0 * tt_rng_double(&rng));
        const struct tt_decision *decision = decide();
        for (uint32_t k = 0; k < decision->reason_count; k++) {
            const struct tt_reason *reason = &decision->reasons[k];
            struct tt_str text = reason->message;
            char number[32];
            while (reason->feature != UINT16_MAX && next_number(&text, number)) {
                assert_true(is_told(reason->observed, number) ||
                            is_told(reason->expected, number) ||
                            is_told(reason->threshold, number));
            }
        }
    }
}

static const char judges_alone[] =
    "{detectors: {\n"
    "  zscore: {weight: 0.3, features: [\n"
    "    {feature: user_amount, mean: user_amount_mean, std: user_amount_std,\n"
    "     count: user_amount_count, scale: relative},\n"
    "    {feature: user_speed_kmh, against: peers}]},\n"
    "  iqr: {features: [\n"
    "    {feature: user_amount, q25: user_amount_q25, median: user_amount_median,\n"
    "     q75: user_amount_q75, count: user_amount_count, scale: relative},\n"
    "    {feature: user_amount, against: peers}]}},\n"
    " words: {user_amount: {unit: amount}}}";

/* A single cause: without it the score falls by its contribution, and below the told amount the
 * payment is ordinary. Judged features only: a forest sees the amount in several features, and which
 * ratio goes with an imagined amount only the feature engine could say. */
static void an_expected_amount_lowers_the_score_by_its_contribution(void **state)
{
    (void)state;
    struct tt_world judges;
    struct tt_trainer *trainer;
    assert_int_equal(tt_world_init(&judges, &tt_alloc_libc, judges_alone, NULL, TT_CPU_AUTO),
                     TT_OK);
    assert_int_equal(tt_trainer_new(&tt_alloc_libc, judges.setup, 7, &trainer, NULL), TT_OK);
    struct tt_bundle *bundle = tt_world_learn(&judges, trainer, 1, 15000, 0);
    tt_trainer_free(trainer);
    struct tt_world was = world;
    struct tt_bundle *was_learned = learned;
    world = judges;
    learned = bundle;
    struct tt_rng rng;
    uint32_t tried = 0;
    tt_rng_init(&rng, 78);
    for (uint32_t i = 0; i < 400; i++) {
        (void)drop_event(NULL);
        (void)make_event(NULL);
        double amount = (double)(int64_t)(15000.0 + 300000.0 * tt_rng_double(&rng)) / 100.0;
        tt_event_set(&event, FEATURE_COUNT, 3.0 + 40.0 * tt_rng_double(&rng));
        pay(amount);
        const struct tt_decision before = *decide();
        if (before.reason_count == 0) {
            continue;
        }
        check_sum(&before);
        assert_int_equal(before.reasons[0].feature, FEATURE_AMOUNT);
        pay(before.reasons[0].expected);
        double fall = evidence(&before) - evidence(decide());
        assert_true(fabs(fall - before.reasons[0].contribution) <= 0.1 * fall);
        pay(0.99 * before.reasons[0].threshold);
        assert_false(decide()->anomalous);
        tried++;
    }
    assert_true(tried > 200);
    world = was;
    learned = was_learned;
    tt_bundle_unref(bundle);
    tt_world_deinit(&judges);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, make_event, drop_event)
    const struct CMUnitTest tests[] = {
        CASE(an_ordinary_payment_is_allowed_without_reasons),
        CASE(a_large_payment_goes_to_review_with_reasons_that_add_up),
        CASE(the_score_rises_with_the_amount_and_stays_below_one),
        CASE(the_same_feature_from_several_detectors_is_one_reason),
        CASE(a_rule_raises_severity_and_may_block),
        CASE(detectors_alone_never_block),
        CASE(shadow_rules_decide_nothing),
        CASE(absent_detectors_are_named_and_not_counted),
        CASE(steps_that_were_short_of_memory_are_named),
        CASE(a_decision_is_made_again_from_its_bytes),
        CASE(a_text_arena_that_is_full_costs_the_messages_only),
        CASE(everything_unusual_at_once_still_adds_up),
        CASE(reasons_say_what_an_analyst_would_say),
        CASE(a_message_states_only_numbers_of_its_reason),
        CASE(an_expected_amount_lowers_the_score_by_its_contribution),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
