/* A copy that is given up at any point tells of every part once, and the next snapshot can begin. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/memory/state.h"
#include "core/features/plan.h"
#include "format/yaml.h"
#include "services/feature_engineer/feature_engineer.h"
#include "support/fake_clock.h"

static const char FEATURES[] = "entities: {user: {key: user_id}}\n"
                               "features:\n"
                               "- {name: n, entity: user, aggregate: count, window: 1d}\n";

struct fixture {
    struct tt_plan *plan;
    struct tt_state *state;
    struct tt_fake_clock clock;
    struct tt_snapshots snapshots;
    struct tt_engine engine;
    struct tt_context context;
    struct tt_stage *stage;
};

static void compile(struct fixture *fixture)
{
    struct tt_arena arena;
    struct tt_tree *root = NULL;
    struct tt_error err;
    tt_arena_init(&arena, &tt_alloc_libc, 64U << 10, 1U << 20);
    assert_int_equal(tt_yaml_parse(&arena, tt_str_from(FEATURES), &root, &err), TT_OK);
    assert_int_equal(tt_plan_compile(&tt_alloc_libc, root, NULL, &fixture->plan, &err), TT_OK);
    tt_arena_deinit(&arena);
}

static void init(struct fixture *fixture)
{
    memset(fixture, 0, sizeof *fixture);
    compile(fixture);
    tt_fake_clock_init(&fixture->clock, 1000);
    struct tt_memory_state_options state = {&tt_alloc_libc};
    assert_int_equal(tt_memory_state_open(&state, &fixture->state, NULL), TT_OK);
    struct tt_snapshots_options snapshots = {
        .alloc = &tt_alloc_libc,
        .state = fixture->state,
        .clock = &fixture->clock.clock,
        .part_count = 1 + tt_plan_step_count(fixture->plan),
    };
    assert_int_equal(tt_snapshots_open(&fixture->snapshots, &snapshots, NULL), TT_OK);
    fixture->engine.plan = fixture->plan;
    fixture->context = (struct tt_context){
        .alloc = &tt_alloc_libc,
        .clock = &fixture->clock.clock,
        .engine = &fixture->engine,
        .snapshots = &fixture->snapshots,
    };
    struct tt_feature_engineer_options options = {
        .context = &fixture->context,
        .limits = {.entities_max = 10, .memory_bytes_max = 1U << 20, .key = {1, 2}},
        .dedupe_horizon_ms = 1000,
        .dedupe_max = 16,
    };
    assert_int_equal(tt_feature_engineer_new(&options, &fixture->stage, NULL), TT_OK);
}

static void deinit(struct fixture *fixture)
{
    fixture->stage->ops->free(fixture->stage);
    tt_snapshots_close(&fixture->snapshots);
    fixture->state->ops->close(fixture->state);
    tt_plan_free(fixture->plan);
}

static bool save_all(struct fixture *fixture)
{
    bool busy = true;
    for (int i = 0; busy && i < 100; i++) {
        assert_int_equal(tt_snapshots_save(&fixture->snapshots, &busy, NULL), TT_OK);
    }
    return !busy;
}

static void make_whole(struct fixture *fixture, uint64_t position)
{
    tt_snapshots_begin(&fixture->snapshots, position, 0);
    tt_snapshots_reached(&fixture->snapshots);
    tt_feature_engineer_copy(fixture->stage);
    while (tt_feature_engineer_pack(fixture->stage)) {
    }
    assert_true(save_all(fixture));
    assert_non_null(tt_snapshots_manifest(&fixture->snapshots, 0));
    assert_int_equal(tt_snapshots_manifest(&fixture->snapshots, 0)->position, position);
}

/* Given up after `rounds` of packing: 0 before the gate is done, 1 after it. */
static void give_up_after(int rounds)
{
    struct fixture fixture;
    init(&fixture);
    make_whole(&fixture, 1);
    tt_snapshots_begin(&fixture.snapshots, 2, 0);
    tt_feature_engineer_copy(fixture.stage);
    for (int i = 0; i < rounds; i++) {
        assert_true(tt_feature_engineer_pack(fixture.stage));
    }
    assert_int_equal(fixture.snapshots.parts_done, rounds);
    tt_snapshots_give_up(&fixture.snapshots, "test");
    assert_false(tt_feature_engineer_pack(fixture.stage));
    assert_int_equal(fixture.snapshots.parts_done, fixture.snapshots.options.part_count);
    assert_true(save_all(&fixture));
    assert_false(tt_snapshots_running(&fixture.snapshots));
    make_whole(&fixture, 3);
    deinit(&fixture);
}

static void one_that_is_given_up_is_followed_by_the_next(void **state)
{
    (void)state;
    give_up_after(0);
    give_up_after(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_is_given_up_is_followed_by_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
