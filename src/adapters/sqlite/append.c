/* Appending a group: one database transaction, rows to the tables of their day.
 *
 * Values are bound without copying and rows go in by ascending seq, so that an insertion is an
 * append to the last page of its table.
 */
#include <string.h>

#include "adapters/sqlite/database.h"
#include "adapters/sqlite/migrate.h"

/* Year 1 to 9999: what a table name can hold. */
#define DAY_MIN INT64_C(-719162)
#define DAY_MAX INT64_C(2932896)

enum tt_status tt_sqlite_days_load(struct tt_sqlite *self, struct tt_error *err)
{
    sqlite3_stmt *statement = tt_sqlite_prepared(self->writer, TT_SQL_DAYS, err);
    if (statement == NULL) {
        return TT_E_IO;
    }
    size_t count = 0;
    int step;
    enum tt_status status = TT_OK;
    while ((step = sqlite3_step(statement)) == SQLITE_ROW && status == TT_OK) {
        if (count == self->day_capacity) {
            size_t capacity = count == 0 ? 64 : 2 * count;
            int64_t *days =
                tt_resize(self->alloc, self->days, count * sizeof *days, capacity * sizeof *days);
            if (days == NULL) {
                status = tt_fail(err, TT_E_NOMEM, "%s: out of memory", self->path);
                break;
            }
            self->days = days;
            self->day_capacity = capacity;
        }
        self->days[count++] = sqlite3_column_int64(statement, 0);
    }
    if (status == TT_OK && step != SQLITE_DONE) {
        status = tt_sqlite_fail(err, self->writer->db, "read the days");
    }
    (void)sqlite3_reset(statement);
    self->day_count = status == TT_OK ? count : 0;
    return status;
}

/* The newest day is first and is nearly always the one asked for. */
static bool has_day(const struct tt_sqlite *self, int64_t day)
{
    for (size_t i = 0; i < self->day_count; i++) {
        if (self->days[i] == day) {
            return true;
        }
    }
    return false;
}

int64_t tt_sqlite_day_of(const struct tt_sqlite *self, int64_t event_ms)
{
    int64_t day = tt_day_of(event_ms);
    if (day < DAY_MIN || day > DAY_MAX ||
        (self->day_count >= self->days_max && !has_day(self, day))) {
        return TT_SQLITE_DAY_OTHER;
    }
    return day;
}

/* Runs the template of a day's tables with its name in it. */
static enum tt_status make_tables(struct tt_sqlite *self, int64_t day, struct tt_error *err)
{
    char name[TT_SQLITE_DAY_NAME_SIZE];
    tt_sqlite_day_name(day, name);
    struct tt_buf sql;
    tt_buf_init(&sql, self->alloc, 65536);
    const char *rest = tt_sqlite_day_tables;
    for (const char *hole; (hole = strstr(rest, "{day}")) != NULL; rest = hole + 5) {
        (void)tt_buf_append(&sql, rest, (size_t)(hole - rest));
        (void)tt_buf_append_text(&sql, name);
    }
    (void)tt_buf_append_text(&sql, rest);
    enum tt_status status = sql.status;
    if (status != TT_OK) {
        (void)tt_fail(err, status, "%s: out of memory", self->path);
    } else if (sqlite3_exec(self->writer->db, sql.data, NULL, NULL, NULL) != SQLITE_OK) {
        status = tt_sqlite_fail(err, self->writer->db, "make the tables of a day");
    }
    tt_buf_deinit(&sql);
    return status;
}

static enum tt_status add_day(struct tt_sqlite *self, int64_t day, struct tt_error *err)
{
    enum tt_status status = make_tables(self, day, err);
    sqlite3_stmt *add =
        status == TT_OK ? tt_sqlite_prepared(self->writer, TT_SQL_DAY_ADD, err) : NULL;
    if (add == NULL) {
        return status != TT_OK ? status : TT_E_IO;
    }
    (void)sqlite3_bind_int64(add, 1, day);
    status = tt_sqlite_run(self->writer, TT_SQL_DAY_ADD, err);
    return status == TT_OK ? tt_sqlite_days_load(self, err) : status;
}

static enum tt_status update_day(struct tt_sqlite *self, int64_t day,
                                 const struct tt_row_transaction *rows, size_t count,
                                 struct tt_error *err)
{
    sqlite3_stmt *update = tt_sqlite_prepared(self->writer, TT_SQL_DAY_UPDATE, err);
    if (update == NULL) {
        return tt_sqlite_fail(err, self->writer->db, "prepare");
    }
    (void)sqlite3_bind_int64(update, 1, day);
    (void)sqlite3_bind_int64(update, 2, (int64_t)count);
    (void)sqlite3_bind_int64(update, 3, (int64_t)rows[0].seq);
    (void)sqlite3_bind_int64(update, 4, (int64_t)rows[count - 1].seq);
    return tt_sqlite_run(self->writer, TT_SQL_DAY_UPDATE, err);
}

static int add_row(sqlite3_stmt *add, const struct tt_row_transaction *row)
{
    char content[16], bundle[16];
    (void)sqlite3_bind_int64(add, 1, (int64_t)row->seq);
    (void)sqlite3_bind_int64(add, 2, row->event_ms);
    (void)sqlite3_bind_int64(add, 3, row->epoch);
    (void)sqlite3_bind_int64(add, 4, row->absorbed);
    (void)sqlite3_bind_int(add, 5, row->anomalous);
    tt_sqlite_bind_text(add, 6, row->user_id);
    tt_sqlite_bind_text(add, 7, row->transaction_id);
    tt_sqlite_bind_hash(add, 8, row->content, content);
    tt_sqlite_bind_hash(add, 9, row->bundle, bundle);
    tt_sqlite_bind_blob(add, 10, row->positions);
    tt_sqlite_bind_text(add, 11, row->json);
    tt_sqlite_bind_blob(add, 12, row->vector);
    tt_sqlite_bind_blob(add, 13, row->detections);
    tt_sqlite_bind_text(add, 14, row->decision);
    int step = sqlite3_step(add);
    (void)sqlite3_reset(add);
    return step;
}

/* Rows of one day, ascending. */
static enum tt_status add_rows(struct tt_sqlite *self, int64_t day,
                               const struct tt_row_transaction *rows, size_t count,
                               struct tt_error *err)
{
    enum tt_status status = has_day(self, day) ? TT_OK : add_day(self, day, err);
    if (status != TT_OK) {
        return status;
    }
    sqlite3_stmt *add = tt_sqlite_day_prepared(self->writer, day, TT_SQL_DAY_ROW_ADD, err);
    if (add == NULL) {
        return tt_sqlite_fail(err, self->writer->db, "prepare");
    }
    for (size_t i = 0; i < count; i++) {
        if (add_row(add, &rows[i]) != SQLITE_DONE) {
            return tt_sqlite_fail(err, self->writer->db, "write transactions");
        }
    }
    return update_day(self, day, rows, count, err);
}

static enum tt_status add_transactions(struct tt_sqlite *self, const struct tt_group *group,
                                       struct tt_error *err)
{
    const struct tt_row_transaction *rows = group->transactions;
    enum tt_status status = TT_OK;
    for (size_t i = 0, end; i < group->transaction_count && status == TT_OK; i = end) {
        int64_t day = tt_sqlite_day_of(self, rows[i].event_ms);
        for (end = i + 1; end < group->transaction_count; end++) {
            if (tt_sqlite_day_of(self, rows[end].event_ms) != day) {
                break;
            }
        }
        status = add_rows(self, day, rows + i, end - i, err);
    }
    return status;
}

static enum tt_status add_anomalies(struct tt_sqlite *self, const struct tt_group *group,
                                    struct tt_error *err)
{
    enum tt_status status = TT_OK;
    for (size_t i = 0; i < group->anomaly_count && status == TT_OK; i++) {
        const struct tt_row_anomaly *row = &group->anomalies[i];
        sqlite3_stmt *add = tt_sqlite_prepared(self->writer, TT_SQL_ANOMALY_ADD, err);
        if (add == NULL) {
            return tt_sqlite_fail(err, self->writer->db, "prepare");
        }
        tt_sqlite_bind_text(add, 1, row->anomaly_id);
        (void)sqlite3_bind_int64(add, 2, (int64_t)row->seq);
        (void)sqlite3_bind_int64(add, 3, row->event_ms);
        (void)sqlite3_bind_double(add, 4, row->score);
        (void)sqlite3_bind_double(add, 5, row->p_value);
        (void)sqlite3_bind_int(add, 6, row->severity);
        (void)sqlite3_bind_int(add, 7, row->verdict);
        (void)sqlite3_bind_int(add, 8, row->alerted);
        tt_sqlite_bind_text(add, 9, row->status);
        tt_sqlite_bind_text(add, 10, row->user_id);
        tt_sqlite_bind_text(add, 11, row->merchant_id);
        tt_sqlite_bind_text(add, 12, row->detectors.data != NULL ? row->detectors : TT_STR(""));
        tt_sqlite_bind_text(add, 13, row->json);
        status = tt_sqlite_run(self->writer, TT_SQL_ANOMALY_ADD, err);
    }
    return status;
}

static enum tt_status add_labels(struct tt_sqlite *self, const struct tt_group *group,
                                 struct tt_error *err)
{
    enum tt_status status = TT_OK;
    for (size_t i = 0; i < group->label_count && status == TT_OK; i++) {
        const struct tt_row_label *row = &group->labels[i];
        sqlite3_stmt *add = tt_sqlite_prepared(self->writer, TT_SQL_LABEL_ADD, err);
        if (add == NULL) {
            return tt_sqlite_fail(err, self->writer->db, "prepare");
        }
        (void)sqlite3_bind_int64(add, 1, (int64_t)row->seq);
        tt_sqlite_bind_text(add, 2, row->user_id);
        tt_sqlite_bind_text(add, 3, row->transaction_id);
        (void)sqlite3_bind_int(add, 4, row->kind);
        (void)sqlite3_bind_int(add, 5, row->source);
        (void)sqlite3_bind_int64(add, 6, row->known_at_ms);
        (void)sqlite3_bind_int64(add, 7, row->recorded_at_ms);
        (void)sqlite3_bind_double(add, 8, row->selection_probability);
        tt_sqlite_bind_text(add, 9, row->json);
        status = tt_sqlite_run(self->writer, TT_SQL_LABEL_ADD, err);
    }
    return status;
}

static enum tt_status add_epochs(struct tt_sqlite *self, const struct tt_group *group,
                                 struct tt_error *err)
{
    enum tt_status status = TT_OK;
    for (size_t i = 0; i < group->epoch_count && status == TT_OK; i++) {
        char bundle[16];
        sqlite3_stmt *add = tt_sqlite_prepared(self->writer, TT_SQL_EPOCH_ADD, err);
        if (add == NULL) {
            return tt_sqlite_fail(err, self->writer->db, "prepare");
        }
        (void)sqlite3_bind_int64(add, 1, (int64_t)group->epochs[i].seq);
        (void)sqlite3_bind_int64(add, 2, group->epochs[i].epoch);
        tt_sqlite_bind_hash(add, 3, group->epochs[i].bundle, bundle);
        status = tt_sqlite_run(self->writer, TT_SQL_EPOCH_ADD, err);
        if (status == TT_OK && group->epochs[i].rules_version != 0) {
            status = tt_sqlite_rules_live(self, group->epochs[i].rules_version,
                                          group->epochs[i].seq, err);
        }
    }
    return status;
}

static enum tt_status add_dead_letters(struct tt_sqlite *self, const struct tt_group *group,
                                       size_t *ret_trimmed, struct tt_error *err)
{
    enum tt_status status = TT_OK;
    for (size_t i = 0; i < group->dead_letter_count && status == TT_OK; i++) {
        const struct tt_row_dead_letter *row = &group->dead_letters[i];
        sqlite3_stmt *add = tt_sqlite_prepared(self->writer, TT_SQL_DEAD_LETTER_ADD, err);
        if (add == NULL) {
            return tt_sqlite_fail(err, self->writer->db, "prepare");
        }
        (void)sqlite3_bind_int64(add, 1, row->received_ms);
        tt_sqlite_bind_text(add, 2, row->source);
        tt_sqlite_bind_text(add, 3, row->reason);
        tt_sqlite_bind_text(add, 4, row->detail.data != NULL ? row->detail : TT_STR(""));
        tt_sqlite_bind_blob(add, 5, row->bytes.data != NULL ? row->bytes : TT_STR(""));
        status = tt_sqlite_run(self->writer, TT_SQL_DEAD_LETTER_ADD, err);
    }
    *ret_trimmed = 0;
    if (group->dead_letter_count != 0 && status == TT_OK) {
        sqlite3_stmt *trim = tt_sqlite_prepared(self->writer, TT_SQL_DEAD_LETTER_TRIM, err);
        if (trim == NULL) {
            return tt_sqlite_fail(err, self->writer->db, "prepare");
        }
        (void)sqlite3_bind_int64(trim, 1, (int64_t)self->dead_letters_max);
        status = tt_sqlite_run(self->writer, TT_SQL_DEAD_LETTER_TRIM, err);
        *ret_trimmed = (size_t)sqlite3_changes(self->writer->db);
    }
    return status;
}

static enum tt_status add_counts(struct tt_sqlite *self, const struct tt_group *group,
                                 size_t trimmed, struct tt_error *err)
{
    if (group->anomaly_count + group->label_count + group->dead_letter_count == 0) {
        return TT_OK;
    }
    sqlite3_stmt *count = tt_sqlite_prepared(self->writer, TT_SQL_META_COUNT, err);
    if (count == NULL) {
        return tt_sqlite_fail(err, self->writer->db, "prepare");
    }
    (void)sqlite3_bind_int64(count, 1, (int64_t)group->anomaly_count);
    (void)sqlite3_bind_int64(count, 2, (int64_t)group->label_count);
    (void)sqlite3_bind_int64(count, 3, (int64_t)group->dead_letter_count - (int64_t)trimmed);
    return tt_sqlite_run(self->writer, TT_SQL_META_COUNT, err);
}

/* Walks the three kinds merged by seq: each position is new and above all before. */
static enum tt_status check_order(const struct tt_sqlite *self, const struct tt_group *group,
                                  uint64_t *ret_last, struct tt_error *err)
{
    size_t t = 0, l = 0, e = 0;
    uint64_t last = self->seq_last;
    for (;;) {
        uint64_t a = t < group->transaction_count ? group->transactions[t].seq : UINT64_MAX;
        uint64_t b = l < group->label_count ? group->labels[l].seq : UINT64_MAX;
        uint64_t c = e < group->epoch_count ? group->epochs[e].seq : UINT64_MAX;
        uint64_t next = a < b ? (a < c ? a : c) : (b < c ? b : c);
        bool at_end =
            t == group->transaction_count && l == group->label_count && e == group->epoch_count;
        if (at_end) {
            *ret_last = last;
            return TT_OK;
        }
        if (next <= last || next > (uint64_t)INT64_MAX) {
            return tt_fail(err, TT_E_INVALID, "%s: position %llu does not come after %llu",
                           self->path, (unsigned long long)next, (unsigned long long)last);
        }
        last = next;
        t += a == next;
        l += a != next && b == next;
        e += a != next && b != next;
    }
}

static enum tt_status write_group(struct tt_sqlite *self, const struct tt_group *group,
                                  bool *ret_run, struct tt_error *err)
{
    size_t trimmed = 0;
    *ret_run = self->tail.count >= TT_SQLITE_RUN_SIZE;
    enum tt_status status = *ret_run ? tt_sqlite_tail_write(self, err) : TT_OK;
    if (status == TT_OK) {
        status = add_transactions(self, group, err);
    }
    if (status == TT_OK) {
        status = add_anomalies(self, group, err);
    }
    if (status == TT_OK) {
        status = add_labels(self, group, err);
    }
    if (status == TT_OK) {
        status = add_epochs(self, group, err);
    }
    if (status == TT_OK) {
        status = add_dead_letters(self, group, &trimmed, err);
    }
    return status == TT_OK ? add_counts(self, group, trimmed, err) : status;
}

enum tt_status tt_sqlite_append(struct tt_store *store, const struct tt_group *group,
                                struct tt_error *err)
{
    struct tt_sqlite *self = tt_sqlite_of_store(store);
    enum tt_status status = tt_sqlite_begin_write(self, err);
    if (status != TT_OK) {
        return status;
    }
    uint64_t last = 0;
    bool run = false;
    status = check_order(self, group, &last, err);
    if (status == TT_OK) {
        status = tt_sqlite_tail_reserve(self, group->transaction_count, err);
    }
    if (status == TT_OK) {
        status = write_group(self, group, &run, err);
    }
    if (status == TT_OK) {
        status = tt_sqlite_run(self->writer, TT_SQL_COMMIT, err);
    }
    if (status == TT_OK) {
        self->seq_last = last;
        if (run) {
            tt_sqlite_tail_written(self);
        }
        tt_sqlite_tail_add(self, group->transactions, group->transaction_count);
    }
    return tt_sqlite_end_write(self, status, err);
}
