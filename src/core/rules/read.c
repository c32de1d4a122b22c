/*
 * One rule of the file: its keys, typed and bounded. The condition is compiled by compile.c.
 */
#include <string.h>

#include "base/timetext.h"
#include "core/rules/set.h"

#define DESCRIPTION_SIZE_MAX 2000
#define OWNER_SIZE_MAX 128
#define TAGS_MAX 32
#define TAG_SIZE_MAX 64
#define SCORE_DEFAULT 0.5

static enum tt_status keep_text(struct tt_rules *set, struct tt_str text, struct tt_str *ret,
                                struct tt_error *err)
{
    char *copy = tt_arena_copy(&set->arena, text.data, text.size);
    if (copy == NULL) {
        return tt_rules_nomem(err);
    }
    *ret = (struct tt_str){copy, text.size};
    return TT_OK;
}

/* An optional text of at most size_max bytes, copied. */
static enum tt_status read_text(struct tt_rules *set, const struct tt_tree *node, size_t size_max,
                                struct tt_str *ret, struct tt_error *err)
{
    struct tt_str text = {0};
    if (node == NULL || node->kind == TT_TREE_NULL) {
        return TT_OK;
    }
    enum tt_status status = tt_tree_text(node, &text, err);
    if (status != TT_OK) {
        return status;
    }
    if (text.size > size_max) {
        return tt_fail_at(err, TT_E_LIMIT, node->line, node->column, 0, "more than %zu bytes",
                          size_max);
    }
    if (tt_str_utf8_check(text) < text.size) {
        return tt_fail_at(err, TT_E_SYNTAX, node->line, node->column, 0, "this is not UTF-8");
    }
    return keep_text(set, text, ret, err);
}

/* A key that must be there and be a text. */
static enum tt_status require(const struct tt_tree *rule, const char *key,
                              const struct tt_tree **ret, struct tt_error *err)
{
    struct tt_str text = {0};
    *ret = tt_tree_get(rule, key);
    if (*ret == NULL) {
        return tt_fail_at(err, TT_E_INVALID, rule->line, rule->column, 0, "a rule needs \"%s\"",
                          key);
    }
    return tt_tree_text(*ret, &text, err);
}

static enum tt_status read_id(struct tt_rules *set, const struct tt_tree *rule, struct tt_str *ret,
                              struct tt_error *err)
{
    const struct tt_tree *node = NULL;
    enum tt_status status = require(rule, "id", &node, err);
    if (status != TT_OK) {
        return status;
    }
    bool valid = node->text.size > 0 && node->text.size <= TT_RULE_ID_SIZE_MAX;
    for (size_t i = 0; valid && i < node->text.size; i++) {
        char c = node->text.data[i];
        valid = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    }
    if (!valid) {
        return tt_fail_at(err, TT_E_INVALID, node->line, node->column, 0,
                          "an id has 1 to %d of the characters a-z 0-9 and -", TT_RULE_ID_SIZE_MAX);
    }
    return keep_text(set, node->text, ret, err);
}

/* One word of a set; `words` are told in the message. */
static enum tt_status read_word(const struct tt_tree *node, const char *const *words, size_t count,
                                uint8_t *ret, struct tt_error *err)
{
    char all[96];
    size_t used = 0;
    struct tt_str text = {0};
    if (node == NULL) {
        return TT_OK;
    }
    enum tt_status status = tt_tree_text(node, &text, err);
    if (status != TT_OK) {
        return status;
    }
    for (size_t i = 0; i < count; i++) {
        if (tt_str_equal_text(text, words[i])) {
            *ret = (uint8_t)(i + 1);
            return TT_OK;
        }
        size_t size = strlen(words[i]);
        if (used + size + 2 < sizeof(all)) {
            memcpy(all + used, words[i], size);
            memcpy(all + used + size, ", ", 2);
            used += size + 2;
        }
    }
    int shown = text.size < 40 ? (int)text.size : 40;
    return tt_fail_at(err, TT_E_INVALID, node->line, node->column, 0, "\"%.*s\" is none of %.*s",
                      shown, text.data, (int)(used - 2), all);
}

static enum tt_status read_words(const struct tt_tree *node, struct tt_rule_info *info,
                                 struct tt_error *err)
{
    /* In the order of enum tt_severity, tt_verdict and tt_rule_mode, from 1. */
    static const char *const severities[] = {"low", "medium", "high", "critical"};
    static const char *const verdicts[] = {"allow", "review", "block"};
    static const char *const modes[] = {"live", "shadow", "off"};
    info->severity = TT_SEVERITY_MEDIUM;
    info->verdict = TT_ALLOW;
    info->mode = TT_RULE_LIVE;
    enum tt_status status = read_word(tt_tree_get(node, "severity"), severities,
                                      TT_ARRAY_SIZE(severities), &info->severity, err);
    if (status == TT_OK) {
        status = read_word(tt_tree_get(node, "decision"), verdicts, TT_ARRAY_SIZE(verdicts),
                           &info->verdict, err);
    }
    if (status == TT_OK) {
        status =
            read_word(tt_tree_get(node, "mode"), modes, TT_ARRAY_SIZE(modes), &info->mode, err);
    }
    return status;
}

static enum tt_status read_score(const struct tt_tree *node, double *ret, struct tt_error *err)
{
    double score = SCORE_DEFAULT;
    if (node != NULL) {
        enum tt_status status = tt_tree_double(node, &score, err);
        if (status != TT_OK) {
            return status;
        }
    }
    if (!(score >= 0.0 && score < 1.0)) {
        return tt_fail_at(err, TT_E_INVALID, node->line, node->column, 0,
                          "a score is at least 0 and below 1");
    }
    *ret = score;
    return TT_OK;
}

/* What it may cost people's time: it is stated and tested, and decides nothing. */
static enum tt_status read_budget(const struct tt_tree *node, double *ret, struct tt_error *err)
{
    double budget = __builtin_nan("");
    if (node != NULL) {
        enum tt_status status = tt_tree_double(node, &budget, err);
        if (status != TT_OK) {
            return status;
        }
        if (!(budget >= 0.0 && budget <= 1000.0)) {
            return tt_fail_at(err, TT_E_INVALID, node->line, node->column, 0,
                              "a budget is hits in a thousand transactions, 0 to 1000");
        }
    }
    *ret = budget;
    return TT_OK;
}

/* RFC 3339, or a date alone, which is its midnight in UTC. */
static enum tt_status read_time(const struct tt_tree *node, int64_t *ret_ms, struct tt_error *err)
{
    char midnight[] = "0000-00-00T00:00:00Z";
    struct tt_str text = {0};
    if (node == NULL || node->kind == TT_TREE_NULL) {
        return TT_OK;
    }
    enum tt_status status = tt_tree_text(node, &text, err);
    if (status != TT_OK) {
        return status;
    }
    if (text.size == 10) {
        memcpy(midnight, text.data, 10);
        text = tt_str_from(midnight);
    }
    status = tt_time_parse_rfc3339(text, ret_ms);
    if (status != TT_OK) {
        return tt_fail_at(err, status, node->line, node->column, 0,
                          "expected a time as 2026-03-01 or 2026-03-01T12:30:00Z");
    }
    return TT_OK;
}

static enum tt_status read_validity(const struct tt_tree *node, struct tt_rule_info *info,
                                    struct tt_error *err)
{
    const struct tt_tree *until = tt_tree_get(node, "valid_until");
    info->valid_from_ms = INT64_MIN;
    info->valid_until_ms = INT64_MAX;
    enum tt_status status = read_time(tt_tree_get(node, "valid_from"), &info->valid_from_ms, err);
    if (status == TT_OK) {
        status = read_time(until, &info->valid_until_ms, err);
    }
    if (status == TT_OK && info->valid_from_ms >= info->valid_until_ms) {
        return tt_fail_at(err, TT_E_INVALID, until->line, until->column, 0,
                          "valid_until is not after valid_from");
    }
    return status;
}

static enum tt_status read_tags(struct tt_rules *set, const struct tt_tree *node,
                                struct tt_rule_info *info, struct tt_error *err)
{
    if (node == NULL || node->kind == TT_TREE_NULL) {
        return TT_OK;
    }
    if (node->kind != TT_TREE_SEQUENCE) {
        return tt_fail_at(err, TT_E_TYPE, node->line, node->column, 0,
                          "tags: expected a sequence, not %s", tt_tree_kind_name(node));
    }
    if (node->child_count > TAGS_MAX) {
        return tt_fail_at(err, TT_E_LIMIT, node->line, node->column, 0, "more than %d tags",
                          TAGS_MAX);
    }
    struct tt_str *tags = tt_arena_new_array(&set->arena, node->child_count + 1u, sizeof(*tags));
    if (tags == NULL) {
        return tt_rules_nomem(err);
    }
    info->tags = tags;
    for (const struct tt_tree *tag = node->children; tag != NULL; tag = tag->next) {
        enum tt_status status = read_text(set, tag, TAG_SIZE_MAX, &tags[info->tag_count], err);
        if (status != TT_OK) {
            return status;
        }
        info->tag_count += tags[info->tag_count].data != NULL ? 1 : 0;
    }
    return TT_OK;
}

static enum tt_status check_keys(const struct tt_tree *node, struct tt_error *err)
{
    const struct tt_tree *limit = tt_tree_get(node, "limit");
    if (limit != NULL) {
        return tt_fail_at(err, TT_E_UNSUPPORTED, limit->key_line, limit->key_column, 0,
                          "\"limit\" is not supported");
    }
    return tt_rules_check_rule_keys(node, err);
}

enum tt_status tt_rules_read_rule(struct tt_rules *set, const struct tt_tree *node,
                                  struct tt_rule *rule, struct tt_error *err)
{
    struct tt_rule_info *info = &rule->info;
    const struct tt_tree *when = NULL;
    info->line = node->line;
    enum tt_status status = check_keys(node, err);
    if (status == TT_OK) {
        status = read_id(set, node, &info->id, err);
    }
    if (status == TT_OK) {
        status = require(node, "when", &when, err);
    }
    if (status == TT_OK) {
        status = keep_text(set, when->text, &info->when, err);
    }
    if (status == TT_OK) {
        status = read_text(set, tt_tree_get(node, "description"), DESCRIPTION_SIZE_MAX,
                           &info->description, err);
    }
    if (status == TT_OK) {
        status = read_text(set, tt_tree_get(node, "owner"), OWNER_SIZE_MAX, &info->owner, err);
    }
    if (status == TT_OK) {
        status = read_text(set, tt_tree_get(node, "rationale"), DESCRIPTION_SIZE_MAX,
                           &info->rationale, err);
    }
    if (status == TT_OK) {
        status = read_budget(tt_tree_get(node, "budget"), &info->budget, err);
    }
    if (status == TT_OK) {
        status = read_words(node, info, err);
    }
    if (status == TT_OK) {
        status = read_score(tt_tree_get(node, "score"), &info->score, err);
    }
    if (status == TT_OK) {
        status = read_validity(node, info, err);
    }
    if (status == TT_OK) {
        status = read_tags(set, tt_tree_get(node, "tags"), info, err);
    }
    if (status == TT_OK) {
        status = tt_rules_read_message(set, tt_tree_get(node, "message"), rule, err);
    }
    if (status == TT_OK) {
        status = tt_rules_read_tests(set, tt_tree_get(node, "tests"), rule, err);
    }
    return status;
}
