// Numbers as people read them. One set of separators everywhere: the messages that come from the
// server use the same.

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const significant = new Intl.NumberFormat('en', { maximumSignificantDigits: 4 });

export const NONE = '–';

export function formatCount(value: number): string {
  return whole.format(value);
}

export function formatCompact(value: number): string {
  return Math.abs(value) < 10_000 ? whole.format(value) : compact.format(value);
}

/** Up to four significant digits; very large and very small ones in scientific notation. */
export function formatValue(value: number | null): string {
  if (value === null) {
    return NONE;
  }
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e9 || size < 1e-4)) {
    return value.toExponential(2).replace('e+', 'e').replace('-', '−').replace('e-', 'e−');
  }
  return significant.format(value).replace('-', '−');
}

/**
 * A score in [0, 1) with the digits that tell it from 1: 0.993, 0.9997. Cut, never rounded up:
 * no score is 1.
 */
export function formatScore(score: number | null): string {
  if (score === null) {
    return NONE;
  }
  // On the digits themselves: arithmetic would round 1 - 1e-10 up.
  const digits = /^0\.(\d+)$/.exec(String(score))?.[1];
  if (digits === undefined) {
    return score.toFixed(3);
  }
  const nines = /^9*/.exec(digits)?.[0].length ?? 0;
  return `0.${digits.slice(0, Math.min(Math.max(nines + 1, 3), 7)).padEnd(3, '0')}`;
}

export function formatPValue(p: number | null): string {
  if (p === null) {
    return NONE;
  }
  return p < 1e-4 ? formatValue(p) : String(Number(p.toPrecision(2)));
}

/** "1 in 4,800": how often ordinary traffic looks at least this unusual. */
export function formatRarity(p: number | null): string | null {
  if (p === null || p <= 0 || p > 0.5) {
    return null;
  }
  if (p < 1e-9) {
    return 'under 1 in a billion';
  }
  const times = Number((1 / p).toPrecision(2));
  return `1 in ${times < 1e6 ? whole.format(times) : compact.format(times)}`;
}

export function formatSigned(value: number): string {
  const digits = Math.abs(value).toFixed(2);
  return `${value < 0 ? '−' : '+'}${digits}`;
}

export function formatMs(value: number): string {
  if (value < 1) {
    return `${Math.round(value * 1000)} µs`;
  }
  return value < 1000
    ? `${value.toFixed(value < 10 ? 1 : 0)} ms`
    : `${(value / 1000).toFixed(1)} s`;
}

export function formatRate(value: number): string {
  return value < 100 ? value.toFixed(1) : formatCompact(Math.round(value));
}
