/*
 * What a server has stored, opened by a command: settings, engine and the database of the data folder.
 *
 * Owner:   the caller owns the struct; tt_stored_close gives everything back.
 * Threads: the main thread.
 * Fails:   with a message; nothing is left open then. A folder without a database is TT_E_NOT_FOUND and
 *          none is made.
 */
#ifndef TT_CLI_STORED_H
#define TT_CLI_STORED_H

#include "cli/settings.h"
#include "ports/state.h"
#include "ports/store.h"

struct tt_stored {
    struct tt_settings settings;
    struct tt_store *store;
    struct tt_state *state;
};

/* --data names the folder; with own_engine the command has --features, --rules and --detectors. */
enum tt_status tt_stored_open(struct tt_stored *stored, const struct tt_cli *cli, bool own_engine,
                              struct tt_error *err) TT_MUST_USE;
void tt_stored_close(struct tt_stored *stored);

#endif
