#!/usr/bin/env python3
"""The running program, measured from outside: start, idle size, NDJSON and single transactions.

Usage: run_http.py TELLTALE LOAD [--rows N] [--batch N] [--connections N] [--rate N] [--seconds N]

Starts `telltale run` in an empty folder with `store.durability: power` and feeds it with the load
generator (bench/load.c) on the same machine. Server CPU is user and system time of the process.
Each line ends with what is asked of it.
"""

import argparse
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

TICKS = os.sysconf("SC_CLK_TCK")


def command(*parts):
    return subprocess.run([str(part) for part in parts], check=True, capture_output=True,
                          text=True).stdout


class Server:
    """telltale run on a free port over a folder of its own, until the block ends."""

    def __init__(self, telltale, folder):
        self.telltale, self.data, self.log_path = telltale, folder / "data", folder / "log"
        self.data.mkdir()

    def __enter__(self):
        began = time.monotonic()
        with open(self.log_path, "wb") as log:
            self.child = subprocess.Popen(
                [self.telltale, "run", "--data", self.data, "--port", "0",
                 "--set", "store.durability=power"], stdin=subprocess.DEVNULL, stderr=log)
        while True:
            found = re.search(r'"event":"ready".*"port":(\d+)', self.log_path.read_text())
            if found:
                break
            if self.child.poll() is not None or time.monotonic() > began + 30:
                sys.exit("telltale run is not ready:\n" + self.log_path.read_text())
            time.sleep(0.002)
        self.port = int(found[1])
        urllib.request.urlopen(self.url("/readyz"), timeout=10).close()
        self.ready_s = time.monotonic() - began
        self.key = command(self.telltale, "token", "create", "--scope", "ingest", "--data",
                           self.data).strip()
        return self

    def __exit__(self, *_):
        self.child.send_signal(signal.SIGTERM)
        self.child.wait(timeout=60)

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def memory_mb(self, name):
        status = pathlib.Path(f"/proc/{self.child.pid}/status").read_text()
        return int(re.search(rf"^{name}:\s+(\d+) kB", status, re.M)[1]) / 1024

    def cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.child.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def rows_stored(self):
        with urllib.request.urlopen(self.url("/metrics"), timeout=10) as answer:
            text = answer.read().decode()
        return int(float(re.search(r"^telltale_store_rows_total (\S+)", text, re.M)[1]))

    def feed(self, load, kind, *numbers):
        before_cpu, before_rows = self.cpu_s(), self.rows_stored()
        result = json.loads(command(load, kind, self.port, self.key, *numbers))
        result["cpu_s"] = self.cpu_s() - before_cpu
        stored = self.rows_stored() - before_rows
        if stored != result["rows"]:
            sys.exit(f"{result['rows']} rows were acknowledged and {stored} stored")
        return result


def main():
    parser = argparse.ArgumentParser(description="Measures the running program over HTTP.")
    parser.add_argument("telltale", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("load", type=lambda path: pathlib.Path(path).resolve())
    for name, default in (("rows", 600_000), ("batch", 1000), ("connections", 4),
                          ("rate", 10_000), ("seconds", 10)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()

    print(f"binary         {options.telltale.stat().st_size / 1e6:8.1f} MB            (under 20)")
    with tempfile.TemporaryDirectory(dir=os.environ.get("TT_BENCH_DIR")) as folder, \
            Server(options.telltale, pathlib.Path(folder)) as server:
        time.sleep(1)
        print(f"start to ready {server.ready_s:8.3f} s             (under 1)")
        print(f"idle memory    {server.memory_mb('VmRSS'):8.1f} MB            (under 60)", flush=True)
        # the batch lies before the single requests, which would all be late otherwise
        singles = options.rate * options.seconds
        batch = server.feed(options.load, "batch", options.connections, options.rows, options.batch,
                            singles)
        print(f"NDJSON         {batch['rows_per_s']:8.0f} tx/s          (60,000 or more;"
              f" {options.connections} connections, {options.batch} rows a body, all stored,"
              f" durability power; {batch['cpu_s'] / batch['rows'] * 1e6:.1f} us of server CPU each,"
              f" p99 of a body {batch['p99_ms']:.0f} ms)", flush=True)
        single = server.feed(options.load, "single", 64, options.rate, options.seconds, 0)
        print(f"single         {single['rows_per_s']:8.0f} requests/s    (asked: {options.rate})")
        print(f"  server CPU   {single['cpu_s'] / single['rows'] * 1e6:8.1f} us a request  (40 or less)")
        print(f"  latency p50  {single['p50_ms']:8.3f} ms")
        print(f"  latency p99  {single['p99_ms']:8.3f} ms            (under 5; from when it was due)")
        print(f"peak memory    {server.memory_mb('VmHWM'):8.1f} MB")


main()
