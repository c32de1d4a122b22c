/*
 * A backtest's report as an HTML page, a text table or JSON.
 *
 * What:    writers from struct tt_backtest_report into a buffer; the page as report.h has it: one
 *          file, no script.
 * Owner:   the buffer and the report belong to the caller.
 * Threads: pure functions.
 * Limits:  page and table show the TT_BACKTEST_SHOWN_MAX rules with the most hits; JSON has all.
 * Fails:   TT_E_LIMIT or TT_E_NOMEM, as the buffer does; it then holds a part of the text.
 */
#ifndef TT_SERVICES_REPORT_BACKTEST_H
#define TT_SERVICES_REPORT_BACKTEST_H

#include "core/backtest/backtest.h"
#include "services/report/report.h"

#define TT_BACKTEST_SHOWN_MAX 200u

enum tt_status tt_backtest_html(struct tt_buf *buf, const struct tt_backtest_report *report,
                                const struct tt_report_header *header) TT_MUST_USE;
/* For a terminal: no colours. */
enum tt_status tt_backtest_text(struct tt_buf *buf,
                                const struct tt_backtest_report *report) TT_MUST_USE;
/* Appends one JSON object without a line end: {"source":…,"rows":…,"total":{…},"rules":[…],
 * "days":[…],"gained":[…],"lost":[…]}; what is not defined is null. */
enum tt_status tt_backtest_json(struct tt_buf *buf, const struct tt_backtest_report *report,
                                const struct tt_report_header *header) TT_MUST_USE;

/* Private to services/report: indices of rules by falling hits (then in file order), at most
 * TT_BACKTEST_SHOWN_MAX; returns how many. */
uint32_t tt_backtest_shown(const struct tt_backtest_report *report,
                           uint32_t ret[TT_BACKTEST_SHOWN_MAX]);

#endif
