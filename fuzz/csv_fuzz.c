/* CSV and lines: the same rows, faults and places, however the bytes arrive. */
#include "base/hash.h"
#include "format/csv.h"
#include "format/lines.h"
#include "fuzz.h"

static const struct tt_hash_key hash_key = {1, 2};

static uint64_t mix(uint64_t hash, const void *data, size_t size)
{
    return tt_hash_mix(hash ^ tt_hash64(&hash_key, data, size));
}

static uint64_t mix_row(uint64_t hash, const struct tt_csv_row *row)
{
    uint64_t numbers[] = {row->line, row->offset, (uint64_t)row->fault, row->count};
    hash = mix(hash, numbers, sizeof numbers);
    for (uint32_t i = 0; i < row->count; i++) {
        hash = mix(hash, row->fields[i].data, row->fields[i].size);
    }
    return mix(hash, row->bytes.data, row->bytes.size);
}

/* One number for everything the reader gives at that chunk size. */
static uint64_t read_rows(struct tt_str text, size_t chunk)
{
    struct tt_memory_source memory;
    struct tt_csv_reader *reader = NULL;
    struct tt_csv_row row;
    struct tt_csv_options options = {.row_size_max = 100, .field_size_max = 40};
    struct tt_error err = {0};
    uint64_t hash = 0, line = 0;
    enum tt_status status = tt_csv_open(&tt_alloc_libc, tt_memory_source_init(&memory, text, chunk),
                                        &options, &reader, &err);
    while (status == TT_OK && (status = tt_csv_next(reader, &row, &err)) == TT_OK) {
        TT_ASSERT(row.line > line && row.offset + row.bytes.size <= text.size);
        line = row.line;
        hash = mix_row(hash, &row);
    }
    tt_csv_close(reader);
    return mix(hash, &status, sizeof status);
}

static uint64_t read_lines(struct tt_str text, size_t chunk)
{
    struct tt_memory_source memory;
    struct tt_line_reader reader;
    struct tt_line line;
    uint64_t hash = 0;
    TT_ASSERT(tt_line_reader_init(&reader, &tt_alloc_libc,
                                  tt_memory_source_init(&memory, text, chunk), 50) == TT_OK);
    while (tt_line_next(&reader, &line, NULL) == TT_OK) {
        uint64_t numbers[] = {line.number, line.offset, line.too_long ? 1 : 0};
        TT_ASSERT(line.bytes.size <= 50);
        hash = mix(mix(hash, numbers, sizeof numbers), line.bytes.data, line.bytes.size);
    }
    tt_line_reader_deinit(&reader);
    return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t chunks[] = {1, 3, 64};
    struct tt_str text = {(const char *)data, size};
    uint64_t rows = read_rows(text, 0), lines = read_lines(text, 0);
    for (size_t i = 0; i < TT_ARRAY_SIZE(chunks); i++) {
        TT_ASSERT(read_rows(text, chunks[i]) == rows);
        TT_ASSERT(read_lines(text, chunks[i]) == lines);
    }
    return 0;
}
