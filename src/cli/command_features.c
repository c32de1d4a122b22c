/* telltale features check|explain|compute */
#include <string.h>

#include "cli/commands.h"
#include "cli/features_run.h"

#define TEXT_SIZE_MAX (4u << 20)

const struct tt_cli_option tt_options_features[] = {
    TT_FEATURES_RUN_OPTIONS,
    {NULL, NULL, NULL},
};

static int explain(const struct tt_plan *plan)
{
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, TEXT_SIZE_MAX);
    enum tt_status status = tt_plan_explain(plan, &buf);
    return tt_cli_print_buffer(&buf, status);
}

/* A feature set of one's own need not have what the configured rules and detectors use. */
static int check(const struct tt_cli *cli, bool explained)
{
    struct tt_settings settings;
    struct tt_error err = {0};
    if (tt_settings_open(&settings, cli, &err) != TT_OK) {
        return tt_cli_fail_error(&err);
    }
    int code = TT_EXIT_OK;
    struct tt_plan *plan = NULL;
    const char *path = cli->word_count > 1 ? cli->words[1] : tt_cli_value(cli, "features");
    if (tt_settings_plan(&settings, path, &plan, &err) != TT_OK) {
        code = tt_cli_fail_error(&err);
    } else if (explained) {
        code = explain(plan);
    } else if (cli->verbosity >= 0) {
        (void)printf(cli->json ? "{\"features\":%u}\n" : "ok: %u features\n",
                     tt_plan_feature_count(plan));
    }
    tt_plan_free(plan);
    tt_settings_close(&settings);
    return code;
}

int tt_command_features(struct tt_cli *cli)
{
    const char *what = cli->word_count > 0 ? cli->words[0] : "";
    bool explained = strcmp(what, "explain") == 0;
    if (strcmp(what, "compute") == 0 && cli->word_count == 2) {
        return tt_features_run(cli, cli->words[1]);
    }
    if (cli->word_count > 2 || (!explained && strcmp(what, "check") != 0)) {
        return tt_cli_fail(TT_EXIT_USAGE,
                           "features: say check [FILE], explain [FILE] or compute FILE --out FILE");
    }
    return check(cli, explained);
}
