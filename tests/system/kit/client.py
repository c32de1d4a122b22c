"""A plain HTTP/1.1 client: one connection kept alive, headers and bytes exactly as given."""

import http.client
import json
import socket
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

PROBLEM = "application/problem+json"
NDJSON = "application/x-ndjson"


@dataclass
class Answer:
    status: int
    headers: dict = field(default_factory=dict)
    body: bytes = b""

    def json(self):
        return json.loads(self.body)

    def lines(self):
        return [json.loads(line) for line in self.body.splitlines()]

    def problem(self, status, code=None):
        """Checks that this is a problem (RFC 9457) of that status, and returns it."""
        assert self.status == status, (self.status, self.body[:300])
        assert self.headers["content-type"] == PROBLEM
        document = self.json()
        assert document["status"] == status and document["title"] and document["detail"]
        if code is not None:
            assert document["code"] == code, document
        return document


class Client:
    def __init__(self, port, token=None, timeout=30):
        self.port = port
        self.token = token
        self.timeout = timeout
        self.connection = None

    def call(self, method, path, body=None, headers=None, token=...):
        sent = {"Host": f"127.0.0.1:{self.port}"}
        token = self.token if token is ... else token
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        sent.update(headers or {})
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port,
                                                         timeout=self.timeout)
        try:
            self.connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in sent.items():
                self.connection.putheader(name, value)
            if body is not None:
                self.connection.putheader("Content-Length", str(len(body)))
            self.connection.endheaders(body)
            response = self.connection.getresponse()
            answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()},
                            response.read())
        except BaseException:
            self.close()
            raise
        if response.will_close:
            self.close()
        return answer

    def get(self, path, params=None, **kwargs):
        return self.call("GET", path + ("?" + urlencode(params) if params else ""), **kwargs)

    def post(self, record, path="/transactions", media="application/json", **kwargs):
        body = record if isinstance(record, bytes) else json.dumps(record).encode()
        headers = {"Content-Type": media, **kwargs.pop("headers", {})}
        return self.call("POST", path, body, headers=headers, **kwargs)

    def post_lines(self, records, **kwargs):
        body = b"\n".join(r if isinstance(r, bytes) else json.dumps(r).encode() for r in records)
        return self.post(body, media=NDJSON, **kwargs)

    def transaction(self, transaction_id, user_id=None):
        return self.get("/transactions/" + quote(transaction_id, safe=""),
                        {"user_id": user_id} if user_id else None)

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None


def raw(port, data, timeout=30):
    """Sends bytes as they are and reads until the server closes."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as sock:
        try:
            sock.sendall(data)
            while piece := sock.recv(65536):
                received += piece
        except (ConnectionResetError, BrokenPipeError):
            pass  # closed while there was something left to read: the answer may be lost
    return received


def head(method, path, token=None, host="127.0.0.1", extra=()):
    """The bytes of a request's head, for raw()."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *extra]
    if token is not None:
        lines.append(f"Authorization: Bearer {token}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
