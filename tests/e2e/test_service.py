"""Tracker and seeder as services: configuration, reload, what the service manager and the journal are told."""

import contextlib
import ctypes
import http.client
import os
import pathlib
import shutil
import signal
import socket
import struct
import time
import unittest
import urllib.request

from harness import PROGRAM, MurderCase, Running, free_address, free_port, wait_until

STARTED_ID = "75dde26aa0804e05b7f53615ac666585"


class Manager:
    """The service manager's end of the notify socket, by a path or an abstract name (@NAME)."""

    def __init__(self, case, name):
        self.name = name
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.socket.bind("\0" + name[1:] if name.startswith("@") else name)
        case.addCleanup(self.socket.close)
        self.messages = []

    def read(self):
        while True:
            try:
                self.messages.append(self.socket.recv(65536).decode())
            except BlockingIOError:
                return self.messages

    def wait_for(self, line, count=1):
        wait_until(lambda: sum(line in each.split("\n") for each in self.read()) >= count,
                   f"{line} {count} times; there was {self.messages}")

    def states(self):
        """Changes of state in their order."""
        lines = [line for each in self.read() for line in each.split("\n")]
        return [each for each in lines if each in ("READY=1", "RELOADING=1", "STOPPING=1")]


WALL = 0x40000000  # __WALL: also for threads of another
PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207


@contextlib.contextmanager
def held_threads(pid):
    """Stops every thread of a process but the first, and those of the kernel that work for its rings."""
    tasks = pathlib.Path(f"/proc/{pid}/task")
    threads = [int(each.name) for each in tasks.iterdir()
               if int(each.name) != pid and not (each / "comm").read_text().startswith("iou-")]
    if not threads:
        raise AssertionError("there is no other thread")
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    ptrace.restype = ctypes.c_long
    for thread in threads:
        for request in (PTRACE_SEIZE, PTRACE_INTERRUPT):
            if ptrace(request, thread, None, None) != 0:
                raise OSError(ctypes.get_errno(), f"ptrace of thread {thread}")
        os.waitpid(thread, WALL)
    try:
        yield
    finally:
        for thread in threads:
            ptrace(PTRACE_DETACH, thread, None, None)


def is_quiet(manager, line, seconds):
    """Whether it is not told for so long."""
    count = manager.read().count(line)
    time.sleep(seconds)
    return manager.read().count(line) == count


def entry_of(datagram):
    """The fields of a journal entry in its native form."""
    fields = {}
    while datagram:
        line, datagram = datagram.split(b"\n", 1)
        name, equals, value = line.partition(b"=")
        if not equals:
            size = struct.unpack("<Q", datagram[:8])[0]
            value, datagram = datagram[8:8 + size], datagram[8 + size + 1:]
        fields[name.decode()] = value.decode()
    return fields


class ServiceCase(MurderCase):
    def setUp(self):
        super().setUp()
        self.address = free_address()
        self.port = free_port(self.address)
        self.endpoint = f"{self.address}:{self.port}"

    def config(self, text):
        path = self.path("tracker.toml")
        path.write_text(text)
        return path

    def manager(self, name=None):
        manager = Manager(self, name or str(self.path("notify")))
        self.environment["NOTIFY_SOCKET"] = manager.name
        return manager

    def listens_on(self):
        return self.process_of_kind("tracker")["address"]


class Configuration(ServiceCase):
    def test_the_file_says_where_to_listen(self):
        self.murder("tracker", "--config", self.config(f'listen = ["{self.address}"]\nport = {self.port}\n'), "--background")
        self.assertEqual(self.listens_on(), self.endpoint)

    def test_the_command_line_comes_first(self):
        other = free_address()
        config = self.config(f'listen = "{other}:{free_port(other)}"\n')
        self.murder("tracker", "--config", config, "--listen", self.endpoint, "--background")
        self.assertEqual(self.listens_on(), self.endpoint)

    def test_mistakes_name_their_line(self):
        for text, line, says in ((f'listen = "{self.endpoint}"\nprot = 1\n', 2, "did you mean 'port'"),
                                 ("\n\nport = 99999\n", 3, "from 0 to 65535"), ("port = \n", 1, ""),
                                 ('[racks]\n"10.0.0.1/8" = "r1"\n', 2, "bits beyond its prefix")):
            with self.subTest(text=text):
                path = self.config(text)
                error = self.murder("tracker", "--config", path, code=1).stderr
                self.assertIn(f"{path}:{line}: ", error)
                self.assertIn(says, error)

    def test_a_missing_file_and_an_address_that_is_none(self):
        self.assertIn("nowhere", self.murder("tracker", "--config", self.path("nowhere"), code=1).stderr)
        path = self.config('listen = "tracker01"\n')
        self.assertIn(f"{path}: listen tracker01", self.murder("tracker", "--config", path, code=1).stderr)

    def test_the_configuration_that_is_installed_is_right(self):
        installed = pathlib.Path(__file__).resolve().parents[2] / "packaging" / "tracker.toml"
        self.murder("tracker", "--config", installed, "--listen", self.endpoint, "--background")
        # What it shows as defaults can be used as it is.
        shown = "\n".join(line[1:] for line in installed.read_text().splitlines() if line.startswith("#") and line[1:2] not in " ")
        self.assertIn("[limits]", shown)
        for line in ('racks = "/etc/murder/racks"\n', 'tls_cert = "/etc/murder/tracker.pem"\n', 'tls_key = "/etc/murder/tracker.key"\n'):
            self.assertIn(line, shown)
            shown = shown.replace(line, "")
        path = self.config(shown.replace("/var/lib/murder-tracker", str(self.path("state"))))
        other = free_address()
        self.murder("tracker", "--config", path, "--listen", f"{other}:{free_port(other)}", "--background")


class Reload(ServiceCase):
    def test_racks_are_read_again(self):
        manager = self.manager()
        config = self.config(f'listen = "{self.endpoint}"\n[racks]\n"127.0.0.0/8" = "r1"\n')
        tracker = self.start("tracker", "--config", config)
        manager.wait_for("READY=1")
        self.assertEqual(self.announced_rack(), b"r1")
        self.config(f'listen = "{self.endpoint}"\n[racks]\n"127.0.0.0/8" = "r2"\n')
        before_usec = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        tracker.signal(signal.SIGHUP)
        manager.wait_for("READY=1", 2)
        self.assertEqual(manager.states(), ["READY=1", "RELOADING=1", "READY=1"])
        reload = next(each for each in manager.messages if "RELOADING=1" in each)
        usec = int(reload.split("MONOTONIC_USEC=")[1].split("\n")[0])
        self.assertTrue(before_usec <= usec <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000)
        self.assertEqual(self.announced_rack(), b"r2")

    def announced_rack(self):
        """What the tracker tells a peer of ours about where it stands."""
        query = ("info_hash=" + "a" * 20 + "&peer_id=-MU0001-123456789012&port=6881&uploaded=0&downloaded=0&left=5&compact=1"
                 "&neighbours=0")
        with urllib.request.urlopen(f"http://{self.endpoint}/announce?{query}", timeout=10) as reply:
            body = reply.read()
        return body.split(b"4:rack2:")[1][:2] if b"4:rack2:" in body else body

    def test_a_broken_file_leaves_what_was(self):
        manager = self.manager()
        config = self.config(f'listen = "{self.endpoint}"\n[racks]\n"127.0.0.0/8" = "r1"\n')
        tracker = self.start("tracker", "--config", config)
        manager.wait_for("READY=1")
        self.config(f'listen = "{self.endpoint}"\nracks = 7\n')
        tracker.signal(signal.SIGHUP)
        manager.wait_for("READY=1", 2)
        wait_until(lambda: f"{config}:2: " in tracker.error, f"the reason is told: {tracker.error}")
        self.assertIn("the one before stays", tracker.error)
        self.assertEqual(self.announced_rack(), b"r1")
        config.unlink()
        tracker.signal(signal.SIGHUP)
        manager.wait_for("READY=1", 3)
        self.assertEqual(self.announced_rack(), b"r1")

    def test_what_needs_a_restart_is_told(self):
        manager = self.manager()
        tracker = self.start("tracker", "--config", self.config(f'listen = "{self.endpoint}"\n'))
        manager.wait_for("READY=1")
        other = free_address()
        self.config(f'listen = "{other}:{free_port(other)}"\n')
        tracker.signal(signal.SIGHUP)
        wait_until(lambda: "a change of listen needs a restart" in tracker.error, "it is told")
        self.assertEqual(self.listens_on(), self.endpoint)

    def test_without_a_configuration_the_end_of_the_terminal_is_the_end(self):
        tracker = self.start("tracker", "--listen", self.endpoint)
        wait_until(lambda: "listens on" in tracker.output, "it listens")
        tracker.signal(signal.SIGHUP)
        self.assertEqual(tracker.wait(), 0)


class ToldToTheManager(ServiceCase):
    def test_a_tracker_from_its_start_to_its_end(self):
        manager = self.manager(f"@murder-test-{os.getpid()}-{self.port}")
        tracker = self.start("tracker", "--listen", self.endpoint)
        manager.wait_for("READY=1")
        status = next(each for each in manager.messages if "READY=1" in each)
        self.assertIn(f"STATUS=listening on {self.endpoint}: 0 releases", status)
        tracker.signal(signal.SIGTERM)
        self.assertEqual(tracker.wait(), 0)
        self.assertEqual(manager.states(), ["READY=1", "STOPPING=1"])

    def test_a_seeder_is_ready_when_it_serves(self):
        source = self.make_file("data", 3_000_000)
        torrent = self.create(source, "v1", tracker=self.start_tracker())
        manager = self.manager()
        seeder = self.start("seed", torrent, "--ip", self.address)
        manager.wait_for("READY=1")
        self.assertTrue(any("STATUS=v1: seeding" in each for each in manager.messages), manager.messages)
        self.assertEqual(self.process_of_kind("seeder")["phase"], "seeding")
        seeder.signal(signal.SIGTERM)
        self.assertEqual(seeder.wait(), 0)
        self.assertEqual(manager.states(), ["READY=1", "STOPPING=1"])

    def test_a_seeder_that_cannot_serve_is_never_ready(self):
        source = self.make_file("data", 3_000_000)
        torrent = self.create(source, "v1", tracker=free_address() + ":1")
        archive = pathlib.Path(str(torrent).removesuffix(".torrent"))
        archive.write_bytes(archive.read_bytes()[:-1] + b"?")
        manager = self.manager()
        seeder = self.start("seed", torrent, "--ip", self.address)
        self.assertEqual(seeder.wait(), 1)
        self.assertNotIn("READY=1", manager.states())

    def test_the_watchdog_is_told_until_the_process_hangs(self):
        self.environment["WATCHDOG_USEC"] = "400000"
        manager = self.manager()
        tracker = self.start("tracker", "--listen", self.endpoint)
        manager.wait_for("WATCHDOG=1", 3)
        tracker.signal(signal.SIGSTOP)
        wait_until(lambda: "T (stopped)" in pathlib.Path(f"/proc/{tracker.pid}/status").read_text(), "it is stopped")
        count = manager.read().count("WATCHDOG=1")
        time.sleep(1)
        self.assertEqual(manager.read().count("WATCHDOG=1"), count)
        tracker.signal(signal.SIGCONT)
        manager.wait_for("WATCHDOG=1", count + 2)

    def test_the_watchdog_is_told_until_another_thread_hangs(self):
        self.environment["WATCHDOG_USEC"] = "2000000"
        torrent = self.create(self.make_file("data", 3_000_000), "v1", tracker=self.start_tracker())
        manager = self.manager()
        seeder = self.start("seed", torrent, "--ip", self.address, "--shards", "3")
        manager.wait_for("READY=1")
        manager.wait_for("WATCHDOG=1", 2)
        with held_threads(seeder.pid):
            # Longer than a crowded machine keeps a thread waiting.
            wait_until(lambda: is_quiet(manager, "WATCHDOG=1", 3), "the manager is told nothing", seconds=40)
            self.assertEqual(self.process_of_kind("seeder")["phase"], "seeding")  # the home thread still answers
        count = manager.read().count("WATCHDOG=1")
        manager.wait_for("WATCHDOG=1", count + 2)

    def test_a_watchdog_of_another_process_is_not_told(self):
        self.environment.update(WATCHDOG_USEC="200000", WATCHDOG_PID="1")
        manager = self.manager()
        self.start("tracker", "--listen", self.endpoint)
        manager.wait_for("READY=1")
        time.sleep(1)
        self.assertNotIn("WATCHDOG=1", manager.read())

    def test_a_manager_that_does_not_read_holds_nothing_up(self):
        self.environment["WATCHDOG_USEC"] = "2000"
        self.manager()  # whose queue is full after some datagrams
        self.start("tracker", "--listen", self.endpoint)
        wait_until(lambda: self.process_of_kind("tracker"), "it serves")
        time.sleep(1)
        self.assertEqual(self.process_of_kind("tracker")["phase"], "serving")

    def test_the_release_of_a_tag_is_served_from_a_directory(self):
        place = self.path("seed")
        place.mkdir()
        source = self.make_tree()
        torrent = self.create(source, "v1-rc+2", tracker=self.start_tracker())
        for each in self.temp_path.iterdir():
            shutil.copy(each, place)
        manager = self.manager()
        self.start("seed", "--from", place, "v1-rc\\x2b2", "--ip", self.address)
        manager.wait_for("READY=1")
        self.peer(torrent)
        self.assert_same_tree(source, self.path("host", "to", "v1-rc+2"))
        self.assertIn("v9.torrent", self.murder("seed", "--from", place, "v9", code=1).stderr)


@unittest.skipUnless(os.geteuid() == 0 and shutil.which("unshare"), "a journal of its own needs root and unshare")
class Journal(ServiceCase):
    """The journal's socket is at a fixed place: the process gets a namespace in which this test's is there."""

    def setUp(self):
        super().setUp()
        (self.path("journal")).mkdir()
        self.journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.journal.bind(str(self.path("journal", "socket")))
        self.addCleanup(self.journal.close)
        self.entries = []

    def start_with_journal(self, *arguments, stream="$(stat -L -c %d:%i /proc/self/fd/2)", same=False):
        """`same`: standard output goes where standard error does, as under systemd."""
        script = (f'mount -t tmpfs none /run && mkdir -p /run/systemd/journal && '
                  f'mount --bind {self.path("journal")} /run/systemd/journal && '
                  f'export JOURNAL_STREAM="{stream}" && exec "$0" "$@" {">&2" if same else ""}')
        running = Running(self, ["unshare", "--mount", "sh", "-c", script, PROGRAM, *map(str, arguments)], self.environment)
        self.started.append(running)
        return running

    def read(self):
        while True:
            try:
                self.entries.append(entry_of(self.journal.recv(65536)))
            except BlockingIOError:
                return self.entries

    def wait_for(self, event):
        return wait_until(lambda: next((each for each in self.read() if each.get("MURDER_EVENT") == event), None),
                          f"{event}; there was {self.entries}")

    def test_the_life_of_a_release(self):
        tracker = self.start_with_journal("tracker", "--listen", self.endpoint)
        started = self.wait_for("started")
        self.assertEqual(started["MESSAGE_ID"], STARTED_ID)
        self.assertEqual(started["SYSLOG_IDENTIFIER"], "murder")
        self.assertEqual(started["PRIORITY"], "5")
        self.assertIn(self.endpoint, started["MESSAGE"])
        torrent = self.create(self.make_tree(), "v1", tracker=self.endpoint)
        self.seed(torrent)
        announced = self.wait_for("release_announced")
        self.assertEqual(announced["MURDER_TAG"], "v1")
        self.assertEqual(len(announced["MURDER_INFO_HASH"]), 40)
        self.peer(torrent, "--label", "w07")
        done = self.wait_for("host_done")
        self.assertEqual((done["MURDER_TAG"], done["MURDER_HOST"]), ("v1", "w07"))
        complete = self.wait_for("release_complete")
        self.assertIn("1 host has it", complete["MESSAGE"])
        self.assertNotIn("MURDER_HOST", complete)
        tracker.signal(signal.SIGTERM)
        self.wait_for("stopping")
        self.assertEqual(len({each["MESSAGE_ID"] for each in self.entries}), len({each["MURDER_EVENT"] for each in self.entries}))

    def test_what_operators_of_a_coordinator_do(self):
        self.start_with_journal("tracker", "--listen", self.endpoint, "--state", "memory:")
        self.wait_for("started")
        torrent = self.create(self.make_tree(), "v1", tracker=self.endpoint).read_bytes()

        def order(method, target, body):
            connection = http.client.HTTPConnection(*self.endpoint.split(":"), timeout=30)
            connection.request(method, target, body)
            reply = connection.getresponse()
            self.assertEqual(reply.status, 200, reply.read())
            connection.close()

        order("PUT", "/control/release?app=shop&tag=v1&by=ann", torrent)
        published = self.wait_for("release_published")
        self.assertEqual((published["MURDER_APP"], published["MURDER_TAG"], published["MURDER_BY"]),
                         ("shop", "v1", "local: ann"))
        self.assertEqual(len(published["MURDER_INFO_HASH"]), 40)
        order("POST", "/control/release/revoke?app=shop&tag=v1", b'{"by": "bob", "why": "it leaks"}')
        revoked = self.wait_for("release_revoked")
        self.assertEqual((revoked["MURDER_APP"], revoked["MURDER_TAG"], revoked["PRIORITY"]), ("shop", "v1", "4"))
        self.assertIn("bob: it leaks", revoked["MESSAGE"])

    def test_a_reload_and_one_that_is_refused(self):
        config = self.config(f'listen = "{self.endpoint}"\n')
        tracker = self.start_with_journal("tracker", "--config", config)
        self.wait_for("started")
        tracker.signal(signal.SIGHUP)
        self.wait_for("reloaded")
        config.write_text("nonsense = 1\n")
        tracker.signal(signal.SIGHUP)
        refused = self.wait_for("reload_refused")
        self.assertIn(f"{config}:1: ", refused["MESSAGE"])
        self.assertEqual(refused["PRIORITY"], "4")

    def test_what_is_an_entry_is_not_a_line_of_standard_output_as_well(self):
        torrent = self.create(self.make_file("data", 100_000), "v1", tracker=self.start_tracker())
        for words in (["tracker", "--listen", self.endpoint], ["seed", torrent, "--ip", self.address]):
            with self.subTest(command=words[0]):
                self.entries = []
                both = self.start_with_journal(*words, same=True)
                self.wait_for("started")
                both.signal(signal.SIGTERM)
                self.assertEqual(both.wait(10), 0, both.error)
                self.assertEqual((both.output, both.error), ("", ""))
                # Standard output that goes elsewhere is told.
                self.entries = []
                apart = self.start_with_journal(*words)
                self.wait_for("started")
                wait_until(lambda: " on " in apart.output, "it tells where it is")
                apart.signal(signal.SIGTERM)
                self.assertEqual(apart.wait(10), 0, apart.error)

    def test_a_seeder_names_its_release(self):
        torrent = self.create(self.make_file("data", 100_000), "v1", tracker=self.start_tracker())
        self.start_with_journal("seed", torrent, "--ip", self.address, "--label", "w01")
        started = self.wait_for("started")
        self.assertEqual((started["MURDER_TAG"], started["MURDER_HOST"]), ("v1", "w01"))

    def test_standard_error_elsewhere_is_not_the_journal(self):
        self.start_with_journal("tracker", "--listen", self.endpoint, stream="1:2")
        wait_until(lambda: self.process_of_kind("tracker"), "it serves")
        self.assertEqual(self.read(), [])

    def test_a_journal_that_does_not_read_holds_nothing_up(self):
        config = self.config(f'listen = "{self.endpoint}"\n')
        self.environment["NOTIFY_SOCKET"] = str(self.path("notify"))
        manager = Manager(self, str(self.path("notify")))
        tracker = self.start_with_journal("tracker", "--config", config)
        manager.wait_for("READY=1")
        for count in range(2, 600):
            tracker.signal(signal.SIGHUP)
            manager.wait_for("READY=1", count)
        self.assertEqual(self.process_of_kind("tracker")["phase"], "serving")


if __name__ == "__main__":
    unittest.main()
