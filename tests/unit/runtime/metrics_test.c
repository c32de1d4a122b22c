/* Metrics: counting from several threads, labels, quantiles against sorted values, the text
 * format. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "base/rng.h"
#include "runtime/metrics.h"
#include "support/torture.h"

static struct tt_metrics *metrics;

static int set_up(void **state)
{
    (void)state;
    metrics = malloc(sizeof *metrics);
    assert_non_null(metrics);
    tt_metrics_init(metrics);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(metrics);
    return 0;
}

static struct tt_buf buf;

static const char *scrape(void)
{
    tt_buf_init(&buf, &tt_alloc_libc, 1u << 20);
    assert_int_equal(tt_metrics_write(metrics, &buf), TT_OK);
    return buf.data;
}

static void counters_and_gauges_are_written_with_their_help(void **state)
{
    (void)state;
    tt_metrics_add(metrics, TT_METRIC_ACCEPTED, 2);
    tt_metrics_add(metrics, TT_METRIC_ACCEPTED, 3);
    tt_metrics_set(metrics, TT_METRIC_UPTIME, 1.25);
    tt_metrics_set(metrics, TT_METRIC_WATERMARK, -1e300 * 1e300);
    tt_metrics_add_label(metrics, TT_METRIC_REJECTED, "bad_json", 7);
    const char *text = scrape();
    assert_non_null(strstr(text, "# HELP telltale_transactions_accepted_total Transactions "
                                 "accepted into the log.\n# TYPE "
                                 "telltale_transactions_accepted_total counter\n"
                                 "telltale_transactions_accepted_total 5\n"));
    assert_non_null(strstr(text, "telltale_uptime_seconds 1.25\n"));
    assert_non_null(strstr(text, "telltale_watermark_timestamp_seconds -Inf\n"));
    assert_non_null(strstr(text, "telltale_records_rejected_total{reason=\"bad_json\"} 7\n"));
    assert_non_null(strstr(text, "telltale_build_info{version=\"" TT_VERSION "\"} 1\n"));
    assert_int_equal(tt_metrics_get(metrics, TT_METRIC_ACCEPTED), 5);
    tt_buf_deinit(&buf);
}

static void label_values_are_escaped_and_kept_short(void **state)
{
    (void)state;
    tt_metrics_add_label(metrics, TT_METRIC_REJECTED, "a\"b\\c\nd", 1);
    tt_metrics_add_label(metrics, TT_METRIC_REJECTED, NULL, 1);
    tt_metrics_add_label(metrics, TT_METRIC_REJECTED, "", 1);
    tt_metrics_add_label(metrics, TT_METRIC_REJECTED, "half\xe2\x82", 1);
    tt_metrics_add_label(metrics, TT_METRIC_REJECTED,
                         "012345678901234567890123456789\xe2\x82\xac rest", 1);
    const char *text = scrape();
    assert_non_null(strstr(text, "{reason=\"a\\\"b\\\\c\\nd\"} 1\n"));
    assert_non_null(strstr(text, "{reason=\"other\"} 1\n"));
    assert_non_null(strstr(text, "{reason=\"\"} 1\n"));
    assert_non_null(strstr(text, "{reason=\"half\"} 1\n"));
    assert_non_null(strstr(text, "{reason=\"012345678901234567890123456789\"} 1\n"));
    tt_buf_deinit(&buf);
}

static void labels_past_the_limit_count_as_other(void **state)
{
    (void)state;
    for (int i = 0; i < 3 * TT_METRIC_LABELS_MAX; i++) {
        char label[16];
        (void)snprintf(label, sizeof label, "l%d", i);
        tt_metrics_add_label(metrics, TT_METRIC_REJECTED, label, 1);
    }
    tt_metrics_add_label(metrics, TT_METRIC_REJECTED, "l0", 1);
    assert_int_equal(tt_metrics_get(metrics, TT_METRIC_REJECTED), 3 * TT_METRIC_LABELS_MAX + 1);
    const char *text = scrape();
    char expected[64];
    (void)snprintf(expected, sizeof expected, "{reason=\"other\"} %d\n",
                   2 * TT_METRIC_LABELS_MAX + 1);
    assert_non_null(strstr(text, expected));
    assert_non_null(strstr(text, "{reason=\"l0\"} 2\n"));
    tt_buf_deinit(&buf);
}

static void a_total_kept_elsewhere_is_taken_over(void **state)
{
    (void)state;
    tt_metrics_copy_label(metrics, TT_METRIC_STAGE_EVENTS, "alerter", 9);
    tt_metrics_copy_label(metrics, TT_METRIC_STAGE_EVENTS, "alerter", 11);
    tt_metrics_copy_label(metrics, TT_METRIC_LOG_LOST, NULL, 4);
    assert_int_equal(tt_metrics_get(metrics, TT_METRIC_STAGE_EVENTS), 11);
    assert_int_equal(tt_metrics_get(metrics, TT_METRIC_LOG_LOST), 4);
}

static void bounds_are_inclusive_and_cumulative(void **state)
{
    (void)state;
    static const int64_t durations[] = {-5,      0,           100000,      100001,
                                        1000000, 10000000000, 10000000001, INT64_MAX / 2};
    for (size_t i = 0; i < TT_ARRAY_SIZE(durations); i++) {
        tt_metrics_observe(metrics, TT_METRIC_STORE_COMMIT, durations[i]);
    }
    const char *text = scrape();
    assert_non_null(strstr(text, "# TYPE telltale_store_commit_seconds histogram\n"
                                 "telltale_store_commit_seconds_bucket{le=\"0.0001\"} 3\n"
                                 "telltale_store_commit_seconds_bucket{le=\"0.00025\"} 4\n"
                                 "telltale_store_commit_seconds_bucket{le=\"0.0005\"} 4\n"
                                 "telltale_store_commit_seconds_bucket{le=\"0.001\"} 5\n"));
    assert_non_null(strstr(text, "_bucket{le=\"10\"} 6\n"
                                 "telltale_store_commit_seconds_bucket{le=\"+Inf\"} 8\n"));
    assert_non_null(strstr(text, "telltale_store_commit_seconds_count 8\n"));
    assert_int_equal(tt_metrics_get(metrics, TT_METRIC_STORE_COMMIT), 8);
    tt_buf_deinit(&buf);
}

static int by_size(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

static void quantiles_are_within_a_sixteenth(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    static int64_t durations[COUNT];
    struct tt_rng rng;
    tt_rng_init(&rng, 5);
    for (size_t i = 0; i < COUNT; i++) {
        durations[i] = (int64_t)(tt_rng_next(&rng) >> (22 + tt_rng_below(&rng, 40)));
        tt_metrics_observe(metrics, TT_METRIC_LATENCY, durations[i]);
    }
    qsort(durations, COUNT, sizeof durations[0], by_size);
    static const double shares[] = {0.0, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0};
    for (size_t i = 0; i < TT_ARRAY_SIZE(shares); i++) {
        double rank = shares[i] * COUNT;
        size_t index = rank < 1.0 ? 0 : (size_t)(rank + 0.999999) - 1;
        int64_t exact = durations[index];
        int64_t found = tt_metrics_quantile(metrics, TT_METRIC_LATENCY, shares[i]);
        assert_true(found >= exact);
        assert_true(found <= exact + exact / 16 + 1);
    }
}

static void a_quantile_of_nothing_is_zero(void **state)
{
    (void)state;
    assert_int_equal(tt_metrics_quantile(metrics, TT_METRIC_LATENCY, 0.5), 0);
    tt_metrics_observe(metrics, TT_METRIC_LATENCY, 7);
    assert_int_equal(tt_metrics_quantile(metrics, TT_METRIC_LATENCY, 0.0), 7);
    assert_int_equal(tt_metrics_quantile(metrics, TT_METRIC_LATENCY, 1.0), 7);
    tt_metrics_observe(metrics, TT_METRIC_LATENCY, INT64_MAX);
    assert_true(tt_metrics_quantile(metrics, TT_METRIC_LATENCY, 1.0) > INT64_C(7200000000000));
}

#define ROUNDS 20000
static void *count_up(void *argument)
{
    (void)argument;
    for (int i = 0; i < ROUNDS; i++) {
        char label[8];
        (void)snprintf(label, sizeof label, "l%d", i % 40);
        tt_metrics_add(metrics, TT_METRIC_ACCEPTED, 1);
        tt_metrics_add_label(metrics, TT_METRIC_REJECTED, label, 1);
        tt_metrics_observe(metrics, TT_METRIC_LATENCY, i);
        tt_metrics_set_label(metrics, TT_METRIC_ENTITIES, label, i);
    }
    return NULL;
}

static void nothing_is_lost_between_threads(void **state)
{
    (void)state;
    pthread_t threads[4];
    for (size_t i = 0; i < TT_ARRAY_SIZE(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, count_up, NULL), 0);
    }
    for (int i = 0; i < 20; i++) {
        (void)scrape();
        tt_buf_deinit(&buf);
        (void)tt_metrics_quantile(metrics, TT_METRIC_LATENCY, 0.5);
    }
    for (size_t i = 0; i < TT_ARRAY_SIZE(threads); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(tt_metrics_get(metrics, TT_METRIC_ACCEPTED), 4 * ROUNDS);
    assert_int_equal(tt_metrics_get(metrics, TT_METRIC_REJECTED), 4 * ROUNDS);
    assert_int_equal(tt_metrics_get(metrics, TT_METRIC_LATENCY), 4 * ROUNDS);
    const char *text = scrape();
    for (int i = 0; i < 40; i++) {
        char expected[64];
        (void)snprintf(expected, sizeof expected, "{reason=\"l%d\"} %d\n", i, 4 * ROUNDS / 40);
        assert_non_null(strstr(text, expected));
    }
    tt_buf_deinit(&buf);
}

static void the_reference_page_names_every_metric(void **state)
{
    (void)state;
    struct tt_buf docs;
    tt_buf_init(&docs, &tt_alloc_libc, 65536);
    assert_int_equal(tt_metrics_docs(&docs), TT_OK);
#define TT_METRIC(id, kind, name, label, help)                                                     \
    assert_non_null(strstr(docs.data, "| `" name "` | "));
#include "runtime/metrics.def"
#undef TT_METRIC
    assert_non_null(strstr(docs.data, "| histogram | – |"));
    tt_buf_deinit(&docs);
}

static enum tt_status write_texts(const struct tt_alloc *alloc, void *ctx)
{
    (void)ctx;
    struct tt_buf text;
    tt_buf_init(&text, alloc, 1u << 20);
    enum tt_status status = tt_metrics_write(metrics, &text);
    if (status == TT_OK) {
        status = tt_metrics_docs(&text);
    }
    tt_buf_deinit(&text);
    return status;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    tt_torture_run(write_texts, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* With an argument: writes a scrape to standard output, for promtool. */
int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        (void)set_up(NULL);
        tt_metrics_add_label(metrics, TT_METRIC_REJECTED, "a\"b\\c\nd", 1);
        tt_metrics_observe(metrics, TT_METRIC_LATENCY, 1500000);
        (void)fputs(scrape(), stdout);
        tt_buf_deinit(&buf);
        return tear_down(NULL);
    }
    const struct CMUnitTest tests[] = {
        TEST(counters_and_gauges_are_written_with_their_help),
        TEST(label_values_are_escaped_and_kept_short),
        TEST(labels_past_the_limit_count_as_other),
        TEST(a_total_kept_elsewhere_is_taken_over),
        TEST(bounds_are_inclusive_and_cumulative),
        TEST(quantiles_are_within_a_sixteenth),
        TEST(a_quantile_of_nothing_is_zero),
        TEST(nothing_is_lost_between_threads),
        TEST(the_reference_page_names_every_metric),
        TEST(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
