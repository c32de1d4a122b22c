/* Saved states: whatever is cut, changed or of somebody else is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/features/snapshot.h"
#include "features_support.h"
#include "support/torture.h"

#define T0 INT64_C(1772000000000)
static const char PLAN[] =
    "entities: {user: {key: user_id}}\nfeatures:\n"
    "- {name: q, entity: user, aggregate: median, field: amount, window: 1d}\n"
    "- {name: f, entity: user, aggregate: fraud_share, window: 1d}\n";

struct fixture {
    struct tt_plan *plan;
    struct steps steps;
    struct tt_buf head, entity;
};

static void fixture_init(struct fixture *fixture)
{
    size_t cursor = 0;
    struct tt_hash128 key;
    fixture->plan = plan_of(PLAN);
    assert_int_equal(steps_init(&fixture->steps, &tt_alloc_libc, fixture->plan, 9, SIZE_MAX),
                     TT_OK);
    for (int i = 0; i < 5; i++) {
        struct tt_event event, label;
        char id[12];
        snprintf(id, sizeof(id), "%d", i);
        event_init(&event, id, "u", T0 + i, 100 * i);
        event.txn.currency = tt_currency_find(i == 3 ? TT_STR("JPY") : TT_STR("EUR"));
        pass_event(&fixture->steps, &event);
        label_init(&label, &event, i % 2 == 0 ? TT_LABEL_FRAUD : TT_LABEL_GENUINE, T0);
        pass_event(&fixture->steps, &label);
    }
    tt_buf_init(&fixture->head, &tt_alloc_libc, 1U << 20);
    tt_buf_init(&fixture->entity, &tt_alloc_libc, 1U << 20);
    assert_int_equal(tt_step_pack_head(fixture->steps.step[0], &fixture->head), TT_OK);
    assert_int_equal(tt_step_pack_entity(fixture->steps.step[0], &cursor, &key, &fixture->entity),
                     TT_OK);
    assert_int_equal(tt_step_pack_entity(fixture->steps.step[0], &cursor, &key, &fixture->entity),
                     TT_E_CLOSED);
}

static void fixture_deinit(struct fixture *fixture)
{
    tt_buf_deinit(&fixture->head);
    tt_buf_deinit(&fixture->entity);
    steps_deinit(&fixture->steps);
    tt_plan_free(fixture->plan);
}

/* Reads one record of each kind into a new step and returns the first failure. */
static enum tt_status read_into(const struct tt_alloc *alloc, const struct tt_plan *plan,
                                struct tt_str head, struct tt_str entity)
{
    struct steps steps;
    enum tt_status status = steps_init(&steps, alloc, plan, 9, SIZE_MAX);
    if (status == TT_OK) {
        status = tt_step_unpack_head(steps.step[0], head, NULL);
        status = status == TT_OK ? tt_step_unpack_entity(steps.step[0], entity, NULL) : status;
        steps_deinit(&steps);
    }
    return status;
}

static void a_cut_or_changed_record_is_corrupt(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    struct tt_str head = tt_buf_str(&fixture.head), entity = tt_buf_str(&fixture.entity);
    assert_int_equal(read_into(&tt_alloc_libc, fixture.plan, head, entity), TT_OK);
    for (size_t size = 0; size < entity.size; size++) {
        struct tt_str cut = {entity.data, size};
        assert_int_equal(read_into(&tt_alloc_libc, fixture.plan, head, cut), TT_E_CORRUPT);
    }
    for (size_t i = 0; i < entity.size; i++) {
        fixture.entity.data[i] = (char)(fixture.entity.data[i] ^ (1 << (i % 8)));
        assert_int_equal(read_into(&tt_alloc_libc, fixture.plan, head, entity), TT_E_CORRUPT);
        fixture.entity.data[i] = (char)(fixture.entity.data[i] ^ (1 << (i % 8)));
    }
    assert_int_equal(read_into(&tt_alloc_libc, fixture.plan, entity, entity), TT_E_CORRUPT);
    assert_int_equal(read_into(&tt_alloc_libc, fixture.plan, head, head), TT_E_CORRUPT);
    fixture_deinit(&fixture);
}

static void a_state_of_another_plan_or_key_is_a_conflict(void **state)
{
    (void)state;
    struct fixture fixture;
    struct tt_step *step = NULL;
    struct tt_step_options options = {.entities_max = 9, .memory_bytes_max = SIZE_MAX};
    fixture_init(&fixture);
    struct tt_plan *other = plan_of("allowed_lateness: 2h\nentities: {user: {key: user_id}}\n"
                                    "features: [{name: q, entity: user, aggregate: count, "
                                    "window: 1d}]\n");
    struct tt_str head = tt_buf_str(&fixture.head), entity = tt_buf_str(&fixture.entity);
    assert_int_equal(read_into(&tt_alloc_libc, other, head, entity), TT_E_CONFLICT);
    assert_int_equal(tt_step_new(&tt_alloc_libc, fixture.plan, 0, &options, &step, NULL), TT_OK);
    assert_int_equal(tt_step_unpack_head(step, head, NULL), TT_E_CONFLICT);
    tt_step_free(step);
    tt_plan_free(other);
    fixture_deinit(&fixture);
}

static void an_entity_twice_is_corrupt(void **state)
{
    (void)state;
    struct fixture fixture;
    struct steps steps;
    fixture_init(&fixture);
    assert_int_equal(steps_init(&steps, &tt_alloc_libc, fixture.plan, 9, SIZE_MAX), TT_OK);
    struct tt_str entity = tt_buf_str(&fixture.entity);
    assert_int_equal(tt_step_unpack_entity(steps.step[0], entity, NULL), TT_OK);
    assert_int_equal(tt_step_unpack_entity(steps.step[0], entity, NULL), TT_E_CORRUPT);
    steps_deinit(&steps);
    fixture_deinit(&fixture);
}

static enum tt_status read_all(const struct tt_alloc *alloc, void *ctx)
{
    struct fixture *fixture = ctx;
    return read_into(alloc, fixture->plan, tt_buf_str(&fixture->head),
                     tt_buf_str(&fixture->entity));
}

static void a_failed_allocation_leaves_nothing_behind(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    tt_torture_run(read_all, &fixture);
    fixture_deinit(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_or_changed_record_is_corrupt),
        cmocka_unit_test(a_state_of_another_plan_or_key_is_a_conflict),
        cmocka_unit_test(an_entity_twice_is_corrupt),
        cmocka_unit_test(a_failed_allocation_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
