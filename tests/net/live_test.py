"""The live link and the event stream: upgrades, malformed frames, limits."""
import json
import os
import socket
import time

from harness import PATIENCE, Server, ServerCase, WebSocket, drain, main


class Live(ServerCase):
    def open(self, **options):
        ws = WebSocket(self.server, **options)
        self.addCleanup(ws.close)
        return ws

    def test_hello(self):
        ws = self.open()
        self.assertEqual(ws.status, 101)
        hello = ws.message()
        self.assertEqual(hello["type"], "hello")
        self.assertEqual(hello["version"], json.loads(self.server.call("GET", "/api/v1/server").body)["version"])
        if hello["build"]:  # of the page that is served
            self.assertEqual(hello["build"], self.server.call("GET", "/index.html").headers["ETag"])
        ws.send(json.dumps({"type": "ping", "id": 7}))
        self.assertEqual(ws.message("pong")["id"], 7)

    def test_address_for_others(self):
        self.assertIsNone(self.open().message()["address"])
        for host in ("0.0.0.0", "127.0.0.2"):
            server = Server("--host", host)
            self.addCleanup(server.clean)
            ws = WebSocket(server)
            self.addCleanup(ws.close)
            address = ws.message()["address"]
            if host != "0.0.0.0":
                self.assertIsNone(address)
            elif address:  # a machine without a network has none
                self.assertRegex(address, r"^http://(?!127\.)[0-9.]+:%d/$" % server.port)
                server.address, name = (address.split("/")[2].split(":")[0], server.port), address.split("/")[2]
                self.assertEqual(server.call("GET", "/api/v1/server", host=name).status, 200)  # it is the server's own

    def test_upgrade_rules(self):
        cookie = self.server.call("POST", "/api/v1/session").headers["Set-Cookie"].split(";")[0]
        own = "http://" + self.server.host
        for status, options in ((101, {}), (101, {"origin": own}), (101, {"token": None, "cookie": cookie, "origin": own}),
                                (403, {"token": None, "cookie": cookie}), (403, {"token": None, "cookie": cookie, "origin": "http://evil.example"}),
                                (403, {"origin": "http://evil.example"}), (403, {"origin": "null"}), (401, {"token": None}), (401, {"token": "x"}),
                                (403, {"host": "evil.example"}), (404, {"path": "/api/v1/runs"}), (404, {"path": "/"}),
                                (404, {"path": "/live"}), (101, {"extra": "Sec-WebSocket-Extensions: permessage-deflate\r\n"})):
            ws = self.open(**options)
            self.assertEqual(ws.status, status, options)

    def test_scope(self):
        self.assertEqual(self.open(token=self.server.add_token("writer", ["write"])).status, 403)
        self.assertEqual(self.open(token=self.server.add_token("reader", ["read"])).status, 101)

    def test_bad_messages_are_answered(self):
        ws = self.open()
        ws.message()
        for text in ("", "{", "[]", "1", '"x"', "{}", '{"type": "nothing"}', '{"type": 3}', "[" * 10000, '{"type": "subscribe"}',
                     '{"type": "subscribe", "id": 1, "run": "../x", "series": ["*"]}', '{"type": "unsubscribe", "id": 99}'):
            ws.send(text)
        ws.send(json.dumps({"type": "ping", "id": 8}))
        self.assertEqual(ws.message("pong")["id"], 8)

    def test_fragments(self):
        ws = self.open()
        text = json.dumps({"type": "ping", "id": 9}).encode()
        ws.send(text[:5], final=False)
        ws.send(b"between", opcode=9)
        for i in range(5, len(text)):
            ws.send(text[i:i + 1], opcode=0, final=i == len(text) - 1)
        self.assertEqual(ws.message("pong")["id"], 9)

    def test_event_stream(self):
        """Every frame is one `data:` line of JSON; the points of a run come, each once, and so does its end."""
        run = self.server.call("POST", "/api/v1/runs", "{}").json()["id"]
        path = "/api/v1/runs/" + run
        self.server.call("POST", path + "/points", '{"step": 0, "a": 0}')
        with socket.create_connection(self.server.address, timeout=10) as s:
            s.sendall(("GET /api/v1/stream?run=%s&series=a HTTP/1.0\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n" %
                       (run, self.server.host, self.server.token)).encode())
            stream = s.makefile("rb")
            while stream.readline().strip():
                pass
            steps, state, sent = [], "", 1
            end = time.monotonic() + 15
            while time.monotonic() < end and not (len(steps) >= 50 and state == "finished"):
                line = stream.readline()
                if line.startswith(b":") or line == b"\n":
                    continue
                self.assertTrue(line.startswith(b"data: "), line[:80])
                message = json.loads(line[6:])
                if message["type"] == "points":
                    got = message["series"]["a"]["step"] if "a" in message["series"] else []  # the first point may still be on its way
                    steps = steps[:steps.index(got[0])] + got if got and got[0] in steps else steps + got
                elif message["type"] == "run" and "run" in message:
                    state = message["run"]["state"]
                if sent < 50 and steps and steps[-1] == sent - 1:
                    self.server.call("POST", path + "/points", json.dumps({"step": sent, "a": sent}))
                    sent += 1
                elif sent == 50:
                    self.server.call("PATCH", path, '{"state": "finished"}')
                    sent += 1
        self.assertEqual(steps, list(range(50)))
        self.assertEqual(state, "finished")

    def test_protocol_errors_close(self):
        big = json.dumps({"type": "ping", "id": "x" * 70000})
        for number, (codes, wrong) in enumerate((((1009,), lambda w: w.send(big)), ((1003,), lambda w: w.send(b"\0\1", opcode=2)),
                             ((1002, 0), lambda w: w.send("{}", opcode=3)),
                             ((1002, 0), lambda w: w.send("{}", reserved=4)), ((1002, 0), lambda w: w.send("x" * 126, opcode=9)),
                             ((1002, 0), lambda w: w.send("{}", opcode=0)), ((1007, 0), lambda w: w.send(b"\xff\xfe")),
                             ((1000, 0), lambda w: w.send(b"\x03\xe8", opcode=8)), ((1009, 1002, 0), lambda w: w.send("{", length=1 << 62)),
                             ((1002, 0), lambda w: w.send(b"", opcode=9, final=False)))):
            ws = self.open()
            ws.message()
            wrong(ws)
            with self.subTest(number=number):
                self.assertIn(ws.closed(2), codes)
        fragments = self.open()
        fragments.message()
        fragments.send("x" * 40000, final=False)
        fragments.send("x" * 40000, opcode=0)
        self.assertEqual(fragments.closed(), 1009)
        self.assertTrue(self.server.alive())

    def test_too_many_messages(self):
        ws = self.open()
        try:
            for _ in range(5000):
                ws.send('{"type": "ping", "id": 1}')
        except OSError:
            pass
        self.assertIn(ws.closed(), (1008, 0))

    def test_random_frames(self):
        for _ in range(50):
            ws = self.open()
            try:
                ws.s.sendall(os.urandom(200))
            except OSError:
                pass
            ws.close()
        self.assertTrue(self.server.alive())

    def test_a_reader_that_never_reads(self):
        stuck = [self.open() for _ in range(20)]
        for ws in stuck:
            for _ in range(100):
                ws.send(json.dumps({"type": "watch_runs"}))
        begin = time.monotonic()
        self.assertTrue(self.server.alive())
        self.assertLess(time.monotonic() - begin, PATIENCE)

    def test_events(self):
        with socket.create_connection(self.server.address, timeout=5 * PATIENCE) as s:
            s.sendall(("GET /api/v1/stream HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n" %
                       (self.server.host, self.server.token)).encode())
            got = drain(s, 1)
        head, _, body = got.partition(b"\r\n\r\n")
        self.assertIn(b"text/event-stream", head)
        self.assertIn(b"data: {", body)
        self.assertEqual(self.server.call("GET", "/api/v1/stream?run=x&axis=no").status, 400)


main()
