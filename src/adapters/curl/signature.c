/* See signature.h. */
#include "adapters/curl/signature.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define KEY_SIZE_MIN 24
#define DIGEST_SIZE 32

bool tt_webhook_key_parse(const char *text, struct tt_webhook_key *ret)
{
    unsigned char decoded[3 * 32];
    size_t size = 0;
    if (strncmp(text, "whsec_", 6) != 0) {
        return false;
    }
    text += 6;
    size = strlen(text);
    if (size == 0 || size % 4 != 0 || size / 4 * 3 > sizeof decoded) {
        return false;
    }
    int got = EVP_DecodeBlock(decoded, (const unsigned char *)text, (int)size);
    if (got < 0) {
        return false;
    }
    size_t padding = (text[size - 1] == '=') + (size_t)(text[size - 2] == '=');
    ret->size = (size_t)got - padding;
    if (ret->size < KEY_SIZE_MIN || ret->size > TT_WEBHOOK_KEY_SIZE_MAX) {
        return false;
    }
    memcpy(ret->bytes, decoded, ret->size);
    return true;
}

bool tt_webhook_sign(const struct tt_webhook_key *key, struct tt_str id, int64_t timestamp_s,
                     struct tt_str body, char ret[TT_WEBHOOK_SIGNATURE_SIZE])
{
    char digest_name[] = "SHA256", middle[32];
    unsigned char digest[DIGEST_SIZE];
    size_t size = 0;
    int middle_size = snprintf(middle, sizeof middle, ".%lld.", (long long)timestamp_s);
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest_name, 0),
        OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;
    bool done = context != NULL && EVP_MAC_init(context, key->bytes, key->size, parameters) == 1 &&
                EVP_MAC_update(context, (const unsigned char *)id.data, id.size) == 1 &&
                EVP_MAC_update(context, (const unsigned char *)middle, (size_t)middle_size) == 1 &&
                EVP_MAC_update(context, (const unsigned char *)body.data, body.size) == 1 &&
                EVP_MAC_final(context, digest, &size, sizeof digest) == 1 && size == sizeof digest;
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(mac);
    if (done) {
        memcpy(ret, "v1,", 3);
        (void)EVP_EncodeBlock((unsigned char *)ret + 3, digest, DIGEST_SIZE);
    }
    return done;
}
