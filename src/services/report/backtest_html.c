/* A backtest's page: tiles, alerts over time, rules, examples. */
#include <math.h>
#include <stdio.h>

#include "services/report/backtest.h"
#include "services/report/plot.h"

/* ---- over time ---- */

struct bars {
    int64_t step; /* days a bar */
    size_t count;
    uint64_t now[TT_REPORT_BARS_MAX], before[TT_REPORT_BARS_MAX];
};

static void collect(const struct tt_backtest_report *report, struct bars *bars)
{
    *bars = (struct bars){.step = 1};
    if (report->day_count == 0) {
        return;
    }
    int64_t first = report->days[0].day;
    int64_t span = report->days[report->day_count - 1].day - first + 1;
    bars->step = (span + TT_REPORT_BARS_MAX - 1) / TT_REPORT_BARS_MAX;
    for (size_t d = 0; d < report->day_count; d++) {
        size_t at = (size_t)((report->days[d].day - first) / bars->step);
        TT_ASSERT(at < TT_REPORT_BARS_MAX);
        bars->count = at + 1;
        bars->now[at] += report->days[d].alerts;
        bars->before[at] += report->days[d].alerts_before;
    }
}

static void put_over_time(struct tt_buf *buf, const struct tt_backtest_report *report)
{
    struct bars bars;
    collect(report, &bars);
    uint64_t most = 1;
    for (size_t b = 0; b < bars.count; b++) {
        most = bars.now[b] > most ? bars.now[b] : most;
        most = bars.before[b] > most ? bars.before[b] : most;
    }
    double step = tt_plot_step((double)most, 5.0), top = step;
    while (top < (double)most) {
        top += step;
    }
    tt_buf_append_text(buf, "<section class=\"card wide\">");
    tt_report_legend(buf, "k", "these rules", "n", "compared with");
    tt_buf_append_format(buf,
                         "<h2>Alerts over time</h2><p>Transactions with a hit of a live rule; "
                         "a bar is %s day%s.</p>\n",
                         tt_report_count((uint64_t)bars.step).text, bars.step == 1 ? "" : "s");
    struct tt_plot plot = tt_plot_begin(buf, 1080.0, 300.0, "alerts over time");
    for (double value = 0.0; value <= top; value += step) {
        tt_plot_tick_y(&plot, value / top, tt_report_count((uint64_t)value).text);
    }
    size_t every = (bars.count + 7) / 8;
    for (size_t b = 0; b < bars.count; b++) {
        char words[160];
        struct tt_report_word date = tt_report_date(report->days[0].day + (int64_t)b * bars.step);
        double width = 1.0 / (double)bars.count, x = (double)b * width;
        if (b % every == 0) {
            tt_plot_tick_x(&plot, x + width / 2.0, date.text);
        }
        (void)snprintf(words, sizeof words, "%s: %s, compared with %s", date.text,
                       tt_report_count(bars.now[b]).text, tt_report_count(bars.before[b]).text);
        tt_plot_bar(&plot, "n", x + 0.08 * width, 0.84 * width, 0.0, (double)bars.before[b] / top,
                    words);
        tt_plot_bar(&plot, "k", x + 0.28 * width, 0.44 * width, 0.0, (double)bars.now[b] / top,
                    words);
    }
    tt_plot_end(&plot);
    tt_buf_append_text(buf, "</section>\n");
}

/* ---- what the hits are ---- */

/* One rule's hits as a bar of parts. */
static void put_parts(struct tt_buf *buf, const struct tt_backtest_rule *rule, double y,
                      double scale)
{
    const double left = 300.0;
    const struct tt_backtest_counts *counts = &rule->counts;
    const struct {
        const char *class;
        const char *name;
        uint64_t count;
    } parts[] = {
        {"f", "fraud", counts->labelled_fraud},
        {"n", "genuine", counts->labelled_genuine},
        {"u", "unlabelled", counts->unlabelled},
        {"b", "blocked before", counts->blocked},
    };
    tt_buf_append_format(buf, "<text class=t x=%.0f y=%.1f text-anchor=end>", left - 12.0,
                         y + 15.0);
    tt_report_escape(buf, rule->info.id);
    tt_buf_append_text(buf, "</text>");
    double x = left;
    for (size_t i = 0; i < TT_ARRAY_SIZE(parts); i++) {
        double width = (double)parts[i].count * scale;
        if (parts[i].count > 0) {
            tt_buf_append_format(buf,
                                 "<rect class=%s x=%.1f y=%.1f width=%.1f height=20><title>%s %s"
                                 "</title></rect>",
                                 parts[i].class, x, y, width < 1.0 ? 1.0 : width,
                                 tt_report_count(parts[i].count).text, parts[i].name);
            x += width < 1.0 ? 1.0 : width;
        }
    }
    tt_buf_append_format(buf, "<text x=%.1f y=%.1f>%s</text>\n", x + 10.0, y + 15.0,
                         tt_report_count(counts->hits).text);
}

static void put_hits(struct tt_buf *buf, const struct tt_backtest_report *report,
                     const uint32_t *shown, uint32_t count)
{
    const double row = 28.0;
    uint64_t most = 1;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t hits = report->rules[shown[i]].counts.hits;
        most = hits > most ? hits : most;
    }
    tt_buf_append_text(buf, "<section class=\"card wide\">");
    tt_report_legend(buf, "f", "fraud", "n", "genuine");
    tt_buf_append_text(buf, "<h2>What the hits are</h2><p>Pale: no label yet. Striped: blocked or "
                            "declined then, so that no label could come.</p>\n");
    tt_buf_append_format(
        buf,
        "<svg viewBox=\"0 0 1080 %.0f\" role=img aria-label=\"hits by rule\">"
        "<defs><pattern id=s width=6 height=6 patternUnits=userSpaceOnUse "
        "patternTransform=\"rotate(45)\"><rect width=3 height=6 class=n /></pattern>"
        "</defs><style>.u{fill:var(--grid)}.b{fill:url(#s)}</style>\n",
        row * count + 4.0);
    for (uint32_t i = 0; i < count; i++) {
        put_parts(buf, &report->rules[shown[i]], row * i + 4.0, 640.0 / (double)most);
    }
    tt_buf_append_text(buf, "</svg></section>\n");
}

/* ---- tables ---- */

static void put_precision(struct tt_buf *buf, const struct tt_backtest_counts *counts)
{
    tt_buf_append_format(buf, "<td>%s", tt_report_percent(counts->precision).text);
    if (!isnan(counts->precision)) {
        tt_buf_append_format(buf, " <small>%s to %s</small>",
                             tt_report_percent(counts->precision_low).text,
                             tt_report_percent(counts->precision_high).text);
    }
    tt_buf_append_format(buf, "</td><td>%s</td>", tt_report_percent(counts->recall).text);
}

static void put_row(struct tt_buf *buf, const char *class, struct tt_str name,
                    const struct tt_backtest_counts *counts, tt_currency currency)
{
    tt_buf_append_format(buf, "<tr%s><td>", class);
    tt_report_escape(buf, name);
    tt_buf_append_format(buf, "</td><td>%s</td><td>%s</td>", tt_report_count(counts->hits).text,
                         tt_report_decimal(counts->daily).text);
    put_precision(buf, counts);
    tt_buf_append_format(buf, "<td>%s</td><td>%s</td><td>%s</td>",
                         tt_report_count(counts->gained).text, tt_report_count(counts->lost).text,
                         tt_report_count(counts->errors).text);
    tt_buf_append_format(buf, "<td>%s</td><td>%s</td></tr>\n",
                         tt_report_money(counts->caught_minor, currency).text,
                         tt_report_money(counts->wrong_minor, currency).text);
}

static void put_rules(struct tt_buf *buf, const struct tt_backtest_report *report,
                      const uint32_t *shown, uint32_t count)
{
    tt_buf_append_format(
        buf,
        "<section class=\"card wide\"><h2>Rules</h2><p>Precision with its 95 %% interval, over the "
        "hits until %s: later ones have not had the time to be labelled. Gained and lost: hits "
        "beside the same rule of the set compared with. Caught: fraud that was not let pass; "
        "wrong: "
        "genuine payments that were not.</p>\n<table><thead><tr><th>rule<th>hits<th>a day"
        "<th>precision<th>recall<th>gained<th>lost<th>no value<th>caught<th>wrong</tr></thead>"
        "<tbody>\n",
        tt_report_date(tt_day_of(report->options.as_of_ms - report->options.horizon_ms)).text);
    for (uint32_t i = 0; i < count; i++) {
        const struct tt_backtest_rule *rule = &report->rules[shown[i]];
        put_row(buf, "", rule->info.id, &rule->counts, report->currency);
    }
    put_row(buf, " class=mean", TT_STR("all live rules"), &report->total, report->currency);
    if (report->options.against != NULL) {
        put_row(buf, "", TT_STR("compared with"), &report->total_before, report->currency);
    }
    tt_buf_append_text(buf, "</tbody></table></section>\n");
}

static void put_examples(struct tt_buf *buf, const char *title,
                         const struct tt_backtest_example *examples, uint32_t count, uint64_t total,
                         const struct tt_rules *set)
{
    if (count == 0) {
        return;
    }
    tt_buf_append_format(buf,
                         "<section class=\"card wide\"><h2>%s</h2><p>%u of %s, drawn evenly.</p>\n"
                         "<table><thead><tr><th>transaction<th>time<th>amount<th>rule<th>label"
                         "</tr></thead><tbody>\n",
                         title, count, tt_report_count(total).text);
    for (uint32_t i = 0; i < count; i++) {
        const struct tt_backtest_example *example = &examples[i];
        char time[TT_TIME_TEXT_SIZE];
        size_t size = tt_time_format(example->event_ms, time);
        struct tt_rule_info info;
        tt_rules_info(set, example->rule, &info);
        tt_buf_append_text(buf, "<tr><td>");
        tt_report_escape(buf, tt_str_from(example->transaction));
        tt_buf_append_format(buf, "</td><td>%.*s</td><td>%s</td><td>", (int)size, time,
                             tt_report_money(example->amount_minor, example->currency).text);
        tt_report_escape(buf, info.id);
        tt_buf_append_format(buf, "</td><td>%s</td></tr>\n",
                             example->label == TT_LABEL_FRAUD     ? "fraud"
                             : example->label == TT_LABEL_GENUINE ? "genuine"
                             : example->blocked                   ? "blocked before"
                                                                  : "none");
    }
    tt_buf_append_text(buf, "</tbody></table></section>\n");
}

/* ---- the page ---- */

static void put_header(struct tt_buf *buf, const struct tt_backtest_report *report,
                       const struct tt_report_header *header)
{
    tt_buf_append_text(buf, "<header><h1>Backtest of ");
    tt_report_escape(buf, header->source);
    tt_buf_append_format(buf, "</h1><p>%s transactions, %s labelled, %s of them fraud",
                         tt_report_count(report->rows).text, tt_report_count(report->labelled).text,
                         tt_report_count(report->frauds).text);
    if (report->day_count > 0) {
        tt_buf_append_format(buf, "; %s to %s", tt_report_date(report->days[0].day).text,
                             tt_report_date(report->days[report->day_count - 1].day).text);
    }
    if (report->other_plan > 0) {
        tt_buf_append_format(buf,
                             ". %s were stored under another feature set: their features count as "
                             "missing",
                             tt_report_count(report->other_plan).text);
    }
    tt_buf_append_text(buf, ".</p></header>\n<div class=tiles>\n");
    tt_report_tile(buf, tt_report_decimal(report->total.daily), "alerts a day");
    tt_report_tile(buf, tt_report_percent(report->total.precision), "precision");
    tt_report_tile(buf, tt_report_percent(report->total.recall), "recall");
    tt_report_tile(buf, tt_report_money(report->total.caught_minor, report->currency), "caught");
    tt_report_tile(buf, tt_report_money(report->total.wrong_minor, report->currency),
                   "wrongly stopped");
    tt_report_tile(buf, tt_report_count(report->total.gained), "alerts gained");
    tt_report_tile(buf, tt_report_count(report->total.lost), "alerts lost");
    tt_buf_append_text(buf, "</div>\n<div class=cards>\n");
}

enum tt_status tt_backtest_html(struct tt_buf *buf, const struct tt_backtest_report *report,
                                const struct tt_report_header *header)
{
    uint32_t shown[TT_BACKTEST_SHOWN_MAX];
    uint32_t count = tt_backtest_shown(report, shown);
    tt_report_page_begin(buf, "Backtest", header);
    put_header(buf, report, header);
    put_over_time(buf, report);
    put_hits(buf, report, shown, count);
    put_rules(buf, report, shown, count);
    put_examples(buf, "Alerts gained", report->gained, report->gained_count, report->total.gained,
                 report->options.rules);
    put_examples(buf, "Alerts lost", report->lost, report->lost_count, report->total.lost,
                 report->options.against);
    tt_report_page_end(buf, header);
    return buf->status;
}
