"""`telltale run` on a free loopback port with a data folder of its own, ended by its own pid."""

import json
import os
import signal
import subprocess
import threading

from kit.client import Client
from kit.waiting import until


class Server:
    def __init__(self, program, data, sets=(), config=None, env=None):
        self.program = program
        self.data = str(data)
        self.sets = list(sets)
        self.config = config
        self.env = env
        self.preexec_fn = None  # runs in the new process before the program
        self.process = None
        self.port = None
        self.log = []
        self._changed = threading.Condition()
        self._reader = None
        self._tokens = {}

    # Life

    def start(self, wait=True):
        args = ["run", "--data", self.data, "--port", "0"]
        for item in self.sets:
            args += ["--set", item]
        if self.config is not None:
            args += ["--config", str(self.config)]
        self.port = None
        self.log = []
        self.process = self.program.start(*args, env=self.env, stdin=subprocess.DEVNULL,
                                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                          preexec_fn=self.preexec_fn)
        self._reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self._reader.start()
        if wait:
            self.port = self.wait_event("ready")["port"]
        return self

    def _read(self, process):
        for line in process.stderr:
            with self._changed:
                self.log.append(line.decode(errors="replace").rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self.log.append(None)
            self._changed.notify_all()

    def events(self, name=None):
        found = [json.loads(line) for line in self.log if line and line.startswith("{")]
        return [event for event in found if name is None or event["event"] == name]

    def wait_event(self, name, deadline_s=30.0):
        """The first log line of that event; fails when the program ends without it."""
        def there():
            return self.events(name) or (self.log and self.log[-1] is None)
        with self._changed:
            assert self._changed.wait_for(there, deadline_s), f"no event {name}: {self.log[-5:]}"
            found = self.events(name)
        assert found, f"ended before {name}: {self.log[-5:]}"
        return found[0]

    def wait_status(self, condition, deadline_s=30.0):
        """GET /status once it is as said."""
        def there():
            status = self.client().get("/status").json()
            return status if condition(status) else None
        return until(there, "the status", deadline_s)

    def kill(self):
        self._end(signal.SIGKILL)

    def stop(self, deadline_s=30):
        """SIGTERM; returns the exit code."""
        return self._end(signal.SIGTERM, deadline_s)

    def _end(self, number, deadline_s=30):
        process, self.process = self.process, None
        if process is None:
            return None
        if process.poll() is None:
            os.kill(process.pid, number)
        try:
            code = process.wait(deadline_s)
        finally:
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
        self._reader.join(deadline_s)
        process.stderr.close()
        return code

    # Access

    def token(self, role="admin", *args):
        if args or role not in self._tokens:
            made = self.program.run("token", "create", "--role", role, "--data", self.data, *args,
                                    code=0).text.strip()
            if args:
                return made
            self._tokens[role] = made
        return self._tokens[role]

    def key(self, *scopes):
        return self.program.run("token", "create", "--scope", " ".join(scopes),
                                "--data", self.data, code=0).text.strip()

    def client(self, role="admin", **kwargs):
        return Client(self.port, self.token(role) if role else None, **kwargs)

    def export(self):
        """The stored log as the lines of `telltale export`; the server must have ended."""
        path = self.program.folder / "export.jsonl"
        args = ["--config", str(self.config)] if self.config is not None else []
        self.program.run("export", "--data", self.data, "--out", path, *args, code=0)
        return path

    def rss_kib(self, peak=False):
        name = "VmHWM:" if peak else "VmRSS:"
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith(name))
