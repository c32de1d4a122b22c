"""Runs the folders of tests/scenario, by file and through a server: see tests/scenario/README.md."""

import json

import pytest

from kit.chaos import outcome
from kit.program import ROOT

FOLDER = ROOT / "tests" / "scenario"
CASES = sorted(path.parent.name for path in FOLDER.glob("*/expect.json"))
PARTS = ("features", "rules", "detectors")


def input_of(case):
    (path,) = (FOLDER / case).glob("input.*")
    return path


def parts_of(case):
    return {name: FOLDER / case / f"{name}.yaml" for name in PARTS
            if (FOLDER / case / f"{name}.yaml").exists()}


def expected(case):
    return json.loads((FOLDER / case / "expect.json").read_text())


def check(line, wanted, name):
    """Every member that is expected is so; `fired` and `reason` look inside."""
    for member, value in wanted.items():
        if member == "fired":
            fired = [d for d, said in line["detectors"].items() if said["fired"]]
            assert sorted(fired) == sorted(value), (name, fired)
        elif member == "reason":
            messages = [reason["message"] for reason in line["reasons"]]
            assert any(value in message for message in messages), (name, messages)
        else:
            assert line[member] == value, (name, member, line[member])


def check_lines(lines, case):
    wanted = expected(case)
    by_id = {line["transaction_id"]: line for line in lines}
    for name, values in wanted.get("lines", {}).items():
        check(by_id[name], values, name)
    if "others" in wanted:
        for name, line in by_id.items():
            if name not in wanted["lines"]:
                check(line, wanted["others"], name)


def score(program, case):
    args = [x for name, path in parts_of(case).items() for x in ("--" + name, path)]
    folder = FOLDER / case
    if (folder / "map.yaml").exists():
        args += ["--map", folder / "map.yaml"]
    if (folder / "telltale.yaml").exists():
        args += ["--config", folder / "telltale.yaml"]
    args += expected(case).get("args", [])
    result = program.run("score", input_of(case), "--out", "o.jsonl", "--rejects", "r.jsonl",
                         "--json", *args, code=0)
    return json.loads(result.text), *(
        [json.loads(line) for line in (program.folder / name).read_text().splitlines()]
        for name in ("o.jsonl", "r.jsonl"))


def test_there_are_scenarios():
    assert len(CASES) >= 10


@pytest.mark.parametrize("case", CASES)
def test_scenario_by_file(program, case):
    counts, lines, rejects = score(program, case)
    check_lines(lines, case)
    wanted = expected(case)
    for name, value in wanted.get("counts", {}).items():
        assert counts[name] == value, (name, counts)
    assert [[r["line"], r["reason"]] for r in rejects] == wanted.get("rejects", [])


@pytest.mark.parametrize("case", [case for case in CASES if input_of(case).suffix == ".jsonl"
                                  and not (FOLDER / case / "map.yaml").exists()])
def test_scenario_through_a_server(program, make_server, case):
    """The same lines over HTTP, in two bodies with a crash between, decide the same."""
    _, lines, _ = score(program, case)
    config = FOLDER / case / "telltale.yaml"
    server = make_server(sets=[f"{name}.file={path}" for name, path in parts_of(case).items()],
                         config=config if config.exists() else None)
    records = input_of(case).read_bytes().splitlines()
    middle = len(records) // 2
    answers = server.client().post_lines(records[:middle]).lines()
    server.kill()
    server.start()
    answers += server.client().post_lines(records[middle:]).lines()
    assert len(answers) == len(records)
    decided, seen = [], set()
    for answer in answers:
        key = (answer.get("user_id"), answer.get("transaction_id"))
        if "score" in answer and key not in seen:
            seen.add(key)
            decided.append(answer)
    check_lines(decided, case)
    assert [outcome(answer) for answer in decided] == [outcome(line) for line in lines]
