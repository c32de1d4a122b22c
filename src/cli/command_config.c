/* telltale config check|show|docs, rules check|test|explain */
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "cli/backtest.h"
#include "cli/commands.h"
#include "cli/file_io.h"
#include "cli/rules_report.h"
#include "cli/settings.h"
#include "runtime/files.h"
#include "runtime/metrics.h"
#include "services/api_server/api.h"

#define TEXT_SIZE_MAX (4u << 20)

const struct tt_cli_option tt_options_config[] = {{NULL, NULL, NULL}};
const struct tt_cli_option tt_options_rules[] = {
    {"features", "FILE", "feature set whose names the rules may use"},
    {"coverage-min", "PERCENT", "test: how much of the conditions' branches the tests must see"},
    {"strict", NULL, "check: a finding is a failure"},
    TT_BACKTEST_OPTIONS,
    TT_FILE_FEED_OPTIONS,
    {NULL, NULL, NULL},
};

/* One reference page into the folder. */
static int write_page(const char *folder, const char *name,
                      enum tt_status (*write)(struct tt_buf *))
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, TEXT_SIZE_MAX);
    struct tt_error err = {0};
    enum tt_status status = write(&buf);
    if (status == TT_OK) {
        status = tt_file_write(path, tt_buf_str(&buf), &err);
    } else {
        (void)tt_fail(&err, status, "%s: %s", path, tt_status_name(status));
    }
    tt_buf_deinit(&buf);
    return status == TT_OK ? TT_EXIT_OK : tt_cli_fail_error(&err);
}

static enum tt_status rejects_docs(struct tt_buf *buf)
{
    tt_buf_append_text(buf,
                       "# Reject reasons\n\nMade from `src/format/record/rejects.def` by "
                       "`telltale config docs`. A refused record is counted, kept as a dead "
                       "letter, and the stream goes on.\n\n| code | HTTP | what |\n| --- | --- "
                       "| --- |\n");
    for (enum tt_reject i = TT_REJECT_NONE + 1; i < TT_REJECT_COUNT; i++) {
        tt_buf_append_format(buf, "| `%s` | %u | %s |\n", tt_reject_code(i),
                             tt_reject_http_status(i), tt_reject_help(i));
    }
    return buf->status;
}

static int write_docs(const char *folder)
{
    static const struct {
        const char *name;
        enum tt_status (*write)(struct tt_buf *);
    } pages[] = {
        {"config.md", tt_config_docs},   {"config.schema.json", tt_config_schema},
        {"metrics.md", tt_metrics_docs}, {"cli.md", tt_cli_docs},
        {"api.md", tt_api_docs},         {"rejects.md", rejects_docs},
        {"rules.md", tt_rules_docs},     {"rules.schema.json", tt_rules_schema},
    };
    struct tt_error err = {0};
    if (tt_folder_make(folder, &err) != TT_OK) {
        return tt_cli_fail_error(&err);
    }
    for (size_t i = 0; i < TT_ARRAY_SIZE(pages); i++) {
        int code = write_page(folder, pages[i].name, pages[i].write);
        if (code != TT_EXIT_OK) {
            return code;
        }
    }
    return TT_EXIT_OK;
}

static int check(const struct tt_cli *cli, struct tt_settings *settings)
{
    struct tt_error err = {0};
    if (tt_settings_engine(settings, NULL, NULL, NULL, &err) != TT_OK) {
        return tt_cli_fail_error(&err);
    }
    if (cli->json) {
        (void)printf("{\"ok\":true}\n");
    } else if (cli->verbosity >= 0) {
        (void)printf("%s: ok: %u features, %u rules, %u detectors\n",
                     settings->config.file.data != NULL ? settings->config.file.data : "built in",
                     tt_plan_feature_count(settings->engine->plan),
                     settings->engine->rules != NULL ? tt_rules_count(settings->engine->rules) : 0,
                     settings->engine->setup->detector_count);
    }
    return TT_EXIT_OK;
}

static int show(const struct tt_cli *cli, const struct tt_settings *settings)
{
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, TEXT_SIZE_MAX);
    enum tt_status status = cli->json ? tt_config_show_json(&settings->config, &buf)
                                      : tt_config_show(&settings->config, &buf);
    if (cli->json && status == TT_OK) {
        status = tt_buf_append_char(&buf, '\n');
    }
    return tt_cli_print_buffer(&buf, status);
}

int tt_command_config(struct tt_cli *cli)
{
    const char *what = cli->word_count > 0 ? cli->words[0] : "";
    if (strcmp(what, "docs") == 0) {
        return write_docs(cli->word_count > 1 ? cli->words[1] : "docs/reference");
    }
    if (strcmp(what, "check") != 0 && strcmp(what, "show") != 0) {
        return tt_cli_fail(TT_EXIT_USAGE, "config: say check, show or docs");
    }
    struct tt_settings settings;
    struct tt_error err = {0};
    if (tt_settings_open(&settings, cli, &err) != TT_OK) {
        return tt_cli_fail_error(&err);
    }
    int code = strcmp(what, "check") == 0 ? check(cli, &settings) : show(cli, &settings);
    tt_settings_close(&settings);
    return code;
}

/* --coverage-min, else the configuration's; false when it is no percentage. */
static bool coverage_min(const struct tt_cli *cli, const struct tt_settings *settings,
                         uint32_t *ret)
{
    const char *text = tt_cli_value(cli, "coverage-min");
    int64_t percent = settings->config.rules_coverage_min;
    if (text != NULL && !tt_int64_parse(tt_str_from(text), &percent)) {
        return false;
    }
    *ret = (uint32_t)percent;
    return percent >= 0 && percent <= 100;
}

static int report_rules(const struct tt_cli *cli, const struct tt_settings *settings)
{
    const struct tt_rules *rules = settings->engine->rules;
    const char *verb = cli->words[0];
    const char *file = cli->words[1];
    uint32_t percent = 0;
    if (strcmp(verb, "check") == 0) {
        return tt_rules_report_check(cli, file, rules, tt_cli_value(cli, "strict") != NULL);
    }
    if (strcmp(verb, "explain") == 0) {
        return tt_rules_report_explain(cli, rules, cli->word_count == 3 ? cli->words[2] : NULL);
    }
    if (!coverage_min(cli, settings, &percent)) {
        return tt_cli_fail(TT_EXIT_USAGE, "rules: --coverage-min is a percentage, 0 to 100");
    }
    return tt_rules_report_test(cli, file, rules, percent);
}

static bool knows_rules_verb(const struct tt_cli *cli)
{
    if (cli->word_count < 2) {
        return false;
    }
    bool explains = strcmp(cli->words[0], "explain") == 0;
    bool two = strcmp(cli->words[0], "check") == 0 || strcmp(cli->words[0], "test") == 0;
    return (two && cli->word_count == 2) || (explains && cli->word_count <= 3);
}

int tt_command_rules(struct tt_cli *cli)
{
    if (cli->word_count == 2 && strcmp(cli->words[0], "backtest") == 0) {
        return tt_backtest_command(cli);
    }
    if (!knows_rules_verb(cli)) {
        return tt_cli_fail(TT_EXIT_USAGE, "rules: say check FILE, test FILE, backtest FILE or "
                                          "explain FILE [ID]");
    }
    struct tt_settings settings;
    struct tt_error err = {0};
    if (tt_settings_open(&settings, cli, &err) != TT_OK) {
        return tt_cli_fail_error(&err);
    }
    int code = TT_EXIT_OK;
    if (tt_settings_rules(&settings, tt_cli_value(cli, "features"), cli->words[1], &err) != TT_OK) {
        code = tt_cli_fail_error(&err);
    } else {
        code = report_rules(cli, &settings);
    }
    tt_settings_close(&settings);
    return code;
}
