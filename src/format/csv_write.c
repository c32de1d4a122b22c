/* One CSV field as RFC 4180 wants it. See csv.h. */
#include "format/csv.h"

#include <string.h>

void tt_csv_append_field(struct tt_buf *buf, struct tt_str text)
{
    bool quote = false;
    for (size_t i = 0; i < text.size && !quote; i++) {
        char c = text.data[i];
        quote = c == ',' || c == '"' || c == '\n' || c == '\r';
    }
    if (!quote) {
        tt_buf_append_str(buf, text);
        return;
    }
    tt_buf_append_char(buf, '"');
    while (text.size > 0) {
        const char *found = memchr(text.data, '"', text.size);
        size_t size = found != NULL ? (size_t)(found - text.data) + 1 : text.size;
        tt_buf_append(buf, text.data, size);
        if (found != NULL) {
            tt_buf_append_char(buf, '"');
        }
        text.data += size;
        text.size -= size;
    }
    tt_buf_append_char(buf, '"');
}
