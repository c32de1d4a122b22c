/*
 * Mappings applied to rows and foreign objects (record_map.h): cells to raw fields, then the shared
 * checks.
 *
 * A row's cells are views into a buffer that the next row overwrites; what the transaction keeps is
 * copied, the rest (amount, time, degrees) is only read.
 */
#include <string.h>

#include "base/number.h"
#include "format/record/json_record.h"
#include "format/record/map_impl.h"
#include "format/record/record_map.h"

#define PATH_SIZE_MAX 256

struct apply {
    const struct tt_record_map *map;
    const struct tt_record_schema *schema;
    struct tt_arena *arena;
    const struct tt_str *cells; /* by struct tt_map_column.cell; data NULL = absent */
    const char *begin;          /* the record's bytes, for offsets */
    size_t size;
    struct tt_verdict *verdict;
};

/* Where a cell stands in the record's bytes; 0 when it is no part of them (constants, joined,
 * unquoted). */
static uint32_t offset_of(const struct apply *apply, struct tt_str text)
{
    uintptr_t at = (uintptr_t)text.data, begin = (uintptr_t)apply->begin;
    return at >= begin && at <= begin + apply->size ? (uint32_t)(at - begin) : 0;
}

/* The columns' cells with the separator between them, in the arena; absent when all are empty. */
static enum tt_status join(const struct apply *apply, const struct tt_map_source *source,
                           struct tt_str *ret)
{
    size_t size = 0, used = 0;
    bool any = false;
    for (uint32_t i = 0; i < source->part_count; i++) {
        struct tt_str cell = apply->cells[apply->map->columns[source->parts[i]].cell];
        any = any || cell.size > 0;
        size += cell.size + source->separator.size;
    }
    char *text = any ? tt_arena_new(apply->arena, size) : NULL;
    *ret = (struct tt_str){0};
    if (text == NULL) {
        return any ? TT_E_NOMEM : TT_OK;
    }
    for (uint32_t i = 0; i < source->part_count; i++) {
        struct tt_str cell = apply->cells[apply->map->columns[source->parts[i]].cell];
        if (i > 0 && source->separator.size > 0) {
            memcpy(text + used, source->separator.data, source->separator.size);
            used += source->separator.size;
        }
        if (cell.size > 0) {
            memcpy(text + used, cell.data, cell.size);
            used += cell.size;
        }
    }
    *ret = (struct tt_str){text, used};
    return TT_OK;
}

/* The text a source gives, not copied; absent or empty when there is none. */
static enum tt_status resolve(const struct apply *apply, const struct tt_map_source *source,
                              struct tt_str *ret)
{
    if (TT_LIKELY(source->part_count == 1)) {
        *ret = apply->cells[apply->map->columns[source->parts[0]].cell];
        return TT_OK;
    }
    if (source->part_count == 0) {
        *ret = source->constant;
        return TT_OK;
    }
    return join(apply, source, ret);
}

static enum tt_status keep(const struct apply *apply, struct tt_str *text)
{
    text->data = tt_arena_copy(apply->arena, text->data, text->size);
    return text->data != NULL ? TT_OK : TT_E_NOMEM;
}

/* Seconds with an optional fraction, cut to milliseconds. */
static bool parse_unix_s(struct tt_str text, int64_t *ret_ms)
{
    struct tt_str rest = text;
    struct tt_str whole = tt_str_split(&rest, '.');
    int64_t seconds = 0, ms = 0, scale = 100;
    if (!tt_int64_parse(whole, &seconds) || __builtin_mul_overflow(seconds, 1000, &seconds)) {
        return false;
    }
    if (rest.data != NULL && (rest.size == 0 || whole.data[0] == '-')) {
        return false; /* "5." is no number, and times before 1970 are out of range anyway */
    }
    for (size_t i = 0; i < rest.size; i++, scale /= 10) {
        if (rest.data[i] < '0' || rest.data[i] > '9') {
            return false;
        }
        ms += (rest.data[i] - '0') * scale;
    }
    return !__builtin_add_overflow(seconds, ms, ret_ms);
}

static bool parse_time(const struct tt_record_map *map, struct tt_str text, int64_t *ret_ms)
{
    switch (map->time) {
    case TT_MAP_TIME_AUTO:
        return tt_record_parse_time(text, false, ret_ms) || tt_int64_parse(text, ret_ms);
    case TT_MAP_TIME_RFC3339:
        return tt_record_parse_time(text, false, ret_ms);
    case TT_MAP_TIME_UNIX_S:
        return parse_unix_s(text, ret_ms);
    case TT_MAP_TIME_UNIX_MS:
        return tt_int64_parse(text, ret_ms);
    case TT_MAP_TIME_FORMAT:
        break;
    }
    return tt_time_parse_format(text, map->time_format, map->zone_offset_ms, ret_ms) == TT_OK;
}

static enum tt_status take_field(const struct apply *apply, enum tt_field field,
                                 struct tt_record_raw *raw)
{
    struct tt_str text = {0};
    enum tt_status status = resolve(apply, &apply->map->fields[field], &text);
    bool identifier = (int)field < (int)TT_TEXT_COUNT;
    text = identifier ? text : tt_str_trim(text);
    if (status != TT_OK || text.size == 0) {
        return status; /* an empty cell is an absent field */
    }
    raw->values[field].offset = offset_of(apply, text);
    raw->values[field].text = text;
    raw->seen |= UINT32_C(1) << field;
    if (identifier) {
        return keep(apply, &raw->values[field].text);
    }
    if (field == TT_FIELD_TIMESTAMP && !parse_time(apply->map, text, &raw->timestamp_ms)) {
        return tt_record_refuse(apply->verdict, TT_REJECT_BAD_TIMESTAMP,
                                tt_record_field_name(field), &raw->values[field],
                                "is not a time in the mapped format");
    }
    return TT_OK;
}

static enum tt_status take_attribute(const struct apply *apply, uint32_t index,
                                     struct tt_record_raw *raw)
{
    const struct tt_attribute_spec *spec = &apply->map->attributes[index];
    struct tt_str text = {0}, name = spec->name;
    enum tt_status status = resolve(apply, &apply->map->attribute_sources[index], &text);
    text = spec->type == TT_ATTRIBUTE_STRING ? text : tt_str_trim(text);
    if (status != TT_OK || text.size == 0) {
        return status;
    }
    uint32_t offset = offset_of(apply, text);
    status = keep(apply, &name);
    if (status == TT_OK && spec->type == TT_ATTRIBUTE_STRING) {
        status = keep(apply, &text);
    }
    if (status != TT_OK) {
        return status;
    }
    struct tt_record_scalar value = {TT_ATTRIBUTE_STRING, true, false, text, offset};
    return tt_record_add_attribute(apply->schema, raw, name, spec->type, &value, apply->arena,
                                   apply->verdict);
}

static enum tt_status take_label(const struct apply *apply, struct tt_map_label *ret)
{
    struct tt_str text = {0};
    *ret = (struct tt_map_label){0};
    if (apply->map->has_label) {
        enum tt_status status = resolve(apply, &apply->map->label, &text);
        if (status != TT_OK) {
            return status;
        }
        text = tt_str_trim(text);
        ret->present = text.size > 0;
        for (uint32_t i = 0; i < apply->map->fraud_count; i++) {
            ret->fraud = ret->fraud || (ret->present && tt_str_equal(text, apply->map->fraud[i]));
        }
    }
    if (apply->map->has_label_kind) {
        enum tt_status status = resolve(apply, &apply->map->label_kind, &text);
        text = tt_str_trim(text);
        if (status != TT_OK || text.size == 0) {
            return status;
        }
        ret->kind = text;
        return keep(apply, &ret->kind);
    }
    return TT_OK;
}

static enum tt_status apply_cells(const struct apply *apply, int64_t now_ms, struct tt_txn *ret_txn,
                                  struct tt_map_label *ret_label, struct tt_record_notes *ret_notes)
{
    struct tt_record_raw raw;
    struct tt_map_label label;
    struct tt_txn txn;
    raw.seen = 0;
    raw.attribute_count = 0;
    raw.pan_count = 0;
    enum tt_status status = TT_OK;
    for (uint32_t rest = apply->map->mapped; status == TT_OK && rest != 0; rest &= rest - 1) {
        status = take_field(apply, (enum tt_field)__builtin_ctz(rest), &raw);
    }
    for (uint32_t i = 0; status == TT_OK && i < apply->map->attribute_count; i++) {
        status = take_attribute(apply, i, &raw);
    }
    if (status == TT_OK) {
        status = take_label(apply, &label);
    }
    if (status == TT_OK) {
        status = tt_record_check(apply->schema, &raw, now_ms, apply->arena, &txn, apply->verdict);
    }
    if (status != TT_OK) {
        return status;
    }
    *ret_txn = txn;
    if (ret_label != NULL) {
        *ret_label = label;
    }
    if (ret_notes != NULL) {
        ret_notes->unknown_count = 0;
        ret_notes->pan_count = raw.pan_count;
    }
    return TT_OK;
}

static enum tt_status refuse_row(const struct tt_csv_row *row, struct tt_verdict *verdict)
{
    enum tt_reject reason = TT_REJECT_ROW_SYNTAX;
    switch (row->fault) {
    case TT_CSV_FAULT_FEW_FIELDS:
    case TT_CSV_FAULT_MANY_FIELDS:
        reason = TT_REJECT_ROW_FIELDS;
        break;
    case TT_CSV_FAULT_FIELD_SIZE:
    case TT_CSV_FAULT_ROW_SIZE:
        reason = TT_REJECT_RECORD_SIZE;
        break;
    case TT_CSV_FAULT_QUOTE:
    case TT_CSV_FAULT_NONE:
        break;
    }
    return tt_verdict_set(verdict, reason, (struct tt_str){0}, 0, "line %llu: %s",
                          (unsigned long long)row->line, tt_csv_fault_text(row->fault));
}

static enum tt_status apply_row(const struct apply *apply, const struct tt_csv_row *row,
                                int64_t now_ms, struct tt_txn *ret_txn,
                                struct tt_map_label *ret_label, struct tt_record_notes *ret_notes)
{
    if (row->fault != TT_CSV_FAULT_NONE) {
        return refuse_row(row, apply->verdict);
    }
    size_t bad = tt_str_utf8_check(row->bytes);
    if (bad != row->bytes.size) {
        return tt_verdict_set(apply->verdict, TT_REJECT_BAD_UTF8, (struct tt_str){0}, bad,
                              "line %llu: invalid UTF-8 at byte %zu of the row",
                              (unsigned long long)row->line, bad);
    }
    return apply_cells(apply, now_ms, ret_txn, ret_label, ret_notes);
}

enum tt_status tt_record_map_csv(const struct tt_record_map *map,
                                 const struct tt_record_schema *schema,
                                 const struct tt_csv_row *row, int64_t now_ms,
                                 struct tt_arena *arena, struct tt_txn *ret_txn,
                                 struct tt_map_label *ret_label, struct tt_record_notes *ret_notes,
                                 struct tt_verdict *ret_verdict)
{
    TT_ASSERT(map->bound && map->format == TT_MAP_CSV);
    struct apply apply = {map,        schema, arena, row->fields, row->bytes.data, row->bytes.size,
                          ret_verdict};
    enum tt_status status = apply_row(&apply, row, now_ms, ret_txn, ret_label, ret_notes);
    if (status == TT_E_INVALID) {
        ret_verdict->line = (uint32_t)row->line;
        ret_verdict->column = (uint32_t)ret_verdict->offset + 1;
    }
    return status;
}

/* The walk over a foreign object: dotted paths of its scalars against the table of columns. */
struct walk {
    const struct tt_record_map *map;
    struct tt_json_reader reader;
    struct tt_str cells[TT_MAP_COLUMNS_MAX];
    uint64_t seen; /* bit c: column c was there, be it as null */
    char path[PATH_SIZE_MAX];
    size_t path_size; /* larger than PATH_SIZE_MAX: too long to be any column */
    struct tt_verdict *verdict;
};
_Static_assert(TT_MAP_COLUMNS_MAX <= 64, "a column is a bit");

static enum tt_status take_scalar(struct walk *walk, const struct tt_json_token *token)
{
    struct tt_str path = {walk->path, walk->path_size};
    bool container = token->kind == TT_JSON_OBJECT || token->kind == TT_JSON_ARRAY;
    for (uint32_t i = 0; i < walk->map->column_count; i++) {
        if (!tt_str_equal(walk->map->columns[i].name, path)) {
            continue;
        }
        if (container) {
            return tt_verdict_set(walk->verdict, TT_REJECT_JSON_TYPE, path, token->offset,
                                  "a mapped field must be text, a number, true, false or null");
        }
        if (((walk->seen >> i) & 1) != 0) {
            return tt_verdict_set(walk->verdict, TT_REJECT_DUPLICATE_KEY, path, token->offset,
                                  "the field is given twice");
        }
        walk->seen |= UINT64_C(1) << i;
        walk->cells[i] = token->kind == TT_JSON_BOOL
                             ? (token->boolean ? TT_STR("true") : TT_STR("false"))
                             : token->text;
    }
    return TT_OK;
}

/* Appends ".key" and returns the size to go back to. */
static size_t push_path(struct walk *walk, struct tt_str key)
{
    size_t before = walk->path_size, dot = before > 0 ? 1 : 0;
    if (before + dot + key.size > PATH_SIZE_MAX) {
        walk->path_size = PATH_SIZE_MAX + 1;
        return before;
    }
    if (dot > 0) {
        walk->path[before] = '.';
    }
    if (key.size > 0) {
        memcpy(walk->path + before + dot, key.data, key.size);
    }
    walk->path_size = before + dot + key.size;
    return before;
}

/* Members at any depth without recursion: the sizes of the outer paths are the stack. */
static enum tt_status take_object(struct walk *walk)
{
    size_t outer[TT_JSON_DEPTH_MAX + 1];
    uint32_t base = walk->reader.depth;
    struct tt_json_token token;
    enum tt_status fault = TT_OK;
    outer[base] = 0;
    for (;;) {
        if (tt_json_next(&walk->reader, &token, NULL) != TT_OK) {
            return TT_E_SYNTAX; /* the walker sees the reader's fault */
        }
        if (token.kind == TT_JSON_OBJECT_END) {
            if (walk->reader.depth < base) {
                return fault;
            }
            walk->path_size = outer[walk->reader.depth + 1];
            continue;
        }
        size_t before = push_path(walk, token.key);
        if (fault == TT_OK && walk->path_size <= PATH_SIZE_MAX) {
            fault = take_scalar(walk, &token);
        }
        if (token.kind == TT_JSON_OBJECT) {
            outer[walk->reader.depth] = before;
            continue;
        }
        if (tt_json_skip(&walk->reader, &token, NULL) != TT_OK) {
            return TT_E_SYNTAX;
        }
        walk->path_size = before;
    }
}

static enum tt_status on_member(void *ctx, const struct tt_json_token *token)
{
    struct walk *walk = ctx;
    walk->path_size = 0;
    push_path(walk, token->key);
    enum tt_status status = walk->path_size <= PATH_SIZE_MAX ? take_scalar(walk, token) : TT_OK;
    if (status != TT_OK || token->kind != TT_JSON_OBJECT) {
        return status;
    }
    return take_object(walk);
}

enum tt_status tt_record_map_json(const struct tt_record_map *map,
                                  const struct tt_record_schema *schema, struct tt_str json,
                                  int64_t now_ms, struct tt_arena *arena, struct tt_txn *ret_txn,
                                  struct tt_map_label *ret_label, struct tt_record_notes *ret_notes,
                                  struct tt_verdict *ret_verdict)
{
    TT_ASSERT(map->format != TT_MAP_CSV);
    struct walk walk;
    walk.map = map;
    walk.seen = 0;
    walk.verdict = ret_verdict;
    memset(walk.cells, 0, sizeof walk.cells);
    enum tt_status status = tt_json_record_begin(schema, json, arena, &walk.reader, ret_verdict);
    if (status == TT_OK) {
        status = tt_json_record_walk(&walk.reader, on_member, &walk, ret_verdict);
    }
    if (status != TT_OK) {
        return status;
    }
    struct apply apply = {map,       schema,     arena, walk.cells, walk.reader.begin,
                          json.size, ret_verdict};
    status = apply_cells(&apply, now_ms, ret_txn, ret_label, ret_notes);
    if (status == TT_E_INVALID) {
        tt_json_place(json, (size_t)ret_verdict->offset, &ret_verdict->line, &ret_verdict->column);
    }
    return status;
}
