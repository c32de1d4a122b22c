/*
 * The clock of the operating system.
 *
 * Threads: safe anywhere.
 */
#ifndef TT_ADAPTERS_SYSTEM_CLOCK_H
#define TT_ADAPTERS_SYSTEM_CLOCK_H

#include "ports/clock.h"

/* CLOCK_REALTIME and CLOCK_MONOTONIC. */
extern const struct tt_clock tt_clock_system;

#endif
