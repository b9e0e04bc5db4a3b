#!/usr/bin/env python3
"""What the whole gives: accuracy of the demo's networks on real MNIST, points lost by kills.

    bench/whole_bench.py BUILD

MNIST is looked for where the trainer looks; without it the digits are drawn and the line says so by its name. Kills are those
of tests/path/kill_test.py, 50 of them (NNS_ROUNDS).
"""
import os
import re
import subprocess
import sys
import tempfile

BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
over = False


def line(name, figure, unit, budget, ok):
    global over
    over = over or not ok
    print("%s %.4g %s %s %s" % (name, figure, unit, budget, "ok" if ok else "OVER"), flush=True)


def accuracy(name, least, *options):
    with tempfile.TemporaryDirectory(prefix="nnscope-bench-") as folder:
        done = subprocess.run([os.path.join(BUILD, "bin", "nnscope-train"), "--seed", "1", *options], cwd=ROOT,
                              env=dict(os.environ, NNSCOPE_DIR=folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    found = re.search(r"accuracy (\S+)\s*$", done.stdout)
    if "drawn" in done.stdout:
        name += "_of_drawn_digits"
    line(name, 100 * float(found.group(1)) if found else 0, "%", ">=%g" % least, bool(found) and 100 * float(found.group(1)) >= least)


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


accuracy("accuracy_mlp", 98.2, "--epochs", "10")
kills()
sys.exit(1 if over else 0)
