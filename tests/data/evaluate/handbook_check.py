#!/usr/bin/env python3
"""Holds the C metrics against NumPy, pandas and scikit-learn on the Fraud Detection Handbook's data.

Usage: handbook_check.py HANDBOOK.csv[.xz] BUILD/tests/unit/core/evaluate/evaluate_rows

Scores every transaction by methods that need no training (z-score of the amount per customer, the
hand rule, the label itself), computes the published protocol here, step by step as the book does it,
and compares with what the C accumulator says about the same scores. Needs numpy, pandas, scikit-learn.
"""
import subprocess
import sys

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score

FOLDS = ["2018-08-15", "2018-08-08", "2018-08-01", "2018-07-25"]
TRAIN = DELAY = TEST = 7


def load(path):
    data = pd.read_csv(path, parse_dates=["tx_datetime"])
    data["day"] = data.tx_datetime.values.astype("datetime64[D]").astype(np.int64)
    data["ms"] = data.tx_datetime.values.astype("datetime64[ms]").astype(np.int64)
    data["minor"] = np.rint(data.amount.values * 100).astype(np.int64)
    return data


def causal_z(data):
    """(amount - mean) / deviation over the customer's earlier transactions; 0 until there are 3."""
    group = data.groupby("customer_id").amount
    count = group.cumcount().values.astype(float)
    before = group.cumsum().values - data.amount.values
    squares = (data.amount**2).groupby(data.customer_id).cumsum().values - data.amount.values**2
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = before / count
        variance = np.maximum(squares - count * mean**2, 0) / (count - 1)
        z = (data.amount.values - mean) / np.sqrt(variance)
    return np.where((count >= 3) & np.isfinite(z), z, 0.0)


def terminal_share(data, window):
    """Fraud share of the terminal over days (t-7d-w, t-7d]; 0 where it had no transaction."""
    share = np.zeros(len(data))
    second = data.ms.values // 1000
    late = 7 * 86400
    for rows in data.groupby("terminal_id").indices.values():
        times, fraud = second[rows], np.concatenate([[0], np.cumsum(data.is_fraud.values[rows])])
        high = np.searchsorted(times, times - late, side="right")
        low = np.searchsorted(times, times - late - window * 86400, side="right")
        count = high - low
        share[rows] = np.where(count > 0, (fraud[high] - fraud[low]) / np.maximum(count, 1), 0.0)
    return share


def card_precision(test, top_k=100):
    found, values = set(), []
    for _, day in test.groupby("day"):
        day = day[~day.customer_id.isin(found)]
        cards = day.groupby("customer_id").agg(score=("score", "max"), fraud=("is_fraud", "max"))
        top = cards.sort_values("score", ascending=False, kind="stable").head(top_k)
        hits = top[top.fraud == 1].index
        found.update(hits)
        values.append(len(hits) / top_k)
    return float(np.mean(values))


def fold(data, start_text):
    start = int(np.datetime64(start_text, "D").astype(np.int64))
    train = data[(data.day >= start) & (data.day < start + TRAIN)]
    known = set(train[train.is_fraud == 1].customer_id)
    days = []
    for i in range(TEST):
        delayed = data[data.day == start + TRAIN + i - 1]
        known |= set(delayed[delayed.is_fraud == 1].customer_id)
        day = data[data.day == start + TRAIN + DELAY + i]
        days.append(day[~day.customer_id.isin(known)])
    test = pd.concat(days)
    return {
        "rows": len(test), "frauds": int(test.is_fraud.sum()),
        "auc": roc_auc_score(test.is_fraud, test.score),
        "ap": average_precision_score(test.is_fraud, test.score),
        "cp": card_precision(test),
    }


def from_c(data, program):
    lines = "\n".join(f"{s!r} {m} {a} {u} {f}" for s, m, a, u, f in zip(
        data.score.tolist(), data.ms.tolist(), data.minor.tolist(), data.customer_id.tolist(),
        data.is_fraud.tolist()))
    out = subprocess.run([program, ",".join(FOLDS)], input=lines, capture_output=True, text=True,
                         check=True).stdout
    return {name: float(value) for name, value in (line.split() for line in out.splitlines())}


def main():
    data = load(sys.argv[1])
    z = causal_z(data)
    rng = np.random.default_rng(5)
    methods = {
        "z-score of the amount": z,
        "hand rule": (data.amount.values > 220) + z / 10 + terminal_share(data, 7),
        "perfect": data.is_fraud.values + rng.random(len(data)) * 0.5,
    }
    worst = 0.0
    for name, score in methods.items():
        data["score"] = np.asarray(score, dtype=float)
        mine = from_c(data, sys.argv[2])
        theirs = [fold(data, start) for start in FOLDS]
        for i, values in enumerate(theirs):
            for key, value in values.items():
                gap = abs(mine[f"fold{i}.{key}"] - value)
                worst = max(worst, gap)
                if gap > 1e-9:
                    print(f"DIFFERENT {name} {FOLDS[i]} {key}: C {mine[f'fold{i}.{key}']} {value}")
        whole = (roc_auc_score(data.is_fraud, data.score),
                 average_precision_score(data.is_fraud, data.score))
        worst = max(worst, abs(whole[0] - mine["whole.auc"]), abs(whole[1] - mine["whole.ap"]))
        print(f"{name}: prequential AUC {mine['mean.auc']:.3f} AP {mine['mean.ap']:.3f} "
              f"CP@100 {mine['mean.cp']:.3f}; whole AUC {whole[0]:.3f} AP {whole[1]:.3f}; "
              f"fold 07-25: {mine['fold3.rows']:.0f} rows {mine['fold3.frauds']:.0f} frauds")
    print(f"largest difference {worst:.3g}")
    return 0 if worst < 1e-9 else 1


if __name__ == "__main__":
    sys.exit(main())
