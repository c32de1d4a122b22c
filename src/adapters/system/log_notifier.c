/* See log_notifier.h. */
#include "adapters/system/log_notifier.h"

struct log_notifier {
    struct tt_notifier base;
    struct tt_log_notifier_options options;
};

static enum tt_status deliver(struct tt_notifier *notifier,
                              const struct tt_notification *notification,
                              int64_t *ret_retry_after_ms, struct tt_error *err)
{
    const struct log_notifier *self = (const struct log_notifier *)(void *)notifier;
    *ret_retry_after_ms = 0;
    return self->options.write(self->options.ctx, notification, err);
}

static void close_notifier(struct tt_notifier *notifier)
{
    if (notifier != NULL) {
        struct log_notifier *self = (struct log_notifier *)(void *)notifier;
        tt_delete(self->options.alloc, self, sizeof *self);
    }
}

static const struct tt_notifier_ops ops = {"log", deliver, close_notifier};

enum tt_status tt_log_notifier_open(const struct tt_log_notifier_options *options,
                                    struct tt_notifier **ret, struct tt_error *err)
{
    struct log_notifier *self = tt_new(options->alloc, sizeof *self);
    if (self == NULL) {
        return tt_fail(err, TT_E_NOMEM, "log notifier: out of memory");
    }
    *self = (struct log_notifier){{&ops}, *options};
    *ret = &self->base;
    return TT_OK;
}
