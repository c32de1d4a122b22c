/*
 * The texts of an axis: text → row. Private to core/rules.
 *
 * What:    open addressing over the texts that terms mention; row 0 is every other text.
 * Owner:   arrays are the caller's.
 * Limits:  the table has a power of two of entries, at most half of them used.
 */
#ifndef TT_CORE_RULES_INDEX_TEXT_H
#define TT_CORE_RULES_INDEX_TEXT_H

#include "base/hash.h"
#include "base/str.h"

/* Texts come from rule files: a fixed key will do. */
static inline uint64_t tt_axis_text_hash(struct tt_str text)
{
    static const struct tt_hash_key key = {0x7465787473206f66, 0x20616e2061786973};
    return tt_hash64(&key, text.data, text.size);
}

/* The entry where the text stands or would stand; the table must have an empty one. */
static inline uint32_t tt_axis_text_place(const struct tt_str *texts, const uint32_t *table,
                                          uint32_t mask, struct tt_str text)
{
    uint32_t at = (uint32_t)tt_axis_text_hash(text) & mask;
    while (table[at] != 0 && !tt_str_equal(texts[table[at] - 1], text)) {
        at = (at + 1) & mask;
    }
    return at;
}

/* The row of a text. */
static inline uint32_t tt_axis_text_find(const struct tt_str *texts, const uint32_t *table,
                                         uint32_t mask, struct tt_str text)
{
    return table[tt_axis_text_place(texts, table, mask, text)];
}

#endif
