/*
 * Any text as a configuration file and as an assignment: it is applied or refused with a reason; what
 * `config show` makes of an applied one reads back as the same.
 */
#include <string.h>

#include "format/yaml.h"
#include "fuzz.h"
#include "runtime/config.h"

#define ARENA_SIZE_MAX ((size_t)64 << 20)
#define SHOWN_SIZE_MAX ((size_t)8 << 20)

/* A file that stands for something else than itself is not for a fuzzer: it would read the disk. */
static bool is_read_from_disk(struct tt_str text)
{
    return text.size > 0 && memmem(text.data, text.size, "file:", 5) != NULL;
}

static void check_refusal(enum tt_status status, const struct tt_error *err)
{
    TT_ASSERT(err->status == status && err->message[0] != '\0');
    TT_ASSERT(tt_str_utf8_check(tt_str_from(err->message)) == strlen(err->message));
}

static void show(const struct tt_config *config, struct tt_buf *buf)
{
    tt_buf_init(buf, &tt_alloc_libc, SHOWN_SIZE_MAX);
    enum tt_status status = tt_config_show(config, buf);
    TT_ASSERT(status == TT_OK);
    struct tt_buf json;
    tt_buf_init(&json, &tt_alloc_libc, SHOWN_SIZE_MAX);
    status = tt_config_show_json(config, &json);
    TT_ASSERT(status == TT_OK);
    tt_buf_deinit(&json);
}

/* Shows, reads what was shown, and shows that. */
static void check_shown(const struct tt_config *config)
{
    struct tt_buf first;
    struct tt_buf second;
    struct tt_config again;
    struct tt_tree *root = NULL;
    struct tt_error err;
    show(config, &first);
    enum tt_status status = tt_config_init(&again, config->arena, &err);
    TT_ASSERT(status == TT_OK);
    status = tt_yaml_parse(config->arena, tt_buf_str(&first), &root, &err);
    TT_ASSERT(status == TT_OK);
    status = tt_config_apply(&again, root, &err);
    TT_ASSERT(status == TT_OK);
    show(&again, &second);
    TT_ASSERT(tt_str_equal(tt_buf_str(&first), tt_buf_str(&second)));
    tt_buf_deinit(&first);
    tt_buf_deinit(&second);
}

static void apply(struct tt_config *config, struct tt_str text)
{
    struct tt_tree *root = NULL;
    struct tt_error err = {0};
    if (tt_yaml_parse(config->arena, text, &root, &err) != TT_OK) {
        return;
    }
    enum tt_status status = tt_config_apply(config, root, &err);
    if (status == TT_OK) {
        check_shown(config);
    } else {
        check_refusal(status, &err);
        TT_ASSERT(err.line >= 1 && err.column >= 1);
    }
}

static void set(struct tt_config *config, struct tt_str text)
{
    struct tt_error err = {0};
    enum tt_status status = tt_config_set(config, text, &err);
    if (status == TT_OK) {
        check_shown(config);
    } else {
        check_refusal(status, &err);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tt_str text = {(const char *)data, size};
    struct tt_arena arena;
    struct tt_config config;
    if (is_read_from_disk(text)) {
        return 0;
    }
    tt_arena_init(&arena, &tt_alloc_libc, 65536, ARENA_SIZE_MAX);
    enum tt_status status = tt_config_init(&config, &arena, NULL);
    TT_ASSERT(status == TT_OK);
    apply(&config, text);
    set(&config, text);
    tt_arena_deinit(&arena);
    return 0;
}
