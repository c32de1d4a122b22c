/*
 * telltale rules backtest: a rule file on stored history or on a file.
 *
 * What:    compiles both rule sets, finds the rows, runs, prints, writes the page.
 * Owner:   gives back everything it opens.
 * Threads: the main thread.
 * Fails:   returns an exit code, after saying what is wrong.
 */
#ifndef TT_CLI_BACKTEST_H
#define TT_CLI_BACKTEST_H

#include "cli/cli.h"

/* Its options, for the table of `rules`; with those of TT_FILE_FEED_OPTIONS. */
#define TT_BACKTEST_OPTIONS                                                                        \
    {"against", "WHAT", "backtest: the rules to compare with: live (default), none or a file"},    \
        {"rules", "FILE", "backtest: live rules instead of the configured ones"},                  \
        {"detectors", "FILE", "backtest --input: detectors instead of the configured ones"},       \
        {"from", "TIME", "backtest: first event time, RFC 3339 or a date"},                        \
        {"to", "TIME", "backtest: end of event time, exclusive"},                                  \
        {"input", "FILE", "backtest: a file instead of the stored history"},                       \
        {"data", "FOLDER", "backtest: data folder of the server (data_dir); it may be running"},   \
        {"label-horizon", "DURATION",                                                              \
         "backtest: a transaction without a label after so long counts as genuine (30d)"},         \
    {                                                                                              \
        "report", "FILE", "backtest: one self-contained HTML page"                                 \
    }

/* cli->words are "backtest" and the rule file. */
int tt_backtest_command(const struct tt_cli *cli);

#endif
