"""1000 connections that say nothing, or half a request, or read nothing: the others are served, and they are closed in time."""
import resource
import socket
import threading
import time

from harness import PATIENCE, ServerCase, WebSocket, main

IDLE_SECONDS = 2


class Idle(ServerCase):
    options = ("--idle-seconds", str(IDLE_SECONDS))

    def setUp(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))

    def open(self, count, data=b""):
        sockets = []
        for _ in range(count):
            s = socket.create_connection(self.server.address, timeout=10 * PATIENCE)
            s.sendall(data)
            sockets.append(s)
        return sockets

    def others_are_served(self):
        begin = time.monotonic()
        for _ in range(20):
            self.assertTrue(self.server.alive())
        self.assertLess(time.monotonic() - begin, 2 * PATIENCE)

    def closed_within(self, sockets, seconds):
        end = time.monotonic() + seconds
        for s in sockets:
            s.settimeout(max(0.05, end - time.monotonic()))
            try:
                while s.recv(65536):
                    pass
            except ConnectionError:
                pass
            except OSError:
                self.fail("still open after %g s" % seconds)
            finally:
                s.close()

    def drip(self, seconds):
        """Sends a byte now and then; how long until the server had enough."""
        with socket.create_connection(self.server.address, timeout=10 * PATIENCE) as s:
            begin = time.monotonic()
            s.sendall(b"GET /api/v1/runs HTTP/1.1\r\nX: ")
            try:
                while time.monotonic() - begin < seconds:
                    s.sendall(b"a")
                    time.sleep(0.2)  # a slow client, as promised: one byte now and then
            except OSError:
                pass
            return time.monotonic() - begin

    def test_they_are_closed(self):
        who = "Host: %s\r\nAuthorization: Bearer %s\r\n" % (self.server.host, self.server.token)
        sockets = self.open(1000) + self.open(500, b"GET /api/v1/runs HTTP/1.1\r\nHost: ") + \
            self.open(300, ("POST /api/v1/runs HTTP/1.1\r\n%sContent-Length: 1000\r\n\r\n{" % who).encode()) + \
            self.open(100, ("GET /api/v1/runs HTTP/1.1\r\n%s\r\n" % who).encode())
        self.others_are_served()
        self.assertLess(self.drip(5 * IDLE_SECONDS * PATIENCE), 4 * IDLE_SECONDS * PATIENCE)
        self.closed_within(sockets, IDLE_SECONDS + 4 * PATIENCE)

    def test_live_links_stay(self):
        links = [WebSocket(self.server) for _ in range(20)]
        events = self.open(5, ("GET /api/v1/stream HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n" %
                               (self.server.host, self.server.token)).encode())
        time.sleep(2.5 * IDLE_SECONDS)  # they must not be closed in this time
        for ws in links:
            ws.send('{"type": "ping", "id": 3}')
            self.assertEqual(ws.message("pong")["id"], 3)
            ws.close()
        for s in events:
            s.setblocking(False)
            closed = False
            try:
                while not closed:
                    closed = not s.recv(65536)
            except BlockingIOError:
                pass
            s.close()
            self.assertFalse(closed)

    def test_comings_and_goings(self):
        def churn():
            for _ in range(100):
                s = socket.create_connection(self.server.address, timeout=10 * PATIENCE)
                s.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                s.close()
        threads = [threading.Thread(target=churn) for _ in range(5)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.others_are_served()


main()
