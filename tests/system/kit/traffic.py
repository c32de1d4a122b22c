"""Seeded payments with known frauds, as records, CSV and JSON lines. No tie to the demo's generator."""

import csv
import io
import json
import random
from datetime import datetime, timedelta, timezone

START = datetime(2024, 3, 1, tzinfo=timezone.utc)
FIELDS = ("transaction_id", "timestamp", "amount", "currency", "user_id", "merchant_id",
          "device_id", "authorization")


def stamp(moment):
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Traffic:
    """Users with a usual amount and a device of their own; now and then a much larger payment from
    a new device, or a run of small ones."""

    def __init__(self, seed=1, users=40, merchants=25, gap_s=120.0, fraud=0.01, prefix="t"):
        self.rng = random.Random(seed)
        self.users = [(f"u-{i}", self.rng.uniform(2.5, 4.0)) for i in range(users)]
        self.merchants = [f"m-{i}" for i in range(merchants)]
        self.moment = START
        self.gap_s = gap_s
        self.fraud = fraud
        self.prefix = prefix
        self.count = 0
        self.burst = []

    def record(self):
        """The next payment as (record, is_fraud)."""
        rng = self.rng
        self.moment += timedelta(milliseconds=1 + int(rng.expovariate(1.0) * self.gap_s * 1000))
        user, level = rng.choice(self.users)
        amount = rng.lognormvariate(level, 0.4)
        device, fraud = "d-" + user, False
        if self.burst:
            user, amount, device, fraud = self.burst.pop(), 1.0 + rng.random(), "d-thief", True
        elif self.count > 200 and rng.random() < self.fraud:
            fraud = True
            amount, device = amount * rng.uniform(8, 20), f"d-new-{self.count}"
            self.burst = [user] * rng.choice((0, 0, 7))
        self.count += 1
        return {
            "transaction_id": f"{self.prefix}-{self.count:06d}",
            "timestamp": stamp(self.moment),
            "amount": f"{amount:.2f}",
            "currency": "EUR",
            "user_id": user,
            "merchant_id": rng.choice(self.merchants),
            "device_id": device,
            "authorization": "declined" if rng.random() < 0.03 else "approved",
        }, fraud

    def records(self, count):
        return [self.record()[0] for _ in range(count)]

    def labelled(self, count):
        return [self.record() for _ in range(count)]


def to_jsonl(records):
    return "".join(json.dumps(record) + "\n" for record in records)


def to_csv(rows, label="is_fraud"):
    """rows: records, or (record, is_fraud) pairs, which get a label column."""
    pairs = [row if isinstance(row, tuple) else (row, None) for row in rows]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    labelled = bool(pairs) and pairs[0][1] is not None
    writer.writerow(FIELDS + ((label,) if labelled else ()))
    for record, fraud in pairs:
        writer.writerow([record[name] for name in FIELDS] + ([int(fraud)] if labelled else []))
    return out.getvalue()
