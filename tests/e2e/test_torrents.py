"""Torrents that are wrong: an error that says what, exit code 1, and never a crash or a file out of place."""

import json
import os
import random
import shutil
import subprocess
import unittest

from harness import PROGRAM, MurderCase
from scripted import ScriptedPeer, ScriptedTracker
from torrents import Torrent, bencode

CONTENT = random.Random(11).randbytes(100_000)


class BadTorrent(MurderCase):
    def setUp(self):
        super().setUp()
        self.good = Torrent("data", CONTENT)

    def assert_refused(self, data, says=""):
        path = self.path("bad.torrent")
        path.write_bytes(data)
        for command in (["info", path], ["verify", path, path], ["seed", path, path],
                        self.peer_arguments(path)):
            result = self.murder(*command, code=1)
            self.assertRegex(result.stderr, rf"^murder {command[0]}: ")
            self.assertIn("torrent", result.stderr)
            self.assertIn(says, result.stderr)
        self.assertFalse(self.path("host", "to").exists())

    def with_info(self, **changes):
        info = {**self.good.info, **{key.replace("_", " "): value for key, value in changes.items()}}
        return bencode({"info": {key: value for key, value in info.items() if value is not None}})

    def test_the_good_one_is_taken(self):
        path = self.path("good.torrent")
        path.write_bytes(self.good.encoded())
        self.murder("info", path)

    def test_truncated_anywhere(self):
        whole = self.good.encoded()
        for size in [*range(0, len(whole), 97), len(whole) - 1]:
            path = self.path("bad.torrent")
            path.write_bytes(whole[:size])
            with self.subTest(size=size):
                self.assertIn("not a usable torrent", self.murder("info", path, code=1).stderr)

    def test_an_empty_one_is_said_to_be_empty(self):
        path = self.path("empty.torrent")
        path.write_bytes(b"")
        self.assertIn(f"{path} is not a usable torrent: it is empty", self.murder("info", path, code=1).stderr)
        self.assertIn("standard input is not a usable torrent: it is empty", self.murder("info", "-", code=1).stderr)

    def test_one_without_a_tracker_to_ask_ends_at_once(self):
        for trackers in ([], ["udp://127.0.0.1:1/announce"]):
            torrent = Torrent("data", CONTENT, 16384, trackers)
            result = self.peer(torrent.write(self.directory), code=1)
            self.assertRegex(result.stderr, "names no .*tracker")

    def test_not_bencode(self):
        for data in (b"hello", b"\x00" * 100, b"<html>", random.Random(12).randbytes(5000), b"d", b"i5e", b"le", b"de",
                     b"4:info", b"x" + self.good.encoded()):
            with self.subTest(data=data[:20]):
                self.assert_refused(data)

    def test_nested_ten_thousand_deep(self):
        for data in (b"l" * 10_000 + b"e" * 10_000, b"d1:a" * 10_000 + b"i1e" + b"e" * 10_000, b"l" * 1_000_000):
            self.assert_refused(data)

    def test_huge_integers(self):
        encoded = self.good.encoded()
        for number in (b"99999999999999999999", b"9" * 10_000, b"-1", b"9223372036854775807", b"18446744073709551616",
                       b"0100000", b"-0", b""):
            for before in (b"6:lengthi100000e", b"12:piece lengthi16384e"):
                key = before.rsplit(b"i", 1)[0]
                with self.subTest(number=number[:30], key=key):
                    self.assertIn(before, encoded)
                    self.assert_refused(encoded.replace(before, key + b"i" + number + b"e"))
        self.assert_refused(encoded.replace(b"4:name4:data", b"4:name99999999999999:data"))
        self.assert_refused(encoded.replace(b"4:name4:data", b"4:name-4:data"))

    def test_piece_counts_that_do_not_match(self):
        pieces = self.good.info["pieces"]
        for wrong in (pieces[:-20], pieces + bytes(20), pieces[:-1], b"", None, 5):
            with self.subTest(wrong=wrong):
                self.assert_refused(self.with_info(pieces=wrong))

    def test_wrong_piece_lengths(self):
        for wrong in (0, 1, 2**40, None, "16384"):
            with self.subTest(wrong=wrong):
                self.assert_refused(self.with_info(piece_length=wrong))

    def test_names_that_lead_elsewhere(self):
        for name in ("..", ".", "", "/etc/passwd", "a/b", "../up", "nul\0byte", "x" * 5000, None, 7):
            with self.subTest(name=name):
                self.assert_refused(self.with_info(name=name))

    def test_names_that_give_no_tag(self):
        """The tag is what is left of the name without its ending: it names a directory, which may be replaced."""
        other = self.path("host", "to", "other")
        other.mkdir(parents=True)
        for name in ("...tar", "..tar.zst", "-rf.tar", "a\nb.tar.gz", "\x1b[31m.tar"):
            with self.subTest(name=name):
                torrent = Torrent(name, CONTENT, 16384, ["http://127.0.0.1:1/announce"])
                path = self.path("bad.torrent")
                path.write_bytes(torrent.encoded())
                content = torrent.write_content(self.directory)
                for command in (["seed", path, content], self.peer_arguments(path, "--unsafe-please-delete")):
                    result = self.murder(*command, code=1, timeout=20)
                    self.assertIn("gives no usable tag", result.stderr)
                    self.assertNotRegex(result.stderr.removesuffix("\n"), "[\n\x1b]")
                self.assertTrue(other.is_dir())

    def test_control_characters_do_not_reach_the_terminal(self):
        path = self.path("odd.torrent")
        for name in ("esc\x1b[31m", "bell\x07", "c1\x9b31m", b"\xff\xfe"):
            with self.subTest(name=name):
                path.write_bytes(bencode({**self.good.top, "info": {**self.good.info, "name": name}, "comment": name}))
                result = subprocess.run([PROGRAM, "info", path], env=self.environment, capture_output=True, timeout=30,
                                        check=False)
                for byte in (b"\x1b", b"\x07", b"\x9b"):
                    self.assertNotIn(byte, (result.stdout + result.stderr).replace(b"\xc2\x9b", b"\x9b"))
                result = self.murder("info", path, "--json", code=None)
                self.assertIsInstance(json.loads(result.stdout), dict)

    def test_paths_that_lead_elsewhere(self):
        for path in (["..", "x"], ["a", "..", "..", "x"], ["/etc", "passwd"], ["/etc/passwd"], [""], [], ["a", ""], ["."],
                     ["nul\0byte"], ["a/../../x"], "x", [5], ["x" * 5000]):
            with self.subTest(path=path):
                files = [{"length": 100_000, "path": path}]
                self.assert_refused(self.with_info(length=None, files=files))

    def test_files_that_collide(self):
        for paths in ((["a"], ["a"]), (["a"], ["a", "b"])):
            with self.subTest(paths=paths):
                files = [{"length": 50_000, "path": path} for path in paths]
                self.assert_refused(self.with_info(length=None, files=files))

    def test_symbolic_links_that_have_content_or_lead_elsewhere(self):
        for link in ({"length": 100, "symlink path": ["b"]}, {"length": 0}, {"length": 0, "symlink path": ["..", "x"]},
                     {"length": 0, "symlink path": ["/etc/passwd"]}, {"length": 0, "symlink path": "b"}):
            with self.subTest(link=link):
                files = [{"path": ["l"], "attr": "l", **link}, {"length": 100_000 - link["length"], "path": ["b"]}]
                self.assert_refused(self.with_info(length=None, files=files))
                self.assert_refused(self.with_info(length=None, files=files[::-1]))

    def test_what_is_not_there_or_of_another_type(self):
        for data in (bencode({}), bencode({"info": 5}), bencode({"info": []}), bencode({"announce": "http://x/"}),
                     self.with_info(length=None), self.with_info(length="x"), self.with_info(length=None, files=5),
                     self.with_info(length=None, files=[])):
            with self.subTest(data=data[:60]):
                self.assert_refused(data)


class TreeTorrent(MurderCase):
    """A torrent of several files, made elsewhere."""

    def setUp(self):
        super().setUp()
        self.torrent = Torrent("tree", CONTENT)
        del self.torrent.info["length"]
        self.torrent.info["files"] = [
            {"length": 40_000, "path": ["etc", "a"]},
            {"length": 0, "path": ["etc", "link"], "attr": "l", "symlink path": ["b"]},
            {"length": 60_000, "path": ["b"]},
        ]
        seeder = ScriptedPeer(self, self.torrent)
        self.torrent.top["announce"] = ScriptedTracker(self, [seeder.address]).url
        self.torrent_path = self.torrent.write(self.directory)
        self.content = self.path("host", "temp", "tree")

    def test_symbolic_links_are_made(self):
        self.peer(self.torrent_path)
        tree = self.path("host", "to", "tree")
        self.assertEqual((tree / "etc" / "a").read_bytes() + (tree / "b").read_bytes(), CONTENT)
        self.assertEqual(os.readlink(tree / "etc" / "link"), "../b")
        self.assertIn("etc/link -> b", self.murder("info", self.torrent_path).stdout)

    def test_a_directory_that_murder_did_not_make_is_not_written_into(self):
        (self.content / "etc").mkdir(parents=True)
        for there, code in (({"etc/a": b"precious"}, 1), ({"b": CONTENT[40_000:], "etc/a": b"precious"}, 1),
                            ({"b": CONTENT[40_000:], "etc/a": CONTENT[:40_000] + b"more"}, 1),
                            ({"b": CONTENT[40_000:], "etc/a": CONTENT[:40_000]}, 0)):
            for name, data in there.items():
                (self.content / name).write_bytes(data)
            with self.subTest(there=list(there), code=code):
                result = self.peer(self.torrent_path, code=code)
                self.assertIn("not made by murder" if code else "", result.stderr)
                for name, data in there.items():
                    self.assertEqual((self.content / name).read_bytes(), data)

    def test_a_download_that_was_killed_goes_on(self):
        self.peer(self.torrent_path, to=None)
        (self.content / "b").write_bytes(bytes(60_000))
        self.peer(self.torrent_path)
        self.assertEqual(self.path("host", "to", "tree", "b").read_bytes(), CONTENT[40_000:])

    def test_no_link_leads_out_of_the_directory(self):
        out = self.path("out")
        out.mkdir()
        self.peer(self.torrent_path, to=None)
        shutil.rmtree(self.content / "etc")
        (self.content / "etc").symlink_to(out)
        self.peer(self.torrent_path, code=1)
        self.assertEqual(list(out.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
