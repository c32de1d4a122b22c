/* The JSON writer: see json_write.h. Strings are copied in runs between bytes that need an
 * escape. */
#include "format/json_write.h"

#include <string.h>

#include "base/number.h"
#include "base/timetext.h"
#include "format/scan.h"

void tt_json_writer_init(struct tt_json_writer *writer, struct tt_buf *buf)
{
    *writer = (struct tt_json_writer){.buf = buf};
}

/* Appends without a call where there is room: most pieces are a few bytes. */
static inline void put(struct tt_buf *buf, const char *data, size_t size)
{
    if (TT_LIKELY(buf->status == TT_OK && size < buf->capacity - buf->size)) {
        memcpy(buf->data + buf->size, data, size);
        buf->size += size;
        buf->data[buf->size] = '\0';
        return;
    }
    tt_buf_append(buf, data, size);
}

/* What comes before a value: a comma between two items; a member's key brought its own. */
static void before_value(struct tt_json_writer *writer)
{
    if (writer->keyed) {
        writer->keyed = false;
        return;
    }
    if (writer->depth == 0) {
        return;
    }
    uint32_t bit = UINT32_C(1) << (writer->depth - 1);
    TT_ASSERT((writer->objects & bit) == 0);
    if ((writer->started & bit) != 0) {
        put(writer->buf, ",", 1);
    }
    writer->started |= bit;
}

static void begin(struct tt_json_writer *writer, bool object)
{
    before_value(writer);
    TT_ASSERT(writer->depth < TT_JSON_DEPTH_WRITE_MAX);
    uint32_t bit = UINT32_C(1) << writer->depth;
    writer->objects = object ? writer->objects | bit : writer->objects & ~bit;
    writer->started &= ~bit;
    writer->depth++;
    put(writer->buf, object ? "{" : "[", 1);
}

static void end(struct tt_json_writer *writer, bool object)
{
    TT_ASSERT(writer->depth > 0 && !writer->keyed);
    writer->depth--;
    TT_ASSERT(((writer->objects >> writer->depth) & 1) == (object ? 1u : 0u));
    put(writer->buf, object ? "}" : "]", 1);
}

void tt_json_object_begin(struct tt_json_writer *writer)
{
    begin(writer, true);
}

void tt_json_object_end(struct tt_json_writer *writer)
{
    end(writer, true);
}

void tt_json_array_begin(struct tt_json_writer *writer)
{
    begin(writer, false);
}

void tt_json_array_end(struct tt_json_writer *writer)
{
    end(writer, false);
}

/* How many bytes at data stand for themselves: no escape, no byte above ASCII. */
static size_t plain_size(const char *data, size_t size)
{
    size_t i = 0;
    for (; size - i >= 8; i += 8) {
        uint64_t word = tt_scan_load(data + i);
        uint64_t stop = tt_scan_equal(word, '"') | tt_scan_equal(word, '\\') |
                        tt_scan_below(word, 0x20) | (word & TT_SCAN_HIGH);
        if (stop != 0) {
            return i + tt_scan_first(stop);
        }
    }
    while (i < size && (unsigned char)data[i] >= 0x20 && (unsigned char)data[i] < 0x80 &&
           data[i] != '"' && data[i] != '\\') {
        i++;
    }
    return i;
}

static void escape_byte(struct tt_buf *buf, char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char from[] = "\"\\\b\f\n\r\t";
    static const char to[] = "\"\\bfnrt";
    char text[6] = {
        '\\', 'u', '0', '0', hex[((unsigned char)c >> 4) & 15], hex[(unsigned char)c & 15]};
    const char *found = c != '\0' ? strchr(from, c) : NULL;
    if (found != NULL) {
        text[1] = to[found - from];
        put(buf, text, 2);
        return;
    }
    put(buf, text, 6);
}

/* The next piece of a text: plain bytes, one escape, a run above ASCII, or one replaced byte.
 * Returns how many bytes it took. */
static size_t quote_piece(struct tt_buf *buf, struct tt_str text)
{
    size_t size = plain_size(text.data, text.size);
    if (size > 0) {
        put(buf, text.data, size);
        return size;
    }
    if ((unsigned char)text.data[0] < 0x80) {
        escape_byte(buf, text.data[0]);
        return 1;
    }
    size_t run = 1;
    while (run < text.size && (unsigned char)text.data[run] >= 0x80) {
        run++;
    }
    size = tt_str_utf8_check((struct tt_str){text.data, run});
    if (size > 0) {
        put(buf, text.data, size);
        return size;
    }
    put(buf, "\xef\xbf\xbd", 3);
    return 1;
}

void tt_json_quote(struct tt_buf *buf, struct tt_str text)
{
    size_t plain = plain_size(text.data, text.size);
    char *to = plain == text.size ? tt_buf_reserve(buf, plain + 2) : NULL;
    if (TT_LIKELY(to != NULL)) {
        to[0] = '"';
        if (plain > 0) {
            memcpy(to + 1, text.data, plain);
        }
        to[plain + 1] = '"';
        buf->size += plain + 2;
        buf->data[buf->size] = '\0';
        return;
    }
    put(buf, "\"", 1);
    while (text.size > 0) {
        size_t size = quote_piece(buf, text);
        text.data += size;
        text.size -= size;
    }
    put(buf, "\"", 1);
}

void tt_json_key_str(struct tt_json_writer *writer, struct tt_str key)
{
    TT_ASSERT(writer->depth > 0 && !writer->keyed);
    uint32_t bit = UINT32_C(1) << (writer->depth - 1);
    TT_ASSERT((writer->objects & bit) != 0);
    if ((writer->started & bit) != 0) {
        put(writer->buf, ",", 1);
    }
    writer->started |= bit;
    tt_json_quote(writer->buf, key);
    put(writer->buf, ":", 1);
    writer->keyed = true;
}

void tt_json_key(struct tt_json_writer *writer, const char *key)
{
    tt_json_key_str(writer, tt_str_from(key));
}

void tt_json_string(struct tt_json_writer *writer, struct tt_str text)
{
    before_value(writer);
    if (text.data == NULL) {
        put(writer->buf, "null", 4);
        return;
    }
    tt_json_quote(writer->buf, text);
}

void tt_json_text(struct tt_json_writer *writer, const char *text)
{
    tt_json_string(writer, tt_str_from(text));
}

void tt_json_double(struct tt_json_writer *writer, double value)
{
    char text[TT_NUMBER_TEXT_SIZE];
    if (!__builtin_isfinite(value)) {
        tt_json_null(writer);
        return;
    }
    before_value(writer);
    put(writer->buf, text, tt_double_format(value, text));
}

void tt_json_int64(struct tt_json_writer *writer, int64_t value)
{
    char text[TT_NUMBER_TEXT_SIZE];
    before_value(writer);
    put(writer->buf, text, tt_int64_format(value, text));
}

void tt_json_uint64(struct tt_json_writer *writer, uint64_t value)
{
    if (value <= INT64_MAX) {
        tt_json_int64(writer, (int64_t)value);
        return;
    }
    before_value(writer);
    tt_buf_append_format(writer->buf, "%llu", (unsigned long long)value);
}

void tt_json_bool(struct tt_json_writer *writer, bool value)
{
    before_value(writer);
    tt_buf_append_text(writer->buf, value ? "true" : "false");
}

void tt_json_null(struct tt_json_writer *writer)
{
    before_value(writer);
    put(writer->buf, "null", 4);
}

void tt_json_time(struct tt_json_writer *writer, int64_t ms)
{
    char text[TT_TIME_TEXT_SIZE];
    if (ms == TT_TIME_NONE) {
        tt_json_null(writer);
        return;
    }
    tt_json_string(writer, (struct tt_str){text, tt_time_format(ms, text)});
}

void tt_json_raw_value(struct tt_json_writer *writer, struct tt_str json)
{
    before_value(writer);
    tt_buf_append_str(writer->buf, json);
}

void tt_json_member_string(struct tt_json_writer *writer, const char *key, struct tt_str text)
{
    tt_json_key(writer, key);
    tt_json_string(writer, text);
}

void tt_json_member_text(struct tt_json_writer *writer, const char *key, const char *text)
{
    tt_json_key(writer, key);
    tt_json_text(writer, text);
}

void tt_json_member_double(struct tt_json_writer *writer, const char *key, double value)
{
    tt_json_key(writer, key);
    tt_json_double(writer, value);
}

void tt_json_member_int64(struct tt_json_writer *writer, const char *key, int64_t value)
{
    tt_json_key(writer, key);
    tt_json_int64(writer, value);
}

void tt_json_member_bool(struct tt_json_writer *writer, const char *key, bool value)
{
    tt_json_key(writer, key);
    tt_json_bool(writer, value);
}

void tt_json_member_null(struct tt_json_writer *writer, const char *key)
{
    tt_json_key(writer, key);
    tt_json_null(writer);
}
