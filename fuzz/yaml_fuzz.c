/* YAML, and mapping files compiled from it: any bytes give a tree with sound links, or an error
 * with a message. */
#include "format/record/record_map.h"
#include "format/yaml.h"
#include "fuzz.h"

static uint32_t count_nodes(const struct tt_tree *node, uint32_t depth)
{
    uint32_t count = 1, children = 0;
    TT_ASSERT(depth <= TT_YAML_DEPTH_MAX && node->line >= 1 && node->column >= 1);
    for (const struct tt_tree *child = node->children; child != NULL; child = child->next) {
        count += count_nodes(child, depth + 1);
        children++;
    }
    TT_ASSERT(children == node->child_count);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tt_arena arena;
    struct tt_tree *tree = NULL;
    const struct tt_record_map *map = NULL;
    struct tt_error err = {0};
    tt_arena_init(&arena, &tt_alloc_libc, 4096, 64u << 20);
    if (tt_yaml_parse(&arena, (struct tt_str){(const char *)data, size}, &tree, &err) == TT_OK) {
        TT_ASSERT(count_nodes(tree, 0) <= TT_YAML_NODES_MAX + 1);
        if (tt_record_map_compile(&arena, tree, &map, &err) != TT_OK) {
            TT_ASSERT(err.message[0] != '\0' && map == NULL);
        }
    } else {
        TT_ASSERT(err.message[0] != '\0' && tree == NULL);
    }
    tt_arena_deinit(&arena);
    return 0;
}
