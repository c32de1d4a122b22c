/* See cli.h. */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "base/timetext.h"

static const struct tt_cli_option common_options[] = {
    {"config", "FILE", "configuration; default: $TELLTALE_CONFIG, ./telltale.yaml, …"},
    {"set", "KEY=VALUE", "sets one key of the configuration; may be repeated"},
    {"json", NULL, "machine-readable output"},
    {"quiet", NULL, "only errors (-q)"},
    {"verbose", NULL, "more to say (-v)"},
    {"help", NULL, "this text (-h)"},
    {NULL, NULL, NULL},
};

int tt_cli_fail(int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fputs("telltale: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    return code;
}

int tt_cli_fail_error(const struct tt_error *err)
{
    return tt_cli_fail(TT_EXIT_FAILED, "%s", err->message);
}

static void print_options(FILE *out, const struct tt_cli_option *options)
{
    for (; options->name != NULL; options++) {
        char left[64];
        (void)snprintf(left, sizeof left, "--%s%s%s", options->name,
                       options->argument != NULL ? " " : "",
                       options->argument != NULL ? options->argument : "");
        (void)fprintf(out, "  %-28s %s\n", left, options->help);
    }
}

static int print_help(const struct tt_command *command)
{
    if (command != NULL) {
        (void)printf("telltale %s %s\n\n%s.\n\n", command->name, command->usage, command->summary);
        print_options(stdout, command->options);
        (void)printf("\nEverywhere:\n");
    } else {
        (void)printf("telltale COMMAND [options]\n\n"
                     "Real-time anomaly detection for payment transactions.\n\n");
        for (size_t i = 0; i < tt_command_count; i++) {
            (void)printf("  %-10s %s\n", tt_commands[i].name, tt_commands[i].summary);
        }
        (void)printf(
            "\n`telltale demo` shows it at work. `telltale COMMAND --help` says more.\n\n");
    }
    print_options(stdout, common_options);
    return TT_EXIT_OK;
}

const char *tt_cli_value(const struct tt_cli *cli, const char *name)
{
    for (size_t i = 0; cli->options[i].name != NULL; i++) {
        if (strcmp(cli->options[i].name, name) == 0) {
            return cli->values[i];
        }
    }
    TT_ASSERT(false && "an option that is in no table");
    return NULL;
}

/* Where the value of a common option goes; false when the name is none. */
static bool set_common(struct tt_cli *cli, const char *name, const char *value, bool *ret_help)
{
    if (strcmp(name, "config") == 0) {
        cli->config = value;
    } else if (strcmp(name, "set") == 0) {
        cli->sets[cli->set_count++] = value;
    } else if (strcmp(name, "json") == 0) {
        cli->json = true;
    } else if (strcmp(name, "quiet") == 0) {
        cli->verbosity = -1;
    } else if (strcmp(name, "verbose") == 0) {
        cli->verbosity = 1;
    } else if (strcmp(name, "help") == 0) {
        *ret_help = true;
    } else {
        return false;
    }
    return true;
}

static const struct tt_cli_option *find_option(const struct tt_cli_option *options,
                                               struct tt_str name)
{
    for (; options->name != NULL; options++) {
        if (tt_str_equal_text(name, options->name)) {
            return options;
        }
    }
    return NULL;
}

static int unknown_option(const struct tt_command *command, struct tt_str name)
{
    const char *names[TT_CLI_OPTIONS_MAX * 2];
    size_t count = 0;
    for (const struct tt_cli_option *o = command->options; o->name != NULL; o++) {
        names[count++] = o->name;
    }
    for (const struct tt_cli_option *o = common_options; o->name != NULL; o++) {
        names[count++] = o->name;
    }
    const char *nearest = tt_str_nearest(name, names, count);
    return tt_cli_fail(TT_EXIT_USAGE, "%s: no option --%.*s%s%s%s; see telltale %s --help",
                       command->name, TT_STR_ARG(name), nearest != NULL ? " (did you mean --" : "",
                       nearest != NULL ? nearest : "", nearest != NULL ? "?)" : "", command->name);
}

static bool is_repeated(const struct tt_cli_option *option)
{
    return option->argument != NULL && tt_str_ends_with(tt_str_from(option->argument), TT_STR("…"));
}

/* One option at argv[*at]; moves *at over its value. Returns an exit code, or -1 to go on. */
static int parse_option(const struct tt_command *command, struct tt_cli *cli, int argc, char **argv,
                        int *at, bool *ret_help)
{
    const char *text = argv[*at] + 2;
    const char *equals = strchr(text, '=');
    struct tt_str name = {text, equals != NULL ? (size_t)(equals - text) : strlen(text)};
    const struct tt_cli_option *option = find_option(command->options, name);
    const struct tt_cli_option *common = option == NULL ? find_option(common_options, name) : NULL;
    const struct tt_cli_option *found = option != NULL ? option : common;
    if (found == NULL) {
        return unknown_option(command, name);
    }
    const char *value = "";
    if (found->argument != NULL) {
        if (equals == NULL && *at + 1 >= argc) {
            return tt_cli_fail(TT_EXIT_USAGE, "%s: --%s needs a value: %s", command->name,
                               found->name, found->argument);
        }
        value = equals != NULL ? equals + 1 : argv[++*at];
    } else if (equals != NULL) {
        return tt_cli_fail(TT_EXIT_USAGE, "%s: --%s takes no value", command->name, found->name);
    }
    if (option != NULL && is_repeated(option)) {
        if (cli->repeated_count == TT_CLI_SETS_MAX) {
            return tt_cli_fail(TT_EXIT_USAGE, "%s: more than %d times --%s", command->name,
                               TT_CLI_SETS_MAX, option->name);
        }
        cli->repeated[cli->repeated_count++] = value;
    } else if (option != NULL) {
        cli->values[option - command->options] = value;
    } else if (strcmp(common->name, "set") == 0 && cli->set_count == TT_CLI_SETS_MAX) {
        return tt_cli_fail(TT_EXIT_USAGE, "%s: --set more than %d times", command->name,
                           TT_CLI_SETS_MAX);
    } else {
        (void)set_common(cli, common->name, value, ret_help);
    }
    return -1;
}

static int parse_short(const struct tt_command *command, struct tt_cli *cli, const char *text,
                       bool *ret_help)
{
    for (const char *c = text + 1; *c != '\0'; c++) {
        if (*c == 'q' || *c == 'v') {
            cli->verbosity = *c == 'q' ? -1 : 1;
        } else if (*c == 'h') {
            *ret_help = true;
        } else {
            return tt_cli_fail(TT_EXIT_USAGE, "%s: no option -%c; see telltale %s --help",
                               command->name, *c, command->name);
        }
    }
    return -1;
}

/* What is behind the dash of short options; "-1" and "-(x)" are words. */
static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int run_command(const struct tt_command *command, int argc, char **argv)
{
    struct tt_cli cli = {.options = command->options};
    bool help = false;
    bool words_only = false;
    for (int at = 0; at < argc; at++) {
        const char *text = argv[at];
        int code = -1;
        if (!words_only && strcmp(text, "--") == 0) {
            words_only = true;
        } else if (!words_only && strncmp(text, "--", 2) == 0) {
            code = parse_option(command, &cli, argc, argv, &at, &help);
        } else if (!words_only && text[0] == '-' && is_letter(text[1])) {
            code = parse_short(command, &cli, text, &help);
        } else if (cli.word_count == TT_CLI_WORDS_MAX) {
            code = tt_cli_fail(TT_EXIT_USAGE, "%s: too many words", command->name);
        } else {
            cli.words[cli.word_count++] = text;
        }
        if (code >= 0) {
            return code;
        }
    }
    return help ? print_help(command) : command->run(&cli);
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2) {
        (void)print_help(NULL);
        return TT_EXIT_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        for (size_t i = 0; argc > 2 && i < tt_command_count; i++) {
            if (strcmp(argv[2], tt_commands[i].name) == 0) {
                return print_help(&tt_commands[i]);
            }
        }
        return print_help(NULL);
    }
    if (strcmp(name, "--version") == 0) {
        name = "version";
    }
    const char *names[64];
    size_t count = 0;
    for (size_t i = 0; i < tt_command_count; i++) {
        if (strcmp(name, tt_commands[i].name) == 0) {
            return run_command(&tt_commands[i], argc - 2, argv + 2);
        }
        names[count++] = tt_commands[i].name;
    }
    const char *nearest = tt_str_nearest(tt_str_from(name), names, count);
    return tt_cli_fail(TT_EXIT_USAGE, "no command '%s'%s%s%s; see telltale --help", name,
                       nearest != NULL ? " (did you mean " : "", nearest != NULL ? nearest : "",
                       nearest != NULL ? "?)" : "");
}

int tt_cli_main(int argc, char **argv)
{
    int code = dispatch(argc, argv);
    bool failed_before = ferror(stdout) != 0;
    if ((fflush(stdout) != 0 || failed_before) && code == TT_EXIT_OK) {
        code = tt_cli_fail(TT_EXIT_FAILED, "standard output: %s",
                           failed_before ? "cannot be written" : strerror(errno));
    }
    return code;
}

int tt_cli_print_buffer(struct tt_buf *buf, enum tt_status status)
{
    if (status == TT_OK) {
        (void)fwrite(buf->data, 1, buf->size, stdout);
    }
    tt_buf_deinit(buf);
    return status == TT_OK ? TT_EXIT_OK : tt_cli_fail(TT_EXIT_FAILED, "%s", tt_status_name(status));
}

bool tt_cli_duration(const struct tt_cli *cli, const char *name, int64_t *ret_ms)
{
    const char *value = tt_cli_value(cli, name);
    if (value == NULL || tt_duration_parse(tt_str_from(value), ret_ms) == TT_OK) {
        return true;
    }
    (void)tt_cli_fail(TT_EXIT_USAGE, "--%s: '%s' is no duration like 90s, 12h or 7d", name, value);
    return false;
}

bool tt_cli_integer(const struct tt_cli *cli, const char *name, int64_t min, int64_t max,
                    int64_t *ret)
{
    const char *value = tt_cli_value(cli, name);
    if (value == NULL) {
        return true;
    }
    int64_t number = 0;
    if (tt_int64_parse(tt_str_from(value), &number) && number >= min && number <= max) {
        *ret = number;
        return true;
    }
    (void)tt_cli_fail(TT_EXIT_USAGE, "--%s: '%s' is no whole number from %lld to %lld", name, value,
                      (long long)min, (long long)max);
    return false;
}

static void document_options(struct tt_buf *buf, const struct tt_cli_option *options)
{
    tt_buf_append_text(buf, "| option | what |\n| --- | --- |\n");
    for (; options->name != NULL; options++) {
        tt_buf_append_format(buf, "| `--%s%s%s` | %s |\n", options->name,
                             options->argument != NULL ? " " : "",
                             options->argument != NULL ? options->argument : "", options->help);
    }
    tt_buf_append_char(buf, '\n');
}

enum tt_status tt_cli_docs(struct tt_buf *buf)
{
    tt_buf_append_text(buf, "# Command line\n\nMade from the option tables by "
                            "`telltale config docs`. Exit codes: 0 done, 1 failed, 2 usage, 130 "
                            "interrupted.\n\n## Everywhere\n\n");
    document_options(buf, common_options);
    for (size_t i = 0; i < tt_command_count; i++) {
        const struct tt_command *command = &tt_commands[i];
        tt_buf_append_format(buf, "## telltale %s %s\n\n%s.\n\n", command->name, command->usage,
                             command->summary);
        if (command->options->name != NULL) {
            document_options(buf, command->options);
        }
    }
    return buf->status;
}
