/*
 * Restoring: from what is stored to an engine that goes on where the log ends.
 *
 * What:    loads the trainer's state and the bundle in force, reads the newest snapshot of windows and ids that
 *          holds, and replays the stored log through gate, feature steps and aggregator, each from where it
 *          stands.
 * Why:     windows are a function of the absorbed events, which are stored: a snapshot saves the replay of most
 *          of them, and what none can give (damaged, or a changed plan needs more) is replayed.
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
    struct tt_state_token token;           /* the trainer's */
    uint64_t position;                     /* of the trainer's state; 0 = none */
    uint64_t gate_position;                /* of the ids that a snapshot gave; 0 = none */
    uint64_t step_positions[TT_STEPS_MAX]; /* the same of each step's windows */
    uint64_t alerts_position;              /* of the saved alert state; 0 = none */
    struct tt_buf alerts;                  /* those; given back by the replay */
    bool database;                         /* rules.master: the store's rules, not the file's */
    struct tt_setup *setup;                /* learning goes on with it; a reference */
    bool relearn; /* the setup has changed: learn again from what is stored */
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
/* Replays the stored log into the assembly's stages, each from its position on; snapshots may be NULL. */
enum tt_status tt_restore_replay(struct tt_restore *restore, const struct tt_settings *settings,
                                 struct tt_snapshots *snapshots, struct tt_assembly *assembly,
                                 struct tt_error *err) TT_MUST_USE;
/* Gives back what a replay that did not come would have used. */
void tt_restore_deinit(struct tt_restore *restore);

#endif
