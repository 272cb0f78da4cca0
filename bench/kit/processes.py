"""Processes whose processor time and memory are the kernel's own figures, and which never outlive the bench.

Each command runs below a keeper (bench/keeper.cc), which takes over what the command leaves behind, waits
for all of it, and reports what each process used. Closing the keeper's standard input ends everything."""

import dataclasses
import json
import pathlib
import subprocess
import time

# clockid_t of another process's processor time: clock_getcpuclockid(3).
_CLOCK_OF_PROCESS = 2


class ProcessError(Exception):
    """A command failed or took too long."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of a command and of everything it started."""

    code: int  # negative: the signal that ended it
    user_seconds: float
    system_seconds: float
    peak_bytes: int  # resident memory of the largest process
    command_seconds: float  # until the command itself had ended
    wall_seconds: float  # until the last process had ended

    @property
    def cpu_seconds(self):
        return self.user_seconds + self.system_seconds


def descendants(pid):
    """All processes below this one, itself not included."""
    found, queue = [], [pid]
    while queue:
        parent = queue.pop()
        for path in pathlib.Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                children = [int(word) for word in path.read_text().split()]
            except OSError:
                continue
            found += children
            queue += children
    return found


def cpu_seconds_of(pid):
    """Of all its threads, those that ended and io_uring's kernel workers included; 0 when it is gone."""
    try:
        return time.clock_gettime((~pid << 3) | _CLOCK_OF_PROCESS)
    except OSError:
        return 0.0


def peak_bytes_of(pid):
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    line = next((each for each in status.splitlines() if each.startswith("VmHWM:")), None)
    return int(line.split()[1]) * 1024 if line else 0


def forget_peak_of(pid):
    """The peak is that from now on."""
    try:
        pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")
    except OSError:
        pass


class Child:
    """A command under way. Ends by itself, by stop(), or when the context ends."""

    def __init__(self, keeper, arguments, directory, name, environment, cwd=None, grace_seconds=5):
        self.name = name
        self.arguments = [str(each) for each in arguments]
        self.output_path = directory / f"{name}.out"
        self.error_path = directory / f"{name}.err"
        self._report_path = directory / f"{name}.report"
        self._outcome = None
        with open(self.output_path, "wb") as output, open(self.error_path, "wb") as error:
            self._keeper = subprocess.Popen(
                [keeper, str(self._report_path), str(grace_seconds), *self.arguments],
                stdin=subprocess.PIPE, stdout=output, stderr=error, env=environment, cwd=cwd,
                start_new_session=True)
        self.started_at = time.monotonic()

    @property
    def output(self):
        return self.output_path.read_text(errors="replace")

    @property
    def error(self):
        return self.error_path.read_text(errors="replace")

    @property
    def is_running(self):
        return self._keeper.poll() is None

    def pids(self):
        return descendants(self._keeper.pid)

    def cpu_seconds(self):
        """What the processes that run now have used so far."""
        return sum(map(cpu_seconds_of, self.pids()))

    def peak_bytes(self):
        """The largest resident memory so far of one of the processes that run now."""
        return max(map(peak_bytes_of, self.pids()), default=0)

    def forget_peak(self):
        for pid in self.pids():
            forget_peak_of(pid)

    def wait_for(self, condition, what, seconds=60, every=0.01):
        """The first true value of condition() while the command runs."""
        deadline = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            if not self.is_running:
                raise ProcessError(f"{self.name} ended before {what}:\n{self._tail()}")
            if time.monotonic() > deadline:
                self.stop()
                raise ProcessError(f"{self.name}: {what}: waited {seconds} s in vain\n{self._tail()}")
            time.sleep(every)

    def wait_for_line(self, text, seconds=60):
        """The first line of its output that starts so, once it is whole."""
        def line():
            return next((each for each in self.output.splitlines(keepends=True)
                         if each.startswith(text) and each.endswith("\n")), None)
        return self.wait_for(line, f"it said {text!r}", seconds).rstrip("\n")

    def wait(self, seconds, code=0):
        """Until it and all it started have ended. `code`: the exit code it must have; None: any."""
        if self._outcome is None:
            try:
                self._keeper.wait(seconds)
            except subprocess.TimeoutExpired:
                self.stop()
                raise ProcessError(f"{self.name} took longer than {seconds} s: {self.arguments}\n"
                                   f"{self._tail()}") from None
            self._close()
        if code is not None and self._outcome.code != code:
            raise ProcessError(f"{self.name} ended with {self._outcome.code}: {self.arguments}\n{self._tail()}")
        return self._outcome

    def stop(self):
        """Asks it to end, and ends it. Returns its outcome."""
        if self._outcome is None:
            self._keeper.stdin.close()
            try:
                self._keeper.wait(60)
            except subprocess.TimeoutExpired:
                self._keeper.kill()
                self._keeper.wait()
            self._close()
        return self._outcome

    def _close(self):
        self._keeper.stdin.close()
        try:
            report = json.loads(self._report_path.read_text())
        except (OSError, ValueError):
            raise ProcessError(f"{self.name} was not started: {self.arguments}\n{self._tail()}") from None
        self._outcome = Outcome(**report)

    def _tail(self):
        return "\n".join((self.output + self.error).splitlines()[-20:])
