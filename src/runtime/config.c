/* See config.h. A file's tree is walked along the paths of the options; changes are made on a
 * copy of the struct, so that a file with a mistake changes nothing. */
#include "runtime/config.h"

#include <string.h>

#include "format/yaml.h"
#include "runtime/config_rows.h"

#define PATH_SIZE_MAX ((size_t)128)

const struct tt_option_row tt_option_rows[] = {
#define TT_OPTION(kind_, field_, path_, initial_, min_, max_, unit_, help_)                        \
    {.kind = TT_OPTION_KIND_##kind_,                                                               \
     .offset = offsetof(struct tt_config, field_),                                                 \
     .path = (path_),                                                                              \
     .initial = (initial_),                                                                        \
     .min = (min_),                                                                                \
     .max = (max_),                                                                                \
     .unit = (unit_),                                                                              \
     .help = (help_)},
#include "runtime/options.def"
#undef TT_OPTION
};
const size_t tt_option_count = TT_ARRAY_SIZE(tt_option_rows);
_Static_assert(TT_ARRAY_SIZE(tt_option_rows) <= TT_OPTION_COUNT_MAX,
               "more options than lists of names hold");

enum tt_status tt_config_init(struct tt_config *config, struct tt_arena *arena,
                              struct tt_error *err)
{
    struct tt_config fresh;
    memset(&fresh, 0, sizeof fresh);
    fresh.arena = arena;
    for (size_t i = 0; i < tt_option_count; i++) {
        const struct tt_option_row *row = &tt_option_rows[i];
        if (row->initial == NULL) {
            continue;
        }
        struct tt_tree node = {
            .kind = TT_TREE_SCALAR, .plain = true, .text = tt_str_from(row->initial)};
        enum tt_status status = tt_option_read(&fresh, row, &node, false, err);
        TT_ASSERT(status == TT_OK || status == TT_E_NOMEM);
        if (status != TT_OK) {
            return status;
        }
    }
    *config = fresh;
    return TT_OK;
}

static const struct tt_option_row *find_row(struct tt_str path)
{
    for (size_t i = 0; i < tt_option_count; i++) {
        if (tt_str_equal_text(path, tt_option_rows[i].path)) {
            return &tt_option_rows[i];
        }
    }
    return NULL;
}

/* Whether options lie below the path. */
static bool is_group(struct tt_str path)
{
    for (size_t i = 0; i < tt_option_count; i++) {
        struct tt_str known = tt_str_from(tt_option_rows[i].path);
        if (known.size > path.size && tt_str_starts_with(known, path) &&
            known.data[path.size] == '.') {
            return true;
        }
    }
    return false;
}

/* The option whose last name is that, when it is the only one. */
static const char *find_last_name(struct tt_str name)
{
    const char *found = NULL;
    for (size_t i = 0; i < tt_option_count; i++) {
        const char *dot = strrchr(tt_option_rows[i].path, '.');
        if (dot != NULL && tt_str_equal_text(name, dot + 1)) {
            if (found != NULL) {
                return NULL;
            }
            found = tt_option_rows[i].path;
        }
    }
    return found;
}

/* The known path a wrong one was probably meant to be: the nearest spelling of an option or of a
 * group, else the option of that name in another group. */
static const char *nearest_path(struct tt_str path, char group[PATH_SIZE_MAX])
{
    const char *names[TT_OPTION_COUNT_MAX];
    for (size_t i = 0; i < tt_option_count; i++) {
        names[i] = tt_option_rows[i].path;
    }
    const char *nearest = tt_str_nearest(path, names, tt_option_count);
    size_t best = nearest != NULL ? tt_str_distance(path, tt_str_from(nearest), 100) : 100;
    for (size_t i = 0; i < tt_option_count; i++) {
        const char *known = tt_option_rows[i].path;
        for (const char *dot = strchr(known, '.'); dot != NULL; dot = strchr(dot + 1, '.')) {
            struct tt_str prefix = {known, (size_t)(dot - known)};
            size_t distance = tt_str_distance(path, prefix, 100);
            if (distance < best && distance <= (path.size < 3 ? 1 : path.size / 3) &&
                prefix.size < PATH_SIZE_MAX) {
                best = distance;
                memcpy(group, prefix.data, prefix.size);
                group[prefix.size] = '\0';
                nearest = group;
            }
        }
    }
    if (nearest != NULL) {
        return nearest;
    }
    struct tt_str name = path;
    for (struct tt_str rest = path; rest.data != NULL;) {
        name = tt_str_split(&rest, '.');
    }
    return find_last_name(name);
}

static enum tt_status fail_unknown(struct tt_str path, uint32_t line, uint32_t column,
                                   struct tt_error *err)
{
    char group[PATH_SIZE_MAX];
    const char *nearest = nearest_path(path, group);
    return tt_fail_at(err, TT_E_UNKNOWN, line, column, 0, "unknown key \"%.*s\"%s%s%s",
                      TT_STR_ARG(tt_option_shown(path, 80)),
                      nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
                      nearest != NULL ? "\"?" : "");
}

static enum tt_status apply_option(struct tt_config *config, const struct tt_option_row *row,
                                   const struct tt_tree *node, struct tt_error *err)
{
    const struct tt_tree *resolved = node;
    bool hidden = false;
    struct tt_error reason;
    enum tt_status status = tt_reference_resolve(config->arena, node, &resolved, &hidden, &reason);
    if (status != TT_OK) {
        return tt_fail_at(err, status, reason.line, reason.column, 0, "%s: %s", row->path,
                          reason.message);
    }
    return tt_option_read(config, row, resolved, hidden, err);
}

/* The entries of a mapping; path is where it stands, "" at the root. */
static enum tt_status apply_group(struct tt_config *config, const struct tt_tree *group,
                                  struct tt_str path, struct tt_error *err)
{
    for (const struct tt_tree *entry = group->children; entry != NULL; entry = entry->next) {
        char text[2 * PATH_SIZE_MAX + 2];
        /* a key too long to be known is cut: it is reported, not found */
        struct tt_str key = entry->key;
        key.size = key.size < PATH_SIZE_MAX ? key.size : PATH_SIZE_MAX;
        struct tt_str full = {text, 0};
        if (path.size > 0) {
            memcpy(text, path.data, path.size);
            text[path.size] = '.';
            full.size = path.size + 1;
        }
        memcpy(text + full.size, key.data, key.size);
        full.size += key.size;
        /* a dot inside a key is no nesting */
        bool flat = memchr(key.data, '.', key.size) != NULL;
        const struct tt_option_row *row = flat ? NULL : find_row(full);
        enum tt_status status = TT_OK;
        if (row != NULL) {
            status = apply_option(config, row, entry, err);
        } else if (flat && find_row(full) != NULL) {
            status =
                tt_fail_at(err, TT_E_UNKNOWN, entry->key_line, entry->key_column, 0,
                           "unknown key \"%.*s\": write it as nested mappings", TT_STR_ARG(full));
        } else if (flat || !is_group(full)) {
            status = fail_unknown(full, entry->key_line, entry->key_column, err);
        } else if (entry->kind == TT_TREE_MAPPING) {
            status = apply_group(config, entry, full, err);
        } else if (entry->kind != TT_TREE_NULL) {
            status = tt_fail_at(err, TT_E_TYPE, entry->line, entry->column, 0,
                                "%.*s: expected a mapping of its keys, not a %s", TT_STR_ARG(full),
                                tt_tree_kind_name(entry));
        }
        if (status != TT_OK) {
            return status;
        }
    }
    return TT_OK;
}

enum tt_status tt_config_apply(struct tt_config *config, const struct tt_tree *root,
                               struct tt_error *err)
{
    if (root->kind == TT_TREE_NULL) {
        return TT_OK; /* an empty file: all defaults */
    }
    if (root->kind != TT_TREE_MAPPING) {
        return tt_fail_at(err, TT_E_TYPE, root->line, root->column, 0,
                          "expected a mapping of options, not a %s", tt_tree_kind_name(root));
    }
    struct tt_config next = *config;
    enum tt_status status = apply_group(&next, root, TT_STR(""), err);
    if (status == TT_OK) {
        *config = next;
    }
    return status;
}

/* "a,b" as a sequence of texts. */
static enum tt_status split_list(struct tt_arena *arena, struct tt_str value, struct tt_tree *ret,
                                 struct tt_error *err)
{
    struct tt_tree **end = &ret->children;
    ret->kind = TT_TREE_SEQUENCE;
    while (value.data != NULL) {
        struct tt_tree *item = tt_arena_new_array(arena, 1, sizeof *item);
        if (item == NULL) {
            return tt_fail(err, TT_E_NOMEM, "no memory for the configuration");
        }
        item->kind = TT_TREE_SCALAR;
        item->plain = true;
        item->text = tt_str_trim(tt_str_split(&value, ','));
        *end = item;
        end = &item->next;
        ret->child_count++;
    }
    return TT_OK;
}

/* The value of an assignment as a node: what the kind allows to be written on a command line. */
static enum tt_status value_node(struct tt_arena *arena, const struct tt_option_row *row,
                                 struct tt_str value, struct tt_tree *ret, struct tt_error *err)
{
    *ret = (struct tt_tree){.kind = TT_TREE_SCALAR, .plain = true, .text = value};
    if (value.size == 0 || tt_str_equal_text(value, "null")) {
        ret->kind = TT_TREE_NULL;
        return TT_OK;
    }
    bool flow = value.data[0] == '[' || value.data[0] == '{';
    if (row->kind == TT_OPTION_KIND_LIST && !flow) {
        return split_list(arena, value, ret, err);
    }
    if (!flow || (row->kind != TT_OPTION_KIND_LIST && row->kind != TT_OPTION_KIND_TREE)) {
        return TT_OK;
    }
    struct tt_tree *parsed = NULL;
    struct tt_error reason;
    enum tt_status status = tt_yaml_parse(arena, value, &parsed, &reason);
    if (status != TT_OK) {
        return tt_fail(err, status, "%s: %s", row->path, reason.message);
    }
    *ret = *parsed;
    return TT_OK;
}

enum tt_status tt_config_set(struct tt_config *config, struct tt_str assignment,
                             struct tt_error *err)
{
    if (tt_str_utf8_check(assignment) != assignment.size) {
        return tt_fail(err, TT_E_INVALID, "expected path=value in UTF-8");
    }
    struct tt_str value = assignment;
    struct tt_str path = tt_str_trim(tt_str_split(&value, '='));
    if (value.data == NULL || path.size == 0) {
        return tt_fail(err, TT_E_SYNTAX, "expected path=value, not \"%.*s\"",
                       TT_STR_ARG(tt_option_shown(path, 80)));
    }
    const struct tt_option_row *row = find_row(path);
    if (row == NULL) {
        return is_group(path) ? tt_fail(err, TT_E_TYPE, "%.*s is a group of keys; set one of them",
                                        TT_STR_ARG(path))
                              : fail_unknown(path, 0, 0, err);
    }
    struct tt_tree *node = tt_arena_new_array(config->arena, 1, sizeof *node);
    if (node == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for the configuration");
    }
    value = tt_str_trim(value);
    char *copy = tt_arena_copy(config->arena, value.data, value.size);
    if (copy == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for the configuration");
    }
    value.data = copy;
    enum tt_status status = value_node(config->arena, row, value, node, err);
    if (status != TT_OK) {
        return status;
    }
    struct tt_error reason = {0};
    status = tt_option_read(config, row, node, false, &reason);
    return status == TT_OK ? TT_OK : tt_fail(err, status, "%s", reason.message);
}

bool tt_config_has_service(const struct tt_config *config, const char *name)
{
    for (size_t i = 0; i < config->services.count; i++) {
        struct tt_str service = config->services.items[i];
        if (tt_str_equal_text(service, "all") || tt_str_equal_text(service, name)) {
            return true;
        }
    }
    return false;
}
