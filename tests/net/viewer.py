"""A page that looks at everything inside a network, as often as it is told to."""
import json
import struct
import threading

from harness import WebSocket

EVERYTHING = ["units", "weights", "gradients", "updates", "outcome", "classes", "correlation", "values", "matrices"]
LOOK = 1  # kind of a capture


def capture_kind(payload):
    return struct.unpack_from("<H", payload, 6)[0] if payload[:4] == b"NNSC" else 0


class Viewer:
    """Follows the curves and looks at everything; counts the frames and captures that it got."""

    def __init__(self, server, run, rate=10):
        self.frames = self.looks = 0
        self.link = WebSocket(server)
        self.link.message("hello")
        self.send(type="watch", id=1, run=run)
        self.send(type="subscribe", id=2, run=run, series=["*"], buckets=500)
        self.send(type="look", id=3, run=run, what=EVERYTHING, rate=rate, links_rate=rate, strongest=3000)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def send(self, **message):
        self.link.send(json.dumps(message))

    def read(self):
        try:
            while True:
                opcode, payload = self.link.frame()
                self.frames += opcode == 2
                self.looks += opcode == 2 and capture_kind(payload) == LOOK
                if opcode == 9:
                    self.link.send(payload, opcode=10)
        except (ConnectionError, OSError):
            pass
