/* telltale evaluate FILE */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/file_run.h"
#include "runtime/files.h"
#include "services/report/report.h"

#define FOLDS_HANDBOOK "2018-07-25,2018-08-01,2018-08-08,2018-08-15"
#define PAGE_SIZE_MAX (4u << 20)

const struct tt_cli_option tt_options_evaluate[] = {
    {"report", "FILE", "one self-contained HTML page"},
    {"budget", "N", "alerts a day that may be looked at (100)"},
    {"cards", "N", "K of card precision at K (100)"},
    {"folds", "DATES",
     "first training days of the published protocol's folds, with commas; none = no folds. "
     "With --map handbook: its four test folds"},
    {"out", "FILE", "a line for every transaction, as score writes it"},
    TT_FILE_RUN_OPTIONS,
    {NULL, NULL, NULL},
};

static int read_options(const struct tt_cli *cli, struct tt_evaluation_options *options)
{
    int64_t budget = options->alerts_daily;
    int64_t cards = options->cards_daily;
    if (!tt_cli_integer(cli, "budget", 1, 1000000, &budget) ||
        !tt_cli_integer(cli, "cards", 1, 1000000, &cards)) {
        return TT_EXIT_USAGE;
    }
    options->alerts_daily = (uint32_t)budget;
    options->cards_daily = (uint32_t)cards;
    const char *folds = tt_cli_value(cli, "folds");
    const char *map = tt_cli_value(cli, "map");
    if (folds == NULL && map != NULL && strcmp(map, "handbook") == 0) {
        folds = FOLDS_HANDBOOK;
    }
    struct tt_error err = {0};
    if (folds != NULL && strcmp(folds, "none") != 0 &&
        tt_evaluation_folds_parse(tt_str_from(folds), options, &err) != TT_OK) {
        return tt_cli_fail(TT_EXIT_USAGE, "--folds: %s", err.message);
    }
    return TT_EXIT_OK;
}

static int write_report(const struct tt_cli *cli, const struct tt_evaluation_report *report,
                        const struct tt_report_header *header)
{
    const char *path = tt_cli_value(cli, "report");
    if (path == NULL) {
        return TT_EXIT_OK;
    }
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, PAGE_SIZE_MAX);
    struct tt_error err = {0};
    enum tt_status status = tt_report_html(&buf, report, header);
    if (status != TT_OK) {
        (void)tt_fail(&err, status, "%s: the page cannot be made: %s", path,
                      tt_status_name(status));
    } else {
        status = tt_file_write(path, tt_buf_str(&buf), &err);
    }
    tt_buf_deinit(&buf);
    return status == TT_OK ? TT_EXIT_OK : tt_cli_fail_error(&err);
}

static int print_report(const struct tt_cli *cli, const struct tt_evaluation_report *report,
                        const struct tt_report_header *header)
{
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, PAGE_SIZE_MAX);
    enum tt_status status =
        cli->json ? tt_report_json(&buf, report, header) : tt_report_text(&buf, report);
    if (status == TT_OK) {
        (void)fwrite(buf.data, 1, buf.size, stdout);
        if (cli->json) {
            (void)fputc('\n', stdout);
        }
    }
    tt_buf_deinit(&buf);
    return status == TT_OK ? TT_EXIT_OK
                           : tt_cli_fail(TT_EXIT_FAILED, "the report cannot be made: %s",
                                         tt_status_name(status));
}

static int finish(const struct tt_cli *cli, const struct tt_file_run *run,
                  struct tt_evaluation *evaluation)
{
    if (run->counts.truth_known == 0) {
        return tt_cli_fail(TT_EXIT_FAILED,
                           "%s has no labels: name their column in the mapping (label:), or a "
                           "column is_fraud",
                           cli->words[0]);
    }
    struct tt_evaluation_report *report = tt_new(&tt_alloc_libc, sizeof *report);
    enum tt_status status = report != NULL ? tt_evaluation_finish(evaluation, report) : TT_E_NOMEM;
    int code = TT_EXIT_FAILED;
    if (status != TT_OK) {
        (void)tt_cli_fail(code, "the evaluation failed: %s", tt_status_name(status));
    } else {
        const char *delay = tt_cli_value(cli, "label-delay");
        char note[128];
        (void)snprintf(note, sizeof note,
                       "One causal pass; labels become known %s after the "
                       "transaction.",
                       delay != NULL ? delay : "7d");
        struct tt_report_header header = {tt_str_from(cli->words[0]),
                                          TT_STR("telltale " TT_VERSION), tt_str_from(note)};
        code = print_report(cli, report, &header);
        code = code == TT_EXIT_OK ? write_report(cli, report, &header) : code;
    }
    tt_delete(&tt_alloc_libc, report, sizeof *report);
    return code;
}

int tt_command_evaluate(struct tt_cli *cli)
{
    struct tt_evaluation_options options = tt_evaluation_options_default();
    int code = read_options(cli, &options);
    if (code != TT_EXIT_OK) {
        return code;
    }
    struct tt_error err = {0};
    struct tt_evaluation *evaluation = NULL;
    if (tt_evaluation_new(&tt_alloc_libc, &options, &evaluation, &err) != TT_OK) {
        return tt_cli_fail_error(&err);
    }
    struct tt_file_run run = {0};
    code = tt_file_run(&run, cli, tt_cli_value(cli, "out"), evaluation);
    if (code == TT_EXIT_OK) {
        tt_file_run_print(&run, cli, stderr);
        code = finish(cli, &run, evaluation);
        tt_file_run_close(&run);
    }
    tt_evaluation_free(evaluation);
    return code;
}
