/* See server.h. */
#include "cli/server.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "adapters/cjose/token.h"
#include "adapters/curl/webhook.h"
#include "adapters/memory/cache.h"
#include "adapters/microhttpd/server.h"
#include "adapters/sqlite/sqlite.h"
#include "adapters/system/clock.h"
#include "adapters/system/log_notifier.h"
#include "cli/restore_snapshot.h"
#include "format/json_read.h"
#include "runtime/secret.h"
#include "services/api_server/sink.h"
#include "services/backtest/history.h"
#include "services/dashboard_frontend/dashboard_frontend.h"
#include "services/pipeline/rows.h"

#define SECRET_SIZE 32
#define CACHE_ENTRIES_MAX 65536
#define CACHE_BYTES_MAX (16u << 20)
#define LISTENER_THREADS 1
#define UPKEEP_NS (INT64_C(3600) * 1000000000)
#define ALERT_BLOCK_SIZE 16384
#define ALERT_SIZE_MAX (4u << 20)

enum { THREAD_ENGINE = 0, THREAD_SINK, THREAD_ALERTER };

/* A key of its own for each purpose, from the one secret of the data folder. */
static struct tt_hash_key derive(const unsigned char *secret, const char *purpose)
{
    struct tt_hash_key key;
    memcpy(&key, secret, sizeof key);
    struct tt_hash128 hash = tt_hash128(&key, purpose, strlen(purpose));
    return (struct tt_hash_key){hash.high, hash.low};
}

enum tt_status tt_server_open_auth(struct tt_server *server, struct tt_settings *settings,
                                   const char *data_dir, struct tt_error *err)
{
    server->alloc = settings->alloc;
    unsigned char secret[SECRET_SIZE];
    const char *secret_path = tt_settings_path(settings, data_dir, "secret");
    const char *keys_path = tt_settings_path(settings, data_dir, "api_keys.jsonl");
    const char *used_path = tt_settings_path(settings, data_dir, "used_codes");
    if (secret_path == NULL || keys_path == NULL || used_path == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory");
    }
    enum tt_status status = tt_secret_load(secret_path, sizeof secret, secret, err);
    if (status != TT_OK) {
        return status;
    }
    settings->schema.pan_key = derive(secret, "card numbers");
    server->entity_key = derive(secret, "entities");
    struct tt_hash_key keys_key = derive(secret, "API keys");
    status =
        tt_api_keys_open(server->alloc, keys_path, &keys_key, &tt_clock_system, &server->keys, err);
    if (status == TT_OK) {
        struct tt_cjose_options token = {
            .alloc = server->alloc,
            .secret = {(const char *)secret, sizeof secret},
            .hash_key = derive(secret, "verified tokens"),
        };
        status = tt_cjose_open(&token, &server->signer, err);
    }
    if (status == TT_OK) {
        struct tt_memory_cache_options cache = {
            .alloc = server->alloc,
            .clock = &tt_clock_system,
            .entries_max = CACHE_ENTRIES_MAX,
            .bytes_max = CACHE_BYTES_MAX,
            .hash_key = derive(secret, "cache"),
        };
        status = tt_memory_cache_open(&cache, &server->cache, err);
    }
    server->auth = (struct tt_auth){
        .alloc = server->alloc,
        .clock = &tt_clock_system,
        .signer = server->signer,
        .cache = server->cache,
        .keys = server->keys,
        .used_path = used_path,
        .token_ttl_ms = settings->config.token_ttl,
    };
    explicit_bzero(secret, sizeof secret);
    return status;
}

static enum tt_status open_store(struct tt_server *server, struct tt_error *err)
{
    struct tt_settings *settings = server->options.settings;
    const char *path = tt_settings_path(settings, server->options.data_dir, "telltale.db");
    if (path == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory");
    }
    bool process = server->options.process_durability ||
                   tt_str_equal_text(settings->config.durability, "process");
    struct tt_sqlite_options options = {
        .alloc = server->alloc,
        .path = path,
        .durability = process ? TT_SQLITE_PROCESS : TT_SQLITE_POWER,
    };
    return tt_sqlite_open(&options, &server->store, &server->state, err);
}

/* Looks a transaction up for the gate, from the engine's thread. */
struct gate_row {
    bool found;
    struct tt_hash128 content;
    uint64_t seq;
};

static bool on_gate_row(void *ctx, const struct tt_row_transaction *row,
                        const struct tt_row_label *label, const struct tt_row_epoch *epoch)
{
    (void)label;
    (void)epoch;
    struct gate_row *found = ctx;
    *found = (struct gate_row){true, row->content, row->seq};
    return false;
}

static enum tt_status look_up(void *ctx, const struct tt_txn *txn, bool *ret_found,
                              struct tt_hash128 *ret_content, uint64_t *ret_seq,
                              struct tt_error *err)
{
    struct tt_server *server = ctx;
    struct gate_row row = {0};
    enum tt_status status = server->store->ops->find(server->store, txn->text[TT_TEXT_USER_ID],
                                                     txn->text[TT_TEXT_TRANSACTION_ID],
                                                     TT_TIME_NONE, on_gate_row, &row, err);
    *ret_found = row.found;
    *ret_content = row.content;
    *ret_seq = row.seq;
    return status;
}

/* Finds the transaction a label is about. */
struct label_row {
    struct tt_server *server;
    struct tt_event *event;
    uint32_t count;
    enum tt_status status;
    struct tt_error *err;
};

static bool on_label_row(void *ctx, const struct tt_row_transaction *row,
                         const struct tt_row_label *label, const struct tt_row_epoch *epoch)
{
    (void)label;
    (void)epoch;
    struct label_row *found = ctx;
    if (++found->count > 1) {
        found->status = TT_E_CONFLICT;
        return false;
    }
    found->status = tt_row_read_record(row->json, &found->server->options.settings->schema,
                                       found->event, found->err);
    return true;
}

static enum tt_status find_transaction(void *ctx, struct tt_str user_id,
                                       struct tt_str transaction_id, struct tt_event *event,
                                       struct tt_error *err)
{
    struct tt_server *server = ctx;
    struct label_row row = {.server = server, .event = event, .err = err};
    enum tt_status status = server->store->ops->find(server->store, user_id, transaction_id,
                                                     TT_TIME_NONE, on_label_row, &row, err);
    if (status != TT_OK) {
        return status;
    }
    return row.count == 0 ? TT_E_NOT_FOUND : row.status;
}

static void on_failure(void *ctx, const char *stage, const struct tt_error *err)
{
    struct tt_server *server = ctx;
    (void)snprintf(server->failure, sizeof server->failure, "%s", err->message);
    __atomic_store_n(&server->api.failed, true, __ATOMIC_RELEASE);
    tt_log(&server->log, TT_LOG_ERROR, "pipeline_failed", err->message, TT_LOG_TEXT("stage", stage),
           TT_LOG_TEXT("status", tt_status_name(err->status)));
}

static enum tt_status open_snapshots(struct tt_server *server, struct tt_error *err)
{
    const struct tt_settings *settings = server->options.settings;
    if (!settings->config.snapshots) {
        return TT_OK;
    }
    const struct tt_plan *plan = settings->engine->plan;
    struct tt_snapshots_options options = {
        .alloc = server->alloc,
        .state = server->state,
        .clock = &tt_clock_system,
        .log = &server->log,
        .metrics = &server->metrics,
        .plan = tt_plan_hash(plan),
        .part_count = 1 + tt_plan_step_count(plan),
        .interval_ms = settings->config.snapshot_interval,
    };
    return tt_snapshots_open(&server->snapshots, &options, err);
}

static struct tt_snapshots *snapshots_of(struct tt_server *server)
{
    return server->options.settings->config.snapshots ? &server->snapshots : NULL;
}

static enum tt_status open_engine(struct tt_server *server, struct tt_error *err)
{
    struct tt_settings *settings = server->options.settings;
    server->restore =
        (struct tt_restore){.store = server->store, .state = server->state, .log = &server->log};
    enum tt_status status = tt_server_rules_open(server, err);
    if (status == TT_OK) {
        status = open_snapshots(server, err);
    }
    if (status == TT_OK) {
        status = tt_restore_load(&server->restore, settings, err);
    }
    if (status != TT_OK) {
        return status;
    }
    struct tt_assembly_options options = {
        .settings = settings,
        .clock = &tt_clock_system,
        .log = &server->log,
        .metrics = &server->metrics,
        .events_max = (size_t)settings->config.events_max,
        .timed = true,
        .bundle = server->restore.bundle,
        .trainer = server->restore.trainer,
        .key = &server->entity_key,
        .snapshots = snapshots_of(server),
        .lookup = look_up,
        .lookup_ctx = server,
        .on_failure = on_failure,
        .ctx = server,
    };
    status = tt_assembly_open(&server->assembly, &options, err);
    server->assembly_open = status == TT_OK;
    int64_t start_ns = tt_clock_monotonic_ns(&tt_clock_system);
    if (status == TT_OK) {
        status = tt_restore_replay(&server->restore, settings, snapshots_of(server),
                                   &server->assembly, err);
        server->assembly.durable_seq = server->restore.seq_last;
        server->snapshots.stale = server->restore.replayed > 0;
    }
    if (status == TT_OK) {
        status = tt_server_rules_settle(server, err);
    }
    if (status == TT_OK && server->restore.seq_last > 0) {
        tt_log(&server->log, TT_LOG_INFO, "restored", "windows and learners are as they were",
               TT_LOG_INT("snapshot_seq", server->restore.step_positions[0]),
               TT_LOG_INT("transactions", server->restore.replayed),
               TT_LOG_INT("seq_last", server->restore.seq_last),
               TT_LOG_INT("epoch", tt_bundles_epoch(&server->assembly.bundles)),
               TT_LOG_INT("ms", (tt_clock_monotonic_ns(&tt_clock_system) - start_ns) / 1000000));
    }
    return status;
}

static enum tt_status add_ingestor(struct tt_server *server, struct tt_error *err)
{
    struct tt_settings *settings = server->options.settings;
    struct tt_intake_options intake = {
        .queue_bytes_max = (uint64_t)settings->config.queue_max,
        .wake = tt_runner_wake(server->assembly.runner, THREAD_ENGINE),
    };
    server->book.wake = intake.wake;
    enum tt_status status = tt_intake_new(server->alloc, &intake, &server->intake, err);
    if (status != TT_OK) {
        return status;
    }
    struct tt_data_ingestor_options options = {
        .schema = &settings->schema,
        .intake = server->intake,
        .feed = server->options.feed,
        .book = &server->book,
        .find = find_transaction,
        .find_ctx = server,
        .seq_last = server->restore.seq_last,
        .watermark_ms = server->restore.watermark_ms,
        .last_close_ms = server->restore.last_close_ms,
    };
    return tt_assembly_ingest(&server->assembly, &options, err);
}

static enum tt_status add_sink(struct tt_server *server, struct tt_error *err)
{
    struct tt_sink_options options = {
        .context = &server->assembly.context,
        .store = server->store,
        .state = server->state,
        .trainer_token = server->restore.token,
        .schema = &server->options.settings->schema,
    };
    struct tt_stage *stage = NULL;
    enum tt_status status = tt_sink_new(&options, &stage, err);
    if (status == TT_OK) {
        status = tt_runner_add(server->assembly.runner, THREAD_SINK, stage, err);
    }
    if (status == TT_OK && server->options.observer != NULL) {
        status = tt_runner_add(server->assembly.runner, THREAD_SINK, server->options.observer, err);
    }
    return status;
}

/* The member of an object as text, or absent. */
static struct tt_str member(const struct tt_tree *object, const char *key)
{
    const struct tt_tree *node = tt_tree_get(object, key);
    return node != NULL && node->kind == TT_TREE_SCALAR ? node->text : (struct tt_str){NULL, 0};
}

/* What the person on call needs to see; whose account it is stands behind the id. */
static enum tt_status log_alert(void *ctx, const struct tt_notification *notification,
                                struct tt_error *err)
{
    struct tt_server *server = ctx;
    struct tt_arena arena;
    struct tt_tree *root = NULL;
    tt_arena_init(&arena, server->alloc, ALERT_BLOCK_SIZE, ALERT_SIZE_MAX);
    enum tt_status status = tt_json_parse_tree(&arena, notification->body, &root, err);
    if (status == TT_OK) {
        const struct tt_tree *anomaly = tt_tree_get(root, "data");
        const struct tt_tree *reasons = tt_tree_get(anomaly, "reasons");
        const struct tt_tree *first = reasons != NULL ? reasons->children : NULL;
        struct tt_str why = member(first, "message");
        tt_log(&server->log, TT_LOG_WARN, "alert",
               why.data != NULL ? why.data : "an anomaly was alerted",
               TT_LOG_STR("anomaly_id", notification->id),
               TT_LOG_STR("severity", member(anomaly, "severity")),
               TT_LOG_STR("decision", member(anomaly, "decision")),
               TT_LOG_STR("score", member(anomaly, "score")));
    }
    tt_arena_deinit(&arena);
    return status;
}

static enum tt_status open_notifiers(struct tt_server *server, struct tt_alerter_options *alerter,
                                     struct tt_error *err)
{
    const struct tt_config *config = &server->options.settings->config;
    enum tt_status status = TT_OK;
    if (config->alert_log) {
        struct tt_log_notifier_options options = {server->alloc, log_alert, server};
        status = tt_log_notifier_open(&options, &server->notifiers[server->notifier_count], err);
        if (status == TT_OK) {
            alerter->routes[alerter->route_count++] =
                (struct tt_route){"log", server->notifiers[server->notifier_count++]};
        }
    }
    if (status == TT_OK && config->webhook_url.data != NULL) {
        if (config->webhook_secret.data == NULL) {
            return tt_fail(err, TT_E_INVALID, "alerts.webhook.url needs alerts.webhook.secret");
        }
        if (config->webhook_private.count > TT_PRIVATE_HOSTS_MAX) {
            return tt_fail(err, TT_E_LIMIT, "alerts.webhook.allow_private: more than %d",
                           TT_PRIVATE_HOSTS_MAX);
        }
        for (size_t i = 0; i < config->webhook_private.count; i++) {
            server->allowed_private[i] = config->webhook_private.items[i].data;
        }
        struct tt_webhook_options options = {
            .alloc = server->alloc,
            .clock = &tt_clock_system,
            .url = config->webhook_url.data,
            .secret = config->webhook_secret.data,
            .timeout_ms = (uint32_t)config->webhook_timeout,
            .allowed_private = server->allowed_private,
            .allowed_private_count = config->webhook_private.count,
        };
        status = tt_webhook_open(&options, &server->notifiers[server->notifier_count], err);
        if (status == TT_OK) {
            alerter->routes[alerter->route_count++] =
                (struct tt_route){"webhook", server->notifiers[server->notifier_count++]};
        }
    }
    return status;
}

static enum tt_status add_alerter(struct tt_server *server, struct tt_error *err)
{
    struct tt_alerter_options options = {
        .context = &server->assembly.context,
        .store = server->store,
        .retry_for_ms = server->options.settings->config.webhook_retry,
    };
    struct tt_stage *stage = NULL;
    enum tt_status status = open_notifiers(server, &options, err);
    for (uint32_t i = 0; i < options.route_count && status == TT_OK; i++) {
        status =
            server->store->ops->open_route(server->store, tt_str_from(options.routes[i].name), err);
    }
    if (status == TT_OK) {
        status = tt_alerter_new(&options, &stage, err);
    }
    return status == TT_OK ? tt_runner_add(server->assembly.runner, THREAD_ALERTER, stage, err)
                           : status;
}

/* The status of each service, and with json NULL only the metrics that stages keep themselves. */
struct visit {
    struct tt_server *server;
    struct tt_json_writer *json;
    const char *last;
};

static void on_stage(void *ctx, const struct tt_stage *stage)
{
    struct visit *visit = ctx;
    struct tt_metrics *metrics = &visit->server->metrics;
    uint64_t events = __atomic_load_n(&stage->event_count, __ATOMIC_RELAXED);
    uint64_t batches = __atomic_load_n(&stage->batch_count, __ATOMIC_RELAXED);
    const char *name = stage->ops->name;
    if (visit->json == NULL) {
        /* a service of several stages is counted at its first */
        if (visit->last == NULL || strcmp(visit->last, name) != 0) {
            tt_metrics_copy_label(metrics, TT_METRIC_STAGE_EVENTS, name, events);
            tt_metrics_copy_label(metrics, TT_METRIC_STAGE_BATCHES, name, batches);
        }
    } else if (visit->last == NULL || strcmp(visit->last, name) != 0) {
        tt_json_object_begin(visit->json);
        tt_json_member_text(visit->json, "name", name);
        tt_json_member_text(visit->json, "status",
                            tt_server_failed(visit->server) ? "failed" : "ok");
        tt_json_object_end(visit->json);
    }
    visit->last = name;
}

static void write_services(void *ctx, struct tt_json_writer *json)
{
    struct visit visit = {ctx, json, NULL};
    tt_runner_each(visit.server->assembly.runner, on_stage, &visit);
    struct tt_server *server = visit.server;
    tt_metrics_copy_label(&server->metrics, TT_METRIC_LOG_LOST, NULL,
                          __atomic_load_n(&server->log.lost_count, __ATOMIC_RELAXED));
    if (json != NULL) {
        tt_json_object_begin(json);
        tt_json_member_text(json, "name", "dashboard-frontend");
        tt_json_member_text(json, "status", "ok");
        tt_json_object_end(json);
    }
}

static void open_api(struct tt_server *server)
{
    const struct tt_config *config = &server->options.settings->config;
    tt_api_init(&server->api);
    server->api_open = true;
    server->api.context = &server->assembly.context;
    server->api.auth = &server->auth;
    server->api.store = server->store;
    server->api.intake = server->intake;
    server->api.schema = &server->options.settings->schema;
    server->api.cache = server->cache;
    server->api.book = &server->book;
    server->api.rules_coverage_min = (uint32_t)config->rules_coverage_min;
    server->api.rules_in_database = tt_str_equal_text(config->rules_master, "database");
    server->api.hosts = config->http_hosts.items;
    server->api.host_count = config->http_hosts.count;
    server->api.address = config->http_address;
    server->api.rate_limit = (uint64_t)config->rate_limit;
    server->api.transactions_before = server->restore.counts.transactions;
    server->api.anomalies_before = server->restore.counts.anomalies;
    server->api.services = write_services;
    server->api.services_ctx = server;
    server->api.dashboard = tt_dashboard_serve;
}

/* Over the bus in memory, all nine live in one process. */
static enum tt_status check_services(const struct tt_config *config, struct tt_error *err)
{
    static const char *const names[] = {"data-ingestor", "feature-engineer",   "stat-detector",
                                        "ml-detector",   "rule-engine",        "anomaly-aggregator",
                                        "api-server",    "dashboard-frontend", "alerter"};
    for (size_t i = 0; i < TT_ARRAY_SIZE(names); i++) {
        if (!tt_config_has_service(config, names[i])) {
            return tt_fail(err, TT_E_UNSUPPORTED,
                           "services: without '%s': only all nine together run over the bus in "
                           "memory; say `all`",
                           names[i]);
        }
    }
    return TT_OK;
}

/* What a restart rebuilds the windows from must not have been dropped. */
static enum tt_status check_retention(const struct tt_settings *settings, struct tt_error *err)
{
    int64_t kept_ms = settings->config.store_retention;
    int64_t needed_ms = tt_plan_retention_ms(settings->engine->plan);
    if (kept_ms == 0 || kept_ms >= needed_ms) {
        return TT_OK;
    }
    return tt_fail(err, TT_E_INVALID,
                   "store.retention: the feature set looks back %lld days: keep at least as much, "
                   "or a restart cannot rebuild its windows",
                   (long long)((needed_ms + TT_MS_PER_DAY - 1) / TT_MS_PER_DAY));
}

/* A day's columns go with its rows; also those of days that went while nobody looked. */
static enum tt_status drop_segments(struct tt_server *server, struct tt_error *err)
{
    struct tt_history_counts counts;
    char folder[4096];
    (void)snprintf(folder, sizeof folder, "%.4000s/segments", server->options.data_dir);
    struct tt_history history = {.alloc = server->alloc, .store = server->store, .folder = folder};
    return tt_history_drop_gone(&history, &counts, err);
}

/* The newest day that is stored, and not the clock, says what is old: a file of last year is not
 * dropped while it is read. */
void tt_server_upkeep(struct tt_server *server)
{
    int64_t kept_ms = server->options.settings->config.store_retention;
    int64_t now_ns = tt_clock_monotonic_ns(&tt_clock_system);
    if (kept_ms == 0 || now_ns < server->upkeep_at_ns) {
        return;
    }
    server->upkeep_at_ns = now_ns + UPKEEP_NS;
    struct tt_store_counts before, after;
    struct tt_error err = {0};
    struct tt_store *store = server->store;
    enum tt_status status = store->ops->counts(store, &before, &err);
    if (status == TT_OK && before.day_last_ms != TT_TIME_NONE) {
        status = store->ops->drop_before(store, before.day_last_ms - kept_ms, &err);
    }
    if (status == TT_OK) {
        status = store->ops->counts(store, &after, &err);
    }
    if (status == TT_OK) {
        status = drop_segments(server, &err);
    }
    if (status != TT_OK) {
        tt_log_error(&server->log, "retention_failed", &err);
    } else if (after.transactions < before.transactions) {
        tt_log(&server->log, TT_LOG_INFO, "old_days_dropped", "transactions past the retention",
               TT_LOG_INT("transactions", before.transactions - after.transactions));
    }
}

enum tt_status tt_server_open(struct tt_server *server, const struct tt_server_options *options,
                              struct tt_error *err)
{
    memset(server, 0, sizeof *server);
    server->options = *options;
    const struct tt_config *config = &options->settings->config;
    tt_log_init(&server->log, options->log_fd, tt_log_level_find(config->log_level),
                &tt_clock_system);
    tt_metrics_init(&server->metrics);
    tt_metrics_set_label(&server->metrics, TT_METRIC_BUILD_INFO, TT_VERSION, 1.0);
    enum tt_status status = check_services(config, err);
    if (status == TT_OK) {
        status = check_retention(options->settings, err);
    }
    if (status == TT_OK) {
        status = tt_server_open_auth(server, options->settings, options->data_dir, err);
    }
    if (status == TT_OK) {
        status = open_store(server, err);
    }
    if (status == TT_OK) {
        status = open_engine(server, err);
    }
    if (status == TT_OK) {
        status = add_ingestor(server, err);
    }
    if (status == TT_OK) {
        status = add_sink(server, err);
    }
    if (status == TT_OK) {
        status = add_alerter(server, err);
    }
    if (status == TT_OK) {
        open_api(server);
    } else {
        tt_server_close(server);
    }
    return status;
}

static enum tt_status listen_on(struct tt_server *server, struct tt_str address, int64_t port,
                                tt_http_handler *handler, struct tt_api *api,
                                struct tt_http_server **ret, struct tt_error *err)
{
    const struct tt_config *config = &server->options.settings->config;
    struct tt_microhttpd_options options = {
        .alloc = server->alloc,
        .http =
            {
                .address = address.data,
                .port = (uint16_t)port,
                .body_size_max = (uint64_t)config->http_body_max,
                .connections_max = (uint32_t)config->http_connections_max,
                .idle_timeout_ms = (uint32_t)config->http_idle_timeout,
                .handler = handler,
                .ctx = api,
            },
        .threads = LISTENER_THREADS,
    };
    return tt_microhttpd_open(&options, ret, err);
}

enum tt_status tt_server_start(struct tt_server *server, struct tt_error *err)
{
    const struct tt_config *config = &server->options.settings->config;
    enum tt_status status = listen_on(server, config->http_address, config->http_port,
                                      tt_api_handle, &server->api, &server->http, err);
    if (status != TT_OK) {
        return status;
    }
    __atomic_store_n(&server->api.server, server->http, __ATOMIC_RELEASE);
    if (config->ops_port >= 0) {
        server->ops_api = server->api;
        status = listen_on(server, config->ops_address, config->ops_port, tt_api_handle_ops,
                           &server->ops_api, &server->ops, err);
        if (status != TT_OK) {
            return status;
        }
        server->ops_api.server = server->ops;
    }
    status = tt_runner_start(server->assembly.runner, err);
    if (status == TT_OK) {
        int64_t now_ms = tt_clock_now_ms(&tt_clock_system);
        __atomic_store_n(&server->api.ready_ms, now_ms, __ATOMIC_RELEASE);
        __atomic_store_n(&server->ops_api.ready_ms, now_ms, __ATOMIC_RELEASE);
        tt_log(&server->log, TT_LOG_INFO, "ready", "accepting transactions",
               TT_LOG_STR("address", config->http_address),
               TT_LOG_INT("port", tt_server_port(server)), TT_LOG_TEXT("version", TT_VERSION),
               TT_LOG_TEXT("data_dir", server->options.data_dir));
    }
    return status;
}

uint16_t tt_server_port(const struct tt_server *server)
{
    return server->http->ops->port(server->http);
}

bool tt_server_failed(const struct tt_server *server)
{
    return server->assembly_open && tt_runner_failed(server->assembly.runner);
}

void tt_server_begin_drain(struct tt_server *server)
{
    __atomic_store_n(&server->api.draining, true, __ATOMIC_RELEASE);
    __atomic_store_n(&server->ops_api.draining, true, __ATOMIC_RELEASE);
    server->drain_since_ns = tt_clock_monotonic_ns(&tt_clock_system);
    tt_runner_drain(server->assembly.runner);
}

enum tt_status tt_server_wait_drained(struct tt_server *server, int64_t timeout_ms,
                                      struct tt_error *err)
{
    enum tt_status status = tt_runner_wait(server->assembly.runner, timeout_ms, err);
    int64_t passed_ms =
        (tt_clock_monotonic_ns(&tt_clock_system) - server->drain_since_ns) / 1000000;
    if (status == TT_E_TIMEOUT && passed_ms > server->options.settings->config.drain_timeout) {
        status = tt_fail(err, TT_E_LIMIT, "not drained within %lld ms: %zu events under way",
                         (long long)server->options.settings->config.drain_timeout,
                         tt_event_pool_used(&server->assembly.pool));
    }
    server->drained = status == TT_OK;
    if (status != TT_E_TIMEOUT) {
        tt_log(&server->log, status == TT_OK ? TT_LOG_INFO : TT_LOG_ERROR, "drained",
               status == TT_OK ? "everything under way was finished" : err->message);
    }
    return status;
}

/* A restart then has nothing to replay. What cannot be saved is told, and made again by that replay. */
static void save_at_stop(struct tt_server *server)
{
    uint64_t position = server->assembly.durable_seq;
    struct tt_snapshots *snapshots = snapshots_of(server);
    if (snapshots == NULL || !server->drained || !tt_snapshots_worth(snapshots, position)) {
        return;
    }
    struct tt_error err = {0};
    if (tt_save_snapshot(&server->restore, snapshots, &server->assembly, position, &err) != TT_OK) {
        tt_log_error(&server->log, "snapshot_failed", &err);
    }
}

/* In the order that nobody is left with what is gone: first the stages, which answer; then the
 * listener; then what both used. */
void tt_server_close(struct tt_server *server)
{
    if (server->assembly_open) {
        tt_runner_stop(server->assembly.runner);
        save_at_stop(server);
    }
    if (server->intake != NULL) {
        tt_intake_free(server->intake);
    }
    if (server->ops != NULL) {
        server->ops->ops->close(server->ops);
    }
    if (server->http != NULL) {
        server->http->ops->close(server->http);
    }
    if (server->assembly_open) {
        tt_assembly_close(&server->assembly);
    }
    if (server->api_open) {
        tt_api_deinit(&server->api);
    }
    tt_setup_unref(server->restore.setup);
    if (server->book_open) {
        tt_rule_book_deinit(&server->book);
    }
    for (uint32_t i = 0; i < server->notifier_count; i++) {
        server->notifiers[i]->ops->close(server->notifiers[i]);
    }
    tt_api_keys_close(server->keys);
    if (server->signer != NULL) {
        server->signer->ops->close(server->signer);
    }
    if (server->cache != NULL) {
        server->cache->ops->close(server->cache);
    }
    tt_restore_deinit(&server->restore);
    tt_snapshots_close(&server->snapshots);
    if (server->state != NULL) {
        server->state->ops->close(server->state);
    }
    if (server->store != NULL) {
        server->store->ops->close(server->store);
    }
    memset(server, 0, sizeof *server);
}
