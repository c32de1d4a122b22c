/*
 * Card numbers: found, and replaced before anything is stored or logged.
 *
 * What:    13 to 19 digits, with up to three spaces or dashes between groups, whose Luhn sum is
 *          right. In identifiers they become a keyed token (same number, same token, however it
 *          was spaced), elsewhere their middle is overwritten: 411111******1111.
 * Why:     a keyed hash of a number space this small is only as secret as its key; the key never
 *          leaves the process. A long numeric id that happens to be Luhn-valid (one in ten) is
 *          tokenised too: it stays unique and stable, it only looks different. UUIDs and
 *          hexadecimal hashes are left alone. Source: ISO/IEC 7812-1 (Luhn); PCI DSS 4.0, 3.4.1
 *          (first six and last four at most).
 * Threads: pure.
 */
#ifndef TT_FORMAT_RECORD_PAN_H
#define TT_FORMAT_RECORD_PAN_H

#include "base/hash.h"

/* The first card number at or behind *offset: true with *offset and *ret_size set to where it
 * stands. */
bool tt_pan_find(struct tt_str text, size_t *offset, size_t *ret_size);
/* Overwrites, in place, the middle digits of every card number with '*'; JSON escapes of digits
 * (\u0034) count as digits. Returns how many numbers were masked. */
uint32_t tt_pan_mask(char *data, size_t size);
/* text with every card number replaced by "tok_" and 32 hex digits, in the arena; when that would
 * be longer than size_max, one token of the whole text. *ret_text = text when there is none.
 * TT_E_NOMEM. */
enum tt_status tt_pan_tokenise(const struct tt_hash_key *key, struct tt_str text, size_t size_max,
                               struct tt_arena *arena, struct tt_str *ret_text,
                               uint32_t *ret_count) TT_MUST_USE;

#endif
