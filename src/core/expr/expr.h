/*
 * Expressions: the one language of feature filters, feature expressions and rules.
 *
 * What:    CEL text → parser → checker → constant folding → typed bytecode, and the machine that
 *          runs it. Functions are the rows of funcs.def, opcodes the rows of opcodes.def.
 * Why:     names become slots when compiled; evaluating looks nothing up, allocates nothing and
 *          keeps numbers in registers. && and || absorb errors in either order, as CEL has it; a
 *          missing value is such an error.
 *          Source: the CEL specification (github.com/google/cel-spec, doc/langdef.md).
 *          Macros are loops of the bytecode over registers. Left out and refused by name: messages.
 * Owner:   an environment and an expression come from the allocator given and go back by _free;
 *          an expression keeps nothing of the environment except views of constants added by
 *          tt_expr_env_add_value, which must outlive it.
 * Threads: an expression is immutable: any number of threads may evaluate it, each with its own
 *          scratch and slots. An environment is only read by compile.
 * Units:   offsets are bytes from the start of the text; lines and columns start at 1, columns are
 *          bytes.
 * Limits:  TT_EXPR_TEXT_SIZE_MAX bytes of text, TT_EXPR_DEPTH_MAX levels of nesting,
 *          TT_EXPR_NODES_MAX nodes, TT_EXPR_HANDLES_MAX constant patterns and zones, TT_EXPR_SLOTS_MAX names; past one: TT_E_LIMIT. An evaluation
 *          that passes its cost limit gives TT_VALUE_COST, one that makes more than
 *          TT_EXPR_HEAP_SIZE bytes of strings and lists TT_VALUE_SPACE.
 * Fails:   compile: TT_E_SYNTAX, TT_E_UNKNOWN (names the nearest), TT_E_TYPE, TT_E_LIMIT,
 *          TT_E_UNSUPPORTED, TT_E_INVALID (a constant part that can only fail), TT_E_NOMEM; all
 *          but the last with line, column and offset. Evaluating never fails: errors are values.
 */
#ifndef TT_CORE_EXPR_EXPR_H
#define TT_CORE_EXPR_EXPR_H

#include "core/expr/host.h"
#include "core/expr/value.h"

#define TT_EXPR_TEXT_SIZE_MAX 65536
#define TT_EXPR_DEPTH_MAX 100
#define TT_EXPR_NODES_MAX 16384
#define TT_EXPR_SLOTS_MAX 1024
#define TT_EXPR_NAME_SIZE_MAX 64
#define TT_EXPR_HANDLES_MAX 64
#define TT_EXPR_REGISTERS_MAX 128
#define TT_EXPR_HEAP_SIZE 65536
#define TT_EXPR_COST_DEFAULT 100000

struct tt_expr_env;
struct tt_expr;

/* What an evaluation works in; one per thread, on the caller's side; needs no initialising. */
struct tt_expr_scratch {
    struct tt_value registers[TT_EXPR_REGISTERS_MAX];
    size_t heap_used;
    _Alignas(16) unsigned char heap[TT_EXPR_HEAP_SIZE]; /* made strings and lists */
};

/* An empty environment whose names come on top of those of parent (may be NULL; must outlive it,
 * and gets no more names). Slots continue those of the parent. */
enum tt_status tt_expr_env_new(const struct tt_alloc *alloc, const struct tt_expr_env *parent,
                               struct tt_expr_env **ret, struct tt_error *err) TT_MUST_USE;
void tt_expr_env_free(struct tt_expr_env *env);
/* Declares a name (copied) of a type and gives it the next slot. TT_E_INVALID when it is no CEL
 * identifier or a reserved word, TT_E_CONFLICT when it is there (in a parent too), TT_E_LIMIT. */
enum tt_status tt_expr_env_add(struct tt_expr_env *env, struct tt_str name, enum tt_type type,
                               uint32_t *ret_slot, struct tt_error *err) TT_MUST_USE;
/* Declares a constant, e.g. a list for `in`; the value is copied, what it points to is borrowed. */
enum tt_status tt_expr_env_add_value(struct tt_expr_env *env, struct tt_str name,
                                     const struct tt_value *value,
                                     struct tt_error *err) TT_MUST_USE;
/* Declares a name for an expression's text (copied), which is read in place of the name as if in
 * parentheses. It may use names declared before it. It is not checked here: compile it first for
 * the places of its errors. */
enum tt_status tt_expr_env_add_alias(struct tt_expr_env *env, struct tt_str name,
                                     struct tt_str text, struct tt_error *err) TT_MUST_USE;
/* Gives the environment, and those on top of it, what `matches` and named time zones need; without
 * it they are refused. */
void tt_expr_env_set_host(struct tt_expr_env *env, const struct tt_expr_host *host);
/* How many slots an array for evaluating needs, parents included. */
uint32_t tt_expr_env_slot_count(const struct tt_expr_env *env);
/* The slot of a name, or false with *ret_slot and *ret_type untouched; constants and aliases have
 * none. ret_type may be NULL. */
bool tt_expr_env_find(const struct tt_expr_env *env, struct tt_str name, uint32_t *ret_slot,
                      enum tt_type *ret_type);
/* The name of a slot; slot must be below the count. */
struct tt_str tt_expr_env_slot_name(const struct tt_expr_env *env, uint32_t slot);
/* The declared name nearest to this one for "did you mean", or NULL. */
const char *tt_expr_env_nearest(const struct tt_expr_env *env, struct tt_str name);

struct tt_expr_options {
    struct tt_str text;
    uint32_t line, column; /* where the text starts in its file; 0 = a text of its own */
    enum tt_type want;     /* the type it must have; TT_TYPE_NONE or TT_TYPE_DYN = any */
    uint64_t cost_max;     /* of one evaluation; 0 = TT_EXPR_COST_DEFAULT */
    bool ways;             /* keeps the simple terms of a condition, see terms.h */
    bool cover;            /* notes which operands were true and false, see tt_expr_eval_covered */
    bool gradual;          /* unknown names, wrong types and failing constants fail only when
                              evaluated */
};

/* Compiles. An int constant becomes a double where a double is wanted. On failure *ret is untouched
 * and err has line and column in the file, and the offset in the text. */
enum tt_status tt_expr_compile(const struct tt_alloc *alloc, const struct tt_expr_env *env,
                               const struct tt_expr_options *options, struct tt_expr **ret,
                               struct tt_error *err) TT_MUST_USE;
void tt_expr_free(struct tt_expr *expr);
/* The type of its value; TT_TYPE_DYN when only evaluating tells. */
enum tt_type tt_expr_type(const struct tt_expr *expr);
/* True when evaluating may read the slot. */
bool tt_expr_uses(const struct tt_expr *expr, uint32_t slot);
/* Evaluates over slots (as many as the environment has). A missing name is a slot with
 * tt_value_none(TT_VALUE_MISSING); a slot must otherwise have its declared type. Texts and lists in
 * *ret are views of slots, expr or scratch: valid until the next evaluation with that scratch. */
void tt_expr_eval(const struct tt_expr *expr, const struct tt_value *slots,
                  struct tt_expr_scratch *scratch, struct tt_value *ret);
/* What an operand of a condition was in some evaluations. */
enum tt_seen { TT_SEEN_TRUE = 1, TT_SEEN_FALSE = 2, TT_SEEN_BOTH = 3 };
/* How many operands of && || and ?: there are in an expression compiled with `cover`, itself
 * included as the last; at most TT_EXPR_NODES_MAX. */
uint32_t tt_expr_operand_count(const struct tt_expr *expr);
/* Where an operand starts in the text: an offset. */
uint32_t tt_expr_operand_place(const struct tt_expr *expr, uint32_t index);
/* As tt_expr_eval; joins to seen[i] what operand i was (enum tt_seen). Errors are neither. */
void tt_expr_eval_covered(const struct tt_expr *expr, const struct tt_value *slots,
                          struct tt_expr_scratch *scratch, uint8_t *seen, struct tt_value *ret);
/* Appends the functions of the table as a Markdown table. */
enum tt_status tt_expr_functions_docs(struct tt_buf *buf) TT_MUST_USE;
/* Appends the bytecode as text, one instruction a line, with names and constants. */
enum tt_status tt_expr_explain(const struct tt_expr *expr, struct tt_buf *buf) TT_MUST_USE;

#endif
