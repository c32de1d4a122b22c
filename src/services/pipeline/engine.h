/*
 * The engine: features, rules and detectors compiled from their files, as one unit.
 *
 * What:    what people write (three YAML files and the declared attributes) → plan, dictionary, rule set
 *          and setup; with the names that public JSON uses.
 * Why:     every form of the program (run, demo, score, replay) compiles through here, so all judge alike.
 * Owner:   tt_engine_new from alloc; tt_engine_free gives everything back; everybody who got a part
 *          of it must be done by then.
 * Threads: immutable.
 * Limits:  TT_ENGINE_FILE_MAX bytes a file.
 * Fails:   messages name file, line and column: "rules.yaml:12:9: unknown name …".
 */
#ifndef TT_SERVICES_PIPELINE_ENGINE_H
#define TT_SERVICES_PIPELINE_ENGINE_H

#include "core/detect/setup.h"
#include "core/features/plan.h"
#include "core/rules/rules.h"
#include "format/record/record.h"
#include "format/record/record_write.h"

#define TT_ENGINE_FILE_MAX (64u << 20)

/* A YAML text and what to call it in messages. */
struct tt_engine_source {
    const char *name;
    struct tt_str text;
    tt_read_rule_list *read_list; /* of rules: for lists that stand in other files, with the name as
                                     its ctx; NULL = there may be none */
};

struct tt_engine_options {
    struct tt_engine_source features, rules, detectors;
    const struct tt_attribute_spec *attributes; /* declared; from the config or a mapping */
    uint32_t attribute_count;
    const struct tt_rates *rates; /* or NULL; read during the call */
    enum tt_cpu cpu;
    const struct tt_expr_host *host; /* of rules: `matches`, named time zones; or NULL */
    bool without_rules;
    bool without_setup; /* rules and their names alone: to check and test them */
};

struct tt_engine {
    const struct tt_alloc *alloc;
    struct tt_plan *plan;
    struct tt_names *names;
    struct tt_rules *rules; /* NULL without rules */
    struct tt_setup *setup;
    struct tt_record_names record_names;
    const char *feature_names[TT_FEATURES_MAX];
    const char *detector_names[TT_DETECTORS_MAX];
    char step_texts[TT_STEPS_MAX][TT_EXPR_NAME_SIZE_MAX + sizeof "features."];
    const char *step_names[TT_STEPS_MAX];
};

enum tt_status tt_engine_new(const struct tt_alloc *alloc, const struct tt_engine_options *options,
                             struct tt_engine **ret, struct tt_error *err) TT_MUST_USE;
/* Compiles the feature set alone. */
enum tt_status tt_engine_plan(const struct tt_alloc *alloc, const struct tt_engine_options *options,
                              struct tt_plan **ret, struct tt_error *err) TT_MUST_USE;
/* Compiles a rule file alone, over the names of an engine, which must outlive it. err must be there.
 */
enum tt_status tt_engine_rules(const struct tt_alloc *alloc, const struct tt_names *names,
                               const struct tt_engine_source *source, struct tt_rules **ret,
                               struct tt_error *err) TT_MUST_USE;
/* engine may be NULL. */
void tt_engine_free(struct tt_engine *engine);
/* Parses one YAML text into the arena; the message of a failure begins with source name and place. */
enum tt_status tt_engine_parse(const struct tt_engine_source *source, struct tt_arena *arena,
                               struct tt_tree **ret, struct tt_error *err) TT_MUST_USE;
/* Puts "name:line:column: " before the message, once. Returns err->status. */
enum tt_status tt_engine_place(const struct tt_engine_source *source, struct tt_error *err);

#endif
