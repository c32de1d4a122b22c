/* See file_run.h. */
#include "cli/file_run.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "adapters/system/clock.h"
#include "services/data_ingestor/file_feed.h"
#include "services/data_ingestor/recorded_feed.h"

/* Few enough to stay in the cache, enough for full batches. */
#define EVENTS_MAX 768
#define PROGRESS_NS INT64_C(200000000)

static const char *value_or(const char *value, const char *otherwise)
{
    return value != NULL ? value : otherwise;
}

static int open_output(FILE **ret, const char *path)
{
    *ret = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
    if (*ret == NULL) {
        return tt_cli_fail(TT_EXIT_FAILED, "%s: %s", path, strerror(errno));
    }
    (void)setvbuf(*ret, NULL, _IONBF, 0); /* the output stage writes whole batches */
    return TT_EXIT_OK;
}

/* Closes; what could not be written is an error even now. */
static int close_output(FILE **file, const char *path)
{
    FILE *closing = *file;
    *file = NULL;
    if (closing == NULL) {
        return TT_EXIT_OK;
    }
    int result = closing == stdout ? fflush(closing) : fclose(closing);
    return result == 0 ? TT_EXIT_OK : tt_cli_fail(TT_EXIT_FAILED, "%s: %s", path, strerror(errno));
}

/* An export is replayed as it was recorded, unless it is read through a map or in another order. */
static bool is_recorded(const struct tt_file_run *run, const struct tt_cli *cli)
{
    const char *order = tt_cli_value(cli, "order");
    return run->settings.map == NULL && (order == NULL || strcmp(order, "recorded") == 0) &&
           tt_recorded_feed_recognises(run->settings.alloc, cli->words[0]);
}

static int open_feed(struct tt_file_run *run, const struct tt_cli *cli, bool recorded)
{
    struct tt_error err = {0};
    const char *order = value_or(tt_cli_value(cli, "order"), "recorded");
    struct tt_file_feed_options options = {
        .path = cli->words[0],
        .map = run->settings.map,
        .schema = &run->settings.schema,
        .label_delay_ms = 7 * TT_MS_PER_DAY,
        .by_event_time = strcmp(order, "event-time") == 0,
    };
    if (!options.by_event_time && strcmp(order, "recorded") != 0) {
        return tt_cli_fail(TT_EXIT_USAGE, "--order: '%s' is not recorded or event-time", order);
    }
    if (!tt_cli_duration(cli, "label-delay", &options.label_delay_ms)) {
        return TT_EXIT_USAGE;
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
    enum tt_status status = tt_assembly_start_learning(&run->settings, &trainer, &bundle, &err);
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
        .counts = &run->counts,
    };
    struct tt_data_ingestor_options ingest = {
        .schema = &run->settings.schema,
        .feed = run->feed,
        .feed_is_recorded = recorded,
        .watermark_ms = TT_TIME_NONE,
        .last_close_ms = TT_TIME_NONE,
        .feed_name = cli->words[0],
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

/* Draws the bar now and then; a stage of its own would be one too many. */
struct progress {
    const struct tt_file_run *run;
    bool on;
    int64_t drawn_ns, started_ns;
};

static void draw(struct progress *progress, int64_t now_ns, bool last)
{
    if (!progress->on || (!last && now_ns - progress->drawn_ns < PROGRESS_NS)) {
        return;
    }
    progress->drawn_ns = now_ns;
    const struct tt_file_run *run = progress->run;
    double share = tt_feed_progress(run->feed);
    double seconds = (double)(now_ns - progress->started_ns) / 1e9;
    double rate = seconds > 0.0 ? (double)run->counts.transactions / seconds : 0.0;
    char bar[41];
    int filled = isnan(share) ? 0 : (int)(share * 40.0);
    for (int i = 0; i < 40; i++) {
        bar[i] = i < filled ? '#' : '.';
    }
    bar[40] = '\0';
    (void)fprintf(stderr, "\r[%s] %3.0f %%  %llu transactions  %.0f/s ", bar,
                  isnan(share) ? 0.0 : share * 100.0, (unsigned long long)run->counts.transactions,
                  rate);
    if (last) {
        (void)fputc('\n', stderr);
    }
}

static void on_round(void *ctx, int64_t now_ns)
{
    draw(ctx, now_ns, false);
}

static int run_all(struct tt_file_run *run, const struct tt_cli *cli)
{
    struct progress progress = {
        .run = run,
        .on = isatty(STDERR_FILENO) != 0 && cli->verbosity >= 0,
        .started_ns = tt_clock_monotonic_ns(&tt_clock_system),
    };
    struct tt_error err = {0};
    enum tt_status status = tt_runner_run_inline(run->assembly.runner, on_round, &progress, &err);
    int64_t now_ns = tt_clock_monotonic_ns(&tt_clock_system);
    draw(&progress, now_ns, true);
    run->seconds = (double)(now_ns - progress.started_ns) / 1e9;
    if (status == TT_OK) {
        status = tt_feed_failure(run->feed, &err);
    }
    return status == TT_OK ? TT_EXIT_OK : tt_cli_fail_error(&err);
}

static int run_steps(struct tt_file_run *run, const struct tt_cli *cli, const char *out_path,
                     struct tt_evaluation *evaluation)
{
    int code = open_settings(run, cli);
    bool recorded = code == TT_EXIT_OK && is_recorded(run, cli);
    if (code == TT_EXIT_OK) {
        code = open_assembly(run, recorded);
    }
    if (code == TT_EXIT_OK) {
        code = open_feed(run, cli, recorded);
    }
    if (code == TT_EXIT_OK && out_path != NULL) {
        code = open_output(&run->out, out_path);
    }
    const char *rejects = tt_cli_value(cli, "rejects");
    if (code == TT_EXIT_OK && rejects != NULL) {
        code = open_output(&run->rejects, rejects);
    }
    if (code == TT_EXIT_OK) {
        code = add_stages(run, cli, out_path, evaluation, recorded);
    }
    if (code == TT_EXIT_OK) {
        code = run_all(run, cli);
    }
    int closed = close_output(&run->out, value_or(out_path, "-"));
    closed = closed == TT_EXIT_OK ? close_output(&run->rejects, value_or(rejects, "-")) : closed;
    return code == TT_EXIT_OK ? closed : code;
}

int tt_file_run(struct tt_file_run *run, const struct tt_cli *cli, const char *out_path,
                struct tt_evaluation *evaluation)
{
    memset(run, 0, sizeof *run);
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
