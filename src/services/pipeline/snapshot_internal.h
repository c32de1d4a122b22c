/*
 * Inside snapshots: blocks, and manifests as bytes.
 *
 * Owner:   a block belongs to the queue, then to whoever took it.
 * Threads: as snapshot.h says of the callers.
 */
#ifndef TT_SERVICES_PIPELINE_SNAPSHOT_INTERNAL_H
#define TT_SERVICES_PIPELINE_SNAPSHOT_INTERNAL_H

#include "services/pipeline/snapshot.h"

#define TT_SNAPSHOT_OWNER "features"
#define TT_SNAPSHOT_KEY_SIZE 12

struct tt_snapshot_block {
    struct tt_snapshot_block *next;
    uint32_t part;
    struct tt_buf bytes;
};

/* The oldest block of the queue, or NULL. */
struct tt_snapshot_block *tt_snapshots_take(struct tt_snapshots *snapshots);
void tt_snapshot_block_free(struct tt_snapshots *snapshots, struct tt_snapshot_block *block);
/* "features/0" and the like. */
struct tt_str tt_snapshot_slot_owner(uint32_t slot);

/* A manifest's entry. */
void tt_manifest_encode(const struct tt_manifest *manifest, struct tt_buf *buf);
/* False: damaged, or of another version. */
bool tt_manifest_decode(struct tt_str bytes, struct tt_manifest *ret);
/* A block's entry: what it is of, the records, a checksum. */
void tt_snapshot_block_encode(uint64_t position, uint32_t index, uint32_t part,
                              struct tt_str records, struct tt_buf *buf);
/* Checks it; the records are a view of bytes. */
bool tt_snapshot_block_decode(struct tt_str bytes, uint64_t position, uint32_t index,
                              uint32_t *ret_part, struct tt_str *ret_records);

#endif
