/*
 * The bytes of a block. Private to core/segment.
 *
 * What:    head, then an entry a column, then the hash of both; then the columns, each at a multiple
 *          of eight: [missing bits] [numbers or codes] [ends of texts, u32 each] [texts]. All
 *          little-endian.
 * Threads: constants.
 */
#ifndef TT_CORE_SEGMENT_FORMAT_H
#define TT_CORE_SEGMENT_FORMAT_H

#include "base/hash.h"

#define TT_SEGMENT_MAGIC UINT32_C(0x31475354) /* "TSG1" */
#define TT_SEGMENT_VERSION 1
/* magic, version, columns, rows, bytes of the head with its hash, bytes of the block, day, plan,
 * seq_first, seq_last */
#define TT_SEGMENT_HEAD_SIZE (4 + 2 + 2 + 4 + 4 + 8 + 8 + 16 + 8 + 8)

enum tt_encoding {
    TT_ENCODING_NONE = 1, /* every value is missing */
    TT_ENCODING_DOUBLES,
    TT_ENCODING_NUMBERS, /* base + an unsigned number of `width` bytes; width 0: the base */
    TT_ENCODING_CODES,   /* 0 = missing; of a bool: 1 = false, 2 = true */
};

static const struct tt_hash_key tt_segment_hash_key = {UINT64_C(0x7365676d656e74), 1};

static inline size_t tt_segment_padded(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

#endif
