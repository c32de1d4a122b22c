/* Room is made by moving to the start where a quarter is free in front, by growing by half
 * otherwise: either way a constant per item in the mean. */
#include "core/features/strip.h"

#include <string.h>

enum tt_status tt_strip_reserve(struct tt_strip *strip, const struct tt_alloc *alloc, size_t size,
                                uint32_t more, uint64_t *bytes)
{
    uint32_t count = strip->count + more;
    if (strip->begin + count <= strip->capacity) {
        return TT_OK;
    }
    if (count <= strip->capacity && strip->begin >= strip->capacity / 4) {
        memmove(strip->bytes, tt_strip_item(strip, size, 0), strip->count * size);
        strip->begin = 0;
        return TT_OK;
    }
    uint32_t capacity = count + count / 2 < 4 ? 4 : count + count / 2;
    char *array = tt_new(alloc, capacity * size);
    if (array == NULL) {
        return TT_E_NOMEM;
    }
    if (strip->count > 0) {
        memcpy(array, tt_strip_item(strip, size, 0), strip->count * size);
    }
    tt_delete(alloc, strip->bytes, strip->capacity * size);
    *bytes += capacity * size;
    *bytes -= strip->capacity * size;
    strip->bytes = array;
    strip->begin = 0;
    strip->capacity = capacity;
    return TT_OK;
}

void tt_strip_deinit(struct tt_strip *strip, const struct tt_alloc *alloc, size_t size,
                     uint64_t *bytes)
{
    tt_delete(alloc, strip->bytes, strip->capacity * size);
    *bytes -= strip->capacity * size;
    *strip = (struct tt_strip){0};
}

void *tt_strip_insert(struct tt_strip *strip, size_t size, uint32_t at)
{
    TT_ASSERT(at <= strip->count && strip->begin + strip->count < strip->capacity);
    char *place = tt_strip_item(strip, size, at);
    memmove(place + size, place, (strip->count - at) * size);
    strip->count++;
    return place;
}

void tt_strip_remove(struct tt_strip *strip, size_t size, uint32_t at)
{
    TT_ASSERT(at < strip->count);
    char *place = tt_strip_item(strip, size, at);
    strip->count--;
    memmove(place, place + size, (strip->count - at) * size);
}

void tt_strip_drop(struct tt_strip *strip, uint32_t count)
{
    TT_ASSERT(count <= strip->count);
    strip->begin += count;
    strip->count -= count;
    if (strip->count == 0) {
        strip->begin = 0;
    }
}
