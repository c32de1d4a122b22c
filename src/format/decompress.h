/*
 * Streaming decompression of gzip, xz and zstd, found by content.
 *
 * What:    a source over another source: gives plain bytes whatever the input is; input that is
 *          none of the three passes through. Concatenated members and frames are read one after
 *          another.
 * Why:     a damaged or cut-off file fails loudly, and only after every byte before the damage
 *          was delivered; a bomb costs no more memory than the window, because nothing is ever
 *          held whole.
 * Owner:   the caller; the inner source must outlive it. zstd takes its context by malloc.
 * Threads: confined to one thread.
 * Limits:  window or dictionary ≤ memory_max (default 64 MiB).
 * Fails:   TT_E_CORRUPT damaged, truncated, or something else behind the last member
 *          (err->offset: in the compressed input); TT_E_LIMIT needs more than memory_max;
 *          TT_E_UNSUPPORTED bzip2, zip, lz4, 7z; TT_E_NOMEM; what the inner source failed with.
 *          It stays failed.
 */
#ifndef TT_FORMAT_DECOMPRESS_H
#define TT_FORMAT_DECOMPRESS_H

#include "format/source.h"

#define TT_DECOMPRESS_MEMORY_MAX (UINT64_C(64) << 20)

enum tt_compression {
    TT_COMPRESSION_NONE = 1,
    TT_COMPRESSION_GZIP,
    TT_COMPRESSION_XZ,
    TT_COMPRESSION_ZSTD
};

struct tt_decompress;

/* memory_max 0 = the default. Reads nothing yet. */
enum tt_status tt_decompress_open(const struct tt_alloc *alloc, struct tt_source inner,
                                  uint64_t memory_max, struct tt_decompress **ret,
                                  struct tt_error *err) TT_MUST_USE;
/* The plain bytes, as a source. */
struct tt_source tt_decompress_source(struct tt_decompress *decompress);
/* What the content turned out to be; 0 before the first read. */
enum tt_compression tt_decompress_kind(const struct tt_decompress *decompress);
/* Compressed bytes consumed so far, for progress. */
uint64_t tt_decompress_position(const struct tt_decompress *decompress);
/* decompress may be NULL; the inner source is not touched. */
void tt_decompress_close(struct tt_decompress *decompress);

#endif
