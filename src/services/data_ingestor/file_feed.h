/*
 * A feed from a file or standard input: CSV or JSON lines, plain or compressed, mapped or not.
 *
 * What:    reads rows in one pass; a mapped label becomes a label event `label_delay_ms` after its
 *          transaction, before any transaction of that instant or later (DESIGN §3).
 * Why:     one causal pass: nothing is judged with what was not known then. Only frauds become label events:
 *          a transaction without one is unlabelled.
 * Owner:   opened and closed by the caller, around the pipeline's run.
 * Threads: confined to the ingestor's; progress from any.
 * Limits:  order event-time holds the whole file in memory.
 * Fails:   open: TT_E_NOT_FOUND, TT_E_IO, what csv.h and record_map.h say. A damaged or cut-off file ends the feed
 *          after every row before the damage; tt_feed_failure then says why.
 */
#ifndef TT_SERVICES_DATA_INGESTOR_FILE_FEED_H
#define TT_SERVICES_DATA_INGESTOR_FILE_FEED_H

#include "format/record/record_map.h"
#include "services/data_ingestor/feed.h"

struct tt_file_feed_options {
    const char *path;                /* "-" = standard input */
    const struct tt_record_map *map; /* compiled, unbound; NULL: the project's own names */
    const struct tt_record_schema *schema;
    int64_t label_delay_ms;
    bool by_event_time; /* sorted by event time first; else as in the file */
};

/* *ret is set on success only. */
enum tt_status tt_file_feed_open(const struct tt_alloc *alloc,
                                 const struct tt_file_feed_options *options, struct tt_feed **ret,
                                 struct tt_error *err) TT_MUST_USE;

#endif
