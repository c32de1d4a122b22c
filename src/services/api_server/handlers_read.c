/* GET /anomalies, /anomalies/{id} and /transactions/{id}: straight from the store. */
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "services/api_server/call.h"
#include "services/pipeline/redecide.h"
#include "services/pipeline/rows.h"

#define LIMIT_DEFAULT 50
#define LIMIT_MAX (TT_ANOMALIES_MAX - 1)

struct list {
    struct tt_call *call;
    struct tt_json_writer json;
    uint32_t limit, count;
    bool more;
    char last_id[TT_ANOMALY_ID_SIZE];
};

struct query {
    struct tt_anomaly_filter filter;
    struct tt_str problem_name; /* the first bad argument */
    const char *problem;
};

static bool parse_severity(struct tt_str value, uint8_t *ret)
{
    *ret = tt_severity_find(value);
    return *ret != TT_SEVERITY_NONE;
}

static bool parse_score(struct tt_str value, double *ret)
{
    return tt_double_parse(value, ret) && *ret >= 0.0 && *ret <= 1.0;
}

static bool parse_limit(struct tt_str value, uint32_t *ret)
{
    int64_t limit = 0;
    if (!tt_int64_parse(value, &limit) || limit < 1 || limit > LIMIT_MAX) {
        return false;
    }
    *ret = (uint32_t)limit;
    return true;
}

/* A cursor is the id of the last item seen; ids begin with the event time. */
static bool parse_cursor(struct tt_str value, struct tt_anomaly_filter *filter)
{
    filter->before_id = value;
    return tt_anomaly_id_time(value, &filter->before_ms);
}

static bool parse_status(struct tt_str value)
{
    static const char *const names[] = {"open", "confirmed", "dismissed", "snoozed"};
    for (size_t i = 0; i < TT_ARRAY_SIZE(names); i++) {
        if (tt_str_equal_text(value, names[i])) {
            return true;
        }
    }
    return false;
}

static bool parse_detector(const struct tt_engine *engine, struct tt_str value)
{
    return tt_setup_detector_find(engine->setup, value) != UINT32_MAX;
}

struct visit {
    struct query *query;
    struct tt_call *call;
};

static void on_argument(void *ctx, struct tt_str name, struct tt_str value)
{
    struct visit *visit = ctx;
    struct query *query = visit->query;
    struct tt_anomaly_filter *filter = &query->filter;
    const char *problem = NULL;
    if (tt_str_equal_text(name, "from")) {
        problem = tt_call_time(value, &filter->from_ms) ? NULL : "not RFC 3339 or epoch ms";
    } else if (tt_str_equal_text(name, "to")) {
        problem = tt_call_time(value, &filter->to_ms) ? NULL : "not RFC 3339 or epoch ms";
    } else if (tt_str_equal_text(name, "severity")) {
        problem = parse_severity(value, &filter->severity) ? NULL : "low, medium, high or critical";
    } else if (tt_str_equal_text(name, "min_score")) {
        problem = parse_score(value, &filter->score_min) ? NULL : "a number from 0 to 1";
    } else if (tt_str_equal_text(name, "user_id")) {
        filter->user_id = tt_call_id(visit->call, value);
    } else if (tt_str_equal_text(name, "merchant_id")) {
        filter->merchant_id = tt_call_id(visit->call, value);
    } else if (tt_str_equal_text(name, "detector")) {
        filter->detector = value;
        problem =
            parse_detector(visit->call->api->context->engine, value) ? NULL : "no such detector";
    } else if (tt_str_equal_text(name, "status")) {
        filter->status = value;
        problem = parse_status(value) ? NULL : "open, confirmed, dismissed or snoozed";
    } else if (tt_str_equal_text(name, "limit")) {
        problem = parse_limit(value, &filter->limit) ? NULL : "a whole number from 1 to 1000";
    } else if (tt_str_equal_text(name, "cursor")) {
        problem = parse_cursor(value, filter) ? NULL : "not a cursor of this list";
    } else {
        problem = "no such parameter";
    }
    if (problem != NULL && query->problem == NULL) {
        query->problem = problem;
        query->problem_name = name;
    }
}

static bool on_anomaly(void *ctx, const struct tt_row_anomaly *row)
{
    struct list *list = ctx;
    if (list->count == list->limit) {
        list->more = true;
        return false;
    }
    tt_json_raw_value(&list->json, row->json);
    list->count++;
    size_t size = row->anomaly_id.size < sizeof list->last_id ? row->anomaly_id.size
                                                              : sizeof list->last_id - 1;
    memcpy(list->last_id, row->anomaly_id.data, size);
    list->last_id[size] = '\0';
    return true;
}

static bool store_failed(struct tt_call *call, const struct tt_error *err)
{
    return tt_call_problem(call, 503, "store_failed", "%s", err->message);
}

static void append_query_value(struct tt_buf *buf, struct tt_str value)
{
    for (size_t i = 0; i < value.size; i++) {
        unsigned char c = (unsigned char)value.data[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                     c == '-' || c == '_' || c == '.' || c == '~';
        if (plain) {
            tt_buf_append_char(buf, (char)c);
        } else {
            tt_buf_append_format(buf, "%%%02X", c);
        }
    }
}

static void on_link_argument(void *ctx, struct tt_str name, struct tt_str value)
{
    struct tt_buf *buf = ctx;
    if (!tt_str_equal_text(name, "cursor")) {
        append_query_value(buf, name);
        tt_buf_append_char(buf, '=');
        append_query_value(buf, value);
        tt_buf_append_char(buf, '&');
    }
}

/* Ends the list. The next page's link (RFC 8288) is written behind the body into the same buffer, which
 * lives until the adapter has copied the answer. */
static bool finish_list(struct tt_call *call, struct list *list)
{
    tt_json_array_end(&list->json);
    tt_json_key(&list->json, "next_cursor");
    if (list->more) {
        tt_json_text(&list->json, list->last_id);
    } else {
        tt_json_null(&list->json);
    }
    tt_json_object_end(&list->json);
    size_t body_size = call->body.size;
    if (list->more) {
        tt_buf_append_text(&call->body, "</anomalies?");
        tt_call_http(call)->each_query(call->request, on_link_argument, &call->body);
        tt_buf_append_format(&call->body, "cursor=%s>; rel=\"next\"", list->last_id);
    }
    size_t link_size = call->body.size - body_size;
    (void)tt_call_json(call, 200);
    if (call->response->status == 200 && link_size > 0) {
        call->response->body.size = body_size;
        tt_response_header(call->response, "Link",
                           (struct tt_str){call->body.data + body_size, link_size});
    }
    return true;
}

bool get_anomalies(struct tt_call *call)
{
    struct query query = {.filter = {.from_ms = TT_TIME_NONE, .to_ms = TT_TIME_NONE}};
    query.filter.limit = LIMIT_DEFAULT;
    struct visit visit = {&query, call};
    tt_call_http(call)->each_query(call->request, on_argument, &visit);
    if (query.problem != NULL) {
        return tt_call_problem(call, 400, "bad_parameter", "%.*s: %s",
                               TT_STR_ARG(query.problem_name), query.problem);
    }
    struct list list = {.call = call, .limit = query.filter.limit};
    query.filter.limit = list.limit + 1; /* one more tells whether there is a next page */
    tt_json_writer_init(&list.json, &call->body);
    tt_json_object_begin(&list.json);
    tt_json_key(&list.json, "items");
    tt_json_array_begin(&list.json);
    struct tt_error err = {0};
    struct tt_store *store = call->api->store;
    if (store->ops->list_anomalies(store, &query.filter, on_anomaly, &list, &err) != TT_OK) {
        return store_failed(call, &err);
    }
    return finish_list(call, &list);
}

static bool on_one(void *ctx, const struct tt_row_anomaly *row)
{
    struct tt_buf *buf = ctx;
    tt_buf_append_str(buf, row->json);
    return false;
}

bool get_anomaly(struct tt_call *call)
{
    struct tt_error err = {0};
    struct tt_store *store = call->api->store;
    enum tt_status status =
        store->ops->get_anomaly(store, call->segment, on_one, &call->body, &err);
    if (status == TT_E_NOT_FOUND) {
        return tt_call_problem(call, 404, "no_such_anomaly", "there is no anomaly of this id");
    }
    return status == TT_OK ? tt_call_json(call, 200) : store_failed(call, &err);
}

static void find_other_argument(void *ctx, struct tt_str name, struct tt_str value)
{
    (void)value;
    struct tt_str *other = ctx;
    if (!tt_str_equal_text(name, "user_id")) {
        *other = name;
    }
}

struct found {
    struct tt_call *call;
    uint32_t count;
    bool failed;
};

static bool on_found(void *ctx, const struct tt_row_transaction *row,
                     const struct tt_row_label *label, const struct tt_row_epoch *epoch)
{
    (void)label;
    (void)epoch;
    struct found *found = ctx;
    if (++found->count > 1) {
        return false;
    }
    const struct tt_context *context = found->call->api->context;
    struct tt_loose_event *loose = tt_new(context->alloc, sizeof *loose);
    if (loose == NULL) {
        found->failed = true;
        return false;
    }
    tt_loose_event_init(loose, context->alloc);
    struct tt_error err = {0};
    found->failed = tt_row_to_event(row, context->engine, found->call->api->schema, &loose->event,
                                    &err) != TT_OK;
    if (!found->failed) {
        struct tt_json_writer json;
        tt_json_writer_init(&json, &found->call->body);
        tt_json_object_begin(&json);
        tt_json_key(&json, "transaction");
        tt_json_raw_value(&json, row->json);
        tt_json_key(&json, "decision");
        tt_record_write_decision(&json, &loose->event, &context->engine->record_names);
        tt_json_object_end(&json);
    }
    tt_loose_event_deinit(loose);
    tt_delete(context->alloc, loose, sizeof *loose);
    return true;
}

/* Makes the row's decision again, into the body. */
static bool on_redecided(void *ctx, const struct tt_row_transaction *row,
                         const struct tt_row_label *label, const struct tt_row_epoch *epoch)
{
    (void)label;
    (void)epoch;
    struct found *found = ctx;
    if (++found->count > 1) {
        return false;
    }
    const struct tt_api *api = found->call->api;
    const struct tt_context *context = api->context;
    struct tt_redecide *result = tt_new(context->alloc, sizeof *result);
    if (result == NULL) {
        found->failed = true;
        return false;
    }
    struct tt_error err = {0};
    found->failed = tt_redecide(context->alloc, context->engine, api->schema, api->store, row,
                                result, &err) != TT_OK;
    if (!found->failed) {
        struct tt_json_writer json;
        tt_json_writer_init(&json, &found->call->body);
        tt_redecide_write(result, context->engine, &json);
    }
    tt_redecide_deinit(result);
    tt_delete(context->alloc, result, sizeof *result);
    return true;
}

/* Answers with what on_row writes of the one transaction that the path and user_id name. */
static bool answer_one(struct tt_call *call, tt_on_log *on_row)
{
    struct found found = {.call = call};
    struct tt_error err = {0};
    struct tt_str other = {0};
    tt_call_http(call)->each_query(call->request, find_other_argument, &other);
    if (other.data != NULL) {
        return tt_call_problem(call, 400, "bad_parameter", "%.*s: no such parameter",
                               TT_STR_ARG(other));
    }
    struct tt_store *store = call->api->store;
    struct tt_str user_id = tt_call_id(call, tt_call_http(call)->query(call->request, "user_id"));
    enum tt_status status = store->ops->find(store, user_id, tt_call_id(call, call->segment),
                                             TT_TIME_NONE, on_row, &found, &err);
    if (status != TT_OK) {
        return store_failed(call, &err);
    }
    if (found.count == 0) {
        return tt_call_problem(call, 404, "no_such_transaction", "no transaction has this id");
    }
    if (found.count > 1) {
        return tt_call_problem(call, 409, "ambiguous_id",
                               "several users have a transaction of this id: add ?user_id=");
    }
    if (found.failed) {
        return tt_call_problem(call, 500, "unreadable", "the stored transaction cannot be read");
    }
    return tt_call_json(call, 200);
}

bool get_transaction(struct tt_call *call)
{
    return answer_one(call, on_found);
}

bool get_redecide(struct tt_call *call)
{
    return answer_one(call, on_redecided);
}
