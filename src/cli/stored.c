/* See stored.h. */
#include "cli/stored.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "adapters/sqlite/sqlite.h"

/* Opening would make what is not there. */
static enum tt_status check_database(const char *path, struct tt_error *err)
{
    if (path == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory");
    }
    return access(path, F_OK) == 0 ? TT_OK
                                   : tt_fail(err, TT_E_NOT_FOUND, "%s: %s", path, strerror(errno));
}

static enum tt_status open_all(struct tt_stored *stored, const struct tt_cli *cli, bool own_engine,
                               struct tt_error *err)
{
    struct tt_settings *settings = &stored->settings;
    const char *data = tt_cli_value(cli, "data");
    const char *data_dir = NULL;
    if (data != NULL) {
        settings->config.data_dir = tt_str_from(data);
    }
    enum tt_status status = tt_settings_find_data_dir(settings, &data_dir, err);
    if (status == TT_OK) {
        status = check_database(tt_settings_path(settings, data_dir, "telltale.db"), err);
    }
    if (status == TT_OK) {
        status = tt_settings_engine(settings, own_engine ? tt_cli_value(cli, "features") : NULL,
                                    own_engine ? tt_cli_value(cli, "rules") : NULL,
                                    own_engine ? tt_cli_value(cli, "detectors") : NULL, err);
    }
    if (status == TT_OK) {
        struct tt_sqlite_options options = {
            .alloc = settings->alloc,
            .path = tt_settings_path(settings, data_dir, "telltale.db"),
        };
        status = tt_sqlite_open(&options, &stored->store, &stored->state, err);
    }
    return status;
}

enum tt_status tt_stored_open(struct tt_stored *stored, const struct tt_cli *cli, bool own_engine,
                              struct tt_error *err)
{
    memset(stored, 0, sizeof *stored);
    enum tt_status status = tt_settings_open(&stored->settings, cli, err);
    if (status != TT_OK) {
        return status;
    }
    status = open_all(stored, cli, own_engine, err);
    if (status != TT_OK) {
        tt_stored_close(stored);
    }
    return status;
}

void tt_stored_close(struct tt_stored *stored)
{
    if (stored->store != NULL) {
        stored->state->ops->close(stored->state);
        stored->store->ops->close(stored->store);
    }
    tt_settings_close(&stored->settings);
}
