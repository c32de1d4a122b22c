/* telltale generate: the demo's traffic as a labelled CSV file. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "cli/commands.h"
#include "core/sim/sim.h"
#include "format/csv.h"

#define ROWS_MAX 1000000000
#define FLUSH_SIZE (1u << 20)

const struct tt_cli_option tt_options_generate[] = {
    {"out", "FILE", "where to; default: standard output"},
    {"rows", "N", "how many rows (100000)"},
    {"customers", "N", "how many customers (2000)"},
    {"start", "TIME", "time of the first row (2026-01-01T00:00:00Z)"},
    {"seed", "N", "another world (1)"},
    {NULL, NULL, NULL},
};

static const char header[] =
    "transaction_id,timestamp,amount,currency,type,user_id,merchant_id,merchant_category_code,"
    "merchant_country,issuer_country,latitude,longitude,channel,card_id,device_id,ip,authorization,"
    "is_fraud,fraud_kind\n";

static void field(struct tt_buf *buf, struct tt_str text, char end)
{
    tt_csv_append_field(buf, text);
    tt_buf_append_char(buf, end);
}

static void number(struct tt_buf *buf, bool present, double value)
{
    char text[TT_NUMBER_TEXT_SIZE];
    if (present) {
        tt_buf_append(buf, text, tt_double_format(value, text));
    }
    tt_buf_append_char(buf, ',');
}

static void write_row(struct tt_buf *buf, const struct tt_sim_transaction *row)
{
    struct tt_txn txn;
    tt_sim_view(row, &txn);
    char time[TT_TIME_TEXT_SIZE];
    (void)tt_time_format(txn.timestamp_ms, time);
    char amount[32];
    (void)tt_money_format(txn.amount_minor, tt_currency_exponent(txn.currency), amount);
    field(buf, txn.text[TT_TEXT_TRANSACTION_ID], ',');
    field(buf, tt_str_from(time), ',');
    field(buf, tt_str_from(amount), ',');
    field(buf, tt_str_from(tt_currency_code(txn.currency)), ',');
    field(buf, tt_str_from(tt_txn_type_name(txn.type)), ',');
    field(buf, txn.text[TT_TEXT_USER_ID], ',');
    field(buf, txn.text[TT_TEXT_MERCHANT_ID], ',');
    field(buf, txn.text[TT_TEXT_MERCHANT_CATEGORY_CODE], ',');
    field(buf, txn.text[TT_TEXT_MERCHANT_COUNTRY], ',');
    field(buf, txn.text[TT_TEXT_ISSUER_COUNTRY], ',');
    number(buf, txn.has_position, txn.latitude);
    number(buf, txn.has_position, txn.longitude);
    field(buf, txn.text[TT_TEXT_CHANNEL], ',');
    field(buf, txn.text[TT_TEXT_CARD_ID], ',');
    field(buf, txn.text[TT_TEXT_DEVICE_ID], ',');
    field(buf, txn.text[TT_TEXT_IP], ',');
    field(buf, tt_str_from(tt_authorization_name(txn.authorization)), ',');
    bool fraud = row->kind != TT_SIM_GENUINE;
    tt_buf_append_text(buf, fraud ? "1," : "0,");
    field(buf, tt_str_from(fraud ? tt_sim_kind_name(row->kind) : ""), '\n');
}

static bool flush(struct tt_buf *buf, FILE *out)
{
    bool good = buf->status == TT_OK && fwrite(buf->data, 1, buf->size, out) == buf->size;
    tt_buf_clear(buf);
    return good;
}

static int write_rows(struct tt_sim *sim, int64_t rows, FILE *out)
{
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, 2 * FLUSH_SIZE);
    tt_buf_append_text(&buf, header);
    bool good = true;
    for (int64_t i = 0; i < rows && good; i++) {
        struct tt_sim_transaction row;
        good = tt_sim_next(sim, &row) == TT_OK;
        if (good) {
            write_row(&buf, &row);
        }
        if (buf.size >= FLUSH_SIZE) {
            good = good && flush(&buf, out);
        }
    }
    good = good && flush(&buf, out);
    tt_buf_deinit(&buf);
    return good ? TT_EXIT_OK : tt_cli_fail(TT_EXIT_FAILED, "cannot write: %s", strerror(errno));
}

static int read_options(const struct tt_cli *cli, struct tt_sim_options *options, int64_t *ret_rows)
{
    int64_t customers = options->customers;
    int64_t seed = 1;
    const char *start = tt_cli_value(cli, "start");
    if (!tt_cli_integer(cli, "rows", 1, ROWS_MAX, ret_rows) ||
        !tt_cli_integer(cli, "customers", 1, TT_SIM_CUSTOMERS_MAX, &customers) ||
        !tt_cli_integer(cli, "seed", 0, INT64_MAX, &seed)) {
        return TT_EXIT_USAGE;
    }
    if (start != NULL && tt_time_parse_rfc3339(tt_str_from(start), &options->start_ms) != TT_OK) {
        return tt_cli_fail(TT_EXIT_USAGE, "--start: '%s' is no RFC 3339 time", start);
    }
    options->customers = (uint32_t)customers;
    options->merchants = options->customers / 4 > TT_SIM_MERCHANTS_MIN ? options->customers / 4
                                                                       : TT_SIM_MERCHANTS_MIN;
    options->seed = (uint64_t)seed;
    return TT_EXIT_OK;
}

int tt_command_generate(struct tt_cli *cli)
{
    struct tt_sim_options options = tt_sim_options_default();
    int64_t rows = 100000;
    int code = read_options(cli, &options, &rows);
    if (code != TT_EXIT_OK) {
        return code;
    }
    struct tt_error err = {0};
    struct tt_sim *sim = NULL;
    if (tt_sim_new(&tt_alloc_libc, &options, &sim, &err) != TT_OK) {
        return tt_cli_fail_error(&err);
    }
    const char *path = tt_cli_value(cli, "out");
    FILE *out = path == NULL || strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
    if (out == NULL) {
        code = tt_cli_fail(TT_EXIT_FAILED, "%s: %s", path, strerror(errno));
    } else {
        code = write_rows(sim, rows, out);
        if ((out == stdout ? fflush(out) : fclose(out)) != 0 && code == TT_EXIT_OK) {
            code = tt_cli_fail(TT_EXIT_FAILED, "cannot write: %s", strerror(errno));
        }
    }
    tt_sim_free(sim);
    return code;
}
