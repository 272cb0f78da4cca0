"""One release to all hosts of a rack: who serves it, who fetches it, when the last one has it, and what that took.

The rack has two hosts more than fetch: the last but one is the seeder, the last the tracker, which is ours for every
client, so that all of them learn of one another in the same way."""

import contextlib
import dataclasses
import filecmp
import hashlib
import json
import math
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import time
import urllib.request

from . import clients
from .network import RackError, run
from .together import Together

TRACKER_PORT = 8998
PAYLOAD_SHARE = 1448 / 1514  # of a full frame on an Ethernet link, with TCP's time stamps
READY_SECONDS_MAX = 60
WRITE_SECONDS_MAX = 3
SETTLE_SECONDS = 0.3  # so that buckets are full and nobody is at work
GOODPUT_BYTES = 24 * 1024 * 1024
GOODPUT_SKIPPED_BYTES = 4 * 1024 * 1024  # slow start and full buckets
ROUND_TRIPS = 50


@dataclasses.dataclass
class Release:
    content: pathlib.Path
    torrent: pathlib.Path
    size_bytes: int
    piece_bytes: int
    piece_count: int


@dataclasses.dataclass
class Link:
    goodput: float  # bytes a second of one TCP stream
    round_trip_s: float


@dataclasses.dataclass
class Outcome:
    done: dict  # host -> seconds from the start
    trouble: dict  # host -> why it has no release
    cpu_seconds: float  # of the whole machine
    cpu_share: float  # of all its cores, until the last host was done
    steal_seconds: float
    seeder_copies: float
    dropped_packets: int

    @property
    def last(self):
        return max(self.done.values()) if self.done and not self.trouble else math.nan

    @property
    def median(self):
        return statistics.median(self.done.values()) if self.done and not self.trouble else math.nan


def floor_seconds(release, host_count, goodput):
    """Of any way to spread it: Bar-Noy and Kipnis 1994."""
    rounds = release.piece_count - 1 + math.ceil(math.log2(host_count + 1))
    return rounds * min(release.piece_bytes, release.size_bytes) / goodput


def make_release(program, directory, size_bytes, tracker_address, piece_size=None):
    """A file that does not compress, and its torrent. The same bytes every time."""
    content = pathlib.Path(directory) / f"content-{size_bytes}"
    if not content.exists():
        block = os.urandom(1024 * 1024)
        with open(content, "wb") as file:
            for number in range(-(-size_bytes // len(block))):
                file.write(number.to_bytes(8, "big") + block[8:])
            file.truncate(size_bytes)
    made = subprocess.run(
        [program, "create", content, "--tag", f"release-{size_bytes}", "--tracker", f"{tracker_address}:{TRACKER_PORT}",
         "--temp-path", directory, "--force", "--json", *(["--piece-size", piece_size] if piece_size else [])],
        capture_output=True, text=True, timeout=120, check=False)
    if made.returncode != 0:
        raise RackError(f"murder create: {made.stderr.strip()}")
    told = json.loads(made.stdout)
    return Release(pathlib.Path(told["archive"]), pathlib.Path(told["torrent"]), told["archive_bytes"],
                   told["piece_bytes"], told["pieces"])


class SwarmRack:
    """A rack that is up, with the roles of its hosts."""

    def __init__(self, rack):
        self.rack = rack
        *self.peers, self.seeder, self.tracker = list(rack.addresses)

    @property
    def addresses(self):
        return self.rack.addresses

    @property
    def tracker_address(self):
        return self.addresses[self.tracker]

    # --- The link ---

    def measure_link(self):
        """One TCP stream from one host to another, and a byte to and fro."""
        sender, receiver = self.peers[:2]
        address = (self.addresses[receiver], 7000)
        together = Together(self.rack)
        try:
            together.add(receiver, lambda: _receive(address))
            together.add(sender, lambda: _send(address))
            together.start()
            left = together.wait(lambda program: False, READY_SECONDS_MAX)
            if left:
                raise RackError(f"the link was not measured: {left[0].last_words()}")
            told = json.loads(together.programs[0].lines[-1][1])
        except (IndexError, ValueError):
            raise RackError(f"the link was not measured: {together.programs[0].last_words()}") from None
        finally:
            together.end()
        return Link(**told)

    def _sent_by_seeder(self):
        """Bytes of payload that left its link, whatever client served them."""
        shown = run("tc", "-s", "-j", "-n", self.rack.network.namespace(self.seeder), "qdisc", "show", "dev", "eth0")
        return json.loads(shown.stdout)[0]["bytes"] * PAYLOAD_SHARE

    def _dropped(self):
        """Packets for which the link to a host had no room."""
        shown = run("tc", "-s", "-j", "-n", self.rack.network.switch, "qdisc", "show")
        return sum(each.get("drops", 0) for each in json.loads(shown.stdout) if each["kind"] == "tbf")

    # --- A run ---

    def distribute(self, release, seeder_kind, kinds, tracker, seconds_max):
        """`kinds`: what fetches, for each of the peers, in order. A host that does not get it in time is in `trouble`."""
        self.rack.end_commands()
        for host, kind in zip((*self.peers, self.seeder), (*kinds, seeder_kind), strict=True):
            self._lay_out(host, release, kind)
        together = Together(self.rack)
        standing = Together(self.rack)
        try:
            self._serve(standing, release, seeder_kind, tracker)
            by_host = dict(zip(self.peers, kinds, strict=True))
            for host, kind in by_host.items():
                together.add(host, kind.peer(self.addresses[host]), kind.has_own_gate)
            time.sleep(SETTLE_SECONDS)
            return self._watch(together, release, by_host, seconds_max)
        finally:
            together.end()
            standing.end()
            self.rack.end_commands()
            for host in (*self.peers, self.seeder):
                shutil.rmtree(self._directory(host), ignore_errors=True)

    def _directory(self, host):
        return self.rack.files_of(host) / clients.DIRECTORY[1:]

    def _lay_out(self, host, release, kind):
        directory = self._directory(host)
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        shutil.copyfile(release.torrent, self.rack.files_of(host) / clients.TORRENT[1:])
        if getattr(kind, "fleet_key", None):
            shutil.copy(kind.fleet_key, self.rack.files_of(host) / clients.FLEET_KEY[1:])  # with its mode
        if host == self.seeder:
            shutil.copyfile(release.content, directory / release.content.name)

    def _serve(self, standing, release, kind, tracker):
        standing.add(self.tracker, tracker.tracker(TRACKER_PORT))
        standing.add(self.seeder, kind.seeder(self.addresses[self.seeder]), kind.has_own_gate)
        standing.start()
        info_hash = _info_hash(release.torrent)
        deadline = time.monotonic() + READY_SECONDS_MAX
        while not self._has_seeder(info_hash):
            standing.wait(lambda program: False, 0.02)
            ended = [each for each in standing.programs if each.has_ended]
            if ended or time.monotonic() > deadline:
                words = " ".join(f"{each.host}: {each.last_words()}" for each in ended or standing.programs)
                raise RackError(f"tracker and seeder ({kind.name}) did not get ready: {words}")

    def _has_seeder(self, info_hash):
        url = f"http://{self.tracker_address}:{TRACKER_PORT}/scrape?info_hash={info_hash}"
        try:
            with urllib.request.urlopen(url, timeout=5) as reply:
                return re.search(rb"8:completei[1-9]", reply.read()) is not None
        except OSError:
            return False

    def _watch(self, together, release, kinds, seconds_max):
        sent, dropped, cpu = self._sent_by_seeder(), self._dropped(), _cpu_seconds()
        start = together.start()
        done = {}

        def is_done(program):
            if program.host not in done:
                for moment, line in program.lines:
                    if kinds[program.host].is_done(line):
                        done[program.host] = moment - start
                        break
            return program.host in done

        with _attentive():
            together.wait(is_done, seconds_max)
        spent = [after - before for before, after in zip(cpu, _cpu_seconds(), strict=True)]
        for program in together.programs:
            is_done(program)  # those that ended as well
        sent = self._sent_by_seeder() - sent
        dropped = self._dropped() - dropped
        trouble = self._trouble(together, release, done)
        busy, idle, steal = spent
        return Outcome(done, trouble, busy, busy / max(1e-9, busy + idle), steal, sent / release.size_bytes, dropped)

    def _trouble(self, together, release, done):
        """Who is not done, and whoever only says so."""
        trouble = {}
        for program in together.programs:
            if program.host not in done:
                how = f"ended with {program.exit_status}" if program.has_ended else "still at it"
                trouble[program.host] = f"{how}: {program.last_words()}"
        for host in done:
            if not self._has(host, release):
                trouble[host] = "what it has is not the release"
        return trouble

    def _has(self, host, release):
        """Some clients say so while their last writes are under way."""
        there = self._directory(host) / release.content.name
        deadline = time.monotonic() + WRITE_SECONDS_MAX
        while not there.exists() or not filecmp.cmp(there, release.content, shallow=False):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
            filecmp.clear_cache()
        return True


@contextlib.contextmanager
def _attentive():
    """Who reads the lines gets a core at once, or hosts that keep all cores busy would seem later than they are."""
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:  # some containers
        pass
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameters)


def _info_hash(torrent):
    """As a tracker is asked for it."""
    content = torrent.read_bytes()
    start = content.index(b"4:info") + 6
    info = content[start:_end_of_value(content, start)]
    return "".join(f"%{byte:02x}" for byte in hashlib.sha1(info).digest())


def _end_of_value(content, at):
    """Where the bencoded value that begins at `at` ends."""
    kind = content[at:at + 1]
    if kind == b"i":
        return content.index(b"e", at) + 1
    if kind in (b"d", b"l"):
        at += 1
        while content[at:at + 1] != b"e":
            at = _end_of_value(content, at)
        return at + 1
    colon = content.index(b":", at)
    return colon + 1 + int(content[at:colon])


def _cpu_seconds():
    """Busy, idle, steal, of all cores."""
    fields = pathlib.Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]
    user, nice, system, idle, waiting, interrupts, soft_interrupts, steal = (
        int(field) / os.sysconf("SC_CLK_TCK") for field in fields)
    return user + nice + system + interrupts + soft_interrupts, idle + waiting, steal


# --- The two ends of a measurement of the link; each in a process of its own ---


def _receive(address):
    with socket.create_server(address) as listener:
        listener.settimeout(READY_SECONDS_MAX)
        connection = listener.accept()[0]
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for _ in range(ROUND_TRIPS):
        connection.sendall(connection.recv(1))
    received = 0
    marked_at, marked_bytes, buffer = None, 0, bytearray(1 << 20)
    while received < GOODPUT_BYTES:
        count = connection.recv_into(buffer)
        if not count:
            break
        received += count
        moment = time.monotonic()
        if marked_at is None and received >= GOODPUT_SKIPPED_BYTES:
            marked_at, marked_bytes = moment, received
    connection.sendall(f"{(received - marked_bytes) / (moment - marked_at)}\n".encode())
    print(connection.makefile().readline().strip(), flush=True)


def _send(address):
    deadline = time.monotonic() + READY_SECONDS_MAX
    while True:
        try:
            connection = socket.create_connection(address, timeout=READY_SECONDS_MAX)
            break
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    took = []
    for _ in range(ROUND_TRIPS):
        before = time.monotonic()
        connection.sendall(b".")
        connection.recv(1)
        took.append(time.monotonic() - before)
    block = bytes(1 << 18)
    for _ in range(GOODPUT_BYTES // len(block)):
        connection.sendall(block)
    goodput = float(connection.makefile().readline())
    told = json.dumps({"goodput": goodput, "round_trip_s": statistics.median(took)})
    connection.sendall(f"{told}\n".encode())
