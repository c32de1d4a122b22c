/*
 * Store port: what has been decided, kept for good.
 *
 * What:    the log of transactions with vector, detections and decision; anomalies; labels; dead letters;
 *          bundles. Written in groups, one database transaction a group.
 * Why:     one append is the commit point of the pipeline: an answer goes out only after it.
 * Owner:   rows and their views belong to the caller for the call; rows handed to a callback are
 *          valid inside the callback only.
 * Threads: append from one thread; the reading calls from any thread, at the same time.
 * Units:   times are ms since the Unix epoch.
 * Fails:   append is all or nothing; any failure means the caller must stop and restart from what is
 *          stored (TT_E_FULL disk full, TT_E_IO, TT_E_CORRUPT). Reads: TT_E_NOT_FOUND, TT_E_IO.
 */
#ifndef TT_PORTS_STORE_H
#define TT_PORTS_STORE_H

#include "base/hash.h"

/* One accepted transaction with its decision of record. */
struct tt_row_transaction {
    uint64_t seq; /* position in the log; strictly increasing over appends */
    int64_t event_ms;
    struct tt_str user_id, transaction_id;
    struct tt_hash128 content; /* of the validated record */
    struct tt_str json;        /* the validated record, public JSON */
    struct tt_str vector;      /* packed vector with its plan hash (core/features) */
    struct tt_str detections;  /* packed detections (core/detect) */
    struct tt_str decision;    /* public JSON of the answer */
    uint32_t epoch;
    struct tt_hash128 bundle;
    uint32_t absorbed;       /* bit per feature step */
    struct tt_str positions; /* packed u64 per feature step, little endian */
    bool anomalous;
};

/* One anomaly; json is the whole public object. */
struct tt_row_anomaly {
    struct tt_str anomaly_id; /* begins with the event time: sorts by time */
    uint64_t seq;
    int64_t event_ms;
    double score, p_value;
    uint8_t severity; /* 1 low … 4 critical */
    uint8_t verdict;  /* 1 allow, 2 review, 3 block */
    bool alerted;
    struct tt_str status;               /* "open" … */
    struct tt_str user_id, merchant_id; /* merchant_id may be absent */
    struct tt_str detectors; /* names of those that fired, comma separated, e.g. "zscore,rules" */
    struct tt_str json;
};

/* One label in the log. */
struct tt_row_label {
    uint64_t seq;
    struct tt_str user_id, transaction_id;
    uint8_t kind, source;
    int64_t known_at_ms, recorded_at_ms;
    double selection_probability;
    struct tt_str json; /* the labelled transaction's record, so that replay needs no look-up */
};

/* Bytes that were refused, card numbers masked already. */
struct tt_row_dead_letter {
    int64_t received_ms;
    struct tt_str source; /* "http", file name … */
    struct tt_str reason; /* code of rejects.def */
    struct tt_str detail;
    struct tt_str bytes;
};

/* A mark that closes an epoch at a position. */
struct tt_row_epoch {
    uint64_t seq;
    uint32_t epoch; /* the epoch that begins after the mark */
    struct tt_hash128 bundle;
    uint64_t rules_version; /* append: these rules are live from here on; 0 = as before */
};

/* One version of the rules. */
struct tt_row_rules {
    uint64_t version; /* from 1 */
    struct tt_hash128 setup;
    struct tt_str text, author, reason;
    int64_t at_ms;
    bool live;         /* decides, or has decided */
    uint64_t live_seq; /* of the mark it is live behind; 0 = from the beginning of the log */
};

struct tt_group {
    const struct tt_row_transaction *transactions;
    size_t transaction_count;
    const struct tt_row_anomaly *anomalies;
    size_t anomaly_count;
    const struct tt_row_label *labels;
    size_t label_count;
    const struct tt_row_dead_letter *dead_letters;
    size_t dead_letter_count;
    const struct tt_row_epoch *epochs;
    size_t epoch_count;
};

/* A page of 1,000, and one more that tells whether there is another page. */
#define TT_ANOMALIES_MAX 1001

struct tt_anomaly_filter {
    int64_t from_ms, to_ms; /* from inclusive, to exclusive; TT_TIME_NONE = open */
    uint8_t severity_min;   /* 0 = any */
    uint8_t severity;       /* exactly this one; 0 = any */
    double score_min;       /* 0 = any */
    struct tt_str user_id, merchant_id, detector, status; /* absent = any */
    /* Keyset: only rows strictly before (event_ms, anomaly_id), newest first; id absent = from the top. */
    int64_t before_ms;
    struct tt_str before_id;
    uint32_t limit; /* 1 to TT_ANOMALIES_MAX */
};

struct tt_store_counts {
    uint64_t transactions, anomalies, labels, dead_letters;
    uint64_t seq_last;   /* highest position of any row in the log; 0 = empty */
    int64_t day_last_ms; /* start of the newest day that has transactions, or TT_TIME_NONE */
};

/* The transactions of one day, or of all days that share a place (day TT_STORE_DAY_OTHER). */
#define TT_STORE_DAY_OTHER INT64_MIN
struct tt_store_day {
    int64_t day; /* days since 1970-01-01 */
    uint64_t row_count, seq_first, seq_last;
};

/* Return false to stop early. */
typedef bool tt_on_store_day(void *ctx, const struct tt_store_day *day);
typedef bool tt_on_rules(void *ctx, const struct tt_row_rules *row);
typedef bool tt_on_anomaly(void *ctx, const struct tt_row_anomaly *row);
/* Exactly one of the three is non-NULL; called in order of seq. */
typedef bool tt_on_log(void *ctx, const struct tt_row_transaction *transaction,
                       const struct tt_row_label *label, const struct tt_row_epoch *epoch);

struct tt_store;
struct tt_store_ops {
    const char *name;
    /* Commits the group, durable by the store's setting when it returns TT_OK. */
    enum tt_status (*append)(struct tt_store *store, const struct tt_group *group,
                             struct tt_error *err);
    /* The transactions, labels and epoch marks with seq ≥ seq_from, in order of seq, each once. */
    enum tt_status (*scan)(struct tt_store *store, uint64_t seq_from, tt_on_log *on_row, void *ctx,
                           struct tt_error *err);
    /* The least seq of a transaction with event_ms ≥ from_ms that is stored, or seq_last + 1. */
    enum tt_status (*seq_at)(struct tt_store *store, int64_t from_ms, uint64_t *ret_seq,
                             struct tt_error *err);
    /* The days that have transactions, oldest first (TT_STORE_DAY_OTHER before all). */
    enum tt_status (*list_days)(struct tt_store *store, tt_on_store_day *on_day, void *ctx,
                                struct tt_error *err);
    /* The transactions of one of those days in order of seq; TT_E_NOT_FOUND when it is gone. */
    enum tt_status (*scan_day)(struct tt_store *store, int64_t day, tt_on_log *on_row, void *ctx,
                               struct tt_error *err);
    /* The labels in order of seq. */
    enum tt_status (*scan_labels)(struct tt_store *store, tt_on_log *on_row, void *ctx,
                                  struct tt_error *err);
    /* Calls on_row for every transaction with this transaction_id (of user_id when present; event_ms ≠ TT_TIME_NONE
     * limits the search to that day). TT_OK also when there is none. */
    enum tt_status (*find)(struct tt_store *store, struct tt_str user_id,
                           struct tt_str transaction_id, int64_t event_ms, tt_on_log *on_row,
                           void *ctx, struct tt_error *err);
    enum tt_status (*list_anomalies)(struct tt_store *store, const struct tt_anomaly_filter *filter,
                                     tt_on_anomaly *on_row, void *ctx, struct tt_error *err);
    enum tt_status (*get_anomaly)(struct tt_store *store, struct tt_str anomaly_id,
                                  tt_on_anomaly *on_row, void *ctx, struct tt_error *err);
    enum tt_status (*counts)(struct tt_store *store, struct tt_store_counts *ret,
                             struct tt_error *err);
    /* Content-addressed, immutable; putting the same one twice is fine. Called from the append thread. */
    enum tt_status (*put_bundle)(struct tt_store *store, struct tt_hash128 hash,
                                 struct tt_str bytes, struct tt_error *err);
    /* Appends the bytes to ret. */
    enum tt_status (*get_bundle)(struct tt_store *store, struct tt_hash128 hash, struct tt_buf *ret,
                                 struct tt_error *err);
    /* Makes a route known to the outbox: a new one begins behind the alerts that are stored, a known one is left as
     * it is. A route that was never opened begins with the first alert. */
    enum tt_status (*open_route)(struct tt_store *store, struct tt_str route, struct tt_error *err);
    /* Adds a version of the rules (row->version is not read) and says its number. Any thread. */
    enum tt_status (*put_rules)(struct tt_store *store, const struct tt_row_rules *row,
                                uint64_t *ret_version, struct tt_error *err);
    /* The versions, oldest first. */
    enum tt_status (*list_rules)(struct tt_store *store, tt_on_rules *on_row, void *ctx,
                                 struct tt_error *err);
    /* The outbox: alerted anomalies not yet settled on that route, oldest first, at most limit. */
    enum tt_status (*list_undelivered)(struct tt_store *store, struct tt_str route, uint32_t limit,
                                       tt_on_anomaly *on_row, void *ctx, struct tt_error *err);
    /* Settles one of them: delivered, or given up with the reason in detail. Any thread. */
    enum tt_status (*settle)(struct tt_store *store, struct tt_str route, struct tt_str anomaly_id,
                             bool delivered, int64_t at_ms, struct tt_str detail,
                             struct tt_error *err);
    /* Drops whole days before that time; transactions only. */
    enum tt_status (*drop_before)(struct tt_store *store, int64_t before_ms, struct tt_error *err);
    void (*close)(struct tt_store *store);
};
/* Adapters embed this as their first member. */
struct tt_store {
    const struct tt_store_ops *ops;
};

#endif
