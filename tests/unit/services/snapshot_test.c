/* Snapshots over the state port: sealed in the right order, whole or not at all, the one before until then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/memory/state.h"
#include "base/wire.h"
#include "services/pipeline/snapshot.h"
#include "support/fake_clock.h"
#include "support/torture.h"

#define PARTS 3

/* A state that fails, or changes what it reads. */
struct faulty {
    struct tt_state state;
    struct tt_state *inner;
    uint64_t saves_left; /* the save after so many fails */
    struct tt_str owner; /* of the entry that is damaged when read; absent: none */
    struct tt_str key;
    size_t flip, size_max; /* the bit, or how much of it is left */
    bool missing;
    tt_on_state_entry *on_entry;
    void *ctx;
};

static enum tt_status claim(struct tt_state *state, struct tt_str owner, uint64_t nonce,
                            struct tt_state_token *token, uint64_t *position, struct tt_error *err)
{
    struct faulty *self = (struct faulty *)state;
    return self->inner->ops->claim(self->inner, owner, nonce, token, position, err);
}

static bool damage(void *ctx, const struct tt_state_entry *entry)
{
    struct faulty *self = ctx;
    char bytes[4096];
    struct tt_state_entry changed = *entry;
    if (!tt_str_equal(entry->key, self->key)) {
        return self->on_entry(self->ctx, entry);
    }
    if (self->missing) {
        return true;
    }
    assert_true(entry->bytes.size <= sizeof bytes);
    memcpy(bytes, entry->bytes.data, entry->bytes.size);
    if (self->flip / 8 < entry->bytes.size) {
        bytes[self->flip / 8] = (char)(bytes[self->flip / 8] ^ 1 << self->flip % 8);
    }
    changed.bytes = (struct tt_str){bytes, entry->bytes.size < self->size_max ? entry->bytes.size
                                                                              : self->size_max};
    return self->on_entry(self->ctx, &changed);
}

static enum tt_status load(struct tt_state *state, struct tt_str owner, tt_on_state_entry *on_entry,
                           void *ctx, struct tt_error *err)
{
    struct faulty *self = (struct faulty *)state;
    if (self->owner.data == NULL || !tt_str_equal(owner, self->owner)) {
        return self->inner->ops->load(self->inner, owner, on_entry, ctx, err);
    }
    self->on_entry = on_entry;
    self->ctx = ctx;
    return self->inner->ops->load(self->inner, owner, damage, self, err);
}

static enum tt_status save(struct tt_state *state, struct tt_str owner, struct tt_state_token token,
                           uint64_t position, const struct tt_state_entry *entries, size_t count,
                           struct tt_error *err)
{
    struct faulty *self = (struct faulty *)state;
    if (self->saves_left == 0) {
        return tt_fail(err, TT_E_IO, "the power is off");
    }
    self->saves_left--;
    return self->inner->ops->save(self->inner, owner, token, position, entries, count, err);
}

static const struct tt_state_ops faulty_ops = {"faulty", claim, load, save, NULL};

struct fixture {
    struct faulty faulty;
    struct tt_fake_clock clock;
    struct tt_snapshots snapshots;
};

static enum tt_status open_again(struct fixture *fixture, const struct tt_alloc *alloc)
{
    struct tt_snapshots_options options = {
        .alloc = alloc,
        .state = &fixture->faulty.state,
        .clock = &fixture->clock.clock,
        .part_count = PARTS,
        .interval_ms = 1000,
    };
    return tt_snapshots_open(&fixture->snapshots, &options, NULL);
}

static enum tt_status init(struct fixture *fixture, const struct tt_alloc *alloc)
{
    memset(fixture, 0, sizeof *fixture);
    fixture->faulty.state.ops = &faulty_ops;
    fixture->faulty.saves_left = UINT64_MAX;
    tt_fake_clock_init(&fixture->clock, 1000);
    struct tt_memory_state_options options = {alloc};
    enum tt_status status = tt_memory_state_open(&options, &fixture->faulty.inner, NULL);
    return status == TT_OK ? open_again(fixture, alloc) : status;
}

static void deinit(struct fixture *fixture)
{
    tt_snapshots_close(&fixture->snapshots);
    if (fixture->faulty.inner != NULL) {
        fixture->faulty.inner->ops->close(fixture->faulty.inner);
    }
}

static void put_record(struct fixture *fixture, const struct tt_alloc *alloc, uint32_t part,
                       uint64_t number)
{
    struct tt_buf buf;
    char text[64];
    int size =
        snprintf(text, sizeof text, "part %u record %llu of %llu", part, (unsigned long long)number,
                 (unsigned long long)fixture->snapshots.made.position);
    tt_buf_init(&buf, alloc, 4096);
    tt_wire_put_bytes(&buf, (struct tt_str){text, (size_t)size});
    if (buf.status != TT_OK) {
        tt_snapshots_give_up(&fixture->snapshots, "test");
    }
    tt_snapshots_put(&fixture->snapshots, part, &buf);
    tt_buf_deinit(&buf);
}

/* Packs a snapshot of `records` records a part, as the engine would. */
static void pack(struct fixture *fixture, const struct tt_alloc *alloc, uint64_t position,
                 uint64_t records)
{
    tt_snapshots_begin(&fixture->snapshots, position, (int64_t)position);
    for (uint64_t i = 0; i < records; i++) {
        for (uint32_t part = 0; part < PARTS; part++) {
            put_record(fixture, alloc, part, i);
        }
    }
    for (uint32_t part = 0; part < PARTS; part++) {
        tt_snapshots_part_done(&fixture->snapshots, part, records);
    }
}

static enum tt_status save_all(struct fixture *fixture)
{
    bool busy = true;
    enum tt_status status = TT_OK;
    while (busy && status == TT_OK) {
        status = tt_snapshots_save(&fixture->snapshots, &busy, NULL);
    }
    return status;
}

static enum tt_status make(struct fixture *fixture, const struct tt_alloc *alloc, uint64_t position,
                           uint64_t records)
{
    pack(fixture, alloc, position, records);
    tt_snapshots_reached(&fixture->snapshots);
    return save_all(fixture);
}

struct seen {
    uint64_t position, records[PARTS];
};

static enum tt_status on_record(void *ctx, uint32_t part, struct tt_str record,
                                struct tt_error *err)
{
    (void)err;
    struct seen *seen = ctx;
    char text[64];
    (void)snprintf(text, sizeof text, "part %u record %llu of %llu", part,
                   (unsigned long long)seen->records[part], (unsigned long long)seen->position);
    assert_true(part < PARTS);
    assert_true(tt_str_equal_text(record, text)); /* each in its order, none twice */
    seen->records[part]++;
    return TT_OK;
}

/* Reads the rank-th snapshot and checks that all of it is there. */
static void check(struct fixture *fixture, uint32_t rank, uint64_t position, uint64_t records)
{
    const struct tt_manifest *manifest = tt_snapshots_manifest(&fixture->snapshots, rank);
    assert_non_null(manifest);
    assert_int_equal(manifest->position, position);
    assert_int_equal(manifest->watermark_ms, (int64_t)position);
    struct seen seen = {.position = position};
    assert_int_equal(tt_snapshots_read(&fixture->snapshots, rank, on_record, &seen, NULL), TT_OK);
    for (uint32_t part = 0; part < PARTS; part++) {
        assert_int_equal(seen.records[part], records);
    }
}

static bool count_entry(void *ctx, const struct tt_state_entry *entry)
{
    (void)entry;
    ++*(uint64_t *)ctx;
    return true;
}

static uint64_t entries_of(struct fixture *fixture, const char *owner)
{
    uint64_t count = 0;
    assert_int_equal(fixture->faulty.inner->ops->load(fixture->faulty.inner, tt_str_from(owner),
                                                      count_entry, &count, NULL),
                     TT_OK);
    return count;
}

static void slots_take_turns_and_leave_nothing_behind(void **state)
{
    (void)state;
    struct fixture fixture;
    assert_int_equal(init(&fixture, &tt_alloc_libc), TT_OK);
    assert_null(tt_snapshots_manifest(&fixture.snapshots, 0));
    static const uint64_t records[] = {30, 5, 7, 40, 0, 2};
    for (uint64_t i = 0; i < TT_ARRAY_SIZE(records); i++) {
        assert_int_equal(make(&fixture, &tt_alloc_libc, 10 + i, records[i]), TT_OK);
        tt_snapshots_close(&fixture.snapshots);
        assert_int_equal(open_again(&fixture, &tt_alloc_libc), TT_OK);
        assert_int_equal(fixture.snapshots.claimed_position, 10 + i);
        check(&fixture, 0, 10 + i, records[i]);
        if (i > 0) {
            check(&fixture, 1, 9 + i, records[i - 1]);
            assert_int_equal(entries_of(&fixture, "features/0") +
                                 entries_of(&fixture, "features/1"),
                             PARTS * (records[i] + records[i - 1]));
        }
    }
    assert_null(tt_snapshots_manifest(&fixture.snapshots, 2));
    deinit(&fixture);
}

static void outputs_come_before_state(void **state)
{
    (void)state;
    struct fixture fixture;
    bool busy = false;
    assert_int_equal(init(&fixture, &tt_alloc_libc), TT_OK);
    pack(&fixture, &tt_alloc_libc, 10, 3);
    for (int i = 0; i < 3000; i++) { /* everything is saved, and still it is not sealed */
        assert_int_equal(tt_snapshots_save(&fixture.snapshots, &busy, NULL), TT_OK);
        assert_true(busy);
        assert_null(tt_snapshots_manifest(&fixture.snapshots, 0));
    }
    tt_snapshots_reached(&fixture.snapshots);
    assert_int_equal(save_all(&fixture), TT_OK);
    check(&fixture, 0, 10, 3);
    deinit(&fixture);
}

static void one_is_due_when_time_has_passed_and_something_came(void **state)
{
    (void)state;
    struct fixture fixture;
    assert_int_equal(init(&fixture, &tt_alloc_libc), TT_OK);
    struct tt_snapshots *snapshots = &fixture.snapshots;
    assert_false(tt_snapshots_due(snapshots, fixture.clock.monotonic_ns, 5));
    tt_fake_clock_advance(&fixture.clock, 1000);
    assert_false(tt_snapshots_due(snapshots, fixture.clock.monotonic_ns, 0));
    assert_true(tt_snapshots_due(snapshots, fixture.clock.monotonic_ns, 5));
    pack(&fixture, &tt_alloc_libc, 5, 1);
    tt_fake_clock_advance(&fixture.clock, 2000);
    assert_false(tt_snapshots_due(snapshots, fixture.clock.monotonic_ns, 6)); /* under way */
    tt_snapshots_reached(snapshots);
    assert_int_equal(save_all(&fixture), TT_OK);
    assert_false(tt_snapshots_due(snapshots, fixture.clock.monotonic_ns, 5)); /* nothing came */
    assert_true(tt_snapshots_due(snapshots, fixture.clock.monotonic_ns, 6));
    deinit(&fixture);
}

static void a_crash_at_any_save_leaves_a_whole_snapshot(void **state)
{
    (void)state;
    for (uint64_t saves = 0;; saves++) {
        struct fixture fixture;
        assert_int_equal(init(&fixture, &tt_alloc_libc), TT_OK);
        assert_int_equal(make(&fixture, &tt_alloc_libc, 10, 9), TT_OK);
        assert_int_equal(make(&fixture, &tt_alloc_libc, 20, 40), TT_OK);
        fixture.faulty.saves_left = saves;
        enum tt_status status = make(&fixture, &tt_alloc_libc, 30, 6);
        fixture.faulty.saves_left = UINT64_MAX;
        tt_snapshots_close(&fixture.snapshots);
        assert_int_equal(open_again(&fixture, &tt_alloc_libc), TT_OK);
        if (status == TT_OK) {
            check(&fixture, 0, 30, 6);
            check(&fixture, 1, 20, 40);
            deinit(&fixture);
            assert_true(saves > PARTS * 6 + 1);
            return;
        }
        assert_int_equal(status, TT_E_IO);
        check(&fixture, 0, 20, 40);
        /* and what was left lying there is gone with the next one */
        assert_int_equal(make(&fixture, &tt_alloc_libc, 40, 2), TT_OK);
        check(&fixture, 0, 40, 2);
        check(&fixture, 1, 20, 40);
        assert_int_equal(entries_of(&fixture, "features/0") + entries_of(&fixture, "features/1"),
                         PARTS * 42);
        deinit(&fixture);
    }
}

static enum tt_status ignore(void *ctx, uint32_t part, struct tt_str record, struct tt_error *err)
{
    (void)ctx;
    (void)part;
    (void)record;
    (void)err;
    return TT_OK;
}

static void a_flipped_bit_or_a_cut_is_noticed_and_the_one_before_is_good(void **state)
{
    (void)state;
    struct fixture fixture;
    assert_int_equal(init(&fixture, &tt_alloc_libc), TT_OK);
    assert_int_equal(make(&fixture, &tt_alloc_libc, 10, 4), TT_OK);
    assert_int_equal(make(&fixture, &tt_alloc_libc, 20, 5), TT_OK);
    const struct tt_manifest *newest = tt_snapshots_manifest(&fixture.snapshots, 0);
    fixture.faulty.owner =
        newest == &fixture.snapshots.slots[0] ? TT_STR("features/0") : TT_STR("features/1");
    fixture.faulty.key = TT_STR("00000007");
    struct tt_error err;
    fixture.faulty.size_max = SIZE_MAX;
    for (fixture.faulty.flip = 0; fixture.faulty.flip < 8 * 44; fixture.faulty.flip++) {
        assert_int_equal(tt_snapshots_read(&fixture.snapshots, 0, ignore, NULL, &err),
                         TT_E_CORRUPT);
    }
    fixture.faulty.flip = SIZE_MAX;
    for (fixture.faulty.size_max = 0; fixture.faulty.size_max < 44; fixture.faulty.size_max++) {
        assert_int_equal(tt_snapshots_read(&fixture.snapshots, 0, ignore, NULL, &err),
                         TT_E_CORRUPT);
    }
    fixture.faulty.missing = true;
    assert_int_equal(tt_snapshots_read(&fixture.snapshots, 0, ignore, NULL, &err), TT_E_CORRUPT);
    check(&fixture, 1, 10, 4);
    deinit(&fixture);
}

static void a_damaged_manifest_is_no_snapshot(void **state)
{
    (void)state;
    struct fixture fixture;
    assert_int_equal(init(&fixture, &tt_alloc_libc), TT_OK);
    assert_int_equal(make(&fixture, &tt_alloc_libc, 10, 4), TT_OK);
    assert_int_equal(make(&fixture, &tt_alloc_libc, 20, 5), TT_OK);
    fixture.faulty.owner = TT_STR("features");
    fixture.faulty.size_max = SIZE_MAX;
    fixture.faulty.key = tt_snapshots_manifest(&fixture.snapshots, 0) == &fixture.snapshots.slots[0]
                             ? TT_STR("0")
                             : TT_STR("1");
    for (fixture.faulty.flip = 0; fixture.faulty.flip < 8 * 87; fixture.faulty.flip++) {
        tt_snapshots_close(&fixture.snapshots);
        assert_int_equal(open_again(&fixture, &tt_alloc_libc), TT_OK);
        assert_int_equal(fixture.snapshots.claimed_position, 20);
        check(&fixture, 0, 10, 4);
        assert_null(tt_snapshots_manifest(&fixture.snapshots, 1));
    }
    deinit(&fixture);
}

static void one_that_was_given_up_is_followed_by_the_next(void **state)
{
    (void)state;
    struct fixture fixture;
    assert_int_equal(init(&fixture, &tt_alloc_libc), TT_OK);
    assert_int_equal(make(&fixture, &tt_alloc_libc, 10, 4), TT_OK);
    tt_snapshots_begin(&fixture.snapshots, 20, 20);
    put_record(&fixture, &tt_alloc_libc, 0, 0);
    bool busy = false;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(tt_snapshots_save(&fixture.snapshots, &busy, NULL), TT_OK);
    }
    tt_snapshots_give_up(&fixture.snapshots, "test");
    assert_true(tt_snapshots_failed(&fixture.snapshots));
    assert_false(tt_snapshots_wants(&fixture.snapshots));
    assert_int_equal(tt_snapshots_save(&fixture.snapshots, &busy, NULL), TT_OK);
    assert_true(tt_snapshots_running(&fixture.snapshots)); /* the parts do not know yet */
    for (uint32_t part = 0; part < PARTS; part++) {
        tt_snapshots_part_done(&fixture.snapshots, part, 0);
    }
    assert_int_equal(save_all(&fixture), TT_OK);
    assert_false(tt_snapshots_running(&fixture.snapshots));
    check(&fixture, 0, 10, 4);
    assert_int_equal(make(&fixture, &tt_alloc_libc, 30, 3), TT_OK);
    check(&fixture, 0, 30, 3);
    deinit(&fixture);
}

static void what_was_rebuilt_stays_due_until_it_is_saved(void **state)
{
    (void)state;
    struct fixture fixture;
    assert_int_equal(init(&fixture, &tt_alloc_libc), TT_OK);
    struct tt_snapshots *snapshots = &fixture.snapshots;
    assert_int_equal(make(&fixture, &tt_alloc_libc, 10, 4), TT_OK);
    assert_false(tt_snapshots_worth(snapshots, 10));
    snapshots->stale = true;
    assert_true(tt_snapshots_worth(snapshots, 10));
    pack(&fixture, &tt_alloc_libc, 10, 3);
    tt_snapshots_give_up(snapshots, "test");
    assert_int_equal(save_all(&fixture), TT_OK);
    assert_true(tt_snapshots_worth(snapshots, 10));
    tt_fake_clock_advance(&fixture.clock, 2000);
    assert_true(tt_snapshots_due(snapshots, fixture.clock.monotonic_ns, 10));
    assert_int_equal(make(&fixture, &tt_alloc_libc, 10, 5), TT_OK);
    assert_false(tt_snapshots_worth(snapshots, 10));
    check(&fixture, 0, 10, 5);
    deinit(&fixture);
}

static enum tt_status torture_body(const struct tt_alloc *alloc, void *ctx)
{
    (void)ctx;
    struct fixture fixture;
    struct seen seen = {.position = 10};
    enum tt_status status = init(&fixture, alloc);
    if (status == TT_OK) {
        status = make(&fixture, alloc, 10, 2);
        if (status == TT_OK && tt_snapshots_manifest(&fixture.snapshots, 0) == NULL) {
            status = TT_E_NOMEM; /* given up, as it should be */
        }
    }
    if (status == TT_OK) {
        status = tt_snapshots_read(&fixture.snapshots, 0, on_record, &seen, NULL);
    }
    deinit(&fixture);
    return status;
}

static void no_memory_gives_a_snapshot_up_and_leaks_nothing(void **state)
{
    (void)state;
    tt_torture_run(torture_body, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_take_turns_and_leave_nothing_behind),
        cmocka_unit_test(outputs_come_before_state),
        cmocka_unit_test(one_is_due_when_time_has_passed_and_something_came),
        cmocka_unit_test(a_crash_at_any_save_leaves_a_whole_snapshot),
        cmocka_unit_test(a_flipped_bit_or_a_cut_is_noticed_and_the_one_before_is_good),
        cmocka_unit_test(a_damaged_manifest_is_no_snapshot),
        cmocka_unit_test(one_that_was_given_up_is_followed_by_the_next),
        cmocka_unit_test(what_was_rebuilt_stays_due_until_it_is_saved),
        cmocka_unit_test(no_memory_gives_a_snapshot_up_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
