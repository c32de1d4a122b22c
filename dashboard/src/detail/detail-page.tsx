// One anomaly with all its evidence, at an address of its own.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { ApiError, getAnomaly } from '../api/client';
import type { Anomaly } from '../api/types';
import { capital, detectorName } from '../format/names';
import { formatPValue, formatScore } from '../format/number';
import { listPath, parseFilters } from '../list/filters';
import { remembered } from '../list/list-page';
import type { LiveList } from '../list/live';
import { listKey, neighbours } from '../list/use-list';
import { Link } from '../router/link';
import { anomalyPath, navigate } from '../router/router';
import { Pill, Severity } from '../ui/badge';
import { CopyButton } from '../ui/copy-button';
import { Failure } from '../ui/failure';
import { useKeys } from '../ui/keys';
import { Time } from '../ui/time';
import { Detectors } from './detectors';
import { Facts, Provenance } from './facts';
import { headline, subline } from './headline';
import { Reasons } from './reasons';

function Toolbar({ id }: { id: string }) {
  const client = useQueryClient();
  const list = client.getQueryData<LiveList>(listKey(remembered.query));
  const { newer, older } = neighbours(list, id);
  const back = listPath(parseFilters(remembered.query));
  const go = (to: string | null) => to !== null && navigate(anomalyPath(to), { replace: true });
  useKeys({ j: () => go(older), k: () => go(newer), Escape: () => navigate(back) });
  return (
    <nav className="toolbar" aria-label="Anomaly">
      <Link to={back}>← All anomalies</Link>
      <span className="spacer" />
      {newer !== null && (
        <Link to={anomalyPath(newer)} title="Newer (k)">
          Newer
        </Link>
      )}
      {older !== null && (
        <Link to={anomalyPath(older)} title="Older (j)">
          Older
        </Link>
      )}
      <CopyButton label="Copy link" text={() => location.origin + anomalyPath(id)} />
    </nav>
  );
}

function Summary({ anomaly }: { anomaly: Anomaly }) {
  // Whoever came by keyboard or listens goes on from here.
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  return (
    <header className={`summary ${anomaly.severity}`}>
      <p className="badges">
        <Severity value={anomaly.severity} />
        {anomaly.decision !== '' && (
          <Pill kind={anomaly.decision}>{capital(anomaly.decision)}</Pill>
        )}
        {anomaly.alerted && <Pill kind="alerted">Alerted</Pill>}
        {anomaly.status !== '' && <Pill>{capital(anomaly.status)}</Pill>}
        <Time value={anomaly.transaction.timestamp} full />
      </p>
      <h1 ref={heading} tabIndex={-1}>
        {headline(anomaly)}
      </h1>
      <p className="subline">{subline(anomaly)}</p>
      <dl className="scores">
        <div>
          <dt>Score</dt>
          <dd>{formatScore(anomaly.score)}</dd>
        </div>
        <div>
          <dt>p-value</dt>
          <dd>{formatPValue(anomaly.p_value)}</dd>
        </div>
      </dl>
      {anomaly.degraded.length > 0 && (
        <p className="notice warning">
          Decided without: {anomaly.degraded.map(detectorName).join(', ')}. The score rests on the
          other detectors.
        </p>
      )}
    </header>
  );
}

function Raw({ anomaly }: { anomaly: Anomaly }) {
  const text = JSON.stringify(anomaly.raw, null, 2);
  return (
    <details className="panel raw">
      <summary>Raw JSON</summary>
      <CopyButton label="Copy JSON" text={() => text} />
      {/* It scrolls, so the keyboard must reach it. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre tabIndex={0} role="region" aria-label="Raw JSON">
        {text}
      </pre>
    </details>
  );
}

function Legend() {
  return (
    <span className="legend">
      bar: share of the score · <i className="key observed" /> observed{' '}
      <i className="key expected" /> usual <i className="key threshold" /> threshold
    </span>
  );
}

export function Evidence({ anomaly }: { anomaly: Anomaly }) {
  return (
    <article className="detail">
      <Summary anomaly={anomaly} />
      <div className="column">
        <section className="panel" aria-labelledby="why">
          <div className="panel-head">
            <h2 id="why">Why</h2>
            <Legend />
          </div>
          <Reasons reasons={anomaly.reasons} />
        </section>
        <section className="panel judged" aria-labelledby="detectors">
          <h2 id="detectors">Detectors</h2>
          <Detectors detectors={anomaly.detectors} />
        </section>
      </div>
      <div className="column">
        <section className="panel" aria-labelledby="transaction">
          <h2 id="transaction">Transaction</h2>
          <Facts transaction={anomaly.transaction} />
        </section>
        <section className="panel" aria-labelledby="made">
          <h2 id="made">How it was decided</h2>
          <Provenance anomaly={anomaly} />
        </section>
      </div>
      <Raw anomaly={anomaly} />
    </article>
  );
}

function Missing({ id }: { id: string }) {
  return (
    <div className="empty">
      <h1>No such anomaly</h1>
      <p>
        Nothing is stored under <code>{id}</code>. It may have been removed with old data, or the
        link was cut short.
      </p>
    </div>
  );
}

export function DetailPage({ token, id }: { token: string; id: string }) {
  const client = useQueryClient();
  const { data, error, refetch } = useQuery<Anomaly>({
    queryKey: ['anomalies', 'one', id],
    queryFn: ({ signal }) => getAnomaly(token, id, signal),
    // Shown at once from the list, then confirmed by the server.
    placeholderData: (): Anomaly | undefined =>
      client
        .getQueryData<LiveList>(listKey(remembered.query))
        ?.items.find((item) => item.anomaly_id === id),
  });
  useEffect(() => {
    remembered.row = id;
  }, [id]);
  useEffect(() => {
    document.title = `${data === undefined ? id : headline(data)} · Telltale`;
  }, [id, data]);

  const missing = error instanceof ApiError && (error.status === 404 || error.status === 400);
  return (
    <main className="detail-page">
      <Toolbar id={id} />
      {error !== null && !missing && <Failure error={error} onRetry={() => void refetch()} />}
      {missing && <Missing id={id} />}
      {data !== undefined && !missing && <Evidence anomaly={data} />}
      {data === undefined && error === null && (
        <p className="loading" role="status">
          Loading the anomaly…
        </p>
      )}
    </main>
  );
}
