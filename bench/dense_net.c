/*
 * Nanoseconds a row of the autoencoder, for each code path of this machine, alone and in batches, and
 * the time to fit one. Results of the paths are compared first.
 *
 * usage: dense_net [MODEL ROWS REBUILT]   with names: writes net, rows and rebuilt rows for peers, as
 *                                         32-bit floats in the order of struct tt_net_layers
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/rng.h"
#include "core/detect/dense_net.h"
#include "core/detect/forest.h"

#define ROWS 4096
#define SECONDS 0.3

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double run(const struct tt_net *net, const struct tt_net_row *rows, enum tt_cpu cpu,
                  size_t batch)
{
    static float rebuilt[ROWS][TT_NET_COLUMNS];
    size_t done = 0;
    double begin = now_s(), end = begin;
    while (end - begin < SECONDS) {
        for (size_t first = 0; first + batch <= ROWS; first += batch) {
            tt_net_rebuild(net, cpu, rows + first, batch, rebuilt + first);
            done += batch;
        }
        end = now_s();
    }
    return 1e9 * (end - begin) / (double)done;
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    static double values[ROWS * TT_NET_COLUMNS];
    static struct tt_net_row rows[ROWS];
    static float plain[ROWS][TT_NET_COLUMNS], other[ROWS][TT_NET_COLUMNS];
    struct tt_rng rng;
    struct tt_net *net = NULL;
    tt_rng_init(&rng, 7);
    for (size_t i = 0; i < (size_t)ROWS * TT_NET_COLUMNS; i++) {
        values[i] = tt_rng_normal(&rng) + (i % TT_NET_COLUMNS > 7 ? values[i - 8] : 0.0);
    }
    double begin = now_s();
    if (tt_net_fit(&tt_alloc_libc, 1, values, ROWS, TT_NET_COLUMNS, &net, NULL) != TT_OK) {
        return 1;
    }
    double fit_s = now_s() - begin;
    for (size_t i = 0; i < ROWS; i++) {
        (void)tt_net_row(net, values + i * TT_NET_COLUMNS, &rows[i]);
    }
    tt_net_rebuild(net, TT_CPU_SCALAR, rows, ROWS, plain);
    for (enum tt_cpu cpu = TT_CPU_SCALAR; cpu <= TT_CPU_AVX512; cpu++) {
        if (!tt_forest_cpu_has(cpu)) {
            continue;
        }
        tt_net_rebuild(net, cpu, rows, ROWS, other);
        if (memcmp(plain, other, sizeof plain) != 0) {
            fprintf(stderr, "rebuilt rows differ on %s\n", tt_cpu_name(cpu));
            return 1;
        }
        printf("%-7s one row %7.1f ns, in batches of 4096 %6.1f ns a row\n", tt_cpu_name(cpu),
               run(net, rows, cpu, 1), run(net, rows, cpu, ROWS));
    }
    printf("fit     %d rows of %d columns %6.1f ms\n", ROWS, TT_NET_COLUMNS, fit_s * 1e3);
    if (argc == 4) {
        static float table[ROWS][TT_NET_COLUMNS];
        for (size_t i = 0; i < ROWS; i++) {
            memcpy(table[i], rows[i].values, sizeof table[i]);
        }
        write_file(argv[1], &net->layers, sizeof net->layers);
        write_file(argv[2], table, sizeof table);
        write_file(argv[3], plain, sizeof plain);
    }
    tt_net_free(net);
    return 0;
}
