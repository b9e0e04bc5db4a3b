"""tools/clang names the newest clang that can build fuzzers, whatever versions the system has."""
import os
import shutil
import subprocess
import tempfile
import unittest

TOOL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/clang")


class Clang(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="nnscope-tools-")
        self.addCleanup(shutil.rmtree, self.folder)
        for name in ("bash", "grep", "sort"):
            os.symlink(shutil.which(name), os.path.join(self.folder, name))

    def have(self, name, works=True):
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            f.write("#!/bin/sh\nexit %d\n" % (not works))
        os.chmod(path, 0o700)

    def found(self):
        done = subprocess.run([os.path.join(self.folder, "bash"), TOOL], env={"PATH": self.folder}, capture_output=True, text=True, timeout=30)
        return done.returncode, done.stdout.strip()

    def test_the_newest_that_works(self):
        self.assertEqual(self.found(), (1, ""))
        self.have("clang")
        self.assertEqual(self.found(), (0, "clang"))
        for name in ("clang-9", "clang-19", "clang-14", "clang-format-20", "clang-tidy-21"):
            self.have(name)
        self.assertEqual(self.found(), (0, "clang-19"))
        self.have("clang-19", works=False)  # its runtime is not installed
        self.assertEqual(self.found(), (0, "clang-14"))


if __name__ == "__main__":
    unittest.main()
