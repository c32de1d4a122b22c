"""Waiting for a condition, with a deadline. Nothing in this suite sleeps for a fixed time."""

import threading
import time

POLL_S = 0.005


def until(condition, what, deadline_s=30.0):
    """Asks until the condition gives something true, and returns that; fails after the deadline."""
    end = time.monotonic() + deadline_s
    pause = threading.Event()
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not within {deadline_s:.0f} s: {what}"
        pause.wait(POLL_S)
