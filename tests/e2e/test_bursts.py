"""A stock seeder that sends fast and then holds back: bytes that gather at the socket are taken all the same."""

import collections
import random
import select
import struct
import threading
import unittest

from harness import WAIT_SECONDS_MAX, MurderCase, wait_until
from scripted import REQUEST, ScriptedPeer, ScriptedTracker
from torrents import Torrent

CONTENT = random.Random(8).randbytes(96_000_000)
BURST_BYTES = 16_000_000
BURSTS = 5
LITTLE = 2  # blocks: less than what gathers


class BurstySeeder(ScriptedPeer):
    """After each burst a little more; then nothing until `goes_on` is set."""

    def __init__(self, case, torrent):
        super().__init__(case, torrent, BurstySeeder.send_bursts)
        self.sent_bytes = 0
        self.held_back = threading.Event()
        self.goes_on = threading.Event()

    def send_bursts(self, wire):
        self.greet(wire)
        self.asked = collections.deque()
        for burst in range(1, BURSTS + 1):
            self.send_until(wire, burst * BURST_BYTES)
            self.send(wire, LITTLE)
            self.held_back.set()
            if not self.goes_on.wait(WAIT_SECONDS_MAX):
                return
            self.goes_on.clear()
        self.send_until(wire, len(CONTENT))
        wire.is_closed_by_peer()

    def send_until(self, wire, size):
        while self.sent_bytes < size:
            self.take_requests(wire, 1)
            self.send(wire, min(len(self.asked), 16))

    def take_requests(self, wire, least):
        """All that are there, and so many in any case."""
        while len(self.asked) < least or select.select([wire.socket], [], [], 0)[0]:
            kind, payload = wire.read_message()
            if kind == REQUEST:
                self.asked.append(struct.unpack(">III", payload))

    def send(self, wire, count):
        self.take_requests(wire, count)
        for _ in range(count):
            asked = self.asked.popleft()
            self.sent_bytes += asked[2]
            self.answer_honestly(wire, *asked)


class Bursts(MurderCase):
    def setUp(self):
        super().setUp()
        tracker = ScriptedTracker(self)
        self.torrent = Torrent("data", CONTENT, 1 << 20, [tracker.url])
        self.torrent_path = self.torrent.write(self.directory)
        self.path("host", "to").mkdir(parents=True)
        self.seeder = BurstySeeder(self, self.torrent)
        tracker.peers = [self.seeder.address]

    def received_bytes(self):
        return self.process_of_kind("peer")["details"]["received_bytes"]

    def test_a_little_after_a_burst(self):
        peer = self.start(*self.peer_arguments(self.torrent_path))
        for _ in range(BURSTS):
            wait_until(self.seeder.held_back.is_set, "the seeder holds back")
            wait_until(lambda: self.received_bytes() == self.seeder.sent_bytes, "what it sent is taken")
            self.seeder.held_back.clear()
            self.seeder.goes_on.set()
        self.assertEqual(peer.wait(), 0, peer.error)
        self.assertEqual(self.path("host", "to", "data").read_bytes(), CONTENT)


if __name__ == "__main__":
    unittest.main()
