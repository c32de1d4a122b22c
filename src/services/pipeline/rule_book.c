/* See rule_book.h. */
#include "services/pipeline/rule_book.h"

#include <string.h>

void tt_rule_book_init(struct tt_rule_book *book, const struct tt_alloc *alloc,
                       const struct tt_engine *engine, struct tt_store *store)
{
    *book = (struct tt_rule_book){.alloc = alloc, .engine = engine, .store = store};
    pthread_mutex_init(&book->publish, NULL);
    pthread_mutex_init(&book->lock, NULL);
}

void tt_rule_book_deinit(struct tt_rule_book *book)
{
    tt_setup_unref(book->offered);
    pthread_mutex_destroy(&book->publish);
    pthread_mutex_destroy(&book->lock);
}

static bool same_hash(struct tt_hash128 a, struct tt_hash128 b)
{
    return a.high == b.high && a.low == b.low;
}

/* ---- compiling ---- */

struct first_failure {
    const struct tt_rules *rules;
    const struct tt_engine_source *source;
    struct tt_error *err;
};

static bool on_test(void *ctx, const struct tt_rule_test_result *result)
{
    static const char *const outcomes[] = {"", "pass", "fire", "error"};
    struct first_failure *failure = ctx;
    struct tt_rule_info info;
    if (result->passed) {
        return true;
    }
    tt_rules_info(failure->rules, result->rule, &info);
    (void)tt_fail_at(failure->err, TT_E_INVALID, result->line, 1, 0,
                     "rule %.*s: test %u expects %s, got %s", TT_STR_ARG(info.id), result->test + 1,
                     outcomes[result->expect], outcomes[result->got]);
    (void)tt_engine_place(failure->source, failure->err);
    return false;
}

static enum tt_status run_tests(const struct tt_rules *rules, const struct tt_engine_source *source,
                                struct tt_error *err)
{
    struct first_failure failure = {rules, source, err};
    uint32_t passed = 0, failed = 0;
    enum tt_status status = tt_rules_test(rules, on_test, &failure, &passed, &failed, err);
    return status == TT_OK && failed > 0 ? TT_E_INVALID : status;
}

static bool on_gap(void *ctx, const struct tt_rule_gap *gap)
{
    (void)ctx;
    (void)gap;
    return true;
}

static enum tt_status check_coverage(const struct tt_rules *rules,
                                     const struct tt_engine_source *source, uint32_t least,
                                     struct tt_error *err)
{
    uint32_t seen = 0, total = 0;
    enum tt_status status =
        least == 0 ? TT_OK : tt_rules_cover(rules, on_gap, NULL, &seen, &total, err);
    if (status != TT_OK || (uint64_t)seen * 100 >= (uint64_t)total * least) {
        return status;
    }
    return tt_fail(err, TT_E_INVALID,
                   "%s: the tests see %u of %u branches; %u %% are asked for (telltale rules test "
                   "names the others)",
                   source->name, seen, total, least);
}

enum tt_status tt_rules_setup(const struct tt_engine *engine, const struct tt_engine_source *source,
                              bool tested, struct tt_setup **ret, struct tt_error *err)
{
    struct tt_error local = {0};
    err = err != NULL ? err : &local;
    struct tt_rules *rules = NULL;
    enum tt_status status = tt_engine_rules(engine->alloc, engine->names, source, &rules, err);
    if (status == TT_OK && tested) {
        status = run_tests(rules, source, err);
    }
    if (status != TT_OK) {
        tt_rules_free(rules);
        return status;
    }
    return tt_setup_with_rules(engine->setup, rules, ret, err);
}

/* ---- versions of the store ---- */

/* Which version is looked for, and a copy of its text. */
struct search {
    const struct tt_alloc *alloc;
    enum { BY_VERSION, BY_SETUP, BY_POSITION } by;
    uint64_t number; /* version or position */
    struct tt_hash128 setup;
    bool found;
    uint64_t version, live_seq;
    struct tt_hash128 found_setup;
    struct tt_buf text;
};

static bool on_version(void *ctx, const struct tt_row_rules *row)
{
    struct search *search = ctx;
    bool is_it = search->by == BY_VERSION ? row->version == search->number
                 : search->by == BY_SETUP
                     ? same_hash(row->setup, search->setup)
                     : row->live && row->live_seq <= search->number &&
                           (!search->found || row->live_seq >= search->live_seq);
    if (is_it) {
        search->found = true;
        search->version = row->version;
        search->live_seq = row->live_seq;
        search->found_setup = row->setup;
        tt_buf_clear(&search->text);
        (void)tt_buf_append_str(&search->text, row->text);
    }
    return !is_it || search->by == BY_POSITION;
}

static enum tt_status find(struct tt_store *store, struct search *search, struct tt_error *err)
{
    tt_buf_init(&search->text, search->alloc, TT_ENGINE_FILE_MAX);
    enum tt_status status = store->ops->list_rules(store, on_version, search, err);
    return status == TT_OK && search->text.status != TT_OK
               ? tt_fail(err, search->text.status, "no memory for a version of the rules")
               : status;
}

/* The setup of what was found: the engine's own when it is that. */
static enum tt_status setup_found(const struct tt_engine *engine, const struct search *search,
                                  struct tt_setup **ret, struct tt_error *err)
{
    if (same_hash(search->found_setup, engine->setup->hash)) {
        *ret = tt_setup_ref(engine->setup);
        return TT_OK;
    }
    struct tt_engine_source source = {"rules of the store", tt_buf_str(&search->text), NULL};
    return tt_rules_setup(engine, &source, false, ret, err);
}

enum tt_status tt_rules_setup_of(const struct tt_engine *engine, struct tt_store *store,
                                 struct tt_hash128 hash, struct tt_setup **ret,
                                 struct tt_error *err)
{
    struct search search = {.alloc = engine->alloc, .by = BY_SETUP, .setup = hash};
    struct tt_setup *setup = NULL;
    enum tt_status status = find(store, &search, err);
    if (status == TT_OK && !search.found) {
        status = tt_fail(err, TT_E_NOT_FOUND, "no version of the rules has this setup");
    }
    if (status == TT_OK) {
        status = setup_found(engine, &search, &setup, err);
    }
    tt_buf_deinit(&search.text);
    if (status == TT_OK && !same_hash(setup->hash, hash)) {
        tt_setup_unref(setup); /* other features or detectors now */
        return tt_fail(err, TT_E_NOT_FOUND, "no version of the rules has this setup");
    }
    if (status == TT_OK) {
        *ret = setup;
    }
    return status;
}

enum tt_status tt_rules_setup_at(const struct tt_engine *engine, struct tt_store *store,
                                 uint64_t seq, struct tt_setup **ret, uint64_t *ret_version,
                                 struct tt_error *err)
{
    struct search search = {.alloc = engine->alloc, .by = BY_POSITION, .number = seq};
    enum tt_status status = find(store, &search, err);
    if (status == TT_OK && !search.found) {
        *ret = tt_setup_ref(engine->setup);
    } else if (status == TT_OK && setup_found(engine, &search, ret, err) != TT_OK) {
        status = err->status == TT_E_NOMEM ? TT_E_NOMEM
                                           : tt_fail(err, TT_E_CONFLICT,
                                                     "version %llu of the rules does not compile "
                                                     "any more",
                                                     (unsigned long long)search.version);
    }
    if (status == TT_OK) {
        *ret_version = search.version;
    }
    tt_buf_deinit(&search.text);
    return status;
}

/* ---- offering ---- */

void tt_rule_book_start(struct tt_rule_book *book, struct tt_hash128 setup, uint64_t version)
{
    pthread_mutex_lock(&book->lock);
    book->wanted = setup;
    book->wanted_version = version;
    pthread_mutex_unlock(&book->lock);
}

void tt_rule_book_offer_setup(struct tt_rule_book *book, struct tt_setup *setup, uint64_t version)
{
    pthread_mutex_lock(&book->lock);
    tt_setup_unref(book->offered); /* one that was not taken yet is passed over */
    book->offered = setup;
    book->offered_version = version;
    book->wanted = setup->hash;
    book->wanted_version = version;
    pthread_mutex_unlock(&book->lock);
    if (book->wake.signal != NULL) {
        book->wake.signal(book->wake.ctx);
    }
}

struct tt_setup *tt_rule_book_take(struct tt_rule_book *book, uint64_t *ret_version)
{
    pthread_mutex_lock(&book->lock);
    struct tt_setup *setup = book->offered;
    *ret_version = book->offered_version;
    book->offered = NULL;
    pthread_mutex_unlock(&book->lock);
    return setup;
}

static bool is_wanted(struct tt_rule_book *book, struct tt_hash128 setup, uint64_t *ret_version)
{
    pthread_mutex_lock(&book->lock);
    bool wanted = same_hash(book->wanted, setup);
    *ret_version = wanted ? book->wanted_version : *ret_version;
    pthread_mutex_unlock(&book->lock);
    return wanted;
}

static enum tt_status publish(struct tt_rule_book *book, const struct tt_engine_source *source,
                              const struct tt_rule_change *change, uint64_t *ret_version,
                              struct tt_error *err)
{
    struct tt_setup *setup = NULL;
    enum tt_status status = tt_rules_setup(book->engine, source, true, &setup, err);
    if (status != TT_OK) {
        return status;
    }
    status = check_coverage(setup->rules, source, change->coverage_min, err);
    if (status != TT_OK) {
        tt_setup_unref(setup);
        return status;
    }
    if (is_wanted(book, setup->hash, ret_version)) {
        tt_setup_unref(setup);
        return TT_OK;
    }
    struct tt_row_rules row = {
        .setup = setup->hash,
        .text = source->text,
        .author = change->author,
        .reason = change->reason,
        .at_ms = change->at_ms,
    };
    uint64_t version = 0;
    status = book->store->ops->put_rules(book->store, &row, &version, err);
    if (status != TT_OK) {
        tt_setup_unref(setup);
        return status;
    }
    tt_rule_book_offer_setup(book, setup, version);
    *ret_version = version;
    return TT_OK;
}

enum tt_status tt_rule_book_publish(struct tt_rule_book *book,
                                    const struct tt_engine_source *source,
                                    const struct tt_rule_change *change, uint64_t *ret_version,
                                    struct tt_error *err)
{
    pthread_mutex_lock(&book->publish);
    enum tt_status status = publish(book, source, change, ret_version, err);
    pthread_mutex_unlock(&book->publish);
    return status;
}

enum tt_status tt_rule_book_rollback(struct tt_rule_book *book, uint64_t version,
                                     const struct tt_rule_change *change, uint64_t *ret_version,
                                     struct tt_error *err)
{
    struct search search = {.alloc = book->alloc, .by = BY_VERSION, .number = version};
    enum tt_status status = find(book->store, &search, err);
    if (status == TT_OK && !search.found) {
        status = tt_fail(err, TT_E_NOT_FOUND, "there is no version %llu of the rules",
                         (unsigned long long)version);
    }
    /* What is in force already needs no compiling, which lists in files would not survive. */
    if (status == TT_OK && !is_wanted(book, search.found_setup, ret_version)) {
        struct tt_engine_source source = {"rules of the store", tt_buf_str(&search.text), NULL};
        status = tt_rule_book_publish(book, &source, change, ret_version, err);
    }
    tt_buf_deinit(&search.text);
    return status;
}

enum tt_status tt_rule_book_offer(struct tt_rule_book *book, uint64_t version, struct tt_error *err)
{
    struct search search = {.alloc = book->alloc, .by = BY_VERSION, .number = version};
    struct tt_setup *setup = NULL;
    enum tt_status status = find(book->store, &search, err);
    if (status == TT_OK) {
        status = setup_found(book->engine, &search, &setup, err);
    }
    if (status == TT_OK) {
        tt_rule_book_offer_setup(book, setup, version);
    }
    tt_buf_deinit(&search.text);
    return status;
}
