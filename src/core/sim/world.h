/*
 * The simulated world: merchants, customers and look-up tables, shared by the generator's files.
 *
 * What:    private to core/sim; see sim.h for the public face.
 * Why:     merchants of one zone and category stand together, most popular first, so that a Zipf
 *          draw is an index; a customer's favourites are hashes, not lists, and cost no memory.
 * Owner:   struct tt_sim owns all arrays.
 * Threads: confined to the generator's thread.
 * Units:   positions in degrees; the home plane is PLANE_KM × PLANE_KM.
 */
#ifndef TT_CORE_SIM_WORLD_H
#define TT_CORE_SIM_WORLD_H

#include "base/math.h"
#include "base/rng.h"
#include "core/sim/sim.h"

#define TT_SIM_MEAN_DAILY 2.0     /* payments of a customer */
#define TT_SIM_FRAUD_SHARE 0.0065 /* of all rows, at fraud 1 */
#define TT_SIM_PLANE_KM 100.0
#define TT_SIM_TERMINAL_DAYS_MIN 14.0 /* how long an episode lasts, uniform */
#define TT_SIM_TERMINAL_DAYS_MAX 42.0
#define TT_SIM_CARD_DAYS_MIN 2.0
#define TT_SIM_CARD_DAYS_MAX 14.0
#define TT_SIM_TABLE_SIZE 1024u
#define TT_SIM_SLOTS 240u /* six-minute slots of the day, in the tables of hours */
#define TT_SIM_SLOT_MS 360000u
#define TT_SIM_HOME_COUNTRY "AT"
#define TT_SIM_NOBODY UINT32_MAX

enum tt_sim_category {
#define TT_SIM_CATEGORY(id, mcc, median, sigma, weight, hours, weekend, sale, online, travel)      \
    TT_SIM_##id,
#include "core/sim/categories.def"
#undef TT_SIM_CATEGORY
    TT_SIM_CATEGORY_COUNT
};

enum tt_sim_hours {
    TT_SIM_HOURS_SHOP,
    TT_SIM_HOURS_DINNER,
    TT_SIM_HOURS_LUNCH,
    TT_SIM_HOURS_COMMUTE,
    TT_SIM_HOURS_NIGHT,
    TT_SIM_HOURS_ONLINE,
    TT_SIM_HOURS_COUNT
};

/* Zone 0 is the home plane, 1 … TT_SIM_PLACE_COUNT are places of travel, then online. */
#define TT_SIM_PLACE(country, latitude, longitude, weight) +1
enum {
    TT_SIM_PLACE_COUNT = 0
#include "core/sim/places.def"
    ,
    TT_SIM_ZONE_HOME = 0,
    TT_SIM_ZONE_ONLINE = TT_SIM_PLACE_COUNT + 1,
    TT_SIM_ZONE_COUNT,
    TT_SIM_ZONE_TRANSIT = TT_SIM_ZONE_COUNT, /* on the way: nothing is bought on the spot */
};
#undef TT_SIM_PLACE

enum tt_sim_day_type { TT_SIM_WORKDAY, TT_SIM_WEEKEND, TT_SIM_SALE_DAY, TT_SIM_DAY_TYPES };

struct tt_sim_category_row {
    const char *mcc;
    double median, sigma, weight, weekend_ratio, sale_ratio, online_share, travel_weight;
    uint8_t hours;
};
struct tt_sim_place_row {
    const char *country;
    double latitude, longitude, weight;
};
extern const struct tt_sim_category_row tt_sim_categories[TT_SIM_CATEGORY_COUNT];
extern const struct tt_sim_place_row tt_sim_places[TT_SIM_PLACE_COUNT];

/* rows_boosted: mean rows of an episode that is pressed into a boost window; declined: share of its
 * rows that the issuer declines. */
struct tt_sim_kind_row {
    double share, rows, rows_boosted, declined;
};
extern const struct tt_sim_kind_row tt_sim_kinds[TT_SIM_KIND_COUNT];

struct tt_sim_merchant {
    double latitude, longitude; /* 0 of online ones */
    double price_log;           /* dear or cheap, on the scale of the logarithm */
    uint8_t category, zone;
    char country[4];
};

/* The merchants of one zone and category: merchants[first … first + count), most popular first. */
struct tt_sim_shelf {
    uint32_t first, count;
    double log_count; /* ln(count + 1) */
};

struct tt_sim_customer {
    double latitude, longitude; /* of the home */
    double rate_daily, amount_log, sigma, online_share, trip_daily;
    uint64_t key;         /* favourites, devices and address come from it */
    int64_t last_ms;      /* last genuine payment on the spot, or TT_TIME_NONE */
    int64_t bought_minor; /* last purchase that may be given back, 0 = none */
    int64_t trip_depart_ms, trip_arrive_ms, trip_leave_ms, trip_back_ms;
    int32_t shift_ms; /* gets up early or late */
    uint32_t last_merchant, bought_merchant;
    uint32_t serial;                                   /* never used again */
    uint32_t card, device, device_second, device_last; /* device_second 0 = has only one */
    uint8_t payday, trip_zone, issuer;
};

/* One planned ordinary payment. */
struct tt_sim_visit {
    uint32_t ms; /* of the local day */
    uint32_t customer;
    uint8_t category, flags;
};
#define TT_SIM_VISIT_REFUND 1u
#define TT_SIM_VISIT_LARGE 2u

/* A row that does not come from the day's plan: a retry, a fraud, or the start of an episode. */
enum tt_sim_what { TT_SIM_ROW_RETRY = 1, TT_SIM_ROW_FRAUD, TT_SIM_ROW_START };
struct tt_sim_row {
    int64_t ms, amount_minor, known_at_ms;
    uint64_t order;                              /* unique: breaks ties of ms */
    uint32_t customer, serial, merchant, device; /* device 0 = the customer's own */
    uint8_t what, kind, channel, type;
    bool declined, boosted;
};

/* An episode that lasts days: a compromised terminal or a stolen card. */
struct tt_sim_episode {
    int64_t end_ms;
    double amount_ratio;
    uint32_t customer, serial, merchant, device;
    uint8_t kind;
};

struct tt_sim {
    struct tt_alloc alloc;
    struct tt_sim_options options;
    struct tt_rng rng_plan, rng_habits, rng_fraud;
    double minor_per_major;
    uint64_t run_key; /* keeps ids and devices of two seeds apart */
    struct tt_sim_merchant *merchants;
    struct tt_sim_customer *customers;
    uint32_t serial_last;
    struct tt_sim_shelf shelves[TT_SIM_ZONE_COUNT][TT_SIM_CATEGORY_COUNT];
    double town_x[5], town_y[5];
    uint8_t category_table[TT_SIM_DAY_TYPES][TT_SIM_TABLE_SIZE];
    uint8_t travel_table[TT_SIM_TABLE_SIZE];
    uint8_t place_table[TT_SIM_TABLE_SIZE];
    uint8_t hour_table[TT_SIM_HOURS_COUNT][TT_SIM_TABLE_SIZE];
    double median_log[TT_SIM_CATEGORY_COUNT];
    int64_t day;    /* local day that is planned */
    bool planned;   /* false: the plan of `day` is still to be made */
    int64_t day_ms; /* its start in UTC */
    struct tt_sim_visit *visits, *visits_spare;
    size_t visit_count, visit_next, visit_capacity;
    struct tt_sim_row *queue; /* binary heap by (ms, order) */
    size_t queue_count, queue_capacity;
    uint64_t order_last;
    struct tt_sim_episode *episodes;
    size_t episode_count, episode_capacity;
    uint32_t travel_waiting, travel_waiting_boosted; /* look for a payment on the spot to follow */
    uint64_t genuine_count, fraud_count;             /* rows made; each numbers its own ids */
};

/* world.c */
/* Fills the tables, merchants and customers of a zeroed sim whose arrays are there. */
void tt_sim_world_build(struct tt_sim *sim);
/* Somebody new in that slot. */
void tt_sim_customer_make(struct tt_sim *sim, uint32_t slot);
/* A merchant of the shelf by popularity; u in [0, 1). The shelf must not be empty. */
uint32_t tt_sim_shelf_pick(const struct tt_sim_shelf *shelf, double u);
/* Kilometres between two points; near ones by the flat approximation. */
double tt_sim_distance_km(double latitude_a, double longitude_a, double latitude_b,
                          double longitude_b);
/* Uniform in [low, high). */
double tt_sim_uniform(struct tt_rng *rng, double low, double high);

/* habits.c */
/* Plans the ordinary payments of sim->day; TT_E_NOMEM leaves the day unplanned. */
enum tt_status tt_sim_day_plan(struct tt_sim *sim) TT_MUST_USE;
/* Does a planned payment; always makes a row. */
void tt_sim_visit_do(struct tt_sim *sim, const struct tt_sim_visit *visit,
                     struct tt_sim_transaction *ret);
/* Tries a declined payment again; false when the customer has gone. */
bool tt_sim_retry_do(struct tt_sim *sim, const struct tt_sim_row *row,
                     struct tt_sim_transaction *ret);
/* An amount as this customer spends at this merchant, times ratio. */
int64_t tt_sim_amount(struct tt_sim *sim, struct tt_rng *rng,
                      const struct tt_sim_customer *customer, uint32_t merchant, double ratio);

/* The zone the customer is in: home, a place, or TT_SIM_ZONE_TRANSIT. */
uint32_t tt_sim_zone_at(const struct tt_sim_customer *customer, int64_t ms);

/* fraud.c */
/* Mean fraud rows a day by the options, without boost. */
double tt_sim_fraud_rows_daily(const struct tt_sim_options *options);
/* Mean episodes that last (terminals, stolen cards) going on at any time. */
double tt_sim_fraud_lasting(const struct tt_sim_options *options);
/* Mean days of an episode of a kind that lasts. */
double tt_sim_episode_mean_days(unsigned kind);
/* Starts the episodes of sim->day and queues the rows of those that last. */
void tt_sim_fraud_plan(struct tt_sim *sim);
/* Episodes that were already going on when the generator starts. */
void tt_sim_fraud_warm(struct tt_sim *sim);
/* A queued fraud row; false when its customer has gone. */
bool tt_sim_fraud_do(struct tt_sim *sim, const struct tt_sim_row *row,
                     struct tt_sim_transaction *ret);

/* episodes.c */
/* A new episode of a kind that lasts, its end still open. */
struct tt_sim_episode tt_sim_episode_make(struct tt_sim *sim, uint8_t kind);
/* How long one lasts. */
int64_t tt_sim_episode_duration_ms(struct tt_sim *sim, unsigned kind);
/* Queues what it does in [from, until) of the planned day, at hours that fit the shop. */
void tt_sim_episode_rows(struct tt_sim *sim, const struct tt_sim_episode *episode, int64_t from,
                         int64_t until);
/* The row of kind START: queues what the episode does. */
void tt_sim_fraud_start(struct tt_sim *sim, const struct tt_sim_row *row);
/* After a genuine payment on the spot: whoever waits for one follows it from far away. */
void tt_sim_fraud_follow(struct tt_sim *sim, uint32_t customer, uint32_t merchant, int64_t ms);

/* sim.c */
/* Adds to the queue; a full queue drops the row (its maximum is never reached by default). */
void tt_sim_queue_push(struct tt_sim *sim, struct tt_sim_row row);
/* Fills the fields that every row has, as of a card on nobody's device. channel, amount, type and
 * authorization are the caller's. fraud only chooses the counter behind the id, which hides it. */
void tt_sim_row_fill(struct tt_sim *sim, struct tt_sim_transaction *row, uint32_t customer,
                     uint32_t merchant, int64_t ms, bool fraud);
/* The position of a row on the spot. */
void tt_sim_row_spot(const struct tt_sim *sim, struct tt_sim_transaction *row, uint32_t merchant);
/* Device and address of an online row; equal keys are the same device and address. */
void tt_sim_row_online(struct tt_sim_transaction *row, uint64_t device_key, uint64_t ip_key);

#endif
