"""Old days are dropped by store.retention, and never those that the windows need."""

from kit.client import Client
from kit.rules import RULES

RECORD = {"amount": "10.00", "currency": "EUR", "user_id": "u-1"}
OLD = {**RECORD, "transaction_id": "old", "timestamp": "2026-01-01T10:00:00Z"}
RECENT = {**RECORD, "transaction_id": "recent", "timestamp": "2026-04-01T10:00:00Z"}


def test_days_past_the_retention_are_dropped_and_others_kept(make_server):
    server = make_server()
    client = server.client()
    assert client.post(OLD).status == 200
    assert client.post(RECENT).status == 200
    server.program.write("rules.yaml", RULES)
    server.program.run("rules", "backtest", "rules.yaml", "--data", server.data, code=0)
    segment = server.program.folder / "data/segments/2026-01-01.seg"
    assert segment.exists()
    server.stop()
    server.sets = ["store.retention=50d"]
    server.start()
    assert server.wait_event("old_days_dropped")["transactions"] == 1
    assert not segment.exists()  # the day's columns go with its rows
    client = Client(server.port, server.token("admin"))
    client.get("/transactions/old").problem(404, "no_such_transaction")
    assert client.get("/transactions/recent").status == 200


def test_a_retention_shorter_than_the_windows_is_refused(program):
    result = program.run("run", "--port", "0", "--set", "store.retention=7d", code=1)
    assert "store.retention" in result.err and "45 days" in result.err
