// Sample data and a stand-in for fetch.
import { vi } from 'vitest';
import { decodeAnomaly } from '../api/decode';
import type { Anomaly } from '../api/types';

type Json = Record<string, unknown>;

/** An anomaly as the server sends it; `index` makes id and time. */
export function anomalyJson(index: number, changes: Json = {}): Json {
  const id = `a-${String(index).padStart(4, '0')}`;
  return {
    anomaly_id: id,
    transaction: {
      transaction_id: `t-${index}`,
      timestamp: new Date(Date.UTC(2026, 2, 1, 12, 0, index)).toISOString(),
      amount: '1412.50',
      currency: 'EUR',
      type: 'purchase',
      user_id: `u-${index % 7}`,
      merchant_id: 'm-42',
      latitude: 52.52,
      longitude: 13.4,
      attributes: { is_3ds: true },
    },
    score: 0.99979,
    p_value: 0.00021,
    severity: 'high',
    decision: 'review',
    alerted: true,
    status: 'open',
    reasons: [
      {
        detector: 'zscore',
        feature: 'user_amount_log',
        observed: 412.5,
        expected: 67.2,
        threshold: 210,
        contribution: 0.61,
        message: `412.50 EUR is 6.1 times this customer's usual 67.20`,
      },
    ],
    detectors: {
      iqr: { score: 2, p_value: 0.2, fired: false },
      zscore: { score: 6.1, p_value: 0.001, fired: true },
    },
    versions: { bundle: 'bundle-hash', features: 'features-hash' },
    degraded: [],
    timings_ms: { ingest: 0.1, features: 0.2 },
    ...changes,
  };
}

export function anomaly(index: number, changes: Json = {}): Anomaly {
  return decodeAnomaly(anomalyJson(index, changes));
}

export const STATUS_JSON = {
  status: 'ok',
  version: '0.1.0',
  uptime_seconds: 90,
  transactions: 41200,
  anomalies: 12,
  alerts: 3,
  transactions_per_second: 115.2,
  latency_ms: { p50: 0.4, p99: 1.9 },
  epoch: 12,
  bundle: 'abc',
  services: [{ name: 'ml-detector', status: 'ok' }],
};

const encode = (claims: Json): string =>
  btoa(JSON.stringify(claims)).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
export const TOKEN = `e30.${encode({ sub: 'ann', role: 'analyst', exp: 1_800_000_000 })}.c2ln`;

export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers });
}

export function problem(status: number, detail: string, code = 'some_code'): Response {
  return json({ type: 'about:blank', title: 'Problem', status, detail, code }, status);
}

export interface Asked {
  path: string;
  query: URLSearchParams;
  init: RequestInit;
}

/** Answers every fetch by this function and returns what was asked, in order. */
export function serve(answer: (asked: Asked) => Response | Promise<Response>): Asked[] {
  const log: Asked[] = [];
  vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
    const url = new URL(path, 'http://localhost');
    const asked = { path: url.pathname, query: url.searchParams, init };
    log.push(asked);
    return answer(asked);
  });
  return log;
}
