/* telltale model fit|score|show: an isolation forest on any table of numbers. */
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "cli/commands.h"
#include "cli/file_io.h"
#include "cli/table_read.h"
#include "core/detect/table_forest.h"
#include "format/csv.h"
#include "format/json_write.h"
#include "runtime/files.h"

const struct tt_cli_option tt_options_model[] = {
    {"detector", "NAME", "what is fitted: isolation_forest (the default)"},
    {"trees", "N", "trees of the forest (100)"},
    {"sample", "N", "rows that a tree is grown on (256)"},
    {"seed", "N", "seed of sampling and cuts (1)"},
    {"exclude", "COLUMNS", "columns left out, with commas: a label, an id"},
    {"scores", "FILE", "a line a row: its number and its anomaly score; - = standard output"},
    {"model", "FILE", "fit: where the model is written; score: where it is read from"},
    {NULL, NULL, NULL},
};

#define SCORES_FLUSH (1u << 20)

static int write_scores(const struct tt_table_forest *forest, const struct tt_table *table,
                        const char *path)
{
    FILE *out = NULL;
    int code = tt_file_out_open(&out, path);
    if (code != TT_EXIT_OK) {
        return code;
    }
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, 4 * SCORES_FLUSH);
    tt_buf_append_text(&buf, "row,score\n");
    for (size_t i = 0; i < table->row_count; i++) {
        char text[TT_NUMBER_TEXT_SIZE];
        double score = tt_table_forest_score(forest, &table->values[i * table->column_count]);
        size_t size = tt_double_format(score, text);
        tt_buf_append_format(&buf, "%zu,%.*s\n", i + 1, (int)size, text);
        if (buf.size > SCORES_FLUSH) {
            (void)fwrite(buf.data, 1, buf.size, out);
            tt_buf_clear(&buf);
        }
    }
    (void)fwrite(buf.data, 1, buf.size, out);
    enum tt_status status = buf.status;
    tt_buf_deinit(&buf);
    int closed = tt_file_out_close(&out, path);
    return status == TT_OK ? closed : tt_cli_fail(TT_EXIT_FAILED, "%s", tt_status_name(status));
}

static int save_model(const struct tt_table_forest *forest, const char *path)
{
    struct tt_error err = {0};
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, TT_TABLE_FILE_MAX);
    enum tt_status status = tt_table_forest_encode(forest, &buf);
    if (status != TT_OK) {
        (void)tt_fail(&err, status, "%s: the model cannot be packed", path);
    } else {
        status = tt_file_write(path, tt_buf_str(&buf), &err);
    }
    tt_buf_deinit(&buf);
    return status == TT_OK ? TT_EXIT_OK : tt_cli_fail_error(&err);
}

static int load_model(const char *path, struct tt_table_forest **ret)
{
    struct tt_error err = {0};
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, TT_TABLE_FILE_MAX);
    enum tt_status status = tt_file_read(path, &buf, &err);
    if (status == TT_OK) {
        struct tt_error why = {0};
        status = tt_table_forest_decode(&tt_alloc_libc, tt_buf_str(&buf), ret, &why);
        if (status != TT_OK) {
            (void)tt_fail(&err, status, "%s: %.200s", path, why.message);
        }
    }
    tt_buf_deinit(&buf);
    return status == TT_OK ? TT_EXIT_OK : tt_cli_fail_error(&err);
}

/* What is there to know of a model, and of a fit. */
static int print_model(const struct tt_cli *cli, const struct tt_table_forest *forest,
                       const struct tt_table *table)
{
    if (cli->verbosity < 0) {
        return TT_EXIT_OK;
    }
    if (!cli->json) {
        (void)fprintf(stderr,
                      "isolation_forest: %u trees on %u of %llu rows, %u columns, seed %llu\n",
                      forest->tree_count, forest->sample, (unsigned long long)forest->row_count,
                      forest->column_count, (unsigned long long)forest->seed);
        for (uint32_t c = 0; table == NULL && c < forest->column_count; c++) {
            (void)fprintf(stderr, "  %.*s: median %.6g\n", TT_STR_ARG(forest->names[c]),
                          forest->medians[c]);
        }
        if (table != NULL && table->missing > 0) {
            (void)fprintf(stderr, "%llu values are missing and count as their column's median\n",
                          (unsigned long long)table->missing);
        }
        return TT_EXIT_OK;
    }
    struct tt_buf buf;
    struct tt_json_writer json;
    tt_buf_init(&buf, &tt_alloc_libc, 1u << 20);
    tt_json_writer_init(&json, &buf);
    tt_json_object_begin(&json);
    tt_json_member_text(&json, "detector", "isolation_forest");
    tt_json_member_int64(&json, "trees", forest->tree_count);
    tt_json_member_int64(&json, "sample", forest->sample);
    tt_json_member_int64(&json, "rows", (int64_t)forest->row_count);
    tt_json_key(&json, "seed");
    tt_json_uint64(&json, forest->seed);
    tt_json_key(&json, "columns");
    tt_json_array_begin(&json);
    for (uint32_t c = 0; c < forest->column_count; c++) {
        tt_json_string(&json, forest->names[c]);
    }
    tt_json_array_end(&json);
    if (table != NULL) {
        tt_json_member_int64(&json, "missing", (int64_t)table->missing);
    }
    tt_json_object_end(&json);
    (void)fprintf(stderr, "%s\n", buf.status == TT_OK ? buf.data : "{}");
    tt_buf_deinit(&buf);
    return TT_EXIT_OK;
}

static int fit(const struct tt_cli *cli, const struct tt_table *table)
{
    int64_t trees = 100, sample = 256, seed = 1;
    if (!tt_cli_integer(cli, "trees", 1, TT_TABLE_TREES_MAX, &trees) ||
        !tt_cli_integer(cli, "sample", 2, TT_TABLE_SAMPLE_MAX, &sample) ||
        !tt_cli_integer(cli, "seed", 0, INT64_MAX, &seed)) {
        return TT_EXIT_USAGE;
    }
    struct tt_table_options options = {(uint32_t)trees, (uint32_t)sample, (uint64_t)seed};
    struct tt_table_forest *forest = NULL;
    struct tt_error err = {0};
    if (tt_table_forest_fit(&tt_alloc_libc, &options, table->names, table->column_count,
                            table->values, table->row_count, &forest, &err) != TT_OK) {
        return tt_cli_fail_error(&err);
    }
    const char *scores = tt_cli_value(cli, "scores");
    const char *model = tt_cli_value(cli, "model");
    int code = scores != NULL ? write_scores(forest, table, scores) : TT_EXIT_OK;
    if (code == TT_EXIT_OK && model != NULL) {
        code = save_model(forest, model);
    }
    if (code == TT_EXIT_OK) {
        code = print_model(cli, forest, table);
    }
    tt_table_forest_free(forest);
    return code;
}

/* The model's columns are the table's, in its order. */
static int check_columns(const struct tt_table_forest *forest, const struct tt_table *table,
                         const char *path)
{
    for (uint32_t c = 0; c < forest->column_count && c < table->column_count; c++) {
        if (!tt_str_equal(forest->names[c], table->names[c])) {
            return tt_cli_fail(
                TT_EXIT_FAILED, "%s: made for other columns: column %u is %.*s there and %.*s here",
                path, c + 1, TT_STR_ARG(forest->names[c]), TT_STR_ARG(table->names[c]));
        }
    }
    return forest->column_count == table->column_count
               ? TT_EXIT_OK
               : tt_cli_fail(TT_EXIT_FAILED, "%s: made for %u columns; the table has %u", path,
                             forest->column_count, table->column_count);
}

static int score(const struct tt_cli *cli, const struct tt_table *table)
{
    const char *path = tt_cli_value(cli, "model");
    const char *scores = tt_cli_value(cli, "scores");
    if (path == NULL) {
        return tt_cli_fail(TT_EXIT_USAGE, "model score needs --model FILE, which model fit wrote");
    }
    struct tt_table_forest *forest = NULL;
    int code = load_model(path, &forest);
    if (code != TT_EXIT_OK) {
        return code;
    }
    code = check_columns(forest, table, path);
    if (code == TT_EXIT_OK) {
        code = write_scores(forest, table, scores != NULL ? scores : "-");
    }
    tt_table_forest_free(forest);
    return code;
}

static int show(const struct tt_cli *cli)
{
    struct tt_table_forest *forest = NULL;
    int code = load_model(cli->words[1], &forest);
    if (code == TT_EXIT_OK) {
        code = print_model(cli, forest, NULL);
        tt_table_forest_free(forest);
    }
    return code;
}

int tt_command_model(struct tt_cli *cli)
{
    const char *action = cli->word_count > 0 ? cli->words[0] : "";
    bool fits = strcmp(action, "fit") == 0;
    if (cli->word_count != 2 ||
        (!fits && strcmp(action, "score") != 0 && strcmp(action, "show") != 0)) {
        return tt_cli_fail(TT_EXIT_USAGE, "say model fit, score or show, and one file");
    }
    const char *detector = tt_cli_value(cli, "detector");
    if (detector != NULL && strcmp(detector, "isolation_forest") != 0) {
        return tt_cli_fail(TT_EXIT_USAGE,
                           "--detector %s: a table can be fitted by isolation_forest", detector);
    }
    if (strcmp(action, "show") == 0) {
        return show(cli);
    }
    struct tt_table table;
    struct tt_error err = {0};
    if (tt_table_read(cli->words[1], tt_cli_value(cli, "exclude"), &table, &err) != TT_OK) {
        return tt_cli_fail_error(&err);
    }
    int code = fits ? fit(cli, &table) : score(cli, &table);
    tt_table_free(&table);
    return code;
}
