/*
 * The dictionary: which names expressions may use, and the slots their values stand in.
 *
 * What:    the transaction's fields, the declared attributes, then the features of a plan, each
 *          with its type and slot; and filling an array of slots from a transaction and a vector.
 *          Fields: amount (double, major units), currency, type, authorization (string), timestamp
 *          (timestamp), latitude, longitude (double), and every text field of enum tt_txn_text; with
 *          exchange rates amount_base (double, major units of the base currency) as well.
 * Why:     one dictionary for feature filters, feature expressions and rules: the same name means
 *          the same thing everywhere. What is absent is missing, never empty or zero.
 * Owner:   tt_names_new from the allocator given; names are copied. Filled slots hold views of the
 *          transaction's text and live as long as it.
 * Threads: immutable after tt_names_new.
 * Limits:  TT_ATTRIBUTES_MAX attributes, TT_FEATURES_MAX features.
 * Fails:   tt_names_new: TT_E_CONFLICT when a name is there already, TT_E_INVALID when it is no
 *          identifier, TT_E_LIMIT, TT_E_NOMEM.
 */
#ifndef TT_CORE_EVENT_NAMES_H
#define TT_CORE_EVENT_NAMES_H

#include "core/event/event.h"
#include "core/expr/expr.h"
#include "core/txn/rates.h"

struct tt_names;

/* A declared attribute (its values come in tt_txn.attributes, matched by name). */
struct tt_attribute_decl {
    struct tt_str name;
    enum tt_attribute_type type;
};

/* Builds the dictionary; features in the order of the plan (a vector's indices). Either array may
 * be NULL with count 0. On failure *ret is untouched. */
enum tt_status tt_names_new(const struct tt_alloc *alloc,
                            const struct tt_attribute_decl *attributes, size_t attribute_count,
                            const struct tt_str *features, size_t feature_count,
                            struct tt_names **ret, struct tt_error *err) TT_MUST_USE;
/* The same, with the name amount_base when there are rates (rates may be NULL; they are copied). */
enum tt_status tt_names_new_priced(const struct tt_alloc *alloc, const struct tt_rates *rates,
                                   const struct tt_attribute_decl *attributes,
                                   size_t attribute_count, const struct tt_str *features,
                                   size_t feature_count, struct tt_names **ret,
                                   struct tt_error *err) TT_MUST_USE;
void tt_names_free(struct tt_names *names);
/* The environment to compile against; lives as long as names. */
const struct tt_expr_env *tt_names_env(const struct tt_names *names);
/* For `matches` and named time zones; before anything is compiled against the names. */
void tt_names_set_host(struct tt_names *names, const struct tt_expr_host *host);
uint32_t tt_names_slot_count(const struct tt_names *names);
/* The slot of the plan's feature number `index` (below the count given to tt_names_new). */
uint32_t tt_names_feature_slot(const struct tt_names *names, uint32_t index);
/* The feature index of a slot, or UINT16_MAX when the slot is not a feature's. */
uint16_t tt_names_slot_feature(const struct tt_names *names, uint32_t slot);
/* Sets every slot to missing. */
void tt_names_clear(const struct tt_names *names, struct tt_value *slots);
/* Writes the slots of fields, attributes and amount_base; an attribute of another type than declared is
 * missing. Leaves the features' slots alone. */
void tt_names_fill_txn(const struct tt_names *names, const struct tt_txn *txn,
                       struct tt_value *slots);
/* Writes the features' slots; features past vector->count are missing. */
void tt_names_fill_vector(const struct tt_names *names, const struct tt_vector *vector,
                          struct tt_value *slots);
/* Writes the slots of a list, each from the transaction or the vector; the others stay as they
 * are. */
void tt_names_fill_some(const struct tt_names *names, const struct tt_txn *txn,
                        const struct tt_vector *vector, const uint32_t *list, uint32_t count,
                        struct tt_value *slots);

#endif
