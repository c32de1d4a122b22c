/*
 * One expression with values for its names, evaluated and written as JSON.
 *
 * What:    what `telltale expr` does with one expression: gradual checking, values of names from
 *          constant expressions, type and value (or the error) as members of a JSON object.
 * Why:     numbers a JSON reader may round, and values JSON has no form for, are CEL text.
 * Owner:   texts are the caller's.
 * Threads: any, each call on its own.
 * Limits:  TT_EXPRESSION_LETS_MAX values; those of core/expr; lists deeper than JSON writers go are
 *          text.
 * Fails:   false: the error was written, and is in err with offset, line and column in the text.
 */
#ifndef TT_CLI_EXPRESSION_H
#define TT_CLI_EXPRESSION_H

#include "format/json_write.h"

#define TT_EXPRESSION_LETS_MAX 64

struct tt_expression_let {
    struct tt_str name, text;
};

struct tt_expression {
    struct tt_str text;
    struct tt_expression_let lets[TT_EXPRESSION_LETS_MAX];
    size_t let_count;
};

/* Splits "name=CEL" into a let; false when there is no "=" or no room. */
bool tt_expression_add_let(struct tt_expression *expression, struct tt_str assignment);
/* Evaluates and writes "type" and "value", or "error", into the open object. */
bool tt_expression_write(const struct tt_expression *expression, struct tt_json_writer *writer,
                         struct tt_error *err);
/* Writes "error": {"code", "message", "offset"}. */
void tt_expression_write_error(struct tt_json_writer *writer, const char *code, const char *message,
                               uint64_t offset);

#endif
