"""Several processes in one run, one of them killed; and a crashed run that is taken up again."""
import json
import time

from faults import FaultCase, main, noise, wait_until


class Processes(FaultCase):
    def command(self, server, run, wait=5000, **command):
        reply = server.call("POST", "/api/v1/runs/%s/commands?wait=%d" % (run, wait), json.dumps(command))
        return reply.status, reply.json()

    def states(self, server, run):
        return sorted(process["state"] for process in self.run_of(server, run)["processes"])

    def two(self, directory, **options):
        first = self.recorder(directory, rate=500, **options).reach(20)
        second = self.recorder(directory, run=first.run, rate=500, **options).reach(20)
        self.assertEqual(first.run, second.run)
        return first, second

    def test_one_killed(self):
        directory = self.make_directory()
        server = self.start(directory)
        first, second = self.two(directory)
        run = first.run
        self.assertTrue(wait_until(lambda: self.states(server, run) == ["running", "running"], 5))
        self.assertEqual(len(server.call("GET", "/api/v1/runs").json()["runs"]), 1)
        status, answer = self.command(server, run, type="set", parameter="lr", value=0.5)
        self.assertEqual((status, answer["state"]), (200, "applied"))
        second.kill()
        self.assertTrue(wait_until(lambda: self.states(server, run) == ["crashed", "running"], 5))
        self.assertEqual(self.run_of(server, run)["state"], "running")
        status, answer = self.command(server, run, type="set", parameter="lr", value=0.25)  # of every live process
        self.assertEqual((status, answer["state"]), (200, "applied"))
        self.assertEqual(self.command(server, run, type="stop")[0], 200)
        self.assertEqual(first.wait(), 0)
        ended = self.await_state(server, run, "crashed")
        self.assertEqual(sorted(p["state"] for p in ended["processes"]), ["crashed", "finished"])
        self.check_both(server, run, first.logged, second.logged)

    def check_both(self, server, run, first, second):
        """Both log the same series: each step up to the lower end twice, at least."""
        steps, values = self.points(server, run, "count", attempts="all")
        self.assertEqual(values, [float(step) for step in steps])
        counts = [0] * (max(first, second) + 2)
        for step in steps:
            counts[step] += 1
        self.assertEqual(counts[:min(first, second) + 1], [2] * (min(first, second) + 1))
        self.assertEqual(set(counts[min(first, second) + 2:max(first, second) + 1]), {1})

    def test_a_command_to_one_that_hangs_and_is_killed_expires(self):
        directory = self.make_directory()
        server = self.start(directory)
        recorder = self.recorder(directory, rate=500, steps=500, linger=60).reach(499)  # no safe point comes any more
        self.await_state(server, recorder.run, "running")
        status, answer = self.command(server, recorder.run, wait=300, type="set", parameter="lr", value=0.5)
        self.assertEqual((status, answer["state"]), (202, "asked"))
        recorder.kill()
        self.await_state(server, recorder.run, "crashed")
        commands = server.call("GET", "/api/v1/runs/%s/commands" % recorder.run).json()["commands"]
        self.assertEqual([command["state"] for command in commands], ["expired"])
        status, answer = self.command(server, recorder.run, type="pause")
        self.assertEqual(status, 409, answer)

    def test_killed_while_paused(self):
        directory = self.make_directory()
        server = self.start(directory)
        recorder = self.recorder(directory, rate=500).reach(20)
        self.await_state(server, recorder.run, "running")
        status, answer = self.command(server, recorder.run, type="pause")
        self.assertEqual(status, 200, answer)
        self.await_state(server, recorder.run, "paused")
        held = recorder.logged
        time.sleep(0.3)
        self.assertEqual(recorder.logged, held)
        recorder.kill()
        self.await_state(server, recorder.run, "crashed")
        self.check_points(server, recorder.run, held, most=held)

    def test_a_paused_run_outlives_its_server(self):
        directory = self.make_directory()
        server = self.start(directory)
        recorder = self.recorder(directory, rate=500).reach(20)
        self.await_state(server, recorder.run, "running")
        self.assertEqual(self.command(server, recorder.run, type="pause")[0], 200)
        held = recorder.logged
        self.kill(server)
        server = self.start(directory)
        self.await_state(server, recorder.run, "paused")
        self.assertEqual(recorder.logged, held)
        self.assertEqual(self.command(server, recorder.run, type="resume")[0], 200)
        recorder.reach(held + 20)
        self.assertEqual(self.command(server, recorder.run, type="stop")[0], 200)
        self.assertEqual(recorder.wait(), 0)
        self.await_state(server, recorder.run, "finished")
        self.check_points(server, recorder.run, recorder.logged, most=recorder.logged)

    def resumed(self, directory, server, seen):
        """A run killed past step 300, taken up at 200, to its end at 700."""
        first = self.recorder(directory, rate=1000).reach(300)
        if seen:
            self.await_state(server, first.run, "running")
        first.kill()
        if seen:
            self.await_state(server, first.run, "crashed")
        second = self.recorder(directory, run=first.run, rate=1000, steps=500, **{"from": 200})
        self.assertEqual(second.wait(), 0)
        return first, second

    def check_resumed(self, server, first, second):
        run = self.await_state(server, first.run, "finished")
        self.assertEqual((second.run, run["attempt"], run["last_step"]), (first.run, 1, 699))
        self.check_points(server, first.run, 699, most=699)  # the last course alone
        steps, values = self.points(server, first.run, "noise", attempts="all")
        before = len(steps) - 500
        self.assertIn(before, (first.logged + 1, first.logged + 2))
        self.assertEqual(sorted(steps), sorted(list(range(before)) + list(range(200, 700))))
        self.assertEqual(values, [noise(step) for step in steps])

    def test_taken_up_again_under_a_server(self):
        directory = self.make_directory()
        server = self.start(directory)
        first, second = self.resumed(directory, server, True)
        self.check_resumed(server, first, second)
        self.end(server)
        self.check_resumed(self.start(directory), first, second)

    def test_taken_up_again_without_one(self):
        directory = self.make_directory()
        first, second = self.resumed(directory, None, False)
        self.check_resumed(self.start(directory), first, second)


if __name__ == "__main__":
    main()
