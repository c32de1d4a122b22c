"""GET /anomalies and GET /anomalies/{id}: filters, pages, and nothing seen twice."""

import re
import threading
from datetime import timedelta

import pytest

from kit.program import Program
from kit.rules import AMOUNTS, settings
from kit.server import Server
from kit.traffic import START, stamp

COUNT = 300


def payment(i, severity, **fields):
    return {"transaction_id": f"t-{i}", "timestamp": stamp(START + timedelta(minutes=i // 3)),
            "amount": AMOUNTS[severity], "currency": "EUR", "user_id": f"u-{i % 7}",
            "merchant_id": f"m-{i % 5}", **fields}


def severity_of(i):
    return ("none", "low", "medium", "high", "critical")[i % 5]


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    program = Program(tmp_path_factory.mktemp("anomalies"))
    server = Server(program, "data", settings(program)).start()
    records = [payment(i, severity_of(i)) for i in range(COUNT)]
    answers = server.client().post_lines(records).lines()
    assert [a["severity"] for a in answers] == [severity_of(i) for i in range(COUNT)]
    yield server
    server.kill()


@pytest.fixture(scope="module")
def client(stored):
    return stored.client("viewer")


def walk(client, params, on_page=None, via="cursor"):
    """All items of a list, page by page."""
    items, path, query = [], "/anomalies", dict(params)
    while True:
        answer = client.get(path, query)
        assert answer.status == 200, answer.body
        page = answer.json()
        items += page["items"]
        if on_page is not None:
            on_page()
        cursor = page["next_cursor"]
        link = answer.headers.get("link")
        assert (cursor is None) == (link is None)
        if cursor is None:
            return items
        if via == "cursor":
            query = {**params, "cursor": cursor}
        else:
            path, rel = re.fullmatch(r'<([^>]+)>; rel="([a-z]+)"', link).groups()
            assert rel == "next"
            query = None


def ids(items):
    return [item["transaction"]["transaction_id"] for item in items]


def expected(keep):
    return {f"t-{i}" for i in range(COUNT) if severity_of(i) != "none" and keep(i)}


def test_a_list_is_newest_first(client):
    items = walk(client, {"limit": 1000})
    times = [item["transaction"]["timestamp"] for item in items]
    assert times == sorted(times, reverse=True) and len(items) == COUNT * 4 // 5


@pytest.mark.parametrize("via", ["cursor", "link"])
@pytest.mark.parametrize("limit", [1, 7, 50, 240, 1000])
def test_pages_walk_all_exactly_once(client, limit, via):
    found = ids(walk(client, {"limit": limit}, via=via))
    assert len(found) == len(set(found)) and set(found) == expected(lambda i: True)


def test_the_default_page_has_50(client):
    assert len(client.get("/anomalies").json()["items"]) == 50


@pytest.mark.parametrize("params, keep", [
    ({"severity": "high"}, lambda i: severity_of(i) == "high"),
    ({"user_id": "u-3"}, lambda i: i % 7 == 3),
    ({"merchant_id": "m-2"}, lambda i: i % 5 == 2),
    ({"user_id": "u-3", "severity": "low"}, lambda i: i % 7 == 3 and severity_of(i) == "low"),
    ({"user_id": "nobody"}, lambda i: False),
    ({"detector": "rules"}, lambda i: True),
    ({"status": "open"}, lambda i: True),
    ({"status": "dismissed"}, lambda i: False),
    ({"min_score": "0"}, lambda i: True),
    ({"min_score": "1"}, lambda i: False),
    ({"from": stamp(START + timedelta(minutes=10)), "to": stamp(START + timedelta(minutes=20))},
     lambda i: 10 <= i // 3 < 20),
    ({"from": str(int((START.timestamp() + 600) * 1000))}, lambda i: i // 3 >= 10),
    ({"to": stamp(START)}, lambda i: False),
])
def test_filters_keep_exactly_what_they_say(client, params, keep):
    found = ids(walk(client, {**params, "limit": 9}))
    assert len(found) == len(set(found)) and set(found) == expected(keep)


def test_from_is_inclusive_and_to_exclusive(client):
    moment = stamp(START + timedelta(minutes=30))
    after = stamp(START + timedelta(minutes=30, milliseconds=1))
    at = ids(client.get("/anomalies", {"from": moment, "to": after}).json()["items"])
    assert set(at) == expected(lambda i: i // 3 == 30)
    assert client.get("/anomalies", {"from": moment, "to": moment}).json()["items"] == []


def test_min_score_keeps_what_is_at_least_that(client):
    items = walk(client, {"limit": 1000})
    bound = sorted({item["score"] for item in items})[1]
    found = walk(client, {"limit": 1000, "min_score": repr(bound)})
    assert ids(found) == [i for i, item in zip(ids(items), items) if item["score"] >= bound]


@pytest.mark.parametrize("params", [
    {"limit": "0"}, {"limit": "1001"}, {"limit": "-1"}, {"limit": "ten"}, {"limit": ""},
    {"severity": "urgent"}, {"severity": "none"}, {"min_score": "2"}, {"min_score": "nan"},
    {"min_score": "x"}, {"from": "yesterday"}, {"to": "2024-02-30T00:00:00Z"},
    {"status": "closed"}, {"detector": "oracle"}, {"cursor": "nonsense"}, {"cursor": ""},
    {"limits": "5"}, {"offset": "5"},
])
def test_bad_and_unknown_parameters_are_400_and_named(client, params):
    problem = client.get("/anomalies", params).problem(400, "bad_parameter")
    assert next(iter(params)) in problem["detail"]


def test_a_parameter_given_twice_is_not_half_ignored(client):
    answer = client.call("GET", "/anomalies?severity=low&severity=high")
    assert answer.status in (200, 400)


def test_one_anomaly_has_its_evidence(client):
    item = client.get("/anomalies", {"severity": "critical", "limit": 1}).json()["items"][0]
    one = client.get("/anomalies/" + item["anomaly_id"])
    assert one.status == 200 and one.json() == item
    assert item["decision"] == "block" and item["status"] == "open"
    assert item["reasons"] and all(r["message"] for r in item["reasons"])
    assert item["transaction"]["amount"] == AMOUNTS["critical"]
    assert {"bundle", "features"} <= set(item["versions"])


def test_unknown_anomalies_are_404(client):
    item = client.get("/anomalies", {"limit": 1}).json()["items"][0]["anomaly_id"]
    for name in ("nothing", "x" * 500, item[:-1], item + "0", item[:-1] + "?"):
        client.get("/anomalies/" + name).problem(404)


def test_the_answer_to_a_payment_names_its_anomaly(stored, client):
    answer = stored.client().post(payment(9, "high", transaction_id="named")).json()
    assert client.get("/anomalies/" + answer["anomaly_id"]).json()["transaction"][
        "transaction_id"] == "named"
    small = stored.client().post(payment(9, "none", transaction_id="small")).json()
    assert small["anomaly_id"] is None


def test_a_walk_sees_all_old_ones_once_while_new_ones_arrive(make_server, program):
    server = make_server(sets=settings(program))
    writer = server.client()
    old = [payment(i, "high") for i in range(200)]
    writer.post_lines(old)
    numbers = iter(range(1000, 100000))

    def arrive():
        """Newer ones, ones in between and ones of the same instant as an old one."""
        for _ in range(3):
            i = next(numbers)
            at = START + timedelta(minutes=(i * 7) % 90)
            writer.post(payment(i, "high", timestamp=stamp(at)))
    found = ids(walk(server.client("viewer"), {"limit": 10}, on_page=arrive))
    assert len(found) == len(set(found))
    assert {record["transaction_id"] for record in old} <= set(found)


def test_anomalies_are_there_after_a_restart(make_server, program):
    server = make_server(sets=settings(program))
    server.client().post_lines([payment(i, "high") for i in range(20)])
    before = walk(server.client("viewer"), {"limit": 7})
    server.kill()
    server.start()
    assert walk(server.client("viewer"), {"limit": 7}) == before


def test_readers_and_writers_at_once_see_whole_pages(make_server, program):
    server = make_server(sets=settings(program))
    server.token("viewer"), server.token()
    failures, done = [], threading.Event()

    def read():
        client = server.client("viewer")
        while not done.is_set():
            items = walk(client, {"limit": 100})
            if len(ids(items)) != len(set(ids(items))):
                failures.append("twice")
    readers = [threading.Thread(target=read) for _ in range(2)]
    for thread in readers:
        thread.start()
    client = server.client()
    for i in range(0, 600, 20):
        client.post_lines([payment(k, "high") for k in range(i, i + 20)])
    done.set()
    for thread in readers:
        thread.join(30)
    assert not failures
    assert len(walk(server.client("viewer"), {"limit": 1000})) == 600
