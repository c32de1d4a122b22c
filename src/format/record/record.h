/*
 * What every reader of records shares: the schema, the verdict, the notes.
 *
 * What:    struct tt_record_schema says what is allowed (declared attributes, limits, policies);
 *          a record that breaks it gets a verdict with a reason code of rejects.def.
 * Why:     bad data is not a failure of the program: it is counted, kept as a dead letter, and
 *          the stream goes on. One schema serves HTTP, files and topics, so all judge alike.
 * Owner:   the schema belongs to the caller and is only read; verdicts hold no pointers.
 * Threads: values; a schema may be shared by readers.
 * Limits:  see the fields; tt_record_schema_init sets the defaults.
 */
#ifndef TT_FORMAT_RECORD_RECORD_H
#define TT_FORMAT_RECORD_RECORD_H

#include "core/txn/txn.h"

#define TT_RECORD_SIZE_MAX (64u << 10)
#define TT_RECORD_SKEW_MAX_MS (INT64_C(600000))
#define TT_RECORD_NOTE_NAMES_MAX 8

enum tt_reject {
    TT_REJECT_NONE = 0,
#define TT_REJECT_ROW(id, code, http, help) TT_REJECT_##id,
#include "format/record/rejects.def"
#undef TT_REJECT_ROW
    TT_REJECT_COUNT
};

enum tt_unknown_policy { TT_UNKNOWN_DROP = 0, TT_UNKNOWN_REJECT, TT_UNKNOWN_ATTRIBUTE };
enum tt_pan_policy { TT_PAN_TOKENISE = 0, TT_PAN_REJECT };

/* One declared attribute. */
struct tt_attribute_spec {
    struct tt_str name;
    enum tt_attribute_type type;
};

struct tt_record_schema {
    const struct tt_attribute_spec *attributes; /* names are unique */
    uint32_t attribute_count;                   /* ≤ TT_ATTRIBUTES_MAX */
    enum tt_unknown_policy unknown;
    enum tt_pan_policy pan;
    struct tt_hash_key pan_key; /* secret: tokens cannot be made or tried without it */
    int64_t timestamp_min_ms;   /* older is timestamp_range; ≥ 0 */
    int64_t skew_max_ms;        /* later than now + this is timestamp_future */
    uint32_t record_size_max;   /* bytes of one JSON record or row */
};
/* No attributes, drop, tokenise with a key of zeros, times from 1970, skew 10 min, 64 KiB. */
void tt_record_schema_init(struct tt_record_schema *schema);

/* Why a record was refused. Texts are NUL-terminated, cut, and have card numbers masked. */
struct tt_verdict {
    enum tt_reject reason;
    char field[72];        /* name of the field in the record, "" when it is none's fault */
    char detail[176];      /* what was found, for people */
    uint64_t offset;       /* in the record's bytes */
    uint32_t line, column; /* in the record's text, from 1; 0 = not a place in a text */
};

/* What was noticed about an accepted record. */
struct tt_record_notes {
    uint32_t unknown_count; /* fields that were dropped */
    struct tt_str
        unknown[TT_RECORD_NOTE_NAMES_MAX]; /* the first of their names; live as the txn does */
    uint32_t pan_count;                    /* card numbers replaced */
};

/* A label that came from outside. */
struct tt_record_label {
    struct tt_str transaction_id;
    struct tt_str user_id; /* absent = not said */
    struct tt_label label; /* recorded_at_ms = now_ms of the call */
    struct tt_str note;    /* ≤ 1,000 bytes; absent = none */
};

/* "fraud" …; "chargeback" …; "" for 0. */
const char *tt_label_kind_name(uint8_t kind);
const char *tt_label_source_name(uint8_t source);
/* The enum value of a name, or 0. */
uint8_t tt_label_kind_find(struct tt_str name);
uint8_t tt_label_source_find(struct tt_str name);

/* "json_syntax"; 400, 409 or 422; one sentence. reason must be a row of the table. */
const char *tt_reject_code(enum tt_reject reason);
uint16_t tt_reject_http_status(enum tt_reject reason);
const char *tt_reject_help(enum tt_reject reason);
/* The row of a code, or TT_REJECT_NONE. */
enum tt_reject tt_reject_find(struct tt_str code);

/* Fills *verdict: field and detail are cut, made printable UTF-8 and masked. Returns TT_E_INVALID,
 * so that a caller can write `return tt_verdict_set(…)`. */
enum tt_status tt_verdict_set(struct tt_verdict *verdict, enum tt_reject reason,
                              struct tt_str field, uint64_t offset, const char *format, ...)
    TT_PRINTF(5, 6);

#endif
