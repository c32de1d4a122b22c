/*
 * What the files of services/report share: how numbers are said, and the pictures.
 *
 * What:    private to services/report; see report.h for the public face.
 * Owner:   the buffer is the caller's; failures are remembered in it.
 * Threads: pure functions.
 */
#ifndef TT_SERVICES_REPORT_PARTS_H
#define TT_SERVICES_REPORT_PARTS_H

#include "services/report/report.h"

#define TT_REPORT_WORD_SIZE 40u

/* A short text, returned by value: numbers as people read them. */
struct tt_report_word {
    char text[TT_REPORT_WORD_SIZE];
};

/* "1,754,155". */
struct tt_report_word tt_report_count(uint64_t count);
/* "0.635"; "-" for NaN. */
struct tt_report_word tt_report_ratio(double value);
/* "23.0 %"; "-" for NaN. */
struct tt_report_word tt_report_percent(double value);
/* "99.4" with one decimal; "-" for NaN. */
struct tt_report_word tt_report_decimal(double value);
/* "2018-07-25" of a day since the epoch. */
struct tt_report_word tt_report_date(int64_t day);
/* "1,234.50 EUR"; "-" without a currency. */
struct tt_report_word tt_report_money(int64_t amount_minor, tt_currency currency);
/* Three texts in one word, cut at its end. */
void tt_report_join(struct tt_report_word *ret, const char *a, const char *b, const char *c);

/* Text with & < > " ' escaped, invalid UTF-8 and control characters replaced by U+FFFD. */
void tt_report_escape(struct tt_buf *buf, struct tt_str text);

/* A page up to where its header begins, and from behind its cards on. */
void tt_report_page_begin(struct tt_buf *buf, const char *title,
                          const struct tt_report_header *header);
void tt_report_page_end(struct tt_buf *buf, const struct tt_report_header *header);
/* A number with what it is. */
void tt_report_tile(struct tt_buf *buf, struct tt_report_word value, const char *label);
/* What two classes of colour stand for. */
void tt_report_legend(struct tt_buf *buf, const char *class_a, const char *a, const char *class_b,
                      const char *b);

/* Pictures, each one <svg> element. */
void tt_report_curve_chart(struct tt_buf *buf, const struct tt_evaluation_report *report);
void tt_report_histogram_chart(struct tt_buf *buf, const struct tt_evaluation_report *report);
void tt_report_days_chart(struct tt_buf *buf, const struct tt_evaluation_report *report);
void tt_report_kinds_chart(struct tt_buf *buf, const struct tt_evaluation_report *report);
/* How many days a bar of the days' picture holds. */
int64_t tt_report_days_per_bar(const struct tt_evaluation_report *report);

#endif
