/*
 * Snapshots of the feature steps and the gate, saved through the state port.
 *
 * What:    the engine's thread packs parts (the gate, each step) into blocks as of one position of the log; the
 *          sink's thread saves a block at a time and seals the whole when the log is durable up to that
 *          position. Two slots take turns, so that the one before stays whole until the new one is.
 * Why:     a restart then replays what came after the snapshot, and not the windows' whole reach. Outputs
 *          before state: a sealed snapshot never holds an event that is not in the store.
 * Owner:   the caller owns the struct; blocks under way come from alloc.
 * Threads: tt_snapshots_due, _put, _part_done and _give_up from the engine's thread; _reached and _save from the
 *          sink's; the rest from one thread while no other runs.
 * Units:   times of the clock are monotonic ns, of events ms.
 * Limits:  TT_SNAPSHOT_PARTS_MAX parts; blocks waiting are bounded by TT_SNAPSHOT_QUEUE_SIZE, past it packing
 *          pauses; past TT_SNAPSHOT_QUEUE_SIZE_MAX the snapshot is given up, counted and logged.
 * Fails:   saving fails as the state port does; a damaged snapshot is TT_E_CORRUPT.
 *
 * Owners in the state port: "features" has one entry a slot ("0", "1"), its manifest, and the position of the
 * newest sealed one; "features/0" and "features/1" have the blocks by number.
 */
#ifndef TT_SERVICES_PIPELINE_SNAPSHOT_H
#define TT_SERVICES_PIPELINE_SNAPSHOT_H

#include <pthread.h>

#include "base/hash.h"
#include "base/str.h"
#include "core/event/event.h"
#include "ports/clock.h"
#include "ports/state.h"
#include "runtime/log.h"
#include "runtime/metrics.h"

#define TT_SNAPSHOT_SLOTS 2
#define TT_SNAPSHOT_PARTS_MAX (1 + TT_STEPS_MAX)
#define TT_SNAPSHOT_BLOCK_SIZE (1u << 20)
#define TT_SNAPSHOT_QUEUE_SIZE (16u << 20)
#define TT_SNAPSHOT_QUEUE_SIZE_MAX (512u << 20)

/* What a slot holds. */
struct tt_manifest {
    bool sealed;
    uint64_t position; /* everything up to here is in it, nothing behind */
    struct tt_hash128 plan;
    int64_t watermark_ms; /* event time reached, or TT_TIME_NONE */
    int64_t made_ms;      /* by the clock */
    uint32_t blocks;      /* of it */
    uint32_t blocks_max;  /* that may be there: of it, or left by another one */
    uint64_t bytes;
    uint32_t part_count;
    uint64_t records[TT_SNAPSHOT_PARTS_MAX];
};

struct tt_snapshot_block;

struct tt_snapshots_options {
    const struct tt_alloc *alloc;
    struct tt_state *state;
    const struct tt_clock *clock;
    struct tt_log *log;         /* or NULL */
    struct tt_metrics *metrics; /* or NULL */
    struct tt_hash128 plan;
    uint32_t part_count;
    int64_t interval_ms; /* 0: only tt_snapshots_begin */
};

struct tt_snapshots {
    struct tt_snapshots_options options;
    struct tt_state_token token, slot_tokens[TT_SNAPSHOT_SLOTS];
    struct tt_manifest slots[TT_SNAPSHOT_SLOTS];
    uint64_t claimed_position; /* saved when this began: the log has been that far */
    uint64_t sealed_position;  /* atomic: of the newest sealed one, 0 = none */
    /* atomic: the newest one is not what a start would want, so that another one of its position is worth
     * it; set at start, until one is sealed. */
    bool stale;
    /* Under lock: */
    pthread_mutex_t lock;
    bool running, failed;
    bool reached; /* the log is durable up to the position */
    struct tt_manifest made;
    uint32_t parts_done;
    struct tt_snapshot_block *first, *last;
    size_t queued_size;
    /* The sink's: */
    uint32_t slot, blocks_dropped;
    bool slot_open;
    int64_t saved_ns;
    /* The engine's: */
    int64_t begun_ns, due_ns;
};

/* Claims the owners and reads the manifests. */
enum tt_status tt_snapshots_open(struct tt_snapshots *snapshots,
                                 const struct tt_snapshots_options *options,
                                 struct tt_error *err) TT_MUST_USE;
/* Also of a zeroed struct. */
void tt_snapshots_close(struct tt_snapshots *snapshots);

/* Whether a snapshot of position should begin now: none is under way, time has passed, and something has come
 * in since the last one. */
bool tt_snapshots_due(struct tt_snapshots *snapshots, int64_t now_ns, uint64_t position);
/* Whether one of that position would save a start some work. */
bool tt_snapshots_worth(const struct tt_snapshots *snapshots, uint64_t position);
/* Begins one; none may be under way. */
void tt_snapshots_begin(struct tt_snapshots *snapshots, uint64_t position, int64_t watermark_ms);
/* Whether a part should pack more now: a snapshot is under way and the queue has room. */
bool tt_snapshots_wants(struct tt_snapshots *snapshots);
/* Takes the bytes of buf, records as tt_wire_put_bytes, as a block of a part; buf is empty then. */
void tt_snapshots_put(struct tt_snapshots *snapshots, uint32_t part, struct tt_buf *buf);
/* A part has put all of its records. */
void tt_snapshots_part_done(struct tt_snapshots *snapshots, uint32_t part, uint64_t records);
/* The snapshot will not be: says why, and counts it. */
void tt_snapshots_give_up(struct tt_snapshots *snapshots, const char *why);
/* Whether the one under way was given up: parts then end their copies and are done. */
bool tt_snapshots_failed(struct tt_snapshots *snapshots);
/* Forgets the one under way, whatever its parts do. */
void tt_snapshots_abandon(struct tt_snapshots *snapshots);
/* Whether one is under way. */
bool tt_snapshots_running(struct tt_snapshots *snapshots);

/* The log is durable up to the snapshot's position. */
void tt_snapshots_reached(struct tt_snapshots *snapshots);
/* Saves at most a block, or seals; *ret_busy: there is or will be more to do. TT_E_FENCED and the like stop
 * the pipeline, as a failed commit does. */
enum tt_status tt_snapshots_save(struct tt_snapshots *snapshots, bool *ret_busy,
                                 struct tt_error *err) TT_MUST_USE;

/* Reading at start: the sealed manifest that is `rank`-th newest (0, 1), or NULL. */
const struct tt_manifest *tt_snapshots_manifest(const struct tt_snapshots *snapshots,
                                                uint32_t rank);
typedef enum tt_status tt_on_snapshot_record(void *ctx, uint32_t part, struct tt_str record,
                                             struct tt_error *err);
/* Gives every record of that snapshot, part by part in the order they were put. Fails as on_record does, and with
 * TT_E_CORRUPT when anything is missing or changed. */
enum tt_status tt_snapshots_read(struct tt_snapshots *snapshots, uint32_t rank,
                                 tt_on_snapshot_record *on_record, void *ctx,
                                 struct tt_error *err) TT_MUST_USE;

#endif
