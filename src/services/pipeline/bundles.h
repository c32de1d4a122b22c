/*
 * The bundles in flight: which epoch is in force, and every epoch an event on its way may carry.
 *
 * What:    the trainer publishes; the last feature step stamps the current epoch; detectors and the
 *          aggregator find the bundle an event was stamped with.
 * Why:     one swap of one pointer between batches; an event is judged by one bundle from end to end
 *          (DELIVERY §5). In this process it stands for the `control` topic.
 * Owner:   holds one reference to each bundle it keeps.
 * Threads: publish from one thread; current and find from any.
 * Limits:  TT_BUNDLES_MAX epochs; an older one may go because nothing is under way with it: the log's
 *          writer takes nothing in between an epoch's mark and its bundle.
 */
#ifndef TT_SERVICES_PIPELINE_BUNDLES_H
#define TT_SERVICES_PIPELINE_BUNDLES_H

#include <pthread.h>

#include "core/detect/bundle.h"

#define TT_BUNDLES_MAX 16

struct tt_bundles {
    pthread_mutex_t lock;
    struct tt_bundle *ring[TT_BUNDLES_MAX]; /* by epoch mod TT_BUNDLES_MAX */
    uint32_t epoch;                         /* atomic: the one in force */
};

/* Takes over a reference to the first bundle. */
void tt_bundles_init(struct tt_bundles *bundles, struct tt_bundle *first);
void tt_bundles_deinit(struct tt_bundles *bundles);
/* Takes over a reference; the bundle's epoch must be greater than the one in force. */
void tt_bundles_publish(struct tt_bundles *bundles, struct tt_bundle *bundle);
/* Puts another bundle in the place of the one in force, of the same epoch, before anything was decided
 * with it. Takes over a reference. */
void tt_bundles_restart(struct tt_bundles *bundles, struct tt_bundle *bundle);
/* The epoch in force. */
uint32_t tt_bundles_epoch(struct tt_bundles *bundles);
/* A new reference to the bundle in force. */
struct tt_bundle *tt_bundles_current(struct tt_bundles *bundles);
/* A new reference to the bundle of an epoch that is in flight; asserts that it is. */
struct tt_bundle *tt_bundles_find(struct tt_bundles *bundles, uint32_t epoch);

/* One reader's last bundle, so that a batch costs one comparison. */
struct tt_bundle_view {
    struct tt_bundles *bundles;
    struct tt_bundle *bundle;
};
void tt_bundle_view_init(struct tt_bundle_view *view, struct tt_bundles *bundles);
void tt_bundle_view_deinit(struct tt_bundle_view *view);
/* The bundle of that epoch, borrowed until the next call. */
const struct tt_bundle *tt_bundle_view_get(struct tt_bundle_view *view, uint32_t epoch);

#endif
