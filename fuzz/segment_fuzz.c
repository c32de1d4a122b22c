/* Segments: any bytes are a block whose columns can be read to the last row, or an error with a
 * message. The head's hash keeps most inputs out, so it is also set right first. */
#include <stdlib.h>
#include <string.h>

#include "core/segment/format.h"
#include "core/segment/segment.h"
#include "fuzz.h"

static void read_all(const struct tt_segment_block *block, struct tt_arena *arena)
{
    static const char *const names[] = {"d", "b", "t", "i", "m"};
    for (uint8_t type = TT_COLUMN_DOUBLE; type <= TT_COLUMN_TIME; type++) {
        struct tt_column column;
        struct tt_error err = {0};
        if (tt_segment_column(block, tt_str_from(names[type - 1]), type, arena, &column, &err) !=
            TT_OK) {
            TT_ASSERT(err.message[0] != '\0');
            continue;
        }
        TT_ASSERT(column.row_count == block->row_count);
        size_t size = 0;
        for (uint32_t row = 0; row < column.row_count; row++) {
            struct tt_value value;
            tt_column_fill(&column, row, 1, &value, 1);
            size += value.type == TT_TYPE_STRING ? value.text.size : 1;
            if (value.type == TT_TYPE_STRING && value.text.size > 0) {
                size += (size_t)(unsigned char)value.text.data[value.text.size - 1];
            }
        }
        TT_ASSERT(size > 0 || column.type == TT_COLUMN_TEXT);
    }
}

static uint32_t get32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

/* Sets right the hashes an attacker can set right, so that what lies behind them is reached. */
static void repair(uint8_t *data, size_t size)
{
    if (size < TT_SEGMENT_HEAD_SIZE + 8) {
        return;
    }
    uint32_t head_size = get32(data + 12);
    if (head_size >= TT_SEGMENT_HEAD_SIZE + 8 && head_size <= size) {
        uint64_t hash = tt_hash64(&tt_segment_hash_key, data, head_size - 8);
        memcpy(data + head_size - 8, &hash, sizeof hash);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size + 1);
    if (copy == NULL) {
        return 0;
    }
    for (int repaired = 0; repaired < 2; repaired++) {
        struct tt_segment_block block;
        struct tt_error err = {0};
        struct tt_arena arena;
        memcpy(copy, data, size);
        if (repaired != 0) {
            repair(copy, size);
        }
        tt_arena_init(&arena, &tt_alloc_libc, 4096, 64u << 20);
        if (tt_segment_open((struct tt_str){(const char *)copy, size}, &block, &err) == TT_OK) {
            read_all(&block, &arena);
        } else {
            TT_ASSERT(err.message[0] != '\0');
        }
        tt_arena_deinit(&arena);
    }
    free(copy);
    return 0;
}
