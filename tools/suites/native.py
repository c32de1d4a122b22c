"""C: builds with warnings as errors, unit and conformance tests under sanitizers, fuzzing, coverage."""

import json
import re
import subprocess

from .context import BUILDS, LOGS, ROOT, Outcome, Trouble, need, say, tail
from .system import run_pytest

ASAN = ["--buildtype=debug", "-Doptimization=1", "-Dtests=true",
        "-Db_sanitize=address,undefined", "-Db_lundef=false",
        "-Dc_args=-fno-sanitize-recover=undefined",
        "-Dcpp_args=-fno-sanitize-recover=undefined"]
TSAN = ["--buildtype=debug", "-Doptimization=1", "-Dtests=true", "-Db_sanitize=thread",
        "-Db_lundef=false"]
COVERAGE = ["--buildtype=debug", "-Doptimization=g", "-Dtests=true", "-Db_coverage=true",
            "-Dc_args=-fprofile-update=atomic", "-Dcpp_args=-fprofile-update=atomic"]
WERROR = ["--buildtype=release", "-Dtests=true", "-Dbench=true", "-Dwerror=true"]
SANITIZERS = {
    "ASAN_OPTIONS": "halt_on_error=1:detect_leaks=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}
OTHER_SUITES = {"conformance", "fuzz"}
THREADED = ("tests/unit/runtime/", "tests/unit/adapters/", "tests/unit/services/",
            "tests/conformance/")  # the layers that may start threads
COVERAGE_FLOOR = 80.0
FUZZ_SECONDS = 60
SKIP_STATUS = 77  # Meson's: the test says it cannot run here


def listed(folder):
    """Meson's tests of a build folder: [{name, suites, command}]."""
    shown = subprocess.run([need("meson"), "introspect", "--tests", folder], check=True,
                           capture_output=True, text=True)
    return [{"name": test["name"], "command": " ".join(test["cmd"]),
             "suites": {suite.split(":")[-1] for suite in test["suite"]}}
            for test in json.loads(shown.stdout)]


def count_cmocka(entry):
    """The outcome of one executable from what cmocka printed; a crash is a failure."""
    text = f"{entry.get('stdout', '')}\n{entry.get('stderr', '')}"
    total = sum(map(int, re.findall(r"\[=+\].*?Running (\d+) test", text)))
    passed = sum(map(int, re.findall(r"\[  PASSED  \] (\d+) test", text)))
    skipped = sum(map(int, re.findall(r"\[  SKIPPED \] (\d+) test", text)))
    status = entry["returncode"]
    if total == 0:  # not cmocka: the executable is one test
        passed, skipped = int(status == 0), int(status == SKIP_STATUS)
        total = 1
    failed = total - passed - skipped
    if failed == 0 and entry["result"] not in ("OK", "SKIP"):
        failed = 1
    return Outcome(passed, failed, skipped)


def explain(entry):
    """What matters of a failed executable's output: which tests, where, and the end."""
    text = f"{entry.get('stdout', '')}\n{entry.get('stderr', '')}"
    key = [row for row in text.splitlines()
           if re.match(r"\[  (FAILED|ERROR ) |\[   LINE|SUMMARY: |==\d+==ERROR|WARNING: Thread", row)]
    return tail("\n".join(dict.fromkeys(key))) + "\n    --\n" + tail(text, 25)


# What tests that can run for longer look at.
FULL = {"TT_FEATURES_UPDATES": "100000000"}


def meson_test(context, folder, log, names, multiplier, wrapper=None):
    """Runs these tests of a build folder and counts what is in them."""
    if not names:
        raise Trouble(f"{folder.name}: no tests to run")
    logs = folder / "meson-logs"
    for old in logs.glob(f"{log}*.json"):  # with a wrapper its name becomes part of the log's
        old.unlink()
    command = [need("meson"), "test", "-C", folder, "--no-rebuild", "--logbase", log,
               "--timeout-multiplier", str(multiplier)]
    if wrapper:
        command += ["--wrapper", wrapper]
    status = context.try_run(log, command + sorted(names),
                             env={**SANITIZERS, **(FULL if context.full else {})})
    results = list(logs.glob(f"{log}*.json"))
    if len(results) != 1:
        raise Trouble(f"meson test made no results (status {status})\n{tail(context.log_text(log))}")
    outcome, seen = Outcome(), 0
    for line in results[0].read_text().splitlines():
        entry, seen = json.loads(line), seen + 1
        part = count_cmocka(entry)
        outcome.add(part)
        if part.failed:
            say(f"  {entry['name']}: {entry['result']}, status {entry['returncode']}")
            say(explain(entry))
        elif part.skipped:
            say(f"  {entry['name']}: {part.skipped} skipped")
    if seen < len(names):
        say(f"  {len(names) - seen} of {len(names)} tests left no result")
        outcome.failed += len(names) - seen
    if status and not outcome.failed:
        raise Trouble(f"meson test: status {status}\n{tail(context.log_text(log))}")
    return outcome


def warnings(context):
    outcome = Outcome()
    for compiler in ("gcc", "clang"):
        try:
            context.build(f"werror-{compiler}", WERROR, compiler)
            outcome.check(True)
        except Trouble as trouble:
            outcome.check(False)
            say(f"  {trouble}")
    return outcome


def unit(context):
    folder = context.build("asan", ASAN)
    names = [test["name"] for test in listed(folder) if not test["suites"] & OTHER_SUITES]
    return meson_test(context, folder, "unit", names, 8)


def conformance(context):
    folder = context.build("asan", ASAN)
    names = [test["name"] for test in listed(folder) if "conformance" in test["suites"]]
    return meson_test(context, folder, "conformance", names, 8)


def threads(context):
    """The tests of everything that may start threads, once more under ThreadSanitizer."""
    folder = context.build("tsan", TSAN, "clang")
    names = [test["name"] for test in listed(folder)
             if any(part in test["command"] for part in THREADED)]
    # ThreadSanitizer of this age needs addresses that are not too random.
    steady = "setarch -R" if subprocess.run(["setarch", "-R", "true"], check=False).returncode == 0 \
        else None
    outcome = meson_test(context, folder, "threads", names, 15, steady)
    say(f"  {outcome.passed} tests ran under ThreadSanitizer; counted as one check")
    return Outcome(int(outcome.failed == 0), int(outcome.failed > 0))


def fuzz(context):
    """Every kept input once under ASan; with --full each target also runs freely for a minute."""
    folder = context.build("asan", ASAN)
    names = [test["name"] for test in listed(folder) if "fuzz" in test["suites"]]
    outcome = meson_test(context, folder, "fuzz", names, 8)
    if not context.full:
        return outcome
    folder = context.build("fuzz", ["--buildtype=debugoptimized", "-Dtests=true", "-Dfuzzers=true",
                                    "-Db_sanitize=address,undefined", "-Db_lundef=false"], "clang")
    targets = sorted(path for path in (folder / "fuzz").iterdir()
                     if path.is_file() and path.name.startswith("fuzz_") and not path.suffix)
    if not targets:
        raise Trouble("no fuzz targets were built")
    for target in targets:
        found = BUILDS / "found" / target.name  # new inputs; those worth keeping are kept by hand
        found.mkdir(parents=True, exist_ok=True)
        kept = ROOT / "fuzz" / "corpus" / target.name.removeprefix("fuzz_")
        status = context.try_run(target.name, [
            target, f"-max_total_time={FUZZ_SECONDS}", "-timeout=10", "-rss_limit_mb=2048",
            f"-artifact_prefix={LOGS}/{target.name}-", found, *([kept] if kept.is_dir() else [])],
            env=SANITIZERS)
        if not outcome.check(status == 0):
            say(f"  {target.name}: status {status}\n{tail(context.log_text(target.name))}")
    return outcome


def coverage(context):
    """Lines of src/ that the unit, conformance and system tests reach; below the floor it fails."""
    folder = context.build("coverage", COVERAGE)
    for path in folder.rglob("*.gcda"):
        path.unlink()
    outcome = Outcome()
    tests = meson_test(context, folder, "coverage-unit",
                       [test["name"] for test in listed(folder)], 4)
    outcome.check(tests.failed == 0)
    binary = folder / "telltale"
    if binary.exists() and (ROOT / "tests" / "system").is_dir():
        outcome.check(run_pytest(context, "coverage-system", binary).failed == 0)
    summary = BUILDS / "coverage.json"
    summary.unlink(missing_ok=True)
    context.run("gcovr", [need("gcovr"), "--root", ROOT, "--filter", f"{ROOT}/src/",
                          "--object-directory", folder, "--json-summary", summary,
                          "--txt", BUILDS / "coverage.txt", "--sort", "uncovered-percent",
                          "--merge-mode-functions", "merge-use-line-min",
                          "--gcov-ignore-errors", "no_working_dir_found", "-j", "2", folder])
    report = json.loads(summary.read_text())
    say(f"  C lines covered: {report['line_percent']:.1f} % of {report['line_total']}"
        f" (floor {COVERAGE_FLOOR:.0f} %); per file in build-tests/coverage.txt")
    if report["line_total"] == 0:
        raise Trouble("gcovr found no lines")
    outcome.check(report["line_percent"] >= COVERAGE_FLOOR)
    return outcome
