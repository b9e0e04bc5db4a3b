"""Who may do what: tokens, scopes, Host, Origin, cookies, restarts, the token command."""
import json
import os
import stat
import time

from harness import PATIENCE, Server, ServerCase, WebSocket, main

RUN = "01aaaaaaaaaaaaaaaaaaaaaaaa"


def fill(path):
    return path.replace("{id}", RUN).replace("{hash}", "0" * 64)


class Auth(ServerCase):
    def routes(self):
        document = self.server.call("GET", "/api/v1/openapi.json").json()
        for path, item in document["paths"].items():
            for method, operation in item.items():
                yield method.upper(), fill(path), operation["x-scope"]

    def test_every_route_refuses_without_a_token(self):
        routes = list(self.routes())
        self.assertGreater(len(routes), 20)
        for method, path, _ in routes:
            reply = self.server.call(method, path, "{}" if method in ("POST", "PATCH") else None, token=None)
            self.assertEqual((reply.status, reply.code()), (401, "token"), path)
            self.assertIn("Bearer", reply.headers["WWW-Authenticate"])

    def test_every_route_refuses_too_small_a_scope(self):
        tokens = {s: self.server.add_token("only " + s, [s]) for s in ("read", "write", "control", "code")}
        have = {"read": {"read"}, "write": {"write"}, "control": {"read", "control"}, "code": {"read", "control", "code"}}
        seen = set()
        for method, path, scope in self.routes():
            seen.add(scope)
            if scope == "any" or path.endswith("/stream"):
                continue
            for name, token in tokens.items():
                body = "{}" if method in ("POST", "PATCH") else None
                reply = self.server.call(method, path, body, token=token)
                if scope in have[name]:
                    self.assertNotIn(reply.status, (401, 403), (method, path, name))
                else:
                    self.assertEqual((reply.status, reply.code()), (403, "scope"), (method, path, name))
        self.assertEqual(seen, {"any", "read", "write", "control", "owner"})

    def test_foreign_host(self):
        for host in ("evil.example", "evil.example:%d" % self.server.port, "127.0.0.1.evil.example", "localhost.evil", "10.0.0.1",
                     "[::2]", "127.0.0.1@evil.example", "localhost:99999", "", " ", "a" * 280):
            for path in ("/api/v1/runs", "/", "/?token=" + self.server.token):
                reply = self.server.call("GET", path, host=host or " ")
                self.assertIn(reply.status, (400, 403, 431), (host, path))

    def test_own_host(self):
        for host in ("localhost", "LOCALHOST:1234", "127.0.0.1:9", "[::1]:80", "localhost.:7676", "nn.localhost"):
            self.assertEqual(self.server.call("GET", "/api/v1/runs", host=host).status, 200, host)

    def test_two_hosts(self):
        head = "GET /api/v1/runs HTTP/1.1\r\nHost: %s\r\nHost: evil.example\r\nAuthorization: Bearer %s\r\n\r\n"
        got = self.server.raw((head % (self.server.host, self.server.token)).encode(), 1)
        self.assertNotIn(b" 200 ", got.split(b"\r\n")[0])

    def test_no_host(self):
        got = self.server.raw(("GET /api/v1/runs HTTP/1.1\r\nAuthorization: Bearer %s\r\n\r\n" % self.server.token).encode(), 1)
        self.assertNotIn(b" 200 ", got.split(b"\r\n")[0])

    def test_foreign_origin_may_not_change(self):
        cookie = self.cookie()
        for origin in ("http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1:%d" % (self.server.port + 1),
                       "http://localhost:%d" % self.server.port, "file://", "http://127.0.0.1:%d.evil.example" % self.server.port):
            for headers, token in (({"Origin": origin, "Cookie": cookie}, None), ({"Origin": origin}, "")):
                reply = self.server.call("POST", "/api/v1/runs", "{}", token=token, headers=headers)
                self.assertEqual((reply.status, reply.code()), (403, "origin"), origin)
        reply = self.server.call("POST", "/api/v1/session", token="", headers={"Origin": "http://" + self.server.host})
        self.assertEqual(reply.status, 200)

    def test_no_cors(self):
        for method in ("GET", "OPTIONS"):
            reply = self.server.call(method, "/api/v1/runs", headers={"Origin": "http://evil.example",
                                                                      "Access-Control-Request-Method": "POST"})
            self.assertEqual([h for h in reply.headers if h.lower().startswith("access-control")], [])

    def cookie(self):
        reply = self.server.call("POST", "/api/v1/session")
        self.assertEqual(reply.status, 200)
        return reply.headers["Set-Cookie"].split(";")[0]

    def test_cookie(self):
        reply = self.server.call("POST", "/api/v1/session")
        parts = [p.strip() for p in reply.headers["Set-Cookie"].split(";")]
        self.assertTrue(parts[0].startswith("nnscope_%d=" % self.server.port))
        for flag in ("HttpOnly", "SameSite=Strict", "Path=/"):
            self.assertIn(flag, parts)
        self.assertNotIn(self.server.token, reply.headers["Set-Cookie"])
        self.assertEqual(self.server.call("GET", "/api/v1/runs", token=None, headers={"Cookie": parts[0]}).status, 200)
        self.assertEqual(self.server.call("GET", "/api/v1/session", token=None, headers={"Cookie": "a=b; " + parts[0]}).json()["name"],
                         "local")

    def test_forged_cookies(self):
        name, value = self.cookie().split("=", 1)
        who, expiry, mac = value.split(".")
        forged = [who + "." + str(int(expiry) + 1) + "." + mac, who + "." + expiry + "." + "0" * 64, who + "." + expiry + ".",
                  who + ".1." + mac, "0" * 16 + "." + expiry + "." + mac, value + "0", value[:-1], "", ".", "." * 90, value.upper()]
        for one in forged:
            reply = self.server.call("GET", "/api/v1/runs", token=None, headers={"Cookie": name + "=" + one})
            self.assertIn(reply.status, (401, 429), one)
        self.assertEqual(self.server.call("GET", "/api/v1/runs", token=None, headers={"Cookie": "x" + name + "=" + value}).status, 401)
        twice = "%s=%s; %s=%s" % (name, forged[1], name, value)
        self.assertEqual(self.server.call("GET", "/api/v1/runs", token=None, headers={"Cookie": twice}).status, 401)

    def test_token_in_the_address(self):
        reply = self.server.call("GET", "/api/v1/runs?token=" + self.server.token, token=None)
        self.assertEqual(reply.status, 401)
        page = self.server.call("GET", "/?token=" + self.server.token, token=None)
        self.assertEqual(page.status, 200)
        self.assertIn("text/html", page.headers["Content-Type"])
        self.assertNotIn("Set-Cookie", page.headers)
        self.assertNotIn(self.server.token.encode(), page.body)
        self.assertEqual(self.server.call("GET", "/", token=None).status, 401)

    def test_wrong_tokens_are_limited_the_right_one_is_not(self):
        replies = [self.server.call("GET", "/api/v1/runs", token="x" * 52).status for _ in range(60)]
        self.assertIn(429, replies)
        self.assertTrue(set(replies) <= {401, 429})
        self.assertEqual(self.server.call("GET", "/api/v1/runs").status, 200)
        time.sleep(0.6)  # for the tests after this one: wrong tokens are forgotten by then

    def test_files_are_private(self):
        for name in ("token", "session.key", "server.json"):
            mode = os.stat(os.path.join(self.server.directory, name)).st_mode
            self.assertEqual(stat.S_IMODE(mode), 0o600, name)
        self.assertEqual(stat.S_IMODE(os.stat(self.server.directory).st_mode) & 0o077, 0)
        with open(os.path.join(self.server.directory, "server.json")) as f:
            place = json.load(f)
        self.assertEqual((place["url"], place["pid"]), (self.server.url, self.server.process.pid))

    def test_headers(self):
        for path in ("/", "/api/v1/runs", "/none.js"):
            headers = self.server.call("GET", path).headers
            policy = headers["Content-Security-Policy"]
            for part in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"):
                self.assertIn(part, policy)
            self.assertNotIn("unsafe", policy)
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
            self.assertEqual(headers["Referrer-Policy"], "no-referrer")
            self.assertEqual(headers["Cross-Origin-Resource-Policy"], "same-origin")
        self.assertEqual(self.server.call("GET", "/api/v1/runs").headers["Cache-Control"], "no-store")

    def test_tokens(self):
        secret = self.server.add_token("gauge", ["read"])
        listed = self.server.call("GET", "/api/v1/tokens")
        self.assertNotIn(secret.encode(), listed.body)
        mine = [t for t in listed.json()["tokens"] if t["name"] == "gauge"][0]
        self.assertEqual(mine["scopes"], ["read"])
        again = self.server.call("POST", "/api/v1/tokens", json.dumps({"name": "gauge", "scopes": ["read"]}))
        self.assertEqual(again.status, 409)
        for bad in ({"name": "", "scopes": ["read"]}, {"name": "a"}, {"name": "a", "scopes": ["root"]}, {"name": "a", "scopes": ["owner"]},
                    {"name": "a\nb", "scopes": ["read"]}, {"name": "x" * 65, "scopes": ["read"]}, [], 1, {"name": 1, "scopes": 1}):
            self.assertEqual(self.server.call("POST", "/api/v1/tokens", json.dumps(bad)).status, 400, bad)
        cookie = self.server.call("POST", "/api/v1/session", token=secret).headers["Set-Cookie"].split(";")[0]
        live = WebSocket(self.server, token=secret)
        self.assertEqual(live.status, 101)
        self.assertEqual(self.server.call("DELETE", "/api/v1/tokens/" + mine["id"]).status, 200)
        self.assertEqual(live.closed(), 1008)
        live.close()
        self.assertIn(self.server.call("GET", "/api/v1/runs", token=secret).status, (401, 429))
        self.assertIn(self.server.call("GET", "/api/v1/runs", token=None, headers={"Cookie": cookie}).status, (401, 429))

    def test_the_first_token_stays(self):
        first = [t for t in self.server.call("GET", "/api/v1/tokens").json()["tokens"] if t["name"] == "local"][0]
        self.assertEqual(self.server.call("DELETE", "/api/v1/tokens/" + first["id"]).status, 409)

    def test_token_command_beside_a_server(self):
        added = self.server.command("token", "add", "--scope", "read,control", "--name", "phone")
        self.assertEqual(added.returncode, 0, added.stderr)
        secret = added.stdout.splitlines()[-1]
        self.assertEqual(self.server.call("GET", "/api/v1/runs", token=secret).status, 200)
        self.assertIn("phone", self.server.command("token", "list").stdout)
        self.assertEqual(self.server.command("token", "revoke", "phone").returncode, 0)
        self.assertIn(self.server.call("GET", "/api/v1/runs", token=secret).status, (401, 429))
        self.assertEqual(self.server.command("token", "revoke", "phone").returncode, 1)
        self.assertEqual(self.server.command("token", "add").returncode, 2)

    def test_second_server(self):
        second = self.server.command("server", "--port", "0")
        self.assertEqual(second.returncode, 1)
        self.assertIn(str(self.server.process.pid), second.stderr)
        self.assertEqual(second.stdout, "")
        self.assertTrue(self.server.alive())


class Restart(ServerCase):
    def test_restart(self):
        server = self.server
        secret = server.add_token("kept", ["read"])
        cookies = [server.call("POST", "/api/v1/session", token=t).headers["Set-Cookie"].split(";")[0] for t in ("", secret)]
        status, seconds = server.stop()
        self.assertEqual(status, 0, server.said())
        self.assertLess(seconds, 1.5 * PATIENCE)
        self.assertFalse(os.path.exists(os.path.join(server.directory, "server.json")))
        added = server.command("token", "add", "--scope", "write", "--name", "alone")
        self.assertEqual(added.returncode, 0, added.stderr)
        self.assertIn("kept", server.command("token", "list").stdout)
        type(self).server = server = Server("--port", str(server.port), directory=server.directory)
        self.assertEqual(server.call("GET", "/api/v1/runs", token=secret).status, 200)
        for cookie in cookies:
            self.assertEqual(server.call("GET", "/api/v1/runs", token=None, headers={"Cookie": cookie}).status, 200)
        self.assertEqual(server.call("GET", "/api/v1/runs", token=added.stdout.splitlines()[-1]).code(), "scope")


class Prefix(ServerCase):
    options = ("--prefix", "/nn/scope", "--allow-host", "board.example", "--behind-proxy")

    def test_prefix(self):
        self.assertTrue(self.server.url.endswith("/nn/scope/"))
        for path in ("/nn/scope/api/v1/runs", "/api/v1/runs"):
            self.assertEqual(self.server.call("GET", path, host="board.example").status, 200)
        self.assertEqual(self.server.call("GET", "/nn/scopeapi/v1/runs").status, 404)
        reply = self.server.call("POST", "/nn/scope/api/v1/session")
        self.assertIn("Path=/nn/scope;", reply.headers["Set-Cookie"])
        self.assertEqual(self.server.call("GET", "/nn/scope").headers["Location"], "/nn/scope/")
        self.assertEqual(self.server.call("GET", "/nn/scope/").status, 200)
        live = WebSocket(self.server, path="/nn/scope/api/v1/live")
        self.assertEqual(live.status, 101)
        live.close()

    def test_proxy_names_the_origin(self):
        headers = {"Origin": "https://board.example", "X-Forwarded-Host": "board.example"}
        self.assertEqual(self.server.call("POST", "/api/v1/session", headers=headers).status, 200)
        headers["Origin"] = "https://evil.example"
        self.assertEqual(self.server.call("POST", "/api/v1/session", headers=headers).status, 403)


main()
