/*
 * A small dense autoencoder: how badly a row is rebuilt from eight numbers.
 *
 * What:    fits a net columns → 32 → 8 → 32 → columns on rows, gives each row's squared error per
 *          column, and packs the net as bytes.
 * Why:     a bottleneck learns what ordinary rows have in common; what does not fit is rebuilt
 *          badly. Kept this small it costs about what a forest does and trains in well under a second.
 *          Every output neuron sums its inputs in their order, a lane an output, multiply and add
 *          apart: all code paths give the same bits. Given up: more than sixteen columns.
 *          Source: Rumelhart, Hinton, Williams, "Learning internal representations by error
 *          propagation", 1986; Kingma, Ba, "Adam", 2015; Glorot, Bengio, 2010, for the first
 *          weights; rows that fit worst are left out as in Zhou, Paffenroth, "Anomaly detection
 *          with robust deep autoencoders", 2017.
 * Owner:   tt_net_fit and tt_net_decode from their allocator; tt_net_free gives back.
 * Threads: a fitted net is immutable.
 * Units:   columns are standardised: median 0, normal scale 1, clamped to ±TT_NET_CLAMP.
 * Limits:  TT_NET_COLUMNS columns, TT_NET_ROWS_MAX rows to fit on.
 * Fails:   fit TT_E_INVALID without a row or column, TT_E_LIMIT, TT_E_NOMEM; decode TT_E_CORRUPT,
 *          TT_E_NOMEM.
 */
#ifndef TT_CORE_DETECT_DENSE_NET_H
#define TT_CORE_DETECT_DENSE_NET_H

#include "core/detect/setup.h"

#define TT_NET_COLUMNS 16
#define TT_NET_HIDDEN 32
#define TT_NET_CODE 8
#define TT_NET_LANES 16
#define TT_NET_ROWS_MAX 65536
#define TT_NET_CLAMP 8.0

struct tt_wire;

/* Weights [input][output]: what each input adds to all outputs lies together. Outputs that are only
 * there to fill a register have weight and bias 0. */
struct tt_net_layers {
    float in[TT_NET_COLUMNS][TT_NET_HIDDEN], in_bias[TT_NET_HIDDEN];
    float code[TT_NET_HIDDEN][TT_NET_LANES], code_bias[TT_NET_LANES];
    float open[TT_NET_CODE][TT_NET_HIDDEN], open_bias[TT_NET_HIDDEN];
    float out[TT_NET_HIDDEN][TT_NET_COLUMNS], out_bias[TT_NET_COLUMNS];
};

struct tt_net {
    struct tt_net_layers layers;
    const struct tt_alloc *alloc;
    uint32_t column_count;
    double center[TT_NET_COLUMNS], scale[TT_NET_COLUMNS];
};

/* A standardised row; a missing column is 0 and its bit in `missing` set. */
struct tt_net_row {
    float values[TT_NET_COLUMNS];
    uint32_t missing;
};

/* rows: count × columns, row-major, NaN = missing, in the order of time: the last fifth is what early
 * stopping looks at. The result depends on the order of rows and the seed. */
enum tt_status tt_net_fit(const struct tt_alloc *alloc, uint64_t seed, const double *rows,
                          size_t count, uint32_t columns, struct tt_net **ret_net,
                          struct tt_error *err) TT_MUST_USE;
/* net may be NULL. */
void tt_net_free(struct tt_net *net);

/* Standardises column_count values; false when all of them are missing. */
bool tt_net_row(const struct tt_net *net, const double *values, struct tt_net_row *ret);
/* The rows as the net rebuilds them; cpu is a resolved code path. */
void tt_net_rebuild(const struct tt_net *net, enum tt_cpu cpu, const struct tt_net_row *rows,
                    size_t count, float (*ret)[TT_NET_COLUMNS]);
/* Squared errors of the columns that are there (others 0); returns their mean. */
double tt_net_error(const struct tt_net *net, const struct tt_net_row *row, const float *rebuilt,
                    double ret[TT_NET_COLUMNS]);

/* Appends the net; a failure stays in buf->status. */
void tt_net_encode(const struct tt_net *net, struct tt_buf *buf);
enum tt_status tt_net_decode(const struct tt_alloc *alloc, struct tt_wire *wire,
                             struct tt_net **ret_net, struct tt_error *err) TT_MUST_USE;

/* The plain path, and the vectorised ones; only those that tt_forest_cpu_has. */
void tt_net_rebuild_plain(const struct tt_net *net, const struct tt_net_row *rows, size_t count,
                          float (*ret)[TT_NET_COLUMNS]);
void tt_net_rebuild_avx2(const struct tt_net *net, const struct tt_net_row *rows, size_t count,
                         float (*ret)[TT_NET_COLUMNS]);
void tt_net_rebuild_avx512(const struct tt_net *net, const struct tt_net_row *rows, size_t count,
                           float (*ret)[TT_NET_COLUMNS]);

#endif
