/* Reading a table of numbers: whether the first line is a header, and what is given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/table_read.h"

static struct tt_table read_text(const char *text, const char *exclude)
{
    char path[] = "/tmp/telltale-table-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    FILE *stream = fdopen(file, "w");
    assert_non_null(stream);
    assert_true(fputs(text, stream) >= 0);
    assert_int_equal(fclose(stream), 0);
    struct tt_table table;
    struct tt_error err = {0};
    enum tt_status status = tt_table_read(path, exclude, &table, &err);
    (void)unlink(path);
    if (status != TT_OK) {
        fail_msg("%s", err.message);
    }
    return table;
}

static void a_first_line_of_numbers_is_a_row_however_it_is_spaced(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "1,2,3\n4,5,6\n",
        "1, 2, 3\n4, 5, 6\n",
        " 1 ,2\t, 3 \r\n4,5,6\r\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct tt_table table = read_text(texts[i], NULL);
        assert_int_equal(table.row_count, 2);
        assert_int_equal(table.column_count, 3);
        assert_true(tt_str_equal_text(table.names[2], "x3"));
        assert_true(table.values[1] > 1.5 && table.values[1] < 2.5);
        tt_table_free(&table);
    }
}

static void a_first_line_with_a_word_is_a_header(void **state)
{
    (void)state;
    struct tt_table table = read_text("a, b,1\n4, NA,6\n", NULL);
    assert_int_equal(table.row_count, 1);
    assert_int_equal(table.missing, 1);
    assert_true(tt_str_equal_text(table.names[0], "a"));
    tt_table_free(&table);
}

static void names_are_given_back_as_they_were_taken(void **state)
{
    (void)state;
    struct tt_table table = read_text("a,b,c\n4,5,6\n", "a,b");
    assert_int_equal(table.column_count, 1);
    assert_int_equal(table.name_capacity, 3); /* of the file: that many were allocated */
    tt_table_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_line_of_numbers_is_a_row_however_it_is_spaced),
        cmocka_unit_test(a_first_line_with_a_word_is_a_header),
        cmocka_unit_test(names_are_given_back_as_they_were_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
