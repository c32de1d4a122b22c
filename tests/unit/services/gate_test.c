/* The gate: duplicates, conflicts, forgetting, and asking the store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "services/feature_engineer/gate.h"
#include "support/torture.h"

#define HOUR TT_MS_PER_HOUR

/* A store that knows one transaction. */
struct fake_store {
    bool known;
    struct tt_hash128 content;
    uint32_t asked;
    enum tt_status status;
};

static enum tt_status look_up(void *ctx, const struct tt_txn *txn, bool *ret_found,
                              struct tt_hash128 *ret_content, uint64_t *ret_seq,
                              struct tt_error *err)
{
    (void)txn;
    struct fake_store *store = ctx;
    store->asked++;
    *ret_found = store->known;
    *ret_content = store->content;
    *ret_seq = 77;
    return store->status == TT_OK ? TT_OK : tt_fail(err, store->status, "down");
}

static struct tt_event *make(struct tt_event *event, const char *user, const char *id, int64_t ms,
                             uint64_t content, uint64_t seq)
{
    memset(event, 0, sizeof *event);
    event->kind = TT_EVENT_TRANSACTION;
    event->seq = seq;
    event->content.low = content;
    event->txn.timestamp_ms = ms;
    event->txn.text[TT_TEXT_USER_ID] = tt_str_from(user);
    event->txn.text[TT_TEXT_TRANSACTION_ID] = tt_str_from(id);
    return event;
}

static uint8_t pass(struct tt_gate_table *gate, struct tt_event *event)
{
    struct tt_error err;
    assert_int_equal(tt_gate_pass(gate, event, &err), TT_OK);
    return event->gate;
}

static void init(struct tt_gate_table *gate, uint32_t entries_max, struct fake_store *store)
{
    tt_gate_init(gate, &tt_alloc_libc, (struct tt_hash_key){1, 2}, 24 * HOUR, entries_max,
                 store != NULL ? look_up : NULL, store);
}

static void same_id_and_content_is_a_duplicate_of_the_first(void **state)
{
    (void)state;
    struct tt_gate_table gate;
    struct tt_event event;
    init(&gate, 100, NULL);
    assert_int_equal(pass(&gate, make(&event, "u", "t", 1000, 5, 1)), TT_GATE_FRESH);
    assert_int_equal(pass(&gate, make(&event, "u", "t", 1000, 5, 2)), TT_GATE_DUPLICATE);
    assert_int_equal(event.first_seq, 1);
    assert_int_equal(pass(&gate, make(&event, "u", "t", 1000, 5, 3)), TT_GATE_DUPLICATE);
    assert_int_equal(event.first_seq, 1);
    tt_gate_deinit(&gate);
}

static void same_id_with_other_content_is_a_conflict(void **state)
{
    (void)state;
    struct tt_gate_table gate;
    struct tt_event event;
    init(&gate, 100, NULL);
    assert_int_equal(pass(&gate, make(&event, "u", "t", 1000, 5, 1)), TT_GATE_FRESH);
    assert_int_equal(pass(&gate, make(&event, "u", "t", 1000, 6, 2)), TT_GATE_CONFLICT);
    /* the conflict did not take the first one's place */
    assert_int_equal(pass(&gate, make(&event, "u", "t", 1000, 5, 3)), TT_GATE_DUPLICATE);
    tt_gate_deinit(&gate);
}

static void one_id_under_two_users_is_two_transactions(void **state)
{
    (void)state;
    struct tt_gate_table gate;
    struct tt_event event;
    init(&gate, 100, NULL);
    assert_int_equal(pass(&gate, make(&event, "u", "t", 1000, 5, 1)), TT_GATE_FRESH);
    assert_int_equal(pass(&gate, make(&event, "v", "t", 1000, 5, 2)), TT_GATE_FRESH);
    assert_int_equal(pass(&gate, make(&event, "ut", "", 1000, 5, 3)), TT_GATE_FRESH);
    tt_gate_deinit(&gate);
}

static void what_is_older_than_the_horizon_is_looked_up(void **state)
{
    (void)state;
    struct fake_store store = {.known = true, .content = {0, 5}};
    struct tt_gate_table gate;
    struct tt_event event;
    init(&gate, 100, &store);
    assert_int_equal(pass(&gate, make(&event, "u", "new", 100 * HOUR, 1, 1)), TT_GATE_FRESH);
    assert_int_equal(store.asked, 0);
    assert_int_equal(pass(&gate, make(&event, "u", "old", 75 * HOUR, 5, 2)), TT_GATE_DUPLICATE);
    assert_int_equal(event.first_seq, 77);
    assert_int_equal(store.asked, 1);
    assert_int_equal(pass(&gate, make(&event, "u", "old", 75 * HOUR, 6, 3)), TT_GATE_CONFLICT);
    store.known = false;
    assert_int_equal(pass(&gate, make(&event, "u", "older", 74 * HOUR, 6, 4)), TT_GATE_FRESH);
    tt_gate_deinit(&gate);
}

static void a_full_gate_asks_the_store_about_what_it_forgot(void **state)
{
    (void)state;
    struct fake_store store = {.known = true, .content = {0, 0}};
    struct tt_gate_table gate;
    struct tt_event event;
    char id[16];
    init(&gate, 4, &store);
    for (uint64_t i = 0; i < 10; i++) {
        (void)snprintf(id, sizeof id, "t%u", (unsigned)i);
        store.known = false;
        assert_int_equal(pass(&gate, make(&event, "u", id, (int64_t)i, i, i + 1)), TT_GATE_FRESH);
    }
    store.asked = 0;
    store.known = true;
    assert_int_equal(pass(&gate, make(&event, "u", "t0", 0, 0, 20)), TT_GATE_DUPLICATE);
    assert_int_equal(store.asked, 1);
    /* one that is still held needs no store */
    assert_int_equal(pass(&gate, make(&event, "u", "t9", 9, 9, 21)), TT_GATE_DUPLICATE);
    assert_int_equal(store.asked, 1);
    tt_gate_deinit(&gate);
}

static void a_store_that_is_down_fails_the_pass(void **state)
{
    (void)state;
    struct fake_store store = {.status = TT_E_IO};
    struct tt_gate_table gate;
    struct tt_event event;
    struct tt_error err;
    init(&gate, 100, &store);
    assert_int_equal(pass(&gate, make(&event, "u", "new", 100 * HOUR, 1, 1)), TT_GATE_FRESH);
    assert_int_equal(tt_gate_pass(&gate, make(&event, "u", "old", 1, 5, 2), &err), TT_E_IO);
    tt_gate_deinit(&gate);
}

/* Against the obvious: a table of everything ever passed. */
static void random_traffic_agrees_with_a_list_of_all(void **state)
{
    (void)state;
    enum { COUNT = 3000, IDS = 400 };
    static uint64_t first_content[IDS], first_seq[IDS];
    struct tt_gate_table gate;
    struct tt_rng rng;
    tt_rng_init(&rng, 42);
    init(&gate, 1u << 20, NULL);
    for (uint64_t seq = 1; seq <= COUNT; seq++) {
        size_t number = (size_t)tt_rng_below(&rng, IDS);
        uint64_t content = 1 + tt_rng_below(&rng, 2);
        char id[16];
        struct tt_event event;
        (void)snprintf(id, sizeof id, "t%zu", number);
        uint8_t got = pass(&gate, make(&event, "u", id, (int64_t)seq, content, seq));
        if (first_seq[number] == 0) {
            assert_int_equal(got, TT_GATE_FRESH);
            first_seq[number] = seq;
            first_content[number] = content;
        } else {
            assert_int_equal(event.first_seq, first_seq[number]);
            assert_int_equal(got, content == first_content[number] ? TT_GATE_DUPLICATE
                                                                   : TT_GATE_CONFLICT);
        }
    }
    tt_gate_deinit(&gate);
}

static enum tt_status torture_body(const struct tt_alloc *alloc, void *ctx)
{
    (void)ctx;
    struct tt_gate_table gate;
    tt_gate_init(&gate, alloc, (struct tt_hash_key){1, 2}, 24 * HOUR, 1u << 20, NULL, NULL);
    enum tt_status status = TT_OK;
    for (uint64_t i = 0; i < 5000 && status == TT_OK; i++) {
        char id[16];
        struct tt_event event;
        struct tt_error err;
        (void)snprintf(id, sizeof id, "t%u", (unsigned)i);
        status = tt_gate_pass(&gate, make(&event, "u", id, 1, 1, i + 1), &err);
    }
    tt_gate_deinit(&gate);
    return status;
}

static void no_memory_is_a_status_and_leaks_nothing(void **state)
{
    (void)state;
    tt_torture_run(torture_body, NULL);
}

static void what_is_not_in_the_store_yet_is_not_forgotten(void **state)
{
    (void)state;
    struct tt_gate_table gate;
    struct tt_event event;
    struct fake_store store = {0}; /* has nothing so far */
    uint64_t durable_seq = 0;
    init(&gate, 2, &store);
    gate.durable_seq = &durable_seq;
    assert_int_equal(pass(&gate, make(&event, "u", "old", 0, 5, 1)), TT_GATE_FRESH);
    for (uint64_t i = 2; i < 6; i++) {
        char id[8];
        (void)snprintf(id, sizeof id, "t%d", (int)i);
        assert_int_equal(pass(&gate, make(&event, "u", id, 48 * HOUR, 5, i)), TT_GATE_FRESH);
    }
    assert_int_equal(pass(&gate, make(&event, "u", "old", 0, 5, 6)), TT_GATE_DUPLICATE);
    assert_int_equal(event.first_seq, 1);
    assert_int_equal(store.asked, 0);
    durable_seq = 5; /* now the store knows it */
    store.known = true;
    store.content.low = 5;
    assert_int_equal(pass(&gate, make(&event, "u", "new", 49 * HOUR, 5, 7)), TT_GATE_FRESH);
    assert_int_equal(gate.count, 2);
    assert_int_equal(pass(&gate, make(&event, "u", "old", 0, 5, 8)), TT_GATE_DUPLICATE);
    assert_int_equal(store.asked, 1);
    tt_gate_deinit(&gate);
}

static void a_batch_of_keys_gives_the_same_answers(void **state)
{
    (void)state;
    enum { COUNT = 200 };
    struct tt_gate_table alone, batched;
    struct tt_event events[COUNT], copies[COUNT];
    struct tt_event *batch[COUNT];
    struct tt_hash128 keys[COUNT];
    char ids[COUNT][8];
    struct tt_error err;
    init(&alone, 1000, NULL);
    init(&batched, 1000, NULL);
    for (int round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < COUNT; i++) {
            (void)snprintf(ids[i], sizeof ids[i], "t%d", (int)(i % 150));
            batch[i] = make(&events[i], "u", ids[i], 1000, i % 7 == 0 ? i : 5, i);
            copies[i] = events[i];
        }
        events[9].kind = TT_EVENT_LABEL;
        tt_gate_keys(&batched, batch, COUNT, keys);
        for (size_t i = 0; i < COUNT; i++) {
            if (i != 9) {
                assert_int_equal(tt_gate_pass_key(&batched, &events[i], keys[i], &err), TT_OK);
                assert_int_equal(events[i].gate, pass(&alone, &copies[i]));
                assert_int_equal(events[i].first_seq, copies[i].first_seq);
            }
        }
    }
    tt_gate_deinit(&alone);
    tt_gate_deinit(&batched);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_id_and_content_is_a_duplicate_of_the_first),
        cmocka_unit_test(same_id_with_other_content_is_a_conflict),
        cmocka_unit_test(one_id_under_two_users_is_two_transactions),
        cmocka_unit_test(what_is_older_than_the_horizon_is_looked_up),
        cmocka_unit_test(a_full_gate_asks_the_store_about_what_it_forgot),
        cmocka_unit_test(a_store_that_is_down_fails_the_pass),
        cmocka_unit_test(random_traffic_agrees_with_a_list_of_all),
        cmocka_unit_test(what_is_not_in_the_store_yet_is_not_forgotten),
        cmocka_unit_test(a_batch_of_keys_gives_the_same_answers),
        cmocka_unit_test(no_memory_is_a_status_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
