/* The table of reasons, verdicts and default limits. See record.h. */
#include "format/record/record.h"

#include <stdio.h>
#include <string.h>

#include "format/record/pan.h"

struct reject_row {
    const char *code;
    const char *help;
    uint16_t http_status;
};

static const struct reject_row rows[TT_REJECT_COUNT] = {
#define TT_REJECT_ROW(id, code, http, help) [TT_REJECT_##id] = {code, help, http},
#include "format/record/rejects.def"
#undef TT_REJECT_ROW
};

static const struct reject_row *row_of(enum tt_reject reason)
{
    TT_ASSERT(reason > TT_REJECT_NONE && reason < TT_REJECT_COUNT);
    return &rows[reason];
}

const char *tt_reject_code(enum tt_reject reason)
{
    return row_of(reason)->code;
}

uint16_t tt_reject_http_status(enum tt_reject reason)
{
    return row_of(reason)->http_status;
}

const char *tt_reject_help(enum tt_reject reason)
{
    return row_of(reason)->help;
}

enum tt_reject tt_reject_find(struct tt_str code)
{
    for (enum tt_reject reason = TT_REJECT_NONE + 1; reason < TT_REJECT_COUNT; reason++) {
        if (tt_str_equal_text(code, rows[reason].code)) {
            return reason;
        }
    }
    return TT_REJECT_NONE;
}

static const char *const kind_names[] = {"", "fraud", "genuine", "withdrawn"};
static const char *const source_names[] = {"", "chargeback", "alert_verdict", "sample_verdict",
                                           "import"};

static uint8_t find_name(const char *const *names, size_t count, struct tt_str name)
{
    for (size_t i = 1; i < count; i++) {
        if (tt_str_equal_text(name, names[i])) {
            return (uint8_t)i;
        }
    }
    return 0;
}

const char *tt_label_kind_name(uint8_t kind)
{
    return kind < TT_ARRAY_SIZE(kind_names) ? kind_names[kind] : "";
}

const char *tt_label_source_name(uint8_t source)
{
    return source < TT_ARRAY_SIZE(source_names) ? source_names[source] : "";
}

uint8_t tt_label_kind_find(struct tt_str name)
{
    return find_name(kind_names, TT_ARRAY_SIZE(kind_names), name);
}

uint8_t tt_label_source_find(struct tt_str name)
{
    return find_name(source_names, TT_ARRAY_SIZE(source_names), name);
}

void tt_record_schema_init(struct tt_record_schema *schema)
{
    *schema = (struct tt_record_schema){.unknown = TT_UNKNOWN_DROP,
                                        .pan = TT_PAN_TOKENISE,
                                        .skew_max_ms = TT_RECORD_SKEW_MAX_MS,
                                        .record_size_max = TT_RECORD_SIZE_MAX};
}

/* Copies what fits, masked, with everything that is not printable UTF-8 replaced by '?'. The text
 * is masked before it is cut: half a card number would not be found any more. */
static void copy_safe(char *to, size_t capacity, char *text, size_t size)
{
    size_t used = 0;
    tt_pan_mask(text, size);
    while (used < size && used < capacity - 1) {
        struct tt_str rest = {text + used, size - used};
        size_t valid = tt_str_utf8_check(rest);
        if (valid == rest.size) {
            break;
        }
        text[used + valid] = '?';
        used += valid + 1;
    }
    size_t end = size < capacity - 1 ? size : capacity - 1;
    while (end < size && end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80) {
        end--;
    }
    for (size_t i = 0; i < end; i++) {
        bool control = (unsigned char)text[i] < 0x20 || text[i] == 0x7f;
        to[i] = control ? '?' : text[i];
    }
    to[end] = '\0';
}

enum tt_status tt_verdict_set(struct tt_verdict *verdict, enum tt_reject reason,
                              struct tt_str field, uint64_t offset, const char *format, ...)
{
    char text[512];
    TT_ASSERT(reason > TT_REJECT_NONE && reason < TT_REJECT_COUNT);
    *verdict = (struct tt_verdict){.reason = reason, .offset = offset};
    size_t size = field.size < sizeof text ? field.size : sizeof text;
    if (size > 0) {
        memcpy(text, field.data, size);
    }
    copy_safe(verdict->field, sizeof verdict->field, text, size);
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    size = length < 0 ? 0 : (size_t)length;
    size = size < sizeof text ? size : sizeof text - 1;
    copy_safe(verdict->detail, sizeof verdict->detail, text, size);
    return TT_E_INVALID;
}
