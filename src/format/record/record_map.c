/* Mapping files compiled (record_map.h): each name is looked up here, once, with its place in the
 * file. */
#include "format/record/record_map.h"

#include <stdio.h>
#include <string.h>

#include "format/record/map_impl.h"

struct compiler {
    struct tt_arena *arena;
    struct tt_record_map *map;
    struct tt_error *err;
};

static enum tt_status fail_at(struct compiler *compiler, enum tt_status status,
                              const struct tt_tree *node, const char *text)
{
    return tt_fail_at(compiler->err, status, node->line, node->column, 0, "%s", text);
}

static enum tt_status fail_nomem(struct tt_error *err)
{
    return tt_fail(err, TT_E_NOMEM, "out of memory");
}

/* The map outlives the tree's text only when it has its own copy. */
static enum tt_status copy_text(struct compiler *compiler, struct tt_str text, struct tt_str *ret)
{
    char *copy = tt_arena_copy(compiler->arena, text.data, text.size);
    if (copy == NULL) {
        return fail_nomem(compiler->err);
    }
    *ret = (struct tt_str){copy, text.size};
    return TT_OK;
}

/* The index of a column in the table of names, which grows by it when it is new. */
static enum tt_status add_column(struct compiler *compiler, const struct tt_tree *node,
                                 uint8_t *ret_index)
{
    struct tt_record_map *map = compiler->map;
    struct tt_str name = {0};
    enum tt_status status = tt_tree_text(node, &name, compiler->err);
    if (status != TT_OK) {
        return status;
    }
    for (uint32_t i = 0; i < map->column_count; i++) {
        if (tt_str_equal(map->columns[i].name, name)) {
            *ret_index = (uint8_t)i;
            return TT_OK;
        }
    }
    if (map->column_count == TT_MAP_COLUMNS_MAX) {
        return fail_at(compiler, TT_E_LIMIT, node, "the mapping names too many columns");
    }
    struct tt_map_column *column = &map->columns[map->column_count];
    *column = (struct tt_map_column){.line = node->line, .column = node->column};
    status = copy_text(compiler, name, &column->name);
    *ret_index = (uint8_t)map->column_count;
    map->column_count += status == TT_OK ? 1 : 0;
    return status;
}

static enum tt_status add_columns(struct compiler *compiler, const struct tt_tree *list,
                                  struct tt_map_source *source)
{
    if (list->kind != TT_TREE_SEQUENCE || list->child_count == 0 ||
        list->child_count > TT_MAP_PARTS_MAX) {
        return fail_at(compiler, TT_E_INVALID, list, "columns must be a list of 1 to 4 names");
    }
    for (const struct tt_tree *item = list->children; item != NULL; item = item->next) {
        enum tt_status status = add_column(compiler, item, &source->parts[source->part_count]);
        if (status != TT_OK) {
            return status;
        }
        source->part_count++;
    }
    return TT_OK;
}

/* {column: c} | {columns: [a, b], separator: s} | {value: v} */
static enum tt_status compile_source(struct compiler *compiler, const struct tt_tree *node,
                                     struct tt_map_source *source)
{
    const struct tt_tree *column = tt_tree_get(node, "column");
    const struct tt_tree *columns = tt_tree_get(node, "columns");
    const struct tt_tree *value = tt_tree_get(node, "value");
    const struct tt_tree *separator = tt_tree_get(node, "separator");
    struct tt_str text = {0};
    enum tt_status status = TT_OK;
    if ((column != NULL) + (columns != NULL) + (value != NULL) != 1) {
        return fail_at(compiler, TT_E_INVALID, node,
                       "say exactly one of column, columns and value");
    }
    *source = (struct tt_map_source){.separator = TT_STR(" ")};
    if (column != NULL) {
        status = add_column(compiler, column, &source->parts[0]);
        source->part_count = 1;
    } else if (columns != NULL) {
        status = add_columns(compiler, columns, source);
    } else {
        status = tt_tree_text(value, &text, compiler->err);
        if (status == TT_OK) {
            status = copy_text(compiler, text, &source->constant);
        }
    }
    if (status == TT_OK && separator != NULL) {
        status = tt_tree_text(separator, &text, compiler->err);
        if (status == TT_OK) {
            status = copy_text(compiler, text, &source->separator);
        }
    }
    return status;
}

/* "UTC", "Z" or an offset such as "+02:00". */
static bool parse_zone(struct tt_str text, int64_t *ret_offset_ms)
{
    if (tt_str_equal_text(text, "UTC") || tt_str_equal_text(text, "Z")) {
        *ret_offset_ms = 0;
        return true;
    }
    if (text.size != 6 || (text.data[0] != '+' && text.data[0] != '-') || text.data[3] != ':') {
        return false;
    }
    for (size_t i = 1; i < 6; i++) {
        if (i != 3 && (text.data[i] < '0' || text.data[i] > '9')) {
            return false;
        }
    }
    int hours = (text.data[1] - '0') * 10 + (text.data[2] - '0');
    int minutes = (text.data[4] - '0') * 10 + (text.data[5] - '0');
    if (hours > 18 || minutes > 59) {
        return false;
    }
    int64_t offset = hours * TT_MS_PER_HOUR + minutes * TT_MS_PER_MINUTE;
    *ret_offset_ms = text.data[0] == '-' ? -offset : offset;
    return true;
}

/* A format is tried on a text no time can be: only a bad format is TT_E_INVALID then. */
static bool format_is_good(const char *format)
{
    int64_t ms = 0;
    return tt_time_parse_format(TT_STR(""), format, 0, &ms) != TT_E_INVALID;
}

static enum tt_status compile_format(struct compiler *compiler, const struct tt_tree *node)
{
    struct tt_record_map *map = compiler->map;
    struct tt_str text = {0}, copy = {0};
    enum tt_status status = tt_tree_text(node, &text, compiler->err);
    if (status != TT_OK) {
        return status;
    }
    if (tt_str_equal_text(text, "rfc3339")) {
        map->time = TT_MAP_TIME_RFC3339;
    } else if (tt_str_equal_text(text, "unix_s")) {
        map->time = TT_MAP_TIME_UNIX_S;
    } else if (tt_str_equal_text(text, "unix_ms")) {
        map->time = TT_MAP_TIME_UNIX_MS;
    } else {
        status = copy_text(compiler, text, &copy);
        if (status != TT_OK) {
            return status;
        }
        if (memchr(text.data, '%', text.size) == NULL || !format_is_good(copy.data)) {
            return fail_at(compiler, TT_E_INVALID, node,
                           "a time format is rfc3339, unix_s, unix_ms, or a pattern of %Y %m %d "
                           "%H %M %S %f %z %y %b %T %F");
        }
        map->time = TT_MAP_TIME_FORMAT;
        map->time_format = copy.data;
    }
    return TT_OK;
}

static enum tt_status compile_timestamp(struct compiler *compiler, const struct tt_tree *node)
{
    const struct tt_tree *format = tt_tree_get(node, "format");
    const struct tt_tree *zone = tt_tree_get(node, "zone");
    struct tt_str text = {0};
    enum tt_status status = format != NULL ? compile_format(compiler, format) : TT_OK;
    if (status != TT_OK || zone == NULL) {
        return status;
    }
    status = tt_tree_text(zone, &text, compiler->err);
    if (status == TT_OK && !parse_zone(text, &compiler->map->zone_offset_ms)) {
        return fail_at(compiler, TT_E_INVALID, zone, "a zone is UTC or an offset such as +02:00");
    }
    if (status == TT_OK && compiler->map->time != TT_MAP_TIME_FORMAT) {
        return fail_at(compiler, TT_E_INVALID, zone, "a zone goes with a pattern only");
    }
    return status;
}

/* The names a mapping may use for fields, for messages with the nearest. */
static const char *const field_names[] = {
    "transaction_id",
    "timestamp",
    "amount",
    "currency",
    "type",
    "user_id",
    "merchant_id",
    "counterparty_id",
    "merchant_category_code",
    "mcc",
    "merchant_category",
    "merchant_country",
    "issuer_country",
    "latitude",
    "longitude",
    "channel",
    "card_id",
    "device_id",
    "ip",
    "authorization",
};

static enum tt_status compile_field(struct compiler *compiler, const struct tt_tree *node)
{
    static const char *const keys[] = {"column", "columns", "value", "separator"};
    static const char *const time_keys[] = {"column",    "columns", "value",
                                            "separator", "format",  "zone"};
    enum tt_field field = tt_record_field_find(node->key);
    TT_ASSERT(field != TT_FIELD_NONE && field != TT_FIELD_ATTRIBUTES);
    bool time = field == TT_FIELD_TIMESTAMP;
    if (node->kind != TT_TREE_MAPPING) {
        return fail_at(compiler, TT_E_TYPE, node, "a field is mapped by {column: name}");
    }
    enum tt_status status =
        tt_tree_check_keys(node, time ? time_keys : keys,
                           time ? TT_ARRAY_SIZE(time_keys) : TT_ARRAY_SIZE(keys), compiler->err);
    if (status != TT_OK) {
        return status;
    }
    uint32_t bit = UINT32_C(1) << field;
    if ((compiler->map->mapped & bit) != 0) {
        return fail_at(compiler, TT_E_CONFLICT, node, "the field is mapped under two names");
    }
    compiler->map->mapped |= bit;
    status = compile_source(compiler, node, &compiler->map->fields[field]);
    return status == TT_OK && time ? compile_timestamp(compiler, node) : status;
}

static enum tt_status compile_fields(struct compiler *compiler, const struct tt_tree *fields)
{
    static const uint8_t required[] = {TT_TEXT_TRANSACTION_ID, TT_FIELD_TIMESTAMP, TT_FIELD_AMOUNT,
                                       TT_FIELD_CURRENCY, TT_TEXT_USER_ID};
    if (fields->kind != TT_TREE_MAPPING) {
        return fail_at(compiler, TT_E_TYPE, fields, "fields must be a mapping");
    }
    enum tt_status status =
        tt_tree_check_keys(fields, field_names, TT_ARRAY_SIZE(field_names), compiler->err);
    for (const struct tt_tree *node = fields->children; status == TT_OK && node != NULL;
         node = node->next) {
        status = compile_field(compiler, node);
    }
    for (size_t i = 0; status == TT_OK && i < TT_ARRAY_SIZE(required); i++) {
        if ((compiler->map->mapped & (UINT32_C(1) << required[i])) == 0) {
            struct tt_str name = tt_record_field_name((enum tt_field)required[i]);
            status = tt_fail_at(compiler->err, TT_E_INVALID, fields->key_line, fields->key_column,
                                0, "the required field %.*s is not mapped", TT_STR_ARG(name));
        }
    }
    return status;
}

static enum tt_status compile_label(struct compiler *compiler, const struct tt_tree *node)
{
    static const char *const keys[] = {"column", "columns", "value", "separator", "fraud"};
    struct tt_record_map *map = compiler->map;
    struct tt_str text = {0};
    if (node->kind != TT_TREE_MAPPING || tt_tree_get(node, "fraud") == NULL) {
        return fail_at(compiler, TT_E_INVALID, node,
                       "a label is mapped by {column: name, fraud: \"1\"}");
    }
    enum tt_status status = tt_tree_check_keys(node, keys, TT_ARRAY_SIZE(keys), compiler->err);
    if (status == TT_OK) {
        status = compile_source(compiler, node, &map->label);
    }
    const struct tt_tree *fraud = tt_tree_get(node, "fraud");
    bool list = fraud->kind == TT_TREE_SEQUENCE;
    if (list && (fraud->child_count == 0 || fraud->child_count > TT_MAP_LABEL_TEXTS_MAX)) {
        return fail_at(compiler, TT_E_INVALID, fraud, "fraud must be a text or a list of 1 to 8");
    }
    for (const struct tt_tree *item = list ? fraud->children : fraud;
         status == TT_OK && item != NULL; item = list ? item->next : NULL) {
        status = tt_tree_text(item, &text, compiler->err);
        if (status == TT_OK) {
            status = copy_text(compiler, text, &map->fraud[map->fraud_count++]);
        }
    }
    map->has_label = true;
    return status;
}

static enum tt_status compile_label_kind(struct compiler *compiler, const struct tt_tree *node)
{
    static const char *const keys[] = {"column", "columns", "value", "separator"};
    if (node->kind != TT_TREE_MAPPING) {
        return fail_at(compiler, TT_E_TYPE, node, "label_kind is mapped by {column: name}");
    }
    enum tt_status status = tt_tree_check_keys(node, keys, TT_ARRAY_SIZE(keys), compiler->err);
    compiler->map->has_label_kind = true;
    return status == TT_OK ? compile_source(compiler, node, &compiler->map->label_kind) : status;
}

static enum tt_status compile_attribute_type(struct compiler *compiler, const struct tt_tree *node,
                                             enum tt_attribute_type *ret)
{
    const struct tt_tree *type = tt_tree_get(node, "type");
    struct tt_str text = TT_STR("string");
    enum tt_status status = type != NULL ? tt_tree_text(type, &text, compiler->err) : TT_OK;
    if (status != TT_OK) {
        return status;
    }
    if (tt_str_equal_text(text, "string")) {
        *ret = TT_ATTRIBUTE_STRING;
    } else if (tt_str_equal_text(text, "double")) {
        *ret = TT_ATTRIBUTE_DOUBLE;
    } else if (tt_str_equal_text(text, "bool")) {
        *ret = TT_ATTRIBUTE_BOOL;
    } else {
        return fail_at(compiler, TT_E_INVALID, type, "a type is double, bool or string");
    }
    return TT_OK;
}

static enum tt_status compile_attributes(struct compiler *compiler, const struct tt_tree *list)
{
    static const char *const keys[] = {"column", "columns", "value", "separator", "type"};
    struct tt_record_map *map = compiler->map;
    if (list->kind != TT_TREE_MAPPING || list->child_count > TT_ATTRIBUTES_MAX) {
        return fail_at(compiler, TT_E_INVALID, list,
                       "attributes must be a mapping of at most 16 names");
    }
    for (const struct tt_tree *node = list->children; node != NULL; node = node->next) {
        struct tt_attribute_spec *spec = &map->attributes[map->attribute_count];
        if (node->kind != TT_TREE_MAPPING || node->key.size == 0 ||
            node->key.size > TT_TEXT_SIZE_MAX) {
            return fail_at(compiler, TT_E_INVALID, node,
                           "an attribute is mapped by name: {column: name, type: double}");
        }
        enum tt_status status = tt_tree_check_keys(node, keys, TT_ARRAY_SIZE(keys), compiler->err);
        if (status == TT_OK) {
            status = compile_source(compiler, node, &map->attribute_sources[map->attribute_count]);
        }
        if (status == TT_OK) {
            status = compile_attribute_type(compiler, node, &spec->type);
        }
        if (status == TT_OK) {
            status = copy_text(compiler, node->key, &spec->name);
        }
        if (status != TT_OK) {
            return status;
        }
        map->attribute_count++;
    }
    return TT_OK;
}

static enum tt_status compile_head(struct compiler *compiler, const struct tt_tree *tree)
{
    const struct tt_tree *format = tt_tree_get(tree, "format");
    const struct tt_tree *delimiter = tt_tree_get(tree, "delimiter");
    struct tt_str text = TT_STR("csv");
    enum tt_status status = format != NULL ? tt_tree_text(format, &text, compiler->err) : TT_OK;
    if (status != TT_OK) {
        return status;
    }
    compiler->map->format = tt_str_equal_text(text, "csv")     ? TT_MAP_CSV
                            : tt_str_equal_text(text, "json")  ? TT_MAP_JSON
                            : tt_str_equal_text(text, "jsonl") ? TT_MAP_JSONL
                                                               : 0;
    if (compiler->map->format == 0) {
        return fail_at(compiler, TT_E_INVALID, format, "a format is csv, json or jsonl");
    }
    compiler->map->delimiter = ',';
    if (delimiter == NULL) {
        return TT_OK;
    }
    status = tt_tree_text(delimiter, &text, compiler->err);
    if (status == TT_OK && (text.size != 1 || (unsigned char)text.data[0] >= 0x80 ||
                            strchr("\"\r\n", text.data[0]) != NULL)) {
        return fail_at(compiler, TT_E_INVALID, delimiter,
                       "a delimiter is one ASCII character, no quote and no line end");
    }
    compiler->map->delimiter = status == TT_OK ? text.data[0] : ',';
    return status;
}

static enum tt_status compile_parts(struct compiler *compiler, const struct tt_tree *tree)
{
    const struct tt_tree *fields = tt_tree_get(tree, "fields");
    const struct tt_tree *label = tt_tree_get(tree, "label");
    const struct tt_tree *label_kind = tt_tree_get(tree, "label_kind");
    const struct tt_tree *attributes = tt_tree_get(tree, "attributes");
    if (fields == NULL) {
        return fail_at(compiler, TT_E_INVALID, tree, "a mapping needs fields");
    }
    enum tt_status status = compile_fields(compiler, fields);
    if (status == TT_OK && label != NULL) {
        status = compile_label(compiler, label);
    }
    if (status == TT_OK && label_kind != NULL) {
        status = compile_label_kind(compiler, label_kind);
    }
    if (status == TT_OK && attributes != NULL) {
        status = compile_attributes(compiler, attributes);
    }
    return status;
}

enum tt_status tt_record_map_compile(struct tt_arena *arena, const struct tt_tree *tree,
                                     const struct tt_record_map **ret, struct tt_error *err)
{
    static const char *const keys[] = {"format",     "delimiter", "fields",
                                       "attributes", "label",     "label_kind"};
    struct compiler compiler = {arena, tt_arena_new_array(arena, 1, sizeof *compiler.map), err};
    if (compiler.map == NULL) {
        return fail_nomem(err);
    }
    if (tree->kind != TT_TREE_MAPPING) {
        return fail_at(&compiler, TT_E_TYPE, tree, "a mapping file must be a mapping");
    }
    enum tt_status status = tt_tree_check_keys(tree, keys, TT_ARRAY_SIZE(keys), err);
    if (status == TT_OK) {
        status = compile_head(&compiler, tree);
    }
    if (status == TT_OK) {
        status = compile_parts(&compiler, tree);
    }
    if (status == TT_OK) {
        /* JSON cells are the table's own columns. */
        for (uint32_t i = 0; i < compiler.map->column_count; i++) {
            compiler.map->columns[i].cell = i;
        }
        compiler.map->bound = compiler.map->format != TT_MAP_CSV;
        *ret = compiler.map;
    }
    return status;
}

enum tt_map_format tt_record_map_format(const struct tt_record_map *map)
{
    return map->format;
}

char tt_record_map_delimiter(const struct tt_record_map *map)
{
    return map->delimiter;
}

bool tt_record_map_has_label(const struct tt_record_map *map)
{
    return map->has_label;
}

const struct tt_attribute_spec *tt_record_map_attributes(const struct tt_record_map *map,
                                                         uint32_t *ret_count)
{
    *ret_count = map->attribute_count;
    return map->attributes;
}
