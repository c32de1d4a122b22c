import type { Reason } from '../api/types';
import { detectorName } from '../format/names';
import { formatSigned, formatValue } from '../format/number';
import { layOut, timesUsual } from './scale';

const WIDTH = 240;

/** Observed, expected and threshold on one small line. */
function ScaleLine({ reason }: { reason: Reason }) {
  const scale = layOut(reason);
  if (scale === null) {
    return null;
  }
  const x = (share: number): number => share * WIDTH;
  const said = [
    `observed ${formatValue(reason.observed)}`,
    reason.expected === null ? '' : `usual ${formatValue(reason.expected)}`,
    reason.threshold === null ? '' : `threshold ${formatValue(reason.threshold)}`,
  ].filter((part) => part !== '');
  return (
    <svg className="scale" viewBox={`0 0 ${WIDTH} 22`} role="img" aria-label={said.join(', ')}>
      <line className="axis" x1="0" x2={WIDTH} y1="11" y2="11" />
      {scale.beyond && (
        <rect
          className="beyond"
          x={x(scale.beyond.from)}
          width={x(scale.beyond.to - scale.beyond.from)}
          y="7"
          height="8"
        />
      )}
      {scale.threshold !== null && (
        <line
          className="threshold"
          x1={x(scale.threshold)}
          x2={x(scale.threshold)}
          y1="2"
          y2="20"
        />
      )}
      {scale.expected !== null && (
        <circle className="expected" cx={x(scale.expected)} cy="11" r="4.5" />
      )}
      <rect
        className="observed"
        x={x(scale.observed) - 4.5}
        y="6.5"
        width="9"
        height="9"
        transform={`rotate(45 ${x(scale.observed)} 11)`}
      />
    </svg>
  );
}

function Value({ kind, label, value }: { kind: string; label: string; value: number | null }) {
  return value === null ? null : (
    <div className={kind}>
      <dt>{label}</dt>
      <dd>{formatValue(value)}</dd>
    </div>
  );
}

function Comparison({ reason }: { reason: Reason }) {
  const remarks = [
    timesUsual(reason),
    layOut(reason)?.logarithmic === true ? 'logarithmic scale' : null,
  ].filter((remark) => remark !== null);
  return (
    <div className="comparison">
      <ScaleLine reason={reason} />
      <dl className="values">
        <Value kind="observed" label="Observed" value={reason.observed} />
        <Value kind="expected" label="Usual" value={reason.expected} />
        <Value kind="threshold" label="Threshold" value={reason.threshold} />
      </dl>
      {remarks.length > 0 && <p className="remark">{remarks.join(' · ')}</p>}
    </div>
  );
}

/** The contribution as a bar from a common zero: right raises the score, left lowers it. */
function ContributionBar({
  value,
  largest,
  signed,
}: {
  value: number;
  largest: number;
  signed: boolean;
}) {
  const room = signed ? 50 : 100;
  const width = largest === 0 ? 0 : (Math.abs(value) / largest) * room;
  const zero = signed ? 50 : 0;
  return (
    <svg
      className={value < 0 ? 'bar lowers' : 'bar raises'}
      viewBox="0 0 100 8"
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <rect className="track" width="100" height="8" />
      <rect className="value" x={value < 0 ? zero - width : zero} width={width} height="8" />
      {signed && <line className="zero" x1="50" x2="50" y1="0" y2="8" />}
    </svg>
  );
}

export function Reasons({ reasons }: { reasons: Reason[] }) {
  if (reasons.length === 0) {
    return <p className="hint">The engine gave no reasons for this one.</p>;
  }
  const contributions = reasons.map((reason) => reason.contribution ?? 0);
  const largest = Math.max(...contributions.map(Math.abs));
  const signed = contributions.some((value) => value < 0);
  return (
    <ol className="reasons">
      {reasons.map((reason, index) => (
        <li key={`${reason.detector}/${reason.feature ?? ''}/${index}`} className="reason">
          <div className="reason-head">
            <p className="message">{reason.message}</p>
            <p className="source">
              {detectorName(reason.detector)}
              {reason.feature !== null && (
                <>
                  {' · '}
                  <code>{reason.feature}</code>
                </>
              )}
            </p>
          </div>
          {reason.contribution !== null && (
            <div className="contribution">
              <ContributionBar value={reason.contribution} largest={largest} signed={signed} />
              <span className="figure">
                <span className="visually-hidden">Contribution to the score: </span>
                {formatSigned(reason.contribution)}
              </span>
            </div>
          )}
          {reason.observed !== null && <Comparison reason={reason} />}
        </li>
      ))}
    </ol>
  );
}
