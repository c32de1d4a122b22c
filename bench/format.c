/*
 * How fast records are read and written, on one core.
 *
 * usage: format [FILE [MAP]]
 *
 * Without FILE only: nanoseconds for one JSON transaction of 350 bytes, parsed and written. With a
 * CSV file (packed or not) also MB/s of decompression, of splitting into rows, and nanoseconds a
 * row through the mapping.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "format/decompress.h"
#include "format/record/record_json.h"
#include "format/record/record_map.h"
#include "format/record/record_write.h"
#include "format/yaml.h"

static const char text[] =
    "{\"transaction_id\":\"t-000017\",\"timestamp\":\"2026-03-01T12:30:05.123Z\",\"amount\":"
    "\"412.50\",\"currency\":\"EUR\",\"type\":\"purchase\",\"user_id\":\"u-881\",\"merchant_id\":"
    "\"m-42\",\"merchant_category_code\":\"5732\",\"merchant_country\":\"DE\",\"issuer_country\":"
    "\"AT\",\"latitude\":52.52,\"longitude\":13.40,\"channel\":\"online\",\"card_id\":\"c-1\","
    "\"device_id\":\"d-9\",\"ip\":\"203.0.113.9\",\"authorization\":\"approved\"}";

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void die(const char *what, const struct tt_error *err)
{
    fprintf(stderr, "%s: %u:%u: %s\n", what, err->line, err->column, err->message);
    exit(1);
}

static void measure_json(void)
{
    enum { ROUNDS = 2000000 };
    struct tt_arena arena;
    struct tt_record_schema schema;
    struct tt_verdict verdict;
    struct tt_txn txn;
    struct tt_buf buf;
    struct tt_json_writer writer;
    tt_arena_init(&arena, &tt_alloc_libc, 1 << 16, 1 << 20);
    tt_buf_init(&buf, &tt_alloc_libc, 1 << 16);
    tt_record_schema_init(&schema);
    double start = seconds_now();
    for (int i = 0; i < ROUNDS; i++) {
        tt_arena_reset(&arena);
        if (tt_record_json_txn(&schema, TT_STR(text), TT_TIME_NONE, &arena, &txn, NULL, &verdict) !=
            TT_OK) {
            abort();
        }
    }
    double parsed = seconds_now();
    for (int i = 0; i < ROUNDS; i++) {
        tt_buf_clear(&buf);
        tt_json_writer_init(&writer, &buf);
        tt_record_write_txn(&writer, &txn);
    }
    double written = seconds_now();
    printf("json_parse_ns %.0f (%zu bytes, %.0f MB/s)\n", (parsed - start) / ROUNDS * 1e9,
           sizeof text - 1, (double)(sizeof text - 1) * ROUNDS / (parsed - start) / 1e6);
    printf("json_write_ns %.0f\n", (written - parsed) / ROUNDS * 1e9);
    tt_buf_deinit(&buf);
    tt_arena_deinit(&arena);
}

static enum tt_status file_read(void *ctx, char *data, size_t capacity, size_t *ret_size,
                                struct tt_error *err)
{
    FILE *file = ctx;
    *ret_size = fread(data, 1, capacity, file);
    return ferror(file) == 0 ? TT_OK : tt_fail(err, TT_E_IO, "cannot read");
}

/* The whole plain content, so that the steps behind are measured alone. */
static struct tt_str unpack(const char *path)
{
    struct tt_decompress *decompress = NULL;
    struct tt_error err = {0};
    struct tt_buf buf;
    FILE *file = fopen(path, "rb");
    if (file == NULL || tt_decompress_open(&tt_alloc_libc, (struct tt_source){file_read, file}, 0,
                                           &decompress, &err) != TT_OK) {
        die(path, &err);
    }
    tt_buf_init(&buf, &tt_alloc_libc, (size_t)4 << 30);
    struct tt_source source = tt_decompress_source(decompress);
    double start = seconds_now();
    for (size_t size = 1; size > 0;) {
        char *to = tt_buf_reserve(&buf, 1 << 18);
        if (to == NULL || source.read(source.ctx, to, 1 << 18, &size, &err) != TT_OK) {
            die(path, &err);
        }
        buf.size += size;
    }
    printf("decompress_mb_per_s %.0f (plain side)\n",
           (double)buf.size / (seconds_now() - start) / 1e6);
    tt_decompress_close(decompress);
    fclose(file);
    return tt_buf_str(&buf);
}

static const struct tt_record_map *read_map(const char *path, struct tt_arena *arena)
{
    static char yaml[1 << 16];
    struct tt_tree *tree = NULL;
    const struct tt_record_map *map = NULL;
    struct tt_error err = {0};
    FILE *file = fopen(path, "rb");
    size_t size = file != NULL ? fread(yaml, 1, sizeof yaml, file) : 0;
    if (tt_yaml_parse(arena, (struct tt_str){yaml, size}, &tree, &err) != TT_OK ||
        tt_record_map_compile(arena, tree, &map, &err) != TT_OK) {
        die(path, &err);
    }
    fclose(file);
    return map;
}

/* Seconds for all rows; map NULL = only split. */
static double run_rows(struct tt_str csv, const struct tt_record_map *map, uint64_t *ret_rows)
{
    struct tt_memory_source memory;
    struct tt_csv_reader *reader = NULL;
    struct tt_csv_row row;
    struct tt_arena arena, maps;
    struct tt_record_schema schema;
    struct tt_verdict verdict;
    struct tt_map_label label;
    struct tt_error err = {0};
    struct tt_txn txn;
    uint32_t count = 0;
    const struct tt_record_map *bound = NULL;
    tt_arena_init(&arena, &tt_alloc_libc, 1 << 16, 1 << 20);
    tt_arena_init(&maps, &tt_alloc_libc, 1 << 16, 1 << 20);
    tt_record_schema_init(&schema);
    double start = seconds_now();
    if (tt_csv_open(&tt_alloc_libc, tt_memory_source_init(&memory, csv, 0),
                    &(struct tt_csv_options){0}, &reader, &err) != TT_OK) {
        die("csv", &err);
    }
    const struct tt_str *header = tt_csv_header(reader, &count);
    if (map != NULL && tt_record_map_bind(&maps, map, header, count, &bound, &err) != TT_OK) {
        die("map", &err);
    }
    for (*ret_rows = 0; tt_csv_next(reader, &row, &err) == TT_OK; (*ret_rows)++) {
        if (bound != NULL) {
            tt_arena_reset(&arena);
            if (tt_record_map_csv(bound, &schema, &row, TT_TIME_NONE, &arena, &txn, &label, NULL,
                                  &verdict) != TT_OK) {
                fprintf(stderr, "line %u: %s\n", verdict.line, verdict.detail);
                exit(1);
            }
        }
    }
    double seconds = seconds_now() - start;
    tt_csv_close(reader);
    tt_arena_deinit(&arena);
    tt_arena_deinit(&maps);
    return seconds;
}

int main(int argc, char **argv)
{
    struct tt_arena arena;
    uint64_t rows = 0;
    measure_json();
    if (argc < 2) {
        return 0;
    }
    tt_arena_init(&arena, &tt_alloc_libc, 1 << 16, 16 << 20);
    struct tt_str csv = unpack(argv[1]);
    double split = run_rows(csv, NULL, &rows);
    printf("csv_mb_per_s %.0f (%.1f MB, %llu rows, %.0f ns a row)\n",
           (double)csv.size / split / 1e6, (double)csv.size / 1e6, (unsigned long long)rows,
           split / (double)rows * 1e9);
    if (argc > 2) {
        double mapped = run_rows(csv, read_map(argv[2], &arena), &rows);
        printf("csv_map_row_ns %.0f (splitting included)\n", mapped / (double)rows * 1e9);
    }
    return 0;
}
