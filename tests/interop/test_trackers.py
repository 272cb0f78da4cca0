"""opentracker with our seeder and peer, and what other clients make of our tracker's scrape."""

import unittest
import urllib.parse
import urllib.request

import matrix
from clients import Libtorrent, Opentracker
from interop_case import InteropCase
from matrix import cell
from shared import free_address, free_port, wait_until

tearDownModule = matrix.module_hook()

_, _, OURS, THEIRS = matrix.CLIENT_COLUMNS


class WithOpentracker(InteropCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        matrix.clients.expect(Opentracker.name, (THEIRS,))

    def start_opentracker(self, make):
        """The tracker is told the release when it starts, the release the tracker when it is made.
        """
        address = free_address()
        port = free_port(address)
        made = make(f"{address}:{port}")
        Opentracker(self, address, port, [self.info_hash])
        return f"{address}:{port}", *made

    def test_our_seeder_and_peers_meet_through_it(self):
        with cell(matrix.clients, Opentracker.name, THEIRS):
            self.need(Opentracker)
            tracker, torrent, content = self.start_opentracker(self.make_release)
            self.seed(torrent, content)
            wait_until(lambda: self.scrape(tracker)[0] == 1, "opentracker knows the seeder")
            self.fetch(torrent, "--no-unpack", "--seed-for", "60s")
            self.wait_for_content(self.path("fetched", content.name), content, "our peer")
            wait_until(lambda: self.scrape(tracker)[:2] == (2, 1),
                       "opentracker knows that the peer has completed")
            self.murder("stop", "--peering")
            wait_until(lambda: self.scrape(tracker)[0] == 1,
                       "opentracker knows that the peer has left")

    def test_a_client_meets_our_seeder_through_it(self):
        with cell(matrix.clients, Opentracker.name, THEIRS):
            self.need(Opentracker, Libtorrent)
            tracker, torrent, content = self.start_opentracker(self.make_release)
            self.seed(torrent, content)
            wait_until(lambda: self.scrape(tracker)[0] == 1, "opentracker knows the seeder")
            client = self.client(Libtorrent)
            client.download(torrent, self.path("theirs"))
            self.wait_for_content(self.path("theirs", content.name), content, client)

    def test_a_release_it_does_not_know_is_told_with_its_words(self):
        with cell(matrix.clients, Opentracker.name, THEIRS):
            self.need(Opentracker)
            tracker, _, _ = self.start_opentracker(self.make_release)
            torrent, content = self.make_release(tracker, name="other.bin", size=100_000)
            self.seed(torrent, content)

            def trouble():
                seeder = self.process_of_kind("seeder")
                return seeder and seeder["details"].get("tracker_trouble")
            self.assertIn("not authorized", wait_until(trouble, "the seeder tells of the trouble"))


class OurScrape(InteropCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        matrix.clients.expect(Libtorrent.row(), (OURS,))

    def test_libtorrent_reads_it(self):
        with cell(matrix.clients, Libtorrent.row(), OURS):
            self.need(Libtorrent)
            tracker = self.start_tracker()
            torrent, content = self.make_release(tracker)
            self.seed(torrent, content)
            client = self.client(Libtorrent)
            client.seed(torrent, content.parent)
            self.wait_for_seeders(tracker, 2)
            self.assertEqual(client.scrape(), (2, 0))


class OverIpv6(InteropCase):
    def test_our_seeder_and_peer_meet(self):
        self.need_address("::1")
        tracker = self.start_tracker(address="::1")
        torrent, content = self.make_release(tracker)
        self.seed(torrent, content, "::1")
        self.fetch(torrent, "--no-unpack", "--seed-for", "60s", address="::1")
        self.wait_for_content(self.path("fetched", content.name), content, "our peer")
        self.wait_for_seeders(tracker, 2)
        self.assertEqual(self.scrape(tracker), (2, 1, 0))


class WithoutCompact(InteropCase):
    """A client of long ago asks for a list instead of packed addresses."""

    def test_a_request_without_compact_gets_a_list(self):
        if Libtorrent.missing():
            self.skipTest(Libtorrent.missing())
        import libtorrent
        tracker = self.start_tracker()
        torrent, content = self.make_release(tracker)
        address = free_address()
        self.seed(torrent, content, address)
        self.wait_for_seeders(tracker, 1)
        query = urllib.parse.urlencode({
            "info_hash": bytes.fromhex(self.info_hash), "peer_id": "-XX0001-abcdefghijkl",
            "port": 6881, "uploaded": 0, "downloaded": 0, "left": 1, "compact": 0})
        with urllib.request.urlopen(f"http://{tracker}/announce?{query}", timeout=10) as reply:
            answer = libtorrent.bdecode(reply.read())
        self.assertEqual([peer[b"ip"] for peer in answer[b"peers"]], [address.encode()])
        self.assertEqual(len(answer[b"peers"][0][b"peer id"]), 20)


if __name__ == "__main__":
    unittest.main()
