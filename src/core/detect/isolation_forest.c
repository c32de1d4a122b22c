/*
 * isolation_forest: the forest of forest.h as a detector.
 *
 * The sample to grow from is the lowest K of a keyed hash over the absorbed events. At each close
 * the kept keys are raised by the decay of the time that passed, so that newer rows displace older
 * ones at the rate of the half-life, and the sample stays a function of the set of events of each
 * epoch. Source: Cohen, Kaplan, "Summarizing data using bottom-k sketches", 2007.
 */
#include <string.h>

#include "base/math.h"
#include "core/detect/detector.h"
#include "core/detect/setup_read.h"

#define SAMPLE_ROWS 4096
#define SAMPLE_ROWS_MIN 64 /* fewer do not make a forest */

struct sample_row {
    uint64_t key;                     /* the hash, raised by every decay */
    uint64_t hash;                    /* of (user_id, transaction_id), 56 bits */
    double values[TT_FOREST_COLUMNS]; /* NaN = missing */
};

struct forest_learner {
    const struct tt_alloc *alloc;
    const struct tt_detector *detector;
    struct tt_hash_key hash_key;
    uint64_t seed;
    uint32_t count;
    struct sample_row rows[SAMPLE_ROWS]; /* a heap, the greatest key first */
};

static double feature_value(const struct tt_detector *detector, const struct tt_event *event,
                            uint32_t column)
{
    double value;
    return tt_vector_get(&event->vector, detector->features[column], &value) ? value
                                                                             : __builtin_nan("");
}

/* false when no column has a value. */
static bool fill_row(const struct tt_forest *forest, const struct tt_detector *detector,
                     const struct tt_event *event, struct tt_forest_row *ret)
{
    bool any = false;
    memset(ret, 0, sizeof *ret);
    for (uint32_t c = 0; c < forest->column_count; c++) {
        double value;
        if (tt_vector_get(&event->vector, detector->features[c], &value)) {
            ret->values[c] = tt_forest_value(forest, c, value);
            any = true;
        }
    }
    return any;
}

static void forest_score(const struct tt_scoring *scoring, struct tt_event *const *events, size_t n)
{
    const struct tt_forest *forest = scoring->model;
    struct tt_detect_scratch *scratch = scoring->scratch;
    for (size_t i = 0; i < n; i++) {
        struct tt_detection *detection = &events[i]->detections[scoring->slot];
        detection->present = fill_row(forest, scoring->detector, events[i], &scratch->rows[i]);
    }
    tt_forest_paths(forest, scoring->setup->cpu, scratch->rows, n, scratch->sums);
    for (size_t i = 0; i < n; i++) {
        struct tt_detection *detection = &events[i]->detections[scoring->slot];
        if (detection->present) {
            detection->score = tt_forest_score(forest, scratch->sums[i]);
        }
    }
}

/* Shares by how much each column shortened the mean path; those that lengthened it are negative. */
static void forest_explain(const struct tt_scoring *scoring, const struct tt_event *event,
                           double threshold_score, struct tt_explanation *ret)
{
    const struct tt_forest *forest = scoring->model;
    struct tt_forest_row row;
    int64_t parts[TT_FOREST_COLUMNS];
    (void)threshold_score;
    ret->count = 0;
    if (!fill_row(forest, scoring->detector, event, &row)) {
        return;
    }
    tt_forest_contributions(forest, &row, parts);
    double total = 0.0;
    for (uint32_t c = 0; c < forest->column_count; c++) {
        total += (double)(parts[c] < 0 ? -parts[c] : parts[c]);
    }
    for (uint32_t c = 0; c < forest->column_count && total > 0.0; c++) {
        double value;
        if (!tt_vector_get(&event->vector, scoring->detector->features[c], &value)) {
            continue;
        }
        ret->items[ret->count++] = (struct tt_explained){
            .feature = scoring->detector->features[c],
            .against = TT_AGAINST_PEERS,
            .scale = TT_SCALE_LINEAR,
            .share = (double)parts[c] / total,
            .observed = value,
            .expected = forest->center[c],
            .threshold = __builtin_nan(""),
        };
    }
}

/* A forest's score is near one half for ordinary rows; nothing is known of its law before. */
static double forest_prior(const void *ctx, double score)
{
    (void)ctx;
    double p = tt_exp(-20.0 * (score - 0.4));
    return p < 1.0 ? p : 1.0;
}

static enum tt_status forest_initial(const struct tt_alloc *alloc,
                                     const struct tt_detector *detector, void **ret_model,
                                     struct tt_error *err)
{
    (void)alloc;
    (void)detector;
    (void)err;
    *ret_model = NULL;
    return TT_OK;
}

static void forest_encode(const struct tt_detector *detector, const void *model, struct tt_buf *buf)
{
    (void)detector;
    tt_forest_encode(model, buf);
}

static enum tt_status forest_decode(const struct tt_alloc *alloc,
                                    const struct tt_detector *detector, struct tt_wire *wire,
                                    void **ret_model, struct tt_error *err)
{
    struct tt_forest *forest;
    enum tt_status status = tt_forest_decode(alloc, wire, &forest, err);
    if (status != TT_OK) {
        return status;
    }
    if (forest->column_count != detector->feature_count) {
        tt_forest_free(forest);
        return tt_fail(err, TT_E_CORRUPT, "damaged forest: wrong number of columns");
    }
    *ret_model = forest;
    return TT_OK;
}

static void forest_model_free(const struct tt_alloc *alloc, void *model)
{
    (void)alloc;
    tt_forest_free(model);
}

static enum tt_status forest_learner_new(const struct tt_alloc *alloc,
                                         const struct tt_learner_options *options,
                                         void **ret_learner, struct tt_error *err)
{
    struct forest_learner *learner = tt_new_array(alloc, 1, sizeof *learner);
    if (learner == NULL) {
        return tt_fail(err, TT_E_NOMEM, "out of memory for a learner");
    }
    learner->alloc = alloc;
    learner->detector = options->detector;
    learner->seed = options->seed;
    learner->hash_key = (struct tt_hash_key){tt_hash_mix(options->seed),
                                             tt_hash_mix(options->seed + UINT64_C(0x5a))};
    *ret_learner = learner;
    return TT_OK;
}

static void forest_learner_free(const struct tt_alloc *alloc, void *learner)
{
    tt_delete(alloc, learner, sizeof(struct forest_learner));
}

static bool row_before(const struct sample_row *a, const struct sample_row *b)
{
    return a->key != b->key ? a->key < b->key : a->hash < b->hash;
}

static void swap_rows(struct sample_row *a, struct sample_row *b)
{
    struct sample_row row = *a;
    *a = *b;
    *b = row;
}

static void sift_down(struct sample_row *rows, uint32_t root, uint32_t count)
{
    while (2 * root + 1 < count) {
        uint32_t child = 2 * root + 1;
        if (child + 1 < count && row_before(&rows[child], &rows[child + 1])) {
            child++;
        }
        if (!row_before(&rows[root], &rows[child])) {
            return;
        }
        swap_rows(&rows[root], &rows[child]);
        root = child;
    }
}

static void sift_up(struct sample_row *rows, uint32_t child)
{
    while (child > 0 && row_before(&rows[(child - 1) / 2], &rows[child])) {
        swap_rows(&rows[(child - 1) / 2], &rows[child]);
        child = (child - 1) / 2;
    }
}

static uint64_t event_hash(const struct forest_learner *learner, const struct tt_event *event)
{
    return tt_txn_key_hash(&learner->hash_key, &event->txn).low >> 8;
}

static void forest_absorb(void *learner_void, const struct tt_event *event)
{
    struct forest_learner *learner = learner_void;
    uint64_t hash = event_hash(learner, event);
    struct sample_row row = {.key = hash, .hash = hash};
    bool full = learner->count == SAMPLE_ROWS;
    if (full && !row_before(&row, &learner->rows[0])) {
        return;
    }
    for (uint32_t c = 0; c < learner->detector->feature_count; c++) {
        row.values[c] = feature_value(learner->detector, event, c);
    }
    if (full) {
        learner->rows[0] = row;
        sift_down(learner->rows, 0, SAMPLE_ROWS);
    } else {
        learner->rows[learner->count] = row;
        sift_up(learner->rows, learner->count++);
    }
}

static void forest_forget(void *learner_void, const struct tt_event *event)
{
    struct forest_learner *learner = learner_void;
    uint64_t hash = event_hash(learner, event);
    for (uint32_t i = 0; i < learner->count; i++) {
        if (learner->rows[i].hash == hash) {
            learner->rows[i] = learner->rows[--learner->count];
            for (uint32_t k = learner->count / 2; k-- > 0;) {
                sift_down(learner->rows, k, learner->count);
            }
            return;
        }
    }
}

/* Rows in the order of their keys, so that the heap's history does not show. */
static void fill_table(const struct forest_learner *learner, struct sample_row *space,
                       double *ret_table)
{
    uint32_t columns = learner->detector->feature_count;
    memcpy(space, learner->rows, learner->count * sizeof *space);
    for (uint32_t size = learner->count; size > 1; size--) {
        swap_rows(&space[0], &space[size - 1]);
        sift_down(space, 0, size - 1);
    }
    for (uint32_t i = 0; i < learner->count; i++) {
        memcpy(&ret_table[(size_t)i * columns], space[i].values, columns * sizeof *ret_table);
    }
}

static enum tt_status forest_train(const void *learner_void, const struct tt_alloc *alloc,
                                   void **ret_model, struct tt_error *err)
{
    const struct forest_learner *learner = learner_void;
    const struct tt_detector *detector = learner->detector;
    if (learner->count < SAMPLE_ROWS_MIN) {
        *ret_model = NULL;
        return TT_OK;
    }
    size_t row_bytes = learner->count * sizeof(struct sample_row);
    size_t table_bytes = (size_t)learner->count * detector->feature_count * sizeof(double);
    struct sample_row *space = tt_new(alloc, row_bytes);
    double *table = tt_new(alloc, table_bytes);
    enum tt_status status = TT_E_NOMEM;
    if (space != NULL && table != NULL) {
        struct tt_forest_options options = {detector->trees, detector->sample, learner->seed};
        struct tt_forest *forest;
        fill_table(learner, space, table);
        status = tt_forest_fit(alloc, &options, table, learner->count, detector->feature_count,
                               &forest, err);
        if (status == TT_OK) {
            *ret_model = forest;
        }
    } else {
        (void)tt_fail(err, TT_E_NOMEM, "out of memory for a forest's sample");
    }
    tt_delete(alloc, space, row_bytes);
    tt_delete(alloc, table, table_bytes);
    return status;
}

/* The first forest has judged no event yet: the sample it was grown from stands in. */
static enum tt_status forest_reference(const void *learner_void, const void *model,
                                       const struct tt_alloc *alloc, struct tt_histogram *ret)
{
    const struct forest_learner *learner = learner_void;
    const struct tt_forest *forest = model;
    (void)alloc;
    for (uint32_t i = 0; i < learner->count; i++) {
        struct tt_forest_row row = {{0}};
        uint32_t sum;
        for (uint32_t c = 0; c < forest->column_count; c++) {
            row.values[c] = tt_forest_value(forest, c, learner->rows[i].values[c]);
        }
        tt_forest_paths(forest, TT_CPU_SCALAR, &row, 1, &sum);
        tt_histogram_add(ret, &tt_detector_isolation_forest.axis, tt_forest_score(forest, sum));
    }
    return TT_OK;
}

static void forest_advance(void *learner_void, const void *model, uint64_t factor)
{
    struct forest_learner *learner = learner_void;
    (void)model;
    for (uint32_t i = 0; i < learner->count; i++) {
        uint64_t *key = &learner->rows[i].key;
        unsigned __int128 raised =
            factor > 0 ? ((unsigned __int128)*key << 32) / factor : UINT64_MAX;
        *key = raised < UINT64_MAX / 2 ? (uint64_t)raised : UINT64_MAX / 2;
    }
    /* Keys that met at the top may have changed places. */
    for (uint32_t k = learner->count / 2; k-- > 0;) {
        sift_down(learner->rows, k, learner->count);
    }
}

static void forest_save(const void *learner_void, struct tt_buf *buf)
{
    const struct forest_learner *learner = learner_void;
    tt_wire_put_u64(buf, learner->seed);
    tt_wire_put_varint(buf, learner->count);
    for (uint32_t i = 0; i < learner->count; i++) {
        tt_wire_put_u64(buf, learner->rows[i].key);
        tt_wire_put_u64(buf, learner->rows[i].hash);
        for (uint32_t c = 0; c < learner->detector->feature_count; c++) {
            tt_wire_put_double(buf, learner->rows[i].values[c]);
        }
    }
}

static void forest_load(void *learner_void, struct tt_wire *wire)
{
    struct forest_learner *learner = learner_void;
    learner->seed = tt_wire_u64(wire);
    uint64_t count = tt_wire_varint(wire);
    if (count > SAMPLE_ROWS) {
        wire->bad = true;
        return;
    }
    learner->hash_key = (struct tt_hash_key){tt_hash_mix(learner->seed),
                                             tt_hash_mix(learner->seed + UINT64_C(0x5a))};
    for (uint32_t i = 0; i < count && !wire->bad; i++) {
        struct sample_row *row = &learner->rows[i];
        row->key = tt_wire_u64(wire);
        row->hash = tt_wire_u64(wire);
        for (uint32_t c = 0; c < learner->detector->feature_count; c++) {
            row->values[c] = tt_wire_double(wire);
        }
        learner->count++;
    }
}

static enum tt_status forest_parse(const struct tt_setup *setup, struct tt_detector *detector,
                                   const struct tt_tree *tree, struct tt_error *err)
{
    const struct tt_tree *list = tt_tree_get(tree, "features");
    if (list == NULL || list->kind != TT_TREE_SEQUENCE || list->child_count == 0) {
        const struct tt_tree *at = list != NULL ? list : tree;
        return tt_fail_at(err, TT_E_TYPE, at->line, at->column, 0,
                          "features must be a list of feature names");
    }
    if (list->child_count > TT_FOREST_FEATURES_MAX) {
        return tt_fail_at(err, TT_E_LIMIT, list->line, list->column, 0,
                          "a forest takes at most %d features", TT_FOREST_FEATURES_MAX);
    }
    detector->feature_count = 0;
    for (const struct tt_tree *item = list->children; item != NULL; item = item->next) {
        enum tt_status status =
            tt_setup_read_feature(setup, item, &detector->features[detector->feature_count], err);
        if (status != TT_OK) {
            return status;
        }
        detector->feature_count++;
    }
    enum tt_status status = tt_setup_read_count(tt_tree_get(tree, "trees"), 1, TT_FOREST_TREES_MAX,
                                                &detector->trees, err);
    if (status == TT_OK) {
        status = tt_setup_read_count(tt_tree_get(tree, "sample"), 2, TT_FOREST_SAMPLE_MAX,
                                     &detector->sample, err);
    }
    return status;
}

const struct tt_detector_ops tt_detector_isolation_forest = {
    .name = "isolation_forest",
    .axis = {0.4, 1024.0},
    .prior = forest_prior,
    .settled = 1,
    .parse = forest_parse,
    .initial = forest_initial,
    .score = forest_score,
    .explain = forest_explain,
    .encode = forest_encode,
    .decode = forest_decode,
    .model_free = forest_model_free,
    .learner_new = forest_learner_new,
    .learner_free = forest_learner_free,
    .absorb = forest_absorb,
    .forget = forest_forget,
    .train = forest_train,
    .reference = forest_reference,
    .advance = forest_advance,
    .save = forest_save,
    .load = forest_load,
};
