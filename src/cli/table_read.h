/*
 * A table of numbers from a CSV file, whole in memory.
 *
 * What:    with or without a header row (columns are then x1, x2, …), compressed or not. An empty cell, "NA",
 *          "NaN" or "null" is missing; anything else that is no finite number is an error with its line and
 *          column.
 * Owner:   tt_table_read fills, tt_table_free gives back.
 * Threads: the main thread.
 * Limits:  TT_TABLE_VALUES_MAX values, 512 columns.
 * Fails:   TT_E_SYNTAX, TT_E_LIMIT, TT_E_NOMEM; what reading the file says.
 */
#ifndef TT_CLI_TABLE_READ_H
#define TT_CLI_TABLE_READ_H

#include "base/str.h"

#define TT_TABLE_VALUES_MAX (UINT64_C(1) << 28)

struct tt_table {
    uint32_t column_count, name_capacity;
    struct tt_str *names;
    size_t row_count, capacity; /* rows */
    double *values;             /* row-major; NaN = missing */
    uint64_t missing;           /* how many are */
};

/* exclude: names with commas of columns that are left out, or NULL. */
enum tt_status tt_table_read(const char *path, const char *exclude, struct tt_table *ret,
                             struct tt_error *err) TT_MUST_USE;
void tt_table_free(struct tt_table *table);

#endif
