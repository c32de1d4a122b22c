/* RE2 behind a C interface. Exceptions of the library's containers (memory) end here. */
#include "adapters/regex/regex.h"

#include <re2/re2.h>

#include <memory>
#include <new>

enum tt_status tt_re2_new(struct tt_str pattern, void **ret, struct tt_error *err)
{
    if (pattern.size > TT_RE2_PATTERN_SIZE_MAX) {
        return tt_fail(err, TT_E_INVALID, "a regular expression of more than %d bytes",
                       TT_RE2_PATTERN_SIZE_MAX);
    }
    try {
        RE2::Options options;
        options.set_log_errors(false);
        options.set_max_mem(TT_RE2_MEMORY_MAX);
        auto made = std::make_unique<RE2>(re2::StringPiece(pattern.data, pattern.size), options);
        if (!made->ok()) {
            return tt_fail(err, TT_E_INVALID, "no regular expression: %s", made->error().c_str());
        }
        *ret = made.release();
        return TT_OK;
    } catch (const std::bad_alloc &) {
        return tt_fail(err, TT_E_NOMEM, "out of memory");
    }
}

void tt_re2_free(void *pattern)
{
    delete static_cast<RE2 *>(pattern);
}

bool tt_re2_matches(const void *pattern, struct tt_str text)
{
    const RE2 *made = static_cast<const RE2 *>(pattern);
    return RE2::PartialMatch(re2::StringPiece(text.data, text.size), *made);
}
