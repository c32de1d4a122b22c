/* See file_run.h. */
#include "cli/file_run.h"

#include <string.h>

#include "adapters/system/clock.h"
#include "services/data_ingestor/recorded_feed.h"

/* Few enough to stay in the cache, enough for full batches. */
#define EVENTS_MAX 768

static const char *value_or(const char *value, const char *otherwise)
{
    return value != NULL ? value : otherwise;
}

static int open_feed(struct tt_file_run *run, const struct tt_cli *cli, bool recorded)
{
    struct tt_error err = {0};
    struct tt_file_feed_options options;
    int code = tt_file_feed_options_read(cli, &run->settings, cli->words[0], &options);
    if (code != TT_EXIT_OK) {
        return code;
    }
    enum tt_status status = TT_OK;
    if (recorded) {
        struct tt_recorded_feed_options recorded_options = {
            .path = options.path,
            .schema = &run->settings.schema,
            .engine = run->settings.engine,
            .bundles = &run->assembly.bundles,
        };
        status = tt_recorded_feed_open(run->settings.alloc, &recorded_options, &run->feed, &err);
    } else {
        status = tt_file_feed_open(run->settings.alloc, &options, &run->feed, &err);
    }
    return status == TT_OK ? TT_EXIT_OK : tt_cli_fail_error(&err);
}

static int open_settings(struct tt_file_run *run, const struct tt_cli *cli)
{
    struct tt_error err = {0};
    enum tt_status status = tt_settings_open(&run->settings, cli, &err);
    if (status != TT_OK) {
        return tt_cli_fail_error(&err);
    }
    run->settings_open = true;
    const char *map = tt_cli_value(cli, "map");
    if (map != NULL) {
        status = tt_settings_map(&run->settings, map, &err);
    }
    if (status == TT_OK) {
        status =
            tt_settings_engine(&run->settings, tt_cli_value(cli, "features"),
                               tt_cli_value(cli, "rules"), tt_cli_value(cli, "detectors"), &err);
    }
    return status == TT_OK ? TT_EXIT_OK : tt_cli_fail_error(&err);
}

static int open_assembly(struct tt_file_run *run, bool recorded)
{
    struct tt_error err = {0};
    struct tt_trainer *trainer = NULL;
    struct tt_bundle *bundle = NULL;
    enum tt_status status = tt_assembly_start_learning(&run->settings, run->settings.engine->setup,
                                                       &trainer, &bundle, &err);
    if (status == TT_OK) {
        if (recorded) { /* the bundles come with the log */
            tt_trainer_free(trainer);
            trainer = NULL;
        }
        struct tt_assembly_options options = {
            .settings = &run->settings,
            .clock = &tt_clock_system,
            .events_max = EVENTS_MAX,
            .bundle = bundle,
            .trainer = trainer,
            .stateless = true,
        };
        status = tt_assembly_open(&run->assembly, &options, &err);
    }
    return status == TT_OK ? TT_EXIT_OK : tt_cli_fail_error(&err);
}

static int add_stages(struct tt_file_run *run, const struct tt_cli *cli, const char *out_path,
                      struct tt_evaluation *evaluation, bool recorded)
{
    int64_t rejects_max = -1;
    if (!tt_cli_integer(cli, "max-rejects", 0, INT64_MAX, &rejects_max)) {
        return TT_EXIT_USAGE;
    }
    struct tt_output_options options = {
        .context = &run->assembly.context,
        .out = run->out,
        .csv = out_path != NULL && tt_str_ends_with(tt_str_from(out_path), TT_STR(".csv")),
        .rejects = run->rejects,
        .rejects_max = rejects_max,
        .evaluation = evaluation,
        .sink = run->sink.take != NULL ? &run->sink : NULL,
        .counts = &run->counts,
    };
    struct tt_data_ingestor_options ingest = {
        .schema = &run->settings.schema,
        .feed = run->feed,
        .feed_is_recorded = recorded,
        .watermark_ms = TT_TIME_NONE,
        .last_close_ms = TT_TIME_NONE,
    };
    struct tt_error err = {0};
    struct tt_stage *output = NULL;
    enum tt_status status = tt_assembly_ingest(&run->assembly, &ingest, &err);
    if (status == TT_OK) {
        status = tt_output_new(&options, &output, &err);
    }
    if (status == TT_OK) {
        status = tt_runner_add(run->assembly.runner, 0, output, &err);
    }
    if (status != TT_OK) {
        return tt_cli_fail_error(&err);
    }
    if (options.csv) {
        struct tt_buf header;
        tt_buf_init(&header, run->settings.alloc, 64u << 10);
        tt_record_score_csv_header(&header, &run->settings.engine->record_names);
        (void)fwrite(header.data, 1, header.size, run->out);
        tt_buf_deinit(&header);
    }
    return TT_EXIT_OK;
}

static void on_round(void *ctx, int64_t now_ns)
{
    tt_file_progress_draw(ctx, now_ns);
}

static int run_all(struct tt_file_run *run, const struct tt_cli *cli)
{
    struct tt_file_progress progress;
    tt_file_progress_start(&progress, cli, run->feed, &run->counts.transactions);
    struct tt_error err = {0};
    enum tt_status status = tt_runner_run_inline(run->assembly.runner, on_round, &progress, &err);
    run->seconds = tt_file_progress_end(&progress);
    if (status == TT_OK) {
        status = tt_feed_failure(run->feed, &err);
    }
    return status == TT_OK ? TT_EXIT_OK : tt_cli_fail_error(&err);
}

static int run_steps(struct tt_file_run *run, const struct tt_cli *cli, const char *out_path,
                     struct tt_evaluation *evaluation)
{
    int code = open_settings(run, cli);
    bool recorded = code == TT_EXIT_OK && tt_file_is_recorded(cli, &run->settings, cli->words[0]);
    if (code == TT_EXIT_OK) {
        code = open_assembly(run, recorded);
    }
    if (code == TT_EXIT_OK) {
        code = open_feed(run, cli, recorded);
    }
    if (code == TT_EXIT_OK && out_path != NULL) {
        code = tt_file_out_open(&run->out, out_path);
    }
    const char *rejects = tt_cli_value(cli, "rejects");
    if (code == TT_EXIT_OK && rejects != NULL) {
        code = tt_file_out_open(&run->rejects, rejects);
    }
    if (code == TT_EXIT_OK) {
        code = add_stages(run, cli, out_path, evaluation, recorded);
    }
    if (code == TT_EXIT_OK) {
        code = run_all(run, cli);
    }
    int closed = tt_file_out_close(&run->out, value_or(out_path, "-"));
    closed =
        closed == TT_EXIT_OK ? tt_file_out_close(&run->rejects, value_or(rejects, "-")) : closed;
    return code == TT_EXIT_OK ? closed : code;
}

int tt_file_run(struct tt_file_run *run, const struct tt_cli *cli, const char *out_path,
                struct tt_evaluation *evaluation)
{
    if (cli->word_count != 1) {
        return tt_cli_fail(TT_EXIT_USAGE, "name one file (or - for standard input)");
    }
    int code = run_steps(run, cli, out_path, evaluation);
    if (code != TT_EXIT_OK) {
        tt_file_run_close(run);
    }
    return code;
}

void tt_file_run_close(struct tt_file_run *run)
{
    if (run->assembly.alloc != NULL) {
        tt_assembly_close(&run->assembly);
    }
    if (run->feed != NULL) {
        tt_feed_close(run->feed);
        run->feed = NULL;
    }
    if (run->settings_open) {
        tt_settings_close(&run->settings);
        run->settings_open = false;
    }
}

static void print_json(const struct tt_file_run *run, FILE *to)
{
    const struct tt_output_counts *counts = &run->counts;
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, 64u << 10);
    struct tt_json_writer json;
    tt_json_writer_init(&json, &buf);
    tt_json_object_begin(&json);
    tt_json_member_int64(&json, "transactions", (int64_t)counts->transactions);
    tt_json_member_int64(&json, "anomalies", (int64_t)counts->anomalies);
    tt_json_member_int64(&json, "alerts", (int64_t)counts->alerts);
    for (uint8_t i = TT_SEVERITY_LOW; i <= TT_SEVERITY_CRITICAL; i++) {
        tt_json_member_int64(&json, tt_severity_name(i), (int64_t)counts->by_severity[i]);
    }
    tt_json_member_int64(&json, "rejected", (int64_t)counts->rejected);
    tt_json_member_int64(&json, "duplicates", (int64_t)counts->duplicates);
    tt_json_member_int64(&json, "conflicts", (int64_t)counts->conflicts);
    tt_json_member_int64(&json, "late", (int64_t)counts->late);
    tt_json_member_int64(&json, "labels", (int64_t)counts->labels);
    tt_json_member_double(&json, "seconds", run->seconds);
    tt_json_member_double(&json, "transactions_per_second",
                          run->seconds > 0.0 ? (double)counts->transactions / run->seconds : 0.0);
    tt_json_object_end(&json);
    (void)fprintf(to, "%s\n", buf.data);
    tt_buf_deinit(&buf);
}

void tt_file_run_print(const struct tt_file_run *run, const struct tt_cli *cli, FILE *to)
{
    const struct tt_output_counts *counts = &run->counts;
    if (cli->json) {
        print_json(run, to);
        return;
    }
    if (cli->verbosity < 0) {
        return;
    }
    (void)fprintf(to, "%llu transactions in %.2f s (%.0f/s)\n",
                  (unsigned long long)counts->transactions, run->seconds,
                  run->seconds > 0.0 ? (double)counts->transactions / run->seconds : 0.0);
    (void)fprintf(to,
                  "%llu anomalies: %llu low, %llu medium, %llu high, %llu critical; %llu alerts\n",
                  (unsigned long long)counts->anomalies,
                  (unsigned long long)counts->by_severity[TT_SEVERITY_LOW],
                  (unsigned long long)counts->by_severity[TT_SEVERITY_MEDIUM],
                  (unsigned long long)counts->by_severity[TT_SEVERITY_HIGH],
                  (unsigned long long)counts->by_severity[TT_SEVERITY_CRITICAL],
                  (unsigned long long)counts->alerts);
    if (counts->rejected + counts->duplicates + counts->conflicts + counts->late > 0) {
        (void)fprintf(to, "%llu rejected, %llu duplicates, %llu id conflicts, %llu too late\n",
                      (unsigned long long)counts->rejected, (unsigned long long)counts->duplicates,
                      (unsigned long long)counts->conflicts, (unsigned long long)counts->late);
    }
}
