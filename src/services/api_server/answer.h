/*
 * Answers to records, after the commit.
 *
 * What:    the decision of a fresh transaction; the first answer of one that came again; a problem for
 *          what was refused or whose id is taken.
 * Why:     a duplicate is answered from what is stored, so it gets the same bytes as the first time.
 * Owner:   the caller owns the struct; answers are copied into the submission.
 * Threads: confined to the sink's.
 */
#ifndef TT_SERVICES_API_SERVER_ANSWER_H
#define TT_SERVICES_API_SERVER_ANSWER_H

#include "format/record/record_json.h"
#include "ports/store.h"
#include "services/pipeline/context.h"
#include "services/pipeline/rows.h"

struct tt_answerer {
    const struct tt_context *context;
    struct tt_store *store;
    const struct tt_record_schema *schema;
    struct tt_buf buf;
    struct tt_loose_event stored;
};

void tt_answerer_init(struct tt_answerer *answerer, const struct tt_context *context,
                      struct tt_store *store, const struct tt_record_schema *schema);
void tt_answerer_deinit(struct tt_answerer *answerer);
/* Answers the record that event->reply waits for. */
void tt_answer(struct tt_answerer *answerer, const struct tt_event *event);

#endif
