/* See adopt.h. */
#include "core/features/adopt.h"

#include <string.h>

/* What the saved step says of itself. */
struct saved {
    struct tt_str key;
    int64_t lateness_ms, horizon_ms, keep_ms;
    uint32_t events_max;
    struct tt_hash128 money;
    bool has_labels, reads_features;
};

static struct tt_str column_name(const struct tt_step *step, const struct plan_column *column)
{
    if (column->attribute) {
        return step->plan->attributes[column->source].name;
    }
    return column->kind == FIELD_TEXT ? tt_str_from(tt_txn_text_name(column->source)) : TT_STR("");
}

/* The same for people: what is saved of the others is their kind. */
static struct tt_str column_label(const struct tt_step *step, const struct plan_column *column)
{
    static const char *const labels[] = {
        [FIELD_AMOUNT] = "amount",
        [FIELD_AMOUNT_BASE] = "amount_base",
        [FIELD_POSITION] = "position",
        [FIELD_FOLD] = "of a baseline",
    };
    struct tt_str name = column_name(step, column);
    bool has_label = column->kind < TT_ARRAY_SIZE(labels) && labels[column->kind] != NULL;
    return name.size == 0 && has_label ? tt_str_from(labels[column->kind]) : name;
}

void tt_step_describe(const struct tt_step *step, struct tt_buf *buf)
{
    const struct plan_step *layout = step->layout;
    tt_wire_put_bytes(buf, tt_str_from(tt_txn_text_name(layout->key)));
    tt_wire_put_u64(buf, (uint64_t)step->plan->lateness_ms);
    tt_wire_put_u64(buf, (uint64_t)layout->horizon_ms);
    tt_wire_put_u64(buf, (uint64_t)layout->keep_ms);
    tt_wire_put_u32(buf, layout->events_max);
    tt_wire_put_hash(buf, step->plan->money);
    tt_wire_put_u8(buf, layout->has_labels ? 1 : 0);
    tt_wire_put_u8(buf, layout->filter_input_count > 0 ? 1 : 0);
    tt_wire_put_u8(buf, (uint8_t)layout->column_count);
    for (uint32_t i = 0; i < layout->column_count; i++) {
        const struct plan_column *column = &layout->columns[i];
        tt_wire_put_u8(buf, column->kind);
        tt_wire_put_u8(buf, column->attribute ? 1 : 0);
        tt_wire_put_bytes(buf, column_name(step, column));
    }
    tt_wire_put_u8(buf, (uint8_t)layout->filter_count);
    for (uint32_t i = 0; i < layout->filter_count; i++) {
        tt_wire_put_bytes(buf, layout->filters[i].text);
    }
}

static enum tt_status read_saved(struct tt_wire *wire, struct saved *ret)
{
    ret->key = tt_wire_bytes(wire);
    ret->lateness_ms = (int64_t)tt_wire_u64(wire);
    ret->horizon_ms = (int64_t)tt_wire_u64(wire);
    ret->keep_ms = (int64_t)tt_wire_u64(wire);
    ret->events_max = tt_wire_u32(wire);
    ret->money = tt_wire_hash(wire);
    ret->has_labels = tt_wire_u8(wire) == 1;
    ret->reads_features = tt_wire_u8(wire) == 1;
    return wire->bad ? TT_E_CORRUPT : TT_OK;
}

/* The first thing that the step needs and the saved one does not have, or NULL. */
static const char *missing(const struct tt_step *step, const struct saved *saved)
{
    const struct plan_step *layout = step->layout;
    if (!tt_str_equal_text(saved->key, tt_txn_text_name(layout->key))) {
        return "another key";
    }
    if (saved->lateness_ms != step->plan->lateness_ms) {
        return "another allowed_lateness";
    }
    if (saved->events_max != layout->events_max) {
        return "another events_max";
    }
    const struct tt_hash128 *money = &step->plan->money;
    if (saved->money.high != money->high || saved->money.low != money->low) {
        return "other signs or rates of amounts";
    }
    if (saved->keep_ms < layout->keep_ms) {
        return "a longer window";
    }
    if (layout->has_labels && (!saved->has_labels || saved->horizon_ms != layout->horizon_ms)) {
        return "labels";
    }
    return saved->reads_features || layout->filter_input_count > 0 ? "a filter that reads features"
                                                                   : NULL;
}

/* Where a saved column goes; one that a fold keeps is no field of the transaction. */
static void place_column(const struct tt_step *step, uint8_t kind, bool attribute,
                         struct tt_str name, uint8_t word, struct tt_step_import *import)
{
    const struct plan_step *layout = step->layout;
    for (uint32_t i = 0; i < layout->column_count; i++) {
        const struct plan_column *column = &layout->columns[i];
        if (kind <= FIELD_POSITION && column->kind == kind && column->attribute == attribute &&
            tt_str_equal(column_name(step, column), name)) {
            import->from[2 + i] = word;
        }
    }
}

static enum tt_status read_columns(const struct tt_step *step, struct tt_wire *wire,
                                   struct tt_step_import *import)
{
    uint8_t count = tt_wire_u8(wire);
    if (count > PLAN_COLUMNS_MAX) {
        return TT_E_CORRUPT;
    }
    import->words = 2U + count;
    import->from[TT_ROW_TAG] = TT_ROW_TAG;
    for (uint8_t i = 0; i < count; i++) {
        uint8_t kind = tt_wire_u8(wire), attribute = tt_wire_u8(wire);
        struct tt_str name = tt_wire_bytes(wire);
        if (wire->bad) {
            return TT_E_CORRUPT;
        }
        place_column(step, kind, attribute == 1, name, (uint8_t)(2 + i), import);
    }
    return TT_OK;
}

static enum tt_status read_filters(const struct tt_step *step, struct tt_wire *wire,
                                   struct tt_step_import *import)
{
    const struct plan_step *layout = step->layout;
    uint8_t count = tt_wire_u8(wire);
    if (count > TT_PLAN_FILTERS_MAX) {
        return TT_E_CORRUPT;
    }
    for (uint8_t i = 0; i < count; i++) {
        struct tt_str text = tt_wire_bytes(wire);
        for (uint32_t k = 0; k < layout->filter_count && !wire->bad; k++) {
            if (tt_str_equal(layout->filters[k].text, text)) {
                import->bits[i] = (uint16_t)(1U << k);
            }
        }
    }
    return wire->bad ? TT_E_CORRUPT : TT_OK;
}

/* What has no place in the saved rows. */
static enum tt_status check_whole(const struct tt_step *step, const struct tt_step_import *import,
                                  struct tt_error *err)
{
    const struct plan_step *layout = step->layout;
    uint16_t bits = 0;
    for (uint32_t i = 0; i < TT_PLAN_FILTERS_MAX; i++) {
        bits |= import->bits[i];
    }
    for (uint32_t i = 0; i < layout->column_count; i++) {
        if (import->from[2 + i] == 0) {
            return tt_fail(err, TT_E_CONFLICT, "a new column %.*s",
                           TT_STR_ARG(column_label(step, &layout->columns[i])));
        }
    }
    for (uint32_t i = 0; i < layout->filter_count; i++) {
        if ((bits >> i & 1) == 0) {
            return tt_fail(err, TT_E_CONFLICT, "a new filter: %.*s",
                           TT_STR_ARG(layout->filters[i].text));
        }
    }
    return TT_OK;
}

enum tt_status tt_step_adopt(const struct tt_step *step, struct tt_wire *wire,
                             struct tt_step_import *import, struct tt_error *err)
{
    struct saved saved;
    enum tt_status status = read_saved(wire, &saved);
    status = status == TT_OK ? read_columns(step, wire, import) : status;
    status = status == TT_OK ? read_filters(step, wire, import) : status;
    if (status != TT_OK) {
        return tt_fail(err, status, "saved feature state: its head cannot be read");
    }
    if (import->exact) {
        return TT_OK;
    }
    const char *what = missing(step, &saved);
    return what != NULL ? tt_fail(err, TT_E_CONFLICT, "%s", what) : check_whole(step, import, err);
}

void tt_step_adopt_row(const struct tt_step *step, int64_t *row)
{
    const struct tt_step_import *import = &step->import;
    int64_t saved[TT_ROW_WORDS_MAX];
    memcpy(saved, row, import->words * sizeof *row);
    uint16_t old = tt_row_bits(saved), bits = 0;
    for (uint32_t i = 0; i < TT_PLAN_FILTERS_MAX; i++) {
        bits = (uint16_t)(bits | ((old >> i & 1) != 0 ? import->bits[i] : 0));
    }
    for (uint32_t i = 0; i < step->layout->row_words; i++) {
        row[i] = saved[import->from[i]];
    }
    row[TT_ROW_TAG] = tt_row_tag(tt_row_id(saved), bits, tt_row_currency(saved));
}
