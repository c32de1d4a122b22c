/*
 * Building the index: rules to lanes, terms to axes, axes to rows.
 *
 * A row is not worked out term by term: every term says how many of its lane's terms are false
 * before the first key and where that number changes; one pass over the keys in order then counts
 * along. A lane is false on a row when its count there is not 0.
 */
#include <stdlib.h>
#include <string.h>

#include "core/rules/index.h"
#include "core/rules/index_text.h"
#include "core/rules/set.h"

#define ARENA_BLOCK_SIZE 16384
#define ARENA_SIZE_MAX ((size_t)256 << 20)

/* A term of a lane on its way to an axis. */
struct placed {
    const struct tt_term *term;
    uint32_t lane;
    uint8_t kind;               /* enum tt_axis_kind */
    const struct tt_list *list; /* of TT_AXIS_LIST, else NULL */
};

/* At a key a lane's count of false terms changes: for good among numbers, for this key alone
 * among texts. */
struct change {
    union {
        double bound;
        struct tt_str text;
    };
    uint32_t term; /* number of its term on the axis */
    uint32_t lane;
    int32_t by;
    uint32_t key; /* number of the text */
};

struct builder {
    struct tt_rules *set;
    struct tt_arena *temp; /* of this block's building */
    struct tt_index_block *block;
    struct placed *placed;
    struct change *changes;
    uint32_t placed_count, change_count, change_max;
    uint32_t rows_left;
    uint32_t *counts; /* by lane */
    bool failed;
};

static void *reserve(struct builder *builder, size_t count, size_t size)
{
    void *memory = tt_arena_new_array(&builder->set->arena, count + 1, size);
    builder->failed = builder->failed || memory == NULL;
    return memory;
}

static void *borrow(struct builder *builder, size_t count, size_t size)
{
    void *memory = tt_arena_new_array(builder->temp, count + 1, size);
    builder->failed = builder->failed || memory == NULL;
    return memory;
}

/* --- lanes --- */

static const struct tt_ways *ways_of(const struct tt_rules *set, uint32_t rule)
{
    return tt_expr_ways(set->rules[rule].expr);
}

static uint32_t ordered_rule(const struct tt_rules *set, uint32_t place)
{
    return place < set->live_count ? set->live[place] : set->shadow[place - set->live_count];
}

static void set_bit(uint64_t *mask, uint32_t bit)
{
    mask[bit / 64] |= UINT64_C(1) << (bit % 64);
}

static void add_lanes(struct builder *builder, uint32_t rule, bool live)
{
    struct tt_index_block *block = builder->block;
    const struct tt_ways *ways = ways_of(builder->set, rule);
    uint32_t first = block->lane_count;
    for (uint32_t i = 0; i < ways->count; i++) {
        uint32_t lane = block->lane_count++;
        block->lanes[lane] = (struct tt_lane){.rule = (uint16_t)rule,
                                              .first = (uint16_t)first,
                                              .count = (uint8_t)ways->count,
                                              .exact = ways->ways[i].exact};
        set_bit(block->all, lane);
        if (live) {
            set_bit(block->live, lane);
        }
    }
}

/* Fills the block from a place in the orders on; returns the place behind. */
static uint32_t take_rules(struct builder *builder, uint32_t place)
{
    const struct tt_rules *set = builder->set;
    uint32_t total = set->live_count + set->shadow_count;
    for (; place < total; place++) {
        uint32_t rule = ordered_rule(set, place);
        if (builder->block->lane_count + ways_of(set, rule)->count > TT_LANES_MAX) {
            break;
        }
        add_lanes(builder, rule, place < set->live_count);
    }
    return place;
}

/* --- terms to axes --- */

static bool is_exact_number(const struct tt_value *item, double *ret)
{
    struct tt_value number = {.type = TT_TYPE_DOUBLE};
    number.number = item->type == TT_TYPE_INT    ? (double)item->integer
                    : item->type == TT_TYPE_UINT ? (double)item->uinteger
                                                 : item->number;
    *ret = number.number;
    return (item->type == TT_TYPE_INT || item->type == TT_TYPE_UINT ||
            item->type == TT_TYPE_DOUBLE) &&
           __builtin_isfinite(number.number) != 0 && tt_value_equal(&number, item);
}

/* Whether the items of a list can be keys of the name's axis. */
static bool has_keys(const struct tt_term *term)
{
    const struct tt_list *list = term->constant.list;
    double number = 0.0;
    bool fits = list->count <= TT_SMALL_LIST_MAX && term->type != TT_TYPE_BOOL;
    for (uint32_t i = 0; fits && i < list->count; i++) {
        fits = term->type == TT_TYPE_STRING ? list->items[i].type == TT_TYPE_STRING
                                            : is_exact_number(&list->items[i], &number);
    }
    return fits;
}

static uint8_t kind_of(const struct tt_term *term)
{
    bool ordered_text = term->kind == TT_TERM_COMPARE && term->type == TT_TYPE_STRING &&
                        term->relation != TT_EQ && term->relation != TT_NE;
    if (ordered_text) {
        return 0;
    }
    if (term->kind == TT_TERM_IN && !has_keys(term)) {
        return TT_AXIS_LIST;
    }
    return term->type == TT_TYPE_DOUBLE   ? TT_AXIS_NUMBER
           : term->type == TT_TYPE_STRING ? TT_AXIS_TEXT
                                          : TT_AXIS_BOOL;
}

/* How many rows a term can add at most. */
static uint32_t rows_of(const struct placed *placed)
{
    const struct tt_term *term = placed->term;
    bool listed = term->kind == TT_TERM_IN && placed->kind != TT_AXIS_LIST;
    return 4 + (listed ? 2 * term->constant.list->count : 0);
}

static void place_term(struct builder *builder, uint32_t lane, const struct tt_term *term)
{
    struct placed placed = {.term = term, .lane = lane, .kind = kind_of(term)};
    placed.list = placed.kind == TT_AXIS_LIST ? term->constant.list : NULL;
    if (placed.kind == 0 || rows_of(&placed) > builder->rows_left) {
        builder->block->lanes[lane].exact = false;
        return;
    }
    builder->rows_left -= rows_of(&placed);
    builder->placed[builder->placed_count++] = placed;
}

static void place_terms(struct builder *builder)
{
    struct tt_index_block *block = builder->block;
    uint32_t total = 0;
    for (uint32_t i = 0; i < block->lane_count; i++) {
        const struct tt_lane *lane = &block->lanes[i];
        total += ways_of(builder->set, lane->rule)->ways[i - lane->first].term_count;
    }
    builder->placed = borrow(builder, total, sizeof(struct placed));
    for (uint32_t i = 0; !builder->failed && i < block->lane_count; i++) {
        const struct tt_lane *lane = &block->lanes[i];
        const struct tt_way *way = &ways_of(builder->set, lane->rule)->ways[i - lane->first];
        for (uint32_t j = 0; j < way->term_count; j++) {
            place_term(builder, i, &way->terms[j]);
        }
    }
}

/* By axis, then as they came. */
static int order_axes(const struct placed *a, const struct placed *b)
{
    if (a->term->slot != b->term->slot) {
        return a->term->slot < b->term->slot ? -1 : 1;
    }
    if (a->kind != b->kind) {
        return a->kind < b->kind ? -1 : 1;
    }
    uintptr_t left = (uintptr_t)a->list;
    uintptr_t right = (uintptr_t)b->list;
    return left < right ? -1 : left > right;
}

static int order_placed(const void *left, const void *right)
{
    const struct placed *a = left;
    const struct placed *b = right;
    int order = order_axes(a, b);
    if (order != 0) {
        return order;
    }
    return a->lane != b->lane ? (a->lane < b->lane ? -1 : 1)
                              : (a->term < b->term ? -1 : a->term > b->term);
}

/* --- an axis' rows --- */

static void add_change(struct builder *builder, struct change change)
{
    if (builder->change_count == builder->change_max) {
        uint32_t max = builder->change_max == 0 ? 256 : builder->change_max * 2;
        struct change *changes = borrow(builder, max, sizeof(*changes));
        if (changes == NULL) {
            return;
        }
        if (builder->change_count > 0) {
            memcpy(changes, builder->changes, builder->change_count * sizeof(*changes));
        }
        builder->changes = changes;
        builder->change_max = max;
    }
    builder->changes[builder->change_count++] = change;
}

/* The next double on the way up or down; not for infinities. */
static double neighbour(double number, bool up)
{
    int64_t bits = 0;
    if (number >= 0.0 && number <= 0.0) {
        bits = up ? 1 : INT64_MIN + 1;
    } else {
        memcpy(&bits, &number, sizeof(bits));
        bits += up == (number > 0.0) ? 1 : -1;
    }
    memcpy(&number, &bits, sizeof(bits));
    return number;
}

/* Truth becomes `now` above the bound, where it was `before`. */
static void add_bound(struct builder *builder, const struct placed *placed, uint32_t number,
                      double bound, bool before, bool now)
{
    if (before != now) {
        add_change(builder,
                   (struct change){
                       .bound = bound, .term = number, .lane = placed->lane, .by = now ? -1 : 1});
    }
}

static void change_at_number(struct builder *builder, const struct placed *placed, uint32_t number,
                             double key)
{
    const struct tt_term *term = placed->term;
    struct tt_value below = tt_value_double(neighbour(key, false));
    struct tt_value at = tt_value_double(key);
    struct tt_value above = tt_value_double(neighbour(key, true));
    bool holds_below = term->negated;
    bool holds_at = !term->negated;
    bool holds_above = term->negated;
    if (term->kind == TT_TERM_COMPARE) {
        holds_below = tt_term_holds(term, &below);
        holds_at = tt_term_holds(term, &at);
        holds_above = tt_term_holds(term, &above);
    }
    add_bound(builder, placed, number, below.number, holds_below, holds_at);
    add_bound(builder, placed, number, key, holds_at, holds_above);
}

/* What a term changes at the keys it mentions. */
static void add_changes(struct builder *builder, const struct placed *placed, uint32_t number)
{
    const struct tt_term *term = placed->term;
    bool compares = term->kind == TT_TERM_COMPARE;
    uint32_t count = compares ? 1 : term->constant.list->count;
    for (uint32_t i = 0; i < count && !builder->failed; i++) {
        const struct tt_value *key = compares ? &term->constant : &term->constant.list->items[i];
        double bound = 0.0;
        if (placed->kind == TT_AXIS_NUMBER && is_exact_number(key, &bound)) {
            change_at_number(builder, placed, number, bound);
        } else if (placed->kind == TT_AXIS_TEXT) {
            bool holds = tt_term_holds(term, key);
            add_change(builder, (struct change){.text = key->text,
                                                .term = number,
                                                .lane = placed->lane,
                                                .by = holds ? -1 : 1});
        }
    }
}

/* Whether the term is false before every bound, of every text nobody mentions, of false, of what
 * is not in the list. */
static bool starts_false(const struct placed *placed)
{
    const struct tt_term *term = placed->term;
    struct tt_value first =
        placed->kind == TT_AXIS_NUMBER ? tt_value_double(-__builtin_inf()) : tt_value_bool(false);
    if (term->kind == TT_TERM_MISSING || placed->kind == TT_AXIS_LIST ||
        (term->kind == TT_TERM_IN && placed->kind == TT_AXIS_NUMBER)) {
        return !term->negated;
    }
    if (placed->kind == TT_AXIS_TEXT) {
        return (term->kind == TT_TERM_COMPARE && term->relation == TT_NE) == term->negated;
    }
    return !tt_term_holds(term, &first);
}

static int order_term(const struct change *a, const struct change *b)
{
    if (a->term != b->term) {
        return a->term < b->term ? -1 : 1;
    }
    return a->by < b->by ? -1 : a->by > b->by;
}

static int order_bounds(const void *left, const void *right)
{
    const struct change *a = left;
    const struct change *b = right;
    return a->bound < b->bound ? -1 : a->bound > b->bound ? 1 : order_term(a, b);
}

static int order_keys(const void *left, const void *right)
{
    const struct change *a = left;
    const struct change *b = right;
    return a->key < b->key ? -1 : a->key > b->key ? 1 : order_term(a, b);
}

/* Lanes that are false, by their counts, into a row. */
static void write_row(const struct builder *builder, uint64_t *row)
{
    for (uint32_t lane = 0; lane < builder->block->lane_count; lane++) {
        if (builder->counts[lane] != 0) {
            set_bit(row, lane);
        }
    }
}

/* A row that differs from another one by some changes. */
static void write_changed(struct builder *builder, const uint64_t *from, uint64_t *row,
                          const struct change *changes, uint32_t count, int32_t sign)
{
    if (row != from) {
        memcpy(row, from, builder->block->words * sizeof(*row));
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t lane = changes[i].lane;
        builder->counts[lane] += (uint32_t)(sign * changes[i].by);
        uint64_t bit = UINT64_C(1) << (lane % 64);
        row[lane / 64] = builder->counts[lane] != 0 ? row[lane / 64] | bit : row[lane / 64] & ~bit;
    }
}

/* One change a term, key and direction: lists may hold an item twice. */
static void drop_repeated(struct builder *builder, bool by_bound)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < builder->change_count; i++) {
        const struct change *change = &builder->changes[i];
        int order = kept == 0  ? 1
                    : by_bound ? order_bounds(&builder->changes[kept - 1], change)
                               : order_keys(&builder->changes[kept - 1], change);
        if (order != 0) {
            builder->changes[kept++] = *change;
        }
    }
    builder->change_count = kept;
}

static void sort_changes(struct builder *builder, bool by_bound)
{
    if (builder->change_count > 0) {
        qsort(builder->changes, builder->change_count, sizeof(struct change),
              by_bound ? order_bounds : order_keys);
    }
    drop_repeated(builder, by_bound);
}

/* The changes from `from` on that are at one key. */
static uint32_t same_key(const struct builder *builder, uint32_t from, bool by_bound)
{
    const struct change *changes = builder->changes;
    uint32_t end = from + 1;
    while (end < builder->change_count && (by_bound ? changes[end].bound <= changes[from].bound
                                                    : changes[end].key == changes[from].key)) {
        end++;
    }
    return end - from;
}

static uint32_t count_bounds(const struct builder *builder)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < builder->change_count; i += same_key(builder, i, true)) {
        count++;
    }
    return count;
}

static void fill_number(struct builder *builder, struct tt_axis *axis, const struct placed *terms)
{
    struct tt_value nan = tt_value_double(__builtin_nan(""));
    uint32_t words = builder->block->words;
    uint32_t count_max = count_bounds(builder);
    double *bounds = reserve(builder, count_max, sizeof(*bounds));
    uint64_t *rows = reserve(builder, ((size_t)count_max + 2) * words, sizeof(*rows));
    if (builder->failed) {
        return;
    }
    write_row(builder, rows);
    for (uint32_t i = 0; i < builder->change_count;) {
        uint32_t count = same_key(builder, i, true);
        uint64_t *row = rows + (size_t)axis->key_count * words;
        bounds[axis->key_count++] = builder->changes[i].bound;
        write_changed(builder, row, row + words, &builder->changes[i], count, 1);
        i += count;
    }
    uint64_t *last = rows + ((size_t)axis->key_count + 1) * words;
    for (uint32_t i = 0; i < axis->term_count; i++) {
        const struct tt_term *term = terms[i].term;
        bool holds = term->kind == TT_TERM_MISSING ? term->negated : tt_term_holds(term, &nan);
        if (!holds) {
            set_bit(last, terms[i].lane);
        }
    }
    axis->bounds = bounds;
    axis->rows = rows;
}

/* Numbers the texts of the changes. */
static void number_texts(struct builder *builder, struct tt_axis *axis)
{
    uint32_t capacity = 4;
    while (capacity < builder->change_count * 2 + 2) {
        capacity *= 2;
    }
    struct tt_str *texts = reserve(builder, builder->change_count, sizeof(*texts));
    uint32_t *table = reserve(builder, capacity, sizeof(*table));
    for (uint32_t i = 0; !builder->failed && i < builder->change_count; i++) {
        struct change *change = &builder->changes[i];
        uint32_t at = tt_axis_text_place(texts, table, capacity - 1, change->text);
        if (table[at] == 0) {
            texts[axis->key_count++] = change->text; /* the expression's: it lives as long */
            table[at] = axis->key_count;
        }
        change->key = table[at];
    }
    axis->texts = texts;
    axis->table = table;
    axis->table_mask = capacity - 1;
}

static void fill_text(struct builder *builder, struct tt_axis *axis)
{
    uint32_t words = builder->block->words;
    number_texts(builder, axis);
    uint64_t *rows = reserve(builder, ((size_t)axis->key_count + 1) * words, sizeof(*rows));
    if (builder->failed) {
        return;
    }
    sort_changes(builder, false);
    write_row(builder, rows);
    for (uint32_t i = 0; i < builder->change_count;) {
        uint32_t count = same_key(builder, i, false);
        uint64_t *row = rows + (size_t)builder->changes[i].key * words;
        write_changed(builder, rows, row, &builder->changes[i], count, 1);
        for (uint32_t j = i; j < i + count; j++) {
            builder->counts[builder->changes[j].lane] -= (uint32_t)builder->changes[j].by;
        }
        i += count;
    }
    axis->rows = rows;
}

/* false and true, or not in the list and in it. */
static void fill_pair(struct builder *builder, struct tt_axis *axis, const struct placed *terms)
{
    uint32_t words = builder->block->words;
    struct tt_value yes = tt_value_bool(true);
    uint64_t *rows = reserve(builder, (size_t)2 * words, sizeof(*rows));
    if (builder->failed) {
        return;
    }
    write_row(builder, rows);
    for (uint32_t i = 0; i < axis->term_count; i++) {
        const struct tt_term *term = terms[i].term;
        bool holds = term->kind == TT_TERM_MISSING || axis->kind == TT_AXIS_LIST
                         ? term->negated != (axis->kind == TT_AXIS_LIST)
                         : tt_term_holds(term, &yes);
        if (!holds) {
            set_bit(rows + words, terms[i].lane);
        }
    }
    axis->rows = rows;
}

static void fill_missing(struct builder *builder, struct tt_axis *axis, const struct placed *terms)
{
    uint32_t words = builder->block->words;
    uint64_t *rows = reserve(builder, (size_t)2 * words, sizeof(*rows));
    for (uint32_t i = 0; !builder->failed && i < axis->term_count; i++) {
        bool asks = terms[i].term->kind == TT_TERM_MISSING;
        if (!asks) {
            set_bit(rows + words, terms[i].lane);
        } else if (terms[i].term->negated) {
            set_bit(rows, terms[i].lane);
        }
    }
    axis->missing = rows;
}

static void build_axis(struct builder *builder, struct tt_axis *axis, const struct placed *terms,
                       uint32_t count)
{
    *axis = (struct tt_axis){.kind = terms->kind,
                             .type = terms->term->type,
                             .slot = terms->term->slot,
                             .term_count = count,
                             .list = terms->list};
    memset(builder->counts, 0, builder->block->lane_count * sizeof(uint32_t));
    builder->change_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        builder->counts[terms[i].lane] += starts_false(&terms[i]) ? 1 : 0;
        bool has_keys = terms[i].term->kind == TT_TERM_COMPARE || terms[i].term->kind == TT_TERM_IN;
        if (has_keys && (axis->kind == TT_AXIS_NUMBER || axis->kind == TT_AXIS_TEXT)) {
            add_changes(builder, &terms[i], i);
        }
    }
    if (axis->kind == TT_AXIS_NUMBER) {
        sort_changes(builder, true);
        fill_number(builder, axis, terms);
    } else if (axis->kind == TT_AXIS_TEXT) {
        fill_text(builder, axis);
    } else {
        fill_pair(builder, axis, terms);
    }
    fill_missing(builder, axis, terms);
}

static void build_axes(struct builder *builder)
{
    struct tt_index_block *block = builder->block;
    struct placed *placed = builder->placed;
    uint32_t axes = 0;
    if (builder->placed_count > 0) {
        qsort(placed, builder->placed_count, sizeof(*placed), order_placed);
    }
    for (uint32_t i = 0; i < builder->placed_count; i++) {
        axes += i == 0 || order_axes(&placed[i - 1], &placed[i]) != 0 ? 1 : 0;
    }
    block->axes = reserve(builder, axes, sizeof(struct tt_axis));
    builder->counts = borrow(builder, block->lane_count, sizeof(uint32_t));
    for (uint32_t i = 0; !builder->failed && i < builder->placed_count;) {
        uint32_t end = i + 1;
        while (end < builder->placed_count && order_axes(&placed[i], &placed[end]) == 0) {
            end++;
        }
        build_axis(builder, &block->axes[block->axis_count++], &placed[i], end - i);
        i = end;
    }
}

/* --- validity dates --- */

static int order_times(const void *left, const void *right)
{
    const int64_t *a = left;
    const int64_t *b = right;
    return *a < *b ? -1 : *a > *b;
}

static void add_time(struct tt_index_block *block, int64_t at)
{
    if (at != INT64_MIN && at != INT64_MAX) {
        block->times[block->time_count++] = at;
    }
}

static void build_times(struct builder *builder)
{
    struct tt_index_block *block = builder->block;
    const struct tt_rule *rules = builder->set->rules;
    block->times = reserve(builder, (size_t)2 * block->lane_count, sizeof(int64_t));
    for (uint32_t i = 0; !builder->failed && i < block->lane_count; i++) {
        add_time(block, rules[block->lanes[i].rule].info.valid_from_ms);
        add_time(block, rules[block->lanes[i].rule].info.valid_until_ms);
    }
    if (builder->failed || block->time_count == 0) {
        return;
    }
    uint32_t kept = 1;
    qsort(block->times, block->time_count, sizeof(int64_t), order_times);
    for (uint32_t i = 1; i < block->time_count; i++) {
        if (block->times[i] != block->times[kept - 1]) {
            block->times[kept++] = block->times[i];
        }
    }
    block->time_count = kept;
    block->time_rows = reserve(builder, ((size_t)kept + 1) * block->words, sizeof(uint64_t));
    for (uint32_t rank = 0; !builder->failed && rank <= kept; rank++) {
        int64_t at = rank == 0 ? INT64_MIN : block->times[rank - 1];
        for (uint32_t lane = 0; lane < block->lane_count; lane++) {
            const struct tt_rule_info *info = &rules[block->lanes[lane].rule].info;
            if (at < info->valid_from_ms || at >= info->valid_until_ms) {
                set_bit(block->time_rows + (size_t)rank * block->words, lane);
            }
        }
    }
}

/* --- blocks --- */

/* Exact lanes that are all of their rule. */
static void mark_decided(struct tt_index_block *block)
{
    for (uint32_t i = 0; i < block->lane_count; i++) {
        if (block->lanes[i].exact && block->lanes[i].count == 1) {
            set_bit(block->decided, i);
        }
    }
}

static uint32_t build_block(struct builder *builder, uint32_t place)
{
    struct tt_index_block *block = builder->block;
    block->lanes = reserve(builder, TT_LANES_MAX, sizeof(struct tt_lane));
    block->all = reserve(builder, TT_LANE_WORDS, sizeof(uint64_t));
    block->live = reserve(builder, TT_LANE_WORDS, sizeof(uint64_t));
    block->decided = reserve(builder, TT_LANE_WORDS, sizeof(uint64_t));
    if (builder->failed) {
        return place;
    }
    place = take_rules(builder, place);
    block->words = (block->lane_count + 63) / 64;
    builder->rows_left = TT_ROWS_MAX;
    builder->placed_count = 0;
    place_terms(builder);
    if (!builder->failed) {
        mark_decided(block);
        build_axes(builder);
        build_times(builder);
    }
    return place;
}

/* At least so many lanes stand in every block but the last. */
#define BLOCK_LANES_MIN (TT_LANES_MAX - TT_WAYS_MAX + 1)

enum tt_status tt_rule_index_build(struct tt_rules *set, struct tt_error *err)
{
    struct tt_arena temp;
    struct builder builder = {.set = set, .temp = &temp};
    tt_arena_init(&temp, set->alloc, ARENA_BLOCK_SIZE, ARENA_SIZE_MAX);
    uint32_t total = set->live_count + set->shadow_count;
    uint32_t lanes = 0;
    for (uint32_t i = 0; i < total; i++) {
        lanes += ways_of(set, ordered_rule(set, i))->count;
    }
    set->index.blocks =
        reserve(&builder, lanes / BLOCK_LANES_MIN + 1, sizeof(struct tt_index_block));
    for (uint32_t place = 0; !builder.failed && place < total;) {
        builder.block = &set->index.blocks[set->index.block_count++];
        place = build_block(&builder, place);
        builder.changes = NULL;
        builder.change_max = 0;
        tt_arena_reset(&temp);
    }
    tt_arena_deinit(&temp);
    return builder.failed ? tt_rules_nomem(err) : TT_OK;
}
