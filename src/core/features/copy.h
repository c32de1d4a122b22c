/*
 * A copy of a step as it stands at one position, made while the stream goes on.
 *
 * What:    tt_step_copy_begin fixes the moment; tt_step_copy_some packs a bounded number of bytes at a time;
 *          an entity that an event is about to change before its turn has come is packed first.
 * Why:     a saved state must be of one position of the log, and nobody may wait until megabytes are packed.
 *          Copy on write gives both: what an event pays is at most the packing of its own entity.
 * Owner:   records go to the caller's buffer, each as tt_wire_put_bytes; the caller may empty it between
 *          calls. The copy belongs to the step.
 * Threads: the step's.
 * Limits:  one copy at a time; a bit a state.
 * Fails:   begin with TT_E_NOMEM; later failures (the buffer's) are kept and told by tt_step_copy_some, and
 *          the copy is then only good to be ended. Events never notice.
 */
#ifndef TT_CORE_FEATURES_COPY_H
#define TT_CORE_FEATURES_COPY_H

#include "core/features/step.h"

/* Appends the head's record to out, which must live until tt_step_copy_end. */
enum tt_status tt_step_copy_begin(struct tt_step *step, struct tt_buf *out) TT_MUST_USE;
/* Packs entities until about bytes_max were appended: TT_OK, TT_E_CLOSED when all are packed. */
enum tt_status tt_step_copy_some(struct tt_step *step, size_t bytes_max) TT_MUST_USE;
/* Records appended so far, the head's included. */
uint64_t tt_step_copy_records(const struct tt_step *step);
/* Ends or gives up the copy; without one it does nothing. */
void tt_step_copy_end(struct tt_step *step);

#endif
