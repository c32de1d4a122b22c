/*
 * Signatures of the Standard Webhooks convention.
 *
 * Threads: pure functions.
 */
#ifndef TT_ADAPTERS_CURL_SIGNATURE_H
#define TT_ADAPTERS_CURL_SIGNATURE_H

#include "base/str.h"

#define TT_WEBHOOK_KEY_SIZE_MAX 64
#define TT_WEBHOOK_SIGNATURE_SIZE 48 /* "v1," + 44 + NUL */

struct tt_webhook_key {
    unsigned char bytes[TT_WEBHOOK_KEY_SIZE_MAX];
    size_t size;
};

/* "whsec_" + base64 of 24 to 64 bytes; false leaves *ret in no particular state. */
bool tt_webhook_key_parse(const char *text, struct tt_webhook_key *ret);
/* Of "id.timestamp.body"; timestamp in whole seconds. False when the library fails. */
bool tt_webhook_sign(const struct tt_webhook_key *key, struct tt_str id, int64_t timestamp_s,
                     struct tt_str body, char ret[TT_WEBHOOK_SIGNATURE_SIZE]);

#endif
