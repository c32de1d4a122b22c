/* Blocks of columns: what was put in comes out, and nothing else ever does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "core/segment/segment.h"
#include "support/torture.h"

#define COLUMNS 5
static const struct tt_column_spec specs[COLUMNS] = {{{"d", 1}, TT_COLUMN_DOUBLE},
                                                     {{"b", 1}, TT_COLUMN_BOOL},
                                                     {{"t", 1}, TT_COLUMN_TEXT},
                                                     {{"i", 1}, TT_COLUMN_INT},
                                                     {{"m", 1}, TT_COLUMN_TIME}};

/* What a column of this run holds. */
enum style { STYLE_NONE, STYLE_ONE, STYLE_SMALL, STYLE_MANY, STYLE_COUNT };

static struct tt_value make_value(struct tt_rng *rng, uint8_t type, enum style style, char text[16])
{
    static const int64_t spans[] = {1, 1, 200, INT64_C(9000000000000)};
    if (style == STYLE_NONE || (style != STYLE_ONE && tt_rng_below(rng, 5) == 0)) {
        return tt_value_none(TT_VALUE_MISSING);
    }
    int64_t number = (int64_t)tt_rng_below(rng, (uint64_t)spans[style]) - spans[style] / 2;
    switch (type) {
    case TT_COLUMN_DOUBLE: {
        static const double odd[] = {-0.0, 0.5, 1e300, -1e-300, 9007199254740993.0};
        bool is_odd = style == STYLE_MANY && tt_rng_below(rng, 3) == 0;
        return tt_value_double(is_odd ? odd[tt_rng_below(rng, 5)] : (double)number);
    }
    case TT_COLUMN_BOOL:
        return tt_value_bool(style == STYLE_ONE || tt_rng_below(rng, 2) == 0);
    case TT_COLUMN_TEXT:
        (void)snprintf(text, 16, "%s%lld", style == STYLE_MANY ? "x" : "", (long long)number);
        return tt_value_text(tt_str_from(style == STYLE_ONE ? "" : text));
    case TT_COLUMN_INT:
        return tt_value_int(style == STYLE_MANY && tt_rng_below(rng, 9) == 0 ? INT64_MIN : number);
    default:
        return tt_value_timestamp_ms(INT64_C(1700000000000) + number);
    }
}

static bool same(const struct tt_value *a, const struct tt_value *b)
{
    if (a->type != b->type) {
        return false;
    }
    switch (a->type) {
    case TT_TYPE_DOUBLE: /* bits: minus zero is not zero */
        return memcmp(&a->number, &b->number, sizeof a->number) == 0;
    case TT_TYPE_NONE:
        return a->error == b->error;
    default:
        return tt_value_equal(a, b);
    }
}

struct run {
    struct tt_arena arena;
    struct tt_segment_builder *builder;
    struct tt_buf bytes;
    struct tt_value *values; /* rows × COLUMNS */
    uint32_t rows;
};

static void open_run(struct run *run, uint64_t seed, uint32_t rows)
{
    struct tt_error err = {0};
    struct tt_rng rng;
    enum style styles[COLUMNS];
    tt_rng_init(&rng, seed);
    tt_arena_init(&run->arena, &tt_alloc_libc, 4096, 64u << 20);
    tt_buf_init(&run->bytes, &tt_alloc_libc, 64u << 20);
    run->rows = rows;
    run->values = calloc((size_t)rows * COLUMNS, sizeof *run->values);
    assert_int_equal(tt_segment_builder_new(&tt_alloc_libc, specs, COLUMNS,
                                            (struct tt_hash_key){seed, 7}, &run->builder, &err),
                     TT_OK);
    for (size_t c = 0; c < COLUMNS; c++) {
        styles[c] = (enum style)tt_rng_below(&rng, STYLE_COUNT);
    }
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < COLUMNS; c++) {
            char *text = tt_arena_new(&run->arena, 16);
            run->values[r * COLUMNS + c] = make_value(&rng, specs[c].type, styles[c], text);
        }
        assert_int_equal(tt_segment_builder_add(run->builder, &run->values[r * COLUMNS]), TT_OK);
    }
    struct tt_segment_info info = {20000, {1, 2}, 5, 5 + rows};
    assert_int_equal(tt_segment_builder_finish(run->builder, &info, &run->bytes), TT_OK);
    assert_int_equal(tt_segment_builder_count(run->builder), 0);
}

static void close_run(struct run *run)
{
    tt_segment_builder_free(run->builder);
    tt_buf_deinit(&run->bytes);
    tt_arena_deinit(&run->arena);
    free(run->values);
}

/* Whether every value of the block is the one that was put in; false also when it cannot be read. */
static bool reads_back(const struct run *run, struct tt_str bytes)
{
    struct tt_segment_block block;
    struct tt_error err = {0};
    struct tt_arena arena;
    bool good = tt_segment_open(bytes, &block, &err) == TT_OK;
    tt_arena_init(&arena, &tt_alloc_libc, 4096, 64u << 20);
    for (size_t c = 0; good && c < COLUMNS; c++) {
        struct tt_column column;
        good =
            tt_segment_column(&block, specs[c].name, specs[c].type, &arena, &column, &err) == TT_OK;
        for (uint32_t r = 0; good && r < run->rows;) {
            struct tt_value values[2 * 7];
            uint32_t count = run->rows - r < 7 ? run->rows - r : 7;
            tt_column_fill(&column, r, count, values, 2);
            for (uint32_t i = 0; i < count; i++) {
                good = good &&
                       same(&values[2 * (size_t)i], &run->values[(size_t)(r + i) * COLUMNS + c]);
            }
            r += count;
        }
    }
    tt_arena_deinit(&arena);
    return good;
}

static void what_was_put_in_comes_out(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 120; seed++) {
        struct run run;
        uint32_t rows = seed % 10 == 0 ? TT_SEGMENT_ROWS_MAX : (uint32_t)(seed * 13 % 400 + 1);
        open_run(&run, seed, rows);
        if (!reads_back(&run, tt_buf_str(&run.bytes))) {
            fail_msg("seed %llu", (unsigned long long)seed);
        }
        close_run(&run);
    }
}

static void the_hash_key_changes_no_byte(void **state)
{
    (void)state;
    struct run a, b;
    open_run(&a, 3, 300);
    open_run(&b, 3, 300);
    struct tt_segment_builder *other = NULL;
    struct tt_error err = {0};
    assert_int_equal(tt_segment_builder_new(&tt_alloc_libc, specs, COLUMNS,
                                            (struct tt_hash_key){99, 98}, &other, &err),
                     TT_OK);
    for (size_t r = 0; r < 300; r++) {
        assert_int_equal(tt_segment_builder_add(other, &b.values[r * COLUMNS]), TT_OK);
    }
    tt_buf_clear(&b.bytes);
    struct tt_segment_info info = {20000, {1, 2}, 5, 305};
    assert_int_equal(tt_segment_builder_finish(other, &info, &b.bytes), TT_OK);
    assert_int_equal(a.bytes.size, b.bytes.size);
    assert_memory_equal(a.bytes.data, b.bytes.data, a.bytes.size);
    tt_segment_builder_free(other);
    close_run(&a);
    close_run(&b);
}

/* One byte of padding may change; a value never. */
static void a_changed_bit_is_an_error_or_changes_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct run run;
        open_run(&run, seed, 23);
        uint32_t refused = 0, total = 0;
        for (size_t bit = 0; bit < 8 * run.bytes.size; bit += 3) {
            struct tt_segment_block block;
            struct tt_error err = {0};
            struct tt_arena arena;
            run.bytes.data[bit / 8] = (char)(run.bytes.data[bit / 8] ^ (1 << (bit % 8)));
            tt_arena_init(&arena, &tt_alloc_libc, 4096, 64u << 20);
            bool opened = tt_segment_open(tt_buf_str(&run.bytes), &block, &err) == TT_OK;
            bool all = opened;
            for (size_t c = 0; opened && c < COLUMNS; c++) {
                struct tt_column column;
                all = tt_segment_column(&block, specs[c].name, specs[c].type, &arena, &column,
                                        &err) == TT_OK &&
                      all;
            }
            assert_true(!all || reads_back(&run, tt_buf_str(&run.bytes)));
            assert_true(all || err.message[0] != '\0');
            refused += all ? 0 : 1;
            total++;
            tt_arena_deinit(&arena);
            run.bytes.data[bit / 8] = (char)(run.bytes.data[bit / 8] ^ (1 << (bit % 8)));
        }
        assert_true(refused > total * 9 / 10);
        close_run(&run);
    }
}

static void a_block_that_is_cut_off_is_an_error(void **state)
{
    (void)state;
    struct run run;
    open_run(&run, 5, 40);
    for (size_t size = 0; size < run.bytes.size; size++) {
        struct tt_segment_block block;
        struct tt_error err = {0};
        char *copy = malloc(size + 1); /* so that a read past the end is seen */
        memcpy(copy, run.bytes.data, size);
        enum tt_status status = tt_segment_open((struct tt_str){copy, size}, &block, &err);
        assert_int_equal(status, TT_E_CORRUPT);
        free(copy);
    }
    run.bytes.data[4] = 2; /* the version */
    struct tt_segment_block block;
    struct tt_error err = {0};
    assert_int_equal(tt_segment_open(tt_buf_str(&run.bytes), &block, &err), TT_E_UNSUPPORTED);
    close_run(&run);
}

static void a_column_nobody_wrote_is_not_found(void **state)
{
    (void)state;
    struct run run;
    struct tt_segment_block block;
    struct tt_column column;
    struct tt_error err = {0};
    open_run(&run, 2, 10);
    assert_int_equal(tt_segment_open(tt_buf_str(&run.bytes), &block, &err), TT_OK);
    assert_int_equal(block.info.day, 20000);
    assert_int_equal(block.row_count, 10);
    assert_int_equal(
        tt_segment_column(&block, TT_STR("x"), TT_COLUMN_INT, &run.arena, &column, &err),
        TT_E_NOT_FOUND);
    assert_int_equal(
        tt_segment_column(&block, TT_STR("d"), TT_COLUMN_INT, &run.arena, &column, &err),
        TT_E_NOT_FOUND);
    close_run(&run);
}

static enum tt_status tortured(const struct tt_alloc *alloc, void *ctx)
{
    (void)ctx;
    struct tt_segment_builder *builder = NULL;
    struct tt_buf bytes;
    struct tt_arena arena;
    struct tt_segment_block block;
    struct tt_column column;
    struct tt_value values[COLUMNS] = {tt_value_double(0.5), tt_value_bool(true),
                                       tt_value_text(TT_STR("a")), tt_value_int(3),
                                       tt_value_timestamp_ms(5)};
    tt_buf_init(&bytes, alloc, 1u << 20);
    tt_arena_init(&arena, alloc, 64, 1u << 20);
    enum tt_status status =
        tt_segment_builder_new(alloc, specs, COLUMNS, (struct tt_hash_key){1, 2}, &builder, NULL);
    for (int r = 0; status == TT_OK && r < 3; r++) {
        status = tt_segment_builder_add(builder, values);
    }
    if (status == TT_OK) {
        status = tt_segment_builder_finish(builder, &(struct tt_segment_info){0}, &bytes);
    }
    if (status == TT_OK) {
        status = tt_segment_open(tt_buf_str(&bytes), &block, NULL);
    }
    if (status == TT_OK) {
        status = tt_segment_column(&block, TT_STR("t"), TT_COLUMN_TEXT, &arena, &column, NULL);
    }
    tt_segment_builder_free(builder);
    tt_buf_deinit(&bytes);
    tt_arena_deinit(&arena);
    return status;
}

static void memory_that_runs_out_is_an_error(void **state)
{
    (void)state;
    tt_torture_run(tortured, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_in_comes_out),
        cmocka_unit_test(the_hash_key_changes_no_byte),
        cmocka_unit_test(a_changed_bit_is_an_error_or_changes_nothing),
        cmocka_unit_test(a_block_that_is_cut_off_is_an_error),
        cmocka_unit_test(a_column_nobody_wrote_is_not_found),
        cmocka_unit_test(memory_that_runs_out_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
