-- Versions of the rules: who, when, why; live_seq: the position of the mark they are live behind, 0 = from
-- the beginning of the log, NULL = they have not decided anything.
CREATE TABLE rule_versions (
  id INTEGER PRIMARY KEY,
  setup BLOB NOT NULL,
  text TEXT NOT NULL,
  author TEXT NOT NULL,
  reason TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  live_seq INTEGER
);
