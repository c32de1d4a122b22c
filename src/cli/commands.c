/* The table of commands. */
#include "cli/commands.h"

const struct tt_command tt_commands[] = {
#define TT_COMMAND(name, usage, summary)                                                           \
    {#name, usage, summary, tt_options_##name, tt_command_##name},
#include "cli/commands.def"
#undef TT_COMMAND
};
const size_t tt_command_count = TT_ARRAY_SIZE(tt_commands);
