"""A viewer that stops reading while 100 000 points a second come: the server's memory stays bounded, the viewer beside it
sees everything at its pace, and the slow one ends with all points too, or is told of the gap and given a snapshot.
"""
import json
import struct
import threading
import time

from harness import WebSocket
from faults import PATIENCE, FaultCase, main, wait_until

SNAPSHOT, LIVE = 1, 2
RAW, GAP = 1, 2
STOPS_S = 10
SERIES, RATE = 39, 2500  # 40 series of 2500 points a second


class Page:
    """What a page knows of all series: frames as src/server/frame.h draws them."""

    def __init__(self, server, run):
        self.link = WebSocket(server)
        self.link.message("hello")
        self.link.send(json.dumps({"type": "subscribe", "id": 1, "run": run, "series": ["count*"], "rate": 20}))
        self.reading, self.over = threading.Event(), False
        self.reading.set()
        self.points, self.last = {}, {}      # by series: ordinals below are known (-1: nothing is), and the last value
        self.frames = self.snapshots = self.gaps = 0
        self.waiting = self.longest = 0.0
        self.fault = None
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        came = time.monotonic()
        try:
            while True:
                self.reading.wait()
                opcode, payload = self.link.frame()
                self.longest, came = max(self.longest, time.monotonic() - came), time.monotonic()
                if opcode == 9:
                    self.link.send(payload, opcode=10)
                if opcode == 2:
                    self.take(payload)
        except (OSError, ConnectionError, ValueError) as end:
            self.fault = self.fault or (None if self.over else repr(end))

    def take(self, payload):
        magic, kind, _, _, blocks = struct.unpack_from("<IHHII", payload)
        assert magic == 0x31534E4E
        self.frames += 1
        self.snapshots += kind == SNAPSHOT
        at = 48
        for _ in range(blocks):
            size, flags, name, rows, _, first, after = struct.unpack_from("<IHHIIQQ", payload, at)
            self.block(kind, payload[at + 48:at + 48 + name], flags, rows, first, after, payload[at + 48 + (name + 7) // 8 * 8:at + size])
            at += size

    def block(self, kind, name, flags, rows, first, after, columns):
        known = self.points.get(name, 0)
        if kind == LIVE and (flags & GAP or first > known):
            self.gaps += 1
            if not flags & GAP and known >= 0:
                self.fault = "a hole that nobody told: %d to %d" % (known, first)
            self.points[name] = -1  # nothing is sure until the next snapshot
            return
        if kind == LIVE and (known < 0 or after <= known):
            return
        if rows:
            last = struct.unpack_from("<d", columns, 16 * rows + 8 * rows - 8)[0] if flags & RAW else self.last_of(columns, rows)
            self.last[name] = last
        self.points[name] = after

    def has(self, steps):
        return len(self.points) == SERIES + 1 and set(self.points.values()) == {steps}

    @staticmethod
    def last_of(columns, rows):
        floats = (4 * rows + 7) // 8 * 8
        return struct.unpack_from("<f", columns, 24 * rows + 3 * floats + 4 * (rows - 1))[0]

    def end(self):
        self.over = True
        self.reading.set()
        try:
            self.link.s.shutdown(2)
        except OSError:
            pass
        self.thread.join(5)
        self.link.close()


class Slow(FaultCase):
    def memory_mb(self, server):
        with open("/proc/%d/status" % server.process.pid) as f:
            return next(int(line.split()[1]) / 1024 for line in f if line.startswith("VmRSS"))

    def test_stops_for_ten_seconds(self):
        directory = self.make_directory()
        server = self.start(directory)
        recorder = self.recorder(directory, rate=RATE, series=SERIES, steps=RATE * (STOPS_S + 4), linger=4).reach(100)
        self.await_state(server, recorder.run, "running")
        quick, slow = Page(server, recorder.run), Page(server, recorder.run)
        self.addCleanup(quick.end)
        self.addCleanup(slow.end)
        self.assertTrue(wait_until(lambda: quick.frames > 3 and slow.frames > 3, 10))
        slow.reading.clear()
        quick.longest, seen, most = 0.0, quick.frames, 0.0
        end = time.monotonic() + STOPS_S
        while time.monotonic() < end:
            most = max(most, self.memory_mb(server))
            time.sleep(0.1)
        self.assertGreater(quick.frames - seen, 5 * STOPS_S)
        self.assertLess(quick.longest, PATIENCE)
        self.assertLess(slow.frames, quick.frames)
        slow.reading.set()
        self.assertTrue(wait_until(lambda: recorder.phase >= 2, 60))
        steps = recorder.logged + 1
        for page in (quick, slow):
            self.assertTrue(wait_until(lambda: page.has(steps), 10), "%s of %d" % (set(page.points.values()), steps))
            self.assertIsNone(page.fault)
            self.assertEqual(set(page.last.values()), {float(steps - 1)})
        most = max(most, self.memory_mb(server))
        print("server at most %.0f MB; quick: %d frames, %d snapshots, longest wait %.0f ms; slow: %d frames, %d snapshots, %d gaps" %
              (most, quick.frames, quick.snapshots, 1000 * quick.longest, slow.frames, slow.snapshots, slow.gaps))
        self.assertLess(most, 100)
        self.assertEqual(recorder.wait(), 0)
        self.assertEqual(recorder.dropped, 0)


if __name__ == "__main__":
    main()
