"""Archives as other programs make them, whole and damaged: what GNU tar refuses is refused, what it takes is taken."""

import gzip
import io
import os
import random
import subprocess
import tarfile
import unittest

from harness import MurderCase
from scripted import ScriptedPeer, ScriptedTracker
from test_archives import entry
from torrents import Torrent


def zstd(data):
    return subprocess.run(["zstd", "-q", "-c", "--check"], input=data, capture_output=True, check=True).stdout


def flip(data, at):
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]


def tar_of(*entries, kind=tarfile.PAX_FORMAT):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=kind) as archive:
        for header, data in entries:
            archive.addfile(header, io.BytesIO(data))
    return buffer.getvalue()


def pax_block(records):
    header = tarfile.TarInfo("pax")
    header.type = tarfile.XHDTYPE
    header.size = len(records)
    return header.tobuf(tarfile.USTAR_FORMAT) + records + bytes(-len(records) % 512)


FILE = random.Random(2).randbytes(130_000)
TAR = tar_of(entry("dir", tarfile.DIRTYPE), entry("dir/file", data=FILE))
# Where the entries end, and the zeros begin.
END = len(TAR.rstrip(b"\0")) // 512 * 512 + 512


class ForeignArchives(MurderCase):
    def arrive(self, name, data, in_place, code):
        """The archive at a host: as a file that is there already, or unpacked while it comes."""
        tag = name.split(".")[0]
        with self.subTest(name=name, in_place=in_place):
            torrent = Torrent(name, data)
            target = self.path("host", "to", tag)
            temp = self.path("temp", f"{name}-{in_place}")
            temp.mkdir(parents=True)
            if in_place:
                torrent.write_content(temp)
            else:
                tracker = ScriptedTracker(self)
                tracker.peers = [ScriptedPeer(self, torrent).address]
                torrent = Torrent(name, data, trackers=[tracker.url])
                tracker.peers = [ScriptedPeer(self, torrent).address]
            path = torrent.write(self.directory)
            result = self.peer(path, "--temp-path", temp, "--unsafe-please-delete", code=code)
            if code != 0:
                self.assertRegex(result.stderr, r"murder peer: .*" + name.replace(".", r"\."))
                self.assertFalse(target.exists())
            checked = self.murder("verify", path, temp / name, code=code)
            if code != 0:
                self.assertIn("cannot unpack it", checked.stdout)
            return target

    def assert_refused(self, name, data):
        for in_place in (True, False):
            self.arrive(name, data, in_place, 1)

    def assert_taken(self, name, data):
        for in_place in (True, False):
            target = self.arrive(name, data, in_place, 0)
        return target

    def assert_file(self, target):
        self.assertEqual((target / "dir" / "file").read_bytes(), FILE)

    def test_a_flipped_bit_of_a_gzip_member_is_refused(self):
        stored = gzip.compress(TAR, compresslevel=0)
        for number, at in enumerate((60_000, -1, -4, -5, -8)):
            self.assert_refused(f"flip{number}.tar.gz", flip(stored, at))
        self.assert_refused("second.tar.gz", gzip.compress(TAR[:1024]) + flip(gzip.compress(TAR[1024:], 0), 60_000))

    def test_a_flipped_or_cut_checksum_at_the_end_is_refused(self):
        self.assert_refused("cut.tar.zst", zstd(TAR)[:-4])
        self.assert_refused("cut1.tar.zst", zstd(TAR)[:-1])
        self.assert_refused("flip.tar.zst", flip(zstd(TAR), -1))
        self.assert_refused("cut.tar.gz", gzip.compress(TAR)[:-8])
        # All of the tar is there, and what is behind its end is not.
        self.assert_refused("behind.tar.zst", zstd(TAR) + zstd(bytes(9000))[:-2])
        self.assert_refused("behind.tar.gz", gzip.compress(TAR) + gzip.compress(bytes(9000))[:-2])

    def test_members_and_frames_in_a_row_are_one_stream(self):
        self.assert_file(self.assert_taken(
            "rows.tar.gz", gzip.compress(b"") + gzip.compress(TAR[:700]) + gzip.compress(TAR[700:]) + gzip.compress(b"")))
        self.assert_file(self.assert_taken("rows.tar.zst", zstd(b"") + zstd(TAR[:700]) + zstd(TAR[700:]) + zstd(b"")))
        self.assert_file(self.assert_taken("padded.tar.gz", gzip.compress(TAR) + bytes(5000)))

    def test_garbage_behind_a_compressed_stream_is_refused(self):
        self.assert_refused("more.tar.gz", gzip.compress(TAR) + b"more")
        self.assert_refused("more.tar.zst", zstd(TAR) + b"more")

    def test_bytes_behind_a_tar_s_end_and_a_missing_end_are_taken_in_all_formats(self):
        for name, make in (("tar", bytes), ("tar.gz", gzip.compress), ("tar.zst", zstd)):
            for number, data in enumerate((TAR + b"\n", TAR + b"bytes that follow" * 100, TAR[:END],
                                           TAR[:END] + bytes(512) + b"x" * 512)):
                self.assert_file(self.assert_taken(f"v{number}.{name}", make(data)))
            self.assert_refused(f"mid.{name}", make(TAR[: END - 600]))

    def test_a_malformed_pax_header_is_refused(self):
        rest = tar_of(entry("plain", data=b"x"))
        self.assertEqual(os.listdir(self.assert_taken("good.tar", pax_block(b"14 path=right\n") + rest)), ["right"])
        for number, records in enumerate((b"99 path=right\n", b"path=right\n", b"13 path=right\n", b"14 path=right ",
                                          b"10 path123\n", b"12 size=abc\n", b"14 path=ri\0ht\n", b"8 path=\n",
                                          b"\0" b"14 path=right\n", b"14 path=right\n12 mtime=x.\n")):
            self.assert_refused(f"bad{number}.tar", pax_block(records) + rest)

    def test_a_file_that_is_named_twice_is_one_file(self):
        tree = self.path("tree")
        tree.mkdir()
        (tree / "one").write_text("1")
        os.link(tree / "one", tree / "two")
        data = subprocess.run(["tar", "-C", tree, "-cf", "-", "./one", "./two", "./one", "two"],
                              capture_output=True, check=True).stdout
        target = self.assert_taken("twice.tar", data)
        self.assertEqual(sorted(os.listdir(target)), ["one", "two"])
        self.assertEqual((target / "one").stat().st_nlink, 2)

    def test_a_later_entry_replaces_an_earlier_one(self):
        target = self.assert_taken("later.tar", tar_of(
            entry("a", data=b"file"), entry("a", tarfile.DIRTYPE), entry("a/x", data=b"x"),
            entry("b", tarfile.SYMTYPE, "a"), entry("b", tarfile.DIRTYPE), entry("b/y", data=b"y"),
            entry("c", tarfile.DIRTYPE), entry("c", data=b"file"),
            entry("usr/lib", tarfile.DIRTYPE), entry("lib", tarfile.SYMTYPE, "usr/lib"), entry("lib/z", data=b"z")))
        self.assertEqual(os.listdir(target / "a"), ["x"])
        self.assertEqual(os.listdir(target / "b"), ["y"])
        self.assertEqual((target / "c").read_text(), "file")
        self.assertEqual((target / "usr" / "lib" / "z").read_text(), "z")
        self.assertEqual(os.readlink(target / "lib"), "usr/lib")

    def test_trees_as_gnu_tar_packs_them_in_each_of_its_formats(self):
        tree = self.make_tree()
        long_name = tree / ("d" * 120) / ("e" * 120)
        long_name.mkdir(parents=True)
        (long_name / ("f" * 200)).write_text("long")
        os.symlink("x" * 300, tree / "long link")
        with open(tree / "holes", "wb") as file:
            for number in range(40):
                file.seek(number * 100_000)
                file.write(b"data")
            file.truncate(9_000_000)
        for number, kind in enumerate((["gnu"], ["gnu", "--sparse"], ["posix"], ["posix", "--sparse"],
                                       ["posix", "--sparse", "--sparse-version=0.1"],
                                       ["posix", "--sparse", "--sparse-version=0.0"], ["oldgnu", "--sparse"])):
            data = subprocess.run(["tar", "-C", tree, "-cf", "-", f"--format={kind[0]}", *kind[1:], "."],
                                  capture_output=True, check=True).stdout
            target = self.arrive(f"f{number}.tar", data, True, 0)
            self.assertEqual(subprocess.run(["diff", "-r", "--no-dereference", tree, target]).returncode, 0)
            self.assertEqual((target / "holes").stat().st_mtime_ns // 10**9, (tree / "holes").stat().st_mtime_ns // 10**9)
            if "posix" in kind:
                self.assertEqual((target / "holes").stat().st_mtime_ns, (tree / "holes").stat().st_mtime_ns)


if __name__ == "__main__":
    unittest.main()
