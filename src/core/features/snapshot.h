/*
 * The state of a step as records: one head, one per entity.
 *
 * What:    packs what cannot be computed again (rows, panes, labels, watermark); unpacking builds a step
 *          that goes on with the same bits.
 * Why:     running values are a function of the rows, so they are not saved: the form stays small
 *          and does not change when a window is added. A head says what the rows hold, so that another
 *          plan can take from them what it needs. Records fit the state port's entries and
 *          come in any order.
 * Owner:   bytes go to the caller's buffer; views are the caller's.
 * Threads: the step's.
 * Limits:  a record holds one entity: events_max rows and its panes.
 * Fails:   unpack with TT_E_CORRUPT (length, checksum, order), TT_E_CONFLICT (another plan, step or
 *          hash key: rebuild by replay), TT_E_UNSUPPORTED (a newer form), TT_E_NOMEM; the step is
 *          then only good to be freed.
 */
#ifndef TT_CORE_FEATURES_SNAPSHOT_H
#define TT_CORE_FEATURES_SNAPSHOT_H

#include "core/features/step.h"

/* Appends the head. */
enum tt_status tt_step_pack_head(const struct tt_step *step, struct tt_buf *buf) TT_MUST_USE;
/* For tests and fuzzers; what runs is packed by copy.h. Appends the next entity's record and says its
 * key: start with *cursor 0; TT_E_CLOSED when there is none left. No event may pass in between. */
enum tt_status tt_step_pack_entity(const struct tt_step *step, size_t *cursor,
                                   struct tt_hash128 *ret_key, struct tt_buf *buf) TT_MUST_USE;
/* Into a new step: the head first, then every entity once. The plan may be another one where everything the
 * step needs is in the saved rows (adopt.h); else TT_E_CONFLICT, also for an entity, says what is missing. */
enum tt_status tt_step_unpack_head(struct tt_step *step, struct tt_str bytes,
                                   struct tt_error *err) TT_MUST_USE;
enum tt_status tt_step_unpack_entity(struct tt_step *step, struct tt_str bytes,
                                     struct tt_error *err) TT_MUST_USE;
/* The key field ("user_id") of the entities that a head is about; false when it is no head. */
bool tt_step_head_key(struct tt_str bytes, struct tt_str *ret_key);

#endif
