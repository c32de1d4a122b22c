/* The JSON pull reader: what is JSON, what is not, and where it says so. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "format/json_read.h"
#include "format/json_write.h"
#include "support/torture.h"

static struct tt_arena arena;

/* A copy of exactly that size: the address sanitizer sees a read behind its end. */
static char *exact(struct tt_str text)
{
    char *copy = malloc(text.size > 0 ? text.size : 1);
    assert_non_null(copy);
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    return copy;
}

/* Reads the whole text; the reader's fault and its offset. */
static enum tt_json_fault read_all(struct tt_str text, uint32_t *ret_offset, struct tt_error *err)
{
    char *copy = exact(text);
    struct tt_json_reader reader;
    struct tt_json_token token;
    tt_arena_reset(&arena);
    tt_json_reader_init(&reader, (struct tt_str){copy, text.size}, &arena);
    enum tt_status status;
    do {
        status = tt_json_next(&reader, &token, err);
    } while (status == TT_OK && token.kind != TT_JSON_END);
    assert_int_equal(status == TT_OK, reader.fault == TT_JSON_FAULT_NONE);
    if (status != TT_OK) {
        assert_int_equal(tt_json_next(&reader, &token, NULL), status);
    }
    if (ret_offset != NULL) {
        *ret_offset = reader.fault_offset;
    }
    free(copy);
    return reader.fault;
}

static void assert_good(const char *text)
{
    struct tt_error err = {0};
    if (read_all(tt_str_from(text), NULL, &err) != TT_JSON_FAULT_NONE) {
        fail_msg("refused: %s: %s at %llu", text, err.message, (unsigned long long)err.offset);
    }
}

struct bad {
    const char *text;
    size_t size; /* 0 = strlen */
    enum tt_json_fault fault;
    uint32_t offset;
};

static void accepts_what_rfc_8259_accepts(void **state)
{
    static const char *const good[] = {
        "{}",
        "[]",
        "\"\"",
        "0",
        "-0",
        "true",
        "false",
        "null",
        " \t\r\n1 \t\r\n",
        "[1,2,[3,[4]]]",
        "{\"a\":1,\"b\":{\"a\":2}}",
        "[-0.0e+00,1E5,1e-5,123456789012345678901234567890]",
        "\"\\u0041\\ud83d\\ude00\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
        "[\"\x7f\"]",
        "\"\\u0000\"",
        "[{},{},[],[]]",
        "{\"\":0}",
        "\"\xef\xbf\xbf\"",
        "\"\xf4\x8f\xbf\xbf\"",
        "[1e400,-1e400]",
        "{\"a\":{},\"b\":[{}],\"c\":[]}",
        "[\n1\n,\n2\n]",
        "\"\\uD834\\uDD1E\"",
        "{\"k\" : \"v\" , \"l\":\t1}",
        "\"\xe2\x80\xa8\"",
    };
    (void)state;
    for (size_t i = 0; i < TT_ARRAY_SIZE(good); i++) {
        assert_good(good[i]);
    }
}

static void refuses_what_is_no_json_at_the_right_byte(void **state)
{
    static const struct bad bad[] = {
        {"", 0, TT_JSON_FAULT_END, 0},
        {" ", 0, TT_JSON_FAULT_END, 1},
        {"[", 0, TT_JSON_FAULT_END, 1},
        {"[1", 0, TT_JSON_FAULT_END, 2},
        {"[1,", 0, TT_JSON_FAULT_END, 3},
        {"[1,]", 0, TT_JSON_FAULT_SYNTAX, 3},
        {"[,1]", 0, TT_JSON_FAULT_SYNTAX, 1},
        {"[1 2]", 0, TT_JSON_FAULT_SYNTAX, 3},
        {"[1}", 0, TT_JSON_FAULT_SYNTAX, 2},
        {"{\"a\"}", 0, TT_JSON_FAULT_SYNTAX, 4},
        {"{\"a\":}", 0, TT_JSON_FAULT_SYNTAX, 5},
        {"{\"a\":1,}", 0, TT_JSON_FAULT_SYNTAX, 7},
        {"{a:1}", 0, TT_JSON_FAULT_SYNTAX, 1},
        {"{'a':1}", 0, TT_JSON_FAULT_SYNTAX, 1},
        {"{1:1}", 0, TT_JSON_FAULT_SYNTAX, 1},
        {"{\"a\" \"b\"}", 0, TT_JSON_FAULT_SYNTAX, 5},
        {"{\"a\":1]", 0, TT_JSON_FAULT_SYNTAX, 6},
        {"}", 0, TT_JSON_FAULT_SYNTAX, 0},
        {"]", 0, TT_JSON_FAULT_SYNTAX, 0},
        {",", 0, TT_JSON_FAULT_SYNTAX, 0},
        {"1 2", 0, TT_JSON_FAULT_TRAILING, 2},
        {"{}x", 0, TT_JSON_FAULT_TRAILING, 2},
        {"[]]", 0, TT_JSON_FAULT_TRAILING, 2},
        {"01", 0, TT_JSON_FAULT_TRAILING, 1},
        {"-", 0, TT_JSON_FAULT_END, 1},
        {"-a", 0, TT_JSON_FAULT_SYNTAX, 1},
        {"+1", 0, TT_JSON_FAULT_SYNTAX, 0},
        {".5", 0, TT_JSON_FAULT_SYNTAX, 0},
        {"1.", 0, TT_JSON_FAULT_END, 2},
        {"1.x", 0, TT_JSON_FAULT_SYNTAX, 2},
        {"1e", 0, TT_JSON_FAULT_END, 2},
        {"1e+", 0, TT_JSON_FAULT_END, 3},
        {"1e+]", 0, TT_JSON_FAULT_SYNTAX, 3},
        {"0x1", 0, TT_JSON_FAULT_TRAILING, 1},
        {"NaN", 0, TT_JSON_FAULT_SYNTAX, 0},
        {"Infinity", 0, TT_JSON_FAULT_SYNTAX, 0},
        {"tru", 0, TT_JSON_FAULT_END, 3},
        {"trux", 0, TT_JSON_FAULT_SYNTAX, 3},
        {"truex", 0, TT_JSON_FAULT_TRAILING, 4},
        {"True", 0, TT_JSON_FAULT_SYNTAX, 0},
        {"nul", 0, TT_JSON_FAULT_END, 3},
        {"\"", 0, TT_JSON_FAULT_END, 1},
        {"\"abc", 0, TT_JSON_FAULT_END, 4},
        {"\"a\nb\"", 0, TT_JSON_FAULT_SYNTAX, 2},
        {"\"a\0b\"", 5, TT_JSON_FAULT_SYNTAX, 2},
        {"\"\x1f\"", 0, TT_JSON_FAULT_SYNTAX, 1},
        {"\"abcdefghijk\x01\"", 0, TT_JSON_FAULT_SYNTAX, 12},
        {"\"\\x\"", 0, TT_JSON_FAULT_SYNTAX, 2},
        {"\"\\\0\"", 4, TT_JSON_FAULT_SYNTAX, 2},
        {"\"\\", 0, TT_JSON_FAULT_END, 2},
        {"\"\\\"", 0, TT_JSON_FAULT_END, 3},
        {"\"\\u12", 0, TT_JSON_FAULT_END, 5},
        {"\"\\u12g4\"", 0, TT_JSON_FAULT_SYNTAX, 5},
        {"\"\\ud800\"", 0, TT_JSON_FAULT_SURROGATE, 1},
        {"\"\\ud800\\n\"", 0, TT_JSON_FAULT_SURROGATE, 1},
        {"\"\\ud800abc\"", 0, TT_JSON_FAULT_SURROGATE, 1},
        {"\"\\udc00\"", 0, TT_JSON_FAULT_SURROGATE, 1},
        {"\"x\\ud800\\ud800\"", 0, TT_JSON_FAULT_SURROGATE, 2},
        {"\"\\ud800\\u0041\"", 0, TT_JSON_FAULT_SURROGATE, 1},
        {"\"\\ud800", 0, TT_JSON_FAULT_END, 7},
        {"\"\\ud800\\", 0, TT_JSON_FAULT_END, 8},
        {"\"\x80\"", 0, TT_JSON_FAULT_UTF8, 1},
        {"\"ab\xc0\xaf\"", 0, TT_JSON_FAULT_UTF8, 3},
        {"\"\xed\xa0\x80\"", 0, TT_JSON_FAULT_UTF8, 1},
        {"\"\xf4\x90\x80\x80\"", 0, TT_JSON_FAULT_UTF8, 1},
        {"\"\xe2\x82\"", 0, TT_JSON_FAULT_UTF8, 1},
        {"\"\xe2\x82", 0, TT_JSON_FAULT_UTF8, 1},
        {"\"\xff\"", 0, TT_JSON_FAULT_UTF8, 1},
        {"\xef\xbb\xbf{}", 0, TT_JSON_FAULT_SYNTAX, 0},
        {"{\"a\":1,\"a\":2}", 0, TT_JSON_FAULT_DUPLICATE_KEY, 7},
        {"{\"a\":1,\"\\u0061\":2}", 0, TT_JSON_FAULT_DUPLICATE_KEY, 7},
        {"[{\"a\":{\"b\":1,\"c\":2,\"b\":3}}]", 0, TT_JSON_FAULT_DUPLICATE_KEY, 19},
        {"{\"\":1,\"\":2}", 0, TT_JSON_FAULT_DUPLICATE_KEY, 6},
        {"[1,/* */2]", 0, TT_JSON_FAULT_SYNTAX, 3},
        {"[\"a\",\v1]", 0, TT_JSON_FAULT_SYNTAX, 5},
        {"\xc2\xa0"
         "1",
         0, TT_JSON_FAULT_SYNTAX, 0},
    };
    (void)state;
    for (size_t i = 0; i < TT_ARRAY_SIZE(bad); i++) {
        struct tt_error err = {0};
        uint32_t offset = 0;
        struct tt_str text = {bad[i].text, bad[i].size != 0 ? bad[i].size : strlen(bad[i].text)};
        enum tt_json_fault fault = read_all(text, &offset, &err);
        if (fault != bad[i].fault || offset != bad[i].offset || err.offset != bad[i].offset) {
            fail_msg("%s: fault %d at %u", bad[i].text, (int)fault, offset);
        }
        assert_int_not_equal(err.line, 0);
    }
}

static void nesting_has_a_limit(void **state)
{
    char text[2 * TT_JSON_DEPTH_MAX + 8];
    uint32_t offset = 0;
    (void)state;
    memset(text, '[', TT_JSON_DEPTH_MAX + 1);
    memset(text + TT_JSON_DEPTH_MAX + 1, ']', TT_JSON_DEPTH_MAX + 1);
    assert_int_equal(read_all((struct tt_str){text + 1, 2 * TT_JSON_DEPTH_MAX}, NULL, NULL),
                     TT_JSON_FAULT_NONE);
    assert_int_equal(read_all((struct tt_str){text, 2 * TT_JSON_DEPTH_MAX + 2}, &offset, NULL),
                     TT_JSON_FAULT_DEPTH);
    assert_int_equal(offset, TT_JSON_DEPTH_MAX);
    char *deep = malloc(10000);
    memset(deep, '[', 10000);
    assert_int_equal(read_all((struct tt_str){deep, 10000}, NULL, NULL), TT_JSON_FAULT_DEPTH);
    free(deep);
}

static void every_cut_of_a_text_is_refused(void **state)
{
    static const char text[] =
        "{\"id\":\"t-1\",\"n\":[1.5e3,-0,true,false,null],\"s\":\"a\\u00e9\\ud83d\\ude00\xc3\xa9\","
        "\"o\":{\"x\":{}}}";
    (void)state;
    assert_good(text);
    for (size_t size = 0; size < sizeof text - 1; size++) {
        assert_int_not_equal(read_all((struct tt_str){text, size}, NULL, NULL), TT_JSON_FAULT_NONE);
    }
}

/* Changing any byte to any other never crashes, and is either JSON or refused inside the text. */
static void every_changed_byte_is_survived(void **state)
{
    static const char text[] = "{\"a\":[1,\"\\u0041\xc3\xa9\",{\"b\":null}],\"c\":-1.5e+3}";
    char changed[sizeof text];
    (void)state;
    for (size_t at = 0; at < sizeof text - 1; at++) {
        for (int byte = 0; byte < 256; byte++) {
            uint32_t offset = 0;
            memcpy(changed, text, sizeof text);
            changed[at] = (char)byte;
            if (read_all((struct tt_str){changed, sizeof text - 1}, &offset, NULL) !=
                TT_JSON_FAULT_NONE) {
                assert_true(offset <= sizeof text - 1);
            }
        }
    }
}

static void strings_without_escapes_are_views_and_others_are_copies(void **state)
{
    static const char text[] = "{\"plain\":\"value\",\"esc\\u0061ped\":\"a\\nb\\ud83d\\ude00\"}";
    struct tt_json_reader reader;
    struct tt_json_token token;
    (void)state;
    tt_arena_reset(&arena);
    tt_json_reader_init(&reader, TT_STR(text), &arena);
    assert_int_equal(tt_json_next(&reader, &token, NULL), TT_OK);
    assert_int_equal(token.kind, TT_JSON_OBJECT);
    assert_int_equal(tt_json_next(&reader, &token, NULL), TT_OK);
    assert_ptr_equal(token.key.data, text + 2);
    assert_true(tt_str_equal_text(token.text, "value"));
    assert_ptr_equal(token.text.data, text + 10);
    assert_int_equal(token.key_offset, 1);
    assert_int_equal(token.offset, 9);
    assert_int_equal(tt_json_next(&reader, &token, NULL), TT_OK);
    assert_true(tt_str_equal_text(token.key, "escaped"));
    assert_true(tt_str_equal_text(token.text, "a\nb\xf0\x9f\x98\x80"));
    assert_int_equal(tt_json_next(&reader, &token, NULL), TT_OK);
    assert_int_equal(token.kind, TT_JSON_OBJECT_END);
    assert_int_equal(tt_json_next(&reader, &token, NULL), TT_OK);
    assert_int_equal(token.kind, TT_JSON_END);
    assert_int_equal(tt_json_next(&reader, &token, NULL), TT_OK);
    assert_int_equal(token.kind, TT_JSON_END);
}

static void numbers_stay_raw(void **state)
{
    static const char text[] = "[0.10,1E400,-0]";
    static const char *const want[] = {"0.10", "1E400", "-0"};
    struct tt_json_reader reader;
    struct tt_json_token token;
    (void)state;
    tt_json_reader_init(&reader, TT_STR(text), &arena);
    assert_int_equal(tt_json_next(&reader, &token, NULL), TT_OK);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(tt_json_next(&reader, &token, NULL), TT_OK);
        assert_int_equal(token.kind, TT_JSON_NUMBER);
        assert_true(tt_str_equal_text(token.text, want[i]));
    }
    assert_true(tt_json_is_number(TT_STR("-1.5e3")));
    assert_false(tt_json_is_number(TT_STR("1.5e3 ")));
    assert_false(tt_json_is_number(TT_STR("")));
    assert_false(tt_json_is_number(TT_STR("01")));
}

static void skip_reads_to_the_values_end_and_raw_is_its_text(void **state)
{
    static const char text[] = "{\"a\":{\"x\":[1,{}],\"y\":2},\"b\":7,\"c\":[ ]}";
    struct tt_json_reader reader;
    struct tt_json_token token;
    (void)state;
    tt_json_reader_init(&reader, TT_STR(text), &arena);
    assert_int_equal(tt_json_next(&reader, &token, NULL), TT_OK);
    assert_int_equal(tt_json_next(&reader, &token, NULL), TT_OK);
    assert_int_equal(tt_json_skip(&reader, &token, NULL), TT_OK);
    assert_true(tt_str_equal_text(tt_json_raw(&reader, &token), "{\"x\":[1,{}],\"y\":2}"));
    assert_int_equal(tt_json_next(&reader, &token, NULL), TT_OK);
    assert_true(tt_str_equal_text(token.key, "b"));
    assert_int_equal(tt_json_skip(&reader, &token, NULL), TT_OK);
    assert_true(tt_str_equal_text(tt_json_raw(&reader, &token), "7"));
    assert_int_equal(tt_json_next(&reader, &token, NULL), TT_OK);
    assert_int_equal(tt_json_skip(&reader, &token, NULL), TT_OK);
    assert_true(tt_str_equal_text(tt_json_raw(&reader, &token), "[ ]"));
    assert_int_equal(tt_json_next(&reader, &token, NULL), TT_OK);
    assert_int_equal(token.kind, TT_JSON_OBJECT_END);
}

/* Objects past the inline size find a repeated key too, in sorted or any order. */
static void large_objects_find_repeated_keys(void **state)
{
    struct tt_buf buf;
    (void)state;
    for (unsigned count = 30; count <= 300; count += 3) {
        for (int repeat = -1; repeat < (int)count; repeat += 7) {
            tt_buf_init(&buf, &tt_alloc_libc, 1 << 20);
            tt_buf_append_text(&buf, "{\"in\":{\"k1\":1}");
            for (unsigned i = 0; i < count; i++) {
                tt_buf_append_format(&buf, ",\"k%u\":{\"k%u\":[]}", i, i);
            }
            size_t at = buf.size + 1;
            if (repeat >= 0) {
                tt_buf_append_format(&buf, ",\"k%d\":0", repeat);
            }
            tt_buf_append_text(&buf, "}");
            uint32_t offset = 0;
            enum tt_json_fault fault = read_all(tt_buf_str(&buf), &offset, NULL);
            assert_int_equal(fault, repeat < 0 ? TT_JSON_FAULT_NONE : TT_JSON_FAULT_DUPLICATE_KEY);
            if (repeat >= 0) {
                assert_int_equal(offset, at);
            }
            tt_buf_deinit(&buf);
        }
    }
}

static void errors_have_line_and_column(void **state)
{
    struct tt_error err = {0};
    (void)state;
    assert_int_equal(read_all(TT_STR("{\n  \"a\": 1,\n  \"b\": x\n}"), NULL, &err),
                     TT_JSON_FAULT_SYNTAX);
    assert_int_equal(err.line, 3);
    assert_int_equal(err.column, 8);
    assert_int_equal(err.status, TT_E_SYNTAX);
}

static void a_tree_has_kinds_and_places(void **state)
{
    struct tt_tree *root = NULL;
    struct tt_error err = {0};
    bool flag = false;
    int64_t number = 0;
    struct tt_str text = {0};
    (void)state;
    tt_arena_reset(&arena);
    assert_int_equal(tt_json_parse_tree(&arena,
                                        TT_STR("{\"a\": true,\n \"b\": [1, \"2\", null],\n"
                                               " \"c\": {\"d\": \"007\"}}"),
                                        &root, &err),
                     TT_OK);
    assert_int_equal(root->kind, TT_TREE_MAPPING);
    assert_int_equal(root->child_count, 3);
    assert_int_equal(tt_tree_bool(tt_tree_get(root, "a"), &flag, &err), TT_OK);
    assert_true(flag);
    const struct tt_tree *list = tt_tree_get(root, "b");
    assert_int_equal(list->child_count, 3);
    assert_int_equal(tt_tree_int64(list->children, &number, &err), TT_OK);
    assert_int_equal(number, 1);
    assert_int_equal(tt_tree_int64(list->children->next, &number, &err), TT_E_TYPE);
    assert_int_equal(err.line, 2);
    assert_int_equal(list->children->next->next->kind, TT_TREE_NULL);
    const struct tt_tree *inner = tt_tree_get(tt_tree_get(root, "c"), "d");
    assert_int_equal(tt_tree_text(inner, &text, &err), TT_OK);
    assert_true(tt_str_equal_text(text, "007"));
    assert_int_equal(inner->key_line, 3);
    assert_int_equal(inner->key_column, 8);
    assert_int_equal(inner->column, 13);
}

static enum tt_status tree_body(const struct tt_alloc *alloc, void *ctx)
{
    struct tt_arena local;
    struct tt_tree *root = NULL;
    (void)ctx;
    tt_arena_init(&local, alloc, 64, 1 << 20);
    enum tt_status status = tt_json_parse_tree(
        &local, TT_STR("{\"a\":[1,2,{\"b\":\"x\\ny\"}],\"c\":\"dddddddddddddddddddddddddd\"}"),
        &root, NULL);
    tt_arena_deinit(&local);
    return status;
}

static void a_tree_survives_every_failed_allocation(void **state)
{
    (void)state;
    tt_torture_run(tree_body, NULL);
}

static void the_writer_escapes_and_separates(void **state)
{
    struct tt_buf buf;
    struct tt_json_writer writer;
    (void)state;
    tt_buf_init(&buf, &tt_alloc_libc, 1 << 16);
    tt_json_writer_init(&writer, &buf);
    tt_json_object_begin(&writer);
    tt_json_member_string(&writer, "s", TT_STR("q\"b\\n\nt\tz\x01\x7f\xc3\xa9\xff|\xe2\x82"));
    tt_json_member_text(&writer, "none", NULL);
    tt_json_key(&writer, "list");
    tt_json_array_begin(&writer);
    tt_json_double(&writer, 0.1);
    tt_json_double(&writer, (double)NAN);
    tt_json_double(&writer, -(double)INFINITY);
    tt_json_int64(&writer, INT64_MIN);
    tt_json_uint64(&writer, UINT64_MAX);
    tt_json_bool(&writer, true);
    tt_json_null(&writer);
    tt_json_object_begin(&writer);
    tt_json_object_end(&writer);
    tt_json_array_begin(&writer);
    tt_json_array_end(&writer);
    tt_json_raw_value(&writer, TT_STR("{\"raw\":1}"));
    tt_json_array_end(&writer);
    tt_json_object_end(&writer);
    assert_string_equal(buf.data,
                        "{\"s\":\"q\\\"b\\\\n\\nt\\tz\\u0001\x7f\xc3\xa9\xef\xbf\xbd|\xef\xbf\xbd"
                        "\xef\xbf\xbd\",\"none\":null,\"list\":[0.1,null,null,-9223372036854775808,"
                        "18446744073709551615,true,null,{},[],{\"raw\":1}]}");
    tt_buf_deinit(&buf);
}

/* Any bytes, written as a string, read back: valid UTF-8 unchanged, and always JSON. */
static void written_strings_read_back(void **state)
{
    struct tt_rng rng;
    (void)state;
    tt_rng_init(&rng, 17);
    for (int round = 0; round < 3000; round++) {
        char bytes[40];
        size_t size = (size_t)tt_rng_below(&rng, sizeof bytes);
        for (size_t i = 0; i < size; i++) {
            bool high = round % 2 == 0;
            bytes[i] = (char)tt_rng_below(&rng, high ? 256 : 128);
        }
        struct tt_buf buf;
        tt_buf_init(&buf, &tt_alloc_libc, 4096);
        tt_json_quote(&buf, (struct tt_str){bytes, size});
        struct tt_json_reader reader;
        struct tt_json_token token;
        tt_arena_reset(&arena);
        tt_json_reader_init(&reader, tt_buf_str(&buf), &arena);
        assert_int_equal(tt_json_next(&reader, &token, NULL), TT_OK);
        if (tt_str_utf8_check((struct tt_str){bytes, size}) == size) {
            assert_true(tt_str_equal(token.text, (struct tt_str){bytes, size}));
        }
        assert_int_equal(tt_json_next(&reader, &token, NULL), TT_OK);
        assert_int_equal(token.kind, TT_JSON_END);
        tt_buf_deinit(&buf);
    }
}

static void a_full_buffer_is_remembered(void **state)
{
    struct tt_buf buf;
    struct tt_json_writer writer;
    (void)state;
    tt_buf_init(&buf, &tt_alloc_libc, 8);
    tt_json_writer_init(&writer, &buf);
    tt_json_array_begin(&writer);
    tt_json_text(&writer, "much too long for it");
    tt_json_array_end(&writer);
    assert_int_equal(buf.status, TT_E_LIMIT);
    tt_buf_deinit(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_what_rfc_8259_accepts),
        cmocka_unit_test(refuses_what_is_no_json_at_the_right_byte),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(every_cut_of_a_text_is_refused),
        cmocka_unit_test(every_changed_byte_is_survived),
        cmocka_unit_test(strings_without_escapes_are_views_and_others_are_copies),
        cmocka_unit_test(numbers_stay_raw),
        cmocka_unit_test(skip_reads_to_the_values_end_and_raw_is_its_text),
        cmocka_unit_test(large_objects_find_repeated_keys),
        cmocka_unit_test(errors_have_line_and_column),
        cmocka_unit_test(a_tree_has_kinds_and_places),
        cmocka_unit_test(a_tree_survives_every_failed_allocation),
        cmocka_unit_test(the_writer_escapes_and_separates),
        cmocka_unit_test(written_strings_read_back),
        cmocka_unit_test(a_full_buffer_is_remembered),
    };
    tt_arena_init(&arena, &tt_alloc_libc, 4096, 64 << 20);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tt_arena_deinit(&arena);
    return failed;
}
