/* A heap of rows by key; see sample.h. */
#include "core/detect/sample.h"

#include <string.h>

static void set_seed(struct tt_sample *sample, uint64_t seed)
{
    sample->seed = seed;
    sample->hash_key = (struct tt_hash_key){tt_hash_mix(seed), tt_hash_mix(seed + UINT64_C(0x5a))};
}

enum tt_status tt_sample_new(const struct tt_alloc *alloc, const struct tt_learner_options *options,
                             void **ret_learner, struct tt_error *err)
{
    struct tt_sample *sample = tt_new_array(alloc, 1, sizeof *sample);
    if (sample == NULL) {
        return tt_fail(err, TT_E_NOMEM, "out of memory for a learner");
    }
    sample->detector = options->detector;
    set_seed(sample, options->seed);
    *ret_learner = sample;
    return TT_OK;
}

void tt_sample_free(const struct tt_alloc *alloc, void *learner)
{
    tt_delete(alloc, learner, sizeof(struct tt_sample));
}

enum tt_status tt_sample_initial(const struct tt_alloc *alloc, const struct tt_detector *detector,
                                 void **ret_model, struct tt_error *err)
{
    (void)alloc;
    (void)detector;
    (void)err;
    *ret_model = NULL;
    return TT_OK;
}

typedef bool row_order(const struct tt_sample_row *a, const struct tt_sample_row *b);

static bool key_before(const struct tt_sample_row *a, const struct tt_sample_row *b)
{
    return a->key != b->key ? a->key < b->key : a->hash < b->hash;
}

static bool time_before(const struct tt_sample_row *a, const struct tt_sample_row *b)
{
    return a->time_ms != b->time_ms ? a->time_ms < b->time_ms : a->hash < b->hash;
}

static void swap_rows(struct tt_sample_row *a, struct tt_sample_row *b)
{
    struct tt_sample_row row = *a;
    *a = *b;
    *b = row;
}

static void sift_down(struct tt_sample_row *rows, row_order *before, uint32_t root, uint32_t count)
{
    while (2 * root + 1 < count) {
        uint32_t child = 2 * root + 1;
        if (child + 1 < count && before(&rows[child], &rows[child + 1])) {
            child++;
        }
        if (!before(&rows[root], &rows[child])) {
            return;
        }
        swap_rows(&rows[root], &rows[child]);
        root = child;
    }
}

static void sift_up(struct tt_sample_row *rows, uint32_t child)
{
    while (child > 0 && key_before(&rows[(child - 1) / 2], &rows[child])) {
        swap_rows(&rows[(child - 1) / 2], &rows[child]);
        child = (child - 1) / 2;
    }
}

static void make_heap(struct tt_sample_row *rows, row_order *before, uint32_t count)
{
    for (uint32_t k = count / 2; k-- > 0;) {
        sift_down(rows, before, k, count);
    }
}

static uint64_t event_hash(const struct tt_sample *sample, const struct tt_event *event)
{
    return tt_txn_key_hash(&sample->hash_key, &event->txn).low >> 8;
}

void tt_sample_absorb(void *learner, const struct tt_event *event)
{
    struct tt_sample *sample = learner;
    const struct tt_detector *detector = sample->detector;
    uint64_t hash = event_hash(sample, event);
    struct tt_sample_row row = {.key = hash, .hash = hash, .time_ms = event->txn.timestamp_ms};
    bool full = sample->count == TT_SAMPLE_ROWS;
    if (full && !key_before(&row, &sample->rows[0])) {
        return;
    }
    for (uint32_t c = 0; c < detector->feature_count; c++) {
        if (!tt_vector_get(&event->vector, detector->features[c], &row.values[c])) {
            row.values[c] = __builtin_nan("");
        }
    }
    if (full) {
        sample->rows[0] = row;
        sift_down(sample->rows, key_before, 0, TT_SAMPLE_ROWS);
    } else {
        sample->rows[sample->count] = row;
        sift_up(sample->rows, sample->count++);
    }
}

void tt_sample_advance(void *learner, const void *model, uint64_t factor)
{
    struct tt_sample *sample = learner;
    (void)model;
    for (uint32_t i = 0; i < sample->count; i++) {
        uint64_t *key = &sample->rows[i].key;
        unsigned __int128 raised =
            factor > 0 ? ((unsigned __int128)*key << 32) / factor : UINT64_MAX;
        *key = raised < UINT64_MAX / 2 ? (uint64_t)raised : UINT64_MAX / 2;
    }
    /* Keys that met at the top may have changed places. */
    make_heap(sample->rows, key_before, sample->count);
}

enum tt_status tt_sample_table(const struct tt_sample *sample, const struct tt_alloc *alloc,
                               enum tt_sample_order order, double **ret_table, struct tt_error *err)
{
    uint32_t columns = sample->detector->feature_count;
    row_order *before = order == TT_SAMPLE_BY_TIME ? time_before : key_before;
    size_t row_bytes = sample->count * sizeof(struct tt_sample_row);
    struct tt_sample_row *rows = tt_new(alloc, row_bytes);
    double *table = tt_new(alloc, (size_t)sample->count * columns * sizeof *table);
    if (rows == NULL || table == NULL) {
        tt_delete(alloc, rows, row_bytes);
        tt_sample_table_free(sample, alloc, table);
        return tt_fail(err, TT_E_NOMEM, "out of memory for a model's sample");
    }
    memcpy(rows, sample->rows, row_bytes);
    make_heap(rows, before, sample->count);
    for (uint32_t size = sample->count; size > 1; size--) {
        swap_rows(&rows[0], &rows[size - 1]);
        sift_down(rows, before, 0, size - 1);
    }
    for (uint32_t i = 0; i < sample->count; i++) {
        memcpy(&table[(size_t)i * columns], rows[i].values, columns * sizeof *table);
    }
    tt_delete(alloc, rows, row_bytes);
    *ret_table = table;
    return TT_OK;
}

void tt_sample_table_free(const struct tt_sample *sample, const struct tt_alloc *alloc,
                          double *table)
{
    size_t count = (size_t)sample->count * sample->detector->feature_count;
    tt_delete(alloc, table, count * sizeof *table);
}

void tt_sample_save(const void *learner, struct tt_buf *buf)
{
    const struct tt_sample *sample = learner;
    uint32_t columns = sample->detector->feature_count;
    tt_wire_put_u64(buf, sample->seed);
    tt_wire_put_varint(buf, sample->count);
    for (uint32_t i = 0; i < sample->count; i++) {
        tt_wire_put_u64(buf, sample->rows[i].key);
        tt_wire_put_u64(buf, sample->rows[i].hash);
        tt_wire_put_u64(buf, (uint64_t)sample->rows[i].time_ms);
        for (uint32_t c = 0; c < columns; c++) {
            tt_wire_put_double(buf, sample->rows[i].values[c]);
        }
    }
}

void tt_sample_load(void *learner, struct tt_wire *wire)
{
    struct tt_sample *sample = learner;
    uint32_t columns = sample->detector->feature_count;
    set_seed(sample, tt_wire_u64(wire));
    uint64_t count = tt_wire_varint(wire);
    if (count > TT_SAMPLE_ROWS) {
        wire->bad = true;
        return;
    }
    for (uint32_t i = 0; i < count && !wire->bad; i++) {
        struct tt_sample_row *row = &sample->rows[i];
        row->key = tt_wire_u64(wire);
        row->hash = tt_wire_u64(wire);
        row->time_ms = (int64_t)tt_wire_u64(wire);
        for (uint32_t c = 0; c < columns; c++) {
            row->values[c] = tt_wire_double(wire);
        }
        sample->count++;
    }
}
