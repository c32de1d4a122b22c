/* See sim_feed.h. */
#include "cli/sim_feed.h"

#include <math.h>
#include <string.h>

struct sim_feed {
    struct tt_feed feed;
    const struct tt_alloc *alloc;
    struct tt_sim_feed_options options;
    struct tt_sim *sim;
    struct tt_sim_transaction row; /* generated, not delivered yet */
    bool has_row;
};

static enum tt_status next(struct tt_feed *feed, struct tt_event *event, struct tt_error *err)
{
    struct sim_feed *self = (struct sim_feed *)feed;
    if (!self->has_row) {
        enum tt_status status = tt_sim_next(self->sim, &self->row);
        if (status != TT_OK) {
            return tt_fail(err, status, "no memory to generate traffic");
        }
        self->has_row = true;
    }
    bool live = self->row.timestamp_ms >= self->options.live_ms;
    if (live && self->row.timestamp_ms > tt_clock_now_ms(self->options.clock)) {
        return TT_E_AGAIN;
    }
    struct tt_txn view;
    tt_sim_view(&self->row, &view);
    if (tt_txn_copy(&view, &event->text, &event->txn) != TT_OK) {
        return tt_fail(err, TT_E_NOMEM, "no memory for an event");
    }
    event->kind = TT_EVENT_TRANSACTION;
    event->unstored = !live;
    event->truth = (struct tt_truth){
        .known = true,
        .fraud = self->row.kind != TT_SIM_GENUINE,
        .kind = tt_str_from(tt_sim_kind_name(self->row.kind)),
    };
    self->has_row = false;
    return TT_OK;
}

static enum tt_status failure(const struct tt_feed *feed, struct tt_error *err)
{
    (void)feed;
    (void)err;
    return TT_OK;
}

static double progress(const struct tt_feed *feed)
{
    (void)feed;
    return (double)NAN;
}

static void close_feed(struct tt_feed *feed)
{
    struct sim_feed *self = (struct sim_feed *)feed;
    tt_sim_free(self->sim);
    tt_delete(self->alloc, self, sizeof *self);
}

static const struct tt_feed_ops ops = {next, failure, progress, close_feed};

enum tt_status tt_sim_feed_open(const struct tt_alloc *alloc,
                                const struct tt_sim_feed_options *options, struct tt_feed **ret,
                                struct tt_error *err)
{
    struct sim_feed *self = tt_new_array(alloc, 1, sizeof *self);
    if (self == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for the generator");
    }
    self->feed.ops = &ops;
    self->alloc = alloc;
    self->options = *options;
    enum tt_status status = tt_sim_new(alloc, &options->sim, &self->sim, err);
    if (status != TT_OK) {
        tt_delete(alloc, self, sizeof *self);
        return status;
    }
    *ret = &self->feed;
    return TT_OK;
}
