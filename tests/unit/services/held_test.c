/* Events held back come in order of time, then of arrival. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "services/data_ingestor/held.h"
#include "support/torture.h"

static void event_init(struct tt_event *event, const struct tt_alloc *alloc)
{
    memset(event, 0, sizeof *event);
    tt_arena_init(&event->text, alloc, 512, 1u << 16);
}

static void they_come_by_time_then_by_arrival(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    struct tt_held held;
    struct tt_rng rng;
    tt_held_init(&held, &tt_alloc_libc);
    tt_rng_init(&rng, 7);
    for (uint64_t i = 0; i < COUNT; i++) {
        struct tt_event event;
        event_init(&event, &tt_alloc_libc);
        event.source_line = i;
        event.kind = TT_EVENT_LABEL;
        event.txn.timestamp_ms = (int64_t)tt_rng_below(&rng, 100);
        event.txn.text[TT_TEXT_USER_ID] = TT_STR("user");
        assert_int_equal(tt_held_push(&held, &event, event.txn.timestamp_ms), TT_OK);
        tt_arena_deinit(&event.text);
    }
    int64_t time = -1;
    uint64_t line = 0;
    for (uint64_t i = 0; i < COUNT; i++) {
        struct tt_event event;
        event_init(&event, &tt_alloc_libc);
        assert_int_equal(tt_held_next_ms(&held) >= time, 1);
        assert_int_equal(tt_held_pop(&held, &event), TT_OK);
        assert_true(event.txn.timestamp_ms > time ||
                    (event.txn.timestamp_ms == time && event.source_line > line));
        time = event.txn.timestamp_ms;
        line = event.source_line;
        assert_true(tt_str_equal_text(event.txn.text[TT_TEXT_USER_ID], "user"));
        assert_int_equal(event.kind, TT_EVENT_LABEL);
        tt_arena_deinit(&event.text);
    }
    assert_int_equal(tt_held_next_ms(&held), INT64_MAX);
    tt_held_deinit(&held);
}

static enum tt_status torture_body(const struct tt_alloc *alloc, void *ctx)
{
    (void)ctx;
    struct tt_held held;
    tt_held_init(&held, alloc);
    enum tt_status status = TT_OK;
    for (int64_t i = 0; i < 100 && status == TT_OK; i++) {
        struct tt_event event;
        event_init(&event, &tt_alloc_libc);
        event.truth = (struct tt_truth){true, true, TT_STR("kind")};
        status = tt_held_push(&held, &event, 100 - i);
        tt_arena_deinit(&event.text);
    }
    if (status == TT_OK) {
        struct tt_event event;
        event_init(&event, &tt_alloc_libc);
        assert_int_equal(tt_held_pop(&held, &event), TT_OK);
        assert_true(tt_str_equal_text(event.truth.kind, "kind"));
        tt_arena_deinit(&event.text);
    }
    tt_held_deinit(&held);
    return status;
}

static void no_memory_is_a_status_and_leaks_nothing(void **state)
{
    (void)state;
    tt_torture_run(torture_body, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_come_by_time_then_by_arrival),
        cmocka_unit_test(no_memory_is_a_status_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
