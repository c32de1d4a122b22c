/*
 * Text to tokens. Private to core/expr.
 *
 * What:    CEL's lexical rules; one token at a time, literals decoded.
 * Source:  the CEL specification, "Syntax" (lexis).
 * Fails:   TT_E_SYNTAX, TT_E_LIMIT (a number out of range), noted in the compilation; the token is
 *          then TT_TOKEN_ERROR.
 */
#ifndef TT_CORE_EXPR_LEX_H
#define TT_CORE_EXPR_LEX_H

#include "core/expr/ast.h"

enum tt_token_kind {
    TT_TOKEN_ERROR = 0,
    TT_TOKEN_END,
    TT_TOKEN_LITERAL, /* value: int, uint, double, string, bytes, bool, null */
    TT_TOKEN_IDENT,
    TT_TOKEN_IN,
    TT_TOKEN_OR,
    TT_TOKEN_AND,
    TT_TOKEN_NOT,
    TT_TOKEN_EQ,
    TT_TOKEN_NE,
    TT_TOKEN_LT,
    TT_TOKEN_LE,
    TT_TOKEN_GT,
    TT_TOKEN_GE,
    TT_TOKEN_PLUS,
    TT_TOKEN_MINUS,
    TT_TOKEN_STAR,
    TT_TOKEN_SLASH,
    TT_TOKEN_PERCENT,
    TT_TOKEN_QUESTION,
    TT_TOKEN_COLON,
    TT_TOKEN_COMMA,
    TT_TOKEN_DOT,
    TT_TOKEN_LPAREN,
    TT_TOKEN_RPAREN,
    TT_TOKEN_LBRACKET,
    TT_TOKEN_RBRACKET,
    TT_TOKEN_LBRACE,
    TT_TOKEN_RBRACE,
};

struct tt_token {
    uint8_t kind;
    bool min_int; /* 9223372036854775808, an int only behind a minus */
    uint32_t offset, size;
    struct tt_value value;
};
struct tt_lexer {
    struct tt_compile *compile;
    uint32_t offset; /* behind the token */
    struct tt_token token;
};

/* At the first token of compile->text. */
void tt_lexer_init(struct tt_lexer *lexer, struct tt_compile *compile);
/* To the next one. */
void tt_lexer_next(struct tt_lexer *lexer);
/* True for a CEL identifier that is no reserved word. */
bool tt_lexer_is_name(struct tt_str text);

#endif
