/*
 * Streaming decompression (decompress.h): one driver, one small codec a format.
 *
 * A codec turns input into output and says what it needs next; the driver owns the input buffer and
 * the rule that what was decoded before a failure is delivered first: a failure found together with
 * output is kept and comes with the next read.
 */
#include "format/decompress.h"

#include <string.h>

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#define INPUT_SIZE (128u << 10)
#define MAGIC_SIZE 10

/* What a codec says after a step. */
enum step {
    STEP_MORE = 1, /* output made, or more input needed */
    STEP_END,      /* a member or frame ended: what comes must be another one */
    STEP_CORRUPT,
    STEP_MEMORY, /* needs more than memory_max */
    STEP_NOMEM,
};

struct tt_decompress {
    const struct tt_alloc *alloc;
    struct tt_source inner;
    uint64_t memory_max;
    enum tt_compression kind;
    bool input_ended;
    bool between; /* at a member's border: the input may end here */
    size_t at, filled;
    uint64_t position; /* of input[at] */
    enum tt_status failed;
    struct tt_error error;
    z_stream gzip;
    lzma_stream xz;
    lzma_allocator xz_allocator;
    ZSTD_DCtx *zstd;
    char input[INPUT_SIZE];
};

/* The libraries free without a size: each block carries its own. */
struct block {
    size_t size;
    size_t padding;
};

static void *block_new(const struct tt_alloc *alloc, size_t count, size_t size)
{
    size_t total = 0;
    if (__builtin_mul_overflow(count, size, &total) ||
        __builtin_add_overflow(total, sizeof(struct block), &total)) {
        return NULL;
    }
    struct block *block = tt_new(alloc, total);
    if (block == NULL) {
        return NULL;
    }
    block->size = total;
    return block + 1;
}

static void block_delete(const struct tt_alloc *alloc, void *pointer)
{
    if (pointer != NULL) {
        struct block *block = (struct block *)pointer - 1;
        tt_delete(alloc, block, block->size);
    }
}

static voidpf gzip_alloc(voidpf ctx, uInt count, uInt size)
{
    const struct tt_decompress *decompress = ctx;
    return block_new(decompress->alloc, count, size);
}

static void gzip_free(voidpf ctx, voidpf pointer)
{
    const struct tt_decompress *decompress = ctx;
    block_delete(decompress->alloc, pointer);
}

static void *xz_alloc(void *ctx, size_t count, size_t size)
{
    const struct tt_decompress *decompress = ctx;
    return block_new(decompress->alloc, count, size);
}

static void xz_free(void *ctx, void *pointer)
{
    const struct tt_decompress *decompress = ctx;
    block_delete(decompress->alloc, pointer);
}

static enum step step_gzip(struct tt_decompress *decompress, char *out, size_t *out_size)
{
    z_stream *stream = &decompress->gzip;
    size_t capacity = *out_size < UINT32_MAX ? *out_size : UINT32_MAX;
    size_t input = decompress->filled - decompress->at;
    stream->next_in = (Bytef *)decompress->input + decompress->at;
    stream->avail_in = (uInt)input;
    stream->next_out = (Bytef *)out;
    stream->avail_out = (uInt)capacity;
    int result = inflate(stream, Z_NO_FLUSH);
    size_t used = input - stream->avail_in;
    decompress->at += used;
    decompress->position += used;
    *out_size = capacity - stream->avail_out;
    if (result == Z_STREAM_END) {
        return inflateReset(stream) == Z_OK ? STEP_END : STEP_CORRUPT;
    }
    if (result == Z_MEM_ERROR) {
        return STEP_NOMEM;
    }
    return result == Z_OK || result == Z_BUF_ERROR ? STEP_MORE : STEP_CORRUPT;
}

static enum step step_xz(struct tt_decompress *decompress, char *out, size_t *out_size)
{
    lzma_stream *stream = &decompress->xz;
    size_t input = decompress->filled - decompress->at, capacity = *out_size;
    stream->next_in = (const uint8_t *)decompress->input + decompress->at;
    stream->avail_in = input;
    stream->next_out = (uint8_t *)out;
    stream->avail_out = capacity;
    bool finish = decompress->input_ended;
    lzma_ret result = lzma_code(stream, finish ? LZMA_FINISH : LZMA_RUN);
    size_t used = input - stream->avail_in;
    decompress->at += used;
    decompress->position += used;
    *out_size = capacity - stream->avail_out;
    switch (result) {
    case LZMA_STREAM_END:
        return STEP_END;
    case LZMA_OK:
        return STEP_MORE;
    case LZMA_MEMLIMIT_ERROR:
        return STEP_MEMORY;
    case LZMA_MEM_ERROR:
        return STEP_NOMEM;
    default:
        return STEP_CORRUPT;
    }
}

static enum step step_zstd(struct tt_decompress *decompress, char *out, size_t *out_size)
{
    ZSTD_inBuffer input = {decompress->input, decompress->filled, decompress->at};
    ZSTD_outBuffer output = {out, *out_size, 0};
    size_t result = ZSTD_decompressStream(decompress->zstd, &output, &input);
    decompress->position += input.pos - decompress->at;
    decompress->at = input.pos;
    *out_size = output.pos;
    if (ZSTD_isError(result) != 0) {
        /* The stable API has no error codes; the name of this one is documented. */
        const char *name = ZSTD_getErrorName(result);
        if (strstr(name, "too much memory") != NULL) {
            return STEP_MEMORY;
        }
        return strstr(name, "not enough memory") != NULL ? STEP_NOMEM : STEP_CORRUPT;
    }
    return result == 0 ? STEP_END : STEP_MORE;
}

/* Reads input until there are `wanted` bytes or it ends. */
static enum tt_status fill(struct tt_decompress *decompress, size_t wanted)
{
    while (decompress->filled - decompress->at < wanted && !decompress->input_ended) {
        size_t rest = decompress->filled - decompress->at, size = 0;
        memmove(decompress->input, decompress->input + decompress->at, rest);
        decompress->at = 0;
        decompress->filled = rest;
        struct tt_source inner = decompress->inner;
        enum tt_status status = inner.read(inner.ctx, decompress->input + rest, INPUT_SIZE - rest,
                                           &size, &decompress->error);
        if (status != TT_OK) {
            return status;
        }
        TT_ASSERT(size <= INPUT_SIZE - rest);
        decompress->filled += size;
        decompress->input_ended = size == 0;
    }
    return TT_OK;
}

static bool starts_with(struct tt_str input, const char *magic, size_t size)
{
    return input.size >= size && memcmp(input.data, magic, size) == 0;
}

/* zstd: a frame, or a skippable frame, with which some tools begin. */
static bool is_zstd(struct tt_str input)
{
    return starts_with(input, "\x28\xb5\x2f\xfd", 4) ||
           (input.size >= 4 && ((unsigned char)input.data[0] & 0xf0) == 0x50 &&
            memcmp(input.data + 1, "\x2a\x4d\x18", 3) == 0);
}

/* The name of a compression that is known, but not read. */
static const char *other_format(struct tt_str input)
{
    if (starts_with(input, "BZh", 3) && input.size >= 10 &&
        memcmp(input.data + 4, "1AY&SY", 6) == 0) {
        return "bzip2";
    }
    if (starts_with(input, "PK\x03\x04", 4)) {
        return "zip";
    }
    if (starts_with(input, "\x04\x22\x4d\x18", 4)) {
        return "lz4";
    }
    if (starts_with(input, "7z\xbc\xaf\x27\x1c", 6)) {
        return "7z";
    }
    return NULL;
}

/* The whole input is the beginning of a magic number that no text begins with. */
static bool is_cut_magic(struct tt_str input)
{
    return (input.size == 1 && input.data[0] == '\x1f') ||
           (input.size >= 1 && input.size < 6 &&
            starts_with(TT_STR("\xfd"
                               "7zXZ"),
                        input.data, input.size)) ||
           (input.size >= 2 && input.size < 4 &&
            starts_with(TT_STR("\x28\xb5\x2f"), input.data, input.size));
}

static enum tt_status start_gzip(struct tt_decompress *decompress)
{
    decompress->gzip.zalloc = gzip_alloc;
    decompress->gzip.zfree = gzip_free;
    decompress->gzip.opaque = decompress;
    if (inflateInit2(&decompress->gzip, 15 + 16) != Z_OK) {
        return tt_fail(&decompress->error, TT_E_NOMEM, "out of memory");
    }
    decompress->kind = TT_COMPRESSION_GZIP;
    return TT_OK;
}

static enum tt_status start_xz(struct tt_decompress *decompress)
{
    /* The decoder's own tables come on top of the dictionary. */
    uint64_t limit = decompress->memory_max + (UINT64_C(1) << 20);
    decompress->xz_allocator = (lzma_allocator){xz_alloc, xz_free, decompress};
    decompress->xz = (lzma_stream)LZMA_STREAM_INIT;
    decompress->xz.allocator = &decompress->xz_allocator;
    if (lzma_stream_decoder(&decompress->xz, limit, LZMA_CONCATENATED) != LZMA_OK) {
        return tt_fail(&decompress->error, TT_E_NOMEM, "out of memory");
    }
    decompress->kind = TT_COMPRESSION_XZ;
    return TT_OK;
}

static enum tt_status start_zstd(struct tt_decompress *decompress)
{
    int window_log = 63 - __builtin_clzll(decompress->memory_max);
    ZSTD_bounds bounds = ZSTD_dParam_getBounds(ZSTD_d_windowLogMax);
    window_log = window_log < bounds.lowerBound ? bounds.lowerBound : window_log;
    window_log = window_log > bounds.upperBound ? bounds.upperBound : window_log;
    decompress->zstd = ZSTD_createDCtx();
    if (decompress->zstd == NULL || ZSTD_isError(ZSTD_DCtx_setParameter(
                                        decompress->zstd, ZSTD_d_windowLogMax, window_log)) != 0) {
        return tt_fail(&decompress->error, TT_E_NOMEM, "out of memory");
    }
    decompress->kind = TT_COMPRESSION_ZSTD;
    return TT_OK;
}

static enum tt_status detect(struct tt_decompress *decompress)
{
    enum tt_status status = fill(decompress, MAGIC_SIZE);
    if (status != TT_OK) {
        return status;
    }
    struct tt_str input = {decompress->input + decompress->at, decompress->filled - decompress->at};
    if (starts_with(input, "\x1f\x8b", 2)) {
        return start_gzip(decompress);
    }
    if (starts_with(input,
                    "\xfd"
                    "7zXZ\0",
                    6)) {
        return start_xz(decompress);
    }
    if (is_zstd(input)) {
        return start_zstd(decompress);
    }
    const char *other = other_format(input);
    if (other != NULL) {
        return tt_fail_at(&decompress->error, TT_E_UNSUPPORTED, 0, 0, 0,
                          "%s is not supported: use gzip, xz or zstd", other);
    }
    if (is_cut_magic(input)) {
        return tt_fail_at(&decompress->error, TT_E_CORRUPT, 0, 0, input.size,
                          "the compressed data is cut off at byte %zu", input.size);
    }
    decompress->kind = TT_COMPRESSION_NONE;
    return TT_OK;
}

static enum tt_status read_plain(struct tt_decompress *decompress, char *data, size_t capacity,
                                 size_t *ret_size)
{
    size_t rest = decompress->filled - decompress->at;
    if (rest > 0) {
        size_t size = rest < capacity ? rest : capacity;
        memcpy(data, decompress->input + decompress->at, size);
        decompress->at += size;
        decompress->position += size;
        *ret_size = size;
        return TT_OK;
    }
    if (decompress->input_ended) {
        *ret_size = 0;
        return TT_OK;
    }
    enum tt_status status =
        decompress->inner.read(decompress->inner.ctx, data, capacity, ret_size, &decompress->error);
    if (status == TT_OK) {
        decompress->position += *ret_size;
        decompress->input_ended = *ret_size == 0;
    }
    return status;
}

static enum tt_status fail_step(struct tt_decompress *decompress, enum step step)
{
    static const char *const names[] = {[TT_COMPRESSION_NONE] = "plain",
                                        [TT_COMPRESSION_GZIP] = "gzip",
                                        [TT_COMPRESSION_XZ] = "xz",
                                        [TT_COMPRESSION_ZSTD] = "zstd"};
    const char *name = names[decompress->kind];
    uint64_t position = decompress->position;
    if (step == STEP_NOMEM) {
        return tt_fail(&decompress->error, TT_E_NOMEM, "out of memory");
    }
    if (step == STEP_MEMORY) {
        return tt_fail_at(&decompress->error, TT_E_LIMIT, 0, 0, position,
                          "the %s data needs a window of more than %llu bytes", name,
                          (unsigned long long)decompress->memory_max);
    }
    bool cut = decompress->input_ended && decompress->at == decompress->filled;
    return tt_fail_at(&decompress->error, TT_E_CORRUPT, 0, 0, position,
                      cut ? "the %s data is cut off at byte %llu"
                          : "the %s data is damaged at byte %llu",
                      name, (unsigned long long)position);
}

static bool is_member(const struct tt_decompress *decompress, struct tt_str input)
{
    return decompress->kind == TT_COMPRESSION_GZIP ? starts_with(input, "\x1f\x8b", 2)
                                                   : is_zstd(input);
}

/* Between members: the next one, or the end. Zero bytes behind a gzip member are padding (tapes,
 * block devices); anything else that is no member is damage. */
static enum tt_status cross_border(struct tt_decompress *decompress, bool *ret_end)
{
    for (;;) {
        enum tt_status status = fill(decompress, 4);
        if (status != TT_OK) {
            return status;
        }
        struct tt_str input = {decompress->input + decompress->at,
                               decompress->filled - decompress->at};
        *ret_end = input.size == 0;
        if (*ret_end || is_member(decompress, input)) {
            decompress->between = *ret_end;
            return TT_OK;
        }
        if (decompress->kind != TT_COMPRESSION_GZIP || input.data[0] != '\0') {
            return tt_fail_at(&decompress->error, TT_E_CORRUPT, 0, 0, decompress->position,
                              "there is something else behind the compressed data, at byte %llu",
                              (unsigned long long)decompress->position);
        }
        decompress->at++;
        decompress->position++;
    }
}

static enum step run_step(struct tt_decompress *decompress, char *data, size_t *size)
{
    switch (decompress->kind) {
    case TT_COMPRESSION_GZIP:
        return step_gzip(decompress, data, size);
    case TT_COMPRESSION_XZ:
        return step_xz(decompress, data, size);
    case TT_COMPRESSION_ZSTD:
    case TT_COMPRESSION_NONE:
        break;
    }
    return step_zstd(decompress, data, size);
}

/* One round: input, a step of the codec, what it means. *ret_size may stay 0. */
static enum tt_status decode(struct tt_decompress *decompress, char *data, size_t capacity,
                             size_t *ret_size, bool *ret_end)
{
    size_t size = capacity;
    *ret_size = 0;
    enum tt_status status = TT_OK;
    if (decompress->between) {
        status = cross_border(decompress, ret_end);
        if (status != TT_OK || *ret_end) {
            return status;
        }
    }
    status = fill(decompress, 1);
    if (status != TT_OK) {
        return status;
    }
    size_t before = decompress->at;
    enum step step = run_step(decompress, data, &size);
    *ret_size = size;
    if (step == STEP_END) {
        *ret_end = decompress->kind == TT_COMPRESSION_XZ;
        decompress->between = decompress->kind != TT_COMPRESSION_XZ;
        return TT_OK;
    }
    if (step == STEP_MORE) {
        bool stuck = size == 0 && decompress->at == before;
        return stuck && decompress->input_ended ? fail_step(decompress, STEP_CORRUPT) : TT_OK;
    }
    return fail_step(decompress, step);
}

static enum tt_status decompress_read(void *ctx, char *data, size_t capacity, size_t *ret_size,
                                      struct tt_error *err)
{
    struct tt_decompress *decompress = ctx;
    enum tt_status status = decompress->failed;
    bool end = false;
    size_t size = 0;
    TT_ASSERT(capacity > 0);
    if (status == TT_OK && decompress->kind == 0) {
        status = detect(decompress);
    }
    if (status == TT_OK && decompress->kind == TT_COMPRESSION_NONE) {
        status = read_plain(decompress, data, capacity, &size);
        end = true;
    }
    while (status == TT_OK && size == 0 && !end) {
        status = decode(decompress, data, capacity, &size, &end);
    }
    decompress->failed = status;
    if (status != TT_OK && size == 0) {
        if (err != NULL) {
            *err = decompress->error;
            err->status = status;
        }
        return status;
    }
    *ret_size = size;
    return TT_OK;
}

enum tt_status tt_decompress_open(const struct tt_alloc *alloc, struct tt_source inner,
                                  uint64_t memory_max, struct tt_decompress **ret,
                                  struct tt_error *err)
{
    struct tt_decompress *decompress = tt_new_array(alloc, 1, sizeof *decompress);
    if (decompress == NULL) {
        return tt_fail(err, TT_E_NOMEM, "out of memory");
    }
    decompress->alloc = alloc;
    decompress->inner = inner;
    decompress->memory_max = memory_max != 0 ? memory_max : TT_DECOMPRESS_MEMORY_MAX;
    *ret = decompress;
    return TT_OK;
}

struct tt_source tt_decompress_source(struct tt_decompress *decompress)
{
    return (struct tt_source){decompress_read, decompress};
}

enum tt_compression tt_decompress_kind(const struct tt_decompress *decompress)
{
    return decompress->kind;
}

uint64_t tt_decompress_position(const struct tt_decompress *decompress)
{
    return decompress->position;
}

void tt_decompress_close(struct tt_decompress *decompress)
{
    if (decompress == NULL) {
        return;
    }
    inflateEnd(&decompress->gzip);
    lzma_end(&decompress->xz);
    ZSTD_freeDCtx(decompress->zstd);
    tt_delete(decompress->alloc, decompress, sizeof *decompress);
}
