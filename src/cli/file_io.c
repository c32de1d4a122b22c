/* See file_io.h. */
#include "cli/file_io.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "adapters/system/clock.h"
#include "format/json_write.h"
#include "services/data_ingestor/recorded_feed.h"

#define PROGRESS_NS INT64_C(200000000)

int tt_file_feed_options_read(const struct tt_cli *cli, const struct tt_settings *settings,
                              const char *path, struct tt_file_feed_options *ret)
{
    const char *order = tt_cli_value(cli, "order");
    *ret = (struct tt_file_feed_options){
        .path = path,
        .map = settings->map,
        .schema = &settings->schema,
        .label_delay_ms = 7 * TT_MS_PER_DAY,
        .by_event_time = order != NULL && strcmp(order, "event-time") == 0,
    };
    if (order != NULL && !ret->by_event_time && strcmp(order, "recorded") != 0) {
        return tt_cli_fail(TT_EXIT_USAGE, "--order: '%s' is not recorded or event-time", order);
    }
    return tt_cli_duration(cli, "label-delay", &ret->label_delay_ms) ? TT_EXIT_OK : TT_EXIT_USAGE;
}

bool tt_file_is_recorded(const struct tt_cli *cli, const struct tt_settings *settings,
                         const char *path)
{
    const char *order = tt_cli_value(cli, "order");
    return settings->map == NULL && (order == NULL || strcmp(order, "recorded") == 0) &&
           tt_recorded_feed_recognises(settings->alloc, path);
}

int tt_file_out_open(FILE **ret, const char *path)
{
    *ret = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
    if (*ret == NULL) {
        return tt_cli_fail(TT_EXIT_FAILED, "%s: %s", path, strerror(errno));
    }
    (void)setvbuf(*ret, NULL, _IONBF, 0); /* what is written comes in whole batches */
    return TT_EXIT_OK;
}

int tt_file_out_close(FILE **file, const char *path)
{
    FILE *closing = *file;
    *file = NULL;
    if (closing == NULL) {
        return TT_EXIT_OK;
    }
    int result = closing == stdout ? fflush(closing) : fclose(closing);
    return result == 0 ? TT_EXIT_OK : tt_cli_fail(TT_EXIT_FAILED, "%s: %s", path, strerror(errno));
}

enum tt_status tt_file_out_write(FILE *file, struct tt_buf *buf, struct tt_error *err)
{
    if (buf->status != TT_OK) {
        return tt_fail(err, buf->status, "no memory to write the output");
    }
    if (buf->size > 0 && fwrite(buf->data, 1, buf->size, file) != buf->size) {
        return tt_fail(err, errno == ENOSPC ? TT_E_FULL : TT_E_IO, "cannot write the output: %s",
                       strerror(errno));
    }
    tt_buf_clear(buf);
    return TT_OK;
}

void tt_file_reject_line(struct tt_buf *buf, const struct tt_event *event)
{
    struct tt_json_writer json;
    tt_json_writer_init(&json, buf);
    tt_json_object_begin(&json);
    tt_json_key(&json, "line");
    tt_json_uint64(&json, event->source_line);
    tt_json_member_text(&json, "reason", event->rejection.reason);
    tt_json_member_string(&json, "detail", event->rejection.detail);
    tt_json_member_string(&json, "bytes", event->rejection.bytes);
    tt_json_object_end(&json);
    tt_buf_append_char(buf, '\n');
}

enum tt_status tt_file_rejects_check(uint64_t rejected, int64_t max, const struct tt_event *event,
                                     struct tt_error *err)
{
    if (max < 0 || rejected <= (uint64_t)max) {
        return TT_OK;
    }
    return tt_fail(err, TT_E_LIMIT,
                   "more than %lld rejected records; the last, line %llu: %s: %.*s", (long long)max,
                   (unsigned long long)event->source_line, event->rejection.reason,
                   TT_STR_ARG(event->rejection.detail));
}

void tt_file_progress_start(struct tt_file_progress *progress, const struct tt_cli *cli,
                            const struct tt_feed *feed, const uint64_t *transactions)
{
    *progress = (struct tt_file_progress){
        .feed = feed,
        .transactions = transactions,
        .on = isatty(STDERR_FILENO) != 0 && cli->verbosity >= 0,
        .started_ns = tt_clock_monotonic_ns(&tt_clock_system),
    };
}

static void draw(struct tt_file_progress *progress, int64_t now_ns)
{
    double share = tt_feed_progress(progress->feed);
    double seconds = (double)(now_ns - progress->started_ns) / 1e9;
    double rate = seconds > 0.0 ? (double)*progress->transactions / seconds : 0.0;
    char bar[41];
    int filled = isnan(share) ? 0 : (int)(share * 40.0);
    for (int i = 0; i < 40; i++) {
        bar[i] = i < filled ? '#' : '.';
    }
    bar[40] = '\0';
    (void)fprintf(stderr, "\r[%s] %3.0f %%  %llu transactions  %.0f/s ", bar,
                  isnan(share) ? 0.0 : share * 100.0, (unsigned long long)*progress->transactions,
                  rate);
    progress->drawn_ns = now_ns;
}

void tt_file_progress_draw(struct tt_file_progress *progress, int64_t now_ns)
{
    if (progress->on && now_ns - progress->drawn_ns >= PROGRESS_NS) {
        draw(progress, now_ns);
    }
}

double tt_file_progress_end(struct tt_file_progress *progress)
{
    int64_t now_ns = tt_clock_monotonic_ns(&tt_clock_system);
    if (progress->on) {
        draw(progress, now_ns);
        (void)fputc('\n', stderr);
    }
    return (double)(now_ns - progress->started_ns) / 1e9;
}
