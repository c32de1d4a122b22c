/* telltale redecide ID: a stored decision made again, and whether the bits are the same. */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/stored.h"
#include "services/pipeline/redecide.h"

#define TEXT_SIZE_MAX (4u << 20)

const struct tt_cli_option tt_options_redecide[] = {
    {"user", "USER", "whose transaction, where several users have one of that id"},
    {"data", "FOLDER",
     "data folder of the server (data_dir), which must not be running: there it is GET "
     "/redecide/ID"},
    {"features", "FILE", "feature set it was made with, instead of the configured one"},
    {"rules", "FILE", "rules it was made with; `none` = without"},
    {"detectors", "FILE", "detectors it was made with"},
    {NULL, NULL, NULL},
};

struct search {
    struct tt_stored *stored;
    struct tt_redecide result;
    uint64_t seq; /* of an anomaly, or 0 */
    uint32_t count;
    enum tt_status status;
    struct tt_error *err;
};

static bool on_anomaly(void *ctx, const struct tt_row_anomaly *row)
{
    struct search *search = ctx;
    search->seq = row->seq;
    return false;
}

static bool on_row(void *ctx, const struct tt_row_transaction *row,
                   const struct tt_row_label *label, const struct tt_row_epoch *epoch)
{
    (void)label;
    (void)epoch;
    struct search *search = ctx;
    if (row == NULL || (search->seq != 0 && row->seq != search->seq)) {
        return false;
    }
    if (++search->count > 1) {
        return false;
    }
    const struct tt_settings *settings = &search->stored->settings;
    search->status = tt_redecide(settings->alloc, settings->engine, &settings->schema,
                                 search->stored->store, row, &search->result, search->err);
    return search->seq == 0;
}

/* By transaction id, else by the anomaly's. */
static enum tt_status find(struct search *search, const struct tt_cli *cli)
{
    struct tt_store *store = search->stored->store;
    struct tt_str id = tt_str_from(cli->words[0]);
    const char *user = tt_cli_value(cli, "user");
    struct tt_str user_id = user != NULL ? tt_str_from(user) : (struct tt_str){NULL, 0};
    enum tt_status status =
        store->ops->find(store, user_id, id, TT_TIME_NONE, on_row, search, search->err);
    if (status == TT_OK && search->count == 0) {
        status = store->ops->get_anomaly(store, id, on_anomaly, search, search->err);
        if (status == TT_OK) {
            status = store->ops->scan(store, search->seq, on_row, search, search->err);
        }
        if (status == TT_E_NOT_FOUND || (status == TT_OK && search->count == 0)) {
            status = tt_fail(search->err, TT_E_NOT_FOUND,
                             "no transaction and no anomaly of the id %s is stored", cli->words[0]);
        }
    }
    if (status == TT_OK && search->count > 1) {
        status = tt_fail(search->err, TT_E_CONFLICT,
                         "several users have a transaction %s: name one by --user", cli->words[0]);
    }
    return status == TT_OK ? search->status : status;
}

static void print_differences(const struct tt_redecide *result)
{
    const struct tt_decision *stored = &result->stored.event.decision;
    const struct tt_decision *again = &result->again.event.decision;
    (void)printf("  p-value   %.17g, now %.17g\n", stored->p_value, again->p_value);
    (void)printf("  severity  %s, now %s\n", tt_severity_name(stored->severity),
                 tt_severity_name(again->severity));
    (void)printf("  decision  %s, now %s\n", tt_verdict_name(stored->verdict),
                 tt_verdict_name(again->verdict));
    (void)printf("  reasons   %u, now %u\n", stored->reason_count, again->reason_count);
}

static void print_text(const struct tt_redecide *result)
{
    char bundle[33], setup[33];
    const struct tt_event *event = &result->stored.event;
    tt_hash128_hex(result->bundle, bundle);
    tt_hash128_hex(result->setup, setup);
    (void)printf("%.*s: ", TT_STR_ARG(event->txn.text[TT_TEXT_TRANSACTION_ID]));
    if (result->bundle_missing) {
        (void)printf("cannot be made again: its bundle %s is not in the store\n", bundle);
    } else if (result->setup_differs) {
        (void)printf("cannot be made again here: bundle %s belongs to setup %s; give the features, "
                     "rules and detectors it was made with\n",
                     bundle, setup);
    } else if (result->same_detections && result->same_decision) {
        (void)printf("the same bits: score %.6g, %s, %s, alert %s (bundle %s)\n",
                     event->decision.score, tt_severity_name(event->decision.severity),
                     tt_verdict_name(event->decision.verdict), tt_alert_name(event->decision.alert),
                     bundle);
    } else {
        (void)printf("differs in its %s\n", !result->same_detections ? "detections" : "decision");
        print_differences(result);
    }
}

static int print_result(const struct tt_cli *cli, const struct search *search)
{
    const struct tt_redecide *result = &search->result;
    bool same = result->same_detections && result->same_decision;
    int code = same ? TT_EXIT_OK : TT_EXIT_FAILED;
    if (!cli->json) {
        print_text(result);
        return code;
    }
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, TEXT_SIZE_MAX);
    struct tt_json_writer json;
    tt_json_writer_init(&json, &buf);
    tt_redecide_write(result, search->stored->settings.engine, &json);
    (void)tt_buf_append_char(&buf, '\n');
    int printed = tt_cli_print_buffer(&buf, buf.status);
    return printed == TT_EXIT_OK ? code : printed;
}

int tt_command_redecide(struct tt_cli *cli)
{
    if (cli->word_count != 1) {
        return tt_cli_fail(TT_EXIT_USAGE, "name one transaction or anomaly by its id");
    }
    struct tt_stored stored;
    struct tt_error err = {0};
    if (tt_stored_open(&stored, cli, true, &err) != TT_OK) {
        return tt_cli_fail_error(&err);
    }
    struct search *search = tt_new_array(stored.settings.alloc, 1, sizeof *search);
    int code;
    if (search == NULL) {
        code = tt_cli_fail(TT_EXIT_FAILED, "no memory");
    } else {
        search->stored = &stored;
        search->err = &err;
        enum tt_status status = find(search, cli);
        code = status == TT_OK ? print_result(cli, search) : tt_cli_fail_error(&err);
        if (search->count > 0) {
            tt_redecide_deinit(&search->result);
        }
        tt_delete(stored.settings.alloc, search, sizeof *search);
    }
    tt_stored_close(&stored);
    return code;
}
