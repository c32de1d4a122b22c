// Turns what came over the wire into the types of types.ts.
//
// Lenient where a part is optional or of an unexpected kind (it is left out, the page still shows
// the rest), strict where nothing sensible could be shown (DecodeError, which says what is wrong).
import type { Anomaly, AnomalyPage, Detection, Reason, Status, Token, Transaction } from './types';

type Json = Record<string, unknown>;

export class DecodeError extends Error {
  override name = 'DecodeError';
}

function object(value: unknown): Json | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Json)
    : null;
}

function array(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function number(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** Keeps the entries of one kind, in order. */
function entries<T>(value: unknown, kind: (value: unknown) => T | null): Record<string, T> {
  const kept: Record<string, T> = {};
  for (const [name, item] of Object.entries(object(value) ?? {})) {
    const decoded = kind(item);
    if (decoded !== null) {
      kept[name] = decoded;
    }
  }
  return kept;
}

function decodeTransaction(value: unknown): Transaction {
  const json = object(value) ?? {};
  const { transaction_id, timestamp, amount, currency, user_id, merchant_id, ...rest } = json;
  return {
    transaction_id: text(transaction_id) ?? '',
    timestamp: number(timestamp) ?? text(timestamp) ?? '',
    amount: text(amount) ?? (number(amount) === null ? '' : String(amount)),
    currency: text(currency) ?? '',
    user_id: text(user_id) ?? '',
    merchant_id: text(merchant_id),
    rest,
  };
}

function decodeReason(value: unknown): Reason | null {
  const json = object(value);
  if (json === null) {
    return null;
  }
  const detector = text(json.detector) ?? '';
  const feature = text(json.feature);
  return {
    detector,
    feature,
    observed: number(json.observed),
    expected: number(json.expected),
    threshold: number(json.threshold),
    contribution: number(json.contribution),
    message: text(json.message) ?? (feature === null ? detector : `${feature} is unusual`),
  };
}

function decodeDetection(name: string, value: unknown): Detection {
  const json = object(value) ?? {};
  return {
    name,
    score: number(json.score),
    p_value: number(json.p_value),
    fired: json.fired === true,
  };
}

export function decodeAnomaly(value: unknown): Anomaly {
  const json = object(value);
  const id = json === null ? null : text(json.anomaly_id);
  if (json === null || id === null) {
    throw new DecodeError('an anomaly without anomaly_id');
  }
  return {
    anomaly_id: id,
    transaction: decodeTransaction(json.transaction),
    score: number(json.score),
    p_value: number(json.p_value),
    severity: text(json.severity) ?? 'none',
    decision: text(json.decision) ?? '',
    alerted: json.alerted === true,
    status: text(json.status) ?? '',
    reasons: array(json.reasons).flatMap((item) => decodeReason(item) ?? []),
    detectors: Object.entries(object(json.detectors) ?? {}).map(([name, item]) =>
      decodeDetection(name, item),
    ),
    versions: entries(json.versions, text),
    degraded: array(json.degraded).flatMap((item) => text(item) ?? []),
    timings_ms: entries(json.timings_ms, number),
    raw: value,
  };
}

export function decodePage(value: unknown): AnomalyPage {
  const json = object(value);
  if (json === null || !Array.isArray(json.items)) {
    throw new DecodeError('a list without items');
  }
  return { items: json.items.map(decodeAnomaly), next_cursor: text(json.next_cursor) };
}

const STATUS_NUMBERS = [
  'uptime_seconds',
  'transactions',
  'anomalies',
  'alerts',
  'transactions_per_second',
  'epoch',
] as const;

export function decodeStatus(value: unknown): Status {
  const json = object(value);
  const state = json === null ? null : text(json.status);
  if (json === null || state === null) {
    throw new DecodeError('a status without status');
  }
  const status: Status = {
    status: state,
    services: array(json.services).flatMap((item) => {
      const service = object(item);
      const name = text(service?.name);
      return name === null ? [] : [{ name, status: text(service?.status) ?? 'unknown' }];
    }),
  };
  for (const name of STATUS_NUMBERS) {
    const found = number(json[name]);
    if (found !== null) {
      status[name] = found;
    }
  }
  for (const name of ['version', 'bundle'] as const) {
    const found = text(json[name]);
    if (found !== null) {
      status[name] = found;
    }
  }
  const latency = object(json.latency_ms);
  const p50 = number(latency?.p50);
  const p99 = number(latency?.p99);
  return {
    ...status,
    ...(p50 === null ? {} : { latency_p50_ms: p50 }),
    ...(p99 === null ? {} : { latency_p99_ms: p99 }),
  };
}

export function decodeToken(value: unknown): Token {
  const json = object(value);
  const token = json === null ? null : text(json.token);
  if (json === null || token === null) {
    throw new DecodeError('an answer without token');
  }
  return { token, expires_at: text(json.expires_at) };
}
