/*
 * Reading runs backwards, from the window's newer edge to the first genuine event.
 *
 * Events younger than the horizon are unknown unless labelled, so only labels are walked there. What
 * is older is known, so rows are walked with labels beside them, down to where the last reading
 * began; the rest is taken from it, less what has left the window since.
 */
#include "core/features/entity.h"

struct walk {
    const struct tt_entity_store *store;
    const struct tt_entity *entity;
    uint16_t mask;
    int64_t t_ms;
    struct tt_edges rows; /* of the window */
    uint32_t label;       /* labels before it are still to come */
    uint32_t label_least; /* labels before it are of events without rows */
};

static struct tt_run *kept(const struct tt_entity_store *store, struct tt_entity *entity,
                           uint32_t index)
{
    return (void *)(tt_entity_values(store, entity) + store->plan->runs[index].offset);
}

static const int64_t *row_at(const struct walk *walk, uint32_t index)
{
    return tt_entity_row(walk->store, walk->entity, index);
}

static bool passes(const struct walk *walk, uint16_t bits)
{
    return (bits & walk->mask) == walk->mask;
}

/* Takes one event into a run that is read backwards; true when it ends it. */
static bool note(struct tt_run *run, uint8_t kind, int64_t time_ms)
{
    if (kind == TT_LABEL_FRAUD) {
        run->length++;
        run->first_ms = time_ms;
    } else if (kind == TT_LABEL_GENUINE) {
        run->genuine_ms = time_ms;
        return true;
    }
    return false;
}

/* Labelled events later than down_to_ms; true when the run has ended. */
static bool walk_young(struct walk *walk, int64_t down_to_ms, struct tt_run *run)
{
    const struct tt_labels *labels = &walk->entity->labels;
    while (walk->label > walk->label_least &&
           tt_labels_row(labels, walk->label - 1)->time_ms > down_to_ms) {
        uint32_t end = walk->label, begin = tt_labels_event_begin(labels, end);
        const struct tt_label_row *row = tt_labels_row(labels, begin);
        walk->label = begin;
        if (passes(walk, row->bits) &&
            note(run, tt_labels_say(labels, begin, end, walk->t_ms), row->time_ms)) {
            return true;
        }
    }
    return false;
}

/* Rows [low, high) from the newest back to those of down_to_ms; true when the run has ended. What is
 * not a fraud is taken for genuine. */
static bool walk_old(struct walk *walk, uint32_t high, int64_t down_to_ms, struct tt_run *run)
{
    const struct tt_labels *labels = &walk->entity->labels;
    for (uint32_t i = high; i > walk->rows.low; i--) {
        const int64_t *row = row_at(walk, i - 1);
        if (row[TT_ROW_TIME] <= down_to_ms) {
            return false;
        }
        uint32_t end = walk->label;
        while (walk->label > 0 &&
               tt_labels_row(labels, walk->label - 1)->time_ms == row[TT_ROW_TIME] &&
               tt_labels_row(labels, walk->label - 1)->id == tt_row_id(row)) {
            walk->label--;
        }
        if (!passes(walk, tt_row_bits(row))) {
            continue;
        }
        uint8_t kind = tt_labels_say(labels, walk->label, end, walk->t_ms);
        int64_t next_ms = tt_labels_next(labels, walk->label, end, walk->t_ms);
        run->until_ms = next_ms < run->until_ms ? next_ms : run->until_ms;
        if (note(run, kind == TT_LABEL_FRAUD ? kind : TT_LABEL_GENUINE, row[TT_ROW_TIME])) {
            return true;
        }
    }
    return false;
}

/* Whether what was read last is still true. When the oldest fraud leaves the window, those that go with
 * it are told by their time: not so where the genuine event before them has the same one. */
static bool holds(const struct tt_run *last, int64_t t_ms, int64_t low_ms)
{
    bool cut = last->length > 0 && last->first_ms <= low_ms;
    return last->known && last->upto_ms > low_ms && t_ms >= last->read_ms &&
           t_ms < last->until_ms && !(cut && last->genuine_ms == last->first_ms);
}

/* The run that was read before, without what is low_ms old or older. Its rows are all frauds. */
static struct tt_run clip(const struct walk *walk, struct tt_run run, int64_t low_ms)
{
    if (run.genuine_ms <= low_ms) {
        run.genuine_ms = TT_TIME_NONE;
    }
    if (run.length == 0 || run.first_ms > low_ms) {
        return run;
    }
    for (uint32_t i = walk->rows.low; i > walk->entity->begin; i--) {
        const int64_t *row = row_at(walk, i - 1);
        if (row[TT_ROW_TIME] < run.first_ms) {
            break;
        }
        run.length -= passes(walk, tt_row_bits(row)) ? 1 : 0;
    }
    for (uint32_t i = walk->rows.low; run.length > 0; i++) {
        if (passes(walk, tt_row_bits(row_at(walk, i)))) {
            run.first_ms = row_at(walk, i)[TT_ROW_TIME];
            break;
        }
    }
    return run;
}

/* Puts the older part of a run behind the newer one, which has not ended. */
static void join(struct tt_run *run, const struct tt_run *older)
{
    run->first_ms = older->length > 0 ? older->first_ms : run->first_ms;
    run->length += older->length;
    run->genuine_ms = older->genuine_ms;
    run->until_ms = older->until_ms < run->until_ms ? older->until_ms : run->until_ms;
}

/* The first row of the window that is younger than time_ms. */
static uint32_t first_after(const struct walk *walk, int64_t time_ms)
{
    uint32_t low = walk->rows.low, high = walk->rows.high;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (row_at(walk, middle)[TT_ROW_TIME] <= time_ms) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct walk begin_walk(const struct tt_entity_store *store, const struct tt_entity *entity,
                              const struct plan_run *plan, int64_t t_ms)
{
    const struct tt_labels *labels = &entity->labels;
    struct walk walk = {.store = store,
                        .entity = entity,
                        .mask = plan->filter_mask,
                        .t_ms = t_ms,
                        .rows = tt_entity_edges(entity)[plan->span],
                        .label = labels->rows.count};
    if (walk.label > 0 && walk.rows.high < entity->end) {
        const int64_t *row = row_at(&walk, walk.rows.high);
        walk.label = tt_labels_seek(labels, row[TT_ROW_TIME], tt_row_id(row));
    }
    if (walk.label > 0 && entity->panes != NULL) {
        const int64_t *row = row_at(&walk, entity->begin);
        walk.label_least = tt_labels_seek(labels, row[TT_ROW_TIME], tt_row_id(row));
    }
    return walk;
}

struct tt_run tt_entity_run(const struct tt_entity_store *store, struct tt_entity *entity,
                            uint32_t index, int64_t t_ms)
{
    const struct plan_run *plan = &store->plan->runs[index];
    const struct plan_span *span = &store->plan->spans[plan->span];
    struct tt_run *last = kept(store, entity, index);
    struct walk walk = begin_walk(store, entity, plan, t_ms);
    int64_t low_ms = t_ms - span->delay_ms - span->window_ms;
    int64_t horizon_ms = t_ms - store->plan->horizon_ms;
    int64_t upto_ms = t_ms - span->delay_ms < horizon_ms ? t_ms - span->delay_ms : horizon_ms;
    struct tt_run young = {.known = true, .until_ms = INT64_MAX, .genuine_ms = TT_TIME_NONE};
    struct tt_run old = young;
    if (walk_young(&walk, low_ms > horizon_ms ? low_ms : horizon_ms, &young)) {
        return young;
    }
    uint32_t high =
        span->delay_ms < store->plan->horizon_ms ? first_after(&walk, horizon_ms) : walk.rows.high;
    bool joins = holds(last, t_ms, low_ms);
    if (!walk_old(&walk, high, joins ? last->upto_ms : TT_TIME_NONE, &old) && joins) {
        struct tt_run before = clip(&walk, *last, low_ms);
        join(&old, &before);
    }
    old.read_ms = t_ms;
    old.upto_ms = upto_ms;
    if (!last->known || t_ms >= last->read_ms) {
        *last = old;
    }
    join(&young, &old);
    return young;
}

void tt_entity_forget_runs(const struct tt_entity_store *store, struct tt_entity *entity,
                           int64_t time_ms, bool gone)
{
    for (uint32_t i = 0; i < store->plan->run_count; i++) {
        struct tt_run *run = kept(store, entity, i);
        int64_t from_ms = run->genuine_ms != TT_TIME_NONE ? run->genuine_ms : run->first_ms;
        bool cut = (run->length > 0 || run->genuine_ms != TT_TIME_NONE) && from_ms <= time_ms;
        bool changed = time_ms <= run->upto_ms && time_ms >= run->genuine_ms;
        if (gone ? cut : changed) {
            run->known = false;
        }
    }
}
