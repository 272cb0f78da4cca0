"""The archive on file systems that take direct writes (O_DIRECT) and on those that refuse them; rates that were asked for."""

import os
import subprocess
import time
import unittest

from harness import MurderCase

SIZE = 5_000_001  # no multiple of 4 KiB: the end goes through the page cache


def takes_direct(directory):
    probe = directory / "probe"
    probe.touch()
    try:
        os.close(os.open(probe, os.O_WRONLY | os.O_DIRECT))
        return True
    except OSError:
        return False
    finally:
        probe.unlink()


class FileSystems(MurderCase):
    def setUp(self):
        super().setUp()
        if os.getuid() != 0:
            self.skipTest("mounting needs root")
        self.source = self.make_file("content", SIZE)
        self.place = self.path("place")
        self.place.mkdir()

    def mount(self, kind, *options):
        arguments = ["mount", "-t", kind, *options, kind, self.place]
        if subprocess.run(arguments, capture_output=True, check=False).returncode != 0:
            self.skipTest(f"mounting {kind} is not allowed here")
        self.addCleanup(subprocess.run, ["umount", "-l", self.place], check=False)

    def fetch(self, *arguments):
        torrent = self.create(self.source, "v1", tracker=self.start_tracker())
        self.seed(torrent)
        self.peer(torrent, "--temp-path", self.place, *arguments, to=None)
        self.assertEqual((self.place / "v1").read_bytes(), self.source.read_bytes())

    def test_one_that_refuses_direct_writes(self):
        self.mount("ramfs")
        self.assertFalse(takes_direct(self.place))
        self.fetch()

    def test_tmpfs(self):
        self.mount("tmpfs", "-o", "size=64m")
        self.fetch()

    def test_overlay(self):
        for name in ("lower", "upper", "work"):
            self.path(name).mkdir()
        layers = f"lowerdir={self.path('lower')},upperdir={self.path('upper')},workdir={self.path('work')}"
        self.mount("overlay", "-o", layers)
        self.fetch()

    def test_the_usual_one_and_through_the_page_cache(self):
        self.fetch("--page-cache")


class ReadOnly(MurderCase):
    """What became read-only, as after an error of the disk."""

    def setUp(self):
        super().setUp()
        self.place = self.path("place")
        self.place.mkdir()
        if os.getuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "tmpfs", self.place], check=False).returncode != 0:
            self.skipTest("mounting is not allowed here")
        self.addCleanup(subprocess.run, ["umount", "-l", self.place], check=False)

    def make_read_only(self):
        subprocess.run(["mount", "-o", "remount,ro", self.place], check=True)

    def test_what_is_not_there_need_not_be_removed(self):
        self.make_read_only()
        self.assertIn("nothing of v1", self.murder("clean", "v1", "--temp-path", self.place).stdout)

    def test_what_cannot_be_removed_is_named(self):
        archive = self.place / "v1.tar.zst"
        archive.touch()
        self.make_read_only()
        result = self.murder("clean", "v1", "--temp-path", self.place, code=1)
        self.assertIn(f"cannot remove {archive}: Read-only file system", result.stderr)

    def test_an_archive_that_lacks_something_says_why_it_is_not_written(self):
        torrent = self.create(self.make_file("source/data", SIZE).parent, "v1", tracker=self.start_tracker())
        (self.place / "v1.tar.zst").write_bytes(b"x" * (self.temp_path / "v1.tar.zst").stat().st_size)
        self.make_read_only()
        result = self.peer(torrent, "--temp-path", self.place, code=1)
        self.assertIn("Read-only file system", result.stderr)
        self.assertIn("--temp-path", result.stderr)


class Rates(MurderCase):
    # Only the floor is checked: a busy machine takes longer, none is faster than it was told.
    def seconds(self, seed_options, peer_options):
        source = self.make_file("content", 6_000_000)
        torrent = self.create(source, "v1", tracker=self.start_tracker())
        self.seed(torrent, *seed_options)
        begin = time.monotonic()
        self.peer(torrent, *peer_options, to=None)
        return time.monotonic() - begin

    def test_upload_limit(self):
        self.assertGreater(self.seconds(["--upload-limit", "4MB"], []), 0.9 * 6 / 4)

    def test_download_limit(self):
        self.assertGreater(self.seconds([], ["--download-limit", "32mbit"]), 0.9 * 6 / 4)

    def test_a_limit_of_several_shards_is_one_limit(self):
        self.assertGreater(self.seconds(["--upload-limit", "4MB", "--shards", "2"], []), 0.9 * 6 / 4)


if __name__ == "__main__":
    unittest.main()
