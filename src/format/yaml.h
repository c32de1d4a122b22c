/*
 * YAML configuration documents as trees with places.
 *
 * What:    one document of YAML 1.2 (core schema by the tree's typed reads): mappings with text
 *          keys, sequences, scalars. Anchors, aliases, merge keys, tags and directives are
 *          refused with their place, and so are repeated keys.
 * Why:     libyaml's events do the grammar; what makes YAML dangerous (alias bombs, types by tag,
 *          1.1's "no" = false, octal 010) never gets in. A scalar keeps its text: 0042 stays
 *          0042.
 * Owner:   nodes and texts live in the caller's arena; libyaml's own memory (malloc) is given
 *          back before return.
 * Threads: pure.
 * Limits:  text ≤ TT_YAML_SIZE_MAX, depth ≤ TT_YAML_DEPTH_MAX, nodes ≤ TT_YAML_NODES_MAX,
 *          keys of one mapping ≤ TT_YAML_KEYS_MAX.
 * Fails:   TT_E_SYNTAX, TT_E_UNSUPPORTED (what is left out), TT_E_CONFLICT (repeated key),
 *          TT_E_LIMIT, TT_E_NOMEM; err has line and column, its message no file name: who knows
 *          the file prints `file:line:column: message`.
 */
#ifndef TT_FORMAT_YAML_H
#define TT_FORMAT_YAML_H

#include "base/tree.h"

#define TT_YAML_SIZE_MAX (4u << 20)
#define TT_YAML_DEPTH_MAX 32
#define TT_YAML_NODES_MAX 200000u
#define TT_YAML_KEYS_MAX 1024u

/* Parses text; an empty document gives a node of kind TT_TREE_NULL. *ret is set on success only. */
enum tt_status tt_yaml_parse(struct tt_arena *arena, struct tt_str text, struct tt_tree **ret,
                             struct tt_error *err) TT_MUST_USE;

#endif
