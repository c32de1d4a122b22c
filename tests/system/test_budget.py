"""The alert budget: how many go out a day, and the same ones after a crash, from a file, from an export."""

import json
from collections import Counter

import pytest

from kit.chaos import read_export
from kit.traffic import Traffic, to_jsonl

BUDGET = 12
CONFIG = f"alert_budget_per_day: {BUDGET}\nrules: {{file: none.yaml}}\n"


def payments(count=9000):
    return Traffic(71, users=300, merchants=60, gap_s=86.4).records(count)  # about 1,000 a day


@pytest.fixture
def scored(program):
    records = payments()
    program.write("in.jsonl", to_jsonl(records))
    program.write("none.yaml", "rules: []\n")
    program.write("telltale.yaml", CONFIG)
    program.run("score", "in.jsonl", "--out", "out.jsonl", code=0)
    lines = [json.loads(x) for x in (program.folder / "out.jsonl").read_text().splitlines()]
    return records, lines


def per_day(records, lines):
    assert [r["transaction_id"] for r in records] == [x["transaction_id"] for x in lines]
    days = Counter(r["timestamp"][:10] for r in records)
    alerts = Counter(r["timestamp"][:10] for r, x in zip(records, lines) if x["alerted"])
    return [alerts[day] for day in sorted(days)]


def test_the_mean_of_seven_days_is_near_the_budget_and_no_day_past_twice_it(scored):
    counts = per_day(*scored)
    assert len(counts) >= 9 and max(counts) <= 2 * BUDGET
    week = counts[1:8]
    assert abs(sum(week) / 7 - BUDGET) <= 0.2 * BUDGET


def test_an_alert_is_an_anomaly_with_reasons(scored):
    for line in scored[1]:
        if line["alerted"]:
            assert line["severity"] != "none" and line["reasons"]
            assert line["p_value"] <= 0.05


def test_a_customer_alerts_once_in_a_day_unless_it_gets_worse(scored):
    order = ["none", "low", "medium", "high", "critical"]
    records, lines = scored
    seen = {}
    for record, line in zip(records, lines):
        key = (record["user_id"], record["timestamp"][:10])
        if line["alerted"]:
            assert order.index(line["severity"]) > seen.get(key, 0)
            seen[key] = order.index(line["severity"])


def test_a_crash_and_an_export_change_no_alert(scored, make_server, program):
    records, lines = scored
    server = make_server()
    answers = []
    for first in range(0, len(records), 1500):
        answers += server.client().post_lines(records[first:first + 1500]).lines()
        server.kill()
        server.start()
    assert [a["alerted"] for a in answers] == [x["alerted"] for x in lines]
    text = server.client().get("/metrics").body.decode()
    assert "telltale_alert_budget_p_value" in text
    server.stop()
    path = server.export()
    rows = read_export(path)
    assert [r["alert"] for r in rows] == [a["alert"] for a in answers]
    # from the export another budget changes nothing: outcomes are recorded
    program.run("score", path, "--out", "again.jsonl", "--set", "alert_budget_per_day=1", code=0)
    again = [json.loads(x) for x in (program.folder / "again.jsonl").read_text().splitlines()]
    assert [x["alerted"] for x in again] == [x["alerted"] for x in lines]


def test_without_a_budget_severity_decides(program):
    program.write("in.jsonl", to_jsonl(payments(3000)))
    program.run("score", "in.jsonl", "--out", "out.jsonl", "--rules", "none",
                "--set", "alert_budget_per_day=0", code=0)
    lines = [json.loads(x) for x in (program.folder / "out.jsonl").read_text().splitlines()]
    assert any(x["alerted"] for x in lines)
    assert all(x["severity"] in ("medium", "high", "critical") for x in lines if x["alerted"])


def test_a_time_zone_that_is_none_stops_the_start(program):
    program.write("in.jsonl", to_jsonl(payments(3)))
    result = program.run("score", "in.jsonl", "--set", "alerts.time_zone=Europe/Atlantis", code=1)
    assert "alerts.time_zone" in result.err and "Atlantis" in result.err


def test_random_review_is_drawn_outside_the_ranking_and_recorded(make_server, program):
    records = payments(3000)
    program.write("none.yaml", "rules: []\n")
    program.write("telltale.yaml", CONFIG + "alerts: {review_per_million: 20000}\n")
    program.write("in.jsonl", to_jsonl(records))
    program.run("score", "in.jsonl", "--out", "out.jsonl", code=0)
    lines = [json.loads(x) for x in (program.folder / "out.jsonl").read_text().splitlines()]
    server = make_server()
    client = server.client()
    answers = client.post_lines(records).lines()
    drawn = [a for a in answers if a["alert"] == "sampled"]
    assert 30 < len(drawn) < 100  # about 60 of 3,000
    assert all(a["alerted"] and a["selection_probability"] == 0.02 and a["reasons"] for a in drawn)
    assert sum(a["p_value"] > 0.5 for a in drawn) > 10  # most are quite ordinary
    assert [a["alerted"] for a in answers] == [x["alerted"] for x in lines]
    for answer in drawn[:5]:
        assert client.get("/redecide/" + answer["transaction_id"]).json()["same"]
    server.stop()
    path = server.export()
    assert [r["alert"] for r in read_export(path)] == [a["alert"] for a in answers]
    program.run("score", path, "--out", "again.jsonl", "--set", "alerts.review_per_million=0", code=0)
    again = [json.loads(x) for x in (program.folder / "again.jsonl").read_text().splitlines()]
    assert [x["alerted"] for x in again] == [x["alerted"] for x in lines]
