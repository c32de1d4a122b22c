/*
 * A feature vector as bytes.
 *
 * What:    version, plan hash, count, missing mask, the values that are there: 8 bytes each.
 * Why:     vectors are stored with every transaction and sent between services; a missing value
 * costs a bit. The length is implied by the header, and both are checked. Owner:   bytes go to the
 * caller's buffer, the vector is the caller's. Threads: pure functions. Limits:
 * TT_VECTOR_BYTES_MAX. Fails:   unpack with TT_E_CORRUPT (length, version, mask beyond count, not
 * finite), vector untouched.
 */
#ifndef TT_CORE_FEATURES_VECTOR_H
#define TT_CORE_FEATURES_VECTOR_H

#include "core/event/event.h"

#define TT_VECTOR_BYTES_MAX (3 + 16 + TT_FEATURES_MAX / 8 + 8 * TT_FEATURES_MAX + 8)

/* Appends the vector's bytes; fails as the buffer does. */
enum tt_status tt_vector_pack(const struct tt_vector *vector, struct tt_buf *buf) TT_MUST_USE;
/* Reads exactly `bytes`. A plan other than the expected one is the caller's to compare
 * (vector.plan). */
enum tt_status tt_vector_unpack(struct tt_str bytes, struct tt_vector *ret,
                                struct tt_error *err) TT_MUST_USE;

#endif
