import type { AnomalyPage } from '../api/types';
import { ApiError } from '../api/client';
import { anomaly } from '../test/samples';
import { appendOlder, type LiveList, mergeNewest, ROWS_MAX } from './live';
import { neighbours, pollInterval } from './use-list';

/** A page of the anomalies numbered `from` down to `to`. */
function page(from: number, to: number, cursor: string | null = `after-${to}`): AnomalyPage {
  const items = [];
  for (let index = from; index >= to; index -= 1) {
    items.push(anomaly(index));
  }
  return { items, next_cursor: cursor };
}

const numbers = (list: LiveList): number[] =>
  list.items.map((item) => Number(item.anomaly_id.slice(2)));

describe('the newest page', () => {
  it('starts the list, and marks nothing as new', () => {
    const list = mergeNewest(undefined, page(5, 3), 100);
    expect(numbers(list)).toEqual([5, 4, 3]);
    expect(list.arrivals.size).toBe(0);
    expect(list.older).toBe('after-3');
  });

  it('puts new rows on top, keeps what is below, and remembers when they came', () => {
    const list = mergeNewest(mergeNewest(undefined, page(5, 3), 100), page(7, 5), 200);
    expect(numbers(list)).toEqual([7, 6, 5, 4, 3]);
    expect([...list.arrivals]).toEqual([
      ['a-0007', 200],
      ['a-0006', 200],
    ]);
    expect(list.older).toBe('after-3');
  });

  it('starts anew when more came than a page holds, instead of hiding a gap', () => {
    const list = mergeNewest(mergeNewest(undefined, page(5, 3), 100), page(20, 18), 200);
    expect(numbers(list)).toEqual([20, 19, 18]);
    expect(list.older).toBe('after-18');
  });

  it('places a late arrival by its time', () => {
    const known = mergeNewest(
      undefined,
      { items: [anomaly(9), anomaly(5)], next_cursor: 'after-5' },
      100,
    );
    const list = mergeNewest(known, page(9, 7), 200);
    expect(numbers(list)).toEqual([9, 8, 7, 5]);
  });

  it('shows a row that changed as it is now, and keeps one that did not', () => {
    const known = mergeNewest(undefined, page(5, 3), 100);
    const now = { ...page(5, 3), items: [anomaly(5, { status: 'confirmed' }), anomaly(4)] };
    const list = mergeNewest(known, now, 200);
    expect(list.items[0]?.status).toBe('confirmed');
    expect(list.items[1]).toBe(known.items[1]);
  });

  it('drops a row that no longer matches', () => {
    const known = mergeNewest(undefined, page(6, 3), 100);
    const now = { items: [anomaly(6), anomaly(4)], next_cursor: 'after-4' };
    expect(numbers(mergeNewest(known, now, 200))).toEqual([6, 4, 3]);
  });

  it('is all there is when nothing follows it', () => {
    const list = mergeNewest(mergeNewest(undefined, page(5, 3), 1), page(5, 5, null), 2);
    expect(numbers(list)).toEqual([5]);
    expect(list.older).toBeNull();
    expect(numbers(mergeNewest(list, page(0, 1, null), 3))).toEqual([]);
  });

  it('orders rows of one instant by id', () => {
    const same = { transaction: { timestamp: 5 } };
    const list = mergeNewest(
      undefined,
      { items: [anomaly(1, same), anomaly(3, same), anomaly(2, same)], next_cursor: null },
      1,
    );
    expect(numbers(list)).toEqual([3, 2, 1]);
  });
});

describe('older pages', () => {
  it('go below, with the cursor to continue', () => {
    const known = mergeNewest(undefined, page(9, 7), 100);
    const list = appendOlder(known, page(6, 4), 'after-7');
    expect(numbers(list)).toEqual([9, 8, 7, 6, 5, 4]);
    expect(list.older).toBe('after-4');
    expect(appendOlder(list, page(3, 1, null), 'after-4').older).toBeNull();
  });

  it('are ignored when the list has moved on meanwhile', () => {
    const known = mergeNewest(undefined, page(9, 7), 100);
    expect(appendOlder(known, page(3, 1), 'after-4')).toBe(known);
  });
});

it('lets the oldest rows go at the limit, and can load them again', () => {
  let list = mergeNewest(undefined, page(49, 0), 0);
  let top = 49;
  while (top < 1400) {
    top += 30;
    list = mergeNewest(list, page(top, top - 49), top);
  }
  expect(list.items.length).toBeLessThanOrEqual(ROWS_MAX);
  expect(list.items.length).toBeGreaterThan(ROWS_MAX - 50);
  const last = numbers(list).at(-1) as number;
  expect(numbers(list)).toEqual(Array.from({ length: top - last + 1 }, (_, index) => top - index));
  expect(list.older).toBe(`after-${last}`);
  expect(list.cursors.size).toBeLessThanOrEqual(list.items.length);
});

it('polls again as the state asks', () => {
  expect(pollInterval(null, false)).toBe(2000);
  expect(pollInterval(null, true)).toBe(false);
  expect(pollInterval(new ApiError('', { status: 0 }), false)).toBe(4000);
  expect(pollInterval(new ApiError('', { status: 400 }), false)).toBe(false);
  expect(pollInterval(new ApiError('', { status: 429, retryAfterMs: 9000 }), false)).toBe(9000);
});

it('knows the rows before and after one', () => {
  const list = mergeNewest(undefined, page(9, 7), 100);
  expect(neighbours(list, 'a-0008')).toEqual({ newer: 'a-0009', older: 'a-0007' });
  expect(neighbours(list, 'a-0009')).toEqual({ newer: null, older: 'a-0008' });
  expect(neighbours(list, 'other')).toEqual({ newer: null, older: null });
  expect(neighbours(undefined, 'a')).toEqual({ newer: null, older: null });
});
