/*
 * The tree between parser and bytecode, and the state of one compilation. Private to core/expr and
 * its tests.
 *
 * What:    nodes with places; static types as small codes; the functions of each pass.
 * Why:     parse, check, fold and emit are separate passes over one tree, so that each can grow
 *          (macros, maps, optional types) without the others knowing.
 * Owner:   nodes live in the compilation's arena and die with it; names and texts view the source.
 * Limits:  depth of a tree TT_NODE_DEPTH_MAX (chains of one operator are trees too, except && and
 *          ||, whose nodes take any number of arguments).
 */
#ifndef TT_CORE_EXPR_AST_H
#define TT_CORE_EXPR_AST_H

#include "core/expr/terms.h"

#define TT_NODE_DEPTH_MAX 1000
#define TT_CALL_ARGS_MAX 8

/* A static type in prefix notation, four bits a symbol, outermost lowest: list(int) is
 * LIST | INT << 4. What is past the end is dyn. */
typedef uint32_t tt_type_code;
#define TT_CODE_KIND(code) ((enum tt_type)((code) & 15))

static inline tt_type_code tt_code_item(tt_type_code list)
{
    return (list >> 4) == 0 ? (tt_type_code)TT_TYPE_DYN : list >> 4;
}
static inline tt_type_code tt_code_list(tt_type_code item)
{
    return (tt_type_code)TT_TYPE_LIST | (item << 4);
}
static inline bool tt_code_numeric(tt_type_code code)
{
    enum tt_type kind = TT_CODE_KIND(code);
    return kind == TT_TYPE_INT || kind == TT_TYPE_UINT || kind == TT_TYPE_DOUBLE;
}

enum tt_node_kind {
    TT_NODE_LITERAL = 1, /* value */
    TT_NODE_NAME,        /* name; after the check: slot */
    TT_NODE_CALL,        /* name, args; operators are calls of "_+_" and the like */
    TT_NODE_COMPARE,     /* relation, two args */
    TT_NODE_LOCAL,       /* a variable of a macro: local */
    TT_NODE_LIST,        /* args; an arg with `optional` joins when it holds a value */
    TT_NODE_MAP,         /* args: key, value, key, value, … */
    TT_NODE_LOOP,        /* a macro: what it does is `loop`; args: range, [condition], [body] */
    TT_NODE_BIND,        /* cel.bind: local, args: its value, the result */
    TT_NODE_AND,         /* two or more args */
    TT_NODE_OR,
    TT_NODE_NOT,
    TT_NODE_IF, /* condition, then, else */
};
/* What a macro does with its items. */
enum tt_loop {
    TT_LOOP_ALL = 1,
    TT_LOOP_EXISTS,
    TT_LOOP_EXISTS_ONE,
    TT_LOOP_FILTER,   /* keeps the item */
    TT_LOOP_LIST,     /* keeps the body's value */
    TT_LOOP_MAP,      /* the body's value under the item's key */
    TT_LOOP_ENTRIES,  /* the entries of the body, a map */
    TT_LOOP_OPTIONAL, /* of an optional: an optional of the body's value */
    TT_LOOP_FLAT,     /* of an optional: the body's optional */
};

/* A variable of a macro. */
struct tt_local {
    struct tt_str name;
    tt_type_code type;
    uint32_t reg;                 /* where it stands */
    uint32_t number;              /* of the compilation, from 0 */
    const struct tt_local *outer; /* in scope with it */
};

struct tt_func;
struct tt_node {
    uint8_t kind;
    uint8_t relation; /* of a comparison */
    uint8_t loop;     /* of a macro */
    bool method;      /* a call written receiver.name(…) */
    bool select;      /* a call written receiver.name */
    bool optional;    /* an item or key written with a question mark */
    uint16_t depth;
    uint32_t offset; /* of the token that names it, for messages */
    uint32_t start;  /* of its first token */
    tt_type_code type;
    uint32_t arg_count;
    uint32_t slot;
    struct tt_str name;
    union {
        struct tt_value value; /* of a literal */
        struct {               /* of a macro; second: of the two-variable forms */
            struct tt_local *local, *second;
        };
        const struct tt_local *variable; /* of TT_NODE_LOCAL */
    };
    const struct tt_func *func; /* the overload; NULL = decided while evaluating */
    struct tt_node *args;
    struct tt_node *last_arg;
    struct tt_node *next;
};

struct tt_compile {
    struct tt_arena *arena;          /* of the tree */
    struct tt_arena *keep;           /* of the expression: what outlives the compilation */
    struct tt_expr_scratch *scratch; /* for folding; NULL until it is needed */
    const struct tt_expr_env *env;
    const struct tt_expr_options *options;
    struct tt_error *err;
    enum tt_status status; /* the first failure */
    struct tt_str text;    /* being parsed: the expression's, or an alias's */
    bool in_alias;         /* places are then where the (outermost) alias is used: */
    uint32_t alias_offset;
    uint32_t nesting;
    uint32_t node_count;
    const struct tt_local *locals; /* in scope, innermost first */
    uint32_t local_count;
};

/* Fails the compilation at an offset of the text, with line and column in the file; returns NULL
 * for `return tt_compile_fail(…)`. Only the first failure counts. */
void *tt_compile_fail(struct tt_compile *compile, enum tt_status status, uint32_t offset,
                      const char *format, ...) TT_PRINTF(4, 5);

/* A node of that kind, or NULL with the failure noted. */
struct tt_node *tt_node_new(struct tt_compile *compile, enum tt_node_kind kind, uint32_t offset);
/* Hangs an argument in at the end; false when the tree gets too deep. */
bool tt_node_add(struct tt_compile *compile, struct tt_node *node, struct tt_node *arg);
/* The i-th argument. */
struct tt_node *tt_node_arg(const struct tt_node *node, uint32_t index);

/* Text → tree, aliases opened. NULL on failure. */
struct tt_node *tt_expr_parse(struct tt_compile *compile);
/* Resolves names and overloads and sets every type. false on failure. */
bool tt_expr_check(struct tt_compile *compile, struct tt_node *root);
/* Replaces what is constant by literals, their lists in `keep`; NULL on failure. */
struct tt_node *tt_expr_fold(struct tt_compile *compile, struct tt_node *root);

/* What `a relation b` gives; an error among them is the result. */
struct tt_value tt_compare_values(uint32_t relation, const struct tt_value *a,
                                  const struct tt_value *b);
/* Tree → code in `keep`. false on failure. */
bool tt_expr_emit(struct tt_compile *compile, const struct tt_node *root, struct tt_expr *expr);

/* Tree → ways in `keep`. false on failure. */
bool tt_expr_gather(struct tt_compile *compile, const struct tt_node *root, struct tt_expr *expr);

/* "list(int)" into ret_text, cut to its size; for messages. */
const char *tt_code_name(tt_type_code code, char ret_text[48]);

#endif
