/*
 * The buffered end of a source: bytes read and not yet used, always in one piece.
 *
 * What:    a fixed buffer over a source; fill moves what is unused to the front and reads once.
 * Why:     rows and lines must be contiguous, and a pipe's rows must come out as they come in:
 *          fill never waits for a full buffer.
 * Owner:   whoever inits it; init takes the buffer, deinit gives it back.
 * Threads: confined to one thread.
 * Limits:  capacity bytes are held at most.
 * Fails:   a failure of the source is kept, and reported when the bytes before it are used up.
 */
#ifndef TT_FORMAT_WINDOW_H
#define TT_FORMAT_WINDOW_H

#include "format/source.h"

struct tt_window {
    const struct tt_alloc *alloc;
    struct tt_source source;
    char *data;
    size_t capacity;
    size_t at;       /* first unused byte */
    size_t filled;   /* behind the last byte */
    uint64_t offset; /* of data[at] in the source */
    bool ended;      /* nothing more comes, by end or failure */
    enum tt_status failed;
    struct tt_error error; /* of failed */
};

/* TT_E_NOMEM: nothing was taken. */
enum tt_status tt_window_init(struct tt_window *window, const struct tt_alloc *alloc,
                              struct tt_source source, size_t capacity) TT_MUST_USE;
void tt_window_deinit(struct tt_window *window);
/* Reads once behind what is there: true when bytes were added. False: the buffer is full of unused
 * bytes, or ended is set. Moves data[at …]. */
bool tt_window_fill(struct tt_window *window);
/* Marks size bytes as used. */
void tt_window_use(struct tt_window *window, size_t size);
/* What to return when all is used up: TT_E_CLOSED, or the source's failure with *err filled. */
enum tt_status tt_window_end(const struct tt_window *window, struct tt_error *err);

#endif
