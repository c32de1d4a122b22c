"""Tests of the whole program from outside: pytest in tests/system against a binary."""

import xml.etree.ElementTree

from .context import BUILDS, ROOT, Outcome, Trouble, say, tail
import sys

FOLDER = ROOT / "tests" / "system"


def count_junit(path):
    outcome = Outcome()
    for suite in xml.etree.ElementTree.parse(path).getroot().iter("testsuite"):
        total, skipped = int(suite.get("tests")), int(suite.get("skipped", 0))
        failed = int(suite.get("failures")) + int(suite.get("errors"))
        outcome.add(Outcome(total - failed - skipped, failed, skipped))
    return outcome


def run_pytest(context, log, binary):
    """pytest over tests/system with this binary; the tests find it by $TELLTALE."""
    results = BUILDS / f"{log}.xml"
    results.unlink(missing_ok=True)
    status = context.try_run(log, [
        sys.executable, "-m", "pytest", FOLDER, "-q", "-p", "no:cacheprovider", "--color=no", "-rs",
        "--timeout=300", f"--junitxml={results}"], env={
            "TELLTALE": str(binary), **({"TELLTALE_FULL": "1"} if context.full else {})})
    if not results.exists():
        raise Trouble(f"pytest: status {status}\n{tail(context.log_text(log))}")
    outcome = count_junit(results)
    if status not in (0, 1) or (status == 1 and not outcome.failed):
        raise Trouble(f"pytest: status {status}\n{tail(context.log_text(log))}")
    if outcome.failed:
        say(tail(context.log_text(log), 200))
    elif outcome.skipped:
        say("\n".join("  " + row for row in context.log_text(log).splitlines()
                      if row.startswith("SKIPPED")))
    return outcome


def system(context):
    return run_pytest(context, "system", context.release())
