"""Fixtures: the program in a folder of its own, servers that end with their test."""

import pytest

from kit.program import Program
from kit.receiver import Receiver
from kit.server import Server


@pytest.fixture
def program(tmp_path):
    return Program(tmp_path)


def _server_factory(program, servers):
    def make(data="data", sets=(), start=True, **kwargs):
        server = Server(program, program.folder / data, sets, **kwargs)
        servers.append(server)
        return server.start() if start else server
    return make


@pytest.fixture
def make_server(program):
    servers = []
    yield _server_factory(program, servers)
    for server in servers:
        server.kill()


@pytest.fixture
def server(make_server):
    return make_server()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One server for the tests of a module that do not mind each other's transactions."""
    server = Server(Program(tmp_path_factory.mktemp("shared")), "data").start()
    yield server
    server.kill()


@pytest.fixture
def make_receiver():
    receivers = []

    def make(*args, **kwargs):
        receivers.append(Receiver(*args, **kwargs))
        return receivers[-1]
    yield make
    for receiver in receivers:
        receiver.close()
