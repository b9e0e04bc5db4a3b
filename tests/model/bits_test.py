"""Nothing that watches changes what is learnt: weights and the whole state after 3 epochs have the same bits with nnscope
compiled out, recording without a server, and with a server, three viewers and commands that set a parameter to the value that
it has. The trainers are beside the program that the last argument names.
"""
import json
import os
import subprocess
import threading
import time
import unittest

from harness import PROGRAM, Server, WebSocket, main

BIN = os.path.dirname(os.path.abspath(PROGRAM))
ARGUMENTS = ["--digits", "--limit", "3000", "--epochs", "3", "--threads", "1", "--seed", "5", "--batch", "64"]
PRESENT = {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.0001, "batch": 64, "epochs": 3, "optimizer": "momentum"}


def read(path):
    with open(path, "rb") as f:
        return f.read()


class Bits(unittest.TestCase):
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
        subprocess.run([os.path.join(BIN, program), *ARGUMENTS, "--save", cls.state(name), *more], check=True, timeout=60,
                       stdout=subprocess.DEVNULL, env=environment or cls.server.environment)
        return read(cls.state(name))

    def test_recording_alone(self):
        alone = dict(self.server.environment, NNSCOPE_DIR=os.path.join(self.server.directory, "alone"))
        self.assertEqual(self.train("nnscope-train", "alone", environment=alone), self.plain)

    def test_another_seed_differs(self):
        self.assertNotEqual(self.train("nnscope-train-plain", "other", "--seed", "6"), self.plain)

    def test_going_on(self):
        self.train("nnscope-train", "half", "--steps", "70")
        self.assertEqual(self.train("nnscope-train", "whole", "--load", self.state("half")), self.plain)

    def command(self, run, command):
        reply = self.server.call("POST", "/api/v1/runs/%s/commands?wait=5000" % run, json.dumps(command))
        return reply.status, reply.body

    def run_of(self, name):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            for run in self.server.call("GET", "/api/v1/runs").json()["runs"]:
                if run["name"] == name and run["state"] == "paused":
                    return run["id"]
            time.sleep(0.05)
        self.fail("the run is not to be seen")

    def viewer(self, run):
        """A viewer that reads frames as long as they come; returns how many it got."""
        link = WebSocket(self.server)
        link.message("hello")
        link.send(json.dumps({"type": "watch", "id": 1, "run": run}))
        link.send(json.dumps({"type": "subscribe", "id": 2, "run": run, "series": ["*"], "buckets": 500}))
        got = [0]

        def read_frames():
            try:
                while True:
                    opcode, payload = link.frame()
                    got[0] += opcode == 2
                    if opcode == 9:
                        link.send(payload, opcode=10)
            except (ConnectionError, OSError):
                pass

        thread = threading.Thread(target=read_frames, daemon=True)
        thread.start()
        return link, got

    def test_watched_and_steered(self):
        trainer = subprocess.Popen([os.path.join(BIN, "nnscope-train"), *ARGUMENTS, "--save", self.state("watched"), "--paused",
                                    "--name", "watched"], stdout=subprocess.DEVNULL, env=self.server.environment)
        self.addCleanup(trainer.kill)
        run = self.run_of("watched")
        viewers = [self.viewer(run) for _ in range(3)]
        for name, value in PRESENT.items():
            status, body = self.command(run, {"type": "set", "parameter": name, "value": value})
            self.assertEqual(status, 200, body)
        self.assertEqual(self.command(run, {"type": "resume"})[0], 200)
        applied = 0
        while trainer.poll() is None:
            name = list(PRESENT)[applied % len(PRESENT)]
            applied += self.command(run, {"type": "set", "parameter": name, "value": PRESENT[name]})[0] == 200
            if applied == 5:
                self.command(run, {"type": "pause"})
                self.command(run, {"type": "step", "steps": 2})
                self.command(run, {"type": "resume"})
        self.assertEqual(trainer.wait(60), 0)
        self.assertGreater(applied, 5)
        time.sleep(0.3)
        for link, got in viewers:
            self.assertGreater(got[0], 0)
            link.close()
        self.assertEqual(read(self.state("watched")), self.plain)


if __name__ == "__main__":
    main()
