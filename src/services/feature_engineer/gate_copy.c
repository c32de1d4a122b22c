/* See gate_copy.h. Entries leave the ring and are packed in the same order, so one counter tells which are
 * still due. */
#include "services/feature_engineer/gate_copy.h"

#include "base/wire.h"

#define VERSION 1
#define ENTRY_SIZE 48

enum { RECORD_HEAD = 1, RECORD_ENTRIES };

/* Says whether two gates hash alike without telling the key. */
static uint64_t key_proof(const struct tt_gate_table *gate)
{
    static const char TEXT[] = "gate";
    return tt_hash64(&gate->hash_key, TEXT, sizeof TEXT - 1);
}

static void put_front(struct tt_buf *buf, uint8_t record, size_t size)
{
    tt_wire_put_varint(buf, size + 2);
    tt_wire_put_u8(buf, VERSION);
    tt_wire_put_u8(buf, record);
}

enum tt_status tt_gate_copy_begin(struct tt_gate_table *gate, struct tt_buf *out)
{
    put_front(out, RECORD_HEAD, 24);
    tt_wire_put_u64(out, key_proof(gate));
    tt_wire_put_u64(out, (uint64_t)gate->watermark_ms);
    tt_wire_put_u64(out, (uint64_t)gate->floor_ms);
    gate->copy = out;
    gate->copy_at = 0;
    gate->copy_left = gate->count;
    gate->copy_records = 1;
    return out->status;
}

static void put_entry(struct tt_buf *out, const struct tt_gate_entry *entry)
{
    tt_wire_put_hash(out, entry->key);
    tt_wire_put_hash(out, entry->content);
    tt_wire_put_u64(out, (uint64_t)entry->event_ms);
    tt_wire_put_u64(out, entry->seq);
}

/* One record of the next count entries. */
static void put_entries(struct tt_gate_table *gate, uint32_t count)
{
    put_front(gate->copy, RECORD_ENTRIES, (size_t)count * ENTRY_SIZE);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index = (gate->head + gate->copy_at + i) & (gate->capacity - 1);
        put_entry(gate->copy, &gate->entries[index]);
    }
    gate->copy_at += count;
    gate->copy_left -= count;
    gate->copy_records++;
}

enum tt_status tt_gate_copy_some(struct tt_gate_table *gate, size_t bytes_max)
{
    size_t from = gate->copy->size;
    while (gate->copy_left > 0 && gate->copy->status == TT_OK &&
           gate->copy->size - from < bytes_max) {
        put_entries(gate, gate->copy_left < TT_GATE_RECORD_ENTRIES ? gate->copy_left
                                                                   : TT_GATE_RECORD_ENTRIES);
    }
    if (gate->copy->status != TT_OK) {
        return gate->copy->status;
    }
    return gate->copy_left == 0 ? TT_E_CLOSED : TT_OK;
}

uint64_t tt_gate_copy_records(const struct tt_gate_table *gate)
{
    return gate->copy_records;
}

void tt_gate_copy_end(struct tt_gate_table *gate)
{
    gate->copy = NULL;
}

void tt_gate_copy_forget(struct tt_gate_table *gate)
{
    if (gate->copy_at == 0 && gate->copy_left > 0) {
        put_entries(gate, 1);
    }
    if (gate->copy_at > 0) {
        gate->copy_at--;
    }
}

static enum tt_status fail_corrupt(struct tt_error *err)
{
    return tt_fail(err, TT_E_CORRUPT, "saved ids: not what was written");
}

static enum tt_status read_head(struct tt_gate_table *gate, struct tt_wire *wire,
                                struct tt_error *err)
{
    uint64_t proof = tt_wire_u64(wire);
    int64_t watermark_ms = (int64_t)tt_wire_u64(wire), floor_ms = (int64_t)tt_wire_u64(wire);
    if (wire->bad || tt_wire_left(wire) != 0) {
        return fail_corrupt(err);
    }
    if (proof != key_proof(gate)) {
        return tt_fail(err, TT_E_CONFLICT, "saved ids: of another hash key");
    }
    gate->watermark_ms = watermark_ms;
    gate->floor_ms = floor_ms;
    return TT_OK;
}

enum tt_status tt_gate_read(struct tt_gate_table *gate, struct tt_str record, struct tt_error *err)
{
    struct tt_wire wire = tt_wire_reader(record);
    uint8_t version = tt_wire_u8(&wire), kind = tt_wire_u8(&wire);
    if (version > VERSION) {
        return tt_fail(err, TT_E_UNSUPPORTED, "saved ids: version %u", version);
    }
    if (kind == RECORD_HEAD && version == VERSION) {
        return read_head(gate, &wire, err);
    }
    if (kind != RECORD_ENTRIES || version != VERSION || tt_wire_left(&wire) % ENTRY_SIZE != 0) {
        return fail_corrupt(err);
    }
    enum tt_status status = TT_OK;
    while (tt_wire_left(&wire) > 0 && status == TT_OK) {
        struct tt_gate_entry entry = {0};
        entry.key = tt_wire_hash(&wire);
        entry.content = tt_wire_hash(&wire);
        entry.event_ms = (int64_t)tt_wire_u64(&wire);
        entry.seq = tt_wire_u64(&wire);
        status = tt_gate_put(gate, &entry, err);
    }
    return status;
}
