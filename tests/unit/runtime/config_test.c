/* The configuration: each kind of option, each error with its place, and what is shown of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/yaml.h"
#include "runtime/config.h"
#include "support/tempdir.h"
#include "support/torture.h"

static struct tt_arena arena;
static struct tt_config config;
static struct tt_error err;

static int set_up(void **state)
{
    (void)state;
    tt_arena_init(&arena, &tt_alloc_libc, 4096, 64u << 20);
    err = (struct tt_error){0};
    assert_int_equal(tt_config_init(&config, &arena, &err), TT_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tt_arena_deinit(&arena);
    return 0;
}

static enum tt_status apply(const char *yaml)
{
    struct tt_tree *root = NULL;
    assert_int_equal(tt_yaml_parse(&arena, tt_str_from(yaml), &root, &err), TT_OK);
    return tt_config_apply(&config, root, &err);
}

static enum tt_status set(const char *assignment)
{
    return tt_config_set(&config, tt_str_from(assignment), &err);
}

static void assert_text(struct tt_str text, const char *expected)
{
    assert_non_null(text.data);
    assert_string_equal(text.data, expected);
    assert_int_equal(text.size, strlen(expected));
}

/* The file is refused with that status, place and message. */
static void assert_refused(const char *yaml, enum tt_status status, uint32_t line, uint32_t column,
                           const char *message)
{
    assert_int_equal(apply(yaml), status);
    assert_string_equal(err.message, message);
    assert_int_equal(err.status, status);
    assert_int_equal(err.line, line);
    assert_int_equal(err.column, column);
}

static void defaults_are_those_of_the_table(void **state)
{
    (void)state;
    assert_null(config.data_dir.data);
    assert_int_equal(config.http_port, 8080);
    assert_int_equal(config.http_body_max, 16 << 20);
    assert_int_equal(config.memory_max, INT64_C(2) << 30);
    assert_text(config.durability, "power");
    assert_true(config.alert_log);
    assert_int_equal(config.services.count, 1);
    assert_text(config.services.items[0], "all");
    assert_int_equal(config.http_hosts.count, 0);
    assert_null(config.attributes);
}

static void a_file_fills_every_kind_of_option(void **state)
{
    (void)state;
    assert_int_equal(apply("data_dir: /var/lib/telltale\n"
                           "services: [rule-engine, alerter]\n"
                           "attributes: {age: double, vip: bool}\n"
                           "http:\n"
                           "  port: 0\n"
                           "  body_max: 64KiB\n"
                           "  idle_timeout: 1m30s\n"
                           "  hosts: shop.example\n"
                           "store: {durability: process}\n"
                           "alerts:\n"
                           "  log: false\n"
                           "  webhook:\n"
                           "    secret: whsec_abc\n"),
                     TT_OK);
    assert_text(config.data_dir, "/var/lib/telltale");
    assert_int_equal(config.services.count, 2);
    assert_text(config.services.items[1], "alerter");
    assert_non_null(tt_tree_get(config.attributes, "vip"));
    assert_int_equal(config.http_port, 0);
    assert_int_equal(config.http_body_max, 65536);
    assert_int_equal(config.http_idle_timeout, 90000);
    assert_int_equal(config.http_hosts.count, 1);
    assert_text(config.http_hosts.items[0], "shop.example");
    assert_text(config.durability, "process");
    assert_false(config.alert_log);
    assert_text(config.webhook_secret, "whsec_abc");
}

static void an_empty_file_or_group_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(apply(""), TT_OK);
    assert_int_equal(apply("# nothing\n"), TT_OK);
    assert_int_equal(apply("http:\nstore: {}\n"), TT_OK);
    assert_int_equal(config.http_port, 8080);
}

static void an_unknown_key_names_the_nearest(void **state)
{
    (void)state;
    assert_refused("http:\n  prot: 1\n", TT_E_UNKNOWN, 2, 3,
                   "unknown key \"http.prot\"; did you mean \"http.port\"?");
    assert_refused("htpp: {port: 1}\n", TT_E_UNKNOWN, 1, 1,
                   "unknown key \"htpp\"; did you mean \"http\"?");
    assert_refused("alerts: {webhok: {url: x}}\n", TT_E_UNKNOWN, 1, 10,
                   "unknown key \"alerts.webhok\"; did you mean \"alerts.webhook\"?");
    assert_refused("durability: power\n", TT_E_UNKNOWN, 1, 1,
                   "unknown key \"durability\"; did you mean \"store.durability\"?");
    assert_refused("seed: 1\nqqqqqqqqqqqqqqqq: 1\n", TT_E_UNKNOWN, 2, 1,
                   "unknown key \"qqqqqqqqqqqqqqqq\"");
    assert_refused("http.port: 1\n", TT_E_UNKNOWN, 1, 1,
                   "unknown key \"http.port\": write it as nested mappings");
    assert_refused("http: {port.x: 1}\n", TT_E_UNKNOWN, 1, 8,
                   "unknown key \"http.port.x\"; did you mean \"http.port\"?");
    assert_refused("'': 1\n", TT_E_UNKNOWN, 1, 1, "unknown key \"\"");
}

static void a_key_of_any_length_is_reported_cut(void **state)
{
    (void)state;
    char yaml[9000];
    memset(yaml, 'k', sizeof yaml);
    strcpy(yaml + 1000, ": 1\n");
    assert_int_equal(apply(yaml), TT_E_UNKNOWN);
    assert_true(strlen(err.message) < 120);
    memcpy(yaml, "http: {", 7);
    strcpy(yaml + 1000, ": 1}\n");
    assert_int_equal(apply(yaml), TT_E_UNKNOWN);
}

static void a_wrong_value_is_refused_where_it_stands(void **state)
{
    (void)state;
    assert_refused("http:\n  port: 70000\n", TT_E_INVALID, 2, 9,
                   "http.port: expected an integer from 0 to 65535, not \"70000\"");
    assert_refused("http: {port: -1}\n", TT_E_INVALID, 1, 14,
                   "http.port: expected an integer from 0 to 65535, not \"-1\"");
    assert_refused("http: {port: \"80\"}\n", TT_E_TYPE, 1, 14,
                   "http.port: expected an integer from 0 to 65535, not \"80\"");
    assert_refused("http: {port: 8e3}\n", TT_E_TYPE, 1, 14,
                   "http.port: expected an integer from 0 to 65535, not \"8e3\"");
    assert_refused("http: {port: [1]}\n", TT_E_TYPE, 1, 14,
                   "http.port: expected an integer from 0 to 65535, not a sequence");
    assert_refused("http: {body_max: 16MB}\n", TT_E_TYPE, 1, 18,
                   "http.body_max: expected a size such as 64KiB or 1GiB from 1KiB to 1GiB, "
                   "not \"16MB\"");
    assert_refused("http: {body_max: 9999999TiB}\n", TT_E_INVALID, 1, 18,
                   "http.body_max: expected a size such as 64KiB or 1GiB from 1KiB to 1GiB, "
                   "not \"9999999TiB\"");
    assert_refused("http: {body_max: -5}\n", TT_E_TYPE, 1, 18,
                   "http.body_max: expected a size such as 64KiB or 1GiB from 1KiB to 1GiB, "
                   "not \"-5\"");
    assert_refused(
        "pipeline: {drain_timeout: 5}\n", TT_E_TYPE, 1, 27,
        "pipeline.drain_timeout: expected a duration such as 250ms, 30s or 7d from 0s to 1h, "
        "not \"5\"");
    assert_refused(
        "pipeline: {drain_timeout: 2h}\n", TT_E_INVALID, 1, 27,
        "pipeline.drain_timeout: expected a duration such as 250ms, 30s or 7d from 0s to 1h, "
        "not \"2h\"");
    assert_refused("alerts: {log: yes}\n", TT_E_TYPE, 1, 15,
                   "alerts.log: expected true or false, not \"yes\"");
    assert_refused("cpu: sse\n", TT_E_INVALID, 1, 6,
                   "cpu: expected one of auto, scalar, avx2, avx512, not \"sse\"");
    assert_refused("cpu: {a: 1}\n", TT_E_TYPE, 1, 6,
                   "cpu: expected one of auto, scalar, avx2, avx512, not a mapping");
    assert_refused("data_dir: [a]\n", TT_E_TYPE, 1, 11,
                   "data_dir: expected a text, not a sequence");
    assert_refused("data_dir: \"\"\n", TT_E_INVALID, 1, 11,
                   "data_dir: expected a non-empty UTF-8 text without NUL, not \"\"");
    assert_refused("data_dir: \"a\\0b\"\n", TT_E_INVALID, 1, 11,
                   "data_dir: expected a non-empty UTF-8 text without NUL, not \"a\"");
    assert_refused("attributes: 5\n", TT_E_TYPE, 1, 13,
                   "attributes: expected a mapping, not \"5\"");
    assert_refused("seed:\n", TT_E_TYPE, 1, 6,
                   "seed: expected a value; leave the key out for the default 1");
    assert_refused("http: 5\n", TT_E_TYPE, 1, 7,
                   "http: expected a mapping of its keys, not a text");
    assert_refused("- a\n", TT_E_TYPE, 1, 1, "expected a mapping of options, not a sequence");
    assert_refused("http:\n  hosts:\n    - a\n    - {}\n", TT_E_TYPE, 4, 7,
                   "http.hosts: expected a text, not a mapping");
    assert_int_equal(apply("services: [rule-engine, rule-engines]\n"), TT_E_INVALID);
    assert_int_equal(err.column, 25);
    assert_int_equal(apply("attributes: {a: {b: {c: {d: {e: {f: {g: {h: {i: {j: 1}}}}}}}}}}\n"),
                     TT_E_LIMIT);
}

static void a_file_with_a_mistake_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(apply("http: {port: 9999}\nseed: x\n"), TT_E_TYPE);
    assert_int_equal(config.http_port, 8080);
}

static void null_stands_for_not_set(void **state)
{
    (void)state;
    assert_int_equal(apply("data_dir: /a\nhttp: {hosts: [a]}\nattributes: {a: bool}\n"), TT_OK);
    assert_int_equal(apply("data_dir: null\nhttp: {hosts: null}\nattributes:\n"), TT_OK);
    assert_null(config.data_dir.data);
    assert_int_equal(config.http_hosts.count, 0);
    assert_null(config.attributes);
    assert_int_equal(apply("http: {hosts: []}\n"), TT_OK);
    assert_int_equal(config.http_hosts.count, 0);
}

static void references_stand_for_variables_and_files(void **state)
{
    (void)state;
    struct tt_tempdir dir;
    tt_tempdir_init(&dir);
    const char *path = tt_tempdir_file(&dir, "secret");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs("whsec_xyz\n\n", file);
    (void)fclose(file);
    setenv("TT_TEST_PORT", "1234", 1);
    setenv("TT_TEST_HOST", "example", 1);
    char yaml[600];
    (void)snprintf(yaml, sizeof yaml,
                   "data_dir: a-${env:TT_TEST_HOST}-$${b}-$c\n"
                   "http: {port: \"${env:TT_TEST_PORT}\", hosts: ['${env:TT_TEST_HOST}.org']}\n"
                   "attributes: {x: '${env:TT_TEST_HOST}'}\n"
                   "alerts: {webhook: {secret: '${file:%s}'}}\n",
                   path);
    assert_int_equal(apply(yaml), TT_OK);
    assert_text(config.data_dir, "a-example-${b}-$c");
    assert_int_equal(config.http_port, 1234);
    assert_text(config.http_hosts.items[0], "example.org");
    assert_text(tt_tree_get(config.attributes, "x")->text, "example");
    assert_text(config.webhook_secret, "whsec_xyz\n");
    tt_tempdir_deinit(&dir);
}

static void a_reference_to_nothing_names_it(void **state)
{
    (void)state;
    unsetenv("TT_TEST_NONE");
    assert_refused("alerts:\n  webhook:\n    secret: ${env:TT_TEST_NONE}\n", TT_E_NOT_FOUND, 3, 13,
                   "alerts.webhook.secret: the environment has no variable: TT_TEST_NONE");
    assert_refused("data_dir: ${file:/nowhere/x}\n", TT_E_NOT_FOUND, 1, 11,
                   "data_dir: cannot open: No such file or directory: /nowhere/x");
    assert_refused("data_dir: ${file:/}\n", TT_E_IO, 1, 11,
                   "data_dir: cannot read: Is a directory: /");
    assert_refused("data_dir: ${file:/dev/zero}\n", TT_E_LIMIT, 1, 11,
                   "data_dir: larger than 65536 bytes: /dev/zero");
    assert_refused("data_dir: ${home}\n", TT_E_SYNTAX, 1, 11,
                   "data_dir: expected ${env:NAME} or ${file:path}, not ${home}");
    assert_refused("data_dir: ${env:}\n", TT_E_SYNTAX, 1, 11,
                   "data_dir: expected ${env:NAME} or ${file:path}, not ${env:}");
    assert_refused("data_dir: ${file:-}\n", TT_E_SYNTAX, 1, 11,
                   "data_dir: expected ${env:NAME} or ${file:path}, not ${file:-}");
    assert_refused("data_dir: a${env:B\n", TT_E_SYNTAX, 1, 11,
                   "data_dir: ${ without its }; write $${ for the two characters");
    setenv("TT_TEST_BAD", "a\xff", 1);
    assert_refused("data_dir: ${env:TT_TEST_BAD}\n", TT_E_INVALID, 1, 11,
                   "data_dir: not UTF-8: what stands for: TT_TEST_BAD");
    setenv("TT_TEST_EMPTY", "", 1);
    assert_int_equal(apply("data_dir: ${env:TT_TEST_EMPTY}\n"), TT_E_INVALID);
}

static void what_came_from_outside_is_never_repeated(void **state)
{
    (void)state;
    setenv("TT_TEST_SECRET", "hunter2", 1);
    assert_refused("http: {port: '${env:TT_TEST_SECRET}'}\n", TT_E_TYPE, 1, 14,
                   "http.port: expected an integer from 0 to 65535");
    assert_refused("cpu: ${env:TT_TEST_SECRET}\n", TT_E_INVALID, 1, 6,
                   "cpu: expected one of auto, scalar, avx2, avx512");
    assert_int_equal(set("alerts.webhook.secret=a"), TT_OK);
    assert_int_equal(apply("alerts: {webhook: {secret: [hunter2]}}\n"), TT_E_TYPE);
    assert_null(strstr(err.message, "hunter2"));
}

static void an_assignment_sets_one_option(void **state)
{
    (void)state;
    assert_int_equal(set("http.port=81"), TT_OK);
    assert_int_equal(config.http_port, 81);
    assert_int_equal(set("data_dir = /x=y "), TT_OK);
    assert_text(config.data_dir, "/x=y");
    assert_int_equal(set("data_dir=${env:HOME}"), TT_OK);
    assert_text(config.data_dir, "${env:HOME}");
    assert_int_equal(set("services=alerter, rule-engine"), TT_OK);
    assert_int_equal(config.services.count, 2);
    assert_text(config.services.items[1], "rule-engine");
    assert_int_equal(set("http.hosts=[a, 'b,c']"), TT_OK);
    assert_text(config.http_hosts.items[1], "b,c");
    assert_int_equal(set("attributes={age: double}"), TT_OK);
    assert_text(tt_tree_get(config.attributes, "age")->text, "double");
    assert_int_equal(set("store.retention=90d"), TT_OK);
    assert_int_equal(config.store_retention, INT64_C(90) * 86400000);
    assert_int_equal(set("data_dir=\xff"), TT_E_INVALID);
    assert_int_equal(set("alerts.log=false"), TT_OK);
    assert_false(config.alert_log);
    assert_int_equal(set("data_dir="), TT_OK);
    assert_null(config.data_dir.data);
}

static void a_wrong_assignment_names_the_option(void **state)
{
    (void)state;
    assert_int_equal(set("http.prot=81"), TT_E_UNKNOWN);
    assert_string_equal(err.message, "unknown key \"http.prot\"; did you mean \"http.port\"?");
    assert_int_equal(set("http=81"), TT_E_TYPE);
    assert_string_equal(err.message, "http is a group of keys; set one of them");
    assert_int_equal(set("http.port"), TT_E_SYNTAX);
    assert_int_equal(set("=5"), TT_E_SYNTAX);
    assert_int_equal(set(""), TT_E_SYNTAX);
    assert_int_equal(set("http.port=x"), TT_E_TYPE);
    assert_string_equal(err.message, "http.port: expected an integer from 0 to 65535, not \"x\"");
    assert_int_equal(err.line, 0);
    assert_int_equal(set("http.port="), TT_E_TYPE);
    assert_int_equal(set("attributes={a"), TT_E_SYNTAX);
    assert_int_equal(set("attributes=a"), TT_E_TYPE);
    assert_int_equal(set("services=alerter,"), TT_E_INVALID);
    assert_int_equal(config.http_port, 8080);
}

static void services_are_asked_by_name(void **state)
{
    (void)state;
    assert_true(tt_config_has_service(&config, "alerter"));
    assert_int_equal(set("services=rule-engine"), TT_OK);
    assert_false(tt_config_has_service(&config, "alerter"));
    assert_true(tt_config_has_service(&config, "rule-engine"));
}

static void what_is_shown_reads_back_the_same(void **state)
{
    (void)state;
    assert_int_equal(
        apply("data_dir: \"a\\\"$${x}: b # \\u00e9\\n\\x80\\x01\\u2028\\uFEFF\\uFFFD$$${$\"\n"
              "attributes: {age: double, odd: ['$${', 'true', true, '-', ~, 1.5]}\n"
              "http: {hosts: [a, '[b]'], body_max: 1025, idle_timeout: 1500ms}\n"
              "alerts: {webhook: {secret: hunter2, url: 'http://x/'}, log: false}\n"),
        TT_OK);
    struct tt_buf first;
    struct tt_buf second;
    tt_buf_init(&first, &tt_alloc_libc, 65536);
    tt_buf_init(&second, &tt_alloc_libc, 65536);
    assert_int_equal(tt_config_show(&config, &first), TT_OK);
    assert_null(strstr(first.data, "hunter2"));
    assert_non_null(strstr(first.data, "    secret: \"********\"\n"));
    assert_non_null(strstr(first.data, "  body_max: 1025\n"));
    struct tt_config again;
    assert_int_equal(tt_config_init(&again, &arena, &err), TT_OK);
    struct tt_tree *root = NULL;
    assert_int_equal(tt_yaml_parse(&arena, tt_buf_str(&first), &root, &err), TT_OK);
    assert_int_equal(tt_config_apply(&again, root, &err), TT_OK);
    assert_true(tt_str_equal(again.data_dir, config.data_dir));
    assert_int_equal(again.http_idle_timeout, 1500);
    assert_int_equal(tt_config_show(&again, &second), TT_OK);
    assert_string_equal(first.data, second.data);
    tt_buf_deinit(&first);
    tt_buf_deinit(&second);
}

static void the_file_is_named_where_it_was_read_from(void **state)
{
    (void)state;
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, 65536);
    config.file = TT_STR("/etc/a\nb: 1");
    assert_int_equal(tt_config_show(&config, &buf), TT_OK);
    assert_true(tt_str_starts_with(tt_buf_str(&buf), TT_STR("# read from \"/etc/a\\x0ab: 1\"\n")));
    tt_buf_deinit(&buf);
}

static void the_json_form_has_every_path(void **state)
{
    (void)state;
    assert_int_equal(apply("attributes: {a: [b, ~]}\nalerts: {webhook: {secret: hunter2}}\n"),
                     TT_OK);
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, 65536);
    assert_int_equal(tt_config_show_json(&config, &buf), TT_OK);
    assert_null(strstr(buf.data, "hunter2"));
    assert_non_null(strstr(buf.data, "\"data_dir\":null,\"services\":[\"all\"],"
                                     "\"attributes\":{\"a\":[\"b\",null]},"));
    assert_non_null(strstr(buf.data, "\"alerts.webhook.secret\":\"********\""));
    assert_non_null(strstr(buf.data, "\"http.idle_timeout\":60000"));
    tt_buf_deinit(&buf);
}

static void docs_and_schema_name_every_option(void **state)
{
    (void)state;
    struct tt_buf docs;
    struct tt_buf schema;
    tt_buf_init(&docs, &tt_alloc_libc, 65536);
    tt_buf_init(&schema, &tt_alloc_libc, 65536);
    assert_int_equal(tt_config_docs(&docs), TT_OK);
    assert_int_equal(tt_config_schema(&schema), TT_OK);
#define TT_OPTION(kind, field, path, initial, min, max, unit, help)                                \
    assert_non_null(strstr(docs.data, "| `" path "` | "));                                         \
    assert_non_null(strstr(schema.data, help));
#include "runtime/options.def"
#undef TT_OPTION
    assert_non_null(strstr(docs.data, "\n## alerts\n"));
    assert_non_null(strstr(docs.data, "name: bool \\| double \\| string"));
    assert_null(strstr(strstr(docs.data, "\n## http\n") + 1, "\n## http\n"));
    assert_non_null(strstr(schema.data, "\"minimum\":0,\"maximum\":65535"));
    tt_buf_deinit(&docs);
    tt_buf_deinit(&schema);
}

static enum tt_status everything(const struct tt_alloc *alloc, void *ctx)
{
    (void)ctx;
    struct tt_arena memory;
    tt_arena_init(&memory, alloc, 64, 1u << 20);
    struct tt_buf buf;
    tt_buf_init(&buf, alloc, 65536);
    struct tt_config made;
    struct tt_tree *root = NULL;
    struct tt_error reason;
    enum tt_status status = tt_config_init(&made, &memory, &reason);
    if (status == TT_OK) {
        status = tt_yaml_parse(&memory,
                               TT_STR("data_dir: a${env:TT_TEST_HOST}\nservices: [alerter]\n"
                                      "alerts: {webhook: {secret: '${file:/dev/null}b'}}\n"),
                               &root, &reason);
    }
    if (status == TT_OK) {
        status = tt_config_apply(&made, root, &reason);
    }
    if (status == TT_OK) {
        status = tt_config_set(&made, TT_STR("http.hosts=a,b"), &reason);
    }
    if (status == TT_OK) {
        status = tt_config_set(&made, TT_STR("attributes={a: bool}"), &reason);
    }
    if (status == TT_OK) {
        status = tt_config_show(&made, &buf);
    }
    if (status == TT_OK) {
        status = tt_config_show_json(&made, &buf);
    }
    tt_buf_deinit(&buf);
    tt_arena_deinit(&memory);
    return status;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    setenv("TT_TEST_HOST", "example", 1);
    tt_torture_run(everything, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(defaults_are_those_of_the_table),
        TEST(a_file_fills_every_kind_of_option),
        TEST(an_empty_file_or_group_changes_nothing),
        TEST(an_unknown_key_names_the_nearest),
        TEST(a_key_of_any_length_is_reported_cut),
        TEST(a_wrong_value_is_refused_where_it_stands),
        TEST(a_file_with_a_mistake_changes_nothing),
        TEST(null_stands_for_not_set),
        TEST(references_stand_for_variables_and_files),
        TEST(a_reference_to_nothing_names_it),
        TEST(what_came_from_outside_is_never_repeated),
        TEST(an_assignment_sets_one_option),
        TEST(a_wrong_assignment_names_the_option),
        TEST(services_are_asked_by_name),
        TEST(what_is_shown_reads_back_the_same),
        TEST(the_file_is_named_where_it_was_read_from),
        TEST(the_json_form_has_every_path),
        TEST(docs_and_schema_name_every_option),
        TEST(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
