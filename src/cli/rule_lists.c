/* See rule_lists.h. */
#include "cli/rule_lists.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "format/csv.h"
#include "runtime/files.h"

struct entries {
    struct tt_arena *arena;
    struct tt_str *texts;
    size_t count, max;
};

static enum tt_status nomem(struct tt_error *err)
{
    return tt_fail(err, TT_E_NOMEM, "out of memory");
}

/* A copy of the text; one entry more than a list may have is enough to say so. */
static enum tt_status add(struct entries *entries, struct tt_str text, struct tt_error *err)
{
    char *copy = tt_arena_copy(entries->arena, text.data, text.size);
    if (copy == NULL || entries->count == entries->max) {
        return copy == NULL
                   ? nomem(err)
                   : tt_fail(err, TT_E_LIMIT, "a list of more than %d entries", TT_LIST_COUNT_MAX);
    }
    entries->texts[entries->count++] = (struct tt_str){copy, text.size};
    return TT_OK;
}

static enum tt_status read_lines(struct tt_str text, struct entries *entries, struct tt_error *err)
{
    enum tt_status status = TT_OK;
    if (text.size >= 3 && memcmp(text.data, "\xEF\xBB\xBF", 3) == 0) { /* a byte order mark */
        text = (struct tt_str){text.data + 3, text.size - 3};
    }
    while (status == TT_OK && text.data != NULL) {
        struct tt_str line = tt_str_trim(tt_str_split(&text, '\n'));
        if (line.size > 0 && line.data[0] != '#') {
            status = add(entries, line, err);
        }
    }
    return status;
}

static enum tt_status find_column(const struct tt_csv_reader *reader, struct tt_str column,
                                  uint32_t *ret, struct tt_error *err)
{
    uint32_t count = 0;
    const struct tt_str *names = tt_csv_header(reader, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (tt_str_equal(names[i], column)) {
            *ret = i;
            return TT_OK;
        }
    }
    return tt_fail(err, TT_E_UNKNOWN, "there is no column \"%.*s\"", TT_STR_ARG(column));
}

static enum tt_status read_rows(struct tt_csv_reader *reader, struct tt_str column,
                                struct entries *entries, struct tt_error *err)
{
    uint32_t index = 0;
    enum tt_status status = find_column(reader, column, &index, err);
    while (status == TT_OK) {
        struct tt_csv_row row;
        status = tt_csv_next(reader, &row, err);
        if (status == TT_OK && row.fault != TT_CSV_FAULT_NONE) {
            return tt_fail(err, TT_E_SYNTAX, "line %llu: %s", (unsigned long long)row.line,
                           tt_csv_fault_text(row.fault));
        }
        if (status == TT_OK && row.fields[index].size > 0) {
            status = add(entries, row.fields[index], err);
        }
    }
    return status == TT_E_CLOSED ? TT_OK : status;
}

static enum tt_status read_table(struct tt_str text, struct tt_str column, struct entries *entries,
                                 struct tt_error *err)
{
    struct tt_memory_source memory;
    struct tt_csv_reader *reader = NULL;
    struct tt_csv_options options = {.delimiter = ','};
    enum tt_status status = tt_csv_open(&tt_alloc_libc, tt_memory_source_init(&memory, text, 0),
                                        &options, &reader, err);
    if (status == TT_OK) {
        status = read_rows(reader, column, entries, err);
    }
    tt_csv_close(reader);
    return status;
}

/* The file's path: beside the rule file unless it is absolute. */
static enum tt_status find_path(const char *rule_file, struct tt_str file, char path[PATH_MAX],
                                struct tt_error *err)
{
    const char *slash = strrchr(rule_file, '/');
    int folder = slash == NULL ? 0 : (int)(slash - rule_file) + 1;
    bool absolute = file.size > 0 && file.data[0] == '/';
    bool whole = file.size > 0 && memchr(file.data, '\0', file.size) == NULL;
    int size =
        snprintf(path, PATH_MAX, "%.*s%.*s", absolute ? 0 : folder, rule_file, TT_STR_ARG(file));
    return whole && size < PATH_MAX ? TT_OK
                                    : tt_fail(err, TT_E_INVALID, "this is no path of a file");
}

enum tt_status tt_rule_list_read(void *rule_file, struct tt_str file, struct tt_str column,
                                 struct tt_arena *arena, struct tt_str **ret_entries,
                                 size_t *ret_count, struct tt_error *err)
{
    char path[PATH_MAX];
    struct tt_buf buf;
    struct entries entries = {.arena = arena, .max = TT_LIST_COUNT_MAX};
    enum tt_status status = find_path(rule_file, file, path, err);
    if (status != TT_OK) {
        return status;
    }
    tt_buf_init(&buf, &tt_alloc_libc, TT_RULE_LIST_FILE_MAX);
    status = tt_file_read(path, &buf, err);
    if (status == TT_OK) {
        entries.texts = tt_arena_new_array(arena, entries.max + 1, sizeof(struct tt_str));
        status = entries.texts == NULL ? nomem(err) : TT_OK;
    }
    if (status == TT_OK) {
        status = column.data == NULL ? read_lines(tt_buf_str(&buf), &entries, err)
                                     : read_table(tt_buf_str(&buf), column, &entries, err);
        if (status != TT_OK && status != TT_E_NOMEM) {
            struct tt_error inner = *err;
            (void)tt_fail(err, status, "%.*s: %s", TT_STR_ARG(file), inner.message);
        }
    }
    tt_buf_deinit(&buf);
    *ret_entries = entries.texts;
    *ret_count = entries.count;
    return status;
}
