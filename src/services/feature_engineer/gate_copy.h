/*
 * What the gate remembers, copied as it stands at one position while the stream goes on.
 *
 * What:    records of the head and of entries in the order of arrival; reading them makes the same gate.
 * Why:     as core/features/copy.h: bounded work at a time. New ids go behind the copied ones; one that is
 *          forgotten before its turn is packed first.
 * Owner:   records go to the caller's buffer, each as tt_wire_put_bytes; it may be emptied between calls.
 * Threads: the gate's.
 * Limits:  a record holds TT_GATE_RECORD_ENTRIES entries at most.
 * Fails:   copying as the buffer does, told by tt_gate_copy_some; reading with TT_E_CORRUPT, TT_E_CONFLICT (another
 *          hash key), TT_E_NOMEM: the gate is then only good to be emptied.
 */
#ifndef TT_SERVICES_FEATURE_ENGINEER_GATE_COPY_H
#define TT_SERVICES_FEATURE_ENGINEER_GATE_COPY_H

#include "services/feature_engineer/gate.h"

#define TT_GATE_RECORD_ENTRIES 512

/* Appends the head; out must live until tt_gate_copy_end. */
enum tt_status tt_gate_copy_begin(struct tt_gate_table *gate, struct tt_buf *out) TT_MUST_USE;
/* Packs about bytes_max more: TT_OK, TT_E_CLOSED when all are packed, or the buffer's failure. */
enum tt_status tt_gate_copy_some(struct tt_gate_table *gate, size_t bytes_max) TT_MUST_USE;
/* Records so far, the head's included. */
uint64_t tt_gate_copy_records(const struct tt_gate_table *gate);
/* Ends or gives up; without a copy it does nothing. */
void tt_gate_copy_end(struct tt_gate_table *gate);
/* For the gate: its oldest entry goes. */
void tt_gate_copy_forget(struct tt_gate_table *gate);
/* Takes one record into a gate that was just made; the head comes first. */
enum tt_status tt_gate_read(struct tt_gate_table *gate, struct tt_str record,
                            struct tt_error *err) TT_MUST_USE;
/* For reading: appends an entry as it is. */
enum tt_status tt_gate_put(struct tt_gate_table *gate, const struct tt_gate_entry *entry,
                           struct tt_error *err) TT_MUST_USE;

#endif
