/* JSON: what is accepted is written again by the writer and must give the same tokens. */
#include "format/json_read.h"
#include "format/json_write.h"
#include "fuzz.h"

static void write_token(struct tt_json_writer *writer, const struct tt_json_token *token)
{
    if (token->key.data != NULL) {
        tt_json_key_str(writer, token->key);
    }
    switch (token->kind) {
    case TT_JSON_NULL:
        tt_json_null(writer);
        break;
    case TT_JSON_BOOL:
        tt_json_bool(writer, token->boolean);
        break;
    case TT_JSON_NUMBER:
        TT_ASSERT(tt_json_is_number(token->text));
        tt_json_raw_value(writer, token->text);
        break;
    case TT_JSON_STRING:
        TT_ASSERT(tt_str_utf8_check(token->text) == token->text.size);
        tt_json_string(writer, token->text);
        break;
    case TT_JSON_OBJECT:
        tt_json_object_begin(writer);
        break;
    case TT_JSON_OBJECT_END:
        tt_json_object_end(writer);
        break;
    case TT_JSON_ARRAY:
        tt_json_array_begin(writer);
        break;
    case TT_JSON_ARRAY_END:
        tt_json_array_end(writer);
        break;
    case TT_JSON_END:
        break;
    }
}

/* Reads text and writes what it says; false when it is not JSON, or deeper than the writer goes. */
static bool rewrite(struct tt_str text, struct tt_arena *arena, struct tt_buf *out)
{
    struct tt_json_reader reader;
    struct tt_json_writer writer;
    struct tt_json_token token;
    struct tt_error err;
    tt_json_reader_init(&reader, text, arena);
    tt_json_writer_init(&writer, out);
    do {
        if (tt_json_next(&reader, &token, &err) != TT_OK) {
            TT_ASSERT(reader.fault != TT_JSON_FAULT_NONE && err.offset <= text.size);
            TT_ASSERT(err.line >= 1 && err.column >= 1);
            return false;
        }
        TT_ASSERT(token.offset <= text.size);
        if (reader.depth >= TT_JSON_DEPTH_WRITE_MAX) {
            return false;
        }
        write_token(&writer, &token);
    } while (token.kind != TT_JSON_END);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tt_arena arena;
    struct tt_buf first, second;
    struct tt_str text = {(const char *)data, size};
    struct tt_tree *tree = NULL;
    tt_arena_init(&arena, &tt_alloc_libc, 4096, 64u << 20);
    tt_buf_init(&first, &tt_alloc_libc, 16u << 20);
    tt_buf_init(&second, &tt_alloc_libc, 16u << 20);
    if (rewrite(text, &arena, &first)) {
        TT_ASSERT(tt_json_parse_tree(&arena, text, &tree, NULL) == TT_OK);
        TT_ASSERT(rewrite(tt_buf_str(&first), &arena, &second));
        TT_ASSERT(tt_str_equal(tt_buf_str(&first), tt_buf_str(&second)));
    }
    tt_buf_deinit(&first);
    tt_buf_deinit(&second);
    tt_arena_deinit(&arena);
    return 0;
}
