/*
 * Passing rows through a net; see dense_net.h.
 *
 * One body for all code paths, dense_net_rows.h, at the width of each path's registers.
 */
#include <string.h>

#include "core/detect/dense_net.h"
#include "core/detect/forest.h"

#define BODY __attribute__((always_inline)) static inline

#define LANES 4
#define ROWS 1
#include "core/detect/dense_net_rows.h"
#define LANES 8
#define ROWS 2
#include "core/detect/dense_net_rows.h"
#define LANES 16
#define ROWS 4
#include "core/detect/dense_net_rows.h"

#ifdef __x86_64__
#define FOR(target_name) __attribute__((target(target_name)))
#else
#define FOR(target_name)
#endif

void tt_net_rebuild_plain(const struct tt_net *net, const struct tt_net_row *rows, size_t count,
                          float (*ret)[TT_NET_COLUMNS])
{
    pass4(net, rows, count, ret);
}

FOR("avx2")
void tt_net_rebuild_avx2(const struct tt_net *net, const struct tt_net_row *rows, size_t count,
                         float (*ret)[TT_NET_COLUMNS])
{
    pass8(net, rows, count, ret);
}

FOR("avx512f")
void tt_net_rebuild_avx512(const struct tt_net *net, const struct tt_net_row *rows, size_t count,
                           float (*ret)[TT_NET_COLUMNS])
{
    pass16(net, rows, count, ret);
}

void tt_net_rebuild(const struct tt_net *net, enum tt_cpu cpu, const struct tt_net_row *rows,
                    size_t count, float (*ret)[TT_NET_COLUMNS])
{
    switch (cpu) {
    case TT_CPU_AVX512:
        tt_net_rebuild_avx512(net, rows, count, ret);
        break;
    case TT_CPU_AVX2:
        tt_net_rebuild_avx2(net, rows, count, ret);
        break;
    default:
        tt_net_rebuild_plain(net, rows, count, ret);
        break;
    }
}

bool tt_net_row(const struct tt_net *net, const double *values, struct tt_net_row *ret)
{
    memset(ret, 0, sizeof *ret);
    for (uint32_t c = 0; c < net->column_count; c++) {
        double value = (values[c] - net->center[c]) / net->scale[c];
        if (__builtin_isnan(value)) {
            ret->missing |= UINT32_C(1) << c;
            continue;
        }
        value = value > TT_NET_CLAMP ? TT_NET_CLAMP : value < -TT_NET_CLAMP ? -TT_NET_CLAMP : value;
        ret->values[c] = (float)value;
    }
    return ret->missing != (UINT32_C(1) << net->column_count) - 1;
}

double tt_net_error(const struct tt_net *net, const struct tt_net_row *row, const float *rebuilt,
                    double ret[TT_NET_COLUMNS])
{
    double sum = 0.0;
    uint32_t there = 0;
    for (uint32_t c = 0; c < net->column_count; c++) {
        double gap = (double)row->values[c] - (double)rebuilt[c];
        bool missing = ((row->missing >> c) & 1) != 0;
        ret[c] = missing ? 0.0 : gap * gap;
        sum += ret[c];
        there += missing ? 0 : 1;
    }
    return there > 0 ? sum / there : 0.0;
}
