/* Snapshots in the database when the power goes: one is always whole, and never ahead of the log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/sqlite/sqlite.h"
#include "base/rng.h"
#include "base/wire.h"
#include "services/pipeline/snapshot.h"
#include "support/fake_clock.h"
#include "support/fault_vfs.h"
#include "support/tempdir.h"

#define PARTS 3
#define RECORDS_MAX 12
#define RECORD_SIZE 5000
#define SEEDS 150

struct world {
    struct tt_tempdir dir;
    struct tt_fault_vfs fault;
    struct tt_fake_clock clock;
    struct tt_store *store;
    struct tt_state *state;
    struct tt_snapshots snapshots;
    struct tt_rng rng;
    uint64_t acknowledged; /* rows */
    uint64_t sealed;       /* the newest snapshot that was reported sealed */
    bool state_first;      /* sabotage: sealed before its rows are stored */
};

static enum tt_status open_world(struct world *world)
{
    struct tt_sqlite_options options = {
        .alloc = &tt_alloc_libc, .path = tt_tempdir_file(&world->dir, "f.db"), .vfs = "fault"};
    enum tt_status status = tt_sqlite_open(&options, &world->store, &world->state, NULL);
    struct tt_snapshots_options snapshots = {
        .alloc = &tt_alloc_libc,
        .state = world->state,
        .clock = &world->clock.clock,
        .part_count = PARTS,
    };
    if (status == TT_OK) {
        status = tt_snapshots_open(&world->snapshots, &snapshots, NULL);
    }
    return status;
}

static void close_world(struct world *world)
{
    tt_snapshots_close(&world->snapshots);
    if (world->store != NULL) {
        world->store->ops->close(world->store);
        world->state->ops->close(world->state);
    }
    world->store = NULL;
}

static enum tt_status append(struct world *world, uint64_t seq)
{
    char id[24];
    int size = snprintf(id, sizeof id, "t-%llu", (unsigned long long)seq);
    struct tt_row_transaction row = {
        .seq = seq,
        .event_ms = INT64_C(20500) * TT_MS_PER_DAY,
        .user_id = TT_STR("u"),
        .transaction_id = {id, (size_t)size},
        .json = TT_STR("{}"),
        .decision = TT_STR("{}"),
    };
    struct tt_group group = {.transactions = &row, .transaction_count = 1};
    enum tt_status status = world->store->ops->append(world->store, &group, NULL);
    if (status == TT_OK) {
        world->acknowledged = seq;
    }
    return status;
}

/* Records whose bytes follow from position, part and number. */
static size_t record_of(uint64_t position, uint32_t part, uint64_t number, char *bytes)
{
    struct tt_rng rng;
    tt_rng_init(&rng, position * 1000 + part * 100 + number);
    size_t size = 1 + tt_rng_below(&rng, RECORD_SIZE - 1);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (char)tt_rng_next(&rng);
    }
    return size;
}

static uint64_t records_of(uint64_t position)
{
    return position * 7 % RECORDS_MAX;
}

static void pack(struct world *world, uint64_t position)
{
    char bytes[RECORD_SIZE];
    tt_snapshots_begin(&world->snapshots, position, 0);
    for (uint32_t part = 0; part < PARTS; part++) {
        for (uint64_t i = 0; i < records_of(position); i++) {
            struct tt_buf buf;
            tt_buf_init(&buf, &tt_alloc_libc, 2 * RECORD_SIZE);
            tt_wire_put_bytes(&buf, (struct tt_str){bytes, record_of(position, part, i, bytes)});
            tt_snapshots_put(&world->snapshots, part, &buf);
            tt_buf_deinit(&buf);
        }
        tt_snapshots_part_done(&world->snapshots, part, records_of(position));
    }
    tt_snapshots_reached(&world->snapshots);
}

static enum tt_status save_all(struct world *world, uint64_t position)
{
    bool busy = true;
    enum tt_status status = TT_OK;
    while (busy && status == TT_OK) {
        status = tt_snapshots_save(&world->snapshots, &busy, NULL);
    }
    if (status == TT_OK) {
        world->sealed = position;
    }
    return status;
}

/* A few rows and a snapshot of them, in the right order or, to be found out, the other way round. */
static enum tt_status round_of(struct world *world)
{
    uint64_t last = world->acknowledged + 1 + tt_rng_below(&world->rng, 4);
    enum tt_status status = TT_OK;
    if (world->state_first) {
        pack(world, last);
        status = save_all(world, last);
    }
    for (uint64_t seq = world->acknowledged + 1; seq <= last && status == TT_OK; seq++) {
        status = append(world, seq);
    }
    if (!world->state_first && status == TT_OK) {
        pack(world, last);
        status = save_all(world, last);
    }
    return status;
}

struct seen {
    uint64_t position, numbers[PARTS];
};

static enum tt_status on_record(void *ctx, uint32_t part, struct tt_str record,
                                struct tt_error *err)
{
    (void)err;
    struct seen *seen = ctx;
    char bytes[RECORD_SIZE];
    size_t size = record_of(seen->position, part, seen->numbers[part]++, bytes);
    assert_int_equal(record.size, size);
    assert_memory_equal(record.data, bytes, size);
    return TT_OK;
}

/* After the power is back: how far the newest snapshot is ahead of the log. */
static uint64_t check_world(struct world *world)
{
    struct tt_store_counts counts;
    assert_int_equal(world->store->ops->counts(world->store, &counts, NULL), TT_OK);
    assert_true(counts.seq_last >= world->acknowledged);
    world->acknowledged = counts.seq_last; /* what was not acknowledged may be there too */
    const struct tt_manifest *newest = tt_snapshots_manifest(&world->snapshots, 0);
    assert_true(newest != NULL || world->sealed == 0);
    if (newest == NULL) {
        return 0;
    }
    assert_true(newest->position >= world->sealed); /* what was sealed stays */
    for (uint32_t rank = 0; rank < TT_SNAPSHOT_SLOTS; rank++) {
        const struct tt_manifest *manifest = tt_snapshots_manifest(&world->snapshots, rank);
        if (manifest != NULL) {
            struct seen seen = {.position = manifest->position};
            assert_int_equal(tt_snapshots_read(&world->snapshots, rank, on_record, &seen, NULL),
                             TT_OK);
        }
    }
    return newest->position > counts.seq_last ? newest->position - counts.seq_last : 0;
}

/* Runs until the power goes at some write; returns how far the state was ahead afterwards. */
static uint64_t lose_power(uint64_t seed, bool state_first)
{
    static struct world world;
    memset(&world, 0, sizeof world);
    world.state_first = state_first;
    tt_tempdir_init(&world.dir);
    tt_fault_vfs_init(&world.fault);
    tt_fake_clock_init(&world.clock, 1);
    tt_rng_init(&world.rng, seed);
    assert_int_equal(open_world(&world), TT_OK);
    world.fault.writes_left = (int64_t)tt_rng_below(&world.rng, 400);
    for (int i = 0; i < 30 && round_of(&world) == TT_OK; i++) {
    }
    tt_fault_vfs_power_off(&world.fault);
    close_world(&world);
    tt_fault_vfs_power_on(&world.fault, seed);
    assert_int_equal(open_world(&world), TT_OK);
    uint64_t ahead = check_world(&world);
    assert_int_equal(round_of(&world), TT_OK); /* and it goes on */
    close_world(&world);
    tt_fault_vfs_deinit(&world.fault);
    tt_tempdir_deinit(&world.dir);
    return ahead;
}

static void after_a_loss_of_power_a_whole_snapshot_is_there_and_not_ahead(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        assert_int_equal(lose_power(seed, false), 0);
    }
}

static void a_state_saved_before_its_outputs_is_found_out(void **state)
{
    (void)state;
    uint32_t found = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        found += lose_power(seed, true) > 0 ? 1 : 0;
    }
    assert_true(found > SEEDS / 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_a_loss_of_power_a_whole_snapshot_is_there_and_not_ahead),
        cmocka_unit_test(a_state_saved_before_its_outputs_is_found_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
