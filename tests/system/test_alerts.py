"""Alerts by webhook: Standard Webhooks, at least once, distinct ids once."""

import json
import time

from kit.receiver import SECRET, Receiver
from kit.rules import settings
from test_anomalies import payment


def test_each_alert_is_delivered_once_and_signed(make_server, make_receiver, program):
    receiver = make_receiver()
    server = make_server(sets=settings(program) + receiver.sets())
    answers = server.client().post_lines(
        [payment(i, ("low", "medium", "high")[i % 3]) for i in range(60)]).lines()
    alerted = {a["anomaly_id"] for a in answers if a["alerted"]}
    assert len(alerted) == 40  # medium and high; low is below alerts.min_severity
    receiver.wait(lambda d: {x.id for x in d} >= alerted, "all alerts")
    server.stop()
    deliveries = receiver.deliveries
    assert len(deliveries) == len({d.id for d in deliveries}) == 40
    for delivery in deliveries:
        assert delivery.signature == delivery.expected_signature()
        assert abs(int(delivery.timestamp) - time.time()) < 120
        body = json.loads(delivery.body)
        assert body["type"] == "anomaly.created"
        assert body["data"]["anomaly_id"] == delivery.id and body["data"]["reasons"]


def test_a_failing_receiver_gets_the_same_id_again(make_server, make_receiver, program):
    receiver = make_receiver(statuses=[500, 503])
    server = make_server(sets=settings(program) + receiver.sets())
    server.client().post(payment(1, "high"))
    first = receiver.wait(lambda d: len(d) >= 3, "two failures and a success")
    assert [d.status for d in first] == [500, 503, 200]
    assert len({d.id for d in first}) == 1 and len({d.body for d in first}) == 1
    server.client().post(payment(2, "high"))
    later = receiver.wait(lambda d: len(d) >= 4, "the next alert")
    assert later[3].id != later[0].id


def test_a_refused_alert_is_not_sent_for_ever(make_server, make_receiver, program):
    receiver = make_receiver(statuses=[410])
    server = make_server(sets=settings(program) + receiver.sets())
    server.client().post_lines([payment(1, "high"), payment(2, "high")])
    deliveries = receiver.wait(lambda d: len(d) >= 2, "the second alert")
    assert deliveries[0].id != deliveries[1].id
    server.wait_event("alert_refused")


def test_what_was_not_delivered_is_delivered_after_a_restart(make_server, make_receiver, program):
    first = make_receiver(statuses=[500] * 1000)
    server = make_server(sets=settings(program) + first.sets())
    answers = server.client().post_lines([payment(i, "high") for i in range(5)]).lines()
    first.wait(lambda d: len(d) >= 1, "an attempt")
    server.kill()
    first.close()
    second = Receiver(port=first.port)
    try:
        server.start()
        wanted = {a["anomaly_id"] for a in answers}
        second.wait(lambda d: {x.id for x in d} >= wanted, "all of them")
        assert len(second.deliveries) == 5
    finally:
        second.close()


def test_a_delivered_alert_is_not_sent_again_after_a_restart(make_server, make_receiver, program):
    receiver = make_receiver()
    server = make_server(sets=settings(program) + receiver.sets())
    server.client().post(payment(1, "high"))
    receiver.wait(lambda d: len(d) >= 1, "the alert")
    assert server.stop() == 0
    server.start()
    server.client().post(payment(1, "high"))  # the same again is no new alert
    server.client().post(payment(2, "high"))
    receiver.wait(lambda d: len(d) >= 2, "the second alert")
    assert len({d.id for d in receiver.deliveries}) == len(receiver.deliveries) == 2


def test_a_route_added_later_gets_what_comes_from_then_on(make_server, make_receiver, program):
    receiver = make_receiver()
    server = make_server(sets=settings(program))
    server.client().post_lines([payment(i, "high") for i in range(20)])
    server.stop()
    server.sets = settings(program) + receiver.sets()
    server.start()
    answers = server.client().post_lines([payment(i, "high") for i in range(20, 25)]).lines()
    alerted = {a["anomaly_id"] for a in answers if a["alerted"]}
    assert len(alerted) == 5
    receiver.wait(lambda d: {x.id for x in d} >= alerted, "the new alerts")
    server.stop()
    assert {d.id for d in receiver.deliveries} == alerted


def test_a_dead_receiver_does_not_hold_up_scoring(make_server, make_receiver, program):
    receiver = make_receiver()
    sets = settings(program) + receiver.sets()
    receiver.close()
    server = make_server(sets=sets)
    client = server.client(timeout=10)
    answers = client.post_lines([payment(i, "high") for i in range(200)]).lines()
    assert all(answer["alerted"] for answer in answers)
    server.wait_event("alert_delivery_failed")
    assert client.get("/readyz").status == 200
    assert server.stop() == 0


def test_a_webhook_to_a_private_address_must_be_listed(make_server, make_receiver, program):
    receiver = make_receiver()
    sets = [s for s in receiver.sets() if "allow_private" not in s]
    result = program.run("run", "--data", "d", "--port", "0",
                         *[x for s in sets for x in ("--set", s)], code=1)
    assert "https" in result.err and "private" in result.err


def test_a_webhook_without_or_with_a_bad_secret_stops_the_start(program):
    url = "alerts.webhook.url=https://hooks.example.com/x"
    assert "alerts.webhook.secret" in program.run(
        "run", "--data", "d", "--port", "0", "--set", url, code=1).err
    result = program.run("run", "--data", "d", "--port", "0", "--set", url,
                         "--set", "alerts.webhook.secret=hunter2", code=1)
    assert "whsec_" in result.err and "hunter2" not in result.err


def test_the_log_has_each_alert_and_never_the_secret(make_server, make_receiver, program):
    receiver = make_receiver(statuses=[500])
    server = make_server(sets=settings(program) + receiver.sets() + ["log.level=debug"])
    answer = server.client().post(payment(1, "high")).json()
    receiver.wait(lambda d: len(d) >= 2, "the alert")
    server.wait_event("alert")
    server.stop()
    assert [e["anomaly_id"] for e in server.events("alert")] == [answer["anomaly_id"]]
    assert SECRET not in "\n".join(filter(None, server.log))


def test_one_user_is_alerted_once_in_the_dedupe_time(make_server, make_receiver, program):
    sets = [s for s in settings(program) if "dedupe" not in s]
    server = make_server(sets=sets)
    records = [payment(i * 3, "high", user_id="u") for i in range(10)]
    answers = server.client().post_lines(records).lines()
    assert [a["alerted"] for a in answers] == [True] + [False] * 9
    server.kill()
    server.start()
    more = server.client().post(payment(50, "high", user_id="u")).json()
    assert more["severity"] == "high" and more["alerted"] is False
