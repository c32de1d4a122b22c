/*
 * JSON documents of many records as lines: a source over a source.
 *
 * What:    one array of objects, or objects one after another, pretty-printed or not, come out as
 *          one record a line. Every byte stays where it is: white space inside a record becomes a
 *          blank, white space, commas and brackets between records become line ends. Offsets are
 *          therefore the document's own.
 * Why:     a file of any size is read with the memory of one record, by the same line reader and
 *          with the same limits as JSONL. Only nesting and strings are looked at; each record is
 *          checked by its own reader, so nothing that is wrong gets in.
 * Owner:   the struct holds the state; the inner source must outlive it.
 * Threads: confined to one thread.
 * Fails:   TT_E_SYNTAX when the document ends inside an array or a record; what the inner source
 *          failed with.
 */
#ifndef TT_FORMAT_JSON_LINES_H
#define TT_FORMAT_JSON_LINES_H

#include "format/source.h"

/* Fields are the source's own. */
struct tt_json_lines {
    struct tt_source inner;
    uint64_t offset;
    uint64_t depth; /* open containers of the record under way */
    bool array;     /* inside the array of records */
    bool string, escaped;
};

/* A source of lines over a source of a document. */
struct tt_source tt_json_lines_init(struct tt_json_lines *lines, struct tt_source inner);

#endif
