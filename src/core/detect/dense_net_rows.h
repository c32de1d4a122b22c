/*
 * Rows through a net, for one width of register: included once for each by dense_net_score.c.
 *
 * What:    PASS(net, rows, count, ret) over vectors of LANES floats, ROWS rows at a time, which hides
 *          the latency of the chains of additions.
 * Why:     an output's sum takes its inputs in their order whatever the width, and rows do not meet,
 *          so the bits are the same; the width is what differs between machines.
 */
#define NAME_OF(name, lanes) name##lanes
#define NAME(name, lanes) NAME_OF(name, lanes)
#define WIDE NAME(wide, LANES)
#define LOOSE NAME(loose, LANES)
#define MASK NAME(mask, LANES)
#define DENSE NAME(dense, LANES)
#define PASS_ROWS NAME(pass_rows, LANES)
#define PASS NAME(pass, LANES)

typedef float WIDE __attribute__((vector_size(4 * LANES)));
typedef float LOOSE __attribute__((vector_size(4 * LANES), aligned(4), may_alias)); /* in memory */
typedef int32_t MASK __attribute__((vector_size(4 * LANES)));

/* outputs = inputs × weights + bias for `rows` rows; `outputs` is a multiple of LANES. */
BODY void DENSE(const float *weights, const float *bias, uint32_t inputs, uint32_t outputs,
                const float *x, uint32_t x_stride, uint32_t rows, float *y, uint32_t y_stride,
                bool rectify)
{
    WIDE sums[ROWS][TT_NET_HIDDEN / LANES];
    uint32_t width = outputs / LANES;
    for (uint32_t r = 0; r < rows; r++) {
        for (uint32_t v = 0; v < width; v++) {
            sums[r][v] = *(const LOOSE *)(const void *)(bias + v * LANES);
        }
    }
    for (uint32_t i = 0; i < inputs; i++) {
        for (uint32_t v = 0; v < width; v++) {
            WIDE weight = *(const LOOSE *)(const void *)(weights + i * outputs + v * LANES);
            for (uint32_t r = 0; r < rows; r++) {
                sums[r][v] += weight * x[r * x_stride + i];
            }
        }
    }
    for (uint32_t r = 0; r < rows; r++) {
        for (uint32_t v = 0; v < width; v++) {
            WIDE sum = sums[r][v];
            if (rectify) {
                sum = (WIDE)((MASK)sum & (MASK)(sum > 0.0F));
            }
            *(LOOSE *)(void *)(y + r * y_stride + v * LANES) = sum;
        }
    }
}

BODY void PASS_ROWS(const struct tt_net *net, const struct tt_net_row *rows, uint32_t count,
                    float (*ret)[TT_NET_COLUMNS])
{
    const struct tt_net_layers *layers = &net->layers;
    float hidden[ROWS][TT_NET_HIDDEN], code[ROWS][TT_NET_LANES];
    DENSE(&layers->in[0][0], layers->in_bias, TT_NET_COLUMNS, TT_NET_HIDDEN, rows->values,
          sizeof(struct tt_net_row) / sizeof(float), count, hidden[0], TT_NET_HIDDEN, true);
    DENSE(&layers->code[0][0], layers->code_bias, TT_NET_HIDDEN, TT_NET_LANES, hidden[0],
          TT_NET_HIDDEN, count, code[0], TT_NET_LANES, false);
    DENSE(&layers->open[0][0], layers->open_bias, TT_NET_CODE, TT_NET_HIDDEN, code[0], TT_NET_LANES,
          count, hidden[0], TT_NET_HIDDEN, true);
    DENSE(&layers->out[0][0], layers->out_bias, TT_NET_HIDDEN, TT_NET_COLUMNS, hidden[0],
          TT_NET_HIDDEN, count, ret[0], TT_NET_COLUMNS, false);
}

BODY void PASS(const struct tt_net *net, const struct tt_net_row *rows, size_t count,
               float (*ret)[TT_NET_COLUMNS])
{
    size_t at = 0;
    for (; at + ROWS <= count; at += ROWS) {
        PASS_ROWS(net, rows + at, ROWS, ret + at);
    }
    for (; at < count; at++) {
        PASS_ROWS(net, rows + at, 1, ret + at);
    }
}

#undef NAME_OF
#undef NAME
#undef WIDE
#undef LOOSE
#undef MASK
#undef DENSE
#undef PASS_ROWS
#undef PASS
#undef LANES
#undef ROWS
