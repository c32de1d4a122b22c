/* The report's writers: everything escaped, nothing undefined said as a number, bounded, the same
 * bytes each time. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "base/tree.h"
#include "format/json_read.h"
#include "services/report/report.h"
#include "support/torture.h"

static const struct tt_report_header plain = {
    {"file.csv", 8}, {"telltale", 8}, {"Labels came 7 days late.", 24}};

static struct tt_evaluation_report report;

/* Rows of so many days with frauds of many kinds. */
static struct tt_evaluation *evaluated(int64_t days, int rows_daily, const char *kind)
{
    struct tt_evaluation_options options = tt_evaluation_options_default();
    options.alerts_daily = 3;
    options.fold_count = 2;
    options.fold_starts[1] = 3;
    struct tt_evaluation *evaluation = NULL;
    assert_int_equal(tt_evaluation_new(&tt_alloc_libc, &options, &evaluation, NULL), TT_OK);
    struct tt_rng rng;
    tt_rng_init(&rng, 9);
    char user[16], name[64];
    for (int64_t i = 0; i < days * rows_daily; i++) {
        (void)snprintf(user, sizeof user, "u%d", (int)tt_rng_below(&rng, 50));
        (void)snprintf(name, sizeof name, "%s%d", kind, (int)tt_rng_below(&rng, 20));
        bool fraud = tt_rng_below(&rng, 20) == 0;
        struct tt_evaluation_row row = {.score = tt_rng_double(&rng) * (fraud ? 1.0 : 0.9),
                                        .timestamp_ms = i / rows_daily * TT_MS_PER_DAY,
                                        .amount_minor = 1234,
                                        .currency = tt_currency_find(TT_STR("EUR")),
                                        .user = tt_str_from(user),
                                        .fraud = fraud,
                                        .alerted = i % 99 == 0,
                                        .kind = tt_str_from(name)};
        assert_int_equal(tt_evaluation_add(evaluation, &row), TT_OK);
    }
    assert_int_equal(tt_evaluation_finish(evaluation, &report), TT_OK);
    return evaluation;
}

static struct tt_buf page_of(const struct tt_report_header *header)
{
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, TT_REPORT_SIZE_MAX);
    assert_int_equal(tt_report_html(&buf, &report, header), TT_OK);
    return buf;
}

static size_t occurrences(const char *text, const char *what)
{
    size_t count = 0;
    for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what)) {
        count++;
    }
    return count;
}

static void page_is_whole_and_needs_nothing_else(void **state)
{
    (void)state;
    struct tt_evaluation *evaluation = evaluated(40, 50, "kind_");
    struct tt_buf buf = page_of(&plain);
    assert_true(strncmp(buf.data, "<!doctype html>", 15) == 0);
    assert_non_null(strstr(buf.data, "</html>\n"));
    static const char *const pairs[][2] = {
        {"<svg ", "</svg>"},   {"<section ", "</section>"}, {"<table>", "</table>"},
        {"<text ", "</text>"}, {"<div ", "</div>"},         {"<tr", "</tr>"},
        {"<td>", "</td>"},     {"<main>", "</main>"},       {"<circle ", "</circle>"},
    };
    for (size_t i = 0; i < TT_ARRAY_SIZE(pairs); i++) {
        assert_true(occurrences(buf.data, pairs[i][0]) > 0);
        assert_int_equal(occurrences(buf.data, pairs[i][0]), occurrences(buf.data, pairs[i][1]));
    }
    static const char *const never[] = {"<script", "http:", "https:", "src=", "@import",
                                        "url(",    "nan",   "inf,",   "-0.0"};
    for (size_t i = 0; i < TT_ARRAY_SIZE(never); i++) {
        if (strstr(buf.data, never[i]) != NULL) {
            fail_msg("found %s", never[i]);
        }
    }
    tt_buf_deinit(&buf);
    tt_evaluation_free(evaluation);
}

static void every_text_is_escaped(void **state)
{
    (void)state;
    struct tt_evaluation *evaluation = evaluated(3, 100, "<b>&\"'\x01\xff");
    struct tt_report_header evil = {TT_STR("</title><script>alert(1)</script>\xc3"),
                                    TT_STR("<i>\"'"), TT_STR("a & b\xed\xa0\x80 \xf0\x9f\x98\x80")};
    struct tt_buf buf = page_of(&evil);
    assert_null(strstr(buf.data, "<script"));
    assert_null(strstr(buf.data, "<b>&"));
    assert_null(strstr(buf.data, "<i>"));
    assert_non_null(strstr(buf.data, "&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert_non_null(strstr(buf.data, "&lt;b&gt;&amp;&quot;&#39;\xef\xbf\xbd\xef\xbf\xbd"));
    assert_non_null(strstr(buf.data, "\xf0\x9f\x98\x80"));
    assert_int_equal(tt_str_utf8_check(tt_buf_str(&buf)), buf.size);
    tt_buf_clear(&buf);
    assert_int_equal(tt_report_text(&buf, &report), TT_OK);
    assert_null(strchr(buf.data, '\x01')); /* a terminal gets no control characters */
    tt_buf_deinit(&buf);
    tt_evaluation_free(evaluation);
}

static void nothing_to_evaluate_is_said_with_dashes(void **state)
{
    (void)state;
    struct tt_evaluation *evaluation = evaluated(0, 0, "");
    struct tt_report_header nothing = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    struct tt_buf buf = page_of(&nothing);
    assert_non_null(strstr(buf.data, "<b>-</b><span>AUC ROC</span>"));
    assert_null(strstr(buf.data, "nan"));
    tt_buf_clear(&buf);
    assert_int_equal(tt_report_text(&buf, &report), TT_OK);
    assert_null(strstr(buf.data, "nan"));
    tt_buf_clear(&buf);
    assert_int_equal(tt_report_json(&buf, &report, &nothing), TT_OK);
    assert_non_null(strstr(buf.data, "\"auc_roc\":null"));
    assert_non_null(strstr(buf.data, "{\"source\":null,"));
    assert_null(strstr(buf.data, "nan"));
    tt_buf_deinit(&buf);
    tt_evaluation_free(evaluation);
}

static void page_stays_small_whatever_the_span(void **state)
{
    (void)state;
    struct tt_evaluation *evaluation = evaluated(4000, 3, "<<<<<<<<<<<<<<<<<<<<<<<<<<<<");
    struct tt_buf buf = page_of(&plain);
    assert_true(buf.size < 200 * 1024);
    assert_true(occurrences(buf.data, "<rect") <
                2 * TT_REPORT_BARS_MAX + 2 * TT_EVALUATION_BINS + 60);
    tt_buf_deinit(&buf);
    struct tt_evaluation_row far = {.timestamp_ms = TT_MS_PER_DAY * INT32_MAX - 1};
    assert_int_equal(tt_evaluation_add(evaluation, &far), TT_OK);
    assert_int_equal(tt_evaluation_finish(evaluation, &report), TT_OK);
    buf = page_of(&plain);
    assert_true(buf.size < 200 * 1024);
    tt_buf_deinit(&buf);
    tt_evaluation_free(evaluation);
}

static void same_report_gives_the_same_bytes(void **state)
{
    (void)state;
    struct tt_evaluation *evaluation = evaluated(10, 50, "k");
    struct tt_buf a = page_of(&plain), b = page_of(&plain);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
    tt_buf_deinit(&a);
    tt_buf_deinit(&b);
    tt_evaluation_free(evaluation);
}

static void full_buffer_is_reported(void **state)
{
    (void)state;
    struct tt_evaluation *evaluation = evaluated(10, 50, "k");
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, 1000);
    assert_int_equal(tt_report_html(&buf, &report, &plain), TT_E_LIMIT);
    tt_buf_deinit(&buf);
    tt_evaluation_free(evaluation);
}

static void table_shows_each_set_in_lines_that_fit(void **state)
{
    (void)state;
    struct tt_evaluation *evaluation = evaluated(40, 500, "kind_");
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, 65536);
    assert_int_equal(tt_report_text(&buf, &report), TT_OK);
    assert_non_null(strstr(buf.data, "\nwhole stream          20,000"));
    assert_non_null(strstr(buf.data, "\nfold 1970-01-04 "));
    assert_non_null(strstr(buf.data, "\nmean of folds "));
    assert_non_null(strstr(buf.data, "at 3 alerts a day"));
    assert_non_null(strstr(buf.data, " EUR, missed "));
    struct tt_str rest = tt_buf_str(&buf);
    while (rest.data != NULL) {
        assert_true(tt_str_split(&rest, '\n').size <= 100);
    }
    tt_buf_deinit(&buf);
    tt_evaluation_free(evaluation);
}

static void document_holds_each_set_kind_and_day(void **state)
{
    (void)state;
    struct tt_evaluation *evaluation = evaluated(40, 200, "kind \"\x01\xff");
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, 65536);
    assert_int_equal(tt_report_json(&buf, &report, &plain), TT_OK);
    assert_non_null(strstr(buf.data, "{\"source\":\"file.csv\",\"alerts_per_day\":3,"));
    assert_int_equal(occurrences(buf.data, "\"average_precision\":"), 4);
    assert_int_equal(occurrences(buf.data, "\"day\":\"1970-"), 40);
    assert_int_equal(occurrences(buf.data, "\"train_start\":\"1970-01-0"), 2);
    assert_int_equal(occurrences(buf.data, "\"kind\":"), report.kind_count);
    struct tt_arena arena;
    struct tt_tree *tree = NULL;
    tt_arena_init(&arena, &tt_alloc_libc, 65536, 1 << 24);
    assert_int_equal(tt_json_parse_tree(&arena, tt_buf_str(&buf), &tree, NULL), TT_OK);
    const struct tt_tree *whole = tt_tree_get(tree, "whole");
    int64_t rows = 0;
    double auc = 0.0;
    struct tt_str missed;
    assert_int_equal(tt_tree_int64(tt_tree_get(whole, "rows"), &rows, NULL), TT_OK);
    assert_int_equal(rows, 8000);
    assert_int_equal(tt_tree_double(tt_tree_get(whole, "auc_roc"), &auc, NULL), TT_OK);
    assert_true(fabs(auc - report.whole.auc) < 1e-15);
    assert_int_equal(tt_tree_text(tt_tree_get(whole, "missed_amount"), &missed, NULL), TT_OK);
    char expected[32];
    size_t size = tt_money_format(report.whole.missed_minor, 2, expected);
    assert_int_equal(missed.size, size);
    assert_memory_equal(missed.data, expected, size);
    tt_arena_deinit(&arena);
    tt_buf_deinit(&buf);
    tt_evaluation_free(evaluation);
}

static enum tt_status tortured(const struct tt_alloc *alloc, void *ctx)
{
    (void)ctx;
    struct tt_buf buf;
    tt_buf_init(&buf, alloc, TT_REPORT_SIZE_MAX);
    enum tt_status status = tt_report_html(&buf, &report, &plain);
    tt_buf_deinit(&buf);
    return status;
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    struct tt_evaluation *evaluation = evaluated(10, 50, "k");
    tt_torture_run(tortured, NULL);
    tt_evaluation_free(evaluation);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_is_whole_and_needs_nothing_else),
        cmocka_unit_test(every_text_is_escaped),
        cmocka_unit_test(nothing_to_evaluate_is_said_with_dashes),
        cmocka_unit_test(page_stays_small_whatever_the_span),
        cmocka_unit_test(same_report_gives_the_same_bytes),
        cmocka_unit_test(full_buffer_is_reported),
        cmocka_unit_test(table_shows_each_set_in_lines_that_fit),
        cmocka_unit_test(document_holds_each_set_kind_and_day),
        cmocka_unit_test(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
