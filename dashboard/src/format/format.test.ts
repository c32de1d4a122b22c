import { formatAmount } from './money';
import { detectorName, fieldName } from './names';
import {
  formatCompact,
  formatMs,
  formatPValue,
  formatRarity,
  formatRate,
  formatScore,
  formatSigned,
  formatValue,
} from './number';
import { formatClock, formatDate, formatDuration, formatUtc, isToday, parseTime } from './time';

describe('amounts', () => {
  it.each([
    ['412.50', 'EUR', '412.50 EUR'],
    ['1234567.891', 'KWD', '1,234,567.891 KWD'],
    ['0', 'JPY', '0 JPY'],
    ['-1000.00', 'EUR', '−1,000.00 EUR'],
    // More digits than a double holds: all of them stay.
    ['92233720368547758.07', 'EUR', '92,233,720,368,547,758.07 EUR'],
    ['999', '', '999'],
  ])('shows %s %s as %s', (amount, currency, shown) => {
    expect(formatAmount(amount, currency)).toBe(shown);
  });

  it('shows what is no decimal as it came', () => {
    expect(formatAmount('1e5', 'EUR')).toBe('1e5 EUR');
    expect(formatAmount('', '')).toBe('');
  });
});

describe('scores', () => {
  it.each([
    [0.993, '0.993'],
    [0.99979, '0.9997'],
    [0.9999999, '0.9999999'],
    [0.5, '0.500'],
    [0, '0.000'],
    [0.9996, '0.9996'],
    [null, '–'],
  ])('shows %s as %s', (score, shown) => {
    expect(formatScore(score)).toBe(shown);
  });

  it('never shows a score as 1', () => {
    for (let nines = 1; nines < 16; nines += 1) {
      expect(formatScore(1 - 10 ** -nines)).toMatch(/^0\.\d+$/);
    }
  });
});

describe('numbers', () => {
  it('shows values with four significant digits', () => {
    expect(formatValue(67.2)).toBe('67.2');
    expect(formatValue(1840)).toBe('1,840');
    expect(formatValue(-0.35)).toBe('−0.35');
    expect(formatValue(0)).toBe('0');
    expect(formatValue(1.5e12)).toBe('1.50e12');
    expect(formatValue(2.5e-7)).toBe('2.50e−7');
    expect(formatValue(null)).toBe('–');
  });

  it('says how rare a p-value is, and nothing when it is not', () => {
    expect(formatRarity(0.00021)).toBe('1 in 4,800');
    expect(formatRarity(1e-8)).toBe('1 in 100M');
    expect(formatRarity(1e-300)).toBe('under 1 in a billion');
    expect(formatRarity(0.9)).toBeNull();
    expect(formatRarity(0)).toBeNull();
    expect(formatRarity(null)).toBeNull();
  });

  it('shortens p-values, counts, rates and times', () => {
    expect(formatPValue(0.00021)).toBe('0.00021');
    expect(formatPValue(1.19e-6)).toBe('1.19e−6');
    expect(formatPValue(null)).toBe('–');
    expect(formatCompact(9999)).toBe('9,999');
    expect(formatCompact(41_200)).toBe('41.2K');
    expect(formatRate(45.81)).toBe('45.8');
    expect(formatRate(60_000)).toBe('60K');
    expect(formatMs(0.21)).toBe('210 µs');
    expect(formatMs(1.87)).toBe('1.9 ms');
    expect(formatMs(45)).toBe('45 ms');
    expect(formatMs(2500)).toBe('2.5 s');
    expect(formatSigned(-0.346)).toBe('−0.35');
    expect(formatSigned(2)).toBe('+2.00');
  });
});

describe('times', () => {
  const ms = Date.UTC(2026, 2, 1, 12, 30, 5, 123);

  it('reads RFC 3339 and epoch milliseconds', () => {
    expect(parseTime('2026-03-01T12:30:05.123Z')).toBe(ms);
    expect(parseTime('2026-03-01T13:30:05.123+01:00')).toBe(ms);
    expect(parseTime(ms)).toBe(ms);
    expect(parseTime('yesterday')).toBeNull();
    expect(parseTime(1e300)).toBeNull();
  });

  it('shows UTC, and the local clock and date', () => {
    const local = new Date(ms);
    expect(formatUtc(ms)).toBe('2026-03-01 12:30:05.123 UTC');
    expect(formatClock(ms)).toBe(local.toTimeString().slice(0, 8));
    expect(formatDate(new Date(2026, 0, 9, 3).getTime())).toBe('2026-01-09');
    expect(isToday(ms, ms + 1)).toBe(true);
    expect(isToday(ms, ms + 48 * 3600_000)).toBe(false);
  });

  it('shows durations in the largest unit that says something', () => {
    expect(formatDuration(59)).toBe('59 s');
    expect(formatDuration(600)).toBe('10 min');
    expect(formatDuration(7260)).toBe('2 h 1 min');
    expect(formatDuration(200_000)).toBe('2 d 7 h');
    expect(formatDuration(-3)).toBe('0 s');
  });
});

it('gives known things their name and others a readable one', () => {
  expect(detectorName('iqr')).toBe('Interquartile range');
  expect(detectorName('my_detector')).toBe('My detector');
  expect(fieldName('user_id')).toBe('Customer');
  expect(fieldName('some_field')).toBe('Some field');
});
