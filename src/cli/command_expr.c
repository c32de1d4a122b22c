/* telltale expr EXPR: one expression, or many as JSON lines. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/expression.h"
#include "format/json_read.h"
#include "format/lines.h"

#define LINE_SIZE_MAX (1u << 20)
#define OUTPUT_SIZE_MAX (64u << 20)
#define ARENA_BLOCK_SIZE 4096
#define ARENA_SIZE_MAX ((size_t)8 << 20)

const struct tt_cli_option tt_options_expr[] = {
    {"let", "NAME=CEL…", "a value for a name: any constant expression; may be repeated"},
    {"batch", NULL,
     "JSON lines {\"id\", \"expr\", \"let\": {NAME: CEL}} from standard input; one "
     "line out for each"},
    {NULL, NULL, NULL},
};

static enum tt_status read_input(void *ctx, char *data, size_t capacity, size_t *ret_size,
                                 struct tt_error *err)
{
    ssize_t size = 0;
    (void)ctx;
    do {
        size = read(STDIN_FILENO, data, capacity);
    } while (size < 0 && errno == EINTR);
    if (size < 0) {
        return tt_fail(err, TT_E_IO, "standard input: %s", strerror(errno));
    }
    *ret_size = (size_t)size;
    return TT_OK;
}

/* The line of the text with a caret under the column. */
static void print_place(struct tt_str text, const struct tt_error *err)
{
    struct tt_str rest = text;
    struct tt_str line = tt_str_split(&rest, '\n');
    for (uint32_t i = 1; i < err->line && rest.data != NULL; i++) {
        line = tt_str_split(&rest, '\n');
    }
    if (err->line == 0 || line.size > 512) {
        return;
    }
    (void)fprintf(stderr, "  %.*s\n  ", TT_STR_ARG(line));
    for (uint32_t i = 1; i < err->column && i <= line.size; i++) {
        unsigned char byte = (unsigned char)line.data[i - 1];
        if ((byte & 0xC0) != 0x80) { /* columns are bytes, a caret stands under characters */
            (void)fputc(byte == '\t' ? '\t' : ' ', stderr);
        }
    }
    (void)fputs("^\n", stderr);
}

static int run_one(const struct tt_cli *cli)
{
    struct tt_expression expression = {.text = tt_str_from(cli->words[0])};
    struct tt_json_writer writer;
    struct tt_error err = {0};
    struct tt_buf buf;
    for (int i = 0; i < cli->repeated_count; i++) {
        if (!tt_expression_add_let(&expression, tt_str_from(cli->repeated[i]))) {
            return tt_cli_fail(TT_EXIT_USAGE, "expr: --let '%s' is no NAME=CEL", cli->repeated[i]);
        }
    }
    tt_buf_init(&buf, &tt_alloc_libc, OUTPUT_SIZE_MAX);
    tt_json_writer_init(&writer, &buf);
    tt_json_object_begin(&writer);
    bool good = tt_expression_write(&expression, &writer, &err);
    tt_json_object_end(&writer);
    if (buf.status != TT_OK) {
        good = false;
        (void)tt_fail(&err, buf.status, "the value is too large to print");
    } else if (good || cli->json) {
        (void)printf("%.*s\n", TT_STR_ARG(tt_buf_str(&buf)));
    }
    tt_buf_deinit(&buf);
    if (!good && !cli->json) {
        bool in_let = strncmp(err.message, "let ", 4) == 0;
        (void)tt_cli_fail(TT_EXIT_FAILED, "line %u, column %u: %s", err.line, err.column,
                          err.message);
        if (!in_let) {
            print_place(expression.text, &err);
        }
    }
    return good ? TT_EXIT_OK : TT_EXIT_FAILED;
}

struct request {
    struct tt_str id; /* raw JSON, or absent */
    struct tt_expression expression;
};

/* The members of "let". */
static enum tt_status read_lets(struct tt_json_reader *reader, struct tt_expression *expression,
                                struct tt_error *err)
{
    for (;;) {
        struct tt_json_token token;
        enum tt_status status = tt_json_next(reader, &token, err);
        if (status != TT_OK || token.kind == TT_JSON_OBJECT_END) {
            return status;
        }
        if (expression->let_count == TT_EXPRESSION_LETS_MAX) {
            return tt_fail_at(err, TT_E_LIMIT, 1, 1, token.offset, "more than %d values",
                              TT_EXPRESSION_LETS_MAX);
        }
        if (token.kind == TT_JSON_OBJECT || token.kind == TT_JSON_ARRAY) {
            return tt_fail_at(err, TT_E_TYPE, 1, 1, token.offset,
                              "the value of a name is CEL in a string");
        }
        struct tt_expression_let *let = &expression->lets[expression->let_count++];
        let->name = token.key;
        let->text = token.kind == TT_JSON_STRING ? token.text : tt_json_raw(reader, &token);
    }
}

static enum tt_status read_member(struct tt_json_reader *reader, const struct tt_json_token *token,
                                  struct request *request, struct tt_error *err)
{
    if (tt_str_equal_text(token->key, "expr") && token->kind == TT_JSON_STRING) {
        request->expression.text = token->text;
        return TT_OK;
    }
    if (tt_str_equal_text(token->key, "let") && token->kind == TT_JSON_OBJECT) {
        return read_lets(reader, &request->expression, err);
    }
    bool is_let = tt_str_equal_text(token->key, "let") && token->kind != TT_JSON_NULL;
    if (is_let || tt_str_equal_text(token->key, "expr")) {
        return tt_fail_at(err, TT_E_TYPE, 1, 1, token->offset, "\"%s\" must be %s",
                          is_let ? "let" : "expr", is_let ? "an object" : "a string");
    }
    enum tt_status status = tt_json_skip(reader, token, err);
    if (status == TT_OK && tt_str_equal_text(token->key, "id")) {
        request->id = tt_json_raw(reader, token);
    }
    return status;
}

static enum tt_status read_request(struct tt_json_reader *reader, struct request *request,
                                   struct tt_error *err)
{
    struct tt_json_token token;
    struct tt_error first = {.status = TT_OK}; /* of a member; the id may come later */
    enum tt_status status = tt_json_next(reader, &token, err);
    if (status == TT_OK && token.kind != TT_JSON_OBJECT) {
        return tt_fail_at(err, TT_E_SYNTAX, 1, 1, token.offset, "a line is a JSON object");
    }
    while (status == TT_OK) {
        status = tt_json_next(reader, &token, err);
        if (status != TT_OK || token.kind == TT_JSON_OBJECT_END) {
            break;
        }
        status = read_member(reader, &token, request, err);
        if (status == TT_E_TYPE && first.status == TT_OK) {
            first = *err;
            status = tt_json_skip(reader, &token, err);
        }
    }
    if (status == TT_OK) {
        status = tt_json_next(reader, &token, err);
    }
    if (status == TT_OK && first.status != TT_OK) {
        *err = first;
        status = first.status;
    }
    if (status == TT_OK && request->expression.text.data == NULL) {
        return tt_fail_at(err, TT_E_INVALID, 1, 1, 0, "\"expr\" is missing");
    }
    return status;
}

static void answer(const struct tt_line *line, struct tt_arena *arena,
                   struct tt_json_writer *writer)
{
    struct request request = {.id = {NULL, 0}};
    struct tt_json_reader reader;
    struct tt_error err = {0};
    enum tt_status status = TT_OK;
    if (line->too_long) {
        status =
            tt_fail_at(&err, TT_E_LIMIT, 1, 1, 0, "a line of more than %u bytes", LINE_SIZE_MAX);
    } else {
        tt_json_reader_init(&reader, line->bytes, arena);
        status = read_request(&reader, &request, &err);
    }
    tt_json_object_begin(writer);
    tt_json_key(writer, "id");
    if (request.id.data == NULL) {
        tt_json_null(writer);
    } else {
        tt_json_raw_value(writer, request.id);
    }
    if (status != TT_OK) {
        tt_expression_write_error(writer, tt_status_name(status), err.message, err.offset);
    } else {
        (void)tt_expression_write(&request.expression, writer, &err);
    }
    tt_json_object_end(writer);
}

/* The answer to one line on standard output; false when it cannot be written. */
static bool answer_line(const struct tt_line *line)
{
    struct tt_arena arena;
    struct tt_buf buf;
    struct tt_json_writer writer;
    tt_arena_init(&arena, &tt_alloc_libc, ARENA_BLOCK_SIZE, ARENA_SIZE_MAX);
    tt_buf_init(&buf, &tt_alloc_libc, OUTPUT_SIZE_MAX);
    tt_json_writer_init(&writer, &buf);
    answer(line, &arena, &writer);
    if (buf.status != TT_OK) {
        tt_buf_clear(&buf);
        tt_json_writer_init(&writer, &buf);
        tt_json_object_begin(&writer);
        tt_json_member_null(&writer, "id");
        tt_expression_write_error(&writer, tt_status_name(TT_E_LIMIT),
                                  "the value is too large to print", 0);
        tt_json_object_end(&writer);
    }
    tt_buf_append_char(&buf, '\n');
    bool written = buf.data != NULL && fwrite(buf.data, 1, buf.size, stdout) == buf.size &&
                   fflush(stdout) == 0;
    tt_buf_deinit(&buf);
    tt_arena_deinit(&arena);
    return written;
}

static int run_batch(void)
{
    struct tt_source source = {.read = read_input};
    struct tt_line_reader reader;
    struct tt_line line;
    struct tt_error err = {0};
    bool written = true;
    enum tt_status status = tt_line_reader_init(&reader, &tt_alloc_libc, source, LINE_SIZE_MAX);
    if (status != TT_OK) {
        return tt_cli_fail(TT_EXIT_FAILED, "out of memory");
    }
    while (written && (status = tt_line_next(&reader, &line, &err)) == TT_OK) {
        if (tt_str_trim(line.bytes).size > 0) {
            written = answer_line(&line);
        }
    }
    tt_line_reader_deinit(&reader);
    if (!written) {
        return tt_cli_fail(TT_EXIT_FAILED, "standard output: %s", strerror(errno));
    }
    return status == TT_E_CLOSED ? TT_EXIT_OK : tt_cli_fail_error(&err);
}

int tt_command_expr(struct tt_cli *cli)
{
    bool batch = tt_cli_value(cli, "batch") != NULL;
    if (batch && (cli->word_count > 0 || cli->repeated_count > 0)) {
        return tt_cli_fail(TT_EXIT_USAGE, "expr: --batch takes expressions and values from "
                                          "standard input");
    }
    if (!batch && cli->word_count != 1) {
        return tt_cli_fail(TT_EXIT_USAGE, "expr: one expression is needed, in quotes");
    }
    return batch ? run_batch() : run_one(cli);
}
