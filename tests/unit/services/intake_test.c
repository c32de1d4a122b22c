/* The intake: records of bodies, answers in their order, limits, and the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "services/data_ingestor/intake.h"
#include "support/torture.h"

struct outcome {
    uint32_t calls;
    uint16_t status;
    bool problem;
    char text[2048];
};

static void done(void *ctx, struct tt_submission *submission)
{
    struct outcome *outcome = ctx;
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, 4096);
    outcome->calls++;
    outcome->status = tt_submission_status(submission);
    outcome->problem = tt_submission_is_problem(submission);
    assert_int_equal(tt_submission_write(submission, &buf), TT_OK);
    memcpy(outcome->text, buf.data != NULL ? buf.data : "", buf.size);
    outcome->text[buf.size] = '\0';
    tt_buf_deinit(&buf);
}

static struct tt_intake *open_intake(const struct tt_alloc *alloc, uint64_t bytes)
{
    struct tt_intake_options options = {.queue_bytes_max = bytes};
    struct tt_intake *intake = NULL;
    struct tt_error err;
    return tt_intake_new(alloc, &options, &intake, &err) == TT_OK ? intake : NULL;
}

static enum tt_status submit(struct tt_intake *intake, bool single, const char *body,
                             struct outcome *outcome)
{
    struct tt_error err;
    return tt_intake_submit(intake, TT_INTAKE_TRANSACTIONS, single, tt_str_from(body), done,
                            outcome, &err);
}

static void lines_become_records_and_answers_keep_their_order(void **state)
{
    (void)state;
    struct outcome outcome = {0};
    struct tt_intake *intake = open_intake(&tt_alloc_libc, 1000);
    struct tt_intake_record records[3];
    assert_int_equal(submit(intake, false, "one\n\n  two  \r\n\nthree", &outcome), TT_OK);
    for (size_t i = 0; i < 3; i++) {
        assert_true(tt_intake_take(intake, &records[i]));
        assert_int_equal(records[i].index, i);
    }
    assert_true(tt_str_equal_text(records[1].bytes, "two"));
    assert_false(tt_intake_take(intake, &records[0]));
    assert_int_equal(tt_intake_bytes(intake), 0);
    tt_submission_answer(records[2].submission, 2, 200, false, TT_STR("3"));
    tt_submission_answer(records[0].submission, 0, 422, true, TT_STR("1"));
    assert_int_equal(outcome.calls, 0);
    tt_submission_answer(records[1].submission, 1, 200, false, TT_STR("2"));
    assert_int_equal(outcome.calls, 1);
    assert_int_equal(outcome.status, 200);
    assert_string_equal(outcome.text, "1\n2\n3\n");
    tt_intake_free(intake);
}

static void a_single_record_answers_with_its_own_status(void **state)
{
    (void)state;
    struct outcome outcome = {0};
    struct tt_intake *intake = open_intake(&tt_alloc_libc, 1000);
    struct tt_intake_record record;
    assert_int_equal(submit(intake, true, "{\n}\n", &outcome), TT_OK);
    assert_true(tt_intake_take(intake, &record));
    assert_true(tt_str_equal_text(record.bytes, "{\n}\n"));
    tt_submission_answer(record.submission, 0, 409, true, TT_STR("taken"));
    assert_int_equal(outcome.status, 409);
    assert_true(outcome.problem);
    assert_string_equal(outcome.text, "taken");
    tt_intake_free(intake);
}

static void a_full_intake_says_so_but_takes_one_that_is_too_large_alone(void **state)
{
    (void)state;
    struct outcome outcome = {0};
    struct tt_intake *intake = open_intake(&tt_alloc_libc, 10);
    struct tt_intake_record record;
    assert_int_equal(submit(intake, true, "longer than the queue", &outcome), TT_OK);
    assert_int_equal(submit(intake, true, "x", &outcome), TT_E_AGAIN);
    assert_true(tt_intake_take(intake, &record));
    assert_int_equal(submit(intake, true, "x", &outcome), TT_OK);
    tt_submission_answer(record.submission, 0, 200, false, TT_STR(""));
    tt_intake_free(intake);
    assert_int_equal(outcome.calls, 2);
}

static void a_body_without_a_record_is_refused(void **state)
{
    (void)state;
    struct outcome outcome = {0};
    struct tt_intake *intake = open_intake(&tt_alloc_libc, 1000);
    assert_int_equal(submit(intake, true, "", &outcome), TT_E_INVALID);
    assert_int_equal(submit(intake, false, "\n \r\n\n", &outcome), TT_E_INVALID);
    tt_intake_free(intake);
    assert_int_equal(outcome.calls, 0);
}

static void closing_refuses_what_comes_and_answers_what_waits(void **state)
{
    (void)state;
    struct outcome first = {0}, second = {0}, late = {0};
    struct tt_intake *intake = open_intake(&tt_alloc_libc, 1000);
    struct tt_intake_record record;
    assert_int_equal(submit(intake, false, "1\n2\n", &first), TT_OK);
    assert_int_equal(submit(intake, true, "3", &second), TT_OK);
    assert_true(tt_intake_take(intake, &record));
    tt_intake_close(intake);
    assert_int_equal(submit(intake, true, "4", &late), TT_E_CLOSED);
    tt_submission_answer(record.submission, 0, 200, false, TT_STR("ok"));
    tt_intake_free(intake);
    assert_int_equal(first.calls, 1);
    assert_non_null(strstr(first.text, "shutting_down"));
    assert_int_equal(second.status, 503);
    assert_int_equal(late.calls, 0);
}

static void what_is_under_way_at_the_end_is_refused(void **state)
{
    (void)state;
    struct outcome outcome = {0};
    struct tt_intake *intake = open_intake(&tt_alloc_libc, 1000);
    struct tt_intake_record record;
    assert_int_equal(submit(intake, false, "1\n2\n3\n", &outcome), TT_OK);
    for (size_t i = 0; i < 3; i++) {
        assert_true(tt_intake_take(intake, &record));
    }
    tt_submission_answer(record.submission, 1, 200, false, TT_STR("kept"));
    tt_intake_free(intake);
    assert_int_equal(outcome.calls, 1);
    assert_non_null(strstr(outcome.text, "}\nkept\n{"));
}

static enum tt_status torture_body(const struct tt_alloc *alloc, void *ctx)
{
    (void)ctx;
    struct outcome outcome = {0};
    struct tt_intake *intake = open_intake(alloc, 1000);
    if (intake == NULL) {
        return TT_E_NOMEM;
    }
    enum tt_status status = submit(intake, false, "1\n2\n3\n", &outcome);
    tt_intake_free(intake);
    assert_int_equal(outcome.calls, status == TT_OK ? 1 : 0);
    return status;
}

static void a_queued_body_is_answered_and_freed_at_the_end(void **state)
{
    (void)state;
    struct tt_torture torture;
    tt_torture_init(&torture, 0);
    assert_int_equal(torture_body(&torture.alloc, NULL), TT_OK);
    tt_torture_check(&torture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_become_records_and_answers_keep_their_order),
        cmocka_unit_test(a_single_record_answers_with_its_own_status),
        cmocka_unit_test(a_full_intake_says_so_but_takes_one_that_is_too_large_alone),
        cmocka_unit_test(a_body_without_a_record_is_refused),
        cmocka_unit_test(closing_refuses_what_comes_and_answers_what_waits),
        cmocka_unit_test(what_is_under_way_at_the_end_is_refused),
        cmocka_unit_test(a_queued_body_is_answered_and_freed_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
