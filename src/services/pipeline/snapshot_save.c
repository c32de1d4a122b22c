/* Saving blocks, sealing, and reading back; see snapshot.h.
 *
 * A slot that is about to be written is unsealed first, with the highest block number that may stand in it: so
 * whatever happens, every later writer knows which blocks of older snapshots to delete before it seals. */
#include <stdio.h>
#include <string.h>

#include "base/wire.h"
#include "runtime/secret.h"
#include "services/pipeline/snapshot_internal.h"

#define BLOCKS_AHEAD 64 /* the highest block number is raised by so many at a time */
#define DROPS_MAX 64    /* blocks deleted in one step */
#define BLOCKS_MAX (1u << 20)
#define MANIFEST_SIZE_MAX 1024
#define SAVED_SIZE_MAX (768u << 20)

struct tt_str tt_snapshot_slot_owner(uint32_t slot)
{
    return slot == 0 ? TT_STR(TT_SNAPSHOT_OWNER "/0") : TT_STR(TT_SNAPSHOT_OWNER "/1");
}

static struct tt_str slot_key(uint32_t slot)
{
    return slot == 0 ? TT_STR("0") : TT_STR("1");
}

static struct tt_str block_key(uint32_t index, char *text)
{
    int size = snprintf(text, TT_SNAPSHOT_KEY_SIZE, "%08u", index);
    return (struct tt_str){text, (size_t)size};
}

static bool on_manifest(void *ctx, const struct tt_state_entry *entry)
{
    struct tt_snapshots *snapshots = ctx;
    for (uint32_t i = 0; i < TT_SNAPSHOT_SLOTS; i++) {
        if (tt_str_equal(entry->key, slot_key(i)) &&
            !tt_manifest_decode(entry->bytes, &snapshots->slots[i])) {
            /* Not sealed. How many blocks stand there is not known: from BLOCKS_AHEAD on they may stay,
             * unread, until a snapshot is that long again. */
            snapshots->slots[i] = (struct tt_manifest){.blocks_max = BLOCKS_AHEAD};
            tt_log(snapshots->options.log, TT_LOG_WARN, "snapshot_damaged",
                   "the manifest of a snapshot is damaged");
        }
    }
    return true;
}

static uint64_t nonce(void)
{
    uint64_t value = 0;
    tt_secret_random(&value, sizeof value);
    return value;
}

enum tt_status tt_snapshots_open(struct tt_snapshots *snapshots,
                                 const struct tt_snapshots_options *options, struct tt_error *err)
{
    TT_ASSERT(options->part_count <= TT_SNAPSHOT_PARTS_MAX);
    memset(snapshots, 0, sizeof *snapshots);
    snapshots->options = *options;
    pthread_mutex_init(&snapshots->lock, NULL);
    struct tt_state *state = options->state;
    uint64_t position = 0;
    enum tt_status status = state->ops->claim(state, TT_STR(TT_SNAPSHOT_OWNER), nonce(),
                                              &snapshots->token, &snapshots->claimed_position, err);
    for (uint32_t i = 0; i < TT_SNAPSHOT_SLOTS && status == TT_OK; i++) {
        status = state->ops->claim(state, tt_snapshot_slot_owner(i), nonce(),
                                   &snapshots->slot_tokens[i], &position, err);
    }
    if (status == TT_OK) {
        status = state->ops->load(state, TT_STR(TT_SNAPSHOT_OWNER), on_manifest, snapshots, err);
    }
    if (status != TT_OK) {
        tt_snapshots_close(snapshots);
        return status;
    }
    const struct tt_manifest *newest = tt_snapshots_manifest(snapshots, 0);
    snapshots->sealed_position = newest != NULL ? newest->position : 0;
    snapshots->due_ns =
        tt_clock_monotonic_ns(options->clock) + options->interval_ms * INT64_C(1000000);
    return TT_OK;
}

static enum tt_status save_manifest(struct tt_snapshots *snapshots,
                                    const struct tt_manifest *manifest, struct tt_error *err)
{
    struct tt_state *state = snapshots->options.state;
    struct tt_buf buf;
    tt_buf_init(&buf, snapshots->options.alloc, MANIFEST_SIZE_MAX);
    tt_manifest_encode(manifest, &buf);
    enum tt_status status = buf.status;
    if (status == TT_OK) {
        struct tt_state_entry entry = {slot_key(snapshots->slot), tt_buf_str(&buf)};
        uint64_t position = manifest->sealed ? manifest->position : snapshots->sealed_position;
        status = state->ops->save(state, TT_STR(TT_SNAPSHOT_OWNER), snapshots->token, position,
                                  &entry, 1, err);
    } else {
        status = tt_fail(err, status, "no memory for the manifest of a snapshot");
    }
    tt_buf_deinit(&buf);
    if (status == TT_OK) {
        snapshots->slots[snapshots->slot] = *manifest;
    }
    return status;
}

/* The slot that is not the newest sealed one's, unsealed, with room for the next blocks. */
static enum tt_status open_slot(struct tt_snapshots *snapshots, struct tt_error *err)
{
    const struct tt_manifest *newest = tt_snapshots_manifest(snapshots, 0);
    snapshots->slot = newest == &snapshots->slots[0] ? 1 : 0;
    snapshots->slot_open = true;
    struct tt_manifest manifest = {.blocks_max = snapshots->slots[snapshots->slot].blocks_max};
    manifest.blocks_max += manifest.blocks_max == 0 ? BLOCKS_AHEAD : 0;
    snapshots->blocks_dropped = manifest.blocks_max;
    return save_manifest(snapshots, &manifest, err);
}

static enum tt_status raise_blocks_max(struct tt_snapshots *snapshots, struct tt_error *err)
{
    struct tt_manifest manifest = snapshots->slots[snapshots->slot];
    manifest.blocks_max += BLOCKS_AHEAD;
    snapshots->blocks_dropped = manifest.blocks_max;
    return save_manifest(snapshots, &manifest, err);
}

static enum tt_status save_block(struct tt_snapshots *snapshots, struct tt_snapshot_block *block,
                                 struct tt_error *err)
{
    struct tt_state *state = snapshots->options.state;
    struct tt_manifest *made = &snapshots->made;
    enum tt_status status = TT_OK;
    if (made->blocks == snapshots->slots[snapshots->slot].blocks_max) {
        status = raise_blocks_max(snapshots, err);
    }
    if (status != TT_OK) {
        return status;
    }
    struct tt_buf buf;
    char key[TT_SNAPSHOT_KEY_SIZE];
    tt_buf_init(&buf, snapshots->options.alloc, SAVED_SIZE_MAX);
    tt_snapshot_block_encode(made->position, made->blocks, block->part, tt_buf_str(&block->bytes),
                             &buf);
    if (buf.status != TT_OK) {
        tt_snapshots_give_up(snapshots, "no memory for a snapshot");
    } else {
        struct tt_state_entry entry = {block_key(made->blocks, key), tt_buf_str(&buf)};
        status = state->ops->save(state, tt_snapshot_slot_owner(snapshots->slot),
                                  snapshots->slot_tokens[snapshots->slot], 0, &entry, 1, err);
        made->blocks++;
        made->bytes += buf.size;
    }
    tt_buf_deinit(&buf);
    return status;
}

/* Deletes the last few blocks of whoever was here before. */
static enum tt_status drop_blocks(struct tt_snapshots *snapshots, struct tt_error *err)
{
    struct tt_state *state = snapshots->options.state;
    struct tt_state_entry entries[DROPS_MAX];
    char keys[DROPS_MAX][TT_SNAPSHOT_KEY_SIZE];
    size_t count = 0;
    while (count < DROPS_MAX && snapshots->blocks_dropped > snapshots->made.blocks) {
        entries[count] =
            (struct tt_state_entry){block_key(--snapshots->blocks_dropped, keys[count]), {NULL, 0}};
        count++;
    }
    return state->ops->save(state, tt_snapshot_slot_owner(snapshots->slot),
                            snapshots->slot_tokens[snapshots->slot], 0, entries, count, err);
}

static enum tt_status seal(struct tt_snapshots *snapshots, struct tt_error *err)
{
    struct tt_manifest manifest = snapshots->made;
    manifest.sealed = true;
    manifest.blocks_max = manifest.blocks;
    enum tt_status status = save_manifest(snapshots, &manifest, err);
    if (status != TT_OK) {
        return status;
    }
    __atomic_store_n(&snapshots->stale, false, __ATOMIC_RELEASE);
    __atomic_store_n(&snapshots->sealed_position, manifest.position, __ATOMIC_RELEASE);
    int64_t took_ns = tt_clock_monotonic_ns(snapshots->options.clock) - snapshots->begun_ns;
    struct tt_metrics *metrics = snapshots->options.metrics;
    if (metrics != NULL) {
        tt_metrics_observe(metrics, TT_METRIC_SNAPSHOT, took_ns);
        tt_metrics_set(metrics, TT_METRIC_SNAPSHOT_BYTES, (double)manifest.bytes);
        tt_metrics_set(metrics, TT_METRIC_SNAPSHOT_TIME, (double)manifest.made_ms / 1000.0);
    }
    tt_log(snapshots->options.log, TT_LOG_INFO, "snapshot", "windows and ids are saved",
           TT_LOG_INT("seq", manifest.position), TT_LOG_INT("bytes", manifest.bytes),
           TT_LOG_INT("ms", took_ns / 1000000));
    tt_snapshots_abandon(snapshots);
    return TT_OK;
}

/* What there is to do next, as it stands now. */
struct moment {
    bool running, failed, complete, reached;
};

static struct moment look(struct tt_snapshots *snapshots)
{
    pthread_mutex_lock(&snapshots->lock);
    struct moment moment = {
        .running = snapshots->running,
        .failed = snapshots->failed,
        .complete = snapshots->parts_done == snapshots->options.part_count,
        .reached = snapshots->reached,
    };
    pthread_mutex_unlock(&snapshots->lock);
    return moment;
}

enum tt_status tt_snapshots_save(struct tt_snapshots *snapshots, bool *ret_busy,
                                 struct tt_error *err)
{
    struct moment moment = look(snapshots);
    *ret_busy = moment.running;
    if (!moment.running) {
        return TT_OK;
    }
    if (moment.failed) {
        /* the parts learn of it when they ask whether more is wanted */
        if (moment.complete) {
            tt_snapshots_abandon(snapshots);
        }
        return TT_OK;
    }
    if (!snapshots->slot_open) {
        return open_slot(snapshots, err);
    }
    struct tt_snapshot_block *block = tt_snapshots_take(snapshots);
    if (block != NULL) {
        enum tt_status status = save_block(snapshots, block, err);
        tt_snapshot_block_free(snapshots, block);
        return status;
    }
    if (!moment.complete || !moment.reached) {
        return TT_OK;
    }
    return snapshots->blocks_dropped > snapshots->made.blocks ? drop_blocks(snapshots, err)
                                                              : seal(snapshots, err);
}

const struct tt_manifest *tt_snapshots_manifest(const struct tt_snapshots *snapshots, uint32_t rank)
{
    const struct tt_manifest *a = &snapshots->slots[0], *b = &snapshots->slots[1];
    bool is_newer =
        b->position > a->position || (b->position == a->position && b->made_ms > a->made_ms);
    if (!a->sealed || (b->sealed && is_newer)) {
        const struct tt_manifest *other = a;
        a = b;
        b = other;
    }
    const struct tt_manifest *found = rank == 0 ? a : b;
    return rank < TT_SNAPSHOT_SLOTS && found->sealed ? found : NULL;
}

/* Reading: entries come in any order, records are given in the order they were put. */
struct reading {
    struct tt_snapshots *snapshots;
    const struct tt_manifest *manifest;
    tt_on_snapshot_record *on_record;
    void *ctx;
    struct tt_buf *early; /* by number: blocks that came before their turn */
    uint32_t next;
    uint64_t records[TT_SNAPSHOT_PARTS_MAX];
    enum tt_status status;
    struct tt_error *err;
};

static enum tt_status fail_corrupt(struct reading *reading, const char *why)
{
    return tt_fail(reading->err, TT_E_CORRUPT, "the snapshot of position %llu: %s",
                   (unsigned long long)reading->manifest->position, why);
}

static enum tt_status give_block(struct reading *reading, struct tt_str bytes)
{
    uint32_t part = 0;
    struct tt_str records = {0};
    if (!tt_snapshot_block_decode(bytes, reading->manifest->position, reading->next, &part,
                                  &records) ||
        part >= reading->manifest->part_count) {
        return fail_corrupt(reading, "a block is damaged");
    }
    reading->next++;
    struct tt_wire wire = tt_wire_reader(records);
    while (tt_wire_left(&wire) > 0) {
        struct tt_str record = tt_wire_bytes(&wire);
        if (wire.bad) {
            return fail_corrupt(reading, "a block is damaged");
        }
        reading->records[part]++;
        enum tt_status status = reading->on_record(reading->ctx, part, record, reading->err);
        if (status != TT_OK) {
            return status;
        }
    }
    return TT_OK;
}

static enum tt_status take_entry(struct reading *reading, const struct tt_state_entry *entry)
{
    uint32_t index = 0;
    for (size_t i = 0; i < entry->key.size && index < BLOCKS_MAX; i++) {
        index = index * 10 + (uint32_t)(unsigned char)(entry->key.data[i] - '0');
    }
    if (index >= reading->manifest->blocks) {
        return TT_OK; /* left by another one */
    }
    if (index != reading->next) {
        return tt_buf_append_str(&reading->early[index], entry->bytes) == TT_OK
                   ? TT_OK
                   : tt_fail(reading->err, TT_E_NOMEM, "no memory to read a snapshot");
    }
    enum tt_status status = give_block(reading, entry->bytes);
    while (status == TT_OK && reading->next < reading->manifest->blocks &&
           reading->early[reading->next].size > 0) {
        struct tt_buf *early = &reading->early[reading->next];
        status = give_block(reading, tt_buf_str(early));
        tt_buf_deinit(early);
    }
    return status;
}

static bool on_block(void *ctx, const struct tt_state_entry *entry)
{
    struct reading *reading = ctx;
    reading->status = take_entry(reading, entry);
    return reading->status == TT_OK;
}

static enum tt_status read_blocks(struct reading *reading)
{
    struct tt_state *state = reading->snapshots->options.state;
    uint32_t slot = reading->manifest == &reading->snapshots->slots[0] ? 0 : 1;
    for (uint32_t i = 0; i < reading->manifest->blocks; i++) {
        tt_buf_init(&reading->early[i], reading->snapshots->options.alloc, SAVED_SIZE_MAX);
    }
    enum tt_status status =
        state->ops->load(state, tt_snapshot_slot_owner(slot), on_block, reading, reading->err);
    status = status == TT_OK ? reading->status : status;
    if (status == TT_OK && reading->next != reading->manifest->blocks) {
        status = fail_corrupt(reading, "a block is missing");
    }
    if (status == TT_OK &&
        memcmp(reading->records, reading->manifest->records, sizeof reading->records) != 0) {
        status = fail_corrupt(reading, "records are missing");
    }
    for (uint32_t i = 0; i < reading->manifest->blocks; i++) {
        tt_buf_deinit(&reading->early[i]);
    }
    return status;
}

enum tt_status tt_snapshots_read(struct tt_snapshots *snapshots, uint32_t rank,
                                 tt_on_snapshot_record *on_record, void *ctx, struct tt_error *err)
{
    struct reading reading = {
        .snapshots = snapshots,
        .manifest = tt_snapshots_manifest(snapshots, rank),
        .on_record = on_record,
        .ctx = ctx,
        .err = err,
    };
    if (reading.manifest == NULL) {
        return tt_fail(err, TT_E_NOT_FOUND, "no such snapshot");
    }
    if (reading.manifest->blocks > BLOCKS_MAX) {
        return fail_corrupt(&reading, "more blocks than there can be");
    }
    size_t count = reading.manifest->blocks;
    reading.early = tt_new(snapshots->options.alloc, count * sizeof *reading.early);
    if (reading.early == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory to read a snapshot");
    }
    enum tt_status status = read_blocks(&reading);
    tt_delete(snapshots->options.alloc, reading.early, count * sizeof *reading.early);
    return status;
}
