/*
 * A rule set over events already turned into features: the side of Telltale in bench/rules.py.
 *
 * Usage: bench_rules RULES.yaml EVENTS.csv HITS SINGLE: prints one JSON line of figures, writes the hits of
 * every event to HITS. EVENTS: sixteen numbers and the channel a line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/number.h"
#include "core/rules/rules.h"
#include "format/yaml.h"

#define FEATURES 16
#define EVENTS_MAX 4096
#define EVALUATIONS 20000000
#define ROUNDS 3
#define PASSES 50

static const struct tt_str features[FEATURES] = {
    {"f0", 2}, {"f1", 2}, {"f2", 2},  {"f3", 2},  {"f4", 2},  {"f5", 2},  {"f6", 2},  {"f7", 2},
    {"f8", 2}, {"f9", 2}, {"f10", 3}, {"f11", 3}, {"f12", 3}, {"f13", 3}, {"f14", 3}, {"f15", 3}};

struct bench {
    struct tt_names *names;
    struct tt_rules *set;
    struct tt_value *slots; /* of every event, slot_count each */
    uint32_t slot_count, event_count;
    struct tt_expr_scratch scratch;
};

static double now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

static char *read_all(const char *path, size_t *ret_size)
{
    static char bytes[2][4 << 20];
    static int used;
    FILE *file = fopen(path, "rb");
    TT_ASSERT(file != NULL && used < 2);
    *ret_size = fread(bytes[used], 1, sizeof(bytes[used]) - 1, file);
    (void)fclose(file);
    return bytes[used++];
}

static struct tt_value *slot_of(struct bench *bench, uint32_t event, const char *name)
{
    uint32_t slot = 0;
    TT_ASSERT(tt_expr_env_find(tt_names_env(bench->names), tt_str_from(name), &slot, NULL));
    return &bench->slots[(size_t)event * bench->slot_count + slot];
}

static void read_event(struct bench *bench, char *line)
{
    uint32_t event = bench->event_count++;
    tt_names_clear(bench->names, &bench->slots[(size_t)event * bench->slot_count]);
    for (uint32_t i = 0; i < FEATURES; i++) {
        char *comma = strchr(line, ',');
        double number = 0.0;
        TT_ASSERT(comma != NULL &&
                  tt_double_parse((struct tt_str){line, (size_t)(comma - line)}, &number));
        *slot_of(bench, event, features[i].data) = tt_value_double(number);
        line = comma + 1;
    }
    *slot_of(bench, event, "channel") = tt_value_text(tt_str_from(line));
}

static void read_events(struct bench *bench, char *text)
{
    bench->slot_count = tt_names_slot_count(bench->names);
    bench->slots = calloc((size_t)EVENTS_MAX * bench->slot_count, sizeof(struct tt_value));
    TT_ASSERT(bench->slots != NULL);
    for (char *line = strtok(text, "\n"); line != NULL && bench->event_count < EVENTS_MAX;
         line = strtok(NULL, "\n")) {
        read_event(bench, line);
    }
}

static double compile(struct bench *bench, struct tt_str yaml)
{
    double best = 1e300;
    for (int round = 0; round < ROUNDS; round++) {
        struct tt_arena arena;
        struct tt_tree *tree = NULL;
        struct tt_error err = {0};
        tt_rules_free(bench->set);
        bench->set = NULL;
        double start = now_ns();
        tt_arena_init(&arena, &tt_alloc_libc, 1 << 16, (size_t)64 << 20);
        enum tt_status status = tt_yaml_parse(&arena, yaml, &tree, &err);
        if (status == TT_OK) {
            status = tt_rules_compile(&tt_alloc_libc, tree, bench->names, &bench->set, &err);
        }
        if (status != TT_OK) {
            (void)fprintf(stderr, "%u:%u: %s\n", err.line, err.column, err.message);
            exit(1);
        }
        best = least(best, now_ns() - start);
        tt_arena_deinit(&arena);
    }
    return best;
}

static void eval(struct bench *bench, uint32_t event, struct tt_rule_hits *hits)
{
    struct tt_shadow_hits shadow;
    tt_rules_eval(bench->set, &bench->slots[(size_t)event * bench->slot_count], 0, &bench->scratch,
                  hits, &shadow);
}

static void write_hits(struct bench *bench, const char *path)
{
    FILE *file = fopen(path, "wb");
    struct tt_rule_hits hits;
    TT_ASSERT(file != NULL);
    for (uint32_t i = 0; i < bench->event_count; i++) {
        eval(bench, i, &hits);
        TT_ASSERT(hits.overflow == 0 && hits.errors == 0);
        for (uint32_t j = 0; j < hits.count; j++) {
            (void)fprintf(file, "%u ", hits.rules[j]);
        }
        (void)fputc('\n', file);
    }
    TT_ASSERT(fclose(file) == 0);
}

static double run_many(struct bench *bench)
{
    struct tt_rule_hits hits;
    double best = 1e300;
    for (int round = 0; round < ROUNDS; round++) {
        double start = now_ns();
        for (uint32_t i = 0; i < PASSES * bench->event_count; i++) {
            eval(bench, i % bench->event_count, &hits);
        }
        best = least(best, (now_ns() - start) / (PASSES * bench->event_count));
    }
    return best;
}

static double run_single(struct bench *bench, const char *text, double *ret_fired)
{
    struct tt_expr_options options = {.text = tt_str_from(text)};
    struct tt_expr *expr = NULL;
    double best = 1e300;
    uint64_t fired = 0;
    TT_ASSERT(tt_expr_compile(&tt_alloc_libc, tt_names_env(bench->names), &options, &expr, NULL) ==
              TT_OK);
    for (int round = 0; round < ROUNDS; round++) {
        double start = now_ns();
        for (int i = 0; i < EVALUATIONS; i++) {
            struct tt_value value;
            tt_expr_eval(expr, &bench->slots[(size_t)(i & 3) * bench->slot_count], &bench->scratch,
                         &value);
            fired += value.boolean ? 1 : 0;
        }
        best = least(best, (now_ns() - start) / EVALUATIONS);
    }
    tt_expr_free(expr);
    *ret_fired = (double)fired / ROUNDS / EVALUATIONS;
    return best;
}

int main(int argc, char **argv)
{
    static struct bench bench;
    double fired = 0.0;
    size_t yaml_size = 0;
    size_t events_size = 0;
    if (argc != 5) {
        (void)fprintf(stderr, "usage: bench_rules RULES.yaml EVENTS.csv HITS SINGLE\n");
        return 2;
    }
    TT_ASSERT(tt_names_new(&tt_alloc_libc, NULL, 0, features, FEATURES, &bench.names, NULL) ==
              TT_OK);
    char *yaml = read_all(argv[1], &yaml_size);
    read_events(&bench, read_all(argv[2], &events_size));
    double compile_ns = compile(&bench, (struct tt_str){yaml, yaml_size});
    write_hits(&bench, argv[3]);
    double many_ns = run_many(&bench);
    double single_ns = run_single(&bench, argv[4], &fired);
    (void)printf("{\"single_ns\":%.2f,\"many_us\":%.4f,\"compile_ms\":%.3f,\"fired\":%.3f}\n",
                 single_ns, many_ns / 1e3, compile_ns / 1e6, fired);
    tt_rules_free(bench.set);
    tt_names_free(bench.names);
    free(bench.slots);
    return 0;
}
