/* See runner.h. A thread serves its stages from the last to the first, then lets its sources take
 * one batch; when nothing moved it sleeps on its waker until a message, a credit or a tick
 * comes. */
#include "runtime/runner.h"

#include <string.h>
#include <time.h>

#define SLEEP_MS_MAX 100

struct worker {
    struct tt_runner *runner;
    struct tt_waker waker;
    struct tt_stage *stages[TT_RUNNER_STAGES_MAX];
    uint32_t stage_count;
    pthread_t thread;
    bool started;
};

struct tt_runner {
    const struct tt_alloc *alloc;
    struct tt_runner_options options;
    struct worker workers[TT_RUNNER_THREADS_MAX];
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct tt_error failure;
    bool failed;   /* atomic */
    bool draining; /* atomic */
    bool drained;  /* atomic */
    bool stopping; /* atomic */
};

static bool flag(const bool *value)
{
    return __atomic_load_n(value, __ATOMIC_ACQUIRE);
}

static void announce(struct tt_runner *runner, bool *value)
{
    pthread_mutex_lock(&runner->lock);
    __atomic_store_n(value, true, __ATOMIC_RELEASE);
    pthread_cond_broadcast(&runner->changed);
    pthread_mutex_unlock(&runner->lock);
}

static void wake_all(struct tt_runner *runner)
{
    for (unsigned i = 0; i < TT_RUNNER_THREADS_MAX; i++) {
        tt_waker_signal(&runner->workers[i].waker);
    }
}

static void fail(struct tt_runner *runner, const struct tt_stage *stage, const struct tt_error *err)
{
    pthread_mutex_lock(&runner->lock);
    bool first = !runner->failed;
    if (first) {
        runner->failure = *err;
        __atomic_store_n(&runner->failed, true, __ATOMIC_RELEASE);
        __atomic_store_n(&runner->stopping, true, __ATOMIC_RELEASE);
    }
    pthread_cond_broadcast(&runner->changed);
    pthread_mutex_unlock(&runner->lock);
    if (first && runner->options.on_failure != NULL) {
        runner->options.on_failure(runner->options.ctx, stage->ops->name, err);
    }
    wake_all(runner);
}

/* One batch of one input. */
static enum tt_status serve_input(struct tt_stage *stage, unsigned input, bool *busy,
                                  struct tt_error *err)
{
    struct tt_event *events[TT_BATCH_MAX];
    size_t count = 0;
    enum tt_status status =
        stage->bus->ops->poll(stage->consumers[input], events, TT_BATCH_MAX, &count, err);
    if (status != TT_OK || count == 0) {
        return status;
    }
    *busy = true;
    __atomic_store_n(&stage->event_count, stage->event_count + count, __ATOMIC_RELAXED);
    __atomic_store_n(&stage->batch_count, stage->batch_count + 1, __ATOMIC_RELAXED);
    return stage->ops->on_batch(stage, events, count, err);
}

static enum tt_status serve_stage(struct tt_stage *stage, int64_t now_ns, bool *busy,
                                  struct tt_error *err)
{
    enum tt_status status = TT_OK;
    for (unsigned i = 0; i < TT_STAGE_TOPICS_MAX && stage->inputs[i] != NULL; i++) {
        status = serve_input(stage, i, busy, err);
        if (status != TT_OK) {
            return status;
        }
    }
    if (stage->ops->on_pull != NULL) {
        status = stage->ops->on_pull(stage, busy, err);
    }
    if (status == TT_OK && stage->ops->on_tick != NULL) {
        status = stage->ops->on_tick(stage, now_ns, err);
    }
    return status;
}

/* One round over all stages, the latest first; false when a stage failed. */
static bool serve(struct worker *worker, bool *busy)
{
    int64_t now_ns = tt_clock_monotonic_ns(worker->runner->options.clock);
    for (uint32_t i = worker->stage_count; i-- > 0;) {
        struct tt_error err = {0};
        enum tt_status status = serve_stage(worker->stages[i], now_ns, busy, &err);
        if (status != TT_OK) {
            if (err.status == TT_OK) {
                (void)tt_fail(&err, status, "%s", tt_status_name(status));
            }
            fail(worker->runner, worker->stages[i], &err);
            return false;
        }
    }
    return true;
}

static int64_t sleep_ms(const struct worker *worker)
{
    int64_t least = SLEEP_MS_MAX;
    for (uint32_t i = 0; i < worker->stage_count; i++) {
        uint32_t tick_ms = worker->stages[i]->tick_ms;
        if (tick_ms != 0 && tick_ms < least) {
            least = tick_ms;
        }
    }
    return least;
}

/* A stage that works better on more at once asks for a rest: messages gather, and nobody is woken for
 * each of them. True when the thread rested. */
static bool rest(struct worker *worker)
{
    int64_t longest_ns = 0;
    for (uint32_t i = 0; i < worker->stage_count; i++) {
        struct tt_stage *stage = worker->stages[i];
        longest_ns = stage->rest_ns > longest_ns ? stage->rest_ns : longest_ns;
        stage->rest_ns = 0;
    }
    if (longest_ns > 0) {
        struct timespec time = {longest_ns / 1000000000, longest_ns % 1000000000};
        (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
    }
    return longest_ns > 0;
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct tt_runner *runner = worker->runner;
    int64_t idle_ms = sleep_ms(worker);
    while (!flag(&runner->stopping)) {
        /* looked at before the round: what the sources had taken in until then gets its turn */
        bool draining = flag(&runner->draining);
        bool busy = false;
        if (!serve(worker, &busy)) {
            break;
        }
        if (busy || rest(worker)) {
            continue;
        }
        /* only the thread of the sources can tell: nothing is taken in meanwhile */
        if (worker == runner->workers && draining &&
            tt_event_pool_used(runner->options.pool) == 0) {
            announce(runner, &runner->drained);
        }
        tt_waker_wait(&worker->waker, idle_ms);
    }
    return NULL;
}

enum tt_status tt_runner_new(const struct tt_alloc *alloc, const struct tt_runner_options *options,
                             struct tt_runner **ret, struct tt_error *err)
{
    struct tt_runner *runner = tt_new_array(alloc, 1, sizeof *runner);
    if (runner == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for the stage runner");
    }
    runner->alloc = alloc;
    runner->options = *options;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&runner->lock, NULL);
    pthread_cond_init(&runner->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    for (unsigned i = 0; i < TT_RUNNER_THREADS_MAX; i++) {
        runner->workers[i].runner = runner;
        tt_waker_init(&runner->workers[i].waker);
    }
    *ret = runner;
    return TT_OK;
}

static enum tt_status connect(struct tt_runner *runner, struct worker *worker,
                              struct tt_stage *stage, struct tt_error *err)
{
    struct tt_bus *bus = runner->options.bus;
    stage->bus = bus;
    for (unsigned i = 0; i < TT_STAGE_TOPICS_MAX && stage->outputs[i] != NULL; i++) {
        enum tt_status status =
            bus->ops->open_producer(bus, stage->outputs[i], &stage->producers[i], err);
        if (status != TT_OK) {
            return status;
        }
    }
    for (unsigned i = 0; i < TT_STAGE_TOPICS_MAX && stage->inputs[i] != NULL; i++) {
        enum tt_status status =
            bus->ops->open_consumer(bus, stage->inputs[i], stage->ops->name,
                                    tt_waker_callback(&worker->waker), &stage->consumers[i], err);
        if (status != TT_OK) {
            return status;
        }
    }
    return TT_OK;
}

enum tt_status tt_runner_add(struct tt_runner *runner, unsigned thread, struct tt_stage *stage,
                             struct tt_error *err)
{
    TT_ASSERT(thread < TT_RUNNER_THREADS_MAX);
    struct worker *worker = &runner->workers[thread];
    TT_ASSERT(worker->stage_count < TT_RUNNER_STAGES_MAX);
    worker->stages[worker->stage_count++] = stage;
    return connect(runner, worker, stage, err);
}

struct tt_wake tt_runner_wake(struct tt_runner *runner, unsigned thread)
{
    TT_ASSERT(thread < TT_RUNNER_THREADS_MAX);
    return tt_waker_callback(&runner->workers[thread].waker);
}

enum tt_status tt_runner_start(struct tt_runner *runner, struct tt_error *err)
{
    for (unsigned i = 0; i < TT_RUNNER_THREADS_MAX; i++) {
        struct worker *worker = &runner->workers[i];
        if (worker->stage_count == 0) {
            continue;
        }
        int result = pthread_create(&worker->thread, NULL, work, worker);
        if (result != 0) {
            return tt_fail(err, TT_E_LIMIT, "cannot start a thread: %s", strerror(result));
        }
        worker->started = true;
    }
    return TT_OK;
}

enum tt_status tt_runner_run_inline(struct tt_runner *runner,
                                    void (*on_round)(void *ctx, int64_t monotonic_ns), void *ctx,
                                    struct tt_error *err)
{
    struct worker *worker = &runner->workers[0];
    bool busy = true;
    while (busy && !flag(&runner->stopping)) {
        busy = false;
        if (!serve(worker, &busy)) {
            break;
        }
        if (on_round != NULL) {
            on_round(ctx, tt_clock_monotonic_ns(runner->options.clock));
        }
    }
    if (runner->failed && err != NULL) {
        *err = runner->failure;
    }
    return runner->failed ? runner->failure.status : TT_OK;
}

void tt_runner_drain(struct tt_runner *runner)
{
    for (unsigned i = 0; i < TT_RUNNER_THREADS_MAX; i++) {
        for (uint32_t k = 0; k < runner->workers[i].stage_count; k++) {
            struct tt_stage *stage = runner->workers[i].stages[k];
            if (stage->ops->stop != NULL) {
                stage->ops->stop(stage);
            }
        }
    }
    __atomic_store_n(&runner->draining, true, __ATOMIC_RELEASE);
    wake_all(runner);
}

enum tt_status tt_runner_wait(struct tt_runner *runner, int64_t timeout_ms, struct tt_error *err)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += timeout_ms % 1000 * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    enum tt_status status = TT_OK;
    pthread_mutex_lock(&runner->lock);
    while (!runner->failed && !runner->drained && status == TT_OK) {
        int result = timeout_ms < 0
                         ? pthread_cond_wait(&runner->changed, &runner->lock)
                         : pthread_cond_timedwait(&runner->changed, &runner->lock, &until);
        if (result != 0) {
            status = tt_fail(err, TT_E_TIMEOUT, "still under way: %zu events",
                             tt_event_pool_used(runner->options.pool));
        }
    }
    if (runner->failed) {
        status = runner->failure.status;
        if (err != NULL) {
            *err = runner->failure;
        }
    } else if (runner->drained) {
        status = TT_OK;
    }
    pthread_mutex_unlock(&runner->lock);
    return status;
}

void tt_runner_stop(struct tt_runner *runner)
{
    __atomic_store_n(&runner->stopping, true, __ATOMIC_RELEASE);
    wake_all(runner);
    for (unsigned i = 0; i < TT_RUNNER_THREADS_MAX; i++) {
        struct worker *worker = &runner->workers[i];
        if (worker->started) {
            pthread_join(worker->thread, NULL);
            worker->started = false;
        }
    }
}

bool tt_runner_failed(const struct tt_runner *runner)
{
    return flag(&runner->failed);
}

void tt_runner_free(struct tt_runner *runner)
{
    if (runner == NULL) {
        return;
    }
    tt_runner_stop(runner);
    if (runner->options.pool != NULL) {
        /* events still come home: from the stages below, and when the bus closes */
        tt_event_pool_silence(runner->options.pool);
    }
    for (unsigned i = 0; i < TT_RUNNER_THREADS_MAX; i++) {
        struct worker *worker = &runner->workers[i];
        for (uint32_t k = 0; k < worker->stage_count; k++) {
            if (worker->stages[k]->ops->free != NULL) {
                worker->stages[k]->ops->free(worker->stages[k]);
            }
        }
        tt_waker_deinit(&worker->waker);
    }
    pthread_cond_destroy(&runner->changed);
    pthread_mutex_destroy(&runner->lock);
    tt_delete(runner->alloc, runner, sizeof *runner);
}

void tt_runner_each(struct tt_runner *runner,
                    void (*visit)(void *ctx, const struct tt_stage *stage), void *ctx)
{
    for (unsigned i = 0; i < TT_RUNNER_THREADS_MAX; i++) {
        for (uint32_t k = 0; k < runner->workers[i].stage_count; k++) {
            visit(ctx, runner->workers[i].stages[k]);
        }
    }
}
