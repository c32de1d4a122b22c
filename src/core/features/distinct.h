/*
 * How many different values there are, beyond what can be kept one by one.
 *
 * What:    struct tt_distinct: up to TT_DISTINCT_SET values as they are, from then on the registers
 *          of a HyperLogLog.
 * Why:     a register is a maximum, so what is in it depends on the set of values alone and never on
 *          their order or how sets were merged. The set becomes registers when it has more than
 *          TT_DISTINCT_SET members, which is a property of the set too.
 *          Source: Flajolet, Fusy, Gandouet, Meunier 2007; registers of 64-bit hashes as Heule,
 *          Nunkesser, Hall 2013; the estimator, which needs no tables and no corrections, after
 *          Ertl 2017 (arXiv 1702.01284, algorithm 6).
 * Owner:   zeroed memory is empty; the array is the sketch's.
 * Threads: confined to one thread.
 * Units:   values are 64-bit hashes, well mixed.
 * Limits:  TT_DISTINCT_REGISTERS registers: the standard error is 1.04 / sqrt(that),
 *          2.3 % of the count.
 * Fails:   only tt_distinct_reserve, with TT_E_NOMEM, the sketch as before.
 */
#ifndef TT_CORE_FEATURES_DISTINCT_H
#define TT_CORE_FEATURES_DISTINCT_H

#include "base/alloc.h"

#define TT_DISTINCT_SET 64
#define TT_DISTINCT_REGISTERS 2048

struct tt_distinct {
    int64_t *values;          /* ascending; NULL once the registers hold all */
    uint8_t *registers;       /* NULL, or TT_DISTINCT_REGISTERS of them */
    uint32_t count, capacity; /* of values */
};

/* The register of a value, and the rank it has there (from 1). */
uint32_t tt_distinct_register(int64_t value);
uint8_t tt_distinct_rank(int64_t value);

/* Room for one more value, whatever it is. */
enum tt_status tt_distinct_reserve(struct tt_distinct *distinct, const struct tt_alloc *alloc,
                                   uint64_t *bytes) TT_MUST_USE;
/* Adds a value; room is reserved. */
void tt_distinct_add(struct tt_distinct *distinct, const struct tt_alloc *alloc, int64_t value,
                     uint64_t *bytes);
void tt_distinct_deinit(struct tt_distinct *distinct, const struct tt_alloc *alloc,
                        uint64_t *bytes);

/* What several sketches hold together: all of it in one piece, so that merging cannot fail. Zeroed
 * memory is empty. */
struct tt_distinct_sum {
    bool many; /* the registers hold all, else the values do */
    uint32_t count;
    int64_t values[TT_DISTINCT_SET];
    uint8_t registers[TT_DISTINCT_REGISTERS];
};
void tt_distinct_sum_clear(struct tt_distinct_sum *sum);
void tt_distinct_sum_merge(struct tt_distinct_sum *sum, const struct tt_distinct *distinct);
void tt_distinct_sum_add(struct tt_distinct_sum *sum, int64_t value);

/* The estimate for registers of which each is the greater of a's and b's. */
double tt_distinct_estimate(const uint8_t *a, const uint8_t *b);

#endif
