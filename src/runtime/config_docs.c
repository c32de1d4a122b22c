/* What the table of options says about itself: the reference page and the JSON Schema. */
#include <string.h>

#include "base/number.h"
#include "format/json_write.h"
#include "runtime/config_rows.h"

static const char *const kind_names[] = {
    [TT_OPTION_KIND_BOOL] = "true or false", [TT_OPTION_KIND_INT] = "integer",
    [TT_OPTION_KIND_SIZE] = "size",          [TT_OPTION_KIND_DURATION] = "duration",
    [TT_OPTION_KIND_TEXT] = "text",          [TT_OPTION_KIND_CHOICE] = "choice",
    [TT_OPTION_KIND_SECRET] = "secret",      [TT_OPTION_KIND_LIST] = "list of texts",
    [TT_OPTION_KIND_TREE] = "mapping",
};

/* The group of a path: what is before its first dot, "" for a key of its own. */
static struct tt_str group_of(const char *path)
{
    const char *dot = strchr(path, '.');
    return (struct tt_str){path, dot != NULL ? (size_t)(dot - path) : 0};
}

/* A bar ends a cell. */
static void write_cell(struct tt_buf *buf, const char *text)
{
    for (const char *next = text; *next != '\0'; next++) {
        if (*next == '|') {
            (void)tt_buf_append_char(buf, '\\');
        }
        (void)tt_buf_append_char(buf, *next);
    }
}

static void write_choices(struct tt_buf *buf, const struct tt_option_row *row)
{
    struct tt_str rest = tt_str_from(row->min);
    struct tt_str name;
    const char *separator = "";
    while (tt_choice_next(&rest, &name)) {
        (void)tt_buf_append_format(buf, "%s`%.*s`", separator, TT_STR_ARG(name));
        separator = ", ";
    }
}

static void write_range(struct tt_buf *buf, const struct tt_option_row *row)
{
    if (row->kind == TT_OPTION_KIND_CHOICE || row->kind == TT_OPTION_KIND_LIST) {
        write_choices(buf, row);
    } else if (row->min[0] != '\0' || row->max[0] != '\0') {
        (void)tt_buf_append_format(buf, "%s … %s", row->min, row->max);
    }
}

static void write_row(struct tt_buf *buf, const struct tt_option_row *row)
{
    (void)tt_buf_append_format(buf, "| `%s` | %s | ", row->path, kind_names[row->kind]);
    if (row->initial != NULL) {
        (void)tt_buf_append_format(buf, "`%s`", row->initial);
    } else {
        (void)tt_buf_append_text(buf, "–");
    }
    (void)tt_buf_append_text(buf, " | ");
    write_range(buf, row);
    /* the unit of sizes and durations is written with the value */
    bool with_unit = row->kind != TT_OPTION_KIND_SIZE && row->kind != TT_OPTION_KIND_DURATION;
    (void)tt_buf_append_format(buf, " | %s | ", with_unit ? row->unit : "");
    write_cell(buf, row->help);
    (void)tt_buf_append_text(buf, " |\n");
}

static void write_table(struct tt_buf *buf, struct tt_str group)
{
    if (group.size == 0) {
        (void)tt_buf_append_text(buf, "\n## Top level\n");
    } else {
        (void)tt_buf_append_format(buf, "\n## %.*s\n", TT_STR_ARG(group));
    }
    (void)tt_buf_append_text(buf, "\n| key | type | default | values | unit | meaning |\n"
                                  "| --- | --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < tt_option_count; i++) {
        if (tt_str_equal(group_of(tt_option_rows[i].path), group)) {
            write_row(buf, &tt_option_rows[i]);
        }
    }
}

static const char introduction[] =
    "# Configuration\n"
    "\n"
    "Made from `src/runtime/options.def` by `telltale config docs`.\n"
    "\n"
    "One YAML file holds all options; a dot in a key below is a level of nesting in the file\n"
    "(`http.port` is `port` under `http`). The file is `--config`, else `$TELLTALE_CONFIG`, else\n"
    "`./telltale.yaml`, else `telltale/telltale.yaml` in `$XDG_CONFIG_HOME`, else\n"
    "`/etc/telltale/telltale.yaml`; without one, the defaults hold. `--set key=value` comes after "
    "the\n"
    "file. An unknown key stops the start.\n"
    "\n"
    "- **size**: bytes, or with a unit: `64KiB`, `16MiB`, `1GiB`, `1TiB`.\n"
    "- **duration**: `250ms`, `30s`, `5m`, `12h`, `7d`, `2w`, also joined: `1d12h`.\n"
    "- **list of texts**: a sequence, or one text; with `--set`, texts with commas between.\n"
    "- **secret**: a text that `config show` never prints.\n"
    "- A default of – means: not set. `null` says so in the file.\n"
    "- `${env:NAME}` and `${file:path}` in any value of the file stand for an environment "
    "variable\n"
    "  and for a file's content without its last line end (a relative path is taken from the "
    "working\n"
    "  directory); `$${` stands for `${`.\n";

enum tt_status tt_config_docs(struct tt_buf *buf)
{
    (void)tt_buf_append_text(buf, introduction);
    for (size_t i = 0; i < tt_option_count; i++) {
        struct tt_str group = group_of(tt_option_rows[i].path);
        bool written = false;
        for (size_t k = 0; k < i; k++) {
            written = written || tt_str_equal(group_of(tt_option_rows[k].path), group);
        }
        if (!written) {
            write_table(buf, group);
        }
    }
    return buf->status;
}

static void schema_reference(struct tt_json_writer *writer, const char *name)
{
    tt_json_object_begin(writer);
    char path[64] = "#/$defs/";
    strncat(path, name, sizeof path - strlen(path) - 1);
    tt_json_member_text(writer, "$ref", path);
    tt_json_object_end(writer);
}

static void schema_simple(struct tt_json_writer *writer, const char *type)
{
    tt_json_object_begin(writer);
    tt_json_member_text(writer, "type", type);
    tt_json_object_end(writer);
}

static void schema_integer(struct tt_json_writer *writer, const struct tt_option_row *row)
{
    tt_json_object_begin(writer);
    tt_json_member_text(writer, "type", "integer");
    int64_t bound;
    if (tt_int64_parse(tt_str_from(row->min), &bound)) {
        tt_json_member_int64(writer, "minimum", bound);
    }
    if (tt_int64_parse(tt_str_from(row->max), &bound)) {
        tt_json_member_int64(writer, "maximum", bound);
    }
    tt_json_object_end(writer);
}

/* A text, or one of the row's choices where it has some. */
static void schema_text(struct tt_json_writer *writer, const struct tt_option_row *row)
{
    bool free_text = row->kind == TT_OPTION_KIND_TEXT || row->kind == TT_OPTION_KIND_SECRET ||
                     row->min[0] == '\0';
    tt_json_object_begin(writer);
    if (free_text) {
        tt_json_member_text(writer, "type", "string");
        tt_json_member_int64(writer, "minLength", 1);
    } else {
        tt_json_key(writer, "enum");
        tt_json_array_begin(writer);
        struct tt_str rest = tt_str_from(row->min);
        struct tt_str name;
        while (tt_choice_next(&rest, &name)) {
            tt_json_string(writer, name);
        }
        tt_json_array_end(writer);
    }
    tt_json_object_end(writer);
}

static void schema_list(struct tt_json_writer *writer, const struct tt_option_row *row)
{
    schema_text(writer, row);
    tt_json_object_begin(writer);
    tt_json_member_text(writer, "type", "array");
    tt_json_key(writer, "items");
    tt_json_object_begin(writer);
    tt_json_key(writer, "anyOf");
    tt_json_array_begin(writer);
    schema_text(writer, row);
    schema_reference(writer, "reference");
    tt_json_array_end(writer);
    tt_json_object_end(writer);
    tt_json_object_end(writer);
}

/* The alternatives a value of the kind may be written as. */
static void schema_alternatives(struct tt_json_writer *writer, const struct tt_option_row *row)
{
    switch (row->kind) {
    case TT_OPTION_KIND_BOOL:
        schema_simple(writer, "boolean");
        break;
    case TT_OPTION_KIND_INT:
        schema_integer(writer, row);
        break;
    case TT_OPTION_KIND_SIZE:
        schema_reference(writer, "size");
        break;
    case TT_OPTION_KIND_DURATION:
        schema_reference(writer, "duration");
        break;
    case TT_OPTION_KIND_TEXT:
    case TT_OPTION_KIND_SECRET:
        /* any scalar is a text here, as in `data_dir: 2026` */
        schema_text(writer, row);
        schema_simple(writer, "number");
        schema_simple(writer, "boolean");
        break;
    case TT_OPTION_KIND_CHOICE:
        schema_text(writer, row);
        break;
    case TT_OPTION_KIND_LIST:
        schema_list(writer, row);
        break;
    case TT_OPTION_KIND_TREE:
        schema_simple(writer, "object");
        break;
    }
    if (row->kind != TT_OPTION_KIND_TREE) {
        schema_reference(writer, "reference");
    }
    if (row->initial == NULL) {
        schema_simple(writer, "null");
    }
}

/* The default, typed as in the file. */
static void schema_default(struct tt_json_writer *writer, const struct tt_option_row *row)
{
    tt_json_key(writer, "default");
    int64_t integer;
    if (row->initial != NULL && row->kind == TT_OPTION_KIND_BOOL) {
        tt_json_bool(writer, strcmp(row->initial, "true") == 0);
    } else if (row->initial != NULL && row->kind == TT_OPTION_KIND_INT &&
               tt_int64_parse(tt_str_from(row->initial), &integer)) {
        tt_json_int64(writer, integer);
    } else {
        tt_json_text(writer, row->initial);
    }
}

static void schema_row(struct tt_json_writer *writer, const struct tt_option_row *row)
{
    tt_json_object_begin(writer);
    tt_json_member_text(writer, "description", row->help);
    schema_default(writer, row);
    if (row->kind == TT_OPTION_KIND_SECRET) {
        tt_json_member_bool(writer, "writeOnly", true);
    }
    tt_json_key(writer, "anyOf");
    tt_json_array_begin(writer);
    schema_alternatives(writer, row);
    tt_json_array_end(writer);
    tt_json_object_end(writer);
}

/* The properties below prefix ("" or "store."). */
static void schema_group(struct tt_json_writer *writer, struct tt_str prefix)
{
    tt_json_member_bool(writer, "additionalProperties", false);
    tt_json_key(writer, "properties");
    tt_json_object_begin(writer);
    for (size_t i = 0; i < tt_option_count; i++) {
        struct tt_option_entry entry = tt_option_entry_below(i, prefix);
        if (entry.name.data == NULL) {
            continue;
        }
        tt_json_key_str(writer, entry.name);
        if (entry.group.data == NULL) {
            schema_row(writer, &tt_option_rows[i]);
            continue;
        }
        tt_json_object_begin(writer);
        tt_json_key(writer, "type");
        tt_json_array_begin(writer);
        tt_json_text(writer, "object");
        tt_json_text(writer, "null");
        tt_json_array_end(writer);
        schema_group(writer, entry.group);
        tt_json_object_end(writer);
    }
    tt_json_object_end(writer);
}

static void schema_pattern(struct tt_json_writer *writer, const char *pattern)
{
    tt_json_object_begin(writer);
    tt_json_member_text(writer, "type", "string");
    tt_json_member_text(writer, "pattern", pattern);
    tt_json_object_end(writer);
}

static void schema_definitions(struct tt_json_writer *writer)
{
    tt_json_key(writer, "$defs");
    tt_json_object_begin(writer);
    tt_json_key(writer, "reference");
    schema_pattern(writer, "\\$\\{(env|file):[^}]+\\}");
    tt_json_key(writer, "duration");
    schema_pattern(writer, "^([0-9]+(ms|s|m|h|d|w))+$");
    tt_json_key(writer, "size");
    tt_json_object_begin(writer);
    tt_json_key(writer, "anyOf");
    tt_json_array_begin(writer);
    tt_json_object_begin(writer);
    tt_json_member_text(writer, "type", "integer");
    tt_json_member_int64(writer, "minimum", 0);
    tt_json_object_end(writer);
    schema_pattern(writer, "^[0-9]+ *(B|KiB|MiB|GiB|TiB)?$");
    tt_json_array_end(writer);
    tt_json_object_end(writer);
    tt_json_object_end(writer);
}

enum tt_status tt_config_schema(struct tt_buf *buf)
{
    struct tt_json_writer writer;
    tt_json_writer_init(&writer, buf);
    tt_json_object_begin(&writer);
    tt_json_member_text(&writer, "$schema", "https://json-schema.org/draft/2020-12/schema");
    tt_json_member_text(&writer, "title", "telltale.yaml");
    tt_json_member_text(&writer, "type", "object");
    schema_group(&writer, TT_STR(""));
    schema_definitions(&writer);
    tt_json_object_end(&writer);
    (void)tt_buf_append_char(buf, '\n');
    return buf->status;
}
