/* See torture.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/torture.h"

struct header {
    size_t size;
    size_t magic;
};
#define MAGIC ((size_t)0x7e117a1eu)

static void *torture_resize(void *ctx, void *pointer, size_t old_size, size_t new_size)
{
    struct tt_torture *torture = ctx;
    struct header *old = pointer != NULL ? (struct header *)pointer - 1 : NULL;
    if (old != NULL) {
        assert_true(old->magic == MAGIC);
        assert_int_equal(old->size, old_size);
    }
    if (new_size == 0) {
        if (old != NULL) {
            torture->live_blocks--;
            torture->live_bytes -= old_size;
            old->magic = 0;
            free(old);
        }
        return NULL;
    }
    torture->count++;
    if (torture->fail_at != 0 && (torture->count == torture->fail_at ||
                                  (torture->fail_after && torture->count > torture->fail_at))) {
        return NULL;
    }
    struct header *fresh = malloc(sizeof *fresh + new_size);
    assert_non_null(fresh);
    fresh->size = new_size;
    fresh->magic = MAGIC;
    torture->live_bytes += new_size;
    torture->live_blocks++;
    if (old != NULL) {
        memcpy(fresh + 1, pointer, old_size < new_size ? old_size : new_size);
        torture->live_bytes -= old_size;
        torture->live_blocks--;
        old->magic = 0;
        free(old);
    }
    return fresh + 1;
}

void tt_torture_init(struct tt_torture *torture, uint64_t fail_at)
{
    *torture = (struct tt_torture){.fail_at = fail_at};
    torture->alloc = (struct tt_alloc){torture_resize, torture};
}

void tt_torture_check(const struct tt_torture *torture)
{
    assert_int_equal(torture->live_blocks, 0);
    assert_int_equal(torture->live_bytes, 0);
}

void tt_torture_run(enum tt_status (*body)(const struct tt_alloc *alloc, void *ctx), void *ctx)
{
    for (uint64_t n = 1; n < 1000000; n++) {
        struct tt_torture torture;
        tt_torture_init(&torture, n);
        enum tt_status status = body(&torture.alloc, ctx);
        tt_torture_check(&torture);
        if (status == TT_OK) {
            if (torture.count >= n) {
                continue; /* survived the failure by a fallback */
            }
            return;
        }
        assert_true(status == TT_E_NOMEM || status == TT_E_LIMIT);
    }
    fail_msg("torture did not end");
}
