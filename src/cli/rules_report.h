/*
 * What `telltale rules check|test|explain` print about a compiled rule set.
 *
 * What:    findings, outcomes of the tests with the ways they take, and what rules compiled to.
 * Owner:   everything is borrowed.
 * Threads: the main thread.
 * Fails:   each returns an exit code and has reported what failed.
 */
#ifndef TT_CLI_RULES_REPORT_H
#define TT_CLI_RULES_REPORT_H

#include "cli/cli.h"
#include "core/rules/rules.h"

/* Suspicious rules; with `strict` they are a failure. */
int tt_rules_report_check(const struct tt_cli *cli, const char *file, const struct tt_rules *rules,
                          bool strict);
/* The tests of the file; fewer of the ways through the conditions than coverage_min percent are a
 * failure too. */
int tt_rules_report_test(const struct tt_cli *cli, const char *file, const struct tt_rules *rules,
                         uint32_t coverage_min);
/* One rule, or all with id NULL: its index terms, its program, and what running the program costs
 * here over the rule's own tests. */
int tt_rules_report_explain(const struct tt_cli *cli, const struct tt_rules *rules, const char *id);

#endif
