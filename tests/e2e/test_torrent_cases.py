"""Torrents as others make them: links of BEP 47, bytes behind the end, deep trees, trackers that cannot be asked,
names that would forge lines. The inputs are in tests/cases."""

import hashlib
import json
import os
import subprocess

from harness import PROGRAM, ROOT, MurderCase, free_address
from torrents import bdecode, bencode

CASES = ROOT / "tests" / "cases"


class TorrentCase(MurderCase):
    def case(self, name):
        """The torrent, whose bytes stay as they are."""
        path = self.path(f"{name}.torrent")
        path.write_bytes((CASES / f"{name}.torrent").read_bytes())
        return path

    def with_tracker(self, path, tracker):
        """The same content with a tracker of this test."""
        torrent = bdecode(path.read_bytes())
        torrent[b"announce"] = f"http://{tracker}/announce".encode()
        other = path.with_name("with-tracker.torrent")
        other.write_bytes(bencode(torrent))
        return other

    def content(self, files):
        """A directory with these files, by their paths."""
        root = self.path("content", "rel")
        for name, data in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return root

    def fetch(self, torrent, content):
        """Seeds the content and fetches it by a peer; returns the directory where it is."""
        torrent = self.with_tracker(torrent, self.start_tracker())
        self.murder("seed", torrent, content, "--background", "--ip", free_address())
        self.peer(torrent, "--no-tag-directory")
        return self.path("host", "to")


class Read(TorrentCase):
    def test_bytes_behind_a_torrent_are_passed_over(self):
        path = self.case("byte-behind")
        whole = path.read_bytes()
        self.assertTrue(whole.endswith(b"e\n"))
        info = bdecode(whole[:-1])[b"info"]
        expected = hashlib.sha1(bencode(info)).hexdigest()
        for behind in (b"", b"\n", b"\0" * 4096, b"x", b"\r\n\r\n", whole[:-1]):
            path.write_bytes(whole[:-1] + behind)
            self.assertEqual(self.murder_json("info", path)["info_hash"], expected)

    def test_links_lead_from_the_root_or_from_their_directory(self):
        torrent = self.case("links-from-their-directory")
        links = {each["path"]: each.get("symlink_target") for each in self.murder_json("info", torrent)["files"]}
        self.assertEqual((links["dir/up"], links["dir/l"]), ("a.txt", "dir/big"))
        root = self.content({"a.txt": b"a" * 100, "dir/big": b"b" * 70_000})
        self.murder("verify", torrent, root)
        target = self.fetch(torrent, root)
        self.assertEqual(os.readlink(target / "dir" / "up"), "../a.txt")
        self.assertEqual(os.readlink(target / "dir" / "l"), "big")
        self.assertEqual((target / "dir" / "l").read_bytes(), b"b" * 70_000)

    def test_a_link_needs_no_length(self):
        torrent = self.case("link-without-length")
        target = self.fetch(torrent, self.content({"a.txt": b"a" * 100}))
        self.assertEqual(os.readlink(target / "l"), "a.txt")

    def test_a_link_that_names_nothing_is_refused_before_the_download(self):
        torrent = bdecode(self.case("link-without-length").read_bytes())
        torrent[b"info"][b"files"][1][b"symlink path"] = [b"missing"]
        path = self.path("dangling.torrent")
        path.write_bytes(bencode(torrent))
        for command in (["info", path], self.peer_arguments(path)):
            self.assertIn('the symbolic link "l" leads to "missing", which names nothing',
                          self.murder(*command, code=1).stderr)

    def test_a_hybrid_of_28_levels_is_read(self):
        torrent = self.case("hybrid-of-28-levels")
        path = "/".join("d" * 28 + "f")
        self.assertEqual([each["path"] for each in self.murder_json("info", torrent)["files"]], [path])

    def test_a_tree_of_300_levels_is_fetched(self):
        torrent = self.case("tree-of-300-levels")
        path = self.murder_json("info", torrent)["files"][0]["path"]
        self.assertGreaterEqual(path.count("/"), 299)
        target = self.fetch(torrent, self.content({path: b"a" * 100}))
        self.assertEqual((target / path).read_bytes(), b"a" * 100)

    def test_a_tree_beyond_the_bound_is_refused_when_it_is_read(self):
        torrent = bdecode(self.case("tree-of-300-levels").read_bytes())
        torrent[b"info"][b"files"][0][b"path"] = [b"d"] * 1000 + [b"f"]
        path = self.path("deep.torrent")
        path.write_bytes(bencode(torrent))
        self.assertIn("more than 1000 levels", self.peer(path, code=1).stderr)


class Trackers(TorrentCase):
    def test_those_that_cannot_be_asked_do_not_stand_in_the_way(self):
        torrent = bdecode(self.case("http-behind-16-udp").read_bytes())
        tracker = self.start_tracker()
        torrent[b"announce-list"][-1] = [b" \thttp://%s/announce\n" % tracker.encode()]
        for scheme in (b"wss", b"quic"):
            torrent[b"announce-list"].insert(0, [scheme + b"://127.0.0.1:1/announce"] * 300)
        torrent[b"info"] = {b"name": b"f", b"length": 100, b"piece length": 16384,
                            b"pieces": hashlib.sha1(b"a" * 100).digest()}
        path = self.path("f.torrent")
        path.write_bytes(bencode(torrent))
        self.path("f").write_bytes(b"a" * 100)
        told = self.murder("seed", path, "--background", "--ip", free_address())
        self.assertIn("a tracker knows it", told.stdout)
        peer = self.peer(path, "--to-is-directory")
        self.assertEqual(self.path("host", "to", "f").read_bytes(), b"a" * 100)
        said = peer.stderr
        self.assertEqual(said.count("only http:// and https:// trackers can be asked: passing over quic://127.0.0.1:1/announce"), 1)
        self.assertNotIn("trying again", said)


class Shown(TorrentCase):
    def test_control_characters_cannot_forge_lines(self):
        torrent = self.case("lines-in-names")
        shown = self.murder("info", torrent).stdout
        lines = shown.splitlines()
        self.assertEqual(len([line for line in lines if line.startswith("info hash")]), 1)
        self.assertIn("comment     x\\ninfo hash   0000000000000000000000000000000000000000", lines)
        self.assertFalse(any(line.startswith("   999") for line in lines), shown)
        self.assertIn("a\\n   999 GiB  forged", shown)
        # For machines the value is as it is.
        self.assertEqual(self.murder_json("info", torrent)["files"][0]["path"], "a\n   999 GiB  forged")

    def test_nothing_of_a_torrent_steers_the_terminal(self):
        hostile = ("\x1b[2J", "\x9b2J", "\u202egnp.exe", "\u2066x", "\x7f", "\r", "\x07", "\u2028", "\ud800")
        torrent = bdecode(self.case("lines-in-names").read_bytes())
        everything = "".join(hostile).encode("utf-8", "surrogatepass") + b"\xff\x9b"
        torrent[b"comment"] = everything
        torrent[b"created by"] = everything
        torrent[b"announce"] = b"http://a/" + everything
        torrent[b"info"][b"name"] = everything
        torrent[b"info"][b"files"][0][b"path"] = [everything]
        path = self.path("hostile.torrent")
        path.write_bytes(bencode(torrent))
        for arguments, code in ((["info", path], 0), (["info", path, "--json"], 0), (["seed", path], 1),
                                (self.peer_arguments(path), 1), (["verify", path, self.path("none")], 1)):
            result = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, timeout=60, check=False,
                                    env=self.environment)
            self.assertEqual(result.returncode, code, result.stderr)
            for output in (result.stdout, result.stderr):
                text = output.decode()  # well-formed
                for each in text:
                    self.assertFalse(each != "\n" and (ord(each) < 32 or 0x7F <= ord(each) < 0xA0), repr(text))
                    self.assertNotIn(each, "\u202e\u2066\u2028", repr(text))

    def test_a_million_files_are_shown_in_bounded_memory(self):
        names = b"".join(b"d6:lengthi%de4:pathl7:dir%04d16:file-%07d.txtee" % (number % 10, number // 1000, number)
                         for number in range(1_000_000))
        total = sum(number % 10 for number in range(10)) * 100_000
        pieces = -(-total // 16384)
        path = self.path("many.torrent")
        path.write_bytes(b"d4:infod5:filesl" + names + b"e4:name1:n12:piece lengthi16384e6:pieces%d:" % (pieces * 20) +
                         b"#" * (pieces * 20) + b"ee")
        for arguments in (["info", path], ["info", path, "--json"]):
            output = self.path("output")
            with open(output, "wb") as file:
                process = subprocess.Popen([PROGRAM, *map(str, arguments)], stdout=file, env=self.environment)
                _, status, used = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
            self.assertEqual(process.returncode, 0)
            self.assertLess(used.ru_maxrss, 300 * 1024, arguments)
            seconds = used.ru_utime + used.ru_stime
            print(f"{arguments[-1]}: {used.ru_maxrss // 1024} MiB, {seconds:.2f} s", end=" ", flush=True)
        files = json.loads(output.read_bytes())["files"]
        self.assertEqual(len(files), 1_000_000)
        self.assertEqual(files[-1], {"path": "dir0999/file-0999999.txt", "bytes": 9})
