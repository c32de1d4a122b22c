/* core/detect/forest.h: against a slow and obvious scorer, on every code path, and on bad input. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "base/wire.h"
#include "core/detect/forest.h"
#include "support/torture.h"

#define ROWS 1000
#define NAN_VALUE (__builtin_nan(""))

static const struct tt_forest_options options = {.trees = 100, .sample = 256, .seed = 42};

static struct tt_forest *fit(const double *rows, size_t count, uint32_t columns)
{
    struct tt_forest *forest = NULL;
    struct tt_error err;
    assert_int_equal(tt_forest_fit(&tt_alloc_libc, &options, rows, count, columns, &forest, &err),
                     TT_OK);
    return forest;
}

static void to_row(const struct tt_forest *forest, const double *values, struct tt_forest_row *ret)
{
    memset(ret, 0, sizeof *ret);
    for (uint32_t c = 0; c < forest->column_count; c++) {
        ret->values[c] = tt_forest_value(forest, c, values[c]);
    }
}

static double score_of(const struct tt_forest *forest, const double *values)
{
    struct tt_forest_row row;
    uint32_t sum;
    to_row(forest, values, &row);
    tt_forest_paths(forest, TT_CPU_SCALAR, &row, 1, &sum);
    return tt_forest_score(forest, sum);
}

static void fill_normal(double *rows, size_t count, uint32_t columns, uint64_t seed)
{
    struct tt_rng rng;
    tt_rng_init(&rng, seed);
    for (size_t i = 0; i < count * columns; i++) {
        rows[i] = tt_rng_normal(&rng);
    }
}

/* c(n) by its definition. */
static double average_path(uint32_t n)
{
    double harmonic = 0.0;
    for (uint32_t i = 1; i < n; i++) {
        harmonic += 1.0 / i;
    }
    return n < 2 ? 0.0 : 2.0 * harmonic - 2.0 * (n - 1) / n;
}

/* One tree, walked by the words alone; rows under a leaf counted by walking the sample is not
 * possible from outside, so it takes the stored count. */
static double slow_path(const struct tt_forest *forest, uint32_t tree,
                        const struct tt_forest_row *row)
{
    uint32_t group = tree / TT_FOREST_LANES;
    uint32_t lane = tree % TT_FOREST_LANES;
    uint32_t node = 1;
    uint32_t depth = 0;
    for (;;) {
        uint32_t word = 0x7f7ffff0;
        if (node < TT_FOREST_NODES) {
            word = forest->nodes[(group * TT_FOREST_NODES + node) * TT_FOREST_LANES + lane];
        }
        if (word == 0x7f7ffff0) {
            uint32_t count =
                forest->counts[(group * 2 * TT_FOREST_NODES + node) * TT_FOREST_LANES + lane];
            return depth + average_path(count);
        }
        float threshold;
        memcpy(&threshold, &word, sizeof threshold);
        node = 2 * node + (row->values[word & 15] >= threshold ? 1 : 0);
        depth++;
    }
}

static void scores_are_those_of_a_slow_and_obvious_scorer(void **state)
{
    (void)state;
    static double rows[ROWS * 6];
    fill_normal(rows, ROWS, 6, 1);
    struct tt_forest *forest = fit(rows, ROWS, 6);
    for (size_t i = 0; i < ROWS; i++) {
        struct tt_forest_row row;
        double mean = 0.0;
        to_row(forest, &rows[i * 6], &row);
        for (uint32_t tree = 0; tree < forest->tree_count; tree++) {
            mean += slow_path(forest, tree, &row);
        }
        mean /= forest->tree_count;
        double expected = pow(2.0, -mean / average_path(256));
        assert_true(fabs(score_of(forest, &rows[i * 6]) - expected) < 1e-4);
    }
    tt_forest_free(forest);
}

static void every_code_path_and_batch_split_gives_the_same_bits(void **state)
{
    (void)state;
    for (uint32_t columns = 1; columns <= TT_FOREST_COLUMNS; columns += 5) {
        static double rows[ROWS * TT_FOREST_COLUMNS];
        static struct tt_forest_row table[ROWS];
        uint32_t whole[ROWS];
        uint32_t other[ROWS];
        fill_normal(rows, ROWS, columns, columns);
        rows[3] = __builtin_inf();
        rows[4] = -__builtin_inf();
        rows[5] = NAN_VALUE;
        struct tt_forest *forest = fit(rows, ROWS, columns);
        for (size_t i = 0; i < ROWS; i++) {
            to_row(forest, &rows[i * columns], &table[i]);
            tt_forest_paths(forest, TT_CPU_SCALAR, &table[i], 1, &whole[i]);
        }
        for (enum tt_cpu cpu = TT_CPU_SCALAR; cpu <= TT_CPU_AVX512; cpu++) {
            for (size_t batch = 1; tt_forest_cpu_has(cpu) && batch <= 256;
                 batch += batch < 9 ? 1 : 61) {
                for (size_t first = 0; first < ROWS; first += batch) {
                    size_t n = ROWS - first < batch ? ROWS - first : batch;
                    tt_forest_paths(forest, cpu, table + first, n, other + first);
                }
                assert_memory_equal(whole, other, sizeof whole);
            }
        }
        tt_forest_free(forest);
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void outliers_of_a_mixture_stand_out(void **state)
{
    (void)state;
    static double rows[2000 * 4];
    struct tt_rng rng;
    tt_rng_init(&rng, 3);
    for (size_t i = 0; i < 2000; i++) {
        double center = i % 2 == 0 ? 0.0 : 6.0;
        for (size_t c = 0; c < 4; c++) {
            rows[i * 4 + c] =
                i < 1980 ? center + tt_rng_normal(&rng) : -10.0 + 26.0 * tt_rng_double(&rng);
        }
    }
    struct tt_forest *forest = fit(rows, 2000, 4);
    double normal[1980];
    for (size_t i = 0; i < 1980; i++) {
        normal[i] = score_of(forest, &rows[i * 4]);
    }
    qsort(normal, 1980, sizeof normal[0], by_value);
    double below = 0.0;
    for (size_t i = 1980; i < 2000; i++) {
        double score = score_of(forest, &rows[i * 4]);
        for (size_t k = 0; k < 1980; k++) {
            below += normal[k] < score ? 1.0 : 0.0;
        }
    }
    assert_true(below / (1980.0 * 20.0) > 0.95);
    tt_forest_free(forest);
}

static void contributions_add_up_exactly_and_name_the_odd_column(void **state)
{
    (void)state;
    static double rows[ROWS * 5];
    fill_normal(rows, ROWS, 5, 9);
    struct tt_forest *forest = fit(rows, ROWS, 5);
    double odd[5] = {0.1, -0.2, 9.0, 0.0, 0.3};
    struct tt_forest_row row;
    int64_t parts[TT_FOREST_COLUMNS];
    uint32_t sum;
    to_row(forest, odd, &row);
    tt_forest_paths(forest, TT_CPU_SCALAR, &row, 1, &sum);
    tt_forest_contributions(forest, &row, parts);
    int64_t total = 0;
    for (uint32_t c = 0; c < TT_FOREST_COLUMNS; c++) {
        total += parts[c];
        assert_true(c == 2 || parts[c] < parts[2]);
    }
    assert_int_equal(total, (int64_t)forest->path_mean - (int64_t)sum);
    tt_forest_free(forest);
}

static void a_missing_value_counts_as_the_median(void **state)
{
    (void)state;
    static double rows[ROWS * 2];
    fill_normal(rows, ROWS, 2, 5);
    for (size_t i = 0; i < ROWS; i += 3) {
        rows[2 * i] = NAN_VALUE;
    }
    struct tt_forest *forest = fit(rows, ROWS, 2);
    double missing[2] = {NAN_VALUE, 0.3};
    double median[2] = {forest->center[0], 0.3};
    assert_true(fabs(score_of(forest, missing) - score_of(forest, median)) <= 0.0);
    tt_forest_free(forest);
}

static void constant_columns_single_rows_and_empty_columns_give_a_score(void **state)
{
    (void)state;
    static double rows[ROWS * 3];
    for (size_t i = 0; i < ROWS; i++) {
        rows[3 * i] = 7.0;
        rows[3 * i + 1] = NAN_VALUE;
        rows[3 * i + 2] = i % 2 == 0 ? 1e308 : -1e308;
    }
    struct tt_forest *forest = fit(rows, ROWS, 3);
    double score = score_of(forest, rows);
    assert_true(score > 0.0 && score < 1.0);
    tt_forest_free(forest);
    forest = fit(rows, 1, 3);
    score = score_of(forest, rows);
    assert_true(score > 0.0 && score <= 1.0);
    tt_forest_free(forest);
}

static void a_forest_without_rows_or_too_large_is_refused(void **state)
{
    (void)state;
    double row[17] = {0};
    struct tt_forest *forest = NULL;
    struct tt_forest_options large = options;
    assert_int_equal(tt_forest_fit(&tt_alloc_libc, &options, row, 0, 1, &forest, NULL),
                     TT_E_INVALID);
    assert_int_equal(tt_forest_fit(&tt_alloc_libc, &options, row, 1, 0, &forest, NULL),
                     TT_E_INVALID);
    assert_int_equal(tt_forest_fit(&tt_alloc_libc, &options, row, 1, 17, &forest, NULL),
                     TT_E_LIMIT);
    large.sample = 257;
    assert_int_equal(tt_forest_fit(&tt_alloc_libc, &large, row, 1, 1, &forest, NULL), TT_E_LIMIT);
    large.sample = 256;
    large.trees = 1025;
    assert_int_equal(tt_forest_fit(&tt_alloc_libc, &large, row, 1, 1, &forest, NULL), TT_E_LIMIT);
    assert_null(forest);
}

static void a_forest_survives_its_bytes(void **state)
{
    (void)state;
    static double rows[ROWS * 4];
    fill_normal(rows, ROWS, 4, 11);
    struct tt_forest *forest = fit(rows, ROWS, 4);
    struct tt_buf buf;
    struct tt_buf again;
    tt_buf_init(&buf, &tt_alloc_libc, 1u << 20);
    tt_buf_init(&again, &tt_alloc_libc, 1u << 20);
    tt_forest_encode(forest, &buf);
    struct tt_wire wire = tt_wire_reader(tt_buf_str(&buf));
    struct tt_forest *copy;
    assert_int_equal(tt_forest_decode(&tt_alloc_libc, &wire, &copy, NULL), TT_OK);
    assert_int_equal(tt_wire_left(&wire), 0);
    tt_forest_encode(copy, &again);
    assert_int_equal(buf.size, again.size);
    assert_memory_equal(buf.data, again.data, buf.size);
    size_t nodes = (size_t)forest->group_count * TT_FOREST_NODES * TT_FOREST_LANES;
    assert_memory_equal(forest->nodes, copy->nodes, nodes * sizeof *forest->nodes);
    assert_memory_equal(forest->paths, copy->paths, nodes * sizeof *forest->paths);
    assert_memory_equal(forest->means, copy->means, nodes * sizeof *forest->means);
    tt_forest_free(copy);
    tt_forest_free(forest);
    tt_buf_deinit(&buf);
    tt_buf_deinit(&again);
}

static void damaged_bytes_are_refused_or_make_a_forest_that_scores(void **state)
{
    (void)state;
    static double rows[ROWS * 2];
    fill_normal(rows, ROWS, 2, 13);
    struct tt_forest_options small = {.trees = 3, .sample = 32, .seed = 1};
    struct tt_forest *forest;
    assert_int_equal(tt_forest_fit(&tt_alloc_libc, &small, rows, ROWS, 2, &forest, NULL), TT_OK);
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, 1u << 20);
    tt_forest_encode(forest, &buf);
    tt_forest_free(forest);
    for (size_t size = 0; size < buf.size; size++) {
        struct tt_wire wire = tt_wire_reader((struct tt_str){buf.data, size});
        assert_int_equal(tt_forest_decode(&tt_alloc_libc, &wire, &forest, NULL), TT_E_CORRUPT);
    }
    for (size_t bit = 0; bit < buf.size * 8; bit++) {
        buf.data[bit / 8] ^= (char)(1 << (bit % 8));
        struct tt_wire wire = tt_wire_reader(tt_buf_str(&buf));
        enum tt_status status = tt_forest_decode(&tt_alloc_libc, &wire, &forest, NULL);
        buf.data[bit / 8] ^= (char)(1 << (bit % 8));
        if (status == TT_OK) {
            double score = score_of(forest, rows);
            assert_true(score > 0.0 && score <= 1.0);
            tt_forest_free(forest);
        } else {
            assert_int_equal(status, TT_E_CORRUPT);
        }
    }
    tt_buf_deinit(&buf);
}

static enum tt_status fit_and_copy(const struct tt_alloc *alloc, void *ctx)
{
    const double *rows = ctx;
    struct tt_forest_options small = {.trees = 2, .sample = 16, .seed = 1};
    struct tt_forest *forest;
    enum tt_status status = tt_forest_fit(alloc, &small, rows, 64, 2, &forest, NULL);
    if (status != TT_OK) {
        return status;
    }
    struct tt_buf buf;
    tt_buf_init(&buf, alloc, 1u << 16);
    tt_forest_encode(forest, &buf);
    status = buf.status;
    tt_forest_free(forest);
    if (status == TT_OK) {
        struct tt_wire wire = tt_wire_reader(tt_buf_str(&buf));
        status = tt_forest_decode(alloc, &wire, &forest, NULL);
        if (status == TT_OK) {
            tt_forest_free(forest);
        }
    }
    tt_buf_deinit(&buf);
    return status;
}

static void a_failed_allocation_leaks_nothing(void **state)
{
    (void)state;
    double rows[128];
    fill_normal(rows, 64, 2, 17);
    tt_torture_run(fit_and_copy, rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_are_those_of_a_slow_and_obvious_scorer),
        cmocka_unit_test(every_code_path_and_batch_split_gives_the_same_bits),
        cmocka_unit_test(outliers_of_a_mixture_stand_out),
        cmocka_unit_test(contributions_add_up_exactly_and_name_the_odd_column),
        cmocka_unit_test(a_missing_value_counts_as_the_median),
        cmocka_unit_test(constant_columns_single_rows_and_empty_columns_give_a_score),
        cmocka_unit_test(a_forest_without_rows_or_too_large_is_refused),
        cmocka_unit_test(a_forest_survives_its_bytes),
        cmocka_unit_test(damaged_bytes_are_refused_or_make_a_forest_that_scores),
        cmocka_unit_test(a_failed_allocation_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
