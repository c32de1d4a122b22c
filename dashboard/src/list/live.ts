// The list as a value: what is known of the newest anomalies, and how a page that was just fetched
// changes it.
//
// The newest page is asked for again and again; older ones are added at the bottom by keyset. Both
// are joined by id, so late arrivals and changed rows find their place. When more came in between
// two polls than a page holds, the rows between are unknown: then the list starts anew from that
// page instead of showing a gap as if it were none.
import type { Anomaly, AnomalyPage } from '../api/types';
import { parseTime } from '../format/time';

/** Beyond this many rows the oldest are let go; "load older" brings them back. */
export const ROWS_MAX = 1000;

export interface LiveList {
  /** Newest first. */
  items: Anomaly[];
  /** Id → when it came in by a poll, in ms; rows of the first load are not in it. */
  arrivals: ReadonlyMap<string, number>;
  /** Cursors by the id of the row they continue after. */
  cursors: ReadonlyMap<string, string>;
  /** Cursor for what is older than the last row; null when there is nothing older. */
  older: string | null;
  updated_ms: number;
}

function timeOf(anomaly: Anomaly): number {
  return parseTime(anomaly.transaction.timestamp) ?? 0;
}

function newestFirst(a: Anomaly, b: Anomaly): number {
  const difference = timeOf(b) - timeOf(a);
  if (difference !== 0) {
    return difference;
  }
  return a.anomaly_id < b.anomaly_id ? 1 : -1;
}

/** The rows of a page, each as the object that is already known when nothing about it changed. */
function settle(known: Anomaly[], page: Anomaly[]): Anomaly[] {
  const byId = new Map(known.map((item) => [item.anomaly_id, item]));
  return page.map((item) => {
    const before = byId.get(item.anomaly_id);
    const same = before && JSON.stringify(before.raw) === JSON.stringify(item.raw);
    return same ? before : item;
  });
}

function join(known: Anomaly[], page: Anomaly[]): Anomaly[] {
  const byId = new Map(known.map((item) => [item.anomaly_id, item]));
  for (const item of settle(known, page)) {
    byId.set(item.anomaly_id, item);
  }
  return [...byId.values()].sort(newestFirst);
}

function cursorsWith(cursors: ReadonlyMap<string, string>, page: AnomalyPage) {
  const last = page.items.at(-1);
  if (last === undefined || page.next_cursor === null) {
    return cursors;
  }
  return new Map(cursors).set(last.anomaly_id, page.next_cursor);
}

/** Cuts the list at the last row within the limit that a cursor is known for. */
function trim(list: LiveList): LiveList {
  if (list.items.length <= ROWS_MAX) {
    return list;
  }
  const within = list.items.slice(0, ROWS_MAX);
  const index = within.findLastIndex((item) => list.cursors.has(item.anomaly_id));
  const last = within[index];
  if (last === undefined) {
    return list;
  }
  const items = within.slice(0, index + 1);
  const kept = new Set(items.map((item) => item.anomaly_id));
  return {
    ...list,
    items,
    older: list.cursors.get(last.anomaly_id) ?? null,
    cursors: new Map([...list.cursors].filter(([id]) => kept.has(id))),
    arrivals: new Map([...list.arrivals].filter(([id]) => kept.has(id))),
  };
}

function startFrom(page: AnomalyPage, now_ms: number, arrivals: ReadonlyMap<string, number>) {
  return {
    items: join([], page.items),
    arrivals,
    cursors: cursorsWith(new Map(), page),
    older: page.next_cursor,
    updated_ms: now_ms,
  };
}

/** The list after a poll for the newest page. */
export function mergeNewest(
  known: LiveList | undefined,
  page: AnomalyPage,
  now_ms: number,
): LiveList {
  if (known === undefined) {
    return startFrom(page, now_ms, new Map());
  }
  const ids = new Set(known.items.map((item) => item.anomaly_id));
  const fresh = page.items.filter((item) => !ids.has(item.anomaly_id));
  const arrivals = new Map(known.arrivals);
  for (const item of fresh) {
    arrivals.set(item.anomaly_id, now_ms);
  }
  const last = page.items.at(-1);
  const touches = fresh.length < page.items.length;
  if (last === undefined || page.next_cursor === null || !touches) {
    const settled = { ...page, items: settle(known.items, page.items) };
    return startFrom(settled, now_ms, arrivals);
  }
  // Down to its last row the page is all there is: a row that is not in it no longer matches.
  const below = known.items.filter((item) => newestFirst(last, item) < 0);
  return trim({
    items: join(below, settle(known.items, page.items)),
    arrivals,
    cursors: cursorsWith(known.cursors, page),
    older: below.length === 0 ? page.next_cursor : known.older,
    updated_ms: now_ms,
  });
}

/** The list after the page that follows `cursor` came; unchanged when it has moved on meanwhile. */
export function appendOlder(known: LiveList, page: AnomalyPage, cursor: string): LiveList {
  if (known.older !== cursor) {
    return known;
  }
  return {
    ...known,
    items: join(known.items, page.items),
    cursors: cursorsWith(known.cursors, page),
    older: page.next_cursor,
  };
}
