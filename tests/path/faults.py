"""Recorders (recorder.c) and what must hold of what they logged. The server and its clients are in tests/net/harness.py."""
import ctypes
import mmap
import os
import signal
import struct
import subprocess
import tempfile
import time
import unittest

from harness import PATIENCE, PROGRAM, Server, end_at_exit, folder, main, remove  # noqa: F401, for the tests

RECORDER = os.environ.get("NNSCOPE_RECORDER") or os.path.join(os.path.dirname(os.path.abspath(PROGRAM)), "path_recorder")
ROUNDS = int(os.environ.get("NNS_ROUNDS", "50"))
FIELDS = ("logged", "printed", "phase", "waits", "dropped", "failed_bytes", "salvageable", "stopped", "state")


def noise(step):
    return float((step * 0x9E3779B97F4A7C15 & (1 << 64) - 1) >> 40)


def learnt(steps, first=0):
    """`state` of a recorder that went through so many steps."""
    state = 0
    for step in range(first, first + steps):
        state = ((state ^ step) * 0x100000001B3) & (1 << 64) - 1
    return state


def wait_until(true, seconds, pause=0.02):
    """What `true` gives once that is true; its last result after so many seconds, more where others work too."""
    end = time.monotonic() + seconds * PATIENCE
    while True:
        got = true()
        if got or time.monotonic() > end:
            return got
        time.sleep(pause)


class Recorder:
    """A recorder at work. `directory` is the data directory; options as in recorder.c, without their dashes."""

    def __init__(self, directory, *flags, run=None, environment=None, **options):
        self.folder, self.errors = folder("nnscope-path-progress-"), tempfile.TemporaryFile("w+")
        self.path = os.path.join(self.folder, "progress")
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        os.ftruncate(handle, 4096)
        self.map = mmap.mmap(handle, 4096, prot=mmap.PROT_READ)
        os.close(handle)
        env = dict(os.environ, NNSCOPE_DIR=directory)
        for name in ("NNSCOPE_RUN", "NNSCOPE_SHM", "NNSCOPE_URL", "NNSCOPE_TOKEN", "XDG_RUNTIME_DIR"):
            env.pop(name, None)
        env.update({"NNSCOPE_SHM": directory} if environment is None else environment)
        if run:
            env["NNSCOPE_RUN"] = run
        words = [RECORDER, "--progress", self.path, *flags]
        for name, value in options.items():
            words += ["--" + name.replace("_", "-"), str(value)]
        self.process = end_at_exit(subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL, stderr=self.errors))

    def __getattr__(self, name):
        if name not in FIELDS:
            raise AttributeError(name)
        return struct.unpack_from("<Q" if name == "state" else "<q", self.map, 8 * FIELDS.index(name))[0]

    @property
    def run(self):
        return self.map[72:98].rstrip(b"\0").decode()

    def reach(self, step, seconds=20):
        wait_until(lambda: self.process.poll() is not None or self.logged >= step, seconds, 0.005)
        if self.logged < step:
            self.errors.seek(0)
            raise AssertionError("at step %d, not %d; status %s: %s" % (self.logged, step, self.process.poll(), self.errors.read()[-2000:]))
        return self

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10 * PATIENCE)
        return time.monotonic()

    def wait(self, seconds=30):
        return self.process.wait(seconds * PATIENCE)

    def clean(self):
        if self.process.poll() is None:
            self.kill()
        self.map.close()
        self.errors.close()
        remove(self.folder)


class FaultCase(unittest.TestCase):
    def make_directory(self):
        directory = folder("nnscope-path-")
        self.addCleanup(remove, directory)
        return directory

    def start(self, directory):
        server = Server(directory=directory)
        self.addCleanup(self.end, server)
        return server

    def end(self, server):
        if server.process.poll() is None:
            status, seconds = server.stop()
            self.assertEqual(status, 0, server_said(server))
            self.assertLess(seconds, 10 * PATIENCE)

    def kill(self, server):
        server.stop(signal.SIGKILL)

    def recorder(self, directory, *flags, **options):
        recorder = Recorder(directory, *flags, **options)
        self.addCleanup(recorder.clean)
        return recorder

    def run_of(self, server, run):
        reply = server.call("GET", "/api/v1/runs/" + run)
        return reply.json() if reply.status == 200 else None

    def await_state(self, server, run, state, seconds=10):
        """The run object once it is in `state`."""
        seen = []

        def there():
            got = self.run_of(server, run)
            seen[:] = [got and got["state"]]
            return got if got and got["state"] == state else None

        got = wait_until(there, seconds)
        self.assertIsNotNone(got, "%s is %s, not %s" % (run, seen[0], state))
        return got

    def points(self, server, run, series, **more):
        extra = "".join("&%s=%s" % item for item in more.items())
        reply = server.call("GET", "/api/v1/runs/%s/points?series=%s%s" % (run, series, extra))
        self.assertEqual(reply.status, 200, reply.body[:300])
        found = reply.json()["series"].get(series)
        return (found["step"], found["value"]) if found else ([], [])

    def check_points(self, server, run, logged, first=0, most=None):
        """Every point from `first` to `logged` once and in order, and at most the one that was under way."""
        most = logged + 1 if most is None else most
        for series, of in (("count", float), ("noise", noise)):
            steps, values = self.points(server, run, series)
            wrong = next((i for i, step in enumerate(steps) if step != first + i), None)
            self.assertIsNone(wrong, wrong is not None and "%s of %s: step %d stands where %d should" % (series, run, steps[wrong], first + wrong))
            last = steps[-1] if steps else first - 1
            self.assertGreaterEqual(last, logged, "%s of %s: %d lost" % (series, run, logged - last))
            self.assertLessEqual(last, most, series)
            self.assertTrue(values == [of(step) for step in steps], series)

    def check_output(self, server, run, printed):
        reply = server.call("GET", "/api/v1/runs/%s/log?offset=-2000" % run)
        self.assertEqual(reply.status, 200, reply.body)
        text = reply.json()["text"]
        self.assertIn("step %d\n" % printed, text)


def server_said(server):
    if not os.path.exists(server.errors.name):
        return "its directory is gone"
    with open(server.errors.name) as f:
        return f.read()[-3000:]


# --- file systems of its own ---------------------------------------------------------------------------

CLONE_NEWNS, MS_RDONLY, MS_REMOUNT, MS_REC, MS_PRIVATE, MNT_DETACH = 0x20000, 1, 32, 0x4000, 1 << 18, 2
libc = ctypes.CDLL(None, use_errno=True)


def mount(place, options="", flags=0):
    if libc.mount(b"none", place.encode(), b"tmpfs", ctypes.c_ulong(flags), options.encode()):
        raise OSError(ctypes.get_errno(), "mount " + place)


def unmount(place):
    libc.umount2(place.encode(), MNT_DETACH)


def own_mounts():
    """Puts this process, and those that it starts, into a mount namespace of its own. A reason when it cannot."""
    if libc.unshare(CLONE_NEWNS) or libc.mount(b"none", b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None):
        return "no right to mount file systems here (%s)" % os.strerror(ctypes.get_errno())
    return None
