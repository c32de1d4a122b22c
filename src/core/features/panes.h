/*
 * The older events of an entity that has many: sums and sketches over fixed stretches of time.
 *
 * What:    an entity keeps its newest events_max rows. What is older stands in panes, one list a
 *          window and currency: counts, exact sums, tallies, distinct counts, the first and the
 *          last event. A window over panes is the sum of those that lie in it whole.
 * Why:     a merchant with a million events an hour must cost bounded memory and time. Which rows
 *          are in panes is decided by their rank in (time, id) order alone, panes are aligned to
 *          the epoch, and everything in one adds up in any order: so what is here is a function of
 *          the set of events. Only whole panes count, so that no event outside of a window is ever
 *          in it, and so that a replay of the retained events gives the same panes.
 * Owner:   made when the first row is demoted, given back when nothing is left, both by the entity.
 * Threads: confined to the step's thread.
 * Units:   ms since the epoch; pane n of a span is [n, n + 1) times its pane_ms.
 * Limits:  PLAN_PANES_MAX panes a list (layout_panes.c says how long they are).
 * Fails:   tt_panes_add, tt_panes_make with TT_E_NOMEM, what is counted as before.
 */
#ifndef TT_CORE_FEATURES_PANES_H
#define TT_CORE_FEATURES_PANES_H

#include "core/features/distinct.h"
#include "core/features/entity.h"
#include "core/features/tally.h"

/* One stretch of time. */
struct tt_pane {
    int64_t number;
    uint64_t events;
    /* then: the items of its list */
};

/* The panes of a span for one currency, or what is not by currency (0). */
struct tt_series {
    struct tt_series *next; /* of the same span */
    const struct plan_panes *plan;
    tt_currency currency;
    uint64_t events;        /* in the window */
    bool stale;             /* distinct sums are to be made again */
    struct tt_pane **panes; /* ascending */
    uint32_t count, capacity;
    /* then: the items of the window, the sum over its panes */
};

struct tt_panes_span {
    struct tt_series *series; /* by currency: the first is the one that is by none */
    int64_t from, to;         /* numbers of the panes in the window: [from, to) */
};

struct tt_panes {
    uint32_t span_count;
    struct tt_panes_span spans[]; /* the plan's, and the one over all that is kept */
};

/* The distinct item of a window: its panes together, and the registers of the ring's values. */
struct tt_distinct_window {
    struct tt_distinct_sum panes;
    uint8_t ring[TT_DISTINCT_REGISTERS];
};

/* Makes the entity one with panes, empty ones. */
enum tt_status tt_panes_make(struct tt_entity_store *store, struct tt_entity *entity) TT_MUST_USE;
void tt_panes_free(struct tt_entity_store *store, struct tt_entity *entity);
/* Moves every window to time t. */
void tt_panes_seek(struct tt_entity_store *store, struct tt_entity *entity, int64_t t_ms);
/* Counts a row that is about to leave the ring. */
enum tt_status tt_panes_add(struct tt_entity_store *store, struct tt_entity *entity,
                            const int64_t *row) TT_MUST_USE;
/* Gives back panes that no window can hold any more; the watermark's rows end at oldest_ms. When
 * none is left the entity is an ordinary one again. */
void tt_panes_expire(struct tt_entity_store *store, struct tt_entity *entity, int64_t oldest_ms);
/* A text entered the bag that the item goes with, or has left it. */
void tt_panes_ring_changed(const struct plan_item *item, struct tt_entity *entity,
                           const struct tt_bag *bag, int64_t number, int sign);
/* Whether an event of that time may be in a pane; the entity has panes. */
bool tt_panes_cover(const struct tt_entity_store *store, const struct tt_entity *entity,
                    int64_t t_ms);

/* For reading a saved state. The list of a span and currency, made when it is not there. */
enum tt_status tt_panes_series(struct tt_entity_store *store, struct tt_entity *entity,
                               uint32_t span, tt_currency currency,
                               struct tt_series **ret) TT_MUST_USE;
/* An empty pane of that number, made at its place. */
enum tt_status tt_panes_pane(struct tt_entity_store *store, struct tt_series *series,
                             int64_t number, struct tt_pane **ret) TT_MUST_USE;

/* NULL when there is none. */
static inline struct tt_series *tt_panes_find(const struct tt_panes *panes, uint32_t span,
                                              tt_currency currency)
{
    struct tt_series *series = panes->spans[span].series;
    while (series != NULL && series->currency != currency) {
        series = series->next;
    }
    return series;
}
static inline void *tt_pane_item(struct tt_pane *pane, const struct plan_item *item)
{
    return (char *)(pane + 1) + item->offset;
}
static inline void *tt_series_item(struct tt_series *series, const struct plan_item *item)
{
    return (char *)(series + 1) + item->window_offset;
}

#endif
