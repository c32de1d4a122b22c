/* Status names, the error record's formatting, and the end of a program that found its own bug. */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const status_names[TT_STATUS_COUNT] = {
    [TT_OK] = "ok",
    [TT_E_NOMEM] = "nomem",
    [TT_E_LIMIT] = "limit",
    [TT_E_SYNTAX] = "syntax",
    [TT_E_INVALID] = "invalid",
    [TT_E_UNKNOWN] = "unknown",
    [TT_E_NOT_FOUND] = "not_found",
    [TT_E_CONFLICT] = "conflict",
    [TT_E_TYPE] = "type",
    [TT_E_AGAIN] = "again",
    [TT_E_CLOSED] = "closed",
    [TT_E_TIMEOUT] = "timeout",
    [TT_E_IO] = "io",
    [TT_E_FULL] = "full",
    [TT_E_CORRUPT] = "corrupt",
    [TT_E_DENIED] = "denied",
    [TT_E_UNSUPPORTED] = "unsupported",
    [TT_E_FENCED] = "fenced",
};

const char *tt_status_name(enum tt_status status)
{
    unsigned index = (unsigned)status;
    return index < TT_STATUS_COUNT ? status_names[index] : "unnamed";
}

/* A message that is cut must not end in half a UTF-8 character: it goes into JSON. */
static void cut_to_whole_characters(char *text, size_t size)
{
    size_t end = size;
    while (end > 0 && ((unsigned char)text[end - 1] & 0xc0u) == 0x80u && size - end < 3) {
        end--;
    }
    if (end == 0) {
        return;
    }
    unsigned char lead = (unsigned char)text[end - 1];
    size_t wanted = lead >= 0xf0u ? 4 : lead >= 0xe0u ? 3 : lead >= 0xc0u ? 2 : 1;
    if (wanted > size - end + 1) {
        text[end - 1] = '\0';
    }
}

TT_PRINTF(3, 0)
static void fill(struct tt_error *err, enum tt_status status, const char *format, va_list args)
{
    err->status = status;
    err->line = 0;
    err->column = 0;
    err->offset = 0;
    int length = vsnprintf(err->message, sizeof err->message, format, args);
    if (length < 0) {
        err->message[0] = '\0';
    } else if ((size_t)length >= sizeof err->message) {
        cut_to_whole_characters(err->message, sizeof err->message - 1);
    }
}

enum tt_status tt_fail(struct tt_error *err, enum tt_status status, const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        fill(err, status, format, args);
        va_end(args);
    }
    return status;
}

enum tt_status tt_fail_at(struct tt_error *err, enum tt_status status, uint32_t line,
                          uint32_t column, uint64_t offset, const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        fill(err, status, format, args);
        va_end(args);
        err->line = line;
        err->column = column;
        err->offset = offset;
    }
    return status;
}

void tt_assert_failed(const char *expression, const char *file, int line)
{
    fprintf(stderr, "telltale: bug: %s does not hold at %s:%d\n", expression, file, line);
    abort();
}
