/*
 * Reads rows as text and prints their metrics: lets tests/data/evaluate/handbook_check.py hold the C
 * metrics against its own on the same scores.
 *
 * Input: one row a line, "score timestamp_ms amount_minor user fraud(0|1)", separated by spaces.
 * Arguments: first training days ("2018-07-25,…"). Output: name and value a line.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/evaluate/evaluate.h"

static void print_metrics(const char *name, const struct tt_evaluation_metrics *m)
{
    printf("%s.rows %" PRIu64 "\n%s.frauds %" PRIu64 "\n", name, m->rows, name, m->frauds);
    printf("%s.auc %.17g\n%s.ap %.17g\n", name, m->auc, name, m->average_precision);
    printf("%s.cp %.17g\n%s.recall %.17g\n", name, m->card_precision, name, m->recall_at_budget);
}

static int rows_read(struct tt_evaluation *evaluation)
{
    char user[64];
    int fraud;
    struct tt_evaluation_row row = {.currency = 0};
    while (scanf("%lf %" SCNd64 " %" SCNd64 " %63s %d", &row.score, &row.timestamp_ms,
                 &row.amount_minor, user, &fraud) == 5) {
        row.user = tt_str_from(user);
        row.fraud = fraud != 0;
        if (tt_evaluation_add(evaluation, &row) != TT_OK) {
            return EXIT_FAILURE;
        }
    }
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct tt_evaluation_options options = tt_evaluation_options_default();
    struct tt_evaluation *evaluation = NULL;
    struct tt_error err;
    static struct tt_evaluation_report report;
    if ((argc > 1 && tt_evaluation_folds_parse(tt_str_from(argv[1]), &options, &err) != TT_OK) ||
        tt_evaluation_new(&tt_alloc_libc, &options, &evaluation, &err) != TT_OK) {
        fprintf(stderr, "%s\n", err.message);
        return EXIT_FAILURE;
    }
    int code = rows_read(evaluation);
    if (code == EXIT_SUCCESS && tt_evaluation_finish(evaluation, &report) == TT_OK) {
        print_metrics("whole", &report.whole);
        for (uint32_t f = 0; f < report.fold_count; f++) {
            char name[16];
            (void)snprintf(name, sizeof name, "fold%" PRIu32, f);
            print_metrics(name, &report.folds[f]);
        }
        print_metrics("mean", &report.mean);
    }
    tt_evaluation_free(evaluation);
    return code;
}
