/*
 * What parser and macros share. Private to core/expr.
 *
 * What:    the parser's steps that macros need, and the macros' entry.
 * Fails:   NULL or false, with the failure noted in the compilation.
 */
#ifndef TT_CORE_EXPR_PARSE_H
#define TT_CORE_EXPR_PARSE_H

#include "core/expr/lex.h"

/* An expression, from the lexer's token on. */
struct tt_node *tt_parse_expression(struct tt_lexer *lexer);
/* Moves over a token of that kind, or fails saying what should stand here. */
bool tt_parse_expect(struct tt_lexer *lexer, enum tt_token_kind kind, const char *what);
/* receiver.name(…) with the lexer at the bracket: false when the name is no macro. *ret is its
 * node, or NULL on failure. */
bool tt_parse_macro(struct tt_lexer *lexer, struct tt_node *receiver, struct tt_str name,
                    uint32_t offset, struct tt_node **ret);
/* cel.bind(…), at the bracket. */
struct tt_node *tt_parse_bind(struct tt_lexer *lexer, uint32_t start, uint32_t offset);
/* The variable of that name in scope, or NULL. */
const struct tt_local *tt_local_find(const struct tt_compile *compile, struct tt_str name);

#endif
