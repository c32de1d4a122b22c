/* The suite every adapter of the store port passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "adapters/sqlite/sqlite.h"
#include "base/timetext.h"
#include "support/tempdir.h"

#define DAY TT_MS_PER_DAY
#define T0 (INT64_C(20500) * DAY)

struct subject {
    struct tt_tempdir dir;
    struct tt_store *store;
    struct tt_state *state;
};

static void open_subject(struct subject *subject)
{
    struct tt_error err = {0};
    struct tt_sqlite_options options = {.alloc = &tt_alloc_libc,
                                        .path = tt_tempdir_file(&subject->dir, "store.db"),
                                        .durability = TT_SQLITE_PROCESS};
    if (tt_sqlite_open(&options, &subject->store, &subject->state, &err) != TT_OK) {
        fail_msg("open: %s", err.message);
    }
}

static void close_subject(struct subject *subject)
{
    subject->state->ops->close(subject->state);
    subject->store->ops->close(subject->store);
}

static int setup(void **state)
{
    struct subject *subject = calloc(1, sizeof *subject);
    tt_tempdir_init(&subject->dir);
    open_subject(subject);
    *state = subject;
    return 0;
}

static int teardown(void **state)
{
    struct subject *subject = *state;
    close_subject(subject);
    tt_tempdir_deinit(&subject->dir);
    free(subject);
    return 0;
}

static struct tt_row_transaction make_row(uint64_t seq, int64_t event_ms, const char *user,
                                          const char *id)
{
    return (struct tt_row_transaction){
        .seq = seq,
        .event_ms = event_ms,
        .user_id = tt_str_from(user),
        .transaction_id = tt_str_from(id),
        .content = {seq, ~seq},
        .json = TT_STR("{\"transaction_id\":\"x\"}"),
        .vector = {"\0\1\2", 3},
        .detections = {"\3\0", 2},
        .decision = TT_STR("{}"),
        .epoch = 4000000000u,
        .bundle = {UINT64_MAX, 7},
        .absorbed = 0x80000001u,
        .positions = {"12345678", 8},
        .anomalous = seq % 2 == 0,
    };
}

static void append_row(struct subject *subject, uint64_t seq, int64_t event_ms, const char *user,
                       const char *id)
{
    struct tt_error err = {0};
    struct tt_row_transaction row = make_row(seq, event_ms, user, id);
    struct tt_group group = {.transactions = &row, .transaction_count = 1};
    if (subject->store->ops->append(subject->store, &group, &err) != TT_OK) {
        fail_msg("append: %s", err.message);
    }
}

/* What a scan saw, as text: "t1 l2 e3 ". */
struct seen {
    char text[4096];
    size_t rows;
    size_t stop_after;
};

static bool see(void *ctx, const struct tt_row_transaction *transaction,
                const struct tt_row_label *label, const struct tt_row_epoch *epoch)
{
    struct seen *seen = ctx;
    assert_int_equal((transaction != NULL) + (label != NULL) + (epoch != NULL), 1);
    char kind = transaction != NULL ? 't' : label != NULL ? 'l' : 'e';
    uint64_t seq = transaction != NULL ? transaction->seq : label != NULL ? label->seq : epoch->seq;
    size_t used = strlen(seen->text);
    (void)snprintf(seen->text + used, sizeof seen->text - used, "%c%llu ", kind,
                   (unsigned long long)seq);
    seen->rows++;
    return seen->stop_after == 0 || seen->rows < seen->stop_after;
}

static void assert_scan(struct subject *subject, uint64_t from, const char *expected)
{
    struct seen seen = {0};
    assert_int_equal(subject->store->ops->scan(subject->store, from, see, &seen, NULL), TT_OK);
    assert_string_equal(seen.text, expected);
}

static void assert_find(struct subject *subject, const char *user, const char *id, int64_t event_ms,
                        const char *expected)
{
    struct seen seen = {0};
    assert_int_equal(subject->store->ops->find(subject->store, tt_str_from(user), tt_str_from(id),
                                               event_ms, see, &seen, NULL),
                     TT_OK);
    assert_string_equal(seen.text, expected);
}

static void an_empty_store_counts_nothing(void **state)
{
    struct subject *subject = *state;
    struct tt_store_counts counts = {.transactions = 1, .seq_last = 1, .day_last_ms = 1};
    assert_int_equal(subject->store->ops->counts(subject->store, &counts, NULL), TT_OK);
    assert_int_equal(counts.transactions, 0);
    assert_int_equal(counts.seq_last, 0);
    assert_true(counts.day_last_ms == TT_TIME_NONE);
    assert_scan(subject, 0, "");
    uint64_t seq = 0;
    assert_int_equal(subject->store->ops->seq_at(subject->store, T0, &seq, NULL), TT_OK);
    assert_int_equal(seq, 1);
    assert_find(subject, NULL, "t", TT_TIME_NONE, "");
}

static bool compare_row(void *ctx, const struct tt_row_transaction *row,
                        const struct tt_row_label *label, const struct tt_row_epoch *epoch)
{
    const struct tt_row_transaction *wanted = ctx;
    (void)label;
    (void)epoch;
    assert_int_equal(row->seq, wanted->seq);
    assert_int_equal(row->event_ms, wanted->event_ms);
    assert_true(tt_str_equal(row->user_id, wanted->user_id));
    assert_true(tt_str_equal(row->transaction_id, wanted->transaction_id));
    assert_memory_equal(&row->content, &wanted->content, sizeof row->content);
    assert_memory_equal(&row->bundle, &wanted->bundle, sizeof row->bundle);
    assert_true(tt_str_equal(row->json, wanted->json));
    assert_true(tt_str_equal(row->vector, wanted->vector));
    assert_int_equal(row->detections.data == NULL, wanted->detections.data == NULL);
    assert_true(tt_str_equal(row->detections, wanted->detections));
    assert_true(tt_str_equal(row->decision, wanted->decision));
    assert_true(tt_str_equal(row->positions, wanted->positions));
    assert_int_equal(row->epoch, wanted->epoch);
    assert_int_equal(row->absorbed, wanted->absorbed);
    assert_int_equal(row->anomalous, wanted->anomalous);
    return true;
}

static void a_row_comes_back_as_it_went_in(void **state)
{
    struct subject *subject = *state;
    struct tt_row_transaction row = make_row(1, -5, "ü\0x", "t-1");
    row.user_id = (struct tt_str){"a\0b", 3};
    row.detections = (struct tt_str){NULL, 0};
    row.vector = TT_STR("");
    struct tt_group group = {.transactions = &row, .transaction_count = 1};
    assert_int_equal(subject->store->ops->append(subject->store, &group, NULL), TT_OK);
    assert_int_equal(subject->store->ops->scan(subject->store, 0, compare_row, &row, NULL), TT_OK);
}

static void the_log_is_merged_by_position(void **state)
{
    struct subject *subject = *state;
    struct tt_row_transaction rows[4] = {
        make_row(1, T0, "u", "a"), make_row(3, T0 + 2 * DAY, "u", "b"),
        make_row(4, T0 - DAY, "u", "c"), make_row(7, T0 + 1, "u", "d")};
    struct tt_row_label labels[2] = {
        {.seq = 2,
         .user_id = TT_STR("u"),
         .transaction_id = TT_STR("a"),
         .kind = 1,
         .source = 4,
         .json = TT_STR("{}")},
        {.seq = 6, .user_id = TT_STR("u"), .transaction_id = TT_STR("b"), .kind = 2, .source = 1}};
    struct tt_row_epoch epochs[1] = {{5, 9, {1, 2}, 0}};
    struct tt_group group = {.transactions = rows,
                             .transaction_count = 4,
                             .labels = labels,
                             .label_count = 2,
                             .epochs = epochs,
                             .epoch_count = 1};
    assert_int_equal(subject->store->ops->append(subject->store, &group, NULL), TT_OK);
    append_row(subject, 8, T0 + 5 * DAY, "u", "e");
    assert_scan(subject, 0, "t1 l2 t3 t4 e5 l6 t7 t8 ");
    assert_scan(subject, 5, "e5 l6 t7 t8 ");
    assert_scan(subject, 8, "t8 ");
    assert_scan(subject, UINT64_MAX, "");
    struct seen seen = {.stop_after = 3};
    assert_int_equal(subject->store->ops->scan(subject->store, 0, see, &seen, NULL), TT_OK);
    assert_string_equal(seen.text, "t1 l2 t3 ");
}

static void positions_must_grow(void **state)
{
    struct subject *subject = *state;
    append_row(subject, 5, T0, "u", "a");
    struct tt_row_transaction rows[2] = {make_row(6, T0, "u", "b"), make_row(6, T0, "u", "c")};
    struct tt_group twice = {.transactions = rows, .transaction_count = 2};
    struct tt_error err = {0};
    assert_int_equal(subject->store->ops->append(subject->store, &twice, &err), TT_E_INVALID);
    rows[0].seq = 5;
    struct tt_group old = {.transactions = rows, .transaction_count = 1};
    assert_int_equal(subject->store->ops->append(subject->store, &old, &err), TT_E_INVALID);
    rows[0].seq = UINT64_MAX;
    assert_int_equal(subject->store->ops->append(subject->store, &old, &err), TT_E_INVALID);
    struct tt_row_label label = {
        .seq = 7, .user_id = TT_STR("u"), .transaction_id = TT_STR("a"), .kind = 1, .source = 1};
    rows[0].seq = 7;
    struct tt_group both = {
        .transactions = rows, .transaction_count = 1, .labels = &label, .label_count = 1};
    assert_int_equal(subject->store->ops->append(subject->store, &both, &err), TT_E_INVALID);
    assert_scan(subject, 0, "t5 ");
    append_row(subject, 6, T0, "u", "b"); /* a refused group does no harm */
    assert_scan(subject, 0, "t5 t6 ");
}

static void a_transaction_is_found_by_its_ids(void **state)
{
    struct subject *subject = *state;
    append_row(subject, 1, T0, "u1", "t");
    append_row(subject, 2, T0 + DAY, "u2", "t");
    append_row(subject, 3, T0 + DAY, "u2", "other");
    assert_find(subject, "u1", "t", TT_TIME_NONE, "t1 ");
    assert_find(subject, "u2", "t", TT_TIME_NONE, "t2 ");
    assert_find(subject, NULL, "t", TT_TIME_NONE, "t2 t1 ");
    assert_find(subject, NULL, "t", T0 + 5, "t1 ");
    assert_find(subject, "u1", "t", T0 + DAY, "");
    assert_find(subject, "u3", "t", TT_TIME_NONE, "");
    assert_find(subject, "", "t", TT_TIME_NONE, "");
}

/* Enough rows that several runs of keys are written, over several days, in order and not. */
static void keys_are_found_among_many(void **state)
{
    struct subject *subject = *state;
    enum { COUNT = 70000, GROUP = 1000 };
    static struct tt_row_transaction rows[GROUP];
    static char ids[GROUP][16];
    for (unsigned from = 0; from < COUNT; from += GROUP) {
        for (unsigned i = 0; i < GROUP; i++) {
            unsigned n = from + i;
            (void)snprintf(ids[i], sizeof ids[i], "t-%u", n);
            rows[i] = make_row(n + 1, T0 + (n / 20000) * DAY - (n % 5 == 0 ? DAY : 0),
                               n % 2 == 0 ? "even" : "odd", ids[i]);
        }
        struct tt_group group = {.transactions = rows, .transaction_count = GROUP};
        assert_int_equal(subject->store->ops->append(subject->store, &group, NULL), TT_OK);
    }
    for (int round = 0; round < 2; round++) {
        for (unsigned n = 0; n < COUNT; n += 997) {
            char id[16], expected[16];
            (void)snprintf(id, sizeof id, "t-%u", n);
            (void)snprintf(expected, sizeof expected, "t%u ", n + 1);
            assert_find(subject, n % 2 == 0 ? "even" : "odd", id, TT_TIME_NONE, expected);
            assert_find(subject, NULL, id, TT_TIME_NONE, expected);
            assert_find(subject, n % 2 == 0 ? "odd" : "even", id, TT_TIME_NONE, "");
        }
        close_subject(subject);
        open_subject(subject);
    }
    struct tt_store_counts counts;
    assert_int_equal(subject->store->ops->counts(subject->store, &counts, NULL), TT_OK);
    assert_int_equal(counts.transactions, COUNT);
    assert_int_equal(counts.seq_last, COUNT);
    assert_int_equal(counts.day_last_ms, T0 + 3 * DAY);
}

static void seq_at_is_the_least_position_from_a_time_on(void **state)
{
    struct subject *subject = *state;
    append_row(subject, 10, T0 + 5, "u", "a");
    append_row(subject, 11, T0 + 2 * DAY, "u", "b");
    append_row(subject, 12, T0 + 10, "u", "c");
    append_row(subject, 20, T0 + DAY, "u", "d");
    const struct {
        int64_t from_ms;
        uint64_t seq;
    } cases[] = {{INT64_MIN + 1, 10}, {T0, 10},           {T0 + 5, 10},
                 {T0 + 6, 11},        {T0 + 2 * DAY, 11}, {T0 + 2 * DAY + 1, 21},
                 {INT64_MAX, 21}};
    for (size_t i = 0; i < TT_ARRAY_SIZE(cases); i++) {
        uint64_t seq = 0;
        assert_int_equal(subject->store->ops->seq_at(subject->store, cases[i].from_ms, &seq, NULL),
                         TT_OK);
        assert_int_equal(seq, cases[i].seq);
    }
}

static void old_days_are_dropped_and_their_positions_stay_used(void **state)
{
    struct subject *subject = *state;
    append_row(subject, 1, T0 - DAY, "u", "a");
    append_row(subject, 2, T0, "u", "b");
    append_row(subject, 3, T0 - 2 * DAY, "u", "c");
    assert_int_equal(subject->store->ops->drop_before(subject->store, T0 + 5, NULL), TT_OK);
    assert_scan(subject, 0, "t2 ");
    assert_find(subject, "u", "a", TT_TIME_NONE, "");
    assert_int_equal(subject->store->ops->drop_before(subject->store, T0 + DAY, NULL), TT_OK);
    assert_scan(subject, 0, "");
    close_subject(subject);
    open_subject(subject);
    struct tt_store_counts counts;
    assert_int_equal(subject->store->ops->counts(subject->store, &counts, NULL), TT_OK);
    assert_int_equal(counts.transactions, 0);
    assert_int_equal(counts.seq_last, 3);
    append_row(subject, 4, T0 - DAY, "u", "a");
    assert_find(subject, "u", "a", TT_TIME_NONE, "t4 ");
}

static struct tt_row_anomaly make_anomaly(uint64_t seq, int64_t event_ms, const char *id)
{
    return (struct tt_row_anomaly){.anomaly_id = tt_str_from(id),
                                   .seq = seq,
                                   .event_ms = event_ms,
                                   .score = 0.5 + (double)seq / 100.0,
                                   .p_value = 0.01,
                                   .severity = (uint8_t)(1 + seq % 4),
                                   .verdict = 2,
                                   .alerted = seq % 2 == 1,
                                   .status = seq == 3 ? TT_STR("dismissed") : TT_STR("open"),
                                   .user_id = seq < 3 ? TT_STR("u1") : TT_STR("u2"),
                                   .merchant_id =
                                       seq == 2 ? (struct tt_str){NULL, 0} : TT_STR("m1"),
                                   .detectors = seq == 4 ? TT_STR("zscore,rules") : TT_STR("iqr"),
                                   .json = TT_STR("{\"anomaly\":true}")};
}

/* Five anomalies: seq 1 to 5 at T0, T0+1, T0+1, T0+3, T0+4. */
static void append_anomalies(struct subject *subject)
{
    struct tt_row_anomaly rows[5] = {make_anomaly(1, T0, "a1"), make_anomaly(2, T0 + 1, "a2"),
                                     make_anomaly(3, T0 + 1, "a3"), make_anomaly(4, T0 + 3, "a4"),
                                     make_anomaly(5, T0 + 4, "a5")};
    struct tt_group group = {.anomalies = rows, .anomaly_count = 5};
    assert_int_equal(subject->store->ops->append(subject->store, &group, NULL), TT_OK);
}

static bool see_anomaly(void *ctx, const struct tt_row_anomaly *row)
{
    struct seen *seen = ctx;
    size_t used = strlen(seen->text);
    (void)snprintf(seen->text + used, sizeof seen->text - used, "%.*s ",
                   TT_STR_ARG(row->anomaly_id));
    assert_true(tt_str_equal_text(row->json, "{\"anomaly\":true}"));
    return true;
}

static void assert_list(struct subject *subject, struct tt_anomaly_filter filter,
                        const char *expected)
{
    struct seen seen = {0};
    struct tt_error err = {0};
    filter.limit = filter.limit == 0 ? 50 : filter.limit;
    filter.from_ms = filter.from_ms == 0 ? TT_TIME_NONE : filter.from_ms;
    filter.to_ms = filter.to_ms == 0 ? TT_TIME_NONE : filter.to_ms;
    if (subject->store->ops->list_anomalies(subject->store, &filter, see_anomaly, &seen, &err) !=
        TT_OK) {
        fail_msg("%s", err.message);
    }
    assert_string_equal(seen.text, expected);
}

static void anomalies_are_listed_newest_first(void **state)
{
    struct subject *subject = *state;
    append_anomalies(subject);
    assert_list(subject, (struct tt_anomaly_filter){0}, "a5 a4 a3 a2 a1 ");
    assert_list(subject, (struct tt_anomaly_filter){.limit = 2}, "a5 a4 ");
    struct tt_anomaly_filter next = {.before_ms = T0 + 1, .before_id = TT_STR("a3"), .limit = 1};
    assert_list(subject, next, "a2 ");
    next.before_id = TT_STR("a2");
    assert_list(subject, next, "a1 ");
    next.before_ms = T0;
    next.before_id = TT_STR("a1");
    assert_list(subject, next, "");
}

static void filters_of_anomalies_combine(void **state)
{
    struct subject *subject = *state;
    append_anomalies(subject);
    typedef struct tt_anomaly_filter filter;
    assert_list(subject, (filter){.from_ms = T0 + 1, .to_ms = T0 + 4}, "a4 a3 a2 ");
    assert_list(subject, (filter){.severity_min = 3}, "a3 a2 ");
    assert_list(subject, (filter){.severity = 2}, "a5 a1 ");
    assert_list(subject, (filter){.score_min = 0.535}, "a5 a4 ");
    assert_list(subject, (filter){.user_id = TT_STR("u1")}, "a2 a1 ");
    assert_list(subject, (filter){.merchant_id = TT_STR("m1")}, "a5 a4 a3 a1 ");
    assert_list(subject, (filter){.detector = TT_STR("rules")}, "a4 ");
    assert_list(subject, (filter){.detector = TT_STR("rule")}, "");
    assert_list(subject, (filter){.status = TT_STR("dismissed")}, "a3 ");
    assert_list(subject,
                (filter){.user_id = TT_STR("u2"),
                         .merchant_id = TT_STR("m1"),
                         .status = TT_STR("open"),
                         .before_ms = T0 + 4,
                         .before_id = TT_STR("a5")},
                "a4 ");
    struct tt_anomaly_filter wrong = {.limit = TT_ANOMALIES_MAX + 1};
    assert_int_equal(
        subject->store->ops->list_anomalies(subject->store, &wrong, see_anomaly, NULL, NULL),
        TT_E_LIMIT);
    wrong.limit = 0;
    assert_int_equal(
        subject->store->ops->list_anomalies(subject->store, &wrong, see_anomaly, NULL, NULL),
        TT_E_LIMIT);
}

static void an_anomaly_is_got_by_its_id(void **state)
{
    struct subject *subject = *state;
    append_anomalies(subject);
    struct seen seen = {0};
    assert_int_equal(
        subject->store->ops->get_anomaly(subject->store, TT_STR("a3"), see_anomaly, &seen, NULL),
        TT_OK);
    assert_string_equal(seen.text, "a3 ");
    assert_int_equal(
        subject->store->ops->get_anomaly(subject->store, TT_STR("a"), see_anomaly, &seen, NULL),
        TT_E_NOT_FOUND);
}

static void a_group_is_all_or_nothing(void **state)
{
    struct subject *subject = *state;
    append_anomalies(subject);
    struct tt_row_transaction row = make_row(9, T0 + 9 * DAY, "u", "t");
    struct tt_row_anomaly again = make_anomaly(9, T0, "a1");
    struct tt_group group = {
        .transactions = &row, .transaction_count = 1, .anomalies = &again, .anomaly_count = 1};
    assert_int_equal(subject->store->ops->append(subject->store, &group, NULL), TT_E_CONFLICT);
    assert_scan(subject, 0, "");
    assert_find(subject, "u", "t", TT_TIME_NONE, "");
    append_row(subject, 9, T0 + 9 * DAY, "u", "t");
    assert_scan(subject, 0, "t9 ");
}

static void assert_undelivered(struct subject *subject, const char *route, uint32_t limit,
                               const char *expected)
{
    struct seen seen = {0};
    assert_int_equal(subject->store->ops->list_undelivered(subject->store, tt_str_from(route),
                                                           limit, see_anomaly, &seen, NULL),
                     TT_OK);
    assert_string_equal(seen.text, expected);
}

static void the_outbox_holds_what_a_route_has_not_settled(void **state)
{
    struct subject *subject = *state;
    const struct tt_store_ops *ops = subject->store->ops;
    append_anomalies(subject);
    assert_undelivered(subject, "hook", 10, "a1 a3 a5 ");
    assert_undelivered(subject, "hook", 2, "a1 a3 ");
    for (int twice = 0; twice < 2; twice++) {
        assert_int_equal(ops->settle(subject->store, TT_STR("hook"), TT_STR("a3"), true, T0,
                                     (struct tt_str){NULL, 0}, NULL),
                         TT_OK);
    }
    assert_undelivered(subject, "hook", 10, "a1 a5 ");
    assert_int_equal(
        ops->settle(subject->store, TT_STR("hook"), TT_STR("a1"), false, T0, TT_STR("gone"), NULL),
        TT_OK);
    assert_undelivered(subject, "hook", 10, "a5 ");
    assert_undelivered(subject, "log", 10, "a1 a3 a5 ");
    assert_int_equal(
        ops->settle(subject->store, TT_STR("hook"), TT_STR("a5"), true, T0, TT_STR(""), NULL),
        TT_OK);
    assert_undelivered(subject, "hook", 10, "");
    struct tt_row_anomaly late = make_anomaly(7, T0, "a0");
    struct tt_group group = {.anomalies = &late, .anomaly_count = 1};
    assert_int_equal(ops->append(subject->store, &group, NULL), TT_OK);
    assert_undelivered(subject, "hook", 10, "a0 ");
    assert_int_equal(
        ops->settle(subject->store, TT_STR("hook"), TT_STR("a2"), true, T0, TT_STR(""), NULL),
        TT_E_NOT_FOUND); /* never alerted */
}

static void a_route_that_is_new_begins_behind_what_is_stored(void **state)
{
    struct subject *subject = *state;
    const struct tt_store_ops *ops = subject->store->ops;
    assert_int_equal(ops->open_route(subject->store, TT_STR("first"), NULL), TT_OK);
    append_anomalies(subject);
    assert_int_equal(ops->open_route(subject->store, TT_STR("later"), NULL), TT_OK);
    assert_undelivered(subject, "first", 10, "a1 a3 a5 ");
    assert_undelivered(subject, "later", 10, "");
    struct tt_row_anomaly next = make_anomaly(7, T0, "a7");
    struct tt_group group = {.anomalies = &next, .anomaly_count = 1};
    assert_int_equal(ops->append(subject->store, &group, NULL), TT_OK);
    for (int twice = 0; twice < 2; twice++) { /* a known one stays where it is */
        assert_undelivered(subject, "first", 10, "a1 a3 a5 a7 ");
        assert_undelivered(subject, "later", 10, "a7 ");
        assert_int_equal(ops->open_route(subject->store, TT_STR("later"), NULL), TT_OK);
        assert_int_equal(ops->open_route(subject->store, TT_STR("first"), NULL), TT_OK);
    }
    assert_int_equal(
        ops->settle(subject->store, TT_STR("later"), TT_STR("a7"), true, T0, TT_STR(""), NULL),
        TT_OK);
    assert_undelivered(subject, "later", 10, "");
}

static void bundles_are_kept_by_their_hash(void **state)
{
    struct subject *subject = *state;
    const struct tt_store_ops *ops = subject->store->ops;
    struct tt_hash128 hash = {1, UINT64_MAX};
    for (int twice = 0; twice < 2; twice++) {
        assert_int_equal(ops->put_bundle(subject->store, hash, TT_STR("bytes"), NULL), TT_OK);
    }
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, 100);
    assert_int_equal(ops->get_bundle(subject->store, hash, &buf, NULL), TT_OK);
    assert_true(tt_str_equal_text(tt_buf_str(&buf), "bytes"));
    hash.high = 2;
    assert_int_equal(ops->get_bundle(subject->store, hash, &buf, NULL), TT_E_NOT_FOUND);
    tt_buf_deinit(&buf);
}

static void dead_letters_and_labels_are_counted(void **state)
{
    struct subject *subject = *state;
    struct tt_row_dead_letter letters[2] = {
        {T0, TT_STR("http"), TT_STR("amount_negative"), TT_STR("line 1"), TT_STR("{}")},
        {T0, TT_STR("file"), TT_STR("syntax"), {NULL, 0}, {NULL, 0}}};
    struct tt_row_label label = {
        .seq = 1, .user_id = TT_STR("u"), .transaction_id = TT_STR("t"), .kind = 1, .source = 1};
    struct tt_group group = {
        .dead_letters = letters, .dead_letter_count = 2, .labels = &label, .label_count = 1};
    assert_int_equal(subject->store->ops->append(subject->store, &group, NULL), TT_OK);
    struct tt_store_counts counts;
    assert_int_equal(subject->store->ops->counts(subject->store, &counts, NULL), TT_OK);
    assert_int_equal(counts.dead_letters, 2);
    assert_int_equal(counts.labels, 1);
    assert_int_equal(counts.seq_last, 1);
}

static bool read_again(void *ctx, const struct tt_row_transaction *row,
                       const struct tt_row_label *label, const struct tt_row_epoch *epoch)
{
    struct subject *subject = ctx;
    (void)label;
    (void)epoch;
    struct seen seen = {0};
    assert_int_equal(subject->store->ops->find(subject->store, row->user_id, row->transaction_id,
                                               row->event_ms, see, &seen, NULL),
                     TT_OK);
    assert_int_equal(seen.rows, 1);
    return true;
}

static void a_callback_may_read_again(void **state)
{
    struct subject *subject = *state;
    append_row(subject, 1, T0, "u", "a");
    append_row(subject, 2, T0, "u", "b");
    assert_int_equal(subject->store->ops->scan(subject->store, 0, read_again, subject, NULL),
                     TT_OK);
}

struct reader {
    struct subject *subject;
    bool stop;
};

/* Positions are without gaps from 1 whenever a reader looks. */
static bool check_next(void *ctx, const struct tt_row_transaction *row,
                       const struct tt_row_label *label, const struct tt_row_epoch *epoch)
{
    uint64_t *last = ctx;
    (void)label;
    (void)epoch;
    bool next = row->seq == *last + 1;
    *last = row->seq;
    return next;
}

/* ---- versions of the rules ---- */

struct versions_seen {
    struct tt_row_rules rows[4];
    char texts[4][16];
    size_t count;
};

static bool on_rules(void *ctx, const struct tt_row_rules *row)
{
    struct versions_seen *seen = ctx;
    assert_true(seen->count < TT_ARRAY_SIZE(seen->rows));
    (void)snprintf(seen->texts[seen->count], 16, "%.*s", TT_STR_ARG(row->text));
    seen->rows[seen->count++] = *row;
    return true;
}

static void versions_of_rules_are_live_behind_their_mark(void **state)
{
    struct subject *subject = *state;
    struct tt_store *store = subject->store;
    struct tt_error err = {0};
    uint64_t first = 0, second = 0;
    struct tt_row_rules row = {.setup = {1, 2},
                               .text = TT_STR("one"),
                               .author = TT_STR("a"),
                               .reason = TT_STR("r"),
                               .at_ms = 5,
                               .live = true};
    assert_int_equal(store->ops->put_rules(store, &row, &first, &err), TT_OK);
    row.text = TT_STR("two");
    row.live = false;
    assert_int_equal(store->ops->put_rules(store, &row, &second, &err), TT_OK);
    assert_true(second > first && first > 0);
    struct versions_seen seen = {.count = 0};
    assert_int_equal(store->ops->list_rules(store, on_rules, &seen, &err), TT_OK);
    assert_int_equal(seen.count, 2);
    assert_true(seen.rows[0].live && !seen.rows[1].live);
    assert_string_equal(seen.texts[1], "two");
    struct tt_row_epoch mark = {7, 1, {3, 4}, second};
    struct tt_group group = {.epochs = &mark, .epoch_count = 1};
    assert_int_equal(store->ops->append(store, &group, &err), TT_OK);
    close_subject(subject);
    open_subject(subject);
    store = subject->store;
    seen.count = 0;
    assert_int_equal(store->ops->list_rules(store, on_rules, &seen, &err), TT_OK);
    assert_true(seen.rows[1].live);
    assert_int_equal(seen.rows[1].live_seq, 7);
    assert_int_equal(seen.rows[0].live_seq, 0);
    assert_true(seen.rows[1].setup.high == 1 && seen.rows[1].at_ms == 5);
}

/* ---- history by days ---- */

struct days_seen {
    struct tt_store_day days[8];
    size_t count;
};

static bool on_day(void *ctx, const struct tt_store_day *day)
{
    struct days_seen *seen = ctx;
    assert_true(seen->count < TT_ARRAY_SIZE(seen->days));
    seen->days[seen->count++] = *day;
    return true;
}

static bool on_first_day(void *ctx, const struct tt_store_day *day)
{
    (void)on_day(ctx, day);
    return false;
}

struct rows_seen {
    uint64_t seqs[8];
    size_t count, max;
};

static bool on_history(void *ctx, const struct tt_row_transaction *transaction,
                       const struct tt_row_label *label, const struct tt_row_epoch *epoch)
{
    struct rows_seen *seen = ctx;
    assert_null(epoch);
    seen->seqs[seen->count++] = transaction != NULL ? transaction->seq : label->seq;
    return seen->count < seen->max;
}

static void a_day_is_scanned_by_itself_and_labels_too(void **state)
{
    struct subject *subject = *state;
    struct tt_store *store = subject->store;
    struct tt_error err = {0};
    struct days_seen days = {0};
    assert_int_equal(store->ops->list_days(store, on_day, &days, &err), TT_OK);
    assert_int_equal(days.count, 0);
    append_row(subject, 1, T0 + DAY, "u", "a");
    append_row(subject, 2, T0, "u", "b");
    append_row(subject, 3, T0 + DAY + 5, "u", "c");
    struct tt_row_label labels[2] = {
        {.seq = 4, .user_id = TT_STR("u"), .transaction_id = TT_STR("a"), .kind = 1, .source = 1},
        {.seq = 5, .user_id = TT_STR("u"), .transaction_id = TT_STR("b"), .kind = 2, .source = 1}};
    struct tt_group group = {.labels = labels, .label_count = 2};
    assert_int_equal(store->ops->append(store, &group, &err), TT_OK);
    assert_int_equal(store->ops->list_days(store, on_day, &days, &err), TT_OK);
    assert_int_equal(days.count, 2); /* the oldest first */
    assert_int_equal(days.days[0].day, T0 / DAY);
    assert_int_equal(days.days[0].row_count, 1);
    assert_int_equal(days.days[1].seq_first, 1);
    assert_int_equal(days.days[1].seq_last, 3);
    struct days_seen first = {0};
    assert_int_equal(store->ops->list_days(store, on_first_day, &first, &err), TT_OK);
    assert_int_equal(first.count, 1);
    struct rows_seen rows = {.max = 8};
    assert_int_equal(store->ops->scan_day(store, T0 / DAY + 1, on_history, &rows, &err), TT_OK);
    assert_int_equal(rows.count, 2);
    assert_int_equal(rows.seqs[0], 1);
    assert_int_equal(rows.seqs[1], 3);
    rows = (struct rows_seen){.max = 1};
    assert_int_equal(store->ops->scan_day(store, T0 / DAY + 1, on_history, &rows, &err), TT_OK);
    assert_int_equal(rows.count, 1);
    assert_int_equal(store->ops->scan_day(store, T0 / DAY + 2, on_history, &rows, &err),
                     TT_E_NOT_FOUND);
    rows = (struct rows_seen){.max = 8};
    assert_int_equal(store->ops->scan_labels(store, on_history, &rows, &err), TT_OK);
    assert_int_equal(rows.count, 2);
    assert_int_equal(rows.seqs[1], 5);
}

/* NULL, or not when it saw a hole. */
static void *read_on(void *ctx)
{
    struct reader *reader = ctx;
    struct tt_store *store = reader->subject->store;
    while (!__atomic_load_n(&reader->stop, __ATOMIC_ACQUIRE)) {
        struct tt_store_counts counts;
        uint64_t last = 0;
        if (store->ops->counts(store, &counts, NULL) != TT_OK ||
            store->ops->scan(store, 0, check_next, &last, NULL) != TT_OK ||
            last < counts.seq_last) {
            return reader;
        }
    }
    return NULL;
}

static void readers_see_whole_groups_while_appends_go_on(void **state)
{
    struct subject *subject = *state;
    struct reader reader = {subject, false};
    pthread_t threads[2];
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &reader), 0);
    }
    for (uint64_t seq = 1; seq <= 300; seq++) {
        append_row(subject, seq, T0 + (int64_t)(seq / 20) * DAY, "u", "t");
    }
    __atomic_store_n(&reader.stop, true, __ATOMIC_RELEASE);
    for (size_t i = 0; i < 2; i++) {
        void *complaint = NULL;
        assert_int_equal(pthread_join(threads[i], &complaint), 0);
        assert_null(complaint);
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(an_empty_store_counts_nothing),
        CASE(a_row_comes_back_as_it_went_in),
        CASE(the_log_is_merged_by_position),
        CASE(positions_must_grow),
        CASE(a_transaction_is_found_by_its_ids),
        CASE(keys_are_found_among_many),
        CASE(seq_at_is_the_least_position_from_a_time_on),
        CASE(old_days_are_dropped_and_their_positions_stay_used),
        CASE(anomalies_are_listed_newest_first),
        CASE(filters_of_anomalies_combine),
        CASE(an_anomaly_is_got_by_its_id),
        CASE(a_group_is_all_or_nothing),
        CASE(the_outbox_holds_what_a_route_has_not_settled),
        CASE(a_route_that_is_new_begins_behind_what_is_stored),
        CASE(bundles_are_kept_by_their_hash),
        CASE(dead_letters_and_labels_are_counted),
        CASE(a_day_is_scanned_by_itself_and_labels_too),
        CASE(versions_of_rules_are_live_behind_their_mark),
        CASE(a_callback_may_read_again),
        CASE(readers_see_whole_groups_while_appends_go_on),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
