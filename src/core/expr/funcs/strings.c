/*
 * The extension library of texts: places count code points, as size does.
 *
 * Source: the published definition of CEL's strings extension.
 */
#include <string.h>

#include "core/expr/funcs/impl.h"
#include "core/expr/made.h"

#define BYTES_PER_COST 16

static bool is_start(char c)
{
    return ((unsigned char)c & 0xC0) != 0x80;
}

static int64_t count_points(struct tt_str text)
{
    int64_t count = 0;
    for (size_t i = 0; i < text.size; i++) {
        count += is_start(text.data[i]) ? 1 : 0;
    }
    return count;
}

/* The byte at which a code point begins; its count is the end. False: there is no such place. */
static bool find_point(struct tt_str text, int64_t point, size_t *ret)
{
    size_t at = 0;
    if (point < 0) {
        return false;
    }
    for (; at < text.size; at++) {
        if (is_start(text.data[at]) && point-- == 0) {
            break;
        }
    }
    *ret = at;
    return at < text.size || point == 0;
}

/* The size of the code point at a byte. */
static size_t point_size(struct tt_str text, size_t at)
{
    size_t size = 1;
    while (at + size < text.size && !is_start(text.data[at + size])) {
        size++;
    }
    return size;
}

static void add_cost(struct tt_call *call, struct tt_str text)
{
    call->cost += text.size / BYTES_PER_COST;
}

static struct tt_value view(struct tt_str text, size_t from, size_t to)
{
    return tt_value_text((struct tt_str){text.data + from, to - from});
}

IMPL(tt_fn_char_at)
{
    struct tt_str text = args[0]->text;
    size_t at = 0;
    add_cost(call, text);
    if (!find_point(text, args[1]->integer, &at)) {
        *ret = tt_value_none(TT_VALUE_RANGE);
    } else {
        *ret = view(text, at, at < text.size ? at + point_size(text, at) : at);
    }
}

static bool matches_at(struct tt_str text, size_t at, struct tt_str part)
{
    return part.size == 0 || memcmp(text.data + at, part.data, part.size) == 0;
}

/* The first place from `from` on, or the last up to it, in code points; -1 when there is none. */
static void search(struct tt_call *call, const struct tt_value *const *args, int64_t from,
                   bool forward, struct tt_value *ret)
{
    struct tt_str text = args[0]->text;
    struct tt_str part = args[1]->text;
    size_t at = 0;
    call->cost += text.size * (part.size / BYTES_PER_COST + 1) / BYTES_PER_COST;
    if (!find_point(text, from, &at)) {
        *ret = tt_value_none(TT_VALUE_RANGE);
        return;
    }
    *ret = tt_value_int(-1);
    for (;; at += forward ? 1 : (size_t)-1) {
        bool fits = at + part.size <= text.size;
        if (fits && matches_at(text, at, part)) {
            *ret = tt_value_int(count_points((struct tt_str){text.data, at}));
            return;
        }
        if (forward ? !fits : at == 0) {
            return;
        }
    }
}

IMPL(tt_fn_index_of)
{
    search(call, args, 0, true, ret);
}

IMPL(tt_fn_index_of_from)
{
    search(call, args, args[2]->integer, true, ret);
}

IMPL(tt_fn_last_index_of)
{
    search(call, args, count_points(args[0]->text), false, ret);
}

IMPL(tt_fn_last_index_of_from)
{
    search(call, args, args[2]->integer, false, ret);
}

static void substring(struct tt_call *call, struct tt_str text, int64_t from, int64_t to,
                      struct tt_value *ret)
{
    size_t start = 0;
    size_t end = 0;
    add_cost(call, text);
    bool fits = from <= to && find_point(text, from, &start) && find_point(text, to, &end);
    *ret = fits ? view(text, start, end) : tt_value_none(TT_VALUE_RANGE);
}

IMPL(tt_fn_substring)
{
    substring(call, args[0]->text, args[1]->integer, count_points(args[0]->text), ret);
}

IMPL(tt_fn_substring_to)
{
    substring(call, args[0]->text, args[1]->integer, args[2]->integer, ret);
}

/* The code point at a byte, for those of at most three bytes. */
static uint32_t decode(struct tt_str text, size_t at)
{
    const unsigned char *bytes = (const unsigned char *)text.data + at;
    size_t size = point_size(text, at);
    if (size == 1) {
        return bytes[0];
    }
    if (size == 2) {
        return (bytes[0] & 0x1Fu) << 6 | (bytes[1] & 0x3Fu);
    }
    return size == 3 ? (bytes[0] & 0x0Fu) << 12 | (bytes[1] & 0x3Fu) << 6 | (bytes[2] & 0x3Fu)
                     : UINT32_MAX;
}

/* White space of Unicode. */
static bool is_space(uint32_t point)
{
    return (point >= 9 && point <= 13) || point == ' ' || point == 0x85 || point == 0xA0 ||
           point == 0x1680 || (point >= 0x2000 && point <= 0x200A) || point == 0x2028 ||
           point == 0x2029 || point == 0x202F || point == 0x205F || point == 0x3000;
}

IMPL(tt_fn_trim)
{
    struct tt_str text = args[0]->text;
    size_t start = 0;
    size_t end = text.size;
    add_cost(call, text);
    while (start < end && is_space(decode(text, start))) {
        start += point_size(text, start);
    }
    while (end > start) {
        size_t last = end - 1;
        while (last > start && !is_start(text.data[last])) {
            last--;
        }
        if (!is_space(decode((struct tt_str){text.data, end}, last))) {
            break;
        }
        end = last;
    }
    *ret = view(text, start, end);
}

IMPL(tt_fn_reverse_string)
{
    struct tt_str text = args[0]->text;
    char *out = tt_call_text(call, text.size, ret);
    size_t to = text.size;
    add_cost(call, text);
    for (size_t at = 0; out != NULL && at < text.size;) {
        size_t size = point_size(text, at);
        to -= size;
        memcpy(out + to, text.data + at, size);
        at += size;
    }
}

/* Where the part stands from `at` on, or the text's size; an empty part stands everywhere. */
static size_t next_place(struct tt_str text, size_t at, struct tt_str part)
{
    if (part.size == 0 || at >= text.size) {
        return at < text.size ? at : text.size;
    }
    const char *found = memmem(text.data + at, text.size - at, part.data, part.size);
    return found == NULL ? text.size : (size_t)(found - text.data);
}

/* Walks over the text with up to `limit` replacements, writing to out unless it is NULL; returns
 * the size of the result. */
static size_t replace_into(struct tt_str text, struct tt_str old, struct tt_str new, int64_t limit,
                           char *out)
{
    size_t size = 0;
    size_t at = 0;
    for (; limit != 0; limit--) {
        size_t place = next_place(text, at, old);
        bool found = place + old.size <= text.size && (old.size == 0 || place < text.size);
        size_t gap = (found ? place : text.size) - at;
        if (out != NULL && gap > 0) {
            memcpy(out + size, text.data + at, gap);
        }
        size += gap;
        at += gap;
        if (!found) {
            return size;
        }
        if (out != NULL && new.size > 0) {
            memcpy(out + size, new.data, new.size);
        }
        size += new.size;
        at += old.size;
        if (old.size == 0) { /* between any two code points */
            if (at >= text.size) {
                return size;
            }
            size_t step = point_size(text, at);
            if (out != NULL) {
                memcpy(out + size, text.data + at, step);
            }
            size += step;
            at += step;
        }
    }
    if (out != NULL && at < text.size) {
        memcpy(out + size, text.data + at, text.size - at);
    }
    return size + text.size - at;
}

static void replace(struct tt_call *call, const struct tt_value *const *args, int64_t limit,
                    struct tt_value *ret)
{
    struct tt_str text = args[0]->text;
    size_t size = replace_into(text, args[1]->text, args[2]->text, limit, NULL);
    call->cost += (text.size + size) / BYTES_PER_COST;
    char *out = size > TT_EXPR_HEAP_SIZE ? NULL : tt_call_text(call, size, ret);
    if (out == NULL) {
        *ret = tt_value_none(TT_VALUE_SPACE);
        return;
    }
    (void)replace_into(text, args[1]->text, args[2]->text, limit, out);
}

IMPL(tt_fn_replace)
{
    replace(call, args, -1, ret);
}

IMPL(tt_fn_replace_limit)
{
    replace(call, args, args[3]->integer, ret);
}

/* The pieces between separators, at most `limit` (< 0: all); an empty separator cuts into code
 * points. With made NULL only counts them. */
static size_t split_into(struct tt_str text, struct tt_str separator, int64_t limit,
                         struct tt_value *made)
{
    size_t count = 0;
    size_t at = 0;
    while (limit != 0 && (separator.size > 0 || at < text.size)) {
        bool is_last = limit > 0 && (int64_t)count + 1 == limit;
        size_t end = text.size;
        size_t next = text.size;
        if (!is_last && separator.size == 0) {
            end = next = at + point_size(text, at);
        } else if (!is_last) {
            end = next_place(text, at, separator);
            next = end + separator.size;
        }
        if (made != NULL) {
            struct tt_value piece = view(text, at, end);
            tt_made_add(made, &piece);
        }
        count++;
        if (end == text.size) {
            break;
        }
        at = next;
        if (at == text.size && separator.size > 0) { /* it ended in a separator */
            struct tt_value piece = view(text, at, at);
            if (made != NULL) {
                tt_made_add(made, &piece);
            }
            return count + 1;
        }
    }
    return count;
}

static void split(struct tt_call *call, const struct tt_value *const *args, int64_t limit,
                  struct tt_value *ret)
{
    size_t count = split_into(args[0]->text, args[1]->text, limit, NULL);
    call->cost += args[0]->text.size / BYTES_PER_COST + count;
    *ret = tt_made_new(call, TT_TYPE_LIST, count);
    if (ret->type != TT_TYPE_NONE) {
        (void)split_into(args[0]->text, args[1]->text, limit, ret);
    }
}

IMPL(tt_fn_split)
{
    split(call, args, -1, ret);
}

IMPL(tt_fn_split_limit)
{
    split(call, args, args[2]->integer, ret);
}

static void join(struct tt_call *call, const struct tt_list *list, struct tt_str separator,
                 struct tt_value *ret)
{
    size_t size = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->items[i].type != TT_TYPE_STRING) {
            *ret = tt_value_none(TT_VALUE_TYPE);
            return;
        }
        size += list->items[i].text.size + (i == 0 ? 0 : separator.size);
    }
    call->cost += size / BYTES_PER_COST + list->count / 8;
    char *out = tt_call_text(call, size, ret);
    for (uint32_t i = 0; out != NULL && i < list->count; i++) {
        struct tt_str text = list->items[i].text;
        if (i > 0 && separator.size > 0) {
            memcpy(out, separator.data, separator.size);
            out += separator.size;
        }
        if (text.size > 0) {
            memcpy(out, text.data, text.size);
            out += text.size;
        }
    }
}

IMPL(tt_fn_join)
{
    join(call, args[0]->list, TT_STR(""), ret);
}

IMPL(tt_fn_join_with)
{
    join(call, args[0]->list, args[1]->text, ret);
}

IMPL(tt_fn_quote)
{
    static const char special[] = "\a\b\f\n\r\t\v\\\"";
    static const char letters[] = "abfnrtv\\\"";
    struct tt_str text = args[0]->text;
    char *out = tt_call_text(call, text.size * 2 + 2, ret);
    size_t size = 0;
    add_cost(call, text);
    if (out == NULL) {
        return;
    }
    out[size++] = '"';
    for (size_t i = 0; i < text.size; i++) {
        const char *found = text.data[i] == '\0' ? NULL : strchr(special, text.data[i]);
        if (found != NULL) {
            out[size++] = '\\';
        }
        out[size++] = found != NULL ? letters[found - special] : text.data[i];
    }
    out[size++] = '"';
    ret->text.size = size;
}
