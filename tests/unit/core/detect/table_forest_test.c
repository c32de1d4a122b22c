/* The forest for tables: what it finds, what it refuses, and that its file is whole or refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "core/detect/table_forest.h"
#include "support/torture.h"

#define ROWS 400
#define COLUMNS 5

static double table[ROWS * COLUMNS];
static const struct tt_str names[COLUMNS] = {{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}, {"e", 1}};
static const struct tt_table_options options = {50, 128, 3};

/* Row 0 is far out in two columns; column e never varies. */
static int fill(void **state)
{
    (void)state;
    struct tt_rng rng;
    tt_rng_init(&rng, 9);
    for (size_t i = 0; i < (size_t)ROWS * COLUMNS; i++) {
        table[i] = i % COLUMNS == 4 ? 7.0 : tt_rng_normal(&rng);
    }
    table[0] = 9.0;
    table[2] = -9.0;
    return 0;
}

static struct tt_table_forest *fit(void)
{
    struct tt_table_forest *forest = NULL;
    assert_int_equal(
        tt_table_forest_fit(&tt_alloc_libc, &options, names, COLUMNS, table, ROWS, &forest, NULL),
        TT_OK);
    return forest;
}

static void what_is_far_out_scores_highest(void **state)
{
    (void)state;
    struct tt_table_forest *forest = fit();
    double first = tt_table_forest_score(forest, table);
    assert_true(first > 0.6 && first < 1.0);
    for (size_t i = 1; i < ROWS; i++) {
        double score = tt_table_forest_score(forest, &table[i * COLUMNS]);
        assert_true(score > 0.0 && score < first);
    }
    tt_table_forest_free(forest);
}

static void a_seed_gives_the_same_forest_and_another_one_another(void **state)
{
    (void)state;
    struct tt_buf bufs[3];
    for (uint64_t i = 0; i < 3; i++) {
        struct tt_table_options seeded = {20, 64, i / 2};
        struct tt_table_forest *forest = NULL;
        assert_int_equal(tt_table_forest_fit(&tt_alloc_libc, &seeded, names, COLUMNS, table, ROWS,
                                             &forest, NULL),
                         TT_OK);
        tt_buf_init(&bufs[i], &tt_alloc_libc, 1u << 20);
        assert_int_equal(tt_table_forest_encode(forest, &bufs[i]), TT_OK);
        tt_table_forest_free(forest);
    }
    assert_int_equal(bufs[0].size, bufs[1].size);
    assert_memory_equal(bufs[0].data, bufs[1].data, bufs[0].size);
    assert_true(bufs[0].size != bufs[2].size ||
                memcmp(bufs[0].data, bufs[2].data, bufs[0].size) != 0);
    for (size_t i = 0; i < 3; i++) {
        tt_buf_deinit(&bufs[i]);
    }
}

static void missing_values_count_as_the_median_and_great_ones_are_clamped(void **state)
{
    (void)state;
    table[7] = __builtin_nan("");
    table[13] = 1.7e308;
    table[14 + COLUMNS] = -1.7e308;
    struct tt_table_forest *forest = fit();
    double row[COLUMNS], missing[COLUMNS];
    for (size_t c = 0; c < COLUMNS; c++) {
        row[c] = forest->medians[c];
        missing[c] = __builtin_nan("");
    }
    double a = tt_table_forest_score(forest, row);
    double b = tt_table_forest_score(forest, missing);
    assert_true(a > 0.0 && a <= b && b <= a);
    assert_true(tt_table_forest_score(forest, &table[2 * COLUMNS]) > a);
    tt_table_forest_free(forest);
}

static void what_tells_no_rows_apart_is_refused_and_said(void **state)
{
    (void)state;
    struct tt_table_forest *forest = NULL;
    struct tt_error err;
    double same[6] = {1.0, 2.0, 1.0, 2.0, __builtin_nan(""), 2.0};
    assert_int_equal(
        tt_table_forest_fit(&tt_alloc_libc, &options, names, 2, same, 3, &forest, &err),
        TT_E_INVALID);
    assert_non_null(strstr(err.message, "no column varies"));
    assert_int_equal(
        tt_table_forest_fit(&tt_alloc_libc, &options, names, 2, same, 1, &forest, &err),
        TT_E_INVALID);
    assert_non_null(strstr(err.message, "there is one"));
    struct tt_table_options many = {TT_TABLE_TREES_MAX + 1, 16, 0};
    assert_int_equal(
        tt_table_forest_fit(&tt_alloc_libc, &many, names, COLUMNS, table, ROWS, &forest, &err),
        TT_E_LIMIT);
    assert_null(forest);
}

static void a_file_reads_back_to_the_same_scores(void **state)
{
    (void)state;
    struct tt_table_forest *forest = fit();
    struct tt_table_forest *back = NULL;
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, 1u << 22);
    assert_int_equal(tt_table_forest_encode(forest, &buf), TT_OK);
    assert_int_equal(tt_table_forest_decode(&tt_alloc_libc, tt_buf_str(&buf), &back, NULL), TT_OK);
    assert_int_equal(back->row_count, ROWS);
    assert_true(tt_str_equal(back->names[3], TT_STR("d")));
    for (size_t i = 0; i < ROWS; i++) {
        double a = tt_table_forest_score(forest, &table[i * COLUMNS]);
        double b = tt_table_forest_score(back, &table[i * COLUMNS]);
        assert_memory_equal(&a, &b, sizeof a);
    }
    tt_table_forest_free(back);
    tt_table_forest_free(forest);
    tt_buf_deinit(&buf);
}

static void bytes_that_were_cut_or_changed_are_refused(void **state)
{
    (void)state;
    struct tt_table_forest *forest = fit();
    struct tt_table_forest *back = NULL;
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, 1u << 22);
    assert_int_equal(tt_table_forest_encode(forest, &buf), TT_OK);
    for (size_t i = 0; i < buf.size; i += 97) {
        struct tt_error err = {0};
        assert_int_equal(
            tt_table_forest_decode(&tt_alloc_libc, (struct tt_str){buf.data, i}, &back, &err),
            TT_E_CORRUPT);
        assert_true(err.message[0] != '\0');
        buf.data[i] = (char)(buf.data[i] ^ 0x10);
        assert_int_equal(tt_table_forest_decode(&tt_alloc_libc, tt_buf_str(&buf), &back, &err),
                         TT_E_CORRUPT);
        buf.data[i] = (char)(buf.data[i] ^ 0x10);
    }
    assert_null(back);
    tt_table_forest_free(forest);
    tt_buf_deinit(&buf);
}

static enum tt_status whole_life(const struct tt_alloc *alloc, void *ctx)
{
    (void)ctx;
    struct tt_table_options few = {3, 16, 1};
    struct tt_table_forest *forest = NULL;
    struct tt_table_forest *back = NULL;
    enum tt_status status =
        tt_table_forest_fit(alloc, &few, names, COLUMNS, table, 60, &forest, NULL);
    struct tt_buf buf;
    tt_buf_init(&buf, alloc, 1u << 20);
    if (status == TT_OK) {
        status = tt_table_forest_encode(forest, &buf);
    }
    if (status == TT_OK) {
        status = tt_table_forest_decode(alloc, tt_buf_str(&buf), &back, NULL);
    }
    tt_buf_deinit(&buf);
    tt_table_forest_free(back);
    tt_table_forest_free(forest);
    return status;
}

static void every_failing_allocation_is_survived(void **state)
{
    (void)state;
    tt_torture_run(whole_life, NULL);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(name, fill)
    const struct CMUnitTest tests[] = {
        CASE(what_is_far_out_scores_highest),
        CASE(a_seed_gives_the_same_forest_and_another_one_another),
        CASE(missing_values_count_as_the_median_and_great_ones_are_clamped),
        CASE(what_tells_no_rows_apart_is_refused_and_said),
        CASE(a_file_reads_back_to_the_same_scores),
        CASE(bytes_that_were_cut_or_changed_are_refused),
        CASE(every_failing_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
