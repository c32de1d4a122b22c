// The one place that talks HTTP: adds the token, knows problem+json, gives up after a while.
import { decodeAnomaly, decodePage, DecodeError, decodeStatus, decodeToken } from './decode';
import type { Anomaly, AnomalyPage, Status, Token } from './types';

const TIMEOUT_MS = 10_000;
export const PAGE_SIZE = 50;

/** A call that did not succeed. `status` is 0 when no answer came at all. */
export class ApiError extends Error {
  override name = 'ApiError';
  readonly status: number;
  readonly code: string | null;
  readonly retryAfterMs: number | null;
  /** The token the call was made with: a late 401 must not end a newer session. */
  readonly token: string | null;

  constructor(
    message: string,
    about: {
      status: number;
      code?: string | null;
      retryAfterMs?: number | null;
      token?: string | null;
    },
  ) {
    super(message);
    this.status = about.status;
    this.code = about.code ?? null;
    this.retryAfterMs = about.retryAfterMs ?? null;
    this.token = about.token ?? null;
  }
}

interface Call {
  token?: string;
  body?: unknown;
  signal?: AbortSignal;
}

async function problem(response: Response, token: string | null): Promise<ApiError> {
  let message = `The server answered ${response.status}`;
  let code: string | null = null;
  try {
    const json = (await response.json()) as Record<string, unknown> | null;
    const said = json?.detail ?? json?.title;
    if (typeof said === 'string' && said !== '') {
      message = said;
    }
    code = typeof json?.code === 'string' ? json.code : null;
  } catch {
    // Not JSON, from a proxy perhaps: the status is all there is to say.
  }
  const seconds = Number(response.headers.get('Retry-After') ?? Number.NaN);
  const retryAfterMs = Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : null;
  return new ApiError(message, { status: response.status, code, retryAfterMs, token });
}

async function call<T>(path: string, decode: (json: unknown) => T, options: Call): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  const token = options.token ?? null;
  if (token !== null) {
    headers.Authorization = `Bearer ${token}`;
  }
  const init: RequestInit = { headers, cache: 'no-store', credentials: 'omit' };
  if (options.body !== undefined) {
    headers['Content-Type'] = 'application/json';
    init.method = 'POST';
    init.body = JSON.stringify(options.body);
  }
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  init.signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;

  try {
    const response = await fetch(path, init);
    if (!response.ok) {
      throw await problem(response, token);
    }
    return decode(await response.json());
  } catch (error) {
    if (error instanceof ApiError || options.signal?.aborted) {
      throw error;
    }
    throw new ApiError(reasonOf(error), { status: 0, token });
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof DecodeError || error instanceof SyntaxError) {
    return `The server sent an answer this page does not understand (${error.message})`;
  }
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return `The server did not answer within ${TIMEOUT_MS / 1000} seconds`;
  }
  return 'The server cannot be reached';
}

export function exchangeCode(code: string): Promise<Token> {
  return call('/auth/exchange', decodeToken, { body: { code } });
}

/** `query` holds filters and cursor, already in the API's own names. */
export function listAnomalies(
  token: string,
  query: URLSearchParams,
  signal?: AbortSignal,
  limit = PAGE_SIZE,
): Promise<AnomalyPage> {
  const params = new URLSearchParams(query);
  params.set('limit', String(limit));
  return call(`/anomalies?${params}`, decodePage, { token, ...(signal ? { signal } : {}) });
}

export function getAnomaly(token: string, id: string, signal?: AbortSignal): Promise<Anomaly> {
  const path = `/anomalies/${encodeURIComponent(id)}`;
  return call(path, decodeAnomaly, { token, ...(signal ? { signal } : {}) });
}

export function getStatus(token: string, signal?: AbortSignal): Promise<Status> {
  return call('/status', decodeStatus, { token, ...(signal ? { signal } : {}) });
}
