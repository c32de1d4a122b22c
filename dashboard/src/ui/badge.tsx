import { capital } from '../format/names';

const BARS: Record<string, number> = { low: 1, medium: 2, high: 3, critical: 4 };

/** Severity as word, colour and number of bars: readable without colour. */
export function Severity({ value }: { value: string }) {
  const bars = BARS[value] ?? 0;
  return (
    <span className={`severity ${bars > 0 ? value : 'none'}`}>
      <svg viewBox="0 0 16 12" width="16" height="12" aria-hidden="true">
        {[1, 2, 3, 4].map((bar) => (
          <rect
            key={bar}
            x={(bar - 1) * 4}
            y={12 - bar * 3}
            width="3"
            height={bar * 3}
            rx="0.8"
            className={bar <= bars ? 'on' : 'off'}
          />
        ))}
      </svg>
      {capital(value)}
    </span>
  );
}

export function Pill({ kind, children }: { kind?: string; children: string }) {
  return <span className={`pill ${kind ?? ''}`}>{children}</span>;
}
