/*
 * Fitting a net; see dense_net.h.
 *
 * Plain loops in a fixed order, so that the same rows and seed give the same bits everywhere. The
 * last fifth of the rows, which is the latest, is never trained on: the weights kept are those it is
 * rebuilt best by. Half-way the rows that fit worst leave the training, since what is anomalous
 * among them must not become ordinary.
 */
#include <string.h>

#include "base/math.h"
#include "base/rng.h"
#include "base/wire.h"
#include "core/detect/dense_net.h"

#define PASSES_MAX 60
#define PATIENCE 6    /* passes without a better validation error */
#define TRIM_AFTER 8  /* passes */
#define TRIM_SHARE 50 /* one row in so many */
#define BATCH 32
#define RATE 0.003F
#define BETA_FIRST 0.9F
#define BETA_SECOND 0.999F
#define EPSILON 1e-7F
#define WEIGHTS (sizeof(struct tt_net_layers) / sizeof(float))

/* The layers as the row of floats they are. */
static float *flat(struct tt_net_layers *layers)
{
    return (float *)(void *)layers;
}

struct fitting {
    struct tt_net *net;
    struct tt_net_layers gradient, first, second, best;
    struct tt_net_row *rows;
    uint32_t *order;
    double *errors;
    size_t train, count; /* rows [0, train) are trained on */
    double first_power, second_power;
    struct tt_rng rng;
};

static int compare(const double *a, const double *b)
{
    return (*a > *b) - (*a < *b);
}

/* Heap sort: no recursion, no allocation, the same everywhere. */
static void sort_doubles(double *values, size_t count)
{
    for (size_t end = count, start = count / 2; end > 1;) {
        double moved;
        if (start > 0) {
            moved = values[--start];
        } else {
            moved = values[--end];
            values[end] = values[0];
        }
        size_t root = start;
        for (size_t child = 2 * root + 1; child < end; child = 2 * root + 1) {
            if (child + 1 < end && compare(&values[child], &values[child + 1]) < 0) {
                child++;
            }
            if (compare(&moved, &values[child]) >= 0) {
                break;
            }
            values[root] = values[child];
            root = child;
        }
        values[root] = moved;
    }
}

/* Median and normal scale (interquartile range / 1.349) of a column; where that is 0 the standard
 * deviation, and 1 for a constant. */
static void standardise(struct tt_net *net, uint32_t column, const double *rows, size_t count,
                        double *space)
{
    size_t n = 0;
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < count; i++) {
        double value = rows[i * net->column_count + column];
        if (value <= 1e30 && value >= -1e30) {
            space[n++] = value;
        }
    }
    sort_doubles(space, n);
    net->center[column] = n > 0 ? space[n / 2] : 0.0;
    net->scale[column] = 1.0;
    if (n < 4) {
        return;
    }
    double spread = (space[n * 3 / 4] - space[n / 4]) / 1.349;
    for (size_t i = 0; i < n; i++) {
        sum += space[i] - net->center[column];
        squares += (space[i] - net->center[column]) * (space[i] - net->center[column]);
    }
    double variance = squares / (double)n - sum / (double)n * (sum / (double)n);
    if (!(spread > 1e-12 * tt_sqrt(squares / (double)n))) {
        spread = variance > 0.0 ? tt_sqrt(variance) : 0.0;
    }
    net->scale[column] = spread > 0.0 ? spread : 1.0;
}

static void first_weights(struct tt_rng *rng, float *weights, uint32_t inputs, uint32_t outputs,
                          uint32_t stride)
{
    double limit = tt_sqrt(6.0 / (inputs + outputs));
    for (uint32_t i = 0; i < inputs; i++) {
        for (uint32_t o = 0; o < outputs; o++) {
            weights[i * stride + o] = (float)((2.0 * tt_rng_double(rng) - 1.0) * limit);
        }
    }
}

static void forward(const float *weights, const float *bias, uint32_t inputs, uint32_t outputs,
                    uint32_t stride, const float *x, float *y, bool rectify)
{
    memcpy(y, bias, outputs * sizeof *y);
    for (uint32_t i = 0; i < inputs; i++) {
        for (uint32_t o = 0; o < outputs; o++) {
            y[o] += weights[i * stride + o] * x[i];
        }
    }
    for (uint32_t o = 0; rectify && o < outputs; o++) {
        y[o] = y[o] > 0.0F ? y[o] : 0.0F;
    }
}

/* From d loss / d y to d loss / d weights (added), and to d loss / d x (may be NULL). */
static void backward(const float *weights, uint32_t inputs, uint32_t outputs, uint32_t stride,
                     const float *x, const float *dy, float *weight_gradient, float *bias_gradient,
                     float *dx)
{
    for (uint32_t o = 0; o < outputs; o++) {
        bias_gradient[o] += dy[o];
    }
    for (uint32_t i = 0; i < inputs; i++) {
        float sum = 0.0F;
        for (uint32_t o = 0; o < outputs; o++) {
            weight_gradient[i * stride + o] += dy[o] * x[i];
        }
        for (uint32_t o = 0; dx != NULL && o < outputs; o++) {
            sum += dy[o] * weights[i * stride + o];
        }
        if (dx != NULL) {
            dx[i] = sum;
        }
    }
}

static void mask_rectified(const float *y, float *dy, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        dy[i] = y[i] > 0.0F ? dy[i] : 0.0F;
    }
}

static void learn_row(struct fitting *fitting, const struct tt_net_row *row)
{
    const struct tt_net_layers *layers = &fitting->net->layers;
    struct tt_net_layers *gradient = &fitting->gradient;
    uint32_t columns = fitting->net->column_count;
    float in[TT_NET_HIDDEN], code[TT_NET_CODE], open[TT_NET_HIDDEN], out[TT_NET_COLUMNS];
    float d_in[TT_NET_HIDDEN], d_code[TT_NET_CODE], d_open[TT_NET_HIDDEN], d_out[TT_NET_COLUMNS];
    forward(&layers->in[0][0], layers->in_bias, columns, TT_NET_HIDDEN, TT_NET_HIDDEN, row->values,
            in, true);
    forward(&layers->code[0][0], layers->code_bias, TT_NET_HIDDEN, TT_NET_CODE, TT_NET_LANES, in,
            code, false);
    forward(&layers->open[0][0], layers->open_bias, TT_NET_CODE, TT_NET_HIDDEN, TT_NET_HIDDEN, code,
            open, true);
    forward(&layers->out[0][0], layers->out_bias, TT_NET_HIDDEN, columns, TT_NET_COLUMNS, open, out,
            false);
    for (uint32_t c = 0; c < columns; c++) {
        bool missing = ((row->missing >> c) & 1) != 0;
        d_out[c] = missing ? 0.0F : 2.0F * (out[c] - row->values[c]) / (float)columns;
    }
    backward(&layers->out[0][0], TT_NET_HIDDEN, columns, TT_NET_COLUMNS, open, d_out,
             &gradient->out[0][0], gradient->out_bias, d_open);
    mask_rectified(open, d_open, TT_NET_HIDDEN);
    backward(&layers->open[0][0], TT_NET_CODE, TT_NET_HIDDEN, TT_NET_HIDDEN, code, d_open,
             &gradient->open[0][0], gradient->open_bias, d_code);
    backward(&layers->code[0][0], TT_NET_HIDDEN, TT_NET_CODE, TT_NET_LANES, in, d_code,
             &gradient->code[0][0], gradient->code_bias, d_in);
    mask_rectified(in, d_in, TT_NET_HIDDEN);
    backward(&layers->in[0][0], columns, TT_NET_HIDDEN, TT_NET_HIDDEN, row->values, d_in,
             &gradient->in[0][0], gradient->in_bias, NULL);
}

/* One step of Adam with the mean gradient of a batch. */
static void step(struct fitting *fitting, size_t rows)
{
    float *weights = flat(&fitting->net->layers), *first = flat(&fitting->first);
    float *second = flat(&fitting->second), *gradient = flat(&fitting->gradient);
    fitting->first_power *= (double)BETA_FIRST;
    fitting->second_power *= (double)BETA_SECOND;
    float first_scale = (float)(1.0 / (1.0 - fitting->first_power));
    float second_scale = (float)(1.0 / (1.0 - fitting->second_power));
    for (size_t i = 0; i < WEIGHTS; i++) {
        float g = gradient[i] / (float)rows;
        first[i] = BETA_FIRST * first[i] + (1.0F - BETA_FIRST) * g;
        second[i] = BETA_SECOND * second[i] + (1.0F - BETA_SECOND) * g * g;
        float root = (float)tt_sqrt((double)(second[i] * second_scale));
        weights[i] -= RATE * first[i] * first_scale / (root + EPSILON);
    }
    memset(&fitting->gradient, 0, sizeof fitting->gradient);
}

static void train_pass(struct fitting *fitting)
{
    for (size_t i = fitting->train; i > 1; i--) { /* Fisher, Yates */
        size_t other = tt_rng_below(&fitting->rng, i);
        uint32_t row = fitting->order[i - 1];
        fitting->order[i - 1] = fitting->order[other];
        fitting->order[other] = row;
    }
    for (size_t at = 0; at < fitting->train; at += BATCH) {
        size_t rows = fitting->train - at < BATCH ? fitting->train - at : BATCH;
        for (size_t i = 0; i < rows; i++) {
            learn_row(fitting, &fitting->rows[fitting->order[at + i]]);
        }
        step(fitting, rows);
    }
}

static double error_of(const struct fitting *fitting, const struct tt_net_row *row)
{
    float rebuilt[1][TT_NET_COLUMNS];
    double parts[TT_NET_COLUMNS];
    tt_net_rebuild(fitting->net, TT_CPU_SCALAR, row, 1, rebuilt);
    return tt_net_error(fitting->net, row, rebuilt[0], parts);
}

/* Of the later rows the mean error without the worst: those may be what is to be found. */
static double validate(struct fitting *fitting, size_t begin)
{
    size_t n = fitting->count - begin;
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        fitting->errors[i] = error_of(fitting, &fitting->rows[begin + i]);
    }
    sort_doubles(fitting->errors, n);
    for (size_t i = 0; i < n - n / TRIM_SHARE; i++) {
        sum += fitting->errors[i];
    }
    return sum;
}

/* The rows that fit worst go to the end of the order, beyond what is trained on. */
static void trim(struct fitting *fitting)
{
    size_t keep = fitting->train - fitting->train / TRIM_SHARE, kept = 0;
    for (size_t i = 0; i < fitting->train; i++) {
        fitting->errors[i] = error_of(fitting, &fitting->rows[fitting->order[i]]);
    }
    sort_doubles(fitting->errors, fitting->train);
    double worst = fitting->errors[keep - 1];
    for (size_t i = 0; i < fitting->train; i++) {
        uint32_t row = fitting->order[i];
        if (error_of(fitting, &fitting->rows[row]) <= worst) {
            fitting->order[i] = fitting->order[kept];
            fitting->order[kept++] = row;
        }
    }
    fitting->train = kept;
}

static void fit(struct fitting *fitting)
{
    size_t held = fitting->count / 5, begin = fitting->count - held;
    double least = 0.0;
    uint32_t since = 0;
    fitting->train = begin;
    fitting->best = fitting->net->layers;
    for (uint32_t pass = 0; pass < PASSES_MAX && since < PATIENCE; pass++) {
        if (pass == TRIM_AFTER) {
            trim(fitting);
        }
        train_pass(fitting);
        double error = held > 0 ? validate(fitting, begin) : 0.0;
        since++;
        if (pass == 0 || held == 0 || error < least) {
            least = error;
            since = 0;
            fitting->best = fitting->net->layers;
        }
    }
    fitting->net->layers = fitting->best;
}

static struct tt_net *new_net(const struct tt_alloc *alloc, uint32_t columns)
{
    struct tt_net *net = tt_new_array(alloc, 1, sizeof *net);
    if (net != NULL) {
        net->alloc = alloc;
        net->column_count = columns;
    }
    return net;
}

enum tt_status tt_net_fit(const struct tt_alloc *alloc, uint64_t seed, const double *rows,
                          size_t count, uint32_t columns, struct tt_net **ret_net,
                          struct tt_error *err)
{
    if (count == 0 || columns == 0) {
        return tt_fail(err, TT_E_INVALID, "a net needs rows and columns");
    }
    if (columns > TT_NET_COLUMNS || count > TT_NET_ROWS_MAX) {
        return tt_fail(err, TT_E_LIMIT, "a net takes at most %d columns and %d rows",
                       TT_NET_COLUMNS, TT_NET_ROWS_MAX);
    }
    struct tt_net *net = new_net(alloc, columns);
    struct fitting *fitting = tt_new_array(alloc, 1, sizeof *fitting);
    struct tt_net_row *table = tt_new(alloc, count * sizeof *table);
    uint32_t *order = tt_new(alloc, count * sizeof *order);
    double *errors = tt_new(alloc, count * sizeof *errors);
    enum tt_status status = TT_OK;
    if (net == NULL || fitting == NULL || table == NULL || order == NULL || errors == NULL) {
        status = tt_fail(err, TT_E_NOMEM, "out of memory for a net");
    } else {
        fitting->net = net;
        fitting->rows = table;
        fitting->order = order;
        fitting->errors = errors;
        fitting->count = count;
        fitting->first_power = fitting->second_power = 1.0;
        tt_rng_init(&fitting->rng, seed);
        for (uint32_t c = 0; c < columns; c++) {
            standardise(net, c, rows, count, errors);
        }
        for (size_t i = 0; i < count; i++) {
            (void)tt_net_row(net, rows + i * columns, &table[i]);
            order[i] = (uint32_t)i;
        }
        struct tt_net_layers *layers = &net->layers;
        first_weights(&fitting->rng, &layers->in[0][0], columns, TT_NET_HIDDEN, TT_NET_HIDDEN);
        first_weights(&fitting->rng, &layers->code[0][0], TT_NET_HIDDEN, TT_NET_CODE, TT_NET_LANES);
        first_weights(&fitting->rng, &layers->open[0][0], TT_NET_CODE, TT_NET_HIDDEN,
                      TT_NET_HIDDEN);
        first_weights(&fitting->rng, &layers->out[0][0], TT_NET_HIDDEN, columns, TT_NET_COLUMNS);
        fit(fitting);
        *ret_net = net;
    }
    tt_delete(alloc, fitting, sizeof *fitting);
    tt_delete(alloc, table, count * sizeof *table);
    tt_delete(alloc, order, count * sizeof *order);
    tt_delete(alloc, errors, count * sizeof *errors);
    if (status != TT_OK) {
        tt_net_free(net);
    }
    return status;
}

void tt_net_free(struct tt_net *net)
{
    if (net != NULL) {
        tt_delete(net->alloc, net, sizeof *net);
    }
}

void tt_net_encode(const struct tt_net *net, struct tt_buf *buf)
{
    const float *weights = (const float *)(const void *)&net->layers;
    tt_wire_put_varint(buf, net->column_count);
    for (uint32_t c = 0; c < net->column_count; c++) {
        tt_wire_put_double(buf, net->center[c]);
        tt_wire_put_double(buf, net->scale[c]);
    }
    for (size_t i = 0; i < WEIGHTS; i++) {
        tt_wire_put_float(buf, weights[i]);
    }
}

static bool is_finite(double value)
{
    return value >= -1e300 && value <= 1e300;
}

enum tt_status tt_net_decode(const struct tt_alloc *alloc, struct tt_wire *wire,
                             struct tt_net **ret_net, struct tt_error *err)
{
    uint64_t columns = tt_wire_varint(wire);
    if (wire->bad || columns == 0 || columns > TT_NET_COLUMNS) {
        return tt_fail(err, TT_E_CORRUPT, "damaged net: wrong number of columns");
    }
    struct tt_net *net = new_net(alloc, (uint32_t)columns);
    if (net == NULL) {
        return tt_fail(err, TT_E_NOMEM, "out of memory for a net");
    }
    float *weights = flat(&net->layers);
    bool good = true;
    for (uint32_t c = 0; c < columns; c++) {
        net->center[c] = tt_wire_double(wire);
        net->scale[c] = tt_wire_double(wire);
        good = good && is_finite(net->center[c]) && is_finite(net->scale[c]) && net->scale[c] > 0.0;
    }
    for (size_t i = 0; i < WEIGHTS; i++) {
        weights[i] = tt_wire_float(wire);
        good = good && weights[i] >= -1e6F && weights[i] <= 1e6F;
    }
    if (wire->bad || !good) {
        tt_net_free(net);
        return tt_fail(err, TT_E_CORRUPT, "damaged net");
    }
    *ret_net = net;
    return TT_OK;
}
