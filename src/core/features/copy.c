/*
 * Copy on write over the slots of a step.
 *
 * A bit a slot says that whoever stood there at the beginning is packed. Slots behind the beginning's count
 * hold entities that are newer than the copy. An entity that leaves, and the one that moves into its slot,
 * are packed first; so as long as a bit is clear, its slot holds the entity it held at the beginning,
 * unchanged.
 */
#include "core/features/copy.h"

#include <string.h>

#include "base/wire.h"
#include "core/features/snapshot.h"
#include "core/features/step_internal.h"

struct tt_step_copy {
    struct tt_buf *out;
    struct tt_buf record;
    uint64_t records;
    size_t count, cursor; /* slots at the beginning; the next to look at */
    unsigned char *packed;
    size_t packed_size;
    enum tt_status status;
};

/* A record grows with its entity's rows, of which there are TT_PLAN_EVENTS_MAX at most. */
#define RECORD_SIZE_MAX (512u << 20)

static bool is_due(const struct tt_step_copy *copy, size_t slot)
{
    return slot < copy->count && (copy->packed[slot / 8] >> (slot % 8) & 1) == 0;
}

static void mark(struct tt_step_copy *copy, size_t slot)
{
    copy->packed[slot / 8] = (unsigned char)(copy->packed[slot / 8] | 1U << (slot % 8));
}

static void put_record(struct tt_step_copy *copy, enum tt_status status)
{
    if (status == TT_OK) {
        tt_wire_put_bytes(copy->out, tt_buf_str(&copy->record));
        status = copy->out->status;
    }
    copy->records += status == TT_OK ? 1 : 0;
    copy->status = copy->status == TT_OK ? status : copy->status;
}

/* Packs who stands at a slot, if it is due. */
static void pack(struct tt_step *step, size_t slot)
{
    struct tt_step_copy *copy = step->copy;
    if (!is_due(copy, slot)) {
        return;
    }
    mark(copy, slot);
    if (copy->status == TT_OK) {
        tt_buf_clear(&copy->record);
        put_record(copy, tt_step_pack_one(step, step->slots[slot].entity, &copy->record));
    }
}

enum tt_status tt_step_copy_begin(struct tt_step *step, struct tt_buf *out)
{
    TT_ASSERT(step->copy == NULL);
    struct tt_step_copy *copy = tt_new_array(step->alloc, 1, sizeof *copy);
    if (copy == NULL) {
        return TT_E_NOMEM;
    }
    copy->out = out;
    copy->count = step->slot_count;
    copy->packed_size = step->slot_count / 8 + 1;
    copy->packed = tt_new_array(step->alloc, copy->packed_size, 1);
    tt_buf_init(&copy->record, step->alloc, RECORD_SIZE_MAX);
    step->copy = copy;
    put_record(copy, copy->packed == NULL ? TT_E_NOMEM : tt_step_pack_head(step, &copy->record));
    enum tt_status status = copy->status;
    if (status != TT_OK) {
        tt_step_copy_end(step);
    }
    return status;
}

enum tt_status tt_step_copy_some(struct tt_step *step, size_t bytes_max)
{
    struct tt_step_copy *copy = step->copy;
    size_t from = copy->out->size;
    while (copy->status == TT_OK && copy->cursor < copy->count &&
           copy->out->size - from < bytes_max) {
        pack(step, copy->cursor++);
    }
    if (copy->status != TT_OK) {
        return copy->status;
    }
    return copy->cursor == copy->count ? TT_E_CLOSED : TT_OK;
}

uint64_t tt_step_copy_records(const struct tt_step *step)
{
    return step->copy->records;
}

void tt_step_copy_end(struct tt_step *step)
{
    struct tt_step_copy *copy = step->copy;
    if (copy == NULL) {
        return;
    }
    tt_buf_deinit(&copy->record);
    tt_delete(step->alloc, copy->packed, copy->packed_size);
    tt_delete(step->alloc, copy, sizeof *copy);
    step->copy = NULL;
}

void tt_step_copy_touch(struct tt_step *step, const struct tt_entity *entity)
{
    pack(step, entity->slot);
}

void tt_step_copy_remove(struct tt_step *step, uint32_t at)
{
    pack(step, at);
    pack(step,
         step->slot_count - 1); /* moves to `at`, and its old slot may be taken by a new one */
}
