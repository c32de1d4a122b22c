/*
 * What a window costs: the engine beside two plain ways to keep sliding sums and medians.
 *
 * usage: windows [events]
 *
 * One entity, events in order, WINDOWS windows that hold from about ten to some thousand events; the
 * event itself counts. Each way gets the same times and amounts, reports every window's value for
 * every event, and its values must be the same bits as the others' before anything is printed:
 *
 *   engine      a feature step, as it runs live: key, row, windows, vector
 *   tree        one order-statistic treap over time with sums of subtrees (for medians one over
 *               amounts for each window): insert, evict, a descent for each window
 *   two stacks  a bare ring for each window: suffix sums of what will leave, a running sum of the rest
 *               (Tangwongsan, Hirzel, Schneider 2015)
 *
 * Times are the thread's CPU time, the ways taken in turn, the best of ROUNDS rounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/rng.h"
#include "core/features/step.h"
#include "format/yaml.h"

#define WINDOWS 16
#define MEDIANS 4
#define ROUNDS 5
#define BATCH 64
#define GAP_MS 60000.0

struct input {
    size_t count;
    int64_t *times, *amounts;
};

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* From 10 minutes to about 4 days, evenly in the logarithm. */
static int64_t window_ms(int window)
{
    static const int64_t MINUTES[WINDOWS] = {10,  15,  22,  32,  48,   71,   104,  153,
                                             225, 332, 488, 718, 1056, 1553, 2285, 3361};
    return MINUTES[window] * 60000;
}

static int64_t median_window_ms(int window)
{
    return window_ms(window * 3 + 1);
}

static void *take(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

static struct input make_input(size_t count)
{
    struct input input = {count, take(count, sizeof(int64_t)), take(count, sizeof(int64_t))};
    struct tt_rng rng;
    double t_ms = 1.7e12;
    tt_rng_init(&rng, 11);
    for (size_t i = 0; i < count; i++) {
        t_ms += tt_rng_exponential(&rng) * GAP_MS;
        input.times[i] = (int64_t)t_ms;
        input.amounts[i] = (int64_t)(tt_rng_exponential(&rng) * 5000.0) + 1;
    }
    return input;
}

/* --- the engine --- */

static struct tt_plan *make_plan(bool medians)
{
    static char text[8192];
    size_t size = 0;
    struct tt_error err = {0};
    struct tt_arena arena;
    struct tt_tree *root = NULL;
    struct tt_plan *plan = NULL;
    size += (size_t)snprintf(text, sizeof(text),
                             "allowed_lateness: 0s\n"
                             "entities: {user: {key: user_id}}\nfeatures:\n");
    for (int i = 0; i < (medians ? MEDIANS : WINDOWS); i++) {
        size += (size_t)snprintf(
            text + size, sizeof(text) - size,
            "- {name: w%d, entity: user, aggregate: %s, field: amount, window: %lldm}\n", i,
            medians ? "median" : "sum",
            (long long)((medians ? median_window_ms(i) : window_ms(i)) / 60000));
    }
    tt_arena_init(&arena, &tt_alloc_libc, 64U << 10, 64U << 20);
    if (tt_yaml_parse(&arena, (struct tt_str){text, size}, &root, &err) != TT_OK ||
        tt_plan_compile(&tt_alloc_libc, root, NULL, &plan, &err) != TT_OK) {
        fprintf(stderr, "windows: %s\n", err.message);
        exit(1);
    }
    tt_arena_deinit(&arena);
    return plan;
}

static void fill(struct tt_event *event, char *id, size_t number, const struct input *input)
{
    snprintf(id, 16, "%zu", number);
    memset(&event->txn, 0, sizeof(event->txn));
    event->kind = TT_EVENT_TRANSACTION;
    event->gate = TT_GATE_FRESH;
    event->txn.timestamp_ms = input->times[number];
    event->txn.amount_minor = input->amounts[number];
    event->txn.currency = tt_currency_find(TT_STR("EUR"));
    event->txn.type = TT_TXN_PURCHASE;
    event->txn.text[TT_TEXT_TRANSACTION_ID] = tt_str_from(id);
    event->txn.text[TT_TEXT_USER_ID] = TT_STR("u-1");
}

/* out: windows values an event, in minor units; returns seconds in the step. */
static double run_engine(const struct input *input, bool medians, double *out)
{
    static struct tt_event events[BATCH];
    static char ids[BATCH][16];
    struct tt_event *batch[BATCH];
    struct tt_step *step = NULL;
    struct tt_step_options options = {
        .entities_max = 16, .memory_bytes_max = SIZE_MAX, .key = {1, 2}};
    struct tt_plan *plan = make_plan(medians);
    size_t windows = medians ? MEDIANS : WINDOWS;
    double spent = 0.0;
    if (tt_step_new(&tt_alloc_libc, plan, 0, &options, &step, NULL) != TT_OK) {
        exit(1);
    }
    for (size_t at = 0; at < input->count; at += BATCH) {
        size_t count = input->count - at < BATCH ? input->count - at : BATCH;
        for (size_t i = 0; i < count; i++) {
            batch[i] = &events[i];
            fill(&events[i], ids[i], at + i, input);
        }
        double start = seconds_now();
        enum tt_status status = tt_step_run(step, batch, count, NULL);
        spent += seconds_now() - start;
        if (status != TT_OK) {
            exit(1);
        }
        for (size_t i = 0; i < count; i++) {
            for (size_t w = 0; w < windows; w++) {
                out[(at + i) * windows + w] = events[i].vector.values[w] * 100.0;
            }
        }
    }
    tt_step_free(step);
    tt_plan_free(plan);
    return spent;
}

/* --- the tree: a treap with counts and sums of its subtrees, nodes in an array --- */

struct node {
    int64_t key, value; /* ordered by key, then by number */
    int64_t sum;        /* of the subtree */
    uint64_t number;
    uint32_t left, right, count, priority;
};

struct treap {
    struct node *nodes; /* 0 is nobody */
    uint32_t *free;
    uint32_t root, used, free_count;
    struct tt_rng rng;
};

static void treap_init(struct treap *treap, size_t capacity)
{
    treap->nodes = take(capacity + 1, sizeof(struct node));
    treap->free = take(capacity + 1, sizeof(uint32_t));
    treap->root = treap->free_count = 0;
    treap->used = 1;
    tt_rng_init(&treap->rng, 3);
}

static void treap_deinit(struct treap *treap)
{
    free(treap->nodes);
    free(treap->free);
}

static void pull(struct node *nodes, uint32_t at)
{
    struct node *node = &nodes[at];
    node->count = nodes[node->left].count + nodes[node->right].count + 1;
    node->sum = nodes[node->left].sum + nodes[node->right].sum + node->value;
}

static bool goes_left(const struct node *node, int64_t key, uint64_t number)
{
    return key < node->key || (key == node->key && number < node->number);
}

/* Splits into what is before (key, number) and the rest. */
static void split(struct node *nodes, uint32_t at, int64_t key, uint64_t number, uint32_t *ret_left,
                  uint32_t *ret_right)
{
    if (at == 0) {
        *ret_left = *ret_right = 0;
    } else if (goes_left(&nodes[at], key, number) ||
               (nodes[at].key == key && nodes[at].number == number)) {
        split(nodes, nodes[at].left, key, number, ret_left, &nodes[at].left);
        *ret_right = at;
        pull(nodes, at);
    } else {
        split(nodes, nodes[at].right, key, number, &nodes[at].right, ret_right);
        *ret_left = at;
        pull(nodes, at);
    }
}

static uint32_t join(struct node *nodes, uint32_t left, uint32_t right)
{
    if (left == 0 || right == 0) {
        return left + right;
    }
    if (nodes[left].priority > nodes[right].priority) {
        nodes[left].right = join(nodes, nodes[left].right, right);
        pull(nodes, left);
        return left;
    }
    nodes[right].left = join(nodes, left, nodes[right].left);
    pull(nodes, right);
    return right;
}

static uint32_t place(struct treap *treap, uint32_t at, uint32_t made)
{
    struct node *nodes = treap->nodes;
    if (at == 0) {
        return made;
    }
    if (nodes[made].priority > nodes[at].priority) {
        split(nodes, at, nodes[made].key, nodes[made].number, &nodes[made].left,
              &nodes[made].right);
        pull(nodes, made);
        return made;
    }
    if (goes_left(&nodes[at], nodes[made].key, nodes[made].number)) {
        nodes[at].left = place(treap, nodes[at].left, made);
    } else {
        nodes[at].right = place(treap, nodes[at].right, made);
    }
    pull(nodes, at);
    return at;
}

static void treap_insert(struct treap *treap, int64_t key, int64_t value, uint64_t number)
{
    uint32_t made = treap->free_count > 0 ? treap->free[--treap->free_count] : treap->used++;
    treap->nodes[made] = (struct node){.key = key,
                                       .value = value,
                                       .sum = value,
                                       .number = number,
                                       .count = 1,
                                       .priority = (uint32_t)tt_rng_next(&treap->rng)};
    treap->root = place(treap, treap->root, made);
}

static uint32_t removed(struct treap *treap, uint32_t at, int64_t key, uint64_t number)
{
    struct node *nodes = treap->nodes;
    if (nodes[at].key == key && nodes[at].number == number) {
        treap->free[treap->free_count++] = at;
        return join(nodes, nodes[at].left, nodes[at].right);
    }
    if (goes_left(&nodes[at], key, number)) {
        nodes[at].left = removed(treap, nodes[at].left, key, number);
    } else {
        nodes[at].right = removed(treap, nodes[at].right, key, number);
    }
    pull(nodes, at);
    return at;
}

/* Sum of what has a key above low. */
static int64_t treap_sum_above(const struct treap *treap, int64_t low)
{
    const struct node *nodes = treap->nodes;
    int64_t sum = 0;
    for (uint32_t at = treap->root; at != 0;) {
        if (nodes[at].key > low) {
            sum += nodes[at].value + nodes[nodes[at].right].sum;
            at = nodes[at].left;
        } else {
            at = nodes[at].right;
        }
    }
    return sum;
}

static int64_t treap_rank(const struct treap *treap, uint32_t rank)
{
    const struct node *nodes = treap->nodes;
    uint32_t at = treap->root;
    for (;;) {
        uint32_t left = nodes[nodes[at].left].count;
        if (rank == left) {
            return nodes[at].key;
        }
        at = rank < left ? nodes[at].left : nodes[at].right;
        rank -= rank < left ? 0 : left + 1;
    }
}

static double run_tree_sums(const struct input *input, double *out)
{
    struct treap treap;
    treap_init(&treap, input->count);
    size_t oldest = 0;
    double start = seconds_now();
    for (size_t i = 0; i < input->count; i++) {
        int64_t now = input->times[i];
        treap_insert(&treap, now, input->amounts[i], i);
        for (; input->times[oldest] <= now - window_ms(WINDOWS - 1); oldest++) {
            treap.root = removed(&treap, treap.root, input->times[oldest], oldest);
        }
        for (int w = 0; w < WINDOWS; w++) {
            out[i * WINDOWS + (size_t)w] = (double)treap_sum_above(&treap, now - window_ms(w));
        }
    }
    double spent = seconds_now() - start;
    treap_deinit(&treap);
    return spent;
}

static double run_tree_medians(const struct input *input, double *out)
{
    struct treap treaps[MEDIANS];
    size_t oldest[MEDIANS] = {0};
    for (int w = 0; w < MEDIANS; w++) {
        treap_init(&treaps[w], input->count);
    }
    double start = seconds_now();
    for (size_t i = 0; i < input->count; i++) {
        for (int w = 0; w < MEDIANS; w++) {
            struct treap *treap = &treaps[w];
            treap_insert(treap, input->amounts[i], 0, i);
            for (; input->times[oldest[w]] <= input->times[i] - median_window_ms(w); oldest[w]++) {
                treap->root = removed(treap, treap->root, input->amounts[oldest[w]], oldest[w]);
            }
            uint32_t count = treap->nodes[treap->root].count;
            double low = (double)treap_rank(treap, (count - 1) / 2);
            double high = count % 2 == 1 ? low : (double)treap_rank(treap, count / 2);
            out[i * MEDIANS + (size_t)w] = low + (high - low) * 0.5;
        }
    }
    double spent = seconds_now() - start;
    for (int w = 0; w < MEDIANS; w++) {
        treap_deinit(&treaps[w]);
    }
    return spent;
}

/* --- two stacks in a ring --- */

struct ring {
    int64_t *times,
        *sums; /* a back entry holds its amount, a front one the sum from it to the flip */
    uint64_t begin, flip, end;
    int64_t back;
};
#define RING_SIZE 8192 /* more than the longest window holds */

static void ring_push(struct ring *ring, int64_t t_ms, int64_t amount)
{
    ring->times[ring->end % RING_SIZE] = t_ms;
    ring->sums[ring->end++ % RING_SIZE] = amount;
    ring->back += amount;
}

static void ring_evict(struct ring *ring, int64_t low_ms)
{
    while (ring->begin < ring->end && ring->times[ring->begin % RING_SIZE] <= low_ms) {
        if (ring->begin == ring->flip) {
            int64_t sum = 0;
            for (uint64_t at = ring->end; at > ring->begin; at--) {
                sum += ring->sums[(at - 1) % RING_SIZE];
                ring->sums[(at - 1) % RING_SIZE] = sum;
            }
            ring->flip = ring->end;
            ring->back = 0;
        }
        ring->begin++;
    }
}

static double run_two_stacks(const struct input *input, double *out)
{
    static struct ring rings[WINDOWS];
    for (int w = 0; w < WINDOWS; w++) {
        rings[w] = (struct ring){
            take(RING_SIZE, sizeof(int64_t)), take(RING_SIZE, sizeof(int64_t)), 0, 0, 0, 0};
    }
    double start = seconds_now();
    for (size_t i = 0; i < input->count; i++) {
        for (int w = 0; w < WINDOWS; w++) {
            struct ring *ring = &rings[w];
            ring_push(ring, input->times[i], input->amounts[i]);
            ring_evict(ring, input->times[i] - window_ms(w));
            int64_t front = ring->begin < ring->flip ? ring->sums[ring->begin % RING_SIZE] : 0;
            out[i * WINDOWS + (size_t)w] = (double)(front + ring->back);
        }
    }
    double spent = seconds_now() - start;
    for (int w = 0; w < WINDOWS; w++) {
        free(rings[w].times);
        free(rings[w].sums);
    }
    return spent;
}

/* Values are minor units; the engine's went through major ones. */
static void check_equal(const char *what, const double *a, const double *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double gap = a[i] - b[i];
        if (gap > 1e-6 || gap < -1e-6) {
            fprintf(stderr, "windows: %s differ at %zu: %.17g, %.17g\n", what, i, a[i], b[i]);
            exit(1);
        }
    }
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 400000;
    struct input input = make_input(count);
    double *engine = take(count * WINDOWS, sizeof(double));
    double *other = take(count * WINDOWS, sizeof(double));
    double sums = 1e9, medians = 1e9, tree_sums = 1e9, tree_medians = 1e9, stacks = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        sums = least(sums, run_engine(&input, false, engine));
        tree_sums = least(tree_sums, run_tree_sums(&input, other));
        check_equal("sums of engine and tree", engine, other, count * WINDOWS);
        stacks = least(stacks, run_two_stacks(&input, other));
        check_equal("sums of engine and two stacks", engine, other, count * WINDOWS);
        medians = least(medians, run_engine(&input, true, engine));
        tree_medians = least(tree_medians, run_tree_medians(&input, other));
        check_equal("medians of engine and tree", engine, other, count * MEDIANS);
    }
    double per_sum = 1e9 / ((double)count * WINDOWS), per_median = 1e9 / ((double)count * MEDIANS);
    printf("sum, %d windows       engine %6.1f ns a window, tree %6.1f, two stacks %6.1f\n",
           WINDOWS, sums * per_sum, tree_sums * per_sum, stacks * per_sum);
    printf("  against the tree        %5.2f x        (3 or more)\n", tree_sums / sums);
    printf("  of two stacks' time     %5.2f          (1.2 or less)\n", sums / stacks);
    printf("median, %d windows     engine %6.1f ns a window, tree %6.1f\n", MEDIANS,
           medians * per_median, tree_medians * per_median);
    printf("  against the tree        %5.2f x        (3 or more)\n", tree_medians / medians);
    return 0;
}
