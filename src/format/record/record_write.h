/*
 * Transactions, decisions and anomalies as public JSON and CSV.
 *
 * What:    the inverse of record_json.h, and the one spelling of a decision that the API, the
 *          anomalies topic, alerts and `score --out` share.
 * Why:     names come in as plain arrays: no detector or feature table is known here.
 * Owner:   the writer's buffer is the caller's; nothing is kept.
 * Threads: pure.
 * Fails:   as json_write.h: check buf->status at the end.
 */
#ifndef TT_FORMAT_RECORD_RECORD_WRITE_H
#define TT_FORMAT_RECORD_RECORD_WRITE_H

#include "core/event/event.h"
#include "format/json_write.h"
#include "format/record/record.h"

#define TT_ANOMALY_ID_SIZE 27 /* 26 characters and a NUL */

/* What the numbers in an event are called. */
struct tt_record_names {
    const char *const *detectors; /* detector_count ≤ TT_DETECTORS_MAX */
    uint32_t detector_count;
    const char *const *features; /* of the plan, in its order */
    uint32_t feature_count;
    const char *const *steps; /* "features.user" …, of the plan */
    uint32_t step_count;
    uint32_t detectors_off; /* bit i: detector i is off and not told of */
};

/* {"transaction_id":…,"timestamp":"…Z","amount":"412.50",…}: absent fields are left out; reading it
 * back gives the same content hash when the schema declares (or takes) its attributes. */
void tt_record_write_txn(struct tt_json_writer *writer, const struct tt_txn *txn);
/* {"transaction_id","user_id","label","known_at","recorded_at","source","selection_probability","note"}:
 * absent ones are left out; record_json.h reads it back. */
void tt_record_write_label(struct tt_json_writer *writer, const struct tt_record_label *label);
/* The line of `score --out` for one transaction: {"transaction_id","score","p_value","severity",
 * "decision","alerted","detectors":{…},"reasons":[…]}. A detector without answer has nulls. */
void tt_record_write_score(struct tt_json_writer *writer, const struct tt_event *event,
                           const struct tt_record_names *names);
/* The answer to POST /transactions: the score line with "user_id", "anomaly_id" (null when it is
 * none), "versions" and "degraded". Depends on the event's decision alone: the same for each
 * redelivery. */
void tt_record_write_decision(struct tt_json_writer *writer, const struct tt_event *event,
                              const struct tt_record_names *names);
/* The whole anomaly of DESIGN §3 with its transaction; status "open" …; timings_ms from time_ns. */
void tt_record_write_anomaly(struct tt_json_writer *writer, const struct tt_event *event,
                             const struct tt_record_names *names, const char *status);
/* The header and a row of `score --out F.csv`, each with its line end: the flat fields, then
 * <detector>_score, <detector>_p_value, <detector>_fired, then reasons (their messages, joined by
 * "; "). */
void tt_record_score_csv_header(struct tt_buf *buf, const struct tt_record_names *names);
void tt_record_score_csv_row(struct tt_buf *buf, const struct tt_event *event,
                             const struct tt_record_names *names);

/* A ULID: 48 bits of event time, 80 bits of a fixed hash of (user_id, transaction_id). Sorts by
 * time; the same transaction has the same id anywhere. */
void tt_anomaly_id(const struct tt_txn *txn, char ret_id[TT_ANOMALY_ID_SIZE]);
/* The event time an anomaly id begins with; false when the text is no such id. */
bool tt_anomaly_id_time(struct tt_str id, int64_t *ret_ms);

#endif
