#!/usr/bin/env python3
"""Runs the test suites one after another and closes with the line "N passed, N failed".

Usage: run_tests.py [--full] [--only SUITE]… [--list]    (script/test installs what this needs)

A suite fails when a test fails, when a tool is missing, crashes or takes too long, and when no
test ran. Each prints its time beside its budget on two cores; three times the budget ends it.
Logs of all tools are kept in build-tests/logs.
"""

import argparse
import sys
import time
import traceback

from suites import checks, live, native, system, web
from suites.context import Context, Outcome, Trouble, say

# name, budget in seconds, what runs
SUITES = [
    ("format", 20, checks.format_c),
    ("contracts", 5, checks.contracts),
    ("warnings", 150, native.warnings),
    ("layers", 60, checks.layers),
    ("config", 120, checks.config),  # the first that needs the release binary, and so builds it
    ("unit", 150, native.unit),
    ("conformance", 30, native.conformance),
    ("fuzz", 30, native.fuzz),
    ("threads", 120, native.threads),
    ("web", 90, web.web),
    ("docs", 10, checks.docs),
    ("system", 180, system.system),
    ("metrics", 15, live.metrics),
    ("e2e", 60, web.e2e),
    ("coverage", 360, native.coverage),
]
FULL_EXTRA_S = 900  # what --full may add to a suite


def run_suite(context, name, budget_s, function):
    say(f"== {name}")
    began = time.monotonic()
    context.start_suite(3 * budget_s + 60 + (FULL_EXTRA_S if context.full else 0))
    try:
        outcome = function(context)
        if outcome.passed + outcome.failed == 0:
            say("  no test ran")
            outcome.failed = 1
    except Trouble as trouble:
        say(f"  {trouble}")
        outcome = Outcome(failed=1)
    except Exception:  # a defect of the suite itself is a failure like any other
        say("  " + traceback.format_exc().rstrip().replace("\n", "\n  "))
        outcome = Outcome(failed=1)
    took = time.monotonic() - began
    skipped = f", {outcome.skipped} skipped" if outcome.skipped else ""
    over = "  OVER BUDGET" if took > budget_s and not context.full else ""
    say(f"   {name}: {outcome.passed} passed, {outcome.failed} failed{skipped}"
        f" in {took:.0f} s (budget {budget_s} s){over}")
    return outcome


def main():
    parser = argparse.ArgumentParser(prog="script/test", description="Runs the tests.")
    names = [name for name, _, _ in SUITES]
    parser.add_argument("--full", action="store_true", help="longer: fuzzes each target for a minute")
    parser.add_argument("--only", action="append", metavar="SUITE", choices=names,
                        help="this suite alone; may be given several times")
    parser.add_argument("--list", action="store_true", help="names the suites")
    options = parser.parse_args()
    if options.list:
        for name, budget_s, _ in SUITES:
            print(f"{name:12} budget {budget_s:4} s")
        return 0

    context, total, failed = Context(options.full), Outcome(), []
    began = time.monotonic()
    for name, budget_s, function in SUITES:
        if options.only and name not in options.only:
            continue
        outcome = run_suite(context, name, budget_s, function)
        total.add(outcome)
        if outcome.failed:
            failed.append(name)
    say(f"== all suites: {time.monotonic() - began:.0f} s"
        + (f", {total.skipped} skipped" if total.skipped else "")
        + (f"; failed: {' '.join(failed)}" if failed else ""))
    say(f"{total.passed} passed, {total.failed} failed")
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
