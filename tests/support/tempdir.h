/*
 * A temporary folder for one test.
 *
 * Owner:   the struct is the test's; deinit removes the folder and the files in it (one level).
 * Threads: one thread.
 */
#ifndef TT_TESTS_SUPPORT_TEMPDIR_H
#define TT_TESTS_SUPPORT_TEMPDIR_H

struct tt_tempdir {
    char path[64];
    char file[128]; /* what tt_tempdir_file wrote last */
};

/* Makes it under $TMPDIR or /tmp; asserts (cmocka) that it could. */
void tt_tempdir_init(struct tt_tempdir *dir);
void tt_tempdir_deinit(struct tt_tempdir *dir);
/* The path of a file in it; valid until the next call. */
const char *tt_tempdir_file(struct tt_tempdir *dir, const char *name);

#endif
