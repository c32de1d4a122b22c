/*
 * What a detector is: one constant ops struct and one row of detectors.def.
 *
 * What:    configuration, model (in the bundle), scoring of a batch, explanation of one event, and
 *          the learner that turns an epoch's events into the next model.
 * Why:     detectors hold no per-entity state: an entity's baselines are features. What they learn
 *          across entities is mergeable and a function of the set of absorbed events.
 * Owner:   models and learners come from the allocator given and go back by their ops.
 * Threads: a model is immutable; a learner belongs to the trainer's thread.
 * Fails:   as each call says; score, explain, absorb and advance cannot.
 */
#ifndef TT_CORE_DETECT_DETECTOR_H
#define TT_CORE_DETECT_DETECTOR_H

#include "core/detect/calibration.h"
#include "core/detect/dense_net.h"
#include "core/detect/detect.h"
#include "core/detect/forest.h"
#include "core/expr/expr.h"

#define TT_EXPLAINED_MAX TT_JUDGED_MAX

/* What a batch is scored with. */
struct tt_scoring {
    const struct tt_setup *setup;
    const struct tt_detector *detector;
    const void *model; /* never NULL here */
    uint32_t slot;
    struct tt_detect_scratch *scratch; /* NULL in explain */
};

/* One detector's share of an event that is due to one feature. */
struct tt_explained {
    uint16_t feature;
    uint8_t against; /* enum tt_against, 0 = neither */
    uint8_t scale;   /* enum tt_scale; numbers below are on that scale */
    double share;    /* of the detector's evidence, signed; what is left of 1 is `other` */
    double observed;
    double expected;  /* NaN = not stated, like threshold */
    double threshold; /* beyond it the detector would fire */
    double count;     /* how many of the entity's own stand behind it */
};
struct tt_explanation {
    uint32_t count;
    struct tt_explained items[TT_EXPLAINED_MAX];
};

struct tt_learner_options {
    const struct tt_setup *setup;
    const struct tt_detector *detector;
    uint32_t slot;
    uint64_t seed;
};

struct tt_detector_ops {
    const char *name;
    struct tt_axis axis;  /* where its scores lie for calibration */
    tt_prior_tail *prior; /* ctx: the struct tt_detector */
    uint32_t settled;     /* from this epoch on its scores mean what later ones mean */
    /* The detector's mapping in detectors.yaml; keys common to all are read already. */
    enum tt_status (*parse)(const struct tt_setup *setup, struct tt_detector *detector,
                            const struct tt_tree *tree, struct tt_error *err);
    /* The model of epoch 0; *ret_model NULL when there is none before training. */
    enum tt_status (*initial)(const struct tt_alloc *alloc, const struct tt_detector *detector,
                              void **ret_model, struct tt_error *err);
    /* Fills score, feature and present of the slot. */
    void (*score)(const struct tt_scoring *scoring, struct tt_event *const *events, size_t n);
    /* threshold_score: the raw score at which it fires. */
    void (*explain)(const struct tt_scoring *scoring, const struct tt_event *event,
                    double threshold_score, struct tt_explanation *ret);
    void (*encode)(const struct tt_detector *detector, const void *model, struct tt_buf *buf);
    enum tt_status (*decode)(const struct tt_alloc *alloc, const struct tt_detector *detector,
                             struct tt_wire *wire, void **ret_model, struct tt_error *err);
    void (*model_free)(const struct tt_alloc *alloc, void *model);

    enum tt_status (*learner_new)(const struct tt_alloc *alloc,
                                  const struct tt_learner_options *options, void **ret_learner,
                                  struct tt_error *err);
    void (*learner_free)(const struct tt_alloc *alloc, void *learner);
    void (*absorb)(void *learner, const struct tt_event *event);
    /* The next model from what was absorbed (*ret_model NULL: not enough yet); learner unchanged */
    enum tt_status (*train)(const void *learner, const struct tt_alloc *alloc, void **ret_model,
                            struct tt_error *err);
    /* A first reference for a model's scores while no event has been scored by any; may be NULL. */
    enum tt_status (*reference)(const void *learner, const void *model,
                                const struct tt_alloc *alloc, struct tt_histogram *ret);
    /* Goes on from that model (may be NULL); what was learned so far fades by factor / 2^32. */
    void (*advance)(void *learner, const void *model, uint64_t factor);
    void (*save)(const void *learner, struct tt_buf *buf);
    /* Into a fresh learner; damage sets wire->bad. */
    void (*load)(void *learner, struct tt_wire *wire);
};

#define TT_DETECTOR(id, name) extern const struct tt_detector_ops tt_detector_##id;
#include "core/detect/detectors.def"
#undef TT_DETECTOR

/* A thread's working memory; see detect.h. */
struct tt_detect_scratch {
    const struct tt_alloc *alloc;
    uint32_t slot_count;
    struct tt_value *slots;       /* of the expressions, or NULL */
    struct tt_expr_scratch *expr; /* or NULL: no rules */
    struct tt_forest_row rows[TT_DETECT_BATCH_MAX];
    uint32_t sums[TT_DETECT_BATCH_MAX];
    struct tt_net_row net_rows[TT_DETECT_BATCH_MAX];
    float rebuilt[TT_DETECT_BATCH_MAX][TT_NET_COLUMNS];
};

/* The rules' slot from the hits: score and, with the model's hit shares, the p-value. model may be
 * NULL. */
void tt_rules_judge(const struct tt_setup *setup, const void *model, struct tt_event *event);

/* Fuses the present detectors' p-values: ln of their inverse weighted harmonic mean, plus what a
 * rule hit adds. ret_terms[slot] is the slot's part of the sum inside the logarithm (may be NULL);
 * they add up to exp of the result when ret_terms is used for shares. 0 when no detector says
 * anything. */
double tt_fuse(const struct tt_setup *setup, const struct tt_event *event,
               double ret_terms[TT_DETECTORS_MAX]);
#define TT_FUSE_SETTLED 3 /* as tt_detector_ops.settled, for the fused score */
/* Law of tt_fuse while nothing was seen. ctx is not used. */
double tt_fuse_prior(const void *ctx, double score);
extern const struct tt_axis tt_fuse_axis;
/* The same for the log-odds that labels taught, and for the blended evidence, which is a logit. */
double tt_learned_prior(const void *ctx, double log_odds);
extern const struct tt_axis tt_learned_axis;
double tt_blend_prior(const void *ctx, double evidence);
extern const struct tt_axis tt_blend_axis;

#endif
