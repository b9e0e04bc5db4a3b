"""What the commands print: nothing is said when the reader goes away, everything else that is lost is told."""
import json
import os
import signal
import subprocess
import unittest

from harness import PATIENCE, PROGRAM, ServerCase, main

QUIET = (141, -signal.SIGPIPE)


class Output(ServerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.run_id = cls.server.call("POST", "/api/v1/runs", json.dumps({"name": "long"})).json()["id"]
        points = "\n".join('{"step": %d, "loss": %d.25}' % (i, i) for i in range(20000))
        reply = cls.server.call("POST", "/api/v1/runs/%s/points" % cls.run_id, points)
        assert reply.status == 200, reply.body
        folder = os.path.join(cls.server.directory, "runs", cls.run_id)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        with open(os.path.join(folder, "0" * 26 + ".out"), "wb") as f:
            f.write(b"said\n" * 100000)
        cls.commands = (["runs"], ["runs", "--json"], ["show", cls.run_id], ["points", cls.run_id], ["points", cls.run_id, "loss", "--json"],
                        ["export", cls.run_id], ["log", cls.run_id], ["log", "--follow", cls.run_id], ["token", "list"], ["version"], ["--help"],
                        ["runs", "--help"])

    def started(self, words, out, ignored=False):
        """A shell gives its children SIGPIPE as it is by default; some programs leave it ignored."""
        return subprocess.Popen([PROGRAM, *words], env=self.server.environment, stdout=out, stderr=subprocess.PIPE, text=True,
                                restore_signals=not ignored)

    def end(self, process):
        try:
            said = process.communicate(timeout=4 * PATIENCE)[1]
            return process.returncode, said
        finally:
            process.kill()

    def test_nobody_reads(self):
        for words in self.commands:
            for ignored in (False, True):
                reads, writes = os.pipe()
                os.close(reads)
                process = self.started(words, writes, ignored)
                os.close(writes)
                status, said = self.end(process)
                self.assertIn(status, QUIET, (words, said))
                self.assertEqual(said, "", words)

    def test_the_reader_goes_away(self):
        for words in (["export", self.run_id], ["points", self.run_id, "--json"], ["log", self.run_id], ["log", "--follow", self.run_id]):
            process = self.started(words, subprocess.PIPE)
            self.assertTrue(process.stdout.read(10), words)
            process.stdout.close()
            process.stdout = None
            status, said = self.end(process)
            self.assertIn(status, QUIET, (words, said))
            self.assertEqual(said, "", words)

    @unittest.skipUnless(os.path.exists("/dev/full"), "no /dev/full")
    def test_a_full_disk_is_told(self):
        for words in self.commands:
            with open("/dev/full", "w") as full:
                status, said = self.end(self.started(words, full))
            self.assertEqual(status, 1, (words, said))
            self.assertIn("cannot write", said, words)


if __name__ == "__main__":
    main()
