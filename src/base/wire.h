/*
 * Little-endian bytes: the bounded writer's and reader's primitives behind every binary form we
 * keep.
 *
 * What:    fixed-width integers, doubles and varints appended to a tt_buf, and read back from a
 *          view.
 * Why:     one reader that cannot run past its end: after the first failure every read gives 0 and
 *          `bad` stays set, so that a decoder checks once per section and never loops on garbage.
 * Owner:   the reader is a view; the buffer is the caller's.
 * Threads: values.
 * Fails:   writers as tt_buf_append (the buffer remembers); readers set bad.
 */
#ifndef TT_BASE_WIRE_H
#define TT_BASE_WIRE_H

#include "base/hash.h"

struct tt_wire {
    const unsigned char *next;
    const unsigned char *end;
    bool bad;
};

/* A failure is kept in buf->status; check it once at the end. */
void tt_wire_put_u8(struct tt_buf *buf, uint8_t value);
void tt_wire_put_u16(struct tt_buf *buf, uint16_t value);
void tt_wire_put_u32(struct tt_buf *buf, uint32_t value);
void tt_wire_put_u64(struct tt_buf *buf, uint64_t value);
/* The bits of the double, NaN payloads included. */
void tt_wire_put_double(struct tt_buf *buf, double value);
void tt_wire_put_float(struct tt_buf *buf, float value);
/* LEB128, 1 to 10 bytes. */
void tt_wire_put_varint(struct tt_buf *buf, uint64_t value);
void tt_wire_put_hash(struct tt_buf *buf, struct tt_hash128 hash);
/* A varint length and the bytes. */
void tt_wire_put_bytes(struct tt_buf *buf, struct tt_str bytes);

struct tt_wire tt_wire_reader(struct tt_str bytes);
uint8_t tt_wire_u8(struct tt_wire *wire);
uint16_t tt_wire_u16(struct tt_wire *wire);
uint32_t tt_wire_u32(struct tt_wire *wire);
/* The next one, left where it is. */
uint32_t tt_wire_peek_u32(const struct tt_wire *wire);
uint64_t tt_wire_u64(struct tt_wire *wire);
double tt_wire_double(struct tt_wire *wire);
float tt_wire_float(struct tt_wire *wire);
/* Refuses more than 64 bits. */
uint64_t tt_wire_varint(struct tt_wire *wire);
struct tt_hash128 tt_wire_hash(struct tt_wire *wire);
/* A view of the bytes; absent when bad. */
struct tt_str tt_wire_bytes(struct tt_wire *wire);
/* Bytes not yet read. */
static inline size_t tt_wire_left(const struct tt_wire *wire)
{
    return (size_t)(wire->end - wire->next);
}

#endif
