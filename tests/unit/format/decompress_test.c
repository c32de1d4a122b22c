/* Compressed input: whole, joined, cut at every byte, damaged, too hungry. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "base/rng.h"
#include "format/decompress.h"
#include "support/torture.h"

#define PLAIN_SIZE 20000
#define PACKED_MAX 65536

struct packed {
    enum tt_compression kind;
    char data[PACKED_MAX];
    size_t size;
};
static char plain[PLAIN_SIZE];
static struct packed packed[3];

static size_t pack_gzip(const char *data, size_t size, char *out)
{
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    char *copy = malloc(size + 1);
    memcpy(copy, data, size);
    stream.next_in = (Bytef *)copy;
    stream.avail_in = (uInt)size;
    stream.next_out = (Bytef *)out;
    stream.avail_out = PACKED_MAX;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    size_t result = PACKED_MAX - stream.avail_out;
    deflateEnd(&stream);
    free(copy);
    return result;
}

static size_t pack_xz(const char *data, size_t size, char *out)
{
    size_t used = 0;
    assert_int_equal(lzma_easy_buffer_encode(0, LZMA_CHECK_CRC64, NULL, (const uint8_t *)data, size,
                                             (uint8_t *)out, &used, PACKED_MAX),
                     LZMA_OK);
    return used;
}

static size_t pack_zstd(const char *data, size_t size, char *out)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    size_t used = ZSTD_compress2(context, out, PACKED_MAX, data, size);
    assert_false(ZSTD_isError(used));
    ZSTD_freeCCtx(context);
    return used;
}

static int setup(void **state)
{
    struct tt_rng rng;
    (void)state;
    tt_rng_init(&rng, 3);
    for (size_t i = 0; i < PLAIN_SIZE; i++) {
        plain[i] = (char)('a' + (char)tt_rng_below(&rng, 8));
    }
    packed[0].kind = TT_COMPRESSION_GZIP;
    packed[0].size = pack_gzip(plain, PLAIN_SIZE, packed[0].data);
    packed[1].kind = TT_COMPRESSION_XZ;
    packed[1].size = pack_xz(plain, PLAIN_SIZE, packed[1].data);
    packed[2].kind = TT_COMPRESSION_ZSTD;
    packed[2].size = pack_zstd(plain, PLAIN_SIZE, packed[2].data);
    return 0;
}

struct result {
    enum tt_status status; /* TT_E_CLOSED at the end */
    struct tt_error error;
    enum tt_compression kind;
    size_t size;
    char *data;
};

/* Reads everything, at most `piece` bytes a read. */
static struct result unpack(struct tt_str input, size_t chunk, size_t piece, uint64_t memory_max)
{
    struct tt_memory_source memory;
    struct tt_decompress *decompress = NULL;
    struct result result = {.status = TT_OK};
    size_t capacity = 1 << 22;
    result.data = malloc(capacity);
    assert_int_equal(tt_decompress_open(&tt_alloc_libc,
                                        tt_memory_source_init(&memory, input, chunk), memory_max,
                                        &decompress, NULL),
                     TT_OK);
    struct tt_source source = tt_decompress_source(decompress);
    for (;;) {
        size_t size = 0;
        assert_true(result.size + piece <= capacity);
        result.status =
            source.read(source.ctx, result.data + result.size, piece, &size, &result.error);
        if (result.status != TT_OK) {
            assert_int_equal(source.read(source.ctx, result.data, 1, &size, NULL), result.status);
            break;
        }
        if (size == 0) {
            assert_int_equal(source.read(source.ctx, result.data, 1, &size, NULL), TT_OK);
            assert_int_equal(size, 0);
            result.status = TT_E_CLOSED;
            break;
        }
        result.size += size;
    }
    result.kind = tt_decompress_kind(decompress);
    if (result.status == TT_E_CLOSED) {
        assert_int_equal(tt_decompress_position(decompress), input.size);
    }
    tt_decompress_close(decompress);
    return result;
}

static void assert_plain(struct tt_str input, size_t times)
{
    static const size_t chunks[] = {0, 1, 13, 4096}, pieces[] = {1 << 17, 1, 100, 5000};
    for (size_t i = 0; i < 4; i++) {
        struct result result = unpack(input, chunks[i], pieces[i], 0);
        if (result.status != TT_E_CLOSED) {
            fail_msg("%s", result.error.message);
        }
        assert_int_equal(result.size, PLAIN_SIZE * times);
        for (size_t j = 0; j < times; j++) {
            assert_memory_equal(result.data + j * PLAIN_SIZE, plain, PLAIN_SIZE);
        }
        free(result.data);
    }
}

static void each_format_is_found_by_content(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct result result =
            unpack((struct tt_str){packed[i].data, packed[i].size}, 0, 1 << 17, 0);
        assert_int_equal(result.kind, packed[i].kind);
        free(result.data);
        assert_plain((struct tt_str){packed[i].data, packed[i].size}, 1);
    }
    assert_plain((struct tt_str){plain, PLAIN_SIZE}, 1);
    struct result empty = unpack(TT_STR(""), 0, 10, 0);
    assert_int_equal(empty.status, TT_E_CLOSED);
    assert_int_equal(empty.kind, TT_COMPRESSION_NONE);
    free(empty.data);
}

static void members_one_behind_another_are_all_read(void **state)
{
    static char joined[3 * PACKED_MAX];
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        size_t size = packed[i].size;
        for (size_t j = 0; j < 3; j++) {
            memcpy(joined + j * size, packed[i].data, size);
        }
        assert_plain((struct tt_str){joined, 3 * size}, 3);
    }
    /* Zero padding behind gzip, and a skippable frame before zstd. */
    memcpy(joined, packed[0].data, packed[0].size);
    memset(joined + packed[0].size, 0, 700);
    assert_plain((struct tt_str){joined, packed[0].size + 700}, 1);
    memcpy(joined, "\x50\x2a\x4d\x18\x03\x00\x00\x00xyz", 11);
    memcpy(joined + 11, packed[2].data, packed[2].size);
    assert_plain((struct tt_str){joined, packed[2].size + 11}, 1);
}

static void something_else_behind_the_data_is_damage(void **state)
{
    static char joined[2 * PACKED_MAX];
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        memcpy(joined, packed[i].data, packed[i].size);
        memcpy(joined + packed[i].size, "garbage", 7);
        struct result result = unpack((struct tt_str){joined, packed[i].size + 7}, 100, 1 << 17, 0);
        assert_int_equal(result.status, TT_E_CORRUPT);
        assert_int_equal(result.size, PLAIN_SIZE);
        assert_memory_equal(result.data, plain, PLAIN_SIZE);
        free(result.data);
    }
}

static void a_cut_at_any_byte_is_damage_behind_what_was_there(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        size_t last = 0;
        for (size_t size = 1; size < packed[i].size; size += size < 64 ? 1 : 37) {
            struct result result = unpack((struct tt_str){packed[i].data, size}, 0, 1 << 17, 0);
            if (packed[i].kind == TT_COMPRESSION_ZSTD && size == 1) {
                free(result.data);
                continue; /* one "(" may be text */
            }
            assert_int_equal(result.status, TT_E_CORRUPT);
            assert_int_equal(result.error.offset, size);
            assert_memory_equal(result.data, plain, result.size);
            assert_true(result.size >= last);
            last = result.size;
            free(result.data);
        }
        struct result result =
            unpack((struct tt_str){packed[i].data, packed[i].size - 1}, 0, 1 << 17, 0);
        assert_int_equal(result.status, TT_E_CORRUPT);
        /* Only the checksum is missing: everything was delivered. */
        assert_int_equal(result.size, PLAIN_SIZE);
        free(result.data);
    }
}

static void a_changed_byte_is_damage(void **state)
{
    static char changed[PACKED_MAX];
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        for (size_t at = 12; at < packed[i].size; at += 61) {
            memcpy(changed, packed[i].data, packed[i].size);
            changed[at] = (char)(changed[at] ^ 0x55);
            struct result result = unpack((struct tt_str){changed, packed[i].size}, 0, 1 << 17, 0);
            assert_true(result.status == TT_E_CORRUPT || result.status == TT_E_LIMIT);
            free(result.data);
        }
    }
}

static void a_large_window_is_refused(void **state)
{
    static char out[PACKED_MAX];
    lzma_options_lzma options;
    size_t used = 0;
    (void)state;
    lzma_lzma_preset(&options, 0);
    options.dict_size = 128u << 20;
    lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, NULL}};
    assert_int_equal(lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, NULL,
                                               (const uint8_t *)plain, PLAIN_SIZE, (uint8_t *)out,
                                               &used, sizeof out),
                     LZMA_OK);
    struct result result = unpack((struct tt_str){out, used}, 0, 1 << 17, 0);
    assert_int_equal(result.status, TT_E_LIMIT);
    free(result.data);
    result = unpack((struct tt_str){out, used}, 0, 1 << 17, UINT64_C(256) << 20);
    assert_int_equal(result.status, TT_E_CLOSED);
    free(result.data);
    options.dict_size = 64u << 20;
    used = 0;
    assert_int_equal(lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, NULL,
                                               (const uint8_t *)plain, PLAIN_SIZE, (uint8_t *)out,
                                               &used, sizeof out),
                     LZMA_OK);
    assert_plain((struct tt_str){out, used}, 1);
    ZSTD_CCtx *context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 27);
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
    ZSTD_inBuffer in = {plain, PLAIN_SIZE, 0};
    ZSTD_outBuffer to = {out, sizeof out, 0};
    assert_false(ZSTD_isError(ZSTD_compressStream2(context, &to, &in, ZSTD_e_flush)));
    assert_int_equal(ZSTD_compressStream2(context, &to, &in, ZSTD_e_end), 0);
    ZSTD_freeCCtx(context);
    result = unpack((struct tt_str){out, to.pos}, 0, 1 << 17, 0);
    assert_int_equal(result.status, TT_E_LIMIT);
    free(result.data);
}

static void other_formats_are_named(void **state)
{
    (void)state;
    struct result result = unpack(TT_STR("BZh91AY&SYabcdefgh"), 0, 100, 0);
    assert_int_equal(result.status, TT_E_UNSUPPORTED);
    assert_non_null(strstr(result.error.message, "bzip2"));
    free(result.data);
    result = unpack(TT_STR("PK\x03\x04 and so on"), 0, 100, 0);
    assert_int_equal(result.status, TT_E_UNSUPPORTED);
    free(result.data);
}

static enum tt_status failing_read(void *ctx, char *data, size_t capacity, size_t *ret_size,
                                   struct tt_error *err)
{
    struct tt_str *rest = ctx;
    if (rest->size == 0) {
        return tt_fail(err, TT_E_IO, "the disk is gone");
    }
    size_t size = rest->size < capacity ? rest->size : capacity;
    memcpy(data, rest->data, size);
    rest->data += size;
    rest->size -= size;
    *ret_size = size;
    return TT_OK;
}

static void a_failing_source_is_passed_on(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct tt_str rest = {packed[i].data, packed[i].size / 2};
        struct tt_decompress *decompress = NULL;
        struct tt_error err = {0};
        static char out[1 << 17];
        size_t size = 0;
        assert_int_equal(tt_decompress_open(&tt_alloc_libc, (struct tt_source){failing_read, &rest},
                                            0, &decompress, NULL),
                         TT_OK);
        struct tt_source source = tt_decompress_source(decompress);
        enum tt_status status;
        while ((status = source.read(source.ctx, out, sizeof out, &size, &err)) == TT_OK) {
        }
        assert_int_equal(status, TT_E_IO);
        assert_string_equal(err.message, "the disk is gone");
        tt_decompress_close(decompress);
    }
    tt_decompress_close(NULL);
}

static enum tt_status torture_body(const struct tt_alloc *alloc, void *ctx)
{
    const struct packed *input = ctx;
    struct tt_memory_source memory;
    struct tt_decompress *decompress = NULL;
    static char out[1 << 17];
    size_t size = 0;
    enum tt_status status = tt_decompress_open(
        alloc, tt_memory_source_init(&memory, (struct tt_str){input->data, input->size}, 0), 0,
        &decompress, NULL);
    while (status == TT_OK) {
        struct tt_source source = tt_decompress_source(decompress);
        status = source.read(source.ctx, out, sizeof out, &size, NULL);
        if (size == 0 || status != TT_OK) {
            break;
        }
    }
    tt_decompress_close(decompress);
    return status;
}

static void every_failed_allocation_is_survived(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        tt_torture_run(torture_body, &packed[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_format_is_found_by_content),
        cmocka_unit_test(members_one_behind_another_are_all_read),
        cmocka_unit_test(something_else_behind_the_data_is_damage),
        cmocka_unit_test(a_cut_at_any_byte_is_damage_behind_what_was_there),
        cmocka_unit_test(a_changed_byte_is_damage),
        cmocka_unit_test(a_large_window_is_refused),
        cmocka_unit_test(other_formats_are_named),
        cmocka_unit_test(a_failing_source_is_passed_on),
        cmocka_unit_test(every_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
