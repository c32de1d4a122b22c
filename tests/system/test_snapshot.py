"""Snapshots at restart: what they hold is what a replay makes, whatever is damaged."""

import csv
import json
import os
import sqlite3

import pytest

from kit.chaos import corrupt, differing, read_export
from kit.traffic import Traffic
from test_durability import score_recorded, survive, vectors_of_a_clean_pass

OFTEN = ["snapshots.interval=10ms"]


def restored(server):
    return server.wait_event("restored")


def database(server):
    return sqlite3.connect(server.program.folder / "data" / "telltale.db", isolation_level=None)


def vectors(path):
    return [((row["transaction"]["user_id"], row["transaction"]["transaction_id"]),
             row["absorbed"], row["vector"]) for row in read_export(path)]


def send(server, traffic, count):
    return server.client().post_lines(traffic.records(count)).lines()


def two_snapshots(server, traffic):
    """A server that has stopped twice: two whole snapshots, of different positions."""
    send(server, traffic, 700)
    assert server.stop() == 0
    server.start()
    send(server, traffic, 500)
    assert server.stop() == 0


def flip(server, owner, key=None):
    """One bit in the middle of one entry."""
    db = database(server)
    rows = db.execute("SELECT e.id, e.bytes FROM state_entries e JOIN state_owners o ON o.id = e.owner"
                      " WHERE o.owner = ? AND (?2 IS NULL OR CAST(e.key AS TEXT) = ?2)"
                      " ORDER BY e.key", (owner, key)).fetchall()
    assert rows
    number, content = rows[len(rows) // 2]
    content = bytearray(content)
    content[len(content) // 2] ^= 1
    db.execute("UPDATE state_entries SET bytes = ? WHERE id = ?", (bytes(content), number))
    db.close()


def newest_slot(server):
    db = database(server)
    rows = db.execute("SELECT CAST(e.key AS TEXT), e.bytes FROM state_entries e JOIN state_owners o"
                      " ON o.id = e.owner WHERE o.owner = 'features'").fetchall()
    db.close()
    positions = {key: int.from_bytes(content[2:10], "little") for key, content in rows}
    return max(positions, key=positions.get), positions


def check_equal(make_server, server):
    path = server.export()
    assert vectors(path) == vectors_of_a_clean_pass(make_server, path)
    stored = [row["decision"] for row in read_export(path)]
    assert differing(stored, score_recorded(server, path)) == 0


def computed_vectors(program, path, *args, env=None):
    """What `features compute` makes of an export, in its order."""
    program.run("features", "compute", path, "--order", "recorded", "--out", "v.csv", *args,
                env=env, code=0)
    with open(program.folder / "v.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    return [[None if value == "" else float(value) for value in row[2:]] for row in rows]


# Code paths a CPU may have; libm's own choice among its versions is turned down as well.
PATHS = {"scalar": (["cpu=scalar"], {}), "avx2": (["cpu=avx2"], {}), "avx512": (["cpu=avx512"], {}),
         "libm": ([], {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX2,-FMA,-FMA4,-AVX,-SSE4_2"})}


def cpu_has(name):
    with open("/proc/cpuinfo", encoding="ascii") as file:
        flags = file.read()
    return {"avx2": "avx2", "avx512": "avx512f"}.get(name, "flags") in flags


def test_live_is_replay_after_crashes_in_every_batch_split_and_on_every_path(make_server, program,
                                                                             capsys):
    """Kills while snapshots are written; then each clean pass in recorded order gives the same bits."""
    server = make_server(start=False, sets=OFTEN)
    load = survive(server, int(os.environ.get("TELLTALE_CHAOS_KILLS", "12")),
                   int(os.environ.get("TELLTALE_CHAOS_SEED", "7")) + 1, snapshots=True)
    assert any(event["snapshot_seq"] for event in load.restored)
    path = server.export()
    stored = read_export(path)
    decisions, live = [r["decision"] for r in stored], [r["vector"] for r in stored]
    passes = 0
    for name, (sets, env) in PATHS.items():
        if not cpu_has(name):
            continue
        args = [x for item in sets for x in ("--set", item)]
        assert computed_vectors(program, path, *args, env=env) == live, name
        program.run("score", path, "--order", "recorded", "--out", "again.jsonl", *args, env=env,
                    code=0)
        lines = (program.folder / "again.jsonl").read_text().splitlines()
        assert differing(decisions, [json.loads(line) for line in lines]) == 0, name
        passes += 1
    for count in (1, 7, 256):
        assert vectors_of_a_clean_pass(make_server, path, f"clean{count}", count) == vectors(path)
    with capsys.disabled():
        print(f"\nlive = replay: {len(stored)} transactions, {len(load.restored)} kills, "
              f"{passes} code paths and 4 batch splits equal")
    assert differing(corrupt(decisions), decisions) == 1


def test_after_a_stop_nothing_is_replayed(make_server):
    server = make_server()
    traffic = Traffic(11, gap_s=200)
    send(server, traffic, 900)
    last = send(server, traffic, 1)
    assert server.stop() == 0
    server.start()
    event = restored(server)
    assert event["transactions"] == 0 and event["snapshot_seq"] == event["seq_last"] > 900
    # ids are remembered too, also of what has no position of its own
    again = Traffic(11, gap_s=200).records(901)
    assert server.client().post_lines(again).lines()[-1] == last[0]
    assert server.stop() == 0
    server.start()
    send(server, traffic, 400)
    server.kill()
    server.start()
    assert restored(server)["transactions"] >= 1
    send(server, traffic, 100)
    assert server.stop() == 0
    check_equal(make_server, server)


def test_turned_off_there_are_none(make_server):
    server = make_server(sets=["snapshots.enabled=false"])
    send(server, Traffic(12, gap_s=200), 300)
    assert server.stop() == 0
    server.start()
    event = restored(server)
    assert event["transactions"] == 300 and event["snapshot_seq"] == 0
    server.stop()


def test_of_a_damaged_snapshot_the_one_before_is_used(make_server):
    server = make_server()
    traffic = Traffic(13, gap_s=200)
    two_snapshots(server, traffic)
    slot, positions = newest_slot(server)
    flip(server, f"features/{slot}")
    server.start()
    damaged = server.wait_event("snapshot_damaged")
    assert damaged["seq"] == max(positions.values()) and damaged["level"] == "warn"
    assert restored(server)["snapshot_seq"] == min(positions.values())
    assert restored(server)["transactions"] == 500
    assert b"telltale_snapshots_failed_total 1\n" in server.client().get("/metrics").body
    send(server, traffic, 200)
    assert server.stop() == 0
    check_equal(make_server, server)


@pytest.mark.parametrize("how", ["blocks", "manifests", "blocks_missing"])
def test_when_both_are_damaged_the_log_is_replayed(make_server, how):
    server = make_server()
    traffic = Traffic(14, gap_s=200)
    two_snapshots(server, traffic)
    for slot in "01":
        if how == "blocks":
            flip(server, f"features/{slot}")
        elif how == "manifests":
            flip(server, "features", slot)
        else:
            db = database(server)
            db.execute("DELETE FROM state_entries WHERE owner ="
                       " (SELECT id FROM state_owners WHERE owner = ?)", (f"features/{slot}",))
            db.close()
    server.start()
    assert restored(server)["snapshot_seq"] == 0 and restored(server)["transactions"] == 1200
    assert len(server.events("snapshot_damaged")) == 2
    send(server, traffic, 200)
    assert server.stop() == 0
    check_equal(make_server, server)


@pytest.mark.parametrize("key", ["state", "alerts", "bundle"])
def test_damage_to_what_was_learned_is_told_and_learned_again(make_server, key):
    server = make_server()
    traffic = Traffic(15, gap_s=200)
    two_snapshots(server, traffic)
    flip(server, "trainer", key)
    server.start()
    assert server.wait_event("learned_damaged")["level"] == "warn"
    assert all("score" in line for line in send(server, traffic, 200))
    assert server.stop() == 0
    path = server.export()
    assert vectors(path) == vectors_of_a_clean_pass(make_server, path)


FIRST = """
entities: {user: {key: user_id}, merchant: {key: merchant_id}}
features:
- {name: n, entity: user, aggregate: count, window: 3d}
- {name: a, entity: user, aggregate: mean, field: amount, window: 7d}
- {name: big, entity: user, aggregate: count, window: 1d, filter: 'amount > 50.0'}
- {name: m, entity: merchant, aggregate: count, window: 1d}
"""
# The users' windows are over what rows hold already; the merchants' need a column; devices are new.
SECOND = """
entities: {user: {key: user_id}, device: {key: device_id}, merchant: {key: merchant_id}}
features:
- {name: s, entity: user, aggregate: std, field: amount, window: 2d, filter: 'amount > 50.0'}
- {name: n, entity: user, aggregate: count, window: 3d}
- {name: users, entity: device, aggregate: count_distinct, field: user_id, window: 7d}
- {name: c, entity: merchant, aggregate: count_distinct, field: user_id, window: 5d}
- {name: r, expression: 'n / (s + 1.0)'}
"""
# A filter over a feature: all steps are rebuilt together.
THIRD = """
entities: {user: {key: user_id}, merchant: {key: merchant_id}}
features:
- {name: n, entity: user, aggregate: count, window: 3d}
- {name: busy, entity: merchant, aggregate: count, window: 4d, filter: 'n > 3.0'}
"""


def use_plan(server, program, name, text):
    program.write(f"{name}.yaml", text)
    program.write("detectors.yaml", "detectors:\n  zscore:\n    features:\n"
                  "      - {feature: n, against: peers}\n")
    program.write("rules.yaml", "rules: []\n")
    server.sets = [f"features.file={program.folder}/{name}.yaml",
                   f"detectors.file={program.folder}/detectors.yaml",
                   f"rules.file={program.folder}/rules.yaml"]


@pytest.mark.parametrize("kill", [False, True])
@pytest.mark.parametrize("second, rebuilt", [(SECOND, {"merchant"}), (THIRD, {"merchant"})])
def test_a_changed_plan_keeps_what_did_not_change_and_is_warm_at_once(make_server, program, kill,
                                                                      second, rebuilt):
    server = make_server(start=False)
    traffic = Traffic(16, gap_s=200)
    use_plan(server, program, "first", FIRST)
    server.start()
    send(server, traffic, 700)
    assert server.stop() == 0
    server.start()
    send(server, traffic, 300)
    server.kill() if kill else server.stop()
    use_plan(server, program, "second", second)
    server.start()
    event = restored(server)
    assert {e["entity"] for e in server.events("features_rebuilt")} == rebuilt
    kept = event["snapshot_seq"]
    assert (kept > 0) == (second == SECOND) and event["transactions"] == 1000
    warm = {f["entity"]: f["warm_from"] for f in
            server.wait_status(lambda s: all(f["warm_from"] for f in s["features"]))["features"]}
    assert set(warm) == ({"user", "device", "merchant"} if second == SECOND
                         else {"user", "merchant"})
    assert server.stop() == 0
    server.start()  # nothing came, and still it is not done again
    assert restored(server)["transactions"] == 0 and not server.events("setup_changed")
    assert not server.events("features_rebuilt")
    send(server, traffic, 300)
    server.kill()
    server.start()  # and once more, from what the new plan has saved, or from the old plan's rows
    send(server, traffic, 100)
    assert server.stop() == 0
    path = program.folder / "export.jsonl"
    args = [x for item in server.sets for x in ("--set", item)]
    program.run("export", "--data", server.data, "--out", path, *args, code=0)
    clean = make_server("clean", start=False)
    clean.sets = server.sets
    clean.start()
    rows = read_export(path)
    clean.client(timeout=120).post_lines([row["transaction"] for row in rows])
    assert clean.stop() == 0
    program.run("export", "--data", clean.data, "--out", path, *args, code=0)
    again = read_export(path)
    assert len(rows) == len(again) == 1400
    assert [r["vector"] for r in rows[1000:]] == [r["vector"] for r in again[1000:]]
    assert [r["vector"] for r in rows[:1000]] != [r["vector"] for r in again[:1000]]


def test_a_periodic_snapshot_is_there_and_measured(make_server):
    server = make_server(sets=OFTEN)
    traffic = Traffic(17, gap_s=200)
    while not server.events("snapshot"):
        send(server, traffic, 100)
    event = server.wait_event("snapshot")
    assert event["bytes"] > 1000 and event["seq"] > 0
    text = server.client().get("/metrics").body.decode()
    names = ("seconds_count", "bytes", "timestamp_seconds", "pack_seconds_count")
    for name in names:
        assert f"telltale_snapshot_{name} 0\n" not in text and f"telltale_snapshot_{name} " in text
    server.kill()
    server.start()
    assert restored(server)["snapshot_seq"] > 0
    server.stop()


def test_the_proof_notices_a_state_saved_before_its_outputs(make_server):
    """Rows are taken away from behind a snapshot, as if it had been sealed before they were stored."""
    server = make_server()
    traffic = Traffic(18, users=8, gap_s=60)
    send(server, traffic, 600)
    assert server.stop() == 0
    db = database(server)
    gone = 0
    for (name,) in db.execute("SELECT name FROM sqlite_master WHERE name LIKE 'transactions_2%'"
                              " AND type = 'table'").fetchall():
        gone += db.execute(f"DELETE FROM {name} WHERE seq > 580").rowcount
    db.close()
    assert gone > 0
    server.start()
    send(server, traffic, 200)
    assert server.stop() == 0
    path = server.export()
    assert vectors(path) != vectors_of_a_clean_pass(make_server, path)
