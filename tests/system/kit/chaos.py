"""Producers that keep sending through crashes, and what must be true afterwards.

Each producer owns its users and has one request under way: a single payment, a batch or labels. A request whose
answer is lost is sent again as it was, as a producer does. Some payments are sent again although they
were acknowledged, some come late or out of order.
"""

import json
import random
import threading
from datetime import datetime, timedelta

from kit.client import Client
from kit.traffic import Traffic, stamp

OUTCOME = ("score", "p_value", "severity", "decision", "alerted", "detectors", "reasons")


class Producer(threading.Thread):
    def __init__(self, load, seed):
        super().__init__(daemon=True)
        self.load = load
        self.rng = random.Random(seed)
        self.traffic = Traffic(seed, users=15, gap_s=90, fraud=0.02, prefix=f"p{seed}")
        self.traffic.users = [(f"u-{seed}-{i}", level) for i, (_, level) in
                              enumerate(self.traffic.users)]
        self.sent = []
        self.failure = None

    def batch(self):
        rng = self.rng
        size = 1 if rng.random() < 0.4 else rng.randint(2, 60)
        records = self.traffic.records(size)
        for record in records:
            if rng.random() < 0.05:  # out of order, at times beyond the lateness allowed
                moment = datetime.fromisoformat(record["timestamp"].replace("Z", "+00:00"))
                record["timestamp"] = stamp(moment - timedelta(minutes=rng.randint(1, 180)))
        self.sent += records
        again = [rng.choice(self.sent) for _ in records if rng.random() < 0.1]
        records += again
        if len(again) and rng.random() < 0.5:
            rng.shuffle(records)
        return records

    def run(self):
        try:
            while not self.load.done.is_set():
                if self.rng.random() < 0.05 and self.load.acked_by(self):
                    self.deliver(self.labels(), "/labels")
                else:
                    self.deliver(self.batch(), "/transactions")
        except BaseException as failure:  # told to whoever joins
            self.failure = failure
            self.load.done.set()

    def labels(self):
        records = self.rng.sample(self.sent, min(len(self.sent), 5))
        acked = self.load.acked
        return [{"transaction_id": r["transaction_id"], "user_id": r["user_id"], "label": "fraud",
                 "known_at": stamp(self.traffic.moment)}
                for r in records if (r["user_id"], r["transaction_id"]) in acked]

    def deliver(self, records, path):
        """Until it is answered, whatever happens to the server meanwhile."""
        if not records:
            return
        generation = -1
        while True:
            generation, port = self.load.server_after(generation)
            if port is None:
                return
            try:
                client = Client(port, self.load.token, timeout=60)
                if len(records) == 1:
                    answer = client.post(records[0], path=path)
                    answers = [answer.body]
                else:
                    answer = client.post_lines(records, path=path)
                    answers = answer.body.splitlines()
                client.close()
            except (OSError, EOFError, AssertionError, ValueError):
                continue
            except Exception as failure:
                if type(failure).__module__ == "http.client":
                    continue
                raise
            assert answer.status == 200, answer.body
            assert len(answers) == len(records)
            if path == "/transactions":
                self.load.acknowledge(records, answers)
            return


class Load:
    """The producers, and what was acknowledged to them."""

    def __init__(self, token, seeds):
        self.token = token
        self.done = threading.Event()
        self.acked = {}
        self.restored = []  # what each restart said
        self.changed = threading.Condition()
        self.generation, self.port = 0, None
        self.producers = [Producer(self, seed) for seed in seeds]

    def acked_by(self, producer):
        return bool(producer.sent) and bool(self.acked)

    def server_up(self, port):
        with self.changed:
            self.generation += 1
            self.port = port
            self.changed.notify_all()

    def server_after(self, generation):
        """The server of a later generation than that one; (…, None) when it is all over."""
        with self.changed:
            there = self.changed.wait_for(
                lambda: self.generation > generation or self.done.is_set(), 60)
            assert there, "no server came up"
            return self.generation, self.port if self.generation > generation else None

    def acknowledge(self, records, answers):
        with self.changed:
            for record, answer in zip(records, answers):
                key = (record["user_id"], record["transaction_id"])
                first = self.acked.setdefault(key, (record, answer))
                assert first[1] == answer, f"{key}: first {first[1]}, then {answer}"
            self.changed.notify_all()

    def wait_acked(self, count, deadline_s=60):
        with self.changed:
            assert self.changed.wait_for(
                lambda: len(self.acked) >= count or self.done.is_set(), deadline_s), \
                f"{len(self.acked)} of {count} acknowledged"
        self.check()

    def check(self):
        for producer in self.producers:
            if producer.failure is not None:
                raise producer.failure

    def finish(self):
        self.done.set()
        with self.changed:
            self.changed.notify_all()
        for producer in self.producers:
            producer.join(60)
            assert not producer.is_alive()
        self.check()


def read_export(path):
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [line for line in lines if "decision" in line]


def outcome(decision):
    return {name: decision[name] for name in OUTCOME}


def differing(stored, scored):
    """How many decisions are not the same in two lists, over every field of a score's line."""
    assert len(stored) == len(scored), (len(stored), len(scored))
    return sum(a["transaction_id"] != b["transaction_id"] or outcome(a) != outcome(b)
               for a, b in zip(stored, scored))


def corrupt(stored):
    """One last digit of one score changed: what a comparison must notice."""
    changed = [dict(line) for line in stored]
    middle = changed[len(changed) // 2]
    middle["score"] = middle["score"] * (1 + 2 ** -52) or 5e-324
    return changed
