/*
 * One day's segment as a file: blocks behind each other, and an end that says how many.
 *
 * What:    writing a file beside the one it will replace, and mapping one to read its blocks.
 * Owner:   the caller owns the structs.
 * Threads: one.
 * Fails:   open: TT_E_NOT_FOUND, TT_E_CORRUPT, TT_E_UNSUPPORTED, TT_E_IO; writing: TT_E_IO,
 *          TT_E_FULL; nothing is left behind but what was there.
 */
#ifndef TT_SERVICES_BACKTEST_SEGMENT_FILE_H
#define TT_SERVICES_BACKTEST_SEGMENT_FILE_H

#include "core/segment/segment.h"

#define TT_SEGMENT_PATH_SIZE 4200

struct tt_segment_file {
    void *map;
    size_t size;
    size_t next; /* where the next block begins */
    size_t end;  /* behind the last block */
    uint64_t row_count, seq_last;
    struct tt_hash128 plan;
};
struct tt_segment_writer {
    int fd;
    char path[TT_SEGMENT_PATH_SIZE], temporary[TT_SEGMENT_PATH_SIZE];
    uint64_t row_count, seq_last, size;
    uint32_t block_count;
    struct tt_hash128 plan;
};

enum tt_status tt_segment_file_open(const char *path, struct tt_segment_file *ret,
                                    struct tt_error *err) TT_MUST_USE;
void tt_segment_file_close(struct tt_segment_file *file);
/* The next block; TT_E_CLOSED behind the last. */
enum tt_status tt_segment_file_next(struct tt_segment_file *file, struct tt_segment_block *ret,
                                    struct tt_error *err) TT_MUST_USE;

enum tt_status tt_segment_writer_open(const char *path, struct tt_hash128 plan,
                                      struct tt_segment_writer *ret,
                                      struct tt_error *err) TT_MUST_USE;
enum tt_status tt_segment_writer_add(struct tt_segment_writer *writer, struct tt_str block,
                                     uint32_t rows, uint64_t seq_last,
                                     struct tt_error *err) TT_MUST_USE;
/* Puts the file in its place. */
enum tt_status tt_segment_writer_commit(struct tt_segment_writer *writer,
                                        struct tt_error *err) TT_MUST_USE;
/* Leaves nothing behind; fine after a commit. */
void tt_segment_writer_close(struct tt_segment_writer *writer);

#endif
