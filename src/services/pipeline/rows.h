/*
 * Events as stored rows, and stored rows as events.
 *
 * What:    packs a decided event into the rows of the store port; reads a row back into an event, so that
 *          the same answer can be given again and a restart can absorb what was absorbed.
 * Owner:   a row's views live in the event's text and in the arena given; an event's in its own text.
 * Threads: pure but for the arguments; the writer's buffer belongs to one thread.
 * Fails:   TT_E_NOMEM, TT_E_LIMIT (arena); reading: TT_E_CORRUPT with what was wrong.
 */
#ifndef TT_SERVICES_PIPELINE_ROWS_H
#define TT_SERVICES_PIPELINE_ROWS_H

#include "format/record/record_json.h"
#include "ports/store.h"
#include "services/pipeline/engine.h"

/* What the packing works in; one a thread. */
struct tt_row_writer {
    const struct tt_engine *engine;
    struct tt_arena *arena; /* rows live here until it is reset */
    struct tt_buf buf;
};
void tt_row_writer_init(struct tt_row_writer *writer, const struct tt_engine *engine,
                        const struct tt_alloc *alloc, struct tt_arena *arena);
void tt_row_writer_deinit(struct tt_row_writer *writer);
/* A decided, fresh transaction. */
enum tt_status tt_row_from_event(struct tt_row_writer *writer, const struct tt_event *event,
                                 struct tt_row_transaction *ret) TT_MUST_USE;
/* Its anomaly. */
enum tt_status tt_row_anomaly_from_event(struct tt_row_writer *writer, const struct tt_event *event,
                                         struct tt_row_anomaly *ret) TT_MUST_USE;
/* A label. */
enum tt_status tt_row_label_from_event(struct tt_row_writer *writer, const struct tt_event *event,
                                       struct tt_row_label *ret) TT_MUST_USE;

/* Reads the record alone: txn, with views in event->text. */
enum tt_status tt_row_read_record(struct tt_str json, const struct tt_record_schema *schema,
                                  struct tt_event *event, struct tt_error *err) TT_MUST_USE;
/* Reads everything of a stored transaction into an empty event. */
enum tt_status tt_row_to_event(const struct tt_row_transaction *row, const struct tt_engine *engine,
                               const struct tt_record_schema *schema, struct tt_event *event,
                               struct tt_error *err) TT_MUST_USE;
/* A stored label. */
enum tt_status tt_row_label_to_event(const struct tt_row_label *row,
                                     const struct tt_record_schema *schema, struct tt_event *event,
                                     struct tt_error *err) TT_MUST_USE;

/* A single event outside any pool, for reading rows. */
struct tt_loose_event {
    struct tt_event event;
};
void tt_loose_event_init(struct tt_loose_event *loose, const struct tt_alloc *alloc);
void tt_loose_event_deinit(struct tt_loose_event *loose);
/* Empties it for the next row. */
struct tt_event *tt_loose_event_reset(struct tt_loose_event *loose);

#endif
