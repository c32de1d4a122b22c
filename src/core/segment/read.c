/*
 * Reading a block: the head and its table first, then one column at a time; nothing is believed
 * before its hash and its sizes agree.
 */
#include <string.h>

#include "base/wire.h"
#include "core/segment/format.h"
#include "core/segment/segment.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "columns are read where they lie: numbers are little-endian");

static enum tt_status corrupt(struct tt_error *err, const char *what)
{
    return tt_fail(err, TT_E_CORRUPT, "segment: %s", what);
}

enum tt_status tt_segment_open(struct tt_str bytes, struct tt_segment_block *ret,
                               struct tt_error *err)
{
    struct tt_wire wire = tt_wire_reader(bytes);
    if (bytes.size < TT_SEGMENT_HEAD_SIZE) {
        return corrupt(err, "cut off in its head");
    }
    if (tt_wire_u32(&wire) != TT_SEGMENT_MAGIC) {
        return corrupt(err, "no segment");
    }
    uint16_t version = tt_wire_u16(&wire);
    if (version != TT_SEGMENT_VERSION) {
        return version > TT_SEGMENT_VERSION
                   ? tt_fail(err, TT_E_UNSUPPORTED, "segment: version %u is newer", version)
                   : corrupt(err, "unknown version");
    }
    struct tt_segment_block block = {.column_count = tt_wire_u16(&wire)};
    block.row_count = tt_wire_u32(&wire);
    uint32_t head_size = tt_wire_u32(&wire);
    uint64_t block_size = tt_wire_u64(&wire);
    block.info.day = (int64_t)tt_wire_u64(&wire);
    block.info.plan = tt_wire_hash(&wire);
    block.info.seq_first = tt_wire_u64(&wire);
    block.info.seq_last = tt_wire_u64(&wire);
    if (block.row_count == 0 || block.row_count > TT_SEGMENT_ROWS_MAX || block.column_count == 0 ||
        block.column_count > TT_SEGMENT_COLUMNS_MAX || head_size < TT_SEGMENT_HEAD_SIZE + 8 ||
        block_size > TT_SEGMENT_BLOCK_SIZE_MAX || block_size > bytes.size ||
        tt_segment_padded(head_size) > block_size || block_size % 8 != 0) {
        return corrupt(err, "sizes that cannot be");
    }
    struct tt_wire end = tt_wire_reader((struct tt_str){bytes.data + head_size - 8, 8});
    if (tt_wire_u64(&end) != tt_hash64(&tt_segment_hash_key, bytes.data, head_size - 8)) {
        return corrupt(err, "its head is damaged");
    }
    block.bytes = (struct tt_str){bytes.data, (size_t)block_size};
    block.table = TT_SEGMENT_HEAD_SIZE;
    *ret = block;
    return TT_OK;
}

/* An entry of the table. */
struct entry {
    struct tt_str name;
    uint8_t type, encoding, width, bits;
    int64_t base;
    uint32_t text_count;
    uint64_t offset, size, hash;
};

static struct entry read_entry(struct tt_wire *wire)
{
    struct entry entry = {.name = tt_wire_bytes(wire)};
    entry.type = tt_wire_u8(wire);
    entry.encoding = tt_wire_u8(wire);
    entry.width = tt_wire_u8(wire);
    entry.bits = tt_wire_u8(wire);
    entry.base = (int64_t)tt_wire_u64(wire);
    entry.text_count = tt_wire_u32(wire);
    entry.offset = tt_wire_u64(wire);
    entry.size = tt_wire_u64(wire);
    entry.hash = tt_wire_u64(wire);
    return entry;
}

static bool fits(const struct entry *entry)
{
    bool codes = entry->type == TT_COLUMN_TEXT || entry->type == TT_COLUMN_BOOL;
    bool width = entry->width == 0 || entry->width == 1 || entry->width == 2 || entry->width == 4 ||
                 entry->width == 8;
    switch ((enum tt_encoding)entry->encoding) {
    case TT_ENCODING_NONE:
        return entry->size == 0 && entry->bits == 0 && entry->text_count == 0;
    case TT_ENCODING_DOUBLES:
        return entry->type == TT_COLUMN_DOUBLE && entry->width == 8 && entry->text_count == 0;
    case TT_ENCODING_NUMBERS:
        return !codes && width && entry->text_count == 0 &&
               (entry->type != TT_COLUMN_DOUBLE || entry->width <= 4);
    case TT_ENCODING_CODES:
        return codes && entry->bits == 0 && entry->width >= 1 && entry->width <= 4 && width &&
               (entry->type == TT_COLUMN_TEXT) == (entry->text_count > 0) &&
               entry->text_count <= TT_SEGMENT_ROWS_MAX;
    }
    return false;
}

static uint64_t number_at(const struct tt_column *column, uint32_t row)
{
    uint64_t number = 0;
    switch (column->width) {
    case 1:
        return column->values[row];
    case 2: {
        uint16_t value;
        memcpy(&value, column->values + 2 * (size_t)row, sizeof value);
        return value;
    }
    case 4: {
        uint32_t value;
        memcpy(&value, column->values + 4 * (size_t)row, sizeof value);
        return value;
    }
    case 8:
        memcpy(&number, column->values + 8 * (size_t)row, sizeof number);
        return number;
    default:
        return 0;
    }
}

/* The dictionary behind the codes; every code must lead into it. */
static enum tt_status read_texts(const unsigned char *at, size_t size, struct tt_arena *arena,
                                 struct tt_column *column, struct tt_error *err)
{
    uint32_t count = column->text_count;
    if (size < 4 * (size_t)count) {
        return corrupt(err, "a dictionary is cut off");
    }
    const char *bytes = (const char *)at + 4 * (size_t)count;
    size_t left = size - 4 * (size_t)count;
    struct tt_str *texts = tt_arena_new_array(arena, count + 1, sizeof *texts);
    if (texts == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for a dictionary");
    }
    uint32_t begin = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t end;
        memcpy(&end, at + 4 * (size_t)i, sizeof end);
        if (end < begin || end > left) {
            return corrupt(err, "a dictionary's texts are out of order");
        }
        texts[i] = (struct tt_str){bytes + begin, end - begin};
        begin = end;
    }
    column->texts = texts;
    return tt_segment_padded(4 * (size_t)count + begin) == size
               ? TT_OK
               : corrupt(err, "a dictionary's size is wrong");
}

static enum tt_status check_codes(const struct tt_column *column, struct tt_error *err)
{
    uint64_t most = column->type == TT_COLUMN_BOOL ? 2 : column->text_count;
    uint64_t highest = 0;
    for (uint32_t i = 0; i < column->row_count; i++) {
        uint64_t code = number_at(column, i);
        highest = code > highest ? code : highest;
    }
    return highest <= most ? TT_OK : corrupt(err, "a code leads nowhere");
}

static enum tt_status open_column(const struct tt_segment_block *block, const struct entry *entry,
                                  struct tt_arena *arena, struct tt_column *ret,
                                  struct tt_error *err)
{
    if (!fits(entry) || entry->offset % 8 != 0 || entry->offset > block->bytes.size ||
        entry->size > block->bytes.size - entry->offset) {
        return corrupt(err, "a column that cannot be");
    }
    const unsigned char *at = (const unsigned char *)block->bytes.data + entry->offset;
    if (tt_hash64(&tt_segment_hash_key, at, (size_t)entry->size) != entry->hash) {
        return tt_fail(err, TT_E_CORRUPT, "segment: column %.*s is damaged",
                       TT_STR_ARG(entry->name));
    }
    struct tt_column column = {
        .type = entry->type,
        .encoding = entry->encoding,
        .width = entry->width,
        .row_count = block->row_count,
        .base = entry->base,
        .text_count = entry->text_count,
    };
    size_t left = (size_t)entry->size;
    size_t bits = entry->bits != 0 ? tt_segment_padded((block->row_count + 7) / 8) : 0;
    size_t numbers = tt_segment_padded((size_t)block->row_count * entry->width);
    if (entry->encoding == TT_ENCODING_NONE) {
        *ret = column;
        return TT_OK;
    }
    if (entry->bits > 1 || left < bits + numbers) {
        return corrupt(err, "a column is cut off");
    }
    column.missing = entry->bits != 0 ? at : NULL;
    column.values = at + bits;
    enum tt_status status = TT_OK;
    if (entry->type == TT_COLUMN_TEXT) {
        status = read_texts(at + bits + numbers, left - bits - numbers, arena, &column, err);
    } else if (left != bits + numbers) {
        status = corrupt(err, "a column's size is wrong");
    }
    if (status == TT_OK && entry->encoding == TT_ENCODING_CODES) {
        status = check_codes(&column, err);
    }
    if (status == TT_OK) {
        *ret = column;
    }
    return status;
}

enum tt_status tt_segment_column(const struct tt_segment_block *block, struct tt_str name,
                                 uint8_t type, struct tt_arena *arena, struct tt_column *ret,
                                 struct tt_error *err)
{
    struct tt_wire wire = tt_wire_reader(
        (struct tt_str){block->bytes.data + block->table, block->bytes.size - block->table});
    for (uint32_t i = 0; i < block->column_count; i++) {
        struct entry entry = read_entry(&wire);
        if (wire.bad) {
            return corrupt(err, "its table is cut off");
        }
        if (entry.type == type && tt_str_equal(entry.name, name)) {
            return open_column(block, &entry, arena, ret, err);
        }
    }
    return tt_fail(err, TT_E_NOT_FOUND, "no column %.*s", TT_STR_ARG(name));
}

static bool is_missing(const struct tt_column *column, uint32_t row)
{
    return column->missing != NULL && (column->missing[row / 8] >> (row % 8) & 1) != 0;
}

static int64_t whole(const struct tt_column *column, uint32_t row)
{
    return (int64_t)((uint64_t)column->base + number_at(column, row));
}

/* What a backtest reads most, without a question a row. */
static void fill_doubles(const struct tt_column *column, uint32_t first, uint32_t count,
                         struct tt_value *values, size_t stride)
{
    for (uint32_t i = 0; i < count; i++) {
        double number;
        memcpy(&number, column->values + 8 * (size_t)(first + i), sizeof number);
        values[i * stride] = tt_value_double(number);
    }
}

static void fill_numbers(const struct tt_column *column, uint32_t first, uint32_t count,
                         struct tt_value *values, size_t stride)
{
    if (column->width == 1) { /* counts */
        for (uint32_t i = 0; i < count; i++) {
            int64_t number = column->base + (int64_t)column->values[first + i];
            values[i * stride] = tt_value_double((double)number);
        }
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        values[i * stride] = tt_value_double((double)whole(column, first + i));
    }
}

static void fill_texts(const struct tt_column *column, uint32_t first, uint32_t count,
                       struct tt_value *values, size_t stride)
{
    for (uint32_t i = 0; i < count; i++) {
        values[i * stride] = tt_value_text(tt_column_text(column, first + i));
    }
}

static void fill_others(const struct tt_column *column, uint32_t first, uint32_t count,
                        struct tt_value *values, size_t stride)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = first + i;
        if (column->type == TT_COLUMN_TIME) {
            values[i * stride] = tt_value_timestamp_ms(whole(column, row));
        } else if (column->type == TT_COLUMN_INT) {
            values[i * stride] = tt_value_int(whole(column, row));
        } else {
            uint64_t code = number_at(column, row);
            values[i * stride] =
                code == 0 ? tt_value_none(TT_VALUE_MISSING) : tt_value_bool(code == 2);
        }
    }
}

void tt_column_fill(const struct tt_column *column, uint32_t first, uint32_t count,
                    struct tt_value *values, size_t stride)
{
    TT_ASSERT(first <= column->row_count && count <= column->row_count - first);
    const struct tt_value none = tt_value_none(TT_VALUE_MISSING);
    if (column->encoding == TT_ENCODING_NONE) {
        for (uint32_t i = 0; i < count; i++) {
            values[i * stride] = none;
        }
        return;
    }
    if (column->type == TT_COLUMN_TEXT) {
        fill_texts(column, first, count, values, stride);
    } else if (column->type != TT_COLUMN_DOUBLE) {
        fill_others(column, first, count, values, stride);
    } else if (column->encoding == TT_ENCODING_DOUBLES) {
        fill_doubles(column, first, count, values, stride);
    } else {
        fill_numbers(column, first, count, values, stride);
    }
    for (uint32_t i = 0; column->missing != NULL && i < count; i++) {
        if (is_missing(column, first + i)) {
            values[i * stride] = none;
        }
    }
}

void tt_column_ints(const struct tt_column *column, uint32_t first, uint32_t count, int64_t absent,
                    int64_t *ret)
{
    TT_ASSERT(column->type == TT_COLUMN_INT || column->type == TT_COLUMN_TIME);
    for (uint32_t i = 0; i < count; i++) {
        bool missing = column->encoding == TT_ENCODING_NONE || is_missing(column, first + i);
        ret[i] = missing ? absent : whole(column, first + i);
    }
}

struct tt_str tt_column_text(const struct tt_column *column, uint32_t row)
{
    if (column->encoding == TT_ENCODING_NONE) {
        return (struct tt_str){NULL, 0};
    }
    uint64_t code = number_at(column, row);
    return code == 0 ? (struct tt_str){NULL, 0} : column->texts[code - 1];
}
