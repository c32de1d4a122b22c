import { json, problem, serve, TOKEN } from '../test/samples';
import { createSession, tabStorage } from './session';
import { looksLikeToken, readClaims, takeCode } from './token';

const OTHER = TOKEN.replace('c2ln', 'b3RoZXI');
const list = () => json({ items: [], next_cursor: null });

describe('the code in the address', () => {
  it('is taken out at once, and the rest stays', () => {
    history.replaceState(null, '', '/app/?severity=high#token=abc-123');
    expect(takeCode(location, history)).toBe('abc-123');
    expect(location.pathname + location.search + location.hash).toBe('/app/?severity=high');
  });

  it('is none when there is no such fragment, which stays', () => {
    history.replaceState(null, '', '/app/#other');
    expect(takeCode(location, history)).toBeNull();
    expect(location.hash).toBe('#other');
  });

  it('is none when it is empty, but the fragment goes', () => {
    history.replaceState(null, '', '/app/#token=');
    expect(takeCode(location, history)).toBeNull();
    expect(location.hash).toBe('');
  });
});

describe('a token', () => {
  it('tells who it is for', () => {
    const claims = { subject: 'ann', role: 'analyst', expires_ms: 1_800_000_000_000 };
    expect(readClaims(TOKEN)).toEqual(claims);
  });

  it.each(['', 'x', 'a.b.c', 'e30.W10.x', 'e30.bnVsbA.x'])('%j tells nothing', (token) => {
    expect(readClaims(token)).toEqual({ subject: null, role: null, expires_ms: null });
  });

  it('has three parts', () => {
    expect(looksLikeToken(TOKEN)).toBe(true);
    expect(looksLikeToken('a.b')).toBe(false);
    expect(looksLikeToken('a.b.c d')).toBe(false);
  });
});

describe('where a token is kept', () => {
  it('is the storage of this tab', () => {
    expect(tabStorage()).toBe(sessionStorage);
    expect(sessionStorage).toHaveLength(0);
  });

  it('is memory where the browser forbids that', async () => {
    vi.spyOn(window, 'sessionStorage', 'get').mockImplementation(() => {
      throw new DOMException('denied', 'SecurityError');
    });
    serve(list);
    const storage = tabStorage();
    const session = createSession(storage);
    await session.signIn(TOKEN);
    expect(storage.getItem('telltale.token')).toBe(TOKEN);
    session.signOut();
    expect(storage.getItem('telltale.token')).toBeNull();
  });
});

describe('a session', () => {
  it('starts with the token this tab holds already', () => {
    sessionStorage.setItem('telltale.token', TOKEN);
    expect(createSession(sessionStorage).get()).toMatchObject({ state: 'in', token: TOKEN });
  });

  it('exchanges a code for a token and keeps it for this tab', async () => {
    const log = serve(() => json({ token: TOKEN, expires_at: null }));
    const session = createSession(sessionStorage);
    const seen: string[] = [];
    session.subscribe(() => seen.push(session.get().state));
    await session.exchange('abc');
    expect(seen).toEqual(['exchanging', 'in']);
    expect(log).toHaveLength(1);
    expect(sessionStorage.getItem('telltale.token')).toBe(TOKEN);
    expect(localStorage).toHaveLength(0);
  });

  it('says that a link was used, and does not offer it again', async () => {
    serve(() => problem(401, 'used'));
    const session = createSession(sessionStorage);
    await session.exchange('abc');
    const now = session.get();
    expect(now).toMatchObject({ state: 'out' });
    expect(now.state === 'out' && now.why?.message).toContain('used already');
    expect(now.state === 'out' && now.why?.retryCode).toBeUndefined();
  });

  it('offers the link again when the server was not reached', async () => {
    serve(() => Promise.reject(new TypeError()));
    const session = createSession(sessionStorage);
    await session.exchange('abc');
    expect(session.get()).toMatchObject({ state: 'out', why: { retryCode: 'abc' } });
  });

  it('says what else went wrong', async () => {
    serve(() => problem(429, 'Too many attempts.'));
    const session = createSession(sessionStorage);
    await session.exchange('abc');
    expect(session.get()).toEqual({ state: 'out', why: { message: 'Too many attempts.' } });
  });

  it('survives a stale link, with a notice', async () => {
    sessionStorage.setItem('telltale.token', TOKEN);
    serve(() => problem(401, 'used'));
    const session = createSession(sessionStorage);
    await session.exchange('abc');
    expect(session.get()).toMatchObject({ state: 'in', token: TOKEN });
    const now = session.get();
    expect(now.state === 'in' && now.notice).toContain('still signed in');
    session.dismissNotice();
    expect(session.get()).toMatchObject({ notice: null });
  });

  it('takes a pasted token only when the server does', async () => {
    serve(({ init }) =>
      (init.headers as Record<string, string>).Authorization === `Bearer ${TOKEN}`
        ? list()
        : problem(401, 'bad signature'),
    );
    const session = createSession(sessionStorage);
    await expect(session.signIn(OTHER)).rejects.toThrow('bad signature');
    expect(session.get()).toEqual({ state: 'out', why: null });
    await session.signIn(TOKEN);
    expect(session.get().state).toBe('in');
  });

  it('ends when its token is refused, but not for a token of before', async () => {
    serve(list);
    const session = createSession(sessionStorage);
    await session.signIn(TOKEN);
    session.refused(OTHER, 'expired');
    expect(session.get().state).toBe('in');
    session.refused(TOKEN, 'expired');
    expect(session.get()).toEqual({
      state: 'out',
      why: { message: 'You were signed out: expired' },
    });
    expect(sessionStorage).toHaveLength(0);
    session.refused(TOKEN, 'again');
    session.dismissNotice();
    expect(session.get()).toMatchObject({ why: { message: 'You were signed out: expired' } });
  });

  it('ends by signing out, and tells only those who listen', async () => {
    serve(list);
    const session = createSession(sessionStorage);
    let calls = 0;
    const stop = session.subscribe(() => (calls += 1));
    await session.signIn(TOKEN);
    stop();
    session.signOut();
    expect(calls).toBe(1);
    expect(sessionStorage).toHaveLength(0);
  });
});
