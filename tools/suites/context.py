"""What every suite works with: paths, running a tool under a deadline, counting, build folders."""

import dataclasses
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILDS = ROOT / "build-tests"  # sanitizer, warning and coverage builds; build/ is the release
LOGS = BUILDS / "logs"
TELLTALE = ROOT / "build" / "telltale"
TAIL_LINES = 60


class Trouble(Exception):
    """A tool is missing, crashed, took too long or said something no one can count."""


@dataclasses.dataclass
class Outcome:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def check(self, holds):
        """Counts one check; returns what it was given."""
        if holds:
            self.passed += 1
        else:
            self.failed += 1
        return holds

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped


def say(text=""):
    print(text, flush=True)


def need(tool):
    """Path of a tool, or Trouble."""
    beside = pathlib.Path(sys.executable).parent / tool  # the tests' own virtual environment
    found = str(beside) if beside.exists() else shutil.which(tool)
    if not found:
        raise Trouble(f"{tool} is missing: run script/setup test")
    return found


def tail(text, lines=TAIL_LINES):
    rows = text.rstrip().splitlines()
    cut = [f"… {len(rows) - lines} lines before this are in the log"] if len(rows) > lines else []
    return "\n".join("    " + row for row in cut + rows[-lines:])


class Context:
    """One run of script/test: its options and the deadline of the suite that is running."""

    def __init__(self, full):
        self.full = full
        self.deadline = None
        self.release_is_built = False
        LOGS.mkdir(parents=True, exist_ok=True)

    def start_suite(self, hard_limit_s):
        self.deadline = time.monotonic() + hard_limit_s

    def left_s(self):
        return max(1.0, self.deadline - time.monotonic())

    def try_run(self, log, command, env=None, cwd=ROOT, stdout=None):
        """Runs a tool to its end, output to a log (stdout to a file if given); returns its status.

        Its whole process group is ended when the suite's time is up.
        """
        command = [str(part) for part in command]
        path = LOGS / f"{log}.log"
        with open(path, "wb") as out:
            try:
                child = subprocess.Popen(
                    command, cwd=cwd, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
                    stdout=stdout or out, stderr=out, start_new_session=True)
            except OSError as error:
                raise Trouble(f"{command[0]}: {error.strerror}") from error
            try:
                return child.wait(timeout=self.left_s())
            except subprocess.TimeoutExpired as error:
                raise Trouble(f"{command[0]} was stopped: the suite's time is up\n"
                              + tail(self.log_text(log))) from error
            finally:
                if child.poll() is None:
                    os.killpg(child.pid, signal.SIGKILL)
                    child.wait()

    def run(self, log, command, **options):
        """As try_run, but any status but 0 is Trouble. Returns what the tool printed."""
        status = self.try_run(log, command, **options)
        if status:
            raise Trouble(f"{' '.join(map(str, command))}: status {status}\n"
                          + tail(self.log_text(log)))
        return self.log_text(log)

    @staticmethod
    def log_text(log):
        return (LOGS / f"{log}.log").read_text(errors="replace")

    def build(self, name, options, compiler="gcc"):
        """Configures build-tests/NAME with Meson if need be, and builds it; returns the folder."""
        folder = BUILDS / name
        stamp = folder / "options.json"
        wanted = json.dumps([compiler, options])
        pair = {"gcc": "g++", "clang": "clang++"}
        if not stamp.exists() or stamp.read_text() != wanted:
            shutil.rmtree(folder, ignore_errors=True)
            self.run(f"setup-{name}", [need("meson"), "setup", folder, *options],
                     env={"CC": need(compiler), "CXX": need(pair[compiler])})
            stamp.write_text(wanted)
        log = f"build-{name}"
        status = self.try_run(log, [need("ninja"), "-C", folder])
        if status:
            said = self.log_text(log)
            raise Trouble(f"building {folder.name}: status {status}\n"
                          + tail(said[max(0, said.find("FAILED: ")):], 40))
        return folder

    def release(self):
        """The release binary, built once a run as a user builds it."""
        if not self.release_is_built:
            self.run("build-release", [ROOT / "script" / "build"])
            self.release_is_built = True
        return TELLTALE
