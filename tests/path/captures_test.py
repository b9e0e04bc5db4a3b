"""A disk that is full for a while under a server and a run whose network is looked at: training goes on, what could not be written is
counted, memory has its bounds, and looks, snapshots and pushes come back. The file systems are this test's own.
"""
import json
import os
import signal
import time

from disk_test import MountCase
from faults import main, own_mounts, wait_until
from harness import PROGRAM, Trainer, folder
from viewer import Viewer

FULL_S, GROWN_MB_MAX = 2, 64
WORDS = [PROGRAM, "train", "--digits", "--model", "cnn", "--filters", "4,8", "--layers", "32", "--epochs", "0", "--threads", "1",
         "--quiet", "--budget", "0.2"]


def memory_mb(process):
    with open("/proc/%d/status" % process.pid) as f:
        return next(int(line.split()[1]) / 1024 for line in f if line.startswith("VmRSS"))


def used_s(process):
    """CPU time of its first thread, the one that trains."""
    with open("/proc/%d/task/%d/stat" % (process.pid, process.pid)) as f:
        return sum(int(word) for word in f.read().rsplit(")", 1)[1].split()[11:13]) / os.sysconf("SC_CLK_TCK")


class Captures(MountCase):
    def open_run(self):
        directory = self.make_directory()
        self.disk(directory, "size=48m")
        self.server = self.start(directory)
        environment = dict(self.server.environment)
        del environment["NNSCOPE_SHM"]  # the disk is full, not the memory
        self.trainer = Trainer(WORDS, folder(), env=environment)
        self.addCleanup(self.trainer.kill)
        self.run_id = wait_until(self.running, 20)
        self.viewer = Viewer(self.server, self.run_id, 30)
        self.addCleanup(self.viewer.link.close)

    def running(self):
        runs = self.server.call("GET", "/api/v1/runs").json()["runs"]
        return next((run["id"] for run in runs if run["state"] == "running"), None)

    def snapshots(self):
        reply = self.server.call("GET", "/api/v1/runs/%s/snapshots" % self.run_id)
        return reply.status == 200 and len(reply.json()["snapshots"])

    def push(self):
        reply = self.server.call("POST", "/api/v1/runs/%s/try?wait=1000" % self.run_id, json.dumps({"sample": 1}))
        return reply.status == 200

    def expect_all(self):
        """Looks and a snapshot beyond those that are there, and an answer."""
        looks, snapshots = self.viewer.looks, self.snapshots() or 0
        self.assertTrue(wait_until(lambda: self.viewer.looks > looks + 3, 20), self.server.said()[-2000:])
        self.assertTrue(wait_until(lambda: (self.snapshots() or 0) > snapshots, 20))
        self.assertTrue(wait_until(self.push, 20))

    def test_full_for_a_while(self):
        self.open_run()
        self.expect_all()
        before = [memory_mb(process) for process in (self.trainer, self.server.process)]
        used, began = used_s(self.trainer), time.monotonic()
        ballast = self.fill(self.server.directory)
        time.sleep(FULL_S)
        self.push()  # whatever comes of it
        self.assertGreater(used_s(self.trainer) - used, 0.1 * (time.monotonic() - began))  # it trains
        after = [memory_mb(process) for process in (self.trainer, self.server.process)]
        os.unlink(ballast)
        self.expect_all()
        for had, has in zip(before, after):
            self.assertLess(has - had, GROWN_MB_MAX)
        failed = wait_until(self.failed, 20)
        print("failed bytes %s; trainer and server had %s, then %s MB" % (failed, before, after))
        self.assertTrue(failed)
        self.trainer.send_signal(signal.SIGINT)
        self.assertEqual(self.trainer.wait(60), 0)
        self.await_state(self.server, self.run_id, "finished")

    def failed(self):
        return self.run_of(self.server, self.run_id)["failed_bytes"]


if __name__ == "__main__":
    reason = own_mounts()
    if reason:
        print("skipped: " + reason)
        raise SystemExit(77)
    main()
