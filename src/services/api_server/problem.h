/*
 * Problems: errors as application/problem+json (RFC 9457).
 *
 * Threads: pure functions.
 */
#ifndef TT_SERVICES_API_SERVER_PROBLEM_H
#define TT_SERVICES_API_SERVER_PROBLEM_H

#include "base/str.h"

/* "Not Found" of 404; "Error" of one that has no name here. */
const char *tt_http_reason(uint16_t status);
/* Appends {"type":"about:blank","title":…,"status":…,"code":…,"detail":…}. */
void tt_problem_write(struct tt_buf *buf, uint16_t status, const char *code, struct tt_str detail);

#endif
