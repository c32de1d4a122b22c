import { memo } from 'react';
import type { Anomaly } from '../api/types';
import { formatAmount } from '../format/money';
import { capital } from '../format/names';
import { formatRarity, formatScore } from '../format/number';
import { Link } from '../router/link';
import { anomalyPath } from '../router/router';
import { Pill, Severity } from '../ui/badge';
import { Time } from '../ui/time';

export const COLUMNS = [
  'Time',
  'Severity',
  'Amount',
  'Customer',
  'Merchant',
  'Why',
  'Score',
  'Decision',
] as const;

/** One anomaly; the link in its first cell covers the whole row and takes the focus of j and k. */
export const Row = memo(function Row({ anomaly, fresh }: { anomaly: Anomaly; fresh: boolean }) {
  const { transaction } = anomaly;
  const rarity = formatRarity(anomaly.p_value);
  const why = anomaly.reasons[0]?.message ?? 'No reason was given';
  const more = anomaly.reasons.length - 1;
  return (
    <tr role="row" className={fresh ? 'row fresh' : 'row'}>
      <td role="cell" className="when">
        <Link to={anomalyPath(anomaly.anomaly_id)} data-row={anomaly.anomaly_id}>
          <Time value={transaction.timestamp} />
        </Link>
      </td>
      <td role="cell" className="level">
        <Severity value={anomaly.severity} />
      </td>
      <td role="cell" className="amount">
        {formatAmount(transaction.amount, transaction.currency)}
      </td>
      <td role="cell" className="id user" title={transaction.user_id}>
        {transaction.user_id}
      </td>
      <td role="cell" className="id merchant" title={transaction.merchant_id ?? undefined}>
        {transaction.merchant_id ?? '–'}
      </td>
      <td role="cell" className="why" title={why}>
        <div>
          <span className="message">{why}</span>
          {more > 0 && <span className="more"> +{more} more</span>}
        </div>
      </td>
      <td role="cell" className="score" title={rarity ?? undefined}>
        {formatScore(anomaly.score)}
      </td>
      <td role="cell" className="verdict">
        {anomaly.decision !== '' && (
          <Pill kind={anomaly.decision}>{capital(anomaly.decision)}</Pill>
        )}
        {anomaly.alerted && <Pill kind="alerted">Alerted</Pill>}
        {anomaly.status !== 'open' && anomaly.status !== '' && (
          <Pill>{capital(anomaly.status)}</Pill>
        )}
      </td>
    </tr>
  );
});
