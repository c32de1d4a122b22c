"""The rules that are shipped: what they promise about ordinary traffic, and that each says why it is there."""

import json
import re

import pytest

from kit.program import ROOT

ROWS = 40000
# Generated card payments read as transfers to whoever was paid.
TRANSFERS = """
format: csv
fields:
  transaction_id: {column: transaction_id}
  timestamp: {column: timestamp}
  amount: {column: amount}
  currency: {column: currency}
  type: {value: transfer}
  user_id: {column: user_id}
  counterparty_id: {column: merchant_id}
  device_id: {column: device_id}
label: {column: is_fraud, fraud: "1"}
"""
FILES = {
    "card": [],
    "card-library": [],
    "transfers": ["--features", str(ROOT / "config/features/transfers.yaml"),
                  "--rules", str(ROOT / "config/rules/transfers.yaml"),
                  "--detectors", "none.yaml", "--map", "transfers-map.yaml"],
}


def rules_of(name):
    """(id, its lines) of every rule of a file."""
    text = (ROOT / f"config/rules/{name}.yaml").read_text().split("\nrules:\n")[1]
    pieces = re.split(r"^  - id: ", text, flags=re.M)[1:]
    return {piece.split("\n", 1)[0]: piece for piece in pieces}


def value(piece, key):
    found = re.search(rf"^    {key}: (\S+)", piece, flags=re.M)
    return found.group(1) if found else None


@pytest.mark.parametrize("name", FILES)
def test_no_live_rule_fires_on_ordinary_traffic_more_than_its_budget(program, name):
    rules = rules_of(name)
    (program.folder / "none.yaml").write_text("{}\n")
    (program.folder / "transfers-map.yaml").write_text(TRANSFERS)
    program.run("generate", "--rows", str(ROWS), "--customers", "800", "--out", "ordinary.csv", code=0)
    result = program.run("rules", "backtest", str(ROOT / f"config/rules/{name}.yaml"), "--against", "none",
                         "--input", "ordinary.csv", "--json", "-q", *FILES[name], code=0, timeout=300)
    answer = json.loads(result.text)
    assert {rule["id"] for rule in answer["rules"]} == set(rules)
    for rule in answer["rules"]:
        budget = float(value(rules[rule["id"]], "budget"))
        fired = 1000 * rule["labelled_genuine"] / answer["rows"]
        assert rule["mode"] != "live" or fired <= budget, (rule["id"], fired, budget)


def test_every_rule_says_what_and_why_with_tests_and_a_budget():
    count = 0
    for name in FILES:
        for rule, piece in rules_of(name).items():
            for key in ("description", "rationale", "budget", "tests", "severity", "decision"):
                assert f"\n    {key}:" in piece, (rule, key)
            assert "expect: fire" in piece or rule == "blocked-merchant"
            assert "expect: pass" in piece, rule
            count += 1
    assert count >= 40
