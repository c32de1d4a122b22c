"""`telltale demo`: ends by itself, says what it should, leaves nothing behind."""

import json
import os
import signal
import subprocess

KINDS = {"amount_over_limit", "compromised_terminal", "stolen_card", "card_testing",
         "impossible_travel", "account_takeover"}
KEYS = {"transactions", "anomalies", "explained", "alerts", "seconds_to_first_anomaly", "frauds",
        "precision", "recall", "alerts_per_1000", "recall_by_kind", "latency_ms"}


def left_behind(program):
    return [p.name for p in program.folder.iterdir() if p.name.startswith("telltale-demo")]


def test_a_demo_ends_with_a_summary_and_leaves_nothing(program):
    result = program.run("demo", "--for", "5s", "--headless", "--json", "--history", "2d", code=0)
    lines = [json.loads(line) for line in result.text.splitlines()]
    summary = lines[-1]
    assert KEYS <= set(summary) and set(summary["recall_by_kind"]) == KINDS
    assert set(summary["latency_ms"]) == {"p50", "p99"}
    assert summary["transactions"] > 0
    assert summary["anomalies"] == len(lines) - 1 == summary["explained"]
    for anomaly in lines[:-1]:
        assert anomaly["anomaly_id"] and anomaly["reasons"][0]["message"]
    assert "#token" not in result.text + result.err
    assert left_behind(program) == []


def test_a_demo_for_people_prints_address_link_and_summary(program):
    result = program.run("demo", "--for", "2s", "--history", "1d", "--port", "0", code=0)
    for words in ("http://127.0.0.1:", "/app/#token=", "history", "live", "precision", "recall",
                  "latency"):
        assert words in result.text, words
    assert "\x1b[" not in result.text


def interrupted(program, number, *args):
    process = program.start("demo", "--history", "1d", "--port", "0", *args,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for line in process.stdout:
        if b"live" in line:
            break
    os.kill(process.pid, number)
    rest = process.stdout.read()
    process.stdout.close()
    return process.wait(30), rest.decode()


def test_an_interrupted_demo_ends_with_its_summary_and_cleans_up(program):
    code, rest = interrupted(program, signal.SIGINT)
    assert code == 0 and "precision" in rest
    assert left_behind(program) == []


def test_an_interrupted_timed_demo_exits_130_and_cleans_up(program):
    code, _ = interrupted(program, signal.SIGINT, "--for", "60s", "--headless")
    assert code == 130
    assert left_behind(program) == []


def test_a_demo_keeps_its_database_where_it_is_told(program):
    program.run("demo", "--for", "2s", "--headless", "--json", "--history", "1d", "--port", "0",
                "--keep", "kept", code=0)
    assert (program.folder / "kept" / "telltale.db").is_file()
    program.run("export", "--data", "kept", "--out", "e.jsonl", code=0)
    assert (program.folder / "e.jsonl").read_text().startswith('{"telltale_export":1')


def test_another_seed_is_another_world(program):
    def history(seed):
        text = program.run("demo", "--for", "1s", "--headless", "--json", "--history", "1d",
                           "--port", "0", "--seed", seed, code=0).text
        return json.loads(text.splitlines()[-1])["history"]
    assert history(2) != history(3)
