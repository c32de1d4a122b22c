/*
 * Bytecode as text, driven by the forms in opcodes.def.
 */
#include "core/expr/code.h"
#include "core/expr/funcs/func.h"

struct opcode_row {
    const char *name;
    const char *form;
};

static const struct opcode_row rows[] = {
    [TT_OP_NONE] = {"NONE", ""},
#define TT_OP(name, form, doc) [TT_OP_##name] = {#name, form},
#include "core/expr/opcodes.def"
#undef TT_OP
};

#define LIST_SHOWN_MAX 8

static void print_constant(const struct tt_value *value, struct tt_buf *buf)
{
    if (value->type == TT_TYPE_LIST && value->list->count > LIST_SHOWN_MAX) {
        tt_buf_append_format(buf, "list of %u", value->list->count);
    } else {
        (void)tt_value_print(value, buf);
    }
}

static void print_operand(const struct tt_expr *expr, uint16_t operand, struct tt_buf *buf)
{
    uint32_t index = TT_OPERAND_INDEX(operand);
    if (TT_OPERAND_SPACE(operand) == TT_IN_REGISTERS) {
        tt_buf_append_format(buf, "r%u", index);
        return;
    }
    if (TT_OPERAND_SPACE(operand) == TT_IN_CONSTANTS) {
        print_constant(&expr->constants[index], buf);
        return;
    }
    for (uint32_t i = 0; i < expr->name_count; i++) {
        if (expr->names[i].slot == index) {
            tt_buf_append_str(buf, expr->names[i].name);
        }
    }
}

static void print_run(const struct tt_expr *expr, const struct tt_insn *insn, struct tt_buf *buf)
{
    bool calls = insn->opcode == TT_OP_CALL;
    uint32_t count = calls ? insn->count & ((1u << TT_HANDLE_SHIFT) - 1) : insn->count;
    print_operand(expr, insn->a, buf);
    if (count == 2 && calls) {
        tt_buf_append_text(buf, ", ");
        print_operand(expr, insn->b, buf);
    } else if (count != 1) {
        tt_buf_append_format(buf, " and on, %u", count);
    }
}

static void print_field(const struct tt_expr *expr, const struct tt_insn *insn, char field,
                        struct tt_buf *buf)
{
    static const char *const relations[] = {
        [TT_LT] = "<",  [TT_LE] = "<=", [TT_GT] = ">", [TT_GE] = ">=",
        [TT_EQ] = "==", [TT_NE] = "!=", [TT_IN] = "in"};
    switch (field) {
    case 'd':
        print_operand(expr, insn->dst, buf);
        break;
    case 'a':
        print_operand(expr, insn->a, buf);
        break;
    case 'b':
        print_operand(expr, insn->b, buf);
        break;
    case 'r':
        tt_buf_append_text(buf, relations[insn->relation]);
        break;
    case 't':
        tt_buf_append_format(buf, "to %u", insn->target);
        break;
    case 'e':
        tt_buf_append_format(buf, "else %u", insn->otherwise);
        break;
    case 'm':
        tt_buf_append_format(buf, "operand %u", insn->count);
        break;
    case 'f':
        tt_buf_append_text(buf, tt_funcs[insn->first].name);
        tt_buf_append_text(buf, insn->func == 0 ? " (by type)" : "");
        break;
    default: /* n: the operands of a call, or the run of registers */
        print_run(expr, insn, buf);
        break;
    }
}

enum tt_status tt_expr_explain(const struct tt_expr *expr, struct tt_buf *buf)
{
    for (uint32_t i = 0; i < expr->code_count; i++) {
        const struct tt_insn *insn = &expr->code[i];
        const struct opcode_row *row = &rows[insn->opcode];
        tt_buf_append_format(buf, "%4u  %-16s", i, row->name);
        for (const char *field = row->form; *field != '\0'; field++) {
            tt_buf_append_text(buf, field == row->form ? "" : ", ");
            print_field(expr, insn, *field, buf);
        }
        tt_buf_append_char(buf, '\n');
    }
    return buf->status;
}
