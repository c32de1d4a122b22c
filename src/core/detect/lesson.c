/*
 * What an epoch teaches; see learned.h.
 *
 * Effective labels are sorted by payment, held rows look theirs up, and each row whose knowledge
 * has changed is an example. Examples are taken in order of the time the knowledge is from and the
 * key of the payment, which is an order of the set and not of arrival. Nothing of the learner
 * changes before the epoch is certain to close.
 */
#include <string.h>

#include "core/detect/learned_internal.h"

#define ROWS_MIN 2000 /* absorbed, before bins are cut */
#define REFERENCE_ROWS 2048

/* An effective label, in order of payment and then of what holds. */
struct known {
    uint64_t key;
    int64_t effective_ms;
    uint32_t label; /* its index */
    uint8_t kind;
    bool found; /* its payment is held; of the last of a payment's */
};

#define MAYBE_BITS 65536

struct known_list {
    struct known *items, *space;
    size_t count, capacity;
    uint64_t maybe[MAYBE_BITS / 64]; /* bit key % MAYBE_BITS: nearly every row has no label */
};

static uint64_t maybe_bit(uint64_t key)
{
    return UINT64_C(1) << (key % 64);
}

static size_t maybe_word(uint64_t key)
{
    return key % MAYBE_BITS / 64;
}

static bool known_before(const struct known *a, const struct known *b)
{
    if (a->key != b->key) {
        return a->key < b->key;
    }
    return a->effective_ms != b->effective_ms ? a->effective_ms < b->effective_ms
                                              : a->kind < b->kind;
}

static bool example_before(const struct tt_example *a, const struct tt_example *b)
{
    return a->when_ms != b->when_ms ? a->when_ms < b->when_ms : a->key < b->key;
}

/* Merge sorts; the array and the space change places. */
#define DEFINE_SORT(name, type, before)                                                            \
    static void name(type *items, type *space, size_t count)                                       \
    {                                                                                              \
        for (size_t width = 1; width < count; width *= 2) {                                        \
            for (size_t low = 0; low < count; low += 2 * width) {                                  \
                size_t middle = low + width < count ? low + width : count;                         \
                size_t high = middle + width < count ? middle + width : count;                     \
                size_t a = low, b = middle;                                                        \
                for (size_t k = low; k < high; k++) {                                              \
                    bool left = a < middle && (b >= high || !before(&items[b], &items[a]));        \
                    space[k] = left ? items[a++] : items[b++];                                     \
                }                                                                                  \
            }                                                                                      \
            memcpy(items, space, count * sizeof *items);                                           \
        }                                                                                          \
    }
DEFINE_SORT(sort_known, struct known, known_before)
DEFINE_SORT(sort_examples, struct tt_example, example_before)

static bool list_effective(const struct tt_learner *learner, int64_t time_ms,
                           struct known_list *ret)
{
    ret->capacity = learner->label_count;
    ret->items = tt_new_array(learner->alloc, ret->capacity, sizeof *ret->items);
    ret->space = tt_new_array(learner->alloc, ret->capacity, sizeof *ret->space);
    if (ret->items == NULL || ret->space == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < learner->label_count; i++) {
        uint32_t index = learner->label_heap[i];
        const struct tt_waiting_label *label = tt_learner_label_at(learner, index);
        if (label->effective_ms <= time_ms) {
            ret->items[ret->count++] =
                (struct known){label->key, label->effective_ms, index, label->kind, false};
            ret->maybe[maybe_word(label->key)] |= maybe_bit(label->key);
        }
    }
    sort_known(ret->items, ret->space, ret->count);
    return true;
}

static void free_list(const struct tt_learner *learner, struct known_list *list)
{
    tt_delete(learner->alloc, list->items, list->capacity * sizeof *list->items);
    tt_delete(learner->alloc, list->space, list->capacity * sizeof *list->space);
}

/* The last label of a payment, which is the one that holds; NULL: none is effective. */
static struct known *find_known(const struct known_list *list, uint64_t key)
{
    if ((list->maybe[maybe_word(key)] & maybe_bit(key)) == 0) {
        return NULL;
    }
    size_t low = 0, high = list->count;
    while (low < high) { /* the first behind all of that key */
        size_t middle = low + (high - low) / 2;
        if (list->items[middle].key <= key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low > 0 && list->items[low - 1].key == key ? &list->items[low - 1] : NULL;
}

static enum tt_status add_example(struct tt_lesson *lesson, const struct tt_example *example)
{
    if (lesson->example_count == lesson->example_capacity) {
        size_t capacity = lesson->example_capacity == 0 ? 1024 : 2 * lesson->example_capacity;
        size_t size = capacity * sizeof *example;
        struct tt_example *grown =
            lesson->examples == NULL ? tt_new(lesson->alloc, size)
                                     : tt_resize(lesson->alloc, lesson->examples,
                                                 lesson->example_capacity * sizeof *example, size);
        if (grown == NULL) {
            return TT_E_NOMEM;
        }
        lesson->examples = grown;
        lesson->example_capacity = capacity;
    }
    lesson->examples[lesson->example_count++] = *example;
    return TT_OK;
}

static uint8_t belief_of(uint8_t kind)
{
    return kind == TT_LABEL_FRAUD     ? TT_BELIEF_FRAUD
           : kind == TT_LABEL_GENUINE ? TT_BELIEF_GENUINE
                                      : TT_BELIEF_NONE;
}

/* What is known about a held row by time_ms, as an example when that is new. */
static enum tt_status examine(const struct tt_learner *learner, const struct tt_segment *segment,
                              uint32_t index, const struct known_list *list,
                              struct tt_lesson *lesson)
{
    const struct tt_held_row *row = tt_learner_row(learner, index);
    struct known *known = find_known(list, row->key);
    struct tt_example example = {
        .key = row->key,
        .row = index,
        .from = row->belief,
        .to = row->belief,
        .weight = 1.0F,
        .chance = (float)tt_learner_chance(segment, row),
    };
    if (known != NULL) {
        known->found = true;
        example.to = belief_of(known->kind);
        example.when_ms = known->effective_ms;
        example.weight = tt_learner_label_at(learner, known->label)->weight;
    }
    int64_t presumed_ms = row->time_ms + learner->setup->learned.horizon_ms;
    if (example.to == TT_BELIEF_NONE && presumed_ms <= lesson->time_ms) {
        example.to = TT_BELIEF_PRESUMED;
        example.when_ms =
            known != NULL && known->effective_ms > presumed_ms ? known->effective_ms : presumed_ms;
    }
    return example.to == example.from ? TT_OK : add_example(lesson, &example);
}

/* Labels whose payment is not held: those that carry it teach all the same. */
static enum tt_status examine_unheld(const struct tt_learner *learner,
                                     const struct known_list *list, struct tt_lesson *lesson)
{
    enum tt_status status = TT_OK;
    for (size_t i = 0; i < list->count && status == TT_OK; i++) {
        const struct known *known = &list->items[i];
        bool last = i + 1 == list->count || list->items[i + 1].key != known->key;
        if (!last || known->found) {
            continue;
        }
        const struct tt_waiting_label *label = tt_learner_label_at(learner, known->label);
        struct tt_example example = {
            .when_ms = known->effective_ms,
            .key = known->key,
            .row = UINT32_MAX,
            .label = known->label,
            .to = belief_of(known->kind),
            .weight = label->weight,
            .chance = 1.0F,
        };
        if (!label->carried) {
            lesson->unheld++;
        } else if (example.to != TT_BELIEF_NONE) {
            status = add_example(lesson, &example);
        }
    }
    return status;
}

static enum tt_status collect(const struct tt_learner *learner, struct tt_lesson *lesson)
{
    struct known_list list = {0};
    enum tt_status status = list_effective(learner, lesson->time_ms, &list) ? TT_OK : TT_E_NOMEM;
    for (uint32_t i = 0; i < learner->segment_count && status == TT_OK; i++) {
        const struct tt_segment *segment = tt_learner_segment(learner, i);
        for (uint32_t k = 0; k < segment->count && status == TT_OK; k++) {
            status =
                examine(learner, segment, (segment->first + k) % learner->capacity, &list, lesson);
        }
    }
    if (status == TT_OK) {
        status = examine_unheld(learner, &list, lesson);
    }
    free_list(learner, &list);
    return status;
}

static void learn(const struct tt_learner *learner, const struct tt_example *example,
                  struct tt_regression *regression)
{
    double unlabelled = learner->setup->learned.unlabelled_weight;
    double scale = 1.0 / (double)example->chance;
    const float *inputs = example->row != UINT32_MAX
                              ? tt_learner_inputs(learner, example->row)
                              : tt_learner_label_at(learner, example->label)->inputs;
    if (example->from == TT_BELIEF_PRESUMED && example->to == TT_BELIEF_GENUINE) {
        return; /* it has been learned so */
    }
    if (example->from == TT_BELIEF_FRAUD) {
        tt_regression_step(regression, inputs, true, -scale);
        regression->frauds -= regression->frauds > 0 ? 1 : 0;
    } else if (example->from != TT_BELIEF_NONE) {
        tt_regression_step(regression, inputs, false,
                           example->from == TT_BELIEF_PRESUMED ? -scale * unlabelled : -scale);
    }
    if (example->to == TT_BELIEF_FRAUD) {
        tt_regression_step(regression, inputs, true, scale * (double)example->weight);
        regression->frauds++;
    } else if (example->to != TT_BELIEF_NONE) {
        tt_regression_step(regression, inputs, false,
                           example->to == TT_BELIEF_PRESUMED ? scale * unlabelled : scale);
    }
}

/* Bins are cut again each time traffic has doubled, as label features fill and habits settle. */
static enum tt_status teach(const struct tt_learner *learner, struct tt_lesson *lesson,
                            struct tt_error *err)
{
    struct tt_regression *regression = lesson->regression;
    enum tt_status status = TT_OK;
    if (learner->count >= 2 * regression->cut_count) {
        status = tt_regression_cut(learner, regression, err);
    }
    if (status != TT_OK || lesson->example_count == 0) {
        return status;
    }
    size_t size = lesson->example_count * sizeof *lesson->examples;
    struct tt_example *space = tt_new(learner->alloc, size);
    if (space == NULL) {
        return tt_fail(err, TT_E_NOMEM, "out of memory for a lesson");
    }
    sort_examples(lesson->examples, space, lesson->example_count);
    tt_delete(learner->alloc, space, size);
    for (size_t i = 0; i < lesson->example_count; i++) {
        learn(learner, &lesson->examples[i], regression);
    }
    return TT_OK;
}

enum tt_status tt_learned_train(const struct tt_learner *learner, int64_t time_ms,
                                struct tt_lesson **ret_lesson, struct tt_logistic **ret_model,
                                struct tt_error *err)
{
    const struct tt_alloc *alloc = learner->alloc;
    struct tt_lesson *lesson = tt_new_array(alloc, 1, sizeof *lesson);
    struct tt_logistic *model = NULL;
    if (lesson == NULL) {
        return tt_fail(err, TT_E_NOMEM, "out of memory for a lesson");
    }
    lesson->alloc = alloc;
    lesson->time_ms = time_ms;
    enum tt_status status =
        tt_regression_new(alloc, learner->regression->input_count, &lesson->regression, err);
    if (status == TT_OK) {
        tt_regression_copy(learner->regression, lesson->regression);
        lesson->learns = lesson->regression->cut_count > 0 || learner->count >= ROWS_MIN;
    }
    if (status == TT_OK && lesson->learns) {
        status = collect(learner, lesson);
        if (status != TT_OK) {
            (void)tt_fail(err, status, "out of memory for a lesson");
        }
    }
    if (status == TT_OK && lesson->learns) {
        status = teach(learner, lesson, err);
    }
    if (status == TT_OK && lesson->regression->frauds > 0) {
        status = tt_regression_model(lesson->regression, alloc, &model, err);
    }
    if (status != TT_OK) {
        tt_lesson_free(lesson);
        return status;
    }
    *ret_lesson = lesson;
    *ret_model = model;
    return TT_OK;
}

void tt_lesson_free(struct tt_lesson *lesson)
{
    if (lesson == NULL) {
        return;
    }
    tt_regression_free(lesson->regression);
    tt_delete(lesson->alloc, lesson->examples, lesson->example_capacity * sizeof *lesson->examples);
    tt_delete(lesson->alloc, lesson, sizeof *lesson);
}

void tt_learned_reference(const struct tt_learner *learner, const struct tt_logistic *model,
                          struct tt_histogram *ret)
{
    double total = (double)tt_learned_stats(learner).held;
    double share = total > REFERENCE_ROWS ? REFERENCE_ROWS / total : 1.0;
    for (uint32_t i = 0; i < learner->segment_count; i++) {
        const struct tt_segment *segment = tt_learner_segment(learner, i);
        for (uint32_t k = 0; k < segment->count; k++) {
            uint32_t index = (segment->first + k) % learner->capacity;
            const struct tt_held_row *row = tt_learner_row(learner, index);
            if (row->belief != TT_BELIEF_FRAUD && tt_learner_samples(segment, row, share)) {
                tt_histogram_add(ret, &tt_learned_axis,
                                 tt_logistic_score(model, tt_learner_inputs(learner, index)));
            }
        }
    }
}

/* Labels that were effective have done their part. */
static void drop_effective(struct tt_learner *learner, int64_t time_ms)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i <= learner->label_count && i < learner->label_capacity; i++) {
        const struct tt_waiting_label *label = tt_learner_label_at(learner, i);
        if (i == learner->spare_label || label->effective_ms <= time_ms) {
            continue;
        }
        if (kept != i) {
            memcpy(tt_learner_label_at(learner, kept), label, learner->label_size);
        }
        kept++;
    }
    learner->label_count = kept;
    tt_learner_order_labels(learner);
}

void tt_learned_advance(struct tt_learner *learner, struct tt_lesson *lesson,
                        struct tt_histogram *fused, struct tt_histogram *blended)
{
    for (size_t i = 0; i < lesson->example_count; i++) {
        const struct tt_example *example = &lesson->examples[i];
        if (example->row == UINT32_MAX) {
            continue;
        }
        struct tt_held_row *row = tt_learner_row(learner, example->row);
        row->belief = example->to;
        if (example->to == TT_BELIEF_FRAUD) {
            tt_histogram_remove(fused, &tt_fuse_axis, (double)row->fused);
            tt_histogram_remove(blended, &tt_blend_axis, (double)row->evidence);
        }
    }
    if (lesson->learns) {
        struct tt_regression *old = learner->regression;
        learner->regression = lesson->regression;
        lesson->regression = old;
        learner->labels_unheld += lesson->unheld;
        drop_effective(learner, lesson->time_ms);
    }
    tt_learner_turn(learner, lesson->time_ms);
    tt_lesson_free(lesson);
}
