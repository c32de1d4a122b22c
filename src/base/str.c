/* String views: comparison, cutting, UTF-8 and spelling distance. Nothing here allocates. */
#include "base/str.h"

#include <string.h>

struct tt_str tt_str_from(const char *text)
{
    return (struct tt_str){text, text != NULL ? strlen(text) : 0};
}

bool tt_str_equal(struct tt_str a, struct tt_str b)
{
    if (a.size != b.size || (a.data == NULL) != (b.data == NULL)) {
        return false;
    }
    return a.size == 0 || memcmp(a.data, b.data, a.size) == 0;
}

bool tt_str_equal_text(struct tt_str a, const char *text)
{
    return tt_str_equal(a, tt_str_from(text));
}

int tt_str_compare(struct tt_str a, struct tt_str b)
{
    if (a.data == NULL || b.data == NULL) {
        return (a.data != NULL) - (b.data != NULL);
    }
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common > 0 ? memcmp(a.data, b.data, common) : 0;
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

bool tt_str_starts_with(struct tt_str str, struct tt_str prefix)
{
    return str.size >= prefix.size &&
           (prefix.size == 0 || memcmp(str.data, prefix.data, prefix.size) == 0);
}

bool tt_str_ends_with(struct tt_str str, struct tt_str suffix)
{
    return str.size >= suffix.size &&
           (suffix.size == 0 ||
            memcmp(str.data + (str.size - suffix.size), suffix.data, suffix.size) == 0);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct tt_str tt_str_trim(struct tt_str str)
{
    while (str.size > 0 && is_space(str.data[0])) {
        str.data++;
        str.size--;
    }
    while (str.size > 0 && is_space(str.data[str.size - 1])) {
        str.size--;
    }
    return str;
}

struct tt_str tt_str_split(struct tt_str *rest, char separator)
{
    struct tt_str part = *rest;
    const char *cut = part.size > 0 ? memchr(part.data, separator, part.size) : NULL;
    if (cut == NULL) {
        *rest = (struct tt_str){NULL, 0};
        return part;
    }
    part.size = (size_t)(cut - part.data);
    *rest = (struct tt_str){cut + 1, rest->size - part.size - 1};
    return part;
}

/* Length of the valid sequence of two to four bytes at the start of s, or 0. The second byte's
 * range depends on the first: that is what shuts out overlong forms, surrogates and > U+10FFFF. */
static size_t utf8_sequence(const unsigned char *s, size_t size)
{
    unsigned char lead = s[0];
    size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || size < length) {
        return 0;
    }
    unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (s[1] < low || s[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return length;
}

size_t tt_str_utf8_check(struct tt_str str)
{
    const unsigned char *s = (const unsigned char *)str.data;
    size_t i = 0;
    while (i < str.size) {
        uint64_t word;
        if (str.size - i >= sizeof word) {
            memcpy(&word, s + i, sizeof word);
            if ((word & UINT64_C(0x8080808080808080)) == 0) {
                i += sizeof word;
                continue;
            }
        }
        size_t length = s[i] < 0x80 ? 1 : utf8_sequence(s + i, str.size - i);
        if (length == 0) {
            return i;
        }
        i += length;
    }
    return str.size;
}

#define DISTANCE_SIZE_MAX 128

/* Takes what both have in common off the ends: it does not change the distance. */
static void strip_common(struct tt_str *a, struct tt_str *b)
{
    while (a->size > 0 && b->size > 0 && a->data[0] == b->data[0]) {
        a->data++;
        b->data++;
        a->size--;
        b->size--;
    }
    while (a->size > 0 && b->size > 0 && a->data[a->size - 1] == b->data[b->size - 1]) {
        a->size--;
        b->size--;
    }
}

/* Row i of the edit matrix, for the i-th byte of a; returns its minimum. Rows have b.size + 1 entries; the one
 * before the last is needed for swapped neighbours. */
static size_t next_row(size_t *row, const size_t *last, const size_t *before, const char *at,
                       bool first, struct tt_str b)
{
    size_t least = row[0] = last[0] + 1;
    for (size_t j = 1; j <= b.size; j++) {
        size_t replaced = last[j - 1] + (b.data[j - 1] != *at);
        size_t shorter = (row[j - 1] < last[j] ? row[j - 1] : last[j]) + 1;
        row[j] = replaced < shorter ? replaced : shorter;
        if (!first && j > 1 && b.data[j - 2] == *at && b.data[j - 1] == at[-1] &&
            before[j - 2] + 1 < row[j]) {
            row[j] = before[j - 2] + 1;
        }
        least = row[j] < least ? row[j] : least;
    }
    return least;
}

size_t tt_str_distance(struct tt_str a, struct tt_str b, size_t limit)
{
    strip_common(&a, &b);
    if (a.size < b.size) {
        struct tt_str swap = a;
        a = b;
        b = swap;
    }
    if (a.size - b.size >= limit || b.size > DISTANCE_SIZE_MAX) {
        return limit;
    }
    size_t rows[3][DISTANCE_SIZE_MAX + 1];
    for (size_t j = 0; j <= b.size; j++) {
        rows[0][j] = j;
    }
    size_t *row = rows[0];
    for (size_t i = 1; i <= a.size; i++) {
        row = rows[i % 3];
        if (next_row(row, rows[(i + 2) % 3], rows[(i + 1) % 3], a.data + i - 1, i == 1, b) >=
            limit) {
            return limit;
        }
    }
    return row[b.size] < limit ? row[b.size] : limit;
}

const char *tt_str_nearest(struct tt_str name, const char *const *candidates, size_t count)
{
    const char *nearest = NULL;
    size_t limit = (name.size / 3 > 1 ? name.size / 3 : 1) + 1;
    for (size_t i = 0; i < count; i++) {
        size_t distance = tt_str_distance(name, tt_str_from(candidates[i]), limit);
        if (distance < limit) {
            limit = distance;
            nearest = candidates[i];
        }
    }
    return nearest;
}
