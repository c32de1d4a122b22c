/* See table_read.h. */
#include "cli/table_read.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "format/csv.h"
#include "format/decompress.h"

#define ROW_SIZE_MAX (1u << 20)
#define FIRST_LINE_MAX (64u << 10)

static const struct tt_alloc *const alloc = &tt_alloc_libc;

struct reading {
    FILE *file;
    struct tt_source plain;    /* what the file holds */
    char line[FIRST_LINE_MAX]; /* its first bytes, given again */
    size_t line_size, line_at;
    char names[FIRST_LINE_MAX]; /* a header that was not there */
    size_t names_size, names_at;
    struct tt_csv_reader *csv;
    bool *kept; /* columns of the file that the table has */
    uint32_t field_count;
};

static enum tt_status read_file(void *ctx, char *data, size_t capacity, size_t *ret_size,
                                struct tt_error *err)
{
    FILE *file = ctx;
    *ret_size = fread(data, 1, capacity, file);
    return *ret_size == 0 && ferror(file) != 0 ? tt_fail(err, TT_E_IO, "%s", strerror(errno))
                                               : TT_OK;
}

/* The made header, the first bytes, the rest. */
static enum tt_status read_all(void *ctx, char *data, size_t capacity, size_t *ret_size,
                               struct tt_error *err)
{
    struct reading *reading = ctx;
    const char *from = reading->names + reading->names_at;
    size_t left = reading->names_size - reading->names_at;
    size_t *at = &reading->names_at;
    if (left == 0) {
        from = reading->line + reading->line_at;
        left = reading->line_size - reading->line_at;
        at = &reading->line_at;
    }
    if (left == 0) {
        return reading->plain.read(reading->plain.ctx, data, capacity, ret_size, err);
    }
    *ret_size = left < capacity ? left : capacity;
    memcpy(data, from, *ret_size);
    *at += *ret_size;
    return TT_OK;
}

static bool is_missing(struct tt_str text)
{
    return text.size == 0 || tt_str_equal_text(text, "NA") || tt_str_equal_text(text, "NaN") ||
           tt_str_equal_text(text, "nan") || tt_str_equal_text(text, "null");
}

/* A first line of nothing but numbers is no header: one is made. */
static void make_header(struct reading *reading)
{
    size_t end = 0;
    while (end < reading->line_size && reading->line[end] != '\n') {
        end++;
    }
    end -= end > 0 && reading->line[end - 1] == '\r' ? 1 : 0;
    size_t from = 0;
    uint32_t count = 0;
    int size = 0;
    for (size_t i = 0; i <= end; i++) {
        double value;
        if (i < end && reading->line[i] != ',') {
            continue;
        }
        struct tt_str cell = tt_str_trim((struct tt_str){reading->line + from, i - from});
        if (!is_missing(cell) && !tt_double_parse(cell, &value)) {
            return;
        }
        size += snprintf(reading->names + size, sizeof reading->names - (size_t)size, "%sx%u",
                         count > 0 ? "," : "", count + 1);
        if (++count > TT_CSV_FIELDS_MAX) {
            return;
        }
        from = i + 1;
    }
    reading->names[size] = '\n';
    reading->names_size = (size_t)size + 1;
}

static enum tt_status read_first(struct reading *reading, struct tt_error *err)
{
    size_t size = 0;
    do {
        enum tt_status status =
            reading->plain.read(reading->plain.ctx, reading->line + reading->line_size,
                                sizeof reading->line - reading->line_size, &size, err);
        if (status != TT_OK) {
            return status;
        }
        reading->line_size += size;
    } while (size > 0 && reading->line_size < sizeof reading->line);
    make_header(reading);
    return TT_OK;
}

static bool is_named(const char *list, struct tt_str name)
{
    while (list != NULL && *list != '\0') {
        size_t size = strcspn(list, ",");
        if (tt_str_equal(name, (struct tt_str){list, size})) {
            return true;
        }
        list += size + (list[size] == ',' ? 1 : 0);
    }
    return false;
}

static enum tt_status take_names(struct reading *reading, const char *exclude,
                                 struct tt_table *table, struct tt_error *err)
{
    const struct tt_str *header = tt_csv_header(reading->csv, &reading->field_count);
    reading->kept = tt_new_array(alloc, reading->field_count, sizeof *reading->kept);
    table->names = tt_new_array(alloc, reading->field_count, sizeof *table->names);
    table->name_capacity = reading->field_count;
    if (reading->kept == NULL || table->names == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for a table");
    }
    for (uint32_t i = 0; i < reading->field_count; i++) {
        if (is_named(exclude, header[i])) {
            continue;
        }
        char *copy = tt_new(alloc, header[i].size + 1);
        if (copy == NULL) {
            return tt_fail(err, TT_E_NOMEM, "no memory for a table");
        }
        memcpy(copy, header[i].data, header[i].size);
        copy[header[i].size] = '\0';
        reading->kept[i] = true;
        table->names[table->column_count++] = (struct tt_str){copy, header[i].size};
    }
    for (const char *name = exclude; name != NULL && *name != '\0';) {
        size_t size = strcspn(name, ",");
        bool found = false;
        for (uint32_t i = 0; i < reading->field_count; i++) {
            found |= tt_str_equal(header[i], (struct tt_str){name, size});
        }
        if (!found) {
            return tt_fail(err, TT_E_UNKNOWN, "no column is called %.*s", (int)size, name);
        }
        name += size + (name[size] == ',' ? 1 : 0);
    }
    return table->column_count > 0 ? TT_OK : tt_fail(err, TT_E_INVALID, "no column is left");
}

static enum tt_status make_room(struct tt_table *table, struct tt_error *err)
{
    if (table->row_count < table->capacity) {
        return TT_OK;
    }
    size_t capacity = table->capacity == 0 ? 1024 : 2 * table->capacity;
    size_t row_size = table->column_count * sizeof(double);
    if (capacity * table->column_count > TT_TABLE_VALUES_MAX) {
        return tt_fail(err, TT_E_LIMIT, "a table of more than %llu values",
                       (unsigned long long)TT_TABLE_VALUES_MAX / 2);
    }
    double *grown =
        tt_resize(alloc, table->values, table->capacity * row_size, capacity * row_size);
    if (grown == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for a table of %zu rows", capacity);
    }
    table->values = grown;
    table->capacity = capacity;
    return TT_OK;
}

static enum tt_status take_row(const struct reading *reading, const struct tt_csv_row *row,
                               uint64_t line, struct tt_table *table, struct tt_error *err)
{
    if (row->fault != TT_CSV_FAULT_NONE) {
        return tt_fail(err, TT_E_SYNTAX, "line %llu: %s", (unsigned long long)line,
                       tt_csv_fault_text(row->fault));
    }
    enum tt_status status = make_room(table, err);
    double *values = table->values + table->row_count * table->column_count;
    uint32_t column = 0;
    for (uint32_t i = 0; i < row->count && status == TT_OK; i++) {
        if (!reading->kept[i]) {
            continue;
        }
        struct tt_str cell = tt_str_trim(row->fields[i]);
        values[column] = __builtin_nan("");
        if (is_missing(cell)) {
            table->missing++;
        } else if (!tt_double_parse(cell, &values[column])) {
            status = tt_fail(err, TT_E_SYNTAX, "line %llu, column %.*s: '%.*s' is no finite number",
                             (unsigned long long)line, TT_STR_ARG(table->names[column]),
                             (int)(cell.size < 40 ? cell.size : 40), cell.data);
        }
        column++;
    }
    table->row_count += status == TT_OK ? 1 : 0;
    return status;
}

static enum tt_status take_rows(struct reading *reading, const char *exclude,
                                struct tt_table *table, struct tt_error *err)
{
    struct tt_csv_options options = {.row_size_max = ROW_SIZE_MAX};
    struct tt_source source = {read_all, reading};
    enum tt_status status = tt_csv_open(alloc, source, &options, &reading->csv, err);
    if (status == TT_OK) {
        status = take_names(reading, exclude, table, err);
    }
    uint64_t made = reading->names_size > 0 ? 1 : 0; /* a line that the file does not have */
    while (status == TT_OK) {
        struct tt_csv_row row;
        status = tt_csv_next(reading->csv, &row, err);
        if (status == TT_OK) {
            status = take_row(reading, &row, row.line - made, table, err);
        }
    }
    return status == TT_E_CLOSED ? TT_OK : status;
}

enum tt_status tt_table_read(const char *path, const char *exclude, struct tt_table *ret,
                             struct tt_error *err)
{
    memset(ret, 0, sizeof *ret);
    struct reading *reading = tt_new_array(alloc, 1, sizeof *reading);
    if (reading == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for a table");
    }
    struct tt_decompress *decompress = NULL;
    struct tt_error why = {0};
    enum tt_status status = TT_E_IO;
    reading->file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (reading->file == NULL) {
        (void)tt_fail(&why, status, "%s", strerror(errno));
    } else {
        struct tt_source raw = {read_file, reading->file};
        status = tt_decompress_open(alloc, raw, 0, &decompress, &why);
    }
    if (status == TT_OK) {
        reading->plain = tt_decompress_source(decompress);
        status = read_first(reading, &why);
    }
    if (status == TT_OK) {
        status = take_rows(reading, exclude, ret, &why);
    }
    tt_csv_close(reading->csv);
    tt_decompress_close(decompress);
    if (reading->file != NULL && reading->file != stdin) {
        (void)fclose(reading->file);
    }
    tt_delete(alloc, reading->kept, reading->field_count * sizeof *reading->kept);
    tt_delete(alloc, reading, sizeof *reading);
    if (status != TT_OK) {
        tt_table_free(ret);
        return tt_fail(err, status, "%s: %.200s", path, why.message);
    }
    return TT_OK;
}

void tt_table_free(struct tt_table *table)
{
    for (uint32_t i = 0; i < table->column_count; i++) {
        tt_delete(alloc, (void *)(uintptr_t)table->names[i].data, table->names[i].size + 1);
    }
    tt_delete(alloc, table->names, table->name_capacity * sizeof *table->names);
    tt_delete(alloc, table->values, table->capacity * table->column_count * sizeof(double));
    memset(table, 0, sizeof *table);
}
