/*
 * Compiling detectors.yaml into a setup; see setup.h.
 *
 * The hash is taken over a canonical text of everything read, so that comments, spelling and the
 * order of keys do not matter.
 */
#include "core/detect/setup.h"

#include <string.h>

#include "core/detect/detector.h"
#include "core/detect/setup_read.h"
#include "core/rules/rules.h"

static const struct tt_detector_ops *const detector_ops[] = {
#define TT_DETECTOR(id, name) &tt_detector_##id,
#include "core/detect/detectors.def"
#undef TT_DETECTOR
};
static const char *const detector_names[] = {
#define TT_DETECTOR(id, name) name,
#include "core/detect/detectors.def"
#undef TT_DETECTOR
};
#define DETECTOR_COUNT ((uint32_t)TT_ARRAY_SIZE(detector_ops))
_Static_assert(TT_ARRAY_SIZE(detector_ops) <= TT_DETECTORS_MAX, "more detectors than slots");

static const char *const unit_names[] = {"",     "none", "amount", "count", "seconds",
                                         "days", "km",   "kmh",    "ratio", "share"};
static const char *const verdict_names[] = {"", "allow", "review", "block"};
static const char *const severity_keys[] = {"low", "medium", "high", "critical"};

enum tt_status tt_setup_read_feature(const struct tt_setup *setup, const struct tt_tree *node,
                                     uint16_t *ret, struct tt_error *err)
{
    struct tt_str name;
    enum tt_status status = tt_tree_text(node, &name, err);
    if (status != TT_OK) {
        return status;
    }
    const char *candidates[TT_FEATURES_MAX];
    for (uint32_t i = 0; i < setup->feature_count; i++) {
        if (tt_str_equal(setup->features[i], name)) {
            *ret = (uint16_t)i;
            return TT_OK;
        }
        candidates[i] = setup->features[i].data;
    }
    const char *nearest = tt_str_nearest(name, candidates, setup->feature_count);
    return tt_fail_at(err, TT_E_UNKNOWN, node->line, node->column, 0,
                      "no feature is called %.*s%s%s", TT_STR_ARG(name),
                      nearest != NULL ? "; the nearest is " : "", nearest != NULL ? nearest : "");
}

enum tt_status tt_setup_read_choice(const struct tt_tree *node, const char *const *names,
                                    size_t count, uint8_t *ret, struct tt_error *err)
{
    struct tt_str text;
    if (node == NULL) {
        return TT_OK;
    }
    enum tt_status status = tt_tree_text(node, &text, err);
    if (status != TT_OK) {
        return status;
    }
    for (size_t i = 1; i < count; i++) {
        if (tt_str_equal_text(text, names[i])) {
            *ret = (uint8_t)i;
            return TT_OK;
        }
    }
    const char *nearest = tt_str_nearest(text, names + 1, count - 1);
    return tt_fail_at(err, TT_E_UNKNOWN, node->line, node->column, 0, "unknown word %.*s; %s%s",
                      TT_STR_ARG(text),
                      nearest != NULL ? "the nearest is " : "the first choice is ",
                      nearest != NULL ? nearest : names[1]);
}

enum tt_status tt_setup_read_number(const struct tt_tree *node, double low, double high,
                                    double *ret, struct tt_error *err)
{
    double value;
    if (node == NULL) {
        return TT_OK;
    }
    enum tt_status status = tt_tree_double(node, &value, err);
    if (status != TT_OK) {
        return status;
    }
    if (!(value >= low && value <= high)) {
        return tt_fail_at(err, TT_E_INVALID, node->line, node->column, 0,
                          "%g is not between %g and %g", value, low, high);
    }
    *ret = value;
    return TT_OK;
}

enum tt_status tt_setup_read_count(const struct tt_tree *node, uint32_t low, uint32_t high,
                                   uint32_t *ret, struct tt_error *err)
{
    int64_t value;
    if (node == NULL) {
        return TT_OK;
    }
    enum tt_status status = tt_tree_int64(node, &value, err);
    if (status != TT_OK) {
        return status;
    }
    if (value < (int64_t)low || value > (int64_t)high) {
        return tt_fail_at(err, TT_E_INVALID, node->line, node->column, 0,
                          "%lld is not between %u and %u", (long long)value, low, high);
    }
    *ret = (uint32_t)value;
    return TT_OK;
}

enum tt_status tt_setup_read_features(const struct tt_setup *setup, struct tt_detector *detector,
                                      const struct tt_tree *tree, struct tt_error *err)
{
    const struct tt_tree *list = tt_tree_get(tree, "features");
    if (list == NULL || list->kind != TT_TREE_SEQUENCE || list->child_count == 0) {
        const struct tt_tree *at = list != NULL ? list : tree;
        return tt_fail_at(err, TT_E_TYPE, at->line, at->column, 0,
                          "features must be a list of feature names");
    }
    if (list->child_count > TT_FOREST_FEATURES_MAX) {
        return tt_fail_at(err, TT_E_LIMIT, list->line, list->column, 0,
                          "%s takes at most %d features", detector->ops->name,
                          TT_FOREST_FEATURES_MAX);
    }
    detector->feature_count = 0;
    for (const struct tt_tree *item = list->children; item != NULL; item = item->next) {
        enum tt_status status =
            tt_setup_read_feature(setup, item, &detector->features[detector->feature_count], err);
        if (status != TT_OK) {
            return status;
        }
        detector->feature_count++;
    }
    return TT_OK;
}

static enum tt_status need_mapping(const struct tt_tree *node, struct tt_error *err)
{
    if (node->kind != TT_TREE_MAPPING) {
        return tt_fail_at(err, TT_E_TYPE, node->line, node->column, 0,
                          "expected a mapping, found %s", tt_tree_kind_name(node));
    }
    return TT_OK;
}

/* The keys every detector has; the rest is checked by the detector's own parse. */
static enum tt_status parse_detector(const struct tt_setup *setup, struct tt_detector *detector,
                                     const struct tt_tree *tree, struct tt_error *err)
{
    static const char *const judge_keys[] = {"enabled", "weight", "threshold", "features"};
    static const char *const forest_keys[] = {"enabled",  "weight", "threshold",
                                              "features", "trees",  "sample"};
    static const char *const rule_keys[] = {"enabled", "weight"};
    bool forest = detector->ops == &tt_detector_isolation_forest;
    bool rules = detector->ops == &tt_detector_rules;
    enum tt_status status = need_mapping(tree, err);
    if (status == TT_OK) {
        status = forest  ? tt_tree_check_keys(tree, forest_keys, TT_ARRAY_SIZE(forest_keys), err)
                 : rules ? tt_tree_check_keys(tree, rule_keys, TT_ARRAY_SIZE(rule_keys), err)
                         : tt_tree_check_keys(tree, judge_keys, TT_ARRAY_SIZE(judge_keys), err);
    }
    detector->enabled = true;
    if (status == TT_OK && tt_tree_get(tree, "enabled") != NULL) {
        status = tt_tree_bool(tt_tree_get(tree, "enabled"), &detector->enabled, err);
    }
    if (status == TT_OK) {
        status =
            tt_setup_read_number(tt_tree_get(tree, "weight"), 0.0, 1000.0, &detector->weight, err);
    }
    if (status == TT_OK) {
        status = tt_setup_read_number(tt_tree_get(tree, "threshold"), 1e-9, 0.5,
                                      &detector->threshold, err);
    }
    return status == TT_OK ? detector->ops->parse(setup, detector, tree, err) : status;
}

static enum tt_status parse_detectors(struct tt_setup *setup, const struct tt_tree *tree,
                                      struct tt_error *err)
{
    if (tree == NULL) {
        return TT_OK;
    }
    enum tt_status status = need_mapping(tree, err);
    if (status == TT_OK) {
        status = tt_tree_check_keys(tree, detector_names, DETECTOR_COUNT, err);
    }
    for (uint32_t i = 0; status == TT_OK && i < DETECTOR_COUNT; i++) {
        const struct tt_tree *node = tt_tree_get(tree, detector_names[i]);
        if (node != NULL) {
            status = parse_detector(setup, &setup->detectors[i], node, err);
        }
    }
    return status;
}

static enum tt_status parse_severity(struct tt_setup *setup, const struct tt_tree *tree,
                                     struct tt_error *err)
{
    if (tree == NULL) {
        return TT_OK;
    }
    enum tt_status status = need_mapping(tree, err);
    if (status == TT_OK) {
        status = tt_tree_check_keys(tree, severity_keys, TT_ARRAY_SIZE(severity_keys), err);
    }
    for (uint32_t i = TT_SEVERITY_LOW; status == TT_OK && i <= TT_SEVERITY_CRITICAL; i++) {
        status = tt_setup_read_number(tt_tree_get(tree, severity_keys[i - 1]), 1e-9, 0.5,
                                      &setup->severity_p[i], err);
    }
    for (uint32_t i = TT_SEVERITY_MEDIUM; status == TT_OK && i <= TT_SEVERITY_CRITICAL; i++) {
        if (setup->severity_p[i] > setup->severity_p[i - 1]) {
            status =
                tt_fail_at(err, TT_E_INVALID, tree->line, tree->column, 0,
                           "%s must not be above %s", severity_keys[i - 1], severity_keys[i - 2]);
        }
    }
    return status;
}

static enum tt_status parse_policy(struct tt_setup *setup, const struct tt_tree *tree,
                                   struct tt_error *err)
{
    if (tree == NULL) {
        return TT_OK;
    }
    enum tt_status status = need_mapping(tree, err);
    if (status == TT_OK) {
        status = tt_tree_check_keys(tree, severity_keys, TT_ARRAY_SIZE(severity_keys), err);
    }
    for (uint32_t i = TT_SEVERITY_LOW; status == TT_OK && i <= TT_SEVERITY_CRITICAL; i++) {
        status = tt_setup_read_choice(tt_tree_get(tree, severity_keys[i - 1]), verdict_names,
                                      TT_ARRAY_SIZE(verdict_names), &setup->policy[i], err);
    }
    return status;
}

static enum tt_status parse_early(struct tt_setup *setup, const struct tt_tree *list,
                                  struct tt_error *err)
{
    if (list == NULL) {
        return TT_OK;
    }
    if (list->kind != TT_TREE_SEQUENCE) {
        return tt_fail_at(err, TT_E_TYPE, list->line, list->column, 0,
                          "early must be a list of counts");
    }
    if (list->child_count > TT_ARRAY_SIZE(setup->epoch_early)) {
        return tt_fail_at(err, TT_E_LIMIT, list->line, list->column, 0, "at most %zu early epochs",
                          TT_ARRAY_SIZE(setup->epoch_early));
    }
    uint32_t least = 1;
    setup->epoch_early_count = 0;
    for (const struct tt_tree *item = list->children; item != NULL; item = item->next) {
        uint32_t count = 0;
        enum tt_status status = tt_setup_read_count(item, least, 1000000000, &count, err);
        if (status != TT_OK) {
            return status;
        }
        setup->epoch_early[setup->epoch_early_count++] = count;
        least = count + 1;
    }
    return TT_OK;
}

static enum tt_status parse_times(struct tt_setup *setup, const struct tt_tree *tree,
                                  struct tt_error *err)
{
    static const char *const keys[] = {"length", "early"};
    const struct tt_tree *half_life = tt_tree_get(tree, "half_life");
    const struct tt_tree *epoch = tt_tree_get(tree, "epoch");
    enum tt_status status = TT_OK;
    if (half_life != NULL) {
        int64_t ms = 0;
        status = tt_tree_duration(half_life, &ms, err);
        if (status == TT_OK && (ms < TT_MS_PER_HOUR || ms > 3650 * TT_MS_PER_DAY)) {
            status = tt_fail_at(err, TT_E_INVALID, half_life->line, half_life->column, 0,
                                "half_life must lie between 1h and 3650d");
        }
        setup->half_life_ms = (double)ms;
    }
    if (status == TT_OK && epoch != NULL) {
        status = need_mapping(epoch, err);
        if (status == TT_OK) {
            status = tt_tree_check_keys(epoch, keys, TT_ARRAY_SIZE(keys), err);
        }
        const struct tt_tree *length = tt_tree_get(epoch, "length");
        if (status == TT_OK && length != NULL) {
            status = tt_tree_duration(length, &setup->epoch_length_ms, err);
            if (status == TT_OK && setup->epoch_length_ms < TT_MS_PER_MINUTE) {
                status = tt_fail_at(err, TT_E_INVALID, length->line, length->column, 0,
                                    "an epoch lasts at least 1m");
            }
        }
        if (status == TT_OK) {
            status = parse_early(setup, tt_tree_get(epoch, "early"), err);
        }
    }
    return status;
}

static enum tt_status copy_words(const struct tt_tree *node, char text[TT_WORDS_SIZE_MAX],
                                 uint8_t *ret_size, struct tt_error *err)
{
    struct tt_str view;
    if (node == NULL) {
        return TT_OK;
    }
    enum tt_status status = tt_tree_text(node, &view, err);
    if (status != TT_OK) {
        return status;
    }
    if (view.size == 0 || view.size >= TT_WORDS_SIZE_MAX) {
        return tt_fail_at(err, TT_E_LIMIT, node->line, node->column, 0, "words have 1 to %d bytes",
                          TT_WORDS_SIZE_MAX - 1);
    }
    memcpy(text, view.data, view.size);
    text[view.size] = '\0';
    *ret_size = (uint8_t)view.size;
    return TT_OK;
}

static enum tt_status parse_words(struct tt_setup *setup, const struct tt_tree *tree,
                                  struct tt_error *err)
{
    static const char *const keys[] = {"text", "whose", "since", "unit", "same_as"};
    if (tree == NULL) {
        return TT_OK;
    }
    enum tt_status status = need_mapping(tree, err);
    const struct tt_tree *entry = status == TT_OK ? tree->children : NULL;
    for (; entry != NULL && status == TT_OK; entry = entry->next) {
        /* The key of the entry is the feature; errors point at it. */
        struct tt_tree name = {.kind = TT_TREE_SCALAR,
                               .line = entry->key_line,
                               .column = entry->key_column,
                               .text = entry->key};
        uint16_t feature = 0;
        status = need_mapping(entry, err);
        if (status == TT_OK) {
            status = tt_setup_read_feature(setup, &name, &feature, err);
        }
        if (status == TT_OK) {
            status = tt_tree_check_keys(entry, keys, TT_ARRAY_SIZE(keys), err);
        }
        struct tt_words *words = &setup->words[feature];
        words->unit = TT_UNIT_NONE;
        if (status == TT_OK) {
            status = tt_setup_read_choice(tt_tree_get(entry, "unit"), unit_names,
                                          TT_ARRAY_SIZE(unit_names), &words->unit, err);
        }
        if (status == TT_OK && tt_tree_get(entry, "same_as") != NULL) {
            status =
                tt_setup_read_feature(setup, tt_tree_get(entry, "same_as"), &words->same_as, err);
        }
        if (status == TT_OK) {
            status = copy_words(tt_tree_get(entry, "text"), words->text, &words->text_size, err);
        }
        if (status == TT_OK) {
            status = copy_words(tt_tree_get(entry, "whose"), words->whose, &words->whose_size, err);
        }
        if (status == TT_OK) {
            status = copy_words(tt_tree_get(entry, "since"), words->since, &words->since_size, err);
        }
    }
    return status;
}

static void set_defaults(struct tt_setup *setup)
{
    static const double cut_offs[] = {1.0, 0.005, 0.002, 0.0005, 0.0001};
    static const uint64_t early[] = {200, 1000, 5000, 20000};
    setup->detector_count = DETECTOR_COUNT;
    for (uint32_t i = 0; i < DETECTOR_COUNT; i++) {
        setup->detectors[i] = (struct tt_detector){
            .ops = detector_ops[i],
            .weight = 1.0,
            .threshold = 0.005,
            .trees = 100,
            .sample = 256,
        };
        if (detector_ops[i] == &tt_detector_rules) {
            setup->rules_slot = i;
            setup->detectors[i].enabled = true;
        }
    }
    memcpy(setup->severity_p, cut_offs, sizeof cut_offs);
    setup->policy[TT_SEVERITY_NONE] = TT_ALLOW;
    setup->policy[TT_SEVERITY_LOW] = TT_ALLOW;
    setup->policy[TT_SEVERITY_MEDIUM] = TT_REVIEW;
    setup->policy[TT_SEVERITY_HIGH] = TT_REVIEW;
    setup->policy[TT_SEVERITY_CRITICAL] = TT_REVIEW;
    setup->half_life_ms = 14.0 * (double)TT_MS_PER_DAY;
    setup->epoch_length_ms = TT_MS_PER_DAY;
    setup->epoch_early_count = (uint32_t)TT_ARRAY_SIZE(early);
    memcpy(setup->epoch_early, early, sizeof early);
}

static void put_detector(const struct tt_detector *detector, struct tt_buf *buf)
{
    tt_wire_put_bytes(buf, tt_str_from(detector->ops->name));
    tt_wire_put_u8(buf, detector->enabled);
    tt_wire_put_double(buf, detector->weight);
    tt_wire_put_double(buf, detector->threshold);
    tt_wire_put_u32(buf, detector->trees);
    tt_wire_put_u32(buf, detector->sample);
    tt_wire_put_u32(buf, detector->judged_count);
    for (uint32_t i = 0; i < detector->judged_count; i++) {
        const struct tt_judged *judged = &detector->judged[i];
        tt_wire_put_u16(buf, judged->feature);
        tt_wire_put_u16(buf, judged->count);
        tt_wire_put_u16(buf, judged->center);
        tt_wire_put_u16(buf, judged->spread);
        tt_wire_put_u16(buf, judged->upper);
        tt_wire_put_u8(buf, judged->tail);
        tt_wire_put_u8(buf, judged->scale);
        tt_wire_put_u8(buf, judged->against);
        tt_wire_put_double(buf, judged->prior_count);
        tt_wire_put_double(buf, judged->prior_spread_count);
    }
    tt_wire_put_u32(buf, detector->feature_count);
    for (uint32_t i = 0; i < detector->feature_count; i++) {
        tt_wire_put_u16(buf, detector->features[i]);
    }
}

/* Words change messages, and messages are part of the answer: they are hashed too. */
static enum tt_status hash_setup(struct tt_setup *setup, struct tt_error *err)
{
    static const struct tt_hash_key key = {UINT64_C(0x7365747570), 1};
    struct tt_buf buf;
    tt_buf_init(&buf, setup->alloc, 1u << 20);
    tt_wire_put_hash(&buf, setup->plan);
    tt_wire_put_hash(&buf, setup->rules != NULL ? tt_rules_hash(setup->rules)
                                                : (struct tt_hash128){0, 0});
    for (uint32_t i = 0; i < setup->detector_count; i++) {
        put_detector(&setup->detectors[i], &buf);
    }
    tt_learned_put(&setup->learned, &buf);
    tt_wire_put_double(&buf, setup->half_life_ms);
    for (uint32_t i = 0; i <= TT_SEVERITY_CRITICAL; i++) {
        tt_wire_put_double(&buf, setup->severity_p[i]);
        tt_wire_put_u8(&buf, setup->policy[i]);
    }
    tt_wire_put_u64(&buf, (uint64_t)setup->epoch_length_ms);
    for (uint32_t i = 0; i < setup->epoch_early_count; i++) {
        tt_wire_put_u64(&buf, setup->epoch_early[i]);
    }
    for (uint32_t i = 0; i < setup->feature_count; i++) {
        const struct tt_words *words = &setup->words[i];
        tt_wire_put_bytes(&buf, setup->features[i]);
        tt_wire_put_u8(&buf, words->unit);
        tt_wire_put_u16(&buf, words->same_as);
        tt_wire_put_bytes(&buf, (struct tt_str){words->text, words->text_size});
        tt_wire_put_bytes(&buf, (struct tt_str){words->whose, words->whose_size});
        tt_wire_put_bytes(&buf, (struct tt_str){words->since, words->since_size});
    }
    enum tt_status status = buf.status;
    if (status == TT_OK) {
        setup->hash = tt_hash128(&key, buf.data, buf.size);
        memset(buf.data + sizeof(struct tt_hash128), 0, sizeof(struct tt_hash128));
        setup->base = tt_hash128(&key, buf.data, buf.size);
    } else {
        (void)tt_fail(err, status, "out of memory for a setup");
    }
    tt_buf_deinit(&buf);
    return status;
}

static enum tt_status copy_features(struct tt_setup *setup, const struct tt_setup_options *options,
                                    struct tt_error *err)
{
    setup->features = tt_new_array(setup->alloc, options->feature_count, sizeof *setup->features);
    setup->words = tt_new_array(setup->alloc, options->feature_count, sizeof *setup->words);
    if (setup->features == NULL || setup->words == NULL) {
        return tt_fail(err, TT_E_NOMEM, "out of memory for a setup");
    }
    for (uint32_t i = 0; i < options->feature_count; i++) {
        struct tt_str name = options->features[i];
        char *copy = tt_new(setup->alloc, name.size + 1);
        if (copy == NULL) {
            return tt_fail(err, TT_E_NOMEM, "out of memory for a setup");
        }
        memcpy(copy, name.data, name.size);
        copy[name.size] = '\0';
        setup->features[i] = (struct tt_str){copy, name.size};
        setup->words[i].same_as = (uint16_t)i;
    }
    return TT_OK;
}

static void setup_free(struct tt_setup *setup)
{
    const struct tt_alloc *alloc = setup->alloc;
    for (uint32_t i = 0; setup->features != NULL && i < setup->feature_count; i++) {
        if (setup->features[i].data != NULL) {
            union {
                const char *view;
                void *block;
            } name = {.view = setup->features[i].data};
            tt_delete(alloc, name.block, setup->features[i].size + 1);
        }
    }
    tt_delete(alloc, setup->features, setup->feature_count * sizeof *setup->features);
    tt_delete(alloc, setup->words, setup->feature_count * sizeof *setup->words);
    if (setup->rules != NULL) {
        tt_delete(alloc, setup->hits, tt_rules_count(setup->rules) * sizeof *setup->hits);
    }
    tt_rules_free(setup->owned);
    tt_delete(alloc, setup, sizeof *setup);
}

static enum tt_status make_hits(struct tt_setup *setup, struct tt_error *err)
{
    if (setup->rules == NULL || tt_rules_count(setup->rules) == 0) {
        return TT_OK;
    }
    setup->hits = tt_new_array(setup->alloc, tt_rules_count(setup->rules), sizeof *setup->hits);
    return setup->hits != NULL ? TT_OK : tt_fail(err, TT_E_NOMEM, "out of memory for a setup");
}

static enum tt_status parse_root(struct tt_setup *setup, const struct tt_tree *root,
                                 struct tt_error *err)
{
    static const char *const keys[] = {"detectors", "learned", "half_life", "severity",
                                       "policy",    "epoch",   "words"};
    if (root == NULL) {
        return TT_OK;
    }
    enum tt_status status = need_mapping(root, err);
    if (status == TT_OK) {
        status = tt_tree_check_keys(root, keys, TT_ARRAY_SIZE(keys), err);
    }
    if (status == TT_OK) {
        status = parse_detectors(setup, tt_tree_get(root, "detectors"), err);
    }
    if (status == TT_OK) {
        status = parse_severity(setup, tt_tree_get(root, "severity"), err);
    }
    if (status == TT_OK) {
        status = parse_policy(setup, tt_tree_get(root, "policy"), err);
    }
    if (status == TT_OK) {
        status = parse_times(setup, root, err);
    }
    if (status == TT_OK) {
        status = tt_learned_parse(setup, &setup->learned, tt_tree_get(root, "learned"), err);
    }
    return status == TT_OK ? parse_words(setup, tt_tree_get(root, "words"), err) : status;
}

enum tt_status tt_setup_new(const struct tt_alloc *alloc, const struct tt_setup_options *options,
                            struct tt_setup **ret_setup, struct tt_error *err)
{
    TT_ASSERT(options->rules == NULL || options->names != NULL);
    if (options->feature_count > TT_FEATURES_MAX) {
        return tt_fail(err, TT_E_LIMIT, "at most %d features", TT_FEATURES_MAX);
    }
    if (options->cpu != TT_CPU_AUTO && !tt_forest_cpu_has(options->cpu)) {
        return tt_fail(err, TT_E_UNSUPPORTED, "this machine has no %s", tt_cpu_name(options->cpu));
    }
    struct tt_setup *setup = tt_new_array(alloc, 1, sizeof *setup);
    if (setup == NULL) {
        return tt_fail(err, TT_E_NOMEM, "out of memory for a setup");
    }
    setup->references = 1;
    setup->alloc = alloc;
    setup->cpu = options->cpu == TT_CPU_AUTO ? tt_forest_cpu_best() : options->cpu;
    setup->rules = options->rules;
    setup->names = options->names;
    setup->plan = options->plan;
    setup->feature_count = options->feature_count;
    set_defaults(setup);
    enum tt_status status = copy_features(setup, options, err);
    if (status == TT_OK) {
        status = parse_root(setup, options->detectors, err);
    }
    if (status == TT_OK) {
        status = hash_setup(setup, err);
    }
    if (status == TT_OK) {
        status = make_hits(setup, err);
    }
    if (status != TT_OK) {
        setup_free(setup);
        return status;
    }
    *ret_setup = setup;
    return TT_OK;
}

enum tt_status tt_setup_with_rules(const struct tt_setup *setup, struct tt_rules *rules,
                                   struct tt_setup **ret_setup, struct tt_error *err)
{
    struct tt_setup *copy = tt_new(setup->alloc, sizeof *copy);
    if (copy == NULL) {
        tt_rules_free(rules);
        return tt_fail(err, TT_E_NOMEM, "out of memory for a setup");
    }
    *copy = *setup;
    copy->references = 1;
    copy->rules = rules;
    copy->owned = rules;
    copy->hits = NULL;
    copy->features = NULL;
    copy->words = NULL;
    struct tt_setup_options options = {.features = setup->features,
                                       .feature_count = setup->feature_count};
    enum tt_status status = copy_features(copy, &options, err);
    if (status == TT_OK) {
        memcpy(copy->words, setup->words, setup->feature_count * sizeof *copy->words);
        status = hash_setup(copy, err);
    }
    if (status == TT_OK) {
        status = make_hits(copy, err);
    }
    if (status != TT_OK) {
        setup_free(copy);
        return status;
    }
    *ret_setup = copy;
    return TT_OK;
}

static void count_hits(const struct tt_setup *setup, const struct tt_rule_hits *hits)
{
    for (uint32_t i = 0; i < hits->count; i++) {
        (void)__atomic_add_fetch(&setup->hits[hits->rules[i]], 1, __ATOMIC_RELAXED);
    }
}

void tt_setup_count_hits(const struct tt_setup *setup, const struct tt_event *event)
{
    if (setup->hits != NULL) {
        count_hits(setup, &event->rule_hits);
        count_hits(setup, &event->shadow_hits.hits);
    }
}

struct tt_setup *tt_setup_ref(struct tt_setup *setup)
{
    (void)__atomic_add_fetch(&setup->references, 1, __ATOMIC_RELAXED);
    return setup;
}

void tt_setup_unref(struct tt_setup *setup)
{
    if (setup != NULL && __atomic_sub_fetch(&setup->references, 1, __ATOMIC_ACQ_REL) == 0) {
        setup_free(setup);
    }
}

const char *tt_setup_detector_name(const struct tt_setup *setup, uint32_t detector)
{
    TT_ASSERT(detector < setup->detector_count);
    return setup->detectors[detector].ops->name;
}

uint32_t tt_setup_detector_find(const struct tt_setup *setup, struct tt_str name)
{
    for (uint32_t i = 0; i < setup->detector_count; i++) {
        if (tt_str_equal_text(name, setup->detectors[i].ops->name)) {
            return i;
        }
    }
    return UINT32_MAX;
}

bool tt_epoch_due(const struct tt_setup *setup, uint32_t epoch, uint64_t count,
                  int64_t watermark_ms, int64_t last_close_ms)
{
    if (epoch < setup->epoch_early_count) {
        return count >= setup->epoch_early[epoch];
    }
    return last_close_ms == TT_TIME_NONE ||
           (watermark_ms > last_close_ms && watermark_ms - last_close_ms >= setup->epoch_length_ms);
}
