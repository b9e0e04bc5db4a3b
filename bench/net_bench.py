#!/usr/bin/env python3
"""The server as its users meet it: binary, start to listening, idle memory, 1000 WebSocket viewers of one run at 10 frames/s.

    bench/net_bench.py BUILD [VIEWERS]

NNS_BENCH_STORE names a data directory whose store has 1e8 points (tools/bench: the one that bench_store left).
"""
import http.client
import json
import os
import resource
import selectors
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time

BUILD = sys.argv[1] if len(sys.argv) > 1 else "build"
VIEWERS = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
STORE = os.environ.get("NNS_BENCH_STORE")
PROGRAM = os.path.join(BUILD, "bin", "nnscope")
FRAMES_PER_SECOND, SECONDS = 10, 10
over = False


def line(name, figure, unit, budget):
    global over
    ok = figure <= budget
    over = over or not ok
    print("%s %.4g %s %g %s" % (name, figure, unit, budget, "ok" if ok else "OVER"), flush=True)


def stripped_megabytes(folder):
    out = os.path.join(folder, "stripped")
    subprocess.run(["strip", "-o", out, PROGRAM], check=True)
    return os.path.getsize(out) / 1e6


class Server:
    def __init__(self, folder):
        begin = time.monotonic()
        self.process = subprocess.Popen([PROGRAM, "server", "--port", "0", "--dir", folder], stdout=subprocess.PIPE, text=True)
        address = self.process.stdout.readline().strip()
        self.start_ms = (time.monotonic() - begin) * 1000
        self.url, self.token = address.split("?token=")
        self.host = self.url.split("/")[2]
        self.address = (self.host.split(":")[0], int(self.host.split(":")[1]))

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection(*self.address, timeout=20)
        connection.request(method, path, body, {"Authorization": "Bearer " + self.token})
        reply = connection.getresponse().read()
        connection.close()
        return json.loads(reply)

    def megabytes(self):
        with open("/proc/%d/status" % self.process.pid) as f:
            fields = dict(entry.split(":", 1) for entry in f if ":" in entry)
        return int(fields["RssAnon"].split()[0]) / 1024

    def cpu_seconds(self):
        with open("/proc/%d/stat" % self.process.pid) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()


def masked(text):
    data, key = text.encode(), b"\1\2\3\4"
    body = bytes(b ^ key[i & 3] for i, b in enumerate(data))
    return bytes([0x81]) + (bytes([0x80 | len(data)]) if len(data) < 126 else bytes([0x80 | 126]) + struct.pack(">H", len(data))) + key + body


def viewer(server, run):
    s = socket.create_connection(server.address, timeout=10)
    s.sendall(("GET /api/v1/live HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nAuthorization: Bearer %s\r\n\r\n" % (server.host, server.token)).encode())
    got = b""
    while b"\r\n\r\n" not in got:
        got += s.recv(4096)
    assert b" 101 " in got.split(b"\r\n")[0], got
    s.sendall(masked(json.dumps({"type": "subscribe", "id": 1, "run": run, "series": ["sent"], "axis": "step", "from": 0, "buckets": 100,
                                 "rate": 60})))
    s.setblocking(False)
    return s


class Sender(threading.Thread):
    """Records the clock as a value, ten times a second, over one kept connection."""

    def __init__(self, server, run):
        super().__init__(daemon=True)
        self.server, self.run_id, self.step, self.over = server, run, 0, False

    def run(self):
        connection = http.client.HTTPConnection(*self.server.address, timeout=20)
        due = time.monotonic()
        while not self.over:
            body = json.dumps({"step": self.step, "sent": time.monotonic()})
            connection.request("POST", "/api/v1/runs/%s/points" % self.run_id, body, {"Authorization": "Bearer " + self.server.token})
            connection.getresponse().read()
            self.step += 1
            due += 1 / FRAMES_PER_SECOND
            time.sleep(max(0, due - time.monotonic()))


def receive(viewers, seconds):
    """Delays, in ms, of the frames that came within `seconds`: each ends with the newest value, the clock when it was sent."""
    delays = []
    ready = selectors.DefaultSelector()
    for s in viewers:
        ready.register(s, selectors.EVENT_READ)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for key, _ in ready.select(0.05):
            data = key.fileobj.recv(65536)
            now = time.monotonic()
            if len(data) > 100 and data[0] == 0x82:
                delay = now - struct.unpack("<d", data[-8:])[0]
                if 0 <= delay < 60:
                    delays.append(delay * 1000)
            elif not data:
                raise SystemExit("a viewer was turned out")
    ready.close()
    return sorted(delays)


def bench_viewers(server):
    run = server.call("POST", "/api/v1/runs", "{}")["id"]
    sender = Sender(server, run)
    sender.start()
    before = server.megabytes()
    viewers = [viewer(server, run) for _ in range(VIEWERS)]
    receive(viewers, 2)
    cpu, begin = server.cpu_seconds(), time.monotonic()
    delays = receive(viewers, SECONDS)
    share = (server.cpu_seconds() - cpu) / (time.monotonic() - begin) * 100
    line("viewers_cpu", share, "%_of_a_core", 50)
    line("viewers_delay_p99", delays[len(delays) * 99 // 100], "ms", 50)
    line("viewers_memory", server.megabytes() - before, "MB", 20)
    expected = VIEWERS * FRAMES_PER_SECOND * SECONDS
    print("%d viewers, %d frames of %d, delay median %.1f ms" % (VIEWERS, len(delays), expected, delays[len(delays) // 2]))
    sender.over = True
    for s in viewers:
        s.close()


def start_ms(folder):
    """Milliseconds from exec to listening, the median of five starts."""
    starts = []
    for _ in range(5):
        server = Server(folder)
        starts.append(server.start_ms)
        server.stop()
    return statistics.median(starts)


def main():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    folder = tempfile.mkdtemp(prefix="nnscope-bench-")
    try:
        line("server_binary", stripped_megabytes(folder), "MB", 10)
        line("server_start", start_ms(folder), "ms", 50)
        if STORE:
            line("server_start_1e8", start_ms(STORE), "ms", 50)
        server = Server(folder)
        time.sleep(1)
        line("server_idle_memory", server.megabytes(), "MB", 30)
        bench_viewers(server)
        server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if over else 0)


main()
