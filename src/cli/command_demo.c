/* telltale demo: the whole server in one process on synthetic labelled traffic. */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/system/clock.h"
#include "cli/commands.h"
#include "cli/demo_observer.h"
#include "cli/server.h"
#include "cli/sim_feed.h"
#include "runtime/signals.h"

#define HISTORY_MS (14 * TT_MS_PER_DAY)
#define CUSTOMERS 43200
#define RATE 1.5 /* payments of a customer against the generator's mean: 1.5 rows a second in all */
#define BOOST_MS (2 * TT_MS_PER_MINUTE)
#define BOOST_EPISODES 2
#define WATCH_MS 100

const struct tt_cli_option tt_options_demo[] = {
    {"for", "DURATION", "live traffic for so long, then a summary; default: until stopped"},
    {"headless", NULL, "no dashboard link, no list of anomalies: the summary at the end"},
    {"keep", "FOLDER", "keep the database there; default: a temporary folder"},
    {"seed", "N", "another world of customers (1)"},
    {"history", "DURATION", "generated history that warms up the windows (14d)"},
    {"port", "PORT", "port of the dashboard (8080, or any free one)"},
    {NULL, NULL, NULL},
};

struct demo {
    struct tt_cli *cli;
    struct tt_settings settings;
    struct tt_server *server;
    const struct tt_context *context;
    struct tt_feed *feed;
    struct tt_demo_summary summary;
    int64_t started_ns; /* monotonic */
    int64_t live_ns;    /* atomic; 0 = not yet */
    int64_t for_ms, seed, history_ms, port;
    bool headless;
    char folder[4096];
    bool temporary;
};

static int read_options(struct demo *demo)
{
    const struct tt_cli *cli = demo->cli;
    demo->for_ms = -1;
    demo->seed = 1;
    demo->history_ms = HISTORY_MS;
    demo->port = 8080;
    demo->headless = tt_cli_value(cli, "headless") != NULL;
    bool good = tt_cli_duration(cli, "for", &demo->for_ms) &&
                tt_cli_duration(cli, "history", &demo->history_ms) &&
                tt_cli_integer(cli, "seed", 0, INT64_MAX, &demo->seed) &&
                tt_cli_integer(cli, "port", 0, 65535, &demo->port);
    if (good && cli->word_count > 0) {
        return tt_cli_fail(TT_EXIT_USAGE, "demo: '%s' is one word too many", cli->words[0]);
    }
    return good ? TT_EXIT_OK : TT_EXIT_USAGE;
}

static int make_folder(struct demo *demo)
{
    const char *keep = tt_cli_value(demo->cli, "keep");
    if (keep != NULL) {
        struct tt_error err = {0};
        const char *folder = NULL;
        demo->settings.config.data_dir = tt_str_from(keep);
        if (tt_settings_data_dir(&demo->settings, &folder, &err) != TT_OK) {
            return tt_cli_fail_error(&err);
        }
        (void)snprintf(demo->folder, sizeof demo->folder, "%s", folder);
        return TT_EXIT_OK;
    }
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(demo->folder, sizeof demo->folder, "%s/telltale-demo-XXXXXX",
                   tmp != NULL && tmp[0] != '\0' ? tmp : "/tmp");
    if (mkdtemp(demo->folder) == NULL) {
        return tt_cli_fail(TT_EXIT_FAILED, "cannot make a temporary folder");
    }
    demo->temporary = true;
    return TT_EXIT_OK;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

static enum tt_status open_feed(struct demo *demo, struct tt_error *err)
{
    int64_t now_ms = tt_clock_now_ms(&tt_clock_system);
    struct tt_sim_feed_options options = {
        .sim = tt_sim_options_default(),
        .clock = &tt_clock_system,
        .live_ms = now_ms,
    };
    options.sim.seed = (uint64_t)demo->seed;
    options.sim.customers = CUSTOMERS;
    options.sim.merchants = CUSTOMERS / 4;
    options.sim.rate = RATE;
    options.sim.start_ms = now_ms - demo->history_ms;
    options.sim.boost = (struct tt_sim_boost){
        .from_ms = now_ms,
        .until_ms =
            now_ms + (demo->for_ms > 0 && demo->for_ms < BOOST_MS ? demo->for_ms : BOOST_MS),
        .factor = 1.0,
        .each_min = BOOST_EPISODES,
    };
    return tt_sim_feed_open(demo->settings.alloc, &options, &demo->feed, err);
}

/* The configured port, or any free one when it is taken and nobody asked for it. */
static enum tt_status start(struct demo *demo, struct tt_error *err)
{
    demo->settings.config.http_port = demo->port;
    enum tt_status status = tt_server_start(demo->server, err);
    if (status == TT_E_IO && tt_cli_value(demo->cli, "port") == NULL) {
        demo->settings.config.http_port = 0;
        status = tt_server_start(demo->server, err);
    }
    return status;
}

/* Runs in the sink's thread, which prints the anomalies too. */
static void announce_live(void *ctx)
{
    struct demo *demo = ctx;
    int64_t now_ns = tt_clock_monotonic_ns(&tt_clock_system);
    __atomic_store_n(&demo->live_ns, now_ns, __ATOMIC_RELEASE);
    if (demo->cli->verbosity < 0) {
        return;
    }
    FILE *to = demo->cli->json ? stderr : stdout;
    (void)fprintf(
        to,
        "             %llu transactions in %.1f s\n"
        "  live       about %.1f transactions/s; more fraud than usual for the first two "
        "minutes,\n             so that every kind of it shows\n\n",
        (unsigned long long)__atomic_load_n(&demo->summary.history_count, __ATOMIC_RELAXED),
        (double)(now_ns - demo->started_ns) / 1e9, RATE * CUSTOMERS / 43200.0);
    (void)fflush(to);
}

static enum tt_status open_server(struct demo *demo, struct tt_error *err)
{
    struct tt_stage *observer = NULL;
    struct tt_demo_observer_options observe = {
        .context = &demo->context,
        .alloc = demo->settings.alloc,
        .clock = &tt_clock_system,
        .summary = &demo->summary,
        .on_live = announce_live,
        .ctx = demo,
        .json = demo->cli->json,
        .quiet = demo->headless || demo->cli->verbosity < 0,
        .colour = isatty(STDOUT_FILENO) != 0 && getenv("NO_COLOR") == NULL,
    };
    enum tt_status status = open_feed(demo, err);
    if (status == TT_OK) {
        status = tt_demo_observer_new(&observe, &observer, err);
    }
    if (status != TT_OK) {
        return status;
    }
    demo->settings.config.alert_budget = 0;  /* its days last minutes */
    demo->settings.config.alert_log = false; /* anomalies are printed as they come */
    struct tt_server_options options = {
        .settings = &demo->settings,
        .data_dir = demo->folder,
        .feed = demo->feed,
        .process_durability = true,
        .log_fd = STDERR_FILENO,
        .observer = observer,
    };
    if (demo->cli->verbosity <= 0) {
        demo->settings.config.log_level = TT_STR("error");
    }
    status = tt_server_open(demo->server, &options, err);
    if (status == TT_OK) {
        demo->context = &demo->server->assembly.context;
        status = start(demo, err);
    }
    return status;
}

static void greet(struct demo *demo)
{
    FILE *to = demo->cli->json ? stderr : stdout;
    if (demo->cli->verbosity < 0) {
        return;
    }
    struct tt_buf code;
    struct tt_error err;
    tt_buf_init(&code, demo->settings.alloc, 8192);
    (void)fprintf(to, "Telltale %s on synthetic traffic; nothing leaves this machine.\n\n",
                  TT_VERSION);
    (void)fprintf(to, "  address    http://%s:%u\n", demo->settings.config.http_address.data,
                  tt_server_port(demo->server));
    if (!demo->headless &&
        tt_auth_code(&demo->server->auth, TT_ROLE_ANALYST, &code, &err) == TT_OK) {
        (void)fprintf(to,
                      "  dashboard  http://%s:%u/app/#token=%.*s\n"
                      "             (signs in once, within five minutes)\n",
                      demo->settings.config.http_address.data, tt_server_port(demo->server),
                      (int)code.size, code.data);
    }
    (void)fprintf(to, "  history    generating and scoring %lld days …\n",
                  (long long)(demo->history_ms / TT_MS_PER_DAY));
    (void)fflush(to);
    tt_buf_deinit(&code);
}

/* Until the time is up, a signal comes or the pipeline fails. */
static int watch(struct demo *demo)
{
    for (;;) {
        enum tt_signal signal = tt_signals_wait(WATCH_MS);
        if (tt_server_failed(demo->server)) {
            return tt_cli_fail(TT_EXIT_FAILED, "stopped: %s", demo->server->failure);
        }
        if (signal == TT_SIGNAL_INTERRUPT && demo->for_ms >= 0) {
            return TT_EXIT_INTERRUPTED;
        }
        if (signal == TT_SIGNAL_INTERRUPT || signal == TT_SIGNAL_STOP) {
            return TT_EXIT_OK;
        }
        int64_t live_ns = __atomic_load_n(&demo->live_ns, __ATOMIC_ACQUIRE);
        int64_t now_ns = tt_clock_monotonic_ns(&tt_clock_system);
        if (demo->for_ms >= 0 && live_ns != 0 && now_ns - live_ns >= demo->for_ms * 1000000) {
            return TT_EXIT_OK;
        }
    }
}

static double ratio(uint64_t part, uint64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0.0;
}

static double seconds_to_first(const struct demo *demo)
{
    int64_t first_ns = demo->summary.first_anomaly_ns;
    return first_ns == 0 ? -1.0 : (double)(first_ns - demo->started_ns) / 1e9;
}

static void print_json(const struct demo *demo, double p50_ms, double p99_ms)
{
    const struct tt_demo_summary *summary = &demo->summary;
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, 64u << 10);
    struct tt_json_writer json;
    tt_json_writer_init(&json, &buf);
    tt_json_object_begin(&json);
    tt_json_member_int64(&json, "transactions", (int64_t)summary->transactions);
    tt_json_member_int64(&json, "history", (int64_t)summary->history_count);
    tt_json_member_int64(&json, "anomalies", (int64_t)summary->anomalies);
    tt_json_member_int64(&json, "explained", (int64_t)summary->explained);
    tt_json_member_int64(&json, "alerts", (int64_t)summary->alerts);
    tt_json_key(&json, "seconds_to_first_anomaly");
    if (summary->first_anomaly_ns == 0) {
        tt_json_null(&json);
    } else {
        tt_json_double(&json, seconds_to_first(demo));
    }
    tt_json_member_int64(&json, "frauds", (int64_t)summary->frauds);
    tt_json_member_double(&json, "precision", ratio(summary->anomalous_frauds, summary->anomalies));
    tt_json_member_double(&json, "recall", ratio(summary->anomalous_frauds, summary->frauds));
    tt_json_member_double(&json, "alerts_per_1000",
                          1000.0 * ratio(summary->alerts, summary->transactions));
    tt_json_key(&json, "recall_by_kind");
    tt_json_object_begin(&json);
    for (unsigned i = 1; i < TT_SIM_KIND_COUNT; i++) {
        tt_json_key(&json, tt_sim_kind_name(i));
        tt_json_object_begin(&json);
        tt_json_member_int64(&json, "frauds", (int64_t)summary->kinds[i].rows);
        tt_json_member_int64(&json, "found", (int64_t)summary->kinds[i].anomalous);
        tt_json_member_double(&json, "recall",
                              ratio(summary->kinds[i].anomalous, summary->kinds[i].rows));
        tt_json_object_end(&json);
    }
    tt_json_object_end(&json);
    tt_json_key(&json, "latency_ms");
    tt_json_object_begin(&json);
    tt_json_member_double(&json, "p50", p50_ms);
    tt_json_member_double(&json, "p99", p99_ms);
    tt_json_object_end(&json);
    tt_json_object_end(&json);
    (void)printf("%s\n", buf.data);
    tt_buf_deinit(&buf);
}

static void print_text(const struct demo *demo, double p50_ms, double p99_ms)
{
    const struct tt_demo_summary *summary = &demo->summary;
    (void)printf("\n%llu transactions, %llu anomalies, %llu alerts (%.1f per 1,000)\n",
                 (unsigned long long)summary->transactions, (unsigned long long)summary->anomalies,
                 (unsigned long long)summary->alerts,
                 1000.0 * ratio(summary->alerts, summary->transactions));
    if (summary->first_anomaly_ns != 0) {
        (void)printf("first anomaly %.1f s after the start\n", seconds_to_first(demo));
    }
    (void)printf("precision %.2f; recall %.2f of %llu frauds:\n",
                 ratio(summary->anomalous_frauds, summary->anomalies),
                 ratio(summary->anomalous_frauds, summary->frauds),
                 (unsigned long long)summary->frauds);
    for (unsigned i = 1; i < TT_SIM_KIND_COUNT; i++) {
        const struct tt_demo_kind *kind = &summary->kinds[i];
        (void)printf("  %-22s %4llu of %4llu found\n", tt_sim_kind_name(i),
                     (unsigned long long)kind->anomalous, (unsigned long long)kind->rows);
    }
    (void)printf("latency to a durable decision: p50 %.2f ms, p99 %.2f ms\n", p50_ms, p99_ms);
}

static void summarise(const struct demo *demo)
{
    const struct tt_metrics *metrics = &demo->server->metrics;
    double p50_ms = (double)tt_metrics_quantile(metrics, TT_METRIC_LATENCY, 0.5) / 1e6;
    double p99_ms = (double)tt_metrics_quantile(metrics, TT_METRIC_LATENCY, 0.99) / 1e6;
    if (demo->cli->json) {
        print_json(demo, p50_ms, p99_ms);
    } else {
        print_text(demo, p50_ms, p99_ms);
    }
}

static int run(struct demo *demo)
{
    struct tt_error err = {0};
    if (open_server(demo, &err) != TT_OK) {
        return tt_cli_fail_error(&err);
    }
    greet(demo);
    int code = watch(demo);
    if (code == TT_EXIT_OK) {
        tt_server_begin_drain(demo->server);
        enum tt_status status = tt_server_wait_drained(demo->server, 10000, &err);
        code = status == TT_OK ? code : tt_cli_fail_error(&err);
    }
    if (code == TT_EXIT_OK) {
        summarise(demo);
    }
    return code;
}

static void clean_up(struct demo *demo)
{
    if (demo->server != NULL) {
        if (demo->server->alloc != NULL) {
            tt_server_close(demo->server);
        }
        tt_delete(demo->settings.alloc, demo->server, sizeof *demo->server);
    }
    if (demo->feed != NULL) {
        tt_feed_close(demo->feed);
    }
    if (demo->temporary) {
        (void)nftw(demo->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    }
    tt_settings_close(&demo->settings);
}

int tt_command_demo(struct tt_cli *cli)
{
    struct demo demo = {.cli = cli, .started_ns = tt_clock_monotonic_ns(&tt_clock_system)};
    int code = read_options(&demo);
    if (code != TT_EXIT_OK) {
        return code;
    }
    tt_signals_init();
    struct tt_error err = {0};
    if (tt_settings_open(&demo.settings, cli, &err) != TT_OK) {
        return tt_cli_fail_error(&err);
    }
    demo.server = tt_new_array(demo.settings.alloc, 1, sizeof *demo.server);
    if (demo.server == NULL ||
        tt_settings_engine(&demo.settings, NULL, NULL, NULL, &err) != TT_OK) {
        code = tt_cli_fail_error(&err);
    }
    if (code == TT_EXIT_OK) {
        code = make_folder(&demo);
    }
    if (code == TT_EXIT_OK) {
        code = run(&demo);
    }
    clean_up(&demo);
    return code;
}
