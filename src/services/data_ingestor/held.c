/* See held.h. A binary heap of pointers. */
#include "services/data_ingestor/held.h"

#include <string.h>

#define TEXT_BLOCK_SIZE 512
#define TEXT_SIZE_MAX (1u << 20)

struct tt_held_entry {
    int64_t at_ms;
    uint64_t order;
    uint8_t kind;
    uint64_t source_line;
    struct tt_txn txn;
    struct tt_label label;
    struct tt_truth truth;
    struct tt_arena text;
};

void tt_held_init(struct tt_held *held, const struct tt_alloc *alloc)
{
    *held = (struct tt_held){.alloc = alloc};
}

static void entry_free(struct tt_held *held, struct tt_held_entry *entry)
{
    tt_arena_deinit(&entry->text);
    tt_delete(held->alloc, entry, sizeof *entry);
}

void tt_held_deinit(struct tt_held *held)
{
    for (size_t i = 0; i < held->count; i++) {
        entry_free(held, held->heap[i]);
    }
    tt_delete(held->alloc, held->heap, held->capacity * sizeof *held->heap);
    *held = (struct tt_held){.alloc = held->alloc};
}

static bool before(const struct tt_held_entry *a, const struct tt_held_entry *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static enum tt_status copy_truth(const struct tt_truth *truth, struct tt_arena *arena,
                                 struct tt_truth *ret)
{
    *ret = *truth;
    if (truth->kind.data != NULL) {
        ret->kind.data = tt_arena_copy(arena, truth->kind.data, truth->kind.size);
    }
    return truth->kind.data != NULL && ret->kind.data == NULL ? TT_E_NOMEM : TT_OK;
}

static enum tt_status grow(struct tt_held *held)
{
    size_t capacity = held->capacity == 0 ? 64 : held->capacity * 2;
    struct tt_held_entry **heap =
        tt_resize(held->alloc, held->heap, held->capacity * sizeof *heap, capacity * sizeof *heap);
    if (heap == NULL) {
        return TT_E_NOMEM;
    }
    held->heap = heap;
    held->capacity = capacity;
    return TT_OK;
}

enum tt_status tt_held_push(struct tt_held *held, const struct tt_event *event, int64_t at_ms)
{
    if (held->count == held->capacity && grow(held) != TT_OK) {
        return TT_E_NOMEM;
    }
    struct tt_held_entry *entry = tt_new(held->alloc, sizeof *entry);
    if (entry == NULL) {
        return TT_E_NOMEM;
    }
    *entry = (struct tt_held_entry){.at_ms = at_ms, .order = held->pushed, .kind = event->kind};
    entry->source_line = event->source_line;
    entry->label = event->label;
    tt_arena_init(&entry->text, held->alloc, TEXT_BLOCK_SIZE, TEXT_SIZE_MAX);
    if (tt_txn_copy(&event->txn, &entry->text, &entry->txn) != TT_OK ||
        copy_truth(&event->truth, &entry->text, &entry->truth) != TT_OK) {
        entry_free(held, entry);
        return TT_E_NOMEM;
    }
    held->pushed++;
    size_t at = held->count++;
    for (; at > 0 && before(entry, held->heap[(at - 1) / 2]); at = (at - 1) / 2) {
        held->heap[at] = held->heap[(at - 1) / 2];
    }
    held->heap[at] = entry;
    return TT_OK;
}

int64_t tt_held_next_ms(const struct tt_held *held)
{
    return held->count > 0 ? held->heap[0]->at_ms : INT64_MAX;
}

static void remove_first(struct tt_held *held)
{
    struct tt_held_entry *moved = held->heap[--held->count];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < held->count; at = child) {
        if (child + 1 < held->count && before(held->heap[child + 1], held->heap[child])) {
            child++;
        }
        if (!before(held->heap[child], moved)) {
            break;
        }
        held->heap[at] = held->heap[child];
    }
    held->heap[at] = moved;
}

enum tt_status tt_held_pop(struct tt_held *held, struct tt_event *event)
{
    TT_ASSERT(held->count > 0);
    struct tt_held_entry *entry = held->heap[0];
    if (tt_txn_copy(&entry->txn, &event->text, &event->txn) != TT_OK ||
        copy_truth(&entry->truth, &event->text, &event->truth) != TT_OK) {
        return TT_E_NOMEM;
    }
    event->kind = entry->kind;
    event->label = entry->label;
    event->source_line = entry->source_line;
    remove_first(held);
    entry_free(held, entry);
    return TT_OK;
}
