/*
 * anomaly-aggregator: detections joined into one decision, and the trainer.
 *
 * What:    waits until every detector stage has answered for a transaction, decides (core/decide), says
 *          whether it alerts, and emits it to `decisions`, in order of the log. It also runs the one elected
 *          trainer: an epoch's mark closes the epoch and publishes the next bundle.
 * Why:     policy `wait`: an outage or backlog of one detector must not turn every decision partial
 *          (DELIVERY §6). What depends on counters, the alert, is recorded in the decision.
 * Owner:   the stage is freed by its runner; trainer is taken over.
 * Threads: one.
 * Fails:   TT_E_NOMEM when an epoch cannot be closed.
 */
#ifndef TT_SERVICES_ANOMALY_AGGREGATOR_ANOMALY_AGGREGATOR_H
#define TT_SERVICES_ANOMALY_AGGREGATOR_ANOMALY_AGGREGATOR_H

#include "core/decide/budget.h"
#include "core/detect/trainer.h"
#include "runtime/stage.h"
#include "runtime/zone.h"
#include "services/pipeline/context.h"

struct tt_anomaly_aggregator_options {
    const struct tt_context *context;
    struct tt_trainer *trainer; /* NULL: bundles come from elsewhere, marks pass through */
    uint8_t alert_severity;     /* alerts.min_severity */
    int64_t alert_dedupe_ms;
    struct tt_budget_options budget;
    const struct tt_zone *zone;    /* of the budget's days; outlives the stage */
    double review_share;           /* of payments drawn for review at random, 0 to 1 */
    struct tt_hash_key review_key; /* that they are drawn by */
    struct tt_hash_key key;
    bool stateless; /* the trainer's state at a mark is not kept: a file has no restart */
};

/* What has been learned, as of an epoch mark or a snapshot; travels with it to the store. */
struct tt_closing {
    const struct tt_alloc *alloc;
    struct tt_bundle *bundle;
    struct tt_buf bundle_bytes;
    struct tt_buf trainer_state; /* as of the mark, like the next */
    struct tt_buf alert_state;   /* the alert budget and the open cases */
};
void tt_closing_free(struct tt_closing *closing);

enum tt_status tt_anomaly_aggregator_new(const struct tt_anomaly_aggregator_options *options,
                                         struct tt_stage **ret, struct tt_error *err) TT_MUST_USE;
/* Replay at start, before the runner: what the trainer learns from a stored decision and its
 * detections, or an epoch mark. */
enum tt_status tt_anomaly_aggregator_replay(struct tt_stage *stage, struct tt_event *event,
                                            struct tt_error *err) TT_MUST_USE;
/* Replay: what the open alert cases and the budget need of a stored decision that is not in the state that was
 * loaded. */
void tt_anomaly_aggregator_note(struct tt_stage *stage, const struct tt_event *event);
/* What has been learned as of now; freed by tt_closing_free. */
enum tt_status tt_anomaly_aggregator_save(struct tt_stage *stage, struct tt_closing **ret,
                                          struct tt_error *err) TT_MUST_USE;
/* Budget and cases as they were saved; before the first note. TT_E_CORRUPT and TT_E_UNSUPPORTED leave none. */
enum tt_status tt_anomaly_aggregator_load(struct tt_stage *stage, struct tt_str bytes,
                                          struct tt_error *err) TT_MUST_USE;

#endif
