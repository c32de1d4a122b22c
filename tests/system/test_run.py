"""`telltale run`: start, readiness, signals, folders and ports."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time

import pytest

from kit.client import Client, head, raw
from kit.traffic import Traffic
from kit.waiting import until


def test_start_to_ready_takes_few_seconds(make_server):
    began = time.monotonic()
    server = make_server()
    assert time.monotonic() - began < 5
    assert Client(server.port).get("/healthz").json() == {"status": "ok"}
    assert Client(server.port).get("/readyz").json() == {"status": "ready"}


def test_an_idle_server_is_small(server):
    Client(server.port).get("/readyz")
    if "asan" not in os.environ.get("TELLTALE_BUILD", ""):
        assert server.rss_kib() < 60 * 1024


def test_sigterm_answers_what_is_under_way_and_exits_0(server):
    """Everything that got an answer is stored; everything that was taken got one."""
    client = server.client()
    records = Traffic(41).records(4000)
    answers = []
    sent = threading.Event()

    def post():
        sent.set()
        answers.append(client.post_lines(records))
    thread = threading.Thread(target=post)
    thread.start()
    sent.wait(10)
    metrics = Client(server.port)
    until(lambda: b"telltale_transactions_accepted_total 0\n" not in metrics.get("/metrics").body,
          "the body is being worked on")
    assert server.stop() == 0
    thread.join(30)
    lines = answers[0].lines()
    assert len(lines) == len(records)
    stored = [line for line in lines if "score" in line]
    assert all(line.get("code") == "shutting_down" for line in lines if "score" not in line)
    exported = [json.loads(line) for line in server.export().read_text().splitlines()]
    ids = {line["transaction"]["transaction_id"] for line in exported if "decision" in line}
    assert {line["transaction_id"] for line in stored} == ids
    assert server.events("drained")


def test_sigint_ends_like_sigterm(server):
    os.kill(server.process.pid, signal.SIGINT)
    assert server.process.wait(20) == 0


def test_a_second_server_on_the_same_data_is_refused(server):
    result = server.program.run("run", "--data", server.data, "--port", "0", code=1)
    assert "in use" in result.err and server.data in result.err
    assert Client(server.port).get("/readyz").status == 200


def test_an_export_of_a_running_server_is_refused(server):
    result = server.program.run("export", "--data", server.data, code=1)
    assert "in use" in result.err


@pytest.mark.parametrize("key", ["http.port", "ops.port"])
def test_a_port_in_use_is_named_with_its_address(program, key):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        args = ["--set", "http.port=0"] if key == "ops.port" else []
        result = program.run("run", "--data", "d", *args, "--set", f"{key}={port}", code=1)
    assert "127.0.0.1" in result.err and str(port) in result.err and "in use" in result.err


def test_an_address_that_is_not_here_is_named(program):
    result = program.run("run", "--data", "d", "--set", "http.address=203.0.113.7", code=1)
    assert "203.0.113.7" in result.err


@pytest.mark.skipif(os.geteuid() == 0 and shutil.which("setpriv") is None,
                    reason="root reads everything, and there is no setpriv")
def test_a_data_folder_that_cannot_be_read_is_named(program):
    folder = program.folder / "locked"
    folder.mkdir()
    folder.chmod(0)
    args = [program.binary, "run", "--data", str(folder), "--port", "0"]
    if os.geteuid() == 0:
        for parent in [program.folder, *program.folder.parents][:3]:
            parent.chmod(parent.stat().st_mode | 0o055)
        args = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *args]
    done = subprocess.run(args, env=program.env(), capture_output=True, timeout=30, check=False)
    folder.chmod(0o700)
    if b"setpriv" in done.stderr or done.returncode in (126, 127):
        pytest.skip("this sandbox lets nobody be another user")
    assert done.returncode == 1 and str(folder) in done.stderr.decode()


def test_a_data_folder_that_is_a_file_is_named(program):
    program.write("file", "x")
    result = program.run("run", "--data", "file", "--port", "0", code=1)
    assert "file" in result.err and "folder" in result.err.lower() or "directory" in result.err


def test_a_database_that_is_none_is_named(program):
    (program.folder / "d").mkdir()
    program.write("d/telltale.db", b"not a database at all, but long enough to be looked at" * 40)
    result = program.run("run", "--data", "d", "--port", "0", code=1)
    assert "telltale.db" in result.err


def test_secrets_and_database_are_readable_by_the_owner_only(server):
    server.key("ingest")
    for root, _, names in os.walk(server.data):
        assert stat.S_IMODE(os.stat(root).st_mode) == 0o700
        for name in names:
            mode = stat.S_IMODE(os.stat(os.path.join(root, name)).st_mode)
            assert mode & 0o077 == 0, (name, oct(mode))


def test_every_log_line_is_one_json_object(server):
    client = server.client()
    client.post(b"{\n")
    client.post(Traffic(42).record()[0])
    server.stop()
    for line in filter(None, server.log):
        event = json.loads(line)
        assert {"ts", "level", "event", "msg"} <= set(event)


def test_readyz_says_503_while_draining(make_server):
    """A client that never ends its body keeps nothing from draining, so the moment is short: ask
    until the server is gone, on a connection that was open before."""
    server = make_server(sets=["pipeline.drain_timeout=20s"])
    client = server.client()
    body = Traffic(43).records(20000)
    thread = threading.Thread(target=lambda: client.post_lines(body))
    thread.start()
    probe = Client(server.port)
    until(lambda: b"telltale_transactions_accepted_total 0\n" not in probe.get("/metrics").body,
          "the body is being worked on")
    os.kill(server.process.pid, signal.SIGTERM)
    seen = []

    def draining():
        try:
            seen.append(probe.get("/readyz"))
        except OSError:
            return True
        return seen[-1].status == 503
    until(draining, "readyz says 503", 20)
    assert seen[-1].problem(503, "draining")["detail"] == "not ready: draining"
    assert seen[-1].headers["retry-after"]
    thread.join(30)
    assert server.process.wait(30) == 0


def test_ops_listener_serves_health_and_metrics_only(make_server):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    make_server(sets=[f"ops.port={port}"])
    ops = Client(port)
    assert ops.get("/healthz").status == 200 and ops.get("/readyz").status == 200
    assert b"telltale_build_info" in ops.get("/metrics").body
    ops.get("/anomalies").problem(404)
    ops.get("/status").problem(404)
    ops.post({}).problem(405)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_finds_nothing_wrong_with_the_metrics(server):
    client = server.client()
    client.post_lines(Traffic(44).records(300) + [b"bad"])
    client.get("/anomalies")
    text = client.get("/metrics").body
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True,
                          check=False)
    assert done.returncode == 0 and done.stderr == b"", done.stderr.decode()


def test_metrics_count_what_was_sent(server):
    client = server.client()
    records = Traffic(45).records(50)
    client.post_lines(records + records[:7] + [b"{", {**records[0], "amount": "0.01"}])
    text = client.get("/metrics").body.decode()
    for line in ("telltale_store_rows_total 50", "telltale_transactions_duplicate_total 7",
                 "telltale_transactions_conflict_total 1",
                 'telltale_records_rejected_total{reason="json_syntax"} 1'):
        assert line + "\n" in text, line


def test_status_counts_go_on_after_a_restart(make_server):
    server = make_server()
    server.client().post_lines(Traffic(46).records(30))
    server.stop()
    server.start()
    status = server.client().get("/status").json()
    assert status["transactions"] == 30 and status["status"] == "ok"
    assert {s["name"] for s in status["services"]} == {
        "data-ingestor", "feature-engineer", "stat-detector", "ml-detector", "rule-engine",
        "anomaly-aggregator", "api-server", "dashboard-frontend", "alerter"}


def test_sighup_does_not_end_the_server(server):
    os.kill(server.process.pid, signal.SIGHUP)
    server.wait_event("reload_ignored")
    assert Client(server.port).get("/readyz").status == 200


def test_a_client_that_hangs_does_not_keep_the_server_from_ending(server):
    with socket.create_connection(("127.0.0.1", server.port)) as slow:
        slow.sendall(head("POST", "/transactions", server.token(),
                          extra=("Content-Type: application/json", "Content-Length: 1000")) + b"{")
        assert Client(server.port).get("/healthz").status == 200
        assert server.stop() == 0


def test_raw_sockets_are_closed_at_the_end(server):
    assert raw(server.port, head("GET", "/healthz", extra=("Connection: close",)))[:12] == \
        b"HTTP/1.1 200"
