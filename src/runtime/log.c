/* See log.h. A line is built on the stack and written at once; what does not fit is left out whole,
 * field by field, so that every line stays valid JSON. */
#include "runtime/log.h"

#include "base/timetext.h"
#include "format/json_write.h"
#include "format/record/pan.h"
#include "runtime/files.h"

/* Room kept for ,"cut":true}\n at the end of a full line. */
#define CLOSING_SIZE 32
#define MESSAGE_SIZE_MAX ((size_t)1024)
#define FIELD_SIZE_MAX ((size_t)2048)

static const char *const level_names[] = {
    [TT_LOG_ERROR] = "error",
    [TT_LOG_WARN] = "warn",
    [TT_LOG_INFO] = "info",
    [TT_LOG_DEBUG] = "debug",
};

/* The one block of a buffer that lives on the stack. */
static void *stack_resize(void *ctx, void *pointer, size_t old_size, size_t new_size)
{
    (void)pointer;
    (void)old_size;
    return new_size > 0 && new_size <= TT_LOG_LINE_SIZE_MAX ? ctx : NULL;
}

void tt_log_init(struct tt_log *log, int fd, enum tt_log_level level, const struct tt_clock *clock)
{
    *log = (struct tt_log){.fd = fd, .level = level, .clock = clock};
}

enum tt_log_level tt_log_level_find(struct tt_str name)
{
    for (unsigned i = TT_LOG_ERROR; i <= TT_LOG_DEBUG; i++) {
        if (tt_str_equal_text(name, level_names[i])) {
            return (enum tt_log_level)i;
        }
    }
    return (enum tt_log_level)0;
}

/* Cuts a long text, never inside of what may be a card number: half of one would not be masked. */
static struct tt_str cut(struct tt_str text, size_t size_max)
{
    if (text.size <= size_max) {
        return text;
    }
    text.size = size_max;
    while (text.size > 0) {
        char last = text.data[text.size - 1];
        bool part_of_number = (last >= '0' && last <= '9') || last == ' ' || last == '-';
        bool part_of_character = ((unsigned char)last & 0x80u) != 0;
        if (!part_of_number && !part_of_character) {
            break;
        }
        text.size--;
    }
    return text;
}

/* Writes a text and masks what looks like a card number in it. */
static void write_text(struct tt_json_writer *writer, const char *name, struct tt_str text,
                       size_t size_max)
{
    struct tt_buf *buf = writer->buf;
    size_t start = buf->size;
    tt_json_member_string(writer, name, cut(text, size_max));
    if (buf->status == TT_OK) {
        (void)tt_pan_mask(buf->data + start, buf->size - start);
    }
}

static void write_field(struct tt_json_writer *writer, const struct tt_log_field *field)
{
    switch (field->type) {
    case TT_LOG_FIELD_TEXT:
        write_text(writer, field->name, field->text, FIELD_SIZE_MAX);
        break;
    case TT_LOG_FIELD_INT:
        tt_json_member_int64(writer, field->name, field->integer);
        break;
    case TT_LOG_FIELD_DOUBLE:
        tt_json_member_double(writer, field->name, field->number);
        break;
    case TT_LOG_FIELD_END:
        break;
    }
}

/* Takes back what did not fit and marks the line. */
static void take_back(struct tt_json_writer *writer, struct tt_json_writer before, size_t size)
{
    struct tt_buf *buf = writer->buf;
    *writer = before;
    buf->size = size;
    buf->status = TT_OK;
    buf->size_max += CLOSING_SIZE;
    tt_json_member_bool(writer, "cut", true);
}

static void build_line(const struct tt_log *log, struct tt_buf *buf, enum tt_log_level level,
                       const char *event, const char *message, const struct tt_log_field *fields)
{
    struct tt_json_writer writer;
    tt_json_writer_init(&writer, buf);
    tt_json_object_begin(&writer);
    char time[TT_TIME_TEXT_SIZE];
    size_t size = tt_time_format(tt_clock_now_ms(log->clock), time);
    tt_json_member_string(&writer, "ts", (struct tt_str){time, size});
    tt_json_member_text(&writer, "level", level_names[level]);
    write_text(&writer, "event", tt_str_from(event), MESSAGE_SIZE_MAX / 8);
    if (message != NULL) {
        write_text(&writer, "msg", tt_str_from(message), MESSAGE_SIZE_MAX);
    }
    for (; fields != NULL && fields->type != TT_LOG_FIELD_END; fields++) {
        struct tt_json_writer before = writer;
        size = buf->size;
        write_field(&writer, fields);
        if (buf->status != TT_OK) {
            take_back(&writer, before, size);
            break;
        }
    }
    buf->size_max = TT_LOG_LINE_SIZE_MAX - 1;
    tt_json_object_end(&writer);
    (void)tt_buf_append_char(buf, '\n');
}

void tt_log_write(struct tt_log *log, enum tt_log_level level, const char *event,
                  const char *message, const struct tt_log_field *fields)
{
    if (log == NULL || level > log->level || level < TT_LOG_ERROR) {
        return;
    }
    char block[TT_LOG_LINE_SIZE_MAX];
    struct tt_alloc alloc = {stack_resize, block};
    struct tt_buf buf;
    tt_buf_init(&buf, &alloc, TT_LOG_LINE_SIZE_MAX - 1 - CLOSING_SIZE);
    build_line(log, &buf, level, event, message, fields);
    TT_ASSERT(buf.status == TT_OK);
    if (tt_fd_write(log->fd, buf.data, buf.size) != TT_OK) {
        __atomic_add_fetch(&log->lost_count, 1, __ATOMIC_RELAXED);
    }
}

void tt_log_error(struct tt_log *log, const char *event, const struct tt_error *err)
{
    struct tt_log_field fields[5] = {TT_LOG_TEXT("status", tt_status_name(err->status))};
    size_t count = 1;
    if (err->line != 0) {
        fields[count++] = TT_LOG_INT("line", err->line);
    }
    if (err->column != 0) {
        fields[count++] = TT_LOG_INT("column", err->column);
    }
    if (err->offset != 0) {
        fields[count++] = TT_LOG_INT("offset", err->offset);
    }
    fields[count].type = TT_LOG_FIELD_END;
    tt_log_write(log, TT_LOG_ERROR, event, err->message, fields);
}
