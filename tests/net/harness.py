"""A real `nnscope server` on a temporary directory, and clients that speak HTTP and WebSocket byte by byte.

The program under test is the last argument of the command line (or $NNSCOPE). Standard library only.
"""
import atexit
import base64
import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = os.environ.get("NNSCOPE") or (sys.argv.pop() if len(sys.argv) > 1 and os.path.exists(sys.argv[-1]) else "nnscope")


# What is promised in seconds is promised on a machine with time to spare; one that builds and tests beside gets so much more.
PATIENCE = 5


def folder(prefix="nnscope-net-"):
    """A folder of this test's own. It goes at the end, however that comes; NNS_KEEP leaves it there to be looked at."""
    path = tempfile.mkdtemp(prefix=prefix)
    if os.environ.get("NNS_KEEP"):
        atexit.register(print, "kept: " + path, file=sys.stderr)
    else:
        atexit.register(shutil.rmtree, path, True)
    return path


def remove(path):
    if not os.environ.get("NNS_KEEP"):
        shutil.rmtree(path, ignore_errors=True)


def end_at_exit(process):
    """None is left behind, also by a test that never came to its end. Before the folders go: last registered, first called."""
    atexit.register(lambda: process.poll() is None and (process.kill(), process.wait()))
    return process


def wait(what, ready, seconds=20 * PATIENCE, needs=()):
    """What `ready` gives once that is true. Ends at once with the last words of one of `needs` (a Server, a Trainer) that has died."""
    end = time.monotonic() + seconds
    while True:
        found = ready()
        if found:
            return found
        for one in needs:
            if one.has_died():
                raise AssertionError("waited for %s; %s" % (what, one.last_words()))
        if time.monotonic() > end:
            raise AssertionError("waited %g s for %s" % (seconds, what))
        time.sleep(0.02)


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def code(self):
        return self.json()["error"]["code"]


class Trainer(subprocess.Popen):
    """A program whose errors are kept in a file of `directory`: its last words."""

    def __init__(self, words, directory, **options):
        self.errors = os.path.join(directory, "trainer-%d.errors" % len(os.listdir(directory)))
        with open(self.errors, "w") as errors:
            super().__init__(words, stdout=subprocess.DEVNULL, stderr=errors, **options)
        end_at_exit(self)

    def has_died(self):
        """By itself: not well, and by none of the signals with which a test ends it."""
        return self.poll() not in (None, 0, -signal.SIGINT, -signal.SIGTERM, -signal.SIGKILL)

    def last_words(self):
        with open(self.errors) as f:
            return "%s has ended with %s: %s" % (self.args[0], self.returncode, f.read()[-2000:])


class Server:
    """Starts in a fresh directory, or in `directory` again."""

    def __init__(self, *options, directory=None):
        self.trainers = []
        self.directory = directory or folder()
        self.environment = dict(os.environ, NNSCOPE_DIR=self.directory, NNSCOPE_SHM=self.directory)
        for name in ("NNSCOPE_URL", "NNSCOPE_TOKEN", "NNSCOPE_RUN"):
            self.environment.pop(name, None)
        options = list(options) + ([] if "--port" in options else ["--port", "0"])
        self.errors = open(os.path.join(self.directory, "stderr"), "a+")
        self.process = subprocess.Popen([PROGRAM, "server", *options], env=self.environment, stdout=subprocess.PIPE,
                                        stderr=self.errors, text=True)
        end_at_exit(self.process)
        line = self.process.stdout.readline().strip()
        if "?token=" not in line:
            self.process.wait(10)
            self.process.stdout.close()
            self.errors.close()
            raise RuntimeError("no address: %r; %s" % (line, self.said()))
        self.url, self.token = line.split("?token=")
        self.host = self.url.split("/")[2]
        self.address = (self.host.rsplit(":", 1)[0].strip("[]"), int(self.host.rsplit(":", 1)[1]))
        self.port = self.address[1]

    def said(self):
        with open(self.errors.name) as f:
            return f.read()

    def has_died(self):
        return self.process.poll() is not None

    def last_words(self):
        return "the server has ended with %s: %s" % (self.process.returncode, self.said()[-2000:])

    def wait(self, what, ready, seconds=20 * PATIENCE):
        return wait(what, ready, seconds, [self, *self.trainers])

    def stop(self, how=signal.SIGTERM):
        """Ends the server; returns its exit status and the seconds it took."""
        begin = time.monotonic()
        self.process.send_signal(how)
        status = self.process.wait(20)
        self.process.stdout.close()
        self.errors.close()
        return status, time.monotonic() - begin

    def train(self, *options):
        """A network that trains on drawn digits until it is ended; `clean` does."""
        words = [PROGRAM, "train", "--digits", "--epochs", "0", "--steps", "1000000", "--threads", "1", "--quiet", *options]
        process = Trainer(words, self.directory, env=self.environment)
        self.trainers.append(process)
        return process

    def clean(self):
        for process in self.trainers:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait(30)
        try:
            if self.process.poll() is None:
                status, seconds = self.stop()
                with open(self.errors.name) as f:
                    assert status == 0 and seconds < 5, (status, seconds, f.read()[-3000:])
        finally:
            remove(self.directory)

    def command(self, *words):
        return subprocess.run([PROGRAM, *words], env=self.environment, capture_output=True, text=True, timeout=30 * PATIENCE)

    def add_token(self, name, scopes):
        reply = self.call("POST", "/api/v1/tokens", json.dumps({"name": name, "scopes": scopes}))
        assert reply.status == 201, reply.body
        return reply.json()["token"]

    def call(self, method, path, body=None, token="", headers=None, host=None):
        """token "": the first one; None: none."""
        with contextlib.closing(http.client.HTTPConnection(*self.address, timeout=20 * PATIENCE)) as connection:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            connection.putheader("Host", host or self.host)
            if token is not None:
                connection.putheader("Authorization", "Bearer " + (token or self.token))
            body = body.encode() if isinstance(body, str) else body
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            for name, value in (headers or {}).items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return Reply(answer.status, answer.headers, answer.read())

    def raw(self, data, seconds=5.0 * PATIENCE):
        """Sends bytes, returns all that comes until the server closes or `seconds` pass."""
        with socket.create_connection(self.address, timeout=seconds) as s:
            s.sendall(data)
            return drain(s, seconds)

    def alive(self):
        return self.call("GET", "/api/v1/runs").status == 200


def drain(s, seconds):
    got, end = bytearray(), time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            s.settimeout(max(0.01, end - time.monotonic()))
            piece = s.recv(65536)
            if not piece:
                break
            got += piece
    except OSError:
        pass
    return bytes(got)


class WebSocket:
    """Enough of RFC 6455 to be correct, or wrong on purpose."""

    def __init__(self, server, path="/api/v1/live", token="", origin=None, cookie=None, host=None, extra=""):
        self.s = socket.create_connection(server.address, timeout=10 * PATIENCE)
        lines = ["GET %s HTTP/1.1" % path, "Host: %s" % (host or server.host), "Upgrade: websocket", "Connection: Upgrade",
                 "Sec-WebSocket-Key: %s" % base64.b64encode(os.urandom(16)).decode(), "Sec-WebSocket-Version: 13"]
        if token is not None:
            lines.append("Authorization: Bearer " + (token or server.token))
        if origin:
            lines.append("Origin: " + origin)
        if cookie:
            lines.append("Cookie: " + cookie)
        self.s.sendall(("\r\n".join(lines) + "\r\n" + extra + "\r\n").encode())
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            piece = self.s.recv(4096)
            if not piece:
                break
            self.buffer += piece
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        self.status = int(head.split()[1]) if head else 0

    def _take(self, n):
        while len(self.buffer) < n:
            piece = self.s.recv(65536)
            if not piece:
                raise ConnectionError("closed")
            self.buffer += piece
        out, self.buffer = self.buffer[:n], self.buffer[n:]
        return out

    def frame(self):
        """(opcode, payload) of the next frame."""
        first, second = self._take(2)
        length = second & 127
        if length == 126:
            length = struct.unpack(">H", self._take(2))[0]
        elif length == 127:
            length = struct.unpack(">Q", self._take(8))[0]
        return first & 15, self._take(length)

    def message(self, wanted=None):
        """The next JSON message (of a type)."""
        while True:
            opcode, payload = self.frame()
            if opcode == 9:
                self.send(payload, opcode=10)
            elif opcode == 8:
                raise ConnectionError("closed with %d" % struct.unpack(">H", payload[:2])[0])
            elif opcode == 1:
                message = json.loads(payload)
                if wanted is None or message.get("type") == wanted:
                    return message

    def send(self, payload, opcode=1, final=True, masked=True, length=None, reserved=0):
        payload = payload.encode() if isinstance(payload, str) else payload
        length = len(payload) if length is None else length
        head = bytes([(0x80 if final else 0) | reserved << 4 | opcode])
        flag = 0x80 if masked else 0
        if length < 126:
            head += bytes([flag | length])
        elif length < 65536:
            head += bytes([flag | 126]) + struct.pack(">H", length)
        else:
            head += bytes([flag | 127]) + struct.pack(">Q", length)
        if masked:
            key = os.urandom(4)
            payload = key + bytes(b ^ key[i & 3] for i, b in enumerate(payload))
        self.s.sendall(head + payload)

    def closed(self, seconds=5.0 * PATIENCE):
        """The close code that the server sent (0: none, just closed); None while it stays open."""
        end = time.monotonic() + seconds
        try:
            while time.monotonic() < end:
                self.s.settimeout(max(0.01, end - time.monotonic()))
                opcode, payload = self.frame()
                if opcode == 8:
                    return struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else 0
        except ConnectionError:
            return 0
        except OSError:
            pass
        return None

    def close(self):
        self.s.close()


class ServerCase(unittest.TestCase):
    options = ()

    @classmethod
    def setUpClass(cls):
        cls.server = Server(*cls.options)

    @classmethod
    def tearDownClass(cls):
        cls.server.clean()

    def tearDown(self):
        if self.server.process.poll() is not None:
            self.fail(self.server.last_words())


def main():
    unittest.main(verbosity=1)
