"""`telltale export` and its replay by `telltale score --order recorded`."""

import gzip
import json

import pytest

from kit.chaos import differing, read_export
from kit.rules import settings
from kit.traffic import Traffic, to_jsonl


@pytest.fixture
def exported(make_server):
    server = make_server()
    client = server.client()
    records = Traffic(91, gap_s=300).records(1300)
    client.post_lines(records)
    client.post({"transaction_id": records[5]["transaction_id"], "label": "fraud"}, path="/labels")
    client.post_lines(Traffic(92, prefix="late").records(40))
    server.stop()
    return server, server.export()


def test_an_export_scores_to_the_decisions_in_it(exported):
    server, path = exported
    server.program.run("score", path, "--order", "recorded", "--out", "a.jsonl", code=0)
    server.program.run("score", path, "--out", "b.jsonl", code=0)  # what it is is seen
    folder = server.program.folder
    assert (folder / "a.jsonl").read_bytes() == (folder / "b.jsonl").read_bytes()
    scored = [json.loads(line) for line in (folder / "a.jsonl").read_text().splitlines()]
    stored = [row["decision"] for row in read_export(path)]
    assert len(stored) == 1340 and differing(stored, scored) == 0


def test_an_export_has_everything_a_replay_needs(exported):
    _, path = exported
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[0]["telltale_export"] == 1 and lines[0]["setup"]
    assert any("bytes" in line for line in lines)
    (label,) = [line for line in lines if "label" in line]
    assert label["recorded_at"] and label["known_at"] and label["label"] == "fraud"
    for line in lines:
        if "decision" in line:
            assert {"seq", "transaction", "epoch", "bundle", "absorbed", "vector"} <= set(line)


@pytest.mark.parametrize("args", [
    ("--rules", "none"), ("--features", "other.yaml"), ("--detectors", "other-detectors.yaml"),
])
def test_an_export_under_another_configuration_is_a_clear_error(exported, args):
    server, path = exported
    server.program.write("other-detectors.yaml", "detectors:\n  rules: {weight: 0.5}\n")
    server.program.write("other.yaml", """entities: {user: {key: user_id}}
features:
  - {name: n, entity: user, aggregate: count, window: 1h}
""")
    more = ["--rules", "none", "--detectors", "other-detectors.yaml"] if "other.yaml" in args \
        else []
    result = server.program.run("score", path, "--order", "recorded", *args, *more, code=1)
    assert "export" in result.err and ("differ" in result.err or "other" in result.err), result.err


def test_a_truncated_export_fails_after_what_is_whole(exported):
    server, path = exported
    content = path.read_bytes()
    cut = server.program.write("cut.jsonl", content[:len(content) * 2 // 3])
    result = server.program.run("score", cut, "--out", "o.jsonl", code=1)
    assert "cut.jsonl:" in result.err
    assert (server.program.folder / "o.jsonl").read_text().count("\n") > 100


@pytest.mark.parametrize("change", [
    (b'"seq":', b'"sep":'), (b'"bundle":"', b'"bundle":"zz'), (b'"transaction":{', b'"transaction":['),
    (b'"bytes":"', b'"bytes":"xx'), (b'"timestamp":"2', b'"timestamp":"x'),
])
def test_a_changed_line_of_an_export_is_named(exported, change):
    server, path = exported
    lines = path.read_bytes().split(b"\n")
    at = next(i for i, line in enumerate(lines) if i > 5 and change[0] in line)
    lines[at] = lines[at].replace(*change, 1)
    bad = server.program.write("bad.jsonl", b"\n".join(lines))
    result = server.program.run("score", bad, "--out", "o.jsonl", code=1)
    assert f"bad.jsonl:{at + 1}" in result.err, result.err


def test_a_compressed_export_is_replayed_like_the_plain_one(exported):
    server, path = exported
    server.program.write("e.gz", gzip.compress(path.read_bytes()))
    server.program.run("score", path, "--out", "a.jsonl", code=0)
    server.program.run("score", "e.gz", "--order", "recorded", "--out", "b.jsonl", code=0)
    folder = server.program.folder
    assert (folder / "a.jsonl").read_bytes() == (folder / "b.jsonl").read_bytes()


def test_a_cut_compressed_export_fails_with_its_name(exported):
    server, path = exported
    packed = gzip.compress(path.read_bytes())
    server.program.write("cut.gz", packed[:len(packed) // 2])
    result = server.program.run("score", "cut.gz", "--out", "o.jsonl", code=1)
    assert "cut.gz" in result.err
    assert (server.program.folder / "o.jsonl").stat().st_size > 0


def test_an_export_on_standard_input_is_not_taken_for_bad_rows(exported):
    server, path = exported
    result = server.program.run("score", "-", "--out", "o.jsonl", stdin=path.read_bytes(), code=1)
    assert "export" in result.err and "standard input" in result.err


def test_an_export_in_another_order_is_refused(exported):
    server, path = exported
    result = server.program.run("score", path, "--order", "event-time", code=1)
    assert "export" in result.err and "order" in result.err


def test_an_export_of_nothing_is_a_header(make_server):
    server = make_server()
    server.stop()
    path = server.export()
    lines = path.read_text().splitlines()
    assert len(lines) == 2 and "rules_version" in lines[1]  # and the rules of its beginning
    server.program.run("score", path, "--out", "o.jsonl", code=0)


def test_an_export_to_a_full_disk_fails(exported):
    server, _ = exported
    result = server.program.run("export", "--data", server.data, "--out", "/dev/full", code=1)
    assert "No space left" in result.err


def test_an_export_of_a_folder_without_a_database_fails_and_makes_none(program):
    result = program.run("export", "--data", "nothing", "--out", "e.jsonl", code=1)
    assert "nothing" in result.err
    assert not (program.folder / "nothing").exists()


def test_replaying_under_the_servers_own_configuration_works(make_server, program):
    path = program.write("t.yaml", "".join(
        f"{key.split('.')[0]}: {{{key.split('.')[1]}: {value}}}\n"
        for key, value in (item.split("=", 1) for item in settings(program))))
    server = make_server(config=path)
    server.client().post_lines(Traffic(93).records(400))
    server.stop()
    export = server.export()
    program.run("score", export, "--config", path, "--out", "o.jsonl", code=0)
    scored = [json.loads(x) for x in (program.folder / "o.jsonl").read_text().splitlines()]
    assert differing([row["decision"] for row in read_export(export)], scored) == 0
    assert "export" in program.run("score", export, code=1).err


def test_plain_rows_are_no_export(program):
    program.write("in.jsonl", to_jsonl(Traffic(94).records(10)))
    program.run("score", "in.jsonl", "--order", "recorded", code=0)
