/*
 * A feed: records that the process fetches by itself — a file, a generator, a recorded log.
 *
 * What:    next() fills one event: a transaction, a label, or a rejection.
 * Why:     the data-ingestor treats all of them alike; only requests come by the intake.
 * Owner:   whoever made the feed closes it, after the pipeline has stopped. Views of an event lie in event->text.
 * Threads: confined to the ingestor's thread.
 * Fails:   a feed that breaks off ends first, after everything before the break; then failure() says why.
 */
#ifndef TT_SERVICES_DATA_INGESTOR_FEED_H
#define TT_SERVICES_DATA_INGESTOR_FEED_H

#include "core/event/event.h"

struct tt_feed;
struct tt_feed_ops {
    /* Fills kind, txn or label or rejection, truth. TT_OK one event; TT_E_AGAIN nothing now; TT_E_CLOSED the end.
     * Any other status stops the pipeline. */
    enum tt_status (*next)(struct tt_feed *feed, struct tt_event *event, struct tt_error *err);
    /* TT_OK, or what ended the feed early. */
    enum tt_status (*failure)(const struct tt_feed *feed, struct tt_error *err);
    /* Share of the input that was read, 0 to 1; NaN when its size is not known. */
    double (*progress)(const struct tt_feed *feed);
    void (*close)(struct tt_feed *feed);
};
/* Feeds embed this as their first member. */
struct tt_feed {
    const struct tt_feed_ops *ops;
};

static inline enum tt_status tt_feed_failure(const struct tt_feed *feed, struct tt_error *err)
{
    return feed->ops->failure(feed, err);
}
static inline double tt_feed_progress(const struct tt_feed *feed)
{
    return feed->ops->progress(feed);
}
static inline void tt_feed_close(struct tt_feed *feed)
{
    feed->ops->close(feed);
}

#endif
