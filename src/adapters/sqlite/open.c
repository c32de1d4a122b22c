/* Opening and closing a database: the file, its lock, the schema, what is kept in memory. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "adapters/sqlite/database.h"
#include "adapters/sqlite/migrate.h"

#define DAYS_MAX_DEFAULT 4096
#define DEAD_LETTERS_MAX_DEFAULT 1000000

static void close_store(struct tt_store *store)
{
    if (store != NULL) {
        tt_sqlite_unref(tt_sqlite_of_store(store));
    }
}

static const struct tt_store_ops store_ops = {
    .name = "sqlite",
    .append = tt_sqlite_append,
    .scan = tt_sqlite_scan,
    .seq_at = tt_sqlite_seq_at,
    .list_days = tt_sqlite_list_days,
    .scan_day = tt_sqlite_scan_day,
    .scan_labels = tt_sqlite_scan_labels,
    .find = tt_sqlite_find,
    .list_anomalies = tt_sqlite_list_anomalies,
    .get_anomaly = tt_sqlite_get_anomaly,
    .counts = tt_sqlite_counts,
    .put_bundle = tt_sqlite_put_bundle,
    .get_bundle = tt_sqlite_get_bundle,
    .put_rules = tt_sqlite_put_rules,
    .list_rules = tt_sqlite_list_rules,
    .list_undelivered = tt_sqlite_list_undelivered,
    .settle = tt_sqlite_settle,
    .open_route = tt_sqlite_open_route,
    .drop_before = tt_sqlite_drop_before,
    .close = close_store,
};

/* SQLite's own locks would let two servers in, one after the other's transaction. */
static enum tt_status take_lock(struct tt_sqlite *self, struct tt_error *err)
{
    struct tt_buf name;
    tt_buf_init(&name, self->alloc, 4200);
    if (tt_buf_append_format(&name, "%s-lock", self->path) != TT_OK) {
        enum tt_status status = name.status;
        tt_buf_deinit(&name);
        return tt_fail(err, status, "%.200s: the path is too long", self->path);
    }
    enum tt_status status = TT_OK;
    self->lock_fd = open(name.data, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (self->lock_fd < 0) {
        status = tt_fail(err, errno == ENOSPC ? TT_E_FULL : TT_E_IO, "%s: cannot open: %s",
                         name.data, strerror(errno));
    } else if (flock(self->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        self->in_use = true;
        status = tt_fail(err, TT_E_IO, "%s is in use by another process (it holds %s)", self->path,
                         name.data);
    }
    tt_buf_deinit(&name);
    return status;
}

/* Made before SQLite sees it, so that it is never readable for others; the log takes its mode. */
static enum tt_status make_file(const struct tt_sqlite *self, struct tt_error *err)
{
    int fd = open(self->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return tt_fail(err, errno == ENOSPC ? TT_E_FULL : TT_E_IO, "%s: cannot open: %s",
                       self->path, strerror(errno));
    }
    (void)close(fd);
    return TT_OK;
}

static char *copy_text(const struct tt_alloc *alloc, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = tt_new(alloc, size);
    if (copy != NULL) {
        memcpy(copy, text, size);
    }
    return copy;
}

static void free_text(const struct tt_alloc *alloc, char *text)
{
    if (text != NULL) {
        tt_delete(alloc, text, strlen(text) + 1);
    }
}

static void destroy(struct tt_sqlite *self)
{
    tt_sqlite_checkpoint_stop(self);
    while (self->idle != NULL) {
        struct tt_sqlite_connection *reader = self->idle;
        self->idle = reader->next;
        tt_sqlite_disconnect(self, reader);
    }
    tt_sqlite_disconnect(self, self->writer);
    if (self->lock_fd >= 0) {
        (void)close(self->lock_fd);
    }
    tt_delete(self->alloc, self->days, self->day_capacity * sizeof *self->days);
    tt_delete(self->alloc, self->tail.keys, self->tail.capacity * sizeof *self->tail.keys);
    (void)pthread_mutex_destroy(&self->writer_lock);
    (void)pthread_mutex_destroy(&self->tail_lock);
    (void)pthread_mutex_destroy(&self->readers_lock);
    (void)pthread_mutex_destroy(&self->checkpoint_lock);
    (void)pthread_mutex_destroy(&self->wake_lock);
    (void)pthread_cond_destroy(&self->wake);
    free_text(self->alloc, self->path);
    free_text(self->alloc, self->vfs);
    tt_delete(self->alloc, self, sizeof *self);
}

void tt_sqlite_unref(struct tt_sqlite *self)
{
    if (__atomic_sub_fetch(&self->references, 1, __ATOMIC_ACQ_REL) == 0) {
        destroy(self);
    }
}

static struct tt_sqlite *new_database(const struct tt_sqlite_options *options)
{
    struct tt_sqlite *self = tt_new_array(options->alloc, 1, sizeof *self);
    if (self == NULL) {
        return NULL;
    }
    self->store.ops = &store_ops;
    self->state.ops = &tt_sqlite_state_ops;
    self->alloc = options->alloc;
    self->durability = options->durability;
    self->read_while_in_use = options->read_while_in_use;
    self->days_max = options->days_max != 0 ? options->days_max : DAYS_MAX_DEFAULT;
    self->dead_letters_max =
        options->dead_letters_max != 0 ? options->dead_letters_max : DEAD_LETTERS_MAX_DEFAULT;
    self->lock_fd = -1;
    self->references = 2;
    (void)pthread_mutex_init(&self->writer_lock, NULL);
    (void)pthread_mutex_init(&self->tail_lock, NULL);
    (void)pthread_mutex_init(&self->readers_lock, NULL);
    (void)pthread_mutex_init(&self->checkpoint_lock, NULL);
    (void)pthread_mutex_init(&self->wake_lock, NULL);
    (void)pthread_cond_init(&self->wake, NULL);
    self->path = copy_text(options->alloc, options->path);
    self->vfs = options->vfs != NULL ? copy_text(options->alloc, options->vfs) : NULL;
    if (self->path == NULL || (options->vfs != NULL && self->vfs == NULL)) {
        destroy(self);
        return NULL;
    }
    return self;
}

static enum tt_status load_seq(struct tt_sqlite *self, struct tt_error *err)
{
    sqlite3_stmt *counts = tt_sqlite_prepared(self->writer, TT_SQL_COUNTS, err);
    if (counts == NULL || sqlite3_step(counts) != SQLITE_ROW) {
        (void)sqlite3_reset(counts);
        return tt_sqlite_fail(err, self->writer->db, "read the last position");
    }
    self->seq_last = (uint64_t)sqlite3_column_int64(counts, 4);
    (void)sqlite3_reset(counts);
    return TT_OK;
}

static enum tt_status open_steps(struct tt_sqlite *self, struct tt_error *err)
{
    enum tt_status status = take_lock(self, err);
    if (self->in_use && self->read_while_in_use) {
        self->failed = TT_E_DENIED; /* the other process writes */
        return TT_OK;
    }
    if (status == TT_OK) {
        status = make_file(self, err);
    }
    if (status == TT_OK) {
        status = tt_sqlite_connect(self, true, &self->writer, err);
    }
    if (status == TT_OK) {
        status = tt_sqlite_migrate(self->writer->db, self->path, err);
    }
    if (status == TT_OK) {
        status = load_seq(self, err);
    }
    if (status == TT_OK) {
        status = tt_sqlite_days_load(self, err);
    }
    if (status == TT_OK) {
        status = tt_sqlite_tail_load(self, err);
    }
    return status == TT_OK ? tt_sqlite_checkpoint_start(self, err) : status;
}

enum tt_status tt_sqlite_open(const struct tt_sqlite_options *options, struct tt_store **ret_store,
                              struct tt_state **ret_state, struct tt_error *err)
{
    struct tt_sqlite *self = new_database(options);
    if (self == NULL) {
        return tt_fail(err, TT_E_NOMEM, "%s: out of memory", options->path);
    }
    enum tt_status status = open_steps(self, err);
    if (status != TT_OK) {
        destroy(self);
        return status;
    }
    *ret_store = &self->store;
    *ret_state = &self->state;
    return TT_OK;
}
