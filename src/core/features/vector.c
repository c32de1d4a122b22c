/* The packed vector: version 1 | count u16 | plan 16 bytes | mask | the values that are there,
 * little-endian. */
#include "core/features/vector.h"

#include <float.h>
#include <string.h>

#define VECTOR_VERSION 1
#define HEADER_SIZE (3 + 16)

static void put64(char *at, uint64_t value)
{
    for (size_t i = 0; i < 8; i++) {
        at[i] = (char)(unsigned char)(value >> (8 * i));
    }
}

static uint64_t get64(const char *at)
{
    uint64_t value = 0;
    for (size_t i = 0; i < 8; i++) {
        value |= (uint64_t)(unsigned char)at[i] << (8 * i);
    }
    return value;
}

static bool is_missing(const struct tt_vector *vector, uint32_t index)
{
    return ((vector->missing[index / 64] >> (index % 64)) & 1) != 0;
}

enum tt_status tt_vector_pack(const struct tt_vector *vector, struct tt_buf *buf)
{
    TT_ASSERT(vector->count <= TT_FEATURES_MAX);
    char bytes[TT_VECTOR_BYTES_MAX];
    size_t mask_size = (vector->count + 7) / 8, size = HEADER_SIZE + mask_size;
    bytes[0] = VECTOR_VERSION;
    bytes[1] = (char)(unsigned char)(vector->count & 0xff);
    bytes[2] = (char)(unsigned char)(vector->count >> 8);
    put64(bytes + 3, vector->plan.high);
    put64(bytes + 11, vector->plan.low);
    memset(bytes + HEADER_SIZE, 0, mask_size);
    for (uint32_t i = 0; i < vector->count; i++) {
        if (is_missing(vector, i)) {
            bytes[HEADER_SIZE + i / 8] = (char)(bytes[HEADER_SIZE + i / 8] | (1 << (i % 8)));
            continue;
        }
        uint64_t bits = 0;
        memcpy(&bits, &vector->values[i], sizeof(bits));
        put64(bytes + size, bits);
        size += sizeof(bits);
    }
    return tt_buf_append(buf, bytes, size);
}

static enum tt_status corrupt(struct tt_error *err, const char *what)
{
    return tt_fail(err, TT_E_CORRUPT, "packed feature vector: %s", what);
}

/* The mask and values behind a header that was checked. */
static enum tt_status unpack_values(struct tt_str bytes, struct tt_vector *vector,
                                    struct tt_error *err)
{
    const char *mask = bytes.data + HEADER_SIZE;
    size_t mask_size = (vector->count + 7) / 8, at = HEADER_SIZE + mask_size;
    for (size_t i = vector->count; i < 8 * mask_size; i++) {
        if (((unsigned char)mask[i / 8] >> (i % 8) & 1) != 0) {
            return corrupt(err, "the mask has a bit beyond the last feature");
        }
    }
    for (uint32_t i = 0; i < vector->count; i++) {
        if (((unsigned char)mask[i / 8] >> (i % 8) & 1) != 0) {
            tt_vector_set_missing(vector, i);
            continue;
        }
        if (bytes.size - at < sizeof(uint64_t)) {
            return corrupt(err, "too short");
        }
        uint64_t bits = get64(bytes.data + at);
        double value = 0.0;
        memcpy(&value, &bits, sizeof(value));
        if (!(value >= -DBL_MAX && value <= DBL_MAX)) {
            return corrupt(err, "a value is not finite");
        }
        tt_vector_set(vector, i, value);
        at += sizeof(bits);
    }
    return at == bytes.size ? TT_OK : corrupt(err, "too long");
}

enum tt_status tt_vector_unpack(struct tt_str bytes, struct tt_vector *ret, struct tt_error *err)
{
    struct tt_vector vector = {0};
    if (bytes.size < HEADER_SIZE) {
        return corrupt(err, "too short");
    }
    if (bytes.data[0] != VECTOR_VERSION) {
        return corrupt(err, "unknown version");
    }
    vector.count = (uint32_t)(unsigned char)bytes.data[1] | (uint32_t)(unsigned char)bytes.data[2]
                                                                << 8;
    if (vector.count > TT_FEATURES_MAX || bytes.size < HEADER_SIZE + (vector.count + 7) / 8) {
        return corrupt(err, "length and count do not agree");
    }
    vector.plan.high = get64(bytes.data + 3);
    vector.plan.low = get64(bytes.data + 11);
    enum tt_status status = unpack_values(bytes, &vector, err);
    if (status == TT_OK) {
        *ret = vector;
    }
    return status;
}
