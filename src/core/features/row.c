/* Making rows: every number becomes an integer here, every text a hash. */
#include "core/features/row.h"

#define NUMBER_MAX 8589934592.0 /* 2^33: squares of 2^20 of them still fit 128 bits */
#define DEGREE_SCALE 1e7

uint32_t tt_row_id_of(const struct tt_txn *txn)
{
    /* Fixed: the order of ties is part of the state's meaning, a secret must not change it. */
    static const struct tt_hash_key KEY = {UINT64_C(0x726f772d6f726465),
                                           UINT64_C(0x722d7469657300)};
    struct tt_str id = txn->text[TT_TEXT_TRANSACTION_ID];
    return (uint32_t)tt_hash64(&KEY, id.data, id.size);
}

/* Fixed as well: estimates of distinct counts come from these hashes, and must be the same in every
 * process. Who finds two texts of one hash has hidden one of them, as using one twice would have. */
static int64_t hash_text(struct tt_str text)
{
    static const struct tt_hash_key KEY = {UINT64_C(0x726f772d74657874),
                                           UINT64_C(0x746578742d686173)};
    if (text.data == NULL) {
        return TT_ROW_MISSING;
    }
    uint64_t hash = tt_hash64(&KEY, text.data, text.size);
    return (int64_t)hash == TT_ROW_MISSING ? 0 : (int64_t)hash;
}

static int64_t round_double(double value)
{
    return (int64_t)(value + (value < 0.0 ? -0.5 : 0.5));
}

static int64_t fixed_number(double number)
{
    bool fits = number > -NUMBER_MAX && number < NUMBER_MAX; /* false for NaN */
    return fits ? round_double(number * TT_NUMBER_SCALE) : TT_ROW_MISSING;
}

static const struct tt_attribute *find_attribute(const struct tt_txn *txn,
                                                 const struct tt_attribute_decl *declared)
{
    for (uint32_t i = 0; i < txn->attribute_count; i++) {
        const struct tt_attribute *attribute = &txn->attributes[i];
        if (attribute->type == declared->type && tt_str_equal(attribute->name, declared->name)) {
            return attribute;
        }
    }
    return NULL;
}

static int64_t position(const struct tt_txn *txn)
{
    bool valid = txn->has_position && txn->latitude >= -90.0 && txn->latitude <= 90.0 &&
                 txn->longitude >= -180.0 && txn->longitude <= 180.0;
    if (!valid) {
        return TT_ROW_MISSING;
    }
    uint32_t latitude = (uint32_t)(int32_t)round_double(txn->latitude * DEGREE_SCALE);
    uint32_t longitude = (uint32_t)(int32_t)round_double(txn->longitude * DEGREE_SCALE);
    return (int64_t)((uint64_t)latitude << 32 | longitude);
}

static int64_t column_value(const struct plan_column *column, const struct tt_plan *owner,
                            const struct tt_txn *txn)
{
    if (column->kind == FIELD_AMOUNT) {
        return owner->amount_sign[txn->type] * txn->amount_minor;
    }
    if (column->kind == FIELD_AMOUNT_BASE) {
        int64_t base = 0;
        bool there = tt_rates_convert(&owner->rates, txn->currency, txn->amount_minor, &base);
        return there ? owner->amount_sign[txn->type] * base : TT_ROW_MISSING;
    }
    if (column->kind == FIELD_FOLD) {
        return TT_ROW_MISSING;
    }
    if (column->kind == FIELD_POSITION) {
        return position(txn);
    }
    if (!column->attribute) {
        return hash_text(txn->text[column->source]);
    }
    const struct tt_attribute *attribute = find_attribute(txn, &owner->attributes[column->source]);
    if (attribute == NULL) {
        return TT_ROW_MISSING;
    }
    return column->kind == FIELD_NUMBER ? fixed_number(attribute->number)
                                        : hash_text(attribute->text);
}

void tt_row_fill(const struct plan_step *plan, const struct tt_plan *owner,
                 const struct tt_txn *txn, int64_t *row)
{
    row[TT_ROW_TIME] = txn->timestamp_ms;
    row[TT_ROW_TAG] = tt_row_tag(tt_row_id_of(txn), 0, txn->currency);
    for (uint32_t i = 0; i < plan->column_count; i++) {
        row[2 + i] = column_value(&plan->columns[i], owner, txn);
    }
}
