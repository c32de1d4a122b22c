/* The functions of expressions as a page, from their table. */
#include "core/expr/funcs/func.h"

static const char *type_name(uint8_t type)
{
    return type == TT_TYPE_NONE ? "its item" : tt_type_name((enum tt_type)type);
}

/* "name(a, b)" or "a.name(b)" with the result. */
static void append_signature(const struct tt_func *func, bool method, struct tt_buf *buf)
{
    if (method) {
        tt_buf_append_format(buf, "%s.", type_name(func->args[0]));
    }
    tt_buf_append_format(buf, "%s(", func->name);
    for (uint32_t i = method ? 1 : 0; i < func->arg_count; i++) {
        tt_buf_append_format(buf, "%s%s", i > (method ? 1u : 0u) ? ", " : "",
                             type_name(func->args[i]));
    }
    tt_buf_append_format(buf, ") → %s",
                         func->result == TT_RESULT_FIRST ? "the same" : type_name(func->result));
}

enum tt_status tt_expr_functions_docs(struct tt_buf *buf)
{
    tt_buf_append_text(buf,
                       "Operators, macros (`all exists exists_one map filter`, those of two "
                       "variables, `cel.bind`, `sortBy`) and `has` are the specification's. `dyn` "
                       "is any type.\n\n| function | what | cost |\n| --- | --- | --- |\n");
    for (uint32_t i = 0; i < tt_func_count; i++) {
        const struct tt_func *func = &tt_funcs[i];
        if ((func->styles & TT_FUNC_OPERATOR) != 0) {
            continue;
        }
        tt_buf_append_text(buf, "| `");
        append_signature(func, (func->styles & TT_FUNC_METHOD) != 0, buf);
        tt_buf_append_format(buf, "` | %s%s | %u |\n", func->doc,
                             (func->styles & TT_FUNC_BOTH) == TT_FUNC_BOTH
                                 ? " Also written as a function of all its arguments."
                                 : "",
                             func->cost);
    }
    return buf->status;
}
