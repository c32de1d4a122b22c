import type { ReactNode } from 'react';
import type { Anomaly, Transaction } from '../api/types';
import { formatAmount } from '../format/money';
import { capital, fieldName } from '../format/names';
import { formatMs, NONE } from '../format/number';
import { listPath } from '../list/filters';
import { Link } from '../router/link';
import { Time } from '../ui/time';

/** What else the transaction carries, as rows: attributes one each, empty ones left out. */
export function otherFacts(rest: Transaction['rest']): [string, string][] {
  const { latitude, longitude, attributes, ...fields } = rest;
  const rows: [string, string][] = [];
  const add = (name: string, value: unknown): void => {
    if (value === null || value === undefined || value === '') {
      return;
    }
    rows.push([name, typeof value === 'object' ? JSON.stringify(value) : String(value)]);
  };
  for (const [name, value] of Object.entries(fields)) {
    add(fieldName(name), value);
  }
  if (typeof latitude === 'number' && typeof longitude === 'number') {
    rows.push(['Position', `${latitude.toFixed(4)}°, ${longitude.toFixed(4)}°`]);
  }
  if (typeof attributes === 'object' && attributes !== null) {
    for (const [name, value] of Object.entries(attributes)) {
      add(capital(name.replaceAll('_', ' ')), value);
    }
  }
  return rows;
}

/** A value that leads to all anomalies that share it. */
function Same({ name, value }: { name: 'user_id' | 'merchant_id'; value: string }) {
  return (
    <Link to={listPath({ [name]: value })} title="All anomalies with this value">
      {value}
    </Link>
  );
}

export function Facts({ transaction }: { transaction: Transaction }) {
  const { transaction_id, timestamp, amount, currency, user_id, merchant_id, rest } = transaction;
  const facts: [string, ReactNode][] = [
    ['Time', timestamp === '' ? NONE : <Time value={timestamp} full />],
    ['Amount', formatAmount(amount, currency) || NONE],
    ['Customer', user_id === '' ? NONE : <Same name="user_id" value={user_id} />],
    ['Merchant', merchant_id === null ? NONE : <Same name="merchant_id" value={merchant_id} />],
    ['Transaction', <code key="id">{transaction_id || NONE}</code>],
    ...otherFacts(rest),
  ];
  return (
    <dl className="facts">
      {facts.map(([name, value], index) => (
        <div className="pair" key={index}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Versions({ versions }: { versions: Anomaly['versions'] }) {
  return (
    <dl className="facts">
      {Object.entries(versions).map(([name, version]) => (
        <div className="pair" key={name}>
          <dt>{capital(name)}</dt>
          <dd>
            <code>{version}</code>
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Timings({ timings }: { timings: Anomaly['timings_ms'] }) {
  const total = timings.total ?? Object.values(timings).reduce((sum, ms) => sum + ms, 0);
  return (
    <dl className="facts">
      {Object.entries(timings).map(([name, ms]) => (
        <div className="pair" key={name}>
          <dt>{capital(name)}</dt>
          <dd className="timing">
            <svg viewBox="0 0 60 6" width="60" height="6" aria-hidden="true">
              <rect className="track" width="60" height="6" />
              <rect className="value" width={total > 0 ? (ms / total) * 60 : 0} height="6" />
            </svg>
            {formatMs(ms)}
          </dd>
        </div>
      ))}
    </dl>
  );
}

export function Provenance({ anomaly }: { anomaly: Anomaly }) {
  return (
    <>
      {Object.keys(anomaly.versions).length > 0 && (
        <>
          <h3>Versions</h3>
          <Versions versions={anomaly.versions} />
        </>
      )}
      {Object.keys(anomaly.timings_ms).length > 0 && (
        <>
          <h3>Time taken</h3>
          <Timings timings={anomaly.timings_ms} />
        </>
      )}
      <h3>Anomaly id</h3>
      <p className="anomaly-id">
        <code>{anomaly.anomaly_id}</code>
      </p>
    </>
  );
}
