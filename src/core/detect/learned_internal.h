/*
 * Inside the learner: held rows, waiting labels and the state of the regression.
 *
 * What:    shared by learned.c (holding), lesson.c (an epoch's examples), regression.c (steps and
 *          bins) and learned_codec.c (saving).
 * Owner:   struct tt_learner owns its rows, labels and state; a lesson owns a copy of the state.
 * Threads: as learned.h.
 * Fails:   allocating calls with TT_E_NOMEM.
 */
#ifndef TT_CORE_DETECT_LEARNED_INTERNAL_H
#define TT_CORE_DETECT_LEARNED_INTERNAL_H

#include "core/detect/blend.h"
#include "core/detect/detector.h"
#include "core/detect/learned.h"

#define TT_LEARNED_SEGMENTS_MAX 1024
#define TT_LEARNED_GROUPS 17 /* of bins: missing, and four bins each */

/* What is believed about a payment. */
enum tt_belief { TT_BELIEF_NONE = 0, TT_BELIEF_PRESUMED, TT_BELIEF_GENUINE, TT_BELIEF_FRAUD };

/* What is told of a held payment without its inputs: two of them share a cache line, as each close
 * of an epoch walks all of them. */
struct tt_held_row {
    uint64_t key; /* keyed hash of (user, transaction) */
    int64_t time_ms;
    float weight;   /* in the sample: its chance of being kept is min(1, weight × threshold) */
    float fused;    /* label-free score; NaN where no detector said anything */
    float evidence; /* blended; NaN before anything was learned */
    uint8_t belief; /* enum tt_belief */
};

/* The rows of one stretch of time: rows[first … first + count) of the ring. */
struct tt_segment {
    uint32_t first, count;
    double threshold; /* least priority that was left out; 1e308 = everything was kept */
};

/* A label that waits for the end of its epoch, of learner->label_size bytes. */
struct tt_waiting_label {
    int64_t effective_ms;
    uint64_t key;
    float weight;   /* one over its selection probability */
    uint8_t kind;   /* enum tt_label_kind */
    bool carried;   /* inputs are there */
    float inputs[]; /* of the payment */
};

/* The regression. Tables are [input][bin] and [input][group]. */
struct tt_regression {
    const struct tt_alloc *alloc;
    uint32_t input_count;
    uint64_t cut_count; /* payments absorbed when the bins were cut; 0 = not yet */
    uint64_t frauds;
    double bias, bias_curvature;
    struct tt_logistic_cut *cuts;
    double (*fine)[TT_LOGISTIC_BINS];
    double (*fine_curvature)[TT_LOGISTIC_BINS];
    double (*shares)[TT_LOGISTIC_BINS]; /* of traffic, when the bins were cut */
    double (*coarse)[TT_LEARNED_GROUPS];
    double (*coarse_curvature)[TT_LEARNED_GROUPS];
};

struct tt_learner {
    const struct tt_alloc *alloc;
    const struct tt_setup *setup;
    struct tt_hash_key key;
    size_t label_size;     /* bytes */
    uint32_t capacity;     /* rows of the ring */
    uint32_t segment_rows; /* at most in one segment */
    int64_t segment_ms;    /* at least in one segment */
    uint64_t count;        /* absorbed so far */
    struct tt_held_row *rows;
    uint32_t input_count; /* of the setup */
    float *inputs;        /* [row][input], NaN = missing */
    uint32_t *heap;       /* of the open segment, by falling priority; built once it is full */
    bool heap_built;
    struct tt_segment *segments; /* a ring of TT_LEARNED_SEGMENTS_MAX; the last one is open */
    uint32_t segment_first, segment_count;
    int64_t opened_ms; /* when the open one began, TT_TIME_NONE before the first close */
    char *labels;
    uint32_t *label_heap;                 /* of all labels, the one that is effective last on top */
    uint32_t label_count, label_capacity; /* one place is always free */
    uint32_t spare_label;                 /* that one */
    uint64_t labels_unheld, labels_left;
    struct tt_regression *regression;
};

/* One row whose knowledge has changed. */
struct tt_example {
    int64_t when_ms;
    uint64_t key;
    uint32_t row; /* of the ring, or UINT32_MAX: inputs are a label's */
    uint32_t label;
    uint8_t from, to; /* enum tt_belief */
    float weight;     /* of a label, else 1 */
    float chance;     /* of the row's being kept */
};

struct tt_lesson {
    const struct tt_alloc *alloc;
    struct tt_example *examples;
    size_t example_count, example_capacity;
    int64_t time_ms;
    uint64_t unheld;
    bool learns; /* false: too little is known to cut bins; labels go on waiting */
    struct tt_regression *regression;
};

static inline struct tt_held_row *tt_learner_row(const struct tt_learner *learner, uint32_t index)
{
    return &learner->rows[index];
}

static inline float *tt_learner_inputs(const struct tt_learner *learner, uint32_t index)
{
    return learner->inputs + (size_t)index * learner->input_count;
}

static inline struct tt_waiting_label *tt_learner_label_at(const struct tt_learner *learner,
                                                           uint32_t index)
{
    return (struct tt_waiting_label *)(void *)(learner->labels +
                                               (size_t)index * learner->label_size);
}

/* Segment i of segment_count, oldest first. */
static inline struct tt_segment *tt_learner_segment(const struct tt_learner *learner, uint32_t i)
{
    uint32_t at = (learner->segment_first + i) % TT_LEARNED_SEGMENTS_MAX;
    return &learner->segments[at];
}

/* A number in (0, 1) that hangs on the key alone; salt gives independent ones. */
static inline double tt_learner_uniform(uint64_t key, uint64_t salt)
{
    return ((double)(tt_hash_mix(key + salt) >> 11) + 0.5) * 0x1p-53;
}

/* The chance with which a row of this segment was kept. */
static inline double tt_learner_chance(const struct tt_segment *segment,
                                       const struct tt_held_row *row)
{
    double chance = (double)row->weight * segment->threshold;
    return chance < 1.0 ? chance : 1.0;
}

/* Whether the row belongs to an evenly thinned sample: those that had better chances are thinned
 * to the chance of an ordinary one, and all of them to `share`. */
static inline bool tt_learner_samples(const struct tt_segment *segment,
                                      const struct tt_held_row *row, double share)
{
    double least = segment->threshold < 1.0 ? segment->threshold : 1.0;
    return tt_learner_uniform(row->key, 2) * tt_learner_chance(segment, row) < share * least;
}

/* Calls of regression.c. */
enum tt_status tt_regression_new(const struct tt_alloc *alloc, uint32_t input_count,
                                 struct tt_regression **ret, struct tt_error *err) TT_MUST_USE;
void tt_regression_free(struct tt_regression *regression);
void tt_regression_copy(const struct tt_regression *from, struct tt_regression *to);
/* Cuts the bins anew from the held rows, and carries over what was learned. */
enum tt_status tt_regression_cut(const struct tt_learner *learner, struct tt_regression *regression,
                                 struct tt_error *err) TT_MUST_USE;
/* Steps towards fraud or genuine; a negative weight takes such a step back. */
void tt_regression_step(struct tt_regression *regression, const float *inputs, bool fraud,
                        double weight);
/* The model as it is scored. */
enum tt_status tt_regression_model(const struct tt_regression *regression,
                                   const struct tt_alloc *alloc, struct tt_logistic **ret,
                                   struct tt_error *err) TT_MUST_USE;

/* Calls of learned.c: ends a stretch of time and makes room for the next. */
void tt_learner_turn(struct tt_learner *learner, int64_t time_ms);
/* Puts the labels' heap in order again after labels were taken out. */
void tt_learner_order_labels(struct tt_learner *learner);

#endif
