/* Packed vectors: round trip, and nothing but a whole vector is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "core/features/vector.h"

static void make(struct tt_vector *vector, uint32_t count, struct tt_rng *rng)
{
    memset(vector, 0, sizeof(*vector));
    vector->plan = (struct tt_hash128){tt_rng_next(rng), tt_rng_next(rng)};
    vector->count = count;
    for (uint32_t i = 0; i < count; i++) {
        if (tt_rng_below(rng, 4) == 0) {
            tt_vector_set_missing(vector, i);
        } else {
            tt_vector_set(vector, i, tt_rng_normal(rng) * 1e6);
        }
    }
}

static void what_was_packed_comes_back(void **state)
{
    (void)state;
    struct tt_rng rng;
    struct tt_buf buf;
    tt_rng_init(&rng, 3);
    tt_buf_init(&buf, &tt_alloc_libc, 1U << 20);
    for (uint32_t count = 0; count <= TT_FEATURES_MAX; count++) {
        struct tt_vector vector, back = {0};
        make(&vector, count, &rng);
        tt_buf_clear(&buf);
        assert_int_equal(tt_vector_pack(&vector, &buf), TT_OK);
        assert_true(buf.size <= TT_VECTOR_BYTES_MAX);
        assert_int_equal(tt_vector_unpack(tt_buf_str(&buf), &back, NULL), TT_OK);
        assert_memory_equal(&vector, &back, sizeof(vector));
    }
    tt_buf_deinit(&buf);
}

static void a_cut_or_longer_one_is_corrupt(void **state)
{
    (void)state;
    struct tt_rng rng;
    struct tt_buf buf;
    struct tt_vector vector, untouched = {.count = 77};
    struct tt_error err;
    tt_rng_init(&rng, 4);
    tt_buf_init(&buf, &tt_alloc_libc, 1U << 20);
    make(&vector, 33, &rng);
    assert_int_equal(tt_vector_pack(&vector, &buf), TT_OK);
    for (size_t size = 0; size < buf.size; size++) {
        assert_int_equal(tt_vector_unpack((struct tt_str){buf.data, size}, &untouched, &err),
                         TT_E_CORRUPT);
    }
    assert_int_equal(tt_buf_append_char(&buf, '\0'), TT_OK);
    assert_int_equal(tt_vector_unpack(tt_buf_str(&buf), &untouched, &err), TT_E_CORRUPT);
    assert_int_equal(untouched.count, 77);
    tt_buf_deinit(&buf);
}

static void impossible_contents_are_corrupt(void **state)
{
    (void)state;
    struct tt_buf buf;
    struct tt_vector vector = {.count = 3}, back = {0};
    tt_buf_init(&buf, &tt_alloc_libc, 1U << 20);
    assert_int_equal(tt_vector_pack(&vector, &buf), TT_OK);
    buf.data[0] = 2; /* version */
    assert_int_equal(tt_vector_unpack(tt_buf_str(&buf), &back, NULL), TT_E_CORRUPT);
    buf.data[0] = 1;
    buf.data[2] = 1; /* 259 features */
    assert_int_equal(tt_vector_unpack(tt_buf_str(&buf), &back, NULL), TT_E_CORRUPT);
    buf.data[2] = 0;
    buf.data[19] = 8; /* a bit of feature 3 of 3 */
    assert_int_equal(tt_vector_unpack(tt_buf_str(&buf), &back, NULL), TT_E_CORRUPT);
    buf.data[19] = 0;
    memset(buf.data + 20, 0xff, 8); /* not a number */
    assert_int_equal(tt_vector_unpack(tt_buf_str(&buf), &back, NULL), TT_E_CORRUPT);
    memset(buf.data + 20, 0, 8);
    assert_int_equal(tt_vector_unpack(tt_buf_str(&buf), &back, NULL), TT_OK);
    tt_buf_deinit(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_packed_comes_back),
        cmocka_unit_test(a_cut_or_longer_one_is_corrupt),
        cmocka_unit_test(impossible_contents_are_corrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
