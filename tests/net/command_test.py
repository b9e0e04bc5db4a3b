"""The command line: what each command prints and answers with, with a server, by NNSCOPE_URL, and from the store alone."""
import csv
import io
import json
import os
import subprocess
import unittest

from harness import PATIENCE, PROGRAM, ServerCase, main

COMMANDS = ("demo", "server", "train", "runs", "show", "points", "inspect", "set", "pause", "resume", "step", "stop", "log", "export", "token", "version")
OK, FAILED, USAGE, NO_SERVER, REFUSED = range(5)


class Commands(ServerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.run_id = cls.record("first one", "a project")
        cls.other = cls.record("second", "b")

    @classmethod
    def record(cls, name, project):
        run = cls.server.call("POST", "/api/v1/runs", json.dumps({"name": name, "project": project})).json()["id"]
        body = "\n".join('{"step": %d, "a": %d, "b, c": "NaN"}' % (i, i) for i in range(3000))
        assert cls.server.call("POST", "/api/v1/runs/%s/points" % run, body).status == 200
        while cls.server.call("GET", "/api/v1/runs/" + run).json()["points"] < 6000:
            pass
        assert cls.server.call("PATCH", "/api/v1/runs/" + run, '{"state": "finished"}').status == 200
        return run

    def ask(self, *words, status=OK, **environment):
        told = dict(self.server.environment, **environment)
        done = subprocess.run([PROGRAM, *words], env={k: v for k, v in told.items() if v is not None}, capture_output=True, text=True,
                              timeout=30 * PATIENCE)
        self.assertEqual(done.returncode, status, (words, done.stdout[-300:], done.stderr[-300:]))
        return done.stderr if status else done.stdout

    def test_help(self):
        told = self.ask("--help")
        for name in COMMANDS:
            self.assertIn("  %s " % name, told)
            self.assertIn("nnscope", self.ask(name, "--help"))
        self.assertIn("3 no server", told)

    def test_wrong_usage(self):
        for words in (("nothing",), ("runs", "x"), ("show",), ("show", "a", "b"), ("points",), ("set", "r", "lr"), ("step", "r", "x"), ("step", "r", "-1"),
                      ("export",), ("inspect",), ("log",), ("pause",), ("token",), ("token", "add"), ("runs", "--what"), ("runs", "--state"),
                      ("points", "r", "--from", "x"), ("points", "r", "--axis", "depth"), ("set", "r", "lr", "1", "--wait", "x")):
            self.ask(*words, status=USAGE)
        self.assertIn('nnscope runs: there is no option "--what"', self.ask("runs", "--what", status=USAGE))
        self.assertIn("nnscope points: --from wants a value", self.ask("points", "r", "--from", status=USAGE))

    def check_reading(self, **more):
        """What only reads is the same with a server and without."""
        rows = list(csv.DictReader(io.StringIO(self.ask("export", self.run_id, **more))))
        self.assertEqual(len(rows), 3000)
        self.assertEqual((rows[7]["step"], rows[7]["a"], rows[7]["b, c"]), ("7", "7", "NaN"))
        self.assertEqual(self.ask("points", "first", "a", "--to", "2", "--attempts", "current", **more).split()[1][-2:], ",0")
        self.assertEqual(json.loads(self.ask("points", self.run_id[:12], "a", "--from", "9", "--to", "11", "--json", **more))["series"]["a"]["value"], [9, 10])
        self.assertIn("no series", self.ask("points", self.run_id, "none", status=FAILED, **more))
        self.assertIn("no run", self.ask("show", "no such", status=FAILED, **more))
        self.assertEqual(json.loads(self.ask("show", "first one", "--json", **more))["id"], self.run_id)
        for filters in (("--project", "a project"), ("--project", "a project", "--state", "finished")):
            self.assertEqual([run["id"] for run in json.loads(self.ask("runs", "--json", *filters, **more))["runs"]], [self.run_id])
        self.assertEqual(json.loads(self.ask("runs", "--json", "--state", "crashed", **more))["runs"], [])
        self.assertIn("a project/first one", self.ask("runs", **more))
        self.ask("log", self.run_id, **more)

    def test_reading(self):
        self.check_reading()
        with_url = dict(NNSCOPE_DIR=os.path.join(self.server.directory, "elsewhere"), NNSCOPE_URL=self.server.url, NNSCOPE_TOKEN=self.server.token)
        self.check_reading(**with_url)
        self.assertFalse(os.path.exists(with_url["NNSCOPE_DIR"]))
        self.server.stop()
        self.check_reading()
        self.assertIn("no server runs", self.ask("pause", self.run_id, status=NO_SERVER))
        type(self).server.__init__(directory=self.server.directory)

    def test_every_run_however_many(self):
        for i in range(1010):
            self.assertEqual(self.server.call("POST", "/api/v1/runs", '{"name": "many%04d", "project": "many"}' % i).status, 201)
        runs = json.loads(self.ask("runs", "--json", "--project", "many"))["runs"]
        self.assertEqual([run["name"] for run in runs], ["many%04d" % i for i in reversed(range(1010))])
        self.assertEqual(json.loads(self.ask("show", "first one", "--json"))["id"], self.run_id)

    def test_refusals(self):
        url = self.server.url
        self.assertIn("does not answer", self.ask("runs", status=NO_SERVER, NNSCOPE_URL="http://127.0.0.1:1", NNSCOPE_TOKEN="x"))
        self.ask("runs", status=REFUSED, NNSCOPE_URL=url, NNSCOPE_TOKEN="wrong")
        writer = self.server.add_token("writer", ["write"])
        self.assertIn("scope read", self.ask("runs", status=REFUSED, NNSCOPE_URL=url, NNSCOPE_TOKEN=writer))
        self.assertIn("no live process", self.ask("pause", self.run_id, status=REFUSED))

    def test_output(self):
        path = os.path.join(self.server.directory, "out.csv")
        self.ask("export", self.run_id, "--output", path)
        with open(path) as f:
            self.assertEqual(len(f.readlines()), 3001)
        self.ask("points", self.run_id, "none", "--output", path, status=FAILED)
        with open(path) as f:
            self.assertEqual(len(f.readlines()), 3001)  # a refused question harms no file
        self.assertIn("cannot write", self.ask("export", self.run_id, "--output", "/nonexistent/x", status=FAILED))
        with open("/dev/full", "w") as full:
            done = subprocess.run([PROGRAM, "export", self.run_id], env=self.server.environment, stdout=full, stderr=subprocess.PIPE, timeout=30 * PATIENCE)
        self.assertEqual(done.returncode, FAILED)


main()
