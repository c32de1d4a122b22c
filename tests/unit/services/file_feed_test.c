/* Files as feeds: causal labels, both orders, faults that are not the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "services/data_ingestor/file_feed.h"

#define HEADER "transaction_id,timestamp,amount,currency,user_id,is_fraud\n"

struct fixture {
    char path[64];
    struct tt_record_schema schema;
    struct tt_feed *feed;
    struct tt_event event;
};

static struct fixture *open_text(const char *text, int64_t delay_ms, bool by_event_time)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    (void)snprintf(fixture->path, sizeof fixture->path, "/tmp/telltale-feed-XXXXXX");
    int fd = mkstemp(fixture->path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
    tt_record_schema_init(&fixture->schema);
    tt_arena_init(&fixture->event.text, &tt_alloc_libc, 1024, 1u << 20);
    struct tt_file_feed_options options = {
        .path = fixture->path,
        .schema = &fixture->schema,
        .label_delay_ms = delay_ms,
        .by_event_time = by_event_time,
    };
    struct tt_error err = {0};
    if (tt_file_feed_open(&tt_alloc_libc, &options, &fixture->feed, &err) != TT_OK) {
        fail_msg("%s", err.message);
    }
    return fixture;
}

static void close_text(struct fixture *fixture)
{
    tt_feed_close(fixture->feed);
    tt_arena_deinit(&fixture->event.text);
    (void)unlink(fixture->path);
    free(fixture);
}

/* The next event as "id", "label id", "reject reason" or "end". */
static const char *next(struct fixture *fixture, char text[64])
{
    struct tt_error err;
    tt_event_clear(&fixture->event);
    enum tt_status status = fixture->feed->ops->next(fixture->feed, &fixture->event, &err);
    if (status == TT_E_CLOSED) {
        return "end";
    }
    assert_int_equal(status, TT_OK);
    const struct tt_event *event = &fixture->event;
    if (event->kind == TT_EVENT_REJECT) {
        (void)snprintf(text, 64, "reject %s", event->rejection.reason);
    } else {
        (void)snprintf(text, 64, "%s%.*s", event->kind == TT_EVENT_LABEL ? "label " : "",
                       TT_STR_ARG(event->txn.text[TT_TEXT_TRANSACTION_ID]));
    }
    return text;
}

static void expect_all(struct fixture *fixture, const char *const *expected)
{
    char text[64];
    for (size_t i = 0; expected[i] != NULL; i++) {
        assert_string_equal(next(fixture, text), expected[i]);
    }
    assert_string_equal(next(fixture, text), "end");
}

static void a_label_comes_when_it_is_known_before_what_happens_then(void **state)
{
    (void)state;
    struct fixture *fixture = open_text(HEADER "a,2026-01-01T00:00:00Z,1.00,EUR,u,1\n"
                                               "b,2026-01-01T00:59:59Z,1.00,EUR,u,1\n"
                                               "c,2026-01-01T01:00:00Z,1.00,EUR,u,0\n"
                                               "d,2026-01-01T05:00:00Z,1.00,EUR,u,0\n",
                                        TT_MS_PER_HOUR, false);
    static const char *const expected[] = {"a", "b", "label a", "c", "label b", "d", NULL};
    expect_all(fixture, expected);
    close_text(fixture);
}

static void without_delay_the_label_still_comes_after_its_transaction(void **state)
{
    (void)state;
    struct fixture *fixture = open_text(HEADER "a,2026-01-01T00:00:00Z,1.00,EUR,u,1\n"
                                               "b,2026-01-01T00:00:00Z,1.00,EUR,u,0\n",
                                        0, false);
    static const char *const expected[] = {"a", "label a", "b", NULL};
    expect_all(fixture, expected);
    close_text(fixture);
}

static void a_bad_row_is_a_rejection_with_its_line_and_the_rest_goes_on(void **state)
{
    (void)state;
    struct fixture *fixture = open_text(HEADER "a,2026-01-01T00:00:00Z,1.00,EUR,u,0\n"
                                               "too,few\n"
                                               "b,yesterday,1.00,EUR,u,0\n"
                                               "c,2026-01-01T00:00:00Z,1.001,EUR,u,0\n"
                                               "d,2026-01-01T00:00:00Z,1.00,EUR,u,0\n",
                                        0, false);
    char text[64];
    assert_string_equal(next(fixture, text), "a");
    assert_string_equal(next(fixture, text), "reject row_fields");
    assert_int_equal(fixture->event.source_line, 3);
    assert_string_equal(next(fixture, text), "reject bad_timestamp");
    assert_string_equal(next(fixture, text), "reject amount_decimals");
    assert_int_equal(fixture->event.source_line, 5);
    assert_string_equal(next(fixture, text), "d");
    assert_string_equal(next(fixture, text), "end");
    assert_int_equal(tt_feed_failure(fixture->feed, NULL), TT_OK);
    close_text(fixture);
}

static void by_event_time_rows_are_sorted_and_ties_keep_their_order(void **state)
{
    (void)state;
    struct fixture *fixture = open_text(HEADER "c,2026-01-01T03:00:00Z,1.00,EUR,u,0\n"
                                               "a,2026-01-01T01:00:00Z,1.00,EUR,u,1\n"
                                               "bad,row\n"
                                               "b,2026-01-01T02:00:00Z,1.00,EUR,u,0\n"
                                               "b2,2026-01-01T02:00:00Z,1.00,EUR,u,0\n",
                                        TT_MS_PER_HOUR, true);
    static const char *const expected[] = {
        "reject row_fields", "a", "label a", "b", "b2", "c", NULL};
    expect_all(fixture, expected);
    close_text(fixture);
}

static void json_lines_are_known_by_their_first_byte(void **state)
{
    (void)state;
    struct fixture *fixture =
        open_text("\n{\"transaction_id\":\"a\",\"timestamp\":0,\"amount\":1,\"currency\":\"EUR\","
                  "\"user_id\":\"u\"}\nnot json\n",
                  0, false);
    static const char *const expected[] = {"a", "reject json_syntax", NULL};
    expect_all(fixture, expected);
    close_text(fixture);
}

static void an_empty_file_is_an_end(void **state)
{
    (void)state;
    struct fixture *fixture = open_text("", 0, false);
    static const char *const expected[] = {NULL};
    expect_all(fixture, expected);
    close_text(fixture);
}

static void a_file_that_is_not_there_says_which(void **state)
{
    (void)state;
    struct tt_record_schema schema;
    tt_record_schema_init(&schema);
    struct tt_file_feed_options options = {.path = "/nonexistent/file.csv", .schema = &schema};
    struct tt_feed *feed = NULL;
    struct tt_error err;
    assert_int_equal(tt_file_feed_open(&tt_alloc_libc, &options, &feed, &err), TT_E_NOT_FOUND);
    assert_non_null(strstr(err.message, "/nonexistent/file.csv"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_label_comes_when_it_is_known_before_what_happens_then),
        cmocka_unit_test(without_delay_the_label_still_comes_after_its_transaction),
        cmocka_unit_test(a_bad_row_is_a_rejection_with_its_line_and_the_rest_goes_on),
        cmocka_unit_test(by_event_time_rows_are_sorted_and_ties_keep_their_order),
        cmocka_unit_test(json_lines_are_known_by_their_first_byte),
        cmocka_unit_test(an_empty_file_is_an_end),
        cmocka_unit_test(a_file_that_is_not_there_says_which),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
