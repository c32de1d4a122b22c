/*
 * The panes of an entity in its saved record.
 *
 * What:    every list with what its panes hold; windows over them are made again by seeking.
 * Threads: the step's.
 * Fails:   unpack with TT_E_CORRUPT for what cannot have been packed, TT_E_NOMEM.
 */
#ifndef TT_CORE_FEATURES_SNAPSHOT_PANES_H
#define TT_CORE_FEATURES_SNAPSHOT_PANES_H

#include "base/wire.h"
#include "core/features/panes.h"

void tt_panes_pack(const struct tt_entity_store *store, const struct tt_entity *entity,
                   struct tt_buf *buf);
/* The entity's rows are there, its labels not yet. */
enum tt_status tt_panes_unpack(struct tt_entity_store *store, struct tt_entity *entity,
                               struct tt_wire *wire) TT_MUST_USE;

#endif
