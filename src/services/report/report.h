/*
 * An evaluation's report as an HTML page, a text table or JSON.
 *
 * What:    writers from struct tt_evaluation_report into a buffer.
 * Why:     the page is one file with inline SVG and no script, so that it can be mailed, archived
 *          and opened years later; it forbids itself everything else by its content security
 *          policy.
 * Owner:   the buffer and the report belong to the caller.
 * Threads: pure functions.
 * Limits:  the page has at most TT_REPORT_BARS_MAX bars of time (days are put together beyond), so
 *          that its size is bounded: below 512 KiB.
 * Fails:   TT_E_LIMIT or TT_E_NOMEM, as the buffer does; it then holds a part of the text.
 */
#ifndef TT_SERVICES_REPORT_REPORT_H
#define TT_SERVICES_REPORT_REPORT_H

#include "core/evaluate/evaluate.h"

#define TT_REPORT_BARS_MAX 100u
#define TT_REPORT_SIZE_MAX (512u * 1024u)

/* What the report itself cannot know; all may be absent. Any bytes: they are escaped. */
struct tt_report_header {
    struct tt_str source;  /* what was evaluated: a file's name */
    struct tt_str version; /* who says so: "telltale 0.1.0" */
    struct tt_str note;    /* a sentence about how: label delay, bundle, … */
};

/* Appends a whole HTML page. */
enum tt_status tt_report_html(struct tt_buf *buf, const struct tt_evaluation_report *report,
                              const struct tt_report_header *header) TT_MUST_USE;
/* Appends the table for a terminal: lines of at most 100 columns, no colours. */
enum tt_status tt_report_text(struct tt_buf *buf,
                              const struct tt_evaluation_report *report) TT_MUST_USE;
/* Appends one JSON object without a line end: {"source":…,"alerts_per_day":…,"whole":{…},"folds":[…],
 * "mean":{…},"kinds":[…],"days":[…]}; what is not defined is null, "mean" without folds too. */
enum tt_status tt_report_json(struct tt_buf *buf, const struct tt_evaluation_report *report,
                              const struct tt_report_header *header) TT_MUST_USE;

#endif
