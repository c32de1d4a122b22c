"""`telltale rules backtest`: on a file, on stored history, beside a running server, over damage."""

import json
import random

import pytest

from kit.rules import RULES, settings
from kit.traffic import Traffic, to_csv

NEW = RULES.replace("amount > 2000.0", "amount > 60.0").replace("id: medium", "id: other")


def backtest(program, *args, code=0, rules="new.yaml"):
    result = program.run("rules", "backtest", rules, "--json", "-q", *args, code=code)
    return json.loads(result.text), result


@pytest.fixture
def history(make_server):
    """Five days of transactions with labels, and a rule file to try."""
    server = make_server(start=False)
    server.sets = settings(server.program)
    server.start()
    records = Traffic(71, gap_s=600).records(720)
    client = server.client()
    client.post_lines(records)
    dear = [r for r in records if float(r["amount"]) > 60]
    for record in dear[:8]:
        client.post({"transaction_id": record["transaction_id"], "label": "fraud"}, path="/labels")
    server.program.write("new.yaml", NEW)
    args = ["--data", server.data, "--label-horizon", "0s"]
    for item in server.sets:
        args += ["--set", item]
    return server, records, args


def test_a_file_with_its_truth_gives_precision_recall_and_money(program):
    rows = [(record, float(record["amount"]) > 90) for record in Traffic(5).records(400)]
    program.write("rows.csv", to_csv(rows))
    program.write("new.yaml", RULES.replace("amount > 100.0", "amount > 80.0"))
    program.write("live.yaml", RULES)
    report, _ = backtest(program, "--input", "rows.csv", "--against", "live.yaml", "--report",
                         "r.html")
    hits = [r for r, _ in rows if float(r["amount"]) > 80]
    frauds = [r for r, fraud in rows if fraud]
    low = report["rules"][0]
    assert report["rows"] == 400 and report["frauds"] == len(frauds) and frauds
    assert low["hits"] == low["matured"] == len(hits) > len(frauds)
    assert low["precision"] == pytest.approx(len(frauds) / len(hits))
    assert low["precision_low"] < low["precision"] < low["precision_high"]
    assert low["recall"] == 1
    assert low["caught_amount"] == "0.00"  # its decision is allow
    assert low["gained"] == len([r for r in hits if float(r["amount"]) <= 100])
    assert report["total"]["gained"] == low["gained"] and report["total"]["lost"] == 0
    ids = {r["transaction_id"] for r in hits}
    assert {e["transaction_id"] for e in report["gained"]} <= ids
    page = (program.folder / "r.html").read_text()
    assert page.startswith("<!doctype html>") and "Alerts gained" in page and "<script" not in page


def test_history_gives_what_the_rules_say_of_each_transaction(history):
    server, records, args = history
    report, _ = backtest(server.program, *args)  # the server is running
    high = next(rule for rule in report["rules"] if rule["id"] == "high")
    hits = [r for r in records if float(r["amount"]) > 60]
    assert report["rows"] == len(records)
    assert high["hits"] == len(hits)
    assert high["labelled_fraud"] == 8 == report["frauds"]
    assert high["labelled_fraud"] + high["labelled_genuine"] + high["unlabelled"] + \
        high["previously_blocked"] == high["hits"]
    assert high["hits_before"] == len([r for r in records if float(r["amount"]) > 2000])
    other = next(rule for rule in report["rules"] if rule["id"] == "other")
    assert other["new"] and not high["new"]
    days = {r["timestamp"][:10] for r in records}
    segments = {path.stem for path in (server.program.folder / "data/segments").iterdir()}
    assert segments == days - {max(days)}
    assert sum(day["rows"] for day in report["days"]) == len(records)


def test_segments_rows_and_a_range_agree(history):
    server, records, args = history
    first, _ = backtest(server.program, *args)
    second, _ = backtest(server.program, *args)
    assert first == second
    middle = sorted(r["timestamp"] for r in records)[len(records) // 2]
    early, _ = backtest(server.program, *args, "--to", middle)
    late, _ = backtest(server.program, *args, "--from", middle)
    assert early["rows"] + late["rows"] == first["rows"] and early["rows"] > 0
    for a, b, whole in zip(early["rules"], late["rules"], first["rules"]):
        assert a["hits"] + b["hits"] == whole["hits"]


def test_a_damaged_segment_is_made_again_with_one_line(history):
    server, _, args = history
    whole, _ = backtest(server.program, *args)
    folder = server.program.folder / "data/segments"
    chance = random.Random(4)
    for path in sorted(folder.iterdir())[:3]:
        good = path.read_bytes()
        for at in [0, len(good) // 2, len(good) - 1, *chance.choices(range(len(good)), k=4)]:
            path.write_bytes(good[:at] + bytes([good[at] ^ 0x40]) + good[at + 1:])
            again, result = backtest(server.program, *args)
            assert again == whole
            assert result.err.count("segment_damaged") <= 1
        path.write_bytes(good[:len(good) // 3])
        again, result = backtest(server.program, *args)
        assert again == whole and result.err.count("segment_damaged") == 1
        assert path.read_bytes() == good


def test_a_late_row_of_a_closed_day_is_seen(history):
    server, records, args = history
    before, _ = backtest(server.program, *args)
    late = {**records[10], "transaction_id": "late", "amount": "99.00"}
    assert server.client().post(late).status == 200
    after, _ = backtest(server.program, *args)
    assert after["rows"] == before["rows"] + 1
    assert after["total"]["hits"] == before["total"]["hits"] + 1


@pytest.mark.parametrize("args, words", [
    (["--from", "yesterday"], "--from"),
    (["--from", "2026-03-02", "--to", "2026-03-01"], "--to must be after"),
    (["--label-horizon", "soon"], "--label-horizon"),
])
def test_wrong_options_are_usage_errors(program, args, words):
    program.write("new.yaml", NEW)
    result = program.run("rules", "backtest", "new.yaml", *args, code=2)
    assert words in result.err


def test_mistakes_are_told_with_their_place(program):
    program.write("bad.yaml", "rules:\n  - {id: a, when: 'amonut > 5.0', severity: low, "
                              "decision: allow, score: 0.5}\n")
    program.write("rows.csv", to_csv(Traffic(5).records(3)))
    result = program.run("rules", "backtest", "bad.yaml", "--input", "rows.csv", code=1)
    assert "bad.yaml:2:" in result.err and "amount" in result.err
    program.write("new.yaml", NEW)
    result = program.run("rules", "backtest", "new.yaml", "--data", "nowhere", code=1)
    assert "--data" in result.err and "--input" in result.err
