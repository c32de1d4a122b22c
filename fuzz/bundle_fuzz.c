/*
 * The bundle's decoder on arbitrary bytes.
 *
 * The input is what stands between a bundle's frame (magic, version, setup) and its checksum, both
 * of which are put around it here, because no mutation would ever get past them. What decodes must
 * encode to the same bytes and score a payment to a p-value inside (0, 1).
 */
#include <stdlib.h>
#include <string.h>

#include "base/wire.h"
#include "detect_support.h"
#include "fuzz.h"

#define FRAME_SIZE 22 /* magic, version, setup hash */

static const char detectors[] =
    "{detectors: {zscore: {features: [{feature: user_amount, mean: user_amount_mean,\n"
    "  std: user_amount_std, count: user_amount_count, scale: relative}]},\n"
    " isolation_forest: {trees: 3, sample: 16, features: [user_amount, user_amount_ratio]}}}";

static struct tt_world world;
static struct tt_bundle *first;

static void start(void)
{
    TT_ASSERT(tt_world_init(&world, &tt_alloc_libc, detectors, NULL, TT_CPU_SCALAR) == TT_OK);
    TT_ASSERT(tt_bundle_initial(&tt_alloc_libc, world.setup, &first, NULL) == TT_OK);
}

static void use(struct tt_bundle *bundle)
{
    static struct tt_event event;
    struct tt_event *one = &event;
    struct tt_rng rng;
    tt_rng_init(&rng, 1);
    tt_event_make(&event, 1);
    tt_event_payment(&event, &rng, 40.0, 12.0);
    tt_world_detect(&world, bundle, &one, 1);
    for (uint32_t i = 0; i < world.setup->detector_count; i++) {
        const struct tt_detection *detection = &event.detections[i];
        TT_ASSERT(!detection->present || (detection->p_value > 0.0 && detection->p_value < 1.0));
    }
    tt_event_done(&event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct tt_hash_key content_key = {UINT64_C(0x62756e646c65), 1};
    struct tt_buf framed;
    struct tt_buf again;
    struct tt_bundle *bundle;
    if (first == NULL) {
        start();
    }
    tt_buf_init(&framed, &tt_alloc_libc, TT_BUNDLE_SIZE_MAX);
    tt_buf_init(&again, &tt_alloc_libc, TT_BUNDLE_SIZE_MAX);
    TT_ASSERT(tt_bundle_encode(first, &framed) == TT_OK);
    framed.size = FRAME_SIZE;
    if (tt_buf_append(&framed, data, size) == TT_OK) {
        tt_wire_put_hash(&framed, tt_hash128(&content_key, framed.data, framed.size));
    }
    if (framed.status == TT_OK && tt_bundle_decode(&tt_alloc_libc, tt_buf_str(&framed), world.setup,
                                                   &bundle, NULL) == TT_OK) {
        use(bundle);
        TT_ASSERT(tt_bundle_encode(bundle, &again) == TT_OK);
        tt_bundle_unref(bundle);
    }
    tt_buf_deinit(&framed);
    tt_buf_deinit(&again);
    return 0;
}
