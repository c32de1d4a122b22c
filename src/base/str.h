/*
 * String views and the bounded growing buffer.
 *
 * What:    struct tt_str is a pointer and a size, never owning, not NUL-terminated; struct tt_buf
 * is the one growing byte buffer, with a maximum it cannot exist without. Owner:   a view's memory
 * belongs to somebody else and must outlive it; a buffer owns its bytes. Threads: values; a buffer
 * is confined to one thread. Limits:  a buffer never grows past size_max: appends then fail with
 * TT_E_LIMIT and leave it as it was. Fails:   appends with TT_E_NOMEM or TT_E_LIMIT. The first
 * failure sticks (`status`) until clear: later appends return it and change nothing.
 */
#ifndef TT_BASE_STR_H
#define TT_BASE_STR_H

#include <stdarg.h>

#include "base/alloc.h"

struct tt_str {
    const char *data; /* NULL = absent; "" with size 0 = empty */
    size_t size;      /* bytes */
};

/* A view of a literal. */
#define TT_STR(literal) ((struct tt_str){(literal), sizeof(literal) - 1})
/* For printf("%.*s", TT_STR_ARG(s)). */
#define TT_STR_ARG(str) ((int)(str).size), ((str).data != NULL ? (str).data : "")

struct tt_str tt_str_from(const char *text); /* NULL gives an absent view */
/* Same bytes; absent equals absent only, not the empty string. */
bool tt_str_equal(struct tt_str a, struct tt_str b);
bool tt_str_equal_text(struct tt_str a, const char *text);
/* <0, 0, >0 by bytes, shorter first on a common prefix, absent before empty. */
int tt_str_compare(struct tt_str a, struct tt_str b);
bool tt_str_starts_with(struct tt_str str, struct tt_str prefix);
bool tt_str_ends_with(struct tt_str str, struct tt_str suffix);
/* Without ASCII white space at both ends. */
struct tt_str tt_str_trim(struct tt_str str);
/* Cuts *rest at the first separator: returns what is before it and moves *rest behind it. When
 * there is none, returns everything and leaves *rest absent (data NULL). */
struct tt_str tt_str_split(struct tt_str *rest, char separator);
/* Position of the first byte that breaks UTF-8 (RFC 3629: no surrogates, no overlong forms), or
 * str.size when all is valid. */
size_t tt_str_utf8_check(struct tt_str str);
/* Edit distance, where two neighbours swapped are one edit (optimal string alignment), cut off at `limit` (returns limit then); for "did you mean". Where more
 * than 128 bytes differ in both, limit. */
size_t tt_str_distance(struct tt_str a, struct tt_str b, size_t limit);
/* The candidate nearest to name within a third of its length (at least 1), or NULL. */
const char *tt_str_nearest(struct tt_str name, const char *const *candidates, size_t count);

struct tt_buf {
    const struct tt_alloc *alloc;
    char *data; /* size bytes, always NUL-terminated once anything was appended */
    size_t size;
    size_t capacity;
    size_t size_max;
    enum tt_status status; /* the first failure since init or clear */
};

void tt_buf_init(struct tt_buf *buf, const struct tt_alloc *alloc, size_t size_max);
void tt_buf_deinit(struct tt_buf *buf);
/* Empties, forgets a failure, keeps the memory. */
void tt_buf_clear(struct tt_buf *buf);
/* Appends that fail also set buf->status, so that a writer may check once at the end. */
enum tt_status tt_buf_append(struct tt_buf *buf, const void *data, size_t size);
enum tt_status tt_buf_append_str(struct tt_buf *buf, struct tt_str str);
enum tt_status tt_buf_append_text(struct tt_buf *buf, const char *text);
enum tt_status tt_buf_append_char(struct tt_buf *buf, char c);
enum tt_status tt_buf_append_format(struct tt_buf *buf, const char *format, ...) TT_PRINTF(2, 3);
/* Makes room for `size` more bytes and returns where to write them (then add to buf->size), or
 * NULL. */
char *tt_buf_reserve(struct tt_buf *buf, size_t size) TT_MUST_USE;
struct tt_str tt_buf_str(const struct tt_buf *buf);

#endif
