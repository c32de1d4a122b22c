/* See problem.h. */
#include "services/api_server/problem.h"

#include "format/json_write.h"

const char *tt_http_reason(uint16_t status)
{
    static const struct {
        uint16_t status;
        const char *reason;
    } rows[] = {
        {200, "OK"},
        {202, "Accepted"},
        {204, "No Content"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {409, "Conflict"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
    };
    for (size_t i = 0; i < TT_ARRAY_SIZE(rows); i++) {
        if (rows[i].status == status) {
            return rows[i].reason;
        }
    }
    return "Error";
}

void tt_problem_write(struct tt_buf *buf, uint16_t status, const char *code, struct tt_str detail)
{
    struct tt_json_writer json;
    tt_json_writer_init(&json, buf);
    tt_json_object_begin(&json);
    tt_json_member_text(&json, "type", "about:blank");
    tt_json_member_text(&json, "title", tt_http_reason(status));
    tt_json_member_int64(&json, "status", status);
    tt_json_member_text(&json, "code", code);
    tt_json_member_string(&json, "detail", detail);
    tt_json_object_end(&json);
}
