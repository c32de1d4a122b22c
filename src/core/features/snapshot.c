/*
 * Saved states: version, kind, plan and step in front, a checksum behind every record.
 */
#include "core/features/snapshot.h"

#include "base/wire.h"
#include "core/features/adopt.h"
#include "core/features/snapshot_panes.h"
#include "core/features/step_internal.h"

#define SNAPSHOT_VERSION                                                                           \
    3 /* 2: panes; the filters a label's event passed. 3: a head says what is in a row */
#define CHECKSUM_SIZE 8

enum record { RECORD_HEAD = 1, RECORD_ENTITY };

static const struct tt_hash_key CHECK_KEY = {UINT64_C(0x736e617073686f74), UINT64_C(0x636865636b)};

/* Says whether two steps hash alike without telling the key. */
static uint64_t key_proof(const struct tt_step *step)
{
    static const char TEXT[] = "features";
    return tt_hash64(&step->options.key, TEXT, sizeof(TEXT) - 1);
}

static void put_front(const struct tt_step *step, enum record record, struct tt_buf *buf)
{
    tt_wire_put_u8(buf, SNAPSHOT_VERSION);
    tt_wire_put_u8(buf, (uint8_t)record);
    tt_wire_put_hash(buf, step->layout->identity);
    tt_wire_put_u64(buf, key_proof(step));
}

static enum tt_status put_checksum(struct tt_buf *buf, size_t start)
{
    if (buf->status == TT_OK) {
        tt_wire_put_u64(buf, tt_hash64(&CHECK_KEY, buf->data + start, buf->size - start));
    }
    return buf->status;
}

enum tt_status tt_step_pack_head(const struct tt_step *step, struct tt_buf *buf)
{
    size_t start = buf->size;
    put_front(step, RECORD_HEAD, buf);
    tt_step_describe(step, buf);
    tt_wire_put_u64(buf, (uint64_t)step->watermark_ms);
    tt_wire_put_u64(buf, (uint64_t)step->lost_ms);
    tt_wire_put_u64(buf, (uint64_t)step->first_ms);
    return put_checksum(buf, start);
}

/* What a fold keeps beside a row is saved where it is final. */
static void put_row(const struct tt_step *step, const int64_t *row, bool is_folded,
                    struct tt_buf *buf)
{
    for (uint32_t word = 0; word < step->layout->row_words; word++) {
        bool kept = word >= 2 && step->layout->columns[word - 2].kind == FIELD_FOLD;
        tt_wire_put_u64(buf, (uint64_t)(kept && !is_folded ? TT_ROW_MISSING : row[word]));
    }
}

enum tt_status tt_step_pack_one(const struct tt_step *step, const struct tt_entity *entity,
                                struct tt_buf *buf)
{
    size_t start = buf->size;
    put_front(step, RECORD_ENTITY, buf);
    tt_wire_put_hash(buf, entity->key);
    tt_wire_put_u64(buf, (uint64_t)entity->newest_ms);
    tt_wire_put_u64(buf, (uint64_t)entity->lost_ms);
    tt_wire_put_u32(buf, entity->end - entity->begin);
    for (uint32_t i = entity->begin; i < entity->end; i++) {
        put_row(step, tt_entity_row(&step->store, entity, i), i < entity->folded, buf);
    }
    tt_panes_pack(&step->store, entity, buf);
    tt_wire_put_u32(buf, entity->labels.rows.count);
    for (uint32_t i = 0; i < entity->labels.rows.count; i++) {
        const struct tt_label_row *label = tt_labels_row(&entity->labels, i);
        tt_wire_put_u64(buf, (uint64_t)label->time_ms);
        tt_wire_put_u64(buf, (uint64_t)label->effective_ms);
        tt_wire_put_u32(buf, label->id);
        tt_wire_put_u16(buf, label->bits);
        tt_wire_put_u8(buf, label->kind);
    }
    return put_checksum(buf, start);
}

enum tt_status tt_step_pack_entity(const struct tt_step *step, size_t *cursor,
                                   struct tt_hash128 *ret_key, struct tt_buf *buf)
{
    if (*cursor >= step->slot_count) {
        return TT_E_CLOSED;
    }
    const struct tt_entity *entity = step->slots[*cursor].entity;
    enum tt_status status = tt_step_pack_one(step, entity, buf);
    if (status == TT_OK) {
        *ret_key = entity->key;
        ++*cursor;
    }
    return status;
}

/* Checks what stands around a record and gives what is in it. */
static enum tt_status open_record(const struct tt_step *step, enum record record,
                                  struct tt_str bytes, struct tt_wire *ret,
                                  struct tt_hash128 *ret_identity, struct tt_error *err)
{
    if (bytes.size < CHECKSUM_SIZE) {
        return tt_fail(err, TT_E_CORRUPT, "saved feature state: too short");
    }
    size_t size = bytes.size - CHECKSUM_SIZE;
    struct tt_wire tail = tt_wire_reader((struct tt_str){bytes.data + size, CHECKSUM_SIZE});
    if (tt_wire_u64(&tail) != tt_hash64(&CHECK_KEY, bytes.data, size)) {
        return tt_fail(err, TT_E_CORRUPT, "saved feature state: the checksum does not hold");
    }
    struct tt_wire wire = tt_wire_reader((struct tt_str){bytes.data, size});
    uint8_t version = tt_wire_u8(&wire), kind = tt_wire_u8(&wire);
    struct tt_hash128 identity = tt_wire_hash(&wire);
    uint64_t proof = tt_wire_u64(&wire);
    if (version != SNAPSHOT_VERSION) {
        return tt_fail(err, TT_E_UNSUPPORTED, "saved feature state: version %u", version);
    }
    if (wire.bad || kind != record) {
        return tt_fail(err, TT_E_CORRUPT, "saved feature state: not the record expected");
    }
    if (proof != key_proof(step)) {
        return tt_fail(err, TT_E_CONFLICT, "saved feature state: of another hash key");
    }
    struct tt_hash128 want = step->import.open ? step->import.identity : step->layout->identity;
    if (kind == RECORD_ENTITY && (identity.high != want.high || identity.low != want.low)) {
        return tt_fail(err, TT_E_CONFLICT, "saved feature state: of another plan or step");
    }
    *ret_identity = identity;
    *ret = wire;
    return TT_OK;
}

static enum tt_status close_record(const struct tt_wire *wire, struct tt_error *err)
{
    return !wire->bad && tt_wire_left(wire) == 0
               ? TT_OK
               : tt_fail(err, TT_E_CORRUPT, "saved feature state: length and contents differ");
}

enum tt_status tt_step_unpack_head(struct tt_step *step, struct tt_str bytes, struct tt_error *err)
{
    struct tt_wire wire;
    struct tt_step_import import = {.open = true};
    enum tt_status status = open_record(step, RECORD_HEAD, bytes, &wire, &import.identity, err);
    if (status == TT_OK) {
        import.exact = import.identity.high == step->layout->identity.high &&
                       import.identity.low == step->layout->identity.low;
        status = tt_step_adopt(step, &wire, &import, err);
    }
    if (status != TT_OK) {
        return status;
    }
    int64_t watermark_ms = (int64_t)tt_wire_u64(&wire);
    int64_t lost_ms = (int64_t)tt_wire_u64(&wire);
    int64_t first_ms = (int64_t)tt_wire_u64(&wire);
    status = close_record(&wire, err);
    if (status == TT_OK) {
        step->watermark_ms = watermark_ms;
        step->lost_ms = lost_ms;
        step->first_ms = first_ms;
        step->import = import;
    }
    return status;
}

bool tt_step_head_key(struct tt_str bytes, struct tt_str *ret_key)
{
    struct tt_wire wire = tt_wire_reader(bytes);
    (void)tt_wire_u8(&wire);
    uint8_t kind = tt_wire_u8(&wire);
    (void)tt_wire_hash(&wire);
    (void)tt_wire_u64(&wire);
    *ret_key = tt_wire_bytes(&wire);
    return kind == RECORD_HEAD && !wire.bad;
}

static enum tt_status read_rows(struct tt_step *step, struct tt_entity *entity,
                                struct tt_wire *wire)
{
    const struct tt_step_import *import = &step->import;
    bool as_is = !import->open || import->exact;
    uint32_t count = tt_wire_u32(wire), words = as_is ? step->layout->row_words : import->words;
    int64_t row[TT_ROW_WORDS_MAX];
    enum tt_status status = TT_OK;
    for (uint32_t i = 0; i < count && status == TT_OK; i++) {
        for (uint32_t word = 0; word < words; word++) {
            row[word] = (int64_t)tt_wire_u64(wire);
        }
        if (!as_is) {
            tt_step_adopt_row(step, row);
        }
        status = wire->bad ? TT_E_CORRUPT : tt_entity_append(&step->store, entity, row);
    }
    return status;
}

/* Of a state of another plan, rows know by now which filters of this one they pass; the saved bits do
 * not. Such an entity has no panes, so that every label has its row. */
static enum tt_status put_label(struct tt_step *step, struct tt_entity *entity,
                                const struct tt_label_row *label)
{
    bool as_is = !step->import.open || step->import.exact, applied = false;
    enum tt_status status = as_is ? tt_entity_label_again(&step->store, entity, label, &applied)
                                  : tt_entity_label(&step->store, entity, label, &applied);
    return status == TT_OK && !applied ? TT_E_CORRUPT : status;
}

static enum tt_status read_labels(struct tt_step *step, struct tt_entity *entity,
                                  struct tt_wire *wire)
{
    uint32_t count = tt_wire_u32(wire);
    enum tt_status status = TT_OK;
    for (uint32_t i = 0; i < count && status == TT_OK; i++) {
        struct tt_label_row label = {0};
        label.time_ms = (int64_t)tt_wire_u64(wire);
        label.effective_ms = (int64_t)tt_wire_u64(wire);
        label.id = tt_wire_u32(wire);
        label.bits = tt_wire_u16(wire);
        label.kind = tt_wire_u8(wire);
        status = wire->bad ? TT_E_CORRUPT : put_label(step, entity, &label);
    }
    return status;
}

enum tt_status tt_step_unpack_entity(struct tt_step *step, struct tt_str bytes,
                                     struct tt_error *err)
{
    struct tt_wire wire;
    struct tt_hash128 identity;
    enum tt_status status = open_record(step, RECORD_ENTITY, bytes, &wire, &identity, err);
    if (status != TT_OK) {
        return status;
    }
    struct tt_hash128 key = tt_wire_hash(&wire);
    int64_t newest_ms = (int64_t)tt_wire_u64(&wire);
    int64_t lost_ms = (int64_t)tt_wire_u64(&wire);
    if (tt_map_get(&step->map, key.low, &key) != NULL) {
        return tt_fail(err, TT_E_CORRUPT, "saved feature state: an entity twice");
    }
    struct tt_entity *entity = tt_step_make_entity(step, &key);
    if (entity == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for a saved feature state");
    }
    entity->newest_ms = newest_ms;
    entity->lost_ms = lost_ms;
    status = read_rows(step, entity, &wire);
    if (status == TT_OK) {
        bool as_is = !step->import.open || step->import.exact;
        status = as_is || tt_wire_peek_u32(&wire) == 0
                     ? tt_panes_unpack(&step->store, entity, &wire)
                     : TT_E_CONFLICT;
    }
    if (status == TT_E_CONFLICT) {
        return tt_fail(err, status, "windows of entities with panes have changed");
    }
    status = status == TT_OK ? read_labels(step, entity, &wire) : status;
    if (status != TT_OK) {
        return tt_fail(err, status, "saved feature state: its rows or labels cannot be taken");
    }
    return close_record(&wire, err);
}
