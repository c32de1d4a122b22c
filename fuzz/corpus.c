/*
 * Runs a fuzz target over a corpus without libFuzzer: every file as it is, cut, and changed by a
 * seeded generator.
 *
 * usage: NAME_corpus FOLDER
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "fuzz.h"

#define FILE_SIZE_MAX (1u << 16)
#define CHANGES 400

/* Bytes that mean something in one of the grammars come more often than others. */
static uint8_t pick_byte(struct tt_rng *rng)
{
    static const char telling[] = "\"\\{}[]:,-+.0eE\n\r \t'#&*!|>~\0u\xff\x80\xc3\xed";
    return tt_rng_below(rng, 2) == 0 ? (uint8_t)tt_rng_below(rng, 256)
                                     : (uint8_t)telling[tt_rng_below(rng, sizeof telling - 1)];
}

/* One to four bytes replaced, inserted, removed, or a piece repeated. */
static size_t change(struct tt_rng *rng, uint8_t *data, size_t size)
{
    for (uint64_t count = 1 + tt_rng_below(rng, 4); count > 0; count--) {
        size_t at = size > 0 ? (size_t)tt_rng_below(rng, size) : 0;
        uint64_t kind = tt_rng_below(rng, 4);
        if (kind == 0 && size > 0) {
            data[at] = pick_byte(rng);
        } else if (kind == 1 && size < FILE_SIZE_MAX) {
            memmove(data + at + 1, data + at, size - at);
            data[at] = pick_byte(rng);
            size++;
        } else if (kind == 2 && size > 0) {
            memmove(data + at, data + at + 1, size - at - 1);
            size--;
        } else if (size > 0) {
            size_t length = 1 + (size_t)tt_rng_below(rng, size - at);
            if (size + length <= FILE_SIZE_MAX) {
                memmove(data + at + length, data + at, size - at);
                size += length;
            }
        }
    }
    return size;
}

/* A copy of exactly that size, so that a sanitizer sees a read behind the end. */
static void run(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL) {
        abort();
    }
    if (size > 0) {
        memcpy(copy, data, size);
    }
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void run_file(const char *path, struct tt_rng *rng)
{
    static uint8_t data[FILE_SIZE_MAX], changed[FILE_SIZE_MAX];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "cannot open %s\n", path);
        exit(1);
    }
    size_t size = fread(data, 1, sizeof data, file);
    fclose(file);
    run(data, size);
    size_t step = size / 200 + 1;
    for (size_t cut = 0; cut < size; cut += step) {
        run(data, cut);
    }
    for (int i = 0; i < CHANGES; i++) {
        memcpy(changed, data, size);
        run(changed, change(rng, changed, size));
    }
}

int main(int argc, char **argv)
{
    struct tt_rng rng;
    unsigned files = 0;
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    if (folder == NULL) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    tt_rng_init(&rng, 1);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char path[4096];
        if (entry->d_name[0] == '.') {
            continue;
        }
        snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        run_file(path, &rng);
        files++;
    }
    closedir(folder);
    printf("%u files\n", files);
    return files > 0 ? 0 : 1;
}
