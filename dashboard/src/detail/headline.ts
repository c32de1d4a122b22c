// One anomaly in a sentence or two.
import type { Anomaly } from '../api/types';
import { formatAmount } from '../format/money';
import { capital } from '../format/names';
import { formatRarity } from '../format/number';

const VERBS: Record<string, [verb: string, preposition: string]> = {
  purchase: ['spent', 'at'],
  withdrawal: ['withdrew', 'at'],
  transfer: ['transferred', 'to'],
  refund: ['was refunded', 'by'],
  reversal: ['got a reversal of', 'from'],
};

/** "u-881 spent 412.50 EUR at m-42". */
export function headline(anomaly: Anomaly): string {
  const { transaction } = anomaly;
  if (transaction.user_id === '' || transaction.amount === '') {
    return `Anomaly ${anomaly.anomaly_id}`;
  }
  const type = typeof transaction.rest.type === 'string' ? transaction.rest.type : '';
  const [verb, preposition] = VERBS[type] ?? ['paid', 'to'];
  const declined = transaction.rest.authorization === 'declined';
  const counterparty = transaction.rest.counterparty_id;
  const other =
    type === 'transfer' && typeof counterparty === 'string' && counterparty !== ''
      ? counterparty
      : transaction.merchant_id;
  const amount = formatAmount(transaction.amount, transaction.currency);
  const where = other === null ? '' : ` ${preposition} ${other}`;
  const what = `${transaction.user_id} ${verb} ${amount}${where}`;
  return declined ? `${what} (declined)` : what;
}

/** What the top reason says, and how rare that is. */
export function subline(anomaly: Anomaly): string {
  const why = (anomaly.reasons[0]?.message ?? '').replace(/[.\s]+$/, '');
  const rarity = formatRarity(anomaly.p_value);
  const about = rarity?.startsWith('1') ? `About ${rarity}` : capital(rarity ?? '');
  const rare = rarity === null ? '' : `${about} transactions looks this unusual.`;
  return [why === '' ? '' : `${why}.`, rare].filter((part) => part !== '').join(' ');
}
