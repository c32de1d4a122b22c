/* A source over bytes in memory. See source.h. */
#include "format/source.h"

#include <string.h>

static enum tt_status memory_read(void *ctx, char *data, size_t capacity, size_t *ret_size,
                                  struct tt_error *err)
{
    struct tt_memory_source *memory = ctx;
    size_t size = memory->rest.size < capacity ? memory->rest.size : capacity;
    (void)err;
    if (memory->chunk_size != 0 && size > memory->chunk_size) {
        size = memory->chunk_size;
    }
    if (size > 0) {
        memcpy(data, memory->rest.data, size);
        memory->rest.data += size;
        memory->rest.size -= size;
    }
    *ret_size = size;
    return TT_OK;
}

struct tt_source tt_memory_source_init(struct tt_memory_source *memory, struct tt_str text,
                                       size_t chunk_size)
{
    memory->rest = text;
    memory->chunk_size = chunk_size;
    return (struct tt_source){memory_read, memory};
}
