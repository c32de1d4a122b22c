/* telltale run */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/server.h"
#include "runtime/signals.h"
#include "services/data_ingestor/file_feed.h"

#define WATCH_MS 200

const struct tt_cli_option tt_options_run[] = {
    {"data", "FOLDER", "folder of database and secret (data_dir)"},
    {"port", "PORT", "port of the API (http.port)"},
    {"input", "FILE", "score and store this file first (CSV or JSON lines, compressed or not)"},
    {"map", "FILE", "with --input: mapping of a foreign file's columns"},
    {"label-delay", "DURATION", "with --input: a mapped label becomes known so long after (7d)"},
    {NULL, NULL, NULL},
};

/* Says once that the input file has been read, or why not to its end. */
static void note_input(struct tt_server *server, bool *noted)
{
    if (*noted || server->options.feed == NULL ||
        !tt_data_ingestor_feed_ended(server->assembly.ingestor)) {
        return;
    }
    *noted = true;
    struct tt_error err = {0};
    if (tt_feed_failure(server->options.feed, &err) != TT_OK) {
        tt_log_error(&server->log, "input_broke_off", &err);
    } else {
        tt_log(&server->log, TT_LOG_INFO, "input_read", "the whole input file was taken in");
    }
}

/* Waits for a signal or the pipeline's failure; returns an exit code, or -1 for a stop. */
static int wait_for_end(struct tt_server *server)
{
    bool input_noted = false;
    for (;;) {
        enum tt_signal signal = tt_signals_wait(WATCH_MS);
        if (tt_server_failed(server)) {
            return tt_cli_fail(TT_EXIT_FAILED, "stopped: %s", server->failure);
        }
        note_input(server, &input_noted);
        tt_server_upkeep(server);
        tt_server_rules_watch(server);
        if (signal == TT_SIGNAL_STOP || signal == TT_SIGNAL_INTERRUPT) {
            return -1;
        }
        if (signal == TT_SIGNAL_RELOAD) {
            tt_server_rules_reload(server);
        }
    }
}

/* SIGTERM finishes what is under way; a second one ends at once. */
static int drain(struct tt_server *server)
{
    tt_log(&server->log, TT_LOG_INFO, "draining", "finishing what is under way");
    tt_server_begin_drain(server);
    for (;;) {
        struct tt_error err = {0};
        enum tt_status status = tt_server_wait_drained(server, WATCH_MS, &err);
        if (status == TT_OK) {
            return TT_EXIT_OK;
        }
        if (status != TT_E_TIMEOUT) {
            return tt_cli_fail_error(&err);
        }
        if (tt_signals_wait(0) != TT_SIGNAL_NONE) {
            tt_log(&server->log, TT_LOG_WARN, "stopped_at_once", "told twice to stop");
            return TT_EXIT_FAILED;
        }
    }
}

/* For people only: the log is for machines, and the link must not get into it. */
static void greet(struct tt_server *server)
{
    struct tt_buf code;
    struct tt_error err;
    tt_buf_init(&code, server->alloc, 8192);
    if (isatty(STDERR_FILENO) != 0 &&
        tt_auth_code(&server->auth, TT_ROLE_ADMIN, &code, &err) == TT_OK) {
        const struct tt_config *config = &server->options.settings->config;
        (void)fprintf(stderr,
                      "\n  dashboard  http://%s:%u/app/#token=%.*s\n"
                      "             (signs in once, within five minutes)\n"
                      "  more       telltale token create --help\n\n",
                      config->http_address.data, tt_server_port(server), (int)code.size, code.data);
    }
    tt_buf_deinit(&code);
}

static int serve(struct tt_server *server, const struct tt_server_options *options)
{
    struct tt_error err = {0};
    if (tt_server_open(server, options, &err) != TT_OK) {
        return tt_cli_fail_error(&err);
    }
    int code = TT_EXIT_FAILED;
    if (tt_server_start(server, &err) != TT_OK) {
        (void)tt_cli_fail_error(&err);
    } else {
        greet(server);
        code = wait_for_end(server);
        code = code < 0 ? drain(server) : code;
    }
    tt_server_close(server);
    return code;
}

/* The options that are short for keys of the configuration. */
static enum tt_status apply_options(const struct tt_cli *cli, struct tt_settings *settings,
                                    struct tt_error *err)
{
    const char *pairs[][2] = {{"data", "data_dir"}, {"port", "http.port"}};
    for (size_t i = 0; i < TT_ARRAY_SIZE(pairs); i++) {
        const char *value = tt_cli_value(cli, pairs[i][0]);
        if (value == NULL) {
            continue;
        }
        char assignment[4200];
        (void)snprintf(assignment, sizeof assignment, "%s=%s", pairs[i][1], value);
        enum tt_status status = tt_config_set(&settings->config, tt_str_from(assignment), err);
        if (status != TT_OK) {
            return status;
        }
    }
    return TT_OK;
}

static enum tt_status open_input(const struct tt_cli *cli, const struct tt_settings *settings,
                                 struct tt_feed **ret, struct tt_error *err)
{
    struct tt_file_feed_options options = {
        .path = tt_cli_value(cli, "input"),
        .map = settings->map,
        .schema = &settings->schema,
        .label_delay_ms = 7 * TT_MS_PER_DAY,
    };
    if (options.path == NULL) {
        return TT_OK;
    }
    if (!tt_cli_duration(cli, "label-delay", &options.label_delay_ms)) {
        return tt_fail(err, TT_E_INVALID, "--label-delay is no duration");
    }
    return tt_file_feed_open(settings->alloc, &options, ret, err);
}

int tt_command_run(struct tt_cli *cli)
{
    if (cli->word_count > 0) {
        return tt_cli_fail(TT_EXIT_USAGE, "run: '%s' is one word too many", cli->words[0]);
    }
    tt_signals_init();
    struct tt_settings settings;
    struct tt_error err = {0};
    if (tt_settings_open(&settings, cli, &err) != TT_OK) {
        return tt_cli_fail_error(&err);
    }
    struct tt_server_options options = {.settings = &settings, .log_fd = STDERR_FILENO};
    enum tt_status status = apply_options(cli, &settings, &err);
    if (status == TT_OK && tt_cli_value(cli, "map") != NULL) {
        status = tt_settings_map(&settings, tt_cli_value(cli, "map"), &err);
    }
    if (status == TT_OK) {
        status = tt_settings_engine(&settings, NULL, NULL, NULL, &err);
    }
    if (status == TT_OK) {
        status = open_input(cli, &settings, &options.feed, &err);
    }
    if (status == TT_OK) {
        status = tt_settings_data_dir(&settings, &options.data_dir, &err);
    }
    struct tt_server *server = status == TT_OK ? tt_new(settings.alloc, sizeof *server) : NULL;
    int code = server != NULL ? serve(server, &options) : tt_cli_fail_error(&err);
    if (server != NULL) {
        tt_delete(settings.alloc, server, sizeof *server);
    }
    if (options.feed != NULL) {
        tt_feed_close(options.feed);
    }
    tt_settings_close(&settings);
    return code;
}
