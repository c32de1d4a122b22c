// Names of the machine's things, as people say them. An unknown one is shown as it is.

const DETECTORS: Record<string, string> = {
  zscore: 'Z-score',
  robust_zscore: 'Robust z-score',
  iqr: 'Interquartile range',
  isolation_forest: 'Isolation forest',
  autoencoder: 'Autoencoder',
  takeover_state: 'Takeover state',
  novelty: 'Novelty',
  rules: 'Rules',
};

/** The detectors that can be chosen in the filter even before one of them was seen. */
export const KNOWN_DETECTORS = ['zscore', 'iqr', 'takeover_state', 'isolation_forest', 'rules'];

export function detectorName(name: string): string {
  return DETECTORS[name] ?? capital(name.replaceAll('_', ' '));
}

export function capital(value: string): string {
  return value.charAt(0).toUpperCase() + value.slice(1);
}

const FIELDS: Record<string, string> = {
  transaction_id: 'Transaction',
  user_id: 'Customer',
  merchant_id: 'Merchant',
  counterparty_id: 'Counterparty',
  merchant_category_code: 'Category (MCC)',
  merchant_category: 'Category',
  merchant_country: 'Merchant country',
  issuer_country: 'Issuer country',
  card_id: 'Card',
  device_id: 'Device',
  ip: 'IP address',
};

export function fieldName(name: string): string {
  return FIELDS[name] ?? capital(name.replaceAll('_', ' '));
}
