"""`telltale evaluate`: the numbers against numpy, and what it writes."""

import json
import re

import numpy as np
import pytest

from kit.traffic import Traffic, to_csv


def roc_area(scores, fraud):
    """Mann-Whitney with mid-ranks for ties."""
    order = np.argsort(scores, kind="stable")
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    values, inverse = np.unique(scores, return_inverse=True)
    ranks = (np.bincount(inverse, ranks) / np.bincount(inverse))[inverse]
    positives = fraud.sum()
    return (ranks[fraud].sum() - positives * (positives + 1) / 2) / (
        positives * (len(scores) - positives))


def average_precision(scores, fraud):
    """Sum over distinct thresholds of precision times the step in recall."""
    values, inverse = np.unique(-scores, return_inverse=True)
    found = np.cumsum(np.bincount(inverse, fraud))
    flagged = np.cumsum(np.bincount(inverse))
    return np.sum(np.diff(found, prepend=0) * found / flagged) / fraud.sum()


@pytest.fixture
def labelled(program):
    rows = Traffic(31, gap_s=300, fraud=0.02).labelled(4000)
    program.write("in.csv", to_csv(rows))
    return rows


def test_areas_equal_a_numpy_computation_over_the_scores(program, labelled):
    report = json.loads(program.run("evaluate", "in.csv", "--out", "o.jsonl", "--json",
                                    code=0).text)
    lines = [json.loads(x) for x in (program.folder / "o.jsonl").read_text().splitlines()]
    scores = np.array([line["score"] for line in lines])
    fraud = np.array([f for _, f in labelled])
    whole = report["whole"]
    assert whole["rows"] == len(labelled) and whole["frauds"] == fraud.sum()
    assert whole["auc_roc"] == pytest.approx(roc_area(scores, fraud), abs=1e-9)
    assert whole["average_precision"] == pytest.approx(average_precision(scores, fraud), abs=1e-9)
    assert whole["auc_roc"] > 0.6


def test_days_and_alerts_add_up(program, labelled):
    report = json.loads(program.run("evaluate", "in.csv", "--out", "o.jsonl", "--json",
                                    "--budget", 20, code=0).text)
    lines = [json.loads(x) for x in (program.folder / "o.jsonl").read_text().splitlines()]
    assert sum(day["rows"] for day in report["days"]) == len(labelled)
    assert sum(day["frauds"] for day in report["days"]) == sum(f for _, f in labelled)
    assert report["whole"]["alerts"] == sum(line["alerted"] for line in lines)
    caught = 0
    for day in report["days"]:
        at = [i for i, (r, _) in enumerate(labelled) if r["timestamp"].startswith(day["day"])]
        at.sort(key=lambda i: -lines[i]["score"])
        caught += sum(labelled[i][1] for i in at[:20])
        assert day["flagged"] == min(20, len(at))
    assert report["whole"]["caught"] == pytest.approx(caught, abs=1)


def test_evaluate_writes_the_same_lines_as_score(program, labelled):
    program.run("evaluate", "in.csv", "--out", "a.jsonl", code=0)
    program.run("score", "in.csv", "--out", "b.jsonl", code=0)
    assert (program.folder / "a.jsonl").read_bytes() == (program.folder / "b.jsonl").read_bytes()


def test_the_report_is_one_page_that_needs_nothing_else(program, labelled):
    program.run("evaluate", "in.csv", "--report", "r.html", code=0)
    page = (program.folder / "r.html").read_text()
    assert page.lstrip().lower().startswith("<!doctype html>") and "<svg" in page
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", page)
    assert "<script" not in page
    program.run("evaluate", "in.csv", "--report", "again.html", code=0)
    assert (program.folder / "again.html").read_text() == page


def test_names_from_data_are_escaped_in_the_report(program):
    rows = Traffic(32, fraud=0.05).labelled(600)
    name = "<img src=x onerror=alert(1)>.csv"
    program.write(name, to_csv(rows))
    program.run("evaluate", name, "--report", "r.html", code=0)
    assert "<img" not in (program.folder / "r.html").read_text()


def test_the_table_says_the_main_figures(program, labelled):
    text = program.run("evaluate", "in.csv", code=0).text.lower()
    for words in ("auc", "ap", "cp@100", "recall", "precision", "alerts/d", "caught", "missed"):
        assert words in text, text


def test_a_file_without_labels_is_an_error_that_says_how(program):
    program.write("in.csv", to_csv(Traffic(33).records(50)))
    result = program.run("evaluate", "in.csv", code=1)
    assert "no labels" in result.err and "label:" in result.err


def test_labels_of_one_kind_only_do_not_make_numbers_up(program):
    rows = [(record, False) for record in Traffic(34).records(300)]
    program.write("in.csv", to_csv(rows))
    result = program.run("evaluate", "in.csv", "--json", "--report", "r.html", code=0)
    whole = json.loads(result.text)["whole"]
    assert whole["frauds"] == 0
    assert whole["auc_roc"] is None and whole["average_precision"] is None


@pytest.mark.parametrize("args", [("--budget", "0"), ("--cards", "x"), ("--folds", "2018-13-01"),
                                  ("--label-delay", "7"), ("--order", "random")])
def test_bad_options_are_usage_errors(program, labelled, args):
    result = program.run("evaluate", "in.csv", *args, code=2)
    assert args[0] in result.err


def test_a_report_that_cannot_be_written_fails(program, labelled):
    for path in ("/dev/full", "missing/r.html"):
        result = program.run("evaluate", "in.csv", "--report", path, code=1)
        assert path in result.err
