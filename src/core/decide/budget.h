/*
 * The alert budget: which of the ranked payments somebody is told about.
 *
 * What:    so many alert cases a day instead of a threshold. It keeps what each of the last days
 *          looked like (payments an hour, how far out the unusual ones were), and from that and
 *          what is left of today's budget sets the surprise (-ln p) from which a payment alerts:
 *          the one that the rest of the day is expected to reach as often as there is budget left.
 * Why:     nobody can choose a p-value, everybody knows how many cases they can work on. Setting the
 *          bar by what is left corrects itself: a wrong forecast is wrong for an hour, not a day.
 *          Days are compared by their median, so that a day of attack does not lower next week's
 *          bar for what is ordinary. A rule's decision always passes and is debited first; a share
 *          of the budget is kept for statistics whatever the rules take.
 * Owner:   a plain value of the caller's.
 * Threads: confined to one thread.
 * Units:   event time in ms since the epoch; the zone's offset comes with each call (core knows no
 *          calendars); days and hours are local, a day never goes back.
 * Limits:  TT_BUDGET_DAYS days are remembered; a payment more ordinary than TT_BUDGET_P_MAX never
 *          alerts, however much budget is left.
 * Fails:   decode alone: wire->bad, the budget is then as after init.
 *
 * State is a function of the calls of reach and note in order; ask changes nothing. So a replay of
 * recorded outcomes through reach and note goes on to the same alerts.
 */
#ifndef TT_CORE_DECIDE_BUDGET_H
#define TT_CORE_DECIDE_BUDGET_H

#include "base/wire.h"
#include "core/event/event.h"

#define TT_BUDGET_DAYS 14
#define TT_BUDGET_BINS 528 /* sixteen to one unit of surprise, from TT_BUDGET_P_MAX on */
#define TT_BUDGET_P_MAX 0.05

enum tt_budget_policy {
    TT_BUDGET_HOLD = 1, /* a day never goes past the budget (but for rules) */
    TT_BUDGET_EXCEED,   /* what half an ordinary day's budget would take: up to twice the budget */
    TT_BUDGET_PAGE,     /* as hold; the first such payment that is held back alerts as a page */
};

struct tt_budget_options {
    uint32_t per_day; /* 0 = no budget: every severe one alerts */
    uint8_t policy;   /* enum tt_budget_policy */
};

/* One closed day. */
struct tt_budget_day {
    int64_t day;                    /* local, since the epoch */
    uint32_t observed_ms;           /* less than a day for the first one */
    uint32_t count;                 /* payments */
    uint32_t rules;                 /* alerts of rules */
    uint32_t hours[24];             /* payments by local hour */
    uint32_t above[TT_BUDGET_BINS]; /* payments at least so surprising */
};

struct tt_budget {
    struct tt_budget_options options;
    int64_t first_ms, now_ms; /* event time of the first payment, and reached; or TT_TIME_NONE */
    int64_t local_ms;         /* now_ms in the zone, never going back */
    /* Today. */
    int64_t day, hour;                       /* local, since the epoch */
    uint64_t count;                          /* payments since the beginning */
    uint32_t statistics, rules, pages, held; /* outcomes of today */
    uint32_t hour_statistics;                /* alerts of this hour */
    uint32_t today_count, today_hours[24];
    uint32_t bins[TT_BUDGET_BINS];
    uint32_t day_count;
    struct tt_budget_day days[TT_BUDGET_DAYS]; /* oldest first */
    int64_t quarter;  /* of an hour, local, since the epoch: the last that began */
    double bar;       /* least surprise that alerts now; infinite when nothing is left */
    double clear_bar; /* what half the budget of an ordinary day would take */
};

/* One decided payment before the controller. */
struct tt_budget_case {
    double p_value;
    bool anomalous; /* some severity */
    bool severe;    /* from alerts.min_severity on */
    bool rule;      /* a rule decided so */
    bool attached;  /* belongs to a case that was alerted */
};

void tt_budget_init(struct tt_budget *budget, const struct tt_budget_options *options);
/* Moves time on; for each payment, before ask and note of it. offset_ms: local time minus UTC. */
void tt_budget_reach(struct tt_budget *budget, int64_t event_ms, int64_t offset_ms);
/* What becomes of the payment. */
enum tt_alert tt_budget_ask(const struct tt_budget *budget, const struct tt_budget_case *payment);
/* Remembers what became of it: the answer of ask, another reason's, or what was recorded. */
void tt_budget_note(struct tt_budget *budget, const struct tt_budget_case *payment,
                    enum tt_alert outcome);
/* Alerts of today's (local) day so far. */
uint32_t tt_budget_spent(const struct tt_budget *budget);
/* The p-value at or below which a payment alerts at this moment; 0 = none would. */
double tt_budget_p(const struct tt_budget *budget);

/* Appends the state; and back, into a budget with its options. */
void tt_budget_encode(const struct tt_budget *budget, struct tt_buf *buf);
void tt_budget_decode(struct tt_budget *budget, struct tt_wire *wire);

#endif
