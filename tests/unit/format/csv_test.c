/* CSV rows and lines: grammar, faults, places, and the same rows however the bytes arrive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "format/csv.h"
#include "format/lines.h"
#include "support/torture.h"

/* Everything a reader gives, as one text: "line:fault|field|field\n". */
static void dump(struct tt_str text, size_t chunk, const struct tt_csv_options *options,
                 struct tt_buf *out)
{
    struct tt_memory_source memory;
    struct tt_csv_reader *reader = NULL;
    struct tt_csv_row row;
    struct tt_error err = {0};
    enum tt_status status = tt_csv_open(&tt_alloc_libc, tt_memory_source_init(&memory, text, chunk),
                                        options, &reader, &err);
    if (status != TT_OK) {
        tt_buf_append_format(out, "open: %s\n", tt_status_name(status));
        return;
    }
    while ((status = tt_csv_next(reader, &row, &err)) == TT_OK) {
        tt_buf_append_format(out, "%llu:%d", (unsigned long long)row.line, (int)row.fault);
        for (uint32_t i = 0; i < row.count && row.fault == TT_CSV_FAULT_NONE; i++) {
            assert_non_null(row.fields[i].data);
            tt_buf_append_char(out, '|');
            tt_buf_append_str(out, row.fields[i]);
        }
        /* The bytes are where the offset says. */
        assert_memory_equal(text.data + row.offset, row.bytes.data, row.bytes.size);
        tt_buf_append_char(out, '\n');
    }
    assert_int_equal(status, TT_E_CLOSED);
    assert_int_equal(tt_csv_next(reader, &row, &err), TT_E_CLOSED);
    tt_csv_close(reader);
}

static void assert_rows(const char *text, const char *want)
{
    static const size_t chunks[] = {0, 1, 2, 3, 7};
    struct tt_csv_options options = {0};
    for (size_t i = 0; i < TT_ARRAY_SIZE(chunks); i++) {
        struct tt_buf out;
        tt_buf_init(&out, &tt_alloc_libc, 1 << 20);
        tt_buf_append_text(&out, "");
        dump(tt_str_from(text), chunks[i], &options, &out);
        assert_string_equal(out.data != NULL ? out.data : "", want);
        tt_buf_deinit(&out);
    }
}

static void rows_are_split_as_rfc_4180_says(void **state)
{
    (void)state;
    assert_rows("a,b\n1,2\n", "2:0|1|2\n");
    assert_rows("a,b\r\n1,2\r\n3,4", "2:0|1|2\n3:0|3|4\n");
    assert_rows("\xef\xbb\xbf"
                "a,b\n1,2",
                "2:0|1|2\n");
    assert_rows("a,b,c\n\"x\",\"y,z\",\"q\"\"q\"\n", "2:0|x|y,z|q\"q\n");
    assert_rows("a,b\n\"l1\nl2\r\nl3\",2\n3,4\n", "2:0|l1\nl2\r\nl3|2\n5:0|3|4\n");
    assert_rows("a,b\n,\n\"\",\"\"\n\"\"\"\",x\n", "2:0||\n3:0||\n4:0|\"|x\n");
    assert_rows("a,b\n1,5\" disk\n", "2:0|1|5\" disk\n");
    assert_rows("a,b\n1,\"2\"", "2:0|1|2\n");
    assert_rows("a,b\n1,\"2\"\r", "2:0|1|2\n");
    assert_rows("a,b\n1,", "2:0|1|\n");
    assert_rows("a\n1\n\n\r\n2\n", "2:0|1\n5:0|2\n");
    assert_rows("\n\r\na\n1\n", "4:0|1\n");
    assert_rows("a,b\n1\r1,2\n", "2:0|1\r1|2\n");
    assert_rows("a,b\n \"x\" , y\n", "2:0| \"x\" | y\n");
    assert_rows("a,b\n1,\xc3\xa9\xff\n", "2:0|1|\xc3\xa9\xff\n");
    assert_rows("a,b\n", "");
    assert_rows("a,b", "");
}

static void a_bad_row_is_a_fault_and_the_next_is_read(void **state)
{
    (void)state;
    assert_rows("a,b\n1\n1,2,3\n4,5\n", "2:1\n3:2\n4:0|4|5\n");
    assert_rows("a,b\n\"x\"y,2\n4,5\n", "2:3\n3:0|4|5\n");
    assert_rows("a,b\n\"x\"\ry,2\n4,5\n", "2:3\n3:0|4|5\n");
    assert_rows("a,b\n1,\"open\n4,5\n6,7\n", "2:3\n3:0|4|5\n4:0|6|7\n");
    assert_rows("a,b\n1,\"open", "2:3\n");
    assert_rows("a,b\n1,\"", "2:3\n");
    assert_rows("a,b\n1,\"open\"\"", "2:3\n");
    assert_rows("a,b\n\"x\"y\n\"z\n1\",2\n", "2:3\n3:0|z\n1|2\n");
}

static void header_is_checked(void **state)
{
    (void)state;
    assert_rows("", "open: syntax\n");
    assert_rows("\xef\xbb\xbf", "open: syntax\n");
    assert_rows("\n\n", "open: syntax\n");
    assert_rows("a,b,a\n", "open: syntax\n");
    assert_rows("a,\"b\n", "open: syntax\n");
    assert_rows("a,\xff\n", "open: syntax\n");
    assert_rows(",a,\n1,2,3\n", "2:0|1|2|3\n");
    struct tt_buf out;
    tt_buf_init(&out, &tt_alloc_libc, 4096);
    dump((struct tt_str){"a\0,b\0\n", 6}, 0, &(struct tt_csv_options){0}, &out);
    dump(TT_STR("a;b\n1;2\n"), 0, &(struct tt_csv_options){.delimiter = ';'}, &out);
    dump(TT_STR("a\tb\n1\t2\n"), 0, &(struct tt_csv_options){.delimiter = '\t'}, &out);
    dump(TT_STR("a\n"), 0, &(struct tt_csv_options){.delimiter = '"'}, &out);
    dump(TT_STR("a\n"), 0, &(struct tt_csv_options){.delimiter = (char)0xe9}, &out);
    dump(TT_STR("a\n"), 0, &(struct tt_csv_options){.row_size_max = 3}, &out);
    assert_string_equal(out.data, "open: syntax\n2:0|1|2\n2:0|1|2\nopen: invalid\nopen: invalid\n"
                                  "open: invalid\n");
    tt_buf_deinit(&out);
}

static void names_of_the_header_last(void **state)
{
    struct tt_memory_source memory;
    struct tt_csv_reader *reader = NULL;
    struct tt_csv_row row;
    uint32_t count = 0;
    (void)state;
    assert_int_equal(tt_csv_open(&tt_alloc_libc,
                                 tt_memory_source_init(&memory, TT_STR("id,\"a\"\"b\"\n1,2\n"), 1),
                                 &(struct tt_csv_options){0}, &reader, NULL),
                     TT_OK);
    assert_int_equal(tt_csv_next(reader, &row, NULL), TT_OK);
    const struct tt_str *names = tt_csv_header(reader, &count);
    assert_int_equal(count, 2);
    assert_true(tt_str_equal_text(names[0], "id"));
    assert_true(tt_str_equal_text(names[1], "a\"b"));
    tt_csv_close(reader);
    tt_csv_close(NULL);
}

static void rows_and_fields_that_are_too_large_are_faults(void **state)
{
    static const char long_text[] =
        "a,b\n1,2\n"
        "0123456789012345678901234567890123456789,012345678901234567890123456789\n"
        "3,01234567890123456789x\n"
        "\"012345678901234567890123456789\n012345678901234567890123456789\n0123456789\",2\n"
        "4,5\n";
    struct tt_csv_options options = {.row_size_max = 64, .field_size_max = 20};
    (void)state;
    for (size_t chunk = 0; chunk < 5; chunk++) {
        struct tt_buf out;
        tt_buf_init(&out, &tt_alloc_libc, 1 << 20);
        dump(TT_STR(long_text), chunk, &options, &out);
        /* An over-large row in quotes: its first line is the fault, the others are read by
         * themselves. */
        assert_string_equal(out.data, "2:0|1|2\n3:5\n4:4\n5:3\n6:4\n7:0|0123456789\"|2\n8:0|4|5\n");
        tt_buf_deinit(&out);
    }
}

static void a_huge_line_is_one_fault(void **state)
{
    size_t size = 3 << 20;
    char *text = malloc(size + 16);
    struct tt_csv_options options = {0};
    struct tt_buf out;
    (void)state;
    memcpy(text, "a\n", 2);
    memset(text + 2, 'x', size);
    memcpy(text + 2 + size, "\n1\n", 3);
    tt_buf_init(&out, &tt_alloc_libc, 1 << 20);
    dump((struct tt_str){text, size + 5}, 0, &options, &out);
    text[2] = '"';
    dump((struct tt_str){text, size + 5}, 5000, &options, &out);
    assert_string_equal(out.data, "2:5\n3:0|1\n2:5\n3:0|1\n");
    tt_buf_deinit(&out);
    free(text);
}

/* Random fields, written and read back, for any chunking. */
static void written_fields_read_back(void **state)
{
    static const char letters[] = "ab,\"\n\r c";
    struct tt_rng rng;
    (void)state;
    tt_rng_init(&rng, 5);
    for (int round = 0; round < 400; round++) {
        struct tt_buf text, want, got;
        tt_buf_init(&text, &tt_alloc_libc, 1 << 20);
        tt_buf_init(&want, &tt_alloc_libc, 1 << 20);
        tt_buf_init(&got, &tt_alloc_libc, 1 << 20);
        tt_buf_append_text(&text, "x,y,z\n");
        unsigned line = 2;
        for (int row = 0; row < 6; row++) {
            tt_buf_append_format(&want, "%u:0", line);
            for (int field = 0; field < 3; field++) {
                char value[12];
                size_t size = (size_t)tt_rng_below(&rng, sizeof value);
                for (size_t i = 0; i < size; i++) {
                    value[i] = letters[tt_rng_below(&rng, sizeof letters - 1)];
                    line += value[i] == '\n' ? 1 : 0;
                }
                tt_buf_append_char(&want, '|');
                tt_buf_append(&want, value, size);
                tt_csv_append_field(&text, (struct tt_str){value, size});
                tt_buf_append_text(&text, field < 2 ? "," : "\r\n");
            }
            tt_buf_append_char(&want, '\n');
            line++;
        }
        dump(tt_buf_str(&text), (size_t)tt_rng_below(&rng, 20), &(struct tt_csv_options){0}, &got);
        assert_string_equal(got.data, want.data);
        tt_buf_deinit(&text);
        tt_buf_deinit(&want);
        tt_buf_deinit(&got);
    }
}

/* A source that fails behind its bytes. */
struct failing {
    struct tt_memory_source memory;
    struct tt_source inner;
};
static enum tt_status failing_read(void *ctx, char *data, size_t capacity, size_t *ret_size,
                                   struct tt_error *err)
{
    struct failing *failing = ctx;
    enum tt_status status = failing->inner.read(failing->inner.ctx, data, capacity, ret_size, err);
    return status == TT_OK && *ret_size == 0 ? tt_fail(err, TT_E_CORRUPT, "cut off") : status;
}

static void a_failing_source_gives_its_rows_first(void **state)
{
    struct failing failing;
    struct tt_csv_reader *reader = NULL;
    struct tt_csv_row row;
    struct tt_error err = {0};
    (void)state;
    failing.inner = tt_memory_source_init(&failing.memory, TT_STR("a,b\n1,2\n3,4\n5,"), 0);
    assert_int_equal(tt_csv_open(&tt_alloc_libc, (struct tt_source){failing_read, &failing},
                                 &(struct tt_csv_options){0}, &reader, &err),
                     TT_OK);
    assert_int_equal(tt_csv_next(reader, &row, &err), TT_OK);
    assert_int_equal(tt_csv_next(reader, &row, &err), TT_OK);
    assert_true(tt_str_equal_text(row.fields[0], "3"));
    assert_int_equal(tt_csv_next(reader, &row, &err), TT_E_CORRUPT);
    assert_string_equal(err.message, "cut off");
    assert_int_equal(tt_csv_next(reader, &row, &err), TT_E_CORRUPT);
    tt_csv_close(reader);

    struct tt_line_reader lines;
    struct tt_line line;
    failing.inner = tt_memory_source_init(&failing.memory, TT_STR("one\ntwo"), 2);
    assert_int_equal(tt_line_reader_init(&lines, &tt_alloc_libc,
                                         (struct tt_source){failing_read, &failing}, 100),
                     TT_OK);
    assert_int_equal(tt_line_next(&lines, &line, &err), TT_OK);
    assert_true(tt_str_equal_text(line.bytes, "one"));
    assert_int_equal(tt_line_next(&lines, &line, &err), TT_E_CORRUPT);
    tt_line_reader_deinit(&lines);
}

static void assert_lines(const char *text, const char *want)
{
    for (size_t chunk = 0; chunk < 5; chunk++) {
        struct tt_memory_source memory;
        struct tt_line_reader lines;
        struct tt_line line;
        struct tt_buf out;
        tt_buf_init(&out, &tt_alloc_libc, 4096);
        assert_int_equal(
            tt_line_reader_init(&lines, &tt_alloc_libc,
                                tt_memory_source_init(&memory, tt_str_from(text), chunk), 8),
            TT_OK);
        while (tt_line_next(&lines, &line, NULL) == TT_OK) {
            tt_buf_append_format(&out, "%llu@%llu%s[%.*s]", (unsigned long long)line.number,
                                 (unsigned long long)line.offset, line.too_long ? "!" : "",
                                 TT_STR_ARG(line.bytes));
        }
        assert_string_equal(out.data != NULL ? out.data : "", want);
        tt_buf_deinit(&out);
        tt_line_reader_deinit(&lines);
    }
}

static void lines_are_cut_at_lf_and_crlf(void **state)
{
    (void)state;
    assert_lines("", "");
    assert_lines("a", "1@0[a]");
    assert_lines("a\nb\r\n\nc\n", "1@0[a]2@2[b]3@5[]4@6[c]");
    assert_lines("\xef\xbb\xbf"
                 "a\n",
                 "1@3[a]");
    assert_lines("12345678\n12345678\r\nx", "1@0[12345678]2@9[12345678]3@19[x]");
    assert_lines("123456789\nx", "1@0![12345678]2@10[x]");
    assert_lines("12345678901234567890\nx\n12345678901", "1@0![12345678]2@21[x]3@23![12345678]");
}

static enum tt_status csv_body(const struct tt_alloc *alloc, void *ctx)
{
    struct tt_memory_source memory;
    struct tt_csv_reader *reader = NULL;
    (void)ctx;
    return tt_csv_open(alloc, tt_memory_source_init(&memory, TT_STR("a,b\n1,2\n"), 0),
                       &(struct tt_csv_options){0}, &reader, NULL) == TT_OK
               ? (tt_csv_close(reader), TT_OK)
               : TT_E_NOMEM;
}

static enum tt_status lines_body(const struct tt_alloc *alloc, void *ctx)
{
    struct tt_memory_source memory;
    struct tt_line_reader lines;
    (void)ctx;
    enum tt_status status =
        tt_line_reader_init(&lines, alloc, tt_memory_source_init(&memory, TT_STR("a\n"), 0), 100);
    if (status == TT_OK) {
        tt_line_reader_deinit(&lines);
    }
    return status;
}

static void every_failed_allocation_is_survived(void **state)
{
    (void)state;
    tt_torture_run(csv_body, NULL);
    tt_torture_run(lines_body, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_split_as_rfc_4180_says),
        cmocka_unit_test(a_bad_row_is_a_fault_and_the_next_is_read),
        cmocka_unit_test(header_is_checked),
        cmocka_unit_test(names_of_the_header_last),
        cmocka_unit_test(rows_and_fields_that_are_too_large_are_faults),
        cmocka_unit_test(a_huge_line_is_one_fault),
        cmocka_unit_test(written_fields_read_back),
        cmocka_unit_test(a_failing_source_gives_its_rows_first),
        cmocka_unit_test(lines_are_cut_at_lf_and_crlf),
        cmocka_unit_test(every_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
