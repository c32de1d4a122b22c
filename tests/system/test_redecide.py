"""`telltale redecide` and its call: any stored decision made again, bit for bit."""

import json

import pytest

from kit.traffic import Traffic


@pytest.fixture
def stored(make_server):
    server = make_server(sets=["alert_budget_per_day=2"])  # so that some are held
    records = Traffic(17, gap_s=300).records(1500)
    answers = server.client().post_lines(records).lines()
    return server, records, answers


def test_every_decision_over_http_is_made_again_to_the_same_bits(stored):
    server, records, answers = stored
    client = server.client()
    picked = answers[::25] + [a for a in answers if a["anomaly_id"]]
    assert any(a["alerted"] for a in picked) and any(a["alert"] == "held" for a in picked)
    for answer in picked:
        made = client.get("/redecide/" + answer["transaction_id"]).json()
        assert made["same"] and made["detections_same"] and made["decision_same"]
        assert made["missing"] is None and made["again"] == made["stored"]
        assert made["stored"]["score"] == answer["score"]


def test_the_command_finds_transactions_and_anomalies(stored):
    server, records, answers = stored
    server.stop()
    program = server.program
    one = next(a for a in answers if a["anomaly_id"])
    for id_ in (answers[3]["transaction_id"], answers[-1]["transaction_id"], one["anomaly_id"]):
        result = program.run("redecide", id_, "--data", server.data, code=0)
        assert "the same bits" in result.text
    made = json.loads(program.run("redecide", one["anomaly_id"], "--data", server.data, "--json",
                                  code=0).text)
    assert made["same"] and made["stored"]["anomaly_id"] == one["anomaly_id"]


def test_what_is_missing_is_said(stored):
    server, records, answers = stored
    server.stop()
    program = server.program
    last = answers[-1]["transaction_id"]
    result = program.run("redecide", "no-such-one", "--data", server.data, code=1)
    assert "no-such-one" in result.err
    result = program.run("redecide", last, "--data", server.data, "--rules", "none", code=1)
    assert "belongs to setup" in result.text
    made = json.loads(program.run("redecide", last, "--data", server.data, "--rules", "none",
                                  "--json", code=1).text)
    assert made["missing"] == "setup" and made["again"] is None and not made["same"]
    # before the first epoch closed nothing was learned, and nothing is stored of it
    first = program.run("redecide", answers[0]["transaction_id"], "--data", server.data,
                        "--rules", "none", code=1)
    assert "is not in the store" in first.text
    program.run("redecide", "--data", server.data, code=2)


def test_an_id_of_two_users_needs_the_user(stored):
    server, records, answers = stored
    twin = dict(records[-1], user_id="u-twin")
    server.client().post(twin)
    assert server.client().get("/redecide/" + twin["transaction_id"]).status == 409
    server.stop()
    result = server.program.run("redecide", twin["transaction_id"], "--data", server.data, code=1)
    assert "--user" in result.err
    server.program.run("redecide", twin["transaction_id"], "--user", "u-twin", "--data",
                       server.data, code=0)
