/* See bus.h. Topics, producers and consumers are few and live until close: lists are enough. */
#include "adapters/memory/bus.h"

#include <string.h>

#include "base/ring.h"

struct topic {
    struct topic *next;
    struct tt_producer *producers;
    struct tt_consumer *consumers;
    char name[];
};

/* The ring from one producer to one consumer. */
struct link {
    struct tt_ring ring;
    struct link *next_of_producer, *next_of_consumer;
    struct tt_consumer *consumer;
};

struct tt_producer {
    struct memory_bus *bus;
    struct tt_producer *next;
    struct link *links;
    int32_t link_count;
};

struct tt_consumer {
    struct memory_bus *bus;
    struct tt_consumer *next;
    struct link *links, *turn; /* turn: the link to take from first */
    struct tt_wake wake;
};

struct memory_bus {
    struct tt_bus bus;
    const struct tt_alloc *alloc;
    size_t capacity;
    struct topic *topics;
};

static void free_all(struct memory_bus *bus)
{
    for (struct topic *topic = bus->topics, *next_topic; topic != NULL; topic = next_topic) {
        next_topic = topic->next;
        for (struct tt_producer *producer = topic->producers, *next; producer != NULL;
             producer = next) {
            next = producer->next;
            for (struct link *link = producer->links, *next_link; link != NULL; link = next_link) {
                next_link = link->next_of_producer;
                for (struct tt_event *event; (event = tt_ring_pop(&link->ring)) != NULL;) {
                    tt_event_release(event);
                }
                tt_ring_deinit(&link->ring);
                tt_delete(bus->alloc, link, sizeof *link);
            }
            tt_delete(bus->alloc, producer, sizeof *producer);
        }
        for (struct tt_consumer *consumer = topic->consumers, *next; consumer != NULL;
             consumer = next) {
            next = consumer->next;
            tt_delete(bus->alloc, consumer, sizeof *consumer);
        }
        tt_delete(bus->alloc, topic, sizeof *topic + strlen(topic->name) + 1);
    }
    tt_delete(bus->alloc, bus, sizeof *bus);
}

static enum tt_status find_topic(struct memory_bus *bus, const char *name, struct topic **ret,
                                 struct tt_error *err)
{
    for (struct topic *topic = bus->topics; topic != NULL; topic = topic->next) {
        if (strcmp(topic->name, name) == 0) {
            *ret = topic;
            return TT_OK;
        }
    }
    size_t size = strlen(name) + 1;
    struct topic *topic = tt_new(bus->alloc, sizeof *topic + size);
    if (topic == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for topic '%s'", name);
    }
    memset(topic, 0, sizeof *topic);
    memcpy(topic->name, name, size);
    topic->next = bus->topics;
    bus->topics = topic;
    *ret = topic;
    return TT_OK;
}

static enum tt_status connect(struct memory_bus *bus, struct tt_producer *producer,
                              struct tt_consumer *consumer, struct tt_error *err)
{
    struct link *link = tt_new_array(bus->alloc, 1, sizeof *link);
    if (link == NULL || tt_ring_init(&link->ring, bus->alloc, bus->capacity) != TT_OK) {
        tt_delete(bus->alloc, link, sizeof *link);
        return tt_fail(err, TT_E_NOMEM, "no memory for a ring of %zu events", bus->capacity);
    }
    link->consumer = consumer;
    link->next_of_producer = producer->links;
    producer->links = link;
    producer->link_count++;
    link->next_of_consumer = consumer->links;
    consumer->links = link;
    consumer->turn = link;
    return TT_OK;
}

static enum tt_status open_producer(struct tt_bus *base, const char *name, struct tt_producer **ret,
                                    struct tt_error *err)
{
    struct memory_bus *bus = (struct memory_bus *)base;
    struct topic *topic = NULL;
    enum tt_status status = find_topic(bus, name, &topic, err);
    if (status != TT_OK) {
        return status;
    }
    struct tt_producer *producer = tt_new_array(bus->alloc, 1, sizeof *producer);
    if (producer == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for a producer of '%s'", name);
    }
    producer->bus = bus;
    producer->next = topic->producers;
    topic->producers = producer;
    for (struct tt_consumer *consumer = topic->consumers; consumer != NULL;
         consumer = consumer->next) {
        status = connect(bus, producer, consumer, err);
        if (status != TT_OK) {
            return status;
        }
    }
    *ret = producer;
    return TT_OK;
}

static enum tt_status open_consumer(struct tt_bus *base, const char *name, const char *group,
                                    struct tt_wake wake, struct tt_consumer **ret,
                                    struct tt_error *err)
{
    (void)group; /* one instance of each group lives in a process: nothing is shared out */
    struct memory_bus *bus = (struct memory_bus *)base;
    struct topic *topic = NULL;
    enum tt_status status = find_topic(bus, name, &topic, err);
    if (status != TT_OK) {
        return status;
    }
    struct tt_consumer *consumer = tt_new_array(bus->alloc, 1, sizeof *consumer);
    if (consumer == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for a consumer of '%s'", name);
    }
    consumer->bus = bus;
    consumer->wake = wake;
    consumer->next = topic->consumers;
    topic->consumers = consumer;
    for (struct tt_producer *producer = topic->producers; producer != NULL;
         producer = producer->next) {
        status = connect(bus, producer, consumer, err);
        if (status != TT_OK) {
            return status;
        }
    }
    *ret = consumer;
    return TT_OK;
}

/* Nobody listens: the events go home. */
static void drop(struct tt_event *const *events, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        tt_event_release(events[i]);
    }
}

static enum tt_status send(struct tt_producer *producer, struct tt_event *const *events,
                           size_t count, struct tt_error *err)
{
    (void)err;
    if (producer->link_count == 0) {
        drop(events, count);
        return TT_OK;
    }
    if (producer->link_count > 1) {
        for (size_t i = 0; i < count; i++) {
            tt_event_retain(events[i], producer->link_count - 1);
        }
    }
    for (struct link *link = producer->links; link != NULL; link = link->next_of_producer) {
        for (size_t i = 0; i < count; i++) {
            /* a ring holds all events there are */
            TT_ASSERT(tt_ring_push(&link->ring, events[i]));
        }
        if (link->consumer->wake.signal != NULL) {
            link->consumer->wake.signal(link->consumer->wake.ctx);
        }
    }
    return TT_OK;
}

static enum tt_status poll(struct tt_consumer *consumer, struct tt_event **ret_events, size_t count,
                           size_t *ret_count, struct tt_error *err)
{
    (void)err;
    size_t got = 0;
    struct link *first = consumer->turn;
    struct link *link = first;
    while (link != NULL && got < count) {
        for (void *event; got < count && (event = tt_ring_pop(&link->ring)) != NULL;) {
            ret_events[got++] = event;
        }
        link = link->next_of_consumer != NULL ? link->next_of_consumer : consumer->links;
        if (link == first) {
            break;
        }
    }
    consumer->turn = link;
    *ret_count = got;
    return TT_OK;
}

static size_t lag(const struct tt_consumer *consumer)
{
    size_t count = 0;
    for (const struct link *link = consumer->links; link != NULL; link = link->next_of_consumer) {
        count += tt_ring_count(&link->ring);
    }
    return count;
}

static void close_bus(struct tt_bus *base)
{
    free_all((struct memory_bus *)base);
}

static const struct tt_bus_ops ops = {
    .name = "memory",
    .open_producer = open_producer,
    .open_consumer = open_consumer,
    .send = send,
    .poll = poll,
    .lag = lag,
    .close = close_bus,
};

enum tt_status tt_memory_bus_open(const struct tt_alloc *alloc, size_t capacity,
                                  struct tt_bus **ret, struct tt_error *err)
{
    struct memory_bus *bus = tt_new_array(alloc, 1, sizeof *bus);
    if (bus == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for the bus");
    }
    bus->bus.ops = &ops;
    bus->alloc = alloc;
    bus->capacity = capacity;
    *ret = &bus->bus;
    return TT_OK;
}
