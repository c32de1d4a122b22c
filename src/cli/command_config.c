/* telltale config check|show|docs, rules check|test */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/settings.h"
#include "runtime/files.h"
#include "runtime/metrics.h"
#include "services/api_server/api.h"

#define TEXT_SIZE_MAX (4u << 20)

const struct tt_cli_option tt_options_config[] = {{NULL, NULL, NULL}};
const struct tt_cli_option tt_options_rules[] = {
    {"features", "FILE", "feature set whose names the rules may use"},
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

struct test_run {
    const struct tt_rules *rules;
    const char *file;
    bool quiet;
};

static bool on_test(void *ctx, const struct tt_rule_test_result *result)
{
    static const char *const outcomes[] = {"", "pass", "fire", "error"};
    const struct test_run *run = ctx;
    struct tt_rule_info info;
    tt_rules_info(run->rules, result->rule, &info);
    if (!result->passed && !run->quiet) {
        (void)printf("%s:%u: rule %.*s: test %u expects %s, got %s\n", run->file, result->line,
                     TT_STR_ARG(info.id), result->test + 1, outcomes[result->expect],
                     outcomes[result->got]);
    }
    return true;
}

static int test_rules(const struct tt_cli *cli, const struct tt_rules *rules)
{
    struct test_run run = {rules, cli->words[1], cli->json};
    uint32_t passed = 0, failed = 0;
    struct tt_error err = {0};
    if (tt_rules_test(rules, on_test, &run, &passed, &failed, &err) != TT_OK) {
        return tt_cli_fail_error(&err);
    }
    (void)printf(cli->json ? "{\"passed\":%u,\"failed\":%u}\n" : "%u tests passed, %u failed\n",
                 passed, failed);
    return failed == 0 ? TT_EXIT_OK : TT_EXIT_FAILED;
}

int tt_command_rules(struct tt_cli *cli)
{
    bool test = cli->word_count == 2 && strcmp(cli->words[0], "test") == 0;
    if (cli->word_count != 2 || (!test && strcmp(cli->words[0], "check") != 0)) {
        return tt_cli_fail(TT_EXIT_USAGE, "rules: say check FILE or test FILE");
    }
    struct tt_settings settings;
    struct tt_error err = {0};
    if (tt_settings_open(&settings, cli, &err) != TT_OK) {
        return tt_cli_fail_error(&err);
    }
    int code = TT_EXIT_OK;
    if (tt_settings_engine(&settings, tt_cli_value(cli, "features"), cli->words[1], NULL, &err) !=
        TT_OK) {
        code = tt_cli_fail_error(&err);
    } else if (test) {
        code = test_rules(cli, settings.engine->rules);
    } else if (cli->verbosity >= 0) {
        (void)printf(cli->json ? "{\"rules\":%u}\n" : "ok: %u rules\n",
                     tt_rules_count(settings.engine->rules));
    }
    tt_settings_close(&settings);
    return code;
}
