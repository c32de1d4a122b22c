/*
 * Reading a snapshot into the stages, and saving one of stages that have stopped.
 *
 * What:    the newest good snapshot is read; a damaged one is passed over for the one before, and that for the
 *          replay. Each is one line in the log.
 * Owner:   the assembly and the snapshots stay the caller's.
 * Threads: the main thread, while no stage runs.
 * Fails:   only with TT_E_NOMEM and what the state port says; damage is not a failure.
 */
#ifndef TT_CLI_RESTORE_SNAPSHOT_H
#define TT_CLI_RESTORE_SNAPSHOT_H

#include "cli/assembly.h"
#include "cli/restore.h"

/* Fills gate and steps, and sets restore->gate_position and step_positions: 0 is for the replay to make. */
enum tt_status tt_restore_snapshot(struct tt_restore *restore, struct tt_snapshots *snapshots,
                                   struct tt_assembly *assembly, struct tt_error *err) TT_MUST_USE;
/* Saves everything as of the log's end, which the store holds: the steps and what was learned. */
enum tt_status tt_save_snapshot(struct tt_restore *restore, struct tt_snapshots *snapshots,
                                struct tt_assembly *assembly, uint64_t position,
                                struct tt_error *err) TT_MUST_USE;

#endif
