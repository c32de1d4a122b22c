/* The stage runner over the bus in memory, with stages of a few lines: a source that numbers
 * events, steps that pass them on, sinks that check the order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sched.h>

#include "adapters/memory/bus.h"
#include "runtime/runner.h"
#include "support/fake_clock.h"
#include "support/torture.h"

#define POOL_SIZE 300
#define WAIT_MS 60000

/* One kind of stage for all parts; what it does is in its numbers. */
struct part {
    struct tt_stage stage;
    struct tt_event_pool *pool; /* of a source */
    uint64_t events_wanted;     /* of a source: stops by itself behind them */
    uint64_t seen;              /* events that passed, also the number of the last one */
    uint64_t fail_at;           /* fails on the event of that number */
    uint64_t failures;
    uint64_t ticks;
    uint64_t refused; /* by the pool */
    struct tt_event *kept[POOL_SIZE];
    size_t kept_count;
    bool keeps;   /* holds its events until the gate is opened */
    bool gate;    /* atomic */
    bool stopped; /* atomic */
    bool freed;
};

static enum tt_status pull(struct tt_stage *stage, bool *ret_busy, struct tt_error *err)
{
    struct part *part = (struct part *)stage;
    struct tt_event *events[TT_BATCH_MAX];
    size_t count = 0;
    while (count < TT_BATCH_MAX && part->seen < part->events_wanted &&
           !__atomic_load_n(&part->stopped, __ATOMIC_ACQUIRE)) {
        struct tt_event *event = tt_event_pool_get(part->pool);
        if (event == NULL) {
            part->refused++;
            break;
        }
        event->seq = ++part->seen;
        events[count++] = event;
    }
    if (count == 0) {
        return TT_OK;
    }
    *ret_busy = true;
    return tt_stage_emit(stage, 0, events, count, err);
}

static enum tt_status pass_on(struct tt_stage *stage, struct tt_event *const *events, size_t count,
                              struct tt_error *err)
{
    struct part *part = (struct part *)stage;
    for (size_t i = 0; i < count; i++) {
        if (events[i]->seq != part->seen + 1) {
            return tt_fail(err, TT_E_CORRUPT, "out of order");
        }
        part->seen++;
    }
    bool fails = part->fail_at != 0 && part->seen >= part->fail_at;
    if (fails) {
        part->failures++;
    } else if (part->keeps && !__atomic_load_n(&part->gate, __ATOMIC_ACQUIRE)) {
        memcpy(part->kept + part->kept_count, events, count * sizeof events[0]);
        part->kept_count += count;
        return TT_OK;
    } else if (stage->outputs[0] != NULL) {
        return tt_stage_emit(stage, 0, events, count, err);
    }
    for (size_t i = 0; i < count; i++) {
        tt_event_release(events[i]);
    }
    return fails ? tt_fail(err, TT_E_IO, "broken at %llu", (unsigned long long)part->seen) : TT_OK;
}

static enum tt_status fail_silently(struct tt_stage *stage, struct tt_event *const *events,
                                    size_t count, struct tt_error *err)
{
    (void)stage;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        tt_event_release(events[i]);
    }
    return TT_E_FULL;
}

static enum tt_status tick(struct tt_stage *stage, int64_t now_ns, struct tt_error *err)
{
    (void)now_ns;
    (void)err;
    struct part *part = (struct part *)stage;
    __atomic_add_fetch(&part->ticks, 1, __ATOMIC_RELAXED);
    if (__atomic_load_n(&part->gate, __ATOMIC_ACQUIRE)) {
        for (size_t i = 0; i < part->kept_count; i++) {
            tt_event_release(part->kept[i]);
        }
        part->kept_count = 0;
    }
    return TT_OK;
}

static void stop_source(struct tt_stage *stage)
{
    __atomic_store_n(&((struct part *)stage)->stopped, true, __ATOMIC_RELEASE);
}

/* A stage that is stopped in the middle gives back what it holds. */
static void free_part(struct tt_stage *stage)
{
    struct part *part = (struct part *)stage;
    part->freed = true;
    for (size_t i = 0; i < part->kept_count; i++) {
        tt_event_release(part->kept[i]);
    }
    part->kept_count = 0;
}

static const struct tt_stage_ops source_ops = {
    .name = "source", .on_pull = pull, .stop = stop_source, .free = free_part};
static const struct tt_stage_ops step_ops = {
    .name = "step", .on_batch = pass_on, .on_tick = tick, .free = free_part};
static const struct tt_stage_ops broken_ops = {
    .name = "broken", .on_batch = fail_silently, .free = free_part};

static struct tt_fake_clock fake;
static struct tt_event_pool pool;
static struct tt_bus *bus;
static struct tt_runner *runner;
static struct tt_error err;
static struct part source, left, right, sink;
static int failures_told;
static struct tt_error told;

static void on_failure(void *ctx, const char *stage, const struct tt_error *failure)
{
    (void)ctx;
    (void)stage;
    failures_told++;
    told = *failure;
}

static int set_up(void **state)
{
    (void)state;
    memset(&source, 0, sizeof source);
    left = right = sink = source;
    failures_told = 0;
    tt_fake_clock_init(&fake, 0);
    assert_int_equal(tt_memory_bus_open(&tt_alloc_libc, POOL_SIZE, &bus, &err), TT_OK);
    struct tt_runner_options options = {
        .bus = bus, .pool = &pool, .clock = &fake.clock, .on_failure = on_failure};
    assert_int_equal(tt_runner_new(&tt_alloc_libc, &options, &runner, &err), TT_OK);
    assert_int_equal(
        tt_event_pool_init(&pool, &tt_alloc_libc, POOL_SIZE, 4096, tt_runner_wake(runner, 0), &err),
        TT_OK);
    source.stage.ops = &source_ops;
    source.stage.outputs[0] = "numbers";
    source.pool = &pool;
    source.events_wanted = 100000;
    left.stage.ops = right.stage.ops = sink.stage.ops = &step_ops;
    left.stage.inputs[0] = right.stage.inputs[0] = "numbers";
    return 0;
}

/* Whatever happened: all events are home once runner and bus are gone. */
static int tear_down(void **state)
{
    (void)state;
    tt_runner_free(runner);
    assert_true(source.freed);
    bus->ops->close(bus);
    assert_int_equal(tt_event_pool_used(&pool), 0);
    tt_event_pool_deinit(&pool);
    return 0;
}

static void add(unsigned thread, struct part *part)
{
    assert_int_equal(tt_runner_add(runner, thread, &part->stage, &err), TT_OK);
}

/* Until a counter of another thread has come that far; the test's time limit is the deadline. */
static void wait_for(const uint64_t *counter, uint64_t wanted)
{
    while (__atomic_load_n(counter, __ATOMIC_RELAXED) < wanted) {
        (void)sched_yield();
    }
}

static void a_topic_reaches_every_group_in_order(void **state)
{
    (void)state;
    left.stage.outputs[0] = "left";
    sink.stage.inputs[0] = "left";
    add(0, &source);
    add(1, &left);
    add(2, &right);
    add(1, &sink);
    assert_int_equal(tt_runner_start(runner, &err), TT_OK);
    wait_for(&right.stage.event_count, source.events_wanted);
    tt_runner_drain(runner);
    assert_int_equal(tt_runner_wait(runner, WAIT_MS, &err), TT_OK);
    tt_runner_stop(runner);
    assert_int_equal(left.seen, source.events_wanted);
    assert_int_equal(right.seen, source.events_wanted);
    assert_int_equal(sink.seen, source.events_wanted);
    assert_int_equal(sink.stage.event_count, source.events_wanted);
    assert_true(sink.stage.batch_count <= source.events_wanted);
    assert_false(tt_runner_failed(runner));
}

static void a_drain_finishes_what_is_under_way(void **state)
{
    (void)state;
    source.events_wanted = UINT64_MAX;
    left.stage.outputs[0] = "left";
    sink.stage.inputs[0] = "left";
    add(0, &source);
    add(1, &left);
    add(2, &sink);
    assert_int_equal(tt_runner_start(runner, &err), TT_OK);
    wait_for(&sink.stage.event_count, 1000);
    tt_runner_drain(runner);
    assert_int_equal(tt_runner_wait(runner, WAIT_MS, &err), TT_OK);
    tt_runner_stop(runner);
    assert_true(source.seen >= 1000);
    assert_int_equal(sink.seen, source.seen);
    assert_int_equal(tt_event_pool_used(&pool), 0);
}

static void an_empty_pool_holds_the_source_back(void **state)
{
    (void)state;
    left.keeps = true;
    left.stage.tick_ms = 1;
    add(0, &source);
    add(1, &left);
    assert_int_equal(tt_runner_start(runner, &err), TT_OK);
    wait_for(&left.stage.event_count, POOL_SIZE);
    tt_runner_drain(runner);
    assert_int_equal(tt_runner_wait(runner, 20, &err), TT_E_TIMEOUT);
    assert_string_equal(err.message, "still under way: 300 events");
    assert_int_equal(__atomic_load_n(&left.stage.event_count, __ATOMIC_RELAXED), POOL_SIZE);
    __atomic_store_n(&left.gate, true, __ATOMIC_RELEASE);
    assert_int_equal(tt_runner_wait(runner, WAIT_MS, &err), TT_OK);
    tt_runner_stop(runner);
    assert_true(source.refused > 0);
    assert_int_equal(source.seen, left.seen);
}

static void the_source_goes_on_when_events_come_back(void **state)
{
    (void)state;
    source.events_wanted = 5 * POOL_SIZE;
    left.keeps = true;
    left.stage.tick_ms = 1;
    add(0, &source);
    add(1, &left);
    assert_int_equal(tt_runner_start(runner, &err), TT_OK);
    wait_for(&left.stage.event_count, POOL_SIZE);
    __atomic_store_n(&left.gate, true, __ATOMIC_RELEASE);
    wait_for(&left.stage.event_count, 5 * POOL_SIZE);
    tt_runner_drain(runner);
    assert_int_equal(tt_runner_wait(runner, -1, &err), TT_OK);
    tt_runner_stop(runner);
    assert_int_equal(left.seen, 5 * POOL_SIZE);
}

static void a_stage_that_fails_stops_all(void **state)
{
    (void)state;
    source.events_wanted = UINT64_MAX;
    right.fail_at = 5000;
    left.stage.outputs[0] = "left";
    sink.stage.inputs[0] = "left";
    add(0, &source);
    add(1, &left);
    add(2, &right);
    add(3, &sink);
    assert_int_equal(tt_runner_start(runner, &err), TT_OK);
    assert_int_equal(tt_runner_wait(runner, -1, &err), TT_E_IO);
    assert_true(tt_runner_failed(runner));
    tt_runner_stop(runner);
    assert_int_equal(right.failures, 1);
    assert_int_equal(failures_told, 1);
    assert_string_equal(told.message, err.message);
    assert_int_equal(err.status, TT_E_IO);
}

static void a_failure_without_words_has_its_status(void **state)
{
    (void)state;
    right.stage.ops = &broken_ops;
    add(0, &source);
    add(0, &right);
    assert_int_equal(tt_runner_start(runner, &err), TT_OK);
    assert_int_equal(tt_runner_wait(runner, WAIT_MS, &err), TT_E_FULL);
    assert_string_equal(err.message, "full");
}

static void a_stop_does_not_wait_for_what_is_under_way(void **state)
{
    (void)state;
    source.events_wanted = UINT64_MAX;
    left.keeps = true;
    add(0, &source);
    add(1, &left);
    assert_int_equal(tt_runner_start(runner, &err), TT_OK);
    wait_for(&left.stage.event_count, 10);
    tt_runner_stop(runner);
    tt_runner_stop(runner);
    assert_true(tt_event_pool_used(&pool) > 0);
}

static void ticks_come_without_events(void **state)
{
    (void)state;
    source.events_wanted = 0;
    left.stage.tick_ms = 1;
    add(0, &source);
    add(1, &left);
    assert_int_equal(tt_runner_start(runner, &err), TT_OK);
    wait_for(&left.ticks, 5);
    tt_runner_drain(runner);
    assert_int_equal(tt_runner_wait(runner, WAIT_MS, &err), TT_OK);
}

static void count_round(void *ctx, int64_t monotonic_ns)
{
    assert_int_equal(monotonic_ns, INT64_C(7000000));
    ++*(uint64_t *)ctx;
}

static void a_file_runs_in_the_callers_thread(void **state)
{
    (void)state;
    left.stage.outputs[0] = "left";
    sink.stage.inputs[0] = "left";
    add(0, &source);
    add(0, &left);
    add(0, &right);
    add(0, &sink);
    uint64_t rounds = 0;
    tt_fake_clock_advance(&fake, 7);
    assert_int_equal(tt_runner_run_inline(runner, count_round, &rounds, &err), TT_OK);
    assert_in_range(rounds, source.events_wanted / POOL_SIZE, source.events_wanted);
    assert_int_equal(sink.seen, source.events_wanted);
    assert_int_equal(right.seen, source.events_wanted);
    assert_int_equal(tt_event_pool_used(&pool), 0);
}

static void a_failure_ends_a_run_in_the_callers_thread(void **state)
{
    (void)state;
    left.fail_at = 1000;
    add(0, &source);
    add(0, &left);
    assert_int_equal(tt_runner_run_inline(runner, NULL, NULL, &err), TT_E_IO);
    assert_string_equal(err.message, told.message);
    assert_true(source.seen < 2000);
}

static void nobody_listening_loses_nothing(void **state)
{
    (void)state;
    source.events_wanted = 1000;
    add(0, &source);
    assert_int_equal(tt_runner_run_inline(runner, NULL, NULL, &err), TT_OK);
    assert_int_equal(source.seen, 1000);
    assert_int_equal(tt_event_pool_used(&pool), 0);
}

/* The pool would wake the runner's thread when the bus, closed last, gives its events back. */
static void events_come_home_after_the_runner_is_gone(void **state)
{
    (void)state;
    struct tt_consumer *consumer = NULL;
    add(0, &source);
    assert_int_equal(bus->ops->open_consumer(bus, "numbers", "slow", (struct tt_wake){NULL, NULL},
                                             &consumer, &err),
                     TT_OK);
    assert_int_equal(tt_runner_run_inline(runner, NULL, NULL, &err), TT_OK);
    assert_int_equal(source.refused, 2);
    assert_int_equal(bus->ops->lag(consumer), POOL_SIZE);
}

static void count_stage(void *ctx, const struct tt_stage *stage)
{
    assert_non_null(stage->ops);
    ++*(int *)ctx;
}

static void every_stage_is_visited(void **state)
{
    (void)state;
    add(0, &source);
    add(5, &left);
    add(7, &right);
    int count = 0;
    tt_runner_each(runner, count_stage, &count);
    assert_int_equal(count, 3);
}

static enum tt_status connect_all(const struct tt_alloc *alloc, void *ctx)
{
    (void)ctx;
    struct part parts[2];
    memset(parts, 0, sizeof parts);
    struct tt_bus *made_bus = NULL;
    struct tt_runner *made = NULL;
    enum tt_status status = tt_memory_bus_open(alloc, 4, &made_bus, NULL);
    if (status != TT_OK) {
        return status;
    }
    struct tt_runner_options options = {.bus = made_bus, .clock = &fake.clock};
    status = tt_runner_new(alloc, &options, &made, NULL);
    parts[0].stage.ops = &source_ops;
    parts[0].stage.outputs[0] = "numbers";
    parts[1].stage.ops = &step_ops;
    parts[1].stage.inputs[0] = "numbers";
    for (unsigned i = 0; status == TT_OK && i < 2; i++) {
        status = tt_runner_add(made, i, &parts[i].stage, NULL);
        assert_true(status == TT_OK || status == TT_E_NOMEM);
    }
    tt_runner_free(made);
    made_bus->ops->close(made_bus);
    return status;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    tt_torture_run(connect_all, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_topic_reaches_every_group_in_order),
        TEST(a_drain_finishes_what_is_under_way),
        TEST(an_empty_pool_holds_the_source_back),
        TEST(the_source_goes_on_when_events_come_back),
        TEST(a_stage_that_fails_stops_all),
        TEST(a_failure_without_words_has_its_status),
        TEST(a_stop_does_not_wait_for_what_is_under_way),
        TEST(ticks_come_without_events),
        TEST(a_file_runs_in_the_callers_thread),
        TEST(a_failure_ends_a_run_in_the_callers_thread),
        TEST(nobody_listening_loses_nothing),
        TEST(events_come_home_after_the_runner_is_gone),
        TEST(every_stage_is_visited),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
