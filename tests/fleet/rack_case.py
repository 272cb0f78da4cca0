"""What the fleet tests share: a rack for each class, commands on its hosts, and a look at what is left on them.

The program under test is $MURDER_BIN (default: build/murder). It runs on the rack's control host, which sees the
machine's files; what it does to the other hosts is looked at from outside, through their directories and /proc."""

import argparse
import atexit
import contextlib
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests" / "rack"), str(ROOT / "tests" / "tools")]

import tree  # noqa: E402
from rack_of_hosts import rack as racks  # noqa: E402
from rack_of_hosts.network import RackError  # noqa: E402

RACK_TOOL = ROOT / "tests" / "rack" / "rack"
PROGRAM = os.environ.get("MURDER_BIN", str(ROOT / "build" / "murder"))
NEEDED = ("ip", "tc", "ssh", "ssh-keygen", "/usr/sbin/sshd")
COMMAND_SECONDS_MAX = 180
WAIT_SECONDS_MAX = 60
LISTENING = "0A"  # a state in /proc/net/tcp
# The record of releases stays with them; the other is Capistrano's own way of keeping what it rolled back.
KEPT_FILES = re.compile(r"^\.murder-releases\.json$|^rolled-back-release-")
OUR_FILES = re.compile(r"murder|\.torrent|\.tar\.|\.tgz|\.part|^\.")

_numbers = iter(range(1000))


def sockets_of(process):
    """Inodes, as /proc/net/tcp names them; none of a process that has ended."""
    found = set()
    try:
        for each in pathlib.Path(f"/proc/{process}/fd").iterdir():
            kind, _, inode = os.readlink(each).partition(":")
            if kind == "socket":
                found.add(inode.strip("[]"))
    except FileNotFoundError:
        pass
    return found


def reason_to_skip():
    if os.geteuid() != 0:
        return "fleet tests: skipped, a rack of hosts needs root"
    missing = [name for name in NEEDED if not shutil.which(name)]
    if missing:
        return f"fleet tests: skipped, not installed: {' '.join(missing)}"
    tried = subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True, check=False)
    return "fleet tests: skipped, no namespaces here" if tried.returncode != 0 else None


def wait_until(condition, what, seconds=WAIT_SECONDS_MAX):
    """The first true value of condition(); an AssertionError that names `what` after the time limit."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain: {what}")
        time.sleep(0.1)


def take_down_abandoned():
    """Racks of test runs that were killed."""
    for name in racks.names():
        match = re.fullmatch(r"test(\d+)_\d+", name)
        if match and not pathlib.Path(f"/proc/{match[1]}").exists():
            # Another run may be taking the same one down.
            with contextlib.suppress(RackError, OSError):
                racks.Rack(name).down()


class RackCase(unittest.TestCase):
    HOST_COUNT = 4
    RATE = None
    HAS_SSHD = True
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        reason = reason_to_skip()
        if reason:
            raise unittest.SkipTest(reason)
        take_down_abandoned()
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that atexit is run
        cls.rack = racks.Rack(f"test{os.getpid()}_{next(_numbers)}")
        atexit.register(cls.rack.down)
        options = [*(["--rate", cls.RATE] if cls.RATE else []), *(["--sshd"] if cls.HAS_SSHD else [])]
        made = subprocess.run(
            [RACK_TOOL, "up", str(cls.HOST_COUNT), "--name", cls.rack.name, *options],
            capture_output=True, text=True, timeout=COMMAND_SECONDS_MAX, check=False)
        if made.returncode != 0:
            raise AssertionError(made.stderr)
        cls.addClassCleanup(cls.rack.down)
        cls.hosts = list(cls.rack.addresses)
        cls.host_set = f"h[{cls.hosts[0][1:]}-{cls.hosts[-1][1:]}]"

    def setUp(self):
        # The operator's working directory; murder.toml is looked for there. Control has a /tmp of its own.
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="fleet-test-", dir="/var/tmp"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.environment = dict(
            os.environ, LC_ALL="C.UTF-8", XDG_STATE_HOME=str(self.directory / "state"),
            RACK_NAME=self.rack.name)

    # --- Commands ---

    def start_on(self, host, *command, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.Popen(
            [RACK_TOOL, "exec", host, *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, errors="replace", env=self.environment, cwd=self.directory, **options)

    def finish(self, process, code=0, seconds=COMMAND_SECONDS_MAX):
        """Waits for what start_on() started, and checks its exit status; None: any."""
        try:
            output, error = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.terminate()
            output, error = process.communicate()
            raise AssertionError(f"no end: {process.args}\n{output}\n{error}") from None
        if code is not None:
            self.assertEqual(process.returncode, code, f"{process.args}\n{output}\n{error}")
        return subprocess.CompletedProcess(process.args, process.returncode, output, error)

    def on(self, host, *command, code=0):
        return self.finish(self.start_on(host, *command), code)

    def murder(self, *words, code=0):
        """The program as the operator runs it."""
        return self.on(racks.CONTROL, PROGRAM, *words, code=code)

    def start_murder(self, *words):
        return self.start_on(racks.CONTROL, PROGRAM, *words)

    def murder_json(self, *words, code=0):
        return json.loads(self.murder(*words, "--json", code=code).stdout)

    def stop_all(self):
        """After a test, so that one that failed does not make the next fail."""
        for host in self.hosts:
            for pid, command in self.processes(host).items():
                if "/murder " in command:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)

    def write_config(self, *, variables="", **roles):
        """murder.toml; a role is a node set. Without `peer` every host is one."""
        roles.setdefault("peer", self.host_set)
        lines = ["[murder]", variables, "[roles]", *(f'{role} = "{hosts}"' for role, hosts in roles.items())]
        (self.directory / "murder.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    # --- Releases ---

    def make_release(self, name, size, *, file_count=20, seed=1):
        """A directory with `size` bytes that do not compress, and something of everything else."""
        root = self.directory / name
        (root / "lib" / "deep").mkdir(parents=True)
        (root / "empty").mkdir()
        (root / ".git").mkdir()
        (root / ".git" / "config").write_text("left out")
        (root / "run.sh").write_text("#!/bin/sh\n")
        (root / "run.sh").chmod(0o755)
        os.link(root / "run.sh", root / "lib" / "same-file")
        (root / "lib" / "relative").symlink_to("../run.sh")
        for number in range(file_count):
            data = hashlib.shake_128(f"{seed} {number}".encode()).digest(size // file_count)
            (root / "lib" / "deep" / f"data{number}").write_bytes(data)
        return root

    def listing(self, root):
        options = argparse.Namespace(without_git=True, without_times=False, holes=False)
        return tree.listing(root, options)

    def has_release(self, host, path):
        return (self.rack.files_of(host) / path.lstrip("/")).is_dir()

    def assert_release(self, source, path, hosts=None):
        """DESTINATION/TAG on these hosts (all) has the same names, bytes, modes and links as the source."""
        expected = self.listing(source)
        for host in hosts or self.hosts:
            root = self.rack.files_of(host) / path.lstrip("/")
            self.assertTrue(root.is_dir(), f"{host}:{path} is not there")
            self.assert_same_listing(expected, self.listing(root), f"{host}:{path}")

    def assert_same_listing(self, expected, found, place):
        """Shows the first differences only: there may be thousands."""
        differing = list(tree.differences(expected, found, "the source", place))
        self.assertFalse(differing, "\n".join([f"{place}: {len(differing)} differ", *differing[:5]]))

    def copy_to(self, host, source, target):
        """As it is, with links and times."""
        script = f'tar -C "$1" -cf - . | ssh {host} "mkdir -p {target} && tar -C {target} -xpf -"'
        self.on(racks.CONTROL, "sh", "-c", script, "sh", source)

    def assert_no_release(self, path, hosts):
        for host in hosts:
            self.assertFalse((self.rack.files_of(host) / path.lstrip("/")).exists(), f"{host}:{path}")

    # --- What is on a host ---

    def empty(self, host, *places):
        """Removes all that is in these directories, but not the checkout, which hosts see where it lies."""
        kept = [f'[ "$name" = {each} ]' for each in map(str, [ROOT, *ROOT.parents])]
        names = " ".join(f"{place}/* {place}/.[!.]*" for place in places)
        self.on(host, "sh", "-c", f"for name in {names}; do {' || '.join(kept)} || rm -rf \"$name\"; done")

    def processes(self, host):
        """pid on the machine -> command line, of all but the first process and the daemon that listens."""
        first = self.rack.first_process(host)
        namespace = os.stat(f"/proc/{first}/ns/net")
        found = {}
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == first:
                continue
            try:
                status = os.stat(f"/proc/{entry}/ns/net")
                command = pathlib.Path(f"/proc/{entry}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            is_daemon = "sshd" in command and "listener" in command
            if (status.st_dev, status.st_ino) == (namespace.st_dev, namespace.st_ino) and not is_daemon:
                found[int(entry)] = command.strip()
        return found

    def process(self, host, words):
        """The pid of the one process, by a pattern of its command line; None if there is none."""
        found = [pid for pid, command in self.processes(host).items() if re.search(words, command)]
        return found[0] if found else None

    def listening_ports(self, host, process=None):
        """Of a host, or of one process there."""
        first = self.rack.first_process(host)
        sockets = sockets_of(process) if process else None
        ports = set()
        for table in ("tcp", "tcp6"):
            for line in pathlib.Path(f"/proc/{first}/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
                fields = line.split()
                if fields[3] == LISTENING and (sockets is None or fields[9] in sockets):
                    ports.add(int(fields[1].rsplit(":", 1)[1], 16))
        return ports

    def temporary_files(self, host):
        """What murder could have left outside of the release and its own directory."""
        root = self.rack.files_of(host)
        places = ["run", "tmp"] if host == racks.CONTROL else ["tmp", "var/tmp", "run", "root", "srv/app"]
        found = []
        for place in places:
            for path in (root / place).iterdir() if (root / place).is_dir() else ():
                if OUR_FILES.search(path.name) and not KEPT_FILES.search(path.name):
                    # Empty directories are no matter: the run directory is one.
                    found += [each for each in [path, *path.rglob("*")] if not each.is_dir()]
        return [f"/{path.relative_to(root)}" for path in found]

    def what_is_left(self, host):
        ports = self.listening_ports(host) - {22}
        return [*self.processes(host).values(), *(f"port {port}" for port in ports), *self.temporary_files(host)]

    def assert_nothing_left(self):
        """No process, socket or temporary file on any host; a connection of ssh may need a moment to end."""
        for host in [*self.hosts, racks.CONTROL]:
            with contextlib.suppress(AssertionError):
                wait_until(lambda each=host: not self.what_is_left(each), host, seconds=5)
            self.assertEqual(self.what_is_left(host), [], host)
