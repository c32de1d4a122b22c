/*
 * How fast traffic is made up, and how fast and how large its evaluation is.
 *
 * Usage: bench_sim_evaluate [rows] [customers]. Scores are the amounts: only speed is measured.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "core/evaluate/evaluate.h"
#include "core/sim/sim.h"

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static struct tt_sim *sim_make(uint32_t customers)
{
    struct tt_sim_options options = tt_sim_options_default();
    options.customers = customers;
    options.merchants = customers < 20000 ? 1000 : customers / 20;
    struct tt_sim *sim = NULL;
    struct tt_error err;
    if (tt_sim_new(&tt_alloc_libc, &options, &sim, &err) != TT_OK) {
        (void)fprintf(stderr, "sim_evaluate: %s\n", err.message);
        exit(EXIT_FAILURE);
    }
    return sim;
}

/* Rows/s of making alone. */
static void bench_sim(uint32_t customers, unsigned long rows)
{
    struct tt_sim *sim = sim_make(customers);
    struct tt_sim_transaction row;
    double start = now_s();
    for (unsigned long i = 0; i < rows; i++) {
        if (tt_sim_next(sim, &row) != TT_OK) {
            exit(EXIT_FAILURE);
        }
    }
    (void)printf("generate  %10.0f rows/s  (%u customers)\n", (double)rows / (now_s() - start),
                 customers);
    tt_sim_free(sim);
}

static void bench_evaluate(uint32_t customers, unsigned long rows)
{
    struct tt_sim *sim = sim_make(customers);
    struct tt_evaluation_options options = tt_evaluation_options_default();
    options.fold_count = 1;
    struct tt_evaluation *evaluation = NULL;
    struct tt_sim_transaction made;
    static struct tt_evaluation_report report;
    if (tt_evaluation_new(&tt_alloc_libc, &options, &evaluation, NULL) != TT_OK) {
        exit(EXIT_FAILURE);
    }
    double adding = 0.0;
    for (unsigned long i = 0; i < rows; i++) {
        if (tt_sim_next(sim, &made) != TT_OK) {
            exit(EXIT_FAILURE);
        }
        struct tt_evaluation_row row = {.score = (double)made.amount_minor,
                                        .timestamp_ms = made.timestamp_ms,
                                        .amount_minor = made.amount_minor,
                                        .user = tt_str_from(made.user_id),
                                        .fraud = made.kind != TT_SIM_GENUINE,
                                        .kind = tt_str_from(tt_sim_kind_name(made.kind))};
        double start = now_s();
        if (tt_evaluation_add(evaluation, &row) != TT_OK) {
            exit(EXIT_FAILURE);
        }
        adding += now_s() - start;
    }
    double start = now_s();
    if (tt_evaluation_finish(evaluation, &report) != TT_OK) {
        exit(EXIT_FAILURE);
    }
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    (void)printf("evaluate  %10.0f rows/s added, report in %.0f ms, peak %ld MiB\n",
                 (double)rows / adding, (now_s() - start) * 1e3, usage.ru_maxrss / 1024);
    tt_evaluation_free(evaluation);
    tt_sim_free(sim);
}

int main(int argc, char **argv)
{
    unsigned long rows = argc > 1 ? strtoul(argv[1], NULL, 10) : 1754155;
    uint32_t customers = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 5000;
    bench_sim(customers, rows);
    bench_evaluate(customers, rows);
    return EXIT_SUCCESS;
}
