/*
 * A bundle: everything that was learned across entities, for one setup, up to one closed epoch.
 *
 * What:    the detectors' models, the calibrations of their scores and of the fused one. Immutable
 *          and content-hashed; every decision carries the hash of the bundle it was made with.
 * Why:     swapping one object between batches keeps all shards and replicas in step, and a stored
 *          decision can be made again from its bundle bit for bit (DELIVERY §5).
 * Owner:   made by tt_bundle_initial, tt_bundle_decode or tt_trainer_close from their allocator;
 *          reference-counted; holds a reference to its setup.
 * Threads: immutable; ref and unref from any thread.
 * Limits:  TT_BUNDLE_SIZE_MAX encoded bytes.
 * Fails:   decode: TT_E_CORRUPT truncated or damaged bytes, TT_E_UNSUPPORTED a newer version,
 *          TT_E_CONFLICT made for another setup, TT_E_NOMEM.
 */
#ifndef TT_CORE_DETECT_BUNDLE_H
#define TT_CORE_DETECT_BUNDLE_H

#include "core/detect/setup.h"

#define TT_BUNDLE_SIZE_MAX (4u << 20)

struct tt_calibration;
struct tt_logistic;

/* Calibrations behind those of the detectors. */
enum tt_calibrated {
    TT_CALIBRATED_FUSED,   /* the label-free score */
    TT_CALIBRATED_TAUGHT,  /* log-odds learned from labels */
    TT_CALIBRATED_BLENDED, /* the evidence of both */
    TT_CALIBRATED_COUNT
};

struct tt_bundle {
    int32_t references;     /* atomic */
    uint32_t epoch;         /* 0: nothing learned yet */
    int64_t closed_ms;      /* event time its last epoch closed at, or TT_TIME_NONE */
    uint64_t count;         /* events learned from since the beginning */
    struct tt_hash128 hash; /* of the encoded bytes */
    struct tt_setup *setup;
    const struct tt_alloc *alloc;
    void *models[TT_DETECTORS_MAX]; /* the detector's own, or NULL: none yet */
    struct tt_logistic *taught;     /* what labels taught, or NULL: no fraud is known */
    /* Scores to p-values, a slot each, and from detector_count on enum tt_calibrated. */
    struct tt_calibration *calibrations[TT_DETECTORS_MAX + TT_CALIBRATED_COUNT];
};

/* Epoch 0: peer priors and parametric calibration, no forest. *ret is untouched on failure. */
enum tt_status tt_bundle_initial(const struct tt_alloc *alloc, struct tt_setup *setup,
                                 struct tt_bundle **ret_bundle, struct tt_error *err) TT_MUST_USE;
struct tt_bundle *tt_bundle_ref(struct tt_bundle *bundle);
/* bundle may be NULL. */
void tt_bundle_unref(struct tt_bundle *bundle);

/* Appends the encoded bundle to buf; equal bundles give equal bytes. TT_E_NOMEM, TT_E_LIMIT. */
enum tt_status tt_bundle_encode(const struct tt_bundle *bundle, struct tt_buf *buf) TT_MUST_USE;
/* The setup that encoded bytes say they were made for; false when they are no bundle. */
bool tt_bundle_setup(struct tt_str bytes, struct tt_hash128 *ret);
/* Reads what encode wrote; *ret is untouched on failure, err names what is wrong. */
enum tt_status tt_bundle_decode(const struct tt_alloc *alloc, struct tt_str bytes,
                                struct tt_setup *setup, struct tt_bundle **ret_bundle,
                                struct tt_error *err) TT_MUST_USE;

#endif
