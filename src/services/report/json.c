/*
 * The report as one JSON object; members keep their names from release to release.
 */
#include "format/json_write.h"
#include "services/report/parts.h"

static void member_count(struct tt_json_writer *writer, const char *key, uint64_t value)
{
    tt_json_key(writer, key);
    tt_json_uint64(writer, value);
}

static void member_double(struct tt_json_writer *writer, const char *key, double value)
{
    tt_json_key(writer, key);
    tt_json_double(writer, value); /* NaN becomes null */
}

static void member_text(struct tt_json_writer *writer, const char *key, const char *text)
{
    tt_json_key(writer, key);
    tt_json_text(writer, text);
}

/* Money in major units as text, exact; null when rows have several currencies. */
static void member_money(struct tt_json_writer *writer, const char *key, int64_t amount_minor,
                         tt_currency currency)
{
    char text[32] = "";
    if (currency != 0) {
        (void)tt_money_format(amount_minor, tt_currency_exponent(currency), text);
    }
    tt_json_key(writer, key);
    tt_json_string(writer, currency != 0 ? tt_str_from(text) : (struct tt_str){NULL, 0});
}

static void put_metrics(struct tt_json_writer *writer, const struct tt_evaluation_metrics *metrics,
                        tt_currency currency)
{
    member_count(writer, "rows", metrics->rows);
    member_count(writer, "frauds", metrics->frauds);
    member_count(writer, "days", metrics->days);
    member_double(writer, "auc_roc", metrics->auc);
    member_double(writer, "average_precision", metrics->average_precision);
    member_double(writer, "card_precision", metrics->card_precision);
    member_double(writer, "recall_at_budget", metrics->recall_at_budget);
    member_double(writer, "precision_at_budget", metrics->precision_at_budget);
    member_double(writer, "alerts_per_day_at_budget", metrics->alerts_daily);
    member_count(writer, "flagged", metrics->flagged);
    member_count(writer, "caught", metrics->caught);
    member_money(writer, "caught_amount", metrics->caught_minor, currency);
    member_money(writer, "missed_amount", metrics->missed_minor, currency);
    member_count(writer, "alerts", metrics->alerts);
    member_count(writer, "alerts_fraud", metrics->alerts_fraud);
}

static void put_folds(struct tt_json_writer *writer, const struct tt_evaluation_report *report)
{
    tt_json_key(writer, "folds");
    tt_json_array_begin(writer);
    for (uint32_t f = 0; f < report->fold_count; f++) {
        tt_json_object_begin(writer);
        member_text(writer, "train_start", tt_report_date(report->options.fold_starts[f]).text);
        put_metrics(writer, &report->folds[f], report->currency);
        tt_json_object_end(writer);
    }
    tt_json_array_end(writer);
    tt_json_key(writer, "mean");
    if (report->fold_count == 0) {
        tt_json_null(writer);
        return;
    }
    tt_json_object_begin(writer);
    put_metrics(writer, &report->mean, report->currency);
    tt_json_object_end(writer);
}

static void put_kinds(struct tt_json_writer *writer, const struct tt_evaluation_report *report)
{
    tt_json_key(writer, "kinds");
    tt_json_array_begin(writer);
    for (uint32_t k = 0; k < report->kind_count; k++) {
        tt_json_object_begin(writer);
        member_text(writer, "kind", report->kinds[k].name);
        member_count(writer, "frauds", report->kinds[k].frauds);
        member_count(writer, "caught", report->kinds[k].caught);
        member_count(writer, "alerted", report->kinds[k].alerted);
        tt_json_object_end(writer);
    }
    tt_json_array_end(writer);
}

static void put_days(struct tt_json_writer *writer, const struct tt_evaluation_report *report)
{
    tt_json_key(writer, "days");
    tt_json_array_begin(writer);
    for (size_t d = 0; d < report->day_count; d++) {
        const struct tt_evaluation_day *day = &report->days[d];
        tt_json_object_begin(writer);
        member_text(writer, "day", tt_report_date(day->day).text);
        member_count(writer, "rows", day->rows);
        member_count(writer, "frauds", day->frauds);
        member_count(writer, "caught", day->caught);
        member_count(writer, "flagged", day->flagged);
        member_count(writer, "alerts", day->alerts);
        tt_json_object_end(writer);
    }
    tt_json_array_end(writer);
}

enum tt_status tt_report_json(struct tt_buf *buf, const struct tt_evaluation_report *report,
                              const struct tt_report_header *header)
{
    struct tt_json_writer writer;
    tt_json_writer_init(&writer, buf);
    tt_json_object_begin(&writer);
    tt_json_key(&writer, "source");
    tt_json_string(&writer, header->source);
    member_count(&writer, "alerts_per_day", report->options.alerts_daily);
    member_count(&writer, "cards_per_day", report->options.cards_daily);
    member_count(&writer, "users", report->users);
    tt_json_key(&writer, "currency");
    const char *currency = report->currency != 0 ? tt_currency_code(report->currency) : NULL;
    tt_json_string(&writer, tt_str_from(currency));
    tt_json_key(&writer, "whole");
    tt_json_object_begin(&writer);
    put_metrics(&writer, &report->whole, report->currency);
    tt_json_object_end(&writer);
    put_folds(&writer, report);
    put_kinds(&writer, report);
    put_days(&writer, report);
    tt_json_object_end(&writer);
    return buf->status;
}
