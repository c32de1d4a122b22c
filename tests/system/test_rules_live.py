"""Rules that change while transactions run: by file, by signal, by the API, over crashes."""

import json
import signal
import threading

import pytest

from kit.chaos import differing, read_export
from kit.client import Client
from kit.rules import DETECTORS
from kit.traffic import Traffic
from kit.waiting import until

RULE = '{{id: {id}, description: "{id}", when: "amount > {above}", severity: high, ' \
       'decision: {decision}, score: 0.9, mode: {mode}}}'


def one_rule(above, decision="review", rule_id="dear", mode="live", more=""):
    rule = RULE.format(id=rule_id, above=above, decision=decision, mode=mode)
    return f"rules:\n  - {rule}\n{more}"


def payment(n, amount):
    return {"transaction_id": f"p-{n}", "timestamp": f"2026-03-01T10:{n // 60:02d}:{n % 60:02d}Z",
            "amount": amount, "currency": "EUR", "user_id": f"u-{n % 7}"}


@pytest.fixture
def served(make_server):
    """A server over a rules file of one rule, and only rules decide."""
    server = make_server(start=False)
    program = server.program
    program.write("rules.yaml", one_rule("100.0"))
    program.write("only-rules.yaml", DETECTORS)
    server.config = program.write("telltale.yaml", f"""
rules: {{file: {program.folder}/rules.yaml}}
detectors: {{file: {program.folder}/only-rules.yaml}}
""")
    server.sets = ["rules.watch=false"]
    return server.start()


@pytest.fixture
def in_database(served):
    served.stop()
    served.sets += ["rules.master=database", "rules.coverage_min=0"]
    return served.start()


def decision(client, n, amount):
    answer = client.post(payment(n, amount))
    assert answer.status == 200, answer.body
    return answer.json()["decision"]


def rules(client):
    return client.get("/rules").json()


def wait_live(client, version):
    until(lambda: rules(client)["version"] == version, f"version {version} is live")
    return rules(client)


def reload(server, text):
    server.program.write("rules.yaml", text)
    server.process.send_signal(signal.SIGHUP)


def publish(client, text, reason="because"):
    return client.post({"rules": text, "reason": reason}, path="/rules")


def test_a_signal_swaps_the_rules_between_two_payments(served):
    client = served.client()
    assert rules(client)["version"] == 1 and rules(client)["live_from"] == 1
    assert decision(client, 1, "150.00") == "review"
    reload(served, one_rule("200.0", "block"))
    now = wait_live(client, 2)
    assert decision(client, 2, "150.00") == "allow"
    assert decision(client, 3, "250.00") == "block"
    assert now["live_from"] == 3  # one payment and the mark
    versions = client.get("/rules/versions").json()["items"]
    assert [v["live_from"] for v in versions] == [1, 3]
    assert versions[1]["author"] == "configuration" and versions[1]["reason"]
    text = client.get("/rules/versions/2").json()["rules"]
    assert "200.0" in text
    client.get("/rules/versions/9").problem(404, "no_such_version")


def test_a_changed_file_is_seen_and_a_broken_one_refused(served):
    served.stop()
    served.sets.remove("rules.watch=false")
    served.start()
    client = served.client()
    decision(client, 1, "5.00")
    served.program.write("rules.yaml", one_rule("200.0"))
    wait_live(client, 2)
    for text, words in [
        ("rules: [{id: a", "rules.yaml:"),
        (one_rule("amonut"), "unknown name"),
        (one_rule("1.0") + "  - " + RULE.format(id="dear", above="2.0", decision="allow",
                                                mode="live"), "dear"),
        (one_rule("1.0").replace("score: 0.9", "score: 0.9, tests: "
                                 "[{given: {amount: 5.0}, expect: pass}]"), "expects pass"),
        ("rules: &a [*a, *a]", "rules.yaml:"),
        ("rules: " + "[" * 5000, "rules.yaml:"),
        ("rules: [{id: \"\xff\"}]".encode("latin-1"), "rules.yaml"),
    ]:
        count = len(served.events("rules_refused"))
        if isinstance(text, bytes):
            (served.program.folder / "rules.yaml").write_bytes(text)
        else:
            served.program.write("rules.yaml", text)
        until(lambda: len(served.events("rules_refused")) > count, "a refusal")
        assert words in served.events("rules_refused")[-1]["msg"]
        assert rules(client)["version"] == 2
    assert decision(client, 2, "150.00") == "allow" and decision(client, 3, "250.00") == "review"
    served.program.write("rules.yaml", one_rule("300.0"))
    wait_live(client, 3)


def test_decisions_under_many_versions_replay_bit_for_bit(served):
    """Payments go on while the rules change; nothing is lost or decided twice."""
    client = served.client()
    records = Traffic(31, gap_s=200).records(900)
    chunks = [records[i:i + 30] for i in range(0, len(records), 30)]
    answers = []

    def feed():
        own = Client(served.port, served.token("admin"))
        for chunk in chunks:
            answers.extend(own.post_lines(chunk).lines())

    feeder = threading.Thread(target=feed)
    feeder.start()
    for version in range(2, 8):
        reload(served, one_rule(f"{version * 15}.0", "block" if version % 2 else "review"))
        wait_live(client, version)
    feeder.join()
    assert len(answers) == len(records)
    assert [a["transaction_id"] for a in answers] == [r["transaction_id"] for r in records]
    for record in records[::90]:
        assert client.get(f"/redecide/{record['transaction_id']}").json()["same"] is True
    served.stop()
    path = served.export()
    served.program.run("score", path, "--order", "recorded", "--out", "a.jsonl", "--config",
                       served.config, code=0)
    scored = [json.loads(line) for line in
              (served.program.folder / "a.jsonl").read_text().splitlines()]
    stored = [row["decision"] for row in read_export(path)]
    assert len(stored) == len(records) and differing(stored, scored) == 0
    assert len({row["bundle"] for row in read_export(path)}) > 1


def test_a_killed_server_knows_which_version_was_live(served):
    client = served.client()
    decision(client, 1, "150.00")
    reload(served, one_rule("200.0"))
    before = wait_live(client, 2)
    assert decision(client, 2, "150.00") == "allow"
    served.kill()
    served.start()
    client = Client(served.port, served.token("admin"))
    after = rules(client)
    assert (after["version"], after["live_from"]) == (2, before["live_from"])
    assert not served.events("setup_changed")
    assert decision(client, 3, "150.00") == "allow" and decision(client, 4, "250.00") == "review"


@pytest.mark.parametrize("pause", range(6))
def test_a_kill_during_a_reload_leaves_one_of_the_two(served, pause):
    client = served.client()
    client.post_lines(Traffic(3 + pause).records(200))
    reload(served, one_rule("200.0", "block"))
    for n in range(pause * 5):
        decision(client, n, "5.00")
    served.kill()
    served.start()
    client = Client(served.port, served.token("admin"))
    now = until(lambda: (found := rules(client))["version"] >= 2 and found, "the file is live")
    assert decision(client, 1000, "150.00") == "allow"
    assert decision(client, 1001, "250.00") == "block"
    versions = client.get("/rules/versions").json()["items"]
    live = [v["live_from"] for v in versions if v["live_from"] is not None]
    assert live == sorted(live) and now["version"] == versions[-1]["version"]
    served.stop()
    path = served.export()
    served.program.run("score", path, "--order", "recorded", "--out", "a.jsonl", "--config",
                       served.config, code=0)
    scored = [json.loads(line) for line in
              (served.program.folder / "a.jsonl").read_text().splitlines()]
    assert differing([row["decision"] for row in read_export(path)], scored) == 0


def test_a_file_that_changed_while_the_server_was_stopped_is_a_version(served):
    client = served.client()
    decision(client, 1, "150.00")
    served.stop()
    served.program.write("rules.yaml", one_rule("200.0"))
    served.start()
    client = Client(served.port, served.token("admin"))
    wait_live(client, 2)
    assert decision(client, 2, "150.00") == "allow"
    assert not served.events("setup_changed")


def test_the_api_publishes_and_rolls_back(in_database):
    client = in_database.client("analyst")
    admin = in_database.client()
    assert rules(client)["master"] == "database"
    assert decision(admin, 1, "150.00") == "review"
    answer = publish(client, one_rule("200.0", "block"), "quieter")
    assert answer.status == 202 and answer.json()["version"] == 2
    wait_live(client, 2)
    assert decision(admin, 2, "150.00") == "allow"
    assert publish(client, one_rule("200.0", "block")).json()["version"] == 2  # it is there already
    back = client.post({"version": 1, "reason": "too quiet"}, path="/rules/rollback")
    assert back.status == 202 and back.json()["version"] == 3
    wait_live(client, 3)
    assert decision(admin, 3, "150.00") == "review"
    versions = client.get("/rules/versions").json()["items"]
    assert [v["reason"] for v in versions[1:]] == ["quieter", "too quiet"]
    assert versions[0]["setup"] == versions[2]["setup"]
    in_database.program.write("rules.yaml", one_rule("900.0"))  # not the master
    in_database.stop()
    in_database.start()
    client = in_database.client()
    client = Client(in_database.port, in_database.token("admin"))
    assert rules(client)["version"] == 3 and decision(client, 4, "150.00") == "review"


@pytest.mark.parametrize("body, status, code", [
    ({"rules": "rules: [", "reason": "x"}, 422, "rules_invalid"),
    ({"rules": one_rule("amonut"), "reason": "x"}, 422, "rules_invalid"),
    ({"rules": one_rule("1.0").replace("score: 0.9", "score: 0.9, tests: [{given: {amount: 5.0}, "
                                       "expect: pass}]"), "reason": "x"}, 422, "rules_invalid"),
    ({"rules": one_rule("1.0")}, 400, "bad_body"),
    ({"rules": one_rule("1.0"), "reason": ""}, 400, "bad_body"),
    ({"rules": one_rule("1.0"), "reason": "x", "who": "me"}, 400, "bad_body"),
    ({"rules": ["a"], "reason": "x"}, 400, "bad_body"),
])
def test_what_cannot_be_published_changes_nothing(in_database, body, status, code):
    client = in_database.client("analyst")
    client.post(body, path="/rules").problem(status, code)
    client.post({"version": 77, "reason": "x"}, path="/rules/rollback").problem(
        404, "no_such_version")
    client.post({"version": "one", "reason": "x"}, path="/rules/rollback").problem(400, "bad_body")
    assert [v["version"] for v in client.get("/rules/versions").json()["items"]] == [1]


def test_rules_whose_tests_see_too_little_are_not_published(in_database):
    in_database.stop()
    in_database.sets.remove("rules.coverage_min=0")
    in_database.start()
    client = Client(in_database.port, in_database.token("admin"))
    publish(client, one_rule("1.0")).problem(422, "rules_invalid")
    tested = one_rule("1.0").replace("score: 0.9", "score: 0.9, tests: [{given: {amount: 5.0}, "
                                     "expect: fire}, {given: {amount: 0.5}, expect: pass}]")
    assert publish(client, tested).status == 202
    wait_live(client, 2)


def test_the_other_master_is_refused(served, in_database):
    in_database.process.send_signal(signal.SIGHUP)
    assert in_database.wait_event("reload_ignored")
    client = in_database.client("viewer")
    client.post({"rules": one_rule("1.0"), "reason": "x"}, path="/rules").problem(403)


def test_files_as_master_refuse_the_api(served):
    publish(served.client(), one_rule("1.0")).problem(409, "rules_in_files")


def test_shadow_hits_are_counted_and_decide_nothing(served):
    client = served.client()
    reload(served, one_rule("100.0", "block", mode="shadow"))
    wait_live(client, 2)
    for n in range(5):
        assert decision(client, n, "150.00") == "allow"
    (rule,) = rules(client)["rules"]
    assert rule["mode"] == "shadow" and rule["hits"] == 5
    assert client.get("/anomalies").json()["items"] == []


def test_a_publish_before_a_kill_is_live_or_comes(in_database):
    client = in_database.client()
    client.post_lines(Traffic(8).records(300))
    assert publish(client, one_rule("200.0", "block")).status == 202
    in_database.kill()
    in_database.start()
    client = Client(in_database.port, in_database.token("admin"))
    wait_live(client, 2)
    assert decision(client, 1, "250.00") == "block"


def test_a_list_in_a_file_survives_a_restart_with_the_database_as_master(make_server):
    server = make_server(start=False)
    program = server.program
    program.write("blocked.txt", "m-1\n")
    program.write("rules.yaml", "lists: {blocked: {file: blocked.txt}}\n"
                  "rules:\n  - {id: listed, description: listed, severity: high, "
                  "when: 'merchant_id in blocked', decision: review, score: 0.9}\n")
    server.sets = [f"rules.file={program.folder}/rules.yaml", "rules.master=database",
                   "rules.coverage_min=0"]
    for _ in range(3):  # the first start stores the version, the others find it in force
        server.start()
        assert decision(Client(server.port, server.token("admin")), 1, "5.00") == "allow"
        assert rules(Client(server.port, server.token("viewer")))["version"] == 1
        assert server.stop() == 0
