"""`telltale features compute`: vectors of a file, and the handbook pack against pandas.

The published features are computed a second time here, from their definition and with nothing of
the engine's: time-based rolling windows of pandas. A seeded sample always; all rows of the
published file when TELLTALE_FULL=1 and the file is there ($TELLTALE_HANDBOOK, else
../shared/data/handbook/handbook.csv.xz beside the checkout).
"""

import csv
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest

from kit.program import ROOT
from kit.traffic import Traffic

pandas = pytest.importorskip("pandas", reason="pandas is not installed: no second computation")

PACK = ROOT / "config" / "features" / "handbook.yaml"
SPANS = {"1d": 1, "7d": 7, "30d": 30}
DELAY_DAYS = 7
COLUMNS = ["transaction_id", "tx_datetime", "customer_id", "terminal_id", "amount", "is_fraud",
           "fraud_scenario"]


def compute(program, name, *args, features=PACK, out="v.csv", timeout=120):
    program.run("features", "compute", name, "--features", features, "--out", out, *args, code=0,
                timeout=timeout)
    return program.folder / out


def rows_of(path):
    return list(csv.DictReader(io.StringIO(path.read_text())))


# The handbook pack, computed again

def sample(count, seed):
    """Payments of few customers at few terminals, with ties in time and frauds."""
    random = np.random.default_rng(seed)
    seconds = np.sort(random.integers(0, 100 * 86400, count))
    ties = random.random(count) < 0.05
    seconds[1:] = np.where(ties[1:], seconds[:-1], seconds[1:])
    return pandas.DataFrame({
        "transaction_id": np.arange(count),
        "tx_datetime": pandas.Timestamp("2018-04-01") + pandas.to_timedelta(np.sort(seconds), "s"),
        "customer_id": random.integers(0, 40, count),
        "terminal_id": random.integers(0, 60, count),
        "amount": np.round(random.exponential(60, count), 2),
        "is_fraud": (random.random(count) < 0.03).astype(int),
        "fraud_scenario": 0,
    })


def user_features(frame):
    """pandas' own rolling windows: count and mean, with the payment itself."""
    result = {}
    indexed = frame.set_index("tx_datetime")
    groups = indexed.groupby("customer_id", sort=False)["amount"]
    for name, days in SPANS.items():
        window = groups.rolling(f"{days}D")
        order = np.argsort(frame["customer_id"].map(
            {key: i for i, key in enumerate(frame["customer_id"].unique())}).to_numpy(),
            kind="stable")
        for feature, values in (("user_tx_count", window.count()), ("user_amount_mean", window.mean())):
            placed = np.empty(len(frame))
            placed[order] = values.to_numpy()
            result[f"{feature}_{name}"] = placed
    return result


def merchant_features(frame):
    """Counts and frauds over (t - 7d - w, t - 7d]; a fraud is known a week after its payment, so
    all of that window's are. Windows end before t: sorted times and running sums say both."""
    seconds = frame["tx_datetime"].to_numpy().astype("datetime64[s]").astype(np.int64)
    result = {f"{kind}_{name}": np.zeros(len(frame)) for kind in
              ("merchant_tx_count", "merchant_fraud_share") for name in SPANS}
    for _, places in frame.groupby("terminal_id", sort=False).indices.items():
        times = seconds[places]
        frauds = np.concatenate([[0], np.cumsum(frame["is_fraud"].to_numpy()[places])])
        ends = np.searchsorted(times, times - DELAY_DAYS * 86400, side="right")
        for name, days in SPANS.items():
            begins = np.searchsorted(times, times - (DELAY_DAYS + days) * 86400, side="right")
            counts = ends - begins
            known = frauds[ends] - frauds[begins]
            result[f"merchant_tx_count_{name}"][places] = counts
            result[f"merchant_fraud_share_{name}"][places] = known / np.maximum(counts, 1)
    return result


def expected(frame):
    times = frame["tx_datetime"].dt
    return {
        "amount": frame["amount"].to_numpy(),
        "is_weekend": (times.day_of_week >= 5).to_numpy().astype(float),
        "is_night": (times.hour <= 6).to_numpy().astype(float),
        **user_features(frame),
        **merchant_features(frame),
    }


def check_against(frame, path):
    got = pandas.read_csv(path, dtype={"transaction_id": str})
    assert list(got["transaction_id"]) == list(frame["transaction_id"].astype(str))
    want = expected(frame)
    assert set(got.columns) == {"transaction_id", "timestamp", *want}
    for name, values in want.items():
        computed = got[name].to_numpy(dtype=float)
        assert not np.isnan(computed).any(), name
        if "mean" in name:
            np.testing.assert_allclose(computed, values, rtol=1e-9, err_msg=name)
        else:
            np.testing.assert_array_equal(computed, values, err_msg=name)


def test_the_handbook_pack_is_what_pandas_computes(program):
    frame = sample(20000, 11)
    frame.to_csv(program.folder / "h.csv", index=False)
    check_against(frame, compute(program, "h.csv", "--map", "handbook"))


def test_the_handbook_pack_over_the_whole_published_file_is_what_pandas_computes(program):
    if os.environ.get("TELLTALE_FULL") != "1":
        pytest.skip("1,754,155 rows against pandas only with TELLTALE_FULL=1 (script/test --full)")
    path = Path(os.environ.get("TELLTALE_HANDBOOK") or
                ROOT.parent / "shared" / "data" / "handbook" / "handbook.csv.xz")
    if not path.is_file():
        pytest.skip(f"the published file is not here: {path} (set TELLTALE_HANDBOOK)")
    frame = pandas.read_csv(path, parse_dates=["tx_datetime"])
    assert len(frame) == 1_754_155
    check_against(frame, compute(program, path, "--map", "handbook", timeout=280))


# What a vector may know

OWN = """
entities: {user: {key: user_id}, merchant: {key: merchant_id}}
features:
  - {name: n, entity: user, aggregate: count, window: 1h}
  - {name: before, entity: user, aggregate: mean, field: amount, window: 1h, exclude_current: true}
  - {name: share, entity: merchant, aggregate: fraud_share, window: 30d}
"""


def own(program, rows, *args):
    program.write("f.yaml", OWN)
    lines = ["transaction_id,tx_datetime,customer_id,terminal_id,amount,is_fraud,fraud_scenario"]
    program.write("in.csv", "\n".join(lines + rows) + "\n")
    return rows_of(compute(program, "in.csv", "--map", "handbook", *args, features="f.yaml"))


def test_columns_stand_in_file_order_and_a_missing_value_is_empty(program):
    rows = own(program, ["1,2018-04-01 10:00:00,1,1,10.00,0,0", "2,2018-04-01 10:30:00,1,1,20.10,0,0"])
    assert list(rows[0]) == ["transaction_id", "timestamp", "n", "before", "share"]
    assert list(rows[0].values()) == ["1", "2018-04-01T10:00:00.000Z", "1", "", "0"]
    assert list(rows[1].values()) == ["2", "2018-04-01T10:30:00.000Z", "2", "10", "0"]


def test_a_label_counts_from_the_instant_it_is_known_and_not_before(program):
    rows = own(program, ["1,2018-04-01 10:00:00,1,1,10,1,1",
                         "2,2018-04-08 09:59:59,2,1,10,0,0",
                         "3,2018-04-08 10:00:00,3,1,10,0,0"])
    assert [row["share"] for row in rows] == ["0", "0", "0.3333333333333333"]
    rows = own(program, ["1,2018-04-01 10:00:00,1,1,10,1,1", "2,2018-04-01 11:00:00,2,1,10,0,0"],
               "--label-delay", "1h")
    assert [row["share"] for row in rows] == ["0", "0.5"]


def test_a_transaction_twice_has_one_row_and_counts_once(program):
    row = "1,2018-04-01 10:00:00,1,1,10,0,0"
    rows = own(program, [row, row, "2,2018-04-01 10:01:00,1,1,10,0,0"])
    assert [(r["transaction_id"], r["n"]) for r in rows] == [("1", "1"), ("2", "2")]


def test_rows_are_computed_in_the_order_that_is_asked_for(program):
    late = ["1,2018-04-01 14:00:00,1,1,10,0,0", "2,2018-04-01 10:30:00,1,1,10,0,0",
            "3,2018-04-01 10:00:00,1,1,10,0,0"]
    program.write("f.yaml", OWN)
    assert [r["transaction_id"] for r in own(program, late)] == ["1", "2", "3"]
    rows = own(program, late, "--order", "event-time")
    assert [(r["transaction_id"], r["n"]) for r in rows] == [("3", "1"), ("2", "2"), ("1", "1")]


def test_a_feature_set_of_ones_own_needs_no_rules_and_no_detectors(program):
    program.write("broken.yaml", "rules: [")
    program.write("f.yaml", OWN)
    sample(50, 1).to_csv(program.folder / "h.csv", index=False)
    path = compute(program, "h.csv", "--map", "handbook", "--set", "rules.file=broken.yaml",
                   features="f.yaml")
    assert len(rows_of(path)) == 50


def test_vectors_of_an_export_are_those_that_were_served(program, make_server):
    server = make_server()
    client = server.client()
    records = Traffic(93, gap_s=300).records(600)
    client.post_lines(records)
    client.post({"transaction_id": records[5]["transaction_id"], "label": "fraud"}, path="/labels")
    client.post_lines(Traffic(94, prefix="late").records(40))
    server.stop()
    path = server.export()
    server.program.run("features", "compute", path, "--out", "v.csv", code=0)
    served = [json.loads(line) for line in path.read_text().splitlines() if '"vector"' in line]
    computed = rows_of(server.program.folder / "v.csv")
    assert len(computed) == len(served) == 640
    for row, line in zip(computed, served):
        assert row["transaction_id"] == line["transaction"]["transaction_id"]
        values = [None if value == "" else float(value) for value in list(row.values())[2:]]
        assert values == line["vector"]


# The packs

@pytest.mark.parametrize("pack", sorted((ROOT / "config").rglob("features/*.yaml")) +
                         [ROOT / "config" / "features.yaml"], ids=lambda path: path.stem)
def test_a_pack_is_a_sound_feature_set(program, pack):
    assert "ok:" in program.run("features", "check", pack, code=0).text
    assert "step 0: user" in program.run("features", "explain", pack, code=0).text


def transfer(number, sender, receiver, minute, amount="250.00"):
    return json.dumps({"transaction_id": f"t-{number}", "type": "transfer", "currency": "EUR",
                       "timestamp": f"2026-03-01T12:{minute:02d}:00Z", "amount": amount,
                       "user_id": sender, "counterparty_id": receiver})


def test_the_transfers_pack_sees_fan_in_and_fan_out(program):
    fan_in = [transfer(i, f"u-{i}", "mule", i) for i in range(12)]
    fan_out = [transfer(20 + i, "mule", f"r-{i}", 20 + i, f"{100 + i}.00") for i in range(5)]
    program.write("in.jsonl", "\n".join(fan_in + fan_out) + "\n")
    rows = rows_of(compute(program, "in.jsonl",
                           features=ROOT / "config" / "features" / "transfers.yaml"))
    last_in, last_out = rows[11], rows[-1]
    assert (last_in["receiver_senders_1h"], last_in["receiver_transfers_24h"]) == ("12", "12")
    assert (last_in["receiver_sum_24h"], last_in["receiver_amount_spread"]) == ("3000", "0")
    assert (last_in["user_receivers_24h"], last_in["user_receiver_share_90d"]) == ("1", "0")
    assert (last_out["user_receivers_1h"], last_out["user_transfers_1h"]) == ("5", "5")
    assert last_out["receiver_senders_24h"] == "1"
    assert float(last_out["user_amount_record"]) == 104 / 103


# Bad input

def test_a_refused_row_is_counted_kept_and_has_no_vector(program):
    program.write("f.yaml", OWN)
    program.write("in.csv", ",".join(COLUMNS) + "\n1,2018-04-01 10:00:00,1,1,10,0,0\n"
                  "2,yesterday,1,1,10,0,0\n3,2018-04-01 10:00:01,1,1,10,0,0\n")
    done = program.run("features", "compute", "in.csv", "--map", "handbook", "--features", "f.yaml",
                       "--out", "v.csv", "--rejects", "r.jsonl", "--json", code=0)
    told = json.loads(done.text)
    assert (told["transactions"], told["rejected"], told["features"]) == (2, 1, 3)
    assert json.loads((program.folder / "r.jsonl").read_text())["line"] == 3
    done = program.run("features", "compute", "in.csv", "--map", "handbook", "--features", "f.yaml",
                       "--out", "v.csv", "--max-rejects", "0", code=1)
    assert "line 3" in done.err


@pytest.mark.parametrize("arguments, code, said", [
    (["in.csv"], 2, "--out"),
    (["nosuch.csv", "--out", "v.csv"], 1, "nosuch.csv"),
    (["in.csv", "--out", "no/such/folder.csv"], 1, "no/such/folder.csv"),
    (["in.csv", "--out", "/dev/full"], 1, "No space left"),
    (["in.csv", "--out", "v.csv", "--order", "random"], 2, "random"),
    (["in.csv", "--out", "v.csv", "--features", "bad.yaml"], 1, "bad.yaml:3:"),
])
def test_what_cannot_be_done_is_said(program, arguments, code, said):
    program.write("bad.yaml", "entities: {user: {key: user_id}}\nfeatures:\n"
                  "  - {name: n, entity: user, aggregate: cuont, window: 1h}\n")
    sample(5, 2).to_csv(program.folder / "in.csv", index=False)
    done = program.run("features", "compute", *arguments, "--map", "handbook", code=code)
    assert said in done.err


def test_an_entity_beyond_its_rows_goes_on_counting_in_panes(program):
    program.write("f.yaml", "entities: {user: {key: user_id, events_max: 4}}\nfeatures:\n"
                  "  - {name: n, entity: user, aggregate: count, window: 30d}\n")
    frame = sample(400, 3)
    frame["customer_id"] = 1
    frame.to_csv(program.folder / "in.csv", index=False)
    program.run("features", "compute", "in.csv", "--map", "handbook", "--features", "f.yaml",
                "--out", "v.csv", code=0)
    times = frame["tx_datetime"]
    newest = times.iloc[-1]
    least = (times > newest - pandas.Timedelta("30D") + pandas.Timedelta("30D") / 60).sum()
    most = (times > newest - pandas.Timedelta("30D")).sum()
    assert most > 100  # so that four rows would not do
    assert least <= int(rows_of(program.folder / "v.csv")[-1]["n"]) <= most
