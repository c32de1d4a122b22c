/*
 * The bounded growing buffer of base/str.h.
 *
 * The first failure sticks: later appends do nothing and return it, so that a text never has a hole
 * in its middle and a writer may check once, at the end.
 */
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define CAPACITY_MIN ((size_t)64)

void tt_buf_init(struct tt_buf *buf, const struct tt_alloc *alloc, size_t size_max)
{
    TT_ASSERT(size_max < SIZE_MAX); /* one more byte for the NUL */
    *buf = (struct tt_buf){.alloc = alloc, .size_max = size_max};
}

void tt_buf_deinit(struct tt_buf *buf)
{
    tt_delete(buf->alloc, buf->data, buf->capacity);
    buf->data = NULL;
    buf->size = 0;
    buf->capacity = 0;
}

void tt_buf_clear(struct tt_buf *buf)
{
    buf->size = 0;
    buf->status = TT_OK;
    if (buf->data != NULL) {
        buf->data[0] = '\0';
    }
}

static enum tt_status grow(struct tt_buf *buf, size_t needed)
{
    size_t capacity = buf->capacity <= SIZE_MAX / 2 ? buf->capacity * 2 : SIZE_MAX;
    capacity = capacity > CAPACITY_MIN ? capacity : CAPACITY_MIN;
    capacity = capacity > needed ? capacity : needed;
    capacity = capacity < buf->size_max + 1 ? capacity : buf->size_max + 1;
    char *data = tt_resize(buf->alloc, buf->data, buf->capacity, capacity);
    if (data == NULL) {
        buf->status = TT_E_NOMEM;
        return buf->status;
    }
    buf->data = data;
    buf->capacity = capacity;
    return TT_OK;
}

/* Room for size more bytes and the NUL behind them. */
static enum tt_status make_room(struct tt_buf *buf, size_t size)
{
    if (TT_UNLIKELY(buf->status != TT_OK)) {
        return buf->status;
    }
    if (TT_UNLIKELY(size > buf->size_max - buf->size)) {
        buf->status = TT_E_LIMIT;
        return buf->status;
    }
    if (TT_LIKELY(size < buf->capacity - buf->size)) {
        return TT_OK;
    }
    return grow(buf, buf->size + size + 1);
}

enum tt_status tt_buf_append(struct tt_buf *buf, const void *data, size_t size)
{
    enum tt_status status = make_room(buf, size);
    if (status != TT_OK) {
        return status;
    }
    if (size > 0) {
        memcpy(buf->data + buf->size, data, size);
        buf->size += size;
    }
    buf->data[buf->size] = '\0';
    return TT_OK;
}

enum tt_status tt_buf_append_str(struct tt_buf *buf, struct tt_str str)
{
    return tt_buf_append(buf, str.data, str.size);
}

enum tt_status tt_buf_append_text(struct tt_buf *buf, const char *text)
{
    return tt_buf_append(buf, text, strlen(text));
}

enum tt_status tt_buf_append_char(struct tt_buf *buf, char c)
{
    return tt_buf_append(buf, &c, 1);
}

enum tt_status tt_buf_append_format(struct tt_buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list measured;
    va_copy(measured, args);
    int length = vsnprintf(NULL, 0, format, measured);
    va_end(measured);
    enum tt_status status = length >= 0 ? make_room(buf, (size_t)length) : TT_E_INVALID;
    if (status == TT_OK) {
        vsnprintf(buf->data + buf->size, (size_t)length + 1, format, args);
        buf->size += (size_t)length;
    } else if (buf->status == TT_OK) {
        buf->status = status;
    }
    va_end(args);
    return status;
}

char *tt_buf_reserve(struct tt_buf *buf, size_t size)
{
    return make_room(buf, size) == TT_OK ? buf->data + buf->size : NULL;
}

struct tt_str tt_buf_str(const struct tt_buf *buf)
{
    return (struct tt_str){buf->data != NULL ? buf->data : "", buf->size};
}
