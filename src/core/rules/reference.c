/* The reference page and the JSON Schema of rule files, from the tables. */
#include "core/rules/set.h"

struct key_row {
    const char *key;
    bool needed;
    const char *schema, *help;
};

#define TT_RULE_KEY(key, needed, schema, help) {key, needed, schema, help},
static const struct key_row rows[] = {
#include "core/rules/rule_keys.def"
};
#undef TT_RULE_KEY

enum tt_status tt_rules_docs(struct tt_buf *buf)
{
    tt_buf_append_text(
        buf,
        "# Rule files\n\nMade from `src/core/rules/rule_keys.def` and "
        "`src/core/expr/funcs/funcs.def` by `telltale config docs`; the same as JSON Schema, for "
        "editors: [rules.schema.json](rules.schema.json). How to begin: "
        "[the guide](../guide/rules.md).\n\nA file has `rules:` (a sequence), `lists:` (names of "
        "constant lists, for `in`) and `conditions:` (names of conditions that rules use).\n\n"
        "## A list\n\nA sequence of entries, or `{file: blocked.txt}`: a text a line, empty lines "
        "and those "
        "that begin with `#` left out; or `{file: table.csv, column: merchant_id}`: a column of a "
        "CSV "
        "file with a header. `type: number` makes them numbers. Paths are relative to the rule "
        "file, "
        "and only rule files the program starts with may name any.\n\n"
        "## A rule\n\n| key | what |\n| --- | --- |\n");
    for (size_t i = 0; i < TT_ARRAY_SIZE(rows); i++) {
        tt_buf_append_format(buf, "| `%s` | %s%s |\n", rows[i].key, rows[i].help,
                             rows[i].needed ? " Needed." : "");
    }
    tt_buf_append_format(
        buf,
        "\n## Limits\n\n| what | at most |\n| --- | --- |\n| rules | %d |\n| lists | "
        "%d |\n| entries of a list | %d |\n| conditions | %d |\n| tests of a rule | "
        "%d |\n| bytes of a condition | %d |\n| levels of nesting | %d |\n| cost of "
        "an evaluation | %d |\n\nThe cost counts instructions, what functions say "
        "they cost and the items they go over; past it an evaluation is an error, "
        "as a missing value is.\n\n## Functions\n\n",
        TT_RULES_MAX, TT_RULE_LISTS_MAX, TT_LIST_COUNT_MAX, TT_RULE_CONDITIONS_MAX,
        TT_RULE_TESTS_MAX, TT_EXPR_TEXT_SIZE_MAX, TT_EXPR_DEPTH_MAX, TT_EXPR_COST_DEFAULT);
    return tt_expr_functions_docs(buf);
}

enum tt_status tt_rules_schema(struct tt_buf *buf)
{
    tt_buf_append_text(
        buf,
        "{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
        "  \"title\": \"A rule file of Telltale\",\n  \"type\": \"object\",\n"
        "  \"additionalProperties\": false,\n  \"properties\": {\n"
        "    \"lists\": {\"type\": [\"object\", \"null\"], \"additionalProperties\": {\"anyOf\": "
        "[\n"
        "      {\"type\": \"array\", \"items\": {\"type\": [\"string\", \"number\", "
        "\"boolean\"]}},\n"
        "      {\"type\": \"object\", \"required\": [\"file\"], \"additionalProperties\": false,\n"
        "       \"properties\": {\"file\": {\"type\": \"string\"}, \"column\": {\"type\": "
        "\"string\"},\n"
        "                      \"type\": {\"enum\": [\"text\", \"number\"]}}}]}},\n"
        "    \"conditions\": {\"type\": [\"object\", \"null\"], \"additionalProperties\": "
        "{\"type\": [\"string\", \"boolean\"]}},\n"
        "    \"rules\": {\"type\": [\"array\", \"null\"], \"items\": {\n"
        "      \"type\": \"object\",\n      \"additionalProperties\": false,\n"
        "      \"required\": [");
    bool first = true;
    for (size_t i = 0; i < TT_ARRAY_SIZE(rows); i++) {
        if (rows[i].needed) {
            tt_buf_append_format(buf, "%s\"%s\"", first ? "" : ", ", rows[i].key);
            first = false;
        }
    }
    tt_buf_append_text(buf, "],\n      \"properties\": {\n");
    for (size_t i = 0; i < TT_ARRAY_SIZE(rows); i++) {
        tt_buf_append_format(buf, "        \"%s\": %s%s\n", rows[i].key, rows[i].schema,
                             i + 1 < TT_ARRAY_SIZE(rows) ? "," : "");
    }
    return tt_buf_append_text(buf, "      }\n    }}\n  }\n}\n");
}

enum tt_status tt_rules_check_rule_keys(const struct tt_tree *rule, struct tt_error *err)
{
    const char *keys[TT_ARRAY_SIZE(rows)];
    for (size_t i = 0; i < TT_ARRAY_SIZE(rows); i++) {
        keys[i] = rows[i].key;
    }
    return tt_tree_check_keys(rule, keys, TT_ARRAY_SIZE(rows), err);
}
