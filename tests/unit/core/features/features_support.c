/* What the tests of features share. */
#include "features_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "format/yaml.h"

#ifndef TT_SOURCE_ROOT
#define TT_SOURCE_ROOT "."
#endif

enum tt_status plan_from(const struct tt_alloc *alloc, const char *yaml,
                         const struct tt_plan_options *options, struct tt_plan **ret,
                         struct tt_error *err)
{
    struct tt_arena arena;
    struct tt_tree *root = NULL;
    tt_arena_init(&arena, alloc, 64U << 10, 64U << 20);
    enum tt_status status = tt_yaml_parse(&arena, tt_str_from(yaml), &root, err);
    if (status == TT_OK) {
        status = tt_plan_compile(alloc, root, options, ret, err);
    }
    tt_arena_deinit(&arena);
    return status;
}

enum tt_status plan_from_file(const struct tt_alloc *alloc, const char *path, struct tt_plan **ret,
                              struct tt_error *err)
{
    static char text[1U << 16];
    char full[512];
    snprintf(full, sizeof(full), "%s/%s", TT_SOURCE_ROOT, path);
    FILE *file = fopen(full, "rb");
    assert_non_null(file);
    size_t size = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[size] = '\0';
    return plan_from(alloc, text, NULL, ret, err);
}

struct tt_plan *plan_of(const char *yaml)
{
    struct tt_plan *plan = NULL;
    struct tt_error err = {0};
    if (plan_from(&tt_alloc_libc, yaml, NULL, &plan, &err) != TT_OK) {
        fail_msg("%u:%u: %s", err.line, err.column, err.message);
    }
    return plan;
}

enum tt_status steps_init(struct steps *steps, const struct tt_alloc *alloc,
                          const struct tt_plan *plan, uint32_t entities_max,
                          size_t memory_bytes_max)
{
    struct tt_step_options options = {
        .entities_max = entities_max, .memory_bytes_max = memory_bytes_max, .key = {11, 22}};
    memset(steps, 0, sizeof(*steps));
    steps->plan = plan;
    for (uint32_t i = 0; i < tt_plan_step_count(plan); i++) {
        enum tt_status status = tt_step_new(alloc, plan, i, &options, &steps->step[i], NULL);
        if (status != TT_OK) {
            steps_deinit(steps);
            return status;
        }
        steps->count++;
    }
    return TT_OK;
}

void steps_deinit(struct steps *steps)
{
    for (uint32_t i = 0; i < steps->count; i++) {
        tt_step_free(steps->step[i]);
    }
    steps->count = 0;
}

enum tt_status steps_run(struct steps *steps, struct tt_event *const *events, size_t count,
                         size_t batch)
{
    enum tt_status first = TT_OK;
    for (size_t at = 0; at < count; at += batch) {
        size_t n = count - at < batch ? count - at : batch;
        for (uint32_t i = 0; i < steps->count; i++) {
            enum tt_status status = tt_step_run(steps->step[i], events + at, n, NULL);
            first = first == TT_OK ? status : first;
        }
    }
    return first;
}

void event_init(struct tt_event *event, const char *id, const char *user, int64_t t_ms,
                int64_t amount_minor)
{
    memset(event, 0, sizeof(*event));
    event->kind = TT_EVENT_TRANSACTION;
    event->gate = TT_GATE_FRESH;
    event->txn.timestamp_ms = t_ms;
    event->txn.amount_minor = amount_minor;
    event->txn.currency = tt_currency_find(TT_STR("EUR"));
    event->txn.type = TT_TXN_PURCHASE;
    event->txn.authorization = TT_AUTH_APPROVED;
    event->txn.text[TT_TEXT_TRANSACTION_ID] = tt_str_from(id);
    event->txn.text[TT_TEXT_USER_ID] = tt_str_from(user);
}

void label_init(struct tt_event *event, const struct tt_event *of, enum tt_label_kind kind,
                int64_t known_at_ms)
{
    memset(event, 0, sizeof(*event));
    event->kind = TT_EVENT_LABEL;
    event->txn = of->txn;
    event->label.kind = (uint8_t)kind;
    event->label.source = TT_LABEL_CHARGEBACK;
    event->label.known_at_ms = known_at_ms;
}

void pass_event(struct steps *steps, struct tt_event *event)
{
    assert_int_equal(steps_run(steps, &event, 1, 1), TT_OK);
}

double value_of(const struct tt_plan *plan, const struct tt_event *event, const char *feature)
{
    uint32_t index = tt_plan_find(plan, tt_str_from(feature));
    double value = 0.0;
    assert_int_not_equal(index, UINT32_MAX);
    if (!tt_vector_get(&event->vector, index, &value)) {
        fail_msg("%s is missing", feature);
    }
    return value;
}

bool is_missing(const struct tt_plan *plan, const struct tt_event *event, const char *feature)
{
    uint32_t index = tt_plan_find(plan, tt_str_from(feature));
    double value = 0.0;
    assert_int_not_equal(index, UINT32_MAX);
    return !tt_vector_get(&event->vector, index, &value);
}
