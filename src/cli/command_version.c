/* telltale version */
#include <stdio.h>

#include "cli/commands.h"

const struct tt_cli_option tt_options_version[] = {{NULL, NULL, NULL}};

int tt_command_version(struct tt_cli *cli)
{
    if (cli->word_count > 0) {
        return tt_cli_fail(TT_EXIT_USAGE, "version: '%s' is one word too many", cli->words[0]);
    }
    if (cli->json) {
        (void)printf("{\"version\":\"%s\",\"compiler\":\"%s\"}\n", TT_VERSION, __VERSION__);
    } else {
        (void)printf("telltale %s (%s)\n", TT_VERSION, __VERSION__);
    }
    return TT_EXIT_OK;
}
