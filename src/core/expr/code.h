/*
 * Bytecode. Private to core/expr.
 *
 * What:    instructions of 16 bytes over operands in registers, slots or constants alike.
 * Why:     an operand names its space in its two top bits, so that an instruction reads a feature,
 *          a constant or an intermediate value without a load before it. Terms of && and || that
 *          compare are one instruction: compare, keep an error, leave the chain.
 *          A destination is a register.
 * Limits:  2^14 constants.
 */
#ifndef TT_CORE_EXPR_CODE_H
#define TT_CORE_EXPR_CODE_H

#include "core/expr/ast.h"

enum tt_opcode {
    TT_OP_NONE = 0,
#define TT_OP(name, form, doc) TT_OP_##name,
#include "core/expr/opcodes.def"
#undef TT_OP
    TT_OP_COUNT
};

enum tt_space { TT_IN_REGISTERS = 0, TT_IN_SLOTS, TT_IN_CONSTANTS, TT_SPACE_COUNT };
#define TT_OPERAND(space, index) ((uint16_t)(((unsigned)(space) << 14) | (unsigned)(index)))
#define TT_OPERAND_SPACE(operand) ((operand) >> 14)
#define TT_OPERAND_INDEX(operand) ((operand) & 0x3FFFu)
#define TT_CONSTANTS_MAX 0x4000

#define TT_HANDLE_SHIFT 16

struct tt_insn {
    uint16_t opcode;
    uint16_t dst;
    uint16_t a, b;
    union {
        struct {
            uint32_t target;    /* of a jump, or where a chain ends */
            uint32_t otherwise; /* of a branch */
        };
        struct {
            uint16_t func;  /* row + 1, 0 = decided by the types met */
            uint16_t first; /* first row of the name */
            uint32_t count; /* of arguments or items; a call's handle + 1 above TT_HANDLE_SHIFT */
        };
        uint32_t relation;
        struct {
            uint32_t end;  /* of a loop: where to go with an error, or after the last item */
            uint16_t body; /* instructions of a round */
            uint8_t kind;  /* enum tt_loop */
            uint8_t two;   /* variables: two instead of one */
        };
    };
};

struct tt_slot_name {
    uint32_t slot;
    struct tt_str name;
};

/* A constant pattern or zone, made by the host. */
struct tt_handle {
    void *made;
    bool is_zone;
};

struct tt_expr {
    const struct tt_alloc *alloc;
    struct tt_arena arena; /* everything below */
    struct tt_insn *code;
    struct tt_value *constants;
    uint32_t *places;           /* of instructions: offset + 1 in the text */
    struct tt_slot_name *names; /* of the slots read, ascending; for explain */
    const struct tt_expr_host *host;
    struct tt_handle *handles;
    uint32_t handle_count;
    uint32_t *operands; /* of a covered expression: offsets in the text */
    uint32_t operand_count;
    uint32_t code_count, constant_count, name_count;
    enum tt_type type;
    uint64_t cost_max;
    struct tt_ways *ways; /* NULL unless asked for */
    uint64_t uses[TT_EXPR_SLOTS_MAX / 64];
};

/* Makes a constant pattern or zone and keeps it with the expression: its number + 1. 0: there is no
 * room or no host, or it is none, which fails the compilation unless that waits for the evaluation
 * (`waits`). */
uint32_t tt_expr_keep_handle(struct tt_compile *compile, struct tt_expr *expr,
                             const struct tt_node *arg, bool is_zone, bool waits);
/* Whether a zone is UTC or an offset, for which no host is needed. */
bool tt_zone_is_offset(struct tt_str zone);

#endif
