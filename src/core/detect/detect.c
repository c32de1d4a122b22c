/* Detection by batch; see detect.h. */
#include "core/detect/detect.h"

#include "core/detect/detector.h"
#include "core/event/names.h"
#include "core/rules/rules.h"

enum tt_status tt_detect_scratch_new(const struct tt_alloc *alloc, const struct tt_setup *setup,
                                     struct tt_detect_scratch **ret_scratch, struct tt_error *err)
{
    struct tt_detect_scratch *scratch = tt_new_array(alloc, 1, sizeof *scratch);
    if (scratch == NULL) {
        return tt_fail(err, TT_E_NOMEM, "out of memory for detection");
    }
    scratch->alloc = alloc;
    if (setup->names != NULL) { /* rules may come later */
        scratch->slot_count = tt_names_slot_count(setup->names);
        scratch->slots = tt_new_array(alloc, scratch->slot_count, sizeof *scratch->slots);
        scratch->expr = tt_new(alloc, sizeof *scratch->expr);
        if (scratch->slots == NULL || scratch->expr == NULL) {
            tt_detect_scratch_free(scratch);
            return tt_fail(err, TT_E_NOMEM, "out of memory for the rules");
        }
    }
    *ret_scratch = scratch;
    return TT_OK;
}

void tt_detect_scratch_free(struct tt_detect_scratch *scratch)
{
    if (scratch == NULL) {
        return;
    }
    const struct tt_alloc *alloc = scratch->alloc;
    tt_delete(alloc, scratch->slots, scratch->slot_count * sizeof *scratch->slots);
    tt_delete(alloc, scratch->expr, sizeof *scratch->expr);
    tt_delete(alloc, scratch, sizeof *scratch);
}

/* At most TT_DETECT_BATCH_MAX events. */
static void run_batch(const struct tt_setup *setup, const struct tt_bundle *bundle, uint32_t slot,
                      struct tt_event *const *events, size_t n, struct tt_detect_scratch *scratch)
{
    const struct tt_detector *detector = &setup->detectors[slot];
    for (size_t i = 0; i < n; i++) {
        events[i]->detections[slot] = (struct tt_detection){.p_value = 1.0, .feature = UINT16_MAX};
    }
    if (!detector->enabled || bundle->models[slot] == NULL) {
        return;
    }
    struct tt_scoring scoring = {setup, detector, bundle->models[slot], slot, scratch};
    detector->ops->score(&scoring, events, n);
    const struct tt_calibration *calibration = bundle->calibrations[slot];
    for (size_t i = 0; i < n; i++) {
        struct tt_detection *detection = &events[i]->detections[slot];
        if (detection->present) {
            detection->p_value = tt_calibration_p(calibration, detection->score);
            detection->fired = detection->p_value <= detector->threshold;
        }
    }
}

void tt_detect_run(const struct tt_setup *setup, const struct tt_bundle *bundle, uint32_t detector,
                   struct tt_event *const *events, size_t n, struct tt_detect_scratch *scratch)
{
    TT_ASSERT(detector < setup->detector_count);
    TT_ASSERT(bundle->setup == setup);
    if (detector == setup->rules_slot) {
        tt_detect_rules(setup, bundle, events, n, scratch);
        return;
    }
    for (size_t first = 0; first < n; first += TT_DETECT_BATCH_MAX) {
        size_t size = n - first < TT_DETECT_BATCH_MAX ? n - first : TT_DETECT_BATCH_MAX;
        run_batch(setup, bundle, detector, events + first, size, scratch);
    }
}

void tt_detect_rules(const struct tt_setup *setup, const struct tt_bundle *bundle,
                     struct tt_event *const *events, size_t n, struct tt_detect_scratch *scratch)
{
    uint32_t slot = setup->rules_slot;
    uint32_t read_count = 0;
    const uint32_t *read = setup->rules == NULL ? NULL : tt_rules_slots(setup->rules, &read_count);
    bool on = setup->rules != NULL && setup->detectors[slot].enabled;
    for (size_t i = 0; i < n; i++) {
        struct tt_event *event = events[i];
        if (!on) {
            event->rule_hits = (struct tt_rule_hits){0};
            event->shadow_hits = (struct tt_shadow_hits){{0}};
            event->detections[slot] = (struct tt_detection){.p_value = 1.0, .feature = UINT16_MAX};
            continue;
        }
        tt_names_fill_some(setup->names, &event->txn, &event->vector, read, read_count,
                           scratch->slots);
        tt_rules_eval(setup->rules, scratch->slots, event->txn.timestamp_ms, scratch->expr,
                      &event->rule_hits, &event->shadow_hits);
        tt_rules_judge(setup, bundle->models[slot], event);
    }
}
