/*
 * Mapping files: foreign CSV and JSON records as transactions and labels.
 *
 * What:    a YAML mapping compiled once, bound to a header (CSV) or to names (JSON), applied a
 *          record at a time: columns, constants, time formats and zones, joined columns,
 *          attributes, label.
 * Why:     all the looking up by name happens at compile and bind; a row is a handful of indexed
 *          moves, then the same checks as for JSON.
 * Owner:   the map lives in the arena it was compiled in and is read-only afterwards; results
 *          live in the arena of the call.
 * Threads: a map may be shared by readers.
 * Units:   as record_json.h.
 * Limits:  TT_MAP_PARTS_MAX columns joined for one field; 64 distinct columns.
 * Fails:   compile, bind: TT_E_UNKNOWN (names the nearest), TT_E_INVALID, TT_E_TYPE,
 *          TT_E_CONFLICT, TT_E_LIMIT, TT_E_NOMEM, with the place in the mapping file. Apply: as
 *          record_json.h.
 */
#ifndef TT_FORMAT_RECORD_RECORD_MAP_H
#define TT_FORMAT_RECORD_RECORD_MAP_H

#include "base/tree.h"
#include "format/csv.h"
#include "format/record/record.h"

#define TT_MAP_PARTS_MAX 4

struct tt_record_map;

enum tt_map_format { TT_MAP_CSV = 1, TT_MAP_JSON, TT_MAP_JSONL };

/* The label a mapped row carries; it becomes known later (label delay), which is the caller's. */
struct tt_map_label {
    bool present; /* the map has a label and the row's is not empty */
    bool fraud;
    struct tt_str kind; /* for reports; absent = none */
};

/* Compiles the tree of a mapping file. */
enum tt_status tt_record_map_compile(struct tt_arena *arena, const struct tt_tree *tree,
                                     const struct tt_record_map **ret,
                                     struct tt_error *err) TT_MUST_USE;
/* The map for a file that uses the project's own names (and `mcc`): each column is the field of its
 * name, others are unknown fields or declared attributes of schema. Columns `is_fraud` ("1", "true"
 * = fraud) and `fraud_kind`, when there, are the label. */
enum tt_status tt_record_map_identity(struct tt_arena *arena, const struct tt_str *header,
                                      uint32_t count, const struct tt_record_schema *schema,
                                      const struct tt_record_map **ret,
                                      struct tt_error *err) TT_MUST_USE;
/* Resolves column names against a CSV header, as a new map in the arena. TT_E_UNKNOWN names the
 * column that is not there and the nearest that is. */
enum tt_status tt_record_map_bind(struct tt_arena *arena, const struct tt_record_map *map,
                                  const struct tt_str *header, uint32_t count,
                                  const struct tt_record_map **ret,
                                  struct tt_error *err) TT_MUST_USE;
enum tt_map_format tt_record_map_format(const struct tt_record_map *map);
/* The CSV delimiter the mapping asks for (`delimiter:`; default ','). */
char tt_record_map_delimiter(const struct tt_record_map *map);
bool tt_record_map_has_label(const struct tt_record_map *map);
/* The attributes the mapping declares. */
const struct tt_attribute_spec *tt_record_map_attributes(const struct tt_record_map *map,
                                                         uint32_t *ret_count);
/* One CSV row (a faulty one becomes a verdict) of a bound map. ret_label and ret_notes may be NULL.
 */
enum tt_status tt_record_map_csv(const struct tt_record_map *map,
                                 const struct tt_record_schema *schema,
                                 const struct tt_csv_row *row, int64_t now_ms,
                                 struct tt_arena *arena, struct tt_txn *ret_txn,
                                 struct tt_map_label *ret_label, struct tt_record_notes *ret_notes,
                                 struct tt_verdict *ret_verdict) TT_MUST_USE;
/* One JSON object with foreign names; a column "a.b" is member b of object a. */
enum tt_status tt_record_map_json(const struct tt_record_map *map,
                                  const struct tt_record_schema *schema, struct tt_str json,
                                  int64_t now_ms, struct tt_arena *arena, struct tt_txn *ret_txn,
                                  struct tt_map_label *ret_label, struct tt_record_notes *ret_notes,
                                  struct tt_verdict *ret_verdict) TT_MUST_USE;

#endif
