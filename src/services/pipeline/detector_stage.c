/* See detector_stage.h. */
#include "services/pipeline/detector_stage.h"

#include "services/pipeline/topics.h"

struct detector_stage {
    struct tt_stage stage;
    const struct tt_context *context;
    struct tt_bundle_view view;
    struct tt_detect_scratch *scratch;
    uint32_t slots[TT_DETECTORS_MAX];
    uint32_t slot_count;
};

/* Runs of fresh transactions of one epoch are judged together. */
static void detect(struct detector_stage *self, struct tt_event *const *events, size_t count)
{
    struct tt_event *run[TT_BATCH_MAX];
    size_t at = 0;
    while (at < count) {
        size_t length = 0;
        uint32_t epoch = 0;
        for (; at < count; at++) {
            struct tt_event *event = events[at];
            if (event->kind != TT_EVENT_TRANSACTION || event->gate != TT_GATE_FRESH) {
                continue;
            }
            if (length > 0 && event->epoch != epoch) {
                break;
            }
            epoch = event->epoch;
            run[length++] = event;
        }
        if (length == 0) {
            return;
        }
        const struct tt_bundle *bundle = tt_bundle_view_get(&self->view, epoch);
        for (uint32_t i = 0; i < self->slot_count; i++) {
            tt_detect_run(bundle->setup, bundle, self->slots[i], run, length, self->scratch);
        }
    }
}

enum tt_status tt_detector_stage_on_batch(struct tt_stage *stage, struct tt_event *const *events,
                                          size_t count, struct tt_error *err)
{
    struct detector_stage *self = (struct detector_stage *)stage;
    detect(self, events, count);
    return tt_stage_emit(stage, 0, events, count, err);
}

void tt_detector_stage_free(struct tt_stage *stage)
{
    struct detector_stage *self = (struct detector_stage *)stage;
    tt_detect_scratch_free(self->scratch);
    tt_bundle_view_deinit(&self->view);
    tt_delete(self->context->alloc, self, sizeof *self);
}

enum tt_status tt_detector_stage_new(const struct tt_context *context,
                                     const struct tt_stage_ops *ops, const char *const *names,
                                     struct tt_stage **ret, struct tt_error *err)
{
    struct detector_stage *self = tt_new_array(context->alloc, 1, sizeof *self);
    if (self == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for %s", ops->name);
    }
    self->stage.ops = ops;
    self->stage.inputs[0] = TT_TOPIC_FEATURES;
    self->stage.outputs[0] = TT_TOPIC_DETECTIONS;
    self->context = context;
    tt_bundle_view_init(&self->view, context->bundles);
    for (size_t i = 0; names[i] != NULL; i++) {
        uint32_t slot = tt_setup_detector_find(context->engine->setup, tt_str_from(names[i]));
        TT_ASSERT(slot != UINT32_MAX);
        self->slots[self->slot_count++] = slot;
    }
    enum tt_status status =
        tt_detect_scratch_new(context->alloc, context->engine->setup, &self->scratch, err);
    if (status != TT_OK) {
        tt_delete(context->alloc, self, sizeof *self);
        return status;
    }
    *ret = &self->stage;
    return TT_OK;
}
