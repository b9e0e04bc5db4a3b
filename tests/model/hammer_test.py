"""Nothing changes what is learnt, also when all of it happens at once: a network with filters and normalisation that is looked
at as often as can be, through which several clients push samples while it runs and while it is paused, that is pinned, kept, pruned,
stepped, paused and resumed, under a server that is killed twice and comes back. The whole state at the end (weights, moments,
statistics of the normalisations, random numbers) has the bits of a run that nobody looked at.
"""
import http.client
import json
import os
import signal
import subprocess
import threading
import unittest

from bits_test import BIN, read
from harness import Server, Trainer, main, wait
from viewer import Viewer

ARGUMENTS = ["--digits", "--limit", "1500", "--epochs", "12", "--threads", "2", "--seed", "5", "--batch", "32",
             "--model", "cnn", "--filters", "4,8", "--layers", "32"]
CLIENTS, VIEWERS, FASTEST_HZ = 4, 2, 30
INPUTS, SAMPLES = 784, 5


class Client(threading.Thread):
    """Pushes a sample as soon as the one before was answered, by number and by values in turn, some of them wrong."""

    def __init__(self, test, number):
        super().__init__(daemon=True)
        self.test, self.number = test, number
        self.answered = 0
        self.fault = None
        self.start()

    def run(self):
        sent = self.number
        while not self.test.over.is_set() and not self.fault:
            sent += 1
            try:
                self.push(sent)
            except (OSError, http.client.HTTPException):
                self.test.over.wait(0.05)  # there is no server now

    def push(self, sent):
        wrong = sent % 7 == 0
        sample = sent % SAMPLES
        body = {"sample": sample} if sent % 2 else {"input": [sample / 9] * (INPUTS - wrong)}
        wrong = wrong and "input" in body
        reply = self.test.server.call("POST", "/api/v1/runs/%s/try?wait=2000" % self.test.run_id, json.dumps(body))
        if wrong and reply.status == 200:
            self.fault = "an input of another size was answered"
        elif not wrong and reply.status == 200:
            self.answered += 1
            self.check(reply.json(), (sent % 2, sample))

    def check(self, answer, what):
        """Of one state there is one answer, whoever asks and however often."""
        before = self.test.answers.setdefault((answer["step"], what), answer["output"])
        if before != answer["output"]:
            self.fault = "%s at step %d: %s, and then %s" % (what, answer["step"], before, answer["output"])
        if abs(sum(answer["output"]) - 1) > 1e-4:
            self.fault = "no shares: %s" % answer


class Hammer(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(lambda: self.server.clean())
        self.over, self.answers = threading.Event(), {}
        self.addCleanup(self.over.set)

    def state(self, name):
        return os.path.join(self.server.directory, name + ".state")

    def plain(self):
        subprocess.run([os.path.join(BIN, "nnscope-train-plain"), *ARGUMENTS, "--save", self.state("plain")], check=True, timeout=120,
                       stdout=subprocess.DEVNULL, env=self.server.environment)
        return read(self.state("plain"))

    def wait_for(self, what, ready):
        return wait(what, ready, needs=[self.server, self.trainer])

    def command(self, **command):
        reply = self.server.call("POST", "/api/v1/runs/%s/commands?wait=10000" % self.run_id, json.dumps(command))
        self.assertEqual(reply.status, 200, reply.body)

    def held(self):
        runs = self.server.call("GET", "/api/v1/runs").json()["runs"]
        return next((run["id"] for run in runs if run["state"] == "paused"), None)

    def wait_held(self):
        return self.wait_for("the hold", self.held)

    def look(self):
        viewers = [Viewer(self.server, self.run_id, FASTEST_HZ) for _ in range(VIEWERS)]
        for viewer in viewers:
            self.addCleanup(viewer.link.close)
        self.wait_for("what each sees", lambda: all(viewer.looks for viewer in viewers))
        return viewers

    def answered_again(self):
        """Each client has got an answer to what it asked after this."""
        before = [client.answered for client in self.clients]
        self.wait_for("an answer to each client", lambda: any(client.fault for client in self.clients) or all(
            client.answered > count + 1 for client, count in zip(self.clients, before)))

    def come_back(self):
        """The server dies as it stands and another takes its place."""
        self.server.stop(signal.SIGKILL)
        self.server = Server(directory=self.server.directory)
        self.wait_held()
        return self.look()

    def test_all_at_once(self):
        plain = self.plain()
        self.trainer = Trainer([os.path.join(BIN, "nnscope-train"), *ARGUMENTS, "--save", self.state("hammered"), "--paused",
                                "--budget", "0.5"], self.server.directory, env=self.server.environment)
        self.addCleanup(self.trainer.kill)
        self.run_id = self.wait_held()
        self.clients = [Client(self, number) for number in range(CLIENTS)]
        viewers = self.look()
        self.answered_again()
        for sample in range(3):
            self.command(type="pin", name="sample %d" % sample, sample=sample)
        self.command(type="step", steps=20)
        self.command(type="prune")
        self.command(type="keep")
        self.wait_held()
        self.command(type="step", steps=100)
        viewers += self.come_back()  # it dies while it runs
        self.answered_again()
        self.command(type="step", steps=300)
        self.answered_again()
        self.command(type="keep")
        self.command(type="pause")
        self.command(type="unpin", name="sample 0")
        viewers += self.come_back()  # and while it holds
        self.answered_again()
        self.command(type="prune")
        self.command(type="resume")
        self.assertEqual(self.trainer.wait(100), 0)
        self.over.set()
        for client in self.clients:
            client.join(20)
            self.assertIsNone(client.fault)
        print("%d answers, %d looks" % (sum(client.answered for client in self.clients), sum(viewer.looks for viewer in viewers)))
        self.assertEqual(read(self.state("hammered")), plain)


if __name__ == "__main__":
    main()
