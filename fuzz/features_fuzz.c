/*
 * Feature files and what is passed through them: YAML up to a line "# events", then five bytes an
 * event. Any bytes give a plan or an error with a message; any events give finite vectors, the same
 * ones whatever the batches.
 */
#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "core/features/step.h"
#include "core/features/vector.h"
#include "format/yaml.h"
#include "fuzz.h"

#define EVENTS_MAX 256
#define EVENT_SIZE 5
#define START_MS INT64_C(1772000000000)
static const char MARK[] = "# events\n";

struct run {
    struct tt_event events[EVENTS_MAX];
    char ids[EVENTS_MAX][8];
    size_t count;
};

static const char *const USERS[] = {"u", "v", "w", "x"};
static const char *const CODES[] = {"EUR", "JPY", "KWD", "USD"};
static const int64_t LEAPS_MS[] = {0, 1, 1000, 60000, 3600000, 86400000, -60000, -5400000};

static void make_event(struct run *run, size_t index, const uint8_t *bytes, int64_t *now_ms)
{
    struct tt_event *event = &run->events[index];
    char *id = run->ids[index];
    int64_t leap_ms = LEAPS_MS[bytes[1] % 8] * (1 + bytes[1] / 32);
    memset(event, 0, sizeof(*event));
    if (bytes[0] % 8 == 7 && index > 0) {
        const struct tt_event *of = &run->events[index - 1 - bytes[2] % index];
        event->kind = TT_EVENT_LABEL;
        event->txn = of->txn;
        event->label.kind = (uint8_t)(1 + bytes[3] % 3);
        event->label.known_at_ms = *now_ms + leap_ms;
        return;
    }
    *now_ms += leap_ms > 0 ? leap_ms : 0;
    memcpy(id, "t00000", 7);
    id[1] = (char)('0' + index / 100);
    id[2] = (char)('0' + index / 10 % 10);
    id[3] = (char)('0' + index % 10);
    event->kind = TT_EVENT_TRANSACTION;
    event->gate = bytes[4] % 16 == 0 ? TT_GATE_DUPLICATE : TT_GATE_FRESH;
    event->txn.timestamp_ms = *now_ms + (leap_ms < 0 ? leap_ms : 0);
    event->txn.amount_minor = (int64_t)bytes[2] * bytes[2] * (bytes[3] + 1);
    event->txn.currency = tt_currency_find(tt_str_from(CODES[bytes[4] / 16 % 4]));
    event->txn.type = TT_TXN_PURCHASE;
    event->txn.authorization = (uint8_t)(bytes[3] % 3);
    event->txn.has_position = bytes[4] % 2 == 0;
    event->txn.latitude = (double)bytes[3] / 3.0;
    event->txn.longitude = (double)bytes[2] / 2.0;
    event->txn.text[TT_TEXT_TRANSACTION_ID] = tt_str_from(id);
    event->txn.text[TT_TEXT_USER_ID] = tt_str_from(USERS[bytes[0] / 8 % 4]);
    if (bytes[0] / 32 % 4 != 0) {
        event->txn.text[TT_TEXT_MERCHANT_ID] = tt_str_from(USERS[bytes[0] / 32 % 4]);
    }
}

static void make_run(struct run *run, const uint8_t *data, size_t size)
{
    int64_t now_ms = START_MS;
    run->count = size / EVENT_SIZE < EVENTS_MAX ? size / EVENT_SIZE : EVENTS_MAX;
    for (size_t i = 0; i < run->count; i++) {
        make_event(run, i, data + i * EVENT_SIZE, &now_ms);
    }
}

static void pass_run(const struct tt_plan *plan, struct run *run, size_t batch)
{
    struct tt_step_options options = {
        .entities_max = 3, .memory_bytes_max = 1U << 20, .key = {5, 6}};
    struct tt_event *events[EVENTS_MAX];
    for (size_t i = 0; i < run->count; i++) {
        events[i] = &run->events[i];
    }
    for (uint32_t s = 0; s < tt_plan_step_count(plan); s++) {
        struct tt_step *step = NULL;
        TT_ASSERT(tt_step_new(&tt_alloc_libc, plan, s, &options, &step, NULL) == TT_OK);
        for (size_t at = 0; at < run->count; at += batch) {
            size_t count = run->count - at < batch ? run->count - at : batch;
            TT_ASSERT(tt_step_run(step, events + at, count, NULL) == TT_OK);
        }
        tt_step_free(step);
    }
}

static void check_vectors(const struct tt_plan *plan, const struct run *a, const struct run *b)
{
    for (size_t i = 0; i < a->count; i++) {
        const struct tt_vector *vector = &a->events[i].vector;
        TT_ASSERT(memcmp(vector, &b->events[i].vector, sizeof(*vector)) == 0);
        if (a->events[i].kind == TT_EVENT_TRANSACTION && a->events[i].gate == TT_GATE_FRESH) {
            TT_ASSERT(vector->count == tt_plan_feature_count(plan));
        }
        for (uint32_t k = 0; k < vector->count; k++) {
            TT_ASSERT(vector->values[k] >= -DBL_MAX && vector->values[k] <= DBL_MAX);
        }
    }
}

static void pass_events(const struct tt_plan *plan, const uint8_t *data, size_t size)
{
    struct run *runs = calloc(2, sizeof(*runs));
    TT_ASSERT(runs != NULL);
    make_run(&runs[0], data, size);
    make_run(&runs[1], data, size);
    pass_run(plan, &runs[0], 1);
    pass_run(plan, &runs[1], EVENTS_MAX);
    check_vectors(plan, &runs[0], &runs[1]);
    free(runs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tt_arena arena;
    struct tt_tree *tree = NULL;
    struct tt_plan *plan = NULL;
    struct tt_error err = {0};
    const uint8_t *mark = size == 0 ? NULL : memmem(data, size, MARK, sizeof(MARK) - 1);
    size_t yaml_size = mark == NULL ? size : (size_t)(mark - data);
    struct tt_str yaml = {(const char *)data, yaml_size};
    tt_arena_init(&arena, &tt_alloc_libc, 4096, 64U << 20);
    if (tt_yaml_parse(&arena, yaml, &tree, &err) == TT_OK) {
        if (tt_plan_compile(&tt_alloc_libc, tree, NULL, &plan, &err) == TT_OK) {
            size_t at = mark == NULL ? size : yaml_size + sizeof(MARK) - 1;
            pass_events(plan, data + at, size - at);
        } else {
            TT_ASSERT(err.message[0] != '\0' && err.line > 0 && plan == NULL);
        }
    }
    tt_plan_free(plan);
    tt_arena_deinit(&arena);
    return 0;
}
