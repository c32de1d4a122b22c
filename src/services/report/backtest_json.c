/* A backtest as one JSON object; members keep their names from release to release. */
#include "format/json_write.h"
#include "services/report/backtest.h"
#include "services/report/parts.h"

static void member_count(struct tt_json_writer *json, const char *key, uint64_t value)
{
    tt_json_key(json, key);
    tt_json_uint64(json, value);
}

/* Money in major units as text, exact; null when rows have several currencies. */
static void member_money(struct tt_json_writer *json, const char *key, int64_t minor,
                         tt_currency currency)
{
    char text[32] = "";
    if (currency != 0) {
        (void)tt_money_format(minor, tt_currency_exponent(currency), text);
    }
    tt_json_member_string(json, key, currency != 0 ? tt_str_from(text) : (struct tt_str){NULL, 0});
}

static void put_counts(struct tt_json_writer *json, const struct tt_backtest_counts *counts,
                       tt_currency currency)
{
    member_count(json, "hits", counts->hits);
    tt_json_member_double(json, "hits_per_day", counts->daily);
    tt_json_member_double(json, "precision", counts->precision);
    tt_json_member_double(json, "precision_low", counts->precision_low);
    tt_json_member_double(json, "precision_high", counts->precision_high);
    member_count(json, "matured", counts->matured);
    member_count(json, "matured_fraud", counts->matured_fraud);
    tt_json_member_double(json, "recall", counts->recall);
    member_count(json, "labelled_fraud", counts->labelled_fraud);
    member_count(json, "labelled_genuine", counts->labelled_genuine);
    member_count(json, "unlabelled", counts->unlabelled);
    member_count(json, "previously_blocked", counts->blocked);
    member_count(json, "errors", counts->errors);
    member_count(json, "hits_before", counts->before);
    member_count(json, "gained", counts->gained);
    member_count(json, "lost", counts->lost);
    member_money(json, "caught_amount", counts->caught_minor, currency);
    member_money(json, "wrongly_stopped_amount", counts->wrong_minor, currency);
}

static void put_rules(struct tt_json_writer *json, const struct tt_backtest_report *report)
{
    static const char *const modes[] = {"", "live", "shadow", "off"};
    tt_json_key(json, "rules");
    tt_json_array_begin(json);
    for (uint32_t i = 0; i < report->rule_count; i++) {
        const struct tt_backtest_rule *rule = &report->rules[i];
        tt_json_object_begin(json);
        tt_json_member_string(json, "id", rule->info.id);
        tt_json_member_text(json, "mode", modes[rule->info.mode]);
        tt_json_member_text(json, "severity", tt_severity_name(rule->info.severity));
        tt_json_member_text(json, "decision", tt_verdict_name(rule->info.verdict));
        tt_json_key(json, "new");
        tt_json_bool(json, rule->is_new);
        put_counts(json, &rule->counts, report->currency);
        tt_json_object_end(json);
    }
    tt_json_array_end(json);
}

static void put_days(struct tt_json_writer *json, const struct tt_backtest_report *report)
{
    tt_json_key(json, "days");
    tt_json_array_begin(json);
    for (size_t i = 0; i < report->day_count; i++) {
        const struct tt_backtest_day *day = &report->days[i];
        tt_json_object_begin(json);
        tt_json_member_text(json, "day", tt_report_date(day->day).text);
        member_count(json, "rows", day->rows);
        member_count(json, "alerts", day->alerts);
        member_count(json, "alerts_before", day->alerts_before);
        member_count(json, "frauds", day->frauds);
        member_count(json, "caught", day->caught);
        tt_json_object_end(json);
    }
    tt_json_array_end(json);
}

static void put_examples(struct tt_json_writer *json, const char *key,
                         const struct tt_backtest_example *examples, uint32_t count,
                         const struct tt_rules *set)
{
    tt_json_key(json, key);
    tt_json_array_begin(json);
    for (uint32_t i = 0; i < count; i++) {
        const struct tt_backtest_example *example = &examples[i];
        struct tt_rule_info info;
        tt_rules_info(set, example->rule, &info);
        tt_json_object_begin(json);
        tt_json_member_text(json, "transaction_id", example->transaction);
        tt_json_member_text(json, "user_id", example->user);
        tt_json_key(json, "timestamp");
        tt_json_time(json, example->event_ms);
        member_money(json, "amount", example->amount_minor, example->currency);
        tt_json_member_string(json, "rule", info.id);
        const char *label = example->label == TT_LABEL_FRAUD     ? "fraud"
                            : example->label == TT_LABEL_GENUINE ? "genuine"
                                                                 : NULL;
        tt_json_member_string(json, "label", tt_str_from(label));
        tt_json_key(json, "previously_blocked");
        tt_json_bool(json, example->blocked);
        tt_json_object_end(json);
    }
    tt_json_array_end(json);
}

static void member_time(struct tt_json_writer *json, const char *key, int64_t time_ms)
{
    tt_json_key(json, key);
    if (time_ms == TT_TIME_NONE) {
        tt_json_null(json);
    } else {
        tt_json_time(json, time_ms);
    }
}

enum tt_status tt_backtest_json(struct tt_buf *buf, const struct tt_backtest_report *report,
                                const struct tt_report_header *header)
{
    struct tt_json_writer json;
    char hash[33];
    tt_json_writer_init(&json, buf);
    tt_json_object_begin(&json);
    tt_json_member_string(&json, "source", header->source);
    tt_hash128_hex(tt_rules_hash(report->options.rules), hash);
    tt_json_member_text(&json, "rules_hash", hash);
    if (report->options.against != NULL) {
        tt_hash128_hex(tt_rules_hash(report->options.against), hash);
    }
    tt_json_member_string(&json, "against_hash",
                          tt_str_from(report->options.against != NULL ? hash : NULL));
    member_time(&json, "from", report->options.from_ms);
    member_time(&json, "to", report->options.to_ms);
    member_time(&json, "first", report->rows > 0 ? report->first_ms : TT_TIME_NONE);
    member_time(&json, "last", report->rows > 0 ? report->last_ms : TT_TIME_NONE);
    member_time(&json, "matured_until", report->options.as_of_ms - report->options.horizon_ms);
    member_count(&json, "rows", report->rows);
    member_count(&json, "labelled", report->labelled);
    member_count(&json, "frauds", report->frauds);
    member_count(&json, "blocked", report->blocked);
    member_count(&json, "other_feature_set", report->other_plan);
    tt_json_member_string(
        &json, "currency",
        tt_str_from(report->currency != 0 ? tt_currency_code(report->currency) : NULL));
    member_money(&json, "fraud_amount", report->fraud_minor, report->currency);
    tt_json_key(&json, "total");
    tt_json_object_begin(&json);
    put_counts(&json, &report->total, report->currency);
    tt_json_object_end(&json);
    tt_json_key(&json, "before");
    if (report->options.against != NULL) {
        tt_json_object_begin(&json);
        put_counts(&json, &report->total_before, report->currency);
        tt_json_object_end(&json);
    } else {
        tt_json_null(&json);
    }
    put_rules(&json, report);
    put_days(&json, report);
    put_examples(&json, "gained", report->gained, report->gained_count, report->options.rules);
    put_examples(&json, "lost", report->lost, report->lost_count, report->options.against);
    tt_json_object_end(&json);
    return buf->status;
}
