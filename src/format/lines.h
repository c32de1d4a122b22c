/*
 * Lines from a source of bytes (JSONL, NDJSON).
 *
 * What:    text up to LF or CRLF; the last line needs no line end; a byte order mark at the very
 *          beginning is left out; empty lines are delivered (the caller skips them, lines still
 *          count).
 * Why:     a line longer than the maximum is a fault of that line: it is marked, its rest is read
 *          and left out, and the stream goes on.
 * Owner:   the reader owns its buffer; a line's bytes are valid until the next call.
 * Threads: confined to one thread.
 * Limits:  size_max bytes a line.
 * Fails:   TT_E_CLOSED at the end; what the source failed with, after all whole lines before it.
 */
#ifndef TT_FORMAT_LINES_H
#define TT_FORMAT_LINES_H

#include "format/window.h"

struct tt_line {
    struct tt_str bytes; /* without line end; of one that is too long, its beginning */
    uint64_t number;     /* from 1 */
    uint64_t offset;     /* of its first byte, in the source */
    bool too_long;
};

/* Fields are the reader's own. */
struct tt_line_reader {
    struct tt_window window;
    size_t size_max;
    uint64_t number;
    bool skipping; /* the last line was too long and its end has not come yet */
};

/* Takes its buffer: TT_E_NOMEM. size_max ≥ 1. */
enum tt_status tt_line_reader_init(struct tt_line_reader *reader, const struct tt_alloc *alloc,
                                   struct tt_source source, size_t size_max) TT_MUST_USE;
void tt_line_reader_deinit(struct tt_line_reader *reader);
/* The next line. When the source fails in the middle of a line, the failure comes instead of it. */
enum tt_status tt_line_next(struct tt_line_reader *reader, struct tt_line *ret,
                            struct tt_error *err) TT_MUST_USE;

#endif
