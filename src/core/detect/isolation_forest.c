/*
 * isolation_forest: the forest of forest.h as a detector.
 *
 * It grows from the sample of sample.h, in the order of its keys.
 */
#include <string.h>

#include "base/math.h"
#include "core/detect/detector.h"
#include "core/detect/sample.h"
#include "core/detect/setup_read.h"

#define SAMPLE_ROWS_MIN 64 /* fewer do not make a forest */

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

static enum tt_status forest_train(const void *learner, const struct tt_alloc *alloc,
                                   void **ret_model, struct tt_error *err)
{
    const struct tt_sample *sample = learner;
    const struct tt_detector *detector = sample->detector;
    double *table = NULL;
    if (sample->count < SAMPLE_ROWS_MIN) {
        *ret_model = NULL;
        return TT_OK;
    }
    enum tt_status status = tt_sample_table(sample, alloc, TT_SAMPLE_BY_KEY, &table, err);
    if (status == TT_OK) {
        struct tt_forest_options options = {detector->trees, detector->sample, sample->seed};
        struct tt_forest *forest;
        status = tt_forest_fit(alloc, &options, table, sample->count, detector->feature_count,
                               &forest, err);
        if (status == TT_OK) {
            *ret_model = forest;
        }
        tt_sample_table_free(sample, alloc, table);
    }
    return status;
}

/* The first forest has judged no event yet: the sample it was grown from stands in. */
static enum tt_status forest_reference(const void *learner, const void *model,
                                       const struct tt_alloc *alloc, struct tt_histogram *ret)
{
    const struct tt_sample *sample = learner;
    const struct tt_forest *forest = model;
    (void)alloc;
    for (uint32_t i = 0; i < sample->count; i++) {
        struct tt_forest_row row = {{0}};
        uint32_t sum;
        for (uint32_t c = 0; c < forest->column_count; c++) {
            row.values[c] = tt_forest_value(forest, c, sample->rows[i].values[c]);
        }
        tt_forest_paths(forest, TT_CPU_SCALAR, &row, 1, &sum);
        tt_histogram_add(ret, &tt_detector_isolation_forest.axis, tt_forest_score(forest, sum));
    }
    return TT_OK;
}

static enum tt_status forest_parse(const struct tt_setup *setup, struct tt_detector *detector,
                                   const struct tt_tree *tree, struct tt_error *err)
{
    enum tt_status status = tt_setup_read_features(setup, detector, tree, err);
    if (status != TT_OK) {
        return status;
    }
    status = tt_setup_read_count(tt_tree_get(tree, "trees"), 1, TT_FOREST_TREES_MAX,
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
    .initial = tt_sample_initial,
    .score = forest_score,
    .explain = forest_explain,
    .encode = forest_encode,
    .decode = forest_decode,
    .model_free = forest_model_free,
    .learner_new = tt_sample_new,
    .learner_free = tt_sample_free,
    .absorb = tt_sample_absorb,
    .train = forest_train,
    .reference = forest_reference,
    .advance = tt_sample_advance,
    .save = tt_sample_save,
    .load = tt_sample_load,
};
