"""The dashboard: its linters, its unit tests with coverage, and the browser tests."""

import json
import os

from .context import BUILDS, ROOT, Outcome, Trouble, need, say, tail
from .live import Live

DASHBOARD = ROOT / "dashboard"


def packages(context):
    context.run("npm", [ROOT / "tools" / "node_modules"])


def web(context):
    packages(context)
    outcome = Outcome()
    status = context.try_run("lint", [need("npm"), "run", "lint"], cwd=DASHBOARD)
    if not outcome.check(status == 0):
        say(tail(context.log_text("lint")))

    results = BUILDS / "vitest.json"
    results.unlink(missing_ok=True)
    summary = DASHBOARD / "coverage" / "coverage-summary.json"
    summary.unlink(missing_ok=True)
    status = context.try_run("vitest", [
        need("npx"), "--no-install", "vitest", "run", "--coverage", "--reporter=default",
        "--reporter=json", f"--outputFile.json={results}"], cwd=DASHBOARD, env={"CI": "true"})
    if not results.exists():
        raise Trouble(f"vitest: status {status}\n{tail(context.log_text('vitest'))}")
    report = json.loads(results.read_text())
    tests = Outcome(report["numPassedTests"], report["numFailedTests"],
                    report["numPendingTests"] + report.get("numTodoTests", 0))
    if tests.passed == 0:
        raise Trouble("vitest ran no tests")
    outcome.add(tests)
    if status:
        say(tail(context.log_text("vitest")))
    if not summary.exists():
        raise Trouble("vitest measured no coverage")
    lines = json.loads(summary.read_text())["total"]["lines"]
    say(f"  dashboard lines covered: {lines['pct']} % of {lines['total']} (floor 80 %)")
    # The floor is vitest's own (vite.config.ts): its status covers it and any crash.
    outcome.check(status == 0 and lines["pct"] >= 80)
    return outcome


def e2e(context):
    """Playwright in the system's Chromium against the real program."""
    packages(context)
    results = BUILDS / "playwright.json"
    results.unlink(missing_ok=True)
    with Live(context, "e2e-server") as live:
        chromium = os.environ.get("CHROMIUM") or need("chromium")
        status = context.try_run("e2e", [
            need("npx"), "--no-install", "playwright", "test", "-c",
            ROOT / "tests" / "e2e" / "playwright.config.ts", "--reporter=list,json"],
            cwd=DASHBOARD, env={"TELLTALE_URL": live.url, "TELLTALE_LINK": live.link,
                                "CHROMIUM": chromium, "PLAYWRIGHT_JSON_OUTPUT_NAME": str(results)})
    if not results.exists():
        raise Trouble(f"playwright: status {status}\n{tail(context.log_text('e2e'))}")
    stats = json.loads(results.read_text())["stats"]
    outcome = Outcome(stats["expected"], stats["unexpected"] + stats["flaky"], stats["skipped"])
    if outcome.failed or status:
        say(tail(context.log_text("e2e")))
    if status and not outcome.failed:
        outcome.failed = 1
    return outcome
