/*
 * Sentences about a hit: the message template, and the names with the values the rule saw.
 *
 * A template is text with {name} places; {{ and }} are the braces themselves.
 */
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "core/rules/set.h"

#define MESSAGE_SIZE_MAX 500
#define DECIMALS_BELOW 1e15

/* The slot of a {name} that starts at that offset. */
static enum tt_status find_slot(struct tt_rules *set, const struct tt_tree *node, size_t offset,
                                struct tt_str name, uint32_t *ret, struct tt_error *err)
{
    if (tt_expr_env_find(set->env, name, ret, NULL)) {
        return TT_OK;
    }
    const char *nearest = tt_expr_env_nearest(set->env, name);
    int shown = name.size < 64 ? (int)name.size : 64;
    char message[200];
    (void)snprintf(message, sizeof(message), "unknown name '%.*s' in the message%s%s%s", shown,
                   name.data, nearest != NULL ? "; did you mean '" : "",
                   nearest != NULL ? nearest : "", nearest != NULL ? "'?" : "");
    return tt_rules_fail_in(node, offset, TT_E_UNKNOWN, message, err);
}

/* Cuts the next part off *at: text up to a brace, then the place behind it. */
static enum tt_status next_part(struct tt_rules *set, const struct tt_tree *node,
                                struct tt_str text, size_t *at, struct tt_message_part *part,
                                struct tt_error *err)
{
    size_t start = *at;
    size_t end = start;
    while (end < text.size && text.data[end] != '{' && text.data[end] != '}') {
        end++;
    }
    *part = (struct tt_message_part){{text.data + start, end - start}, TT_RULE_SLOT_NONE};
    *at = end;
    if (end == text.size) {
        return TT_OK;
    }
    if (end + 1 < text.size && text.data[end + 1] == text.data[end]) {
        part->text.size++; /* one of two braces */
        *at = end + 2;
        return TT_OK;
    }
    const char *close = memchr(text.data + end, '}', text.size - end);
    if (text.data[end] == '}' || close == NULL) {
        return tt_rules_fail_in(node, end, TT_E_SYNTAX,
                                "a brace without its other; for a brace write {{ or }}", err);
    }
    struct tt_str name = {text.data + end + 1, (size_t)(close - text.data) - end - 1};
    *at = (size_t)(close - text.data) + 1;
    return find_slot(set, node, end + 1, name, &part->slot, err);
}

enum tt_status tt_rules_read_message(struct tt_rules *set, const struct tt_tree *node,
                                     struct tt_rule *rule, struct tt_error *err)
{
    struct tt_str text = {0};
    size_t at = 0;
    if (node == NULL || node->kind == TT_TREE_NULL) {
        return TT_OK;
    }
    enum tt_status status = tt_tree_text(node, &text, err);
    if (status != TT_OK) {
        return status;
    }
    if (text.size > MESSAGE_SIZE_MAX) {
        return tt_fail_at(err, TT_E_LIMIT, node->line, node->column, 0,
                          "a message of more than %d bytes", MESSAGE_SIZE_MAX);
    }
    size_t valid = tt_str_utf8_check(text);
    if (valid < text.size) {
        return tt_rules_fail_in(node, valid, TT_E_SYNTAX, "this is not UTF-8", err);
    }
    const char *copy = tt_arena_copy(&set->arena, text.data, text.size);
    rule->parts = tt_arena_new_array(&set->arena, text.size + 1, sizeof(*rule->parts));
    if (copy == NULL || rule->parts == NULL) {
        return tt_rules_nomem(err);
    }
    text.data = copy;
    while (status == TT_OK && at < text.size) {
        status = next_part(set, node, text, &at, &rule->parts[rule->part_count++], err);
    }
    return status;
}

/* A value as people write it: 412.50, 7, online. */
static void append_value(const struct tt_value *value, struct tt_buf *buf)
{
    if (value->type == TT_TYPE_NONE) {
        (void)tt_buf_append_text(buf, "unknown");
    } else if (value->type == TT_TYPE_STRING) {
        (void)tt_buf_append_str(buf, value->text);
    } else if (value->type != TT_TYPE_DOUBLE) {
        (void)tt_value_print(value, buf);
    } else if (!(__builtin_fabs(value->number) < DECIMALS_BELOW)) {
        char text[TT_NUMBER_TEXT_SIZE];
        (void)tt_buf_append(buf, text, tt_double_format(value->number, text));
    } else {
        double whole = (double)(int64_t)value->number;
        bool is_whole = whole <= value->number && whole >= value->number;
        (void)tt_buf_append_format(buf, "%.*f", is_whole ? 0 : 2, value->number);
    }
}

enum tt_status tt_rules_message(const struct tt_rules *set, uint32_t index,
                                const struct tt_value *slots, struct tt_buf *buf)
{
    TT_ASSERT(index < set->count);
    const struct tt_rule *rule = &set->rules[index];
    if (rule->parts == NULL) {
        bool described = rule->info.description.data != NULL;
        return tt_buf_append_str(buf, described ? rule->info.description : rule->info.when);
    }
    for (uint32_t i = 0; i < rule->part_count; i++) {
        (void)tt_buf_append_str(buf, rule->parts[i].text);
        if (rule->parts[i].slot != TT_RULE_SLOT_NONE) {
            append_value(&slots[rule->parts[i].slot], buf);
        }
    }
    return buf->status;
}

enum tt_status tt_rules_evidence(const struct tt_rules *set, uint32_t index,
                                 const struct tt_value *slots, struct tt_buf *buf)
{
    TT_ASSERT(index < set->count);
    const struct tt_rule_info *info = &set->rules[index].info;
    for (uint32_t i = 0; i < info->slot_count; i++) {
        (void)tt_buf_append_text(buf, i == 0 ? "" : ", ");
        (void)tt_buf_append_str(buf, tt_expr_env_slot_name(set->env, info->slots[i]));
        (void)tt_buf_append_char(buf, '=');
        append_value(&slots[info->slots[i]], buf);
    }
    return buf->status;
}
