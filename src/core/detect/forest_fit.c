/*
 * Growing an isolation forest and laying it out for scoring; see forest.h.
 *
 * Each tree draws its sample without replacement by a partial Fisher-Yates shuffle from a
 * generator of its own, so that trees do not depend on each other. A cut takes a random column
 * among those that still vary in the node and a uniform threshold in its range; the threshold is
 * then rounded so that its low bits name the column, and a column whose range is too narrow for
 * that counts as constant.
 */
#include <string.h>

#include "base/math.h"
#include "base/rng.h"
#include "base/wire.h"
#include "core/detect/forest.h"

#define VALUE_MAX 1e30
#define PADDING UINT32_C(0x7f7ffff0) /* the largest float: every value is below it */
#define COLUMN_MASK UINT32_C(15)

struct grower {
    struct tt_forest *forest;
    struct tt_rng rng;
    const struct tt_forest_row *rows;
    uint32_t group, lane;
    uint32_t picks[TT_FOREST_SAMPLE_MAX];       /* the tree's rows, reordered by the cuts */
    uint64_t average[TT_FOREST_SAMPLE_MAX + 1]; /* c(n) in path units */
};

/* c(n): the mean path of an unsuccessful search in a binary tree of n keys, in path units. */
static void average_paths(uint64_t ret[TT_FOREST_SAMPLE_MAX + 1])
{
    double harmonic = 0.0;
    ret[0] = ret[1] = 0;
    for (uint32_t n = 2; n <= TT_FOREST_SAMPLE_MAX; n++) {
        harmonic += 1.0 / (n - 1);
        double mean = 2.0 * harmonic - 2.0 * (n - 1) / n;
        ret[n] = (uint64_t)(mean * TT_PATH_UNIT + 0.5);
    }
}

static size_t at(uint32_t group, uint32_t node, uint32_t lane)
{
    return ((size_t)group * TT_FOREST_NODES + node) * TT_FOREST_LANES + lane;
}

static uint16_t *count_of(const struct tt_forest *forest, uint32_t group, uint32_t node,
                          uint32_t lane)
{
    return &forest->counts[((size_t)group * 2 * TT_FOREST_NODES + node) * TT_FOREST_LANES + lane];
}

static float word_threshold(uint32_t word)
{
    float threshold;
    memcpy(&threshold, &word, sizeof threshold);
    return threshold;
}

/* A leaf above the last level: the nodes under it send every row left, to its first leaf. */
static void put_leaf(struct grower *grower, uint32_t node, uint32_t depth, uint32_t count)
{
    struct tt_forest *forest = grower->forest;
    uint64_t path = depth * TT_PATH_UNIT + grower->average[count];
    *count_of(forest, grower->group, node, grower->lane) = (uint16_t)count;
    uint32_t first = node;
    uint32_t width = 1;
    for (uint32_t level = depth; level < TT_FOREST_DEPTH; level++) {
        for (uint32_t i = 0; i < width; i++) {
            forest->nodes[at(grower->group, first + i, grower->lane)] = PADDING;
            forest->means[at(grower->group, first + i, grower->lane)] = (uint16_t)path;
        }
        first *= 2;
        width *= 2;
    }
    for (uint32_t i = 0; i < width; i++) {
        forest->paths[at(grower->group, first - TT_FOREST_NODES + i, grower->lane)] =
            (uint16_t)path;
    }
}

/* Rounds a threshold to one that names the column; false when it no longer separates low from
 * high. */
static bool threshold_word(double threshold, uint32_t column, float low, float high,
                           uint32_t *ret_word)
{
    float value = (float)threshold;
    uint32_t word;
    memcpy(&word, &value, sizeof word);
    word = (word & ~COLUMN_MASK) | column;
    float rounded = word_threshold(word);
    if (!(rounded > low && rounded <= high)) {
        /* The top of the range, rounded down, is the one cut left to try. */
        memcpy(&word, &high, sizeof word);
        word = (word & ~COLUMN_MASK) | column;
        rounded = word_threshold(word);
    }
    *ret_word = word;
    return rounded > low && rounded <= high;
}

/* Draws a cut for picks[begin, end); false when no column varies enough. */
static bool draw_cut(struct grower *grower, uint32_t begin, uint32_t end, uint32_t *ret_word)
{
    uint8_t columns[TT_FOREST_COLUMNS];
    uint32_t left = grower->forest->column_count;
    for (uint32_t i = 0; i < left; i++) {
        columns[i] = (uint8_t)i;
    }
    while (left > 0) {
        uint32_t pick = (uint32_t)tt_rng_below(&grower->rng, left);
        uint32_t column = columns[pick];
        columns[pick] = columns[--left];
        float low = grower->rows[grower->picks[begin]].values[column];
        float high = low;
        for (uint32_t i = begin + 1; i < end; i++) {
            float value = grower->rows[grower->picks[i]].values[column];
            low = value < low ? value : low;
            high = value > high ? value : high;
        }
        if (low >= high) {
            continue;
        }
        double range = (double)high - (double)low;
        double threshold = (double)low + range * tt_rng_double(&grower->rng);
        if (threshold_word(threshold, column, low, high, ret_word)) {
            return true;
        }
    }
    return false;
}

/* Moves the rows below the threshold to the front; returns where the others begin. */
static uint32_t partition(struct grower *grower, uint32_t begin, uint32_t end, uint32_t word)
{
    float threshold = word_threshold(word);
    uint32_t column = word & COLUMN_MASK;
    uint32_t middle = begin;
    for (uint32_t i = begin; i < end; i++) {
        uint32_t row = grower->picks[i];
        if (grower->rows[row].values[column] < threshold) {
            grower->picks[i] = grower->picks[middle];
            grower->picks[middle++] = row;
        }
    }
    return middle;
}

/* Recursion is bounded by TT_FOREST_DEPTH. */
static void grow(struct grower *grower, uint32_t node, uint32_t depth, uint32_t begin, uint32_t end)
{
    uint32_t word;
    if (depth == TT_FOREST_DEPTH || end - begin <= 1 || !draw_cut(grower, begin, end, &word)) {
        put_leaf(grower, node, depth, end - begin);
        return;
    }
    struct tt_forest *forest = grower->forest;
    forest->nodes[at(grower->group, node, grower->lane)] = word;
    *count_of(forest, grower->group, node, grower->lane) = (uint16_t)(end - begin);
    uint32_t middle = partition(grower, begin, end, word);
    grow(grower, 2 * node, depth + 1, begin, middle);
    grow(grower, 2 * node + 1, depth + 1, middle, end);
}

static uint32_t mean_under(const struct tt_forest *forest, uint32_t group, uint32_t node,
                           uint32_t lane)
{
    return node >= TT_FOREST_NODES ? forest->paths[at(group, node - TT_FOREST_NODES, lane)]
                                   : forest->means[at(group, node, lane)];
}

/* Mean paths from the leaves up, weighted by rows; then the forest's own constants. */
static void finish(struct tt_forest *forest, const uint64_t average[TT_FOREST_SAMPLE_MAX + 1])
{
    forest->path_mean = 0;
    for (uint32_t tree = 0; tree < forest->tree_count; tree++) {
        uint32_t group = tree / TT_FOREST_LANES;
        uint32_t lane = tree % TT_FOREST_LANES;
        for (uint32_t node = TT_FOREST_NODES - 1; node >= 1; node--) {
            if (forest->nodes[at(group, node, lane)] == PADDING) {
                continue;
            }
            uint32_t left = *count_of(forest, group, 2 * node, lane);
            uint32_t right = *count_of(forest, group, 2 * node + 1, lane);
            uint32_t sum = left * mean_under(forest, group, 2 * node, lane) +
                           right * mean_under(forest, group, 2 * node + 1, lane);
            uint32_t mean = (sum + (left + right) / 2) / (left + right);
            forest->means[at(group, node, lane)] = (uint16_t)mean;
        }
        forest->path_mean += forest->means[at(group, 1, lane)];
    }
    double ordinary = (double)average[forest->sample] * forest->tree_count;
    forest->path_scale = ordinary > 0.0 ? 0.69314718055994530942 / ordinary : 0.0;
}

static enum tt_status forest_new(const struct tt_alloc *alloc, uint32_t trees, uint32_t columns,
                                 struct tt_forest **ret_forest, struct tt_error *err)
{
    struct tt_forest *forest = tt_new_array(alloc, 1, sizeof *forest);
    if (forest == NULL) {
        return tt_fail(err, TT_E_NOMEM, "out of memory for a forest");
    }
    forest->alloc = alloc;
    forest->tree_count = trees;
    forest->column_count = columns;
    forest->group_count = (trees + TT_FOREST_LANES - 1) / TT_FOREST_LANES;
    size_t count = (size_t)forest->group_count * TT_FOREST_NODES * TT_FOREST_LANES;
    forest->nodes = tt_new_array(alloc, count, sizeof *forest->nodes);
    forest->paths = tt_new_array(alloc, count + 2, sizeof *forest->paths);
    forest->means = tt_new_array(alloc, count, sizeof *forest->means);
    forest->counts = tt_new_array(alloc, 2 * count, sizeof *forest->counts);
    if (forest->nodes == NULL || forest->paths == NULL || forest->means == NULL ||
        forest->counts == NULL) {
        tt_forest_free(forest);
        return tt_fail(err, TT_E_NOMEM, "out of memory for a forest");
    }
    for (size_t i = 0; i < count; i++) {
        forest->nodes[i] = PADDING;
    }
    *ret_forest = forest;
    return TT_OK;
}

void tt_forest_free(struct tt_forest *forest)
{
    if (forest == NULL) {
        return;
    }
    const struct tt_alloc *alloc = forest->alloc;
    size_t count = (size_t)forest->group_count * TT_FOREST_NODES * TT_FOREST_LANES;
    tt_delete(alloc, forest->nodes, count * sizeof *forest->nodes);
    tt_delete(alloc, forest->paths, (count + 2) * sizeof *forest->paths);
    tt_delete(alloc, forest->means, count * sizeof *forest->means);
    tt_delete(alloc, forest->counts, 2 * count * sizeof *forest->counts);
    tt_delete(alloc, forest, sizeof *forest);
}

/* The lower median of the values that are numbers, 0 when there is none: selection by halving
 * ranges would reorder rows, so it sorts a copy (insertion into a heap is no faster at these
 * sizes). */
static void sift_down(double *heap, size_t root, size_t count)
{
    while (2 * root + 1 < count) {
        size_t child = 2 * root + 1;
        if (child + 1 < count && heap[child + 1] > heap[child]) {
            child++;
        }
        if (heap[root] >= heap[child]) {
            return;
        }
        double value = heap[root];
        heap[root] = heap[child];
        heap[child] = value;
        root = child;
    }
}

static double column_median(const double *rows, size_t count, uint32_t columns, uint32_t column,
                            double *space)
{
    size_t seen = 0;
    for (size_t i = 0; i < count; i++) {
        double value = rows[i * columns + column];
        if (value >= -VALUE_MAX && value <= VALUE_MAX) {
            space[seen++] = value;
        }
    }
    if (seen == 0) {
        return 0.0;
    }
    for (size_t i = seen / 2; i-- > 0;) {
        sift_down(space, i, seen);
    }
    for (size_t size = seen; size > (seen + 1) / 2; size--) {
        space[0] = space[size - 1];
        sift_down(space, 0, size - 1);
    }
    return space[0];
}

float tt_forest_value(const struct tt_forest *forest, uint32_t column, double value)
{
    if (!(value >= -VALUE_MAX)) {
        value = value < 0.0 ? -VALUE_MAX : forest->center[column]; /* NaN: the median */
    }
    value = value > VALUE_MAX ? VALUE_MAX : value;
    return (float)(value - forest->center[column]);
}

static void draw_sample(struct grower *grower, uint32_t *order, size_t count, uint32_t sample)
{
    for (size_t i = 0; i < count; i++) {
        order[i] = (uint32_t)i;
    }
    for (uint32_t i = 0; i < sample; i++) {
        size_t other = i + (size_t)tt_rng_below(&grower->rng, count - i);
        uint32_t pick = order[other];
        order[other] = order[i];
        order[i] = pick;
        grower->picks[i] = pick;
    }
}

static void grow_all(struct tt_forest *forest, const struct tt_forest_options *options,
                     const struct tt_forest_row *rows, size_t count, uint32_t *order)
{
    struct grower grower = {.forest = forest, .rows = rows};
    average_paths(grower.average);
    for (uint32_t tree = 0; tree < forest->tree_count; tree++) {
        tt_rng_init(&grower.rng, tt_hash_mix(options->seed) + tree);
        grower.group = tree / TT_FOREST_LANES;
        grower.lane = tree % TT_FOREST_LANES;
        draw_sample(&grower, order, count, forest->sample);
        grow(&grower, 1, 0, 0, forest->sample);
    }
    finish(forest, grower.average);
}

enum tt_status tt_forest_fit(const struct tt_alloc *alloc, const struct tt_forest_options *options,
                             const double *rows, size_t count, uint32_t columns,
                             struct tt_forest **ret_forest, struct tt_error *err)
{
    if (count == 0 || columns == 0 || options->trees == 0 || options->sample == 0) {
        return tt_fail(err, TT_E_INVALID, "a forest needs rows, columns, trees and a sample");
    }
    if (columns > TT_FOREST_COLUMNS || options->trees > TT_FOREST_TREES_MAX ||
        options->sample > TT_FOREST_SAMPLE_MAX || count > UINT32_MAX) {
        return tt_fail(err, TT_E_LIMIT, "a forest takes at most %d columns, %d trees of %d rows",
                       TT_FOREST_COLUMNS, TT_FOREST_TREES_MAX, TT_FOREST_SAMPLE_MAX);
    }
    struct tt_forest *forest;
    enum tt_status status = forest_new(alloc, options->trees, columns, &forest, err);
    if (status != TT_OK) {
        return status;
    }
    struct tt_forest_row *table = tt_new_array(alloc, count, sizeof *table);
    double *space = tt_new_array(alloc, count, sizeof *space);
    uint32_t *order = tt_new_array(alloc, count, sizeof *order);
    if (table == NULL || space == NULL || order == NULL) {
        status = tt_fail(err, TT_E_NOMEM, "out of memory for a forest's rows");
        goto out;
    }
    forest->sample = (uint32_t)(count < options->sample ? count : options->sample);
    for (uint32_t c = 0; c < columns; c++) {
        forest->center[c] = column_median(rows, count, columns, c, space);
        for (size_t i = 0; i < count; i++) {
            table[i].values[c] = tt_forest_value(forest, c, rows[i * columns + c]);
        }
    }
    grow_all(forest, options, table, count, order);
    *ret_forest = forest;
    forest = NULL;
out:
    tt_delete(alloc, table, count * sizeof *table);
    tt_delete(alloc, space, count * sizeof *space);
    tt_delete(alloc, order, count * sizeof *order);
    tt_forest_free(forest);
    return status;
}

/* A tree in preorder: a cut is the byte 1 and its word, a leaf the varint 2 × rows. */
static void encode_node(const struct tt_forest *forest, uint32_t group, uint32_t lane,
                        uint32_t node, struct tt_buf *buf)
{
    uint32_t word = node < TT_FOREST_NODES ? forest->nodes[at(group, node, lane)] : PADDING;
    if (word == PADDING) {
        tt_wire_put_varint(buf, 2u * *count_of(forest, group, node, lane));
        return;
    }
    tt_wire_put_u8(buf, 1);
    tt_wire_put_u32(buf, word);
    encode_node(forest, group, lane, 2 * node, buf);
    encode_node(forest, group, lane, 2 * node + 1, buf);
}

void tt_forest_encode(const struct tt_forest *forest, struct tt_buf *buf)
{
    tt_wire_put_varint(buf, forest->tree_count);
    tt_wire_put_varint(buf, forest->column_count);
    tt_wire_put_varint(buf, forest->sample);
    for (uint32_t c = 0; c < forest->column_count; c++) {
        tt_wire_put_double(buf, forest->center[c]);
    }
    for (uint32_t tree = 0; tree < forest->tree_count; tree++) {
        encode_node(forest, tree / TT_FOREST_LANES, tree % TT_FOREST_LANES, 1, buf);
    }
}

/* Reads a node and what is under it; returns its rows. */
static uint32_t decode_node(struct grower *grower, struct tt_wire *wire, uint32_t node,
                            uint32_t depth)
{
    struct tt_forest *forest = grower->forest;
    uint64_t tag = tt_wire_varint(wire);
    if (wire->bad || (tag & 1) == 0) {
        wire->bad |= tag / 2 == 0 || tag / 2 > forest->sample;
        uint32_t rows = wire->bad ? 0 : (uint32_t)(tag / 2);
        put_leaf(grower, node, depth, rows);
        return rows;
    }
    uint32_t word = tt_wire_u32(wire);
    float threshold = word_threshold(word);
    if (tag != 1 || depth == TT_FOREST_DEPTH || (word & COLUMN_MASK) >= forest->column_count ||
        !((double)threshold >= -2.0 * VALUE_MAX && (double)threshold <= 2.0 * VALUE_MAX)) {
        wire->bad = true;
        return 0;
    }
    forest->nodes[at(grower->group, node, grower->lane)] = word;
    uint32_t rows = decode_node(grower, wire, 2 * node, depth + 1);
    rows += wire->bad ? 0 : decode_node(grower, wire, 2 * node + 1, depth + 1);
    *count_of(forest, grower->group, node, grower->lane) = (uint16_t)rows;
    return rows;
}

enum tt_status tt_forest_decode(const struct tt_alloc *alloc, struct tt_wire *wire,
                                struct tt_forest **ret_forest, struct tt_error *err)
{
    uint64_t trees = tt_wire_varint(wire);
    uint64_t columns = tt_wire_varint(wire);
    uint64_t sample = tt_wire_varint(wire);
    if (wire->bad || trees == 0 || trees > TT_FOREST_TREES_MAX || columns == 0 ||
        columns > TT_FOREST_COLUMNS || sample == 0 || sample > TT_FOREST_SAMPLE_MAX) {
        return tt_fail(err, TT_E_CORRUPT, "damaged forest: impossible size");
    }
    struct tt_forest *forest;
    enum tt_status status = forest_new(alloc, (uint32_t)trees, (uint32_t)columns, &forest, err);
    if (status != TT_OK) {
        return status;
    }
    struct grower grower = {.forest = forest};
    average_paths(grower.average);
    forest->sample = (uint32_t)sample;
    for (uint32_t c = 0; c < columns; c++) {
        forest->center[c] = tt_wire_double(wire);
        wire->bad |= !(forest->center[c] >= -VALUE_MAX && forest->center[c] <= VALUE_MAX);
    }
    for (uint32_t tree = 0; tree < trees && !wire->bad; tree++) {
        grower.group = tree / TT_FOREST_LANES;
        grower.lane = tree % TT_FOREST_LANES;
        wire->bad |= decode_node(&grower, wire, 1, 0) != sample;
    }
    if (wire->bad) {
        tt_forest_free(forest);
        return tt_fail(err, TT_E_CORRUPT, "damaged forest");
    }
    finish(forest, grower.average);
    *ret_forest = forest;
    return TT_OK;
}
