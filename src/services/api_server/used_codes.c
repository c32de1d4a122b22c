/* See used_codes.h. A line that cannot be read is left out: nobody but this file writes there. */
#include "services/api_server/used_codes.h"

#include <unistd.h>

#include "base/number.h"
#include "runtime/files.h"

#define FILE_SIZE_MAX (64u << 10)

/* Copies the lines that still count; TT_E_CONFLICT when the code is among them. */
static enum tt_status keep(struct tt_str text, struct tt_hash128 code, int64_t now_ms,
                           struct tt_buf *ret, struct tt_error *err)
{
    for (struct tt_str rest = text; rest.data != NULL;) {
        struct tt_str line = tt_str_split(&rest, '\n');
        struct tt_str until = line;
        struct tt_str hex = tt_str_split(&until, ' ');
        struct tt_hash128 hash;
        int64_t expires_ms = 0;
        if (!tt_hash128_parse(hex, &hash) || !tt_int64_parse(until, &expires_ms) ||
            expires_ms <= now_ms) {
            continue;
        }
        if (hash.high == code.high && hash.low == code.low) {
            return tt_fail(err, TT_E_CONFLICT, "the code was used already");
        }
        tt_buf_append_str(ret, line);
        tt_buf_append_char(ret, '\n');
    }
    return ret->status;
}

enum tt_status tt_used_codes_add(const struct tt_alloc *alloc, const char *path,
                                 struct tt_hash128 code, int64_t expires_ms, int64_t now_ms,
                                 struct tt_error *err)
{
    struct tt_buf old, fresh;
    tt_buf_init(&old, alloc, FILE_SIZE_MAX);
    tt_buf_init(&fresh, alloc, FILE_SIZE_MAX);
    enum tt_status status = access(path, F_OK) == 0 ? tt_file_read(path, &old, err) : TT_OK;
    if (status == TT_OK) {
        status = keep(tt_buf_str(&old), code, now_ms, &fresh, err);
    }
    if (status == TT_OK) {
        char hex[33];
        tt_hash128_hex(code, hex);
        tt_buf_append_format(&fresh, "%s %lld\n", hex, (long long)expires_ms);
        status = fresh.status == TT_OK
                     ? tt_file_write_private(path, tt_buf_str(&fresh), err)
                     : tt_fail(err, fresh.status, "%s: too many codes in use", path);
    }
    tt_buf_deinit(&fresh);
    tt_buf_deinit(&old);
    return status;
}
