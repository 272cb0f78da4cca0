"""A rack as a whole: up, down, and what is known of it in between (RACK_BASE/murder-rack-NAME/state.json)."""

import json
import os
import pathlib
import re
import shutil
import signal
import time

from . import host as hosts
from . import secure_shell
from .network import Network, RackError, shaper

CONTROL = "control"
CONTROL_NUMBER = 254
HOST_COUNT_MAX = 200
END_SECONDS_MAX = 20
_DIRECTORY_PREFIX = "murder-rack-"


def base():
    """Where racks lie, as the environment says now: a bench has racks in more than one place."""
    return pathlib.Path(os.environ.get("RACK_BASE", "/var/tmp"))


def names():
    found = (path.name[len(_DIRECTORY_PREFIX):] for path in base().glob(_DIRECTORY_PREFIX + "*"))
    return sorted(name for name in found if is_name(name))


def is_name(name):
    return re.fullmatch(r"[a-z0-9_]{1,20}", name) is not None


def need_root():
    if os.geteuid() != 0:
        raise RackError("a rack needs root (network namespaces, mounts)")


class Rack:
    def __init__(self, name):
        if not is_name(name):
            raise RackError(f"{name!r} is not a name for a rack: a-z, 0-9 and _, at most 20")
        self.name = name
        self.directory = base() / f"{_DIRECTORY_PREFIX}{name}"
        self.network = Network(name)
        self._state = None

    # --- What is known ---

    @property
    def state(self):
        if self._state is None:
            try:
                self._state = json.loads((self.directory / "state.json").read_text(encoding="utf-8"))
            except FileNotFoundError:
                raise RackError(f"there is no rack {self.name}: `rack up` makes it") from None
        return self._state

    @property
    def addresses(self):
        """Host -> address, without the control host."""
        return {name: each["address"] for name, each in self.state["hosts"].items() if name != CONTROL}

    def files_of(self, host):
        """Where the private directories of a host lie on the machine."""
        return self.directory / "hosts" / host

    def first_process(self, host):
        each = self.state["hosts"].get(host)
        if each is None:
            raise RackError(f"there is no host {host} in rack {self.name}: it has h01 to "
                            f"{max(self.addresses)} and {CONTROL}")
        if _network_of(each["pid"]) not in self.network.identities():
            raise RackError(f"host {host} does not run any more: `rack down`, then `rack up`")
        return each["pid"]

    @property
    def ssh_config(self):
        if not self.state["sshd"]:
            raise RackError(f"rack {self.name} is without sshd: `rack up ... --sshd`")
        return self.directory / "ssh" / "config"

    def set_rate(self, host, rate):
        self.first_process(host)
        self.network.shape([host], shaper(rate, self.state["queue_ms"]))

    def execute(self, host, command):
        return hosts.execute(self.first_process(host), command, is_control=host == CONTROL)

    def end_commands(self):
        """Ends everything on the hosts but their first processes, and so also a daemon of sshd."""
        firsts = {each["pid"] for each in self.state["hosts"].values()}
        self._end(lambda pid, identities: pid not in firsts and _network_of(pid) in identities)

    # --- Up ---

    def up(self, count, rate, queue_ms, has_sshd):
        need_root()
        if not 1 <= count <= HOST_COUNT_MAX:
            raise RackError(f"a rack has 1 to {HOST_COUNT_MAX} hosts, not {count}")
        self._claim()
        try:
            self._make(count, rate, queue_ms, has_sshd)
        except BaseException:
            self.down()
            raise

    def _claim(self):
        """The directory is the claim; it names its maker, so that a maker's death is noticed."""
        try:
            self.directory.mkdir(mode=0o755)
        except FileExistsError:
            if (self.directory / "state.json").exists() or self._maker_lives():
                raise RackError(f"rack {self.name} is there already: `rack down` ends it, "
                                "--name NAME makes another") from None
            self.down()
            self.directory.mkdir(mode=0o755)
        (self.directory / "maker").write_text(str(os.getpid()), encoding="ascii")

    def _maker_lives(self):
        try:
            os.kill(int((self.directory / "maker").read_text(encoding="ascii")), 0)
        except (OSError, ValueError):
            return False
        return True

    def _make(self, count, rate, queue_ms, has_sshd):
        width = max(2, len(str(count)))
        numbers = {f"h{each:0{width}}": each for each in range(1, count + 1)}
        numbers[CONTROL] = CONTROL_NUMBER
        self.network.create(numbers, rate, queue_ms)
        addresses = {host: self.network.address(number) for host, number in numbers.items()}
        for host in numbers:
            hosts.make_directories(self.files_of(host), host == CONTROL)
        if has_sshd:
            remote = {host: address for host, address in addresses.items() if host != CONTROL}
            secure_shell.prepare(self.directory, remote, self.files_of)
        files = self._replaced_files(addresses)
        state = {"name": self.name, "subnet": self.network.subnet, "rate": rate, "queue_ms": queue_ms,
                 "sshd": has_sshd, "hosts": {}}
        for host, address in addresses.items():
            state["hosts"][host] = {
                "address": address,
                "pid": self._start(host, files, has_sshd),
            }
        if has_sshd:
            for host, address in remote.items():
                secure_shell.await_daemon(host, address)
        draft = self.directory / "state.json.new"
        draft.write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8")
        draft.rename(self.directory / "state.json")

    def _start(self, host, files, has_sshd):
        is_control = host == CONTROL
        replaced = dict(files)
        if is_control and has_sshd:
            replaced["/etc/ssh/ssh_config"] = self.directory / "ssh" / "config"
        return hosts.start(
            host, self.files_of(host), self.network.namespace(host), replaced,
            secure_shell.DAEMON_COMMAND if has_sshd and not is_control else None, is_control=is_control)

    def _replaced_files(self, addresses):
        """Every host knows the others by name, and has a root that may log in by key and has a plain shell."""
        etc = self.directory / "etc"
        etc.mkdir(mode=0o755)
        lines = ["127.0.0.1 localhost\n", "::1 localhost\n"]
        lines += [f"{address} {host}\n" for host, address in addresses.items()]
        (etc / "hosts").write_text("".join(lines), encoding="ascii")
        others = [line for line in pathlib.Path("/etc/passwd").read_text(encoding="utf-8").splitlines(True)
                  if not line.startswith("root:")]
        (etc / "passwd").write_text(
            "".join(["root:x:0:0:root:/root:/bin/bash\n", *others]), encoding="utf-8")
        (etc / "shadow").write_text("root:*:19000:0:99999:7:::\n", encoding="ascii")
        (etc / "shadow").chmod(0o600)
        return {f"/etc/{name}": etc / name for name in ("hosts", "passwd", "shadow")}

    # --- Down ---

    def down(self):
        """Ends and removes whatever there is of this rack; says whether there was anything."""
        need_root()
        was_there = self.directory.exists() or bool(self.network.namespaces())
        if self.directory.is_symlink() or was_there and not self._is_ours():
            raise RackError(f"{self.directory} is of somebody else: left as it is")
        self._end_maker()
        self._end_processes()
        self.network.delete()
        for directory in (self.directory / "hosts").glob("*"):
            hosts.release_directories(directory)
        if self.directory.exists():
            shutil.rmtree(self.directory)
        return was_there

    def _is_ours(self):
        return not self.directory.exists() or self.directory.stat().st_uid == 0

    def _end_maker(self):
        """An `up` that goes on would make again what is taken down here."""
        try:
            maker = int((self.directory / "maker").read_text(encoding="ascii"))
            command = pathlib.Path(f"/proc/{maker}/cmdline").read_bytes()
        except (OSError, ValueError):
            return
        if maker != os.getpid() and b"rack" in command and not (self.directory / "state.json").exists():
            os.kill(maker, signal.SIGKILL)

    def _end_processes(self):
        """Everything whose network is one of ours. First processes take all of their host with them."""
        self._end(lambda pid, identities: _network_of(pid) in identities)

    def _end(self, is_meant):
        deadline = time.monotonic() + END_SECONDS_MAX
        while True:
            identities = self.network.identities()
            left = [pid for pid in _processes() if is_meant(pid, identities)]
            if not left or not identities:
                return
            if time.monotonic() > deadline:
                raise RackError(f"processes do not end: {' '.join(map(str, left))}")
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.02)


def _processes():
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]


def _network_of(pid):
    try:
        status = os.stat(f"/proc/{pid}/ns/net")
    except OSError:  # ended, or without namespaces any more
        return None
    return status.st_dev, status.st_ino

