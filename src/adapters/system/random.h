/*
 * Random bytes of the operating system.
 *
 * Threads: safe anywhere.
 * Fails:   TT_E_IO when the kernel has none.
 */
#ifndef TT_ADAPTERS_SYSTEM_RANDOM_H
#define TT_ADAPTERS_SYSTEM_RANDOM_H

#include "base/status.h"

/* Fills size bytes, fit for keys (getrandom). */
enum tt_status tt_random_bytes(void *ret, size_t size, struct tt_error *err) TT_MUST_USE;

#endif
