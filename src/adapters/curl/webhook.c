/* See webhook.h. One easy handle a notifier keeps its connection between alerts. */
#include "adapters/curl/webhook.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "adapters/curl/signature.h"
#include "adapters/curl/target.h"
#include "base/timetext.h"

#define URL_SIZE_MAX 2048
#define BODY_SIZE_MAX ((size_t)1 << 20)
#define ANSWER_SIZE_MAX 65536
#define TIMEOUT_DEFAULT_MS 10000
#define RETRY_AFTER_MAX_MS TT_MS_PER_DAY

struct webhook {
    struct tt_notifier base;
    const struct tt_alloc *alloc;
    const struct tt_clock *clock;
    CURL *curl;
    struct tt_webhook_key key;
    bool may_be_inside;
    bool was_inside;    /* in this attempt: the address was refused */
    size_t answer_size; /* in this attempt */
    char failure[CURL_ERROR_SIZE];
};

static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct webhook *self = ctx;
    if (purpose != CURLSOCKTYPE_IPCXN ||
        (!self->may_be_inside && tt_target_is_inside(&address->addr))) {
        self->was_inside = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Nothing of the answer is kept; a long one ends the transfer, its status is known by then. */
static size_t swallow(char *data, size_t size, size_t count, void *ctx)
{
    struct webhook *self = ctx;
    (void)data;
    self->answer_size += size * count;
    return self->answer_size <= ANSWER_SIZE_MAX ? size * count : 0;
}

static bool add_header(struct curl_slist **list, const char *name, struct tt_str value)
{
    char line[512];
    int size = snprintf(line, sizeof line, "%s: %.*s", name, TT_STR_ARG(value));
    if (size < 0 || (size_t)size >= sizeof line || memchr(value.data, '\n', value.size) != NULL ||
        memchr(value.data, '\r', value.size) != NULL) {
        return false;
    }
    struct curl_slist *longer = curl_slist_append(*list, line);
    *list = longer != NULL ? longer : *list;
    return longer != NULL;
}

/* NULL when a value does not fit or memory ends. */
static struct curl_slist *make_headers(const struct webhook *self,
                                       const struct tt_notification *notification)
{
    char timestamp[32], signature[TT_WEBHOOK_SIGNATURE_SIZE];
    int64_t now_s = tt_clock_now_ms(self->clock) / 1000;
    (void)snprintf(timestamp, sizeof timestamp, "%lld", (long long)now_s);
    struct curl_slist *list = NULL;
    bool done =
        tt_webhook_sign(&self->key, notification->id, now_s, notification->body, signature) &&
        add_header(&list, "webhook-id", notification->id) &&
        add_header(&list, "webhook-timestamp", tt_str_from(timestamp)) &&
        add_header(&list, "webhook-signature", tt_str_from(signature)) &&
        add_header(&list, "Content-Type", TT_STR("application/json")) &&
        add_header(&list, "User-Agent", TT_STR("telltale/" TT_VERSION)) &&
        add_header(&list, "Expect", TT_STR(""));
    if (!done) {
        curl_slist_free_all(list);
        return NULL;
    }
    return list;
}

static enum tt_status judge_status(struct webhook *self, int64_t *ret_retry_after_ms,
                                   struct tt_error *err)
{
    long status = 0;
    curl_off_t wait_s = 0;
    (void)curl_easy_getinfo(self->curl, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(self->curl, CURLINFO_RETRY_AFTER, &wait_s);
    if (status >= 200 && status < 300) {
        return TT_OK;
    }
    if (status == 429 || (status == 503 && wait_s > 0)) {
        *ret_retry_after_ms =
            wait_s < RETRY_AFTER_MAX_MS / 1000 ? (int64_t)wait_s * 1000 : RETRY_AFTER_MAX_MS;
        return tt_fail(err, TT_E_AGAIN, "webhook: the receiver answered %ld and asks to wait",
                       status);
    }
    enum tt_status kind = status == 408                   ? TT_E_TIMEOUT
                          : status >= 300 && status < 500 ? TT_E_DENIED
                                                          : TT_E_IO;
    return tt_fail(err, kind, "webhook: the receiver answered %ld", status);
}

static enum tt_status judge(struct webhook *self, CURLcode code, int64_t *ret_retry_after_ms,
                            struct tt_error *err)
{
    if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && self->answer_size > ANSWER_SIZE_MAX)) {
        return judge_status(self, ret_retry_after_ms, err);
    }
    if (self->was_inside) {
        return tt_fail(err, TT_E_DENIED,
                       "webhook: the address is a private or local one, and the "
                       "target is not in the list of those that may be");
    }
    const char *why = self->failure[0] != '\0' ? self->failure : curl_easy_strerror(code);
    enum tt_status status = code == CURLE_OPERATION_TIMEDOUT ? TT_E_TIMEOUT
                            : code == CURLE_OUT_OF_MEMORY    ? TT_E_NOMEM
                                                             : TT_E_IO;
    return tt_fail(err, status, "webhook: %s", why);
}

static enum tt_status deliver(struct tt_notifier *notifier,
                              const struct tt_notification *notification,
                              int64_t *ret_retry_after_ms, struct tt_error *err)
{
    struct webhook *self = (struct webhook *)(void *)notifier;
    *ret_retry_after_ms = 0;
    if (notification->id.size == 0 || notification->id.size > 256 ||
        notification->body.data == NULL || notification->body.size > BODY_SIZE_MAX) {
        return tt_fail(err, TT_E_INVALID, "webhook: the id or the body is missing or too long");
    }
    struct curl_slist *headers = make_headers(self, notification);
    if (headers == NULL) {
        return tt_fail(err, TT_E_INVALID, "webhook: the id is no header value");
    }
    self->was_inside = false;
    self->answer_size = 0;
    self->failure[0] = '\0';
    (void)curl_easy_setopt(self->curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(self->curl, CURLOPT_POSTFIELDS, notification->body.data);
    (void)curl_easy_setopt(self->curl, CURLOPT_POSTFIELDSIZE_LARGE,
                           (curl_off_t)notification->body.size);
    CURLcode code = curl_easy_perform(self->curl);
    enum tt_status status = judge(self, code, ret_retry_after_ms, err);
    (void)curl_easy_setopt(self->curl, CURLOPT_HTTPHEADER, NULL);
    (void)curl_easy_setopt(self->curl, CURLOPT_POSTFIELDS, NULL);
    curl_slist_free_all(headers);
    return status;
}

static void close_webhook(struct tt_notifier *notifier)
{
    if (notifier != NULL) {
        struct webhook *self = (struct webhook *)(void *)notifier;
        curl_easy_cleanup(self->curl);
        tt_delete(self->alloc, self, sizeof *self);
    }
}

static const struct tt_notifier_ops ops = {"webhook", deliver, close_webhook};

/* Whether "host:port" of the URL is one of those that may lie inside. */
static bool is_allowed(const struct tt_webhook_options *options, CURLU *url)
{
    char *host = NULL, *port = NULL, target[URL_SIZE_MAX];
    bool allowed = false;
    if (curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK) {
        (void)snprintf(target, sizeof target, "%s:%s", host, port);
        for (size_t i = 0; i < options->allowed_private_count && !allowed; i++) {
            allowed = strcasecmp(options->allowed_private[i], target) == 0;
        }
    }
    curl_free(host);
    curl_free(port);
    return allowed;
}

static enum tt_status check_url(const struct tt_webhook_options *options, struct webhook *self,
                                struct tt_error *err)
{
    CURLU *url = curl_url();
    char *scheme = NULL, *user = NULL;
    enum tt_status status = TT_OK;
    if (url == NULL) {
        return tt_fail(err, TT_E_NOMEM, "webhook: out of memory");
    }
    if (strlen(options->url) > URL_SIZE_MAX ||
        curl_url_set(url, CURLUPART_URL, options->url, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK) {
        status = tt_fail(err, TT_E_INVALID, "webhook: not a URL: %.150s", options->url);
    } else if (curl_url_get(url, CURLUPART_USER, &user, 0) == CURLUE_OK) {
        status = tt_fail(err, TT_E_INVALID, "webhook: the URL must not hold credentials");
    } else {
        self->may_be_inside = is_allowed(options, url);
        bool plain = strcmp(scheme, "http") == 0;
        if (strcmp(scheme, "https") != 0 && !(plain && self->may_be_inside)) {
            status = tt_fail(err, TT_E_INVALID,
                             "webhook: the URL must begin with https:// (http:// only to a target "
                             "in the list of private ones that are allowed): %.100s",
                             options->url);
        }
    }
    curl_free(scheme);
    curl_free(user);
    curl_url_cleanup(url);
    return status;
}

static enum tt_status set_up(struct webhook *self, const struct tt_webhook_options *options,
                             struct tt_error *err)
{
    CURL *curl = self->curl;
    long timeout_ms = options->timeout_ms != 0 ? (long)options->timeout_ms : TIMEOUT_DEFAULT_MS;
    bool done = curl_easy_setopt(curl, CURLOPT_URL, options->url) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_POST, 1L) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK && /* it would be connected */
                curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, self) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, swallow) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_WRITEDATA, self) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, self->failure) == CURLE_OK;
    if (done && options->ca_file != NULL) {
        done = curl_easy_setopt(curl, CURLOPT_CAINFO, options->ca_file) == CURLE_OK;
    }
    return done ? TT_OK : tt_fail(err, TT_E_NOMEM, "webhook: cannot set up the HTTP client");
}

enum tt_status tt_webhook_open(const struct tt_webhook_options *options, struct tt_notifier **ret,
                               struct tt_error *err)
{
    if (options->url == NULL || options->secret == NULL) {
        return tt_fail(err, TT_E_INVALID, "webhook: url and secret are required");
    }
    struct webhook *self = tt_new_array(options->alloc, 1, sizeof *self);
    if (self == NULL) {
        return tt_fail(err, TT_E_NOMEM, "webhook: out of memory");
    }
    self->base.ops = &ops;
    self->alloc = options->alloc;
    self->clock = options->clock;
    enum tt_status status = TT_OK;
    if (!tt_webhook_key_parse(options->secret, &self->key)) {
        status = tt_fail(err, TT_E_INVALID,
                         "webhook: the secret must be whsec_ and base64 of 24 to 64 bytes");
    } else if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
               (self->curl = curl_easy_init()) == NULL) {
        status = tt_fail(err, TT_E_NOMEM, "webhook: out of memory");
    } else {
        status = check_url(options, self, err);
    }
    if (status == TT_OK) {
        status = set_up(self, options, err);
    }
    if (status != TT_OK) {
        close_webhook(&self->base);
        return status;
    }
    *ret = &self->base;
    return TT_OK;
}
