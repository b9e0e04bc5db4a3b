"""`nnscope demo` and `nnscope train` as a person runs them: what they print, how they end, and that nothing is left behind."""
import json
import os
import re
import signal
import subprocess
import time
import unittest
import urllib.request

from harness import PATIENCE, PROGRAM, end_at_exit, folder, main, remove, wait

SMALL = ["--digits", "--limit", "6000", "--layers", "64", "--threads", "1"]


def command_line(pid):
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as f:
            return f.read().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def directory_of(pid):
    try:
        with open("/proc/%d/environ" % pid, "rb") as f:
            return f.read()
    except OSError:
        return b""


class Demo(unittest.TestCase):
    def setUp(self):
        self.directory = folder("nnscope-demo-")
        self.environment = dict(os.environ, NNSCOPE_DIR=self.directory, NNSCOPE_SHM=self.directory)
        for name in ("NNSCOPE_URL", "NNSCOPE_TOKEN", "NNSCOPE_RUN"):
            self.environment.pop(name, None)
        self.addCleanup(remove, self.directory)

    def ours(self):
        """Processes that live in our data directory."""
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
        return [command_line(pid) for pid in pids if self.directory.encode() in directory_of(pid) and command_line(pid)]

    def assert_nothing_left(self, seconds):
        end = time.monotonic() + seconds * PATIENCE
        while self.ours() and time.monotonic() < end:
            time.sleep(0.02)
        self.assertEqual(self.ours(), [])

    def assert_ends(self, process):
        """Ctrl-C: 2.3 s at most (TRAINER_END_MS + SERVER_END_MS), and all well."""
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(10 * PATIENCE), 0)
        self.assertLess(time.monotonic() - began, 2.5 * PATIENCE)
        self.assert_nothing_left(0.5)

    def start(self, *arguments):
        process = subprocess.Popen([PROGRAM, "demo", *SMALL, "--port", "0", *arguments], env=self.environment, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        return end_at_exit(process)

    def address(self, process):
        said = []
        for line in process.stdout:
            said.append(line)
            found = re.search(r"http://\S+", line)
            if found:
                return found[0]
        self.fail("no address: " + "".join(said))

    def test_ends_by_itself(self):
        process = self.start("--epochs", "1", "--exit")
        said, _ = process.communicate(timeout=30 * PATIENCE)
        self.assertEqual(process.returncode, 0, said)
        self.assertEqual(len(re.findall("http://", said)), 1, said)
        self.assertRegex(said.splitlines()[-1], r"^accuracy 0\.\d{4}$")
        self.assert_nothing_left(0.5)

    def test_page_and_ctrl_c(self):
        process = self.start()
        url = self.address(process)
        self.assertIn("?token=", url)
        with urllib.request.urlopen(url, timeout=10 * PATIENCE) as page:
            self.assertEqual(page.status, 200)
        wait("training", lambda: any(run["last_step"] > 10 for run in self.call(url, "runs")["runs"]))
        self.assert_ends(process)

    def test_ctrl_c_while_paused(self):
        process = self.start("--paused")
        self.wait_held(self.address(process))
        self.assert_ends(process)

    def test_killed(self):
        process = self.start()
        self.address(process)
        self.assertGreaterEqual(len(self.ours()), 3)
        process.kill()
        process.wait(5 * PATIENCE)
        self.assert_nothing_left(5)

    def call(self, url, path, body=None):
        base, token = url.split("/?token=")
        request = urllib.request.Request(base + "/api/v1/" + path, headers={"Authorization": "Bearer " + token},
                                         data=json.dumps(body).encode() if body else None)
        with urllib.request.urlopen(request, timeout=20 * PATIENCE) as reply:
            return json.load(reply)

    def line_with(self, process, word):
        for line in process.stdout:
            if word in line:
                return line
        self.fail("no line with " + word)

    def wait_held(self, url):
        held = lambda: [run["id"] for run in self.call(url, "runs")["runs"] if run["state"] == "paused"]
        return wait("a run that holds", held)[0]

    def test_stays_after_the_epochs(self):
        """The trained network waits, paused: it answers what is tried; more epochs and resume, and it goes on."""
        process = self.start("--epochs", "1")
        url = self.address(process)
        self.line_with(process, "finished training, waiting: try it, Ctrl-C ends")
        run = self.wait_held(url)
        answer = self.call(url, "runs/%s/try?wait=10000" % run, {"input": [0.5] * 784})
        self.assertEqual(len(answer["output"]), 10)
        self.assertEqual(set(answer["activations"]), {"input", "fc1", "output"})
        self.assertEqual(self.call(url, "runs/%s/try?wait=10000" % run, {"sample": 5})["output"],
                         self.call(url, "runs/%s/try?wait=10000" % run, {"sample": 5})["output"])
        self.call(url, "runs/%s/commands?wait=10000" % run, {"type": "resume"})
        self.call(url, "runs/%s/commands?wait=10000" % run, {"type": "set", "parameter": "epochs", "value": 2})
        self.call(url, "runs/%s/commands?wait=10000" % run, {"type": "resume"})
        self.line_with(process, "epoch 2")
        self.line_with(process, "finished training")
        process.send_signal(signal.SIGTERM)
        said = process.stdout.read()
        self.assertEqual(process.wait(10 * PATIENCE), 0)
        self.assertRegex(said.splitlines()[-1], r"^accuracy 0\.\d{4}$")
        self.assert_nothing_left(0.5)

    def test_a_server_that_runs_is_used(self):
        server = subprocess.Popen([PROGRAM, "server", "--port", "0"], env=self.environment, stdout=subprocess.PIPE, text=True)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.kill)
        server.stdout.readline()
        process = self.start("--epochs", "1", "--exit")
        said, _ = process.communicate(timeout=30 * PATIENCE)
        self.assertEqual(process.returncode, 0, said)
        self.assertIsNone(server.poll())
        server.terminate()
        self.assertEqual(server.wait(10), 0)

    def test_wrong_option(self):
        process = self.start("--batch", "0")
        said, _ = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 2, said)
        self.assertIn("--batch 0", said)
        self.assert_nothing_left(0.5)

    def train(self, *arguments):
        return subprocess.run([PROGRAM, "train", *SMALL, *arguments], env=self.environment, capture_output=True, text=True, timeout=60)

    def test_train(self):
        done = self.train("--epochs", "1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout.splitlines()[-1], r"^accuracy 0\.\d{4}$")
        self.assertIn("digits drawn", done.stdout)
        quiet = self.train("--epochs", "1", "--quiet")
        self.assertEqual(quiet.stdout, done.stdout.splitlines()[-1] + "\n")
        self.assertEqual(self.train("--epochs", "x").returncode, 2)
        self.assertEqual(self.train("--load", "/nonexistent").returncode, 2)  # --layers beside --load
        self.assertEqual(subprocess.run([PROGRAM, "train", "--digits", "--limit", "60", "--load", "/nonexistent"], env=self.environment,
                                        capture_output=True, timeout=60).returncode, 1)


if __name__ == "__main__":
    main()
