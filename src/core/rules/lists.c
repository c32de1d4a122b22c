/*
 * Named lists. All entries of a list get one type: int, double or bool when every entry is written
 * as one without quotes (a leading zero makes a text: category codes), else text.
 */
#include <string.h>

#include "base/number.h"
#include "core/rules/set.h"

static bool has_leading_zero(struct tt_str text)
{
    return text.size > 1 && text.data[0] == '0' && text.data[1] >= '0' && text.data[1] <= '9';
}

/* The type an entry could have by itself. */
static enum tt_type entry_type(const struct tt_tree *entry)
{
    int64_t integer = 0;
    double number = 0.0;
    if (!entry->plain || has_leading_zero(entry->text)) {
        return TT_TYPE_STRING;
    }
    if (tt_str_equal_text(entry->text, "true") || tt_str_equal_text(entry->text, "false")) {
        return TT_TYPE_BOOL;
    }
    if (tt_int64_parse(entry->text, &integer)) {
        return TT_TYPE_INT;
    }
    return tt_double_parse(entry->text, &number) ? TT_TYPE_DOUBLE : TT_TYPE_STRING;
}

static enum tt_type join_types(enum tt_type a, enum tt_type b)
{
    if (a == b) {
        return a;
    }
    bool numbers =
        (a == TT_TYPE_INT || a == TT_TYPE_DOUBLE) && (b == TT_TYPE_INT || b == TT_TYPE_DOUBLE);
    return numbers ? TT_TYPE_DOUBLE : TT_TYPE_STRING;
}

static struct tt_value entry_value(const struct tt_tree *entry, enum tt_type type)
{
    int64_t integer = 0;
    double number = 0.0;
    switch (type) {
    case TT_TYPE_BOOL:
        return tt_value_bool(entry->text.data[0] == 't');
    case TT_TYPE_INT:
        return tt_int64_parse(entry->text, &integer) ? tt_value_int(integer)
                                                     : tt_value_none(TT_VALUE_RANGE);
    case TT_TYPE_DOUBLE:
        return tt_double_parse(entry->text, &number) ? tt_value_double(number)
                                                     : tt_value_none(TT_VALUE_RANGE);
    default:
        return tt_value_text(entry->text);
    }
}

static enum tt_status check_entries(const struct tt_tree *list, enum tt_type *ret_type,
                                    struct tt_error *err)
{
    enum tt_type type = TT_TYPE_NONE;
    if (list->kind != TT_TREE_SEQUENCE) {
        return tt_fail_at(err, TT_E_TYPE, list->line, list->column, 0,
                          "a list: expected a sequence, not %s", tt_tree_kind_name(list));
    }
    if (list->child_count > TT_LIST_COUNT_MAX) {
        return tt_fail_at(err, TT_E_LIMIT, list->line, list->column, 0,
                          "a list of more than %d entries", TT_LIST_COUNT_MAX);
    }
    for (const struct tt_tree *entry = list->children; entry != NULL; entry = entry->next) {
        if (entry->kind != TT_TREE_SCALAR) {
            return tt_fail_at(err, TT_E_TYPE, entry->line, entry->column, 0,
                              "an entry of a list: expected a text or number, not %s",
                              tt_tree_kind_name(entry));
        }
        if (tt_str_utf8_check(entry->text) < entry->text.size) {
            return tt_fail_at(err, TT_E_SYNTAX, entry->line, entry->column, 0, "this is not UTF-8");
        }
        type = type == TT_TYPE_NONE ? entry_type(entry) : join_types(type, entry_type(entry));
    }
    *ret_type = type;
    return TT_OK;
}

/* Order and types of the entries decide nothing but membership; they count all the same. */
static void mix_list(struct tt_rules *set, const struct tt_tree *list, enum tt_type type)
{
    uint8_t kind = (uint8_t)type;
    tt_rules_mix(set, list->key.data, list->key.size);
    tt_rules_mix(set, &kind, 1);
    for (const struct tt_tree *entry = list->children; entry != NULL; entry = entry->next) {
        tt_rules_mix(set, entry->text.data, entry->text.size);
    }
}

static enum tt_status build_list(struct tt_rules *set, const struct tt_tree *list,
                                 enum tt_type type, struct tt_list **ret, struct tt_error *err)
{
    size_t count = list->child_count;
    struct tt_value *items = tt_new_array(set->alloc, count + 1, sizeof(*items));
    size_t filled = 0;
    if (items == NULL) {
        return tt_rules_nomem(err);
    }
    for (const struct tt_tree *entry = list->children; entry != NULL; entry = entry->next) {
        items[filled++] = entry_value(entry, type);
    }
    enum tt_status status = tt_list_new(set->alloc, items, filled, ret, err);
    tt_delete(set->alloc, items, (count + 1) * sizeof(*items));
    return status;
}

/* --- lists that stand elsewhere --- */

#define OUTSIDE_BLOCK_SIZE 65536
#define OUTSIDE_SIZE_MAX ((size_t)256 << 20)

struct outside {
    const struct tt_tree *list;
    struct tt_str file, column;
    enum tt_type type;
};

static enum tt_status fail_list(const struct tt_tree *node, enum tt_status status,
                                const char *message, struct tt_error *err)
{
    return tt_fail_at(err, status, node->line, node->column, 0, "%s", message);
}

/* {file: …, column: …, type: text | number}. */
static enum tt_status read_source(const struct tt_tree *list, struct outside *ret,
                                  struct tt_error *err)
{
    static const char *const keys[] = {"file", "column", "type"};
    const struct tt_tree *file = tt_tree_get(list, "file");
    const struct tt_tree *column = tt_tree_get(list, "column");
    const struct tt_tree *type = tt_tree_get(list, "type");
    struct tt_str word = TT_STR("text");
    *ret = (struct outside){.list = list, .column = {NULL, 0}};
    enum tt_status status = tt_tree_check_keys(list, keys, TT_ARRAY_SIZE(keys), err);
    if (status == TT_OK && file == NULL) {
        return fail_list(list, TT_E_INVALID, "a list from elsewhere needs \"file\"", err);
    }
    if (status == TT_OK) {
        status = tt_tree_text(file, &ret->file, err);
    }
    if (status == TT_OK && column != NULL) {
        status = tt_tree_text(column, &ret->column, err);
    }
    if (status == TT_OK && type != NULL) {
        status = tt_tree_text(type, &word, err);
    }
    ret->type = tt_str_equal_text(word, "number") ? TT_TYPE_DOUBLE : TT_TYPE_STRING;
    if (status == TT_OK && ret->type == TT_TYPE_STRING && !tt_str_equal_text(word, "text")) {
        return fail_list(type, TT_E_INVALID, "the type of a list is text or number", err);
    }
    return status;
}

/* Entries to values; mixes them into the identity, as those of the file are. */
static enum tt_status take_entries(struct tt_rules *set, const struct outside *outside,
                                   const struct tt_str *entries, size_t count,
                                   struct tt_value *items, struct tt_error *err)
{
    uint8_t kind = (uint8_t)outside->type;
    tt_rules_mix(set, outside->list->key.data, outside->list->key.size);
    tt_rules_mix(set, &kind, 1);
    for (size_t i = 0; i < count; i++) {
        double number = 0.0;
        bool text = outside->type == TT_TYPE_STRING;
        bool good = text ? tt_str_utf8_check(entries[i]) == entries[i].size
                         : tt_double_parse(entries[i], &number);
        if (!good) {
            return tt_fail_at(err, TT_E_INVALID, outside->list->line, outside->list->column, 0,
                              "entry %zu of \"%.*s\" is not %s", i + 1, TT_STR_ARG(outside->file),
                              text ? "UTF-8" : "a number");
        }
        items[i] = text ? tt_value_text(entries[i]) : tt_value_double(number);
        tt_rules_mix(set, entries[i].data, entries[i].size);
    }
    return TT_OK;
}

static enum tt_status build_outside(struct tt_rules *set, const struct outside *outside,
                                    struct tt_arena *arena, struct tt_list **ret,
                                    struct tt_error *err)
{
    struct tt_str *entries = NULL;
    struct tt_error inner = {0};
    size_t count = 0;
    enum tt_status status = set->files->read(set->files->ctx, outside->file, outside->column, arena,
                                             &entries, &count, &inner);
    if (status != TT_OK) {
        return status == TT_E_NOMEM ? tt_rules_nomem(err)
                                    : fail_list(outside->list, status, inner.message, err);
    }
    if (count > TT_LIST_COUNT_MAX) {
        return tt_fail_at(err, TT_E_LIMIT, outside->list->line, outside->list->column, 0,
                          "a list of more than %d entries", TT_LIST_COUNT_MAX);
    }
    struct tt_value *items = tt_arena_new_array(arena, count + 1, sizeof(*items));
    if (items == NULL) {
        return tt_rules_nomem(err);
    }
    status = take_entries(set, outside, entries, count, items, err);
    return status == TT_OK ? tt_list_new(set->alloc, items, count, ret, err) : status;
}

static enum tt_status read_outside(struct tt_rules *set, const struct tt_tree *list,
                                   struct tt_list **ret, struct tt_error *err)
{
    struct outside outside;
    struct tt_arena arena;
    enum tt_status status = read_source(list, &outside, err);
    if (status == TT_OK && set->files == NULL) {
        return fail_list(list, TT_E_UNSUPPORTED,
                         "a list from elsewhere is only for rule files the program starts with",
                         err);
    }
    if (status != TT_OK) {
        return status;
    }
    tt_arena_init(&arena, set->alloc, OUTSIDE_BLOCK_SIZE, OUTSIDE_SIZE_MAX);
    status = build_outside(set, &outside, &arena, ret, err);
    tt_arena_deinit(&arena);
    return status;
}

/* --- all of them --- */

static enum tt_status read_inline(struct tt_rules *set, const struct tt_tree *list,
                                  struct tt_list **ret, struct tt_error *err)
{
    enum tt_type type = TT_TYPE_NONE;
    enum tt_status status = check_entries(list, &type, err);
    if (status == TT_OK) {
        status = build_list(set, list, type, ret, err);
    }
    if (status == TT_OK) {
        mix_list(set, list, type);
    }
    return status;
}

static enum tt_status read_list(struct tt_rules *set, const struct tt_tree *list,
                                struct tt_error *err)
{
    struct tt_error name_err = {0};
    struct tt_list *compiled = NULL;
    enum tt_status status = list->kind == TT_TREE_MAPPING ? read_outside(set, list, &compiled, err)
                                                          : read_inline(set, list, &compiled, err);
    if (status != TT_OK) {
        return status;
    }
    set->lists[set->list_count++] = compiled;
    struct tt_value value = {.type = TT_TYPE_LIST, .list = compiled};
    status = tt_expr_env_add_value(set->env, list->key, &value, &name_err);
    if (status != TT_OK) {
        return tt_fail_at(err, status, list->key_line, list->key_column, 0, "%s", name_err.message);
    }
    return TT_OK;
}

enum tt_status tt_rules_read_lists(struct tt_rules *set, const struct tt_tree *lists,
                                   struct tt_error *err)
{
    if (lists == NULL || lists->kind == TT_TREE_NULL) {
        return TT_OK;
    }
    if (lists->kind != TT_TREE_MAPPING) {
        return tt_fail_at(err, TT_E_TYPE, lists->line, lists->column, 0,
                          "lists: expected a mapping, not %s", tt_tree_kind_name(lists));
    }
    if (lists->child_count > TT_RULE_LISTS_MAX) {
        return tt_fail_at(err, TT_E_LIMIT, lists->line, lists->column, 0, "more than %d lists",
                          TT_RULE_LISTS_MAX);
    }
    set->lists = tt_arena_new_array(&set->arena, lists->child_count + 1u, sizeof(struct tt_list *));
    if (set->lists == NULL) {
        return tt_rules_nomem(err);
    }
    for (const struct tt_tree *list = lists->children; list != NULL; list = list->next) {
        enum tt_status status = read_list(set, list, err);
        if (status != TT_OK) {
            return status;
        }
    }
    return TT_OK;
}
