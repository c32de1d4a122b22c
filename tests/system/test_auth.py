"""Who may do what: tokens, keys, Host and Origin, the sign-in code."""

import base64
import hashlib
import hmac
import json

import pytest

from kit.client import Client, raw
from kit.traffic import Traffic
from kit.waiting import until

# method, path, who may: roles and scopes
CALLS = [
    ("POST", "/transactions", {"admin", "ingest"}),
    ("GET", "/transactions/nothing", {"viewer", "analyst", "admin"}),
    ("POST", "/labels", {"analyst", "admin", "label"}),
    ("GET", "/anomalies", {"viewer", "analyst", "admin"}),
    ("GET", "/anomalies/nothing", {"viewer", "analyst", "admin"}),
    ("GET", "/status", {"viewer", "analyst", "admin"}),
]
CALLERS = ["viewer", "analyst", "admin", "ingest", "label", "metrics"]


@pytest.fixture(scope="module")
def credentials(shared):
    found = {role: shared.token(role) for role in CALLERS[:3]}
    found.update({scope: shared.key(scope) for scope in CALLERS[3:]})
    return found


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("method, path, allowed", CALLS)
def test_each_caller_may_what_the_table_says(shared, credentials, method, path, allowed, caller):
    answer = Client(shared.port, credentials[caller]).call(
        method, path, b"{" if method == "POST" else None, {"Content-Type": "application/json"})
    if caller in allowed:
        assert answer.status not in (401, 403)
    else:
        answer.problem(403, "forbidden")


def encode(document):
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def sign(server, text):
    secret = (server.program.folder / "data" / "secret").read_bytes()
    mac = hmac.new(secret, text.encode(), hashlib.sha256).digest()
    return text + "." + base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def bad_tokens(server):
    header, claims, signature = server.token("admin").split(".")
    decoded = json.loads(base64.urlsafe_b64decode(claims + "=="))
    # signed as the server does, but a day old: one that was made and waited for would take long
    past = encode({**decoded, "iat": decoded["iat"] - 90000, "exp": decoded["iat"] - 86400})
    expired = sign(server, header + "." + past)
    assert sign(server, header + "." + claims) == server.token("admin")
    return {
        "none at all": None,
        "empty": "",
        "nonsense": "nonsense",
        "unknown key": "ttk_" + "0" * 64,
        "alg none": encode({"alg": "none", "typ": "JWT"}) + "." + claims + ".",
        "alg none, signed": encode({"alg": "none"}) + "." + claims + "." + signature,
        "other algorithm": encode({"alg": "HS512", "typ": "JWT"}) + "." + claims + "." + signature,
        "changed role": header + "." + encode({**decoded, "role": "admin", "sub": "x"}) + "." +
                        signature,
        "changed signature": header + "." + claims + "." + signature[::-1],
        "no signature": header + "." + claims,
        "expired": expired,
        "sign-in code": server.token("admin", "--link"),
        "very long": "a" * 6000,
    }


def test_bad_tokens_get_401_everywhere(shared):
    for name, token in bad_tokens(shared).items():
        for method, path, _ in CALLS:
            answer = Client(shared.port, token).call(method, path,
                                                     b"x" if method == "POST" else None)
            problem = answer.problem(401, "unauthorized")
            assert answer.headers["www-authenticate"] == "Bearer", name
            assert token is None or token == "" or token not in json.dumps(problem)


def test_a_token_of_another_server_is_not_taken(shared, make_server):
    other = make_server("other")
    Client(shared.port, other.token("admin")).get("/status").problem(401)


def test_other_schemes_are_not_taken(shared):
    basic = base64.b64encode(b"admin:admin").decode()
    for value in (f"Basic {basic}", shared.token("admin"), "Bearer", "Bearer  "):
        answer = Client(shared.port).get("/status", headers={"Authorization": value})
        answer.problem(401, "unauthorized")


def test_the_scheme_is_case_insensitive_and_x_api_key_works(shared, credentials):
    token = credentials["viewer"]
    assert Client(shared.port).get("/status",
                                   headers={"Authorization": f"bearer {token}"}).status == 200
    answer = Client(shared.port).post(Traffic(51, prefix="key").record()[0],
                                      headers={"X-API-Key": credentials["ingest"]})
    assert answer.status == 200


def test_a_revoked_key_stops_working(make_server):
    server = make_server()
    keys = [server.key("ingest"), server.key("ingest")]
    clients = [Client(server.port, key) for key in keys]
    traffic = Traffic(52)
    for client in clients:
        assert client.post(traffic.record()[0]).status == 200
    path = server.program.folder / "data" / "api_keys.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    assert len(lines) == 2 and not any(key in "".join(lines) for key in keys)
    path.write_text(lines[1])
    until(lambda: clients[0].post(traffic.record()[0]).status == 401, "the key is forgotten", 10)
    assert clients[1].post(traffic.record()[0]).status == 200


def test_a_new_key_works_without_a_restart(server):
    assert Client(server.port, server.key("ingest")).post(Traffic(53).record()[0]).status == 200


def test_a_sign_in_code_is_good_once(shared):
    code = shared.token("analyst", "--link")
    client = Client(shared.port)
    first = client.post({"code": code}, path="/auth/exchange")
    assert first.status == 200
    document = first.json()
    assert document["expires_at"].endswith("Z")
    assert Client(shared.port, document["token"]).get("/anomalies").status == 200
    Client(shared.port, document["token"]).post({}).problem(403)
    client.post({"code": code}, path="/auth/exchange").problem(401, "bad_code")


def test_a_sign_in_code_stays_used_after_a_restart(make_server):
    server = make_server()
    code = server.token("analyst", "--link")
    assert Client(server.port).post({"code": code}, path="/auth/exchange").status == 200
    server.stop()
    server.start()
    Client(server.port).post({"code": code}, path="/auth/exchange").problem(401, "bad_code")


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"{", b'{"code":1}', b'{"code":""}',
                                  b'{"code":"' + b"x" * 5000 + b'"}'])
def test_a_bad_exchange_is_refused(shared, body):
    answer = Client(shared.port).post(body, path="/auth/exchange")
    assert answer.status in (400, 401)
    answer.problem(answer.status)


def test_an_access_token_is_no_sign_in_code(shared, credentials):
    Client(shared.port).post({"code": credentials["admin"]},
                             path="/auth/exchange").problem(401, "bad_code")


@pytest.mark.parametrize("host, good", [
    ("127.0.0.1", True), ("localhost", True), ("LOCALHOST:1234", True), ("[::1]:8080", True),
    ("evil.example", False), ("127.0.0.1.evil.example", False), ("localhost.evil.example", False),
    ("", False),
])
def test_only_our_names_are_taken_as_host(shared, credentials, host, good):
    for path in ("/status", "/app/", "/healthz"):
        answer = Client(shared.port, credentials["viewer"]).get(path, headers={"Host": host})
        assert (answer.status == 403) == (not good), (path, answer.status)


def test_a_request_without_host_is_refused(shared, credentials):
    text = f"GET /status HTTP/1.1\r\nAuthorization: Bearer {credentials['viewer']}\r\n" \
           "Connection: close\r\n\r\n"
    assert raw(shared.port, text.encode())[9:12] in (b"400", b"403")


@pytest.mark.parametrize("origin, good", [
    ("http://localhost:8080", True), ("http://127.0.0.1", True), ("https://[::1]", True),
    ("http://evil.example", False), ("null", False), ("http://localhost.evil.example", False),
    ("file://", False), ("http://evil.example#localhost", False),
    ("http://localhost@evil.example", False), ("http://localhost:80@evil.example", False),
])
def test_pages_of_other_sites_are_refused(shared, credentials, origin, good):
    answer = Client(shared.port, credentials["viewer"]).get("/status", headers={"Origin": origin})
    assert (answer.status == 200) == good, answer.body


def test_configured_hosts_are_ours_too(make_server):
    server = make_server(sets=["http.hosts=[fraud.example.com]"])
    client = server.client("viewer")
    assert client.get("/status", headers={"Host": "Fraud.Example.com:443"}).status == 200
    client.get("/status", headers={"Host": "example.com"}).problem(403, "foreign_host")


def test_identity_is_checked_before_anything_else_of_the_request(shared, credentials):
    client = Client(shared.port, credentials["viewer"])
    client.call("POST", "/transactions", b"x", {"Content-Type": "image/png"}).problem(403)
    Client(shared.port).get("/anomalies", {"limit": "x"}).problem(401)
    Client(shared.port).get("/transactions/t").problem(401)


def test_secrets_are_not_in_the_log(make_server):
    server = make_server(sets=["log.level=debug"])
    token, key = server.token("admin"), server.key("ingest")
    Client(server.port, token).get("/status")
    Client(server.port, key).post(Traffic(54).record()[0])
    Client(server.port).get("/status", headers={"Authorization": "Bearer nosuchsecret"})
    server.stop()
    text = "\n".join(filter(None, server.log))
    assert token not in text and key not in text and "nosuchsecret" not in text


def test_a_rate_limit_turns_callers_away_with_retry_after(make_server):
    server = make_server(sets=["auth.rate_limit=5"])
    client = server.client("viewer")
    answers = [client.get("/status") for _ in range(50)]
    turned = [answer for answer in answers if answer.status != 200]
    assert turned
    turned[0].problem(429, "rate_limited")
    assert turned[0].headers["retry-after"]
    assert Client(server.port).get("/healthz").status == 200
