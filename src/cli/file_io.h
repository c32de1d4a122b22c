/*
 * Files of a command that makes one pass over records: what comes in, what goes out, how far it is.
 *
 * What:    the options that say how a file is read, output files, refused records as lines, a
 *          progress bar.
 * Why:     score, evaluate and features compute read and write alike.
 * Owner:   the caller owns what it opens and closes it.
 * Threads: the main thread.
 * Fails:   calls that return an int return an exit code, after saying what is wrong.
 */
#ifndef TT_CLI_FILE_IO_H
#define TT_CLI_FILE_IO_H

#include <stdio.h>

#include "cli/cli.h"
#include "cli/settings.h"
#include "services/data_ingestor/file_feed.h"

/* How records are read, for the tables of commands. */
#define TT_FILE_FEED_OPTIONS                                                                       \
    {"map", "FILE", "mapping of a foreign file's columns; `handbook` is built in"},                \
        {"label-delay", "DURATION",                                                                \
         "a mapped label becomes known so long after its transaction (7d)"},                       \
        {"order", "ORDER", "recorded (as in the file; default) or event-time"},                    \
        {"rejects", "FILE", "refused records as JSON lines"},                                      \
    {                                                                                              \
        "max-rejects", "N", "stop with an error when more records are refused"                     \
    }

/* The feed's options from --label-delay and --order; path is NULL-free, map and schema are the
 * settings'. */
int tt_file_feed_options_read(const struct tt_cli *cli, const struct tt_settings *settings,
                              const char *path, struct tt_file_feed_options *ret);
/* Whether the file is an export that is to be replayed as it was recorded: not through a map, not in
 * another order. */
bool tt_file_is_recorded(const struct tt_cli *cli, const struct tt_settings *settings,
                         const char *path);

/* Opens for writing; "-" is standard output. */
int tt_file_out_open(FILE **ret, const char *path);
/* Closes; what could not be written is an error even now. NULL is fine. */
int tt_file_out_close(FILE **file, const char *path);
/* Writes the buffer and empties it; TT_E_FULL, TT_E_IO, or the buffer's own failure. */
enum tt_status tt_file_out_write(FILE *file, struct tt_buf *buf, struct tt_error *err) TT_MUST_USE;
/* Appends a refused record as a line. */
void tt_file_reject_line(struct tt_buf *buf, const struct tt_event *event);
/* TT_E_LIMIT when more than max (< 0: no limit) records were refused, event the last of them. */
enum tt_status tt_file_rejects_check(uint64_t rejected, int64_t max, const struct tt_event *event,
                                     struct tt_error *err) TT_MUST_USE;

/* A bar on standard error, drawn now and then. */
struct tt_file_progress {
    const struct tt_feed *feed;
    const uint64_t *transactions;
    bool on;
    int64_t drawn_ns, started_ns;
};

/* Starts the clock; the bar is for terminals, and not with -q. */
void tt_file_progress_start(struct tt_file_progress *progress, const struct tt_cli *cli,
                            const struct tt_feed *feed, const uint64_t *transactions);
void tt_file_progress_draw(struct tt_file_progress *progress, int64_t now_ns);
/* Draws for the last time; returns the seconds it took. */
double tt_file_progress_end(struct tt_file_progress *progress);

#endif
