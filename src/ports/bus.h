/*
 * Bus port: topics between stages.
 *
 * What:    producers append events to a topic in order; every group that consumes it gets each event
 *          once, in the order of its producer.
 * Why:     the same stages run over memory rings in one process and over Kafka between processes.
 *          In memory a message is a pointer to its event; between processes the topic's codec says
 *          which of the event's parts travel.
 * Owner:   each delivered message carries one reference to its event (ports/event_ref.h). send takes
 *          over the caller's reference, poll hands one to the caller.
 * Threads: open everything before the stages start; then one thread a producer and one a consumer.
 * Limits:  room for as many messages as there are events: an event is taken from the source only when
 *          the pool has one, so send in memory never finds a topic full.
 * Fails:   TT_E_AGAIN no room now (nothing sent); TT_E_IO; TT_E_CLOSED.
 */
#ifndef TT_PORTS_BUS_H
#define TT_PORTS_BUS_H

#include "core/event/event.h"
#include "ports/event_ref.h"

/* Called, from the sender's thread, after something was sent; signal may be NULL. */
struct tt_wake {
    void (*signal)(void *ctx);
    void *ctx;
};

struct tt_bus;
struct tt_producer;
struct tt_consumer;

struct tt_bus_ops {
    const char *name;
    /* A producer of the topic, which is made when it is new. */
    enum tt_status (*open_producer)(struct tt_bus *bus, const char *topic, struct tt_producer **ret,
                                    struct tt_error *err);
    /* A consumer of the topic for the group; wake is called when there is something. */
    enum tt_status (*open_consumer)(struct tt_bus *bus, const char *topic, const char *group,
                                    struct tt_wake wake, struct tt_consumer **ret,
                                    struct tt_error *err);
    /* Appends count events in order and takes over their references; all or nothing. */
    enum tt_status (*send)(struct tt_producer *producer, struct tt_event *const *events,
                           size_t count, struct tt_error *err);
    /* Up to count events that are there now; *ret_count = 0 when there are none. */
    enum tt_status (*poll)(struct tt_consumer *consumer, struct tt_event **ret_events, size_t count,
                           size_t *ret_count, struct tt_error *err);
    /* How many messages wait, about. */
    size_t (*lag)(const struct tt_consumer *consumer);
    /* Frees bus, producers and consumers; messages still inside are released. */
    void (*close)(struct tt_bus *bus);
};
/* Adapters embed these as their first member. */
struct tt_bus {
    const struct tt_bus_ops *ops;
};

#endif
