/*
 * Holding rows and labels; see learned.h.
 *
 * Rows stand in a ring of segments, one for each stretch of time, oldest first: what goes goes by
 * whole segments. A segment that is full keeps the rows of least priority, a uniform number over
 * the row's weight; the least priority that was left out is what the chances are reckoned from.
 */
#include "core/detect/learned_internal.h"

#include <string.h>

#define ROWS_MIN 256
#define LABELS_SHARE 16
#define SURPRISE_WEIGHT_MAX 100.0
#define LABEL_WEIGHT_MAX 1000.0
#define SEGMENTS_PER_HORIZON 512

static size_t rounded(size_t size)
{
    return (size + 7) / 8 * 8;
}

/* How rows are shared among the stretches of time that the horizon spans. */
static void divide(struct tt_learner *learner)
{
    const struct tt_learned *learned = &learner->setup->learned;
    int64_t least_ms = learned->horizon_ms / SEGMENTS_PER_HORIZON;
    int64_t epoch_ms = learner->setup->epoch_length_ms;
    learner->segment_ms = epoch_ms > least_ms ? epoch_ms : least_ms;
    double stretches = (double)learned->horizon_ms / (double)learner->segment_ms + 3.0;
    learner->segment_rows = (uint32_t)((double)learner->capacity / stretches);
    learner->segment_rows = learner->segment_rows > 0 ? learner->segment_rows : 1;
}

enum tt_status tt_learned_new(const struct tt_alloc *alloc, const struct tt_setup *setup,
                              uint64_t seed, struct tt_learner **ret, struct tt_error *err)
{
    const struct tt_learned *learned = &setup->learned;
    struct tt_learner *learner = tt_new_array(alloc, 1, sizeof *learner);
    if (learner == NULL) {
        return tt_fail(err, TT_E_NOMEM, "out of memory for learning from labels");
    }
    learner->input_count = learned->input_count;
    size_t inputs_size = learner->input_count * sizeof(float);
    size_t row_size = rounded(sizeof *learner->rows + inputs_size);
    learner->alloc = alloc;
    learner->setup = setup;
    learner->key = (struct tt_hash_key){tt_hash_mix(seed), tt_hash_mix(seed + 1)};
    learner->label_size = rounded(sizeof(struct tt_waiting_label) + inputs_size);
    size_t rows = ((size_t)learned->memory_mib << 20) / row_size;
    learner->capacity = (uint32_t)(rows > ROWS_MIN ? rows : ROWS_MIN);
    learner->label_capacity = learner->capacity / LABELS_SHARE;
    divide(learner);
    learner->opened_ms = TT_TIME_NONE;
    learner->segment_count = 1;
    learner->segments = tt_new_array(alloc, TT_LEARNED_SEGMENTS_MAX, sizeof *learner->segments);
    /* Not zeroed: memory that no row has used yet is not taken from the system either. */
    learner->rows = tt_new(alloc, (size_t)learner->capacity * sizeof *learner->rows);
    learner->inputs = tt_new(alloc, (size_t)learner->capacity * inputs_size);
    learner->heap = tt_new_array(alloc, learner->segment_rows, sizeof *learner->heap);
    learner->labels = tt_new(alloc, (size_t)learner->label_capacity * learner->label_size);
    learner->label_heap = tt_new_array(alloc, learner->label_capacity, sizeof *learner->label_heap);
    enum tt_status status =
        tt_regression_new(alloc, learned->input_count, &learner->regression, err);
    if (status == TT_OK &&
        (learner->segments == NULL || learner->rows == NULL || learner->inputs == NULL ||
         learner->heap == NULL || learner->labels == NULL || learner->label_heap == NULL)) {
        status = tt_fail(err, TT_E_NOMEM, "out of memory for learning from labels");
    }
    if (status != TT_OK) {
        tt_learned_free(learner);
        return status;
    }
    learner->segments[0].threshold = 1e308;
    *ret = learner;
    return TT_OK;
}

void tt_learned_free(struct tt_learner *learner)
{
    if (learner == NULL) {
        return;
    }
    const struct tt_alloc *alloc = learner->alloc;
    tt_delete(alloc, learner->segments, TT_LEARNED_SEGMENTS_MAX * sizeof *learner->segments);
    tt_delete(alloc, learner->rows, (size_t)learner->capacity * sizeof *learner->rows);
    tt_delete(alloc, learner->inputs,
              (size_t)learner->capacity * learner->input_count * sizeof *learner->inputs);
    tt_delete(alloc, learner->heap, learner->segment_rows * sizeof *learner->heap);
    tt_delete(alloc, learner->labels, (size_t)learner->label_capacity * learner->label_size);
    tt_delete(alloc, learner->label_heap, learner->label_capacity * sizeof *learner->label_heap);
    tt_regression_free(learner->regression);
    tt_delete(alloc, learner, sizeof *learner);
}

/* Sifts item `at` of a heap down; before(learner, a, b): a belongs above b. */
typedef bool before_fn(const struct tt_learner *learner, uint32_t a, uint32_t b);
static void sift_down(const struct tt_learner *learner, uint32_t *heap, uint32_t count, uint32_t at,
                      before_fn *before)
{
    uint32_t item = heap[at];
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= count) {
            break;
        }
        if (child + 1 < count && before(learner, heap[child + 1], heap[child])) {
            child++;
        }
        if (!before(learner, heap[child], item)) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = item;
}

static void heapify(const struct tt_learner *learner, uint32_t *heap, uint32_t count,
                    before_fn *before)
{
    for (uint32_t i = count / 2; i > 0; i--) {
        sift_down(learner, heap, count, i - 1, before);
    }
}

static double priority(const struct tt_held_row *row)
{
    return tt_learner_uniform(row->key, 1) / (double)row->weight;
}

/* The row to go first on top; equal priorities by key, so that the order of arrival is nothing. */
static bool goes_before(const struct tt_learner *learner, uint32_t a, uint32_t b)
{
    const struct tt_held_row *x = tt_learner_row(learner, a), *y = tt_learner_row(learner, b);
    double p = priority(x), q = priority(y);
    return p > q || (!(p < q) && x->key > y->key);
}

/* Where the next row goes: behind the last one, or where the row of greatest priority stood. NULL:
 * it is itself the one that is left out. */
static struct tt_held_row *make_room(struct tt_learner *learner, const struct tt_held_row *next)
{
    struct tt_segment *open = tt_learner_segment(learner, learner->segment_count - 1);
    if (open->count < learner->segment_rows) {
        return tt_learner_row(learner, (open->first + open->count++) % learner->capacity);
    }
    if (!learner->heap_built) {
        for (uint32_t i = 0; i < open->count; i++) {
            learner->heap[i] = (open->first + i) % learner->capacity;
        }
        heapify(learner, learner->heap, open->count, goes_before);
        learner->heap_built = true;
    }
    struct tt_held_row *top = tt_learner_row(learner, learner->heap[0]);
    double p = priority(next), q = priority(top);
    bool stays = p > q || (!(p < q) && next->key > top->key);
    double left_out = stays ? p : q;
    open->threshold = left_out < open->threshold ? left_out : open->threshold;
    return stays ? NULL : top;
}

void tt_learned_absorb(struct tt_learner *learner, const struct tt_event *event, double fused)
{
    double p_value = event->decision.p_value;
    double weight = p_value > 0.0 && p_value < 1.0 ? 1.0 / p_value : 1.0;
    struct tt_held_row next = {
        .key = tt_txn_key_hash(&learner->key, &event->txn).low,
        .time_ms = event->txn.timestamp_ms,
        .weight = (float)(weight < SURPRISE_WEIGHT_MAX ? weight : SURPRISE_WEIGHT_MAX),
        .fused = (float)fused,
        .evidence = event->blend.learned ? (float)event->blend.evidence : __builtin_nanf(""),
        .belief = TT_BELIEF_NONE,
    };
    learner->count++;
    struct tt_held_row *row = make_room(learner, &next);
    if (row == NULL) {
        return;
    }
    *row = next;
    tt_learned_inputs(learner->setup, event,
                      tt_learner_inputs(learner, (uint32_t)(row - learner->rows)));
    if (learner->heap_built) {
        sift_down(learner, learner->heap, learner->segment_rows, 0, goes_before);
    }
}

/* The label that is effective last on top; equal ones by key and kind. */
static bool waits_longer(const struct tt_learner *learner, uint32_t a, uint32_t b)
{
    const struct tt_waiting_label *x = tt_learner_label_at(learner, a);
    const struct tt_waiting_label *y = tt_learner_label_at(learner, b);
    if (x->effective_ms != y->effective_ms) {
        return x->effective_ms > y->effective_ms;
    }
    return x->key != y->key ? x->key > y->key : x->kind > y->kind;
}

void tt_learner_order_labels(struct tt_learner *learner)
{
    for (uint32_t i = 0; i < learner->label_count; i++) {
        learner->label_heap[i] = i;
    }
    learner->spare_label = learner->label_count;
    heapify(learner, learner->label_heap, learner->label_count, waits_longer);
}

/* A verdict on an alert stands for itself; one drawn at random for all that were not drawn. */
static double label_weight(const struct tt_label *label)
{
    double chance = label->selection_probability;
    if (label->kind != TT_LABEL_FRAUD || !(chance > 0.0 && chance < 1.0)) {
        return 1.0;
    }
    return chance * LABEL_WEIGHT_MAX > 1.0 ? 1.0 / chance : LABEL_WEIGHT_MAX;
}

static void put_label(struct tt_learner *learner, uint32_t at, const struct tt_event *event)
{
    const struct tt_label *label = &event->label;
    const struct tt_hash128 *plan = &learner->setup->plan, *carried = &event->vector.plan;
    struct tt_waiting_label *ret = tt_learner_label_at(learner, at);
    *ret = (struct tt_waiting_label){
        .effective_ms =
            label->known_at_ms > label->recorded_at_ms ? label->known_at_ms : label->recorded_at_ms,
        .key = tt_txn_key_hash(&learner->key, &event->txn).low,
        .weight = (float)label_weight(label),
        .kind = label->kind,
        .carried =
            event->vector.count > 0 && plan->high == carried->high && plan->low == carried->low,
    };
    if (ret->carried) {
        tt_learned_inputs(learner->setup, event, ret->inputs);
    }
}

static void sift_up(const struct tt_learner *learner, uint32_t *heap, uint32_t at,
                    before_fn *before)
{
    uint32_t item = heap[at];
    while (at > 0 && before(learner, item, heap[(at - 1) / 2])) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = item;
}

/* The last place is for the newcomer: what waits longest of all then makes the place free again. */
void tt_learned_label(struct tt_learner *learner, const struct tt_event *event)
{
    uint32_t at = learner->label_count;
    put_label(learner, learner->spare_label, event);
    learner->label_heap[at] = learner->spare_label;
    sift_up(learner, learner->label_heap, at, waits_longer);
    if (at + 1 < learner->label_capacity) {
        learner->label_count++;
        learner->spare_label = learner->label_count;
        return;
    }
    learner->spare_label = learner->label_heap[0];
    learner->label_heap[0] = learner->label_heap[at];
    sift_down(learner, learner->label_heap, at, 0, waits_longer);
    learner->labels_left++;
}

struct tt_learned_stats tt_learned_stats(const struct tt_learner *learner)
{
    struct tt_learned_stats stats = {
        .labels = learner->label_count,
        .labels_unheld = learner->labels_unheld,
        .labels_left = learner->labels_left,
        .frauds = learner->regression->frauds,
    };
    for (uint32_t i = 0; i < learner->segment_count; i++) {
        stats.held += tt_learner_segment(learner, i)->count;
    }
    return stats;
}

void tt_learner_turn(struct tt_learner *learner, int64_t time_ms)
{
    if (learner->opened_ms == TT_TIME_NONE) {
        learner->opened_ms = time_ms;
    }
    if (time_ms - learner->opened_ms < learner->segment_ms) {
        return;
    }
    learner->opened_ms = time_ms;
    const struct tt_segment *last = tt_learner_segment(learner, learner->segment_count - 1);
    struct tt_segment next = {
        .first = (last->first + last->count) % learner->capacity,
        .threshold = 1e308,
    };
    uint64_t held = tt_learned_stats(learner).held;
    while (learner->segment_count == TT_LEARNED_SEGMENTS_MAX ||
           (learner->segment_count > 0 && held + learner->segment_rows > learner->capacity)) {
        held -= tt_learner_segment(learner, 0)->count;
        learner->segment_first = (learner->segment_first + 1) % TT_LEARNED_SEGMENTS_MAX;
        learner->segment_count--;
    }
    learner->segment_count++;
    *tt_learner_segment(learner, learner->segment_count - 1) = next;
    learner->heap_built = false;
}
