/*
 * The pull reader of json_read.h: a state machine over bytes, one token a call.
 *
 * Open containers are bits of one word; the keys of all open objects stand in one stack, so that a
 * repeated key is seen without a table: small objects compare 64-bit signatures at once, large ones
 * (more than TT_JSON_KEYS_INLINE keys, which only a hostile or odd record has) sort theirs when
 * they end. Given up: the place of the second of two repeated keys in a large object is right, but
 * is found late.
 */
#include "format/json_read.h"

#include <stdlib.h>
#include <string.h>

#include "format/scan.h"

enum state {
    STATE_VALUE,       /* a value is due */
    STATE_FIRST_ITEM,  /* a value or ']' */
    STATE_FIRST_KEY,   /* a key or '}' */
    STATE_AFTER_VALUE, /* ',' or the container's end; at depth 0 the text's end */
    STATE_DONE,
    STATE_FAILED,
};

static const char *fault_text(enum tt_json_fault fault)
{
    switch (fault) {
    case TT_JSON_FAULT_END:
        return "the text ends in the middle";
    case TT_JSON_FAULT_TRAILING:
        return "there is text behind the value";
    case TT_JSON_FAULT_UTF8:
        return "invalid UTF-8";
    case TT_JSON_FAULT_SURROGATE:
        return "a surrogate escape without its other half";
    case TT_JSON_FAULT_DUPLICATE_KEY:
        return "the key is there twice";
    case TT_JSON_FAULT_DEPTH:
        return "nested too deeply";
    case TT_JSON_FAULT_SIZE:
        return "the text is too large";
    case TT_JSON_FAULT_NOMEM:
        return "out of memory";
    case TT_JSON_FAULT_NONE:
    case TT_JSON_FAULT_SYNTAX:
        break;
    }
    return "not JSON";
}

static enum tt_status fault_status(enum tt_json_fault fault)
{
    switch (fault) {
    case TT_JSON_FAULT_DEPTH:
    case TT_JSON_FAULT_SIZE:
        return TT_E_LIMIT;
    case TT_JSON_FAULT_NOMEM:
        return TT_E_NOMEM;
    case TT_JSON_FAULT_NONE:
    case TT_JSON_FAULT_SYNTAX:
    case TT_JSON_FAULT_END:
    case TT_JSON_FAULT_TRAILING:
    case TT_JSON_FAULT_UTF8:
    case TT_JSON_FAULT_SURROGATE:
    case TT_JSON_FAULT_DUPLICATE_KEY:
        break;
    }
    return TT_E_SYNTAX;
}

void tt_json_place(struct tt_str text, size_t offset, uint32_t *ret_line, uint32_t *ret_column)
{
    uint32_t line = 1;
    size_t start = 0;
    TT_ASSERT(offset <= text.size);
    for (size_t i = 0; i < offset; i++) {
        if (text.data[i] == '\n') {
            line++;
            start = i + 1;
        }
    }
    *ret_line = line;
    *ret_column = (uint32_t)(offset - start) + 1;
}

static __attribute__((cold, noinline)) enum tt_status report(const struct tt_json_reader *reader,
                                                             struct tt_error *err)
{
    struct tt_str text = {reader->begin, (size_t)(reader->end - reader->begin)};
    uint32_t line = 0, column = 0;
    if (err != NULL) {
        tt_json_place(text, reader->fault_offset, &line, &column);
    }
    return tt_fail_at(err, fault_status(reader->fault), line, column, reader->fault_offset, "%s",
                      fault_text(reader->fault));
}

/* Remembers the first fault; returns false for the scanners to pass on. */
static __attribute__((cold, noinline)) bool set_fault(struct tt_json_reader *reader,
                                                      enum tt_json_fault fault, const char *at)
{
    reader->fault = fault;
    reader->fault_offset = (uint32_t)(at - reader->begin);
    reader->state = STATE_FAILED;
    return false;
}

/* A fault at a byte, or END when there is no byte any more. */
static __attribute__((cold, noinline)) bool unexpected(struct tt_json_reader *reader,
                                                       const char *at)
{
    return set_fault(reader, at == reader->end ? TT_JSON_FAULT_END : TT_JSON_FAULT_SYNTAX, at);
}

void tt_json_reader_init(struct tt_json_reader *reader, struct tt_str text, struct tt_arena *arena)
{
    const char *begin = text.data != NULL ? text.data : "";
    reader->begin = begin;
    reader->at = begin;
    reader->end = begin + text.size;
    reader->arena = arena;
    reader->fault = TT_JSON_FAULT_NONE;
    reader->fault_offset = 0;
    reader->state = STATE_VALUE;
    reader->depth = 0;
    reader->objects = 0;
    reader->keys = reader->keys_inline;
    reader->key_count = 0;
    reader->key_capacity = TT_JSON_KEYS_INLINE;
    if (text.size > UINT32_MAX) {
        reader->end = begin;
        set_fault(reader, TT_JSON_FAULT_SIZE, begin);
    }
}

static inline const char *skip_space(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) {
        at++;
    }
    return at;
}

/* Size of the UTF-8 sequence at `at` (which is no ASCII byte), or 0 when it is invalid. */
static size_t utf8_size(const char *at, const char *end)
{
    const unsigned char *byte = (const unsigned char *)at;
    size_t rest = (size_t)(end - at);
    unsigned char low = 0x80, high = 0xbf;
    size_t size = 2;
    if (byte[0] < 0xc2 || byte[0] > 0xf4) {
        return 0;
    }
    if (byte[0] >= 0xf0) {
        size = 4;
        low = byte[0] == 0xf0 ? 0x90 : low;
        high = byte[0] == 0xf4 ? 0x8f : high;
    } else if (byte[0] >= 0xe0) {
        size = 3;
        low = byte[0] == 0xe0 ? 0xa0 : low;
        high = byte[0] == 0xed ? 0x9f : high;
    }
    if (rest < size || byte[1] < low || byte[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < size; i++) {
        if ((byte[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return size;
}

/* Marks the bytes of a word that do not stand for themselves in a string. */
static inline uint64_t string_stop(uint64_t word)
{
    return tt_scan_equal(word, '"') | tt_scan_equal(word, '\\') | tt_scan_below(word, 0x20) |
           (word & TT_SCAN_HIGH);
}

/* Moves *at over bytes that stand for themselves to a quote or backslash; false with the fault
 * set. */
static bool scan_plain(struct tt_json_reader *reader, const char **at)
{
    const char *p = *at;
    for (;;) {
        while (reader->end - p >= 8) {
            uint64_t stop = string_stop(tt_scan_load(p));
            if (stop != 0) {
                p += tt_scan_first(stop);
                break;
            }
            p += 8;
        }
        while (p < reader->end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 &&
               *p != '"' && *p != '\\') {
            p++;
        }
        if (p == reader->end || (unsigned char)*p < 0x20) {
            return unexpected(reader, p);
        }
        if ((unsigned char)*p < 0x80) {
            *at = p;
            return true;
        }
        size_t size = utf8_size(p, reader->end);
        if (size == 0) {
            return set_fault(reader, TT_JSON_FAULT_UTF8, p);
        }
        p += size;
    }
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Reads the four hex digits at *at and moves behind them. */
static bool scan_hex4(struct tt_json_reader *reader, const char **at, uint32_t *ret)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++, (*at)++) {
        int digit = *at < reader->end ? hex_value(**at) : -1;
        if (digit < 0) {
            return unexpected(reader, *at);
        }
        value = value * 16 + (uint32_t)digit;
    }
    *ret = value;
    return true;
}

static char *put_utf8(char *out, uint32_t code)
{
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xc0 | (code >> 6));
        *out++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *out++ = (char)(0xe0 | (code >> 12));
        *out++ = (char)(0x80 | ((code >> 6) & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    } else {
        *out++ = (char)(0xf0 | (code >> 18));
        *out++ = (char)(0x80 | ((code >> 12) & 0x3f));
        *out++ = (char)(0x80 | ((code >> 6) & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    }
    return out;
}

/* \uXXXX, with its second half when it is a surrogate; *at stands behind the 'u'. */
static bool unescape_unicode(struct tt_json_reader *reader, const char **at, char **out)
{
    const char *start = *at - 2;
    uint32_t code = 0, low = 0;
    if (!scan_hex4(reader, at, &code)) {
        return false;
    }
    if (code >= 0xdc00 && code <= 0xdfff) {
        return set_fault(reader, TT_JSON_FAULT_SURROGATE, start);
    }
    if (code >= 0xd800 && code <= 0xdbff) {
        if (reader->end - *at < 2) {
            const char *rest = *at;
            return *at == reader->end || *rest == '\\'
                       ? set_fault(reader, TT_JSON_FAULT_END, reader->end)
                       : set_fault(reader, TT_JSON_FAULT_SURROGATE, start);
        }
        if ((*at)[0] != '\\' || (*at)[1] != 'u') {
            return set_fault(reader, TT_JSON_FAULT_SURROGATE, start);
        }
        *at += 2;
        if (!scan_hex4(reader, at, &low)) {
            return false;
        }
        if (low < 0xdc00 || low > 0xdfff) {
            return set_fault(reader, TT_JSON_FAULT_SURROGATE, start);
        }
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    *out = put_utf8(*out, code);
    return true;
}

/* One escape; *at stands at the backslash. */
static bool unescape_one(struct tt_json_reader *reader, const char **at, char **out)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    const char *p = *at + 1;
    if (p == reader->end) {
        return unexpected(reader, p);
    }
    if (*p == 'u') {
        *at = p + 1;
        return unescape_unicode(reader, at, out);
    }
    const char *found = *p != '\0' ? strchr(from, *p) : NULL;
    if (found == NULL) {
        return unexpected(reader, p);
    }
    *(*out)++ = to[found - from];
    *at = p + 1;
    return true;
}

/* A string with escapes: `at` stands at the first backslash, start at the first byte. */
static bool scan_escaped(struct tt_json_reader *reader, const char *start, const char *at,
                         struct tt_str *ret)
{
    /* The closing quote bounds the result; an escape is never shorter than what it stands for. */
    const char *close = at;
    while (close < reader->end && *close != '"') {
        close += *close == '\\' && reader->end - close > 1 ? 2 : 1;
    }
    char *text = tt_arena_new(reader->arena, (size_t)(close - start) + 1);
    if (text == NULL) {
        return set_fault(reader, TT_JSON_FAULT_NOMEM, start);
    }
    char *out = text;
    const char *from = start;
    for (;;) {
        memcpy(out, from, (size_t)(at - from));
        out += at - from;
        if (*at == '"') {
            break;
        }
        if (!unescape_one(reader, &at, &out)) {
            return false;
        }
        from = at;
        if (!scan_plain(reader, &at)) {
            return false;
        }
    }
    *out = '\0';
    *ret = (struct tt_str){text, (size_t)(out - text)};
    reader->at = at + 1;
    return true;
}

/* A string; reader->at stands at its opening quote. */
static bool scan_string(struct tt_json_reader *reader, struct tt_str *ret)
{
    const char *start = reader->at + 1;
    const char *at = start;
    if (TT_LIKELY(reader->end - start >= 8)) {
        /* Most strings are short: the closing quote is in the first word. */
        uint64_t stop = string_stop(tt_scan_load(start));
        at += stop != 0 ? tt_scan_first(stop) : 0;
        if (stop != 0 && *at == '"') {
            *ret = (struct tt_str){start, (size_t)(at - start)};
            reader->at = at + 1;
            return true;
        }
    }
    if (!scan_plain(reader, &at)) {
        return false;
    }
    if (TT_UNLIKELY(*at == '\\')) {
        return scan_escaped(reader, start, at, ret);
    }
    *ret = (struct tt_str){start, (size_t)(at - start)};
    reader->at = at + 1;
    return true;
}

static inline bool is_digit(const char *at, const char *end)
{
    return at < end && *at >= '0' && *at <= '9';
}

static inline const char *skip_digits(const char *at, const char *end)
{
    while (is_digit(at, end)) {
        at++;
    }
    return at;
}

/* The end of the number at `at`, or NULL with *ret_bad where it breaks the grammar. */
static const char *number_end(const char *at, const char *end, const char **ret_bad)
{
    if (at < end && *at == '-') {
        at++;
    }
    *ret_bad = at;
    if (!is_digit(at, end)) {
        return NULL;
    }
    at = *at == '0' ? at + 1 : skip_digits(at, end);
    if (at < end && *at == '.') {
        *ret_bad = ++at;
        if (!is_digit(at, end)) {
            return NULL;
        }
        at = skip_digits(at, end);
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-')) {
            at++;
        }
        *ret_bad = at;
        if (!is_digit(at, end)) {
            return NULL;
        }
        at = skip_digits(at, end);
    }
    return at;
}

bool tt_json_is_number(struct tt_str text)
{
    const char *bad;
    return text.size > 0 &&
           number_end(text.data, text.data + text.size, &bad) == text.data + text.size;
}

static bool scan_number(struct tt_json_reader *reader, struct tt_str *ret)
{
    const char *bad = reader->at;
    const char *end = number_end(reader->at, reader->end, &bad);
    if (end == NULL) {
        return unexpected(reader, bad);
    }
    *ret = (struct tt_str){reader->at, (size_t)(end - reader->at)};
    reader->at = end;
    return true;
}

static bool scan_word(struct tt_json_reader *reader, const char *word)
{
    for (; *word != '\0'; word++, reader->at++) {
        if (reader->at == reader->end || *reader->at != *word) {
            return unexpected(reader, reader->at);
        }
    }
    return true;
}

/* Of first and last bytes and the size: different signatures mean different keys. */
static uint64_t key_signature(struct tt_str key)
{
    uint64_t head = 0, tail = 0;
    if (key.size >= 8) {
        memcpy(&head, key.data, 8);
        memcpy(&tail, key.data + key.size - 8, 8);
    } else if (key.size >= 4) {
        memcpy(&head, key.data, 4);
        memcpy(&tail, key.data + key.size - 4, 4);
    } else if (key.size > 0) {
        head = ((uint64_t)(unsigned char)key.data[0] << 16) |
               ((uint64_t)(unsigned char)key.data[key.size / 2] << 8) |
               (unsigned char)key.data[key.size - 1];
    }
    return (head + key.size) * UINT64_C(0x9e3779b97f4a7c15) ^ tail * UINT64_C(0xbf58476d1ce4e5b9);
}

static bool grow_keys(struct tt_json_reader *reader)
{
    uint32_t capacity = reader->key_capacity * 2;
    struct tt_json_key *keys = tt_arena_new_array(reader->arena, capacity, sizeof *keys);
    if (keys == NULL) {
        return set_fault(reader, TT_JSON_FAULT_NOMEM, reader->at);
    }
    memcpy(keys, reader->keys, reader->key_count * sizeof *keys);
    reader->keys = keys;
    reader->key_capacity = capacity;
    return true;
}

static inline bool same_key(const struct tt_json_key *a, const struct tt_json_key *b)
{
    return a->signature == b->signature && a->size == b->size &&
           memcmp(a->data, b->data, a->size) == 0;
}

/* Remembers a key of the innermost object; false when it is there already. */
static bool note_key(struct tt_json_reader *reader, struct tt_str key, uint32_t offset)
{
    uint32_t start = reader->key_start[reader->depth - 1];
    struct tt_json_key fresh = {key_signature(key), key.data, (uint32_t)key.size, offset};
    uint64_t bit = UINT64_C(1) << (fresh.signature >> 58);
    bool maybe = (reader->key_bits[reader->depth - 1] & bit) != 0;
    reader->key_bits[reader->depth - 1] |= bit;
    if (maybe && reader->key_count - start < TT_JSON_KEYS_INLINE) {
        for (uint32_t i = start; i < reader->key_count; i++) {
            if (TT_UNLIKELY(same_key(&reader->keys[i], &fresh))) {
                return set_fault(reader, TT_JSON_FAULT_DUPLICATE_KEY, reader->begin + offset);
            }
        }
    }
    if (reader->key_count == reader->key_capacity && !grow_keys(reader)) {
        return false;
    }
    reader->keys[reader->key_count++] = fresh;
    return true;
}

static int compare_keys(const void *left, const void *right)
{
    const struct tt_json_key *a = left, *b = right;
    if (a->signature != b->signature) {
        return a->signature < b->signature ? -1 : 1;
    }
    if (a->size != b->size) {
        return a->size < b->size ? -1 : 1;
    }
    int order = memcmp(a->data, b->data, a->size);
    return order != 0 ? order : (a->offset < b->offset ? -1 : 1);
}

/* Closes the innermost object's keys; false when a large object has one of them twice. */
static bool close_keys(struct tt_json_reader *reader)
{
    uint32_t start = reader->key_start[reader->depth - 1];
    uint32_t count = reader->key_count - start;
    struct tt_json_key *keys = reader->keys + start;
    uint32_t first = UINT32_MAX;
    reader->key_count = start;
    if (TT_LIKELY(count <= TT_JSON_KEYS_INLINE)) {
        return true;
    }
    qsort(keys, count, sizeof *keys, compare_keys);
    for (uint32_t i = 1; i < count; i++) {
        if (same_key(&keys[i - 1], &keys[i]) && keys[i].offset < first) {
            first = keys[i].offset;
        }
    }
    return first == UINT32_MAX ||
           set_fault(reader, TT_JSON_FAULT_DUPLICATE_KEY, reader->begin + first);
}

static bool open_container(struct tt_json_reader *reader, bool object)
{
    if (reader->depth == TT_JSON_DEPTH_MAX) {
        return set_fault(reader, TT_JSON_FAULT_DEPTH, reader->at);
    }
    uint64_t bit = UINT64_C(1) << reader->depth;
    reader->objects = object ? reader->objects | bit : reader->objects & ~bit;
    reader->key_start[reader->depth] = reader->key_count;
    reader->key_bits[reader->depth] = 0;
    reader->depth++;
    reader->at++;
    reader->state = object ? STATE_FIRST_KEY : STATE_FIRST_ITEM;
    return true;
}

static inline bool in_object(const struct tt_json_reader *reader)
{
    return ((reader->objects >> (reader->depth - 1)) & 1) != 0;
}

static bool close_container(struct tt_json_reader *reader, struct tt_json_token *ret)
{
    bool object = in_object(reader);
    if (object && !close_keys(reader)) {
        return false;
    }
    ret->kind = object ? TT_JSON_OBJECT_END : TT_JSON_ARRAY_END;
    ret->offset = (uint32_t)(reader->at - reader->begin);
    reader->depth--;
    reader->at++;
    reader->state = STATE_AFTER_VALUE;
    return true;
}

/* The key and colon before a member's value. */
static bool scan_key(struct tt_json_reader *reader, struct tt_json_token *ret)
{
    if (reader->at == reader->end || *reader->at != '"') {
        return unexpected(reader, reader->at);
    }
    ret->key_offset = (uint32_t)(reader->at - reader->begin);
    if (!scan_string(reader, &ret->key) || !note_key(reader, ret->key, ret->key_offset)) {
        return false;
    }
    reader->at = skip_space(reader->at, reader->end);
    if (reader->at == reader->end || *reader->at != ':') {
        return unexpected(reader, reader->at);
    }
    reader->at = skip_space(reader->at + 1, reader->end);
    return true;
}

static bool scan_value(struct tt_json_reader *reader, struct tt_json_token *ret)
{
    ret->offset = (uint32_t)(reader->at - reader->begin);
    if (reader->at == reader->end) {
        return unexpected(reader, reader->at);
    }
    reader->state = STATE_AFTER_VALUE;
    switch (*reader->at) {
    case '"':
        ret->kind = TT_JSON_STRING;
        return scan_string(reader, &ret->text);
    case '{':
        ret->kind = TT_JSON_OBJECT;
        return open_container(reader, true);
    case '[':
        ret->kind = TT_JSON_ARRAY;
        return open_container(reader, false);
    case 't':
        ret->kind = TT_JSON_BOOL;
        ret->boolean = true;
        return scan_word(reader, "true");
    case 'f':
        ret->kind = TT_JSON_BOOL;
        return scan_word(reader, "false");
    case 'n':
        ret->kind = TT_JSON_NULL;
        return scan_word(reader, "null");
    default:
        ret->kind = TT_JSON_NUMBER;
        return scan_number(reader, &ret->text);
    }
}

/* After a value: the end of the text, the end of the container, or the next item. */
static bool scan_after(struct tt_json_reader *reader, struct tt_json_token *ret)
{
    if (reader->depth == 0) {
        if (reader->at != reader->end) {
            return set_fault(reader, TT_JSON_FAULT_TRAILING, reader->at);
        }
        reader->state = STATE_DONE;
        ret->kind = TT_JSON_END;
        ret->offset = (uint32_t)(reader->at - reader->begin);
        return true;
    }
    if (reader->at == reader->end) {
        return unexpected(reader, reader->at);
    }
    bool object = in_object(reader);
    if (*reader->at == (object ? '}' : ']')) {
        return close_container(reader, ret);
    }
    if (*reader->at != ',') {
        return unexpected(reader, reader->at);
    }
    reader->at = skip_space(reader->at + 1, reader->end);
    return (!object || scan_key(reader, ret)) && scan_value(reader, ret);
}

static bool scan_token(struct tt_json_reader *reader, struct tt_json_token *ret)
{
    switch ((enum state)reader->state) {
    case STATE_AFTER_VALUE:
        return scan_after(reader, ret);
    case STATE_VALUE:
        return scan_value(reader, ret);
    case STATE_FIRST_KEY:
        if (reader->at < reader->end && *reader->at == '}') {
            return close_container(reader, ret);
        }
        return scan_key(reader, ret) && scan_value(reader, ret);
    case STATE_FIRST_ITEM:
        if (reader->at < reader->end && *reader->at == ']') {
            return close_container(reader, ret);
        }
        return scan_value(reader, ret);
    case STATE_DONE:
        ret->kind = TT_JSON_END;
        ret->offset = (uint32_t)(reader->end - reader->begin);
        return true;
    case STATE_FAILED:
        break;
    }
    return false;
}

enum tt_status tt_json_next(struct tt_json_reader *reader, struct tt_json_token *ret,
                            struct tt_error *err)
{
    *ret = (struct tt_json_token){0};
    reader->at = skip_space(reader->at, reader->end);
    if (TT_LIKELY(scan_token(reader, ret))) {
        return TT_OK;
    }
    return report(reader, err);
}

enum tt_status tt_json_skip(struct tt_json_reader *reader, const struct tt_json_token *token,
                            struct tt_error *err)
{
    if (token->kind != TT_JSON_OBJECT && token->kind != TT_JSON_ARRAY) {
        return TT_OK;
    }
    TT_ASSERT(reader->depth > 0 || reader->state == STATE_FAILED);
    uint32_t depth = reader->depth;
    struct tt_json_token inner;
    do {
        enum tt_status status = tt_json_next(reader, &inner, err);
        if (status != TT_OK) {
            return status;
        }
    } while (reader->depth >= depth);
    return TT_OK;
}

struct tt_str tt_json_raw(const struct tt_json_reader *reader, const struct tt_json_token *token)
{
    const char *start = reader->begin + token->offset;
    return (struct tt_str){start, (size_t)(reader->at - start)};
}
