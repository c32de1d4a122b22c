/* Hashes against reference vectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"

/* Made with OpenSSL 3 for the input 00 01 02 … and the key 00 01 … 0f:
 *   openssl mac -macopt hexkey:000102…0f -macopt size:8 -macopt c-rounds:1 -macopt d-rounds:3 SIPHASH
 *   openssl mac -macopt hexkey:000102…0f -macopt size:16 SIPHASH
 * read as little-endian words. */
static const struct {
    size_t size;
    uint64_t hash64, high, low;
} vectors[] = {
    {0, UINT64_C(0xabac0158050fc4dc), UINT64_C(0xe6a825ba047f81a3), UINT64_C(0x930255c71472f66d)},
    {1, UINT64_C(0xc9f49bf37d57ca93), UINT64_C(0x44af996bd8c187da), UINT64_C(0x45fc229b11597634)},
    {2, UINT64_C(0x82cb9b024dc7d44d), UINT64_C(0xc75da4a48d227781), UINT64_C(0xe4ff0af6de8ba3fc)},
    {3, UINT64_C(0x8bf80ab8e7ddf7fb), UINT64_C(0x4ea967520cb6709c), UINT64_C(0x51ed8529b0b6335f)},
    {4, UINT64_C(0xcf75576088d38328), UINT64_C(0xaf8f9c2dc16481f8), UINT64_C(0x7955cd7b7c6e0f7d)},
    {5, UINT64_C(0xdef9d52f49533b67), UINT64_C(0x886f778059876813), UINT64_C(0x27960e69077a5254)},
    {6, UINT64_C(0xc50d2b50c59f22a7), UINT64_C(0x1386208b33caee14), UINT64_C(0x5ea1d78f30a05e48)},
    {7, UINT64_C(0xd3927d989bb11140), UINT64_C(0x53c1dbd8beebf1a1), UINT64_C(0x3982f01fa64ab8c0)},
    {8, UINT64_C(0x369095118d299a8e), UINT64_C(0x61f55862baa9623b), UINT64_C(0xb49714f364e2830f)},
    {9, UINT64_C(0x25a48eb36c063de4), UINT64_C(0xabbad90a06994426), UINT64_C(0xed716dbb028b7fc4)},
    {10, UINT64_C(0x79de85ee92ff097f), UINT64_C(0x56691478c30d1100), UINT64_C(0xbafbd0f3d34754c9)},
    {11, UINT64_C(0x70c118c1f94dc352), UINT64_C(0x77666b3868c55101), UINT64_C(0x18dce5816fdcb4a2)},
    {12, UINT64_C(0x78a384b157b4d9a2), UINT64_C(0x58f35e9066b226d6), UINT64_C(0x25c13285f64d6382)},
    {13, UINT64_C(0x306f760c1229ffa7), UINT64_C(0x108bc0e947e26998), UINT64_C(0xf752b9c44f9329d0)},
    {14, UINT64_C(0x605aa111c0f95d34), UINT64_C(0x9cded766aceffc31), UINT64_C(0x024949e45f48c77e)},
    {15, UINT64_C(0xd320d86d2a519956), UINT64_C(0x11a8b03399e99354), UINT64_C(0xd9c3cf970fec087e)},
    {16, UINT64_C(0xcc4fdd1a7d908b66), UINT64_C(0xbb54b067caa4e26e), UINT64_C(0x77052385bf1533fd)},
    {17, UINT64_C(0x9cf2689063dbd80c), UINT64_C(0x98b88d73e8063d47), UINT64_C(0x4077e47ac466c054)},
    {63, UINT64_C(0x9d199062b7bbb3a8), UINT64_C(0x4a83502f77d15051), UINT64_C(0x7cbd3f979a063e50)},
};

static void siphash_agrees_with_the_reference(void **state)
{
    (void)state;
    const struct tt_hash_key key = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
    unsigned char data[64];
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (unsigned char)i;
    }
    for (size_t i = 0; i < TT_ARRAY_SIZE(vectors); i++) {
        assert_true(tt_hash64(&key, data, vectors[i].size) == vectors[i].hash64);
        struct tt_hash128 hash = tt_hash128(&key, data, vectors[i].size);
        assert_true(hash.high == vectors[i].high);
        assert_true(hash.low == vectors[i].low);
    }
    assert_true(tt_hash64(&key, NULL, 0) == vectors[0].hash64);
}

static void hash_text_reads_back(void **state)
{
    (void)state;
    struct tt_hash128 hash = {UINT64_C(0x0123456789abcdef), UINT64_C(0xfedcba9876543210)};
    char text[33];
    tt_hash128_hex(hash, text);
    assert_string_equal(text, "0123456789abcdeffedcba9876543210");
    struct tt_hash128 read = {0, 0};
    assert_true(tt_hash128_parse(tt_str_from(text), &read));
    assert_true(read.high == hash.high && read.low == hash.low);
    assert_true(tt_hash128_parse(TT_STR("0123456789ABCDEFFEDCBA9876543210"), &read));
    assert_true(read.high == hash.high && read.low == hash.low);
    read.high = 5;
    assert_false(tt_hash128_parse(TT_STR("0123456789abcdeffedcba987654321"), &read));
    assert_false(tt_hash128_parse(TT_STR("0123456789abcdeffedcba987654321g"), &read));
    assert_false(tt_hash128_parse((struct tt_str){NULL, 0}, &read));
    assert_true(read.high == 5);
}

static void murmur2_agrees_with_kafkas_java_client(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int32_t hash;
    } kafka[] = {
        {"21", -973932308},
        {"foobar", -790332482},
        {"a-little-bit-long-string", -985981536},
        {"a-little-bit-longer-string", -1486304829},
        {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
        {"abc", 479470107},
    };
    for (size_t i = 0; i < TT_ARRAY_SIZE(kafka); i++) {
        assert_int_equal((int32_t)tt_murmur2(kafka[i].text, strlen(kafka[i].text)), kafka[i].hash);
    }
}

static void mixing_is_splitmix64(void **state)
{
    (void)state;
    /* First outputs of splitmix64 seeded with 1234567. */
    static const uint64_t outputs[] = {UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
                                       UINT64_C(9817491932198370423)};
    uint64_t seed = 1234567;
    for (size_t i = 0; i < TT_ARRAY_SIZE(outputs); i++) {
        seed += UINT64_C(0x9e3779b97f4a7c15);
        assert_true(tt_hash_mix(seed) == outputs[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(siphash_agrees_with_the_reference),
        cmocka_unit_test(hash_text_reads_back),
        cmocka_unit_test(murmur2_agrees_with_kafkas_java_client),
        cmocka_unit_test(mixing_is_splitmix64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
