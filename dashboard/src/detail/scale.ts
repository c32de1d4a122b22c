// Where observed, expected and threshold stand on one line, as shares of its length (0 to 1).
import type { Reason } from '../api/types';

export interface Scale {
  observed: number;
  expected: number | null;
  threshold: number | null;
  /** The part of the line beyond the threshold, on the side of the observed value. */
  beyond: { from: number; to: number } | null;
  logarithmic: boolean;
}

const MARGIN = 0.06;
const LOG_FROM_RATIO = 30;

function isNumber(value: number | null): value is number {
  return value !== null;
}

/** Null when there is nothing to compare the observed value with. */
export function layOut(reason: Reason): Scale | null {
  const { observed, expected, threshold } = reason;
  const others = [expected, threshold].filter(isNumber);
  if (observed === null || others.length === 0) {
    return null;
  }
  const values = [observed, ...others];
  const low = Math.min(...values);
  const high = Math.max(...values);
  const logarithmic = low > 0 && high / low > LOG_FROM_RATIO;
  const map = logarithmic ? Math.log : (value: number) => value;
  // Zero belongs to the line unless that would press everything against its end.
  const start = !logarithmic && low > 0 && low < high / 2 ? 0 : map(low);
  const span = map(high) - start;
  const place = (value: number): number =>
    span === 0 ? 0.5 : MARGIN + ((map(value) - start) / span) * (1 - 2 * MARGIN);

  const at = threshold === null ? null : place(threshold);
  const side = expected === null ? observed : expected;
  const upper =
    threshold !== null && (expected === null ? observed >= threshold : side <= threshold);
  return {
    observed: place(observed),
    expected: expected === null ? null : place(expected),
    threshold: at,
    beyond: at === null ? null : upper ? { from: at, to: 1 } : { from: 0, to: at },
    logarithmic,
  };
}

/** "6.1 times the usual", where that says more than the two numbers do. */
export function timesUsual(reason: Reason): string | null {
  const { observed, expected } = reason;
  if (observed === null || expected === null || observed <= 0 || expected <= 0) {
    return null;
  }
  const ratio = observed / expected;
  if (ratio >= 1e6) {
    return 'over a million times the usual';
  }
  if (ratio >= 1.5) {
    return `${Number(ratio.toPrecision(2)).toLocaleString('en')} times the usual`;
  }
  if (ratio < 0.01) {
    return 'under 1 % of the usual';
  }
  return ratio <= 0.5 ? `${Number((ratio * 100).toPrecision(2))} % of the usual` : null;
}
