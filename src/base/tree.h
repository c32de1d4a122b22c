/*
 * A document as a tree with places: what a YAML or JSON configuration file becomes.
 *
 * What:    mapping, sequence and scalar nodes, each knowing its line and column.
 * Why:     core compiles features and rules from this tree without seeing YAML; every error can
 *          name file, line and column.
 * Owner:   all nodes live in the arena they were made in.
 * Threads: read-only after it is built.
 */
#ifndef TT_BASE_TREE_H
#define TT_BASE_TREE_H

#include "base/str.h"

enum tt_tree_kind { TT_TREE_NULL = 1, TT_TREE_SCALAR, TT_TREE_SEQUENCE, TT_TREE_MAPPING };

/* A scalar keeps its text; plain = written without quotes (so `true`, `5`, `~` may be typed). */
struct tt_tree {
    enum tt_tree_kind kind;
    bool plain;
    uint32_t line, column; /* from 1 */
    struct tt_str key;     /* in a mapping: this entry's key; else absent */
    uint32_t key_line, key_column;
    struct tt_str text;       /* of a scalar, NUL-terminated too */
    struct tt_tree *children; /* first child (sequence items, mapping entries) */
    struct tt_tree *next;     /* next sibling */
    uint32_t child_count;
    /* From where a scalar's content starts to the end of the document, in the document itself
     * (valid as long as that is), and its place; absent when the reader does not say. */
    struct tt_str source;
    uint32_t source_line, source_column;
    char source_quote; /* what encloses the content: a quote, '|' or '>', or 0 */
};

/* The entry of a mapping, or NULL (also when node is NULL or no mapping). */
const struct tt_tree *tt_tree_get(const struct tt_tree *node, const char *key);
/* "mapping", "sequence", "text", "null": for messages. */
const char *tt_tree_kind_name(const struct tt_tree *node);
/* Fails with TT_E_UNKNOWN at the first key of the mapping that `keys` does not hold, naming the
 * nearest. */
enum tt_status tt_tree_check_keys(const struct tt_tree *node, const char *const *keys, size_t count,
                                  struct tt_error *err) TT_MUST_USE;
/* The place in the document of the byte at `offset` of a scalar's text: exact for plain and block
 * scalars over any number of lines, and for quoted ones with simple escapes. */
void tt_tree_text_place(const struct tt_tree *node, size_t offset, uint32_t *ret_line,
                        uint32_t *ret_column);
/* Typed reads of a scalar; each fails with TT_E_TYPE at the node's place and leaves *ret untouched.
 * Booleans are YAML 1.2's true/false; numbers must be plain. */
enum tt_status tt_tree_bool(const struct tt_tree *node, bool *ret,
                            struct tt_error *err) TT_MUST_USE;
enum tt_status tt_tree_int64(const struct tt_tree *node, int64_t *ret,
                             struct tt_error *err) TT_MUST_USE;
enum tt_status tt_tree_double(const struct tt_tree *node, double *ret,
                              struct tt_error *err) TT_MUST_USE;
enum tt_status tt_tree_text(const struct tt_tree *node, struct tt_str *ret,
                            struct tt_error *err) TT_MUST_USE;
/* Any duration text ("30d") in ms. */
enum tt_status tt_tree_duration(const struct tt_tree *node, int64_t *ret_ms,
                                struct tt_error *err) TT_MUST_USE;

#endif
