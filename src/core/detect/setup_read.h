/*
 * Reading a detector's part of detectors.yaml.
 *
 * What:    the typed reads that all detectors share; each checks range and names the place.
 * Owner:   results are the caller's; trees are borrowed.
 * Threads: pure functions.
 * Fails:   TT_E_UNKNOWN, TT_E_TYPE, TT_E_INVALID, with line and column; *ret is untouched then.
 */
#ifndef TT_CORE_DETECT_SETUP_READ_H
#define TT_CORE_DETECT_SETUP_READ_H

#include "core/detect/setup.h"

/* A feature's name → its index in the plan. */
enum tt_status tt_setup_read_feature(const struct tt_setup *setup, const struct tt_tree *node,
                                     uint16_t *ret, struct tt_error *err) TT_MUST_USE;
/* The list `features` of a model over columns into detector->features. */
enum tt_status tt_setup_read_features(const struct tt_setup *setup, struct tt_detector *detector,
                                      const struct tt_tree *tree, struct tt_error *err) TT_MUST_USE;
/* One of names[1 … count) → its number. node NULL: *ret stays (the default), TT_OK. */
enum tt_status tt_setup_read_choice(const struct tt_tree *node, const char *const *names,
                                    size_t count, uint8_t *ret, struct tt_error *err) TT_MUST_USE;
/* A number in [low, high]. node NULL: *ret stays, TT_OK. */
enum tt_status tt_setup_read_number(const struct tt_tree *node, double low, double high,
                                    double *ret, struct tt_error *err) TT_MUST_USE;
/* An integer in [low, high]. node NULL: *ret stays, TT_OK. */
enum tt_status tt_setup_read_count(const struct tt_tree *node, uint32_t low, uint32_t high,
                                   uint32_t *ret, struct tt_error *err) TT_MUST_USE;
/* The list `features` of zscore (mean and std) or iqr (quartiles) into detector->judged. */
enum tt_status tt_judge_parse(const struct tt_setup *setup, struct tt_detector *detector,
                              const struct tt_tree *tree, bool quartiles,
                              struct tt_error *err) TT_MUST_USE;
/* The mapping `learned`; tree may be NULL: it is off. Detectors are parsed already. */
enum tt_status tt_learned_parse(const struct tt_setup *setup, struct tt_learned *learned,
                                const struct tt_tree *tree, struct tt_error *err) TT_MUST_USE;
/* What of it belongs to the setup's hash. */
void tt_learned_put(const struct tt_learned *learned, struct tt_buf *buf);

#endif
