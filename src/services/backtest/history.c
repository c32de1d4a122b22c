/* See history.h. */
#include "services/backtest/history.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/detect/codec.h"
#include "core/features/vector.h"
#include "runtime/files.h"
#include "runtime/secret.h"
#include "services/backtest/segment_file.h"

#define SEGMENT_SUFFIX ".seg"
#define DAYS_MAX 65536

/* ---- a day's rows laid out as blocks ---- */

struct layout {
    const struct tt_history *history;
    struct tt_segment_builder *builder;
    struct tt_segment_writer *writer; /* or NULL */
    struct tt_backtest *backtest;     /* or NULL */
    uint32_t block_count, skip;       /* blocks below skip are in the backtest already */
    struct tt_segment_info info;
    struct tt_value *slots;
    struct tt_loose_event *loose;
    struct tt_buf block;
    uint64_t *done; /* rows of the backtest so far */
    uint64_t total;
    enum tt_status status;
    struct tt_error *err;
};

static bool progress(const struct tt_history *history, uint64_t done, uint64_t total)
{
    return history->on_progress == NULL || history->on_progress(history->ctx, done, total);
}

static enum tt_status stopped(struct tt_error *err)
{
    return tt_fail(err, TT_E_CLOSED, "the backtest was stopped");
}

static enum tt_status flush(struct layout *layout)
{
    uint32_t rows = tt_segment_builder_count(layout->builder);
    struct tt_segment_block block;
    if (rows == 0) {
        return TT_OK;
    }
    tt_buf_clear(&layout->block);
    enum tt_status status =
        tt_segment_builder_finish(layout->builder, &layout->info, &layout->block);
    if (status != TT_OK) {
        return tt_fail(layout->err, status, "the rows of a day do not fit in memory");
    }
    struct tt_error local = {0};
    if (layout->writer != NULL &&
        tt_segment_writer_add(layout->writer, tt_buf_str(&layout->block), rows,
                              layout->info.seq_last, &local) != TT_OK) {
        tt_log_error(layout->history->log, "segment_not_written", &local);
        tt_segment_writer_close(layout->writer);
        layout->writer = NULL;
    }
    layout->info.seq_first = 0;
    if (layout->block_count++ < layout->skip || layout->backtest == NULL) {
        return TT_OK;
    }
    status = tt_segment_open(tt_buf_str(&layout->block), &block, layout->err);
    if (status == TT_OK) {
        status = tt_backtest_add(layout->backtest, &block, layout->err);
    }
    *layout->done += rows;
    return status != TT_OK                                           ? status
           : progress(layout->history, *layout->done, layout->total) ? TT_OK
                                                                     : stopped(layout->err);
}

static enum tt_status add_row(struct layout *layout, const struct tt_row_transaction *row)
{
    const struct tt_engine *engine = layout->history->engine;
    struct tt_event *event = tt_loose_event_reset(layout->loose);
    enum tt_status status =
        tt_row_read_record(row->json, layout->history->schema, event, layout->err);
    if (status == TT_OK) {
        status = tt_vector_unpack(row->vector, &event->vector, layout->err);
    }
    if (status == TT_OK && tt_decision_unpack(row->decision, event) != TT_OK) {
        status = tt_fail(layout->err, TT_E_CORRUPT, "the decision at position %llu cannot be read",
                         (unsigned long long)row->seq);
    }
    if (status != TT_OK) {
        return status;
    }
    bool fits = event->vector.plan.high == layout->info.plan.high &&
                event->vector.plan.low == layout->info.plan.low;
    struct tt_value values[TT_BACKTEST_SPECS_MAX];
    tt_names_fill_txn(engine->names, &event->txn, layout->slots);
    tt_names_fill_vector(engine->names, &event->vector, layout->slots);
    tt_backtest_values(engine->names, event, layout->slots, fits, values);
    layout->info.seq_first = layout->info.seq_first == 0 ? row->seq : layout->info.seq_first;
    layout->info.seq_last = row->seq;
    status = tt_segment_builder_add(layout->builder, values);
    if (status != TT_OK) {
        return tt_fail(layout->err, status, "the rows of a day do not fit in memory");
    }
    return tt_segment_builder_count(layout->builder) == TT_SEGMENT_ROWS_MAX ? flush(layout) : TT_OK;
}

static bool on_row(void *ctx, const struct tt_row_transaction *transaction,
                   const struct tt_row_label *label, const struct tt_row_epoch *epoch)
{
    (void)label;
    (void)epoch;
    struct layout *layout = ctx;
    layout->status = add_row(layout, transaction);
    return layout->status == TT_OK;
}

static enum tt_status scan(struct layout *layout, int64_t day)
{
    struct tt_store *store = layout->history->store;
    enum tt_status status = store->ops->scan_day(store, day, on_row, layout, layout->err);
    status = status == TT_OK ? layout->status : status;
    return status == TT_OK ? flush(layout) : status;
}

static enum tt_status open_layout(struct layout *layout, struct tt_error *err)
{
    const struct tt_history *history = layout->history;
    struct tt_column_spec specs[TT_BACKTEST_SPECS_MAX];
    struct tt_hash_key key;
    tt_secret_random(&key, sizeof key);
    uint32_t count = tt_backtest_specs(history->engine->names, specs);
    uint32_t slots = tt_names_slot_count(history->engine->names);
    tt_buf_init(&layout->block, history->alloc, TT_SEGMENT_BLOCK_SIZE_MAX);
    layout->err = err;
    layout->info.plan = tt_plan_hash(history->engine->plan);
    layout->slots = tt_new_array(history->alloc, slots, sizeof *layout->slots);
    layout->loose = tt_new(history->alloc, sizeof *layout->loose);
    if (layout->slots == NULL || layout->loose == NULL) {
        tt_delete(history->alloc, layout->slots, slots * sizeof *layout->slots);
        tt_delete(history->alloc, layout->loose, sizeof *layout->loose);
        layout->slots = NULL;
        layout->loose = NULL;
        return tt_fail(err, TT_E_NOMEM, "no memory to lay out a day");
    }
    tt_loose_event_init(layout->loose, history->alloc);
    return tt_segment_builder_new(history->alloc, specs, count, key, &layout->builder, err);
}

static void close_layout(struct layout *layout)
{
    const struct tt_history *history = layout->history;
    tt_segment_builder_free(layout->builder);
    if (layout->loose != NULL) {
        tt_loose_event_deinit(layout->loose);
    }
    tt_delete(history->alloc, layout->loose, sizeof *layout->loose);
    tt_delete(history->alloc, layout->slots,
              tt_names_slot_count(history->engine->names) * sizeof *layout->slots);
    tt_buf_deinit(&layout->block);
}

static void segment_path(const struct tt_history *history, int64_t day,
                         char ret[TT_SEGMENT_PATH_SIZE])
{
    int year, month, mday;
    tt_civil_from_day(day, &year, &month, &mday);
    (void)snprintf(ret, TT_SEGMENT_PATH_SIZE, "%.4000s/%04d-%02d-%02d" SEGMENT_SUFFIX,
                   history->folder, year, month, mday);
}

/* Lays a day out; with `keep`, as its segment too. What cannot be written does not stop it. */
static enum tt_status lay_out(const struct tt_history *history, const struct tt_store_day *day,
                              bool keep, struct layout *layout, struct tt_history_counts *counts,
                              struct tt_error *err)
{
    char path[TT_SEGMENT_PATH_SIZE];
    struct tt_segment_writer writer = {.fd = -1};
    struct tt_error local = {0};
    layout->history = history;
    layout->info.day = day->day;
    enum tt_status status = open_layout(layout, err);
    if (status == TT_OK && keep) {
        segment_path(history, day->day, path);
        if (tt_folder_make(history->folder, &local) == TT_OK &&
            tt_segment_writer_open(path, layout->info.plan, &writer, &local) == TT_OK) {
            layout->writer = &writer;
        } else {
            tt_log_error(history->log, "segment_not_written", &local);
        }
    }
    if (status == TT_OK) {
        status = scan(layout, day->day);
    }
    if (status == TT_OK && layout->writer != NULL) {
        if (tt_segment_writer_commit(&writer, &local) == TT_OK) {
            counts->written++;
        } else {
            tt_log_error(history->log, "segment_not_written", &local);
        }
    }
    tt_segment_writer_close(&writer);
    close_layout(layout);
    return status;
}

/* ---- a day from its segment ---- */

/* Whether the file says of itself that it holds what the store holds. */
static bool agrees(const struct tt_history *history, const struct tt_segment_file *file,
                   const struct tt_store_day *day)
{
    struct tt_hash128 plan = tt_plan_hash(history->engine->plan);
    return file->row_count == day->row_count && file->seq_last == day->seq_last &&
           file->plan.high == plan.high && file->plan.low == plan.low;
}

static void note_damage(const struct tt_history *history, const char *path,
                        const struct tt_error *why, struct tt_history_counts *counts)
{
    counts->damaged++;
    tt_log(history->log, TT_LOG_WARN, "segment_damaged",
           "a day's columns were damaged and are made again from its rows",
           TT_LOG_TEXT("path", path), TT_LOG_TEXT("why", why->message));
}

/* Opens the segment of a day; false when there is none that can be used. */
static bool open_segment(const struct tt_history *history, const struct tt_store_day *day,
                         struct tt_segment_file *file, struct tt_history_counts *counts)
{
    char path[TT_SEGMENT_PATH_SIZE];
    struct tt_error why = {0};
    segment_path(history, day->day, path);
    enum tt_status status = tt_segment_file_open(path, file, &why);
    if (status == TT_OK && agrees(history, file, day)) {
        return true;
    }
    if (status == TT_OK) {
        tt_segment_file_close(file);
    } else if (status != TT_E_NOT_FOUND) {
        note_damage(history, path, &why, counts);
    }
    return false;
}

/* Adds the blocks of a segment; *ret_blocks are in the backtest when one turns out to be damaged
 * (TT_E_CORRUPT). */
static enum tt_status add_segment(const struct tt_history *history, struct tt_segment_file *file,
                                  struct tt_backtest *backtest, uint64_t *done, uint64_t total,
                                  uint32_t *ret_blocks, struct tt_error *err)
{
    for (;;) {
        struct tt_segment_block block;
        enum tt_status status = tt_segment_file_next(file, &block, err);
        if (status == TT_E_CLOSED) {
            return TT_OK;
        }
        if (status == TT_OK) {
            status = tt_backtest_add(backtest, &block, err);
        }
        if (status != TT_OK) {
            return status == TT_E_UNSUPPORTED ? TT_E_CORRUPT : status;
        }
        ++*ret_blocks;
        *done += block.row_count;
        if (!progress(history, *done, total)) {
            return stopped(err);
        }
    }
}

static enum tt_status add_day(const struct tt_history *history, const struct tt_store_day *day,
                              bool closed, struct tt_backtest *backtest, uint64_t *done,
                              uint64_t total, struct tt_history_counts *counts,
                              struct tt_error *err)
{
    struct tt_segment_file file;
    struct layout layout = {.backtest = backtest, .done = done, .total = total};
    if (closed && open_segment(history, day, &file, counts)) {
        counts->read++;
        enum tt_status status =
            add_segment(history, &file, backtest, done, total, &layout.skip, err);
        tt_segment_file_close(&file);
        if (status != TT_E_CORRUPT) {
            return status;
        }
        char path[TT_SEGMENT_PATH_SIZE];
        segment_path(history, day->day, path);
        note_damage(history, path, err, counts);
    }
    return lay_out(history, day, closed, &layout, counts, err);
}

/* ---- all of it ---- */

struct days {
    const struct tt_alloc *alloc;
    struct tt_store_day *days;
    size_t count;
    int64_t newest; /* or INT64_MIN */
};

static bool on_day(void *ctx, const struct tt_store_day *day)
{
    struct days *days = ctx;
    if (days->count < DAYS_MAX) {
        days->days[days->count++] = *day;
    }
    days->newest = day->day > days->newest ? day->day : days->newest;
    return true;
}

static enum tt_status list_days(const struct tt_history *history, struct days *days,
                                struct tt_error *err)
{
    *days = (struct days){.alloc = history->alloc, .newest = INT64_MIN};
    days->days = tt_new(history->alloc, DAYS_MAX * sizeof *days->days);
    if (days->days == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for the days");
    }
    return history->store->ops->list_days(history->store, on_day, days, err);
}

static void free_days(struct days *days)
{
    tt_delete(days->alloc, days->days, DAYS_MAX * sizeof *days->days);
}

static bool in_range(const struct tt_backtest_options *options, int64_t day)
{
    if (day == TT_STORE_DAY_OTHER) {
        return true;
    }
    int64_t start = day * TT_MS_PER_DAY;
    return (options->from_ms == TT_TIME_NONE || start + TT_MS_PER_DAY > options->from_ms) &&
           (options->to_ms == TT_TIME_NONE || start < options->to_ms);
}

struct labels {
    struct tt_backtest *backtest;
    enum tt_status status;
    struct tt_error *err;
};

static bool on_label(void *ctx, const struct tt_row_transaction *transaction,
                     const struct tt_row_label *label, const struct tt_row_epoch *epoch)
{
    (void)transaction;
    (void)epoch;
    struct labels *labels = ctx;
    labels->status = tt_backtest_label(labels->backtest, label->user_id, label->transaction_id,
                                       label->kind, labels->err);
    return labels->status == TT_OK;
}

static enum tt_status add_all(const struct tt_history *history, struct tt_backtest *backtest,
                              const struct tt_backtest_options *options, const struct days *days,
                              struct tt_history_counts *counts, struct tt_error *err)
{
    struct labels labels = {backtest, TT_OK, err};
    enum tt_status status =
        history->store->ops->scan_labels(history->store, on_label, &labels, err);
    status = status == TT_OK ? labels.status : status;
    uint64_t total = 0, done = 0;
    for (size_t i = 0; i < days->count; i++) {
        total += in_range(options, days->days[i].day) ? days->days[i].row_count : 0;
    }
    for (size_t i = 0; status == TT_OK && i < days->count; i++) {
        const struct tt_store_day *day = &days->days[i];
        bool closed = day->day != TT_STORE_DAY_OTHER && day->day < days->newest;
        if (in_range(options, day->day)) {
            status = add_day(history, day, closed, backtest, &done, total, counts, err);
            /* retention may take a day while it is looked at */
            status = status == TT_E_NOT_FOUND ? TT_OK : status;
        }
    }
    return status;
}

enum tt_status tt_history_run(const struct tt_history *history,
                              const struct tt_backtest_options *options,
                              struct tt_backtest **ret_backtest, struct tt_history_counts *counts,
                              struct tt_error *err)
{
    struct tt_backtest_options chosen = *options;
    struct tt_backtest *backtest = NULL;
    struct days days;
    *counts = (struct tt_history_counts){0};
    enum tt_status status = list_days(history, &days, err);
    if (status == TT_OK) {
        if (chosen.as_of_ms == TT_TIME_NONE) {
            chosen.as_of_ms = days.newest == INT64_MIN ? 0 : (days.newest + 1) * TT_MS_PER_DAY - 1;
        }
        status = tt_backtest_new(history->alloc, &chosen, &backtest, err);
    }
    if (status == TT_OK) {
        status = add_all(history, backtest, &chosen, &days, counts, err);
    }
    free_days(&days);
    if (status != TT_OK) {
        tt_backtest_free(backtest);
        return status;
    }
    *ret_backtest = backtest;
    return TT_OK;
}

/* ---- days that are gone ---- */

static bool is_stored(const struct tt_history *history, const struct days *days, const char *name)
{
    for (size_t i = 0; i < days->count; i++) {
        char path[TT_SEGMENT_PATH_SIZE];
        if (days->days[i].day == TT_STORE_DAY_OTHER) {
            continue;
        }
        segment_path(history, days->days[i].day, path);
        if (strcmp(strrchr(path, '/') + 1, name) == 0) {
            return true;
        }
    }
    return false;
}

static void drop_gone(const struct tt_history *history, const struct days *days,
                      struct tt_history_counts *counts)
{
    DIR *folder = opendir(history->folder);
    if (folder == NULL) {
        return; /* nothing was written yet */
    }
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        struct tt_str name = tt_str_from(entry->d_name);
        if (tt_str_ends_with(name, TT_STR(SEGMENT_SUFFIX)) &&
            !is_stored(history, days, entry->d_name) &&
            unlinkat(dirfd(folder), entry->d_name, 0) == 0) {
            counts->dropped++;
        }
    }
    (void)closedir(folder);
}

enum tt_status tt_history_drop_gone(const struct tt_history *history,
                                    struct tt_history_counts *counts, struct tt_error *err)
{
    struct days days;
    *counts = (struct tt_history_counts){0};
    enum tt_status status = list_days(history, &days, err);
    if (status == TT_OK) {
        drop_gone(history, &days, counts);
    }
    free_days(&days);
    return status;
}
