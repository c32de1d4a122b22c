/* A copy made while events go on is what the step was when it began, to the byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/wire.h"
#include "core/features/copy.h"
#include "core/features/snapshot.h"
#include "features_support.h"
#include "support/torture.h"

#define T0 INT64_C(1772000000000)
#define EVENTS 1500
#define RECORDS_MAX 256
static const char PLAN[] =
    "entities: {user: {key: user_id}, merchant: {key: merchant_id}}\nfeatures:\n"
    "- {name: m, entity: user, aggregate: mean, field: amount, window: 1h}\n"
    "- {name: s, entity: merchant, aggregate: fraud_share, window: 1d}\n"
    "- {name: q, entity: merchant, aggregate: median, field: amount, window: 2h}\n";

/* Events of a few users and merchants, with labels, late ones and jumps that let states expire. */
struct world {
    struct tt_event events[EVENTS];
    char ids[EVENTS][12];
    char names[64][8];
};

static void world_init(struct world *world, uint64_t seed)
{
    struct tt_rng rng;
    tt_rng_init(&rng, seed);
    for (int i = 0; i < 64; i++) {
        snprintf(world->names[i], sizeof world->names[i], "n%d", i);
    }
    int64_t t_ms = T0;
    for (int i = 0; i < EVENTS; i++) {
        struct tt_event *event = &world->events[i];
        uint64_t dice = tt_rng_below(&rng, 100);
        t_ms += dice == 0 ? INT64_C(3) * TT_MS_PER_DAY : (int64_t)tt_rng_below(&rng, 120000);
        int64_t back_ms = dice < 10 ? (int64_t)tt_rng_below(&rng, 7200000) : 0;
        if (i > 0 && dice >= 90) {
            struct tt_event *of = &world->events[tt_rng_below(&rng, (uint64_t)i)];
            if (of->kind == TT_EVENT_TRANSACTION) {
                label_init(event, of, TT_LABEL_FRAUD, t_ms);
                continue;
            }
        }
        snprintf(world->ids[i], sizeof world->ids[i], "%d", i);
        event_init(event, world->ids[i], world->names[tt_rng_below(&rng, 60)], t_ms - back_ms,
                   (int64_t)tt_rng_below(&rng, 90000));
        event->txn.text[TT_TEXT_MERCHANT_ID] = tt_str_from(world->names[tt_rng_below(&rng, 12)]);
    }
}

struct records {
    struct tt_str items[RECORDS_MAX];
    size_t count;
};

static int compare(const void *a, const void *b)
{
    const struct tt_str *x = a, *y = b;
    size_t least = x->size < y->size ? x->size : y->size;
    int order = memcmp(x->data, y->data, least);
    return order != 0 ? order : (x->size > y->size) - (x->size < y->size);
}

static void split(const struct tt_buf *buf, struct records *ret)
{
    struct tt_wire wire = tt_wire_reader(tt_buf_str(buf));
    ret->count = 0;
    while (tt_wire_left(&wire) > 0) {
        assert_true(ret->count < RECORDS_MAX);
        ret->items[ret->count++] = tt_wire_bytes(&wire);
        assert_false(wire.bad);
    }
    qsort(ret->items, ret->count, sizeof ret->items[0], compare);
}

/* The step at once, as the copy should be. */
static void pack_all(const struct tt_step *step, struct tt_buf *buf)
{
    struct tt_buf record;
    struct tt_hash128 key;
    size_t cursor = 0;
    tt_buf_init(&record, &tt_alloc_libc, 1U << 24);
    assert_int_equal(tt_step_pack_head(step, &record), TT_OK);
    do {
        tt_wire_put_bytes(buf, tt_buf_str(&record));
        tt_buf_clear(&record);
    } while (tt_step_pack_entity(step, &cursor, &key, &record) == TT_OK);
    tt_buf_deinit(&record);
}

static void check(const struct tt_buf *made, const struct tt_buf *want)
{
    static struct records a, b;
    split(made, &a);
    split(want, &b);
    assert_int_equal(a.count, b.count);
    for (size_t i = 0; i < a.count; i++) {
        assert_int_equal(a.items[i].size, b.items[i].size);
        assert_memory_equal(a.items[i].data, b.items[i].data, a.items[i].size);
    }
}

static void copy_during(struct steps *steps, struct world *world, size_t from, size_t budget)
{
    for (uint32_t s = 0; s < steps->count; s++) {
        struct tt_buf want, made;
        tt_buf_init(&want, &tt_alloc_libc, 1U << 24);
        tt_buf_init(&made, &tt_alloc_libc, 1U << 24);
        pack_all(steps->step[s], &want);
        assert_int_equal(tt_step_copy_begin(steps->step[s], &made), TT_OK);
        enum tt_status status = TT_OK;
        for (size_t i = from; i < from + 100; i++) {
            pass_event(steps, &world->events[i]);
            status =
                status == TT_OK && i % 7 == 0 ? tt_step_copy_some(steps->step[s], budget) : status;
        }
        while (status == TT_OK) {
            status = tt_step_copy_some(steps->step[s], budget);
        }
        assert_int_equal(status, TT_E_CLOSED);
        tt_step_copy_end(steps->step[s]);
        check(&made, &want);
        tt_buf_deinit(&want);
        tt_buf_deinit(&made);
        from += 100;
    }
}

static void run_world(uint64_t seed, uint32_t entities_max)
{
    static struct world world;
    struct tt_plan *plan = plan_of(PLAN);
    struct steps steps;
    world_init(&world, seed);
    assert_int_equal(steps_init(&steps, &tt_alloc_libc, plan, entities_max, SIZE_MAX), TT_OK);
    for (size_t i = 0; i + 300 < EVENTS; i += 300) {
        for (size_t k = i; k < i + 100; k++) {
            pass_event(&steps, &world.events[k]);
        }
        copy_during(&steps, &world, i + 100, 1 + seed * 97 % 600);
    }
    struct tt_step_stats stats = tt_step_stats(steps.step[0]);
    assert_true(stats.expired > 0);
    assert_int_equal(stats.evicted > 0, entities_max < 60);
    steps_deinit(&steps);
    tt_plan_free(plan);
}

static void a_copy_is_of_the_moment_it_began(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        run_world(seed, 1000);
    }
}

static void states_that_make_room_meanwhile_are_in_the_copy(void **state)
{
    (void)state;
    for (uint64_t seed = 21; seed <= 32; seed++) {
        run_world(seed, 11);
    }
}

static void a_copy_given_up_leaves_the_step_as_it_was(void **state)
{
    (void)state;
    static struct world world;
    struct tt_plan *plan = plan_of(PLAN);
    struct steps steps;
    struct tt_buf small, want, made;
    world_init(&world, 5);
    assert_int_equal(steps_init(&steps, &tt_alloc_libc, plan, 1000, SIZE_MAX), TT_OK);
    for (size_t i = 0; i < 200; i++) {
        pass_event(&steps, &world.events[i]);
    }
    tt_buf_init(&small, &tt_alloc_libc, 400); /* full before half of it is in */
    assert_int_equal(tt_step_copy_begin(steps.step[0], &small), TT_OK);
    assert_int_equal(tt_step_copy_some(steps.step[0], SIZE_MAX), TT_E_LIMIT);
    pass_event(&steps, &world.events[200]); /* not the event's business */
    assert_int_equal(tt_step_copy_some(steps.step[0], SIZE_MAX), TT_E_LIMIT);
    tt_step_copy_end(steps.step[0]);
    tt_step_copy_end(steps.step[0]);
    tt_buf_init(&want, &tt_alloc_libc, 1U << 24);
    tt_buf_init(&made, &tt_alloc_libc, 1U << 24);
    pack_all(steps.step[0], &want);
    assert_int_equal(tt_step_copy_begin(steps.step[0], &made), TT_OK);
    assert_int_equal(tt_step_copy_some(steps.step[0], SIZE_MAX), TT_E_CLOSED);
    check(&made, &want);
    tt_buf_deinit(&small);
    tt_buf_deinit(&want);
    tt_buf_deinit(&made);
    steps_deinit(&steps); /* with the copy still under way */
    tt_plan_free(plan);
}

static enum tt_status copy_all(const struct tt_alloc *alloc, void *ctx)
{
    struct tt_step_options options = {.entities_max = 9, .memory_bytes_max = SIZE_MAX};
    struct tt_step *step = NULL;
    struct tt_buf out;
    enum tt_status status = tt_step_new(alloc, ctx, 0, &options, &step, NULL);
    if (status != TT_OK) {
        return status;
    }
    struct tt_event event, *events[] = {&event};
    event_init(&event, "1", "u", T0, 100);
    tt_buf_init(&out, alloc, 1U << 20);
    status = tt_step_run(step, events, 1, NULL);
    if (status == TT_OK) {
        status = tt_step_copy_begin(step, &out);
    }
    if (status == TT_OK) {
        status = tt_step_copy_some(step, 1);
        status = status == TT_OK ? tt_step_copy_some(step, 1) : status;
        status = status == TT_E_CLOSED ? TT_OK : status;
        assert_true(status != TT_OK || tt_step_copy_records(step) == 2);
    }
    tt_buf_deinit(&out);
    tt_step_free(step);
    return status;
}

static void a_failed_allocation_leaves_nothing_behind(void **state)
{
    (void)state;
    struct tt_plan *plan = plan_of(PLAN);
    tt_torture_run(copy_all, plan);
    tt_plan_free(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_is_of_the_moment_it_began),
        cmocka_unit_test(states_that_make_room_meanwhile_are_in_the_copy),
        cmocka_unit_test(a_copy_given_up_leaves_the_step_as_it_was),
        cmocka_unit_test(a_failed_allocation_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
