/*
 * Segments: rows of the log in columns, for reading many rows and few of their values.
 *
 * What:    a block of up to TT_SEGMENT_ROWS_MAX rows. Columns have a name and a type; each is
 *          encoded by what it holds: nothing, doubles, small whole numbers over a base, or codes
 *          into a dictionary of texts. The builder collects rows, the reader opens one column at a
 *          time, so that what nobody asks for is not even looked at.
 * Why:     a backtest reads a few columns of millions of rows. Checksums are per column, so that
 *          checking costs no more than reading. Source: the column and dictionary encodings of
 *          Melnik et al., "Dremel: interactive analysis of web-scale datasets", 2010.
 * Owner:   the builder's memory comes from its allocator. A reader's views lie in the bytes, which
 *          must outlive it; dictionaries lie in the arena given.
 * Threads: a builder is confined to one thread; bytes may be read by any number.
 * Limits:  TT_SEGMENT_COLUMNS_MAX columns; a block is at most TT_SEGMENT_BLOCK_SIZE_MAX bytes.
 * Fails:   reading: TT_E_CORRUPT damaged or cut bytes, TT_E_UNSUPPORTED a newer version,
 *          TT_E_NOMEM; building: TT_E_NOMEM, TT_E_LIMIT a block too large.
 */
#ifndef TT_CORE_SEGMENT_SEGMENT_H
#define TT_CORE_SEGMENT_SEGMENT_H

#include "base/hash.h"
#include "core/expr/value.h"

#define TT_SEGMENT_ROWS_MAX 32768u
#define TT_SEGMENT_COLUMNS_MAX 256u
#define TT_SEGMENT_NAME_SIZE_MAX 64u
#define TT_SEGMENT_BLOCK_SIZE_MAX (256u << 20)

enum tt_column_type {
    TT_COLUMN_DOUBLE = 1,
    TT_COLUMN_BOOL,
    TT_COLUMN_TEXT,
    TT_COLUMN_INT,  /* 64 bits */
    TT_COLUMN_TIME, /* ms since the epoch; a timestamp as a value */
};

struct tt_column_spec {
    struct tt_str name;
    uint8_t type; /* enum tt_column_type */
};

/* What a block says of all its rows. */
struct tt_segment_info {
    int64_t day; /* days since 1970-01-01 */
    struct tt_hash128 plan;
    uint64_t seq_first, seq_last;
};

/* ---- building ---- */

struct tt_segment_builder;

/* Specs are copied; key: of the dictionaries' hashes, never changes a result. */
enum tt_status tt_segment_builder_new(const struct tt_alloc *alloc,
                                      const struct tt_column_spec *specs, uint32_t spec_count,
                                      struct tt_hash_key key, struct tt_segment_builder **ret,
                                      struct tt_error *err) TT_MUST_USE;
void tt_segment_builder_free(struct tt_segment_builder *builder);
/* One row, a value a column: a double, bool, string (copied), int or timestamp as the column's type
 * has it; any other value is missing. The builder must not be full. */
enum tt_status tt_segment_builder_add(struct tt_segment_builder *builder,
                                      const struct tt_value *values) TT_MUST_USE;
uint32_t tt_segment_builder_count(const struct tt_segment_builder *builder);
/* Appends the block of the rows added (at least one) and begins the next. */
enum tt_status tt_segment_builder_finish(struct tt_segment_builder *builder,
                                         const struct tt_segment_info *info,
                                         struct tt_buf *ret) TT_MUST_USE;

/* ---- reading ---- */

/* A column of an open block. */
struct tt_column {
    uint8_t type;     /* enum tt_column_type */
    uint8_t encoding; /* private */
    uint8_t width;    /* bytes of a number or code; 0 = all the same */
    uint32_t row_count;
    int64_t base;
    const unsigned char *missing; /* a bit a row; NULL = none is missing */
    const unsigned char *values;
    const struct tt_str *texts; /* of a text: the dictionary; code c is texts[c - 1] */
    uint32_t text_count;
};

struct tt_segment_block {
    struct tt_segment_info info;
    uint32_t row_count, column_count;
    struct tt_str bytes; /* of the whole block */
    size_t table;        /* private: where the columns' entries begin */
};

/* Opens the block at the start of bytes; what is behind it is the next one's. Checks the header
 * alone. */
enum tt_status tt_segment_open(struct tt_str bytes, struct tt_segment_block *ret,
                               struct tt_error *err) TT_MUST_USE;
/* Opens a column, checking all of it; TT_E_NOT_FOUND when the block has none of that name and type.
 */
enum tt_status tt_segment_column(const struct tt_segment_block *block, struct tt_str name,
                                 uint8_t type, struct tt_arena *arena, struct tt_column *ret,
                                 struct tt_error *err) TT_MUST_USE;
/* Writes the values of rows first … first + count - 1 to values[0], values[stride] … */
void tt_column_fill(const struct tt_column *column, uint32_t first, uint32_t count,
                    struct tt_value *values, size_t stride);
/* Copies whole numbers (INT, TIME); a missing one is `absent`. */
void tt_column_ints(const struct tt_column *column, uint32_t first, uint32_t count, int64_t absent,
                    int64_t *ret);
/* The text of a row, or absent. */
struct tt_str tt_column_text(const struct tt_column *column, uint32_t row);

#endif
