/*
 * A strict, bounded JSON pull reader, and JSON documents as trees.
 *
 * What:    RFC 8259 texts, one token a call; a member's key comes with its value's token. Numbers
 *          stay raw tokens, so that money never passes through a double.
 * Why:     no recursion and no document in memory: a hostile text costs what its bytes cost.
 *          Strings are views into the text; only those with escapes are copied. Duplicate keys
 *          are an error: two readers of one record must not see two different values.
 * Owner:   text and arena belong to the caller; tokens' views live as long as both.
 * Threads: a reader is confined to one thread.
 * Limits:  TT_JSON_DEPTH_MAX open containers; texts shorter than 4 GiB.
 * Fails:   TT_E_SYNTAX (not JSON, duplicate key, bad UTF-8, lone surrogate), TT_E_LIMIT (depth,
 *          size), TT_E_NOMEM (arena). Every failure sets reader->fault, and line, column (in
 *          bytes) and offset in err. A failed reader stays failed.
 */
#ifndef TT_FORMAT_JSON_READ_H
#define TT_FORMAT_JSON_READ_H

#include "base/str.h"
#include "base/tree.h"

#define TT_JSON_DEPTH_MAX 64
#define TT_JSON_KEYS_INLINE 32

enum tt_json_kind {
    TT_JSON_NULL = 1,
    TT_JSON_BOOL,
    TT_JSON_NUMBER,
    TT_JSON_STRING,
    TT_JSON_OBJECT,
    TT_JSON_OBJECT_END,
    TT_JSON_ARRAY,
    TT_JSON_ARRAY_END,
    TT_JSON_END, /* the text ended, with nothing behind the value but white space */
};

/* Why a reader failed, finer than a status. */
enum tt_json_fault {
    TT_JSON_FAULT_NONE = 0,
    TT_JSON_FAULT_SYNTAX,
    TT_JSON_FAULT_END, /* the text ended too early */
    TT_JSON_FAULT_TRAILING,
    TT_JSON_FAULT_UTF8,
    TT_JSON_FAULT_SURROGATE,
    TT_JSON_FAULT_DUPLICATE_KEY,
    TT_JSON_FAULT_DEPTH,
    TT_JSON_FAULT_SIZE,
    TT_JSON_FAULT_NOMEM,
};

struct tt_json_token {
    enum tt_json_kind kind;
    bool boolean;        /* of TT_JSON_BOOL */
    struct tt_str key;   /* of a member of an object, unescaped; else absent */
    struct tt_str text;  /* STRING: unescaped; NUMBER: the raw token; else absent */
    uint32_t offset;     /* of the value's first byte */
    uint32_t key_offset; /* of the key's opening quote */
};

/* One key of an open object. */
struct tt_json_key {
    uint64_t signature;
    const char *data;
    uint32_t size, offset;
};

/* Fields are the reader's own, but for fault and fault_offset. */
struct tt_json_reader {
    const char *begin, *at, *end;
    struct tt_arena *arena;
    enum tt_json_fault fault;
    uint32_t fault_offset;
    uint32_t state;
    uint32_t depth;
    uint64_t objects; /* bit d: the container at depth d is an object */
    struct tt_json_key *keys;
    uint32_t key_count, key_capacity;
    uint32_t key_start[TT_JSON_DEPTH_MAX];
    uint64_t key_bits[TT_JSON_DEPTH_MAX]; /* of each open object: which signatures may be there */
    struct tt_json_key keys_inline[TT_JSON_KEYS_INLINE];
};

/* Starts at the beginning of text (no byte order mark: RFC 8259 forbids it). */
void tt_json_reader_init(struct tt_json_reader *reader, struct tt_str text, struct tt_arena *arena);
/* The next token. After TT_JSON_END it is returned again. */
enum tt_status tt_json_next(struct tt_json_reader *reader, struct tt_json_token *ret,
                            struct tt_error *err) TT_MUST_USE;
/* Reads to the end of the value that token began (nothing to do for scalars), fully checked. */
enum tt_status tt_json_skip(struct tt_json_reader *reader, const struct tt_json_token *token,
                            struct tt_error *err) TT_MUST_USE;
/* The bytes from where token's value began to where the reader stands: after tt_json_skip, the
 * value's raw text. */
struct tt_str tt_json_raw(const struct tt_json_reader *reader, const struct tt_json_token *token);
/* True when the whole text is one number token of RFC 8259. */
bool tt_json_is_number(struct tt_str text);
/* Line and column, from 1, of an offset in a text (columns count bytes). */
void tt_json_place(struct tt_str text, size_t offset, uint32_t *ret_line, uint32_t *ret_column);

/* A whole document as a tree in the arena: strings are quoted scalars; numbers, true and false are
 * plain ones. A repeated key is TT_E_SYNTAX, more than 1,000,000 nodes TT_E_LIMIT. */
enum tt_status tt_json_parse_tree(struct tt_arena *arena, struct tt_str text, struct tt_tree **ret,
                                  struct tt_error *err) TT_MUST_USE;

#endif
