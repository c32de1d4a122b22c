import type { Anomaly, Transaction } from '../api/types';
import { formatAmount } from '../format/money';
import { capital, fieldName } from '../format/names';
import { formatMs } from '../format/number';
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

export function Facts({ transaction }: { transaction: Transaction }) {
  return (
    <dl className="facts">
      <dt>Time</dt>
      <dd>
        <Time value={transaction.timestamp} full />
      </dd>
      <dt>Amount</dt>
      <dd>{formatAmount(transaction.amount, transaction.currency)}</dd>
      <dt>Customer</dt>
      <dd>
        <Link
          to={listPath({ user_id: transaction.user_id })}
          title="All anomalies of this customer"
        >
          {transaction.user_id}
        </Link>
      </dd>
      {transaction.merchant_id !== null && (
        <>
          <dt>Merchant</dt>
          <dd>
            <Link
              to={listPath({ merchant_id: transaction.merchant_id })}
              title="All anomalies at this merchant"
            >
              {transaction.merchant_id}
            </Link>
          </dd>
        </>
      )}
      <dt>Transaction</dt>
      <dd>
        <code>{transaction.transaction_id}</code>
      </dd>
      {otherFacts(transaction.rest).map(([name, value]) => (
        <div className="pair" key={name}>
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
  const total = Object.values(timings).reduce((sum, ms) => sum + ms, 0);
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
      <h3>Versions</h3>
      <Versions versions={anomaly.versions} />
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
