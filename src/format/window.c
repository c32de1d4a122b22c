/* The buffered end of a source. See window.h. */
#include "format/window.h"

#include <string.h>

enum tt_status tt_window_init(struct tt_window *window, const struct tt_alloc *alloc,
                              struct tt_source source, size_t capacity)
{
    *window = (struct tt_window){.alloc = alloc, .source = source, .capacity = capacity};
    window->data = tt_new(alloc, capacity);
    return window->data != NULL ? TT_OK : TT_E_NOMEM;
}

void tt_window_deinit(struct tt_window *window)
{
    tt_delete(window->alloc, window->data, window->capacity);
    window->data = NULL;
}

bool tt_window_fill(struct tt_window *window)
{
    size_t rest = window->filled - window->at;
    size_t size = 0;
    if (window->ended || rest == window->capacity) {
        return false;
    }
    if (window->at > 0 && rest > 0) {
        memmove(window->data, window->data + window->at, rest);
    }
    window->at = 0;
    window->filled = rest;
    struct tt_source source = window->source;
    window->failed = source.read(source.ctx, window->data + rest, window->capacity - rest, &size,
                                 &window->error);
    if (window->failed != TT_OK || size == 0) {
        window->ended = true;
        return false;
    }
    TT_ASSERT(size <= window->capacity - rest);
    window->filled += size;
    return true;
}

void tt_window_use(struct tt_window *window, size_t size)
{
    TT_ASSERT(size <= window->filled - window->at);
    window->at += size;
    window->offset += size;
}

enum tt_status tt_window_end(const struct tt_window *window, struct tt_error *err)
{
    if (window->failed == TT_OK) {
        return TT_E_CLOSED;
    }
    if (err != NULL) {
        *err = window->error;
        err->status = window->failed;
    }
    return window->failed;
}
