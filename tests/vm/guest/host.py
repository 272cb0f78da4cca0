"""What the jobs share: running murder, trees of known content, results."""

import hashlib
import json
import os
import pathlib
import subprocess
import sys

JOB = pathlib.Path("/job")
# A job disk is mounted with nothing else on it; programs are run from memory.
PROGRAM = "/usr/local/bin/murder"
# An emulated machine is some 20 times slower than the one it runs on; this only ends what hangs.
SECONDS_MAX = 300
FILE_TIME = 1_700_000_000


def result(name, is_good, text=""):
    """A line of the table."""
    outcome = is_good if isinstance(is_good, str) else "passed" if is_good else "FAILED"
    print(f"RESULT {json.dumps([name, outcome, text])}", flush=True)


def say(text):
    print(text, flush=True)


def run(*words, **options):
    """Runs a command to its end. Returns the CompletedProcess."""
    options.setdefault("timeout", SECONDS_MAX)
    return subprocess.run(
        list(map(str, words)), stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
        check=False, **options)


def must(*words, **options):
    """As run(); a failure ends the job with what was said."""
    done = run(*words, **options)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, words))}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def murder(*words, **options):
    return must(PROGRAM, *words, **options)


def murder_json(*words, **options):
    return json.loads(murder(*words, "--json", **options).stdout)


def start(*words, **options):
    return subprocess.Popen(
        list(map(str, words)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", **options)


def content(seed, size):
    """Pseudo-random bytes, quickly."""
    return hashlib.shake_128(str(seed).encode()).digest(size)


def make_tree(root, seed, file_count=60, big_bytes=3_000_000):
    """A release of known content: the same seed, the same tree to the last byte, mode and time."""
    root = pathlib.Path(root)
    (root / "lib" / "deep").mkdir(parents=True)
    (root / "empty").mkdir()
    (root / "nothing").write_bytes(b"")
    (root / "run.sh").write_text(f"#!/bin/sh\necho {seed}\n")
    (root / "run.sh").chmod(0o755)
    (root / "lib" / "big").write_bytes(content(f"{seed} big", big_bytes))
    for number in range(file_count):
        (root / "lib" / "deep" / f"file-{number}").write_bytes(content(f"{seed} {number}", 500 + 397 * number))
    (root / "lib" / "relative").symlink_to("../run.sh")
    os.link(root / "run.sh", root / "lib" / "same-file")
    for path, _, names in os.walk(root, topdown=False):
        for name in [*names, "."]:
            os.utime(pathlib.Path(path) / name, (FILE_TIME, FILE_TIME), follow_symlinks=False)
    return root


def difference(one, other):
    """What differs between two trees; empty when nothing does."""
    done = run(sys.executable, JOB / "tree.py", one, other)
    return "" if done.returncode == 0 else (done.stdout + done.stderr).strip()
