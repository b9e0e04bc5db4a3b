"""Kills at random moments: trainers, watched, seen and alone, and servers. Every point logged before is served once, in order.

NNS_ROUNDS is the number of kills (50); about half are of trainers. NNS_SEED repeats their moments.
"""
import json
import os
import random
import threading
import time

from harness import WebSocket
from faults import PATIENCE, ROUNDS, FaultCase, main, noise, wait_until

SEED = int(os.environ.get("NNS_SEED", random.randrange(1 << 32)))
BATCH = 4
BOTH_KILLS = max(4, ROUNDS // 5)
SERVER_KILLS = max(4, ROUNDS // 4)
TRAINER_KILLS = max(6, ROUNDS - SERVER_KILLS - BOTH_KILLS)
RATES = (200, 2000, 20000, 100000)  # all within what is lossless


class Kills(FaultCase):
    def setUp(self):
        self.random = random.Random("%d %s" % (SEED, self.id()))

    def batch(self, directory, kills):
        """Recorders of all rates, each killed at a moment of its own. -> [(recorder, time of death)]."""
        recorders = [self.recorder(directory, rate=RATES[i % len(RATES)], name="kill-%d" % i) for i in range(kills)]
        begin, dead = time.monotonic(), []
        moments = sorted((self.random.choice((0.1, 0.4, 1.5)) * self.random.random(), i) for i in range(kills))
        for moment, i in moments:
            time.sleep(max(0, begin + moment - time.monotonic()))
            dead.append((recorders[i], recorders[i].kill()))
        return dead

    def check(self, server, recorder, died=None):
        if not recorder.run or recorder.logged < 0 and not self.run_of(server, recorder.run):
            return  # killed before it had begun
        self.await_state(server, recorder.run, "crashed", 15)
        if died:
            self.late.append(time.monotonic() - died)
        self.check_points(server, recorder.run, recorder.logged)
        if recorder.printed >= 0:
            self.check_output(server, recorder.run, recorder.printed)

    def rounds(self, kills):
        while kills > 0:
            yield min(BATCH, kills)
            kills -= BATCH

    def test_trainers_alone(self):
        directory = self.make_directory()
        dead = []
        for n in self.rounds(TRAINER_KILLS // 3):
            dead += self.batch(directory, n)
        server = self.start(directory)
        self.late = []
        for recorder, _ in dead:
            self.check(server, recorder)
        self.end(server)
        again = self.start(directory)  # and a second look doubles nothing
        for recorder, _ in dead:
            self.check(again, recorder)

    def seen(self, watch):
        directory = self.make_directory()
        server = self.start(directory)
        link = watch and Watcher(server)
        self.late = []
        for n in self.rounds(TRAINER_KILLS // 3):
            dead = self.batch(directory, n)
            for recorder, died in dead:
                self.check(server, recorder, died if recorder is dead[-1][0] else None)
        self.assertIsNone(server.process.poll())
        if self.late:
            self.assertLess(sorted(self.late)[len(self.late) // 2], 2 * PATIENCE, self.late)
        if link:
            self.assertGreater(link.end(), 0)

    def test_trainers_seen(self):
        self.seen(False)

    def test_trainers_watched(self):
        self.seen(True)

    def test_a_crash_shows_within_two_seconds(self):
        directory = self.make_directory()
        server = self.start(directory)
        recorder = self.recorder(directory, rate=1000).reach(150)
        self.await_state(server, recorder.run, "running")
        died = recorder.kill()
        self.await_state(server, recorder.run, "crashed")
        self.assertLess(time.monotonic() - died, 2 * PATIENCE)
        self.check_points(server, recorder.run, recorder.logged)
        self.check_output(server, recorder.run, recorder.printed)

    def test_servers(self):
        directory = self.make_directory()
        recorders = [self.recorder(directory, rate=rate) for rate in (500, 5000)]
        for recorder in recorders:
            recorder.reach(1)
        for i in range(SERVER_KILLS):
            server = self.start(directory)
            link = Watcher(server) if i % 2 else None
            time.sleep(self.random.choice((0.02, 0.3, 1.3)) * self.random.random())
            self.kill(server)
            if link:
                link.end()
        server = self.start(directory)
        for recorder in recorders:
            self.assertEqual(recorder.waits, 0, "the training thread has slept in nnscope")
            self.assertIsNone(recorder.process.poll())
            self.assertTrue(wait_until(lambda: self.run_of(server, recorder.run), 10))
            command = {"type": "stop"}
            reply = server.call("POST", "/api/v1/runs/%s/commands?wait=10000" % recorder.run, json.dumps(command))
            self.assertEqual(reply.status, 200, reply.body)
            self.assertEqual(recorder.wait(), 0)
            self.assertEqual((recorder.stopped, recorder.dropped, recorder.failed_bytes), (1, 0, 0))
            self.await_state(server, recorder.run, "finished")
            self.check_points(server, recorder.run, recorder.logged, most=recorder.logged)


    def test_both(self):
        """A run that is taken up again and again, each process killed, while servers come and are killed too, also in the
        middle of salvage."""
        directory = self.make_directory()
        server, run, first, pieces, killed = None, None, 0, [], 0
        while killed < BOTH_KILLS:
            recorder = self.recorder(directory, run=run, rate=3000, **{"from": first})
            if not wait_until(lambda: recorder.logged >= first, 20, 0.001):
                self.fail("%s does not begin" % run)
            time.sleep(0.3 * self.random.random())
            if not server and self.random.random() < 0.5:
                server = self.start(directory)
            recorder.kill()
            killed += 1
            run, pieces, first = recorder.run, pieces + [(first, recorder.logged)], recorder.logged + 2
            if not server and self.random.random() < 0.5:
                server = self.start(directory)
            if server and self.random.random() < 0.7:
                time.sleep(self.random.choice((0.002, 0.05, 0.6)) * self.random.random())
                self.kill(server)
                server, killed = None, killed + 1
        last = self.recorder(directory, run=run, rate=3000, steps=100, **{"from": first})
        self.assertEqual(last.wait(), 0)
        server = server or self.start(directory)
        wait_until(lambda: self.run_of(server, run)["last_step"] == first + 99, 20 + killed)
        ended = self.await_state(server, run, "finished", 20 + killed)
        self.assertEqual(ended["attempt"], 0, "no step has gone back")
        for series, of in (("count", float), ("noise", noise)):
            steps, values = self.points(server, run, series, attempts="all")
            self.assertEqual(values, [of(step) for step in steps])
            self.assertEqual(len(steps), len(set(steps)), "doubled")
            there = set(steps)
            for begin, end in pieces + [(first, first + 99)]:
                lost = [step for step in range(begin, end + 1) if step not in there]
                self.assertEqual(lost, [], "of %d to %d" % (begin, end))


class Watcher:
    """A viewer that subscribes to every run it hears of and reads what comes."""

    def __init__(self, server):
        self.link = WebSocket(server)
        self.link.message("hello")
        self.link.send(json.dumps({"type": "watch_runs"}))
        self.frames, self.known, self.ending = 0, set(), False
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        try:
            while True:
                opcode, payload = self.link.frame()
                self.frames += opcode == 2
                if opcode == 9:
                    self.link.send(payload, opcode=10)
                if opcode == 1:
                    self.subscribe(json.loads(payload))
        except (OSError, ConnectionError, ValueError):
            pass

    def subscribe(self, message):
        for run in message.get("runs", []) if message["type"] == "runs" else []:
            if run["id"] in self.known or len(self.known) > 50:
                continue
            self.known.add(run["id"])
            self.link.send(json.dumps({"type": "subscribe", "id": len(self.known), "run": run["id"], "series": ["*"]}))
            self.link.send(json.dumps({"type": "watch", "id": 1000 + len(self.known), "run": run["id"]}))

    def end(self):
        try:
            self.link.s.shutdown(2)
        except OSError:
            pass
        self.thread.join(5)
        self.link.close()
        return self.frames


if __name__ == "__main__":
    print("%d kills of trainers, %d of servers, %d of both, NNS_SEED=%d" % (TRAINER_KILLS // 3 * 3 + 1, SERVER_KILLS, BOTH_KILLS, SEED))
    main()
