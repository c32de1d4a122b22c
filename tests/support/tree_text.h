/*
 * A tree for tests from compact text, so that core's tests need no YAML.
 *
 * What:    `{key: value, list: [a, "b c"], nested: {x: 1}}` as a YAML flow mapping reads it: plain
 *          or double-quoted scalars without escapes, line and column of everything.
 * Owner:   nodes lie in the arena; the text must outlive them only while parsing.
 * Threads: one.
 * Fails:   asserts (cmocka) on text that is not of this form.
 */
#ifndef TT_TESTS_SUPPORT_TREE_TEXT_H
#define TT_TESTS_SUPPORT_TREE_TEXT_H

#include "base/tree.h"

const struct tt_tree *tt_tree_text_parse(struct tt_arena *arena, const char *text);

#endif
