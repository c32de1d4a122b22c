/* The suite every adapter of the state port passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/memory/state.h"
#include "adapters/sqlite/sqlite.h"
#include "support/tempdir.h"
#include "support/torture.h"

struct subject {
    struct tt_tempdir dir;
    struct tt_store *store; /* NULL when the adapter has none */
    struct tt_state *state;
};

static void open_sqlite(struct subject *subject)
{
    struct tt_sqlite_options options = {.alloc = &tt_alloc_libc,
                                        .path = tt_tempdir_file(&subject->dir, "state.db")};
    assert_int_equal(tt_sqlite_open(&options, &subject->store, &subject->state, NULL), TT_OK);
}

static void open_memory(struct subject *subject)
{
    struct tt_memory_state_options options = {&tt_alloc_libc};
    assert_int_equal(tt_memory_state_open(&options, &subject->state, NULL), TT_OK);
}

static void (*open_subject)(struct subject *subject);

static int setup(void **state)
{
    struct subject *subject = calloc(1, sizeof *subject);
    tt_tempdir_init(&subject->dir);
    open_subject(subject);
    *state = subject;
    return 0;
}

static int teardown(void **state)
{
    struct subject *subject = *state;
    subject->state->ops->close(subject->state);
    if (subject->store != NULL) {
        subject->store->ops->close(subject->store);
    }
    tt_tempdir_deinit(&subject->dir);
    free(subject);
    return 0;
}

#define OWNER TT_STR("features/user/17")

static struct tt_state_token claim(struct subject *subject, uint64_t nonce, uint64_t position)
{
    struct tt_state_token token = {0, 0};
    uint64_t got = 99;
    assert_int_equal(subject->state->ops->claim(subject->state, OWNER, nonce, &token, &got, NULL),
                     TT_OK);
    assert_int_equal(got, position);
    assert_int_equal(token.nonce, nonce);
    return token;
}

static enum tt_status save(struct subject *subject, struct tt_state_token token, uint64_t position,
                           const char *key, struct tt_str bytes)
{
    struct tt_state_entry entry = {tt_str_from(key), bytes};
    return subject->state->ops->save(subject->state, OWNER, token, position, &entry, 1, NULL);
}

struct sum {
    size_t count;
    size_t bytes;
    bool stop;
};

static bool add_entry(void *ctx, const struct tt_state_entry *entry)
{
    struct sum *sum = ctx;
    sum->count++;
    sum->bytes += entry->bytes.size;
    return !sum->stop;
}

static void assert_entries(struct subject *subject, size_t count, size_t bytes)
{
    struct sum sum = {0};
    assert_int_equal(subject->state->ops->load(subject->state, OWNER, add_entry, &sum, NULL),
                     TT_OK);
    assert_int_equal(sum.count, count);
    assert_int_equal(sum.bytes, bytes);
}

static void an_owner_nobody_claimed_is_not_found(void **state)
{
    struct subject *subject = *state;
    struct sum sum = {0};
    struct tt_state_token token = {1, 1};
    assert_int_equal(subject->state->ops->load(subject->state, OWNER, add_entry, &sum, NULL),
                     TT_E_NOT_FOUND);
    assert_int_equal(save(subject, token, 1, "k", TT_STR("v")), TT_E_NOT_FOUND);
}

static void entries_and_position_are_saved_together(void **state)
{
    struct subject *subject = *state;
    struct tt_state_token token = claim(subject, 7, 0);
    assert_entries(subject, 0, 0);
    assert_int_equal(save(subject, token, 10, "a", TT_STR("12345")), TT_OK);
    assert_int_equal(save(subject, token, 11, "b", TT_STR("")), TT_OK);
    assert_entries(subject, 2, 5);
    assert_int_equal(save(subject, token, UINT64_MAX, "a", TT_STR("1")), TT_OK);
    assert_entries(subject, 2, 1);
    assert_int_equal(save(subject, token, 12, "a", (struct tt_str){NULL, 0}), TT_OK);
    assert_int_equal(save(subject, token, 12, "never was", (struct tt_str){NULL, 0}), TT_OK);
    assert_entries(subject, 1, 0);
    assert_int_equal(subject->state->ops->save(subject->state, OWNER, token, 13, NULL, 0, NULL),
                     TT_OK);
    (void)claim(subject, 8, 13);
}

static void an_owner_that_was_replaced_cannot_write(void **state)
{
    struct subject *subject = *state;
    struct tt_state_token first = claim(subject, 7, 0);
    assert_int_equal(save(subject, first, 5, "a", TT_STR("old")), TT_OK);
    struct tt_state_token second = claim(subject, 7, 5);
    assert_true(second.counter > first.counter);
    assert_int_equal(save(subject, first, 6, "a", TT_STR("newer")), TT_E_FENCED);
    struct tt_state_token forged = {second.counter, 8};
    assert_int_equal(save(subject, forged, 6, "a", TT_STR("newer")), TT_E_FENCED);
    assert_entries(subject, 1, 3);
    assert_int_equal(save(subject, second, 6, "a", TT_STR("newer")), TT_OK);
    assert_entries(subject, 1, 5);
}

static void owners_do_not_see_each_other(void **state)
{
    struct subject *subject = *state;
    struct tt_state_token token = claim(subject, 1, 0), other = {0, 0};
    uint64_t position = 1;
    assert_int_equal(save(subject, token, 5, "a", TT_STR("x")), TT_OK);
    assert_int_equal(
        subject->state->ops->claim(subject->state, TT_STR("trainer"), 1, &other, &position, NULL),
        TT_OK);
    assert_int_equal(position, 0);
    struct sum sum = {0};
    assert_int_equal(
        subject->state->ops->load(subject->state, TT_STR("trainer"), add_entry, &sum, NULL), TT_OK);
    assert_int_equal(sum.count, 0);
}

static void a_load_may_stop_early(void **state)
{
    struct subject *subject = *state;
    struct tt_state_token token = claim(subject, 1, 0);
    assert_int_equal(save(subject, token, 1, "a", TT_STR("x")), TT_OK);
    assert_int_equal(save(subject, token, 2, "b", TT_STR("x")), TT_OK);
    struct sum sum = {.stop = true};
    assert_int_equal(subject->state->ops->load(subject->state, OWNER, add_entry, &sum, NULL),
                     TT_OK);
    assert_int_equal(sum.count, 1);
}

static enum tt_status torture_memory(const struct tt_alloc *alloc, void *ctx)
{
    (void)ctx;
    struct tt_memory_state_options options = {alloc};
    struct tt_state *state = NULL;
    struct tt_error err;
    enum tt_status status = tt_memory_state_open(&options, &state, &err);
    if (status != TT_OK) {
        return status;
    }
    struct tt_state_token token = {0, 0};
    uint64_t position = 0;
    status = state->ops->claim(state, OWNER, 1, &token, &position, &err);
    struct tt_state_entry entries[2] = {{TT_STR("a"), TT_STR("1")}, {TT_STR("b"), TT_STR("2")}};
    if (status == TT_OK) {
        status = state->ops->save(state, OWNER, token, 1, entries, 2, &err);
        struct sum sum = {0};
        assert_int_equal(state->ops->load(state, OWNER, add_entry, &sum, NULL), TT_OK);
        assert_int_equal(sum.count, status == TT_OK ? 2 : 0);
    }
    state->ops->close(state);
    return status;
}

static void memory_state_survives_failing_allocations(void **state)
{
    (void)state;
    tt_torture_run(torture_memory, NULL);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(an_owner_nobody_claimed_is_not_found),
        CASE(entries_and_position_are_saved_together),
        CASE(an_owner_that_was_replaced_cannot_write),
        CASE(owners_do_not_see_each_other),
        CASE(a_load_may_stop_early),
        cmocka_unit_test(memory_state_survives_failing_allocations),
    };
    open_subject = open_sqlite;
    int failed = cmocka_run_group_tests_name("state/sqlite", tests, NULL, NULL);
    open_subject = open_memory;
    return failed + cmocka_run_group_tests_name("state/memory", tests, NULL, NULL);
}
