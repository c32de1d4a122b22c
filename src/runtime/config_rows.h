/*
 * The rows of options.def as a table, and what the configuration's parts share; private to them.
 *
 * What:    config.c walks files by it, config_value.c reads values, config_reference.c replaces
 *          ${…}, config_show.c and config_docs.c write the configuration and its documentation.
 * Owner:   texts and nodes that are made live in the configuration's arena.
 * Threads: the table is constant.
 */
#ifndef TT_RUNTIME_CONFIG_ROWS_H
#define TT_RUNTIME_CONFIG_ROWS_H

#include "runtime/config.h"

enum tt_option_kind {
    TT_OPTION_KIND_BOOL = 1,
    TT_OPTION_KIND_INT,
    TT_OPTION_KIND_SIZE,
    TT_OPTION_KIND_DURATION,
    TT_OPTION_KIND_TEXT,
    TT_OPTION_KIND_CHOICE,
    TT_OPTION_KIND_SECRET,
    TT_OPTION_KIND_LIST,
    TT_OPTION_KIND_TREE,
};

struct tt_option_row {
    enum tt_option_kind kind;
    size_t offset;       /* of the field in struct tt_config */
    const char *path;    /* "store.retention" */
    const char *initial; /* NULL = not set */
    const char *min;     /* of numbers; of a choice or list "a|b|c", "" = anything */
    const char *max;
    const char *unit;
    const char *help;
};

#define TT_OPTION_COUNT_MAX 256
extern const struct tt_option_row tt_option_rows[];
extern const size_t tt_option_count;

/* What every secret is shown as. */
#define TT_SECRET_SHOWN "********"

/* Reads a node into the row's field, which is untouched on failure. hidden: the node's text came
 * from outside of the file and is not to be repeated in a message. */
enum tt_status tt_option_read(struct tt_config *config, const struct tt_option_row *row,
                              const struct tt_tree *node, bool hidden,
                              struct tt_error *err) TT_MUST_USE;
/* A copy of the subtree with every ${…} of its scalars replaced, or the node itself where there are
 * none; *ret_hidden says whether there were any. */
enum tt_status tt_reference_resolve(struct tt_arena *arena, const struct tt_tree *node,
                                    const struct tt_tree **ret, bool *ret_hidden,
                                    struct tt_error *err) TT_MUST_USE;
/* "64MiB" "1024" → bytes. TT_E_SYNTAX, TT_E_LIMIT past int64. */
enum tt_status tt_size_parse(struct tt_str text, int64_t *ret_bytes) TT_MUST_USE;
/* In the largest unit that divides it. */
void tt_size_write(struct tt_buf *buf, int64_t bytes);
/* The start of a text for a message: at most size_max bytes, whole characters. */
struct tt_str tt_option_shown(struct tt_str text, size_t size_max);
/* Takes the next name off a list "a|b|c"; false at its end. */
bool tt_choice_next(struct tt_str *rest, struct tt_str *ret);

/* What a row is to a writer of nested groups. */
struct tt_option_entry {
    struct tt_str
        name; /* absent = nothing to write: not below the prefix, or a group seen before */
    struct tt_str group; /* of the first row of a group: its prefix with the dot; else absent */
};
/* Row `index` below prefix ("" or "store."). */
struct tt_option_entry tt_option_entry_below(size_t index, struct tt_str prefix);

#endif
