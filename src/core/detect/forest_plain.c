/* Machines without the vectorised paths of forest_x86.c: the plain one is all there is. */
#include "core/detect/forest.h"

enum tt_cpu tt_forest_cpu_best(void)
{
    return TT_CPU_SCALAR;
}

bool tt_forest_cpu_has(enum tt_cpu cpu)
{
    return cpu == TT_CPU_SCALAR;
}

void tt_forest_paths_avx2(const struct tt_forest *forest, const struct tt_forest_row *rows,
                          size_t count, uint32_t *ret_sums)
{
    tt_forest_paths(forest, TT_CPU_SCALAR, rows, count, ret_sums);
}

void tt_forest_paths_avx512(const struct tt_forest *forest, const struct tt_forest_row *rows,
                            size_t count, uint32_t *ret_sums)
{
    tt_forest_paths(forest, TT_CPU_SCALAR, rows, count, ret_sums);
}
