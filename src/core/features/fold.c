/*
 * Folding rows; see fold.h.
 *
 * A row is judged by the rows of the baseline that are strictly older, whatever the order of those
 * of its instant; they are taken out of the sorted values for a moment, and the row with them.
 *
 * The filter's memory: time is cut into blocks of the fold's window, and a row of block k is reached
 * from the first row of block k - 1. So it remembers one to two windows. Where a block begins, the
 * one before is folded once more from a state that knows nothing: two steps an event in all.
 */
#include "core/features/fold.h"

#include "base/math.h"

#define OWN_MIN 3          /* values before anything can be judged by them */
#define TYPICAL_SPREAD 0.7 /* of the centre, or of a logarithm: payments of one person */
#define TYPICAL_COUNT 10.0 /* observations that is worth */
#define NORMAL_IQR 1.3489795003921634
#define SURPRISE_SCALE 65536.0
#define SURPRISE_CLAMP 16384.0
#define NO_SURPRISE INT32_MIN
#define ODDS_SCALE 4294967296.0

/* The filter. How often accounts are taken over and for how long, and which share of what happens
 * then is not the owner's; the evidence of a surprise is linear in it and bounded, so that no single
 * event is proof. What they are matters little (docs/internals/detection.md). */
#define TURN_PER_MS (0.001 / 86400e3)
#define RETURN_PER_MS (1.0 / (7.0 * 86400e3))
#define FOREIGN_SHARE 0.5
#define EVIDENCE_SLOPE 3.0
#define EVIDENCE_MIN (-3.0)
#define EVIDENCE_MAX 10.0
#define ORDINARY (TURN_PER_MS / (TURN_PER_MS + RETURN_PER_MS)) /* of a filter that knows nothing */

/* What stands beside a row. */
struct kept {
    int32_t surprise; /* in 1 / SURPRISE_SCALE, or NO_SURPRISE */
    uint32_t taken; /* probability before the event in 2^-32; never 0, so this is never "missing" */
};

static struct kept unpack(int64_t word)
{
    return (struct kept){(int32_t)(word >> 32), (uint32_t)word};
}

static int64_t pack(struct kept kept)
{
    return (int64_t)((uint64_t)(uint32_t)kept.surprise << 32 | kept.taken);
}

static double surprise_of(struct kept kept)
{
    return (double)kept.surprise / SURPRISE_SCALE;
}

static double taken_of(struct kept kept)
{
    return (double)kept.taken / ODDS_SCALE;
}

static uint32_t fixed_probability(double p)
{
    double scaled = p * ODDS_SCALE;
    return scaled < 1.0 ? 1 : scaled > ODDS_SCALE - 1.0 ? UINT32_MAX : (uint32_t)scaled;
}

static double evidence(double surprise)
{
    return EVIDENCE_SLOPE * (surprise - TT_FOLD_SURPRISE);
}

/* The probability after the event. */
static double after_event(struct kept kept)
{
    double taken = taken_of(kept);
    if (kept.surprise == NO_SURPRISE) {
        return taken;
    }
    double log_ratio = evidence(surprise_of(kept));
    log_ratio = log_ratio < EVIDENCE_MIN ? EVIDENCE_MIN : log_ratio;
    log_ratio = log_ratio > EVIDENCE_MAX ? EVIDENCE_MAX : log_ratio;
    double ratio = 1.0 - FOREIGN_SHARE + FOREIGN_SHARE * tt_exp(log_ratio);
    return taken * ratio / (taken * ratio + 1.0 - taken);
}

/* And after some time without one. */
static double after_time(double taken, int64_t elapsed_ms)
{
    return ORDINARY +
           (taken - ORDINARY) * tt_exp(-(TURN_PER_MS + RETURN_PER_MS) * (double)elapsed_ms);
}

static int64_t block_of(const struct plan_fold *fold, int64_t t_ms)
{
    int64_t block = t_ms / fold->window_ms;
    return block * fold->window_ms > t_ms ? block - 1 : block;
}

static double next_taken(const struct plan_fold *fold, const int64_t *row, uint32_t taken,
                         int64_t t_ms)
{
    struct kept kept = {unpack(row[fold->kept]).surprise, taken};
    return after_time(after_event(kept), t_ms - row[TT_ROW_TIME]);
}

/* The probability at t, reached from the rows before `at`. */
static uint32_t taken_at(const struct tt_entity_store *store, const struct tt_entity *entity,
                         const struct plan_fold *fold, uint32_t at, int64_t t_ms)
{
    if (fold->window_ms == 0 || at == entity->begin) {
        return fixed_probability(ORDINARY);
    }
    int64_t block = block_of(fold, t_ms), from_ms = (block - 1) * fold->window_ms;
    const int64_t *row = tt_entity_row(store, entity, at - 1);
    if (block_of(fold, row[TT_ROW_TIME]) == block) {
        return fixed_probability(next_taken(fold, row, unpack(row[fold->kept]).taken, t_ms));
    }
    uint32_t first = at;
    while (first > entity->begin &&
           tt_entity_row(store, entity, first - 1)[TT_ROW_TIME] >= from_ms) {
        first--;
    }
    uint32_t taken = fixed_probability(ORDINARY);
    for (uint32_t i = first; i < at; i++) {
        int64_t next_ms = i + 1 < at ? tt_entity_row(store, entity, i + 1)[TT_ROW_TIME] : t_ms;
        taken =
            fixed_probability(next_taken(fold, tt_entity_row(store, entity, i), taken, next_ms));
    }
    return taken;
}

/* Adds the values of the rows of an instant to the baseline's or takes them out. The edges stand at
 * that instant, so they are its last. */
static void apply_instant(const struct tt_entity_store *store, const struct tt_entity *entity,
                          const struct plan_fold *fold, const int64_t *judged, struct tt_bag *bag,
                          bool add)
{
    struct tt_edges edges = tt_entity_edges(entity)[fold->span];
    bool money = store->plan->values[fold->bag].by_currency;
    for (uint32_t i = edges.high; i > edges.low; i--) {
        const int64_t *row = tt_entity_row(store, entity, i - 1);
        int64_t value = 0;
        if (row[TT_ROW_TIME] != judged[TT_ROW_TIME]) {
            return;
        }
        if ((money && tt_row_currency(row) != tt_row_currency(judged)) ||
            !tt_row_value(row, fold->field, fold->word, &value)) {
            continue;
        }
        if (add) {
            tt_bag_add(bag, value);
        } else {
            tt_bag_remove(bag, value);
        }
    }
}

/* The deviate of a value from sorted ones, by median and quartiles; what is typical of payments
 * stands in for a spread there is little of. */
static int32_t judge_value(const struct plan_fold *fold, const struct tt_bag *bag, int64_t value)
{
    if (bag->count < OWN_MIN) {
        return NO_SURPRISE;
    }
    double n = (double)bag->count, center = tt_bag_quantile(bag, 0.5);
    double own = (tt_bag_quantile(bag, 0.75) - tt_bag_quantile(bag, 0.25)) / NORMAL_IQR;
    double scale = fold->field == FIELD_LOG_AMOUNT ? TT_LOG_SCALE : center < 0.0 ? -center : center;
    double typical = TYPICAL_SPREAD * scale, freedom = n - 1.0 + TYPICAL_COUNT;
    double variance =
        ((n - 1.0) * own * own + TYPICAL_COUNT * typical * typical) / freedom * (1.0 + 1.0 / n);
    if (!(variance > 0.0)) {
        return NO_SURPRISE; /* only zeros: there is no scale to judge by */
    }
    double deviate = tt_normal_deviate(((double)value - center) / tt_sqrt(variance), freedom);
    deviate = deviate > SURPRISE_CLAMP ? SURPRISE_CLAMP : deviate;
    deviate = deviate < -SURPRISE_CLAMP ? -SURPRISE_CLAMP : deviate;
    return (int32_t)(deviate * SURPRISE_SCALE + (deviate < 0.0 ? -0.5 : 0.5));
}

/* The edges of the baseline stand at the row's time. */
static int32_t judge(const struct tt_entity_store *store, struct tt_entity *entity,
                     const struct plan_fold *fold, const int64_t *row)
{
    const struct plan_value *kept = &store->plan->values[fold->bag];
    int64_t value = 0;
    if (!tt_row_value(row, fold->field, fold->word, &value)) {
        return NO_SURPRISE;
    }
    struct tt_bag *bag = tt_entity_bag(store, entity, tt_row_currency(row), kept);
    if (bag == NULL) {
        return NO_SURPRISE; /* the first of its currency */
    }
    apply_instant(store, entity, fold, row, bag, false);
    int32_t surprise = judge_value(fold, bag, value);
    apply_instant(store, entity, fold, row, bag, true);
    return surprise;
}

/* Fills in what is kept beside a row that stands, or will stand, at `at`; returns its bits. */
static uint16_t fold_into(const struct tt_entity_store *store, struct tt_entity *entity,
                          const struct plan_fold *fold, uint32_t at, int64_t *row)
{
    struct kept kept = {judge(store, entity, fold, row), 0};
    kept.taken = taken_at(store, entity, fold, at, row[TT_ROW_TIME]);
    row[fold->kept] = pack(kept);
    bool is_surprise = kept.surprise >= (int32_t)(TT_FOLD_SURPRISE * SURPRISE_SCALE);
    uint16_t bits = tt_row_bits(row);
    return (uint16_t)(is_surprise ? bits | fold->bit : bits & ~fold->bit);
}

static void fold_row(struct tt_entity_store *store, struct tt_entity *entity,
                     const struct plan_fold *fold, uint32_t at)
{
    int64_t *row = entity->rows + (size_t)at * store->plan->row_words;
    uint16_t bits = fold_into(store, entity, fold, at, row);
    if (bits != tt_row_bits(row)) {
        tt_entity_set_bits(store, entity, at, bits);
    }
}

void tt_fold_ahead(const struct tt_entity_store *store, struct tt_entity *entity, int64_t *row)
{
    const struct plan_step *plan = store->plan;
    bool is_next = entity->folded == entity->end && entity->panes == NULL;
    for (uint32_t f = 0; f < plan->fold_count && is_next; f++) {
        uint16_t bits = fold_into(store, entity, &plan->folds[f], entity->end, row);
        row[TT_ROW_TAG] = tt_row_tag(tt_row_id(row), bits, tt_row_currency(row));
    }
}

/* Puts the baselines' edges back to where all the others are: there was room for that before. */
static void restore_edges(struct tt_entity_store *store, struct tt_entity *entity)
{
    for (uint32_t f = 0; f < store->plan->fold_count; f++) {
        enum tt_status status =
            tt_entity_seek_span(store, entity, store->plan->folds[f].span, entity->edges_ms);
        TT_ASSERT(status == TT_OK);
    }
}

enum tt_status tt_fold_run(struct tt_entity_store *store, struct tt_entity *entity)
{
    const struct plan_step *plan = store->plan;
    if (plan->fold_count == 0 || entity->panes != NULL) {
        return TT_OK;
    }
    uint32_t end = tt_entity_edges(entity)[plan->folds[0].span].high;
    enum tt_status status = TT_OK;
    bool moved = false;
    while (entity->folded < end && status == TT_OK) {
        int64_t t_ms = tt_entity_row(store, entity, entity->folded)[TT_ROW_TIME];
        for (uint32_t f = 0; f < plan->fold_count && status == TT_OK; f++) {
            if (moved || t_ms != entity->edges_ms) {
                status = tt_entity_seek_span(store, entity, plan->folds[f].span, t_ms);
                moved = true;
            }
            if (status == TT_OK) {
                fold_row(store, entity, &plan->folds[f], entity->folded);
            }
        }
        entity->folded += status == TT_OK ? 1 : 0;
    }
    if (moved) {
        restore_edges(store, entity);
    }
    return status;
}

bool tt_fold_surprise(const struct plan_fold *fold, const int64_t *row, double *ret)
{
    struct kept kept = unpack(row[fold->kept]);
    if (kept.surprise == NO_SURPRISE) {
        return false;
    }
    *ret = surprise_of(kept);
    return true;
}

static double log_odds(double taken)
{
    return tt_log(taken / (1.0 - taken));
}

bool tt_fold_event_odds(const struct plan_fold *fold, const int64_t *row, double *ret)
{
    struct kept kept = unpack(row[fold->kept]);
    if (kept.surprise == NO_SURPRISE) {
        return false;
    }
    *ret = log_odds(taken_of(kept)) + evidence(surprise_of(kept));
    return true;
}

double tt_fold_odds(const struct tt_entity_store *store, const struct tt_entity *entity,
                    const struct plan_fold *fold, uint32_t at, int64_t t_ms)
{
    return log_odds((double)taken_at(store, entity, fold, at, t_ms) / ODDS_SCALE);
}
