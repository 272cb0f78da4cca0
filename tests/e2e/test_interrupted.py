"""What a kill leaves: nothing half delivered, and what was verified is not fetched again."""

import os
import random
import shutil
import signal
import threading
import time
import unittest

from harness import MurderCase, is_alive, wait_until
from scripted import ScriptedPeer, ScriptedTracker
from torrents import Torrent

CONTENT = random.Random(1).randbytes(8 * 1024 * 1024)


class Interrupted(MurderCase):
    def setUp(self):
        super().setUp()
        self.tracker = ScriptedTracker(self)
        self.torrent = Torrent("data", CONTENT, 65536, [self.tracker.url])
        self.torrent_path = self.torrent.write(self.directory)
        self.path("host", "to").mkdir(parents=True)
        self.half = threading.Event()

    def serve_half(self):
        """A seeder that stops answering after half of the content."""
        def answer(wire, piece, offset, size):
            if seeder.served_bytes > len(CONTENT) // 2:
                self.half.set()
                time.sleep(60)
            seeder.answer_honestly(wire, piece, offset, size)

        seeder = ScriptedPeer(self, self.torrent, answer=answer)
        self.tracker.peers = [seeder.address]
        return seeder

    def start_until_half(self, *arguments):
        """A peer that has about half of it and waits for more: (front, pid of its worker, bytes it has)."""
        self.serve_half()
        front = self.start(*self.peer_arguments(self.torrent_path, *arguments))
        self.assertTrue(self.half.wait(30), front.error)
        def settled():
            before = self.process_of_kind("peer")
            time.sleep(0.3)
            now = self.process_of_kind("peer")
            return now if before and now and before["done_bytes"] == now["done_bytes"] > 0 else None
        peer = wait_until(settled, "what was served is stored")
        return front, peer["pid"], peer["done_bytes"]

    def go_on(self, stored_bytes):
        seeder = ScriptedPeer(self, self.torrent)
        self.tracker.peers = [seeder.address]
        report = self.peer_json(self.torrent_path)
        self.assertGreaterEqual(report["resumed_bytes"], stored_bytes)
        self.assertLessEqual(seeder.served_bytes, len(CONTENT) - stored_bytes)
        self.assertEqual(self.path("host", "to", "data").read_bytes(), CONTENT)
        self.assert_no_leftovers(self.path("host", "to"))

    def end_in_the_background(self, cleans_up):
        front, pid, _ = self.start_until_half("--background")
        self.assertEqual(front.wait(), 0, front.error)
        outcome = next(self.run_directory.glob("peer-*.outcome"))
        if cleans_up:
            outcome.unlink()
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not is_alive(pid), "its end")
        return outcome

    def test_a_worker_that_is_ended_leaves_its_outcome(self):
        self.assertIn("failed", self.end_in_the_background(cleans_up=False).read_text())

    def test_a_worker_whose_outcome_was_cleaned_up_leaves_no_other(self):
        self.assertFalse(self.end_in_the_background(cleans_up=True).exists())

    def assert_nothing_delivered(self):
        self.assertEqual([name for name in os.listdir(self.path("host", "to")) if not name.startswith(".")], [])

    def test_a_peer_killed_in_the_foreground_goes_on_where_it_was(self):
        front, pid, stored = self.start_until_half()
        self.assertEqual(front.pid, pid)
        self.assertGreater(stored, len(CONTENT) // 3)
        front.signal(signal.SIGKILL)
        front.wait(10)
        self.assert_nothing_delivered()
        self.go_on(stored)

    def test_a_killed_worker_fails_the_front_at_once_and_nothing_is_lost(self):
        front, pid, stored = self.start_until_half("--seed-for", "30s")
        self.assertNotEqual(front.pid, pid)
        os.kill(pid, signal.SIGKILL)
        self.assertEqual(front.wait(10), 1)
        self.assertIn("killed", front.error)
        self.assert_nothing_delivered()
        self.go_on(stored)

    def test_without_its_front_the_worker_ends(self):
        front, pid, stored = self.start_until_half("--seed-for", "30s")
        front.signal(signal.SIGKILL)
        front.wait(10)
        wait_until(lambda: not is_alive(pid), "the worker ends too", 15)
        self.assertEqual(self.processes(), [])
        self.go_on(stored)

    def test_front_and_worker_killed_together(self):
        front, pid, stored = self.start_until_half("--seed-for", "30s")
        os.kill(pid, signal.SIGKILL)
        front.signal(signal.SIGKILL)
        front.wait(10)
        wait_until(lambda: not is_alive(pid), "the worker is gone", 10)
        self.assertEqual(self.processes(), [])
        self.go_on(stored)

    def test_control_c_ends_both_and_says_how_to_go_on(self):
        front, pid, stored = self.start_until_half("--seed-for", "30s")
        front.signal(signal.SIGINT)
        self.assertEqual(front.wait(15), 1)
        self.assertIn("interrupted", front.error)
        self.assertFalse(is_alive(pid))
        self.go_on(stored)

    def test_stop_ends_a_peer_that_is_not_done(self):
        front, pid, stored = self.start_until_half("--seed-for", "30s")
        self.murder("stop", "data", "--peering")
        self.assertEqual(front.wait(10), 1)
        self.assertFalse(is_alive(pid))
        self.go_on(stored)

    def test_damage_in_the_meantime_is_found(self):
        front, pid, stored = self.start_until_half()
        front.signal(signal.SIGKILL)
        front.wait(10)
        with open(self.path("host", "temp", "data"), "r+b") as file:
            file.write(bytes(70000))
        self.go_on(stored - 2 * 65536)


class InterruptedUnpacking(MurderCase):
    """A release of so many files that unpacking can be caught in the middle."""

    ATTEMPTS_MAX = 5

    def has_all(self):
        """Whether a peer has stored everything, or ended."""
        peer = self.process_of_kind("peer")
        return peer is None or peer.get("done_bytes", 0) == peer.get("total_bytes", 1)

    def is_begun(self, target):
        """Whether a tree has some entries, hidden or in its place; it may be renamed while this looks."""
        for entry in target.iterdir():
            try:
                if entry.is_dir() and len(os.listdir(entry)) > 10:
                    return True
            except FileNotFoundError:
                return False
        return False

    def test_a_kill_while_unpacking_leaves_nothing_half_and_the_next_run_delivers(self):
        source = self.path("source")
        for folder in range(100):
            (source / str(folder)).mkdir(parents=True)
            for number in range(100):
                (source / str(folder) / str(number)).write_text(str(number))
        torrent = self.create(source, "v1", tracker=self.start_tracker())
        target = self.path("host", "to")
        self.seed(torrent)
        for _ in range(self.ATTEMPTS_MAX):
            shutil.rmtree(self.path("host"), ignore_errors=True)
            target.mkdir(parents=True)
            front = self.start(*self.peer_arguments(torrent))
            # The beginning of an archive is unpacked before its end is there.
            wait_until(lambda: self.is_begun(target) and self.has_all(), "all is there, and it unpacks")
            # Held still, so that what is seen is what the kill meets; on a busy machine it may be late.
            front.signal(signal.SIGSTOP)
            is_in_the_middle = not (target / "v1").exists()
            front.signal(signal.SIGKILL)
            front.wait(10)
            if is_in_the_middle:
                break
        self.assertTrue(is_in_the_middle, f"{self.ATTEMPTS_MAX} kills came too late to show anything")
        self.assertNotIn("v1", os.listdir(target))
        self.assertNotEqual(os.listdir(target), [])
        report = self.peer_json(torrent)
        self.assertEqual(report["fetched_bytes"], 0)
        self.assert_same_tree(source, target / "v1")
        self.assert_no_leftovers(target)


class SharedArchive(MurderCase):
    def setUp(self):
        super().setUp()
        self.tracker = ScriptedTracker(self)
        self.torrent = Torrent("data", CONTENT[:1_000_000], 65536, [self.tracker.url])
        self.torrent_path = self.torrent.write(self.directory)
        self.path("host", "to").mkdir(parents=True)

    def test_a_second_peer_on_the_same_archive_is_refused_and_harms_nothing(self):
        first = self.start(*self.peer_arguments(self.torrent_path))
        wait_until(lambda: (self.process_of_kind("peer") or {}).get("phase") == "downloading", "the first fetches")
        self.assertIn("another murder process", self.peer(self.torrent_path, code=1).stderr)
        self.tracker.peers = [ScriptedPeer(self, self.torrent).address]
        self.assertEqual(first.wait(), 0, first.error)
        self.assertEqual(self.path("host", "to", "data").read_bytes(), self.torrent.content)

    def test_what_murder_did_not_make_is_not_written_over(self):
        archive = self.path("host", "temp", "data")
        archive.parent.mkdir(parents=True)
        archive.write_text("notes of somebody")
        self.tracker.peers = [ScriptedPeer(self, self.torrent).address]
        self.assertIn("not made by murder", self.peer(self.torrent_path, code=1).stderr)
        self.assertEqual(archive.read_text(), "notes of somebody")
        # A part of the release that came by other ways is taken up.
        archive.write_bytes(self.torrent.content[:100_000])
        self.peer(self.torrent_path)
        self.assertEqual(archive.read_bytes(), self.torrent.content)

    def test_an_older_release_of_the_same_name_is_replaced(self):
        older = Torrent("data", random.Random(2).randbytes(300_000), 65536, [self.tracker.url])
        for torrent in (older, self.torrent):
            self.tracker.peers = [ScriptedPeer(self, torrent).address]
            self.peer(torrent.write(self.directory))
            self.assertEqual(self.path("host", "to", "data").read_bytes(), torrent.content)

    def test_an_archive_that_others_may_write_to_is_refused(self):
        archive = self.path("host", "temp", "data")
        archive.parent.mkdir(parents=True)
        archive.write_bytes(self.torrent.content)
        archive.chmod(0o666)
        self.assertIn("may be written by others", self.peer(self.torrent_path, code=1).stderr)
        archive.chmod(0o644)
        if os.geteuid() == 0:
            os.chown(archive, 65534, 65534)
            self.assertIn("belongs to another user", self.peer(self.torrent_path, code=1).stderr)
        self.assertFalse(self.path("host", "to", "data").exists())

    def test_a_peer_beside_a_seeder_takes_its_archive(self):
        self.torrent.write_content(self.temp_path)
        self.seed(self.torrent_path, self.temp_path / "data")
        report = self.peer_json(self.torrent_path, "--temp-path", self.temp_path)
        self.assertEqual(report["fetched_bytes"], 0)
        self.assertEqual(self.path("host", "to", "data").read_bytes(), self.torrent.content)
        self.assertEqual(self.process_of_kind("seeder")["phase"], "seeding")

    def test_a_seeder_beside_a_peer_that_has_finished(self):
        self.torrent.write_content(self.temp_path)
        self.peer(self.torrent_path, "--temp-path", self.temp_path, "--seed-for", "60s")
        self.seed(self.torrent_path, self.temp_path / "data")
        self.assertEqual({each["kind"] for each in self.processes()}, {"peer", "seeder"})


if __name__ == "__main__":
    unittest.main()
