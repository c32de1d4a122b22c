#!/usr/bin/env python3
"""How good the scores are: three settings on the Fraud Detection Handbook's half year.

Usage: quality.py TELLTALE [FILE]

The published protocol (7 days of training, 7 days until labels are known, 7 days of test), mean and
standard deviation over four validation folds, which chose what there was to choose, and the four
test folds of the literature. FILE defaults to $TELLTALE_HANDBOOK, else
shared/data/handbook/handbook.csv.xz beside the checkout; without it this says so and exits with 77.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
BESIDE = ROOT.parent / "shared" / "data" / "handbook" / "handbook.csv.xz"
VALIDATION = ["2018-07-11", "2018-07-04", "2018-06-27", "2018-06-20"]
TEST = ["2018-08-15", "2018-08-08", "2018-08-01", "2018-07-25"]
HANDBOOK = ["--features", ROOT / "config/features/handbook_amount.yaml",
            "--detectors", ROOT / "config/detectors/handbook_amount.yaml", "--rules", "none"]
# A label that becomes known ten years later is never known.
SETTINGS = [
    ("no labels, default", ["--label-delay", "3650d"], (0.64, 0.285, 0.095)),
    ("labels, handbook's 15 + 3", HANDBOOK, (0.87, 0.66, 0.300)),
    ("labels, default", [], (0.88, 0.74, 0.308)),
]
PUBLISHED = [
    ("z-score, no labels", (0.635, 0.230, 0.094)),
    ("isolation forest, 15 features", (0.842, 0.27, 0.24)),
    ("logistic regression", (0.868, 0.623, 0.297)),
    ("random forest", (0.870, 0.678, 0.299)),
    ("LSTM with attention", (0.879, 0.676, 0.303)),
    ("XGBoost, 7 days", (0.871, 0.694, 0.304)),
    ("XGBoost, all past labels, 18", (0.881, 0.730, 0.312)),
]
MEASURES = ["auc_roc", "average_precision", "card_precision"]


def run(telltale, data, options):
    command = [telltale, "evaluate", data, "--map", "handbook", "--json", "--quiet",
               "--folds", ",".join(VALIDATION + TEST), *options]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"telltale evaluate: status {done.returncode}: {done.stderr.decode()}")
    return {fold["train_start"]: fold for fold in json.loads(done.stdout)["folds"]}


def line(name, cells):
    print(f"| {name:36} | " + " | ".join(f"{cell:15}" for cell in cells) + " |", flush=True)


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__.split("\n\n")[1])
    given = sys.argv[2] if len(sys.argv) == 3 else os.environ.get("TELLTALE_HANDBOOK")
    data = pathlib.Path(given) if given else BESIDE
    if not data.exists():
        print(f"SKIPPED: the handbook file is absent ({data}); set TELLTALE_HANDBOOK")
        sys.exit(77)
    telltale = pathlib.Path(sys.argv[1]).resolve()
    line("setting, folds", ["AUC ROC", "average prec.", "card prec.@100"])
    line("---", ["---"] * 3)
    for name, options, asked in SETTINGS:
        folds = run(telltale, data, options)
        for kind, starts in (("validation", VALIDATION), ("test", TEST)):
            values = [[folds[start][measure] for start in starts] for measure in MEASURES]
            line(f"{name}: {kind}",
                 [f"{statistics.mean(v):.3f} ± {statistics.stdev(v):.3f}" for v in values])
        line("  asked of the test folds", [f"≥ {value}" for value in asked])
    for name, values in PUBLISHED:
        line(f"published: {name}", [f"{value:.3f}" for value in values])


main()
