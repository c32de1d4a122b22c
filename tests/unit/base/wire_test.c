/* base/wire.h: what is written is read back; reading past the end fails and stays failed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/wire.h"
#include "support/torture.h"

static void write_all(struct tt_buf *buf)
{
    tt_wire_put_u8(buf, 0xab);
    tt_wire_put_u16(buf, 0xbeef);
    tt_wire_put_u32(buf, 0xdeadbeef);
    tt_wire_put_u64(buf, UINT64_MAX - 1);
    tt_wire_put_double(buf, -0.1);
    tt_wire_put_varint(buf, 300);
    tt_wire_put_varint(buf, UINT64_MAX);
    tt_wire_put_hash(buf, (struct tt_hash128){1, 2});
    tt_wire_put_bytes(buf, TT_STR("bytes"));
    tt_wire_put_bytes(buf, (struct tt_str){NULL, 0});
}

static bool read_all(struct tt_str bytes)
{
    struct tt_wire wire = tt_wire_reader(bytes);
    bool same = tt_wire_u8(&wire) == 0xab;
    same &= tt_wire_u16(&wire) == 0xbeef;
    same &= tt_wire_u32(&wire) == 0xdeadbeef;
    same &= tt_wire_u64(&wire) == UINT64_MAX - 1;
    double value = tt_wire_double(&wire);
    double expected = -0.1;
    same &= memcmp(&value, &expected, sizeof value) == 0;
    same &= tt_wire_varint(&wire) == 300;
    same &= tt_wire_varint(&wire) == UINT64_MAX;
    struct tt_hash128 hash = tt_wire_hash(&wire);
    same &= hash.high == 1 && hash.low == 2;
    same &= tt_str_equal(tt_wire_bytes(&wire), TT_STR("bytes"));
    same &= tt_wire_bytes(&wire).size == 0;
    return same && !wire.bad && tt_wire_left(&wire) == 0;
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, 4096);
    write_all(&buf);
    assert_int_equal(buf.status, TT_OK);
    assert_true(read_all(tt_buf_str(&buf)));
    tt_buf_deinit(&buf);
}

static void every_truncation_is_bad_and_stays_bad(void **state)
{
    (void)state;
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, 4096);
    write_all(&buf);
    for (size_t size = 0; size < buf.size; size++) {
        assert_false(read_all((struct tt_str){buf.data, size}));
    }
    struct tt_wire wire = tt_wire_reader((struct tt_str){buf.data, 1});
    assert_int_equal(tt_wire_u32(&wire), 0);
    assert_int_equal(tt_wire_u8(&wire), 0);
    assert_true(wire.bad);
    tt_buf_deinit(&buf);
}

static void a_varint_past_64_bits_is_refused(void **state)
{
    (void)state;
    static const char long_form[] = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02";
    struct tt_wire wire = tt_wire_reader((struct tt_str){long_form, 10});
    assert_int_equal(tt_wire_varint(&wire), 0);
    assert_true(wire.bad);
}

static void a_length_past_the_end_is_refused(void **state)
{
    (void)state;
    struct tt_wire wire = tt_wire_reader(TT_STR("\x05"
                                                "abc"));
    assert_null(tt_wire_bytes(&wire).data);
    assert_true(wire.bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(every_truncation_is_bad_and_stays_bad),
        cmocka_unit_test(a_varint_past_64_bits_is_refused),
        cmocka_unit_test(a_length_past_the_end_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
