/*
 * Texts and lists. Sizes count code points; made texts live in the scratch, and work that grows
 * with a text is added to the cost.
 */
#include <string.h>

#include "core/expr/funcs/impl.h"

#define BYTES_PER_COST 16

static void add_cost(struct tt_call *call, struct tt_str text)
{
    call->cost += text.size / BYTES_PER_COST;
}

static void append(char **at, struct tt_str text)
{
    if (text.size > 0) {
        memcpy(*at, text.data, text.size);
        *at += text.size;
    }
}

IMPL(tt_fn_add_string)
{
    struct tt_str left = args[0]->text;
    struct tt_str right = args[1]->text;
    char *at = tt_call_text(call, left.size + right.size, ret);
    if (at != NULL) {
        append(&at, left);
        append(&at, right);
    }
}

IMPL(tt_fn_size_string)
{
    struct tt_str text = args[0]->text;
    int64_t count = 0;
    for (size_t i = 0; i < text.size; i++) {
        count += ((unsigned char)text.data[i] & 0xC0) != 0x80;
    }
    add_cost(call, text);
    *ret = tt_value_int(count);
}

IMPL(tt_fn_size_list)
{
    *ret = tt_value_int(args[0]->list->count);
}

IMPL(tt_fn_starts_with)
{
    *ret = tt_value_bool(tt_str_starts_with(args[0]->text, args[1]->text));
}

IMPL(tt_fn_ends_with)
{
    *ret = tt_value_bool(tt_str_ends_with(args[0]->text, args[1]->text));
}

IMPL(tt_fn_contains)
{
    struct tt_str text = args[0]->text;
    struct tt_str part = args[1]->text;
    add_cost(call, text);
    *ret =
        tt_value_bool(part.size == 0 || memmem(text.data, text.size, part.data, part.size) != NULL);
}

/* The text with the letters from `first` to `first` + 25 in the other case. */
static void change_case(struct tt_call *call, struct tt_str text, char first, struct tt_value *ret)
{
    char *out = tt_call_text(call, text.size, ret);
    add_cost(call, text);
    for (size_t i = 0; out != NULL && i < text.size; i++) {
        char c = text.data[i];
        out[i] = c >= first && c <= first + 25 ? (char)(c ^ 0x20) : c;
    }
}

IMPL(tt_fn_lower_ascii)
{
    change_case(call, args[0]->text, 'A', ret);
}

IMPL(tt_fn_upper_ascii)
{
    change_case(call, args[0]->text, 'a', ret);
}

IMPL(tt_fn_size_bytes)
{
    *ret = tt_value_int((int64_t)args[0]->text.size);
}

IMPL(tt_fn_add_bytes)
{
    tt_fn_add_string(call, args, ret);
    if (ret->type == TT_TYPE_STRING) {
        ret->type = TT_TYPE_BYTES;
    }
}
