/* See engine.h. */
#include "services/pipeline/engine.h"

#include <stdio.h>
#include <string.h>

#include "format/yaml.h"

#define TREE_BLOCK_SIZE (64u << 10)
#define TREE_SIZE_MAX (1u << 30)

enum tt_status tt_engine_place(const struct tt_engine_source *source, struct tt_error *err)
{
    char message[sizeof err->message];
    if (err->line != 0) {
        (void)snprintf(message, sizeof message, "%s:%u:%u: %.200s", source->name, err->line,
                       err->column, err->message);
    } else {
        (void)snprintf(message, sizeof message, "%s: %.200s", source->name, err->message);
    }
    memcpy(err->message, message, sizeof message);
    return err->status;
}

enum tt_status tt_engine_parse(const struct tt_engine_source *source, struct tt_arena *arena,
                               struct tt_tree **ret, struct tt_error *err)
{
    if (tt_yaml_parse(arena, source->text, ret, err) != TT_OK) {
        return tt_engine_place(source, err);
    }
    return TT_OK;
}

static enum tt_status make_plan(const struct tt_alloc *alloc,
                                const struct tt_engine_options *options, struct tt_arena *arena,
                                struct tt_plan **ret, struct tt_error *err)
{
    struct tt_tree *tree = NULL;
    enum tt_status status = tt_engine_parse(&options->features, arena, &tree, err);
    if (status != TT_OK) {
        return status;
    }
    struct tt_attribute_decl attributes[TT_ATTRIBUTES_MAX] = {0};
    for (uint32_t i = 0; i < options->attribute_count; i++) {
        attributes[i].name = options->attributes[i].name;
        attributes[i].type = options->attributes[i].type;
    }
    struct tt_plan_options plan_options = {
        .attributes = attributes,
        .attribute_count = options->attribute_count,
        .rates = options->rates,
    };
    if (tt_plan_compile(alloc, tree, &plan_options, ret, err) != TT_OK) {
        return tt_engine_place(&options->features, err);
    }
    return TT_OK;
}

enum tt_status tt_engine_plan(const struct tt_alloc *alloc, const struct tt_engine_options *options,
                              struct tt_plan **ret, struct tt_error *err)
{
    struct tt_arena arena;
    tt_arena_init(&arena, alloc, TREE_BLOCK_SIZE, TREE_SIZE_MAX);
    enum tt_status status = make_plan(alloc, options, &arena, ret, err);
    tt_arena_deinit(&arena);
    return status;
}

static enum tt_status make_names(struct tt_engine *engine, const struct tt_engine_options *options,
                                 struct tt_error *err)
{
    struct tt_attribute_decl attributes[TT_ATTRIBUTES_MAX];
    for (uint32_t i = 0; i < options->attribute_count; i++) {
        attributes[i].name = options->attributes[i].name;
        attributes[i].type = options->attributes[i].type;
    }
    struct tt_str features[TT_FEATURES_MAX];
    uint32_t count = tt_plan_feature_count(engine->plan);
    for (uint32_t i = 0; i < count; i++) {
        features[i] = tt_plan_feature(engine->plan, i)->identifier;
        engine->feature_names[i] = tt_plan_feature(engine->plan, i)->name.data;
    }
    engine->record_names.features = engine->feature_names;
    engine->record_names.feature_count = count;
    uint32_t step_count = tt_plan_step_count(engine->plan);
    for (uint32_t i = 0; i < step_count; i++) {
        (void)snprintf(engine->step_texts[i], sizeof engine->step_texts[i], "features.%s",
                       tt_plan_step_name(engine->plan, i));
        engine->step_names[i] = engine->step_texts[i];
    }
    engine->record_names.steps = engine->step_names;
    engine->record_names.step_count = step_count;
    enum tt_status status =
        tt_names_new_priced(engine->alloc, options->rates, attributes, options->attribute_count,
                            features, count, &engine->names, err);
    if (status == TT_OK) {
        tt_names_set_host(engine->names, options->host);
    }
    return status;
}

static enum tt_status compile_rules(const struct tt_alloc *alloc, const struct tt_tree *tree,
                                    const struct tt_names *names,
                                    const struct tt_engine_source *source, struct tt_rules **ret,
                                    struct tt_error *err)
{
    union {
        const char *name;
        void *ctx;
    } asks = {.name = source->name};
    struct tt_rule_files files = {asks.ctx, source->read_list};
    return tt_rules_compile_with(alloc, tree, names, source->read_list == NULL ? NULL : &files, ret,
                                 err);
}

static enum tt_status make_rules(struct tt_engine *engine, const struct tt_engine_options *options,
                                 struct tt_arena *arena, struct tt_error *err)
{
    struct tt_tree *tree = NULL;
    enum tt_status status = tt_engine_parse(&options->rules, arena, &tree, err);
    if (status != TT_OK) {
        return status;
    }
    if (compile_rules(engine->alloc, tree, engine->names, &options->rules, &engine->rules, err) !=
        TT_OK) {
        return tt_engine_place(&options->rules, err);
    }
    return TT_OK;
}

enum tt_status tt_engine_rules(const struct tt_alloc *alloc, const struct tt_names *names,
                               const struct tt_engine_source *source, struct tt_rules **ret,
                               struct tt_error *err)
{
    struct tt_arena arena;
    struct tt_tree *tree = NULL;
    tt_arena_init(&arena, alloc, TREE_BLOCK_SIZE, TREE_SIZE_MAX);
    enum tt_status status = tt_engine_parse(source, &arena, &tree, err);
    if (status == TT_OK && compile_rules(alloc, tree, names, source, ret, err) != TT_OK) {
        status = tt_engine_place(source, err);
    }
    tt_arena_deinit(&arena);
    return status;
}

static enum tt_status make_setup(struct tt_engine *engine, const struct tt_engine_options *options,
                                 struct tt_arena *arena, struct tt_error *err)
{
    struct tt_tree *tree = NULL;
    enum tt_status status = tt_engine_parse(&options->detectors, arena, &tree, err);
    if (status != TT_OK) {
        return status;
    }
    struct tt_str features[TT_FEATURES_MAX];
    for (uint32_t i = 0; i < engine->record_names.feature_count; i++) {
        features[i] = tt_str_from(engine->feature_names[i]);
    }
    struct tt_setup_options setup_options = {
        .plan = tt_plan_hash(engine->plan),
        .features = features,
        .feature_count = engine->record_names.feature_count,
        .rules = engine->rules,
        .names = engine->names,
        .detectors = tree,
        .cpu = options->cpu,
    };
    if (tt_setup_new(engine->alloc, &setup_options, &engine->setup, err) != TT_OK) {
        return tt_engine_place(&options->detectors, err);
    }
    for (uint32_t i = 0; i < engine->setup->detector_count; i++) {
        engine->detector_names[i] = tt_setup_detector_name(engine->setup, i);
        engine->record_names.detectors_off |=
            engine->setup->detectors[i].enabled ? 0 : UINT32_C(1) << i;
    }
    engine->record_names.detectors = engine->detector_names;
    engine->record_names.detector_count = engine->setup->detector_count;
    return TT_OK;
}

enum tt_status tt_engine_new(const struct tt_alloc *alloc, const struct tt_engine_options *options,
                             struct tt_engine **ret, struct tt_error *err)
{
    struct tt_error local = {0};
    err = err != NULL ? err : &local;
    if (options->attribute_count > TT_ATTRIBUTES_MAX) {
        return tt_fail(err, TT_E_LIMIT, "more than %d attributes", TT_ATTRIBUTES_MAX);
    }
    struct tt_engine *engine = tt_new_array(alloc, 1, sizeof *engine);
    if (engine == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for the engine");
    }
    engine->alloc = alloc;
    struct tt_arena arena;
    tt_arena_init(&arena, alloc, TREE_BLOCK_SIZE, TREE_SIZE_MAX);
    enum tt_status status = make_plan(alloc, options, &arena, &engine->plan, err);
    if (status == TT_OK) {
        status = make_names(engine, options, err);
    }
    if (status == TT_OK && !options->without_rules) {
        status = make_rules(engine, options, &arena, err);
    }
    if (status == TT_OK && !options->without_setup) {
        status = make_setup(engine, options, &arena, err);
    }
    tt_arena_deinit(&arena);
    if (status != TT_OK) {
        tt_engine_free(engine);
        return status;
    }
    *ret = engine;
    return TT_OK;
}

void tt_engine_free(struct tt_engine *engine)
{
    if (engine == NULL) {
        return;
    }
    tt_setup_unref(engine->setup);
    tt_rules_free(engine->rules);
    tt_names_free(engine->names);
    tt_plan_free(engine->plan);
    tt_delete(engine->alloc, engine, sizeof *engine);
}
