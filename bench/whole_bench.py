#!/usr/bin/env python3
"""What the whole gives: bytes of a snapshot on the demo's run, points lost by kills.

    bench/whole_bench.py BUILD

Kills are those of tests/path/kill_test.py, 50 of them (NNS_ROUNDS).
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
over = False


def line(name, figure, unit, budget, ok):
    global over
    over = over or not ok
    print("%s %.4g %s %s %s" % (name, figure, unit, budget, "ok" if ok else "OVER"), flush=True)


def kills():
    rounds = os.environ.get("NNS_ROUNDS", "50")
    folder = os.path.join(ROOT, "tests", "path")
    environment = dict(os.environ, NNS_ROUNDS=rounds, PYTHONPATH=os.path.join(ROOT, "tests", "net"), PYTHONDONTWRITEBYTECODE="1",
                       NNSCOPE_RECORDER=os.path.join(BUILD, "bin", "path_recorder"))
    done = subprocess.run([sys.executable, os.path.join(folder, "kill_test.py"), os.path.join(BUILD, "bin", "nnscope")],
                          cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lost = sum(int(n) for n in re.findall(r"(\d+) lost", done.stdout))
    print("# %s kills" % rounds)
    if done.returncode:
        print("\n".join("# " + text for text in done.stdout.splitlines()[-20:]))
    line("kill_points_lost", lost if lost else done.returncode, "points", "<=0", done.returncode == 0)


def snapshots():
    """Bytes of a snapshot, the mean over a minute of the demo's run at one a second, as the server keeps them."""
    train, program = (os.path.join(BUILD, "bin", name) for name in ("nnscope-train", "nnscope"))
    with tempfile.TemporaryDirectory(prefix="nnscope-bench-") as folder:
        environment = dict(os.environ, NNSCOPE_DIR=folder)
        server = subprocess.Popen([program, "server", "--port", "0"], env=environment, stdout=subprocess.PIPE, text=True)
        url, token = re.search(r"(http://[^/]+)/\?token=(\S+)", server.stdout.readline()).groups()

        def get(path):
            request = urllib.request.Request(url + "/api/v1/" + path, headers={"Authorization": "Bearer " + token})
            return json.load(urllib.request.urlopen(request, timeout=20))

        trainer = subprocess.Popen([train, "--seed", "1", "--epochs", "0", "--quiet"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
        time.sleep(60)
        found = get("runs/%s/snapshots?limit=1000" % get("runs")["runs"][0]["id"])["snapshots"]
        for process in (trainer, server):
            process.terminate()
            process.wait(20)
        server.stdout.close()
    mean = sum(s["bytes"] for s in found) / max(1, len(found)) / 1000
    print("# %d snapshots in a minute" % len(found))
    line("snapshot_mean", mean, "kB", "<=250", len(found) >= 30 and mean <= 250)


snapshots()
kills()
sys.exit(1 if over else 0)
