/*
 * Regular expressions by RE2: the patterns of struct tt_expr_host.
 *
 * What:    making a pattern, asking whether it matches a part of a text, giving it back.
 * Why:     RE2's time is linear in the text for every pattern, so that no rule can stop the stream.
 *          Source: Russ Cox, "Regular Expression Matching Can Be Simple And Fast", 2007.
 * Owner:   tt_re2_new makes, tt_re2_free gives back; memory is the library's own.
 * Threads: tt_re2_matches from any thread.
 * Limits:  TT_RE2_PATTERN_SIZE_MAX bytes a pattern, TT_RE2_MEMORY_MAX bytes for its programs.
 * Fails:   tt_re2_new: TT_E_INVALID with RE2's own words, TT_E_NOMEM.
 */
#ifndef TT_ADAPTERS_REGEX_REGEX_H
#define TT_ADAPTERS_REGEX_REGEX_H

#include "base/str.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TT_RE2_PATTERN_SIZE_MAX 4096
#define TT_RE2_MEMORY_MAX (1 << 20)

/* See struct tt_expr_host, pattern_new. */
enum tt_status tt_re2_new(struct tt_str pattern, void **ret, struct tt_error *err);
void tt_re2_free(void *pattern);
/* Whether the pattern matches some part of the text. */
bool tt_re2_matches(const void *pattern, struct tt_str text);

#ifdef __cplusplus
}
#endif

#endif
