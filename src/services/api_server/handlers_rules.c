/* GET and POST /rules…: the rules in force with their hits, their versions, a new version, rollback. */
#include <string.h>

#include "format/json_read.h"
#include "services/api_server/call.h"
#include "services/pipeline/rule_book.h"

#define NAME_OF_TEXT "rules"
#define REASON_SIZE_MAX 1000

static bool failed(struct tt_call *call, const struct tt_error *err)
{
    return tt_call_problem(call, 503, "store_failed", "%s", err->message);
}

/* The newest version that is live, and the newest of all. */
struct newest {
    uint64_t live, live_seq, all;
};

static bool on_newest(void *ctx, const struct tt_row_rules *row)
{
    struct newest *newest = ctx;
    newest->all = row->version;
    if (row->live && row->live_seq >= newest->live_seq) {
        newest->live = row->version;
        newest->live_seq = row->live_seq;
    }
    return true;
}

static void write_rule(struct tt_json_writer *json, const struct tt_setup *setup, uint32_t index)
{
    static const char *const modes[] = {"", "live", "shadow", "off"};
    struct tt_rule_info info;
    tt_rules_info(setup->rules, index, &info);
    tt_json_object_begin(json);
    tt_json_member_string(json, "id", info.id);
    tt_json_member_text(json, "mode", modes[info.mode]);
    tt_json_member_text(json, "severity", tt_severity_name(info.severity));
    tt_json_member_text(json, "decision", tt_verdict_name(info.verdict));
    tt_json_member_double(json, "score", info.score);
    tt_json_member_string(json, "description", info.description);
    tt_json_member_string(json, "owner", info.owner);
    tt_json_member_string(json, "when", info.when);
    tt_json_key(json, "hits");
    tt_json_uint64(json, __atomic_load_n(&setup->hits[index], __ATOMIC_RELAXED));
    tt_json_object_end(json);
}

bool get_rules(struct tt_call *call)
{
    struct tt_api *api = call->api;
    struct newest newest = {0};
    struct tt_error err = {0};
    if (api->store->ops->list_rules(api->store, on_newest, &newest, &err) != TT_OK) {
        return failed(call, &err);
    }
    struct tt_bundle *bundle = tt_bundles_current(api->context->bundles);
    const struct tt_setup *setup = bundle->setup;
    struct tt_json_writer json;
    char hash[33];
    tt_hash128_hex(setup->hash, hash);
    tt_json_writer_init(&json, &call->body);
    tt_json_object_begin(&json);
    tt_json_member_text(&json, "master", api->rules_in_database ? "database" : "files");
    tt_json_key(&json, "version");
    tt_json_uint64(&json, newest.live);
    tt_json_key(&json, "live_from");
    tt_json_uint64(&json, newest.live_seq + 1);
    tt_json_key(&json, "newest");
    tt_json_uint64(&json, newest.all);
    tt_json_member_text(&json, "setup", hash);
    tt_json_key(&json, "rules");
    tt_json_array_begin(&json);
    uint32_t count = setup->rules != NULL ? tt_rules_count(setup->rules) : 0;
    for (uint32_t i = 0; i < count; i++) {
        write_rule(&json, setup, i);
    }
    tt_json_array_end(&json);
    tt_json_object_end(&json);
    tt_bundle_unref(bundle);
    return tt_call_json(call, 200);
}

/* ---- versions ---- */

static void write_version(struct tt_json_writer *json, const struct tt_row_rules *row, bool text)
{
    char hash[33];
    tt_hash128_hex(row->setup, hash);
    tt_json_object_begin(json);
    tt_json_key(json, "version");
    tt_json_uint64(json, row->version);
    tt_json_member_string(json, "author", row->author);
    tt_json_member_string(json, "reason", row->reason);
    tt_json_key(json, "at");
    tt_json_time(json, row->at_ms);
    tt_json_member_text(json, "setup", hash);
    tt_json_key(json, "live_from");
    if (row->live) {
        tt_json_uint64(json, row->live_seq + 1);
    } else {
        tt_json_null(json);
    }
    if (text) {
        tt_json_member_string(json, "rules", row->text);
    }
    tt_json_object_end(json);
}

static bool on_listed(void *ctx, const struct tt_row_rules *row)
{
    write_version(ctx, row, false);
    return true;
}

bool get_rule_versions(struct tt_call *call)
{
    struct tt_error err = {0};
    struct tt_json_writer json;
    struct tt_store *store = call->api->store;
    tt_json_writer_init(&json, &call->body);
    tt_json_object_begin(&json);
    tt_json_key(&json, "items");
    tt_json_array_begin(&json);
    if (store->ops->list_rules(store, on_listed, &json, &err) != TT_OK) {
        tt_buf_clear(&call->body);
        return failed(call, &err);
    }
    tt_json_array_end(&json);
    tt_json_object_end(&json);
    return tt_call_json(call, 200);
}

struct one {
    struct tt_json_writer json;
    uint64_t version;
    bool found;
};

static bool on_one(void *ctx, const struct tt_row_rules *row)
{
    struct one *one = ctx;
    if (row->version == one->version) {
        one->found = true;
        write_version(&one->json, row, true);
    }
    return !one->found;
}

static bool parse_version(struct tt_str text, uint64_t *ret)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || value > INT64_MAX / 10 - 1) {
            return false;
        }
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    *ret = value;
    return text.size > 0 && value > 0;
}

bool get_rule_version(struct tt_call *call)
{
    struct one one = {0};
    struct tt_error err = {0};
    struct tt_store *store = call->api->store;
    tt_json_writer_init(&one.json, &call->body);
    if (parse_version(call->segment, &one.version) &&
        store->ops->list_rules(store, on_one, &one, &err) != TT_OK) {
        return failed(call, &err);
    }
    return one.found ? tt_call_json(call, 200)
                     : tt_call_problem(call, 404, "no_such_version",
                                       "there is no version of this number");
}

/* ---- changing ---- */

static bool answer_change(struct tt_call *call, enum tt_status status, uint64_t version,
                          const struct tt_error *err)
{
    switch (status) {
    case TT_OK:
        break;
    case TT_E_NOT_FOUND:
        return tt_call_problem(call, 404, "no_such_version", "%s", err->message);
    case TT_E_IO:
    case TT_E_CORRUPT:
    case TT_E_FULL:
    case TT_E_DENIED:
    case TT_E_NOMEM:
        return failed(call, err);
    default:
        return tt_call_problem(call, 422, "rules_invalid", "%s", err->message);
    }
    struct tt_json_writer json;
    tt_json_writer_init(&json, &call->body);
    tt_json_object_begin(&json);
    tt_json_key(&json, "version");
    tt_json_uint64(&json, version);
    tt_json_object_end(&json);
    return tt_call_json(call, 202);
}

/* The members of the body; false after answering what is wrong with them. */
static bool read_change(struct tt_call *call, const char *what, const struct tt_tree **ret_what,
                        struct tt_rule_change *ret)
{
    static const char *const keys[] = {"rules", "version", "reason"};
    struct tt_tree *tree = NULL;
    struct tt_error err = {0};
    struct tt_str body = call->request->body;
    if (!call->api->rules_in_database) {
        (void)tt_call_problem(call, 409, "rules_in_files",
                              "the rules are changed in their file here: see rules.master");
        return false;
    }
    bool good = body.data != NULL && tt_json_parse_tree(&call->arena, body, &tree, &err) == TT_OK &&
                tree->kind == TT_TREE_MAPPING &&
                tt_tree_check_keys(tree, keys, TT_ARRAY_SIZE(keys), &err) == TT_OK &&
                tt_tree_get(tree, what) != NULL && tt_tree_get(tree, "reason") != NULL &&
                tt_tree_text(tt_tree_get(tree, "reason"), &ret->reason, &err) == TT_OK;
    if (!good || ret->reason.size == 0 || ret->reason.size > REASON_SIZE_MAX) {
        (void)tt_call_problem(call, 400, "bad_body",
                              "send {\"%s\": …, \"reason\": \"why, up to %d bytes\"}%s%s", what,
                              REASON_SIZE_MAX, err.message[0] != '\0' ? ": " : "", err.message);
        return false;
    }
    *ret_what = tt_tree_get(tree, what);
    ret->author = tt_str_from(call->principal.subject);
    ret->at_ms = tt_clock_now_ms(call->api->context->clock);
    return true;
}

bool post_rules(struct tt_call *call)
{
    struct tt_rule_change change = {0};
    const struct tt_tree *node = NULL;
    struct tt_engine_source source = {NAME_OF_TEXT, {NULL, 0}, NULL};
    struct tt_error err = {0};
    uint64_t version = 0;
    if (!read_change(call, "rules", &node, &change)) {
        return true;
    }
    if (tt_tree_text(node, &source.text, &err) != TT_OK) {
        return tt_call_problem(call, 400, "bad_body", "\"rules\" is the text of a rule file");
    }
    change.coverage_min = call->api->rules_coverage_min;
    enum tt_status status = tt_rule_book_publish(call->api->book, &source, &change, &version, &err);
    return answer_change(call, status, version, &err);
}

bool post_rules_rollback(struct tt_call *call)
{
    struct tt_rule_change change = {0};
    const struct tt_tree *node = NULL;
    struct tt_error err = {0};
    uint64_t wanted = 0, version = 0;
    if (!read_change(call, "version", &node, &change)) {
        return true;
    }
    if (node->kind != TT_TREE_SCALAR || !parse_version(node->text, &wanted)) {
        return tt_call_problem(call, 400, "bad_body", "\"version\" is a number from 1");
    }
    enum tt_status status = tt_rule_book_rollback(call->api->book, wanted, &change, &version, &err);
    return answer_change(call, status, version, &err);
}
