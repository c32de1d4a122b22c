/* The obvious model: for every event, walk the entity's whole past. */
#include "model.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/math.h"
#include "core/features/row.h"
#include "model_fold.h"

void model_init(struct model *model, const struct tt_plan *plan, model_filter *filter,
                size_t capacity)
{
    memset(model, 0, sizeof(*model));
    model->plan = plan;
    model->filter = filter;
    model->capacity = capacity;
    model->log = calloc(capacity, sizeof(*model->log));
    model->absorbed = calloc(capacity, sizeof(*model->absorbed));
    model->passed = calloc(capacity * tt_plan_feature_count(plan), sizeof(*model->passed));
    model->older = calloc(capacity, sizeof(*model->older));
    model->ranked_index = SIZE_MAX;
    model->previous = calloc(capacity * TT_STEPS_MAX, sizeof(*model->previous));
    model->label = calloc(capacity, sizeof(*model->label));
    model->next_label = calloc(capacity, sizeof(*model->next_label));
    model->watermark_ms = INT64_MIN;
}

void model_deinit(struct model *model)
{
    free(model->log);
    free(model->absorbed);
    free(model->passed);
    free(model->older);
    free(model->previous);
    free(model->label);
    free(model->next_label);
}

static int key_number(const struct tt_plan *plan, uint32_t step, const struct tt_txn *txn)
{
    struct tt_str key = txn->text[tt_plan_step_key(plan, step)];
    int number = 0, scale = 1;
    if (key.data == NULL) {
        return -1;
    }
    for (size_t i = key.size; i > 0 && key.data[i - 1] >= '0' && key.data[i - 1] <= '9'; i--) {
        number += (key.data[i - 1] - '0') * scale;
        scale *= 10;
    }
    return number;
}

/* The events of a window, and what is asked of them. */
struct window {
    const struct tt_event *events[8192];
    size_t count;
};

static bool same_text(const struct tt_txn *a, const struct tt_txn *b, struct tt_str field)
{
    for (size_t i = 0; i < TT_TEXT_COUNT; i++) {
        if (tt_str_equal_text(field, tt_txn_text_name((enum tt_txn_text)i))) {
            return a->text[i].data != NULL && b->text[i].data != NULL &&
                   tt_str_equal(a->text[i], b->text[i]);
        }
    }
    return false;
}

static bool has_field(const struct tt_txn *txn, struct tt_str field)
{
    if (tt_str_equal_text(field, "log_amount")) {
        return txn->amount_minor > 0;
    }
    if (field.data == NULL || tt_str_equal_text(field, "amount")) {
        return true;
    }
    return same_text(txn, txn, field);
}

static bool is_money(struct tt_str field)
{
    return tt_str_equal_text(field, "amount") || tt_str_equal_text(field, "log_amount");
}

/* An integer: minor units, or the logarithm in 2^-32. */
static int64_t number_of(const struct tt_txn *txn, struct tt_str field)
{
    if (tt_str_equal_text(field, "log_amount")) {
        return (int64_t)floor(tt_log(tt_txn_amount(txn)) * 4294967296.0 + 0.5);
    }
    return txn->amount_minor;
}

static double scale_of(const struct tt_txn *txn, struct tt_str field)
{
    return tt_str_equal_text(field, "log_amount") ? 4294967296.0
                                                  : pow(10.0, tt_currency_exponent(txn->currency));
}

/* Whether log[index] passed the feature's filter when it came. */
static bool *passed(const struct model *model, size_t index, const struct tt_feature *feature)
{
    size_t number = (size_t)(feature - tt_plan_feature(model->plan, 0));
    return &model->passed[index * tt_plan_feature_count(model->plan) + number];
}

static bool comes_after(const struct tt_txn *a, const struct tt_txn *b)
{
    return a->timestamp_ms > b->timestamp_ms ||
           (a->timestamp_ms == b->timestamp_ms && tt_row_id_of(a) > tt_row_id_of(b));
}

static size_t before(const struct model *model, size_t at, const struct tt_feature *feature)
{
    return model->previous[(at - 1) * TT_STEPS_MAX + feature->step];
}

static bool is_absorbed(const struct model *model, size_t at)
{
    return model->log[at - 1]->kind == TT_EVENT_TRANSACTION && model->absorbed[at - 1];
}

/* Whether `of` other events of the entity come after the one at `at`. */
static bool has_rank(const struct model *model, size_t index, const struct tt_feature *feature,
                     size_t at, size_t of)
{
    size_t after = 0;
    for (size_t i = before(model, index + 1, feature); i > 0 && after < of;
         i = before(model, i, feature)) {
        after +=
            is_absorbed(model, i) && comes_after(&model->log[i - 1]->txn, &model->log[at - 1]->txn)
                ? 1
                : 0;
    }
    return after >= of;
}

/* Which of the entity's events are not among the newest events_max, and the time of the oldest that
 * is; INT64_MIN when all are. */
static void rank(struct model *model, size_t index, const struct tt_feature *feature)
{
    bool all = true;
    if (model->ranked_index == index && model->ranked_step == feature->step) {
        return;
    }
    model->ranked_index = index;
    model->ranked_step = feature->step;
    model->first_ms = INT64_MAX;
    for (size_t i = before(model, index + 1, feature); i > 0; i = before(model, i, feature)) {
        int64_t t_ms = model->log[i - 1]->txn.timestamp_ms;
        model->older[i - 1] =
            is_absorbed(model, i) && has_rank(model, index, feature, i, model->events_max);
        all &= !model->older[i - 1];
        if (is_absorbed(model, i) && !model->older[i - 1] && t_ms < model->first_ms) {
            model->first_ms = t_ms;
        }
    }
    model->first_ms = all ? INT64_MIN : model->first_ms;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return (int64_t)floor((double)a / (double)b);
}

static int64_t pane_of(const struct model *model, const struct tt_feature *feature)
{
    int64_t all_ms = feature->window_ms + feature->delay_ms + tt_plan_lateness_ms(model->plan);
    int64_t part_ms = (feature->window_ms + 59) / 60, least_ms = (all_ms + 255) / 256;
    return part_ms > least_ms ? part_ms : least_ms;
}

/* Whether an older event's pane lies whole in the window (from, to]. */
static bool pane_counts(const struct model *model, const struct tt_feature *feature, int64_t t_ms,
                        int64_t from_ms, int64_t to_ms)
{
    int64_t pane_ms = pane_of(model, feature);
    int64_t start_ms = floor_div(t_ms, pane_ms) * pane_ms;
    return from_ms < model->first_ms && start_ms > from_ms &&
           (to_ms >= model->first_ms || start_ms + pane_ms - 1 <= to_ms);
}

/* Collects what precedes `index` in the log and lies in the feature's window, itself included
 * unless the feature leaves it out. by_panes false: as if every event were kept. */
static void collect(struct model *model, size_t index, const struct tt_feature *feature,
                    bool by_panes, struct window *window)
{
    const struct tt_txn *now = &model->log[index]->txn;
    int64_t to_ms = now->timestamp_ms - feature->delay_ms, from_ms = to_ms - feature->window_ms;
    to_ms = feature->known_time ? now->timestamp_ms : to_ms;
    size_t at = index + 1;
    if (by_panes) {
        rank(model, index, feature);
    }
    window->count = 0;
    model->saw_panes = false;
    for (; at > 0; at = before(model, at, feature)) {
        const struct tt_event *event = model->log[at - 1];
        int64_t t_ms = event->txn.timestamp_ms;
        bool counts = at - 1 == index ? !feature->exclude_current : model->absorbed[at - 1];
        bool older = by_panes && at - 1 != index && model->older[at - 1];
        if (event->kind != TT_EVENT_TRANSACTION || !counts || t_ms <= from_ms || t_ms > to_ms ||
            (older && (feature->aggregate == TT_AGGREGATE_SHARE_OF_VALUE ||
                       !pane_counts(model, feature, t_ms, from_ms, to_ms))) ||
            (feature->filter.data != NULL && feature->aggregate != TT_AGGREGATE_SHARE &&
             !*passed(model, at - 1, feature)) ||
            (is_money(feature->field) && event->txn.currency != now->currency) ||
            !has_field(&event->txn, feature->field)) {
            continue;
        }
        model->saw_panes |= older;
        window->events[window->count++] = event;
    }
}

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static size_t sorted(const struct window *window, struct tt_str field, int64_t *ret)
{
    for (size_t i = 0; i < window->count; i++) {
        ret[i] = number_of(&window->events[i]->txn, field);
    }
    qsort(ret, window->count, sizeof(*ret), by_number);
    return window->count;
}

static double quantile(const int64_t *values, size_t count, double q)
{
    double rank = (double)(count - 1) * q;
    size_t low = (size_t)floor(rank), high = low + 1 < count ? low + 1 : low;
    double a = (double)values[low], b = (double)values[high];
    return a + (b - a) * (rank - (double)low);
}

static double spread(const int64_t *values, size_t count)
{
    long double mean = 0.0L, sum = 0.0L;
    for (size_t i = 0; i < count; i++) {
        mean += (long double)values[i] / (long double)count;
    }
    for (size_t i = 0; i < count; i++) {
        sum += ((long double)values[i] - mean) * ((long double)values[i] - mean);
    }
    return (double)sqrtl(sum / (long double)(count - 1));
}

static double mad(int64_t *values, size_t count)
{
    double median = quantile(values, count, 0.5);
    int64_t deviations[8192];
    for (size_t i = 0; i < count; i++) {
        deviations[i] = (int64_t)fabs(2.0 * ((double)values[i] - median));
    }
    qsort(deviations, count, sizeof(*deviations), by_number);
    return quantile(deviations, count, 0.5) / 2.0;
}

static size_t distinct(const struct window *window, struct tt_str field)
{
    size_t count = 0;
    for (size_t i = 0; i < window->count; i++) {
        bool seen = false;
        for (size_t k = 0; k < i && !seen; k++) {
            seen = same_text(&window->events[i]->txn, &window->events[k]->txn, field);
        }
        count += seen ? 0 : 1;
    }
    return count;
}

static int64_t effective(const struct tt_label *label)
{
    return label->known_at_ms > label->recorded_at_ms ? label->known_at_ms : label->recorded_at_ms;
}

/* The kind that holds at the time of log[index], 0 where none does: the latest effective one that
 * came before. For a fraud, *ret_since_ms is when it became known: at the first label since the last
 * that said otherwise. */
static uint8_t said(const struct model *model, size_t index, const struct tt_event *event,
                    int64_t *ret_since_ms)
{
    int64_t now_ms = model->log[index]->txn.timestamp_ms, best_ms = INT64_MIN, other_ms = INT64_MIN;
    uint8_t kind = 0;
    *ret_since_ms = INT64_MAX;
    for (size_t at = model->label[event->seq - 1]; at > 0; at = model->next_label[at - 1]) {
        const struct tt_label *label = &model->log[at - 1]->label;
        int64_t known_ms = effective(label);
        if (known_ms <= now_ms &&
            (known_ms > best_ms || (known_ms == best_ms && label->kind > kind))) {
            best_ms = known_ms;
            kind = label->kind;
        }
        if (known_ms <= now_ms && label->kind != TT_LABEL_FRAUD && known_ms > other_ms) {
            other_ms = known_ms;
        }
    }
    for (size_t at = model->label[event->seq - 1]; at > 0; at = model->next_label[at - 1]) {
        int64_t known_ms = effective(&model->log[at - 1]->label);
        if (known_ms > other_ms && known_ms < *ret_since_ms) {
            *ret_since_ms = known_ms;
        }
    }
    return kind;
}

static bool is_fraud(const struct model *model, size_t index, const struct tt_event *event)
{
    int64_t since_ms = 0;
    return said(model, index, event, &since_ms) == TT_LABEL_FRAUD;
}

/* The one that the order (time, id) puts last. */
static const struct tt_event *latest(const struct window *window, bool positioned)
{
    const struct tt_event *best = NULL;
    for (size_t i = 0; i < window->count; i++) {
        const struct tt_event *event = window->events[i];
        if ((!positioned || event->txn.has_position) &&
            (best == NULL || comes_after(&event->txn, &best->txn))) {
            best = event;
        }
    }
    return best;
}

static bool from_last(const struct tt_feature *feature, const struct window *window,
                      const struct tt_txn *now, double *ret)
{
    bool moves = feature->aggregate == TT_AGGREGATE_DISTANCE_KM_FROM_LAST ||
                 feature->aggregate == TT_AGGREGATE_SPEED_KMH_FROM_LAST;
    const struct tt_event *last = latest(window, moves);
    if (last == NULL || (moves && !now->has_position)) {
        return false;
    }
    double elapsed_ms = (double)(now->timestamp_ms - last->txn.timestamp_ms);
    if (feature->aggregate == TT_AGGREGATE_SECONDS_SINCE_LAST) {
        *ret = elapsed_ms / 1000.0;
    } else if (feature->aggregate == TT_AGGREGATE_LAST) {
        *ret = (double)number_of(&last->txn, feature->field) / scale_of(now, feature->field);
    } else {
        *ret =
            tt_distance_km(last->txn.latitude, last->txn.longitude, now->latitude, now->longitude);
        if (feature->aggregate == TT_AGGREGATE_SPEED_KMH_FROM_LAST) {
            *ret = *ret * 3600e3 / fmax(elapsed_ms, 1000.0);
        }
    }
    return true;
}

static bool share(const struct model *model, size_t index, const struct tt_feature *feature,
                  const struct window *window, double *ret)
{
    size_t hits = 0;
    const struct tt_txn *now = &model->log[index]->txn;
    if (window->count == 0 || (feature->aggregate == TT_AGGREGATE_SHARE_OF_VALUE &&
                               !same_text(now, now, feature->field))) {
        return false;
    }
    for (size_t i = 0; i < window->count; i++) {
        const struct tt_txn *txn = &window->events[i]->txn;
        bool hit = feature->aggregate == TT_AGGREGATE_SHARE
                       ? *passed(model, window->events[i]->seq - 1, feature)
                   : feature->aggregate == TT_AGGREGATE_SHARE_OF_VALUE
                       ? same_text(txn, now, feature->field)
                       : is_fraud(model, index, window->events[i]);
        hits += hit ? 1 : 0;
    }
    *ret = (double)hits / (double)window->count;
    return true;
}

static bool ratio(const struct tt_feature *feature, double sum, double n, const struct tt_txn *now,
                  double *ret)
{
    double own = (double)number_of(now, feature->field);
    double mean = (sum + 5.0 * own) / (n + 5.0);
    *ret = own / mean;
    return fabs(mean) > 0.0;
}

static bool from_numbers(const struct tt_feature *feature, const struct window *window,
                         const struct tt_txn *now, double *ret)
{
    int64_t values[8192];
    size_t n = sorted(window, feature->field, values);
    double scale = scale_of(now, feature->field), sum = 0.0;
    __int128 exact = 0;
    for (size_t i = 0; i < n; i++) {
        exact += values[i];
    }
    sum = (double)exact;
    if (feature->aggregate == TT_AGGREGATE_SUM) {
        *ret = sum / scale;
        return true;
    }
    if (feature->aggregate == TT_AGGREGATE_RATIO_TO_MEAN) {
        return has_field(now, feature->field) && ratio(feature, sum, (double)n, now, ret);
    }
    if (n == 0 || (n == 1 && feature->aggregate == TT_AGGREGATE_STD)) {
        return false;
    }
    switch (feature->aggregate) {
    case TT_AGGREGATE_MEAN:
        *ret = sum / ((double)n * scale);
        break;
    case TT_AGGREGATE_STD:
        *ret = spread(values, n) / scale;
        break;
    case TT_AGGREGATE_MIN:
        *ret = (double)values[0] / scale;
        break;
    case TT_AGGREGATE_MAX:
        *ret = (double)values[n - 1] / scale;
        break;
    case TT_AGGREGATE_MAD:
        *ret = mad(values, n) / scale;
        break;
    default:
        *ret = quantile(values, n, feature->quantile) / scale;
        break;
    }
    return true;
}

static const double UNIT_MS = 86400e3;

/* The frauds of the window: how many, and the times of the first and last, by event or known time. */
static size_t frauds(const struct model *model, size_t index, const struct tt_feature *feature,
                     const struct window *window, int64_t *ret_first_ms, int64_t *ret_last_ms)
{
    int64_t now_ms = model->log[index]->txn.timestamp_ms;
    size_t count = 0;
    *ret_first_ms = INT64_MAX;
    *ret_last_ms = INT64_MIN;
    for (size_t i = 0; i < window->count; i++) {
        int64_t at_ms = window->events[i]->txn.timestamp_ms, since_ms = 0;
        if (said(model, index, window->events[i], &since_ms) != TT_LABEL_FRAUD) {
            continue;
        }
        if (feature->known_time) {
            at_ms = since_ms > at_ms ? since_ms : at_ms;
            if (at_ms <= now_ms - feature->window_ms) {
                continue;
            }
        }
        *ret_first_ms = at_ms < *ret_first_ms ? at_ms : *ret_first_ms;
        *ret_last_ms = at_ms > *ret_last_ms ? at_ms : *ret_last_ms;
        count++;
    }
    return count;
}

static int newest_first(const void *a, const void *b)
{
    const struct tt_txn *x = &(*(const struct tt_event *const *)a)->txn;
    const struct tt_txn *y = &(*(const struct tt_event *const *)b)->txn;
    return comes_after(x, y) ? -1 : 1;
}

/* Frauds from the newest event back to the first genuine one; what is not known is passed over. */
static bool run(const struct model *model, size_t index, const struct tt_feature *feature,
                struct window *window, double *ret)
{
    int64_t now_ms = model->log[index]->txn.timestamp_ms;
    int64_t first_ms = INT64_MIN, genuine_ms = INT64_MIN;
    size_t length = 0;
    qsort(window->events, window->count, sizeof(window->events[0]), newest_first);
    for (size_t i = 0; i < window->count && genuine_ms == INT64_MIN; i++) {
        int64_t at_ms = window->events[i]->txn.timestamp_ms, since_ms = 0;
        uint8_t kind = said(model, index, window->events[i], &since_ms);
        bool presumed = now_ms - at_ms >= tt_plan_label_horizon_ms(model->plan);
        if (kind == TT_LABEL_FRAUD) {
            first_ms = at_ms;
            length++;
        } else if (kind == TT_LABEL_GENUINE || presumed) {
            genuine_ms = at_ms;
        }
    }
    if (feature->aggregate == TT_AGGREGATE_FRAUD_RUN_LENGTH) {
        *ret = (double)length;
        return true;
    }
    int64_t since_ms =
        feature->aggregate == TT_AGGREGATE_SINCE_LAST_GENUINE ? genuine_ms : first_ms;
    if (since_ms != INT64_MIN) {
        *ret = (double)(now_ms - since_ms) / UNIT_MS;
    }
    return since_ms != INT64_MIN;
}

/* A late event that is not absorbed has none of what is folded. */
static bool fold(const struct model *model, size_t index, const struct tt_feature *feature,
                 double *ret)
{
    static const struct tt_txn *before[8192];
    const struct tt_txn *now = &model->log[index]->txn;
    int64_t reach_ms = 2 * feature->window_ms + feature->delay_ms + feature->baseline_ms;
    size_t count = 0, at = model->previous[index * TT_STEPS_MAX + feature->step];
    for (; at > 0; at = model->previous[(at - 1) * TT_STEPS_MAX + feature->step]) {
        const struct tt_event *event = model->log[at - 1];
        if (event->kind == TT_EVENT_TRANSACTION && model->absorbed[at - 1] &&
            event->txn.timestamp_ms >= now->timestamp_ms - reach_ms) {
            before[count++] = &event->txn;
        }
    }
    return model->absorbed[index] && model_fold(feature, now, before, count, ret);
}

static bool compute(struct model *model, size_t index, const struct tt_feature *feature,
                    double *ret)
{
    static struct window window, whole;
    const struct tt_txn *now = &model->log[index]->txn;
    int64_t first_ms = 0, last_ms = 0;
    if (feature->baseline_ms > 0) {
        return fold(model, index, feature, ret);
    }
    bool of_frauds = feature->aggregate == TT_AGGREGATE_FRAUD_SHARE ||
                     feature->aggregate == TT_AGGREGATE_FRAUD_COUNT;
    collect(model, index, feature, model->events_max > 0, &window);
    if (of_frauds && model->events_max > 0) { /* known frauds are counted one by one */
        size_t count = window.count;
        collect(model, index, feature, false, &whole);
        double hits = (double)frauds(model, index, feature, &whole, &first_ms, &last_ms);
        *ret =
            feature->aggregate == TT_AGGREGATE_FRAUD_COUNT ? hits : fmin(1.0, hits / (double)count);
        return count > 0 || feature->aggregate == TT_AGGREGATE_FRAUD_COUNT;
    }
    switch (feature->aggregate) {
    case TT_AGGREGATE_COUNT:
        *ret = (double)window.count;
        return true;
    case TT_AGGREGATE_COUNT_DISTINCT:
        *ret = (double)distinct(&window, feature->field);
        return true;
    case TT_AGGREGATE_FRAUD_COUNT:
        *ret = (double)frauds(model, index, feature, &window, &first_ms, &last_ms);
        return true;
    case TT_AGGREGATE_SINCE_FIRST_FRAUD:
    case TT_AGGREGATE_SINCE_LAST_FRAUD:
        if (frauds(model, index, feature, &window, &first_ms, &last_ms) == 0) {
            return false;
        }
        last_ms = feature->aggregate == TT_AGGREGATE_SINCE_FIRST_FRAUD ? first_ms : last_ms;
        *ret = (double)(now->timestamp_ms - last_ms) / UNIT_MS;
        return true;
    case TT_AGGREGATE_FRAUD_RUN_LENGTH:
    case TT_AGGREGATE_FRAUD_RUN_AGE:
    case TT_AGGREGATE_SINCE_LAST_GENUINE:
        return run(model, index, feature, &window, ret);
    case TT_AGGREGATE_SHARE:
    case TT_AGGREGATE_SHARE_OF_VALUE:
    case TT_AGGREGATE_FRAUD_SHARE:
        return share(model, index, feature, &window, ret);
    case TT_AGGREGATE_FIRST_SEEN:
        *ret = 0.0;
        for (size_t i = 0; i < window.count; i++) {
            double age_ms = (double)(now->timestamp_ms - window.events[i]->txn.timestamp_ms);
            *ret = fmax(*ret, age_ms / UNIT_MS);
        }
        return window.count > 0;
    case TT_AGGREGATE_SECONDS_SINCE_LAST:
    case TT_AGGREGATE_LAST:
    case TT_AGGREGATE_DISTANCE_KM_FROM_LAST:
    case TT_AGGREGATE_SPEED_KMH_FROM_LAST:
        return from_last(feature, &window, now, ret);
    default:
        return from_numbers(feature, &window, now, ret);
    }
}

bool model_value(struct model *model, size_t index, const char *feature, double *ret)
{
    uint32_t number = tt_plan_find(model->plan, tt_str_from(feature));
    const struct tt_feature *declared = tt_plan_feature(model->plan, number);
    bool there = key_number(model->plan, declared->step, &model->log[index]->txn) >= 0 &&
                 compute(model, index, declared, ret);
    *ret = !there && declared->has_default ? declared->default_value : *ret;
    return there || declared->has_default;
}

bool model_latest(struct model *model, const struct tt_feature *feature, double *ret)
{
    return compute(model, model->count - 1, feature, ret);
}

/* A late event does not see what was already forgotten when it came: nothing older than the
 * newest event's keep. The test keeps late events inside of what is remembered. */
void model_pass(struct model *model, const struct tt_event *event, struct tt_vector *ret)
{
    const struct tt_plan *plan = model->plan;
    size_t index = model->count++;
    int64_t t_ms = event->txn.timestamp_ms;
    bool late =
        model->watermark_ms != INT64_MIN && t_ms < model->watermark_ms - tt_plan_lateness_ms(plan);
    model->log[index] = event;
    model->absorbed[index] = event->kind == TT_EVENT_TRANSACTION && !late;
    for (uint32_t s = 0; s < tt_plan_step_count(plan); s++) {
        int key = key_number(plan, s, &event->txn);
        if (key >= 0) {
            model->previous[index * TT_STEPS_MAX + s] = model->last[s][key];
            model->last[s][key] = index + 1;
        }
    }
    if (event->kind == TT_EVENT_LABEL) {
        model->next_label[index] = model->label[event->first_seq - 1];
        model->label[event->first_seq - 1] = index + 1;
    }
    if (event->kind != TT_EVENT_TRANSACTION) {
        return;
    }
    if (t_ms > model->watermark_ms) {
        model->watermark_ms = t_ms;
    }
    ret->count = tt_plan_feature_count(plan);
    for (uint32_t i = 0; i < ret->count; i++) {
        const struct tt_feature *feature = tt_plan_feature(plan, i);
        *passed(model, index, feature) =
            feature->filter.data != NULL && model->filter(model, index, feature->filter);
    }
    for (uint32_t i = 0; i < ret->count; i++) {
        const struct tt_feature *feature = tt_plan_feature(plan, i);
        double value = 0.0;
        bool there = feature->aggregate != TT_AGGREGATE_EXPRESSION &&
                     key_number(plan, feature->step, &event->txn) >= 0 &&
                     compute(model, index, feature, &value);
        if (there) {
            tt_vector_set(ret, i, value);
        } else if (feature->has_default) {
            tt_vector_set(ret, i, feature->default_value);
        } else {
            tt_vector_set_missing(ret, i);
        }
    }
}
