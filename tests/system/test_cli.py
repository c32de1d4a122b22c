"""The command line itself: usage errors, help, version, configuration."""

import json
import re

import pytest


def test_a_bare_call_prints_help_and_is_a_usage_error(program):
    result = program.run(code=2)
    assert "telltale COMMAND" in result.text


@pytest.mark.parametrize("args", [("--help",), ("-h",), ("help",), ("help", "score")])
def test_help_is_no_error(program, args):
    assert "telltale" in program.run(*args, code=0).text


def test_every_command_has_help(program):
    text = program.run("--help", code=0).text
    commands = re.findall(r"^  ([a-z]+) ", text, re.M)
    assert {"run", "demo", "score", "evaluate", "export", "config", "token", "version"} <= \
        set(commands)
    for command in commands:
        assert f"telltale {command}" in program.run(command, "--help", code=0).text


def test_version_is_said_in_both_ways(program):
    assert program.run("version", code=0).text.startswith("telltale ")
    assert program.run("--version", code=0).text == program.run("version", code=0).text
    assert json.loads(program.run("version", "--json", code=0).text)["version"]


@pytest.mark.parametrize("args, words", [
    (("scoer",), ("'scoer'", "did you mean score?")),
    (("evalaute", "x"), ("did you mean evaluate?",)),
    (("frobnicate",), ("'frobnicate'",)),
    (("score", "x", "--lable-delay", "1d"), ("--lable-delay", "did you mean --label-delay?")),
    (("score", "x", "--zzz"), ("--zzz", "score --help")),
    (("score", "x", "-z"), ("-z",)),
    (("score", "x", "--out"), ("--out", "value")),
    (("score", "x", "--json=1"), ("--json",)),
    (("score",), ("one file",)),
    (("score", "a", "b"), ("one file",)),
    (("score", "x", "--order", "sideways"), ("--order", "event-time")),
    (("score", "x", "--label-delay", "soon"), ("--label-delay", "soon")),
    (("score", "x", "--max-rejects", "-1"), ("--max-rejects",)),
    (("run", "extra"), ("extra",)),
    (("demo", "extra"), ("extra",)),
    (("demo", "--for", "never"), ("--for",)),
    (("demo", "--seed", "x"), ("--seed",)),
    (("export", "extra"), ("extra",)),
    (("version", "extra"), ("extra",)),
    (("token",), ("create",)),
    (("token", "create"), ("--role",)),
    (("token", "create", "--role", "king"), ("viewer",)),
    (("token", "create", "--scope", "everything"), ("ingest",)),
    (("token", "create", "--role", "admin", "--scope", "ingest"), ("--role",)),
    (("token", "create", "--role", "admin", "--ttl", "long"), ("--ttl",)),
    (("config", "explain"), ("check",)),
])
def test_usage_errors_exit_2_and_name_what_is_wrong(program, args, words):
    program.write("x", "")
    result = program.run(*args, code=2)
    assert result.out == b""
    for word in words:
        assert word in result.err, result.err


def test_a_double_dash_ends_the_options(program):
    program.write("--odd", "")
    program.run("score", "--", "--odd", code=0)


CONFIG_ERRORS = [
    ("http:\n  prot: 8081\n", ("t.yaml:2:3", "prot", "port")),
    ("htpp:\n  port: 8081\n", ("t.yaml:1:1", "htpp", "http")),
    ("http:\n  port: many\n", ("t.yaml:2:", "http.port", "many")),
    ("http:\n  port: 70000\n", ("t.yaml:2:", "65535")),
    ("http: {port: 1}\nhttp: {port: 2}\n", ("t.yaml:2:1", "http")),
    ("store: {durability: powr}\n", ("t.yaml:1:", "power")),
    ("ingest: {skew_max: 5}\n", ("t.yaml:1:", "skew_max")),
    ("alerts:\n  webhook:\n    secret: ${env:NO_SUCH_SECRET}\n", ("t.yaml:3:", "NO_SUCH_SECRET")),
    ("alerts:\n  webhook:\n    secret: ${file:/no/such/file}\n", ("t.yaml:3:", "/no/such/file")),
    ("http: [1, 2\n", ("t.yaml:",)),
    ("a: &x 1\nb: *x\n", ("t.yaml:",)),
    ("- 1\n", ("t.yaml:1:",)),
    ("http: \xff\n", ("t.yaml",)),
    ("attributes: {vip: integer}\n", ("t.yaml:1:", "vip")),
    ("features: {file: nowhere.yaml}\n", ("nowhere.yaml",)),
]


@pytest.mark.parametrize("text, words", CONFIG_ERRORS)
@pytest.mark.parametrize("command", [("config", "check"), ("run", "--data", "d")])
def test_a_config_mistake_stops_the_start_and_names_the_place(program, command, text, words):
    program.write("t.yaml", text.encode("latin-1"))
    result = program.run(*command, "--config", "t.yaml", code=1)
    for word in words:
        assert word in result.err, result.err


@pytest.mark.parametrize("item, words", [
    ("http.prot=1", ("http.port",)), ("http.port=x", ("http.port",)), ("http.port", ("http.port",)),
    ("seed=-1", ("seed",)),
])
def test_set_is_checked_like_the_file(program, item, words):
    result = program.run("config", "check", "--set", item)
    assert result.code in (1, 2)
    for word in words:
        assert word in result.err, result.err


def test_config_show_says_every_key_but_no_secret(program):
    secret = "whsec_" + "A" * 43 + "="
    program.write("t.yaml", "alerts: {webhook: {secret: '${env:HOOK}', url: 'https://x.example/'}}\n")
    result = program.run("config", "show", "--config", "t.yaml", env={"HOOK": secret}, code=0)
    assert "durability" in result.text and "x.example" in result.text
    assert secret not in result.text
    shown = program.run("config", "show", "--json", "--config", "t.yaml", env={"HOOK": secret},
                        code=0).text
    assert secret not in shown and json.loads(shown)


def test_too_many_sets_are_not_forgotten(program):
    args = [arg for i in range(70) for arg in ("--set", f"seed={i}")]
    result = program.run("config", "show", *args)
    assert result.code == 2 or "69" in result.text, result.text


def test_the_configuration_is_found_where_it_should_be(program):
    program.write("telltale.yaml", "seed: 11\n")
    program.write("env.yaml", "seed: 12\n")
    program.write("given.yaml", "seed: 13\n")

    def seed(*args, env=None):
        text = program.run("config", "show", "--json", *args, env=env, code=0).text
        return json.loads(text)["seed"]
    assert seed() == 11
    assert seed(env={"TELLTALE_CONFIG": "env.yaml"}) == 12
    assert seed("--config", "given.yaml", env={"TELLTALE_CONFIG": "env.yaml"}) == 13
    assert seed("--config", "given.yaml", "--set", "seed=14") == 14
