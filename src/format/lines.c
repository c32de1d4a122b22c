/* Lines from a source: see lines.h. What is too long is delivered cut, and its rest left out. */
#include "format/lines.h"

#include <string.h>

#define CHUNK_SIZE (64u << 10)

enum tt_status tt_line_reader_init(struct tt_line_reader *reader, const struct tt_alloc *alloc,
                                   struct tt_source source, size_t size_max)
{
    TT_ASSERT(size_max >= 1 && size_max <= SIZE_MAX - CHUNK_SIZE);
    *reader = (struct tt_line_reader){.size_max = size_max};
    return tt_window_init(&reader->window, alloc, source, size_max + CHUNK_SIZE);
}

void tt_line_reader_deinit(struct tt_line_reader *reader)
{
    tt_window_deinit(&reader->window);
}

/* Where the line end is, from the first unused byte; reads on as long as it is not there and the
 * line is not too long. False: no line end (size is what there is). */
static bool find_end(struct tt_line_reader *reader, size_t *ret_size)
{
    struct tt_window *window = &reader->window;
    size_t seen = 0;
    for (;;) {
        const char *start = window->data + window->at;
        size_t size = window->filled - window->at;
        const char *end = size > seen ? memchr(start + seen, '\n', size - seen) : NULL;
        if (end != NULL) {
            *ret_size = (size_t)(end - start);
            return true;
        }
        seen = size;
        /* One byte of grace: the CR of a CRLF. */
        if (size > reader->size_max + 1 || !tt_window_fill(window)) {
            *ret_size = size;
            return false;
        }
    }
}

/* Leaves out the rest of a line that was too long. */
static void skip_rest(struct tt_line_reader *reader)
{
    struct tt_window *window = &reader->window;
    while (reader->skipping) {
        const char *start = window->data + window->at;
        size_t size = window->filled - window->at;
        const char *end = size > 0 ? memchr(start, '\n', size) : NULL;
        tt_window_use(window, end != NULL ? (size_t)(end - start) + 1 : size);
        reader->skipping = end == NULL && tt_window_fill(window);
    }
}

static void skip_mark(struct tt_line_reader *reader)
{
    struct tt_window *window = &reader->window;
    while (window->filled - window->at < 3 && tt_window_fill(window)) {
    }
    if (window->filled - window->at >= 3 &&
        memcmp(window->data + window->at, "\xef\xbb\xbf", 3) == 0) {
        tt_window_use(window, 3);
    }
}

enum tt_status tt_line_next(struct tt_line_reader *reader, struct tt_line *ret,
                            struct tt_error *err)
{
    struct tt_window *window = &reader->window;
    size_t size = 0;
    if (reader->number == 0) {
        skip_mark(reader);
    }
    skip_rest(reader);
    bool found = find_end(reader, &size);
    /* Without line end: the rest of the text, unless a failure cut it off. */
    if (!found && window->ended && (size == 0 || window->failed != TT_OK)) {
        if (size <= reader->size_max + 1) {
            return tt_window_end(window, err);
        }
    }
    const char *start = window->data + window->at;
    size_t text = size > 0 && start[size - 1] == '\r' ? size - 1 : size;
    bool too_long = text > reader->size_max;
    *ret = (struct tt_line){.bytes = {start, too_long ? reader->size_max : text},
                            .number = ++reader->number,
                            .offset = window->offset,
                            .too_long = too_long};
    reader->skipping = !found && !window->ended;
    tt_window_use(window, size + (found ? 1 : 0));
    return TT_OK;
}
