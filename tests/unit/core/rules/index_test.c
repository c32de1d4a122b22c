/* The predicate index against running every rule by itself, over random rule sets and random
 * transactions: missing values, NaN, dates, shadow rules, lists small and large, several blocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "core/rules/set.h"
#include "format/yaml.h"
#include "support/torture.h"

#define SETS 1000
#define EVENTS 110
#define LARGE_SETS 3

static const struct tt_str features[] = {{"f0", 2}, {"f1", 2}, {"f2", 2}, {"f3", 2}, {"f4", 2}};
static const struct tt_attribute_decl attributes[] = {{{"flag", 4}, TT_ATTRIBUTE_BOOL},
                                                      {{"other", 5}, TT_ATTRIBUTE_BOOL}};
static const char *const numbers[] = {"-1e300", "-3.5", "-0.0", "0",   "0.5",  "1",
                                      "2",      "2.5",  "7",    "100", "1e300"};
static const double values[] = {
    -1e300, -3.5, -0.0, 0.0, 0.5, 1.0, 2.0, 2.25, 2.5, 7.0, 7.0000000000000009, 100.0, 1e300};
static const char *const texts[] = {"online", "pos", "m-1", "m-299", "", "EUR", "h\u00e9"};
static const char *const names[] = {"channel", "merchant_id", "currency"};

struct world {
    struct tt_rng rng;
    struct tt_names *names;
    struct tt_value slots[TT_EXPR_SLOTS_MAX];
    struct tt_expr_scratch scratch;
    uint64_t pairs, hits, errors, overflow, plain;
};

static uint64_t below(struct world *world, uint64_t bound)
{
    return tt_rng_below(&world->rng, bound);
}

#define PICK(world, array) ((array)[below(world, TT_ARRAY_SIZE(array))])

/* --- random conditions --- */

static void gen_number_term(struct world *world, struct tt_buf *buf)
{
    static const char *const relations[] = {"<", "<=", ">", ">=", "==", "!="};
    int feature = (int)below(world, TT_ARRAY_SIZE(features));
    if (below(world, 5) == 0) {
        tt_buf_append_format(buf, "%s %s f%d", PICK(world, numbers), PICK(world, relations),
                             feature);
    } else if (below(world, 6) == 0) {
        static const char *const lists[] = {
            "[1, 2.5, 2.5, 7, 0]",         "[]",           "odd",
            "[1, 2, 3, 4, 5, 6, 7, 8, 7]", "many_numbers", "[3u, 1]"};
        tt_buf_append_format(buf, "f%d in %s", feature, PICK(world, lists));
    } else {
        tt_buf_append_format(buf, "f%d %s %s", feature, PICK(world, relations),
                             PICK(world, numbers));
    }
}

static void gen_text_term(struct world *world, struct tt_buf *buf)
{
    static const char *const lists[] = {"few", "many", "['pos', 'm-1', 'pos']",
                                        "['', 'EUR', 'a', 'b', 'c', 'd', 'e', 'f', 'pos']"};
    switch (below(world, 6)) {
    case 0:
    case 1:
        tt_buf_append_format(buf, "%s == '%s'", PICK(world, names), PICK(world, texts));
        break;
    case 2:
        tt_buf_append_format(buf, "'%s' != %s", PICK(world, texts), PICK(world, names));
        break;
    case 3:
        tt_buf_append_format(buf, "%s < '%s'", PICK(world, names), PICK(world, texts));
        break;
    default:
        tt_buf_append_format(buf, "%s in %s", PICK(world, names), PICK(world, lists));
        break;
    }
}

static void gen_term(struct world *world, struct tt_buf *buf)
{
    static const char *const others[] = {"flag",
                                         "other",
                                         "flag == true",
                                         "flag != other",
                                         "is_missing(f0)",
                                         "has(f1)",
                                         "is_missing(channel)",
                                         "!is_missing(flag)",
                                         "true",
                                         "false",
                                         "f0 + f1 > 2.0",
                                         "f0 / f1 < 1.0",
                                         "(flag ? f0 > 1 : f1 > 1)",
                                         "channel.startsWith('o')",
                                         "timestamp > timestamp('2026-03-01T00:00:00Z')",
                                         "(f2 > 1) == (f3 > 1)",
                                         "has(other)",
                                         "100.0 / f4 == 50.0",
                                         "[f0, f1].exists(x, x > 2.0)",
                                         "is_missing(f0 + f1)"};
    switch (below(world, 10)) {
    case 0:
    case 1:
        gen_text_term(world, buf);
        break;
    case 2:
        tt_buf_append_text(buf, PICK(world, others));
        break;
    default:
        gen_number_term(world, buf);
        break;
    }
}

static void gen(struct world *world, int depth, struct tt_buf *buf)
{
    uint64_t draw = below(world, 10);
    if (depth == 0 || draw < 2) {
        gen_term(world, buf);
        return;
    }
    if (draw == 2) {
        tt_buf_append_text(buf, "!(");
        gen(world, depth - 1, buf);
        tt_buf_append_char(buf, ')');
        return;
    }
    const char *link = draw < 8 ? " && " : " || ";
    uint64_t parts = 2 + below(world, 3);
    tt_buf_append_char(buf, '(');
    for (uint64_t i = 0; i < parts; i++) {
        tt_buf_append_text(buf, i == 0 ? "" : link);
        gen(world, depth - 1, buf);
    }
    tt_buf_append_char(buf, ')');
}

static void gen_rule(struct world *world, int number, struct tt_buf *buf)
{
    static const char *const words[] = {"low", "medium", "high", "critical"};
    static const char *const modes[] = {"live", "live", "shadow", "off"};
    tt_buf_append_format(buf, "  - id: r%d\n    severity: %s\n    mode: %s\n    score: 0.%d\n",
                         number, PICK(world, words), PICK(world, modes), (int)below(world, 10));
    if (below(world, 6) == 0) {
        tt_buf_append_format(buf, "    valid_from: 2026-02-0%d\n", 1 + (int)below(world, 9));
    }
    if (below(world, 6) == 0) {
        tt_buf_append_format(buf, "    valid_until: 2026-03-0%d\n", 1 + (int)below(world, 9));
    }
    tt_buf_append_text(buf, "    when: >-\n      ");
    gen(world, (int)below(world, 4), buf);
    tt_buf_append_char(buf, '\n');
}

static void gen_file(struct world *world, int rules, struct tt_buf *buf)
{
    tt_buf_append_text(buf, "lists:\n  few: [online, m-1, EUR]\n  odd: [1, 7, 100]\n  many:\n");
    for (int i = 0; i < 300; i++) {
        tt_buf_append_format(buf, "    - m-%d\n", i);
    }
    tt_buf_append_text(buf, "  many_numbers:\n");
    for (int i = 0; i < 300; i++) {
        tt_buf_append_format(buf, "    - %d\n", i);
    }
    tt_buf_append_text(buf, "rules:\n");
    for (int i = 0; i < rules; i++) {
        gen_rule(world, i, buf);
    }
}

static enum tt_status compile(const struct tt_alloc *alloc, struct world *world,
                              const struct tt_buf *yaml, struct tt_rules **ret)
{
    struct tt_arena arena;
    struct tt_tree *tree = NULL;
    struct tt_error err = {0};
    tt_arena_init(&arena, &tt_alloc_libc, 1 << 16, (size_t)256 << 20);
    assert_int_equal(tt_yaml_parse(&arena, tt_buf_str(yaml), &tree, &err), TT_OK);
    enum tt_status status = tt_rules_compile(alloc, tree, world->names, ret, &err);
    tt_arena_deinit(&arena);
    if (status != TT_OK && status != TT_E_NOMEM && status != TT_E_INVALID) {
        fail_msg("%u:%u: %s\n%s", err.line, err.column, err.message, yaml->data);
    }
    return status;
}

/* --- random transactions --- */

static void give(struct world *world, const char *name, struct tt_value value)
{
    uint32_t slot = 0;
    assert_true(tt_expr_env_find(tt_names_env(world->names), tt_str_from(name), &slot, NULL));
    world->slots[slot] = below(world, 7) == 0 ? tt_value_none(TT_VALUE_MISSING) : value;
}

static int64_t draw_event(struct world *world)
{
    tt_names_clear(world->names, world->slots);
    for (size_t i = 0; i < TT_ARRAY_SIZE(features); i++) {
        double number = below(world, 20) == 0 ? __builtin_nan("") : PICK(world, values);
        give(world, features[i].data, tt_value_double(number));
    }
    for (size_t i = 0; i < TT_ARRAY_SIZE(names); i++) {
        give(world, names[i], tt_value_text(tt_str_from(PICK(world, texts))));
    }
    give(world, "flag", tt_value_bool(below(world, 2) == 0));
    give(world, "other", tt_value_bool(below(world, 2) == 0));
    int64_t at = INT64_C(1769904000000) + (int64_t)below(world, 40) * 86400000;
    give(world, "timestamp", tt_value_timestamp_ms(at));
    if (below(world, 50) == 0) { /* what the index does not know */
        static const struct tt_value strange[] = {{.type = TT_TYPE_INT, .integer = 2},
                                                  {.type = TT_TYPE_NONE, .error = TT_VALUE_RANGE}};
        give(world, PICK(world, features).data, PICK(world, strange));
        world->plain++;
    }
    return at;
}

/* --- the comparison --- */

static void run_plainly(struct world *world, const struct tt_rules *set, const uint32_t *order,
                        uint32_t count, int64_t at, struct tt_rule_hits *hits)
{
    *hits = (struct tt_rule_hits){0};
    for (uint32_t i = 0; i < count; i++) {
        const struct tt_rule *rule = &set->rules[order[i]];
        struct tt_value value;
        if (at < rule->info.valid_from_ms || at >= rule->info.valid_until_ms) {
            continue;
        }
        tt_expr_eval(rule->expr, world->slots, &world->scratch, &value);
        if (value.type != TT_TYPE_BOOL) {
            hits->errors++;
        } else if (value.boolean && hits->count < TT_RULE_HITS_MAX) {
            hits->rules[hits->count++] = (uint16_t)order[i];
        } else if (value.boolean) {
            hits->overflow++;
        }
    }
}

static void check_same(struct world *world, const struct tt_rules *set,
                       const struct tt_rule_hits *got, const struct tt_rule_hits *wanted)
{
    world->hits += wanted->count;
    world->errors += wanted->errors;
    world->overflow += wanted->overflow;
    if (got->count == wanted->count && got->errors == wanted->errors &&
        got->overflow == wanted->overflow &&
        memcmp(got->rules, wanted->rules, wanted->count * sizeof(uint16_t)) == 0) {
        return;
    }
    for (uint32_t i = 0; i < wanted->count; i++) {
        print_message("wanted %u: %.*s\n", wanted->rules[i],
                      TT_STR_ARG(set->rules[wanted->rules[i]].info.when));
    }
    for (uint32_t i = 0; i < got->count; i++) {
        print_message("got %u: %.*s\n", got->rules[i],
                      TT_STR_ARG(set->rules[got->rules[i]].info.when));
    }
    fail_msg("%u hits, %u errors, %u too many instead of %u, %u, %u", got->count, got->errors,
             got->overflow, wanted->count, wanted->errors, wanted->overflow);
}

static void compare(struct world *world, const struct tt_rules *set, int events)
{
    struct tt_rule_hits live;
    struct tt_rule_hits shadow;
    struct tt_rule_hits got;
    struct tt_shadow_hits got_shadow;
    for (int i = 0; i < events; i++) {
        int64_t at = draw_event(world);
        run_plainly(world, set, set->live, set->live_count, at, &live);
        run_plainly(world, set, set->shadow, set->shadow_count, at, &shadow);
        tt_rules_eval(set, world->slots, at, &world->scratch, &got, &got_shadow);
        check_same(world, set, &got, &live);
        check_same(world, set, &got_shadow.hits, &shadow);
        world->pairs++;
    }
}

static struct world *make_world(void)
{
    static struct world world;
    struct tt_error err;
    const char *seed_text = getenv("TELLTALE_TEST_SEED");
    uint64_t seed = seed_text == NULL ? 20260301 : strtoull(seed_text, NULL, 10);
    print_message("seed %llu\n", (unsigned long long)seed);
    world = (struct world){0};
    tt_rng_init(&world.rng, seed);
    assert_int_equal(tt_names_new(&tt_alloc_libc, attributes, TT_ARRAY_SIZE(attributes), features,
                                  TT_ARRAY_SIZE(features), &world.names, &err),
                     TT_OK);
    return &world;
}

static void the_index_says_what_every_rule_says_alone(void **state)
{
    struct world *world = make_world();
    struct tt_buf yaml;
    (void)state;
    tt_buf_init(&yaml, &tt_alloc_libc, 1 << 24);
    for (int i = 0; i < SETS + LARGE_SETS; i++) {
        struct tt_rules *set = NULL;
        tt_buf_clear(&yaml);
        gen_file(world, i < SETS ? 1 + (int)below(world, 40) : 1800, &yaml);
        if (compile(&tt_alloc_libc, world, &yaml, &set) == TT_E_INVALID) {
            continue; /* a constant part that can only fail */
        }
        assert_true(i < SETS || set->index.block_count > 1);
        compare(world, set, EVENTS);
        tt_rules_free(set);
    }
    print_message("%llu pairs, %llu hits, %llu more, %llu errors, %llu without the index\n",
                  (unsigned long long)world->pairs, (unsigned long long)world->hits,
                  (unsigned long long)world->overflow, (unsigned long long)world->errors,
                  (unsigned long long)world->plain);
    assert_true(world->pairs >= 100000 && world->hits > 10000 && world->errors > 10000 &&
                world->overflow > 1000);
    tt_buf_deinit(&yaml);
    tt_names_free(world->names);
}

static enum tt_status compile_and_free(const struct tt_alloc *alloc, void *ctx)
{
    struct world *world = ctx;
    struct tt_buf yaml;
    struct tt_rules *set = NULL;
    tt_buf_init(&yaml, &tt_alloc_libc, 1 << 20);
    tt_buf_append_text(
        &yaml, "lists: {few: [a, b]}\n"
               "rules:\n"
               "  - {id: a, when: 'f0 > 1 && (channel in few || !flag) && is_missing(f1)'}\n"
               "  - {id: b, when: 'f0 + f1 > 1.0 || f2 == 5', valid_from: 2026-03-01}\n");
    enum tt_status status = compile(alloc, world, &yaml, &set);
    tt_rules_free(set);
    tt_buf_deinit(&yaml);
    return status;
}

static void a_failed_allocation_anywhere_leaks_nothing(void **state)
{
    struct world *world = make_world();
    (void)state;
    tt_torture_run(compile_and_free, world);
    tt_names_free(world->names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_index_says_what_every_rule_says_alone),
        cmocka_unit_test(a_failed_allocation_anywhere_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
