"""Bytes that change on their way between a seeder and a peer, while data flows as fast as it can: no wrong piece is
kept, what was wrong is fetched again, and what cannot be had right is never delivered."""

import contextlib
import json
import socket
import struct
import threading
import unittest

from harness import MurderCase, free_address, wait_until
from scripted import PIECE, ScriptedTracker
from torrents import Torrent

RELEASE_BYTES = 160 * 1024 * 1024 + 4321
PIECE_BYTES = 1 << 20
HANDSHAKE_BYTES = 68
PIECE_HEAD_BYTES = 13


class Flipper:
    """Changes one byte of each PIECE message that `is_wrong(number)` names, in a stream that comes in parts."""

    def __init__(self, is_wrong):
        self._is_wrong = is_wrong
        self._left = HANDSHAKE_BYTES  # of what is being passed over
        self._at_payload = False
        self._head = b""
        self._number = 0
        self.flipped = 0

    def _head_bytes(self):
        """How much of a message must be known, as far as it can be told yet."""
        if len(self._head) < 4 or self._head[:4] == bytes(4):
            return 4
        return PIECE_HEAD_BYTES if self._head[4:5] == bytes([PIECE]) else 5

    def change(self, part):
        at = 0
        while at < len(part):
            if self._left > 0:
                if self._at_payload and self._is_wrong(self._number):
                    part[at] ^= 1
                    self.flipped += 1
                self._number += self._at_payload
                self._at_payload = False
                step = min(self._left, len(part) - at)
                self._left -= step
            else:
                step = min(self._head_bytes() - len(self._head), len(part) - at)
                self._head += bytes(part[at : at + step])
                if len(self._head) == self._head_bytes():
                    self._left = 4 + struct.unpack(">I", self._head[:4])[0] - len(self._head)
                    self._at_payload = len(self._head) == PIECE_HEAD_BYTES
                    self._head = b""
            at += step


class Relay:
    """Stands in front of a seeder, at an address of its own."""

    def __init__(self, case, seeder, is_wrong):
        host, port = seeder.rsplit(":", 1)
        self._seeder = (host, int(port))
        self._is_wrong = is_wrong
        self._listener = socket.create_server((free_address(), 0))
        self.address = self._listener.getsockname()
        self.connections = 0
        self.flippers = []
        self._sockets = [self._listener]
        case.addCleanup(self.end)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def flipped(self):
        return sum(each.flipped for each in self.flippers)

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                peer = self._listener.accept()[0]
                seeder = socket.create_connection(self._seeder)
                self._sockets += [peer, seeder]
                self.connections += 1
                flipper = Flipper(self._is_wrong)
                self.flippers.append(flipper)
                for source, target, change in ((peer, seeder, lambda _: None), (seeder, peer, flipper.change)):
                    threading.Thread(target=self._pass_on, args=(source, target, change), daemon=True).start()

    @staticmethod
    def _pass_on(source, target, change):
        buffer = memoryview(bytearray(1 << 20))
        with contextlib.suppress(OSError):
            while size := source.recv_into(buffer):
                change(buffer[:size])
                target.sendall(buffer[:size])
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def end(self):
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


class CorruptionAtSpeed(MurderCase):
    def setUp(self):
        super().setUp()
        self.content = self.make_file("source/data", RELEASE_BYTES)
        self.tracker = ScriptedTracker(self)
        torrent = Torrent("data", self.content.read_bytes(), PIECE_BYTES, [self.tracker.url])
        self.torrent = torrent.write(self.directory)
        # The seeders' own: nobody hears of them but through the relays.
        torrent.top = {"info": torrent.info}
        (self.directory / "seeders").mkdir()
        self.seeders_torrent = torrent.write(self.directory / "seeders")

    def relay(self, is_wrong, *seed_arguments):
        """In front of a seeder of its own: one peer id is connected to once."""
        number = len(list(self.directory.glob("run-*")))
        return Relay(self, self.seed(self.seeders_torrent, self.content, "--run-dir", self.path(f"run-{number}"),
                                     *seed_arguments), is_wrong)

    def _clean_up(self):
        for directory in self.directory.glob("run-*"):
            self.murder("stop", "--all", "--if-running", "--run-dir", directory, code=None)
        super()._clean_up()

    def report_of(self, running, name):
        self.assertEqual(running.wait(), 0, running.error)
        self.assertTrue(self.path(name, "to", "data").read_bytes() == self.content.read_bytes(), "other bytes arrived")
        return json.loads(running.output)

    def one_flip(self, name, seed_arguments=(), peer_arguments=(), shards=1):
        """The 100th block of the stream is wrong; only then another seeder becomes known. Each shard bars for
        itself, so each may meet the wrong stream once."""
        self.path(name, "to").mkdir(parents=True)
        wrong = self.relay(lambda number: number == 100, *seed_arguments)
        right = self.relay(lambda number: False, *seed_arguments)
        self.tracker.peers = [wrong.address]
        running = self.start(*self.peer_arguments(self.torrent, "--json", *peer_arguments, "--shards", str(shards),
                                                 name=name))
        wait_until(lambda: wrong.flipped, "a byte was changed")
        self.tracker.peers.append(right.address)
        report = self.report_of(running, name)
        self.assertGreaterEqual(report["failed_pieces"], 1)
        self.assertLessEqual(report["failed_pieces"], wrong.flipped, "a right piece was refused")
        self.assertGreaterEqual(report["received_bytes"], RELEASE_BYTES + PIECE_BYTES)
        self.assertIn("wrong data so far, the last from %s:%d;" % wrong.address, running.error)
        self.assertLessEqual(wrong.connections, shards, "it was dialled again")

    def test_a_changed_byte_is_caught_and_its_piece_fetched_again(self):
        for path in ("auto", "copy", "zc", "splice"):
            with self.subTest(path=path):
                self.one_flip(f"host-{path}", seed_arguments=("--send-path", path))

    def test_through_the_page_cache(self):
        self.one_flip("host", peer_arguments=("--page-cache",))

    def test_with_several_shards(self):
        self.one_flip("host", shards=2)

    def test_several_streams_with_changed_bytes_at_once(self):
        relays = [self.relay(lambda number, first=first: number % 50 == first) for first in (10, 20, 30)]
        right = self.relay(lambda number: False)
        self.path("host", "to").mkdir(parents=True)
        self.tracker.peers = [each.address for each in relays]
        running = self.start(*self.peer_arguments(self.torrent, "--json"))
        wait_until(lambda: all(each.flipped for each in relays), "each stream had a byte changed")
        self.tracker.peers.append(right.address)
        report = self.report_of(running, "host")
        self.assertGreaterEqual(report["failed_pieces"], 1)
        self.assertLessEqual(report["failed_pieces"], sum(each.flipped for each in relays))

    def test_what_never_comes_right_is_never_delivered(self):
        relays = [self.relay(lambda number: True) for _ in range(2)]
        self.path("host", "to").mkdir(parents=True)
        self.tracker.peers = [each.address for each in relays]
        result = self.peer(self.torrent, "--give-up-after", "3s", code=1)
        self.assertGreaterEqual(sum(each.flipped for each in relays), 2)
        self.assertIn("0 B of", result.stderr)
        self.assertEqual(list(self.path("host", "to").iterdir()), [])


if __name__ == "__main__":
    unittest.main()
