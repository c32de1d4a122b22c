/*
 * Any text as a rule file: compiling must not do more than fail with a place inside the file, and what
 * compiles must say by its index what every rule says alone, with values, without, and with NaN.
 */
#include <string.h>

#include "core/rules/set.h"
#include "format/yaml.h"
#include "fuzz.h"

struct world {
    struct tt_names *names;
    struct tt_value slots[TT_EXPR_SLOTS_MAX];
    struct tt_expr_scratch scratch;
};

static void set_up(struct world *world)
{
    static const struct tt_str features[] = {{"f0", 2}, {"f1", 2}, {"f2", 2}};
    static const struct tt_attribute_decl attributes[] = {{{"flag", 4}, TT_ATTRIBUTE_BOOL}};
    enum tt_status status =
        tt_names_new(&tt_alloc_libc, attributes, 1, features, 3, &world->names, NULL);
    TT_ASSERT(status == TT_OK);
}

/* Values that follow from the round and the bytes of the file. */
static void fill(struct world *world, const uint8_t *data, size_t size, int round)
{
    static const double numbers[] = {0.0, -0.0, 1.0, 2.5, 7.0, -1e300, 1e300, 100.0};
    static const char *const texts[] = {"", "a", "online", "pos", "m-1"};
    const struct tt_expr_env *env = tt_names_env(world->names);
    tt_names_clear(world->names, world->slots);
    for (uint32_t slot = 0; slot < tt_names_slot_count(world->names); slot++) {
        enum tt_type type = TT_TYPE_NONE;
        uint32_t found = 0;
        unsigned draw = (unsigned)(size == 0 ? 0 : data[(slot * 7 + (unsigned)round * 13) % size]) +
                        slot + (unsigned)round;
        TT_ASSERT(tt_expr_env_find(env, tt_expr_env_slot_name(env, slot), &found, &type));
        if (draw % 5 == 0) {
            continue; /* missing */
        }
        if (type == TT_TYPE_DOUBLE) {
            world->slots[slot] =
                tt_value_double(draw % 11 == 1 ? __builtin_nan("") : numbers[draw % 8]);
        } else if (type == TT_TYPE_STRING) {
            world->slots[slot] = tt_value_text(tt_str_from(texts[draw % 5]));
        } else if (type == TT_TYPE_BOOL) {
            world->slots[slot] = tt_value_bool(draw % 2 == 0);
        } else {
            world->slots[slot] = tt_value_timestamp_ms(INT64_C(1772368205123));
        }
    }
}

static void run_alone(struct world *world, const struct tt_rules *set, const uint32_t *order,
                      uint32_t count, int64_t at, struct tt_rule_hits *hits)
{
    *hits = (struct tt_rule_hits){0};
    for (uint32_t i = 0; i < count; i++) {
        const struct tt_rule_info *info = &set->rules[order[i]].info;
        struct tt_value value;
        if (at < info->valid_from_ms || at >= info->valid_until_ms) {
            continue;
        }
        tt_rules_run_alone(set, order[i], world->slots, &world->scratch, &value);
        bool fires = value.type == TT_TYPE_BOOL && value.boolean;
        hits->errors = (uint16_t)(hits->errors + (value.type != TT_TYPE_BOOL ? 1 : 0));
        if (fires && hits->count < TT_RULE_HITS_MAX) {
            hits->rules[hits->count++] = (uint16_t)order[i];
        } else if (fires) {
            hits->overflow++;
        }
    }
}

static void check_same(const struct tt_rule_hits *a, const struct tt_rule_hits *b)
{
    TT_ASSERT(a->count == b->count && a->errors == b->errors && a->overflow == b->overflow);
    TT_ASSERT(memcmp(a->rules, b->rules, a->count * sizeof(a->rules[0])) == 0);
}

static void compare(struct world *world, const struct tt_rules *set)
{
    const int64_t at = INT64_C(1772368205123);
    struct tt_rule_hits live;
    struct tt_rule_hits shadow;
    struct tt_rule_hits got;
    struct tt_shadow_hits got_shadow;
    run_alone(world, set, set->live, set->live_count, at, &live);
    run_alone(world, set, set->shadow, set->shadow_count, at, &shadow);
    tt_rules_eval(set, world->slots, at, &world->scratch, &got, &got_shadow);
    check_same(&got, &live);
    check_same(&got_shadow.hits, &shadow);
}

static bool ignore(void *ctx, const struct tt_rule_finding *finding)
{
    uint32_t *count = ctx;
    TT_ASSERT(tt_rule_finding_name(finding->kind)[0] != '\0');
    return ++*count < 100;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world world;
    struct tt_arena arena;
    struct tt_tree *tree = NULL;
    struct tt_rules *set = NULL;
    struct tt_error err = {0};
    uint32_t found = 0;
    uint32_t seen = 0;
    uint32_t total = 0;
    if (world.names == NULL) {
        set_up(&world);
    }
    tt_arena_init(&arena, &tt_alloc_libc, 1 << 14, 1 << 22);
    enum tt_status status =
        tt_yaml_parse(&arena, (struct tt_str){(const char *)data, size}, &tree, &err);
    if (status == TT_OK) {
        status = tt_rules_compile(&tt_alloc_libc, tree, world.names, &set, &err);
        TT_ASSERT(status == TT_OK || status == TT_E_NOMEM ||
                  (err.line >= 1 && err.message[0] != '\0'));
    }
    if (status == TT_OK) {
        for (int round = 0; round < 8; round++) {
            fill(&world, data, size, round);
            compare(&world, set);
        }
        status = tt_rules_find_suspicious(set, ignore, &found, &err);
        TT_ASSERT(status == TT_OK);
        status = tt_rules_cover(set, NULL, NULL, &seen, &total, &err);
        TT_ASSERT(status == TT_OK && seen <= total);
    }
    tt_rules_free(set);
    tt_arena_deinit(&arena);
    return 0;
}
