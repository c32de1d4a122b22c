/* See backtest.h. A file is scored first, as `score` does, into a segment nobody else sees: its labels
 * may stand behind its transactions. */
#include "cli/backtest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/sqlite/sqlite.h"
#include "adapters/system/clock.h"
#include "cli/file_run.h"
#include "cli/rule_lists.h"
#include "runtime/files.h"
#include "runtime/secret.h"
#include "services/backtest/history.h"
#include "services/backtest/segment_file.h"
#include "services/report/backtest.h"

#define PAGE_SIZE_MAX (32u << 20)
#define FILE_SIZE_MAX (64u << 20)
#define PROGRESS_NS INT64_C(200000000)
#define HORIZON_DEFAULT_MS (30 * TT_MS_PER_DAY)

struct job {
    const struct tt_cli *cli;
    const char *file; /* of the rules that are tried */
    struct tt_backtest_options options;
    struct tt_rules *rules, *against_own; /* against_own: NULL when it is the engine's */
    struct tt_backtest *backtest;
    struct tt_log log;
    struct tt_buf text; /* of rule files: compiled sets copy what they need */
    double seconds;
    int64_t started_ns, drawn_ns;
    bool bar;
};

/* ---- options ---- */

static bool parse_time(const struct tt_cli *cli, const char *name, int64_t *ret)
{
    const char *value = tt_cli_value(cli, name);
    char text[64];
    if (value == NULL) {
        return true;
    }
    bool date = strlen(value) == 10;
    (void)snprintf(text, sizeof text, "%s%s", value, date ? "T00:00:00Z" : "");
    if (strlen(value) < 40 && tt_time_parse_rfc3339(tt_str_from(text), ret) == TT_OK) {
        return true;
    }
    (void)tt_cli_fail(TT_EXIT_USAGE,
                      "--%s: '%s' is no time like 2026-03-01T12:30:00Z or 2026-03-01", name, value);
    return false;
}

static int read_options(struct job *job)
{
    struct tt_backtest_options *options = &job->options;
    options->from_ms = options->to_ms = options->as_of_ms = TT_TIME_NONE;
    options->horizon_ms = HORIZON_DEFAULT_MS;
    if (!parse_time(job->cli, "from", &options->from_ms) ||
        !parse_time(job->cli, "to", &options->to_ms) ||
        !tt_cli_duration(job->cli, "label-horizon", &options->horizon_ms)) {
        return TT_EXIT_USAGE;
    }
    if (options->from_ms != TT_TIME_NONE && options->to_ms != TT_TIME_NONE &&
        options->from_ms >= options->to_ms) {
        return tt_cli_fail(TT_EXIT_USAGE, "--to must be after --from");
    }
    return TT_EXIT_OK;
}

static enum tt_status compile(struct job *job, const struct tt_engine *engine, const char *path,
                              struct tt_rules **ret, struct tt_error *err)
{
    tt_buf_clear(&job->text);
    enum tt_status status = tt_file_read(path, &job->text, err);
    if (status == TT_OK) {
        struct tt_engine_source source = {
            .name = path, .text = tt_buf_str(&job->text), .read_list = tt_rule_list_read};
        status = tt_engine_rules(&tt_alloc_libc, engine->names, &source, ret, err);
    }
    return status;
}

/* Both sets over the engine's names, before anything is read. */
static enum tt_status compile_sets(struct job *job, const struct tt_engine *engine,
                                   struct tt_error *err)
{
    const char *against = tt_cli_value(job->cli, "against");
    against = against != NULL ? against : "live";
    job->options.names = engine->names;
    enum tt_status status = compile(job, engine, job->file, &job->rules, err);
    job->options.rules = job->rules;
    if (strcmp(against, "live") == 0) {
        job->options.against = engine->rules;
    } else if (status == TT_OK && strcmp(against, "none") != 0) {
        status = compile(job, engine, against, &job->against_own, err);
        job->options.against = job->against_own;
    }
    return status;
}

/* ---- what comes out ---- */

static int write_page(const struct job *job, const struct tt_backtest_report *report,
                      const struct tt_report_header *header)
{
    const char *path = tt_cli_value(job->cli, "report");
    struct tt_error err = {0};
    struct tt_buf buf;
    if (path == NULL) {
        return TT_EXIT_OK;
    }
    tt_buf_init(&buf, &tt_alloc_libc, PAGE_SIZE_MAX);
    enum tt_status status = tt_backtest_html(&buf, report, header);
    status = status == TT_OK ? tt_file_write(path, tt_buf_str(&buf), &err)
                             : tt_fail(&err, status, "%s: the page cannot be made: %s", path,
                                       tt_status_name(status));
    tt_buf_deinit(&buf);
    return status == TT_OK ? TT_EXIT_OK : tt_cli_fail_error(&err);
}

static int finish(struct job *job)
{
    const struct tt_cli *cli = job->cli;
    const struct tt_backtest_report *report = tt_backtest_finish(job->backtest);
    char note[160];
    (void)snprintf(note, sizeof note, "Limits of hits are not applied: every hit counts.");
    struct tt_report_header header = {tt_str_from(job->file), TT_STR("telltale " TT_VERSION),
                                      tt_str_from(note)};
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, PAGE_SIZE_MAX);
    enum tt_status status =
        cli->json ? tt_backtest_json(&buf, report, &header) : tt_backtest_text(&buf, report);
    if (status == TT_OK && cli->json) {
        status = tt_buf_append_char(&buf, '\n');
    }
    int code = tt_cli_print_buffer(&buf, status);
    if (cli->verbosity >= 0 && code == TT_EXIT_OK) {
        uint64_t rows = tt_backtest_rows(job->backtest);
        (void)fprintf(stderr, "%llu transactions in %.2f s (%.0f/s)\n", (unsigned long long)rows,
                      job->seconds, job->seconds > 0.0 ? (double)rows / job->seconds : 0.0);
    }
    return code == TT_EXIT_OK ? write_page(job, report, &header) : code;
}

/* ---- stored history ---- */

static bool on_progress(void *ctx, uint64_t done, uint64_t total)
{
    struct job *job = ctx;
    int64_t now_ns = tt_clock_monotonic_ns(&tt_clock_system);
    if (job->bar && (now_ns - job->drawn_ns >= PROGRESS_NS || done >= total)) {
        double share = total > 0 && done < total ? (double)done / (double)total : 1.0;
        double seconds = (double)(now_ns - job->started_ns) / 1e9;
        char bar[41];
        for (int i = 0; i < 40; i++) {
            bar[i] = i < (int)(share * 40.0) ? '#' : '.';
        }
        bar[40] = '\0';
        (void)fprintf(stderr, "\r[%s] %3.0f %%  %llu transactions  %.0f/s %s", bar, share * 100.0,
                      (unsigned long long)done, seconds > 0.0 ? (double)done / seconds : 0.0,
                      done >= total ? "\n" : "");
        job->drawn_ns = now_ns;
    }
    return true;
}

static enum tt_status run_history(struct job *job, struct tt_settings *settings,
                                  struct tt_store *store, const char *data_dir,
                                  struct tt_error *err)
{
    struct tt_history_counts counts;
    struct tt_history history = {
        .alloc = settings->alloc,
        .store = store,
        .folder = tt_settings_path(settings, data_dir, "segments"),
        .engine = settings->engine,
        .schema = &settings->schema,
        .log = &job->log,
        .on_progress = on_progress,
        .ctx = job,
    };
    if (history.folder == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory");
    }
    job->started_ns = tt_clock_monotonic_ns(&tt_clock_system);
    enum tt_status status = tt_history_run(&history, &job->options, &job->backtest, &counts, err);
    job->seconds = (double)(tt_clock_monotonic_ns(&tt_clock_system) - job->started_ns) / 1e9;
    return status;
}

static enum tt_status open_history(struct job *job, struct tt_settings *settings,
                                   struct tt_error *err)
{
    const char *data = tt_cli_value(job->cli, "data"), *data_dir = NULL;
    struct tt_sqlite_options options = {.alloc = settings->alloc, .read_while_in_use = true};
    struct tt_store *store = NULL;
    struct tt_state *state = NULL;
    if (data != NULL) {
        settings->config.data_dir = tt_str_from(data);
    }
    enum tt_status status = tt_settings_find_data_dir(settings, &data_dir, err);
    if (status == TT_OK) {
        options.path = tt_settings_path(settings, data_dir, "telltale.db");
        if (options.path == NULL || access(options.path, F_OK) != 0) {
            return tt_fail(err, TT_E_NOT_FOUND,
                           "%s/telltale.db: %s: name the data folder with --data, or a file with "
                           "--input",
                           data_dir, strerror(errno));
        }
        status = tt_sqlite_open(&options, &store, &state, err);
    }
    if (status == TT_OK) {
        status = run_history(job, settings, store, data_dir, err);
        state->ops->close(state);
        store->ops->close(store);
    }
    return status;
}

static int backtest_history(struct job *job)
{
    struct tt_settings settings;
    struct tt_error err = {0};
    if (tt_settings_open(&settings, job->cli, &err) != TT_OK) {
        return tt_cli_fail_error(&err);
    }
    enum tt_status status = tt_settings_engine(&settings, tt_cli_value(job->cli, "features"),
                                               tt_cli_value(job->cli, "rules"), NULL, &err);
    if (status == TT_OK) {
        status = compile_sets(job, settings.engine, &err);
    }
    if (status == TT_OK) {
        status = open_history(job, &settings, &err);
    }
    int code = status == TT_OK ? finish(job) : tt_cli_fail_error(&err);
    tt_backtest_free(job->backtest);
    tt_rules_free(job->rules);
    tt_rules_free(job->against_own);
    tt_settings_close(&settings);
    return code;
}

/* ---- a file ---- */

struct file_job {
    struct job *job;
    struct tt_segment_builder *builder;
    struct tt_segment_writer writer;
    struct tt_value *slots;
    uint32_t slot_count;
    struct tt_segment_info info;
    struct tt_buf block;
    char path[TT_SEGMENT_PATH_SIZE];
};

static enum tt_status begin_file(struct file_job *file, const struct tt_engine *engine,
                                 struct tt_error *err)
{
    struct tt_column_spec specs[TT_BACKTEST_SPECS_MAX];
    struct tt_hash_key key;
    const char *folder = getenv("TMPDIR");
    tt_secret_random(&key, sizeof key);
    enum tt_status status = compile_sets(file->job, engine, err);
    if (status == TT_OK) {
        status = tt_backtest_new(&tt_alloc_libc, &file->job->options, &file->job->backtest, err);
    }
    if (status != TT_OK) {
        return status;
    }
    file->info.plan = tt_plan_hash(engine->plan);
    file->slot_count = tt_names_slot_count(engine->names);
    file->slots = tt_new_array(&tt_alloc_libc, file->slot_count, sizeof *file->slots);
    if (file->slots == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for a backtest");
    }
    status = tt_segment_builder_new(&tt_alloc_libc, specs, tt_backtest_specs(engine->names, specs),
                                    key, &file->builder, err);
    if (status == TT_OK) {
        (void)snprintf(file->path, sizeof file->path, "%.4000s/telltale-backtest-%016llx",
                       folder != NULL && folder[0] != '\0' ? folder : "/tmp",
                       (unsigned long long)key.k0);
        status = tt_segment_writer_open(file->path, file->info.plan, &file->writer, err);
    }
    return status;
}

static enum tt_status flush(struct file_job *file, struct tt_error *err)
{
    uint32_t rows = tt_segment_builder_count(file->builder);
    if (rows == 0) {
        return TT_OK;
    }
    tt_buf_clear(&file->block);
    enum tt_status status = tt_segment_builder_finish(file->builder, &file->info, &file->block);
    return status == TT_OK ? tt_segment_writer_add(&file->writer, tt_buf_str(&file->block), rows,
                                                   file->info.seq_last, err)
                           : tt_fail(err, status, "the rows do not fit in memory");
}

static enum tt_status take(void *ctx, const struct tt_engine *engine, const struct tt_event *event,
                           struct tt_error *err)
{
    struct file_job *file = ctx;
    enum tt_status status = TT_OK;
    if (file->job->backtest == NULL) {
        status = begin_file(file, engine, err);
    }
    if (status == TT_OK && event->kind == TT_EVENT_LABEL) {
        return tt_backtest_label(file->job->backtest, event->txn.text[TT_TEXT_USER_ID],
                                 event->txn.text[TT_TEXT_TRANSACTION_ID], event->label.kind, err);
    }
    if (status != TT_OK) {
        return status;
    }
    struct tt_value values[TT_BACKTEST_SPECS_MAX];
    tt_names_fill_txn(engine->names, &event->txn, file->slots);
    tt_names_fill_vector(engine->names, &event->vector, file->slots);
    tt_backtest_values(engine->names, event, file->slots, true, values);
    file->info.seq_first = event->seq;
    file->info.seq_last = event->seq;
    if (tt_segment_builder_add(file->builder, values) != TT_OK) {
        return tt_fail(err, TT_E_NOMEM, "the rows do not fit in memory");
    }
    return tt_segment_builder_count(file->builder) == TT_SEGMENT_ROWS_MAX ? flush(file, err)
                                                                          : TT_OK;
}

static enum tt_status run_blocks(struct file_job *file, struct tt_error *err)
{
    struct tt_segment_file blocks;
    struct tt_segment_block block;
    enum tt_status status = flush(file, err);
    if (status == TT_OK) {
        status = tt_segment_writer_commit(&file->writer, err);
    }
    if (status == TT_OK) {
        status = tt_segment_file_open(file->path, &blocks, err);
        (void)unlink(file->path);
    }
    if (status != TT_OK) {
        return status;
    }
    struct job *job = file->job;
    job->started_ns = tt_clock_monotonic_ns(&tt_clock_system);
    while (status == TT_OK) {
        status = tt_segment_file_next(&blocks, &block, err);
        if (status == TT_OK) {
            status = tt_backtest_add(job->backtest, &block, err);
        }
    }
    job->seconds = (double)(tt_clock_monotonic_ns(&tt_clock_system) - job->started_ns) / 1e9;
    tt_segment_file_close(&blocks);
    return status == TT_E_CLOSED ? TT_OK : status;
}

static int backtest_file(struct job *job, const char *path)
{
    struct tt_cli cli = *job->cli;
    struct file_job file = {.job = job, .writer = {.fd = -1}};
    struct tt_file_run run = {.sink = {take, &file}};
    struct tt_error err = {0};
    cli.words[0] = path;
    cli.word_count = 1;
    tt_buf_init(&file.block, &tt_alloc_libc, TT_SEGMENT_BLOCK_SIZE_MAX);
    int code = tt_file_run(&run, &cli, NULL, NULL);
    bool open = code == TT_EXIT_OK;
    if (open) {
        tt_file_run_print(&run, &cli, stderr);
        if (job->backtest == NULL) {
            code = tt_cli_fail(TT_EXIT_FAILED, "%s has no transactions", path);
        } else {
            tt_backtest_as_of(job->backtest, run.counts.last_ms);
            code = run_blocks(&file, &err) == TT_OK ? finish(job) : tt_cli_fail_error(&err);
        }
    }
    tt_backtest_free(job->backtest);
    tt_rules_free(job->rules);
    tt_rules_free(job->against_own);
    tt_segment_builder_free(file.builder);
    tt_segment_writer_close(&file.writer);
    tt_delete(&tt_alloc_libc, file.slots, file.slot_count * sizeof *file.slots);
    tt_buf_deinit(&file.block);
    if (open) {
        tt_file_run_close(&run);
    }
    return code;
}

int tt_backtest_command(const struct tt_cli *cli)
{
    struct job job = {.cli = cli, .file = cli->words[1]};
    int code = read_options(&job);
    if (code != TT_EXIT_OK) {
        return code;
    }
    job.bar = isatty(STDERR_FILENO) != 0 && cli->verbosity >= 0;
    tt_log_init(&job.log, STDERR_FILENO, TT_LOG_WARN, &tt_clock_system);
    tt_buf_init(&job.text, &tt_alloc_libc, FILE_SIZE_MAX);
    const char *input = tt_cli_value(cli, "input");
    code = input != NULL ? backtest_file(&job, input) : backtest_history(&job);
    tt_buf_deinit(&job.text);
    return code;
}
