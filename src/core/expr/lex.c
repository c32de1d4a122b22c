/*
 * The scanner: longest match, one character of look-ahead, no tables.
 *
 * String literals are decoded into the compilation's arena (a decoded literal is never longer than
 * its source), so that later passes see plain UTF-8.
 */
#include "core/expr/lex.h"

#include <string.h>

#include "base/number.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static int hex_digit(char c)
{
    if (is_digit(c)) {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static char peek(const struct tt_lexer *lexer, uint32_t ahead)
{
    size_t at = (size_t)lexer->offset + ahead;
    return at < lexer->compile->text.size ? lexer->compile->text.data[at] : '\0';
}

/* Reserved by the specification; true, false, null and `in` are tokens of their own. */
static bool is_reserved(struct tt_str text)
{
    static const char *const words[] = {
        "as",  "break", "const",   "continue", "else",      "for",    "function", "if",   "import",
        "let", "loop",  "package", "var",      "namespace", "return", "void",     "while"};
    for (size_t i = 0; i < TT_ARRAY_SIZE(words); i++) {
        if (tt_str_equal_text(text, words[i])) {
            return true;
        }
    }
    return false;
}

static bool is_keyword(struct tt_str text)
{
    return tt_str_equal_text(text, "true") || tt_str_equal_text(text, "false") ||
           tt_str_equal_text(text, "null") || tt_str_equal_text(text, "in");
}

bool tt_lexer_is_name(struct tt_str text)
{
    if (text.size == 0 || text.size > TT_EXPR_NAME_SIZE_MAX || !is_letter(text.data[0])) {
        return false;
    }
    for (size_t i = 1; i < text.size; i++) {
        if (!is_letter(text.data[i]) && !is_digit(text.data[i])) {
            return false;
        }
    }
    return !is_reserved(text) && !is_keyword(text);
}

static void fail(struct tt_lexer *lexer, enum tt_status status, uint32_t offset,
                 const char *message)
{
    lexer->token.kind = TT_TOKEN_ERROR;
    (void)tt_compile_fail(lexer->compile, status, offset, "%s", message);
}

static void skip_space(struct tt_lexer *lexer)
{
    for (;;) {
        char c = peek(lexer, 0);
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
            lexer->offset++;
        } else if (c == '/' && peek(lexer, 1) == '/') {
            while (lexer->offset < lexer->compile->text.size && peek(lexer, 0) != '\n') {
                lexer->offset++;
            }
        } else {
            return;
        }
    }
}

/* The digits of an integer in base 10 or 16 as uint64; false when it does not fit. */
static bool read_digits(struct tt_str digits, unsigned base, uint64_t *ret)
{
    uint64_t value = 0;
    for (size_t i = 0; i < digits.size; i++) {
        uint64_t digit = (uint64_t)hex_digit(digits.data[i]);
        if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
            __builtin_add_overflow(value, digit, &value)) {
            return false;
        }
    }
    *ret = value;
    return true;
}

static void lex_integer(struct tt_lexer *lexer, struct tt_str digits, unsigned base)
{
    struct tt_token *token = &lexer->token;
    bool is_unsigned = (peek(lexer, 0) | 0x20) == 'u';
    uint64_t value = 0;
    lexer->offset += is_unsigned ? 1 : 0;
    if (!read_digits(digits, base, &value)) {
        fail(lexer, TT_E_LIMIT, token->offset,
             is_unsigned ? "number is past the range of uint"
                         : "number is past the range of int; write it as a double (1e19)");
        return;
    }
    token->kind = TT_TOKEN_LITERAL;
    if (is_unsigned) {
        token->value = (struct tt_value){.type = TT_TYPE_UINT, .uinteger = value};
        return;
    }
    token->min_int = value == (uint64_t)INT64_MAX + 1;
    if (value > (uint64_t)INT64_MAX && !token->min_int) {
        fail(lexer, TT_E_LIMIT, token->offset,
             "number is past the range of int; write it as a double (1e19) or uint (…u)");
        return;
    }
    token->value = tt_value_int(token->min_int ? INT64_MIN : (int64_t)value);
}

static void skip_digits(struct tt_lexer *lexer)
{
    while (is_digit(peek(lexer, 0))) {
        lexer->offset++;
    }
}

/* Moves over an exponent when a whole one is there. */
static bool skip_exponent(struct tt_lexer *lexer)
{
    if ((peek(lexer, 0) | 0x20) != 'e') {
        return false;
    }
    uint32_t sign = peek(lexer, 1) == '+' || peek(lexer, 1) == '-' ? 1 : 0;
    if (!is_digit(peek(lexer, 1 + sign))) {
        return false;
    }
    lexer->offset += 1 + sign;
    skip_digits(lexer);
    return true;
}

static void lex_number(struct tt_lexer *lexer)
{
    const char *text = lexer->compile->text.data;
    uint32_t start = lexer->offset;
    if (peek(lexer, 0) == '0' && (peek(lexer, 1) | 0x20) == 'x' && hex_digit(peek(lexer, 2)) >= 0) {
        lexer->offset += 2;
        while (hex_digit(peek(lexer, 0)) >= 0) {
            lexer->offset++;
        }
        lex_integer(lexer, (struct tt_str){text + start + 2, lexer->offset - start - 2}, 16);
        return;
    }
    skip_digits(lexer);
    bool is_double = false;
    if (peek(lexer, 0) == '.' && is_digit(peek(lexer, 1))) {
        is_double = true;
        lexer->offset++;
        skip_digits(lexer);
    }
    is_double = skip_exponent(lexer) || is_double;
    struct tt_str digits = {text + start, lexer->offset - start};
    if (!is_double) {
        lex_integer(lexer, digits, 10);
        return;
    }
    double number = 0.0;
    char with_zero[TT_NUMBER_TEXT_SIZE * 2];
    if (digits.data[0] == '.' && digits.size < sizeof(with_zero)) {
        with_zero[0] = '0';
        memcpy(with_zero + 1, digits.data, digits.size);
        digits = (struct tt_str){with_zero, digits.size + 1};
    }
    if (!tt_double_parse(digits, &number)) {
        fail(lexer, TT_E_LIMIT, start, "number is past the range of double");
        return;
    }
    lexer->token.kind = TT_TOKEN_LITERAL;
    lexer->token.value = tt_value_double(number);
}

static size_t put_utf8(char *out, uint32_t point)
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (char)(0xC0 | (point >> 6));
        out[1] = (char)(0x80 | (point & 0x3F));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (char)(0xE0 | (point >> 12));
        out[1] = (char)(0x80 | ((point >> 6) & 0x3F));
        out[2] = (char)(0x80 | (point & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | (point >> 18));
    out[1] = (char)(0x80 | ((point >> 12) & 0x3F));
    out[2] = (char)(0x80 | ((point >> 6) & 0x3F));
    out[3] = (char)(0x80 | (point & 0x3F));
    return 4;
}

/* Reads `count` hex digits, or octal ones, as a code point; -1 when they are not there. */
static int64_t read_point(struct tt_lexer *lexer, uint32_t count, unsigned base)
{
    uint32_t point = 0;
    for (uint32_t i = 0; i < count; i++) {
        int digit = hex_digit(peek(lexer, i));
        if (digit < 0 || digit >= (int)base) {
            return -1;
        }
        point = point * base + (uint32_t)digit;
    }
    lexer->offset += count;
    return point;
}

/* One escape, with offset behind the backslash; returns the bytes written, 0 on failure. In bytes
 * \\x and octal ones are a byte and \\u is none. */
static size_t lex_escape(struct tt_lexer *lexer, bool is_bytes, char *out)
{
    static const char letters[] = "abfnrtv\\?\"'`";
    static const char values[] = "\a\b\f\n\r\t\v\\?\"'`";
    uint32_t start = lexer->offset - 1;
    char c = peek(lexer, 0);
    const char *letter = c == '\0' ? NULL : strchr(letters, c);
    if (letter != NULL) {
        lexer->offset++;
        *out = values[letter - letters];
        return 1;
    }
    int64_t point = -1;
    if (c == 'x' || c == 'X') {
        lexer->offset++;
        point = read_point(lexer, 2, 16);
    } else if (c == 'u' && !is_bytes) {
        lexer->offset++;
        point = read_point(lexer, 4, 16);
    } else if (c == 'U' && !is_bytes) {
        lexer->offset++;
        point = read_point(lexer, 8, 16);
    } else if (c >= '0' && c <= '3') {
        point = read_point(lexer, 3, 8);
    }
    if (point < 0 || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) {
        fail(lexer, TT_E_SYNTAX, start, "no such escape; for a backslash itself write \\\\");
        return 0;
    }
    if (is_bytes) {
        *out = (char)(unsigned char)point;
        return 1;
    }
    return put_utf8(out, (uint32_t)point);
}

/* True when the closing quote stands at that place. */
static bool closes(struct tt_str text, size_t at, char quote, bool triple)
{
    if (text.data[at] != quote) {
        return false;
    }
    return !triple ||
           (at + 2 < text.size && text.data[at + 1] == quote && text.data[at + 2] == quote);
}

/* Where the closing quote stands, or the size of the text when there is none. */
static size_t find_close(struct tt_str text, size_t at, char quote, bool triple, bool raw)
{
    for (; at < text.size && !closes(text, at, quote, triple); at++) {
        char c = text.data[at];
        if (!triple && (c == '\n' || c == '\r')) {
            return text.size;
        }
        if (c == '\\' && !raw) {
            at++;
        }
    }
    return at < text.size ? at : text.size;
}

/* A string literal; offset is at its first quote. */
static void lex_string(struct tt_lexer *lexer, bool raw, bool is_bytes)
{
    struct tt_str text = lexer->compile->text;
    char quote = peek(lexer, 0);
    bool triple = peek(lexer, 1) == quote && peek(lexer, 2) == quote;
    lexer->offset += triple ? 3 : 1;
    size_t close = find_close(text, lexer->offset, quote, triple, raw);
    if (close == text.size) {
        fail(lexer, TT_E_SYNTAX, lexer->token.offset, "this string has no closing quote");
        return;
    }
    char *out = tt_arena_new(lexer->compile->arena, close - lexer->offset + 1);
    size_t size = 0;
    if (out == NULL) {
        fail(lexer, TT_E_NOMEM, lexer->token.offset, "out of memory");
        return;
    }
    while (lexer->offset < close) {
        char c = peek(lexer, 0);
        lexer->offset++;
        if (c != '\\' || raw) {
            out[size++] = c;
            continue;
        }
        size_t written = lex_escape(lexer, is_bytes, out + size);
        if (written == 0) {
            return;
        }
        size += written;
    }
    lexer->offset += triple ? 3 : 1;
    lexer->token.kind = TT_TOKEN_LITERAL;
    lexer->token.value = tt_value_text((struct tt_str){out, size});
    lexer->token.value.type = is_bytes ? TT_TYPE_BYTES : TT_TYPE_STRING;
}

static bool is_quote(char c)
{
    return c == '"' || c == '\'';
}

/* r"…", b"…", rb"…" and br"…": true when the token was one of them. */
static bool lex_prefixed_string(struct tt_lexer *lexer)
{
    char first = (char)(peek(lexer, 0) | 0x20);
    char second = (char)(peek(lexer, 1) | 0x20);
    bool two = is_quote(peek(lexer, 2)) &&
               ((first == 'r' && second == 'b') || (first == 'b' && second == 'r'));
    bool one = is_quote(peek(lexer, 1)) && (first == 'r' || first == 'b');
    if (two || one) {
        lexer->offset += two ? 2 : 1;
        lex_string(lexer, two || first == 'r', two || first == 'b');
        return true;
    }
    return false;
}

static void lex_word(struct tt_lexer *lexer)
{
    struct tt_token *token = &lexer->token;
    if (lex_prefixed_string(lexer)) {
        return;
    }
    while (is_letter(peek(lexer, 0)) || is_digit(peek(lexer, 0))) {
        lexer->offset++;
    }
    struct tt_str word = {lexer->compile->text.data + token->offset, lexer->offset - token->offset};
    if (tt_str_equal_text(word, "true") || tt_str_equal_text(word, "false")) {
        token->kind = TT_TOKEN_LITERAL;
        token->value = tt_value_bool(word.data[0] == 't');
    } else if (tt_str_equal_text(word, "null")) {
        token->kind = TT_TOKEN_LITERAL;
        token->value = (struct tt_value){.type = TT_TYPE_NULL};
    } else if (tt_str_equal_text(word, "in")) {
        token->kind = TT_TOKEN_IN;
    } else {
        token->kind = TT_TOKEN_IDENT;
    }
}

/* Operators and brackets; two characters before one. */
static void lex_operator(struct tt_lexer *lexer)
{
    static const struct {
        char text[3];
        uint8_t kind;
    } operators[] = {
        {"||", TT_TOKEN_OR},      {"&&", TT_TOKEN_AND},    {"==", TT_TOKEN_EQ},
        {"!=", TT_TOKEN_NE},      {"<=", TT_TOKEN_LE},     {">=", TT_TOKEN_GE},
        {"<", TT_TOKEN_LT},       {">", TT_TOKEN_GT},      {"!", TT_TOKEN_NOT},
        {"+", TT_TOKEN_PLUS},     {"-", TT_TOKEN_MINUS},   {"*", TT_TOKEN_STAR},
        {"/", TT_TOKEN_SLASH},    {"%", TT_TOKEN_PERCENT}, {"?", TT_TOKEN_QUESTION},
        {":", TT_TOKEN_COLON},    {",", TT_TOKEN_COMMA},   {".", TT_TOKEN_DOT},
        {"(", TT_TOKEN_LPAREN},   {")", TT_TOKEN_RPAREN},  {"[", TT_TOKEN_LBRACKET},
        {"]", TT_TOKEN_RBRACKET}, {"{", TT_TOKEN_LBRACE},  {"}", TT_TOKEN_RBRACE},
    };
    char first = peek(lexer, 0);
    char second = peek(lexer, 1);
    for (size_t i = 0; i < TT_ARRAY_SIZE(operators); i++) {
        const char *text = operators[i].text;
        if (text[0] == first && (text[1] == '\0' || text[1] == second)) {
            lexer->token.kind = operators[i].kind;
            lexer->offset += text[1] == '\0' ? 1 : 2;
            return;
        }
    }
    const char *message = "unexpected character";
    if (first == '=') {
        message = "to compare write == (there is no assignment)";
    } else if (first == '&' || first == '|') {
        message = "write && or || (there are no bit operators)";
    }
    fail(lexer, TT_E_SYNTAX, lexer->offset, message);
}

void tt_lexer_next(struct tt_lexer *lexer)
{
    if (lexer->token.kind == TT_TOKEN_ERROR && lexer->compile->status != TT_OK) {
        return;
    }
    skip_space(lexer);
    lexer->token = (struct tt_token){.offset = lexer->offset};
    char c = peek(lexer, 0);
    if (lexer->offset >= lexer->compile->text.size) {
        lexer->token.kind = TT_TOKEN_END;
    } else if (is_digit(c) || (c == '.' && is_digit(peek(lexer, 1)))) {
        lex_number(lexer);
    } else if (is_letter(c)) {
        lex_word(lexer);
    } else if (is_quote(c)) {
        lex_string(lexer, false, false);
    } else {
        lex_operator(lexer);
    }
    lexer->token.size = lexer->offset - lexer->token.offset;
}

void tt_lexer_init(struct tt_lexer *lexer, struct tt_compile *compile)
{
    *lexer = (struct tt_lexer){.compile = compile, .token = {.kind = TT_TOKEN_END}};
    tt_lexer_next(lexer);
}
