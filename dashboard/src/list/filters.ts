// The filters of the list: one table row each, kept in the address under the API's own names, so
// that a filtered list can be sent to a colleague as a link.

export const FILTER_NAMES = [
  'severity',
  'status',
  'detector',
  'user_id',
  'merchant_id',
  'min_score',
  'from',
  'to',
] as const;
export type FilterName = (typeof FILTER_NAMES)[number];
export type Filters = Partial<Record<FilterName, string>>;

/** Reads the filters of an address; empty ones and anything else in it are left out. */
export function parseFilters(search: string): Filters {
  const params = new URLSearchParams(search);
  const filters: Filters = {};
  for (const name of FILTER_NAMES) {
    const value = params.get(name)?.trim();
    if (value) {
      filters[name] = value;
    }
  }
  return filters;
}

/** The canonical query for them, always in the same order: equal filters, equal text. */
export function filterQuery(filters: Filters): string {
  const params = new URLSearchParams();
  for (const name of FILTER_NAMES) {
    const value = filters[name]?.trim();
    if (value) {
      params.set(name, value);
    }
  }
  return params.toString();
}

export function withFilter(filters: Filters, name: FilterName, value: string): Filters {
  const changed = { ...filters, [name]: value.trim() };
  return parseFilters(filterQuery(changed));
}

export function listPath(filters: Filters): string {
  const query = filterQuery(filters);
  return query === '' ? '/app/' : `/app/?${query}`;
}

/** What a datetime-local input holds for an RFC 3339 time, in the reader's zone; or nothing. */
export function toLocalInput(time: string | undefined): string {
  const ms = Date.parse(time ?? '');
  if (!Number.isFinite(ms)) {
    return '';
  }
  const shifted = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 16);
}

export function fromLocalInput(value: string): string {
  const ms = new Date(value).getTime();
  return Number.isFinite(ms) ? new Date(ms).toISOString() : '';
}
