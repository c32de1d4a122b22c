/*
 * Packed detections and decisions; see codec.h.
 *
 * A first byte holds the version and what follows at all. Doubles are kept whole, because a
 * decision is promised back bit for bit; what is not there (a feature, hits, reasons) costs a bit.
 */
#include "core/detect/codec.h"

#include <string.h>

#include "base/wire.h"

#define VERSION 1
#define DECISION_VERSION 3 /* 1 had no outcome of the alert, 2 no baseline of a reason */
#define VERSION_MASK 0x0f
#define HAS_HITS 0x80  /* detections: rule hits or shadow hits follow */
#define HAS_SCORE 0x80 /* decision: the score is not 1 - p */

#define PRESENT 0x01
#define FIRED 0x02
#define SMALL_SCORE 0x04 /* a whole number under 16, in the upper half of the byte */
#define HAS_FEATURE 0x08

static bool same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static void put_detection(const struct tt_detection *detection, struct tt_buf *buf)
{
    if (!detection->present) {
        tt_wire_put_u8(buf, detection->fired ? FIRED : 0);
        return;
    }
    uint8_t flags = PRESENT;
    flags |= detection->fired ? FIRED : 0;
    flags |= detection->feature != UINT16_MAX ? HAS_FEATURE : 0;
    for (uint8_t small = 0; small < 16; small++) {
        if (same_bits(detection->score, (double)small)) {
            flags |= (uint8_t)(SMALL_SCORE | (small << 4));
        }
    }
    tt_wire_put_u8(buf, flags);
    if ((flags & SMALL_SCORE) == 0) {
        tt_wire_put_double(buf, detection->score);
    }
    tt_wire_put_double(buf, detection->p_value);
    if ((flags & HAS_FEATURE) != 0) {
        tt_wire_put_varint(buf, detection->feature);
    }
}

static void get_detection(struct tt_wire *wire, struct tt_detection *ret)
{
    uint8_t flags = tt_wire_u8(wire);
    *ret = (struct tt_detection){
        .p_value = 1.0,
        .feature = UINT16_MAX,
        .present = (flags & PRESENT) != 0,
        .fired = (flags & FIRED) != 0,
    };
    if (!ret->present) {
        wire->bad |= (flags & ~(PRESENT | FIRED)) != 0;
        return;
    }
    ret->score = (flags & SMALL_SCORE) != 0 ? (double)(flags >> 4) : tt_wire_double(wire);
    ret->p_value = tt_wire_double(wire);
    if ((flags & HAS_FEATURE) != 0) {
        uint64_t feature = tt_wire_varint(wire);
        wire->bad |= feature >= TT_FEATURES_MAX;
        ret->feature = (uint16_t)feature;
    }
}

static bool any_hits(const struct tt_rule_hits *hits)
{
    return hits->count != 0 || hits->overflow != 0 || hits->errors != 0;
}

static void put_hits(const struct tt_rule_hits *hits, struct tt_buf *buf)
{
    tt_wire_put_varint(buf, hits->count);
    tt_wire_put_varint(buf, hits->overflow);
    tt_wire_put_varint(buf, hits->errors);
    for (uint32_t i = 0; i < hits->count && i < TT_RULE_HITS_MAX; i++) {
        tt_wire_put_varint(buf, hits->rules[i]);
    }
}

static void get_hits(struct tt_wire *wire, struct tt_rule_hits *ret)
{
    uint64_t count = tt_wire_varint(wire);
    uint64_t overflow = tt_wire_varint(wire);
    uint64_t errors = tt_wire_varint(wire);
    if (count > TT_RULE_HITS_MAX || overflow > UINT16_MAX || errors > UINT16_MAX) {
        wire->bad = true;
        return;
    }
    ret->count = (uint16_t)count;
    ret->overflow = (uint16_t)overflow;
    ret->errors = (uint16_t)errors;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t rule = tt_wire_varint(wire);
        wire->bad |= rule > UINT16_MAX;
        ret->rules[i] = (uint16_t)rule;
    }
}

enum tt_status tt_detections_pack(const struct tt_event *event, uint32_t detector_count,
                                  struct tt_buf *buf)
{
    TT_ASSERT(detector_count <= TT_DETECTORS_MAX);
    bool hits = any_hits(&event->rule_hits) || any_hits(&event->shadow_hits.hits);
    tt_wire_put_u8(buf, (uint8_t)(VERSION | (hits ? HAS_HITS : 0)));
    for (uint32_t i = 0; i < detector_count; i++) {
        put_detection(&event->detections[i], buf);
    }
    if (hits) {
        put_hits(&event->rule_hits, buf);
        put_hits(&event->shadow_hits.hits, buf);
    }
    return buf->status;
}

/* Versions from the first to `newest` are read. */
static enum tt_status check_version(uint8_t head, uint8_t newest)
{
    uint8_t version = head & VERSION_MASK;
    return version > newest ? TT_E_UNSUPPORTED : version == 0 ? TT_E_CORRUPT : TT_OK;
}

enum tt_status tt_detections_unpack(struct tt_str bytes, uint32_t detector_count,
                                    struct tt_event *event)
{
    TT_ASSERT(detector_count <= TT_DETECTORS_MAX);
    struct tt_wire wire = tt_wire_reader(bytes);
    uint8_t head = tt_wire_u8(&wire);
    enum tt_status status = check_version(head, VERSION);
    if (status != TT_OK) {
        return status;
    }
    for (uint32_t i = 0; i < detector_count; i++) {
        get_detection(&wire, &event->detections[i]);
    }
    event->rule_hits = (struct tt_rule_hits){0};
    event->shadow_hits = (struct tt_shadow_hits){{0}};
    if ((head & HAS_HITS) != 0) {
        get_hits(&wire, &event->rule_hits);
        get_hits(&wire, &event->shadow_hits.hits);
    }
    return wire.bad || tt_wire_left(&wire) != 0 ? TT_E_CORRUPT : TT_OK;
}

/* A number that may be NaN ("not stated"): its bits only when it is one. */
static void put_number(double value, uint8_t bit, uint8_t flags, struct tt_buf *buf)
{
    if ((flags & bit) != 0) {
        tt_wire_put_double(buf, value);
    }
}

static uint8_t stated(double value, uint8_t bit)
{
    return value >= 0.0 || value < 0.0 ? bit : 0;
}

static void put_reason(const struct tt_reason *reason, struct tt_buf *buf)
{
    uint8_t flags =
        (uint8_t)(stated(reason->observed, 1) | stated(reason->expected, 2) |
                  stated(reason->threshold, 4) | (reason->message.data != NULL ? 8 : 0));
    tt_wire_put_u8(buf, flags);
    tt_wire_put_u8(buf, reason->detector);
    tt_wire_put_u16(buf, reason->feature);
    put_number(reason->observed, 1, flags, buf);
    put_number(reason->expected, 2, flags, buf);
    put_number(reason->threshold, 4, flags, buf);
    tt_wire_put_double(buf, reason->contribution);
    tt_wire_put_u8(buf, reason->baseline);
    tt_wire_put_double(buf, reason->history);
    if (reason->message.data != NULL) {
        tt_wire_put_bytes(buf, reason->message);
    }
}

static double get_number(struct tt_wire *wire, uint8_t bit, uint8_t flags)
{
    return (flags & bit) != 0 ? tt_wire_double(wire) : __builtin_nan("");
}

static enum tt_status get_reason(struct tt_wire *wire, uint8_t version, struct tt_arena *text,
                                 struct tt_reason *ret)
{
    uint8_t flags = tt_wire_u8(wire);
    wire->bad |= flags > 15;
    ret->detector = tt_wire_u8(wire);
    ret->feature = tt_wire_u16(wire);
    ret->observed = get_number(wire, 1, flags);
    ret->expected = get_number(wire, 2, flags);
    ret->threshold = get_number(wire, 4, flags);
    ret->contribution = tt_wire_double(wire);
    ret->baseline = version > 2 ? tt_wire_u8(wire) : TT_BASELINE_NONE;
    ret->history = version > 2 ? tt_wire_double(wire) : __builtin_nan("");
    wire->bad |= ret->baseline > TT_BASELINE_PEERS;
    ret->message = (struct tt_str){NULL, 0};
    if ((flags & 8) == 0) {
        return TT_OK;
    }
    struct tt_str message = tt_wire_bytes(wire);
    if (wire->bad) {
        return TT_E_CORRUPT;
    }
    char *copy = tt_arena_copy(text, message.data, message.size);
    if (copy == NULL) {
        return TT_E_NOMEM;
    }
    ret->message = (struct tt_str){copy, message.size};
    return TT_OK;
}

enum tt_status tt_decision_pack(const struct tt_event *event, struct tt_buf *buf)
{
    const struct tt_decision *decision = &event->decision;
    bool has_score = !same_bits(decision->score, 1.0 - decision->p_value);
    tt_wire_put_u8(buf, (uint8_t)(DECISION_VERSION | (has_score ? HAS_SCORE : 0)));
    tt_wire_put_double(buf, decision->p_value);
    if (has_score) {
        tt_wire_put_double(buf, decision->score);
    }
    tt_wire_put_u8(buf, (uint8_t)(decision->severity | decision->verdict << 4));
    tt_wire_put_u8(buf, (uint8_t)((decision->anomalous ? 1 : 0) | (decision->alerted ? 2 : 0)));
    tt_wire_put_u8(buf, decision->alert);
    if (decision->alert == TT_ALERT_SAMPLED) {
        tt_wire_put_double(buf, decision->selection_probability);
    }
    tt_wire_put_varint(buf, decision->degraded);
    tt_wire_put_varint(buf, decision->reason_count);
    for (uint32_t i = 0; i < decision->reason_count && i < TT_REASONS_MAX; i++) {
        put_reason(&decision->reasons[i], buf);
    }
    return buf->status;
}

enum tt_status tt_decision_unpack(struct tt_str bytes, struct tt_event *event)
{
    struct tt_decision *decision = &event->decision;
    struct tt_wire wire = tt_wire_reader(bytes);
    uint8_t head = tt_wire_u8(&wire);
    enum tt_status status = check_version(head, DECISION_VERSION);
    if (status != TT_OK) {
        return status;
    }
    decision->p_value = tt_wire_double(&wire);
    decision->score = (head & HAS_SCORE) != 0 ? tt_wire_double(&wire) : 1.0 - decision->p_value;
    uint8_t levels = tt_wire_u8(&wire);
    uint8_t flags = tt_wire_u8(&wire);
    decision->severity = levels & 0x0f;
    decision->verdict = levels >> 4;
    decision->anomalous = (flags & 1) != 0;
    decision->alerted = (flags & 2) != 0;
    decision->alert = decision->alerted ? TT_ALERT_OPENED : TT_ALERT_NONE;
    if ((head & VERSION_MASK) > 1) {
        decision->alert = tt_wire_u8(&wire);
    }
    decision->selection_probability =
        decision->alert == TT_ALERT_SAMPLED ? tt_wire_double(&wire) : 0.0;
    wire.bad |= !(decision->selection_probability >= 0.0 && decision->selection_probability <= 1.0);
    uint64_t degraded = tt_wire_varint(&wire);
    uint64_t count = tt_wire_varint(&wire);
    if (wire.bad || degraded > UINT32_MAX || count > TT_REASONS_MAX || flags > 3 ||
        decision->alert > TT_ALERT_LAST || decision->severity > TT_SEVERITY_CRITICAL ||
        decision->verdict > TT_BLOCK) {
        return TT_E_CORRUPT;
    }
    decision->degraded = (uint32_t)degraded;
    decision->reason_count = (uint32_t)count;
    for (uint32_t i = 0; i < count && status == TT_OK; i++) {
        status = get_reason(&wire, head & VERSION_MASK, &event->text, &decision->reasons[i]);
    }
    if (status == TT_OK && (wire.bad || tt_wire_left(&wire) != 0)) {
        status = TT_E_CORRUPT;
    }
    return status;
}
