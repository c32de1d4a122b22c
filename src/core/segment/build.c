/*
 * Building a block: rows come in, each column keeps what it needs, and is encoded by what it got.
 *
 * Numbers are whole in most columns (counts, ranks, positions): they are kept over the least of them
 * in as few bytes as they need. A dictionary is in order of first appearance, so that the bytes do
 * not depend on the hash key.
 */
#include <string.h>

#include "base/map.h"
#include "base/wire.h"
#include "core/segment/format.h"
#include "core/segment/segment.h"

#define TEXT_BLOCK_SIZE 4096
#define WHOLE_MAX 9007199254740992.0 /* 2^53: beyond, doubles are not all whole numbers' */

/* An entry of a dictionary; lives in the builder's arena. */
struct word {
    struct tt_str text;
    uint32_t code; /* from 1 */
};

struct build_column {
    char name[TT_SEGMENT_NAME_SIZE_MAX];
    uint32_t name_size;
    uint8_t type;
    union {
        double *doubles;
        int64_t *ints;
        uint32_t *codes;
    };
    uint8_t *missing; /* a byte a row */
    uint32_t missing_count;
    struct tt_map words; /* of struct word */
    struct word **by_code;
    uint32_t word_count;
    uint64_t text_size;
};

struct tt_segment_builder {
    const struct tt_alloc *alloc;
    struct tt_hash_key key;
    struct tt_arena arena; /* dictionaries */
    struct build_column *columns;
    uint32_t column_count, row_count;
};

static bool same_word(const void *item, const void *key)
{
    const struct word *word = item;
    return tt_str_equal(word->text, *(const struct tt_str *)key);
}

static size_t value_size(uint8_t type)
{
    return type == TT_COLUMN_TEXT || type == TT_COLUMN_BOOL ? sizeof(uint32_t) : sizeof(int64_t);
}

static bool init_column(struct tt_segment_builder *builder, struct build_column *column,
                        const struct tt_column_spec *spec)
{
    const struct tt_alloc *alloc = builder->alloc;
    memcpy(column->name, spec->name.data, spec->name.size);
    column->name_size = (uint32_t)spec->name.size;
    column->type = spec->type;
    column->ints = tt_new(alloc, TT_SEGMENT_ROWS_MAX * value_size(spec->type));
    column->missing = tt_new(alloc, TT_SEGMENT_ROWS_MAX);
    tt_map_init(&column->words, alloc, same_word, TT_SEGMENT_ROWS_MAX);
    if (spec->type == TT_COLUMN_TEXT) {
        column->by_code = tt_new_array(alloc, TT_SEGMENT_ROWS_MAX, sizeof *column->by_code);
    }
    return column->ints != NULL && column->missing != NULL &&
           (spec->type != TT_COLUMN_TEXT || column->by_code != NULL);
}

enum tt_status tt_segment_builder_new(const struct tt_alloc *alloc,
                                      const struct tt_column_spec *specs, uint32_t spec_count,
                                      struct tt_hash_key key, struct tt_segment_builder **ret,
                                      struct tt_error *err)
{
    if (spec_count == 0 || spec_count > TT_SEGMENT_COLUMNS_MAX) {
        return tt_fail(err, TT_E_LIMIT, "a segment of %u columns; at most %u", spec_count,
                       TT_SEGMENT_COLUMNS_MAX);
    }
    struct tt_segment_builder *builder = tt_new_array(alloc, 1, sizeof *builder);
    if (builder == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for a segment");
    }
    builder->alloc = alloc;
    builder->key = key;
    tt_arena_init(&builder->arena, alloc, TEXT_BLOCK_SIZE, TT_SEGMENT_BLOCK_SIZE_MAX);
    builder->columns = tt_new_array(alloc, spec_count, sizeof *builder->columns);
    bool good = builder->columns != NULL;
    for (uint32_t i = 0; good && i < spec_count; i++) {
        TT_ASSERT(specs[i].name.size > 0 && specs[i].name.size <= TT_SEGMENT_NAME_SIZE_MAX);
        builder->column_count++;
        good = init_column(builder, &builder->columns[i], &specs[i]);
    }
    if (!good) {
        builder->column_count = builder->columns != NULL ? builder->column_count : 0;
        for (uint32_t i = 0; i < builder->column_count; i++) {
            struct build_column *column = &builder->columns[i];
            tt_delete(alloc, column->ints, TT_SEGMENT_ROWS_MAX * value_size(column->type));
            tt_delete(alloc, column->missing, TT_SEGMENT_ROWS_MAX);
            tt_delete(alloc, column->by_code, TT_SEGMENT_ROWS_MAX * sizeof *column->by_code);
        }
        tt_delete(alloc, builder->columns, spec_count * sizeof *builder->columns);
        tt_delete(alloc, builder, sizeof *builder);
        return tt_fail(err, TT_E_NOMEM, "no memory for a segment");
    }
    *ret = builder;
    return TT_OK;
}

void tt_segment_builder_free(struct tt_segment_builder *builder)
{
    if (builder == NULL) {
        return;
    }
    const struct tt_alloc *alloc = builder->alloc;
    for (uint32_t i = 0; i < builder->column_count; i++) {
        struct build_column *column = &builder->columns[i];
        tt_delete(alloc, column->ints, TT_SEGMENT_ROWS_MAX * value_size(column->type));
        tt_delete(alloc, column->missing, TT_SEGMENT_ROWS_MAX);
        tt_delete(alloc, column->by_code, TT_SEGMENT_ROWS_MAX * sizeof *column->by_code);
        tt_map_deinit(&column->words);
    }
    tt_delete(alloc, builder->columns, builder->column_count * sizeof *builder->columns);
    tt_arena_deinit(&builder->arena);
    tt_delete(alloc, builder, sizeof *builder);
}

uint32_t tt_segment_builder_count(const struct tt_segment_builder *builder)
{
    return builder->row_count;
}

static enum tt_status find_word(struct tt_segment_builder *builder, struct build_column *column,
                                struct tt_str text, uint32_t *ret)
{
    uint64_t hash = tt_hash64(&builder->key, text.data, text.size);
    struct word *word = tt_map_get(&column->words, hash, &text);
    if (word == NULL) {
        word = tt_arena_new(&builder->arena, sizeof *word);
        char *copy = word != NULL ? tt_arena_copy(&builder->arena, text.data, text.size) : NULL;
        if (copy == NULL) {
            return TT_E_NOMEM;
        }
        *word = (struct word){{copy, text.size}, column->word_count + 1};
        enum tt_status status = tt_map_put(&column->words, hash, word);
        if (status != TT_OK) {
            return status;
        }
        column->by_code[column->word_count++] = word;
        column->text_size += text.size;
    }
    *ret = word->code;
    return TT_OK;
}

static int64_t to_ms(struct tt_moment moment)
{
    return moment.seconds * 1000 + moment.nanos / 1000000;
}

static enum tt_status add_value(struct tt_segment_builder *builder, struct build_column *column,
                                const struct tt_value *value)
{
    static const uint8_t types[] = {0,
                                    [TT_COLUMN_DOUBLE] = TT_TYPE_DOUBLE,
                                    [TT_COLUMN_BOOL] = TT_TYPE_BOOL,
                                    [TT_COLUMN_TEXT] = TT_TYPE_STRING,
                                    [TT_COLUMN_INT] = TT_TYPE_INT,
                                    [TT_COLUMN_TIME] = TT_TYPE_TIMESTAMP};
    uint32_t row = builder->row_count;
    bool missing = value->type != types[column->type];
    column->missing[row] = missing ? 1 : 0;
    column->missing_count += missing ? 1 : 0;
    switch ((enum tt_column_type)column->type) {
    case TT_COLUMN_DOUBLE:
        column->doubles[row] = missing ? 0.0 : value->number;
        return TT_OK;
    case TT_COLUMN_BOOL:
        column->codes[row] = missing ? 0 : value->boolean ? 2 : 1;
        return TT_OK;
    case TT_COLUMN_INT:
        column->ints[row] = missing ? 0 : value->integer;
        return TT_OK;
    case TT_COLUMN_TIME:
        column->ints[row] = missing ? 0 : to_ms(value->moment);
        return TT_OK;
    case TT_COLUMN_TEXT:
        break;
    }
    column->codes[row] = 0;
    return missing ? TT_OK : find_word(builder, column, value->text, &column->codes[row]);
}

static void forget_rows(struct tt_segment_builder *builder)
{
    for (uint32_t i = 0; i < builder->column_count; i++) {
        struct build_column *column = &builder->columns[i];
        tt_map_deinit(&column->words);
        tt_map_init(&column->words, builder->alloc, same_word, TT_SEGMENT_ROWS_MAX);
        column->word_count = 0;
        column->text_size = 0;
        column->missing_count = 0;
    }
    tt_arena_reset(&builder->arena);
    builder->row_count = 0;
}

enum tt_status tt_segment_builder_add(struct tt_segment_builder *builder,
                                      const struct tt_value *values)
{
    TT_ASSERT(builder->row_count < TT_SEGMENT_ROWS_MAX);
    for (uint32_t i = 0; i < builder->column_count; i++) {
        enum tt_status status = add_value(builder, &builder->columns[i], &values[i]);
        if (status != TT_OK) {
            forget_rows(builder); /* half a row cannot stay */
            return status;
        }
    }
    builder->row_count++;
    return TT_OK;
}

/* ---- encoding ---- */

static uint8_t width_of(uint64_t most)
{
    return most == 0            ? 0
           : most <= UINT8_MAX  ? 1
           : most <= UINT16_MAX ? 2
           : most <= UINT32_MAX ? 4
                                : 8;
}

/* A double that is a whole number, and is so again: not minus zero. */
static bool is_whole(double value)
{
    if (!(value > -WHOLE_MAX && value < WHOLE_MAX)) {
        return false;
    }
    double back = (double)(int64_t)value;
    return memcmp(&back, &value, sizeof back) == 0;
}

struct range {
    int64_t least;
    uint64_t span;
    bool whole, any;
};

static struct range measure(const struct tt_segment_builder *builder,
                            const struct build_column *column)
{
    struct range range = {.least = INT64_MAX, .whole = true};
    int64_t most = INT64_MIN;
    for (uint32_t i = 0; i < builder->row_count && range.whole; i++) {
        if (column->missing[i] != 0) {
            continue;
        }
        range.whole = column->type != TT_COLUMN_DOUBLE || is_whole(column->doubles[i]);
        if (range.whole) {
            int64_t value =
                column->type == TT_COLUMN_DOUBLE ? (int64_t)column->doubles[i] : column->ints[i];
            range.least = value < range.least ? value : range.least;
            most = value > most ? value : most;
            range.any = true;
        }
    }
    range.span = range.any ? (uint64_t)most - (uint64_t)range.least : 0;
    return range;
}

/* What a column's entry says. */
struct entry {
    uint8_t encoding, width;
    int64_t base;
    uint64_t offset, size, hash;
};

static void choose(const struct tt_segment_builder *builder, const struct build_column *column,
                   struct entry *entry)
{
    *entry = (struct entry){.encoding = TT_ENCODING_CODES};
    if (column->missing_count == builder->row_count) {
        entry->encoding = TT_ENCODING_NONE;
        return;
    }
    if (column->type == TT_COLUMN_TEXT || column->type == TT_COLUMN_BOOL) {
        entry->width = width_of(column->type == TT_COLUMN_TEXT ? column->word_count : 2);
        return;
    }
    struct range range = measure(builder, column);
    if (column->type == TT_COLUMN_DOUBLE && (!range.whole || range.span > UINT32_MAX)) {
        entry->encoding = TT_ENCODING_DOUBLES;
        entry->width = 8;
        return;
    }
    entry->encoding = TT_ENCODING_NUMBERS;
    entry->width = width_of(range.span);
    entry->base = range.least;
}

static void pad(struct tt_buf *buf, size_t begin)
{
    while ((buf->size - begin) % 8 != 0 && buf->status == TT_OK) {
        tt_wire_put_u8(buf, 0);
    }
}

static void put_missing(const struct tt_segment_builder *builder, const struct build_column *column,
                        struct tt_buf *buf)
{
    for (uint32_t i = 0; i < builder->row_count; i += 8) {
        unsigned bits = 0;
        for (uint32_t k = 0; k < 8 && i + k < builder->row_count; k++) {
            bits |= (unsigned)column->missing[i + k] << k;
        }
        tt_wire_put_u8(buf, (uint8_t)bits);
    }
}

static void put_number(struct tt_buf *buf, uint8_t width, uint64_t number)
{
    char bytes[8];
    for (uint8_t i = 0; i < width; i++) {
        bytes[i] = (char)(unsigned char)(number >> (8 * i));
    }
    tt_buf_append(buf, bytes, width);
}

static uint64_t number_at(const struct build_column *column, const struct entry *entry,
                          uint32_t row)
{
    if (entry->encoding == TT_ENCODING_CODES) {
        return column->codes[row];
    }
    if (column->missing[row] != 0) {
        return 0;
    }
    int64_t value =
        column->type == TT_COLUMN_DOUBLE ? (int64_t)column->doubles[row] : column->ints[row];
    return (uint64_t)value - (uint64_t)entry->base;
}

static void put_column(const struct tt_segment_builder *builder, const struct build_column *column,
                       const struct entry *entry, struct tt_buf *buf)
{
    size_t begin = buf->size;
    if (entry->encoding == TT_ENCODING_NONE) {
        return;
    }
    if (entry->encoding != TT_ENCODING_CODES && column->missing_count > 0) {
        put_missing(builder, column, buf);
        pad(buf, begin);
    }
    for (uint32_t i = 0; i < builder->row_count; i++) {
        if (entry->encoding == TT_ENCODING_DOUBLES) {
            tt_wire_put_double(buf, column->doubles[i]);
        } else {
            put_number(buf, entry->width, number_at(column, entry, i));
        }
    }
    pad(buf, begin);
    uint64_t end = 0;
    for (uint32_t i = 0; i < column->word_count; i++) {
        end += column->by_code[i]->text.size;
        tt_wire_put_u32(buf, (uint32_t)end);
    }
    for (uint32_t i = 0; i < column->word_count; i++) {
        tt_buf_append_str(buf, column->by_code[i]->text);
    }
    pad(buf, begin);
}

static void put_entry(const struct build_column *column, const struct entry *entry,
                      struct tt_buf *buf)
{
    tt_wire_put_bytes(buf, (struct tt_str){column->name, column->name_size});
    tt_wire_put_u8(buf, column->type);
    tt_wire_put_u8(buf, entry->encoding);
    tt_wire_put_u8(buf, entry->width);
    bool bits = entry->encoding != TT_ENCODING_CODES && entry->encoding != TT_ENCODING_NONE &&
                column->missing_count > 0;
    tt_wire_put_u8(buf, bits ? 1 : 0);
    tt_wire_put_u64(buf, (uint64_t)entry->base);
    tt_wire_put_u32(buf, column->word_count);
    tt_wire_put_u64(buf, entry->offset);
    tt_wire_put_u64(buf, entry->size);
    tt_wire_put_u64(buf, entry->hash);
}

static size_t head_size(const struct tt_segment_builder *builder)
{
    size_t size = TT_SEGMENT_HEAD_SIZE + 8;
    for (uint32_t i = 0; i < builder->column_count; i++) {
        size += 1 + builder->columns[i].name_size + 4 + 8 + 4 + 3 * 8;
    }
    return size;
}

static void put_head(const struct tt_segment_builder *builder, const struct tt_segment_info *info,
                     uint64_t block_size, struct tt_buf *buf)
{
    tt_wire_put_u32(buf, TT_SEGMENT_MAGIC);
    tt_wire_put_u16(buf, TT_SEGMENT_VERSION);
    tt_wire_put_u16(buf, (uint16_t)builder->column_count);
    tt_wire_put_u32(buf, builder->row_count);
    tt_wire_put_u32(buf, (uint32_t)head_size(builder));
    tt_wire_put_u64(buf, block_size);
    tt_wire_put_u64(buf, (uint64_t)info->day);
    tt_wire_put_hash(buf, info->plan);
    tt_wire_put_u64(buf, info->seq_first);
    tt_wire_put_u64(buf, info->seq_last);
}

enum tt_status tt_segment_builder_finish(struct tt_segment_builder *builder,
                                         const struct tt_segment_info *info, struct tt_buf *ret)
{
    TT_ASSERT(builder->row_count > 0);
    struct tt_buf head, data;
    struct entry *entries = tt_new_array(builder->alloc, builder->column_count, sizeof *entries);
    if (entries == NULL) {
        return TT_E_NOMEM;
    }
    size_t head_padded = tt_segment_padded(head_size(builder));
    tt_buf_init(&head, builder->alloc, head_padded);
    tt_buf_init(&data, builder->alloc, TT_SEGMENT_BLOCK_SIZE_MAX - head_padded);
    for (uint32_t i = 0; i < builder->column_count; i++) {
        struct entry *entry = &entries[i];
        choose(builder, &builder->columns[i], entry);
        size_t begin = data.size;
        put_column(builder, &builder->columns[i], entry, &data);
        entry->offset = head_padded + begin;
        entry->size = data.size - begin;
        entry->hash = tt_hash64(&tt_segment_hash_key, data.data != NULL ? data.data + begin : "",
                                entry->size);
    }
    put_head(builder, info, head_padded + data.size, &head);
    for (uint32_t i = 0; i < builder->column_count; i++) {
        put_entry(&builder->columns[i], &entries[i], &head);
    }
    enum tt_status status = head.status != TT_OK ? head.status : data.status;
    if (status == TT_OK) {
        tt_wire_put_u64(&head, tt_hash64(&tt_segment_hash_key, head.data, head.size));
        pad(&head, 0);
        status = head.status;
    }
    size_t begin = ret->size;
    if (status == TT_OK && tt_buf_append(ret, head.data, head.size) == TT_OK) {
        tt_buf_append_str(ret, tt_buf_str(&data));
    }
    if (status == TT_OK && ret->status != TT_OK) {
        status = ret->status;
        ret->size = begin;
    }
    tt_buf_deinit(&head);
    tt_buf_deinit(&data);
    tt_delete(builder->alloc, entries, builder->column_count * sizeof *entries);
    if (status == TT_OK) {
        forget_rows(builder);
    }
    return status;
}
