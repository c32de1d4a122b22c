/*
 * A record's fields checked against the limits (check.h), in the order of the schema: the first
 * that breaks one makes the verdict.
 */
#include "format/record/check.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/number.h"
#include "format/record/pan.h"
#include "format/scan.h"

#define QUOTED_MAX 48
#define TIMESTAMP_MAX_MS INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

/* Limits of a text field: how large, and whether it identifies something. */
struct text_rule {
    uint16_t size_max;
    bool identifier;
};

static const struct text_rule text_rules[TT_TEXT_COUNT] = {
    [TT_TEXT_TRANSACTION_ID] = {TT_ID_SIZE_MAX, true},
    [TT_TEXT_USER_ID] = {TT_ID_SIZE_MAX, true},
    [TT_TEXT_MERCHANT_ID] = {TT_ID_SIZE_MAX, true},
    [TT_TEXT_COUNTERPARTY_ID] = {TT_ID_SIZE_MAX, true},
    [TT_TEXT_MERCHANT_CATEGORY_CODE] = {TT_TEXT_SIZE_MAX, false},
    [TT_TEXT_MERCHANT_CATEGORY] = {TT_TEXT_SIZE_MAX, false},
    [TT_TEXT_MERCHANT_COUNTRY] = {TT_TEXT_SIZE_MAX, false},
    [TT_TEXT_ISSUER_COUNTRY] = {TT_TEXT_SIZE_MAX, false},
    [TT_TEXT_CHANNEL] = {TT_TEXT_SIZE_MAX, false},
    [TT_TEXT_CARD_ID] = {TT_ID_SIZE_MAX, true},
    [TT_TEXT_DEVICE_ID] = {TT_ID_SIZE_MAX, true},
    [TT_TEXT_IP] = {TT_TEXT_SIZE_MAX, false},
};

enum tt_status tt_record_refuse(struct tt_verdict *verdict, enum tt_reject reason,
                                struct tt_str field, const struct tt_record_value *value,
                                const char *text)
{
    char quoted[160];
    size_t size = value->text.size < sizeof quoted ? value->text.size : sizeof quoted;
    if (size > 0) {
        memcpy(quoted, value->text.data, size);
    }
    tt_pan_mask(quoted, size);
    bool cut = size > QUOTED_MAX;
    return tt_verdict_set(verdict, reason, field, value->offset, "\"%.*s%s\" %s",
                          (int)(cut ? QUOTED_MAX : size), quoted, cut ? "…" : "", text);
}

bool tt_record_has_control(struct tt_str text)
{
    size_t i = 0;
    for (; text.size - i >= 8; i += 8) {
        uint64_t word = tt_scan_load(text.data + i);
        if ((tt_scan_below(word, 0x20) | tt_scan_equal(word, 0x7f)) != 0) {
            return true;
        }
    }
    for (; i < text.size; i++) {
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

enum tt_status tt_record_replace_pan(const struct tt_record_schema *schema, struct tt_str field,
                                     bool identifier, struct tt_record_value *value,
                                     struct tt_arena *arena, uint32_t *pan_count,
                                     struct tt_verdict *ret_verdict)
{
    size_t at = 0, size = 0;
    uint32_t count = 0;
    if (TT_LIKELY(!tt_pan_find(value->text, &at, &size))) {
        return TT_OK;
    }
    if (schema->pan == TT_PAN_REJECT) {
        return tt_record_refuse(ret_verdict, TT_REJECT_PAN_REJECTED, field, value,
                                "holds what looks like a card number");
    }
    if (identifier) {
        enum tt_status status = tt_pan_tokenise(&schema->pan_key, value->text, TT_ID_SIZE_MAX,
                                                arena, &value->text, &count);
        *pan_count += count;
        return status;
    }
    char *copy = tt_arena_copy(arena, value->text.data, value->text.size);
    if (copy == NULL) {
        return TT_E_NOMEM;
    }
    *pan_count += tt_pan_mask(copy, value->text.size);
    value->text.data = copy;
    return TT_OK;
}

bool tt_record_parse_time(struct tt_str text, bool digits, int64_t *ret_ms)
{
    return digits ? tt_int64_parse(text, ret_ms) : tt_time_parse_rfc3339(text, ret_ms) == TT_OK;
}

enum tt_status tt_record_check_time(const struct tt_record_schema *schema, struct tt_str field,
                                    uint64_t offset, int64_t ms, int64_t now_ms,
                                    struct tt_verdict *ret_verdict)
{
    char text[TT_TIME_TEXT_SIZE], now[TT_TIME_TEXT_SIZE];
    if (ms < 0 || ms > TIMESTAMP_MAX_MS) {
        return tt_verdict_set(ret_verdict, TT_REJECT_TIMESTAMP_RANGE, field, offset,
                              "%lld ms is outside of the years 1970 to 9999", (long long)ms);
    }
    if (ms < schema->timestamp_min_ms) {
        tt_time_format(ms, text);
        return tt_verdict_set(ret_verdict, TT_REJECT_TIMESTAMP_RANGE, field, offset,
                              "%s is older than allowed", text);
    }
    int64_t latest = 0;
    if (now_ms == TT_TIME_NONE || __builtin_add_overflow(now_ms, schema->skew_max_ms, &latest) ||
        ms <= latest) {
        return TT_OK;
    }
    tt_time_format(ms, text);
    tt_time_format(now_ms, now);
    return tt_verdict_set(ret_verdict, TT_REJECT_TIMESTAMP_FUTURE, field, offset,
                          "%s is more than %lld s after now, %s", text,
                          (long long)(schema->skew_max_ms / TT_MS_PER_SECOND), now);
}

static enum tt_status refuse_form(enum tt_txn_text field, const struct tt_record_value *value,
                                  enum tt_reject reason, const char *text,
                                  struct tt_verdict *ret_verdict)
{
    return tt_record_refuse(ret_verdict, reason, tt_record_field_name((enum tt_field)field), value,
                            text);
}

/* The texts with a form of their own: category code, countries, address. */
static enum tt_status check_form(enum tt_txn_text field, const struct tt_record_value *value,
                                 struct tt_verdict *ret_verdict)
{
    struct tt_str text = value->text;
    char address[TT_TEXT_SIZE_MAX + 1];
    unsigned char parsed[16];
    switch (field) {
    case TT_TEXT_MERCHANT_CATEGORY_CODE:
        for (size_t i = 0; i < text.size; i++) {
            if (text.data[i] < '0' || text.data[i] > '9') {
                text.size = 0;
            }
        }
        return text.size == 4 ? TT_OK
                              : refuse_form(field, value, TT_REJECT_BAD_CATEGORY_CODE,
                                            "is not four digits", ret_verdict);
    case TT_TEXT_MERCHANT_COUNTRY:
    case TT_TEXT_ISSUER_COUNTRY:
        return text.size == 2 && text.data[0] >= 'A' && text.data[0] <= 'Z' &&
                       text.data[1] >= 'A' && text.data[1] <= 'Z'
                   ? TT_OK
                   : refuse_form(field, value, TT_REJECT_BAD_COUNTRY,
                                 "is not two upper-case letters", ret_verdict);
    case TT_TEXT_IP:
        memcpy(address, text.data, text.size);
        address[text.size] = '\0';
        return inet_pton(AF_INET, address, parsed) == 1 || inet_pton(AF_INET6, address, parsed) == 1
                   ? TT_OK
                   : refuse_form(field, value, TT_REJECT_BAD_IP, "is not an IP address",
                                 ret_verdict);
    case TT_TEXT_TRANSACTION_ID:
    case TT_TEXT_USER_ID:
    case TT_TEXT_MERCHANT_ID:
    case TT_TEXT_COUNTERPARTY_ID:
    case TT_TEXT_MERCHANT_CATEGORY:
    case TT_TEXT_CHANNEL:
    case TT_TEXT_CARD_ID:
    case TT_TEXT_DEVICE_ID:
    case TT_TEXT_COUNT:
        break;
    }
    return TT_OK;
}

/* One text field that is there: size, characters, card numbers, form. */
static enum tt_status check_text(const struct tt_record_schema *schema, struct tt_record_raw *raw,
                                 enum tt_txn_text field, struct tt_arena *arena, struct tt_txn *txn,
                                 struct tt_verdict *ret_verdict)
{
    struct text_rule rule = text_rules[field];
    struct tt_record_value *value = &raw->values[field];
    bool required = field == TT_TEXT_TRANSACTION_ID || field == TT_TEXT_USER_ID;
    size_t at = 0, size = 0;
    if (value->text.size == 0 && !required) {
        return TT_OK; /* absent */
    }
    if (value->text.size == 0 || value->text.size > rule.size_max) {
        return tt_verdict_set(ret_verdict,
                              rule.identifier ? TT_REJECT_ID_SIZE : TT_REJECT_TEXT_SIZE,
                              tt_record_field_name((enum tt_field)field), value->offset,
                              "%zu bytes, allowed are %d to %u", value->text.size,
                              rule.identifier ? 1 : 0, (unsigned)rule.size_max);
    }
    if (tt_record_has_control(value->text)) {
        return refuse_form(field, value, TT_REJECT_CONTROL_CHARACTER, "has a control character",
                           ret_verdict);
    }
    if (TT_UNLIKELY(tt_pan_find(value->text, &at, &size))) {
        enum tt_status status =
            tt_record_replace_pan(schema, tt_record_field_name((enum tt_field)field),
                                  rule.identifier, value, arena, &raw->pan_count, ret_verdict);
        if (status != TT_OK) {
            return status;
        }
    }
    txn->text[field] = value->text;
    return check_form(field, value, ret_verdict);
}

static bool is_seen(const struct tt_record_raw *raw, int field)
{
    return ((raw->seen >> field) & 1) != 0;
}

static enum tt_status check_required(const struct tt_record_raw *raw,
                                     struct tt_verdict *ret_verdict)
{
    static const uint8_t required[] = {TT_TEXT_TRANSACTION_ID, TT_FIELD_TIMESTAMP, TT_FIELD_AMOUNT,
                                       TT_FIELD_CURRENCY, TT_TEXT_USER_ID};
    for (size_t i = 0; i < TT_ARRAY_SIZE(required); i++) {
        if (!is_seen(raw, required[i])) {
            struct tt_str name = tt_record_field_name((enum tt_field)required[i]);
            return tt_verdict_set(ret_verdict, TT_REJECT_MISSING_FIELD, name, 0, "%.*s is required",
                                  TT_STR_ARG(name));
        }
    }
    return TT_OK;
}

static enum tt_status check_money(const struct tt_record_raw *raw, struct tt_txn *txn,
                                  struct tt_verdict *ret_verdict)
{
    const struct tt_record_value *amount = &raw->values[TT_FIELD_AMOUNT];
    const struct tt_record_value *currency = &raw->values[TT_FIELD_CURRENCY];
    struct tt_str name = tt_record_field_name(TT_FIELD_AMOUNT);
    txn->currency = tt_currency_find(currency->text);
    if (txn->currency == 0) {
        return tt_record_refuse(ret_verdict, TT_REJECT_UNKNOWN_CURRENCY,
                                tt_record_field_name(TT_FIELD_CURRENCY), currency,
                                "is not a currency code of ISO 4217");
    }
    uint8_t exponent = tt_currency_exponent(txn->currency);
    switch (tt_money_parse(amount->text, exponent, &txn->amount_minor)) {
    case TT_OK:
        break;
    case TT_E_INVALID:
        return tt_record_refuse(ret_verdict, TT_REJECT_AMOUNT_DECIMALS, name, amount,
                                "has more decimals than the currency");
    case TT_E_LIMIT:
        return tt_record_refuse(ret_verdict,
                                amount->text.data[0] == '-' ? TT_REJECT_AMOUNT_NEGATIVE
                                                            : TT_REJECT_AMOUNT_RANGE,
                                name, amount, "is out of range");
    default:
        return tt_record_refuse(ret_verdict, TT_REJECT_BAD_AMOUNT, name, amount,
                                "is not a decimal number");
    }
    return txn->amount_minor >= 0 ? TT_OK
                                  : tt_record_refuse(ret_verdict, TT_REJECT_AMOUNT_NEGATIVE, name,
                                                     amount, "is below zero");
}

static enum tt_status check_kinds(const struct tt_record_raw *raw, struct tt_txn *txn,
                                  struct tt_verdict *ret_verdict)
{
    txn->type = TT_TXN_PURCHASE;
    if (is_seen(raw, TT_FIELD_TYPE)) {
        txn->type = tt_txn_type_find(raw->values[TT_FIELD_TYPE].text);
        if (txn->type == 0) {
            return tt_record_refuse(ret_verdict, TT_REJECT_BAD_TYPE,
                                    tt_record_field_name(TT_FIELD_TYPE),
                                    &raw->values[TT_FIELD_TYPE], "is not a type of transaction");
        }
    }
    if (is_seen(raw, TT_FIELD_AUTHORIZATION)) {
        txn->authorization = tt_authorization_find(raw->values[TT_FIELD_AUTHORIZATION].text);
        if (txn->authorization == TT_AUTH_NONE) {
            return tt_record_refuse(ret_verdict, TT_REJECT_BAD_AUTHORIZATION,
                                    tt_record_field_name(TT_FIELD_AUTHORIZATION),
                                    &raw->values[TT_FIELD_AUTHORIZATION],
                                    "is neither approved nor declined");
        }
    }
    return TT_OK;
}

static enum tt_status check_degrees(const struct tt_record_raw *raw, enum tt_field field,
                                    double limit, double *ret, struct tt_verdict *ret_verdict)
{
    const struct tt_record_value *value = &raw->values[field];
    double degrees = 0.0;
    if (!tt_double_parse(value->text, &degrees) || !(degrees >= -limit && degrees <= limit)) {
        return tt_record_refuse(ret_verdict, TT_REJECT_BAD_POSITION, tt_record_field_name(field),
                                value, "is not a number of degrees in range");
    }
    *ret = degrees + 0.0; /* one zero only */
    return TT_OK;
}

static enum tt_status check_position(const struct tt_record_raw *raw, struct tt_txn *txn,
                                     struct tt_verdict *ret_verdict)
{
    bool latitude = is_seen(raw, TT_FIELD_LATITUDE), longitude = is_seen(raw, TT_FIELD_LONGITUDE);
    if (!latitude && !longitude) {
        return TT_OK;
    }
    if (latitude != longitude) {
        enum tt_field field = latitude ? TT_FIELD_LONGITUDE : TT_FIELD_LATITUDE;
        return tt_verdict_set(ret_verdict, TT_REJECT_BAD_POSITION, tt_record_field_name(field),
                              raw->values[latitude ? TT_FIELD_LATITUDE : TT_FIELD_LONGITUDE].offset,
                              "latitude and longitude must be given together");
    }
    enum tt_status status =
        check_degrees(raw, TT_FIELD_LATITUDE, 90.0, &txn->latitude, ret_verdict);
    if (status == TT_OK) {
        status = check_degrees(raw, TT_FIELD_LONGITUDE, 180.0, &txn->longitude, ret_verdict);
    }
    txn->has_position = true;
    return status;
}

/* Attributes sorted by name, in the arena: the same record is the same whatever their order was. */
static enum tt_status keep_attributes(struct tt_record_raw *raw, struct tt_arena *arena,
                                      struct tt_txn *txn)
{
    uint32_t count = raw->attribute_count;
    if (count == 0) {
        return TT_OK;
    }
    struct tt_attribute *kept = tt_arena_new(arena, count * sizeof *kept);
    if (kept == NULL) {
        return TT_E_NOMEM;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = i;
        while (at > 0 && tt_str_compare(kept[at - 1].name, raw->attributes[i].name) > 0) {
            kept[at] = kept[at - 1];
            at--;
        }
        kept[at] = raw->attributes[i];
    }
    txn->attributes = kept;
    txn->attribute_count = (uint8_t)count;
    return TT_OK;
}

enum tt_status tt_record_check(const struct tt_record_schema *schema, struct tt_record_raw *raw,
                               int64_t now_ms, struct tt_arena *arena, struct tt_txn *ret_txn,
                               struct tt_verdict *ret_verdict)
{
    struct tt_txn txn = {0};
    enum tt_status status = check_required(raw, ret_verdict);
    uint32_t texts = raw->seen & ((UINT32_C(1) << TT_TEXT_COUNT) - 1);
    for (; status == TT_OK && texts != 0; texts &= texts - 1) {
        status = check_text(schema, raw, (enum tt_txn_text)__builtin_ctz(texts), arena, &txn,
                            ret_verdict);
    }
    if (status == TT_OK) {
        txn.timestamp_ms = raw->timestamp_ms;
        status = tt_record_check_time(schema, tt_record_field_name(TT_FIELD_TIMESTAMP),
                                      raw->values[TT_FIELD_TIMESTAMP].offset, txn.timestamp_ms,
                                      now_ms, ret_verdict);
    }
    if (status == TT_OK) {
        status = check_money(raw, &txn, ret_verdict);
    }
    if (status == TT_OK) {
        status = check_kinds(raw, &txn, ret_verdict);
    }
    if (status == TT_OK) {
        status = check_position(raw, &txn, ret_verdict);
    }
    if (status == TT_OK) {
        status = keep_attributes(raw, arena, &txn);
    }
    if (status == TT_OK) {
        *ret_txn = txn;
    }
    return status;
}
