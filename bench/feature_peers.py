#!/usr/bin/env python3
"""The feature engine beside pandas and Redis, on the same payments, in turn.

Usage: feature_peers.py VECTORS [ROWS]

VECTORS is the bench program of that name. Payments are the handbook's ($TELLTALE_HANDBOOK, or
shared/data/handbook/handbook.csv.xz beside the checkout) or, without it, generated with its shape.

  pandas  the handbook pack, groupby and time-based rolling windows as the handbook publishes them
  Redis   a velocity counter as it is commonly kept: ZADD, ZREMRANGEBYSCORE, ZCARD, pipelined; what
          counts is the CPU of the server alone

Values must be equal before a ratio is printed. A peer that is not installed is named as absent.
"""

import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
BESIDE = ROOT.parent / "shared" / "data" / "handbook" / "handbook.csv.xz"
ROUNDS = 3
DAY_MS = 86_400_000
VELOCITY = """\
entities: {user: {key: user_id}}
features:
  - {name: user_tx_count_24h, entity: user, aggregate: count, window: 24h}
"""

try:
    import numpy as np
    import pandas
except ImportError:
    print("SKIPPED: peer absent: pandas (script/setup test installs it)")
    sys.exit(77)


def payments(rows):
    path = pathlib.Path(os.environ.get("TELLTALE_HANDBOOK", BESIDE))
    if path.exists():
        frame = pandas.read_csv(path, parse_dates=["tx_datetime"], nrows=rows)
        print(f"{len(frame)} payments of the handbook file")
        return frame
    random = np.random.default_rng(1)
    seconds = np.sort(random.integers(0, 60 * 86400, rows))
    print(f"{rows} generated payments (the handbook file is absent)")
    return pandas.DataFrame({
        "tx_datetime": pandas.Timestamp("2018-04-01") + pandas.to_timedelta(seconds, "s"),
        "customer_id": random.integers(0, 5000, rows),
        "terminal_id": random.integers(0, 10000, rows),
        "amount": np.round(random.exponential(60, rows), 2),
        "is_fraud": (random.random(rows) < 0.008).astype(int),
    })


def pack(frame):
    """As struct payment of vectors.c."""
    packed = np.zeros(len(frame), dtype=[("time", "<i8"), ("amount", "<i8"), ("user", "<i4"),
                                         ("merchant", "<i4"), ("fraud", "<i4"), ("unused", "<i4")])
    packed["time"] = frame["tx_datetime"].to_numpy().astype("datetime64[ms]").astype(np.int64)
    packed["amount"] = np.round(frame["amount"].to_numpy() * 100)
    packed["user"] = frame["customer_id"]
    packed["merchant"] = frame["terminal_id"]
    packed["fraud"] = frame["is_fraud"]
    return packed


def engine(program, pack_path, folder, columns):
    out = folder / "vectors"
    seconds = float(subprocess.run([program, pack_path, folder / "input", out], check=True,
                                   capture_output=True, text=True).stdout)
    return seconds, np.fromfile(out).reshape(-1, columns)


def rolling(frame, key, column, days):
    """Count and sum of a key's last days, in the order of the frame."""
    groups = frame.set_index("tx_datetime").groupby(key, sort=True)[column].rolling(f"{days}D")
    order = np.argsort(frame[key].to_numpy(), kind="stable")
    result = []
    for values in (groups.count(), groups.sum()):
        placed = np.empty(len(frame))
        placed[order] = values.to_numpy()
        result.append(placed)
    return result


def pandas_pack(frame):
    times = frame["tx_datetime"].dt
    columns = [frame["amount"].to_numpy(), (times.day_of_week >= 5).to_numpy().astype(float),
               (times.hour <= 6).to_numpy().astype(float)]
    users = [rolling(frame, "customer_id", "amount", days) for days in (1, 7, 30)]
    columns += [count for count, _ in users] + [total / count for count, total in users]
    held = rolling(frame, "terminal_id", "is_fraud", 7)
    terminals = [[whole - part for whole, part in
                  zip(rolling(frame, "terminal_id", "is_fraud", 7 + days), held)]
                 for days in (1, 7, 30)]
    columns += [count for count, _ in terminals]
    columns += [frauds / np.maximum(count, 1) for count, frauds in terminals]
    return np.column_stack(columns)


def against_pandas(program, frame, folder):
    ours, theirs = [], []
    for _ in range(ROUNDS):
        seconds, vectors = engine(program, ROOT / "config" / "features" / "handbook.yaml", folder,
                                  15)
        ours.append(seconds)
        began = time.process_time()
        expected = pandas_pack(frame)
        theirs.append(time.process_time() - began)
        np.testing.assert_allclose(vectors, expected, rtol=1e-9, atol=1e-9)
    rate, peer = len(frame) / min(ours), len(frame) / min(theirs)
    print(f"handbook pack  engine {rate:10.0f} tx/s, pandas {pandas.__version__} {peer:9.0f} tx/s,"
          f" {rate / peer:6.1f} x (50 or more)")


def wait_for(path):
    for _ in range(500):
        link = socket.socket(socket.AF_UNIX)
        try:
            link.connect(str(path))
            return link
        except OSError:
            link.close()
            time.sleep(0.01)
    sys.exit("redis-server does not answer")


def command(*words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word)
                                              for word in words)


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def redis_counts(packed, folder):
    """The server's CPU seconds, and ZCARD after each payment."""
    path = folder / "redis.sock"
    server = subprocess.Popen(
        ["redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no",
         "--dir", folder], stdout=subprocess.DEVNULL)
    try:
        link = wait_for(path)
        counts, began = [], cpu_seconds(server.pid)
        for at in range(0, len(packed), 1000):
            piece = packed[at:at + 1000]
            request = b"".join(
                command(b"ZADD", b"u-%d" % user, b"%d" % when, b"%d" % (at + i))
                + command(b"ZREMRANGEBYSCORE", b"u-%d" % user, b"-inf", b"%d" % (when - DAY_MS))
                + command(b"ZCARD", b"u-%d" % user)
                for i, (when, user) in enumerate(zip(piece["time"].tolist(),
                                                     piece["user"].tolist())))
            link.sendall(request)
            answer = b""
            while answer.count(b"\r\n") < 3 * len(piece):
                answer += link.recv(1 << 20)
            counts += [int(line[1:]) for line in answer.split(b"\r\n")[2:-1:3]]
        spent = cpu_seconds(server.pid) - began
        link.close()
        return spent, np.array(counts, dtype=float)
    finally:
        server.terminate()
        server.wait()


def against_redis(program, packed, folder):
    if shutil.which("redis-server") is None:
        print("velocity count  peer absent: redis-server")
        return
    pack_path = folder / "velocity.yaml"
    pack_path.write_text(VELOCITY)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        seconds, vectors = engine(program, pack_path, folder, 1)
        ours.append(seconds)
        spent, counts = redis_counts(packed, folder)
        theirs.append(spent)
        np.testing.assert_array_equal(vectors[:, 0], counts)
    rate, peer = len(packed) / min(ours), len(packed) / min(theirs)
    print(f"velocity count engine {rate:10.0f} tx/s, Redis {peer:9.0f} tx/s of its CPU,"
          f" {rate / peer:6.1f} x (100 or more)")


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__.split("\n\n")[1])
    program = pathlib.Path(sys.argv[1]).resolve()
    frame = payments(int(sys.argv[2]) if len(sys.argv) == 3 else 400_000)
    packed = pack(frame)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        packed.tofile(folder / "input")
        against_pandas(program, frame, folder)
        against_redis(program, packed, folder)


main()
