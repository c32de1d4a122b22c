"""SIGKILL under load: nothing acknowledged is lost, nothing is there twice, every decision can be made again."""

import json
import os
import random
import re
from datetime import timedelta

import pytest

from kit.chaos import Load, corrupt, differing, outcome, read_export
from kit.rules import settings
from kit.traffic import START, Traffic, stamp
from kit.waiting import until

SEED = int(os.environ.get("TELLTALE_CHAOS_SEED", "7"))
KILLS = int(os.environ.get("TELLTALE_CHAOS_KILLS", "12"))
# Set to see the comparison fail: one digit of one stored score is changed before it.
CORRUPT = os.environ.get("TELLTALE_CHAOS_CORRUPT") == "1"


def has_snapshot(server):
    metrics = server.client().get("/metrics").body.decode()
    return re.search(r"^telltale_snapshot_bytes [1-9]", metrics, re.MULTILINE) is not None


def survive(server, kills, seed, snapshots=False):
    """Kills the server so many times while producers send, where snapshots are saved all the time not
    before the first of them; returns what they know."""
    rng = random.Random(seed)
    server.start()
    load = Load(server.token(), range(seed * 10, seed * 10 + 4))
    load.server_up(server.port)
    for producer in load.producers:
        producer.start()
    try:
        for _ in range(kills):
            load.wait_acked(len(load.acked) + rng.randint(20, 500))
            if snapshots and not load.restored:
                until(lambda: has_snapshot(server), "a snapshot")
            server.kill()
            server.start()
            load.restored += server.events("restored")
            load.server_up(server.port)
        load.wait_acked(len(load.acked) + 200)
    finally:
        load.finish()
    assert server.stop() == 0
    return load


def score_recorded(server, path):
    out = server.program.folder / "again.jsonl"
    server.program.run("score", path, "--order", "recorded", "--out", out, code=0)
    return [json.loads(line) for line in out.read_text().splitlines()]


# As it comes; with so little room that ids are looked up while their rows are under way; with a snapshot always
# under way, so that most kills come while one is written; and with none at all.
ROOM = {"default": [],
        "little": ["pipeline.events_max=64", "ingest.dedupe_horizon=1m", "ingest.dedupe_max=1000",
                   "snapshots.interval=10ms"],
        "snapshots": ["snapshots.interval=10ms"],
        "replay": ["snapshots.enabled=false"]}


@pytest.mark.parametrize("room", ROOM)
def test_kill_9_under_load_loses_and_doubles_nothing(make_server, capsys, room):
    server = make_server(start=False, sets=ROOM[room])
    saves = room in ("little", "snapshots")
    load = survive(server, KILLS, SEED, saves)
    positions = [event["snapshot_seq"] for event in load.restored]
    assert any(positions) == saves
    path = server.export()
    stored = read_export(path)
    keys = [(row["transaction"]["user_id"], row["transaction"]["transaction_id"])
            for row in stored]
    sent = {(r["user_id"], r["transaction_id"]) for p in load.producers for r in p.sent}
    lost = set(load.acked) - set(keys)
    decisions = [row["decision"] for row in stored]
    if CORRUPT:
        decisions = corrupt(decisions)
    differ = differing(decisions, score_recorded(server, path))
    with capsys.disabled():
        print(f"\nchaos: {len(keys)} transactions, {KILLS} kills, {len(lost)} lost, "
              f"{len(keys) - len(set(keys))} duplicated, {differ} decisions differ, "
              f"{sum(p > 0 for p in positions)} restarts from a snapshot")
    assert not lost
    assert len(keys) == len(set(keys)) and set(keys) <= sent
    sequence = [row["seq"] for row in stored]
    assert sequence == sorted(set(sequence))
    assert differ == 0
    # what was answered is what is stored, and the comparison would have noticed a digit
    for key, row in zip(keys, stored):
        if key in load.acked:
            answer = json.loads(load.acked[key][1])
            assert outcome(answer) == outcome(row["decision"]), key
            assert answer["versions"]["bundle"] == row["bundle"]
    assert differing(corrupt(decisions), decisions) == 1
    assert vectors_of_a_clean_pass(make_server, path) == \
        [(key, row["absorbed"], row["vector"]) for key, row in zip(keys, stored)]


def vectors_of_a_clean_pass(make_server, path, data="clean", size=5000):
    """The same log, sent in its order, so many at a time, to a server that nothing happens to."""
    server = make_server(data, sets=["pipeline.events_max=16"] if size < 16 else [])
    client = server.client(timeout=120)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows = [row for row in rows if "transaction" in row]
    batch = []
    for row in [*rows, None]:
        kind = None if row is None else "/labels" if "label" in row else "/transactions"
        if batch and (kind != batch[0][0] or len(batch) == size):
            answer = client.post_lines([record for _, record in batch], path=batch[0][0])
            assert all("code" not in line for line in answer.lines())
            batch = []
        if kind == "/labels":
            names = ("label", "known_at", "source", "selection_probability")
            batch.append((kind, {"transaction_id": row["transaction"]["transaction_id"],
                                 "user_id": row["transaction"]["user_id"],
                                 **{name: row[name] for name in names}}))
        elif kind is not None:
            batch.append((kind, row["transaction"]))
    assert server.stop() == 0
    return [((row["transaction"]["user_id"], row["transaction"]["transaction_id"]),
             row["absorbed"], row["vector"]) for row in read_export(server.export())]


def test_stops_and_restarts_without_a_crash_keep_every_decision_too(make_server):
    server = make_server()
    traffic = Traffic(81, gap_s=200)
    for _ in range(5):
        server.client().post_lines(traffic.records(450))
        assert server.stop() == 0
        server.start()
    server.stop()
    path = server.export()
    stored = [row["decision"] for row in read_export(path)]
    assert len(stored) == 5 * 450
    assert differing(stored, score_recorded(server, path)) == 0


@pytest.mark.parametrize("piece, count", [(60, 900), (500, 2500)])
def test_a_server_with_restarts_decides_like_one_without(make_server, piece, count):
    """Also when it never lived long enough to close its first epoch."""
    records = Traffic(82, gap_s=200).records(count)
    calm, restarted = make_server("calm"), make_server("restarted")
    whole = calm.client().post_lines(records).lines()
    pieces = []
    for i in range(0, count, piece):
        pieces += restarted.client().post_lines(records[i:i + piece]).lines()
        restarted.kill()
        restarted.start()
    assert differing(whole, pieces) == 0
    restarted.stop()
    path = restarted.export()
    assert differing(whole, score_recorded(restarted, path)) == 0


FILTERED = """
entities: {user: {key: user_id}, merchant: {key: merchant_id}}
features:
  - {name: usual, entity: user, aggregate: mean, field: amount, window: 20d, exclude_current: true}
  - {name: plain, entity: merchant, aggregate: count, window: 20d, filter: "amount < 1.1 * usual"}
  - {name: dear, entity: user, aggregate: count, window: 20d, filter: "amount > 1.5 * usual"}
  - {name: frauds, entity: merchant, aggregate: fraud_run_length, window: 15d,
     filter: "is_missing(usual) || amount < 3.0 * usual"}
"""


def test_what_filters_said_of_features_is_remembered_after_kill_9(make_server, program):
    """The replay begins too late to know what was usual when its first payments came."""
    program.write("filtered.yaml", FILTERED)
    program.write("only-rules.yaml", "detectors:\n  rules: {weight: 1.0}\n")
    program.write("no-rules.yaml", "rules: []\n")
    sets = [f"features.file={program.folder}/filtered.yaml", f"rules.file={program.folder}/no-rules.yaml",
            f"detectors.file={program.folder}/only-rules.yaml"]
    records = Traffic(87, users=12, merchants=6, gap_s=3600).records(2000)
    calm, restarted = make_server("calm", sets=sets), make_server("restarted", sets=sets)
    for server, kills in ((calm, False), (restarted, True)):
        for i in range(0, 2000, 500):
            server.client().post_lines(records[i:i + 500])
            labels = [{"transaction_id": r["transaction_id"], "label": "fraud"}
                      for r in records[i + 300:i + 500:3]]
            server.client().post_lines(labels, path="/labels")
            if kills:
                server.kill()
                server.start()
        server.stop()
    vectors = [[row["vector"] for row in read_export(server.export())]
               for server in (calm, restarted)]
    assert len(vectors[0]) == 2000
    assert vectors[0] == vectors[1]


def test_a_changed_setup_learns_again_and_its_epochs_are_in_the_log(make_server, program):
    records = Traffic(85, gap_s=200).records(1500)
    server = make_server()
    server.client().post_lines(records[:700])
    server.stop()
    program.write("other.yaml", "detectors:\n  zscore:\n    features:\n"
                  "      - {feature: user_amount_log, against: peers, scale: log}\n  rules: {}\n")
    for i in range(700, 1500, 200):
        server.sets = [f"detectors.file={program.folder}/other.yaml"]
        server.start()
        answers = server.client().post_lines(records[i:i + 200]).lines()
        assert all("score" in answer for answer in answers)
        server.kill()
    server.start()
    server.stop()
    args = ["--set", server.sets[0]]
    program.run("export", "--data", server.data, "--out", "e.jsonl", *args, code=0)
    lines = [json.loads(line) for line in (program.folder / "e.jsonl").read_text().splitlines()]
    epochs = [line["epoch"] for line in lines if "epoch" in line]
    assert epochs == sorted(epochs)
    known = {line["bundle"] for line in lines if "bytes" in line}
    assert {line["bundle"] for line in lines if line.get("epoch", 0) > 0} <= known
    # decided under two setups: no single configuration makes all of it again, and it says so
    result = program.run("score", "e.jsonl", *args, code=1)
    assert "e.jsonl:" in result.err and "setup" in result.err or "bundle" in result.err


def test_alerts_of_late_payments_are_the_same_in_a_replay(make_server, program):
    """A case of one user lasts by the time the log has reached, also when others come late."""
    server = make_server(sets=settings(program))
    server.sets = [s for s in server.sets if "dedupe" not in s]
    server.stop()
    server.start()
    rng = random.Random(86)
    records = []
    for i in range(600):
        moment = START + timedelta(minutes=20 * i - rng.choice((0, 0, 300, 2000)))
        records.append({"transaction_id": f"t-{i}", "timestamp": stamp(max(moment, START)),
                        "amount": rng.choice(("50.00", "1500.00", "2500.00")),
                        "currency": "EUR", "user_id": f"u-{i % 5}"})
    answers = []
    for i in range(0, 600, 100):
        answers += server.client().post_lines(records[i:i + 100]).lines()
        server.kill()
        server.start()
    server.stop()
    args = [x for s in server.sets for x in ("--set", s)]
    program.run("export", "--data", server.data, "--out", "e.jsonl", *args, code=0)
    program.run("score", "e.jsonl", "--out", "o.jsonl", *args, code=0)
    again = [json.loads(line) for line in (program.folder / "o.jsonl").read_text().splitlines()]
    assert differing(answers, again) == 0
    assert 5 < sum(answer["alerted"] for answer in answers) < 300


def test_killed_while_starting_again_and_again_it_still_comes_up(make_server):
    server = make_server()
    answers = server.client().post_lines(Traffic(83).records(3000)).body
    server.kill()
    for _ in range(5):
        server.start(wait=False)
        server.kill()
    server.start()
    assert server.client().post_lines(Traffic(83).records(3000)).body == answers


def test_a_damaged_database_is_refused_and_left_as_it_is(make_server):
    server = make_server()
    server.client().post_lines(Traffic(84).records(2000))
    server.stop()
    path = server.program.folder / "data" / "telltale.db"
    content = bytearray(path.read_bytes())
    content[4096 * 3:4096 * 60] = b"\xa5" * (4096 * 57)
    path.write_bytes(content)
    result = server.program.run("run", "--data", server.data, "--port", "0", code=1)
    assert "telltale.db" in result.err or "malformed" in result.err


def test_loss_of_power_is_the_default(program):
    assert "durability: power" in program.run("config", "show", code=0).text
