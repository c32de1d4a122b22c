/* See settings.h. */
#include "cli/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/builtin.h"
#include "cli/outside.h"
#include "cli/rule_lists.h"
#include "runtime/files.h"

#define ARENA_BLOCK_SIZE (64u << 10)
#define ARENA_SIZE_MAX (512u << 20)
#define FILE_SIZE_MAX (64u << 20)

/* A file's text in the arena. */
static enum tt_status read_text(struct tt_settings *settings, const char *path,
                                struct tt_engine_source *ret, struct tt_error *err)
{
    struct tt_buf buf;
    tt_buf_init(&buf, settings->alloc, FILE_SIZE_MAX);
    enum tt_status status = tt_file_read(path, &buf, err);
    if (status == TT_OK) {
        char *copy = tt_arena_copy(&settings->arena, buf.data != NULL ? buf.data : "", buf.size);
        *ret = (struct tt_engine_source){.name = path, .text = {copy, buf.size}};
        status = copy != NULL ? TT_OK : tt_fail(err, TT_E_NOMEM, "%s: no memory", path);
    }
    tt_buf_deinit(&buf);
    return status;
}

const char *tt_settings_path(struct tt_settings *settings, const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = tt_arena_new(&settings->arena, size);
    if (path != NULL) {
        (void)snprintf(path, size, "%s/%s", folder, name);
    }
    return path;
}

/* The first configuration file that is there; NULL = none. */
static const char *find_config(struct tt_settings *settings, const struct tt_cli *cli)
{
    if (cli->config != NULL) {
        return cli->config;
    }
    const char *env = getenv("TELLTALE_CONFIG");
    if (env != NULL && env[0] != '\0') {
        return env;
    }
    const char *home = getenv("XDG_CONFIG_HOME");
    const char *user_home = getenv("HOME");
    const char *candidates[3] = {"telltale.yaml", NULL, "/etc/telltale/telltale.yaml"};
    if (home != NULL && home[0] != '\0') {
        candidates[1] = tt_settings_path(settings, home, "telltale/telltale.yaml");
    } else if (user_home != NULL) {
        candidates[1] = tt_settings_path(settings, user_home, ".config/telltale/telltale.yaml");
    }
    for (size_t i = 0; i < TT_ARRAY_SIZE(candidates); i++) {
        if (candidates[i] != NULL && access(candidates[i], F_OK) == 0) {
            return candidates[i];
        }
    }
    return NULL;
}

static enum tt_status read_config(struct tt_settings *settings, const char *path,
                                  struct tt_error *err)
{
    struct tt_engine_source source;
    enum tt_status status = read_text(settings, path, &source, err);
    struct tt_tree *root = NULL;
    if (status == TT_OK) {
        status = tt_engine_parse(&source, &settings->arena, &root, err);
    }
    if (status == TT_OK && root->kind != TT_TREE_NULL &&
        tt_config_apply(&settings->config, root, err) != TT_OK) {
        return tt_engine_place(&source, err);
    }
    if (status == TT_OK) {
        settings->config.file = tt_str_from(path);
    }
    return status;
}

static enum tt_status read_attributes(struct tt_settings *settings, struct tt_error *err)
{
    static const char *const types[] = {"", "bool", "double", "string"};
    const struct tt_tree *tree = settings->config.attributes;
    for (const struct tt_tree *node = tree != NULL ? tree->children : NULL; node != NULL;
         node = node->next) {
        struct tt_str type = {0};
        if (tt_tree_text(node, &type, err) != TT_OK) {
            return err->status;
        }
        uint32_t found = 0;
        for (uint32_t i = 1; i < TT_ARRAY_SIZE(types); i++) {
            found = tt_str_equal_text(type, types[i]) ? i : found;
        }
        if (found == 0 || settings->attribute_count == TT_ATTRIBUTES_MAX) {
            return tt_fail_at(err, TT_E_INVALID, node->line, node->column, 0,
                              found == 0 ? "attributes: '%.*s' must be bool, double or string"
                                         : "attributes: '%.*s' is one too many",
                              TT_STR_ARG(node->key));
        }
        settings->attributes[settings->attribute_count++] =
            (struct tt_attribute_spec){node->key, (enum tt_attribute_type)found};
    }
    return TT_OK;
}

/* The table from the configuration or its own file; `name` says where the former stands. */
static enum tt_status read_rates(struct tt_settings *settings, const char *name,
                                 struct tt_error *err)
{
    const struct tt_config *config = &settings->config;
    struct tt_engine_source source = {.name = name, .text = TT_STR("")};
    const struct tt_tree *tree = config->exchange_rates;
    struct tt_tree *root = NULL;
    enum tt_status status = TT_OK;
    bool has_table = tree != NULL || config->exchange_rates_file.data != NULL;
    if (config->base_currency.data == NULL && !has_table) {
        return TT_OK;
    }
    if (config->base_currency.data == NULL || !has_table) {
        return tt_fail(err, TT_E_INVALID, "%s: money.base_currency and exchange rates go together",
                       name);
    }
    if (tree != NULL && config->exchange_rates_file.data != NULL) {
        return tt_fail(err, TT_E_CONFLICT,
                       "%s: money.exchange_rates or money.exchange_rates_file, not both", name);
    }
    tt_currency base = tt_currency_find(config->base_currency);
    if (base == 0) {
        return tt_fail(err, TT_E_UNKNOWN,
                       "%s: money.base_currency: '%.*s' is no currency of ISO 4217", name,
                       TT_STR_ARG(config->base_currency));
    }
    if (tree == NULL) {
        status = read_text(settings, config->exchange_rates_file.data, &source, err);
        status = status == TT_OK ? tt_engine_parse(&source, &settings->arena, &root, err) : status;
        tree = root;
    }
    if (status == TT_OK && tt_rates_read(tree, base, &settings->rates, err) != TT_OK) {
        status = tt_engine_place(&source, err);
    }
    return status;
}

static void fill_schema(struct tt_settings *settings)
{
    const struct tt_config *config = &settings->config;
    struct tt_record_schema *schema = &settings->schema;
    tt_record_schema_init(schema);
    schema->attributes = settings->attributes;
    schema->attribute_count = settings->attribute_count;
    schema->unknown = tt_str_equal_text(config->on_unknown_field, "reject") ? TT_UNKNOWN_REJECT
                      : tt_str_equal_text(config->on_unknown_field, "attribute")
                          ? TT_UNKNOWN_ATTRIBUTE
                          : TT_UNKNOWN_DROP;
    schema->pan = tt_str_equal_text(config->pan_policy, "reject") ? TT_PAN_REJECT : TT_PAN_TOKENISE;
    schema->skew_max_ms = config->skew_max;
}

enum tt_status tt_settings_open(struct tt_settings *settings, const struct tt_cli *cli,
                                struct tt_error *err)
{
    memset(settings, 0, sizeof *settings);
    settings->alloc = &tt_alloc_libc;
    tt_arena_init(&settings->arena, settings->alloc, ARENA_BLOCK_SIZE, ARENA_SIZE_MAX);
    enum tt_status status = tt_config_init(&settings->config, &settings->arena, err);
    const char *path = status == TT_OK ? find_config(settings, cli) : NULL;
    if (path != NULL) {
        status = read_config(settings, path, err);
    }
    for (int i = 0; status == TT_OK && i < cli->set_count; i++) {
        status = tt_config_set(&settings->config, tt_str_from(cli->sets[i]), err);
    }
    if (status == TT_OK && read_attributes(settings, err) != TT_OK) {
        struct tt_engine_source source = {.name = path != NULL ? path : "--set",
                                          .text = TT_STR("")};
        status = tt_engine_place(&source, err);
    }
    if (status == TT_OK) {
        status = read_rates(settings, path != NULL ? path : "--set", err);
    }
    if (status != TT_OK) {
        tt_settings_close(settings);
        return status;
    }
    fill_schema(settings);
    return TT_OK;
}

void tt_settings_close(struct tt_settings *settings)
{
    tt_engine_free(settings->engine);
    settings->engine = NULL;
    tt_arena_deinit(&settings->arena);
}

enum tt_status tt_settings_map(struct tt_settings *settings, const char *path, struct tt_error *err)
{
    struct tt_engine_source source = {.name = "maps/handbook.yaml",
                                      .text = tt_builtin_map_handbook};
    enum tt_status status = TT_OK;
    if (strcmp(path, "handbook") != 0) {
        status = read_text(settings, path, &source, err);
    }
    struct tt_tree *tree = NULL;
    if (status == TT_OK) {
        status = tt_engine_parse(&source, &settings->arena, &tree, err);
    }
    if (status != TT_OK) {
        return status;
    }
    if (tt_record_map_compile(&settings->arena, tree, &settings->map, err) != TT_OK) {
        return tt_engine_place(&source, err);
    }
    uint32_t count = 0;
    const struct tt_attribute_spec *specs = tt_record_map_attributes(settings->map, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (settings->attribute_count == TT_ATTRIBUTES_MAX) {
            return tt_fail(err, TT_E_LIMIT, "%s: more than %d attributes", path, TT_ATTRIBUTES_MAX);
        }
        settings->attributes[settings->attribute_count++] = specs[i];
    }
    settings->schema.attribute_count = settings->attribute_count;
    return TT_OK;
}

/* The file of the command line, else of the configuration, else the built-in text. */
static enum tt_status pick(struct tt_settings *settings, const char *path, struct tt_str configured,
                           const char *name, struct tt_str builtin, struct tt_engine_source *ret,
                           struct tt_error *err)
{
    if (path == NULL) {
        path = configured.data;
    }
    if (path != NULL) {
        return read_text(settings, path, ret, err);
    }
    *ret = (struct tt_engine_source){.name = name, .text = builtin};
    return TT_OK;
}

enum tt_status tt_settings_engine(struct tt_settings *settings, const char *features,
                                  const char *rules, const char *detectors, struct tt_error *err)
{
    const struct tt_config *config = &settings->config;
    struct tt_engine_options options = {
        .attributes = settings->attributes,
        .attribute_count = settings->attribute_count,
        .rates = settings->rates.base != 0 ? &settings->rates : NULL,
        .host = &tt_outside,
    };
    if (!tt_cpu_find(config->cpu, &options.cpu)) {
        return tt_fail(err, TT_E_INVALID, "cpu: '%.*s' is not known", TT_STR_ARG(config->cpu));
    }
    options.without_rules = rules != NULL && strcmp(rules, "none") == 0;
    enum tt_status status = pick(settings, features, config->features_file, "features.yaml",
                                 tt_builtin_features, &options.features, err);
    if (status == TT_OK && !options.without_rules) {
        status = pick(settings, rules, config->rules_file, "rules/card.yaml", tt_builtin_rules,
                      &options.rules, err);
        options.rules.read_list = tt_rule_list_read;
        settings->rules = options.rules;
    }
    if (status == TT_OK) {
        status = pick(settings, detectors, config->detectors_file, "detectors.yaml",
                      tt_builtin_detectors, &options.detectors, err);
    }
    return status == TT_OK ? tt_engine_new(settings->alloc, &options, &settings->engine, err)
                           : status;
}

enum tt_status tt_settings_rules(struct tt_settings *settings, const char *features,
                                 const char *rules, struct tt_error *err)
{
    const struct tt_config *config = &settings->config;
    struct tt_engine_options options = {
        .attributes = settings->attributes,
        .attribute_count = settings->attribute_count,
        .rates = settings->rates.base != 0 ? &settings->rates : NULL,
        .host = &tt_outside,
        .without_setup = true,
    };
    enum tt_status status = pick(settings, features, config->features_file, "features.yaml",
                                 tt_builtin_features, &options.features, err);
    if (status == TT_OK) {
        status = pick(settings, rules, config->rules_file, "rules/card.yaml", tt_builtin_rules,
                      &options.rules, err);
        options.rules.read_list = tt_rule_list_read;
    }
    return status == TT_OK ? tt_engine_new(settings->alloc, &options, &settings->engine, err)
                           : status;
}

enum tt_status tt_settings_plan(struct tt_settings *settings, const char *features,
                                struct tt_plan **ret, struct tt_error *err)
{
    struct tt_engine_options options = {
        .attributes = settings->attributes,
        .attribute_count = settings->attribute_count,
        .rates = settings->rates.base != 0 ? &settings->rates : NULL,
    };
    enum tt_status status = pick(settings, features, settings->config.features_file,
                                 "features.yaml", tt_builtin_features, &options.features, err);
    return status == TT_OK ? tt_engine_plan(settings->alloc, &options, ret, err) : status;
}

enum tt_status tt_settings_find_data_dir(struct tt_settings *settings, const char **ret,
                                         struct tt_error *err)
{
    const char *folder = settings->config.data_dir.data;
    const char *state = getenv("STATE_DIRECTORY");
    const char *data = getenv("XDG_DATA_HOME");
    const char *home = getenv("HOME");
    if (folder == NULL && state != NULL && state[0] != '\0') {
        folder = state;
    }
    if (folder == NULL && data != NULL && data[0] != '\0') {
        folder = tt_settings_path(settings, data, "telltale");
    }
    if (folder == NULL && home != NULL && home[0] != '\0') {
        folder = tt_settings_path(settings, home, ".local/share/telltale");
    }
    if (folder == NULL) {
        return tt_fail(err, TT_E_INVALID, "no place for data: set data_dir");
    }
    *ret = folder;
    return TT_OK;
}

enum tt_status tt_settings_data_dir(struct tt_settings *settings, const char **ret,
                                    struct tt_error *err)
{
    enum tt_status status = tt_settings_find_data_dir(settings, ret, err);
    return status == TT_OK ? tt_folder_make(*ret, err) : status;
}
