"""Programs on many hosts that start at the same moment, and the moments at which their lines come.

Each program is forked ahead into its host and waits at a gate, a pipe whose one writer is here; to close it lets all
go at once. A command waits as a small shell, so that its start costs what a start costs."""

import os
import selectors
import signal
import sys
import time

from . import host as hosts
from . import kernel
from .network import RackError

READY_SECONDS_MAX = 30
# A program that has its own gate says this, then reads fd 3 until that ends.
AT_THE_GATE = "at the gate"
_GATE = f'echo "{AT_THE_GATE}"; read _ <&3; exec 3<&-; exec "$@"'
_LINE_BYTES_MAX = 64 * 1024
_FD_COUNT_MAX = 65536


class Program:
    """One of them: what it said, and when (seconds of the monotonic clock)."""

    def __init__(self, host, pid, output):
        self.host = host
        self.pid = pid
        self.output = output
        self.lines = []
        self.exit_status = None  # as of os.waitstatus_to_exitcode()
        self._rest = b""

    def take(self, part, moment):
        """Returns the whole lines that this part ended."""
        *whole, self._rest = (self._rest + part).split(b"\n")
        self._rest = self._rest[-_LINE_BYTES_MAX:]
        fresh = [(moment, line.decode(errors="replace")) for line in whole]
        self.lines += fresh
        return fresh

    @property
    def has_ended(self):
        return self.output is None

    def last_words(self):
        said = [line for _, line in self.lines if line.strip()]
        return said[-1][:200] if said else "not a word"


class Together:
    """Owns the programs until end(); processes that they left behind are the rack's to end."""

    def __init__(self, rack):
        self.rack = rack
        self.programs = []
        self._selector = selectors.DefaultSelector()
        self._gate, self._gatekeeper = os.pipe()

    def add(self, host, command, has_own_gate=False):
        """`command`: words, or a function of this process without arguments. It waits for start()."""
        first = self.rack.first_process(host)
        output, writer = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            try:
                kernel.die_with_parent(signal.SIGKILL)
                words = command if callable(command) or has_own_gate else ["sh", "-c", _GATE, "sh", *command]
                self._run_on(first, words, writer)
            except BaseException as error:  # nothing of the caller's may run in this process
                os.write(writer, f"{host}: {error}\n".encode()[:500])
            finally:
                os._exit(127)
        os.close(writer)
        program = Program(host, pid, output)
        self.programs.append(program)
        self._selector.register(output, selectors.EVENT_READ, program)
        return program

    def _run_on(self, first, command, writer):
        hosts.enter(first)
        child = os.fork()
        if child == 0:
            kernel.die_with_parent(signal.SIGKILL)
            os.dup2(os.open("/dev/null", os.O_RDWR), 0)
            os.dup2(writer, 1)
            os.dup2(writer, 2)
            os.dup2(self._gate, 3)
            os.closerange(4, _FD_COUNT_MAX)
            os.chdir("/")
            if not callable(command):
                os.execvpe(command[0], command, hosts.ENVIRONMENT)
            print(AT_THE_GATE, flush=True)
            os.read(3, 1)
            command()
            os._exit(0)
        os.closerange(3, _FD_COUNT_MAX)  # of all gates, or they would not open
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os._exit(status if status >= 0 else 128 - status)

    def start(self):
        """Returns the moment at which all of them were let go."""
        if self.wait(lambda program: bool(program.lines), READY_SECONDS_MAX):
            raise RackError("a program did not get to its gate")
        for program in self.programs:
            program.lines.clear()
        os.close(self._gate)
        moment = time.monotonic()
        os.close(self._gatekeeper)
        self._gate = self._gatekeeper = None
        return moment

    def wait(self, is_done, seconds):
        """Reads until is_done(program) holds for all, or they have ended, or the time is over. Returns who is left."""
        deadline = time.monotonic() + seconds
        while True:
            left = [each for each in self.programs if not each.has_ended and not is_done(each)]
            remaining = deadline - time.monotonic()
            if not left or remaining <= 0:
                return left
            for key, _ in self._selector.select(remaining):
                self._read(key.data)

    def _read(self, program):
        part = os.read(program.output, 65536)
        moment = time.monotonic()
        if part:
            program.take(part, moment)
            return
        self._selector.unregister(program.output)
        os.close(program.output)
        program.output = None
        program.exit_status = os.waitstatus_to_exitcode(os.waitpid(program.pid, 0)[1])

    def end(self):
        """Kills what still runs of it."""
        if self._gate is not None:
            os.close(self._gate)
            os.close(self._gatekeeper)
            self._gate = None
        for program in self.programs:
            if not program.has_ended:
                os.kill(program.pid, signal.SIGKILL)
                self._selector.unregister(program.output)
                os.close(program.output)
                os.waitpid(program.pid, 0)
                program.output = None
        self._selector.close()
