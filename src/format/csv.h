/*
 * CSV rows from a source of bytes.
 *
 * What:    RFC 4180: a header row, quoted fields with line ends, delimiters and doubled quotes in
 *          them, CRLF or LF, a byte order mark, any single-byte delimiter. Empty lines are
 *          skipped; a quote inside an unquoted field stands for itself.
 * Why:     a row that breaks the grammar or has the wrong number of fields is a fault of that
 *          row, with its line and bytes; the stream goes on at the next line, also behind a quote
 *          that never closes.
 * Owner:   the reader owns its buffers; a row's views are valid until the next call.
 * Threads: confined to one thread.
 * Limits:  row_size_max bytes a row, field_size_max a field, TT_CSV_FIELDS_MAX fields: faults.
 * Fails:   open: TT_E_SYNTAX (no or bad header, repeated column), TT_E_INVALID (options),
 *          TT_E_NOMEM. next: TT_E_CLOSED at the end; what the source failed with, after all rows
 *          before it.
 */
#ifndef TT_FORMAT_CSV_H
#define TT_FORMAT_CSV_H

#include "format/source.h"

#define TT_CSV_FIELDS_MAX 512
#define TT_CSV_ROW_SIZE_MAX (64u << 10)

enum tt_csv_fault {
    TT_CSV_FAULT_NONE = 0,
    TT_CSV_FAULT_FEW_FIELDS,
    TT_CSV_FAULT_MANY_FIELDS,
    TT_CSV_FAULT_QUOTE, /* text behind a closing quote, or the quote is never closed */
    TT_CSV_FAULT_FIELD_SIZE,
    TT_CSV_FAULT_ROW_SIZE, /* bytes holds its beginning */
};

struct tt_csv_options {
    char delimiter;          /* 0 = ',' */
    uint32_t row_size_max;   /* 0 = TT_CSV_ROW_SIZE_MAX; 64 … 16 MiB */
    uint32_t field_size_max; /* 0 = row_size_max */
};

struct tt_csv_row {
    const struct tt_str *fields; /* unquoted; an empty field has size 0, data not NULL */
    uint32_t count;
    enum tt_csv_fault fault;
    uint64_t line;       /* of its first byte, from 1 */
    uint64_t offset;     /* of its first byte, in the source */
    struct tt_str bytes; /* as they came, without the line end */
};

struct tt_csv_reader;

/* Reads the header. *ret is set on success only; give it back with tt_csv_close. */
enum tt_status tt_csv_open(const struct tt_alloc *alloc, struct tt_source source,
                           const struct tt_csv_options *options, struct tt_csv_reader **ret,
                           struct tt_error *err) TT_MUST_USE;
/* The header's names, in order; they live as long as the reader. */
const struct tt_str *tt_csv_header(const struct tt_csv_reader *reader, uint32_t *ret_count);
/* The next row, which may carry a fault; TT_E_CLOSED at the end. */
enum tt_status tt_csv_next(struct tt_csv_reader *reader, struct tt_csv_row *ret,
                           struct tt_error *err) TT_MUST_USE;
/* reader may be NULL. The source is not touched. */
void tt_csv_close(struct tt_csv_reader *reader);
/* "too few fields" …: for messages. */
const char *tt_csv_fault_text(enum tt_csv_fault fault);

/* Appends one field as RFC 4180 wants it: quoted only when needed. An absent one writes nothing. */
void tt_csv_append_field(struct tt_buf *buf, struct tt_str text);

#endif
