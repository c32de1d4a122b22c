"""`telltale model`: an isolation forest on a table of numbers."""

import random

import pytest


def rows(count=500, columns=30, seed=4):
    rng = random.Random(seed)
    table = [[rng.gauss(0, 1) for _ in range(columns)] for _ in range(count)]
    for row in table[:10]:  # the first ten are elsewhere
        for i in range(0, columns, 2):
            row[i] += 4
    return table


def text(table, header=None):
    lines = [",".join(repr(x) for x in row) for row in table]
    return "\n".join(([header] if header else []) + lines) + "\n"


def scores(program, path):
    lines = (program.folder / path).read_text().splitlines()
    assert lines[0] == "row,score"
    assert [line.split(",")[0] for line in lines[1:]] == [str(i + 1) for i in range(len(lines) - 1)]
    return [float(line.split(",")[1]) for line in lines[1:]]


def test_outliers_of_a_wide_table_score_highest(program):
    program.write("x.csv", text(rows()))
    program.run("model", "fit", "x.csv", "--detector", "isolation_forest", "--trees", "100",
                "--sample", "256", "--seed", "7", "--scores", "s.csv", code=0)
    found = scores(program, "s.csv")
    assert len(found) == 500 and all(0 < x < 1 for x in found)
    highest = sorted(range(500), key=lambda i: -found[i])[:10]
    assert len(set(highest) & set(range(10))) >= 9


def test_a_header_and_columns_left_out_change_no_score(program):
    table = rows(columns=4)
    program.write("x.csv", text(table))
    labelled = [[i] + row + [int(i < 10)] for i, row in enumerate(table)]
    program.write("y.csv", text(labelled, "id,a,b,c,d,label"))
    program.run("model", "fit", "x.csv", "--scores", "x.out", code=0)
    program.run("model", "fit", "y.csv", "--exclude", "id,label", "--scores", "y.out", code=0)
    assert scores(program, "x.out") == scores(program, "y.out")
    assert "no column is called labl" in program.run(
        "model", "fit", "y.csv", "--exclude", "labl", code=1).err


def test_a_model_file_scores_as_the_fit_did_and_other_columns_are_refused(program):
    program.write("x.csv", text(rows(columns=3), "a,b,c"))
    program.run("model", "fit", "x.csv", "--scores", "fit.csv", "--model", "m.ttm", code=0)
    program.run("model", "score", "x.csv", "--model", "m.ttm", "--scores", "again.csv", code=0)
    assert scores(program, "fit.csv") == scores(program, "again.csv")
    assert "100 trees" in program.run("model", "show", "m.ttm", code=0).err
    program.write("z.csv", text(rows(columns=3), "a,c,b"))
    assert "made for other columns" in program.run(
        "model", "score", "z.csv", "--model", "m.ttm", code=1).err
    program.write("z.csv", text(rows(columns=2), "a,b"))
    assert "made for 3 columns" in program.run(
        "model", "score", "z.csv", "--model", "m.ttm", code=1).err
    whole = (program.folder / "m.ttm").read_bytes()
    for damaged in (whole[:-1], whole[:40], b"", b"TTMF", whole[:200] + b"\x00" + whole[201:]):
        (program.folder / "d.ttm").write_bytes(damaged)
        assert "d.ttm: " in program.run("model", "show", "d.ttm", code=1).err


@pytest.mark.parametrize("content,words", [
    ("1,2\n1,x\n", "line 2, column x2: 'x' is no finite number"),
    ("1,2\n3,inf\n", "'inf' is no finite number"),
    ("1,2\n3,1e999\n", "'1e999' is no finite number"),
    ("a,b\n3,4\n", "there is one"),
    ("a,b\n", "there is none"),
    ("1,2\n3,4,5\n", "line 2: too many fields"),
    ("1,2\n1,2\n1,2\n", "no column varies"),
    ("a,b\n,\n,NaN\n", "no column varies"),
])
def test_what_cannot_be_fitted_is_said(program, content, words):
    program.write("x.csv", content)
    assert words in program.run("model", "fit", "x.csv", code=1).err


def test_missing_values_and_constant_columns_are_fitted(program):
    program.write("x.csv", "a,b,c\n" + "".join(f"{i % 7},,5\n" for i in range(50)) + "90,NA,5\n")
    result = program.run("model", "fit", "x.csv", "--scores", "s.csv", code=0)
    assert "51 values are missing" in result.err
    found = scores(program, "s.csv")
    assert max(found) == found[-1]
