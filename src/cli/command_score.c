/* telltale score FILE */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/file_run.h"

const struct tt_cli_option tt_options_score[] = {
    {"out", "FILE", "a line for every transaction: JSON lines, or CSV when FILE ends in .csv"},
    TT_FILE_RUN_OPTIONS,
    {NULL, NULL, NULL},
};

int tt_command_score(struct tt_cli *cli)
{
    struct tt_file_run run = {0};
    const char *out = tt_cli_value(cli, "out");
    int code = tt_file_run(&run, cli, out, NULL);
    if (code != TT_EXIT_OK) {
        return code;
    }
    /* the lines themselves may be on standard output */
    bool lines = out != NULL && strcmp(out, "-") == 0;
    tt_file_run_print(&run, cli, lines ? stderr : stdout);
    tt_file_run_close(&run);
    return TT_EXIT_OK;
}
