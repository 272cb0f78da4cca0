"""Archives made to harm the host that unpacks them: nothing outside of the target, and no half release."""

import io
import os
import subprocess
import tarfile
import unittest

from harness import MurderCase
from torrents import Torrent


def entry(name, kind=tarfile.REGTYPE, link="", data=b""):
    header = tarfile.TarInfo(name)
    header.type = kind
    header.linkname = link
    header.size = len(data)
    header.mode = 0o755
    return header, data


class BadArchive(MurderCase):
    def setUp(self):
        super().setUp()
        self.outside = self.path("outside")
        self.outside.mkdir()
        (self.outside / "kept").write_text("kept")

    def release(self, *entries, raw=None):
        """A torrent whose archive, in self.temp_path, has these entries."""
        if raw is None:
            buffer = io.BytesIO()
            with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
                for header, data in entries:
                    archive.addfile(header, io.BytesIO(data))
            raw = subprocess.run(["zstd", "-q", "-c"], input=buffer.getvalue(), capture_output=True, check=True).stdout
        torrent = Torrent("bad.tar.zst", raw)
        torrent.write_content(self.temp_path)
        return torrent.write(self.directory)

    def unpack(self, torrent, *arguments, code=None):
        return self.peer(torrent, "--temp-path", self.temp_path, *arguments, code=code)

    def assert_refused(self, *entries, raw=None, arguments=()):
        result = self.unpack(self.release(*entries, raw=raw), *arguments, code=1)
        self.assertRegex(result.stderr, r"murder peer: .*bad\.tar\.zst")
        target = self.path("host", "to")
        self.assertEqual(os.listdir(target) if target.exists() else [], [])
        self.assert_outside_is_untouched()
        return result.stderr

    def assert_outside_is_untouched(self):
        self.assertEqual(os.listdir(self.outside), ["kept"])
        self.assertEqual((self.outside / "kept").read_text(), "kept")
        self.assertFalse(self.path("host", "escaped").exists())
        self.assertFalse(self.path("host", "to", "escaped").exists())

    def test_names_that_go_up(self):
        for name in ("../escaped", "a/../../escaped", "..", "./../../escaped"):
            with self.subTest(name=name):
                self.assert_refused(entry("fine", data=b"x"), entry(name, data=b"x"))

    def test_absolute_names_stay_inside_or_are_refused(self):
        name = str(self.outside / "escaped")
        result = self.unpack(self.release(entry(name, data=b"x")))
        self.assert_outside_is_untouched()
        if result.returncode != 0:
            self.assertIn("absolute", result.stderr)

    def test_a_symbolic_link_is_not_followed_by_later_entries(self):
        for link in (str(self.outside), "../../../outside", ".."):
            with self.subTest(link=link):
                self.assert_refused(entry("way", tarfile.SYMTYPE, link), entry("way/escaped", data=b"x"))
                self.assert_refused(entry("a", tarfile.DIRTYPE), entry("a/way", tarfile.SYMTYPE, link),
                                    entry("a/way/deep/escaped", data=b"x"))

    def test_a_file_over_a_symbolic_link_does_not_write_through_it(self):
        kept = str(self.outside / "kept")
        self.unpack(self.release(entry("way", tarfile.SYMTYPE, kept), entry("way", data=b"overwritten")))
        self.assert_outside_is_untouched()

    def test_hard_links_to_the_outside(self):
        for link in (str(self.outside / "kept"), "../../../outside/kept", "/etc/passwd", "way"):
            with self.subTest(link=link):
                self.assert_refused(entry("f"), entry("hard", tarfile.LNKTYPE, link))

    def test_a_hard_link_through_a_symbolic_link(self):
        self.unpack(self.release(entry("way", tarfile.SYMTYPE, str(self.outside)),
                                 entry("hard", tarfile.LNKTYPE, "way/kept"), entry("hard", data=b"overwritten")))
        self.assert_outside_is_untouched()

    def test_devices_and_pipes(self):
        for kind in (tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE):
            with self.subTest(kind=kind):
                self.assert_refused(entry("special", kind))

    def test_a_bomb(self):
        zeros = entry("zeros", data=bytes(30_000_000))
        self.assertIn("--max-unpacked", self.assert_refused(zeros, arguments=("--max-unpacked", "5MB")))
        many = [entry(f"{index}", data=bytes(100_000)) for index in range(100)]
        self.assert_refused(*many, arguments=("--max-unpacked", "5MB"))

    def test_an_archive_that_is_cut_or_is_none(self):
        whole = self.release(entry("a", data=os.urandom(200_000)), entry("b", data=os.urandom(200_000)))
        whole = (self.temp_path / "bad.tar.zst").read_bytes()
        for raw in (whole[:-1], whole[: len(whole) // 2], b"hello", os.urandom(50_000), whole[:50] + b"\xff" + whole[51:]):
            with self.subTest(raw=raw[:10]):
                self.assert_refused(raw=raw)

    def test_what_was_there_stays_when_unpacking_fails(self):
        target = self.path("host", "to", "bad")
        target.mkdir(parents=True)
        (target / "old").write_text("old")
        self.unpack(self.release(entry("new"), entry("../escaped")), "--unsafe-please-delete", code=1)
        self.assertEqual(os.listdir(target), ["old"])
        self.assert_no_leftovers(target.parent)


if __name__ == "__main__":
    unittest.main()
