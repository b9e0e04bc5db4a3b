"""The inside of a network that trains, through the real server: description, looks, pushes, values, snapshots, `nnscope inspect`."""
import json
import signal
import struct
import time
import unittest

from harness import PATIENCE, Server, WebSocket, main

MAGIC = 0x43534E4E
LOOK, SNAPSHOT, PUSH = 1, 2, 3


class Capture:
    """What src/journal/capture.h draws."""

    def __init__(self, data):
        (magic, version, self.kind, self.number, self.step, self.last_step, count, self.flags, self.base_step, self.time,
         self.observed) = struct.unpack_from("<IHHQqqIIqdQ", data)
        assert (magic, version) == (MAGIC, 1)
        self.sections, self.items, at = [], [], 64
        for _ in range(count):
            size, quantity, coding, dims, layer, tensor = struct.unpack_from("<IHBBII", data, at)
            shape = struct.unpack_from("<4I", data, at + 16)[:dims]
            self.items.append(struct.unpack_from("<I", data, at + 44)[0])
            stored = struct.unpack_from("<I", data, at + 56)[0]
            self.sections.append((quantity, coding, layer, tensor, shape, data[at + 64:at + 64 + stored]))
            at += size
        assert at == len(data)


class Inside(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server("--snapshots", "64M")
        cls.train = cls.server.train("--layers", "32,16", "--limit", "2000")
        cls.key = cls.wait(lambda: (cls.get("runs")["runs"] or [{}])[0].get("id"))
        cls.wait(lambda: cls.get("runs/%s/model" % cls.key)["evaluate"]) # what is said last

    @classmethod
    def tearDownClass(cls):
        cls.server.clean()

    @classmethod
    def get(cls, path, **options):
        return cls.server.call("GET", "/api/v1/" + path, **options).json()

    @classmethod
    def wait(cls, ready):
        return cls.server.wait("what the network says", ready)

    def post(self, path, body, **options):
        return self.server.call("POST", "/api/v1/runs/%s/%s" % (self.key, path), body if isinstance(body, str) else json.dumps(body), **options)

    def binary(self, ws):
        while True:
            opcode, payload = ws.frame()
            if opcode == 2:
                return Capture(payload)

    def test_description(self):
        model = self.get("runs/%s/model" % self.key)
        self.assertEqual([layer["shape"] for layer in model["layers"]], [[28, 28], [32], [16], [10]])
        self.assertEqual([layer["number"] for layer in model["layers"]], [1, 2, 3, 4])
        self.assertEqual(model["layers"][1]["parameters"], 32 * 785)
        self.assertIn("fc1/weight", [tensor["name"] for tensor in self.get("runs/%s/tensors" % self.key)["tensors"]])
        self.assertTrue(model["push"] and model["evaluate"])

    def test_look(self):
        ws = WebSocket(self.server)
        self.addCleanup(ws.close)
        ws.send(json.dumps({"type": "look", "id": 41, "run": self.key, "what": ["units", "weights"], "rate": 20, "links_rate": 20,
                            "units": [["fc1", 3]]}))
        seen = set()
        end = time.monotonic() + 20 * PATIENCE
        while not {1, 16, 40} <= seen and time.monotonic() < end: # activation, weight, the unit's own weights
            capture = self.binary(ws)
            self.assertEqual((capture.kind, capture.number), (LOOK, 41))
            seen |= {section[0] for section in capture.sections}
        self.assertLessEqual({1, 16, 40}, seen)
        ws.send(json.dumps({"type": "unlook", "id": 41}))
        ws.send(json.dumps({"type": "ping", "id": 1}))
        self.assertEqual(ws.message("pong")["id"], 1)

    def test_push(self):
        ws = WebSocket(self.server)
        self.addCleanup(ws.close)
        ws.send(json.dumps({"type": "push", "id": 5, "run": self.key, "input": [0.5] * 784}))
        capture = self.binary(ws)
        self.assertEqual((capture.kind, capture.number), (PUSH, 5))
        self.assertIn((33, (10,)), [(section[0], section[4]) for section in capture.sections])
        ws.send(json.dumps({"type": "push", "id": 6, "run": self.key, "input": [0.5] * 783}))
        self.assertEqual(ws.message("error")["error"]["code"], "wrong_size")

    def test_try(self):
        tried = self.post("try?wait=20000", {"input": [[0.25] * 28] * 28})
        self.assertEqual(tried.status, 200, tried.body)
        self.assertAlmostEqual(sum(tried.json()["output"]), 1, places=3)
        self.assertEqual(len(tried.json()["activations"]["fc1"]), 32)
        wrong = self.post("try", {"input": [1.0] * 100000})
        self.assertEqual((wrong.status, wrong.code()), (422, "wrong_size"))
        self.assertIn("784", wrong.json()["error"]["message"])
        self.assertEqual(self.post("try", " " * (1100 << 10)).status, 413)
        self.assertEqual(self.post("try", {"sample": 1}, token=self.server.add_token("looker", ["read"])).status, 403)

    def test_values(self):
        for path in ("fc1/bias", "fc1%2Fbias"):
            values = self.get("runs/%s/tensors/%s" % (self.key, path))
            self.assertEqual((values["name"], values["shape"]), ("fc1/bias", [32]))
            self.assertEqual(len(values["values"]), 32)
        units = self.get("runs/%s/units?layer=fc2&quantity=activation" % self.key)
        self.assertEqual((len(units["values"]), units["layer"]), (16, "fc2"))
        lines = self.server.call("GET", "/api/v1/runs/%s/units?layer=fc2" % self.key, headers={"Accept": "text/csv"}).body.split()
        self.assertEqual(len(lines), 16)
        reply = self.server.call("GET", "/api/v1/runs/%s/tensors/output/weight?format=columns" % self.key)
        self.assertEqual(Capture(reply.body).sections[0][4], (10, 16))
        self.assertEqual(self.server.call("GET", "/api/v1/runs/%s/tensors/no/such" % self.key).status, 404)
        self.assertEqual(self.server.call("GET", "/api/v1/runs/%s/units" % self.key).status, 400)

    def test_values_are_exact(self):
        """While it holds: the whole matrix, bit for bit what a look at its units gives as it is."""
        self.assertEqual(self.post("commands?wait=20000", {"type": "pause"}).status, 200)
        self.addCleanup(lambda: self.post("commands?wait=20000", {"type": "resume"}))
        values = self.get("runs/%s/tensors/fc1/weight" % self.key)
        self.assertEqual((values["exact"], values["coding"], values["shape"], values["folded"]), (True, "f32", [32, 784], False))
        ws = WebSocket(self.server)
        self.addCleanup(ws.close)
        ws.send(json.dumps({"type": "look", "id": 3, "run": self.key, "what": ["weights", "matrices"], "rate": 20, "links_rate": 20,
                            "units": [["fc1", unit] for unit in (0, 7, 31)]}))
        rows = {}
        end = time.monotonic() + 20 * PATIENCE
        while len(rows) < 3 and time.monotonic() < end:
            capture = self.binary(ws)
            items = capture.items
            rows.update({items[i]: section[5] for i, section in enumerate(capture.sections) if section[0] == 40})
        self.assertEqual(sorted(rows), [0, 7, 31])
        for unit, row in rows.items():
            self.assertEqual(struct.pack("<784f", *values["values"][784 * unit:784 * unit + 784]), row)
        again = self.get("runs/%s/tensors/fc1/weight" % self.key)  # while somebody else looks at it coded
        self.assertEqual((again["exact"], again["values"]), (True, values["values"]))

    def now(self, path):
        def fresh():
            values = self.get("runs/%s/%s" % (self.key, path))
            return values if values.get("snapshot") is False else None
        return self.wait(fresh)

    def test_what_units_do_is_made_of_tensors(self):
        """While it holds: any tensor comes by its name, and what is said of units is what its rows and columns give."""
        self.assertEqual(self.post("commands?wait=20000", {"type": "pause"}).status, 200)
        self.addCleanup(lambda: self.post("commands?wait=20000", {"type": "resume"}))
        act, weight = self.now("tensors/fc1/act"), self.now("tensors/fc1/weight")
        rows, units = act["shape"]
        self.assertEqual((units, act["full"][1], act["exact"], len(act["values"])), (32, 32, True, rows * 32))
        means, norms = self.now("units?layer=fc1&quantity=mean"), self.now("units?layer=fc1&quantity=weight_in")
        for unit in range(units):
            column, row = act["values"][unit::units], weight["values"][784 * unit:784 * unit + 784]
            self.assertAlmostEqual(means["values"][unit], sum(column) / rows, delta=1e-5 * max(1, max(column)))
            self.assertAlmostEqual(norms["values"][unit], sum(w * w for w in row) ** 0.5, places=4)
        self.assertEqual(self.now("tensors/output/label")["shape"], [rows])

    def test_snapshots(self):
        rows = self.wait(lambda: (lambda rows: rows if len(rows) >= 3 else None)(self.get("runs/%s/snapshots" % self.key)["snapshots"]))
        for row in rows:
            reply = self.server.call("GET", "/api/v1/runs/%s/snapshots/%d" % (self.key, row["step"]))
            self.assertEqual((reply.status, reply.headers["Content-Type"]), (200, "application/vnd.nnscope.capture"))
            capture = Capture(reply.body)
            self.assertEqual((capture.kind, capture.step), (SNAPSHOT, row["step"]))
            self.assertIn((16, 2, (32, 784)), [(s[0], s[1], s[4]) for s in capture.sections]) # weights as codes
        values = self.get("runs/%s/tensors/fc1/bias?step=%d" % (self.key, rows[1]["step"]))
        self.assertEqual((values["step"], values["snapshot"]), (rows[1]["step"], True))
        self.assertEqual(self.server.call("GET", "/api/v1/runs/%s/snapshots/x" % self.key).status, 404)

    def test_z_inspect(self):
        """Last: it stops the server."""
        self.wait(lambda: "fc1" in self.server.command("inspect", self.key).stdout)
        layer = self.wait(lambda: (lambda said: said if "update_ratio" in said else None)(self.server.command("inspect", self.key, "fc1").stdout))
        self.assertIn("25120", layer)
        told = json.loads(self.server.command("inspect", self.key, "--json").stdout)
        self.assertEqual([each["name"] for each in told["layers"]], ["input", "fc1", "fc2", "output"])
        self.assertNotEqual(self.server.command("inspect", self.key, "none").returncode, 0)

        acts = [("kept", {"type": "keep"}), ('pinned a "7"', {"type": "pin", "name": 'a "7"', "sample": 7}), ('unpinned a "7"', {"type": "unpin", "name": 'a "7"'})]
        said = [(word, self.post("commands?wait=5000", act).json()) for word, act in acts]
        marks = self.wait(lambda: (lambda all: all if len(all) == len(acts) else None)([e for e in self.get("runs/%s/events" % self.key)["events"] if e["type"] == "mark"]))
        self.assertEqual([(e["text"], e["command"], e["step"]) for e in marks], [(word, str(act["id"]), act["step"]) for word, act in said])
        self.assertIn("author", marks[0])

        def flown():  # the recorder has nothing to keep until it has flown for a while: asked again
            self.post("commands?wait=5000", {"type": "keep"})
            time.sleep(0.1)
            return "flight recorder: " in self.server.command("inspect", self.key).stdout
        self.wait(flown)
        self.train.send_signal(signal.SIGINT)
        self.train.wait(30 * PATIENCE)
        self.wait(lambda: self.get("runs/" + self.key)["state"] == "finished")
        self.server.stop()
        offline = self.server.command("inspect", self.key)
        self.assertEqual(offline.returncode, 0, offline.stderr)
        self.assertIn("fc2", offline.stdout)
        self.assertIn("flight recorder: ", offline.stdout)
        self.assertIn("weight/norm", self.server.command("inspect", self.key, "fc2").stdout)


main()
