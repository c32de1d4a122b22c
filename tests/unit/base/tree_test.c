/* Typed reads of a document tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/tree.h"

/* {amount: 5, ratio: 0.5, on: true, name: "5", window: 30d, list: [], none: ~} */
static struct tt_tree entries[7];
static struct tt_tree root;

static struct tt_tree scalar(const char *key, const char *text, bool plain, uint32_t line)
{
    return (struct tt_tree){
        .kind = TT_TREE_SCALAR,
        .plain = plain,
        .line = line,
        .column = 20,
        .key = tt_str_from(key),
        .key_line = line,
        .key_column = 3,
        .text = tt_str_from(text),
    };
}

static int set_up(void **state)
{
    (void)state;
    entries[0] = scalar("amount", "5", true, 1);
    entries[1] = scalar("ratio", "0.5", true, 2);
    entries[2] = scalar("on", "true", true, 3);
    entries[3] = scalar("name", "5", false, 4);
    entries[4] = scalar("window", "30d", true, 5);
    entries[5] = scalar("list", NULL, false, 6);
    entries[5].kind = TT_TREE_SEQUENCE;
    entries[6] = scalar("none", NULL, true, 7);
    entries[6].kind = TT_TREE_NULL;
    for (size_t i = 0; i + 1 < TT_ARRAY_SIZE(entries); i++) {
        entries[i].next = &entries[i + 1];
    }
    root = (struct tt_tree){.kind = TT_TREE_MAPPING, .line = 1, .column = 1, .children = entries};
    return 0;
}

static void entries_are_found_by_key(void **state)
{
    (void)state;
    assert_ptr_equal(tt_tree_get(&root, "ratio"), &entries[1]);
    assert_null(tt_tree_get(&root, "rat"));
    assert_null(tt_tree_get(NULL, "ratio"));
    assert_null(tt_tree_get(&entries[5], "ratio"));
    assert_string_equal(tt_tree_kind_name(&root), "mapping");
    assert_string_equal(tt_tree_kind_name(&entries[0]), "text");
    assert_string_equal(tt_tree_kind_name(&entries[5]), "sequence");
    assert_string_equal(tt_tree_kind_name(&entries[6]), "null");
    assert_string_equal(tt_tree_kind_name(NULL), "nothing");
}

static void typed_reads_give_the_value(void **state)
{
    (void)state;
    int64_t integer = 0;
    double number = 0.0;
    bool on = false;
    struct tt_str text = {NULL, 0};
    int64_t ms = 0;
    assert_int_equal(tt_tree_int64(&entries[0], &integer, NULL), TT_OK);
    assert_int_equal(integer, 5);
    assert_int_equal(tt_tree_double(&entries[1], &number, NULL), TT_OK);
    assert_true(number > 0.49 && number < 0.51);
    assert_int_equal(tt_tree_bool(&entries[2], &on, NULL), TT_OK);
    assert_true(on);
    assert_int_equal(tt_tree_text(&entries[3], &text, NULL), TT_OK);
    assert_true(tt_str_equal_text(text, "5"));
    assert_int_equal(tt_tree_duration(&entries[4], &ms, NULL), TT_OK);
    assert_int_equal(ms, INT64_C(30) * 86400000);
}

static void a_wrong_type_is_named_with_its_place(void **state)
{
    (void)state;
    struct tt_error err;
    int64_t integer = 77;
    double number = 77.0;
    bool on = true;
    struct tt_str text = {NULL, 77};
    assert_int_equal(tt_tree_int64(&entries[1], &integer, &err), TT_E_TYPE);
    assert_string_equal(err.message, "expected an integer, not 0.5");
    assert_int_equal(err.line, 2);
    assert_int_equal(err.column, 20);
    assert_int_equal(tt_tree_int64(&entries[3], &integer, &err), TT_E_TYPE);
    assert_string_equal(err.message, "expected an integer, not \"5\"");
    assert_int_equal(tt_tree_double(&entries[4], &number, &err), TT_E_TYPE);
    assert_int_equal(err.line, 5);
    assert_int_equal(tt_tree_bool(&entries[0], &on, &err), TT_E_TYPE);
    assert_int_equal(tt_tree_duration(&entries[0], &integer, &err), TT_E_TYPE);
    assert_int_equal(tt_tree_text(&entries[5], &text, &err), TT_E_TYPE);
    assert_string_equal(err.message, "expected a text, not a sequence");
    assert_int_equal(err.line, 6);
    assert_int_equal(tt_tree_text(&entries[6], &text, &err), TT_E_TYPE);
    assert_int_equal(tt_tree_int64(NULL, &integer, &err), TT_E_TYPE);
    assert_string_equal(err.message, "an integer is missing");
    assert_int_equal(tt_tree_int64(NULL, &integer, NULL), TT_E_TYPE);
    assert_int_equal(integer, 77);
    assert_true(number > 76.0 && on && text.size == 77);
}

static void an_unknown_key_is_named_with_the_nearest(void **state)
{
    (void)state;
    struct tt_error err;
    static const char *const all[] = {"amount", "ratio", "on", "name", "window", "list", "none"};
    static const char *const most[] = {"amount", "ratios", "on", "name", "window", "list", "none"};
    assert_int_equal(tt_tree_check_keys(&root, all, 7, &err), TT_OK);
    assert_int_equal(tt_tree_check_keys(&root, most, 7, &err), TT_E_UNKNOWN);
    assert_string_equal(err.message, "unknown key \"ratio\"; did you mean \"ratios\"?");
    assert_int_equal(err.line, 2);
    assert_int_equal(err.column, 3);
    assert_int_equal(tt_tree_check_keys(&root, NULL, 0, &err), TT_E_UNKNOWN);
    assert_string_equal(err.message, "unknown key \"amount\"");
    assert_int_equal(tt_tree_check_keys(&entries[5], all, 7, &err), TT_E_TYPE);
    assert_string_equal(err.message, "expected a mapping, not a sequence");
    assert_int_equal(tt_tree_check_keys(NULL, all, 7, &err), TT_E_TYPE);
}

static void long_texts_do_not_crowd_the_message_out(void **state)
{
    (void)state;
    char text[1000];
    memset(text, 'x', sizeof text);
    struct tt_tree node = scalar("k", NULL, true, 9);
    node.text = (struct tt_str){text, sizeof text};
    struct tt_error err;
    int64_t integer = 0;
    assert_int_equal(tt_tree_int64(&node, &integer, &err), TT_E_TYPE);
    assert_in_range(strlen(err.message), 60, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_found_by_key),
        cmocka_unit_test(typed_reads_give_the_value),
        cmocka_unit_test(a_wrong_type_is_named_with_its_place),
        cmocka_unit_test(an_unknown_key_is_named_with_the_nearest),
        cmocka_unit_test(long_texts_do_not_crowd_the_message_out),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
