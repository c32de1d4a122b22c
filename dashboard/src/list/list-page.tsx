// The live list: filters, rows, "load older", and the keys that go with them.
import { useEffect, useMemo, useState } from 'react';
import { capital, KNOWN_DETECTORS } from '../format/names';
import { formatClock } from '../format/time';
import { navigate, useSearch } from '../router/router';
import { Failure } from '../ui/failure';
import { useKeys } from '../ui/keys';
import { FilterBar } from './filter-bar';
import { filterQuery, type Filters, listPath, parseFilters } from './filters';
import type { LiveList } from './live';
import { COLUMNS, Row } from './row';
import { useAnomalyList } from './use-list';

const FRESH_MS = 5000;
const ANNOUNCE_EVERY_MS = 10_000;

/** What the list remembers while somebody reads a detail page. */
export const remembered = { query: '', row: null as string | null, paused: false };

function rowLinks(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>('[data-row]')];
}

function step(by: number): void {
  const links = rowLinks();
  const at = links.indexOf(document.activeElement as HTMLElement);
  const next = at < 0 ? links[0] : links[Math.min(Math.max(at + by, 0), links.length - 1)];
  next?.focus();
  next?.closest('tr')?.scrollIntoView({ block: 'nearest' });
}

/** For screen readers: what came in during the last full ten seconds; changes no more often. */
export function announcement(list: LiveList): string {
  const end = Math.floor(list.updated_ms / ANNOUNCE_EVERY_MS) * ANNOUNCE_EVERY_MS;
  const arrived = [...list.arrivals.values()];
  const count = arrived.filter((ms) => ms >= end - ANNOUNCE_EVERY_MS && ms < end).length;
  const noun = count === 1 ? 'anomaly' : 'anomalies';
  return count === 0 ? '' : `${count} new ${noun} by ${formatClock(end)}`;
}

function Rows({ list }: { list: LiveList }) {
  return (
    <table className="anomalies" role="table" aria-label="Anomalies, newest first">
      <thead role="rowgroup">
        <tr role="row">
          {COLUMNS.map((name) => (
            <th key={name} role="columnheader" scope="col" className={name.toLowerCase()}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {list.items.map((item) => {
          const arrived = list.arrivals.get(item.anomaly_id) ?? -FRESH_MS;
          const fresh = list.updated_ms - arrived < FRESH_MS;
          return <Row key={item.anomaly_id} anomaly={item} fresh={fresh} />;
        })}
      </tbody>
    </table>
  );
}

function Empty({ filtered, onClear }: { filtered: boolean; onClear: () => void }) {
  return filtered ? (
    <div className="empty">
      <h2>Nothing matches these filters</h2>
      <p>New anomalies that match will appear here by themselves.</p>
      <button type="button" onClick={onClear}>
        Clear filters
      </button>
    </div>
  ) : (
    <div className="empty">
      <h2>No anomalies yet</h2>
      <p>
        Telltale is watching. The first anomaly will appear here by itself; send it transactions
        with <code>POST /transactions</code>, or try <code>telltale demo</code>.
      </p>
    </div>
  );
}

export function ListPage({ token }: { token: string }) {
  const search = useSearch();
  const filters = useMemo(() => parseFilters(search), [search]);
  const query = filterQuery(filters);
  const [paused, setPaused] = useState(remembered.paused);
  const { list, older } = useAnomalyList(token, query, paused);
  const data = list.data;

  const change = (next: Filters) => navigate(listPath(next), { replace: true });
  const toggle = () => setPaused(!paused);

  useEffect(() => {
    document.title = 'Anomalies · Telltale';
    remembered.query = query;
  }, [query]);
  useEffect(() => {
    remembered.paused = paused;
  }, [paused]);
  // Back from a detail page: the row that was open has the focus again.
  useEffect(() => {
    const link = rowLinks().find((row) => row.dataset.row === remembered.row);
    remembered.row = null;
    link?.focus();
  }, []);

  useKeys({
    j: () => step(1),
    k: () => step(-1),
    p: toggle,
    '/': () => document.querySelector<HTMLElement>('input[name=user_id]')?.focus(),
  });

  const detectors = useMemo(() => {
    const seen = (data?.items ?? []).flatMap((item) => item.detectors.map(({ name }) => name));
    return [...new Set([...KNOWN_DETECTORS, ...seen])];
  }, [data]);
  const updated = data === undefined ? null : formatClock(data.updated_ms);
  const state = paused ? 'paused' : list.isError ? 'failing' : 'live';

  return (
    <main className="list-page">
      <div className="list-head">
        <h1>Anomalies</h1>
        <span className={`live-state ${state}`}>
          {capital(state === 'failing' ? 'not up to date' : state)}
          {updated !== null && state !== 'live' && ` · last update ${updated}`}
        </span>
        <button type="button" onClick={toggle} aria-keyshortcuts="p">
          {paused ? 'Resume' : 'Pause'}
        </button>
      </div>
      <FilterBar filters={filters} detectors={detectors} onChange={change} />
      <p className="visually-hidden" aria-live="polite">
        {data === undefined ? '' : announcement(data)}
      </p>
      {list.error !== null && <Failure error={list.error} onRetry={() => void list.refetch()} />}
      {data === undefined && list.isFetching && (
        <p className="loading" role="status">
          Loading anomalies…
        </p>
      )}
      {data !== undefined && data.items.length > 0 && <Rows list={data} />}
      {data !== undefined && data.items.length === 0 && (
        <Empty filtered={query !== ''} onClear={() => change({})} />
      )}
      {older.error !== null && data?.older != null && (
        <Failure error={older.error} onRetry={() => older.mutate(data.older as string)} />
      )}
      {data !== undefined && data.items.length > 0 && (
        <div className="list-foot">
          {data.older === null ? (
            <span className="hint">That is all there is.</span>
          ) : (
            <button
              type="button"
              disabled={older.isPending}
              onClick={() => older.mutate(data.older as string)}
            >
              {older.isPending ? 'Loading…' : 'Load older'}
            </button>
          )}
          <span className="hint keys">
            <kbd>j</kbd> <kbd>k</kbd> move · <kbd>Enter</kbd> open · <kbd>p</kbd> pause ·{' '}
            <kbd>/</kbd> filter
          </span>
        </div>
      )}
    </main>
  );
}
