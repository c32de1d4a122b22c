/*
 * The learner's state as bytes: rows and labels as they stand, the regression in full, so that a
 * learner that was loaded goes on to the same bits.
 */
#include <string.h>

#include "core/detect/learned_internal.h"

/* Finite, or damage. */
static double get_number(struct tt_wire *wire)
{
    double value = tt_wire_double(wire);
    wire->bad |= !(value - value >= 0.0);
    return value;
}

static void put_regression(const struct tt_regression *from, struct tt_buf *buf)
{
    tt_wire_put_u64(buf, from->cut_count);
    tt_wire_put_u64(buf, from->frauds);
    tt_wire_put_double(buf, from->bias);
    tt_wire_put_double(buf, from->bias_curvature);
    for (uint32_t i = 0; i < from->input_count && from->cut_count > 0; i++) {
        for (uint32_t k = 0; k <= TT_LOGISTIC_EDGES; k++) {
            tt_wire_put_float(buf, from->cuts[i].edges[k]);
        }
        for (uint32_t k = 0; k < TT_LOGISTIC_BINS; k++) {
            tt_wire_put_double(buf, from->fine[i][k]);
            tt_wire_put_double(buf, from->fine_curvature[i][k]);
            tt_wire_put_double(buf, from->shares[i][k]);
        }
        for (uint32_t k = 0; k < TT_LEARNED_GROUPS; k++) {
            tt_wire_put_double(buf, from->coarse[i][k]);
            tt_wire_put_double(buf, from->coarse_curvature[i][k]);
        }
    }
}

static void get_regression(struct tt_regression *to, struct tt_wire *wire)
{
    to->cut_count = tt_wire_u64(wire);
    to->frauds = tt_wire_u64(wire);
    to->bias = get_number(wire);
    to->bias_curvature = get_number(wire);
    for (uint32_t i = 0; i < to->input_count && to->cut_count > 0 && !wire->bad; i++) {
        for (uint32_t k = 0; k <= TT_LOGISTIC_EDGES; k++) {
            float edge = tt_wire_float(wire);
            to->cuts[i].edges[k] = edge;
            wire->bad |= !(edge <= __builtin_inff()) || (k > 0 && edge < to->cuts[i].edges[k - 1]);
        }
        for (uint32_t k = 0; k < TT_LOGISTIC_BINS; k++) {
            to->fine[i][k] = get_number(wire);
            to->fine_curvature[i][k] = get_number(wire);
            to->shares[i][k] = get_number(wire);
        }
        for (uint32_t k = 0; k < TT_LEARNED_GROUPS; k++) {
            to->coarse[i][k] = get_number(wire);
            to->coarse_curvature[i][k] = get_number(wire);
        }
    }
}

static void put_rows(const struct tt_learner *learner, struct tt_buf *buf)
{
    tt_wire_put_u32(buf, learner->segment_count);
    for (uint32_t i = 0; i < learner->segment_count; i++) {
        const struct tt_segment *segment = tt_learner_segment(learner, i);
        tt_wire_put_u32(buf, segment->count);
        tt_wire_put_double(buf, segment->threshold);
        for (uint32_t k = 0; k < segment->count; k++) {
            uint32_t index = (segment->first + k) % learner->capacity;
            const struct tt_held_row *row = tt_learner_row(learner, index);
            tt_wire_put_u64(buf, row->key);
            tt_wire_put_u64(buf, (uint64_t)row->time_ms);
            tt_wire_put_float(buf, row->weight);
            tt_wire_put_float(buf, row->fused);
            tt_wire_put_float(buf, row->evidence);
            tt_wire_put_u8(buf, row->belief);
            (void)tt_buf_append(buf, tt_learner_inputs(learner, index),
                                learner->input_count * sizeof *learner->inputs);
        }
    }
}

/* Floats in the order they have in memory: every machine we run on is little-endian. */
static void get_inputs(struct tt_wire *wire, uint32_t count, float *ret)
{
    size_t size = count * sizeof *ret;
    if (wire->bad || tt_wire_left(wire) < size) {
        wire->bad = true;
        return;
    }
    memcpy(ret, wire->next, size);
    wire->next += size;
}

static void get_row(struct tt_learner *learner, uint32_t index, struct tt_wire *wire)
{
    struct tt_held_row *row = tt_learner_row(learner, index);
    row->key = tt_wire_u64(wire);
    row->time_ms = (int64_t)tt_wire_u64(wire);
    row->weight = tt_wire_float(wire);
    row->fused = tt_wire_float(wire);
    row->evidence = tt_wire_float(wire);
    row->belief = tt_wire_u8(wire);
    wire->bad |= row->belief > TT_BELIEF_FRAUD || !(row->weight >= 1.0F);
    get_inputs(wire, learner->input_count, tt_learner_inputs(learner, index));
}

static void get_rows(struct tt_learner *learner, struct tt_wire *wire)
{
    uint32_t segments = tt_wire_u32(wire);
    wire->bad |= segments == 0 || segments > TT_LEARNED_SEGMENTS_MAX;
    uint32_t next = 0;
    for (uint32_t i = 0; i < segments && !wire->bad; i++) {
        struct tt_segment *segment = &learner->segments[i];
        segment->first = next % learner->capacity;
        segment->count = tt_wire_u32(wire);
        segment->threshold = tt_wire_double(wire);
        wire->bad |= segment->count > learner->segment_rows ||
                     segment->count > learner->capacity - next || !(segment->threshold > 0.0);
        for (uint32_t k = 0; k < segment->count && !wire->bad; k++) {
            get_row(learner, next + k, wire);
        }
        next += wire->bad ? 0 : segment->count;
    }
    if (!wire->bad) {
        learner->segment_count = segments;
    }
}

static void put_labels(const struct tt_learner *learner, struct tt_buf *buf)
{
    tt_wire_put_u32(buf, learner->label_count);
    for (uint32_t i = 0; i < learner->label_count; i++) {
        const struct tt_waiting_label *label = tt_learner_label_at(learner, learner->label_heap[i]);
        tt_wire_put_u64(buf, (uint64_t)label->effective_ms);
        tt_wire_put_u64(buf, label->key);
        tt_wire_put_float(buf, label->weight);
        tt_wire_put_u8(buf, label->kind);
        tt_wire_put_u8(buf, label->carried ? 1 : 0);
        if (label->carried) {
            (void)tt_buf_append(buf, label->inputs,
                                learner->setup->learned.input_count * sizeof *label->inputs);
        }
    }
}

static void get_labels(struct tt_learner *learner, struct tt_wire *wire)
{
    uint32_t count = tt_wire_u32(wire);
    wire->bad |= count >= learner->label_capacity;
    for (uint32_t i = 0; i < count && !wire->bad; i++) {
        struct tt_waiting_label *label = tt_learner_label_at(learner, i);
        label->effective_ms = (int64_t)tt_wire_u64(wire);
        label->key = tt_wire_u64(wire);
        label->weight = tt_wire_float(wire);
        label->kind = tt_wire_u8(wire);
        label->carried = tt_wire_u8(wire) != 0;
        wire->bad |= label->kind < TT_LABEL_FRAUD || label->kind > TT_LABEL_WITHDRAWN ||
                     !(label->weight >= 1.0F);
        if (label->carried) {
            get_inputs(wire, learner->setup->learned.input_count, label->inputs);
        }
    }
    learner->label_count = wire->bad ? 0 : count;
    tt_learner_order_labels(learner);
}

void tt_learned_save(const struct tt_learner *learner, struct tt_buf *buf)
{
    tt_wire_put_u64(buf, learner->key.k0);
    tt_wire_put_u64(buf, learner->key.k1);
    tt_wire_put_u64(buf, learner->count);
    tt_wire_put_u64(buf, (uint64_t)learner->opened_ms);
    tt_wire_put_u64(buf, learner->labels_unheld);
    tt_wire_put_u64(buf, learner->labels_left);
    put_regression(learner->regression, buf);
    put_labels(learner, buf);
    put_rows(learner, buf);
}

void tt_learned_load(struct tt_learner *learner, struct tt_wire *wire)
{
    learner->key.k0 = tt_wire_u64(wire);
    learner->key.k1 = tt_wire_u64(wire);
    learner->count = tt_wire_u64(wire);
    learner->opened_ms = (int64_t)tt_wire_u64(wire);
    learner->labels_unheld = tt_wire_u64(wire);
    learner->labels_left = tt_wire_u64(wire);
    get_regression(learner->regression, wire);
    get_labels(learner, wire);
    get_rows(learner, wire);
}
