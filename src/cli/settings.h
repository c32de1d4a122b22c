/*
 * Settings of a command: configuration file, --set, and the engine they ask for.
 *
 * What:    finds and reads the configuration, applies --set, makes record schema and engine.
 * Owner:   the caller owns the struct; settings_close gives everything back.
 * Threads: the main thread; read-only afterwards.
 * Fails:   with messages that name file, line, column and the nearest known word.
 */
#ifndef TT_CLI_SETTINGS_H
#define TT_CLI_SETTINGS_H

#include "cli/cli.h"
#include "format/record/record_map.h"
#include "runtime/config.h"
#include "services/pipeline/engine.h"

struct tt_settings {
    const struct tt_alloc *alloc;
    struct tt_arena arena;
    struct tt_config config;
    struct tt_attribute_spec attributes[TT_ATTRIBUTES_MAX];
    uint32_t attribute_count;
    struct tt_rates rates; /* base 0: no table */
    struct tt_record_schema schema;
    const struct tt_record_map *map; /* of --map, or NULL */
    struct tt_engine *engine;        /* after tt_settings_engine */
    struct tt_engine_source rules;   /* what its rules were compiled from; no text without rules */
};

/* Reads configuration and --set. On failure nothing is left open. */
enum tt_status tt_settings_open(struct tt_settings *settings, const struct tt_cli *cli,
                                struct tt_error *err) TT_MUST_USE;
void tt_settings_close(struct tt_settings *settings);
/* Reads a mapping file, or the built-in one of that name; its attributes are declared too. */
enum tt_status tt_settings_map(struct tt_settings *settings, const char *path,
                               struct tt_error *err) TT_MUST_USE;
/* Compiles features and rules alone: an engine without detectors, to check, test and show rules. */
enum tt_status tt_settings_rules(struct tt_settings *settings, const char *features,
                                 const char *rules, struct tt_error *err) TT_MUST_USE;
/* Compiles the engine from features, rules and detectors: the paths given, else those of the
 * configuration, else what is built in. */
enum tt_status tt_settings_engine(struct tt_settings *settings, const char *features,
                                  const char *rules, const char *detectors,
                                  struct tt_error *err) TT_MUST_USE;
/* Compiles a feature set alone; the caller frees it. */
enum tt_status tt_settings_plan(struct tt_settings *settings, const char *features,
                                struct tt_plan **ret, struct tt_error *err) TT_MUST_USE;
/* The data folder, NUL-terminated, in the arena; _data_dir makes it when it is not there. */
enum tt_status tt_settings_find_data_dir(struct tt_settings *settings, const char **ret,
                                         struct tt_error *err) TT_MUST_USE;
enum tt_status tt_settings_data_dir(struct tt_settings *settings, const char **ret,
                                    struct tt_error *err) TT_MUST_USE;
/* folder/name in the arena, or NULL. */
const char *tt_settings_path(struct tt_settings *settings, const char *folder, const char *name);

#endif
