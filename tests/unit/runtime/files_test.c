/* Files and secrets: whole or not at all, and what is said when it fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/files.h"
#include "runtime/secret.h"
#include "support/tempdir.h"
#include "support/torture.h"

static struct tt_tempdir dir;
static struct tt_buf buf;
static struct tt_error err;

static int set_up(void **state)
{
    (void)state;
    tt_tempdir_init(&dir);
    tt_buf_init(&buf, &tt_alloc_libc, 1u << 20);
    err = (struct tt_error){0};
    (void)umask(022);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tt_buf_deinit(&buf);
    tt_tempdir_deinit(&dir);
    return 0;
}

static unsigned files_in_folder(void)
{
    DIR *listing = opendir(dir.path);
    assert_non_null(listing);
    unsigned count = 0;
    for (struct dirent *entry; (entry = readdir(listing)) != NULL;) {
        count += entry->d_name[0] != '.';
    }
    (void)closedir(listing);
    return count;
}

static unsigned mode_of(const char *path)
{
    struct stat found;
    assert_int_equal(stat(path, &found), 0);
    return found.st_mode & 07777u;
}

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    const char *path = tt_tempdir_file(&dir, "a");
    char bytes[200000];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)(i * 7);
    }
    assert_int_equal(tt_file_write(path, (struct tt_str){bytes, sizeof bytes}, &err), TT_OK);
    assert_int_equal(mode_of(path), 0644);
    assert_int_equal(tt_buf_append_text(&buf, "before"), TT_OK);
    assert_int_equal(tt_file_read(path, &buf, &err), TT_OK);
    assert_int_equal(buf.size, 6 + sizeof bytes);
    assert_memory_equal(buf.data + 6, bytes, sizeof bytes);
    assert_int_equal(tt_file_write(path, TT_STR(""), &err), TT_OK);
    tt_buf_clear(&buf);
    assert_int_equal(tt_file_read(path, &buf, &err), TT_OK);
    assert_int_equal(buf.size, 0);
    assert_int_equal(files_in_folder(), 1);
}

static void an_empty_file_gives_an_empty_text(void **state)
{
    (void)state;
    assert_int_equal(tt_file_read("/dev/null", &buf, &err), TT_OK);
    assert_string_equal(buf.data, "");
}

static void a_rewritten_file_keeps_its_mode(void **state)
{
    (void)state;
    const char *path = tt_tempdir_file(&dir, "a");
    assert_int_equal(tt_file_write(path, TT_STR("1"), &err), TT_OK);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(tt_file_write(path, TT_STR("2"), &err), TT_OK);
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(tt_file_write("/dev/null", TT_STR("3"), &err), TT_OK);
}

static void a_file_larger_than_the_buffer_is_refused(void **state)
{
    (void)state;
    const char *path = tt_tempdir_file(&dir, "a");
    assert_int_equal(tt_file_write(path, TT_STR("0123456789"), &err), TT_OK);
    struct tt_buf small;
    tt_buf_init(&small, &tt_alloc_libc, 12);
    assert_int_equal(tt_buf_append_text(&small, "ab"), TT_OK);
    assert_int_equal(tt_file_read(path, &small, &err), TT_OK);
    tt_buf_clear(&small);
    assert_int_equal(tt_buf_append_text(&small, "abc"), TT_OK);
    assert_int_equal(tt_file_read(path, &small, &err), TT_E_LIMIT);
    assert_string_equal(small.data, "abc");
    assert_int_equal(small.status, TT_OK);
    tt_buf_deinit(&small);
}

static void a_failure_names_path_and_reason(void **state)
{
    (void)state;
    assert_int_equal(tt_file_read("/nowhere/a", &buf, &err), TT_E_NOT_FOUND);
    assert_string_equal(err.message, "cannot open: No such file or directory: /nowhere/a");
    assert_int_equal(tt_file_read("/", &buf, &err), TT_E_IO);
    assert_int_equal(tt_file_read("/dev/null/x", &buf, &err), TT_E_NOT_FOUND);
    assert_int_equal(tt_file_write("/nowhere/a", TT_STR("x"), &err), TT_E_NOT_FOUND);
    assert_int_equal(tt_file_write("/dev/full", TT_STR("x"), &err), TT_E_FULL);
    assert_string_equal(err.message, "cannot write: No space left on device: /dev/full");
    char path[5000];
    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_int_equal(tt_file_write(path, TT_STR("x"), &err), TT_E_IO);
    assert_int_equal(tt_folder_make(path, &err), TT_E_IO);
    assert_int_equal(tt_folder_make("", &err), TT_E_NOT_FOUND);
}

static void folders_are_made_with_their_parents(void **state)
{
    (void)state;
    char path[200];
    (void)snprintf(path, sizeof path, "%s/x//y/", dir.path);
    assert_int_equal(tt_folder_make(path, &err), TT_OK);
    assert_int_equal(tt_folder_make(path, &err), TT_OK);
    assert_int_equal(mode_of(path), 0700);
    const char *file = tt_tempdir_file(&dir, "f");
    assert_int_equal(tt_file_write(file, TT_STR("x"), &err), TT_OK);
    assert_int_equal(tt_folder_make(file, &err), TT_E_CONFLICT);
    char below[200];
    (void)snprintf(below, sizeof below, "%s/z", file);
    assert_int_equal(tt_folder_make(below, &err), TT_E_CONFLICT);
    assert_int_equal(rmdir(path), 0);
    (void)snprintf(path, sizeof path, "%s/x", dir.path);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(tt_folder_make("/", &err), TT_OK);
    assert_int_equal(tt_folder_make(".", &err), TT_OK);
}

static enum tt_status read_file(const struct tt_alloc *alloc, void *ctx)
{
    struct tt_buf text;
    tt_buf_init(&text, alloc, 1u << 20);
    enum tt_status status = tt_file_read(ctx, &text, NULL);
    assert_int_equal(text.status, TT_OK); /* the buffer is as it was: usable */
    tt_buf_deinit(&text);
    return status;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    char path[128];
    (void)snprintf(path, sizeof path, "%s", tt_tempdir_file(&dir, "a"));
    assert_int_equal(tt_file_write(path, TT_STR("x"), &err), TT_OK);
    tt_torture_run(read_file, path);
}

static void a_secret_is_made_once(void **state)
{
    (void)state;
    const char *path = tt_tempdir_file(&dir, "secret");
    unsigned char first[32] = {0};
    unsigned char second[32] = {0};
    assert_int_equal(tt_secret_load(path, sizeof first, first, &err), TT_OK);
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(tt_secret_load(path, sizeof second, second, &err), TT_OK);
    assert_memory_equal(first, second, sizeof first);
    unsigned char zero[32] = {0};
    assert_memory_not_equal(first, zero, sizeof first);
    assert_int_equal(files_in_folder(), 1);
}

static void a_secret_others_may_read_is_refused(void **state)
{
    (void)state;
    const char *path = tt_tempdir_file(&dir, "secret");
    unsigned char bytes[16] = {0};
    assert_int_equal(tt_secret_load(path, sizeof bytes, bytes, &err), TT_OK);
    static const unsigned modes[] = {0640, 0604, 0660, 0610, 0777};
    for (size_t i = 0; i < TT_ARRAY_SIZE(modes); i++) {
        assert_int_equal(chmod(path, modes[i]), 0);
        assert_int_equal(tt_secret_load(path, sizeof bytes, bytes, &err), TT_E_DENIED);
        assert_non_null(strstr(err.message, path));
    }
    assert_int_equal(chmod(path, 0400), 0);
    assert_int_equal(tt_secret_load(path, sizeof bytes, bytes, &err), TT_OK);
    assert_int_equal(tt_secret_load(dir.path, sizeof bytes, bytes, &err), TT_E_DENIED);
    (void)unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(tt_secret_load(path, sizeof bytes, bytes, &err), TT_E_DENIED);
}

static void a_short_secret_is_corrupt(void **state)
{
    (void)state;
    const char *path = tt_tempdir_file(&dir, "secret");
    unsigned char bytes[17] = {1};
    assert_int_equal(tt_file_write(path, TT_STR("0123456789abcdef"), &err), TT_OK);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(tt_secret_load(path, 17, bytes, &err), TT_E_CORRUPT);
    assert_int_equal(bytes[0], 1);
    assert_int_equal(tt_secret_load(path, 16, bytes, &err), TT_OK);
    assert_int_equal(tt_secret_load("/nowhere/s", 16, bytes, &err), TT_E_NOT_FOUND);
}

/* One child of the race: waits for the start, then reports what it read. */
static void race(const char *path, int start, int result)
{
    char go;
    unsigned char bytes[64] = {0};
    if (read(start, &go, 1) == 0 && tt_secret_load(path, sizeof bytes, bytes, NULL) == TT_OK) {
        (void)!write(result, bytes, sizeof bytes);
    }
    _exit(0);
}

static void processes_that_race_read_the_same_secret(void **state)
{
    (void)state;
    enum { PROCESSES = 6, ROUNDS = 20 };
    for (int round = 0; round < ROUNDS; round++) {
        const char *path = tt_tempdir_file(&dir, "secret");
        int start[2];
        int result[2];
        assert_int_equal(pipe(start), 0);
        assert_int_equal(pipe(result), 0);
        for (int i = 0; i < PROCESSES; i++) {
            pid_t child = fork();
            assert_true(child >= 0);
            if (child == 0) {
                (void)close(start[1]);
                race(path, start[0], result[1]);
            }
        }
        (void)close(start[0]);
        (void)close(start[1]); /* the end of the pipe is the start of the race */
        (void)close(result[1]);
        unsigned char first[64];
        for (int i = 0; i < PROCESSES; i++) {
            unsigned char bytes[64];
            assert_int_equal(read(result[0], bytes, sizeof bytes), sizeof bytes);
            if (i == 0) {
                memcpy(first, bytes, sizeof first);
            }
            assert_memory_equal(bytes, first, sizeof first);
        }
        for (int i = 0; i < PROCESSES; i++) {
            assert_true(wait(NULL) > 0);
        }
        (void)close(result[0]);
        assert_int_equal(files_in_folder(), 1);
        assert_int_equal(unlink(path), 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_written_is_read_again),
        TEST(an_empty_file_gives_an_empty_text),
        TEST(a_rewritten_file_keeps_its_mode),
        TEST(a_file_larger_than_the_buffer_is_refused),
        TEST(a_failure_names_path_and_reason),
        TEST(folders_are_made_with_their_parents),
        TEST(every_allocation_may_fail),
        TEST(a_secret_is_made_once),
        TEST(a_secret_others_may_read_is_refused),
        TEST(a_short_secret_is_corrupt),
        TEST(processes_that_race_read_the_same_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
