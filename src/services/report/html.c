/*
 * The page: escaping, tiles, tables and sections around the pictures.
 */
#include <math.h>

#include "services/report/parts.h"

#define REPLACEMENT "\xef\xbf\xbd"

static const char style[] =
#include "services/report/style.def"
    ;

/* The escape of a byte that may not stand for itself, or NULL. */
static const char *entity(unsigned char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return c < 0x20 || c == 0x7f ? REPLACEMENT : NULL;
    }
}

/* Text that is valid UTF-8. */
static void escape_valid(struct tt_buf *buf, struct tt_str text)
{
    size_t from = 0;
    for (size_t i = 0; i < text.size; i++) {
        const char *instead = entity((unsigned char)text.data[i]);
        if (instead != NULL) {
            tt_buf_append(buf, text.data + from, i - from);
            tt_buf_append_text(buf, instead);
            from = i + 1;
        }
    }
    tt_buf_append(buf, text.data + from, text.size - from);
}

void tt_report_escape(struct tt_buf *buf, struct tt_str text)
{
    while (text.size > 0) {
        size_t valid = tt_str_utf8_check(text);
        escape_valid(buf, (struct tt_str){text.data, valid});
        if (valid == text.size) {
            return;
        }
        tt_buf_append_text(buf, REPLACEMENT);
        text.data += valid + 1;
        text.size -= valid + 1;
    }
}

/* ---- tiles ---- */

void tt_report_tile(struct tt_buf *buf, struct tt_report_word value, const char *label)
{
    tt_buf_append_format(buf, "<div class=tile><b>%s</b><span>%s</span></div>\n", value.text,
                         label);
}

static void put_tiles(struct tt_buf *buf, const struct tt_evaluation_report *report)
{
    /* With folds, their mean is the headline: it is what others publish. */
    bool folds = report->fold_count > 0;
    const struct tt_evaluation_metrics *m = folds ? &report->mean : &report->whole;
    struct tt_report_word label;
    tt_buf_append_text(buf, "<div class=tiles>\n");
    tt_report_tile(buf, tt_report_ratio(m->auc), "AUC ROC");
    tt_report_tile(buf, tt_report_ratio(m->average_precision), "average precision");
    struct tt_report_word count = tt_report_count(report->options.cards_daily);
    tt_report_join(&label, "card precision at ", count.text, "");
    tt_report_tile(buf, tt_report_ratio(m->card_precision), label.text);
    count = tt_report_count(report->options.alerts_daily);
    tt_report_join(&label, "recall at ", count.text, " alerts a day");
    tt_report_tile(buf, tt_report_percent(m->recall_at_budget), label.text);
    tt_report_join(&label, "precision at ", count.text, " a day");
    tt_report_tile(buf, tt_report_percent(m->precision_at_budget), label.text);
    double days = (double)report->whole.days;
    double alerts = days > 0.0 ? (double)report->whole.alerts / days : (double)NAN;
    tt_report_tile(buf, tt_report_decimal(alerts), "alerts raised a day");
    tt_buf_append_text(buf, "</div>\n");
}

/* ---- tables ---- */

static void put_set(struct tt_buf *buf, const char *class, const char *name,
                    const struct tt_evaluation_metrics *m)
{
    tt_buf_append_format(buf, "<tr%s><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td>",
                         class, name, tt_report_count(m->rows).text,
                         tt_report_count(m->frauds).text, tt_report_ratio(m->auc).text,
                         tt_report_ratio(m->average_precision).text);
    tt_buf_append_format(buf, "<td>%s</td><td>%s</td><td>%s</td></tr>\n",
                         tt_report_ratio(m->card_precision).text,
                         tt_report_percent(m->recall_at_budget).text,
                         tt_report_percent(m->precision_at_budget).text);
}

static void put_sets(struct tt_buf *buf, const struct tt_evaluation_report *report)
{
    tt_buf_append_format(
        buf,
        "<section class=\"card wide\"><h2>Measures</h2><p>Every score was made with what was known "
        "before its transaction. Recall and precision: the %s highest rows of each day.",
        tt_report_count(report->options.alerts_daily).text);
    if (report->fold_count > 0) {
        tt_buf_append_format(buf,
                             " A fold tests days %u to %u after its date and leaves out customers "
                             "whose fraud was known by then.",
                             report->options.train_days + report->options.delay_days,
                             report->options.train_days + report->options.delay_days +
                                 report->options.test_days - 1);
    }
    tt_buf_append_format(buf,
                         "</p>\n<table><thead><tr><th>Rows of<th>rows<th>frauds<th>AUC ROC<th>avg "
                         "precision<th>CP@%u<th>recall<th>precision</tr></thead><tbody>\n",
                         report->options.cards_daily);
    for (uint32_t f = 0; f < report->fold_count; f++) {
        struct tt_report_word name;
        tt_report_join(&name, "fold ", tt_report_date(report->options.fold_starts[f]).text, "");
        put_set(buf, "", name.text, &report->folds[f]);
    }
    if (report->fold_count > 0) {
        put_set(buf, " class=mean", "mean of folds", &report->mean);
    }
    put_set(buf, report->fold_count == 0 ? " class=mean" : "", "whole stream", &report->whole);
    tt_buf_append_text(buf, "</tbody></table></section>\n");
}

static void put_kinds(struct tt_buf *buf, const struct tt_evaluation_report *report)
{
    if (report->kind_count == 0) {
        return;
    }
    tt_buf_append_text(buf, "<section class=\"card wide\"><h2>Recall by kind of fraud</h2><p>Share "
                            "of the frauds of each kind that are within the daily budget.</p>\n");
    tt_report_kinds_chart(buf, report);
    tt_buf_append_text(buf, "</section>\n");
}

/* ---- sections with pictures ---- */

void tt_report_legend(struct tt_buf *buf, const char *class_a, const char *a, const char *class_b,
                      const char *b)
{
    tt_buf_append_format(buf,
                         "<div class=legend><span><svg class=key viewBox=\"0 0 10 10\"><rect "
                         "width=10 height=10 class=%s /></svg>%s</span>",
                         class_a, a);
    tt_buf_append_format(buf,
                         "<span><svg class=key viewBox=\"0 0 10 10\"><rect width=10 height=10 "
                         "class=%s /></svg>%s</span></div>",
                         class_b, b);
}

static void put_curve(struct tt_buf *buf, const struct tt_evaluation_report *report)
{
    tt_buf_append_format(buf,
                         "<section class=card><h2>Precision and recall</h2><p>Over the whole "
                         "stream. The ring is the budget of %s alerts a day; the dashed line is "
                         "guessing.</p>\n",
                         tt_report_count(report->options.alerts_daily).text);
    tt_report_curve_chart(buf, report);
    tt_buf_append_text(buf, "</section>\n");
}

static void put_histogram(struct tt_buf *buf, const struct tt_evaluation_report *report)
{
    tt_buf_append_text(buf, "<section class=card>");
    tt_report_legend(buf, "n", "genuine", "f", "fraud");
    tt_buf_append_format(buf,
                         "<h2>Scores</h2><p>Transactions by score; counts are on a logarithmic "
                         "scale%s.</p>\n",
                         report->tails.high > 0.0 ? ", and so is the distance to 1" : "");
    tt_report_histogram_chart(buf, report);
    tt_buf_append_text(buf, "</section>\n");
}

static void put_days(struct tt_buf *buf, const struct tt_evaluation_report *report)
{
    int64_t days = tt_report_days_per_bar(report);
    struct tt_report_word each = tt_report_count((uint64_t)days);
    tt_buf_append_text(buf, "<section class=\"card wide\">");
    tt_report_legend(buf, "k", "caught", "f", "missed");
    tt_buf_append_format(buf,
                         "<h2>Frauds caught and missed over time</h2><p>Within the daily budget; "
                         "a bar is %s%s.",
                         days == 1 ? "a day" : each.text, days == 1 ? "" : " days");
    if (report->currency != 0) {
        tt_buf_append_format(buf, " In money: caught %s, missed %s.",
                             tt_report_money(report->whole.caught_minor, report->currency).text,
                             tt_report_money(report->whole.missed_minor, report->currency).text);
    }
    tt_buf_append_text(buf, "</p>\n");
    tt_report_days_chart(buf, report);
    tt_buf_append_text(buf, "</section>\n");
}

/* ---- the page ---- */

void tt_report_page_begin(struct tt_buf *buf, const char *title,
                          const struct tt_report_header *header)
{
    tt_buf_append_text(buf,
                       "<!doctype html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n"
                       "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; "
                       "style-src 'unsafe-inline'\">\n"
                       "<meta name=viewport content=\"width=device-width,initial-scale=1\">\n"
                       "<title>");
    tt_buf_append_text(buf, title);
    if (header->source.size > 0) {
        tt_buf_append_text(buf, " of ");
        tt_report_escape(buf, header->source);
    }
    tt_buf_append_text(buf, "</title>\n<style>");
    tt_buf_append_text(buf, style);
    tt_buf_append_text(buf, "</style>\n</head>\n<body>\n<main>\n");
}

static void put_header(struct tt_buf *buf, const struct tt_evaluation_report *report,
                       const struct tt_report_header *header)
{
    tt_buf_append_text(buf, "<header><h1>Evaluation");
    if (header->source.size > 0) {
        tt_buf_append_text(buf, " of ");
        tt_report_escape(buf, header->source);
    }
    tt_buf_append_format(buf, "</h1><p>%s transactions of %s customers, %s of them fraud",
                         tt_report_count(report->whole.rows).text,
                         tt_report_count(report->users).text,
                         tt_report_count(report->whole.frauds).text);
    if (report->day_count > 0) {
        tt_buf_append_format(buf, "; %s to %s", tt_report_date(report->days[0].day).text,
                             tt_report_date(report->days[report->day_count - 1].day).text);
    }
    if (report->fold_count > 0) {
        tt_buf_append_format(buf, ". The first five figures are means of %u folds",
                             report->fold_count);
    }
    tt_buf_append_text(buf, ".</p></header>\n");
}

void tt_report_page_end(struct tt_buf *buf, const struct tt_report_header *header)
{
    tt_buf_append_text(buf, "</div>\n<footer>");
    tt_report_escape(buf, header->note);
    if (header->note.size > 0 && header->version.size > 0) {
        tt_buf_append_text(buf, " &middot; ");
    }
    tt_report_escape(buf, header->version);
    tt_buf_append_text(buf, "</footer>\n</main>\n</body>\n</html>\n");
}

enum tt_status tt_report_html(struct tt_buf *buf, const struct tt_evaluation_report *report,
                              const struct tt_report_header *header)
{
    tt_report_page_begin(buf, "Evaluation", header);
    put_header(buf, report, header);
    put_tiles(buf, report);
    tt_buf_append_text(buf, "<div class=cards>\n");
    put_curve(buf, report);
    put_histogram(buf, report);
    put_days(buf, report);
    put_kinds(buf, report);
    put_sets(buf, report);
    tt_report_page_end(buf, header);
    return buf->status;
}
