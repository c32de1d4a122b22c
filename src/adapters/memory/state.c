/* See state.h. Lists, not maps: a handful of owners, and entries of a demo. A save first makes all
 * new entries and then swaps them in, so that it happens wholly or not at all. */
#include "adapters/memory/state.h"

#include <pthread.h>
#include <string.h>

struct entry {
    struct entry *next;
    size_t key_size, bytes_size;
    bool deletes;  /* in a save under way: the key goes */
    char memory[]; /* key, then bytes */
};
struct owner {
    struct owner *next;
    struct tt_state_token token;
    uint64_t position;
    struct entry *entries;
    size_t name_size;
    char name[];
};
struct memory_state {
    struct tt_state base;
    const struct tt_alloc *alloc;
    pthread_mutex_t lock;
    struct owner *owners;
};

static struct memory_state *from(struct tt_state *state)
{
    return (struct memory_state *)(void *)state;
}

static struct owner *find_owner(const struct memory_state *self, struct tt_str name)
{
    struct owner *owner = self->owners;
    while (owner != NULL && !tt_str_equal((struct tt_str){owner->name, owner->name_size}, name)) {
        owner = owner->next;
    }
    return owner;
}

static void free_entries(const struct memory_state *self, struct entry *entry)
{
    while (entry != NULL) {
        struct entry *next = entry->next;
        tt_delete(self->alloc, entry, sizeof *entry + entry->key_size + entry->bytes_size);
        entry = next;
    }
}

static struct owner *add_owner(struct memory_state *self, struct tt_str name)
{
    struct owner *owner = tt_new(self->alloc, sizeof *owner + name.size);
    if (owner == NULL) {
        return NULL;
    }
    *owner = (struct owner){.next = self->owners, .name_size = name.size};
    if (name.size != 0) {
        memcpy(owner->name, name.data, name.size);
    }
    self->owners = owner;
    return owner;
}

static enum tt_status claim(struct tt_state *state, struct tt_str name, uint64_t nonce,
                            struct tt_state_token *ret_token, uint64_t *ret_position,
                            struct tt_error *err)
{
    struct memory_state *self = from(state);
    pthread_mutex_lock(&self->lock);
    struct owner *owner = find_owner(self, name);
    if (owner == NULL) {
        owner = add_owner(self, name);
    }
    if (owner != NULL) {
        owner->token.counter++;
        owner->token.nonce = nonce;
        *ret_token = owner->token;
        *ret_position = owner->position;
    }
    pthread_mutex_unlock(&self->lock);
    return owner != NULL ? TT_OK : tt_fail(err, TT_E_NOMEM, "state: out of memory");
}

static enum tt_status load(struct tt_state *state, struct tt_str name, tt_on_state_entry *on_entry,
                           void *ctx, struct tt_error *err)
{
    struct memory_state *self = from(state);
    pthread_mutex_lock(&self->lock);
    const struct owner *owner = find_owner(self, name);
    bool more = true;
    for (const struct entry *i = owner != NULL ? owner->entries : NULL; i != NULL && more;
         i = i->next) {
        struct tt_state_entry entry = {{i->memory, i->key_size},
                                       {i->memory + i->key_size, i->bytes_size}};
        more = on_entry(ctx, &entry);
    }
    pthread_mutex_unlock(&self->lock);
    return owner != NULL ? TT_OK
                         : tt_fail(err, TT_E_NOT_FOUND, "no state of %.*s", TT_STR_ARG(name));
}

static struct entry *copy_entry(const struct memory_state *self, const struct tt_state_entry *entry)
{
    struct entry *copy = tt_new(self->alloc, sizeof *copy + entry->key.size + entry->bytes.size);
    if (copy == NULL) {
        return NULL;
    }
    *copy = (struct entry){.key_size = entry->key.size,
                           .bytes_size = entry->bytes.size,
                           .deletes = entry->bytes.data == NULL};
    if (entry->key.size != 0) {
        memcpy(copy->memory, entry->key.data, entry->key.size);
    }
    if (entry->bytes.size != 0) {
        memcpy(copy->memory + entry->key.size, entry->bytes.data, entry->bytes.size);
    }
    return copy;
}

/* Takes the entry of that key out of the owner's list and frees it. */
static void drop_entry(const struct memory_state *self, struct owner *owner, struct tt_str key)
{
    for (struct entry **i = &owner->entries; *i != NULL; i = &(*i)->next) {
        struct entry *entry = *i;
        if (tt_str_equal((struct tt_str){entry->memory, entry->key_size}, key)) {
            *i = entry->next;
            entry->next = NULL;
            free_entries(self, entry);
            return;
        }
    }
}

static void apply(const struct memory_state *self, struct owner *owner, struct entry *change)
{
    drop_entry(self, owner, (struct tt_str){change->memory, change->key_size});
    if (change->deletes) {
        change->next = NULL;
        free_entries(self, change);
    } else {
        change->next = owner->entries;
        owner->entries = change;
    }
}

static enum tt_status check_owner(const struct owner *owner, struct tt_str name,
                                  struct tt_state_token token, struct tt_error *err)
{
    if (owner == NULL) {
        return tt_fail(err, TT_E_NOT_FOUND, "no state of %.*s", TT_STR_ARG(name));
    }
    if (owner->token.counter != token.counter || owner->token.nonce != token.nonce) {
        return tt_fail(err, TT_E_FENCED, "another owner has taken over %.*s", TT_STR_ARG(name));
    }
    return TT_OK;
}

static enum tt_status save(struct tt_state *state, struct tt_str name, struct tt_state_token token,
                           uint64_t position, const struct tt_state_entry *entries, size_t count,
                           struct tt_error *err)
{
    struct memory_state *self = from(state);
    struct entry *changes = NULL, **last = &changes;
    for (size_t i = 0; i < count; i++) {
        *last = copy_entry(self, &entries[i]);
        if (*last == NULL) {
            free_entries(self, changes);
            return tt_fail(err, TT_E_NOMEM, "state: out of memory");
        }
        last = &(*last)->next;
    }
    pthread_mutex_lock(&self->lock);
    struct owner *owner = find_owner(self, name);
    enum tt_status status = check_owner(owner, name, token, err);
    while (status == TT_OK && changes != NULL) {
        struct entry *next = changes->next;
        apply(self, owner, changes);
        changes = next;
    }
    if (status == TT_OK) {
        owner->position = position;
    }
    pthread_mutex_unlock(&self->lock);
    free_entries(self, changes);
    return status;
}

static void close_state(struct tt_state *state)
{
    if (state == NULL) {
        return;
    }
    struct memory_state *self = from(state);
    while (self->owners != NULL) {
        struct owner *owner = self->owners;
        self->owners = owner->next;
        free_entries(self, owner->entries);
        tt_delete(self->alloc, owner, sizeof *owner + owner->name_size);
    }
    (void)pthread_mutex_destroy(&self->lock);
    tt_delete(self->alloc, self, sizeof *self);
}

static const struct tt_state_ops ops = {"memory", claim, load, save, close_state};

enum tt_status tt_memory_state_open(const struct tt_memory_state_options *options,
                                    struct tt_state **ret, struct tt_error *err)
{
    struct memory_state *self = tt_new_array(options->alloc, 1, sizeof *self);
    if (self == NULL) {
        return tt_fail(err, TT_E_NOMEM, "state: out of memory");
    }
    self->base.ops = &ops;
    self->alloc = options->alloc;
    (void)pthread_mutex_init(&self->lock, NULL);
    *ret = &self->base;
    return TT_OK;
}
