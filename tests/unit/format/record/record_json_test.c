/* Transactions and labels from JSON: what is accepted, each reason at its place, and the way
 * back. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "format/record/pan.h"
#include "format/record/record_json.h"
#include "format/record/record_write.h"
#include "support/torture.h"

#define NOW INT64_C(1772368205123) /* 2026-03-01T12:30:05.123Z */

static struct tt_arena arena;
static const struct tt_attribute_spec specs[] = {
    {{"is_3ds", 6}, TT_ATTRIBUTE_BOOL},
    {{"basket", 6}, TT_ATTRIBUTE_DOUBLE},
    {{"note", 4}, TT_ATTRIBUTE_STRING},
};

static struct tt_record_schema make_schema(void)
{
    struct tt_record_schema schema;
    tt_record_schema_init(&schema);
    schema.attributes = specs;
    schema.attribute_count = TT_ARRAY_SIZE(specs);
    schema.pan_key = (struct tt_hash_key){1, 2};
    return schema;
}

static const char full[] =
    "{\"transaction_id\":\"t-000017\",\"timestamp\":\"2026-03-01T12:30:05.123Z\","
    "\"amount\":\"412.50\",\"currency\":\"EUR\",\"type\":\"purchase\",\"user_id\":\"u-881\","
    "\"merchant_id\":\"m-42\",\"counterparty_id\":null,\"merchant_category_code\":\"5732\","
    "\"merchant_country\":\"DE\",\"issuer_country\":\"AT\",\"latitude\":52.52,\"longitude\":13.40,"
    "\"channel\":\"online\",\"card_id\":\"c-1\",\"device_id\":\"d-9\",\"ip\":\"203.0.113.9\","
    "\"authorization\":\"approved\",\"attributes\":{\"is_3ds\":true,\"basket\":3}}";

static enum tt_status parse(const struct tt_record_schema *schema, struct tt_str json,
                            struct tt_txn *txn, struct tt_record_notes *notes,
                            struct tt_verdict *verdict)
{
    /* Exactly that size, and gone afterwards: views must be in the arena. */
    char *copy = malloc(json.size > 0 ? json.size : 1);
    if (json.size > 0) {
        memcpy(copy, json.data, json.size);
    }
    enum tt_status status = tt_record_json_txn(schema, (struct tt_str){copy, json.size}, NOW,
                                               &arena, txn, notes, verdict);
    memset(copy, '#', json.size);
    free(copy);
    return status;
}

static void the_whole_example_is_read(void **state)
{
    struct tt_record_schema schema = make_schema();
    struct tt_record_notes notes;
    struct tt_verdict verdict = {0};
    struct tt_txn txn;
    (void)state;
    tt_arena_reset(&arena);
    assert_int_equal(parse(&schema, TT_STR(full), &txn, &notes, &verdict), TT_OK);
    assert_int_equal(txn.timestamp_ms, NOW);
    assert_int_equal(txn.amount_minor, 41250);
    assert_string_equal(tt_currency_code(txn.currency), "EUR");
    assert_int_equal(txn.type, TT_TXN_PURCHASE);
    assert_int_equal(txn.authorization, TT_AUTH_APPROVED);
    assert_true(txn.has_position);
    assert_true(txn.latitude > 52.51 && txn.latitude < 52.53);
    assert_true(tt_str_equal_text(txn.text[TT_TEXT_USER_ID], "u-881"));
    assert_true(tt_str_equal_text(txn.text[TT_TEXT_MERCHANT_CATEGORY_CODE], "5732"));
    assert_true(tt_str_equal_text(txn.text[TT_TEXT_IP], "203.0.113.9"));
    assert_null(txn.text[TT_TEXT_COUNTERPARTY_ID].data);
    assert_int_equal(txn.attribute_count, 2);
    assert_true(tt_str_equal_text(txn.attributes[0].name, "basket"));
    assert_true(txn.attributes[0].number > 2.9 && txn.attributes[0].number < 3.1);
    assert_true(tt_str_equal_text(txn.attributes[1].name, "is_3ds"));
    assert_int_equal(notes.unknown_count, 0);
    assert_int_equal(notes.pan_count, 0);
}

/* A good record with one member replaced or added: `"name":value`. */
static void build(struct tt_buf *buf, const char *name, const char *member)
{
    static const char *const base[][2] = {
        {"transaction_id", "\"transaction_id\":\"t\""},
        {"timestamp", "\"timestamp\":1772368205123"},
        {"amount", "\"amount\":12.5"},
        {"currency", "\"currency\":\"EUR\""},
        {"user_id", "\"user_id\":\"u\""},
    };
    tt_buf_append_char(buf, '{');
    for (size_t i = 0; i < TT_ARRAY_SIZE(base); i++) {
        if (strcmp(base[i][0], name) != 0) {
            tt_buf_append_text(buf, base[i][1]);
            tt_buf_append_char(buf, ',');
        }
    }
    tt_buf_append_text(buf, member);
    if (member[0] == '\0') {
        buf->size--;
    }
    tt_buf_append_char(buf, '}');
}

struct example {
    const char *name;
    const char *member;
    enum tt_reject reason; /* TT_REJECT_NONE = accepted */
};

static void each_limit_has_its_reason(void **state)
{
    static const struct example examples[] = {
        {"-", "\"type\":\"refund\"", TT_REJECT_NONE},
        {"transaction_id", "", TT_REJECT_MISSING_FIELD},
        {"timestamp", "", TT_REJECT_MISSING_FIELD},
        {"amount", "", TT_REJECT_MISSING_FIELD},
        {"currency", "", TT_REJECT_MISSING_FIELD},
        {"user_id", "", TT_REJECT_MISSING_FIELD},
        {"user_id", "\"user_id\":null", TT_REJECT_MISSING_FIELD},
        {"user_id", "\"user_id\":\"\"", TT_REJECT_ID_SIZE},
        {"user_id", "\"user_id\":596", TT_REJECT_JSON_TYPE},
        {"user_id", "\"user_id\":[\"a\"]", TT_REJECT_JSON_TYPE},
        {"user_id", "\"user_id\":\"a\\u0000b\"", TT_REJECT_CONTROL_CHARACTER},
        {"user_id", "\"user_id\":\"abcdefghi\\u007f\"", TT_REJECT_CONTROL_CHARACTER},
        {"user_id", "\"user_id\":\"\xff\"", TT_REJECT_BAD_UTF8},
        {"user_id", "\"user_id\":\"\\ud800\"", TT_REJECT_JSON_SYNTAX},
        {"amount", "\"amount\":\"12.50\"", TT_REJECT_NONE},
        {"amount", "\"amount\":0", TT_REJECT_NONE},
        {"amount", "\"amount\":-0", TT_REJECT_NONE},
        {"amount", "\"amount\":1.5e2", TT_REJECT_NONE},
        {"amount", "\"amount\":12.500", TT_REJECT_NONE},
        {"amount", "\"amount\":12.505", TT_REJECT_AMOUNT_DECIMALS},
        {"amount", "\"amount\":-1", TT_REJECT_AMOUNT_NEGATIVE},
        {"amount", "\"amount\":\"-0.01\"", TT_REJECT_AMOUNT_NEGATIVE},
        {"amount", "\"amount\":-1e30", TT_REJECT_AMOUNT_NEGATIVE},
        {"amount", "\"amount\":1e30", TT_REJECT_AMOUNT_RANGE},
        {"amount", "\"amount\":1e99999999999999999999", TT_REJECT_AMOUNT_RANGE},
        {"amount", "\"amount\":10000000000000", TT_REJECT_NONE},
        {"amount", "\"amount\":10000000000000.01", TT_REJECT_AMOUNT_RANGE},
        {"amount", "\"amount\":\"\"", TT_REJECT_BAD_AMOUNT},
        {"amount", "\"amount\":\"12,50\"", TT_REJECT_BAD_AMOUNT},
        {"amount", "\"amount\":\" 12\"", TT_REJECT_BAD_AMOUNT},
        {"amount", "\"amount\":\"NaN\"", TT_REJECT_BAD_AMOUNT},
        {"amount", "\"amount\":\"0x10\"", TT_REJECT_BAD_AMOUNT},
        {"amount", "\"amount\":true", TT_REJECT_BAD_AMOUNT},
        {"amount", "\"amount\":{}", TT_REJECT_BAD_AMOUNT},
        {"currency", "\"currency\":\"JPY\"", TT_REJECT_AMOUNT_DECIMALS},
        {"currency", "\"currency\":\"eur\"", TT_REJECT_UNKNOWN_CURRENCY},
        {"currency", "\"currency\":\"EURO\"", TT_REJECT_UNKNOWN_CURRENCY},
        {"currency", "\"currency\":\"ZZZ\"", TT_REJECT_UNKNOWN_CURRENCY},
        {"currency", "\"currency\":\"\"", TT_REJECT_UNKNOWN_CURRENCY},
        {"timestamp", "\"timestamp\":\"2026-03-01T12:30:05+01:00\"", TT_REJECT_NONE},
        {"timestamp", "\"timestamp\":0", TT_REJECT_NONE},
        {"timestamp", "\"timestamp\":-1", TT_REJECT_TIMESTAMP_RANGE},
        {"timestamp", "\"timestamp\":\"1969-12-31T23:59:59Z\"", TT_REJECT_TIMESTAMP_RANGE},
        {"timestamp", "\"timestamp\":253402300800000", TT_REJECT_TIMESTAMP_RANGE},
        {"timestamp", "\"timestamp\":1772368805123", TT_REJECT_NONE},
        {"timestamp", "\"timestamp\":1772368805124", TT_REJECT_TIMESTAMP_FUTURE},
        {"timestamp", "\"timestamp\":1772368205.5", TT_REJECT_BAD_TIMESTAMP},
        {"timestamp", "\"timestamp\":1e12", TT_REJECT_BAD_TIMESTAMP},
        {"timestamp", "\"timestamp\":99999999999999999999", TT_REJECT_BAD_TIMESTAMP},
        {"timestamp", "\"timestamp\":\"1772368205123\"", TT_REJECT_BAD_TIMESTAMP},
        {"timestamp", "\"timestamp\":\"2026-02-30T12:30:05Z\"", TT_REJECT_BAD_TIMESTAMP},
        {"timestamp", "\"timestamp\":\"2026-03-01 12:30\"", TT_REJECT_BAD_TIMESTAMP},
        {"timestamp", "\"timestamp\":true", TT_REJECT_BAD_TIMESTAMP},
        {"-", "\"type\":\"Purchase\"", TT_REJECT_BAD_TYPE},
        {"-", "\"type\":\"\"", TT_REJECT_BAD_TYPE},
        {"-", "\"type\":1", TT_REJECT_JSON_TYPE},
        {"-", "\"authorization\":\"maybe\"", TT_REJECT_BAD_AUTHORIZATION},
        {"-", "\"authorization\":null", TT_REJECT_NONE},
        {"-", "\"mcc\":\"0742\"", TT_REJECT_NONE},
        {"-", "\"mcc\":742", TT_REJECT_JSON_TYPE},
        {"-", "\"mcc\":\"742\"", TT_REJECT_BAD_CATEGORY_CODE},
        {"-", "\"mcc\":\"57a2\"", TT_REJECT_BAD_CATEGORY_CODE},
        {"-", "\"mcc\":\"5732\",\"merchant_category_code\":\"5732\"", TT_REJECT_DUPLICATE_KEY},
        {"-", "\"mcc\":null,\"merchant_category_code\":\"5732\"", TT_REJECT_NONE},
        {"-", "\"user_id\":\"v\"", TT_REJECT_DUPLICATE_KEY},
        {"-", "\"\\u0075ser_id\":\"v\"", TT_REJECT_DUPLICATE_KEY},
        {"-", "\"merchant_country\":\"de\"", TT_REJECT_BAD_COUNTRY},
        {"-", "\"merchant_country\":\"DEU\"", TT_REJECT_BAD_COUNTRY},
        {"-", "\"issuer_country\":\"\"", TT_REJECT_NONE},
        {"-", "\"latitude\":1", TT_REJECT_BAD_POSITION},
        {"-", "\"longitude\":1", TT_REJECT_BAD_POSITION},
        {"-", "\"latitude\":90.001,\"longitude\":0", TT_REJECT_BAD_POSITION},
        {"-", "\"latitude\":-90,\"longitude\":180", TT_REJECT_NONE},
        {"-", "\"latitude\":0,\"longitude\":-180.5", TT_REJECT_BAD_POSITION},
        {"-", "\"latitude\":\"1\",\"longitude\":1", TT_REJECT_BAD_POSITION},
        {"-", "\"latitude\":1e999,\"longitude\":1", TT_REJECT_BAD_POSITION},
        {"-", "\"latitude\":null,\"longitude\":null", TT_REJECT_NONE},
        {"-", "\"ip\":\"2001:db8::1\"", TT_REJECT_NONE},
        {"-", "\"ip\":\"203.0.113.999\"", TT_REJECT_BAD_IP},
        {"-", "\"ip\":\"example\"", TT_REJECT_BAD_IP},
        {"-", "\"channel\":\"01234567890123456789012345678901234567890123456789012345678901234\"",
         TT_REJECT_TEXT_SIZE},
        {"-", "\"attributes\":[]", TT_REJECT_JSON_TYPE},
        {"-", "\"attributes\":{}", TT_REJECT_NONE},
        {"-", "\"attributes\":{\"basket\":null}", TT_REJECT_NONE},
        {"-", "\"attributes\":{\"basket\":\"3\"}", TT_REJECT_BAD_ATTRIBUTE},
        {"-", "\"attributes\":{\"basket\":1e999}", TT_REJECT_BAD_ATTRIBUTE},
        {"-", "\"attributes\":{\"basket\":[1]}", TT_REJECT_BAD_ATTRIBUTE},
        {"-", "\"attributes\":{\"is_3ds\":1}", TT_REJECT_BAD_ATTRIBUTE},
        {"-", "\"attributes\":{\"note\":3}", TT_REJECT_BAD_ATTRIBUTE},
        {"-", "\"attributes\":{\"basket\":1,\"basket\":2}", TT_REJECT_DUPLICATE_KEY},
        {"-", "\"attributes\":{\"basket\":1},\"basket\":2", TT_REJECT_DUPLICATE_KEY},
        {"-", "\"basket\":2", TT_REJECT_NONE},
        {"-", "\"unknown\":{\"deep\":[1,2,{}]}", TT_REJECT_NONE},
        {"-", "\"x\":1,\"x\":2", TT_REJECT_DUPLICATE_KEY},
        /* Text that is no JSON says so, even behind a wrong field. */
        {"amount", "\"amount\":true,\"x\":tru", TT_REJECT_JSON_SYNTAX},
        {"-", "\"latitude\":\"x\"}{", TT_REJECT_JSON_SYNTAX},
    };
    struct tt_record_schema schema = make_schema();
    (void)state;
    for (size_t i = 0; i < TT_ARRAY_SIZE(examples); i++) {
        const struct example *example = &examples[i];
        struct tt_verdict verdict = {0};
        struct tt_txn txn;
        struct tt_buf buf;
        tt_buf_init(&buf, &tt_alloc_libc, 1 << 16);
        build(&buf, example->name, example->member);
        tt_arena_reset(&arena);
        enum tt_status status = parse(&schema, tt_buf_str(&buf), &txn, NULL, &verdict);
        if ((status == TT_OK) != (example->reason == TT_REJECT_NONE) ||
            (status != TT_OK && verdict.reason != example->reason)) {
            fail_msg("%s: %s %s", buf.data, tt_status_name(status),
                     status == TT_OK ? "" : tt_reject_code(verdict.reason));
        }
        if (status != TT_OK) {
            assert_int_equal(status, TT_E_INVALID);
            assert_true(verdict.detail[0] != '\0');
            assert_true(verdict.offset <= buf.size);
            assert_int_not_equal(verdict.line, 0);
        }
        tt_buf_deinit(&buf);
    }
}

static void a_verdict_names_field_and_place(void **state)
{
    struct tt_record_schema schema = make_schema();
    struct tt_verdict verdict = {0};
    struct tt_txn txn;
    (void)state;
    assert_int_equal(parse(&schema,
                           TT_STR("{\"transaction_id\":\"t\",\n\"timestamp\":0,\"amount\":-5,"
                                  "\"currency\":\"EUR\",\"user_id\":\"u\"}"),
                           &txn, NULL, &verdict),
                     TT_E_INVALID);
    assert_string_equal(verdict.field, "amount");
    assert_int_equal(verdict.reason, TT_REJECT_AMOUNT_NEGATIVE);
    assert_int_equal(verdict.line, 2);
    assert_int_equal(verdict.column, 24);
    assert_string_equal(verdict.detail, "\"-5\" is below zero");
    assert_int_equal(parse(&schema, TT_STR("{\"a\":1,\n  x}"), &txn, NULL, &verdict), TT_E_INVALID);
    assert_int_equal(verdict.offset, 10);
    assert_int_equal(verdict.line, 2);
    assert_int_equal(verdict.column, 3);
    assert_int_equal(tt_reject_http_status(verdict.reason), 400);
}

static void what_is_no_object_is_refused(void **state)
{
    static const struct {
        const char *text;
        enum tt_reject reason;
    } bad[] = {
        {"", TT_REJECT_JSON_SYNTAX},     {"[]", TT_REJECT_JSON_TYPE},
        {"\"x\"", TT_REJECT_JSON_TYPE},  {"null", TT_REJECT_JSON_TYPE},
        {"[1,2", TT_REJECT_JSON_SYNTAX}, {"{} {}", TT_REJECT_JSON_SYNTAX},
        {"{}", TT_REJECT_MISSING_FIELD}, {"<xml/>", TT_REJECT_JSON_SYNTAX},
        {"\xff", TT_REJECT_JSON_SYNTAX},
    };
    struct tt_record_schema schema = make_schema();
    (void)state;
    for (size_t i = 0; i < TT_ARRAY_SIZE(bad); i++) {
        struct tt_verdict verdict = {0};
        struct tt_txn txn;
        assert_int_equal(parse(&schema, tt_str_from(bad[i].text), &txn, NULL, &verdict),
                         TT_E_INVALID);
        assert_int_equal(verdict.reason, bad[i].reason);
    }
}

static void size_and_depth_have_limits(void **state)
{
    struct tt_record_schema schema = make_schema();
    struct tt_verdict verdict = {0};
    struct tt_txn txn;
    size_t size = TT_RECORD_SIZE_MAX + 1;
    char *text = malloc(size);
    (void)state;
    memset(text, ' ', size);
    assert_int_equal(parse(&schema, (struct tt_str){text, size}, &txn, NULL, &verdict),
                     TT_E_INVALID);
    assert_int_equal(verdict.reason, TT_REJECT_RECORD_SIZE);
    memset(text, '[', size);
    memcpy(text, "{\"a\":", 5);
    assert_int_equal(parse(&schema, (struct tt_str){text, 10000}, &txn, NULL, &verdict),
                     TT_E_INVALID);
    assert_int_equal(verdict.reason, TT_REJECT_TOO_DEEP);
    free(text);
    char id[TT_ID_SIZE_MAX + 64];
    for (int extra = 0; extra < 2; extra++) {
        struct tt_buf buf;
        tt_buf_init(&buf, &tt_alloc_libc, 4096);
        int length = snprintf(id, sizeof id, "\"user_id\":\"%0*d\"", TT_ID_SIZE_MAX + extra, 7);
        assert_true(length > 0);
        build(&buf, "user_id", id);
        assert_int_equal(parse(&schema, tt_buf_str(&buf), &txn, NULL, &verdict),
                         extra == 0 ? TT_OK : TT_E_INVALID);
        tt_buf_deinit(&buf);
    }
    assert_int_equal(verdict.reason, TT_REJECT_ID_SIZE);
}

static void unknown_fields_follow_their_policy(void **state)
{
    struct tt_record_schema schema = make_schema();
    struct tt_record_notes notes;
    struct tt_verdict verdict = {0};
    struct tt_txn txn;
    struct tt_buf buf;
    (void)state;
    tt_buf_init(&buf, &tt_alloc_libc, 4096);
    build(&buf, "-", "\"x\":1,\"4111111111111111\":2,\"attributes\":{\"y\":\"z\",\"basket\":2}");
    tt_arena_reset(&arena);
    assert_int_equal(parse(&schema, tt_buf_str(&buf), &txn, &notes, &verdict), TT_OK);
    assert_int_equal(notes.unknown_count, 3);
    assert_true(tt_str_equal_text(notes.unknown[0], "x"));
    assert_true(tt_str_equal_text(notes.unknown[1], "(masked)"));
    assert_true(tt_str_equal_text(notes.unknown[2], "y"));
    assert_int_equal(txn.attribute_count, 1);
    schema.unknown = TT_UNKNOWN_REJECT;
    assert_int_equal(parse(&schema, tt_buf_str(&buf), &txn, &notes, &verdict), TT_E_INVALID);
    assert_int_equal(verdict.reason, TT_REJECT_UNKNOWN_FIELD);
    assert_string_equal(verdict.field, "x");
    schema.unknown = TT_UNKNOWN_ATTRIBUTE;
    assert_int_equal(parse(&schema, tt_buf_str(&buf), &txn, &notes, &verdict), TT_E_INVALID);
    assert_int_equal(verdict.reason, TT_REJECT_PAN_REJECTED);
    tt_buf_clear(&buf);
    build(&buf, "-", "\"x\":1.5,\"b\":false,\"n\":null,\"attributes\":{\"y\":\"z\"}");
    assert_int_equal(parse(&schema, tt_buf_str(&buf), &txn, &notes, &verdict), TT_OK);
    assert_int_equal(txn.attribute_count, 3);
    assert_true(tt_str_equal_text(txn.attributes[0].name, "b"));
    assert_int_equal(txn.attributes[0].type, TT_ATTRIBUTE_BOOL);
    assert_int_equal(txn.attributes[1].type, TT_ATTRIBUTE_DOUBLE);
    assert_true(tt_str_equal_text(txn.attributes[2].text, "z"));
    tt_buf_clear(&buf);
    build(&buf, "-", "\"x\":{\"deep\":1}");
    assert_int_equal(parse(&schema, tt_buf_str(&buf), &txn, &notes, &verdict), TT_E_INVALID);
    assert_int_equal(verdict.reason, TT_REJECT_BAD_ATTRIBUTE);
    tt_buf_clear(&buf);
    tt_buf_append_text(&buf, "{\"transaction_id\":\"t\",\"timestamp\":0,\"amount\":1,"
                             "\"currency\":\"EUR\",\"user_id\":\"u\"");
    for (int i = 0; i <= TT_ATTRIBUTES_MAX; i++) {
        tt_buf_append_format(&buf, ",\"k%d\":%d", i, i);
    }
    tt_buf_append_text(&buf, "}");
    assert_int_equal(parse(&schema, tt_buf_str(&buf), &txn, &notes, &verdict), TT_E_INVALID);
    assert_int_equal(verdict.reason, TT_REJECT_BAD_ATTRIBUTE);
    tt_buf_deinit(&buf);
}

static void card_numbers_never_come_through(void **state)
{
    static const char text[] =
        "{\"transaction_id\":\"t 4111 1111 1111 1111\",\"timestamp\":0,\"amount\":1,"
        "\"currency\":\"EUR\",\"user_id\":\"4\\u003111111111111111\",\"card_id\":"
        "\"4111-1111-1111-1111\",\"merchant_category\":\"to 4111111111111111\",\"attributes\":"
        "{\"note\":\"4111111111111111\",\"basket\":4111111111111111}}";
    struct tt_record_schema schema = make_schema();
    struct tt_record_notes notes;
    struct tt_verdict verdict = {0};
    struct tt_txn txn;
    struct tt_buf buf;
    struct tt_json_writer writer;
    size_t at = 0, size = 0;
    (void)state;
    tt_arena_reset(&arena);
    assert_int_equal(parse(&schema, TT_STR(text), &txn, &notes, &verdict), TT_OK);
    assert_int_equal(notes.pan_count, 6);
    assert_true(tt_str_equal(txn.text[TT_TEXT_USER_ID], txn.text[TT_TEXT_CARD_ID]));
    assert_true(tt_str_starts_with(txn.text[TT_TEXT_USER_ID], TT_STR("tok_")));
    assert_true(tt_str_equal_text(txn.text[TT_TEXT_MERCHANT_CATEGORY], "to 411111******1111"));
    assert_int_equal(txn.attribute_count, 1);
    tt_buf_init(&buf, &tt_alloc_libc, 1 << 16);
    tt_json_writer_init(&writer, &buf);
    tt_record_write_txn(&writer, &txn);
    assert_false(tt_pan_find(tt_buf_str(&buf), &at, &size));
    tt_buf_deinit(&buf);
    schema.pan = TT_PAN_REJECT;
    assert_int_equal(parse(&schema, TT_STR(text), &txn, &notes, &verdict), TT_E_INVALID);
    assert_int_equal(verdict.reason, TT_REJECT_PAN_REJECTED);
    assert_null(strstr(verdict.detail, "4111 1111"));
}

static void verdicts_never_hold_card_numbers_or_raw_bytes(void **state)
{
    struct tt_verdict verdict = {0};
    char value[200];
    (void)state;
    memset(value, 'x', sizeof value);
    memcpy(value + 40, "4111111111111111", 16);
    assert_int_equal(tt_verdict_set(&verdict, TT_REJECT_BAD_TYPE,
                                    TT_STR("f\x01\xff 4111111111111111"), 3, "bad \xff\x02 %.*s",
                                    200, value),
                     TT_E_INVALID);
    assert_string_equal(verdict.field, "f?? 411111******1111");
    assert_non_null(strstr(verdict.detail, "bad ?? xxx"));
    assert_null(strstr(verdict.detail, "41111111"));
    assert_true(strlen(verdict.detail) < sizeof verdict.detail);
}

static void every_cut_and_change_is_a_verdict(void **state)
{
    struct tt_record_schema schema = make_schema();
    struct tt_verdict verdict = {0};
    struct tt_txn txn;
    char changed[sizeof full];
    (void)state;
    for (size_t size = 0; size < sizeof full - 1; size++) {
        tt_arena_reset(&arena);
        assert_int_equal(parse(&schema, (struct tt_str){full, size}, &txn, NULL, &verdict),
                         TT_E_INVALID);
        assert_int_equal(verdict.reason, TT_REJECT_JSON_SYNTAX);
        assert_true(verdict.offset <= size);
    }
    for (size_t at = 0; at < sizeof full - 1; at++) {
        for (int byte = 0; byte < 256; byte += 7) {
            memcpy(changed, full, sizeof full);
            changed[at] = (char)byte;
            tt_arena_reset(&arena);
            enum tt_status status =
                parse(&schema, (struct tt_str){changed, sizeof full - 1}, &txn, NULL, &verdict);
            assert_true(status == TT_OK || status == TT_E_INVALID);
        }
    }
}

static enum tt_status torture_body(const struct tt_alloc *alloc, void *ctx)
{
    struct tt_record_schema schema = make_schema();
    struct tt_verdict verdict = {0};
    struct tt_arena local;
    struct tt_txn txn;
    (void)ctx;
    tt_arena_init(&local, alloc, 16, 1 << 16);
    enum tt_status status = tt_record_json_txn(
        &schema,
        TT_STR("{\"transaction_id\":\"t\\u0041\",\"timestamp\":0,\"amount\":1,\"currency\":\"EUR\","
               "\"user_id\":\"4111111111111111\",\"channel\":\"4111111111111111\","
               "\"attributes\":{\"basket\":1,\"note\":\"a\\nb\"}}"),
        NOW, &local, &txn, NULL, &verdict);
    tt_arena_deinit(&local);
    return status;
}

static void every_failed_allocation_is_survived(void **state)
{
    (void)state;
    tt_torture_run(torture_body, NULL);
}

static void labels_are_read(void **state)
{
    struct tt_record_schema schema = make_schema();
    struct tt_record_label label;
    struct tt_verdict verdict = {0};
    (void)state;
    tt_arena_reset(&arena);
    assert_int_equal(
        tt_record_json_label(&schema,
                             TT_STR("{\"transaction_id\":\"t-1\",\"label\":\"fraud\",\"known_at\":"
                                    "\"2026-03-01T00:00:00Z\",\"source\":\"chargeback\","
                                    "\"selection_probability\":0.5,\"note\":\"said so\"}"),
                             NOW, &arena, &label, &verdict),
        TT_OK);
    assert_true(tt_str_equal_text(label.transaction_id, "t-1"));
    assert_null(label.user_id.data);
    assert_int_equal(label.label.kind, TT_LABEL_FRAUD);
    assert_int_equal(label.label.source, TT_LABEL_CHARGEBACK);
    assert_int_equal(label.label.known_at_ms, INT64_C(1772323200000));
    assert_int_equal(label.label.recorded_at_ms, NOW);
    assert_true(fabs(label.label.selection_probability - 0.5) < 1e-12);
    assert_true(tt_str_equal_text(label.note, "said so"));
    assert_int_equal(tt_record_json_label(&schema,
                                          TT_STR("{\"transaction_id\":\"4111111111111111\","
                                                 "\"label\":\"genuine\",\"user_id\":\"u\"}"),
                                          NOW, &arena, &label, &verdict),
                     TT_OK);
    assert_int_equal(label.label.known_at_ms, NOW);
    assert_int_equal(label.label.source, TT_LABEL_IMPORT);
    assert_true(tt_str_starts_with(label.transaction_id, TT_STR("tok_")));
}

static void bad_labels_have_their_reason(void **state)
{
    static const struct {
        const char *text;
        enum tt_reject reason;
    } bad[] = {
        {"{\"label\":\"fraud\"}", TT_REJECT_MISSING_FIELD},
        {"{\"transaction_id\":\"t\"}", TT_REJECT_MISSING_FIELD},
        {"{\"transaction_id\":\"t\",\"label\":\"bad\"}", TT_REJECT_BAD_LABEL},
        {"{\"transaction_id\":\"t\",\"label\":1}", TT_REJECT_JSON_TYPE},
        {"{\"transaction_id\":\"\",\"label\":\"fraud\"}", TT_REJECT_ID_SIZE},
        {"{\"transaction_id\":\"a\\tb\",\"label\":\"fraud\"}", TT_REJECT_CONTROL_CHARACTER},
        {"{\"transaction_id\":\"t\",\"label\":\"fraud\",\"source\":\"x\"}",
         TT_REJECT_BAD_LABEL_SOURCE},
        {"{\"transaction_id\":\"t\",\"label\":\"fraud\",\"selection_probability\":0}",
         TT_REJECT_BAD_PROBABILITY},
        {"{\"transaction_id\":\"t\",\"label\":\"fraud\",\"selection_probability\":1.1}",
         TT_REJECT_BAD_PROBABILITY},
        {"{\"transaction_id\":\"t\",\"label\":\"fraud\",\"known_at\":\"soon\"}",
         TT_REJECT_BAD_TIMESTAMP},
        {"{\"transaction_id\":\"t\",\"label\":\"fraud\",\"known_at\":9772368205123}",
         TT_REJECT_TIMESTAMP_FUTURE},
        {"{\"transaction_id\":\"t\",\"label\":\"fraud\",\"label\":\"genuine\"}",
         TT_REJECT_DUPLICATE_KEY},
        {"{\"transaction_id\":\"t\",\"label\":\"fraud\"", TT_REJECT_JSON_SYNTAX},
        {"{\"transaction_id\":\"t\",\"label\":\"fraud\",\"what\":1}", TT_REJECT_UNKNOWN_FIELD},
    };
    struct tt_record_schema schema = make_schema();
    schema.unknown = TT_UNKNOWN_REJECT;
    (void)state;
    for (size_t i = 0; i < TT_ARRAY_SIZE(bad); i++) {
        struct tt_record_label label;
        struct tt_verdict verdict = {0};
        assert_int_equal(
            tt_record_json_label(&schema, tt_str_from(bad[i].text), NOW, &arena, &label, &verdict),
            TT_E_INVALID);
        if (verdict.reason != bad[i].reason) {
            fail_msg("%s: %s", bad[i].text, tt_reject_code(verdict.reason));
        }
    }
}

static void codes_are_found_and_have_help(void **state)
{
    (void)state;
    for (enum tt_reject reason = TT_REJECT_NONE + 1; reason < TT_REJECT_COUNT; reason++) {
        assert_int_equal(tt_reject_find(tt_str_from(tt_reject_code(reason))), reason);
        assert_true(strlen(tt_reject_help(reason)) > 10);
        assert_true(tt_reject_http_status(reason) >= 400);
    }
    assert_int_equal(tt_reject_find(TT_STR("nonsense")), TT_REJECT_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_example_is_read),
        cmocka_unit_test(each_limit_has_its_reason),
        cmocka_unit_test(a_verdict_names_field_and_place),
        cmocka_unit_test(what_is_no_object_is_refused),
        cmocka_unit_test(size_and_depth_have_limits),
        cmocka_unit_test(unknown_fields_follow_their_policy),
        cmocka_unit_test(card_numbers_never_come_through),
        cmocka_unit_test(verdicts_never_hold_card_numbers_or_raw_bytes),
        cmocka_unit_test(every_cut_and_change_is_a_verdict),
        cmocka_unit_test(every_failed_allocation_is_survived),
        cmocka_unit_test(labels_are_read),
        cmocka_unit_test(bad_labels_have_their_reason),
        cmocka_unit_test(codes_are_found_and_have_help),
    };
    tt_arena_init(&arena, &tt_alloc_libc, 4096, 64 << 20);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tt_arena_deinit(&arena);
    return failed;
}
