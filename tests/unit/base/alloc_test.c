/* The libc allocator's helpers and the arena. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "support/torture.h"

static void an_array_whose_size_overflows_is_refused(void **state)
{
    (void)state;
    assert_null(tt_new_array(&tt_alloc_libc, SIZE_MAX / 2, 3));
    struct tt_arena arena;
    tt_arena_init(&arena, &tt_alloc_libc, 64, SIZE_MAX);
    assert_null(tt_arena_new_array(&arena, SIZE_MAX / 2, 3));
    assert_null(tt_arena_new(&arena, SIZE_MAX));
    assert_null(tt_arena_new(&arena, SIZE_MAX - 15));
    assert_null(tt_arena_copy(&arena, NULL, SIZE_MAX));
    tt_arena_deinit(&arena);
}

static void nothing_is_allocated_as_one_byte_and_given_back(void **state)
{
    (void)state;
    struct tt_torture torture;
    tt_torture_init(&torture, 0);
    void *p = tt_new(&torture.alloc, 0);
    void *q = tt_new_array(&torture.alloc, 0, 8);
    assert_non_null(p);
    assert_non_null(q);
    tt_delete(&torture.alloc, p, 0);
    tt_delete(&torture.alloc, q, 0);
    tt_delete(&torture.alloc, NULL, 5);
    tt_torture_check(&torture);
}

static void arena_memory_is_aligned_distinct_and_keeps_its_bytes(void **state)
{
    (void)state;
    struct tt_torture torture;
    tt_torture_init(&torture, 0);
    struct tt_arena arena;
    tt_arena_init(&arena, &torture.alloc, 100, 1 << 20);
    unsigned char *pieces[300];
    for (size_t i = 0; i < 300; i++) {
        pieces[i] = tt_arena_new(&arena, i);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        memset(pieces[i], (int)(i & 0xff), i);
    }
    for (size_t i = 0; i < 300; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_int_equal(pieces[i][j], i & 0xff);
        }
    }
    tt_arena_deinit(&arena);
    assert_int_equal(arena.size_total, 0);
    tt_torture_check(&torture);
}

static void arena_stops_at_its_maximum(void **state)
{
    (void)state;
    struct tt_arena arena;
    tt_arena_init(&arena, &tt_alloc_libc, 64, 256);
    size_t count = 0;
    while (tt_arena_new(&arena, 16) != NULL) {
        count++;
        assert_in_range(arena.size_total, 16, 256);
    }
    assert_int_equal(count, 16);
    tt_arena_reset(&arena);
    assert_non_null(tt_arena_new(&arena, 16));
    tt_arena_deinit(&arena);
    tt_arena_init(&arena, &tt_alloc_libc, 64, 0);
    assert_null(tt_arena_new(&arena, 1));
    tt_arena_deinit(&arena);
}

static void a_steady_batch_ends_up_allocating_nothing(void **state)
{
    (void)state;
    struct tt_torture torture;
    tt_torture_init(&torture, 0);
    struct tt_arena arena;
    tt_arena_init(&arena, &torture.alloc, 64, 1 << 20);
    uint64_t before = 0;
    for (int batch = 0; batch < 6; batch++) {
        before = torture.count;
        for (int i = 0; i < 1000; i++) {
            assert_non_null(tt_arena_new(&arena, 40));
        }
        tt_arena_reset(&arena);
    }
    assert_int_equal(torture.count, before);
    tt_arena_deinit(&arena);
    tt_torture_check(&torture);
}

static void arena_as_allocator_grows_the_newest_in_place_and_copies_others(void **state)
{
    (void)state;
    struct tt_arena arena;
    tt_arena_init(&arena, &tt_alloc_libc, 256, 4096);
    struct tt_alloc alloc = tt_arena_alloc(&arena);
    char *first = tt_new(&alloc, 10);
    assert_non_null(first);
    memcpy(first, "123456789", 10);
    assert_ptr_equal(tt_resize(&alloc, first, 10, 100), first);
    char *second = tt_new(&alloc, 10);
    assert_true(second >= first + 100);
    char *moved = tt_resize(&alloc, first, 100, 120);
    assert_non_null(moved);
    assert_ptr_not_equal(moved, first);
    assert_string_equal(moved, "123456789");
    assert_ptr_equal(tt_resize(&alloc, moved, 120, 20), moved);
    assert_null(tt_resize(&alloc, moved, 20, 100000));
    tt_delete(&alloc, moved, 20);
    tt_arena_deinit(&arena);
}

static void arena_copy_ends_in_nul(void **state)
{
    (void)state;
    struct tt_arena arena;
    tt_arena_init(&arena, &tt_alloc_libc, 64, 4096);
    assert_string_equal(tt_arena_copy(&arena, "abcdef", 3), "abc");
    assert_string_equal(tt_arena_copy(&arena, NULL, 0), "");
    tt_arena_deinit(&arena);
}

static enum tt_status fill_arena(const struct tt_alloc *alloc, void *ctx)
{
    (void)ctx;
    struct tt_arena arena;
    enum tt_status status = TT_OK;
    tt_arena_init(&arena, alloc, 32, 100000);
    for (int i = 0; i < 300 && status == TT_OK; i++) {
        status = tt_arena_new(&arena, 64) != NULL ? TT_OK : TT_E_NOMEM;
    }
    tt_arena_deinit(&arena);
    return status;
}

static void arena_survives_every_failed_allocation(void **state)
{
    (void)state;
    tt_torture_run(fill_arena, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_array_whose_size_overflows_is_refused),
        cmocka_unit_test(nothing_is_allocated_as_one_byte_and_given_back),
        cmocka_unit_test(arena_memory_is_aligned_distinct_and_keeps_its_bytes),
        cmocka_unit_test(arena_stops_at_its_maximum),
        cmocka_unit_test(a_steady_batch_ends_up_allocating_nothing),
        cmocka_unit_test(arena_as_allocator_grows_the_newest_in_place_and_copies_others),
        cmocka_unit_test(arena_copy_ends_in_nul),
        cmocka_unit_test(arena_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
