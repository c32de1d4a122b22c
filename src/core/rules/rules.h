/*
 * Rules: a rule file's tree compiled to an immutable set, and running it.
 *
 * What:    `rules:` (conditions in the expression language with severity, decision and score),
 *          `lists:` (named constants for `in`), `conditions:` (named conditions that rules reuse).
 *          Each rule may carry tests, which run against the compiled rule.
 * Why:     everything is typed and bounded when it is loaded: what compiles cannot fail later
 *          except by an evaluation error, which counts and never fires. Shadow rules report into a type of
 *          their own, so that they cannot reach a decision.
 * Owner:   the set comes from the allocator given and copies what it needs of the tree; it borrows
 *          names, which must outlive it.
 * Threads: immutable; evaluation is safe from any thread with its own slots and scratch.
 * Units:   event_ms is event time, ms since the Unix epoch; valid_from is inclusive, valid_until
 *          exclusive.
 * Limits:  TT_RULES_MAX rules, TT_LIST_COUNT_MAX entries a list, TT_RULE_LISTS_MAX lists,
 *          TT_RULE_CONDITIONS_MAX conditions, TT_RULE_TESTS_MAX tests a rule: TT_E_LIMIT.
 * Fails:   compile: see core/expr/expr.h, and TT_E_CONFLICT for an id or name given twice; every
 *          error but TT_E_NOMEM has line and column in the file.
 */
#ifndef TT_CORE_RULES_RULES_H
#define TT_CORE_RULES_RULES_H

#include "base/tree.h"
#include "core/event/names.h"

#define TT_RULES_MAX 10000
#define TT_RULE_LISTS_MAX 256
#define TT_RULE_CONDITIONS_MAX 1024
#define TT_RULE_TESTS_MAX 100
#define TT_RULE_ID_SIZE_MAX 64

struct tt_rules;

enum tt_rule_mode { TT_RULE_LIVE = 1, TT_RULE_SHADOW, TT_RULE_OFF };

/* What a rule is; views live as long as the set. */
struct tt_rule_info {
    struct tt_str id;
    struct tt_str description; /* absent when not given */
    struct tt_str rationale;   /* why it should find fraud; absent when not given */
    struct tt_str owner;       /* absent when not given */
    struct tt_str when;        /* the condition's text */
    const struct tt_str *tags;
    uint32_t tag_count;
    uint8_t mode;     /* enum tt_rule_mode */
    uint8_t severity; /* enum tt_severity */
    uint8_t verdict;  /* enum tt_verdict: the rule's decision */
    double score;     /* [0, 1) */
    double budget;    /* hits in a thousand ordinary transactions it may have; NaN when not given */
    int64_t valid_from_ms, valid_until_ms; /* INT64_MIN, INT64_MAX when not given */
    const uint32_t *slots; /* slots of the names the condition reads, ascending: the evidence */
    uint32_t slot_count;
    uint32_t test_count;
    uint32_t line; /* where the rule starts in its file */
};

/* What the hits of one transaction come to. */
struct tt_rule_outcome {
    double score;     /* the highest of the hits; 0 without one */
    uint8_t severity; /* the highest; TT_SEVERITY_NONE without one */
    uint8_t verdict;  /* the strictest; TT_ALLOW without one */
};

enum tt_rule_result { TT_RULE_PASS = 1, TT_RULE_FIRE, TT_RULE_ERROR };

struct tt_rule_test_result {
    uint32_t rule;  /* index */
    uint32_t test;  /* number in the rule, from 0 */
    uint32_t line;  /* of the test in the file */
    uint8_t expect; /* enum tt_rule_result */
    uint8_t got;
    uint8_t error; /* enum tt_value_error when got is TT_RULE_ERROR */
    bool passed;
};
/* Called for each test; false stops the run. */
typedef bool tt_on_rule_test(void *ctx, const struct tt_rule_test_result *result);

/* Reads the entries of a list that stands elsewhere: the lines of a file, or a column of a table when
 * column is not absent. Entries go into the arena; ctx says who asks. */
typedef enum tt_status tt_read_rule_list(void *ctx, struct tt_str file, struct tt_str column,
                                         struct tt_arena *arena, struct tt_str **ret_entries,
                                         size_t *ret_count, struct tt_error *err);
struct tt_rule_files {
    void *ctx;
    tt_read_rule_list *read;
};

/* The same as tt_rules_compile, for files whose lists may name other files. */
enum tt_status tt_rules_compile_with(const struct tt_alloc *alloc, const struct tt_tree *tree,
                                     const struct tt_names *names,
                                     const struct tt_rule_files *files, struct tt_rules **ret,
                                     struct tt_error *err) TT_MUST_USE;
/* Compiles the tree of a rule file. On failure *ret is untouched. */
enum tt_status tt_rules_compile(const struct tt_alloc *alloc, const struct tt_tree *tree,
                                const struct tt_names *names, struct tt_rules **ret,
                                struct tt_error *err) TT_MUST_USE;
void tt_rules_free(struct tt_rules *set);
/* Rules in the file, those that are off included; indices are places in the file. */
uint32_t tt_rules_count(const struct tt_rules *set);
/* index must be below the count. */
void tt_rules_info(const struct tt_rules *set, uint32_t index, struct tt_rule_info *ret);
/* The index of a rule id, or UINT32_MAX. */
uint32_t tt_rules_find(const struct tt_rules *set, struct tt_str id);
/* Identity of everything that decides what the set does (not of descriptions, owners, tests). */
struct tt_hash128 tt_rules_hash(const struct tt_rules *set);

/* The slots that evaluating the set reads, ascending; valid as long as the set. */
const uint32_t *tt_rules_slots(const struct tt_rules *set, uint32_t *ret_count);
/* Runs every rule in force at event_ms over the slots (filled by names.h, those of tt_rules_slots at least). Hits are ordered by
 * severity, then score (both falling), then place in the file. Overwrites both records. */
void tt_rules_eval(const struct tt_rules *set, const struct tt_value *slots, int64_t event_ms,
                   struct tt_expr_scratch *scratch, struct tt_rule_hits *ret_hits,
                   struct tt_shadow_hits *ret_shadow);
/* The same for whoever counts: also adds one to failures[rule] for each rule that could not be
 * evaluated; failures has a count a rule, or is NULL. */
void tt_rules_tally(const struct tt_rules *set, const struct tt_value *slots, int64_t event_ms,
                    struct tt_expr_scratch *scratch, uint64_t *failures,
                    struct tt_rule_hits *ret_hits, struct tt_shadow_hits *ret_shadow);
/* Whether one rule, whatever its mode, is in force and fires: for what did not fit in the hits. */
bool tt_rules_fires(const struct tt_rules *set, uint32_t index, const struct tt_value *slots,
                    int64_t event_ms, struct tt_expr_scratch *scratch);
/* Folds live hits; there is none for shadow hits on purpose. */
void tt_rules_outcome(const struct tt_rules *set, const struct tt_rule_hits *hits,
                      struct tt_rule_outcome *ret);
/* Appends the sentence for a hit: the rule's message with its {name} places filled from the slots,
 * else its description, else its condition. */
enum tt_status tt_rules_message(const struct tt_rules *set, uint32_t index,
                                const struct tt_value *slots, struct tt_buf *buf) TT_MUST_USE;
/* Appends "name=value, name=value" for the names the rule's condition reads: what it saw. */
enum tt_status tt_rules_evidence(const struct tt_rules *set, uint32_t index,
                                 const struct tt_value *slots, struct tt_buf *buf) TT_MUST_USE;
/* Runs the tests in the file, in order; counts what passed and failed. TT_E_NOMEM. */
enum tt_status tt_rules_test(const struct tt_rules *set, tt_on_rule_test *on_test, void *ctx,
                             uint32_t *ret_passed, uint32_t *ret_failed,
                             struct tt_error *err) TT_MUST_USE;

/* An operand of a rule's condition (of && || ?:, or all of it) that the rule's tests have not seen
 * true, or not false. */
struct tt_rule_gap {
    uint32_t rule;
    uint32_t offset; /* of the operand in the condition's text */
    uint8_t seen;    /* enum tt_seen */
};
/* Called for each gap; false stops the run. */
typedef bool tt_on_rule_gap(void *ctx, const struct tt_rule_gap *gap);
/* Runs the tests over the conditions once more, noting what each operand was. Sums over rules:
 * *ret_total is twice the number of operands, *ret_seen how many of these ways were taken.
 * TT_E_NOMEM. */
enum tt_status tt_rules_cover(const struct tt_rules *set, tt_on_rule_gap *on_gap, void *ctx,
                              uint32_t *ret_seen, uint32_t *ret_total,
                              struct tt_error *err) TT_MUST_USE;

/* What is suspicious about a rule, though it compiles. */
enum tt_rule_finding_kind {
    TT_FINDING_NEVER_TRUE = 1, /* its terms exclude each other */
    TT_FINDING_ALWAYS_TRUE,    /* whenever its names have values */
    TT_FINDING_SAME,           /* asks the same as another rule */
    TT_FINDING_SHADOWED,       /* fires only where another rule, at least as strict, fires too */
    TT_FINDING_OVERLAPS,       /* asks the same names as another rule and can fire together with it,
                                  with another decision */
    TT_FINDING_UNIT,           /* a constant that looks like another unit than its name's */
};
struct tt_rule_finding {
    uint8_t kind;    /* enum tt_rule_finding_kind */
    uint32_t rule;   /* index */
    uint32_t other;  /* index of the other rule, or UINT32_MAX */
    uint32_t slot;   /* of TT_FINDING_UNIT: the name */
    double constant; /* and what it is compared with */
};
typedef bool tt_on_rule_finding(void *ctx, const struct tt_rule_finding *finding);
/* Looks for them in the live and shadow rules, in file order; nothing is evaluated. TT_E_NOMEM. */
enum tt_status tt_rules_find_suspicious(const struct tt_rules *set, tt_on_rule_finding *on_finding,
                                        void *ctx, struct tt_error *err) TT_MUST_USE;
/* "never-true", "always-true", "same-condition", "unreachable", "overlap", "unit". */
const char *tt_rule_finding_name(uint8_t kind);
/* The name of a slot. */
struct tt_str tt_rules_slot_name(const struct tt_rules *set, uint32_t slot);

/* Appends the reference page of rule files; their JSON Schema. */
enum tt_status tt_rules_docs(struct tt_buf *buf) TT_MUST_USE;
enum tt_status tt_rules_schema(struct tt_buf *buf) TT_MUST_USE;

/* Appends what a rule compiled to: its ways with their terms, as the index asks them, what is left
 * to the program, and the program. */
enum tt_status tt_rules_explain(const struct tt_rules *set, uint32_t index,
                                struct tt_buf *buf) TT_MUST_USE;
/* The slots a test of a rule is given, into an array of all the names' slots. */
void tt_rules_test_slots(const struct tt_rules *set, uint32_t rule, uint32_t test,
                         struct tt_value *ret_slots);
/* Runs one rule's program by itself: to measure it. */
void tt_rules_run_alone(const struct tt_rules *set, uint32_t rule, const struct tt_value *slots,
                        struct tt_expr_scratch *scratch, struct tt_value *ret);

#endif
