/*
 * How a bundle is put together; for bundle.c and trainer.c.
 *
 * What:    an empty bundle to fill, and sealing it.
 * Owner:   as bundle.h; an unsealed bundle is freed by tt_bundle_unref like any other.
 * Threads: the maker's until sealed.
 * Fails:   TT_E_NOMEM.
 */
#ifndef TT_CORE_DETECT_BUNDLE_PARTS_H
#define TT_CORE_DETECT_BUNDLE_PARTS_H

#include "core/detect/detector.h"

/* No models; calibrations allocated but not filled. */
enum tt_status tt_bundle_new(const struct tt_alloc *alloc, struct tt_setup *setup,
                             struct tt_bundle **ret_bundle, struct tt_error *err) TT_MUST_USE;
/* Compiles the calibration of a slot, or of enum tt_calibrated for slots from detector_count on. */
void tt_bundle_calibrate(struct tt_bundle *bundle, uint32_t slot,
                         const struct tt_histogram *histogram);
/* Sets the hash from the encoded bytes; nothing may change afterwards. */
enum tt_status tt_bundle_seal(struct tt_bundle *bundle, struct tt_error *err) TT_MUST_USE;

#endif
