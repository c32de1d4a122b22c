import { anomalyJson, json, problem, serve, STATUS_JSON, TOKEN } from '../test/samples';
import { ApiError, exchangeCode, getAnomaly, getStatus, listAnomalies } from './client';
import { decodeAnomaly, DecodeError, decodePage, decodeStatus } from './decode';

describe('decoding', () => {
  it('keeps an amount as the text it came as', () => {
    expect(decodeAnomaly(anomalyJson(1)).transaction.amount).toBe('1412.50');
  });

  it('survives an anomaly that carries nothing but its id', () => {
    const decoded = decodeAnomaly({ anomaly_id: 'a' });
    expect(decoded.reasons).toEqual([]);
    expect(decoded.detectors).toEqual([]);
    expect(decoded.severity).toBe('none');
    expect(decoded.score).toBeNull();
    expect(decoded.transaction.merchant_id).toBeNull();
  });

  it('leaves out parts of an unexpected kind and keeps the rest', () => {
    const decoded = decodeAnomaly({
      anomaly_id: 'a',
      score: 'NaN',
      reasons: [null, 7, { detector: 'iqr', feature: 'f', observed: '12' }, { detector: 'rules' }],
      detectors: { iqr: null, zscore: { p_value: 0.1 } },
      degraded: ['ml', 4],
      timings_ms: { a: 1, b: 'x' },
      versions: { bundle: 'x', other: 5 },
      transaction: { amount: 12.5, timestamp: 1772368205123, merchant_id: '' },
    });
    expect(decoded.score).toBeNull();
    expect(decoded.reasons.map((reason) => reason.message)).toEqual(['f is unusual', 'rules']);
    expect(decoded.reasons[0]?.observed).toBeNull();
    expect(decoded.detectors).toEqual([
      { name: 'iqr', score: null, p_value: null, fired: false },
      { name: 'zscore', score: null, p_value: 0.1, fired: false },
    ]);
    expect(decoded.degraded).toEqual(['ml']);
    expect(decoded.timings_ms).toEqual({ a: 1 });
    expect(decoded.versions).toEqual({ bundle: 'x' });
    expect(decoded.transaction).toMatchObject({
      amount: '12.5',
      timestamp: 1772368205123,
      merchant_id: null,
    });
  });

  it.each([null, [], 'text', {}, { anomaly_id: 5 }])('refuses %j as an anomaly', (value) => {
    expect(() => decodeAnomaly(value)).toThrow(DecodeError);
  });

  it('refuses a list without items and a status without status', () => {
    expect(() => decodePage({ next_cursor: null })).toThrow(DecodeError);
    expect(() => decodeStatus({ transactions: 5 })).toThrow(DecodeError);
  });

  it('needs nothing of a status but its status', () => {
    expect(decodeStatus({ status: 'ok' })).toEqual({ status: 'ok', services: [] });
    expect(decodeStatus(STATUS_JSON)).toMatchObject({ latency_p99_ms: 1.9, epoch: 12 });
    expect(decodeStatus({ status: 'ok', services: [{ name: 'x' }, 5] }).services).toEqual([
      { name: 'x', status: 'unknown' },
    ]);
  });
});

describe('calls', () => {
  const failure = async (call: Promise<unknown>): Promise<ApiError> => {
    try {
      await call;
    } catch (error) {
      if (error instanceof ApiError) {
        return error;
      }
    }
    throw new Error('an ApiError was expected');
  };

  it('sends the token as a bearer and the filters as they are', async () => {
    const log = serve(() => json({ items: [anomalyJson(1)], next_cursor: 'c' }));
    const page = await listAnomalies(TOKEN, new URLSearchParams({ severity: 'high' }));
    expect(page.next_cursor).toBe('c');
    expect(page.items[0]?.anomaly_id).toBe('a-0001');
    expect(log[0]?.init.headers).toMatchObject({ Authorization: `Bearer ${TOKEN}` });
    expect(log[0]?.query.toString()).toBe('severity=high&limit=50');
    expect(log[0]?.init.credentials).toBe('omit');
  });

  it('escapes an id in the path', async () => {
    const log = serve(() => json(anomalyJson(1)));
    await getAnomaly(TOKEN, 'a/b?c', new AbortController().signal);
    expect(log[0]?.path).toBe('/anomalies/a%2Fb%3Fc');
  });

  it('posts a code as JSON, without a token', async () => {
    const log = serve(() => json({ token: TOKEN, expires_at: '2026-03-01T00:00:00Z' }));
    expect(await exchangeCode('abc')).toEqual({ token: TOKEN, expires_at: '2026-03-01T00:00:00Z' });
    expect(log[0]?.init).toMatchObject({ method: 'POST', body: '{"code":"abc"}' });
    expect(log[0]?.init.headers).not.toHaveProperty('Authorization');
  });

  it('says what problem+json says', async () => {
    serve(() => problem(401, 'The token has expired.', 'token_expired'));
    const error = await failure(getStatus(TOKEN));
    expect(error).toMatchObject({
      message: 'The token has expired.',
      status: 401,
      code: 'token_expired',
      token: TOKEN,
    });
  });

  it('knows how long to wait when the server says so', async () => {
    serve(() => json({ title: 'Too Many Requests' }, 429, { 'Retry-After': '7' }));
    const error = await failure(getStatus(TOKEN));
    expect(error).toMatchObject({ message: 'Too Many Requests', retryAfterMs: 7000 });
  });

  it('gives the status when an error page is not JSON', async () => {
    serve(() => new Response('<html>', { status: 502 }));
    expect(await failure(getStatus(TOKEN))).toMatchObject({ message: 'The server answered 502' });
  });

  it('says so when no server answers', async () => {
    serve(() => Promise.reject(new TypeError('fetch failed')));
    const error = await failure(getStatus(TOKEN));
    expect(error).toMatchObject({ message: 'The server cannot be reached', status: 0 });
  });

  it('says so when the answer takes too long', async () => {
    serve(() => Promise.reject(new DOMException('late', 'TimeoutError')));
    expect((await failure(getStatus(TOKEN))).message).toContain('did not answer within 10 seconds');
  });

  it('says so when the answer makes no sense', async () => {
    serve(() => new Response('{"items":'));
    expect((await failure(getStatus(TOKEN))).message).toContain('does not understand');
    serve(() => json({ token: '' }));
    expect((await failure(exchangeCode('x'))).message).toContain('an answer without token');
  });

  it('passes an abort on as it is', async () => {
    const stop = new AbortController();
    serve(() => {
      stop.abort();
      return Promise.reject(stop.signal.reason as Error);
    });
    await expect(getStatus(TOKEN, stop.signal)).rejects.toMatchObject({ name: 'AbortError' });
  });
});
