/* Signals as values. They are sent to this process before it asks for them: nothing sleeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "runtime/signals.h"

static void each_signal_has_its_meaning(void **state)
{
    (void)state;
    assert_int_equal(kill(getpid(), SIGTERM), 0);
    assert_int_equal(tt_signals_wait(-1), TT_SIGNAL_STOP);
    assert_int_equal(kill(getpid(), SIGINT), 0);
    assert_int_equal(tt_signals_wait(1000), TT_SIGNAL_INTERRUPT);
    assert_int_equal(kill(getpid(), SIGHUP), 0);
    assert_int_equal(tt_signals_wait(0), TT_SIGNAL_RELOAD);
}

static void none_is_there_after_the_time_out(void **state)
{
    (void)state;
    assert_int_equal(tt_signals_wait(0), TT_SIGNAL_NONE);
    assert_int_equal(tt_signals_wait(1), TT_SIGNAL_NONE);
}

static void a_second_signal_is_seen_too(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(kill(getpid(), SIGTERM), 0);
        assert_int_equal(tt_signals_wait(-1), TT_SIGNAL_STOP);
    }
}

static void a_closed_pipe_does_not_kill(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(write(ends[1], "x", 1), -1);
    assert_int_equal(errno, EPIPE);
    assert_int_equal(close(ends[1]), 0);
}

int main(void)
{
    tt_signals_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_signal_has_its_meaning),
        cmocka_unit_test(none_is_there_after_the_time_out),
        cmocka_unit_test(a_second_signal_is_seen_too),
        cmocka_unit_test(a_closed_pipe_does_not_kill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
