/*
 * The fields of a record before and after they are checked: what JSON and mapped rows share.
 *
 * What:    readers fill a struct tt_record_raw with texts as they stand; tt_record_check makes a
 *          transaction of it, or a verdict.
 * Why:     one place where limits are enforced, whatever the record looked like outside.
 * Owner:   the raw texts of identifiers must live in the arena already: the transaction keeps
 *          views.
 * Threads: pure.
 * Fails:   TT_E_INVALID with the verdict, TT_E_NOMEM.
 */
#ifndef TT_FORMAT_RECORD_CHECK_H
#define TT_FORMAT_RECORD_CHECK_H

#include "format/record/record.h"

/* Fields of a transaction; the text fields keep their numbers of enum tt_txn_text. */
enum tt_field {
    TT_FIELD_TIMESTAMP = TT_TEXT_COUNT,
    TT_FIELD_AMOUNT,
    TT_FIELD_CURRENCY,
    TT_FIELD_TYPE,
    TT_FIELD_AUTHORIZATION,
    TT_FIELD_LATITUDE,
    TT_FIELD_LONGITUDE,
    TT_FIELD_ATTRIBUTES,
    TT_FIELD_COUNT,
    TT_FIELD_NONE = TT_FIELD_COUNT,
};

struct tt_record_value {
    struct tt_str text;
    uint32_t offset; /* in the record */
};

struct tt_record_raw {
    uint32_t seen; /* bit f: values[f] is filled (TT_FIELD_TIMESTAMP: timestamp_ms) */
    uint32_t attribute_count;
    uint32_t pan_count;
    int64_t timestamp_ms;
    struct tt_record_value values[TT_FIELD_COUNT];
    struct tt_attribute attributes[TT_ATTRIBUTES_MAX];
};

/* One attribute's value as it stands; kind says what a JSON token was, or string for a cell. */
struct tt_record_scalar {
    enum tt_attribute_type kind;
    bool cell;    /* text of a cell, to be read as whatever type is declared */
    bool boolean; /* of kind bool */
    struct tt_str text;
    uint32_t offset;
};

/* The field of a name or alias, or TT_FIELD_NONE. */
enum tt_field tt_record_field_find(struct tt_str name);
/* Its name. */
struct tt_str tt_record_field_name(enum tt_field field);

/* As tt_verdict_set, with the value that was found quoted before the text. */
enum tt_status tt_record_refuse(struct tt_verdict *verdict, enum tt_reject reason,
                                struct tt_str field, const struct tt_record_value *value,
                                const char *text);
/* Any byte below 0x20, or DEL. */
bool tt_record_has_control(struct tt_str text);
/* RFC 3339, or an integer of epoch milliseconds when digits is set. False: neither. */
bool tt_record_parse_time(struct tt_str text, bool digits, int64_t *ret_ms);
/* Range and skew of a time, for the field of that name. */
enum tt_status tt_record_check_time(const struct tt_record_schema *schema, struct tt_str field,
                                    uint64_t offset, int64_t ms, int64_t now_ms,
                                    struct tt_verdict *ret_verdict);
/* Replaces card numbers: by tokens in identifiers, else by masking. value->text may move to the
 * arena. */
enum tt_status tt_record_replace_pan(const struct tt_record_schema *schema, struct tt_str field,
                                     bool identifier, struct tt_record_value *value,
                                     struct tt_arena *arena, uint32_t *pan_count,
                                     struct tt_verdict *ret_verdict);
/* Adds an attribute of that type, which a value that is no such thing is refused for. */
enum tt_status tt_record_add_attribute(const struct tt_record_schema *schema,
                                       struct tt_record_raw *raw, struct tt_str name,
                                       enum tt_attribute_type type,
                                       const struct tt_record_scalar *value, struct tt_arena *arena,
                                       struct tt_verdict *ret_verdict);
/* The transaction, or why it is none. */
enum tt_status tt_record_check(const struct tt_record_schema *schema, struct tt_record_raw *raw,
                               int64_t now_ms, struct tt_arena *arena, struct tt_txn *ret_txn,
                               struct tt_verdict *ret_verdict) TT_MUST_USE;

#endif
