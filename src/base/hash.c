/*
 * SipHash in its two uses, Kafka's murmur2 and a bit mixer.
 *
 * One always-inlined round and absorber serve both SipHash variants, with the round counts known at
 * compile time. Words are read little-endian whatever the machine.
 */
#include "base/hash.h"

#include <string.h>

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate_left(uint64_t value, int bits)
{
    return (value << bits) | (value >> (64 - bits));
}

static inline uint64_t load_le64(const unsigned char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static inline uint32_t load_le32(const unsigned char *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap32(word);
#endif
    return word;
}

static inline void sip_rounds(struct sip *s, int count)
{
    for (int i = 0; i < count; i++) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotate_left(s->v1, 13) ^ s->v0;
        s->v3 = rotate_left(s->v3, 16) ^ s->v2;
        s->v0 = rotate_left(s->v0, 32) + s->v3;
        s->v2 += s->v1;
        s->v3 = rotate_left(s->v3, 21) ^ s->v0;
        s->v1 = rotate_left(s->v1, 17) ^ s->v2;
        s->v2 = rotate_left(s->v2, 32);
    }
}

static inline struct sip sip_init(const struct tt_hash_key *key)
{
    return (struct sip){
        .v0 = key->k0 ^ UINT64_C(0x736f6d6570736575),
        .v1 = key->k1 ^ UINT64_C(0x646f72616e646f6d),
        .v2 = key->k0 ^ UINT64_C(0x6c7967656e657261),
        .v3 = key->k1 ^ UINT64_C(0x7465646279746573),
    };
}

/* The last 0 to 7 bytes with the size in the top byte. Two overlapping reads instead of a loop:
 * ids are short, and a loop of unknown length is what a short hash spends its time on. */
static inline uint64_t last_word(const unsigned char *tail, size_t tail_size, size_t size)
{
    uint64_t word = (uint64_t)size << 56;
    if (tail_size >= 4) {
        word |= load_le32(tail);
        word |= (uint64_t)load_le32(tail + tail_size - 4) << (8 * (tail_size - 4));
    } else if (tail_size > 0) {
        word |= tail[0];
        word |= (uint64_t)tail[tail_size / 2] << (8 * (tail_size / 2));
        word |= (uint64_t)tail[tail_size - 1] << (8 * (tail_size - 1));
    }
    return word;
}

static inline void sip_absorb(struct sip *s, uint64_t word, int rounds)
{
    s->v3 ^= word;
    sip_rounds(s, rounds);
    s->v0 ^= word;
}

static inline void sip_absorb_all(struct sip *s, const void *data, size_t size, int rounds)
{
    static const unsigned char nothing[1];
    const unsigned char *bytes = size > 0 ? data : nothing;
    size_t whole = size & ~(size_t)7;
    for (size_t i = 0; i < whole; i += 8) {
        sip_absorb(s, load_le64(bytes + i), rounds);
    }
    sip_absorb(s, last_word(bytes + whole, size & 7, size), rounds);
}

static inline uint64_t sip_fold(const struct sip *s)
{
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

uint64_t tt_hash64(const struct tt_hash_key *key, const void *data, size_t size)
{
    struct sip s = sip_init(key);
    sip_absorb_all(&s, data, size, 1);
    s.v2 ^= 0xff;
    sip_rounds(&s, 3);
    return sip_fold(&s);
}

struct tt_hash128 tt_hash128(const struct tt_hash_key *key, const void *data, size_t size)
{
    struct tt_hash128 hash;
    struct sip s = sip_init(key);
    s.v1 ^= 0xee;
    sip_absorb_all(&s, data, size, 2);
    s.v2 ^= 0xee;
    sip_rounds(&s, 4);
    hash.high = sip_fold(&s);
    s.v1 ^= 0xdd;
    sip_rounds(&s, 4);
    hash.low = sip_fold(&s);
    return hash;
}

static void hex64(uint64_t value, char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 15; i >= 0; i--) {
        text[i] = digits[value & 15];
        value >>= 4;
    }
}

void tt_hash128_hex(struct tt_hash128 hash, char ret_text[33])
{
    hex64(hash.high, ret_text);
    hex64(hash.low, ret_text + 16);
    ret_text[32] = '\0';
}

static bool unhex64(const char *text, uint64_t *ret)
{
    uint64_t value = 0;
    for (int i = 0; i < 16; i++) {
        char c = text[i];
        unsigned digit;
        if (c >= '0' && c <= '9') {
            digit = (unsigned)(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            digit = (unsigned)(c - 'a') + 10;
        } else if (c >= 'A' && c <= 'F') {
            digit = (unsigned)(c - 'A') + 10;
        } else {
            return false;
        }
        value = (value << 4) | digit;
    }
    *ret = value;
    return true;
}

bool tt_hash128_parse(struct tt_str text, struct tt_hash128 *ret)
{
    struct tt_hash128 hash;
    if (text.size != 32 || !unhex64(text.data, &hash.high) || !unhex64(text.data + 16, &hash.low)) {
        return false;
    }
    *ret = hash;
    return true;
}

uint64_t tt_hash_mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

uint32_t tt_murmur2(const void *data, size_t size)
{
    const uint32_t m = UINT32_C(0x5bd1e995);
    const unsigned char *bytes = data;
    uint32_t h = UINT32_C(0x9747b28c) ^ (uint32_t)size;
    size_t whole = size & ~(size_t)3;
    for (size_t i = 0; i < whole; i += 4) {
        uint32_t k = load_le32(bytes + i) * m;
        k ^= k >> 24;
        h = (h * m) ^ (k * m);
    }
    size_t left = size & 3;
    if (left > 0) {
        for (size_t i = left; i-- > 0;) {
            h ^= (uint32_t)bytes[whole + i] << (8 * i);
        }
        h *= m;
    }
    h = (h ^ (h >> 13)) * m;
    return h ^ (h >> 15);
}
