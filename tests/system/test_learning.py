"""What labels teach, on generated traffic: nothing leaks, nothing changes without them, and they help."""

import csv
import datetime
import io
import json

import pytest

from kit.program import Program

DELAY_DAYS = 2
ROWS = 40000


@pytest.fixture(scope="module")
def traffic(tmp_path_factory):
    """Generated rows of about fifty days, as dictionaries."""
    maker = Program(tmp_path_factory.mktemp("traffic"))
    made = maker.run("generate", "--rows", ROWS, "--customers", 400, "--seed", 5, code=0)
    return list(csv.DictReader(io.StringIO(made.text)))


def time_of(row):
    return datetime.datetime.fromisoformat(row["timestamp"].replace("Z", "+00:00"))


def write(program, name, rows):
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    program.write(name, out.getvalue())


def scores(program, name, *options):
    program.run("score", name, "--out", "o.jsonl", *options, code=0)
    return (program.folder / "o.jsonl").read_text().splitlines()


def forget(row):
    return {**row, "is_fraud": "0", "fraud_kind": ""}


def test_labels_known_later_leave_every_earlier_score_as_it_was(program, traffic):
    write(program, "all.csv", traffic)
    end = time_of(traffic[ROWS * 3 // 4])
    known = end - datetime.timedelta(days=DELAY_DAYS)
    write(program, "cut.csv", [row if time_of(row) <= known else forget(row) for row in traffic])
    delay = f"{DELAY_DAYS}d"
    whole = scores(program, "all.csv", "--label-delay", delay)
    cut = scores(program, "cut.csv", "--label-delay", delay)
    upto = sum(time_of(row) <= end for row in traffic)
    assert whole[:upto] == cut[:upto]
    assert whole[upto:] != cut[upto:]


def test_labels_never_known_leave_every_score_label_free(program, traffic):
    write(program, "all.csv", traffic)
    write(program, "none.csv", [forget(row) for row in traffic])
    never = scores(program, "all.csv", "--label-delay", "3650d")
    assert never == scores(program, "none.csv", "--label-delay", f"{DELAY_DAYS}d")


def test_late_labels_find_more(program, traffic):
    write(program, "all.csv", traffic)
    measured = {}
    for delay in ("3650d", f"{DELAY_DAYS}d"):
        report = json.loads(program.run("evaluate", "all.csv", "--label-delay", delay, "--json",
                                        code=0).text)
        measured[delay] = report["whole"]
    with_labels, without = measured[f"{DELAY_DAYS}d"], measured["3650d"]
    assert with_labels["auc_roc"] > without["auc_roc"] + 0.03
    assert with_labels["average_precision"] > without["average_precision"]
