/*
 * Walking over one JSON object as a record: shared by transactions, labels, foreign objects.
 *
 * What:    size check, copy into the arena, one callback a member, and faults of the text as
 *          verdicts.
 * Owner:   the copy lives in the arena; tokens are views into it.
 * Threads: pure.
 * Fails:   TT_E_INVALID with the verdict, TT_E_NOMEM.
 */
#ifndef TT_FORMAT_RECORD_JSON_RECORD_H
#define TT_FORMAT_RECORD_JSON_RECORD_H

#include "format/json_read.h"
#include "format/record/record.h"

/* One member of the object. TT_E_INVALID: the verdict is filled; the rest is still read, for its
 * syntax. A container may be read by the callback to its end, or be left alone. */
typedef enum tt_status tt_json_on_member(void *ctx, const struct tt_json_token *token);

/* Copies the text and reads the object's beginning. */
enum tt_status tt_json_record_begin(const struct tt_record_schema *schema, struct tt_str json,
                                    struct tt_arena *arena, struct tt_json_reader *reader,
                                    struct tt_verdict *verdict) TT_MUST_USE;
/* Calls on_member for each member, to the text's end. A fault of the text wins over a member's. */
enum tt_status tt_json_record_walk(struct tt_json_reader *reader, tt_json_on_member *on_member,
                                   void *ctx, struct tt_verdict *verdict) TT_MUST_USE;
/* The verdict of a reader that failed, or TT_E_NOMEM. */
enum tt_status tt_json_record_fault(const struct tt_json_reader *reader,
                                    struct tt_verdict *verdict);

#endif
