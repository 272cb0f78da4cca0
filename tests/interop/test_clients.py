"""Each client as a downloader from our seeder and as a seeder for our peer, through our tracker."""

import unittest

import matrix
import together
from clients import Aria2, Libtorrent, Transmission
from interop_case import RELEASE_BYTES, InteropCase
from matrix import cell

module_ended = matrix.module_hook()

DOWNLOADS, SEEDS, ANNOUNCES, _ = matrix.CLIENT_COLUMNS

# Transmission unchokes and shows interest every 10 seconds, and answers requests twice a second.
SMALL_RELEASE_BYTES = 4 * 1024 * 1024 + 12345


class ClientCase:
    """The tests that every client goes through."""

    kind = None
    options = {}
    # The address of everybody; None: everybody has one of their own.
    address = None
    remark = ""
    release_bytes = RELEASE_BYTES

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.row = cls.kind.row() + cls.remark
        matrix.clients.expect(cls.row, (DOWNLOADS, SEEDS, ANNOUNCES))

    def setUp(self):
        super().setUp()
        with cell(matrix.clients, self.row, DOWNLOADS, SEEDS, ANNOUNCES, only_skips=True):
            self.need(self.kind)
            self.need_address(self.address)

    def client_dials(self):
        return self.kind.dials_loopback

    def new_client(self):
        return self.client(self.kind, self.address, **self.options)

    def new_tracker(self):
        return self.start_tracker(address=self.address)

    def test_downloads_from_our_seeder(self):
        with cell(matrix.clients, self.row, DOWNLOADS):
            tracker = self.new_tracker()
            torrent, content = self.make_release(tracker, size=self.release_bytes)
            client = self.new_client()
            if self.client_dials():
                self.seed(torrent, content, self.address)
                client.download(torrent, self.path("theirs"))
            else:
                client.download(torrent, self.path("theirs"))
                self.wait_for_leechers(tracker, 1)
                self.seed(torrent, content, self.address)
            self.wait_for_content(self.path("theirs", content.name), content, client)
        with cell(matrix.clients, self.row, ANNOUNCES):
            self.wait_for_seeders(tracker, 2)
            self.assertEqual(self.scrape(tracker), (2, 1, 0))
            client.leave()
            self.wait_for_seeders(tracker, 1)

    def test_seeds_to_our_peer(self):
        with cell(matrix.clients, self.row, SEEDS, ANNOUNCES):
            tracker = self.new_tracker()
            torrent, content = self.make_release(tracker, size=self.release_bytes)
            client = self.new_client()
            client.seed(torrent, content.parent)
            self.wait_for_seeders(tracker, 1)
            report = self.fetch(torrent, address=self.address)
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
    address = "::1"
    remark = ", IPv6"


class WithAria2(ClientCase, InteropCase):
    kind = Aria2


class WithTransmission(ClientCase, InteropCase):
    kind = Transmission


class WithTransmissionThatPrefersEncryption(ClientCase, InteropCase):
    kind = Transmission
    options = {"prefers_encryption": True}
    remark = ", prefers encryption"
    release_bytes = SMALL_RELEASE_BYTES


def load_tests(_loader, tests, _pattern):
    return together.Suite(tests, module_ended)


if __name__ == "__main__":
    unittest.main()
