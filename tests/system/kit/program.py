"""The program under test as a command: run with a clean environment, in a folder of its own."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CANDIDATES = ("build/telltale", "build-rel/telltale", "build-dev/telltale")


def find_binary():
    """$TELLTALE, else what script/build or meson left in the checkout."""
    given = os.environ.get("TELLTALE")
    for path in [Path(given)] if given else [ROOT / name for name in CANDIDATES]:
        if path.is_file() and os.access(path, os.X_OK):
            return str(path.resolve())
    raise FileNotFoundError(f"no telltale: set $TELLTALE or build {' or '.join(CANDIDATES[:2])}")


@dataclass
class Result:
    code: int
    out: bytes
    err: str

    @property
    def text(self):
        return self.out.decode()


class Program:
    """Runs commands in a folder; the environment holds nothing of whoever runs the tests."""

    def __init__(self, folder):
        self.binary = find_binary()
        self.folder = Path(folder)

    def env(self, extra=None):
        env = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "TMPDIR": str(self.folder),
               "LC_ALL": "C.UTF-8"}
        for name in ("LSAN_OPTIONS", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS",
                     "GCOV_PREFIX", "GCOV_PREFIX_STRIP", "LLVM_PROFILE_FILE"):
            if name in os.environ:
                env[name] = os.environ[name]
        env.update(extra or {})
        return env

    def run(self, *args, stdin=b"", env=None, timeout=60, code=None, stdout=subprocess.PIPE):
        """Runs to the end; with code given, the exit code must be it."""
        done = subprocess.run([self.binary, *map(str, args)], input=stdin, cwd=self.folder,
                              env=self.env(env), timeout=timeout, check=False,
                              stdout=stdout, stderr=subprocess.PIPE)
        result = Result(done.returncode, done.stdout or b"", done.stderr.decode(errors="replace"))
        if code is not None:
            assert result.code == code, f"exit {result.code}, not {code}: {result.err[-2000:]}"
        return result

    def start(self, *args, env=None, **pipes):  # pipes: further arguments of Popen
        """Starts in the background; the caller ends it by its own pid."""
        return subprocess.Popen([self.binary, *map(str, args)], cwd=self.folder,
                                env=self.env(env), **pipes)

    def write(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path
