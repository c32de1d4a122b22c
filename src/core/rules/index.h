/*
 * The predicate index: which of many rules can fire for a transaction, without running them.
 * Private to core/rules and its tests.
 *
 * What:    each way of a rule's condition (core/expr/terms.h) is a lane, a bit. An axis is a name
 *          that terms ask, cut into rows on which no term changes: ranks between thresholds for
 *          numbers, the texts that are mentioned (and all others), false and true, in a list and
 *          not. A row is a mask of the lanes that are false there. An evaluation finds a row an axis
 *          and joins the masks; the lanes left over fire, fail with an error or are run.
 * Why:     the work grows with names, not with rules, and most of it is joining words. Lanes stand
 *          in blocks, each with its own axes, so that memory grows with terms and not with terms
 *          times rules. Source: the counting and bit-vector family of publish/subscribe matching
 *          (Yan, Garcia-Molina, "Index structures for selective dissemination of information under
 *          the Boolean model", 1994).
 * Owner:   the set's arena.
 * Threads: immutable; evaluating works on the stack.
 * Limits:  TT_LANES_MAX lanes and TT_ROWS_MAX rows a block; a term there is no room for is left
 *          out, which makes its lane one that must be run.
 * Fails:   building: TT_E_NOMEM.
 */
#ifndef TT_CORE_RULES_INDEX_H
#define TT_CORE_RULES_INDEX_H

#include "core/expr/terms.h"
#include "core/rules/rules.h"

#define TT_LANES_MAX 1024
#define TT_LANE_WORDS (TT_LANES_MAX / 64)
#define TT_ROWS_MAX 32768
#define TT_SMALL_LIST_MAX 256 /* longer ones are asked as a whole */

enum tt_axis_kind { TT_AXIS_NUMBER = 1, TT_AXIS_TEXT, TT_AXIS_BOOL, TT_AXIS_LIST };

struct tt_axis {
    uint8_t kind;
    uint8_t type; /* of the name */
    uint32_t slot;
    uint32_t key_count;         /* bounds of numbers, texts */
    const double *bounds;       /* ascending; row i is what is above bound i - 1 and up to bound i,
                                   the row behind the last one's is NaN's */
    const struct tt_str *texts; /* row i + 1; row 0 is every other text */
    const uint32_t *table;      /* of texts: number + 1, 0 = empty; open addressing */
    uint32_t table_mask;
    uint32_t term_count;
    const struct tt_list *list; /* row 0 = not in it, row 1 = in it */
    const uint64_t *rows;       /* rows × words: lanes that are false */
    const uint64_t
        *missing; /* 2 × words: lanes that are false, that are an error, without a value */
};

struct tt_lane {
    uint16_t rule;  /* index in the set */
    uint16_t first; /* the rule's first lane in the block */
    uint8_t count;  /* lanes of the rule */
    bool exact;
};

struct tt_index_block {
    uint32_t words;
    uint32_t lane_count;
    uint32_t axis_count;
    uint32_t time_count;
    struct tt_lane *lanes;
    struct tt_axis *axes;
    uint64_t *all;       /* the lanes there are */
    uint64_t *decided;   /* exact lanes that are all of their rule: an error there is the rule's */
    uint64_t *live;      /* of live rules; the others are shadow */
    int64_t *times;      /* ascending moments at which rules come into force or leave it */
    uint64_t *time_rows; /* (time_count + 1) × words: lanes not in force */
};

struct tt_rule_index {
    uint32_t block_count;
    struct tt_index_block *blocks;
};

/* Builds the index of the live rules, then the shadow rules, in the orders of the set. */
enum tt_status tt_rule_index_build(struct tt_rules *set, struct tt_error *err) TT_MUST_USE;

/* What the index of a block says of one transaction; masks of `words` words. */
struct tt_index_answer {
    uint64_t open[TT_LANE_WORDS];   /* lanes that are not false */
    uint64_t failed[TT_LANE_WORDS]; /* of them, those with an error among their terms */
};
/* false, with *ret undefined, when a slot holds what its name cannot have: then nothing but
 * running every rule will do. */
bool tt_rule_index_ask(const struct tt_index_block *block, const struct tt_value *slots,
                       int64_t event_ms, struct tt_index_answer *ret);

#endif
