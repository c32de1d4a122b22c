// Paths under /app/, nothing more: the server answers every one of them with the same page.
import { useSyncExternalStore } from 'react';

export const BASE = '/app/';

export type Route =
  { page: 'list' } | { page: 'anomaly'; id: string } | { page: 'unknown'; path: string };

export function parseRoute(pathname: string): Route {
  if (pathname === BASE || `${pathname}/` === BASE || pathname === `${BASE}index.html`) {
    return { page: 'list' };
  }
  const match = /^\/app\/anomalies\/([^/]+)\/?$/.exec(pathname);
  if (match?.[1] !== undefined) {
    try {
      return { page: 'anomaly', id: decodeURIComponent(match[1]) };
    } catch {
      return { page: 'unknown', path: pathname }; // a broken percent escape
    }
  }
  return { page: 'unknown', path: pathname };
}

export function anomalyPath(id: string): string {
  return `${BASE}anomalies/${encodeURIComponent(id)}`;
}

const CHANGED = 'telltale:navigated';

export function navigate(to: string, options: { replace?: boolean } = {}): void {
  if (options.replace) {
    history.replaceState(null, '', to);
  } else {
    history.pushState(null, '', to);
  }
  window.dispatchEvent(new Event(CHANGED));
}

function subscribe(listener: () => void): () => void {
  window.addEventListener('popstate', listener);
  window.addEventListener(CHANGED, listener);
  return () => {
    window.removeEventListener('popstate', listener);
    window.removeEventListener(CHANGED, listener);
  };
}

export function usePathname(): string {
  return useSyncExternalStore(subscribe, () => window.location.pathname);
}

export function useSearch(): string {
  return useSyncExternalStore(subscribe, () => window.location.search);
}
