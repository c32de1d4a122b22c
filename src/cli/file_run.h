/*
 * A file through the engine, offline: what score and evaluate share.
 *
 * What:    opens settings, map and feed, assembles the engine in one thread with an output stage, runs to
 *          the end with a progress bar on a terminal.
 * Owner:   the caller owns the struct; tt_file_run_close gives everything back.
 * Threads: the main thread.
 */
#ifndef TT_CLI_FILE_RUN_H
#define TT_CLI_FILE_RUN_H

#include "cli/assembly.h"
#include "cli/file_io.h"
#include "cli/output.h"

/* The options both commands have, for their tables. */
#define TT_FILE_RUN_OPTIONS                                                                        \
    TT_FILE_FEED_OPTIONS, {"features", "FILE", "feature set instead of the configured one"},       \
        {"rules", "FILE", "rules instead of the configured ones; `none` = without"},               \
    {                                                                                              \
        "detectors", "FILE", "detectors instead of the configured ones"                            \
    }

struct tt_file_run {
    struct tt_settings settings;
    bool settings_open;
    struct tt_feed *feed;
    struct tt_assembly assembly;
    FILE *out, *rejects;
    struct tt_output_counts counts;
    double seconds;
    struct tt_output_sink sink; /* set before the run when `take` is wanted */
};

/* Runs the whole file, from a zeroed struct (but for the sink). out: where lines go, or NULL. Returns an exit code; on failure everything was
 * reported and is closed. */
int tt_file_run(struct tt_file_run *run, const struct tt_cli *cli, const char *out_path,
                struct tt_evaluation *evaluation);
void tt_file_run_close(struct tt_file_run *run);
/* Prints the counts: a few lines, or one JSON object. */
void tt_file_run_print(const struct tt_file_run *run, const struct tt_cli *cli, FILE *to);

#endif
