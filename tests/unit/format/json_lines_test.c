/* JSON documents of many records, read as lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/json_lines.h"
#include "format/lines.h"

/* The records as "[offset:text]", and how it ended; the same for every chunking. */
static void assert_records(const char *text, const char *want)
{
    for (size_t chunk = 0; chunk < 6; chunk++) {
        struct tt_memory_source memory;
        struct tt_json_lines flat;
        struct tt_line_reader reader;
        struct tt_line line;
        struct tt_error err = {0};
        struct tt_buf out;
        struct tt_source source =
            tt_json_lines_init(&flat, tt_memory_source_init(&memory, tt_str_from(text), chunk));
        tt_buf_init(&out, &tt_alloc_libc, 4096);
        assert_int_equal(tt_line_reader_init(&reader, &tt_alloc_libc, source, 64), TT_OK);
        enum tt_status status;
        while ((status = tt_line_next(&reader, &line, &err)) == TT_OK) {
            if (line.bytes.size > 0) {
                tt_buf_append_format(&out, "[%llu:%.*s]", (unsigned long long)line.offset,
                                     TT_STR_ARG(line.bytes));
            }
        }
        tt_buf_append_text(&out, tt_status_name(status));
        assert_string_equal(out.data, want);
        tt_buf_deinit(&out);
        tt_line_reader_deinit(&reader);
    }
}

static void records_of_an_array_become_lines(void **state)
{
    (void)state;
    assert_records("", "closed");
    assert_records("[]", "closed");
    assert_records(" [ \n ] ", "closed");
    assert_records("[{\"a\":1},{\"b\":[2,{}]}]", "[1:{\"a\":1}][9:{\"b\":[2,{}]}]closed");
    assert_records("[\n  {\n    \"a\": 1\n  },\r\n  {\"b\": 2}\n]\n",
                   "[4:{     \"a\": 1   }][25:{\"b\": 2}]closed");
    assert_records("[{\"a\":\"],\\\"}[{\"},{}]", "[1:{\"a\":\"],\\\"}[{\"}][17:{}]closed");
    assert_records("[1, \"x, y\", null]", "[1:1][4:\"x, y\"][12:null]closed");
}

static void records_one_after_another_become_lines(void **state)
{
    (void)state;
    assert_records("{\"a\":1}\n{\"b\":\n2}\n", "[0:{\"a\":1}][8:{\"b\": 2}]closed");
    assert_records("{\"a\":1} {\"b\":2}", "[0:{\"a\":1}][8:{\"b\":2}]closed");
    assert_records("[{}]\n[{}]", "[1:{}][6:{}]closed");
    assert_records("{}{}", "[0:{}{}]closed");
}

static void a_wrong_record_spoils_its_line_only(void **state)
{
    (void)state;
    assert_records("[{\"a\":]},{\"b\":2}]", "[1:{\"a\":]}][9:{\"b\":2}]closed");
    assert_records("[tru,{\"b\":2}]", "[1:tru][5:{\"b\":2}]closed");
    assert_records("{},{}", "[0:{},{}]closed");
}

static void a_document_that_is_cut_off_fails_behind_its_records(void **state)
{
    (void)state;
    assert_records("[{\"a\":1},", "[1:{\"a\":1}]syntax");
    assert_records("[{\"a\":1},{\"b", "[1:{\"a\":1}]syntax");
    assert_records("[", "syntax");
    assert_records("{\"a\":1}\n{\"b\":", "[0:{\"a\":1}]syntax");
    assert_records("\"x", "syntax");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_of_an_array_become_lines),
        cmocka_unit_test(records_one_after_another_become_lines),
        cmocka_unit_test(a_wrong_record_spoils_its_line_only),
        cmocka_unit_test(a_document_that_is_cut_off_fails_behind_its_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
