// What the API says, after decoding: the same names as on the wire, every optional part settled.

export const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const;
export const STATUSES = ['open', 'confirmed', 'dismissed', 'snoozed'] as const;

export interface Transaction {
  transaction_id: string;
  timestamp: string | number;
  amount: string; // a decimal string: never turned into a number, so never rounded
  currency: string;
  user_id: string;
  merchant_id: string | null;
  /** Every other field as it came, for the table of facts. */
  rest: Record<string, unknown>;
}

export interface Reason {
  detector: string;
  feature: string | null;
  observed: number | null;
  expected: number | null;
  threshold: number | null;
  contribution: number | null;
  message: string;
}

export interface Detection {
  name: string;
  score: number | null;
  p_value: number | null;
  fired: boolean;
}

export interface Anomaly {
  anomaly_id: string;
  transaction: Transaction;
  score: number | null;
  p_value: number | null;
  severity: string;
  decision: string;
  alerted: boolean;
  status: string;
  reasons: Reason[];
  detectors: Detection[];
  versions: Record<string, string>;
  degraded: string[];
  timings_ms: Record<string, number>;
  /** The object exactly as the server sent it. */
  raw: unknown;
}

export interface AnomalyPage {
  items: Anomaly[];
  next_cursor: string | null;
}

export interface Status {
  status: string;
  version?: string;
  uptime_seconds?: number;
  transactions?: number;
  anomalies?: number;
  alerts?: number;
  transactions_per_second?: number;
  latency_p50_ms?: number;
  latency_p99_ms?: number;
  epoch?: number;
  bundle?: string;
  services: { name: string; status: string }[];
}

export interface Token {
  token: string;
  expires_at: string | null;
}
