/* See verified.h. */
#include "adapters/cjose/verified.h"

void tt_verified_init(struct tt_verified *verified)
{
    for (size_t i = 0; i < TT_VERIFIED_LOCKS; i++) {
        (void)pthread_mutex_init(&verified->locks[i], NULL);
    }
}

void tt_verified_deinit(struct tt_verified *verified)
{
    for (size_t i = 0; i < TT_VERIFIED_LOCKS; i++) {
        (void)pthread_mutex_destroy(&verified->locks[i]);
    }
}

static bool same(struct tt_hash128 a, struct tt_hash128 b)
{
    return ((a.high ^ b.high) | (a.low ^ b.low)) == 0;
}

bool tt_verified_get(struct tt_verified *verified, struct tt_hash128 hash, int64_t now_ms,
                     struct tt_claims *ret)
{
    size_t set = hash.low % TT_VERIFIED_SETS;
    bool found = false;
    pthread_mutex_lock(&verified->locks[set % TT_VERIFIED_LOCKS]);
    for (size_t i = 0; i < TT_VERIFIED_WAYS && !found; i++) {
        const struct tt_verified_entry *entry = &verified->entries[set][i];
        found = same(entry->hash, hash) && now_ms >= entry->valid_from_ms &&
                now_ms < entry->valid_to_ms;
        if (found) {
            *ret = entry->claims;
        }
    }
    pthread_mutex_unlock(&verified->locks[set % TT_VERIFIED_LOCKS]);
    return found;
}

void tt_verified_put(struct tt_verified *verified, const struct tt_verified_entry *entry)
{
    size_t set = entry->hash.low % TT_VERIFIED_SETS;
    pthread_mutex_lock(&verified->locks[set % TT_VERIFIED_LOCKS]);
    struct tt_verified_entry *victim = &verified->entries[set][0];
    for (size_t i = 0; i < TT_VERIFIED_WAYS; i++) {
        struct tt_verified_entry *candidate = &verified->entries[set][i];
        if (same(candidate->hash, entry->hash)) {
            victim = candidate;
            break;
        }
        if (candidate->valid_to_ms < victim->valid_to_ms) {
            victim = candidate;
        }
    }
    *victim = *entry;
    pthread_mutex_unlock(&verified->locks[set % TT_VERIFIED_LOCKS]);
}
