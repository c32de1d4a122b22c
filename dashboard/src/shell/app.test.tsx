// The whole application against a stand-in for the server.
import { act, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { createSession, type SessionStore } from '../session/session';
import { anomalyJson, type Asked, json, problem, serve, STATUS_JSON, TOKEN } from '../test/samples';
import { App } from './app';

type Answer = (asked: Asked) => Response | undefined;

/** A server with these anomalies, newest first; `answer` may step in before it. */
function server(numbers: number[], answer: Answer = () => undefined): Asked[] {
  return serve((asked) => {
    const special = answer(asked);
    if (special !== undefined) {
      return special;
    }
    if (asked.path === '/status') {
      return json(STATUS_JSON);
    }
    if (asked.path === '/anomalies') {
      return json({ items: numbers.map((index) => anomalyJson(index)), next_cursor: null });
    }
    const found = numbers.find((index) => asked.path === `/anomalies/a-000${index}`);
    return found === undefined ? problem(404, 'none') : json(anomalyJson(found));
  });
}

function open(path = '/app/'): SessionStore {
  history.replaceState(null, '', path);
  sessionStorage.setItem('telltale.token', TOKEN);
  const store = createSession(sessionStorage);
  render(<App store={store} />);
  return store;
}

const rows = () => screen.getAllByRole('row').slice(1);
const asked = (log: Asked[], path: string) => log.filter((entry) => entry.path === path);

describe('the list', () => {
  it('shows what there is, newest first, with UTC in the title of a time', async () => {
    server([3, 2, 1]);
    open();
    expect(screen.getByText('Loading anomalies…')).toBeVisible();
    await screen.findByText('u-3');
    const [first] = rows();
    expect(first).toHaveTextContent('1,412.50 EUR');
    expect(first).toHaveTextContent('6.1 times');
    expect(first).toHaveTextContent('Alerted');
    expect(
      within(first as HTMLElement)
        .getByRole('link')
        .querySelector('time'),
    ).toHaveAttribute('title', '2026-03-01 12:00:03.000 UTC');
    expect(screen.getByText('That is all there is.')).toBeVisible();
    expect(document.title).toBe('Anomalies · Telltale');
  });

  it('asks again every two seconds and marks what is new; paused it does not', async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const numbers = [1];
    const log = server(numbers);
    open();
    await screen.findByText('u-1');
    numbers.unshift(2);
    await act(() => vi.advanceTimersByTimeAsync(2100));
    await screen.findByText('u-2');
    expect(rows()[0]).toHaveClass('fresh');
    expect(rows()[1]).not.toHaveClass('fresh');

    await userEvent.click(screen.getByRole('button', { name: 'Pause' }));
    expect(screen.getByText(/^Paused · last update/)).toBeVisible();
    const before = asked(log, '/anomalies').length;
    await act(() => vi.advanceTimersByTimeAsync(10_000));
    expect(asked(log, '/anomalies')).toHaveLength(before);

    numbers.unshift(3);
    await userEvent.click(screen.getByRole('button', { name: 'Resume' }));
    await act(() => vi.advanceTimersByTimeAsync(2100));
    expect(await screen.findByText('u-3')).toBeVisible();
  });

  it('does not ask while the tab is hidden', async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const log = server([1]);
    open();
    await screen.findByText('u-1');
    const hidden = vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden');
    act(() => void document.dispatchEvent(new Event('visibilitychange', { bubbles: true })));
    const before = log.length;
    await act(() => vi.advanceTimersByTimeAsync(10_000));
    expect(log).toHaveLength(before);
    hidden.mockReturnValue('visible');
    act(() => void document.dispatchEvent(new Event('visibilitychange', { bubbles: true })));
    await waitFor(() => expect(log.length).toBeGreaterThan(before));
  });

  it('keeps the filters in the address and asks with them', async () => {
    const log = server([1]);
    open('/app/?merchant_id=m-42');
    await screen.findByText('u-1');
    expect(asked(log, '/anomalies')[0]?.query.get('merchant_id')).toBe('m-42');
    await userEvent.selectOptions(screen.getByLabelText('Severity'), 'high');
    await userEvent.type(screen.getByLabelText('Customer'), 'u-1{Enter}');
    expect(location.search).toBe('?severity=high&user_id=u-1&merchant_id=m-42');
    await waitFor(() => expect(asked(log, '/anomalies').at(-1)?.query.get('user_id')).toBe('u-1'));
    await userEvent.click(screen.getByRole('button', { name: 'Clear' }));
    expect(location.search).toBe('');
    expect(screen.getByLabelText('Customer')).toHaveValue('');
  });

  it('applies what is typed after a moment, and never a score that is none', async () => {
    server([1]);
    open();
    await screen.findByText('u-1');
    const score = screen.getByLabelText('Score at least');
    await userEvent.type(score, '7');
    expect(score).toBeInvalid();
    await userEvent.type(score, '{Enter}');
    expect(location.search).toBe('');
    await userEvent.clear(score);
    await userEvent.type(score, '0.9');
    await waitFor(() => expect(location.search).toBe('?min_score=0.9'));
  });

  it('says that nothing matches, and offers to clear the filters', async () => {
    server([]);
    open('/app/?severity=exotic&from=2026-03-01T12:00:00.000Z');
    expect(await screen.findByText('Nothing matches these filters')).toBeVisible();
    expect(screen.getByLabelText('Severity')).toHaveValue('exotic');
    expect(screen.getByLabelText('From')).not.toHaveValue('');
    await userEvent.click(screen.getByRole('button', { name: 'Clear filters' }));
    expect(await screen.findByText('No anomalies yet')).toBeVisible();
  });

  it('says what is wrong, keeps the rows, and recovers by itself', async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    let down = false;
    server([1], ({ path }) =>
      down && path === '/anomalies' ? problem(503, 'The store is busy.', 'store_busy') : undefined,
    );
    open();
    await screen.findByText('u-1');
    down = true;
    await act(() => vi.advanceTimersByTimeAsync(2100));
    expect(await screen.findByRole('alert')).toHaveTextContent('The store is busy. store_busy');
    expect(screen.getByText(/^Not up to date · last update/)).toBeVisible();
    expect(screen.getByText('u-1')).toBeVisible();
    down = false;
    await act(() => vi.advanceTimersByTimeAsync(4100));
    await waitFor(() => expect(screen.queryByRole('alert')).toBeNull());
  });

  it('tries again when asked to', async () => {
    let down = true;
    server([1], ({ path }) =>
      down && path === '/anomalies' ? problem(400, 'min_score: not a number') : undefined,
    );
    open('/app/?min_score=x');
    expect(await screen.findByText(/min_score: not a number/)).toBeVisible();
    down = false;
    await userEvent.click(screen.getByRole('button', { name: 'Try again' }));
    expect(await screen.findByText('u-1')).toBeVisible();
  });

  it('loads older rows by the cursor, and says when that fails', async () => {
    let down = true;
    const log = server([], ({ path, query }) => {
      if (path !== '/anomalies') {
        return undefined;
      }
      if (query.get('cursor') === null) {
        return json({ items: [anomalyJson(5)], next_cursor: 'next' });
      }
      return down ? problem(503, 'Not now.') : json({ items: [anomalyJson(4)], next_cursor: null });
    });
    open('/app/?severity=high');
    await userEvent.click(await screen.findByRole('button', { name: 'Load older' }));
    expect(await screen.findByText('Not now.')).toBeVisible();
    down = false;
    await userEvent.click(screen.getByRole('button', { name: 'Try again' }));
    expect(await screen.findByText('u-4')).toBeVisible();
    expect(asked(log, '/anomalies').at(-1)?.query.toString()).toContain('cursor=next');
    expect(asked(log, '/anomalies').at(-1)?.query.get('severity')).toBe('high');
  });

  it('is walked with j and k, opened with Enter, and left again with Escape', async () => {
    server([3, 2, 1]);
    open('/app/?severity=high');
    await screen.findByText('u-3');
    await userEvent.keyboard('jjjjk');
    const link = within(rows()[1] as HTMLElement).getByRole('link');
    expect(link).toHaveFocus();
    await userEvent.keyboard('{Enter}');
    expect(location.pathname).toBe('/app/anomalies/a-0002');
    await screen.findByRole('heading', { level: 1, name: 'u-2 spent 1,412.50 EUR at m-42' });
    await userEvent.keyboard('j');
    expect(location.pathname).toBe('/app/anomalies/a-0001');
    await userEvent.keyboard('kk');
    expect(location.pathname).toBe('/app/anomalies/a-0003');
    await userEvent.keyboard('{Escape}');
    expect(location.pathname + location.search).toBe('/app/?severity=high');
    expect(within(rows()[0] as HTMLElement).getByRole('link')).toHaveFocus();
  });

  it('leaves keys alone while somebody types', async () => {
    server([1]);
    open();
    await screen.findByText('u-1');
    await userEvent.keyboard('/');
    const customer = screen.getByLabelText('Customer');
    expect(customer).toHaveFocus();
    await userEvent.keyboard('jp');
    expect(customer).toHaveValue('jp');
    expect(screen.getByRole('button', { name: 'Pause' })).toBeVisible();
    await userEvent.keyboard('{Escape}');
    expect(customer).not.toHaveFocus();
    await userEvent.keyboard('p');
    expect(screen.getByRole('button', { name: 'Resume' })).toBeVisible();
  });
});

describe('one anomaly', () => {
  it('shows its evidence at its own address', async () => {
    server([1], ({ path }) =>
      path === '/anomalies/a-0001'
        ? json(anomalyJson(1, { degraded: ['isolation_forest'] }))
        : undefined,
    );
    open('/app/anomalies/a-0001');
    await screen.findByRole('heading', { level: 1, name: 'u-1 spent 1,412.50 EUR at m-42' });
    expect(document.title).toBe('u-1 spent 1,412.50 EUR at m-42 · Telltale');
    expect(screen.getByText(/Decided without: Isolation forest/)).toBeVisible();
    expect(screen.getByText('user_amount_log')).toBeVisible();
    expect(screen.getByText('bundle-hash')).toBeVisible();
    expect(screen.getByText('200 µs')).toBeVisible();
    expect(screen.getByRole('link', { name: 'u-1' })).toHaveAttribute('href', '/app/?user_id=u-1');
    expect(screen.getByText(/"amount": "1412.50"/)).toBeInTheDocument();
  });

  it('copies its address, and says when the browser does not allow it', async () => {
    const user = userEvent.setup();
    server([1]);
    open('/app/anomalies/a-0001');
    await screen.findByRole('heading', { level: 1 });
    await user.click(screen.getByRole('button', { name: 'Copy link' }));
    expect(await navigator.clipboard.readText()).toBe('http://localhost/app/anomalies/a-0001');
    expect(screen.getByRole('button', { name: 'Copied' })).toBeVisible();
    vi.spyOn(navigator.clipboard, 'writeText').mockRejectedValue(new Error('no'));
    await user.click(screen.getByText('Raw JSON'));
    await user.click(screen.getByRole('button', { name: 'Copy JSON' }));
    expect(screen.getByRole('button', { name: 'Copying is not allowed here' })).toBeVisible();
  });

  it('is said to be missing when it is', async () => {
    server([1]);
    open('/app/anomalies/gone');
    expect(await screen.findByRole('heading', { name: 'No such anomaly' })).toBeVisible();
    await userEvent.click(screen.getByRole('link', { name: /All anomalies/ }));
    expect(await screen.findByText('u-1')).toBeVisible();
  });

  it('can be asked for again when the server failed', async () => {
    let down = true;
    server([1], ({ path }) =>
      down && path === '/anomalies/a-0001' ? problem(503, 'Busy.') : undefined,
    );
    open('/app/anomalies/a-0001');
    expect(await screen.findByRole('alert')).toHaveTextContent('Busy.');
    down = false;
    await userEvent.click(screen.getByRole('button', { name: 'Try again' }));
    expect(await screen.findByRole('heading', { name: 'Why' })).toBeVisible();
  });
});

describe('the frame', () => {
  it('tells what Telltale is doing', async () => {
    server([1]);
    open();
    const strip = screen.getByRole('region', { name: 'Status' });
    expect(await within(strip).findByText('OK')).toBeVisible();
    expect(strip).toHaveTextContent('Transactions41.2K');
    expect(strip).toHaveTextContent('p991.9 ms');
    expect(strip).toHaveTextContent('Epoch12');
    expect(within(strip).getByText('OK')).toHaveAttribute(
      'title',
      'Telltale 0.1.0\nup 1 min\nbundle abc\nml-detector: ok',
    );
  });

  it('names the services that are not well', async () => {
    const services = [
      { name: 'alerter', status: 'retrying' },
      { name: 'ml-detector', status: 'ok' },
    ];
    server([1], ({ path }) =>
      path === '/status' ? json({ status: 'degraded', services }) : undefined,
    );
    open();
    expect(await screen.findByText('Degraded (alerter: retrying)')).toBeVisible();
  });

  it('draws the rate of the last polls, and says when the server is gone', async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    let down = false;
    server([1], ({ path }) => (down && path === '/status' ? problem(500, 'x') : undefined));
    open();
    await screen.findByText('OK');
    await act(() => vi.advanceTimersByTimeAsync(4200));
    await waitFor(() => expect(document.querySelector('.sparkline polyline')).not.toBeNull());
    down = true;
    await act(() => vi.advanceTimersByTimeAsync(2100));
    expect(await screen.findByText('Not reachable')).toBeVisible();
  });

  it('shows who is signed in, and a notice until it is dismissed', async () => {
    server([1], ({ path }) => (path === '/auth/exchange' ? problem(401, 'used') : undefined));
    const store = open();
    expect(screen.getByText('ann · analyst')).toHaveAttribute(
      'title',
      expect.stringContaining('Signed in until 2027-01-15'),
    );
    await act(() => store.exchange('stale'));
    expect(await screen.findByText(/You are still signed in/)).toBeVisible();
    await userEvent.click(screen.getByRole('button', { name: 'Dismiss' }));
    expect(screen.queryByText(/You are still signed in/)).toBeNull();
  });

  it('has a page for addresses that lead nowhere', async () => {
    server([1]);
    open('/app/nowhere');
    expect(screen.getByRole('heading', { name: 'There is no such page' })).toBeVisible();
    await userEvent.click(screen.getByRole('link', { name: 'Show all anomalies' }));
    expect(await screen.findByText('u-1')).toBeVisible();
  });
});

describe('signing in', () => {
  const signIn = async (text: string) => {
    const field = screen.getByLabelText('Access token');
    await userEvent.clear(field);
    await userEvent.type(field, text);
    await userEvent.click(screen.getByRole('button', { name: 'Sign in' }));
  };

  it('is asked for at any address, which is shown afterwards', async () => {
    server([1]);
    history.replaceState(null, '', '/app/anomalies/a-0001');
    render(<App store={createSession(sessionStorage)} />);
    expect(screen.getByRole('heading', { name: 'Sign in' })).toBeVisible();
    expect(screen.getByRole('button', { name: 'Sign in' })).toBeDisabled();
    expect(document.title).toBe('Sign in · Telltale');
    await signIn(`Bearer ${TOKEN}`);
    expect(await screen.findByRole('heading', { name: 'Why' })).toBeVisible();
  });

  it('refuses at once what is no token, and says what the server refuses', async () => {
    let status = 401;
    const log = server([1], () => problem(status, 'The signature does not match.'));
    render(<App store={createSession(sessionStorage)} />);
    await signIn('hello');
    expect(screen.getByRole('alert')).toHaveTextContent('three parts joined by dots');
    expect(log).toHaveLength(0);
    await signIn(TOKEN);
    expect(await screen.findByText(/does not accept this token: The signature/)).toBeVisible();
    status = 403;
    await signIn(TOKEN);
    expect(await screen.findByText(/may not see anomalies/)).toBeVisible();
    status = 500;
    await signIn(TOKEN);
    expect(await screen.findByText('The signature does not match.')).toBeVisible();
  });

  it('by a link shows that it is under way, and tells what to do when it was used', async () => {
    let answer: (response: Response) => void = () => undefined;
    serve(() => new Promise<Response>((resolve) => (answer = resolve)));
    const store = createSession(sessionStorage);
    const done = store.exchange('abc');
    render(<App store={store} />);
    expect(screen.getByText('Signing in with your link…')).toBeVisible();
    await act(async () => {
      answer(problem(401, 'used'));
      await done;
    });
    expect(screen.getByRole('alert')).toHaveTextContent('used already');
    expect(screen.getByText('telltale token create --role analyst')).toBeVisible();
  });

  it('by a link can be tried again when the server was not there', async () => {
    serve(() => Promise.reject(new TypeError()));
    const store = createSession(sessionStorage);
    await store.exchange('abc');
    render(<App store={store} />);
    server([1], ({ path }) => (path === '/auth/exchange' ? json({ token: TOKEN }) : undefined));
    await userEvent.click(screen.getByRole('button', { name: 'Try the link again' }));
    expect(await screen.findByText('u-1')).toBeVisible();
  });

  it('is needed again when any call is answered 401, with the reason', async () => {
    let expired = false;
    server([1], () => (expired ? problem(401, 'The token has expired.') : undefined));
    open();
    await screen.findByText('u-1');
    expired = true;
    await userEvent.selectOptions(screen.getByLabelText('Severity'), 'low');
    expect(await screen.findByText('You were signed out: The token has expired.')).toBeVisible();
    expect(screen.queryByText('u-1')).toBeNull();
    expect(sessionStorage).toHaveLength(0);
  });

  it('out shows nothing of before', async () => {
    server([1]);
    open();
    await screen.findByText('u-1');
    await userEvent.click(screen.getByRole('button', { name: 'Sign out' }));
    expect(screen.getByRole('heading', { name: 'Sign in' })).toBeVisible();
    expect(screen.queryByText('u-1')).toBeNull();
  });
});
