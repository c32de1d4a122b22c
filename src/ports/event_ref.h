/*
 * References to events that several consumers hold.
 *
 * What:    retain and release; the last release gives the event back to its pool.
 * Why:     buses and stages pass events on without knowing where they come from.
 * Threads: safe from any thread.
 */
#ifndef TT_PORTS_EVENT_REF_H
#define TT_PORTS_EVENT_REF_H

#include "core/event/event.h"

struct tt_event_home {
    /* Takes back an event nobody refers to any more; any thread. */
    void (*give_back)(struct tt_event_home *home, struct tt_event *event);
};

/* Adds references; the caller holds at least one. */
static inline void tt_event_retain(struct tt_event *event, int32_t count)
{
    __atomic_add_fetch(&event->references, count, __ATOMIC_RELAXED);
}

/* Gives up one reference. */
static inline void tt_event_release(struct tt_event *event)
{
    if (__atomic_sub_fetch(&event->references, 1, __ATOMIC_ACQ_REL) == 0) {
        event->home->give_back(event->home, event);
    }
}

#endif
