/*
 * Restoring: from what is stored to an engine that goes on where the log ends.
 *
 * What:    loads the trainer's state and the bundle in force, replays the stored log through feature steps
 *          and aggregator.
 * Why:     windows are a function of the absorbed events, which are stored; so a restart needs no state of its
 *          own for them (DELIVERY §8).
 * Owner:   results are handed to the assembly.
 * Threads: the main thread, before the runner starts.
 * Fails:   TT_E_CORRUPT when stored rows cannot be read; what the store says.
 */
#ifndef TT_CLI_RESTORE_H
#define TT_CLI_RESTORE_H

#include "cli/assembly.h"
#include "ports/state.h"
#include "ports/store.h"

/* What is known before the engine is assembled. */
struct tt_restore {
    struct tt_store *store;
    struct tt_state *state;
    struct tt_log *log;
    struct tt_state_token token; /* the trainer's */
    uint64_t position;           /* of the trainer's state; 0 = none */
    uint64_t alerts_position;    /* of the alert budget's state; 0 = none */
    struct tt_buf alerts;        /* that state; given back by the replay */
    bool relearn;                /* the setup has changed: learn again from what is stored */
    struct tt_trainer *trainer;
    struct tt_bundle *bundle;
    /* After the replay: */
    struct tt_store_counts counts;
    uint64_t seq_last;
    int64_t watermark_ms;  /* or TT_TIME_NONE */
    int64_t last_close_ms; /* or TT_TIME_NONE */
    uint64_t replayed;
};

/* Claims the trainer's state and loads it, or starts learning; sets trainer and bundle, which the assembly
 * takes over. */
enum tt_status tt_restore_load(struct tt_restore *restore, const struct tt_settings *settings,
                               struct tt_error *err) TT_MUST_USE;
/* Replays the stored log into the assembly's stages. */
enum tt_status tt_restore_replay(struct tt_restore *restore, const struct tt_settings *settings,
                                 struct tt_assembly *assembly, struct tt_error *err) TT_MUST_USE;

#endif
