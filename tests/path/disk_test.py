"""Disks and shared memory that fail under a training run: it goes on to its end unchanged, what was lost is counted and
shown, and once there is room again recording goes on. Every file system here is this test's own.
"""
import os
import shutil
import signal
import time

from faults import PATIENCE, MS_RDONLY, MS_REMOUNT, FaultCase, learnt, main, mount, own_mounts, unmount, wait_until

PLACES = {}  # the environment of a recorder that uses /dev/shm


class MountCase(FaultCase):
    shm = "size=256m"

    def setUp(self):
        self.disk("/dev/shm", self.shm)

    def disk(self, place, options="", flags=0):
        mount(place, options, flags)
        self.addCleanup(unmount, place)

    def fill(self, place):
        """A file that takes what is free."""
        path = os.path.join(place, "ballast")
        with open(path, "wb", buffering=0) as f:
            try:
                while f.write(bytes(65536)):
                    pass
            except OSError:
                pass
        return path

    def check_unchanged(self, recorder, steps, status=0):
        self.assertEqual(recorder.wait(60), status)
        self.assertEqual((recorder.logged, recorder.phase), (steps - 1, 3))
        self.assertEqual(recorder.state, learnt(steps))
        self.assertEqual(recorder.waits, 0, "the training thread has slept in nnscope")

    def check_rising(self, server, recorder):
        """Points once and in order; -> how many steps are missing up to the last one logged."""
        steps, values = self.points(server, recorder.run, "count")
        self.assertTrue(all(a < b for a, b in zip(steps, steps[1:])))
        self.assertEqual(values, [float(step) for step in steps])
        self.assertEqual(steps[-1], recorder.logged)
        return recorder.logged + 1 - len(steps)


class FullDisk(MountCase):
    def test_a_while(self):
        directory = self.make_directory()
        self.disk(directory, "size=1m")
        recorder = self.recorder(directory, environment=PLACES, rate=20000, steps=80000)
        recorder.reach(50000)  # 2.8 MB: the rest waits in the lane
        mount(directory, "size=64m", MS_REMOUNT)
        self.check_unchanged(recorder, 80000)
        self.assertEqual((recorder.dropped, recorder.failed_bytes), (0, 0))
        server = self.start(directory)
        run = self.await_state(server, recorder.run, "finished")
        self.assertEqual((run["dropped"], run["failed_bytes"]), (0, 0))
        self.check_points(server, recorder.run, 79999, most=79999)

    def test_too_long(self):
        directory = self.make_directory()
        self.disk(directory, "size=1m")
        recorder = self.recorder(directory, environment=PLACES, rate=10000, scalars=100, steps=60000, linger=1)
        recorder.reach(25000)  # 40 MB
        mount(directory, "size=200m", MS_REMOUNT)
        self.check_unchanged(recorder, 60000)
        self.assertGreater(recorder.dropped, 0)
        server = self.start(directory)
        run = self.await_state(server, recorder.run, "finished")
        missing = self.check_rising(server, recorder)
        self.assertGreater(missing, 1000)
        self.assertLess(missing, 40000)
        self.assertGreaterEqual(run["dropped"], missing)
        self.assertEqual(run["dropped"], recorder.dropped)

    def test_under_the_server_too(self):
        directory = self.make_directory()
        self.disk(directory, "size=24m")
        server = self.start(directory)
        recorder = self.recorder(directory, environment=PLACES, rate=2000, steps=16000)
        recorder.reach(3000)
        ballast = self.fill(directory)
        recorder.reach(9000)
        self.assertTrue(server.alive())
        os.unlink(ballast)
        self.check_unchanged(recorder, 16000)
        self.await_state(server, recorder.run, "finished", 20)
        self.check_points(server, recorder.run, 15999, most=15999)
        self.end(server)
        self.check_points(self.start(directory), recorder.run, 15999, most=15999)


class ReadOnly(MountCase):
    def test_in_mid_run(self):
        directory = self.make_directory()
        self.disk(directory, "size=64m")
        recorder = self.recorder(directory, environment=PLACES, rate=5000, steps=25000)
        recorder.reach(5000)
        busy = wait_until(lambda: remounted(directory, MS_RDONLY), 2)  # EBUSY while a file is open for writing
        if busy:
            recorder.reach(12000)
            mount(directory, "", MS_REMOUNT)
        self.check_unchanged(recorder, 25000)
        server = self.start(directory)
        self.await_state(server, recorder.run, "finished")
        self.check_points(server, recorder.run, 24999, most=24999)

    def test_from_the_start(self):
        directory = self.make_directory()
        self.disk(directory, "size=64m")
        mount(directory, "", MS_REMOUNT | MS_RDONLY)
        recorder = self.recorder(directory, environment=PLACES, rate=5000, steps=25000)
        recorder.reach(5000)
        mount(directory, "", MS_REMOUNT)
        self.check_unchanged(recorder, 25000)
        server = self.start(directory)
        self.await_state(server, recorder.run, "finished")
        self.check_points(server, recorder.run, 24999, most=24999)

    def test_to_the_end(self):
        directory = self.make_directory()
        self.disk(directory, "size=64m", MS_RDONLY)
        recorder = self.recorder(directory, environment=PLACES, rate=5000, steps=5000)
        begin = time.monotonic()
        self.check_unchanged(recorder, 5000)
        self.assertLess(time.monotonic() - begin, 8 * PATIENCE)


class Deleted(MountCase):
    def test_no_server(self):
        directory = self.make_directory()
        recorder = self.recorder(directory, environment=PLACES, rate=5000, steps=25000)
        recorder.reach(5000)
        shutil.rmtree(directory)
        self.check_unchanged(recorder, 25000)
        server = self.start_again(directory)
        self.await_state(server, recorder.run, "finished")
        missing = self.check_rising(server, recorder)
        self.assertLess(missing, 20000)

    def start_again(self, directory):
        os.makedirs(directory, exist_ok=True)
        return self.start(directory)

    def test_the_run_under_a_server(self):
        directory = self.make_directory()
        server = self.start(directory)
        recorder = self.recorder(directory, environment=PLACES, rate=5000, steps=30000)
        recorder.reach(5000)
        self.assertTrue(wait_until(lambda: self.run_of(server, recorder.run), 5))
        shutil.rmtree(os.path.join(directory, "runs", recorder.run))
        self.check_unchanged(recorder, 30000)
        self.await_state(server, recorder.run, "finished", 20)
        self.assertLess(self.check_rising(server, recorder), 15000)

    def test_the_run_while_its_program_is_stopped(self):
        directory = self.make_directory()
        server = self.start(directory)
        recorder = self.recorder(directory, environment=PLACES, rate=5000, steps=15000)
        recorder.reach(5000)
        self.assertTrue(wait_until(lambda: self.run_of(server, recorder.run), 5))
        recorder.process.send_signal(signal.SIGSTOP)
        shutil.rmtree(os.path.join(directory, "runs", recorder.run))
        time.sleep(3)  # the server looks twice a second
        self.assertEqual(self.run_of(server, recorder.run)["state"], "running")
        recorder.process.send_signal(signal.SIGCONT)
        self.check_unchanged(recorder, 15000)
        self.await_state(server, recorder.run, "finished", 20)
        self.check_rising(server, recorder)

    def test_everything_under_a_server(self):
        directory = self.make_directory()
        server = self.start(directory)
        recorder = self.recorder(directory, environment=PLACES, rate=5000, steps=15000)
        recorder.reach(5000)
        shutil.rmtree(directory)
        self.check_unchanged(recorder, 15000)
        self.assertIsNone(server.process.poll())
        server.call("GET", "/api/v1/runs/%s/points?series=count" % recorder.run)  # whatever it says, it lives
        self.assertTrue(server.alive())


class SharedMemory(MountCase):
    def test_none(self):
        mount("/dev/shm", "", MS_REMOUNT | MS_RDONLY)
        directory = self.make_directory()
        server = self.start(directory)
        recorder = self.recorder(directory, environment={"NNSCOPE_SHM": "/proc"}, rate=5000, steps=10000)
        killed = self.recorder(directory, environment={"NNSCOPE_SHM": "/proc"}, rate=1000).reach(1500)
        killed.kill()
        self.check_unchanged(recorder, 10000)
        self.assertEqual(recorder.salvageable, 0)
        self.await_state(server, recorder.run, "finished")
        self.check_points(server, recorder.run, 9999, most=9999)
        run = self.await_state(server, killed.run, "crashed")
        self.assertEqual([process["salvageable"] for process in run["processes"]], [False])
        steps, _ = self.points(server, killed.run, "count")
        self.assertEqual(steps, list(range(len(steps))))
        self.assertLess(killed.logged - len(steps), 250 * PATIENCE)  # 8 ms, on a machine that has them to give

    def test_64_mb_for_ten(self):
        mount("/dev/shm", "size=64m", MS_REMOUNT)
        directory = self.make_directory()
        server = self.start(directory)
        alone = self.recorder(directory, environment=PLACES, rate=1000, steps=1000)
        self.check_unchanged(alone, 1000)
        self.assertEqual(alone.salvageable, 1)
        recorders = [self.recorder(directory, environment=PLACES, rate=1000, steps=2000) for _ in range(10)]
        for recorder in recorders:
            self.check_unchanged(recorder, 2000)
            self.await_state(server, recorder.run, "finished")
            self.check_points(server, recorder.run, 1999, most=1999)
        left = os.listdir("/dev/shm/nnscope-%d" % os.geteuid())
        self.assertEqual(left, [])

    def test_full(self):
        recorder = self.recorder(self.make_directory(), environment=PLACES, rate=2000, steps=16000).reach(500)
        self.fill("/dev/shm")  # what is mapped has its place
        directory = self.make_directory()
        later = self.recorder(directory, environment=PLACES, rate=2000, steps=2000)  # begins long before the other gives its place back
        self.check_unchanged(later, 2000)
        self.check_unchanged(recorder, 16000)
        self.assertEqual((later.salvageable, later.dropped), (0, 0))
        server = self.start(directory)
        self.await_state(server, later.run, "finished")
        self.check_points(server, later.run, 1999, most=1999)


def remounted(directory, flags):
    try:
        mount(directory, "", MS_REMOUNT | flags)
        return True
    except OSError:
        return False


if __name__ == "__main__":
    reason = own_mounts()
    if reason:
        print("skipped: " + reason)
        raise SystemExit(77)
    main()
