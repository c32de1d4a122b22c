/* Backtests against a plain model that judges each row by itself, and the arithmetic of labels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "base/rng.h"
#include "core/backtest/backtest.h"
#include "format/yaml.h"
#include "support/torture.h"

#define DAY TT_MS_PER_DAY
#define T0 (INT64_C(20500) * DAY)

static const struct tt_str features[] = {{"f0", 2}, {"f1", 2}, {"f2", 2}};

struct row {
    char user[16], id[16];
    int64_t at_ms, minor;
    double values[3]; /* NaN: missing */
    bool blocked;
    uint8_t label;
    bool known, fraud;
};

struct world {
    struct tt_names *names;
    struct tt_rules *rules, *against;
    struct tt_buf blocks;
    struct row *rows;
    uint32_t count;
};

static struct tt_rules *make_rules(const struct tt_names *names, const char *text)
{
    struct tt_arena arena;
    struct tt_tree *tree = NULL;
    struct tt_rules *rules = NULL;
    struct tt_error err = {0};
    tt_arena_init(&arena, &tt_alloc_libc, 4096, 16u << 20);
    if (tt_yaml_parse(&arena, tt_str_from(text), &tree, &err) != TT_OK ||
        tt_rules_compile(&tt_alloc_libc, tree, names, &rules, &err) != TT_OK) {
        fail_msg("%u: %s", err.line, err.message);
    }
    tt_arena_deinit(&arena);
    return rules;
}

static void fill_event(const struct row *row, struct tt_event *event)
{
    memset(event, 0, sizeof *event);
    event->txn.timestamp_ms = row->at_ms;
    event->txn.amount_minor = row->minor;
    event->txn.currency = tt_currency_find(TT_STR("EUR"));
    event->txn.text[TT_TEXT_USER_ID] = tt_str_from(row->user);
    event->txn.text[TT_TEXT_TRANSACTION_ID] = tt_str_from(row->id);
    event->txn.type = TT_TXN_PURCHASE;
    event->decision.verdict = row->blocked ? TT_BLOCK : TT_ALLOW;
    event->truth.known = row->known;
    event->truth.fraud = row->fraud;
    event->vector.count = 3;
    for (uint32_t i = 0; i < 3; i++) {
        if (isnan(row->values[i])) {
            tt_vector_set_missing(&event->vector, i);
        } else {
            tt_vector_set(&event->vector, i, row->values[i]);
        }
    }
}

/* Blocks of `size` rows. */
static void make_blocks(struct world *world, uint32_t size)
{
    struct tt_column_spec specs[TT_BACKTEST_SPECS_MAX];
    struct tt_value values[TT_BACKTEST_SPECS_MAX], slots[TT_BACKTEST_SPECS_MAX];
    struct tt_segment_builder *builder = NULL;
    static struct tt_event event;
    assert_int_equal(tt_segment_builder_new(&tt_alloc_libc, specs,
                                            tt_backtest_specs(world->names, specs),
                                            (struct tt_hash_key){1, 2}, &builder, NULL),
                     TT_OK);
    tt_buf_clear(&world->blocks);
    for (uint32_t i = 0; i < world->count; i++) {
        fill_event(&world->rows[i], &event);
        tt_names_fill_txn(world->names, &event.txn, slots);
        tt_names_fill_vector(world->names, &event.vector, slots);
        tt_backtest_values(world->names, &event, slots, true, values);
        assert_int_equal(tt_segment_builder_add(builder, values), TT_OK);
        if (tt_segment_builder_count(builder) == size || i + 1 == world->count) {
            assert_int_equal(
                tt_segment_builder_finish(builder, &(struct tt_segment_info){0}, &world->blocks),
                TT_OK);
        }
    }
    tt_segment_builder_free(builder);
}

static void open_world(struct world *world, const char *rules, const char *against)
{
    struct tt_error err = {0};
    memset(world, 0, sizeof *world);
    assert_int_equal(tt_names_new(&tt_alloc_libc, NULL, 0, features, 3, &world->names, &err),
                     TT_OK);
    world->rules = make_rules(world->names, rules);
    world->against = against != NULL ? make_rules(world->names, against) : NULL;
    tt_buf_init(&world->blocks, &tt_alloc_libc, 64u << 20);
}

static void close_world(struct world *world)
{
    tt_buf_deinit(&world->blocks);
    tt_rules_free(world->rules);
    tt_rules_free(world->against);
    tt_names_free(world->names);
    free(world->rows);
}

static void add_row(struct world *world, struct row row)
{
    world->rows = realloc(world->rows, (world->count + 1) * sizeof row);
    (void)snprintf(row.id, sizeof row.id, "t-%u", world->count);
    if (row.user[0] == '\0') {
        (void)snprintf(row.user, sizeof row.user, "u");
    }
    world->rows[world->count++] = row;
}

static struct tt_backtest_options options_of(const struct world *world)
{
    return (struct tt_backtest_options){
        .names = world->names,
        .rules = world->rules,
        .against = world->against,
        .from_ms = TT_TIME_NONE,
        .to_ms = TT_TIME_NONE,
        .as_of_ms = T0 + 100 * DAY,
        .horizon_ms = 30 * DAY,
    };
}

static struct tt_backtest *run(const struct world *world, const struct tt_backtest_options *options,
                               const struct tt_backtest_report **ret)
{
    struct tt_backtest *backtest = NULL;
    struct tt_error err = {0};
    assert_int_equal(tt_backtest_new(&tt_alloc_libc, options, &backtest, &err), TT_OK);
    for (uint32_t i = 0; i < world->count; i++) {
        const struct row *row = &world->rows[i];
        if (row->label != 0) {
            assert_int_equal(tt_backtest_label(backtest, tt_str_from(row->user),
                                               tt_str_from(row->id), row->label, &err),
                             TT_OK);
        }
    }
    struct tt_str rest = tt_buf_str(&world->blocks);
    while (rest.size > 0) {
        struct tt_segment_block block;
        assert_int_equal(tt_segment_open(rest, &block, &err), TT_OK);
        assert_int_equal(tt_backtest_add(backtest, &block, &err), TT_OK);
        rest.data += block.bytes.size;
        rest.size -= block.bytes.size;
    }
    *ret = tt_backtest_finish(backtest);
    return backtest;
}

/* ---- against the model ---- */

#define NEW_RULES                                                                                  \
    "rules:\n"                                                                                     \
    "  - {id: a, when: 'f0 > 3', severity: low, decision: allow, score: 0.3}\n"                    \
    "  - {id: b, when: 'f1 > 2 && amount > 50', severity: high, decision: block, score: 0.9}\n"    \
    "  - {id: c, when: 'f2 == 1 || f0 > 4', severity: low, decision: review, score: 0.5, mode: "   \
    "shadow}\n"                                                                                    \
    "  - {id: d, when: 'f0 + f1 > 6.0', severity: high, decision: review, score: 0.9, mode: "      \
    "off}\n"
#define OLD_RULES                                                                                  \
    "rules:\n"                                                                                     \
    "  - {id: b, when: 'f1 > 3', severity: high, decision: review, score: 0.9}\n"                  \
    "  - {id: a, when: 'f0 > 3', severity: low, decision: allow, score: 0.3}\n"                    \
    "  - {id: gone, when: 'f2 > 3', severity: low, decision: review, score: 0.4}\n"

static void fill_random(struct world *world, uint64_t seed, uint32_t count)
{
    struct tt_rng rng;
    tt_rng_init(&rng, seed);
    for (uint32_t i = 0; i < count; i++) {
        struct row row = {.at_ms = T0 + (int64_t)tt_rng_below(&rng, (uint64_t)(100 * DAY)),
                          .minor = (int64_t)tt_rng_below(&rng, 10000)};
        (void)snprintf(row.user, sizeof row.user, "u-%u", (unsigned)tt_rng_below(&rng, 50));
        for (int f = 0; f < 3; f++) {
            row.values[f] =
                tt_rng_below(&rng, 7) == 0 ? (double)NAN : (double)tt_rng_below(&rng, 6);
        }
        row.blocked = tt_rng_below(&rng, 6) == 0;
        row.label = tt_rng_below(&rng, 3) == 0 ? (uint8_t)(1 + tt_rng_below(&rng, 3)) : 0;
        add_row(world, row);
    }
}

/* Sets a bit a rule that is not off and fires. */
static uint32_t fired(const struct world *world, const struct tt_rules *set, const struct row *row,
                      struct tt_expr_scratch *scratch, bool *ret_live)
{
    struct tt_value slots[TT_BACKTEST_SPECS_MAX];
    static struct tt_event event;
    uint32_t bits = 0;
    *ret_live = false;
    fill_event(row, &event);
    tt_names_fill_txn(world->names, &event.txn, slots);
    tt_names_fill_vector(world->names, &event.vector, slots);
    for (uint32_t i = 0; i < tt_rules_count(set); i++) {
        struct tt_rule_info info;
        tt_rules_info(set, i, &info);
        if (info.mode != TT_RULE_OFF && tt_rules_fires(set, i, slots, row->at_ms, scratch)) {
            bits |= 1u << i;
            *ret_live = *ret_live || info.mode == TT_RULE_LIVE;
        }
    }
    return bits;
}

struct expected {
    uint64_t hits, before, gained, lost, fraud, genuine, unlabelled, blocked, matured,
        matured_fraud;
    int64_t caught, wrong;
};

static void expect_hit(struct expected *expected, const struct row *row, bool stops,
                       const struct tt_backtest_options *options)
{
    uint8_t label = row->label == TT_LABEL_WITHDRAWN ? 0 : row->label;
    bool fraud = label == TT_LABEL_FRAUD;
    bool matured =
        row->at_ms <= options->as_of_ms - options->horizon_ms && !(label == 0 && row->blocked);
    expected->hits++;
    expected->fraud += fraud ? 1 : 0;
    expected->genuine += label == TT_LABEL_GENUINE ? 1 : 0;
    expected->blocked += label == 0 && row->blocked ? 1 : 0;
    expected->unlabelled += label == 0 && !row->blocked ? 1 : 0;
    expected->matured += matured ? 1 : 0;
    expected->matured_fraud += matured && fraud ? 1 : 0;
    expected->caught += stops && fraud ? row->minor : 0;
    expected->wrong += stops && !fraud && matured ? row->minor : 0;
}

static void check(const struct tt_backtest_counts *counts, const struct expected *expected)
{
    assert_int_equal(counts->hits, expected->hits);
    assert_int_equal(counts->before, expected->before);
    assert_int_equal(counts->gained, expected->gained);
    assert_int_equal(counts->lost, expected->lost);
    assert_int_equal(counts->labelled_fraud, expected->fraud);
    assert_int_equal(counts->labelled_genuine, expected->genuine);
    assert_int_equal(counts->unlabelled, expected->unlabelled);
    assert_int_equal(counts->blocked, expected->blocked);
    assert_int_equal(counts->matured, expected->matured);
    assert_int_equal(counts->matured_fraud, expected->matured_fraud);
    assert_int_equal(counts->caught_minor, expected->caught);
    assert_int_equal(counts->wrong_minor, expected->wrong);
}

static void counts_are_those_of_judging_each_row_alone(void **state)
{
    (void)state;
    struct tt_expr_scratch *scratch = malloc(sizeof *scratch);
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct world world;
        open_world(&world, NEW_RULES, OLD_RULES);
        fill_random(&world, seed, 700);
        make_blocks(&world, (uint32_t)(1 + seed * 37 % 300));
        struct tt_backtest_options options = options_of(&world);
        options.from_ms = seed % 2 == 0 ? T0 + 10 * DAY : TT_TIME_NONE;
        options.to_ms = seed % 3 == 0 ? T0 + 80 * DAY + 5 : TT_TIME_NONE;
        static const uint32_t twins[] = {1, 0, 31, 31}; /* of a, b, c, d in the old set */
        struct expected rules[4] = {0}, total = {0};
        uint64_t rows = 0;
        for (uint32_t i = 0; i < world.count; i++) {
            const struct row *row = &world.rows[i];
            if ((options.from_ms != TT_TIME_NONE && row->at_ms < options.from_ms) ||
                (options.to_ms != TT_TIME_NONE && row->at_ms >= options.to_ms)) {
                continue;
            }
            bool live = false, was_live = false;
            uint32_t now = fired(&world, world.rules, row, scratch, &live);
            uint32_t before = fired(&world, world.against, row, scratch, &was_live);
            rows++;
            for (uint32_t r = 0; r < 4; r++) {
                bool hit = (now >> r & 1) != 0, twin = (before >> twins[r] & 1) != 0;
                rules[r].before += twin ? 1 : 0;
                rules[r].gained += hit && !twin ? 1 : 0;
                rules[r].lost += twin && !hit ? 1 : 0;
                if (hit) {
                    expect_hit(&rules[r], row, r == 1 || r == 2, &options);
                }
            }
            total.before += was_live ? 1 : 0;
            total.gained += live && !was_live ? 1 : 0;
            total.lost += was_live && !live ? 1 : 0;
            if (live) {
                expect_hit(&total, row, (now & 2) != 0, &options);
            }
        }
        const struct tt_backtest_report *report = NULL;
        struct tt_backtest *backtest = run(&world, &options, &report);
        assert_int_equal(report->rows, rows);
        assert_int_equal(report->rule_count, 4);
        for (uint32_t r = 0; r < 4; r++) {
            check(&report->rules[r].counts, &rules[r]);
        }
        check(&report->total, &total);
        assert_int_equal(report->total_before.hits, total.before);
        assert_true(report->gained_count > 0 && report->lost_count > 0);
        assert_true(report->rules[2].is_new && !report->rules[0].is_new);
        tt_backtest_free(backtest);
        close_world(&world);
    }
    free(scratch);
}

static void blocks_of_any_size_give_the_same_report(void **state)
{
    (void)state;
    struct world world;
    struct tt_backtest *backtests[2];
    const struct tt_backtest_report *reports[2];
    open_world(&world, NEW_RULES, OLD_RULES);
    fill_random(&world, 77, 3000);
    struct tt_backtest_options options = options_of(&world);
    for (uint32_t i = 0; i < 2; i++) {
        make_blocks(&world, i == 0 ? 7 : 2999);
        backtests[i] = run(&world, &options, &reports[i]);
    }
    assert_memory_equal(&reports[0]->total, &reports[1]->total, sizeof reports[0]->total);
    assert_int_equal(reports[0]->gained_count, TT_BACKTEST_EXAMPLES_MAX);
    assert_memory_equal(reports[0]->gained, reports[1]->gained, sizeof reports[0]->gained);
    assert_memory_equal(reports[0]->lost, reports[1]->lost, sizeof reports[0]->lost);
    tt_backtest_free(backtests[0]);
    tt_backtest_free(backtests[1]);
    close_world(&world);
}

/* ---- labels ---- */

#define ONE_RULE "rules: [{id: a, when: 'f0 > 0', severity: high, decision: block, score: 0.9}]\n"

static void precision_is_over_hits_whose_label_had_the_time_to_come(void **state)
{
    (void)state;
    struct world world;
    const struct tt_backtest_report *report = NULL;
    open_world(&world, ONE_RULE, NULL);
    int64_t old = T0 + 70 * DAY, young = T0 + 70 * DAY + 1; /* as of day 100, horizon 30 days */
    add_row(&world, (struct row){.at_ms = old, .values = {1}, .label = TT_LABEL_FRAUD, .minor = 7});
    add_row(&world, (struct row){.at_ms = old, .values = {1}, .minor = 11}); /* presumed genuine */
    add_row(&world,
            (struct row){.at_ms = young, .values = {1}, .label = TT_LABEL_FRAUD, .minor = 100});
    add_row(&world, (struct row){.at_ms = young, .values = {1}, .minor = 1000});
    add_row(&world, (struct row){.at_ms = old, .values = {1}, .blocked = true, .minor = 10000});
    add_row(&world, (struct row){.at_ms = old, .values = {0}, .label = TT_LABEL_FRAUD});
    make_blocks(&world, 100);
    struct tt_backtest_options options = options_of(&world);
    struct tt_backtest *backtest = run(&world, &options, &report);
    const struct tt_backtest_counts *counts = &report->rules[0].counts;
    assert_int_equal(counts->hits, 5);
    assert_int_equal(counts->labelled_fraud, 2);
    assert_int_equal(counts->unlabelled, 2);
    assert_int_equal(counts->blocked, 1);
    assert_int_equal(counts->matured, 2);
    assert_true(fabs(counts->precision - 0.5) < 1e-12);
    assert_true(fabs(counts->recall - 2.0 / 3.0) < 1e-12);
    assert_int_equal(counts->caught_minor, 107);
    assert_int_equal(counts->wrong_minor, 11);
    assert_int_equal(report->blocked, 1);
    tt_backtest_free(backtest);
    close_world(&world);
}

static void without_any_label_nothing_is_said_of_precision(void **state)
{
    (void)state;
    struct world world;
    const struct tt_backtest_report *report = NULL;
    open_world(&world, ONE_RULE, NULL);
    add_row(&world, (struct row){.at_ms = T0, .values = {1}, .minor = 5});
    make_blocks(&world, 10);
    struct tt_backtest_options options = options_of(&world);
    struct tt_backtest *backtest = run(&world, &options, &report);
    assert_int_equal(report->total.hits, 1);
    assert_true(isnan(report->total.precision) && isnan(report->total.recall));
    assert_int_equal(report->total.wrong_minor, 0);
    tt_backtest_free(backtest);
    close_world(&world);
}

static void a_file_that_knows_the_truth_needs_no_time(void **state)
{
    (void)state;
    struct world world;
    const struct tt_backtest_report *report = NULL;
    open_world(&world, ONE_RULE, NULL);
    add_row(&world, (struct row){.at_ms = T0 + 100 * DAY, .values = {1}, .known = true});
    add_row(&world,
            (struct row){.at_ms = T0 + 100 * DAY, .values = {1}, .known = true, .fraud = true});
    make_blocks(&world, 10);
    struct tt_backtest_options options = options_of(&world);
    struct tt_backtest *backtest = run(&world, &options, &report);
    assert_int_equal(report->total.matured, 2);
    assert_int_equal(report->total.labelled_genuine, 1);
    tt_backtest_free(backtest);
    close_world(&world);
}

/* More rules fire than a decision has places for: all of them count. */
static void every_hit_counts_however_many_there_are(void **state)
{
    (void)state;
    struct world world;
    const struct tt_backtest_report *report = NULL;
    char text[8192] = "rules:\n";
    for (int i = 0; i < 60; i++) {
        (void)snprintf(
            text + strlen(text), sizeof text - strlen(text),
            "  - {id: r%d, when: 'f0 > %d', severity: low, decision: review, score: 0.5, "
            "mode: %s}\n",
            i, i, i % 3 == 0 ? "shadow" : "live");
    }
    open_world(&world, text, text);
    add_row(&world, (struct row){.at_ms = T0, .values = {50}});
    add_row(&world, (struct row){.at_ms = T0, .values = {(double)NAN}});
    make_blocks(&world, 10);
    struct tt_backtest_options options = options_of(&world);
    struct tt_backtest *backtest = run(&world, &options, &report);
    for (uint32_t i = 0; i < 60; i++) {
        assert_int_equal(report->rules[i].counts.hits, i < 50 ? 1 : 0);
        assert_int_equal(report->rules[i].counts.before, i < 50 ? 1 : 0);
        assert_int_equal(report->rules[i].counts.gained + report->rules[i].counts.lost, 0);
        assert_int_equal(report->rules[i].counts.errors, 1);
    }
    tt_backtest_free(backtest);
    close_world(&world);
}

static void the_interval_is_wilsons(void **state)
{
    (void)state;
    static const struct {
        uint64_t hits, n;
        double low, high;
    } cases[] = {
        {8, 10, 0.49016247, 0.94331785},     {0, 10, 0.0, 0.27753280},
        {10, 10, 0.72246720, 1.0},           {1, 1, 0.20654931, 1.0},
        {500, 1000, 0.46906960, 0.53093040},
    };
    for (size_t i = 0; i < TT_ARRAY_SIZE(cases); i++) {
        double low = 0, high = 0;
        tt_wilson(cases[i].hits, cases[i].n, &low, &high);
        assert_true(fabs(low - cases[i].low) < 1e-7 && fabs(high - cases[i].high) < 1e-7);
    }
}

static enum tt_status tortured(const struct tt_alloc *alloc, void *ctx)
{
    const struct world *world = ctx;
    struct tt_backtest *backtest = NULL;
    struct tt_segment_block block;
    struct tt_backtest_options options = options_of(world);
    enum tt_status status = tt_backtest_new(alloc, &options, &backtest, NULL);
    for (int i = 0; status == TT_OK && i < 2000; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "t%d", i);
        status = tt_backtest_label(backtest, TT_STR("u"), tt_str_from(id), TT_LABEL_FRAUD, NULL);
    }
    if (status == TT_OK) {
        status = tt_segment_open(tt_buf_str(&world->blocks), &block, NULL);
    }
    if (status == TT_OK) {
        status = tt_backtest_add(backtest, &block, NULL);
    }
    if (status == TT_OK) {
        (void)tt_backtest_finish(backtest);
    }
    tt_backtest_free(backtest);
    return status;
}

static void memory_that_runs_out_is_an_error(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, NEW_RULES, OLD_RULES);
    fill_random(&world, 9, 200);
    make_blocks(&world, 1000);
    tt_torture_run(tortured, &world);
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_those_of_judging_each_row_alone),
        cmocka_unit_test(blocks_of_any_size_give_the_same_report),
        cmocka_unit_test(precision_is_over_hits_whose_label_had_the_time_to_come),
        cmocka_unit_test(without_any_label_nothing_is_said_of_precision),
        cmocka_unit_test(a_file_that_knows_the_truth_needs_no_time),
        cmocka_unit_test(every_hit_counts_however_many_there_are),
        cmocka_unit_test(the_interval_is_wilsons),
        cmocka_unit_test(memory_that_runs_out_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
