"""The OpenAPI document: valid, and every live answer has the shape that it promises: no member missing, none untold."""
import json
import unittest

from harness import Server, WebSocket, main

try:
    from openapi_spec_validator import validate as official
except ImportError:
    official = None

KINDS = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict, "null": type(None)}
NONE = "0" * 26


class Document:
    """Enough of JSON Schema for what the document says; unlike a schema's reader it wants every member to be told of."""

    def __init__(self, document):
        self.document = document
        self.operations = {o["operationId"]: o for item in document["paths"].values() for o in item.values()}

    def faults(self, schema, value, where):
        if "$ref" in schema:
            return self.faults(self.document["components"]["schemas"][schema["$ref"].split("/")[-1]], value, where)
        if "enum" in schema and value not in schema["enum"]:
            return ["%s: %r is none of %s" % (where, value, schema["enum"])]
        kind = schema.get("type")
        if kind and (not isinstance(value, KINDS[kind]) or (isinstance(value, bool) and kind != "boolean")):
            return ["%s: %r is no %s" % (where, value, kind)]
        found = []
        for part in schema.get("allOf", ()):
            found += self.faults(part, value, where)
        if "anyOf" in schema:
            tried = [self.faults(part, value, where) for part in schema["anyOf"]]
            found += [] if [] in tried else min(tried, key=len)
        if kind == "array":
            for i, item in enumerate(value):
                found += self.faults(schema["items"], item, "%s[%d]" % (where, i))
        if kind == "object":
            found += self.members(schema, value, where)
        return found

    def members(self, schema, value, where):
        told, others = schema.get("properties", {}), schema.get("additionalProperties")
        found = ["%s: %s is missing" % (where, name) for name in schema.get("required", ()) if name not in value]
        for name, member in value.items():
            if name not in told and not isinstance(others, dict):
                found.append("%s: nobody told of %s" % (where, name))
            else:
                found += self.faults(told.get(name, others), member, "%s.%s" % (where, name))
        return found

    def answer_faults(self, operation, reply):
        answers = self.operations[operation]["responses"]
        answer = answers.get(str(reply.status))
        if not answer and reply.status < 400:
            return ["%s: the document has no %d" % (operation, reply.status)]
        forms = (answer or answers["default"]).get("content", {})
        kind = reply.headers["Content-Type"].split(";")[0]
        if kind not in forms and "*/*" not in forms:
            return ["%s: %d comes as %s, not %s" % (operation, reply.status, kind, list(forms))]
        return self.faults(forms[kind]["schema"], reply.json(), operation) if kind == "application/json" else []


class Checker(unittest.TestCase):
    """The reader above finds what is wrong: else the rest proves nothing."""

    def test_faults(self):
        document = Document({"paths": {}, "components": {"schemas": {"a": {
            "type": "object", "properties": {"n": {"type": "integer"}, "w": {"anyOf": [{"type": "number"}, {"enum": ["NaN"]}]},
                                             "l": {"type": "array", "items": {"$ref": "#/components/schemas/a"}}}, "required": ["n"]}}}})
        shape = {"$ref": "#/components/schemas/a"}
        for good in ({"n": 1}, {"n": 1, "w": 0.5}, {"n": 1, "w": "NaN"}, {"n": 1, "l": [{"n": 2}]}):
            self.assertEqual(document.faults(shape, good, ""), [])
        for wrong in ({}, {"n": True}, {"n": 1.5}, {"n": 1, "w": "x"}, {"n": 1, "w": None}, {"n": 1, "x": 2}, {"n": 1, "l": [{}]}, [], None):
            self.assertNotEqual(document.faults(shape, wrong, ""), [], wrong)


class Answers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server("--snapshots", "64M")
        cls.document = Document(cls.server.call("GET", "/api/v1/openapi.json").json())
        cls.server.train("--layers", "16,8", "--limit", "500")
        cls.seen = set()

    @classmethod
    def tearDownClass(cls):
        cls.server.clean()

    def ask(self, operation, path, body=None, status=200, **options):
        """Calls, and holds the answer against the document."""
        method = operation.split("_")[0].upper()
        body = json.dumps(body) if isinstance(body, (dict, list)) else body
        reply = self.server.call(method, ("/api/v1/" + path) if path[0] != "/" else path, body, **options)
        self.assertEqual(reply.status, status, (operation, path, reply.body[:300]))
        self.assertEqual(self.document.answer_faults(operation, reply), [], path)
        if status < 300:
            self.seen.add(operation)
        return reply

    def wait(self, ready):
        return self.server.wait("an answer", ready)

    def by_http(self):
        run = self.ask("post_run", "runs", {"name": "h", "tags": ["a"], "facts": {"b": 1}, "config": {"c": [2]}}, 201).json()["id"]
        self.ask("post_run", "runs", {"id": run, "notes": "n"})
        self.ask("post_points", "runs/%s/points" % run, '{"step": 1, "a": 1, "b": "NaN"}\n{"step": 2, "a": "-Infinity", "epoch": 0.5}\n{"step": 3, "a": 2}')
        self.wait(lambda: self.ask("get_run", "runs/" + run).json()["points"] >= 4)
        for query in ("", "?series=a", "?buckets=1", "?attempts=all", "?axis=time", "?format=csv", "?format=columns"):
            self.ask("get_points", "runs/%s/points%s" % (run, query))
        self.ask("get_series", "runs/%s/series" % run)
        self.ask("post_command", "runs/%s/commands" % run, {"type": "pause"}, 409)
        self.ask("patch_run", "runs/" + run, {"state": "odd"}, 422)
        self.ask("delete_run", "runs/" + run, status=409)
        self.ask("patch_run", "runs/" + run, {"name": "done", "state": "failed"})
        self.ask("get_log", "runs/%s/log" % run)
        self.ask("get_pruning", "runs/%s/pruning" % run, status=404)
        self.ask("delete_run", "runs/" + run)
        self.ask("get_run", "runs/" + run, status=404)

    def steer(self, run):
        path = "runs/%s/commands" % run
        self.wait(lambda: {"lr", "momentum"} <= {p["name"] for p in self.ask("get_parameters", "runs/%s/parameters" % run).json()["parameters"]})
        self.ask("post_command", path, {"type": "set", "parameter": "lr", "value": 0.02}, 202)
        done = self.ask("post_command", path + "?wait=20000", {"type": "set", "values": {"lr": 0.03, "momentum": 0.5}}).json()
        self.ask("post_command", path + "?wait=20000", {"type": "undo", "command": done["id"]})
        for value in (100, "x", None):
            refused = self.ask("post_command", path, {"type": "set", "parameter": "lr", "value": value}, 422).json()["error"]
            self.assertEqual((refused["parameter"], refused["max"]), ("lr", 1))
        self.ask("post_command", path, {"type": "undo", "command": done["id"]}, 409)
        self.ask("post_command", path + "?wait=20000", {"type": "step", "steps": 2})
        self.ask("post_command", path + "?wait=20000", {"type": "pin", "name": "p", "sample": 1})
        self.ask("post_command", path + "?wait=20000", {"type": "mystery"}, 422)
        self.ask("post_command", path + "?wait=20000", {"type": "resume"})
        self.ask("post_command", path + "?wait=20000", {"type": "prune"})
        for name in ("commands", "events", "parameters"):
            self.ask("get_" + name, "runs/%s/%s" % (run, name))
        self.ask("get_commands", path + "?limit=1")

    def inside(self, run):
        self.wait(lambda: self.ask("get_model", "runs/%s/model" % run).json()["evaluate"])
        self.ask("get_tensors", "runs/%s/tensors" % run)
        for query in ("tensors/fc1/weight", "tensors/fc1/bias", "tensors/fc1/bias?format=csv", "tensors/fc1/bias?format=columns"):
            self.ask("get_tensor", "runs/%s/%s" % (run, query))
        for query in ("", "&quantity=marks", "&quantity=class_mean", "&format=csv"):
            self.ask("get_units", "runs/%s/units?layer=fc1%s" % (run, query))
        rows = self.wait(lambda: self.ask("get_snapshots", "runs/%s/snapshots" % run).json()["snapshots"])
        self.ask("get_snapshot", "runs/%s/snapshots/%d" % (run, rows[0]["step"]))
        self.ask("get_tensor", "runs/%s/tensors/fc1/weight?step=%d" % (run, rows[0]["step"]))
        self.ask("post_try", "runs/%s/try?wait=20000" % run, {"input": [0.5] * 784})
        self.ask("post_try", "runs/%s/try" % run, {"input": [0.5]}, 422)
        self.wait(lambda: self.server.call("GET", "/api/v1/runs/%s/pruning" % run).status == 200)
        self.ask("get_pruning", "runs/%s/pruning" % run)

    def others(self, run):
        for operation in ("get_server", "get_session", "post_session", "delete_session", "get_tokens", "get_runs"):
            self.ask(operation, operation.split("_")[1])
        self.ask("get_openapi", "openapi.json")
        made = self.ask("post_token", "tokens", {"name": "t", "scopes": ["read"]}, 201).json()
        self.ask("post_token", "tokens", {"name": "t", "scopes": ["read"]}, 409)
        self.ask("delete_token", "tokens/" + made["id"])
        self.ask("get_runs", "runs?cursor=" + NONE, status=404)
        self.ask("get_log", "runs/%s/log?plain=1" % run)
        self.ask("get_media", "runs/%s/media?series=none" % run, status=404)
        self.ask("get_blob", "runs/%s/blobs/%s" % (run, "0" * 64), status=404)
        self.ask("get_live", "live", status=426)
        self.ask("get_metrics", "/metrics")
        self.wait(lambda: self.ask("get_media", "runs/%s/media" % run).json()["media"])

    def test_every_answer_is_as_told(self):
        run = self.wait(lambda: (self.server.call("GET", "/api/v1/runs").json()["runs"] or [{}])[0].get("id"))
        self.by_http()
        self.steer(run)
        self.inside(run)
        self.others(run)
        self.ask("get_run", "runs/" + run)
        self.ask("get_series", "runs/%s/series" % run)
        silent = set(self.document.operations) - self.seen
        self.assertEqual(silent, {"get_live", "get_stream", "get_blob"})  # no JSON: their own tests read them

    def test_every_route_of_an_unknown_run(self):
        for path, item in self.document.document["paths"].items():
            for operation in item.values():
                if "{id}" not in path or operation["operationId"] == "delete_token":
                    continue
                path = path.replace("{id}", NONE).replace("{step}", "1").replace("{name}", "x").replace("{hash}", "0" * 64)
                bodies = {"post_command": '{"type": "pause"}', "post_try": '{"input": [1]}'}
                body = bodies.get(operation["operationId"], "{}") if "requestBody" in operation else None
                self.ask(operation["operationId"], path + ("?layer=x" if path.endswith("units") else ""), body, 404)

    def test_members_that_nobody_knows_are_refused(self):
        """As the document says of every body; only a point's further members are series."""
        schemas, open_ones = self.document.document["components"]["schemas"], []
        for path, item in self.document.document["paths"].items():
            for operation in item.values():
                if "requestBody" not in operation:
                    continue
                shape = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].split("/")[-1]
                if schemas[shape].get("additionalProperties") is not False:
                    open_ones.append(shape)
                    continue
                path = path.replace("{id}", NONE)
                reply = self.ask(operation["operationId"], path, {"ratee": 1}, 422)
                self.assertEqual(reply.code(), "unknown_member")
                self.assertIn('"ratee" in %s' % shape, reply.json()["error"]["message"])
        self.assertEqual(open_ones, ["new_points"])
        closed = [name for name, schema in schemas.items() if schema.get("additionalProperties") is False]
        self.assertEqual(sorted(closed), ["new_run", "order", "run_change", "sample", "wanted_token"])  # answers may grow

    def test_also_in_messages_of_the_live_link(self):
        socket = WebSocket(self.server)
        self.addCleanup(socket.close)
        for word in ("watch_runs", "subscribe", "unsubscribe", "watch", "unwatch", "query", "command", "look", "unlook", "push", "ping"):
            socket.send(json.dumps({"type": word, "id": 5, "ratee": 1}))
            error = socket.message("error")
            self.assertEqual((error["id"], error["error"]["code"]), (5, "unknown_member"), word)
            self.assertIn('"ratee" in ' + word, error["error"]["message"])
        socket.send(json.dumps({"type": "command", "id": 6, "run": NONE, "command": {"type": "pause", "at": 3}}))
        self.assertEqual(socket.message("answer")["error"]["code"], "unknown_member")
        socket.send(json.dumps({"type": "ping", "id": 7}))
        self.assertEqual(socket.message("pong")["id"], 7)

    @unittest.skipUnless(official, "no openapi_spec_validator")
    def test_valid(self):
        official(self.document.document)


main()
