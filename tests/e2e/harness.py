"""What the end-to-end tests share: starting and stopping murder processes, ports, directories, waiting.

The program under test is $MURDER_BIN (default: build/murder). Everything a test starts is ended by its pid,
and everything it writes is below one temporary directory that is removed."""

import contextlib
import functools
import hashlib
import itertools
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = os.environ.get("MURDER_BIN", str(ROOT / "build" / "murder"))
# Sanitizers make everything some times slower; the limits here only end what hangs.
SLOWDOWN = 4 if os.environ.get("MURDER_SANITIZED") else 1
COMMAND_SECONDS_MAX = 60 * SLOWDOWN
WAIT_SECONDS_MAX = 30 * SLOWDOWN

_addresses = itertools.count(2)


@functools.cache
def least_address_space_kib():
    """The smallest limit (ulimit -v) under which the program starts: below it the loader fails, which is not ours to word."""
    def starts(kib):
        limit = kib * 1024
        done = subprocess.run(
            [PROGRAM, "--version"], check=False, capture_output=True, timeout=60,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
        return done.returncode == 0

    fails, enough = 1024, 1024 * 1024
    while enough - fails > 64:
        middle = (fails + enough) // 2
        fails, enough = (fails, middle) if starts(middle) else (middle, enough)
    return enough


def wait_until(condition, what, seconds=None):
    """The first true value of condition(); an AssertionError that names `what` after the time limit."""
    deadline = time.monotonic() + (seconds or WAIT_SECONDS_MAX)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain: {what}")
        time.sleep(0.05)


def free_address():
    """An address of 127.0.0.0/8 that no other test of this run has."""
    number = next(_addresses)
    return f"127.{os.getpid() % 200 + 20}.{number // 250}.{number % 250 + 1}"


def free_port(address="127.0.0.1"):
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address, 0))
        return probe.getsockname()[1]


def is_alive(pid):
    """Whether the process runs; one that has ended and waits for its parent does not."""
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="latin-1").rsplit(")", 1)[1].split()[0]
    except (OSError, IndexError):
        return False
    return state not in "ZX"


class Running:
    """A process in the foreground of the test, with its output in files."""

    def __init__(self, case, arguments, environment, **options):
        self.arguments = arguments
        self.output_path = case.path(f"out-{len(case.started)}")
        self.error_path = case.path(f"err-{len(case.started)}")
        with open(self.output_path, "wb") as output, open(self.error_path, "wb") as error:
            self.process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=error, env=environment, **options)
        self.pid = self.process.pid

    @property
    def output(self):
        return self.output_path.read_text(errors="replace")

    @property
    def error(self):
        return self.error_path.read_text(errors="replace")

    def wait(self, seconds=None):
        try:
            return self.process.wait(seconds or COMMAND_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"did not end: {self.arguments}\n{self.output}\n{self.error}") from None

    def signal(self, number):
        self.process.send_signal(number)

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class MurderCase(unittest.TestCase):
    """A test with a run directory of its own, so that it sees only its own processes."""

    maxDiff = None

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="murder-e2e-"))
        self.run_directory = self.directory / "run"
        self.temp_path = self.directory / "temp"
        self.temp_path.mkdir()
        self.started = []
        self.environment = dict(os.environ, MURDER_RUN_DIR=str(self.run_directory), LC_ALL="C.UTF-8")
        self.addCleanup(self._clean_up)

    def path(self, *parts):
        return self.directory.joinpath(*parts)

    # --- Running commands ---

    def murder(self, *arguments, code=0, **options):
        """Runs a command to its end and checks its exit code; None: any. Returns the CompletedProcess."""
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("timeout", COMMAND_SECONDS_MAX)
        if "input" in options:
            del options["stdin"]
        result = subprocess.run(
            [PROGRAM, *map(str, arguments)], capture_output=True, text=True, errors="replace",
            env=self.environment, **options)
        if code is not None:
            self.assertEqual(
                result.returncode, code,
                f"murder {' '.join(map(str, arguments))}\n{result.stdout}\n{result.stderr}")
        return result

    def murder_json(self, *arguments, code=0, **options):
        """As murder(), with --json: the object that was printed."""
        result = self.murder(*arguments, "--json", code=code, **options)
        return json.loads(result.stdout)

    def start(self, *arguments, **options):
        """Starts a command in the foreground and returns at once; it is ended after the test."""
        running = Running(self, [PROGRAM, *map(str, arguments)], self.environment, **options)
        self.started.append(running)
        return running

    # --- The processes of this test's run directory ---

    def processes(self, *tag):
        return self.murder_json("status", *tag)["processes"]

    def process_of_kind(self, kind):
        """The one running process of this kind, or None."""
        found = [each for each in self.processes() if each.get("kind") == kind]
        self.assertLessEqual(len(found), 1, found)
        return found[0] if found else None

    def start_tracker(self, *arguments, address=None):
        """A tracker in the background; returns HOST:PORT."""
        address = address or free_address()
        endpoint = f"{address}:{free_port(address)}"
        self.murder("tracker", "--listen", endpoint, "--background", *arguments)
        return endpoint

    # --- Releases ---

    def create(self, source, tag, *arguments, tracker=None):
        """The path of the torrent; archive and torrent lie in self.temp_path, unless `arguments` say otherwise."""
        options = ["--tracker", tracker] if tracker else []
        if "--temp-path" not in arguments:
            options += ["--temp-path", self.temp_path]
        return pathlib.Path(self.murder_json("create", source, "--tag", tag, *options, *arguments)["torrent"])

    def seed(self, torrent, *arguments, address=None):
        """A seeder in the background; returns HOST:PORT."""
        return self.murder_json(
            "seed", torrent, "--background", "--ip", address or free_address(), *arguments)["listen"]

    def peer_arguments(self, torrent, *arguments, name="host", to="to"):
        """Of a peer that keeps everything below self.path(name) and does not go on seeding; `arguments` win."""
        defaults = {"--temp-path": self.path(name, "temp"), "--ip": free_address(), "--seed-for": "0"}
        target = ["--to", self.path(name, to)] if to else ["--no-unpack"]
        options = [each for option in defaults.items() if option[0] not in arguments for each in option]
        return ["peer", *map(str, [torrent, *target, *options, *arguments])]

    def peer(self, torrent, *arguments, name="host", to="to", code=0, **options):
        return self.murder(*self.peer_arguments(torrent, *arguments, name=name, to=to), code=code, **options)

    def peer_json(self, torrent, *arguments, **options):
        return json.loads(self.peer(torrent, *arguments, "--json", **options).stdout)

    # --- Files ---

    def make_tree(self, name="source"):
        """A directory with something of everything that a release may hold."""
        root = self.path(name)
        (root / "lib" / "deep").mkdir(parents=True)
        (root / "empty").mkdir()
        (root / ".git").mkdir()
        (root / ".git" / "config").write_text("left out")
        (root / "run.sh").write_text("#!/bin/sh\n")
        (root / "run.sh").chmod(0o755)
        (root / "nothing").write_bytes(b"")
        (root / "lib" / "\u00fcml\u00e4ut \u4e2d").write_text("not ASCII")
        os.link(root / "run.sh", root / "lib" / "same-file")
        (root / "lib" / "relative").symlink_to("../run.sh")
        (root / "dangling").symlink_to("/does/not/exist")
        self.make_file(f"{name}/lib/deep/data", 3_000_000)
        return root

    def assert_same_tree(self, source, target, *arguments):
        result = subprocess.run(
            [sys.executable, ROOT / "tests" / "tools" / "tree.py", "--without-git", *arguments, source, target],
            capture_output=True, text=True, timeout=COMMAND_SECONDS_MAX, check=False)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def assert_no_leftovers(self, *directories):
        """Nothing hidden lies there: no half release, no abandoned one."""
        for directory in directories:
            if pathlib.Path(directory).is_dir():
                self.assertEqual([name for name in os.listdir(directory) if name.startswith(".")], [])

    def make_file(self, name, size, seed=1):
        """A file of pseudo-random bytes."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as file:
            for start in range(0, size, 1 << 20):
                file.write(hashlib.shake_128(f"{seed} {start}".encode()).digest(min(size - start, 1 << 20)))
        return path

    def _clean_up(self):
        for running in self.started:
            running.end()
        if self.run_directory.exists():
            self._stop_what_is_left()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _stop_what_is_left(self):
        """By pid, as the processes of this run directory themselves tell it."""
        try:
            left = [each["pid"] for each in self.processes()]
        except (AssertionError, ValueError, KeyError, subprocess.TimeoutExpired):
            left = [int(entry.name.split(".")[0].split("-")[0]) for entry in self.run_directory.glob("[0-9]*.sock")]
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 10
        while any(is_alive(pid) for pid in left):
            if time.monotonic() > deadline:
                for pid in filter(is_alive, left):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                return
            time.sleep(0.05)
