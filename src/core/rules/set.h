/*
 * The compiled rule set from inside. Private to core/rules.
 *
 * What:    rules with their programs, in file order; two orders to run them in.
 * Owner:   texts, tests and messages live in the set's arena; programs and lists are their own.
 */
#ifndef TT_CORE_RULES_SET_H
#define TT_CORE_RULES_SET_H

#include "base/map.h"
#include "core/rules/index.h"

#define TT_RULE_SLOT_NONE UINT32_MAX

/* A piece of a message: text, then the value of a slot (or TT_RULE_SLOT_NONE). */
struct tt_message_part {
    struct tt_str text;
    uint32_t slot;
};

struct tt_given {
    uint32_t slot;
    struct tt_value value;
};
struct tt_rule_test {
    struct tt_given *given;
    uint32_t given_count;
    uint32_t line;
    uint8_t expect; /* enum tt_rule_result */
};

struct tt_rule {
    struct tt_rule_info info;
    struct tt_expr *expr;
    struct tt_message_part *parts; /* of the message; NULL = none given */
    uint32_t part_count;
    struct tt_rule_test *tests;
};

struct tt_rules {
    const struct tt_alloc *alloc;
    const struct tt_names *names;
    struct tt_arena arena;
    const struct tt_rule_files *files; /* while it is compiled; or NULL */
    struct tt_expr_env *env;           /* names, lists and conditions */
    struct tt_map by_id;               /* of struct tt_rule */
    struct tt_rule *rules;
    uint32_t count;
    struct tt_list **lists;
    uint32_t list_count;
    uint32_t *live; /* indices, most severe first, then by score, then as in the file */
    uint32_t *shadow;
    uint32_t live_count, shadow_count;
    struct tt_rule_index index;
    uint32_t *slots; /* that any live or shadow rule reads, ascending */
    uint32_t slot_count;
    struct tt_hash128 hash;
};

uint64_t tt_rule_id_hash(struct tt_str id);
/* Fails with TT_E_NOMEM. */
enum tt_status tt_rules_nomem(struct tt_error *err);
/* Mixes a piece into the identity. */
void tt_rules_mix(struct tt_rules *set, const void *data, size_t size);
/* Fails at a byte of a scalar's text, with its place in the file; returns status. */
enum tt_status tt_rules_fail_in(const struct tt_tree *node, uint64_t offset, enum tt_status status,
                                const char *message, struct tt_error *err);

/* Refuses keys that rule_keys.def does not have. */
enum tt_status tt_rules_check_rule_keys(const struct tt_tree *rule,
                                        struct tt_error *err) TT_MUST_USE;
/* The parts of the file; each fails with a place. */
enum tt_status tt_rules_read_lists(struct tt_rules *set, const struct tt_tree *lists,
                                   struct tt_error *err) TT_MUST_USE;
enum tt_status tt_rules_read_conditions(struct tt_rules *set, const struct tt_tree *conditions,
                                        struct tt_error *err) TT_MUST_USE;
enum tt_status tt_rules_read_rule(struct tt_rules *set, const struct tt_tree *node,
                                  struct tt_rule *rule, struct tt_error *err) TT_MUST_USE;
enum tt_status tt_rules_read_message(struct tt_rules *set, const struct tt_tree *node,
                                     struct tt_rule *rule, struct tt_error *err) TT_MUST_USE;
enum tt_status tt_rules_read_tests(struct tt_rules *set, const struct tt_tree *node,
                                   struct tt_rule *rule, struct tt_error *err) TT_MUST_USE;

#endif
