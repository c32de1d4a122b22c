/*
 * The configuration: telltale.yaml read against the table of options.
 *
 * What:    every key is a row of options.def; a file's tree, then `--set path=value` pairs, fill
 *          the struct.
 * Why:     one table gives parsing, checking, `config show`, the reference page, JSON Schema and
 *          completion.
 * Owner:   texts live in the arena given to tt_config_init, and so must the trees given to
 *          tt_config_apply (a TREE option keeps its node).
 * Threads: read-only once loaded.
 * Units:   durations in ms, sizes in bytes.
 * Limits:  what a ${file:…} stands for ≤ 64 KiB, a value ≤ 1 MiB, a list ≤ 10000 texts, a TREE ≤
 *          8 levels.
 * Fails:   TT_E_UNKNOWN an unknown key (the nearest is named), TT_E_TYPE, TT_E_INVALID out of
 *          range, TT_E_SYNTAX a malformed ${…}, TT_E_NOT_FOUND a secret's variable or file is not
 *          there (or another status of files.h), TT_E_LIMIT, TT_E_NOMEM; each with line and
 *          column of the file. A failed call changes nothing. ${env:NAME} and ${file:path} stand
 *          for a whole value or a part of it, in the start-up file only; "$${" stands for "${".
 *          Their values are never repeated in a message.
 */
#ifndef TT_RUNTIME_CONFIG_H
#define TT_RUNTIME_CONFIG_H

#include "base/tree.h"

/* C types of the kinds of options. */
#define TT_OPTION_TYPE_BOOL bool
#define TT_OPTION_TYPE_INT int64_t
#define TT_OPTION_TYPE_SIZE int64_t
#define TT_OPTION_TYPE_DURATION int64_t
#define TT_OPTION_TYPE_TEXT struct tt_str
#define TT_OPTION_TYPE_CHOICE struct tt_str
#define TT_OPTION_TYPE_SECRET struct tt_str
#define TT_OPTION_TYPE_LIST struct tt_str_list
#define TT_OPTION_TYPE_TREE const struct tt_tree *

struct tt_str_list {
    struct tt_str *items; /* each NUL-terminated too */
    size_t count;
};

/* Texts that are not set are absent (data NULL); texts that are set are NUL-terminated too. */
struct tt_config {
#define TT_OPTION(kind, field, path, initial, min, max, unit, help) TT_OPTION_TYPE_##kind field;
#include "runtime/options.def"
#undef TT_OPTION
    struct tt_arena *arena;
    struct tt_str file; /* where it was read from; absent = built-in defaults */
};

/* All defaults. */
enum tt_status tt_config_init(struct tt_config *config, struct tt_arena *arena,
                              struct tt_error *err) TT_MUST_USE;
/* Applies a tree (root of the YAML file). */
enum tt_status tt_config_apply(struct tt_config *config, const struct tt_tree *root,
                               struct tt_error *err) TT_MUST_USE;
/* Applies one "path=value"; err names the option. The value is taken as it stands, no ${…}; a
 * list is "a,b" or "[a, b]", a TREE "{name: value}"; nothing or null means not set. */
enum tt_status tt_config_set(struct tt_config *config, struct tt_str assignment,
                             struct tt_error *err) TT_MUST_USE;
/* Whether the service runs in this process. */
bool tt_config_has_service(const struct tt_config *config, const char *name);
/* The configuration in force as YAML, secrets hidden. */
enum tt_status tt_config_show(const struct tt_config *config, struct tt_buf *buf) TT_MUST_USE;
/* The same as one JSON object of path: value, durations in ms and sizes in bytes. */
enum tt_status tt_config_show_json(const struct tt_config *config, struct tt_buf *buf) TT_MUST_USE;
/* docs/reference/config.md, and schemas/config.schema.json. */
enum tt_status tt_config_docs(struct tt_buf *buf) TT_MUST_USE;
enum tt_status tt_config_schema(struct tt_buf *buf) TT_MUST_USE;

#endif
