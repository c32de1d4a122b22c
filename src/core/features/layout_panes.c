/*
 * What panes keep for a step: an item for each running value, and one for each feature that looks
 * at rows; how long the panes of a window are.
 *
 * A pane is a 60th of its window: an edge of a window that falls into one moves by less. Where a
 * delay or the allowed lateness is many times the window it is longer, so that there are never more
 * than PLAN_PANES_MAX.
 */
#include "core/features/distinct.h"
#include "core/features/entity.h"
#include "core/features/panes.h"

static uint8_t item_kind(const struct plan_value *value)
{
    switch (value->kind) {
    case VALUE_COUNT:
        return ITEM_COUNT;
    case VALUE_SUM:
        return ITEM_SUM;
    case VALUE_SQUARES:
        return ITEM_SQUARES;
    case VALUE_BAG:
        return value->field == FIELD_TEXT ? ITEM_DISTINCT : ITEM_TALLY;
    default: /* frauds follow labels, wherever their events are */
        return 0;
    }
}

static uint16_t add_item(struct plan_step *step, struct plan_item item)
{
    TT_ASSERT(step->item_count < PLAN_ITEMS_MAX);
    step->items[step->item_count] = item;
    return (uint16_t)step->item_count++;
}

static void add_values(struct plan_step *step, uint32_t span, bool by_currency)
{
    for (uint32_t i = step->spans[span].begin; i < step->spans[span].end; i++) {
        struct plan_value *value = &step->values[i];
        uint8_t kind = item_kind(value);
        if (value->by_currency != by_currency) {
            continue;
        }
        value->item = PLAN_NONE;
        if (kind != 0) {
            value->item = add_item(step, (struct plan_item){.kind = kind,
                                                            .field = value->field,
                                                            .word = value->word,
                                                            .span = value->span,
                                                            .by_currency = by_currency,
                                                            .filter_mask = value->filter_mask});
        }
    }
}

static void add_look(struct plan_step *step, struct plan_read *read, uint32_t span,
                     bool by_currency)
{
    bool first = read->aggregate == TT_AGGREGATE_FIRST_SEEN;
    bool last = read->aggregate == TT_AGGREGATE_SECONDS_SINCE_LAST ||
                read->aggregate == TT_AGGREGATE_LAST ||
                read->aggregate == TT_AGGREGATE_DISTANCE_KM_FROM_LAST ||
                read->aggregate == TT_AGGREGATE_SPEED_KMH_FROM_LAST;
    bool money = read->field == FIELD_AMOUNT || read->field == FIELD_LOG_AMOUNT;
    if (read->span == span && money == by_currency && (first || last)) {
        read->look = add_item(step, (struct plan_item){.kind = first ? ITEM_FIRST : ITEM_LAST,
                                                       .field = read->field,
                                                       .word = read->word,
                                                       .span = read->span,
                                                       .by_currency = money,
                                                       .filter_mask = read->filter_mask});
    }
}

static void assign_offsets(struct plan_step *step, struct plan_panes *panes)
{
    static const uint32_t WINDOW_SIZES[] = {
        [ITEM_COUNT] = sizeof(int64_t),
        [ITEM_SUM] = 2 * sizeof(int64_t),
        [ITEM_SQUARES] = 2 * sizeof(int64_t),
        [ITEM_TALLY] = sizeof(struct tt_tally_sum),
        [ITEM_DISTINCT] = sizeof(struct tt_distinct_window),
        [ITEM_LAST] = 0,
    };
    for (uint32_t i = panes->begin; i < panes->end; i++) {
        struct plan_item *item = &step->items[i];
        uint32_t size = WINDOW_SIZES[item->kind];
        item->offset = panes->pane_size;
        item->window_offset = panes->window_size;
        panes->window_size += (size + 7) / 8 * 8;
        switch (item->kind) {
        case ITEM_TALLY:
            size = sizeof(struct tt_tally);
            break;
        case ITEM_DISTINCT:
            size = sizeof(struct tt_distinct);
            break;
        case ITEM_FIRST:
        case ITEM_LAST: /* whether there is one, and the row */
            size = (uint32_t)((1 + step->row_words) * sizeof(int64_t));
            break;
        default:
            break;
        }
        panes->pane_size += (size + 7) / 8 * 8;
    }
}

/* Panes without items over all that is kept: they say whether a labelled event may be in one. Where
 * nothing is kept a pane still has a length. */
static void add_whole(struct plan_step *step, int64_t lateness_ms)
{
    int64_t keep_ms = step->longest_ms + lateness_ms;
    int64_t pane_ms = (keep_ms + PLAN_PANES_MAX - 1) / PLAN_PANES_MAX;
    step->spans[step->span_count] = (struct plan_span){
        .window_ms = step->longest_ms, .keep_ms = keep_ms, .pane_ms = pane_ms > 0 ? pane_ms : 1};
}

void tt_plan_layout_panes(struct plan_step *step, int64_t lateness_ms)
{
    for (uint32_t s = 0; s < step->span_count; s++) {
        struct plan_span *span = &step->spans[s];
        span->keep_ms = span->window_ms + span->delay_ms + lateness_ms;
        int64_t part_ms = (span->window_ms + PLAN_PANES_WINDOW - 1) / PLAN_PANES_WINDOW;
        int64_t least_ms = (span->keep_ms + PLAN_PANES_MAX - 1) / PLAN_PANES_MAX;
        span->pane_ms = part_ms > least_ms ? part_ms : least_ms;
        for (int money = 0; money < 2; money++) {
            span->panes[money].begin = (uint16_t)step->item_count;
            add_values(step, s, money != 0);
            for (uint32_t i = 0; i < step->before_count; i++) {
                add_look(step, &step->before[i], s, money != 0);
            }
            for (uint32_t i = 0; i < step->after_count; i++) {
                add_look(step, &step->after[i], s, money != 0);
            }
            span->panes[money].end = (uint16_t)step->item_count;
            assign_offsets(step, &span->panes[money]);
        }
    }
    add_whole(step, lateness_ms);
}
