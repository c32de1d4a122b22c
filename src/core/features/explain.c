/* The printout of a plan: what is kept for whom, what it costs, and who shares what. */
#include "core/features/distinct.h"
#include "core/features/entity.h"
#include "core/features/panes.h"
#include "core/features/plan.h"
#include "core/features/plan_internal.h"

static const char *const KINDS[] = {"", "count", "sum", "squares", "sorted values", "frauds"};
static const char *const FIELDS[] = {"",       "amount", "log_amount", "amount_base",
                                     "number", "text",   "position",   "fold"};

static void duration(struct tt_buf *buf, int64_t ms)
{
    char text[TT_TIME_TEXT_SIZE];
    size_t size = tt_duration_format(ms, text);
    tt_buf_append(buf, text, size);
}

static void explain_value(const struct plan_step *step, uint32_t index, struct tt_buf *buf)
{
    const struct plan_value *value = &step->values[index];
    tt_buf_append_format(buf, "    %s", KINDS[value->kind]);
    if (value->field != FIELD_NONE) {
        tt_buf_append_format(buf, " of %s", FIELDS[value->field]);
    }
    for (uint32_t f = 0; f < step->filter_count; f++) {
        if ((value->filter_mask >> f & 1) != 0) {
            tt_buf_append_text(buf, " where ");
            tt_buf_append_str(buf, step->filters[f].text);
        }
    }
    if (value->filter_mask >> step->filter_count != 0) {
        tt_buf_append_text(buf, " where it was a surprise");
    }
    tt_buf_append_text(buf, value->by_currency ? ", per currency\n" : "\n");
}

static void explain_span(const struct plan_step *step, uint32_t index, struct tt_buf *buf)
{
    const struct plan_span *span = &step->spans[index];
    tt_buf_append_text(buf, "  window ");
    duration(buf, span->window_ms);
    if (span->delay_ms > 0) {
        tt_buf_append_text(buf, " delayed by ");
        duration(buf, span->delay_ms);
    }
    tt_buf_append_text(buf, ", panes of ");
    duration(buf, span->pane_ms);
    tt_buf_append_char(buf, '\n');
    for (uint32_t i = span->begin; i < span->end; i++) {
        explain_value(step, i, buf);
    }
}

static void explain_period(const struct plan_step *step, uint32_t index, struct tt_buf *buf)
{
    const struct plan_period *period = &step->periods[index];
    tt_buf_append_text(buf, period->known ? "  labels known in " : "  labels of ");
    duration(buf, period->window_ms);
    if (period->delay_ms > 0) {
        tt_buf_append_text(buf, period->known ? ", up to so much late: " : " delayed by ");
        duration(buf, period->delay_ms);
    }
    tt_buf_append_char(buf, '\n');
    for (uint32_t i = step->frauds_begin; i < step->value_count; i++) {
        if (step->values[i].span == index) {
            explain_value(step, i, buf);
        }
    }
}

/* What an event costs beside its row while every window holds it: a place in each sorted array. */
static size_t sorted_bytes(const struct plan_step *step)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < step->value_count; i++) {
        bytes += step->values[i].kind == VALUE_BAG ? sizeof(int64_t) : 0;
    }
    return bytes;
}

/* The most that the panes of one currency and of none can take. */
static uint64_t panes_bytes(const struct plan_step *step)
{
    uint64_t bytes = 0;
    for (uint32_t s = 0; s <= step->span_count; s++) {
        const struct plan_span *span = &step->spans[s];
        uint64_t count = (uint64_t)(span->keep_ms / span->pane_ms) + 2;
        for (int money = 0; money < 2; money++) {
            uint64_t pane = sizeof(struct tt_pane) + sizeof(void *) + span->panes[money].pane_size;
            for (uint32_t i = span->panes[money].begin; i < span->panes[money].end; i++) {
                pane += step->items[i].kind == ITEM_TALLY
                            ? (2 * TT_TALLY_KEY_MAX + 1) * sizeof(struct tt_tally_entry)
                            : 0;
                pane += step->items[i].kind == ITEM_DISTINCT ? TT_DISTINCT_REGISTERS : 0;
            }
            bytes += count * pane + span->panes[money].window_size + sizeof(struct tt_series);
        }
    }
    return bytes;
}

static void explain_step(const struct tt_plan *plan, uint32_t index, struct tt_buf *buf)
{
    const struct plan_step *step = plan->steps[index];
    struct tt_entity_store store;
    tt_entity_store_init(&store, plan->alloc, step);
    size_t row = step->row_words * sizeof(int64_t), sorted = sorted_bytes(step);
    tt_buf_append_format(buf, "step %u: %s by %s, %zu bytes an entity and %zu an event, for ",
                         index, step->name.data, tt_txn_text_name(step->key), store.entity_size,
                         row);
    duration(buf, step->keep_ms);
    tt_buf_append_format(buf, "; %zu more while an event is in all windows\n", sorted);
    tt_buf_append_format(buf,
                         "  the newest %u events one by one: %llu bytes at most; older ones in "
                         "panes: %llu at most\n",
                         step->events_max,
                         (unsigned long long)(store.entity_size +
                                              (row + sorted) * (uint64_t)step->events_max / 8 * 9),
                         (unsigned long long)panes_bytes(step));
    for (uint32_t i = 0; i < step->span_count; i++) {
        explain_span(step, i, buf);
    }
    for (uint32_t i = 0; i < step->period_count; i++) {
        explain_period(step, i, buf);
    }
}

static void explain_feature(const struct tt_plan *plan, const struct tt_feature *feature,
                            struct tt_buf *buf)
{
    tt_buf_append_format(buf, "  %s: ", feature->name.data);
    if (feature->expression.data != NULL) {
        tt_buf_append_format(buf, "%s, after step %s", feature->expression.data,
                             plan->steps[feature->step]->name.data);
    } else {
        tt_buf_append_text(buf, tt_aggregate_name(feature->aggregate));
        if (feature->field.data != NULL) {
            tt_buf_append_format(buf, " of %s", feature->field.data);
        }
        tt_buf_append_text(buf, " over ");
        duration(buf, feature->window_ms);
        tt_buf_append_text(buf, feature->exclude_current ? ", without the event itself" : "");
    }
    if (feature->unit.data != NULL) {
        tt_buf_append_format(buf, " [%s]", feature->unit.data);
    }
    tt_buf_append_char(buf, '\n');
}

enum tt_status tt_plan_explain(const struct tt_plan *plan, struct tt_buf *buf)
{
    char hash[33];
    tt_hash128_hex(plan->hash, hash);
    tt_buf_append_format(buf, "plan %s: %u features, events up to ", hash, plan->feature_count);
    duration(buf, plan->lateness_ms);
    tt_buf_append_text(buf, " late are absorbed\n");
    for (uint32_t i = 0; i < plan->step_count; i++) {
        explain_step(plan, i, buf);
    }
    tt_buf_append_text(buf, "features\n");
    for (uint32_t i = 0; i < plan->feature_count; i++) {
        explain_feature(plan, &plan->features[i], buf);
    }
    return buf->status;
}
