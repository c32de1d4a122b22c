/*
 * Bundles: made, shared, written and read; see bundle.h.
 *
 * The form: magic, version, setup hash, epoch, closed_ms, count, a model per slot (length and
 * bytes, empty = none), what labels taught (the same way), a histogram per slot and those of
 * enum tt_calibrated, and at the end the hash of all
 * of it, which is both the checksum and the bundle's identity. Curves are compiled from the
 * histograms when read.
 */
#include "core/detect/bundle.h"

#include <string.h>

#include "core/detect/blend.h"
#include "core/detect/bundle_parts.h"
#include "core/detect/logistic.h"

#define MAGIC UINT32_C(0x42545401) /* "\1TTB" */
#define VERSION 2
#define HASH_SIZE 16

static const struct tt_hash_key content_key = {UINT64_C(0x62756e646c65), 1};

enum tt_status tt_bundle_new(const struct tt_alloc *alloc, struct tt_setup *setup,
                             struct tt_bundle **ret_bundle, struct tt_error *err)
{
    struct tt_bundle *bundle = tt_new_array(alloc, 1, sizeof *bundle);
    if (bundle == NULL) {
        return tt_fail(err, TT_E_NOMEM, "out of memory for a bundle");
    }
    bundle->references = 1;
    bundle->alloc = alloc;
    bundle->closed_ms = TT_TIME_NONE;
    bundle->setup = tt_setup_ref(setup);
    for (uint32_t i = 0; i < setup->detector_count + TT_CALIBRATED_COUNT; i++) {
        bundle->calibrations[i] = tt_new_array(alloc, 1, sizeof *bundle->calibrations[i]);
        if (bundle->calibrations[i] == NULL) {
            tt_bundle_unref(bundle);
            return tt_fail(err, TT_E_NOMEM, "out of memory for a bundle");
        }
    }
    *ret_bundle = bundle;
    return TT_OK;
}

void tt_bundle_calibrate(struct tt_bundle *bundle, uint32_t slot,
                         const struct tt_histogram *histogram)
{
    const struct tt_setup *setup = bundle->setup;
    if (slot >= setup->detector_count) {
        static const struct {
            const struct tt_axis *axis;
            tt_prior_tail *prior;
        } calibrated[TT_CALIBRATED_COUNT] = {
            [TT_CALIBRATED_FUSED] = {&tt_fuse_axis, tt_fuse_prior},
            [TT_CALIBRATED_TAUGHT] = {&tt_learned_axis, tt_learned_prior},
            [TT_CALIBRATED_BLENDED] = {&tt_blend_axis, tt_blend_prior},
        };
        uint32_t what = slot - setup->detector_count;
        tt_calibration_init(bundle->calibrations[slot], calibrated[what].axis, histogram,
                            calibrated[what].prior, NULL);
        return;
    }
    const struct tt_detector *detector = &setup->detectors[slot];
    tt_calibration_init(bundle->calibrations[slot], &detector->ops->axis, histogram,
                        detector->ops->prior, detector);
}

struct tt_bundle *tt_bundle_ref(struct tt_bundle *bundle)
{
    (void)__atomic_add_fetch(&bundle->references, 1, __ATOMIC_RELAXED);
    return bundle;
}

void tt_bundle_unref(struct tt_bundle *bundle)
{
    if (bundle == NULL || __atomic_sub_fetch(&bundle->references, 1, __ATOMIC_ACQ_REL) != 0) {
        return;
    }
    const struct tt_alloc *alloc = bundle->alloc;
    struct tt_setup *setup = bundle->setup;
    for (uint32_t i = 0; i < setup->detector_count; i++) {
        if (bundle->models[i] != NULL) {
            setup->detectors[i].ops->model_free(alloc, bundle->models[i]);
        }
    }
    tt_logistic_free(bundle->taught);
    for (uint32_t i = 0; i < setup->detector_count + TT_CALIBRATED_COUNT; i++) {
        tt_delete(alloc, bundle->calibrations[i], sizeof *bundle->calibrations[i]);
    }
    tt_delete(alloc, bundle, sizeof *bundle);
    tt_setup_unref(setup);
}

/* A model with its length in front; the length is known only once it is written. slot ==
 * detector_count is what labels taught. */
static void put_model(const struct tt_bundle *bundle, uint32_t slot, struct tt_buf *buf)
{
    bool taught = slot == bundle->setup->detector_count;
    size_t at = buf->size;
    tt_wire_put_u32(buf, 0);
    if (taught ? bundle->taught == NULL : bundle->models[slot] == NULL) {
        return;
    }
    if (taught) {
        tt_logistic_encode(bundle->taught, buf);
    } else {
        const struct tt_detector *detector = &bundle->setup->detectors[slot];
        detector->ops->encode(detector, bundle->models[slot], buf);
    }
    if (buf->status == TT_OK) {
        size_t size = buf->size - at - 4;
        for (size_t i = 0; i < 4; i++) {
            buf->data[at + i] = (char)(unsigned char)(size >> (8 * i));
        }
    }
}

enum tt_status tt_bundle_encode(const struct tt_bundle *bundle, struct tt_buf *buf)
{
    const struct tt_setup *setup = bundle->setup;
    size_t begin = buf->size;
    tt_wire_put_u32(buf, MAGIC);
    tt_wire_put_u16(buf, VERSION);
    tt_wire_put_hash(buf, setup->hash);
    tt_wire_put_u32(buf, bundle->epoch);
    tt_wire_put_u64(buf, (uint64_t)bundle->closed_ms);
    tt_wire_put_u64(buf, bundle->count);
    tt_wire_put_u8(buf, (uint8_t)setup->detector_count);
    for (uint32_t i = 0; i <= setup->detector_count; i++) {
        put_model(bundle, i, buf);
    }
    for (uint32_t i = 0; i < setup->detector_count + TT_CALIBRATED_COUNT; i++) {
        tt_histogram_encode(&bundle->calibrations[i]->histogram, buf);
    }
    if (buf->status == TT_OK) {
        tt_wire_put_hash(buf, tt_hash128(&content_key, buf->data + begin, buf->size - begin));
    }
    return buf->status;
}

enum tt_status tt_bundle_seal(struct tt_bundle *bundle, struct tt_error *err)
{
    struct tt_buf buf;
    tt_buf_init(&buf, bundle->alloc, TT_BUNDLE_SIZE_MAX);
    enum tt_status status = tt_bundle_encode(bundle, &buf);
    if (status == TT_OK) {
        struct tt_wire end =
            tt_wire_reader((struct tt_str){buf.data + buf.size - HASH_SIZE, HASH_SIZE});
        bundle->hash = tt_wire_hash(&end);
    } else {
        (void)tt_fail(err, status, "a bundle of over %u bytes, or no memory", TT_BUNDLE_SIZE_MAX);
    }
    tt_buf_deinit(&buf);
    return status;
}

enum tt_status tt_bundle_initial(const struct tt_alloc *alloc, struct tt_setup *setup,
                                 struct tt_bundle **ret_bundle, struct tt_error *err)
{
    struct tt_bundle *bundle;
    enum tt_status status = tt_bundle_new(alloc, setup, &bundle, err);
    if (status != TT_OK) {
        return status;
    }
    struct tt_histogram *nothing = tt_new_array(alloc, 1, sizeof *nothing);
    if (nothing == NULL) {
        tt_bundle_unref(bundle);
        return tt_fail(err, TT_E_NOMEM, "out of memory for a bundle");
    }
    for (uint32_t i = 0; i < setup->detector_count + TT_CALIBRATED_COUNT; i++) {
        tt_bundle_calibrate(bundle, i, nothing);
    }
    tt_delete(alloc, nothing, sizeof *nothing);
    for (uint32_t i = 0; status == TT_OK && i < setup->detector_count; i++) {
        const struct tt_detector *detector = &setup->detectors[i];
        if (detector->enabled) {
            status = detector->ops->initial(alloc, detector, &bundle->models[i], err);
        }
    }
    if (status == TT_OK) {
        status = tt_bundle_seal(bundle, err);
    }
    if (status != TT_OK) {
        tt_bundle_unref(bundle);
        return status;
    }
    *ret_bundle = bundle;
    return TT_OK;
}

/* Checks everything that does not need the contents: size, magic, checksum, version, setup. */
static enum tt_status check_frame(struct tt_str bytes, const struct tt_setup *setup,
                                  struct tt_wire *ret_wire, struct tt_hash128 *ret_hash,
                                  struct tt_error *err)
{
    if (bytes.size < HASH_SIZE + 6 || bytes.size > TT_BUNDLE_SIZE_MAX) {
        return tt_fail(err, TT_E_CORRUPT, "no bundle: %zu bytes", bytes.size);
    }
    size_t size = bytes.size - HASH_SIZE;
    struct tt_wire end = tt_wire_reader((struct tt_str){bytes.data + size, HASH_SIZE});
    struct tt_wire wire = tt_wire_reader((struct tt_str){bytes.data, size});
    if (tt_wire_u32(&wire) != MAGIC) {
        return tt_fail(err, TT_E_CORRUPT, "no bundle: it does not begin like one");
    }
    uint16_t version = tt_wire_u16(&wire);
    struct tt_hash128 stored = tt_wire_hash(&end);
    struct tt_hash128 actual = tt_hash128(&content_key, bytes.data, size);
    if (stored.high != actual.high || stored.low != actual.low) {
        return tt_fail(err, TT_E_CORRUPT, "damaged bundle: the checksum does not fit");
    }
    if (version != VERSION) {
        return tt_fail(err, TT_E_UNSUPPORTED, "a bundle of version %u; this build reads version %d",
                       version, VERSION);
    }
    struct tt_hash128 made_for = tt_wire_hash(&wire);
    if (made_for.high != setup->hash.high || made_for.low != setup->hash.low) {
        return tt_fail(err, TT_E_CONFLICT,
                       "the bundle was made for another setup (features, rules or detectors)");
    }
    *ret_wire = wire;
    *ret_hash = stored;
    return TT_OK;
}

bool tt_bundle_setup(struct tt_str bytes, struct tt_hash128 *ret)
{
    struct tt_wire wire = tt_wire_reader(bytes);
    bool begins_like_one = tt_wire_u32(&wire) == MAGIC;
    (void)tt_wire_u16(&wire);
    struct tt_hash128 hash = tt_wire_hash(&wire);
    if (!begins_like_one || wire.bad) {
        return false;
    }
    *ret = hash;
    return true;
}

static enum tt_status decode_model(struct tt_bundle *bundle, uint32_t slot, struct tt_wire *wire,
                                   struct tt_error *err)
{
    const struct tt_setup *setup = bundle->setup;
    if (slot == setup->detector_count) {
        return tt_logistic_decode(bundle->alloc, wire, setup->learned.input_count, &bundle->taught,
                                  err);
    }
    const struct tt_detector *detector = &setup->detectors[slot];
    return detector->ops->decode(bundle->alloc, detector, wire, &bundle->models[slot], err);
}

static enum tt_status decode_models(struct tt_bundle *bundle, struct tt_wire *wire,
                                    struct tt_error *err)
{
    const struct tt_setup *setup = bundle->setup;
    for (uint32_t i = 0; i <= setup->detector_count; i++) {
        uint32_t size = tt_wire_u32(wire);
        if (wire->bad || size > tt_wire_left(wire)) {
            return tt_fail(err, TT_E_CORRUPT, "damaged bundle: a model runs past the end");
        }
        if (size == 0) {
            continue;
        }
        struct tt_wire model = tt_wire_reader((struct tt_str){(const char *)wire->next, size});
        wire->next += size;
        enum tt_status status = decode_model(bundle, i, &model, err);
        if (status != TT_OK) {
            return status;
        }
        if (tt_wire_left(&model) != 0) {
            return tt_fail(err, TT_E_CORRUPT, "damaged bundle: bytes left over after a model");
        }
    }
    return TT_OK;
}

static enum tt_status decode_body(struct tt_bundle *bundle, struct tt_wire *wire,
                                  struct tt_error *err)
{
    bundle->epoch = tt_wire_u32(wire);
    bundle->closed_ms = (int64_t)tt_wire_u64(wire);
    bundle->count = tt_wire_u64(wire);
    if (tt_wire_u8(wire) != bundle->setup->detector_count || wire->bad) {
        return tt_fail(err, TT_E_CORRUPT, "damaged bundle: wrong number of detectors");
    }
    enum tt_status status = decode_models(bundle, wire, err);
    if (status != TT_OK) {
        return status;
    }
    struct tt_histogram *histogram = tt_new_array(bundle->alloc, 1, sizeof *histogram);
    if (histogram == NULL) {
        return tt_fail(err, TT_E_NOMEM, "out of memory for a bundle");
    }
    uint32_t calibrations = bundle->setup->detector_count + TT_CALIBRATED_COUNT;
    for (uint32_t i = 0; i < calibrations && !wire->bad; i++) {
        tt_histogram_decode(wire, histogram);
        tt_bundle_calibrate(bundle, i, histogram);
    }
    tt_delete(bundle->alloc, histogram, sizeof *histogram);
    if (wire->bad || tt_wire_left(wire) != 0) {
        return tt_fail(err, TT_E_CORRUPT, "damaged bundle: calibrations do not fit");
    }
    return TT_OK;
}

enum tt_status tt_bundle_decode(const struct tt_alloc *alloc, struct tt_str bytes,
                                struct tt_setup *setup, struct tt_bundle **ret_bundle,
                                struct tt_error *err)
{
    struct tt_wire wire;
    struct tt_hash128 hash;
    struct tt_bundle *bundle;
    enum tt_status status = check_frame(bytes, setup, &wire, &hash, err);
    if (status != TT_OK) {
        return status;
    }
    status = tt_bundle_new(alloc, setup, &bundle, err);
    if (status != TT_OK) {
        return status;
    }
    status = decode_body(bundle, &wire, err);
    if (status != TT_OK) {
        tt_bundle_unref(bundle);
        return status;
    }
    bundle->hash = hash;
    *ret_bundle = bundle;
    return TT_OK;
}
