/* See file_feed.h. Rows are parsed straight into the event they are asked for; when a label falls due
 * before the row, the row is held and the label goes first. */
#include "services/data_ingestor/file_feed.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/decompress.h"
#include "format/json_lines.h"
#include "format/lines.h"
#include "format/record/pan.h"
#include "format/record/record_json.h"
#include "services/data_ingestor/held.h"
#include "services/data_ingestor/recorded_feed.h"

#define PEEK_SIZE 4096
#define MAP_BLOCK_SIZE 16384
#define MAP_SIZE_MAX (16u << 20)
#define REJECT_BYTES_MAX 4096
#define REJECT_BYTES_SEEN (REJECT_BYTES_MAX + 128)

/* The beginning of the content, looked at to tell CSV from JSON, then given again. */
struct peek {
    struct tt_source inner;
    char data[PEEK_SIZE];
    size_t at, size;
};

struct file_feed {
    struct tt_feed feed;
    const struct tt_alloc *alloc;
    struct tt_file_feed_options options;
    int fd;
    uint64_t file_size; /* 0 = not known */
    struct tt_decompress *decompress;
    struct peek peek;
    enum tt_map_format format;
    struct tt_csv_reader *csv;
    struct tt_json_lines document; /* of a JSON array or pretty-printed objects */
    struct tt_line_reader lines;
    bool lines_open;
    struct tt_arena arena; /* of the map */
    const struct tt_record_map *map;
    struct tt_held labels, rows; /* rows: at most one, or all of them when sorted */
    bool ended;
    enum tt_status failure;
    struct tt_error error;
};

/* Whatever fails below says what; which file it was is said here. */
static enum tt_status fail_in_file(const struct file_feed *self, enum tt_status status,
                                   struct tt_error *err)
{
    char message[sizeof err->message];
    (void)snprintf(message, sizeof message, "%s: %.180s", self->options.path,
                   err->message[0] != '\0' ? err->message : tt_status_name(status));
    err->status = status;
    memcpy(err->message, message, sizeof message);
    return status;
}

static enum tt_status read_fd(void *ctx, char *data, size_t capacity, size_t *ret_size,
                              struct tt_error *err)
{
    struct file_feed *self = ctx;
    ssize_t size;
    do {
        size = read(self->fd, data, capacity);
    } while (size < 0 && errno == EINTR);
    if (size < 0) {
        return tt_fail(err, TT_E_IO, "%s", strerror(errno));
    }
    *ret_size = (size_t)size;
    return TT_OK;
}

static enum tt_status read_peek(void *ctx, char *data, size_t capacity, size_t *ret_size,
                                struct tt_error *err)
{
    struct peek *peek = ctx;
    if (peek->at == peek->size) {
        return peek->inner.read(peek->inner.ctx, data, capacity, ret_size, err);
    }
    size_t size = peek->size - peek->at < capacity ? peek->size - peek->at : capacity;
    memcpy(data, peek->data + peek->at, size);
    peek->at += size;
    *ret_size = size;
    return TT_OK;
}

/* The first byte that says something, or 0 for an empty file. */
static enum tt_status first_byte(struct peek *peek, char *ret, struct tt_error *err)
{
    *ret = 0;
    while (peek->size < PEEK_SIZE) {
        size_t size = 0;
        enum tt_status status = peek->inner.read(peek->inner.ctx, peek->data + peek->size,
                                                 PEEK_SIZE - peek->size, &size, err);
        if (status != TT_OK || size == 0) {
            return status;
        }
        struct tt_str seen = {peek->data, peek->size += size};
        if (tt_str_starts_with(seen, TT_STR("\xEF\xBB\xBF"))) {
            seen = (struct tt_str){seen.data + 3, seen.size - 3};
        }
        seen = tt_str_trim(seen);
        if (seen.size > 0) {
            *ret = seen.data[0];
            return TT_OK;
        }
    }
    return TT_OK;
}

static enum tt_status open_file(struct file_feed *self, struct tt_error *err)
{
    const char *path = self->options.path;
    if (strcmp(path, "-") == 0) {
        self->fd = dup(STDIN_FILENO);
    } else {
        self->fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (self->fd < 0) {
        return tt_fail(err, errno == ENOENT ? TT_E_NOT_FOUND : TT_E_IO, "%s", strerror(errno));
    }
    struct stat info;
    if (fstat(self->fd, &info) == 0) {
        if (S_ISDIR(info.st_mode)) {
            return tt_fail(err, TT_E_IO, "is a folder");
        }
        self->file_size = S_ISREG(info.st_mode) ? (uint64_t)info.st_size : 0;
    }
    struct tt_source source = {read_fd, self};
    enum tt_status status = tt_decompress_open(self->alloc, source, 0, &self->decompress, err);
    if (status == TT_OK) {
        self->peek.inner = tt_decompress_source(self->decompress);
    }
    return status;
}

static enum tt_status open_csv(struct file_feed *self, struct tt_source source,
                               struct tt_error *err)
{
    struct tt_csv_options csv_options = {
        .delimiter = self->options.map != NULL ? tt_record_map_delimiter(self->options.map) : ',',
        .row_size_max = self->options.schema->record_size_max,
    };
    enum tt_status status = tt_csv_open(self->alloc, source, &csv_options, &self->csv, err);
    if (status != TT_OK) {
        return status;
    }
    uint32_t count = 0;
    const struct tt_str *header = tt_csv_header(self->csv, &count);
    if (self->options.map != NULL) {
        return tt_record_map_bind(&self->arena, self->options.map, header, count, &self->map, err);
    }
    return tt_record_map_identity(&self->arena, header, count, self->options.schema, &self->map,
                                  err);
}

static enum tt_status open_reader(struct file_feed *self, struct tt_error *err)
{
    struct tt_source source = {read_peek, &self->peek};
    if (self->options.map != NULL) {
        self->format = tt_record_map_format(self->options.map);
        self->map = self->options.map;
    } else {
        char first = 0;
        enum tt_status status = first_byte(&self->peek, &first, err);
        if (status != TT_OK) {
            return status;
        }
        struct tt_str seen = {self->peek.data, self->peek.size};
        if (tt_str_starts_with(seen, TT_STR(TT_EXPORT_HEADER))) {
            return tt_fail(
                err, TT_E_UNSUPPORTED,
                "an export is scored in its own order, and from a file, not from standard "
                "input");
        }
        self->format = first == '['                 ? TT_MAP_JSON
                       : first == '{' || first == 0 ? TT_MAP_JSONL
                                                    : TT_MAP_CSV;
    }
    if (self->format == TT_MAP_CSV) {
        return open_csv(self, source, err);
    }
    if (self->format == TT_MAP_JSON) {
        source = tt_json_lines_init(&self->document, source);
    }
    enum tt_status status = tt_line_reader_init(&self->lines, self->alloc, source,
                                                self->options.schema->record_size_max + 1);
    self->lines_open = status == TT_OK;
    return status == TT_OK ? TT_OK : tt_fail(err, status, "no memory to read lines");
}

static void set_reject(struct tt_event *event, const struct tt_verdict *verdict, const char *path,
                       struct tt_str bytes)
{
    event->kind = TT_EVENT_REJECT;
    struct tt_error text;
    (void)tt_fail(&text, TT_E_INVALID, verdict->field[0] != '\0' ? "%s: %s" : "%s%s",
                  verdict->field, verdict->detail);
    size_t size = bytes.size < REJECT_BYTES_SEEN ? bytes.size : REJECT_BYTES_SEEN;
    char *copy = tt_arena_copy(&event->text, bytes.data != NULL ? bytes.data : "", size);
    char *detail = tt_arena_copy(&event->text, text.message, strlen(text.message));
    if (copy != NULL) {
        (void)tt_pan_mask(copy, size);
        size = size < REJECT_BYTES_MAX ? size : REJECT_BYTES_MAX;
    }
    event->rejection = (struct tt_rejection){
        .reason = tt_reject_code(verdict->reason),
        .http_status = tt_reject_http_status(verdict->reason),
        .source = tt_str_from(path),
        .detail = tt_str_from(detail != NULL ? detail : ""),
        .bytes = {copy != NULL ? copy : "", copy != NULL ? size : 0},
    };
}

/* What a reader of rows gives: a transaction, a verdict with the row's bytes, or a failure. */
struct row_result {
    struct tt_map_label label;
    struct tt_verdict verdict;
    struct tt_str bytes;
    uint64_t line;
};

static enum tt_status read_csv(struct file_feed *self, struct tt_event *event,
                               struct row_result *result, struct tt_error *err)
{
    struct tt_csv_row row;
    enum tt_status status = tt_csv_next(self->csv, &row, err);
    if (status != TT_OK) {
        return status;
    }
    result->bytes = row.bytes;
    result->line = row.line;
    return tt_record_map_csv(self->map, self->options.schema, &row, TT_TIME_NONE, &event->text,
                             &event->txn, &result->label, NULL, &result->verdict);
}

static enum tt_status read_json(struct file_feed *self, struct tt_event *event,
                                struct row_result *result, struct tt_error *err)
{
    struct tt_line line;
    do {
        enum tt_status status = tt_line_next(&self->lines, &line, err);
        if (status != TT_OK) {
            return status;
        }
    } while (tt_str_trim(line.bytes).size == 0 && !line.too_long);
    result->bytes = line.bytes;
    result->line = line.number;
    if (line.too_long) {
        return tt_verdict_set(&result->verdict, TT_REJECT_RECORD_SIZE, TT_STR(""), 0,
                              "a line of more than %u bytes",
                              self->options.schema->record_size_max);
    }
    if (self->map != NULL) {
        return tt_record_map_json(self->map, self->options.schema, line.bytes, TT_TIME_NONE,
                                  &event->text, &event->txn, &result->label, NULL,
                                  &result->verdict);
    }
    return tt_record_json_txn(self->options.schema, line.bytes, TT_TIME_NONE, &event->text,
                              &event->txn, NULL, &result->verdict);
}

/* The end, or the failure that ends the feed: kept for the caller, after everything before it. */
static enum tt_status end_feed(struct file_feed *self, enum tt_status status,
                               const struct tt_error *err)
{
    self->ended = true;
    if (status != TT_E_CLOSED) {
        self->failure = status;
        self->error = *err;
    }
    return TT_E_CLOSED;
}

/* The next row of the file as an event; TT_E_CLOSED at the end. */
static enum tt_status read_row(struct file_feed *self, struct tt_event *event)
{
    if (self->ended) {
        return TT_E_CLOSED;
    }
    struct row_result result;
    memset(&result.label, 0, sizeof result.label);
    result.bytes = (struct tt_str){NULL, 0};
    result.line = 0;
    struct tt_error err = {0};
    enum tt_status status = self->format == TT_MAP_CSV ? read_csv(self, event, &result, &err)
                                                       : read_json(self, event, &result, &err);
    event->source_line = result.line;
    if (status == TT_OK) {
        event->kind = TT_EVENT_TRANSACTION;
        event->truth =
            (struct tt_truth){result.label.present, result.label.fraud, result.label.kind};
        return TT_OK;
    }
    if (status == TT_E_INVALID && result.bytes.data != NULL) {
        set_reject(event, &result.verdict, self->options.path, result.bytes);
        return TT_OK;
    }
    if (status != TT_E_CLOSED) {
        (void)fail_in_file(self, status, &err);
    }
    return end_feed(self, status, &err);
}

/* The label of a known fraud, for later. */
static enum tt_status hold_label(struct file_feed *self, struct tt_event *event)
{
    if (event->kind != TT_EVENT_TRANSACTION || !event->truth.fraud) {
        return TT_OK;
    }
    int64_t known_at_ms = event->txn.timestamp_ms + self->options.label_delay_ms;
    event->kind = TT_EVENT_LABEL;
    event->label = (struct tt_label){
        .kind = TT_LABEL_FRAUD,
        .source = TT_LABEL_IMPORT,
        .known_at_ms = known_at_ms,
        .selection_probability = 1.0,
    };
    enum tt_status status = tt_held_push(&self->labels, event, known_at_ms);
    event->kind = TT_EVENT_TRANSACTION;
    event->label = (struct tt_label){0};
    return status;
}

static enum tt_status sort_rows(struct file_feed *self, struct tt_event *event)
{
    for (;;) {
        enum tt_status status = read_row(self, event);
        if (status == TT_E_CLOSED) {
            tt_event_clear(event);
            return TT_OK;
        }
        if (event->kind == TT_EVENT_REJECT) {
            return TT_OK; /* delivered at once; sorting goes on at the next call */
        }
        status = tt_held_push(&self->rows, event, event->txn.timestamp_ms);
        if (status != TT_OK) {
            return status;
        }
        tt_event_clear(event);
    }
}

static enum tt_status next_row(struct file_feed *self, struct tt_event *event)
{
    if (self->options.by_event_time && !self->ended) {
        enum tt_status status = sort_rows(self, event);
        if (status != TT_OK || event->kind == TT_EVENT_REJECT) {
            return status;
        }
    }
    if (self->rows.count > 0) {
        return tt_held_pop(&self->rows, event);
    }
    return read_row(self, event);
}

static enum tt_status next(struct tt_feed *feed, struct tt_event *event, struct tt_error *err)
{
    struct file_feed *self = (struct file_feed *)feed;
    enum tt_status status = next_row(self, event);
    if (status != TT_OK || event->kind == TT_EVENT_REJECT) {
        return status;
    }
    if (tt_held_next_ms(&self->labels) <= event->txn.timestamp_ms) {
        status = tt_held_push(&self->rows, event, INT64_MIN); /* the very next one */
        if (status == TT_OK) {
            tt_event_clear(event);
            status = tt_held_pop(&self->labels, event);
        }
    } else {
        status = hold_label(self, event);
    }
    return status == TT_OK ? TT_OK : tt_fail(err, status, "no memory to hold a label");
}

static void close_feed(struct tt_feed *feed)
{
    struct file_feed *self = (struct file_feed *)feed;
    tt_csv_close(self->csv);
    if (self->lines_open) {
        tt_line_reader_deinit(&self->lines);
    }
    tt_decompress_close(self->decompress);
    if (self->fd >= 0) {
        (void)close(self->fd);
    }
    tt_held_deinit(&self->labels);
    tt_held_deinit(&self->rows);
    tt_arena_deinit(&self->arena);
    tt_delete(self->alloc, self, sizeof *self);
}

static enum tt_status failure(const struct tt_feed *feed, struct tt_error *err)
{
    const struct file_feed *self = (const struct file_feed *)feed;
    if (self->failure != TT_OK && err != NULL) {
        *err = self->error;
    }
    return self->failure;
}

static double progress(const struct tt_feed *feed)
{
    const struct file_feed *self = (const struct file_feed *)feed;
    if (self->file_size == 0) {
        return (double)NAN;
    }
    double share = (double)tt_decompress_position(self->decompress) / (double)self->file_size;
    return share > 1.0 ? 1.0 : share;
}

static const struct tt_feed_ops ops = {next, failure, progress, close_feed};

enum tt_status tt_file_feed_open(const struct tt_alloc *alloc,
                                 const struct tt_file_feed_options *options, struct tt_feed **ret,
                                 struct tt_error *err)
{
    struct file_feed *self = tt_new_array(alloc, 1, sizeof *self);
    if (self == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory to read a file");
    }
    self->feed.ops = &ops;
    self->alloc = alloc;
    self->options = *options;
    self->fd = -1;
    tt_arena_init(&self->arena, alloc, MAP_BLOCK_SIZE, MAP_SIZE_MAX);
    tt_held_init(&self->labels, alloc);
    tt_held_init(&self->rows, alloc);
    enum tt_status status = open_file(self, err);
    if (status == TT_OK) {
        status = open_reader(self, err);
    }
    if (status != TT_OK) {
        struct tt_error why = err != NULL ? *err : (struct tt_error){0};
        (void)fail_in_file(self, status, &why);
        close_feed(&self->feed);
        return tt_fail(err, status, "%s", why.message);
    }
    *ret = &self->feed;
    return TT_OK;
}
