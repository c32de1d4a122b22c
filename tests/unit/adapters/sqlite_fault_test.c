/* What the store promises when the disk fails: every acknowledged append is there exactly once, a
 * group that was not acknowledged is there wholly or not at all, and the store goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "adapters/sqlite/sqlite.h"
#include "base/rng.h"
#include "base/timetext.h"
#include "support/fault_vfs.h"
#include "support/tempdir.h"

#define GROUP_MAX 1500

struct world {
    struct tt_tempdir dir;
    struct tt_fault_vfs fault;
    struct tt_store *store;
    struct tt_state *state;
    struct tt_rng rng;
    size_t json_size, group_max;
    uint64_t acknowledged, offered; /* positions */
    struct tt_row_transaction rows[GROUP_MAX];
    char ids[GROUP_MAX][24];
    char json[8001];
};

static enum tt_status open_store(struct world *world, struct tt_error *err)
{
    struct tt_sqlite_options options = {
        .alloc = &tt_alloc_libc, .path = tt_tempdir_file(&world->dir, "f.db"), .vfs = "fault"};
    return tt_sqlite_open(&options, &world->store, &world->state, err);
}

static void close_store(struct world *world)
{
    world->store->ops->close(world->store);
    world->state->ops->close(world->state);
}

static enum tt_status append(struct world *world, struct tt_error *err)
{
    size_t count = 1 + tt_rng_below(&world->rng, world->group_max);
    char anomaly_id[24];
    for (size_t i = 0; i < count; i++) {
        uint64_t seq = world->acknowledged + 1 + i;
        int size = snprintf(world->ids[i], sizeof world->ids[i], "t-%llu", (unsigned long long)seq);
        world->rows[i] = (struct tt_row_transaction){
            .seq = seq,
            .event_ms = INT64_C(20500) * TT_MS_PER_DAY +
                        (int64_t)tt_rng_below(&world->rng, 3) * TT_MS_PER_DAY,
            .user_id = TT_STR("u"),
            .transaction_id = {world->ids[i], (size_t)size},
            .json = {world->json, world->json_size},
            .decision = TT_STR("{}"),
        };
    }
    world->offered = world->acknowledged + count;
    (void)snprintf(anomaly_id, sizeof anomaly_id, "a-%llu", (unsigned long long)world->offered);
    struct tt_row_anomaly anomaly = {.anomaly_id = tt_str_from(anomaly_id),
                                     .seq = world->offered,
                                     .event_ms = world->rows[count - 1].event_ms,
                                     .severity = 1,
                                     .status = TT_STR("open"),
                                     .user_id = TT_STR("u"),
                                     .json = TT_STR("{}")};
    struct tt_group group = {.transactions = world->rows,
                             .transaction_count = count,
                             .anomalies = &anomaly,
                             .anomaly_count = 1};
    enum tt_status status = world->store->ops->append(world->store, &group, err);
    if (status == TT_OK) {
        world->acknowledged = world->offered;
    }
    return status;
}

static bool check_next(void *ctx, const struct tt_row_transaction *row,
                       const struct tt_row_label *label, const struct tt_row_epoch *epoch)
{
    uint64_t *last = ctx;
    assert_null(label);
    assert_null(epoch);
    assert_int_equal(row->seq, *last + 1);
    *last = row->seq;
    return true;
}

static bool count_row(void *ctx, const struct tt_row_transaction *row,
                      const struct tt_row_label *label, const struct tt_row_epoch *epoch)
{
    (void)row;
    (void)label;
    (void)epoch;
    ++*(size_t *)ctx;
    return true;
}

static void check_world(struct world *world)
{
    const struct tt_store_ops *ops = world->store->ops;
    uint64_t last = 0;
    struct tt_store_counts counts;
    assert_int_equal(ops->scan(world->store, 0, check_next, &last, NULL), TT_OK);
    assert_true(last == world->acknowledged || last == world->offered);
    assert_int_equal(ops->counts(world->store, &counts, NULL), TT_OK);
    assert_int_equal(counts.transactions, last);
    assert_int_equal(counts.seq_last, last);
    for (uint64_t seq = 1; seq <= last; seq += 1 + last / 50) {
        char id[24];
        size_t found = 0;
        (void)snprintf(id, sizeof id, "t-%llu", (unsigned long long)seq);
        assert_int_equal(ops->find(world->store, TT_STR("u"), tt_str_from(id), TT_TIME_NONE,
                                   count_row, &found, NULL),
                         TT_OK);
        assert_int_equal(found, 1);
    }
    world->acknowledged = world->offered = last;
}

/* Runs until a fault hits or the groups are done, loses the power, and looks. */
static void run(struct world *world, int groups, uint64_t seed)
{
    struct tt_error err = {0};
    enum tt_status status = TT_OK;
    for (int i = 0; i < groups && status == TT_OK; i++) {
        status = append(world, &err);
    }
    if (status != TT_OK) {
        assert_true(status == TT_E_IO || status == TT_E_FULL);
        uint64_t offered = world->offered;
        assert_int_equal(append(world, &err), status); /* nothing more is written */
        world->offered = offered;
    }
    tt_fault_vfs_power_off(&world->fault);
    close_store(world);
    tt_fault_vfs_power_on(&world->fault, seed);
    if (open_store(world, &err) != TT_OK) {
        fail_msg("seed %llu: %s", (unsigned long long)seed, err.message);
    }
    check_world(world);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    tt_tempdir_init(&world->dir);
    tt_fault_vfs_init(&world->fault);
    memset(world->json, 'j', sizeof world->json - 1);
    world->json_size = 300;
    world->group_max = 40;
    tt_rng_init(&world->rng, 1);
    assert_int_equal(open_store(world, NULL), TT_OK);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    close_store(world);
    tt_fault_vfs_deinit(&world->fault);
    tt_tempdir_deinit(&world->dir);
    free(world);
    return 0;
}

static void what_was_acknowledged_survives_the_loss_of_power(void **state)
{
    struct world *world = *state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        world->fault.writes_left = (int64_t)tt_rng_below(&world->rng, 300);
        run(world, 30, seed);
    }
    assert_true(world->acknowledged > 500);
}

static void and_while_the_log_is_moved(void **state)
{
    struct world *world = *state;
    world->json_size = 8000;
    for (uint64_t seed = 0; seed < 12; seed++) {
        world->fault.writes_left = 1000 + (int64_t)tt_rng_below(&world->rng, 4000);
        run(world, 100, seed);
    }
}

static void and_while_runs_of_keys_are_written(void **state)
{
    struct world *world = *state;
    world->group_max = GROUP_MAX;
    world->json_size = 10;
    for (uint64_t seed = 0; seed < 20; seed++) {
        world->fault.writes_left = (int64_t)tt_rng_below(&world->rng, 700);
        run(world, 20, seed);
    }
    assert_true(world->acknowledged > 40000);
}

static void a_full_disk_loses_nothing_acknowledged(void **state)
{
    struct world *world = *state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        world->fault.bytes_left = (int64_t)tt_rng_below(&world->rng, 400000);
        run(world, 30, seed);
    }
    struct tt_error err = {0};
    world->fault.bytes_left = 0;
    assert_int_equal(append(world, &err), TT_E_FULL);
    assert_non_null(strstr(err.message, "no space left"));
    world->offered = world->acknowledged;
}

static void a_failed_sync_loses_nothing_acknowledged(void **state)
{
    struct world *world = *state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        world->fault.syncs_left = (int64_t)tt_rng_below(&world->rng, 30);
        run(world, 30, seed);
    }
}

static void making_the_database_may_be_interrupted(void **state)
{
    struct world *world = *state;
    for (int64_t writes = 0; writes < 60; writes++) {
        close_store(world);
        (void)unlink(tt_tempdir_file(&world->dir, "f.db"));
        (void)unlink(tt_tempdir_file(&world->dir, "f.db-wal"));
        tt_fault_vfs_power_on(&world->fault, 0);
        world->fault.writes_left = writes;
        struct tt_error err = {0};
        if (open_store(world, &err) == TT_OK) {
            tt_fault_vfs_power_off(&world->fault);
            close_store(world);
        }
        tt_fault_vfs_power_on(&world->fault, (uint64_t)writes);
        if (open_store(world, &err) != TT_OK) {
            fail_msg("after %d writes: %s", (int)writes, err.message);
        }
        world->acknowledged = world->offered = 0;
        assert_int_equal(append(world, &err), TT_OK);
        check_world(world);
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(what_was_acknowledged_survives_the_loss_of_power),
        CASE(and_while_the_log_is_moved),
        CASE(and_while_runs_of_keys_are_written),
        CASE(a_full_disk_loses_nothing_acknowledged),
        CASE(a_failed_sync_loses_nothing_acknowledged),
        CASE(making_the_database_may_be_interrupted),
    };
    return cmocka_run_group_tests_name("sqlite faults", tests, NULL, NULL);
}
