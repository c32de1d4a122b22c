"""Checks of the sources: formatting, layers, generated pages, shipped files, contracts."""

import difflib
import pathlib
import re
import sys
import tempfile

from .context import ROOT, Outcome, Trouble, need, say, tail
from .native import WERROR

C_FOLDERS = ("src", "include", "tests", "fuzz", "bench")
C_SUFFIXES = {".c", ".h", ".cc"}


def c_files(folders):
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*")
                  if path.suffix in C_SUFFIXES and "node_modules" not in path.parts)


def format_c(context):
    files = c_files(C_FOLDERS)
    tool = need("clang-format")
    version = context.run("clang-format-version", [tool, "--version"])
    wanted = re.search(r"^clang-format==(\S+)", (ROOT / "tests/requirements.txt").read_text(), re.M)
    if f"version {wanted[1]}" not in version:
        raise Trouble(f"clang-format {wanted[1]} is wanted, this is {version.strip()}")
    status = context.try_run("format", [tool, "--dry-run", "-Werror", *files])
    if status:
        say(tail(context.log_text("format")))
        say("  repair with: .venv/bin/clang-format -i FILE…")
    say(f"  {len(files)} files")
    return Outcome(int(status == 0), int(status != 0))


def layers(context):
    build = context.build("werror-gcc", WERROR)  # the release's archives hold no plain symbols
    status = context.try_run("layers", [sys.executable, ROOT / "tools" / "layer_check.py", build])
    say(tail(context.log_text("layers")))
    return Outcome(int(status == 0), int(status != 0))


def docs(context):
    """docs/reference is what the program writes about itself; links lead somewhere."""
    kept = ROOT / "docs" / "reference"
    with tempfile.TemporaryDirectory() as made:
        context.run("docs", [context.release(), "config", "docs", made])
        made = pathlib.Path(made)
        pages = sorted(path.relative_to(made) for path in made.rglob("*") if path.is_file())
        if not pages:
            raise Trouble("telltale config docs wrote nothing")
        links = context.try_run("links", [sys.executable, ROOT / "tools" / "link_check.py"])
        say(tail(context.log_text("links")))
        outcome = Outcome(int(links == 0), int(links != 0))
        for page in pages:
            old = (kept / page).read_text() if (kept / page).exists() else ""
            new = (made / page).read_text()
            if not outcome.check(old == new):
                say(f"  docs/reference/{page} is not current: build/telltale config docs docs/reference")
                say(tail("\n".join(difflib.unified_diff(
                    old.splitlines(), new.splitlines(), "kept", "made", lineterm="")), 20))
    return outcome


def contracts(_context):
    """Headers of src/ whose first comment lacks a contract; a report, never a failure."""
    headers = [path for path in c_files(("src", "include")) if path.suffix == ".h"]
    without = []
    for path in headers:
        opening = re.match(r"\s*/\*.*?\*/", path.read_text(), re.S)
        if not opening or not re.search(r"^ \* (What|Why|Owner|Threads|Units|Limits|Fails):",
                                            opening[0], re.M):
            without.append(str(path.relative_to(ROOT)))
    say(f"  {len(headers) - len(without)} of {len(headers)} headers open with a contract")
    for path in without:
        say(f"    without: {path}")
    return Outcome(1)


def config(context):
    """What is shipped in config/ loads as it is, and the rules pass the tests beside them."""
    telltale, outcome = context.release(), Outcome()
    commands = [["config", "check", "--config", "config/telltale.yaml"]]
    commands += [["features", "check", path] for path in sorted((ROOT / "config").glob("features*.yaml"))
                 + sorted((ROOT / "config/features").glob("*.yaml"))]
    for path in sorted((ROOT / "config/rules").glob("*.yaml")):
        own = ROOT / "config/features" / path.name  # rules over a pack have its name
        features = ["--features", own] if own.exists() else []
        commands.append(["rules", "test", path, *features, "--coverage-min", "95"])
        commands.append(["rules", "check", path, *features, "--strict"])
    for command in commands:
        status = context.try_run("config", [telltale, *command])
        if not outcome.check(status == 0):
            say(f"  telltale {' '.join(map(str, command))}: status {status}")
            say(tail(context.log_text("config")))
    return outcome
