/*
 * The regression's bins, steps and model; see learned.h.
 *
 * Bins are cut from held rows: one a value where there are few values, else quantiles of traffic,
 * closer together at both ends, and quantiles of the known frauds. A value that a great part of
 * traffic shares has a bin of its own and leaves the quantiles to the others.
 */
#include <string.h>

#include "base/math.h"
#include "core/detect/learned_internal.h"

#define SAMPLE_MAX 20000
#define FRAUDS_SAMPLE_MAX 4000
#define FRAUDS_MIN 50 /* known ones, from which on their quantiles are edges too */
#define FRAUD_EDGES 32
#define TAIL_EDGES 4     /* at each end, each half as far out as the one before */
#define COMMON_SHARE 0.2 /* of traffic: a value that gets a bin of its own */
#define BIAS_START (-4.0)
#define CURVATURE 2.0 /* that a step reckons with before it has seen any */
#define BIAS_CURVATURE 100.0
#define STEP_WEIGHT_MAX 2.0 /* heavier examples take several steps, as they would one by one */
#define STEPS_MAX 64
#define LOG_ODDS_MAX 30.0
#define SLOPE_MIN 0.001 /* what is known so well teaches nothing: most payments cost no step */

enum tt_status tt_regression_new(const struct tt_alloc *alloc, uint32_t input_count,
                                 struct tt_regression **ret, struct tt_error *err)
{
    struct tt_regression *made = tt_new_array(alloc, 1, sizeof *made);
    if (made == NULL) {
        return tt_fail(err, TT_E_NOMEM, "out of memory for a regression");
    }
    made->alloc = alloc;
    made->input_count = input_count;
    made->bias = BIAS_START;
    made->cuts = tt_new_array(alloc, input_count, sizeof *made->cuts);
    made->fine = tt_new_array(alloc, input_count, sizeof *made->fine);
    made->fine_curvature = tt_new_array(alloc, input_count, sizeof *made->fine_curvature);
    made->shares = tt_new_array(alloc, input_count, sizeof *made->shares);
    made->coarse = tt_new_array(alloc, input_count, sizeof *made->coarse);
    made->coarse_curvature = tt_new_array(alloc, input_count, sizeof *made->coarse_curvature);
    if (made->cuts == NULL || made->fine == NULL || made->fine_curvature == NULL ||
        made->shares == NULL || made->coarse == NULL || made->coarse_curvature == NULL) {
        tt_regression_free(made);
        return tt_fail(err, TT_E_NOMEM, "out of memory for a regression");
    }
    *ret = made;
    return TT_OK;
}

void tt_regression_free(struct tt_regression *regression)
{
    if (regression == NULL) {
        return;
    }
    const struct tt_alloc *alloc = regression->alloc;
    size_t count = regression->input_count;
    tt_delete(alloc, regression->cuts, count * sizeof *regression->cuts);
    tt_delete(alloc, regression->fine, count * sizeof *regression->fine);
    tt_delete(alloc, regression->fine_curvature, count * sizeof *regression->fine_curvature);
    tt_delete(alloc, regression->shares, count * sizeof *regression->shares);
    tt_delete(alloc, regression->coarse, count * sizeof *regression->coarse);
    tt_delete(alloc, regression->coarse_curvature, count * sizeof *regression->coarse_curvature);
    tt_delete(alloc, regression, sizeof *regression);
}

void tt_regression_copy(const struct tt_regression *from, struct tt_regression *to)
{
    size_t count = from->input_count;
    TT_ASSERT(to->input_count == from->input_count);
    to->cut_count = from->cut_count;
    to->frauds = from->frauds;
    to->bias = from->bias;
    to->bias_curvature = from->bias_curvature;
    memcpy(to->cuts, from->cuts, count * sizeof *to->cuts);
    memcpy(to->fine, from->fine, count * sizeof *to->fine);
    memcpy(to->fine_curvature, from->fine_curvature, count * sizeof *to->fine_curvature);
    memcpy(to->shares, from->shares, count * sizeof *to->shares);
    memcpy(to->coarse, from->coarse, count * sizeof *to->coarse);
    memcpy(to->coarse_curvature, from->coarse_curvature, count * sizeof *to->coarse_curvature);
}

static uint32_t group_of(uint32_t bin)
{
    return bin == 0 ? 0 : (bin - 1) / 4 + 1;
}

/* Ascending values of one input over a sample of rows; those that are missing are only counted. */
struct column {
    float *values, *space;
    uint32_t count, missing;
};

/* Merge sort by halves, with space for as many. */
static void sort_floats(float *values, float *space, uint32_t count)
{
    for (uint32_t width = 1; width < count; width *= 2) {
        for (uint32_t low = 0; low < count; low += 2 * width) {
            uint32_t middle = low + width < count ? low + width : count;
            uint32_t high = middle + width < count ? middle + width : count;
            uint32_t a = low, b = middle;
            for (uint32_t k = low; k < high; k++) {
                bool left = a < middle && (b >= high || values[a] <= values[b]);
                space[k] = left ? values[a++] : values[b++];
            }
        }
        memcpy(values, space, count * sizeof *values);
    }
}

static void gather(const struct tt_learner *learner, uint32_t const *rows, uint32_t row_count,
                   uint32_t input, struct column *ret)
{
    ret->count = 0;
    ret->missing = 0;
    for (uint32_t i = 0; i < row_count; i++) {
        float value = tt_learner_inputs(learner, rows[i])[input];
        if (value >= 0.0F || value < 0.0F) {
            ret->values[ret->count++] = value;
        } else {
            ret->missing++;
        }
    }
    sort_floats(ret->values, ret->space, ret->count);
}

/* A sorted set of at most so many edges. */
struct edges {
    float values[TT_LOGISTIC_EDGES];
    uint32_t count;
};

static void add_edge(struct edges *edges, float value)
{
    uint32_t at = edges->count;
    if (!(value - value >= 0.0F)) {
        return; /* beyond what a float holds */
    }
    while (at > 0 && edges->values[at - 1] > value) {
        at--;
    }
    if (edges->count == TT_LOGISTIC_EDGES || (at > 0 && !(edges->values[at - 1] < value))) {
        return;
    }
    memmove(edges->values + at + 1, edges->values + at,
            (edges->count - at) * sizeof *edges->values);
    edges->values[at] = value;
    edges->count++;
}

/* Every distinct value but the least; false: there are too many. */
static bool take_all(const struct column *column, struct edges *edges)
{
    uint32_t distinct = 0;
    for (uint32_t i = 1; i < column->count; i++) {
        distinct += column->values[i] > column->values[i - 1] ? 1 : 0;
    }
    if (distinct > TT_LOGISTIC_EDGES) {
        return false;
    }
    for (uint32_t i = 1; i < column->count; i++) {
        if (column->values[i] > column->values[i - 1]) {
            add_edge(edges, column->values[i]);
        }
    }
    return true;
}

/* The run [*ret_begin, *ret_end) of the most common value. */
static void most_common(const struct column *column, uint32_t *ret_begin, uint32_t *ret_end)
{
    *ret_begin = *ret_end = 0;
    for (uint32_t i = 0; i < column->count;) {
        uint32_t end = i + 1;
        while (end < column->count && !(column->values[end] > column->values[i])) {
            end++;
        }
        if (end - i > *ret_end - *ret_begin) {
            *ret_begin = i;
            *ret_end = end;
        }
        i = end;
    }
}

/* The value at a quantile of the column without [begin, end). */
static float quantile(const struct column *column, uint32_t begin, uint32_t end, double share)
{
    uint32_t left = column->count - (end - begin);
    uint32_t at = (uint32_t)(share * (double)(left - 1));
    return column->values[at < begin ? at : at + (end - begin)];
}

static void cut_traffic(const struct column *traffic, uint32_t room, struct edges *edges)
{
    uint32_t begin, end;
    most_common(traffic, &begin, &end);
    if ((double)(end - begin) > COMMON_SHARE * (double)traffic->count) {
        add_edge(edges, traffic->values[begin]);
        if (end < traffic->count) {
            add_edge(edges, traffic->values[end]);
        }
        room -= 2;
    } else {
        begin = end = 0;
    }
    uint32_t even = room - 2 * TAIL_EDGES;
    double tail = 1.0 / (double)(even + 1);
    for (uint32_t i = 1; i <= even; i++) {
        add_edge(edges, quantile(traffic, begin, end, (double)i / (double)(even + 1)));
    }
    for (uint32_t i = 0; i < TAIL_EDGES; i++) {
        tail *= 0.5;
        add_edge(edges, quantile(traffic, begin, end, tail));
        add_edge(edges, quantile(traffic, begin, end, 1.0 - tail));
    }
}

static void cut_input(const struct column *traffic, const struct column *frauds,
                      struct tt_logistic_cut *ret)
{
    struct edges edges = {.count = 0};
    if (traffic->count > 0 && !take_all(traffic, &edges)) {
        uint32_t room = TT_LOGISTIC_EDGES;
        if (frauds->count >= FRAUDS_MIN) {
            for (uint32_t i = 0; i < FRAUD_EDGES; i++) {
                add_edge(&edges, quantile(frauds, 0, 0, (double)i / FRAUD_EDGES));
            }
            room -= FRAUD_EDGES;
        }
        cut_traffic(traffic, room, &edges);
    }
    for (uint32_t i = 0; i <= TT_LOGISTIC_EDGES; i++) {
        ret->edges[i] = i < edges.count ? edges.values[i] : __builtin_inff();
    }
}

/* What was learned in the old bins goes to the new ones: a new bin takes the weight of the old bin
 * its middle lies in, and a part of its curvature by traffic. */
static void carry_over(const struct column *traffic, const struct tt_logistic_cut *cut,
                       struct tt_regression *regression, uint32_t input)
{
    double fine[TT_LOGISTIC_BINS], curvature[TT_LOGISTIC_BINS], share_of_old[TT_LOGISTIC_BINS];
    uint32_t old[TT_LOGISTIC_BINS];
    double *shares = regression->shares[input];
    double rows = (double)traffic->count + (double)traffic->missing;
    memset(share_of_old, 0, sizeof share_of_old);
    uint32_t begin = 0;
    for (uint32_t bin = 0; bin < TT_LOGISTIC_BINS; bin++) {
        uint32_t end = begin;
        while (bin > 0 && end < traffic->count &&
               tt_logistic_bin(cut, traffic->values[end]) == bin) {
            end++;
        }
        float middle = bin == 0      ? __builtin_nanf("")
                       : end > begin ? traffic->values[begin + (end - begin) / 2]
                       : bin > 1     ? cut->edges[bin - 2]
                                     : -__builtin_inff();
        shares[bin] = (bin == 0 ? (double)traffic->missing : (double)(end - begin)) / rows;
        old[bin] = tt_logistic_bin(&regression->cuts[input], middle);
        share_of_old[old[bin]] += shares[bin];
        begin = end;
    }
    for (uint32_t bin = 0; bin < TT_LOGISTIC_BINS; bin++) {
        double part = share_of_old[old[bin]] > 0.0 ? shares[bin] / share_of_old[old[bin]] : 0.0;
        fine[bin] =
            regression->fine[input][old[bin]] + regression->coarse[input][group_of(old[bin])];
        curvature[bin] = part * regression->fine_curvature[input][old[bin]];
    }
    double weights[TT_LEARNED_GROUPS] = {0}, sums[TT_LEARNED_GROUPS] = {0};
    memset(regression->coarse_curvature[input], 0, sizeof regression->coarse_curvature[input]);
    for (uint32_t bin = 0; bin < TT_LOGISTIC_BINS; bin++) {
        double mass = shares[bin] + 1e-12;
        weights[group_of(bin)] += mass;
        sums[group_of(bin)] += mass * fine[bin];
        regression->coarse_curvature[input][group_of(bin)] += curvature[bin];
    }
    for (uint32_t bin = 0; bin < TT_LOGISTIC_BINS; bin++) {
        uint32_t group = group_of(bin);
        regression->coarse[input][group] = sums[group] / weights[group];
        regression->fine[input][bin] = fine[bin] - regression->coarse[input][group];
        regression->fine_curvature[input][bin] = curvature[bin];
    }
    regression->cuts[input] = *cut;
}

struct sample {
    uint32_t *rows, count;
    uint32_t *frauds, fraud_count;
    struct column traffic, fraud;
};

/* By key, so that the order in which rows came does not matter; about half of what there is room
 * for, so that chance never fills it. */
static void choose_rows(const struct tt_learner *learner, struct sample *sample)
{
    double total = (double)tt_learned_stats(learner).held;
    double share = total > SAMPLE_MAX / 2 ? SAMPLE_MAX / 2 / total : 1.0;
    double frauds = (double)learner->regression->frauds;
    double fraud_share = frauds > FRAUDS_SAMPLE_MAX / 2 ? FRAUDS_SAMPLE_MAX / 2 / frauds : 1.0;
    for (uint32_t i = 0; i < learner->segment_count; i++) {
        const struct tt_segment *segment = tt_learner_segment(learner, i);
        for (uint32_t k = 0; k < segment->count; k++) {
            uint32_t index = (segment->first + k) % learner->capacity;
            const struct tt_held_row *row = tt_learner_row(learner, index);
            if (sample->count < SAMPLE_MAX && tt_learner_samples(segment, row, share)) {
                sample->rows[sample->count++] = index;
            }
            if (row->belief == TT_BELIEF_FRAUD && sample->fraud_count < FRAUDS_SAMPLE_MAX &&
                tt_learner_uniform(row->key, 3) < fraud_share) {
                sample->frauds[sample->fraud_count++] = index;
            }
        }
    }
}

static bool sample_new(const struct tt_alloc *alloc, struct sample *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->rows = tt_new_array(alloc, SAMPLE_MAX, sizeof *ret->rows);
    ret->frauds = tt_new_array(alloc, FRAUDS_SAMPLE_MAX, sizeof *ret->frauds);
    ret->traffic.values = tt_new_array(alloc, SAMPLE_MAX, sizeof *ret->traffic.values);
    ret->traffic.space = tt_new_array(alloc, SAMPLE_MAX, sizeof *ret->traffic.space);
    ret->fraud.values = tt_new_array(alloc, FRAUDS_SAMPLE_MAX, sizeof *ret->fraud.values);
    ret->fraud.space = ret->traffic.space;
    return ret->rows != NULL && ret->frauds != NULL && ret->traffic.values != NULL &&
           ret->traffic.space != NULL && ret->fraud.values != NULL;
}

static void sample_free(const struct tt_alloc *alloc, struct sample *sample)
{
    tt_delete(alloc, sample->rows, SAMPLE_MAX * sizeof *sample->rows);
    tt_delete(alloc, sample->frauds, FRAUDS_SAMPLE_MAX * sizeof *sample->frauds);
    tt_delete(alloc, sample->traffic.values, SAMPLE_MAX * sizeof *sample->traffic.values);
    tt_delete(alloc, sample->traffic.space, SAMPLE_MAX * sizeof *sample->traffic.space);
    tt_delete(alloc, sample->fraud.values, FRAUDS_SAMPLE_MAX * sizeof *sample->fraud.values);
}

enum tt_status tt_regression_cut(const struct tt_learner *learner, struct tt_regression *regression,
                                 struct tt_error *err)
{
    struct sample sample;
    if (!sample_new(learner->alloc, &sample)) {
        sample_free(learner->alloc, &sample);
        return tt_fail(err, TT_E_NOMEM, "out of memory for cutting bins");
    }
    choose_rows(learner, &sample);
    for (uint32_t i = 0; i < regression->input_count && sample.count > 0; i++) {
        struct tt_logistic_cut cut;
        gather(learner, sample.rows, sample.count, i, &sample.traffic);
        gather(learner, sample.frauds, sample.fraud_count, i, &sample.fraud);
        cut_input(&sample.traffic, &sample.fraud, &cut);
        carry_over(&sample.traffic, &cut, regression, i);
    }
    regression->cut_count = learner->count;
    sample_free(learner->alloc, &sample);
    return TT_OK;
}

static double score(const struct tt_regression *regression, const uint8_t *bins)
{
    double sum = regression->bias;
    for (uint32_t i = 0; i < regression->input_count; i++) {
        sum += regression->fine[i][bins[i]] + regression->coarse[i][group_of(bins[i])];
    }
    return sum < LOG_ODDS_MAX ? (sum > -LOG_ODDS_MAX ? sum : -LOG_ODDS_MAX) : LOG_ODDS_MAX;
}

static void step(struct tt_regression *regression, const uint8_t *bins, double label, double weight)
{
    double p = 1.0 / (1.0 + tt_exp(-score(regression, bins)));
    double slope = (p - label) * weight;
    if (slope < SLOPE_MIN && slope > -SLOPE_MIN) {
        return;
    }
    double curvature = p * (1.0 - p) * (weight > 0.0 ? weight : 0.0);
    for (uint32_t i = 0; i < regression->input_count; i++) {
        double *seen = &regression->fine_curvature[i][bins[i]];
        *seen += curvature;
        regression->fine[i][bins[i]] -= slope / (*seen + CURVATURE);
        seen = &regression->coarse_curvature[i][group_of(bins[i])];
        *seen += curvature;
        regression->coarse[i][group_of(bins[i])] -= slope / (*seen + CURVATURE);
    }
    regression->bias_curvature += curvature;
    regression->bias -= slope / (regression->bias_curvature + BIAS_CURVATURE);
}

void tt_regression_step(struct tt_regression *regression, const float *inputs, bool fraud,
                        double weight)
{
    uint8_t bins[TT_LEARNED_INPUTS_MAX];
    for (uint32_t i = 0; i < regression->input_count; i++) {
        bins[i] = (uint8_t)tt_logistic_bin(&regression->cuts[i], inputs[i]);
    }
    double size = weight < 0.0 ? -weight : weight;
    double steps = 1.0;
    while (steps < STEPS_MAX && size > steps * STEP_WEIGHT_MAX) {
        steps += 1.0;
    }
    double part = weight / steps;
    part = part < STEP_WEIGHT_MAX ? (part > -STEP_WEIGHT_MAX ? part : -STEP_WEIGHT_MAX)
                                  : STEP_WEIGHT_MAX;
    for (double done = 0.0; done < steps; done += 1.0) {
        step(regression, bins, fraud ? 1.0 : 0.0, part);
    }
}

enum tt_status tt_regression_model(const struct tt_regression *regression,
                                   const struct tt_alloc *alloc, struct tt_logistic **ret,
                                   struct tt_error *err)
{
    struct tt_logistic *model;
    enum tt_status status = tt_logistic_new(alloc, regression->input_count, &model, err);
    if (status != TT_OK) {
        return status;
    }
    model->frauds = regression->frauds;
    model->bias = regression->bias;
    for (uint32_t i = 0; i < regression->input_count; i++) {
        model->cuts[i] = regression->cuts[i];
        for (uint32_t k = 0; k < TT_LOGISTIC_BINS; k++) {
            double weight = regression->fine[i][k] + regression->coarse[i][group_of(k)];
            bool used = k < 2 || regression->cuts[i].edges[k - 2] < __builtin_inff();
            model->weights[i][k] = used ? weight : 0.0;
            model->usual[i] += regression->shares[i][k] * model->weights[i][k];
        }
    }
    *ret = model;
    return TT_OK;
}
