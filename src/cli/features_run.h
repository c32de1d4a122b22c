/*
 * A file through the feature steps alone: `telltale features compute`.
 *
 * What:    reads the file as score does, passes every event through gate and steps in one thread and
 *          writes each fresh transaction's vector as a row of CSV.
 * Why:     training sets for other tools come from the very code that runs live, point in time
 *          correct: labels are events, known when they became known. A feature set of one's own
 *          needs neither rules nor detectors that fit it.
 * Threads: the main thread.
 * Limits:  those of the configuration (features.*, ingest.dedupe_*); when one was met, it says that
 *          the values are not exact.
 * Fails:   returns an exit code; on failure everything was reported.
 */
#ifndef TT_CLI_FEATURES_RUN_H
#define TT_CLI_FEATURES_RUN_H

#include "cli/file_io.h"

/* The options, for the table of the command. */
#define TT_FEATURES_RUN_OPTIONS                                                                    \
    {"features", "FILE", "feature set instead of the configured one"},                             \
        {"out", "FILE", "the vectors as CSV; - = standard output"}, TT_FILE_FEED_OPTIONS

/* Computes the features of the file at path. */
int tt_features_run(const struct tt_cli *cli, const char *path);

#endif
