"""What a bench is given: where things are, how much to do, and how to run processes."""

import contextlib
import json
import os
import shutil
import subprocess
import sys

from kit.processes import Child, ProcessError
from kit.scratch import Scratch


class BenchError(ProcessError):
    """Why there is no result."""


class Context:
    """Of one bench. Everything it started has ended and its scratch files are gone when it is closed."""

    def __init__(self, root, build, options):
        self.root = root
        self.build = build
        self.quick = options.quick
        self.size_bytes = options.size  # None: the bench's own
        self.pairs = options.pairs
        self.only = options.only
        self.closed = options.closed  # closed swarms as well
        self.congestion = options.congestion  # of TCP; None: the machine's own
        self.seed_options = options.seed_options
        self.peer_options = options.peer_options
        self.scratch = Scratch(options.scratch)
        self._ending = contextlib.ExitStack()
        self._ending.callback(self.scratch.remove)
        self._counter = 0
        self._processes = self.scratch.directory("processes")
        self.environment = dict(os.environ, MURDER_RUN_DIR=str(self.scratch.directory("run")), LC_ALL="C.UTF-8")

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._ending.close()

    def enter(self, manager):
        """A context manager that ends with this bench."""
        return self._ending.enter_context(manager)

    def say(self, text):
        print(f"    {text}", file=sys.stderr, flush=True)

    def size(self, usual, quick):
        """How many bytes to work on: what the user said, else by whether this is a smoke test."""
        return self.size_bytes or (quick if self.quick else usual)

    @property
    def program(self):
        return self.build / "murder"

    def need_program(self, name, package):
        if shutil.which(name) is None:
            raise BenchError(f"{name} is not installed (apt-get install {package})")

    def built(self, name):
        """A program of the build directory."""
        path = self.build / name
        if not path.is_file():
            raise BenchError(f"{path} is not there: ./dev bench builds it")
        return path

    def start(self, arguments, name, cwd=None, environment=None):
        """A measured process. It is ended after the bench if it still runs."""
        self._counter += 1
        child = Child(self.built("bench/bench_keeper"), arguments, self._processes, f"{self._counter}-{name}",
                      {**self.environment, **(environment or {})}, cwd)
        self._ending.callback(child.stop)
        return child

    def run(self, arguments, name, seconds, **options):
        """A measured process from start to end: (Child, Outcome)."""
        child = self.start(arguments, name, **options)
        return child, child.wait(seconds)

    def murder(self, *arguments, seconds=120):
        """A command whose cost is nobody's concern; the object it prints."""
        command = [str(self.program), *map(str, arguments), "--json"]
        result = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False,
                                stdin=subprocess.DEVNULL, env=self.environment)
        if result.returncode != 0:
            raise BenchError(f"{' '.join(command)}\n{result.stdout}{result.stderr}")
        return json.loads(result.stdout)
