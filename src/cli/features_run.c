/* See features_run.h. Events lie in one array; a batch is read, passed through each step, written. */
#include "cli/features_run.h"

#include <string.h>

#include "adapters/system/clock.h"
#include "base/number.h"
#include "core/features/step.h"
#include "format/csv.h"
#include "format/json_write.h"
#include "runtime/secret.h"
#include "services/data_ingestor/recorded_feed.h"
#include "services/feature_engineer/gate.h"
#include "services/pipeline/rows.h"

#define BATCH 256
#define BUFFER_SIZE_MAX (64u << 20)

struct counts {
    uint64_t transactions, duplicates, conflicts, late, labels, rejected;
};

struct pass {
    const struct tt_cli *cli;
    struct tt_settings settings;
    struct tt_plan *plan;
    struct tt_feed *feed;
    bool recorded; /* positions come with the events */
    struct tt_gate_table gate;
    struct tt_step *steps[TT_STEPS_MAX];
    struct tt_loose_event *loose; /* BATCH of them */
    struct tt_event *events[BATCH];
    size_t event_count;
    FILE *out, *rejects;
    int64_t rejects_max;
    struct tt_buf buf;
    uint64_t seq;
    struct counts counts;
    bool ended;
    bool short_of_memory;
    double seconds;
};

static enum tt_status open_steps(struct pass *pass, struct tt_error *err)
{
    const struct tt_config *config = &pass->settings.config;
    struct tt_step_options options = {
        .entities_max = (uint32_t)config->entities_max,
        .memory_bytes_max = (size_t)config->memory_max,
    };
    tt_secret_random(&options.key, sizeof options.key);
    tt_gate_init(&pass->gate, pass->settings.alloc, options.key, config->dedupe_horizon,
                 (uint32_t)config->dedupe_max, NULL, NULL);
    enum tt_status status = TT_OK;
    for (uint32_t i = 0; status == TT_OK && i < tt_plan_step_count(pass->plan); i++) {
        status = tt_step_new(pass->settings.alloc, pass->plan, i, &options, &pass->steps[i], err);
    }
    pass->loose = tt_new_array(pass->settings.alloc, BATCH, sizeof *pass->loose);
    if (status == TT_OK && pass->loose == NULL) {
        status = tt_fail(err, TT_E_NOMEM, "no memory for a batch of events");
    }
    for (size_t i = 0; pass->loose != NULL && i < BATCH; i++) {
        tt_loose_event_init(&pass->loose[i], pass->settings.alloc);
    }
    return status;
}

static int open_feed(struct pass *pass, const char *path)
{
    struct tt_error err = {0};
    struct tt_file_feed_options options;
    int code = tt_file_feed_options_read(pass->cli, &pass->settings, path, &options);
    if (code != TT_EXIT_OK) {
        return code;
    }
    pass->recorded = tt_file_is_recorded(pass->cli, &pass->settings, path);
    struct tt_recorded_feed_options recorded = {.path = path, .schema = &pass->settings.schema};
    enum tt_status status =
        pass->recorded ? tt_recorded_feed_open(pass->settings.alloc, &recorded, &pass->feed, &err)
                       : tt_file_feed_open(pass->settings.alloc, &options, &pass->feed, &err);
    return status == TT_OK ? TT_EXIT_OK : tt_cli_fail_error(&err);
}

static int open_files(struct pass *pass)
{
    const char *rejects = tt_cli_value(pass->cli, "rejects");
    pass->rejects_max = -1;
    if (!tt_cli_integer(pass->cli, "max-rejects", 0, INT64_MAX, &pass->rejects_max)) {
        return TT_EXIT_USAGE;
    }
    int code = tt_file_out_open(&pass->out, tt_cli_value(pass->cli, "out"));
    if (code == TT_EXIT_OK && rejects != NULL) {
        code = tt_file_out_open(&pass->rejects, rejects);
    }
    return code;
}

/* The plan before the feed: a mistake in the feature set is told before the data is looked at. */
static int open_engine(struct pass *pass)
{
    const char *map = tt_cli_value(pass->cli, "map");
    struct tt_error err = {0};
    enum tt_status status = map != NULL ? tt_settings_map(&pass->settings, map, &err) : TT_OK;
    if (status == TT_OK) {
        status = tt_settings_plan(&pass->settings, tt_cli_value(pass->cli, "features"), &pass->plan,
                                  &err);
    }
    if (status == TT_OK) {
        status = open_steps(pass, &err);
    }
    return status == TT_OK ? TT_EXIT_OK : tt_cli_fail_error(&err);
}

static enum tt_status take_reject(struct pass *pass, const struct tt_event *event,
                                  struct tt_error *err)
{
    pass->counts.rejected++;
    if (pass->rejects != NULL) {
        tt_file_reject_line(&pass->buf, event);
        enum tt_status status = tt_file_out_write(pass->rejects, &pass->buf, err);
        if (status != TT_OK) {
            return status;
        }
    }
    return tt_file_rejects_check(pass->counts.rejected, pass->rejects_max, event, err);
}

/* Gives the event its place in the log, and the gate's verdict. */
static enum tt_status accept(struct pass *pass, struct tt_event *event, struct tt_error *err)
{
    event->gate = TT_GATE_FRESH;
    if (!pass->recorded) {
        event->seq = ++pass->seq;
    }
    if (event->kind != TT_EVENT_TRANSACTION) {
        pass->counts.labels++;
        return TT_OK;
    }
    event->content = tt_txn_content_hash(&event->txn);
    return tt_gate_pass(&pass->gate, event, err);
}

/* Reads until the batch is full or the feed has ended. */
static enum tt_status read_batch(struct pass *pass, struct tt_error *err)
{
    pass->event_count = 0;
    while (pass->event_count < BATCH && !pass->ended) {
        struct tt_event *event = tt_loose_event_reset(&pass->loose[pass->event_count]);
        enum tt_status status = pass->feed->ops->next(pass->feed, event, err);
        if (status == TT_E_CLOSED) {
            pass->ended = true;
            return TT_OK;
        }
        if (status == TT_OK && event->kind == TT_EVENT_REJECT) {
            status = take_reject(pass, event, err);
        } else if (status == TT_OK) {
            status = accept(pass, event, err);
            pass->events[pass->event_count++] = event;
        }
        if (status != TT_OK) {
            return status;
        }
    }
    return TT_OK;
}

static void write_header(struct pass *pass)
{
    tt_buf_append_text(&pass->buf, "transaction_id,timestamp");
    for (uint32_t i = 0; i < tt_plan_feature_count(pass->plan); i++) {
        tt_buf_append_char(&pass->buf, ',');
        tt_csv_append_field(&pass->buf, tt_plan_feature(pass->plan, i)->name);
    }
    tt_buf_append_char(&pass->buf, '\n');
}

static void write_row(struct pass *pass, const struct tt_event *event)
{
    struct tt_buf *buf = &pass->buf;
    char text[TT_TIME_TEXT_SIZE > TT_NUMBER_TEXT_SIZE ? TT_TIME_TEXT_SIZE : TT_NUMBER_TEXT_SIZE];
    tt_csv_append_field(buf, event->txn.text[TT_TEXT_TRANSACTION_ID]);
    tt_buf_append_char(buf, ',');
    tt_buf_append(buf, text, tt_time_format(event->txn.timestamp_ms, text));
    for (uint32_t i = 0; i < event->vector.count; i++) {
        double value = 0.0;
        tt_buf_append_char(buf, ',');
        if (tt_vector_get(&event->vector, i, &value)) {
            tt_buf_append(buf, text, tt_double_format(value, text));
        }
    }
    tt_buf_append_char(buf, '\n');
}

static void write_event(struct pass *pass, const struct tt_event *event)
{
    if (event->kind != TT_EVENT_TRANSACTION) {
        return;
    }
    if (event->gate != TT_GATE_FRESH) {
        pass->counts.duplicates += event->gate == TT_GATE_DUPLICATE ? 1 : 0;
        pass->counts.conflicts += event->gate == TT_GATE_CONFLICT ? 1 : 0;
        return;
    }
    pass->counts.transactions++;
    pass->counts.late += event->late ? 1 : 0;
    write_row(pass, event);
}

static enum tt_status pass_batch(struct pass *pass, struct tt_error *err)
{
    for (uint32_t i = 0; i < tt_plan_step_count(pass->plan); i++) {
        enum tt_status status = tt_step_run(pass->steps[i], pass->events, pass->event_count, NULL);
        pass->short_of_memory = pass->short_of_memory || status != TT_OK;
    }
    for (size_t i = 0; i < pass->event_count; i++) {
        write_event(pass, pass->events[i]);
    }
    return tt_file_out_write(pass->out, &pass->buf, err);
}

static int run_all(struct pass *pass)
{
    struct tt_error err = {0};
    struct tt_file_progress progress;
    tt_file_progress_start(&progress, pass->cli, pass->feed, &pass->counts.transactions);
    write_header(pass);
    enum tt_status status = tt_file_out_write(pass->out, &pass->buf, &err);
    while (status == TT_OK && !pass->ended) {
        status = read_batch(pass, &err);
        if (status == TT_OK) {
            status = pass_batch(pass, &err);
        }
        tt_file_progress_draw(&progress, tt_clock_monotonic_ns(&tt_clock_system));
    }
    pass->seconds = tt_file_progress_end(&progress);
    if (status == TT_OK) {
        status = tt_feed_failure(pass->feed, &err);
    }
    return status == TT_OK ? TT_EXIT_OK : tt_cli_fail_error(&err);
}

/* What a limit has taken is said, whatever the verbosity: such values are not those of a replay. */
static void warn_of_limits(const struct pass *pass)
{
    uint64_t evicted = 0, unpriced = 0;
    for (uint32_t i = 0; i < tt_plan_step_count(pass->plan); i++) {
        struct tt_step_stats stats = tt_step_stats(pass->steps[i]);
        evicted += stats.evicted;
        unpriced += stats.unpriced;
    }
    if (unpriced > 0) {
        (void)fprintf(stderr,
                      "telltale: %llu transactions are in currencies without an exchange rate: "
                      "they have no amount_base\n",
                      (unsigned long long)unpriced);
    }
    if (evicted > 0) {
        (void)fprintf(stderr,
                      "telltale: %llu entities had to make room, so their windows are not "
                      "exact: raise features.memory_max or features.entities_max\n",
                      (unsigned long long)evicted);
    }
    if (pass->short_of_memory) {
        (void)fprintf(stderr,
                      "telltale: memory ran out, so that some transactions are missing in the "
                      "windows of later ones: raise features.memory_max\n");
    }
}

static void print_json(const struct pass *pass, FILE *to)
{
    const struct counts *counts = &pass->counts;
    struct tt_buf buf;
    struct tt_json_writer json;
    tt_buf_init(&buf, &tt_alloc_libc, 4u << 10);
    tt_json_writer_init(&json, &buf);
    tt_json_object_begin(&json);
    tt_json_member_int64(&json, "transactions", (int64_t)counts->transactions);
    tt_json_member_int64(&json, "features", (int64_t)tt_plan_feature_count(pass->plan));
    tt_json_member_int64(&json, "rejected", (int64_t)counts->rejected);
    tt_json_member_int64(&json, "duplicates", (int64_t)counts->duplicates);
    tt_json_member_int64(&json, "conflicts", (int64_t)counts->conflicts);
    tt_json_member_int64(&json, "late", (int64_t)counts->late);
    tt_json_member_int64(&json, "labels", (int64_t)counts->labels);
    tt_json_member_double(&json, "seconds", pass->seconds);
    tt_json_object_end(&json);
    (void)fprintf(to, "%s\n", buf.data);
    tt_buf_deinit(&buf);
}

static void print_counts(const struct pass *pass)
{
    const struct counts *counts = &pass->counts;
    /* the rows themselves may be on standard output */
    FILE *to = strcmp(tt_cli_value(pass->cli, "out"), "-") == 0 ? stderr : stdout;
    warn_of_limits(pass);
    if (pass->cli->json) {
        print_json(pass, to);
        return;
    }
    if (pass->cli->verbosity < 0) {
        return;
    }
    (void)fprintf(to, "%llu transactions, %u features in %.2f s (%.0f/s)\n",
                  (unsigned long long)counts->transactions, tt_plan_feature_count(pass->plan),
                  pass->seconds,
                  pass->seconds > 0.0 ? (double)counts->transactions / pass->seconds : 0.0);
    if (counts->rejected + counts->duplicates + counts->conflicts + counts->late > 0) {
        (void)fprintf(to, "%llu rejected, %llu duplicates, %llu id conflicts, %llu too late\n",
                      (unsigned long long)counts->rejected, (unsigned long long)counts->duplicates,
                      (unsigned long long)counts->conflicts, (unsigned long long)counts->late);
    }
}

static void close_pass(struct pass *pass)
{
    const struct tt_alloc *alloc = pass->settings.alloc;
    for (size_t i = 0; pass->loose != NULL && i < BATCH; i++) {
        tt_loose_event_deinit(&pass->loose[i]);
    }
    tt_delete(alloc, pass->loose, BATCH * sizeof *pass->loose);
    if (pass->plan != NULL) {
        tt_gate_deinit(&pass->gate);
    }
    for (uint32_t i = 0; i < TT_STEPS_MAX; i++) {
        tt_step_free(pass->steps[i]);
    }
    if (pass->feed != NULL) {
        tt_feed_close(pass->feed);
    }
    tt_plan_free(pass->plan);
    tt_buf_deinit(&pass->buf);
    tt_settings_close(&pass->settings);
}

int tt_features_run(const struct tt_cli *cli, const char *path)
{
    struct pass pass = {.cli = cli};
    struct tt_error err = {0};
    const char *out = tt_cli_value(cli, "out"), *rejects = tt_cli_value(cli, "rejects");
    if (out == NULL) {
        return tt_cli_fail(TT_EXIT_USAGE, "features compute: --out FILE says where to (- = "
                                          "standard output)");
    }
    if (tt_settings_open(&pass.settings, cli, &err) != TT_OK) {
        return tt_cli_fail_error(&err);
    }
    tt_buf_init(&pass.buf, pass.settings.alloc, BUFFER_SIZE_MAX);
    int code = open_engine(&pass);
    code = code == TT_EXIT_OK ? open_feed(&pass, path) : code;
    code = code == TT_EXIT_OK ? open_files(&pass) : code;
    code = code == TT_EXIT_OK ? run_all(&pass) : code;
    int closed = tt_file_out_close(&pass.out, out);
    closed = closed == TT_EXIT_OK ? tt_file_out_close(&pass.rejects, rejects) : closed;
    code = code == TT_EXIT_OK ? closed : code;
    if (code == TT_EXIT_OK) {
        print_counts(&pass);
    }
    close_pass(&pass);
    return code;
}
