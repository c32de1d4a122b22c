/* See wire.h. Bytes are put together by shifts, so the host's order does not matter. */
#include "base/wire.h"

#include <string.h>

static void put_le(struct tt_buf *buf, uint64_t value, size_t size)
{
    unsigned char bytes[8];
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (unsigned char)(value >> (8 * i));
    }
    (void)tt_buf_append(buf, bytes, size);
}

void tt_wire_put_u8(struct tt_buf *buf, uint8_t value)
{
    put_le(buf, value, 1);
}

void tt_wire_put_u16(struct tt_buf *buf, uint16_t value)
{
    put_le(buf, value, 2);
}

void tt_wire_put_u32(struct tt_buf *buf, uint32_t value)
{
    put_le(buf, value, 4);
}

void tt_wire_put_u64(struct tt_buf *buf, uint64_t value)
{
    put_le(buf, value, 8);
}

void tt_wire_put_double(struct tt_buf *buf, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_le(buf, bits, 8);
}

void tt_wire_put_float(struct tt_buf *buf, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_le(buf, bits, 4);
}

void tt_wire_put_varint(struct tt_buf *buf, uint64_t value)
{
    unsigned char bytes[10];
    size_t size = 0;
    while (value >= 0x80) {
        bytes[size++] = (unsigned char)(value | 0x80);
        value >>= 7;
    }
    bytes[size++] = (unsigned char)value;
    (void)tt_buf_append(buf, bytes, size);
}

void tt_wire_put_hash(struct tt_buf *buf, struct tt_hash128 hash)
{
    put_le(buf, hash.high, 8);
    put_le(buf, hash.low, 8);
}

void tt_wire_put_bytes(struct tt_buf *buf, struct tt_str bytes)
{
    tt_wire_put_varint(buf, bytes.size);
    (void)tt_buf_append(buf, bytes.data != NULL ? bytes.data : "", bytes.size);
}

struct tt_wire tt_wire_reader(struct tt_str bytes)
{
    const unsigned char *data = (const unsigned char *)(bytes.data != NULL ? bytes.data : "");
    return (struct tt_wire){data, data + bytes.size, false};
}

static uint64_t get_le(struct tt_wire *wire, size_t size)
{
    if (wire->bad || tt_wire_left(wire) < size) {
        wire->bad = true;
        return 0;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        value |= (uint64_t)wire->next[i] << (8 * i);
    }
    wire->next += size;
    return value;
}

uint8_t tt_wire_u8(struct tt_wire *wire)
{
    return (uint8_t)get_le(wire, 1);
}

uint16_t tt_wire_u16(struct tt_wire *wire)
{
    return (uint16_t)get_le(wire, 2);
}

uint32_t tt_wire_u32(struct tt_wire *wire)
{
    return (uint32_t)get_le(wire, 4);
}

uint32_t tt_wire_peek_u32(const struct tt_wire *wire)
{
    struct tt_wire copy = *wire;
    return tt_wire_u32(&copy);
}

uint64_t tt_wire_u64(struct tt_wire *wire)
{
    return get_le(wire, 8);
}

double tt_wire_double(struct tt_wire *wire)
{
    uint64_t bits = get_le(wire, 8);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

float tt_wire_float(struct tt_wire *wire)
{
    uint32_t bits = (uint32_t)get_le(wire, 4);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

uint64_t tt_wire_varint(struct tt_wire *wire)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint64_t byte = get_le(wire, 1);
        if (shift == 63 && byte > 1) {
            wire->bad = true;
        }
        if (wire->bad) {
            return 0;
        }
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            return value;
        }
    }
    wire->bad = true;
    return 0;
}

struct tt_hash128 tt_wire_hash(struct tt_wire *wire)
{
    struct tt_hash128 hash;
    hash.high = get_le(wire, 8);
    hash.low = get_le(wire, 8);
    return hash;
}

struct tt_str tt_wire_bytes(struct tt_wire *wire)
{
    uint64_t size = tt_wire_varint(wire);
    if (wire->bad || size > tt_wire_left(wire)) {
        wire->bad = true;
        return (struct tt_str){NULL, 0};
    }
    struct tt_str bytes = {(const char *)wire->next, (size_t)size};
    wire->next += size;
    return bytes;
}
