/*
 * Suspicious rules, found from the terms of their ways alone.
 *
 * A way is a box: for each name an interval of numbers or a set of texts. A way whose box is empty is
 * never taken; a condition whose every way lies within a box of another condition implies it.
 * What is not exact is never said to be implied, so that a finding is always right; there may be
 * more that is not found.
 */
#include <string.h>

#include "core/rules/set.h"

/* --- terms against terms --- */

static bool is_number_compare(const struct tt_term *term)
{
    return term->kind == TT_TERM_COMPARE && term->type == TT_TYPE_DOUBLE;
}

static uint8_t opposite(uint8_t relation)
{
    static const uint8_t opposites[] = {[TT_LT] = TT_GE, [TT_LE] = TT_GT, [TT_GT] = TT_LE,
                                        [TT_GE] = TT_LT, [TT_EQ] = TT_NE, [TT_NE] = TT_EQ};
    return opposites[relation];
}

/* The relation with its negation drawn in: fit for values that are numbers. */
static uint8_t relation_of(const struct tt_term *term)
{
    return term->negated ? opposite(term->relation) : term->relation;
}

struct interval {
    double low, high;
    bool low_open, high_open;
};

static bool interval_of(const struct tt_term *term, struct interval *ret)
{
    double at = term->constant.number;
    *ret = (struct interval){-__builtin_inf(), __builtin_inf(), false, false};
    switch ((enum tt_relation)relation_of(term)) {
    case TT_LT:
    case TT_LE:
        ret->high = at;
        ret->high_open = relation_of(term) == TT_LT;
        return true;
    case TT_GT:
    case TT_GE:
        ret->low = at;
        ret->low_open = relation_of(term) == TT_GT;
        return true;
    case TT_EQ:
        ret->low = ret->high = at;
        return true;
    case TT_NE:
    case TT_IN:
        break;
    }
    return false;
}

static bool disjoint(const struct interval *a, const struct interval *b)
{
    double low = a->low > b->low ? a->low : b->low;
    double high = a->high < b->high ? a->high : b->high;
    bool touches = low >= high && low <= high;
    bool open = (a->low_open && a->low >= low) || (b->low_open && b->low >= low) ||
                (a->high_open && a->high <= high) || (b->high_open && b->high <= high);
    return low > high || (touches && open);
}

static bool within(const struct interval *inner, const struct interval *outer)
{
    bool low = inner->low > outer->low ||
               (inner->low >= outer->low && (inner->low_open || !outer->low_open));
    bool high = inner->high < outer->high ||
                (inner->high <= outer->high && (inner->high_open || !outer->high_open));
    return low && high;
}

static bool is_text_equality(const struct tt_term *term)
{
    return term->kind == TT_TERM_COMPARE && term->type == TT_TYPE_STRING &&
           relation_of(term) == TT_EQ;
}

static bool same_term(const struct tt_term *a, const struct tt_term *b)
{
    bool same_kind = a->kind == b->kind && a->relation == b->relation && a->negated == b->negated;
    bool has_constant = a->kind == TT_TERM_COMPARE || a->kind == TT_TERM_IN;
    return same_kind && a->slot == b->slot &&
           (!has_constant || tt_value_equal(&a->constant, &b->constant));
}

/* Terms of one name that cannot both be true. */
static bool exclude(const struct tt_term *a, const struct tt_term *b)
{
    struct interval left;
    struct interval right;
    if (is_number_compare(a) && is_number_compare(b)) {
        if (interval_of(a, &left) && interval_of(b, &right)) {
            return disjoint(&left, &right);
        }
        bool differ = relation_of(a) == TT_NE && relation_of(b) == TT_EQ;
        bool differ_back = relation_of(b) == TT_NE && relation_of(a) == TT_EQ;
        return (differ || differ_back) && tt_value_equal(&a->constant, &b->constant);
    }
    if (is_text_equality(a) && b->kind != TT_TERM_MISSING) {
        return !tt_term_holds(b, &a->constant);
    }
    if (is_text_equality(b) && a->kind != TT_TERM_MISSING) {
        return !tt_term_holds(a, &b->constant);
    }
    if (a->kind == TT_TERM_MISSING || b->kind == TT_TERM_MISSING) { /* without a value, and asked */
        const struct tt_term *asks = a->kind == TT_TERM_MISSING ? a : b;
        const struct tt_term *other = asks == a ? b : a;
        return other->kind == TT_TERM_MISSING ? a->negated != b->negated : !asks->negated;
    }
    return a->kind == TT_TERM_TRUE && b->kind == TT_TERM_TRUE && a->negated != b->negated;
}

/* Whether b is true wherever a is. */
static bool implies(const struct tt_term *a, const struct tt_term *b)
{
    struct interval inner;
    struct interval outer;
    if (same_term(a, b)) {
        return true;
    }
    if (b->kind == TT_TERM_MISSING) {
        return b->negated && a->kind != TT_TERM_MISSING; /* has(x) where x is asked */
    }
    if (is_number_compare(a) && is_number_compare(b)) {
        /* NaN is in a negated comparison */
        return interval_of(a, &inner) && interval_of(b, &outer) && !a->negated &&
               within(&inner, &outer);
    }
    return is_text_equality(a) && tt_term_holds(b, &a->constant);
}

/* --- ways --- */

static bool is_empty(const struct tt_way *way)
{
    for (uint32_t i = 0; i < way->term_count; i++) {
        for (uint32_t j = i + 1; j < way->term_count; j++) {
            if (way->terms[i].slot == way->terms[j].slot &&
                exclude(&way->terms[i], &way->terms[j])) {
                return true;
            }
        }
    }
    return false;
}

static bool never_true(const struct tt_ways *ways)
{
    bool empty = true;
    for (uint32_t i = 0; i < ways->count && empty; i++) {
        empty = is_empty(&ways->ways[i]);
    }
    return empty;
}

/* Whether `outer`, which must be exact, is taken wherever `inner` is. */
static bool way_implies(const struct tt_way *inner, const struct tt_way *outer)
{
    bool all = outer->exact;
    for (uint32_t i = 0; i < outer->term_count && all; i++) {
        bool found = false;
        for (uint32_t j = 0; j < inner->term_count && !found; j++) {
            found = inner->terms[j].slot == outer->terms[i].slot &&
                    implies(&inner->terms[j], &outer->terms[i]);
        }
        all = found;
    }
    return all;
}

static bool condition_implies(const struct tt_ways *inner, const struct tt_ways *outer)
{
    bool all = inner->count > 0;
    for (uint32_t i = 0; i < inner->count && all; i++) {
        bool found = is_empty(&inner->ways[i]);
        for (uint32_t j = 0; j < outer->count && !found; j++) {
            found = way_implies(&inner->ways[i], &outer->ways[j]);
        }
        all = found;
    }
    return all;
}

/* Whether two ways can be taken at once. */
static bool way_meets(const struct tt_way *a, const struct tt_way *b)
{
    for (uint32_t i = 0; i < a->term_count; i++) {
        for (uint32_t j = 0; j < b->term_count; j++) {
            if (a->terms[i].slot == b->terms[j].slot && exclude(&a->terms[i], &b->terms[j])) {
                return false;
            }
        }
    }
    return a->exact && b->exact;
}

static bool condition_meets(const struct tt_ways *a, const struct tt_ways *b)
{
    for (uint32_t i = 0; i < a->count; i++) {
        for (uint32_t j = 0; j < b->count; j++) {
            if (way_meets(&a->ways[i], &b->ways[j])) {
                return true;
            }
        }
    }
    return false;
}

/* --- findings --- */

struct finder {
    const struct tt_rules *set;
    tt_on_rule_finding *on_finding;
    void *ctx;
    bool more;
};

static void tell(struct finder *finder, enum tt_rule_finding_kind kind, uint32_t rule,
                 uint32_t other)
{
    struct tt_rule_finding finding = {.kind = (uint8_t)kind, .rule = rule, .other = other};
    finder->more = finder->more && finder->on_finding(finder->ctx, &finding);
}

static const struct tt_ways *ways_of(const struct tt_rules *set, uint32_t rule)
{
    return tt_expr_ways(set->rules[rule].expr);
}

static bool is_on(const struct tt_rules *set, uint32_t rule)
{
    return set->rules[rule].info.mode != TT_RULE_OFF;
}

/* Compiles the condition's negation: a condition whose negation is never true is always true. */
static enum tt_status find_constant(struct finder *finder, uint32_t rule, struct tt_error *err)
{
    const struct tt_rules *set = finder->set;
    struct tt_str when = set->rules[rule].info.when;
    struct tt_buf text;
    struct tt_expr *negated = NULL;
    struct tt_error inner = {0};
    if (never_true(ways_of(set, rule))) {
        tell(finder, TT_FINDING_NEVER_TRUE, rule, UINT32_MAX);
        return TT_OK;
    }
    tt_buf_init(&text, set->alloc, TT_EXPR_TEXT_SIZE_MAX);
    tt_buf_append_format(&text, "!(%.*s\n)", TT_STR_ARG(when)); /* it may end in a comment */
    enum tt_status status = text.status;
    if (status == TT_OK) {
        struct tt_expr_options options = {
            .want = TT_TYPE_BOOL, .text = tt_buf_str(&text), .ways = true};
        status = tt_expr_compile(set->alloc, set->env, &options, &negated, &inner);
    }
    if (status == TT_OK && never_true(tt_expr_ways(negated))) {
        tell(finder, TT_FINDING_ALWAYS_TRUE, rule, UINT32_MAX);
    }
    tt_expr_free(negated);
    tt_buf_deinit(&text);
    return status == TT_E_NOMEM ? tt_rules_nomem(err) : TT_OK; /* at a limit: nothing is found */
}

static bool at_least_as_strict(const struct tt_rule_info *a, const struct tt_rule_info *b)
{
    return a->mode == b->mode && a->severity >= b->severity && a->verdict >= b->verdict &&
           a->score >= b->score && a->valid_from_ms <= b->valid_from_ms &&
           a->valid_until_ms >= b->valid_until_ms;
}

static bool same_names(const struct tt_rule_info *a, const struct tt_rule_info *b)
{
    return a->slot_count == b->slot_count && a->slot_count > 0 &&
           memcmp(a->slots, b->slots, a->slot_count * sizeof(uint32_t)) == 0;
}

/* A rule against an earlier one. */
static void find_pair(struct finder *finder, uint32_t earlier, uint32_t later)
{
    const struct tt_rule_info *a = &finder->set->rules[earlier].info;
    const struct tt_rule_info *b = &finder->set->rules[later].info;
    const struct tt_ways *left = ways_of(finder->set, earlier);
    const struct tt_ways *right = ways_of(finder->set, later);
    bool later_in_earlier = condition_implies(right, left);
    bool earlier_in_later = condition_implies(left, right);
    if (later_in_earlier && earlier_in_later) {
        tell(finder, TT_FINDING_SAME, later, earlier);
    } else if (later_in_earlier && at_least_as_strict(a, b)) {
        tell(finder, TT_FINDING_SHADOWED, later, earlier);
    } else if (earlier_in_later && at_least_as_strict(b, a)) {
        tell(finder, TT_FINDING_SHADOWED, earlier, later);
    } else if (!later_in_earlier && !earlier_in_later && same_names(a, b) &&
               a->verdict != b->verdict && condition_meets(left, right)) {
        tell(finder, TT_FINDING_OVERLAPS, later, earlier);
    }
}

static bool ends_with(struct tt_str name, const char *end)
{
    return tt_str_ends_with(name, tt_str_from(end));
}

static bool contains(struct tt_str name, const char *part)
{
    size_t size = strlen(part);
    for (size_t i = 0; i + size <= name.size; i++) {
        if (memcmp(name.data + i, part, size) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_ratio(struct tt_str name)
{
    return contains(name, "ratio") || contains(name, "zscore") || contains(name, "count") ||
           contains(name, "share");
}

/* 500 against a name in minor units is 5.00; 50,000.00 or more in whole hundreds against an amount
 * looks like minor units; a share is at most 1. */
static bool is_suspicious(struct tt_str name, double constant)
{
    bool minor = ends_with(name, "_minor") || ends_with(name, "_cents");
    bool amount = contains(name, "amount") && !is_ratio(name) && !contains(name, "_log");
    bool share = contains(name, "_share");
    double magnitude = constant < 0.0 ? -constant : constant;
    bool fits_int = magnitude < 9e15;
    bool whole_hundreds =
        fits_int && (int64_t)magnitude % 100 == 0 && (double)(int64_t)magnitude >= magnitude;
    if (minor) {
        return magnitude > 0.0 && magnitude < 1000.0;
    }
    return (amount && magnitude >= 50000.0 && whole_hundreds) || (share && magnitude > 1.0);
}

static void find_units(struct finder *finder, uint32_t rule)
{
    const struct tt_ways *ways = ways_of(finder->set, rule);
    for (uint32_t i = 0; i < ways->count; i++) {
        for (uint32_t j = 0; j < ways->ways[i].term_count && finder->more; j++) {
            const struct tt_term *term = &ways->ways[i].terms[j];
            if (is_number_compare(term) &&
                is_suspicious(tt_expr_env_slot_name(finder->set->env, term->slot),
                              term->constant.number)) {
                struct tt_rule_finding finding = {.kind = TT_FINDING_UNIT,
                                                  .rule = rule,
                                                  .other = UINT32_MAX,
                                                  .slot = term->slot,
                                                  .constant = term->constant.number};
                finder->more = finder->on_finding(finder->ctx, &finding);
                return; /* one a rule says enough */
            }
        }
    }
}

enum tt_status tt_rules_find_suspicious(const struct tt_rules *set, tt_on_rule_finding *on_finding,
                                        void *ctx, struct tt_error *err)
{
    struct finder finder = {set, on_finding, ctx, true};
    for (uint32_t i = 0; i < set->count && finder.more; i++) {
        if (!is_on(set, i)) {
            continue;
        }
        enum tt_status status = find_constant(&finder, i, err);
        if (status != TT_OK) {
            return status;
        }
        find_units(&finder, i);
        for (uint32_t j = 0; j < i && finder.more; j++) {
            if (is_on(set, j) && !never_true(ways_of(set, i)) && !never_true(ways_of(set, j))) {
                find_pair(&finder, j, i);
            }
        }
    }
    return TT_OK;
}

const char *tt_rule_finding_name(uint8_t kind)
{
    static const char *const names[] = {
        "", "never-true", "always-true", "same-condition", "unreachable", "overlap", "unit"};
    return kind < TT_ARRAY_SIZE(names) ? names[kind] : "";
}
