/*
 * The vectors of payments that are in memory already: what feature_peers.py compares with others.
 *
 * usage: vectors FILE.yaml INPUT OUTPUT
 *
 * INPUT is struct payment after struct payment in order of time; a fraud becomes known a week after
 * it. OUTPUT gets a vector of doubles a payment, NaN where a value is missing. Prints the CPU seconds
 * spent in the feature steps: reading, making events and writing are not in it.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/features/step.h"
#include "format/yaml.h"

#define BATCH 256
#define LABEL_DELAY_MS (7 * TT_MS_PER_DAY)

struct payment {
    int64_t time_ms, amount_minor;
    int32_t user, merchant, is_fraud, unused;
};

struct texts {
    char id[16], user[16], merchant[16];
};

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void *read_file(const char *path, size_t *ret_size)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        perror(path);
        exit(1);
    }
    *ret_size = (size_t)ftell(file);
    rewind(file);
    void *bytes = malloc(*ret_size + 1);
    if (bytes == NULL || fread(bytes, 1, *ret_size, file) != *ret_size) {
        perror(path);
        exit(1);
    }
    fclose(file);
    return bytes;
}

static struct tt_plan *read_plan(const char *path)
{
    struct tt_error err = {0};
    struct tt_arena arena;
    struct tt_tree *root = NULL;
    struct tt_plan *plan = NULL;
    size_t size = 0;
    char *text = read_file(path, &size);
    tt_arena_init(&arena, &tt_alloc_libc, 64U << 10, 64U << 20);
    if (tt_yaml_parse(&arena, (struct tt_str){text, size}, &root, &err) != TT_OK ||
        tt_plan_compile(&tt_alloc_libc, root, NULL, &plan, &err) != TT_OK) {
        fprintf(stderr, "%s:%u:%u: %s\n", path, err.line, err.column, err.message);
        exit(1);
    }
    tt_arena_deinit(&arena);
    free(text);
    return plan;
}

static void fill(struct tt_event *event, struct texts *texts, size_t number,
                 const struct payment *payment)
{
    snprintf(texts->id, sizeof(texts->id), "%zu", number);
    snprintf(texts->user, sizeof(texts->user), "u-%d", payment->user);
    snprintf(texts->merchant, sizeof(texts->merchant), "m-%d", payment->merchant);
    memset(&event->txn, 0, sizeof(event->txn));
    event->kind = TT_EVENT_TRANSACTION;
    event->gate = TT_GATE_FRESH;
    event->txn.timestamp_ms = payment->time_ms;
    event->txn.amount_minor = payment->amount_minor;
    event->txn.currency = tt_currency_find(TT_STR("EUR"));
    event->txn.type = TT_TXN_PURCHASE;
    event->txn.text[TT_TEXT_TRANSACTION_ID] = tt_str_from(texts->id);
    event->txn.text[TT_TEXT_USER_ID] = tt_str_from(texts->user);
    event->txn.text[TT_TEXT_MERCHANT_ID] = tt_str_from(texts->merchant);
}

/* The label of a payment, as it stands in the log when it becomes known. */
static void fill_label(struct tt_event *event, struct texts *texts, size_t number,
                       const struct payment *payment)
{
    fill(event, texts, number, payment);
    event->kind = TT_EVENT_LABEL;
    memset(&event->label, 0, sizeof(event->label));
    event->label.kind = TT_LABEL_FRAUD;
    event->label.known_at_ms = payment->time_ms + LABEL_DELAY_MS;
}

int main(int argc, char **argv)
{
    static struct tt_event events[BATCH];
    static struct texts texts[BATCH];
    static size_t rows[BATCH];
    struct tt_event *batch[BATCH];
    struct tt_step *steps[TT_STEPS_MAX];
    struct tt_step_options options = {
        .entities_max = 1U << 24, .memory_bytes_max = SIZE_MAX, .key = {1, 2}};
    if (argc != 4) {
        fprintf(stderr, "usage: vectors FILE.yaml INPUT OUTPUT\n");
        return 2;
    }
    struct tt_plan *plan = read_plan(argv[1]);
    size_t size = 0, features = tt_plan_feature_count(plan);
    const struct payment *payments = read_file(argv[2], &size);
    size_t count = size / sizeof(*payments);
    double *vectors = calloc(count * features + 1, sizeof(double));
    for (uint32_t s = 0; s < tt_plan_step_count(plan); s++) {
        if (vectors == NULL ||
            tt_step_new(&tt_alloc_libc, plan, s, &options, &steps[s], NULL) != TT_OK) {
            return 1;
        }
    }
    double spent = 0.0;
    for (size_t next = 0, label = 0; next < count;) {
        size_t n = 0;
        for (; n < BATCH && next < count; n++) {
            while (label < next && payments[label].is_fraud == 0) {
                label++;
            }
            batch[n] = &events[n];
            rows[n] = SIZE_MAX;
            if (label < next &&
                payments[label].time_ms + LABEL_DELAY_MS <= payments[next].time_ms) {
                fill_label(&events[n], &texts[n], label, &payments[label]);
                label++;
            } else {
                rows[n] = next;
                fill(&events[n], &texts[n], next, &payments[next]);
                next++;
            }
        }
        double start = seconds_now();
        for (uint32_t s = 0; s < tt_plan_step_count(plan); s++) {
            if (tt_step_run(steps[s], batch, n, NULL) != TT_OK) {
                return 1;
            }
        }
        spent += seconds_now() - start;
        for (size_t i = 0; i < n; i++) {
            for (uint32_t f = 0; f < features && rows[i] != SIZE_MAX; f++) {
                double *at = &vectors[rows[i] * features + f];
                if (!tt_vector_get(&events[i].vector, f, at)) {
                    *at = (double)NAN;
                }
            }
        }
    }
    FILE *out = fopen(argv[3], "wb");
    if (out == NULL || fwrite(vectors, sizeof(double), count * features, out) != count * features ||
        fclose(out) != 0) {
        perror(argv[3]);
        return 1;
    }
    printf("%.6f\n", spent);
    return 0;
}
