/* See files.h. A file is written beside its place and renamed over it, so that a reader sees the
 * old content or the new and a crash leaves one of them; devices and pipes are written to as they
 * are. */
#include "runtime/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/secret.h"

#define READ_SIZE ((size_t)65536)

enum tt_status tt_file_fail(struct tt_error *err, const char *doing, const char *path)
{
    int reason = errno;
    enum tt_status status = TT_E_IO;
    switch (reason) {
    case ENOENT:
    case ENOTDIR:
        status = TT_E_NOT_FOUND;
        break;
    case EACCES:
    case EPERM:
    case EROFS:
        status = TT_E_DENIED;
        break;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        status = TT_E_FULL;
        break;
    case ENOMEM:
        status = TT_E_NOMEM;
        break;
    default:
        break;
    }
    /* the reason comes first in what a long path may push out of the message */
    return tt_fail(err, status, "cannot %s: %s: %s", doing, strerror(reason), path);
}

static ssize_t read_some(int fd, void *bytes, size_t size)
{
    ssize_t got;
    do {
        got = read(fd, bytes, size);
    } while (got < 0 && errno == EINTR);
    return got;
}

/* Reads up to what the buffer takes; one byte more than that is TT_E_LIMIT. */
static enum tt_status read_all(int fd, const char *path, struct tt_buf *buf, struct tt_error *err)
{
    for (;;) {
        size_t room = buf->size_max - buf->size;
        char probe;
        char *place = &probe;
        size_t wanted = 1;
        if (room > 0) {
            wanted = room < READ_SIZE ? room : READ_SIZE;
            place = tt_buf_reserve(buf, wanted);
            if (place == NULL) {
                return tt_fail(err, buf->status, "no memory to read %s", path);
            }
        }
        ssize_t got = read_some(fd, place, wanted);
        if (got < 0) {
            return tt_file_fail(err, "read", path);
        }
        if (got == 0) {
            return tt_buf_append(buf, "", 0); /* the NUL behind the last byte */
        }
        if (room == 0) {
            return tt_fail(err, TT_E_LIMIT, "larger than %zu bytes: %s", buf->size_max, path);
        }
        buf->size += (size_t)got;
    }
}

enum tt_status tt_file_read(const char *path, struct tt_buf *ret, struct tt_error *err)
{
    if (ret->status != TT_OK) {
        return tt_fail(err, ret->status, "the buffer for %s has failed before", path);
    }
    bool standard_input = strcmp(path, "-") == 0;
    int fd = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return tt_file_fail(err, "open", path);
    }
    size_t size = ret->size;
    enum tt_status status = read_all(fd, path, ret, err);
    if (!standard_input) {
        (void)close(fd);
    }
    if (status != TT_OK) {
        ret->size = size;
        ret->status = TT_OK;
        if (ret->data != NULL) {
            ret->data[size] = '\0';
        }
    }
    return status;
}

enum tt_status tt_fd_write(int fd, const void *bytes, size_t size)
{
    const char *next = bytes;
    while (size > 0) {
        ssize_t written = write(fd, next, size);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            errno = written == 0 ? EIO : errno;
            return TT_E_IO;
        }
        next += written;
        size -= (size_t)written;
    }
    return TT_OK;
}

enum tt_status tt_folder_sync(const char *path, struct tt_error *err)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t size = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    if (size >= sizeof folder) {
        errno = ENAMETOOLONG;
        return tt_file_fail(err, "open the folder of", path);
    }
    memcpy(folder, size > 0 ? path : ".", size > 0 ? size : 1);
    folder[size > 0 ? size : 1] = '\0';
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return tt_file_fail(err, "open the folder", folder);
    }
    int result = fsync(fd);
    enum tt_status status = TT_OK;
    if (result != 0 && errno != EINVAL) { /* some file systems cannot sync a folder */
        status = tt_file_fail(err, "sync the folder", folder);
    }
    (void)close(fd);
    return status;
}

enum tt_status tt_file_make_neighbour(const char *path, unsigned mode, struct tt_str bytes,
                                      char ret_path[TT_NEIGHBOUR_PATH_SIZE], struct tt_error *err)
{
    uint64_t random;
    tt_secret_random(&random, sizeof random);
    int length = snprintf(ret_path, TT_NEIGHBOUR_PATH_SIZE, "%s.new-%016llx", path,
                          (unsigned long long)random);
    if (length < 0 || length >= TT_NEIGHBOUR_PATH_SIZE) {
        errno = ENAMETOOLONG;
        return tt_file_fail(err, "write", path);
    }
    int fd = open(ret_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0) {
        return tt_file_fail(err, "write", path);
    }
    enum tt_status status = tt_fd_write(fd, bytes.data, bytes.size);
    if (status != TT_OK || fsync(fd) != 0) {
        status = tt_file_fail(err, "write", path);
    }
    if (close(fd) != 0 && status == TT_OK) {
        status = tt_file_fail(err, "write", path);
    }
    if (status != TT_OK) {
        (void)unlink(ret_path);
    }
    return status;
}

static enum tt_status write_in_place(const char *path, struct tt_str bytes, struct tt_error *err)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return tt_file_fail(err, "write", path);
    }
    enum tt_status status = tt_fd_write(fd, bytes.data, bytes.size);
    if (status != TT_OK) {
        status = tt_file_fail(err, "write", path);
    }
    (void)close(fd);
    return status;
}

static enum tt_status write_file(const char *path, unsigned mode, struct tt_str bytes,
                                 struct tt_error *err)
{
    struct stat old;
    bool exists = stat(path, &old) == 0;
    if (exists && !S_ISREG(old.st_mode)) {
        return write_in_place(path, bytes, err);
    }
    char fresh[TT_NEIGHBOUR_PATH_SIZE];
    enum tt_status status = tt_file_make_neighbour(path, mode, bytes, fresh, err);
    if (status != TT_OK) {
        return status;
    }
    if ((exists && chmod(fresh, old.st_mode & 07777) != 0) || rename(fresh, path) != 0) {
        status = tt_file_fail(err, "write", path);
        (void)unlink(fresh);
        return status;
    }
    return tt_folder_sync(path, err);
}

enum tt_status tt_file_write(const char *path, struct tt_str bytes, struct tt_error *err)
{
    return write_file(path, 0666, bytes, err);
}

enum tt_status tt_file_write_private(const char *path, struct tt_str bytes, struct tt_error *err)
{
    return write_file(path, 0600, bytes, err);
}

static enum tt_status make_one(const char *path, struct tt_error *err)
{
    if (mkdir(path, 0700) == 0) {
        return TT_OK;
    }
    int reason = errno;
    struct stat found;
    if (stat(path, &found) == 0) {
        if (S_ISDIR(found.st_mode)) {
            return TT_OK; /* whatever mkdir said: on a read-only parent it is not EEXIST */
        }
        return tt_fail(err, TT_E_CONFLICT, "not a folder: %s", path);
    }
    errno = reason;
    return tt_file_fail(err, "make the folder", path);
}

enum tt_status tt_folder_make(const char *path, struct tt_error *err)
{
    char part[PATH_MAX];
    size_t size = strlen(path);
    if (size == 0 || size >= sizeof part) {
        errno = size == 0 ? ENOENT : ENAMETOOLONG;
        return tt_file_fail(err, "make the folder", path);
    }
    memcpy(part, path, size + 1);
    for (size_t i = 1; i < size; i++) {
        if (part[i] != '/' || part[i - 1] == '/') {
            continue;
        }
        part[i] = '\0';
        enum tt_status status = make_one(part, err);
        if (status != TT_OK) {
            return status;
        }
        part[i] = '/';
    }
    return make_one(part, err);
}
