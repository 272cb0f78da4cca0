"""One swarm of everybody: our seeder, our peer and one of each client."""

import unittest

import matrix
import together
from clients import Aria2, Libtorrent, Transmission
from interop_case import InteropCase
from shared import free_address

module_ended = matrix.module_hook()

KINDS = (Libtorrent, Aria2, Transmission)


class MixedSwarm(InteropCase):
    def test_everybody_gets_everything(self):
        present = [kind for kind in KINDS if not kind.missing()]
        if not present:
            self.skipTest("no other client is installed")
        tracker = self.start_tracker()
        torrent, content = self.make_release(tracker, size=24 * 1024 * 1024 + 4321)
        clients = [self.client(kind) for kind in present]
        for client in clients:
            client.download(torrent, self.path(f"theirs-{client}"))
        # Seeder and peer know of everybody from their first announce, and dial.
        self.wait_for_leechers(tracker, len(clients))
        peer = self.start("peer", torrent, "--no-unpack", "--temp-path", self.path("fetched"),
                          "--ip", free_address(), "--seed-for", "60s")
        self.wait_for_leechers(tracker, len(clients) + 1)
        self.seed(torrent, content)
        self.assertEqual(peer.wait(), 0, peer.error)
        self.wait_for_content(self.path("fetched", content.name), content, "our peer")
        for client in clients:
            self.wait_for_content(
                self.path(f"theirs-{client}", content.name), content, client)
        self.wait_for_seeders(tracker, len(clients) + 2)

    def test_our_peer_passes_on_what_it_has_from_another_client(self):
        self.need(Libtorrent, Aria2)
        tracker = self.start_tracker()
        torrent, content = self.make_release(tracker)
        source = self.client(Libtorrent)
        source.seed(torrent, content.parent)
        self.wait_for_seeders(tracker, 1)
        self.fetch(torrent, "--no-unpack", "--seed-for", "60s")
        source.leave()
        self.wait_for_seeders(tracker, 1)
        sink = self.client(Aria2)
        sink.download(torrent, self.path("theirs"))
        self.wait_for_content(self.path("theirs", content.name), content, sink)


def load_tests(_loader, tests, _pattern):
    return together.Suite(tests, module_ended)


if __name__ == "__main__":
    unittest.main()
