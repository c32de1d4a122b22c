/* telltale version */
#include <stdio.h>

#include "cli/commands.h"

const struct tt_cli_option tt_options_version[] = {{NULL, NULL, NULL}};

int tt_command_version(struct tt_cli *cli)
{
    if (cli->json) {
        (void)printf("{\"version\":\"%s\",\"compiler\":\"%s\"}\n", TT_VERSION, __VERSION__);
    } else {
        (void)printf("telltale %s (%s)\n", TT_VERSION, __VERSION__);
    }
    return TT_EXIT_OK;
}
