/* Moving the write-ahead log into the database file.
 *
 * Done inside a commit it would make that commit wait for megabytes of writing and a sync; so a
 * thread with a connection of its own does it while appends go on. Under a steady stream that
 * thread always ends a little behind the log's end, and a log that is never wholly moved is never
 * reused: from LOG_PAGES_MAX on the writer itself moves the small rest.
 */
#include "adapters/sqlite/database.h"

#define LOG_PAGES_WAKE 1000 /* 8 MB */
#define LOG_PAGES_MAX 8000  /* 64 MB */

static void move_log(struct tt_sqlite *self, struct tt_sqlite_connection *connection)
{
    /* What fails here stays in the log and is moved later; the commit it belongs to is safe. */
    pthread_mutex_lock(&self->checkpoint_lock);
    (void)sqlite3_wal_checkpoint_v2(connection->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    pthread_mutex_unlock(&self->checkpoint_lock);
}

static void *run(void *argument)
{
    struct tt_sqlite *self = argument;
    pthread_mutex_lock(&self->wake_lock);
    while (!self->stopping) {
        if (!self->checkpoint_wanted) {
            pthread_cond_wait(&self->wake, &self->wake_lock);
            continue;
        }
        self->checkpoint_wanted = false;
        pthread_mutex_unlock(&self->wake_lock);
        move_log(self, self->checkpoint_connection);
        pthread_mutex_lock(&self->wake_lock);
    }
    pthread_mutex_unlock(&self->wake_lock);
    return NULL;
}

static int on_commit(void *ctx, sqlite3 *db, const char *schema, int pages)
{
    (void)db;
    (void)schema;
    ((struct tt_sqlite *)ctx)->wal_pages = pages;
    return SQLITE_OK;
}

enum tt_status tt_sqlite_checkpoint_start(struct tt_sqlite *self, struct tt_error *err)
{
    self->wal_pages_next = LOG_PAGES_MAX;
    (void)sqlite3_wal_hook(self->writer->db, on_commit, self);
    enum tt_status status = tt_sqlite_connect(self, false, &self->checkpoint_connection, err);
    if (status != TT_OK) {
        return status;
    }
    if (pthread_create(&self->checkpointer, NULL, run, self) != 0) {
        return tt_fail(err, TT_E_IO, "%s: cannot start a thread", self->path);
    }
    self->checkpointing = true;
    return TT_OK;
}

void tt_sqlite_checkpoint_stop(struct tt_sqlite *self)
{
    if (self->checkpointing) {
        pthread_mutex_lock(&self->wake_lock);
        self->stopping = true;
        pthread_cond_signal(&self->wake);
        pthread_mutex_unlock(&self->wake_lock);
        (void)pthread_join(self->checkpointer, NULL);
        self->checkpointing = false;
    }
    tt_sqlite_disconnect(self, self->checkpoint_connection);
    self->checkpoint_connection = NULL;
}

void tt_sqlite_checkpoint_due(struct tt_sqlite *self)
{
    if (self->wal_pages < LOG_PAGES_MAX) {
        self->wal_pages_next = LOG_PAGES_MAX;
    }
    if (self->wal_pages < LOG_PAGES_WAKE) {
        return;
    }
    if (self->wal_pages >= self->wal_pages_next) {
        /* A long read keeps the log from being reused: do not try again at every commit. */
        self->wal_pages_next = self->wal_pages + LOG_PAGES_MAX / 4;
        move_log(self, self->writer);
        return;
    }
    pthread_mutex_lock(&self->wake_lock);
    self->checkpoint_wanted = true;
    pthread_cond_signal(&self->wake);
    pthread_mutex_unlock(&self->wake_lock);
}
