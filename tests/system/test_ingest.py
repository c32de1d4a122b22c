"""POST /transactions and POST /labels: what is taken, what is refused, and the same again."""

import json
import socket
import threading
from datetime import datetime, timedelta, timezone

import pytest

from kit.client import NDJSON, Client, head, raw
from kit.traffic import START, Traffic, stamp
from kit.waiting import until

GOOD = {"transaction_id": "t", "timestamp": "2024-03-01T12:30:05.123Z", "amount": "412.50",
        "currency": "EUR", "user_id": "u"}
COUNT = iter(range(1_000_000))


@pytest.fixture(scope="module")
def client(shared):
    return shared.client()


def fresh(**fields):
    return {**GOOD, "transaction_id": f"fresh-{next(COUNT)}", **fields}


# Answers

def test_a_transaction_is_scored_and_answered(client):
    record = fresh()
    answer = client.post(record)
    assert answer.status == 200 and answer.headers["content-type"] == "application/json"
    decision = answer.json()
    assert decision["transaction_id"] == record["transaction_id"]
    assert {"score", "p_value", "severity", "decision", "alerted", "detectors", "reasons",
            "versions", "anomaly_id", "user_id"} <= set(decision)
    stored = client.transaction(record["transaction_id"]).json()
    assert stored["decision"] == decision
    assert stored["transaction"]["amount"] == "412.50"
    assert stored["transaction"]["timestamp"] == record["timestamp"]


@pytest.mark.parametrize("amount", ['"412.5"', "412.5", "412.50", "4.125e2", '"412.500"'])
def test_an_amount_is_a_number_or_a_text_and_exact(client, amount):
    record = fresh()
    text = json.dumps(record).replace('"412.50"', amount)
    assert client.post(text.encode()).status == 200
    assert client.transaction(record["transaction_id"]).json()["transaction"]["amount"] == "412.50"


def test_amounts_survive_where_a_double_would_not(client):
    record = fresh(amount="9007199254740.93")
    assert client.post(record).status == 200
    stored = client.transaction(record["transaction_id"]).json()["transaction"]
    assert stored["amount"] == "9007199254740.93"


def test_currencies_have_their_own_decimals(client):
    for currency, amount, status in (("JPY", "412", 200), ("JPY", "412.5", 422),
                                     ("KWD", "1.234", 200), ("KWD", "1.2345", 422)):
        assert client.post(fresh(currency=currency, amount=amount)).status == status


def test_zero_is_an_amount(client):
    assert client.post(fresh(amount="0")).status == 200


def test_epoch_milliseconds_are_a_timestamp(client):
    record = fresh(timestamp=1709296205123)
    assert client.post(record).status == 200
    stored = client.transaction(record["transaction_id"]).json()["transaction"]
    assert stored["timestamp"] == "2024-03-01T12:30:05.123Z"


def test_ids_may_hold_any_text(client):
    for name in ("a/b?c#d%", "über-\U0001f600", "x" * 128, "' OR 1=1 --", "\\\"", "a b", "."):
        record = fresh(transaction_id=name, user_id=name)
        assert client.post(record).status == 200, name
        assert client.transaction(name).json()["transaction"]["user_id"] == name


# Bad input

@pytest.mark.parametrize("body, status, code", [
    (b"", 400, "empty_body"),
    (b"   ", 400, "json_syntax"),
    (b"{", 400, "json_syntax"),
    (b"[]", 422, "json_type"),
    (b"null", 422, "json_type"),
    (b'"text"', 422, "json_type"),
    (b"{}", 422, "missing_field"),
    (b'{"a":1}{"b":2}', 400, "json_syntax"),
    (b"\xff\xfe", 400, None),
    (b"{'a':1}", 400, "json_syntax"),
    (b'{"a":01}', 400, "json_syntax"),
    (b'{"a":NaN}', 400, "json_syntax"),
    (b'{"a":1,}', 400, "json_syntax"),
    (b'{"a":"\\ud800"}', 400, None),
    (b'{"a":"\x01"}', 400, None),
    (b'{"a":"\xc3\x28"}', 400, "bad_utf8"),
    (b"[" * 10000 + b"]" * 10000, None, None),
    (b'{"a":' * 10000 + b"1" + b"}" * 10000, 400, "too_deep"),
    (b'{"a":' * 10000, 400, None),
])
def test_what_is_no_record_is_a_problem(client, body, status, code):
    answer = client.post(body)
    answer.problem(status or answer.status, code)
    assert answer.status in (400, 422)


def test_malformed_json_is_answered_with_its_position(client):
    problem = client.post(b'{"transaction_id":"t",\n "amount": 12..5}').problem(400, "json_syntax")
    assert "line 2" in problem["detail"] and "column" in problem["detail"]


@pytest.mark.parametrize("fields, code", [
    ({"amount": "abc"}, "bad_amount"),
    ({"amount": True}, "bad_amount"),
    ({"amount": None}, "missing_field"),
    ({"amount": -5}, "amount_negative"),
    ({"amount": 1e300}, "amount_range"),
    ({"amount": "1" * 400}, None),
    ({"amount": "1.001"}, "amount_decimals"),
    ({"currency": "BTC"}, "unknown_currency"),
    ({"currency": 5}, "json_type"),
    ({"timestamp": "2024-13-01T00:00:00Z"}, "bad_timestamp"),
    ({"timestamp": "2024-03-01T00:00:00"}, "bad_timestamp"),
    ({"timestamp": "9999-12-30T00:00:00Z"}, "timestamp_future"),
    ({"timestamp": -1}, "timestamp_range"),
    ({"timestamp": 1e20}, None),
    ({"transaction_id": ""}, None),
    ({"transaction_id": "x" * 129}, "id_size"),
    ({"transaction_id": 17}, "json_type"),
    ({"user_id": "a\u0000b"}, "control_character"),
    ({"type": "gift"}, "bad_type"),
    ({"merchant_category_code": "57"}, "bad_category_code"),
    ({"merchant_country": "Germany"}, "bad_country"),
    ({"latitude": 91, "longitude": 0}, "bad_position"),
    ({"latitude": 1}, "bad_position"),
    ({"ip": "300.1.1.1"}, "bad_ip"),
    ({"authorization": "perhaps"}, "bad_authorization"),
    ({"attributes": {"x": {"y": 1}}}, None),
])
def test_a_record_that_breaks_a_rule_is_422_with_its_code(client, fields, code):
    answer = client.post(fresh(**fields))
    if code is None:
        assert answer.status in (200, 422), answer.body
        return
    problem = answer.problem(422, code)
    assert next(iter(fields)) in problem["detail"] or code == "bad_position"


def test_a_field_given_twice_is_refused(client):
    text = json.dumps(fresh())[:-1] + ',"amount":"1.00"}'
    client.post(text.encode()).problem(422, "duplicate_key")


def test_refused_records_leave_nothing_behind(client):
    record = fresh(currency="XXX1")
    client.post(record).problem(422)
    client.transaction(record["transaction_id"]).problem(404, "no_such_transaction")


def test_other_media_types_get_415(client):
    for media in ("text/plain", "application/xml", "multipart/form-data; boundary=x", "json", ""):
        client.post(fresh(), media=media).problem(415, "media_type")
    assert client.post(fresh(), media="Application/JSON; charset=utf-8").status == 200


def test_other_methods_get_405_with_allow(client):
    for method, path, allow in (("PUT", "/transactions", "POST"), ("DELETE", "/anomalies", "GET"),
                                ("POST", "/status", "GET"), ("PATCH", "/labels", "POST")):
        answer = client.call(method, path)
        answer.problem(405, "method_not_allowed")
        allowed = {name.strip() for name in answer.headers["allow"].split(",")}
        assert allow in allowed and method not in allowed, (method, path, allowed)


def test_unknown_paths_get_404(client):
    for path in ("/nothing", "/transactions/a/b", "/anomalies/", "//status", "/Status", "/..",
                 "/app/../status"):
        answer = client.get(path)
        if path != "/app/../status":
            answer.problem(404)
        else:
            assert answer.status in (200, 404)


def test_a_malformed_target_is_a_problem(client):
    for path in ("/transactions/%zz", "/transactions/%00", "/transactions/%ff", "/status?a=%f"):
        client.get(path).problem(400, "bad_target")


# Card numbers

def test_a_card_number_is_tokenised_in_ids_and_masked_elsewhere(make_server):
    server = make_server(sets=["log.level=debug"])
    client = server.client()
    card = "4111111111111111"
    first = client.post(fresh(user_id=card, transaction_id="card-1", merchant_category=card))
    second = client.post(fresh(user_id=card, transaction_id="card-2"))
    bad = client.post(fresh(user_id=card, amount="x" + card))
    assert first.json()["user_id"] == second.json()["user_id"] != card
    stored = client.transaction("card-1")
    bad.problem(422)
    line = client.post_lines([b'{"user_id":"' + card.encode() + b'"'])
    server.stop()
    seen = b"".join(x.body for x in (first, second, bad, stored, line))
    seen += "\n".join(filter(None, server.log)).encode()
    for path in (server.program.folder / "data").iterdir():
        seen += path.read_bytes()
    assert card.encode() not in seen
    assert b"411111" not in stored.json()["transaction"]["user_id"].encode()


# Size

def test_a_body_over_the_limit_gets_413_and_memory_stays(make_server):
    server = make_server()
    client = server.client(timeout=60)
    client.post(fresh())
    before = server.rss_kib(peak=True)
    answer = client.post(b" " * (100 << 20))
    answer.problem(413, "body_too_large")
    assert server.rss_kib(peak=True) - before < 80 << 10
    assert client.post(fresh()).status == 200


def chunks(total, size=1 << 16):
    piece = b"%x\r\n" % size + b"x" * size + b"\r\n"
    for _ in range(total // size):
        yield piece
    yield b"0\r\n\r\n"


def test_a_body_without_length_over_the_limit_gets_413_and_memory_stays(make_server):
    server = make_server()
    server.client().post(fresh())
    before = server.rss_kib(peak=True)
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as sock:
        sock.sendall(head("POST", "/transactions", server.token(),
                          extra=("Content-Type: application/json", "Transfer-Encoding: chunked",
                                 "Connection: close")))
        for piece in chunks(40 << 20):
            sock.sendall(piece)
        received = b""
        while piece := sock.recv(65536):
            received += piece
    assert received.startswith(b"HTTP/1.1 413") and b"body_too_large" in received
    assert server.rss_kib(peak=True) - before < 80 << 10


def test_an_endless_body_is_cut_off(make_server):
    server = make_server(sets=["http.body_max=64KiB"])
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as sock:
        sock.sendall(head("POST", "/transactions", server.token(),
                          extra=("Content-Type: application/json", "Transfer-Encoding: chunked")))
        with pytest.raises(OSError):
            for piece in chunks(64 << 20):
                sock.sendall(piece)
    assert server.client().post(fresh()).status == 200


def test_bad_content_lengths_are_refused(shared):
    for value in ("-1", "abc", "1e3", "18446744073709551616", "0x10", ""):
        answer = raw(shared.port, head("POST", "/transactions", shared.token(), extra=(
            "Content-Type: application/json", f"Content-Length: {value}", "Connection: close")))
        assert answer[9:10] in (b"4", b""), (value, answer[:60])
    assert shared.client().post(fresh()).status == 200


def test_a_huge_record_inside_the_body_limit_is_refused(client):
    client.post(fresh(note="x" * (2 << 20))).problem(422, "record_size")


def test_huge_headers_are_refused(shared):
    answer = raw(shared.port, head("GET", "/status", extra=("X-Big: " + "x" * 200000,)))
    assert answer[9:12] in (b"431", b"413", b"400", b"")
    assert Client(shared.port).get("/healthz").status == 200


# Batches

def test_a_batch_answers_every_line_in_order(client):
    records = [fresh() for _ in range(300)]
    lines = records[:]
    lines.insert(100, b"{oops")
    lines.insert(200, {**fresh(), "currency": "??"})
    answer = client.post_lines(lines)
    assert answer.status == 200 and answer.headers["content-type"] == NDJSON
    answers = answer.lines()
    assert len(answers) == len(lines)
    assert (answers[100]["status"], answers[100]["code"]) == (400, "json_syntax")
    assert (answers[200]["status"], answers[200]["code"]) == (422, "unknown_currency")
    for i, record in enumerate(lines):
        if i not in (100, 200):
            assert answers[i]["transaction_id"] == record["transaction_id"]


def test_blank_lines_and_crlf_in_a_batch_are_no_records(client):
    one, two = (json.dumps(fresh()).encode() for _ in range(2))
    answer = client.post(b"\n" + one + b"\r\n\r\n  \n" + two, media=NDJSON)
    assert len(answer.lines()) == 2 and all("score" in line for line in answer.lines())


def test_a_batch_of_nothing_is_refused(client):
    client.post(b"\n \n", media=NDJSON).problem(400, "empty_body")


def test_a_deep_line_does_not_spoil_its_neighbours(client):
    answers = client.post_lines([fresh(), b'{"a":' * 10000, fresh()]).lines()
    assert ["score" in line for line in answers] == [True, False, True]


# The same again

def test_a_duplicate_gets_the_same_bytes_and_counts_once(server):
    client = server.client()
    record = fresh()
    first = client.post(record)
    assert all(client.post(record).body == first.body for _ in range(3))
    reordered = dict(reversed(record.items()))
    assert client.post(reordered).body == first.body
    assert client.get("/status").json()["transactions"] == 1


def test_duplicates_within_one_body_are_answered_alike(server):
    client = server.client()
    record, other = fresh(), fresh()
    lines = client.post_lines([record, other, record, record]).body.splitlines()
    assert lines[0] == lines[2] == lines[3] != lines[1]
    assert client.get("/status").json()["transactions"] == 2


def test_duplicates_in_a_body_of_many_days_are_answered_alike(server):
    """Older than the memory of ids reaches, and not in the store yet when they come again."""
    days = [fresh(timestamp=stamp(START + timedelta(days=3 * i))) for i in range(20)]
    body = [days[0], *days[1:], *days[:10], {**days[3], "amount": "7.00"}]
    client = server.client()
    lines = client.post_lines(body).body.splitlines()
    assert lines[20:30] == lines[:10]
    assert json.loads(lines[30])["code"] == "id_conflict"
    assert client.get("/status").json()["transactions"] == 20


def test_a_duplicate_after_a_restart_gets_the_same_bytes(make_server):
    server = make_server()
    records = Traffic(61).records(400)
    client = server.client()
    first = client.post_lines(records).body
    server.stop()
    server.start()
    client = server.client()
    assert client.post_lines(records).body == first
    assert client.get("/status").json()["transactions"] == 400
    client.post({**records[0], "amount": "0.02"}).problem(409, "id_conflict")


def test_duplicates_of_one_in_flight_are_answered_alike(server):
    record = fresh()
    bodies = []
    barrier = threading.Barrier(8)

    def post():
        client = server.client()
        barrier.wait(20)
        bodies.append(client.post(record).body)
    server.token()
    threads = [threading.Thread(target=post) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(bodies) == 8 and len(set(bodies)) == 1
    assert server.client().get("/status").json()["transactions"] == 1


def test_a_duplicate_older_than_the_memory_of_ids_is_still_known(make_server):
    server = make_server(sets=["ingest.dedupe_horizon=1m", "ingest.dedupe_max=1000"])
    client = server.client()
    records = Traffic(62, gap_s=60).records(1500)
    first = client.post_lines(records).body.splitlines()
    again = client.post_lines(records[:5] + records[700:705]).body.splitlines()
    assert again == first[:5] + first[700:705]
    assert client.get("/status").json()["transactions"] == 1500


def test_other_content_under_a_known_id_is_409_and_changes_nothing(client):
    record = fresh()
    first = client.post(record)
    client.post({**record, "amount": "1.00"}).problem(409, "id_conflict")
    assert client.post(record).body == first.body
    answers = client.post_lines([record, {**record, "merchant_id": "m"}]).lines()
    assert [answer.get("code") for answer in answers] == [None, "id_conflict"]


def test_one_id_under_two_users_is_two_transactions(client):
    record = fresh()
    other = {**record, "user_id": "somebody else"}
    assert client.post(record).status == client.post(other).status == 200
    client.transaction(record["transaction_id"]).problem(409, "ambiguous_id")
    for wanted in (record, other):
        found = client.transaction(record["transaction_id"], wanted["user_id"])
        assert found.json()["transaction"]["user_id"] == wanted["user_id"]
    client.transaction(record["transaction_id"], "nobody").problem(404)


def test_unknown_parameters_of_a_transaction_are_refused(client):
    record = fresh()
    client.post(record)
    client.get("/transactions/" + record["transaction_id"], {"user": "u"}).problem(400)


# Labels

def test_a_label_is_taken_and_answered(client):
    record = fresh()
    client.post(record)
    label = {"transaction_id": record["transaction_id"], "label": "fraud"}
    answer = client.post(label, path="/labels")
    assert answer.status == 200
    assert answer.json()["label"] == "fraud" and answer.json()["user_id"] == "u"


def test_a_label_of_an_unknown_transaction_is_404(client):
    label = {"transaction_id": "never seen", "label": "fraud"}
    client.post(label, path="/labels").problem(404, "unknown_transaction")


def test_labels_are_checked(client):
    record = fresh()
    client.post(record)
    base = {"transaction_id": record["transaction_id"], "label": "fraud"}
    for fields, code in (({"label": "maybe"}, "bad_label"), ({"label": None}, "missing_field"),
                         ({"source": "gossip"}, "bad_label_source"),
                         ({"selection_probability": 2}, "bad_probability"),
                         ({"known_at": "soon"}, "bad_timestamp")):
        client.post({**base, **fields}, path="/labels").problem(422, code)
    client.post(b"{", path="/labels").problem(400, "json_syntax")
    ambiguous = {**record, "user_id": "other"}
    client.post(ambiguous)
    client.post(base, path="/labels").problem(409, "ambiguous_id")
    assert client.post({**base, "user_id": "other"}, path="/labels").status == 200


def test_a_batch_of_labels_answers_in_order(client):
    records = [fresh() for _ in range(3)]
    client.post_lines(records)
    labels = [{"transaction_id": r["transaction_id"], "label": "genuine"} for r in records]
    labels.insert(1, {"transaction_id": "never", "label": "fraud"})
    answers = client.post_lines(labels, path="/labels").lines()
    assert [a.get("code") for a in answers] == [None, "unknown_transaction", None, None]


def test_a_label_sent_twice_is_taken_twice_without_harm(client):
    record = fresh()
    client.post(record)
    label = {"transaction_id": record["transaction_id"], "label": "fraud",
             "known_at": "2024-03-02T00:00:00Z"}
    assert client.post(label, path="/labels").body == client.post(label, path="/labels").body


# Connections

def test_pipelined_requests_are_answered_in_order(shared):
    token = shared.token()
    bodies = [json.dumps(fresh()).encode() for _ in range(20)]
    data = b""
    for i, body in enumerate(bodies):
        extra = ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        if i == len(bodies) - 1:
            extra.append("Connection: close")
        data += head("POST", "/transactions", token, extra=extra) + body
    answers = raw(shared.port, data)
    places = [answers.find(json.loads(body)["transaction_id"].encode()) for body in bodies]
    assert answers.count(b"HTTP/1.1 200") == 20
    assert -1 not in places and places == sorted(places)


def test_one_connection_serves_many_requests(shared):
    client = shared.client()
    client.post(fresh())
    sock = client.connection.sock
    for _ in range(50):
        client.post(fresh())
    assert client.connection.sock is sock


def test_a_request_in_single_bytes_is_read(shared):
    body = json.dumps(fresh()).encode()
    data = head("POST", "/transactions", shared.token(), extra=(
        "Content-Type: application/json", f"Content-Length: {len(body)}", "Connection: close"))
    with socket.create_connection(("127.0.0.1", shared.port), timeout=30) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in data + body:
            sock.sendall(bytes([byte]))
        assert sock.recv(65536).startswith(b"HTTP/1.1 200")


def test_slow_clients_do_not_stop_the_others(shared):
    slow = [socket.create_connection(("127.0.0.1", shared.port)) for _ in range(50)]
    for sock in slow:
        sock.sendall(b"POST /transactions HTTP/1.1\r\nHost: localhost\r\nConte")
    assert shared.client(timeout=5).post(fresh()).status == 200
    for sock in slow:
        sock.close()


def test_a_client_gone_before_the_answer_loses_nothing(server):
    records = [fresh() for _ in range(500)]
    body = "\n".join(json.dumps(record) for record in records).encode()
    with socket.create_connection(("127.0.0.1", server.port)) as sock:
        sock.sendall(head("POST", "/transactions", server.token(), extra=(
            f"Content-Type: {NDJSON}", f"Content-Length: {len(body)}")) + body)
    client = server.client()
    until(lambda: client.get("/status").json()["transactions"] in (0, 500), "all or nothing")
    answers = client.post_lines(records).lines()
    assert all("score" in answer for answer in answers)
    assert client.get("/status").json()["transactions"] == 500


def test_expect_100_continue_is_honoured(shared):
    body = json.dumps(fresh()).encode()
    with socket.create_connection(("127.0.0.1", shared.port), timeout=10) as sock:
        sock.sendall(head("POST", "/transactions", shared.token(), extra=(
            "Content-Type: application/json", f"Content-Length: {len(body)}",
            "Expect: 100-continue")))
        assert sock.recv(1000).startswith(b"HTTP/1.1 100")
        sock.sendall(body)
        assert sock.recv(65536).startswith(b"HTTP/1.1 200")


def test_head_gives_the_headers_of_get_without_a_body(client, shared):
    for path in ("/healthz", "/status", "/anomalies", "/metrics"):
        answer = client.call("HEAD", path)
        assert answer.status == 200 and answer.body == b""
        assert answer.headers["content-type"] == client.get(path).headers["content-type"]
    assert Client(shared.port).call("HEAD", "/status").status == 401


def test_nonsense_on_the_wire_does_not_stop_the_server(shared):
    for data in (b"\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00" + b"\0" * 200,
                 b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", b"A" * 100000 + b"\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", shared.port), timeout=10) as sock:
            try:
                sock.sendall(data)
                sock.shutdown(socket.SHUT_WR)
                while sock.recv(65536):
                    pass
            except OSError:
                pass  # refused before all of it was read
    assert Client(shared.port).get("/healthz").status == 200


def test_a_full_intake_answers_429_with_retry_after(make_server):
    server = make_server(sets=["pipeline.queue_max=1MiB", "pipeline.events_max=64"])
    statuses = []
    traffic = [Traffic(70 + i, prefix=f"p{i}").records(6000) for i in range(6)]
    bodies = ["\n".join(map(json.dumps, records)).encode() for records in traffic]
    barrier = threading.Barrier(len(bodies))
    server.token()

    def post(body):
        client = server.client(timeout=60)
        barrier.wait(30)
        answer = client.post(body, media=NDJSON)
        statuses.append((answer.status, answer.headers.get("retry-after")))
        if answer.status == 429:
            answer.problem(429, "intake_full")
    threads = [threading.Thread(target=post, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    assert {status for status, _ in statuses} == {200, 429}, statuses
    assert all(wait for status, wait in statuses if status == 429)
    taken = sum(status == 200 for status, _ in statuses)
    assert server.client().get("/status").json()["transactions"] == 6000 * taken


def test_unknown_fields_are_dropped_rejected_or_kept_as_the_config_says(make_server):
    record = fresh(colour="red")
    for policy, status in (("drop", 200), ("reject", 422), ("attribute", 200)):
        server = make_server(policy, sets=[f"ingest.on_unknown_field={policy}"])
        client = server.client()
        assert client.post(record).status == status
        if status == 200:
            stored = client.transaction(record["transaction_id"]).json()["transaction"]
            assert ("red" in json.dumps(stored)) == (policy == "attribute")


def test_declared_attributes_are_typed(program, make_server):
    path = program.write("t.yaml", "attributes: {is_3ds: bool, basket: double, note: string}\n")
    client = make_server(config=path).client()
    good = fresh(attributes={"is_3ds": True, "basket": 3, "note": "x"})
    assert client.post(good).status == 200
    stored = client.transaction(good["transaction_id"]).json()["transaction"]
    assert stored["attributes"] == {"is_3ds": True, "basket": 3, "note": "x"}
    for name, value in (("is_3ds", 1), ("basket", "3"), ("note", True)):
        client.post(fresh(attributes={name: value})).problem(422, "bad_attribute")


def test_a_timestamp_ahead_of_the_clock_is_refused_beyond_the_skew(client):
    now = datetime.now(timezone.utc)
    assert client.post(fresh(timestamp=stamp(now + timedelta(minutes=2)))).status == 200
    client.post(fresh(timestamp=stamp(now + timedelta(hours=1)))).problem(422, "timestamp_future")
