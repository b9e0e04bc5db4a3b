"""The live link and the event stream: upgrades, malformed frames, limits."""
import json
import os
import socket
import time

from harness import ServerCase, WebSocket, drain, main


class Live(ServerCase):
    def open(self, **options):
        ws = WebSocket(self.server, **options)
        self.addCleanup(ws.close)
        return ws

    def test_hello(self):
        ws = self.open()
        self.assertEqual(ws.status, 101)
        self.assertEqual(ws.message()["type"], "hello")
        ws.send(json.dumps({"type": "ping", "id": 7}))
        self.assertEqual(ws.message("pong")["id"], 7)

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
        self.assertLess(time.monotonic() - begin, 1)

    def test_events(self):
        with socket.create_connection(self.server.address, timeout=5) as s:
            s.sendall(("GET /api/v1/stream HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n" %
                       (self.server.host, self.server.token)).encode())
            got = drain(s, 1)
        head, _, body = got.partition(b"\r\n\r\n")
        self.assertIn(b"text/event-stream", head)
        self.assertIn(b"data: {", body)
        self.assertEqual(self.server.call("GET", "/api/v1/stream?run=x&axis=no").status, 400)


main()
