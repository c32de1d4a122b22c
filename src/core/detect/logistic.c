/* Scoring, splitting and storing of the learned model; see logistic.h. */
#include "core/detect/logistic.h"

#include <string.h>

#include "base/math.h"
#include "core/detect/detector.h"

/* Log-odds lie within ±30 or so; the finest bins of the axis are around its offset. */
const struct tt_axis tt_learned_axis = {0.0, 16.0};

double tt_learned_prior(const void *ctx, double log_odds)
{
    (void)ctx;
    return 1.0 / (1.0 + tt_exp(log_odds));
}

enum tt_status tt_logistic_new(const struct tt_alloc *alloc, uint32_t input_count,
                               struct tt_logistic **ret, struct tt_error *err)
{
    struct tt_logistic *model = tt_new_array(alloc, 1, sizeof *model);
    if (model == NULL) {
        return tt_fail(err, TT_E_NOMEM, "out of memory for a learned model");
    }
    model->alloc = alloc;
    model->input_count = input_count;
    model->cuts = tt_new_array(alloc, input_count, sizeof *model->cuts);
    model->weights = tt_new_array(alloc, input_count, sizeof *model->weights);
    model->usual = tt_new_array(alloc, input_count, sizeof *model->usual);
    if (model->cuts == NULL || model->weights == NULL || model->usual == NULL) {
        tt_logistic_free(model);
        return tt_fail(err, TT_E_NOMEM, "out of memory for a learned model");
    }
    for (uint32_t i = 0; i < input_count; i++) {
        for (uint32_t k = 0; k <= TT_LOGISTIC_EDGES; k++) {
            model->cuts[i].edges[k] = __builtin_inff();
        }
    }
    *ret = model;
    return TT_OK;
}

void tt_logistic_free(struct tt_logistic *model)
{
    if (model == NULL) {
        return;
    }
    size_t count = model->input_count;
    tt_delete(model->alloc, model->cuts, count * sizeof *model->cuts);
    tt_delete(model->alloc, model->weights, count * sizeof *model->weights);
    tt_delete(model->alloc, model->usual, count * sizeof *model->usual);
    tt_delete(model->alloc, model, sizeof *model);
}

static uint32_t edge_count(const struct tt_logistic_cut *cut)
{
    uint32_t count = 0;
    while (count < TT_LOGISTIC_EDGES && cut->edges[count] < __builtin_inff()) {
        count++;
    }
    return count;
}

static bool is_finite(double value)
{
    return value - value >= 0.0;
}

void tt_logistic_encode(const struct tt_logistic *model, struct tt_buf *buf)
{
    tt_wire_put_u32(buf, model->input_count);
    tt_wire_put_u64(buf, model->frauds);
    tt_wire_put_double(buf, model->bias);
    for (uint32_t i = 0; i < model->input_count; i++) {
        uint32_t edges = edge_count(&model->cuts[i]);
        tt_wire_put_u8(buf, (uint8_t)edges);
        for (uint32_t k = 0; k < edges; k++) {
            tt_wire_put_float(buf, model->cuts[i].edges[k]);
        }
        for (uint32_t k = 0; k < edges + 2; k++) {
            tt_wire_put_double(buf, model->weights[i][k]);
        }
        tt_wire_put_double(buf, model->usual[i]);
    }
}

static void decode_input(struct tt_logistic *model, uint32_t input, struct tt_wire *wire)
{
    uint32_t edges = tt_wire_u8(wire);
    if (edges > TT_LOGISTIC_EDGES) {
        wire->bad = true;
        return;
    }
    float *to = model->cuts[input].edges;
    for (uint32_t k = 0; k < edges; k++) {
        to[k] = tt_wire_float(wire);
        wire->bad |= !is_finite((double)to[k]) || (k > 0 && to[k] <= to[k - 1]);
    }
    for (uint32_t k = 0; k < edges + 2; k++) {
        model->weights[input][k] = tt_wire_double(wire);
        wire->bad |= !is_finite(model->weights[input][k]);
    }
    model->usual[input] = tt_wire_double(wire);
    wire->bad |= !is_finite(model->usual[input]);
}

enum tt_status tt_logistic_decode(const struct tt_alloc *alloc, struct tt_wire *wire,
                                  uint32_t input_count, struct tt_logistic **ret,
                                  struct tt_error *err)
{
    struct tt_logistic *model;
    if (tt_wire_u32(wire) != input_count || wire->bad) {
        return tt_fail(err, TT_E_CORRUPT, "damaged bundle: a learned model for other inputs");
    }
    enum tt_status status = tt_logistic_new(alloc, input_count, &model, err);
    if (status != TT_OK) {
        return status;
    }
    model->frauds = tt_wire_u64(wire);
    model->bias = tt_wire_double(wire);
    wire->bad |= !is_finite(model->bias);
    for (uint32_t i = 0; i < input_count && !wire->bad; i++) {
        decode_input(model, i, wire);
    }
    if (wire->bad) {
        tt_logistic_free(model);
        return tt_fail(err, TT_E_CORRUPT, "damaged bundle: the learned model cannot be read");
    }
    *ret = model;
    return TT_OK;
}

/* A value that no float holds is as far out as one can be, and not behind the edges' padding. */
static float narrowed(double value)
{
    const double most = (double)__FLT_MAX__;
    return (float)(value > most ? most : value < -most ? -most : value);
}

void tt_learned_inputs(const struct tt_setup *setup, const struct tt_event *event, float *ret)
{
    const struct tt_learned *learned = &setup->learned;
    const float missing = __builtin_nanf("");
    for (uint32_t i = 0; i < learned->input_count; i++) {
        uint16_t input = learned->inputs[i];
        double value;
        if (input < TT_FEATURES_MAX) {
            ret[i] = tt_vector_get(&event->vector, input, &value) ? narrowed(value) : missing;
        } else {
            const struct tt_detection *detection = &event->detections[input - TT_FEATURES_MAX];
            ret[i] = detection->present ? (float)detection->p_value : missing;
        }
    }
}

double tt_logistic_score(const struct tt_logistic *model, const float *inputs)
{
    double sum = model->bias;
    for (uint32_t i = 0; i < model->input_count; i++) {
        sum += model->weights[i][tt_logistic_bin(&model->cuts[i], inputs[i])];
    }
    return sum;
}

double tt_logistic_contributions(const struct tt_logistic *model, const float *inputs, double *ret)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < model->input_count; i++) {
        ret[i] = model->weights[i][tt_logistic_bin(&model->cuts[i], inputs[i])] - model->usual[i];
        sum += ret[i];
    }
    return sum;
}
