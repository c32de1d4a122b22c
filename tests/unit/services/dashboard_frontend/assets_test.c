/* The dashboard's table keeps what assets.h promises, whether the dashboard was built or not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "services/dashboard_frontend/assets.h"

static const struct tt_asset *find(const char *path, bool gzip)
{
    for (size_t i = 0; i < tt_asset_count; i++) {
        if (strcmp(tt_assets[i].path, path) == 0 && tt_assets[i].gzip == gzip) {
            return &tt_assets[i];
        }
    }
    return NULL;
}

static void assets_always_have_an_index_page(void **state)
{
    (void)state;
    const struct tt_asset *index = find("index.html", false);
    assert_non_null(index);
    assert_string_equal(index->content_type, "text/html; charset=utf-8");
    static const char start[] = "<!doctype html>";
    assert_true(index->size > sizeof(start));
    assert_memory_equal(index->data, start, sizeof(start) - 1);
}

static void assets_are_sorted_by_path_with_the_plain_form_first(void **state)
{
    (void)state;
    for (size_t i = 1; i < tt_asset_count; i++) {
        int order = strcmp(tt_assets[i - 1].path, tt_assets[i].path);
        assert_true(order <= 0);
        if (order == 0) {
            assert_false(tt_assets[i - 1].gzip);
            assert_true(tt_assets[i].gzip);
            assert_true(tt_assets[i].size < tt_assets[i - 1].size);
        }
    }
}

static void assets_in_gzip_form_have_a_plain_one_too(void **state)
{
    (void)state;
    for (size_t i = 0; i < tt_asset_count; i++) {
        if (tt_assets[i].gzip) {
            assert_non_null(find(tt_assets[i].path, false));
            assert_int_equal(tt_assets[i].data[0], 0x1f);
            assert_int_equal(tt_assets[i].data[1], 0x8b);
        }
    }
}

static void assets_have_quoted_tags_all_different_where_bytes_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < tt_asset_count; i++) {
        const struct tt_asset *asset = &tt_assets[i];
        size_t length = strlen(asset->etag);
        assert_true(length > 2);
        assert_int_equal(asset->etag[0], '"');
        assert_int_equal(asset->etag[length - 1], '"');
        for (size_t j = 0; j < i; j++) {
            bool same = asset->size == tt_assets[j].size &&
                        memcmp(asset->data, tt_assets[j].data, asset->size) == 0;
            assert_int_equal(same, strcmp(asset->etag, tt_assets[j].etag) == 0);
        }
    }
}

static void assets_have_relative_paths(void **state)
{
    (void)state;
    for (size_t i = 0; i < tt_asset_count; i++) {
        assert_true(tt_assets[i].path[0] != '\0' && tt_assets[i].path[0] != '/');
        assert_null(strstr(tt_assets[i].path, ".."));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(assets_always_have_an_index_page),
        cmocka_unit_test(assets_are_sorted_by_path_with_the_plain_form_first),
        cmocka_unit_test(assets_in_gzip_form_have_a_plain_one_too),
        cmocka_unit_test(assets_have_quoted_tags_all_different_where_bytes_are),
        cmocka_unit_test(assets_have_relative_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
