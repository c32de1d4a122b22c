/*
 * Isolation forest for tables of any width: what `telltale model fit` grows and stores.
 *
 * What:    fits on rows of doubles, scores rows, and packs the forest with the names of its columns.
 * Why:     the engine's forest (forest.h) is bound to sixteen columns and 256 rows a tree for its
 *          speed; this one takes any table and follows the paper to the letter: a sample without
 *          replacement, a column drawn from those that are not constant in the node, a cut uniform
 *          between its extremes, depth up to log2 of the sample, a leaf of n rows counted as the mean
 *          path of n. Source: Liu, Ting, Zhou, "Isolation Forest", ICDM 2008.
 * Owner:   fit and decode from their allocator; free gives back. Names are copied.
 * Threads: a fitted forest is immutable.
 * Limits:  TT_TABLE_COLUMNS_MAX columns, TT_TABLE_TREES_MAX trees, TT_TABLE_SAMPLE_MAX rows a tree,
 *          TT_TABLE_FILE_MAX encoded bytes. NaN is missing and counts as the column's median; values are
 *          clamped to ±1e300.
 * Fails:   fit: TT_E_INVALID fewer than two rows, or no column that varies (err names what), TT_E_LIMIT,
 *          TT_E_NOMEM. decode: TT_E_CORRUPT cut or changed bytes, TT_E_UNSUPPORTED a newer version,
 *          TT_E_NOMEM.
 */
#ifndef TT_CORE_DETECT_TABLE_FOREST_H
#define TT_CORE_DETECT_TABLE_FOREST_H

#include "base/wire.h"

#define TT_TABLE_COLUMNS_MAX 512
#define TT_TABLE_TREES_MAX 10000
#define TT_TABLE_SAMPLE_MAX 65536
#define TT_TABLE_FILE_MAX (1u << 30)

/* A cut, or with column UINT32_MAX a leaf of `rows` rows. */
struct tt_table_node {
    double cut;
    uint32_t column;
    uint32_t rows;  /* of the sample; a leaf's alone */
    uint32_t right; /* the left child is the next node */
};
struct tt_table_forest {
    const struct tt_alloc *alloc;
    uint32_t tree_count, column_count, sample;
    uint64_t seed;
    uint64_t row_count; /* it was fitted on */
    struct tt_str *names;
    double *medians;
    uint32_t *roots;
    struct tt_table_node *nodes;
    uint32_t node_count, node_capacity;
};
struct tt_table_options {
    uint32_t trees, sample;
    uint64_t seed;
};

/* rows: count × columns, row-major, NaN = missing; columns that never vary are never cut. */
enum tt_status tt_table_forest_fit(const struct tt_alloc *alloc,
                                   const struct tt_table_options *options,
                                   const struct tt_str *names, uint32_t columns, const double *rows,
                                   size_t count, struct tt_table_forest **ret,
                                   struct tt_error *err) TT_MUST_USE;
/* forest may be NULL. */
void tt_table_forest_free(struct tt_table_forest *forest);
/* The anomaly score of a row, 2^(-mean path / c(sample)), in (0, 1); higher is more unusual. */
double tt_table_forest_score(const struct tt_table_forest *forest, const double *row);
/* Appends the forest, versioned and with a checksum. */
enum tt_status tt_table_forest_encode(const struct tt_table_forest *forest,
                                      struct tt_buf *buf) TT_MUST_USE;
/* Reads exactly what encode wrote; *ret is untouched on failure. */
enum tt_status tt_table_forest_decode(const struct tt_alloc *alloc, struct tt_str bytes,
                                      struct tt_table_forest **ret,
                                      struct tt_error *err) TT_MUST_USE;

#endif
