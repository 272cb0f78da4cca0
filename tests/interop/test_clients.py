"""Each client as a downloader from our seeder and as a seeder for our peer, through our tracker."""

import unittest

import matrix
from clients import Aria2, Libtorrent, Transmission
from interop_case import InteropCase
from matrix import cell

tearDownModule = matrix.module_hook()

DOWNLOADS, SEEDS, ANNOUNCES, _ = matrix.CLIENT_COLUMNS


class ClientCase:
    """The tests that every client goes through."""

    kind = None
    options = {}
    tracker_host = None
    remark = ""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.row = cls.kind.row() + cls.remark
        matrix.clients.expect(cls.row, (DOWNLOADS, SEEDS, ANNOUNCES))

    def new_client(self):
        return self.client(self.kind, self.tracker_host, **self.options)

    def new_tracker(self):
        return self.start_tracker(address=self.tracker_host)

    def test_downloads_from_our_seeder(self):
        with cell(matrix.clients, self.row, DOWNLOADS):
            self.need(self.kind)
            tracker = self.new_tracker()
            torrent, content = self.make_release(tracker)
            client = self.new_client()
            if client.dials_loopback:
                self.seed(torrent, content, self.tracker_host)
                client.download(torrent, self.path("theirs"))
            else:
                client.download(torrent, self.path("theirs"))
                self.wait_for_leechers(tracker, 1)
                self.seed(torrent, content, self.tracker_host)
            self.wait_for_content(self.path("theirs", content.name), content, client)
        with cell(matrix.clients, self.row, ANNOUNCES):
            self.wait_for_seeders(tracker, 2)
            self.assertEqual(self.scrape(tracker), (2, 1, 0))
            client.leave()
            self.wait_for_seeders(tracker, 1)

    def test_seeds_to_our_peer(self):
        with cell(matrix.clients, self.row, SEEDS, ANNOUNCES):
            self.need(self.kind)
            tracker = self.new_tracker()
            torrent, content = self.make_release(tracker)
            client = self.new_client()
            client.seed(torrent, content.parent)
            self.wait_for_seeders(tracker, 1)
            report = self.fetch(torrent, address=self.tracker_host)
            self.assertEqual(report["failed_pieces"], 0)
            self.wait_for_content(self.path("fetched", content.name), content, "our peer")


class WithLibtorrent(ClientCase, InteropCase):
    kind = Libtorrent


class WithLibtorrentThatPrefersEncryption(ClientCase, InteropCase):
    kind = Libtorrent
    options = {"prefers_encryption": True}
    remark = ", prefers encryption"


class WithLibtorrentOverIpv6(ClientCase, InteropCase):
    kind = Libtorrent
    tracker_host = "::1"
    remark = ", IPv6"


class WithAria2(ClientCase, InteropCase):
    kind = Aria2


class WithTransmission(ClientCase, InteropCase):
    kind = Transmission


class WithTransmissionThatPrefersEncryption(ClientCase, InteropCase):
    kind = Transmission
    options = {"prefers_encryption": True}
    remark = ", prefers encryption"


if __name__ == "__main__":
    unittest.main()
