"""Runs recorded while no server is there, and more servers than one: everything once, in order."""
import os
import subprocess
import threading
import time

from harness import PROGRAM
from faults import FaultCase, main


class Offline(FaultCase):
    def test_taken_in_once(self):
        directory = self.make_directory()
        recorders = [self.recorder(directory, rate=rate, steps=4000) for rate in (4000, 20000, 20000)]
        recorders.append(self.recorder(directory, rate=4000, steps=4000, exit=3))
        states = ["finished"] * 3 + ["failed"]
        for recorder, state in zip(recorders, states):
            self.assertEqual(recorder.wait(), 3 if state == "failed" else 0)
        for _ in range(3):
            server = self.start(directory)
            for recorder, state in zip(recorders, states):
                run = self.await_state(server, recorder.run, state)
                self.assertEqual((run["last_step"], run["dropped"]), (3999, 0))
                self.check_points(server, recorder.run, 3999, most=3999)
                self.check_output(server, recorder.run, 3900)
            self.assertEqual(len(server.call("GET", "/api/v1/runs").json()["runs"]), 4)
            self.end(server)
        left = [name for recorder in recorders for name in os.listdir(os.path.join(directory, "runs", recorder.run))]
        self.assertEqual([name for name in left if not name.endswith(".out")], [])

    def test_exits_without_close(self):
        directory = self.make_directory()
        recorders = [self.recorder(directory, "--no-close", rate=4000, steps=500, exit=status) for status in (0, 3)]
        server = None
        for recorder, state in zip(recorders, ("finished", "failed")):
            recorder.wait()
            server = server or self.start(directory)
            self.await_state(server, recorder.run, state)
            self.check_points(server, recorder.run, 499, most=499)

    def test_a_server_comes_in_the_middle(self):
        directory = self.make_directory()
        recorder = self.recorder(directory, rate=2000, steps=8000).reach(3000)
        server = self.start(directory)
        self.assertEqual(recorder.wait(), 0)
        self.assertEqual(recorder.waits, 0)
        self.await_state(server, recorder.run, "finished")
        self.check_points(server, recorder.run, 7999, most=7999)

    def test_two_servers_started_at_once(self):
        directory = self.make_directory()
        recorder = self.recorder(directory, rate=2000, steps=6000).reach(10)
        won, lost = [], []

        def start():
            try:
                won.append(self.start(directory))
            except RuntimeError as refused:
                lost.append(str(refused))

        for _ in range(3):
            threads = [threading.Thread(target=start) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual((len(won), len(lost)), (1, 3), lost)
            self.assertIn("process %d" % won[0].process.pid, " ".join(lost))
            self.kill(won.pop())
            lost.clear()
        self.assertEqual(recorder.wait(), 0)
        server = self.start(directory)
        self.await_state(server, recorder.run, "finished")
        self.check_points(server, recorder.run, 5999, most=5999)

    def test_the_command_line_reads_it_without_a_server(self):
        directory = self.make_directory()
        recorder = self.recorder(directory, rate=4000, steps=100, name="seen-offline")
        recorder.wait()
        self.end(self.start(directory))
        time.sleep(0.1)
        said = subprocess.run([PROGRAM, "runs"], env=dict(os.environ, NNSCOPE_DIR=directory), capture_output=True, text=True, timeout=20)
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertIn("seen-offline", said.stdout)


if __name__ == "__main__":
    main()
