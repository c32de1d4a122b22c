/* The judged features of zscore and iqr as detectors.yaml lists them. */
#include "core/detect/setup_read.h"

/* The index of a feature named in a mapping, or a failure at its place. */
static enum tt_status read_feature(const struct tt_setup *setup, const struct tt_tree *item,
                                   const char *key, uint16_t *ret, struct tt_error *err)
{
    const struct tt_tree *node = tt_tree_get(item, key);
    if (node == NULL) {
        return tt_fail_at(err, TT_E_INVALID, item->line, item->column, 0, "%s is missing", key);
    }
    return tt_setup_read_feature(setup, node, ret, err);
}

static enum tt_status read_history(const struct tt_setup *setup, const struct tt_tree *item,
                                   bool quartiles, struct tt_judged *judged, struct tt_error *err)
{
    enum tt_status status = read_feature(setup, item, "count", &judged->count, err);
    if (status == TT_OK) {
        status = read_feature(setup, item, quartiles ? "median" : "mean", &judged->center, err);
    }
    if (status == TT_OK) {
        status = read_feature(setup, item, quartiles ? "q25" : "std", &judged->spread, err);
    }
    if (status == TT_OK && quartiles) {
        status = read_feature(setup, item, "q75", &judged->upper, err);
    }
    return status;
}

static const char *const tail_names[] = {"", "high", "low", "both"};
static const char *const scale_names[] = {"", "linear", "relative", "log"};
static const char *const against_names[] = {"", "own", "peers"};

static enum tt_status read_judged(const struct tt_setup *setup, const struct tt_tree *item,
                                  bool quartiles, struct tt_judged *judged, struct tt_error *err)
{
    static const char *const mean_keys[] = {"feature", "against",     "tail",
                                            "scale",   "prior_count", "prior_spread_count",
                                            "count",   "mean",        "std"};
    static const char *const quartile_keys[] = {
        "feature", "against", "tail",   "scale", "prior_count", "prior_spread_count",
        "count",   "q25",     "median", "q75"};
    *judged = (struct tt_judged){
        .count = UINT16_MAX,
        .center = UINT16_MAX,
        .spread = UINT16_MAX,
        .upper = UINT16_MAX,
        .tail = TT_TAIL_HIGH,
        .scale = TT_SCALE_LINEAR,
        .against = TT_AGAINST_OWN,
        .prior_count = 5.0,
        .prior_spread_count = 20.0,
    };
    enum tt_status status = tt_tree_check_keys(
        item, quartiles ? quartile_keys : mean_keys,
        quartiles ? TT_ARRAY_SIZE(quartile_keys) : TT_ARRAY_SIZE(mean_keys), err);
    if (status == TT_OK) {
        status = read_feature(setup, item, "feature", &judged->feature, err);
    }
    if (status == TT_OK) {
        status = tt_setup_read_choice(tt_tree_get(item, "tail"), tail_names,
                                      TT_ARRAY_SIZE(tail_names), &judged->tail, err);
    }
    if (status == TT_OK) {
        status = tt_setup_read_choice(tt_tree_get(item, "scale"), scale_names,
                                      TT_ARRAY_SIZE(scale_names), &judged->scale, err);
    }
    if (status == TT_OK) {
        status = tt_setup_read_choice(tt_tree_get(item, "against"), against_names,
                                      TT_ARRAY_SIZE(against_names), &judged->against, err);
    }
    if (status == TT_OK) {
        status = tt_setup_read_number(tt_tree_get(item, "prior_count"), 0.1, 1e6,
                                      &judged->prior_count, err);
    }
    if (status == TT_OK) {
        status = tt_setup_read_number(tt_tree_get(item, "prior_spread_count"), 1.0, 1e6,
                                      &judged->prior_spread_count, err);
    }
    if (status == TT_OK && judged->against == TT_AGAINST_OWN) {
        status = read_history(setup, item, quartiles, judged, err);
    }
    return status;
}

enum tt_status tt_judge_parse(const struct tt_setup *setup, struct tt_detector *detector,
                              const struct tt_tree *tree, bool quartiles, struct tt_error *err)
{
    const struct tt_tree *list = tt_tree_get(tree, "features");
    if (list == NULL || list->kind != TT_TREE_SEQUENCE || list->child_count == 0) {
        const struct tt_tree *at = list != NULL ? list : tree;
        return tt_fail_at(err, TT_E_TYPE, at->line, at->column, 0,
                          "features must be a list of features to judge");
    }
    if (list->child_count > TT_JUDGED_MAX) {
        return tt_fail_at(err, TT_E_LIMIT, list->line, list->column, 0,
                          "a detector judges at most %d features", TT_JUDGED_MAX);
    }
    detector->judged_count = 0;
    for (const struct tt_tree *item = list->children; item != NULL; item = item->next) {
        if (item->kind != TT_TREE_MAPPING) {
            return tt_fail_at(err, TT_E_TYPE, item->line, item->column, 0,
                              "expected a mapping with the key feature");
        }
        enum tt_status status =
            read_judged(setup, item, quartiles, &detector->judged[detector->judged_count], err);
        if (status != TT_OK) {
            return status;
        }
        detector->judged_count++;
    }
    return TT_OK;
}
