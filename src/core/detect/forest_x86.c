/*
 * The forest's loops for AVX2 and AVX-512; see forest.h.
 *
 * A register holds one node of 16 (8) trees; the row's columns fill one (two) more, so the column a
 * node asks for is a permute and only the node itself is gathered. The first levels need no gather:
 * their nodes are loaded once a group and blended by the comparisons. Rows are walked four at a
 * time, because one row's walk is a chain of dependent loads. Comparisons are exact and path
 * lengths are integers: the bits are those of the plain path.
 */
#include <cpuid.h>
#include <immintrin.h>
#include <string.h>

#include "core/detect/forest.h"

#define STEP 4
#define TILE 64 /* rows whose sums stay in the nearest cache while the groups pass */

static uint64_t enabled_state(void)
{
    uint32_t low;
    uint32_t high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return ((uint64_t)high << 32) | low;
}

bool tt_forest_cpu_has(enum tt_cpu cpu)
{
    if (cpu == TT_CPU_SCALAR) {
        return true;
    }
    uint32_t a;
    uint32_t b;
    uint32_t c;
    uint32_t d;
    if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_OSXSAVE) == 0) {
        return false;
    }
    uint64_t state = enabled_state();
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) {
        return false;
    }
    if (cpu == TT_CPU_AVX2) {
        return (state & 0x6) == 0x6 && (b & bit_AVX2) != 0;
    }
    return cpu == TT_CPU_AVX512 && (state & 0xe6) == 0xe6 && (b & bit_AVX512F) != 0;
}

enum tt_cpu tt_forest_cpu_best(void)
{
    return tt_forest_cpu_has(TT_CPU_AVX512) ? TT_CPU_AVX512
           : tt_forest_cpu_has(TT_CPU_AVX2) ? TT_CPU_AVX2
                                            : TT_CPU_SCALAR;
}

#define AVX512 __attribute__((target("avx512f"), always_inline)) static inline
#define AVX2 __attribute__((target("avx2"), always_inline)) static inline

/* The nodes of the first three levels, by heap number. */
struct top512 {
    __m512i node[8];
};

AVX512 __mmask16 right512(__m512i word, __m512 row)
{
    __m512 value = _mm512_permutexvar_ps(word, row); /* looks at the low four bits of word only */
    return _mm512_cmp_ps_mask(value, _mm512_castsi512_ps(word), _CMP_GE_OQ);
}

/* Walks the top levels; returns the element of the group's array that holds the level 3 node. */
AVX512 __m512i walk_top512(const struct top512 *top, __m512 row, __m512i lane)
{
    __mmask16 a = right512(top->node[1], row);
    __m512i word = _mm512_mask_blend_epi32(a, top->node[2], top->node[3]);
    __mmask16 b = right512(word, row);
    __m512i if_left = _mm512_mask_blend_epi32(b, top->node[4], top->node[5]);
    __m512i if_right = _mm512_mask_blend_epi32(b, top->node[6], top->node[7]);
    __mmask16 c = right512(_mm512_mask_blend_epi32(a, if_left, if_right), row);
    __m512i at = _mm512_add_epi32(lane, _mm512_set1_epi32(8 * TT_FOREST_LANES));
    at = _mm512_mask_add_epi32(at, a, at, _mm512_set1_epi32(4 * TT_FOREST_LANES));
    at = _mm512_mask_add_epi32(at, b, at, _mm512_set1_epi32(2 * TT_FOREST_LANES));
    return _mm512_mask_add_epi32(at, c, at, _mm512_set1_epi32(TT_FOREST_LANES));
}

/* at = 16 × node + lane → 16 × child + lane. */
AVX512 __m512i walk512(const uint32_t *nodes, __m512i at, __m512 row, __m512i lane)
{
    __m512i word = _mm512_i32gather_epi32(at, nodes, 4);
    __mmask16 right = right512(word, row);
    __m512i child = _mm512_sub_epi32(_mm512_add_epi32(at, at), lane);
    return _mm512_mask_add_epi32(child, right, child, _mm512_set1_epi32(TT_FOREST_LANES));
}

__attribute__((target("avx512f"))) static void group512(const uint32_t *nodes,
                                                        const uint16_t *paths,
                                                        const struct tt_forest_row *rows,
                                                        size_t count, __m512i *sums)
{
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i leaf = _mm512_set1_epi32((int)(TT_FOREST_NODES * TT_FOREST_LANES));
    const __m512i low = _mm512_set1_epi32(0xffff);
    struct top512 top;
    for (size_t i = 0; i < 8; i++) {
        top.node[i] = _mm512_loadu_si512(nodes + i * TT_FOREST_LANES);
    }
    for (size_t i = 0; i < count; i += STEP) {
        __m512 row[STEP];
        __m512i at[STEP];
        for (size_t k = 0; k < STEP; k++) {
            row[k] = _mm512_loadu_ps(rows[i + k < count ? i + k : i].values);
            at[k] = walk_top512(&top, row[k], lane);
        }
        for (uint32_t level = 3; level < TT_FOREST_DEPTH; level++) {
            for (size_t k = 0; k < STEP; k++) {
                at[k] = walk512(nodes, at[k], row[k], lane);
            }
        }
        for (size_t k = 0; k < STEP && i + k < count; k++) {
            __m512i pair = _mm512_i32gather_epi32(_mm512_sub_epi32(at[k], leaf), paths, 2);
            sums[i + k] = _mm512_add_epi32(sums[i + k], _mm512_and_si512(pair, low));
        }
    }
}

__attribute__((target("avx512f"))) void tt_forest_paths_avx512(const struct tt_forest *forest,
                                                               const struct tt_forest_row *rows,
                                                               size_t count, uint32_t *ret_sums)
{
    __m512i sums[TILE];
    for (size_t first = 0; first < count; first += TILE) {
        size_t n = count - first < TILE ? count - first : TILE;
        memset(sums, 0, n * sizeof *sums);
        for (uint32_t group = 0; group < forest->group_count; group++) {
            size_t base = (size_t)group * TT_FOREST_NODES * TT_FOREST_LANES;
            group512(forest->nodes + base, forest->paths + base, rows + first, n, sums);
        }
        for (size_t i = 0; i < n; i++) {
            ret_sums[first + i] = (uint32_t)_mm512_reduce_add_epi32(sums[i]);
        }
    }
}

struct row256 {
    __m256 low, high;
};

/* All ones where the row goes right. */
AVX2 __m256i right256(__m256i word, struct row256 row)
{
    __m256 a = _mm256_permutevar8x32_ps(row.low, word);
    __m256 b = _mm256_permutevar8x32_ps(row.high, word);
    __m256 pick = _mm256_castsi256_ps(_mm256_slli_epi32(word, 28)); /* bit 3 is which half */
    __m256 value = _mm256_blendv_ps(a, b, pick);
    return _mm256_castps_si256(_mm256_cmp_ps(value, _mm256_castsi256_ps(word), _CMP_GE_OQ));
}

AVX2 __m256i child256(__m256i at, __m256i right, __m256i lane)
{
    __m256i child = _mm256_sub_epi32(_mm256_add_epi32(at, at), lane);
    return _mm256_add_epi32(child, _mm256_and_si256(right, _mm256_set1_epi32(TT_FOREST_LANES)));
}

AVX2 __m256i walk256(const uint32_t *nodes, __m256i at, struct row256 row, __m256i lane)
{
    __m256i word = _mm256_i32gather_epi32((const int *)nodes, at, 4);
    return child256(at, right256(word, row), lane);
}

/* Eight of the group's sixteen trees; first is 0 or 8. */
__attribute__((target("avx2"))) static void half256(const uint32_t *nodes, const uint16_t *paths,
                                                    const struct tt_forest_row *rows, size_t count,
                                                    int first, __m256i *sums)
{
    const __m256i lane =
        _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32(first));
    const __m256i root = _mm256_add_epi32(lane, _mm256_set1_epi32(TT_FOREST_LANES));
    const __m256i leaf = _mm256_set1_epi32((int)(TT_FOREST_NODES * TT_FOREST_LANES));
    const __m256i low = _mm256_set1_epi32(0xffff);
    const __m256i *table = (const __m256i *)(const void *)(nodes + first);
    __m256i node1 = _mm256_loadu_si256(table + 2);
    __m256i node2 = _mm256_loadu_si256(table + 4);
    __m256i node3 = _mm256_loadu_si256(table + 6);
    for (size_t i = 0; i < count; i += STEP) {
        struct row256 row[STEP];
        __m256i at[STEP];
        for (size_t k = 0; k < STEP; k++) {
            const float *values = rows[i + k < count ? i + k : i].values;
            row[k] = (struct row256){_mm256_loadu_ps(values), _mm256_loadu_ps(values + 8)};
            __m256i right = right256(node1, row[k]);
            __m256i word = _mm256_blendv_epi8(node2, node3, right);
            at[k] = child256(child256(root, right, lane), right256(word, row[k]), lane);
        }
        for (uint32_t level = 2; level < TT_FOREST_DEPTH; level++) {
            for (size_t k = 0; k < STEP; k++) {
                at[k] = walk256(nodes, at[k], row[k], lane);
            }
        }
        for (size_t k = 0; k < STEP && i + k < count; k++) {
            __m256i pair = _mm256_i32gather_epi32((const int *)(const void *)paths,
                                                  _mm256_sub_epi32(at[k], leaf), 2);
            sums[i + k] = _mm256_add_epi32(sums[i + k], _mm256_and_si256(pair, low));
        }
    }
}

__attribute__((target("avx2"))) void tt_forest_paths_avx2(const struct tt_forest *forest,
                                                          const struct tt_forest_row *rows,
                                                          size_t count, uint32_t *ret_sums)
{
    __m256i sums[TILE];
    for (size_t first = 0; first < count; first += TILE) {
        size_t n = count - first < TILE ? count - first : TILE;
        memset(sums, 0, n * sizeof *sums);
        for (uint32_t group = 0; group < forest->group_count; group++) {
            size_t base = (size_t)group * TT_FOREST_NODES * TT_FOREST_LANES;
            half256(forest->nodes + base, forest->paths + base, rows + first, n, 0, sums);
            half256(forest->nodes + base, forest->paths + base, rows + first, n, 8, sums);
        }
        for (size_t i = 0; i < n; i++) {
            uint32_t lanes[8];
            memcpy(lanes, &sums[i], sizeof lanes);
            uint32_t sum = 0;
            for (size_t k = 0; k < 8; k++) {
                sum += lanes[k];
            }
            ret_sums[first + i] = sum;
        }
    }
}
