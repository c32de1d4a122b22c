/*
 * Intake: how requests' records enter the pipeline and how their answers come back.
 *
 * What:    a submission is one request body with one record or many (NDJSON); the data-ingestor takes
 *          records from it as credits allow; the sink answers each, and `done` is called when all are.
 * Why:     the listener's thread only hands over bytes; parsing, sequencing and answering happen in
 *          the pipeline, after the commit.
 * Owner:   the submission owns a copy of the body and the answers; it is freed after `done` returns.
 * Threads: submit from any thread; take from the ingestor's; answer from the sink's; done is called
 *          exactly once, from the thread of the last answer; at the end from that of tt_intake_free.
 * Limits:  queue_bytes_max over all bodies not fully taken; TT_INTAKE_RECORDS_MAX records a body.
 * Fails:   TT_E_AGAIN full (429), TT_E_CLOSED shutting down (503), TT_E_NOMEM, TT_E_LIMIT too many records
 *          (413), TT_E_INVALID no record at all (400).
 */
#ifndef TT_SERVICES_DATA_INGESTOR_INTAKE_H
#define TT_SERVICES_DATA_INGESTOR_INTAKE_H

#include "ports/bus.h"

#define TT_INTAKE_RECORDS_MAX 100000

enum tt_intake_kind { TT_INTAKE_TRANSACTIONS = 1, TT_INTAKE_LABELS };

struct tt_submission;
typedef void tt_submission_done(void *ctx, struct tt_submission *submission);

struct tt_intake_options {
    uint64_t queue_bytes_max;
    struct tt_wake wake; /* the ingestor's thread */
};
struct tt_intake;
enum tt_status tt_intake_new(const struct tt_alloc *alloc, const struct tt_intake_options *options,
                             struct tt_intake **ret, struct tt_error *err) TT_MUST_USE;
/* Whatever has no answer yet, queued or under way, is answered with shutting_down; nobody may answer it any
 * more. NULL is fine. */
void tt_intake_free(struct tt_intake *intake);
/* Hands over a copy of body; single: the whole body is one record, else one a line. On failure done is
 * not called. */
enum tt_status tt_intake_submit(struct tt_intake *intake, enum tt_intake_kind kind, bool single,
                                struct tt_str body, tt_submission_done *done, void *ctx,
                                struct tt_error *err) TT_MUST_USE;
/* Takes nothing more: submit answers TT_E_CLOSED. */
void tt_intake_close(struct tt_intake *intake);
uint64_t tt_intake_bytes(const struct tt_intake *intake);

/* Ingestor: the next record, or false. bytes live until its answer; index counts from 0. */
struct tt_intake_record {
    struct tt_submission *submission;
    uint32_t index;
    enum tt_intake_kind kind;
    bool single;
    struct tt_str bytes;
};
bool tt_intake_take(struct tt_intake *intake, struct tt_intake_record *ret);

/* Sink: the answer to one record, copied: a JSON object, without line end. status is that of HTTP; problem
 * says that body is a problem (RFC 9457). */
void tt_submission_answer(struct tt_submission *submission, uint32_t index, uint16_t status,
                          bool problem, struct tt_str body);

/* In done: */
bool tt_submission_is_single(const struct tt_submission *submission);
/* HTTP status: of the one record when single, else 200. */
uint16_t tt_submission_status(const struct tt_submission *submission);
/* Whether the one record's answer is a problem. */
bool tt_submission_is_problem(const struct tt_submission *submission);
/* Appends the answers in the order of the records; one a line unless single. */
enum tt_status tt_submission_write(const struct tt_submission *submission,
                                   struct tt_buf *buf) TT_MUST_USE;

#endif
