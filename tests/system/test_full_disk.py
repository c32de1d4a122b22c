"""The disk is full while a server runs: it stops with the reason, and nothing acknowledged is lost."""

import resource
import subprocess

import pytest

from kit.traffic import Traffic

SIZE = 2 << 20


@pytest.fixture
def limited_folder(program):
    """A file system of a few MiB; needs to be root."""
    folder = program.folder / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", str(folder)],
                             capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("mounting a small file system is not permitted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(server, writes_max=400):
    """Sends until something is refused: the ids that were acknowledged, and how many records of the
    last request got no answer at all, which may be stored or not."""
    client, traffic, acknowledged = server.client(timeout=60), Traffic(95), []
    for _ in range(writes_max):
        records = traffic.records(50)
        try:
            answer = client.post_lines(records)
        except OSError:  # ended in the middle
            return acknowledged, len(records)
        lines = answer.lines() if answer.status == 200 else []
        acknowledged += [line["transaction_id"] for line in lines if "score" in line]
        if len(lines) != 50 or any("score" not in line for line in lines):
            refused = [line for line in lines if "score" not in line] or [answer.json()]
            assert all(line["status"] == 503 for line in refused), refused[0]
            return acknowledged, 0
    raise AssertionError("the disk never filled")


def check_ended(server):
    assert server.process.wait(30) == 1
    server.stop()
    failed = server.events("pipeline_failed")
    assert failed and "telltale.db" in failed[0]["msg"]
    assert any("telltale: stopped:" in line for line in server.log if line)


def check_kept(server, acknowledged, unanswered):
    client = server.client()
    stored = client.get("/status").json()["transactions"]
    assert 0 < len(acknowledged) <= stored <= len(acknowledged) + unanswered
    for transaction_id in acknowledged[-50:]:
        assert client.transaction(transaction_id).status == 200


def test_a_file_that_may_not_grow_stops_the_server_and_loses_nothing(make_server):
    server = make_server(start=False)
    server.preexec_fn = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (SIZE, SIZE))
    server.start()
    acknowledged, unanswered = fill(server)
    check_ended(server)
    server.preexec_fn = None
    server.start()
    check_kept(server, acknowledged, unanswered)


def test_a_full_disk_stops_the_server_and_loses_nothing(make_server, limited_folder):
    ballast = limited_folder / "ballast"
    ballast.write_bytes(b"x" * (256 << 10))
    server = make_server("small/data")
    acknowledged, unanswered = fill(server)
    check_ended(server)
    ballast.unlink()  # somebody makes room
    server.start()
    check_kept(server, acknowledged, unanswered)
    assert server.stop() == 0


def test_a_full_disk_at_the_start_is_named(program, limited_folder):
    (limited_folder / "ballast").write_bytes(b"x" * (SIZE - 16384))
    result = program.run("run", "--data", "small/data", "--port", "0", code=1)
    assert "small/data" in result.err, result.err
