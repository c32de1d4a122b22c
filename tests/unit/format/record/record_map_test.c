/* Mapping files: compiled, bound and applied; each mistake at its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "format/record/record_json.h"
#include "format/record/record_map.h"
#include "format/yaml.h"
#include "support/torture.h"

static struct tt_arena arena, maps;
static struct tt_record_schema schema;

#define HEAD                                                                                       \
    "fields:\n"                                                                                    \
    "  transaction_id: {column: id}\n"                                                             \
    "  amount: {column: sum}\n"                                                                    \
    "  currency: {value: EUR}\n"                                                                   \
    "  user_id: {column: who}\n"
#define TIME "  timestamp: {column: at}\n"

static const struct tt_record_map *compile(const char *text)
{
    struct tt_tree *tree = NULL;
    const struct tt_record_map *map = NULL;
    struct tt_error err = {0};
    if (tt_yaml_parse(&maps, tt_str_from(text), &tree, &err) != TT_OK ||
        tt_record_map_compile(&maps, tree, &map, &err) != TT_OK) {
        fail_msg("%u:%u: %s", err.line, err.column, err.message);
    }
    return map;
}

/* Opens text as CSV, binds the map and gives the first row's outcome. */
static enum tt_status apply_first(const char *map_text, const char *csv, struct tt_txn *txn,
                                  struct tt_map_label *label, struct tt_verdict *verdict)
{
    struct tt_memory_source memory;
    struct tt_csv_reader *reader = NULL;
    struct tt_csv_row row;
    struct tt_error err = {0};
    uint32_t count = 0;
    const struct tt_record_map *map = compile(map_text), *bound = NULL;
    struct tt_csv_options options = {.delimiter = tt_record_map_delimiter(map)};
    assert_int_equal(tt_csv_open(&tt_alloc_libc,
                                 tt_memory_source_init(&memory, tt_str_from(csv), 0), &options,
                                 &reader, &err),
                     TT_OK);
    const struct tt_str *header = tt_csv_header(reader, &count);
    if (tt_record_map_bind(&maps, map, header, count, &bound, &err) != TT_OK) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(tt_csv_next(reader, &row, &err), TT_OK);
    enum tt_status status =
        tt_record_map_csv(bound, &schema, &row, TT_TIME_NONE, &arena, txn, label, NULL, verdict);
    tt_csv_close(reader); /* what the transaction holds must not be the reader's */
    return status;
}

static void a_row_becomes_a_transaction(void **state)
{
    struct tt_txn txn;
    struct tt_map_label label;
    struct tt_verdict verdict = {0};
    (void)state;
    tt_arena_reset(&arena);
    assert_int_equal(
        apply_first("format: csv\n" HEAD
                    "  timestamp: {column: at, format: \"%Y-%m-%d %H:%M:%S\", zone: \"+01:00\"}\n"
                    "  merchant_id: {column: shop}\n"
                    "  latitude: {column: lat}\n"
                    "  longitude: {column: lon}\n"
                    "label: {column: bad, fraud: \"1\"}\n"
                    "label_kind: {column: kind}\n"
                    "attributes: {age: {column: age, type: double}, vip: {column: vip, type: "
                    "bool}}\n",
                    "id,at,sum,who,shop,lat,lon,bad,kind,age,vip,more\n"
                    "t1,2026-03-01 13:30:05, 12.5 ,u1,\"m \"\"1\"\"\",52.5, 13,1,stolen,33,1,x\n",
                    &txn, &label, &verdict),
        TT_OK);
    assert_int_equal(txn.timestamp_ms, INT64_C(1772368205000));
    assert_int_equal(txn.amount_minor, 1250);
    assert_string_equal(tt_currency_code(txn.currency), "EUR");
    assert_int_equal(txn.type, TT_TXN_PURCHASE);
    assert_true(tt_str_equal_text(txn.text[TT_TEXT_MERCHANT_ID], "m \"1\""));
    assert_true(tt_str_equal_text(txn.text[TT_TEXT_USER_ID], "u1"));
    assert_true(txn.has_position);
    assert_true(label.present);
    assert_true(label.fraud);
    assert_true(tt_str_equal_text(label.kind, "stolen"));
    assert_int_equal(txn.attribute_count, 2);
    assert_true(txn.attributes[0].number > 32.9 && txn.attributes[0].number < 33.1);
    assert_int_equal(txn.attributes[1].type, TT_ATTRIBUTE_BOOL);
}

static void times_are_read_in_every_format(void **state)
{
    static const struct {
        const char *timestamp, *cells;
        int64_t want; /* -1: a verdict */
    } cases[] = {
        {"{column: at}", "2026-03-01T12:30:05.123Z,", INT64_C(1772368205123)},
        {"{column: at}", "1772368205123,", INT64_C(1772368205123)},
        {"{column: at, format: unix_s}", "1772368205,", INT64_C(1772368205000)},
        {"{column: at, format: unix_s}", "1772368205.1239,", INT64_C(1772368205123)},
        {"{column: at, format: unix_s}", "1772368205.5,", INT64_C(1772368205500)},
        {"{column: at, format: unix_s}", "1772368205.,", -1},
        {"{column: at, format: unix_s}", "1772368205.5x,", -1},
        {"{column: at, format: unix_s}", ".5,", -1},
        {"{column: at, format: unix_s}", "99999999999999999,", -1},
        {"{column: at, format: unix_ms}", "1772368205123,", INT64_C(1772368205123)},
        {"{column: at, format: unix_ms}", "1772368205.123,", -1},
        {"{column: at, format: rfc3339}", "2026-03-01T12:30:05Z,", INT64_C(1772368205000)},
        {"{column: at, format: rfc3339}", "1772368205123,", -1},
        {"{columns: [at, time], format: \"%d.%m.%Y %H:%M\"}", "01.03.2026,12:30",
         INT64_C(1772368200000)},
        {"{columns: [at, time], separator: \"T\", format: \"%FT%T\"}", "2026-03-01,12:30:05",
         INT64_C(1772368205000)},
        {"{columns: [at, time], format: \"%F %T\"}", "2026-03-01,", -1},
        {"{column: at, format: \"%F\"}", "2026-02-30,", -1},
    };
    (void)state;
    for (size_t i = 0; i < TT_ARRAY_SIZE(cases); i++) {
        char map[512], csv[256];
        struct tt_txn txn;
        struct tt_verdict verdict = {0};
        snprintf(map, sizeof map, HEAD "  timestamp: %s\n", cases[i].timestamp);
        snprintf(csv, sizeof csv, "id,sum,who,at,time\nt,1,u,%s\n", cases[i].cells);
        enum tt_status status = apply_first(map, csv, &txn, NULL, &verdict);
        if (status != (cases[i].want < 0 ? TT_E_INVALID : TT_OK) ||
            (status == TT_OK && txn.timestamp_ms != cases[i].want)) {
            fail_msg("%s of %s", cases[i].timestamp, cases[i].cells);
        }
        assert_true(status == TT_OK || verdict.reason == TT_REJECT_BAD_TIMESTAMP);
    }
}

static void bad_rows_have_reason_and_line(void **state)
{
    static const struct {
        const char *row;
        enum tt_reject reason;
    } bad[] = {
        {"t,1,u", TT_REJECT_ROW_FIELDS},
        {"t,1,u,0,1", TT_REJECT_ROW_FIELDS},
        {"t,1,\"u,0", TT_REJECT_ROW_SYNTAX},
        {"t,1,\"u\"x,0", TT_REJECT_ROW_SYNTAX},
        {"t,x,u,0", TT_REJECT_BAD_AMOUNT},
        {"t,,u,0", TT_REJECT_MISSING_FIELD},
        {"t,-1,u,0", TT_REJECT_AMOUNT_NEGATIVE},
        {"t,1,,0", TT_REJECT_MISSING_FIELD},
        {"t,1,\xff,0", TT_REJECT_BAD_UTF8},
        {"t,1,u\x01,0", TT_REJECT_CONTROL_CHARACTER},
        {"t,1.001,u,0", TT_REJECT_AMOUNT_DECIMALS},
    };
    (void)state;
    for (size_t i = 0; i < TT_ARRAY_SIZE(bad); i++) {
        char csv[256];
        struct tt_txn txn;
        struct tt_verdict verdict = {0};
        snprintf(csv, sizeof csv, "id,sum,who,at\n%s\n", bad[i].row);
        assert_int_equal(apply_first(HEAD TIME, csv, &txn, NULL, &verdict), TT_E_INVALID);
        if (verdict.reason != bad[i].reason) {
            fail_msg("%s: %s", bad[i].row, tt_reject_code(verdict.reason));
        }
        assert_int_equal(verdict.line, 2);
    }
}

static void a_label_may_be_empty_or_one_of_several_texts(void **state)
{
    static const struct {
        const char *cell;
        bool present, fraud;
    } cases[] = {{"", false, false}, {"0", true, false}, {"yes", true, true}, {" 1 ", true, true}};
    (void)state;
    for (size_t i = 0; i < TT_ARRAY_SIZE(cases); i++) {
        char csv[128];
        struct tt_txn txn;
        struct tt_map_label label;
        struct tt_verdict verdict = {0};
        snprintf(csv, sizeof csv, "id,sum,who,at,l\nt,1,u,0,%s\n", cases[i].cell);
        assert_int_equal(apply_first(HEAD TIME "label: {column: l, fraud: [\"1\", \"yes\"]}\n", csv,
                                     &txn, &label, &verdict),
                         TT_OK);
        assert_int_equal(label.present, cases[i].present);
        assert_int_equal(label.fraud, cases[i].fraud);
        assert_null(label.kind.data);
    }
}

static void mistakes_are_named_at_their_place(void **state)
{
    static const struct {
        const char *text;
        enum tt_status status;
        uint32_t line;
        const char *says;
    } bad[] = {
        {"[]", TT_E_TYPE, 1, "mapping"},
        {"format: xml\n" HEAD TIME, TT_E_INVALID, 1, "csv"},
        {"feilds: {}\n", TT_E_UNKNOWN, 1, "fields"},
        {"format: csv\n", TT_E_INVALID, 1, "fields"},
        {HEAD, TT_E_INVALID, 1, "timestamp"},
        {HEAD TIME "  merchnat_id: {column: m}\n", TT_E_UNKNOWN, 7, "merchant_id"},
        {HEAD TIME "  merchant_id: m\n", TT_E_TYPE, 7, "column"},
        {HEAD TIME "  merchant_id: {colunm: m}\n", TT_E_UNKNOWN, 7, "column"},
        {HEAD TIME "  merchant_id: {}\n", TT_E_INVALID, 7, "exactly one"},
        {HEAD TIME "  merchant_id: {column: m, value: x}\n", TT_E_INVALID, 7, "exactly one"},
        {HEAD TIME "  merchant_id: {columns: []}\n", TT_E_INVALID, 7, "1 to 4"},
        {HEAD TIME "  merchant_id: {columns: [a,b,c,d,e]}\n", TT_E_INVALID, 7, "1 to 4"},
        {HEAD TIME "  merchant_id: {column: [x]}\n", TT_E_TYPE, 7, ""},
        {HEAD TIME "  mcc: {column: a}\n  merchant_category_code: {column: b}\n", TT_E_CONFLICT, 8,
         "two names"},
        {HEAD "  timestamp: {column: at, format: iso}\n", TT_E_INVALID, 6, "rfc3339"},
        {HEAD "  timestamp: {column: at, format: \"%Q\"}\n", TT_E_INVALID, 6, "%Y"},
        {HEAD "  timestamp: {column: at, format: \"%F\", zone: Europe/Vienna}\n", TT_E_INVALID, 6,
         "+02:00"},
        {HEAD "  timestamp: {column: at, zone: UTC}\n", TT_E_INVALID, 6, "pattern"},
        {HEAD TIME "label: {column: l}\n", TT_E_INVALID, 7, "fraud"},
        {HEAD TIME "label: {column: l, fraud: []}\n", TT_E_INVALID, 7, "1 to 8"},
        {HEAD TIME "label_kind: x\n", TT_E_TYPE, 7, "label_kind"},
        {HEAD TIME "attributes: {a: {column: x, type: int}}\n", TT_E_INVALID, 7, "double"},
        {HEAD TIME "attributes: {a: x}\n", TT_E_INVALID, 7, "attribute"},
        {"delimiter: ab\n" HEAD TIME, TT_E_INVALID, 1, "one ASCII"},
    };
    (void)state;
    for (size_t i = 0; i < TT_ARRAY_SIZE(bad); i++) {
        struct tt_tree *tree = NULL;
        const struct tt_record_map *map = NULL;
        struct tt_error err = {0};
        assert_int_equal(tt_yaml_parse(&maps, tt_str_from(bad[i].text), &tree, &err), TT_OK);
        enum tt_status status = tt_record_map_compile(&maps, tree, &map, &err);
        if (status != bad[i].status || err.line != bad[i].line ||
            strstr(err.message, bad[i].says) == NULL) {
            fail_msg("%s: %s %u: %s", bad[i].text, tt_status_name(status), err.line, err.message);
        }
    }
}

static void a_missing_column_names_the_nearest(void **state)
{
    struct tt_str header[] = {TT_STR("id"), TT_STR("Sum"), TT_STR("who"), TT_STR("at")};
    const struct tt_record_map *map = compile(HEAD TIME), *bound = NULL;
    struct tt_error err = {0};
    (void)state;
    assert_int_equal(tt_record_map_bind(&maps, map, header, 4, &bound, &err), TT_E_UNKNOWN);
    assert_int_equal(err.line, 3);
    assert_non_null(strstr(err.message, "\"sum\""));
    assert_non_null(strstr(err.message, "\"Sum\""));
    assert_null(bound);
}

static void a_file_in_our_own_names_needs_no_mapping(void **state)
{
    struct tt_str header[] = {TT_STR("transaction_id"), TT_STR("timestamp"), TT_STR("amount"),
                              TT_STR("currency"),       TT_STR("user_id"),   TT_STR("mcc"),
                              TT_STR("basket"),         TT_STR("is_fraud"),  TT_STR("extra")};
    struct tt_str cells[] = {TT_STR("t"),   TT_STR("1000"), TT_STR("5"),
                             TT_STR("JPY"), TT_STR("u"),    TT_STR("5411"),
                             TT_STR("3"),   TT_STR("true"), TT_STR("more")};
    struct tt_attribute_spec spec = {TT_STR("basket"), TT_ATTRIBUTE_DOUBLE};
    struct tt_record_schema own = schema;
    struct tt_csv_row row = {.fields = cells, .count = 9, .line = 2, .bytes = TT_STR("")};
    const struct tt_record_map *map = NULL;
    struct tt_map_label label;
    struct tt_verdict verdict = {0};
    struct tt_error err = {0};
    struct tt_txn txn;
    (void)state;
    own.attributes = &spec;
    own.attribute_count = 1;
    assert_int_equal(tt_record_map_identity(&maps, header, 9, &own, &map, &err), TT_OK);
    assert_true(tt_record_map_has_label(map));
    assert_int_equal(
        tt_record_map_csv(map, &own, &row, TT_TIME_NONE, &arena, &txn, &label, NULL, &verdict),
        TT_OK);
    assert_int_equal(txn.amount_minor, 5);
    assert_true(label.fraud);
    assert_int_equal(txn.attribute_count, 1);
    own.unknown = TT_UNKNOWN_REJECT;
    assert_int_equal(tt_record_map_identity(&maps, header, 9, &own, &map, &err), TT_E_UNKNOWN);
    assert_non_null(strstr(err.message, "extra"));
    own.unknown = TT_UNKNOWN_ATTRIBUTE;
    assert_int_equal(tt_record_map_identity(&maps, header, 9, &own, &map, &err), TT_OK);
    uint32_t count = 0;
    tt_record_map_attributes(map, &count);
    assert_int_equal(count, 2);
    header[4] = TT_STR("userid");
    assert_int_equal(tt_record_map_identity(&maps, header, 9, &own, &map, &err), TT_E_UNKNOWN);
    assert_non_null(strstr(err.message, "did you mean \"userid\""));
    header[4] = TT_STR("merchant_category_code");
    assert_int_equal(tt_record_map_identity(&maps, header, 9, &own, &map, &err), TT_E_CONFLICT);
}

static enum tt_status apply_json(const struct tt_record_map *map, const char *json,
                                 struct tt_txn *txn, struct tt_verdict *verdict)
{
    char *copy = strdup(json);
    enum tt_status status = tt_record_map_json(map, &schema, tt_str_from(copy), TT_TIME_NONE,
                                               &arena, txn, NULL, NULL, verdict);
    memset(copy, '#', strlen(copy));
    free(copy);
    return status;
}

static void foreign_objects_are_read_by_dotted_names(void **state)
{
    const struct tt_record_map *map =
        compile("format: jsonl\n"
                "fields:\n"
                "  transaction_id: {column: id}\n"
                "  amount: {column: pay.sum}\n"
                "  currency: {column: pay.unit.code}\n"
                "  user_id: {column: who}\n"
                "  timestamp: {column: at}\n"
                "attributes: {vip: {column: flags.vip, type: bool}, n: {column: n, type: double}}");
    struct tt_txn txn;
    struct tt_verdict verdict = {0};
    (void)state;
    tt_arena_reset(&arena);
    assert_int_equal(apply_json(map,
                                "{\"other\":{\"sum\":1,\"deep\":{\"pay\":[{}]}},\"pay\":{\"x\":[1],"
                                "\"unit\":{\"code\":\"EUR\",\"z\":{}},\"sum\":12.50},\"id\":7,"
                                "\"who\":\"u\\u0041\",\"at\":1000,\"flags\":{\"vip\":true},"
                                "\"n\":null}",
                                &txn, &verdict),
                     TT_OK);
    assert_int_equal(txn.amount_minor, 1250);
    assert_true(tt_str_equal_text(txn.text[TT_TEXT_TRANSACTION_ID], "7"));
    assert_true(tt_str_equal_text(txn.text[TT_TEXT_USER_ID], "uA"));
    assert_int_equal(txn.attribute_count, 1);
    static const struct {
        const char *json;
        enum tt_reject reason;
    } bad[] = {
        {"{\"id\":{},\"who\":1}", TT_REJECT_JSON_TYPE},
        {"{\"id\":[1],\"who\":1}", TT_REJECT_JSON_TYPE},
        {"{\"pay\":{\"sum\":1},\"pay.sum\":2}", TT_REJECT_DUPLICATE_KEY},
        {"{\"pay\":{\"sum\":1,\"sum\":2}}", TT_REJECT_DUPLICATE_KEY},
        {"{\"pay\":{\"sum\":1", TT_REJECT_JSON_SYNTAX},
        {"{\"id\":{},\"pay\":{\"sum\":1,}}", TT_REJECT_JSON_SYNTAX},
        {"{\"id\":\"t\",\"who\":\"u\",\"at\":1,\"pay\":{\"sum\":1}}", TT_REJECT_MISSING_FIELD},
        {"{\"id\":\"t\",\"who\":\"u\",\"at\":true,\"pay\":{\"sum\":1}}", TT_REJECT_BAD_TIMESTAMP},
        {"{\"id\":\"t\",\"who\":\"u\",\"at\":1,\"flags\":{\"vip\":2},\"pay\":{\"sum\":1}}",
         TT_REJECT_BAD_ATTRIBUTE},
    };
    for (size_t i = 0; i < TT_ARRAY_SIZE(bad); i++) {
        assert_int_equal(apply_json(map, bad[i].json, &txn, &verdict), TT_E_INVALID);
        if (verdict.reason != bad[i].reason) {
            fail_msg("%s: %s", bad[i].json, tt_reject_code(verdict.reason));
        }
        assert_int_equal(verdict.line, 1);
    }
}

static void paths_that_are_too_long_are_no_column(void **state)
{
    const struct tt_record_map *map = compile("format: json\n" HEAD TIME);
    struct tt_buf buf;
    struct tt_txn txn;
    struct tt_verdict verdict = {0};
    (void)state;
    tt_buf_init(&buf, &tt_alloc_libc, 1 << 16);
    tt_buf_append_text(&buf, "{\"id\":\"t\",\"x\":");
    for (int i = 0; i < 40; i++) {
        tt_buf_append_text(&buf, "{\"0123456789\":");
    }
    tt_buf_append_text(&buf, "1");
    for (int i = 0; i < 40; i++) {
        tt_buf_append_text(&buf, "}");
    }
    tt_buf_append_text(&buf, ",\"sum\":1,\"who\":\"u\",\"at\":0}");
    tt_arena_reset(&arena);
    assert_int_equal(apply_json(map, buf.data, &txn, &verdict), TT_OK);
    tt_buf_deinit(&buf);
}

static void shipped_mappings_compile(void **state)
{
    static const char *const files[] = {"handbook", "sparkov", "acquirer-jsonl"};
    (void)state;
    for (size_t i = 0; i < TT_ARRAY_SIZE(files); i++) {
        char path[512], text[8192];
        snprintf(path, sizeof path, "%s/config/maps/%s.yaml", TT_SOURCE_ROOT, files[i]);
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        size_t size = fread(text, 1, sizeof text - 1, file);
        text[size] = '\0';
        fclose(file);
        const struct tt_record_map *map = compile(text);
        if (tt_record_map_format(map) == TT_MAP_JSONL) {
            struct tt_txn txn;
            struct tt_verdict verdict = {0};
            assert_int_equal(
                apply_json(
                    map,
                    "{\"id\":\"A1\",\"when\":{\"date\":\"01.03.2026\",\"time\":\"13:30:05\"},"
                    "\"sum\":\"412.50\",\"ccy\":\"EUR\",\"customer\":{\"ref\":\"881\","
                    "\"device\":\"d-9\"},\"shop\":{\"ref\":\"42\",\"mcc\":\"5732\","
                    "\"country\":\"DE\"},\"online\":true,\"result\":\"approved\"}",
                    &txn, &verdict),
                TT_OK);
            assert_int_equal(txn.timestamp_ms, INT64_C(1772368205000));
        }
    }
}

struct torture_case {
    const struct tt_tree *tree;
};
static enum tt_status torture_body(const struct tt_alloc *alloc, void *ctx)
{
    const struct torture_case *test = ctx;
    struct tt_arena local;
    const struct tt_record_map *map = NULL, *bound = NULL;
    struct tt_str header[] = {TT_STR("id"), TT_STR("sum"), TT_STR("who"), TT_STR("at"),
                              TT_STR("a")};
    struct tt_str cells[] = {TT_STR("t"), TT_STR("1"), TT_STR("u"), TT_STR("0"), TT_STR("x")};
    struct tt_csv_row row = {.fields = cells, .count = 5, .line = 2, .bytes = TT_STR("")};
    struct tt_map_label label;
    struct tt_verdict verdict;
    struct tt_txn txn;
    tt_arena_init(&local, alloc, 16, 1 << 20);
    enum tt_status status = tt_record_map_compile(&local, test->tree, &map, NULL);
    if (status == TT_OK) {
        status = tt_record_map_bind(&local, map, header, 5, &bound, NULL);
    }
    if (status == TT_OK) {
        status = tt_record_map_csv(bound, &schema, &row, TT_TIME_NONE, &local, &txn, &label, NULL,
                                   &verdict);
    }
    tt_arena_deinit(&local);
    return status;
}

static void every_failed_allocation_is_survived(void **state)
{
    struct tt_tree *tree = NULL;
    (void)state;
    assert_int_equal(
        tt_yaml_parse(&maps,
                      TT_STR(HEAD TIME "  channel: {columns: [a, a]}\n"
                                       "label: {column: a, fraud: \"x\"}\nlabel_kind: {column: a}\n"
                                       "attributes: {n: {column: a}}\n"),
                      &tree, NULL),
        TT_OK);
    struct torture_case test = {tree};
    tt_torture_run(torture_body, &test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_becomes_a_transaction),
        cmocka_unit_test(times_are_read_in_every_format),
        cmocka_unit_test(bad_rows_have_reason_and_line),
        cmocka_unit_test(a_label_may_be_empty_or_one_of_several_texts),
        cmocka_unit_test(mistakes_are_named_at_their_place),
        cmocka_unit_test(a_missing_column_names_the_nearest),
        cmocka_unit_test(a_file_in_our_own_names_needs_no_mapping),
        cmocka_unit_test(foreign_objects_are_read_by_dotted_names),
        cmocka_unit_test(paths_that_are_too_long_are_no_column),
        cmocka_unit_test(shipped_mappings_compile),
        cmocka_unit_test(every_failed_allocation_is_survived),
    };
    tt_arena_init(&arena, &tt_alloc_libc, 4096, 16 << 20);
    tt_arena_init(&maps, &tt_alloc_libc, 1 << 16, 64 << 20);
    tt_record_schema_init(&schema);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tt_arena_deinit(&arena);
    tt_arena_deinit(&maps);
    return failed;
}
