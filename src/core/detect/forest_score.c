/*
 * Scoring by an isolation forest: the plain path, the choice of a path, and the split into
 * features.
 *
 * The plain path walks the sixteen trees of a group side by side, so that their dependent loads
 * overlap. It is the reference for the vectorised ones.
 */
#include <string.h>

#include "base/math.h"
#include "core/detect/forest.h"

#define COLUMN_MASK UINT32_C(15)

static bool goes_right(uint32_t word, const struct tt_forest_row *row)
{
    float threshold;
    memcpy(&threshold, &word, sizeof threshold);
    return row->values[word & COLUMN_MASK] >= threshold;
}

static uint32_t group_paths(const struct tt_forest *forest, uint32_t group,
                            const struct tt_forest_row *row)
{
    size_t base = (size_t)group * TT_FOREST_NODES * TT_FOREST_LANES;
    const uint32_t *nodes = forest->nodes + base;
    const uint16_t *paths = forest->paths + base;
    uint32_t node[TT_FOREST_LANES];
    for (uint32_t lane = 0; lane < TT_FOREST_LANES; lane++) {
        node[lane] = 1;
    }
    for (uint32_t level = 0; level < TT_FOREST_DEPTH; level++) {
        for (uint32_t lane = 0; lane < TT_FOREST_LANES; lane++) {
            uint32_t word = nodes[node[lane] * TT_FOREST_LANES + lane];
            node[lane] = 2 * node[lane] + goes_right(word, row);
        }
    }
    uint32_t sum = 0;
    for (uint32_t lane = 0; lane < TT_FOREST_LANES; lane++) {
        sum += paths[(node[lane] - TT_FOREST_NODES) * TT_FOREST_LANES + lane];
    }
    return sum;
}

void tt_forest_paths(const struct tt_forest *forest, enum tt_cpu cpu,
                     const struct tt_forest_row *rows, size_t count, uint32_t *ret_sums)
{
    TT_ASSERT(count <= TT_FOREST_BATCH_MAX);
    if (count == 1) {
        cpu = TT_CPU_SCALAR; /* the others walk four rows at a time */
    }
    if (cpu == TT_CPU_AVX512) {
        tt_forest_paths_avx512(forest, rows, count, ret_sums);
        return;
    }
    if (cpu == TT_CPU_AVX2) {
        tt_forest_paths_avx2(forest, rows, count, ret_sums);
        return;
    }
    memset(ret_sums, 0, count * sizeof *ret_sums);
    for (uint32_t group = 0; group < forest->group_count; group++) {
        for (size_t i = 0; i < count; i++) {
            ret_sums[i] += group_paths(forest, group, &rows[i]);
        }
    }
}

double tt_forest_score(const struct tt_forest *forest, uint32_t path_sum)
{
    return tt_exp(-forest->path_scale * path_sum);
}

void tt_forest_contributions(const struct tt_forest *forest, const struct tt_forest_row *row,
                             int64_t ret[TT_FOREST_COLUMNS])
{
    memset(ret, 0, TT_FOREST_COLUMNS * sizeof *ret);
    for (uint32_t tree = 0; tree < forest->tree_count; tree++) {
        size_t base = (size_t)(tree / TT_FOREST_LANES) * TT_FOREST_NODES * TT_FOREST_LANES;
        uint32_t lane = tree % TT_FOREST_LANES;
        uint32_t node = 1;
        uint32_t mean = forest->means[base + TT_FOREST_LANES + lane];
        while (node < TT_FOREST_NODES) {
            uint32_t word = forest->nodes[base + node * TT_FOREST_LANES + lane];
            node = 2 * node + goes_right(word, row);
            const uint16_t *table = node < TT_FOREST_NODES ? forest->means : forest->paths;
            uint32_t under = table[base + (node % TT_FOREST_NODES) * TT_FOREST_LANES + lane];
            ret[word & COLUMN_MASK] += (int64_t)mean - (int64_t)under;
            mean = under;
        }
    }
}
