/*
 * The dashboard's files, in the binary.
 *
 * What:    one row per file of dashboard/dist, and a second one with its gzip form where that is
 *          notably smaller. Sorted by path (bytewise); of one path the plain form comes first.
 * Why:     one binary is the whole product. The table is made by tools/embed.py at build time; when
 *          the dashboard was not built it holds one page, index.html, that says so.
 * Owner:   static; lives as long as the process.
 * Threads: constant.
 * Units:   path is relative to /app/, without leading slash ("index.html", "assets/index-x.js");
 *          etag is a whole ETag value, with its quotes, and differs between the two forms.
 * Limits:  index.html is always there. Files under assets/ carry a hash of their content in
 *          their names and never change: they may be cached for good; the others may not.
 */
#ifndef TT_SERVICES_DASHBOARD_FRONTEND_ASSETS_H
#define TT_SERVICES_DASHBOARD_FRONTEND_ASSETS_H

#include <stdbool.h>
#include <stddef.h>

struct tt_asset {
    const char *path;
    const char *content_type;
    const unsigned char *data;
    size_t size; /* bytes of data, as stored */
    const char *etag;
    bool gzip; /* data is gzip-compressed: send Content-Encoding: gzip */
};

extern const struct tt_asset tt_assets[];
extern const size_t tt_asset_count;

#endif
