/*
 * A feed from `telltale export`: a recorded log, with the bundles it was decided with.
 *
 * What:    JSON lines (also compressed) in order of the log: transactions with position, epoch and bundle; labels; the bytes of each
 *          bundle before its first use.
 * Why:     a replay in recorded order with the recorded bundles gives the same bits (DELIVERY §1).
 * Owner:   opened and closed by the caller, around the pipeline's run.
 * Threads: confined to the ingestor's.
 * Fails:   TT_E_CONFLICT when the bundles were made for another setup (other features, rules or detectors);
 *          TT_E_CORRUPT a line that is none of an export.
 */
#ifndef TT_SERVICES_DATA_INGESTOR_RECORDED_FEED_H
#define TT_SERVICES_DATA_INGESTOR_RECORDED_FEED_H

#include "format/record/record.h"
#include "services/data_ingestor/feed.h"
#include "services/pipeline/bundles.h"
#include "services/pipeline/engine.h"

/* The first line of an export begins with this. */
#define TT_EXPORT_HEADER "{\"telltale_export\":1"

struct tt_recorded_feed_options {
    const char *path;
    const struct tt_record_schema *schema;
    const struct tt_engine *engine; /* may be NULL without bundles */
    struct tt_bundles *bundles;     /* recorded bundles are published here; NULL: not wanted */
};

/* Whether the regular file begins like an export, compressed or not. */
bool tt_recorded_feed_recognises(const struct tt_alloc *alloc, const char *path);
enum tt_status tt_recorded_feed_open(const struct tt_alloc *alloc,
                                     const struct tt_recorded_feed_options *options,
                                     struct tt_feed **ret, struct tt_error *err) TT_MUST_USE;

#endif
