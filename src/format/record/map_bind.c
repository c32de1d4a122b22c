/* Mappings bound to the header of a CSV file, and the mapping of a file in our own names. See
 * record_map.h. */
#include <string.h>

#include "format/record/map_impl.h"
#include "format/record/record_map.h"

/* Names the header's column nearest to the one that is not there. */
static enum tt_status fail_missing(const struct tt_map_column *column, const struct tt_str *header,
                                   uint32_t count, struct tt_error *err)
{
    size_t limit = column->name.size / 3 + 2, best = limit;
    const struct tt_str *nearest = NULL;
    for (uint32_t i = 0; i < count; i++) {
        size_t distance = tt_str_distance(column->name, header[i], best);
        if (distance < best) {
            best = distance;
            nearest = &header[i];
        }
    }
    if (nearest != NULL) {
        return tt_fail_at(err, TT_E_UNKNOWN, column->line, column->column, 0,
                          "the file has no column \"%.*s\"; did you mean \"%.*s\"?",
                          TT_STR_ARG(column->name), TT_STR_ARG(*nearest));
    }
    return tt_fail_at(err, TT_E_UNKNOWN, column->line, column->column, 0,
                      "the file has no column \"%.*s\"", TT_STR_ARG(column->name));
}

enum tt_status tt_record_map_bind(struct tt_arena *arena, const struct tt_record_map *map,
                                  const struct tt_str *header, uint32_t count,
                                  const struct tt_record_map **ret, struct tt_error *err)
{
    TT_ASSERT(map->format == TT_MAP_CSV);
    struct tt_record_map *bound = tt_arena_new(arena, sizeof *bound);
    if (bound == NULL) {
        return tt_fail(err, TT_E_NOMEM, "out of memory");
    }
    *bound = *map;
    for (uint32_t i = 0; i < bound->column_count; i++) {
        struct tt_map_column *column = &bound->columns[i];
        uint32_t cell = 0;
        while (cell < count && !tt_str_equal(header[cell], column->name)) {
            cell++;
        }
        if (cell == count) {
            return fail_missing(column, header, count, err);
        }
        column->cell = cell;
    }
    bound->bound = true;
    *ret = bound;
    return TT_OK;
}

struct identity {
    struct tt_arena *arena;
    struct tt_record_map *map;
    const struct tt_record_schema *schema;
    struct tt_error *err;
};

/* A source of that one cell. */
static enum tt_status add_cell(struct identity *identity, struct tt_str name, uint32_t cell,
                               struct tt_map_source *source)
{
    struct tt_record_map *map = identity->map;
    if (map->column_count == TT_MAP_COLUMNS_MAX) {
        return tt_fail(identity->err, TT_E_LIMIT,
                       "the file has too many columns to be read "
                       "without a mapping");
    }
    char *copy = tt_arena_copy(identity->arena, name.data, name.size);
    if (copy == NULL) {
        return tt_fail(identity->err, TT_E_NOMEM, "out of memory");
    }
    *source = (struct tt_map_source){.part_count = 1, .parts = {(uint8_t)map->column_count}};
    map->columns[map->column_count++] =
        (struct tt_map_column){.name = {copy, name.size}, .cell = cell};
    return TT_OK;
}

static enum tt_status add_attribute(struct identity *identity, struct tt_str name, uint32_t cell,
                                    enum tt_attribute_type type)
{
    struct tt_record_map *map = identity->map;
    if (map->attribute_count == TT_ATTRIBUTES_MAX) {
        return tt_fail(identity->err, TT_E_LIMIT,
                       "the column \"%.*s\" would be one attribute too "
                       "many",
                       TT_STR_ARG(name));
    }
    uint32_t at = map->attribute_count;
    enum tt_status status = add_cell(identity, name, cell, &map->attribute_sources[at]);
    if (status == TT_OK) {
        map->attributes[at] =
            (struct tt_attribute_spec){map->columns[map->column_count - 1].name, type};
        map->attribute_count++;
    }
    return status;
}

static enum tt_status add_label(struct identity *identity, struct tt_str name, uint32_t cell)
{
    struct tt_record_map *map = identity->map;
    map->has_label = true;
    map->fraud[0] = TT_STR("1");
    map->fraud[1] = TT_STR("true");
    map->fraud_count = 2;
    return add_cell(identity, name, cell, &map->label);
}

/* A column that is no field: declared attribute, label, or by the policy for unknown ones. */
static enum tt_status add_other(struct identity *identity, struct tt_str name, uint32_t cell)
{
    const struct tt_record_schema *schema = identity->schema;
    for (uint32_t i = 0; i < schema->attribute_count; i++) {
        if (tt_str_equal(schema->attributes[i].name, name)) {
            return add_attribute(identity, name, cell, schema->attributes[i].type);
        }
    }
    if (tt_str_equal_text(name, "is_fraud")) {
        return add_label(identity, name, cell);
    }
    if (tt_str_equal_text(name, "fraud_kind")) {
        identity->map->has_label_kind = true;
        return add_cell(identity, name, cell, &identity->map->label_kind);
    }
    switch (schema->unknown) {
    case TT_UNKNOWN_REJECT:
        return tt_fail(identity->err, TT_E_UNKNOWN,
                       "the column \"%.*s\" is not known, and on_unknown_field is reject",
                       TT_STR_ARG(name));
    case TT_UNKNOWN_ATTRIBUTE:
        return name.size == 0 ? TT_OK : add_attribute(identity, name, cell, TT_ATTRIBUTE_STRING);
    case TT_UNKNOWN_DROP:
        break;
    }
    return TT_OK;
}

static enum tt_status add_named(struct identity *identity, struct tt_str name, uint32_t cell)
{
    struct tt_record_map *map = identity->map;
    enum tt_field field = tt_record_field_find(name);
    if (field == TT_FIELD_NONE || field == TT_FIELD_ATTRIBUTES) {
        return add_other(identity, name, cell);
    }
    if ((map->mapped & (UINT32_C(1) << field)) != 0) {
        return tt_fail(identity->err, TT_E_CONFLICT, "two columns are the field \"%.*s\"",
                       TT_STR_ARG(tt_record_field_name(field)));
    }
    map->mapped |= UINT32_C(1) << field;
    return add_cell(identity, name, cell, &map->fields[field]);
}

static enum tt_status check_required(const struct tt_record_map *map, const struct tt_str *header,
                                     uint32_t count, struct tt_error *err)
{
    static const uint8_t required[] = {TT_TEXT_TRANSACTION_ID, TT_FIELD_TIMESTAMP, TT_FIELD_AMOUNT,
                                       TT_FIELD_CURRENCY, TT_TEXT_USER_ID};
    for (size_t i = 0; i < TT_ARRAY_SIZE(required); i++) {
        if ((map->mapped & (UINT32_C(1) << required[i])) == 0) {
            struct tt_map_column wanted = {.name =
                                               tt_record_field_name((enum tt_field)required[i])};
            return fail_missing(&wanted, header, count, err);
        }
    }
    return TT_OK;
}

enum tt_status tt_record_map_identity(struct tt_arena *arena, const struct tt_str *header,
                                      uint32_t count, const struct tt_record_schema *schema,
                                      const struct tt_record_map **ret, struct tt_error *err)
{
    struct identity identity = {arena, tt_arena_new_array(arena, 1, sizeof *identity.map), schema,
                                err};
    if (identity.map == NULL) {
        return tt_fail(err, TT_E_NOMEM, "out of memory");
    }
    identity.map->format = TT_MAP_CSV;
    identity.map->delimiter = ',';
    identity.map->bound = true;
    enum tt_status status = TT_OK;
    for (uint32_t i = 0; status == TT_OK && i < count; i++) {
        status = add_named(&identity, header[i], i);
    }
    if (status == TT_OK) {
        status = check_required(identity.map, header, count, err);
    }
    if (status == TT_OK) {
        *ret = identity.map;
    }
    return status;
}
