/* Manifests and blocks as bytes: version in front, a checksum behind. */
#include "base/wire.h"
#include "services/pipeline/snapshot_internal.h"

#define VERSION 1
#define CHECKSUM_SIZE 8

static const struct tt_hash_key CHECK_KEY = {UINT64_C(0x736e617073686f74),
                                             UINT64_C(0x626c6f636b73)};

static void put_checksum(struct tt_buf *buf)
{
    if (buf->status == TT_OK) {
        tt_wire_put_u64(buf, tt_hash64(&CHECK_KEY, buf->data, buf->size));
    }
}

/* What is in front of a checksum that holds. */
static bool open_bytes(struct tt_str bytes, struct tt_wire *ret)
{
    if (bytes.size < CHECKSUM_SIZE) {
        return false;
    }
    size_t size = bytes.size - CHECKSUM_SIZE;
    struct tt_wire tail = tt_wire_reader((struct tt_str){bytes.data + size, CHECKSUM_SIZE});
    *ret = tt_wire_reader((struct tt_str){bytes.data, size});
    return tt_wire_u64(&tail) == tt_hash64(&CHECK_KEY, bytes.data, size);
}

void tt_manifest_encode(const struct tt_manifest *manifest, struct tt_buf *buf)
{
    tt_buf_clear(buf);
    tt_wire_put_u8(buf, VERSION);
    tt_wire_put_u8(buf, manifest->sealed ? 1 : 0);
    tt_wire_put_u64(buf, manifest->position);
    tt_wire_put_hash(buf, manifest->plan);
    tt_wire_put_u64(buf, (uint64_t)manifest->watermark_ms);
    tt_wire_put_u64(buf, (uint64_t)manifest->made_ms);
    tt_wire_put_u32(buf, manifest->blocks);
    tt_wire_put_u32(buf, manifest->blocks_max);
    tt_wire_put_u64(buf, manifest->bytes);
    tt_wire_put_u8(buf, (uint8_t)manifest->part_count);
    for (uint32_t i = 0; i < manifest->part_count; i++) {
        tt_wire_put_u64(buf, manifest->records[i]);
    }
    put_checksum(buf);
}

bool tt_manifest_decode(struct tt_str bytes, struct tt_manifest *ret)
{
    struct tt_wire wire;
    struct tt_manifest manifest = {0};
    if (!open_bytes(bytes, &wire) || tt_wire_u8(&wire) != VERSION) {
        return false;
    }
    manifest.sealed = tt_wire_u8(&wire) == 1;
    manifest.position = tt_wire_u64(&wire);
    manifest.plan = tt_wire_hash(&wire);
    manifest.watermark_ms = (int64_t)tt_wire_u64(&wire);
    manifest.made_ms = (int64_t)tt_wire_u64(&wire);
    manifest.blocks = tt_wire_u32(&wire);
    manifest.blocks_max = tt_wire_u32(&wire);
    manifest.bytes = tt_wire_u64(&wire);
    manifest.part_count = tt_wire_u8(&wire);
    if (manifest.part_count > TT_SNAPSHOT_PARTS_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < manifest.part_count; i++) {
        manifest.records[i] = tt_wire_u64(&wire);
    }
    if (wire.bad || tt_wire_left(&wire) != 0) {
        return false;
    }
    *ret = manifest;
    return true;
}

void tt_snapshot_block_encode(uint64_t position, uint32_t index, uint32_t part,
                              struct tt_str records, struct tt_buf *buf)
{
    tt_buf_clear(buf);
    tt_wire_put_u8(buf, VERSION);
    tt_wire_put_u64(buf, position);
    tt_wire_put_u32(buf, index);
    tt_wire_put_u8(buf, (uint8_t)part);
    (void)tt_buf_append_str(buf, records); /* the buffer remembers a failure */
    put_checksum(buf);
}

bool tt_snapshot_block_decode(struct tt_str bytes, uint64_t position, uint32_t index,
                              uint32_t *ret_part, struct tt_str *ret_records)
{
    struct tt_wire wire;
    bool there = open_bytes(bytes, &wire) && tt_wire_u8(&wire) == VERSION &&
                 tt_wire_u64(&wire) == position && tt_wire_u32(&wire) == index;
    uint32_t part = there ? tt_wire_u8(&wire) : 0;
    if (!there || wire.bad) {
        return false;
    }
    *ret_part = part;
    *ret_records = (struct tt_str){(const char *)wire.next, tt_wire_left(&wire)};
    return true;
}
