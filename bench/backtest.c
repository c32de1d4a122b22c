/* Backtest speed over stored features: a hundred rules on one core, in blocks as a segment has them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/rng.h"
#include "core/backtest/backtest.h"
#include "format/yaml.h"

#define FEATURES 40
#define RULES 100
#define ROWS (8 * TT_SEGMENT_ROWS_MAX)
#define ROUNDS 5
#define ASKED 1e6

static double cpu_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now); /* a core's time, not the machine's */
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void must(enum tt_status status, const struct tt_error *err)
{
    if (status != TT_OK) {
        (void)fprintf(stderr, "bench_backtest: %s\n", err->message);
        exit(1);
    }
}

/* Rules of four terms over sixteen features and two texts, each true for about one row in 2,000. */
static struct tt_rules *make_rules(const struct tt_names *names, unsigned shift)
{
    struct tt_buf yaml;
    struct tt_arena arena;
    struct tt_tree *tree = NULL;
    struct tt_rules *rules = NULL;
    struct tt_error err = {0};
    tt_buf_init(&yaml, &tt_alloc_libc, 1u << 20);
    tt_arena_init(&arena, &tt_alloc_libc, 65536, 64u << 20);
    tt_buf_append_text(&yaml, "rules:\n");
    for (unsigned i = 0; i < RULES; i++) {
        tt_buf_append_format(
            &yaml,
            "  - {id: r%u, severity: high, decision: review, score: 0.8, when: 'f%u > %u && "
            "f%u >= 0.%u && merchant_country == \"C%u\" && amount > %u'}\n",
            i, i % 16, 85 + (i + shift) % 10, (i + 5) % 16, 6 + i % 3, i % 8, 100 + i);
    }
    must(tt_yaml_parse(&arena, tt_buf_str(&yaml), &tree, &err), &err);
    must(tt_rules_compile(&tt_alloc_libc, tree, names, &rules, &err), &err);
    tt_arena_deinit(&arena);
    tt_buf_deinit(&yaml);
    return rules;
}

static struct tt_names *make_names(void)
{
    static char texts[FEATURES][8];
    struct tt_str features[FEATURES];
    struct tt_names *names = NULL;
    struct tt_error err = {0};
    for (unsigned i = 0; i < FEATURES; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "f%u", i);
        features[i] = tt_str_from(texts[i]);
    }
    must(tt_names_new(&tt_alloc_libc, NULL, 0, features, FEATURES, &names, &err), &err);
    return names;
}

static void fill_event(struct tt_event *event, struct tt_rng *rng, uint64_t row, char texts[4][24])
{
    memset(event, 0, sizeof *event);
    (void)snprintf(texts[0], 24, "t-%llu", (unsigned long long)row);
    (void)snprintf(texts[1], 24, "u-%u", (unsigned)(tt_rng_next(rng) % 5000));
    (void)snprintf(texts[2], 24, "C%u", (unsigned)(tt_rng_next(rng) % 8));
    (void)snprintf(texts[3], 24, "m-%u", (unsigned)(tt_rng_next(rng) % 900));
    event->txn.timestamp_ms = INT64_C(1767225600000) + (int64_t)row * 300;
    event->txn.amount_minor = (int64_t)(tt_rng_next(rng) % 40000);
    event->txn.currency = tt_currency_find(TT_STR("EUR"));
    event->txn.type = TT_TXN_PURCHASE;
    event->txn.text[TT_TEXT_TRANSACTION_ID] = tt_str_from(texts[0]);
    event->txn.text[TT_TEXT_USER_ID] = tt_str_from(texts[1]);
    event->txn.text[TT_TEXT_MERCHANT_COUNTRY] = tt_str_from(texts[2]);
    event->txn.text[TT_TEXT_MERCHANT_ID] = tt_str_from(texts[3]);
    event->vector.count = FEATURES;
    for (uint32_t i = 0; i < FEATURES; i++) {
        double unit = tt_rng_double(rng);
        if (unit < 0.05) {
            tt_vector_set_missing(&event->vector, i);
        } else { /* half are counts, half measures */
            tt_vector_set(&event->vector, i,
                          i % 2 == 0 ? (double)(int64_t)(unit * 100.0) : unit * 100.0);
        }
    }
}

static void make_blocks(const struct tt_names *names, struct tt_buf *ret)
{
    struct tt_column_spec specs[TT_BACKTEST_SPECS_MAX];
    struct tt_segment_builder *builder = NULL;
    struct tt_error err = {0};
    static struct tt_event event;
    struct tt_value *slots = calloc(tt_names_slot_count(names), sizeof *slots);
    struct tt_rng rng;
    tt_rng_init(&rng, 1);
    must(tt_segment_builder_new(&tt_alloc_libc, specs, tt_backtest_specs(names, specs),
                                (struct tt_hash_key){1, 2}, &builder, &err),
         &err);
    for (uint64_t row = 0; row < ROWS && slots != NULL; row++) {
        char texts[4][24];
        struct tt_value values[TT_BACKTEST_SPECS_MAX];
        fill_event(&event, &rng, row, texts);
        tt_names_fill_txn(names, &event.txn, slots);
        tt_names_fill_vector(names, &event.vector, slots);
        tt_backtest_values(names, &event, slots, true, values);
        must(tt_segment_builder_add(builder, values), &err);
        if (tt_segment_builder_count(builder) == TT_SEGMENT_ROWS_MAX) {
            struct tt_segment_info info = {.seq_last = row + 1};
            must(tt_segment_builder_finish(builder, &info, ret), &err);
        }
    }
    tt_segment_builder_free(builder);
    free(slots);
}

/* Rows a second of the best round. */
static double measure(const struct tt_backtest_options *options, struct tt_str blocks,
                      uint64_t *ret_hits)
{
    double best = 0.0;
    struct tt_error err = {0};
    for (int round = 0; round < ROUNDS; round++) {
        struct tt_backtest *backtest = NULL;
        struct tt_str rest = blocks;
        must(tt_backtest_new(&tt_alloc_libc, options, &backtest, &err), &err);
        double start = cpu_s();
        while (rest.size > 0) {
            struct tt_segment_block block;
            must(tt_segment_open(rest, &block, &err), &err);
            must(tt_backtest_add(backtest, &block, &err), &err);
            rest.data += block.bytes.size;
            rest.size -= block.bytes.size;
        }
        double rate = (double)tt_backtest_rows(backtest) / (cpu_s() - start);
        best = rate > best ? rate : best;
        *ret_hits = tt_backtest_finish(backtest)->total.hits;
        tt_backtest_free(backtest);
    }
    return best;
}

int main(void)
{
    struct tt_names *names = make_names();
    struct tt_rules *rules = make_rules(names, 0), *live = make_rules(names, 3);
    struct tt_buf blocks;
    tt_buf_init(&blocks, &tt_alloc_libc, (size_t)1 << 30);
    make_blocks(names, &blocks);
    struct tt_backtest_options options = {
        .names = names,
        .rules = rules,
        .from_ms = TT_TIME_NONE,
        .to_ms = TT_TIME_NONE,
        .as_of_ms = INT64_C(1767225600000),
    };
    uint64_t hits = 0;
    double alone = measure(&options, tt_buf_str(&blocks), &hits);
    (void)printf("backtest of %d rules, one core: %.2f M rows/s (asked: 1), %llu of %u rows hit, "
                 "%.0f bytes a row\n",
                 RULES, alone / 1e6, (unsigned long long)hits, ROWS,
                 (double)blocks.size / (double)ROWS);
    options.against = live;
    double beside = measure(&options, tt_buf_str(&blocks), &hits);
    (void)printf("beside %d live rules: %.2f M rows/s\n", RULES, beside / 1e6);
    tt_buf_deinit(&blocks);
    tt_rules_free(rules);
    tt_rules_free(live);
    tt_names_free(names);
    return alone >= ASKED ? 0 : 1;
}
