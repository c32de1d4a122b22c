/* telltale export: the stored log as JSON lines that `score --order recorded` reads. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/stored.h"
#include "services/data_ingestor/recorded_feed.h"
#include "services/pipeline/rows.h"

#define LINE_SIZE_MAX (32u << 20)

const struct tt_cli_option tt_options_export[] = {
    {"out", "FILE", "where to; default: standard output"},
    {"data", "FOLDER", "data folder of the server (data_dir); the server must not be running"},
    {NULL, NULL, NULL},
};

struct export
{
    const struct tt_settings *settings;
    struct tt_store *store;
    FILE *out;
    struct tt_buf buf;
    struct tt_loose_event loose;
    enum tt_status status;
    struct tt_error err;
};

static void write_line(struct export *self)
{
    if (self->buf.status != TT_OK) {
        self->status = tt_fail(&self->err, self->buf.status, "a line is too large");
    } else if (fwrite(self->buf.data, 1, self->buf.size, self->out) != self->buf.size) {
        self->status = tt_fail(&self->err, TT_E_IO, "cannot write: %s", strerror(errno));
    }
    tt_buf_clear(&self->buf);
}

static void append_hex(struct tt_buf *buf, struct tt_str bytes)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.size; i++) {
        unsigned char byte = (unsigned char)bytes.data[i];
        tt_buf_append_char(buf, digits[byte >> 4]);
        tt_buf_append_char(buf, digits[byte & 15]);
    }
}

static void member_hash(struct tt_json_writer *json, const char *key, struct tt_hash128 hash)
{
    char text[33];
    tt_hash128_hex(hash, text);
    tt_json_member_text(json, key, text);
}

static void write_bundle(struct export *self, const struct tt_row_epoch *epoch)
{
    struct tt_buf bytes;
    tt_buf_init(&bytes, self->settings->alloc, LINE_SIZE_MAX);
    self->status = self->store->ops->get_bundle(self->store, epoch->bundle, &bytes, &self->err);
    if (self->status == TT_OK) {
        struct tt_json_writer json;
        tt_json_writer_init(&json, &self->buf);
        tt_json_object_begin(&json);
        tt_json_key(&json, "seq");
        tt_json_uint64(&json, epoch->seq);
        tt_json_member_int64(&json, "epoch", epoch->epoch);
        member_hash(&json, "bundle", epoch->bundle);
        tt_json_key(&json, "bytes");
        tt_buf_append_char(&self->buf, '"');
        append_hex(&self->buf, tt_buf_str(&bytes));
        tt_buf_append_text(&self->buf, "\"}\n"); /* hex needs no escapes: written past the writer */
        write_line(self);
    }
    tt_buf_deinit(&bytes);
}

/* The versions of the rules that came into force at a position, before what was decided with them. */
struct rules_at {
    struct export *self;
    uint64_t seq;
};

static bool on_rules(void *ctx, const struct tt_row_rules *row)
{
    struct rules_at *at = ctx;
    struct export *self = at->self;
    if (!row->live || row->live_seq != at->seq) {
        return true;
    }
    struct tt_json_writer json;
    tt_json_writer_init(&json, &self->buf);
    tt_json_object_begin(&json);
    tt_json_key(&json, "seq");
    tt_json_uint64(&json, row->live_seq);
    tt_json_key(&json, "rules_version");
    tt_json_uint64(&json, row->version);
    member_hash(&json, "setup", row->setup);
    tt_json_member_string(&json, "rules", row->text);
    tt_json_object_end(&json);
    tt_buf_append_char(&self->buf, '\n');
    write_line(self);
    return self->status == TT_OK;
}

static void write_rules(struct export *self, uint64_t seq)
{
    struct rules_at at = {self, seq};
    enum tt_status status = self->store->ops->list_rules(self->store, on_rules, &at, &self->err);
    self->status = self->status == TT_OK ? status : self->status;
}

static void write_transaction(struct export *self, const struct tt_row_transaction *row)
{
    const struct tt_engine *engine = self->settings->engine;
    struct tt_event *event = tt_loose_event_reset(&self->loose);
    self->status = tt_row_to_event(row, engine, &self->settings->schema, event, &self->err);
    if (self->status != TT_OK) {
        return;
    }
    struct tt_json_writer json;
    tt_json_writer_init(&json, &self->buf);
    tt_json_object_begin(&json);
    tt_json_key(&json, "seq");
    tt_json_uint64(&json, row->seq);
    tt_json_key(&json, "transaction");
    tt_json_raw_value(&json, row->json);
    tt_json_member_int64(&json, "absorbed", row->absorbed);
    tt_json_member_int64(&json, "epoch", row->epoch);
    member_hash(&json, "bundle", row->bundle);
    tt_json_key(&json, "vector");
    tt_json_array_begin(&json);
    for (uint32_t i = 0; i < event->vector.count; i++) {
        double value = 0.0;
        if (tt_vector_get(&event->vector, i, &value)) {
            tt_json_double(&json, value);
        } else {
            tt_json_null(&json);
        }
    }
    tt_json_array_end(&json);
    tt_json_member_text(&json, "alert", tt_alert_name(event->decision.alert));
    if (event->decision.alert == TT_ALERT_SAMPLED) {
        tt_json_member_double(&json, "selection_probability",
                              event->decision.selection_probability);
    }
    tt_json_key(&json, "decision");
    tt_record_write_score(&json, event, &engine->record_names);
    tt_json_object_end(&json);
    tt_buf_append_char(&self->buf, '\n');
    write_line(self);
}

static void write_label(struct export *self, const struct tt_row_label *row)
{
    struct tt_json_writer json;
    tt_json_writer_init(&json, &self->buf);
    tt_json_object_begin(&json);
    tt_json_key(&json, "seq");
    tt_json_uint64(&json, row->seq);
    tt_json_key(&json, "transaction");
    tt_json_raw_value(&json, row->json);
    tt_json_member_text(&json, "label", tt_label_kind_name(row->kind));
    tt_json_key(&json, "known_at");
    tt_json_time(&json, row->known_at_ms);
    tt_json_key(&json, "recorded_at");
    tt_json_time(&json, row->recorded_at_ms);
    tt_json_member_text(&json, "source", tt_label_source_name(row->source));
    tt_json_member_double(&json, "selection_probability", row->selection_probability);
    tt_json_object_end(&json);
    tt_buf_append_char(&self->buf, '\n');
    write_line(self);
}

static bool on_row(void *ctx, const struct tt_row_transaction *transaction,
                   const struct tt_row_label *label, const struct tt_row_epoch *epoch)
{
    struct export *self = ctx;
    if (transaction != NULL) {
        write_transaction(self, transaction);
    } else if (label != NULL) {
        write_label(self, label);
    } else {
        write_rules(self, epoch->seq);
        if (self->status == TT_OK) {
            write_bundle(self, epoch);
        }
    }
    return self->status == TT_OK;
}

static enum tt_status write_all(struct export *self)
{
    char setup[33], base[33];
    tt_hash128_hex(self->settings->engine->setup->hash, setup);
    tt_hash128_hex(self->settings->engine->setup->base, base);
    tt_buf_append_format(&self->buf,
                         TT_EXPORT_HEADER ",\"version\":\"%s\",\"setup\":\"%s\",\"base\":\"%s\"}\n",
                         TT_VERSION, setup, base);
    write_line(self);
    if (self->status == TT_OK) {
        write_rules(self, 0);
    }
    if (self->status != TT_OK) {
        return self->status;
    }
    enum tt_status status = self->store->ops->scan(self->store, 0, on_row, self, &self->err);
    return status == TT_OK ? self->status : status;
}

static int export_to(struct tt_settings *settings, struct tt_store *store, const char *path)
{
    struct export self = {.settings = settings, .store = store};
    self.out = path == NULL || strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
    if (self.out == NULL) {
        return tt_cli_fail(TT_EXIT_FAILED, "%s: %s", path, strerror(errno));
    }
    tt_buf_init(&self.buf, settings->alloc, LINE_SIZE_MAX);
    tt_loose_event_init(&self.loose, settings->alloc);
    enum tt_status status = write_all(&self);
    int closed = self.out == stdout ? fflush(stdout) : fclose(self.out);
    tt_loose_event_deinit(&self.loose);
    tt_buf_deinit(&self.buf);
    if (status != TT_OK) {
        return tt_cli_fail_error(&self.err);
    }
    return closed == 0 ? TT_EXIT_OK : tt_cli_fail(TT_EXIT_FAILED, "%s", strerror(errno));
}

int tt_command_export(struct tt_cli *cli)
{
    if (cli->word_count > 0) {
        return tt_cli_fail(TT_EXIT_USAGE, "export: '%s' is one word too many", cli->words[0]);
    }
    struct tt_stored stored;
    struct tt_error err = {0};
    if (tt_stored_open(&stored, cli, false, &err) != TT_OK) {
        return tt_cli_fail_error(&err);
    }
    int code = export_to(&stored.settings, stored.store, tt_cli_value(cli, "out"));
    tt_stored_close(&stored);
    return code;
}
