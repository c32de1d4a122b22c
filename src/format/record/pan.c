/*
 * Card numbers in text (pan.h).
 *
 * Digits fall into groups with spaces or dashes between them. A number may begin and end at any
 * group's border, so that "4111 1111 1111 1111 123" (a number and its check value) is found too;
 * the longest candidate at a border wins. At most 19 digits are looked at from each border: linear
 * in the text.
 */
#include "format/record/pan.h"

#include <string.h>

#define DIGITS_MIN 13
#define DIGITS_MAX 19
#define SEPARATORS_MAX 3
#define ESCAPE_SIZE 6 /* \u0034 */
#define UUID_SIZE 36
#define LETTERS_MIN 2 /* of a UUID or hash: one in a million has fewer */

/* A digit at that place: '4', or its JSON escape. Returns its size, or 0. */
static size_t digit_at(struct tt_str text, size_t at, bool escapes, unsigned *ret_value)
{
    if (at >= text.size) {
        return 0;
    }
    char c = text.data[at];
    if (c >= '0' && c <= '9') {
        *ret_value = (unsigned)(c - '0');
        return 1;
    }
    if (escapes && c == '\\' && text.size - at >= ESCAPE_SIZE &&
        memcmp(text.data + at, "\\u003", ESCAPE_SIZE - 1) == 0) {
        char last = text.data[at + ESCAPE_SIZE - 1];
        if (last >= '0' && last <= '9') {
            *ret_value = (unsigned)(last - '0');
            return ESCAPE_SIZE;
        }
    }
    return 0;
}

static bool luhn_is_right(const uint8_t *digits, unsigned count)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned digit = digits[count - 1 - i];
        if (i % 2 == 1) {
            digit *= 2;
            digit -= digit > 9 ? 9 : 0;
        }
        sum += digit;
    }
    return sum % 10 == 0;
}

/* How many separators stand at that place. */
static size_t separators_at(struct tt_str text, size_t at)
{
    size_t count = 0;
    while (at + count < text.size && count <= SEPARATORS_MAX &&
           (text.data[at + count] == ' ' || text.data[at + count] == '-')) {
        count++;
    }
    return count;
}

/* The longest card number that begins at `start`, the first digit of a group: its size in bytes, or
 * 0. */
static size_t number_at(struct tt_str text, size_t start, bool escapes)
{
    uint8_t digits[DIGITS_MAX];
    unsigned count = 0;
    size_t at = start, best = 0;
    for (;;) {
        unsigned value = 0;
        size_t size = digit_at(text, at, escapes, &value);
        if (size == 0) {
            return best; /* only separators can follow a group's last digit here */
        }
        if (count == DIGITS_MAX) {
            return best;
        }
        digits[count++] = (uint8_t)value;
        at += size;
        size = digit_at(text, at, escapes, &value);
        if (size > 0) {
            continue;
        }
        if (count >= DIGITS_MIN && luhn_is_right(digits, count)) {
            best = at - start;
        }
        size_t gap = separators_at(text, at);
        if (gap == 0 || gap > SEPARATORS_MAX) {
            return best;
        }
        at += gap;
    }
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The size of a UUID that begins here, or 0. */
static size_t uuid_at(struct tt_str text, size_t at, unsigned *ret_letters)
{
    *ret_letters = 0;
    if (text.size - at < UUID_SIZE || text.data[at + 8] != '-') {
        return 0;
    }
    for (size_t i = 0; i < UUID_SIZE; i++) {
        char c = text.data[at + i];
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? c != '-' : !is_hex(c)) {
            return 0;
        }
        *ret_letters += is_letter(c) ? 1 : 0;
    }
    return UUID_SIZE;
}

/* The size of a word of hexadecimal digits that begins here, when it is a usual size of hashes and
 * of UUIDs without dashes; else 0. */
static size_t hash_at(struct tt_str text, size_t at, unsigned *ret_letters)
{
    size_t size = 0;
    *ret_letters = 0;
    while (at + size < text.size && is_hex(text.data[at + size])) {
        *ret_letters += is_letter(text.data[at + size]) ? 1 : 0;
        size++;
    }
    bool ends = at + size == text.size || !is_letter(text.data[at + size]);
    return ends && (size == 32 || size == 40 || size == 64 || size == 96 || size == 128) ? size : 0;
}

/* Ids made by machines have runs of digits too. Where a UUID or hash with some letters begins, its
 * size: whatever its digits add up to, it is no card number. */
static size_t machine_id_at(struct tt_str text, size_t at)
{
    unsigned letters = 0;
    bool inside = at > 0 && (is_letter(text.data[at - 1]) || is_hex(text.data[at - 1]));
    if (inside || !is_hex(text.data[at])) {
        return 0;
    }
    size_t size = uuid_at(text, at, &letters);
    if (size == 0) {
        size = hash_at(text, at, &letters);
    }
    return letters >= LETTERS_MIN ? size : 0;
}

static bool find(struct tt_str text, bool escapes, size_t *offset, size_t *ret_size)
{
    size_t at = *offset;
    bool inside = false; /* of a group */
    while (at < text.size) {
        unsigned value = 0;
        size_t size = digit_at(text, at, escapes, &value);
        size_t skip = inside ? 0 : machine_id_at(text, at);
        if (skip > 0) {
            at += skip;
            continue;
        }
        if (size > 0 && !inside) {
            *ret_size = number_at(text, at, escapes);
            if (*ret_size > 0) {
                *offset = at;
                return true;
            }
        }
        inside = size > 0;
        at += size > 0 ? size : 1;
    }
    return false;
}

bool tt_pan_find(struct tt_str text, size_t *offset, size_t *ret_size)
{
    return text.size >= DIGITS_MIN && find(text, false, offset, ret_size);
}

/* Overwrites the digits of a number but for the first six and the last four. */
static void mask_number(char *data, size_t size)
{
    struct tt_str text = {data, size};
    unsigned count = 0, index = 0, value = 0;
    for (size_t at = 0; at < size;) {
        size_t step = digit_at(text, at, true, &value);
        count += step > 0 ? 1 : 0;
        at += step > 0 ? step : 1;
    }
    for (size_t at = 0; at < size;) {
        size_t step = digit_at(text, at, true, &value);
        if (step > 0) {
            if (index >= 6 && index < count - 4) {
                memset(data + at, '*', step);
            }
            index++;
        }
        at += step > 0 ? step : 1;
    }
}

uint32_t tt_pan_mask(char *data, size_t size)
{
    struct tt_str text = {data, size};
    uint32_t count = 0;
    size_t at = 0, found = 0;
    if (size < DIGITS_MIN) {
        return 0;
    }
    while (find(text, true, &at, &found)) {
        mask_number(data + at, found);
        at += found;
        count++;
    }
    return count;
}

/* "tok_" and the keyed hash of the digits alone, so that spacing does not matter. */
static void append_token(const struct tt_hash_key *key, struct tt_str number, bool digits_only,
                         struct tt_buf *buf)
{
    char digits[DIGITS_MAX], hex[33];
    struct tt_str text = number;
    if (digits_only) {
        text = (struct tt_str){digits, 0};
        for (size_t i = 0; i < number.size && text.size < DIGITS_MAX; i++) {
            if (number.data[i] >= '0' && number.data[i] <= '9') {
                digits[text.size++] = number.data[i];
            }
        }
    }
    tt_hash128_hex(tt_hash128(key, text.data, text.size), hex);
    tt_buf_append(buf, "tok_", 4);
    tt_buf_append(buf, hex, 32);
}

enum tt_status tt_pan_tokenise(const struct tt_hash_key *key, struct tt_str text, size_t size_max,
                               struct tt_arena *arena, struct tt_str *ret_text, uint32_t *ret_count)
{
    size_t at = 0, size = 0, done = 0;
    *ret_count = 0;
    *ret_text = text;
    if (!tt_pan_find(text, &at, &size)) {
        return TT_OK;
    }
    struct tt_alloc alloc = tt_arena_alloc(arena);
    struct tt_buf buf;
    tt_buf_init(&buf, &alloc, text.size * 4 + 64);
    do {
        tt_buf_append(&buf, text.data + done, at - done);
        append_token(key, (struct tt_str){text.data + at, size}, true, &buf);
        (*ret_count)++;
        at += size;
        done = at;
    } while (tt_pan_find(text, &at, &size));
    tt_buf_append(&buf, text.data + done, text.size - done);
    if (buf.status == TT_OK && buf.size > size_max) {
        tt_buf_clear(&buf);
        append_token(key, text, false, &buf);
    }
    if (buf.status != TT_OK) {
        return TT_E_NOMEM;
    }
    *ret_text = tt_buf_str(&buf); /* in the arena, like the buffer */
    return TT_OK;
}
