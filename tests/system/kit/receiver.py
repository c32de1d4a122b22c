"""A webhook receiver that answers what it is told and keeps what it got."""

import base64
import hashlib
import hmac
import http.server
import threading
from dataclasses import dataclass

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


@dataclass
class Delivery:
    id: str
    timestamp: str
    signature: str
    body: bytes
    status: int

    def expected_signature(self, secret=SECRET):
        """`v1,` and base64 of HMAC-SHA256 over "id.timestamp.body" (Standard Webhooks)."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = f"{self.id}.{self.timestamp}.".encode() + self.body
        return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


class Receiver:
    """statuses: the answers to the first deliveries; 200 after them."""

    def __init__(self, statuses=(), port=0):
        self.deliveries = []
        self._statuses = list(statuses)
        self._changed = threading.Condition()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with receiver._changed:
                    status = receiver._statuses.pop(0) if receiver._statuses else 200
                    receiver.deliveries.append(Delivery(
                        self.headers["webhook-id"], self.headers["webhook-timestamp"],
                        self.headers["webhook-signature"], body, status))
                    receiver._changed.notify_all()
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def sets(self):
        """Settings of a server that delivers here."""
        return [f"alerts.webhook.url=http://127.0.0.1:{self.port}/hook",
                f"alerts.webhook.secret={SECRET}",
                f"alerts.webhook.allow_private=[127.0.0.1:{self.port}]"]

    def wait(self, condition, what, deadline_s=30.0):
        """Waits until the condition holds for the deliveries so far."""
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self.deliveries), deadline_s), \
                f"not within {deadline_s} s: {what}; got {len(self.deliveries)}"
            return list(self.deliveries)

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
