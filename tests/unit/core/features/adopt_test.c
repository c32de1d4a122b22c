/* A step of a changed plan that takes the saved rows goes on as if it had always been there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/features/snapshot.h"
#include "features_support.h"

#define T0 INT64_C(1772000000000)
#define EVENTS 1200
#define USERS 12
#define HEAD "entities: {user: {key: user_id}}\nfeatures:\n"

/* What was there when the state was saved. */
static const char OLD[] = HEAD
    "- {name: m, entity: user, aggregate: mean, field: amount, window: 30d}\n"
    "- {name: d, entity: user, aggregate: count_distinct, field: merchant_id, window: 1d}\n"
    "- {name: big, entity: user, aggregate: count, window: 1d, filter: 'amount > 300.0'}\n"
    "- {name: abroad, entity: user, aggregate: share, window: 1d, filter: 'currency != \"EUR\"'}\n"
    "- {name: f, entity: user, aggregate: fraud_count, window: 7d}\n";

struct world {
    struct tt_event events[EVENTS];
    char ids[EVENTS][12];
    char names[USERS][8];
};

static void world_init(struct world *world, uint64_t seed)
{
    static const char *const merchants[] = {"a", "b", "c", "d", "e"};
    struct tt_rng rng;
    tt_rng_init(&rng, seed);
    int64_t t_ms = T0;
    for (int i = 0; i < USERS; i++) {
        snprintf(world->names[i], sizeof world->names[i], "u%d", i);
    }
    for (int i = 0; i < EVENTS; i++) {
        struct tt_event *event = &world->events[i];
        t_ms += (int64_t)tt_rng_below(&rng, 600000);
        if (i > 0 && tt_rng_below(&rng, 20) == 0) {
            struct tt_event *of = &world->events[tt_rng_below(&rng, (uint64_t)i)];
            if (of->kind == TT_EVENT_TRANSACTION) {
                label_init(event, of, TT_LABEL_FRAUD, t_ms);
                continue;
            }
        }
        snprintf(world->ids[i], sizeof world->ids[i], "%d", i);
        event_init(event, world->ids[i], world->names[tt_rng_below(&rng, USERS)],
                   t_ms - (int64_t)tt_rng_below(&rng, 3000000), (int64_t)tt_rng_below(&rng, 90000));
        event->txn.text[TT_TEXT_MERCHANT_ID] = tt_str_from(merchants[tt_rng_below(&rng, 5)]);
        if (tt_rng_below(&rng, 4) == 0) {
            event->txn.currency = tt_currency_find(TT_STR("USD"));
        }
    }
}

/* Everything of a step into another one; the first failure. */
static enum tt_status move_state(const struct tt_step *from, struct tt_step *to,
                                 struct tt_error *err)
{
    struct tt_buf buf;
    struct tt_hash128 key;
    size_t cursor = 0;
    tt_buf_init(&buf, &tt_alloc_libc, 1U << 24);
    assert_int_equal(tt_step_pack_head(from, &buf), TT_OK);
    enum tt_status status = tt_step_unpack_head(to, tt_buf_str(&buf), err);
    tt_buf_clear(&buf);
    while (status == TT_OK && tt_step_pack_entity(from, &cursor, &key, &buf) == TT_OK) {
        status = tt_step_unpack_entity(to, tt_buf_str(&buf), err);
        tt_buf_clear(&buf);
    }
    tt_buf_deinit(&buf);
    return status;
}

/* The new plan from the middle on, with the old one's state: every vector as of one that saw all. */
static void check_goes_on(const char *old_yaml, const char *yaml, uint64_t seed)
{
    static struct world world, again;
    struct tt_plan *old_plan = plan_of(old_yaml), *plan = plan_of(yaml);
    struct steps old, moved, whole;
    struct tt_error err = {0};
    world_init(&world, seed);
    world_init(&again, seed);
    assert_int_equal(steps_init(&old, &tt_alloc_libc, old_plan, 99, SIZE_MAX), TT_OK);
    assert_int_equal(steps_init(&moved, &tt_alloc_libc, plan, 99, SIZE_MAX), TT_OK);
    assert_int_equal(steps_init(&whole, &tt_alloc_libc, plan, 99, SIZE_MAX), TT_OK);
    for (int i = 0; i < EVENTS / 2; i++) {
        pass_event(&old, &world.events[i]);
        pass_event(&whole, &again.events[i]);
    }
    if (move_state(old.step[0], moved.step[0], &err) != TT_OK) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(tt_step_warm_from(moved.step[0]), tt_step_warm_from(whole.step[0]));
    for (int i = EVENTS / 2; i < EVENTS; i++) {
        pass_event(&moved, &world.events[i]);
        pass_event(&whole, &again.events[i]);
        const struct tt_vector *a = &world.events[i].vector, *b = &again.events[i].vector;
        assert_int_equal(a->count, b->count);
        assert_memory_equal(a->values, b->values, a->count * sizeof a->values[0]);
        assert_memory_equal(a->missing, b->missing, sizeof a->missing);
    }
    steps_deinit(&old);
    steps_deinit(&moved);
    steps_deinit(&whole);
    tt_plan_free(old_plan);
    tt_plan_free(plan);
}

static void what_rows_hold_needs_no_history(void **state)
{
    (void)state;
    static const char *const plans[] = {
        OLD,
        /* other aggregates, shorter windows, filters in another order, columns too */
        HEAD
        "- {name: abroad, entity: user, aggregate: count, window: 3h, filter: 'currency != "
        "\"EUR\"'}\n"
        "- {name: top, entity: user, aggregate: share_of_value, field: merchant_id, window: 7d}\n"
        "- {name: s, entity: user, aggregate: std, field: amount, window: 2h, exclude_current: "
        "true}\n"
        "- {name: q, entity: user, aggregate: median, field: amount, window: 3d, filter: "
        "'amount > 300.0'}\n"
        "- {name: r, expression: 's / (q + 1.0)'}\n",
        HEAD "- {name: n, entity: user, aggregate: count, window: 6d, delay: 20d}\n"
             "- {name: g, entity: user, aggregate: fraud_share, window: 2d}\n",
        HEAD "- {name: e, entity: user, aggregate: count, window: 30d}\n",
    };
    for (uint64_t i = 0; i < 3 * TT_ARRAY_SIZE(plans); i++) {
        check_goes_on(OLD, plans[i % TT_ARRAY_SIZE(plans)], i + 1);
    }
}

#define COUNTS_BIG                                                                                 \
    "- {name: big, entity: user, aggregate: count, window: 1d, filter: 'amount > 300.0'}\n"
#define FRAUDS_BIG                                                                                 \
    "- {name: fb, entity: user, aggregate: fraud_count, window: 7d, filter: 'amount > 300.0'}\n"
#define FRAUDS_USD                                                                                 \
    "- {name: fu, entity: user, aggregate: fraud_count, window: 7d, filter: 'currency != "         \
    "\"EUR\"'}\n"

/* The filters stand in another order, or without the first of them. */
static void frauds_keep_the_filters_they_passed(void **state)
{
    (void)state;
    static const char *const plans[] = {
        HEAD FRAUDS_USD FRAUDS_BIG COUNTS_BIG,
        HEAD FRAUDS_USD,
        HEAD COUNTS_BIG FRAUDS_BIG FRAUDS_USD,
    };
    for (uint64_t i = 0; i < 3 * TT_ARRAY_SIZE(plans); i++) {
        check_goes_on(HEAD COUNTS_BIG FRAUDS_BIG FRAUDS_USD, plans[i % TT_ARRAY_SIZE(plans)],
                      i + 1);
    }
}

static void what_they_do_not_hold_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *why;
    } cases[] = {
        {HEAD "- {name: n, entity: user, aggregate: count, window: 31d}\n", "a longer window"},
        {HEAD
         "- {name: n, entity: user, aggregate: count_distinct, field: device_id, window: 1d}\n",
         "a new column device_id"},
        {HEAD "- {name: n, entity: user, aggregate: distance_km_from_last, window: 1d}\n",
         "a new column position"},
        {HEAD "- {name: n, entity: user, aggregate: surprise_count, field: amount, window: 1d, "
              "baseline: 7d}\n",
         "a new column of a baseline"},
        {HEAD "- {name: n, entity: user, aggregate: count, window: 1d, filter: 'amount > 301.0'}\n",
         "a new filter: amount>301.0"},
        {"allowed_lateness: 2h\n" HEAD "- {name: n, entity: user, aggregate: count, window: 1d}\n",
         "another allowed_lateness"},
        {"amount_sign: {refund: -1}\n" HEAD
         "- {name: n, entity: user, aggregate: count, window: 1d}\n",
         "other signs or rates of amounts"},
        {"entities: {user: {key: user_id, events_max: 100}}\nfeatures:\n"
         "- {name: n, entity: user, aggregate: count, window: 1d}\n",
         "another events_max"},
        {HEAD "- {name: n, entity: user, aggregate: count, window: 1d, exclude_current: true}\n"
              "- {name: g, entity: user, aggregate: count, window: 1d, filter: 'n > 3.0'}\n",
         "a filter that reads features"},
    };
    struct tt_plan *old_plan = plan_of(OLD);
    struct steps old;
    assert_int_equal(steps_init(&old, &tt_alloc_libc, old_plan, 99, SIZE_MAX), TT_OK);
    for (size_t i = 0; i < TT_ARRAY_SIZE(cases); i++) {
        struct tt_plan *plan = plan_of(cases[i].yaml);
        struct steps steps;
        struct tt_error err = {0};
        assert_int_equal(steps_init(&steps, &tt_alloc_libc, plan, 99, SIZE_MAX), TT_OK);
        assert_int_equal(move_state(old.step[0], steps.step[0], &err), TT_E_CONFLICT);
        assert_string_equal(err.message, cases[i].why);
        steps_deinit(&steps);
        tt_plan_free(plan);
    }
    steps_deinit(&old);
    tt_plan_free(old_plan);
}

static void an_amount_that_was_not_kept_is_named(void **state)
{
    (void)state;
    struct tt_plan *without =
        plan_of(HEAD "- {name: n, entity: user, aggregate: count, window: 8d}\n");
    struct tt_plan *with =
        plan_of(HEAD "- {name: n, entity: user, aggregate: sum, field: amount, window: 8d}\n");
    struct steps from, to;
    struct tt_error err = {0};
    assert_int_equal(steps_init(&from, &tt_alloc_libc, without, 99, SIZE_MAX), TT_OK);
    assert_int_equal(steps_init(&to, &tt_alloc_libc, with, 99, SIZE_MAX), TT_OK);
    assert_int_equal(move_state(from.step[0], to.step[0], &err), TT_E_CONFLICT);
    assert_string_equal(err.message, "a new column amount");
    steps_deinit(&from);
    steps_deinit(&to);
    tt_plan_free(without);
    tt_plan_free(with);
}

static void labels_that_were_not_kept_are_missing(void **state)
{
    (void)state;
    struct tt_plan *without =
        plan_of(HEAD "- {name: n, entity: user, aggregate: count, window: 8d}\n");
    struct tt_plan *with =
        plan_of(HEAD "- {name: f, entity: user, aggregate: fraud_count, window: 7d}\n");
    struct steps from, to;
    struct tt_error err = {0};
    assert_int_equal(steps_init(&from, &tt_alloc_libc, without, 99, SIZE_MAX), TT_OK);
    assert_int_equal(steps_init(&to, &tt_alloc_libc, with, 99, SIZE_MAX), TT_OK);
    assert_int_equal(move_state(from.step[0], to.step[0], &err), TT_E_CONFLICT);
    assert_string_equal(err.message, "labels");
    steps_deinit(&from);
    steps_deinit(&to);
    tt_plan_free(without);
    tt_plan_free(with);
}

static void a_head_says_whose_it_is(void **state)
{
    (void)state;
    struct tt_plan *plan = plan_of(OLD);
    struct steps steps;
    struct tt_buf buf;
    struct tt_str key;
    struct tt_hash128 entity;
    size_t cursor = 0;
    assert_int_equal(steps_init(&steps, &tt_alloc_libc, plan, 99, SIZE_MAX), TT_OK);
    tt_buf_init(&buf, &tt_alloc_libc, 1U << 20);
    assert_int_equal(tt_step_pack_head(steps.step[0], &buf), TT_OK);
    assert_true(tt_step_head_key(tt_buf_str(&buf), &key));
    assert_true(tt_str_equal_text(key, "user_id"));
    struct tt_event event;
    event_init(&event, "1", "u", T0, 100);
    pass_event(&steps, &event);
    tt_buf_clear(&buf);
    assert_int_equal(tt_step_pack_entity(steps.step[0], &cursor, &entity, &buf), TT_OK);
    assert_false(tt_step_head_key(tt_buf_str(&buf), &key));
    assert_false(tt_step_head_key(TT_STR(""), &key));
    tt_buf_deinit(&buf);
    steps_deinit(&steps);
    tt_plan_free(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_rows_hold_needs_no_history),
        cmocka_unit_test(frauds_keep_the_filters_they_passed),
        cmocka_unit_test(what_they_do_not_hold_is_named),
        cmocka_unit_test(an_amount_that_was_not_kept_is_named),
        cmocka_unit_test(labels_that_were_not_kept_are_missing),
        cmocka_unit_test(a_head_says_whose_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
