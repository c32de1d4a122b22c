/* What is written reads back as the same record; decisions and anomalies have the public form. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "format/json_read.h"
#include "format/record/record_json.h"
#include "format/record/record_write.h"

static struct tt_arena arena;

static struct tt_str random_text(struct tt_rng *rng, size_t size_max)
{
    static const char *const parts[] = {"a",  "B", "7",        "-", "\"",
                                        "\\", " ", "\xc3\xa9", "_", "\xf0\x9f\x98\x80",
                                        "/",  "<", "u",        "."};
    char *text = tt_arena_new(&arena, size_max + 8);
    size_t size = 0, want = 1 + (size_t)tt_rng_below(rng, size_max);
    while (size < want) {
        const char *part = parts[tt_rng_below(rng, TT_ARRAY_SIZE(parts))];
        if (size + strlen(part) > size_max) {
            break;
        }
        memcpy(text + size, part, strlen(part));
        size += strlen(part);
    }
    if (size == 0) {
        text[size++] = 'x';
    }
    return (struct tt_str){text, size};
}

static bool flip(struct tt_rng *rng)
{
    return tt_rng_below(rng, 2) == 0;
}

static void random_txn(struct tt_rng *rng, struct tt_txn *txn, struct tt_attribute *attributes)
{
    static const char *const currencies[] = {"EUR", "JPY", "KWD", "USD"};
    memset(txn, 0, sizeof *txn);
    txn->timestamp_ms = (int64_t)tt_rng_below(rng, UINT64_C(253402300800000));
    uint64_t amount = tt_rng_next(rng) >> tt_rng_below(rng, 64);
    txn->amount_minor = (int64_t)(amount % (uint64_t)TT_AMOUNT_MINOR_MAX);
    txn->currency = tt_currency_find(tt_str_from(currencies[tt_rng_below(rng, 4)]));
    txn->type = (uint8_t)(1 + tt_rng_below(rng, 5));
    txn->authorization = (uint8_t)tt_rng_below(rng, 3);
    txn->text[TT_TEXT_TRANSACTION_ID] = random_text(rng, 128);
    txn->text[TT_TEXT_USER_ID] = random_text(rng, 128);
    txn->text[TT_TEXT_MERCHANT_ID] = flip(rng) ? random_text(rng, 128) : (struct tt_str){0};
    txn->text[TT_TEXT_MERCHANT_CATEGORY] = flip(rng) ? random_text(rng, 64) : (struct tt_str){0};
    txn->text[TT_TEXT_CHANNEL] = flip(rng) ? random_text(rng, 64) : (struct tt_str){0};
    txn->text[TT_TEXT_MERCHANT_CATEGORY_CODE] = flip(rng) ? TT_STR("0742") : (struct tt_str){0};
    txn->text[TT_TEXT_MERCHANT_COUNTRY] = flip(rng) ? TT_STR("AT") : (struct tt_str){0};
    txn->text[TT_TEXT_IP] = flip(rng) ? TT_STR("2001:db8::1") : (struct tt_str){0};
    txn->has_position = flip(rng);
    if (txn->has_position) {
        txn->latitude = tt_rng_double(rng) * 180.0 - 90.0;
        txn->longitude = tt_rng_double(rng) * 360.0 - 180.0;
    }
    txn->attributes = attributes;
    txn->attribute_count = (uint8_t)tt_rng_below(rng, TT_ATTRIBUTES_MAX + 1);
    for (uint32_t i = 0; i < txn->attribute_count; i++) {
        char *name = tt_arena_new(&arena, 8);
        snprintf(name, 8, "n%02u", i);
        attributes[i] = (struct tt_attribute){
            .name = {name, 3}, .type = (enum tt_attribute_type)(1 + tt_rng_below(rng, 3))};
        if (attributes[i].type == TT_ATTRIBUTE_STRING) {
            attributes[i].text = random_text(rng, 128);
        } else if (attributes[i].type == TT_ATTRIBUTE_BOOL) {
            attributes[i].number = flip(rng) ? 1.0 : 0.0;
        } else {
            attributes[i].number = tt_rng_normal(rng) * pow(10.0, tt_rng_double(rng) * 40 - 20);
        }
    }
}

static void what_is_written_reads_back_with_the_same_content(void **state)
{
    struct tt_rng rng;
    struct tt_record_schema schema;
    (void)state;
    tt_rng_init(&rng, 23);
    tt_record_schema_init(&schema);
    schema.unknown = TT_UNKNOWN_ATTRIBUTE;
    for (int round = 0; round < 2000; round++) {
        struct tt_attribute attributes[TT_ATTRIBUTES_MAX];
        struct tt_txn txn, back;
        struct tt_buf buf;
        struct tt_json_writer writer;
        struct tt_record_notes notes;
        struct tt_verdict verdict = {0};
        tt_arena_reset(&arena);
        random_txn(&rng, &txn, attributes);
        tt_buf_init(&buf, &tt_alloc_libc, 1 << 20);
        tt_json_writer_init(&writer, &buf);
        tt_record_write_txn(&writer, &txn);
        assert_int_equal(buf.status, TT_OK);
        if (tt_record_json_txn(&schema, tt_buf_str(&buf), TT_TIME_NONE, &arena, &back, &notes,
                               &verdict) != TT_OK) {
            fail_msg("%s: %s", buf.data, verdict.detail);
        }
        if (notes.pan_count == 0) {
            struct tt_hash128 want = tt_txn_content_hash(&txn), got = tt_txn_content_hash(&back);
            assert_true(want.high == got.high && want.low == got.low);
        }
        /* Written again, it is the same text: nothing is lost or reordered any more. */
        struct tt_buf again;
        tt_buf_init(&again, &tt_alloc_libc, 1 << 20);
        tt_json_writer_init(&writer, &again);
        tt_record_write_txn(&writer, &back);
        assert_true(notes.pan_count > 0 || tt_str_equal(tt_buf_str(&buf), tt_buf_str(&again)));
        tt_buf_deinit(&again);
        tt_buf_deinit(&buf);
    }
}

static void content_does_not_depend_on_spelling(void **state)
{
    static const char *const spellings[] = {
        "{\"transaction_id\":\"t\",\"timestamp\":1772368205123,\"amount\":12.5,\"currency\":"
        "\"EUR\","
        "\"user_id\":\"u\",\"mcc\":\"5411\",\"a\":1,\"b\":2,\"latitude\":0,\"longitude\":-0.0}",
        "{ \"attributes\":{\"b\":2.0,\"a\":1e0},\"user_id\":\"\\u0075\",\"amount\":\"12.500\",\n"
        "\"currency\":\"EUR\",\"transaction_id\":\"t\",\"timestamp\":"
        "\"2026-03-01T13:30:05.1239+01:00\",\"merchant_category_code\":\"5411\",\"type\":"
        "\"purchase\",\"channel\":\"\",\"card_id\":null,\"latitude\":-0,\"longitude\":0}",
    };
    struct tt_record_schema schema;
    struct tt_hash128 hashes[2];
    (void)state;
    tt_record_schema_init(&schema);
    schema.unknown = TT_UNKNOWN_ATTRIBUTE;
    for (size_t i = 0; i < 2; i++) {
        struct tt_txn txn;
        struct tt_verdict verdict = {0};
        assert_int_equal(tt_record_json_txn(&schema, tt_str_from(spellings[i]), TT_TIME_NONE,
                                            &arena, &txn, NULL, &verdict),
                         TT_OK);
        hashes[i] = tt_txn_content_hash(&txn);
    }
    assert_true(hashes[0].high == hashes[1].high && hashes[0].low == hashes[1].low);
}

static const char *const detectors[] = {"zscore", "rules"};
static const char *const features[] = {"amount", "user_amount_log"};
static const char *const steps[] = {"features.user", "features.merchant"};
static const struct tt_record_names names = {detectors, 2, features, 2, steps, 2, 0};

static void fill_event(struct tt_event *event)
{
    memset(event, 0, sizeof *event);
    event->txn.timestamp_ms = INT64_C(1772368205123);
    event->txn.amount_minor = 41250;
    event->txn.currency = tt_currency_find(TT_STR("EUR"));
    event->txn.type = TT_TXN_PURCHASE;
    event->txn.text[TT_TEXT_TRANSACTION_ID] = TT_STR("t-\"1\"");
    event->txn.text[TT_TEXT_USER_ID] = TT_STR("u");
    event->bundle = (struct tt_hash128){1, 2};
    event->vector.plan = (struct tt_hash128){3, 4};
    event->detections[0] =
        (struct tt_detection){.score = 6.25, .p_value = 0.001, .present = true, .fired = true};
    struct tt_decision *decision = &event->decision;
    decision->score = 0.999;
    decision->p_value = 0.001;
    decision->severity = TT_SEVERITY_HIGH;
    decision->verdict = TT_REVIEW;
    decision->anomalous = true;
    decision->alerted = true;
    decision->degraded = 2 | 2u << TT_DETECTORS_MAX;
    decision->reason_count = 2;
    decision->reasons[0] = (struct tt_reason){.detector = 0,
                                              .feature = 1,
                                              .observed = 412.5,
                                              .expected = 67.2,
                                              .threshold = 210,
                                              .contribution = 0.61,
                                              .message = TT_STR("much, \"too\" much")};
    decision->reasons[0].baseline = TT_BASELINE_OWN;
    decision->reasons[0].history = 31.0;
    decision->reasons[1] = (struct tt_reason){.detector = UINT8_MAX,
                                              .history = (double)NAN,
                                              .feature = UINT16_MAX,
                                              .observed = (double)NAN,
                                              .expected = (double)NAN,
                                              .threshold = (double)NAN,
                                              .contribution = 0.1,
                                              .message = TT_STR("rule")};
    event->decision.alert = TT_ALERT_RULE;
    event->time_ns[0] = 1000000;
    event->time_ns[1] = 1100000;
    event->time_ns[2] = 1300000;
    event->time_ns[3] = 1301500;
}

#define DETECTORS                                                                                  \
    "\"detectors\":{\"zscore\":{\"score\":6.25,\"p_value\":0.001,\"fired\":true},"                 \
    "\"rules\":{\"score\":null,\"p_value\":null,\"fired\":false}}"
#define OUTCOME                                                                                    \
    "\"score\":0.999,\"p_value\":0.001,\"severity\":\"high\",\"decision\":\"review\","             \
    "\"alerted\":true"
#define ALERT ",\"alert\":\"rule\""
#define REASONS                                                                                    \
    "\"reasons\":[{\"detector\":\"zscore\",\"feature\":\"user_amount_log\",\"observed\":412.5,"    \
    "\"expected\":67.2,\"threshold\":210,\"baseline\":\"own\",\"history\":31,"                     \
    "\"contribution\":0.61,\"message\":\"much, \\\"too\\\" much\"},{\"detector\":\"other\","       \
    "\"feature\":null,\"observed\":null,\"expected\":null,\"threshold\":null,\"baseline\":null,"   \
    "\"history\":null,\"contribution\":0.1,\"message\":\"rule\"}]"
#define VERSIONS                                                                                   \
    "\"versions\":{\"bundle\":\"00000000000000010000000000000002\",\"features\":"                  \
    "\"00000000000000030000000000000004\"},\"degraded\":[\"rules\",\"features.merchant\"]"

static void decisions_and_anomalies_have_the_public_form(void **state)
{
    static struct tt_event event;
    struct tt_buf buf, want;
    struct tt_json_writer writer;
    char id[TT_ANOMALY_ID_SIZE];
    (void)state;
    fill_event(&event);
    tt_anomaly_id(&event.txn, id);
    tt_buf_init(&buf, &tt_alloc_libc, 1 << 16);
    tt_buf_init(&want, &tt_alloc_libc, 1 << 16);
    tt_json_writer_init(&writer, &buf);
    tt_record_write_score(&writer, &event, &names);
    assert_string_equal(buf.data, "{\"transaction_id\":\"t-\\\"1\\\"\"," OUTCOME "," DETECTORS
                                  "," REASONS "}");
    tt_buf_clear(&buf);
    tt_json_writer_init(&writer, &buf);
    tt_record_write_decision(&writer, &event, &names);
    tt_buf_append_format(&want,
                         "{\"transaction_id\":\"t-\\\"1\\\"\",\"user_id\":\"u\",\"anomaly_id\":"
                         "\"%s\"," OUTCOME ALERT "," DETECTORS "," REASONS "," VERSIONS "}",
                         id);
    assert_string_equal(buf.data, want.data);
    tt_buf_clear(&buf);
    tt_buf_clear(&want);
    tt_json_writer_init(&writer, &buf);
    tt_record_write_anomaly(&writer, &event, &names, "open");
    tt_buf_append_format(
        &want,
        "{\"anomaly_id\":\"%s\",\"transaction\":{\"transaction_id\":\"t-\\\"1\\\"\",\"timestamp\":"
        "\"2026-03-01T12:30:05.123Z\",\"amount\":\"412.50\",\"currency\":\"EUR\",\"type\":"
        "\"purchase\",\"user_id\":\"u\"}," OUTCOME ALERT ",\"status\":\"open\"," REASONS
        "," DETECTORS "," VERSIONS
        ",\"timings_ms\":{\"features\":0.1,\"detection\":0.2,\"decision\":0.001,"
        "\"total\":0.301}}",
        id);
    assert_string_equal(buf.data, want.data);
    event.decision.anomalous = false;
    tt_buf_clear(&buf);
    tt_json_writer_init(&writer, &buf);
    tt_record_write_decision(&writer, &event, &names);
    assert_non_null(strstr(buf.data, "\"anomaly_id\":null"));
    tt_buf_deinit(&buf);
    tt_buf_deinit(&want);
}

static void labels_read_back(void **state)
{
    static const char text[] =
        "{\"transaction_id\":\"t\",\"user_id\":\"u\",\"label\":\"genuine\",\"known_at\":"
        "\"2026-03-01T00:00:00.000Z\",\"recorded_at\":\"2026-03-02T00:00:00.000Z\",\"source\":"
        "\"sample_verdict\",\"selection_probability\":0.25,\"note\":\"n\"}";
    struct tt_record_schema schema;
    struct tt_record_label label;
    struct tt_verdict verdict = {0};
    struct tt_buf buf;
    struct tt_json_writer writer;
    (void)state;
    tt_record_schema_init(&schema);
    assert_int_equal(tt_record_json_label(&schema, TT_STR(text), INT64_C(1772409600000), &arena,
                                          &label, &verdict),
                     TT_OK);
    tt_buf_init(&buf, &tt_alloc_libc, 4096);
    tt_json_writer_init(&writer, &buf);
    tt_record_write_label(&writer, &label);
    assert_string_equal(buf.data, text);
    tt_buf_deinit(&buf);
    assert_string_equal(tt_label_kind_name(99), "");
    assert_string_equal(tt_label_source_name(0), "");
}

static void score_rows_have_the_flat_fields(void **state)
{
    static struct tt_event event;
    struct tt_buf buf;
    (void)state;
    fill_event(&event);
    tt_buf_init(&buf, &tt_alloc_libc, 1 << 16);
    tt_record_score_csv_header(&buf, &names);
    tt_record_score_csv_row(&buf, &event, &names);
    event.decision.reason_count = 0;
    tt_record_score_csv_row(&buf, &event, &names);
    assert_string_equal(
        buf.data,
        "transaction_id,score,p_value,severity,decision,alerted,zscore_score,zscore_p_value,"
        "zscore_fired,rules_score,rules_p_value,rules_fired,reasons\n"
        "\"t-\"\"1\"\"\",0.999,0.001,high,review,true,6.25,0.001,true,,,false,\"much, \"\"too\"\" "
        "much; rule\"\n"
        "\"t-\"\"1\"\"\",0.999,0.001,high,review,true,6.25,0.001,true,,,false,\n");
    tt_buf_deinit(&buf);
}

static void anomaly_ids_sort_by_time_and_are_stable(void **state)
{
    struct tt_txn txn = {0};
    char ids[4][TT_ANOMALY_ID_SIZE];
    static const int64_t times[] = {0, 999, INT64_C(1772368205123), INT64_C(253402300799999)};
    int64_t ms = 0;
    (void)state;
    txn.text[TT_TEXT_TRANSACTION_ID] = TT_STR("t");
    txn.text[TT_TEXT_USER_ID] = TT_STR("u");
    for (size_t i = 0; i < 4; i++) {
        txn.timestamp_ms = times[i];
        tt_anomaly_id(&txn, ids[i]);
        assert_int_equal(strlen(ids[i]), TT_ANOMALY_ID_SIZE - 1);
        assert_true(tt_anomaly_id_time(tt_str_from(ids[i]), &ms));
        assert_int_equal(ms, times[i]);
        assert_true(i == 0 || strcmp(ids[i - 1], ids[i]) < 0);
    }
    char again[TT_ANOMALY_ID_SIZE];
    tt_anomaly_id(&txn, again);
    assert_string_equal(again, ids[3]);
    txn.text[TT_TEXT_USER_ID] = TT_STR("v");
    tt_anomaly_id(&txn, again);
    assert_string_not_equal(again, ids[3]);
    assert_memory_equal(again, ids[3], 10);
    ms = 5;
    assert_false(tt_anomaly_id_time(TT_STR("short"), &ms));
    assert_false(tt_anomaly_id_time(TT_STR("ZZZZZZZZZZ0000000000000000"), &ms));
    assert_false(tt_anomaly_id_time(TT_STR("0000000000000000000000000i"), &ms));
    assert_int_equal(ms, 5);
}

static void a_detector_that_is_off_is_not_told_of(void **state)
{
    (void)state;
    static struct tt_event event;
    struct tt_record_names off = names;
    struct tt_buf buf;
    fill_event(&event);
    event.decision.reason_count = 0;
    off.detectors_off = 2;
    tt_buf_init(&buf, &tt_alloc_libc, 1U << 16);
    struct tt_json_writer writer;
    tt_json_writer_init(&writer, &buf);
    tt_record_write_score(&writer, &event, &off);
    tt_record_score_csv_header(&buf, &off);
    tt_buf_append_char(&buf, '\0');
    assert_non_null(strstr(buf.data, detectors[0]));
    assert_null(strstr(buf.data, detectors[1]));
    tt_buf_deinit(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_detector_that_is_off_is_not_told_of),
        cmocka_unit_test(what_is_written_reads_back_with_the_same_content),
        cmocka_unit_test(content_does_not_depend_on_spelling),
        cmocka_unit_test(decisions_and_anomalies_have_the_public_form),
        cmocka_unit_test(labels_read_back),
        cmocka_unit_test(score_rows_have_the_flat_fields),
        cmocka_unit_test(anomaly_ids_sort_by_time_and_are_stable),
    };
    tt_arena_init(&arena, &tt_alloc_libc, 4096, 64 << 20);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tt_arena_deinit(&arena);
    return failed;
}
