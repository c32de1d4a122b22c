/*
 * The accumulator: options, interning, and records in blocks.
 *
 * A user is known by a 64-bit hash of the id: among ten million users the chance that any two
 * are taken for one is below 10^-5, and metrics are all that would notice.
 */
#include "core/evaluate/records.h"

#include <math.h>
#include <string.h>

#define DAYS_MAX 3650u /* of a fold's parts */
#define USERS_MAX (UINT32_MAX - 1)
#define ENTRIES_BLOCK 65536u

struct user_entry {
    uint32_t number;
};

struct tt_evaluation_options tt_evaluation_options_default(void)
{
    return (struct tt_evaluation_options){
        .alerts_daily = 100,
        .cards_daily = 100,
        .train_days = 7,
        .delay_days = 7,
        .test_days = 7,
    };
}

enum tt_status tt_evaluation_folds_parse(struct tt_str text, struct tt_evaluation_options *options,
                                         struct tt_error *err)
{
    struct tt_evaluation_options parsed = *options;
    parsed.fold_count = 0;
    struct tt_str rest = text;
    while (rest.data != NULL) {
        struct tt_str item = tt_str_trim(tt_str_split(&rest, ','));
        int64_t ms = 0;
        if (tt_time_parse_format(item, "%Y-%m-%d", 0, &ms) != TT_OK) {
            return tt_fail(err, TT_E_SYNTAX, "\"%.*s\" is no date (YYYY-MM-DD)",
                           item.size < 40 ? (int)item.size : 40, item.size > 0 ? item.data : "");
        }
        if (parsed.fold_count == TT_EVALUATION_FOLDS_MAX) {
            return tt_fail(err, TT_E_LIMIT, "more than %u folds", TT_EVALUATION_FOLDS_MAX);
        }
        parsed.fold_starts[parsed.fold_count++] = tt_day_of(ms);
    }
    *options = parsed;
    return TT_OK;
}

static enum tt_status options_check(const struct tt_evaluation_options *options,
                                    struct tt_error *err)
{
    if (options->alerts_daily == 0 || options->cards_daily == 0) {
        return tt_fail(err, TT_E_INVALID, "alerts and cards a day must be at least 1");
    }
    if (options->fold_count > TT_EVALUATION_FOLDS_MAX) {
        return tt_fail(err, TT_E_INVALID, "more than %u folds", TT_EVALUATION_FOLDS_MAX);
    }
    if (options->test_days == 0 || options->train_days > DAYS_MAX ||
        options->delay_days > DAYS_MAX || options->test_days > DAYS_MAX) {
        return tt_fail(err, TT_E_INVALID, "a fold tests at least 1 day; its parts have at most %u",
                       DAYS_MAX);
    }
    for (uint32_t f = 0; f < options->fold_count; f++) {
        if (options->fold_starts[f] < INT32_MIN || options->fold_starts[f] > INT32_MAX) {
            return tt_fail(err, TT_E_INVALID, "fold %u starts on no day", f + 1);
        }
    }
    if (options->zone_offset_ms < -TT_MS_PER_DAY || options->zone_offset_ms > TT_MS_PER_DAY) {
        return tt_fail(err, TT_E_INVALID, "zone_offset_ms must be within a day");
    }
    return TT_OK;
}

/* The map compares whole hashes already. */
static bool same_hash(const void *item, const void *key)
{
    (void)item;
    (void)key;
    return true;
}

enum tt_status tt_evaluation_new(const struct tt_alloc *alloc,
                                 const struct tt_evaluation_options *options,
                                 struct tt_evaluation **ret, struct tt_error *err)
{
    enum tt_status status = options_check(options, err);
    if (status != TT_OK) {
        return status;
    }
    struct tt_evaluation *evaluation = tt_new_array(alloc, 1, sizeof *evaluation);
    if (evaluation == NULL) {
        return tt_fail(err, TT_E_NOMEM, "out of memory");
    }
    evaluation->alloc = *alloc;
    evaluation->options = *options;
    tt_map_init(&evaluation->users, &evaluation->alloc, same_hash, USERS_MAX);
    tt_arena_init(&evaluation->entries, &evaluation->alloc, ENTRIES_BLOCK, SIZE_MAX / 2);
    *ret = evaluation;
    return TT_OK;
}

void tt_evaluation_free(struct tt_evaluation *evaluation)
{
    if (evaluation == NULL) {
        return;
    }
    struct tt_alloc alloc = evaluation->alloc;
    for (size_t b = 0; b < evaluation->block_count; b++) {
        tt_delete(&alloc, evaluation->blocks[b], TT_RECORDS_BLOCK * sizeof **evaluation->blocks);
    }
    tt_delete(&alloc, evaluation->blocks, evaluation->block_capacity * sizeof *evaluation->blocks);
    tt_delete(&alloc, evaluation->days, (evaluation->day_count + 1) * sizeof *evaluation->days);
    tt_map_deinit(&evaluation->users);
    tt_arena_deinit(&evaluation->entries);
    tt_delete(&alloc, evaluation, sizeof *evaluation);
}

/* Makes sure that the next record has its block. */
static enum tt_status record_reserve(struct tt_evaluation *evaluation)
{
    if (evaluation->count / TT_RECORDS_BLOCK < evaluation->block_count) {
        return TT_OK;
    }
    size_t pointer_size = sizeof *evaluation->blocks;
    if (evaluation->block_count == evaluation->block_capacity) {
        size_t capacity = evaluation->block_capacity * 2 + 16;
        struct tt_record **blocks =
            tt_resize(&evaluation->alloc, evaluation->blocks,
                      evaluation->block_capacity * pointer_size, capacity * pointer_size);
        if (blocks == NULL) {
            return TT_E_NOMEM;
        }
        evaluation->blocks = blocks;
        evaluation->block_capacity = capacity;
    }
    struct tt_record *block = tt_new_array(&evaluation->alloc, TT_RECORDS_BLOCK, sizeof *block);
    if (block == NULL) {
        return TT_E_NOMEM;
    }
    evaluation->blocks[evaluation->block_count++] = block;
    return TT_OK;
}

/* The dense number of a user, new ones included. */
static enum tt_status user_number(struct tt_evaluation *evaluation, struct tt_str user,
                                  uint32_t *ret)
{
    static const struct tt_hash_key key = {UINT64_C(0x6576616c75617465), UINT64_C(0x75736572)};
    uint64_t hash = tt_hash64(&key, user.data != NULL ? user.data : "", user.size);
    const struct user_entry *known = tt_map_get(&evaluation->users, hash, NULL);
    if (known != NULL) {
        *ret = known->number;
        return TT_OK;
    }
    struct user_entry *entry = tt_arena_new(&evaluation->entries, sizeof *entry);
    if (entry == NULL) {
        return TT_E_NOMEM;
    }
    entry->number = evaluation->user_count;
    enum tt_status status = tt_map_put(&evaluation->users, hash, entry);
    if (status == TT_OK) {
        *ret = evaluation->user_count++;
    }
    return status;
}

/* Index + 1 of a kind of fraud; the last place is "other" for all that find no room. */
static uint8_t kind_number(struct tt_evaluation *evaluation, struct tt_str kind)
{
    if (kind.size == 0) {
        return 0;
    }
    size_t size = kind.size < TT_EVALUATION_KIND_SIZE ? kind.size : TT_EVALUATION_KIND_SIZE - 1;
    while (size < kind.size && size > 0 && ((unsigned char)kind.data[size] & 0xc0u) == 0x80u) {
        size--; /* no half characters */
    }
    struct tt_str name = {kind.data, size};
    for (uint32_t k = 0; k < evaluation->kind_count; k++) {
        if (tt_str_equal_text(name, evaluation->kinds[k])) {
            return (uint8_t)(k + 1);
        }
    }
    if (evaluation->kind_count >= TT_EVALUATION_KINDS_MAX - 1) {
        name = TT_STR("other");
    }
    if (evaluation->kind_count < TT_EVALUATION_KINDS_MAX) {
        memcpy(evaluation->kinds[evaluation->kind_count++], name.data, name.size);
    }
    return (uint8_t)evaluation->kind_count;
}

static void note_row(struct tt_evaluation *evaluation, const struct tt_evaluation_row *row)
{
    if (evaluation->count == 0) {
        evaluation->currency = row->currency;
        evaluation->first_ms = row->timestamp_ms;
        evaluation->last_ms = row->timestamp_ms;
    }
    evaluation->currencies_differ |= evaluation->currency != row->currency;
    if (row->timestamp_ms < evaluation->first_ms) {
        evaluation->first_ms = row->timestamp_ms;
    }
    if (row->timestamp_ms > evaluation->last_ms) {
        evaluation->last_ms = row->timestamp_ms;
    }
}

enum tt_status tt_evaluation_add(struct tt_evaluation *evaluation,
                                 const struct tt_evaluation_row *row)
{
    int64_t half = INT64_MAX / 2;
    if (!isfinite(row->score) || row->timestamp_ms > half || row->timestamp_ms < -half) {
        return TT_E_INVALID;
    }
    int64_t day = tt_day_of(row->timestamp_ms + evaluation->options.zone_offset_ms);
    if (evaluation->count == TT_EVALUATION_ROWS_MAX || day > INT32_MAX || day < INT32_MIN) {
        return TT_E_LIMIT;
    }
    uint32_t user = 0;
    enum tt_status status = record_reserve(evaluation);
    if (status == TT_OK) {
        status = user_number(evaluation, row->user, &user);
    }
    if (status != TT_OK) {
        return status;
    }
    note_row(evaluation, row);
    *tt_record_at(evaluation, evaluation->count++) = (struct tt_record){
        .score = row->score + 0.0, /* -0 becomes +0: they are equal and must sort so */
        .amount_minor = row->amount_minor,
        .day = (int32_t)day,
        .user = user,
        .kind = row->fraud ? kind_number(evaluation, row->kind) : 0,
        .flags =
            (uint8_t)((row->fraud ? TT_RECORD_FRAUD : 0) | (row->alerted ? TT_RECORD_ALERTED : 0)),
    };
    return TT_OK;
}
