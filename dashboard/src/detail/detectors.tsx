import type { Detection } from '../api/types';
import { detectorName } from '../format/names';
import { formatPValue, formatRarity, formatValue } from '../format/number';

// p = 0.000001 fills the bar: beyond it one more zero says nothing new to a reader.
const DECADES = 6;

export function strength(p: number | null): number {
  return p === null || p <= 0 ? 0 : Math.min(Math.max(-Math.log10(p) / DECADES, 0), 1);
}

function byPValue(a: Detection, b: Detection): number {
  return (a.p_value ?? 2) - (b.p_value ?? 2);
}

export function Detectors({ detectors }: { detectors: Detection[] }) {
  if (detectors.length === 0) {
    return <p className="hint">No detector answered.</p>;
  }
  return (
    <table className="detectors">
      <thead>
        <tr>
          <th scope="col">Detector</th>
          <th scope="col">Fired</th>
          <th scope="col">How rare</th>
          <th scope="col" className="number">
            p-value
          </th>
          <th scope="col" className="number raw-score">
            Raw score
          </th>
        </tr>
      </thead>
      <tbody>
        {detectors.toSorted(byPValue).map((item) => (
          <tr key={item.name}>
            <th scope="row">{detectorName(item.name)}</th>
            <td className={item.fired ? 'fired' : 'silent'}>{item.fired ? 'Fired' : 'No'}</td>
            <td className="rarity">
              <svg viewBox="0 0 60 6" width="60" height="6" aria-hidden="true">
                <rect className="track" width="60" height="6" rx="1.5" />
                <rect className="value" width={strength(item.p_value) * 60} height="6" rx="1.5" />
              </svg>
              {item.p_value === null ? 'not judged' : (formatRarity(item.p_value) ?? 'ordinary')}
            </td>
            <td className="number">{formatPValue(item.p_value)}</td>
            <td className="number raw-score">{formatValue(item.score)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
