/*
 * The trainer; see trainer.h.
 *
 * It keeps a learner and a histogram of raw scores per detector, and one of the fused score.
 * Closing builds the whole bundle first and only then moves the learners on, so that a failure
 * changes nothing.
 */
#include "core/detect/trainer.h"

#include <string.h>

#include "core/detect/blend.h"
#include "core/detect/bundle_parts.h"

#define MAGIC UINT32_C(0x54545401) /* "\1TTT" */
#define VERSION 2
#define HASH_SIZE 16

static const struct tt_hash_key content_key = {UINT64_C(0x747261696e6572), 1};

struct tt_trainer {
    const struct tt_alloc *alloc;
    struct tt_setup *setup;
    struct tt_setup *origin; /* what learners were made for: they look into it */
    uint64_t seed;
    uint64_t count;
    int64_t last_close_ms;
    void *learners[TT_DETECTORS_MAX]; /* NULL: the detector is off */
    struct tt_learner *learner;       /* from labels; NULL: off */
    /* Of the detectors, and from detector_count on enum tt_calibrated; that of what labels taught
     * stays empty, the learner gives it afresh. */
    struct tt_histogram histograms[TT_DETECTORS_MAX + TT_CALIBRATED_COUNT];
};

enum tt_status tt_trainer_new(const struct tt_alloc *alloc, struct tt_setup *setup, uint64_t seed,
                              struct tt_trainer **ret_trainer, struct tt_error *err)
{
    struct tt_trainer *trainer = tt_new_array(alloc, 1, sizeof *trainer);
    if (trainer == NULL) {
        return tt_fail(err, TT_E_NOMEM, "out of memory for a trainer");
    }
    trainer->alloc = alloc;
    trainer->setup = tt_setup_ref(setup);
    trainer->origin = tt_setup_ref(setup);
    trainer->seed = seed;
    trainer->last_close_ms = TT_TIME_NONE;
    for (uint32_t i = 0; i < setup->detector_count; i++) {
        const struct tt_detector *detector = &setup->detectors[i];
        struct tt_learner_options options = {setup, detector, i, tt_hash_mix(seed + i)};
        if (!detector->enabled) {
            continue;
        }
        enum tt_status status =
            detector->ops->learner_new(alloc, &options, &trainer->learners[i], err);
        if (status != TT_OK) {
            tt_trainer_free(trainer);
            return status;
        }
    }
    if (setup->learned.enabled) {
        enum tt_status status = tt_learned_new(alloc, setup, tt_hash_mix(seed + TT_DETECTORS_MAX),
                                               &trainer->learner, err);
        if (status != TT_OK) {
            tt_trainer_free(trainer);
            return status;
        }
    }
    *ret_trainer = trainer;
    return TT_OK;
}

void tt_trainer_free(struct tt_trainer *trainer)
{
    if (trainer == NULL) {
        return;
    }
    struct tt_setup *setup = trainer->setup;
    for (uint32_t i = 0; i < setup->detector_count; i++) {
        if (trainer->learners[i] != NULL) {
            setup->detectors[i].ops->learner_free(trainer->alloc, trainer->learners[i]);
        }
    }
    tt_learned_free(trainer->learner);
    struct tt_setup *origin = trainer->origin;
    tt_delete(trainer->alloc, trainer, sizeof *trainer);
    tt_setup_unref(origin);
    tt_setup_unref(setup);
}

void tt_trainer_adopt(struct tt_trainer *trainer, struct tt_setup *setup)
{
    TT_ASSERT(setup->base.high == trainer->setup->base.high &&
              setup->base.low == trainer->setup->base.low);
    struct tt_setup *old = trainer->setup;
    trainer->setup = tt_setup_ref(setup);
    tt_setup_unref(old);
}

/* Whether any detector said something: only then the fused score means anything. */
static bool any_present(const struct tt_setup *setup, const struct tt_event *event)
{
    for (uint32_t i = 0; i < setup->detector_count; i++) {
        if (i != setup->rules_slot && event->detections[i].present &&
            setup->detectors[i].weight > 0.0) {
            return true;
        }
    }
    return false;
}

void tt_trainer_absorb(struct tt_trainer *trainer, const struct tt_event *event)
{
    const struct tt_setup *setup = trainer->setup;
    if (event->kind != TT_EVENT_TRANSACTION || event->gate != TT_GATE_FRESH || event->late) {
        return;
    }
    trainer->count++;
    for (uint32_t i = 0; i < setup->detector_count; i++) {
        const struct tt_detector_ops *ops = setup->detectors[i].ops;
        if (trainer->learners[i] == NULL) {
            continue;
        }
        ops->absorb(trainer->learners[i], event);
        if (event->detections[i].present) {
            tt_histogram_add(&trainer->histograms[i], &ops->axis, event->detections[i].score);
        }
    }
    double fused = any_present(setup, event) ? tt_fuse(setup, event, NULL) : __builtin_nan("");
    struct tt_histogram *calibrated = trainer->histograms + setup->detector_count;
    tt_histogram_add(&calibrated[TT_CALIBRATED_FUSED], &tt_fuse_axis, fused); /* not NaN */
    if (event->blend.learned) {
        tt_histogram_add(&calibrated[TT_CALIBRATED_BLENDED], &tt_blend_axis, event->blend.evidence);
    }
    if (trainer->learner != NULL) {
        tt_learned_absorb(trainer->learner, event, fused);
    }
}

void tt_trainer_label(struct tt_trainer *trainer, const struct tt_event *event)
{
    if (trainer->learner != NULL) {
        tt_learned_label(trainer->learner, event);
    }
}

struct tt_learned_stats tt_trainer_learned(const struct tt_trainer *trainer)
{
    return trainer->learner != NULL ? tt_learned_stats(trainer->learner)
                                    : (struct tt_learned_stats){0};
}

uint64_t tt_trainer_count(const struct tt_trainer *trainer)
{
    return trainer->count;
}

/* Whether scores by the bundle before `epoch` can be a reference. The first epochs' cannot: a
 * score is calibrated by what is beneath it, so each level counts only from where the one beneath
 * has settled; until then its parametric law stands in. */
static bool is_settled(const struct tt_setup *setup, uint32_t slot, uint32_t epoch)
{
    uint32_t settled =
        slot >= setup->detector_count ? TT_FUSE_SETTLED : setup->detectors[slot].ops->settled;
    return epoch > settled;
}

/* A slot's next model and its calibration; first is working space. */
static enum tt_status train_slot(const struct tt_trainer *trainer, uint32_t slot,
                                 struct tt_bundle *bundle, struct tt_histogram *first,
                                 struct tt_error *err)
{
    enum tt_status status = TT_OK;
    const struct tt_histogram *reference = &trainer->histograms[slot];
    memset(first, 0, sizeof *first);
    if (!is_settled(trainer->setup, slot, bundle->epoch)) {
        reference = first;
    }
    if (slot < trainer->setup->detector_count && trainer->learners[slot] != NULL) {
        const struct tt_detector_ops *ops = trainer->setup->detectors[slot].ops;
        const void *learner = trainer->learners[slot];
        status = ops->train(learner, trainer->alloc, &bundle->models[slot], err);
        if (status == TT_OK && bundle->models[slot] != NULL && reference->total == 0 &&
            ops->reference != NULL) {
            status = ops->reference(learner, bundle->models[slot], trainer->alloc, first);
            reference = first;
        }
    }
    if (status == TT_OK) {
        tt_bundle_calibrate(bundle, slot, reference);
    }
    return status;
}

/* What labels have taught, and the calibrations that hang on it; first is working space. */
static enum tt_status train_learned(const struct tt_trainer *trainer, struct tt_bundle *bundle,
                                    struct tt_histogram *first, struct tt_lesson **ret_lesson,
                                    struct tt_error *err)
{
    uint32_t slot = trainer->setup->detector_count;
    if (trainer->learner != NULL) {
        enum tt_status status =
            tt_learned_train(trainer->learner, bundle->closed_ms, ret_lesson, &bundle->taught, err);
        if (status != TT_OK) {
            return status;
        }
    }
    memset(first, 0, sizeof *first);
    if (bundle->taught != NULL) {
        tt_learned_reference(trainer->learner, bundle->taught, first);
    }
    tt_bundle_calibrate(bundle, slot + TT_CALIBRATED_TAUGHT, first);
    tt_bundle_calibrate(bundle, slot + TT_CALIBRATED_BLENDED,
                        &trainer->histograms[slot + TT_CALIBRATED_BLENDED]);
    return TT_OK;
}

static void advance(struct tt_trainer *trainer, const struct tt_bundle *bundle, int64_t time_ms)
{
    const struct tt_setup *setup = trainer->setup;
    int64_t age = trainer->last_close_ms == TT_TIME_NONE || time_ms < trainer->last_close_ms
                      ? 0
                      : time_ms - trainer->last_close_ms;
    uint64_t factor = tt_decay_factor(age, setup->half_life_ms);
    for (uint32_t i = 0; i < setup->detector_count; i++) {
        if (trainer->learners[i] != NULL) {
            setup->detectors[i].ops->advance(trainer->learners[i], bundle->models[i], factor);
        }
    }
    for (uint32_t i = 0; i < setup->detector_count + TT_CALIBRATED_COUNT; i++) {
        tt_histogram_decay(&trainer->histograms[i],
                           is_settled(setup, i, bundle->epoch) ? factor : 0);
    }
    if (trainer->last_close_ms == TT_TIME_NONE || time_ms > trainer->last_close_ms) {
        trainer->last_close_ms = time_ms;
    }
}

enum tt_status tt_trainer_close(struct tt_trainer *trainer, uint32_t epoch, int64_t event_time_ms,
                                struct tt_bundle **ret_bundle, struct tt_error *err)
{
    struct tt_bundle *bundle;
    enum tt_status status = tt_bundle_new(trainer->alloc, trainer->setup, &bundle, err);
    if (status != TT_OK) {
        return status;
    }
    bundle->epoch = epoch;
    bundle->closed_ms = event_time_ms;
    bundle->count = trainer->count;
    struct tt_histogram *space = tt_new(trainer->alloc, sizeof *space);
    if (space == NULL) {
        status = tt_fail(err, TT_E_NOMEM, "out of memory for a calibration");
    }
    for (uint32_t i = 0; status == TT_OK && i <= trainer->setup->detector_count; i++) {
        status = train_slot(trainer, i, bundle, space, err);
    }
    struct tt_lesson *lesson = NULL;
    if (status == TT_OK) {
        status = train_learned(trainer, bundle, space, &lesson, err);
    }
    tt_delete(trainer->alloc, space, sizeof *space);
    if (status == TT_OK) {
        status = tt_bundle_seal(bundle, err);
    }
    if (status != TT_OK) {
        tt_lesson_free(lesson);
        tt_bundle_unref(bundle);
        return status;
    }
    if (lesson != NULL) {
        struct tt_histogram *calibrated = trainer->histograms + trainer->setup->detector_count;
        tt_learned_advance(trainer->learner, lesson, &calibrated[TT_CALIBRATED_FUSED],
                           &calibrated[TT_CALIBRATED_BLENDED]);
    }
    advance(trainer, bundle, event_time_ms);
    *ret_bundle = bundle;
    return TT_OK;
}

enum tt_status tt_trainer_save(const struct tt_trainer *trainer, struct tt_buf *buf)
{
    const struct tt_setup *setup = trainer->setup;
    size_t begin = buf->size;
    tt_wire_put_u32(buf, MAGIC);
    tt_wire_put_u16(buf, VERSION);
    tt_wire_put_hash(buf, setup->hash);
    tt_wire_put_u64(buf, trainer->seed);
    tt_wire_put_u64(buf, trainer->count);
    tt_wire_put_u64(buf, (uint64_t)trainer->last_close_ms);
    for (uint32_t i = 0; i < setup->detector_count + TT_CALIBRATED_COUNT; i++) {
        tt_histogram_encode(&trainer->histograms[i], buf);
    }
    for (uint32_t i = 0; i < setup->detector_count; i++) {
        if (trainer->learners[i] != NULL) {
            setup->detectors[i].ops->save(trainer->learners[i], buf);
        }
    }
    if (trainer->learner != NULL) {
        tt_learned_save(trainer->learner, buf);
    }
    if (buf->status == TT_OK) {
        tt_wire_put_hash(buf, tt_hash128(&content_key, buf->data + begin, buf->size - begin));
    }
    return buf->status;
}

static enum tt_status check_frame(struct tt_str bytes, const struct tt_setup *setup,
                                  struct tt_wire *ret_wire, struct tt_error *err)
{
    if (bytes.size < HASH_SIZE + 6) {
        return tt_fail(err, TT_E_CORRUPT, "no trainer state: %zu bytes", bytes.size);
    }
    size_t size = bytes.size - HASH_SIZE;
    struct tt_wire end = tt_wire_reader((struct tt_str){bytes.data + size, HASH_SIZE});
    struct tt_wire wire = tt_wire_reader((struct tt_str){bytes.data, size});
    if (tt_wire_u32(&wire) != MAGIC) {
        return tt_fail(err, TT_E_CORRUPT, "no trainer state: it does not begin like one");
    }
    uint16_t version = tt_wire_u16(&wire);
    struct tt_hash128 stored = tt_wire_hash(&end);
    struct tt_hash128 actual = tt_hash128(&content_key, bytes.data, size);
    if (stored.high != actual.high || stored.low != actual.low) {
        return tt_fail(err, TT_E_CORRUPT, "damaged trainer state: the checksum does not fit");
    }
    if (version != VERSION) {
        return tt_fail(err, TT_E_UNSUPPORTED,
                       "trainer state of version %u; this build reads version %d", version,
                       VERSION);
    }
    struct tt_hash128 made_for = tt_wire_hash(&wire);
    if (made_for.high != setup->hash.high || made_for.low != setup->hash.low) {
        return tt_fail(err, TT_E_CONFLICT, "the trainer state belongs to another setup");
    }
    *ret_wire = wire;
    return TT_OK;
}

enum tt_status tt_trainer_load(const struct tt_alloc *alloc, struct tt_str bytes,
                               struct tt_setup *setup, struct tt_trainer **ret_trainer,
                               struct tt_error *err)
{
    struct tt_wire wire;
    struct tt_trainer *trainer;
    enum tt_status status = check_frame(bytes, setup, &wire, err);
    if (status != TT_OK) {
        return status;
    }
    uint64_t seed = tt_wire_u64(&wire);
    status = tt_trainer_new(alloc, setup, seed, &trainer, err);
    if (status != TT_OK) {
        return status;
    }
    trainer->count = tt_wire_u64(&wire);
    trainer->last_close_ms = (int64_t)tt_wire_u64(&wire);
    for (uint32_t i = 0; i < setup->detector_count + TT_CALIBRATED_COUNT; i++) {
        tt_histogram_decode(&wire, &trainer->histograms[i]);
    }
    for (uint32_t i = 0; i < setup->detector_count; i++) {
        if (trainer->learners[i] != NULL && !wire.bad) {
            setup->detectors[i].ops->load(trainer->learners[i], &wire);
        }
    }
    if (trainer->learner != NULL && !wire.bad) {
        tt_learned_load(trainer->learner, &wire);
    }
    if (wire.bad || tt_wire_left(&wire) != 0) {
        tt_trainer_free(trainer);
        return tt_fail(err, TT_E_CORRUPT, "damaged trainer state");
    }
    *ret_trainer = trainer;
    return TT_OK;
}
