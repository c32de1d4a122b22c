/* The program: hands its arguments to the command line. */
#include "cli/cli.h"

int main(int argc, char **argv)
{
    return tt_cli_main(argc, argv);
}
