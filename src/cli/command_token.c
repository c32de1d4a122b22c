/* telltale token create */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/server.h"

const struct tt_cli_option tt_options_token[] = {
    {"role", "ROLE", "of a person: viewer, analyst or admin"},
    {"link", NULL, "with --role: a sign-in link to the dashboard, good once, for five minutes"},
    {"scope", "SCOPES", "of a machine: an API key for ingest, label, metrics (with spaces)"},
    {"subject", "NAME", "with --role: whom the token is for"},
    {"ttl", "DURATION", "with --role: lifetime (auth.token_ttl)"},
    {"data", "FOLDER", "data folder of the server (data_dir)"},
    {NULL, NULL, NULL},
};

static int print_secret(const struct tt_cli *cli, const char *name, const char *text, size_t size)
{
    if (cli->json) {
        (void)printf("{\"%s\":\"%.*s\"}\n", name, (int)size, text);
    } else {
        (void)printf("%.*s\n", (int)size, text);
    }
    return TT_EXIT_OK;
}

/* For a person the whole link of a server with this configuration, for a script the code alone. */
static int print_link(const struct tt_cli *cli, const struct tt_config *config,
                      const struct tt_buf *code)
{
    if (cli->json || isatty(STDOUT_FILENO) == 0) {
        return print_secret(cli, "code", code->data, code->size);
    }
    (void)printf("http://%s:%lld/app/#token=%.*s\n", config->http_address.data,
                 (long long)config->http_port, (int)code->size, code->data);
    return TT_EXIT_OK;
}

static int create_key(const struct tt_cli *cli, struct tt_server *server)
{
    uint32_t scopes = tt_scopes_parse(tt_str_from(tt_cli_value(cli, "scope")));
    if (scopes == 0) {
        return tt_cli_fail(TT_EXIT_USAGE, "--scope: say ingest, label or metrics");
    }
    char key[TT_API_KEY_SIZE + 1];
    struct tt_error err = {0};
    if (tt_api_keys_create(server->keys, scopes, key, &err) != TT_OK) {
        return tt_cli_fail_error(&err);
    }
    return print_secret(cli, "api_key", key, TT_API_KEY_SIZE);
}

static int create_token(const struct tt_cli *cli, const struct tt_config *config,
                        struct tt_server *server)
{
    enum tt_role role = tt_role_find(tt_str_from(tt_cli_value(cli, "role")));
    if (role == TT_ROLE_NONE) {
        return tt_cli_fail(TT_EXIT_USAGE, "--role: say viewer, analyst or admin");
    }
    int64_t ttl_ms = server->auth.token_ttl_ms;
    if (!tt_cli_duration(cli, "ttl", &ttl_ms)) {
        return TT_EXIT_USAGE;
    }
    const char *subject = tt_cli_value(cli, "subject");
    bool link = tt_cli_value(cli, "link") != NULL;
    struct tt_buf token;
    tt_buf_init(&token, server->alloc, 8192);
    struct tt_error err = {0};
    enum tt_status status =
        link ? tt_auth_code(&server->auth, role, &token, &err)
             : tt_auth_token(&server->auth, role, subject != NULL ? subject : "command line",
                             ttl_ms, &token, &err);
    int code = status != TT_OK ? tt_cli_fail_error(&err)
               : link          ? print_link(cli, config, &token)
                               : print_secret(cli, "token", token.data, token.size);
    tt_buf_deinit(&token);
    return code;
}

static int create(struct tt_cli *cli, struct tt_settings *settings)
{
    struct tt_error err = {0};
    const char *data_dir = NULL;
    const char *given = tt_cli_value(cli, "data");
    if (given != NULL) {
        settings->config.data_dir = tt_str_from(given);
    }
    if (tt_settings_data_dir(settings, &data_dir, &err) != TT_OK) {
        return tt_cli_fail_error(&err);
    }
    struct tt_server *server = tt_new_array(settings->alloc, 1, sizeof *server);
    if (server == NULL) {
        return tt_cli_fail(TT_EXIT_FAILED, "no memory");
    }
    int code = TT_EXIT_FAILED;
    if (tt_server_open_auth(server, settings, data_dir, &err) != TT_OK) {
        (void)tt_cli_fail_error(&err);
    } else {
        code = tt_cli_value(cli, "scope") != NULL ? create_key(cli, server)
                                                  : create_token(cli, &settings->config, server);
    }
    tt_server_close(server);
    tt_delete(settings->alloc, server, sizeof *server);
    return code;
}

int tt_command_token(struct tt_cli *cli)
{
    bool role = tt_cli_value(cli, "role") != NULL;
    bool scope = tt_cli_value(cli, "scope") != NULL;
    if (cli->word_count != 1 || strcmp(cli->words[0], "create") != 0 || role == scope) {
        return tt_cli_fail(TT_EXIT_USAGE, "token: say create with either --role or --scope");
    }
    struct tt_settings settings;
    struct tt_error err = {0};
    if (tt_settings_open(&settings, cli, &err) != TT_OK) {
        return tt_cli_fail_error(&err);
    }
    int code = create(cli, &settings);
    tt_settings_close(&settings);
    return code;
}
