/* How much the store adds to SQLite itself: groups appended through the port against a bare loop of
 * the same prepared inserts into the same tables, both with synchronous=FULL, interleaved.
 *
 * Usage: sqlite_append [ROWS [GROUP [DIR]]]
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "adapters/sqlite/sqlite.h"
#include "base/rng.h"
#include "base/timetext.h"

#define GROUP_MAX 8192
#define TURN 100000 /* rows */

struct source {
    struct tt_row_transaction rows[GROUP_MAX];
    char ids[GROUP_MAX][40], users[GROUP_MAX][16];
    char json[301], vector[250], detections[100], decision[151];
    uint64_t seq;
    struct tt_rng rng;
};

static double now(clockid_t clock)
{
    struct timespec time;
    (void)clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void die(const char *what)
{
    (void)fprintf(stderr, "sqlite_append: %s\n", what);
    exit(1);
}

static void source_init(struct source *source)
{
    tt_rng_init(&source->rng, 1);
    memset(source->json, 'j', sizeof source->json - 1);
    memset(source->decision, 'd', sizeof source->decision - 1);
    for (size_t i = 0; i < sizeof source->vector; i++) {
        source->vector[i] = (char)tt_rng_next(&source->rng);
    }
}

static void fill(struct source *source, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int id = snprintf(source->ids[i], sizeof source->ids[i], "t-%016llx-%010llu",
                          (unsigned long long)tt_rng_next(&source->rng),
                          (unsigned long long)source->seq);
        int user = snprintf(source->users[i], sizeof source->users[i], "u-%llu",
                            (unsigned long long)tt_rng_below(&source->rng, 50000));
        source->seq++;
        source->rows[i] = (struct tt_row_transaction){
            .seq = source->seq,
            .event_ms = INT64_C(20500) * TT_MS_PER_DAY + (int64_t)source->seq / 20,
            .user_id = {source->users[i], (size_t)user},
            .transaction_id = {source->ids[i], (size_t)id},
            .content = {source->seq, 1},
            .json = {source->json, 300},
            .vector = {source->vector, 250},
            .detections = {source->detections, 100},
            .decision = {source->decision, 150},
            .bundle = {1, 2},
            .positions = {source->vector, 16},
        };
    }
}

static struct tt_store *open_store(const char *path, struct tt_state **state)
{
    struct tt_store *store = NULL;
    struct tt_error err = {0};
    struct tt_sqlite_options options = {.alloc = &tt_alloc_libc, .path = path};
    if (tt_sqlite_open(&options, &store, state, &err) != TT_OK) {
        die(err.message);
    }
    return store;
}

/* The same columns, pragmas and page size as the store's; SQLite's own checkpoint. */
static sqlite3_stmt *open_bare(const char *path, sqlite3 **db)
{
    sqlite3_stmt *insert = NULL;
    if (sqlite3_open_v2(path, db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK ||
        sqlite3_exec(*db,
                     "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                     "PRAGMA cache_size=-16384;"
                     "CREATE TABLE t (seq INTEGER PRIMARY KEY, event_ms INTEGER, epoch INTEGER,"
                     "absorbed INTEGER, anomalous INTEGER, user_id TEXT, transaction_id TEXT,"
                     "content BLOB, bundle BLOB, positions BLOB, json TEXT, vector BLOB,"
                     "detections BLOB, decision TEXT)",
                     NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v3(*db, "INSERT INTO t VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)", -1,
                           SQLITE_PREPARE_PERSISTENT, &insert, NULL) != SQLITE_OK) {
        die(sqlite3_errmsg(*db));
    }
    return insert;
}

static void bind(sqlite3_stmt *insert, int index, struct tt_str text, bool is_text)
{
    if (is_text) {
        (void)sqlite3_bind_text(insert, index, text.data, (int)text.size, SQLITE_STATIC);
    } else {
        (void)sqlite3_bind_blob(insert, index, text.data, (int)text.size, SQLITE_STATIC);
    }
}

static void append_bare(sqlite3 *db, sqlite3_stmt *insert, const struct source *source,
                        size_t count)
{
    (void)sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    for (size_t i = 0; i < count; i++) {
        const struct tt_row_transaction *row = &source->rows[i];
        (void)sqlite3_bind_int64(insert, 1, (int64_t)row->seq);
        (void)sqlite3_bind_int64(insert, 2, row->event_ms);
        (void)sqlite3_bind_int64(insert, 3, row->epoch);
        (void)sqlite3_bind_int64(insert, 4, row->absorbed);
        (void)sqlite3_bind_int(insert, 5, row->anomalous);
        bind(insert, 6, row->user_id, true);
        bind(insert, 7, row->transaction_id, true);
        (void)sqlite3_bind_blob(insert, 8, &row->content, 16, SQLITE_STATIC);
        (void)sqlite3_bind_blob(insert, 9, &row->bundle, 16, SQLITE_STATIC);
        bind(insert, 10, row->positions, false);
        bind(insert, 11, row->json, true);
        bind(insert, 12, row->vector, false);
        bind(insert, 13, row->detections, false);
        bind(insert, 14, row->decision, true);
        if (sqlite3_step(insert) != SQLITE_DONE) {
            die(sqlite3_errmsg(db));
        }
        (void)sqlite3_reset(insert);
    }
    if (sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
        die(sqlite3_errmsg(db));
    }
}

struct measure {
    double wall, cpu, longest;
};

static void add(struct measure *measure, double wall, double cpu)
{
    measure->wall += wall;
    measure->cpu += cpu;
    measure->longest = wall > measure->longest ? wall : measure->longest;
}

static void print(const char *name, const struct measure *measure, size_t rows)
{
    (void)printf("%-6s %9.0f rows/s  %5.2f us CPU/row  longest group %6.1f ms\n", name,
                 (double)rows / measure->wall, measure->cpu * 1e6 / (double)rows,
                 measure->longest * 1e3);
}

/* Long turns, so that the log moved behind an append falls into its own turn. */
static void run_turn(struct source *source, size_t group_size, struct tt_store *store, sqlite3 *db,
                     sqlite3_stmt *insert, struct measure *measure)
{
    for (size_t i = 0; i < TURN / group_size; i++) {
        fill(source, group_size);
        struct tt_group group = {.transactions = source->rows, .transaction_count = group_size};
        struct tt_error err = {0};
        double wall = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
        if (store == NULL) {
            append_bare(db, insert, source, group_size);
        } else if (store->ops->append(store, &group, &err) != TT_OK) {
            die(err.message);
        }
        add(measure, now(CLOCK_MONOTONIC) - wall, now(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    }
}

int main(int argc, char **argv)
{
    size_t rows = argc > 1 ? strtoull(argv[1], NULL, 10) : 300000;
    size_t group_size = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000;
    group_size = group_size == 0 || group_size > GROUP_MAX ? GROUP_MAX : group_size;
    char dir[256], store_path[300], bare_path[300];
    (void)snprintf(dir, sizeof dir, "%s/telltale-bench-XXXXXX", argc > 3 ? argv[3] : "/tmp");
    if (mkdtemp(dir) == NULL) {
        die("cannot make a folder");
    }
    (void)snprintf(store_path, sizeof store_path, "%s/store.db", dir);
    (void)snprintf(bare_path, sizeof bare_path, "%s/bare.db", dir);
    struct source *source = calloc(1, sizeof *source);
    struct tt_state *state = NULL;
    sqlite3 *db = NULL;
    struct tt_store *store = open_store(store_path, &state);
    sqlite3_stmt *insert = open_bare(bare_path, &db);
    source_init(source);
    struct measure ours = {0}, bare = {0};
    size_t done = 0;
    for (int turn = 0; done < rows; turn++) {
        for (int half = 0; half < 2; half++) {
            bool is_ours = (turn + half) % 2 == 0;
            run_turn(source, group_size, is_ours ? store : NULL, db, insert,
                     is_ours ? &ours : &bare);
        }
        done += TURN / group_size * group_size;
    }
    print("store", &ours, done);
    print("bare", &bare, done);
    (void)printf("ratio  %.2f (store / bare, rows/s; groups of %zu, durability power)\n",
                 bare.wall / ours.wall, group_size);
    sqlite3_finalize(insert);
    (void)sqlite3_close(db);
    store->ops->close(store);
    state->ops->close(state);
    free(source);
    char command[320];
    (void)snprintf(command, sizeof command, "rm -r '%s'", dir);
    return system(command) == 0 ? 0 : 1;
}
