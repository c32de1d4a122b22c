/* See snapshot.h. This file: what is under way, and the queue between the two threads. */
#include "services/pipeline/snapshot.h"

#include <string.h>

#include "base/wire.h"
#include "services/pipeline/snapshot_internal.h"

#define NS_PER_MS INT64_C(1000000)

bool tt_snapshots_running(struct tt_snapshots *snapshots)
{
    pthread_mutex_lock(&snapshots->lock);
    bool running = snapshots->running;
    pthread_mutex_unlock(&snapshots->lock);
    return running;
}

bool tt_snapshots_failed(struct tt_snapshots *snapshots)
{
    pthread_mutex_lock(&snapshots->lock);
    bool failed = snapshots->failed;
    pthread_mutex_unlock(&snapshots->lock);
    return failed;
}

void tt_snapshots_abandon(struct tt_snapshots *snapshots)
{
    for (struct tt_snapshot_block *block; (block = tt_snapshots_take(snapshots)) != NULL;) {
        tt_snapshot_block_free(snapshots, block);
    }
    snapshots->slot_open = false;
    pthread_mutex_lock(&snapshots->lock);
    snapshots->running = false;
    pthread_mutex_unlock(&snapshots->lock);
}

bool tt_snapshots_worth(const struct tt_snapshots *snapshots, uint64_t position)
{
    uint64_t sealed = __atomic_load_n(&snapshots->sealed_position, __ATOMIC_ACQUIRE);
    return position > sealed ||
           (position > 0 && __atomic_load_n(&snapshots->stale, __ATOMIC_ACQUIRE));
}

bool tt_snapshots_due(struct tt_snapshots *snapshots, int64_t now_ns, uint64_t position)
{
    return snapshots->options.interval_ms > 0 && now_ns >= snapshots->due_ns &&
           tt_snapshots_worth(snapshots, position) && !tt_snapshots_running(snapshots);
}

void tt_snapshots_begin(struct tt_snapshots *snapshots, uint64_t position, int64_t watermark_ms)
{
    snapshots->begun_ns = tt_clock_monotonic_ns(snapshots->options.clock);
    snapshots->due_ns = snapshots->begun_ns + snapshots->options.interval_ms * NS_PER_MS;
    pthread_mutex_lock(&snapshots->lock);
    TT_ASSERT(!snapshots->running);
    snapshots->running = true;
    snapshots->failed = false;
    snapshots->reached = false;
    snapshots->parts_done = 0;
    snapshots->made = (struct tt_manifest){
        .position = position,
        .plan = snapshots->options.plan,
        .watermark_ms = watermark_ms,
        .made_ms = tt_clock_now_ms(snapshots->options.clock),
        .part_count = snapshots->options.part_count,
    };
    pthread_mutex_unlock(&snapshots->lock);
}

bool tt_snapshots_wants(struct tt_snapshots *snapshots)
{
    pthread_mutex_lock(&snapshots->lock);
    bool wants =
        snapshots->running && !snapshots->failed && snapshots->queued_size < TT_SNAPSHOT_QUEUE_SIZE;
    pthread_mutex_unlock(&snapshots->lock);
    return wants;
}

void tt_snapshots_give_up(struct tt_snapshots *snapshots, const char *why)
{
    pthread_mutex_lock(&snapshots->lock);
    bool first = snapshots->running && !snapshots->failed;
    snapshots->failed = snapshots->running;
    pthread_mutex_unlock(&snapshots->lock);
    if (!first) {
        return;
    }
    if (snapshots->options.metrics != NULL) {
        tt_metrics_add(snapshots->options.metrics, TT_METRIC_SNAPSHOTS_FAILED, 1);
    }
    tt_log(snapshots->options.log, TT_LOG_WARN, "snapshot_given_up", why,
           TT_LOG_INT("seq", snapshots->made.position));
}

void tt_snapshots_put(struct tt_snapshots *snapshots, uint32_t part, struct tt_buf *buf)
{
    const struct tt_alloc *alloc = snapshots->options.alloc;
    struct tt_snapshot_block *block = buf->size > 0 ? tt_new(alloc, sizeof *block) : NULL;
    if (block == NULL) {
        if (buf->size > 0) {
            tt_snapshots_give_up(snapshots, "no memory for a snapshot");
        }
        tt_buf_clear(buf);
        return;
    }
    *block = (struct tt_snapshot_block){.part = part, .bytes = *buf};
    tt_buf_init(buf, buf->alloc, buf->size_max);
    pthread_mutex_lock(&snapshots->lock);
    if (snapshots->last != NULL) {
        snapshots->last->next = block;
    } else {
        snapshots->first = block;
    }
    snapshots->last = block;
    snapshots->queued_size += block->bytes.size;
    bool full = snapshots->queued_size > TT_SNAPSHOT_QUEUE_SIZE_MAX;
    pthread_mutex_unlock(&snapshots->lock);
    if (full) {
        tt_snapshots_give_up(snapshots, "the store does not keep up with a snapshot");
    }
}

void tt_snapshots_part_done(struct tt_snapshots *snapshots, uint32_t part, uint64_t records)
{
    pthread_mutex_lock(&snapshots->lock);
    snapshots->made.records[part] = records;
    snapshots->parts_done++;
    pthread_mutex_unlock(&snapshots->lock);
}

void tt_snapshots_reached(struct tt_snapshots *snapshots)
{
    pthread_mutex_lock(&snapshots->lock);
    snapshots->reached = true;
    pthread_mutex_unlock(&snapshots->lock);
}

struct tt_snapshot_block *tt_snapshots_take(struct tt_snapshots *snapshots)
{
    pthread_mutex_lock(&snapshots->lock);
    struct tt_snapshot_block *block = snapshots->first;
    if (block != NULL) {
        snapshots->first = block->next;
        snapshots->last = snapshots->first == NULL ? NULL : snapshots->last;
        snapshots->queued_size -= block->bytes.size;
    }
    pthread_mutex_unlock(&snapshots->lock);
    return block;
}

void tt_snapshot_block_free(struct tt_snapshots *snapshots, struct tt_snapshot_block *block)
{
    tt_buf_deinit(&block->bytes);
    tt_delete(snapshots->options.alloc, block, sizeof *block);
}

void tt_snapshots_close(struct tt_snapshots *snapshots)
{
    if (snapshots->options.state == NULL) {
        return;
    }
    for (struct tt_snapshot_block *block; (block = tt_snapshots_take(snapshots)) != NULL;) {
        tt_snapshot_block_free(snapshots, block);
    }
    pthread_mutex_destroy(&snapshots->lock);
    memset(snapshots, 0, sizeof *snapshots);
}
