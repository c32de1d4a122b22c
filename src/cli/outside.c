/* See outside.h. */
#include "cli/outside.h"

#include "adapters/regex/regex.h"
#include "adapters/system/zoneinfo.h"

const struct tt_expr_host tt_outside = {
    .pattern_new = tt_re2_new,
    .pattern_free = tt_re2_free,
    .pattern_matches = tt_re2_matches,
    .zone_new = tt_zoneinfo_new,
    .zone_free = tt_zoneinfo_free,
    .zone_offset = tt_zoneinfo_offset,
};
