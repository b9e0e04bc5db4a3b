"""Requests as nobody should send them, and replies as everybody should get them."""
import gzip
import json
import os
import socket
import time

from harness import PATIENCE, ServerCase, drain, main

RUN = "01aaaaaaaaaaaaaaaaaaaaaaaa"


class Http(ServerCase):
    def head(self, line, *headers, body=b"", token=True):
        lines = [line, "Host: " + self.server.host]
        if token:
            lines.append("Authorization: Bearer " + self.server.token)
        return ("\r\n".join(lines + list(headers)) + "\r\n\r\n").encode("latin-1") + body

    def first_line(self, data, seconds=1.0):
        return self.server.raw(data, seconds).split(b"\r\n")[0].decode("latin-1")

    def refused(self, data, seconds=1.0):
        """Answered by a 4xx or 5xx, or just closed: never by a 2xx."""
        line = self.first_line(data, seconds)
        self.assertFalse(line.startswith("HTTP/1.1 2"), (data[:80], line))
        return line

    def test_path_tricks(self):
        private = self.server.token.encode()
        for path in ("/../token", "/../../../../etc/passwd", "/%2e%2e/token", "/..%2ftoken", "/%252e%252e/token", "//etc/passwd", "/./token",
                     "/api/v1/../../token", "/api/v1/runs/../../../token", "/a\\..\\token", "/api/v1/runs/%00", "/%00token", "/\x01", "/%ff",
                     "/api/v1/runs/" + "%2e%2e", "/token", "/session.key", "/server.json", "/store.db", "/api/v1/runs%2f..", "/api//v1/runs/x/y/z",
                     "/api/v1/runs/%0d%0aSet-Cookie:%20a=b", "http://evil.example/", "*", ""):
            got = self.server.raw(self.head("GET %s HTTP/1.1" % path, "Connection: close"), 1)
            self.assertNotIn(private, got, path)
            self.assertNotIn(b"root:", got, path)
            self.assertNotIn(b"Set-Cookie", got, path)
        self.assertTrue(self.server.alive())

    def test_errors_are_json(self):
        for method, path, body, status, code in (
                ("GET", "/api/v1/nothing", None, 404, "not_found"), ("PUT", "/api/v1/runs", "{}", 405, "method"),
                ("DELETE", "/api/v1/runs", None, 405, "method"), ("POST", "/", "x", 405, "method"), ("GET", "/none.js", None, 404, "not_found"),
                ("GET", "/api/v1/runs?limit=x", None, 400, "bad_query"), ("GET", "/api/v1/runs?nothing=1", None, 400, "bad_query"),
                ("GET", "/api/v1/runs?limit=99999999999999999999", None, 400, "bad_query"),
                ("GET", "/api/v1/runs/%s/points?axis=depth" % RUN, None, 400, "bad_query"),
                ("POST", "/api/v1/tokens", "{", 400, "bad_json"), ("POST", "/api/v1/tokens", "x" * 70000, 413, "too_large"),
                ("GET", "/api/v1/live", None, 426, "upgrade")):
            reply = self.server.call(method, path, body)
            self.assertEqual((reply.status, reply.code()), (status, code), (method, path))
            self.assertEqual(reply.headers["Content-Type"], "application/json")
        self.assertIn("GET", self.server.call("DELETE", "/api/v1/runs").headers["Allow"])

    def test_methods_that_nobody_has(self):
        for method in ("FOO", "TRACE", "PROPFIND", "BREW"):
            reply = self.server.call(method, "/api/v1/runs", token=None)
            self.assertEqual((reply.status, reply.code()), (501, "method"), method)
            self.assertIn(method, reply.json()["error"]["message"])
            self.assertEqual(reply.headers["X-Content-Type-Options"], "nosniff")
        for data in (b"\0\1\2\3", b"hello, is this a server?\r\n\r\n", b"FOO/ HTTP/1.1\r\n\r\n"):
            got = self.server.raw(data + b"." * 5000, 2)
            self.assertIn(b" 400 ", got.split(b"\r\n")[0], data)
            self.assertIn(b'"bad_request"', got)
            self.assertEqual(got.count(b"HTTP/1.1 "), 1)

    def test_many_series(self):
        path = "/api/v1/runs/%s/points?%s" % (RUN, "&".join("series=train/layer%d" % i for i in range(80)))
        self.assertEqual(self.server.call("GET", path).code(), "not_found")

    def test_too_long(self):
        self.refused(self.head("GET /%s HTTP/1.1" % ("a" * 3000)))
        self.refused(self.head("GET /api/v1/runs?cursor=%s HTTP/1.1" % ("a" * 3000)))
        self.refused(self.head("GET /api/v1/runs HTTP/1.1", "Cookie: " + "a" * 8000, token=False))
        self.refused(self.head("GET /api/v1/runs HTTP/1.1", *["X-%d: %s" % (i, "a" * 100) for i in range(400)]))
        self.refused(self.head("GET /api/v1/runs?%s HTTP/1.1" % "&".join("limit=1" for _ in range(1000))))
        self.assertTrue(self.server.alive())

    def test_malformed(self):
        for data in (b"\r\n\r\n", b"GET\r\n\r\n", b"GET /\r\n\r\n", b"\x00\x01\x02\x03\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200,
                     b"FOO / HTTP/1.1\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /api/v1/runs HTTP/1.1\r\nHost\r\n\r\n", b":\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                     b"GET / HTTP/1.1\r\n: x\r\n\r\n", b"GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /% HTTP/1.1\r\nHost: localhost\r\n\r\n",
                     b"CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n", b"TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"A" * 70000):
            self.refused(data, 0.2)
        self.assertTrue(self.server.alive())

    def test_bodies_without_a_length(self):
        chunked = self.head("POST /api/v1/runs/%s/points HTTP/1.1" % RUN, "Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\n\r\n")
        self.assertIn("411", self.refused(chunked))
        for length in ("-1", "1x", "99999999999999999999999", "0x10", "1, 1", "+5"):
            self.refused(self.head("POST /api/v1/runs HTTP/1.1", "Content-Length: " + length, body=b"{}"), 0.5)
        both = self.head("POST /api/v1/runs HTTP/1.1", "Content-Length: 2", "Transfer-Encoding: chunked", body=b"0\r\n\r\nGET /api/v1/runs HTTP/1.1\r\n")
        got = self.server.raw(both, 1)
        self.assertEqual(got.count(b"HTTP/1.1 "), 1)
        twice = self.head("POST /api/v1/runs HTTP/1.1", "Content-Length: 2", "Content-Length: 40", body=b"{}" + b" " * 38)
        self.refused(twice, 0.5)

    def test_body_over_the_limit_can_read_why(self):
        for size in (70000, 17 << 20):
            path = "/api/v1/runs" if size < 1 << 20 else "/api/v1/runs/%s/points" % RUN
            reply = self.server.call("POST", path, b" " * size)
            self.assertEqual((reply.status, reply.code()), (413, "too_large"))
        got = self.server.raw(self.head("POST /api/v1/runs HTTP/1.1", "Content-Length: 4000000000", body=b"{" * 1000), 2)
        self.assertIn(b" 413 ", got.split(b"\r\n")[0])

    def test_refused_body_is_not_a_request(self):
        inner = self.head("GET /api/v1/session HTTP/1.1")
        got = self.server.raw(self.head("POST /api/v1/runs HTTP/1.1", "Content-Length: %d" % len(inner), body=inner, token=False), 1)
        self.assertEqual(got.count(b"HTTP/1.1 "), 1, got)
        self.assertIn(b" 401 ", got.split(b"\r\n")[0])

    def test_get_with_a_body(self):
        got = self.server.raw(self.head("GET /api/v1/session HTTP/1.1", "Content-Length: 5", body=b"abcde") +
                              self.head("GET /api/v1/session HTTP/1.1", "Connection: close"), 2)
        self.assertLessEqual(got.count(b"HTTP/1.1 200"), 2)
        self.assertNotIn(b"abcde", got)
        self.assertTrue(self.server.alive())

    def test_byte_by_byte(self):
        body = b'{"name": "slow", "scopes": ["read"]}'
        data = self.head("POST /api/v1/tokens HTTP/1.1", "Content-Length: %d" % len(body), "Connection: close", body=body)
        with socket.create_connection(self.server.address, timeout=5 * PATIENCE) as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for i in range(len(data)):
                s.sendall(data[i:i + 1])
            self.assertIn(b" 201 ", drain(s, 2).split(b"\r\n")[0])

    def test_pipelined(self):
        one = self.head("GET /api/v1/session HTTP/1.1")
        with socket.create_connection(self.server.address, timeout=5 * PATIENCE) as s:
            s.sendall(one * 20)
            got, end = b"", time.monotonic() + 5 * PATIENCE
            while got.count(b"HTTP/1.1 200") < 20 and time.monotonic() < end:
                got += s.recv(65536)
        self.assertEqual(got.count(b"HTTP/1.1 200"), 20)

    def test_keep_alive_and_close(self):
        with socket.create_connection(self.server.address, timeout=5 * PATIENCE) as s:
            for _ in range(3):
                s.sendall(self.head("GET /api/v1/session HTTP/1.1"))
                self.assertIn(b" 200 ", s.recv(65536))
            s.sendall(self.head("GET /api/v1/session HTTP/1.1", "Connection: close"))
            got = drain(s, 2)
            self.assertIn(b"Connection: close", got)
        begin = time.monotonic()
        got = self.server.raw(self.head("GET /api/v1/session HTTP/1.0"), 3 * PATIENCE)
        self.assertIn(b" 200 ", got)
        self.assertLess(time.monotonic() - begin, 2 * PATIENCE)

    def test_expect_continue(self):
        body = b'{"name": "patient", "scopes": ["read"]}'
        with socket.create_connection(self.server.address, timeout=5 * PATIENCE) as s:
            s.sendall(self.head("POST /api/v1/tokens HTTP/1.1", "Content-Length: %d" % len(body), "Expect: 100-continue"))
            self.assertIn(b"100 Continue", s.recv(4096))
            s.sendall(body)
            self.assertIn(b" 201 ", s.recv(4096))

    def test_head(self):
        whole, head = (self.server.call(m, "/api/v1/session") for m in ("GET", "HEAD"))
        self.assertEqual(head.status, 200)
        self.assertEqual(head.body, b"")
        self.assertEqual(head.headers["Content-Length"], whole.headers["Content-Length"])
        self.assertEqual(self.server.call("HEAD", "/api/v1/stream").status, 200)

    def test_gzip(self):
        plain = self.server.call("GET", "/api/v1/openapi.json")
        for accepted in ("gzip", "br, gzip;q=0.5", "GZIP"):
            packed = self.server.call("GET", "/api/v1/openapi.json", headers={"Accept-Encoding": accepted})
            self.assertEqual(packed.headers["Content-Encoding"], "gzip", accepted)
            self.assertEqual(gzip.decompress(packed.body), plain.body)
            self.assertLess(len(packed.body), len(plain.body) / 2)
        for refused in ("gzip;q=0", "br", "gzipped", ""):
            reply = self.server.call("GET", "/api/v1/openapi.json", headers={"Accept-Encoding": refused})
            self.assertIsNone(reply.headers["Content-Encoding"], refused)
        self.assertIn("Accept-Encoding", plain.headers["Vary"])

    def test_page_and_its_files(self):
        page = self.server.call("GET", "/")
        self.assertEqual(page.status, 200)
        self.assertIn("text/html", page.headers["Content-Type"])
        packed = self.server.call("GET", "/", headers={"Accept-Encoding": "gzip"})
        self.assertEqual(gzip.decompress(packed.body) if packed.headers["Content-Encoding"] else packed.body, page.body)
        again = self.server.call("GET", "/", headers={"If-None-Match": page.headers["ETag"]})
        self.assertEqual((again.status, again.body), (304, b""))
        names = [part.split('"')[0][2:] for part in page.body.decode().split('="')[1:] if part.startswith("./") and "-" in part.split('"')[0]]
        for name in names:
            reply = self.server.call("GET", "/" + name, token=None)
            self.assertEqual(reply.status, 200, name)
            self.assertIn("immutable", reply.headers["Cache-Control"])
        self.assertEqual(self.server.call("GET", "/-/session.js", token=None).status, 200)
        self.assertEqual(self.server.call("GET", "/curves").body, page.body)
        self.assertEqual(self.server.call("GET", "/a/b").status, 404)

    def test_openapi_agrees_with_the_routes(self):
        document = self.server.call("GET", "/api/v1/openapi.json").json()
        self.assertTrue(document["openapi"].startswith("3."))
        for path, item in document["paths"].items():
            for method, operation in item.items():
                self.assertTrue(operation["summary"])
                names = [p["name"] for p in operation["parameters"] if p["in"] == "path"]
                self.assertEqual(names, [p.split("}")[0] for p in path.split("{")[1:]])
                for p in operation["parameters"]:
                    kind = p["schema"]["type"]
                    if p["in"] == "query" and kind == "integer":
                        reply = self.server.call(method.upper(), path.replace("{id}", RUN) + "?%s=no" % p["name"], "{}" if "requestBody" in operation else None)
                        self.assertEqual(reply.status, 400, (path, p))
            # A method that the document lacks is refused.
            for method in ("PUT", "PATCH", "DELETE", "POST"):
                if method.lower() not in item:
                    self.assertEqual(self.server.call(method, path.replace("{id}", RUN).replace("{hash}", "0"), "{}").status, 405, (method, path))

    def test_metrics(self):
        text = self.server.call("GET", "/metrics").body.decode()
        self.assertTrue(text.endswith("# EOF\n"))
        self.assertIn("nnscope_points_total ", text)
        figures = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        self.assertGreater(int(figures["nnscope_store_bytes"]), 16384)
        self.assertEqual(int(figures["nnscope_connections"]), 1)

    def test_server(self):
        self.assertEqual(self.server.call("GET", "/api/v1/server").json()["url"], self.server.url)

    def test_random_bytes(self):
        import random
        random.seed(7)
        base = self.head("POST /api/v1/runs?limit=3 HTTP/1.1", "Content-Length: 2", "Cookie: a=b", "Accept: */*", body=b"{}")
        for _ in range(300):
            data = bytearray(base)
            for _ in range(random.randrange(1, 6)):
                data[random.randrange(len(data))] = random.randrange(256)
            with socket.create_connection(self.server.address, timeout=5 * PATIENCE) as s:
                s.sendall(data[:random.randrange(1, len(data) + 1)])
                if random.random() < 0.5:
                    drain(s, 0.01)
        self.assertTrue(self.server.alive())


main()
