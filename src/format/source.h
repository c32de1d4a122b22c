/*
 * A source of bytes: the one callback that streaming readers pull from.
 *
 * What:    "give me some bytes": a file, a socket, memory, or the decompressor, which is a source
 *          over another source.
 * Why:     format does no I/O; whoever opens the file passes this.
 * Owner:   ctx belongs to whoever made the source and outlives its readers.
 * Threads: one source, one thread at a time.
 */
#ifndef TT_FORMAT_SOURCE_H
#define TT_FORMAT_SOURCE_H

#include "base/str.h"

struct tt_source {
    /* Writes 1 to capacity bytes to data and sets *ret_size; *ret_size 0 is the end, for good.
     * A failure (TT_E_IO, TT_E_CORRUPT …) may come after bytes that were delivered before. */
    enum tt_status (*read)(void *ctx, char *data, size_t capacity, size_t *ret_size,
                           struct tt_error *err);
    void *ctx;
};

/* Bytes in memory; chunk_size limits what one read gives (0 = no limit). */
struct tt_memory_source {
    struct tt_str rest;
    size_t chunk_size;
};
/* A source over memory; the struct holds the position. */
struct tt_source tt_memory_source_init(struct tt_memory_source *memory, struct tt_str text,
                                       size_t chunk_size);

#endif
