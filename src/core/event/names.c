/*
 * The dictionary: fixed fields first, then attributes, then features, each a run of slots.
 */
#include "core/event/names.h"

enum field {
    FIELD_AMOUNT,
    FIELD_CURRENCY,
    FIELD_TYPE,
    FIELD_AUTHORIZATION,
    FIELD_TIMESTAMP,
    FIELD_LATITUDE,
    FIELD_LONGITUDE,
    FIELD_TEXTS, /* the first of TT_TEXT_COUNT */
    FIELD_COUNT = FIELD_TEXTS + TT_TEXT_COUNT
};

struct tt_names {
    const struct tt_alloc *alloc;
    struct tt_expr_env *env;
    struct tt_rates rates; /* base 0: none */
    uint32_t attribute_count, feature_count;
    struct tt_attribute_decl attributes[TT_ATTRIBUTES_MAX]; /* names are the environment's */
};

static const struct {
    const char *name;
    enum tt_type type;
} fields[FIELD_TEXTS] = {
    [FIELD_AMOUNT] = {"amount", TT_TYPE_DOUBLE},
    [FIELD_CURRENCY] = {"currency", TT_TYPE_STRING},
    [FIELD_TYPE] = {"type", TT_TYPE_STRING},
    [FIELD_AUTHORIZATION] = {"authorization", TT_TYPE_STRING},
    [FIELD_TIMESTAMP] = {"timestamp", TT_TYPE_TIMESTAMP},
    [FIELD_LATITUDE] = {"latitude", TT_TYPE_DOUBLE},
    [FIELD_LONGITUDE] = {"longitude", TT_TYPE_DOUBLE},
};

static enum tt_status add_fields(struct tt_names *names, struct tt_error *err)
{
    enum tt_status status = TT_OK;
    uint32_t slot = 0;
    for (uint32_t i = 0; i < FIELD_COUNT && status == TT_OK; i++) {
        bool is_text = i >= FIELD_TEXTS;
        const char *name =
            is_text ? tt_txn_text_name((enum tt_txn_text)(i - FIELD_TEXTS)) : fields[i].name;
        status = tt_expr_env_add(names->env, tt_str_from(name),
                                 is_text ? TT_TYPE_STRING : fields[i].type, &slot, err);
        TT_ASSERT(status != TT_OK || slot == i);
    }
    return status;
}

static enum tt_type attribute_type(enum tt_attribute_type type)
{
    switch (type) {
    case TT_ATTRIBUTE_BOOL:
        return TT_TYPE_BOOL;
    case TT_ATTRIBUTE_DOUBLE:
        return TT_TYPE_DOUBLE;
    case TT_ATTRIBUTE_STRING:
        break;
    }
    return TT_TYPE_STRING;
}

static enum tt_status add_attributes(struct tt_names *names,
                                     const struct tt_attribute_decl *attributes, size_t count,
                                     struct tt_error *err)
{
    if (count > TT_ATTRIBUTES_MAX) {
        return tt_fail(err, TT_E_LIMIT, "more than %d attributes", TT_ATTRIBUTES_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t slot = 0;
        enum tt_status status = tt_expr_env_add(names->env, attributes[i].name,
                                                attribute_type(attributes[i].type), &slot, err);
        if (status != TT_OK) {
            return status;
        }
        names->attributes[i].name = tt_expr_env_slot_name(names->env, slot);
        names->attributes[i].type = attributes[i].type;
        names->attribute_count++;
    }
    return TT_OK;
}

static enum tt_status add_amount_base(struct tt_names *names, struct tt_error *err)
{
    uint32_t slot = 0;
    return names->rates.base == 0
               ? TT_OK
               : tt_expr_env_add(names->env, TT_STR("amount_base"), TT_TYPE_DOUBLE, &slot, err);
}

static enum tt_status add_features(struct tt_names *names, const struct tt_str *features,
                                   size_t count, struct tt_error *err)
{
    if (count > TT_FEATURES_MAX) {
        return tt_fail(err, TT_E_LIMIT, "more than %d features", TT_FEATURES_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t slot = 0;
        enum tt_status status =
            tt_expr_env_add(names->env, features[i], TT_TYPE_DOUBLE, &slot, err);
        if (status != TT_OK) {
            return status;
        }
        names->feature_count++;
    }
    return TT_OK;
}

enum tt_status tt_names_new(const struct tt_alloc *alloc,
                            const struct tt_attribute_decl *attributes, size_t attribute_count,
                            const struct tt_str *features, size_t feature_count,
                            struct tt_names **ret, struct tt_error *err)
{
    return tt_names_new_priced(alloc, NULL, attributes, attribute_count, features, feature_count,
                               ret, err);
}

enum tt_status tt_names_new_priced(const struct tt_alloc *alloc, const struct tt_rates *rates,
                                   const struct tt_attribute_decl *attributes,
                                   size_t attribute_count, const struct tt_str *features,
                                   size_t feature_count, struct tt_names **ret,
                                   struct tt_error *err)
{
    struct tt_names *names = tt_new_array(alloc, 1, sizeof(*names));
    if (names == NULL) {
        return tt_fail(err, TT_E_NOMEM, "out of memory");
    }
    names->alloc = alloc;
    if (rates != NULL) {
        names->rates = *rates;
    }
    enum tt_status status = tt_expr_env_new(alloc, NULL, &names->env, err);
    if (status == TT_OK) {
        status = add_fields(names, err);
    }
    if (status == TT_OK) {
        status = add_attributes(names, attributes, attribute_count, err);
    }
    if (status == TT_OK) {
        status = add_amount_base(names, err);
    }
    if (status == TT_OK) {
        status = add_features(names, features, feature_count, err);
    }
    if (status != TT_OK) {
        tt_names_free(names);
        return status;
    }
    *ret = names;
    return TT_OK;
}

void tt_names_free(struct tt_names *names)
{
    if (names != NULL) {
        tt_expr_env_free(names->env);
        tt_delete(names->alloc, names, sizeof(*names));
    }
}

const struct tt_expr_env *tt_names_env(const struct tt_names *names)
{
    return names->env;
}

void tt_names_set_host(struct tt_names *names, const struct tt_expr_host *host)
{
    tt_expr_env_set_host(names->env, host);
}

uint32_t tt_names_slot_count(const struct tt_names *names)
{
    return tt_expr_env_slot_count(names->env);
}

static uint32_t first_feature(const struct tt_names *names)
{
    return FIELD_COUNT + names->attribute_count + (names->rates.base != 0 ? 1 : 0);
}

uint32_t tt_names_feature_slot(const struct tt_names *names, uint32_t index)
{
    TT_ASSERT(index < names->feature_count);
    return first_feature(names) + index;
}

uint16_t tt_names_slot_feature(const struct tt_names *names, uint32_t slot)
{
    uint32_t first = first_feature(names);
    bool is_feature = slot >= first && slot < first + names->feature_count;
    return is_feature ? (uint16_t)(slot - first) : UINT16_MAX;
}

void tt_names_clear(const struct tt_names *names, struct tt_value *slots)
{
    uint32_t count = tt_names_slot_count(names);
    for (uint32_t i = 0; i < count; i++) {
        slots[i] = tt_value_none(TT_VALUE_MISSING);
    }
}

/* A name out of a fixed set; "" is none. */
static struct tt_value named(const char *name)
{
    return name[0] == '\0' ? tt_value_none(TT_VALUE_MISSING) : tt_value_text(tt_str_from(name));
}

/* The transaction's attribute of that name, or NULL; mostly the one in the same place. */
static const struct tt_attribute *find_attribute(const struct tt_txn *txn, uint32_t place,
                                                 struct tt_str name)
{
    if (place < txn->attribute_count && tt_str_equal(txn->attributes[place].name, name)) {
        return &txn->attributes[place];
    }
    for (uint32_t i = 0; i < txn->attribute_count; i++) {
        if (tt_str_equal(txn->attributes[i].name, name)) {
            return &txn->attributes[i];
        }
    }
    return NULL;
}

static struct tt_value attribute_value(const struct tt_attribute *attribute,
                                       enum tt_attribute_type declared)
{
    if (attribute == NULL || attribute->type != declared) {
        return tt_value_none(TT_VALUE_MISSING);
    }
    switch (attribute->type) {
    case TT_ATTRIBUTE_BOOL:
        return tt_value_bool(attribute->number > 0.0);
    case TT_ATTRIBUTE_DOUBLE:
        return tt_value_double(attribute->number);
    case TT_ATTRIBUTE_STRING:
        break;
    }
    return tt_value_text(attribute->text);
}

static struct tt_value field_value(const struct tt_txn *txn, uint32_t field)
{
    switch (field) {
    case FIELD_AMOUNT:
        return tt_value_double(tt_txn_amount(txn));
    case FIELD_CURRENCY:
        return txn->currency == 0 ? tt_value_none(TT_VALUE_MISSING)
                                  : named(tt_currency_code(txn->currency));
    case FIELD_TYPE:
        return named(tt_txn_type_name(txn->type));
    case FIELD_AUTHORIZATION:
        return named(tt_authorization_name(txn->authorization));
    case FIELD_TIMESTAMP:
        return tt_value_timestamp_ms(txn->timestamp_ms);
    case FIELD_LATITUDE:
    case FIELD_LONGITUDE:
        return !txn->has_position
                   ? tt_value_none(TT_VALUE_MISSING)
                   : tt_value_double(field == FIELD_LATITUDE ? txn->latitude : txn->longitude);
    default:
        return tt_value_text(txn->text[field - FIELD_TEXTS]);
    }
}

static struct tt_value declared_value(const struct tt_names *names, const struct tt_txn *txn,
                                      uint32_t place)
{
    const struct tt_attribute_decl *decl = &names->attributes[place];
    return attribute_value(find_attribute(txn, place, decl->name), decl->type);
}

static struct tt_value amount_base(const struct tt_names *names, const struct tt_txn *txn)
{
    int64_t minor = 0;
    uint8_t exponent = tt_currency_exponent(names->rates.base);
    return tt_rates_convert(&names->rates, txn->currency, txn->amount_minor, &minor)
               ? tt_value_double(tt_money_major(minor, exponent))
               : tt_value_none(TT_VALUE_MISSING);
}

void tt_names_fill_txn(const struct tt_names *names, const struct tt_txn *txn,
                       struct tt_value *slots)
{
    for (uint32_t i = 0; i < FIELD_COUNT; i++) {
        slots[i] = field_value(txn, i);
    }
    for (uint32_t i = 0; i < names->attribute_count; i++) {
        slots[FIELD_COUNT + i] = declared_value(names, txn, i);
    }
    if (names->rates.base != 0) {
        slots[FIELD_COUNT + names->attribute_count] = amount_base(names, txn);
    }
}

static struct tt_value feature_value(const struct tt_vector *vector, uint32_t index)
{
    double value = 0.0;
    return tt_vector_get(vector, index, &value) ? tt_value_double(value)
                                                : tt_value_none(TT_VALUE_MISSING);
}

void tt_names_fill_vector(const struct tt_names *names, const struct tt_vector *vector,
                          struct tt_value *slots)
{
    struct tt_value *features = slots + first_feature(names);
    for (uint32_t i = 0; i < names->feature_count; i++) {
        features[i] = feature_value(vector, i);
    }
}

void tt_names_fill_some(const struct tt_names *names, const struct tt_txn *txn,
                        const struct tt_vector *vector, const uint32_t *list, uint32_t count,
                        struct tt_value *slots)
{
    uint32_t first = first_feature(names);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t slot = list[i];
        slots[slot] = slot >= first ? feature_value(vector, slot - first)
                      : slot >= FIELD_COUNT + names->attribute_count ? amount_base(names, txn)
                      : slot >= FIELD_COUNT ? declared_value(names, txn, slot - FIELD_COUNT)
                                            : field_value(txn, slot);
    }
}
