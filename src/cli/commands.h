/*
 * The commands' entry points and option tables, one pair for each row of commands.def.
 *
 * Threads: the main thread.
 */
#ifndef TT_CLI_COMMANDS_H
#define TT_CLI_COMMANDS_H

#include "cli/cli.h"

#define TT_COMMAND(name, usage, summary)                                                           \
    extern const struct tt_cli_option tt_options_##name[];                                         \
    int tt_command_##name(struct tt_cli *cli);
#include "cli/commands.def"
#undef TT_COMMAND

#endif
