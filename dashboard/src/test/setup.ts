import '@testing-library/jest-dom/vitest';
import { configure } from '@testing-library/react';
import { afterEach, beforeEach, vi } from 'vitest';
import { remembered } from '../list/list-page';

configure({ asyncUtilTimeout: 10_000 });

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
