/*
 * zscore and iqr: a feature against the entity's own history, shrunk towards its peers.
 *
 * The entity's centre and spread (mean and standard deviation, or median and quartiles) are
 * features. The peers' are worth a few observations, so that the first transaction of a new
 * customer is judged by the peers alone and a long history by itself. The deviation is
 * Student-like: with little behind it, it is pulled in. Each judged feature has a calibration of
 * its own, because spending and counts have other tails; a detector's score is the greatest
 * surprise (-ln p) of its features. Source: empirical Bayes shrinkage as in Efron, Morris, "Data
 * analysis using Stein's estimator", 1975; t to normal after Wallace, "Bounds on normal
 * approximations", 1959. Given up: peer groups; all entities are one group for now.
 */
#include <string.h>

#include "base/math.h"
#include "core/detect/detector.h"
#include "core/detect/setup_read.h"

#define VALUE_CLAMP 1e9
#define UNIT 65536.0       /* sums are in 1/65536 */
#define WINSOR 10.0        /* population standard deviations beyond which a value is cut */
#define OWN_COUNT_MIN 10.0 /* own observations before an own spread counts among the peers' */
#define SPREAD_CLAMP 1e6
#define PEER_COUNT_MIN 30.0 /* observations before there is a peers' baseline at all */
#define ALONE_COUNT_MIN 3.0 /* own observations that can be judged by while there is none */
#define SPREAD_FLOOR 1e-3   /* of the centre, so that a constant history is no infinite surprise */
#define NORMAL_IQR 1.3489795003921634 /* quartile distance of the standard normal */

static const struct tt_axis deviation_axis = {0.0, 16.0};

/* What peers are like, on the feature's scale. */
struct baseline {
    double count;  /* observations behind it; 0 = prior only */
    double center; /* mean over all transactions */
    double std;    /* over all transactions */
    double spread; /* typical own spread; of the centre when the scale is relative */
};

struct judge_model {
    uint32_t count;
    struct judge_part {
        struct baseline baseline;
        struct tt_calibration calibration;
    } parts[];
};

/* Exact sums, so that the order of absorbing does not matter. Fades with event time. */
struct judge_sums {
    uint64_t count, own_count; /* in 1/65536 */
    __int128 sum;              /* of values, in 1/65536 */
    unsigned __int128 squares; /* of values in 1/65536 */
    uint64_t spread;           /* of own spreads, in 1/65536 */
    struct tt_histogram deviations;
};

struct judge_learner {
    const struct tt_detector *detector;
    uint32_t count;
    struct judge_learner_part {
        struct baseline baseline; /* deviations are measured by this one */
        struct judge_sums sums;
    } parts[];
};

/* What an entity's history says about one feature, before any prior. */
struct own {
    double count, center, spread;
    bool has_spread;
};

static bool finite_get(const struct tt_vector *vector, uint16_t index, double *ret)
{
    return index != UINT16_MAX && tt_vector_get(vector, index, ret) && *ret >= -1e300 &&
           *ret <= 1e300;
}

static struct own own_history(const struct tt_judged *judged, const struct tt_vector *vector)
{
    struct own own = {0};
    double lower;
    double upper;
    if (!finite_get(vector, judged->count, &own.count) || own.count < 1.0 ||
        !finite_get(vector, judged->center, &own.center)) {
        return (struct own){0};
    }
    if (judged->upper != UINT16_MAX) {
        own.has_spread = finite_get(vector, judged->spread, &lower) &&
                         finite_get(vector, judged->upper, &upper) && upper >= lower;
        own.spread = own.has_spread ? (upper - lower) / NORMAL_IQR : 0.0;
    } else {
        own.has_spread = finite_get(vector, judged->spread, &own.spread) && own.spread >= 0.0;
    }
    own.has_spread = own.has_spread && own.count >= 2.0;
    return own;
}

static double magnitude(double x)
{
    return x < 0.0 ? -x : x;
}

/* Centre, spread and degrees of freedom after shrinking. */
struct expectation {
    double center, spread, freedom, count;
};

static struct expectation expect_own(const struct tt_judged *judged, const struct baseline *peers,
                                     const struct tt_vector *vector)
{
    struct own own = own_history(judged, vector);
    double prior = judged->prior_count;
    double weight = peers->count > 0.0 ? prior / (own.count + prior) : 0.0;
    bool relative = judged->scale == TT_SCALE_RELATIVE;
    struct expectation ret = {.count = own.count};
    ret.center = (1.0 - weight) * own.center + weight * peers->center;
    double typical = relative ? peers->spread * magnitude(ret.center) : peers->spread;
    double own_freedom = own.has_spread ? own.count - 1.0 : 0.0;
    ret.freedom = own_freedom + judged->prior_spread_count;
    double within =
        (own_freedom * own.spread * own.spread + judged->prior_spread_count * typical * typical) /
        ret.freedom;
    /* How much entities differ among themselves is what the centre may still be off by. */
    double peers_within = relative ? peers->spread * magnitude(peers->center) : peers->spread;
    double between = peers->std * peers->std - peers_within * peers_within;
    between = between > 0.0 ? between : 0.0;
    ret.spread = tt_sqrt(within * (1.0 + 1.0 / (own.count + prior)) + between * weight * weight);
    return ret;
}

static struct expectation expect(const struct tt_judged *judged, const struct baseline *peers,
                                 const struct tt_vector *vector)
{
    struct expectation ret = {peers->center, peers->std, 4.0 + peers->count, 0.0};
    if (judged->against == TT_AGAINST_OWN) {
        ret = expect_own(judged, peers, vector);
    }
    double least = SPREAD_FLOOR * magnitude(ret.center) + 1e-9;
    ret.spread = ret.spread > least ? ret.spread : least;
    return ret;
}

/* The inverse of tt_normal_deviate. */
static double student_deviate(double z, double freedom)
{
    double x = z * (8.0 * freedom + 3.0) / (8.0 * freedom + 1.0);
    double t = tt_sqrt(freedom * (tt_exp(x * x / freedom) - 1.0));
    return z < 0.0 ? -t : t;
}

/* While nothing is known of the peers, only a history of its own judges an entity, and only where a
 * spread can be assumed from the scale. */
static bool can_judge(const struct tt_judged *judged, const struct baseline *peers,
                      const struct tt_vector *vector)
{
    if (peers->count > 0.0) {
        return true;
    }
    return judged->against == TT_AGAINST_OWN && judged->scale != TT_SCALE_LINEAR &&
           own_history(judged, vector).count >= ALONE_COUNT_MIN;
}

/* How far out on the feature's unusual side; false when there is nothing to judge. */
static bool deviation(const struct tt_judged *judged, const struct baseline *peers,
                      const struct tt_vector *vector, double *ret)
{
    double value;
    if (!finite_get(vector, judged->feature, &value) || !can_judge(judged, peers, vector)) {
        return false;
    }
    struct expectation expected = expect(judged, peers, vector);
    double z = tt_normal_deviate((value - expected.center) / expected.spread, expected.freedom);
    *ret = judged->tail == TT_TAIL_HIGH ? z : judged->tail == TT_TAIL_LOW ? -z : magnitude(z);
    return true;
}

/* Against the own history a heavy-tailed law; against the peers, whose values may be rare counts,
 * Cantelli's bound, which no law passes. */
static double deviation_prior(const void *ctx, double score)
{
    const struct tt_judged *judged = ctx;
    double p = judged->against == TT_AGAINST_OWN ? tt_student_tail(score, 4.0)
               : score > 0.0                     ? 1.0 / (1.0 + score * score)
                                                 : 1.0;
    p *= judged->tail == TT_TAIL_BOTH ? 2.0 : 1.0;
    return p < 1.0 ? p : 1.0;
}

/* The greatest of several surprises: at most their number times e^-score. */
static double surprise_prior(const void *ctx, double score)
{
    const struct tt_detector *detector = ctx;
    double p = (double)detector->judged_count * tt_exp(-score);
    return p < 1.0 ? p : 1.0;
}

/* Nothing is known of the peers. The spread is wide: a factor e, or as large as the centre. */
static const struct baseline baseline_prior = {0.0, 0.0, 0.0, 1.0};

static size_t model_size(uint32_t count)
{
    return sizeof(struct judge_model) + count * sizeof(struct judge_part);
}

static struct judge_model *model_new(const struct tt_alloc *alloc, uint32_t count,
                                     struct tt_error *err)
{
    struct judge_model *model = tt_new_array(alloc, 1, model_size(count));
    if (model == NULL) {
        (void)tt_fail(err, TT_E_NOMEM, "out of memory for a model");
        return NULL;
    }
    model->count = count;
    return model;
}

static void judge_model_free(const struct tt_alloc *alloc, void *model)
{
    if (model != NULL) {
        tt_delete(alloc, model, model_size(((struct judge_model *)model)->count));
    }
}

static enum tt_status judge_initial(const struct tt_alloc *alloc,
                                    const struct tt_detector *detector, void **ret_model,
                                    struct tt_error *err)
{
    struct judge_model *model = model_new(alloc, detector->judged_count, err);
    struct tt_histogram *nothing = tt_new_array(alloc, 1, sizeof *nothing);
    if (model == NULL || nothing == NULL) {
        judge_model_free(alloc, model);
        tt_delete(alloc, nothing, sizeof *nothing);
        return tt_fail(err, TT_E_NOMEM, "out of memory for a model");
    }
    for (uint32_t i = 0; i < model->count; i++) {
        model->parts[i].baseline = baseline_prior;
        tt_calibration_init(&model->parts[i].calibration, &deviation_axis, nothing, deviation_prior,
                            &detector->judged[i]);
    }
    tt_delete(alloc, nothing, sizeof *nothing);
    *ret_model = model;
    return TT_OK;
}

static void judge_score(const struct tt_scoring *scoring, struct tt_event *const *events, size_t n)
{
    const struct judge_model *model = scoring->model;
    const struct tt_detector *detector = scoring->detector;
    for (size_t i = 0; i < n; i++) {
        struct tt_detection *detection = &events[i]->detections[scoring->slot];
        for (uint32_t k = 0; k < model->count; k++) {
            const struct judge_part *part = &model->parts[k];
            double z;
            if (!deviation(&detector->judged[k], &part->baseline, &events[i]->vector, &z)) {
                continue;
            }
            double surprise = tt_calibration_surprise(&part->calibration, z);
            if (!detection->present || surprise > detection->score) {
                detection->score = surprise;
                detection->feature = detector->judged[k].feature;
                detection->present = true;
            }
        }
    }
}

static void explain_part(const struct tt_judged *judged, const struct judge_part *part,
                         const struct tt_event *event, double threshold_score,
                         struct tt_explained *ret)
{
    double value = 0.0;
    (void)tt_vector_get(&event->vector, judged->feature, &value);
    struct expectation expected = expect(judged, &part->baseline, &event->vector);
    double z = tt_calibration_score_at(&part->calibration, tt_exp(-threshold_score));
    double t = student_deviate(z, expected.freedom);
    bool low =
        judged->tail == TT_TAIL_LOW || (judged->tail == TT_TAIL_BOTH && value < expected.center);
    *ret = (struct tt_explained){
        .feature = judged->feature,
        .against = judged->against,
        .scale = judged->scale,
        .observed = value,
        .expected = expected.center,
        .threshold = expected.center + (low ? -t : t) * expected.spread,
        .count = expected.count,
    };
}

/* The score is the greatest surprise; a feature's share is its part of the sum of 1/p, so that two
 * that are equally unusual share the evidence. */
static void judge_explain(const struct tt_scoring *scoring, const struct tt_event *event,
                          double threshold_score, struct tt_explanation *ret)
{
    const struct judge_model *model = scoring->model;
    const struct tt_detector *detector = scoring->detector;
    double total = 0.0;
    ret->count = 0;
    for (uint32_t k = 0; k < model->count; k++) {
        double z;
        if (!deviation(&detector->judged[k], &model->parts[k].baseline, &event->vector, &z)) {
            continue;
        }
        struct tt_explained *item = &ret->items[ret->count++];
        explain_part(&detector->judged[k], &model->parts[k], event, threshold_score, item);
        item->share = tt_exp(tt_calibration_surprise(&model->parts[k].calibration, z));
        total += item->share;
    }
    for (uint32_t i = 0; i < ret->count; i++) {
        ret->items[i].share /= total;
    }
}

static void encode_baseline(const struct baseline *baseline, struct tt_buf *buf)
{
    tt_wire_put_double(buf, baseline->count);
    tt_wire_put_double(buf, baseline->center);
    tt_wire_put_double(buf, baseline->std);
    tt_wire_put_double(buf, baseline->spread);
}

static struct baseline decode_baseline(struct tt_wire *wire)
{
    struct baseline ret;
    ret.count = tt_wire_double(wire);
    ret.center = tt_wire_double(wire);
    ret.std = tt_wire_double(wire);
    ret.spread = tt_wire_double(wire);
    wire->bad |= !(ret.count >= 0.0 && ret.count < 1e300 && magnitude(ret.center) < 1e300 &&
                   ret.std >= 0.0 && ret.std < 1e300 && ret.spread >= 0.0 && ret.spread < 1e300);
    return ret;
}

static void judge_encode(const struct tt_detector *detector, const void *model_void,
                         struct tt_buf *buf)
{
    const struct judge_model *model = model_void;
    (void)detector;
    tt_wire_put_varint(buf, model->count);
    for (uint32_t i = 0; i < model->count; i++) {
        encode_baseline(&model->parts[i].baseline, buf);
        tt_histogram_encode(&model->parts[i].calibration.histogram, buf);
    }
}

static enum tt_status judge_decode(const struct tt_alloc *alloc, const struct tt_detector *detector,
                                   struct tt_wire *wire, void **ret_model, struct tt_error *err)
{
    if (tt_wire_varint(wire) != detector->judged_count || wire->bad) {
        return tt_fail(err, TT_E_CORRUPT, "damaged model: wrong number of features");
    }
    struct judge_model *model = model_new(alloc, detector->judged_count, err);
    struct tt_histogram *histogram = tt_new_array(alloc, 1, sizeof *histogram);
    if (model == NULL || histogram == NULL) {
        judge_model_free(alloc, model);
        tt_delete(alloc, histogram, sizeof *histogram);
        return tt_fail(err, TT_E_NOMEM, "out of memory for a model");
    }
    for (uint32_t i = 0; i < model->count && !wire->bad; i++) {
        model->parts[i].baseline = decode_baseline(wire);
        tt_histogram_decode(wire, histogram);
        tt_calibration_init(&model->parts[i].calibration, &deviation_axis, histogram,
                            deviation_prior, &detector->judged[i]);
    }
    tt_delete(alloc, histogram, sizeof *histogram);
    if (wire->bad) {
        judge_model_free(alloc, model);
        return tt_fail(err, TT_E_CORRUPT, "damaged model");
    }
    *ret_model = model;
    return TT_OK;
}

static size_t learner_size(uint32_t count)
{
    return sizeof(struct judge_learner) + count * sizeof(struct judge_learner_part);
}

static enum tt_status judge_learner_new(const struct tt_alloc *alloc,
                                        const struct tt_learner_options *options,
                                        void **ret_learner, struct tt_error *err)
{
    uint32_t count = options->detector->judged_count;
    struct judge_learner *learner = tt_new_array(alloc, 1, learner_size(count));
    if (learner == NULL) {
        return tt_fail(err, TT_E_NOMEM, "out of memory for a learner");
    }
    learner->detector = options->detector;
    learner->count = count;
    for (uint32_t i = 0; i < count; i++) {
        learner->parts[i].baseline = baseline_prior;
    }
    *ret_learner = learner;
    return TT_OK;
}

static void judge_learner_free(const struct tt_alloc *alloc, void *learner)
{
    if (learner != NULL) {
        tt_delete(alloc, learner, learner_size(((struct judge_learner *)learner)->count));
    }
}

/* A value as it enters the population's sums: one outlier must not become the baseline. */
static int64_t winsorised(const struct baseline *baseline, double value)
{
    if (baseline->count >= PEER_COUNT_MIN) {
        double reach = WINSOR * baseline->std;
        double low = baseline->center - reach;
        double high = baseline->center + reach;
        value = value < low ? low : value > high ? high : value;
    }
    value = value < -VALUE_CLAMP ? -VALUE_CLAMP : value > VALUE_CLAMP ? VALUE_CLAMP : value;
    return (int64_t)(value * UNIT + (value < 0.0 ? -0.5 : 0.5));
}

/* The entity's own spread as the peers' typical one counts it; false when it is too thin. */
static bool own_spread(const struct tt_judged *judged, const struct tt_vector *vector,
                       uint64_t *ret)
{
    if (judged->against == TT_AGAINST_PEERS) {
        return false;
    }
    struct own own = own_history(judged, vector);
    double spread = own.spread;
    if (!own.has_spread || own.count < OWN_COUNT_MIN) {
        return false;
    }
    if (judged->scale == TT_SCALE_RELATIVE) {
        if (!(magnitude(own.center) > 1e-9)) {
            return false;
        }
        spread = spread / magnitude(own.center);
        spread = spread < 10.0 ? spread : 10.0;
    }
    spread = spread < SPREAD_CLAMP ? spread : SPREAD_CLAMP;
    *ret = (uint64_t)(spread * UNIT + 0.5);
    return true;
}

static void judge_absorb(void *learner_void, const struct tt_event *event)
{
    struct judge_learner *learner = learner_void;
    for (uint32_t i = 0; i < learner->count; i++) {
        const struct tt_judged *judged = &learner->detector->judged[i];
        struct judge_learner_part *part = &learner->parts[i];
        double value;
        double z;
        uint64_t spread;
        if (!finite_get(&event->vector, judged->feature, &value)) {
            continue;
        }
        int64_t units = winsorised(&part->baseline, value);
        part->sums.count += TT_HISTOGRAM_ONE;
        part->sums.sum += units;
        part->sums.squares += (unsigned __int128)((__int128)units * units);
        if (own_spread(judged, &event->vector, &spread)) {
            part->sums.own_count += TT_HISTOGRAM_ONE;
            part->sums.spread += spread;
        }
        if (deviation(judged, &part->baseline, &event->vector, &z)) {
            tt_histogram_add(&part->sums.deviations, &deviation_axis, z);
        }
    }
}

static struct baseline baseline_of(const struct tt_judged *judged, const struct judge_sums *sums)
{
    struct baseline ret = baseline_prior;
    double count = (double)sums->count / (double)TT_HISTOGRAM_ONE;
    if (count < PEER_COUNT_MIN) {
        return ret;
    }
    ret.count = count;
    ret.center = (double)sums->sum / (count * UNIT);
    double square = (double)sums->squares / (count * UNIT * UNIT);
    double variance = square - ret.center * ret.center;
    ret.std = tt_sqrt(variance > 0.0 ? variance : 0.0);
    double own_count = (double)sums->own_count / (double)TT_HISTOGRAM_ONE;
    double spread = own_count > 0.0 ? (double)sums->spread / (own_count * UNIT) : 0.0;
    /* Few own histories: the population's spread stands in for what is missing. */
    double wide = judged->scale == TT_SCALE_RELATIVE ? 1.0 : ret.std;
    ret.spread = (own_count * spread + PEER_COUNT_MIN * wide) / (own_count + PEER_COUNT_MIN);
    return ret;
}

static enum tt_status judge_train(const void *learner_void, const struct tt_alloc *alloc,
                                  void **ret_model, struct tt_error *err)
{
    const struct judge_learner *learner = learner_void;
    struct judge_model *model = model_new(alloc, learner->count, err);
    struct tt_histogram *nothing = tt_new_array(alloc, 1, sizeof *nothing);
    if (model == NULL || nothing == NULL) {
        judge_model_free(alloc, model);
        tt_delete(alloc, nothing, sizeof *nothing);
        return tt_fail(err, TT_E_NOMEM, "out of memory for a model");
    }
    for (uint32_t i = 0; i < learner->count; i++) {
        const struct tt_judged *judged = &learner->detector->judged[i];
        const struct judge_learner_part *part = &learner->parts[i];
        model->parts[i].baseline = baseline_of(judged, &part->sums);
        /* Deviations from no baseline are no reference for those from one. */
        bool measured = part->baseline.count > 0.0;
        tt_calibration_init(&model->parts[i].calibration, &deviation_axis,
                            measured ? &part->sums.deviations : nothing, deviation_prior, judged);
    }
    tt_delete(alloc, nothing, sizeof *nothing);
    *ret_model = model;
    return TT_OK;
}

static void judge_advance(void *learner_void, const void *model_void, uint64_t factor)
{
    struct judge_learner *learner = learner_void;
    const struct judge_model *model = model_void;
    for (uint32_t i = 0; i < learner->count; i++) {
        struct judge_sums *sums = &learner->parts[i].sums;
        bool measured = learner->parts[i].baseline.count > 0.0;
        learner->parts[i].baseline = model->parts[i].baseline;
        sums->count = tt_decay(sums->count, factor);
        sums->own_count = tt_decay(sums->own_count, factor);
        sums->spread = tt_decay(sums->spread, factor);
        /* The halves of a sum fade apart, so that no product passes 128 bits. */
        bool negative = sums->sum < 0;
        unsigned __int128 size = (unsigned __int128)(negative ? -sums->sum : sums->sum);
        size = (size >> 32) * factor + (((size & UINT32_MAX) * factor) >> 32);
        sums->sum = negative ? -(__int128)size : (__int128)size;
        sums->squares =
            (sums->squares >> 32) * factor + (((sums->squares & UINT32_MAX) * factor) >> 32);
        tt_histogram_decay(&sums->deviations, measured ? factor : 0);
    }
}

static void judge_save(const void *learner_void, struct tt_buf *buf)
{
    const struct judge_learner *learner = learner_void;
    for (uint32_t i = 0; i < learner->count; i++) {
        const struct judge_sums *sums = &learner->parts[i].sums;
        encode_baseline(&learner->parts[i].baseline, buf);
        tt_wire_put_u64(buf, sums->count);
        tt_wire_put_u64(buf, sums->own_count);
        tt_wire_put_u64(buf, sums->spread);
        tt_wire_put_u64(buf, (uint64_t)((unsigned __int128)sums->sum >> 64));
        tt_wire_put_u64(buf, (uint64_t)sums->sum);
        tt_wire_put_u64(buf, (uint64_t)(sums->squares >> 64));
        tt_wire_put_u64(buf, (uint64_t)sums->squares);
        tt_histogram_encode(&sums->deviations, buf);
    }
}

static void judge_load(void *learner_void, struct tt_wire *wire)
{
    struct judge_learner *learner = learner_void;
    for (uint32_t i = 0; i < learner->count; i++) {
        struct judge_sums *sums = &learner->parts[i].sums;
        learner->parts[i].baseline = decode_baseline(wire);
        sums->count = tt_wire_u64(wire);
        sums->own_count = tt_wire_u64(wire);
        sums->spread = tt_wire_u64(wire);
        uint64_t high = tt_wire_u64(wire);
        sums->sum = (__int128)(((unsigned __int128)high << 64) | tt_wire_u64(wire));
        high = tt_wire_u64(wire);
        sums->squares = ((unsigned __int128)high << 64) | tt_wire_u64(wire);
        tt_histogram_decode(wire, &sums->deviations);
    }
}

static enum tt_status zscore_parse(const struct tt_setup *setup, struct tt_detector *detector,
                                   const struct tt_tree *tree, struct tt_error *err)
{
    return tt_judge_parse(setup, detector, tree, false, err);
}

static enum tt_status iqr_parse(const struct tt_setup *setup, struct tt_detector *detector,
                                const struct tt_tree *tree, struct tt_error *err)
{
    return tt_judge_parse(setup, detector, tree, true, err);
}

#define JUDGE_OPS(ops_name, ops_parse)                                                             \
    {.name = ops_name,                                                                             \
     .axis = {0.0, 16.0},                                                                          \
     .prior = surprise_prior,                                                                      \
     .settled = 2,                                                                                 \
     .parse = ops_parse,                                                                           \
     .initial = judge_initial,                                                                     \
     .score = judge_score,                                                                         \
     .explain = judge_explain,                                                                     \
     .encode = judge_encode,                                                                       \
     .decode = judge_decode,                                                                       \
     .model_free = judge_model_free,                                                               \
     .learner_new = judge_learner_new,                                                             \
     .learner_free = judge_learner_free,                                                           \
     .absorb = judge_absorb,                                                                       \
     .train = judge_train,                                                                         \
     .advance = judge_advance,                                                                     \
     .save = judge_save,                                                                           \
     .load = judge_load}

const struct tt_detector_ops tt_detector_zscore = JUDGE_OPS("zscore", zscore_parse);
const struct tt_detector_ops tt_detector_iqr = JUDGE_OPS("iqr", iqr_parse);
/* Log-odds that a feature's filter keeps (core/features/fold.h) are judged against all entities'. */
const struct tt_detector_ops tt_detector_takeover_state = JUDGE_OPS("takeover_state", zscore_parse);
