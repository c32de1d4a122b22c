/*
 * A compiled mapping: what record_map.h keeps to itself.
 *
 * What:    one source a field (columns or a constant) over a table of distinct column names;
 *          binding fills in which cell of a row each column is.
 * Owner:   the map's arena.
 * Threads: read-only once made.
 * Limits:  TT_MAP_COLUMNS_MAX distinct columns.
 */
#ifndef TT_FORMAT_RECORD_MAP_IMPL_H
#define TT_FORMAT_RECORD_MAP_IMPL_H

#include "format/record/check.h"
#include "format/record/record_map.h"

#define TT_MAP_COLUMNS_MAX 64
#define TT_MAP_LABEL_TEXTS_MAX 8

/* Where a value comes from; part_count 0 and no constant: from nowhere. */
struct tt_map_source {
    uint8_t part_count;
    uint8_t parts[TT_MAP_PARTS_MAX]; /* indices into the map's columns */
    struct tt_str separator;         /* between joined columns */
    struct tt_str constant;
};

struct tt_map_column {
    struct tt_str name;
    uint32_t line, column; /* in the mapping file */
    uint32_t cell;         /* in the row, once bound */
};

enum tt_map_time {
    TT_MAP_TIME_AUTO = 0,
    TT_MAP_TIME_RFC3339,
    TT_MAP_TIME_UNIX_S,
    TT_MAP_TIME_UNIX_MS,
    TT_MAP_TIME_FORMAT
};

struct tt_record_map {
    enum tt_map_format format;
    char delimiter;
    bool bound;
    uint32_t mapped; /* bit f: field f has a source */
    struct tt_map_source fields[TT_FIELD_COUNT];
    enum tt_map_time time;
    const char *time_format; /* of TT_MAP_TIME_FORMAT, NUL-terminated */
    int64_t zone_offset_ms;
    bool has_label, has_label_kind;
    struct tt_map_source label, label_kind;
    struct tt_str fraud[TT_MAP_LABEL_TEXTS_MAX];
    uint32_t fraud_count;
    uint32_t attribute_count;
    struct tt_attribute_spec attributes[TT_ATTRIBUTES_MAX];
    struct tt_map_source attribute_sources[TT_ATTRIBUTES_MAX];
    uint32_t column_count;
    struct tt_map_column columns[TT_MAP_COLUMNS_MAX];
};

#endif
