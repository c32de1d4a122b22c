/*
 * Isolation forest: how few random cuts separate a row from the rest.
 *
 * What:    fits a forest on rows of floats, sums a row's path lengths over the trees, splits that
 *          sum into features, and packs the forest as bytes.
 * Why:     trees are perfect heaps of depth 8, sixteen of them interleaved: one vector register
 *          holds a node of sixteen trees, the row's sixteen columns fill another, and the column
 *          is looked up by a permute. A node is one 32-bit word: a float threshold whose four
 *          lowest bits name the column (so the threshold *is* that float, on every path). Path
 *          lengths are integers, so the order of summing does not matter and all code paths give
 *          the same bits. Given up: more than sixteen columns, samples over 256 rows a tree.
 *          Source: Liu, Ting, Zhou, "Isolation Forest", ICDM 2008; the split of a path into
 *          features after Saabas, "Interpreting random forests", 2014, on expected path length.
 * Owner:   tt_forest_fit and tt_forest_decode from their allocator; tt_forest_free gives back.
 * Threads: a fitted forest is immutable.
 * Units:   path lengths in 1/TT_PATH_UNIT cuts.
 * Limits:  TT_FOREST_TREES_MAX trees, TT_FOREST_COLUMNS columns, TT_FOREST_SAMPLE_MAX rows a tree.
 *          Values are clamped to ±1e30; NaN counts as the column's median.
 * Fails:   fit TT_E_INVALID without a row or column, TT_E_LIMIT, TT_E_NOMEM; decode TT_E_CORRUPT,
 *          TT_E_NOMEM.
 */
#ifndef TT_CORE_DETECT_FOREST_H
#define TT_CORE_DETECT_FOREST_H

#include "core/detect/setup.h"

#define TT_FOREST_COLUMNS 16
#define TT_FOREST_LANES 16
#define TT_FOREST_DEPTH 8
#define TT_FOREST_NODES (1u << TT_FOREST_DEPTH)
#define TT_FOREST_TREES_MAX 1024
#define TT_FOREST_SAMPLE_MAX 256
#define TT_FOREST_BATCH_MAX 256
#define TT_PATH_UNIT 2048

struct tt_wire;

/* Array [group][node or leaf][lane]: tree t is lane t % 16 of group t / 16; node 1 is the root,
 * node k's children are 2k and 2k + 1; leaf j is node 256 + j. */
struct tt_forest {
    const struct tt_alloc *alloc;
    uint32_t tree_count, group_count, column_count;
    uint32_t sample;                  /* rows a tree was grown on */
    uint32_t path_mean;               /* sum over the trees of the mean path of the sample */
    double path_scale;                /* score = exp(-path_scale × sum) */
    double center[TT_FOREST_COLUMNS]; /* the columns' medians, taken off each value */
    uint32_t *nodes;                  /* threshold and column; padding sends every row left */
    uint16_t *paths;                  /* of the leaves; a few elements longer than it need be */
    uint16_t *means;                  /* mean path of the sample's rows under a node */
    uint16_t *counts;                 /* rows of the sample under a node or leaf: [2 × nodes] */
};

/* A row as the scoring loops want it. */
struct tt_forest_row {
    float values[TT_FOREST_COLUMNS];
};

struct tt_forest_options {
    uint32_t trees, sample;
    uint64_t seed;
};

/* rows: count × columns, row-major, NaN = missing. The result depends on the order of rows. */
enum tt_status tt_forest_fit(const struct tt_alloc *alloc, const struct tt_forest_options *options,
                             const double *rows, size_t count, uint32_t columns,
                             struct tt_forest **ret_forest, struct tt_error *err) TT_MUST_USE;
/* forest may be NULL. */
void tt_forest_free(struct tt_forest *forest);

/* Centres, clamps and converts one value of a column; NaN gives 0, which is the median. */
float tt_forest_value(const struct tt_forest *forest, uint32_t column, double value);
/* Sums of path lengths of up to TT_FOREST_BATCH_MAX rows; columns past column_count must be 0. cpu
 * is a resolved code path. */
void tt_forest_paths(const struct tt_forest *forest, enum tt_cpu cpu,
                     const struct tt_forest_row *rows, size_t count, uint32_t *ret_sums);
/* The anomaly score 2^(-mean path / c(sample)), in (0, 1). */
double tt_forest_score(const struct tt_forest *forest, uint32_t path_sum);
/* How many path units each column took off the mean path (positive: more unusual). The sum over the
 * columns is path_mean - path sum, exactly. */
void tt_forest_contributions(const struct tt_forest *forest, const struct tt_forest_row *row,
                             int64_t ret[TT_FOREST_COLUMNS]);

/* Appends the forest; a failure stays in buf->status. */
void tt_forest_encode(const struct tt_forest *forest, struct tt_buf *buf);
enum tt_status tt_forest_decode(const struct tt_alloc *alloc, struct tt_wire *wire,
                                struct tt_forest **ret_forest, struct tt_error *err) TT_MUST_USE;

/* The fastest code path of this machine, and whether it has one; in forest_x86.c or
 * forest_plain.c. */
enum tt_cpu tt_forest_cpu_best(void);
bool tt_forest_cpu_has(enum tt_cpu cpu);
/* The vectorised paths; only those that tt_forest_cpu_has. */
void tt_forest_paths_avx2(const struct tt_forest *forest, const struct tt_forest_row *rows,
                          size_t count, uint32_t *ret_sums);
void tt_forest_paths_avx512(const struct tt_forest *forest, const struct tt_forest_row *rows,
                            size_t count, uint32_t *ret_sums);

#endif
