/* See segment_file.h. The end: magic, blocks, rows, seq_last, plan, hash of it; 56 bytes. */
#include "services/backtest/segment_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/wire.h"
#include "runtime/files.h"

#define END_MAGIC UINT32_C(0x45475354)
#define END_SIZE (4 + 4 + 8 + 8 + 16 + 8 + 8)
static const struct tt_hash_key end_key = {UINT64_C(0x7365676d656e74), 2};

static enum tt_status read_end(struct tt_segment_file *file, struct tt_error *err)
{
    const char *bytes = file->map;
    file->end = file->size - END_SIZE;
    struct tt_str end = {bytes + file->end, END_SIZE};
    struct tt_wire wire = tt_wire_reader(end);
    bool good = tt_wire_u32(&wire) == END_MAGIC;
    (void)tt_wire_u32(&wire);
    file->row_count = tt_wire_u64(&wire);
    file->seq_last = tt_wire_u64(&wire);
    file->plan = tt_wire_hash(&wire);
    good = tt_wire_u64(&wire) == file->end && good;
    good = tt_wire_u64(&wire) == tt_hash64(&end_key, end.data, END_SIZE - 8) && good;
    return good ? TT_OK : tt_fail(err, TT_E_CORRUPT, "segment: its end is damaged");
}

enum tt_status tt_segment_file_open(const char *path, struct tt_segment_file *ret,
                                    struct tt_error *err)
{
    struct tt_segment_file file = {0};
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0) {
        bool gone = errno == ENOENT;
        if (fd >= 0) {
            (void)close(fd);
        }
        return gone ? tt_fail(err, TT_E_NOT_FOUND, "no segment") : tt_file_fail(err, "read", path);
    }
    file.size = info.st_size > 0 ? (size_t)info.st_size : 0;
    enum tt_status status = TT_OK;
    if (file.size < END_SIZE) {
        status = tt_fail(err, TT_E_CORRUPT, "segment: cut off");
    } else {
        file.map = mmap(NULL, file.size, PROT_READ, MAP_PRIVATE, fd, 0);
        status = file.map == MAP_FAILED ? tt_file_fail(err, "map", path) : read_end(&file, err);
    }
    (void)close(fd);
    if (status == TT_OK) {
        *ret = file;
    } else if (file.map != NULL && file.map != MAP_FAILED) {
        (void)munmap(file.map, file.size);
    }
    return status;
}

void tt_segment_file_close(struct tt_segment_file *file)
{
    if (file->map != NULL) {
        (void)munmap(file->map, file->size);
        file->map = NULL;
    }
}

enum tt_status tt_segment_file_next(struct tt_segment_file *file, struct tt_segment_block *ret,
                                    struct tt_error *err)
{
    if (file->next == file->end) {
        return TT_E_CLOSED;
    }
    struct tt_str rest = {(const char *)file->map + file->next, file->end - file->next};
    enum tt_status status = tt_segment_open(rest, ret, err);
    if (status == TT_OK) {
        file->next += ret->bytes.size;
    }
    return status;
}

enum tt_status tt_segment_writer_open(const char *path, struct tt_hash128 plan,
                                      struct tt_segment_writer *ret, struct tt_error *err)
{
    *ret = (struct tt_segment_writer){.fd = -1, .plan = plan};
    int length = snprintf(ret->path, sizeof ret->path, "%s", path);
    int temporary =
        snprintf(ret->temporary, sizeof ret->temporary, "%s.%ld.new", path, (long)getpid());
    if (length < 0 || temporary < 0 || (size_t)temporary >= sizeof ret->temporary) {
        return tt_fail(err, TT_E_LIMIT, "the path is too long: %.100s", path);
    }
    ret->fd = open(ret->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    return ret->fd >= 0 ? TT_OK : tt_file_fail(err, "write", ret->temporary);
}

static enum tt_status put(struct tt_segment_writer *writer, struct tt_str bytes,
                          struct tt_error *err)
{
    if (tt_fd_write(writer->fd, bytes.data, bytes.size) != TT_OK) {
        return tt_file_fail(err, "write", writer->temporary);
    }
    writer->size += bytes.size;
    return TT_OK;
}

enum tt_status tt_segment_writer_add(struct tt_segment_writer *writer, struct tt_str block,
                                     uint32_t rows, uint64_t seq_last, struct tt_error *err)
{
    enum tt_status status = put(writer, block, err);
    writer->row_count += rows;
    writer->seq_last = seq_last;
    writer->block_count++;
    return status;
}

enum tt_status tt_segment_writer_commit(struct tt_segment_writer *writer, struct tt_error *err)
{
    struct tt_buf end;
    tt_buf_init(&end, &tt_alloc_libc, END_SIZE);
    tt_wire_put_u32(&end, END_MAGIC);
    tt_wire_put_u32(&end, writer->block_count);
    tt_wire_put_u64(&end, writer->row_count);
    tt_wire_put_u64(&end, writer->seq_last);
    tt_wire_put_hash(&end, writer->plan);
    tt_wire_put_u64(&end, writer->size);
    enum tt_status status = end.status;
    if (status == TT_OK) {
        tt_wire_put_u64(&end, tt_hash64(&end_key, end.data, end.size));
        status = end.status;
    }
    status = status == TT_OK ? put(writer, tt_buf_str(&end), err)
                             : tt_fail(err, status, "no memory for a segment's end");
    tt_buf_deinit(&end);
    if (status == TT_OK && rename(writer->temporary, writer->path) != 0) {
        status = tt_file_fail(err, "rename", writer->temporary);
    }
    if (status == TT_OK) {
        (void)close(writer->fd);
        writer->fd = -1;
    }
    return status;
}

void tt_segment_writer_close(struct tt_segment_writer *writer)
{
    if (writer->fd >= 0) {
        (void)close(writer->fd);
        (void)unlink(writer->temporary);
        writer->fd = -1;
    }
}
