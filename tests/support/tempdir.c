/* See tempdir.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <unistd.h>

#include "support/tempdir.h"

void tt_tempdir_init(struct tt_tempdir *dir)
{
    const char *base = getenv("TMPDIR");
    if (base == NULL || strlen(base) > 40) {
        base = "/tmp";
    }
    (void)snprintf(dir->path, sizeof dir->path, "%s/telltale-XXXXXX", base);
    assert_non_null(mkdtemp(dir->path));
}

const char *tt_tempdir_file(struct tt_tempdir *dir, const char *name)
{
    (void)snprintf(dir->file, sizeof dir->file, "%s/%s", dir->path, name);
    return dir->file;
}

void tt_tempdir_deinit(struct tt_tempdir *dir)
{
    DIR *listing = opendir(dir->path);
    assert_non_null(listing);
    for (struct dirent *entry; (entry = readdir(listing)) != NULL;) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            (void)unlinkat(dirfd(listing), entry->d_name, 0);
        }
    }
    (void)closedir(listing);
    assert_int_equal(rmdir(dir->path), 0);
}
