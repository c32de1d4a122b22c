/*
 * Lists, maps and loops while they are made. Private to core/expr.
 *
 * What:    building values in the scratch, and the steps of a macro's loop over registers.
 * Why:     a loop has five registers: what it makes (d), its range, its counter and its two
 *          variables; a builder is a list whose room was taken when the loop began.
 * Owner:   everything lives in the scratch of the evaluation.
 * Fails:   the value made is then an error: TT_VALUE_SPACE, TT_VALUE_TYPE, TT_VALUE_DUPLICATE.
 */
#ifndef TT_CORE_EXPR_MADE_H
#define TT_CORE_EXPR_MADE_H

#include "core/expr/code.h"
#include "core/expr/funcs/func.h"

enum tt_loop_register {
    TT_LOOP_RANGE = 1,
    TT_LOOP_COUNTER,
    TT_LOOP_FIRST,
    TT_LOOP_SECOND,
    TT_LOOP_BODY
};

/* An empty list, map or optional with room for `capacity` items (two an entry). */
struct tt_value tt_made_new(struct tt_call *call, enum tt_type type, size_t capacity);
/* Adds an item; an error when the item is one or the whole gets too large. The room must be there.
 */
void tt_made_add(struct tt_value *made, const struct tt_value *item);
/* Adds a key with its value. */
void tt_made_put(struct tt_value *map, const struct tt_value *key, const struct tt_value *value);
/* In the `error` of a value that is none: an item written with a question mark has no value. */
#define TT_ITEM_LEFT_OUT 255
/* A list or map of items in a row, without those left out. */
struct tt_value tt_made_from(struct tt_call *call, enum tt_type type, const struct tt_value *items,
                             uint32_t count);
/* Begins a loop over *range; false: *dst is an error. */
bool tt_loop_begin(struct tt_call *call, enum tt_loop kind, const struct tt_value *range,
                   struct tt_value *dst);
/* Sets the loop's variables; false when there is no item left. */
bool tt_loop_next(bool two, struct tt_value *dst);
/* The map with the entries of another one. */
void tt_loop_add_entries(struct tt_call *call, const struct tt_value *entries,
                         struct tt_value *dst);

#endif
