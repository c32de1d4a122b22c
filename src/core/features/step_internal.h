/*
 * What a step looks like inside, for the files that make it up.
 *
 * What:    the step, and adding an entity to it.
 * Threads: confined to the step's thread.
 */
#ifndef TT_CORE_FEATURES_STEP_INTERNAL_H
#define TT_CORE_FEATURES_STEP_INTERNAL_H

#include "base/map.h"
#include "core/features/entity.h"
#include "core/features/step.h"

/* One per entity, dense, so that the sweep reads memory in order. */
struct tt_step_slot {
    struct tt_entity *entity;
    int64_t newest_ms; /* as the sweep last saw it; the entity's may be later */
};

/* How saved rows become this step's; set by the head (adopt.h). */
struct tt_step_import {
    bool open;
    bool exact;                 /* the same identity: rows are as they are, and so is all else */
    struct tt_hash128 identity; /* of the step that saved */
    uint32_t words;             /* of its rows */
    uint8_t from[TT_ROW_WORDS_MAX];     /* word i of a row is its word from[i] */
    uint16_t bits[TT_PLAN_FILTERS_MAX]; /* what its filter i is here: a bit, or 0 */
};

struct tt_step {
    const struct tt_alloc *alloc;
    const struct tt_plan *plan;
    const struct plan_step *layout;
    struct tt_step_options options;
    uint32_t index;
    struct tt_entity_store store;
    struct tt_map map;
    struct tt_step_slot *slots;
    size_t slot_count, slot_capacity, hand;
    uint64_t passed; /* transactions, for the sweep */
    int64_t watermark_ms;
    int64_t first_ms; /* the oldest event absorbed, or TT_TIME_NONE */
    struct tt_step_import import;
    int64_t lost_ms;         /* the newest event of what had to make room, whoever's it was */
    struct tt_entity *ghost; /* stands in where an event has no entity and is not absorbed */
    struct tt_step_stats stats;
    struct tt_value *names; /* slots of the dictionary */
    struct tt_expr_scratch scratch;
    struct tt_step_copy *copy; /* the copy that is being made (copy.h), or NULL */
};

/* A new entity with that key, which is not there yet; another may have to go. NULL: no memory. */
struct tt_entity *tt_step_make_entity(struct tt_step *step, const struct tt_hash128 *key);
/* Appends one entity's record (snapshot.h). */
enum tt_status tt_step_pack_one(const struct tt_step *step, const struct tt_entity *entity,
                                struct tt_buf *buf) TT_MUST_USE;
/* While a copy is being made: before the entity changes, before it goes, and when slot `at` gets another one. */
void tt_step_copy_touch(struct tt_step *step, const struct tt_entity *entity);
void tt_step_copy_remove(struct tt_step *step, uint32_t at);

#endif
