"""What does not belong under the data directory, or was damaged there, harms nothing: the server starts, serves the good
run beside it, follows no link, reads no endless file, and leaves alone what is not its own.
"""
import json
import os
import socket
import stat
import time

from faults import PATIENCE, FaultCase, main, wait_until

ID = "01hzz0000000000000000000%02d"


class Hostile(FaultCase):
    def good(self, directory):
        recorder = self.recorder(directory, rate=5000, steps=500)
        recorder.wait()
        return recorder

    def check_good(self, server, recorder):
        self.await_state(server, recorder.run, "finished")
        self.check_points(server, recorder.run, 499, most=499)
        self.assertTrue(server.alive())

    def memory_mb(self, server, field="VmHWM"):
        with open("/proc/%d/status" % server.process.pid) as f:
            return next(int(line.split()[1]) // 1024 for line in f if line.startswith(field))

    def folder(self, directory, number):
        path = os.path.join(directory, "runs", ID % number)
        os.makedirs(path, 0o700)
        return path

    def write(self, *path, data=b"", size=0):
        with open(os.path.join(*path), "wb") as f:
            f.write(data)
            f.truncate(max(size, len(data)))
        return os.path.join(*path)

    def test_garbage(self):
        directory = self.make_directory()
        recorder = self.good(directory)
        runs = os.path.join(directory, "runs")
        for name in ("file", ".hidden", "x" * 200, "\n", "..x", "not an id at all", ID % 99):
            self.write(runs, name, data=b"garbage")
        proc = ID % 1
        a = self.folder(directory, 10)  # segments and alive files of noise
        for name in ("%s-000001.seg", "%s-000002.seg", "%s.alive", "%s.out", "%s.inbox", "%s.bell", "%s-0000000000000000.blob"):
            self.write(a, name % proc, data=os.urandom(5000))
        b = self.folder(directory, 11)  # numbers that are none
        for name in ("%s-0.seg", "%s--1.seg", "%s-99999999999999999999.seg", "%s-4294967295.seg", "%s-1.seg.seg", "%s-.seg"):
            self.write(b, name % proc)
        c = self.folder(directory, 12)  # other things than files
        os.mkdir(os.path.join(c, proc + "-000001.seg"))
        os.mkfifo(os.path.join(c, proc + "-000002.seg"))
        os.mkfifo(os.path.join(c, ID % 2 + ".alive"))
        os.mkdir(os.path.join(c, ID % 3 + ".alive"))
        os.mkfifo(os.path.join(c, ID % 2 + ".out"))
        with socket.socket(socket.AF_UNIX) as s:
            here = os.getcwd()
            os.chdir(c)
            s.bind(ID % 4 + "-000001.seg")
            os.chdir(here)
        server = self.start(directory)
        self.check_good(server, recorder)
        for run in server.call("GET", "/api/v1/runs").json()["runs"]:
            for part in ("", "/log", "/series", "/media", "/events", "/points"):
                self.assertIn(server.call("GET", "/api/v1/runs/" + run["id"] + part).status, (200, 404, 400), part)
        self.check_good(server, recorder)

    def test_alive_files_that_lie(self):
        directory = self.make_directory()
        recorder = self.good(directory)
        outside = self.make_directory()
        victim = self.write(outside, ID % 1 + ".0.lane", data=b"precious")
        lies = ["lanes %s\nstage %s\n" % (outside, victim), "lanes ../../..\n", "lanes /\npid 1\nstart 1\n", "pid -1\nstart -1\n",
                "pid %d\nstart 0\nboot x\nhost %s\n" % (os.getpid(), socket.gethostname()), "\0" * 3000, "name " + "x" * 100000 + "\n",
                "version 999999\n", "rank 99999999999\nworld -5\nopened_ms 99999999999999999999\n", "name \xff\xfe<script>\nproject \x1b[31m\n"]
        for i, lie in enumerate(lies):
            folder = self.folder(directory, 20 + i)
            self.write(folder, ID % 1 + ".alive", data=("version 1\n" * (i % 2) + lie).encode("latin-1"))
        server = self.start(directory)
        self.check_good(server, recorder)
        time.sleep(1.5)  # it has looked at who lives
        self.assertTrue(server.alive())
        json.loads(server.call("GET", "/api/v1/runs").body.decode("utf-8"))
        with open(victim) as f:
            self.assertEqual(f.read(), "precious")

    def test_links(self):
        directory = self.make_directory()
        outside = self.make_directory()
        recorder = self.good(directory)
        other = self.make_directory()
        stranger = self.good(other)
        secret = self.write(outside, "secret", data=b"step secret\n" * 100)
        runs = os.path.join(directory, "runs")
        os.symlink(os.path.join(other, "runs", stranger.run), os.path.join(runs, stranger.run))  # a run somewhere else
        os.symlink("/", os.path.join(runs, ID % 30))
        os.symlink(ID % 31, os.path.join(runs, ID % 31))
        a = self.folder(directory, 32)
        source = os.path.join(other, "runs", stranger.run)
        for name in os.listdir(source):
            os.symlink(os.path.join(source, name), os.path.join(a, name))
        os.symlink(secret, os.path.join(a, ID % 1 + ".out"))
        os.symlink(secret, os.path.join(a, ID % 1 + ".alive"))
        os.symlink("/dev/zero", os.path.join(a, ID % 2 + "-000001.seg"))
        os.symlink(secret, os.path.join(a, ID % 2 + "-0000000000000000.blob"))
        before = sorted(os.listdir(source))
        server = self.start(directory)
        self.check_good(server, recorder)
        time.sleep(1.5)
        for run in server.call("GET", "/api/v1/runs").json()["runs"]:
            self.assertNotIn(b"secret", server.call("GET", "/api/v1/runs/%s/log" % run["id"]).body)
        self.assertEqual(sorted(os.listdir(source)), before)
        self.assertIsNone(self.run_of(server, stranger.run))
        self.assertTrue(os.path.exists(secret))
        self.check_good(server, recorder)

    def test_huge(self):
        directory = self.make_directory()
        recorder = self.good(directory)
        proc = ID % 1
        a = self.folder(directory, 40)
        self.write(a, proc + "-000001.seg", size=1 << 40)  # a hole of a terabyte
        self.write(a, proc + ".out", size=1 << 40)
        b = self.folder(directory, 41)  # a real segment that goes on as a hole
        real = self.recorder(directory, rate=5000).reach(200)
        wait_until(lambda: self.segments(directory, real.run), 5)
        real.kill()
        with open(self.segments(directory, real.run)[0], "rb") as f:
            head = f.read()
        self.write(b, proc + "-000001.seg", data=head, size=1 << 38)
        c = self.folder(directory, 42)
        for i in range(20000):
            os.close(os.open(os.path.join(c, "%s-%06d.seg" % (proc, i + 1)), os.O_CREAT | os.O_WRONLY, 0o600))
        server = self.start(directory)
        self.check_good(server, recorder)
        self.await_state(server, real.run, "crashed")
        self.check_points(server, real.run, real.logged)
        time.sleep(2)
        begin = time.monotonic()
        self.assertTrue(server.alive())
        self.assertLess(time.monotonic() - begin, PATIENCE)
        reply = server.call("GET", "/api/v1/runs/%s/log?offset=-100000000&limit=100000000" % (ID % 40))
        self.assertLess(len(reply.body), 64 << 20)
        self.assertLess(self.memory_mb(server), 100)

    def segments(self, directory, run):
        folder = os.path.join(directory, "runs", run)
        return [os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".seg")]

    def test_damaged_in_the_middle(self):
        """Bits flipped in a segment: what stands in other blocks is served, nothing else comes."""
        directory = self.make_directory()
        recorder = self.recorder(directory, rate=5000, steps=10000)
        recorder.wait()
        path = min(self.segments(directory, recorder.run))
        with open(path, "r+b") as f:
            f.seek(os.path.getsize(path) // 2)
            f.write(b"\xa5" * 16)
        server = self.start(directory)
        self.assertTrue(wait_until(lambda: self.run_of(server, recorder.run), 5))
        time.sleep(1)
        steps, values = self.points(server, recorder.run, "count")
        self.assertGreater(len(steps), 3000)
        wrong = [(step, value) for step, value in zip(steps, values) if step != value]
        self.assertEqual(wrong, [])
        self.assertTrue(all(a < b for a, b in zip(steps, steps[1:])))
        print("damaged: %d of 10000 points, state %s" % (len(steps), self.run_of(server, recorder.run)["state"]))

    def test_a_cut_segment(self):
        directory = self.make_directory()
        recorder = self.recorder(directory, rate=5000, steps=5000)
        recorder.wait()
        path = max(self.segments(directory, recorder.run))  # the last one, where there are several
        os.truncate(path, os.path.getsize(path) * 2 // 3 + 1)
        server = self.start(directory)
        self.assertTrue(wait_until(lambda: self.run_of(server, recorder.run), 5))
        self.assertTrue(wait_until(lambda: self.run_of(server, recorder.run)["state"] in ("crashed", "finished", "failed"), 10))
        steps, values = self.points(server, recorder.run, "count")
        self.assertEqual(steps, list(range(len(steps))))
        self.assertGreater(len(steps), 1000)

    def test_modes(self):
        directory = self.make_directory()
        self.good(directory)
        self.start(directory)
        for folder, folders, files in os.walk(directory):
            for name in folders:
                self.assertEqual(stat.S_IMODE(os.lstat(os.path.join(folder, name)).st_mode), 0o700, name)
            for name in files:
                if name != "stderr":  # of the test's own
                    self.assertEqual(stat.S_IMODE(os.lstat(os.path.join(folder, name)).st_mode) & 0o077, 0, name)


if __name__ == "__main__":
    main()
