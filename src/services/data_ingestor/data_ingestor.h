/*
 * data-ingestor: records from requests and feeds become validated events with a position in the log.
 *
 * What:    takes a batch from the intake and the feed when there are free events, validates, gives each a
 *          position, writes the log (`transactions`); what is refused goes to `transactions.dlq`.
 * Why:     in one process it is the only writer of the log, so it also writes the epoch marks, and takes
 *          nothing more until the bundle of a closed epoch is in force: that makes an epoch's decisions a function
 *          of the log, however fast the stages run.
 * Owner:   the stage is freed by its runner; intake and feed stay the caller's.
 * Threads: one.
 * Fails:   as the bus, or the feed.
 */
#ifndef TT_SERVICES_DATA_INGESTOR_DATA_INGESTOR_H
#define TT_SERVICES_DATA_INGESTOR_DATA_INGESTOR_H

#include "format/record/record_json.h"
#include "runtime/stage.h"
#include "services/data_ingestor/feed.h"
#include "services/data_ingestor/intake.h"
#include "services/pipeline/context.h"

/* Finds a stored transaction for a label: fills event->txn, with views in event->text. TT_E_NOT_FOUND, TT_E_CONFLICT
 * when the id belongs to several users. */
typedef enum tt_status tt_find_transaction(void *ctx, struct tt_str user_id,
                                           struct tt_str transaction_id, struct tt_event *event,
                                           struct tt_error *err);

struct tt_data_ingestor_options {
    const struct tt_context *context;
    const struct tt_record_schema *schema;
    struct tt_intake *intake;  /* or NULL */
    struct tt_feed *feed;      /* or NULL */
    bool feed_is_recorded;     /* positions and epochs come with the feed's events */
    struct tt_rule_book *book; /* where other rules come from; or NULL */
    tt_find_transaction *find;
    void *find_ctx;
    uint64_t seq_last;     /* the log's last position so far */
    int64_t watermark_ms;  /* event time reached so far, or TT_TIME_NONE */
    int64_t last_close_ms; /* event time the last epoch closed at, or TT_TIME_NONE */
};

enum tt_status tt_data_ingestor_new(const struct tt_data_ingestor_options *options,
                                    struct tt_stage **ret, struct tt_error *err) TT_MUST_USE;
/* Whether the feed has ended (and there was one). Any thread. */
bool tt_data_ingestor_feed_ended(const struct tt_stage *stage);

#endif
