/*
 * dashboard-frontend: the dashboard's files under /app/.
 *
 * What:    answers GET and HEAD of /app/… from the table in the binary (assets.h); a path that is no file is
 *          the application's own and gets index.html. / and /app lead to /app/.
 * Threads: safe from any thread; answers point into static memory.
 */
#ifndef TT_SERVICES_DASHBOARD_FRONTEND_DASHBOARD_FRONTEND_H
#define TT_SERVICES_DASHBOARD_FRONTEND_DASHBOARD_FRONTEND_H

#include "ports/http.h"

/* Fills *response; always answers now: returns true. */
bool tt_dashboard_serve(const struct tt_http_request *request, const struct tt_http_ops *http,
                        struct tt_http_response *response);

#endif
