/* The log: whole lines of valid JSON, whatever is passed in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "format/json_read.h"
#include "runtime/log.h"
#include "support/fake_clock.h"

static int ends[2];
static struct tt_fake_clock fake;
static struct tt_log log_;
static char line[3 * TT_LOG_LINE_SIZE_MAX];

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    tt_fake_clock_init(&fake, INT64_C(1772368205123));
    tt_log_init(&log_, ends[1], TT_LOG_INFO, &fake.clock);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)close(ends[0]);
    (void)close(ends[1]);
    return 0;
}

/* What was written since the last call; a pipe keeps writes apart no more than a file does. */
static const char *written(void)
{
    ssize_t size = read(ends[0], line, sizeof line - 1);
    line[size > 0 ? size : 0] = '\0';
    return line;
}

static void a_line_is_one_object(void **state)
{
    (void)state;
    tt_log(&log_, TT_LOG_INFO, "listening", "ready \"now\"\n", TT_LOG_INT("port", 8080),
           TT_LOG_TEXT("host", "a\\b"), TT_LOG_DOUBLE("share", 0.5), TT_LOG_TEXT("none", NULL));
    assert_string_equal(written(),
                        "{\"ts\":\"2026-03-01T12:30:05.123Z\",\"level\":\"info\","
                        "\"event\":\"listening\",\"msg\":\"ready \\\"now\\\"\\n\",\"port\":8080,"
                        "\"host\":\"a\\\\b\",\"share\":0.5,\"none\":null}\n");
    tt_log(&log_, TT_LOG_WARN, "short", NULL);
    assert_string_equal(written(), "{\"ts\":\"2026-03-01T12:30:05.123Z\",\"level\":\"warn\","
                                   "\"event\":\"short\"}\n");
}

static void lines_above_the_level_are_not_written(void **state)
{
    (void)state;
    tt_log(&log_, TT_LOG_DEBUG, "chatter", NULL);
    tt_log(NULL, TT_LOG_ERROR, "nowhere", NULL);
    assert_string_equal(written(), "");
    log_.level = TT_LOG_DEBUG;
    tt_log(&log_, TT_LOG_DEBUG, "chatter", NULL);
    assert_non_null(strstr(written(), "\"level\":\"debug\""));
}

static void levels_are_found_by_name(void **state)
{
    (void)state;
    assert_int_equal(tt_log_level_find(TT_STR("error")), TT_LOG_ERROR);
    assert_int_equal(tt_log_level_find(TT_STR("debug")), TT_LOG_DEBUG);
    assert_int_equal(tt_log_level_find(TT_STR("")), 0);
    assert_int_equal(tt_log_level_find((struct tt_str){NULL, 0}), 0);
}

static void card_numbers_are_masked_in_texts_only(void **state)
{
    (void)state;
    /* the integer is a time whose digits pass Luhn's check */
    tt_log(&log_, TT_LOG_INFO, "odd", "card 4111 1111 1111 1111 seen",
           TT_LOG_TEXT("id", "4111111111111111"), TT_LOG_INT("at", 4111111111111111));
    const char *text = written();
    assert_null(strstr(text, "4111 1111 1111 1111"));
    assert_null(strstr(text, "\"4111111111111111\""));
    assert_non_null(strstr(text, "\"at\":4111111111111111"));
}

static void assert_whole(const char *text)
{
    size_t size = strlen(text);
    assert_in_range(size, 1, TT_LOG_LINE_SIZE_MAX);
    assert_true(text[size - 1] == '\n');
    assert_ptr_equal(strchr(text, '\n'), text + size - 1);
    struct tt_arena arena;
    tt_arena_init(&arena, &tt_alloc_libc, 4096, 1u << 20);
    struct tt_tree *root = NULL;
    struct tt_error err;
    assert_int_equal(tt_json_parse_tree(&arena, (struct tt_str){text, size - 1}, &root, &err),
                     TT_OK);
    tt_arena_deinit(&arena);
}

static void a_long_line_is_cut_and_stays_valid(void **state)
{
    (void)state;
    static char text[20000];
    static const char *const fillings[] = {"x", "\x01", "\"", "\xe2\x82\xac", "\xff", "4", "- "};
    for (size_t k = 0; k < TT_ARRAY_SIZE(fillings); k++) {
        size_t size = strlen(fillings[k]);
        for (size_t i = 0; i + size < sizeof text; i += size) {
            memcpy(text + i, fillings[k], size);
        }
        tt_log(&log_, TT_LOG_INFO, "long", text, TT_LOG_TEXT("a", text), TT_LOG_TEXT("b", text),
               TT_LOG_TEXT("c", text), TT_LOG_TEXT("d", text), TT_LOG_TEXT("e", text),
               TT_LOG_INT("last", 1));
        assert_whole(written());
        if (k == 0) {
            assert_non_null(strstr(line, "\"cut\":true"));
        }
    }
}

static void a_cut_leaves_no_half_of_a_card_number(void **state)
{
    (void)state;
    static char text[4000];
    for (size_t shift = 0; shift < 20; shift++) {
        memset(text, 'x', sizeof text - 1);
        memcpy(text + 2048 - shift, "4111111111111111", 16);
        tt_log(&log_, TT_LOG_INFO, "long", NULL, TT_LOG_TEXT("a", text));
        assert_null(strstr(written(), "1111111"));
    }
}

static void a_line_that_cannot_be_written_is_counted(void **state)
{
    (void)state;
    log_.fd = -1;
    tt_log(&log_, TT_LOG_INFO, "lost", NULL);
    tt_log(&log_, TT_LOG_INFO, "lost", NULL);
    assert_int_equal(log_.lost_count, 2);
}

static void a_failure_is_logged_with_its_place(void **state)
{
    (void)state;
    struct tt_error err;
    (void)tt_fail_at(&err, TT_E_SYNTAX, 3, 7, 0, "odd");
    tt_log_error(&log_, "config_invalid", &err);
    assert_non_null(strstr(written(), "\"level\":\"error\",\"event\":\"config_invalid\","
                                      "\"msg\":\"odd\",\"status\":\"syntax\",\"line\":3,"
                                      "\"column\":7}\n"));
    (void)tt_fail_at(&err, TT_E_CORRUPT, 0, 0, 9, "odd");
    tt_log_error(&log_, "file_corrupt", &err);
    assert_non_null(strstr(written(), "\"status\":\"corrupt\",\"offset\":9}\n"));
}

#define LINES 200
static void *write_lines(void *argument)
{
    for (int i = 0; i < LINES; i++) {
        tt_log((struct tt_log *)argument, TT_LOG_INFO, "busy", "one of many", TT_LOG_INT("i", i));
    }
    return NULL;
}

static void lines_of_several_threads_do_not_mix(void **state)
{
    (void)state;
    char path[] = "/tmp/telltale-log-XXXXXX";
    int fd = mkostemp(path, O_APPEND);
    assert_true(fd >= 0);
    log_.fd = fd;
    pthread_t threads[4];
    for (size_t i = 0; i < TT_ARRAY_SIZE(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, &log_), 0);
    }
    for (size_t i = 0; i < TT_ARRAY_SIZE(threads); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    int count = 0;
    char text[500];
    while (fgets(text, sizeof text, file) != NULL) {
        assert_whole(text);
        count++;
    }
    assert_int_equal(count, 4 * LINES);
    assert_int_equal(log_.lost_count, 0);
    (void)fclose(file);
    (void)close(fd);
    (void)unlink(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_line_is_one_object),
        TEST(lines_above_the_level_are_not_written),
        TEST(levels_are_found_by_name),
        TEST(card_numbers_are_masked_in_texts_only),
        TEST(a_long_line_is_cut_and_stays_valid),
        TEST(a_cut_leaves_no_half_of_a_card_number),
        TEST(a_line_that_cannot_be_written_is_counted),
        TEST(a_failure_is_logged_with_its_place),
        TEST(lines_of_several_threads_do_not_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
