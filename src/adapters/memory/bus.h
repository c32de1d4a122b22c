/*
 * The bus in memory: topics are rings of pointers.
 *
 * What:    one ring for each (producer, consumer) pair of a topic; a consumer takes from its rings in turn.
 * Why:     a ring never has two writers, so a message costs a few nanoseconds and no lock.
 * Owner:   the bus frees its producers and consumers; events belong to their pool.
 * Threads: opening is confined to one thread, before the first send.
 * Limits:  capacity is the number of events there can be at all (the pool's), so that send never waits.
 * Fails:   open calls with TT_E_NOMEM.
 */
#ifndef TT_ADAPTERS_MEMORY_BUS_H
#define TT_ADAPTERS_MEMORY_BUS_H

#include "ports/bus.h"

/* capacity: events of the pool that feeds this bus. */
enum tt_status tt_memory_bus_open(const struct tt_alloc *alloc, size_t capacity,
                                  struct tt_bus **ret, struct tt_error *err) TT_MUST_USE;

#endif
