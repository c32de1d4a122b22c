/*
 * The rule book: versions of the rules in the store, and how a new one comes into force.
 *
 * What:    compiles a rule file aside, runs the tests in it, stores it as the next version, and offers it
 *          to the log's writer, which puts it into force with an epoch mark: every event before the mark is
 *          decided by the old rules, every one behind it by the new ones.
 * Why:     the mark and the pause behind it are there already (docs/decisions/0002); a position in the
 *          log says which version decided what, so that a replay and a restart know it too
 *          (docs/decisions/0014).
 * Owner:   the caller owns the struct; engine and store are borrowed. A setup offered belongs to the book
 *          until it is taken, then to the mark.
 * Threads: any; a publish at a time. take from the log's writer.
 * Limits:  TT_ENGINE_FILE_MAX bytes a rule file.
 * Fails:   publish: what compiling says, with file, line and column; TT_E_INVALID a test failed;
 *          TT_E_NOT_FOUND no such version; the store's. Whatever fails, the rules in force go on.
 */
#ifndef TT_SERVICES_PIPELINE_RULE_BOOK_H
#define TT_SERVICES_PIPELINE_RULE_BOOK_H

#include <pthread.h>

#include "ports/store.h"
#include "runtime/waker.h"
#include "services/pipeline/engine.h"

struct tt_rule_book {
    const struct tt_alloc *alloc;
    const struct tt_engine *engine;
    struct tt_store *store;
    struct tt_wake wake;      /* of the log's writer */
    pthread_mutex_t publish;  /* one at a time */
    pthread_mutex_t lock;     /* of what is below */
    struct tt_setup *offered; /* or NULL */
    uint64_t offered_version;
    struct tt_hash128 wanted; /* setup of the newest version offered or in force */
    uint64_t wanted_version;
};

/* Who publishes and why. */
struct tt_rule_change {
    struct tt_str author, reason;
    int64_t at_ms;
    uint32_t
        coverage_min; /* percent of the conditions' branches that the tests must see; 0 = any */
};

void tt_rule_book_init(struct tt_rule_book *book, const struct tt_alloc *alloc,
                       const struct tt_engine *engine, struct tt_store *store);
void tt_rule_book_deinit(struct tt_rule_book *book);

/* The engine's setup with the rules of a text; with `tested`, their tests must pass. */
enum tt_status tt_rules_setup(const struct tt_engine *engine, const struct tt_engine_source *source,
                              bool tested, struct tt_setup **ret, struct tt_error *err) TT_MUST_USE;
/* The setup of that hash, from the versions of a store; TT_E_NOT_FOUND. */
enum tt_status tt_rules_setup_of(const struct tt_engine *engine, struct tt_store *store,
                                 struct tt_hash128 hash, struct tt_setup **ret,
                                 struct tt_error *err) TT_MUST_USE;
/* The setup of the version in force at a position of the log; *ret_version 0 and the engine's own when
 * the store has none. A version that no longer compiles is TT_E_CONFLICT. */
enum tt_status tt_rules_setup_at(const struct tt_engine *engine, struct tt_store *store,
                                 uint64_t seq, struct tt_setup **ret, uint64_t *ret_version,
                                 struct tt_error *err) TT_MUST_USE;

/* What is in force at start. */
void tt_rule_book_start(struct tt_rule_book *book, struct tt_hash128 setup, uint64_t version);
/* Stores and offers. Rules that are the newest already are not stored again. */
enum tt_status tt_rule_book_publish(struct tt_rule_book *book,
                                    const struct tt_engine_source *source,
                                    const struct tt_rule_change *change, uint64_t *ret_version,
                                    struct tt_error *err) TT_MUST_USE;
/* Publishes the text of an older version as the newest. */
enum tt_status tt_rule_book_rollback(struct tt_rule_book *book, uint64_t version,
                                     const struct tt_rule_change *change, uint64_t *ret_version,
                                     struct tt_error *err) TT_MUST_USE;
/* Offers a stored version again. */
enum tt_status tt_rule_book_offer(struct tt_rule_book *book, uint64_t version,
                                  struct tt_error *err) TT_MUST_USE;
/* Offers a setup (a reference is taken over) as that version. */
void tt_rule_book_offer_setup(struct tt_rule_book *book, struct tt_setup *setup, uint64_t version);
/* What was offered, to be put in force now; NULL = nothing. */
struct tt_setup *tt_rule_book_take(struct tt_rule_book *book, uint64_t *ret_version);

#endif
