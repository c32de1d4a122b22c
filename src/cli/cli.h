/*
 * The command line: commands, their options, and what they share.
 *
 * What:    a command is a row of commands.def and one table of options; the tables give parsing, --help
 *          and the reference page.
 * Why:     one parser with GNU habits (--name=value, --name value, --, - for standard input).
 * Owner:   static tables; parsed values point into argv.
 * Threads: the main thread.
 * Fails:   commands return an exit code: 0 done, 1 failed, 2 usage, 130 interrupted.
 */
#ifndef TT_CLI_CLI_H
#define TT_CLI_CLI_H

#include "base/str.h"

#define TT_CLI_OPTIONS_MAX 24
#define TT_CLI_SETS_MAX 64
#define TT_CLI_WORDS_MAX 8

enum { TT_EXIT_OK = 0, TT_EXIT_FAILED = 1, TT_EXIT_USAGE = 2, TT_EXIT_INTERRUPTED = 130 };

struct tt_cli_option {
    const char *name;     /* without dashes */
    const char *argument; /* "FILE"; NULL = a switch; one that ends in … may be repeated */
    const char *help;
};

struct tt_cli {
    const struct tt_cli_option *options;
    const char
        *values[TT_CLI_OPTIONS_MAX]; /* by option; "" for a switch that is on; NULL = not given */
    const char *words[TT_CLI_WORDS_MAX]; /* what is no option */
    int word_count;
    const char *repeated[TT_CLI_SETS_MAX]; /* values of the option that may be repeated */
    int repeated_count;
    /* Options every command has. */
    const char *config;
    const char *sets[TT_CLI_SETS_MAX];
    int set_count;
    int verbosity; /* -1 with -q, 1 with -v */
    bool json;
};

struct tt_command {
    const char *name;
    const char *usage;                   /* behind the name: "FILE [options]" */
    const char *summary;                 /* one line */
    const struct tt_cli_option *options; /* ends with a NULL name */
    int (*run)(struct tt_cli *cli);
};

extern const struct tt_command tt_commands[];
extern const size_t tt_command_count;

/* The value of an option of this command, or NULL. */
const char *tt_cli_value(const struct tt_cli *cli, const char *name);
/* Parses and runs; argv[0] is the program's name. */
int tt_cli_main(int argc, char **argv);
/* Prints "telltale: message" to standard error; returns the code. */
int tt_cli_fail(int code, const char *format, ...) TT_PRINTF(2, 3);
/* The same with an error's message and hint. */
int tt_cli_fail_error(const struct tt_error *err);
/* Prints the buffer, or why it could not be filled, and gives it back; returns the exit code. */
int tt_cli_print_buffer(struct tt_buf *buf, enum tt_status status);
/* Parses an option's duration, number; false after printing what is wrong. */
bool tt_cli_duration(const struct tt_cli *cli, const char *name, int64_t *ret_ms);
bool tt_cli_integer(const struct tt_cli *cli, const char *name, int64_t min, int64_t max,
                    int64_t *ret);
/* docs/reference/cli.md. */
enum tt_status tt_cli_docs(struct tt_buf *buf) TT_MUST_USE;

#endif
