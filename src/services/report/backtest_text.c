/* A backtest's table for a terminal; see backtest.h. */
#include <math.h>
#include <stdio.h>

#include "services/report/backtest.h"
#include "services/report/parts.h"

uint32_t tt_backtest_shown(const struct tt_backtest_report *report,
                           uint32_t ret[TT_BACKTEST_SHOWN_MAX])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < report->rule_count; i++) {
        uint64_t hits = report->rules[i].counts.hits + report->rules[i].counts.lost;
        uint32_t at = count;
        while (at > 0 &&
               report->rules[ret[at - 1]].counts.hits + report->rules[ret[at - 1]].counts.lost <
                   hits) {
            at--;
        }
        if (at == TT_BACKTEST_SHOWN_MAX) {
            continue;
        }
        count += count < TT_BACKTEST_SHOWN_MAX ? 1 : 0;
        for (uint32_t k = count - 1; k > at; k--) {
            ret[k] = ret[k - 1];
        }
        ret[at] = i;
    }
    return count;
}

/* "61.5 % (47–74)". */
static struct tt_report_word interval(const struct tt_backtest_counts *counts)
{
    struct tt_report_word word = {"-"};
    if (!isnan(counts->precision)) {
        (void)snprintf(word.text, sizeof word.text, "%.1f %% (%.0f-%.0f)",
                       100.0 * counts->precision, 100.0 * counts->precision_low,
                       100.0 * counts->precision_high);
    }
    return word;
}

static void put_counts(struct tt_buf *buf, struct tt_str name, const char *mode,
                       const struct tt_backtest_counts *counts, tt_currency currency)
{
    tt_buf_append_format(buf, "%-32.*s %-6s %9s %8s %16s %8s %7s %7s %7s %13s %13s\n",
                         name.size < 32 ? (int)name.size : 32, name.data, mode,
                         tt_report_count(counts->hits).text, tt_report_decimal(counts->daily).text,
                         interval(counts).text, tt_report_percent(counts->recall).text,
                         tt_report_count(counts->unlabelled).text,
                         tt_report_count(counts->gained).text, tt_report_count(counts->lost).text,
                         tt_report_money(counts->caught_minor, currency).text,
                         tt_report_money(counts->wrong_minor, currency).text);
}

static void put_examples(struct tt_buf *buf, const char *what,
                         const struct tt_backtest_example *examples, uint32_t count, uint64_t total,
                         const struct tt_rules *set)
{
    if (count == 0) {
        return;
    }
    tt_buf_append_format(buf, "\n%s (%u of %s)\n", what, count, tt_report_count(total).text);
    for (uint32_t i = 0; i < count; i++) {
        const struct tt_backtest_example *example = &examples[i];
        char time[TT_TIME_TEXT_SIZE];
        struct tt_rule_info info;
        size_t size = tt_time_format(example->event_ms, time);
        tt_rules_info(set, example->rule, &info);
        const char *label = example->label == TT_LABEL_FRAUD     ? "fraud"
                            : example->label == TT_LABEL_GENUINE ? "genuine"
                            : example->blocked                   ? "blocked"
                                                                 : "unlabelled";
        tt_buf_append_format(buf, "  %.*s  %s  %s  %.*s  %s\n", (int)size, time,
                             example->transaction, label, TT_STR_ARG(info.id), example->user);
    }
}

enum tt_status tt_backtest_text(struct tt_buf *buf, const struct tt_backtest_report *report)
{
    static const char *const modes[] = {"", "live", "shadow", "off"};
    uint32_t shown[TT_BACKTEST_SHOWN_MAX];
    uint32_t count = tt_backtest_shown(report, shown);
    tt_buf_append_format(buf, "%s transactions, %s labelled, %s frauds, %s blocked before\n",
                         tt_report_count(report->rows).text, tt_report_count(report->labelled).text,
                         tt_report_count(report->frauds).text,
                         tt_report_count(report->blocked).text);
    if (report->other_plan > 0) {
        tt_buf_append_format(buf,
                             "%s of them were stored under another feature set: their features "
                             "count as missing\n",
                             tt_report_count(report->other_plan).text);
    }
    tt_buf_append_format(buf, "\n%-32s %-6s %9s %8s %16s %8s %7s %7s %7s %13s %13s\n", "rule",
                         "mode", "hits", "a day", "precision", "recall", "unknown", "gained",
                         "lost", "caught", "wrong");
    for (uint32_t i = 0; i < count; i++) {
        const struct tt_backtest_rule *rule = &report->rules[shown[i]];
        put_counts(buf, rule->info.id, modes[rule->info.mode], &rule->counts, report->currency);
    }
    put_counts(buf, TT_STR("all live rules"), "", &report->total, report->currency);
    if (report->options.against != NULL) {
        put_counts(buf, TT_STR("  compared with"), "", &report->total_before, report->currency);
    }
    if (report->options.against != NULL) {
        put_examples(buf, "alerts gained", report->gained, report->gained_count,
                     report->total.gained, report->options.rules);
        put_examples(buf, "alerts lost", report->lost, report->lost_count, report->total.lost,
                     report->options.against);
    }
    return buf->status;
}
