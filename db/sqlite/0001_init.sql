-- The first schema. Transactions live in one pair of tables a day (day_tables.sql), made when the
-- first row of that day comes; `days` is the catalogue of those pairs.

-- One row: the secret of the key hashes, the position up to which keys_* hold every key, the number
-- of the next run of keys, and the highest position of rows that were dropped since.
CREATE TABLE meta (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  hash_key BLOB NOT NULL,
  keys_seq INTEGER NOT NULL,
  run_next INTEGER NOT NULL,
  seq_floor INTEGER NOT NULL,
  anomalies INTEGER NOT NULL,
  labels INTEGER NOT NULL,
  dead_letters INTEGER NOT NULL
);
INSERT INTO meta VALUES (1, randomblob(16), 0, 1, 0, 0, 0, 0);

-- day: days since 1970-01-01, or the least 64-bit integer for the pair named "other".
CREATE TABLE days (
  day INTEGER PRIMARY KEY,
  row_count INTEGER NOT NULL,
  seq_first INTEGER NOT NULL,
  seq_last INTEGER NOT NULL
);

CREATE TABLE anomalies (
  id INTEGER PRIMARY KEY,
  anomaly_id TEXT NOT NULL UNIQUE,
  seq INTEGER NOT NULL,
  event_ms INTEGER NOT NULL,
  score REAL NOT NULL,
  p_value REAL NOT NULL,
  severity INTEGER NOT NULL,
  verdict INTEGER NOT NULL,
  alerted INTEGER NOT NULL,
  status TEXT NOT NULL,
  user_id TEXT NOT NULL,
  merchant_id TEXT,
  detectors TEXT NOT NULL,
  json TEXT NOT NULL
);
-- Keyset order, with the columns that lists filter by, so that rows passed over are not fetched.
CREATE INDEX anomalies_by_time
  ON anomalies (event_ms, anomaly_id, severity, score, status, detectors);
CREATE INDEX anomalies_by_user ON anomalies (user_id, event_ms, anomaly_id);
CREATE INDEX anomalies_by_merchant
  ON anomalies (merchant_id, event_ms, anomaly_id) WHERE merchant_id IS NOT NULL;
CREATE INDEX anomalies_alerted ON anomalies (id) WHERE alerted;

-- The outbox: what came of an alerted anomaly on a route; no row = still to be delivered.
CREATE TABLE deliveries (
  route TEXT NOT NULL,
  anomaly INTEGER NOT NULL,
  delivered INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  detail TEXT NOT NULL,
  PRIMARY KEY (route, anomaly)
) WITHOUT ROWID;
-- Everything alerted up to and including this anomaly is settled on the route.
CREATE TABLE routes (
  route TEXT PRIMARY KEY,
  settled INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE labels (
  seq INTEGER PRIMARY KEY,
  user_id TEXT NOT NULL,
  transaction_id TEXT NOT NULL,
  kind INTEGER NOT NULL,
  source INTEGER NOT NULL,
  known_at_ms INTEGER NOT NULL,
  recorded_at_ms INTEGER NOT NULL,
  selection_probability REAL NOT NULL,
  json TEXT
);

CREATE TABLE epochs (
  seq INTEGER PRIMARY KEY,
  epoch INTEGER NOT NULL,
  bundle BLOB NOT NULL
);

CREATE TABLE dead_letters (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  received_ms INTEGER NOT NULL,
  source TEXT NOT NULL,
  reason TEXT NOT NULL,
  detail TEXT NOT NULL,
  bytes BLOB NOT NULL
);

CREATE TABLE bundles (
  id INTEGER PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  bytes BLOB NOT NULL
);

CREATE TABLE state_owners (
  id INTEGER PRIMARY KEY,
  owner TEXT NOT NULL UNIQUE,
  counter INTEGER NOT NULL,
  nonce INTEGER NOT NULL,
  position INTEGER NOT NULL
);
CREATE TABLE state_entries (
  id INTEGER PRIMARY KEY,
  owner INTEGER NOT NULL,
  key BLOB NOT NULL,
  bytes BLOB NOT NULL,
  UNIQUE (owner, key)
);
