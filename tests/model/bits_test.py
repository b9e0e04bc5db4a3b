"""Nothing that watches changes what is learnt: weights and the whole state after 3 epochs have the same bits with nnscope
compiled out, recording without a server, recording nothing of the network, and with a server, three viewers that look at everything inside the network ten times
a second, samples pushed and pinned, a pruning curve, a moment kept, and commands that set a parameter to the value that it
has. Of a network of dense layers and of one with filters and normalisation. The trainers are beside the program that the last
argument names.
"""
import json
import os
import subprocess
import time
import unittest

from harness import PROGRAM, Server, Trainer, main, wait
from viewer import Viewer

BIN = os.path.dirname(os.path.abspath(PROGRAM))
COMMON = ["--digits", "--limit", "3000", "--epochs", "3", "--threads", "1", "--seed", "5", "--batch", "64"]
MLP = [*COMMON, "--layers", "256,128"]
CNN = [*COMMON, "--limit", "1500", "--model", "cnn", "--filters", "4,8", "--layers", "32"]
PRESENT = {"lr": 0.05, "momentum": 0.9, "batch": 64, "epochs": 3, "optimizer": "momentum"}


def read(path):
    with open(path, "rb") as f:
        return f.read()


class Bits:
    """What both networks are put through; `arguments` are the trainer's."""

    arguments = []

    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.plain = cls.train("nnscope-train-plain", "plain")

    @classmethod
    def tearDownClass(cls):
        cls.server.clean()

    @classmethod
    def state(cls, name):
        return os.path.join(cls.server.directory, name + ".state")

    @classmethod
    def train(cls, program, name, *more, environment=None):
        subprocess.run([os.path.join(BIN, program), *cls.arguments, "--save", cls.state(name), *more], check=True, timeout=60,
                       stdout=subprocess.DEVNULL, env=environment or cls.server.environment)
        return read(cls.state(name))

    def test_recording_alone(self):
        alone = dict(self.server.environment, NNSCOPE_DIR=os.path.join(self.server.directory, "alone"))
        self.assertEqual(self.train("nnscope-train", "alone", environment=alone), self.plain)

    def finished_run(self, name):
        runs = self.server.call("GET", "/api/v1/runs").json()["runs"]
        return next((run["id"] for run in runs if run["name"] == name and run["state"] == "finished"), None)

    def test_recording_without_the_network(self):
        off = dict(self.server.environment, NNSCOPE_RECORD_NETWORK="0")
        self.assertEqual(self.train("nnscope-train", "off", "--name", "off", environment=off), self.plain)
        run = self.wait_for(lambda: self.finished_run("off"))
        self.assertEqual(self.server.call("GET", "/api/v1/runs/%s/snapshots" % run).json()["snapshots"], [])
        names = [s["name"] for s in self.server.call("GET", "/api/v1/runs/%s/series" % run).json()["series"]]
        self.assertIn("train/loss", names)
        self.assertFalse([name for name in names if name.startswith("layer/")])

    def test_another_seed_differs(self):
        self.assertNotEqual(self.train("nnscope-train-plain", "other", "--seed", "6"), self.plain)

    def test_going_on(self):
        self.train("nnscope-train", "half", "--steps", "40")
        data = [*self.arguments[:self.arguments.index("--model")]] if "--model" in self.arguments else self.arguments[:-2]
        subprocess.run([os.path.join(BIN, "nnscope-train"), *data, "--load", self.state("half"), "--save", self.state("whole")],
                       check=True, timeout=60, stdout=subprocess.DEVNULL, env=self.server.environment)
        self.assertEqual(read(self.state("whole")), self.plain)

    def post(self, run, path, body):
        reply = self.server.call("POST", "/api/v1/runs/%s/%s" % (run, path), json.dumps(body))
        return reply.status, reply.body

    def command(self, run, **command):
        return self.post(run, "commands?wait=5000", command)

    def wait_for(self, what, *needs):
        return wait("what the run says", what, needs=[self.server, *needs])

    def paused_run(self, name):
        runs = self.server.call("GET", "/api/v1/runs").json()["runs"]
        return next((run["id"] for run in runs if run["name"] == name and run["state"] == "paused"), None)

    def push(self, run, sample):
        status, body = self.post(run, "try?wait=5000", {"sample": sample})
        if status != 200:
            return None
        answer = json.loads(body)
        self.assertAlmostEqual(sum(answer["output"]), 1, places=4)
        return answer

    def measure_pruning(self, run):
        status, body = self.command(run, type="prune")
        self.assertEqual(status, 200, body)
        points = self.wait_for(lambda: self.pruning(run))
        self.assertEqual(len(points), 13)
        self.assertTrue(all(0 <= accuracy <= 1 for _, _, accuracy in points), points)

    def pruning(self, run):
        reply = self.server.call("GET", "/api/v1/runs/%s/pruning" % run)
        return reply.status == 200 and reply.json().get("curve")

    def test_watched_and_steered(self):
        trainer = Trainer([os.path.join(BIN, "nnscope-train"), *self.arguments, "--save", self.state("watched"), "--paused",
                           "--name", "watched", "--budget", "0.5"], self.server.directory, env=self.server.environment)
        self.addCleanup(trainer.kill)
        run = self.wait_for(lambda: self.paused_run("watched"), trainer)
        viewers = [Viewer(self.server, run) for _ in range(3)]
        for name, value in PRESENT.items():
            status, body = self.command(run, type="set", parameter=name, value=value)
            self.assertEqual(status, 200, body)
        self.assertEqual(len(self.push(run, 7)["output"]), 10)  # while paused, before the first update
        self.assertEqual(self.command(run, type="pin", name="seven", sample=7)[0], 200)
        self.wait_for(lambda: all(viewer.looks for viewer in viewers))
        self.assertEqual(self.command(run, type="step", steps=10)[0], 200)
        self.wait_for(lambda: self.paused_run("watched"))
        self.measure_pruning(run)
        for i, (name, value) in enumerate([*PRESENT.items()] * 2):  # some at rest, some while it learns
            self.assertEqual(self.command(run, type="step", steps=3)[0], 200)
            self.assertEqual(self.command(run, type="set", parameter=name, value=value)[0], 200)
            self.assertIsNotNone(self.push(run, i))
        self.assertEqual(self.command(run, type="keep")[0], 200)
        for _ in range(25):  # a look sees what a step has changed: steps until some were seen
            if all(viewer.looks > 3 for viewer in viewers):
                break
            self.command(run, type="step", steps=1)
            time.sleep(0.15)  # so long a look's copy may be on its way
        self.assertGreater(min(viewer.looks for viewer in viewers), 3)
        self.assertEqual(self.command(run, type="resume")[0], 200)
        while trainer.poll() is None:
            self.push(run, 3)
        self.assertEqual(trainer.wait(60), 0)
        for viewer in viewers:
            self.assertGreater(viewer.frames, viewer.looks)
            viewer.link.close()
        self.assertEqual(read(self.state("watched")), self.plain)


class Mlp(Bits, unittest.TestCase):
    arguments = MLP


class Cnn(Bits, unittest.TestCase):
    arguments = CNN


if __name__ == "__main__":
    main()
