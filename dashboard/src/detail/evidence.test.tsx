import { render, screen, within } from '@testing-library/react';
import type { Reason } from '../api/types';
import { anomaly } from '../test/samples';
import { Detectors, strength } from './detectors';
import { otherFacts } from './facts';
import { headline, subline } from './headline';
import { Reasons } from './reasons';
import { layOut, timesUsual } from './scale';

function reason(changes: Partial<Reason>): Reason {
  return {
    detector: 'zscore',
    feature: 'f',
    observed: null,
    expected: null,
    threshold: null,
    contribution: null,
    message: 'why',
    ...changes,
  };
}

describe('the scale', () => {
  it('keeps the order of the values and everything on the line', () => {
    const scale = layOut(reason({ observed: 412.5, expected: 67.2, threshold: 210 }));
    expect(scale?.logarithmic).toBe(false);
    expect(scale?.expected).toBeLessThan(scale?.threshold as number);
    expect(scale?.threshold).toBeLessThan(scale?.observed as number);
    expect(scale?.beyond).toEqual({ from: scale?.threshold, to: 1 });
    for (const place of [scale?.observed, scale?.expected, scale?.threshold]) {
      expect(place).toBeGreaterThan(0);
      expect(place).toBeLessThan(1);
    }
  });

  it('marks the low side when the threshold is below the usual', () => {
    const scale = layOut(reason({ observed: 40, expected: 900, threshold: 600 }));
    expect(scale?.beyond).toEqual({ from: 0, to: scale?.threshold });
  });

  it('is logarithmic when the values are far apart', () => {
    const scale = layOut(reason({ observed: 10_000, expected: 1, threshold: 100 }));
    expect(scale?.logarithmic).toBe(true);
    expect(scale?.threshold).toBeCloseTo(0.5);
  });

  it('takes negative values, and values that are all the same', () => {
    expect(layOut(reason({ observed: -5, expected: 5 }))).toMatchObject({
      logarithmic: false,
      threshold: null,
      beyond: null,
    });
    expect(layOut(reason({ observed: 3, expected: 3, threshold: 3 }))?.observed).toBe(0.5);
    expect(layOut(reason({ observed: 0, threshold: 0 }))?.beyond?.from).toBe(0.5);
  });

  it('is not there when there is nothing to compare', () => {
    expect(layOut(reason({ observed: 5 }))).toBeNull();
    expect(layOut(reason({ expected: 5, threshold: 7 }))).toBeNull();
  });

  it('says how many times the usual a value is, where that helps', () => {
    expect(timesUsual(reason({ observed: 412.5, expected: 67.2 }))).toBe('6.1 times the usual');
    expect(timesUsual(reason({ observed: 40, expected: 100 }))).toBe('40 % of the usual');
    expect(timesUsual(reason({ observed: 40, expected: 41_000 }))).toBe('under 1 % of the usual');
    expect(timesUsual(reason({ observed: 1e15, expected: 1 }))).toMatch(/^over a million times/);
    expect(timesUsual(reason({ observed: 40, expected: 41 }))).toBeNull();
    expect(timesUsual(reason({ observed: 40, expected: 0 }))).toBeNull();
    expect(timesUsual(reason({ observed: -1, expected: 3 }))).toBeNull();
  });
});

describe('reasons', () => {
  const widths = (container: HTMLElement) =>
    [...container.querySelectorAll('.bar .value')].map((bar) => [
      Number(bar.getAttribute('x')),
      Number(bar.getAttribute('width')),
    ]);

  it('have bars in proportion, from the left when all raise the score', () => {
    const { container } = render(
      <Reasons reasons={[reason({ contribution: 2 }), reason({ contribution: 0.5 })]} />,
    );
    expect(widths(container)).toEqual([
      [0, 100],
      [0, 25],
    ]);
    expect(screen.getByText('+0.50')).toBeVisible();
  });

  it('have bars to both sides when one lowers the score', () => {
    const { container } = render(
      <Reasons reasons={[reason({ contribution: 2 }), reason({ contribution: -1 })]} />,
    );
    expect(widths(container)).toEqual([
      [50, 50],
      [25, 25],
    ]);
    expect(screen.getByText('−1.00')).toBeVisible();
  });

  it('tell the scale in words too', () => {
    render(<Reasons reasons={[reason({ observed: 412.5, expected: 67.2, threshold: 210 })]} />);
    expect(screen.getByRole('img')).toHaveAccessibleName(
      'observed 412.5, usual 67.2, threshold 210',
    );
    expect(screen.getByText('6.1 times the usual')).toBeVisible();
  });

  it('of a rule show no scale and no feature', () => {
    render(<Reasons reasons={[reason({ detector: 'rules', feature: null, contribution: 0 })]} />);
    expect(screen.queryByRole('img')).toBeNull();
    expect(screen.getByText('Rules')).toBeVisible();
    expect(screen.getByText('+0.00')).toBeVisible();
  });

  it('that are none are said to be none', () => {
    render(<Reasons reasons={[]} />);
    expect(screen.getByText(/gave no reasons/)).toBeVisible();
  });
});

describe('detectors', () => {
  it('stand with the most surprised first and those without a judgement last', () => {
    const base = { score: 1, fired: false };
    render(
      <Detectors
        detectors={[
          { ...base, name: 'novelty', p_value: null },
          { ...base, name: 'iqr', p_value: 0.2 },
          { ...base, name: 'zscore', p_value: 0.001, fired: true },
        ]}
      />,
    );
    const rows = screen.getAllByRole('row').slice(1);
    expect(rows.map((row) => within(row).getByRole('rowheader').textContent)).toEqual([
      'Z-score',
      'Interquartile range',
      'Novelty',
    ]);
    expect(rows[0]).toHaveTextContent('Fired1 in 1,0000.001');
    expect(rows[2]).toHaveTextContent('not judged');
  });

  it('that are none are said to be none', () => {
    render(<Detectors detectors={[]} />);
    expect(screen.getByText('No detector answered.')).toBeVisible();
  });

  it('have a strength from 0 to 1', () => {
    expect(strength(1)).toBe(0);
    expect(strength(1e-3)).toBeCloseTo(0.5);
    expect(strength(1e-30)).toBe(1);
    expect(strength(0)).toBe(0);
    expect(strength(null)).toBe(0);
  });
});

describe('the headline', () => {
  const of = (transaction: Record<string, unknown>) =>
    headline(
      anomaly(1, {
        transaction: { amount: '1412.50', currency: 'EUR', user_id: 'u-1', ...transaction },
      }),
    );

  it('says who did what, where', () => {
    expect(of({ type: 'purchase', merchant_id: 'm-42' })).toBe('u-1 spent 1,412.50 EUR at m-42');
    expect(of({ type: 'transfer', merchant_id: 'm-42', counterparty_id: 'u-9' })).toBe(
      'u-1 transferred 1,412.50 EUR to u-9',
    );
    expect(of({ merchant_id: 'm-42' })).toBe('u-1 paid 1,412.50 EUR to m-42');
  });

  it('is the id when who and how much are not known', () => {
    expect(of({ user_id: '' })).toBe('Anomaly a-0001');
  });

  it('leaves out what is not known and says what was declined', () => {
    expect(of({ type: 'withdrawal', authorization: 'declined' })).toBe(
      'u-1 withdrew 1,412.50 EUR (declined)',
    );
  });

  it('goes on with the first reason and how rare it is', () => {
    expect(subline(anomaly(1))).toBe(
      "412.50 EUR is 6.1 times this customer's usual 67.20. " +
        'About 1 in 4,800 transactions looks this unusual.',
    );
    expect(subline(anomaly(1, { reasons: [], p_value: 1e-12 }))).toBe(
      'Under 1 in a billion transactions looks this unusual.',
    );
    expect(subline(anomaly(1, { reasons: [], p_value: null }))).toBe('');
  });
});

it('shows the other facts of a transaction, attributes one by one, and no empty ones', () => {
  const facts = otherFacts({
    card_id: 'c-1',
    device_id: null,
    channel: '',
    latitude: 52.52,
    longitude: 13.4,
    attributes: { is_3ds: false, basket_items: 3, list: [1] },
    surprise: { deep: true },
  });
  expect(facts).toEqual([
    ['Card', 'c-1'],
    ['Surprise', '{"deep":true}'],
    ['Position', '52.5200°, 13.4000°'],
    ['Is 3ds', 'false'],
    ['Basket items', '3'],
    ['List', '[1]'],
  ]);
});
