// The strip on top: whether Telltale is well, and how much it is doing.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { getStatus } from '../api/client';
import type { Status } from '../api/types';
import { capital } from '../format/names';
import { formatCompact, formatCount, formatMs, formatRate } from '../format/number';
import { formatDuration } from '../format/time';
import { pollInterval } from '../list/use-list';

// Two minutes of polls.
const HISTORY = 60;
const KEY = ['status'];

interface Watched {
  status: Status;
  /** Transactions per second at the last polls, oldest first. */
  rates: number[];
}

function Sparkline({ values }: { values: number[] }) {
  if (values.length < 2) {
    return null;
  }
  const top = Math.max(...values, 1e-9);
  const points = values.map((value, index) => {
    const x = (index / (HISTORY - 1)) * 60;
    return `${x.toFixed(1)},${(15 - (value / top) * 14).toFixed(1)}`;
  });
  return (
    <svg className="sparkline" viewBox="0 0 60 16" width="60" height="16" aria-hidden="true">
      <polyline points={points.join(' ')} />
    </svg>
  );
}

function Figure({
  label,
  value,
  title,
  children,
}: {
  label: string;
  value: string;
  title?: string | undefined;
  children?: ReactNode;
}) {
  return (
    <div className="figure" title={title}>
      <dt>{label}</dt>
      <dd>
        {value}
        {children}
      </dd>
    </div>
  );
}

function health(status: Status | undefined, failed: boolean): { state: string; text: string } {
  if (failed) {
    return { state: 'down', text: 'Not reachable' };
  }
  if (status === undefined) {
    return { state: 'unknown', text: 'Connecting…' };
  }
  const troubled = status.services.filter((item) => !['ok', 'running'].includes(item.status));
  const names = troubled.map((item) => `${item.name}: ${item.status}`).join(', ');
  return {
    state: status.status === 'ok' ? 'ok' : 'degraded',
    text: status.status === 'ok' ? 'OK' : capital(status.status) + (names && ` (${names})`),
  };
}

export function StatusStrip({ token }: { token: string }) {
  const client = useQueryClient();
  const { data: watched, error } = useQuery<Watched>({
    queryKey: KEY,
    queryFn: async ({ signal }) => {
      const status = await getStatus(token, signal);
      const before = client.getQueryData<Watched>(KEY)?.rates ?? [];
      const rate = status.transactions_per_second;
      return { status, rates: [...before, ...(rate === undefined ? [] : [rate])].slice(-HISTORY) };
    },
    refetchInterval: ({ state }) => pollInterval(state.error, false),
  });
  const data = watched?.status;
  const rate = data?.transactions_per_second;
  const { state, text } = health(data, error !== null);
  const about = [
    data?.version && `Telltale ${data.version}`,
    data?.uptime_seconds !== undefined && `up ${formatDuration(data.uptime_seconds)}`,
    data?.bundle && `bundle ${data.bundle}`,
    ...(data?.services ?? []).map((item) => `${item.name}: ${item.status}`),
  ].filter(Boolean);
  return (
    <section className="status-strip" aria-label="Status">
      <p className={`health ${state}`} title={about.join('\n')} role="status">
        <i aria-hidden="true" />
        {text}
      </p>
      <dl>
        {data?.transactions !== undefined && (
          <Figure
            label="Transactions"
            value={formatCompact(data.transactions)}
            title={formatCount(data.transactions)}
          />
        )}
        {data?.anomalies !== undefined && (
          <Figure label="Anomalies" value={formatCompact(data.anomalies)} />
        )}
        {data?.alerts !== undefined && <Figure label="Alerts" value={formatCompact(data.alerts)} />}
        {rate !== undefined && (
          <Figure label="Per second" value={formatRate(rate)}>
            <Sparkline values={watched?.rates ?? []} />
          </Figure>
        )}
        {data?.latency_p99_ms !== undefined && (
          <Figure
            label="p99"
            value={formatMs(data.latency_p99_ms)}
            title={
              data.latency_p50_ms === undefined ? undefined : `p50 ${formatMs(data.latency_p50_ms)}`
            }
          />
        )}
        {data?.epoch !== undefined && <Figure label="Epoch" value={formatCount(data.epoch)} />}
      </dl>
    </section>
  );
}
