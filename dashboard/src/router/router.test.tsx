import { act, createEvent, fireEvent, render, screen } from '@testing-library/react';
import { Link } from './link';
import { anomalyPath, navigate, parseRoute, usePathname } from './router';

it.each([
  ['/app/', { page: 'list' }],
  ['/app', { page: 'list' }],
  ['/app/index.html', { page: 'list' }],
  ['/app/anomalies/a-1', { page: 'anomaly', id: 'a-1' }],
  ['/app/anomalies/a%2F1/', { page: 'anomaly', id: 'a/1' }],
  ['/app/anomalies/%E0%A4%A', { page: 'unknown', path: '/app/anomalies/%E0%A4%A' }],
  ['/app/anomalies/', { page: 'unknown', path: '/app/anomalies/' }],
  ['/app/anomalies/a/b', { page: 'unknown', path: '/app/anomalies/a/b' }],
  ['/elsewhere', { page: 'unknown', path: '/elsewhere' }],
])('%s leads to %j', (path, route) => {
  expect(parseRoute(path)).toEqual(route);
});

it('leads back from an id to the same id', () => {
  const id = 'a/b?c#d%20 é';
  expect(parseRoute(new URL(anomalyPath(id), 'http://x').pathname)).toEqual({
    page: 'anomaly',
    id,
  });
});

function Shown() {
  return <p>{usePathname()}</p>;
}

it('follows navigation and the back button', () => {
  render(<Shown />);
  act(() => navigate('/app/anomalies/a'));
  expect(screen.getByText('/app/anomalies/a')).toBeVisible();
  act(() => navigate('/app/anomalies/b', { replace: true }));
  expect(screen.getByText('/app/anomalies/b')).toBeVisible();
  act(() => {
    history.replaceState(null, '', '/app/');
    window.dispatchEvent(new PopStateEvent('popstate'));
  });
  expect(screen.getByText('/app/')).toBeVisible();
});

it('leaves a click with a modifier key to the browser', () => {
  render(<Link to="/app/anomalies/a">open</Link>);
  const link = screen.getByRole('link', { name: 'open' });
  const modified = createEvent.click(link, { ctrlKey: true });
  // jsdom cannot open tabs; what counts is that the click was not taken before.
  let taken = true;
  window.addEventListener(
    'click',
    (event) => {
      taken = event.defaultPrevented;
      event.preventDefault();
    },
    { once: true },
  );
  fireEvent(link, modified);
  expect(taken).toBe(false);
  expect(location.pathname).toBe('/app/');
  fireEvent.click(link);
  expect(location.pathname).toBe('/app/anomalies/a');
});
