"""Rules against their peers, one after another in the same invocation.

Usage: rules.py BENCH_RULES: the program of bench/rules.c. Peers are Go's expr-lang/expr and cel-go and
the CEL engines of npm, pinned in bench/peers; what cannot be installed is named as absent. Every engine
gets the same rules and events, and must find the same hits before its time counts. Runs go in turns;
the best of each counts.
"""

import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

ROUNDS = 2
RULES = 1000
FEATURES = 16
EVENTS = 256
GO_OLDEST = (1, 23)
HERE = pathlib.Path(__file__).parent
BUILD = HERE.parent / "build-bench" / "peers"
CHANNELS = ["online", "pos", "atm", "moto"]
SINGLE = 'f0 > 5.0 && f1 < 900.0 && f2 > -1.0 && channel != "phone"'


def write_input(folder):
    """A thousand rules of four terms over sixteen features, and events of which few fire."""
    rng = random.Random(20260301)
    conditions = []
    for _ in range(RULES):
        a, b, c = rng.sample(range(FEATURES), 3)
        conditions.append(
            f'f{a} > {rng.uniform(60, 99.5):.3f} && f{b} < {rng.uniform(0.5, 40):.3f} && '
            f'f{c} >= {rng.uniform(60, 99.5):.3f} && channel == "{rng.choice(CHANNELS)}"')
    (folder / "rules.txt").write_text("\n".join(conditions) + "\n")
    (folder / "rules.yaml").write_text("rules:\n" + "".join(
        f"  - id: r{i}\n    when: {text}\n" for i, text in enumerate(conditions)))
    lines = []
    for i in range(EVENTS):
        numbers = [rng.uniform(6 if i < 4 else 0, 100) for _ in range(FEATURES)]
        lines.append(",".join(f"{n:.3f}" for n in numbers) + "," + rng.choice(CHANNELS))
    (folder / "events.csv").write_text("\n".join(lines) + "\n")


def absent(name, why):
    print(f"peer absent: {name}: {why}")


def quiet(command, **options):
    """True when the command went well; its last words are shown when not."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=900, **options)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["?"])[-1]


def go_peers():
    """Go's two, built from the pinned modules."""
    go = shutil.which("go")
    if go is None:
        absent("expr, cel-go", "no go on the PATH; Debian 12's (1.19) is too old for cel-go")
        return {}
    version = subprocess.run([go, "env", "GOVERSION", "GOROOT"], capture_output=True, text=True).stdout.split()
    found = re.match(r"go(\d+)\.(\d+)", version[0]) if version else None
    if found is None or tuple(map(int, found.groups())) < GO_OLDEST:
        absent("expr, cel-go", f"{version[:1]} is older than Go {GO_OLDEST[0]}.{GO_OLDEST[1]}")
        return {}
    program = BUILD / "rules-go"
    why = quiet([go, "build", "-o", str(program), "."], cwd=HERE / "peers" / "rules-go",
                env={**os.environ, "GOFLAGS": "-mod=readonly -buildvcs=false"})
    if why:
        absent("expr, cel-go", why)
        return {}
    origin = "Debian's package" if version[1].startswith("/usr/lib/go") else "the toolchain on the PATH, not Debian's"
    print(f"Go: {version[0]}, {origin}; expr-lang/expr and cel-go as pinned in bench/peers/rules-go/go.sum")
    return {name: [str(program), name] for name in ("expr", "cel-go")}


def npm_peers():
    """The CEL engines of npm, installed from the pinned lock file."""
    node = shutil.which("node")
    npm = shutil.which("npm")
    if node is None or npm is None:
        absent("npm's CEL engines", "no node or npm on the PATH")
        return {}
    folder = BUILD / "rules-node"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(HERE / "peers" / "rules-node", folder, ignore=shutil.ignore_patterns("node_modules"))
    why = quiet([npm, "ci", "--ignore-scripts"], cwd=folder)
    if why:
        absent("npm's CEL engines", why)
        return {}
    names = json.loads((folder / "package.json").read_text())["dependencies"]
    version = subprocess.run([node, "--version"], capture_output=True, text=True).stdout.strip()
    print(f"Node: {version}; " + ", ".join(f"{name} {number}" for name, number in names.items()))
    return {name: [node, str(folder / "rules.mjs"), name] for name in names}


def run(command, folder, hits, rules):
    done = subprocess.run([*command, folder / rules, folder / "events.csv", hits, SINGLE],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{command}: {done.stderr}")
    return json.loads(done.stdout)


def best(results):
    return {key: min(result[key] for result in results) for key in results[0]}


def ratio(label, mine, theirs, asked):
    """A line of a figure; False when it falls short."""
    times = theirs / mine
    fine = times >= asked
    print(f"  {label}: {times:.1f} times faster, asked {asked:g}: {'ok' if fine else 'SHORT'}")
    return fine


def main():
    BUILD.mkdir(parents=True, exist_ok=True)
    peers = go_peers() | npm_peers()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_input(folder)
        results = {}
        for _ in range(ROUNDS):
            results.setdefault("telltale", []).append(run([sys.argv[1]], folder, folder / "mine", "rules.yaml"))
            mine = (folder / "mine").read_text()
            for peer, command in peers.items():
                results.setdefault(peer, []).append(run(command, folder, folder / "theirs", "rules.txt"))
                if (folder / "theirs").read_text() != mine:
                    sys.exit(f"{peer} finds other hits than telltale")
        hits = len(mine.split())
    table = {name: best(rows) for name, rows in results.items()}
    print(f"{RULES} rules on {FEATURES} features, {EVENTS} events, {hits} hits, the same from every engine")
    print(f"{'':22}{'four terms, ns':>16}{'all rules, us':>16}{'compile, ms':>14}")
    for name, row in table.items():
        print(f"{name:22}{row['single_ns']:16.1f}{row['many_us']:16.3f}{row['compile_ms']:14.2f}")
    return judge(table)


def judge(table):
    me = table["telltale"]
    fine = me["many_us"] <= 1.0
    print(f"  {RULES} rules: {me['many_us']:.3f} us an event, asked 1: {'ok' if fine else 'SHORT'}")
    go = [table[name] for name in ("expr", "cel-go") if name in table]
    npm = [row for name, row in table.items() if name not in ("telltale", "expr", "cel-go")]
    if go:
        fine &= ratio("four terms against expr", me["single_ns"], table["expr"]["single_ns"], 4)
        fine &= ratio("four terms against cel-go", me["single_ns"], table["cel-go"]["single_ns"], 10)
        fine &= ratio("all rules against the faster of Go", me["many_us"], min(row["many_us"] for row in go), 50)
        fine &= ratio("compiling, YAML and index included, against expr", me["compile_ms"], table["expr"]["compile_ms"], 1)
    if npm:
        fine &= ratio("all rules against the fastest of npm", me["many_us"], min(row["many_us"] for row in npm), 100)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
