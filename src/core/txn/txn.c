/*
 * Names and identities of transactions.
 *
 * The content hash is taken over a canonical serialisation: every field has a fixed place, texts
 * are preceded by their size, absent differs from empty, attributes are sorted by name. It is
 * streamed into one buffer on the stack, whose size the limits of txn.h bound.
 */
#include "core/txn/txn.h"

#include <string.h>

static const char *const text_names[TT_TEXT_COUNT] = {
    [TT_TEXT_TRANSACTION_ID] = "transaction_id",
    [TT_TEXT_USER_ID] = "user_id",
    [TT_TEXT_MERCHANT_ID] = "merchant_id",
    [TT_TEXT_COUNTERPARTY_ID] = "counterparty_id",
    [TT_TEXT_MERCHANT_CATEGORY_CODE] = "merchant_category_code",
    [TT_TEXT_MERCHANT_CATEGORY] = "merchant_category",
    [TT_TEXT_MERCHANT_COUNTRY] = "merchant_country",
    [TT_TEXT_ISSUER_COUNTRY] = "issuer_country",
    [TT_TEXT_CHANNEL] = "channel",
    [TT_TEXT_CARD_ID] = "card_id",
    [TT_TEXT_DEVICE_ID] = "device_id",
    [TT_TEXT_IP] = "ip",
};

static const char *const type_names[] = {
    "", "purchase", "withdrawal", "transfer", "refund", "reversal",
};

static const char *const authorization_names[] = {"", "approved", "declined"};

const char *tt_txn_text_name(enum tt_txn_text field)
{
    TT_ASSERT(field < TT_TEXT_COUNT);
    return text_names[field];
}

static const char *name_at(const char *const *names, size_t count, uint8_t value)
{
    return value < count ? names[value] : "";
}

static uint8_t find_name(const char *const *names, size_t count, struct tt_str name)
{
    for (size_t i = 1; i < count; i++) {
        if (tt_str_equal_text(name, names[i])) {
            return (uint8_t)i;
        }
    }
    return 0;
}

const char *tt_txn_type_name(uint8_t type)
{
    return name_at(type_names, TT_ARRAY_SIZE(type_names), type);
}

const char *tt_authorization_name(uint8_t authorization)
{
    return name_at(authorization_names, TT_ARRAY_SIZE(authorization_names), authorization);
}

uint8_t tt_txn_type_find(struct tt_str name)
{
    return find_name(type_names, TT_ARRAY_SIZE(type_names), name);
}

uint8_t tt_authorization_find(struct tt_str name)
{
    return find_name(authorization_names, TT_ARRAY_SIZE(authorization_names), name);
}

double tt_txn_amount(const struct tt_txn *txn)
{
    return tt_money_major(txn->amount_minor, tt_currency_exponent(txn->currency));
}

/* Bytes of a serialisation under way. The limits are the writer's promise; a record that breaks
 * them is a bug of whoever validated it. */
struct record {
    size_t size;
    unsigned char bytes[TT_TEXT_COUNT * (TT_ID_SIZE_MAX + 4) +
                        TT_ATTRIBUTES_MAX * (2 * (TT_ID_SIZE_MAX + 4) + 16) + 64];
};

static void put(struct record *record, const void *data, size_t size)
{
    TT_ASSERT(size <= sizeof record->bytes - record->size);
    memcpy(record->bytes + record->size, data, size);
    record->size += size;
}

static void put_u64(struct record *record, uint64_t value)
{
    unsigned char bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)(value >> (8 * i));
    }
    put(record, bytes, sizeof bytes);
}

/* -0 and 0 are the same number and must be the same bytes. */
static void put_double(struct record *record, double value)
{
    double canonical = value + 0.0;
    uint64_t bits;
    memcpy(&bits, &canonical, sizeof bits);
    put_u64(record, bits);
}

/* Absent is size 0xffff, which no text has. */
static void put_text(struct record *record, struct tt_str text)
{
    TT_ASSERT(text.size < 0xffff);
    size_t size = text.data != NULL ? text.size : 0xffff;
    unsigned char prefix[2] = {(unsigned char)(size & 0xff), (unsigned char)(size >> 8)};
    put(record, prefix, sizeof prefix);
    if (text.data != NULL && text.size > 0) {
        put(record, text.data, text.size);
    }
}

static void put_attribute(struct record *record, const struct tt_attribute *attribute)
{
    unsigned char type = (unsigned char)attribute->type;
    put_text(record, attribute->name);
    put(record, &type, 1);
    if (attribute->type == TT_ATTRIBUTE_STRING) {
        put_text(record, attribute->text);
    } else {
        put_double(record, attribute->number);
    }
}

static void put_attributes(struct record *record, const struct tt_txn *txn)
{
    TT_ASSERT(txn->attribute_count <= TT_ATTRIBUTES_MAX);
    const struct tt_attribute *sorted[TT_ATTRIBUTES_MAX];
    for (size_t i = 0; i < txn->attribute_count; i++) {
        size_t at = i;
        for (; at > 0 && tt_str_compare(txn->attributes[i].name, sorted[at - 1]->name) < 0; at--) {
            sorted[at] = sorted[at - 1];
        }
        sorted[at] = &txn->attributes[i];
    }
    put(record, &txn->attribute_count, 1);
    for (size_t i = 0; i < txn->attribute_count; i++) {
        put_attribute(record, sorted[i]);
    }
}

struct tt_hash128 tt_txn_key_hash(const struct tt_hash_key *key, const struct tt_txn *txn)
{
    struct record record;
    record.size = 0;
    put_text(&record, txn->text[TT_TEXT_USER_ID]);
    put_text(&record, txn->text[TT_TEXT_TRANSACTION_ID]);
    return tt_hash128(key, record.bytes, record.size);
}

/* Fixed: stored hashes are compared with those of later runs. */
static const struct tt_hash_key content_key = {UINT64_C(0x74656c6c74616c65), 1};

struct tt_hash128 tt_txn_content_hash(const struct tt_txn *txn)
{
    struct record record;
    record.size = 0;
    put_u64(&record, (uint64_t)txn->timestamp_ms);
    put_u64(&record, (uint64_t)txn->amount_minor);
    /* The code, not the row of the table, which changes when a currency is added. */
    put(&record, txn->currency != 0 ? tt_currency_code(txn->currency) : "---", 3);
    put(&record, &txn->type, 1);
    put(&record, &txn->authorization, 1);
    unsigned char has_position = txn->has_position ? 1 : 0;
    put(&record, &has_position, 1);
    if (txn->has_position) {
        put_double(&record, txn->latitude);
        put_double(&record, txn->longitude);
    }
    for (size_t i = 0; i < TT_TEXT_COUNT; i++) {
        put_text(&record, txn->text[i]);
    }
    put_attributes(&record, txn);
    return tt_hash128(&content_key, record.bytes, record.size);
}

static bool copy_text(struct tt_arena *arena, struct tt_str *text)
{
    if (text->data == NULL) {
        return true;
    }
    text->data = tt_arena_copy(arena, text->data, text->size);
    return text->data != NULL;
}

enum tt_status tt_txn_copy(const struct tt_txn *txn, struct tt_arena *arena, struct tt_txn *ret)
{
    struct tt_txn copy = *txn;
    for (size_t i = 0; i < TT_TEXT_COUNT; i++) {
        if (!copy_text(arena, &copy.text[i])) {
            return TT_E_NOMEM;
        }
    }
    struct tt_attribute *attributes =
        tt_arena_new_array(arena, txn->attribute_count, sizeof *attributes);
    if (attributes == NULL) {
        return TT_E_NOMEM;
    }
    for (size_t i = 0; i < txn->attribute_count; i++) {
        attributes[i] = txn->attributes[i];
        if (!copy_text(arena, &attributes[i].name) || !copy_text(arena, &attributes[i].text)) {
            return TT_E_NOMEM;
        }
    }
    copy.attributes = attributes;
    *ret = copy;
    return TT_OK;
}
