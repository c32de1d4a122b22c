/* Transactions, decisions and anomalies as public JSON. See record_write.h. */
#include "format/record/record_write.h"

#include "base/number.h"

static void write_attributes(struct tt_json_writer *writer, const struct tt_txn *txn)
{
    tt_json_key(writer, "attributes");
    tt_json_object_begin(writer);
    for (uint32_t i = 0; i < txn->attribute_count; i++) {
        const struct tt_attribute *attribute = &txn->attributes[i];
        tt_json_key_str(writer, attribute->name);
        switch (attribute->type) {
        case TT_ATTRIBUTE_BOOL:
            tt_json_bool(writer, attribute->number > 0.0);
            break;
        case TT_ATTRIBUTE_DOUBLE:
            tt_json_double(writer, attribute->number);
            break;
        case TT_ATTRIBUTE_STRING:
            tt_json_string(writer, attribute->text);
            break;
        }
    }
    tt_json_object_end(writer);
}

static void write_text(struct tt_json_writer *writer, const struct tt_txn *txn,
                       enum tt_txn_text field)
{
    if (txn->text[field].data != NULL) {
        tt_json_member_string(writer, tt_txn_text_name(field), txn->text[field]);
    }
}

void tt_record_write_txn(struct tt_json_writer *writer, const struct tt_txn *txn)
{
    char amount[TT_NUMBER_TEXT_SIZE];
    size_t size = tt_money_format(txn->amount_minor, tt_currency_exponent(txn->currency), amount);
    tt_json_object_begin(writer);
    write_text(writer, txn, TT_TEXT_TRANSACTION_ID);
    tt_json_key(writer, "timestamp");
    tt_json_time(writer, txn->timestamp_ms);
    tt_json_member_string(writer, "amount", (struct tt_str){amount, size});
    tt_json_member_text(writer, "currency", tt_currency_code(txn->currency));
    tt_json_member_text(writer, "type", tt_txn_type_name(txn->type));
    for (enum tt_txn_text field = TT_TEXT_USER_ID; field < TT_TEXT_COUNT; field++) {
        write_text(writer, txn, field);
    }
    if (txn->has_position) {
        tt_json_member_double(writer, "latitude", txn->latitude);
        tt_json_member_double(writer, "longitude", txn->longitude);
    }
    if (txn->authorization != TT_AUTH_NONE) {
        tt_json_member_text(writer, "authorization", tt_authorization_name(txn->authorization));
    }
    if (txn->attribute_count > 0) {
        write_attributes(writer, txn);
    }
    tt_json_object_end(writer);
}

void tt_record_write_label(struct tt_json_writer *writer, const struct tt_record_label *label)
{
    tt_json_object_begin(writer);
    tt_json_member_string(writer, "transaction_id", label->transaction_id);
    if (label->user_id.data != NULL) {
        tt_json_member_string(writer, "user_id", label->user_id);
    }
    tt_json_member_text(writer, "label", tt_label_kind_name(label->label.kind));
    tt_json_key(writer, "known_at");
    tt_json_time(writer, label->label.known_at_ms);
    if (label->label.recorded_at_ms != 0) {
        tt_json_key(writer, "recorded_at");
        tt_json_time(writer, label->label.recorded_at_ms);
    }
    tt_json_member_text(writer, "source", tt_label_source_name(label->label.source));
    tt_json_member_double(writer, "selection_probability", label->label.selection_probability);
    if (label->note.data != NULL) {
        tt_json_member_string(writer, "note", label->note);
    }
    tt_json_object_end(writer);
}

static void write_reason(struct tt_json_writer *writer, const struct tt_reason *reason,
                         const struct tt_record_names *names)
{
    tt_json_object_begin(writer);
    tt_json_member_text(writer, "detector",
                        reason->detector < names->detector_count
                            ? names->detectors[reason->detector]
                        : reason->detector == TT_REASON_TAUGHT ? "learned"
                                                               : "other");
    tt_json_member_text(writer, "feature",
                        reason->feature < names->feature_count ? names->features[reason->feature]
                                                               : NULL);
    tt_json_member_double(writer, "observed", reason->observed);
    tt_json_member_double(writer, "expected", reason->expected);
    tt_json_member_double(writer, "threshold", reason->threshold);
    static const char *const baselines[] = {NULL, "own", "peers"};
    tt_json_member_text(writer, "baseline", baselines[reason->baseline]);
    tt_json_member_double(writer, "history", reason->history);
    tt_json_member_double(writer, "contribution", reason->contribution);
    tt_json_member_string(writer, "message", reason->message);
    tt_json_object_end(writer);
}

static void write_reasons(struct tt_json_writer *writer, const struct tt_decision *decision,
                          const struct tt_record_names *names)
{
    tt_json_key(writer, "reasons");
    tt_json_array_begin(writer);
    for (uint32_t i = 0; i < decision->reason_count; i++) {
        write_reason(writer, &decision->reasons[i], names);
    }
    tt_json_array_end(writer);
}

static void write_detectors(struct tt_json_writer *writer, const struct tt_event *event,
                            const struct tt_record_names *names)
{
    tt_json_key(writer, "detectors");
    tt_json_object_begin(writer);
    for (uint32_t i = 0; i < names->detector_count; i++) {
        const struct tt_detection *detection = &event->detections[i];
        if (((names->detectors_off >> i) & 1) != 0) {
            continue;
        }
        tt_json_key(writer, names->detectors[i]);
        tt_json_object_begin(writer);
        if (detection->present) {
            tt_json_member_double(writer, "score", detection->score);
            tt_json_member_double(writer, "p_value", detection->p_value);
        } else {
            tt_json_member_null(writer, "score");
            tt_json_member_null(writer, "p_value");
        }
        tt_json_member_bool(writer, "fired", detection->present && detection->fired);
        tt_json_object_end(writer);
    }
    tt_json_object_end(writer);
}

/* "score" to "alerted": what every form has. */
static void write_outcome(struct tt_json_writer *writer, const struct tt_decision *decision)
{
    tt_json_member_double(writer, "score", decision->score);
    tt_json_member_double(writer, "p_value", decision->p_value);
    tt_json_member_text(writer, "severity", tt_severity_name(decision->severity));
    tt_json_member_text(writer, "decision", tt_verdict_name(decision->verdict));
    tt_json_member_bool(writer, "alerted", decision->alerted);
}

static void write_alert(struct tt_json_writer *writer, const struct tt_decision *decision)
{
    tt_json_member_text(writer, "alert", tt_alert_name(decision->alert));
    if (decision->alert == TT_ALERT_SAMPLED) {
        tt_json_member_double(writer, "selection_probability", decision->selection_probability);
    }
}

static void write_hash(struct tt_json_writer *writer, const char *key, struct tt_hash128 hash)
{
    char hex[33];
    tt_hash128_hex(hash, hex);
    tt_json_member_text(writer, key, hex);
}

static void write_versions(struct tt_json_writer *writer, const struct tt_event *event,
                           const struct tt_record_names *names)
{
    tt_json_key(writer, "versions");
    tt_json_object_begin(writer);
    write_hash(writer, "bundle", event->bundle);
    write_hash(writer, "features", event->vector.plan);
    tt_json_object_end(writer);
    tt_json_key(writer, "degraded");
    tt_json_array_begin(writer);
    for (uint32_t i = 0; i < names->detector_count; i++) {
        if (((event->decision.degraded >> i) & 1) != 0) {
            tt_json_text(writer, names->detectors[i]);
        }
    }
    for (uint32_t i = 0; i < names->step_count; i++) {
        if (((event->decision.degraded >> (TT_DETECTORS_MAX + i)) & 1) != 0) {
            tt_json_text(writer, names->steps[i]);
        }
    }
    tt_json_array_end(writer);
}

void tt_record_write_score(struct tt_json_writer *writer, const struct tt_event *event,
                           const struct tt_record_names *names)
{
    tt_json_object_begin(writer);
    write_text(writer, &event->txn, TT_TEXT_TRANSACTION_ID);
    write_outcome(writer, &event->decision);
    write_detectors(writer, event, names);
    write_reasons(writer, &event->decision, names);
    tt_json_object_end(writer);
}

static void write_anomaly_id(struct tt_json_writer *writer, const struct tt_txn *txn)
{
    char id[TT_ANOMALY_ID_SIZE];
    tt_anomaly_id(txn, id);
    tt_json_member_text(writer, "anomaly_id", id);
}

void tt_record_write_decision(struct tt_json_writer *writer, const struct tt_event *event,
                              const struct tt_record_names *names)
{
    tt_json_object_begin(writer);
    write_text(writer, &event->txn, TT_TEXT_TRANSACTION_ID);
    write_text(writer, &event->txn, TT_TEXT_USER_ID);
    if (event->decision.anomalous) {
        write_anomaly_id(writer, &event->txn);
    } else {
        tt_json_member_null(writer, "anomaly_id");
    }
    write_outcome(writer, &event->decision);
    write_alert(writer, &event->decision);
    write_detectors(writer, event, names);
    write_reasons(writer, &event->decision, names);
    write_versions(writer, event, names);
    tt_json_object_end(writer);
}

/* Milliseconds between two moments, to the microsecond; left out when one was not taken. */
static void write_span(struct tt_json_writer *writer, const char *key, int64_t from_ns,
                       int64_t to_ns)
{
    if (from_ns != 0 && to_ns != 0) {
        tt_json_member_double(writer, key, (double)((to_ns - from_ns) / 1000) / 1000.0);
    }
}

static void write_timings(struct tt_json_writer *writer, const int64_t time_ns[4])
{
    tt_json_key(writer, "timings_ms");
    tt_json_object_begin(writer);
    write_span(writer, "features", time_ns[0], time_ns[1]);
    write_span(writer, "detection", time_ns[1], time_ns[2]);
    write_span(writer, "decision", time_ns[2], time_ns[3]);
    write_span(writer, "total", time_ns[0], time_ns[3]);
    tt_json_object_end(writer);
}

void tt_record_write_anomaly(struct tt_json_writer *writer, const struct tt_event *event,
                             const struct tt_record_names *names, const char *status)
{
    tt_json_object_begin(writer);
    write_anomaly_id(writer, &event->txn);
    tt_json_key(writer, "transaction");
    tt_record_write_txn(writer, &event->txn);
    write_outcome(writer, &event->decision);
    write_alert(writer, &event->decision);
    tt_json_member_text(writer, "status", status);
    write_reasons(writer, &event->decision, names);
    write_detectors(writer, event, names);
    write_versions(writer, event, names);
    write_timings(writer, event->time_ns);
    tt_json_object_end(writer);
}
