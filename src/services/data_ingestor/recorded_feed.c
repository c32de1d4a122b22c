/* See recorded_feed.h. */
#include "services/data_ingestor/recorded_feed.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/number.h"
#include "format/decompress.h"
#include "format/json_read.h"
#include "format/lines.h"
#include "services/pipeline/rows.h"
#include "services/pipeline/rule_book.h"

#define LINE_SIZE_MAX (32u << 20)
#define ARENA_BLOCK_SIZE 4096

struct recorded_feed {
    struct tt_feed feed;
    const struct tt_alloc *alloc;
    struct tt_recorded_feed_options options;
    int fd;
    struct tt_decompress *decompress;
    struct tt_line_reader lines;
    bool lines_open;
    struct tt_arena arena;  /* of one line */
    struct tt_setup *setup; /* with the rules of the last version read; NULL without bundles */
    bool decided;           /* a transaction was read */
    enum tt_status failure;
    struct tt_error error;
};

/* The members of a line that are there; text and raw JSON views into the line or the arena. */
struct line {
    struct tt_str seq, epoch, bundle, bytes, transaction, label, setup;
    struct tt_str base, rules, known_at, recorded_at, source, probability;
    struct tt_str alert;
};

static enum tt_status read_fd(void *ctx, char *data, size_t capacity, size_t *ret_size,
                              struct tt_error *err)
{
    const int *fd = ctx;
    ssize_t size;
    do {
        size = read(*fd, data, capacity);
    } while (size < 0 && errno == EINTR);
    if (size < 0) {
        return tt_fail(err, TT_E_IO, "%s", strerror(errno));
    }
    *ret_size = (size_t)size;
    return TT_OK;
}

/* Whether the plain bytes begin like an export. */
static bool begins_like_one(struct tt_source source)
{
    char start[sizeof TT_EXPORT_HEADER - 1];
    size_t have = 0;
    while (have < sizeof start) {
        size_t size = 0;
        struct tt_error err;
        if (source.read(source.ctx, start + have, sizeof start - have, &size, &err) != TT_OK ||
            size == 0) {
            return false;
        }
        have += size;
    }
    return memcmp(start, TT_EXPORT_HEADER, sizeof start) == 0;
}

bool tt_recorded_feed_recognises(const struct tt_alloc *alloc, const char *path)
{
    int fd = strcmp(path, "-") == 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    struct tt_decompress *decompress = NULL;
    struct tt_error err;
    struct tt_source source = {read_fd, &fd};
    /* what is read from a pipe would be gone */
    bool found = fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode) &&
                 tt_decompress_open(alloc, source, 0, &decompress, &err) == TT_OK &&
                 begins_like_one(tt_decompress_source(decompress));
    tt_decompress_close(decompress);
    if (fd >= 0) {
        (void)close(fd);
    }
    return found;
}

static void keep_member(struct line *line, const struct tt_json_token *token, struct tt_str raw)
{
    const struct {
        const char *name;
        struct tt_str *ret;
    } members[] = {
        {"seq", &line->seq},
        {"epoch", &line->epoch},
        {"bundle", &line->bundle},
        {"bytes", &line->bytes},
        {"setup", &line->setup},
        {"base", &line->base},
        {"rules", &line->rules},
        {"transaction", &line->transaction},
        {"label", &line->label},
        {"known_at", &line->known_at},
        {"recorded_at", &line->recorded_at},
        {"source", &line->source},
        {"selection_probability", &line->probability},
        {"alert", &line->alert},
    };
    for (size_t i = 0; i < TT_ARRAY_SIZE(members); i++) {
        if (tt_str_equal_text(token->key, members[i].name)) {
            *members[i].ret = token->kind == TT_JSON_OBJECT ? raw : token->text;
        }
    }
}

static enum tt_status read_members(struct recorded_feed *self, struct tt_str text,
                                   struct line *line, struct tt_error *err)
{
    struct tt_json_reader reader;
    struct tt_json_token token;
    memset(line, 0, sizeof *line);
    tt_json_reader_init(&reader, text, &self->arena);
    enum tt_status status = tt_json_next(&reader, &token, err);
    if (status == TT_OK && token.kind != TT_JSON_OBJECT) {
        status = tt_fail(err, TT_E_CORRUPT, "not an object");
    }
    while (status == TT_OK) {
        status = tt_json_next(&reader, &token, err);
        if (status != TT_OK || token.kind == TT_JSON_OBJECT_END) {
            break;
        }
        status = tt_json_skip(&reader, &token, err);
        if (status == TT_OK) {
            keep_member(line, &token, tt_json_raw(&reader, &token));
        }
    }
    return status;
}

static bool parse_number(struct tt_str text, uint64_t *ret)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || value > UINT64_MAX / 10 - 9) {
            return false;
        }
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    *ret = value;
    return text.size > 0;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum tt_status parse_hex(struct tt_arena *arena, struct tt_str text, struct tt_str *ret)
{
    char *bytes = tt_arena_new(arena, text.size / 2 + 1);
    if (bytes == NULL) {
        return TT_E_NOMEM;
    }
    for (size_t i = 0; i + 1 < text.size; i += 2) {
        int high = hex_digit(text.data[i]);
        int low = hex_digit(text.data[i + 1]);
        if (high < 0 || low < 0) {
            return TT_E_CORRUPT;
        }
        bytes[i / 2] = (char)(high * 16 + low);
    }
    *ret = (struct tt_str){bytes, text.size / 2};
    return TT_OK;
}

static enum tt_status publish(struct recorded_feed *self, const struct line *line,
                              struct tt_error *err)
{
    struct tt_str bytes;
    struct tt_bundle *bundle = NULL;
    if (self->options.bundles == NULL) {
        return TT_OK;
    }
    enum tt_status status = parse_hex(&self->arena, line->bytes, &bytes);
    if (status != TT_OK) {
        return tt_fail(err, status, "the bundle's bytes cannot be read");
    }
    status = tt_bundle_decode(self->alloc, bytes, self->setup, &bundle, err);
    if (status != TT_OK) {
        return status;
    }
    if (bundle->epoch <= tt_bundles_epoch(self->options.bundles)) {
        tt_bundle_unref(bundle);
        return tt_fail(err, TT_E_CORRUPT, "the bundles are out of order");
    }
    tt_bundles_publish(self->options.bundles, bundle);
    return TT_OK;
}

static enum tt_status another(struct tt_error *err)
{
    return tt_fail(
        err, TT_E_CONFLICT,
        "the export was made with another configuration: give the features and detectors "
        "it was made with, and no rules");
}

/* A version of the rules: the bundles behind it were made for it, and before the first of them what
 * nothing was learned for. */
static enum tt_status take_rules(struct recorded_feed *self, const struct line *line,
                                 struct tt_error *err)
{
    struct tt_engine_source source = {"rules of the export", line->rules, NULL};
    struct tt_hash128 recorded;
    struct tt_setup *setup = NULL;
    if (self->options.bundles == NULL) {
        return TT_OK;
    }
    if (!tt_hash128_parse(line->setup, &recorded)) {
        return tt_fail(err, TT_E_CORRUPT, "rules without a setup");
    }
    if (self->options.engine->rules == NULL) {
        return another(err);
    }
    struct tt_setup *own = self->options.engine->setup;
    enum tt_status status = TT_OK;
    if (own->hash.high == recorded.high && own->hash.low == recorded.low) {
        setup = tt_setup_ref(own); /* its lists may stand in files */
    } else {
        status = tt_rules_setup(self->options.engine, &source, false, &setup, err);
    }
    if (status != TT_OK) {
        return status;
    }
    if (setup->hash.high != recorded.high || setup->hash.low != recorded.low) {
        tt_setup_unref(setup);
        return tt_fail(err, TT_E_CONFLICT,
                       "these rules belong to another setup: other features or detectors");
    }
    tt_setup_unref(self->setup);
    self->setup = setup;
    struct tt_bundle *initial = NULL;
    if (tt_bundles_epoch(self->options.bundles) == 0 && !self->decided) {
        status = tt_bundle_initial(self->alloc, setup, &initial, err);
        if (status == TT_OK) {
            tt_bundles_restart(self->options.bundles, initial);
        }
    }
    return status;
}

static enum tt_status fill_label(const struct line *line, struct tt_event *event,
                                 struct tt_error *err)
{
    event->kind = TT_EVENT_LABEL;
    event->label.kind = tt_label_kind_find(line->label);
    event->label.source = tt_label_source_find(line->source);
    event->label.selection_probability = 1.0;
    (void)tt_double_parse(line->probability, &event->label.selection_probability);
    if (event->label.kind == 0 ||
        tt_time_parse_rfc3339(line->known_at, &event->label.known_at_ms) != TT_OK) {
        return tt_fail(err, TT_E_CORRUPT, "not a label");
    }
    if (line->recorded_at.data != NULL &&
        tt_time_parse_rfc3339(line->recorded_at, &event->label.recorded_at_ms) != TT_OK) {
        return tt_fail(err, TT_E_CORRUPT, "not a label");
    }
    return TT_OK;
}

/* A decision is made again only by the bundle it was made with. */
static enum tt_status check_bundle(struct recorded_feed *self, const struct tt_event *event,
                                   struct tt_error *err)
{
    struct tt_bundle *bundle = tt_bundles_current(self->options.bundles);
    bool same = bundle->epoch == event->epoch && bundle->hash.high == event->bundle.high &&
                bundle->hash.low == event->bundle.low;
    tt_bundle_unref(bundle);
    return same
               ? TT_OK
               : tt_fail(err, TT_E_CONFLICT,
                         "decided in epoch %u with a bundle that is neither in the export nor what "
                         "this configuration begins with",
                         event->epoch);
}

static enum tt_status fill_event(struct recorded_feed *self, const struct line *line,
                                 struct tt_event *event, struct tt_error *err)
{
    uint64_t epoch = 0;
    if (!parse_number(line->seq, &event->seq) ||
        (line->epoch.data != NULL && !parse_number(line->epoch, &epoch))) {
        return tt_fail(err, TT_E_CORRUPT, "no position");
    }
    enum tt_status status = tt_row_read_record(line->transaction, self->options.schema, event, err);
    if (status != TT_OK) {
        return status;
    }
    if (line->label.data != NULL) {
        return fill_label(line, event, err);
    }
    self->decided = true;
    event->kind = TT_EVENT_TRANSACTION;
    event->epoch = (uint32_t)epoch;
    event->outcomes.known = line->alert.data != NULL;
    if (event->outcomes.known && !tt_alert_find(line->alert, &event->outcomes.alert)) {
        return tt_fail(err, TT_E_CORRUPT, "no such outcome of an alert: %.*s",
                       TT_STR_ARG(line->alert));
    }
    if (event->outcomes.alert == TT_ALERT_SAMPLED &&
        !tt_double_parse(line->probability, &event->outcomes.selection_probability)) {
        return tt_fail(err, TT_E_CORRUPT, "drawn at random, and no selection_probability");
    }
    if (!tt_hash128_parse(line->bundle, &event->bundle)) {
        return tt_fail(err, TT_E_CORRUPT, "no bundle");
    }
    return self->options.bundles == NULL ? TT_OK : check_bundle(self, event, err);
}

/* The header says what everything behind it was decided with. */
static enum tt_status check_setup(const struct recorded_feed *self, const struct line *line,
                                  struct tt_error *err)
{
    struct tt_hash128 recorded;
    if (!tt_hash128_parse(line->setup, &recorded)) {
        return tt_fail(err, TT_E_CORRUPT, "the export's header names no setup");
    }
    if (self->options.bundles == NULL) { /* nothing is decided: any feature set will do */
        return TT_OK;
    }
    struct tt_hash128 here = self->options.engine->setup->hash;
    if (tt_hash128_parse(line->base, &recorded)) { /* the rules come with the log */
        here = self->options.engine->setup->base;
    }
    return recorded.high == here.high && recorded.low == here.low ? TT_OK : another(err);
}

/* One line: true when it made an event. */
static enum tt_status take_line(struct recorded_feed *self, const struct tt_line *text,
                                struct tt_event *event, bool *ret_made, struct tt_error *err)
{
    struct line line;
    tt_arena_reset(&self->arena);
    enum tt_status status = read_members(self, text->bytes, &line, err);
    if (status != TT_OK) {
        return status;
    }
    if (text->number == 1) {
        return check_setup(self, &line, err);
    }
    if (line.rules.data != NULL) {
        return take_rules(self, &line, err);
    }
    if (line.bytes.data != NULL) {
        return publish(self, &line, err);
    }
    status = fill_event(self, &line, event, err);
    event->source_line = text->number;
    *ret_made = status == TT_OK;
    return status;
}

static enum tt_status next(struct tt_feed *feed, struct tt_event *event, struct tt_error *err)
{
    (void)err;
    struct recorded_feed *self = (struct recorded_feed *)feed;
    bool made = false;
    while (self->failure == TT_OK && !made) {
        struct tt_line text = {0};
        struct tt_error why = {0};
        enum tt_status status = tt_line_next(&self->lines, &text, &why);
        if (status == TT_E_CLOSED) {
            return TT_E_CLOSED;
        }
        if (status == TT_OK) {
            status = take_line(self, &text, event, &made, &why);
        }
        if (status != TT_OK) {
            char line[24] = ""; /* none when the file itself cannot be read */
            if (text.number != 0) {
                (void)snprintf(line, sizeof line, ":%llu", (unsigned long long)text.number);
            }
            self->failure = tt_fail(&self->error, status, "%s%s: %.180s", self->options.path, line,
                                    why.message);
        }
    }
    return made ? TT_OK : TT_E_CLOSED;
}

static enum tt_status failure(const struct tt_feed *feed, struct tt_error *err)
{
    const struct recorded_feed *self = (const struct recorded_feed *)feed;
    if (self->failure != TT_OK && err != NULL) {
        *err = self->error;
    }
    return self->failure;
}

static double progress(const struct tt_feed *feed)
{
    (void)feed;
    return (double)NAN;
}

static void close_feed(struct tt_feed *feed)
{
    struct recorded_feed *self = (struct recorded_feed *)feed;
    if (self->lines_open) {
        tt_line_reader_deinit(&self->lines);
    }
    tt_decompress_close(self->decompress);
    if (self->fd >= 0) {
        (void)close(self->fd);
    }
    tt_arena_deinit(&self->arena);
    tt_setup_unref(self->setup);
    tt_delete(self->alloc, self, sizeof *self);
}

static const struct tt_feed_ops ops = {next, failure, progress, close_feed};

enum tt_status tt_recorded_feed_open(const struct tt_alloc *alloc,
                                     const struct tt_recorded_feed_options *options,
                                     struct tt_feed **ret, struct tt_error *err)
{
    struct recorded_feed *self = tt_new_array(alloc, 1, sizeof *self);
    if (self == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory to read an export");
    }
    self->feed.ops = &ops;
    self->alloc = alloc;
    self->options = *options;
    self->setup = options->bundles != NULL ? tt_setup_ref(options->engine->setup) : NULL;
    tt_arena_init(&self->arena, alloc, ARENA_BLOCK_SIZE, LINE_SIZE_MAX * 2);
    self->fd = open(options->path, O_RDONLY | O_CLOEXEC);
    enum tt_status status = TT_OK;
    if (self->fd < 0) {
        status = tt_fail(err, TT_E_IO, "%s: %s", options->path, strerror(errno));
    } else {
        struct tt_source source = {read_fd, &self->fd};
        status = tt_decompress_open(alloc, source, 0, &self->decompress, err);
    }
    if (status == TT_OK) {
        status = tt_line_reader_init(&self->lines, alloc, tt_decompress_source(self->decompress),
                                     LINE_SIZE_MAX);
        self->lines_open = status == TT_OK;
    }
    if (status != TT_OK) {
        close_feed(&self->feed);
        return status;
    }
    *ret = &self->feed;
    return TT_OK;
}
