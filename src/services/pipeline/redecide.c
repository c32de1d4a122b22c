/* See redecide.h. Bits are compared as they are packed, so nothing that a row keeps is left out. */
#include "services/pipeline/redecide.h"

#include <string.h>

#include "core/decide/decide.h"
#include "core/detect/codec.h"
#include "core/detect/detect.h"
#include "services/pipeline/rule_book.h"

#define PACKED_SIZE_MAX (1u << 20)

static bool same_hash(struct tt_hash128 a, struct tt_hash128 b)
{
    return a.high == b.high && a.low == b.low;
}

/* The version is not there, or it does not compile with the features of today. What the store or
 * memory failed at says nothing of the setup. */
static bool no_longer_fits(enum tt_status status)
{
    return status == TT_E_NOT_FOUND || status == TT_E_SYNTAX || status == TT_E_INVALID ||
           status == TT_E_UNKNOWN || status == TT_E_TYPE;
}

/* With the rules of today, or with the version of them that it was made for. */
static enum tt_status decode(const struct tt_redecide *self, const struct tt_engine *engine,
                             struct tt_store *store, struct tt_str bytes, struct tt_bundle **ret,
                             struct tt_error *err)
{
    enum tt_status status = tt_bundle_decode(self->alloc, bytes, engine->setup, ret, err);
    struct tt_setup *setup = NULL;
    if (status != TT_E_CONFLICT || engine->rules == NULL) { /* rules are not wanted */
        return status;
    }
    status = tt_rules_setup_of(engine, store, self->setup, &setup, err);
    if (status == TT_OK) {
        status = tt_bundle_decode(self->alloc, bytes, setup, ret, err);
    } else if (no_longer_fits(status)) {
        status = TT_E_CONFLICT;
    }
    tt_setup_unref(setup);
    return status;
}

/* What nothing was learned for is made, not stored: by the rules of the row's position. */
static enum tt_status find_initial(struct tt_redecide *self, const struct tt_engine *engine,
                                   struct tt_store *store, struct tt_bundle **ret,
                                   struct tt_error *err)
{
    struct tt_setup *setup = NULL;
    struct tt_bundle *initial = NULL;
    uint64_t version = 0;
    enum tt_status status = TT_OK;
    if (engine->rules == NULL) {
        setup = tt_setup_ref(engine->setup);
    } else {
        status = tt_rules_setup_at(engine, store, self->stored.event.seq, &setup, &version, err);
    }
    if (status != TT_OK) {
        return status == TT_E_CONFLICT ? TT_OK : status;
    }
    status = tt_bundle_initial(self->alloc, setup, &initial, err);
    if (status == TT_OK && same_hash(initial->hash, self->bundle)) {
        self->setup = setup->hash;
        *ret = initial;
    } else {
        tt_bundle_unref(initial);
    }
    tt_setup_unref(setup);
    return status;
}

/* The bundle of the row; *ret stays NULL when it is not there or of another setup. */
static enum tt_status find_bundle(struct tt_redecide *self, const struct tt_engine *engine,
                                  struct tt_store *store, struct tt_bundle **ret,
                                  struct tt_error *err)
{
    enum tt_status status = find_initial(self, engine, store, ret, err);
    if (status != TT_OK || *ret != NULL) {
        return status;
    }
    struct tt_buf bytes;
    tt_buf_init(&bytes, self->alloc, TT_BUNDLE_SIZE_MAX);
    status = store->ops->get_bundle(store, self->bundle, &bytes, err);
    if (status == TT_OK) {
        (void)tt_bundle_setup(tt_buf_str(&bytes), &self->setup);
        status = decode(self, engine, store, tt_buf_str(&bytes), ret, err);
        self->setup_differs = status == TT_E_CONFLICT;
    }
    self->bundle_missing = status == TT_E_NOT_FOUND;
    tt_buf_deinit(&bytes);
    return self->setup_differs || self->bundle_missing ? TT_OK : status;
}

static enum tt_status pack(const struct tt_event *event, uint32_t detectors,
                           struct tt_buf *detections, struct tt_buf *decision)
{
    enum tt_status status = tt_detections_pack(event, detectors, detections);
    return status == TT_OK ? tt_decision_pack(event, decision) : status;
}

static enum tt_status detect(const struct tt_redecide *self, const struct tt_bundle *bundle,
                             struct tt_event *event, struct tt_error *err)
{
    struct tt_detect_scratch *scratch = NULL;
    enum tt_status status = tt_detect_scratch_new(self->alloc, bundle->setup, &scratch, err);
    if (status != TT_OK) {
        return status;
    }
    for (uint32_t i = 0; i < bundle->setup->detector_count; i++) {
        tt_detect_run(bundle->setup, bundle, i, &event, 1, scratch);
    }
    tt_detect_scratch_free(scratch);
    return TT_OK;
}

/* From the vector to the outcome, with what was recorded of counters. */
static enum tt_status decide(const struct tt_redecide *self, const struct tt_bundle *bundle,
                             struct tt_event *event, struct tt_error *err)
{
    const struct tt_decision *stored = &self->stored.event.decision;
    event->step_degraded = (uint8_t)(stored->degraded >> TT_DETECTORS_MAX);
    enum tt_status status = detect(self, bundle, event, err);
    if (status == TT_OK) {
        status = tt_decide(bundle->setup, bundle, event);
    }
    if (status == TT_OK) {
        struct tt_outcomes outcomes = {true, stored->alert, stored->selection_probability};
        status = tt_decide_alert(bundle->setup, bundle, &outcomes, event);
    }
    return status;
}

static bool same_bytes(const struct tt_buf *a, const struct tt_buf *b)
{
    return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

static enum tt_status compare(struct tt_redecide *self, uint32_t detectors)
{
    struct tt_buf bufs[4];
    for (size_t i = 0; i < TT_ARRAY_SIZE(bufs); i++) {
        tt_buf_init(&bufs[i], self->alloc, PACKED_SIZE_MAX);
    }
    enum tt_status status = pack(&self->stored.event, detectors, &bufs[0], &bufs[1]);
    if (status == TT_OK) {
        status = pack(&self->again.event, detectors, &bufs[2], &bufs[3]);
    }
    if (status == TT_OK) {
        self->same_detections = same_bytes(&bufs[0], &bufs[2]);
        self->same_decision = same_bytes(&bufs[1], &bufs[3]);
    }
    for (size_t i = 0; i < TT_ARRAY_SIZE(bufs); i++) {
        tt_buf_deinit(&bufs[i]);
    }
    return status;
}

static enum tt_status run(struct tt_redecide *self, const struct tt_engine *engine,
                          const struct tt_record_schema *schema, struct tt_store *store,
                          const struct tt_row_transaction *row, struct tt_error *err)
{
    struct tt_bundle *bundle = NULL;
    struct tt_event *stored = tt_loose_event_reset(&self->stored);
    struct tt_event *again = tt_loose_event_reset(&self->again);
    enum tt_status status = tt_row_to_event(row, engine, schema, stored, err);
    if (status == TT_OK) {
        status = tt_row_to_event(row, engine, schema, again, err);
    }
    if (status != TT_OK) {
        return status;
    }
    self->bundle = row->bundle;
    self->plan = stored->vector.plan;
    status = find_bundle(self, engine, store, &bundle, err);
    if (status == TT_OK && bundle != NULL) {
        status = decide(self, bundle, again, err);
        if (status == TT_OK) {
            status = compare(self, engine->setup->detector_count);
        }
        if (status != TT_OK) {
            status = tt_fail(err, status, "the decision cannot be made again: %s",
                             tt_status_name(status));
        }
    }
    tt_bundle_unref(bundle);
    return status;
}

enum tt_status tt_redecide(const struct tt_alloc *alloc, const struct tt_engine *engine,
                           const struct tt_record_schema *schema, struct tt_store *store,
                           const struct tt_row_transaction *row, struct tt_redecide *ret,
                           struct tt_error *err)
{
    memset(ret, 0, sizeof *ret);
    ret->alloc = alloc;
    tt_loose_event_init(&ret->stored, alloc);
    tt_loose_event_init(&ret->again, alloc);
    return run(ret, engine, schema, store, row, err);
}

void tt_redecide_deinit(struct tt_redecide *redecide)
{
    tt_loose_event_deinit(&redecide->stored);
    tt_loose_event_deinit(&redecide->again);
}

static void write_hash(struct tt_json_writer *json, const char *key, struct tt_hash128 hash)
{
    char text[33];
    tt_hash128_hex(hash, text);
    tt_json_member_text(json, key, hash.high == 0 && hash.low == 0 ? NULL : text);
}

void tt_redecide_write(const struct tt_redecide *redecide, const struct tt_engine *engine,
                       struct tt_json_writer *json)
{
    bool missing = redecide->bundle_missing || redecide->setup_differs;
    bool same = !missing && redecide->same_detections && redecide->same_decision;
    const struct tt_event *stored = &redecide->stored.event;
    tt_json_object_begin(json);
    tt_json_member_string(json, "transaction_id", stored->txn.text[TT_TEXT_TRANSACTION_ID]);
    tt_json_member_bool(json, "same", same);
    tt_json_member_text(json, "missing",
                        redecide->bundle_missing  ? "bundle"
                        : redecide->setup_differs ? "setup"
                                                  : NULL);
    tt_json_member_bool(json, "detections_same", !missing && redecide->same_detections);
    tt_json_member_bool(json, "decision_same", !missing && redecide->same_decision);
    tt_json_key(json, "versions");
    tt_json_object_begin(json);
    write_hash(json, "bundle", redecide->bundle);
    write_hash(json, "setup", redecide->setup);
    write_hash(json, "features", redecide->plan);
    tt_json_object_end(json);
    tt_json_key(json, "stored");
    tt_record_write_decision(json, stored, &engine->record_names);
    tt_json_key(json, "again");
    if (missing) {
        tt_json_null(json);
    } else {
        tt_record_write_decision(json, &redecide->again.event, &engine->record_names);
    }
    tt_json_object_end(json);
}
