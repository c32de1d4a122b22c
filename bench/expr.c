/*
 * Expressions: nanoseconds an evaluation, and compiling and running a thousand rules' conditions.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/expr/expr.h"

#define EVALUATIONS 20000000
#define CONDITIONS 1000
#define ROUNDS 2000
#define RUNS 5

static const char velocity[] = "user_tx_count_1h > 5 && device_age_days < 1 && amount > 100.0 && "
                               "channel == \"online\"";

struct bench {
    struct tt_expr_env *env;
    struct tt_value slots[8];
    struct tt_expr_scratch scratch;
};

static double now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void declare(struct bench *bench, const char *name, enum tt_type type, struct tt_value value)
{
    uint32_t slot = 0;
    TT_ASSERT(tt_expr_env_add(bench->env, tt_str_from(name), type, &slot, NULL) == TT_OK);
    bench->slots[slot] = value;
}

static struct tt_expr *compile(const struct bench *bench, const char *text)
{
    struct tt_expr_options options = {.text = tt_str_from(text)};
    struct tt_expr *expr = NULL;
    TT_ASSERT(tt_expr_compile(&tt_alloc_libc, bench->env, &options, &expr, NULL) == TT_OK);
    return expr;
}

/* The best of some runs over an expression whose first term varies; all terms are evaluated. */
static void bench_expression(struct bench *bench, const char *text)
{
    struct tt_expr *expr = compile(bench, text);
    double best = 1e300;
    uint64_t fired = 0;
    for (int run = 0; run < RUNS; run++) {
        double start = now_ns();
        for (int i = 0; i < EVALUATIONS; i++) {
            struct tt_value value;
            bench->slots[0].number = (double)(6 + (i & 3));
            tt_expr_eval(expr, bench->slots, &bench->scratch, &value);
            fired += value.type == TT_TYPE_BOOL && value.boolean ? 1 : 0;
        }
        double took = (now_ns() - start) / EVALUATIONS;
        best = took < best ? took : best;
    }
    printf("%6.2f ns  %s  (%llu fired)\n", best, text, (unsigned long long)(fired / RUNS));
    tt_expr_free(expr);
}

static void bench_many(struct bench *bench)
{
    static struct tt_expr *exprs[CONDITIONS];
    char text[256];
    double start = now_ns();
    for (int i = 0; i < CONDITIONS; i++) {
        (void)snprintf(text, sizeof(text),
                       "user_tx_count_1h > %d && device_age_days < %d && amount > %d.5", i % 40,
                       1 + i % 7, 10 * i);
        exprs[i] = compile(bench, text);
    }
    printf("%6.2f ms to compile %d conditions\n", (now_ns() - start) / 1e6, CONDITIONS);
    start = now_ns();
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < CONDITIONS; i++) {
            struct tt_value value;
            tt_expr_eval(exprs[i], bench->slots, &bench->scratch, &value);
        }
    }
    printf("%6.2f us to run them one by one\n", (now_ns() - start) / ROUNDS / 1e3);
    for (int i = 0; i < CONDITIONS; i++) {
        tt_expr_free(exprs[i]);
    }
}

int main(void)
{
    static struct bench bench;
    TT_ASSERT(tt_expr_env_new(&tt_alloc_libc, NULL, &bench.env, NULL) == TT_OK);
    declare(&bench, "user_tx_count_1h", TT_TYPE_DOUBLE, tt_value_double(7.0));
    declare(&bench, "device_age_days", TT_TYPE_DOUBLE, tt_value_double(0.2));
    declare(&bench, "amount", TT_TYPE_DOUBLE, tt_value_double(150.0));
    declare(&bench, "channel", TT_TYPE_STRING, tt_value_text(TT_STR("online")));
    declare(&bench, "gone", TT_TYPE_DOUBLE, tt_value_none(TT_VALUE_MISSING));
    bench_expression(&bench, velocity);
    bench_expression(&bench, "gone > 1 && amount < 100.0");
    bench_expression(&bench, "amount / user_tx_count_1h > 3.5 * device_age_days");
    bench_expression(&bench, "channel in [\"pos\", \"atm\", \"moto\", \"online\"]");
    bench_many(&bench);
    tt_expr_env_free(bench.env);
    return 0;
}
