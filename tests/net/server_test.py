"""Starting and ending a server: ports, the words it prints, TLS, recording by HTTP and long replies."""
import csv
import io
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
import unittest
import urllib.request

from harness import PATIENCE, PROGRAM, Server, ServerCase, drain, end_at_exit, folder, main


class Start(unittest.TestCase):
    def start(self, *options, **more):
        server = Server(*options, **more)
        self.addCleanup(server.clean)
        return server

    def test_default_port_or_the_next(self):
        taken = socket.socket()
        self.addCleanup(taken.close)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        first = 7677
        try:
            taken.bind(("127.0.0.1", 7676))
            taken.listen()
        except OSError:
            first = 7676  # taken by another, who may give it back any moment
        directory = folder()
        process = subprocess.Popen([PROGRAM, "server", "--json"], env=dict(os.environ, NNSCOPE_DIR=directory), stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        end_at_exit(process)
        said = json.loads(process.stdout.readline())
        self.assertIn(said["port"], range(first, 7777))
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(5 * PATIENCE), 0)

    def test_a_port_that_was_asked_for(self):
        first = self.start()
        directory = folder()
        second = subprocess.run([PROGRAM, "server", "--port", str(first.port), "--dir", directory], capture_output=True, text=True, timeout=10)
        self.assertEqual(second.returncode, 1)
        self.assertIn("in use", second.stderr)
        self.assertFalse(os.path.exists(os.path.join(directory, "server.json")))

    def test_both_loopbacks_and_no_more(self):
        server = self.start()
        with socket.create_connection(("127.0.0.1", server.port), timeout=2 * PATIENCE):
            pass
        if os.path.exists("/proc/net/if_inet6") and "lo" in open_text("/proc/net/if_inet6"):
            with socket.create_connection(("::1", server.port), timeout=2 * PATIENCE) as s:
                s.sendall(b"GET / HTTP/1.1\r\nHost: [::1]:%d\r\nConnection: close\r\n\r\n" % server.port)
                self.assertIn(b" 401 ", drain(s, 2).split(b"\r\n")[0])
        listening = [line.split()[1] for line in open_text("/proc/net/tcp").splitlines()[1:] if line.split()[3] == "0A"]
        self.assertIn("0100007F:%04X" % server.port, listening)
        self.assertNotIn("00000000:%04X" % server.port, listening)

    def test_signals(self):
        for how in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            server = self.start()
            links = [socket.create_connection(server.address) for _ in range(50)]
            status, seconds = server.stop(how)
            self.assertEqual(status, 0)
            self.assertLess(seconds, 1.5 * PATIENCE)
            for s in links:
                s.close()

    def test_nohup(self):
        was = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            server = self.start()
        finally:
            signal.signal(signal.SIGHUP, was)
        server.process.send_signal(signal.SIGHUP)
        for _ in range(10):  # in this time nothing must happen
            time.sleep(0.02)
            self.assertTrue(server.alive())

    def test_wrong_options(self):
        for words in (("--port", "x"), ("--port", "70000"), ("--prefix", "x"), ("--prefix", "/x/"), ("--prefix", "/<"), ("--tls-cert", "x"), ("word",), ("--what",)):
            self.assertEqual(subprocess.run([PROGRAM, "server", *words], capture_output=True, timeout=10).returncode, 2, words)
        self.assertEqual(subprocess.run([PROGRAM, "server", "--help"], capture_output=True, timeout=10).returncode, 0)
        self.assertEqual(subprocess.run([PROGRAM], capture_output=True, timeout=10).returncode, 2)
        self.assertEqual(subprocess.run([PROGRAM, "nothing"], capture_output=True, timeout=10).returncode, 2)
        self.assertIn("server", subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, timeout=10).stdout)

    def test_ready_fd(self):
        directory = folder()
        reading, writing = os.pipe()
        process = subprocess.Popen([PROGRAM, "server", "--port", "0", "--dir", directory, "--ready-fd", str(writing)],
                                   pass_fds=(writing,), stdout=subprocess.DEVNULL)
        end_at_exit(process)
        os.close(writing)
        self.assertIn(b"?token=", os.read(reading, 1000))
        os.close(reading)
        process.terminate()
        self.assertEqual(process.wait(5 * PATIENCE), 0)

    def test_beyond_loopback_says_so(self):
        server = self.start("--host", "0.0.0.0")
        server.wait("the warning", lambda: "without TLS" in server.said())
        quiet = self.start("--host", "0.0.0.0", "--behind-proxy")
        self.assertTrue(quiet.alive())  # it serves: what it has to say of its start is said
        self.assertNotIn("without TLS", quiet.said())

    def test_a_token_file_for_all_is_refused(self):
        directory = folder()
        with open(os.path.join(directory, "token"), "w") as f:
            f.write("a" * 52)
        os.chmod(os.path.join(directory, "token"), 0o644)
        run = subprocess.run([PROGRAM, "server", "--port", "0", "--dir", directory], capture_output=True, text=True, timeout=10)
        self.assertEqual(run.returncode, 1)
        self.assertIn("chmod 600", run.stderr)

    @unittest.skipUnless(shutil.which("openssl"), "no openssl command")
    def test_tls(self):
        directory = folder()
        key, cert = os.path.join(directory, "k.pem"), os.path.join(directory, "c.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", cert,
                        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        server = self.start("--tls-cert", cert, "--tls-key", key, directory=directory)
        self.assertTrue(server.url.startswith("https://"))
        trust = ssl.create_default_context(cafile=cert)
        for path, status in (("api/v1/openapi.json", 200), ("api/v1/session", 200)):
            asked = urllib.request.Request(server.url + path, headers={"Authorization": "Bearer " + server.token})
            with urllib.request.urlopen(asked, context=trust, timeout=5) as reply:
                self.assertEqual(reply.status, status)
        asked = urllib.request.Request(server.url + "api/v1/session", headers={"Authorization": "Bearer " + server.token}, method="POST")
        with urllib.request.urlopen(asked, context=trust, timeout=5) as reply:
            self.assertIn("Secure", reply.headers["Set-Cookie"])
        self.assertNotIn(b"HTTP/1.1 200", server.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 1))


def open_text(path):
    with open(path) as f:
        return f.read()


class Record(ServerCase):
    def new_run(self):
        reply = self.server.call("POST", "/api/v1/runs", json.dumps({"name": "curl", "project": "p"}))
        self.assertEqual(reply.status, 201, reply.body)
        return "/api/v1/runs/" + reply.json()["id"]

    def wait_for(self, run, points):
        """Accepted points are in the journal; soon they are in the store."""
        self.server.wait("%d points" % points, lambda: self.server.call("GET", run).json()["points"] >= points)

    def test_every_form_of_points(self):
        run = self.new_run()
        for body in ('{"step": 1, "loss": 0.5}', '[{"step": 2, "loss": 0.25}, {"step": 3, "loss": "NaN"}]', '{"step": 4, "loss": 1}\n{"loss": 2}\n'):
            self.assertEqual(self.server.call("POST", run + "/points", body).status, 200)
        self.wait_for(run, 5)
        points = self.server.call("GET", run + "/points?series=loss").json()
        self.assertTrue(points["raw"])
        self.assertEqual(points["series"]["loss"]["step"], [1, 2, 3, 4, 5])
        self.assertEqual(points["series"]["loss"]["value"], [0.5, 0.25, "NaN", 1, 2])
        for body in ("{", '{"step": "x"}', "[1]", '{"step": 1, "loss": [1]}', "\xff", '{"step": 1e99}', "null"):
            self.assertEqual(self.server.call("POST", run + "/points", body.encode("latin-1")).status, 400, body)
        self.assertEqual(self.server.call("GET", "/api/v1/runs/" + "0" * 26).status, 404)

    def test_ended_by_hand_then_deleted(self):
        for state in ("finished", "failed", "crashed"):
            run = self.new_run()
            self.assertEqual(self.server.call("POST", run + "/points", '{"loss": 1}').status, 200)
            self.assertEqual(self.server.call("DELETE", run).status, 409)
            self.assertEqual(self.server.call("PATCH", run, json.dumps({"state": state})).json()["state"], state)
            self.assertEqual(self.server.call("DELETE", run).status, 200)
            time.sleep(0.3)  # it must not come back in this time
            self.assertEqual(self.server.call("GET", run).status, 404)
            self.assertEqual(self.server.call("POST", run + "/points", '{"loss": 1}').status, 404)
            self.assertEqual([n for n in os.listdir(os.path.join(self.server.directory, "runs")) if run.endswith(n[:26])], [])

    def test_long_replies(self):
        run, count = self.new_run(), 300000
        body = "\n".join('{"step": %d, "a": %r, "b": %r}' % (i, i / 2, i / 4) for i in range(count))
        self.assertEqual(self.server.call("POST", run + "/points", body).json()["points"], 2 * count)
        self.wait_for(run, 2 * count)
        reply = self.server.call("GET", run + "/points", headers={"Accept": "text/csv"})
        self.assertEqual(reply.headers["Transfer-Encoding"], "chunked")
        rows = list(csv.DictReader(io.StringIO(reply.body.decode())))
        self.assertEqual(len(rows), count)
        self.assertEqual(list(rows[0])[0], "step")
        self.assertTrue(all(int(r["step"]) == i and float(r["a"]) == i / 2 for i, r in enumerate(rows)))
        whole = self.server.call("GET", run + "/points?series=a").json()
        self.assertEqual(whole["series"]["a"]["step"], list(range(count)))
        self.assertEqual(self.server.call("HEAD", run + "/points").body, b"")
        # One that goes away in the middle, one that reads slowly: the others do not notice.
        head = "GET %s/points HTTP/1.%d\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n"
        for _ in range(5):
            with socket.create_connection(self.server.address) as s:
                s.sendall((head % (run, 1, self.server.host, self.server.token)).encode())
                s.recv(1000)
        with socket.create_connection(self.server.address) as slow:
            slow.sendall((head % (run, 0, self.server.host, self.server.token)).encode())
            begin = time.monotonic()
            self.assertTrue(self.server.alive())
            self.assertLess(time.monotonic() - begin, PATIENCE)
            got = drain(slow, 10)
        self.assertEqual(json.loads(got.split(b"\r\n\r\n", 1)[1]), self.server.call("GET", run + "/points").json())

    def test_a_body_at_the_limit(self):
        run = self.new_run()
        body = b'{"loss": 1}\n'
        body = body + b" " * ((16 << 20) - len(body))
        self.assertEqual(self.server.call("POST", run + "/points", body).status, 200)
        self.assertEqual(self.server.call("POST", run + "/points", body + b" ").status, 413)


main()
