/* The rules of a running server: which version is in force, and how another one gets there. */
#include <string.h>
#include <sys/stat.h>

#include "adapters/system/clock.h"
#include "cli/rule_lists.h"
#include "cli/server.h"
#include "runtime/files.h"

#define WATCH_NS INT64_C(1000000000)
#define AUTHOR "configuration"

static bool in_database(const struct tt_server *server)
{
    return tt_str_equal_text(server->options.settings->config.rules_master, "database");
}

struct newest {
    uint64_t version;
    bool live;
};

static bool on_newest(void *ctx, const struct tt_row_rules *row)
{
    struct newest *newest = ctx;
    *newest = (struct newest){row->version, row->live};
    return true;
}

static enum tt_status find_newest(struct tt_server *server, struct newest *ret,
                                  struct tt_error *err)
{
    *ret = (struct newest){0};
    return server->store->ops->list_rules(server->store, on_newest, ret, err);
}

static struct tt_rule_change change_of(const char *reason)
{
    return (struct tt_rule_change){TT_STR(AUTHOR), tt_str_from(reason),
                                   tt_clock_now_ms(&tt_clock_system), 0};
}

enum tt_status tt_server_rules_open(struct tt_server *server, struct tt_error *err)
{
    const struct tt_settings *settings = server->options.settings;
    struct newest newest;
    tt_rule_book_init(&server->book, server->alloc, settings->engine, server->store);
    server->book_open = true;
    server->restore.database = in_database(server);
    enum tt_status status = find_newest(server, &newest, err);
    if (status != TT_OK || newest.version != 0) {
        return status;
    }
    struct tt_rule_change change = change_of("the first start with this data folder");
    struct tt_row_rules row = {
        .setup = settings->engine->setup->hash,
        .text = settings->rules.text,
        .author = change.author,
        .reason = change.reason,
        .at_ms = change.at_ms,
        .live = true,
    };
    uint64_t version = 0;
    return server->store->ops->put_rules(server->store, &row, &version, err);
}

enum tt_status tt_server_rules_settle(struct tt_server *server, struct tt_error *err)
{
    const struct tt_settings *settings = server->options.settings;
    const struct tt_restore *restore = &server->restore;
    struct tt_hash128 none = {0, 0};
    struct newest newest;
    uint64_t version = 0;
    enum tt_status status = find_newest(server, &newest, err);
    if (status != TT_OK) {
        return status;
    }
    /* rules that learning began anew with have no mark yet: they get one */
    tt_rule_book_start(&server->book, restore->relearn ? none : restore->setup->hash,
                       newest.version);
    if (!in_database(server)) {
        struct tt_rule_change change =
            change_of(restore->relearn ? "the configuration changed while the server was stopped"
                                       : "the rules file changed while the server was stopped");
        return tt_rule_book_publish(&server->book, &settings->rules, &change, &version, err);
    }
    if (!newest.live && !restore->relearn) {
        return tt_rule_book_offer(&server->book, newest.version, err);
    }
    struct tt_rule_change change =
        change_of("the configuration changed while the server was stopped");
    return tt_rule_book_rollback(&server->book, newest.version, &change, &version, err);
}

/* ---- while it runs ---- */

static void reload(struct tt_server *server, bool quiet)
{
    struct tt_settings *settings = server->options.settings;
    const char *path = settings->config.rules_file.data;
    struct tt_error err = {0};
    struct tt_buf text;
    if (in_database(server) || path == NULL) {
        tt_log(&server->log, TT_LOG_WARN, "reload_ignored",
               path == NULL ? "the rules are built in: rules.file names none"
                            : "the rules are in the database: change them by the API");
        return;
    }
    /* only this thread changes versions where files are the master */
    uint64_t before = server->book.wanted_version, version = before;
    tt_buf_init(&text, server->alloc, TT_ENGINE_FILE_MAX);
    enum tt_status status = tt_file_read(path, &text, &err);
    if (status == TT_OK) {
        struct tt_engine_source source = {path, tt_buf_str(&text), tt_rule_list_read};
        struct tt_rule_change change = change_of("the rules file changed");
        status = tt_rule_book_publish(&server->book, &source, &change, &version, &err);
    }
    tt_buf_deinit(&text);
    if (status != TT_OK) {
        tt_log_error(&server->log, "rules_refused", &err);
    } else if (!quiet || version != before) {
        tt_log(&server->log, TT_LOG_INFO, version == before ? "rules_unchanged" : "rules_reloaded",
               version == before ? "the rules file says what is in force already"
                                 : "the rules file was read again",
               TT_LOG_INT("version", version));
    }
}

void tt_server_rules_reload(struct tt_server *server)
{
    reload(server, false);
}

static bool look(const struct tt_server *server, struct tt_server_file *ret)
{
    struct stat info;
    const char *path = server->options.settings->config.rules_file.data;
    if (path == NULL || stat(path, &info) != 0) {
        return false;
    }
    *ret = (struct tt_server_file){
        .inode = (uint64_t)info.st_ino,
        .size = (int64_t)info.st_size,
        .changed_ns = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec,
    };
    return true;
}

void tt_server_rules_watch(struct tt_server *server)
{
    int64_t now_ns = tt_clock_monotonic_ns(&tt_clock_system);
    struct tt_server_file now;
    if (!server->options.settings->config.rules_watch || in_database(server) ||
        now_ns < server->watch_at_ns || !look(server, &now)) {
        return;
    }
    bool first = server->watch_at_ns == 0;
    bool same = now.inode == server->rules_file.inode && now.size == server->rules_file.size &&
                now.changed_ns == server->rules_file.changed_ns;
    server->watch_at_ns = now_ns + WATCH_NS;
    server->rules_file = now;
    if (first || !same) { /* it may have changed since it was read at start */
        reload(server, first);
    }
}
