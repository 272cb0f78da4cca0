"""Standard input, output and error in any state: no output ends a run, holds it up or changes its exit status."""

import contextlib
import fcntl
import os
import signal
import subprocess
import time

from harness import PROGRAM, MurderCase, free_address, is_alive, wait_until

STATES = ("closed", "full disk", "reader gone", "terminal gone", "pipe that nobody reads")


def ignore_hangup():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


class Output(MurderCase):
    def descriptor(self, state):
        """An open file for a child to write to; None: its descriptor is to be closed."""
        if state == "closed":
            return None
        if state == "full disk":
            fd = os.open("/dev/full", os.O_WRONLY)
        elif state == "terminal gone":
            master, fd = os.openpty()
            os.close(master)
        else:
            reading, fd = os.pipe()
            if state == "reader gone":
                os.close(reading)
            else:
                self.addCleanup(os.close, reading)
                os.set_blocking(fd, False)
                with contextlib.suppress(BlockingIOError):
                    while True:
                        os.write(fd, b"x" * 4096)
                os.set_blocking(fd, True)
        self.addCleanup(os.close, fd)
        return fd

    def popen(self, *arguments, output=subprocess.DEVNULL, error=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
              before=None):
        def start():
            for number, each in ((0, stdin), (1, output), (2, error)):
                if each is None:
                    os.close(number)
            if before:
                before()

        process = subprocess.Popen([PROGRAM, *map(str, arguments)], stdin=stdin, stdout=output, stderr=error,
                                   env=dict(self.environment, TERM="xterm"), preexec_fn=start)
        self.addCleanup(lambda: (process.poll() is None and process.kill(), process.wait()))
        return process

    def test_a_release_is_made_and_fetched_whatever_stands_behind_the_descriptors(self):
        source = self.make_tree()
        tracker = self.start_tracker()
        self.seed(self.create(source, "v1", tracker=tracker))
        torrent = self.temp_path / "v1.tar.zst.torrent"
        for number, state in enumerate(STATES):
            with self.subTest(state=state):
                broken = self.descriptor(state)
                # A result of `create` waits for its reader, as that of any command.
                output = subprocess.DEVNULL if state == "pipe that nobody reads" else broken
                made = self.path(f"made{number}")
                process = self.popen("create", source, "--tag", "v1", "--tracker", tracker, "--temp-path", made,
                                     output=output, error=broken, stdin=None)
                self.assertEqual(process.wait(60), 0)
                self.assertEqual((made / "v1.tar.zst").read_bytes(), (self.temp_path / "v1.tar.zst").read_bytes())
                for seed_for in ("0", "100ms"):
                    name = f"host{number}-{seed_for}"
                    process = self.popen(*self.peer_arguments(torrent, "--seed-for", seed_for, name=name),
                                         output=broken, error=broken, stdin=None)
                    self.assertEqual(process.wait(60), 0)
                    self.assert_same_tree(source, self.path(name, "to", "v1"))

    def test_a_process_in_the_foreground_serves_whatever_stands_behind_the_descriptors(self):
        source = self.make_tree()
        for state in STATES:
            with self.subTest(state=state):
                broken = self.descriptor(state)
                endpoint = f"{free_address()}:8998"
                tracker = self.popen("tracker", "--listen", endpoint, output=broken, error=broken, stdin=None)
                wait_until(lambda: self.process_of_kind("tracker"), "the tracker")
                torrent = self.create(source, "v1", tracker=endpoint)
                seeder = self.popen("seed", torrent, "--ip", free_address(), output=broken, error=broken, stdin=None)
                wait_until(lambda: self.process_of_kind("seeder"), "the seeder")
                self.peer(torrent, "--give-up-after", "30s", name=f"host {state}")
                self.assertEqual((seeder.poll(), tracker.poll()), (None, None))
                self.murder("stop", "v1", "--seeding")
                self.murder("stop", "--tracker")
                self.assertEqual((seeder.wait(30), tracker.wait(30)), (0, 0))
                (self.temp_path / "v1.tar.zst").unlink()
                torrent.unlink()

    def test_a_result_waits_for_a_reader_that_takes_its_time(self):
        torrent = self.create(self.make_tree(), "v1")
        expected = self.murder("info", torrent, "--json").stdout.encode()
        reading, writing = os.pipe()
        room = fcntl.fcntl(writing, fcntl.F_GETPIPE_SZ)
        os.write(writing, b"x" * room)
        process = self.popen("info", torrent, "--json", output=writing)
        os.close(writing)
        time.sleep(0.5)
        with os.fdopen(reading, "rb") as reader:
            self.assertEqual(reader.read()[room:], expected)
        self.assertEqual(process.wait(30), 0)

    def test_a_terminal_that_goes_away_under_a_progress_bar_ends_nothing(self):
        source = self.make_tree()
        endpoint = self.start_tracker()
        torrent = self.create(source, "v1", tracker=endpoint)
        master, terminal = os.openpty()
        process = self.popen(*self.peer_arguments(torrent), output=terminal, error=terminal, stdin=terminal)
        os.close(terminal)
        shown = b""
        while b"downloading" not in shown:
            shown += os.read(master, 1000)
        os.close(master)
        self.seed(torrent)
        self.assertEqual(process.wait(60), 0)
        self.assert_same_tree(source, self.path("host", "to", "v1"))

    def test_help_is_no_failure_where_nobody_sees_it(self):
        for state in STATES[:4]:
            with self.subTest(state=state):
                self.assertEqual(self.popen("--help", output=self.descriptor(state)).wait(30), 0)


class Hangup(MurderCase):
    def test_who_ignores_a_hangup_at_the_start_goes_on_ignoring_it(self):
        endpoint = f"{free_address()}:8998"
        tracker = self.start("tracker", "--listen", endpoint, preexec_fn=ignore_hangup)
        wait_until(lambda: self.process_of_kind("tracker"), "the tracker")
        source = self.make_tree()
        torrent = self.create(source, "v1", tracker=endpoint)
        peer = self.start(*self.peer_arguments(torrent), preexec_fn=ignore_hangup)
        wait_until(lambda: self.process_of_kind("peer"), "the peer")
        seeder = self.start("seed", self.create(self.make_file("other", 100), "v2", tracker=endpoint),
                            "--ip", free_address(), preexec_fn=ignore_hangup)
        wait_until(lambda: self.process_of_kind("seeder"), "the seeder")
        for each in (tracker, peer, seeder):
            each.signal(signal.SIGHUP)
        self.seed(torrent)
        self.assertEqual(peer.wait(), 0, peer.error)
        self.assert_same_tree(source, self.path("host", "to", "v1"))
        for each in (tracker, seeder):
            self.assertTrue(is_alive(each.pid))
            each.signal(signal.SIGTERM)
            self.assertEqual(each.wait(), 0, each.error)

    def test_a_hangup_stops_what_does_not_ignore_it(self):
        tracker = self.start("tracker", "--listen", f"{free_address()}:8998")
        wait_until(lambda: self.process_of_kind("tracker"), "the tracker")
        tracker.signal(signal.SIGHUP)
        self.assertEqual(tracker.wait(), 0)
        self.assertEqual(list(self.run_directory.glob("*.sock")), [])
