/*
 * Running a step: events in log order against the entities of one kind.
 *
 * A batch is passed in chunks: keys are hashed and their buckets fetched first, entities and their
 * rows a few events ahead, so that the work on one event hides the memory latency of the next ones.
 * Whether an entity is still remembered is decided by its newest event and the log's watermark
 * alone; the sweep that frees memory only takes what could not be seen any more.
 */
#include "core/features/step.h"

#include <float.h>

#include "core/features/copy.h"
#include "core/features/fold.h"
#include "core/features/read.h"
#include "core/features/row.h"
#include "core/features/step_internal.h"

#define CHUNK 64
#define AHEAD_ENTITY 8
#define AHEAD_ROWS 4
#define EVICT_CANDIDATES 16
#define SWEEP_EVENTS 2 /* one look for so many events */
#define LINE_SIZE 64

static bool equal_keys(const void *item, const void *key)
{
    const struct tt_hash128 *a = &((const struct tt_entity *)item)->key, *b = key;
    return a->low == b->low && a->high == b->high;
}

static void remove_entity(struct tt_step *step, struct tt_entity *entity)
{
    uint32_t at = entity->slot;
    void *taken = tt_map_take(&step->map, entity->key.low, &entity->key);
    TT_ASSERT(taken == entity);
    if (step->copy != NULL) {
        tt_step_copy_remove(step, at);
    }
    step->slots[at] = step->slots[--step->slot_count];
    step->slots[at].entity->slot = at;
    tt_entity_free(&step->store, entity);
}

static bool is_expired(const struct tt_step *step, const struct tt_entity *entity)
{
    return entity->newest_ms == TT_TIME_NONE ||
           step->watermark_ms - entity->newest_ms > step->layout->keep_ms;
}

/* From now on an entity that seems to be new may be one of which this was known. */
static void lose(struct tt_step *step, int64_t lost_ms)
{
    step->lost_ms = lost_ms > step->lost_ms ? lost_ms : step->lost_ms;
}

/* Makes room: of a few entities under the hand, the one idle for longest goes. */
static void evict(struct tt_step *step)
{
    struct tt_entity *oldest = NULL;
    for (size_t i = 0; i < EVICT_CANDIDATES && i < step->slot_count; i++) {
        step->hand = step->hand + 1 < step->slot_count ? step->hand + 1 : 0;
        struct tt_entity *entity = step->slots[step->hand].entity;
        if (oldest == NULL || entity->newest_ms < oldest->newest_ms) {
            oldest = entity;
        }
    }
    lose(step, oldest->newest_ms);
    remove_entity(step, oldest);
    step->stats.evicted++;
}

/* Looks at one entity and frees it when no event can see it any more. By count of events, not of
 * batches: whom an eviction finds under the hand then does not depend on the batch split either. */
static void sweep(struct tt_step *step)
{
    if (++step->passed % SWEEP_EVENTS != 0 || step->slot_count == 0) {
        return;
    }
    step->hand = step->hand + 1 < step->slot_count ? step->hand + 1 : 0;
    struct tt_step_slot *slot = &step->slots[step->hand];
    if (step->watermark_ms - slot->newest_ms <= step->layout->keep_ms) {
        return;
    }
    if (is_expired(step, slot->entity)) {
        remove_entity(step, slot->entity);
        step->stats.expired++;
    } else {
        slot->newest_ms = slot->entity->newest_ms;
    }
}

static struct tt_entity *find_entity(struct tt_step *step, const struct tt_hash128 *key)
{
    struct tt_entity *entity = tt_map_get(&step->map, key->low, key);
    if (entity != NULL && is_expired(step, entity)) {
        remove_entity(step, entity);
        step->stats.expired++;
        entity = NULL;
    }
    if (entity != NULL && step->copy != NULL) {
        tt_step_copy_touch(step, entity);
    }
    return entity;
}

struct tt_entity *tt_step_make_entity(struct tt_step *step, const struct tt_hash128 *key)
{
    if (step->slot_count >= step->options.entities_max) {
        evict(step);
    }
    if (step->slot_count == step->slot_capacity) {
        size_t capacity = step->slot_capacity == 0 ? 64 : step->slot_capacity * 2;
        size_t old_size = step->slot_capacity * sizeof(struct tt_step_slot);
        size_t size = capacity * sizeof(struct tt_step_slot);
        struct tt_step_slot *slots = step->slots == NULL
                                         ? tt_new(step->alloc, size)
                                         : tt_resize(step->alloc, step->slots, old_size, size);
        if (slots == NULL) {
            return NULL;
        }
        step->slots = slots;
        step->slot_capacity = capacity;
    }
    struct tt_entity *entity = tt_entity_new(&step->store, key);
    if (entity != NULL && tt_map_put(&step->map, key->low, entity) != TT_OK) {
        tt_entity_free(&step->store, entity);
        entity = NULL;
    }
    if (entity != NULL) {
        entity->slot = (uint32_t)step->slot_count;
        step->slots[step->slot_count++] = (struct tt_step_slot){entity, step->watermark_ms};
    }
    return entity;
}

static void write_feature(const struct tt_step *step, struct tt_vector *vector, uint16_t index,
                          bool there, double value)
{
    const struct tt_feature *feature = &step->plan->features[index];
    if (there) {
        tt_vector_set(vector, index, value);
    } else if (feature->has_default) {
        tt_vector_set(vector, index, feature->default_value);
    } else {
        tt_vector_set_missing(vector, index);
    }
}

/* entity NULL: nothing is known, all of them are missing. */
static void write_features(const struct tt_step *step, const struct plan_read *reads,
                           uint32_t count, struct tt_entity *entity, const int64_t *row,
                           bool is_folded, struct tt_vector *vector)
{
    struct tt_reading reading = {
        .store = &step->store, .entity = entity, .row = row, .is_folded = is_folded};
    if (entity != NULL) {
        reading.money = tt_entity_money(&step->store, entity, tt_row_currency(row));
        reading.t_ms = row[TT_ROW_TIME];
    }
    for (uint32_t i = 0; i < count; i++) {
        double value = 0.0;
        bool there = entity != NULL && tt_read_feature(&reading, &reads[i], &value);
        write_feature(step, vector, reads[i].feature, there, value);
    }
}

static bool number_of(const struct tt_value *value, double *ret)
{
    switch (value->type) {
    case TT_TYPE_DOUBLE:
        *ret = value->number;
        return value->number >= -DBL_MAX && value->number <= DBL_MAX; /* finite */
    case TT_TYPE_INT:
        *ret = (double)value->integer;
        return true;
    case TT_TYPE_UINT:
        *ret = (double)value->uinteger;
        return true;
    case TT_TYPE_BOOL:
        *ret = value->boolean ? 1.0 : 0.0;
        return true;
    default:
        return false;
    }
}

static void set_slot(struct tt_step *step, const struct tt_vector *vector,
                     const struct plan_input *input)
{
    double number = 0.0;
    bool there = tt_vector_get(vector, input->feature, &number);
    step->names[input->slot] = there ? tt_value_double(number) : tt_value_none(TT_VALUE_MISSING);
}

/* Expressions [from, to) in their order; one may read another, so each result goes back into its
 * slot. */
static void write_expressions(struct tt_step *step, struct tt_vector *vector, uint32_t from,
                              uint32_t to)
{
    const struct plan_step *layout = step->layout;
    for (uint32_t i = from; i < to; i++) {
        uint16_t feature = layout->expressions[i].feature;
        struct tt_value value;
        double number = 0.0;
        tt_expr_eval(layout->expressions[i].expr, step->names, &step->scratch, &value);
        bool there = number_of(&value, &number);
        write_feature(step, vector, feature, there, number);
        struct plan_input input = {feature, tt_names_feature_slot(step->plan->names, feature)};
        set_slot(step, vector, &input);
    }
}

/* Those that filters read, which are due before the event is absorbed. */
static void write_early(struct tt_step *step, struct tt_vector *vector)
{
    const struct plan_step *layout = step->layout;
    for (uint32_t i = 0; i < layout->early_input_count; i++) {
        set_slot(step, vector, &layout->early_inputs[i]);
    }
    write_expressions(step, vector, 0, layout->early_count);
}

/* All others. */
static void write_late(struct tt_step *step, struct tt_vector *vector)
{
    const struct plan_step *layout = step->layout;
    for (uint32_t i = 0; i < layout->input_count; i++) {
        set_slot(step, vector, &layout->inputs[i]);
    }
    write_expressions(step, vector, layout->early_count, layout->expression_count);
}

/* The filters that the slots of names pass. */
static uint16_t pass_filters(struct tt_step *step)
{
    uint16_t bits = 0;
    for (uint32_t i = 0; i < step->layout->filter_count; i++) {
        struct tt_value value;
        tt_expr_eval(step->layout->filters[i].expr, step->names, &step->scratch, &value);
        if (value.type == TT_TYPE_BOOL && value.boolean) {
            bits = (uint16_t)(bits | 1U << i);
        }
    }
    return bits;
}

/* The filters a transaction passes, as bits of its row; the slots of its fields are filled. */
static void filter_row(struct tt_step *step, const struct tt_vector *vector, int64_t *row)
{
    for (uint32_t i = 0; i < step->layout->filter_input_count; i++) {
        set_slot(step, vector, &step->layout->filter_inputs[i]);
    }
    row[TT_ROW_TAG] = tt_row_tag(tt_row_id(row), pass_filters(step), tt_row_currency(row));
}

/* Scores the row against the entity and leaves it in when it is absorbed. No features are wanted:
 * then the vector is the one that was recorded, for the filters. */
static enum tt_status pass_row(struct tt_step *step, struct tt_entity *entity, int64_t *row,
                               bool absorb, bool wanted, struct tt_vector *vector)
{
    const struct plan_step *layout = step->layout;
    bool stays = absorb && entity != step->ghost;
    int64_t oldest_ms = step->watermark_ms - layout->keep_ms;
    uint32_t at = 0;
    if (!absorb) {
        /* A late event reaches back behind what is kept, where what is still there depends on when
         * this entity was last seen: it must not. */
        step->stats.demoted += tt_entity_trim(&step->store, entity, oldest_ms);
    }
    enum tt_status status = tt_entity_seek(&step->store, entity, row[TT_ROW_TIME]);
    /* What stands beside rows a late event looks at may be made of some that are not kept. */
    if (absorb && status == TT_OK) {
        status = tt_fold_run(&step->store, entity);
    }
    if (wanted) {
        write_features(step, layout->before, layout->before_count, status == TT_OK ? entity : NULL,
                       row, absorb, vector);
        write_early(step, vector);
    }
    if (layout->filter_count > 0) {
        filter_row(step, vector, row);
    }
    if (absorb && status == TT_OK) {
        tt_fold_ahead(&step->store, entity, row);
    }
    if (status == TT_OK) {
        status = tt_entity_insert(&step->store, entity, row, &at);
    }
    if (absorb && status == TT_OK) {
        status = tt_fold_run(&step->store, entity);
        TT_ASSERT(status == TT_OK); /* all that is open now is of this instant */
    }
    if (wanted) {
        const int64_t *place = status == TT_OK ? tt_entity_row(&step->store, entity, at) : row;
        write_features(step, layout->after, layout->after_count, status == TT_OK ? entity : NULL,
                       place, absorb, vector);
    }
    if (status != TT_OK) {
        return status;
    }
    if (!stays) {
        tt_entity_remove(&step->store, entity, at);
        return absorb ? TT_E_NOMEM : TT_OK;
    }
    if (row[TT_ROW_TIME] > entity->newest_ms) {
        entity->newest_ms = row[TT_ROW_TIME];
    }
    step->stats.demoted += tt_entity_trim(&step->store, entity, oldest_ms);
    return TT_OK;
}

static void empty_vector(const struct tt_step *step, struct tt_vector *vector)
{
    vector->count = step->plan->feature_count;
    for (uint32_t i = 0; i < vector->count; i++) {
        tt_vector_set_missing(vector, i);
    }
}

/* Whether a window of an event at t_ms reaches back to what was lost; what could not be absorbed is
 * lost to later ones. */
static void judge_losses(struct tt_step *step, struct tt_event *event, struct tt_entity *entity,
                         int64_t lost_ms, bool failed)
{
    int64_t t_ms = event->txn.timestamp_ms;
    if (failed) {
        lose(step, t_ms);
        if (entity != NULL && t_ms > entity->lost_ms) {
            entity->lost_ms = t_ms;
        }
    }
    if (failed || lost_ms > t_ms - step->layout->longest_ms) {
        event->step_degraded |= (uint8_t)(1U << step->index);
        step->stats.degraded++;
    }
}

/* One event whose entity is known by key. */
static enum tt_status pass_keyed(struct tt_step *step, struct tt_event *event,
                                 const struct tt_hash128 *key, bool absorb, bool wanted)
{
    int64_t row[TT_ROW_WORDS_MAX];
    struct tt_entity *entity = find_entity(step, key);
    int64_t lost_ms = entity != NULL ? entity->lost_ms : step->lost_ms;
    if (entity == NULL && absorb) {
        entity = tt_step_make_entity(step, key);
        if (entity != NULL) {
            entity->lost_ms = lost_ms;
        }
    }
    tt_row_fill(step->layout, step->plan, &event->txn, row);
    enum tt_status status =
        pass_row(step, entity != NULL ? entity : step->ghost, row, absorb, wanted, &event->vector);
    uint8_t bit = (uint8_t)(1U << step->index);
    event->step_absorbed = (uint8_t)(event->step_absorbed & ~bit);
    if (absorb && status == TT_OK) {
        event->step_absorbed |= bit;
        step->stats.absorbed++;
        if (step->first_ms == TT_TIME_NONE || row[TT_ROW_TIME] < step->first_ms) {
            step->first_ms = row[TT_ROW_TIME];
        }
    }
    judge_losses(step, event, entity, lost_ms, status != TT_OK);
    while (step->store.bytes > step->options.memory_bytes_max && step->slot_count > 0) {
        evict(step);
    }
    return status;
}

/* Whether an event's features are to be computed. In a replay they are there as recorded, unless by
 * another plan; then filters that read features need them again. */
static bool wants_features(const struct tt_step *step, const struct tt_event *event, bool replay)
{
    const struct tt_hash128 *recorded = &event->vector.plan, *plan = &step->plan->hash;
    return !replay || (step->plan->filters_read_features &&
                       (recorded->low != plan->low || recorded->high != plan->high));
}

/* Nothing fails silently: a currency that the table of rates does not know is counted. */
static void count_unpriced(struct tt_step *step, const struct tt_txn *txn)
{
    int64_t base_minor = 0;
    if (step->index == 0 && step->plan->rates.base != 0 &&
        !tt_rates_convert(&step->plan->rates, txn->currency, txn->amount_minor, &base_minor)) {
        step->stats.unpriced++;
    }
}

static enum tt_status pass_transaction(struct tt_step *step, struct tt_event *event,
                                       const struct tt_hash128 *key, bool replay)
{
    const struct plan_step *layout = step->layout;
    struct tt_vector *vector = &event->vector;
    bool wanted = wants_features(step, event, replay);
    int64_t t_ms = event->txn.timestamp_ms;
    bool recorded = ((event->step_absorbed >> step->index) & 1) != 0;
    bool late =
        step->watermark_ms != TT_TIME_NONE && t_ms < step->watermark_ms - step->plan->lateness_ms;
    enum tt_status status = TT_OK;
    step->watermark_ms = t_ms > step->watermark_ms ? t_ms : step->watermark_ms;
    if (wanted && step->index == 0) {
        empty_vector(step, vector);
    }
    if (!replay && step->index == 0) {
        vector->plan = step->plan->hash;
        event->late = late;
    }
    if (wanted ? layout->reads_txn : layout->filters_read_txn) {
        tt_names_fill_txn(step->plan->names, &event->txn, step->names);
    }
    step->stats.late += late ? 1 : 0;
    count_unpriced(step, &event->txn);
    if (layout->before_count + layout->after_count > 0) {
        if (key != NULL) {
            status = pass_keyed(step, event, key, replay ? recorded : !late, wanted);
        } else {
            step->stats.keyless++;
        }
    }
    if (wanted && key == NULL) {
        write_features(step, layout->before, layout->before_count, NULL, NULL, false, vector);
        write_features(step, layout->after, layout->after_count, NULL, NULL, false, vector);
        write_early(step, vector);
    }
    if (wanted && layout->expression_count > 0) {
        write_late(step, vector);
    }
    sweep(step);
    return status;
}

/* The same of a labelled transaction, whose row may be there no more. What features it had is not
 * known any more either: filters that read some do not pass. */
static uint16_t filter_bits(struct tt_step *step, const struct tt_txn *txn)
{
    if (step->layout->filter_count == 0) {
        return 0;
    }
    tt_names_clear(step->plan->names, step->names);
    tt_names_fill_txn(step->plan->names, txn, step->names);
    return pass_filters(step);
}

static enum tt_status pass_label(struct tt_step *step, const struct tt_event *event,
                                 const struct tt_hash128 *key)
{
    if (!step->layout->has_labels || key == NULL) {
        return TT_OK;
    }
    const struct tt_label *label = &event->label;
    struct tt_label_row row = {
        .time_ms = event->txn.timestamp_ms,
        .effective_ms =
            label->known_at_ms > label->recorded_at_ms ? label->known_at_ms : label->recorded_at_ms,
        .id = tt_row_id_of(&event->txn),
        .kind = label->kind,
    };
    struct tt_entity *entity = find_entity(step, key);
    bool applied = false;
    if (entity != NULL && entity->panes != NULL) {
        row.bits = filter_bits(step, &event->txn);
    }
    enum tt_status status =
        entity == NULL ? TT_OK : tt_entity_label(&step->store, entity, &row, &applied);
    if (status == TT_OK) {
        step->stats.labels += applied ? 1 : 0;
        step->stats.labels_lost += applied ? 0 : 1;
    }
    return status;
}

/* Brings an entity's first lines, then (second call) the rows its edges stand at, to the cache. */
static void fetch_entity(const struct tt_step *step, const struct tt_hash128 *key, bool rows)
{
    const struct tt_entity *entity = tt_map_guess(&step->map, key->low);
    if (entity == NULL) {
        return;
    }
    if (!rows) {
        for (size_t at = 0; at < step->store.entity_size; at += LINE_SIZE) {
            __builtin_prefetch((const char *)entity + at, 1);
        }
        return;
    }
    if (entity->end > entity->begin) {
        __builtin_prefetch(
            tt_entity_row(&step->store, entity, entity->end - 1) + step->layout->row_words, 1);
        for (uint32_t i = 0; i < step->layout->span_count; i++) {
            uint32_t low = tt_entity_edges(entity)[i].low;
            __builtin_prefetch(tt_entity_row(&step->store, entity, low));
        }
    }
}

static bool touches(const struct tt_event *event)
{
    return event->kind == TT_EVENT_LABEL ||
           (event->kind == TT_EVENT_TRANSACTION && event->gate == TT_GATE_FRESH);
}

struct chunk {
    struct tt_hash128 keys[CHUNK];
    bool has_key[CHUNK];
    size_t count;
};

static void hash_chunk(const struct tt_step *step, struct tt_event *const *events,
                       struct chunk *chunk)
{
    for (size_t i = 0; i < chunk->count; i++) {
        struct tt_str key = events[i]->txn.text[step->layout->key];
        chunk->has_key[i] = events[i]->kind != TT_EVENT_EPOCH && key.data != NULL;
        if (chunk->has_key[i]) {
            chunk->keys[i] = tt_hash128(&step->options.key, key.data, key.size);
            tt_map_prefetch(&step->map, chunk->keys[i].low);
        }
    }
}

static enum tt_status pass_chunk(struct tt_step *step, struct tt_event *const *events,
                                 struct chunk *chunk, bool replay)
{
    enum tt_status first = TT_OK;
    for (size_t i = 0; i < AHEAD_ENTITY && i < chunk->count; i++) {
        if (chunk->has_key[i]) {
            fetch_entity(step, &chunk->keys[i], false);
        }
    }
    for (size_t i = 0; i < chunk->count; i++) {
        size_t ahead = i + AHEAD_ENTITY, next = i + AHEAD_ROWS;
        if (ahead < chunk->count && chunk->has_key[ahead]) {
            fetch_entity(step, &chunk->keys[ahead], false);
        }
        if (next < chunk->count && chunk->has_key[next]) {
            fetch_entity(step, &chunk->keys[next], true);
        }
        if (!touches(events[i])) {
            continue;
        }
        const struct tt_hash128 *key = chunk->has_key[i] ? &chunk->keys[i] : NULL;
        enum tt_status status = events[i]->kind == TT_EVENT_LABEL
                                    ? pass_label(step, events[i], key)
                                    : pass_transaction(step, events[i], key, replay);
        first = first == TT_OK ? status : first;
    }
    return first;
}

static enum tt_status pass(struct tt_step *step, struct tt_event *const *events, size_t count,
                           bool replay, struct tt_error *err)
{
    struct chunk chunk;
    enum tt_status first = TT_OK;
    for (size_t at = 0; at < count; at += chunk.count) {
        chunk.count = count - at < CHUNK ? count - at : CHUNK;
        hash_chunk(step, events + at, &chunk);
        enum tt_status status = pass_chunk(step, events + at, &chunk, replay);
        first = first == TT_OK ? status : first;
    }
    return first == TT_OK ? TT_OK
                          : tt_fail(err, first, "no memory for the state of an entity \"%.*s\"",
                                    TT_STR_ARG(step->layout->name));
}

enum tt_status tt_step_run(struct tt_step *step, struct tt_event *const *events, size_t count,
                           struct tt_error *err)
{
    return pass(step, events, count, false, err);
}

enum tt_status tt_step_absorb_only(struct tt_step *step, struct tt_event *const *events,
                                   size_t count, struct tt_error *err)
{
    return pass(step, events, count, true, err);
}

/* The ghost holds one row of any kind without allocating: what an event alone would show. */
static enum tt_status make_ghost(struct tt_step *step)
{
    static const struct tt_hash128 NOBODY = {0, 0};
    int64_t row[TT_ROW_WORDS_MAX] = {0};
    uint32_t at = 0;
    step->ghost = tt_entity_new(&step->store, &NOBODY);
    if (step->ghost == NULL) {
        return TT_E_NOMEM;
    }
    row[TT_ROW_TAG] = tt_row_tag(0, 0, 0);
    enum tt_status status = tt_entity_seek(&step->store, step->ghost, 0);
    status = status == TT_OK ? tt_entity_insert(&step->store, step->ghost, row, &at) : status;
    if (status == TT_OK) {
        tt_entity_remove(&step->store, step->ghost, at);
    }
    return status;
}

enum tt_status tt_step_new(const struct tt_alloc *alloc, const struct tt_plan *plan,
                           uint32_t step_index, const struct tt_step_options *options,
                           struct tt_step **ret, struct tt_error *err)
{
    TT_ASSERT(step_index < plan->step_count);
    if (options->entities_max == 0 || options->memory_bytes_max == 0) {
        return tt_fail(err, TT_E_INVALID, "a feature step needs entities_max and memory_bytes_max");
    }
    struct tt_step *step = tt_new_array(alloc, 1, sizeof(*step));
    if (step == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for a feature step");
    }
    step->alloc = alloc;
    step->plan = plan;
    step->layout = plan->steps[step_index];
    step->options = *options;
    step->index = step_index;
    step->watermark_ms = TT_TIME_NONE;
    step->first_ms = TT_TIME_NONE;
    step->lost_ms = TT_TIME_NONE;
    tt_map_init(&step->map, alloc, equal_keys, options->entities_max);
    tt_entity_store_init(&step->store, alloc, step->layout);
    step->names = tt_new_array(alloc, tt_names_slot_count(plan->names), sizeof(*step->names));
    enum tt_status status = step->names == NULL ? TT_E_NOMEM : make_ghost(step);
    if (status != TT_OK) {
        tt_step_free(step);
        return tt_fail(err, status, "no memory for a feature step");
    }
    tt_names_clear(plan->names, step->names);
    *ret = step;
    return TT_OK;
}

void tt_step_free(struct tt_step *step)
{
    if (step == NULL) {
        return;
    }
    tt_step_copy_end(step);
    for (size_t i = 0; i < step->slot_count; i++) {
        tt_entity_free(&step->store, step->slots[i].entity);
    }
    tt_entity_free(&step->store, step->ghost);
    TT_ASSERT(step->store.bytes == 0);
    tt_map_deinit(&step->map);
    tt_delete(step->alloc, step->slots, step->slot_capacity * sizeof(struct tt_step_slot));
    tt_delete(step->alloc, step->names,
              tt_names_slot_count(step->plan->names) * sizeof(*step->names));
    tt_delete(step->alloc, step, sizeof(*step));
}

struct tt_step_stats tt_step_stats(const struct tt_step *step)
{
    struct tt_step_stats stats = step->stats;
    stats.entities = step->slot_count;
    stats.bytes = step->store.bytes + step->slot_count * sizeof(struct tt_step_slot) +
                  step->map.capacity * sizeof(struct tt_map_slot);
    return stats;
}

int64_t tt_step_warm_from(const struct tt_step *step)
{
    return step->first_ms;
}

int64_t tt_step_watermark(const struct tt_step *step)
{
    return step->watermark_ms;
}
