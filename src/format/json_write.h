/*
 * The JSON writer: everything the project writes as JSON goes through here.
 *
 * What:    objects and arrays with commas by themselves, escaped strings, shortest round-trip
 *          doubles, into a bounded buffer. No white space: one value is one line.
 * Why:     one place where escaping can be right. Output is always valid UTF-8: invalid bytes
 *          become U+FFFD; "<" and U+2028/9 need no escape in JSON and stay.
 * Owner:   the buffer belongs to the caller.
 * Threads: confined to one thread.
 * Limits:  TT_JSON_DEPTH_WRITE_MAX open containers (asserted); the buffer's maximum.
 * Fails:   never by itself: a failed append is remembered in buf->status; check it once at the
 *          end. Misuse (a value without key in an object, an unbalanced end) asserts.
 */
#ifndef TT_FORMAT_JSON_WRITE_H
#define TT_FORMAT_JSON_WRITE_H

#include "base/str.h"

#define TT_JSON_DEPTH_WRITE_MAX 32

struct tt_json_writer {
    struct tt_buf *buf;
    uint32_t depth;
    uint32_t objects; /* bit d: the container at depth d is an object */
    uint32_t started; /* bit d: it has a value already */
    bool keyed;       /* a key was written, its value is due */
};

/* Appends to buf, which may hold something already. */
void tt_json_writer_init(struct tt_json_writer *writer, struct tt_buf *buf);
void tt_json_object_begin(struct tt_json_writer *writer);
void tt_json_object_end(struct tt_json_writer *writer);
void tt_json_array_begin(struct tt_json_writer *writer);
void tt_json_array_end(struct tt_json_writer *writer);
/* The next member's key; exactly one value must follow. */
void tt_json_key(struct tt_json_writer *writer, const char *key);
void tt_json_key_str(struct tt_json_writer *writer, struct tt_str key);
/* Values. An absent string (data NULL) is null, as are NaN and infinities. */
void tt_json_string(struct tt_json_writer *writer, struct tt_str text);
void tt_json_text(struct tt_json_writer *writer, const char *text);
void tt_json_double(struct tt_json_writer *writer, double value);
void tt_json_int64(struct tt_json_writer *writer, int64_t value);
void tt_json_uint64(struct tt_json_writer *writer, uint64_t value);
void tt_json_bool(struct tt_json_writer *writer, bool value);
void tt_json_null(struct tt_json_writer *writer);
/* RFC 3339 text of a time, null for TT_TIME_NONE. */
void tt_json_time(struct tt_json_writer *writer, int64_t ms);
/* JSON that is valid already, as one value. */
void tt_json_raw_value(struct tt_json_writer *writer, struct tt_str json);
/* A key and its value in one call. */
void tt_json_member_string(struct tt_json_writer *writer, const char *key, struct tt_str text);
void tt_json_member_text(struct tt_json_writer *writer, const char *key, const char *text);
void tt_json_member_double(struct tt_json_writer *writer, const char *key, double value);
void tt_json_member_int64(struct tt_json_writer *writer, const char *key, int64_t value);
void tt_json_member_bool(struct tt_json_writer *writer, const char *key, bool value);
void tt_json_member_null(struct tt_json_writer *writer, const char *key);

/* Appends text as a quoted JSON string, for callers that write no document. */
void tt_json_quote(struct tt_buf *buf, struct tt_str text);

#endif
