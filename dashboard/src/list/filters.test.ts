import {
  filterQuery,
  fromLocalInput,
  listPath,
  parseFilters,
  toLocalInput,
  withFilter,
} from './filters';

it('reads its own names from an address and nothing else', () => {
  expect(parseFilters('?severity=high&user_id=u%201&cursor=x&limit=9&status=&min_score=+')).toEqual(
    {
      severity: 'high',
      user_id: 'u 1',
    },
  );
});

it('writes equal filters as equal text', () => {
  const query = 'severity=high&user_id=u-1';
  expect(filterQuery({ user_id: 'u-1', severity: 'high' })).toBe(query);
  expect(filterQuery(parseFilters('?user_id=u-1&severity=high'))).toBe(query);
  expect(listPath({})).toBe('/app/');
  expect(listPath({ merchant_id: 'm&1' })).toBe('/app/?merchant_id=m%261');
});

it('sets a filter, and removes one that is emptied', () => {
  expect(withFilter({ severity: 'low' }, 'user_id', ' u-1 ')).toEqual({
    severity: 'low',
    user_id: 'u-1',
  });
  expect(withFilter({ severity: 'low' }, 'severity', '')).toEqual({});
});

it('turns times of an address into local ones and back', () => {
  const time = '2026-03-01T12:30:00.000Z';
  expect(fromLocalInput(toLocalInput(time))).toBe(time);
  expect(toLocalInput(undefined)).toBe('');
  expect(toLocalInput('never')).toBe('');
  expect(fromLocalInput('')).toBe('');
});
