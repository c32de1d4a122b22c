/* The part `learned` of detectors.yaml; see setup_read.h. */
#include <string.h>

#include "core/detect/detector.h"
#include "core/detect/setup_read.h"

#define DETECTOR_PREFIX "detector."

static enum tt_status fail_input(const struct tt_tree *item, struct tt_error *err)
{
    return tt_fail_at(err, TT_E_INVALID, item->line, item->column, 0,
                      "the input stands here twice");
}

/* "detector.iqr" is that detector's p-value; everything else is a feature. */
static enum tt_status read_input(const struct tt_setup *setup, const struct tt_tree *item,
                                 uint16_t *ret, struct tt_error *err)
{
    static const size_t prefix_size = sizeof DETECTOR_PREFIX - 1;
    struct tt_str name;
    enum tt_status status = tt_tree_text(item, &name, err);
    if (status != TT_OK) {
        return status;
    }
    if (name.size <= prefix_size || memcmp(name.data, DETECTOR_PREFIX, prefix_size) != 0) {
        return tt_setup_read_feature(setup, item, ret, err);
    }
    struct tt_str detector = {name.data + prefix_size, name.size - prefix_size};
    uint32_t slot = tt_setup_detector_find(setup, detector);
    if (slot == UINT32_MAX || slot == setup->rules_slot) {
        const char *names[TT_DETECTORS_MAX];
        uint32_t count = 0;
        for (uint32_t i = 0; i < setup->detector_count; i++) {
            if (i != setup->rules_slot) {
                names[count++] = tt_setup_detector_name(setup, i);
            }
        }
        const char *nearest = tt_str_nearest(detector, names, count);
        return tt_fail_at(err, TT_E_UNKNOWN, item->line, item->column, 0,
                          "no detector with a p-value is called %.*s%s%s", TT_STR_ARG(detector),
                          nearest != NULL ? "; the nearest is " : "",
                          nearest != NULL ? nearest : "");
    }
    *ret = (uint16_t)(TT_FEATURES_MAX + slot);
    return TT_OK;
}

/* Keeps the list ascending, so that the order in which it was written is nothing. */
static bool insert(struct tt_learned *learned, uint16_t input)
{
    uint32_t at = learned->input_count;
    while (at > 0 && learned->inputs[at - 1] > input) {
        at--;
    }
    if (at > 0 && learned->inputs[at - 1] == input) {
        return false;
    }
    memmove(learned->inputs + at + 1, learned->inputs + at,
            (learned->input_count - at) * sizeof *learned->inputs);
    learned->inputs[at] = input;
    learned->input_count++;
    return true;
}

static enum tt_status parse_inputs(const struct tt_setup *setup, struct tt_learned *learned,
                                   const struct tt_tree *list, struct tt_error *err)
{
    if (list == NULL) {
        for (uint32_t i = 0; i < setup->feature_count; i++) {
            learned->inputs[learned->input_count++] = (uint16_t)i;
        }
        for (uint32_t i = 0; i < setup->detector_count; i++) {
            if (setup->detectors[i].enabled && i != setup->rules_slot) {
                learned->inputs[learned->input_count++] = (uint16_t)(TT_FEATURES_MAX + i);
            }
        }
        return TT_OK;
    }
    if (list->kind != TT_TREE_SEQUENCE || list->child_count == 0) {
        return tt_fail_at(err, TT_E_TYPE, list->line, list->column, 0,
                          "inputs must be a list of features");
    }
    for (const struct tt_tree *item = list->children; item != NULL; item = item->next) {
        uint16_t input = 0;
        enum tt_status status = read_input(setup, item, &input, err);
        if (status != TT_OK) {
            return status;
        }
        if (!insert(learned, input)) {
            return fail_input(item, err);
        }
    }
    return TT_OK;
}

static enum tt_status parse_horizon(struct tt_learned *learned, const struct tt_tree *node,
                                    struct tt_error *err)
{
    if (node == NULL) {
        return TT_OK;
    }
    enum tt_status status = tt_tree_duration(node, &learned->horizon_ms, err);
    if (status == TT_OK &&
        (learned->horizon_ms < TT_MS_PER_MINUTE || learned->horizon_ms > 365 * TT_MS_PER_DAY)) {
        status = tt_fail_at(err, TT_E_INVALID, node->line, node->column, 0,
                            "label_horizon must lie between 1m and 365d");
    }
    return status;
}

enum tt_status tt_learned_parse(const struct tt_setup *setup, struct tt_learned *learned,
                                const struct tt_tree *tree, struct tt_error *err)
{
    static const char *const keys[] = {"enabled",           "inputs",    "frauds", "label_horizon",
                                       "unlabelled_weight", "memory_mib"};
    *learned = (struct tt_learned){
        .frauds_half = 100.0,
        .unlabelled_weight = 1.0,
        .horizon_ms = 7 * TT_MS_PER_DAY,
        .memory_mib = 64,
    };
    if (tree == NULL) {
        return TT_OK;
    }
    if (tree->kind != TT_TREE_MAPPING) {
        return tt_fail_at(err, TT_E_TYPE, tree->line, tree->column, 0,
                          "expected a mapping, found %s", tt_tree_kind_name(tree));
    }
    enum tt_status status = tt_tree_check_keys(tree, keys, TT_ARRAY_SIZE(keys), err);
    learned->enabled = true;
    if (status == TT_OK && tt_tree_get(tree, "enabled") != NULL) {
        status = tt_tree_bool(tt_tree_get(tree, "enabled"), &learned->enabled, err);
    }
    if (status == TT_OK) {
        status = parse_inputs(setup, learned, tt_tree_get(tree, "inputs"), err);
    }
    if (status == TT_OK) {
        status =
            tt_setup_read_number(tt_tree_get(tree, "frauds"), 1.0, 1e6, &learned->frauds_half, err);
    }
    if (status == TT_OK) {
        status = parse_horizon(learned, tt_tree_get(tree, "label_horizon"), err);
    }
    if (status == TT_OK) {
        status = tt_setup_read_number(tt_tree_get(tree, "unlabelled_weight"), 0.0, 1.0,
                                      &learned->unlabelled_weight, err);
    }
    if (status == TT_OK) {
        status = tt_setup_read_count(tt_tree_get(tree, "memory_mib"), 1, 1024, &learned->memory_mib,
                                     err);
    }
    return status;
}

void tt_learned_put(const struct tt_learned *learned, struct tt_buf *buf)
{
    tt_wire_put_u8(buf, learned->enabled);
    tt_wire_put_double(buf, learned->frauds_half);
    tt_wire_put_double(buf, learned->unlabelled_weight);
    tt_wire_put_u64(buf, (uint64_t)learned->horizon_ms);
    tt_wire_put_u32(buf, learned->memory_mib);
    tt_wire_put_u32(buf, learned->input_count);
    for (uint32_t i = 0; i < learned->input_count; i++) {
        tt_wire_put_u16(buf, learned->inputs[i]);
    }
}
