import '@testing-library/jest-dom/vitest';
import { afterEach, beforeEach, vi } from 'vitest';
import { remembered } from '../list/list-page';

beforeEach(() => {
  history.replaceState(null, '', '/app/');
  sessionStorage.clear();
  Object.assign(remembered, { query: '', row: null, paused: false });
  // jsdom has no layout, so nothing to scroll.
  window.scrollTo = () => undefined;
  Element.prototype.scrollIntoView = () => undefined;
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});
