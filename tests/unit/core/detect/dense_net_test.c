/* core/detect/dense_net.h: against a slow and obvious net, on every code path, and on bad input. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "base/wire.h"
#include "core/detect/dense_net.h"
#include "core/detect/forest.h"
#include "support/torture.h"

#define ROWS 1000
#define COLUMNS 6
#define NAN_VALUE (__builtin_nan(""))

static struct tt_net *fit(const double *rows, size_t count, uint32_t columns, uint64_t seed)
{
    struct tt_net *net = NULL;
    struct tt_error err;
    assert_int_equal(tt_net_fit(&tt_alloc_libc, seed, rows, count, columns, &net, &err), TT_OK);
    return net;
}

/* Six columns that two numbers make: what a net can learn. */
static void fill_plane(double *rows, size_t count, uint64_t seed)
{
    struct tt_rng rng;
    tt_rng_init(&rng, seed);
    for (size_t i = 0; i < count; i++) {
        double a = tt_rng_normal(&rng), b = tt_rng_normal(&rng);
        double row[COLUMNS] = {a, b, a + b, a - b, 2.0 * a, -b};
        for (size_t c = 0; c < COLUMNS; c++) {
            rows[i * COLUMNS + c] = 100.0 * row[c] + 5.0 * tt_rng_normal(&rng);
        }
    }
}

static double error_of(const struct tt_net *net, const double *values, double *ret_parts)
{
    struct tt_net_row row;
    float rebuilt[1][TT_NET_COLUMNS];
    assert_true(tt_net_row(net, values, &row));
    tt_net_rebuild(net, TT_CPU_SCALAR, &row, 1, rebuilt);
    return tt_net_error(net, &row, rebuilt[0], ret_parts);
}

/* A layer by its definition, sums in the order of the inputs. */
static void slow_layer(const float *weights, const float *bias, size_t inputs, size_t outputs,
                       size_t stride, const float *x, float *y, bool rectify)
{
    for (size_t o = 0; o < outputs; o++) {
        volatile float sum = bias[o];
        for (size_t i = 0; i < inputs; i++) {
            volatile float product = weights[i * stride + o] * x[i];
            sum = sum + product;
        }
        float value = sum;
        y[o] = rectify && !(value > 0.0F) ? 0.0F : value;
    }
}

static void every_code_path_and_batch_split_gives_the_bits_of_a_slow_net(void **state)
{
    (void)state;
    static double rows[ROWS * COLUMNS];
    static struct tt_net_row table[ROWS];
    static float slow[ROWS][TT_NET_COLUMNS], other[ROWS][TT_NET_COLUMNS];
    fill_plane(rows, ROWS, 1);
    rows[3] = (double)INFINITY;
    rows[9] = NAN_VALUE;
    struct tt_net *net = fit(rows, ROWS, COLUMNS, 1);
    const struct tt_net_layers *layers = &net->layers;
    for (size_t i = 0; i < ROWS; i++) {
        float in[TT_NET_HIDDEN], code[TT_NET_LANES], open[TT_NET_HIDDEN];
        assert_true(tt_net_row(net, &rows[i * COLUMNS], &table[i]));
        slow_layer(&layers->in[0][0], layers->in_bias, 16, 32, 32, table[i].values, in, true);
        slow_layer(&layers->code[0][0], layers->code_bias, 32, 16, 16, in, code, false);
        slow_layer(&layers->open[0][0], layers->open_bias, 8, 32, 32, code, open, true);
        slow_layer(&layers->out[0][0], layers->out_bias, 32, 16, 16, open, slow[i], false);
    }
    for (enum tt_cpu cpu = TT_CPU_SCALAR; cpu <= TT_CPU_AVX512; cpu++) {
        for (size_t batch = 1; tt_forest_cpu_has(cpu) && batch <= ROWS; batch += 1 + batch / 2) {
            memset(other, 0, sizeof other);
            for (size_t at = 0; at < ROWS; at += batch) {
                size_t n = ROWS - at < batch ? ROWS - at : batch;
                tt_net_rebuild(net, cpu, table + at, n, other + at);
            }
            assert_memory_equal(slow, other, sizeof slow);
        }
    }
    tt_net_free(net);
}

static void what_ordinary_rows_have_in_common_is_learned(void **state)
{
    (void)state;
    static double rows[4000 * COLUMNS], later[ROWS * COLUMNS];
    double parts[TT_NET_COLUMNS], mean = 0.0;
    fill_plane(rows, 4000, 2);
    fill_plane(later, ROWS, 3);
    for (size_t i = 0; i < 4000; i += 100) { /* the worst do not become ordinary */
        rows[i * COLUMNS + 2] = 2000.0;
    }
    struct tt_net *net = fit(rows, 4000, COLUMNS, 1);
    for (size_t i = 0; i < ROWS; i++) {
        mean += error_of(net, &later[i * COLUMNS], parts) / ROWS;
    }
    assert_true(mean < 0.05); /* a net that rebuilt nothing would have 1 */
    double odd[COLUMNS] = {100.0, 100.0, -200.0, 0.0, 200.0, -100.0};
    assert_true(error_of(net, odd, parts) > 10.0 * mean);
    for (size_t c = 0; c < COLUMNS; c++) {
        assert_true(c == 2 || parts[c] < parts[2]);
    }
    tt_net_free(net);
}

static void encode(const struct tt_net *net, struct tt_buf *ret)
{
    tt_buf_init(ret, &tt_alloc_libc, 1U << 20);
    tt_net_encode(net, ret);
    assert_int_equal(ret->status, TT_OK);
}

static void the_same_rows_and_seed_give_the_same_bytes(void **state)
{
    (void)state;
    static double rows[ROWS * COLUMNS];
    struct tt_buf a, b, c;
    fill_plane(rows, ROWS, 4);
    struct tt_net *net = fit(rows, ROWS, COLUMNS, 5), *again = fit(rows, ROWS, COLUMNS, 5);
    struct tt_net *other = fit(rows, ROWS, COLUMNS, 6);
    encode(net, &a);
    encode(again, &b);
    encode(other, &c);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
    assert_memory_not_equal(a.data, c.data, a.size);
    tt_net_free(net);
    tt_net_free(again);
    tt_net_free(other);
    tt_buf_deinit(&a);
    tt_buf_deinit(&b);
    tt_buf_deinit(&c);
}

static void missing_values_neither_count_nor_hurt(void **state)
{
    (void)state;
    static double rows[ROWS * COLUMNS];
    double parts[TT_NET_COLUMNS];
    struct tt_net_row row;
    fill_plane(rows, ROWS, 7);
    struct tt_net *net = fit(rows, ROWS, COLUMNS, 1);
    double some[COLUMNS] = {100.0, NAN_VALUE, NAN_VALUE, 100.0, 200.0, NAN_VALUE};
    double none[COLUMNS] = {NAN_VALUE, NAN_VALUE, NAN_VALUE, NAN_VALUE, NAN_VALUE, NAN_VALUE};
    assert_true(error_of(net, some, parts) >= 0.0);
    assert_true(parts[1] <= 0.0 && parts[2] <= 0.0 && parts[5] <= 0.0);
    assert_false(tt_net_row(net, none, &row));
    tt_net_free(net);
}

static void strange_columns_and_single_rows_give_finite_errors(void **state)
{
    (void)state;
    static double rows[ROWS * 4];
    double parts[TT_NET_COLUMNS];
    for (size_t i = 0; i < ROWS; i++) {
        rows[4 * i] = 7.0;
        rows[4 * i + 1] = NAN_VALUE;
        rows[4 * i + 2] = i % 2 == 0 ? 1e308 : -(double)INFINITY;
        rows[4 * i + 3] = i % 50 == 0 ? 1.0 : 0.0;
    }
    for (size_t count = 1; count <= ROWS; count += ROWS - 1) {
        struct tt_net *net = fit(rows, count, 4, 1);
        for (size_t i = 0; i < ROWS; i++) {
            double error = error_of(net, &rows[4 * i], parts);
            assert_true(error >= 0.0 && error < 1e6);
        }
        tt_net_free(net);
    }
}

static void a_net_without_rows_or_too_large_is_refused(void **state)
{
    (void)state;
    double row[TT_NET_COLUMNS + 1] = {0};
    struct tt_net *net = NULL;
    assert_int_equal(tt_net_fit(&tt_alloc_libc, 1, row, 0, 1, &net, NULL), TT_E_INVALID);
    assert_int_equal(tt_net_fit(&tt_alloc_libc, 1, row, 1, 0, &net, NULL), TT_E_INVALID);
    assert_int_equal(tt_net_fit(&tt_alloc_libc, 1, row, 1, TT_NET_COLUMNS + 1, &net, NULL),
                     TT_E_LIMIT);
    assert_null(net);
}

static void damaged_bytes_are_refused_or_make_a_net_that_scores(void **state)
{
    (void)state;
    static double rows[64 * COLUMNS];
    double parts[TT_NET_COLUMNS];
    struct tt_buf buf;
    fill_plane(rows, 64, 8);
    struct tt_net *net = fit(rows, 64, COLUMNS, 1);
    encode(net, &buf);
    tt_net_free(net);
    for (size_t size = 0; size < buf.size; size += 1 + size / 64) {
        struct tt_wire wire = tt_wire_reader((struct tt_str){buf.data, size});
        assert_int_equal(tt_net_decode(&tt_alloc_libc, &wire, &net, NULL), TT_E_CORRUPT);
    }
    for (size_t bit = 0; bit < buf.size * 8; bit += bit < 2000 ? 1 : 7) {
        buf.data[bit / 8] ^= (char)(1 << (bit % 8));
        struct tt_wire wire = tt_wire_reader(tt_buf_str(&buf));
        enum tt_status status = tt_net_decode(&tt_alloc_libc, &wire, &net, NULL);
        buf.data[bit / 8] ^= (char)(1 << (bit % 8));
        if (status == TT_OK) {
            struct tt_net_row row;
            if (tt_net_row(net, rows, &row)) {
                (void)error_of(net, rows, parts);
            }
            tt_net_free(net);
        } else {
            assert_int_equal(status, TT_E_CORRUPT);
        }
    }
    tt_buf_deinit(&buf);
}

static enum tt_status fit_and_copy(const struct tt_alloc *alloc, void *ctx)
{
    struct tt_net *net = NULL, *copy = NULL;
    struct tt_buf buf;
    enum tt_status status = tt_net_fit(alloc, 1, ctx, 40, COLUMNS, &net, NULL);
    if (status != TT_OK) {
        return status;
    }
    tt_buf_init(&buf, alloc, 1U << 20);
    tt_net_encode(net, &buf);
    tt_net_free(net);
    status = buf.status;
    if (status == TT_OK) {
        struct tt_wire wire = tt_wire_reader(tt_buf_str(&buf));
        status = tt_net_decode(alloc, &wire, &copy, NULL);
        if (status == TT_OK) {
            tt_net_free(copy);
        }
    }
    tt_buf_deinit(&buf);
    return status;
}

static void running_out_of_memory_leaves_nothing_behind(void **state)
{
    (void)state;
    static double rows[40 * COLUMNS];
    fill_plane(rows, 40, 9);
    tt_torture_run(fit_and_copy, rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_path_and_batch_split_gives_the_bits_of_a_slow_net),
        cmocka_unit_test(what_ordinary_rows_have_in_common_is_learned),
        cmocka_unit_test(the_same_rows_and_seed_give_the_same_bytes),
        cmocka_unit_test(missing_values_neither_count_nor_hurt),
        cmocka_unit_test(strange_columns_and_single_rows_give_finite_errors),
        cmocka_unit_test(a_net_without_rows_or_too_large_is_refused),
        cmocka_unit_test(damaged_bytes_are_refused_or_make_a_net_that_scores),
        cmocka_unit_test(running_out_of_memory_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
