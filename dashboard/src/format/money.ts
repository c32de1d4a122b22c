// Amounts are decimal strings. They are grouped for reading and never pass through a double.

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/;

export function formatAmount(amount: string, currency: string): string {
  const parts = DECIMAL.exec(amount);
  if (parts === null) {
    return `${amount} ${currency}`.trim();
  }
  const [, sign = '', whole = '', fraction] = parts;
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  const digits = fraction === undefined ? grouped : `${grouped}.${fraction}`;
  return `${sign === '' ? '' : '−'}${digits} ${currency}`.trim();
}
