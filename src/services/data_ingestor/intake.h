/*
 * Intake: how an HTTP request's records enter the pipeline and how their answers come back.
 *
 * What:    a submission is one request body with one record or many (NDJSON); the data-ingestor takes
 *          records from it as credits allow, and `done` is called when each has its answer.
 * Why:     the listener's thread only hands over bytes; parsing, sequencing and answering happen in
 *          the pipeline, after the commit.
 * Owner:   the submission owns a copy of the body and the answers; it is freed after `done` returns.
 * Threads: submit from any thread; done is called on a pipeline thread, exactly once, also at shutdown.
 * Limits:  queue_bytes_max over all waiting bodies: TT_E_AGAIN then (HTTP 429 with Retry-After).
 * Fails:   TT_E_AGAIN full; TT_E_CLOSED shutting down (503); TT_E_NOMEM.
 */
#ifndef TT_SERVICES_DATA_INGESTOR_INTAKE_H
#define TT_SERVICES_DATA_INGESTOR_INTAKE_H

#include "base/str.h"

enum tt_intake_format { TT_INTAKE_SINGLE = 1, TT_INTAKE_NDJSON, TT_INTAKE_LABELS };

struct tt_submission {
    enum tt_intake_format format;
    uint16_t http_status;    /* valid in done: 200 for NDJSON; of the one record for SINGLE */
    struct tt_str response;  /* valid in done: a JSON object (SINGLE: the decision or a problem), or one line a record */
    bool problem;            /* response is problem+json */
};
typedef void tt_submission_done(void *ctx, const struct tt_submission *submission);

struct tt_intake;
/* Hands over a copy of body. On failure done is not called. */
enum tt_status tt_intake_submit(struct tt_intake *intake, enum tt_intake_format format,
                                struct tt_str body, tt_submission_done *done, void *ctx,
                                struct tt_error *err) TT_MUST_USE;

#endif
