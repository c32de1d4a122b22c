/*
 * The pictures of the page, as inline SVG.
 *
 * A plot is a rectangle in a drawing whose scales run from 0 to 1; what stands on an axis is the
 * caller's. Bars and points carry a <title>, which browsers show on hovering: no script is
 * needed for that. Colours are classes of the style sheet, so that light and dark are one
 * drawing.
 */
#include <math.h>
#include <stdio.h>

#include "base/math.h"
#include "services/report/plot.h"

/* ---- precision and recall ---- */

static void curve_path(const struct tt_plot *plot, const struct tt_evaluation_report *report)
{
    const struct tt_curve_point *points = report->curve;
    tt_buf_append_format(plot->buf, "<path class=w d=\"M%.1f %.1f", tt_plot_x(plot, 0.0),
                         tt_plot_y(plot, 0.0));
    for (uint32_t i = 0; i < report->curve_count; i++) {
        tt_buf_append_format(plot->buf, "L%.1f %.1f",
                             tt_plot_x(plot, i == 0 ? 0.0 : points[i].recall),
                             tt_plot_y(plot, points[i].precision));
    }
    tt_buf_append_format(plot->buf, "L%.1f %.1fZ\"/>\n<path class=c d=\"", tt_plot_x(plot, 1.0),
                         tt_plot_y(plot, 0.0));
    for (uint32_t i = 0; i < report->curve_count; i++) {
        tt_buf_append_format(plot->buf, "%s%.1f %.1f", i == 0 ? "M" : "L",
                             tt_plot_x(plot, i == 0 ? 0.0 : points[i].recall),
                             tt_plot_y(plot, points[i].precision));
    }
    tt_buf_append_text(plot->buf, "\"/>\n");
}

/* The operating point of the budget. */
static void curve_budget(const struct tt_plot *plot, const struct tt_evaluation_metrics *whole)
{
    if (!isfinite(whole->recall_at_budget) || !isfinite(whole->precision_at_budget)) {
        return;
    }
    tt_buf_append_format(plot->buf,
                         "<circle class=p cx=%.1f cy=%.1f r=5><title>budget: recall %s, precision "
                         "%s</title></circle>\n",
                         tt_plot_x(plot, whole->recall_at_budget),
                         tt_plot_y(plot, whole->precision_at_budget),
                         tt_report_percent(whole->recall_at_budget).text,
                         tt_report_percent(whole->precision_at_budget).text);
}

void tt_report_curve_chart(struct tt_buf *buf, const struct tt_evaluation_report *report)
{
    struct tt_plot plot = tt_plot_begin(buf, 520.0, 330.0, "precision against recall");
    for (int i = 0; i <= 4; i++) {
        struct tt_report_word text;
        (void)snprintf(text.text, sizeof text.text, "%d %%", i * 25);
        tt_plot_tick_y(&plot, i / 4.0, text.text);
        tt_plot_tick_x(&plot, i / 4.0, text.text);
    }
    tt_plot_title_x(&plot, "recall: share of frauds found");
    const struct tt_evaluation_metrics *whole = &report->whole;
    if (whole->rows > 0) {
        double y = tt_plot_y(&plot, (double)whole->frauds / (double)whole->rows);
        tt_buf_append_format(buf, "<path class=d d=\"M%.1f %.1fh%.1f\"/>\n", plot.left, y,
                             plot.width);
    }
    if (report->curve_count > 0) {
        curve_path(&plot, report);
    }
    curve_budget(&plot, whole);
    tt_plot_end(&plot);
}

/* ---- scores ---- */

/* Height of a count on a scale of powers of ten; a single one is visible. */
static double log_height(uint64_t count, double decades)
{
    if (count == 0) {
        return 0.0;
    }
    return (tt_log((double)count) / 2.302585092994046 + 0.3) / (decades + 0.3);
}

/* "1", "10 k", "1 M": counts on an axis. */
static struct tt_report_word axis_count(uint64_t count)
{
    static const char units[][4] = {"", " k", " M", " G", " T"};
    size_t unit = 0;
    while (count >= 1000 && count % 1000 == 0 && unit + 1 < TT_ARRAY_SIZE(units)) {
        count /= 1000;
        unit++;
    }
    struct tt_report_word word;
    tt_report_join(&word, tt_report_count(count).text, units[unit], "");
    return word;
}

/* 0, 0.9, 0.99 …: a score whose distance to 1 is a power of ten. */
static void tail_label(int nines, struct tt_report_word *ret)
{
    if (nines == 0) {
        ret->text[0] = '0';
        ret->text[1] = '\0';
        return;
    }
    (void)snprintf(ret->text, sizeof ret->text, "0.%.*s", nines, "999999999999999999");
}

static void histogram_axes(const struct tt_plot *plot,
                           const struct tt_evaluation_histogram *histogram, bool tails,
                           double decades)
{
    struct tt_report_word word;
    uint64_t count = 1;
    for (int i = 0; i <= (int)decades; i++, count *= 10) {
        tt_plot_tick_y(plot, log_height(count, decades), axis_count(count).text);
    }
    if (tails) {
        int step = histogram->high > 9.0 ? 3 : (histogram->high > 5.0 ? 2 : 1);
        for (int nines = 0; nines <= (int)histogram->high; nines += step) {
            tail_label(nines, &word);
            tt_plot_tick_x(plot, nines / histogram->high, word.text);
        }
    } else {
        for (int i = 0; i <= 4; i++) {
            double at = histogram->low + (histogram->high - histogram->low) * i / 4.0;
            (void)snprintf(word.text, sizeof word.text, "%.3g", at);
            tt_plot_tick_x(plot, i / 4.0, word.text);
        }
    }
    tt_plot_title_x(plot, "score");
}

static void histogram_bars(const struct tt_plot *plot,
                           const struct tt_evaluation_histogram *histogram, double decades)
{
    const double width = 1.0 / TT_EVALUATION_BINS;
    char words[128];
    for (unsigned b = 0; b < TT_EVALUATION_BINS; b++) {
        (void)snprintf(words, sizeof words, "%s genuine, %s fraud",
                       tt_report_count(histogram->genuine[b]).text,
                       tt_report_count(histogram->fraud[b]).text);
        tt_plot_bar(plot, "n", (b + 0.06) * width, 0.88 * width, 0.0,
                    log_height(histogram->genuine[b], decades), words);
        tt_plot_bar(plot, "f", (b + 0.28) * width, 0.44 * width, 0.0,
                    log_height(histogram->fraud[b], decades), words);
    }
}

void tt_report_histogram_chart(struct tt_buf *buf, const struct tt_evaluation_report *report)
{
    bool tails = report->tails.high > 0.0;
    const struct tt_evaluation_histogram *histogram = tails ? &report->tails : &report->scores;
    uint64_t most = 1;
    for (unsigned b = 0; b < TT_EVALUATION_BINS; b++) {
        most = histogram->genuine[b] > most ? histogram->genuine[b] : most;
        most = histogram->fraud[b] > most ? histogram->fraud[b] : most;
    }
    double decades = 1.0;
    for (double power = 10.0; power < (double)most; power *= 10.0) {
        decades += 1.0;
    }
    struct tt_plot plot =
        tt_plot_begin(buf, 520.0, 330.0, "transactions by score, genuine and fraud");
    histogram_axes(&plot, histogram, tails, decades);
    histogram_bars(&plot, histogram, decades);
    tt_plot_end(&plot);
}

/* ---- over time ---- */

int64_t tt_report_days_per_bar(const struct tt_evaluation_report *report)
{
    static const int64_t steps[] = {1, 7, 28, 91, 364};
    if (report->day_count == 0) {
        return 1;
    }
    int64_t span = report->days[report->day_count - 1].day - report->days[0].day + 1;
    for (size_t i = 0; i < TT_ARRAY_SIZE(steps); i++) {
        if (span <= steps[i] * TT_REPORT_BARS_MAX) {
            return steps[i];
        }
    }
    return (span + TT_REPORT_BARS_MAX - 1) / TT_REPORT_BARS_MAX;
}

struct days_bar {
    uint64_t caught, missed;
};

/* Puts the days together; returns how many bars there are. */
static size_t days_collect(const struct tt_evaluation_report *report,
                           struct days_bar bars[TT_REPORT_BARS_MAX])
{
    int64_t step = tt_report_days_per_bar(report);
    size_t count = 0;
    for (size_t d = 0; d < report->day_count; d++) {
        const struct tt_evaluation_day *day = &report->days[d];
        size_t at = (size_t)((day->day - report->days[0].day) / step);
        TT_ASSERT(at < TT_REPORT_BARS_MAX);
        for (; count <= at; count++) {
            bars[count] = (struct days_bar){0, 0};
        }
        bars[at].caught += day->caught;
        bars[at].missed += day->frauds - day->caught;
    }
    return count;
}

static void days_axes(const struct tt_plot *plot, const struct tt_evaluation_report *report,
                      size_t count, double top)
{
    double step = tt_plot_step(top, 5.0);
    for (double value = 0.0; value <= top; value += step) {
        tt_plot_tick_y(plot, value / top, axis_count((uint64_t)value).text);
    }
    size_t every = (count + 7) / 8;
    for (size_t b = 0; b < count; b += every) {
        int64_t day = report->days[0].day + (int64_t)b * tt_report_days_per_bar(report);
        tt_plot_tick_x(plot, ((double)b + 0.5) / (double)count, tt_report_date(day).text);
    }
}

void tt_report_days_chart(struct tt_buf *buf, const struct tt_evaluation_report *report)
{
    struct days_bar bars[TT_REPORT_BARS_MAX];
    size_t count = days_collect(report, bars);
    uint64_t most = 1;
    for (size_t b = 0; b < count; b++) {
        most = bars[b].caught + bars[b].missed > most ? bars[b].caught + bars[b].missed : most;
    }
    double step = tt_plot_step((double)most, 5.0);
    double top = step;
    while (top < (double)most) {
        top += step;
    }
    struct tt_plot plot = tt_plot_begin(buf, 1080.0, 300.0, "frauds caught and missed over time");
    days_axes(&plot, report, count, top);
    for (size_t b = 0; b < count; b++) {
        char words[160];
        int64_t day = report->days[0].day + (int64_t)b * tt_report_days_per_bar(report);
        (void)snprintf(words, sizeof words, "%s: %s caught, %s missed", tt_report_date(day).text,
                       tt_report_count(bars[b].caught).text, tt_report_count(bars[b].missed).text);
        double width = 1.0 / (double)count, x = (double)b * width;
        double caught = (double)bars[b].caught / top, missed = (double)bars[b].missed / top;
        tt_plot_bar(&plot, "k", x + 0.1 * width, 0.8 * width, 0.0, caught, words);
        tt_plot_bar(&plot, "f", x + 0.1 * width, 0.8 * width, caught, missed, words);
    }
    tt_plot_end(&plot);
}

/* ---- by kind ---- */

void tt_report_kinds_chart(struct tt_buf *buf, const struct tt_evaluation_report *report)
{
    const double row = 30.0, left = 260.0, width = 560.0;
    tt_buf_append_format(buf,
                         "<svg viewBox=\"0 0 1080 %.0f\" role=img aria-label=\"recall by kind "
                         "of fraud\">\n",
                         row * report->kind_count + 4.0);
    for (uint32_t k = 0; k < report->kind_count; k++) {
        const struct tt_evaluation_kind *kind = &report->kinds[k];
        double recall = kind->frauds > 0 ? (double)kind->caught / (double)kind->frauds : 0.0;
        double y = row * k + 4.0;
        tt_buf_append_format(buf, "<text class=t x=%.0f y=%.1f text-anchor=end>", left - 12.0,
                             y + 15.0);
        tt_report_escape(buf, tt_str_from(kind->name));
        tt_buf_append_format(buf,
                             "</text><rect x=%.0f y=%.1f width=%.0f height=20 rx=3 "
                             "fill=\"var(--grid)\"/><rect class=k x=%.0f y=%.1f width=%.1f "
                             "height=20 rx=3 />",
                             left, y, width, left, y, recall * width);
        tt_buf_append_format(buf, "<text x=%.0f y=%.1f>%s: %s of %s, %s alerted</text>\n",
                             left + width + 12.0, y + 15.0, tt_report_percent(recall).text,
                             tt_report_count(kind->caught).text, tt_report_count(kind->frauds).text,
                             tt_report_count(kind->alerted).text);
    }
    tt_buf_append_text(buf, "</svg>\n");
}
