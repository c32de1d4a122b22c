/*
 * How fast a feature file is: transactions a second through all its steps, on one core.
 *
 * usage: features FILE.yaml [transactions] [users] [batch|both]
 *
 * Synthetic events with the handbook stream's shape: 5,000 users with two payments a day, 10,000
 * merchants, two devices a user, half a year, in order. Time is the thread's CPU time in the steps;
 * making the events is not in it. A batch of 1 is the one-by-one path: nothing is fetched ahead;
 * `both` measures that one too, between two runs in batches.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/rng.h"
#include "core/features/step.h"
#include "format/yaml.h"

#define BATCH 256
#define MERCHANTS 10000

struct ids {
    char user[16], merchant[16], device[16];
};

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct tt_plan *read_plan(const char *path)
{
    static char text[1U << 20];
    struct tt_error err = {0};
    struct tt_arena arena;
    struct tt_tree *root = NULL;
    struct tt_plan *plan = NULL;
    FILE *file = fopen(path, "rb");
    size_t size = file == NULL ? 0 : fread(text, 1, sizeof(text), file);
    if (file != NULL) {
        fclose(file);
    }
    tt_arena_init(&arena, &tt_alloc_libc, 64U << 10, 64U << 20);
    if (tt_yaml_parse(&arena, (struct tt_str){text, size}, &root, &err) != TT_OK ||
        tt_plan_compile(&tt_alloc_libc, root, NULL, &plan, &err) != TT_OK) {
        fprintf(stderr, "%s:%u:%u: %s\n", path, err.line, err.column, err.message);
        exit(1);
    }
    tt_arena_deinit(&arena);
    return plan;
}

static void fill(struct tt_event *event, struct ids *ids, char *id, struct tt_rng *rng,
                 uint64_t number, int64_t t_ms, uint32_t users)
{
    uint64_t user = tt_rng_below(rng, users), day = number % 7;
    uint64_t merchant = (user * 131 + tt_rng_below(rng, 30) * 17) % MERCHANTS;
    snprintf(id, 16, "%llu", (unsigned long long)number);
    snprintf(ids->user, sizeof(ids->user), "u-%llu", (unsigned long long)user);
    snprintf(ids->merchant, sizeof(ids->merchant), "m-%llu", (unsigned long long)merchant);
    snprintf(ids->device, sizeof(ids->device), "d-%llu",
             (unsigned long long)(user * 2 + (day == 0 ? 1 : 0)));
    memset(&event->txn, 0, sizeof(event->txn));
    event->kind = TT_EVENT_TRANSACTION;
    event->gate = TT_GATE_FRESH;
    event->txn.timestamp_ms = t_ms;
    event->txn.amount_minor = (int64_t)(tt_rng_exponential(rng) * 5000.0) + 1;
    event->txn.currency = tt_currency_find(TT_STR("EUR"));
    event->txn.type = TT_TXN_PURCHASE;
    event->txn.authorization = tt_rng_below(rng, 30) == 0 ? TT_AUTH_DECLINED : TT_AUTH_APPROVED;
    event->txn.has_position = true;
    event->txn.latitude = 48.0 + (double)(merchant % 100) / 50.0;
    event->txn.longitude = 11.0 + (double)(merchant / 100) / 50.0;
    event->txn.text[TT_TEXT_TRANSACTION_ID] = tt_str_from(id);
    event->txn.text[TT_TEXT_USER_ID] = tt_str_from(ids->user);
    event->txn.text[TT_TEXT_MERCHANT_ID] = tt_str_from(ids->merchant);
    event->txn.text[TT_TEXT_DEVICE_ID] = tt_str_from(ids->device);
}

/* Passes the events in batches of `size`; the clock, which is a system call, is read around all. */
static enum tt_status run_pieces(struct tt_step *step, struct tt_event *const *events, size_t size)
{
    enum tt_status status = TT_OK;
    for (size_t at = 0; at < BATCH && status == TT_OK; at += size) {
        size_t count = BATCH - at < size ? BATCH - at : size;
        status = tt_step_run(step, events + at, count, NULL);
    }
    return status;
}

/* CPU nanoseconds a transaction in all steps; prints what each step took when told to. */
static double run(const struct tt_plan *plan, uint64_t count, uint32_t users, size_t batch_size,
                  bool print)
{
    static struct tt_event events[BATCH];
    static struct ids ids[BATCH];
    static char texts[BATCH][16];
    struct tt_event *batch[BATCH];
    struct tt_step *steps[TT_STEPS_MAX];
    struct tt_step_options options = {
        .entities_max = 1U << 24, .memory_bytes_max = SIZE_MAX, .key = {1, 2}};
    uint32_t step_count = tt_plan_step_count(plan);
    for (uint32_t i = 0; i < step_count; i++) {
        if (tt_step_new(&tt_alloc_libc, plan, i, &options, &steps[i], NULL) != TT_OK) {
            exit(1);
        }
    }
    struct tt_rng rng;
    tt_rng_init(&rng, 7);
    double spent[TT_STEPS_MAX] = {0}, t_ms = 1.7e12, total = 0.0;
    double gap_ms = 86400e3 / (2.0 * users);
    for (uint64_t done = 0; done < count; done += BATCH) {
        for (size_t i = 0; i < BATCH; i++) {
            t_ms += tt_rng_exponential(&rng) * gap_ms;
            batch[i] = &events[i];
            fill(&events[i], &ids[i], texts[i], &rng, done + i, (int64_t)t_ms, users);
        }
        for (uint32_t s = 0; s < step_count; s++) {
            double start = seconds_now();
            enum tt_status status = run_pieces(steps[s], batch, batch_size);
            spent[s] += seconds_now() - start;
            if (status != TT_OK) {
                exit(1);
            }
        }
    }
    for (uint32_t s = 0; s < step_count; s++) {
        struct tt_step_stats stats = tt_step_stats(steps[s]);
        total += spent[s];
        if (print) {
            printf("%-10s %7.1f ns/tx  %8llu entities  %7.0f bytes each  %5.0f bytes an event\n",
                   tt_plan_step_name(plan, s), spent[s] / (double)count * 1e9,
                   (unsigned long long)stats.entities,
                   stats.entities > 0 ? (double)stats.bytes / (double)stats.entities : 0.0,
                   (double)stats.bytes / (double)stats.absorbed);
        }
        tt_step_free(steps[s]);
    }
    return total / (double)count * 1e9;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: features FILE.yaml [transactions] [users] [batch|both]\n");
        return 2;
    }
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 1750000;
    uint32_t users = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 5000;
    bool both = argc > 4 && strcmp(argv[4], "both") == 0;
    size_t batch_size = argc > 4 && !both ? strtoul(argv[4], NULL, 10) : BATCH;
    if (count == 0 || users == 0 || batch_size == 0 || batch_size > BATCH) {
        fprintf(stderr, "features: a batch is 1 to %d transactions\n", BATCH);
        return 2;
    }
    struct tt_plan *plan = read_plan(argv[1]);
    double took = run(plan, count, users, batch_size, true);
    printf("%s: %.0f tx/s, %.0f ns (%u features, %llu transactions, %u users)\n", argv[1],
           1e9 / took, took, tt_plan_feature_count(plan), (unsigned long long)count, users);
    if (both) {
        double alone = run(plan, count, users, 1, false);
        double again = run(plan, count, users, batch_size, false);
        took = again < took ? again : took;
        printf("  one by one %.0f ns, in batches %.0f ns: %.2f x (3.5 or more; 200 ns or less)\n",
               alone, took, alone / took);
    }
    tt_plan_free(plan);
    return 0;
}
