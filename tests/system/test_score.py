"""`telltale score`: files in, a line for every accepted row out."""

import bz2
import csv
import gzip
import io
import json
import lzma
import re
import shutil
import subprocess
from datetime import datetime, timedelta

import pytest

from kit.traffic import Traffic, to_csv, to_jsonl

NUMBER = re.compile(r'"[^"]*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?')


def score(program, name, *args, code=0, **kwargs):
    return program.run("score", name, *args, code=code, **kwargs)


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def digits(text):
    return text.lower().split("e")[0].replace("-", "").replace(".", "").strip("0")


# Output

def test_every_accepted_row_gets_a_line_in_input_order(program):
    records = Traffic(1).records(700)
    program.write("in.csv", to_csv(records))
    score(program, "in.csv", "--out", "out.jsonl")
    scored = lines(program.folder / "out.jsonl")
    assert [line["transaction_id"] for line in scored] == [r["transaction_id"] for r in records]
    for line in scored:
        assert set(line) == {"transaction_id", "score", "p_value", "severity", "decision",
                             "alerted", "detectors", "reasons"}
        assert 0 <= line["score"] < 1 and 0 <= line["p_value"] <= 1
        assert set(line["detectors"]) == {"zscore", "iqr", "isolation_forest", "rules",
                                         "takeover_state"}
        assert bool(line["reasons"]) == (line["severity"] != "none")


def test_csv_output_has_the_same_numbers_as_json_lines(program):
    program.write("in.csv", to_csv(Traffic(2).records(700)))
    score(program, "in.csv", "--out", "out.jsonl")
    score(program, "in.csv", "--out", "out.csv")
    rows = list(csv.DictReader(io.StringIO((program.folder / "out.csv").read_text())))
    scored = lines(program.folder / "out.jsonl")
    assert len(rows) == len(scored)
    for row, line in zip(rows, scored):
        assert row["transaction_id"] == line["transaction_id"]
        assert (float(row["score"]), float(row["p_value"])) == (line["score"], line["p_value"])
        assert (row["severity"], row["decision"]) == (line["severity"], line["decision"])
        for name, detector in line["detectors"].items():
            text = row[f"{name}_p_value"]
            assert (float(text) if text else None) == detector["p_value"]


def test_numbers_are_the_shortest_that_read_back_the_same(program):
    program.write("in.csv", to_csv(Traffic(3).records(300)))
    score(program, "in.csv", "--out", "out.jsonl")
    for text in NUMBER.findall((program.folder / "out.jsonl").read_text()):
        if not text.startswith('"'):
            assert len(digits(text)) <= len(digits(repr(float(text)))), text


def test_json_lines_and_csv_of_the_same_rows_score_alike(program):
    records = Traffic(4).records(500)
    program.write("in.csv", to_csv(records))
    program.write("in.jsonl", to_jsonl(records))
    score(program, "in.csv", "--out", "a.jsonl")
    score(program, "in.jsonl", "--out", "b.jsonl")
    assert (program.folder / "a.jsonl").read_bytes() == (program.folder / "b.jsonl").read_bytes()


def test_out_dash_writes_only_lines_to_standard_output(program):
    program.write("in.csv", to_csv(Traffic(5).records(50)))
    result = score(program, "in.csv", "--out", "-")
    assert len([json.loads(line) for line in result.text.splitlines()]) == 50
    assert "50 transactions" in result.err


def test_json_prints_the_counts(program):
    program.write("in.csv", to_csv(Traffic(5).records(50)))
    counts = json.loads(score(program, "in.csv", "--json").text)
    assert counts["transactions"] == 50 and counts["rejected"] == 0


# Input

@pytest.mark.parametrize("name", ["in.csv", "in.jsonl"])
def test_standard_input_is_a_file_too(program, name):
    records = Traffic(6).records(300)
    content = to_csv(records) if name.endswith("csv") else to_jsonl(records)
    program.write(name, content)
    score(program, name, "--out", "a.jsonl")
    score(program, "-", "--out", "b.jsonl", stdin=content.encode())
    assert (program.folder / "a.jsonl").read_bytes() == (program.folder / "b.jsonl").read_bytes()


@pytest.mark.parametrize("kind", ["gz", "xz", "zst"])
def test_compressed_files_are_known_by_their_content(program, kind):
    content = to_csv(Traffic(7).records(300)).encode()
    program.write("in.csv", content)
    score(program, "in.csv", "--out", "a.jsonl")
    if kind == "zst":
        if shutil.which("zstd") is None:
            pytest.skip("no zstd command to make the file with")
        packed = subprocess.run(["zstd", "-qc"], input=content, stdout=subprocess.PIPE,
                                check=True).stdout
    else:
        packed = {"gz": gzip.compress, "xz": lzma.compress}[kind](content)
    program.write("packed.dat", packed)
    score(program, "packed.dat", "--out", "b.jsonl")
    score(program, "-", "--out", "c.jsonl", stdin=packed)
    wanted = (program.folder / "a.jsonl").read_bytes()
    assert (program.folder / "b.jsonl").read_bytes() == wanted
    assert (program.folder / "c.jsonl").read_bytes() == wanted


@pytest.mark.parametrize("kind", ["gz", "xz"])
@pytest.mark.parametrize("order", ["recorded", "event-time"])
def test_a_truncated_file_gives_the_rows_before_the_damage_and_fails(program, kind, order):
    content = to_csv(Traffic(8).records(5000)).encode()
    packed = {"gz": gzip.compress, "xz": lzma.compress}[kind](content)
    program.write("in.csv", content)
    program.write("cut." + kind, packed[:len(packed) // 2])
    score(program, "in.csv", "--out", "whole.jsonl")
    result = score(program, "cut." + kind, "--out", "part.jsonl", "--order", order, code=1)
    assert "cut." + kind in result.err and "cut off" in result.err
    whole = (program.folder / "whole.jsonl").read_bytes()
    part = (program.folder / "part.jsonl").read_bytes()
    assert 0 < len(part) < len(whole) and part.endswith(b"\n")
    # a cut row at the very end may have lost its label or a digit: everything before it is equal
    before = part[:part.rstrip(b"\n").rfind(b"\n") + 1]
    assert whole.startswith(before)


def test_damage_inside_a_compressed_file_fails_with_the_file_named(program):
    packed = bytearray(lzma.compress(to_csv(Traffic(8).records(3000)).encode()))
    packed[len(packed) // 2] ^= 0x55
    program.write("bad.xz", bytes(packed))
    result = score(program, "bad.xz", "--out", "out.jsonl", code=1)
    assert "bad.xz" in result.err


def test_an_unknown_compression_is_not_taken_for_rows(program):
    program.write("in.bz2", bz2.compress(to_csv(Traffic(8).records(100)).encode()))
    result = score(program, "in.bz2", code=1)
    assert "in.bz2" in result.err


def test_empty_and_header_only_files_have_no_transactions(program):
    program.write("empty.csv", "")
    program.write("header.csv", to_csv([]))
    for name in ("empty.csv", "header.csv"):
        score(program, name, "--out", "out.jsonl")
        assert (program.folder / "out.jsonl").read_bytes() == b""
        score(program, name, "--out", "out.csv")
        assert (program.folder / "out.csv").read_text().count("\n") == 1


def test_crlf_bom_quotes_and_a_missing_last_newline_are_read(program):
    text = to_csv(Traffic(9).records(20)).rstrip("\n")
    odd = "\ufeff" + "\r\n".join(
        ",".join(f'"{cell}"' for cell in line.split(",")) for line in text.split("\n"))
    program.write("plain.csv", text)
    program.write("odd.csv", odd)
    score(program, "plain.csv", "--out", "a.jsonl")
    score(program, "odd.csv", "--out", "b.jsonl")
    assert (program.folder / "a.jsonl").read_bytes() == (program.folder / "b.jsonl").read_bytes()


def test_a_missing_file_and_a_folder_are_named(program):
    assert "nope.csv: No such file" in score(program, "nope.csv", code=1).err
    assert str(program.folder) in score(program, program.folder, code=1).err


# Bad rows

GOOD = {"transaction_id": "a", "timestamp": "2024-03-01T00:00:00Z", "amount": "1.00",
        "currency": "EUR", "user_id": "u"}


@pytest.mark.parametrize("row, reason", [
    ({"amount": "abc"}, "bad_amount"),
    ({"amount": "-1"}, "amount_negative"),
    ({"amount": "1.001"}, "amount_decimals"),
    ({"amount": "99999999999999999999"}, "amount_range"),
    ({"amount": "NaN"}, "bad_amount"),
    ({"amount": "1e400"}, "amount_range"),
    ({"amount": ""}, "missing_field"),
    ({"currency": "EURO"}, "unknown_currency"),
    ({"currency": "XXY"}, "unknown_currency"),
    ({"currency": "eur"}, "unknown_currency"),
    ({"timestamp": "yesterday"}, "bad_timestamp"),
    ({"timestamp": "2024-02-30T00:00:00Z"}, "bad_timestamp"),
    ({"user_id": ""}, "missing_field"),
    ({"user_id": "x" * 129}, "id_size"),
])
def test_a_bad_value_is_a_counted_reject_with_line_and_reason(program, row, reason):
    cells = [{**GOOD, "transaction_id": "first"}, {**GOOD, **row}, {**GOOD, "transaction_id": "last"}]
    text = ",".join(GOOD) + "\n" + "".join(",".join(c.values()) + "\n" for c in cells)
    program.write("in.csv", text)
    result = score(program, "in.csv", "--out", "o.jsonl", "--rejects", "r.jsonl", "--json")
    assert json.loads(result.text)["rejected"] == 1
    (reject,) = lines(program.folder / "r.jsonl")
    assert (reject["line"], reject["reason"]) == (3, reason), reject
    assert [s["transaction_id"] for s in lines(program.folder / "o.jsonl")] == ["first", "last"]


def test_rows_with_too_few_or_too_many_fields_are_rejected_with_their_line(program):
    good = ",".join(GOOD.values())
    program.write("in.csv", ",".join(GOOD) + f"\n{good}\nb,2024-03-01T00:00:00Z,1.00\n{good},x\n")
    score(program, "in.csv", "--rejects", "r.jsonl")
    found = [(r["line"], r["reason"], r["bytes"]) for r in lines(program.folder / "r.jsonl")]
    assert [f[:2] for f in found] == [(3, "row_fields"), (4, "row_fields")]
    assert found[0][2].startswith("b,2024")


def test_invalid_utf8_is_rejected_and_the_reject_file_is_still_json(program):
    row = ",".join(GOOD.values()).encode()
    program.write("in.csv", ",".join(GOOD).encode() + b"\n" + row.replace(b"u", b"\xff\xfe") +
                  b"\n" + row + b"\n")
    score(program, "in.csv", "--rejects", "r.jsonl", "--out", "o.jsonl")
    (reject,) = lines(program.folder / "r.jsonl")
    assert (reject["line"], reject["reason"]) == (2, "bad_utf8")
    assert len(lines(program.folder / "o.jsonl")) == 1


def test_malformed_json_lines_are_rejected_one_by_one(program):
    good = json.dumps(GOOD)
    bad = ['{"transaction_id":', "[]", '"text"', good[:-1], good + "x", "{}",
           '{"a":' * 10000 + "1" + "}" * 10000]
    program.write("in.jsonl", "\n".join([good, *bad]))
    result = score(program, "in.jsonl", "--rejects", "r.jsonl", "--json")
    counts = json.loads(result.text)
    assert (counts["transactions"], counts["rejected"]) == (1, len(bad))
    reasons = [r["reason"] for r in lines(program.folder / "r.jsonl")]
    assert reasons[0] == "json_syntax" and reasons[-1] == "too_deep"


def test_max_rejects_stops_with_the_last_reason(program):
    bad = ",".join({**GOOD, "amount": "x"}.values())
    program.write("in.csv", ",".join(GOOD) + "\n" + f"{bad}\n" * 5)
    score(program, "in.csv", "--max-rejects", 5)
    result = score(program, "in.csv", "--max-rejects", 4, code=1)
    assert "4 rejected" in result.err and "line 6" in result.err and "bad_amount" in result.err
    score(program, "in.csv", "--max-rejects", 0, code=1)


def test_duplicates_score_once_and_conflicts_not_at_all(program):
    records = Traffic(10).records(300)
    other = {**records[5], "amount": "1.23"}
    program.write("in.jsonl", to_jsonl(records[:200] + records[:100] + [other] + records[200:]))
    program.write("clean.jsonl", to_jsonl(records))
    counts = json.loads(score(program, "in.jsonl", "--out", "a.jsonl", "--json").text)
    assert (counts["transactions"], counts["duplicates"], counts["conflicts"]) == (300, 100, 1)
    ids = [line["transaction_id"] for line in lines(program.folder / "a.jsonl")]
    assert ids == [record["transaction_id"] for record in records]


# Card numbers

CARD = "4111111111111111"


def test_card_numbers_are_nowhere_in_what_is_written(program):
    records = Traffic(11).records(30)
    for i, record in enumerate(records):
        record["user_id"] = CARD
        record["device_id"] = "4111 1111 1111 1111"
        if i % 3 == 0:
            record["amount"] = CARD + "x"
        if i % 3 == 1:
            record["transaction_id"] = f"{CARD}-{i}"
    program.write("in.jsonl", to_jsonl(records))
    result = score(program, "in.jsonl", "--out", "o.jsonl", "--rejects", "r.jsonl", "-v")
    assert len(lines(program.folder / "r.jsonl")) == 10
    written = (program.folder / "o.jsonl").read_text() + (program.folder / "r.jsonl").read_text()
    written += result.text + result.err
    assert CARD not in written and "4111 1111 1111 1111" not in written


def test_pan_policy_reject_refuses_card_numbers(program):
    program.write("in.jsonl", json.dumps({**GOOD, "user_id": CARD}))
    score(program, "in.jsonl", "--rejects", "r.jsonl", "--set", "ingest.pan_policy=reject")
    (reject,) = lines(program.folder / "r.jsonl")
    assert reject["reason"] == "pan_rejected" and CARD not in json.dumps(reject)


# Mapping

MAP = """format: csv
fields:
  transaction_id: {column: id}
  timestamp: {column: when, format: "%d.%m.%Y %H:%M:%S", zone: "+01:00"}
  amount: {column: sum}
  currency: {value: EUR}
  user_id: {column: who}
label: {column: bad, fraud: "yes"}
"""


def test_a_mapping_reads_foreign_columns(program):
    program.write("map.yaml", MAP)
    program.write("in.csv", "id,when,sum,who,bad\n1,01.03.2024 01:00:00,5.00,u,no\n2,01.03.2024 02:00:00,5.50,u,yes\n")
    score(program, "in.csv", "--map", "map.yaml", "--out", "o.jsonl")
    assert [line["transaction_id"] for line in lines(program.folder / "o.jsonl")] == ["1", "2"]


@pytest.mark.parametrize("change, words", [
    (("user_id: {column: who}", "userid: {column: who}"), ("map.yaml:7:", "user_id")),
    (("{column: id}", "{colum: id}"), ("map.yaml:3:", "column")),
    (("format: csv", "format: cvs"), ("map.yaml:1:", "csv")),
    (("  user_id: {column: who}\n", ""), ("map.yaml", "user_id")),
    (('zone: "+01:00"', "zone: Mars"), ("map.yaml:4:", "zone")),
    (("label:", "labels:"), ("map.yaml:8:", "label")),
    (("label:", "label: ["), ("map.yaml:",)),
])
def test_mapping_errors_name_the_place_and_the_nearest_name(program, change, words):
    program.write("map.yaml", MAP.replace(*change))
    program.write("in.csv", "id,when,sum,who,bad\n")
    result = score(program, "in.csv", "--map", "map.yaml", code=1)
    for word in words:
        assert word in result.err, result.err


def test_a_column_that_is_not_there_is_named_with_the_nearest(program):
    program.write("map.yaml", MAP)
    program.write("in.csv", "id,when,summ,who,bad\n1,01.03.2024 01:00:00,5.00,u,no\n")
    result = score(program, "in.csv", "--map", "map.yaml", code=1)
    assert "in.csv" in result.err and '"sum"' in result.err and '"summ"' in result.err


def test_a_csv_without_required_columns_names_them(program):
    program.write("in.csv", "transaction_id,timestamp,amount,currency\na,b,c,d\n")
    assert "user_id" in score(program, "in.csv", code=1).err


# Order, causality, determinism

def test_event_time_order_gives_what_a_sorted_file_gives(program):
    records = Traffic(12).records(600)
    shuffled = records[:]
    Traffic(13).rng.shuffle(shuffled)
    program.write("sorted.csv", to_csv(records))
    program.write("shuffled.csv", to_csv(shuffled))
    score(program, "sorted.csv", "--out", "a.jsonl")
    score(program, "shuffled.csv", "--order", "event-time", "--out", "b.jsonl")
    assert (program.folder / "a.jsonl").read_bytes() == (program.folder / "b.jsonl").read_bytes()


FRAUD_FEATURES = """allowed_lateness: 1h
entities: {merchant: {key: merchant_id}}
features:
  - {name: share, entity: merchant, aggregate: fraud_share, window: 3d, delay: 0s, default: 0.0}
"""
FRAUD_RULES = """rules:
  - {id: bad-merchant, description: "frauds here", when: "share > 0.0", severity: high, decision: review, score: 0.9}
"""
FRAUD_DETECTORS = "detectors:\n  rules: {weight: 1.0}\n"
FRAUD_MAP = """format: csv
fields:
""" + "".join(f"  {n}: {{column: {n}}}\n" for n in (
    "transaction_id", "timestamp", "amount", "currency", "user_id", "merchant_id")) + \
    'label: {column: is_fraud, fraud: "1"}\n'


@pytest.fixture
def fraud_parts(program):
    program.write("f.yaml", FRAUD_FEATURES)
    program.write("r.yaml", FRAUD_RULES)
    program.write("d.yaml", FRAUD_DETECTORS)
    program.write("m.yaml", FRAUD_MAP)
    return ["--map", "m.yaml", "--features", "f.yaml", "--rules", "r.yaml", "--detectors", "d.yaml"]


def test_labels_act_only_after_their_delay(program, fraud_parts):
    traffic = Traffic(14, users=5, merchants=1, fraud=0)
    rows = [(record, False) for record in traffic.records(400)]
    rows[100] = (rows[100][0], True)
    program.write("in.csv", to_csv(rows))
    score(program, "in.csv", *fraud_parts, "--label-delay", "2h", "--out", "o.jsonl")
    fired = [line["detectors"]["rules"]["fired"] for line in lines(program.folder / "o.jsonl")]

    def when(i):
        return datetime.fromisoformat(rows[i][0]["timestamp"].replace("Z", "+00:00"))

    known = when(100) + timedelta(hours=2)
    assert fired == [when(i) >= known for i in range(400)]
    assert any(fired)


def test_deleting_all_labels_changes_no_score_before_they_are_known(program, fraud_parts):
    rows = [(r, f) for r, f in Traffic(15, merchants=3, fraud=0.05).labelled(500)]
    program.write("labels.csv", to_csv(rows))
    program.write("none.csv", to_csv([(r, False) for r, _ in rows]))
    for name in ("labels", "none"):
        score(program, name + ".csv", *fraud_parts, "--label-delay", "30d", "--out", name + ".jsonl")
    first = (program.folder / "labels.jsonl").read_bytes()
    assert first == (program.folder / "none.jsonl").read_bytes()
    score(program, "labels.csv", *fraud_parts, "--label-delay", "0s", "--out", "now.jsonl")
    assert first != (program.folder / "now.jsonl").read_bytes()


def test_default_scores_do_not_look_at_labels_of_the_future(program):
    rows = Traffic(16, fraud=0.03).labelled(1500)
    flipped = [(r, not f) for r, f in rows]
    program.write("a.csv", to_csv(rows))
    program.write("b.csv", to_csv(flipped))
    program.write("m.yaml", FRAUD_MAP)
    for name in "ab":
        score(program, name + ".csv", "--map", "m.yaml", "--label-delay", "365d",
              "--out", name + ".jsonl")
    assert (program.folder / "a.jsonl").read_bytes() == (program.folder / "b.jsonl").read_bytes()


def test_rows_to_come_change_nothing_that_was_scored(program):
    records = Traffic(17).records(1500)
    program.write("all.csv", to_csv(records))
    program.write("half.csv", to_csv(records[:900]))
    score(program, "all.csv", "--out", "all.jsonl")
    score(program, "half.csv", "--out", "half.jsonl")
    whole = (program.folder / "all.jsonl").read_bytes()
    assert whole.startswith((program.folder / "half.jsonl").read_bytes())


def test_two_runs_and_every_code_path_give_the_same_bytes(program):
    program.write("in.csv", to_csv(Traffic(18, gap_s=60).records(6000)))
    outs = []
    for sets in ([], [], ["cpu=scalar"], ["cpu=avx2"], ["cpu=avx512"],
                 ["pipeline.events_max=64"]):
        args = [arg for item in sets for arg in ("--set", item)]
        result = program.run("score", "in.csv", "--out", "o.jsonl", *args)
        if result.code == 1 and "cpu" in result.err and "avx" in str(sets):
            continue  # this machine has no such path, and it says so
        assert result.code == 0, result.err
        outs.append((program.folder / "o.jsonl").read_bytes())
    assert len(outs) >= 4 and all(out == outs[0] for out in outs)


def test_another_seed_is_another_forest(program):
    program.write("in.csv", to_csv(Traffic(18).records(1500)))
    score(program, "in.csv", "--out", "a.jsonl")
    score(program, "in.csv", "--out", "b.jsonl", "--set", "seed=2")
    assert (program.folder / "a.jsonl").read_bytes() != (program.folder / "b.jsonl").read_bytes()


# Failing outputs

@pytest.mark.parametrize("args", [("--out", "/dev/full"), ("--rejects", "/dev/full"),
                                  ("--out", "missing/o.jsonl")])
def test_an_output_that_cannot_be_written_fails(program, args):
    program.write("in.jsonl", to_jsonl(Traffic(19).records(3)) + "bad\n")
    result = score(program, "in.jsonl", *args, code=1)
    assert "No space left" in result.err or "missing/o.jsonl: No such file" in result.err


def test_a_full_standard_output_fails(program):
    program.write("in.csv", to_csv(Traffic(19).records(3)))
    with open("/dev/full", "wb") as full:
        for args in (("--out", "-"), ("--json",)):
            result = program.run("score", "in.csv", *args, stdout=full)
            assert result.code == 1 and "No space left" in result.err, args
