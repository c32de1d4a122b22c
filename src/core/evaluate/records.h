/*
 * What the evaluation keeps of each row, and the orders it is read in.
 *
 * What:    private to core/evaluate; see evaluate.h for the public face.
 * Why:     records stand in blocks, so that growing never copies (a copy would double the memory);
 *          all metrics read one of two orders: by falling score, and by day and then falling score.
 * Owner:   struct tt_evaluation owns blocks, tables and days; struct tt_orders is given back by its
 *          maker at the end of tt_evaluation_finish.
 * Threads: confined to one thread.
 */
#ifndef TT_CORE_EVALUATE_RECORDS_H
#define TT_CORE_EVALUATE_RECORDS_H

#include "base/map.h"
#include "core/evaluate/evaluate.h"

#define TT_RECORDS_BLOCK 16384u

struct tt_record {
    double score;
    int64_t amount_minor;
    int32_t day;
    uint32_t user; /* dense number, by first appearance */
    uint8_t kind;  /* of a fraud: index into kinds + 1, or 0 */
    uint8_t flags;
    uint8_t mark; /* scratch: belongs to the set that is measured */
};
#define TT_RECORD_FRAUD 1u
#define TT_RECORD_ALERTED 2u
#define TT_RECORD_FLAGGED 4u /* at the budget, over the whole stream */

struct tt_evaluation {
    struct tt_alloc alloc;
    struct tt_evaluation_options options;
    struct tt_record **blocks;
    size_t block_count, block_capacity;
    uint32_t count;
    struct tt_map users; /* of struct user_entry, known by a 64-bit keyed hash */
    struct tt_arena entries;
    uint32_t user_count;
    char kinds[TT_EVALUATION_KINDS_MAX][TT_EVALUATION_KIND_SIZE];
    uint32_t kind_count;
    tt_currency currency;
    bool currencies_differ;
    int64_t first_ms, last_ms;
    struct tt_evaluation_day *days; /* of the last report */
    size_t day_count;
};

static inline struct tt_record *tt_record_at(const struct tt_evaluation *evaluation, uint32_t index)
{
    return &evaluation->blocks[index / TT_RECORDS_BLOCK][index % TT_RECORDS_BLOCK];
}

/* Rows of one day: by_day[first … first + count). */
struct tt_day_range {
    int32_t day;
    uint32_t first, count;
};

struct tt_orders {
    uint32_t *by_score; /* falling score, then arrival */
    uint32_t *by_day;   /* day, then falling score, then arrival */
    struct tt_day_range *days;
    size_t day_count;
    uint32_t count; /* rows, as of making it */
};

/* Makes both orders; TT_E_NOMEM leaves *ret untouched. */
enum tt_status tt_orders_new(const struct tt_evaluation *evaluation,
                             struct tt_orders *ret) TT_MUST_USE;
void tt_orders_free(const struct tt_evaluation *evaluation, struct tt_orders *orders);

#endif
