/*
 * Nanoseconds a row of the isolation forest, for each code path of this machine and several batch
 * sizes, and the time to grow one. Results of the paths are compared first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/rng.h"
#include "core/detect/forest.h"

#define ROWS 4096
#define SECONDS 0.5

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double *make_rows(uint32_t columns)
{
    double *rows = calloc((size_t)ROWS * columns, sizeof *rows);
    struct tt_rng rng;
    tt_rng_init(&rng, 7);
    for (size_t i = 0; rows != NULL && i < (size_t)ROWS * columns; i++) {
        rows[i] = tt_rng_normal(&rng);
    }
    return rows;
}

static void run(const struct tt_forest *forest, const struct tt_forest_row *rows, enum tt_cpu cpu,
                size_t batch)
{
    uint32_t sums[TT_FOREST_BATCH_MAX];
    uint32_t check = 0;
    size_t done = 0;
    double begin = now_s();
    double end = begin;
    while (end - begin < SECONDS) {
        for (size_t first = 0; first + batch <= ROWS; first += batch) {
            tt_forest_paths(forest, cpu, rows + first, batch, sums);
            check += sums[batch - 1];
            done += batch;
        }
        end = now_s();
    }
    printf("%-7s batch %4zu  %8.1f ns/row  (%08x)\n", tt_cpu_name(cpu), batch,
           1e9 * (end - begin) / (double)done, check != 0 ? 1 : 0);
}

static int compare_paths(const struct tt_forest *forest, const struct tt_forest_row *rows)
{
    uint32_t plain[TT_FOREST_BATCH_MAX];
    uint32_t other[TT_FOREST_BATCH_MAX];
    for (enum tt_cpu cpu = TT_CPU_AVX2; cpu <= TT_CPU_AVX512; cpu++) {
        for (size_t first = 0; tt_forest_cpu_has(cpu) && first < ROWS; first += 256) {
            tt_forest_paths(forest, TT_CPU_SCALAR, rows + first, 256, plain);
            tt_forest_paths(forest, cpu, rows + first, 256, other);
            if (memcmp(plain, other, sizeof plain) != 0) {
                fprintf(stderr, "paths differ on %s\n", tt_cpu_name(cpu));
                return 1;
            }
        }
    }
    return 0;
}

int main(void)
{
    const uint32_t columns = TT_FOREST_COLUMNS;
    double *values = make_rows(columns);
    struct tt_forest_row *rows = aligned_alloc(64, ROWS * sizeof *rows);
    struct tt_forest_options options = {.trees = 100, .sample = 256, .seed = 1};
    struct tt_forest *forest;
    double begin = now_s();
    if (values == NULL || rows == NULL ||
        tt_forest_fit(&tt_alloc_libc, &options, values, ROWS, columns, &forest, NULL) != TT_OK) {
        return 1;
    }
    printf("fit 100 x 256 on %d rows of %u columns: %.2f ms\n", ROWS, columns,
           1e3 * (now_s() - begin));
    for (size_t i = 0; i < ROWS; i++) {
        for (uint32_t c = 0; c < columns; c++) {
            rows[i].values[c] = tt_forest_value(forest, c, values[i * columns + c]);
        }
    }
    int failed = compare_paths(forest, rows);
    static const size_t batches[] = {1, 16, 64, 256};
    for (enum tt_cpu cpu = TT_CPU_SCALAR; cpu <= TT_CPU_AVX512; cpu++) {
        for (size_t i = 0; tt_forest_cpu_has(cpu) && i < TT_ARRAY_SIZE(batches); i++) {
            run(forest, rows, cpu, batches[i]);
        }
    }
    tt_forest_free(forest);
    free(rows);
    free(values);
    return failed;
}
