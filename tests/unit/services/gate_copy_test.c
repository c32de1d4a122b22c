/* A copy of the gate made while ids come and go is what it remembered when the copy began. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "base/wire.h"
#include "services/feature_engineer/gate_copy.h"
#include "support/torture.h"

#define EVENTS 4000

static void pass(struct tt_gate_table *gate, uint64_t number, int64_t ms)
{
    struct tt_event event;
    struct tt_error err;
    char id[24];
    memset(&event, 0, sizeof event);
    (void)snprintf(id, sizeof id, "%llu", (unsigned long long)number);
    event.kind = TT_EVENT_TRANSACTION;
    event.seq = number;
    event.content.low = number * 7;
    event.txn.timestamp_ms = ms;
    event.txn.text[TT_TEXT_USER_ID] = TT_STR("u");
    event.txn.text[TT_TEXT_TRANSACTION_ID] = tt_str_from(id);
    assert_int_equal(tt_gate_pass(gate, &event, &err), TT_OK);
}

static void init(struct tt_gate_table *gate, const struct tt_alloc *alloc, uint32_t entries_max)
{
    tt_gate_init(gate, alloc, (struct tt_hash_key){1, 2}, 1000, entries_max, NULL, NULL);
}

static enum tt_status read_all(struct tt_gate_table *gate, struct tt_str records)
{
    struct tt_wire wire = tt_wire_reader(records);
    enum tt_status status = TT_OK;
    while (tt_wire_left(&wire) > 0 && status == TT_OK) {
        struct tt_str record = tt_wire_bytes(&wire);
        status = wire.bad ? TT_E_CORRUPT : tt_gate_read(gate, record, NULL);
    }
    return status;
}

static const struct tt_gate_entry *entry_at(const struct tt_gate_table *gate, uint32_t i)
{
    return &gate->entries[(gate->head + i) & (gate->capacity - 1)];
}

static void check_equal(const struct tt_gate_table *a, const struct tt_gate_entry *entries,
                        uint32_t count)
{
    assert_int_equal(a->count, count);
    for (uint32_t i = 0; i < count; i++) {
        assert_memory_equal(&entry_at(a, i)->key, &entries[i].key, sizeof entries[i].key);
        assert_memory_equal(&entry_at(a, i)->content, &entries[i].content,
                            sizeof entries[i].content);
        assert_int_equal(entry_at(a, i)->seq, entries[i].seq);
        assert_int_equal(entry_at(a, i)->event_ms, entries[i].event_ms);
    }
}

static void copy_under_traffic(uint64_t seed, uint32_t entries_max)
{
    static struct tt_gate_entry want[EVENTS];
    struct tt_gate_table gate, again;
    struct tt_buf out;
    struct tt_rng rng;
    uint64_t number = 0;
    int64_t ms = 0;
    tt_rng_init(&rng, seed);
    init(&gate, &tt_alloc_libc, entries_max);
    tt_buf_init(&out, &tt_alloc_libc, 1u << 24);
    while (number < EVENTS / 2) {
        pass(&gate, ++number, ms += (int64_t)tt_rng_below(&rng, 4));
    }
    uint32_t count = gate.count;
    int64_t watermark_ms = gate.watermark_ms, floor_ms = gate.floor_ms;
    for (uint32_t i = 0; i < count; i++) {
        want[i] = *entry_at(&gate, i);
    }
    assert_int_equal(tt_gate_copy_begin(&gate, &out), TT_OK);
    enum tt_status status = TT_OK;
    while (status == TT_OK) {
        for (uint64_t i = tt_rng_below(&rng, 400); i > 0 && number < EVENTS; i--) {
            pass(&gate, ++number, ms += (int64_t)tt_rng_below(&rng, 4));
        }
        status = tt_gate_copy_some(&gate, 1);
    }
    assert_int_equal(status, TT_E_CLOSED);
    tt_gate_copy_end(&gate);
    init(&again, &tt_alloc_libc, entries_max);
    assert_int_equal(read_all(&again, tt_buf_str(&out)), TT_OK);
    check_equal(&again, want, count);
    assert_int_equal(again.watermark_ms, watermark_ms);
    assert_int_equal(again.floor_ms, floor_ms);
    tt_gate_deinit(&gate);
    tt_gate_deinit(&again);
    tt_buf_deinit(&out);
}

static void a_copy_is_of_the_moment_it_began(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        copy_under_traffic(seed, seed % 2 == 0 ? 300 : 100000);
    }
}

static void another_key_and_damage_are_refused(void **state)
{
    (void)state;
    struct tt_gate_table gate, other;
    struct tt_buf out;
    init(&gate, &tt_alloc_libc, 100);
    tt_buf_init(&out, &tt_alloc_libc, 1u << 20);
    for (uint64_t i = 1; i <= 5; i++) {
        pass(&gate, i, 1);
    }
    assert_int_equal(tt_gate_copy_begin(&gate, &out), TT_OK);
    assert_int_equal(tt_gate_copy_some(&gate, SIZE_MAX), TT_E_CLOSED);
    assert_int_equal(tt_gate_copy_records(&gate), 2);
    tt_gate_copy_end(&gate);
    struct tt_str bytes = tt_buf_str(&out);
    tt_gate_init(&other, &tt_alloc_libc, (struct tt_hash_key){1, 3}, 1000, 100, NULL, NULL);
    assert_int_equal(read_all(&other, bytes), TT_E_CONFLICT);
    assert_int_equal(read_all(&gate, bytes), TT_E_CORRUPT); /* every id twice */
    for (size_t size = 1; size < bytes.size; size++) {
        struct tt_gate_table cut;
        init(&cut, &tt_alloc_libc, 100);
        enum tt_status status = read_all(&cut, (struct tt_str){bytes.data, size});
        assert_true(status == TT_E_CORRUPT || (status == TT_OK && cut.count == 0));
        tt_gate_deinit(&cut);
    }
    tt_gate_deinit(&gate);
    tt_gate_deinit(&other);
    tt_buf_deinit(&out);
}

static enum tt_status read_body(const struct tt_alloc *alloc, void *ctx)
{
    struct tt_gate_table gate;
    init(&gate, alloc, 100000);
    enum tt_status status = read_all(&gate, tt_buf_str(ctx));
    tt_gate_deinit(&gate);
    return status;
}

static void no_memory_is_a_status(void **state)
{
    (void)state;
    struct tt_gate_table gate;
    struct tt_buf out;
    init(&gate, &tt_alloc_libc, 100000);
    tt_buf_init(&out, &tt_alloc_libc, 1u << 24);
    for (uint64_t i = 1; i <= EVENTS; i++) {
        pass(&gate, i, 1);
    }
    assert_int_equal(tt_gate_copy_begin(&gate, &out), TT_OK);
    assert_int_equal(tt_gate_copy_some(&gate, SIZE_MAX), TT_E_CLOSED);
    tt_torture_run(read_body, &out);
    tt_gate_deinit(&gate);
    tt_buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_is_of_the_moment_it_began),
        cmocka_unit_test(another_key_and_damage_are_refused),
        cmocka_unit_test(no_memory_is_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
