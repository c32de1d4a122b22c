/*
 * Detections and decisions as the bytes a stored row keeps.
 *
 * What:    packs what the detectors and the decision said, compactly, and reads it back to the
 *          same bits.
 * Why:     a row is written for every transaction: an ordinary one costs under 64 bytes each; an
 *          anomalous one carries its reasons, so that the very same answer can be shown again.
 * Owner:   unpacked messages are copied into the event's text.
 * Threads: pure functions.
 * Fails:   pack as tt_buf_append; unpack TT_E_CORRUPT (event's part is then undefined), TT_E_NOMEM,
 *          TT_E_UNSUPPORTED a newer version.
 */
#ifndef TT_CORE_DETECT_CODEC_H
#define TT_CORE_DETECT_CODEC_H

#include "core/event/event.h"

/* detections[0 … detector_count), rule_hits and shadow_hits. */
enum tt_status tt_detections_pack(const struct tt_event *event, uint32_t detector_count,
                                  struct tt_buf *buf) TT_MUST_USE;
enum tt_status tt_detections_unpack(struct tt_str bytes, uint32_t detector_count,
                                    struct tt_event *event) TT_MUST_USE;
/* event->decision with its reasons. */
enum tt_status tt_decision_pack(const struct tt_event *event, struct tt_buf *buf) TT_MUST_USE;
enum tt_status tt_decision_unpack(struct tt_str bytes, struct tt_event *event) TT_MUST_USE;

#endif
