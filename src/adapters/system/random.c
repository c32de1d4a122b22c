/* See random.h. */
#include "adapters/system/random.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

enum tt_status tt_random_bytes(void *ret, size_t size, struct tt_error *err)
{
    for (char *at = ret; size != 0;) {
        ssize_t got = getrandom(at, size, 0);
        if (got < 0 && errno != EINTR) {
            return tt_fail(err, TT_E_IO, "no random bytes: %s", strerror(errno));
        }
        if (got > 0) {
            at += got;
            size -= (size_t)got;
        }
    }
    return TT_OK;
}
