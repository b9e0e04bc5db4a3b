"""Points as the API and the command line give them: bounds on both axes, with a server and from the store itself."""
import json

from harness import ServerCase, main

START = 1763683200.0  # seconds since 1970


class Points(ServerCase):
    def record(self):
        run = self.server.call("POST", "/api/v1/runs", "{}").json()["id"]
        body = "\n".join(json.dumps({"step": i, "time": START + i, "a": i / 2}) for i in range(100))
        self.assertEqual(self.server.call("POST", "/api/v1/runs/%s/points" % run, body).status, 200)
        self.assertEqual(self.server.call("PATCH", "/api/v1/runs/" + run, '{"state": "finished"}').status, 200)
        return run

    def steps(self, run, *options):
        done = self.server.command("points", run, "a", *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [int(line.split(",")[0]) for line in done.stdout.splitlines()[1:]]

    def check(self, run):
        start_ms = int(START * 1000)
        for axis, first, end in (("step", 10, 20), ("time", 10000, 20000), ("time", start_ms + 10000, start_ms + 20000)):
            options = ["--axis", axis, "--from", str(first), "--to", str(end)]
            self.assertEqual(self.steps(run, *options), list(range(10, 20)), options)
        self.assertEqual(self.steps(run, "--axis", "time", "--from", "95000"), list(range(95, 100)))
        self.assertEqual(self.steps(run, "--axis", "time", "--to", "5000"), list(range(5)))

    def recorded(self):
        run = self.record()
        while self.server.call("GET", "/api/v1/runs/" + run).json()["points"] < 100:
            pass
        return run

    def test_asked_for_twice(self):
        path = "/api/v1/runs/%s/points?series=a&series=a&to=3" % self.recorded()
        reply = self.server.call("GET", path)
        self.assertEqual(reply.body.count(b'"a":'), 1)
        self.assertEqual(reply.json()["series"]["a"]["value"], [0, 0.5, 1])
        self.assertEqual(self.server.call("GET", path, headers={"Accept": "text/csv"}).body.splitlines()[0], b"step,time,a")
        twice = self.server.call("GET", path + "&to=5")
        self.assertEqual((twice.status, twice.code()), (400, "bad_query"))
        self.assertIn("twice", twice.json()["error"]["message"])

    def test_edges(self):
        path = "/api/v1/runs/%s/points?series=a" % self.recorded()
        empty = self.server.call("GET", path + "&from=50&to=20").json()["series"]["a"]
        self.assertEqual((empty["step"], empty["value"], empty["total"]), ([], [], 100))
        whole = self.server.call("GET", path).json()
        for buckets in ("0", "100", "4294967295"):
            self.assertEqual(self.server.call("GET", path + "&buckets=" + buckets).json(), whole, buckets)
        one = self.server.call("GET", path + "&buckets=1").json()["series"]["a"]
        self.assertEqual((one["min"], one["max"], one["mean"], one["last"], one["count"]), ([0], [49.5], [24.75], [49.5], [100]))
        for wrong in ("&from=", "&from=1.5", "&from=9223372036854775808", "&buckets=-1", "&buckets=4294967296", "&axis=", "&format=xml", "&series=" + "x" * 256):
            self.assertEqual(self.server.call("GET", path + wrong).status, 400, wrong)
        self.assertEqual(self.server.call("GET", path + "&series=none").code(), "unknown_series")

    def test_bounds(self):
        run = self.recorded()
        path = "/api/v1/runs/%s/points?series=a&axis=time&from=10000&to=20000" % run
        self.assertEqual(self.server.call("GET", path).json()["series"]["a"]["step"], list(range(10, 20)))
        self.check(run)
        self.server.stop()
        self.check(run)  # the store itself
        self.server.__init__(directory=self.server.directory)  # for those that come after


main()
