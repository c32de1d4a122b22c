/* Records: what is accepted holds no card number and reads back with the same content; what is not
 * has a reason, a text, and a place inside the record. */
#include <string.h>

#include "format/record/pan.h"
#include "format/record/record_json.h"
#include "format/record/record_map.h"
#include "format/record/record_write.h"
#include "format/yaml.h"
#include "fuzz.h"

static const char map_text[] = "format: jsonl\n"
                               "fields:\n"
                               "  transaction_id: {column: transaction_id}\n"
                               "  timestamp: {columns: [timestamp, attributes.t]}\n"
                               "  amount: {column: amount}\n"
                               "  currency: {column: currency}\n"
                               "  user_id: {column: user_id}\n"
                               "  ip: {column: attributes.ip}\n";

static void check_verdict(struct tt_str text, const struct tt_verdict *verdict)
{
    TT_ASSERT(verdict->reason != TT_REJECT_NONE && verdict->detail[0] != '\0');
    TT_ASSERT(verdict->offset <= text.size);
    TT_ASSERT(tt_str_utf8_check(tt_str_from(verdict->detail)) == strlen(verdict->detail));
    TT_ASSERT(tt_str_utf8_check(tt_str_from(verdict->field)) == strlen(verdict->field));
}

/* Written, read and compared; card numbers may only appear where texts grow together. */
static void check_round_trip(const struct tt_record_schema *schema, const struct tt_txn *txn,
                             struct tt_arena *arena)
{
    struct tt_buf buf;
    struct tt_json_writer writer;
    struct tt_record_notes notes;
    struct tt_verdict verdict;
    struct tt_txn back;
    tt_buf_init(&buf, &tt_alloc_libc, 1u << 20);
    tt_json_writer_init(&writer, &buf);
    tt_record_write_txn(&writer, txn);
    TT_ASSERT(buf.status == TT_OK);
    TT_ASSERT(tt_record_json_txn(schema, tt_buf_str(&buf), TT_TIME_NONE, arena, &back, &notes,
                                 &verdict) == TT_OK);
    struct tt_hash128 a = tt_txn_content_hash(txn), b = tt_txn_content_hash(&back);
    TT_ASSERT(notes.pan_count == 0 && a.high == b.high && a.low == b.low);
    tt_buf_deinit(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tt_str text = {(const char *)data, size};
    struct tt_record_schema schema;
    struct tt_record_label label;
    struct tt_verdict verdict = {0};
    struct tt_arena arena;
    struct tt_tree *tree = NULL;
    const struct tt_record_map *map = NULL;
    struct tt_txn txn;
    tt_arena_init(&arena, &tt_alloc_libc, 4096, 64u << 20);
    tt_record_schema_init(&schema);
    schema.unknown = TT_UNKNOWN_ATTRIBUTE;
    if (tt_record_json_txn(&schema, text, TT_TIME_NONE, &arena, &txn, NULL, &verdict) == TT_OK) {
        check_round_trip(&schema, &txn, &arena);
    } else {
        check_verdict(text, &verdict);
    }
    if (tt_record_json_label(&schema, text, 0, &arena, &label, &verdict) != TT_OK) {
        check_verdict(text, &verdict);
    }
    TT_ASSERT(tt_yaml_parse(&arena, TT_STR(map_text), &tree, NULL) == TT_OK);
    TT_ASSERT(tt_record_map_compile(&arena, tree, &map, NULL) == TT_OK);
    if (tt_record_map_json(map, &schema, text, TT_TIME_NONE, &arena, &txn, NULL, NULL, &verdict) !=
        TT_OK) {
        check_verdict(text, &verdict);
    }
    tt_arena_deinit(&arena);
    return 0;
}
