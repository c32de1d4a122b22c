/*
 * Multiplying a condition out, from the folded tree.
 *
 * Ways are gathered in a draft of fixed size. What does not fit makes the part it belongs to one
 * way without terms that is not exact, which is always true to the condition.
 */
#include "core/expr/terms.h"

#include <string.h>

#include "core/expr/code.h"

/* Terms of a draft are copies: at most TT_WAYS_MAX * TT_WAY_TERMS_MAX of them. */
struct draft {
    struct draft *next_free;
    uint32_t count;
    struct {
        uint32_t term_count;
        bool exact;
        struct tt_term terms[TT_WAY_TERMS_MAX];
    } ways[TT_WAYS_MAX];
};

/* Drafts are used again: siblings need one at a time, only nesting needs more. */
struct gatherer {
    struct tt_compile *compile;
    struct draft *free;
};

static void set_unknown(struct draft *draft)
{
    draft->count = 1;
    draft->ways[0].term_count = 0;
    draft->ways[0].exact = false;
}

static void set_term(struct draft *draft, const struct tt_term *term)
{
    draft->count = 1;
    draft->ways[0].term_count = 1;
    draft->ways[0].exact = true;
    draft->ways[0].terms[0] = *term;
}

static void set_constant(struct draft *draft, bool value)
{
    draft->count = value ? 1 : 0;
    draft->ways[0].term_count = 0;
    draft->ways[0].exact = true;
}

static bool is_constant(const struct tt_node *node, enum tt_type type)
{
    return node->kind == TT_NODE_LITERAL && node->value.type == (uint8_t)type;
}

static bool is_plain_name(const struct tt_node *node)
{
    enum tt_type kind = TT_CODE_KIND(node->type);
    return node->kind == TT_NODE_NAME &&
           (kind == TT_TYPE_BOOL || kind == TT_TYPE_DOUBLE || kind == TT_TYPE_STRING);
}

/* `constant < name` is `name > constant`. */
static uint8_t mirrored(uint8_t relation)
{
    switch ((enum tt_relation)relation) {
    case TT_LT:
        return TT_GT;
    case TT_LE:
        return TT_GE;
    case TT_GT:
        return TT_LT;
    case TT_GE:
        return TT_LE;
    case TT_EQ:
    case TT_NE:
    case TT_IN:
        break;
    }
    return relation;
}

static bool compare_term(const struct tt_node *node, struct tt_term *ret)
{
    const struct tt_node *left = node->args;
    const struct tt_node *right = left->next;
    bool swapped = node->relation != TT_IN && !is_plain_name(left);
    const struct tt_node *name = swapped ? right : left;
    const struct tt_node *constant = swapped ? left : right;
    if (!is_plain_name(name)) {
        return false;
    }
    enum tt_type type = TT_CODE_KIND(name->type);
    *ret = (struct tt_term){.kind = node->relation == TT_IN ? TT_TERM_IN : TT_TERM_COMPARE,
                            .relation = swapped ? mirrored(node->relation) : node->relation,
                            .type = (uint8_t)type,
                            .slot = name->slot};
    if (!is_constant(constant, node->relation == TT_IN ? TT_TYPE_LIST : type)) {
        return false;
    }
    ret->constant = constant->value;
    return type != TT_TYPE_DOUBLE || node->relation == TT_IN ||
           __builtin_isfinite(constant->value.number) != 0;
}

/* is_missing(name) and has(name). */
static bool asking_term(const struct tt_node *node, struct tt_term *ret)
{
    bool is_has = tt_str_equal_text(node->name, "has");
    if (node->arg_count != 1 || node->func == NULL || !is_plain_name(node->args) ||
        (!is_has && !tt_str_equal_text(node->name, "is_missing"))) {
        return false;
    }
    *ret = (struct tt_term){.kind = TT_TERM_MISSING,
                            .type = (uint8_t)TT_CODE_KIND(node->args->type),
                            .negated = is_has,
                            .slot = node->args->slot};
    return true;
}

static bool simple_term(const struct tt_node *node, struct tt_term *ret)
{
    if (node->kind == TT_NODE_COMPARE) {
        return compare_term(node, ret);
    }
    if (node->kind == TT_NODE_CALL) {
        return asking_term(node, ret);
    }
    *ret = (struct tt_term){.kind = TT_TERM_TRUE, .type = TT_TYPE_BOOL, .slot = node->slot};
    return is_plain_name(node) && TT_CODE_KIND(node->type) == TT_TYPE_BOOL;
}

static uint32_t total_terms(const struct draft *draft)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < draft->count; i++) {
        count += draft->ways[i].term_count;
    }
    return count;
}

/* a || b; without room one way that knows nothing. */
static void unite(struct draft *a, const struct draft *b)
{
    if (a->count + b->count > TT_WAYS_MAX || total_terms(a) + total_terms(b) > TT_TERMS_MAX) {
        set_unknown(a);
        return;
    }
    if (b->count > 0) {
        memcpy(&a->ways[a->count], b->ways, b->count * sizeof(b->ways[0]));
    }
    a->count += b->count;
}

/* Adds the terms of way j of b to way i of a. */
static void join_way(struct draft *a, uint32_t i, const struct draft *b, uint32_t j)
{
    uint32_t count = a->ways[i].term_count;
    uint32_t more = b->ways[j].term_count;
    uint32_t fits = more < TT_WAY_TERMS_MAX - count ? more : TT_WAY_TERMS_MAX - count;
    memcpy(&a->ways[i].terms[count], b->ways[j].terms, fits * sizeof(struct tt_term));
    a->ways[i].term_count += fits;
    a->ways[i].exact = a->ways[i].exact && b->ways[j].exact && fits == more;
}

static void mark_inexact(struct draft *draft)
{
    for (uint32_t i = 0; i < draft->count; i++) {
        draft->ways[i].exact = false;
    }
}

/* a && b; a side there is no room for is left out, which the ways then say. */
static void intersect(struct draft *a, const struct draft *b)
{
    uint32_t count = a->count * b->count;
    uint32_t terms = total_terms(a) * b->count + total_terms(b) * a->count;
    uint32_t old = a->count;
    if (count > TT_WAYS_MAX || terms > TT_TERMS_MAX) {
        mark_inexact(a);
        return;
    }
    for (uint32_t j = 1; j < b->count; j++) {
        memcpy(&a->ways[j * old], a->ways, old * sizeof(a->ways[0]));
    }
    for (uint32_t j = 0; j < b->count; j++) {
        for (uint32_t i = 0; i < old; i++) {
            join_way(a, j * old + i, b, j);
        }
    }
    a->count = count;
}

static struct draft *take_draft(struct gatherer *gatherer)
{
    struct draft *draft = gatherer->free;
    if (draft == NULL) {
        return tt_arena_new(gatherer->compile->arena, sizeof(*draft));
    }
    gatherer->free = draft->next_free;
    return draft;
}

static void give_draft(struct gatherer *gatherer, struct draft *draft)
{
    draft->next_free = gatherer->free;
    gatherer->free = draft;
}

static bool gather(struct gatherer *gatherer, const struct tt_node *node, bool negated,
                   struct draft *draft);

static bool gather_chain(struct gatherer *gatherer, const struct tt_node *node, bool negated,
                         struct draft *draft)
{
    bool is_and = (node->kind == TT_NODE_AND) != negated;
    struct draft *part = take_draft(gatherer);
    if (part == NULL) {
        return false;
    }
    set_constant(draft, is_and);
    for (const struct tt_node *arg = node->args; arg != NULL; arg = arg->next) {
        if (!gather(gatherer, arg, negated, part)) {
            return false;
        }
        if (is_and) {
            intersect(draft, part);
        } else {
            unite(draft, part);
        }
    }
    give_draft(gatherer, part);
    return true;
}

/* What a node comes to; false when memory is short. */
static bool gather(struct gatherer *gatherer, const struct tt_node *node, bool negated,
                   struct draft *draft)
{
    struct tt_term term;
    if (node->kind == TT_NODE_AND || node->kind == TT_NODE_OR) {
        return gather_chain(gatherer, node, negated, draft);
    }
    if (node->kind == TT_NODE_NOT) {
        return gather(gatherer, node->args, !negated, draft);
    }
    if (is_constant(node, TT_TYPE_BOOL)) {
        set_constant(draft, node->value.boolean != negated);
    } else if (simple_term(node, &term)) {
        term.negated = term.negated != negated;
        set_term(draft, &term);
    } else {
        set_unknown(draft);
    }
    return true;
}

/* A text constant is the tree's: it goes with the expression. */
static bool keep_constant(struct tt_compile *compile, struct tt_term *term)
{
    if (term->kind != TT_TERM_COMPARE || term->type != TT_TYPE_STRING) {
        return true;
    }
    struct tt_str *text = &term->constant.text;
    text->data = tt_arena_copy(compile->keep, text->data, text->size);
    return text->data != NULL;
}

static bool keep_ways(struct tt_compile *compile, const struct draft *draft, struct tt_ways *ways)
{
    ways->count = draft->count;
    for (uint32_t i = 0; i < draft->count; i++) {
        uint32_t count = draft->ways[i].term_count;
        struct tt_term *terms =
            tt_arena_new_array(compile->keep, count + 1, sizeof(struct tt_term));
        if (terms == NULL) {
            return false;
        }
        for (uint32_t j = 0; j < count; j++) {
            terms[j] = draft->ways[i].terms[j];
            if (!keep_constant(compile, &terms[j])) {
                return false;
            }
        }
        ways->ways[i] = (struct tt_way){count, draft->ways[i].exact, terms};
    }
    return true;
}

bool tt_expr_gather(struct tt_compile *compile, const struct tt_node *root, struct tt_expr *expr)
{
    struct gatherer gatherer = {.compile = compile};
    struct draft *draft = take_draft(&gatherer);
    struct tt_ways *ways = tt_arena_new_array(compile->keep, 1, sizeof(*ways));
    if (draft == NULL || ways == NULL || !gather(&gatherer, root, false, draft) ||
        !keep_ways(compile, draft, ways)) {
        (void)tt_compile_fail(compile, TT_E_NOMEM, 0, "out of memory");
        return false;
    }
    expr->ways = ways;
    return true;
}

const struct tt_ways *tt_expr_ways(const struct tt_expr *expr)
{
    return expr->ways;
}

bool tt_term_holds(const struct tt_term *term, const struct tt_value *value)
{
    bool holds = false;
    struct tt_value answer;
    switch ((enum tt_term_kind)term->kind) {
    case TT_TERM_TRUE:
        holds = value->boolean;
        break;
    case TT_TERM_IN:
        holds = tt_list_contains(term->constant.list, value);
        break;
    case TT_TERM_COMPARE:
        answer = tt_compare_values(term->relation, value, &term->constant);
        holds = answer.boolean;
        break;
    case TT_TERM_MISSING:
        break;
    }
    return holds != term->negated;
}
