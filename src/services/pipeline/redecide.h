/*
 * A stored decision made again.
 *
 * What:    from a row's vector, detections, bundle and recorded outcomes: detects and decides once
 *          more and says whether the bits are the same, or what is missing to do so.
 * Why:     any past decision can be questioned. What depended on counters is recorded, everything
 *          else is a function of vector and bundle (DELIVERY §5).
 * Owner:   the result's event and texts live until tt_redecide_deinit.
 * Threads: the engine may be shared; the rest is the caller's.
 * Fails:   TT_E_NOMEM; TT_E_CORRUPT when the row or its bundle cannot be read; what the store says.
 *          A bundle or setup that is not there is no failure but a result.
 */
#ifndef TT_SERVICES_PIPELINE_REDECIDE_H
#define TT_SERVICES_PIPELINE_REDECIDE_H

#include "services/pipeline/rows.h"

struct tt_redecide {
    const struct tt_alloc *alloc;
    struct tt_loose_event stored, again; /* as it was decided; as it is decided now */
    /* What is missing, or neither. */
    bool bundle_missing; /* not in the store (any more) */
    bool setup_differs;  /* made by other features, rules or detectors than the engine's */
    struct tt_hash128 bundle, setup, plan; /* of the stored decision; setup 0 = not known */
    /* When nothing is missing. */
    bool same_detections, same_decision;
};

/* row: of the store, valid during the call. Fills *ret, also on failure; deinit it in any case. */
enum tt_status tt_redecide(const struct tt_alloc *alloc, const struct tt_engine *engine,
                           const struct tt_record_schema *schema, struct tt_store *store,
                           const struct tt_row_transaction *row, struct tt_redecide *ret,
                           struct tt_error *err) TT_MUST_USE;
void tt_redecide_deinit(struct tt_redecide *redecide);
/* Appends {"transaction_id","same","missing","detections_same","decision_same","versions","stored",
 * "again"}; again is null when something is missing. */
void tt_redecide_write(const struct tt_redecide *redecide, const struct tt_engine *engine,
                       struct tt_json_writer *json);

#endif
