/* Attributes: a declared type, a value that must be of it. See check.h. */
#include <string.h>

#include "base/number.h"
#include "format/record/check.h"
#include "format/record/pan.h"

static enum tt_status refuse(struct tt_verdict *verdict, struct tt_str name,
                             const struct tt_record_scalar *value, const char *text)
{
    struct tt_record_value found = {value->text, value->offset};
    return tt_record_refuse(verdict, TT_REJECT_BAD_ATTRIBUTE, name, &found, text);
}

static bool read_bool(const struct tt_record_scalar *value, double *ret)
{
    if (!value->cell) {
        *ret = value->boolean ? 1.0 : 0.0;
        return value->kind == TT_ATTRIBUTE_BOOL;
    }
    bool yes = tt_str_equal_text(value->text, "true") || tt_str_equal_text(value->text, "1");
    bool no = tt_str_equal_text(value->text, "false") || tt_str_equal_text(value->text, "0");
    *ret = yes ? 1.0 : 0.0;
    return yes || no;
}

/* A number that is a whole card number cannot be masked: it is left out. */
static bool is_pan(struct tt_str text)
{
    size_t at = 0, size = 0;
    return tt_pan_find(text, &at, &size);
}

static enum tt_status read_number(const struct tt_record_schema *schema, struct tt_record_raw *raw,
                                  struct tt_str name, const struct tt_record_scalar *value,
                                  struct tt_attribute *attribute, struct tt_verdict *ret_verdict)
{
    if ((!value->cell && value->kind != TT_ATTRIBUTE_DOUBLE) ||
        !tt_double_parse(value->text, &attribute->number)) {
        return refuse(ret_verdict, name, value, "is not a number in range");
    }
    attribute->number += 0.0; /* one zero only */
    if (is_pan(value->text)) {
        if (schema->pan == TT_PAN_REJECT) {
            struct tt_record_value found = {value->text, value->offset};
            return tt_record_refuse(ret_verdict, TT_REJECT_PAN_REJECTED, name, &found,
                                    "looks like a card number");
        }
        raw->pan_count++;
        raw->attribute_count--; /* the caller has counted it */
    }
    return TT_OK;
}

static enum tt_status read_text(const struct tt_record_schema *schema, struct tt_record_raw *raw,
                                struct tt_str name, const struct tt_record_scalar *value,
                                struct tt_attribute *attribute, struct tt_arena *arena,
                                struct tt_verdict *ret_verdict)
{
    struct tt_record_value text = {value->text, value->offset};
    if (!value->cell && value->kind != TT_ATTRIBUTE_STRING) {
        return refuse(ret_verdict, name, value, "is not text");
    }
    if (text.text.size > TT_ID_SIZE_MAX) {
        return tt_verdict_set(ret_verdict, TT_REJECT_TEXT_SIZE, name, value->offset,
                              "%zu bytes, allowed are %d", text.text.size, TT_ID_SIZE_MAX);
    }
    enum tt_status status =
        tt_record_replace_pan(schema, name, false, &text, arena, &raw->pan_count, ret_verdict);
    attribute->text = text.text;
    return status;
}

enum tt_status tt_record_add_attribute(const struct tt_record_schema *schema,
                                       struct tt_record_raw *raw, struct tt_str name,
                                       enum tt_attribute_type type,
                                       const struct tt_record_scalar *value, struct tt_arena *arena,
                                       struct tt_verdict *ret_verdict)
{
    if (name.size == 0 || name.size > TT_TEXT_SIZE_MAX) {
        return refuse(ret_verdict, name, value, "has a name that is not 1 to 64 bytes");
    }
    if (is_pan(name)) {
        return tt_verdict_set(ret_verdict, TT_REJECT_PAN_REJECTED, name, value->offset,
                              "a field's name looks like a card number");
    }
    for (uint32_t i = 0; i < raw->attribute_count; i++) {
        if (tt_str_equal(raw->attributes[i].name, name)) {
            return tt_verdict_set(ret_verdict, TT_REJECT_DUPLICATE_KEY, name, value->offset,
                                  "the attribute is given twice");
        }
    }
    if (raw->attribute_count == TT_ATTRIBUTES_MAX) {
        return refuse(ret_verdict, name, value, "would be one attribute too many");
    }
    struct tt_attribute *attribute = &raw->attributes[raw->attribute_count++];
    *attribute = (struct tt_attribute){.name = name, .type = type};
    switch (type) {
    case TT_ATTRIBUTE_BOOL:
        return read_bool(value, &attribute->number)
                   ? TT_OK
                   : refuse(ret_verdict, name, value, "is neither true nor false");
    case TT_ATTRIBUTE_DOUBLE:
        return read_number(schema, raw, name, value, attribute, ret_verdict);
    case TT_ATTRIBUTE_STRING:
        break;
    }
    return read_text(schema, raw, name, value, attribute, arena, ret_verdict);
}
