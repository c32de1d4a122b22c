/*
 * What a fuzz target is: one function of bytes.
 *
 * What:    each NAME_fuzz.c defines this function. With -Dfuzzers=true (clang) libFuzzer calls it; without, corpus.c
 *          runs it over fuzz/corpus/NAME and over seeded changes of each file, as a plain test.
 * Why:     what a fuzzer once found stays a test for everybody.
 * Threads: one.
 */
#ifndef TT_FUZZ_FUZZ_H
#define TT_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Aborts (TT_ASSERT or a sanitizer) when something is wrong; returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
