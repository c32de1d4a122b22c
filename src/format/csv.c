/*
 * CSV rows (csv.h): one pass over the bytes, resumable at any byte.
 *
 * Fields are kept as offsets from the row's start until the row is whole, because reading on may
 * move the bytes. An unclosed quote would swallow the rest of the file; it is a fault of the line
 * it stands on, and reading goes on behind that line's end.
 */
#include "format/csv.h"

#include <string.h>

#include "format/scan.h"
#include "format/window.h"

#define CHUNK_SIZE (256u << 10)
#define ROW_SIZE_LIMIT (16u << 20)

enum state {
    STATE_FIELD_START,
    STATE_PLAIN,
    STATE_QUOTED,
    STATE_QUOTE_CLOSED, /* behind a closing quote */
    STATE_BROKEN,       /* text behind a closing quote: to the line's end */
};

struct field {
    uint32_t start, size;
    bool doubled; /* has doubled quotes */
};

struct tt_csv_reader {
    const struct tt_alloc *alloc;
    struct tt_window window;
    char delimiter;
    uint32_t row_size_max, field_size_max;
    uint64_t line; /* of the next row */
    bool skipping; /* the last row was too large and its end has not come yet */
    /* The row being read. */
    enum state state;
    size_t scan; /* next byte to look at, from the row's start */
    uint32_t field_start;
    bool doubled, quoted;
    enum tt_csv_fault fault;
    uint32_t count;
    struct field raw[TT_CSV_FIELDS_MAX];
    /* What the caller sees. */
    struct tt_str fields[TT_CSV_FIELDS_MAX];
    char *scratch; /* row_size_max bytes for fields with doubled quotes */
    char *names;   /* the header's text */
    size_t names_size;
    struct tt_str header[TT_CSV_FIELDS_MAX];
    uint32_t header_count;
};

const char *tt_csv_fault_text(enum tt_csv_fault fault)
{
    switch (fault) {
    case TT_CSV_FAULT_FEW_FIELDS:
        return "too few fields";
    case TT_CSV_FAULT_MANY_FIELDS:
        return "too many fields";
    case TT_CSV_FAULT_QUOTE:
        return "a quote is not closed, or text stands behind a closing quote";
    case TT_CSV_FAULT_FIELD_SIZE:
        return "a field is too large";
    case TT_CSV_FAULT_ROW_SIZE:
        return "the row is too large";
    case TT_CSV_FAULT_NONE:
        break;
    }
    return "";
}

static void begin_row(struct tt_csv_reader *reader)
{
    reader->state = STATE_FIELD_START;
    reader->scan = 0;
    reader->doubled = false;
    reader->quoted = false;
    reader->fault = TT_CSV_FAULT_NONE;
    reader->count = 0;
}

static void set_fault(struct tt_csv_reader *reader, enum tt_csv_fault fault)
{
    if (reader->fault == TT_CSV_FAULT_NONE) {
        reader->fault = fault;
    }
}

static inline void end_field(struct tt_csv_reader *reader, size_t end)
{
    uint32_t size = (uint32_t)end - reader->field_start;
    if (TT_LIKELY(reader->count < TT_CSV_FIELDS_MAX)) {
        reader->raw[reader->count] = (struct field){reader->field_start, size, reader->doubled};
    }
    if (TT_UNLIKELY(size > reader->field_size_max)) {
        set_fault(reader, TT_CSV_FAULT_FIELD_SIZE);
    }
    reader->count++;
    reader->doubled = false;
}

/* The first delimiter or LF at or behind p, or end. */
static inline const char *find_stop(const char *p, const char *end, char delimiter)
{
    while (end - p >= 8) {
        uint64_t word = tt_scan_load(p);
        uint64_t stop = tt_scan_equal(word, delimiter) | tt_scan_equal(word, '\n');
        if (stop != 0) {
            return p + tt_scan_first(stop);
        }
        p += 8;
    }
    while (p < end && *p != delimiter && *p != '\n') {
        p++;
    }
    return p;
}

/* Scans unquoted fields; true at the row's end (scan stands on the LF). */
static inline bool scan_plain(struct tt_csv_reader *reader, const char *row, const char *end)
{
    const char *p = row + reader->scan;
    for (;;) {
        p = find_stop(p, end, reader->delimiter);
        reader->scan = (size_t)(p - row);
        if (p == end) {
            reader->state = STATE_PLAIN;
            return false;
        }
        if (*p == '\n') {
            bool carriage = reader->scan > reader->field_start && p[-1] == '\r';
            end_field(reader, reader->scan - (carriage ? 1 : 0));
            return true;
        }
        end_field(reader, reader->scan);
        p++;
        reader->scan++;
        reader->field_start = (uint32_t)reader->scan;
        if (p == end || *p == '"') {
            reader->state = STATE_FIELD_START;
            return false;
        }
    }
}

/* Scans to the closing quote; false when it is not there yet. */
static bool scan_quoted(struct tt_csv_reader *reader, const char *row, const char *end, bool last)
{
    while (row + reader->scan < end) {
        const char *p = row + reader->scan;
        const char *quote = memchr(p, '"', (size_t)(end - p));
        if (quote == NULL) {
            reader->scan = (size_t)(end - row);
            return false;
        }
        reader->scan = (size_t)(quote - row);
        if (quote + 1 == end && !last) {
            return false; /* the next byte says which quote it is */
        }
        if (quote + 1 == end || quote[1] != '"') {
            end_field(reader, reader->scan);
            reader->scan++;
            reader->state = STATE_QUOTE_CLOSED;
            return true;
        }
        reader->doubled = true;
        reader->scan += 2;
    }
    return false;
}

/* Behind a closing quote: a delimiter, a line end, or a fault. True at the row's end. */
static bool scan_closed(struct tt_csv_reader *reader, const char *row, const char *end, bool last)
{
    const char *p = row + reader->scan;
    if (*p == '\n') {
        return true;
    }
    if (*p == '\r' && (p + 1 < end ? p[1] == '\n' : last)) {
        reader->scan++;
        return p + 1 < end;
    }
    if (*p == '\r' && p + 1 == end) {
        return false; /* the next byte says whether it is a line end */
    }
    if (*p == reader->delimiter) {
        reader->scan++;
        reader->field_start = (uint32_t)reader->scan;
        reader->state = STATE_FIELD_START;
        return false;
    }
    set_fault(reader, TT_CSV_FAULT_QUOTE);
    reader->state = STATE_BROKEN;
    return false;
}

static void start_field(struct tt_csv_reader *reader, const char *row)
{
    reader->field_start = (uint32_t)reader->scan;
    if (row[reader->scan] == '"') {
        reader->scan++;
        reader->field_start++;
        reader->quoted = true;
        reader->state = STATE_QUOTED;
        return;
    }
    reader->state = STATE_PLAIN;
}

/* Looks at the bytes that are there; true when the row is whole and scan stands on its LF. */
static bool scan_row(struct tt_csv_reader *reader, const char *row, const char *end, bool last)
{
    size_t before = SIZE_MAX;
    enum state state = STATE_BROKEN;
    /* Each turn moves on or changes state; when neither happens, bytes are missing. */
    while (row + reader->scan < end && (before != reader->scan || state != reader->state)) {
        before = reader->scan;
        state = reader->state;
        switch (reader->state) {
        case STATE_FIELD_START:
            start_field(reader, row);
            break;
        case STATE_PLAIN:
            if (scan_plain(reader, row, end)) {
                return true;
            }
            break;
        case STATE_QUOTED:
            scan_quoted(reader, row, end, last);
            break;
        case STATE_QUOTE_CLOSED:
            if (scan_closed(reader, row, end, last)) {
                return true;
            }
            break;
        case STATE_BROKEN: {
            const char *p = row + reader->scan;
            const char *stop = memchr(p, '\n', (size_t)(end - p));
            reader->scan = (size_t)((stop != NULL ? stop : end) - row);
            if (stop != NULL) {
                return true;
            }
            break;
        }
        }
    }
    return false;
}

/* The text ended without LF: closes what is open. */
static void end_text(struct tt_csv_reader *reader, const char *row)
{
    switch (reader->state) {
    case STATE_FIELD_START:
        reader->field_start = (uint32_t)reader->scan;
        end_field(reader, reader->scan);
        break;
    case STATE_PLAIN: {
        bool carriage = reader->scan > reader->field_start && row[reader->scan - 1] == '\r';
        end_field(reader, reader->scan - (carriage ? 1 : 0));
        break;
    }
    case STATE_QUOTED:
    case STATE_QUOTE_CLOSED:
    case STATE_BROKEN:
        break;
    }
}

/* Removes the doubling from quotes, into the scratch at *used. */
static struct tt_str undouble(struct tt_csv_reader *reader, struct tt_str text, size_t *used)
{
    char *start = reader->scratch + *used, *out = start;
    for (size_t i = 0; i < text.size; i++) {
        *out++ = text.data[i];
        if (text.data[i] == '"') {
            i++; /* its double */
        }
    }
    *used += (size_t)(out - start);
    return (struct tt_str){start, (size_t)(out - start)};
}

static uint64_t count_lines(const char *data, size_t size)
{
    uint64_t count = 0;
    for (size_t i = 0; i < size; i++) {
        count += data[i] == '\n' ? 1 : 0;
    }
    return count;
}

/* Turns the row of `size` bytes (without its LF) into views, and moves on by `used` bytes. */
static void deliver(struct tt_csv_reader *reader, size_t size, size_t used, struct tt_csv_row *ret)
{
    struct tt_window *window = &reader->window;
    const char *row = window->data + window->at;
    uint32_t count = reader->count < TT_CSV_FIELDS_MAX ? reader->count : TT_CSV_FIELDS_MAX;
    size_t scratch = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct field field = reader->raw[i];
        struct tt_str text = {row + field.start, field.size};
        reader->fields[i] = TT_UNLIKELY(field.doubled) ? undouble(reader, text, &scratch) : text;
    }
    if (reader->header_count > 0 && reader->count != reader->header_count) {
        set_fault(reader, reader->count < reader->header_count ? TT_CSV_FAULT_FEW_FIELDS
                                                               : TT_CSV_FAULT_MANY_FIELDS);
    }
    size_t text = size > 0 && row[size - 1] == '\r' ? size - 1 : size;
    *ret = (struct tt_csv_row){.fields = reader->fields,
                               .count = count,
                               .fault = reader->fault,
                               .line = reader->line,
                               .offset = window->offset,
                               .bytes = {row, text}};
    reader->line += TT_UNLIKELY(reader->quoted) ? count_lines(row, used) : (used > size ? 1 : 0);
    tt_window_use(window, used);
}

/* The row cannot be finished. An unclosed quote with lines in it is a fault of the first line; a
 * row that is too large is left out to the next line end. `size` is what was looked at. */
static void deliver_fault(struct tt_csv_reader *reader, size_t size, struct tt_csv_row *ret)
{
    struct tt_window *window = &reader->window;
    const char *row = window->data + window->at;
    bool large = size > reader->row_size_max;
    bool quoted = reader->state == STATE_QUOTED;
    const char *end = quoted ? memchr(row, '\n', size) : NULL;
    size_t text = end != NULL ? (size_t)(end - row) : size;
    reader->skipping = end == NULL && large;
    *ret = (struct tt_csv_row){.fields = reader->fields,
                               .fault = end != NULL || !large ? TT_CSV_FAULT_QUOTE
                                                              : TT_CSV_FAULT_ROW_SIZE,
                               .line = reader->line,
                               .offset = window->offset,
                               .bytes = {row, text > 0 && row[text - 1] == '\r' ? text - 1 : text}};
    size_t used = text + (end != NULL ? 1 : 0);
    reader->line += count_lines(row, used);
    tt_window_use(window, used);
}

/* Leaves out the rest of a row that was too large. */
static void skip_rest(struct tt_csv_reader *reader)
{
    struct tt_window *window = &reader->window;
    while (reader->skipping) {
        const char *start = window->data + window->at;
        size_t size = window->filled - window->at;
        const char *end = size > 0 ? memchr(start, '\n', size) : NULL;
        tt_window_use(window, end != NULL ? (size_t)(end - start) + 1 : size);
        reader->line += end != NULL ? 1 : 0;
        reader->skipping = end == NULL && tt_window_fill(window);
    }
}

/* Skips lines without text. */
static void skip_empty(struct tt_csv_reader *reader)
{
    struct tt_window *window = &reader->window;
    for (;;) {
        const char *p = window->data + window->at;
        size_t size = window->filled - window->at;
        if (size < 2 && (size == 0 || *p == '\r') && tt_window_fill(window)) {
            continue;
        }
        if (size > 0 && *p == '\n') {
            tt_window_use(window, 1);
        } else if (size > 1 && p[0] == '\r' && p[1] == '\n') {
            tt_window_use(window, 2);
        } else {
            return;
        }
        reader->line++;
    }
}

enum tt_status tt_csv_next(struct tt_csv_reader *reader, struct tt_csv_row *ret,
                           struct tt_error *err)
{
    struct tt_window *window = &reader->window;
    skip_rest(reader);
    skip_empty(reader);
    begin_row(reader);
    for (;;) {
        /* One byte more than the limit is looked at, whatever is there: faults must not depend on
         * how the bytes arrived. */
        size_t size = window->filled - window->at, limit = (size_t)reader->row_size_max + 1;
        bool last = window->ended && size <= limit;
        const char *row = window->data + window->at;
        if (scan_row(reader, row, row + (size < limit ? size : limit), last)) {
            deliver(reader, reader->scan, reader->scan + 1, ret);
            return TT_OK;
        }
        if (size >= limit) {
            deliver_fault(reader, limit, ret);
            return TT_OK;
        }
        if (!window->ended) {
            tt_window_fill(window);
        } else if (size == 0 || window->failed != TT_OK) {
            return tt_window_end(window, err);
        } else {
            break;
        }
    }
    size_t size = window->filled - window->at;
    if (reader->state == STATE_QUOTED) {
        deliver_fault(reader, size, ret);
        return TT_OK;
    }
    end_text(reader, window->data + window->at);
    deliver(reader, size, size, ret);
    return TT_OK;
}

/* Checks the header's row and keeps its names. */
static enum tt_status take_header(struct tt_csv_reader *reader, const struct tt_csv_row *row,
                                  struct tt_error *err)
{
    uint32_t line = (uint32_t)row->line;
    if (row->fault != TT_CSV_FAULT_NONE || reader->count > TT_CSV_FIELDS_MAX) {
        return tt_fail_at(err, TT_E_SYNTAX, line, 1, row->offset, "the header row: %s",
                          reader->count > TT_CSV_FIELDS_MAX ? "too many columns"
                                                            : tt_csv_fault_text(row->fault));
    }
    if (tt_str_utf8_check(row->bytes) != row->bytes.size ||
        memchr(row->bytes.data, '\0', row->bytes.size) != NULL) {
        return tt_fail_at(err, TT_E_SYNTAX, line, 1, row->offset,
                          "the header row is not UTF-8 text");
    }
    reader->names_size = row->bytes.size + 1;
    reader->names = tt_new(reader->alloc, reader->names_size);
    if (reader->names == NULL) {
        return tt_fail(err, TT_E_NOMEM, "out of memory");
    }
    size_t used = 0;
    for (uint32_t i = 0; i < row->count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            if (row->fields[i].size > 0 && tt_str_equal(row->fields[i], row->fields[j])) {
                return tt_fail_at(err, TT_E_SYNTAX, line, 1, row->offset,
                                  "the column \"%.*s\" is there twice",
                                  (int)(row->fields[i].size < 100 ? row->fields[i].size : 100),
                                  row->fields[i].data);
            }
        }
        memcpy(reader->names + used, row->fields[i].data, row->fields[i].size);
        reader->header[i] = (struct tt_str){reader->names + used, row->fields[i].size};
        used += row->fields[i].size;
    }
    reader->header_count = row->count;
    return TT_OK;
}

static enum tt_status read_header(struct tt_csv_reader *reader, struct tt_error *err)
{
    struct tt_window *window = &reader->window;
    struct tt_csv_row row;
    while (window->filled - window->at < 3 && tt_window_fill(window)) {
    }
    if (window->filled - window->at >= 3 &&
        memcmp(window->data + window->at, "\xef\xbb\xbf", 3) == 0) {
        tt_window_use(window, 3);
    }
    enum tt_status status = tt_csv_next(reader, &row, err);
    if (status == TT_E_CLOSED) {
        return tt_fail_at(err, TT_E_SYNTAX, 1, 1, 0, "no header row: the text is empty");
    }
    return status == TT_OK ? take_header(reader, &row, err) : status;
}

static enum tt_status check_options(const struct tt_csv_options *options, struct tt_error *err)
{
    char delimiter = options->delimiter;
    if (delimiter == '"' || delimiter == '\n' || delimiter == '\r' ||
        (unsigned char)delimiter >= 0x80) {
        return tt_fail(err, TT_E_INVALID,
                       "the delimiter must be one ASCII character, no quote and no line end");
    }
    if (options->row_size_max != 0 &&
        (options->row_size_max < 64 || options->row_size_max > ROW_SIZE_LIMIT)) {
        return tt_fail(err, TT_E_INVALID, "row_size_max must be 64 bytes to 16 MiB");
    }
    return TT_OK;
}

enum tt_status tt_csv_open(const struct tt_alloc *alloc, struct tt_source source,
                           const struct tt_csv_options *options, struct tt_csv_reader **ret,
                           struct tt_error *err)
{
    enum tt_status status = check_options(options, err);
    if (status != TT_OK) {
        return status;
    }
    struct tt_csv_reader *reader = tt_new_array(alloc, 1, sizeof *reader);
    if (reader == NULL) {
        return tt_fail(err, TT_E_NOMEM, "out of memory");
    }
    reader->alloc = alloc;
    reader->delimiter = options->delimiter != '\0' ? options->delimiter : ',';
    reader->row_size_max = options->row_size_max != 0 ? options->row_size_max : TT_CSV_ROW_SIZE_MAX;
    reader->field_size_max =
        options->field_size_max != 0 ? options->field_size_max : reader->row_size_max;
    reader->line = 1;
    reader->scratch = tt_new(alloc, reader->row_size_max);
    status = tt_window_init(&reader->window, alloc, source, reader->row_size_max + CHUNK_SIZE);
    if (status != TT_OK || reader->scratch == NULL) {
        status = tt_fail(err, TT_E_NOMEM, "out of memory");
    } else {
        status = read_header(reader, err);
    }
    if (status != TT_OK) {
        tt_csv_close(reader);
        return status;
    }
    *ret = reader;
    return TT_OK;
}

const struct tt_str *tt_csv_header(const struct tt_csv_reader *reader, uint32_t *ret_count)
{
    *ret_count = reader->header_count;
    return reader->header;
}

void tt_csv_close(struct tt_csv_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    const struct tt_alloc *alloc = reader->alloc;
    tt_window_deinit(&reader->window);
    tt_delete(alloc, reader->scratch, reader->row_size_max);
    tt_delete(alloc, reader->names, reader->names_size);
    tt_delete(alloc, reader, sizeof *reader);
}
