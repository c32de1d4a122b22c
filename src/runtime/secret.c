/* See secret.h. */
#include "runtime/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/files.h"

void tt_secret_random(void *ret_bytes, size_t size)
{
    unsigned char *next = ret_bytes;
    while (size > 0) {
        ssize_t got = getrandom(next, size, 0);
        if (got < 0) {
            /* nothing else can fail with valid arguments on any kernel we run on */
            TT_ASSERT(errno == EINTR);
            continue;
        }
        next += got;
        size -= (size_t)got;
    }
}

static enum tt_status check(int fd, const char *path, struct tt_error *err)
{
    struct stat found;
    if (fstat(fd, &found) != 0) {
        return tt_file_fail(err, "read the secret", path);
    }
    if (!S_ISREG(found.st_mode)) {
        return tt_fail(err, TT_E_DENIED, "the secret is not a regular file: %s", path);
    }
    if ((found.st_mode & 077) != 0) {
        return tt_fail(err, TT_E_DENIED,
                       "others may read the secret (mode %04o; run chmod 600): %s",
                       found.st_mode & 07777u, path);
    }
    return TT_OK;
}

static enum tt_status read_exactly(int fd, const char *path, size_t size, unsigned char *bytes,
                                   struct tt_error *err)
{
    size_t have = 0;
    while (have < size) {
        ssize_t got = read(fd, bytes + have, size - have);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return tt_file_fail(err, "read the secret", path);
        }
        if (got == 0) {
            return tt_fail(err, TT_E_CORRUPT, "the secret has %zu bytes and needs %zu: %s", have,
                           size, path);
        }
        have += (size_t)got;
    }
    return TT_OK;
}

static enum tt_status load(const char *path, size_t size, unsigned char *ret_bytes,
                           struct tt_error *err)
{
    /* non-blocking: a pipe in its place must not hang the start */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return tt_file_fail(err, "open the secret", path);
    }
    unsigned char bytes[TT_SECRET_SIZE_MAX];
    enum tt_status status = check(fd, path, err);
    if (status == TT_OK) {
        status = read_exactly(fd, path, size, bytes, err);
    }
    (void)close(fd);
    if (status == TT_OK) {
        memcpy(ret_bytes, bytes, size);
    }
    explicit_bzero(bytes, sizeof bytes);
    return status;
}

/* Gives a complete new file the name `path`, unless another process was first. */
static enum tt_status make(const char *path, size_t size, struct tt_error *err)
{
    unsigned char bytes[TT_SECRET_SIZE_MAX];
    tt_secret_random(bytes, size);
    char fresh[TT_NEIGHBOUR_PATH_SIZE];
    enum tt_status status =
        tt_file_make_neighbour(path, 0600, (struct tt_str){(const char *)bytes, size}, fresh, err);
    explicit_bzero(bytes, sizeof bytes);
    if (status != TT_OK) {
        return status;
    }
    if (link(fresh, path) != 0 && errno != EEXIST) {
        status = tt_file_fail(err, "make the secret", path);
    }
    (void)unlink(fresh);
    return status == TT_OK ? tt_folder_sync(path, err) : status;
}

enum tt_status tt_secret_load(const char *path, size_t size, unsigned char *ret_bytes,
                              struct tt_error *err)
{
    TT_ASSERT(size >= 1 && size <= TT_SECRET_SIZE_MAX);
    struct tt_error first;
    enum tt_status status = load(path, size, ret_bytes, &first);
    if (status != TT_E_NOT_FOUND) {
        if (status != TT_OK && err != NULL) {
            *err = first;
        }
        return status;
    }
    status = make(path, size, err);
    return status == TT_OK ? load(path, size, ret_bytes, err) : status;
}
