/*
 * A merchant with a million payments an hour: what one costs, and what the merchant weighs.
 *
 * usage: hot [payments] [events_max]
 *
 * Payments of one merchant, 3.6 ms apart, by a million customers on as many devices: in order, then
 * every hundredth up to a minute late. The plan has windows of an hour, a day and thirty days
 * over counts, sums, deviations, order statistics, distinct devices, known frauds and last payments.
 * Time is the thread's CPU time in the step; the slowest batch of 64 shows what a pane's end costs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/rng.h"
#include "core/features/step.h"
#include "format/yaml.h"

#define BATCH 64
#define GAP_US 3600
#define CUSTOMERS 1000000

static const char PLAN[] =
    "entities: {merchant: {key: merchant_id, events_max: %u}}\n"
    "features:\n"
    "- {name: n_1h, entity: merchant, aggregate: count, window: 1h}\n"
    "- {name: n_30d, entity: merchant, aggregate: count, window: 30d}\n"
    "- {name: sum_1d, entity: merchant, aggregate: sum, field: amount, window: 1d}\n"
    "- {name: std_30d, entity: merchant, aggregate: std, field: amount, window: 30d}\n"
    "- {name: declined_1h, entity: merchant, aggregate: share, window: 1h, filter: 'authorization "
    "== \"declined\"'}\n"
    "- {name: fraud_7d, entity: merchant, aggregate: fraud_share, window: 7d, delay: 7d}\n"
    "- {name: since, entity: merchant, aggregate: seconds_since_last, window: 1d}\n"
    "%s";
static const char SORTED[] =
    "- {name: median_1d, entity: merchant, aggregate: median, field: amount, window: 1d}\n"
    "- {name: mad_1d, entity: merchant, aggregate: mad, field: amount, window: 1d}\n"
    "- {name: devices_1d, entity: merchant, aggregate: count_distinct, field: device_id, window: "
    "1d}\n";

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct tt_plan *make_plan(unsigned events_max, bool sorted)
{
    static char text[8192];
    struct tt_error err = {0};
    struct tt_arena arena;
    struct tt_tree *root = NULL;
    struct tt_plan *plan = NULL;
    int size = snprintf(text, sizeof(text), PLAN, events_max, sorted ? SORTED : "");
    tt_arena_init(&arena, &tt_alloc_libc, 64U << 10, 64U << 20);
    if (tt_yaml_parse(&arena, (struct tt_str){text, (size_t)size}, &root, &err) != TT_OK ||
        tt_plan_compile(&tt_alloc_libc, root, NULL, &plan, &err) != TT_OK) {
        fprintf(stderr, "%u:%u: %s\n", err.line, err.column, err.message);
        exit(1);
    }
    tt_arena_deinit(&arena);
    return plan;
}

struct ids {
    char id[16], user[16], device[16];
};

static void fill(struct tt_event *event, struct ids *ids, struct tt_rng *rng, uint64_t number,
                 bool late)
{
    uint64_t customer = tt_rng_below(rng, CUSTOMERS);
    int64_t late_ms = late && tt_rng_below(rng, 100) == 0 ? (int64_t)tt_rng_below(rng, 60000) : 0;
    snprintf(ids->id, sizeof(ids->id), "%llu", (unsigned long long)number);
    snprintf(ids->user, sizeof(ids->user), "u-%llu", (unsigned long long)customer);
    snprintf(ids->device, sizeof(ids->device), "d-%llu", (unsigned long long)customer);
    memset(&event->txn, 0, sizeof(event->txn));
    event->kind = TT_EVENT_TRANSACTION;
    event->gate = TT_GATE_FRESH;
    event->txn.timestamp_ms = INT64_C(1772000000000) + (int64_t)(number * GAP_US / 1000) - late_ms;
    event->txn.amount_minor = (int64_t)(tt_rng_exponential(rng) * 5000.0) + 1;
    event->txn.currency = tt_currency_find(TT_STR("EUR"));
    event->txn.type = TT_TXN_PURCHASE;
    event->txn.authorization = tt_rng_below(rng, 30) == 0 ? TT_AUTH_DECLINED : TT_AUTH_APPROVED;
    event->txn.text[TT_TEXT_TRANSACTION_ID] = tt_str_from(ids->id);
    event->txn.text[TT_TEXT_USER_ID] = tt_str_from(ids->user);
    event->txn.text[TT_TEXT_DEVICE_ID] = tt_str_from(ids->device);
    event->txn.text[TT_TEXT_MERCHANT_ID] = TT_STR("m");
}

struct run {
    const char *name;
    bool sorted, late;
};

/* The second half is measured: the first fills the rows. */
static int pass(const struct run *run, uint64_t payments, unsigned events_max)
{
    static struct tt_event events[BATCH];
    static struct ids ids[BATCH];
    struct tt_event *batch[BATCH];
    struct tt_step_options options = {
        .entities_max = 16, .memory_bytes_max = SIZE_MAX, .key = {1, 2}};
    struct tt_plan *plan = make_plan(events_max, run->sorted);
    struct tt_step *step = NULL;
    struct tt_rng rng;
    double spent = 0.0, slowest = 0.0;
    uint64_t measured = 0;
    tt_rng_init(&rng, 7);
    if (tt_step_new(&tt_alloc_libc, plan, tt_plan_step_count(plan) - 1, &options, &step, NULL) !=
        TT_OK) {
        return 1;
    }
    for (uint64_t done = 0; done < payments; done += BATCH) {
        bool counts = done >= payments / 2;
        for (size_t i = 0; i < BATCH; i++) {
            batch[i] = &events[i];
            fill(&events[i], &ids[i], &rng, done + i, run->late && counts);
        }
        double start = seconds_now();
        if (tt_step_run(step, batch, BATCH, NULL) != TT_OK) {
            return 1;
        }
        double took = seconds_now() - start;
        spent += counts ? took : 0.0;
        slowest = counts && took > slowest ? took : slowest;
        measured += counts ? BATCH : 0;
    }
    struct tt_step_stats stats = tt_step_stats(step);
    printf("%-40s %8.0f ns a payment, slowest batch of %d %7.0f us, %9llu bytes, %llu in panes\n",
           run->name, spent / (double)measured * 1e9, BATCH, slowest * 1e6,
           (unsigned long long)stats.bytes, (unsigned long long)stats.demoted);
    fflush(stdout);
    tt_step_free(step);
    tt_plan_free(plan);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct run RUNS[] = {
        {"counts and sums, in order", false, false},
        {"counts and sums, some late", false, true},
        {"with sorted and distinct, in order", true, false},
        {"with sorted and distinct, some late", true, true},
    };
    uint64_t payments = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    unsigned events_max = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : TT_PLAN_EVENTS_DEFAULT;
    if (payments == 0 || events_max == 0 || events_max > TT_PLAN_EVENTS_MAX) {
        fprintf(stderr, "usage: hot [payments] [events_max]\n");
        return 2;
    }
    for (size_t i = 0; i < TT_ARRAY_SIZE(RUNS); i++) {
        if (pass(&RUNS[i], payments, events_max) != 0) {
            return 1;
        }
    }
    return 0;
}
