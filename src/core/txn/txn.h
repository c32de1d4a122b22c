/*
 * A payment transaction, validated, and a label about one.
 *
 * What:    the canonical record that every form of input becomes and every stage works on.
 * Why:     money is exact minor units; text fields are views, so a record costs no allocation.
 * Owner:   views point into the event's own text (core/event/event.h) and live as long as it.
 * Units:   times are event time in ms since the Unix epoch; amounts are minor units.
 * Limits:  TT_ID_SIZE_MAX bytes an id, TT_TEXT_SIZE_MAX a free text, TT_ATTRIBUTES_MAX attributes.
 * Threads: values.
 */
#ifndef TT_CORE_TXN_TXN_H
#define TT_CORE_TXN_TXN_H

#include "base/hash.h"
#include "base/money.h"
#include "base/timetext.h"

#define TT_ID_SIZE_MAX 128
#define TT_TEXT_SIZE_MAX 64
#define TT_ATTRIBUTES_MAX 16

enum tt_txn_type {
    TT_TXN_PURCHASE = 1,
    TT_TXN_WITHDRAWAL,
    TT_TXN_TRANSFER,
    TT_TXN_REFUND,
    TT_TXN_REVERSAL,
};

enum tt_authorization { TT_AUTH_NONE = 0, TT_AUTH_APPROVED, TT_AUTH_DECLINED };

enum tt_attribute_type { TT_ATTRIBUTE_BOOL = 1, TT_ATTRIBUTE_DOUBLE, TT_ATTRIBUTE_STRING };

struct tt_attribute {
    struct tt_str name;
    enum tt_attribute_type type;
    double number; /* of a double; 0 or 1 of a bool */
    struct tt_str text;
};

/* The text fields, in the order of the schema; all but the first two may be absent (data NULL). */
enum tt_txn_text {
    TT_TEXT_TRANSACTION_ID,
    TT_TEXT_USER_ID,
    TT_TEXT_MERCHANT_ID,
    TT_TEXT_COUNTERPARTY_ID,
    TT_TEXT_MERCHANT_CATEGORY_CODE,
    TT_TEXT_MERCHANT_CATEGORY,
    TT_TEXT_MERCHANT_COUNTRY,
    TT_TEXT_ISSUER_COUNTRY,
    TT_TEXT_CHANNEL,
    TT_TEXT_CARD_ID,
    TT_TEXT_DEVICE_ID,
    TT_TEXT_IP,
    TT_TEXT_COUNT
};

struct tt_txn {
    int64_t timestamp_ms;
    int64_t amount_minor; /* ≥ 0 */
    tt_currency currency;
    uint8_t type;          /* enum tt_txn_type */
    uint8_t authorization; /* enum tt_authorization */
    bool has_position;
    uint8_t attribute_count;
    double latitude, longitude; /* degrees; valid when has_position */
    struct tt_str text[TT_TEXT_COUNT];
    const struct tt_attribute *attributes;
};

enum tt_label_kind { TT_LABEL_FRAUD = 1, TT_LABEL_GENUINE, TT_LABEL_WITHDRAWN };
enum tt_label_source {
    TT_LABEL_CHARGEBACK = 1,
    TT_LABEL_ALERT_VERDICT,
    TT_LABEL_SAMPLE_VERDICT,
    TT_LABEL_IMPORT,
};

/* What somebody found out about a transaction, with the time it became known. It carries its
 * transaction's own record (views), so that a step finds the entity without a look-up. */
struct tt_label {
    uint8_t kind;   /* enum tt_label_kind */
    uint8_t source; /* enum tt_label_source */
    int64_t known_at_ms;
    int64_t recorded_at_ms; /* 0 in file evaluation, where known_at rules */
    double selection_probability;
};

/* The name of a text field in JSON, rules and mappings ("merchant_id"). */
const char *tt_txn_text_name(enum tt_txn_text field);
/* "purchase" …, "approved" …; "" for none. */
const char *tt_txn_type_name(uint8_t type);
const char *tt_authorization_name(uint8_t authorization);
/* The enum value of a name, or 0. */
uint8_t tt_txn_type_find(struct tt_str name);
uint8_t tt_authorization_find(struct tt_str name);
/* Amount in major units. */
double tt_txn_amount(const struct tt_txn *txn);
/* A copy whose views live in the arena; TT_E_NOMEM leaves *ret untouched. */
enum tt_status tt_txn_copy(const struct tt_txn *txn, struct tt_arena *arena,
                           struct tt_txn *ret) TT_MUST_USE;
/* Identity of (user_id, transaction_id) under a key; separators keep ("ab","c") and ("a","bc") apart. */
struct tt_hash128 tt_txn_key_hash(const struct tt_hash_key *key, const struct tt_txn *txn);
/* Identity of the whole validated record, whatever spelling it came in; equal content = equal hash. */
struct tt_hash128 tt_txn_content_hash(const struct tt_txn *txn);

#endif
