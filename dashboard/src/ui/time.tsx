import { formatClock, formatDate, formatUtc, isToday, parseTime } from '../format/time';

/** A time in the reader's zone, UTC in its title; the date is left out when it is today. */
export function Time({ value, full = false }: { value: string | number; full?: boolean }) {
  const ms = parseTime(value);
  if (ms === null) {
    return <span>{String(value)}</span>;
  }
  const dated = full || !isToday(ms);
  return (
    <time dateTime={new Date(ms).toISOString()} title={formatUtc(ms)}>
      {dated && <span className="date">{formatDate(ms)} </span>}
      {formatClock(ms)}
    </time>
  );
}
