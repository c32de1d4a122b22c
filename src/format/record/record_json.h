/*
 * Transactions and labels from the project's own JSON.
 *
 * What:    one object of schemas/transaction.schema.json or schemas/label.schema.json becomes a
 *          struct tt_txn or struct tt_record_label, or a verdict.
 * Why:     amounts go from the raw token to minor units without a double in between; field names
 *          are found by a switch on size and bytes. `mcc` is an alias of
 *          `merchant_category_code`. null and an optional "" mean absent.
 * Owner:   every view of the result lives in the arena: the caller's bytes may go at once.
 * Threads: pure; any number of threads with their own arenas.
 * Units:   now_ms is the wall clock for the skew check, TT_TIME_NONE = no check.
 * Limits:  schema->record_size_max, nesting TT_JSON_DEPTH_MAX, sizes of core/txn/txn.h. Arena
 *          use: the record's size plus about 1 KiB.
 * Fails:   TT_E_INVALID with *ret_verdict filled; TT_E_NOMEM when the arena is full. A text that
 *          is not JSON says so even when a field before the fault was wrong too.
 */
#ifndef TT_FORMAT_RECORD_RECORD_JSON_H
#define TT_FORMAT_RECORD_RECORD_JSON_H

#include "format/record/record.h"

/* One transaction. ret_notes may be NULL. *ret_txn is set on success only, *ret_verdict with
 * TT_E_INVALID only. Attributes come out sorted by name. */
enum tt_status tt_record_json_txn(const struct tt_record_schema *schema, struct tt_str json,
                                  int64_t now_ms, struct tt_arena *arena, struct tt_txn *ret_txn,
                                  struct tt_record_notes *ret_notes,
                                  struct tt_verdict *ret_verdict) TT_MUST_USE;
/* One label. known_at absent = now_ms; source absent = import; selection_probability absent = 1.
 * Card numbers in ids become the same tokens as in transactions, so that labels find them. */
enum tt_status tt_record_json_label(const struct tt_record_schema *schema, struct tt_str json,
                                    int64_t now_ms, struct tt_arena *arena,
                                    struct tt_record_label *ret_label,
                                    struct tt_verdict *ret_verdict) TT_MUST_USE;

#endif
