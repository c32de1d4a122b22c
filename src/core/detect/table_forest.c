/* See table_forest.h. Nodes of all trees lie in one array in preorder; a tree is grown without
 * recursion past its depth, which is at most 16. */
#include "core/detect/table_forest.h"

#include <string.h>

#include "base/math.h"
#include "base/rng.h"

#define MAGIC UINT32_C(0x464d5454) /* "TTMF" */
#define VERSION 1
#define HASH_SIZE 16
#define VALUE_MAX 1e300
#define LEAF UINT32_MAX
#define EULER_GAMMA 0.57721566490153286061
#define LN2 0.69314718055994530942
#define DEPTH_MAX 16

static const struct tt_hash_key content_key = {UINT64_C(0x7461626c65), 1};

/* What a fit works in. */
struct grower {
    struct tt_table_forest *forest;
    struct tt_rng rng;
    const double *rows; /* missing ones filled */
    uint32_t *order;    /* of all rows; the first `sample` are a tree's */
    uint32_t *columns;  /* a permutation to draw from */
    uint32_t depth_max;
};

static double clamp(double value)
{
    return value > VALUE_MAX ? VALUE_MAX : value < -VALUE_MAX ? -VALUE_MAX : value;
}

static bool is_number(double value)
{
    return value >= 0.0 || value < 0.0;
}

/* Mean path of an unsuccessful search in a tree of n rows. */
static double mean_path(double n)
{
    if (n <= 1.0) {
        return 0.0;
    }
    if (n <= 2.0) {
        return 1.0;
    }
    return 2.0 * (tt_log(n - 1.0) + EULER_GAMMA) - 2.0 * (n - 1.0) / n;
}

static void sift_down(double *heap, size_t at, size_t size)
{
    double value = heap[at];
    for (size_t child; (child = 2 * at + 1) < size; at = child) {
        if (child + 1 < size && heap[child + 1] > heap[child]) {
            child++;
        }
        if (heap[child] <= value) {
            break;
        }
        heap[at] = heap[child];
    }
    heap[at] = value;
}

/* Of the column's values; 0 when there is none. space: count doubles. */
static double median_of(const double *rows, size_t count, uint32_t columns, uint32_t column,
                        double *space)
{
    size_t seen = 0;
    for (size_t i = 0; i < count; i++) {
        double value = rows[i * columns + column];
        if (is_number(value)) {
            space[seen++] = clamp(value);
        }
    }
    for (size_t i = seen / 2; i-- > 0;) {
        sift_down(space, i, seen);
    }
    for (size_t size = seen; size > seen / 2 + 1; size--) {
        space[0] = space[size - 1];
        sift_down(space, 0, size - 1);
    }
    return seen > 0 ? space[0] : 0.0;
}

static struct tt_table_forest *forest_new(const struct tt_alloc *alloc, uint32_t trees,
                                          uint32_t columns)
{
    struct tt_table_forest *forest = tt_new_array(alloc, 1, sizeof *forest);
    if (forest == NULL) {
        return NULL;
    }
    forest->alloc = alloc;
    forest->tree_count = trees;
    forest->column_count = columns;
    forest->names = tt_new_array(alloc, columns, sizeof *forest->names);
    forest->medians = tt_new_array(alloc, columns, sizeof *forest->medians);
    forest->roots = tt_new_array(alloc, trees, sizeof *forest->roots);
    if (forest->names == NULL || forest->medians == NULL || forest->roots == NULL) {
        tt_table_forest_free(forest);
        return NULL;
    }
    return forest;
}

void tt_table_forest_free(struct tt_table_forest *forest)
{
    if (forest == NULL) {
        return;
    }
    const struct tt_alloc *alloc = forest->alloc;
    for (uint32_t i = 0; forest->names != NULL && i < forest->column_count; i++) {
        tt_delete(alloc, (void *)(uintptr_t)forest->names[i].data, forest->names[i].size + 1);
    }
    tt_delete(alloc, forest->names, forest->column_count * sizeof *forest->names);
    tt_delete(alloc, forest->medians, forest->column_count * sizeof *forest->medians);
    tt_delete(alloc, forest->roots, forest->tree_count * sizeof *forest->roots);
    tt_delete(alloc, forest->nodes, forest->node_capacity * sizeof *forest->nodes);
    tt_delete(alloc, forest, sizeof *forest);
}

static enum tt_status set_name(struct tt_table_forest *forest, uint32_t column, struct tt_str name)
{
    char *copy = tt_new(forest->alloc, name.size + 1);
    if (copy == NULL) {
        return TT_E_NOMEM;
    }
    memcpy(copy, name.data, name.size);
    copy[name.size] = '\0';
    forest->names[column] = (struct tt_str){copy, name.size};
    return TT_OK;
}

static enum tt_status add_node(struct tt_table_forest *forest, struct tt_table_node node,
                               uint32_t *ret)
{
    if (forest->node_count == forest->node_capacity) {
        if (forest->node_capacity >= UINT32_MAX / 2) {
            return TT_E_LIMIT;
        }
        uint32_t capacity = forest->node_capacity == 0 ? 1024 : 2 * forest->node_capacity;
        struct tt_table_node *grown =
            tt_resize(forest->alloc, forest->nodes, forest->node_capacity * sizeof *grown,
                      capacity * sizeof *grown);
        if (grown == NULL) {
            return TT_E_NOMEM;
        }
        forest->nodes = grown;
        forest->node_capacity = capacity;
    }
    *ret = forest->node_count++;
    forest->nodes[*ret] = node;
    return TT_OK;
}

/* Draws a column that varies among the rows, and a cut between its extremes; false: none does. */
static bool draw_cut(struct grower *grower, const uint32_t *picks, uint32_t count,
                     uint32_t *ret_column, double *ret_cut)
{
    uint32_t columns = grower->forest->column_count;
    for (uint32_t left = columns; left > 0; left--) {
        uint32_t k = (uint32_t)tt_rng_below(&grower->rng, left);
        uint32_t column = grower->columns[k];
        grower->columns[k] = grower->columns[left - 1];
        grower->columns[left - 1] = column;
        double low = grower->rows[(size_t)picks[0] * columns + column];
        double high = low;
        for (uint32_t i = 1; i < count; i++) {
            double value = grower->rows[(size_t)picks[i] * columns + column];
            low = value < low ? value : low;
            high = value > high ? value : high;
        }
        if (low < high) {
            double cut = low + tt_rng_double(&grower->rng) * (high - low);
            *ret_column = column;
            *ret_cut = cut < high ? cut : low;
            return true;
        }
    }
    return false;
}

/* Grows the node of these rows and what is below it. */
static enum tt_status grow(struct grower *grower, uint32_t *picks, uint32_t count, uint32_t depth)
{
    struct tt_table_forest *forest = grower->forest;
    struct tt_table_node node = {.column = LEAF, .rows = count};
    uint32_t at;
    if (count <= 1 || depth >= grower->depth_max ||
        !draw_cut(grower, picks, count, &node.column, &node.cut)) {
        node.column = LEAF;
        return add_node(forest, node, &at);
    }
    node.rows = 0;
    enum tt_status status = add_node(forest, node, &at);
    uint32_t split = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t pick = picks[i];
        if (grower->rows[(size_t)pick * forest->column_count + node.column] <= node.cut) {
            picks[i] = picks[split];
            picks[split++] = pick;
        }
    }
    if (status == TT_OK) {
        status = grow(grower, picks, split, depth + 1);
    }
    if (status == TT_OK) {
        forest->nodes[at].right = forest->node_count;
        status = grow(grower, picks + split, count - split, depth + 1);
    }
    return status;
}

static enum tt_status grow_all(struct grower *grower, size_t count)
{
    struct tt_table_forest *forest = grower->forest;
    for (uint32_t tree = 0; tree < forest->tree_count; tree++) {
        tt_rng_init(&grower->rng, tt_hash_mix(forest->seed) + tree);
        for (uint32_t i = 0; i < forest->sample; i++) {
            size_t other = i + (size_t)tt_rng_below(&grower->rng, count - i);
            uint32_t pick = grower->order[other];
            grower->order[other] = grower->order[i];
            grower->order[i] = pick;
        }
        forest->roots[tree] = forest->node_count;
        enum tt_status status = grow(grower, grower->order, forest->sample, 0);
        if (status != TT_OK) {
            return status;
        }
    }
    return TT_OK;
}

static bool varies(const double *rows, size_t count, uint32_t columns)
{
    for (size_t i = columns; i < count * columns; i++) {
        if (rows[i] < rows[i % columns] || rows[i] > rows[i % columns]) {
            return true;
        }
    }
    return false;
}

static enum tt_status fit(struct tt_table_forest *forest, const struct tt_str *names,
                          const double *rows, size_t count, double *filled, struct grower *grower,
                          double *space)
{
    uint32_t columns = forest->column_count;
    for (uint32_t c = 0; c < columns; c++) {
        enum tt_status status = set_name(forest, c, names[c]);
        if (status != TT_OK) {
            return status;
        }
        forest->medians[c] = median_of(rows, count, columns, c, space);
        grower->columns[c] = c;
        for (size_t i = 0; i < count; i++) {
            double value = rows[i * columns + c];
            filled[i * columns + c] = is_number(value) ? clamp(value) : forest->medians[c];
        }
    }
    if (!varies(filled, count, columns)) {
        return TT_E_INVALID;
    }
    for (size_t i = 0; i < count; i++) {
        grower->order[i] = (uint32_t)i;
    }
    while (1u << grower->depth_max < forest->sample) {
        grower->depth_max++;
    }
    return grow_all(grower, count);
}

enum tt_status tt_table_forest_fit(const struct tt_alloc *alloc,
                                   const struct tt_table_options *options,
                                   const struct tt_str *names, uint32_t columns, const double *rows,
                                   size_t count, struct tt_table_forest **ret, struct tt_error *err)
{
    if (count < 2) {
        return tt_fail(err, TT_E_INVALID, "a forest needs at least two rows; there %s",
                       count == 0 ? "is none" : "is one");
    }
    if (columns == 0 || columns > TT_TABLE_COLUMNS_MAX || options->trees == 0 ||
        options->trees > TT_TABLE_TREES_MAX || options->sample < 2 ||
        options->sample > TT_TABLE_SAMPLE_MAX || count > UINT32_MAX) {
        return tt_fail(err, TT_E_LIMIT,
                       "a forest takes 1 to %d columns, 1 to %d trees of 2 to %d rows",
                       TT_TABLE_COLUMNS_MAX, TT_TABLE_TREES_MAX, TT_TABLE_SAMPLE_MAX);
    }
    struct tt_table_forest *forest = forest_new(alloc, options->trees, columns);
    struct grower grower = {.forest = forest};
    double *filled = tt_new_array(alloc, count * columns, sizeof *filled);
    double *space = tt_new_array(alloc, count, sizeof *space);
    grower.order = tt_new_array(alloc, count, sizeof *grower.order);
    grower.columns = tt_new_array(alloc, columns, sizeof *grower.columns);
    grower.rows = filled;
    enum tt_status status = TT_E_NOMEM;
    if (forest != NULL && filled != NULL && space != NULL && grower.order != NULL &&
        grower.columns != NULL) {
        forest->seed = options->seed;
        forest->row_count = count;
        forest->sample = count < options->sample ? (uint32_t)count : options->sample;
        status = fit(forest, names, rows, count, filled, &grower, space);
    }
    tt_delete(alloc, filled, count * columns * sizeof *filled);
    tt_delete(alloc, space, count * sizeof *space);
    tt_delete(alloc, grower.order, count * sizeof *grower.order);
    tt_delete(alloc, grower.columns, columns * sizeof *grower.columns);
    if (status != TT_OK) {
        tt_table_forest_free(forest);
        return status == TT_E_INVALID
                   ? tt_fail(err, status,
                             "no column varies: there is nothing to tell rows apart by")
                   : tt_fail(err, status, "no memory for a forest");
    }
    *ret = forest;
    return TT_OK;
}

static double path_of(const struct tt_table_forest *forest, uint32_t at, const double *row)
{
    double depth = 0.0;
    const struct tt_table_node *node = &forest->nodes[at];
    while (node->column != LEAF) {
        double value = row[node->column];
        value = is_number(value) ? clamp(value) : forest->medians[node->column];
        at = value <= node->cut ? at + 1 : node->right;
        node = &forest->nodes[at];
        depth += 1.0;
    }
    return depth + mean_path(node->rows);
}

double tt_table_forest_score(const struct tt_table_forest *forest, const double *row)
{
    double sum = 0.0;
    for (uint32_t tree = 0; tree < forest->tree_count; tree++) {
        sum += path_of(forest, forest->roots[tree], row);
    }
    return tt_exp(-LN2 * sum / forest->tree_count / mean_path(forest->sample));
}

enum tt_status tt_table_forest_encode(const struct tt_table_forest *forest, struct tt_buf *buf)
{
    size_t begin = buf->size;
    tt_wire_put_u32(buf, MAGIC);
    tt_wire_put_u16(buf, VERSION);
    tt_wire_put_u32(buf, forest->tree_count);
    tt_wire_put_u32(buf, forest->column_count);
    tt_wire_put_u32(buf, forest->sample);
    tt_wire_put_u64(buf, forest->seed);
    tt_wire_put_u64(buf, forest->row_count);
    for (uint32_t c = 0; c < forest->column_count; c++) {
        tt_wire_put_bytes(buf, forest->names[c]);
        tt_wire_put_double(buf, forest->medians[c]);
    }
    /* in preorder: 0 and the rows of a leaf, or column + 1 and the cut */
    for (uint32_t i = 0; i < forest->node_count; i++) {
        const struct tt_table_node *node = &forest->nodes[i];
        if (node->column == LEAF) {
            tt_wire_put_varint(buf, 0);
            tt_wire_put_varint(buf, node->rows);
        } else {
            tt_wire_put_varint(buf, node->column + UINT64_C(1));
            tt_wire_put_double(buf, node->cut);
        }
    }
    if (buf->status == TT_OK) {
        tt_wire_put_hash(buf, tt_hash128(&content_key, buf->data + begin, buf->size - begin));
    }
    return buf->status;
}

/* One tree; its depth is bounded, so a damaged file cannot recurse far. */
static enum tt_status read_node(struct tt_table_forest *forest, struct tt_wire *wire,
                                uint32_t depth)
{
    uint64_t column = tt_wire_varint(wire);
    struct tt_table_node node = {.column = LEAF};
    uint32_t at;
    if (column == 0) {
        uint64_t rows = tt_wire_varint(wire);
        wire->bad |= rows > forest->sample || rows == 0;
        node.rows = (uint32_t)rows;
        return wire->bad ? TT_E_CORRUPT : add_node(forest, node, &at);
    }
    node.column = (uint32_t)(column - 1);
    node.cut = tt_wire_double(wire);
    if (wire->bad || column > forest->column_count || depth >= DEPTH_MAX || !is_number(node.cut)) {
        return TT_E_CORRUPT;
    }
    enum tt_status status = add_node(forest, node, &at);
    if (status == TT_OK) {
        status = read_node(forest, wire, depth + 1);
    }
    if (status == TT_OK) {
        forest->nodes[at].right = forest->node_count;
        status = read_node(forest, wire, depth + 1);
    }
    return status;
}

static enum tt_status read_body(struct tt_table_forest *forest, struct tt_wire *wire)
{
    for (uint32_t c = 0; c < forest->column_count; c++) {
        struct tt_str name = tt_wire_bytes(wire);
        forest->medians[c] = tt_wire_double(wire);
        if (wire->bad || !is_number(forest->medians[c])) {
            return TT_E_CORRUPT;
        }
        enum tt_status status = set_name(forest, c, name);
        if (status != TT_OK) {
            return status;
        }
    }
    for (uint32_t tree = 0; tree < forest->tree_count; tree++) {
        forest->roots[tree] = forest->node_count;
        enum tt_status status = read_node(forest, wire, 0);
        if (status != TT_OK) {
            return status;
        }
    }
    return tt_wire_left(wire) == 0 ? TT_OK : TT_E_CORRUPT;
}

enum tt_status tt_table_forest_decode(const struct tt_alloc *alloc, struct tt_str bytes,
                                      struct tt_table_forest **ret, struct tt_error *err)
{
    struct tt_wire wire = tt_wire_reader(bytes);
    if (bytes.size < HASH_SIZE + 34 || tt_wire_u32(&wire) != MAGIC) {
        return tt_fail(err, TT_E_CORRUPT, "no model: it does not begin like one");
    }
    size_t size = bytes.size - HASH_SIZE;
    struct tt_wire end = tt_wire_reader((struct tt_str){bytes.data + size, HASH_SIZE});
    struct tt_hash128 stored = tt_wire_hash(&end);
    struct tt_hash128 actual = tt_hash128(&content_key, bytes.data, size);
    if (stored.high != actual.high || stored.low != actual.low) {
        return tt_fail(err, TT_E_CORRUPT, "damaged model: the checksum does not fit");
    }
    wire = tt_wire_reader((struct tt_str){bytes.data, size});
    (void)tt_wire_u32(&wire);
    uint16_t version = tt_wire_u16(&wire);
    if (version != VERSION) {
        return tt_fail(err, TT_E_UNSUPPORTED, "a model of version %u; this build reads version %d",
                       version, VERSION);
    }
    uint32_t trees = tt_wire_u32(&wire);
    uint32_t columns = tt_wire_u32(&wire);
    uint32_t sample = tt_wire_u32(&wire);
    if (trees == 0 || trees > TT_TABLE_TREES_MAX || columns == 0 ||
        columns > TT_TABLE_COLUMNS_MAX || sample < 2 || sample > TT_TABLE_SAMPLE_MAX) {
        return tt_fail(err, TT_E_CORRUPT, "damaged model: impossible sizes");
    }
    struct tt_table_forest *forest = forest_new(alloc, trees, columns);
    if (forest == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for a model");
    }
    forest->sample = sample;
    forest->seed = tt_wire_u64(&wire);
    forest->row_count = tt_wire_u64(&wire);
    enum tt_status status = read_body(forest, &wire);
    if (status != TT_OK) {
        tt_table_forest_free(forest);
        return tt_fail(err, status,
                       status == TT_E_NOMEM ? "no memory for a model"
                                            : "damaged model: its trees do not fit");
    }
    *ret = forest;
    return TT_OK;
}
