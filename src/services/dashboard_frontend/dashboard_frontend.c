/* See dashboard_frontend.h. */
#include "services/dashboard_frontend/dashboard_frontend.h"

#include <string.h>

#include "services/dashboard_frontend/assets.h"

static void header(struct tt_http_response *response, const char *name, const char *value)
{
    response->headers[response->header_count++] = (struct tt_http_header){name, tt_str_from(value)};
}

static bool redirect(struct tt_http_response *response)
{
    response->status = 302;
    response->body = TT_STR("");
    response->body_static = true;
    header(response, "Location", "/app/");
    return true;
}

/* The file, as gzip when the caller takes it and there is one. */
static const struct tt_asset *find(struct tt_str path, bool gzip)
{
    const struct tt_asset *found = NULL;
    for (size_t i = 0; i < tt_asset_count; i++) {
        if (tt_str_equal_text(path, tt_assets[i].path) && (gzip || !tt_assets[i].gzip)) {
            found = &tt_assets[i]; /* the plain form comes first */
        }
    }
    return found;
}

/* "q=0", "q=0.0", "q=0.000": the only spellings of a weight of zero. */
static bool is_zero_weight(struct tt_str weight)
{
    if (!tt_str_starts_with(weight, TT_STR("q=0"))) {
        return false;
    }
    for (size_t i = 3; i < weight.size; i++) {
        if (weight.data[i] != '0' && weight.data[i] != '.') {
            return false;
        }
    }
    return true;
}

/* Whether gzip is named and not ruled out by a weight of zero ("gzip;q=0", RFC 9110, 12.4.2). */
static bool takes_gzip(const struct tt_http_request *request, const struct tt_http_ops *http)
{
    struct tt_str rest = http->header(request, "Accept-Encoding");
    while (rest.size > 0) {
        struct tt_str weight = tt_str_split(&rest, ',');
        struct tt_str coding = tt_str_trim(tt_str_split(&weight, ';'));
        if (tt_str_equal_text(coding, "gzip")) {
            return !is_zero_weight(tt_str_trim(weight));
        }
    }
    return false;
}

/* Whether the caller has this form already. Tags are compared weakly, as If-None-Match asks: a tag
 * stands in its quotes, so finding it in the list is finding it as a whole. */
static bool is_known(struct tt_str known, const struct tt_asset *asset)
{
    return tt_str_equal_text(known, "*") ||
           (known.data != NULL &&
            memmem(known.data, known.size, asset->etag, strlen(asset->etag)) != NULL);
}

bool tt_dashboard_serve(const struct tt_http_request *request, const struct tt_http_ops *http,
                        struct tt_http_response *response)
{
    static const char policy[] =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    struct tt_str path = request->path;
    if (request->method != TT_HTTP_GET && request->method != TT_HTTP_HEAD) {
        response->status = 405;
        response->body = TT_STR("");
        response->body_static = true;
        header(response, "Allow", "GET, HEAD");
        return true;
    }
    if (!tt_str_starts_with(path, TT_STR("/app/"))) {
        return redirect(response);
    }
    struct tt_str file = {path.data + 5, path.size - 5};
    bool gzip = takes_gzip(request, http);
    const struct tt_asset *asset = file.size > 0 ? find(file, gzip) : NULL;
    bool hashed = asset != NULL && tt_str_starts_with(file, TT_STR("assets/"));
    if (asset == NULL && tt_str_starts_with(file, TT_STR("assets/"))) {
        response->status = 404;
        response->body = TT_STR("");
        response->body_static = true;
        return true;
    }
    asset = asset != NULL ? asset : find(TT_STR("index.html"), gzip);
    header(response, "ETag", asset->etag);
    header(response, "Cache-Control", hashed ? "public, max-age=31536000, immutable" : "no-cache");
    header(response, "Vary", "Accept-Encoding");
    header(response, "Content-Security-Policy", policy);
    header(response, "X-Content-Type-Options", "nosniff");
    header(response, "Referrer-Policy", "no-referrer");
    response->body_static = true;
    if (is_known(http->header(request, "If-None-Match"), asset)) {
        response->status = 304;
        response->body = TT_STR("");
        return true;
    }
    header(response, "Content-Type", asset->content_type);
    if (asset->gzip) {
        header(response, "Content-Encoding", "gzip");
    }
    response->status = 200;
    response->body = (struct tt_str){(const char *)asset->data, asset->size};
    return true;
}
