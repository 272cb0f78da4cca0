"""A stock seeder that sends fast and then holds back: bytes that gather at the socket are taken all the same."""

import collections
import random
import select
import struct
import unittest

from harness import MurderCase
from scripted import REQUEST, ScriptedPeer, ScriptedTracker
from torrents import Torrent

CONTENT = random.Random(8).randbytes(96_000_000)
FAST_BYTES = 48_000_000
STEPS = 40
BLOCKS_A_STEP = 2


class Bursts(MurderCase):
    def setUp(self):
        super().setUp()
        self.tracker = ScriptedTracker(self)
        self.torrent = Torrent("data", CONTENT, 1 << 20, [self.tracker.url])
        self.torrent_path = self.torrent.write(self.directory)
        self.path("host", "to").mkdir(parents=True)

    def test_little_of_what_was_asked_for_comes(self):
        steps = []

        def script(peer, wire):
            peer.greet(wire)
            asked = collections.deque()

            def take_requests(seconds):
                """Those that are there, and the first one after so long at most. Whether one came."""
                came = False
                while select.select([wire.socket], [], [], 0 if came else seconds)[0]:
                    kind, payload = wire.read_message()
                    if kind == REQUEST:
                        asked.append(struct.unpack(">III", payload))
                        came = True
                return came

            sent = 0
            while sent < FAST_BYTES:
                take_requests(0 if asked else 30)
                for _ in range(min(len(asked), 16)):
                    sent += asked[0][2]
                    peer.answer_honestly(wire, *asked.popleft())
            while len(steps) < STEPS:
                for _ in range(BLOCKS_A_STEP):
                    peer.answer_honestly(wire, *asked.popleft())
                # What it got makes room for more; what it does not take does not.
                steps.append((len(asked), take_requests(10)))
            while True:
                take_requests(0 if asked else 30)
                for _ in range(min(len(asked), 16)):
                    peer.answer_honestly(wire, *asked.popleft())

        self.tracker.peers = [ScriptedPeer(self, self.torrent, script).address]
        self.peer(self.torrent_path)
        self.assertEqual(self.path("host", "to", "data").read_bytes(), CONTENT)
        self.assertEqual(len(steps), STEPS)
        self.assertTrue(all(came for _, came in steps), steps)


if __name__ == "__main__":
    unittest.main()
