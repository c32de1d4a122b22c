-- The pair of tables of one day; {day} is "2026_03_01" or "other". No constraints besides the key:
-- each would cost instructions on every insert, and only the adapter writes here.
CREATE TABLE transactions_{day} (
  seq INTEGER PRIMARY KEY,
  event_ms INTEGER,
  epoch INTEGER,
  absorbed INTEGER,
  anomalous INTEGER,
  user_id TEXT,
  transaction_id TEXT,
  content BLOB,
  bundle BLOB,
  positions BLOB,
  json TEXT,
  vector BLOB,
  detections BLOB,
  decision TEXT
);
-- Where a key is: id = run × 128 + top 7 bits of the key; entries = (key, seq) pairs, 64 bits each,
-- little endian, in no order.
CREATE TABLE keys_{day} (
  id INTEGER PRIMARY KEY,
  entries BLOB
);
