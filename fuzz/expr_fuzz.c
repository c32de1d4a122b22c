/*
 * Any text as an expression, checked strictly and gradually: compiling and evaluating must not do more than fail, a value has the
 * type that was promised, an error has a place inside the text, and a printed value reads back.
 */
#include <string.h>

#include "core/expr/expr.h"
#include "fuzz.h"

#define NAMES 8

struct world {
    struct tt_expr_env *env;
    struct tt_value slots[NAMES];
    struct tt_value missing[NAMES];
    struct tt_expr_scratch scratch, other;
    bool ready;
};

static void declare(struct world *world, const char *name, struct tt_value value, enum tt_type type)
{
    uint32_t slot = 0;
    enum tt_status status = tt_expr_env_add(world->env, tt_str_from(name), type, &slot, NULL);
    TT_ASSERT(status == TT_OK && slot < NAMES);
    world->slots[slot] = value;
    world->missing[slot] = tt_value_none(TT_VALUE_MISSING);
}

static void set_up(struct world *world)
{
    enum tt_status status = tt_expr_env_new(&tt_alloc_libc, NULL, &world->env, NULL);
    TT_ASSERT(status == TT_OK);
    declare(world, "amount", tt_value_double(412.5), TT_TYPE_DOUBLE);
    declare(world, "count", tt_value_int(7), TT_TYPE_INT);
    declare(world, "channel", tt_value_text(TT_STR("online")), TT_TYPE_STRING);
    declare(world, "flag", tt_value_bool(true), TT_TYPE_BOOL);
    declare(world, "at", tt_value_timestamp_ms(INT64_C(1772368205123)), TT_TYPE_TIMESTAMP);
    declare(world, "u", (struct tt_value){.type = TT_TYPE_UINT, .uinteger = 5}, TT_TYPE_UINT);
    declare(world, "any", tt_value_text(TT_STR("x")), TT_TYPE_DYN);
    status = tt_expr_env_add_alias(world->env, TT_STR("large"), TT_STR("amount > 100.0"), NULL);
    TT_ASSERT(status == TT_OK);
    world->ready = true;
}

/* What is printed compiles, unless it is an error or not finite, and is the same value. */
static void check_print(struct world *world, const struct tt_value *value)
{
    struct tt_buf buf;
    struct tt_expr *expr = NULL;
    struct tt_value again;
    tt_buf_init(&buf, &tt_alloc_libc, TT_EXPR_TEXT_SIZE_MAX);
    if (tt_value_print(value, &buf) == TT_OK) {
        struct tt_expr_options options = {.text = tt_buf_str(&buf)};
        if (tt_expr_compile(&tt_alloc_libc, world->env, &options, &expr, NULL) == TT_OK) {
            tt_expr_eval(expr, world->slots, &world->other, &again);
            TT_ASSERT(tt_value_equal(value, &again));
            tt_expr_free(expr);
        }
    }
    tt_buf_deinit(&buf);
}

static void run(struct world *world, const struct tt_expr *expr, const struct tt_value *slots)
{
    struct tt_value value;
    tt_expr_eval(expr, slots, &world->scratch, &value);
    TT_ASSERT(value.type == TT_TYPE_NONE || tt_expr_type(expr) == TT_TYPE_DYN ||
              value.type == (uint8_t)tt_expr_type(expr));
    TT_ASSERT((value.type == TT_TYPE_NONE) == (value.error != 0));
    TT_ASSERT(value.type != TT_TYPE_NONE || value.place <= TT_EXPR_TEXT_SIZE_MAX + 1);
    bool is_number = value.type == TT_TYPE_DOUBLE && __builtin_isfinite(value.number) != 0;
    if (is_number || value.type == TT_TYPE_INT || value.type == TT_TYPE_STRING ||
        value.type == TT_TYPE_BYTES || value.type == TT_TYPE_TIMESTAMP ||
        value.type == TT_TYPE_DURATION) {
        check_print(world, &value);
    }
}

static void run_all(struct world *world, struct tt_str text, bool gradual)
{
    struct tt_expr_options options = {.text = text, .gradual = gradual, .cost_max = 20000};
    struct tt_expr *expr = NULL;
    struct tt_error err = {0};
    struct tt_buf buf;
    if (tt_expr_compile(&tt_alloc_libc, world->env, &options, &expr, &err) != TT_OK) {
        TT_ASSERT(err.line >= 1 && err.column >= 1 && err.offset <= text.size &&
                  err.message[0] != '\0');
        return;
    }
    run(world, expr, world->slots);
    run(world, expr, world->missing);
    tt_buf_init(&buf, &tt_alloc_libc, 1 << 20);
    bool explained = tt_expr_explain(expr, &buf) == TT_OK;
    TT_ASSERT(explained || buf.status != TT_OK);
    tt_buf_deinit(&buf);
    tt_expr_free(expr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world world;
    if (!world.ready) {
        set_up(&world);
    }
    run_all(&world, (struct tt_str){(const char *)data, size}, false);
    run_all(&world, (struct tt_str){(const char *)data, size}, true);
    return 0;
}
