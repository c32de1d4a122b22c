/*
 * The configuration that is built in: the files of config/ as they were at build time.
 *
 * Owner:   static; NUL-free YAML text.
 * Threads: constants.
 */
#ifndef TT_CLI_BUILTIN_H
#define TT_CLI_BUILTIN_H

#include "base/str.h"

extern const struct tt_str tt_builtin_features;
extern const struct tt_str tt_builtin_rules;
extern const struct tt_str tt_builtin_detectors;
/* config/maps/handbook.yaml: `--map handbook`. */
extern const struct tt_str tt_builtin_map_handbook;

#endif
