"""What the tests of manual pages and completion share: the program, its pages, shells behind a terminal."""

import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = os.environ.get("MURDER_BIN", str(ROOT / "build" / "murder"))
SECONDS_MAX = 60
PAGES = sorted((ROOT / "docs" / "manual").glob("*.[1578]"))


def run(arguments, **options):
    return subprocess.run(arguments, capture_output=True, text=True, timeout=SECONDS_MAX, **options)


def make_pages(directory, date="2026-11-29", **options):
    made = run([PROGRAM, "__manual", date, str(directory), *map(str, PAGES)], **options)
    if made.returncode != 0 or made.stderr:
        raise AssertionError(f"no pages: {made.stderr}")
    return {path.name: path for path in directory.glob("man?/*")}


def help_of(*words):
    shown = run([PROGRAM, *words, "--help"])
    if shown.returncode != 0:
        raise AssertionError(f"no help of {words}: {shown.stderr}")
    return shown.stdout


def commands_in(text):
    """The names under "Commands:" of a help text."""
    names = []
    for line in text.partition("\nCommands:\n")[2].splitlines():
        if not line.strip():
            break
        match = re.match(r"  (\S+)", line)
        if match:
            names.append(match.group(1))
    return names


def options_in(text):
    """All names of options that a help text lists."""
    names = []
    for line in text.splitlines():
        if re.match(r"  -", line):
            head = line.strip().split(" ")[0]
            names += [name.split("=")[0] for name in head.split(",")]
    return names


def all_commands():
    """("create",), ("fleet", "peer"), ..."""
    commands = []
    for name in commands_in(help_of()):
        commands.append((name,))
        commands += [(name, task) for task in commands_in(help_of(name))]
    return commands


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="murder-manual-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)


class Terminal:
    """An interactive shell behind a terminal of its own; `murder` is a function there that prints what it is given."""

    def __init__(self, arguments, setup, directory, environment):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(directory)
            os.execvpe(arguments[0], arguments, environment)
        self.output = ""
        for line in setup:
            self.send(line + "\n")
        self.send("printf '<%s>\\n' begin\n")
        self.wait_for(r"<begin>")

    def send(self, text):
        os.write(self.fd, text.encode())

    def wait_for(self, pattern):
        deadline = time.monotonic() + SECONDS_MAX
        while not re.search(pattern, self.output):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                raise AssertionError(f"waited in vain for {pattern}: {self.output!r}")
            try:
                self.output += os.read(self.fd, 65536).decode(errors="replace")
            except OSError as error:
                raise AssertionError(f"the shell ended: {self.output!r}") from error

    def complete(self, line):
        """The words `murder` is called with when `line` is typed, then a tab, then return."""
        self.output = ""
        self.send(line + "\t\n")
        self.wait_for(r"<END>")
        return re.findall(r"<WORD:(.*?)>\r?\n", self.output)

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


if __name__ == "__main__":
    sys.exit("these are parts of tests")
