"""The program running as a user starts it: telltale demo, for the browser tests and the metrics."""

import re
import subprocess
import time
import urllib.request

from .context import LOGS, ROOT, Outcome, Trouble, need, say, tail

READY_S = 60
LINK = re.compile(r"(http://[\w.:\[\]-]+)/app/#token=[^\s\"\\]+")


class Live:
    """`with Live(context, log) as live`: a demo on a free port, ended when the block ends."""

    def __init__(self, context, log):
        self.binary = context.release()
        self.path = LOGS / f"{log}.log"
        self.url = self.link = self.child = None

    def __enter__(self):
        with open(self.path, "wb") as out:
            self.child = subprocess.Popen([self.binary, "demo", "--port", "0", "--json"], cwd=ROOT,
                                          stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        deadline = time.monotonic() + READY_S
        while True:
            found = LINK.search(self.path.read_text(errors="replace"))
            if found:
                self.link, self.url = found[0], found[1]
                return self
            if self.child.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise Trouble("telltale demo printed no sign-in link\n"
                              + tail(self.path.read_text(errors="replace")))
            time.sleep(0.05)

    def stop(self):
        """SIGTERM, and its exit status; SIGKILL if that is not heard."""
        self.child.terminate()
        try:
            return self.child.wait(timeout=40)
        except subprocess.TimeoutExpired:
            self.child.kill()
            return self.child.wait()

    def __exit__(self, kind, *_):
        ended = self.child.poll()
        status = self.stop() if ended is None else ended
        if kind is None and (ended is not None or status not in (0, 130)):
            raise Trouble(f"telltale demo ended with status {status}\n"
                          + tail(self.path.read_text(errors="replace")))


def metrics(context):
    """promtool finds nothing to complain about in what /metrics answers under traffic."""
    promtool = need("promtool")
    page = LOGS / "metrics.txt"
    with Live(context, "metrics-server") as live:
        with urllib.request.urlopen(f"{live.url}/metrics", timeout=10) as answer:
            page.write_bytes(answer.read())
    with open(page, "rb") as text:
        checked = subprocess.run([promtool, "check", "metrics"], stdin=text, capture_output=True,
                                 text=True, timeout=60, check=False)
    families = len(re.findall(r"^# TYPE telltale_", page.read_text(), re.M))
    said = (checked.stdout + checked.stderr).strip()
    good = checked.returncode == 0 and not said and families > 0
    say(f"  {families} metrics")
    if said:
        say(tail(said))
    return Outcome(int(good), int(not good))
