#!/usr/bin/env python3
"""telltale score over the Fraud Detection Handbook's half year, on one core: speed and memory.

Usage: score_handbook.py TELLTALE [FILE]

FILE defaults to $TELLTALE_HANDBOOK, else shared/data/handbook/handbook.csv.xz beside the checkout;
without it this says so and exits with 77. Reading, windows, detectors, rules, fusion and writing
the result are all in the time, after one unmeasured read of the file.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
BESIDE = ROOT.parent / "shared" / "data" / "handbook" / "handbook.csv.xz"


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__.split("\n\n")[1])
    given = sys.argv[2] if len(sys.argv) == 3 else os.environ.get("TELLTALE_HANDBOOK")
    data = pathlib.Path(given) if given else BESIDE
    if not data.exists():
        print(f"SKIPPED: the handbook file is absent ({data}); set TELLTALE_HANDBOOK")
        sys.exit(77)
    data.read_bytes()  # so that the disk is not measured
    core = max(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "scores.jsonl"
        began = time.monotonic()
        child = subprocess.Popen(
            [pathlib.Path(sys.argv[1]).resolve(), "score", data, "--map", "handbook", "--out",
             out, "--quiet"],
            cwd=folder, stdout=subprocess.PIPE,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}))
        child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        took_s = time.monotonic() - began
        if status:
            sys.exit(f"telltale score: status {os.waitstatus_to_exitcode(status)}")
        with open(out, "rb") as lines:
            rows = sum(1 for _ in lines)
            lines.seek(0)
            json.loads(lines.readline())
        cpu_s = usage.ru_utime + usage.ru_stime
        print(f"score          {rows / took_s:8.0f} tx/s          (200,000 or more; {rows} rows in"
              f" {took_s:.1f} s, {cpu_s:.1f} s of CPU, one core)")
        print(f"peak memory    {usage.ru_maxrss / 1024:8.0f} MB            (under 600)")
        print(f"result         {out.stat().st_size / 1e6:8.0f} MB")


main()
