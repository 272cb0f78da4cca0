"""Torrents that other programs made, of a file and of a tree: read, fetched and served by ours."""

import shutil
import subprocess
import unittest

import matrix
import together
from clients import Aria2, Libtorrent, Transmission
from interop_case import InteropCase
from matrix import cell

try:
    import libtorrent
except ImportError:
    libtorrent = None

module_ended = matrix.module_hook()

HASH, SEED, FETCH = matrix.MAKER_COLUMNS


def run(*arguments):
    subprocess.run([str(each) for each in arguments], check=True, capture_output=True, timeout=60)


def make_with_libtorrent(source, torrent, tracker):
    create_with_libtorrent(source, torrent, tracker, libtorrent.create_torrent.v1_only)


def make_hybrid_with_libtorrent(source, torrent, tracker):
    create_with_libtorrent(source, torrent, tracker, 0)


def create_with_libtorrent(source, torrent, tracker, flags):
    storage = libtorrent.file_storage()
    libtorrent.add_files(storage, str(source))
    creator = libtorrent.create_torrent(storage, 64 * 1024, flags)
    creator.add_tracker(f"http://{tracker}/announce")
    libtorrent.set_piece_hashes(creator, str(source.parent))
    torrent.write_bytes(libtorrent.bencode(creator.generate()))


def make_with_transmission(source, torrent, tracker):
    run("transmission-create", "-s", 64, "-t", f"http://{tracker}/announce", "-o", torrent, source)


def make_with_mktorrent(source, torrent, tracker):
    run("mktorrent", "-l", 16, "-a", f"http://{tracker}/announce", "-o", torrent, source)


class MakerCase:
    """What holds for the torrents of every maker."""

    name = "?"
    program = None
    make = None
    # The client that has the other side.
    partner = None
    takes_empty_files = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        matrix.makers.expect(cls.name, (HASH, SEED, FETCH))

    def need_all(self):
        if self.program and shutil.which(self.program) is None:
            self.skipTest(f"{self.program} is not installed")
        self.need(Libtorrent, self.partner)

    def make_tree(self):
        """A directory with a file that ends within a piece, an empty one, and deeper ones."""
        root = self.path("source", "tree")
        self.make_file("source/tree/a first.bin", 1_000_001, seed=2)
        if self.takes_empty_files:
            self.make_file("source/tree/empty", 0)
        self.make_file("source/tree/deeper/ünïcode name.bin", 70_000, seed=3)
        self.make_file("source/tree/deeper/still/one byte", 1, seed=4)
        self.make_file("source/tree/last.bin", 234_567, seed=5)
        return root

    def make_torrent(self, source):
        self.tracker = self.start_tracker()
        torrent = self.path(f"{source.name}.torrent")
        type(self).make(source, torrent, self.tracker)
        self.info_hash = self.murder_json("info", torrent)["info_hash"]
        return torrent

    def test_info_hash_is_the_same(self):
        with cell(matrix.makers, self.name, HASH):
            self.need_all()
            for source in (self.make_file("source/one.bin", 200_001), self.make_tree()):
                torrent = self.make_torrent(source)
                theirs = libtorrent.torrent_info(str(torrent)).info_hashes().v1
                self.assertEqual(self.info_hash, str(theirs))
                self.murder("verify", torrent, source)

    def test_a_file_goes_from_our_seeder_to_our_peer(self):
        with cell(matrix.makers, self.name, SEED, FETCH):
            self.need_all()
            source = self.make_file("source/one.bin", 2_000_001)
            torrent = self.make_torrent(source)
            self.seed(torrent, source)
            self.path("target").mkdir()
            self.fetch(torrent, "--to", self.path("target"), "--seed-for", "0")
            self.wait_for_content(self.path("target", "one.bin"), source, "the target")

    def test_our_seeder_serves_its_tree(self):
        with cell(matrix.makers, self.name, SEED):
            self.need_all()
            source = self.make_tree()
            torrent = self.make_torrent(source)
            client = self.client(self.partner)
            if client.dials_loopback:
                self.seed(torrent, source)
                client.download(torrent, self.path("theirs"))
            else:
                client.download(torrent, self.path("theirs"))
                self.wait_for_leechers(self.tracker, 1)
                self.seed(torrent, source)
            self.wait_for_seeders(self.tracker, 2)
            client.leave()
            self.wait_for_content(self.path("theirs", "tree"), source, client)

    def test_our_peer_fetches_and_delivers_its_tree(self):
        with cell(matrix.makers, self.name, FETCH):
            self.need_all()
            source = self.make_tree()
            torrent = self.make_torrent(source)
            client = self.client(self.partner)
            client.seed(torrent, source.parent)
            self.wait_for_seeders(self.tracker, 1)
            self.path("target").mkdir()
            report = self.fetch(torrent, "--to", self.path("target"), "--seed-for", "0")
            self.assertEqual(report["path"], str(self.path("target", "tree")))
            self.wait_for_content(self.path("target", "tree"), source, "the target")
            self.wait_for_content(self.path("fetched", "tree"), source, "the temporary directory")


class MadeByLibtorrent(MakerCase, InteropCase):
    name = "libtorrent"
    make = make_with_libtorrent
    partner = Libtorrent


class HybridMadeByLibtorrent(MakerCase, InteropCase):
    """With the second version of the protocol beside the first (BEP 52), and padding files."""

    name = "libtorrent, hybrid"
    make = make_hybrid_with_libtorrent
    partner = Libtorrent


class MadeByTransmission(MakerCase, InteropCase):
    name = "transmission-create"
    program = "transmission-create"
    make = make_with_transmission
    takes_empty_files = False
    partner = Transmission


class MadeByMktorrent(MakerCase, InteropCase):
    name = "mktorrent"
    program = "mktorrent"
    make = make_with_mktorrent
    partner = Aria2


def load_tests(_loader, tests, _pattern):
    return together.Suite(tests, module_ended)


if __name__ == "__main__":
    unittest.main()
