/*
 * The reader of model files on arbitrary bytes.
 *
 * The input is what stands before the checksum, which is put behind it here, because no mutation would get
 * past it. What decodes must score a row inside [0, 1], and so must what it encodes to.
 */
#include <string.h>

#include "core/detect/table_forest.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct tt_hash_key content_key = {UINT64_C(0x7461626c65), 1};
    struct tt_buf framed;
    struct tt_buf again;
    struct tt_table_forest *forest = NULL;
    tt_buf_init(&framed, &tt_alloc_libc, 1u << 24);
    tt_buf_init(&again, &tt_alloc_libc, 1u << 24);
    if (tt_buf_append(&framed, data, size) == TT_OK) {
        tt_wire_put_hash(&framed, tt_hash128(&content_key, data, size));
    }
    if (framed.status == TT_OK &&
        tt_table_forest_decode(&tt_alloc_libc, tt_buf_str(&framed), &forest, NULL) == TT_OK) {
        static double row[TT_TABLE_COLUMNS_MAX];
        double score = tt_table_forest_score(forest, row);
        TT_ASSERT(score >= 0.0 && score <= 1.0);
        TT_ASSERT(tt_table_forest_encode(forest, &again) == TT_OK);
        struct tt_table_forest *back = NULL;
        TT_ASSERT(tt_table_forest_decode(&tt_alloc_libc, tt_buf_str(&again), &back, NULL) == TT_OK);
        double same = tt_table_forest_score(back, row);
        TT_ASSERT(memcmp(&score, &same, sizeof same) == 0);
        tt_table_forest_free(back);
    }
    tt_table_forest_free(forest);
    tt_buf_deinit(&framed);
    tt_buf_deinit(&again);
    return 0;
}
