/*
 * What the program gives its expressions: RE2's regular expressions, the system's time zones.
 *
 * Threads: constant.
 */
#ifndef TT_CLI_OUTSIDE_H
#define TT_CLI_OUTSIDE_H

#include "core/expr/host.h"

extern const struct tt_expr_host tt_outside;

#endif
