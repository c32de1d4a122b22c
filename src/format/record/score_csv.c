/* The CSV form of `score --out`. See record_write.h. */
#include "base/number.h"
#include "format/csv.h"
#include "format/record/record_write.h"

static void append_double(struct tt_buf *buf, double value)
{
    char text[TT_NUMBER_TEXT_SIZE];
    if (__builtin_isfinite(value)) {
        tt_buf_append(buf, text, tt_double_format(value, text));
    }
}

/* A name with a suffix as one field; names of detectors need no quotes. */
static void append_column(struct tt_buf *buf, const char *name, const char *suffix)
{
    tt_buf_append_char(buf, ',');
    tt_buf_append_text(buf, name);
    tt_buf_append_text(buf, suffix);
}

void tt_record_score_csv_header(struct tt_buf *buf, const struct tt_record_names *names)
{
    tt_buf_append_text(buf, "transaction_id,score,p_value,severity,decision,alerted");
    for (uint32_t i = 0; i < names->detector_count; i++) {
        if (((names->detectors_off >> i) & 1) != 0) {
            continue;
        }
        append_column(buf, names->detectors[i], "_score");
        append_column(buf, names->detectors[i], "_p_value");
        append_column(buf, names->detectors[i], "_fired");
    }
    tt_buf_append_text(buf, ",reasons\n");
}

static void append_detection(struct tt_buf *buf, const struct tt_detection *detection)
{
    tt_buf_append_char(buf, ',');
    if (detection->present) {
        append_double(buf, detection->score);
    }
    tt_buf_append_char(buf, ',');
    if (detection->present) {
        append_double(buf, detection->p_value);
    }
    tt_buf_append_text(buf, detection->present && detection->fired ? ",true" : ",false");
}

/* The messages as one field: quoted always, because they are joined in place. */
static void append_reasons(struct tt_buf *buf, const struct tt_decision *decision)
{
    tt_buf_append_char(buf, ',');
    if (decision->reason_count == 0) {
        return;
    }
    tt_buf_append_char(buf, '"');
    for (uint32_t i = 0; i < decision->reason_count; i++) {
        struct tt_str message = decision->reasons[i].message;
        if (i > 0) {
            tt_buf_append(buf, "; ", 2);
        }
        for (size_t j = 0; j < message.size; j++) {
            if (message.data[j] == '"') {
                tt_buf_append_char(buf, '"');
            }
            tt_buf_append_char(buf, message.data[j]);
        }
    }
    tt_buf_append_char(buf, '"');
}

void tt_record_score_csv_row(struct tt_buf *buf, const struct tt_event *event,
                             const struct tt_record_names *names)
{
    const struct tt_decision *decision = &event->decision;
    tt_csv_append_field(buf, event->txn.text[TT_TEXT_TRANSACTION_ID]);
    tt_buf_append_char(buf, ',');
    append_double(buf, decision->score);
    tt_buf_append_char(buf, ',');
    append_double(buf, decision->p_value);
    tt_buf_append_char(buf, ',');
    tt_buf_append_text(buf, tt_severity_name(decision->severity));
    tt_buf_append_char(buf, ',');
    tt_buf_append_text(buf, tt_verdict_name(decision->verdict));
    tt_buf_append_text(buf, decision->alerted ? ",true" : ",false");
    for (uint32_t i = 0; i < names->detector_count; i++) {
        if (((names->detectors_off >> i) & 1) == 0) {
            append_detection(buf, &event->detections[i]);
        }
    }
    append_reasons(buf, decision);
    tt_buf_append_char(buf, '\n');
}
