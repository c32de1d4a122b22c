/*
 * The log: one JSON object a line.
 *
 * What:    {"ts":"…","level":"info","event":"store_opened","msg":"…",fields…} to a file
 *          descriptor, in one write a line.
 * Why:     event names are stable and few, so that an alert can be set on them; msg is for
 *          people.
 * Owner:   the caller owns the struct and the file descriptor; nothing to give back.
 * Threads: safe from any thread.
 * Limits:  a line has at most TT_LOG_LINE_SIZE_MAX bytes; a long text is cut, a field that does
 *          not fit is left out and "cut":true says so. What looks like a card number in a text is
 *          masked; secrets and account ids must not be passed in.
 * Fails:   never: a line that cannot be written is counted.
 */
#ifndef TT_RUNTIME_LOG_H
#define TT_RUNTIME_LOG_H

#include "base/str.h"
#include "ports/clock.h"

#define TT_LOG_LINE_SIZE_MAX 8192

enum tt_log_level { TT_LOG_ERROR = 1, TT_LOG_WARN, TT_LOG_INFO, TT_LOG_DEBUG };

struct tt_log {
    int fd;
    enum tt_log_level level;
    const struct tt_clock *clock;
    uint64_t lost_count; /* atomic: lines that could not be written */
};

enum tt_log_field_type {
    TT_LOG_FIELD_END = 0,
    TT_LOG_FIELD_TEXT,
    TT_LOG_FIELD_INT,
    TT_LOG_FIELD_DOUBLE
};
struct tt_log_field {
    const char *name;
    enum tt_log_field_type type;
    struct tt_str text;
    int64_t integer;
    double number;
};
/* Fields of a line: tt_log(log, TT_LOG_INFO, "listening", "ready for requests",
 * TT_LOG_INT("port", port)); */
#define TT_LOG_STR(name_, value_)                                                                  \
    ((struct tt_log_field){.name = (name_), .type = TT_LOG_FIELD_TEXT, .text = (value_)})
#define TT_LOG_TEXT(name_, value_) TT_LOG_STR(name_, tt_str_from(value_))
#define TT_LOG_INT(name_, value_)                                                                  \
    ((struct tt_log_field){.name = (name_), .type = TT_LOG_FIELD_INT, .integer = (int64_t)(value_)})
#define TT_LOG_DOUBLE(name_, value_)                                                               \
    ((struct tt_log_field){.name = (name_), .type = TT_LOG_FIELD_DOUBLE, .number = (value_)})

/* level: lines above it are not written. clock must outlive the log. */
void tt_log_init(struct tt_log *log, int fd, enum tt_log_level level, const struct tt_clock *clock);
/* "error" "warn" "info" "debug" → level, 0 when unknown. */
enum tt_log_level tt_log_level_find(struct tt_str name);
/* Use the macro; fields end with one of type TT_LOG_FIELD_END. log may be NULL: nothing is
 * written. */
void tt_log_write(struct tt_log *log, enum tt_log_level level, const char *event,
                  const char *message, const struct tt_log_field *fields);
#define tt_log(log, level, event, message, ...)                                                    \
    tt_log_write((log), (level), (event), (message),                                               \
                 (const struct tt_log_field[]){                                                    \
                     __VA_ARGS__ __VA_OPT__(, )(struct tt_log_field){.name = NULL}})
/* A failure with its place; adds status, line, column and offset when set. */
void tt_log_error(struct tt_log *log, const char *event, const struct tt_error *err);

#endif
