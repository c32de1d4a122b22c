/*
 * Lists of rules that stand in files beside the rule file.
 *
 * What:    a text a line, or a column of a CSV table.
 * Why:     a list of a million entries is data and not configuration: YAML's limits are not for it.
 * Owner:   entries go into the arena of the caller.
 * Threads: any; no state.
 * Limits:  TT_RULE_LIST_FILE_MAX bytes a file.
 * Fails:   as runtime/files.h; TT_E_UNKNOWN (no such column), TT_E_SYNTAX (a row that breaks the
 *          grammar of CSV, with its line); TT_E_NOMEM.
 */
#ifndef TT_CLI_RULE_LISTS_H
#define TT_CLI_RULE_LISTS_H

#include "core/rules/rules.h"

#define TT_RULE_LIST_FILE_MAX ((size_t)128 << 20)

/* See tt_read_rule_list; rule_file is the name of the rule file, a NUL-terminated text: paths are
 * relative to its folder. */
enum tt_status tt_rule_list_read(void *rule_file, struct tt_str file, struct tt_str column,
                                 struct tt_arena *arena, struct tt_str **ret_entries,
                                 size_t *ret_count, struct tt_error *err);

#endif
