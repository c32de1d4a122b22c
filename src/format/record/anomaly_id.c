/* Anomaly ids as ULIDs: time first, then a fixed hash. See record_write.h; form: the ULID
 * specification. */
#include <string.h>

#include "format/record/record_write.h"

#define TIME_SIZE 10
#define TIME_MAX_MS ((INT64_C(1) << 48) - 1)

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; /* Crockford's base 32 */

void tt_anomaly_id(const struct tt_txn *txn, char ret_id[TT_ANOMALY_ID_SIZE])
{
    /* A key of zeros: the id must be the same in every process. */
    static const struct tt_hash_key key = {0, 0};
    int64_t ms = txn->timestamp_ms;
    TT_ASSERT(ms >= 0 && ms <= TIME_MAX_MS);
    uint64_t time = (uint64_t)ms;
    struct tt_hash128 hash = tt_txn_key_hash(&key, txn);
    uint64_t parts[2] = {hash.high >> 24, hash.low >> 24}; /* 40 bits each, 8 characters */
    for (size_t i = 0; i < TIME_SIZE; i++) {
        ret_id[TIME_SIZE - 1 - i] = alphabet[(time >> (5 * i)) & 31];
    }
    for (size_t part = 0; part < 2; part++) {
        for (size_t i = 0; i < 8; i++) {
            ret_id[TIME_SIZE + part * 8 + 7 - i] = alphabet[(parts[part] >> (5 * i)) & 31];
        }
    }
    ret_id[TT_ANOMALY_ID_SIZE - 1] = '\0';
}

bool tt_anomaly_id_time(struct tt_str id, int64_t *ret_ms)
{
    uint64_t time = 0;
    if (id.size != TT_ANOMALY_ID_SIZE - 1) {
        return false;
    }
    for (size_t i = 0; i < id.size; i++) {
        const char *found = id.data[i] != '\0' ? strchr(alphabet, id.data[i]) : NULL;
        if (found == NULL) {
            return false;
        }
        time = i < TIME_SIZE ? time << 5 | (uint64_t)(found - alphabet) : time;
    }
    if (time > (uint64_t)TIME_MAX_MS) {
        return false;
    }
    *ret_ms = (int64_t)time;
    return true;
}
