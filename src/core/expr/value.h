/*
 * A value of the expression language, and a constant list with fast membership.
 *
 * What:    struct tt_value is a tagged union of the types of CEL; an evaluation error is a value
 *          too (type TT_TYPE_NONE and its kind), because && and || absorb errors.
 * Why:     24 bytes by value: slots, registers and constants are the same thing, nothing is boxed.
 *          Source: the CEL specification (github.com/google/cel-spec, doc/langdef.md), "Values",
 *          "Equality", "Ordering".
 * Owner:   text and list are views; whoever made the value says how long they live.
 * Threads: values; a struct tt_list is immutable.
 * Units:   timestamps are since the Unix epoch, years 1 to 9999; seconds and nanoseconds.
 * Limits:  a list holds TT_LIST_COUNT_MAX items, and values through all its levels when made while
 *          evaluating.
 */
#ifndef TT_CORE_EXPR_VALUE_H
#define TT_CORE_EXPR_VALUE_H

#include "base/str.h"

#define TT_LIST_COUNT_MAX 1000000

enum tt_type {
    TT_TYPE_NONE = 0, /* no value: an evaluation error */
    TT_TYPE_DYN,      /* known only when it is evaluated; never the type of a value */
    TT_TYPE_BOOL,
    TT_TYPE_INT,
    TT_TYPE_UINT,
    TT_TYPE_DOUBLE,
    TT_TYPE_STRING,
    TT_TYPE_BYTES,
    TT_TYPE_NULL,
    TT_TYPE_TIMESTAMP,
    TT_TYPE_DURATION,
    TT_TYPE_LIST,
    TT_TYPE_MAP,
    TT_TYPE_TYPE,     /* a type as a value */
    TT_TYPE_OPTIONAL, /* a value or none */
    TT_TYPE_COUNT
};

enum tt_value_error {
    TT_VALUE_MISSING = 1,    /* a name that has no value for this transaction */
    TT_VALUE_OVERFLOW,       /* past the range of int, uint, timestamp or duration */
    TT_VALUE_DIVIDE_BY_ZERO, /* / or % of int or uint by 0 */
    TT_VALUE_RANGE,          /* an argument or index out of its domain */
    TT_VALUE_TYPE,           /* no such overload (only where types are dyn) */
    TT_VALUE_COST,           /* the cost limit of the evaluation */
    TT_VALUE_SPACE,          /* the scratch space for made strings and lists is full */
    TT_VALUE_KEY,            /* no such key in a map */
    TT_VALUE_DUPLICATE,      /* a map with one key twice */
    TT_VALUE_UNKNOWN,        /* a name nobody declared (only where checking is gradual) */
    TT_VALUE_ZONE,           /* a time zone nobody knows */
    TT_VALUE_PATTERN,        /* a regular expression that is none */
    TT_VALUE_ERROR_COUNT
};

/* A point in time or a span: seconds + nanoseconds, 0 ≤ nanos < 10^9. */
struct tt_moment {
    int64_t seconds;
    int32_t nanos;
};

struct tt_list;
struct tt_value {
    uint8_t type;  /* enum tt_type */
    uint8_t error; /* enum tt_value_error when type is TT_TYPE_NONE, else 0 */
    union {
        bool boolean;
        int64_t integer;
        uint64_t uinteger;
        double number;
        struct tt_str text;      /* string (UTF-8) or bytes */
        struct tt_moment moment; /* timestamp or duration */
        const struct tt_list
            *list;            /* also of a map (key, value, key, …) and an optional (0 or 1) */
        struct tt_list *made; /* the same while it is being filled */
        uint32_t kind;        /* of a type: enum tt_type */
        uint32_t place;       /* of an error: offset + 1 of what failed, 0 = unknown */
    };
};

/* Items in order. A list made by tt_list_new has an index for `in`; one made while evaluating has
 * none and is scanned. The weight counts values through all levels: what is shared inside makes
 * small lists with many values, and comparing or printing them must stay bounded. */
struct tt_list {
    uint32_t count;
    uint32_t index_mask; /* of the index; 0 = none */
    uint32_t weight;
    const struct tt_value *items;
    const uint32_t *index; /* open addressing: position + 1, 0 = empty */
    uint8_t item_type;     /* enum tt_type all items have, or TT_TYPE_DYN */
};

static inline struct tt_value tt_value_none(enum tt_value_error error)
{
    return (struct tt_value){.type = TT_TYPE_NONE, .error = (uint8_t)error, .place = 0};
}
static inline struct tt_value tt_value_bool(bool boolean)
{
    return (struct tt_value){.type = TT_TYPE_BOOL, .boolean = boolean};
}
static inline struct tt_value tt_value_int(int64_t integer)
{
    return (struct tt_value){.type = TT_TYPE_INT, .integer = integer};
}
static inline struct tt_value tt_value_uint(uint64_t uinteger)
{
    return (struct tt_value){.type = TT_TYPE_UINT, .uinteger = uinteger};
}
static inline struct tt_value tt_value_double(double number)
{
    return (struct tt_value){.type = TT_TYPE_DOUBLE, .number = number};
}
/* A missing value when text.data is NULL. */
static inline struct tt_value tt_value_text(struct tt_str text)
{
    return text.data == NULL ? tt_value_none(TT_VALUE_MISSING)
                             : (struct tt_value){.type = TT_TYPE_STRING, .text = text};
}
/* A timestamp; ms since the epoch. */
struct tt_value tt_value_timestamp_ms(int64_t ms);

/* "bool", "int", … as CEL names them; "dyn". */
const char *tt_type_name(enum tt_type type);
/* "int", "null_type", "google.protobuf.Timestamp", …: the name of a type as CEL writes it. */
const char *tt_type_text(enum tt_type type);
/* The type of that name as CEL writes it, or TT_TYPE_NONE. */
enum tt_type tt_type_from_text(struct tt_str text);
/* "missing", "overflow", "divide_by_zero", "range", "type", "cost", "space", "no_such_key",
 * "duplicate_key", "unknown_name", "zone", "pattern". */
const char *tt_value_error_name(uint8_t error);

/* CEL's ==: numbers across types by their mathematical value, NaN never, lists item by item; values
 * of different kinds are unequal. Neither is an error. */
bool tt_value_equal(const struct tt_value *a, const struct tt_value *b);
/* CEL's order of two values of one kind (numbers across types): sets *ret to -1, 0 or 1; with a NaN
 * to 2, which is neither less, equal nor greater. false: these types have no order. */
bool tt_value_compare(const struct tt_value *a, const struct tt_value *b, int *ret);
/* Appends the value as CEL text ("1u", "2.0", "\"a\\n\"", timestamp("…"), [1, 2]); an error as
 * error("missing"). */
enum tt_status tt_value_print(const struct tt_value *value, struct tt_buf *buf);

/* A list of copies of the items (texts included) with an index for membership.
 * TT_E_LIMIT past TT_LIST_COUNT_MAX, TT_E_NOMEM. */
enum tt_status tt_list_new(const struct tt_alloc *alloc, const struct tt_value *items, size_t count,
                           struct tt_list **ret, struct tt_error *err) TT_MUST_USE;
void tt_list_free(const struct tt_alloc *alloc, struct tt_list *list);
/* How many values there are in a value, itself and through all levels. */
static inline uint32_t tt_value_weight(const struct tt_value *value)
{
    bool nested = value->type == TT_TYPE_LIST || value->type == TT_TYPE_MAP ||
                  value->type == TT_TYPE_OPTIONAL;
    return nested ? value->list->weight + 1 : 1;
}
/* 0, or why the items (key, value, …) are no map: TT_VALUE_TYPE of a key, TT_VALUE_DUPLICATE. */
uint8_t tt_map_check(const struct tt_list *map);
/* The value of a key in a map, or NULL. */
const struct tt_value *tt_map_find(const struct tt_list *map, const struct tt_value *key);
/* True when an item equals the value. */
bool tt_list_contains(const struct tt_list *list, const struct tt_value *value);

#endif
