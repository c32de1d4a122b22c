/*
 * autoencoder: the net of dense_net.h as a detector.
 *
 * Its score is the root of a row's mean squared error, in normal scales of the columns; a feature's
 * share of it is its part of the sum. It is trained on the sample of sample.h in the order of time.
 */
#include <string.h>

#include "base/math.h"
#include "core/detect/dense_net.h"
#include "core/detect/detector.h"
#include "core/detect/sample.h"
#include "core/detect/setup_read.h"

#define SAMPLE_ROWS_MIN 256 /* fewer teach nothing but themselves */

/* false when no column has a value. */
static bool fill_row(const struct tt_net *net, const struct tt_detector *detector,
                     const struct tt_event *event, struct tt_net_row *ret)
{
    double values[TT_NET_COLUMNS];
    for (uint32_t c = 0; c < net->column_count; c++) {
        if (!tt_vector_get(&event->vector, detector->features[c], &values[c])) {
            values[c] = __builtin_nan("");
        }
    }
    return tt_net_row(net, values, ret);
}

/* The greatest part names the detection's feature. */
static double score_of(const struct tt_net *net, const struct tt_net_row *row, const float *rebuilt,
                       uint32_t *ret_column)
{
    double parts[TT_NET_COLUMNS];
    double error = tt_net_error(net, row, rebuilt, parts);
    *ret_column = 0;
    for (uint32_t c = 1; c < net->column_count; c++) {
        *ret_column = parts[c] > parts[*ret_column] ? c : *ret_column;
    }
    return tt_sqrt(error);
}

static void net_score(const struct tt_scoring *scoring, struct tt_event *const *events, size_t n)
{
    const struct tt_net *net = scoring->model;
    struct tt_detect_scratch *scratch = scoring->scratch;
    for (size_t i = 0; i < n; i++) {
        struct tt_detection *detection = &events[i]->detections[scoring->slot];
        detection->present = fill_row(net, scoring->detector, events[i], &scratch->net_rows[i]);
    }
    tt_net_rebuild(net, scoring->setup->cpu, scratch->net_rows, n, scratch->rebuilt);
    for (size_t i = 0; i < n; i++) {
        struct tt_detection *detection = &events[i]->detections[scoring->slot];
        uint32_t column = 0;
        if (detection->present) {
            detection->score = score_of(net, &scratch->net_rows[i], scratch->rebuilt[i], &column);
            detection->feature = scoring->detector->features[column];
        }
    }
}

static void net_explain(const struct tt_scoring *scoring, const struct tt_event *event,
                        double threshold_score, struct tt_explanation *ret)
{
    const struct tt_net *net = scoring->model;
    struct tt_net_row row;
    float rebuilt[1][TT_NET_COLUMNS];
    double parts[TT_NET_COLUMNS], total = 0.0;
    (void)threshold_score;
    ret->count = 0;
    if (!fill_row(net, scoring->detector, event, &row)) {
        return;
    }
    tt_net_rebuild(net, scoring->setup->cpu, &row, 1, rebuilt);
    (void)tt_net_error(net, &row, rebuilt[0], parts);
    for (uint32_t c = 0; c < net->column_count; c++) {
        total += parts[c];
    }
    for (uint32_t c = 0; c < net->column_count && total > 0.0; c++) {
        double value = 0.0;
        if (parts[c] <= 0.0 ||
            !tt_vector_get(&event->vector, scoring->detector->features[c], &value)) {
            continue;
        }
        ret->items[ret->count++] = (struct tt_explained){
            .feature = scoring->detector->features[c],
            .against = TT_AGAINST_PEERS,
            .scale = TT_SCALE_LINEAR,
            .share = parts[c] / total,
            .observed = value,
            .expected = net->center[c] + (double)rebuilt[0][c] * net->scale[c],
            .threshold = __builtin_nan(""),
        };
    }
}

/* Ordinary rows are rebuilt to within about one normal scale; nothing is known of the law before. */
static double net_prior(const void *ctx, double score)
{
    (void)ctx;
    double p = tt_exp(-2.0 * (score - 1.0));
    return p < 1.0 ? p : 1.0;
}

static void net_encode(const struct tt_detector *detector, const void *model, struct tt_buf *buf)
{
    (void)detector;
    tt_net_encode(model, buf);
}

static enum tt_status net_decode(const struct tt_alloc *alloc, const struct tt_detector *detector,
                                 struct tt_wire *wire, void **ret_model, struct tt_error *err)
{
    struct tt_net *net = NULL;
    enum tt_status status = tt_net_decode(alloc, wire, &net, err);
    if (status == TT_OK && net->column_count != detector->feature_count) {
        tt_net_free(net);
        return tt_fail(err, TT_E_CORRUPT, "damaged net: wrong number of columns");
    }
    if (status == TT_OK) {
        *ret_model = net;
    }
    return status;
}

static void net_model_free(const struct tt_alloc *alloc, void *model)
{
    (void)alloc;
    tt_net_free(model);
}

static enum tt_status net_train(const void *learner, const struct tt_alloc *alloc, void **ret_model,
                                struct tt_error *err)
{
    const struct tt_sample *sample = learner;
    double *table = NULL;
    if (sample->count < SAMPLE_ROWS_MIN) {
        *ret_model = NULL;
        return TT_OK;
    }
    enum tt_status status = tt_sample_table(sample, alloc, TT_SAMPLE_BY_TIME, &table, err);
    if (status == TT_OK) {
        struct tt_net *net = NULL;
        status = tt_net_fit(alloc, sample->seed, table, sample->count,
                            sample->detector->feature_count, &net, err);
        if (status == TT_OK) {
            *ret_model = net;
        }
        tt_sample_table_free(sample, alloc, table);
    }
    return status;
}

/* The first net has judged no event yet: the sample it learned from stands in. */
static enum tt_status net_reference(const void *learner, const void *model,
                                    const struct tt_alloc *alloc, struct tt_histogram *ret)
{
    const struct tt_sample *sample = learner;
    const struct tt_net *net = model;
    (void)alloc;
    for (uint32_t i = 0; i < sample->count; i++) {
        struct tt_net_row row;
        float rebuilt[1][TT_NET_COLUMNS];
        uint32_t column = 0;
        if (tt_net_row(net, sample->rows[i].values, &row)) {
            tt_net_rebuild(net, TT_CPU_SCALAR, &row, 1, rebuilt);
            tt_histogram_add(ret, &tt_detector_autoencoder.axis,
                             score_of(net, &row, rebuilt[0], &column));
        }
    }
    return TT_OK;
}

const struct tt_detector_ops tt_detector_autoencoder = {
    .name = "autoencoder",
    .axis = {0.0, 1024.0},
    .prior = net_prior,
    .settled = 1,
    .parse = tt_setup_read_features,
    .initial = tt_sample_initial,
    .score = net_score,
    .explain = net_explain,
    .encode = net_encode,
    .decode = net_decode,
    .model_free = net_model_free,
    .learner_new = tt_sample_new,
    .learner_free = tt_sample_free,
    .absorb = tt_sample_absorb,
    .train = net_train,
    .reference = net_reference,
    .advance = tt_sample_advance,
    .save = tt_sample_save,
    .load = tt_sample_load,
};
