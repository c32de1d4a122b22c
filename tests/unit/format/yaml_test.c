/* YAML documents: what becomes a tree, what is refused and where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/yaml.h"
#include "support/torture.h"

static struct tt_arena arena;

/* The tree as one line, so that a test can say what it wants. */
static void dump(const struct tt_tree *node, struct tt_buf *out)
{
    bool mapping = node->kind == TT_TREE_MAPPING;
    switch (node->kind) {
    case TT_TREE_NULL:
        tt_buf_append_text(out, "~");
        return;
    case TT_TREE_SCALAR:
        tt_buf_append_format(out, node->plain ? "%.*s" : "'%.*s'", TT_STR_ARG(node->text));
        return;
    case TT_TREE_SEQUENCE:
    case TT_TREE_MAPPING:
        break;
    }
    uint32_t count = 0;
    tt_buf_append_char(out, mapping ? '{' : '[');
    for (const struct tt_tree *child = node->children; child != NULL; child = child->next) {
        if (count++ > 0) {
            tt_buf_append_char(out, ',');
        }
        if (mapping) {
            tt_buf_append_str(out, child->key);
            tt_buf_append_char(out, ':');
        }
        dump(child, out);
    }
    assert_int_equal(count, node->child_count);
    tt_buf_append_char(out, mapping ? '}' : ']');
}

static void assert_tree(const char *text, const char *want)
{
    struct tt_tree *root = NULL;
    struct tt_error err = {0};
    struct tt_buf out;
    tt_arena_reset(&arena);
    if (tt_yaml_parse(&arena, tt_str_from(text), &root, &err) != TT_OK) {
        fail_msg("%s: %s", text, err.message);
    }
    tt_buf_init(&out, &tt_alloc_libc, 4096);
    dump(root, &out);
    assert_string_equal(out.data, want);
    tt_buf_deinit(&out);
}

static void documents_become_trees(void **state)
{
    (void)state;
    assert_tree("", "~");
    assert_tree("# only a comment\n", "~");
    assert_tree("a: 1\nb: [x, 'y', \"z\"]\nc: {d: ~, e: null}\n",
                "{a:1,b:[x,'y','z'],c:{d:~,e:~}}");
    assert_tree("- 1\n-\n- - 2\n  - 3\n", "[1,~,[2,3]]");
    assert_tree("a: 0042\nb: no\nc: 1_000\nd: 0x1f\ne: 1:30\n",
                "{a:0042,b:no,c:1_000,d:0x1f,e:1:30}");
    assert_tree("a: |\n  l1\n  l2\nb: >-\n  f1\n  f2\n", "{a:'l1\nl2\n',b:'f1 f2'}");
    assert_tree("{\"json\": [1, 2.5, true, null, \"s\"]}", "{json:[1,2.5,true,~,'s']}");
    assert_tree("a:\nb: ''\n", "{a:~,b:''}");
    assert_tree("---\na: 1\n...\n", "{a:1}");
    assert_tree("\"<<\": 1\n", "{<<:1}");
    assert_tree("\xef\xbb\xbf"
                "a: \xc3\xa9\n",
                "{a:\xc3\xa9}");
}

struct bad {
    const char *text;
    enum tt_status status;
    uint32_t line, column;
};

static void what_is_left_out_is_refused_at_its_place(void **state)
{
    static const struct bad bad[] = {
        {"a: &x 1\nb: 2\n", TT_E_UNSUPPORTED, 1, 4},
        {"a: 1\nb: *x\n", TT_E_UNSUPPORTED, 2, 4},
        {"a: 1\n<<: {b: 1}\n", TT_E_UNSUPPORTED, 2, 1},
        {"a: !!str 1\n", TT_E_UNSUPPORTED, 1, 4},
        {"a: !mine {b: 1}\n", TT_E_UNSUPPORTED, 1, 4},
        {"a: 1\nb: 2\na: 3\n", TT_E_CONFLICT, 3, 1},
        {"x:\n  a: 1\n  \"a\": 3\n", TT_E_CONFLICT, 3, 3},
        {"[1]: 2\n", TT_E_UNSUPPORTED, 1, 1},
        {"? {a: 1}\n: 2\n", TT_E_UNSUPPORTED, 1, 3},
        {"a: 1\n---\nb: 2\n", TT_E_UNSUPPORTED, 2, 1},
        {"%YAML 1.1\n---\na: 1\n", TT_E_UNSUPPORTED, 1, 1},
        {"a: [1, 2\n", TT_E_SYNTAX, 2, 1},
        {"a: 1\n\tb: 2\n", TT_E_SYNTAX, 2, 1},
        {"a: 'x\n", TT_E_SYNTAX, 2, 1},
        {"a: b: c\n", TT_E_SYNTAX, 1, 5},
        {"a: 1\n b: 2\n", TT_E_SYNTAX, 2, 3},
        {"a: 1\nb: \xff\n", TT_E_SYNTAX, 2, 4},
        {"a: 1\nb: \x01\n", TT_E_SYNTAX, 2, 4},
    };
    (void)state;
    for (size_t i = 0; i < TT_ARRAY_SIZE(bad); i++) {
        struct tt_tree *root = NULL;
        struct tt_error err = {0};
        tt_arena_reset(&arena);
        enum tt_status status = tt_yaml_parse(&arena, tt_str_from(bad[i].text), &root, &err);
        if (status != bad[i].status || err.line != bad[i].line || err.column != bad[i].column) {
            fail_msg("%s: %s at %u:%u: %s", bad[i].text, tt_status_name(status), err.line,
                     err.column, err.message);
        }
        assert_null(root);
    }
}

static void utf16_is_refused(void **state)
{
    struct tt_tree *root = NULL;
    (void)state;
    assert_int_equal(tt_yaml_parse(&arena,
                                   (struct tt_str){"\xff\xfe"
                                                   "a\0:\0 \0001\0",
                                                   10},
                                   &root, NULL),
                     TT_E_SYNTAX);
}

static void places_are_those_of_the_text(void **state)
{
    struct tt_tree *root = NULL;
    (void)state;
    tt_arena_reset(&arena);
    assert_int_equal(tt_yaml_parse(&arena, TT_STR("a:\n  - x\n  - key: value\n"), &root, NULL),
                     TT_OK);
    const struct tt_tree *entry = tt_tree_get(tt_tree_get(root, "a")->children->next, "key");
    assert_int_equal(entry->key_line, 3);
    assert_int_equal(entry->key_column, 5);
    assert_int_equal(entry->line, 3);
    assert_int_equal(entry->column, 10);
    assert_int_equal(entry->text.data[entry->text.size], '\0');
}

static enum tt_status parse_repeated(const char *part, size_t count, const char *end)
{
    struct tt_tree *root = NULL;
    struct tt_buf text;
    struct tt_arena local;
    tt_buf_init(&text, &tt_alloc_libc, 128 << 20);
    for (size_t i = 0; i < count; i++) {
        tt_buf_append_text(&text, part);
    }
    tt_buf_append_text(&text, end);
    tt_arena_init(&local, &tt_alloc_libc, 1 << 16, 256 << 20);
    enum tt_status status = tt_yaml_parse(&local, tt_buf_str(&text), &root, NULL);
    tt_arena_deinit(&local);
    tt_buf_deinit(&text);
    return status;
}

static void bombs_meet_a_limit(void **state)
{
    (void)state;
    assert_int_equal(parse_repeated("[", 10000, ""), TT_E_LIMIT);
    assert_int_equal(parse_repeated("- ", 10000, "x"), TT_E_LIMIT);
    assert_int_equal(parse_repeated("- x\n", TT_YAML_NODES_MAX + 1, ""), TT_E_LIMIT);
    assert_int_equal(parse_repeated("# 34567\n", 100 << 17, ""), TT_E_LIMIT);
    assert_int_equal(parse_repeated("%TAG !a! x\n", 300000, "---\na: 1\n"), TT_E_LIMIT);
    assert_int_equal(parse_repeated("%TAG !a! x\r", 300000, "---\na: 1\n"), TT_E_LIMIT);
    assert_int_equal(parse_repeated("- x\n", 1000, ""), TT_OK);
    assert_int_equal(parse_repeated("[", TT_YAML_DEPTH_MAX, "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"),
                     TT_OK);
}

static void a_mapping_has_a_limit_of_keys(void **state)
{
    struct tt_tree *root = NULL;
    struct tt_buf text;
    (void)state;
    tt_buf_init(&text, &tt_alloc_libc, 1 << 20);
    for (unsigned i = 0; i <= TT_YAML_KEYS_MAX; i++) {
        tt_buf_append_format(&text, "k%u: 1\n", i);
    }
    tt_arena_reset(&arena);
    assert_int_equal(tt_yaml_parse(&arena, tt_buf_str(&text), &root, NULL), TT_E_LIMIT);
    tt_buf_deinit(&text);
}

static void every_cut_of_a_document_is_survived(void **state)
{
    static const char text[] = "a: [1, {b: 'x'}]\nc: |\n  lines\n  more\nd: {e: \"\\u00e9\"}\n";
    (void)state;
    for (size_t size = 0; size < sizeof text - 1; size++) {
        struct tt_tree *root = NULL;
        char *copy = malloc(size + 1);
        memcpy(copy, text, size);
        tt_arena_reset(&arena);
        enum tt_status status = tt_yaml_parse(&arena, (struct tt_str){copy, size}, &root, NULL);
        assert_int_equal(status == TT_OK, root != NULL);
        free(copy);
    }
}

static enum tt_status torture_body(const struct tt_alloc *alloc, void *ctx)
{
    struct tt_arena local;
    struct tt_tree *root = NULL;
    (void)ctx;
    tt_arena_init(&local, alloc, 64, 1 << 20);
    enum tt_status status = tt_yaml_parse(
        &local, TT_STR("a: [1, {b: 'xxxxxxxxxxxxxxxxxxxxxxxx'}]\nc: some longer text in here\n"),
        &root, NULL);
    tt_arena_deinit(&local);
    return status;
}

static void every_failed_allocation_is_survived(void **state)
{
    (void)state;
    tt_torture_run(torture_body, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_become_trees),
        cmocka_unit_test(what_is_left_out_is_refused_at_its_place),
        cmocka_unit_test(utf16_is_refused),
        cmocka_unit_test(places_are_those_of_the_text),
        cmocka_unit_test(bombs_meet_a_limit),
        cmocka_unit_test(a_mapping_has_a_limit_of_keys),
        cmocka_unit_test(every_cut_of_a_document_is_survived),
        cmocka_unit_test(every_failed_allocation_is_survived),
    };
    tt_arena_init(&arena, &tt_alloc_libc, 4096, 64 << 20);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tt_arena_deinit(&arena);
    return failed;
}
