/* What only the SQLite adapter promises: the file, its lock, its schema, its limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/sqlite/sqlite.h"
#include "base/timetext.h"
#include "support/tempdir.h"
#include "support/torture.h"

#define DAY TT_MS_PER_DAY

struct subject {
    struct tt_tempdir dir;
    struct tt_store *store;
    struct tt_state *state;
    struct tt_error err;
};

static enum tt_status open_with(struct subject *subject, const struct tt_sqlite_options *more)
{
    struct tt_sqlite_options options =
        more != NULL ? *more : (struct tt_sqlite_options){.durability = TT_SQLITE_PROCESS};
    options.alloc = &tt_alloc_libc;
    options.path = tt_tempdir_file(&subject->dir, "s.db");
    return tt_sqlite_open(&options, &subject->store, &subject->state, &subject->err);
}

static void close_both(struct subject *subject)
{
    subject->store->ops->close(subject->store);
    subject->state->ops->close(subject->state);
}

static int setup(void **state)
{
    struct subject *subject = calloc(1, sizeof *subject);
    tt_tempdir_init(&subject->dir);
    *state = subject;
    return 0;
}

static int teardown(void **state)
{
    struct subject *subject = *state;
    tt_tempdir_deinit(&subject->dir);
    free(subject);
    return 0;
}

/* Runs SQL on the file from outside. */
static void outside(struct subject *subject, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(tt_tempdir_file(&subject->dir, "s.db"), &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fail_msg("%s", sqlite3_errmsg(db));
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static enum tt_status append(struct tt_store *store, uint64_t seq, int64_t event_ms,
                             struct tt_error *err)
{
    struct tt_row_transaction row = {.seq = seq,
                                     .event_ms = event_ms,
                                     .user_id = TT_STR("u"),
                                     .transaction_id = TT_STR("t"),
                                     .json = TT_STR("{}")};
    struct tt_group group = {.transactions = &row, .transaction_count = 1};
    return store->ops->append(store, &group, err);
}

static bool count_row(void *ctx, const struct tt_row_transaction *row,
                      const struct tt_row_label *label, const struct tt_row_epoch *epoch)
{
    (void)row;
    (void)label;
    (void)epoch;
    ++*(size_t *)ctx;
    return true;
}

static void files_are_the_owners_alone(void **state)
{
    struct subject *subject = *state;
    mode_t mask = umask(0);
    assert_int_equal(open_with(subject, NULL), TT_OK);
    assert_int_equal(append(subject->store, 1, 0, NULL), TT_OK);
    const char *const names[] = {"s.db", "s.db-wal", "s.db-shm", "s.db-lock"};
    for (size_t i = 0; i < TT_ARRAY_SIZE(names); i++) {
        struct stat info;
        assert_int_equal(stat(tt_tempdir_file(&subject->dir, names[i]), &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
    }
    (void)umask(mask);
    close_both(subject);
}

static void a_database_in_use_is_refused(void **state)
{
    struct subject *subject = *state;
    assert_int_equal(open_with(subject, NULL), TT_OK);
    struct subject second = *subject;
    assert_int_equal(open_with(&second, NULL), TT_E_IO);
    assert_non_null(strstr(second.err.message, "in use"));
    assert_non_null(strstr(second.err.message, "s.db"));
    close_both(subject);
    assert_int_equal(open_with(subject, NULL), TT_OK);
    close_both(subject);
}

static void either_half_may_be_closed_first(void **state)
{
    struct subject *subject = *state;
    assert_int_equal(open_with(subject, NULL), TT_OK);
    subject->state->ops->close(subject->state);
    assert_int_equal(append(subject->store, 1, 0, NULL), TT_OK);
    subject->store->ops->close(subject->store);
    assert_int_equal(open_with(subject, NULL), TT_OK);
    struct tt_state_token token;
    uint64_t position;
    subject->store->ops->close(subject->store);
    assert_int_equal(subject->state->ops->claim(subject->state, TT_STR("o"), 1, &token, &position,
                                                &subject->err),
                     TT_OK);
    subject->state->ops->close(subject->state);
}

static void a_newer_schema_is_refused(void **state)
{
    struct subject *subject = *state;
    assert_int_equal(open_with(subject, NULL), TT_OK);
    close_both(subject);
    outside(subject, "INSERT INTO schema_version VALUES (999, 'future')");
    assert_int_equal(open_with(subject, NULL), TT_E_UNSUPPORTED);
    assert_non_null(strstr(subject->err.message, "999"));
    outside(subject, "DELETE FROM schema_version WHERE version = 999");
    assert_int_equal(open_with(subject, NULL), TT_OK);
    close_both(subject);
}

static void another_programs_database_is_refused(void **state)
{
    struct subject *subject = *state;
    outside(subject, "CREATE TABLE notes (text TEXT)");
    assert_int_equal(open_with(subject, NULL), TT_E_UNSUPPORTED);
    outside(subject, "DROP TABLE notes; PRAGMA application_id = 7");
    assert_int_equal(open_with(subject, NULL), TT_E_UNSUPPORTED);
}

static void a_damaged_file_is_corrupt(void **state)
{
    struct subject *subject = *state;
    FILE *file = fopen(tt_tempdir_file(&subject->dir, "s.db"), "w");
    for (int i = 0; i < 5000; i++) {
        (void)fputs("no database ", file);
    }
    (void)fclose(file);
    assert_int_equal(open_with(subject, NULL), TT_E_CORRUPT);
    assert_non_null(strstr(subject->err.message, "s.db"));
}

static void a_damaged_page_is_corrupt(void **state)
{
    struct subject *subject = *state;
    assert_int_equal(open_with(subject, NULL), TT_OK);
    for (uint64_t seq = 1; seq <= 2000; seq++) {
        assert_int_equal(append(subject->store, seq, 0, NULL), TT_OK);
    }
    close_both(subject);
    int fd = open(tt_tempdir_file(&subject->dir, "s.db"), O_RDWR);
    off_t size = lseek(fd, 0, SEEK_END);
    char waste[8192];
    memset(waste, 0xa5, sizeof waste);
    for (off_t at = size / 2 / 8192 * 8192; at < size; at += 8192) {
        assert_int_equal(pwrite(fd, waste, sizeof waste, at), sizeof waste);
    }
    (void)close(fd);
    size_t count = 0;
    enum tt_status status = open_with(subject, NULL);
    if (status == TT_OK) {
        status = subject->store->ops->scan(subject->store, 0, count_row, &count, &subject->err);
        close_both(subject);
    }
    assert_int_equal(status, TT_E_CORRUPT);
}

static void a_path_that_cannot_be_is_named(void **state)
{
    struct subject *subject = *state;
    struct tt_sqlite_options options = {.alloc = &tt_alloc_libc, .path = "/no/such/folder/x.db"};
    assert_int_equal(tt_sqlite_open(&options, &subject->store, &subject->state, &subject->err),
                     TT_E_IO);
    assert_non_null(strstr(subject->err.message, "/no/such/folder/x.db"));
}

static void days_beyond_the_limit_share_tables(void **state)
{
    struct subject *subject = *state;
    struct tt_sqlite_options options = {.durability = TT_SQLITE_PROCESS, .days_max = 2};
    assert_int_equal(open_with(subject, &options), TT_OK);
    const int64_t days[] = {100, 101, 102, 103, 100, 102, -3000000, INT64_MAX / DAY};
    for (size_t i = 0; i < TT_ARRAY_SIZE(days); i++) {
        assert_int_equal(append(subject->store, i + 1, days[i] * DAY, &subject->err), TT_OK);
    }
    const struct tt_store_ops *ops = subject->store->ops;
    size_t count = 0;
    assert_int_equal(ops->scan(subject->store, 0, count_row, &count, NULL), TT_OK);
    assert_int_equal(count, 8);
    count = 0;
    assert_int_equal(
        ops->find(subject->store, TT_STR("u"), TT_STR("t"), TT_TIME_NONE, count_row, &count, NULL),
        TT_OK);
    assert_int_equal(count, 8);
    assert_int_equal(ops->drop_before(subject->store, 103 * DAY, &subject->err), TT_OK);
    count = 0;
    assert_int_equal(ops->scan(subject->store, 0, count_row, &count, NULL), TT_OK);
    assert_int_equal(count, 2); /* day 103 and the one at the end of time */
    struct tt_store_counts counts;
    assert_int_equal(ops->counts(subject->store, &counts, NULL), TT_OK);
    assert_int_equal(counts.transactions, 2);
    assert_int_equal(counts.seq_last, 8);
    close_both(subject);
}

static void dead_letters_are_kept_to_a_number(void **state)
{
    struct subject *subject = *state;
    struct tt_sqlite_options options = {.durability = TT_SQLITE_PROCESS, .dead_letters_max = 3};
    assert_int_equal(open_with(subject, &options), TT_OK);
    struct tt_row_dead_letter letter = {.source = TT_STR("http"), .reason = TT_STR("syntax")};
    struct tt_group group = {.dead_letters = &letter, .dead_letter_count = 1};
    struct tt_store_counts counts;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(subject->store->ops->append(subject->store, &group, NULL), TT_OK);
    }
    assert_int_equal(subject->store->ops->counts(subject->store, &counts, NULL), TT_OK);
    assert_int_equal(counts.dead_letters, 3);
    close_both(subject);
}

static enum tt_status torture(const struct tt_alloc *alloc, void *ctx)
{
    struct subject *subject = ctx;
    struct tt_store *store = NULL;
    struct tt_state *state = NULL;
    struct tt_sqlite_options options = {.alloc = alloc,
                                        .path = tt_tempdir_file(&subject->dir, "torture.db"),
                                        .durability = TT_SQLITE_PROCESS};
    (void)unlink(options.path);
    enum tt_status status = tt_sqlite_open(&options, &store, &state, &subject->err);
    if (status != TT_OK) {
        return status;
    }
    size_t count = 0;
    for (uint64_t seq = 1; seq <= 3 && status == TT_OK; seq++) {
        status = append(store, seq, (int64_t)seq * DAY, &subject->err);
    }
    if (status == TT_OK) {
        status = store->ops->scan(store, 0, count_row, &count, &subject->err);
    }
    if (status == TT_OK) {
        status = store->ops->find(store, TT_STR("u"), TT_STR("t"), TT_TIME_NONE, count_row, &count,
                                  &subject->err);
    }
    assert_true(status != TT_OK || count == 6);
    store->ops->close(store);
    state->ops->close(state);
    return status;
}

static void failing_allocations_leak_nothing(void **state)
{
    tt_torture_run(torture, *state);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(files_are_the_owners_alone),
        CASE(a_database_in_use_is_refused),
        CASE(either_half_may_be_closed_first),
        CASE(a_newer_schema_is_refused),
        CASE(another_programs_database_is_refused),
        CASE(a_damaged_file_is_corrupt),
        CASE(a_damaged_page_is_corrupt),
        CASE(a_path_that_cannot_be_is_named),
        CASE(days_beyond_the_limit_share_tables),
        CASE(dead_letters_are_kept_to_a_number),
        CASE(failing_allocations_leak_nothing),
    };
    return cmocka_run_group_tests_name("sqlite", tests, NULL, NULL);
}
