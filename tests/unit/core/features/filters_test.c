/* Filters that read features: of earlier entities, of the same one, in replays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "features_support.h"

#define T0 INT64_C(1772000000000)
#define HOUR TT_MS_PER_HOUR
#define DAY TT_MS_PER_DAY
#define PLAN                                                                                       \
    "entities: {user: {key: user_id}, merchant: {key: merchant_id}}\nfeatures:\n"                  \
    "- {name: plain, entity: merchant, aggregate: count, window: 7d, filter: 'ratio < 3.0'}\n"     \
    "- {name: new, entity: merchant, aggregate: count, window: 7d, filter: 'is_missing(ratio)'}\n" \
    "- {name: usual, entity: user, aggregate: mean, field: amount, window: 30d, "                  \
    "exclude_current: true}\n"                                                                     \
    "- {name: ratio, expression: 'amount / usual'}\n"                                              \
    "- {name: bursts, entity: user, aggregate: count, window: 30d, filter: 'ratio >= 3.0'}\n"      \
    "- {name: twice, expression: 'bursts * 2.0'}\n"

static void make(struct tt_event *event, const char *id, int64_t t_ms, int64_t amount_minor)
{
    event_init(event, id, "u", t_ms, amount_minor);
    event->txn.text[TT_TEXT_MERCHANT_ID] = TT_STR("m");
}

static void is(const struct tt_plan *plan, const struct tt_event *event, const char *feature,
               double expected)
{
    double value = value_of(plan, event, feature);
    if (memcmp(&value, &expected, sizeof(value)) != 0) {
        fail_msg("%s is %.17g, not %.17g", feature, value, expected);
    }
}

static void a_filter_sees_what_was_known_when_its_event_came(void **state)
{
    (void)state;
    struct tt_plan *plan = plan_of(PLAN);
    struct steps steps;
    struct tt_event events[4];
    static const int64_t AMOUNTS[] = {1000, 2000, 9000, 1000};
    static const double PLAIN[] = {0.0, 1.0, 1.0, 2.0}, BURSTS[] = {0.0, 0.0, 1.0, 1.0};
    static const char *const IDS[] = {"a", "b", "c", "d"};
    assert_int_equal(steps_init(&steps, &tt_alloc_libc, plan, 100, SIZE_MAX), TT_OK);
    for (int i = 0; i < 4; i++) {
        make(&events[i], IDS[i], T0 + i * HOUR, AMOUNTS[i]);
        pass_event(&steps, &events[i]);
        is(plan, &events[i], "plain", PLAIN[i]);
        is(plan, &events[i], "bursts", BURSTS[i]);
        is(plan, &events[i], "twice", 2.0 * BURSTS[i]);
        is(plan, &events[i], "new", 1.0); /* the first one alone */
    }
    steps_deinit(&steps);
    tt_plan_free(plan);
}

static void an_event_without_the_key_has_its_expressions(void **state)
{
    (void)state;
    struct tt_plan *plan = plan_of(PLAN "- {name: size, expression: 'log(amount)'}\n");
    struct steps steps;
    struct tt_event event;
    assert_int_equal(steps_init(&steps, &tt_alloc_libc, plan, 100, SIZE_MAX), TT_OK);
    make(&event, "a", T0, 100);
    event.txn.text[TT_TEXT_USER_ID] = (struct tt_str){0};
    pass_event(&steps, &event);
    is(plan, &event, "size", 0.0);
    assert_true(is_missing(plan, &event, "ratio"));
    is(plan, &event, "new", 1.0);
    steps_deinit(&steps);
    tt_plan_free(plan);
}

/* A replay that begins late does not know the usual amount; the stored vector does. */
static void a_replay_asks_the_stored_vector(void **state)
{
    (void)state;
    struct tt_plan *plan = plan_of(PLAN);
    struct steps live, again;
    struct tt_event events[4], probe, other;
    static const char *const IDS[] = {"a", "b", "c", "d"};
    assert_int_equal(steps_init(&live, &tt_alloc_libc, plan, 100, SIZE_MAX), TT_OK);
    assert_int_equal(steps_init(&again, &tt_alloc_libc, plan, 100, SIZE_MAX), TT_OK);
    for (int i = 0; i < 4; i++) {
        make(&events[i], IDS[i], T0 + (i < 2 ? i : 20 * 24 + i) * HOUR, i == 3 ? 9000 : 1000);
        pass_event(&live, &events[i]);
    }
    for (int i = 2; i < 4; i++) {
        struct tt_event *one = &events[i];
        struct tt_vector before = one->vector;
        for (uint32_t s = 0; s < again.count; s++) {
            assert_int_equal(tt_step_absorb_only(again.step[s], &one, 1, NULL), TT_OK);
        }
        assert_memory_equal(&before, &one->vector, sizeof(before));
    }
    make(&probe, "p", T0 + 21 * DAY, 500);
    make(&other, "p", T0 + 21 * DAY, 500);
    pass_event(&live, &probe);
    pass_event(&again, &other);
    is(plan, &probe, "plain", 2.0);
    is(plan, &other, "plain", 2.0);
    is(plan, &probe, "bursts", 1.0);
    is(plan, &other, "bursts", 1.0);
    steps_deinit(&live);
    steps_deinit(&again);
    tt_plan_free(plan);
}

/* A vector of another plan says nothing about this one's features: they are computed. */
static void a_replay_under_another_plan_computes_what_filters_ask(void **state)
{
    (void)state;
    struct tt_plan *plan = plan_of(PLAN);
    struct steps live, again;
    struct tt_event events[3];
    static const char *const IDS[] = {"a", "b", "c"};
    assert_int_equal(steps_init(&live, &tt_alloc_libc, plan, 100, SIZE_MAX), TT_OK);
    assert_int_equal(steps_init(&again, &tt_alloc_libc, plan, 100, SIZE_MAX), TT_OK);
    for (int i = 0; i < 3; i++) {
        make(&events[i], IDS[i], T0 + i * HOUR, 1000);
        pass_event(&live, &events[i]);
    }
    for (int i = 0; i < 2; i++) {
        struct tt_event *one = &events[i];
        one->vector = (struct tt_vector){.plan = {.low = 1, .high = 2}, .count = 1};
        for (uint32_t s = 0; s < again.count; s++) {
            assert_int_equal(tt_step_absorb_only(again.step[s], &one, 1, NULL), TT_OK);
        }
        assert_int_equal(one->vector.plan.low, 1);
    }
    struct tt_event last;
    make(&last, "c", T0 + 2 * HOUR, 1000);
    pass_event(&again, &last);
    assert_memory_equal(&last.vector, &events[2].vector, sizeof(last.vector));
    is(plan, &last, "plain", 2.0);
    steps_deinit(&live);
    steps_deinit(&again);
    tt_plan_free(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_filter_sees_what_was_known_when_its_event_came),
        cmocka_unit_test(an_event_without_the_key_has_its_expressions),
        cmocka_unit_test(a_replay_asks_the_stored_vector),
        cmocka_unit_test(a_replay_under_another_plan_computes_what_filters_ask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
