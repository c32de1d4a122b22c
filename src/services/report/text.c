/*
 * The table for a terminal, and how numbers are said.
 */
#include <math.h>
#include <stdio.h>

#include "services/report/parts.h"

struct tt_report_word tt_report_count(uint64_t count)
{
    struct tt_report_word word;
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);
    size_t at = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) {
            word.text[at++] = ',';
        }
        word.text[at++] = digits[i];
    }
    word.text[at] = '\0';
    return word;
}

/* value with so many decimals and a unit behind. */
static struct tt_report_word number(double value, int decimals, const char *unit)
{
    struct tt_report_word word = {"-"};
    if (isfinite(value)) {
        (void)snprintf(word.text, sizeof word.text, "%.*f%s", decimals, value, unit);
    }
    return word;
}

struct tt_report_word tt_report_ratio(double value)
{
    return number(value, 3, "");
}

struct tt_report_word tt_report_percent(double value)
{
    return number(100.0 * value, 1, " %");
}

struct tt_report_word tt_report_decimal(double value)
{
    return number(value, 1, "");
}

struct tt_report_word tt_report_date(int64_t day)
{
    struct tt_report_word word;
    int year, month, mday;
    tt_civil_from_day(day, &year, &month, &mday);
    (void)snprintf(word.text, sizeof word.text, "%04d-%02d-%02d", year, month, mday);
    return word;
}

struct tt_report_word tt_report_money(int64_t amount_minor, tt_currency currency)
{
    struct tt_report_word word = {"-"};
    if (currency == 0 || amount_minor < 0) {
        return word;
    }
    uint8_t exponent = tt_currency_exponent(currency);
    uint64_t scale = 1;
    for (uint8_t e = 0; e < exponent; e++) {
        scale *= 10;
    }
    /* Whole units only: sums of money are read for their size. */
    struct tt_report_word units = tt_report_count(((uint64_t)amount_minor + scale / 2) / scale);
    (void)snprintf(word.text, sizeof word.text, "%.30s %.3s", units.text,
                   tt_currency_code(currency));
    return word;
}

void tt_report_join(struct tt_report_word *ret, const char *a, const char *b, const char *c)
{
    (void)snprintf(ret->text, sizeof ret->text, "%s%s%s", a, b, c);
}

/* ---- the table ---- */

static void put_row(struct tt_buf *buf, const char *name, const struct tt_evaluation_metrics *m)
{
    tt_buf_append_format(
        buf, "%-16.16s %11s %8s %7s %7s %7s %9s %9s %9s\n", name, tt_report_count(m->rows).text,
        tt_report_count(m->frauds).text, tt_report_ratio(m->auc).text,
        tt_report_ratio(m->average_precision).text, tt_report_ratio(m->card_precision).text,
        tt_report_percent(m->recall_at_budget).text, tt_report_percent(m->precision_at_budget).text,
        tt_report_decimal(m->alerts_daily).text);
}

static void put_sets(struct tt_buf *buf, const struct tt_evaluation_report *report)
{
    char cards[16], budget[32];
    (void)snprintf(cards, sizeof cards, "CP@%u", report->options.cards_daily);
    (void)snprintf(budget, sizeof budget, "at %u alerts a day", report->options.alerts_daily);
    tt_buf_append_format(buf, "%70s%s\n", "", budget);
    tt_buf_append_format(buf, "%-16s %11s %8s %7s %7s %7.7s %9s %9s %9s\n", "", "rows", "frauds",
                         "AUC", "AP", cards, "recall", "precision", "alerts/d");
    put_row(buf, "whole stream", &report->whole);
    for (uint32_t f = 0; f < report->fold_count; f++) {
        char name[TT_REPORT_WORD_SIZE + 8];
        (void)snprintf(name, sizeof name, "fold %s",
                       tt_report_date(report->options.fold_starts[f]).text);
        put_row(buf, name, &report->folds[f]);
    }
    if (report->fold_count > 0) {
        put_row(buf, "mean of folds", &report->mean);
    }
}

/* A name as one column: what would move the cursor is shown as '?'. */
static void put_name(struct tt_buf *buf, const char *name)
{
    char safe[TT_EVALUATION_KIND_SIZE];
    size_t i = 0;
    for (; name[i] != '\0' && i + 1 < sizeof safe; i++) {
        bool control = (unsigned char)name[i] < 0x20 || (unsigned char)name[i] == 0x7f;
        safe[i] = control ? '?' : name[i];
    }
    safe[i] = '\0';
    tt_buf_append_format(buf, "%-32s", safe);
}

enum tt_status tt_report_text(struct tt_buf *buf, const struct tt_evaluation_report *report)
{
    const struct tt_evaluation_metrics *whole = &report->whole;
    put_sets(buf, report);
    tt_buf_append_format(buf, "\nalerts raised    %s, of which fraud %s\n",
                         tt_report_count(whole->alerts).text,
                         tt_report_count(whole->alerts_fraud).text);
    if (report->currency != 0) {
        tt_buf_append_format(buf, "fraud at budget  caught %s, missed %s\n",
                             tt_report_money(whole->caught_minor, report->currency).text,
                             tt_report_money(whole->missed_minor, report->currency).text);
    }
    if (report->kind_count > 0) {
        tt_buf_append_format(buf, "\n%-32s%10s%10s%10s%10s\n", "kind of fraud", "frauds", "caught",
                             "recall", "alerted");
    }
    for (uint32_t k = 0; k < report->kind_count; k++) {
        const struct tt_evaluation_kind *kind = &report->kinds[k];
        double recall =
            kind->frauds > 0 ? (double)kind->caught / (double)kind->frauds : (double)NAN;
        put_name(buf, kind->name);
        tt_buf_append_format(buf, "%10s%10s%10s%10s\n", tt_report_count(kind->frauds).text,
                             tt_report_count(kind->caught).text, tt_report_percent(recall).text,
                             tt_report_count(kind->alerted).text);
    }
    return buf->status;
}
