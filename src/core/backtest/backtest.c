/*
 * Running two rule sets over the columns of a block; see backtest.h.
 *
 * A stretch of rows is laid out as slots, a column at a time, and then judged a row at a time: only the
 * columns that some rule reads are opened, and all of them before the first row is judged, so that a
 * damaged block is in the report as a whole or not at all.
 */
#include "core/backtest/backtest.h"

#include <math.h>
#include <string.h>

#include "base/math.h"
#include "core/backtest/parts.h"

#define STRETCH 64
#define ARENA_BLOCK_SIZE 65536
#define Z 1.959963984540054 /* of 95 % */

struct tt_backtest {
    const struct tt_alloc *alloc;
    struct tt_backtest_options options;
    struct tt_label_table labels;
    struct tt_arena arena; /* of the block being read */
    struct tt_expr_scratch *scratch;
    struct tt_value *slots; /* STRETCH rows */
    uint32_t slot_count;
    uint32_t *read; /* slots that either set reads */
    uint32_t read_count;
    uint32_t count, before_count; /* rules of both sets */
    uint32_t *twin; /* of each rule of `against`: the rule of that id in `rules`, or UINT32_MAX */
    uint8_t *marks; /* a byte a rule of `rules`: 1 = fires, 2 = its twin fires */
    uint64_t *failures, *failures_before; /* a count a rule */
    struct tt_backtest_rule *rules;
    uint64_t rows;
    struct tt_backtest_days days;
    struct tt_backtest_report report;
};

static void add_slots(struct tt_backtest *backtest, const struct tt_rules *set, bool *used)
{
    uint32_t count = 0;
    const uint32_t *slots = set != NULL ? tt_rules_slots(set, &count) : NULL;
    for (uint32_t i = 0; i < count; i++) {
        if (!used[slots[i]]) {
            used[slots[i]] = true;
            backtest->read[backtest->read_count++] = slots[i];
        }
    }
}

static void find_twins(struct tt_backtest *backtest)
{
    const struct tt_backtest_options *options = &backtest->options;
    for (uint32_t i = 0; i < backtest->report.rule_count; i++) {
        struct tt_backtest_rule *rule = &backtest->rules[i];
        tt_rules_info(options->rules, i, &rule->info);
        rule->is_new = options->against == NULL ||
                       tt_rules_find(options->against, rule->info.id) == UINT32_MAX;
    }
    uint32_t before = options->against != NULL ? tt_rules_count(options->against) : 0;
    for (uint32_t i = 0; i < before; i++) {
        struct tt_rule_info info;
        tt_rules_info(options->against, i, &info);
        backtest->twin[i] = tt_rules_find(options->rules, info.id);
    }
}

static enum tt_status prepare(struct tt_backtest *backtest)
{
    const struct tt_alloc *alloc = backtest->alloc;
    const struct tt_backtest_options *options = &backtest->options;
    uint32_t count = tt_rules_count(options->rules);
    uint32_t before = options->against != NULL ? tt_rules_count(options->against) : 0;
    backtest->count = count;
    backtest->before_count = before;
    backtest->slot_count = tt_names_slot_count(options->names);
    backtest->scratch = tt_new(alloc, sizeof *backtest->scratch);
    backtest->slots =
        tt_new_array(alloc, STRETCH * (size_t)backtest->slot_count, sizeof *backtest->slots);
    backtest->read = tt_new_array(alloc, backtest->slot_count, sizeof *backtest->read);
    backtest->twin = tt_new_array(alloc, before + 1, sizeof *backtest->twin);
    backtest->marks = tt_new_array(alloc, count + 1, sizeof *backtest->marks);
    backtest->failures = tt_new_array(alloc, count + 1, sizeof *backtest->failures);
    backtest->failures_before = tt_new_array(alloc, before + 1, sizeof *backtest->failures_before);
    backtest->rules = tt_new_array(alloc, count + 1, sizeof *backtest->rules);
    bool *used = tt_new_array(alloc, backtest->slot_count, sizeof *used);
    bool good = backtest->scratch != NULL && backtest->slots != NULL && backtest->read != NULL &&
                backtest->twin != NULL && backtest->marks != NULL && backtest->failures != NULL &&
                backtest->failures_before != NULL && backtest->rules != NULL && used != NULL;
    if (good) {
        backtest->report.rule_count = count;
        for (uint32_t i = 0; i < STRETCH; i++) {
            tt_names_clear(options->names, backtest->slots + i * (size_t)backtest->slot_count);
        }
        add_slots(backtest, options->rules, used);
        add_slots(backtest, options->against, used);
        find_twins(backtest);
    }
    tt_delete(alloc, used, backtest->slot_count * sizeof *used);
    return good ? TT_OK : TT_E_NOMEM;
}

enum tt_status tt_backtest_new(const struct tt_alloc *alloc,
                               const struct tt_backtest_options *options, struct tt_backtest **ret,
                               struct tt_error *err)
{
    struct tt_backtest *backtest = tt_new_array(alloc, 1, sizeof *backtest);
    if (backtest == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for a backtest");
    }
    backtest->alloc = alloc;
    backtest->options = *options;
    backtest->labels.alloc = alloc;
    backtest->days.alloc = alloc;
    backtest->report.first_ms = INT64_MAX;
    backtest->report.last_ms = INT64_MIN;
    backtest->report.currency = 0;
    tt_arena_init(&backtest->arena, alloc, ARENA_BLOCK_SIZE, TT_SEGMENT_BLOCK_SIZE_MAX);
    if (prepare(backtest) != TT_OK) {
        tt_backtest_free(backtest);
        return tt_fail(err, TT_E_NOMEM, "no memory for a backtest");
    }
    *ret = backtest;
    return TT_OK;
}

void tt_backtest_free(struct tt_backtest *backtest)
{
    if (backtest == NULL) {
        return;
    }
    const struct tt_alloc *alloc = backtest->alloc;
    uint32_t count = backtest->count, before = backtest->before_count;
    tt_label_table_deinit(&backtest->labels);
    tt_arena_deinit(&backtest->arena);
    tt_backtest_days_deinit(&backtest->days);
    tt_delete(alloc, backtest->scratch, sizeof *backtest->scratch);
    tt_delete(alloc, backtest->slots,
              STRETCH * (size_t)backtest->slot_count * sizeof *backtest->slots);
    tt_delete(alloc, backtest->read, backtest->slot_count * sizeof *backtest->read);
    tt_delete(alloc, backtest->twin, (before + 1) * sizeof *backtest->twin);
    tt_delete(alloc, backtest->marks, (count + 1) * sizeof *backtest->marks);
    tt_delete(alloc, backtest->failures, (count + 1) * sizeof *backtest->failures);
    tt_delete(alloc, backtest->failures_before, (before + 1) * sizeof *backtest->failures_before);
    tt_delete(alloc, backtest->rules, (count + 1) * sizeof *backtest->rules);
    tt_delete(alloc, backtest, sizeof *backtest);
}

enum tt_status tt_backtest_label(struct tt_backtest *backtest, struct tt_str user_id,
                                 struct tt_str transaction_id, uint8_t kind, struct tt_error *err)
{
    enum tt_status status =
        tt_label_table_put(&backtest->labels, tt_backtest_key(user_id, transaction_id), kind);
    return status == TT_OK ? TT_OK : tt_fail(err, status, "the labels do not fit in memory");
}

/* ---- a block ---- */

/* The columns of a block that are looked at. */
struct sight {
    const struct tt_segment_block *block;
    struct tt_column key, minor, facts, time, currency;
    struct tt_column *read; /* as backtest->read */
    struct tt_column user, transaction;
};

static enum tt_status open_column(struct tt_backtest *backtest,
                                  const struct tt_segment_block *block, const char *name,
                                  uint8_t type, struct tt_column *ret, struct tt_error *err)
{
    enum tt_status status =
        tt_segment_column(block, tt_str_from(name), type, &backtest->arena, ret, err);
    return status == TT_E_NOT_FOUND ? tt_fail(err, TT_E_CORRUPT, "segment: no column %s", name)
                                    : status;
}

static enum tt_status open_read(struct tt_backtest *backtest, struct sight *sight,
                                struct tt_error *err)
{
    struct tt_column_spec specs[TT_BACKTEST_SPECS_MAX];
    uint32_t extra = tt_backtest_specs(backtest->options.names, specs) - backtest->slot_count;
    for (uint32_t i = 0; i < backtest->read_count; i++) {
        const struct tt_column_spec *spec = &specs[extra + backtest->read[i]];
        enum tt_status status = tt_segment_column(sight->block, spec->name, spec->type,
                                                  &backtest->arena, &sight->read[i], err);
        if (status == TT_E_NOT_FOUND) { /* a name of today: every row lacks it */
            sight->read[i] = (struct tt_column){
                .type = spec->type, .encoding = 1, .row_count = sight->block->row_count};
            status = TT_OK;
        }
        if (status != TT_OK) {
            return status;
        }
    }
    return TT_OK;
}

static enum tt_status open_sight(struct tt_backtest *backtest, const struct tt_segment_block *block,
                                 struct sight *sight, struct tt_error *err)
{
    *sight = (struct sight){.block = block};
    sight->read =
        tt_arena_new_array(&backtest->arena, backtest->read_count + 1, sizeof *sight->read);
    if (sight->read == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for a block");
    }
    const struct {
        const char *name;
        uint8_t type;
        struct tt_column *ret;
    } columns[] = {
        {TT_BACKTEST_COLUMN_KEY, TT_COLUMN_INT, &sight->key},
        {TT_BACKTEST_COLUMN_MINOR, TT_COLUMN_INT, &sight->minor},
        {TT_BACKTEST_COLUMN_FACTS, TT_COLUMN_INT, &sight->facts},
        {"timestamp", TT_COLUMN_TIME, &sight->time},
        {"currency", TT_COLUMN_TEXT, &sight->currency},
    };
    for (size_t i = 0; i < TT_ARRAY_SIZE(columns); i++) {
        enum tt_status status =
            open_column(backtest, block, columns[i].name, columns[i].type, columns[i].ret, err);
        if (status != TT_OK) {
            return status;
        }
    }
    enum tt_status status = open_read(backtest, sight, err);
    if (status == TT_OK && backtest->options.against != NULL) { /* for examples */
        status = open_column(backtest, block, "user_id", TT_COLUMN_TEXT, &sight->user, err);
    }
    if (status == TT_OK && backtest->options.against != NULL) {
        status = open_column(backtest, block, "transaction_id", TT_COLUMN_TEXT, &sight->transaction,
                             err);
    }
    return status;
}

/* What is known of a row beside its slots. */
struct row {
    uint32_t index; /* in its block */
    int64_t key, minor, event_ms, facts;
    uint8_t label;
    bool fraud, matured;
};

static void describe(const struct tt_backtest *backtest, struct row *row)
{
    const struct tt_backtest_options *options = &backtest->options;
    row->label = tt_label_table_get(&backtest->labels, row->key);
    row->label = row->label == TT_LABEL_WITHDRAWN ? 0 : row->label;
    if ((row->facts & TT_BACKTEST_FACT_KNOWN) != 0) {
        row->label = (row->facts & TT_BACKTEST_FACT_FRAUD) != 0 ? TT_LABEL_FRAUD : TT_LABEL_GENUINE;
    }
    row->fraud = row->label == TT_LABEL_FRAUD;
    bool old = row->event_ms <= options->as_of_ms - options->horizon_ms;
    bool stopped = row->label == 0 && (row->facts & TT_BACKTEST_FACT_BLOCKED) != 0;
    row->matured = !stopped && (old || (row->facts & TT_BACKTEST_FACT_KNOWN) != 0);
}

static void add_money(int64_t *sum, int64_t minor)
{
    if (__builtin_add_overflow(*sum, minor, sum)) {
        *sum = INT64_MAX;
    }
}

static void count_hit(struct tt_backtest_counts *counts, const struct row *row, bool stops)
{
    counts->hits++;
    if (row->label == 0 && (row->facts & TT_BACKTEST_FACT_BLOCKED) != 0) {
        counts->blocked++;
    } else if (row->label == 0) {
        counts->unlabelled++;
    } else if (row->fraud) {
        counts->labelled_fraud++;
    } else {
        counts->labelled_genuine++;
    }
    counts->matured += row->matured ? 1 : 0;
    counts->matured_fraud += row->matured && row->fraud ? 1 : 0;
    if (stops && row->fraud) {
        add_money(&counts->caught_minor, row->minor);
    } else if (stops && row->matured) {
        add_money(&counts->wrong_minor, row->minor);
    }
}

/* Everything that fires, whatever the number: marks a byte a rule. */
static void mark(const struct tt_rules *set, const struct tt_rule_hits *hits, uint8_t mode,
                 const struct tt_value *slots, int64_t event_ms, struct tt_expr_scratch *scratch,
                 const uint32_t *twin, uint8_t bit, uint8_t *marks)
{
    if (hits->overflow == 0) {
        for (uint32_t i = 0; i < hits->count; i++) {
            uint32_t at = twin != NULL ? twin[hits->rules[i]] : hits->rules[i];
            if (at != UINT32_MAX) {
                marks[at] |= bit;
            }
        }
        return;
    }
    for (uint32_t i = 0; i < tt_rules_count(set); i++) {
        struct tt_rule_info info;
        tt_rules_info(set, i, &info);
        uint32_t at = twin != NULL ? twin[i] : i;
        if (info.mode == mode && at != UINT32_MAX &&
            tt_rules_fires(set, i, slots, event_ms, scratch)) {
            marks[at] |= bit;
        }
    }
}

/* What a set says of a row. */
struct saying {
    struct tt_rule_hits hits;
    struct tt_shadow_hits shadow;
    bool stops;
};

static void ask(const struct tt_backtest *backtest, const struct tt_rules *set, uint64_t *failures,
                const struct tt_value *slots, int64_t event_ms, struct saying *ret)
{
    tt_rules_tally(set, slots, event_ms, backtest->scratch, failures, &ret->hits, &ret->shadow);
    if (ret->hits.count > 0) {
        struct tt_rule_outcome outcome;
        tt_rules_outcome(set, &ret->hits, &outcome);
        ret->stops = outcome.verdict != TT_ALLOW;
    }
}

static bool any(const struct saying *saying)
{
    return saying->hits.count > 0 || saying->shadow.hits.count > 0;
}

static void count_rules(struct tt_backtest *backtest, const struct row *row,
                        const struct saying *now, const struct saying *before,
                        const struct tt_value *slots)
{
    const struct tt_backtest_options *options = &backtest->options;
    uint32_t count = backtest->report.rule_count;
    memset(backtest->marks, 0, count);
    mark(options->rules, &now->hits, TT_RULE_LIVE, slots, row->event_ms, backtest->scratch, NULL, 1,
         backtest->marks);
    mark(options->rules, &now->shadow.hits, TT_RULE_SHADOW, slots, row->event_ms, backtest->scratch,
         NULL, 1, backtest->marks);
    if (options->against != NULL) {
        mark(options->against, &before->hits, TT_RULE_LIVE, slots, row->event_ms, backtest->scratch,
             backtest->twin, 2, backtest->marks);
        mark(options->against, &before->shadow.hits, TT_RULE_SHADOW, slots, row->event_ms,
             backtest->scratch, backtest->twin, 2, backtest->marks);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct tt_backtest_rule *rule = &backtest->rules[i];
        uint8_t said = backtest->marks[i];
        if (said == 0) {
            continue;
        }
        rule->counts.before += (said & 2) != 0 ? 1 : 0;
        rule->counts.gained += said == 1 ? 1 : 0;
        rule->counts.lost += said == 2 ? 1 : 0;
        if ((said & 1) != 0) {
            count_hit(&rule->counts, row, rule->info.verdict != TT_ALLOW);
        }
    }
}

static void note_example(struct tt_backtest *backtest, const struct sight *sight,
                         const struct row *row, bool gained, uint32_t rule)
{
    struct tt_backtest_report *report = &backtest->report;
    struct tt_backtest_example *list = gained ? report->gained : report->lost;
    uint32_t *count = gained ? &report->gained_count : &report->lost_count;
    struct tt_backtest_example *place =
        tt_backtest_example_place(list, count, tt_hash_mix((uint64_t)row->key));
    if (place == NULL) {
        return;
    }
    place->event_ms = row->event_ms;
    place->amount_minor = row->minor;
    place->currency = tt_currency_find(tt_column_text(&sight->currency, row->index));
    place->label = row->label;
    place->blocked = (row->facts & TT_BACKTEST_FACT_BLOCKED) != 0;
    place->rule = rule;
    tt_backtest_example_ids(place, tt_column_text(&sight->user, row->index),
                            tt_column_text(&sight->transaction, row->index));
}

static enum tt_status judge(struct tt_backtest *backtest, const struct sight *sight,
                            const struct row *row, const struct tt_value *slots,
                            struct tt_error *err)
{
    const struct tt_backtest_options *options = &backtest->options;
    struct tt_backtest_report *report = &backtest->report;
    struct saying now = {0}, before = {0};
    ask(backtest, options->rules, backtest->failures, slots, row->event_ms, &now);
    if (options->against != NULL) {
        ask(backtest, options->against, backtest->failures_before, slots, row->event_ms, &before);
    }
    struct tt_backtest_day *day = tt_backtest_day_at(&backtest->days, tt_day_of(row->event_ms));
    if (day == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for the days");
    }
    bool alerts = now.hits.count > 0, alerted = before.hits.count > 0;
    day->rows++;
    day->alerts += alerts ? 1 : 0;
    day->alerts_before += alerted ? 1 : 0;
    day->frauds += row->fraud ? 1 : 0;
    day->caught += row->fraud && alerts ? 1 : 0;
    if (alerts) {
        count_hit(&report->total, row, now.stops);
    }
    if (alerted) {
        count_hit(&report->total_before, row, before.stops);
        report->total.before++;
    }
    if (any(&now) || any(&before)) {
        count_rules(backtest, row, &now, &before, slots);
    }
    if (alerts == alerted || options->against == NULL) {
        return TT_OK;
    }
    report->total.gained += alerts ? 1 : 0;
    report->total.lost += alerts ? 0 : 1;
    note_example(backtest, sight, row, alerts, alerts ? now.hits.rules[0] : before.hits.rules[0]);
    return TT_OK;
}

static void count_row(struct tt_backtest *backtest, const struct row *row)
{
    struct tt_backtest_report *report = &backtest->report;
    report->rows++;
    report->labelled += row->label != 0 ? 1 : 0;
    report->blocked += (row->facts & TT_BACKTEST_FACT_BLOCKED) != 0 ? 1 : 0;
    report->other_plan += (row->facts & TT_BACKTEST_FACT_PLAN) == 0 ? 1 : 0;
    report->first_ms = row->event_ms < report->first_ms ? row->event_ms : report->first_ms;
    report->last_ms = row->event_ms > report->last_ms ? row->event_ms : report->last_ms;
    if (row->fraud) {
        report->frauds++;
        add_money(&report->fraud_minor, row->minor);
    }
}

static enum tt_status add_stretch(struct tt_backtest *backtest, struct sight *sight, uint32_t first,
                                  uint32_t count, struct tt_error *err)
{
    const struct tt_backtest_options *options = &backtest->options;
    int64_t keys[STRETCH], minors[STRETCH], times[STRETCH], facts[STRETCH];
    tt_column_ints(&sight->key, first, count, 0, keys);
    tt_column_ints(&sight->minor, first, count, 0, minors);
    tt_column_ints(&sight->facts, first, count, 0, facts);
    tt_column_ints(&sight->time, first, count, TT_TIME_NONE, times);
    for (uint32_t i = 0; i < backtest->read_count; i++) {
        tt_column_fill(&sight->read[i], first, count, backtest->slots + backtest->read[i],
                       backtest->slot_count);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct row row = {first + i, keys[i], minors[i], times[i], facts[i], 0, false, false};
        bool inside = (options->from_ms == TT_TIME_NONE || row.event_ms >= options->from_ms) &&
                      (options->to_ms == TT_TIME_NONE || row.event_ms < options->to_ms);
        if (!inside) {
            continue;
        }
        describe(backtest, &row);
        count_row(backtest, &row);
        enum tt_status status =
            judge(backtest, sight, &row, backtest->slots + i * (size_t)backtest->slot_count, err);
        if (status != TT_OK) {
            return status;
        }
    }
    return TT_OK;
}

enum tt_status tt_backtest_add(struct tt_backtest *backtest, const struct tt_segment_block *block,
                               struct tt_error *err)
{
    struct sight sight;
    tt_arena_reset(&backtest->arena);
    enum tt_status status = open_sight(backtest, block, &sight, err);
    if (status == TT_OK) {
        tt_backtest_currencies(&sight.currency, &backtest->days.currency);
    }
    for (uint32_t first = 0; status == TT_OK && first < block->row_count; first += STRETCH) {
        uint32_t left = block->row_count - first;
        status = add_stretch(backtest, &sight, first, left < STRETCH ? left : STRETCH, err);
    }
    backtest->rows += block->row_count;
    return status;
}

void tt_backtest_as_of(struct tt_backtest *backtest, int64_t as_of_ms)
{
    backtest->options.as_of_ms = as_of_ms;
}

uint64_t tt_backtest_rows(const struct tt_backtest *backtest)
{
    return backtest->rows;
}

/* ---- the end ---- */

void tt_wilson(uint64_t hits, uint64_t n, double *ret_low, double *ret_high)
{
    double count = (double)n, share = (double)hits / count;
    double centre = share + Z * Z / (2.0 * count);
    double half = Z * tt_sqrt(share * (1.0 - share) / count + Z * Z / (4.0 * count * count));
    double scale = 1.0 + Z * Z / count;
    double low = (centre - half) / scale, high = (centre + half) / scale;
    *ret_low = hits == 0 || low < 0.0 ? 0.0 : low;
    *ret_high = hits == n || high > 1.0 ? 1.0 : high;
}

/* Without a single label nobody has looked: then no hit is known to be wrong. */
static void finish_counts(struct tt_backtest_counts *counts,
                          const struct tt_backtest_report *report, double days)
{
    if (report->labelled == 0) {
        counts->matured = 0;
        counts->wrong_minor = 0;
    }
    counts->precision = counts->precision_low = counts->precision_high = (double)NAN;
    if (counts->matured > 0) {
        counts->precision = (double)counts->matured_fraud / (double)counts->matured;
        tt_wilson(counts->matured_fraud, counts->matured, &counts->precision_low,
                  &counts->precision_high);
    }
    counts->recall =
        report->frauds > 0 ? (double)counts->labelled_fraud / (double)report->frauds : (double)NAN;
    counts->daily = days > 0.0 ? (double)counts->hits / days : (double)NAN;
}

const struct tt_backtest_report *tt_backtest_finish(struct tt_backtest *backtest)
{
    struct tt_backtest_report *report = &backtest->report;
    report->options = backtest->options;
    report->rules = backtest->rules;
    report->days = backtest->days.days;
    report->day_count = backtest->days.count;
    report->currency = backtest->days.currency.several ? 0 : backtest->days.currency.one;
    double days = 0.0;
    if (report->rows > 0) {
        days = (double)(tt_day_of(report->last_ms) - tt_day_of(report->first_ms) + 1);
    }
    for (uint32_t i = 0; i < report->rule_count; i++) {
        backtest->rules[i].counts.errors = backtest->failures[i];
        finish_counts(&backtest->rules[i].counts, report, days);
        report->total.errors += backtest->failures[i];
    }
    finish_counts(&report->total, report, days);
    finish_counts(&report->total_before, report, days);
    tt_backtest_examples_sort(report->gained, report->gained_count);
    tt_backtest_examples_sort(report->lost, report->lost_count);
    return report;
}
