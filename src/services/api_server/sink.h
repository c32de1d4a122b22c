/*
 * The sink of api-server: decisions are committed, then answered.
 *
 * What:    packs decided events into rows, commits them in groups, answers whoever waits, forwards what
 *          alerts to `anomalies`. Refused records become dead letters in the same commit.
 * Why:     an answer goes out only after the commit, so everything acknowledged is there after a crash. A group
 *          is whatever has come in while the last one was written.
 * Owner:   the stage is freed by its runner; store and state stay the caller's.
 * Threads: one.
 * Limits:  a group holds SINK_GROUP_MAX events.
 * Fails:   a commit that fails stops the pipeline: nothing of the group is acknowledged, and a restart goes on from
 *          what is stored. After a failed sync nobody can tell what reached the disk, so trying again
 *          in place would promise too much.
 */
#ifndef TT_SERVICES_API_SERVER_SINK_H
#define TT_SERVICES_API_SERVER_SINK_H

#include "format/record/record_json.h"
#include "ports/state.h"
#include "ports/store.h"
#include "runtime/stage.h"
#include "services/anomaly_aggregator/anomaly_aggregator.h"
#include "services/pipeline/context.h"

/* Owner of the trainer's state in the state port, and its entries. */
#define TT_TRAINER_OWNER "trainer"
#define TT_TRAINER_ENTRY "state"
#define TT_ALERTS_ENTRY "alerts" /* alert budget and open cases, as of the same position */
#define TT_BUNDLE_ENTRY "bundle" /* the hash of the bundle in force there */

struct tt_sink_options {
    const struct tt_context *context;
    struct tt_store *store;
    struct tt_state *state;
    struct tt_state_token trainer_token;
    const struct tt_record_schema *schema; /* reads stored records */
};

enum tt_status tt_sink_new(const struct tt_sink_options *options, struct tt_stage **ret,
                           struct tt_error *err) TT_MUST_USE;
/* Saves what was learned up to a position; every row up to there is in the store. */
enum tt_status tt_sink_save_learned(struct tt_state *state, struct tt_state_token token,
                                    uint64_t position, const struct tt_closing *closing,
                                    struct tt_error *err) TT_MUST_USE;

#endif
