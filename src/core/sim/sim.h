/*
 * Synthetic labelled payment traffic for demos, tests and benchmarks.
 *
 * What:    an endless stream of transactions in time order; each knows whether it is fraud, of
 *          which kind, and when that became known. Only the generator knows: the label is no field
 *          of the transaction that detectors see.
 * Why:     ordinary traffic has what makes detection hard (habits by person and category, cycles of
 *          day, week and payday, trips, new customers and devices, declines with retries, refunds,
 *          sale days, large purchases), and part of the fraud looks ordinary: a detector must miss
 *          some. Idea of customers and terminals in a plane: Le Borgne et al., "Reproducible
 *          machine learning for credit card fraud detection", 2022.
 * Owner:   tt_sim_new takes everything from one allocator; tt_sim_free gives it back.
 * Threads: one generator, one thread. No clock, no I/O: time starts at start_ms and goes with the
 *          rows.
 * Units:   times are ms since the epoch; amounts minor units; rates are per customer and day.
 * Limits:  TT_SIM_CUSTOMERS_MAX, TT_SIM_MERCHANTS_MIN to _MAX. Memory: about 200 bytes a customer
 *          and 24 bytes a row of the busiest day.
 * Fails:   TT_E_NOMEM; TT_E_INVALID for options out of range.
 */
#ifndef TT_CORE_SIM_SIM_H
#define TT_CORE_SIM_SIM_H

#include "base/alloc.h"
#include "core/txn/txn.h"

#define TT_SIM_CUSTOMERS_MAX 4000000u
#define TT_SIM_MERCHANTS_MIN 250u
#define TT_SIM_MERCHANTS_MAX 1000000u

enum tt_sim_kind {
    TT_SIM_GENUINE = 0,
#define TT_SIM_KIND(id, name, share, rows) TT_SIM_##id,
#include "core/sim/sim_kinds.def"
#undef TT_SIM_KIND
    TT_SIM_KIND_COUNT
};

enum tt_sim_channel { TT_SIM_CHANNEL_ONLINE = 1, TT_SIM_CHANNEL_POS, TT_SIM_CHANNEL_ATM };

/* More fraud for a while, so that a short demo sees all of it; a demo that uses it says so. */
struct tt_sim_boost {
    int64_t from_ms;
    int64_t until_ms;  /* exclusive; 0 with factor ≤ 1 and each_min 0 = no boost */
    double factor;     /* fraud rows come this many times as often; to 10,000 */
    uint32_t each_min; /* besides: so many episodes of every kind start in it; to 1,000 */
};

struct tt_sim_options {
    uint64_t seed;
    uint32_t customers;     /* at any time; who leaves is replaced by somebody new */
    uint32_t merchants;     /* terminals and shops, the online ones included */
    int64_t start_ms;       /* no row before it; from 1900 to 2199 */
    int64_t zone_offset_ms; /* local time of the region = UTC + this */
    tt_currency currency;   /* 0 = EUR */
    double rate;            /* multiplies everybody's payments a day; 0.001 to 100 */
    double fraud;           /* multiplies the fraud episodes, to 100; 0 = none but a boost's */
    struct tt_sim_boost boost;
};

/* Text fields are NUL-terminated; empty = absent. */
struct tt_sim_transaction {
    char transaction_id[32];
    int64_t timestamp_ms;
    int64_t amount_minor;
    tt_currency currency;
    uint8_t type;          /* enum tt_txn_type */
    uint8_t authorization; /* enum tt_authorization */
    uint8_t channel;       /* enum tt_sim_channel */
    bool has_position;     /* of payments on the spot */
    double latitude, longitude;
    char user_id[16];
    char merchant_id[16];
    char merchant_category_code[8];
    char merchant_country[4];
    char issuer_country[4];
    char card_id[24];
    char device_id[24]; /* online only */
    char ip[16];        /* online only; from the documentation ranges of RFC 5737 */
    /* What only the generator knows: */
    uint8_t kind;              /* enum tt_sim_kind; 0 = genuine */
    int64_t label_known_at_ms; /* when the fraud was reported; TT_TIME_NONE of genuine rows */
};

struct tt_sim;

/* Seed 1, 2,000 customers, 800 merchants, start 2026-01-01T00:00:00Z, EUR, rate and fraud 1. */
struct tt_sim_options tt_sim_options_default(void);
/* A generator, or TT_E_INVALID (err names the option) or TT_E_NOMEM; *ret is set on success only. */
enum tt_status tt_sim_new(const struct tt_alloc *alloc, const struct tt_sim_options *options,
                          struct tt_sim **ret, struct tt_error *err) TT_MUST_USE;
/* Gives everything back; sim may be NULL. */
void tt_sim_free(struct tt_sim *sim);
/* The next row; times never go down. TT_E_NOMEM leaves *ret untouched and may be tried again. */
enum tt_status tt_sim_next(struct tt_sim *sim, struct tt_sim_transaction *ret) TT_MUST_USE;

/* How many customers make that many rows a second, as a mean over day and week at rate 1. */
uint32_t tt_sim_customers_for_rate(double per_second);
/* How busy an hour of the local day (0–23) is against the mean of the day, which is 1. */
double tt_sim_hour_ratio(unsigned hour);
/* "genuine", "amount_over_limit" …; NULL when there is no such kind. */
const char *tt_sim_kind_name(unsigned kind);
/* "online", "pos", "atm". */
const char *tt_sim_channel_name(unsigned channel);
/* The transaction as detectors may see it, without the label; the views point into row. */
void tt_sim_view(const struct tt_sim_transaction *row, struct tt_txn *ret);

#endif
