/* Rule sets: what compiles, what is refused and where, what fires, and the shipped card rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/rules/rules.h"
#include "format/yaml.h"
#include "support/torture.h"

static const struct tt_str features[] = {
    {"user_tx_count_1h", 16},
    {"user_tx_count_24h", 17},
    {"user_tx_count_10m", 17},
    {"user_declines_1h", 16},
    {"user_amount_ratio_30d", 21},
    {"user_amount_zscore_30d", 22},
    {"user_amount_mean_30d", 20},
    {"user_merchants_24h", 18},
    {"user_age_days", 13},
    {"device_age_days", 15},
    {"device_users_24h", 16},
    {"user_speed_kmh", 14},
    {"user_distance_km", 16},
    {"merchant_tx_count_1h", 20},
    {"merchant_age_days", 17},
    {"user_small_count_1h", 19},
    {"is_night", 8},
    {"is_weekend", 10},
    {"user_amount_sum_24h", 19},
};

struct world {
    struct tt_names *names;
    struct tt_value slots[TT_EXPR_SLOTS_MAX];
    struct tt_expr_scratch scratch;
};

static int set_up(void **state)
{
    static struct world world;
    struct tt_error err;
    assert_int_equal(tt_names_new(&tt_alloc_libc, NULL, 0, features, TT_ARRAY_SIZE(features),
                                  &world.names, &err),
                     TT_OK);
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    tt_names_free(world->names);
    return 0;
}

/* Compiles YAML text; the tree is gone afterwards, as it may be. */
static enum tt_status compile_on(const struct tt_alloc *alloc, struct world *world,
                                 struct tt_str yaml, struct tt_rules **ret, struct tt_error *err)
{
    struct tt_arena arena;
    struct tt_tree *tree = NULL;
    tt_arena_init(&arena, &tt_alloc_libc, 1 << 16, (size_t)256 << 20);
    enum tt_status status = tt_yaml_parse(&arena, yaml, &tree, err);
    assert_int_equal(status, TT_OK);
    status = tt_rules_compile(alloc, tree, world->names, ret, err);
    tt_arena_deinit(&arena);
    return status;
}

static struct tt_rules *compile(struct world *world, const char *yaml)
{
    struct tt_rules *set = NULL;
    struct tt_error err = {0};
    enum tt_status status = compile_on(&tt_alloc_libc, world, tt_str_from(yaml), &set, &err);
    if (status != TT_OK) {
        fail_msg("%u:%u: %s", err.line, err.column, err.message);
    }
    return set;
}

static void give(struct world *world, const char *name, struct tt_value value)
{
    uint32_t slot = 0;
    assert_true(tt_expr_env_find(tt_names_env(world->names), tt_str_from(name), &slot, NULL));
    world->slots[slot] = value;
}

#define VELOCITY                                                                                   \
    "rules:\n"                                                                                     \
    "  - id: velocity\n"                                                                           \
    "    when: user_tx_count_1h > 5 && device_age_days < 1\n"

static void a_rule_fires_when_its_condition_is_true(void **state)
{
    struct world *world = *state;
    struct tt_rules *set = compile(world, VELOCITY);
    struct tt_rule_hits hits;
    struct tt_shadow_hits shadow;
    tt_names_clear(world->names, world->slots);
    give(world, "user_tx_count_1h", tt_value_double(7.0));
    tt_rules_eval(set, world->slots, 0, &world->scratch, &hits, &shadow);
    assert_int_equal(hits.count, 0);
    assert_int_equal(hits.errors, 1);
    give(world, "device_age_days", tt_value_double(0.5));
    tt_rules_eval(set, world->slots, 0, &world->scratch, &hits, &shadow);
    assert_int_equal(hits.count, 1);
    assert_int_equal(hits.rules[0], 0);
    assert_int_equal(hits.errors, 0);
    give(world, "device_age_days", tt_value_double(3.0));
    tt_rules_eval(set, world->slots, 0, &world->scratch, &hits, &shadow);
    assert_int_equal(hits.count, 0);
    assert_int_equal(shadow.hits.count, 0);
    tt_rules_free(set);
}

static void hits_come_most_severe_first_and_shadow_apart(void **state)
{
    struct world *world = *state;
    struct tt_rules *set = compile(
        world, "rules:\n"
               "  - {id: a, when: 'true', severity: low, decision: allow, score: 0.1}\n"
               "  - {id: b, when: 'true', severity: high, decision: review, score: 0.8}\n"
               "  - {id: c, when: 'true', severity: critical, decision: block, mode: shadow}\n"
               "  - {id: d, when: 'true', severity: high, decision: review, score: 0.9}\n"
               "  - {id: e, when: 'true', severity: high, decision: review, score: 0.8}\n"
               "  - {id: f, when: 'true', severity: critical, mode: off}\n");
    struct tt_rule_hits hits;
    struct tt_shadow_hits shadow;
    struct tt_rule_outcome outcome;
    tt_rules_eval(set, world->slots, 0, &world->scratch, &hits, &shadow);
    assert_int_equal(hits.count, 4);
    static const uint16_t order[] = {3, 1, 4, 0};
    assert_memory_equal(hits.rules, order, sizeof(order));
    assert_int_equal(shadow.hits.count, 1);
    assert_int_equal(shadow.hits.rules[0], 2);
    tt_rules_outcome(set, &hits, &outcome);
    assert_int_equal(outcome.severity, TT_SEVERITY_HIGH);
    assert_int_equal(outcome.verdict, TT_REVIEW);
    assert_true(outcome.score > 0.89 && outcome.score < 0.91);
    hits = (struct tt_rule_hits){0};
    tt_rules_outcome(set, &hits, &outcome);
    assert_int_equal(outcome.severity, TT_SEVERITY_NONE);
    assert_int_equal(outcome.verdict, TT_ALLOW);
    tt_rules_free(set);
}

static void hits_that_do_not_fit_are_counted(void **state)
{
    struct world *world = *state;
    struct tt_buf yaml;
    struct tt_rule_hits hits;
    struct tt_shadow_hits shadow;
    tt_buf_init(&yaml, &tt_alloc_libc, 1 << 20);
    tt_buf_append_text(&yaml, "rules:\n");
    for (int i = 0; i < 20; i++) {
        tt_buf_append_format(&yaml, "  - {id: r%d, when: 'true'}\n", i);
    }
    struct tt_rules *set = compile(world, yaml.data);
    tt_rules_eval(set, world->slots, 0, &world->scratch, &hits, &shadow);
    assert_int_equal(hits.count, TT_RULE_HITS_MAX);
    assert_int_equal(hits.overflow, 4);
    tt_rules_free(set);
    tt_buf_deinit(&yaml);
}

static void a_rule_is_in_force_between_its_dates(void **state)
{
    struct world *world = *state;
    struct tt_rules *set =
        compile(world, "rules:\n"
                       "  - {id: a, when: 'true', valid_from: 1970-01-02, valid_until: "
                       "1970-01-03T00:00:00Z}\n");
    struct tt_rule_hits hits;
    struct tt_shadow_hits shadow;
    static const struct {
        int64_t at_ms;
        int count;
    } times[] = {{86399999, 0}, {86400000, 1}, {172799999, 1}, {172800000, 0}};
    for (size_t i = 0; i < TT_ARRAY_SIZE(times); i++) {
        tt_rules_eval(set, world->slots, times[i].at_ms, &world->scratch, &hits, &shadow);
        assert_int_equal(hits.count, times[i].count);
    }
    tt_rules_free(set);
}

static void lists_and_conditions_are_names(void **state)
{
    struct world *world = *state;
    struct tt_rules *set =
        compile(world, "lists:\n"
                       "  merchants: [m-1, m-2, m-3, m-4, m-5, m-6, m-7, m-8, m-9]\n"
                       "  codes: [0742, 5411]\n"
                       "  hours: [1, 2.5]\n"
                       "conditions:\n"
                       "  listed: merchant_id in merchants\n"
                       "  odd: listed && user_tx_count_1h in hours\n"
                       "rules:\n"
                       "  - {id: a, when: odd || merchant_category_code in codes}\n");
    struct tt_rule_hits hits;
    struct tt_shadow_hits shadow;
    struct tt_rule_info info;
    struct tt_buf buf;
    tt_names_clear(world->names, world->slots);
    give(world, "merchant_id", tt_value_text(TT_STR("m-7")));
    give(world, "user_tx_count_1h", tt_value_double(1.0));
    tt_rules_eval(set, world->slots, 0, &world->scratch, &hits, &shadow);
    assert_int_equal(hits.count, 1);
    give(world, "merchant_id", tt_value_text(TT_STR("m-70")));
    give(world, "merchant_category_code", tt_value_text(TT_STR("0742")));
    tt_rules_eval(set, world->slots, 0, &world->scratch, &hits, &shadow);
    assert_int_equal(hits.count, 1);
    give(world, "merchant_category_code", tt_value_text(TT_STR("742")));
    tt_rules_eval(set, world->slots, 0, &world->scratch, &hits, &shadow);
    assert_int_equal(hits.count, 0);
    tt_rules_info(set, 0, &info);
    assert_int_equal(info.slot_count, 3);
    tt_buf_init(&buf, &tt_alloc_libc, 4096);
    assert_int_equal(tt_rules_evidence(set, 0, world->slots, &buf), TT_OK);
    assert_string_equal(buf.data,
                        "merchant_id=m-70, merchant_category_code=742, user_tx_count_1h=1");
    tt_buf_deinit(&buf);
    tt_rules_free(set);
}

static void a_message_is_filled_with_values(void **state)
{
    struct world *world = *state;
    struct tt_rules *set = compile(
        world, "rules:\n"
               "  - id: a\n"
               "    when: 'true'\n"
               "    message: '{amount} {currency} {{x}} after {user_tx_count_1h}, {is_night}'\n"
               "  - {id: b, when: 'amount > 1', description: Something}\n"
               "  - {id: c, when: 'amount > 1'}\n");
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, 4096);
    tt_names_clear(world->names, world->slots);
    give(world, "amount", tt_value_double(412.5));
    give(world, "currency", tt_value_text(TT_STR("EUR")));
    give(world, "user_tx_count_1h", tt_value_double(7.0));
    assert_int_equal(tt_rules_message(set, 0, world->slots, &buf), TT_OK);
    assert_string_equal(buf.data, "412.50 EUR {x} after 7, unknown");
    tt_buf_clear(&buf);
    assert_int_equal(tt_rules_message(set, 1, world->slots, &buf), TT_OK);
    assert_string_equal(buf.data, "Something");
    tt_buf_clear(&buf);
    assert_int_equal(tt_rules_message(set, 2, world->slots, &buf), TT_OK);
    assert_string_equal(buf.data, "amount > 1");
    tt_buf_deinit(&buf);
    tt_rules_free(set);
}

static void a_rule_tells_what_it_is(void **state)
{
    struct world *world = *state;
    struct tt_rules *set = compile(world, "rules:\n"
                                          "  - {id: a, when: 'true'}\n"
                                          "  - id: b\n"
                                          "    when: amount > 1\n"
                                          "    description: What it is\n"
                                          "    owner: fraud team\n"
                                          "    tags: [x, y]\n"
                                          "    severity: critical\n"
                                          "    decision: block\n"
                                          "    score: 0.25\n");
    struct tt_rule_info info;
    assert_int_equal(tt_rules_count(set), 2);
    assert_int_equal(tt_rules_find(set, TT_STR("b")), 1);
    assert_int_equal(tt_rules_find(set, TT_STR("c")), UINT32_MAX);
    tt_rules_info(set, 1, &info);
    assert_true(tt_str_equal_text(info.description, "What it is"));
    assert_true(tt_str_equal_text(info.owner, "fraud team"));
    assert_int_equal(info.tag_count, 2);
    assert_true(tt_str_equal_text(info.tags[1], "y"));
    assert_int_equal(info.severity, TT_SEVERITY_CRITICAL);
    assert_int_equal(info.verdict, TT_BLOCK);
    assert_int_equal(info.line, 3);
    tt_rules_info(set, 0, &info);
    assert_null(info.description.data);
    assert_int_equal(info.severity, TT_SEVERITY_MEDIUM);
    assert_int_equal(info.verdict, TT_ALLOW);
    assert_int_equal(info.mode, TT_RULE_LIVE);
    tt_rules_free(set);
}

static bool same_hash(struct tt_hash128 a, struct tt_hash128 b)
{
    return a.high == b.high && a.low == b.low;
}

static void identity_is_what_decides(void **state)
{
    struct world *world = *state;
    static const char *const others[] = {
        "rules:\n  - {id: b, when: amount > 1}\n",
        "rules:\n  - {id: a, when: amount > 2}\n",
        "rules:\n  - {id: a, when: amount > 1, severity: low}\n",
        "rules:\n  - {id: a, when: amount > 1, score: 0.4}\n",
        "rules:\n  - {id: a, when: amount > 1, mode: shadow}\n",
        "rules:\n  - {id: a, when: amount > 1, valid_from: 2026-01-01}\n",
        "lists: {x: [1]}\nrules:\n  - {id: a, when: amount > 1}\n",
    };
    struct tt_rules *set = compile(world, "rules:\n  - {id: a, when: amount > 1}\n");
    struct tt_hash128 hash = tt_rules_hash(set);
    tt_rules_free(set);
    set = compile(world, "# other\nrules:\n  - {when: amount > 1, id: a, description: x}\n");
    assert_true(same_hash(hash, tt_rules_hash(set)));
    tt_rules_free(set);
    for (size_t i = 0; i < TT_ARRAY_SIZE(others); i++) {
        set = compile(world, others[i]);
        assert_false(same_hash(hash, tt_rules_hash(set)));
        tt_rules_free(set);
    }
}

static void an_empty_file_has_no_rules(void **state)
{
    struct world *world = *state;
    static const char *const empty[] = {"", "rules:\n", "rules: []\n", "lists:\nconditions:\n"};
    for (size_t i = 0; i < TT_ARRAY_SIZE(empty); i++) {
        struct tt_rules *set = compile(world, empty[i]);
        assert_int_equal(tt_rules_count(set), 0);
        tt_rules_free(set);
    }
}

struct bad {
    const char *yaml;
    enum tt_status status;
    uint32_t line, column;
    const char *says;
};

static void errors_have_their_place_in_the_file(void **state)
{
    struct world *world = *state;
    static const struct bad rows[] = {
        {"rulez: []\n", TT_E_UNKNOWN, 1, 1, "did you mean \"rules\""},
        {"- a\n", TT_E_TYPE, 1, 1, "mapping"},
        {"rules: 5\n", TT_E_TYPE, 1, 8, "expected a sequence"},
        {"rules:\n  - 5\n", TT_E_TYPE, 2, 5, "a mapping"},
        {"rules:\n  - {id: a, wen: 'true'}\n", TT_E_UNKNOWN, 2, 13, "did you mean \"when\""},
        {"rules:\n  - {id: a}\n", TT_E_INVALID, 2, 5, "needs \"when\""},
        {"rules:\n  - {when: 'true'}\n", TT_E_INVALID, 2, 5, "needs \"id\""},
        {"rules:\n  - {id: A b, when: 'true'}\n", TT_E_INVALID, 2, 10, "a-z 0-9"},
        {"rules:\n  - {id: [a], when: 'true'}\n", TT_E_TYPE, 2, 10, "a text"},
        {"rules:\n  - id: a\n    when: true && amout > 1\n", TT_E_UNKNOWN, 3, 19, "'amount'"},
        {"rules:\n  - id: a\n    when: 'true && amout > 1'\n", TT_E_UNKNOWN, 3, 20, "'amount'"},
        {"rules:\n  - id: a\n    when: >-\n      is_night > 0\n      && amout > 1\n", TT_E_UNKNOWN,
         5, 10, "'amount'"},
        {"rules:\n  - id: a\n    when: |\n\n      is_night > 0\n        && amout > 1\n",
         TT_E_UNKNOWN, 6, 12, "'amount'"},
        {"rules:\n  - id: a\n    when: is_night > 0  \n      && amout > 1\n", TT_E_UNKNOWN, 4, 10,
         "'amount'"},
        {"rules:\n  - id: a\n    when: \"'\\\"' == channel &&\n\n     amout > 1\"\n", TT_E_UNKNOWN,
         5, 6, "'amount'"},
        {"rules:\n  - id: a\n    when: 'channel == ''\u00e9'' && amout > 1'\n", TT_E_UNKNOWN, 3, 33,
         "'amount'"},
        {"rules:\n  - id: a\n    when: >\n      is_night >\n", TT_E_SYNTAX, 5, 1, "missing"},
        {"rules:\n  - id: a\n    when: amount + 1\n", TT_E_TYPE, 3, 20, "write 1.0"},
        {"rules:\n  - id: a\n    when: amount + 1.0\n", TT_E_TYPE, 3, 11, "a bool is needed"},
        {"rules:\n  - id: a\n    when: amount >\n", TT_E_SYNTAX, 3, 19, "missing"},
        {"rules:\n  - {id: a, when: 'true', severity: hihg}\n", TT_E_INVALID, 2, 37,
         "none of low, medium, high, critical"},
        {"rules:\n  - {id: a, when: 'true', decision: stop}\n", TT_E_INVALID, 2, 37,
         "none of allow, review, block"},
        {"rules:\n  - {id: a, when: 'true', mode: on}\n", TT_E_INVALID, 2, 33,
         "none of live, shadow, off"},
        {"rules:\n  - {id: a, when: 'true', score: 1.0}\n", TT_E_INVALID, 2, 34, "below 1"},
        {"rules:\n  - {id: a, when: 'true', score: -0.1}\n", TT_E_INVALID, 2, 34, "at least 0"},
        {"rules:\n  - {id: a, when: 'true', score: x}\n", TT_E_TYPE, 2, 34, "a number"},
        {"rules:\n  - {id: a, when: 'true', budget: 1001}\n", TT_E_INVALID, 2, 35, "a thousand"},
        {"rules:\n  - {id: a, when: 'true', tags: x}\n", TT_E_TYPE, 2, 33, "sequence"},
        {"rules:\n  - {id: a, when: 'true', valid_from: 2026-13-01}\n", TT_E_INVALID, 2, 39,
         "expected a time"},
        {"rules:\n  - {id: a, when: 'true', valid_from: soon}\n", TT_E_SYNTAX, 2, 39,
         "expected a time"},
        {"rules:\n  - {id: a, when: 'true', valid_from: 2026-02-01, valid_until: 2026-01-01}\n",
         TT_E_INVALID, 2, 64, "not after"},
        {"rules:\n  - {id: a, when: 'true', limit: {hits_max: 5}}\n", TT_E_UNSUPPORTED, 2, 27,
         "limit"},
        {"rules:\n  - {id: a, when: 'true', message: 'x {amout} y'}\n", TT_E_UNKNOWN, 2, 40,
         "did you mean 'amount'"},
        {"rules:\n  - {id: a, when: 'true', message: 'x {amount y'}\n", TT_E_SYNTAX, 2, 39,
         "without its other"},
        {"rules:\n  - {id: a, when: 'true', message: 'x } y'}\n", TT_E_SYNTAX, 2, 39,
         "without its other"},
        {"rules:\n  - {id: a, when: 'true'}\n  - {id: a, when: 'false'}\n", TT_E_CONFLICT, 3, 10,
         "the other is in line 2"},
        {"lists: {in: [1]}\n", TT_E_INVALID, 1, 9, "'in' cannot be a name"},
        {"lists: {amount: [1]}\n", TT_E_CONFLICT, 1, 9, "'amount' is taken"},
        {"lists: {x: 5}\n", TT_E_TYPE, 1, 12, "a sequence"},
        {"lists: {x: {file: a}}\n", TT_E_UNSUPPORTED, 1, 12, "the program starts with"},
        {"lists: {x: {fle: a}}\n", TT_E_UNKNOWN, 1, 13, "did you mean \"file\""},
        {"lists: {x: {column: a}}\n", TT_E_INVALID, 1, 12, "needs \"file\""},
        {"lists: {x: {file: a, type: word}}\n", TT_E_INVALID, 1, 28, "text or number"},
        {"lists: {x: [[1]]}\n", TT_E_TYPE, 1, 13, "an entry of a list"},
        {"lists: {x: [1, 2]}\nrules:\n  - {id: a, when: channel in x}\n", TT_E_TYPE, 3, 27,
         "string is never in a list(int)"},
        {"conditions: {x: amout > 1}\n", TT_E_UNKNOWN, 1, 17, "'amount'"},
        {"conditions: {x: amount > 1, y: z && x}\n", TT_E_UNKNOWN, 1, 32, "'z'"},
        {"conditions: {x: x}\n", TT_E_UNKNOWN, 1, 17, "'x'"},
        {"conditions: {amount: amount > 1}\n", TT_E_CONFLICT, 1, 14, "taken"},
        {"conditions: {x: [1]}\n", TT_E_TYPE, 1, 17, "expected a text"},
        {"rules:\n  - {id: a, when: 'true', tests: [{given: {amout: 5}, expect: fire}]}\n",
         TT_E_UNKNOWN, 2, 44, "'amount'"},
        {"rules:\n  - {id: a, when: 'true', tests: [{given: {amount: x}, expect: fire}]}\n",
         TT_E_TYPE, 2, 52, "a number"},
        {"rules:\n  - {id: a, when: 'true', tests: [{given: {amount: 5}, expect: fires}]}\n",
         TT_E_INVALID, 2, 64, "fire, pass or error"},
        {"rules:\n  - {id: a, when: 'true', tests: [{given: {amount: 5}}]}\n", TT_E_INVALID, 2, 35,
         "needs \"expect\""},
        {"rules:\n  - {id: a, when: 'true', tests: [{givn: {amount: 5}}]}\n", TT_E_UNKNOWN, 2, 36,
         "\"given\""},
        {"rules:\n  - {id: a, when: 'true', tests: [{given: {timestamp: noon}, expect: fire}]}\n",
         TT_E_SYNTAX, 2, 55, "expected a time"},
    };
    for (size_t i = 0; i < TT_ARRAY_SIZE(rows); i++) {
        struct tt_rules *set = NULL;
        struct tt_error err = {0};
        enum tt_status status =
            compile_on(&tt_alloc_libc, world, tt_str_from(rows[i].yaml), &set, &err);
        if (status != rows[i].status || err.line != rows[i].line || err.column != rows[i].column ||
            strstr(err.message, rows[i].says) == NULL) {
            fail_msg("%s gives %s at %u:%u: %s", rows[i].yaml, tt_status_name(status), err.line,
                     err.column, err.message);
        }
        assert_null(set);
    }
}

/* A tree by hand: a mapping of one list with many entries, or of many rules. */
static struct tt_tree *many_entries(const char *key, struct tt_tree *entries, uint32_t count)
{
    static struct tt_tree sequence;
    static struct tt_tree mapping;
    for (uint32_t i = 0; i + 1 < count; i++) {
        entries[i].next = &entries[i + 1];
    }
    sequence = (struct tt_tree){.kind = TT_TREE_SEQUENCE,
                                .key = tt_str_from(key),
                                .line = 7,
                                .column = 3,
                                .children = entries,
                                .child_count = count};
    mapping = (struct tt_tree){
        .kind = TT_TREE_MAPPING, .children = &sequence, .child_count = 1, .line = 1, .column = 1};
    return &mapping;
}

static void a_list_of_a_million_works_and_one_more_does_not(void **state)
{
    struct world *world = *state;
    uint32_t count = TT_LIST_COUNT_MAX + 1;
    struct tt_tree *entries = calloc(count, sizeof(*entries));
    char *texts = malloc((size_t)count * 10);
    struct tt_rules *set = NULL;
    struct tt_error err;
    assert_true(entries != NULL && texts != NULL);
    for (uint32_t i = 0; i < count; i++) {
        int size = snprintf(texts + (size_t)i * 10, 10, "m-%u", i);
        entries[i] = (struct tt_tree){
            .kind = TT_TREE_SCALAR, .plain = true, .text = {texts + (size_t)i * 10, (size_t)size}};
    }
    struct tt_tree lists = {.kind = TT_TREE_MAPPING,
                            .key = TT_STR("lists"),
                            .children = many_entries("big", entries, count)->children,
                            .child_count = 1};
    struct tt_tree file = {.kind = TT_TREE_MAPPING, .children = &lists, .child_count = 1};
    assert_int_equal(tt_rules_compile(&tt_alloc_libc, &file, world->names, &set, &err), TT_E_LIMIT);
    assert_int_equal(err.line, 7);
    lists.children->child_count--;
    entries[count - 2].next = NULL;
    assert_int_equal(tt_rules_compile(&tt_alloc_libc, &file, world->names, &set, &err), TT_OK);
    tt_rules_free(set);
    free(entries);
    free(texts);
}

/* A file of two entries, or what its name says. */
static enum tt_status read_fake(void *ctx, struct tt_str file, struct tt_str column,
                                struct tt_arena *arena, struct tt_str **ret_entries,
                                size_t *ret_count, struct tt_error *err)
{
    if (tt_str_equal_text(file, "gone")) {
        return tt_fail(err, TT_E_NOT_FOUND, "gone: not there");
    }
    struct tt_str *entries = tt_arena_new_array(arena, 2, sizeof(*entries));
    if (entries == NULL) {
        return TT_E_NOMEM;
    }
    entries[0] = column.data == NULL ? TT_STR("7") : column;
    entries[1] = tt_str_from(ctx);
    *ret_entries = entries;
    *ret_count = 2;
    return TT_OK;
}

static enum tt_status compile_with_files(const struct tt_alloc *alloc, struct world *world,
                                         char *entry, const char *yaml, struct tt_rules **ret,
                                         struct tt_error *err)
{
    struct tt_rule_files files = {entry, read_fake};
    struct tt_arena arena;
    struct tt_tree *tree = NULL;
    tt_arena_init(&arena, &tt_alloc_libc, 1 << 16, 1 << 20);
    assert_int_equal(tt_yaml_parse(&arena, tt_str_from(yaml), &tree, err), TT_OK);
    enum tt_status status = tt_rules_compile_with(alloc, tree, world->names, &files, ret, err);
    tt_arena_deinit(&arena);
    return status;
}

static void a_list_may_stand_in_another_file(void **state)
{
    struct world *world = *state;
    char entry[] = "m-1";
    char number[] = "2.5";
    char bad[] = "\xff";
    struct tt_rules *set = NULL;
    struct tt_error err = {0};
    struct tt_rule_hits hits;
    struct tt_shadow_hits shadow;
    static const char texts[] = "lists: {l: {file: x}, c: {file: x, column: m-2}}\n"
                                "rules:\n"
                                "  - {id: a, when: merchant_id in l}\n"
                                "  - {id: b, when: merchant_id in c}\n";
    assert_int_equal(compile_with_files(&tt_alloc_libc, world, entry, texts, &set, &err), TT_OK);
    struct tt_hash128 hash = tt_rules_hash(set);
    tt_names_clear(world->names, world->slots);
    give(world, "merchant_id", tt_value_text(TT_STR("m-1")));
    tt_rules_eval(set, world->slots, 0, &world->scratch, &hits, &shadow);
    assert_int_equal(hits.count, 2);
    give(world, "merchant_id", tt_value_text(TT_STR("m-2")));
    tt_rules_eval(set, world->slots, 0, &world->scratch, &hits, &shadow);
    assert_int_equal(hits.count, 1);
    assert_int_equal(hits.rules[0], 1);
    tt_rules_free(set);
    /* what is in the file is part of the identity */
    assert_int_equal(compile_with_files(&tt_alloc_libc, world, number, texts, &set, &err), TT_OK);
    assert_false(same_hash(hash, tt_rules_hash(set)));
    tt_rules_free(set);
    set = NULL;
    static const char numbers[] = "lists: {l: {file: x, type: number}}\n"
                                  "rules: [{id: a, when: user_tx_count_1h in l}]\n";
    assert_int_equal(compile_with_files(&tt_alloc_libc, world, number, numbers, &set, &err), TT_OK);
    tt_rules_free(set);
    set = NULL;
    assert_int_equal(compile_with_files(&tt_alloc_libc, world, entry, numbers, &set, &err),
                     TT_E_INVALID);
    assert_non_null(strstr(err.message, "entry 2 of \"x\" is not a number"));
    assert_int_equal(compile_with_files(&tt_alloc_libc, world, bad, texts, &set, &err),
                     TT_E_INVALID);
    assert_non_null(strstr(err.message, "not UTF-8"));
    assert_int_equal(
        compile_with_files(&tt_alloc_libc, world, bad, "lists: {l: {file: gone}}\n", &set, &err),
        TT_E_NOT_FOUND);
    assert_int_equal(err.line, 1);
    assert_int_equal(err.column, 12);
    assert_null(set);
}

static enum tt_status compile_with_files_and_free(const struct tt_alloc *alloc, void *ctx)
{
    char entry[] = "m-1";
    struct tt_rules *set = NULL;
    struct tt_error err = {0};
    enum tt_status status =
        compile_with_files(alloc, ctx, entry, "lists: {l: {file: x}}\n", &set, &err);
    tt_rules_free(set);
    return status;
}

static void more_rules_than_the_limit_are_refused(void **state)
{
    struct world *world = *state;
    struct tt_tree *entries = calloc(TT_RULES_MAX + 1, sizeof(*entries));
    struct tt_rules *set = NULL;
    struct tt_error err;
    assert_non_null(entries);
    struct tt_tree *file = many_entries("rules", entries, TT_RULES_MAX + 1);
    assert_int_equal(tt_rules_compile(&tt_alloc_libc, file, world->names, &set, &err), TT_E_LIMIT);
    assert_int_equal(err.line, 7);
    free(entries);
}

static bool count_failures(void *ctx, const struct tt_rule_test_result *result)
{
    uint32_t *seen = ctx;
    if (!result->passed) {
        *seen = *seen * 100 + result->line;
    }
    return true;
}

static void tests_in_the_file_tell_which_failed(void **state)
{
    struct world *world = *state;
    struct tt_rules *set =
        compile(world, VELOCITY
                "    tests:\n"
                "      - {given: {user_tx_count_1h: 7, device_age_days: 0.5}, expect: fire}\n"
                "      - {given: {user_tx_count_1h: 7, device_age_days: 0.5}, expect: pass}\n"
                "      - {given: {user_tx_count_1h: 7}, expect: fire}\n"
                "      - {given: {user_tx_count_1h: 7}, expect: pass}\n"
                "      - {given: {user_tx_count_1h: 7, device_age_days: ~}, expect: error}\n"
                "      - {expect: error}\n"
                "  - id: texts\n"
                "    mode: off\n"
                "    when: merchant_category_code == \"0742\" && timestamp.getFullYear() == 2026\n"
                "    tests:\n"
                "      - given: {merchant_category_code: 0742, timestamp: 2026-03-01T12:00:00Z}\n"
                "        expect: fire\n");
    uint32_t seen = 0;
    uint32_t passed = 0;
    uint32_t failed = 0;
    struct tt_error err;
    assert_int_equal(tt_rules_test(set, count_failures, &seen, &passed, &failed, &err), TT_OK);
    assert_int_equal(passed, 5);
    assert_int_equal(failed, 2);
    assert_int_equal(seen, 607);
    tt_rules_free(set);
}

static struct tt_str read_file(const char *path, char *bytes, size_t size_max)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, size_max, file);
    (void)fclose(file);
    return (struct tt_str){bytes, size};
}

static bool print_failure(void *ctx, const struct tt_rule_test_result *result)
{
    (void)ctx;
    if (!result->passed) {
        print_message("card.yaml:%u: test fails\n", result->line);
    }
    return true;
}

static void the_card_rules_pass_their_tests(void **state)
{
    struct world *world = *state;
    static char bytes[1 << 16];
    struct tt_rules *set = NULL;
    struct tt_error err = {0};
    struct tt_str text = read_file(TT_CARD_RULES, bytes, sizeof(bytes));
    uint32_t passed = 0;
    uint32_t failed = 0;
    if (compile_on(&tt_alloc_libc, world, text, &set, &err) != TT_OK) {
        fail_msg("card.yaml:%u:%u: %s", err.line, err.column, err.message);
    }
    assert_int_equal(tt_rules_test(set, print_failure, NULL, &passed, &failed, &err), TT_OK);
    assert_int_equal(failed, 0);
    assert_true(passed > 2 * tt_rules_count(set));
    for (uint32_t i = 0; i < tt_rules_count(set); i++) {
        struct tt_rule_info info;
        tt_rules_info(set, i, &info);
        assert_non_null(info.description.data);
        assert_true(info.test_count > 0);
    }
    tt_rules_free(set);
}

static enum tt_status compile_and_free(const struct tt_alloc *alloc, void *ctx)
{
    static const char yaml[] = "lists: {x: [a, b, c, d, e, f, g, h, i, j]}\n"
                               "conditions: {c: amount > 1}\n"
                               "rules:\n"
                               "  - id: a\n"
                               "    when: c && channel in x\n"
                               "    description: d\n"
                               "    message: 'x {amount}'\n"
                               "    tags: [y]\n"
                               "    tests:\n"
                               "      - {given: {amount: 5, channel: a}, expect: fire}\n";
    struct tt_rules *set = NULL;
    struct tt_error err;
    uint32_t passed = 0;
    uint32_t failed = 0;
    enum tt_status status = compile_on(alloc, ctx, tt_str_from(yaml), &set, &err);
    if (status == TT_OK) {
        status = tt_rules_test(set, NULL, NULL, &passed, &failed, &err);
    }
    tt_rules_free(set);
    return status;
}

static void a_failed_allocation_anywhere_leaks_nothing(void **state)
{
    tt_torture_run(compile_and_free, *state);
    tt_torture_run(compile_with_files_and_free, *state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_fires_when_its_condition_is_true),
        cmocka_unit_test(hits_come_most_severe_first_and_shadow_apart),
        cmocka_unit_test(hits_that_do_not_fit_are_counted),
        cmocka_unit_test(a_rule_is_in_force_between_its_dates),
        cmocka_unit_test(lists_and_conditions_are_names),
        cmocka_unit_test(a_message_is_filled_with_values),
        cmocka_unit_test(a_rule_tells_what_it_is),
        cmocka_unit_test(identity_is_what_decides),
        cmocka_unit_test(an_empty_file_has_no_rules),
        cmocka_unit_test(errors_have_their_place_in_the_file),
        cmocka_unit_test(a_list_of_a_million_works_and_one_more_does_not),
        cmocka_unit_test(a_list_may_stand_in_another_file),
        cmocka_unit_test(more_rules_than_the_limit_are_refused),
        cmocka_unit_test(tests_in_the_file_tell_which_failed),
        cmocka_unit_test(the_card_rules_pass_their_tests),
        cmocka_unit_test(a_failed_allocation_anywhere_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
