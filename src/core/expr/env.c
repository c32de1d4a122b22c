/*
 * The environment: names with slots, constants and aliases, on top of a parent's.
 *
 * Entries are single allocations with their texts behind them, found through a hash map and, by
 * slot or for "did you mean", through an array in order of declaration.
 */
#include "core/expr/env.h"

#include <string.h>

#include "base/map.h"
#include "core/expr/lex.h"

#define ENTRIES_MAX 4096

struct tt_expr_env {
    const struct tt_alloc *alloc;
    const struct tt_expr_env *parent;
    const struct tt_expr_host *host;
    struct tt_map map;
    struct tt_env_name **entries;
    size_t count, capacity;
    uint32_t slot_count; /* the parents' included */
};

/* Names come from configuration files, not from customers: a fixed key will do. */
static const struct tt_hash_key name_key = {0x6e616d6573206f66, 0x2065787072657373};

static bool entry_equal(const void *item, const void *key)
{
    const struct tt_env_name *entry = item;
    const struct tt_str *name = key;
    return tt_str_equal(entry->name, *name);
}

static uint64_t name_hash(struct tt_str name)
{
    return tt_hash64(&name_key, name.data, name.size);
}

static size_t entry_size(const struct tt_env_name *entry)
{
    return sizeof(*entry) + entry->name.size + 1 + entry->alias.size + 1;
}

enum tt_status tt_expr_env_new(const struct tt_alloc *alloc, const struct tt_expr_env *parent,
                               struct tt_expr_env **ret, struct tt_error *err)
{
    struct tt_expr_env *env = tt_new(alloc, sizeof(*env));
    if (env == NULL) {
        return tt_fail(err, TT_E_NOMEM, "out of memory");
    }
    *env = (struct tt_expr_env){.alloc = alloc, .parent = parent};
    env->slot_count = parent == NULL ? 0 : parent->slot_count;
    tt_map_init(&env->map, alloc, entry_equal, ENTRIES_MAX);
    *ret = env;
    return TT_OK;
}

void tt_expr_env_free(struct tt_expr_env *env)
{
    if (env == NULL) {
        return;
    }
    for (size_t i = 0; i < env->count; i++) {
        tt_delete(env->alloc, env->entries[i], entry_size(env->entries[i]));
    }
    tt_delete(env->alloc, env->entries, env->capacity * sizeof(struct tt_env_name *));
    tt_map_deinit(&env->map);
    tt_delete(env->alloc, env, sizeof(*env));
}

const struct tt_env_name *tt_env_find(const struct tt_expr_env *env, struct tt_str name)
{
    uint64_t hash = name_hash(name);
    for (; env != NULL; env = env->parent) {
        const struct tt_env_name *entry = tt_map_get(&env->map, hash, &name);
        if (entry != NULL) {
            return entry;
        }
    }
    return NULL;
}

void tt_expr_env_set_host(struct tt_expr_env *env, const struct tt_expr_host *host)
{
    env->host = host;
}

const struct tt_expr_host *tt_env_host(const struct tt_expr_env *env)
{
    while (env != NULL && env->host == NULL) {
        env = env->parent;
    }
    return env == NULL ? NULL : env->host;
}

static enum tt_status check_name(const struct tt_expr_env *env, struct tt_str name,
                                 struct tt_error *err)
{
    int shown = name.size < TT_EXPR_NAME_SIZE_MAX ? (int)name.size : TT_EXPR_NAME_SIZE_MAX;
    if (!tt_lexer_is_name(name)) {
        return tt_fail(err, TT_E_INVALID,
                       "'%.*s' cannot be a name: letters, digits and _, not a digit first, at most "
                       "%d characters, no reserved word",
                       shown, name.data == NULL ? "" : name.data, TT_EXPR_NAME_SIZE_MAX);
    }
    if (tt_env_find(env, name) != NULL) {
        return tt_fail(err, TT_E_CONFLICT, "the name '%.*s' is taken", shown, name.data);
    }
    if (env->count >= ENTRIES_MAX) {
        return tt_fail(err, TT_E_LIMIT, "more than %d names", ENTRIES_MAX);
    }
    return TT_OK;
}

static enum tt_status reserve(struct tt_expr_env *env)
{
    if (env->count < env->capacity) {
        return TT_OK;
    }
    size_t capacity = env->capacity == 0 ? 16 : env->capacity * 2;
    struct tt_env_name **entries =
        tt_resize(env->alloc, env->entries, env->capacity * sizeof(struct tt_env_name *),
                  capacity * sizeof(struct tt_env_name *));
    if (entries == NULL) {
        return TT_E_NOMEM;
    }
    env->entries = entries;
    env->capacity = capacity;
    return TT_OK;
}

/* Copies the entry with its texts and files it. */
static enum tt_status add_entry(struct tt_expr_env *env, const struct tt_env_name *draft,
                                struct tt_error *err)
{
    enum tt_status status = check_name(env, draft->name, err);
    if (status != TT_OK) {
        return status;
    }
    struct tt_env_name *entry = NULL;
    if (reserve(env) == TT_OK) {
        entry = tt_new(env->alloc, entry_size(draft));
    }
    if (entry == NULL) {
        return tt_fail(err, TT_E_NOMEM, "out of memory");
    }
    *entry = *draft;
    char *text = (char *)(entry + 1);
    memcpy(text, draft->name.data, draft->name.size);
    text[draft->name.size] = '\0';
    entry->name.data = text;
    text += draft->name.size + 1;
    if (draft->alias.size > 0) {
        memcpy(text, draft->alias.data, draft->alias.size);
    }
    text[draft->alias.size] = '\0';
    entry->alias.data = text;
    if (tt_map_put(&env->map, name_hash(entry->name), entry) != TT_OK) {
        tt_delete(env->alloc, entry, entry_size(entry));
        return tt_fail(err, TT_E_NOMEM, "out of memory");
    }
    env->entries[env->count++] = entry;
    return TT_OK;
}

enum tt_status tt_expr_env_add(struct tt_expr_env *env, struct tt_str name, enum tt_type type,
                               uint32_t *ret_slot, struct tt_error *err)
{
    struct tt_env_name draft = {.kind = TT_ENV_SLOT, .type = (uint8_t)type, .name = name};
    TT_ASSERT(type > TT_TYPE_NONE && type < TT_TYPE_COUNT);
    if (env->slot_count >= TT_EXPR_SLOTS_MAX) {
        return tt_fail(err, TT_E_LIMIT, "more than %d names with a value", TT_EXPR_SLOTS_MAX);
    }
    draft.slot = env->slot_count;
    enum tt_status status = add_entry(env, &draft, err);
    if (status == TT_OK) {
        env->slot_count++;
        *ret_slot = draft.slot;
    }
    return status;
}

enum tt_status tt_expr_env_add_value(struct tt_expr_env *env, struct tt_str name,
                                     const struct tt_value *value, struct tt_error *err)
{
    struct tt_env_name draft = {.kind = TT_ENV_VALUE, .name = name, .value = *value};
    TT_ASSERT(value->type != TT_TYPE_NONE);
    return add_entry(env, &draft, err);
}

enum tt_status tt_expr_env_add_alias(struct tt_expr_env *env, struct tt_str name,
                                     struct tt_str text, struct tt_error *err)
{
    struct tt_env_name draft = {.kind = TT_ENV_ALIAS, .name = name, .alias = text};
    if (text.size > TT_EXPR_TEXT_SIZE_MAX) {
        return tt_fail(err, TT_E_LIMIT, "more than %d bytes of text", TT_EXPR_TEXT_SIZE_MAX);
    }
    return add_entry(env, &draft, err);
}

uint32_t tt_expr_env_slot_count(const struct tt_expr_env *env)
{
    return env->slot_count;
}

bool tt_expr_env_find(const struct tt_expr_env *env, struct tt_str name, uint32_t *ret_slot,
                      enum tt_type *ret_type)
{
    const struct tt_env_name *entry = tt_env_find(env, name);
    if (entry == NULL || entry->kind != TT_ENV_SLOT) {
        return false;
    }
    *ret_slot = entry->slot;
    if (ret_type != NULL) {
        *ret_type = (enum tt_type)entry->type;
    }
    return true;
}

struct tt_str tt_expr_env_slot_name(const struct tt_expr_env *env, uint32_t slot)
{
    for (; env != NULL; env = env->parent) {
        for (size_t i = 0; i < env->count; i++) {
            if (env->entries[i]->kind == TT_ENV_SLOT && env->entries[i]->slot == slot) {
                return env->entries[i]->name;
            }
        }
    }
    TT_ASSERT(false); /* the slot is of another environment */
    return (struct tt_str){0};
}

const char *tt_expr_env_nearest(const struct tt_expr_env *env, struct tt_str name)
{
    size_t best = name.size / 3 + 1 < 2 ? 2 : name.size / 3 + 1;
    const char *nearest = NULL;
    for (; env != NULL; env = env->parent) {
        for (size_t i = 0; i < env->count; i++) {
            size_t distance = tt_str_distance(name, env->entries[i]->name, best);
            if (distance < best) {
                best = distance;
                nearest = env->entries[i]->name.data;
            }
        }
    }
    return nearest;
}
