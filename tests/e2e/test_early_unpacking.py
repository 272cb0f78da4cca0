"""A packed release is unpacked while it comes, as far as it is verified, and is there only when all of it is."""

import io
import os
import random
import signal
import struct
import subprocess
import tarfile
import unittest

from harness import MurderCase, is_alive, wait_until
from scripted import (BITFIELD, INTERESTED, REQUEST, UNCHOKE, ScriptedPeer, ScriptedTracker, handshake, message)
from torrents import Torrent

PIECE_BYTES = 65536
# So many files before the middle of the archive, and something large to make the other half.
FILES = 300
LARGE_BYTES = 6 * 1024 * 1024


def tar_of(entries):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in entries:
            header = tarfile.TarInfo(name)
            header.size = len(data)
            header.mtime = 1_600_000_000
            archive.addfile(header, io.BytesIO(data))
    return buffer.getvalue()


def files():
    generator = random.Random(5)
    return [(f"small/{number}", generator.randbytes(10_000)) for number in range(FILES)]


class EarlyUnpacking(MurderCase):
    def setUp(self):
        super().setUp()
        self.tracker = ScriptedTracker(self)
        self.target = self.path("host", "to")
        self.target.mkdir(parents=True)

    def release(self, entries):
        self.entries = entries + [("large", random.Random(6).randbytes(LARGE_BYTES))]
        self.torrent = Torrent("v1.tar", tar_of(self.entries), PIECE_BYTES, [self.tracker.url])
        self.torrent_path = self.torrent.write(self.directory)
        self.half = self.torrent.piece_count // 2

    def serve_first_half(self):
        """A peer that has the first half of the archive and no more."""
        def script(seeder, wire):
            wire.read_handshake()
            bits = bytearray(-(-self.torrent.piece_count // 8))
            for index in range(self.half):
                bits[index // 8] |= 0x80 >> (index % 8)
            wire.send(handshake(self.torrent.info_hash, seeder.peer_id) + message(BITFIELD, bytes(bits)))
            wire.read_until(INTERESTED)
            wire.send(message(UNCHOKE))
            while True:
                _, payload = wire.read_until(REQUEST)
                seeder.answer(wire, *struct.unpack(">III", payload))

        self.tracker.peers = [ScriptedPeer(self, self.torrent, script=script).address]

    def serve_all(self):
        seeder = ScriptedPeer(self, self.torrent)
        self.tracker.peers = [seeder.address]
        return seeder

    def staging(self):
        """Where the tree is being made, or None."""
        names = [name for name in os.listdir(self.target) if name.startswith(".v1.murder-")]
        self.assertLessEqual(len(names), 1)
        return self.target / names[0] if names else None

    def start_until_half(self, *arguments):
        """A peer that has unpacked all it can of the first half; the archive is far from complete."""
        self.serve_first_half()
        front = self.start(*self.peer_arguments(self.torrent_path, *arguments))
        def unpacked():
            self.assertIsNone(front.process.poll(), front.error)
            place = self.staging()
            return place and (place / "large").exists()
        wait_until(unpacked, "what is here is unpacked")
        self.assertEqual(len(os.listdir(self.staging() / "small")), FILES)
        peer = self.process_of_kind("peer")
        self.assertEqual(peer["phase"], "downloading")
        self.assertLess(peer["done_bytes"], peer["total_bytes"])
        self.assertEqual([name for name in os.listdir(self.target) if not name.startswith(".")], [])
        return front, peer

    def assert_delivered(self):
        for name, data in self.entries:
            self.assertEqual((self.target / "v1" / name).read_bytes(), data)
        self.assertEqual(os.listdir(self.target), ["v1"])

    def test_what_is_here_is_unpacked_before_the_rest_comes(self):
        self.release(files())
        front, _ = self.start_until_half()
        self.serve_all()
        self.assertEqual(front.wait(), 0, front.error)
        self.assert_delivered()

    def test_a_kill_in_the_middle_costs_nothing_that_was_verified_and_leaves_nothing(self):
        self.release(files())
        front, peer = self.start_until_half()
        front.signal(signal.SIGKILL)
        front.wait(10)
        self.assertIsNotNone(self.staging())
        seeder = self.serve_all()
        report = self.peer_json(self.torrent_path)
        self.assertGreaterEqual(report["resumed_bytes"], peer["done_bytes"])
        self.assertLessEqual(seeder.served_bytes, len(self.torrent.content) - peer["done_bytes"])
        self.assert_delivered()

    def test_a_worker_that_is_killed_is_followed_by_one_that_delivers(self):
        self.release(files())
        front, peer = self.start_until_half("--seed-for", "30s")
        os.kill(peer["pid"], signal.SIGKILL)
        self.assertEqual(front.wait(10), 1)
        self.serve_all()
        self.peer(self.torrent_path)
        self.assert_delivered()

    def test_one_that_is_stopped_in_the_middle_leaves_nothing_at_the_target(self):
        self.release(files())
        for number in (signal.SIGINT, signal.SIGTERM):
            front, peer = self.start_until_half("--seed-for", "30s")
            front.signal(number)
            self.assertEqual(front.wait(15), 1)
            self.assertIn("interrupted", front.error)
            self.assertFalse(is_alive(peer["pid"]))
            self.assertEqual(os.listdir(self.target), [])
        self.serve_all()
        self.peer(self.torrent_path)
        self.assert_delivered()

    def test_what_appears_at_the_target_in_the_meantime_stays(self):
        self.release(files())
        front, _ = self.start_until_half()
        (self.target / "v1").mkdir()
        (self.target / "v1" / "theirs").write_text("theirs")
        self.serve_all()
        self.assertEqual(front.wait(), 1)
        self.assertIn("not empty", front.error)
        self.assertEqual(os.listdir(self.target), ["v1"])
        self.assertEqual(os.listdir(self.target / "v1"), ["theirs"])
        # The archive is complete: the same command, told to replace, fetches nothing.
        report = self.peer_json(self.torrent_path, "--unsafe-please-delete")
        self.assertEqual(report["fetched_bytes"], 0)
        self.assert_delivered()

    def test_a_hostile_entry_ends_the_peer_while_the_rest_is_still_missing(self):
        self.release(files() + [("../escaped", b"x")])
        self.serve_first_half()
        result = self.peer(self.torrent_path, code=1)
        self.assertRegex(result.stderr, r"v1\.tar: entry \.\./escaped: ")
        self.assertEqual(os.listdir(self.target), [])
        self.assertFalse(self.path("host", "escaped").exists())

    def test_a_limit_on_what_is_unpacked_ends_the_peer_while_the_rest_is_still_missing(self):
        self.release(files())
        self.serve_first_half()
        result = self.peer(self.torrent_path, "--max-unpacked", "1MB", code=1)
        self.assertIn("--max-unpacked", result.stderr)
        self.assertEqual(os.listdir(self.target), [])

    def test_a_worker_in_the_background_leaves_the_outcome_of_an_early_failure(self):
        self.release(files() + [("../escaped", b"x")])
        self.serve_first_half()
        self.peer(self.torrent_path, "--background")
        result = self.murder("wait", "v1", code=1)
        self.assertIn("../escaped", result.stdout + result.stderr)
        self.assertEqual(os.listdir(self.target), [])

    def test_without_unpacking_nothing_is_made_at_the_target(self):
        self.release(files())
        self.serve_first_half()
        front = self.start(*self.peer_arguments(self.torrent_path, to=None))
        wait_until(lambda: (self.process_of_kind("peer") or {}).get("done_bytes", 0) >= self.half * PIECE_BYTES,
                   "the first half is here")
        self.assertEqual(os.listdir(self.target), [])
        self.serve_all()
        self.assertEqual(front.wait(), 0, front.error)
        self.assertEqual(os.listdir(self.target), [])
        self.assertEqual(self.path("host", "temp", "v1.tar").read_bytes(), self.torrent.content)

    def test_no_room_for_the_tree_is_told_while_the_archive_comes(self):
        if os.getuid() != 0:
            self.skipTest("mounting a small tmpfs needs root")
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", self.target], check=False)
        if mounted.returncode != 0:
            self.skipTest("mounting a tmpfs is not allowed here")
        self.addCleanup(subprocess.run, ["umount", "-l", self.target], check=False)
        self.release(files())
        self.serve_first_half()
        result = self.peer(self.torrent_path, code=1)
        self.assertIn("No space left", result.stderr)
        self.assertEqual(os.listdir(self.target), [])


if __name__ == "__main__":
    unittest.main()
