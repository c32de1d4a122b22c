/*
 * Status codes and the error record that every fallible call shares.
 *
 * What:    one enum for "what happened", one optional struct for "where and why".
 * Why:     a bug asserts, a failed operation returns a status, bad data is a verdict with a reason
 *          (see format/record/rejects.def); the three never mix.
 * Owner:   the caller owns a struct tt_error; it holds no pointers and needs no clean-up.
 * Threads: values only; safe anywhere.
 */
#ifndef TT_BASE_STATUS_H
#define TT_BASE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TT_MUST_USE __attribute__((warn_unused_result))
#define TT_PRINTF(format_index, first_index)                                                       \
    __attribute__((format(printf, format_index, first_index)))
#define TT_ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define TT_LIKELY(x) __builtin_expect(!!(x), 1)
#define TT_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* 0 is success; the rest say what kind of failure, so that a caller can choose a policy. */
enum tt_status {
    TT_OK = 0,
    TT_E_NOMEM,       /* an allocation failed */
    TT_E_LIMIT,       /* a configured or documented maximum would be passed */
    TT_E_SYNTAX,      /* text is not of its grammar; line/column or offset are set */
    TT_E_INVALID,     /* well-formed, but a value is out of its domain */
    TT_E_UNKNOWN,     /* a name that nothing defines; the message names the nearest one */
    TT_E_NOT_FOUND,   /* the thing asked for is not there */
    TT_E_CONFLICT,    /* it is there already, with other content */
    TT_E_TYPE,        /* an expression or value of the wrong type */
    TT_E_AGAIN,       /* not now: no credit, empty, or busy; ask again later */
    TT_E_CLOSED,      /* the other side is closed, or the end was reached */
    TT_E_TIMEOUT,     /* a deadline passed */
    TT_E_IO,          /* the operating system or a peer failed */
    TT_E_FULL,        /* no space left on a device */
    TT_E_CORRUPT,     /* stored or compressed data fails its own checks */
    TT_E_DENIED,      /* not allowed */
    TT_E_UNSUPPORTED, /* this build, version or format cannot do it */
    TT_E_FENCED,      /* another owner has taken over this state */
    TT_STATUS_COUNT
};

/* Details of a failure. line and column start at 1, 0 = none; offset is in bytes from the start. */
struct tt_error {
    enum tt_status status;
    uint32_t line;
    uint32_t column;
    uint64_t offset;
    char message[256];
};

/* The stable lower-case name of a status ("limit", "not_found"); never NULL. */
const char *tt_status_name(enum tt_status status);

/* Fills *err (may be NULL) with a formatted message, place cleared; returns status, so that a
 * caller can write `return tt_fail(err, TT_E_LIMIT, "…")`. A longer message is cut. */
enum tt_status tt_fail(struct tt_error *err, enum tt_status status, const char *format, ...)
    TT_PRINTF(3, 4);

/* As tt_fail, with a place in a text: line and column from 1, offset in bytes. */
enum tt_status tt_fail_at(struct tt_error *err, enum tt_status status, uint32_t line,
                          uint32_t column, uint64_t offset, const char *format, ...)
    TT_PRINTF(6, 7);

/* Called by TT_ASSERT: prints expression, file and line to stderr and aborts. */
void tt_assert_failed(const char *expression, const char *file, int line)
    __attribute__((noreturn, cold));

/* A bug check that stays on in release builds. */
#define TT_ASSERT(expression)                                                                      \
    ((expression) ? (void)0 : tt_assert_failed(#expression, __FILE__, __LINE__))

#ifdef __cplusplus
}
#endif
#endif
