/* See fault_vfs.h. Every write remembers what it overwrote until the file is synced; power-on
 * undoes the newest writes of each sector, how many is drawn from the seed. */
#include "support/fault_vfs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"

#define SECTOR 512

/* What a write or truncation replaced: the bytes at offset (only those that were in the file). */
struct undo {
    struct undo *older;
    int64_t offset, size_before;
    size_t size;
    char bytes[];
};
struct tt_fault_file {
    struct tt_fault_file *next;
    char *path;
    struct undo *newest;
    size_t undo_count;
};
struct handle {
    sqlite3_file base;
    struct tt_fault_vfs *fault;
    struct tt_fault_file *file;
    sqlite3_file *real; /* behind this struct */
};

static struct handle *from(sqlite3_file *file)
{
    return (struct handle *)(void *)file;
}

static void forget(struct tt_fault_file *file)
{
    while (file->newest != NULL) {
        struct undo *undo = file->newest;
        file->newest = undo->older;
        free(undo);
    }
    file->undo_count = 0;
}

/* Keeps what lies in [offset, offset + size) of the file. */
static int remember(struct handle *handle, int64_t offset, int64_t size)
{
    sqlite3_int64 length = 0;
    int code = handle->real->pMethods->xFileSize(handle->real, &length);
    if (code != SQLITE_OK || handle->file == NULL) {
        return code;
    }
    int64_t kept = length > offset ? length - offset : 0;
    kept = kept < size ? kept : size;
    struct undo *undo = malloc(sizeof *undo + (size_t)kept);
    if (undo == NULL) {
        return SQLITE_NOMEM;
    }
    *undo = (struct undo){handle->file->newest, offset, length, (size_t)kept};
    if (kept != 0) {
        code = handle->real->pMethods->xRead(handle->real, undo->bytes, (int)kept, offset);
    }
    handle->file->newest = undo;
    handle->file->undo_count++;
    return code;
}

static int fault_close(sqlite3_file *file)
{
    return from(file)->real->pMethods->xClose(from(file)->real);
}

static int fault_read(sqlite3_file *file, void *data, int size, sqlite3_int64 offset)
{
    sqlite3_file *real = from(file)->real;
    return real->pMethods->xRead(real, data, size, offset);
}

static int fault_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset)
{
    struct handle *handle = from(file);
    struct tt_fault_vfs *fault = handle->fault;
    pthread_mutex_lock(&fault->lock);
    int code = SQLITE_OK;
    if (fault->writes_left == 0) {
        fault->is_off = true;
    }
    fault->writes_left -= fault->writes_left > 0;
    if (fault->is_off) {
        code = SQLITE_IOERR_WRITE;
    } else if (fault->bytes_left >= 0 && fault->bytes_left < size) {
        code = SQLITE_FULL;
    } else {
        fault->bytes_left -= fault->bytes_left >= 0 ? size : 0;
        code = remember(handle, offset, size);
        if (code == SQLITE_OK) {
            code = handle->real->pMethods->xWrite(handle->real, data, size, offset);
        }
    }
    pthread_mutex_unlock(&fault->lock);
    return code;
}

static int fault_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct handle *handle = from(file);
    pthread_mutex_lock(&handle->fault->lock);
    int code = handle->fault->is_off ? SQLITE_IOERR_TRUNCATE : remember(handle, size, INT32_MAX);
    if (code == SQLITE_OK) {
        code = handle->real->pMethods->xTruncate(handle->real, size);
    }
    pthread_mutex_unlock(&handle->fault->lock);
    return code;
}

static int fault_sync(sqlite3_file *file, int flags)
{
    struct handle *handle = from(file);
    struct tt_fault_vfs *fault = handle->fault;
    (void)flags; /* nothing here outlives a real loss of power: no real sync, so tests are quick */
    pthread_mutex_lock(&fault->lock);
    int code = fault->is_off || fault->syncs_left == 0 ? SQLITE_IOERR_FSYNC : SQLITE_OK;
    fault->syncs_left -= fault->syncs_left >= 0;
    if (code == SQLITE_OK && handle->file != NULL) {
        forget(handle->file);
    }
    pthread_mutex_unlock(&fault->lock);
    return code;
}

static int fault_size(sqlite3_file *file, sqlite3_int64 *ret)
{
    sqlite3_file *real = from(file)->real;
    return real->pMethods->xFileSize(real, ret);
}

static int fault_lock(sqlite3_file *file, int level)
{
    sqlite3_file *real = from(file)->real;
    return real->pMethods->xLock(real, level);
}

static int fault_unlock(sqlite3_file *file, int level)
{
    sqlite3_file *real = from(file)->real;
    return real->pMethods->xUnlock(real, level);
}

static int fault_check_lock(sqlite3_file *file, int *ret)
{
    sqlite3_file *real = from(file)->real;
    return real->pMethods->xCheckReservedLock(real, ret);
}

static int fault_control(sqlite3_file *file, int operation, void *argument)
{
    sqlite3_file *real = from(file)->real;
    return real->pMethods->xFileControl(real, operation, argument);
}

static int fault_sector_size(sqlite3_file *file)
{
    (void)file;
    return SECTOR;
}

/* None of the promises a file system may make beyond the least. */
static int fault_characteristics(sqlite3_file *file)
{
    (void)file;
    return 0;
}

static int fault_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **ret)
{
    sqlite3_file *real = from(file)->real;
    return real->pMethods->xShmMap(real, page, size, extend, ret);
}

static int fault_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    sqlite3_file *real = from(file)->real;
    return real->pMethods->xShmLock(real, offset, count, flags);
}

static void fault_shm_barrier(sqlite3_file *file)
{
    sqlite3_file *real = from(file)->real;
    real->pMethods->xShmBarrier(real);
}

static int fault_shm_unmap(sqlite3_file *file, int delete)
{
    sqlite3_file *real = from(file)->real;
    return real->pMethods->xShmUnmap(real, delete);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = fault_close,
    .xRead = fault_read,
    .xWrite = fault_write,
    .xTruncate = fault_truncate,
    .xSync = fault_sync,
    .xFileSize = fault_size,
    .xLock = fault_lock,
    .xUnlock = fault_unlock,
    .xCheckReservedLock = fault_check_lock,
    .xFileControl = fault_control,
    .xSectorSize = fault_sector_size,
    .xDeviceCharacteristics = fault_characteristics,
    .xShmMap = fault_shm_map,
    .xShmLock = fault_shm_lock,
    .xShmBarrier = fault_shm_barrier,
    .xShmUnmap = fault_shm_unmap,
};

static struct tt_fault_file *find_file(struct tt_fault_vfs *fault, const char *path)
{
    pthread_mutex_lock(&fault->lock);
    struct tt_fault_file *file = fault->files;
    while (file != NULL && strcmp(file->path, path) != 0) {
        file = file->next;
    }
    if (file == NULL && (file = calloc(1, sizeof *file)) != NULL) {
        file->path = strdup(path);
        file->next = fault->files;
        fault->files = file;
    }
    pthread_mutex_unlock(&fault->lock);
    return file;
}

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret)
{
    struct tt_fault_vfs *fault = vfs->pAppData;
    struct handle *handle = from(file);
    handle->fault = fault;
    handle->file = name != NULL ? find_file(fault, name) : NULL;
    handle->real = (sqlite3_file *)(void *)(handle + 1);
    handle->base.pMethods = NULL;
    int code = fault->real->xOpen(fault->real, name, handle->real, flags, ret);
    if (code == SQLITE_OK) {
        handle->base.pMethods = &methods;
    }
    return code;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    struct tt_fault_vfs *fault = vfs->pAppData;
    struct tt_fault_file *file = find_file(fault, name);
    pthread_mutex_lock(&fault->lock);
    bool is_off = fault->is_off;
    if (!is_off && file != NULL) {
        forget(file);
    }
    pthread_mutex_unlock(&fault->lock);
    return is_off ? SQLITE_IOERR_DELETE : fault->real->xDelete(fault->real, name, sync);
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret)
{
    struct tt_fault_vfs *fault = vfs->pAppData;
    return fault->real->xAccess(fault->real, name, flags, ret);
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int size, char *ret)
{
    struct tt_fault_vfs *fault = vfs->pAppData;
    return fault->real->xFullPathname(fault->real, name, size, ret);
}

static int vfs_random(sqlite3_vfs *vfs, int size, char *ret)
{
    struct tt_fault_vfs *fault = vfs->pAppData;
    return fault->real->xRandomness(fault->real, size, ret);
}

static int vfs_sleep(sqlite3_vfs *vfs, int us)
{
    struct tt_fault_vfs *fault = vfs->pAppData;
    return fault->real->xSleep(fault->real, us);
}

static int vfs_time(sqlite3_vfs *vfs, double *ret)
{
    struct tt_fault_vfs *fault = vfs->pAppData;
    return fault->real->xCurrentTime(fault->real, ret);
}

static int vfs_last_error(sqlite3_vfs *vfs, int size, char *ret)
{
    struct tt_fault_vfs *fault = vfs->pAppData;
    return fault->real->xGetLastError(fault->real, size, ret);
}

void tt_fault_vfs_init(struct tt_fault_vfs *fault)
{
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);
    *fault =
        (struct tt_fault_vfs){.real = real, .bytes_left = -1, .syncs_left = -1, .writes_left = -1};
    (void)pthread_mutex_init(&fault->lock, NULL);
    fault->vfs = (sqlite3_vfs){.iVersion = 1,
                               .szOsFile = (int)sizeof(struct handle) + real->szOsFile,
                               .mxPathname = real->mxPathname,
                               .zName = "fault",
                               .pAppData = fault,
                               .xOpen = vfs_open,
                               .xDelete = vfs_delete,
                               .xAccess = vfs_access,
                               .xFullPathname = vfs_full_path,
                               .xRandomness = vfs_random,
                               .xSleep = vfs_sleep,
                               .xCurrentTime = vfs_time,
                               .xGetLastError = vfs_last_error};
    TT_ASSERT(sqlite3_vfs_register(&fault->vfs, 0) == SQLITE_OK);
}

void tt_fault_vfs_deinit(struct tt_fault_vfs *fault)
{
    (void)sqlite3_vfs_unregister(&fault->vfs);
    while (fault->files != NULL) {
        struct tt_fault_file *file = fault->files;
        fault->files = file->next;
        forget(file);
        free(file->path);
        free(file);
    }
    (void)pthread_mutex_destroy(&fault->lock);
}

void tt_fault_vfs_power_off(struct tt_fault_vfs *fault)
{
    pthread_mutex_lock(&fault->lock);
    fault->is_off = true;
    pthread_mutex_unlock(&fault->lock);
}

/* How many of the oldest writes a sector keeps, of `count`. */
static size_t kept(uint64_t seed, int64_t sector, size_t count)
{
    switch (seed % 3) {
    case 0:
        return 0; /* nothing unsynced survives */
    case 1:
        return tt_hash_mix(seed) % (count + 1); /* a prefix of all */
    default:
        return tt_hash_mix(seed ^ tt_hash_mix((uint64_t)sector)) % (count + 1);
    }
}

static void undo_write(int fd, const struct undo *undo, size_t index, size_t count, uint64_t seed)
{
    for (size_t done = 0; done < undo->size;) {
        int64_t at = undo->offset + (int64_t)done;
        size_t size = (size_t)(SECTOR - at % SECTOR);
        size = size < undo->size - done ? size : undo->size - done;
        if (index >= kept(seed, at / SECTOR, count)) {
            TT_ASSERT(pwrite(fd, undo->bytes + done, size, at) == (ssize_t)size);
        }
        done += size;
    }
}

/* Sectors beyond the old end that are not kept read as zeros, or the file ends before them. */
static void cut(int fd, const struct tt_fault_file *file, uint64_t seed)
{
    size_t index = file->undo_count, cutoff = kept(seed, -1, file->undo_count);
    for (const struct undo *undo = file->newest; undo != NULL; undo = undo->older) {
        index--;
        if (index >= cutoff) {
            TT_ASSERT(ftruncate(fd, undo->size_before) == 0);
        }
    }
}

void tt_fault_vfs_power_on(struct tt_fault_vfs *fault, uint64_t seed)
{
    for (struct tt_fault_file *file = fault->files; file != NULL; file = file->next) {
        int fd = file->newest != NULL ? open(file->path, O_RDWR | O_CLOEXEC) : -1;
        if (fd >= 0) {
            size_t index = file->undo_count;
            for (const struct undo *undo = file->newest; undo != NULL; undo = undo->older) {
                index--;
                undo_write(fd, undo, index, file->undo_count, seed);
            }
            cut(fd, file, seed);
            (void)close(fd);
        }
        forget(file);
    }
    fault->is_off = false;
    fault->bytes_left = fault->syncs_left = fault->writes_left = -1;
}
